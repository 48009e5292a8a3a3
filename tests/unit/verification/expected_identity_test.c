/* SPDX-License-Identifier: MIT */
/* What a program expects of a server: set all or nothing, compared, and worded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alternative_names.h"
#include "failing_allocator.h"
#include "verification/expected_identity.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ID "spiffe://example.org/rabbitmq"

static struct peer_name name_of(const char *text) {
  struct peer_name name;

  assert_true(peer_name_parse(&name, text));
  return name;
}

static amqp_wolfssl_code_t check(const struct expected_identity *expected, bool verify_names, const char *host,
                                 const struct alternative_names *names, amqp_wolfssl_error_t *error) {
  const struct certificate leaf = {.alternative_names = alternative_names_slice(names)};
  struct peer_name name;

  error_clear(error);
  if (host != NULL) {
    name = name_of(host);
  }
  return expected_identity_check(expected, verify_names, host != NULL ? &name : NULL, &leaf, error);
}

static void expect(const struct expected_identity *expected, bool verify_names, const char *host,
                   const struct alternative_names *names, amqp_wolfssl_code_t code) {
  amqp_wolfssl_error_t error;

  assert_int_equal(check(expected, verify_names, host, names, &error), code);
  assert_int_equal(error.code, code);
  assert_int_equal(error.stage, code == AMQP_WOLFSSL_OK ? AMQP_WOLFSSL_STAGE_NONE : AMQP_WOLFSSL_STAGE_VERIFY);
}

static void expect_words(const struct expected_identity *expected, const char *host,
                         const struct alternative_names *names, const char *const *words) {
  amqp_wolfssl_error_t error;

  assert_int_not_equal(check(expected, true, host, names, &error), AMQP_WOLFSSL_OK);
  for (; *words != NULL; words++) {
    if (strstr(error.message, *words) == NULL) {
      fail_msg("no \"%s\" in: %s", *words, error.message);
    }
  }
}

/* ---- The host ---- */

