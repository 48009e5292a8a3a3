/* SPDX-License-Identifier: MIT */
/*
 * The config: what each setter refuses, that a refusal changes nothing, that it is remembered, that a frozen config
 * takes no more, and that references are counted. Whether something changed shows in what the config connects to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amqp_wolfssl_socket.h"
#include "config/config.h"
#include "config/options.h"
#include "config_connection.h"
#include "minted_certificates.h"
#include "policy/policy.h"
#include "temporary_folder.h"
#include "verification/peer_verification.h"
#include "backend/wolfssl_headers.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- Setters one by one ---- */

static int no_passphrase(char *passphrase, size_t capacity, void *user_data) {
  (void)passphrase;
  (void)capacity;
  (void)user_data;
  return -1;
}

/* Calls setter number \a which with good arguments. \return false past the last */
static bool call_setter(amqp_wolfssl_config_t *config, int which, amqp_wolfssl_code_t *code) {
  static const char *const names[] = {"elsewhere.test"};
  static const char text[] = "x";

  switch (which) {
    case 0:
      *code = amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("ca.pem"));
      return true;
    case 1:
      *code = amqp_wolfssl_config_add_ca_folder(config, temporary_folder_path("authorities"));
      return true;
    case 2:
      *code = amqp_wolfssl_config_add_ca_memory(config, text, sizeof(text), AMQP_WOLFSSL_FORMAT_AUTO);
      return true;
    case 3:
      *code = amqp_wolfssl_config_add_ca_system(config);
      return true;
    case 4:
      *code = amqp_wolfssl_config_set_identity_files(config, temporary_folder_path("client.pem"),
                                                     temporary_folder_path("client.key"));
      return true;
    case 5:
      *code = amqp_wolfssl_config_set_identity_memory(config, text, sizeof(text), text, sizeof(text));
      return true;
    case 6:
      *code = amqp_wolfssl_config_set_passphrase(config, "secret");
      return true;
    case 7:
      *code = amqp_wolfssl_config_set_passphrase_callback(config, no_passphrase, NULL);
      return true;
    case 8:
      *code = amqp_wolfssl_config_set_verify_peer(config, 0);
      return true;
    case 9:
      *code = amqp_wolfssl_config_set_verify_host(config, 0);
      return true;
    case 10:
      *code = amqp_wolfssl_config_set_server_name(config, "elsewhere.test");
      return true;
    case 11:
      *code = amqp_wolfssl_config_set_tls_versions(config, AMQP_WOLFSSL_TLS_1_3, AMQP_WOLFSSL_TLS_1_3);
      return true;
    case 12:
      *code = amqp_wolfssl_config_set_policy(config, AMQP_WOLFSSL_POLICY_FIPS);
      return true;
    case 13:
      *code = amqp_wolfssl_config_add_crl_file(config, temporary_folder_path("crl.pem"));
      return true;
    case 14:
      *code = amqp_wolfssl_config_add_crl_folder(config, temporary_folder_path("lists"));
      return true;
    case 15:
      *code = amqp_wolfssl_config_add_crl_memory(config, text, sizeof(text), AMQP_WOLFSSL_FORMAT_AUTO);
      return true;
    case 16:
      *code = amqp_wolfssl_config_set_stapling(config, AMQP_WOLFSSL_STAPLING_OFF);
      return true;
    case 17:
      *code = amqp_wolfssl_config_set_suites(config, "TLS_AES_128_GCM_SHA256");
      return true;
    case 18:
      *code = amqp_wolfssl_config_set_groups(config, "secp384r1");
      return true;
    case 19:
      *code = amqp_wolfssl_config_set_require_extended_master_secret(config, 0);
      return true;
    case 20:
      *code = amqp_wolfssl_config_set_server_uri(config, "spiffe://example.org/rabbitmq");
      return true;
    case 21:
      *code = amqp_wolfssl_config_set_accepted_names(config, names, 1);
      return true;
    case 22:
      *code = amqp_wolfssl_config_set_secret_folder(config, temporary_folder_path("authorities"));
      return true;
    case 23:
      *code = amqp_wolfssl_config_set_rotation(config, 1);
      return true;
    case 24:
      *code = amqp_wolfssl_config_set_expiry_margin(config, 60);
      return true;
    case 25:
      *code = amqp_wolfssl_config_set_maximum_depth(config, 1);
      return true;
    case 26:
      *code = amqp_wolfssl_config_apply_uri(config, "amqps://host?depth=1", 0);
      return true;
    default:
      return false;
  }
}

static void test_no_config(void **state) {
  amqp_wolfssl_code_t code;

  (void)state;
  for (int which = 0; call_setter(NULL, which, &code); which++) {
    assert_int_equal(code, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  }
  assert_null(amqp_wolfssl_config_error(NULL));
  assert_null(amqp_wolfssl_config_reference(NULL));
  amqp_wolfssl_config_free(NULL);
}

static void test_fresh_config(void **state) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  (void)state;
  assert_non_null(config);
  assert_record(config, AMQP_WOLFSSL_OK, AMQP_WOLFSSL_OK);
  assert_null(config_server_name(config));
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_NO_TRUST_ANCHOR);
  amqp_wolfssl_config_free(config);
}

