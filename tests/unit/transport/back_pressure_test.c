/* SPDX-License-Identifier: MIT */
/*
 * A peer that does not read: what a blocked connection still hears, and what two threads that both send may rely on.
 * The peer acts when the test tells it to, some of it in the middle of the library's or rabbitmq-c's waits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "acting_poll.h"
#include "amqp_wolfssl_socket.h"
#include "driven_pair.h"
#include "minted_certificates.h"
#include "time_limit.h"
#include "transport/rabbitmq_socket_abi.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define TIME_LIMIT_SECONDS 120 /* a safety net */

static const unsigned versions[] = {0x0303, 0x0304};
static const struct timeval soon = {.tv_sec = 10};
static const struct timeval no_time;
static const uint8_t heartbeat[] = {8, 0, 0, 0, 0, 0, 0, 0xce};

static void finish_send(struct driven_pair *pair, const uint8_t *bytes, size_t length) {
  while (length > 0) {
    const ssize_t sent = driven_pair_send(pair, bytes, length);

    if (sent > 0) {
      bytes += sent;
      length -= (size_t)sent;
    } else {
      (void)driven_peer_read(&pair->peer);
      assert_true(driven_pair_wait(pair, sent, HANG_MILLISECONDS));
    }
  }
}

/* ---- What a blocked connection hears ---- */

static void hear_what_comes_later(unsigned version, bool corked) {
  uint8_t frame[FRAME];
  char news[16];
  struct driven_pair pair;
  ssize_t result;
  size_t rest;

  driven_pair_connect(&pair, version);
  if (corked) {
    assert_int_equal(amqp_wolfssl_socket_cork(pair.socket), AMQP_STATUS_OK);
  }
  rest = driven_pair_send_until_blocked(&pair, frame);
  result = driven_pair_receive(&pair, news, sizeof(news));
  driven_peer_say(&pair.peer, "news", 4);
  assert_true(driven_pair_wait(&pair, result, HANG_MILLISECONDS));
  assert_int_equal(driven_pair_receive(&pair, news, sizeof(news)), 4);
  assert_memory_equal(news, "news", 4);
  finish_send(&pair, frame + FRAME - rest, rest);
  assert_int_equal(amqp_wolfssl_socket_uncork(pair.socket, &no_time), AMQP_STATUS_OK);
  driven_pair_expect_all(&pair);
  driven_pair_end(&pair);
}

static void test_what_comes_later_is_heard(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    hear_what_comes_later(versions[i], false);
    hear_what_comes_later(versions[i], true);
  }
}

static void read_on(void *context) {
  struct driven_pair *pair = context;

  (void)driven_peer_read(&pair->peer);
}

/* What a cork has collected waits while the program receives. It leaves as soon as it can. */
static void test_what_waits_leaves_while_the_program_receives(void **state) {
  uint8_t frame[FRAME];
  struct driven_pair pair;
  ssize_t result;
  char news[16];

  (void)state;
  driven_pair_connect(&pair, 0x0304);
  assert_int_equal(amqp_wolfssl_socket_cork(pair.socket), AMQP_STATUS_OK);
  (void)driven_pair_send_until_blocked(&pair, frame);
  result = driven_pair_receive(&pair, news, sizeof(news));
  assert_true(result < 0);
  assert_false(driven_pair_wait(&pair, result, 100)); /* nothing to do: no program may run in circles here */
  assert_int_equal(amqp_wolfssl_socket_poll_events(pair.socket), POLLIN | POLLOUT);
  result = driven_pair_receive(&pair, news, sizeof(news));
  act_at_next_poll(read_on, &pair);
  assert_true(driven_pair_wait(&pair, result, HANG_MILLISECONDS));
  while (driven_peer_read(&pair.peer) < pair.sent_length) {
    struct pollfd readable = {.fd = pair.peer.descriptor, .events = POLLIN};

    (void)driven_pair_receive(&pair, news, sizeof(news));
    assert_int_equal(poll(&readable, 1, HANG_MILLISECONDS), 1);
  }
  driven_pair_expect_sent(&pair);
  driven_pair_end(&pair);
}

