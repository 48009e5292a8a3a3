/* SPDX-License-Identifier: MIT */
/*
 * Credentials replaced under a config that is in use: what each open gets, what is refused and what is used instead,
 * and that whoever has an older set keeps it whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "amqp_wolfssl_socket.h"
#include "config/config.h"
#include "config/options.h"
#include "config_connection.h"
#include "failing_allocator.h"
#include "minted_certificates.h"
#include "mounted_secret.h"
#include "open_descriptors.h"
#include "temporary_folder.h"
#include "backend/wolfssl_headers.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define FIRST "CN=client1,O=Acme"
#define SECOND "CN=client-no-user,O=Acme"

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

static void copy(const char *from, const char *to) {
  size_t length;
  uint8_t *bytes = temporary_folder_read(from, &length);

  temporary_folder_write(to, bytes, length);
  free(bytes);
}

/* Frozen, with the first set. */
static amqp_wolfssl_config_t *folder_config(void) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  put_first();
  assert_non_null(config);
  assert_record(config, amqp_wolfssl_config_set_secret_folder(config, secret.path), AMQP_WOLFSSL_OK);
  config_freeze(config);
  return config;
}

static void expect_to(amqp_wolfssl_config_t *config, const char *server, const char *subject,
                      amqp_wolfssl_code_t warning) {
  struct connection connection;

  connect_config(&connection, config, server);
  if (!connection.connected) {
    fail_msg("%s", connection.error.message);
  }
  assert_string_equal(connection.facts.own_subject, subject);
  if (connection.warning.code != warning) {
    fail_msg("wanted %s, got %s", amqp_wolfssl_code_name(warning), connection.warning.message);
  }
  if (warning != AMQP_WOLFSSL_OK) {
    assert_non_null(strstr(connection.warning.message, "stay in use"));
  }
  connection_facts_free(&connection.facts);
}

static void expect(amqp_wolfssl_config_t *config, const char *subject, amqp_wolfssl_code_t warning) {
  expect_to(config, "server", subject, warning);
}

/* ---- The setter ---- */

static void test_a_bad_folder_is_refused_at_once(void **state) {
  amqp_wolfssl_config_t *config = good_config();

  (void)state;
  assert_record(config, amqp_wolfssl_config_set_secret_folder(config, NULL), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_set_secret_folder(config, temporary_folder_path("no such folder")),
                AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  mounted_secret_put(&secret, "client.pem", "client-no-user.key", "ca.pem");
  assert_record(config, amqp_wolfssl_config_set_secret_folder(config, secret.path), AMQP_WOLFSSL_ERROR_KEY_MISMATCH);
  mounted_secret_put(&secret, "client-expired.pem", "client-expired.key", "ca.pem");
  assert_record(config, amqp_wolfssl_config_set_secret_folder(config, secret.path),
                AMQP_WOLFSSL_ERROR_CERTIFICATE_EXPIRED);
  mounted_secret_put(&secret, "client.pem", "client.key", "server.pem");
  assert_record(config, amqp_wolfssl_config_set_secret_folder(config, secret.path), AMQP_WOLFSSL_ERROR_CA_UNUSABLE);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_CA_UNUSABLE); /* remembered */
  put_second();
  assert_record(config, amqp_wolfssl_config_set_secret_folder(config, secret.path), AMQP_WOLFSSL_OK);
  expect(config, SECOND, AMQP_WOLFSSL_OK);
  amqp_wolfssl_config_free(config);
}

