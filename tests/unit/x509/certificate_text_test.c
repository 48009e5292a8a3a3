/* SPDX-License-Identifier: MIT */
/* Names of certificates as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "x509/certificate.h"
#include "der_text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT_CAPACITY 4096

static size_t format(const char *name, char *text, size_t capacity) {
  struct byte_slice slice;
  uint8_t *der = der_from_text(name, &slice.length);
  size_t needed;
  slice.bytes = der;
  needed = certificate_format_name(slice, text, capacity);
  free(der);
  return needed;
}

static void expect_name(const char *name, const char *expected) {
  char text[TEXT_CAPACITY];
  assert_int_equal(format(name, text, sizeof text), strlen(expected));
  assert_string_equal(text, expected);
}

/* A Name with one attribute: its type's content, and its value. */
static void expect_attribute(const char *type, const char *value, const char *expected) {
  char name[1024];
  const int written = snprintf(name, sizeof name, "30{ 31{ 30{ 06{ %s } %s } } }", type, value);
  assert_true(written > 0 && (size_t)written < sizeof name);
  expect_name(name, expected);
}

static void test_string_types(void **state) {
  (void)state;
  expect_attribute("550403", "0c0161", "CN=a");
  expect_attribute("550403", "130161", "CN=a");
  expect_attribute("550403", "160161", "CN=a");
  expect_attribute("550403", "120131", "CN=1");
  expect_attribute("550403", "1a0161", "CN=a");
  expect_attribute("550403", "140361e962", "CN=a\\C3\\A9b");                     /* TeletexString as ISO 8859-1 */
  expect_attribute("550403", "1e06 0061 00e9 65e5", "CN=a\\C3\\A9\\E6\\97\\A5"); /* BMPString */
  expect_attribute("550403", "1e04 0020 0023", "CN=\\ #");
  expect_attribute("550403", "1c08 00000061 0001f430", "CN=a\\F0\\9F\\90\\B0"); /* UniversalString */
  expect_attribute("550403", "1e03 006100", "CN=#1E03006100");                  /* half a character */
  expect_attribute("550403", "1e02 d800", "CN=#1E02D800");                      /* a surrogate */
  expect_attribute("550403", "1c04 00110000", "CN=#1C0400110000");
  expect_attribute("550403", "1c03 000061", "CN=#1C03000061");
  expect_attribute("550403", "0c03 61ff62", "CN=a\\FFb"); /* no UTF-8 */
  expect_attribute("550403", "0c02 c3a9", "CN=\\C3\\A9");
  expect_attribute("550403", "0c02 61c3", "CN=a\\C3");
  expect_attribute("550403", "0c03 610062", "CN=a\\00b");
  expect_attribute("550403", "0c00", "CN=");
  expect_attribute("550403", "0500", "CN=#0500");
  expect_attribute("550403", "3003 020101", "CN=#3003020101");
  expect_attribute("550403", "0c01 20", "CN=\\ ");
}

static void test_types_without_a_name(void **state) {
  (void)state;
  expect_attribute("2a0304", "0c0161", "1.2.3.4=#0C0161");
  expect_attribute("00", "0c0161", "0.0=#0C0161");
  expect_attribute("27", "0c0161", "0.39=#0C0161");
  expect_attribute("28", "0c0161", "1.0=#0C0161");
  expect_attribute("4f", "0c0161", "1.39=#0C0161");
  expect_attribute("50", "0c0161", "2.0=#0C0161");
  expect_attribute("8837 03", "0c0161", "2.999.3=#0C0161");
  expect_attribute("2a8648", "0c0161", "1.2.840=#0C0161");
  expect_attribute("2a ffffffffffffffff7f", "0c0161", "1.2.9223372036854775807=#0C0161");
  expect_attribute("69 83ffffffffffffffffffffffffffffffffff7f", "0c0161",
                   "#6983FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF7F=#0C0161"); /* an UUID below 2.25 */
}

static void test_malformed_names(void **state) {
  char text[8] = "before";
  (void)state;
  assert_int_equal(format("", text, sizeof text), 0);
  assert_string_equal(text, "");
  assert_int_equal(format("310c", text, sizeof text), 0);
  assert_int_equal(format("3005 0102", text, sizeof text), 0);
}

#define LONG_NAME                                                   \
  "3031 310a 3008 0603550403 0c0161 310b 3009 0603550403 0c02c3a9 " \
  "3116 300a 0603550403 0c032c2c2c 3008 060355040a 0c0120"

/* Whatever the capacity: the text is a prefix of the whole one, ends in NUL, is never cut inside an escape. */
static void test_cut_names(void **state) {
  static const char whole[] = "CN=\\,\\,\\,+O=\\ ,CN=\\C3\\A9,CN=a";
  static const size_t ends[] = {0, 2, 3, 5, 7, 9, 10, 11, 12, 14, 15, 17, 18, 24, 25, 27, 28, 29};
  size_t capacity;
  (void)state;
  expect_name(LONG_NAME, whole);
  for (capacity = 1; capacity < sizeof whole + 2; capacity++) {
    char *text = malloc(capacity);
    size_t i = COUNT(ends);
    assert_non_null(text);
    assert_int_equal(format(LONG_NAME, text, capacity), sizeof whole - 1);
    do {
      assert_true(i > 0);
      i--;
    } while (ends[i] >= capacity);
    assert_int_equal(strlen(text), ends[i]);
    assert_memory_equal(text, whole, ends[i]);
    free(text);
  }
  assert_int_equal(format(LONG_NAME, NULL, 0), sizeof whole - 1);
}

static void test_cut_alternative_names(void **state) {
  static const uint8_t value[] = {'a', 0, 'b'};
  const struct byte_slice slice = {value, sizeof value};
  static const char *const expected[] = {"", "", "", "", "DNS:", "DNS:a", "DNS:a", "DNS:a", "DNS:a\\00", "DNS:a\\00b"};
  size_t length;
  (void)state;
  for (length = 0; length < COUNT(expected); length++) {
    char *text = malloc(length + 1);
    assert_non_null(text);
    assert_int_equal(certificate_format_alternative_name(CERTIFICATE_NAME_DNS, slice, text, length + 1), 9);
    assert_string_equal(text, expected[length]);
    free(text);
  }
  assert_int_equal(certificate_format_alternative_name(CERTIFICATE_NAME_DNS, slice, NULL, 0), 9);
}

static void test_names_equal(void **state) {
  static const uint8_t one[] = {0x30, 1, 2};
  static const uint8_t same[] = {0x30, 1, 2};
  static const uint8_t other[] = {0x30, 1, 3};
  const struct byte_slice a = {one, 3}, b = {same, 3}, c = {other, 3}, shorter = {one, 2}, empty = {NULL, 0};
  (void)state;
  assert_true(certificate_names_equal(a, b));
  assert_false(certificate_names_equal(a, c));
  assert_false(certificate_names_equal(a, shorter));
  assert_false(certificate_names_equal(shorter, a));
  assert_false(certificate_names_equal(a, empty));
  assert_true(certificate_names_equal(empty, empty));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_string_types),          cmocka_unit_test(test_types_without_a_name),
      cmocka_unit_test(test_malformed_names),       cmocka_unit_test(test_cut_names),
      cmocka_unit_test(test_cut_alternative_names), cmocka_unit_test(test_names_equal),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