/* With everything sent, a program waits for the peer only. */
static void test_nothing_is_waited_for_in_vain(void **state) {
  struct driven_pair pair;
  char news[16];

  (void)state;
  driven_pair_connect(&pair, 0x0304);
  assert_int_equal(driven_pair_send(&pair, heartbeat, sizeof(heartbeat)), sizeof(heartbeat));
  (void)driven_pair_receive(&pair, news, sizeof(news)); /* tickets */
  assert_int_equal(amqp_wolfssl_socket_poll_events(pair.socket), POLLIN);
  assert_false(driven_pair_wait(&pair, driven_pair_receive(&pair, news, sizeof(news)), 0));
  driven_peer_say(&pair.peer, "news", 4);
  assert_int_equal(driven_pair_receive_in_time(&pair, news, sizeof(news)), 4);
  driven_pair_end(&pair);
}

/* Connection.Blocked: class 10, method 60, a reason. */
static const uint8_t blocked_frame[] = {1, 0, 0, 0, 0, 0, 8, 0, 10, 0, 60, 3, 'l', 'o', 'w', 0xce};

static void say_blocked(void *context) {
  struct driven_pair *pair = context;

  driven_peer_say(&pair->peer, blocked_frame, sizeof(blocked_frame));
}

/* The same with rabbitmq-c itself, which waits when the news come. */
static void test_rabbitmq_hears_what_comes_later(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct timeval limit = soon;
    uint8_t body_frame[FRAME];
    amqp_frame_t frame;
    struct driven_pair pair;

    driven_pair_connect(&pair, versions[i]);
    assert_int_equal(amqp_wolfssl_socket_cork(pair.socket), AMQP_STATUS_OK);
    (void)driven_pair_send_until_blocked(&pair, body_frame);
    assert_int_equal(amqp_wolfssl_socket_uncork(pair.socket, &no_time), AMQP_STATUS_TIMEOUT);
    act_at_next_poll(say_blocked, &pair);
    assert_int_equal(amqp_simple_wait_frame_noblock(pair.connection, &frame, &limit), AMQP_STATUS_OK);
    assert_int_equal(frame.frame_type, AMQP_FRAME_METHOD);
    assert_int_equal(frame.payload.method.id, AMQP_CONNECTION_BLOCKED_METHOD);
    driven_pair_end(&pair);
  }
}

/* A time limit holds while nothing can be done. */
static void test_rabbitmq_waits_no_longer_than_its_limit(void **state) {
  struct timeval limit = {.tv_usec = 50000};
  uint8_t body_frame[FRAME];
  amqp_frame_t frame;
  struct driven_pair pair;

  (void)state;
  driven_pair_connect(&pair, 0x0304);
  assert_int_equal(amqp_wolfssl_socket_cork(pair.socket), AMQP_STATUS_OK);
  (void)driven_pair_send_until_blocked(&pair, body_frame);
  at_poll.calls = 0;
  assert_int_equal(amqp_simple_wait_frame_noblock(pair.connection, &frame, &limit), AMQP_STATUS_TIMEOUT);
  assert_true(at_poll.calls <= 3);
  driven_pair_end(&pair);
}

/* ---- What is sent while another call waits ---- */

struct reader {
  struct driven_pair *pair;
  pthread_t thread;
  bool has_all;
};

/* Reads on until all is there, or nothing more comes, and then ends the client's wait. It waits with ppoll(): poll() is
   the client's here, and its count belongs to that thread. */
static void *read_on_and_say_something(void *context) {
  struct reader *reader = context;
  struct driven_peer *peer = &reader->pair->peer;
  const struct timespec limit = {.tv_sec = HANG_MILLISECONDS / 1000};
  struct pollfd readable = {.fd = peer->descriptor, .events = POLLIN};
  int events = 1;

  while (!reader->has_all && events > 0) {
    reader->has_all = driven_peer_read(peer) >= reader->pair->sent_length;
    events = reader->has_all ? 0 : ppoll(&readable, 1, &limit, NULL);
  }
  say_blocked(reader->pair);
  return NULL;
}