static void test_ca_setters_refuse(void **state) {
  amqp_wolfssl_config_t *config = good_config();
  size_t length;
  uint8_t *leaf = temporary_folder_read("server.pem", &length);
  uint8_t *ca;

  (void)state;
  assert_record(config, amqp_wolfssl_config_add_ca_file(config, NULL), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("missing.pem")),
                AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_non_null(strstr(amqp_wolfssl_error_message(amqp_wolfssl_config_error(config)), "missing.pem"));
  assert_record(config, amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("client.key")),
                AMQP_WOLFSSL_ERROR_NO_CERTIFICATE);
  assert_record(config, amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("server.pem")),
                AMQP_WOLFSSL_ERROR_CA_UNUSABLE);
  assert_string_equal(amqp_wolfssl_error_certificate_subject(amqp_wolfssl_config_error(config)), "CN=server,O=Acme");
  assert_record(config, amqp_wolfssl_config_add_ca_folder(config, NULL), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_add_ca_folder(config, temporary_folder_path("missing")),
                AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_record(config, amqp_wolfssl_config_add_ca_memory(config, NULL, 1, AMQP_WOLFSSL_FORMAT_AUTO),
                AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_add_ca_memory(config, leaf, 0, AMQP_WOLFSSL_FORMAT_AUTO),
                AMQP_WOLFSSL_ERROR_NO_CERTIFICATE);
  assert_record(config, amqp_wolfssl_config_add_ca_memory(config, leaf, length, (amqp_wolfssl_format_t)3),
                AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_add_ca_memory(config, leaf, length, AMQP_WOLFSSL_FORMAT_PEM),
                AMQP_WOLFSSL_ERROR_CA_UNUSABLE);
  assert_record(config, amqp_wolfssl_config_add_ca_memory(config, leaf, length, AMQP_WOLFSSL_FORMAT_DER),
                AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED);
  free(leaf);
  /* Mended, each by itself: what was there before is there still, and nothing else. */
  assert_record(config, amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("ca.pem")), AMQP_WOLFSSL_OK);
  assert_record(config, amqp_wolfssl_config_add_ca_folder(config, temporary_folder_path("own-authorities")),
                AMQP_WOLFSSL_OK);
  ca = temporary_folder_read("ca.der", &length);
  assert_record(config, amqp_wolfssl_config_add_ca_memory(config, ca, length, AMQP_WOLFSSL_FORMAT_AUTO),
                AMQP_WOLFSSL_OK);
  free(ca);
  expect_refusal(config, "server-other-ca", AMQP_WOLFSSL_ERROR_UNKNOWN_CA);
  expect_connection(config, "server", true);
  amqp_wolfssl_config_free(config);
}

/* A bundle that goes wrong in its second half adds nothing of the first. */
static void test_half_a_bundle_adds_nothing(void **state) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
  size_t length;
  uint8_t *bundle = temporary_folder_read("bundle.pem", &length);

  (void)state;
  temporary_folder_write("half.pem", bundle, length - 40);
  assert_record(config, amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("half.pem")),
                AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED);
  assert_record(config, amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("other-ca.pem")),
                AMQP_WOLFSSL_OK);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_UNKNOWN_CA);
  amqp_wolfssl_config_free(config);
  config = amqp_wolfssl_config_new();
  assert_record(config, amqp_wolfssl_config_add_ca_memory(config, bundle, length, AMQP_WOLFSSL_FORMAT_AUTO),
                AMQP_WOLFSSL_OK);
  expect_connection(config, "server", false);
  expect_connection(config, "server-rsa", false);
  amqp_wolfssl_config_free(config);
  free(bundle);
}

static void test_sources_of_trust_add_up(void **state) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
  size_t length;
  uint8_t *der = temporary_folder_read("ca.der", &length);

  (void)state;
  assert_record(config, amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("ca-rsa.pem")), AMQP_WOLFSSL_OK);
  assert_record(config, amqp_wolfssl_config_add_ca_memory(config, der, length, AMQP_WOLFSSL_FORMAT_DER),
                AMQP_WOLFSSL_OK);
  assert_record(config, amqp_wolfssl_config_add_ca_folder(config, temporary_folder_path("authorities")),
                AMQP_WOLFSSL_OK);
  expect_connection(config, "server-rsa", false);
  expect_connection(config, "server", false);
  expect_connection(config, "server-other-ca", false);
  free(der);
  amqp_wolfssl_config_free(config);
}

static void test_identity_setters_refuse(void **state) {
  amqp_wolfssl_config_t *config = good_config();
  const char *certificate = temporary_folder_path("client.pem");
  const char *key = temporary_folder_path("client.key");

  (void)state;
  assert_record(config, amqp_wolfssl_config_set_identity_files(config, NULL, key), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_set_identity_files(config, certificate, NULL),
                AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_set_identity_files(config, temporary_folder_path("missing"), key),
                AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_record(config, amqp_wolfssl_config_set_identity_files(config, certificate, temporary_folder_path("missing")),
                AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_record(config, amqp_wolfssl_config_set_identity_memory(config, NULL, 1, "x", 1),
                AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_set_identity_memory(config, "x", 1, NULL, 1),
                AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_set_identity_memory(config, "x", 1, "x", 1),
                AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED);
  assert_record(config, amqp_wolfssl_config_set_identity_files(config, temporary_folder_path("client-rsa.pem"), key),
                AMQP_WOLFSSL_ERROR_KEY_MISMATCH);
  /* Mended, with the same identity as before: it was not lost. */
  assert_record(config, amqp_wolfssl_config_set_identity_files(config, certificate, key), AMQP_WOLFSSL_OK);
  expect_connection(config, "server", true);
  amqp_wolfssl_config_free(config);
}

static void test_identity_from_memory_is_copied(void **state) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
  size_t certificate_length;
  size_t key_length;
  uint8_t *certificate = temporary_folder_read("client.pem", &certificate_length);
  uint8_t *key = temporary_folder_read("client.key", &key_length);

  (void)state;
  assert_record(config, amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("ca.pem")), AMQP_WOLFSSL_OK);
  assert_record(config,
                amqp_wolfssl_config_set_identity_memory(config, certificate, certificate_length, key, key_length),
                AMQP_WOLFSSL_OK);
  memset(certificate, 0, certificate_length);
  memset(key, 0, key_length);
  free(certificate);
  free(key);
  expect_connection(config, "server", true);
  amqp_wolfssl_config_free(config);
}

/* A later identity replaces the one before. */
static void test_identity_is_replaced(void **state) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  (void)state;
  assert_record(config, amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("ca.pem")), AMQP_WOLFSSL_OK);
  assert_record(config,
                amqp_wolfssl_config_set_identity_files(config, temporary_folder_path("client-no-user.pem"),
                                                       temporary_folder_path("client-no-user.key")),
                AMQP_WOLFSSL_OK);
  assert_record(config,
                amqp_wolfssl_config_set_identity_files(config, temporary_folder_path("client.pem"),
                                                       temporary_folder_path("client.key")),
                AMQP_WOLFSSL_OK);
  expect_connection(config, "server", true);
  amqp_wolfssl_config_free(config);
}

#ifdef WOLFSSL_ENCRYPTED_KEYS
static int right_passphrase(char *passphrase, size_t capacity, void *user_data) {
  unsigned *asked = user_data;

  (*asked)++;
  assert_true(capacity > 21);
  memcpy(passphrase, "correct horse battery", 21);
  return 21;
}

