/* SPDX-License-Identifier: MIT */
/* Turns user input, PEM or DER, one object or many, into DER, one object at a time. */
#ifndef AMQP_WOLFSSL_ENCODED_INPUT_H
#define AMQP_WOLFSSL_ENCODED_INPUT_H

#include "base/error.h"
#include "x509/pem.h"

/** What is looked for, and what error sentences call it. */
struct encoded_kind {
  const char *name;  /**< "certificate" */
  const char *label; /**< of PEM, in its usual form */
  bool (*is_wanted)(const struct pem_block *block);
  amqp_wolfssl_code_t malformed;
  amqp_wolfssl_code_t missing; /**< there is none */
};

/** Takes one object, whose bytes are valid during this call; \a number counts from 1, for error sentences. */
typedef amqp_wolfssl_code_t (*encoded_taker)(void *to, const uint8_t *der, size_t length, const char *origin,
                                             size_t number, amqp_wolfssl_error_t *error);

/**
 * Passes every object in the input to \a take, until that fails. PEM blocks of another kind are skipped; damaged PEM is
 * an error and not the silent end of the bundle, though what came before it has been passed on.
 * \param [in] origin the file's path or "the certificate in memory", for sentences
 * \return AMQP_WOLFSSL_OK, the kind's codes, INVALID_ARGUMENT (too long), NO_MEMORY, or what \a take returned
 */
amqp_wolfssl_code_t encoded_input_read(const struct encoded_kind *kind, const void *data, size_t length,
                                       amqp_wolfssl_format_t format, const char *origin, encoded_taker take, void *to,
                                       amqp_wolfssl_error_t *error);

#endif
