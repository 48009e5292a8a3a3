/* SPDX-License-Identifier: MIT */
/* RabbitMQ for a test program: scripts/broker in the temporary folder, whose keeper sees to its end. */
#ifndef TESTS_PRIVATE_BROKER_H
#define TESTS_PRIVATE_BROKER_H

#include <stdbool.h>

#include "peer_process.h"

struct private_broker {
  char folder[4096];
  struct peer_process *starting;
  bool ready;
  int tls_port;
  int plain_port;
  char user[128]; /* for PLAIN */
  char password[128];
};

/** Skips the running case, or fails it where REQUIRE_PEERS=1, when RabbitMQ is not installed. */
void private_broker_require(void);
/** Whether RabbitMQ is installed. */
bool private_broker_exists(void);

/**
 * Begins to start one with the certificate \a server; it takes seconds, so that two may start at once.
 * \param [in] name begins with "broker-": what the keeper of the temporary folder looks for
 */
void private_broker_begin(struct private_broker *broker, const char *name, const char *server);
/** Waits until it is ready. Fails the running case if that does not come. Does nothing the second time. */
void private_broker_await(struct private_broker *broker);

/**
 * A CMocka group set-up: mints certificates, and begins to start a broker beside them if RabbitMQ is installed. Torn
 * down by minted_certificates_tear_down().
 */
int private_broker_set_up(void **state);
/** The broker of that set-up, ready. Skips or fails the running case when there is none, as the functions above do. */
const struct private_broker *private_broker_ready(void);

/** Runs rabbitmqctl with the arguments up to NULL, and returns what it wrote, to be freed. */
char *private_broker_ctl(const struct private_broker *broker, const char *const *arguments);

#endif
