/* SPDX-License-Identifier: MIT */
/* The data of TLS sessions, both ways and in every interleaving, and how sessions end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "memory_session.h"
#include "minted_certificates.h"
#include "session_cases.h"
#include "backend/wolfssl_headers.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- The clock ---- */

static volatile time_t seconds_ahead;

int clock_gettime(clockid_t kind, struct timespec *now) {
  int (*real)(clockid_t, struct timespec *);
  int result;

  *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
  result = real(kind, now);
  now->tv_sec += seconds_ahead;
  return result;
}

/* ---- Data ---- */

struct stream {
  uint8_t *bytes;
  size_t length;
  size_t sent;
  size_t received;
};

static void stream_make(struct stream *stream, size_t length) {
  stream->bytes = malloc(length);
  assert_non_null(stream->bytes);
  fill_random(stream->bytes, length);
  stream->length = length;
  stream->sent = 0;
  stream->received = 0;
}

/* Every byte once, in order, unharmed. */
static void stream_check(struct stream *stream, const uint8_t *bytes, size_t count) {
  assert_true(count <= stream->sent - stream->received);
  assert_memory_equal(bytes, stream->bytes + stream->received, count);
  stream->received += count;
}

static size_t offer(const struct stream *stream, size_t at_least, size_t at_most) {
  size_t left = stream->length - stream->sent;
  size_t length = random_between(at_least, at_most);

  return length < left ? length : left;
}

static void change_behaviour(struct memory_pipe *pipe) {
  static const size_t per_call[] = {0, 1, 3, 100, 1000, 16384, 30000};

  pipe->bytes_per_call = per_call[next_random() % COUNT_OF(per_call)];
  pipe->block_between = next_random() % 2 == 0;
  pipe->blocked = next_random() % 8 == 0;
  pipe->room = next_random() % 3 == 0 ? random_between(1, 20000) : SIZE_MAX;
}

/* What is taken is final, and nothing is taken while something waits. */
static void client_sends(struct memory_session *pair, struct stream *up) {
  size_t length = offer(up, 1, 90000);
  enum session_result result;
  size_t taken;
  uint8_t *copy;

  if (length == 0) {
    return;
  }
  /* A copy that goes at once: the session may not lean on the caller's memory between two calls. */
  copy = malloc(length);
  assert_non_null(copy);
  memcpy(copy, up->bytes + up->sent, length);
  result = session_send(pair->session, copy, length, &taken);
  free(copy);
  if (result == SESSION_WANT_WRITE) {
    assert_int_equal(taken, 0);
    return;
  }
  assert_int_equal(result, SESSION_DONE);
  assert_true(taken > 0 && taken <= length && taken <= SESSION_SEND_MOST);
  up->sent += taken;
}

static void client_receives(struct memory_session *pair, struct stream *down) {
  static uint8_t bytes[131072];
  size_t capacity = next_random() % 4 == 0 ? random_between(1, 5000) : random_between(16384, sizeof(bytes));
  size_t received;
  enum session_result result = session_recv(pair->session, bytes, capacity, &received);

  if (result == SESSION_DONE) {
    assert_true(received > 0 && received <= capacity);
    stream_check(down, bytes, received);
  } else {
    assert_true(session_waits(result));
    assert_int_equal(received, 0);
  }
}

static void server_receives(struct memory_session *pair, struct stream *up) {
  static uint8_t bytes[40000];

  stream_check(up, bytes, memory_peer_read(pair->peer, bytes, random_between(1, sizeof(bytes))));
}

