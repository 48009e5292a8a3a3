/* SPDX-License-Identifier: MIT */
/*
 * What may leave before the server is judged: our records by type against what the server has shown, and whole sessions
 * whose server is refused, or disturbed, at one place or another.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <stdlib.h>
#include <string.h>

#include "exact_copy.h"
#include "memory_session.h"
#include "minted_certificates.h"
#include "session_cases.h"
#include "tls/handshake_gate.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- Records ---- */

enum shown { NOTHING_SHOWN, RETRY_SHOWN, HELLO_1_2_SHOWN, HELLO_1_3_SHOWN, SHOWN };

static struct server_hello what_was_shown(enum shown shown) {
  struct server_hello hello;

  server_hello_init(&hello);
  hello.retry_requested = shown == RETRY_SHOWN;
  hello.complete = shown == HELLO_1_2_SHOWN || shown == HELLO_1_3_SHOWN;
  hello.version = shown == HELLO_1_2_SHOWN ? 0x0303 : shown == HELLO_1_3_SHOWN ? 0x0304 : 0;
  return hello;
}

static void give(struct handshake_gate *gate, const struct server_hello *hello, const uint8_t *bytes, size_t length) {
  uint8_t *copy = exact_copy(bytes, length);

  handshake_gate_take(gate, hello, copy, length);
  free(copy);
}

/* \return the length of the whole record */
static size_t make_record(uint8_t *record, uint8_t type, uint8_t first, size_t length) {
  memset(record, 0x5a, 5 + length);
  record[0] = type;
  record[1] = 3;
  record[2] = 3;
  record[3] = (uint8_t)(length >> 8);
  record[4] = (uint8_t)length;
  if (length > 0) {
    record[5] = first;
  }
  return 5 + length;
}

static bool may_leave(enum shown shown, unsigned type, unsigned first, size_t length) {
  switch (type) {
    case 20:
      return shown == RETRY_SHOWN;
    case 21:
      return length == 2;
    case 22:
      return length > 0 && first == 1 && (shown == NOTHING_SHOWN || shown == RETRY_SHOWN);
    case 23:
      return shown == HELLO_1_3_SHOWN && length == 19;
    default:
      return false;
  }
}

static void test_each_record(void **state) {
  (void)state;
  for (int shown = 0; shown < SHOWN; shown++) {
    const struct server_hello hello = what_was_shown((enum shown)shown);

    for (unsigned type = 0; type < 256; type++) {
      for (unsigned first = 0; first < 24; first++) {
        for (size_t length = 0; length < 60; length++) {
          struct handshake_gate gate;
          uint8_t record[70];
          const size_t whole = make_record(record, (uint8_t)type, (uint8_t)first, length);
          const bool expected = may_leave((enum shown)shown, type, first, length);

          handshake_gate_init(&gate);
          give(&gate, &hello, record, whole);
          assert_int_equal(gate.held, expected ? 0 : whole);
          assert_int_equal(handshake_gate_is_holding(&gate), !expected);
        }
      }
    }
  }
}

/* Once one record is held, all behind it are: else they would come out of order. */
static void test_behind_what_is_held(void **state) {
  const struct server_hello hello = what_was_shown(HELLO_1_2_SHOWN);
  struct handshake_gate gate;
  uint8_t records[64];
  size_t length;

  (void)state;
  length = make_record(records, 21, 1, 2);
  length += make_record(records + length, 22, 11, 4);
  length += make_record(records + length, 21, 2, 2);
  handshake_gate_init(&gate);
  give(&gate, &hello, records, length);
  assert_int_equal(gate.held, 9 + 7);
  give(&gate, &hello, records, 7);
  assert_int_equal(gate.held, 9 + 7 + 7);
  handshake_gate_open(&gate);
  assert_int_equal(gate.held, 0);
  give(&gate, &hello, records, length);
  assert_int_equal(gate.held, 0);
}

static void test_what_is_no_record(void **state) {
  const struct server_hello hello = what_was_shown(NOTHING_SHOWN);
  uint8_t record[16];
  const size_t whole = make_record(record, 22, 1, 11);

  (void)state;
  for (size_t length = 1; length < whole; length++) {
    struct handshake_gate gate;

    handshake_gate_init(&gate);
    give(&gate, &hello, record, length);
    assert_int_equal(gate.held, length);
  }
}

/* Never behind anything of ours that is encrypted, nor behind a ServerHello of TLS 1.3. */
static void test_alert_in_clear(void **state) {
  const struct server_hello nothing = what_was_shown(NOTHING_SHOWN);
  const struct server_hello hello = what_was_shown(HELLO_1_2_SHOWN);
  const struct server_hello hello_1_3 = what_was_shown(HELLO_1_3_SHOWN);
  struct handshake_gate gate;
  uint8_t record[64];

  (void)state;
  handshake_gate_init(&gate);
  give(&gate, &nothing, record, make_record(record, 22, 1, 30));
  assert_true(handshake_gate_allows_alert_in_clear(&gate, false));
  assert_false(handshake_gate_allows_alert_in_clear(&gate, true));
  give(&gate, &hello, record, make_record(record, 22, 11, 30)); /* held */
  give(&gate, &hello, record, make_record(record, 20, 1, 1));
  assert_true(handshake_gate_allows_alert_in_clear(&gate, false));
  handshake_gate_drop(&gate);
  assert_true(handshake_gate_allows_alert_in_clear(&gate, false));
  give(&gate, &hello, record, make_record(record, 20, 1, 1));
  handshake_gate_open(&gate); /* it leaves */
  assert_false(handshake_gate_allows_alert_in_clear(&gate, false));

  handshake_gate_init(&gate);
  handshake_gate_open(&gate);
  assert_true(handshake_gate_allows_alert_in_clear(&gate, false));
  give(&gate, &hello, record, make_record(record, 20, 1, 1));
  assert_false(handshake_gate_allows_alert_in_clear(&gate, false));

  handshake_gate_init(&gate);
  give(&gate, &hello_1_3, record, make_record(record, 23, 1, 19));
  assert_false(handshake_gate_allows_alert_in_clear(&gate, false));
}

