/* SPDX-License-Identifier: MIT */
/* What TLS sessions check: the policy's part of the handshake, the server's certificate, and which checks are on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memory_session.h"
#include "minted_certificates.h"
#include "session_cases.h"
#include "temporary_folder.h"
#include "backend/wolfssl_headers.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- Policy ---- */

/* What servers answer to a ClientHello they can't agree to. */
static void test_refusing_alerts(void **state) {
  static const struct {
    uint8_t alert;
    amqp_wolfssl_code_t code;
  } answers[] = {{70, AMQP_WOLFSSL_ERROR_NO_SHARED_VERSION},
                 {40, AMQP_WOLFSSL_ERROR_NO_SHARED_SUITE},
                 {71, AMQP_WOLFSSL_ERROR_NO_SHARED_SUITE},
                 {112, AMQP_WOLFSSL_ERROR_ALERT_RECEIVED},
                 {80, AMQP_WOLFSSL_ERROR_ALERT_RECEIVED}};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(answers); i++) {
    uint8_t record[] = {21, 3, 3, 0, 2, 2, answers[i].alert};
    struct memory_peer_settings server = server_named("server", 0);
    struct memory_session *pair = memory_session_new(&good_client, &server);

    memory_pipe_put(&pair->peer->to_client, record, sizeof(record));
    assert_int_equal(session_handshake(pair->session, &pair->facts), SESSION_FAILED);
    assert_error(pair, AMQP_WOLFSSL_STAGE_HANDSHAKE, answers[i].code);
    assert_int_equal(pair->error.alert, answers[i].alert);
    assert_int_equal(pair->error.alert_direction, AMQP_WOLFSSL_ALERT_RECEIVED_FROM_PEER);
    memory_session_free(pair);
  }
}

/* What a server in memory that gives up has said: wolfSSL's goes without a word, or with another, in some versions. */
static amqp_wolfssl_code_t what_was_said(const struct memory_session *pair, amqp_wolfssl_code_t usual) {
  if (pair->error.alert_direction == AMQP_WOLFSSL_ALERT_NONE) {
    return pair->error.code == AMQP_WOLFSSL_ERROR_HANDSHAKE_FAILED ? AMQP_WOLFSSL_ERROR_HANDSHAKE_FAILED
                                                                   : AMQP_WOLFSSL_ERROR_PEER_CLOSED_IN_HANDSHAKE;
  }
  /* illegal_parameter, of 5.7.2 when it finds no group in common */
  if (pair->error.alert == 47 && pair->error.alert_direction == AMQP_WOLFSSL_ALERT_RECEIVED_FROM_PEER) {
    return AMQP_WOLFSSL_ERROR_ALERT_RECEIVED;
  }
  return pair->error.alert == 40 ? AMQP_WOLFSSL_ERROR_NO_SHARED_SUITE : usual;
}

static void test_no_shared_version(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct memory_session_settings client = good_client;
    struct memory_peer_settings server = server_named("server", versions[i]);
    struct memory_session *pair;

    client.lowest = versions[i] == TLS_1_2 ? AMQP_WOLFSSL_TLS_1_3 : AMQP_WOLFSSL_TLS_1_2;
    client.highest = client.lowest;
    pair = memory_session_new(&client, &server);
    assert_int_equal(memory_session_handshake(pair), SESSION_FAILED);
    assert_error(pair, AMQP_WOLFSSL_STAGE_HANDSHAKE, what_was_said(pair, AMQP_WOLFSSL_ERROR_NO_SHARED_VERSION));
    assert_int_equal(pair->peer->client_certificates, 0);
    memory_session_free(pair);
  }
}

static void test_version_range_is_kept(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct memory_session_settings client = good_client;
    struct memory_peer_settings server = server_named("server", 0);
    struct memory_session *pair;

    client.lowest = (amqp_wolfssl_version_t)versions[i];
    client.highest = client.lowest;
    pair = connect_pair(&client, &server);
    assert_string_equal(pair->facts.version, versions[i] == TLS_1_3 ? "TLSv1.3" : "TLSv1.2");
    memory_session_free(pair);
  }
}