/* The later identity is the only one, and the folder's CAs go with the folder. */
static void test_a_folder_is_replaced_with_its_authorities(void **state) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  (void)state;
  put_first();
  assert_int_equal(amqp_wolfssl_config_set_secret_folder(config, secret.path), AMQP_WOLFSSL_OK);
  expect(config, FIRST, AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_wolfssl_config_set_identity_files(config, temporary_folder_path("client-no-user.pem"),
                                                          temporary_folder_path("client-no-user.key")),
                   AMQP_WOLFSSL_OK);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_NO_TRUST_ANCHOR);
  assert_int_equal(amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("ca.pem")), AMQP_WOLFSSL_OK);
  expect(config, SECOND, AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_wolfssl_config_set_secret_folder(config, secret.path), AMQP_WOLFSSL_OK);
  expect(config, FIRST, AMQP_WOLFSSL_OK);
  amqp_wolfssl_config_free(config);
}

/* ---- What an open gets ---- */

static void test_each_open_sees_what_is_there(void **state) {
  amqp_wolfssl_config_t *config = folder_config();

  (void)state;
  for (int i = 0; i < 3; i++) {
    put_first();
    expect(config, FIRST, AMQP_WOLFSSL_OK);
    put_second();
    expect(config, SECOND, AMQP_WOLFSSL_OK);
    expect(config, SECOND, AMQP_WOLFSSL_OK);
  }
  amqp_wolfssl_config_free(config);
}

/* Between the setter and the first open, too. */
static void test_the_first_open(void **state) {
  amqp_wolfssl_config_t *config = folder_config();

  (void)state;
  put_second();
  expect(config, SECOND, AMQP_WOLFSSL_OK);
  amqp_wolfssl_config_free(config);
  config = folder_config();
  mounted_secret_put(&secret, "client.pem", "client-no-user.key", "ca.pem");
  expect(config, FIRST, AMQP_WOLFSSL_ERROR_KEY_MISMATCH); /* what the setter has read */
  amqp_wolfssl_config_free(config);
}

static void test_authorities_rotate(void **state) {
  amqp_wolfssl_config_t *config = folder_config();

  (void)state;
  expect_refusal(config, "server-other-ca", AMQP_WOLFSSL_ERROR_UNKNOWN_CA);
  mounted_secret_put(&secret, "client.pem", "client.key", "other-ca.pem");
  expect_to(config, "server-other-ca", FIRST, AMQP_WOLFSSL_OK);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_UNKNOWN_CA); /* distrusted now */
  mounted_secret_put(&secret, "client.pem", "client.key", NULL);
  expect_to(config, "server-other-ca", FIRST, AMQP_WOLFSSL_ERROR_NO_TRUST_ANCHOR);
  amqp_wolfssl_config_free(config);

  config = amqp_wolfssl_config_new(); /* with the CA elsewhere, ca.crt may come and go */
  assert_int_equal(amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("ca.pem")), AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_wolfssl_config_set_secret_folder(config, secret.path), AMQP_WOLFSSL_OK);
  config_freeze(config);
  expect(config, FIRST, AMQP_WOLFSSL_OK);
  mounted_secret_put(&secret, "client.pem", "client.key", "other-ca.pem");
  expect_to(config, "server-other-ca", FIRST, AMQP_WOLFSSL_OK);
  expect(config, FIRST, AMQP_WOLFSSL_OK);
  mounted_secret_put(&secret, "client.pem", "client.key", NULL);
  expect(config, FIRST, AMQP_WOLFSSL_OK);
  expect_refusal(config, "server-other-ca", AMQP_WOLFSSL_ERROR_UNKNOWN_CA);
  amqp_wolfssl_config_free(config);
}

struct broken_set {
  const char *certificate;
  const char *key;
  const char *ca;
  amqp_wolfssl_code_t code;
};

