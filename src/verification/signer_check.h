/* SPDX-License-Identifier: MIT */
/*
 * Whether a revocation list, an OCSP response or a responder's certificate was signed by a given certificate, in a way
 * and with a key that the policy allows.
 */
#ifndef AMQP_WOLFSSL_SIGNER_CHECK_H
#define AMQP_WOLFSSL_SIGNER_CHECK_H

#include "base/error.h"
#include "x509/certificate.h"
#include "x509/signature.h"

struct policy;

/** Room for the reason why a signature that may be valid is refused. */
#define SIGNER_REASON_LENGTH ((size_t)3 * ERROR_SUBJECT_LENGTH)

/** \return never SIGNATURE_UNSUPPORTED; with SIGNATURE_REFUSED \a reason is set */
enum signature_verdict signer_check(const struct policy *policy, const struct signed_object *object,
                                    const struct certificate *signer, char reason[SIGNER_REASON_LENGTH]);

/** The policy's part of signer_check(), where signature_check() gave \a verdict. */
enum signature_verdict signer_hold_to_policy(const struct policy *policy, enum signature_verdict verdict,
                                             const struct signed_object *object, const struct certificate *signer,
                                             char reason[SIGNER_REASON_LENGTH]);

#endif