static void test_no_shared_suite(void **state) {
  static const struct {
    unsigned version;
    const char *suites;
    int group;
  } servers[] = {
      {TLS_1_2, "ECDHE-ECDSA-AES128-SHA256", 0},
#ifdef HAVE_CHACHA
      {TLS_1_2, "ECDHE-ECDSA-CHACHA20-POLY1305", 0}, {TLS_1_3, "TLS13-CHACHA20-POLY1305-SHA256", 0},
#endif
#ifdef HAVE_CURVE25519
      {TLS_1_3, NULL, WOLFSSL_ECC_X25519},
#endif
#ifdef HAVE_FFDHE_2048
      {TLS_1_3, NULL, WOLFSSL_FFDHE_2048},
#endif
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(servers); i++) {
    struct memory_peer_settings server = server_named("server", servers[i].version);
    struct memory_session *pair;

    server.suites = servers[i].suites;
    server.group = servers[i].group;
    pair = memory_session_new(&good_client, &server);
    assert_int_equal(memory_session_handshake(pair), SESSION_FAILED);
    assert_error(pair, AMQP_WOLFSSL_STAGE_HANDSHAKE, what_was_said(pair, AMQP_WOLFSSL_ERROR_NO_SHARED_SUITE));
    assert_int_equal(pair->peer->client_certificates, 0);
    memory_session_free(pair);
  }
}

static void test_groups_of_the_policy(void **state) {
  static const struct {
    int group;
    const char *name;
  } groups[] = {
      {WOLFSSL_ECC_SECP384R1, "secp384r1"}, {WOLFSSL_ECC_SECP256R1, "secp256r1"}, {WOLFSSL_ECC_SECP521R1, "secp521r1"}};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(groups); i++) {
    struct memory_peer_settings server = server_named("server", TLS_1_3);
    struct memory_session *pair;

    server.group = groups[i].group; /* not the first choice: a HelloRetryRequest comes before */
    pair = connect_pair(&good_client, &server);
    assert_string_equal(pair->facts.group, groups[i].name);
    memory_session_free(pair);
  }
}

/* The result is looked at, not only the offer: here the range shrinks between the two. */
static void test_what_was_negotiated_is_checked(void **state) {
  struct memory_peer_settings server = server_named("server", TLS_1_2);
  struct memory_session *pair = memory_session_new(&good_client, &server);
  size_t count;

  (void)state;
  pair->settings.limits.lowest = AMQP_WOLFSSL_TLS_1_3;
  assert_int_equal(memory_session_handshake(pair), SESSION_FAILED);
  assert_error(pair, AMQP_WOLFSSL_STAGE_POLICY, AMQP_WOLFSSL_ERROR_POLICY_VERSION);
  assert_string_equal(pair->facts.version, "");
  assert_int_equal(session_send(pair->session, "secret", 6, &count), SESSION_FAILED);
  assert_int_equal(session_handshake(pair->session, &pair->facts), SESSION_FAILED);
  memory_session_free(pair);
}

/* A server that takes what was not offered: here it was, and is not any more when the result is looked at. */
static void test_suites_and_groups_are_checked(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    for (int what = 0; what < 2; what++) {
      struct memory_peer_settings server = server_named("server", versions[i]);
      struct memory_session *pair = memory_session_new(&good_client, &server);
      struct policy_limits *limits = &pair->settings.limits;

      if (what == 0) {
        limits->suite_count = 1;
        limits->suites[0] = 0xc02f; /* for RSA only, which this server has not */
      } else {
        limits->group_count = 1;
        limits->groups[0] = WOLFSSL_ECC_SECP521R1; /* not the first choice */
      }
      assert_int_equal(memory_session_handshake(pair), SESSION_FAILED);
      assert_error(pair, AMQP_WOLFSSL_STAGE_POLICY,
                   what == 0 ? AMQP_WOLFSSL_ERROR_POLICY_SUITE : AMQP_WOLFSSL_ERROR_POLICY_GROUP);
      assert_string_equal(pair->facts.version, "");
      memory_session_free(pair);
    }
  }
}

/* What stands behind the server's part makes wolfSSL fail in the very call in which it answers: our certificate has to
   stay all the same, and the record says what was wrong with the server. */
