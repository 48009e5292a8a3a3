/* SPDX-License-Identifier: MIT */
/*
 * Who the server must be, as far as the program has said it before it connects: one of several names, a URI, or both.
 * Without the former the name is the host connected to.
 */
#ifndef AMQP_WOLFSSL_EXPECTED_IDENTITY_H
#define AMQP_WOLFSSL_EXPECTED_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "verification/peer_name.h"

/** Most names that may be accepted: each is compared with each of a certificate's. */
#define EXPECTED_NAMES_MAXIMUM 128

struct expected_identity {
  struct peer_name *names; /**< any of them will do; NULL: the host connected to */
  size_t name_count;
  char *uri; /**< NULL: none is expected */
};

/** \a names replace those set before; NULL with a \a count of 0 removes them. Nothing changes on failure. */
amqp_wolfssl_code_t expected_identity_set_names(struct expected_identity *expected, const char *const *names,
                                                size_t count, amqp_wolfssl_error_t *error);
/** \a uri replaces one set before; NULL removes it. Nothing changes on failure. */
amqp_wolfssl_code_t expected_identity_set_uri(struct expected_identity *expected, const char *uri,
                                              amqp_wolfssl_error_t *error);
void expected_identity_free(struct expected_identity *expected);

/** Whether anything is left to check once the name isn't: \a expected may be NULL. */
bool expected_identity_has_uri(const struct expected_identity *expected);
/** Whether there is a list of names, which counts in place of the host. \a expected may be NULL. */
bool expected_identity_has_names(const struct expected_identity *expected);

/**
 * Compares it with a server's certificate.
 * \param [in] expected may be NULL: nothing but the host
 * \param [in] verify_names whether names count at all; a URI always does
 * \param [in] host the name of the host connected to, or the server name set in its place; NULL: none
 * \return AMQP_WOLFSSL_OK, or _NAME_MISMATCH or _CHAIN_INVALID with \a error set: what was expected, and every name
 *   that the certificate has, URIs first
 */
amqp_wolfssl_code_t expected_identity_check(const struct expected_identity *expected, bool verify_names,
                                            const struct peer_name *host, const struct certificate *leaf,
                                            amqp_wolfssl_error_t *error);

#endif