static const struct broken_set broken_sets[] = {
    {"client.pem", "client-no-user.key", "ca.pem", AMQP_WOLFSSL_ERROR_KEY_MISMATCH},
    {"client-no-user.pem", "client.key", "ca.pem", AMQP_WOLFSSL_ERROR_KEY_MISMATCH},
    {"client.pem", NULL, "ca.pem", AMQP_WOLFSSL_ERROR_FILE_UNREADABLE},
    {NULL, "client.key", "ca.pem", AMQP_WOLFSSL_ERROR_FILE_UNREADABLE},
    {"client.key", "client.key", "ca.pem", AMQP_WOLFSSL_ERROR_NO_CERTIFICATE},
    {"client.pem", "client.pem", "ca.pem", AMQP_WOLFSSL_ERROR_KEY_MALFORMED},
    {"half.pem", "client.key", "ca.pem", AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED},
    {"client.pem", "empty", "ca.pem", AMQP_WOLFSSL_ERROR_KEY_MALFORMED},
    {"client.pem", "client.key", "server.pem", AMQP_WOLFSSL_ERROR_CA_UNUSABLE},
    {"client.pem", "client.key", "empty", AMQP_WOLFSSL_ERROR_NO_CERTIFICATE},
    {"client.pem", "client.encrypted.key", "ca.pem", AMQP_WOLFSSL_ERROR_PASSPHRASE_MISSING},
    {"client-expired.pem", "client-expired.key", "ca.pem", AMQP_WOLFSSL_ERROR_CERTIFICATE_EXPIRED},
    {"client-not-yet-valid.pem", "client-not-yet-valid.key", "ca.pem", AMQP_WOLFSSL_ERROR_CERTIFICATE_NOT_YET_VALID},
    {"client-weak-rsa1024.pem", "client-weak-rsa1024.key", "ca.pem", AMQP_WOLFSSL_ERROR_IDENTITY_AGAINST_POLICY},
};

static void test_a_broken_set_changes_nothing(void **state) {
  amqp_wolfssl_config_t *config = folder_config();

  (void)state;
  copy("client.pem", "half.pem");
  assert_int_equal(truncate(temporary_folder_path("half.pem"), 300), 0);
  temporary_folder_write_text("empty", "");
  expect(config, FIRST, AMQP_WOLFSSL_OK);
  for (size_t i = 0; i < COUNT_OF(broken_sets); i++) {
    const struct broken_set *set = &broken_sets[i];

    print_message("%zu\n", i);
    mounted_secret_put(&secret, set->certificate, set->key, set->ca);
    assert_int_equal(amqp_wolfssl_config_changed(config), 0);
    expect(config, i % 2 == 0 ? FIRST : SECOND, set->code);
    expect(config, i % 2 == 0 ? FIRST : SECOND, set->code); /* it does not wear off */
    if (i % 2 == 0) {
      put_second();
    } else {
      put_first();
    }
    expect(config, i % 2 == 0 ? SECOND : FIRST, AMQP_WOLFSSL_OK);
  }
  amqp_wolfssl_config_free(config);
}

static void test_a_folder_that_vanishes(void **state) {
  amqp_wolfssl_config_t *config = folder_config();
  char away[600];

  (void)state;
  (void)snprintf(away, sizeof(away), "%s.away", secret.path);
  expect(config, FIRST, AMQP_WOLFSSL_OK);
  assert_int_equal(rename(secret.path, away), 0);
  expect(config, FIRST, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_int_equal(amqp_wolfssl_config_changed(config), 0);
  assert_int_equal(rename(away, secret.path), 0);
  expect(config, FIRST, AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_wolfssl_config_changed(config), 0);
  amqp_wolfssl_config_free(config);
}

/* ---- Files one by one ---- */

static void test_files_one_by_one(void **state) {
  (void)state;
  for (int rotate = 0; rotate < 2; rotate++) {
    amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
    const char *subject = rotate == 1 ? SECOND : FIRST;

    copy("client.pem", "my.pem");
    copy("client.key", "my.key");
    copy("ca.pem", "authority.pem");
    assert_int_equal(amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("authority.pem")), AMQP_WOLFSSL_OK);
    assert_int_equal(amqp_wolfssl_config_set_identity_files(config, temporary_folder_path("my.pem"),
                                                            temporary_folder_path("my.key")),
                     AMQP_WOLFSSL_OK);
    assert_int_equal(amqp_wolfssl_config_set_rotation(config, rotate), AMQP_WOLFSSL_OK);
    config_freeze(config);
    expect(config, FIRST, AMQP_WOLFSSL_OK);
    copy("client-no-user.pem", "my.pem"); /* one after the other: in between they don't match */
    expect(config, FIRST, rotate == 1 ? AMQP_WOLFSSL_ERROR_KEY_MISMATCH : AMQP_WOLFSSL_OK);
    copy("client-no-user.key", "my.key");
    expect(config, subject, AMQP_WOLFSSL_OK);
    copy("other-ca.pem", "authority.pem");
    if (rotate == 1) {
      expect_to(config, "server-other-ca", subject, AMQP_WOLFSSL_OK);
      expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_UNKNOWN_CA);
      assert_int_equal(unlink(temporary_folder_path("authority.pem")), 0);
      expect_to(config, "server-other-ca", subject, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
    } else {
      expect(config, FIRST, AMQP_WOLFSSL_OK);
    }
    amqp_wolfssl_config_free(config);
  }
}

