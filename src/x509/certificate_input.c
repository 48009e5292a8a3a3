/* SPDX-License-Identifier: MIT */
/* One certificate that certificate_read() can't read fails the whole input. */
#include "autoconfig.h"

#include "x509/certificate_input.h"

#include "x509/certificate.h"
#include "x509/encoded_input.h"

static amqp_wolfssl_code_t take_certificate(void *list, const uint8_t *der, size_t length, const char *origin,
                                            size_t number, amqp_wolfssl_error_t *error) {
  struct certificate certificate;

  if (!certificate_read(&certificate, der, length)) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED,
                           "certificate %zu of %s is not a valid X.509 certificate", number, origin);
  }
  if (!certificate_list_add(list, der, length)) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  return AMQP_WOLFSSL_OK;
}

amqp_wolfssl_code_t certificate_input_read(struct certificate_list *list, const void *data, size_t length,
                                           amqp_wolfssl_format_t format, const char *origin,
                                           amqp_wolfssl_error_t *error) {
  static const struct encoded_kind certificates = {.name = "certificate",
                                                   .label = "CERTIFICATE",
                                                   .is_wanted = pem_is_certificate,
                                                   .malformed = AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED,
                                                   .missing = AMQP_WOLFSSL_ERROR_NO_CERTIFICATE};

  return encoded_input_read(&certificates, data, length, format, origin, take_certificate, list, error);
}
