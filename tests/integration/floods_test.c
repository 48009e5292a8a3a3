/* SPDX-License-Identifier: MIT */
/*
 * Servers that flood a client of rabbitmq-c for as long as it stays: with KeyUpdates, whose answers nobody reads, and
 * with records that carry nothing. The client's memory stays as it is, rabbitmq-c's time limits hold, and the sentence
 * says what came. What real peers send in small numbers goes through (record_attacks_test.c has the numbers).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <amqp_wolfssl_socket.h>

#include "client.h"
#include "heap_in_use.h"
#include "minted_certificates.h"
#include "paths.h"
#include "peer_process.h"
#include "time_limit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TIME_LIMIT_SECONDS 120 /* a safety net */
/* Longer than any limit here, and any pause of a machine that has much to do. */
#define HANG_SECONDS 20
#define GROWTH_LIMIT ((size_t)1024 * 1024)
/* So little that answers soon wait in the client. */
#define SEND_BUFFER 16384

/* With a byte too many: rabbitmq-c loses track if the very first frame is none but header and end. */
#define HEARTBEAT "0800000000000178ce"
/* A body frame on channel 1, with one byte. */
#define FRAME "0300010000000178ce"

/* ---- Client and server ---- */

struct flooded {
  struct peer_process *server;
  struct client client;
  size_t heap;        /* when it was connected */
  size_t most_growth; /* since then */
};

static void look_at_heap(struct flooded *flooded) {
  const size_t heap = heap_in_use();

  if (heap > flooded->heap && heap - flooded->heap > flooded->most_growth) {
    flooded->most_growth = heap - flooded->heap;
  }
}

/* \param [in] arguments of the server, its name first */
static struct flooded connect_to(const char *const *arguments) {
  const struct client_settings settings = {.ca = "server"};
  struct flooded flooded = {.client = client_new(&settings)};
  const int buffer = SEND_BUFFER;
  int port;

  peer_require(arguments[0]);
  flooded.server = peer_process_start(arguments);
  port = (int)strtol(peer_process_expect_line(flooded.server, "PORT "), NULL, 10);
  client_open(&flooded.client, "127.0.0.1", port);
  assert_int_equal(
      setsockopt(amqp_get_sockfd(flooded.client.connection), SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer)), 0);
  flooded.heap = heap_in_use();
  return flooded;
}

/* The server first: what is unsent then can't leave, and nobody waits for it. */
static void disconnect(struct flooded *flooded) {
  peer_process_stop(flooded->server);
  client_destroy(&flooded->client);
}

/* One wait of rabbitmq-c's. */
static int wait_for_frame(struct flooded *flooded, long milliseconds, amqp_frame_t *frame) {
  struct timeval limit = {.tv_sec = milliseconds / 1000, .tv_usec = milliseconds % 1000 * 1000};
  int status;

  amqp_maybe_release_buffers(flooded->client.connection);
  status = amqp_simple_wait_frame_noblock(flooded->client.connection, frame, &limit);
  look_at_heap(flooded);
  return status;
}

/* Waits that take what comes, until one has another end. \return which */
static int consume(struct flooded *flooded, long milliseconds, size_t most, size_t *frames) {
  int status = AMQP_STATUS_OK;
  amqp_frame_t frame;

  for (*frames = 0; *frames < most; ++*frames) {
    status = wait_for_frame(flooded, milliseconds, &frame);
    if (status != AMQP_STATUS_OK) {
      break;
    }
    assert_int_equal(frame.frame_type, AMQP_FRAME_BODY);
    assert_int_equal(frame.payload.body_fragment.len, 1);
  }
  return status;
}

static long milliseconds_since(const struct timespec *start) {
  struct timespec now;

  assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
  return (long)(now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000;
}

static void expect_bounds(const struct flooded *flooded, const char *what, const struct timespec *start) {
  const long took = milliseconds_since(start);

  print_message("# %s: after %ld ms; the heap has grown by %zu bytes at most; %s\n", what, took, flooded->most_growth,
                amqp_wolfssl_error_message(amqp_wolfssl_socket_error(flooded->client.socket)));
  assert_true(took < HANG_SECONDS * 1000L);
  if (heap_can_be_measured()) {
    assert_true(flooded->most_growth < GROWTH_LIMIT);
  }
}

static void expect_violation(const struct flooded *flooded, const char *sentence) {
  const amqp_wolfssl_error_t *error = amqp_wolfssl_socket_error(flooded->client.socket);

  assert_string_equal(amqp_wolfssl_code_name(amqp_wolfssl_error_code(error)), "PROTOCOL_VIOLATION");
  assert_non_null(strstr(amqp_wolfssl_error_message(error), sentence));
}

/* ---- KeyUpdates of OpenSSL's ---- */

/* \param [in] text sent behind each; NULL: nothing */
static struct flooded connect_to_openssl(const char *text) {
  const char *const arguments[] = {path_in_build_tree("tests/support/flooding_server"), minted_certificate("server"),
                                   minted_key("server"), text, NULL};

  return connect_to(arguments);
}

static void key_updates_alone(void **state) {
  struct flooded flooded = connect_to_openssl(NULL);
  struct timespec start;
  amqp_frame_t frame;
  (void)state;

  assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &start), 0);
  assert_int_equal(wait_for_frame(&flooded, 1000, &frame), AMQP_STATUS_SSL_ERROR);
  expect_bounds(&flooded, "KeyUpdates", &start);
  expect_violation(&flooded, "more than 30 records in a row without any data");
  disconnect(&flooded);
}

