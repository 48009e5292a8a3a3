/* SPDX-License-Identifier: MIT */
/*
 * Which versions, suites, groups and keys may be used: one table, set before the handshake and checked after it.
 * Checking afterwards is not mistrust of the setting only: wolfSSL has accepted suites that were never offered
 * (CVE-2024-5814).
 */
#ifndef AMQP_WOLFSSL_POLICY_H
#define AMQP_WOLFSSL_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "certificate.h"
#include "error.h"

struct policy;
struct WOLFSSL_CTX;

/** What a finished handshake agreed on. */
struct negotiated {
  uint16_t version;
  uint16_t suite;
  uint16_t group; /**< 0: wolfSSL does not say, which no policy accepts */
};

/** The policy with that number, or NULL. */
const struct policy *policy_find(amqp_wolfssl_policy_t number);

/** Sets suites, groups and key sizes of a fresh context whose versions have been set. */
amqp_wolfssl_code_t policy_apply(const struct policy *policy, struct WOLFSSL_CTX *context,
                                 amqp_wolfssl_version_t lowest, amqp_wolfssl_version_t highest,
                                 amqp_wolfssl_error_t *error);

/** Whether what was negotiated is within policy and version range. */
amqp_wolfssl_code_t policy_check_negotiated(const struct policy *policy, const struct negotiated *negotiated,
                                            amqp_wolfssl_version_t lowest, amqp_wolfssl_version_t highest,
                                            amqp_wolfssl_error_t *error);

/**
 * Whether a certificate's key is strong enough.
 * \param [out] reason when it is not: what is wrong, as "its RSA key has 1024 bits, fewer than 2048"
 */
bool policy_allows_key(const struct policy *policy, const struct certificate *certificate, char *reason,
                       size_t capacity);

/** IANA's name of a suite any policy knows, or "". */
const char *policy_suite_name(uint16_t suite);
/** IANA's name of a group, or "" for 0 and unknown ones. */
const char *policy_group_name(uint16_t group);
/** IANA's number of a group by the name wolfSSL gives it, or 0. */
uint16_t policy_group_by_wolfssl_name(const char *name);

#endif