static void test_a_refused_server_hurries_us(void **state) {
  static const uint8_t refusal[] = {21, 3, 3, 0, 2, 2, 40};
  static const uint8_t junk[] = {99, 99, 99, 99, 99, 99, 99, 99};
  static const struct {
    const uint8_t *bytes;
    size_t length;
  } rows[] = {{refusal, sizeof(refusal)}, {junk, sizeof(junk)}, {NULL, 0}};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    struct memory_peer_settings server = server_named("server", TLS_1_2);
    struct memory_session *pair = memory_session_new(&good_client, &server);

    assert_int_equal(session_handshake(pair->session, &pair->facts), SESSION_WANT_READ);
    (void)memory_peer_accept(pair->peer);
    if (rows[i].bytes != NULL) {
      memory_pipe_put(&pair->peer->to_client, rows[i].bytes, rows[i].length);
    } else {
      memory_peer_hang_up(pair->peer);
    }
    pair->settings.limits.group_count = 1;
    pair->settings.limits.groups[0] = WOLFSSL_ECC_SECP521R1; /* not what it chose */
    assert_int_equal(session_handshake(pair->session, &pair->facts), SESSION_FAILED);
    assert_error(pair, AMQP_WOLFSSL_STAGE_POLICY, AMQP_WOLFSSL_ERROR_POLICY_GROUP);
    (void)memory_peer_accept(pair->peer);
    assert_int_equal(pair->peer->client_certificates, 0);
    assert_int_equal(pair->peer->error != 0, rows[i].bytes != NULL); /* our alert */
    memory_session_free(pair);
  }
}

/* The key exchange of TLS 1.2 is looked at as well: here the list of signatures shrinks between the two. */
static void test_signature_of_the_key_exchange_is_checked(void **state) {
  struct memory_session_settings client = {.ca = "ca-rsa3072.pem", .name = "localhost"};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct memory_peer_settings server = server_named("server-rsa3072", versions[i]);
    struct memory_session *pair;

    server.client_ca = NULL;
    pair = memory_session_new(&client, &server);
    pair->settings.limits.policy = policy_find(AMQP_WOLFSSL_POLICY_CNSA); /* SHA-384, and this server prefers others */
    if (versions[i] == TLS_1_2) {
      assert_int_equal(memory_session_handshake(pair), SESSION_FAILED);
      assert_error(pair, AMQP_WOLFSSL_STAGE_POLICY, AMQP_WOLFSSL_ERROR_POLICY_SIGNATURE);
      assert_string_equal(pair->facts.version, "");
    } else {
      assert_int_equal(memory_session_handshake(pair), SESSION_DONE); /* it can't be seen there */
    }
    memory_session_free(pair);
  }
}

/* ---- The server's certificate ---- */

struct bad_server {
  const char *server;
  const char *ca;
  const char *name;
  amqp_wolfssl_code_t code;
  const char *subject;
};

static const struct bad_server bad_servers[] = {
    {"server", "ca.pem", "elsewhere.test", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "CN=server,O=Acme"},
    {"server", "ca.pem", "192.0.2.1", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "CN=server,O=Acme"},
    {"server", "ca.pem", NULL, AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "CN=server,O=Acme"},
    {"server-wrong-name", "ca.pem", "localhost", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "CN=server-wrong-name,O=Acme"},
    {"server-no-san", "ca.pem", "localhost", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "CN=localhost,O=Acme"},
    {"server-expired", "ca.pem", "localhost", AMQP_WOLFSSL_ERROR_CERTIFICATE_EXPIRED, "CN=server-expired,O=Acme"},
    {"server-not-yet-valid", "ca.pem", "localhost", AMQP_WOLFSSL_ERROR_CERTIFICATE_NOT_YET_VALID,
     "CN=server-not-yet-valid,O=Acme"},
    {"server", "other-ca.pem", "localhost", AMQP_WOLFSSL_ERROR_UNKNOWN_CA, "CN=server,O=Acme"},
    {"server-other-ca", "ca.pem", "localhost", AMQP_WOLFSSL_ERROR_UNKNOWN_CA, "CN=server-other-ca,O=Acme"},
    {"server-self-signed", "ca.pem", "localhost", AMQP_WOLFSSL_ERROR_SELF_SIGNED, "CN=server-self-signed,O=Acme"},
    {"server-weak-rsa1024", "ca.pem", "localhost", AMQP_WOLFSSL_ERROR_WEAK_KEY, "CN=server-weak-rsa1024,O=Acme"},
    {"server-client-eku", "ca.pem", "localhost", AMQP_WOLFSSL_ERROR_CHAIN_INVALID, "CN=server-client-eku,O=Acme"},
    {"server-sha1", "ca-rsa.pem", "localhost", AMQP_WOLFSSL_ERROR_WEAK_SIGNATURE, "CN=server-sha1,O=Acme"},
    {"server-rsa2047", "ca-rsa.pem", "localhost", AMQP_WOLFSSL_ERROR_WEAK_KEY, "CN=server-rsa2047,O=Acme"},
    {"server-chain-leaf-only", "ca.pem", "localhost", AMQP_WOLFSSL_ERROR_UNKNOWN_CA, "CN=server-chain,O=Acme"},
};

