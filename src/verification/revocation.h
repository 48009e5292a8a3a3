/* SPDX-License-Identifier: MIT */
/*
 * Judges by revocation lists whether the certificates of a path are revoked: every one from the broker's own upward,
 * and the anchor too if its issuer is another anchor, and so on. What can't be known is refused.
 *
 * wolfSSL's own check of lists is not relied upon. It takes the first list of an issuer, reports an expired one as
 * missing, ignores critical extensions, skips the broker's certificate if a status was stapled, and skips intermediates
 * that an earlier connection has left in its store. A default build does not check at all.
 */
#ifndef AMQP_WOLFSSL_REVOCATION_H
#define AMQP_WOLFSSL_REVOCATION_H

#include "base/error.h"
#include "verification/revocation_lists.h"
#include "x509/certificate.h"
#include "x509/certificate_list.h"

struct path;
struct policy;

/** What an otherwise valid path is checked against. */
struct revocation_check {
  const struct policy *policy;            /**< applies to lists, responses and their signers too */
  const struct revocation_lists *lists;   /**< NULL: none are configured */
  const struct certificate_list *chain;   /**< as presented, the broker's own first */
  const struct certificate_list *anchors; /**< whom we trust */
  const struct path *path;                /**< from the one to the other, validated */
  int64_t now;                            /**< seconds since 1970-01-01 UTC */
};

/**
 * Checks by \a lists: for each certificate on the path there must be a current list, signed with the next one's key,
 * that does not name it.
 * \return AMQP_WOLFSSL_OK, CERTIFICATE_REVOKED, REVOCATION_UNKNOWN or NO_MEMORY
 */
amqp_wolfssl_code_t revocation_check_path(const struct revocation_check *check, amqp_wolfssl_error_t *error);

/**
 * Finds whose key signed the broker's certificate.
 * \return AMQP_WOLFSSL_OK, REVOCATION_UNKNOWN (it is trusted itself, but its issuer is not) or NO_MEMORY
 */
amqp_wolfssl_code_t revocation_find_issuer(const struct revocation_check *check, const struct certificate *broker,
                                           struct certificate *issuer, amqp_wolfssl_error_t *error);

/**
 * One step of revocation_check_path(): what the issuer's lists say. \a depth is for the error.
 * \return as there
 */
amqp_wolfssl_code_t revocation_check_lists(const struct revocation_check *check, const struct certificate *certificate,
                                           size_t depth, const struct certificate *issuer, amqp_wolfssl_error_t *error);

#endif