/* What a thread does that publishes, while another one is about to wait; at its end the peer reads on. */
static void publish_more_than_leaves(void *context) {
  struct reader *reader = context;
  uint8_t frame[FRAME];

  assert_int_equal(amqp_wolfssl_socket_cork(reader->pair->socket), AMQP_STATUS_OK);
  (void)driven_pair_send_until_blocked(reader->pair, frame);
  assert_int_equal(amqp_wolfssl_socket_uncork(reader->pair->socket, &no_time), AMQP_STATUS_TIMEOUT);
  assert_int_equal(pthread_create(&reader->thread, NULL, read_on_and_say_something, reader), 0);
}

/* rabbitmq-c has decided what to wait for when nothing was blocked; what is blocked later leaves all the same. */
static void test_what_is_blocked_during_a_wait_leaves(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    const struct timeval longer = {.tv_sec = 4 * (HANG_MILLISECONDS / 1000)};
    struct timeval limit = longer;
    amqp_frame_t frame;
    struct driven_pair pair;
    struct reader reader = {.pair = &pair};

    driven_pair_connect(&pair, versions[i]);
    act_at_next_poll(publish_more_than_leaves, &reader);
    assert_int_equal(amqp_simple_wait_frame_noblock(pair.connection, &frame, &limit), AMQP_STATUS_OK);
    assert_int_equal(frame.payload.method.id, AMQP_CONNECTION_BLOCKED_METHOD);
    assert_int_equal(pthread_join(reader.thread, NULL), 0);
    assert_true(reader.has_all);
    driven_pair_expect_sent(&pair);
    driven_pair_end(&pair);
  }
}

/* ---- Two senders ---- */

struct sender {
  struct driven_pair *pair;
  const uint8_t *bytes;
  size_t length;
  ssize_t result;
};

static void *send_once(void *context) {
  struct sender *sender = context;

  sender->result = driven_pair_class(sender->pair)->send(sender->pair->socket, sender->bytes, sender->length, 0);
  return NULL;
}

static ssize_t send_by_another_thread(struct driven_pair *pair, const void *bytes, size_t length) {
  struct sender sender = {pair, bytes, length, 0};
  pthread_t thread;

  assert_int_equal(pthread_create(&thread, NULL, send_once, &sender), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
  return sender.result;
}

/* Basic.Ack: class 60, method 80, a delivery tag, a bit. */
static const uint8_t ack[] = {1, 0, 1, 0, 0, 0, 13, 0, 60, 0, 80, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0xce};

/* A publisher is blocked, and the thread that receives has to acknowledge something. */
static void test_a_second_sender_waits_its_turn(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    uint8_t frame[FRAME];
    struct driven_pair pair;

    driven_pair_connect(&pair, versions[i]);
    (void)driven_pair_send_until_blocked(&pair, frame);
    for (int again = 0; again < 3; again++) {
      assert_int_equal(send_by_another_thread(&pair, ack, sizeof(ack)), RABBITMQ_STATUS_NEEDWRITE);
    }
    assert_int_equal(pair.told.times, 0);
    finish_send(&pair, frame, FRAME);
    assert_int_equal(send_by_another_thread(&pair, ack, sizeof(ack)), sizeof(ack));
    memcpy(pair.sent + pair.sent_length, ack, sizeof(ack));
    pair.sent_length += sizeof(ack);
    driven_pair_expect_all(&pair);
    driven_pair_end(&pair);
  }
}

/* The first sender's bytes have left, and it has not come back yet to hear so: another may send behind a whole frame,
   and the first is told the truth all the same. */
