/* SPDX-License-Identifier: MIT */
/*
 * A set of revocation lists, as configured. A list that can't be read, never expires, is a delta or has an unknown
 * critical extension fails the whole input: a list that is skipped may be the one that revokes. What the lists say
 * about a certificate is a matter for revocation.h.
 */
#ifndef AMQP_WOLFSSL_REVOCATION_LISTS_H
#define AMQP_WOLFSSL_REVOCATION_LISTS_H

#include "base/error.h"
#include "x509/certificate_list.h"
#include "x509/revocation_list.h"

/** Filled by one thread, then shared read-only and counted. */
struct revocation_lists;

struct kept_list {
  uint8_t *der; /**< the bytes that \a list points into */
  char *origin; /**< for error sentences */
  struct revocation_list list;
  uint8_t *signer; /**< the public key that revocation_lists_check_signers() found it signed with; NULL: none */
  size_t signer_length;
};

/** An empty set with one reference; NULL if out of memory. */
struct revocation_lists *revocation_lists_new(void);
struct revocation_lists *revocation_lists_reference(struct revocation_lists *lists);
/** NULL does nothing. */
void revocation_lists_release(struct revocation_lists *lists);

/**
 * Adds every list of the input.
 * \param [in] origin the file's path or "the CRL in memory", for error sentences
 * \return AMQP_WOLFSSL_OK, CRL_MALFORMED (or none in it), CRL_UNUSABLE, INVALID_ARGUMENT (too long) or NO_MEMORY; some
 * may have been added when it fails
 */
amqp_wolfssl_code_t revocation_lists_add(struct revocation_lists *lists, const void *data, size_t length,
                                         amqp_wolfssl_format_t format, const char *origin, amqp_wolfssl_error_t *error);

/** Refuses a set that contains an expired list; for sets that can't be refreshed. */
amqp_wolfssl_code_t revocation_lists_check_dates(const struct revocation_lists *lists, int64_t now,
                                                 amqp_wolfssl_error_t *error);

/**
 * Finds the lists that a trusted CA has signed, so that they needn't be checked for each connection. The others may be
 * signed by a CA that the broker sends, or by another CA of that name. Call it before the set is shared.
 * \return AMQP_WOLFSSL_OK or NO_MEMORY
 */
amqp_wolfssl_code_t revocation_lists_check_signers(struct revocation_lists *lists,
                                                   const struct certificate_list *anchors, amqp_wolfssl_error_t *error);

/** The lists in the order in which they were added; NULL after the last. Valid until one is added. */
const struct kept_list *revocation_lists_at(const struct revocation_lists *lists, size_t index);

#endif
