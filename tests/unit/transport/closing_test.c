/* SPDX-License-Identifier: MIT */
/*
 * Closing a connection whose peer does not read, or has not read all: what becomes of the bytes, what is said of those
 * that are lost, and how long it takes. The peer acts when the test tells it to, some of it in the middle of a wait.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/sockios.h>

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

/* ---- In order ---- */

/* A few frames that a cork holds, behind a connection that is full. */
static void cork_behind_a_full_connection(struct driven_pair *pair, uint8_t frame[FRAME]) {
  assert_int_equal(amqp_wolfssl_socket_cork(pair->socket), AMQP_STATUS_OK);
  (void)driven_pair_send_until_blocked(pair, frame);
  assert_int_equal(pair->told.times, 0);
}

static void *read_to_end(void *context) {
  struct driven_pair *pair = context;

  driven_peer_read_to_end(&pair->peer);
  return NULL;
}

/* A thread reads, for close() does not return before. */
static void test_closing_waits_for_a_peer_that_reads_on(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    uint8_t frame[FRAME];
    struct driven_pair pair;
    pthread_t reader;

    driven_pair_connect(&pair, versions[i]);
    cork_behind_a_full_connection(&pair, frame);
    assert_int_equal(pthread_create(&reader, NULL, read_to_end, &pair), 0);
    assert_int_equal(driven_pair_class(&pair)->close(pair.socket, RABBITMQ_CLOSE_NONE), AMQP_STATUS_OK);
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_int_equal(pair.told.times, 0);
    driven_pair_expect_sent(&pair);
    driven_pair_end(&pair);
  }
}

static void test_closing_says_what_is_lost(void **state) {
  (void)state;
  for (int by_delete = 0; by_delete <= 1; by_delete++) {
    uint8_t frame[FRAME];
    struct timespec before;
    struct timespec after;
    struct driven_pair pair;

    driven_pair_connect(&pair, 0x0304);
    cork_behind_a_full_connection(&pair, frame);
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &before), 0);
    if (by_delete != 0) {
      assert_int_equal(amqp_destroy_connection(pair.connection), AMQP_STATUS_OK);
      pair.connection = NULL;
    } else {
      assert_int_equal(driven_pair_class(&pair)->close(pair.socket, RABBITMQ_CLOSE_NONE), AMQP_STATUS_OK);
      assert_int_equal(amqp_wolfssl_error_code(amqp_wolfssl_socket_error(pair.socket)), AMQP_WOLFSSL_ERROR_TIMED_OUT);
    }
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &after), 0);
    assert_true(after.tv_sec - before.tv_sec < 10);
    assert_int_equal(pair.told.times, 1);
    assert_int_equal(pair.told.stage, AMQP_WOLFSSL_STAGE_CLOSE);
    assert_int_equal(pair.told.code, AMQP_WOLFSSL_ERROR_TIMED_OUT);
    assert_non_null(strstr(pair.told.message, " bytes "));
    driven_pair_end(&pair);
  }
}

/* Bytes that the client's kernel has, and the peer's has not. */
static int bytes_on_their_way(const struct driven_pair *pair) {
  int count = -1;

  assert_int_equal(ioctl(amqp_socket_get_sockfd(pair->socket), SIOCOUTQ, &count), 0);
  return count;
}

/* Acknowledgements are late at times, but not as late as this. */
static bool are_many_on_their_way_for_good(const struct driven_pair *pair) {
  for (int i = 0; i < 30; i++) {
    if (bytes_on_their_way(pair) <= 4 * FRAME) {
      return false;
    }
    (void)poll(NULL, 0, 10);
  }
  return true;
}

/* All that was sent is in the client's kernel, which can't pass all of it on: the peer's buffer is full. */
static void fill_the_peer(struct driven_pair *pair) {
  uint8_t frame[FRAME];

  do {
    driven_pair_make_frame(frame, (uint8_t)pair->sent_length);
    assert_int_equal(driven_pair_send(pair, frame, FRAME), FRAME);
  } while (!are_many_on_their_way_for_good(pair));
}

struct late_reader {
  struct driven_pair *pair;
  pthread_t thread;
  bool started;
};

static void start_reading(void *context) {
  struct late_reader *reader = context;

  reader->started = pthread_create(&reader->thread, NULL, read_to_end, reader->pair) == 0;
}

/* The kernel drops what it has not passed on if something unread is left when a socket is closed. */
static void test_closing_with_something_unread_loses_nothing(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct late_reader reader = {.started = false};
    struct driven_pair pair;

    driven_pair_connect(&pair, versions[i]);
    reader.pair = &pair;
    fill_the_peer(&pair);
    driven_peer_say(&pair.peer, heartbeat, sizeof(heartbeat));
    act_at_next_poll(start_reading, &reader);
    assert_int_equal(driven_pair_class(&pair)->close(pair.socket, RABBITMQ_CLOSE_NONE), AMQP_STATUS_OK);
    at_poll.act = NULL;
    if (reader.started) {
      assert_int_equal(pthread_join(reader.thread, NULL), 0);
    } else {
      driven_peer_read_to_end(&pair.peer);
    }
    assert_int_equal(pair.peer.seen_length, pair.sent_length);
    assert_memory_equal(pair.peer.seen, pair.sent, pair.sent_length);
    assert_int_equal(pair.told.times, 0);
    driven_pair_end(&pair);
  }
}