static void cork_some_messages(const struct flooded *flooded) {
  assert_int_equal(amqp_wolfssl_socket_cork(flooded->client.socket), AMQP_STATUS_OK);
  for (int i = 0; i < 10; i++) {
    assert_int_equal(amqp_basic_publish(flooded->client.connection, CLIENT_CHANNEL, amqp_empty_bytes,
                                        amqp_cstring_bytes("queue"), 0, 0, NULL, amqp_cstring_bytes("message")),
                     AMQP_STATUS_OK);
  }
}

/* Data between them is all that a server needs to go on for ever. Then its client stops reading once too many answers
   wait, and rabbitmq-c, which could not stop while heartbeats come, ends its wait. */
static void check_key_updates_with_data(const char *text, bool corked, long milliseconds) {
  struct flooded flooded = connect_to_openssl(text);
  struct timespec start;
  size_t frames;

  if (corked) {
    cork_some_messages(&flooded);
  }
  assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &start), 0);
  assert_int_equal(consume(&flooded, milliseconds, SIZE_MAX, &frames), AMQP_STATUS_TIMEOUT);
  expect_bounds(&flooded, corked ? "KeyUpdates with data, corked" : "KeyUpdates with data", &start);
  assert_int_equal(amqp_wolfssl_error_code(amqp_wolfssl_socket_error(flooded.client.socket)), AMQP_WOLFSSL_OK);
  assert_true(frames == 0 ? strcmp(text, HEARTBEAT) == 0 : strcmp(text, FRAME) == 0);
  disconnect(&flooded);
}

static void key_updates_with_data(void **state) {
  (void)state;
  check_key_updates_with_data(HEARTBEAT, false, 1000);
  check_key_updates_with_data(HEARTBEAT, true, 200);
  check_key_updates_with_data(FRAME, false, 200);
}

/* ---- Records that are crafted ---- */

enum { RECORDS = 9 };

struct crafted {
  const char *version;
  const char *records[RECORDS];
  const char *sentence; /* NULL: nothing to object to */
};

#define EMPTY "23:"
#define WARNING "21:0164" /* no_renegotiation */
/* The only warning that TLS 1.3 has, besides close_notify (RFC 8446, section 6). */
#define USER_CANCELED "21:015a"
#define HELLO_REQUEST "22:00000000"
#define KEY_UPDATE_TEXT "18000001" /* and a byte: whether it asks for one in return */
#define KEY_UPDATE "22:" KEY_UPDATE_TEXT "00"
/* lifetime, age, an empty nonce, a ticket of four bytes, no extensions */
#define TICKET "22:040000110000006400000000000004010203040000"

static struct flooded connect_to_crafting(const struct crafted *crafted, const char *place) {
  const char *arguments[5 + RECORDS + 1] = {path_in_build_tree("tests/support/crafting_server"),
                                            minted_certificate("server"), minted_key("server"), crafted->version,
                                            place};

  for (size_t i = 0; i < RECORDS && crafted->records[i] != NULL; i++) {
    arguments[5 + i] = crafted->records[i];
  }
  return connect_to(arguments);
}

static void records_that_carry_nothing(void **state) {
  static const char without_data[] = "more than 30 records in a row without any data";
  static const struct crafted rows[] = {
      {"1.2", {"1x" EMPTY}, without_data},
      {"1.2", {"1x" WARNING}, "warning alerts"},
      {"1.2", {"1x" HELLO_REQUEST}, "HelloRequest"},
      {"1.3", {"1x" EMPTY}, without_data},
      {"1.3", {"1x" TICKET}, without_data},
      {"1.3", {"1x" USER_CANCELED}, "warning alerts"},
      /* a KeyUpdate in records of one byte, which some versions of wolfSSL refuse in their own words */
      {"1.3", {"1x22:18", "1x22:00", "1x22:00", "2x22:01"}, ""},
  };
  (void)state;

  for (size_t i = 0; i < COUNT(rows); i++) {
    struct flooded flooded = connect_to_crafting(&rows[i], "endless");
    struct timespec start;
    amqp_frame_t frame;

    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &start), 0);
    assert_int_equal(wait_for_frame(&flooded, 1000, &frame), AMQP_STATUS_SSL_ERROR);
    expect_bounds(&flooded, rows[i].records[0], &start);
    expect_violation(&flooded, rows[i].sentence);
    disconnect(&flooded);
  }
}

#define SOME_KEY_UPDATES 3000 /* almost a full record */