static amqp_wolfssl_code_t set_encrypted_identity(amqp_wolfssl_config_t *config) {
  return amqp_wolfssl_config_set_identity_files(config, temporary_folder_path("client.pem"),
                                                temporary_folder_path("client.encrypted.key"));
}

/* No setter can decrypt a key any more, so nothing needs it: it must not lie in memory as long as the config lives. */
static void test_a_frozen_config_keeps_no_passphrase(void **state) {
  amqp_wolfssl_config_t *config = good_config();
  (void)state;

  assert_record(config, amqp_wolfssl_config_set_passphrase(config, "correct horse battery"), AMQP_WOLFSSL_OK);
  assert_non_null(config->passphrase.bytes);
  config_freeze(config);
  assert_null(config->passphrase.bytes);
  config_freeze(config); /* by the second socket */
  assert_null(config->passphrase.bytes);
  amqp_wolfssl_config_free(config);
}

/* Its setters work again once its socket is closed, and rabbitmq-c's own TLS socket keeps the passphrase too. */
static void test_an_unshared_config_keeps_the_passphrase(void **state) {
  amqp_wolfssl_config_t *config = config_new_unshared();
  (void)state;

  assert_non_null(config);
  assert_record(config, amqp_wolfssl_config_set_passphrase(config, "correct horse battery"), AMQP_WOLFSSL_OK);
  config_freeze(config);
  config_thaw(config);
  assert_non_null(config->passphrase.bytes);
  amqp_wolfssl_config_free(config);
}

static void test_passphrases(void **state) {
  amqp_wolfssl_config_t *config = good_config();
  char passphrase[] = "correct horse battery";
  unsigned asked = 0;

  (void)state;
  assert_record(config, set_encrypted_identity(config), AMQP_WOLFSSL_ERROR_PASSPHRASE_MISSING);
  assert_record(config, amqp_wolfssl_config_set_passphrase(config, "wrong horse battery"), AMQP_WOLFSSL_OK);
  assert_record(config, set_encrypted_identity(config), AMQP_WOLFSSL_ERROR_PASSPHRASE_WRONG);
  assert_record(config, amqp_wolfssl_config_set_passphrase(config, passphrase), AMQP_WOLFSSL_OK);
  memset(passphrase, 0, sizeof(passphrase)); /* a copy was taken */
  assert_record(config, set_encrypted_identity(config), AMQP_WOLFSSL_OK);
  assert_record(config, amqp_wolfssl_config_set_passphrase(config, NULL), AMQP_WOLFSSL_OK);
  assert_record(config, set_encrypted_identity(config), AMQP_WOLFSSL_ERROR_PASSPHRASE_MISSING);
  /* The callback takes the place of the text, and the text that of the callback. */
  assert_record(config, amqp_wolfssl_config_set_passphrase(config, "wrong horse battery"), AMQP_WOLFSSL_OK);
  assert_record(config, amqp_wolfssl_config_set_passphrase_callback(config, right_passphrase, &asked), AMQP_WOLFSSL_OK);
  assert_record(config, set_encrypted_identity(config), AMQP_WOLFSSL_OK);
  assert_int_equal(asked, 1);
  assert_record(config, amqp_wolfssl_config_set_passphrase(config, "wrong horse battery"), AMQP_WOLFSSL_OK);
  assert_record(config, set_encrypted_identity(config), AMQP_WOLFSSL_ERROR_PASSPHRASE_WRONG);
  assert_int_equal(asked, 1);
  assert_record(config, amqp_wolfssl_config_set_passphrase_callback(config, NULL, NULL), AMQP_WOLFSSL_OK);
  assert_record(config, set_encrypted_identity(config), AMQP_WOLFSSL_ERROR_PASSPHRASE_MISSING);
  assert_record(config, amqp_wolfssl_config_set_passphrase_callback(config, right_passphrase, &asked), AMQP_WOLFSSL_OK);
  assert_record(config, set_encrypted_identity(config), AMQP_WOLFSSL_OK);
  expect_connection(config, "server", true);
  assert_int_equal(asked, 2); /* connecting asks nobody */
  amqp_wolfssl_config_free(config);
}
#endif

