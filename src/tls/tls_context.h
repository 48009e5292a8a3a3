/* SPDX-License-Identifier: MIT */
/* A WOLFSSL_CTX built from settings: once per config, or once for each set of credentials that its files have held;
   then shared read-only by its sessions, and counted. With stapling each session has one of its own. */
#ifndef AMQP_WOLFSSL_TLS_CONTEXT_H
#define AMQP_WOLFSSL_TLS_CONTEXT_H

#include "identity/credentials.h"
#include "base/error.h"
#include "policy/tls_settings.h"
#include "verification/trust.h"

struct WOLFSSL;
struct remembered_paths;
struct tls_context;

/** Builds a context. \a settings, \a trust and \a credentials must outlive it; an empty chain means no identity. */
amqp_wolfssl_code_t tls_context_new(struct tls_context **context, const struct tls_settings *settings,
                                    const struct trust *trust, const struct credentials *credentials,
                                    amqp_wolfssl_error_t *error);
/**
 * The same, but takes over what \a trust and \a credentials hold, which are empty then: one generation of credentials
 * that were read from files. On failure they stay the caller's.
 */
amqp_wolfssl_code_t tls_context_new_owning(struct tls_context **context, const struct tls_settings *settings,
                                           struct trust *trust, struct credentials *credentials,
                                           amqp_wolfssl_error_t *error);
/** Another reference; NULL for NULL. Any thread. Contexts don't change: sessions keep theirs when a new one is made. */
struct tls_context *tls_context_reference(const struct tls_context *context);
/** Drops a reference; the last one frees the context. NULL does nothing. Any thread. */
void tls_context_free(struct tls_context *context);

const struct tls_settings *tls_context_settings(const struct tls_context *context);
const struct trust *tls_context_trust(const struct tls_context *context);
const struct credentials *tls_context_credentials(const struct tls_context *context);
struct remembered_paths *tls_context_remembered_paths(const struct tls_context *context);

/** A new WOLFSSL for this context, or NULL if out of memory. */
struct WOLFSSL *tls_context_new_ssl(const struct tls_context *context);

#endif
