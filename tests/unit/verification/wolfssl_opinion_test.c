/* SPDX-License-Identifier: MIT */
/* What wolfSSL says of a path: it must refuse a bad one whatever we say, and only its known refusals don't count. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "backend/fips_module.h"
#include "backend/wolfssl_headers.h"
#include "minted_chain.h"
#include "temporary_folder.h"
#include "verification/wolfssl_limits.h"
#include "verification/wolfssl_opinion.h"

#include <wolfssl/error-ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* \param [in] names with blanks between, from the leaf up; the last one is the anchor */
static amqp_wolfssl_code_t ask(const char *names, amqp_wolfssl_error_t *error) {
  struct certificate_list sent = {0};
  struct certificate_list anchors = {0};
  const struct path_question question = {.sent = &sent, .anchors = &anchors, .now = (int64_t)time(NULL)};
  struct path path = {0};
  amqp_wolfssl_code_t code;
  char text[256];
  char *rest = text;
  char *name;

  (void)snprintf(text, sizeof(text), "%s", names);
  while ((name = strsep(&rest, " ")) != NULL) {
    minted_chain_add(rest != NULL ? &sent : &anchors, name);
  }
  path.length = sent.count;
  for (size_t i = 0; i < sent.count; i++) {
    path.places[i] = (uint8_t)i;
  }
  error_clear(error);
  code = wolfssl_opinion_ask(&path, &question, error);
  certificate_list_free(&sent);
  certificate_list_free(&anchors);
  return code;
}

static void test_good_paths(void **state) {
  static const char *const paths[] = {"leaf root-of-leaf", "leaf-of-b b a root", "leaf-of-a a root", "root root"};
  amqp_wolfssl_error_t error;

  (void)state;
  for (size_t i = 0; i < COUNT_OF(paths); i++) {
    print_message("%s\n", paths[i]);
    assert_int_equal(ask(paths[i], &error), AMQP_WOLFSSL_OK);
    assert_int_equal(error.code, AMQP_WOLFSSL_OK);
  }
}

/* A path that is none, as if our own search had gone wrong. */
static void test_bad_paths(void **state) {
  static const struct {
    const char *path;
    amqp_wolfssl_code_t code;
    int depth;
  } rows[] = {
      {"leaf-of-a b root", AMQP_WOLFSSL_ERROR_UNKNOWN_CA, 1},
      {"leaf-of-b a root", AMQP_WOLFSSL_ERROR_UNKNOWN_CA, 0},
      {"leaf-of-a a other", AMQP_WOLFSSL_ERROR_UNKNOWN_CA, 1},
      {"leaf-of-a a same-name", AMQP_WOLFSSL_ERROR_BAD_SIGNATURE, 1},
      {"spoilt a root", AMQP_WOLFSSL_ERROR_BAD_SIGNATURE, 0},
      {"expired a root", AMQP_WOLFSSL_ERROR_CERTIFICATE_EXPIRED, 0},
  };
  amqp_wolfssl_error_t error;

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    const amqp_wolfssl_code_t code = ask(rows[i].path, &error);

    print_message("%s: %s\n", rows[i].path, error.message);
    assert_int_equal(code, rows[i].code);
    assert_int_equal(error.certificate_depth, rows[i].depth);
    assert_int_equal(error.stage, AMQP_WOLFSSL_STAGE_VERIFY);
    assert_non_null(strstr(error.message, "according to wolfSSL"));
    assert_true(error.certificate_subject[0] != '\0');
  }
}

/* By these wolfSSL refuses what keeps the rules; path_test has what breaks them. */
static void test_refusals_that_do_not_count(void **state) {
  static const char *const paths[] = {"constrained-leaf issuing constrained", "long-leaf long-b long-a root",
                                      "spelt-leaf a root", "critical-leaf critical root", "zero-leaf zero"};
  amqp_wolfssl_error_t error;

  (void)state;
  for (size_t i = 0; i < COUNT_OF(paths); i++) {
    const amqp_wolfssl_code_t code = ask(paths[i], &error);

    print_message("%s: %s\n", paths[i], error.message);
    assert_int_equal(code, AMQP_WOLFSSL_OK);
  }
}

/* Another spelling excuses that wolfSSL does not find the issuer; a wrong signature it never excuses. */
static void test_limits_explain_what_they_are_for(void **state) {
  static const struct {
    const char *name;
    int wolfssl_code;
    bool explained;
  } rows[] = {
      {"zero", ASN_PARSE_E, true},          {"zero", RSA_KEY_SIZE_E, true},
      {"zero", ASN_SIG_CONFIRM_E, false},   {"zero", ASN_AFTER_DATE_E, false},
      {"zero-leaf", ASN_PARSE_E, false},    {"zero-ica", ASN_PARSE_E, false}, /* roots only */
      {"root", ASN_PARSE_E, false},         {"root", RSA_KEY_SIZE_E, false},
      {"leaf", ASN_ALT_NAME_E, false},      {"many", ASN_ALT_NAME_E, true},
      {"many", ASN_SIG_CONFIRM_E, false},   {"critical", ASN_CRIT_EXT_E, true},
      {"critical", ASN_NO_SIGNER_E, false}, {"leaf", MEMORY_E, false},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    struct certificate_list list = {0};

    minted_chain_add(&list, rows[i].name);
    print_message("%s, %d\n", rows[i].name, rows[i].wolfssl_code);
    assert_int_equal(wolfssl_limits_explain(rows[i].wolfssl_code, &list.items[0]), rows[i].explained);
    certificate_list_free(&list);
  }
}

static int set_up(void **state) {
  char description[8192] =
      "root ca\nother ca\na by=root ca\nb by=a ca\nleaf-of-a by=a leaf\nleaf-of-b by=b leaf\n"
      "root-of-leaf ca\nleaf by=root-of-leaf leaf\nsame-name s=CN=root ca\n"
      "spoilt by=a leaf spoil\nexpired by=a leaf to=-60\n"
      "constrained ca x:nameConstraints=critical,permitted;DNS:localhost\nissuing by=constrained s=CN=Issuing_CA ca\n"
      "constrained-leaf by=issuing leaf\n"
      "long-a by=root ca=1\nlong-b by=long-a ca=5\nlong-leaf by=long-b leaf\n"
      "spelt-leaf by=a i=CN=P:A leaf\n"
      "critical by=root ca x:certificatePolicies=critical,1.2.3.4"
      " x:policyConstraints=critical,requireExplicitPolicy:5\n"
      "critical-leaf by=critical leaf\n"
      "zero ca serial=0\nzero-leaf by=zero leaf\nzero-ica by=root ca serial=0\n"
      "many by=root leaf x:subjectAltName=DNS:localhost";

  (void)state;
  if (fips_module_start() != 0 || temporary_folder_make() != 0) {
    return -1;
  }
  for (int i = 0; i < 128; i++) {
    const size_t length = strlen(description);

    (void)snprintf(description + length, sizeof(description) - length, ",DNS:n%d.test", i);
  }
  (void)strncat(description, "\n", sizeof(description) - strlen(description) - 1);
  minted_chain_make(description);
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_good_paths),
      cmocka_unit_test(test_bad_paths),
      cmocka_unit_test(test_refusals_that_do_not_count),
      cmocka_unit_test(test_limits_explain_what_they_are_for),
  };

  return cmocka_run_group_tests_name("wolfssl_opinion", tests, set_up, temporary_folder_tear_down);
}
