/* SPDX-License-Identifier: MIT */
/*
 * Finds out why a session failed, from all that is known: wolfSSL's code, alerts, the first bytes, the socket's errno.
 */
#ifndef AMQP_WOLFSSL_SESSION_ERROR_H
#define AMQP_WOLFSSL_SESSION_ERROR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "verification/peer_name.h"
#include "verification/peer_verification.h"
#include "tls/tls_context.h"
#include "tls/tls_io.h"

struct WOLFSSL;

struct session_failure {
  struct WOLFSSL *ssl;
  const struct tls_context *context;
  const struct peer_name *name;
  const struct tls_io *io;
  const struct peer_verification *verification;
  bool handshake_done;
  bool data_received; /* AMQP has arrived: there is a broker */
  amqp_wolfssl_stage_t stage;
  int wolfssl_code; /* 0: the socket below failed */
};

/** Fills the record; it never stays empty. */
void session_error_explain(const struct session_failure *failure, amqp_wolfssl_error_t *error);

/** The fatal alert for a server that we refuse where wolfSSL does not. */
uint8_t session_error_alert_to_send(const amqp_wolfssl_error_t *error);

#endif
