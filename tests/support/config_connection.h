/* SPDX-License-Identifier: MIT */
/* What a config connects to: that shows what a setter has changed. The servers are in memory (memory_peer.h). */
#ifndef TESTS_CONFIG_CONNECTION_H
#define TESTS_CONFIG_CONNECTION_H

#include <stdbool.h>

#include "amqp_wolfssl_socket.h"
#include "tls/connection_facts.h"

struct connection {
  amqp_wolfssl_error_t error;
  amqp_wolfssl_error_t warning; /* what config_tls_context() warns of */
  struct connection_facts facts;
  unsigned client_certificates;
  bool connected;
};

/** Connects to the server whose certificate is \a server_name. */
void connect_config(struct connection *connection, amqp_wolfssl_config_t *config, const char *server_name);
/** Fails the running case unless the config connects, with or without showing the identity "client". */
void expect_connection(amqp_wolfssl_config_t *config, const char *server_name, bool with_identity);
/** Fails the running case unless the config does not connect, for this reason. */
void expect_refusal(amqp_wolfssl_config_t *config, const char *server_name, amqp_wolfssl_code_t code);

/** Trusts "ca", and is "client". */
amqp_wolfssl_config_t *good_config(void);
/** Fails the running case unless a setter returned what was expected, and the config's record says the same. */
void assert_record(const amqp_wolfssl_config_t *config, amqp_wolfssl_code_t returned, amqp_wolfssl_code_t expected);

/** CMocka group setup: certificates, and folders of them: authorities, own-authorities, lists. */
int config_files_set_up(void **state);

#endif
