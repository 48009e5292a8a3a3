/* SPDX-License-Identifier: MIT */
/*
 * A client of the library as a program would write it: config, socket, login, publishing and consuming. Steps that a
 * test does not expect to fail fail the running CMocka case.
 */
#ifndef TESTS_CLIENT_H
#define TESTS_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <amqp_wolfssl_socket.h>

#define CLIENT_CHANNEL 1
#define CLIENT_LISTS 4

/** What a config is made of. Certificates by the names that mint-certificates gives them. */
struct client_settings {
  const char *ca;                      /**< "bundle", … */
  const char *identity;                /**< "client", …; NULL: none */
  const char *server_name;             /**< NULL: the host connected to */
  int version;                         /**< the only TLS version; 0: both */
  int policy;                          /**< 0: the default */
  bool without_extended_master_secret; /**< TLS 1.2 may do without it, whatever the policy says */
  const char *lists[CLIENT_LISTS];     /**< revocation lists: "list-clean", …; NULL ends them */
  amqp_wolfssl_stapling_t stapling;
};

/** Trusts "bundle", and is "client". */
extern const struct client_settings client_ordinary;

/** The TLS versions there are, for a client of each. */
extern const int client_versions[2];
/** "TLSv1.2" or "TLSv1.3". */
const char *client_version_name(int version);

struct client {
  amqp_connection_state_t connection;
  amqp_socket_t *socket;
};

/** A connection with our socket on it, not opened yet. */
struct client client_new(const struct client_settings *settings);
/** amqp_socket_open_noblock(), with a time limit that only a hang reaches; its status. */
int client_try_open(struct client *client, const char *host, int port);
/** The same, but fails the running case unless it succeeds. */
void client_open(struct client *client, const char *host, int port);
/** Frees it, without a word to the broker. */
void client_destroy(struct client *client);
/** Closes in order, and frees it. */
void client_close(struct client *client);

/** What ended in a failure, in one line: status, stage, code, alert, depth and subject. */
const char *client_describe_failure(const struct client *client, int status);
/**
 * The same line for what is expected.
 * \param [in] alert 0: none
 * \param [in] sent whether we sent it or received it
 */
const char *client_describe_expected(int status, const char *stage, const char *code, int alert, int sent, int depth,
                                     const char *subject);

#define CLIENT_FRAME_MAX 131072

/** amqp_login() by PLAIN. */
amqp_rpc_reply_t client_login_plain(struct client *client, const char *user, const char *password, int frame_max,
                                    int heartbeat);
/** amqp_login() by EXTERNAL. */
amqp_rpc_reply_t client_login_external(struct client *client);
/** Fails the running case, with all there is to say, unless \a reply is good. */
void client_check(const struct client *client, amqp_rpc_reply_t reply, const char *doing);
/** The code of a Connection.Close in \a reply, or 0. */
int client_refusal(amqp_rpc_reply_t reply);

/** Opens CLIENT_CHANNEL and declares a queue of the connection's own; its name, to be freed by amqp_bytes_free(). */
amqp_bytes_t client_declare_queue(struct client *client);
/** Turns publisher confirms on. */
void client_confirm_select(struct client *client);
/** Waits for the broker's word on \a count messages. */
void client_await_confirms(struct client *client, uint64_t count);

/** The bytes of message \a number. */
void client_fill(uint8_t *bytes, size_t length, size_t number);
/** Publishes message \a number. */
void client_publish(struct client *client, amqp_bytes_t queue, size_t length, size_t number);
/** Begins to consume, without acknowledgements. */
void client_consume(struct client *client, amqp_bytes_t queue);
/** Takes the next message; fails the running case unless it is \a number, byte for byte. */
void client_expect_message(struct client *client, size_t length, size_t number);
/** The same, but without waiting: false when none is there yet. */
bool client_take_message(struct client *client, size_t length, size_t number);
/**
 * Waits as a program does that polls the descriptor itself: not at all when rabbitmq-c has something of its own. What
 * it has taken from the socket poll() can't see; what the transport keeps back the program can't know of.
 * \param [in] number the message that is awaited, for what is said when nothing comes within \a limit_ms
 */
void client_await_descriptor(const struct client *client, size_t number, int limit_ms);

#endif
