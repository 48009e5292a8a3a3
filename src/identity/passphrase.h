/* SPDX-License-Identifier: MIT */
/* Where passphrases and PINs come from: a string set before, or a function of the program's. */
#ifndef AMQP_WOLFSSL_PASSPHRASE_H
#define AMQP_WOLFSSL_PASSPHRASE_H

#include "base/error.h"
#include "base/secret.h"

struct passphrase_source {
  const struct secret *text;           /**< NULL or empty: ask the callback */
  amqp_wolfssl_passphrase_fn callback; /**< may be NULL */
  void *user_data;
};

enum passphrase_answer {
  PASSPHRASE_GIVEN,
  PASSPHRASE_NOT_SET, /**< neither string nor callback */
  PASSPHRASE_REFUSED, /**< the callback gave none */
  PASSPHRASE_NO_MEMORY
};

/** Asks once. \a passphrase must be empty before; it is to be freed by secret_free() after PASSPHRASE_GIVEN. */
enum passphrase_answer passphrase_ask(const struct passphrase_source *source, struct secret *passphrase);

#endif