static void test_switches_refuse(void **state) {
  static const int wrong[] = {-1, 2, 100};
  amqp_wolfssl_config_t *config = good_config();

  (void)state;
  for (size_t i = 0; i < COUNT_OF(wrong); i++) {
    assert_record(config, amqp_wolfssl_config_set_verify_peer(config, wrong[i]), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
    expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
    assert_record(config, amqp_wolfssl_config_set_verify_peer(config, 1), AMQP_WOLFSSL_OK);
    assert_record(config, amqp_wolfssl_config_set_verify_host(config, wrong[i]), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
    expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
    assert_record(config, amqp_wolfssl_config_set_verify_host(config, 1), AMQP_WOLFSSL_OK);
  }
  expect_refusal(config, "server-other-ca", AMQP_WOLFSSL_ERROR_UNKNOWN_CA);
  expect_refusal(config, "server-wrong-name", AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  expect_connection(config, "server", true);
  amqp_wolfssl_config_free(config);
}

static void test_switches_switch(void **state) {
  amqp_wolfssl_config_t *config = good_config();

  (void)state;
  assert_record(config, amqp_wolfssl_config_set_verify_host(config, 0), AMQP_WOLFSSL_OK);
  expect_connection(config, "server-wrong-name", true);
  expect_refusal(config, "server-other-ca", AMQP_WOLFSSL_ERROR_UNKNOWN_CA);
  amqp_wolfssl_config_free(config);

  config = good_config();
  assert_record(config, amqp_wolfssl_config_set_verify_peer(config, 0), AMQP_WOLFSSL_OK);
  expect_connection(config, "server-other-ca", true);
  expect_refusal(config, "server-wrong-name", AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  amqp_wolfssl_config_free(config);

  config = good_config();
  assert_record(config, amqp_wolfssl_config_set_verify_peer(config, 0), AMQP_WOLFSSL_OK);
  assert_record(config, amqp_wolfssl_config_set_verify_peer(config, 1), AMQP_WOLFSSL_OK);
  expect_refusal(config, "server-other-ca", AMQP_WOLFSSL_ERROR_UNKNOWN_CA);
  amqp_wolfssl_config_free(config);
}

static void test_server_name(void **state) {
  static const char *const wrong[] = {"", "a b", "http://x", "name:5671", "1.2.3", "[::1", "user:canary@broker.test"};
  amqp_wolfssl_config_t *config = good_config();
  char name[] = "a.broker.test";

  (void)state;
  assert_record(config, amqp_wolfssl_config_set_server_name(config, name), AMQP_WOLFSSL_OK);
  memset(name, 'x', sizeof(name) - 1);
  assert_string_equal(config_server_name(config), "a.broker.test");
  for (size_t i = 0; i < COUNT_OF(wrong); i++) {
    assert_record(config, amqp_wolfssl_config_set_server_name(config, wrong[i]), AMQP_WOLFSSL_ERROR_NAME_INVALID);
    assert_null(strstr(amqp_wolfssl_error_message(amqp_wolfssl_config_error(config)), "canary"));
    assert_string_equal(config_server_name(config), "a.broker.test");
  }
  assert_record(config, amqp_wolfssl_config_set_server_name(config, "elsewhere.test"), AMQP_WOLFSSL_OK);
  expect_connection(config, "server-wrong-name", true);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  amqp_wolfssl_config_free(config);
  config = good_config();
  assert_record(config, amqp_wolfssl_config_set_server_name(config, "elsewhere.test"), AMQP_WOLFSSL_OK);
  assert_record(config, amqp_wolfssl_config_set_server_name(config, NULL), AMQP_WOLFSSL_OK);
  assert_null(config_server_name(config));
  expect_connection(config, "server", true);
  amqp_wolfssl_config_free(config);
}

static void test_accepted_names(void **state) {
  static const char *const elsewhere[] = {"a.example", "elsewhere.test"};
  static const char *const wrong[] = {"localhost", "a b"};
  static const char *const neither[] = {"a.example", "192.0.2.1"};
  amqp_wolfssl_config_t *config = good_config();

  (void)state;
  assert_record(config, amqp_wolfssl_config_set_accepted_names(config, elsewhere, 2), AMQP_WOLFSSL_OK);
  expect_connection(config, "server-wrong-name", true);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_NAME_MISMATCH); /* the host is not in the list */
  assert_record(config, amqp_wolfssl_config_set_accepted_names(config, wrong, 2), AMQP_WOLFSSL_ERROR_NAME_INVALID);
  expect_refusal(config, "server-wrong-name", AMQP_WOLFSSL_ERROR_NAME_INVALID);
  assert_record(config, amqp_wolfssl_config_set_accepted_names(config, NULL, 1), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_set_accepted_names(config, wrong, 0), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_set_accepted_names(config, neither, 2), AMQP_WOLFSSL_OK);
  expect_refusal(config, "server-wrong-name", AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  assert_record(config, amqp_wolfssl_config_set_accepted_names(config, NULL, 0), AMQP_WOLFSSL_OK);
  expect_connection(config, "server", true);
  expect_refusal(config, "server-wrong-name", AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  amqp_wolfssl_config_free(config);
}

static void test_server_uri(void **state) {
  amqp_wolfssl_config_t *config = good_config();

  (void)state;
  assert_record(config, amqp_wolfssl_config_set_server_uri(config, "spiffe://example.org"),
                AMQP_WOLFSSL_ERROR_URI_INVALID);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_URI_INVALID);
  assert_record(config, amqp_wolfssl_config_set_server_uri(config, "spiffe://example.org/rabbitmq"), AMQP_WOLFSSL_OK);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  /* Whatever else is not verified. */
  assert_record(config, amqp_wolfssl_config_set_verify_host(config, 0), AMQP_WOLFSSL_OK);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  assert_record(config, amqp_wolfssl_config_set_verify_peer(config, 0), AMQP_WOLFSSL_OK);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  assert_record(config, amqp_wolfssl_config_set_server_uri(config, NULL), AMQP_WOLFSSL_OK);
  expect_connection(config, "server", true);
  amqp_wolfssl_config_free(config);
}

static void test_maximum_depth(void **state) {
  static const int wrong[] = {-1, 256, INT_MIN, INT_MAX};
  amqp_wolfssl_config_t *config = good_config();

  (void)state;
  expect_connection(config, "server-chain", true);
  amqp_wolfssl_config_free(config);
  config = good_config();
  assert_record(config, amqp_wolfssl_config_set_maximum_depth(config, 0), AMQP_WOLFSSL_OK);
  for (size_t i = 0; i < COUNT_OF(wrong); i++) {
    assert_record(config, amqp_wolfssl_config_set_maximum_depth(config, wrong[i]), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
    assert_non_null(strstr(amqp_wolfssl_error_message(amqp_wolfssl_config_error(config)), "from 0 to 255"));
  }
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  amqp_wolfssl_config_free(config);
  for (int depth = 0; depth <= 1; depth++) {
    config = good_config();
    assert_record(config, amqp_wolfssl_config_set_maximum_depth(config, 255), AMQP_WOLFSSL_OK);
    assert_record(config, amqp_wolfssl_config_set_maximum_depth(config, depth), AMQP_WOLFSSL_OK);
    expect_connection(config, "server", true);
    if (depth == 0) {
      expect_refusal(config, "server-chain", AMQP_WOLFSSL_ERROR_CHAIN_INVALID);
    } else {
      expect_connection(config, "server-chain", true);
    }
    expect_connection(config, "server", true);
    amqp_wolfssl_config_free(config);
  }
}

static void test_versions(void **state) {
  static const struct {
    int lowest;
    int highest;
  } wrong[] = {{0, 0}, {0x0302, 0x0303}, {0x0303, 0x0305}, {0x0304, 0x0303}, {-1, 0x0304}, {0x0301, 0x0301}};
  amqp_wolfssl_config_t *config = good_config();
  struct connection connection;

  (void)state;
  assert_record(config, amqp_wolfssl_config_set_tls_versions(config, AMQP_WOLFSSL_TLS_1_2, AMQP_WOLFSSL_TLS_1_2),
                AMQP_WOLFSSL_OK);
  for (size_t i = 0; i < COUNT_OF(wrong); i++) {
    assert_record(config,
                  amqp_wolfssl_config_set_tls_versions(config, (amqp_wolfssl_version_t)wrong[i].lowest,
                                                       (amqp_wolfssl_version_t)wrong[i].highest),
                  AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  }
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT); /* remembered */
  assert_record(config, amqp_wolfssl_config_set_tls_versions(config, AMQP_WOLFSSL_TLS_1_2, AMQP_WOLFSSL_TLS_1_2),
                AMQP_WOLFSSL_OK);
  connect_config(&connection, config, "server");
  assert_true(connection.connected);
  assert_string_equal(connection.facts.version, "TLSv1.2");
  connection_facts_free(&connection.facts);
  amqp_wolfssl_config_free(config);
}

static void test_policy(void **state) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  (void)state;
  assert_record(config, amqp_wolfssl_config_set_policy(config, (amqp_wolfssl_policy_t)0),
                AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_set_policy(config, (amqp_wolfssl_policy_t)99),
                AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_set_policy(config, AMQP_WOLFSSL_POLICY_FIPS), AMQP_WOLFSSL_OK);
  amqp_wolfssl_config_free(config);
  config = good_config(); /* the identity was checked against another policy */
  assert_record(config, amqp_wolfssl_config_set_policy(config, AMQP_WOLFSSL_POLICY_FIPS),
                AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  amqp_wolfssl_config_free(config);
}

/* A policy that comes after what depends on it would change it silently. */
static void test_policy_after_narrowing(void **state) {
  amqp_wolfssl_code_t code;

  (void)state;
  for (int which = 17; which <= 19; which++) { /* suites, groups, the Extended Master Secret */
    amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

    assert_int_equal(amqp_wolfssl_config_set_policy(config, AMQP_WOLFSSL_POLICY_MODERN), AMQP_WOLFSSL_OK);
    assert_true(call_setter(config, which, &code));
    assert_int_equal(code, AMQP_WOLFSSL_OK);
    assert_record(config, amqp_wolfssl_config_set_policy(config, AMQP_WOLFSSL_POLICY_FIPS),
                  AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
    assert_record(config, amqp_wolfssl_config_set_tls_versions(config, AMQP_WOLFSSL_TLS_1_3, AMQP_WOLFSSL_TLS_1_3),
                  AMQP_WOLFSSL_OK); /* versions depend on nothing */
    amqp_wolfssl_config_free(config);
  }
}

/* One that narrows nothing because it was refused is in nobody's way. */
static void test_policy_after_a_refused_narrowing(void **state) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  (void)state;
  assert_record(config, amqp_wolfssl_config_set_suites(config, "TLS_CHACHA20_POLY1305_SHA256"),
                AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_set_suites(config, NULL), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_set_groups(config, NULL), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_set_require_extended_master_secret(config, 2),
                AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_set_policy(config, AMQP_WOLFSSL_POLICY_MODERN), AMQP_WOLFSSL_OK);
  amqp_wolfssl_config_free(config);
}

/* The versions come first here, and hold. */
static void test_policy_keeps_the_versions(void **state) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
  struct connection connection;

  (void)state;
  assert_int_equal(amqp_wolfssl_config_set_tls_versions(config, AMQP_WOLFSSL_TLS_1_2, AMQP_WOLFSSL_TLS_1_2),
                   AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_wolfssl_config_set_policy(config, AMQP_WOLFSSL_POLICY_MODERN), AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("ca.pem")), AMQP_WOLFSSL_OK);
  connect_config(&connection, config, "server");
  assert_true(connection.connected);
  assert_string_equal(connection.facts.version, "TLSv1.2");
  connection_facts_free(&connection.facts);
  amqp_wolfssl_config_free(config);
}

static void test_narrowed(void **state) {
  amqp_wolfssl_config_t *config = good_config();
  struct connection connection;

  (void)state;
  assert_record(config, amqp_wolfssl_config_set_suites(config, "TLS_AES_128_GCM_SHA256"), AMQP_WOLFSSL_OK);
  assert_record(config, amqp_wolfssl_config_set_groups(config, "secp521r1"), AMQP_WOLFSSL_OK);
  connect_config(&connection, config, "server");
  assert_true(connection.connected);
  assert_string_equal(connection.facts.version, "TLSv1.3");
  assert_string_equal(connection.facts.suite, "TLS_AES_128_GCM_SHA256");
  assert_string_equal(connection.facts.group, "secp521r1");
  connection_facts_free(&connection.facts);
  amqp_wolfssl_config_free(config);
}

/* A suite of the one version, and the other version only. */
static void test_narrowed_to_nothing(void **state) {
  amqp_wolfssl_config_t *config = good_config();

  (void)state;
  assert_record(config, amqp_wolfssl_config_set_suites(config, "TLS_AES_128_GCM_SHA256"), AMQP_WOLFSSL_OK);
  assert_record(config, amqp_wolfssl_config_set_tls_versions(config, AMQP_WOLFSSL_TLS_1_2, AMQP_WOLFSSL_TLS_1_2),
                AMQP_WOLFSSL_OK);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  amqp_wolfssl_config_free(config);
}

/* Own certificates are held to what the broker's are. */
static void test_identity_against_the_policy(void **state) {
  static const struct {
    amqp_wolfssl_policy_t policy;
    const char *identity;
    amqp_wolfssl_code_t code;
    const char *sentence;
  } rows[] = {
      {AMQP_WOLFSSL_POLICY_FIPS, "client-sha1", AMQP_WOLFSSL_ERROR_IDENTITY_AGAINST_POLICY, "rsa_pkcs1_sha1"},
      {AMQP_WOLFSSL_POLICY_MODERN, "client-sha1", AMQP_WOLFSSL_ERROR_IDENTITY_AGAINST_POLICY, "rsa_pkcs1_sha1"},
      {AMQP_WOLFSSL_POLICY_MODERN, "server-ed25519", AMQP_WOLFSSL_ERROR_KEY_UNSUPPORTED, "neither RSA nor EC"},
      {AMQP_WOLFSSL_POLICY_FIPS, "client-strong-p384", AMQP_WOLFSSL_OK, ""},
#ifdef HAVE_WOLFSSL_CTX_SET1_SIGALGS_LIST
      {AMQP_WOLFSSL_POLICY_CNSA, "client-strong-p384", AMQP_WOLFSSL_OK, ""},
      {AMQP_WOLFSSL_POLICY_CNSA, "client", AMQP_WOLFSSL_ERROR_IDENTITY_AGAINST_POLICY, "256 bits, fewer than 384"},
      {AMQP_WOLFSSL_POLICY_CNSA, "client-rsa", AMQP_WOLFSSL_ERROR_IDENTITY_AGAINST_POLICY,
       "2048 bits, fewer than 3072"},
      {AMQP_WOLFSSL_POLICY_CNSA, "server-sha256-by-p384", AMQP_WOLFSSL_ERROR_IDENTITY_AGAINST_POLICY, "sha256"},
#endif
  };

  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
    char certificate[64];
    char key[64];

    (void)snprintf(certificate, sizeof(certificate), "%s.pem", rows[i].identity);
    (void)snprintf(key, sizeof(key), "%s.key", rows[i].identity);
    assert_record(config, amqp_wolfssl_config_set_policy(config, rows[i].policy), AMQP_WOLFSSL_OK);
    assert_record(
        config,
        amqp_wolfssl_config_set_identity_files(config, temporary_folder_path(certificate), temporary_folder_path(key)),
        rows[i].code);
    assert_non_null(strstr(amqp_wolfssl_error_message(amqp_wolfssl_config_error(config)), rows[i].sentence));
    amqp_wolfssl_config_free(config);
  }
}

/* The chain of a client counts as a whole, with the depth of what is wrong. */
static void test_identity_with_a_weak_intermediate(void **state) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  (void)state;
  assert_record(config,
                amqp_wolfssl_config_set_identity_files(config, temporary_folder_path("server-sha1-intermediate.pem"),
                                                       temporary_folder_path("server-sha1-intermediate.key")),
                AMQP_WOLFSSL_ERROR_IDENTITY_AGAINST_POLICY);
  assert_int_equal(amqp_wolfssl_error_certificate_depth(amqp_wolfssl_config_error(config)), 1);
  amqp_wolfssl_config_free(config);
  config = amqp_wolfssl_config_new(); /* a root that is sent along may have signed itself as it liked */
  assert_record(config,
                amqp_wolfssl_config_set_identity_files(config, temporary_folder_path("server-sha1-root.pem"),
                                                       temporary_folder_path("server-sha1-root.key")),
                AMQP_WOLFSSL_OK);
  amqp_wolfssl_config_free(config);
}

/* ---- What is remembered ---- */

static void test_failures_are_remembered(void **state) {
  amqp_wolfssl_config_t *config = good_config();

  (void)state;
  assert_record(config,
                amqp_wolfssl_config_set_identity_files(config, temporary_folder_path("client.pem"),
                                                       temporary_folder_path("missing.key")),
                AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_record(config, amqp_wolfssl_config_set_verify_host(config, 1), AMQP_WOLFSSL_OK); /* clears the record only */
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_record(config, amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("missing.pem")),
                AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_record(config,
                amqp_wolfssl_config_set_identity_files(config, temporary_folder_path("client.pem"),
                                                       temporary_folder_path("client.key")),
                AMQP_WOLFSSL_OK);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_FILE_UNREADABLE); /* the CA's is left */
  assert_record(config, amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("ca.pem")), AMQP_WOLFSSL_OK);
  assert_record(config, amqp_wolfssl_config_set_server_name(config, "no name"), AMQP_WOLFSSL_ERROR_NAME_INVALID);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_NAME_INVALID);
  assert_record(config, amqp_wolfssl_config_set_server_name(config, NULL), AMQP_WOLFSSL_OK);
  expect_connection(config, "server", true);
  amqp_wolfssl_config_free(config);
}

