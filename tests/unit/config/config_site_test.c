/* SPDX-License-Identifier: MIT */
/* What the administrator's file does to configs, and for how long a connection may live. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amqp_wolfssl_socket.h"
#include "config/config.h"
#include "config_connection.h"
#include "minted_certificates.h"
#include "policy/policy.h"
#include "temporary_folder.h"
#include "verification/peer_verification.h"
#include "backend/wolfssl_headers.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- The administrator's file ---- */

static amqp_wolfssl_config_t *config_with_site(const char *text) {
  amqp_wolfssl_config_t *config;

  temporary_folder_write_text("site.conf", text);
  config = config_new_with_site_file(temporary_folder_path("site.conf"));
  assert_non_null(config);
  return config;
}

static void make_good(amqp_wolfssl_config_t *config) {
  assert_record(config, amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("ca.pem")), AMQP_WOLFSSL_OK);
  assert_record(config,
                amqp_wolfssl_config_set_identity_files(config, temporary_folder_path("client.pem"),
                                                       temporary_folder_path("client.key")),
                AMQP_WOLFSSL_OK);
}

/* Nothing a program can call makes up for a file that nobody understands. */
static void test_site_file_not_understood(void **state) {
  amqp_wolfssl_config_t *config = config_with_site("policy = fips\nverify-peer = no\n");
  struct connection connection;

  (void)state;
  make_good(config);
  connect_config(&connection, config, "server");
  assert_false(connection.connected);
  assert_int_equal(connection.error.code, AMQP_WOLFSSL_ERROR_SITE_FILE_INVALID);
  assert_non_null(strstr(connection.error.message, "site.conf, line 2: "));
  connection_facts_free(&connection.facts);
  amqp_wolfssl_config_free(config);
}

static void test_site_file_that_asks_for_nothing(void **state) {
  amqp_wolfssl_config_t *config = config_new_with_site_file(temporary_folder_path("missing.conf"));

  (void)state;
  assert_non_null(config);
  make_good(config);
  expect_connection(config, "server", true);
  amqp_wolfssl_config_free(config);
}

/* A config is what the file asked for when it was made; the next one sees what it asks for then. */
static void test_site_file_is_read_once(void **state) {
  amqp_wolfssl_config_t *config = config_with_site("minimum-version = 1.2\n");
  amqp_wolfssl_config_t *next = config_with_site("nonsense\n");

  (void)state;
  make_good(config);
  make_good(next);
  expect_connection(config, "server", true);
  expect_refusal(next, "server", AMQP_WOLFSSL_ERROR_SITE_FILE_INVALID);
  expect_connection(config, "server", true);
  amqp_wolfssl_config_free(next);
  amqp_wolfssl_config_free(config);
}

/* P-256 keys, as those of these tests, are beneath CNSA: the identity is refused, whatever policy the program wants. */
static void test_site_policy_is_the_least(void **state) {
  static const amqp_wolfssl_policy_t wanted[] = {AMQP_WOLFSSL_POLICY_MODERN, AMQP_WOLFSSL_POLICY_FIPS,
                                                 AMQP_WOLFSSL_POLICY_CNSA};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(wanted); i++) {
    amqp_wolfssl_config_t *config = config_with_site("policy = cnsa\n");
    const amqp_wolfssl_code_t code = amqp_wolfssl_config_set_policy(config, wanted[i]);

    /* A wolfSSL that can't be held to it is refused the policy, and its identity all the same. */
    assert_true(code == AMQP_WOLFSSL_OK || code == AMQP_WOLFSSL_ERROR_NOT_SUPPORTED);
    assert_record(config,
                  amqp_wolfssl_config_set_identity_files(config, temporary_folder_path("client.pem"),
                                                         temporary_folder_path("client.key")),
                  AMQP_WOLFSSL_ERROR_IDENTITY_AGAINST_POLICY);
    assert_record(config, amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("ca.pem")), AMQP_WOLFSSL_OK);
    expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_IDENTITY_AGAINST_POLICY);
    amqp_wolfssl_config_free(config);
  }
}