/* What is not in a file stays; a folder of CAs is looked through again. */
static void test_what_is_not_in_files_stays(void **state) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
  size_t length;
  uint8_t *key = temporary_folder_read("client.key", &length);
  size_t ca_length;
  uint8_t *ca = temporary_folder_read("ca.pem", &ca_length);

  (void)state;
  assert_int_equal(mkdir(temporary_folder_path("more-authorities"), 0755), 0);
  copy("ca-p384.pem", "more-authorities/p384.pem");
  copy("client.pem", "alone.pem");
  assert_int_equal(amqp_wolfssl_config_set_rotation(config, 1), AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_wolfssl_config_add_ca_memory(config, ca, ca_length, AMQP_WOLFSSL_FORMAT_AUTO), AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_wolfssl_config_add_ca_folder(config, temporary_folder_path("more-authorities")),
                   AMQP_WOLFSSL_OK);
  assert_int_equal(
      amqp_wolfssl_config_set_identity_file_and_key(config, temporary_folder_path("alone.pem"), key, length),
      AMQP_WOLFSSL_OK);
  free(key);
  free(ca);
  config_freeze(config);
  expect(config, FIRST, AMQP_WOLFSSL_OK);
  expect_refusal(config, "server-other-ca", AMQP_WOLFSSL_ERROR_UNKNOWN_CA);
  copy("other-ca.pem", "more-authorities/other.pem");
  expect_to(config, "server-other-ca", FIRST, AMQP_WOLFSSL_OK);
  expect(config, FIRST, AMQP_WOLFSSL_OK);
  copy("client-no-user.pem", "alone.pem");
  expect(config, FIRST, AMQP_WOLFSSL_ERROR_KEY_MISMATCH);
  copy("client.pem", "alone.pem");
  expect(config, FIRST, AMQP_WOLFSSL_OK);
  amqp_wolfssl_config_free(config);
}

static void test_passphrases_are_kept(void **state) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  (void)state;
  put_first();
  assert_int_equal(amqp_wolfssl_config_set_passphrase(config, "correct horse battery"), AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_wolfssl_config_set_secret_folder(config, secret.path), AMQP_WOLFSSL_OK);
  config_freeze(config);
  put_second();
  expect(config, SECOND, AMQP_WOLFSSL_OK);
  mounted_secret_put(&secret, "client.pem", "client.encrypted.key", "ca.pem");
#ifdef WOLFSSL_ENCRYPTED_KEYS
  expect(config, FIRST, AMQP_WOLFSSL_OK);
#else
  expect(config, SECOND, AMQP_WOLFSSL_ERROR_NOT_SUPPORTED);
#endif
  amqp_wolfssl_config_free(config);
}

/* ---- Who has an older set keeps it ---- */