/* What the kernel has may be lost as well. */
static void test_closing_says_what_was_not_acknowledged(void **state) {
  struct driven_pair pair;

  (void)state;
  driven_pair_connect(&pair, 0x0304);
  fill_the_peer(&pair);
  assert_int_equal(driven_pair_class(&pair)->close(pair.socket, RABBITMQ_CLOSE_NONE), AMQP_STATUS_OK);
  assert_int_equal(pair.told.times, 1);
  assert_int_equal(pair.told.stage, AMQP_WOLFSSL_STAGE_CLOSE);
  assert_int_equal(pair.told.code, AMQP_WOLFSSL_ERROR_TIMED_OUT);
  assert_non_null(strstr(pair.told.message, " bytes "));
  driven_pair_end(&pair);
}

/* When the peer has everything, nobody waits for it, and what it said meanwhile does not end the stream badly. */
static void test_closing_an_idle_connection_waits_for_nothing(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct driven_pair pair;
    ssize_t count;
    char news[16];

    driven_pair_connect(&pair, versions[i]);
    assert_int_equal(driven_pair_send(&pair, heartbeat, sizeof(heartbeat)), sizeof(heartbeat));
    driven_pair_expect_all(&pair);
    driven_peer_say(&pair.peer, "news", 4);
    assert_int_equal(driven_pair_receive_in_time(&pair, news, sizeof(news)), 4);
    assert_int_equal(bytes_on_their_way(&pair), 0);
    driven_peer_say(&pair.peer, "more", 4);
    at_poll.calls = 0;
    assert_int_equal(driven_pair_class(&pair)->close(pair.socket, RABBITMQ_CLOSE_NONE), AMQP_STATUS_OK);
    assert_int_equal(at_poll.calls, 0);
    assert_int_equal(pair.told.times, 0);
    while ((count = recv(pair.peer.descriptor, news, sizeof(news), 0)) > 0) {
    }
    assert_int_equal(count, 0);
    driven_pair_end(&pair);
  }
}

/* The peer's bytes are wrong, and ours were not sent: the first cause stays, and the loss is added. */
static void test_a_fatal_error_while_closing_stays_in_the_record(void **state) {
  static const uint8_t no_record[] = {23, 3,  3,  0,  20, 1,  2,  3,  4,  5,  6,  7, 8,
                                      9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
  uint8_t frame[FRAME];
  struct driven_pair pair;

  (void)state;
  driven_pair_connect(&pair, 0x0304);
  cork_behind_a_full_connection(&pair, frame);
  assert_int_equal(send(pair.peer.descriptor, no_record, sizeof(no_record), MSG_NOSIGNAL), sizeof(no_record));
  at_poll.calls = 0;
  assert_int_equal(driven_pair_class(&pair)->close(pair.socket, RABBITMQ_CLOSE_NONE), AMQP_STATUS_OK);
  assert_int_equal(at_poll.calls, 0);
  assert_int_equal(pair.told.times, 1);
  assert_int_equal(pair.told.stage, AMQP_WOLFSSL_STAGE_RECEIVE);
  assert_int_not_equal(pair.told.code, AMQP_WOLFSSL_ERROR_TIMED_OUT);
  assert_non_null(strstr(pair.told.message, "; up to "));
  driven_pair_end(&pair);
}

/* Of a connection that has failed already the callback was told; that bytes are lost as well is news. */
static void test_a_loss_is_told_after_a_failure(void **state) {
  uint8_t frame[FRAME];
  struct driven_pair pair;

  (void)state;
  driven_pair_connect(&pair, 0x0304);
  cork_behind_a_full_connection(&pair, frame);
  assert_int_equal(amqp_wolfssl_socket_uncork(pair.socket, &no_time), AMQP_STATUS_TIMEOUT);
  assert_int_equal(driven_pair_class(&pair)->send(pair.socket, heartbeat, 4, 0), AMQP_STATUS_SSL_ERROR);
  assert_int_equal(pair.told.times, 1);
  assert_int_equal(driven_pair_class(&pair)->close(pair.socket, RABBITMQ_CLOSE_NONE), AMQP_STATUS_OK);
  assert_int_equal(pair.told.times, 2);
  assert_int_equal(pair.told.code, AMQP_WOLFSSL_ERROR_SEND_CONTRACT_BROKEN);
  assert_non_null(strstr(pair.told.message, "; up to "));
  driven_pair_end(&pair);
}

static void break_next_poll(void *context) {
  (void)context;
  at_poll.fails = true;
}

/* A wait that fails is a cause of its own. */
static void test_a_failed_wait_while_closing_is_told(void **state) {
  uint8_t frame[FRAME];
  struct driven_pair pair;

  (void)state;
  driven_pair_connect(&pair, 0x0304);
  cork_behind_a_full_connection(&pair, frame);
  act_at_next_poll(break_next_poll, NULL);
  assert_int_equal(driven_pair_class(&pair)->close(pair.socket, RABBITMQ_CLOSE_NONE), AMQP_STATUS_OK);
  assert_int_equal(pair.told.times, 1);
  assert_int_equal(pair.told.stage, AMQP_WOLFSSL_STAGE_CLOSE);
  assert_int_equal(pair.told.code, AMQP_WOLFSSL_ERROR_CONNECTION_LOST);
  assert_non_null(strstr(pair.told.message, "; up to "));
  driven_pair_end(&pair);
}

static void test_closing_by_force_waits_for_nothing(void **state) {
  uint8_t frame[FRAME];
  struct driven_pair pair;

  (void)state;
  driven_pair_connect(&pair, 0x0304);
  cork_behind_a_full_connection(&pair, frame);
  at_poll.calls = 0;
  assert_int_equal(driven_pair_class(&pair)->close(pair.socket, RABBITMQ_CLOSE_FORCE), AMQP_STATUS_OK);
  assert_int_equal(at_poll.calls, 0);
  assert_int_equal(amqp_wolfssl_socket_poll_events(pair.socket), 0); /* not open */
  assert_int_equal(amqp_wolfssl_socket_poll_events(NULL), 0);
  driven_pair_end(&pair);
}

/* ---- By force, while another thread waits ---- */

struct waiter {
  struct driven_pair *pair;
  sem_t about_to_wait;
  pid_t thread;
  int status;
  bool woken;
};

static void say_that_it_waits(void *context) {
  struct waiter *waiter = context;

  waiter->thread = gettid();
  (void)sem_post(&waiter->about_to_wait);
}

static bool is_asleep(pid_t thread) {
  char path[64];
  char state = 0;
  FILE *file;

  (void)snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)thread);
  file = fopen(path, "r");
  assert_non_null(file);
  assert_int_equal(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
  (void)fclose(file);
  return state == 'S';
}