static struct memory_peer_settings bad_server_settings(const struct bad_server *bad, unsigned version) {
  struct memory_peer_settings server = server_named(bad->server, version);

  if (strcmp(bad->server, "server-chain-leaf-only") == 0) {
    server.key = temporary_folder_path("server-chain.key");
  }
  return server;
}

/* The verdict, and that it came in time: the server gets an alert, and never the client's certificate. */
static void assert_server_refused(const struct bad_server *bad, unsigned version) {
  struct memory_session_settings client = good_client;
  struct memory_peer_settings server = bad_server_settings(bad, version);
  struct memory_session *pair;

  client.ca = bad->ca;
  client.name = bad->name;
  pair = memory_session_new(&client, &server);
  print_message("%s trusted by %s as %s, TLS 0x%04x\n", bad->server, bad->ca, bad->name != NULL ? bad->name : "(none)",
                version);
  assert_int_equal(memory_session_handshake(pair), SESSION_FAILED);
  assert_error(pair, AMQP_WOLFSSL_STAGE_VERIFY, bad->code);
  assert_string_equal(pair->error.certificate_subject, bad->subject);
  assert_int_equal(pair->error.certificate_depth, 0);
  assert_string_equal(pair->facts.version, "");
  (void)memory_peer_accept(pair->peer);
  assert_int_equal(pair->peer->client_certificates, 0);
  assert_false(pair->peer->accepted);
  assert_true(memory_peer_alert_from_client(pair->peer) > 0);
  assert_int_equal(pair->error.alert_direction, AMQP_WOLFSSL_ALERT_SENT);
  assert_int_equal(pair->error.alert, memory_peer_alert_from_client(pair->peer));
  assert_latched(pair, bad->code);
  memory_session_free(pair);
}

static void test_bad_servers_are_refused(void **state) {
  (void)state;
  for (size_t bad = 0; bad < COUNT_OF(bad_servers); bad++) {
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
      assert_server_refused(&bad_servers[bad], versions[i]);
    }
  }
}

/* Anybody has the broker's certificates, and sends them with or without the intermediate; its key only the broker. */
static void test_a_server_without_the_key(void **state) {
  static const char *const certificates[] = {"server.pem", "server-chain.pem"};

  (void)state;
  for (size_t i = 0; i < 2; i++) {
    for (size_t j = 0; j < 2; j++) {
      const struct memory_session_settings client = {.ca = "ca.pem", .name = "localhost"};
      const struct memory_peer_settings server = {.certificate = temporary_folder_path(certificates[i]),
                                                  .key = temporary_folder_path("client.key"),
                                                  .version = versions[j]};
      struct memory_session *pair = memory_session_new(&client, &server);

      assert_int_equal(memory_session_handshake(pair), SESSION_FAILED);
      print_message("# %s, 0x%04x: %s\n", certificates[i], versions[j], pair->error.message);
      assert_int_equal(pair->error.code, AMQP_WOLFSSL_ERROR_BAD_SIGNATURE);
      memory_session_free(pair);
    }
  }
}

static void test_names_that_match(void **state) {
  static const char *const names[] = {"localhost", "LOCALHOST.", "rabbitmq", "a.broker.test",
                                      "127.0.0.1", "::1",        "[::1]"};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(names); i++) {
    struct memory_session_settings client = good_client;
    struct memory_peer_settings server = server_named("server", versions[i % 2]);

    client.name = names[i];
    memory_session_free(connect_pair(&client, &server));
  }
}

/* ---- Which checks are on ---- */

struct switches {
  bool skip_peer;
  bool skip_host;
  const char *server;
  const char *ca;
  const char *name;
  amqp_wolfssl_code_t code;
};

