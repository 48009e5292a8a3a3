/* SPDX-License-Identifier: MIT */
/* Where passphrases and PINs come from: a string set earlier, or a callback of the program. */
#ifndef AMQP_WOLFSSL_PASSPHRASE_H
#define AMQP_WOLFSSL_PASSPHRASE_H

#include "base/error.h"
#include "base/secret.h"
#include "identity/pkcs11_login.h"

struct passphrase_source {
  const struct secret *text;           /**< NULL or empty: ask the callback */
  amqp_wolfssl_passphrase_fn callback; /**< may be NULL */
  void *user_data;
  struct pkcs11_login *rejected; /**< PINs that are not tried any more; NULL: not remembered */
};

enum passphrase_answer {
  PASSPHRASE_GIVEN,
  PASSPHRASE_NOT_SET, /**< neither string nor callback */
  PASSPHRASE_REFUSED, /**< the callback gave none */
  PASSPHRASE_NO_MEMORY
};

/** Asks once. \a passphrase must be empty before; after PASSPHRASE_GIVEN free it with secret_free(). */
enum passphrase_answer passphrase_ask(const struct passphrase_source *source, struct secret *passphrase);

#endif