static struct tls_context *take(amqp_wolfssl_config_t *config) {
  struct tls_context *context = NULL;
  amqp_wolfssl_error_t warning;
  amqp_wolfssl_error_t error;

  if (config_tls_context(config, &context, &warning, &error) != AMQP_WOLFSSL_OK) {
    fail_msg("%s", error.message);
  }
  return context;
}

static void test_an_older_set_stays_whole(void **state) {
  amqp_wolfssl_config_t *config = folder_config();
  struct tls_context *first = take(config);
  struct tls_context *again = take(config);
  struct tls_context *second;

  (void)state;
  assert_ptr_equal(first, again);
  put_second();
  second = take(config);
  assert_ptr_not_equal(first, second);
  tls_context_free(again);
  put_first();
  tls_context_free(take(config)); /* now nothing but this reference keeps it */
  assert_int_equal(tls_context_credentials(first)->chain.count, 1);
  assert_true(tls_context_credentials(first)->key.length > 0);
  assert_int_equal(tls_context_trust(first)->anchors.count, 1);
  assert_false(credentials_equal(tls_context_credentials(first), tls_context_credentials(second)));
  tls_context_free(first);
  tls_context_free(second);
  amqp_wolfssl_config_free(config);
}

/* The same certificates in another form are nothing new. */
static void test_another_form_is_no_other_set(void **state) {
  amqp_wolfssl_config_t *config = folder_config();
  struct tls_context *first = take(config);
  struct tls_context *second;

  (void)state;
  mounted_secret_put(&secret, "client.der", "client.key", "ca.der");
  assert_int_equal(amqp_wolfssl_config_changed(config), 0);
  second = take(config);
  assert_ptr_equal(first, second);
  tls_context_free(first);
  tls_context_free(second);
  amqp_wolfssl_config_free(config);
}

/* ---- A certificate that only has to wait ---- */

static void test_a_certificate_that_becomes_valid(void **state) {
  amqp_wolfssl_config_t *config = folder_config();
  int64_t valid_from;

  (void)state;
  expect(config, FIRST, AMQP_WOLFSSL_OK);
  mounted_secret_put(&secret, "client-not-yet-valid.pem", "client-not-yet-valid.key", "ca.pem");
  assert_int_equal(amqp_wolfssl_config_changed(config), 0);
  valid_from = config->rotation.refusal.again_at;
  assert_true(valid_from > 0);
  config->rotation.refusal.again_at = 1; /* as if the time had come: it is examined again */
  assert_int_equal(amqp_wolfssl_config_changed(config), 0);
  assert_true(config->rotation.refusal.again_at == valid_from);
  put_first();
  assert_int_equal(amqp_wolfssl_config_changed(config), 0);
  assert_true(config->rotation.refusal.again_at == 0);
  amqp_wolfssl_config_free(config);
}

/* ---- An unshared config changes its mind ---- */

static void test_unshared(void **state) {
  amqp_wolfssl_config_t *config = config_new_unshared();

  (void)state;
  put_first();
  assert_int_equal(amqp_wolfssl_config_set_secret_folder(config, secret.path), AMQP_WOLFSSL_OK);
  config_freeze(config);
  expect(config, FIRST, AMQP_WOLFSSL_OK);
  put_second();
  expect(config, SECOND, AMQP_WOLFSSL_OK);
  config_thaw(config);
  assert_int_equal(amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("other-ca.pem")), AMQP_WOLFSSL_OK);
  config_freeze(config);
  expect_to(config, "server-other-ca", SECOND, AMQP_WOLFSSL_OK);
  put_first();
  expect(config, FIRST, AMQP_WOLFSSL_OK);
  amqp_wolfssl_config_free(config);
}

/* ---- Threads ---- */

enum { THREADS = 4, TAKES = 100 };

struct taker {
  amqp_wolfssl_config_t *config;
  atomic_bool *enough;
  int failed;
};

