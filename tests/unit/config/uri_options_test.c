/* SPDX-License-Identifier: MIT */
/*
 * A broker's URI, applied to a config: that each parameter does what its setter does, that nothing turns verification
 * off without consent, that a URI that is refused leaves the config as it was, and that no sentence has a password.
 */
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
#include "backend/wolfssl_headers.h"
#include "config/config.h"
#include "config/options.h"
#include "config_connection.h"
#include "failing_allocator.h"
#include "minted_certificates.h"
#include "temporary_folder.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define CANARY "canary"
#define ALL_CONSENT (AMQP_WOLFSSL_URI_ALLOW_VERIFY_NONE | AMQP_WOLFSSL_URI_ALLOW_ANY_NAME)

/* Each "@" of \a query stands for the folder of certificates. It has no other "@". */
static const char *uri_with(const char *query) {
  static char text[8192];
  const char *folder = temporary_folder_path("");
  size_t used = (size_t)snprintf(text, sizeof(text), "amqps://user:canary@localhost:5671/%%2f?");

  for (; *query != '\0'; query++) {
    used += (size_t)snprintf(text + used, sizeof(text) - used, *query == '@' ? "%s/" : "%.1s",
                             *query == '@' ? folder : query);
  }
  assert_true(used < sizeof(text));
  return text;
}

static void expect_applied(amqp_wolfssl_config_t *config, const char *query, unsigned flags) {
  assert_record(config, amqp_wolfssl_config_apply_uri(config, uri_with(query), flags), AMQP_WOLFSSL_OK);
}

/* The words in the sentence; never the canary. */
static void expect_failure(amqp_wolfssl_config_t *config, const char *query, unsigned flags, amqp_wolfssl_code_t code,
                           const char *words) {
  const char *sentence;

  assert_record(config, amqp_wolfssl_config_apply_uri(config, uri_with(query), flags), code);
  sentence = amqp_wolfssl_error_message(amqp_wolfssl_config_error(config));
  if (strstr(sentence, words) == NULL || strstr(sentence, CANARY) != NULL) {
    fail_msg("%s: %s", query, sentence);
  }
}

static amqp_wolfssl_config_t *fresh_config(void) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  assert_non_null(config);
  return config;
}

/* ---- What it does ---- */