/* A laxer policy in the file does not make the program's laxer. */
static void test_site_policy_never_loosens(void **state) {
  amqp_wolfssl_config_t *config = config_with_site("policy = modern\n");

  (void)state;
  assert_record(config, amqp_wolfssl_config_set_suites(config, "TLS_CHACHA20_POLY1305_SHA256"),
                AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_set_suites(config, "TLS_AES_128_GCM_SHA256"), AMQP_WOLFSSL_OK);
  amqp_wolfssl_config_free(config);
}

static void test_site_policy_has_no_exceptions(void **state) {
  amqp_wolfssl_config_t *config = config_with_site("policy = fips\n");

  (void)state;
  assert_record(config, amqp_wolfssl_config_set_require_extended_master_secret(config, 0),
                AMQP_WOLFSSL_ERROR_POLICY_LOCKED);
  make_good(config);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_POLICY_LOCKED);
  assert_record(config, amqp_wolfssl_config_set_require_extended_master_secret(config, 1), AMQP_WOLFSSL_OK);
  assert_record(config, amqp_wolfssl_config_set_verify_host(config, 0), AMQP_WOLFSSL_ERROR_POLICY_LOCKED);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_POLICY_LOCKED);
  assert_record(config, amqp_wolfssl_config_set_verify_host(config, 1), AMQP_WOLFSSL_OK);
  assert_record(config, amqp_wolfssl_config_set_verify_peer(config, 0), AMQP_WOLFSSL_ERROR_POLICY_LOCKED);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_POLICY_LOCKED);
  assert_record(config, amqp_wolfssl_config_set_verify_peer(config, 1), AMQP_WOLFSSL_OK);
  expect_connection(config, "server", true);
  amqp_wolfssl_config_free(config);
}

/* That a broker is known by its URI and not by its name is no exception; that it is known by neither is one. */
static void test_site_policy_leaves_the_name_to_a_uri(void **state) {
  amqp_wolfssl_config_t *config = config_with_site("policy = fips\n");

  (void)state;
  make_good(config);
  assert_record(config, amqp_wolfssl_config_set_server_uri(config, "spiffe://example.org/rabbitmq"), AMQP_WOLFSSL_OK);
  assert_record(config, amqp_wolfssl_config_set_verify_host(config, 0), AMQP_WOLFSSL_OK);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  assert_record(config, amqp_wolfssl_config_set_server_uri(config, NULL), AMQP_WOLFSSL_ERROR_POLICY_LOCKED);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_POLICY_LOCKED);
  assert_record(config, amqp_wolfssl_config_set_server_uri(config, "spiffe://example.org/other"), AMQP_WOLFSSL_OK);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  assert_record(config, amqp_wolfssl_config_set_verify_host(config, 1), AMQP_WOLFSSL_OK);
  assert_record(config, amqp_wolfssl_config_set_server_uri(config, NULL), AMQP_WOLFSSL_OK);
  assert_record(config, amqp_wolfssl_config_set_verify_host(config, 0), AMQP_WOLFSSL_ERROR_POLICY_LOCKED);
  assert_record(config, amqp_wolfssl_config_set_verify_host(config, 1), AMQP_WOLFSSL_OK);
  expect_connection(config, "server", true);
  amqp_wolfssl_config_free(config);
}

