/* SPDX-License-Identifier: MIT */
/*
 * Judges by revocation lists whether the broker's certificates are revoked: every one from the broker's own up to the
 * trusted CA. Whatever can't be known is a refusal.
 *
 * wolfSSL's own check of lists is not relied upon. It takes the first list of an issuer, reports an expired one as
 * missing, ignores critical extensions, leaves out the broker's certificate when a status was stapled, and forgets
 * intermediates that an earlier connection has left in its store. A default build has none.
 */
#ifndef AMQP_WOLFSSL_REVOCATION_H
#define AMQP_WOLFSSL_REVOCATION_H

#include "base/error.h"
#include "verification/revocation_lists.h"
#include "x509/certificate.h"
#include "x509/certificate_list.h"

struct policy;

/** What a certificate chain that wolfSSL has accepted is compared with. */
struct revocation_check {
  const struct policy *policy;            /**< lists, responses and their signers are held to it too */
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

struct revocation_issuer {
  struct certificate certificate;
  bool is_anchor;
  size_t depth; /**< in the chain, where it is no anchor */
};

/**
 * Finds whose key signed the certificate at \a depth of the chain.
 * \return AMQP_WOLFSSL_OK, REVOCATION_UNKNOWN (nobody's that is known, or in a way that can't be checked) or NO_MEMORY
 */
amqp_wolfssl_code_t revocation_find_issuer(const struct revocation_check *check, size_t depth,
                                           const struct certificate *certificate, struct revocation_issuer *issuer,
                                           amqp_wolfssl_error_t *error);

/**
 * One step of revocation_check_chain(): what the issuer's lists say. \a depth is for the record.
 * \return as there
 */
amqp_wolfssl_code_t revocation_check_lists(const struct revocation_check *check, const struct certificate *certificate,
                                           size_t depth, const struct certificate *issuer, amqp_wolfssl_error_t *error);

#endif
