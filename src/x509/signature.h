/* SPDX-License-Identifier: MIT */
/*
 * Whether a signature on a certificate, a revocation list or an OCSP response was made with a given key. By wolfCrypt,
 * so that in a FIPS build it is the module that computes. Not by wolfSSL's own checks of CRLs and OCSP responses: what
 * those leave out differs from version to version and build to build.
 */
#ifndef AMQP_WOLFSSL_SIGNATURE_H
#define AMQP_WOLFSSL_SIGNATURE_H

#include "x509/signed_object.h"

enum signature_verdict {
  SIGNATURE_GOOD,
  SIGNATURE_WRONG,
  SIGNATURE_UNSUPPORTED, /**< not RSA (PKCS #1 v1.5, PSS) or ECDSA with SHA-256, -384 or -512, nor Ed25519; or not in
                            this wolfSSL */
  SIGNATURE_REFUSED,     /**< good, and yet not accepted: by the policy, which is for others to ask */
  SIGNATURE_NO_MEMORY
};

/** Never SIGNATURE_REFUSED. \param [in] public_key SubjectPublicKeyInfo, tag and length included */
enum signature_verdict signature_check(const struct signed_object *object, struct byte_slice public_key);

/** The algorithm as in struct certificate; 0 where signature_check() does not support it. */
uint16_t signature_scheme(const struct signed_object *object);

/** The bits of the public key alone, without its algorithm: what OCSP hashes to name an issuer. */
bool public_key_bits(struct byte_slice public_key, struct byte_slice *bits);

#endif