static void *uncork_in_time(void *context) {
  struct waiter *waiter = context;

  waiter->status = amqp_wolfssl_socket_uncork(waiter->pair->socket, &soon);
  return NULL;
}

static void *wait_for_either_way(void *context) {
  struct waiter *waiter = context;
  char news[16];

  waiter->woken =
      driven_pair_wait(waiter->pair, driven_pair_receive(waiter->pair, news, sizeof(news)), HANG_MILLISECONDS);
  return NULL;
}

/* \return what the other saw */
static struct waiter close_while_another_waits(void *(*wait)(void *context)) {
  struct waiter waiter = {.status = 0};
  uint8_t frame[FRAME];
  struct timespec before;
  struct timespec after;
  struct driven_pair pair;
  pthread_t thread;

  driven_pair_connect(&pair, 0x0304);
  cork_behind_a_full_connection(&pair, frame);
  waiter.pair = &pair;
  assert_int_equal(sem_init(&waiter.about_to_wait, 0, 0), 0);
  act_at_next_poll(say_that_it_waits, &waiter);
  assert_int_equal(pthread_create(&thread, NULL, wait, &waiter), 0);
  assert_int_equal(sem_wait(&waiter.about_to_wait), 0);
  while (!is_asleep(waiter.thread)) {
    (void)sched_yield();
  }
  assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &before), 0);
  assert_int_equal(driven_pair_class(&pair)->close(pair.socket, RABBITMQ_CLOSE_FORCE), AMQP_STATUS_OK);
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &after), 0);
  assert_true(after.tv_sec - before.tv_sec < soon.tv_sec / 2); /* at its limit, poll() sees that the socket is gone */
  (void)sem_destroy(&waiter.about_to_wait);
  driven_pair_end(&pair);
  waiter.pair = NULL;
  return waiter;
}

static void test_closing_by_force_wakes_who_waits(void **state) {
  (void)state;
  assert_int_equal(close_while_another_waits(uncork_in_time).status, AMQP_STATUS_SOCKET_CLOSED);
  assert_true(close_while_another_waits(wait_for_either_way).woken);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_closing_waits_for_a_peer_that_reads_on),
      cmocka_unit_test(test_closing_says_what_is_lost),
      cmocka_unit_test(test_closing_with_something_unread_loses_nothing),
      cmocka_unit_test(test_closing_says_what_was_not_acknowledged),
      cmocka_unit_test(test_closing_an_idle_connection_waits_for_nothing),
      cmocka_unit_test(test_a_fatal_error_while_closing_stays_in_the_record),
      cmocka_unit_test(test_a_loss_is_told_after_a_failure),
      cmocka_unit_test(test_a_failed_wait_while_closing_is_told),
      cmocka_unit_test(test_closing_by_force_waits_for_nothing),
      cmocka_unit_test(test_closing_by_force_wakes_who_waits),
  };

  if (argc > 1) {
    cmocka_set_test_filter(argv[1]);
  }
  time_limit_start(TIME_LIMIT_SECONDS);
  return cmocka_run_group_tests(tests, minted_certificates_server_alone, minted_certificates_tear_down);
}
