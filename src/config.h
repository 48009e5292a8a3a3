/* SPDX-License-Identifier: MIT */
/* Options of a connection: set, checked, frozen, shared. */
#ifndef AMQP_WOLFSSL_CONFIG_H
#define AMQP_WOLFSSL_CONFIG_H

#include "peer_name.h"
#include "tls_context.h"

/** From now on no setter succeeds. Any thread. */
void config_freeze(amqp_wolfssl_config_t *config);

/**
 * The context made from the options; made at the first call, the same ever after. Any thread.
 * When a setter of trust or identity failed and nobody mended it, this fails with that setter's error.
 */
amqp_wolfssl_code_t config_tls_context(amqp_wolfssl_config_t *config, const struct tls_context **context,
                                       amqp_wolfssl_error_t *error);

/** The name set apart from the address connected to, or NULL. */
const char *config_server_name(const amqp_wolfssl_config_t *config);

#endif