static void test_a_second_sender_need_not_wait_for_one_that_stays_away(void **state) {
  uint8_t frame[FRAME];
  struct driven_pair pair;
  char news[16];

  (void)state;
  driven_pair_connect(&pair, 0x0304);
  (void)driven_pair_send_until_blocked(&pair, frame);
  while (driven_pair_receive(&pair, news, sizeof(news)) < 0 &&
         driven_peer_read(&pair.peer) < pair.sent_length + sizeof(frame)) {
    struct pollfd readable = {.fd = pair.peer.descriptor, .events = POLLIN};

    (void)poll(&readable, 1, 100);
  }
  memcpy(pair.sent + pair.sent_length, frame, sizeof(frame));
  memcpy(pair.sent + pair.sent_length + sizeof(frame), ack, sizeof(ack));
  assert_int_equal(send_by_another_thread(&pair, ack, sizeof(ack)), sizeof(ack));
  assert_int_equal(driven_pair_class(&pair)->send(pair.socket, frame, sizeof(frame), 0), sizeof(frame));
  pair.sent_length += sizeof(frame) + sizeof(ack);
  driven_pair_expect_all(&pair);
  driven_pair_end(&pair);
}

/* A heartbeat waits for nobody, whoever sends it, and leaves between two frames. rabbitmq-c encodes it in the buffer
   that holds the frame which the publisher still has to finish. */
static void test_a_heartbeat_never_waits(void **state) {
  uint8_t expected_end[FRAME + sizeof(heartbeat)];
  uint8_t frame[FRAME];
  struct driven_pair pair;
  char news[16];

  (void)state;
  driven_pair_connect(&pair, 0x0304);
  (void)driven_pair_send_until_blocked(&pair, frame);
  memcpy(expected_end, frame, FRAME);
  memcpy(expected_end + FRAME, heartbeat, sizeof(heartbeat));
  for (int again = 0; again < 3; again++) {
    assert_int_equal(send_by_another_thread(&pair, heartbeat, sizeof(heartbeat)), sizeof(heartbeat));
  }
  memcpy(frame, heartbeat, sizeof(heartbeat));
  while (driven_pair_class(&pair)->send(pair.socket, frame, FRAME, 0) != FRAME) {
    struct pollfd readable = {.fd = pair.peer.descriptor, .events = POLLIN};

    assert_int_equal(pair.told.times, 0);
    (void)driven_peer_read(&pair.peer);
    (void)poll(&readable, 1, 10);
  }
  (void)driven_pair_receive(&pair, news, sizeof(news));
  memcpy(pair.sent + pair.sent_length, expected_end, sizeof(expected_end));
  pair.sent_length += sizeof(expected_end);
  driven_pair_expect_all(&pair);
  driven_pair_end(&pair);
}

/* rabbitmq-c sends one when it is due, in the middle of a wait for the peer, and hears nothing until it is accepted. */
static void test_a_heartbeat_does_not_wait_behind_a_cork(void **state) {
  int status = AMQP_STATUS_OK;
  uint8_t frame[FRAME];
  struct driven_pair pair;

  (void)state;
  driven_pair_connect(&pair, 0x0304);
  driven_pair_make_frame(frame, 'x');
  while (status == AMQP_STATUS_OK) {
    assert_int_equal(amqp_wolfssl_socket_cork(pair.socket), AMQP_STATUS_OK);
    for (int i = 0; i < 10; i++) { /* less than a record */
      assert_int_equal(driven_pair_send(&pair, frame, FRAME), FRAME);
    }
    status = amqp_wolfssl_socket_uncork(pair.socket, &no_time);
  }
  assert_int_equal(status, AMQP_STATUS_TIMEOUT);
  assert_int_equal(driven_pair_send(&pair, heartbeat, sizeof(heartbeat)), sizeof(heartbeat));
  while (driven_peer_read(&pair.peer) < pair.sent_length) {
    struct pollfd readable = {.fd = pair.peer.descriptor, .events = POLLIN};
    const struct timeval moment = {.tv_usec = 10000};

    (void)amqp_wolfssl_socket_uncork(pair.socket, &moment);
    (void)poll(&readable, 1, 10);
  }
  driven_pair_expect_all(&pair);
  driven_pair_end(&pair);
}

