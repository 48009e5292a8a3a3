/* SPDX-License-Identifier: MIT */
/* Where an identity came from, and making it anew from there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/fips_module.h"
#include "failing_allocator.h"
#include "identity/identity_source.h"
#include "minted_certificates.h"
#include "mounted_secret.h"
#include "temporary_folder.h"

static int set_up(void **state) {
  amqp_wolfssl_error_t error;

  return fips_module_check(AMQP_WOLFSSL_STAGE_CONFIGURE, &error) == AMQP_WOLFSSL_OK ? minted_certificates_set_up(state)
                                                                                    : -1;
}

static amqp_wolfssl_code_t read_source(const struct identity_source *source, struct credentials *credentials,
                                       int64_t *valid_from, amqp_wolfssl_error_t *error) {
  const struct passphrase_source no_passphrase = {0};
  struct file_set set = {0};
  amqp_wolfssl_code_t code;

  memset(credentials, 0, sizeof(*credentials));
  error_clear(error);
  assert_true(identity_source_name_files(source, &set));
  code = file_set_read(&set, error);
  if (code == AMQP_WOLFSSL_OK) {
    code = identity_source_read(source, &set, &no_passphrase, policy_find(AMQP_WOLFSSL_POLICY_FIPS), credentials,
                                valid_from, error);
  }
  assert_int_equal(error->code, code);
  if (code != AMQP_WOLFSSL_OK) {
    assert_int_equal(credentials->chain.count, 0);
    assert_null(credentials->key.bytes);
  }
  file_set_free(&set);
  return code;
}

static void expect_refusal(const struct identity_source *source, amqp_wolfssl_code_t expected, const char *part) {
  struct credentials credentials;
  amqp_wolfssl_error_t error;
  int64_t valid_from = 1;

  assert_string_equal(amqp_wolfssl_code_name(read_source(source, &credentials, &valid_from, &error)),
                      amqp_wolfssl_code_name(expected));
  if (strstr(error.message, part) == NULL) {
    fail_msg("no \"%s\" in \"%s\"", part, error.message);
  }
  if (expected == AMQP_WOLFSSL_ERROR_CERTIFICATE_NOT_YET_VALID) {
    assert_true(valid_from > 1);
  }
}

static void expect_identity(const struct identity_source *source) {
  struct credentials credentials;
  amqp_wolfssl_error_t error;
  int64_t valid_from = 1;

  if (read_source(source, &credentials, &valid_from, &error) != AMQP_WOLFSSL_OK) {
    fail_msg("%s", error.message);
  }
  assert_int_equal(valid_from, 0);
  assert_int_equal(credentials.chain.count, 1);
  assert_true(credentials.key.length > 0);
  credentials_free(&credentials);
}

static void set_source(struct identity_source *source, enum identity_kind kind, const char *path, const void *key,
                       size_t key_length) {
  amqp_wolfssl_error_t error;

  memset(source, 0, sizeof(*source));
  assert_int_equal(identity_source_set(source, kind, path, key, key_length, &error), AMQP_WOLFSSL_OK);
}

static void test_files(void **state) {
  struct identity_source source;
  char key[512];

  (void)state;
  (void)snprintf(key, sizeof(key), "%s", temporary_folder_path("client.key"));
  set_source(&source, IDENTITY_FILES, temporary_folder_path("client.pem"), key, strlen(key));
  memset(key, 'x', sizeof(key)); /* it has a copy */
  expect_identity(&source);
  identity_source_free(&source);
  (void)snprintf(key, sizeof(key), "%s", temporary_folder_path("client-rsa.key"));
  set_source(&source, IDENTITY_FILES, temporary_folder_path("client.pem"), key, strlen(key));
  expect_refusal(&source, AMQP_WOLFSSL_ERROR_KEY_MISMATCH, "client-rsa.key");
  identity_source_free(&source);
}

static void test_file_and_key(void **state) {
  struct identity_source source;
  size_t length;
  uint8_t *key = temporary_folder_read("client.key", &length);

  (void)state;
  set_source(&source, IDENTITY_FILE_AND_KEY, temporary_folder_path("client.pem"), key, length);
  free(key);
  expect_identity(&source);
  identity_source_free(&source);
  assert_null(source.key.bytes);
  assert_int_equal(source.kind, IDENTITY_GIVEN);
}

static void test_folder(void **state) {
  struct mounted_secret secret;
  struct identity_source source;

  (void)state;
  mounted_secret_make(&secret, "secret");
  mounted_secret_put(&secret, "client.pem", "client.key", NULL);
  set_source(&source, IDENTITY_FOLDER, secret.path, NULL, 0);
  expect_identity(&source);
  mounted_secret_put(&secret, "client.pem", "client-no-user.key", NULL);
  expect_refusal(&source, AMQP_WOLFSSL_ERROR_KEY_MISMATCH, "secret/tls.key");
  mounted_secret_put(&secret, "client-expired.pem", "client-expired.key", NULL);
  expect_refusal(&source, AMQP_WOLFSSL_ERROR_CERTIFICATE_EXPIRED, "has expired (");
  mounted_secret_put(&secret, "client-not-yet-valid.pem", "client-not-yet-valid.key", NULL);
  expect_refusal(&source, AMQP_WOLFSSL_ERROR_CERTIFICATE_NOT_YET_VALID, "not valid yet (from ");
  mounted_secret_put(&secret, "client-weak-rsa1024.pem", "client-weak-rsa1024.key", NULL);
  expect_refusal(&source, AMQP_WOLFSSL_ERROR_IDENTITY_AGAINST_POLICY, "secret/tls.crt");
  mounted_secret_put(&secret, "client.encrypted.key", "client.key", NULL);
  expect_refusal(&source, AMQP_WOLFSSL_ERROR_NO_CERTIFICATE, "secret/tls.crt");
  mounted_secret_put(&secret, "client.pem", "client.encrypted.key", NULL);
  expect_refusal(&source, AMQP_WOLFSSL_ERROR_PASSPHRASE_MISSING, "secret/tls.key");
  identity_source_free(&source);
}

static void test_nothing_to_read_again(void **state) {
  const struct identity_source source = {0};
  struct file_set set = {0};

  (void)state;
  assert_true(identity_source_name_files(&source, &set));
  assert_int_equal(set.count, 0);
}

static void test_out_of_memory(void **state) {
  bool struck = true;

  (void)state;
  if (!failing_allocator_works()) {
    skip();
  }
  for (size_t nth = 1; struck; nth++) {
    struct identity_source source = {0};
    amqp_wolfssl_error_t error;
    amqp_wolfssl_code_t code;

    failing_allocator_arm(nth);
    code = identity_source_set(&source, IDENTITY_TOKEN, "certificate", "pkcs11:object=key", 17, &error);
    struck = failing_allocator_disarm();
    assert_int_equal(code, struck ? AMQP_WOLFSSL_ERROR_NO_MEMORY : AMQP_WOLFSSL_OK);
    assert_int_equal(source.kind, struck ? IDENTITY_GIVEN : IDENTITY_TOKEN);
    if (!struck) {
      assert_string_equal((const char *)source.key.bytes, "pkcs11:object=key");
    }
    identity_source_free(&source);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_files),         cmocka_unit_test(test_file_and_key),
      cmocka_unit_test(test_folder),        cmocka_unit_test(test_nothing_to_read_again),
      cmocka_unit_test(test_out_of_memory),
  };

  return cmocka_run_group_tests(tests, set_up, minted_certificates_tear_down);
}