/* Each setter of trust stands for itself: a success of another must not hide what is missing. */
static void test_another_setter_does_not_mend(void **state) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  (void)state;
  assert_record(config, amqp_wolfssl_config_add_ca_folder(config, temporary_folder_path("missing")),
                AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_record(config, amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("ca.pem")), AMQP_WOLFSSL_OK);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  amqp_wolfssl_config_free(config);
}

/* ---- Frozen ---- */

static void test_frozen(void **state) {
  amqp_wolfssl_config_t *config = good_config();
  amqp_wolfssl_code_t code;

  (void)state;
  config_freeze(config);
  for (int which = 0; call_setter(config, which, &code); which++) {
    assert_int_equal(code, AMQP_WOLFSSL_ERROR_CONFIG_FROZEN);
    assert_int_equal(amqp_wolfssl_error_code(amqp_wolfssl_config_error(config)), AMQP_WOLFSSL_OK);
  }
  assert_int_equal(amqp_wolfssl_config_set_verify_peer(config, 7), AMQP_WOLFSSL_ERROR_CONFIG_FROZEN);
  assert_null(config_server_name(config));
  expect_connection(config, "server", true);
  expect_refusal(config, "server-other-ca", AMQP_WOLFSSL_ERROR_UNKNOWN_CA);
  amqp_wolfssl_config_free(config);
}

