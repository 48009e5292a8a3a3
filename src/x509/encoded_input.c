/* SPDX-License-Identifier: MIT */
/* Each PEM block is decoded by itself, so that a bad one is an error that names it. */
#include "autoconfig.h"

#include "x509/encoded_input.h"

#include <limits.h>
#include <stdlib.h>

struct reading {
  const struct encoded_kind *kind;
  const char *origin;
  encoded_taker take;
  void *to;
};

static amqp_wolfssl_code_t take_block(const struct reading *reading, const struct pem_block *block, size_t number,
                                      amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code;
  uint8_t *der = malloc(block->whole.length);
  size_t length = block->whole.length;

  if (der == NULL) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  switch (pem_decode(block, der, &length)) {
    case PEM_DECODED:
      code = reading->take(reading->to, der, length, reading->origin, number, error);
      break;
    case PEM_NO_MEMORY:
      code = error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
      break;
    case PEM_NOT_BASE64:
    default:
      code = error_configure(error, reading->kind->malformed, "%s %zu of %s is not valid base64", reading->kind->name,
                             number, reading->origin);
      break;
  }
  free(der);
  return code;
}

static amqp_wolfssl_code_t take_blocks(const struct reading *reading, const char *text, size_t length,
                                       amqp_wolfssl_error_t *error) {
  const struct encoded_kind *kind = reading->kind;
  struct pem_text rest = {text, length};
  struct pem_block block;
  size_t number = 0;
  enum pem_result result;

  while ((result = pem_next(&rest, &block)) == PEM_BLOCK) {
    if (kind->is_wanted(&block)) {
      amqp_wolfssl_code_t code = take_block(reading, &block, ++number, error);

      if (code != AMQP_WOLFSSL_OK) {
        return code;
      }
    }
  }
  if (result == PEM_UNTERMINATED) {
    return error_configure(error, kind->malformed,
                           "%s is truncated or damaged after %s %zu: unmatched BEGIN or END line", reading->origin,
                           kind->name, number);
  }
  if (number == 0) {
    return error_configure(error, kind->missing, "%s contains no %s (no \"-----BEGIN %s-----\")", reading->origin,
                           kind->name, kind->label);
  }
  return AMQP_WOLFSSL_OK;
}

amqp_wolfssl_code_t encoded_input_read(const struct encoded_kind *kind, const void *data, size_t length,
                                       amqp_wolfssl_format_t format, const char *origin, encoded_taker take, void *to,
                                       amqp_wolfssl_error_t *error) {
  const struct reading reading = {kind, origin, take, to};

  if (length == 0) {
    return error_configure(error, kind->missing, "%s is empty", origin);
  }
  if (length > INT_MAX) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT, "%s is too long", origin);
  }
  if (format == AMQP_WOLFSSL_FORMAT_PEM || (format == AMQP_WOLFSSL_FORMAT_AUTO && pem_is_likely(data, length))) {
    return take_blocks(&reading, data, length, error);
  }
  return take(to, data, length, origin, 1, error);
}
