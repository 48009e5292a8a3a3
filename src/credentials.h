/* SPDX-License-Identifier: MIT */
/* Who I am: a certificate chain and the private key that belongs to it, in a form wolfSSL takes without asking. */
#ifndef AMQP_WOLFSSL_CREDENTIALS_H
#define AMQP_WOLFSSL_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>

#include "certificate_list.h"
#include "error.h"
#include "policy.h"
#include "secret.h"

struct credentials {
  struct certificate_list chain; /**< the leaf first */
  struct secret key;             /**< DER, not encrypted: PKCS#8, PKCS#1 or SEC 1 */
};

/** Where passphrases come from. */
struct passphrase_source {
  const struct secret *text;           /**< NULL or empty: ask the callback */
  amqp_wolfssl_passphrase_fn callback; /**< may be NULL */
  void *user_data;
};

/** Certificate and key as they were handed over. */
struct credentials_input {
  const void *certificate;
  size_t certificate_length;
  const char *certificate_origin; /**< the path, or words for memory */
  const void *key;
  size_t key_length;
  const char *key_origin;
};

/**
 * Reads, decrypts and checks: the leaf is within the policy, and what its key signs the certificate verifies.
 * \a credentials must be empty before; it stays empty on failure.
 */
amqp_wolfssl_code_t credentials_read(struct credentials *credentials, const struct credentials_input *input,
                                     const struct passphrase_source *passphrase, const struct policy *policy,
                                     amqp_wolfssl_error_t *error);

void credentials_free(struct credentials *credentials);

#endif