static const struct switches switch_cases[] = {
    /* both: see bad_servers */
    /* the peer alone: the name is not looked at, the rest is */
    {false, true, "server", "ca.pem", "elsewhere.test", AMQP_WOLFSSL_OK},
    {false, true, "server", "ca.pem", NULL, AMQP_WOLFSSL_OK},
    {false, true, "server", "other-ca.pem", "localhost", AMQP_WOLFSSL_ERROR_UNKNOWN_CA},
    {false, true, "server-expired", "ca.pem", "localhost", AMQP_WOLFSSL_ERROR_CERTIFICATE_EXPIRED},
    /* the name alone */
    {true, false, "server", "ca.pem", "localhost", AMQP_WOLFSSL_OK},
    {true, false, "server", "ca.pem", "elsewhere.test", AMQP_WOLFSSL_ERROR_NAME_MISMATCH},
    {true, false, "server", "other-ca.pem", "localhost", AMQP_WOLFSSL_OK},
    {true, false, "server", "other-ca.pem", "elsewhere.test", AMQP_WOLFSSL_ERROR_NAME_MISMATCH},
    {true, false, "server", NULL, "localhost", AMQP_WOLFSSL_OK},
    {true, false, "server", NULL, "elsewhere.test", AMQP_WOLFSSL_ERROR_NAME_MISMATCH},
    {true, false, "server-self-signed", NULL, "localhost", AMQP_WOLFSSL_OK},
    {true, false, "server-self-signed", NULL, "elsewhere.test", AMQP_WOLFSSL_ERROR_NAME_MISMATCH},
    {true, false, "server-chain", NULL, "localhost", AMQP_WOLFSSL_OK},
    {true, false, "server-chain", NULL, "elsewhere.test", AMQP_WOLFSSL_ERROR_NAME_MISMATCH},
    {true, false, "server-expired", "ca.pem", "localhost", AMQP_WOLFSSL_OK},
    /* nothing */
    {true, true, "server", "ca.pem", "elsewhere.test", AMQP_WOLFSSL_OK},
    {true, true, "server", NULL, NULL, AMQP_WOLFSSL_OK},
    {true, true, "server-self-signed", NULL, NULL, AMQP_WOLFSSL_OK},
    {true, true, "server-expired", "ca.pem", "localhost", AMQP_WOLFSSL_OK},
    /* the policy holds whichever are on */
    {true, true, "server-weak-rsa1024", NULL, NULL, AMQP_WOLFSSL_ERROR_WEAK_KEY},
    {true, true, "server-weak-rsa1024", "ca.pem", "localhost", AMQP_WOLFSSL_ERROR_WEAK_KEY},
    {true, true, "server-sha1", NULL, NULL, AMQP_WOLFSSL_ERROR_WEAK_SIGNATURE},
    {true, true, "server-sha1-intermediate", NULL, NULL, AMQP_WOLFSSL_ERROR_WEAK_SIGNATURE},
    {false, true, "server-sha1-intermediate", "ca-rsa.pem", NULL, AMQP_WOLFSSL_ERROR_WEAK_SIGNATURE},
};

static void test_switches(void **state) {
  (void)state;
  for (size_t which = 0; which < COUNT_OF(switch_cases); which++) {
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
      const struct switches *switches = &switch_cases[which];
      struct memory_session_settings client = good_client;
      struct memory_peer_settings server = server_named(switches->server, versions[i]);
      struct memory_session *pair;
      enum session_result result;

      client.ca = switches->ca;
      client.name = switches->name;
      client.skip_peer = switches->skip_peer;
      client.skip_host = switches->skip_host;
      print_message("case %zu, TLS 0x%04x\n", which, versions[i]);
      pair = memory_session_new(&client, &server);
      result = memory_session_handshake(pair);
      if (switches->code == AMQP_WOLFSSL_OK) {
        if (result != SESSION_DONE) {
          print_error("%s: %s\n", amqp_wolfssl_code_name(pair->error.code), pair->error.message);
        }
        assert_int_equal(result, SESSION_DONE);
        assert_true(pair->facts.peer_subject[0] != '\0');
      } else {
        assert_int_equal(result, SESSION_FAILED);
        assert_error(pair, AMQP_WOLFSSL_STAGE_VERIFY, switches->code);
        (void)memory_peer_accept(pair->peer);
        assert_int_equal(pair->peer->client_certificates, 0);
      }
      memory_session_free(pair);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_refusing_alerts),
      cmocka_unit_test(test_no_shared_version),
      cmocka_unit_test(test_version_range_is_kept),
      cmocka_unit_test(test_no_shared_suite),
      cmocka_unit_test(test_groups_of_the_policy),
      cmocka_unit_test(test_what_was_negotiated_is_checked),
      cmocka_unit_test(test_suites_and_groups_are_checked),
      cmocka_unit_test(test_a_refused_server_hurries_us),
      cmocka_unit_test(test_signature_of_the_key_exchange_is_checked),
      cmocka_unit_test(test_bad_servers_are_refused),
      cmocka_unit_test(test_a_server_without_the_key),
      cmocka_unit_test(test_names_that_match),
      cmocka_unit_test(test_switches),
  };

  return cmocka_run_group_tests(tests, minted_certificates_set_up, minted_certificates_tear_down);
}