/* ---- Misuse ---- */

/* \param [in] bytes NULL: those that are under way */
static void expect_misuse(const uint8_t *bytes, size_t length) {
  uint8_t frame[FRAME];
  struct driven_pair pair;

  driven_pair_connect(&pair, 0x0304);
  (void)driven_pair_send_until_blocked(&pair, frame);
  for (int again = 0; again < 2; again++) {
    assert_int_equal(driven_pair_class(&pair)->send(pair.socket, bytes != NULL ? bytes : frame, length, 0),
                     AMQP_STATUS_SSL_ERROR);
    assert_int_equal(amqp_wolfssl_error_code(amqp_wolfssl_socket_error(pair.socket)),
                     AMQP_WOLFSSL_ERROR_SEND_CONTRACT_BROKEN);
  }
  assert_int_equal(driven_pair_class(&pair)->send(pair.socket, frame, sizeof(frame), 0), AMQP_STATUS_SSL_ERROR);
  assert_int_equal(pair.told.times, 1);
  assert_int_equal(pair.told.code, AMQP_WOLFSSL_ERROR_SEND_CONTRACT_BROKEN);
  driven_pair_end(&pair);
}

static void test_other_bytes_are_no_retry(void **state) {
  uint8_t other[FRAME];

  (void)state;
  driven_pair_make_frame(other, 'x');
  other[500] ^= 1;
  expect_misuse(other, sizeof(other));
  expect_misuse(heartbeat, sizeof(heartbeat));
  expect_misuse(NULL, FRAME - 1); /* fewer of the same */
}

/* rabbitmq-c gives up a publish that waits too long without closing the connection, and the program then wants to end
   it as one should. The frame for that is no retry, but nobody has made a mistake either: the record says what to do.
*/
static void test_a_send_that_was_given_up_is_called_so(void **state) {
  (void)state;
  for (int by_channel = 0; by_channel <= 1; by_channel++) {
    uint8_t frame[FRAME];
    struct driven_pair pair;
    amqp_rpc_reply_t reply;

    driven_pair_connect(&pair, 0x0304);
    (void)driven_pair_send_until_blocked(&pair, frame);
    reply = by_channel != 0 ? amqp_channel_close(pair.connection, 1, AMQP_REPLY_SUCCESS)
                            : amqp_connection_close(pair.connection, AMQP_REPLY_SUCCESS);
    assert_int_equal(reply.reply_type, AMQP_RESPONSE_LIBRARY_EXCEPTION);
    assert_int_equal(reply.library_error, AMQP_STATUS_SSL_ERROR);
    assert_int_equal(pair.told.times, 1);
    assert_int_equal(pair.told.stage, AMQP_WOLFSSL_STAGE_SEND);
    assert_int_equal(pair.told.code, AMQP_WOLFSSL_ERROR_SEND_CONTRACT_BROKEN);
    assert_non_null(strstr(pair.told.message, "an earlier send was given up"));
    assert_non_null(strstr(pair.told.message, "amqp_destroy_connection()"));
    driven_pair_end(&pair);
  }
}

/* Nobody else can finish a frame that one thread has begun and given up, and nobody can know that it has. */
static void test_a_frame_that_was_given_up_is_not_waited_for_for_ever(void **state) {
  ssize_t result = RABBITMQ_STATUS_NEEDWRITE;
  uint8_t frame[FRAME];
  struct driven_pair pair;

  (void)state;
  driven_pair_connect(&pair, 0x0304);
  driven_pair_make_frame(frame, 'x');
  assert_int_equal(driven_pair_send(&pair, frame, FRAME / 2), FRAME / 2);
  at_poll.pauses = 0;
  at_poll.paused = 0;
  at_poll.skip_pauses = true;
  while (result == RABBITMQ_STATUS_NEEDWRITE) {
    result = send_by_another_thread(&pair, ack, sizeof(ack));
  }
  at_poll.skip_pauses = false;
  assert_int_equal(result, AMQP_STATUS_SSL_ERROR);
  assert_int_equal(at_poll.paused, 10000);
  assert_true(at_poll.pauses < 2000);
  assert_int_equal(pair.told.times, 1);
  assert_int_equal(pair.told.code, AMQP_WOLFSSL_ERROR_SEND_CONTRACT_BROKEN);
  assert_non_null(strstr(pair.told.message, "another thread has given up a send"));
  assert_non_null(strstr(pair.told.message, "amqp_destroy_connection()"));
  driven_pair_end(&pair);
}

