/* SPDX-License-Identifier: MIT */
/* Options of a connection: set, checked, frozen, shared. */
#ifndef AMQP_WOLFSSL_CONFIG_H
#define AMQP_WOLFSSL_CONFIG_H

#include "verification/peer_name.h"
#include "tls/tls_context.h"

/** amqp_wolfssl_config_new() with the administrator's file at \a path. */
amqp_wolfssl_config_t *config_new_with_site_file(const char *path);

/** A new config for a single socket: it may be changed whenever that socket is closed. NULL if out of memory. */
amqp_wolfssl_config_t *config_new_unshared(void);
bool config_is_unshared(const amqp_wolfssl_config_t *config);

/** From now on no setter succeeds; wipes the passphrase unless the config is unshared. Any thread. */
void config_freeze(amqp_wolfssl_config_t *config);
/** Lets setters succeed again if the config is unshared and nothing uses its context; does nothing to others. */
void config_thaw(amqp_wolfssl_config_t *config);

/**
 * A reference to the context built from the options, to be dropped by tls_context_free(). Built at the first call, and
 * the same as long as the config stays frozen and, where it is to read files again, these hold the same. Any thread. If
 * a setter failed and has not succeeded since, this fails with that setter's error.
 * \param [out] warning what is wrong with what the files hold, where the context is made from what they held before
 */
amqp_wolfssl_code_t config_tls_context(amqp_wolfssl_config_t *config, struct tls_context **context,
                                       amqp_wolfssl_error_t *warning, amqp_wolfssl_error_t *error);

/** Whether a connection made from \a context should be replaced for the sake of its certificate. Any thread. */
bool config_outdates(amqp_wolfssl_config_t *config, const struct tls_context *context);

/** The options that shape handshakes and their checks. */
const struct tls_settings *config_settings(const amqp_wolfssl_config_t *config);

/** How many seconds a connection may last, as set by the program and the administrator; 0: no limit. */
int64_t config_maximum_life(const amqp_wolfssl_config_t *config);

/** The server name set separately from the address connected to, or NULL. */
const char *config_server_name(const amqp_wolfssl_config_t *config);
/** Whether no name is to be sent as SNI, unless one has to be verified. */
bool config_is_nameless(const amqp_wolfssl_config_t *config);

#endif