static void exchange(unsigned version, bool update_keys, uint32_t seed) {
  struct memory_session *pair = connect_good(version);
  struct stream up;
  struct stream down;
  unsigned updates = 0;

  random_state = seed;
  stream_make(&up, 250000);
  stream_make(&down, 250000);
  for (int step = 0; step < 200000 && (up.received < up.length || down.received < down.length); step++) {
    if (next_random() % 4 == 0) {
      change_behaviour(&pair->peer->to_client);
      change_behaviour(&pair->peer->to_server);
    }
    if (next_random() % 3 == 0 && down.sent < down.length) {
      size_t length = offer(&down, 1, next_random() % 3 == 0 ? 20000 : 300);

      assert_true(memory_peer_write(pair->peer, down.bytes + down.sent, length));
      down.sent += length;
    }
    if (update_keys && next_random() % 16 == 0 && memory_peer_update_keys(pair->peer)) {
      updates++;
    }
    client_sends(pair, &up);
    client_receives(pair, &down);
    server_receives(pair, &up);
    assert_int_equal(pair->peer->error, 0);
  }
  assert_int_equal(up.received, up.length);
  assert_int_equal(down.received, down.length);
  assert_true(!update_keys || updates > 3);
  free(up.bytes);
  free(down.bytes);
  memory_session_free(pair);
}

static void test_data_both_ways(void **state) {
  (void)state;
  exchange(TLS_1_2, false, 1);
  exchange(TLS_1_3, false, 2);
}

static void test_data_with_key_updates(void **state) {
  (void)state;
  exchange(TLS_1_3, true, 3);
  exchange(TLS_1_3, true, 4);
}

/* The answer to a KeyUpdate goes out without anybody sending. */
static void test_key_update_is_answered(void **state) {
  struct memory_session *pair = connect_good(TLS_1_3);
  size_t before;
  size_t count;

  (void)state;
  (void)receive(pair, &count);
  before = pair->peer->to_server.moved;
  assert_true(memory_peer_update_keys(pair->peer));
  assert_int_equal(receive(pair, &count), SESSION_WANT_READ);
  assert_true(pair->peer->to_server.moved > before);
  assert_int_equal(session_send(pair->session, "after", 5, &count), SESSION_DONE);
  {
    char bytes[16];

    assert_int_equal(memory_peer_read(pair->peer, bytes, sizeof(bytes)), 5);
    assert_memory_equal(bytes, "after", 5);
  }
  memory_session_free(pair);
}

/* A blocked write, and then a KeyUpdate: wolfSSL 5.5.4 left to itself loses data here. */
static void test_key_update_between_blocked_writes(void **state) {
  static uint8_t bytes[30000];
  static uint8_t seen[sizeof(bytes)];
  struct memory_session *pair = connect_good(TLS_1_3);
  size_t count;

  (void)state;
  random_state = 5;
  fill_random(bytes, sizeof(bytes));
  pair->peer->to_server.room = 100;
  assert_int_equal(session_send(pair->session, bytes, sizeof(bytes), &count), SESSION_DONE);
  assert_int_equal(count, sizeof(bytes));
  assert_true(memory_peer_update_keys(pair->peer));
  assert_int_equal(receive(pair, &count), SESSION_WANT_EITHER);
  assert_int_equal(session_send(pair->session, bytes, sizeof(bytes), &count), SESSION_WANT_WRITE);
  assert_int_equal(session_flush(pair->session), SESSION_WANT_WRITE);
  pair->peer->to_server.room = SIZE_MAX;
  assert_int_equal(session_flush(pair->session), SESSION_DONE);
  assert_int_equal(memory_peer_read(pair->peer, seen, sizeof(seen)), sizeof(bytes));
  assert_memory_equal(seen, bytes, sizeof(bytes));
  assert_int_equal(pair->peer->error, 0);
  memory_session_free(pair);
}