static void test_arguments(void **state) {
  static const unsigned wrong[] = {4, 0x80000000U, ~0U};
  amqp_wolfssl_config_t *config = good_config();

  (void)state;
  assert_int_equal(amqp_wolfssl_config_apply_uri(NULL, "amqps://host", 0), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_record(config, amqp_wolfssl_config_apply_uri(config, NULL, 0), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  for (size_t i = 0; i < COUNT_OF(wrong); i++) {
    assert_record(config, amqp_wolfssl_config_apply_uri(config, "amqps://host", wrong[i]),
                  AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  }
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT); /* remembered */
  assert_record(config, amqp_wolfssl_config_apply_uri(config, "amqps://host", 0), AMQP_WOLFSSL_OK);
  expect_connection(config, "server", true);
  config_freeze(config);
  assert_int_equal(amqp_wolfssl_config_apply_uri(config, "amqps://host", 0), AMQP_WOLFSSL_ERROR_CONFIG_FROZEN);
  amqp_wolfssl_config_free(config);
}

static void test_ca_and_identity(void **state) {
  amqp_wolfssl_config_t *config = fresh_config();

  (void)state;
  expect_applied(config, "cacertfile=@ca.pem", 0);
  expect_connection(config, "server", false);
  expect_applied(config, "certfile=@client.pem&keyfile=@client.key", 0);
  expect_connection(config, "server", true);
  expect_refusal(config, "server-other-ca", AMQP_WOLFSSL_ERROR_UNKNOWN_CA);
  expect_applied(config, "cacertfile=@other-ca.pem", 0); /* in addition */
  expect_connection(config, "server-other-ca", true);
  expect_connection(config, "server", true);
  amqp_wolfssl_config_free(config);
}

static void test_one_file_for_both(void **state) {
  amqp_wolfssl_config_t *config = fresh_config();
  char *certificate = temporary_folder_read_text("client.pem");
  char *key = temporary_folder_read_text("client.key");
  char both[16384];

  (void)state;
  (void)snprintf(both, sizeof(both), "%s%s", certificate, key);
  temporary_folder_write_text("both.pem", both);
  expect_applied(config, "cacertfile=@ca.pem&certfile=@both.pem&keyfile=@both.pem", 0);
  expect_connection(config, "server", true);
  amqp_wolfssl_config_free(config);
  free(certificate);
  free(key);
}

#ifdef WOLFSSL_ENCRYPTED_KEYS
#define ENCRYPTED "certfile=@client.pem&keyfile=@client.encrypted.key"

static int count_calls(char *passphrase, size_t capacity, void *user_data) {
  (void)passphrase;
  (void)capacity;
  (*(int *)user_data)++;
  return -1;
}

static void test_password(void **state) {
  amqp_wolfssl_config_t *config = fresh_config();
  int calls = 0;

  (void)state;
  expect_failure(config, ENCRYPTED, 0, AMQP_WOLFSSL_ERROR_PASSPHRASE_MISSING, "client.encrypted.key");
  expect_failure(config, ENCRYPTED "&password=wrong%20canary%20battery", 0, AMQP_WOLFSSL_ERROR_PASSPHRASE_WRONG,
                 "client.encrypted.key");
  expect_failure(config, "certfile=@client-rsa.pem&keyfile=@client.encrypted.key&password=correct%20horse%20battery", 0,
                 AMQP_WOLFSSL_ERROR_KEY_MISMATCH, "");
  assert_null(strstr(amqp_wolfssl_error_message(amqp_wolfssl_config_error(config)), "horse"));
  assert_int_equal(amqp_wolfssl_config_set_passphrase_callback(config, count_calls, &calls), AMQP_WOLFSSL_OK);
  expect_applied(config, "cacertfile=@ca.pem&" ENCRYPTED "&password=correct%20horse%20battery", 0);
  assert_int_equal(calls, 0);
  expect_connection(config, "server", true);
  expect_applied(config, ENCRYPTED, 0); /* it is the config's now, in place of the callback */
  assert_int_equal(calls, 0);
  /* The program's, where the URI has none. */
  assert_int_equal(amqp_wolfssl_config_set_passphrase(config, NULL), AMQP_WOLFSSL_OK);
  expect_failure(config, ENCRYPTED, 0, AMQP_WOLFSSL_ERROR_PASSPHRASE_MISSING, "client.encrypted.key");
  assert_int_equal(amqp_wolfssl_config_set_passphrase(config, "correct horse battery"), AMQP_WOLFSSL_OK);
  expect_applied(config, ENCRYPTED, 0);
  expect_connection(config, "server", true);
  /* One that did not fit changed nothing. */
  expect_failure(config, ENCRYPTED "&password=wrong%20canary%20battery", 0, AMQP_WOLFSSL_ERROR_PASSPHRASE_WRONG, "");
  expect_applied(config, ENCRYPTED, 0);
  config_freeze(config);
  assert_null(config->passphrase.bytes);
  amqp_wolfssl_config_free(config);
}
#endif

static void copy_file(const char *from, const char *to) {
  size_t length;
  uint8_t *bytes = temporary_folder_read(from, &length);

  temporary_folder_write(to, bytes, length);
  free(bytes);
}

/* What a URI named is read again where that is wanted, as what a setter named. */
static void test_rotation(void **state) {
  amqp_wolfssl_config_t *config = good_config();
  struct connection connection;

  (void)state;
  copy_file("ca.pem", "rotated-ca.pem");
  copy_file("client.pem", "rotated.pem");
  copy_file("client.key", "rotated.key");
  assert_int_equal(amqp_wolfssl_config_set_rotation(config, 1), AMQP_WOLFSSL_OK);
  expect_applied(config, "cacertfile=@rotated-ca.pem&certfile=@rotated.pem&keyfile=@rotated.key", 0);
  expect_connection(config, "server", true);
  copy_file("client-rsa.pem", "rotated.pem");
  copy_file("client-rsa.key", "rotated.key");
  copy_file("other-ca.pem", "rotated-ca.pem");
  connect_config(&connection, config, "server-other-ca");
  assert_true(connection.connected);
  assert_string_not_equal(connection.facts.own_subject, "CN=client1,O=Acme");
  connection_facts_free(&connection.facts);
  amqp_wolfssl_config_free(config);
}

static void test_server_name(void **state) {
  amqp_wolfssl_config_t *config = good_config();

  (void)state;
  expect_applied(config, "server_name_indication=elsewhere.test", 0);
  assert_string_equal(config_server_name(config), "elsewhere.test");
  expect_connection(config, "server-wrong-name", true);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  expect_applied(config, "depth=1", 0); /* says nothing about the name */
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  expect_applied(config, "server_name_indication=rabbitmq", 0);
  expect_connection(config, "server", true);
  /* A name that is given is verified, though the program would not. */
  assert_int_equal(amqp_wolfssl_config_set_verify_host(config, 0), AMQP_WOLFSSL_OK);
  expect_connection(config, "server-wrong-name", true);
  expect_applied(config, "server_name_indication=rabbitmq", 0);
  expect_refusal(config, "server-wrong-name", AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  amqp_wolfssl_config_free(config);
}

static void test_depth(void **state) {
  amqp_wolfssl_config_t *config = good_config();

  (void)state;
  expect_applied(config, "depth=1", 0);
  expect_connection(config, "server-chain", true);
  expect_applied(config, "depth=0", 0);
  expect_refusal(config, "server-chain", AMQP_WOLFSSL_ERROR_CHAIN_INVALID);
  expect_connection(config, "server", true);
  expect_applied(config, "depth=255", 0); /* a URI can only make it smaller */
  expect_refusal(config, "server-chain", AMQP_WOLFSSL_ERROR_CHAIN_INVALID);
  assert_int_equal(amqp_wolfssl_config_set_maximum_depth(config, 1), AMQP_WOLFSSL_OK);
  expect_connection(config, "server-chain", true);
  amqp_wolfssl_config_free(config);
}

/* What is for the program changes nothing. */
static void test_parameters_for_the_program(void **state) {
  amqp_wolfssl_config_t *config = good_config();

  (void)state;
  expect_applied(config, "auth_mechanism=plain&auth_mechanism=external&heartbeat=1&connection_timeout=1&channel_max=1",
                 0);
  expect_connection(config, "server", true);
  expect_failure(config, "auth_mechanism=unknown", 0, AMQP_WOLFSSL_ERROR_BROKER_URI_INVALID, "auth_mechanism");
  expect_failure(config, "heartbeat=x", 0, AMQP_WOLFSSL_ERROR_BROKER_URI_INVALID, "heartbeat");
  expect_failure(config, "connection_timeout=x", 0, AMQP_WOLFSSL_ERROR_BROKER_URI_INVALID, "connection_timeout");
  expect_failure(config, "channel_max=x", 0, AMQP_WOLFSSL_ERROR_BROKER_URI_INVALID, "channel_max");
  amqp_wolfssl_config_free(config);
}

/* ---- Verification ---- */

static void test_verify_none_needs_consent(void **state) {
  static const unsigned without[] = {0, AMQP_WOLFSSL_URI_ALLOW_ANY_NAME};
  amqp_wolfssl_config_t *config = good_config();

  (void)state;
  for (size_t i = 0; i < COUNT_OF(without); i++) {
    expect_failure(config, "verify=verify_none", without[i], AMQP_WOLFSSL_ERROR_URI_NOT_PERMITTED, "verify_none");
    assert_true(config->settings.verify_peer);
    assert_true(config->settings.verify_host);
    expect_refusal(config, "server-other-ca", AMQP_WOLFSSL_ERROR_URI_NOT_PERMITTED);
  }
  expect_applied(config, "", 0);
  expect_refusal(config, "server-other-ca", AMQP_WOLFSSL_ERROR_UNKNOWN_CA);
  if (POLICY_LOCK) {
    expect_failure(config, "verify=verify_none", ALL_CONSENT, AMQP_WOLFSSL_ERROR_POLICY_LOCKED, "policy");
  } else {
    expect_applied(config, "verify=verify_none", AMQP_WOLFSSL_URI_ALLOW_VERIFY_NONE);
    expect_connection(config, "server-other-ca", true);
    expect_connection(config, "server-wrong-name", true);
    /* And back: chain and name. */
    expect_applied(config, "verify=verify_peer", 0);
    expect_refusal(config, "server-other-ca", AMQP_WOLFSSL_ERROR_UNKNOWN_CA);
    expect_refusal(config, "server-wrong-name", AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  }
  amqp_wolfssl_config_free(config);
}

static void test_any_name_needs_consent(void **state) {
  static const unsigned without[] = {0, AMQP_WOLFSSL_URI_ALLOW_VERIFY_NONE};
  amqp_wolfssl_config_t *config = good_config();

  (void)state;
  for (size_t i = 0; i < COUNT_OF(without); i++) {
    expect_failure(config, "server_name_indication=disable", without[i], AMQP_WOLFSSL_ERROR_URI_NOT_PERMITTED,
                   "server_name_indication=disable");
    assert_true(config->settings.verify_host);
    assert_false(config_is_nameless(config));
  }
  if (POLICY_LOCK) {
    expect_failure(config, "server_name_indication=disable", ALL_CONSENT, AMQP_WOLFSSL_ERROR_POLICY_LOCKED, "policy");
  } else {
    expect_applied(config, "verify=verify_peer&server_name_indication=disable", AMQP_WOLFSSL_URI_ALLOW_ANY_NAME);
    assert_true(config_is_nameless(config));
    expect_connection(config, "server-wrong-name", true);
    expect_refusal(config, "server-other-ca", AMQP_WOLFSSL_ERROR_UNKNOWN_CA); /* the chain still counts */
    expect_applied(config, "server_name_indication=localhost", 0);
    assert_false(config_is_nameless(config));
    expect_refusal(config, "server-wrong-name", AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
    expect_applied(config, "server_name_indication=disable", AMQP_WOLFSSL_URI_ALLOW_ANY_NAME);
    assert_int_equal(amqp_wolfssl_config_set_server_name(config, NULL), AMQP_WOLFSSL_OK);
    assert_false(config_is_nameless(config));
  }
  amqp_wolfssl_config_free(config);
}

/* The administrator's word counts for more than the program's consent. */
static void test_a_locked_policy_is_not_passed(void **state) {
  static const char *const queries[] = {"verify=verify_none", "server_name_indication=disable",
                                        "verify=verify_peer&server_name_indication=disable",
                                        "verify=verify_none&server_name_indication=disable"};
  amqp_wolfssl_config_t *config;

  (void)state;
  temporary_folder_write_text("site.conf", "policy = fips\n");
  config = config_new_with_site_file(temporary_folder_path("site.conf"));
  assert_non_null(config);
  for (size_t i = 0; i < COUNT_OF(queries); i++) {
    expect_failure(config, queries[i], ALL_CONSENT, AMQP_WOLFSSL_ERROR_POLICY_LOCKED, "policy");
    assert_true(config->settings.verify_peer);
    assert_true(config->settings.verify_host);
    assert_false(config_is_nameless(config));
  }
  expect_applied(config, "cacertfile=@ca.pem&certfile=@client.pem&keyfile=@client.key&verify=verify_peer", ALL_CONSENT);
  expect_connection(config, "server", true);
  amqp_wolfssl_config_free(config);
}

/* Whom the program knows by the certificate's URI it need not verify by name; a broker's URI does not change that, and
   may say so where the policy is locked. */
static void test_with_a_uri_in_the_certificate(void **state) {
  amqp_wolfssl_config_t *config;

  (void)state;
  temporary_folder_write_text("site.conf", "policy = fips\n");
  config = config_new_with_site_file(temporary_folder_path("site.conf"));
  assert_non_null(config);
  assert_int_equal(amqp_wolfssl_config_set_server_uri(config, "spiffe://example.org/rabbitmq"), AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_wolfssl_config_set_verify_host(config, 0), AMQP_WOLFSSL_OK);
  expect_applied(config, "cacertfile=@ca.pem&certfile=@client.pem&keyfile=@client.key&verify=verify_peer", 0);
  assert_false(config->settings.verify_host);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_NAME_MISMATCH); /* it has no such URI */
  expect_failure(config, "server_name_indication=disable", 0, AMQP_WOLFSSL_ERROR_URI_NOT_PERMITTED, "disable");
  expect_applied(config, "server_name_indication=disable", AMQP_WOLFSSL_URI_ALLOW_ANY_NAME);
  expect_refusal(config, "server", AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  expect_failure(config, "verify=verify_none", ALL_CONSENT, AMQP_WOLFSSL_ERROR_POLICY_LOCKED, "policy");
  expect_applied(config, "server_name_indication=localhost", 0); /* and the name as well */
  assert_true(config->settings.verify_host);
  amqp_wolfssl_config_free(config);
}

/* The program's list counts for more than the name that is sent. */
static void test_with_accepted_names(void **state) {
  static const char *const names[] = {"rabbitmq"};
  amqp_wolfssl_config_t *config = good_config();

  (void)state;
  assert_int_equal(amqp_wolfssl_config_set_accepted_names(config, names, 1), AMQP_WOLFSSL_OK);
  expect_applied(config, "server_name_indication=elsewhere.test", 0);
  expect_connection(config, "server", true);
  expect_refusal(config, "server-wrong-name", AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  amqp_wolfssl_config_free(config);
}

/* ---- All or nothing ---- */

/* What a URI can change. */
struct snapshot {
  struct tls_settings settings;
  size_t anchors;
  const uint8_t *certificate; /* its place is its identity: the pointer, not the bytes */
  const uint8_t *key;
  const uint8_t *passphrase;
  const char *path; /* of the certificate, to read it again */
  size_t sources;
  const char *server_name;
  bool nameless;
};

static struct snapshot take_snapshot(const amqp_wolfssl_config_t *config) {
  return (struct snapshot){.settings = config->settings,
                           .anchors = config->trust.anchors.count,
                           .certificate = config->credentials.chain.items[0].bytes,
                           .key = config->credentials.key.bytes,
                           .passphrase = config->passphrase.bytes,
                           .path = config->identity.path,
                           .sources = config->trust_sources.count,
                           .server_name = config->server_name,
                           .nameless = config->nameless};
}

static void assert_unchanged(const amqp_wolfssl_config_t *config, const struct snapshot *before) {
  const struct snapshot now = take_snapshot(config);

  assert_int_equal(now.settings.verify_peer, before->settings.verify_peer);
  assert_int_equal(now.settings.verify_host, before->settings.verify_host);
  assert_int_equal(now.settings.depth_is_limited, before->settings.depth_is_limited);
  assert_int_equal(now.settings.maximum_depth, before->settings.maximum_depth);
  assert_int_equal(now.anchors, before->anchors);
  assert_ptr_equal(now.certificate, before->certificate);
  assert_ptr_equal(now.key, before->key);
  assert_ptr_equal(now.passphrase, before->passphrase);
  assert_ptr_equal(now.path, before->path);
  assert_int_equal(now.sources, before->sources);
  assert_ptr_equal(now.server_name, before->server_name);
  assert_int_equal(now.nameless, before->nameless);
}

#define OTHERWISE_GOOD "depth=0&server_name_indication=elsewhere.test&verify=verify_peer&heartbeat=1"
#define OTHER_IDENTITY "&certfile=@client-rsa.pem&keyfile=@client-rsa.key"

static void test_all_or_nothing(void **state) {
  static const struct {
    const char *query;
    amqp_wolfssl_code_t code;
  } cases[] = {
      {OTHERWISE_GOOD OTHER_IDENTITY "&cacertfile=@missing.pem", AMQP_WOLFSSL_ERROR_FILE_UNREADABLE},
      {OTHERWISE_GOOD OTHER_IDENTITY "&cacertfile=@server.pem", AMQP_WOLFSSL_ERROR_CA_UNUSABLE},
      {OTHERWISE_GOOD OTHER_IDENTITY "&cacertfile=@client.key", AMQP_WOLFSSL_ERROR_NO_CERTIFICATE},
      {OTHERWISE_GOOD "&cacertfile=@other-ca.pem&certfile=@client-rsa.pem&keyfile=@client.key",
       AMQP_WOLFSSL_ERROR_KEY_MISMATCH},
      {OTHERWISE_GOOD "&cacertfile=@other-ca.pem&certfile=@client-rsa.pem&keyfile=@missing.key",
       AMQP_WOLFSSL_ERROR_FILE_UNREADABLE},
      {OTHERWISE_GOOD "&cacertfile=@other-ca.pem&certfile=@missing.pem&keyfile=@client-rsa.key",
       AMQP_WOLFSSL_ERROR_FILE_UNREADABLE},
      {OTHERWISE_GOOD "&cacertfile=@other-ca.pem" OTHER_IDENTITY "&unknown=1", AMQP_WOLFSSL_ERROR_BROKER_URI_INVALID},
      {OTHERWISE_GOOD "&cacertfile=@other-ca.pem" OTHER_IDENTITY "&channel_max=x",
       AMQP_WOLFSSL_ERROR_BROKER_URI_INVALID},
      {"cacertfile=@other-ca.pem" OTHER_IDENTITY "&verify=verify_none", AMQP_WOLFSSL_ERROR_URI_NOT_PERMITTED},
      {"cacertfile=@other-ca.pem" OTHER_IDENTITY "&server_name_indication=disable",
       AMQP_WOLFSSL_ERROR_URI_NOT_PERMITTED},
  };
  amqp_wolfssl_config_t *config = good_config();
  struct snapshot before;

  (void)state;
  assert_int_equal(amqp_wolfssl_config_set_server_name(config, "rabbitmq"), AMQP_WOLFSSL_OK);
  before = take_snapshot(config);
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    expect_failure(config, cases[i].query, 0, cases[i].code, "");
    assert_unchanged(config, &before);
    expect_refusal(config, "server", cases[i].code); /* a program that does not look connects nowhere */
  }
  expect_applied(config, "", 0);
  assert_unchanged(config, &before);
  expect_connection(config, "server", true);
  expect_refusal(config, "server-other-ca", AMQP_WOLFSSL_ERROR_UNKNOWN_CA);
  amqp_wolfssl_config_free(config);
}

/* Each allocation fails once; only the call in which none does changes anything. */
static void test_out_of_memory(void **state) {
  amqp_wolfssl_config_t *config = good_config();
  const struct snapshot before = take_snapshot(config);
  const char *uri = uri_with(OTHERWISE_GOOD OTHER_IDENTITY "&cacertfile=@other-ca.pem");
  unsigned failures = 0;
  bool failed = true;

  (void)state;
  if (!failing_allocator_works()) {
    amqp_wolfssl_config_free(config);
    skip();
  }
  for (size_t nth = 1; failed; nth++) {
    amqp_wolfssl_code_t code;

    failing_allocator_arm(nth);
    code = amqp_wolfssl_config_apply_uri(config, uri, 0);
    failed = failing_allocator_disarm();
    if (code != AMQP_WOLFSSL_OK) {
      assert_true(failed);
      assert_unchanged(config, &before);
      failures++;
    } else if (failed) { /* libraries go on without some */
      break;
    }
  }
  assert_true(failures > 3);
  assert_string_equal(config_server_name(config), "elsewhere.test");
  assert_int_equal(config->settings.maximum_depth, 0);
  assert_int_equal(config->trust.anchors.count, before.anchors + 1);
  assert_true(config->credentials.key.bytes != before.key);
  amqp_wolfssl_config_free(config);
}

/* ---- Sentences ---- */

/* Wherever the secret stands, and whatever goes wrong. */
static void test_no_password_in_a_sentence(void **state) {
  static const char *const uris[] = {
      "amqps://user:canary@host?x=1",
      "amqps://user:can?canary@host",
      "amqps://user:can/canary@host",
      "amqps://user:can#canary@host",
      "amqps://user:can%-canary@host",
      "amqps://user:can@canary@host",
      "amqps://user:can:canary@host",
      "amqps://user:[canary@host",
      "amqps://user:canary@host:x",
      "amqps://user:canary",
      "amqps://canary@host?x",
      "amqp://user:canary@host",
      "https://user:canary@host",
      "user:canary@host",
      "canary",
      "amqps://host?password=canary",
      "amqps://host?password=canary&password=canary",
      "amqps://host?password=can&canary",
      "amqps://host?password=can&canary=1",
      "amqps://host?password=can%canary",
      "amqps://host?password=can%C0canary",
      "amqps://host?password=can@canary",
      "amqps://host?password=can canary",
      "amqps://host?keyfile=a&password=canary",
      "amqps://host?certfile=a&password=canary",
      "amqps://host?certfile=/missing&keyfile=/missing&password=canary",
      "amqps://user:canary@host?cacertfile=/missing&certfile=/missing&keyfile=/missing",
      "amqps://user:canary@host?verify=verify_none",
      "amqps://user:canary@host?server_name_indication=disable",
      "amqps://user:canary@host?server_name_indication=a..b",
  };
  amqp_wolfssl_config_t *config = fresh_config();

  (void)state;
  for (size_t i = 0; i < COUNT_OF(uris); i++) {
    const char *sentence;

    if (amqp_wolfssl_config_apply_uri(config, uris[i], 0) == AMQP_WOLFSSL_OK) {
      fail_msg("%s was taken", uris[i]);
    }
    sentence = amqp_wolfssl_error_message(amqp_wolfssl_config_error(config));
    if (strstr(sentence, CANARY) != NULL || *sentence == '\0') {
      fail_msg("%s: %s", uris[i], sentence);
    }
  }
  amqp_wolfssl_config_free(config);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_arguments),
      cmocka_unit_test(test_ca_and_identity),
      cmocka_unit_test(test_one_file_for_both),
#ifdef WOLFSSL_ENCRYPTED_KEYS
      cmocka_unit_test(test_password),
#endif
      cmocka_unit_test(test_rotation),
      cmocka_unit_test(test_server_name),
      cmocka_unit_test(test_depth),
      cmocka_unit_test(test_parameters_for_the_program),
      cmocka_unit_test(test_verify_none_needs_consent),
      cmocka_unit_test(test_any_name_needs_consent),
      cmocka_unit_test(test_a_locked_policy_is_not_passed),
      cmocka_unit_test(test_with_a_uri_in_the_certificate),
      cmocka_unit_test(test_with_accepted_names),
      cmocka_unit_test(test_all_or_nothing),
      cmocka_unit_test(test_out_of_memory),
      cmocka_unit_test(test_no_password_in_a_sentence),
  };

  return cmocka_run_group_tests(tests, config_files_set_up, minted_certificates_tear_down);
}
