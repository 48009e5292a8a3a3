/* SPDX-License-Identifier: MIT */
/*
 * One TLS session over a socket that never blocks. It knows nothing of AMQP. Every call does what can be done now and
 * says what to wait for; failures leave a record and are final.
 */
#ifndef AMQP_WOLFSSL_SESSION_H
#define AMQP_WOLFSSL_SESSION_H

#include <stddef.h>

#include "tls/connection_facts.h"
#include "base/error.h"
#include "verification/peer_name.h"
#include "tls/tls_context.h"
#include "tls/tls_io.h"

struct session;

enum session_result {
  SESSION_DONE,
  SESSION_WANT_READ,
  SESSION_WANT_WRITE,
  SESSION_ENDED, /**< the peer ended the stream cleanly; the record says so */
  SESSION_FAILED /**< see the record */
};

/**
 * \param [in] name the name of the server; NULL if there is nothing to verify or to send as SNI
 * \param [out] error where this session reports errors, from now on and in every call; must outlive it
 * \return NULL if out of memory, or if the FIPS module has failed, with \a error set
 */
struct session *session_new(const struct tls_context *context, const struct peer_name *name,
                            const struct lower_socket *lower, amqp_wolfssl_error_t *error);
void session_free(struct session *session);

/** One step of the handshake. SESSION_DONE: finished, verified, within the policy; \a facts are filled. */
enum session_result session_handshake(struct session *session, struct connection_facts *facts);

/**
 * Encrypts and sends. Bytes count as accepted once their ciphertext is in the kernel. After SESSION_WANT_WRITE the same
 * bytes must be offered again, at least those offered before.
 */
enum session_result session_send(struct session *session, const void *bytes, size_t length, size_t *accepted);

/** Decrypts all that has arrived and fits. SESSION_DONE: \a received is not 0. */
enum session_result session_recv(struct session *session, void *bytes, size_t capacity, size_t *received);

/** Sends close_notify, if that can be done without waiting. */
void session_close_notify(struct session *session);

#endif
