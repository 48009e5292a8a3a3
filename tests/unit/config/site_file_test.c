/* SPDX-License-Identifier: MIT */
/* The administrator's file: what it may say, and that nothing in it that is not understood is passed over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/site_file.h"
#include "other_user.h"
#include "temporary_folder.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static int make_folder(void **state) {
  (void)state;
  return temporary_folder_make();
}

static amqp_wolfssl_code_t read_bytes(const char *bytes, size_t length, struct site_settings *settings,
                                      amqp_wolfssl_error_t *error) {
  temporary_folder_write("site.conf", bytes, length);
  error_clear(error);
  return site_file_read(temporary_folder_path("site.conf"), settings, error);
}

static void assert_empty(const struct site_settings *settings) {
  assert_int_equal(settings->policy, 0);
  assert_int_equal(settings->minimum_version, 0);
  assert_null(settings->crl_file);
  assert_false(settings->require_stapling);
  assert_int_equal(settings->maximum_life, 0);
  assert_false(settings->extended_master_secret_optional);
}

static void expect_settings(const char *text, struct site_settings *settings) {
  amqp_wolfssl_error_t error;

  if (read_bytes(text, strlen(text), settings, &error) != AMQP_WOLFSSL_OK) {
    fail_msg("%s", error.message);
  }
}

static void test_missing_file(void **state) {
  struct site_settings settings;
  amqp_wolfssl_error_t error;

  (void)state;
  error_clear(&error);
  assert_int_equal(site_file_read(temporary_folder_path("missing.conf"), &settings, &error), AMQP_WOLFSSL_OK);
  assert_empty(&settings);
  assert_int_equal(site_file_read(temporary_folder_path("no/such/folder.conf"), &settings, &error), AMQP_WOLFSSL_OK);
  assert_empty(&settings);
}

/* It is there and can't be read: nobody knows what it asks for. */
static void test_unreadable_file(void **state) {
  struct site_settings settings;
  amqp_wolfssl_error_t error;

  (void)state;
  error_clear(&error);
  assert_int_equal(site_file_read(temporary_folder_path(""), &settings, &error), AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_int_equal(error.code, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_empty(&settings);
}

static void test_link_that_leads_nowhere(void **state) {
  const char *path = temporary_folder_path("nowhere.conf");
  struct site_settings settings;
  amqp_wolfssl_error_t error;

  (void)state;
  error_clear(&error);
  assert_int_equal(symlink("not/mounted.conf", path), 0);
  assert_int_equal(site_file_read(path, &settings, &error), AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_non_null(strstr(error.message, "nowhere.conf"));
  assert_empty(&settings);
  assert_int_equal(symlink("not/mounted", temporary_folder_path("folder")), 0);
  assert_int_equal(site_file_read(temporary_folder_path("folder/below/site.conf"), &settings, &error),
                   AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_empty(&settings);
}

static void test_nothing_asked(void **state) {
  static const char *const texts[] = {"", "\n", "\n\n\n", "# policy = nonsense\n", "   \t\n  # a comment\r\n", "#"};
  struct site_settings settings;

  (void)state;
  for (size_t i = 0; i < COUNT_OF(texts); i++) {
    expect_settings(texts[i], &settings);
    assert_empty(&settings);
  }
}

static void test_all_settings(void **state) {
  struct site_settings settings;

  (void)state;
  expect_settings(
      "# of this machine\n"
      "policy = cnsa\n"
      "\tminimum-version=1.3\r\n"
      "crl-file =  /etc/ssl/a crl.pem \n"
      "\n"
      "stapling = require\n"
      "maximum-connection-life = 24h",
      &settings);
  assert_int_equal(settings.policy, AMQP_WOLFSSL_POLICY_CNSA);
  assert_int_equal(settings.minimum_version, AMQP_WOLFSSL_TLS_1_3);
  assert_string_equal(settings.crl_file, "/etc/ssl/a crl.pem");
  assert_true(settings.require_stapling);
  assert_int_equal(settings.maximum_life, 86400);
  site_settings_free(&settings);
  assert_empty(&settings);
}

static void test_each_value(void **state) {
  struct site_settings settings;

  (void)state;
  expect_settings("policy = fips\nminimum-version = 1.2\nmaximum-connection-life = 1s\n", &settings);
  assert_int_equal(settings.policy, AMQP_WOLFSSL_POLICY_FIPS);
  assert_int_equal(settings.minimum_version, AMQP_WOLFSSL_TLS_1_2);
  assert_int_equal(settings.maximum_life, 1);
  expect_settings("policy = modern\nmaximum-connection-life = 90m\n", &settings);
  assert_int_equal(settings.policy, AMQP_WOLFSSL_POLICY_MODERN);
  assert_int_equal(settings.maximum_life, 5400);
  expect_settings("maximum-connection-life = 3650d\n", &settings);
  assert_int_equal(settings.maximum_life, 3650 * (int64_t)86400);
}

static void test_what_is_not_understood(void **state) {
  static const struct {
    const char *text;
    size_t line;
    const char *part; /* of the sentence */
  } rows[] = {
      {"policy\n", 1, "key = value"},
      {"\n\npolicy = FIPS\n", 3, "not \"FIPS\""},
      {"policy = \n", 1, "fips, cnsa or modern"},
      {"policy = fips cnsa\n", 1, "fips, cnsa or modern"},
      {"policy = fips # why\n", 1, "fips, cnsa or modern"},
      {"minimum-version = 1.1\n", 1, "1.2 or 1.3"},
      {"minimum-version = TLSv1.3\n", 1, "1.2 or 1.3"},
      {"stapling = off\n", 1, "takes require"},
      {"stapling = request\n", 1, "takes require"},
      {"crl-file = crl.pem\n", 1, "absolute"},
      {"crl-file =\n", 1, "absolute"},
      {"extended-master-secret = required\n", 1, "takes optional"},
      {"extended-master-secret = no\n", 1, "takes optional"},
      {"maximum-connection-life = 24\n", 1, "as 24h"},
      {"maximum-connection-life = h\n", 1, "as 24h"},
      {"maximum-connection-life = 0h\n", 1, "as 24h"},
      {"maximum-connection-life = -1h\n", 1, "as 24h"},
      {"maximum-connection-life = 1.5h\n", 1, "as 24h"},
      {"maximum-connection-life = 24hours\n", 1, "as 24h"},
      {"maximum-connection-life = 3651d\n", 1, "as 24h"},
      {"maximum-connection-life = 99999999999999999999h\n", 1, "as 24h"},
      {"# one\npolicy = fips\nverify-peer = no\n", 3, "no setting \"verify-peer\""},
      {"= fips\n", 1, "no setting \"\""},
      {"policy = fips\n\npolicy = fips\n", 3, "\"policy\" appears twice"},
      {"crl-file = /a\ncrl-file = /b\n", 2, "\"crl-file\" appears twice"},
  };
  struct site_settings settings;
  amqp_wolfssl_error_t error;
  char line[32];

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    amqp_wolfssl_code_t code = read_bytes(rows[i].text, strlen(rows[i].text), &settings, &error);

    (void)snprintf(line, sizeof(line), "site.conf, line %zu: ", rows[i].line);
    if (code != AMQP_WOLFSSL_ERROR_SITE_FILE_INVALID || error.code != code || strstr(error.message, line) == NULL ||
        strstr(error.message, rows[i].part) == NULL) {
      fail_msg("%s: %s: %s", rows[i].text, amqp_wolfssl_code_name(code), error.message);
    }
    assert_empty(&settings);
  }
}

/* ---- The exception ---- */

static void expect_no_exception(const char *text, const char *part) {
  struct site_settings settings;
  amqp_wolfssl_error_t error;

  error_clear(&error);
  if (text != NULL) {
    assert_int_equal(read_bytes(text, strlen(text), &settings, &error), AMQP_WOLFSSL_ERROR_SITE_FILE_INVALID);
  } else {
    assert_int_equal(site_file_read(temporary_folder_path("site.conf"), &settings, &error),
                     AMQP_WOLFSSL_ERROR_SITE_FILE_INVALID);
  }
  assert_non_null(strstr(error.message, "site.conf"));
  assert_non_null(strstr(error.message, part));
  assert_empty(&settings);
}

static void test_exception(void **state) {
  static const struct {
    amqp_wolfssl_policy_t policy;
    bool required;
  } rows[] = {{AMQP_WOLFSSL_POLICY_MODERN, false}, {AMQP_WOLFSSL_POLICY_FIPS, false}, {AMQP_WOLFSSL_POLICY_CNSA, true}};
  struct site_settings settings;
  struct policy_limits limits;

  (void)state;
  expect_settings("policy = fips\nextended-master-secret = optional\n", &settings);
  assert_true(settings.extended_master_secret_optional);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    policy_limits_init(&limits, policy_find(rows[i].policy));
    site_settings_except(&settings, &limits);
    assert_int_equal(limits.extended_master_secret, rows[i].required);
  }
  expect_settings("policy = fips\n", &settings);
  policy_limits_init(&limits, policy_find(AMQP_WOLFSSL_POLICY_FIPS));
  site_settings_except(&settings, &limits);
  assert_true(limits.extended_master_secret);
  expect_no_exception("extended-master-secret = optional\npolicy = cnsa\n", "admits no exception");
}

/* A file that others can write to may make things stricter, and no more. */
static void test_whose_exception(void **state) {
  static const mode_t modes[] = {0664, 0646, 0666};
  static const char text[] = "extended-master-secret = optional\n";
  const char *path = temporary_folder_path("site.conf");
  struct site_settings settings;

  (void)state;
  temporary_folder_write_text("site.conf", text);
  for (size_t i = 0; i < COUNT_OF(modes); i++) {
    assert_int_equal(chmod(path, modes[i]), 0);
    expect_no_exception(NULL, "must belong to root");
  }
  temporary_folder_write_text("site.conf", "policy = fips\n");
  assert_int_equal(chmod(path, 0666), 0);
  expect_settings("policy = fips\n", &settings);
  assert_int_equal(chmod(path, 0644), 0);
  expect_settings(text, &settings);
  if (geteuid() == 0) { /* only root can give it away */
    assert_int_equal(chown(path, OTHER_USER_NOBODY, (gid_t)-1), 0);
    expect_no_exception(NULL, "must belong to root");
    assert_int_equal(chown(path, 0, (gid_t)-1), 0);
    expect_settings(text, &settings);
  }
}

static void test_what_is_no_text(void **state) {
  static const char nul[] = "policy = fips\0\n";
  struct site_settings settings;
  amqp_wolfssl_error_t error;
  char *line = malloc(5000);

  (void)state;
  assert_int_equal(read_bytes(nul, sizeof(nul) - 1, &settings, &error), AMQP_WOLFSSL_ERROR_SITE_FILE_INVALID);
  assert_empty(&settings);
  assert_non_null(line);
  memset(line, ' ', 5000);
  line[4096] = '\n';
  assert_int_equal(read_bytes(line, 4097, &settings, &error), AMQP_WOLFSSL_OK);
  line[4096] = ' ';
  line[4097] = '\n';
  assert_int_equal(read_bytes(line, 4098, &settings, &error), AMQP_WOLFSSL_ERROR_SITE_FILE_INVALID);
  free(line);
}

static void test_stricter_policy(void **state) {
  static const amqp_wolfssl_policy_t order[] = {(amqp_wolfssl_policy_t)0, AMQP_WOLFSSL_POLICY_MODERN,
                                                AMQP_WOLFSSL_POLICY_FIPS, AMQP_WOLFSSL_POLICY_CNSA};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(order); i++) {
    for (size_t j = 0; j < COUNT_OF(order); j++) {
      assert_int_equal(site_stricter_policy(order[i], order[j]), order[i > j ? i : j]);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_missing_file),
      cmocka_unit_test(test_unreadable_file),
      cmocka_unit_test(test_link_that_leads_nowhere),
      cmocka_unit_test(test_nothing_asked),
      cmocka_unit_test(test_all_settings),
      cmocka_unit_test(test_each_value),
      cmocka_unit_test(test_what_is_not_understood),
      cmocka_unit_test(test_exception),
      cmocka_unit_test(test_whose_exception),
      cmocka_unit_test(test_what_is_no_text),
      cmocka_unit_test(test_stricter_policy),
  };

  return cmocka_run_group_tests(tests, make_folder, temporary_folder_tear_down);
}
