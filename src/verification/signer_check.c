/* SPDX-License-Identifier: MIT */
/* The signature is checked first, then the policy: what is not signed has no weakness worth reporting. */
#include "autoconfig.h"

#include "verification/signer_check.h"

#include <stdio.h>

#include "base/error.h"
#include "policy/policy.h"

enum signature_verdict signer_hold_to_policy(const struct policy *policy, enum signature_verdict verdict,
                                             const struct signed_object *object, const struct certificate *signer,
                                             char reason[SIGNER_REASON_LENGTH]) {
  char subject[ERROR_SUBJECT_LENGTH];
  char weakness[160];

  if (verdict == SIGNATURE_UNSUPPORTED) {
    (void)snprintf(reason, SIGNER_REASON_LENGTH,
                   "it is signed in a way that is not supported (RSA or ECDSA with SHA-256, SHA-384 or SHA-512 is)");
    return SIGNATURE_REFUSED;
  }
  if (verdict != SIGNATURE_GOOD) {
    return verdict;
  }
  if (!policy_allows_signature_scheme(policy, signature_scheme(object), reason, SIGNER_REASON_LENGTH)) {
    return SIGNATURE_REFUSED;
  }
  if (policy_allows_key(policy, signer, weakness, sizeof(weakness))) {
    return SIGNATURE_GOOD;
  }
  certificate_format_name(signer->subject, subject, sizeof(subject));
  (void)snprintf(reason, SIGNER_REASON_LENGTH, "it is signed by \"%s\", and %s", subject, weakness);
  return SIGNATURE_REFUSED;
}

enum signature_verdict signer_check(const struct policy *policy, const struct signed_object *object,
                                    const struct certificate *signer, char reason[SIGNER_REASON_LENGTH]) {
  return signer_hold_to_policy(policy, signature_check(object, signer->public_key), object, signer, reason);
}
