/* SPDX-License-Identifier: MIT */
/*
 * A private key in a PKCS#11 token: found by its URI (RFC 7512), logged in to once, and used to sign. Knows nothing of
 * TLS.
 *
 * Threads: any number may sign with one token at a time; the token's session takes one signature after another.
 * fork(): what was opened before it belongs to the parent; in a child, signing fails.
 */
#ifndef AMQP_WOLFSSL_PKCS11_TOKEN_H
#define AMQP_WOLFSSL_PKCS11_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "x509/certificate.h"
#include "base/error.h"
#include "identity/passphrase.h"

struct pkcs11_token;

enum pkcs11_signature {
  PKCS11_SIGNATURE_RSA_PKCS1, /**< of a DigestInfo (RFC 8017, section 9.2) */
  PKCS11_SIGNATURE_RSA_PSS, /**< of a SHA-256, SHA-384 or SHA-512 digest; MGF1 with the same hash, salt as long as it */
  PKCS11_SIGNATURE_ECDSA    /**< of a digest; returns r and s, of the same length, one after the other */
};

/** The longest signature: RSA with 16384 bits. */
#define PKCS11_SIGNATURE_CAPACITY 2048

/** Whether this build supports tokens. */
bool pkcs11_token_is_supported(void);
/** AMQP_WOLFSSL_OK, or AMQP_WOLFSSL_ERROR_NOT_SUPPORTED with a sentence that says what the build lacks. */
amqp_wolfssl_code_t pkcs11_token_check_support(amqp_wolfssl_error_t *error);

/**
 * Finds the one token and the one private key that \a uri describes, and logs in: once, because tokens lock after a few
 * wrong PINs. Checks that the key is of the right kind, but not that it belongs to the certificate.
 * \param [in] leaf the certificate whose key is wanted
 * \param [in] pin asked if the token requires a PIN and the URI has none; a PIN that was rejected before, as far as
 *   this remembers it, is not tried
 */
amqp_wolfssl_code_t pkcs11_token_open(struct pkcs11_token **token, const char *uri, const struct certificate *leaf,
                                      const struct passphrase_source *pin, amqp_wolfssl_error_t *error);
/** NULL does nothing. */
void pkcs11_token_free(struct pkcs11_token *token);

/**
 * Signs \a input.
 * \param [in,out] length room at \a signature, then the signature's length
 * \return false if the token fails to; pkcs11_token_failure() then says why
 */
bool pkcs11_token_sign(struct pkcs11_token *token, enum pkcs11_signature kind, const uint8_t *input,
                       size_t input_length, uint8_t *signature, size_t *length);

/** Whether its session is there and logged in: false once the token was unplugged, and in a child after fork(). */
bool pkcs11_token_is_usable(struct pkcs11_token *token);

/** The key's URI, without PIN and module, for sentences. */
const char *pkcs11_token_name(const struct pkcs11_token *token);
/** Why the last signature failed, in whichever thread. Static text. */
const char *pkcs11_token_failure(const struct pkcs11_token *token);

#endif
