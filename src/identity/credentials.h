/* SPDX-License-Identifier: MIT */
/*
 * The client's identity: a certificate chain and its private key, in a form that wolfSSL loads without a passphrase, or
 * in a token.
 */
#ifndef AMQP_WOLFSSL_CREDENTIALS_H
#define AMQP_WOLFSSL_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>

#include "x509/certificate_list.h"
#include "base/error.h"
#include "identity/passphrase.h"
#include "identity/pkcs11_token.h"
#include "policy/policy.h"
#include "base/secret.h"

struct credentials {
  struct certificate_list chain; /**< the leaf first */
  struct secret key;             /**< unencrypted DER: PKCS#8, PKCS#1 or SEC 1; empty when a token holds it */
  struct pkcs11_token *token;    /**< holds the private key; NULL when it is in \a key */
};

/** Certificate and key as they were given. */
struct credentials_input {
  const void *certificate;
  size_t certificate_length;
  const char *certificate_origin; /**< the path, or a description such as "the certificate in memory" */
  const void *key;
  size_t key_length;
  const char *key_origin;
};

/**
 * Reads, decrypts and checks: the chain is within the policy, and its leaf verifies what the key signs. \a credentials
 * must be empty before; it stays empty on failure.
 */
amqp_wolfssl_code_t credentials_read(struct credentials *credentials, const struct credentials_input *input,
                                     const struct passphrase_source *passphrase, const struct policy *policy,
                                     amqp_wolfssl_error_t *error);

/** The same with certificate and key in files. */
amqp_wolfssl_code_t credentials_read_files(struct credentials *credentials, const char *certificate_path,
                                           const char *key_path, const struct passphrase_source *passphrase,
                                           const struct policy *policy, amqp_wolfssl_error_t *error);

/** The same with the certificate in a file and the key in memory. */
amqp_wolfssl_code_t credentials_read_file_and_key(struct credentials *credentials, const char *certificate_path,
                                                  const void *key, size_t key_length,
                                                  const struct passphrase_source *passphrase,
                                                  const struct policy *policy, amqp_wolfssl_error_t *error);

/**
 * The same with the certificate in a file and a key that stays in a token: the one that \a key_uri (RFC 7512) names.
 * \a pin is asked if the URI has no PIN.
 */
amqp_wolfssl_code_t credentials_read_token(struct credentials *credentials, const char *certificate_path,
                                           const char *key_uri, const struct passphrase_source *pin,
                                           const struct policy *policy, amqp_wolfssl_error_t *error);

/** The same with the certificate's file already read. \a origin: its path, for sentences */
amqp_wolfssl_code_t credentials_use_token(struct credentials *credentials, const struct secret *certificate,
                                          const char *origin, const char *key_uri, const struct passphrase_source *pin,
                                          const struct policy *policy, amqp_wolfssl_error_t *error);

/** Of what came from memory: without token. \a credentials must be empty, and stays so on failure. */
amqp_wolfssl_code_t credentials_copy(struct credentials *credentials, const struct credentials *from,
                                     amqp_wolfssl_error_t *error);

/** Whether both are the same certificates and the same key; in a token: the same session with it. */
bool credentials_equal(const struct credentials *one, const struct credentials *other);

void credentials_free(struct credentials *credentials);

#endif
