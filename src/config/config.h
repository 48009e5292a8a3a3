/* SPDX-License-Identifier: MIT */
/* Options of a connection: set, checked, frozen, shared. */
#ifndef AMQP_WOLFSSL_CONFIG_H
#define AMQP_WOLFSSL_CONFIG_H

#include "verification/peer_name.h"
#include "tls/tls_context.h"

/** amqp_wolfssl_config_new() with the administrator's file at \a path. */
amqp_wolfssl_config_t *config_new_with_site_file(const char *path);

/** A fresh config for one socket alone: it may be changed whenever that is closed. NULL without memory. */
amqp_wolfssl_config_t *config_new_unshared(void);
bool config_is_unshared(const amqp_wolfssl_config_t *config);

/** From now on no setter succeeds. Any thread. */
void config_freeze(amqp_wolfssl_config_t *config);
/** Setters succeed again where the config is unshared and nothing uses its context; does nothing to others. */
void config_thaw(amqp_wolfssl_config_t *config);

/**
 * The context made from the options; made at the first call, the same as long as the config stays frozen. Any thread.
 * When a setter failed and nobody mended it, this fails with that setter's error.
 */
amqp_wolfssl_code_t config_tls_context(amqp_wolfssl_config_t *config, const struct tls_context **context,
                                       amqp_wolfssl_error_t *error);

/** Seconds that a connection may last, as the program and the administrator say; 0: no limit. */
int64_t config_maximum_life(const amqp_wolfssl_config_t *config);

/** The name set apart from the address connected to, or NULL. */
const char *config_server_name(const amqp_wolfssl_config_t *config);

#endif
