/* SPDX-License-Identifier: MIT */
/*
 * Whether a signature on a certificate, a revocation list or an OCSP response was made with a given key. Uses
 * wolfCrypt, so that in a FIPS build the module does the computing. Does not use wolfSSL's own checks of CRLs and OCSP
 * responses: what those leave out differs between versions and builds.
 */
#ifndef AMQP_WOLFSSL_SIGNATURE_H
#define AMQP_WOLFSSL_SIGNATURE_H

#include "x509/signed_object.h"

enum signature_verdict {
  SIGNATURE_GOOD,
  SIGNATURE_WRONG,
  SIGNATURE_UNSUPPORTED, /**< not RSA (PKCS #1 v1.5, PSS) or ECDSA with SHA-256, -384 or -512, nor Ed25519; or not in
                            this wolfSSL, or with a key that is too large for it */
  SIGNATURE_REFUSED,     /**< valid, but not accepted by the policy, which the caller checks */
  SIGNATURE_NO_MEMORY
};

/** Never SIGNATURE_REFUSED. \param [in] public_key SubjectPublicKeyInfo, tag and length included */
enum signature_verdict signature_check(const struct signed_object *object, struct byte_slice public_key);

/** The algorithm as in struct certificate; 0 if signature_check() does not support it. */
uint16_t signature_scheme(const struct signed_object *object);

/** The bits of the public key alone, without its algorithm: what OCSP hashes to identify an issuer. */
bool public_key_bits(struct byte_slice public_key, struct byte_slice *bits);

#endif