static void test_nothing_is_taken_while_something_waits(void **state) {
  uint8_t bytes[5000];
  uint8_t seen[sizeof(bytes)];
  struct memory_session *pair = connect_good(TLS_1_3);
  size_t count = 99;

  (void)state;
  random_state = 6;
  fill_random(bytes, sizeof(bytes));
  assert_int_equal(session_unsent(pair->session), 0);
  pair->peer->to_server.room = pair->peer->to_server.waiting + 100;
  assert_int_equal(session_send(pair->session, bytes, 1000, &count), SESSION_DONE);
  assert_int_equal(count, 1000);
  assert_int_equal(session_unsent(pair->session), 1000);
  assert_int_equal(session_send(pair->session, bytes + 1000, 4000, &count), SESSION_WANT_WRITE);
  assert_int_equal(count, 0);
  assert_int_equal(session_flush(pair->session), SESSION_WANT_WRITE);
  pair->peer->to_server.room = SIZE_MAX;
  assert_int_equal(session_flush(pair->session), SESSION_DONE);
  assert_int_equal(session_unsent(pair->session), 0);
  assert_int_equal(session_send(pair->session, bytes + 1000, 4000, &count), SESSION_DONE);
  assert_int_equal(count, 4000);
  assert_int_equal(memory_peer_read(pair->peer, seen, sizeof(seen)), sizeof(bytes));
  assert_memory_equal(seen, bytes, sizeof(bytes));
  assert_int_equal(session_send(pair->session, bytes, 0, &count), SESSION_DONE);
  assert_int_equal(count, 0);
  memory_session_free(pair);
}

static void test_long_sends_go_in_parts(void **state) {
  static uint8_t bytes[200000];
  static uint8_t seen[sizeof(bytes)];
  struct memory_session *pair = connect_good(TLS_1_2);
  size_t sent = 0;

  (void)state;
  random_state = 7;
  fill_random(bytes, sizeof(bytes));
  while (sent < sizeof(bytes)) {
    size_t count;

    assert_int_equal(session_send(pair->session, bytes + sent, sizeof(bytes) - sent, &count), SESSION_DONE);
    assert_true(count > 0 && count <= 65536);
    sent += count;
  }
  assert_int_equal(memory_peer_read(pair->peer, seen, sizeof(seen)), sizeof(bytes));
  assert_memory_equal(seen, bytes, sizeof(bytes));
  memory_session_free(pair);
}

static void test_a_broken_contract_ends_the_session(void **state) {
  struct memory_session *pair = connect_good(TLS_1_3);

  (void)state;
  assert_true(session_can_send(pair->session));
  session_refuse_send(pair->session, "no retry");
  assert_false(session_can_send(pair->session));
  assert_error(pair, AMQP_WOLFSSL_STAGE_SEND, AMQP_WOLFSSL_ERROR_SEND_CONTRACT_BROKEN);
  assert_string_equal(pair->error.message, "no retry");
  assert_latched(pair, AMQP_WOLFSSL_ERROR_SEND_CONTRACT_BROKEN);
  assert_int_equal(session_flush(pair->session), SESSION_FAILED);
  memory_session_free(pair);
}

/* A peer that waits for us to read does not read: receiving must go on while sending is blocked. */
static void test_receives_while_sending_is_blocked(void **state) {
  struct memory_session *pair = connect_good(TLS_1_3);
  uint8_t bytes[1000] = {0};
  size_t count;

  (void)state;
  pair->peer->to_server.blocked = true;
  assert_int_equal(session_send(pair->session, bytes, sizeof(bytes), &count), SESSION_DONE);
  assert_int_equal(receive(pair, &count), SESSION_WANT_EITHER);
  assert_true(memory_peer_write(pair->peer, "news", 4));
  assert_int_equal(receive(pair, &count), SESSION_DONE);
  assert_int_equal(count, 4);
  pair->peer->to_server.blocked = false;
  assert_int_equal(receive(pair, &count), SESSION_WANT_READ); /* that was sent on the way */
  memory_session_free(pair);
}

/* ---- Floods ---- */

