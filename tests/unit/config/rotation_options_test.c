/* SPDX-License-Identifier: MIT */
/* What a program sets and asks about credentials that are replaced: changed, expires_in, the margin. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include "amqp_wolfssl_socket.h"
#include "config/config.h"
#include "config_connection.h"
#include "minted_certificates.h"
#include "mounted_secret.h"
#include "temporary_folder.h"

#define YEAR ((int64_t)366 * 86400)

static struct mounted_secret secret;

static void put_first(void) { mounted_secret_put(&secret, "client.pem", "client.key", "ca.pem"); }

static void put_second(void) { mounted_secret_put(&secret, "client-no-user.pem", "client-no-user.key", "ca.pem"); }

static int set_up(void **state) {
  if (config_files_set_up(state) != 0) {
    return -1;
  }
  mounted_secret_make(&secret, "secret");
  return 0;
}

static amqp_wolfssl_config_t *folder_config(int64_t margin) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  put_first();
  assert_int_equal(amqp_wolfssl_config_set_secret_folder(config, secret.path), AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_wolfssl_config_set_expiry_margin(config, margin), AMQP_WOLFSSL_OK);
  config_freeze(config);
  return config;
}

static struct tls_context *take(amqp_wolfssl_config_t *config) {
  struct tls_context *context = NULL;
  amqp_wolfssl_error_t warning;
  amqp_wolfssl_error_t error;

  if (config_tls_context(config, &context, &warning, &error) != AMQP_WOLFSSL_OK) {
    fail_msg("%s", error.message);
  }
  return context;
}

static void test_values(void **state) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  (void)state;
  assert_record(config, amqp_wolfssl_config_set_rotation(config, 2), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_set_rotation(config, -1), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_set_rotation(config, 0), AMQP_WOLFSSL_OK);
  assert_record(config, amqp_wolfssl_config_set_expiry_margin(config, -1), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_set_expiry_margin(config, 100 * YEAR + 1),
                AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_set_expiry_margin(config, INT64_MAX), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_set_expiry_margin(config, 100 * YEAR), AMQP_WOLFSSL_OK);
  amqp_wolfssl_config_free(config);
  assert_int_equal(amqp_wolfssl_config_changed(NULL), 0);
}

static void test_changed(void **state) {
  amqp_wolfssl_config_t *config = folder_config(0);

  (void)state;
  put_second();
  assert_int_equal(amqp_wolfssl_config_changed(config), 0); /* nothing is in use yet */
  tls_context_free(take(config));
  assert_int_equal(amqp_wolfssl_config_changed(config), 0);
  put_first();
  assert_int_equal(amqp_wolfssl_config_changed(config), 1);
  assert_int_equal(amqp_wolfssl_config_changed(config), 1);
  tls_context_free(take(config));
  assert_int_equal(amqp_wolfssl_config_changed(config), 0);
  mounted_secret_put(&secret, "client.pem", "client-no-user.key", "ca.pem");
  assert_int_equal(amqp_wolfssl_config_changed(config), 0); /* nothing good */
  put_first();
  assert_int_equal(amqp_wolfssl_config_changed(config), 0); /* nothing new */
  mounted_secret_put(&secret, "client.pem", "client.key", "bundle.pem");
  assert_int_equal(amqp_wolfssl_config_changed(config), 1); /* CAs count */
  amqp_wolfssl_config_free(config);
  config = good_config();
  config_freeze(config);
  tls_context_free(take(config));
  assert_int_equal(amqp_wolfssl_config_changed(config), 0);
  amqp_wolfssl_config_free(config);
}

static void test_expires_in(void **state) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
  int64_t own = 1;
  int64_t authority = 1;

  (void)state;
  assert_int_equal(amqp_wolfssl_config_expires_in(NULL, &own, &authority), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_int_equal(amqp_wolfssl_config_expires_in(config, &own, &authority), AMQP_WOLFSSL_OK);
  assert_true(own == INT64_MAX && authority == INT64_MAX);
  assert_int_equal(amqp_wolfssl_config_set_identity_files(config, temporary_folder_path("client-expired.pem"),
                                                          temporary_folder_path("client-expired.key")),
                   AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_wolfssl_config_expires_in(config, &own, NULL), AMQP_WOLFSSL_OK);
  assert_true(own < 0);
  amqp_wolfssl_config_free(config);
  config = folder_config(0);
  for (int opened = 0; opened < 2; opened++) {
    assert_int_equal(amqp_wolfssl_config_expires_in(config, &own, &authority), AMQP_WOLFSSL_OK);
    assert_true(own > 0 && own < 100 * YEAR && authority > 0 && authority < 100 * YEAR);
    tls_context_free(take(config));
  }
  assert_int_equal(amqp_wolfssl_config_expires_in(config, NULL, NULL), AMQP_WOLFSSL_OK);
  amqp_wolfssl_config_free(config);
}

static void test_outdated_when_replaced(void **state) {
  amqp_wolfssl_config_t *config = folder_config(0);
  struct tls_context *first = take(config);
  struct tls_context *second;

  (void)state;
  assert_false(config_outdates(config, first));
  mounted_secret_put(&secret, "client-no-user.pem", "client.key", "ca.pem");
  assert_false(config_outdates(config, first)); /* broken: reconnecting would change nothing */
  mounted_secret_put(&secret, "client.pem", "client.key", "bundle.pem");
  assert_false(config_outdates(config, first)); /* its certificate is the same */
  put_second();
  assert_true(config_outdates(config, first)); /* though nobody has opened with it */
  second = take(config);
  assert_true(config_outdates(config, first));
  assert_false(config_outdates(config, second));
  tls_context_free(first);
  tls_context_free(second);
  amqp_wolfssl_config_free(config);
}

static void test_outdated_within_the_margin(void **state) {
  static const struct {
    int64_t margin;
    bool outdated;
  } rows[] = {{0, false}, {60, false}, {100 * YEAR, true}};

  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    amqp_wolfssl_config_t *config = folder_config(rows[i].margin);
    struct tls_context *context = take(config);

    assert_int_equal(config_outdates(config, context), rows[i].outdated);
    tls_context_free(context);
    amqp_wolfssl_config_free(config);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_values),
      cmocka_unit_test(test_changed),
      cmocka_unit_test(test_expires_in),
      cmocka_unit_test(test_outdated_when_replaced),
      cmocka_unit_test(test_outdated_within_the_margin),
  };

  return cmocka_run_group_tests(tests, set_up, minted_certificates_tear_down);
}
