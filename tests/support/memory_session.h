/* SPDX-License-Identifier: MIT */
/* A session under test, everything it is made from, and the server in memory it talks to. */
#ifndef TESTS_MEMORY_SESSION_H
#define TESTS_MEMORY_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "memory_peer.h"

#include "tls/session.h"

/** Who the client is and what it asks for. Files are names in the temporary folder. */
struct memory_session_settings {
  const char *ca;          /**< NULL: none */
  const char *certificate; /**< NULL: no identity */
  const char *key;
  const char *name;               /**< NULL: none */
  bool skip_peer;                 /**< verify_peer = 0 */
  bool skip_host;                 /**< verify_host = 0 */
  amqp_wolfssl_version_t lowest;  /**< 0: TLS 1.2 */
  amqp_wolfssl_version_t highest; /**< 0: TLS 1.3 */
  amqp_wolfssl_policy_t policy;   /**< 0: AMQP_WOLFSSL_POLICY_FIPS */
  /** Whose context to use, as the connections of one config do; it must outlive this one. NULL: one of its own. */
  const struct memory_session *sibling;
};

struct memory_session {
  struct tls_settings settings;
  struct trust trust;
  struct credentials credentials;
  struct tls_context *own_context; /* NULL: a sibling's is used */
  const struct tls_context *context;
  struct session *session;
  struct memory_peer *peer;
  struct connection_facts facts;
  amqp_wolfssl_error_t error;
};

/** Makes a fresh pair that has not yet said a word. Aborts when it can't. */
struct memory_session *memory_session_new(const struct memory_session_settings *client,
                                          const struct memory_peer_settings *server);
void memory_session_free(struct memory_session *pair);

/**
 * Lets both take steps until the client's handshake is over, one way or the other, and the server's as far as it goes.
 * \return the client's last answer; it is one that waits when both wait for each other
 */
enum session_result memory_session_handshake(struct memory_session *pair);

#endif