static void *take_many(void *argument) {
  struct taker *taker = argument;

  for (int i = 0; i < TAKES || !atomic_load(taker->enough); i++) {
    struct tls_context *context = NULL;
    amqp_wolfssl_error_t warning;
    amqp_wolfssl_error_t error;

    if (config_tls_context(taker->config, &context, &warning, &error) != AMQP_WOLFSSL_OK ||
        warning.code != AMQP_WOLFSSL_OK) {
      taker->failed++;
    } else if (config_outdates(taker->config, context)) {
      (void)amqp_wolfssl_config_changed(taker->config);
    }
    tls_context_free(context);
  }
  return NULL;
}

static void test_threads(void **state) {
  amqp_wolfssl_config_t *config = folder_config();
  atomic_bool enough;
  struct taker takers[THREADS];
  pthread_t threads[THREADS];

  (void)state;
  atomic_init(&enough, false);
  for (int i = 0; i < THREADS; i++) {
    takers[i] = (struct taker){config, &enough, 0};
    assert_int_equal(pthread_create(&threads[i], NULL, take_many, &takers[i]), 0);
  }
  for (int i = 0; i < 50; i++) {
    put_second();
    put_first();
  }
  atomic_store(&enough, true);
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(takers[i].failed, 0);
  }
  expect(config, FIRST, AMQP_WOLFSSL_OK);
  amqp_wolfssl_config_free(config);
}

/* ---- Out of memory ---- */

/* Whatever fails, what is in use is one of the two sets, and the next open has the new one. */
static void test_out_of_memory(void **state) {
  amqp_wolfssl_config_t *config;
  const size_t descriptors = open_descriptors();
  bool struck = true;

  (void)state;
  if (!failing_allocator_works()) {
    skip();
  }
  config = folder_config();
  expect(config, FIRST, AMQP_WOLFSSL_OK);
  for (size_t nth = 1; struck; nth += nth < 150 ? 1 : 37) { /* a context takes thousands, and has its own test */
    struct tls_context *context = NULL;
    amqp_wolfssl_error_t warning;
    amqp_wolfssl_error_t error;
    amqp_wolfssl_code_t code;

    if (nth % 2 == 1) {
      put_second();
    } else {
      put_first();
    }
    failing_allocator_arm(nth);
    code = config_tls_context(config, &context, &warning, &error);
    struck = failing_allocator_disarm();
    assert_int_equal(code, AMQP_WOLFSSL_OK); /* the last good set is there */
    assert_true(warning.code == AMQP_WOLFSSL_OK || struck);
    assert_int_equal(open_descriptors(), descriptors);
    tls_context_free(context);
    if (nth < 20 || !struck) {
      expect(config, nth % 2 == 1 ? SECOND : FIRST, AMQP_WOLFSSL_OK);
    }
  }
  amqp_wolfssl_config_free(config);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_bad_folder_is_refused_at_once),
      cmocka_unit_test(test_a_folder_is_replaced_with_its_authorities),
      cmocka_unit_test(test_each_open_sees_what_is_there),
      cmocka_unit_test(test_the_first_open),
      cmocka_unit_test(test_authorities_rotate),
      cmocka_unit_test(test_a_broken_set_changes_nothing),
      cmocka_unit_test(test_a_folder_that_vanishes),
      cmocka_unit_test(test_files_one_by_one),
      cmocka_unit_test(test_what_is_not_in_files_stays),
      cmocka_unit_test(test_passphrases_are_kept),
      cmocka_unit_test(test_an_older_set_stays_whole),
      cmocka_unit_test(test_another_form_is_no_other_set),
      cmocka_unit_test(test_a_certificate_that_becomes_valid),
      cmocka_unit_test(test_unshared),
      cmocka_unit_test(test_threads),
      cmocka_unit_test(test_out_of_memory),
  };

  return cmocka_run_group_tests(tests, set_up, minted_certificates_tear_down);
}
