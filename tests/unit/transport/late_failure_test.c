/* SPDX-License-Identifier: MIT */
/*
 * Failures and ends that a receive or a close comes upon. The program hears of them from the same call, unless that is
 * a receive and has data for it, and until then the record speaks of nothing. Most are of output that can't leave any
 * more. Whoever was sent to wait instead could wait for ever: what makes send() fail (a packet filter, lack of memory)
 * need not end the stream, and then nothing wakes anybody.
 *
 * This program has a send(), a recv() and a poll() of its own, which make the client's socket block and fail where the
 * test wants it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "amqp_wolfssl_socket.h"
#include "driven_pair.h"
#include "minted_certificates.h"
#include "time_limit.h"
#include "unsigned_range.h"

#define TIME_LIMIT_SECONDS 120 /* a safety net */

/* ---- send(), recv() and poll() ---- */

/* What the client's socket does. */
static struct {
  int descriptor; /* -1: what it should */
  int error;      /* of its sends; 0: none */
  bool in_halves; /* a send takes one half of what it is given */
  unsigned first; /* how many sends do well, before that error */

  /* Once a receive has found nothing: */
  bool fails_then; /* this is how sends fail from then on, */
  unsigned first_then;
  struct driven_peer *talker; /* and who says something; NULL: nobody */

  struct driven_peer *leaver; /* who hangs up once the client waits; NULL: nobody */
  unsigned waits;
  bool wait_fails;                  /* for lack of memory, once */
  const amqp_socket_t *asked_about; /* by another thread, during each wait; NULL: nothing is asked */
} wire;

static const char late_words[] = "late";

static void say_late_words(struct driven_peer *peer) {
  struct pollfd readable = {.fd = wire.descriptor, .events = POLLIN};

  wire.talker = NULL;
  driven_peer_say(peer, late_words, strlen(late_words));
  assert_int_equal(poll(&readable, 1, HANG_MILLISECONDS), 1);
}

static void after_nothing_was_received(void) {
  if (wire.talker != NULL) {
    say_late_words(wire.talker);
  }
  if (wire.fails_then) {
    wire.fails_then = false;
    wire.error = EPERM;
    wire.first = wire.first_then;
  }
}

