/* SPDX-License-Identifier: MIT */
/*
 * Which versions, suites, groups, signatures and keys may be used: one table, set before the handshake and checked
 * after it. Checking afterwards does not only guard against wrong settings: wolfSSL has accepted suites that were never
 * offered (CVE-2024-5814).
 */
#ifndef AMQP_WOLFSSL_POLICY_H
#define AMQP_WOLFSSL_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "x509/certificate.h"
#include "base/error.h"

struct policy;
struct WOLFSSL_CTX;

/** The most suites and groups that any policy has. */
#define POLICY_SUITES_MAX 12
#define POLICY_GROUPS_MAX 8

/** A policy as narrowed by a config: the same or less. */
struct policy_limits {
  const struct policy *policy;
  amqp_wolfssl_version_t lowest;
  amqp_wolfssl_version_t highest;
  uint16_t suites[POLICY_SUITES_MAX]; /**< in order of preference */
  size_t suite_count;
  uint16_t groups[POLICY_GROUPS_MAX]; /**< in order of preference */
  size_t group_count;
  bool extended_master_secret; /**< TLS 1.2 needs it (RFC 7627) */
};

/** What a finished handshake agreed on. */
struct negotiated {
  uint16_t version;
  uint16_t suite;
  uint16_t group;     /**< 0: unknown to wolfSSL, which no policy accepts */
  uint16_t signature; /**< of the server's key exchange, a SignatureScheme; 0 where it can't be seen (TLS 1.3) */
  bool extended_master_secret;
};

/** The policy with that number, or NULL. */
const struct policy *policy_find(amqp_wolfssl_policy_t number);
/** "fips", "cnsa" or "modern". */
const char *policy_name(const struct policy *policy);
/** Whether certificates have to be checked for revocation. */
bool policy_requires_revocation_check(const struct policy *policy);
/**
 * Whether the wolfSSL this is built with can enforce the policy. Without wolfSSL_CTX_set1_sigalgs_list() it offers all
 * SHA-2 signatures, and which one a server uses in TLS 1.3 can't be seen afterwards.
 */
bool policy_can_be_held(const struct policy *policy);

/** Sets all that \a policy allows. */
void policy_limits_init(struct policy_limits *limits, const struct policy *policy);
/**
 * Narrows the suites to those named, in this order of preference. A name that is unknown, outside the policy or given
 * twice is refused, and \a limits stay unchanged.
 * \param [in] names IANA names, separated by colons, commas or spaces
 */
amqp_wolfssl_code_t policy_limits_set_suites(struct policy_limits *limits, const char *names,
                                             amqp_wolfssl_error_t *error);
/** The same for groups. */
amqp_wolfssl_code_t policy_limits_set_groups(struct policy_limits *limits, const char *names,
                                             amqp_wolfssl_error_t *error);
/** The versions for which a suite is left; false if there are none. */
bool policy_limits_versions(const struct policy_limits *limits, amqp_wolfssl_version_t *lowest,
                            amqp_wolfssl_version_t *highest);

/** Sets suites, groups, signature algorithms and key sizes of a fresh context whose versions have been set. */
amqp_wolfssl_code_t policy_apply(const struct policy_limits *limits, struct WOLFSSL_CTX *context,
                                 amqp_wolfssl_error_t *error);

/** Whether a suite is among those that were offered, and belongs to the version. */
bool policy_offers_suite(const struct policy_limits *limits, uint16_t suite, uint16_t version);
/** Whether what was negotiated is within the limits. */
amqp_wolfssl_code_t policy_check_negotiated(const struct policy_limits *limits, const struct negotiated *negotiated,
                                            amqp_wolfssl_error_t *error);

/**
 * Whether a certificate's key is strong enough.
 * \param [out] reason if it is not: what is wrong, such as "its RSA key has 1024 bits, fewer than 2048"
 */
bool policy_allows_key(const struct policy *policy, const struct certificate *certificate, char *reason,
                       size_t capacity);
/** Whether something is signed with an algorithm that the policy allows: a SignatureScheme as in struct certificate. */
bool policy_allows_signature_scheme(const struct policy *policy, uint16_t scheme, char *reason, size_t capacity);
/** Whether a certificate is signed with an algorithm that the policy allows; \a reason as above. */
bool policy_allows_signature(const struct policy *policy, const struct certificate *certificate, char *reason,
                             size_t capacity);

/** IANA's name of a suite any policy knows, or "". */
const char *policy_suite_name(uint16_t suite);
/** IANA's name of a group, or "" for 0 and unknown ones. */
const char *policy_group_name(uint16_t group);
/** IANA's number of a group by the name wolfSSL gives it, or 0. */
uint16_t policy_group_by_wolfssl_name(const char *name);

#endif