/* Of the administrator, for programs that can't make one. The program may still ask for more. */
static void test_site_exception(void **state) {
  static const char file[] = "policy = fips\nextended-master-secret = optional\n";
  const bool cnsa = policy_can_be_held(policy_find(AMQP_WOLFSSL_POLICY_CNSA));
  amqp_wolfssl_config_t *config = config_with_site(file);

  (void)state;
  assert_false(config_settings(config)->limits.extended_master_secret);
  assert_record(config, amqp_wolfssl_config_set_policy(config, AMQP_WOLFSSL_POLICY_MODERN), AMQP_WOLFSSL_OK);
  assert_false(config_settings(config)->limits.extended_master_secret);
  assert_record(config, amqp_wolfssl_config_set_policy(config, AMQP_WOLFSSL_POLICY_CNSA),
                cnsa ? AMQP_WOLFSSL_OK : AMQP_WOLFSSL_ERROR_NOT_SUPPORTED);
  assert_int_equal(config_settings(config)->limits.extended_master_secret, cnsa);
  assert_record(config, amqp_wolfssl_config_set_policy(config, AMQP_WOLFSSL_POLICY_FIPS), AMQP_WOLFSSL_OK);
  assert_false(config_settings(config)->limits.extended_master_secret);
  assert_record(config, amqp_wolfssl_config_set_require_extended_master_secret(config, 1), AMQP_WOLFSSL_OK);
  assert_true(config_settings(config)->limits.extended_master_secret);
  assert_record(config, amqp_wolfssl_config_set_require_extended_master_secret(config, 0),
                AMQP_WOLFSSL_ERROR_POLICY_LOCKED);
  assert_true(config_settings(config)->limits.extended_master_secret);
  amqp_wolfssl_config_free(config);
}

static void test_site_version_is_the_least(void **state) {
  amqp_wolfssl_config_t *config = config_with_site("minimum-version = 1.3\n");
  struct connection connection;

  (void)state;
  make_good(config);
  assert_record(config, amqp_wolfssl_config_set_tls_versions(config, AMQP_WOLFSSL_TLS_1_2, AMQP_WOLFSSL_TLS_1_2),
                AMQP_WOLFSSL_ERROR_POLICY_LOCKED);
  assert_record(config, amqp_wolfssl_config_set_tls_versions(config, AMQP_WOLFSSL_TLS_1_2, AMQP_WOLFSSL_TLS_1_3),
                AMQP_WOLFSSL_OK);
  connect_config(&connection, config, "server");
  assert_true(connection.connected);
  assert_string_equal(connection.facts.version, "TLSv1.3");
  connection_facts_free(&connection.facts);
  amqp_wolfssl_config_free(config);
}

static void test_site_lists(void **state) {
  char text[600];
  amqp_wolfssl_config_t *config;

  (void)state;
  (void)snprintf(text, sizeof(text), "crl-file = %s\n", temporary_folder_path("crl.pem"));
  config = config_with_site(text);
  make_good(config);
  expect_connection(config, "server", true);
  expect_refusal(config, "server-revoked", AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED);
  amqp_wolfssl_config_free(config);
  config = config_with_site("crl-file = /nowhere/crl.pem\n");
  make_good(config);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  amqp_wolfssl_config_free(config);
}

static bool sees_responses_up_to(amqp_wolfssl_version_t highest) {
  return highest == AMQP_WOLFSSL_TLS_1_3 ? peer_verification_sees_responses_of_tls_1_3()
                                         : peer_verification_sees_responses();
}

/* The server in memory staples nothing. What the administrator requires a program can't turn off. */
static void test_site_stapling(void **state) {
  static const amqp_wolfssl_version_t highest[] = {AMQP_WOLFSSL_TLS_1_2, AMQP_WOLFSSL_TLS_1_3};

  (void)state;
  for (size_t i = 0; i < sizeof(highest) / sizeof(highest[0]); i++) {
    amqp_wolfssl_config_t *config = config_with_site("stapling = require\n");

    make_good(config);
    (void)amqp_wolfssl_config_set_stapling(config, AMQP_WOLFSSL_STAPLING_OFF);
    assert_record(config, amqp_wolfssl_config_set_tls_versions(config, AMQP_WOLFSSL_TLS_1_2, highest[i]),
                  AMQP_WOLFSSL_OK);
    expect_refusal(
        config, "server",
        sees_responses_up_to(highest[i]) ? AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN : AMQP_WOLFSSL_ERROR_NOT_SUPPORTED);
    amqp_wolfssl_config_free(config);
  }
}

static void test_cnsa_wants_revocation_checked(void **state) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  (void)state;
  if (amqp_wolfssl_config_set_policy(config, AMQP_WOLFSSL_POLICY_CNSA) == AMQP_WOLFSSL_OK) {
    assert_record(config, amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("ca.pem")), AMQP_WOLFSSL_OK);
    expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN);
  }
  amqp_wolfssl_config_free(config);
}