/* ---- Threads that read the record while it changes ---- */

static void test_a_record_does_not_change_in_a_programs_hands(void **state) {
  const amqp_wolfssl_error_t *first;
  const amqp_wolfssl_error_t *second;
  uint8_t frame[FRAME];
  struct driven_pair pair;

  (void)state;
  driven_pair_connect(&pair, 0x0304);
  first = amqp_wolfssl_socket_error(pair.socket);
  assert_int_equal(amqp_wolfssl_error_code(first), AMQP_WOLFSSL_OK);
  (void)driven_pair_send_until_blocked(&pair, frame);
  assert_int_equal(driven_pair_class(&pair)->send(pair.socket, heartbeat, sizeof(heartbeat), 0), AMQP_STATUS_SSL_ERROR);
  assert_int_equal(amqp_wolfssl_error_code(first), AMQP_WOLFSSL_OK);
  second = amqp_wolfssl_socket_error(pair.socket);
  assert_int_equal(amqp_wolfssl_error_code(second), AMQP_WOLFSSL_ERROR_SEND_CONTRACT_BROKEN);
  assert_ptr_equal(amqp_wolfssl_socket_error(pair.socket), second);
  driven_pair_end(&pair);
}

/* Once sending has failed, nothing more is taken, not even by a cork: it could never leave. */
static void test_a_broken_connection_takes_nothing(void **state) {
  uint8_t frame[FRAME];
  struct driven_pair pair;

  (void)state;
  driven_pair_connect(&pair, 0x0304);
  (void)driven_pair_send_until_blocked(&pair, frame);
  assert_int_equal(driven_pair_class(&pair)->send(pair.socket, heartbeat, sizeof(heartbeat), 0), AMQP_STATUS_SSL_ERROR);
  assert_int_equal(amqp_wolfssl_socket_cork(pair.socket), AMQP_STATUS_OK);
  assert_int_equal(driven_pair_class(&pair)->send(pair.socket, frame, sizeof(frame), 0), AMQP_STATUS_SSL_ERROR);
  driven_pair_end(&pair);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_what_comes_later_is_heard),
      cmocka_unit_test(test_what_waits_leaves_while_the_program_receives),
      cmocka_unit_test(test_nothing_is_waited_for_in_vain),
      cmocka_unit_test(test_rabbitmq_hears_what_comes_later),
      cmocka_unit_test(test_rabbitmq_waits_no_longer_than_its_limit),
      cmocka_unit_test(test_what_is_blocked_during_a_wait_leaves),
      cmocka_unit_test(test_a_second_sender_waits_its_turn),
      cmocka_unit_test(test_a_heartbeat_never_waits),
      cmocka_unit_test(test_a_heartbeat_does_not_wait_behind_a_cork),
      cmocka_unit_test(test_a_second_sender_need_not_wait_for_one_that_stays_away),
      cmocka_unit_test(test_other_bytes_are_no_retry),
      cmocka_unit_test(test_a_send_that_was_given_up_is_called_so),
      cmocka_unit_test(test_a_frame_that_was_given_up_is_not_waited_for_for_ever),
      cmocka_unit_test(test_a_record_does_not_change_in_a_programs_hands),
      cmocka_unit_test(test_a_broken_connection_takes_nothing),
  };

  if (argc > 1) {
    cmocka_set_test_filter(argv[1]);
  }
  time_limit_start(TIME_LIMIT_SECONDS);
  return cmocka_run_group_tests(tests, minted_certificates_server_alone, minted_certificates_tear_down);
}
