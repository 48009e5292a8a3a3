/* SPDX-License-Identifier: MIT */
/*
 * Handshakes of TLS sessions with a server in memory, driven step by step: no sockets and no clock, so every
 * interleaving that is tried here can be tried again.
 */
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

/* ---- Handshakes ---- */

static void test_handshake_fills_facts(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct memory_session *pair = connect_good(versions[i]);

    assert_string_equal(pair->facts.version, versions[i] == TLS_1_3 ? "TLSv1.3" : "TLSv1.2");
    assert_non_null(strstr(pair->facts.suite, "_GCM_"));
    assert_string_equal(pair->facts.group, "secp256r1");
    assert_true(pair->facts.extended_master_secret);
    assert_string_equal(pair->facts.peer_subject, "CN=server,O=Acme");
    assert_string_equal(pair->facts.peer_issuer, "CN=Acme Test Root,O=Acme Test");
    assert_int_equal(pair->facts.peer_name_count, 5);
    assert_string_equal(pair->facts.peer_names[0], "DNS:localhost");
    assert_string_equal(pair->facts.own_subject, "CN=client1,O=Acme");
    assert_true(pair->facts.peer_not_before < pair->facts.peer_not_after);
    assert_true(pair->peer->client_certificates > 0);
    memory_session_free(pair);
  }
}

static void test_handshake_without_identity(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct memory_session_settings client = {.ca = "ca.pem", .name = "rabbitmq"};
    struct memory_peer_settings server = server_named("server", versions[i]);
    struct memory_session *pair;

    server.client_certificate_required = false;
    pair = connect_pair(&client, &server);
    assert_string_equal(pair->facts.own_subject, "");
    assert_int_equal(pair->peer->client_certificates, 0);
    memory_session_free(pair);
  }
}

static void test_handshake_with_each_kind_of_server_key(void **state) {
  static const struct {
    const char *server;
    const char *ca;
  } kinds[] = {{"server", "ca.pem"},      {"server-rsa", "ca-rsa.pem"}, {"server-p384", "ca.pem"},
               {"server-p521", "ca.pem"}, {"server-chain", "ca.pem"},   {"server", "bundle.pem"}};

  (void)state;
  for (size_t kind = 0; kind < COUNT_OF(kinds); kind++) {
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
      struct memory_session_settings client = good_client;
      struct memory_peer_settings server = server_named(kinds[kind].server, versions[i]);

      client.ca = kinds[kind].ca;
      memory_session_free(connect_pair(&client, &server));
    }
  }
}

static void test_client_identities(void **state) {
  static const struct {
    const char *certificate;
    const char *key;
    const char *ca;
  } identities[] = {{"client-rsa.pem", "client-rsa.key", "ca-rsa.pem"},
                    {"client-chain.pem", "client-chain.key", "ca.pem"}};

  (void)state;
  for (size_t identity = 0; identity < COUNT_OF(identities); identity++) {
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
      struct memory_session_settings client = good_client;
      struct memory_peer_settings server = server_named("server", versions[i]);
      struct memory_session *pair;

      client.certificate = identities[identity].certificate;
      client.key = identities[identity].key;
      server.client_ca = temporary_folder_path(identities[identity].ca);
      pair = connect_pair(&client, &server);
      assert_true(pair->peer->client_certificates > 0);
      memory_session_free(pair);
    }
  }
}

static void test_handshake_one_byte_at_a_time(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct memory_peer_settings server = server_named("server", versions[i]);
    struct memory_session *pair = memory_session_new(&good_client, &server);
    size_t count = 0;

    pair->peer->to_client.bytes_per_call = 1;
    pair->peer->to_client.block_between = true;
    pair->peer->to_server.bytes_per_call = 1;
    pair->peer->to_server.block_between = true;
    assert_int_equal(memory_session_handshake(pair), SESSION_DONE);
    assert_int_equal(session_handshake(pair->session, &pair->facts), SESSION_DONE); /* once more does no harm */
    assert_string_equal(pair->facts.peer_subject, "CN=server,O=Acme");
    assert_int_equal(pair->peer->to_server.calls, pair->peer->to_server.moved);
    while (session_send(pair->session, "x", 1, &count) == SESSION_WANT_WRITE) {
      (void)memory_peer_accept(pair->peer);
    }
    assert_int_equal(count, 1);
    memory_session_free(pair);
  }
}

