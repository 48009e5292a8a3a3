/* SPDX-License-Identifier: MIT */
/* Files of certificates. */
#include "properties.h"
#include "targets.h"

#include <stdlib.h>

#include "exact_copy.h"
#include "x509/certificate_input.h"

static void require_readable(const struct certificate_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    struct certificate certificate;

    REQUIRE(certificate_read(&certificate, list->items[i].bytes, list->items[i].length));
    REQUIRE(certificate_list_contains(list, list->items[i].bytes, list->items[i].length));
  }
}

static void read_as(const uint8_t *bytes, size_t size, amqp_wolfssl_format_t format) {
  struct certificate_list list = {0};
  amqp_wolfssl_error_t error;
  amqp_wolfssl_code_t code;

  error_clear(&error);
  code = certificate_input_read(&list, bytes, size, format, "the fuzzer's", &error);
  REQUIRE(error.code == code);
  REQUIRE(memchr(error.message, '\0', sizeof(error.message)) != NULL);
  require_readable(&list);
  if (code == AMQP_WOLFSSL_OK) {
    REQUIRE(list.count > 0);
    fuzz_accepted++;
  } else {
    REQUIRE(error.message[0] != '\0');
  }
  certificate_list_free(&list);
}

int fuzz_certificate_input(const uint8_t *data, size_t size) {
  uint8_t *copy = exact_copy(data, size);

  read_as(copy, size, AMQP_WOLFSSL_FORMAT_AUTO);
  free(copy);
  return 0;
}
