/* SPDX-License-Identifier: MIT */
/*
 * Has wolfSSL take the client's signatures from a token: its callbacks for private keys (HAVE_PK_CALLBACKS), which
 * belong to one context and one session. Not its crypto callbacks: their table is the process's, has eight places and
 * no lock.
 */
#ifndef AMQP_WOLFSSL_TOKEN_SIGNATURE_H
#define AMQP_WOLFSSL_TOKEN_SIGNATURE_H

#include "x509/certificate.h"
#include "base/error.h"
#include "identity/pkcs11_token.h"

struct WOLFSSL;
struct WOLFSSL_CTX;

/**
 * Whether what the token's key signs the leaf's public key verifies, by every scheme the handshake may ask for.
 * \param [in] origin where the certificate is from, for the sentence
 */
amqp_wolfssl_code_t token_signature_check(struct pkcs11_token *token, const struct certificate *leaf,
                                          const char *origin, amqp_wolfssl_error_t *error);

/**
 * Has a context ask for signatures. In place of the private key it is then given the leaf's public key, of which
 * wolfSSL takes kind and size, and with which it checks RSA signatures before it sends them.
 */
void token_signature_install(struct WOLFSSL_CTX *ctx, enum certificate_key_kind kind);
/** Has a session of such a context ask \a token, which must outlive it. */
void token_signature_attach(struct WOLFSSL *ssl, struct pkcs11_token *token);
/** Whether wolfSSL's code says that a signature was asked for and not given. */
bool token_signature_failed(int wolfssl_code);

#endif