static void test_nothing_expected(void **state) {
  struct expected_identity fresh = {0};
  struct alternative_names names = {0};
  const struct expected_identity *const nothing[] = {NULL, &fresh};

  (void)state;
  alternative_names_add_text(&names, SAN_DNS, "broker.example");
  for (size_t i = 0; i < COUNT(nothing); i++) {
    assert_false(expected_identity_has_uri(nothing[i]));
    assert_false(expected_identity_has_names(nothing[i]));
    expect(nothing[i], true, "broker.example", &names, AMQP_WOLFSSL_OK);
    expect(nothing[i], true, "other.example", &names, AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
    expect(nothing[i], true, NULL, &names, AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
    expect(nothing[i], false, "other.example", &names, AMQP_WOLFSSL_OK);
    expect(nothing[i], false, NULL, &names, AMQP_WOLFSSL_OK);
  }
  alternative_names_free(&names);
}

/* ---- Names ---- */

static void test_any_of_several(void **state) {
  static const char *const accepted[] = {"a.example", "192.0.2.1", "2001:db8::1"};
  struct expected_identity expected = {0};
  amqp_wolfssl_error_t error;

  (void)state;
  assert_int_equal(expected_identity_set_names(&expected, accepted, COUNT(accepted), &error), AMQP_WOLFSSL_OK);
  assert_true(expected_identity_has_names(&expected));
  for (size_t i = 0; i < 6; i++) {
    static const uint8_t ipv6[] = {0x20, 0x01, 0x0d, 0xb8, [15] = 1};
    struct alternative_names names = {0};

    alternative_names_add_text(&names, SAN_DNS, "first.example");
    if (i == 0) {
      alternative_names_add_text(&names, SAN_DNS, "a.example");
    } else if (i == 1) {
      alternative_names_add(&names, SAN_IP, "\xc0\x00\x02\x01", 4);
    } else if (i == 2) {
      alternative_names_add(&names, SAN_IP, ipv6, sizeof(ipv6));
    } else if (i == 3) { /* covered by a wildcard, as a host would be */
      alternative_names_add_text(&names, SAN_DNS, "*.example");
    } else if (i == 4) { /* text is no address */
      alternative_names_add_text(&names, SAN_DNS, "192.0.2.1");
    }
    /* The host does not count any more. */
    expect(&expected, true, "first.example", &names, i < 3 ? AMQP_WOLFSSL_OK : AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
    expect(&expected, true, NULL, &names, i < 3 ? AMQP_WOLFSSL_OK : AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
    expect(&expected, false, NULL, &names, AMQP_WOLFSSL_OK);
    alternative_names_free(&names);
  }
  expected_identity_free(&expected);
  assert_false(expected_identity_has_names(&expected));
}

static void test_names_are_all_or_nothing(void **state) {
  static const char *const good[] = {"a.example"};
  static const struct {
    const char *const names[3];
    amqp_wolfssl_code_t code;
    const char *says;
  } rows[] = {
      {{"b.example", "c d", "e.example"}, AMQP_WOLFSSL_ERROR_NAME_INVALID, "\"c d\", the accepted name 2 of 3"},
      {{"b.example", "e.example", "*.example"}, AMQP_WOLFSSL_ERROR_NAME_INVALID, "\"*.example\""},
      {{"", "e.example", "b.example"}, AMQP_WOLFSSL_ERROR_NAME_INVALID, "the accepted name 1 of 3"},
      {{"b.example", ID, "e.example"}, AMQP_WOLFSSL_ERROR_NAME_INVALID, ID},
      {{"b.example", NULL, "e.example"}, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT, "the accepted name 2 of 3 is NULL"},
  };
  struct expected_identity expected = {0};
  struct alternative_names names = {0};
  amqp_wolfssl_error_t error;

  (void)state;
  alternative_names_add_text(&names, SAN_DNS, "a.example");
  assert_int_equal(expected_identity_set_names(&expected, good, 1, &error), AMQP_WOLFSSL_OK);
  for (size_t i = 0; i < COUNT(rows); i++) {
    assert_int_equal(expected_identity_set_names(&expected, rows[i].names, 3, &error), rows[i].code);
    assert_int_equal(error.code, rows[i].code);
    assert_non_null(strstr(error.message, rows[i].says));
    assert_int_equal(expected.name_count, 1);
    expect(&expected, true, NULL, &names, AMQP_WOLFSSL_OK);
  }
  assert_int_equal(expected_identity_set_names(&expected, good, 0, &error), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_non_null(strstr(error.message, "empty"));
  assert_int_equal(expected_identity_set_names(&expected, NULL, 2, &error), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_int_equal(expected.name_count, 1);
  assert_int_equal(expected_identity_set_names(&expected, NULL, 0, &error), AMQP_WOLFSSL_OK);
  assert_false(expected_identity_has_names(&expected));
  expected_identity_free(&expected);
  alternative_names_free(&names);
}

static void test_how_many(void **state) {
  const char *many[EXPECTED_NAMES_MAXIMUM + 1];
  struct expected_identity expected = {0};
  amqp_wolfssl_error_t error;

  (void)state;
  for (size_t i = 0; i < COUNT(many); i++) {
    many[i] = "a.example";
  }
  assert_int_equal(expected_identity_set_names(&expected, many, COUNT(many), &error),
                   AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_non_null(strstr(error.message, "more than 128"));
  assert_false(expected_identity_has_names(&expected));
  assert_int_equal(expected_identity_set_names(&expected, many, COUNT(many) - 1, &error), AMQP_WOLFSSL_OK);
  assert_int_equal(expected.name_count, EXPECTED_NAMES_MAXIMUM);
  expected_identity_free(&expected);
}

/* ---- A URI ---- */

static void test_uri_and_names(void **state) {
  struct expected_identity expected = {0};
  struct alternative_names both = {0};
  struct alternative_names name_only = {0};
  struct alternative_names uri_only = {0};
  amqp_wolfssl_error_t error;

  (void)state;
  alternative_names_add_text(&both, SAN_DNS, "broker.example");
  alternative_names_add_text(&both, SAN_URI, ID);
  alternative_names_add_text(&name_only, SAN_DNS, "broker.example");
  alternative_names_add_text(&uri_only, SAN_URI, ID);
  assert_int_equal(expected_identity_set_uri(&expected, ID, &error), AMQP_WOLFSSL_OK);
  assert_true(expected_identity_has_uri(&expected));
  expect(&expected, true, "broker.example", &both, AMQP_WOLFSSL_OK);
  expect(&expected, true, "other.example", &both, AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  expect(&expected, true, "broker.example", &name_only, AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  expect(&expected, true, "broker.example", &uri_only, AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  /* Without names the URI counts all the same. */
  expect(&expected, false, "broker.example", &name_only, AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  expect(&expected, false, "other.example", &uri_only, AMQP_WOLFSSL_OK);
  expect(&expected, false, NULL, &uri_only, AMQP_WOLFSSL_OK);
  expected_identity_free(&expected);
  assert_false(expected_identity_has_uri(&expected));
  alternative_names_free(&both);
  alternative_names_free(&name_only);
  alternative_names_free(&uri_only);
}

static void test_uri_is_all_or_nothing(void **state) {
  struct expected_identity expected = {0};
  char given[] = ID;
  amqp_wolfssl_error_t error;

  (void)state;
  assert_int_equal(expected_identity_set_uri(&expected, given, &error), AMQP_WOLFSSL_OK);
  given[0] = 'x'; /* copied */
  assert_int_equal(expected_identity_set_uri(&expected, "spiffe://example.org/", &error),
                   AMQP_WOLFSSL_ERROR_URI_INVALID);
  assert_int_equal(error.stage, AMQP_WOLFSSL_STAGE_CONFIGURE);
  assert_string_equal(error.message,
                      "the server URI \"spiffe://example.org/\" has an empty segment in its path, or a "
                      "slash at its end");
  assert_string_equal(expected.uri, ID);
  assert_int_equal(expected_identity_set_uri(&expected, NULL, &error), AMQP_WOLFSSL_OK);
  assert_null(expected.uri);
}

/* A broker's own URI has a password, and is no name of a server. */
static void test_no_password_in_a_sentence(void **state) {
  static const char *const wrong[] = {"amqps://user:canary@broker.example:5671/vhost", "user:canary@broker.example",
                                      "spiffe://user:can@ry@example.org/x",
                                      "amqps://broker.example/?keyfile=/k.pem&password=canary",
                                      "amqps://broker.example/#canary"};
  struct expected_identity expected = {0};
  amqp_wolfssl_error_t error;

  (void)state;
  for (size_t i = 0; i < COUNT(wrong); i++) {
    assert_int_equal(expected_identity_set_uri(&expected, wrong[i], &error), AMQP_WOLFSSL_ERROR_URI_INVALID);
    assert_null(strstr(error.message, "can"));
    assert_int_equal(expected_identity_set_names(&expected, &wrong[i], 1, &error), AMQP_WOLFSSL_ERROR_NAME_INVALID);
    assert_null(strstr(error.message, "can"));
  }
}

static void test_a_ca_is_no_workload(void **state) {
  static const char *const says[] = {"a CA's", "keyCertSign", "cRLSign"};
  struct expected_identity expected = {0};
  struct alternative_names names = {0};
  amqp_wolfssl_error_t error;

  (void)state;
  alternative_names_add_text(&names, SAN_URI, ID);
  assert_int_equal(expected_identity_set_uri(&expected, ID, &error), AMQP_WOLFSSL_OK);
  for (size_t i = 0; i < COUNT(says); i++) {
    const struct certificate leaf = {.alternative_names = alternative_names_slice(&names),
                                     .has_key_usage = true,
                                     .is_ca = i == 0,
                                     .may_certify = i == 1,
                                     .may_sign_lists = i == 2};

    assert_int_equal(expected_identity_check(&expected, false, NULL, &leaf, &error), AMQP_WOLFSSL_ERROR_CHAIN_INVALID);
    assert_non_null(strstr(error.message, says[i]));
    assert_non_null(strstr(error.message, ID));
  }
  expected_identity_free(&expected);
  alternative_names_free(&names);
}

/* ---- Sentences ---- */

static void test_words(void **state) {
  static const char *const accepted[] = {"a.example", "192.0.2.1"};
  static const char *const host_words[] = {
      "not for DNS:other.example but for URI:" ID ", DNS:broker.example, IP:127.0.0.1", NULL};
  static const char *const list_words[] = {"none of the accepted names, DNS:a.example, IP:192.0.2.1, but for URI:" ID
                                           ", DNS:broker.example, IP:127.0.0.1",
                                           NULL};
  static const char *const uri_words[] = {"expected URI \"spiffe://example.org/other\"",
                                          "URI:" ID ", DNS:broker.example, IP:127.0.0.1", NULL};
  static const char *const two_words[] = {"not alone", "URI:" ID ", URI:spiffe://evil.example/x, DNS:broker.example",
                                          NULL};
  static const char *const none_words[] = {"no name at all", NULL};
  struct expected_identity expected = {0};
  struct alternative_names names = {0};
  struct alternative_names none = {0};
  amqp_wolfssl_error_t error;

  (void)state;
  alternative_names_add_text(&names, SAN_DNS, "broker.example");
  alternative_names_add_text(&names, SAN_URI, ID);
  alternative_names_add(&names, SAN_IP, "\x7f\x00\x00\x01", 4);
  expect_words(NULL, "other.example", &names, host_words);
  assert_int_equal(expected_identity_set_names(&expected, accepted, 2, &error), AMQP_WOLFSSL_OK);
  expect_words(&expected, "other.example", &names, list_words);
  expect_words(&expected, "other.example", &none, none_words);
  assert_int_equal(expected_identity_set_uri(&expected, "spiffe://example.org/other", &error), AMQP_WOLFSSL_OK);
  expect_words(&expected, "other.example", &names, uri_words);
  expect_words(&expected, "other.example", &none, none_words);
  assert_int_equal(expected_identity_set_uri(&expected, ID, &error), AMQP_WOLFSSL_OK);
  alternative_names_add_text(&names, SAN_URI, "spiffe://evil.example/x");
  expect_words(&expected, "other.example", &names, two_words);
  expected_identity_free(&expected);
  alternative_names_free(&names);
}

/* Many names, and long ones, end in dots; never in silence, and never beyond the record. */
static void test_words_that_do_not_fit(void **state) {
  static const char *const dots[] = {"DNS:name-1.example", ", ...;", NULL};
  static const char *const long_uri[] = {"URI:spiffe://example.org/uuuuuu", "uuu...", NULL};
  struct alternative_names names = {0};
  char uri[2000];

  (void)state;
  for (unsigned i = 1; i < 100; i++) {
    char name[32];

    (void)snprintf(name, sizeof(name), "name-%u.example", i);
    alternative_names_add_text(&names, SAN_DNS, name);
  }
  expect_words(NULL, "other.example", &names, dots);
  memset(uri, 'u', sizeof(uri));
  memcpy(uri, "spiffe://example.org/", strlen("spiffe://example.org/"));
  alternative_names_add(&names, SAN_URI, uri, sizeof(uri));
  expect_words(NULL, "other.example", &names, long_uri);
  alternative_names_free(&names);
}

/* What a certificate says is foreign text. */
static void test_foreign_bytes(void **state) {
  struct alternative_names names = {0};
  amqp_wolfssl_error_t error;

  (void)state;
  alternative_names_add(&names, SAN_URI, "spiffe://e\0x\n\033[31m\xe2\x80\xae\xe2\x80\xac", 24);
  assert_int_equal(check(NULL, true, "other.example", &names, &error), AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  for (const char *at = error.message; *at != '\0'; at++) {
    assert_true(*at >= ' ' && *at <= '~');
  }
  assert_non_null(strstr(error.message, "URI:spiffe://e\\00x\\0A\\1B[31m"));
  alternative_names_free(&names);
}

/* ---- Running out of memory ---- */

static void test_no_memory(void **state) {
  static const char *const good[] = {"a.example"};
  static const char *const better[] = {"b.example", "c.example"};
  struct expected_identity expected = {0};
  amqp_wolfssl_error_t error;

  (void)state;
  if (!failing_allocator_works()) {
    skip();
  }
  assert_int_equal(expected_identity_set_names(&expected, good, 1, &error), AMQP_WOLFSSL_OK);
  assert_int_equal(expected_identity_set_uri(&expected, ID, &error), AMQP_WOLFSSL_OK);
  failing_allocator_arm(1);
  assert_int_equal(expected_identity_set_names(&expected, better, 2, &error), AMQP_WOLFSSL_ERROR_NO_MEMORY);
  assert_true(failing_allocator_disarm());
  failing_allocator_arm(1);
  assert_int_equal(expected_identity_set_uri(&expected, "spiffe://a/b", &error), AMQP_WOLFSSL_ERROR_NO_MEMORY);
  assert_true(failing_allocator_disarm());
  assert_int_equal(expected.name_count, 1);
  assert_string_equal(expected.names[0].dns, "a.example");
  assert_string_equal(expected.uri, ID);
  expected_identity_free(&expected);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_nothing_expected),
      cmocka_unit_test(test_any_of_several),
      cmocka_unit_test(test_names_are_all_or_nothing),
      cmocka_unit_test(test_how_many),
      cmocka_unit_test(test_uri_and_names),
      cmocka_unit_test(test_uri_is_all_or_nothing),
      cmocka_unit_test(test_no_password_in_a_sentence),
      cmocka_unit_test(test_a_ca_is_no_workload),
      cmocka_unit_test(test_words),
      cmocka_unit_test(test_words_that_do_not_fit),
      cmocka_unit_test(test_foreign_bytes),
      cmocka_unit_test(test_no_memory),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