/* wolfSSL advises to reconnect within 24 to 48 hours in FIPS builds, and only there. */
static void test_maximum_life_by_default(void **state) {
#ifdef HAVE_FIPS
  static const int64_t day = 24 * 3600;
#else
  static const int64_t day = 0;
#endif
  amqp_wolfssl_config_t *config = config_with_site("");

  (void)state;
  assert_int_equal(config_maximum_life(config), day);
  assert_record(config, amqp_wolfssl_config_set_policy(config, AMQP_WOLFSSL_POLICY_MODERN), AMQP_WOLFSSL_OK);
  assert_int_equal(config_maximum_life(config), 0);
  if (policy_can_be_held(policy_find(AMQP_WOLFSSL_POLICY_CNSA))) {
    assert_record(config, amqp_wolfssl_config_set_policy(config, AMQP_WOLFSSL_POLICY_CNSA), AMQP_WOLFSSL_OK);
    assert_int_equal(config_maximum_life(config), day);
  }
  assert_record(config, amqp_wolfssl_config_set_policy(config, AMQP_WOLFSSL_POLICY_FIPS), AMQP_WOLFSSL_OK);
  assert_int_equal(config_maximum_life(config), day);
  assert_record(config, amqp_wolfssl_config_set_maximum_life(config, 0), AMQP_WOLFSSL_OK);
  assert_int_equal(config_maximum_life(config), 0);
  amqp_wolfssl_config_free(config);
}

static void test_maximum_life(void **state) {
  static const int64_t wrong[] = {-1, INT64_MIN, INT64_MAX, (int64_t)101 * 366 * 86400};
  amqp_wolfssl_config_t *config = config_with_site("");

  (void)state;
  assert_record(config, amqp_wolfssl_config_set_maximum_life(config, 60), AMQP_WOLFSSL_OK);
  assert_int_equal(config_maximum_life(config), 60);
  for (size_t i = 0; i < COUNT_OF(wrong); i++) {
    assert_record(config, amqp_wolfssl_config_set_maximum_life(config, wrong[i]), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
    assert_int_equal(config_maximum_life(config), 60);
  }
  assert_record(config, amqp_wolfssl_config_set_maximum_life(config, 0), AMQP_WOLFSSL_OK);
  assert_int_equal(config_maximum_life(config), 0);
  amqp_wolfssl_config_free(config);

  config = config_with_site("maximum-connection-life = 1h\n");
  assert_int_equal(config_maximum_life(config), 3600);
  assert_record(config, amqp_wolfssl_config_set_maximum_life(config, 7200), AMQP_WOLFSSL_OK);
  assert_int_equal(config_maximum_life(config), 3600);
  assert_record(config, amqp_wolfssl_config_set_maximum_life(config, 0), AMQP_WOLFSSL_OK);
  assert_int_equal(config_maximum_life(config), 3600);
  assert_record(config, amqp_wolfssl_config_set_maximum_life(config, 60), AMQP_WOLFSSL_OK);
  assert_int_equal(config_maximum_life(config), 60);
  amqp_wolfssl_config_free(config);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_site_file_not_understood),
      cmocka_unit_test(test_site_file_that_asks_for_nothing),
      cmocka_unit_test(test_site_file_is_read_once),
      cmocka_unit_test(test_site_policy_is_the_least),
      cmocka_unit_test(test_site_policy_never_loosens),
      cmocka_unit_test(test_site_policy_has_no_exceptions),
      cmocka_unit_test(test_site_policy_leaves_the_name_to_a_uri),
      cmocka_unit_test(test_site_exception),
      cmocka_unit_test(test_site_version_is_the_least),
      cmocka_unit_test(test_site_lists),
      cmocka_unit_test(test_site_stapling),
      cmocka_unit_test(test_cnsa_wants_revocation_checked),
      cmocka_unit_test(test_maximum_life_by_default),
      cmocka_unit_test(test_maximum_life),
  };

  return cmocka_run_group_tests(tests, config_files_set_up, minted_certificates_tear_down);
}
