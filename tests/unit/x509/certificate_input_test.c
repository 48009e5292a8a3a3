/* SPDX-License-Identifier: MIT */
/*
 * Certificates as people hand them over: PEM and DER, one and many, with text around them, damaged and cut off.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "x509/certificate_input.h"
#include "exact_copy.h"
#include "failing_allocator.h"
#include "minted_certificates.h"
#include "temporary_folder.h"

#define ORIGIN "the file of this test"
#define AUTO AMQP_WOLFSSL_FORMAT_AUTO
#define PEM AMQP_WOLFSSL_FORMAT_PEM
#define DER AMQP_WOLFSSL_FORMAT_DER

static char *ca;     /* PEM */
static char *ca_rsa; /* PEM */
static uint8_t *ca_der;
static size_t ca_der_length;

static int mint(void **state) {
  if (minted_certificates_make(state) != 0) {
    return -1;
  }
  ca = temporary_folder_read_text("ca.pem");
  ca_rsa = temporary_folder_read_text("ca-rsa.pem");
  ca_der = temporary_folder_read("ca.der", &ca_der_length);
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  free(ca);
  free(ca_rsa);
  free(ca_der);
  return temporary_folder_remove();
}

/* Input has exactly its size in memory. */
static amqp_wolfssl_code_t read_it(struct certificate_list *list, const void *data, size_t length,
                                   amqp_wolfssl_format_t format, amqp_wolfssl_error_t *error) {
  uint8_t *copy = exact_copy(data, length);
  amqp_wolfssl_code_t code;

  error_clear(error);
  code = certificate_input_read(list, copy, length, format, ORIGIN, error);
  free(copy);
  assert_int_equal(error->code, code);
  if (code == AMQP_WOLFSSL_OK) {
    assert_string_equal(error->message, "");
  } else {
    assert_int_equal(error->stage, AMQP_WOLFSSL_STAGE_CONFIGURE);
    assert_true(code == AMQP_WOLFSSL_ERROR_NO_MEMORY || strstr(error->message, ORIGIN) != NULL);
  }
  return code;
}

static void assert_reads(const char *text, amqp_wolfssl_format_t format, size_t count) {
  struct certificate_list list = {0};
  amqp_wolfssl_error_t error;
  amqp_wolfssl_code_t code = read_it(&list, text, strlen(text), format, &error);

  if (code != AMQP_WOLFSSL_OK) {
    fail_msg("%s: %s", amqp_wolfssl_code_name(code), error.message);
  }
  assert_int_equal(list.count, count);
  if (count > 0) {
    assert_int_equal(list.items[0].length, ca_der_length);
    assert_memory_equal(list.items[0].bytes, ca_der, ca_der_length);
  }
  certificate_list_free(&list);
}

static void assert_fails(const void *data, size_t length, amqp_wolfssl_format_t format, amqp_wolfssl_code_t expected,
                         const char *says) {
  struct certificate_list list = {0};
  amqp_wolfssl_error_t error;
  amqp_wolfssl_code_t code = read_it(&list, data, length, format, &error);

  if (code != expected || strstr(error.message, says) == NULL) {
    fail_msg("%s: \"%s\" instead of %s: \"%s\"", amqp_wolfssl_code_name(code), error.message,
             amqp_wolfssl_code_name(expected), says);
  }
  certificate_list_free(&list);
}

static void assert_text_fails(const char *text, amqp_wolfssl_format_t format, amqp_wolfssl_code_t expected,
                              const char *says) {
  assert_fails(text, strlen(text), format, expected, says);
}

/* One text of several, which the caller frees. */
static char *joined(const char *first, ...) {
  size_t length = strlen(first);
  char *text = malloc(100000);
  const char *next;
  va_list list;

  assert_non_null(text);
  strcpy(text, first);
  va_start(list, first);
  while ((next = va_arg(list, const char *)) != NULL) {
    length += strlen(next);
    assert_true(length < 100000);
    strcat(text, next);
  }
  va_end(list);
  return text;
}

