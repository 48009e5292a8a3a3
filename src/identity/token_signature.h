/* SPDX-License-Identifier: MIT */
/*
 * Has wolfSSL get the client's signatures from a token, through its private key callbacks (HAVE_PK_CALLBACKS), which
 * belong to one context and one session. Not through its crypto callbacks: their table is shared by the process, and
 * has eight slots and no lock.
 */
#ifndef AMQP_WOLFSSL_TOKEN_SIGNATURE_H
#define AMQP_WOLFSSL_TOKEN_SIGNATURE_H

#include "x509/certificate.h"
#include "base/error.h"
#include "identity/pkcs11_token.h"

struct WOLFSSL;
struct WOLFSSL_CTX;

/**
 * Whether the leaf's public key verifies what the token's key signs, with every scheme the handshake may ask for.
 * \param [in] origin where the certificate comes from, for the error sentence
 */
amqp_wolfssl_code_t token_signature_check(struct pkcs11_token *token, const struct certificate *leaf,
                                          const char *origin, amqp_wolfssl_error_t *error);

/**
 * Makes a context call back for signatures. It is then given the leaf's public key in place of the private one: wolfSSL
 * takes the kind and size from it, and checks RSA signatures with it before it sends them.
 */
void token_signature_install(struct WOLFSSL_CTX *ctx, enum certificate_key_kind kind);
/** Makes a session of such a context use \a token, which must outlive it. */
void token_signature_attach(struct WOLFSSL *ssl, struct pkcs11_token *token);
/** Whether wolfSSL's code says that a signature was requested but not produced. */
bool token_signature_failed(int wolfssl_code);

#endif