/* The last flight waits: the handshake is not over before it is in the kernel. */
static void test_handshake_waits_for_its_last_flight(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct memory_peer_settings server = server_named("server", versions[i]);
    struct memory_session *pair = memory_session_new(&good_client, &server);

    assert_int_equal(session_handshake(pair->session, &pair->facts), SESSION_WANT_READ);
    (void)memory_peer_accept(pair->peer);
    pair->peer->to_server.blocked = true;
    for (int again = 0; again < 2; again++) {
      const enum session_result result = session_handshake(pair->session, &pair->facts);

      /* In TLS 1.2 the server's last flight is still to come: an alert, say. */
      assert_int_equal(result, versions[i] == TLS_1_2 ? SESSION_WANT_EITHER : SESSION_WANT_WRITE);
    }
    assert_string_equal(pair->facts.version, "");
    pair->peer->to_server.blocked = false;
    assert_int_equal(memory_session_handshake(pair), SESSION_DONE);
    memory_session_free(pair);
  }
}

static void test_handshake_cut_off(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    for (int broken = 0; broken <= ECONNRESET; broken += ECONNRESET) {
      for (size_t after = 0; after < 700; after += 97) {
        struct memory_peer_settings server = server_named("server", versions[i]);
        struct memory_session *pair = memory_session_new(&good_client, &server);

        pair->peer->to_client.break_after = after;
        pair->peer->to_client.break_errno = broken;
        assert_int_equal(memory_session_handshake(pair), SESSION_FAILED);
        assert_error(pair, AMQP_WOLFSSL_STAGE_HANDSHAKE,
                     broken == 0 ? AMQP_WOLFSSL_ERROR_PEER_CLOSED_IN_HANDSHAKE : AMQP_WOLFSSL_ERROR_CONNECTION_LOST);
        if (broken != 0) {
          assert_non_null(strstr(pair->error.message, strerror(broken)));
        }
        assert_string_equal(pair->facts.version, "");
        assert_int_equal(session_handshake(pair->session, &pair->facts), SESSION_FAILED);
        memory_session_free(pair);
      }
    }
  }
}

static void test_handshake_sending_breaks(void **state) {
  (void)state;
  for (size_t after = 0; after < 400; after += 57) {
    struct memory_peer_settings server = server_named("server", 0);
    struct memory_session *pair = memory_session_new(&good_client, &server);

    pair->peer->to_server.break_after = after;
    pair->peer->to_server.break_errno = ECONNRESET;
    assert_int_equal(memory_session_handshake(pair), SESSION_FAILED);
    assert_error(pair, AMQP_WOLFSSL_STAGE_HANDSHAKE, AMQP_WOLFSSL_ERROR_CONNECTION_LOST);
    memory_session_free(pair);
  }
}

/*
 * A place in the records that wait, other than a record's version: nobody has to look at that (RFC 8446, section 5.1).
 */
static size_t place_to_alter(struct memory_pipe *pipe) {
  size_t wanted = random_between(0, pipe->waiting - 1);
  size_t record = 0;

  for (;;) {
    size_t length = 5 + 256u * *memory_pipe_byte(pipe, record + 3) + *memory_pipe_byte(pipe, record + 4);

    if (wanted < record + length) {
      size_t within = wanted - record;

      return record + (within == 1 || within == 2 ? 5 : within);
    }
    record += length;
  }
}

/* Whatever is altered in what the server says, the client refuses or waits for more: it never goes on with it. */
static void test_handshake_altered(void **state) {
  (void)state;
  random_state = 77;
  for (int round = 0; round < 30; round++) {
    struct memory_peer_settings server = server_named("server", versions[round % 2]);
    struct memory_session *pair = memory_session_new(&good_client, &server);

    assert_int_equal(session_handshake(pair->session, &pair->facts), SESSION_WANT_READ);
    (void)memory_peer_accept(pair->peer);
    *memory_pipe_byte(&pair->peer->to_client, place_to_alter(&pair->peer->to_client)) ^=
        (uint8_t)(1u << random_between(0, 7));
    if (memory_session_handshake(pair) == SESSION_FAILED) {
      assert_true(pair->error.code != AMQP_WOLFSSL_OK);
      assert_true(pair->error.message[0] != '\0');
    } else {
      assert_string_equal(pair->facts.version, "");
    }
    memory_session_free(pair);
  }
}

/* ---- Peers that are no TLS servers ---- */

