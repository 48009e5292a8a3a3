/* SPDX-License-Identifier: MIT */
/*
 * Judges whether the broker's certificates are revoked: by revocation lists for every certificate from the broker's own
 * up to the trusted CA, and by a stapled OCSP answer for the broker's own. Whatever can't be known is a refusal.
 *
 * wolfSSL has checks of both, which are not relied upon. Its check of lists takes the first one of an issuer, reports
 * an expired one as missing, ignores critical extensions, leaves out the broker's certificate when a status was
 * stapled, and forgets intermediates that an earlier connection has left in its store. Its check of OCSP answers takes
 * them, in builds with the OpenSSL layer before 5.8, from any certificate that leads to a trusted CA: also from the
 * revoked one. Both are missing from a default build.
 */
#ifndef AMQP_WOLFSSL_REVOCATION_H
#define AMQP_WOLFSSL_REVOCATION_H

#include "x509/certificate_list.h"
#include "base/error.h"

struct byte_slice;
struct policy;

/** A set of revocation lists. Filled by one thread, then shared read-only and counted. */
struct revocation_lists;

/** An empty set with one reference; NULL without memory. */
struct revocation_lists *revocation_lists_new(void);
struct revocation_lists *revocation_lists_reference(struct revocation_lists *lists);
/** NULL does nothing. */
void revocation_lists_release(struct revocation_lists *lists);

/**
 * Adds every list of the input.
 * \param [in] origin the file's path or "the CRL in memory", for sentences
 * \return AMQP_WOLFSSL_OK, CRL_MALFORMED (or none in it), CRL_UNUSABLE, INVALID_ARGUMENT (too long) or NO_MEMORY; some
 * may have been added when it fails
 */
amqp_wolfssl_code_t revocation_lists_add(struct revocation_lists *lists, const void *data, size_t length,
                                         amqp_wolfssl_format_t format, const char *origin, amqp_wolfssl_error_t *error);

/** Refuses a set that holds an expired list, for those that nobody can refresh. */
amqp_wolfssl_code_t revocation_lists_check_dates(const struct revocation_lists *lists, int64_t now,
                                                 amqp_wolfssl_error_t *error);

/**
 * Checks the signatures of those whose issuer is trusted; the others' issuers come with the broker's certificates.
 * Before the set is shared.
 * \return AMQP_WOLFSSL_OK, CRL_UNUSABLE or NO_MEMORY
 */
amqp_wolfssl_code_t revocation_lists_check_signers(struct revocation_lists *lists,
                                                   const struct certificate_list *anchors, amqp_wolfssl_error_t *error);

/** What a certificate chain that wolfSSL has accepted is compared with. */
struct revocation_check {
  const struct policy *policy;            /**< lists, answers and their signers are held to it too */
  const struct revocation_lists *lists;   /**< NULL: none were asked for */
  const struct certificate_list *chain;   /**< as presented, the broker's own first */
  const struct certificate_list *anchors; /**< whom we trust */
  int64_t now;                            /**< seconds since 1970-01-01 UTC */
};

/**
 * By \a lists: each certificate from the broker's own up to, without, a trust anchor must be issued by the next, which
 * must have a list in date that does not name it.
 * \return AMQP_WOLFSSL_OK, CERTIFICATE_REVOKED, REVOCATION_UNKNOWN or NO_MEMORY
 */
amqp_wolfssl_code_t revocation_check_chain(const struct revocation_check *check, amqp_wolfssl_error_t *error);

/** By an OCSP answer about the broker's own certificate. \return as revocation_check_chain() */
amqp_wolfssl_code_t revocation_check_answer(const struct revocation_check *check, struct byte_slice answer,
                                            amqp_wolfssl_error_t *error);

#endif
