/* SPDX-License-Identifier: MIT */
/*
 * One TLS session over a socket that never blocks. It knows nothing of AMQP. Every call does what can be done now and
 * says what to wait for; failures leave a record and are final.
 */
#ifndef AMQP_WOLFSSL_SESSION_H
#define AMQP_WOLFSSL_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "tls/connection_facts.h"
#include "base/deadline.h"
#include "base/error.h"
#include "verification/peer_name.h"
#include "tls/tls_context.h"
#include "tls/tls_io.h"

struct session;

/** What a step came to. Those that wait are a set of what to wait for, in the bits of deadline_wait(). */
enum session_result {
  SESSION_DONE = 0,
  SESSION_WANT_READ = DEADLINE_READABLE,
  SESSION_WANT_WRITE = DEADLINE_WRITABLE,
  SESSION_WANT_EITHER = DEADLINE_READABLE | DEADLINE_WRITABLE,
  SESSION_ENDED, /**< the peer ended the stream cleanly; the record says so */
  SESSION_FAILED /**< see the record */
};

static inline bool session_waits(enum session_result result) {
  return result != SESSION_DONE && result <= SESSION_WANT_EITHER;
}

/** The most plaintext that one session_send() takes: four full records. Bounds the output queue. */
#define SESSION_SEND_MOST (4 * TLS_RECORD_PLAINTEXT)

/**
 * Takes a reference to \a context.
 * \param [in] name the name of the server; NULL if there is nothing to verify or to send as SNI
 * \param [out] error where this session reports errors, from now on and in every call; must outlive it
 * \return NULL if out of memory, or if the FIPS module has failed, with \a error set
 */
struct session *session_new(const struct tls_context *context, const struct peer_name *name,
                            const struct lower_socket *lower, amqp_wolfssl_error_t *error);
void session_free(struct session *session);
/** What the session was made from. */
const struct tls_context *session_context(const struct session *session);

/** One step of the handshake. SESSION_DONE: finished, verified, within the policy; \a facts are filled. */
enum session_result session_handshake(struct session *session, struct connection_facts *facts);

/**
 * Encrypts, behind nothing: if earlier bytes still wait to leave, it takes none (SESSION_WANT_WRITE). What it takes, at
 * most SESSION_SEND_MOST, is final; whether it has left too, session_flush() says.
 */
enum session_result session_send(struct session *session, const void *bytes, size_t length, size_t *taken);

/** Sends what waits, as far as the kernel takes it. SESSION_DONE: all of it has left. */
enum session_result session_flush(struct session *session);

/** How many bytes of those that were taken may not have left. */
size_t session_unsent(const struct session *session);

/** Whether sending works; after a failure it never does again. */
bool session_can_send(const struct session *session);

/** Ends the session because its caller broke the contract of sending. */
void session_refuse_send(struct session *session, const char *sentence);

/**
 * One step both ways: sends what waits, and decrypts all that has arrived and fits. SESSION_DONE: \a received is not 0.
 * Nothing is read while too much waits to leave; then it waits for writing alone.
 */
enum session_result session_recv(struct session *session, void *bytes, size_t capacity, size_t *received);

/** Whether anything waits to leave. */
bool session_has_output(const struct session *session);

/** Clears the record until the next call fills it again: a caller that has got data was not told of the end yet. */
void session_postpone_failure(struct session *session);

/** What the next step would wait for. */
enum session_result session_wants(const struct session *session);

/** Sends close_notify, if that can be done without waiting. */
void session_close_notify(struct session *session);

#endif