static void assert_speech(const char *bytes, size_t length, amqp_wolfssl_code_t code) {
  struct memory_peer_settings server = server_named("server", 0);
  struct memory_session *pair = memory_session_new(&good_client, &server);

  memory_pipe_put(&pair->peer->to_client, bytes, length);
  memory_peer_hang_up(pair->peer);
  pair->peer->to_server.break_after = SIZE_MAX;
  assert_int_equal(memory_session_handshake(pair), SESSION_FAILED);
  assert_error(pair, AMQP_WOLFSSL_STAGE_HANDSHAKE, code);
  memory_session_free(pair);
}

static void test_peers_without_tls(void **state) {
  static const char amqp[] = {'A', 'M', 'Q', 'P', 0, 0, 9, 1};
  static const char http[] = "HTTP/1.1 400 Bad Request\r\n\r\n";

  (void)state;
  assert_speech(amqp, sizeof(amqp), AMQP_WOLFSSL_ERROR_PEER_SPEAKS_PLAIN_AMQP);
  assert_speech(http, sizeof(http) - 1, AMQP_WOLFSSL_ERROR_PEER_NOT_TLS);
  assert_speech("", 0, AMQP_WOLFSSL_ERROR_PEER_CLOSED_IN_HANDSHAKE);
}

/* ---- What the broker thinks of us ---- */

/* The server's verdict comes within the handshake of TLS 1.2, but after that of TLS 1.3. */
static void assert_refused_by_server(struct memory_session *pair, bool by_sending, amqp_wolfssl_code_t code) {
  static const uint8_t refusal[] = {21, 3, 3, 0, 2, 2, 40};
  amqp_wolfssl_stage_t stage = AMQP_WOLFSSL_STAGE_HANDSHAKE;
  enum session_result result;
  size_t count;

  for (int step = 0; step < 4; step++) {
    result = session_handshake(pair->session, &pair->facts);
    (void)memory_peer_accept(pair->peer);
  }
  assert_true(pair->peer->error != 0);
  if (result == SESSION_WANT_READ && pair->peer->to_client.waiting == 0) {
    /* wolfSSL's server goes without a word; others say this. */
    memory_pipe_put(&pair->peer->to_client, refusal, sizeof(refusal));
  }
  memory_peer_hang_up(pair->peer);
  if (result == SESSION_WANT_READ) {
    result = session_handshake(pair->session, &pair->facts);
  } else if (result == SESSION_DONE) {
    stage = by_sending ? AMQP_WOLFSSL_STAGE_SEND : AMQP_WOLFSSL_STAGE_RECEIVE;
    result = by_sending ? session_send(pair->session, "hello", 5, &count) : receive(pair, &count);
    assert_int_equal(count, 0);
  }
  assert_int_equal(result, SESSION_FAILED);
  assert_error(pair, stage, code);
  assert_true(pair->error.alert > 0);
  assert_int_equal(pair->error.alert_direction, AMQP_WOLFSSL_ALERT_RECEIVED_FROM_PEER);
}

static void test_server_requires_a_certificate(void **state) {
  (void)state;
  for (size_t i = 0; i < 2 * COUNT_OF(versions); i++) {
    struct memory_session_settings client = {.ca = "ca.pem", .name = "localhost"};
    struct memory_peer_settings server = server_named("server", versions[i / 2]);
    struct memory_session *pair = memory_session_new(&client, &server);

    assert_refused_by_server(pair, i % 2 == 1, AMQP_WOLFSSL_ERROR_REQUIRES_A_CERTIFICATE);
    memory_session_free(pair);
  }
}

static void test_server_rejects_our_certificate(void **state) {
  (void)state;
  for (size_t i = 0; i < 2 * COUNT_OF(versions); i++) {
    struct memory_session_settings client = good_client;
    struct memory_peer_settings server = server_named("server", versions[i / 2]);
    struct memory_session *pair;

    client.certificate = "client-other-ca.pem";
    client.key = "client-other-ca.key";
    pair = memory_session_new(&client, &server);
    assert_refused_by_server(pair, i % 2 == 1, AMQP_WOLFSSL_ERROR_REJECTED_OUR_CERTIFICATE);
    assert_string_equal(pair->error.certificate_subject, "CN=client-other-ca,O=Acme");
    assert_int_equal(pair->error.certificate_depth, 0);
    memory_session_free(pair);
  }
}

