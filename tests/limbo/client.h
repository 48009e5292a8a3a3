/* SPDX-License-Identifier: MIT */
/* The library's side of a case, over its public interface: a config as the case wants it, and one attempt to open. */
#ifndef TESTS_LIMBO_CLIENT_H
#define TESTS_LIMBO_CLIENT_H

#include <stdbool.h>

#include <amqp_wolfssl_socket.h>

#include "cases.h"

struct limbo_verdict {
  const char *outcome; /**< "accept", "refuse", or "broken": what failed was not the certificates */
  const char *stage;   /**< where it was refused, in the library's words, or "setter"; "-" when it was not */
  const char *code;
  char sentence[1024];
};

/**
 * A config that trusts and checks what the case says.
 * \return NULL, with \a verdict filled in, when a setter refused: then the case is decided
 */
amqp_wolfssl_config_t *limbo_client_configure(const struct limbo_case *testcase, amqp_wolfssl_version_t version,
                                              struct limbo_verdict *verdict);
/**
 * Opens a connection to 127.0.0.1. With \a other_key the server can't prove that it has the key of its certificate:
 * that this is found out, and nothing before it, counts as having accepted the certificate. Takes over \a config.
 */
void limbo_client_open(amqp_wolfssl_config_t *config, int port, bool other_key, struct limbo_verdict *verdict);

/** From now on time() tells \a now, whatever library of this process asks. */
void limbo_clock_stop(time_t now);

#endif