static char *replaced(const char *text, const char *wanted, const char *with) {
  char *result = malloc(2 * strlen(text) * (strlen(with) + 1) + 1);
  char *out = result;

  assert_non_null(result);
  while (*text != '\0') {
    if (strncmp(text, wanted, strlen(wanted)) == 0) {
      out = stpcpy(out, with);
      text += strlen(wanted);
    } else {
      *out++ = *text++;
    }
  }
  *out = '\0';
  return result;
}

/* ---- What is read ---- */

static void test_pem(void **state) {
  char *both = joined(ca, ca_rsa, NULL);
  (void)state;

  assert_reads(ca, AUTO, 1);
  assert_reads(ca, PEM, 1);
  assert_reads(both, AUTO, 2);
  free(both);
}

static void test_der(void **state) {
  static const amqp_wolfssl_format_t formats[] = {AUTO, DER};
  (void)state;

  for (size_t i = 0; i < 2; i++) {
    struct certificate_list list = {0};
    amqp_wolfssl_error_t error;

    assert_int_equal(read_it(&list, ca_der, ca_der_length, formats[i], &error), AMQP_WOLFSSL_OK);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].length, ca_der_length);
    assert_memory_equal(list.items[0].bytes, ca_der, ca_der_length);
    certificate_list_free(&list);
  }
}

static void test_adds_to_what_is_there(void **state) {
  struct certificate_list list = {0};
  amqp_wolfssl_error_t error;
  (void)state;

  assert_int_equal(read_it(&list, ca, strlen(ca), AUTO, &error), AMQP_WOLFSSL_OK);
  assert_int_equal(read_it(&list, ca_rsa, strlen(ca_rsa), AUTO, &error), AMQP_WOLFSSL_OK);
  assert_int_equal(read_it(&list, ca, strlen(ca), AUTO, &error), AMQP_WOLFSSL_OK);
  assert_int_equal(list.count, 3);
  assert_memory_equal(list.items[0].bytes, ca_der, ca_der_length);
  assert_memory_equal(list.items[2].bytes, ca_der, ca_der_length);
  certificate_list_free(&list);
}

static void test_line_ends_and_text_around(void **state) {
  char *crlf = replaced(ca, "\n", "\r\n");
  char *commented =
      joined("# Acme's CA\nSubject: CN=\xc3\xbc\n", ca, "\n\nThe other one\n=============\n", ca_rsa, "# end", NULL);
  char *stripped = joined(ca, NULL);
  (void)state;

  stripped[strlen(stripped) - 1] = '\0';
  assert_reads(crlf, AUTO, 1);
  assert_reads(commented, AUTO, 2);
  assert_reads(stripped, AUTO, 1);
  free(crlf);
  free(commented);
  free(stripped);
}

/* A key or parameters in the same file are somebody else's business. */
static void test_other_blocks_are_passed_over(void **state) {
  char *key = temporary_folder_read_text("ca.key");
  char *text = joined(key, ca, key, ca_rsa, key, NULL);
  (void)state;

  assert_reads(text, AUTO, 2);
  free(text);
  free(key);
}

/* RFC 7468, section 5.1 has parsers take the older label too. */
static void test_older_label(void **state) {
  char *text = replaced(ca, " CERTIFICATE-", " X509 CERTIFICATE-");
  (void)state;

  assert_non_null(strstr(text, "-----BEGIN X509 CERTIFICATE-----"));
  assert_non_null(strstr(text, "-----END X509 CERTIFICATE-----"));
  assert_reads(text, AUTO, 1);
  free(text);
}

static void test_every_minted_certificate(void **state) {
  static const char *const names[] = {
      "ca.pem",
      "ca-rsa.pem",
      "other-ca.pem",
      "intermediate.pem",
      "server.pem",
      "server-rsa.pem",
      "server-p384.pem",
      "server-p521.pem",
      "server-expired.pem",
      "server-not-yet-valid.pem",
      "server-no-san.pem",
      "client.pem",
      "client-weak-rsa1024.pem",
  };
  (void)state;

  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    char *text = temporary_folder_read_text(names[i]);
    struct certificate_list list = {0};
    amqp_wolfssl_error_t error;

    assert_int_equal(read_it(&list, text, strlen(text), AUTO, &error), AMQP_WOLFSSL_OK);
    assert_int_equal(list.count, 1);
    certificate_list_free(&list);
    free(text);
  }
}