/* What the peer makes us answer can't leave: at some point nothing more is read, and memory ends there. */
static void test_answers_that_cannot_leave_are_bounded(void **state) {
  struct memory_session *pair = connect_good(TLS_1_3);
  enum session_result result = SESSION_DONE;
  size_t moved;
  size_t count;

  (void)state;
  (void)receive(pair, &count);
  pair->peer->to_server.blocked = true;
  for (int rounds = 0; rounds < 50000 && result != SESSION_WANT_WRITE; rounds++) {
    assert_true(memory_peer_update_keys(pair->peer));
    assert_true(memory_peer_write(pair->peer, "x", 1));
    result = receive(pair, &count);
  }
  assert_int_equal(result, SESSION_WANT_WRITE);
  moved = pair->peer->to_client.moved;
  assert_true(memory_peer_write(pair->peer, "news", 4));
  assert_int_equal(receive(pair, &count), SESSION_WANT_WRITE);
  assert_int_equal(pair->peer->to_client.moved, moved);
  moved = pair->peer->to_server.moved;
  pair->peer->to_server.blocked = false;
  assert_int_equal(receive(pair, &count), SESSION_DONE);
  assert_int_equal(count, 5); /* with the last x */
  assert_true(pair->peer->to_server.moved - moved < (size_t)256 * 1024);
  memory_session_free(pair);
}

/* However much waits, one call ends; the rest stays in the kernel. */
static void test_one_step_takes_so_much_only(void **state) {
  struct memory_session *pair = connect_good(TLS_1_3);
  size_t received = 0;
  size_t before;
  size_t count;

  (void)state;
  (void)receive(pair, &count);
  for (int i = 0; i < 20000; i++) { /* each 23 bytes as a record */
    assert_true(memory_peer_write(pair->peer, "x", 1));
  }
  while (received < 20000) {
    before = pair->peer->to_client.moved;
    assert_int_equal(receive(pair, &count), SESSION_DONE);
    assert_true(pair->peer->to_client.moved - before < (size_t)300 * 1024);
    received += count;
  }
  assert_int_equal(received, 20000);
  memory_session_free(pair);
}

static void send_key_updates(struct memory_session *pair, int number) {
  for (int i = 0; i < number; i++) {
    assert_true(memory_peer_update_keys(pair->peer));
  }
}

static void test_records_without_data_are_counted(void **state) {
  struct memory_session *pair = connect_good(TLS_1_3);
  size_t count;

  (void)state;
  (void)receive(pair, &count);
  for (int again = 0; again < 3; again++) {
    send_key_updates(pair, 20);
    assert_int_equal(receive(pair, &count), SESSION_WANT_READ);
    assert_true(memory_peer_write(pair->peer, "x", 1));
    assert_int_equal(receive(pair, &count), SESSION_DONE);
  }
  send_key_updates(pair, 40);
  assert_int_equal(receive(pair, &count), SESSION_FAILED);
  assert_error(pair, AMQP_WOLFSSL_STAGE_RECEIVE, AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION);
  assert_non_null(strstr(pair->error.message, "without any data"));
  assert_latched(pair, AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION);
  memory_session_free(pair);
}

/* A server that rotates its keys every hour, and has nothing to say: no flood. */
static void test_quiet_starts_the_count_anew(void **state) {
  struct memory_session *pair = connect_good(TLS_1_3);
  size_t count;

  (void)state;
  (void)receive(pair, &count);
  for (int hour = 0; hour < 100; hour++) {
    seconds_ahead += 3600;
    send_key_updates(pair, 1);
    assert_int_equal(receive(pair, &count), SESSION_WANT_READ);
  }
  for (int second = 0; second < 100 && pair->error.code == AMQP_WOLFSSL_OK; second++) {
    seconds_ahead++;
    send_key_updates(pair, 1);
    (void)receive(pair, &count);
  }
  assert_error(pair, AMQP_WOLFSSL_STAGE_RECEIVE, AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION);
  assert_non_null(strstr(pair->error.message, "without any data"));
  memory_session_free(pair);
}

/* The pause was before the row, and behind one that data had ended. */
static void test_an_earlier_pause_ends_no_row(void **state) {
  struct memory_session *pair = connect_good(TLS_1_3);
  unsigned taken = 0;
  size_t count;

  (void)state;
  (void)receive(pair, &count);
  for (int i = 0; i < 3; i++) {
    send_key_updates(pair, 1);
    assert_int_equal(receive(pair, &count), SESSION_WANT_READ);
  }
  assert_true(memory_peer_write(pair->peer, "x", 1));
  assert_int_equal(receive(pair, &count), SESSION_DONE);
  seconds_ahead += 3600;
  for (;; taken++) {
    send_key_updates(pair, 1);
    if (receive(pair, &count) != SESSION_WANT_READ) {
      break;
    }
  }
  assert_error(pair, AMQP_WOLFSSL_STAGE_RECEIVE, AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION);
  assert_int_equal(taken, RECORD_FRAMING_WITHOUT_DATA);
  memory_session_free(pair);
}