/* Nobody verifies the server, and it is the one that refuses: it must not be told as if we had. */
static void test_refused_by_an_unverified_server(void **state) {
  struct memory_session_settings client = {.ca = "other-ca.pem", .skip_peer = true, .skip_host = true};
  struct memory_peer_settings server = server_named("server", TLS_1_2);
  struct memory_session *pair = memory_session_new(&client, &server);

  (void)state;
  assert_refused_by_server(pair, false, AMQP_WOLFSSL_ERROR_REQUIRES_A_CERTIFICATE);
  memory_session_free(pair);
}

static void test_what_had_arrived_survives_a_broken_send(void **state) {
  struct memory_session *pair = connect_good(TLS_1_3);
  uint8_t bytes[3000];
  uint8_t seen[sizeof(bytes)];
  size_t collected = 0;
  size_t count;

  (void)state;
  random_state = 8;
  fill_random(bytes, sizeof(bytes));
  for (size_t at = 0; at < sizeof(bytes); at += 1000) {
    assert_true(memory_peer_write(pair->peer, bytes + at, 1000));
  }
  memory_peer_hang_up(pair->peer);
  assert_int_equal(session_send(pair->session, "hello", 5, &count), SESSION_FAILED);
  assert_int_equal(count, 0);
  assert_error(pair, AMQP_WOLFSSL_STAGE_SEND, AMQP_WOLFSSL_ERROR_CONNECTION_LOST);
  while (collected < sizeof(bytes)) { /* in pieces smaller than what waits */
    assert_int_equal(session_recv(pair->session, seen + collected, 700, &count), SESSION_DONE);
    assert_true(count > 0 && count <= sizeof(seen) - collected);
    collected += count;
  }
  assert_memory_equal(seen, bytes, sizeof(bytes));
  assert_latched(pair, AMQP_WOLFSSL_ERROR_CONNECTION_LOST);
  memory_session_free(pair);
}

/* ---- SNI ---- */

#ifdef HAVE_SNI
static void assert_sni(const char *name, bool skip_host, const char *expected) {
  struct memory_session_settings client = good_client;
  struct memory_peer_settings server = server_named("server", 0);
  struct memory_session *pair;
  unsigned char sent[256] = {0};
  unsigned sent_length = sizeof(sent) - 1;
  int result;

  client.name = name;
  client.skip_host = skip_host;
  pair = memory_session_new(&client, &server);
  assert_int_equal(session_handshake(pair->session, &pair->facts), SESSION_WANT_READ);
  result =
      wolfSSL_SNI_GetFromBuffer(memory_pipe_byte(&pair->peer->to_server, 0), (unsigned)pair->peer->to_server.waiting,
                                WOLFSSL_SNI_HOST_NAME, sent, &sent_length);
  if (expected == NULL) {
    assert_true(result != WOLFSSL_SUCCESS);
  } else {
    assert_int_equal(result, WOLFSSL_SUCCESS);
    sent[sent_length] = 0;
    assert_string_equal((const char *)sent, expected);
  }
  memory_session_free(pair);
}

static void test_sni(void **state) {
  (void)state;
  assert_sni("localhost", false, "localhost");
  assert_sni("LocalHost.", false, "localhost");
  assert_sni("a.broker.test", true, "a.broker.test");
  assert_sni("127.0.0.1", false, NULL);
  assert_sni("[::1]", false, NULL);
  assert_sni(NULL, true, NULL);
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_handshake_fills_facts),
      cmocka_unit_test(test_handshake_without_identity),
      cmocka_unit_test(test_handshake_with_each_kind_of_server_key),
      cmocka_unit_test(test_client_identities),
      cmocka_unit_test(test_handshake_one_byte_at_a_time),
      cmocka_unit_test(test_handshake_waits_for_its_last_flight),
      cmocka_unit_test(test_handshake_cut_off),
      cmocka_unit_test(test_handshake_sending_breaks),
      cmocka_unit_test(test_handshake_altered),
      cmocka_unit_test(test_peers_without_tls),
      cmocka_unit_test(test_server_requires_a_certificate),
      cmocka_unit_test(test_server_rejects_our_certificate),
      cmocka_unit_test(test_refused_by_an_unverified_server),
      cmocka_unit_test(test_what_had_arrived_survives_a_broken_send),
#ifdef HAVE_SNI
      cmocka_unit_test(test_sni),
#endif
  };

  return cmocka_run_group_tests(tests, minted_certificates_set_up, minted_certificates_tear_down);
}
