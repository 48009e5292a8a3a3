/* SPDX-License-Identifier: MIT */
/*
 * A config that is to trust the system's CA certificates, on a system that has none: that adds nothing, and takes
 * nothing from what else is trusted. This program says in wolfSSL's place where the system's certificates are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <string.h>
#include <sys/stat.h>

#include "amqp_wolfssl_socket.h"
#include "backend/wolfssl_headers.h"
#include "config/config.h"
#include "minted_certificates.h"
#include "temporary_folder.h"

#ifdef HAVE_WOLFSSL_GET_SYSTEM_CA_DIRS
static const char *system_folder;

const char **wolfSSL_get_system_CA_dirs(word32 *count) {
  *count = 1;
  return &system_folder;
}

static int set_up(void **state) {
  if (minted_certificates_set_up(state) != 0) {
    return -1;
  }
  system_folder = temporary_folder_path("system");
  return mkdir(system_folder, 0700);
}

static void expect_opening(amqp_wolfssl_config_t *config, amqp_wolfssl_code_t expected, const char *part) {
  struct tls_context *context = NULL;
  amqp_wolfssl_error_t warning;
  amqp_wolfssl_error_t error;
  const amqp_wolfssl_code_t code = config_tls_context(config, &context, &warning, &error);

  tls_context_free(context);

  assert_string_equal(amqp_wolfssl_code_name(code), amqp_wolfssl_code_name(expected));
  if (code != AMQP_WOLFSSL_OK && strstr(amqp_wolfssl_error_message(&error), part) == NULL) {
    fail_msg("no \"%s\" in \"%s\"", part, amqp_wolfssl_error_message(&error));
  }
}

static void none_and_nothing_else(void **state) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  (void)state;
  assert_int_equal(amqp_wolfssl_config_add_ca_system(config), AMQP_WOLFSSL_ERROR_NO_CERTIFICATE);
  expect_opening(config, AMQP_WOLFSSL_ERROR_NO_CERTIFICATE, system_folder);
  amqp_wolfssl_config_free(config);
}

static void none_and_a_file(void **state) {
  (void)state;
  for (int before = 0; before < 2; before++) {
    amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

    if (before) {
      assert_int_equal(amqp_wolfssl_config_add_ca_file(config, minted_certificate("ca")), AMQP_WOLFSSL_OK);
    }
    assert_int_equal(amqp_wolfssl_config_add_ca_system(config), AMQP_WOLFSSL_ERROR_NO_CERTIFICATE);
    if (!before) {
      assert_int_equal(amqp_wolfssl_config_add_ca_file(config, minted_certificate("ca")), AMQP_WOLFSSL_OK);
    }
    expect_opening(config, AMQP_WOLFSSL_OK, "");
    amqp_wolfssl_config_free(config);
  }
}

static void none_and_a_file_that_is_refused(void **state) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  (void)state;
  assert_int_equal(amqp_wolfssl_config_add_ca_system(config), AMQP_WOLFSSL_ERROR_NO_CERTIFICATE);
  assert_int_equal(amqp_wolfssl_config_add_ca_file(config, minted_certificate("ca")), AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_wolfssl_config_add_ca_file(config, "/nowhere/ca.pem"), AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  expect_opening(config, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE, "/nowhere/ca.pem");
  amqp_wolfssl_config_free(config);
}

/* Not the same as none: who put something there wants it used. */
static void unreadable_and_a_file(void **state) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
  const char *empty = system_folder;

  (void)state;
  system_folder = minted_certificate("ca"); /* no folder */
  assert_int_equal(amqp_wolfssl_config_add_ca_system(config), AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_int_equal(amqp_wolfssl_config_add_ca_file(config, minted_certificate("ca")), AMQP_WOLFSSL_OK);
  expect_opening(config, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE, system_folder);
  amqp_wolfssl_config_free(config);
  system_folder = empty;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(none_and_nothing_else),
      cmocka_unit_test(none_and_a_file),
      cmocka_unit_test(none_and_a_file_that_is_refused),
      cmocka_unit_test(unreadable_and_a_file),
  };

  return cmocka_run_group_tests(tests, set_up, minted_certificates_tear_down);
}
#else
static void not_supported(void **state) {
  (void)state;
  skip(); /* this wolfSSL does not know where they are */
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(not_supported)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