/* ---- What is not ---- */

static void test_nothing(void **state) {
  char *key = temporary_folder_read_text("ca.key");
  (void)state;

  assert_fails("", 0, AUTO, AMQP_WOLFSSL_ERROR_NO_CERTIFICATE, "empty");
  assert_fails("", 0, PEM, AMQP_WOLFSSL_ERROR_NO_CERTIFICATE, "empty");
  assert_fails("", 0, DER, AMQP_WOLFSSL_ERROR_NO_CERTIFICATE, "empty");
  assert_text_fails("no certificate here\n", PEM, AMQP_WOLFSSL_ERROR_NO_CERTIFICATE, "no certificate");
  assert_text_fails(key, AUTO, AMQP_WOLFSSL_ERROR_NO_CERTIFICATE, "no certificate");
  assert_text_fails("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n", AUTO,
                    AMQP_WOLFSSL_ERROR_NO_CERTIFICATE, "no certificate");
  free(key);
}

/* OpenSSL's own block carries settings of trust that would be lost. */
static void test_trusted_certificate_is_none(void **state) {
  char *text = replaced(ca, " CERTIFICATE-", " TRUSTED CERTIFICATE-");
  (void)state;

  assert_text_fails(text, AUTO, AMQP_WOLFSSL_ERROR_NO_CERTIFICATE, "no certificate");
  free(text);
}

static void test_format_that_does_not_fit(void **state) {
  (void)state;
  assert_fails(ca_der, ca_der_length, PEM, AMQP_WOLFSSL_ERROR_NO_CERTIFICATE, "no certificate");
  assert_text_fails(ca, DER, AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED, "certificate 1 ");
  assert_text_fails("no certificate here\n", AUTO, AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED,
                    "not a valid X.509 certificate");
}

static void test_der_damaged(void **state) {
  uint8_t *bytes = malloc(ca_der_length + 1);
  (void)state;

  assert_non_null(bytes);
  memcpy(bytes, ca_der, ca_der_length);
  bytes[ca_der_length] = 0;
  assert_fails(bytes, ca_der_length + 1, AUTO, AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED, "certificate 1 ");
  for (size_t length = 1; length < ca_der_length; length += 7) {
    assert_fails(bytes, length, AUTO, AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED, "certificate 1 ");
  }
  free(bytes);
}

/* A bundle whose second block is damaged must not count as one with a single certificate. */
static void test_bundle_with_a_bad_block(void **state) {
  char *bad_base64 = joined(ca, "-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n", ca_rsa, NULL);
  char *no_base64 = joined(ca, "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n", NULL);
  char *not_x509 = joined(ca, ca_rsa, "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n", NULL);
  (void)state;

  assert_text_fails(bad_base64, AUTO, AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED, "certificate 2 ");
  assert_text_fails(no_base64, AUTO, AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED, "certificate 2 ");
  assert_text_fails(not_x509, AUTO, AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED, "certificate 3 ");
  free(bad_base64);
  free(no_base64);
  free(not_x509);
}

static void test_half_a_block(void **state) {
  char *half = joined(ca, ca_rsa, NULL);
  char *without_end = replaced(ca, "-----END CERTIFICATE-----", "");
  char *crossed = joined(without_end, ca_rsa, NULL);
  (void)state;

  half[strlen(ca) + strlen(ca_rsa) / 2] = '\0';
  assert_text_fails(half, AUTO, AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED, "after certificate 1");
  assert_text_fails(without_end, AUTO, AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED, "after certificate 0");
  assert_text_fails(crossed, AUTO, AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED, "after certificate 0");
  assert_text_fails("-----BEGIN CERTIFICATE-----END CERTIFICATE-----\n", AUTO, AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED,
                    "after certificate 0");
  free(half);
  free(without_end);
  free(crossed);
}