/* ---- Sessions ---- */

/* The types of the records that the client has sent, in their order. */
static size_t client_records(struct memory_peer *peer, uint8_t *types, size_t capacity) {
  const struct memory_pipe *pipe = &peer->to_server;
  size_t count = 0;

  for (size_t at = 0; at + 5 <= pipe->head + pipe->waiting; count++) {
    assert_true(count < capacity);
    types[count] = pipe->storage[at];
    at += 5 + ((size_t)pipe->storage[at + 3] << 8 | pipe->storage[at + 4]);
  }
  return count;
}

/* The server's certificate is taken, and then what it negotiated is not: our part has to stay. */
static void test_refused_when_our_part_is_due(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct memory_peer_settings server = server_named("server", versions[i]);
    struct memory_session *pair = memory_session_new(&good_client, &server);
    uint8_t types[32] = {0};
    size_t count;

    pair->settings.limits.group_count = 1;
    pair->settings.limits.groups[0] = 25; /* secp521r1, not what it chooses */
    assert_int_equal(session_handshake(pair->session, &pair->facts), SESSION_WANT_READ);
    (void)memory_peer_accept(pair->peer);
    pair->peer->to_server.head = 0; /* keeps the records that the server has read */
    assert_int_equal(session_handshake(pair->session, &pair->facts), SESSION_FAILED);
    assert_error(pair, AMQP_WOLFSSL_STAGE_POLICY, AMQP_WOLFSSL_ERROR_POLICY_GROUP);
    count = client_records(pair->peer, types, COUNT_OF(types));
    if (versions[i] == TLS_1_2) { /* an alert, in clear, since nothing was encrypted yet */
      assert_int_equal(count, 1);
      assert_int_equal(types[0], 21);
      assert_int_equal(pair->error.alert, 40);
    } else {
      assert_int_equal(count, 0);
      assert_int_equal(pair->error.alert, -1);
    }
    memory_session_free(pair);
  }
}

/* A server's ServerHello of TLS 1.2, that knows nothing of supported_versions and of no sentinel either. */
static size_t make_server_hello(uint8_t *record, uint16_t version, uint16_t suite) {
  const size_t body = 2 + 32 + 1 + 2 + 1;

  memset(record, 0, 5 + 4 + body);
  record[0] = 22;
  record[1] = 3;
  record[2] = 3;
  record[4] = (uint8_t)(4 + body);
  record[5] = 2;
  record[8] = (uint8_t)body;
  record[9] = (uint8_t)(version >> 8);
  record[10] = (uint8_t)version;
  record[9 + 35] = (uint8_t)(suite >> 8);
  record[9 + 36] = (uint8_t)suite;
  return 5 + 4 + body;
}

/* It is the version that was not offered, whatever suite comes with it. */
static void test_a_version_below_the_lowest(void **state) {
  static const uint16_t suites[] = {0xc02b, 0xc02f, 0x009c, 0x1301};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(suites); i++) {
    struct memory_session_settings client = good_client;
    struct memory_peer_settings server = server_named("server", TLS_1_2);
    struct memory_session *pair;
    uint8_t record[64];
    uint8_t types[8] = {0};

    client.lowest = AMQP_WOLFSSL_TLS_1_3;
    pair = memory_session_new(&client, &server);
    assert_int_equal(session_handshake(pair->session, &pair->facts), SESSION_WANT_READ);
    memory_pipe_put(&pair->peer->to_client, record, make_server_hello(record, 0x0303, suites[i]));
    assert_int_equal(session_handshake(pair->session, &pair->facts), SESSION_FAILED);
    assert_error(pair, AMQP_WOLFSSL_STAGE_POLICY, AMQP_WOLFSSL_ERROR_POLICY_VERSION);
    assert_non_null(strstr(pair->error.message, "chose TLS version 0x0303"));
    assert_int_equal(pair->error.alert, 70);
    assert_int_equal(client_records(pair->peer, types, COUNT_OF(types)), 2);
    assert_int_equal(types[0], 22);
    assert_int_equal(types[1], 21);
    memory_session_free(pair);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_each_record),
      cmocka_unit_test(test_behind_what_is_held),
      cmocka_unit_test(test_what_is_no_record),
      cmocka_unit_test(test_alert_in_clear),
      cmocka_unit_test(test_refused_when_our_part_is_due),
      cmocka_unit_test(test_a_version_below_the_lowest),
  };

  return cmocka_run_group_tests(tests, minted_certificates_set_up, minted_certificates_tear_down);
}