/* ---- Of one socket alone ---- */

static amqp_wolfssl_config_t *good_unshared_config(void) {
  amqp_wolfssl_config_t *config = config_new_unshared();

  assert_non_null(config);
  assert_true(config_is_unshared(config));
  assert_int_equal(amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("ca.pem")), AMQP_WOLFSSL_OK);
  return config;
}

/* What was changed between two openings holds for the second; what was not stays. */
static void test_unshared_changes_between_openings(void **state) {
  amqp_wolfssl_config_t *config = good_unshared_config();

  (void)state;
  config_freeze(config);
  expect_connection(config, "server", false);
  config_thaw(config);
  assert_record(config,
                amqp_wolfssl_config_set_identity_files(config, temporary_folder_path("client.pem"),
                                                       temporary_folder_path("client.key")),
                AMQP_WOLFSSL_OK);
  config_freeze(config);
  expect_connection(config, "server", true);
  expect_refusal(config, "server-wrong-name", AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  config_thaw(config);
  assert_record(config, amqp_wolfssl_config_set_verify_host(config, 0), AMQP_WOLFSSL_OK);
  config_freeze(config);
  expect_connection(config, "server-wrong-name", true);
  amqp_wolfssl_config_free(config);
}

/* Nobody may take the next opening for one with the setting: not even where the setter returns nothing to look at. */
static void test_unshared_remembers_what_was_refused_while_open(void **state) {
  amqp_wolfssl_config_t *config = good_unshared_config();
  amqp_wolfssl_code_t code;

  (void)state;
  for (int which = 0; call_setter(config, which, &code); which++) {
    amqp_wolfssl_config_t *fresh = good_unshared_config();

    config_freeze(fresh);
    expect_connection(fresh, "server", false);
    assert_true(call_setter(fresh, which, &code));
    assert_record(fresh, code, AMQP_WOLFSSL_ERROR_CONFIG_FROZEN);
    config_thaw(fresh);
    expect_refusal(fresh, "server", AMQP_WOLFSSL_ERROR_CONFIG_FROZEN);
    amqp_wolfssl_config_free(fresh);
  }
  amqp_wolfssl_config_free(config);
}

static void test_shared_never_thaws(void **state) {
  amqp_wolfssl_config_t *config = good_config();

  (void)state;
  assert_false(config_is_unshared(config));
  config_freeze(config);
  config_thaw(config);
  assert_int_equal(amqp_wolfssl_config_set_verify_host(config, 0), AMQP_WOLFSSL_ERROR_CONFIG_FROZEN);
  amqp_wolfssl_config_free(config);
}

static void test_context_is_made_once(void **state) {
  amqp_wolfssl_config_t *config = good_config();
  struct tls_context *first = NULL;
  struct tls_context *second = NULL;
  amqp_wolfssl_error_t warning;
  amqp_wolfssl_error_t error;

  (void)state;
  assert_int_equal(config_tls_context(config, &first, &warning, &error), AMQP_WOLFSSL_OK);
  assert_int_equal(config_tls_context(config, &second, &warning, &error), AMQP_WOLFSSL_OK);
  assert_non_null(first);
  assert_ptr_equal(first, second);
  tls_context_free(first);
  tls_context_free(second);
  amqp_wolfssl_config_free(config);
}

/* ---- Revocation ---- */

static void test_crl_setters_refuse(void **state) {
  amqp_wolfssl_config_t *config = good_config();
  size_t length;
  uint8_t *list = temporary_folder_read("crl-clean.pem", &length);

  (void)state;
  assert_record(config, amqp_wolfssl_config_add_crl_file(config, NULL), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_add_crl_file(config, temporary_folder_path("missing.pem")),
                AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_record(config, amqp_wolfssl_config_add_crl_file(config, temporary_folder_path("ca.pem")),
                AMQP_WOLFSSL_ERROR_CRL_MALFORMED);
  assert_record(config, amqp_wolfssl_config_add_crl_folder(config, NULL), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_add_crl_folder(config, temporary_folder_path("authorities")),
                AMQP_WOLFSSL_ERROR_CRL_MALFORMED);
  assert_record(config, amqp_wolfssl_config_add_crl_memory(config, NULL, 1, AMQP_WOLFSSL_FORMAT_AUTO),
                AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_add_crl_memory(config, list, 0, AMQP_WOLFSSL_FORMAT_AUTO),
                AMQP_WOLFSSL_ERROR_CRL_MALFORMED);
  assert_record(config, amqp_wolfssl_config_add_crl_memory(config, list, length, (amqp_wolfssl_format_t)3),
                AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_set_stapling(config, (amqp_wolfssl_stapling_t)3),
                AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  /* Each keeps the config from opening until it is mended. */
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_CRL_MALFORMED);
  assert_record(config, amqp_wolfssl_config_set_stapling(config, AMQP_WOLFSSL_STAPLING_OFF), AMQP_WOLFSSL_OK);
  assert_record(config, amqp_wolfssl_config_add_crl_memory(config, list, length, AMQP_WOLFSSL_FORMAT_PEM),
                AMQP_WOLFSSL_OK);
  assert_record(config, amqp_wolfssl_config_add_crl_folder(config, temporary_folder_path("lists")), AMQP_WOLFSSL_OK);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_CRL_MALFORMED);
  assert_record(config, amqp_wolfssl_config_add_crl_file(config, temporary_folder_path("crl.pem")), AMQP_WOLFSSL_OK);
  free(list);
  expect_connection(config, "server", true);
  expect_refusal(config, "server-revoked", AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED);
  amqp_wolfssl_config_free(config);
}

/* In memory it is copied; and without verification there would be nothing to check by. */
static void test_crl_from_memory(void **state) {
  amqp_wolfssl_config_t *config = good_config();
  size_t length;
  uint8_t *list = temporary_folder_read("crl.pem", &length);

  (void)state;
  expect_connection(config, "server-revoked", true);
  assert_record(config, amqp_wolfssl_config_add_crl_memory(config, list, length, AMQP_WOLFSSL_FORMAT_AUTO),
                AMQP_WOLFSSL_OK);
  memset(list, 0, length);
  free(list);
  expect_refusal(config, "server-revoked", AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED);
  expect_connection(config, "server", true);
  assert_record(config, amqp_wolfssl_config_set_verify_peer(config, 0), AMQP_WOLFSSL_OK);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  amqp_wolfssl_config_free(config);
}

/* The server in memory staples nothing. */
static void test_stapling(void **state) {
  amqp_wolfssl_config_t *config = good_config();
  amqp_wolfssl_code_t code = amqp_wolfssl_config_set_stapling(config, AMQP_WOLFSSL_STAPLING_REQUEST);

  (void)state;
  if (code == AMQP_WOLFSSL_ERROR_NOT_SUPPORTED) {
    assert_non_null(strstr(amqp_wolfssl_error_message(amqp_wolfssl_config_error(config)), "--enable-ocspstapling"));
    assert_record(config, amqp_wolfssl_config_set_stapling(config, AMQP_WOLFSSL_STAPLING_OFF), AMQP_WOLFSSL_OK);
    expect_connection(config, "server", true);
  } else {
    assert_record(config, code, AMQP_WOLFSSL_OK);
    assert_record(config,
                  amqp_wolfssl_config_set_tls_versions(
                      config, AMQP_WOLFSSL_TLS_1_2,
                      peer_verification_sees_responses_of_tls_1_3() ? AMQP_WOLFSSL_TLS_1_3 : AMQP_WOLFSSL_TLS_1_2),
                  AMQP_WOLFSSL_OK);
    expect_connection(config, "server", true);
    assert_record(config, amqp_wolfssl_config_set_stapling(config, AMQP_WOLFSSL_STAPLING_REQUIRE), AMQP_WOLFSSL_OK);
    expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN);
  }
  amqp_wolfssl_config_free(config);
}