/* Cut off anywhere but between its two certificates, a bundle never passes for a whole one. */
static void test_bundle_cut_off_after_every_byte(void **state) {
  char *text = joined(ca, ca_rsa, NULL);
  const size_t first = strlen(ca);
  const size_t all = strlen(text);
  (void)state;

  for (size_t cut = 1; cut < all - 1; cut++) {
    struct certificate_list list = {0};
    amqp_wolfssl_error_t error;
    amqp_wolfssl_code_t code = read_it(&list, text, cut, AUTO, &error);

    if (cut == first - 1 || cut == first) {
      assert_int_equal(code, AMQP_WOLFSSL_OK);
      assert_int_equal(list.count, 1);
    } else if (code != AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED) {
      fail_msg("cut off after %zu of %zu bytes (the second begins at %zu): %s", cut, all, first,
               amqp_wolfssl_code_name(code));
    }
    certificate_list_free(&list);
  }
  free(text);
}

static void test_begin_line_is_gone(void **state) {
  char *text = joined(ca, strchr(ca_rsa, '\n') + 1, ca, NULL);
  (void)state;

  assert_text_fails(text, AUTO, AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED, "after certificate 1");
  free(text);
}

/* Every line of the base64 in turn is left out, and its first character changed to one that is no base64. */
static void test_lines_damaged(void **state) {
  size_t lines = 0;
  (void)state;

  for (const char *line = strchr(ca, '\n') + 1; strncmp(line, "-----END", 8) != 0; line = strchr(line, '\n') + 1) {
    char *text = joined(ca, NULL);
    char *at = text + (line - ca);

    lines++;
    *at = '*';
    assert_text_fails(text, AUTO, AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED, "certificate 1 ");
    memmove(at, strchr(at, '\n') + 1, strlen(strchr(at, '\n') + 1) + 1);
    assert_text_fails(text, AUTO, AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED, "certificate 1 ");
    free(text);
  }
  assert_true(lines > 5);
}

static void test_too_long(void **state) {
  struct certificate_list list = {0};
  amqp_wolfssl_error_t error;
  (void)state;

  /* wolfSSL counts in int. Not a byte is read of what can't be used anyhow. */
  assert_int_equal(certificate_input_read(&list, ca_der, (size_t)INT_MAX + 1, DER, ORIGIN, &error),
                   AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_non_null(strstr(error.message, "too long"));
  assert_int_equal(list.count, 0);
  certificate_list_free(&list);
}

static void test_without_memory(void **state) {
  char *text = joined(ca, ca_rsa, ca, NULL);
  bool failed = true;
  size_t tries = 0;
  (void)state;

  if (!failing_allocator_works()) {
    free(text);
    skip();
  }
  for (size_t nth = 1; failed; nth++) {
    struct certificate_list list = {0};
    amqp_wolfssl_error_t error;
    amqp_wolfssl_code_t code;

    failing_allocator_arm(nth);
    code = certificate_input_read(&list, text, strlen(text), AUTO, ORIGIN, &error);
    failed = failing_allocator_disarm();
    if (failed) {
      tries++;
      assert_int_equal(code, AMQP_WOLFSSL_ERROR_NO_MEMORY);
    } else {
      assert_int_equal(code, AMQP_WOLFSSL_OK);
      assert_int_equal(list.count, 3);
    }
    certificate_list_free(&list);
  }
  assert_true(tries >= 3);
  free(text);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_pem),
      cmocka_unit_test(test_der),
      cmocka_unit_test(test_adds_to_what_is_there),
      cmocka_unit_test(test_line_ends_and_text_around),
      cmocka_unit_test(test_other_blocks_are_passed_over),
      cmocka_unit_test(test_older_label),
      cmocka_unit_test(test_every_minted_certificate),
      cmocka_unit_test(test_nothing),
      cmocka_unit_test(test_trusted_certificate_is_none),
      cmocka_unit_test(test_format_that_does_not_fit),
      cmocka_unit_test(test_der_damaged),
      cmocka_unit_test(test_bundle_with_a_bad_block),
      cmocka_unit_test(test_half_a_block),
      cmocka_unit_test(test_bundle_cut_off_after_every_byte),
      cmocka_unit_test(test_begin_line_is_gone),
      cmocka_unit_test(test_lines_damaged),
      cmocka_unit_test(test_too_long),
      cmocka_unit_test(test_without_memory),
  };
  return cmocka_run_group_tests_name("certificate_input", tests, mint, remove_folder);
}
