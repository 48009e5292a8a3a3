/* SPDX-License-Identifier: MIT */
/*
 * Certificate policies, as far as a path can fail because of them: where a CA requires an explicit policy
 * (policyConstraints), some policy has to hold from the first certificate to the last (RFC 5280, section 6.1). Any will
 * do, since this library requires none of its own.
 *
 * RFC 5280 keeps a tree. Whether anything is left of it at some depth depends on the policies expected there alone, so
 * that is all that is kept: a set, or "any". Pure: no memory of its own.
 */
#ifndef AMQP_WOLFSSL_CERTIFICATE_POLICIES_H
#define AMQP_WOLFSSL_CERTIFICATE_POLICIES_H

#include "x509/certificate.h"

/** If there are more policies than this, the first ones count. */
#define CERTIFICATE_POLICIES_MAXIMUM 32

/** What holds below the certificates that were added. Slices point into their DER. */
struct certificate_policies {
  struct byte_slice expected[CERTIFICATE_POLICIES_MAXIMUM]; /**< contents of OBJECT IDENTIFIERs */
  size_t expected_count;
  bool any_expected;
  bool failed;           /**< an extension is malformed, or no policy was left where one was required */
  unsigned explicit_in;  /**< certificates until an explicit policy is required; 0: it is */
  unsigned any_until;    /**< certificates until "any policy" no longer counts; 0: it does not */
  unsigned mapped_until; /**< certificates until policies are no longer mapped */
};

/** Begins a path of \a length certificates below the anchor. The anchor's own constraints count, its policies don't. */
void certificate_policies_begin(struct certificate_policies *policies, const struct certificate *anchor, size_t length);

/** Adds the next certificate, the anchor's side first. */
void certificate_policies_add(struct certificate_policies *policies, const struct certificate *certificate,
                              bool self_issued, bool is_last);

/** Whether the certificates added so far may be on a path: a policy is left, or none is required yet. */
bool certificate_policies_hold(const struct certificate_policies *policies);

#endif