/* ---- The end ---- */

static void test_clean_end(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct memory_session *pair = connect_good(versions[i]);
    size_t count;

    assert_true(memory_peer_write(pair->peer, "last words", 10));
    memory_peer_close_notify(pair->peer);
    assert_int_equal(receive(pair, &count), SESSION_DONE);
    assert_int_equal(count, 10);
    assert_int_equal(pair->error.code, AMQP_WOLFSSL_OK); /* the end is yet to be heard */
    for (int again = 0; again < 2; again++) {
      error_clear(&pair->error);
      assert_int_equal(receive(pair, &count), SESSION_ENDED);
      assert_error(pair, AMQP_WOLFSSL_STAGE_RECEIVE, AMQP_WOLFSSL_ERROR_CLOSED_BY_PEER);
    }
    /* The other direction is open still (RFC 8446, section 6.1). */
    assert_int_equal(session_send(pair->session, "bye", 3, &count), SESSION_DONE);
    assert_int_equal(count, 3);
    memory_session_free(pair);
  }
}

static void test_truncated(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    for (size_t cut = 0; cut <= 1; cut++) {
      struct memory_session *pair = connect_good(versions[i]);
      size_t count;

      (void)receive(pair, &count);
      assert_true(memory_peer_write(pair->peer, "whole", 5));
      assert_true(memory_peer_write(pair->peer, "part", 4));
      memory_peer_hang_up(pair->peer);
      pair->peer->to_client.break_after -= cut; /* between two records, or within one */
      assert_int_equal(receive(pair, &count), SESSION_DONE);
      assert_int_equal(count, cut == 0 ? 9 : 5);
      error_clear(&pair->error);
      assert_int_equal(receive(pair, &count), SESSION_FAILED);
      assert_error(pair, AMQP_WOLFSSL_STAGE_RECEIVE, AMQP_WOLFSSL_ERROR_TRUNCATED);
      assert_latched(pair, AMQP_WOLFSSL_ERROR_TRUNCATED);
      memory_session_free(pair);
    }
  }
}

static void test_connection_reset(void **state) {
  struct memory_session *pair = connect_good(TLS_1_3);
  size_t count;

  (void)state;
  (void)receive(pair, &count);
  pair->peer->to_client.break_after = pair->peer->to_client.moved;
  pair->peer->to_client.break_errno = ECONNRESET;
  assert_int_equal(receive(pair, &count), SESSION_FAILED);
  assert_error(pair, AMQP_WOLFSSL_STAGE_RECEIVE, AMQP_WOLFSSL_ERROR_CONNECTION_LOST);
  assert_non_null(strstr(pair->error.message, strerror(ECONNRESET)));
  assert_latched(pair, AMQP_WOLFSSL_ERROR_CONNECTION_LOST);
  memory_session_free(pair);
}

static void test_corrupt_record(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct memory_session *pair = connect_good(versions[i]);
    size_t count;
    size_t good;

    (void)receive(pair, &count);
    assert_true(memory_peer_write(pair->peer, "good", 4));
    good = pair->peer->to_client.waiting;
    assert_true(memory_peer_write(pair->peer, "to be harmed", 12));
    *memory_pipe_byte(&pair->peer->to_client, good + 16) ^= 1;
    assert_int_equal(receive(pair, &count), SESSION_DONE);
    assert_int_equal(count, 4);
    assert_int_equal(receive(pair, &count), SESSION_FAILED);
    assert_error(pair, AMQP_WOLFSSL_STAGE_RECEIVE, AMQP_WOLFSSL_ERROR_RECORD_CORRUPT);
    assert_latched(pair, AMQP_WOLFSSL_ERROR_RECORD_CORRUPT);
    {
      char seen[4];

      assert_int_equal(memory_peer_read(pair->peer, seen, sizeof(seen)), 0);
      assert_int_equal(memory_peer_alert_from_client(pair->peer), 20); /* bad_record_mac */
    }
    memory_session_free(pair);
  }
}

