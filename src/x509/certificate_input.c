/* SPDX-License-Identifier: MIT */
/*
 * Certificates from PEM or DER. wolfSSL decodes each PEM block by itself, so that a bad one is an error that names it
 * and not the silent end of the bundle.
 */
#include "autoconfig.h"

#include "x509/certificate_input.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "x509/certificate.h"
#include "x509/pem.h"
#include "backend/wolfssl_headers.h"

#include <wolfssl/wolfcrypt/asn_public.h>

#define FAIL(code, ...) error_set(error, AMQP_WOLFSSL_STAGE_CONFIGURE, AMQP_WOLFSSL_ERROR_##code, __VA_ARGS__)

static amqp_wolfssl_code_t add_der(struct certificate_list *list, const uint8_t *der, size_t length, const char *origin,
                                   size_t number, amqp_wolfssl_error_t *error) {
  struct certificate certificate;

  if (!certificate_read(&certificate, der, length)) {
    return FAIL(CERTIFICATE_MALFORMED, "certificate %zu of %s is not a valid X.509 certificate", number, origin);
  }
  if (!certificate_list_add(list, der, length)) {
    return FAIL(NO_MEMORY, "out of memory");
  }
  return AMQP_WOLFSSL_OK;
}

#define BEGIN_LINE "-----BEGIN CERTIFICATE-----"
#define END_LINE "-----END CERTIFICATE-----"

/* wolfSSL knows one label only, so the base64 is wrapped in that. The caller frees it. */
static char *relabel(const struct pem_block *block, size_t *length) {
  const char *base64 = block->label.text + block->label.length + strlen("-----");
  const char *end = block->whole.text + block->whole.length - strlen("-----END -----") - block->label.length;
  size_t base64_length = (size_t)(end - base64);
  char *text = malloc(strlen(BEGIN_LINE) + base64_length + strlen(END_LINE));

  if (text != NULL) {
    memcpy(text, BEGIN_LINE, strlen(BEGIN_LINE));
    memcpy(text + strlen(BEGIN_LINE), base64, base64_length);
    memcpy(text + strlen(BEGIN_LINE) + base64_length, END_LINE, strlen(END_LINE));
    *length = strlen(BEGIN_LINE) + base64_length + strlen(END_LINE);
  }
  return text;
}

static amqp_wolfssl_code_t add_pem_block(struct certificate_list *list, const struct pem_block *block,
                                         const char *origin, size_t number, amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code;
  uint8_t *der = malloc(block->whole.length);
  size_t text_length = 0;
  char *text = relabel(block, &text_length);
  int length;

  if (der == NULL || text == NULL) {
    code = FAIL(NO_MEMORY, "out of memory");
    goto cleanup;
  }
  length = wc_CertPemToDer((const unsigned char *)text, (int)text_length, der, (int)block->whole.length, CERT_TYPE);
  if (length == MEMORY_E) {
    code = FAIL(NO_MEMORY, "out of memory");
  } else if (length <= 0) {
    code = FAIL(CERTIFICATE_MALFORMED, "certificate %zu of %s is not valid base64", number, origin);
    error->wolfssl_code = length;
  } else {
    code = add_der(list, der, (size_t)length, origin, number, error);
  }
cleanup:
  free(text);
  free(der);
  return code;
}

static amqp_wolfssl_code_t add_pem(struct certificate_list *list, const char *text, size_t length, const char *origin,
                                   amqp_wolfssl_error_t *error) {
  struct pem_text rest = {text, length};
  struct pem_block block;
  size_t number = 0;
  enum pem_result result;

  while ((result = pem_next(&rest, &block)) == PEM_BLOCK) {
    if (pem_is_certificate(&block)) {
      amqp_wolfssl_code_t code = add_pem_block(list, &block, origin, ++number, error);

      if (code != AMQP_WOLFSSL_OK) {
        return code;
      }
    }
  }
  if (result == PEM_UNTERMINATED) {
    return FAIL(CERTIFICATE_MALFORMED,
                "%s is cut off or damaged after certificate %zu: a BEGIN or END line lacks the other", origin, number);
  }
  if (number == 0) {
    return FAIL(NO_CERTIFICATE, "%s holds no certificate (no \"-----BEGIN CERTIFICATE-----\")", origin);
  }
  return AMQP_WOLFSSL_OK;
}

amqp_wolfssl_code_t certificate_input_read(struct certificate_list *list, const void *data, size_t length,
                                           amqp_wolfssl_format_t format, const char *origin,
                                           amqp_wolfssl_error_t *error) {
  bool is_pem =
      format == AMQP_WOLFSSL_FORMAT_PEM || (format == AMQP_WOLFSSL_FORMAT_AUTO && pem_is_likely(data, length));

  if (length == 0) {
    return FAIL(NO_CERTIFICATE, "%s is empty", origin);
  }
  if (length > INT_MAX) {
    return FAIL(INVALID_ARGUMENT, "%s is too long", origin);
  }
  if (is_pem) {
    return add_pem(list, data, length, origin, error);
  }
  return add_der(list, data, length, origin, 1, error);
}
