/* SPDX-License-Identifier: MIT */
/*
 * A client of the fault tests: connects, logs in, publishes with confirms, consumes and compares. Every step says
 * whether it went well and leaves a sentence if not; nothing here asserts, so that threads may use it.
 */
#ifndef TESTS_FAULT_CLIENT_H
#define TESTS_FAULT_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include <amqp_wolfssl_socket.h>

#define FAULT_CLIENT_LONGEST ((size_t)20000)
#define FAULT_CLIENT_MOST_MESSAGES 1000

struct fault_client {
  amqp_connection_state_t amqp;
  amqp_socket_t *socket;
  char queue[256];
  bool confirmed[FAULT_CLIENT_MOST_MESSAGES + 1]; /* by delivery tag, which counts from 1 */
  int status;                                     /* of the last step that failed: an AMQP_STATUS_*, or 0 */
  char problem[1536];
};

/** A config that trusts "ca" and is "client"; NULL when something of it fails. */
amqp_wolfssl_config_t *fault_config_new(amqp_wolfssl_version_t lowest, amqp_wolfssl_version_t highest);

/** Makes the connection and the socket on it. */
bool fault_client_new(struct fault_client *client, amqp_wolfssl_config_t *config);
bool fault_client_open(struct fault_client *client, int port);
/** Logs in by PLAIN, opens channel 1, turns confirms on, declares a queue of its own. */
bool fault_client_login(struct fault_client *client, const char *user, const char *password, int frame_max);
/** Publishes one message whose bytes follow from its number. */
bool fault_client_publish(struct fault_client *client, int number, size_t length);
/** Waits until the first \a count messages of this connection are confirmed. */
bool fault_client_await_confirms(struct fault_client *client, size_t count);
bool fault_client_start_consuming(struct fault_client *client);
/** Takes the next message and compares it with what fault_client_publish() made of this number and length. */
bool fault_client_consume(struct fault_client *client, int number, size_t length);
/** Closes in order. */
bool fault_client_close(struct fault_client *client);
/** Frees everything, in whatever state it is. */
void fault_client_destroy(struct fault_client *client);

#endif