/* "1x22:", and as many KeyUpdates as wolfSSL takes from one record, though each should end it (RFC 8446, 5.1). */
static const char *one_record_of_key_updates(const char *request) {
  static char record[5 + SOME_KEY_UPDATES * 10 + 1];
  size_t length = 0;

  length += (size_t)snprintf(record, sizeof(record), "1x22:");
  for (size_t i = 0; i < SOME_KEY_UPDATES; i++) {
    length += (size_t)snprintf(record + length, sizeof(record) - length, KEY_UPDATE_TEXT "%s", request);
  }
  return record;
}

/* Few records can keep a client busy too. A version of wolfSSL that refuses them has its own words. */
static void much_in_few_records(void **state) {
  const struct crafted row = {"1.3", {one_record_of_key_updates("00")}, NULL};
  struct flooded flooded = connect_to_crafting(&row, "endless");
  const amqp_wolfssl_error_t *error;
  struct timespec start;
  amqp_frame_t frame;
  (void)state;

  assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &start), 0);
  assert_int_equal(wait_for_frame(&flooded, HANG_SECONDS * 1000L, &frame), AMQP_STATUS_SSL_ERROR);
  expect_bounds(&flooded, "records full of KeyUpdates", &start);
  error = amqp_wolfssl_socket_error(flooded.client.socket);
  if (amqp_wolfssl_error_wolfssl_code(error) == 0) {
    expect_violation(&flooded, "more than 32768 bytes in a row without any data");
  }
  disconnect(&flooded);
}

/* The same with data in between: more answers wait than the client wants, but not without end. */
static void much_in_few_records_with_data(void **state) {
  const struct crafted row = {"1.3", {one_record_of_key_updates("01"), "1x23:" FRAME}, NULL};
  struct flooded flooded = connect_to_crafting(&row, "endless");
  struct timespec start;
  size_t frames;
  int status;
  (void)state;

  assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &start), 0);
  status = consume(&flooded, 200, 1000, &frames);
  expect_bounds(&flooded, "records full of KeyUpdates, with data", &start);
  assert_true(status == AMQP_STATUS_TIMEOUT || status == AMQP_STATUS_SSL_ERROR);
  disconnect(&flooded);
}

/* With data in between they may go on for ever, and cost nothing but time. */
static void records_that_carry_little(void **state) {
  static const struct crafted rows[] = {
      {"1.2", {"29x" EMPTY, "1x23:" FRAME}, NULL},
      {"1.3", {"29x" EMPTY, "1x23:" FRAME}, NULL},
      {"1.3", {"29x" TICKET, "1x23:" FRAME}, NULL},
      {"1.3", {"29x" KEY_UPDATE, "1x23:" FRAME}, NULL},
      {"1.2", {"1x23:03", "1x23:00", "1x23:01", "3x23:00", "1x23:01", "1x23:78", "1x23:ce"}, NULL},
      {"1.3", {"1x23:03", "1x23:00", "1x23:01", "3x23:00", "1x23:01", "1x23:78", "1x23:ce"}, NULL},
  };
  (void)state;

  for (size_t i = 0; i < COUNT(rows); i++) {
    struct flooded flooded = connect_to_crafting(&rows[i], "endless");
    struct timespec start;
    size_t frames;

    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &start), 0);
    assert_int_equal(consume(&flooded, HANG_SECONDS * 1000L, 200, &frames), AMQP_STATUS_OK);
    expect_bounds(&flooded, rows[i].records[0], &start);
    disconnect(&flooded);
  }
}

/* A frame that does not end, a byte a record. */
static void a_frame_that_does_not_end(void **state) {
  static const struct crafted rows[] = {
      {"1.2", {"1x23:0300010000f000", "10000x23:78"}, NULL},
      {"1.3", {"1x23:0300010000f000", "10000x23:78"}, NULL},
  };
  (void)state;

  for (size_t i = 0; i < COUNT(rows); i++) {
    struct flooded flooded = connect_to_crafting(&rows[i], "late");
    struct timespec start;
    amqp_frame_t frame;

    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &start), 0);
    assert_int_equal(wait_for_frame(&flooded, 200, &frame), AMQP_STATUS_TIMEOUT);
    expect_bounds(&flooded, "bytes of a frame", &start);
    disconnect(&flooded);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(key_updates_alone, peer_process_tear_down),
      cmocka_unit_test_teardown(key_updates_with_data, peer_process_tear_down),
      cmocka_unit_test_teardown(records_that_carry_nothing, peer_process_tear_down),
      cmocka_unit_test_teardown(much_in_few_records, peer_process_tear_down),
      cmocka_unit_test_teardown(much_in_few_records_with_data, peer_process_tear_down),
      cmocka_unit_test_teardown(records_that_carry_little, peer_process_tear_down),
      cmocka_unit_test_teardown(a_frame_that_does_not_end, peer_process_tear_down),
  };

  time_limit_start(TIME_LIMIT_SECONDS);
  return cmocka_run_group_tests_name("floods", tests, minted_certificates_server_alone, minted_certificates_tear_down);
}