static void hang_up(struct driven_peer *peer) {
  const struct linger at_once = {.l_onoff = 1}; /* with a reset */

  wire.leaver = NULL;
  (void)setsockopt(peer->descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  (void)close(peer->descriptor);
  peer->descriptor = -1;
}

static void *ask(void *context) {
  (void)context;
  (void)amqp_wolfssl_socket_error(wire.asked_about);
  return NULL;
}

static void ask_in_another_thread(void) {
  pthread_t thread;

  assert_int_equal(pthread_create(&thread, NULL, ask, NULL), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
}

/* Other objects must find these, whatever the build hides. */
#pragma GCC visibility push(default)
ssize_t send(int descriptor, const void *bytes, size_t length, int flags) {
  ssize_t (*real)(int, const void *, size_t, int);

  *(void **)&real = dlsym(RTLD_NEXT, "send");
  if (descriptor != wire.descriptor || wire.error == 0) {
    return real(descriptor, bytes, length, flags);
  }
  if (wire.first > 0) {
    wire.first--;
    return real(descriptor, bytes, wire.in_halves ? (length + 1) / 2 : length, flags);
  }
  errno = wire.error;
  return -1;
}

ssize_t recv(int descriptor, void *bytes, size_t length, int flags) {
  ssize_t (*real)(int, void *, size_t, int);
  ssize_t result;

  *(void **)&real = dlsym(RTLD_NEXT, "recv");
  result = real(descriptor, bytes, length, flags);
  if (descriptor == wire.descriptor && result < 0) {
    const int error = errno;

    after_nothing_was_received();
    errno = error;
  }
  return result;
}

int poll(struct pollfd *descriptors, nfds_t count, int timeout) {
  int (*real)(struct pollfd *, nfds_t, int);

  wire.waits++;
  if (wire.leaver != NULL) {
    hang_up(wire.leaver);
  }
  if (wire.asked_about != NULL) {
    ask_in_another_thread();
  }
  if (wire.wait_fails) {
    wire.wait_fails = false;
    errno = ENOMEM;
    return -1;
  }
  *(void **)&real = dlsym(RTLD_NEXT, "poll");
  return real(descriptors, count, timeout);
}
#pragma GCC visibility pop

/* ---- Client and peer ---- */

static void connect_pair(struct driven_pair *pair, unsigned version) {
  driven_pair_connect(pair, version);
  memset(&wire, 0, sizeof(wire));
  wire.descriptor = amqp_socket_get_sockfd(pair->socket);
}

static void end_pair(struct driven_pair *pair) {
  wire.descriptor = -1;
  driven_pair_end(pair);
}

static ssize_t send_bytes(struct driven_pair *pair, const void *bytes, size_t length) {
  return driven_pair_class(pair)->send(pair->socket, bytes, length, 0);
}

static ssize_t receive(struct driven_pair *pair) {
  char bytes[64];

  return driven_pair_class(pair)->recv(pair->socket, bytes, sizeof(bytes), 0);
}

/* Session tickets and the like: what comes next is the test's. */
static void receive_what_is_there(struct driven_pair *pair) {
  assert_int_equal(receive(pair), RABBITMQ_STATUS_NEEDREAD);
}

/* Two frames: Basic.Ack of one message, and of another. */
static const uint8_t acks[][21] = {{1, 0, 1, 0, 0, 0, 13, 0, 60, 0, 80, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0xce},
                                   {1, 0, 1, 0, 0, 0, 13, 0, 60, 0, 80, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0xce}};

/* The first is encrypted and waits, the other behind it is held as it is. */
static void leave_two_waiting(struct driven_pair *pair) {
  const struct timeval no_time = {0, 0};

  assert_int_equal(amqp_wolfssl_socket_cork(pair->socket), AMQP_STATUS_OK);
  wire.error = EAGAIN;
  assert_int_equal(send_bytes(pair, acks[0], sizeof(acks[0])), sizeof(acks[0]));
  assert_int_equal(amqp_wolfssl_socket_uncork(pair->socket, &no_time), AMQP_STATUS_TIMEOUT);
  assert_int_equal(amqp_wolfssl_socket_cork(pair->socket), AMQP_STATUS_OK);
  assert_int_equal(send_bytes(pair, acks[1], sizeof(acks[1])), sizeof(acks[1]));
}

static void expect_no_word(const struct driven_pair *pair) {
  assert_int_equal(pair->told.times, 0);
  assert_int_equal(amqp_wolfssl_error_code(amqp_wolfssl_socket_error(pair->socket)), AMQP_WOLFSSL_OK);
}

/* The first cause, once, and every call repeats it. \param [in] seen how many bytes of both frames have left */
static void expect_failure(struct driven_pair *pair, size_t seen) {
  const amqp_wolfssl_error_t *error;

  wire.error = EPIPE; /* no matter what comes later */
  assert_int_equal(receive(pair), AMQP_STATUS_SOCKET_ERROR);
  assert_int_equal(send_bytes(pair, acks[0], sizeof(acks[0])), AMQP_STATUS_SOCKET_ERROR);
  error = amqp_wolfssl_socket_error(pair->socket);
  assert_int_equal(pair->told.times, 1);
  assert_int_equal(pair->told.stage, AMQP_WOLFSSL_STAGE_SEND);
  assert_int_equal(pair->told.code, AMQP_WOLFSSL_ERROR_CONNECTION_LOST);
  assert_non_null(strstr(pair->told.message, strerror(EPERM)));
  assert_string_equal(amqp_wolfssl_error_message(error), pair->told.message);
  wire.error = 0;
  assert_int_equal(receive(pair), AMQP_STATUS_SOCKET_ERROR); /* nothing leaves any more either */
  assert_int_equal(driven_peer_read(&pair->peer), seen);
  assert_memory_equal(pair->peer.seen, acks, seen);
}

/* ---- Cases ---- */

/* One record waits, and nothing behind it. */
static void test_what_was_to_leave(void **state) {
  (void)state;
  for (int in_halves = 0; in_halves <= 1; in_halves++) {
    struct driven_pair pair;

    connect_pair(&pair, 0x0304);
    receive_what_is_there(&pair);
    wire.error = EAGAIN;
    wire.in_halves = in_halves != 0;
    assert_int_equal(send_bytes(&pair, acks[0], sizeof(acks[0])), RABBITMQ_STATUS_NEEDWRITE);
    wire.fails_then = true;
    wire.first_then = in_halves != 0 ? 1 : 0;
    assert_int_equal(receive(&pair), AMQP_STATUS_SOCKET_ERROR);
    assert_int_equal(pair.told.times, 1);
    expect_failure(&pair, 0);
    end_pair(&pair);
  }
}

/* The first part leaves, and what is held behind it can't any more. */
static void test_what_was_held_behind_it(void **state) {
  struct driven_pair pair;

  (void)state;
  connect_pair(&pair, 0x0304);
  receive_what_is_there(&pair);
  leave_two_waiting(&pair);
  wire.fails_then = true;
  wire.first_then = 1;
  assert_int_equal(receive(&pair), AMQP_STATUS_SOCKET_ERROR);
  assert_int_equal(pair.told.times, 1);
  expect_failure(&pair, sizeof(acks[0]));
  end_pair(&pair);
}

/* What the peer said before is received first: it may be the reason. */
static void test_what_was_said_meanwhile_comes_first(void **state) {
  (void)state;
  for (int first_leaves = 0; first_leaves <= 1; first_leaves++) {
    struct driven_pair pair;

    connect_pair(&pair, 0x0304);
    receive_what_is_there(&pair);
    leave_two_waiting(&pair);
    wire.talker = &pair.peer;
    wire.fails_then = true;
    wire.first_then = first_leaves != 0 ? 1 : 0;
    assert_int_equal(receive(&pair), strlen(late_words));
    expect_no_word(&pair);
    expect_failure(&pair, first_leaves != 0 ? sizeof(acks[0]) : 0);
    end_pair(&pair);
  }
}

/* Sending fails first, and what has arrived is received all the same. */
static void test_a_record_does_not_speak_of_the_future(void **state) {
  struct driven_pair pair;

  (void)state;
  connect_pair(&pair, 0x0304);
  receive_what_is_there(&pair);
  leave_two_waiting(&pair);
  say_late_words(&pair.peer);
  wire.error = EPERM;
  assert_int_equal(receive(&pair), strlen(late_words));
  expect_no_word(&pair);
  expect_failure(&pair, 0);
  end_pair(&pair);
}

/* A failure that was told stays told, whatever is received behind it. */
static void test_a_record_that_was_told_stays(void **state) {
  struct driven_pair pair;

  (void)state;
  connect_pair(&pair, 0x0304);
  receive_what_is_there(&pair);
  leave_two_waiting(&pair);
  say_late_words(&pair.peer);
  wire.error = EPERM;
  assert_int_equal(amqp_wolfssl_socket_uncork(pair.socket, NULL), AMQP_STATUS_SOCKET_ERROR);
  assert_int_equal(pair.told.times, 1);
  assert_int_equal(receive(&pair), strlen(late_words));
  assert_int_equal(amqp_wolfssl_error_code(amqp_wolfssl_socket_error(pair.socket)), AMQP_WOLFSSL_ERROR_CONNECTION_LOST);
  expect_failure(&pair, 0);
  end_pair(&pair);
}

/* rabbitmq-c would wait for what nobody is going to say. */
static void test_rabbitmq_does_not_wait(void **state) {
  (void)state;
  for (unsigned version = 0x0303; version <= 0x0304; version++) {
    struct timeval limit = {.tv_sec = 2};
    amqp_frame_t frame;
    struct driven_pair pair;

    connect_pair(&pair, version);
    leave_two_waiting(&pair);
    wire.fails_then = true;
    wire.first_then = 1;
    assert_int_equal(amqp_simple_wait_frame_noblock(pair.connection, &frame, &limit), AMQP_STATUS_SOCKET_ERROR);
    assert_int_equal(pair.told.times, 1);
    expect_failure(&pair, sizeof(acks[0]));
    end_pair(&pair);
  }
}

/* ---- An end that comes with data ---- */

/* Connection.Blocked: class 10, method 60, a reason. */
static const uint8_t blocked_frame[] = {1, 0, 0, 0, 0, 0, 8, 0, 10, 0, 60, 3, 'l', 'o', 'w', 0xce};

/* One packet has both, so one receive sees both; rabbitmq-c has the frame before anybody hears of the end. */
static void test_an_end_behind_a_frame(void **state) {
  (void)state;
  for (unsigned version = 0x0303; version <= 0x0304; version++) {
    struct timeval limit = {.tv_sec = HANG_MILLISECONDS / 1000};
    amqp_frame_t frame;
    struct driven_pair pair;

    connect_pair(&pair, version);
    assert_true(memory_peer_write(pair.peer.tls, blocked_frame, sizeof(blocked_frame)));
    memory_peer_close_notify(pair.peer.tls);
    driven_peer_send_waiting(&pair.peer);
    assert_int_equal(amqp_simple_wait_frame_noblock(pair.connection, &frame, &limit), AMQP_STATUS_OK);
    assert_int_equal(frame.payload.method.id, AMQP_CONNECTION_BLOCKED_METHOD);
    expect_no_word(&pair);
    for (int again = 0; again < 2; again++) {
      assert_int_equal(amqp_simple_wait_frame_noblock(pair.connection, &frame, &limit), AMQP_STATUS_CONNECTION_CLOSED);
      assert_int_equal(amqp_wolfssl_error_code(amqp_wolfssl_socket_error(pair.socket)),
                       AMQP_WOLFSSL_ERROR_CLOSED_BY_PEER);
    }
    assert_int_equal(pair.told.times, 1);
    assert_int_equal(pair.told.code, AMQP_WOLFSSL_ERROR_CLOSED_BY_PEER);
    end_pair(&pair);
  }
}

/* ---- A close that waits ---- */

#define MUCH ((size_t)65536) /* the peer's buffer holds half of it */

/* All of it is in the client's kernel, and the peer, which reads nothing, has taken a part. */
static void send_much(struct driven_pair *pair) {
  const int buffer = 4 * (int)MUCH;
  uint8_t *frame = calloc(1, MUCH);

  assert_non_null(frame);
  assert_int_equal(setsockopt(wire.descriptor, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer)), 0);
  assert_int_equal(send_bytes(pair, frame, MUCH), MUCH);
  free(frame);
}

static void expect_loss(const struct driven_pair *pair, const char *sentence, int cause) {
  assert_int_equal(driven_pair_class(pair)->close(pair->socket, RABBITMQ_CLOSE_NONE), AMQP_STATUS_OK);
  assert_int_equal(pair->told.times, 1);
  assert_int_equal(pair->told.stage, AMQP_WOLFSSL_STAGE_CLOSE);
  assert_int_equal(pair->told.code, AMQP_WOLFSSL_ERROR_CONNECTION_LOST);
  assert_non_null(strstr(pair->told.message, sentence));
  assert_non_null(strstr(pair->told.message, strerror(cause)));
  assert_non_null(strstr(pair->told.message, "; up to "));
  assert_non_null(strstr(pair->told.message, " bytes of AMQP may be lost"));
}

/* Nobody waits for a peer that is gone, nor says that it was slow. Something unread may be there or not. */
static void test_a_peer_that_goes_while_it_is_waited_for(void **state) {
  (void)state;
  for (int speaks = 0; speaks <= 1; speaks++) {
    struct driven_pair pair;

    connect_pair(&pair, 0x0304);
    send_much(&pair);
    if (speaks != 0) {
      say_late_words(&pair.peer);
    }
    wire.waits = 0;
    wire.leaver = &pair.peer;
    expect_loss(&pair, "the connection was lost while it was being closed: ", ECONNRESET);
    assert_uint_in_range(wire.waits, 1, 2);
    end_pair(&pair);
  }
}

static void test_a_wait_that_fails(void **state) {
  struct driven_pair pair;

  (void)state;
  connect_pair(&pair, 0x0304);
  leave_two_waiting(&pair);
  wire.wait_fails = true;
  expect_loss(&pair, "waiting for the peer failed while the connection was being closed: ", ENOMEM);
  end_pair(&pair);
}

/* Else asking would hang: nobody waits with the lock held, be it for room or for the peer's acknowledgement. */
static void test_other_threads_go_on_while_a_close_waits(void **state) {
  (void)state;
  for (int for_room = 0; for_room <= 1; for_room++) {
    struct driven_pair pair;

    connect_pair(&pair, 0x0304);
    if (for_room != 0) {
      leave_two_waiting(&pair);
    } else {
      send_much(&pair);
    }
    wire.waits = 0;
    wire.asked_about = pair.socket;
    wire.leaver = &pair.peer;
    wire.wait_fails = for_room != 0;
    assert_int_equal(driven_pair_class(&pair)->close(pair.socket, RABBITMQ_CLOSE_NONE), AMQP_STATUS_OK);
    assert_true(wire.waits > 0);
    wire.asked_about = NULL;
    end_pair(&pair);
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_what_was_to_leave),
      cmocka_unit_test(test_what_was_held_behind_it),
      cmocka_unit_test(test_what_was_said_meanwhile_comes_first),
      cmocka_unit_test(test_a_record_does_not_speak_of_the_future),
      cmocka_unit_test(test_a_record_that_was_told_stays),
      cmocka_unit_test(test_rabbitmq_does_not_wait),
      cmocka_unit_test(test_an_end_behind_a_frame),
      cmocka_unit_test(test_a_peer_that_goes_while_it_is_waited_for),
      cmocka_unit_test(test_a_wait_that_fails),
      cmocka_unit_test(test_other_threads_go_on_while_a_close_waits),
  };

  wire.descriptor = -1;
  if (argc > 1) {
    cmocka_set_test_filter(argv[1]);
  }
  time_limit_start(TIME_LIMIT_SECONDS);
  return cmocka_run_group_tests(tests, minted_certificates_server_alone, minted_certificates_tear_down);
}
