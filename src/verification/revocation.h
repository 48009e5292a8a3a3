/* SPDX-License-Identifier: MIT */
/*
 * Judges by revocation lists whether the certificates of a path are revoked: every one from the broker's own upward,
 * and the anchor too where its issuer is another anchor, and so on. Whatever can't be known is a refusal.
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

struct path;
struct policy;

/** What a path that is valid otherwise is compared with. */
struct revocation_check {
  const struct policy *policy;            /**< lists, responses and their signers are held to it too */
  const struct revocation_lists *lists;   /**< NULL: none were asked for */
  const struct certificate_list *chain;   /**< as presented, the broker's own first */
  const struct certificate_list *anchors; /**< whom we trust */
  const struct path *path;                /**< from the one to the other, validated */
  int64_t now;                            /**< seconds since 1970-01-01 UTC */
};

/**
 * By \a lists: each certificate on the path must have a list in date, of the next one's key, that does not name it.
 * \return AMQP_WOLFSSL_OK, CERTIFICATE_REVOKED, REVOCATION_UNKNOWN or NO_MEMORY
 */
amqp_wolfssl_code_t revocation_check_path(const struct revocation_check *check, amqp_wolfssl_error_t *error);

/**
 * Whose key signed the broker's certificate.
 * \return AMQP_WOLFSSL_OK, REVOCATION_UNKNOWN (it is trusted itself, and its issuer is not) or NO_MEMORY
 */
amqp_wolfssl_code_t revocation_find_issuer(const struct revocation_check *check, const struct certificate *broker,
                                           struct certificate *issuer, amqp_wolfssl_error_t *error);

/**
 * One step of revocation_check_path(): what the issuer's lists say. \a depth is for the record.
 * \return as there
 */
amqp_wolfssl_code_t revocation_check_lists(const struct revocation_check *check, const struct certificate *certificate,
                                           size_t depth, const struct certificate *issuer, amqp_wolfssl_error_t *error);

#endif
