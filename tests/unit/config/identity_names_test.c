/* SPDX-License-Identifier: MIT */
/* The names in the identity of a config, as programs ask for them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config_connection.h"
#include "failing_allocator.h"
#include "mounted_secret.h"
#include "temporary_folder.h"

static void expect_client(const amqp_wolfssl_identity_names_t *names, const char *subject, const char *common_name,
                          const char *email) {
  assert_non_null(names);
  assert_int_equal(amqp_wolfssl_identity_names_count(names), 3);
  assert_int_equal(amqp_wolfssl_identity_names_source(names, 0), AMQP_WOLFSSL_LOGIN_DISTINGUISHED_NAME);
  assert_string_equal(amqp_wolfssl_identity_names_text(names, 0), subject);
  assert_int_equal(amqp_wolfssl_identity_names_source(names, 1), AMQP_WOLFSSL_LOGIN_COMMON_NAME);
  assert_string_equal(amqp_wolfssl_identity_names_text(names, 1), common_name);
  assert_int_equal(amqp_wolfssl_identity_names_source(names, 2), AMQP_WOLFSSL_LOGIN_SAN_EMAIL);
  assert_string_equal(amqp_wolfssl_identity_names_text(names, 2), email);
  for (size_t place = 0; place < 3; place++) {
    assert_int_equal(amqp_wolfssl_identity_names_index(names, place), 0);
    assert_int_equal(amqp_wolfssl_identity_names_exact(names, place), 1);
  }
}

static void test_none(void **state) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  (void)state;
  assert_null(amqp_wolfssl_config_identity_names(NULL));
  assert_null(amqp_wolfssl_config_identity_names(config));
  amqp_wolfssl_identity_names_free(NULL);
  assert_int_equal(amqp_wolfssl_identity_names_count(NULL), 0);
  assert_int_equal(amqp_wolfssl_identity_names_source(NULL, 0), AMQP_WOLFSSL_LOGIN_NONE);
  assert_int_equal(amqp_wolfssl_identity_names_index(NULL, 0), 0);
  assert_string_equal(amqp_wolfssl_identity_names_text(NULL, 0), "");
  assert_int_equal(amqp_wolfssl_identity_names_exact(NULL, 0), 0);
  amqp_wolfssl_config_free(config);
}

/* It outlives the identity that it was read from, and the config. */
static void test_the_identity_set_last(void **state) {
  amqp_wolfssl_config_t *config = good_config();
  amqp_wolfssl_identity_names_t *first = amqp_wolfssl_config_identity_names(config);
  amqp_wolfssl_identity_names_t *second;

  (void)state;
  assert_record(config,
                amqp_wolfssl_config_set_identity_files(config, temporary_folder_path("client-chain.pem"),
                                                       temporary_folder_path("client-chain.key")),
                AMQP_WOLFSSL_OK);
  second = amqp_wolfssl_config_identity_names(config);
  amqp_wolfssl_config_free(config);
  expect_client(first, "CN=client1,O=Acme", "client1", "client1@acme.test");
  expect_client(second, "CN=client-chain,O=Acme", "client-chain", "client-chain@acme.test");
  assert_int_equal(amqp_wolfssl_identity_names_source(first, 3), AMQP_WOLFSSL_LOGIN_NONE);
  assert_string_equal(amqp_wolfssl_identity_names_text(first, 3), "");
  assert_string_equal(amqp_wolfssl_identity_names_text(first, (size_t)-1), "");
  assert_int_equal(amqp_wolfssl_identity_names_exact(first, 3), 0);
  amqp_wolfssl_identity_names_free(first);
  amqp_wolfssl_identity_names_free(second);
}

static void expect_subject(amqp_wolfssl_config_t *config, const char *subject) {
  amqp_wolfssl_identity_names_t *names = amqp_wolfssl_config_identity_names(config);

  assert_non_null(names);
  assert_string_equal(amqp_wolfssl_identity_names_text(names, 0), subject);
  amqp_wolfssl_identity_names_free(names);
}

/* Of files that are read again: those that the last open has used, until then those that were set. */
static void test_the_identity_in_use(void **state) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
  struct mounted_secret secret;

  (void)state;
  mounted_secret_make(&secret, "secret");
  mounted_secret_put(&secret, "client.pem", "client.key", "ca.pem");
  assert_record(config, amqp_wolfssl_config_set_secret_folder(config, secret.path), AMQP_WOLFSSL_OK);
  expect_subject(config, "CN=client1,O=Acme");
  config_freeze(config);
  expect_connection(config, "server", true);
  mounted_secret_put(&secret, "client-chain.pem", "client-chain.key", "ca.pem");
  expect_subject(config, "CN=client1,O=Acme");
  connect_config(&(struct connection){0}, config, "server-other-ca"); /* whether it succeeds or not */
  expect_subject(config, "CN=client-chain,O=Acme");
  amqp_wolfssl_config_free(config);
}

static void test_no_memory(void **state) {
  amqp_wolfssl_config_t *config = good_config();
  size_t failures = 0;
  bool failed = true;

  (void)state;
  if (!failing_allocator_works()) {
    skip();
  }
  for (size_t nth = 1; failed; nth++) {
    amqp_wolfssl_identity_names_t *names;

    failing_allocator_arm(nth);
    names = amqp_wolfssl_config_identity_names(config);
    failed = failing_allocator_disarm();
    assert_int_equal(names == NULL, failed);
    failures += failed;
    amqp_wolfssl_identity_names_free(names);
  }
  assert_true(failures >= 7);
  amqp_wolfssl_config_free(config);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_none),
      cmocka_unit_test(test_the_identity_set_last),
      cmocka_unit_test(test_the_identity_in_use),
      cmocka_unit_test(test_no_memory),
  };

  return cmocka_run_group_tests(tests, config_files_set_up, temporary_folder_tear_down);
}
