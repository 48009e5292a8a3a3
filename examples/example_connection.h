/* SPDX-License-Identifier: MIT */
/* Shared by the longer examples: options, a connection, a login, and errors as a user should see them. */
#ifndef EXAMPLE_CONNECTION_H
#define EXAMPLE_CONNECTION_H

#include <amqp_wolfssl_socket.h>

struct example_options {
  const char *host;
  int port;
  const char *ca;
  const char *certificate; /* NULL: none */
  const char *key;
  const char *server_name; /* NULL: the host */
  const char *user;        /* NULL: EXTERNAL; else PLAIN with the password in $AMQP_PASSWORD */
  const char *tls;         /* "1.2", "1.3" or NULL for both */
  int without_extended_master_secret;
  int count; /* messages */
  int wait;  /* keep the connection until standard input closes */
};

struct example_connection {
  amqp_connection_state_t amqp;
  amqp_socket_t *socket; /* belongs to the connection */
};

/** Reads the command line; prints what is wrong with it, or the help, and exits. */
void example_read_options(int argc, char **argv, const char *purpose, struct example_options *options);

/** Opens TCP and TLS. \return 0, or -1 after printing why */
int example_open(const struct example_options *options, struct example_connection *connection);

/** Logs in. \return 0, or -1 after printing why */
int example_login(const struct example_options *options, const struct example_connection *connection);

/**
 * Prints why \a reply is not a success, with the error record if TLS failed.
 * \return 0 for success, else -1
 */
int example_check(const struct example_connection *connection, amqp_rpc_reply_t reply, const char *doing);

/** Closes politely and frees everything. */
void example_close(struct example_connection *connection);

#endif