static void test_close_notify_reaches_the_peer(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct memory_session *pair = connect_good(versions[i]);
    char seen[4];

    session_close_notify(pair->session);
    assert_int_equal(memory_peer_read(pair->peer, seen, sizeof(seen)), 0);
    assert_int_equal(pair->peer->error, WOLFSSL_ERROR_ZERO_RETURN);
    memory_session_free(pair);
  }
}

/* Not in the middle of what is being sent, and not after a failure. */
static void test_close_notify_is_left_out(void **state) {
  struct memory_session *pair = connect_good(TLS_1_3);
  uint8_t bytes[1000] = {0};
  size_t moved;
  size_t count;

  (void)state;
  pair->peer->to_server.blocked = true;
  assert_int_equal(session_send(pair->session, bytes, sizeof(bytes), &count), SESSION_DONE);
  session_close_notify(pair->session);
  pair->peer->to_server.blocked = false;
  assert_int_equal(session_flush(pair->session), SESSION_DONE);
  assert_int_equal(memory_peer_read(pair->peer, bytes, sizeof(bytes)), sizeof(bytes));
  assert_int_equal(pair->peer->error, 0); /* no close_notify came with it */
  moved = pair->peer->to_server.moved;
  session_refuse_send(pair->session, "misuse");
  session_close_notify(pair->session);
  assert_int_equal(pair->peer->to_server.moved, moved);
  memory_session_free(pair);
}

/* A warning that was received long ago does not explain why the connection broke now. */
static void test_warning_alert_is_no_cause(void **state) {
  static const uint8_t warning[] = {21, 3, 3, 0, 2, 1, 90}; /* user_canceled */
  struct memory_peer_settings server = server_named("server", TLS_1_2);
  struct memory_session *pair = memory_session_new(&good_client, &server);
  size_t count;

  (void)state;
  memory_pipe_put(&pair->peer->to_client, warning, sizeof(warning));
  assert_int_equal(memory_session_handshake(pair), SESSION_DONE);
  memory_peer_hang_up(pair->peer);
  assert_int_equal(receive(pair, &count), SESSION_FAILED);
  assert_error(pair, AMQP_WOLFSSL_STAGE_RECEIVE, AMQP_WOLFSSL_ERROR_TRUNCATED);
  memory_session_free(pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_data_both_ways),
      cmocka_unit_test(test_data_with_key_updates),
      cmocka_unit_test(test_key_update_is_answered),
      cmocka_unit_test(test_key_update_between_blocked_writes),
      cmocka_unit_test(test_nothing_is_taken_while_something_waits),
      cmocka_unit_test(test_long_sends_go_in_parts),
      cmocka_unit_test(test_a_broken_contract_ends_the_session),
      cmocka_unit_test(test_receives_while_sending_is_blocked),
      cmocka_unit_test(test_answers_that_cannot_leave_are_bounded),
      cmocka_unit_test(test_one_step_takes_so_much_only),
      cmocka_unit_test(test_records_without_data_are_counted),
      cmocka_unit_test(test_quiet_starts_the_count_anew),
      cmocka_unit_test(test_an_earlier_pause_ends_no_row),
      cmocka_unit_test(test_clean_end),
      cmocka_unit_test(test_truncated),
      cmocka_unit_test(test_connection_reset),
      cmocka_unit_test(test_corrupt_record),
      cmocka_unit_test(test_close_notify_reaches_the_peer),
      cmocka_unit_test(test_close_notify_is_left_out),
      cmocka_unit_test(test_warning_alert_is_no_cause),
  };

  return cmocka_run_group_tests(tests, minted_certificates_set_up, minted_certificates_tear_down);
}