static bool sees_responses_up_to(amqp_wolfssl_version_t highest) {
  return highest == AMQP_WOLFSSL_TLS_1_3 ? peer_verification_sees_responses_of_tls_1_3()
                                         : peer_verification_sees_responses();
}

/* Whatever was set first: where wolfSSL does not show the responses of TLS 1.3, nothing is opened that might take one
   unchecked, and the sentence names the ways out. */
static void test_stapling_that_is_not_shown(void **state) {
  static const struct {
    amqp_wolfssl_version_t lowest;
    amqp_wolfssl_version_t highest;
  } rows[] = {{AMQP_WOLFSSL_TLS_1_2, AMQP_WOLFSSL_TLS_1_2},
              {AMQP_WOLFSSL_TLS_1_2, AMQP_WOLFSSL_TLS_1_3},
              {AMQP_WOLFSSL_TLS_1_3, AMQP_WOLFSSL_TLS_1_3}};

  (void)state;
  if (!peer_verification_sees_responses()) {
    skip();
  }
  for (size_t i = 0; i < 2 * COUNT_OF(rows); i++) {
    const bool versions_first = i % 2 == 0;
    amqp_wolfssl_config_t *config = good_config();
    struct connection connection;

    for (int step = 0; step < 2; step++) {
      const amqp_wolfssl_code_t code =
          (step == 0) == versions_first
              ? amqp_wolfssl_config_set_tls_versions(config, rows[i / 2].lowest, rows[i / 2].highest)
              : amqp_wolfssl_config_set_stapling(config, AMQP_WOLFSSL_STAPLING_REQUEST);

      assert_record(config, code, AMQP_WOLFSSL_OK);
    }
    connect_config(&connection, config, "server");
    assert_int_equal(connection.connected, sees_responses_up_to(rows[i / 2].highest));
    if (!connection.connected) {
      assert_int_equal(connection.error.code, AMQP_WOLFSSL_ERROR_NOT_SUPPORTED);
      assert_int_equal(connection.error.stage, AMQP_WOLFSSL_STAGE_CONFIGURE);
      assert_non_null(strstr(connection.error.message, "allow TLS 1.2 only, where they can"));
      assert_non_null(strstr(connection.error.message, "CRLs"));
    }
    connection_facts_free(&connection.facts);
    amqp_wolfssl_config_free(config);
  }
}

