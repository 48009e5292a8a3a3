/* SPDX-License-Identifier: MIT */
/* Reads certificates as tests expect them to be read. */
#include "certificate_reading.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "exact_copy.h"
#include "x509/certificate.h"

#define TEXT_CAPACITY 4096

void walk_names(struct byte_slice rest) {
  enum certificate_name_kind kind;
  struct byte_slice value;
  char text[64];
  while (certificate_next_name(&rest, &kind, &value)) {
    const size_t needed = certificate_format_alternative_name(kind, value, text, sizeof text);
    assert_true(strlen(text) <= needed);
  }
}

static void look_at_everything(const struct certificate *certificate) {
  char text[64];
  assert_true(certificate_format_name(certificate->subject, text, sizeof text) >= strlen(text));
  assert_true(certificate_format_name(certificate->issuer, text, sizeof text) >= strlen(text));
  walk_names(certificate->alternative_names);
}

bool reads(const uint8_t *der, size_t length) {
  struct certificate certificate;
  uint8_t *copy = exact_copy(der, length);
  const bool result = certificate_read(&certificate, copy, length);
  if (result) {
    look_at_everything(&certificate);
  }
  free(copy);
  return result;
}

void expect_subject(const uint8_t *der, size_t length, const char *expected) {
  struct certificate certificate;
  char text[TEXT_CAPACITY];
  assert_true(certificate_read(&certificate, der, length));
  assert_int_equal(certificate_format_name(certificate.subject, text, sizeof text), strlen(expected));
  assert_string_equal(text, expected);
}

void expect_alternative_names(const uint8_t *der, size_t length, const char *expected) {
  struct certificate certificate;
  struct byte_slice value;
  enum certificate_name_kind kind;
  char text[TEXT_CAPACITY] = "";
  assert_true(certificate_read(&certificate, der, length));
  while (certificate_next_name(&certificate.alternative_names, &kind, &value)) {
    const size_t used = strlen(text);
    const size_t needed = certificate_format_alternative_name(kind, value, text + used, sizeof text - used - 1);
    assert_true(used + needed + 1 < sizeof text);
    strcat(text, "\n");
  }
  assert_int_equal(certificate.alternative_names.length, 0);
  assert_string_equal(text, expected);
}