/* ---- References ---- */

/* A memory checker shows it when the last reference does not free, or an earlier one does. */
static void test_references(void **state) {
  amqp_wolfssl_config_t *config = good_config();

  (void)state;
  assert_ptr_equal(amqp_wolfssl_config_reference(config), config);
  assert_ptr_equal(amqp_wolfssl_config_reference(config), config);
  amqp_wolfssl_config_free(config);
  expect_connection(config, "server", true);
  amqp_wolfssl_config_free(config);
  assert_record(config, AMQP_WOLFSSL_OK, AMQP_WOLFSSL_OK);
  amqp_wolfssl_config_free(config);
}

enum { THREADS = 4, ROUNDS = 2000 };

static void *use_config(void *argument) {
  amqp_wolfssl_config_t *config = argument;
  struct tls_context *context = NULL;
  amqp_wolfssl_error_t warning;
  amqp_wolfssl_error_t error;

  for (int round = 0; round < ROUNDS; round++) {
    (void)amqp_wolfssl_config_reference(config);
    if (config_tls_context(config, &context, &warning, &error) != AMQP_WOLFSSL_OK) {
      context = NULL;
    }
    tls_context_free(context);
    amqp_wolfssl_config_free(config);
  }
  amqp_wolfssl_config_free(config);
  return (void *)(uintptr_t)context;
}

static void test_references_in_threads(void **state) {
  amqp_wolfssl_config_t *config = good_config();
  pthread_t threads[THREADS];
  void *contexts[THREADS];

  (void)state;
  config_freeze(config);
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, use_config, amqp_wolfssl_config_reference(config)), 0);
  }
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_join(threads[i], &contexts[i]), 0);
    assert_non_null(contexts[i]);
    assert_ptr_equal(contexts[i], contexts[0]);
  }
  expect_connection(config, "server", true);
  amqp_wolfssl_config_free(config);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_no_config),
      cmocka_unit_test(test_fresh_config),
      cmocka_unit_test(test_ca_setters_refuse),
      cmocka_unit_test(test_half_a_bundle_adds_nothing),
      cmocka_unit_test(test_sources_of_trust_add_up),
      cmocka_unit_test(test_identity_setters_refuse),
      cmocka_unit_test(test_identity_from_memory_is_copied),
      cmocka_unit_test(test_identity_is_replaced),
#ifdef WOLFSSL_ENCRYPTED_KEYS
      cmocka_unit_test(test_passphrases),
      cmocka_unit_test(test_a_frozen_config_keeps_no_passphrase),
      cmocka_unit_test(test_an_unshared_config_keeps_the_passphrase),
#endif
      cmocka_unit_test(test_switches_refuse),
      cmocka_unit_test(test_switches_switch),
      cmocka_unit_test(test_server_name),
      cmocka_unit_test(test_accepted_names),
      cmocka_unit_test(test_server_uri),
      cmocka_unit_test(test_maximum_depth),
      cmocka_unit_test(test_versions),
      cmocka_unit_test(test_policy),
      cmocka_unit_test(test_policy_after_narrowing),
      cmocka_unit_test(test_policy_after_a_refused_narrowing),
      cmocka_unit_test(test_policy_keeps_the_versions),
      cmocka_unit_test(test_narrowed),
      cmocka_unit_test(test_narrowed_to_nothing),
      cmocka_unit_test(test_identity_against_the_policy),
      cmocka_unit_test(test_identity_with_a_weak_intermediate),
      cmocka_unit_test(test_failures_are_remembered),
      cmocka_unit_test(test_another_setter_does_not_mend),
      cmocka_unit_test(test_frozen),
      cmocka_unit_test(test_unshared_changes_between_openings),
      cmocka_unit_test(test_unshared_remembers_what_was_refused_while_open),
      cmocka_unit_test(test_shared_never_thaws),
      cmocka_unit_test(test_context_is_made_once),
      cmocka_unit_test(test_crl_setters_refuse),
      cmocka_unit_test(test_crl_from_memory),
      cmocka_unit_test(test_stapling),
      cmocka_unit_test(test_stapling_that_is_not_shown),
      cmocka_unit_test(test_references),
      cmocka_unit_test(test_references_in_threads),
  };

  return cmocka_run_group_tests(tests, config_files_set_up, minted_certificates_tear_down);
}
