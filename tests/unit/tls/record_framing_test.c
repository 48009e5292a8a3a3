/* SPDX-License-Identifier: MIT */
/*
 * Which records are taken: every type, version and length in every part of a connection against a table written by
 * hand, whole connections cut at every place, and each limit at its edge.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "exact_copy.h"
#include "tls/record_framing.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define GCM_1_2 0xc02f
#define CHACHA_1_2 0xcca8
#define GCM_1_3 0x1301

struct watched {
  struct server_hello hello;
  struct record_framing framing;
};

struct stream {
  uint8_t bytes[20480];
  size_t length;
};

/* ---- Streams ---- */

static void add(struct stream *stream, const void *bytes, size_t length) {
  assert_true(length <= sizeof(stream->bytes) - stream->length);
  memcpy(stream->bytes + stream->length, bytes, length);
  stream->length += length;
}

static void add_header(struct stream *stream, uint8_t type, uint16_t version, size_t length) {
  const uint8_t header[] = {type, (uint8_t)(version >> 8), (uint8_t)version, (uint8_t)(length >> 8), (uint8_t)length};

  add(stream, header, sizeof(header));
}

static void add_record(struct stream *stream, uint8_t type, const void *content, size_t length) {
  add_header(stream, type, 0x0303, length);
  add(stream, content, length);
}

static void add_zeros(struct stream *stream, uint8_t type, size_t length) {
  static const uint8_t zeros[20480];

  add_record(stream, type, zeros, length);
}

/* One handshake message in a record of its own. */
static void add_message(struct stream *stream, uint8_t type, const void *body, size_t length) {
  uint8_t message[512] = {type, 0, (uint8_t)(length >> 8), (uint8_t)length};

  assert_true(length <= sizeof(message) - 4);
  memcpy(message + 4, body, length);
  add_record(stream, 22, message, 4 + length);
}

static void add_hello(struct stream *stream, uint16_t suite, bool retry) {
  static const uint8_t retry_random[32] = {0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C,
                                           0x02, 0x1E, 0x65, 0xB8, 0x91, 0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB,
                                           0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C};
  static const uint8_t version_1_3[] = {0, 6, 0, 43, 0, 2, 3, 4};
  uint8_t body[64] = {3, 3};

  if (retry) {
    memcpy(body + 2, retry_random, sizeof(retry_random));
  }
  body[35] = (uint8_t)(suite >> 8);
  body[36] = (uint8_t)suite;
  if (suite >> 8 == GCM_1_3 >> 8) {
    memcpy(body + 38, version_1_3, sizeof(version_1_3));
    add_message(stream, 2, body, 38 + sizeof(version_1_3));
  } else {
    add_message(stream, 2, body, 38);
  }
}

static void start(struct watched *watched) {
  server_hello_init(&watched->hello);
  record_framing_init(&watched->framing, &watched->hello);
}

static bool feed(struct watched *watched, const struct stream *stream, size_t from, size_t to) {
  uint8_t *copy = exact_copy(stream->bytes + from, to - from);
  const bool is_sound = record_framing_take(&watched->framing, copy, to - from);

  free(copy);
  return is_sound;
}

static void feed_all(struct watched *watched, struct stream *stream) {
  assert_true(feed(watched, stream, 0, stream->length));
  assert_int_equal(watched->framing.header_length, 0);
  stream->length = 0;
}

/* Brings a connection to where an epoch begins. */
static void reach(struct watched *watched, enum record_epoch epoch, uint16_t suite) {
  struct stream stream = {.length = 0};

  start(watched);
  if (epoch == RECORD_EPOCH_HELLO) {
    return;
  }
  if (epoch == RECORD_EPOCH_OVER) {
    add_record(&stream, 21, "\2\50", 2);
    feed_all(watched, &stream);
    return;
  }
  add_hello(&stream, suite, false);
  feed_all(watched, &stream);
  watched->framing.our_part_has_left = true;
  if (epoch == RECORD_EPOCH_FINISHED_1_2 || epoch == RECORD_EPOCH_DATA_1_2) {
    add_record(&stream, 20, "\1", 1);
    feed_all(watched, &stream);
  }
  if (epoch == RECORD_EPOCH_DATA_1_2) {
    add_zeros(&stream, 22, 40);
    feed_all(watched, &stream);
  }
  if (epoch == RECORD_EPOCH_DATA_1_2 || epoch == RECORD_EPOCH_DATA_1_3) {
    record_framing_handshake_done(&watched->framing);
  }
  assert_int_equal(watched->framing.epoch, epoch);
}

/* ---- Headers ---- */

/* What may come: types, versions and lengths, each from and to. */
struct allowed {
  enum record_epoch epoch;
  uint16_t suite;
  uint8_t type;
  uint16_t lowest_version;
  size_t shortest;
  size_t longest;
};

static const struct allowed allowed[] = {
    {RECORD_EPOCH_HELLO, 0, 21, 0x0300, 2, 2},
    {RECORD_EPOCH_HELLO, 0, 22, 0x0300, 1, 16384},
    {RECORD_EPOCH_CLEAR, GCM_1_2, 20, 0x0303, 1, 1},
    {RECORD_EPOCH_CLEAR, GCM_1_2, 21, 0x0303, 2, 2},
    {RECORD_EPOCH_CLEAR, GCM_1_2, 22, 0x0303, 1, 16384},
    {RECORD_EPOCH_FINISHED_1_2, GCM_1_2, 21, 0x0303, 25, 18432},
    {RECORD_EPOCH_FINISHED_1_2, GCM_1_2, 22, 0x0303, 25, 18432},
    {RECORD_EPOCH_FINISHED_1_2, CHACHA_1_2, 21, 0x0303, 17, 18432},
    {RECORD_EPOCH_FINISHED_1_2, CHACHA_1_2, 22, 0x0303, 17, 18432},
    {RECORD_EPOCH_DATA_1_2, GCM_1_2, 21, 0x0303, 25, 18432},
    {RECORD_EPOCH_DATA_1_2, GCM_1_2, 22, 0x0303, 25, 18432},
    {RECORD_EPOCH_DATA_1_2, GCM_1_2, 23, 0x0303, 24, 18432},
    {RECORD_EPOCH_DATA_1_2, CHACHA_1_2, 21, 0x0303, 17, 18432},
    {RECORD_EPOCH_DATA_1_2, CHACHA_1_2, 22, 0x0303, 17, 18432},
    {RECORD_EPOCH_DATA_1_2, CHACHA_1_2, 23, 0x0303, 16, 18432},
    {RECORD_EPOCH_HANDSHAKE_1_3, GCM_1_3, 20, 0x0303, 1, 1},
    {RECORD_EPOCH_HANDSHAKE_1_3, GCM_1_3, 23, 0x0303, 17, 16640},
    {RECORD_EPOCH_DATA_1_3, GCM_1_3, 23, 0x0303, 17, 16640},
};

static bool is_allowed(enum record_epoch epoch, uint16_t suite, uint8_t type, uint16_t version, size_t length) {
  for (size_t i = 0; i < COUNT_OF(allowed); i++) {
    const struct allowed *row = &allowed[i];

    if (row->epoch == epoch && row->suite == suite && row->type == type) {
      return version >= row->lowest_version && version <= 0x0303 && length >= row->shortest && length <= row->longest;
    }
  }
  return false;
}

static void check_header(enum record_epoch epoch, uint16_t suite, uint8_t type, uint16_t version, size_t length) {
  struct stream stream = {.length = 0};
  struct watched reached;
  const bool expected = is_allowed(epoch, suite, type, version, length);

  add_header(&stream, type, version, length);
  for (size_t split = 0; split < stream.length; split++) {
    struct watched watched;

    reach(&watched, epoch, suite);
    (void)feed(&watched, &stream, 0, split);
    if (feed(&watched, &stream, split, stream.length) != expected) {
      fail_msg("epoch %d, suite 0x%04x: type %u, version 0x%04x, length %zu: %s", (int)epoch, suite, type, version,
               length, expected ? "refused" : "taken");
    }
    reached = watched;
  }
  if (expected) {
    assert_int_equal(record_framing_piece(&reached.framing), length);
    assert_int_equal(record_framing_content(&reached.framing), length);
  } else {
    assert_false(record_framing_take(&reached.framing, (const uint8_t *)"", 1)); /* it stays at fault */
  }
}

static void check_headers(enum record_epoch epoch, uint16_t suite) {
  static const uint16_t versions[] = {0,      0x0002, 0x0200, 0x02ff, 0x0300, 0x0301, 0x0302, 0x0303, 0x0304,
                                      0x0305, 0x03fe, 0x03ff, 0x0400, 0x0403, 0x7f1c, 0xfefd, 0xffff};
  static const size_t lengths[] = {0,  1,  2,  3,     4,     15,    16,    17,    18,    19,    22,
                                   23, 24, 25, 16383, 16384, 16385, 16640, 16641, 18432, 18433, 65535};

  for (unsigned type = 0; type < 256; type++) {
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
      for (size_t j = 0; j < COUNT_OF(lengths); j++) {
        check_header(epoch, suite, (uint8_t)type, versions[i], lengths[j]);
      }
    }
  }
}

static void test_headers_in_clear(void **state) {
  (void)state;
  check_headers(RECORD_EPOCH_HELLO, 0);
  check_headers(RECORD_EPOCH_CLEAR, GCM_1_2);
  check_headers(RECORD_EPOCH_OVER, 0);
}

static void test_headers_of_1_2(void **state) {
  static const uint16_t suites[] = {GCM_1_2, CHACHA_1_2};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(suites); i++) {
    check_headers(RECORD_EPOCH_FINISHED_1_2, suites[i]);
    check_headers(RECORD_EPOCH_DATA_1_2, suites[i]);
  }
}

static void test_headers_of_1_3(void **state) {
  (void)state;
  check_headers(RECORD_EPOCH_HANDSHAKE_1_3, GCM_1_3);
  check_headers(RECORD_EPOCH_DATA_1_3, GCM_1_3);
}

/* Each fault has its own name, for the sentence. */
static void test_names_of_faults(void **state) {
  static const struct {
    enum record_epoch epoch;
    uint16_t suite;
    uint8_t type;
    uint16_t version;
    size_t length;
    enum record_fault fault;
  } rows[] = {
      {RECORD_EPOCH_HELLO, 0, 19, 0x0303, 4, RECORD_TYPE_UNKNOWN},
      {RECORD_EPOCH_HELLO, 0, 24, 0x0303, 4, RECORD_TYPE_UNKNOWN},
      {RECORD_EPOCH_HELLO, 0, 22, 0x0305, 4, RECORD_VERSION_WRONG},
      {RECORD_EPOCH_HELLO, 0, 22, 0x0303, 0, RECORD_TOO_SHORT},
      {RECORD_EPOCH_HELLO, 0, 21, 0x0303, 0, RECORD_TOO_SHORT},
      {RECORD_EPOCH_HELLO, 0, 20, 0x0303, 1, RECORD_OUT_OF_ORDER},
      {RECORD_EPOCH_HELLO, 0, 23, 0x0303, 17, RECORD_OUT_OF_ORDER},
      {RECORD_EPOCH_HELLO, 0, 22, 0x0303, 16385, RECORD_TOO_LONG},
      {RECORD_EPOCH_HELLO, 0, 21, 0x0303, 3, RECORD_ALERT_MALFORMED},
      {RECORD_EPOCH_CLEAR, GCM_1_2, 20, 0x0303, 2, RECORD_CHANGE_CIPHER_MALFORMED},
      {RECORD_EPOCH_CLEAR, GCM_1_2, 22, 0x0301, 4, RECORD_VERSION_WRONG},
      {RECORD_EPOCH_CLEAR, GCM_1_2, 23, 0x0303, 40, RECORD_OUT_OF_ORDER},
      {RECORD_EPOCH_FINISHED_1_2, GCM_1_2, 23, 0x0303, 40, RECORD_OUT_OF_ORDER},
      {RECORD_EPOCH_FINISHED_1_2, GCM_1_2, 20, 0x0303, 1, RECORD_OUT_OF_ORDER},
      {RECORD_EPOCH_DATA_1_2, GCM_1_2, 20, 0x0303, 25, RECORD_OUT_OF_ORDER},
      {RECORD_EPOCH_DATA_1_2, GCM_1_2, 22, 0x0303, 24, RECORD_TOO_SHORT},
      {RECORD_EPOCH_HANDSHAKE_1_3, GCM_1_3, 23, 0x0303, 16, RECORD_TOO_SHORT}, /* CVE-2024-0901 */
      {RECORD_EPOCH_HANDSHAKE_1_3, GCM_1_3, 23, 0x0303, 16641, RECORD_TOO_LONG},
      {RECORD_EPOCH_HANDSHAKE_1_3, GCM_1_3, 20, 0x0303, 0, RECORD_CHANGE_CIPHER_MALFORMED},
      {RECORD_EPOCH_HANDSHAKE_1_3, GCM_1_3, 21, 0x0303, 2, RECORD_OUT_OF_ORDER},
      {RECORD_EPOCH_HANDSHAKE_1_3, GCM_1_3, 22, 0x0303, 40, RECORD_OUT_OF_ORDER},
      {RECORD_EPOCH_DATA_1_3, GCM_1_3, 23, 0x0303, 16, RECORD_TOO_SHORT},
      {RECORD_EPOCH_DATA_1_3, GCM_1_3, 20, 0x0303, 1, RECORD_OUT_OF_ORDER},
      {RECORD_EPOCH_OVER, 0, 22, 0x0303, 4, RECORD_OUT_OF_ORDER},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    struct stream stream = {.length = 0};
    struct watched watched;

    reach(&watched, rows[i].epoch, rows[i].suite);
    add_header(&stream, rows[i].type, rows[i].version, rows[i].length);
    assert_false(feed(&watched, &stream, 0, stream.length));
    assert_int_equal(watched.framing.fault, rows[i].fault);
  }
}

/* ---- Whole connections ---- */

static void add_server_part_1_2(struct stream *stream, uint16_t suite) {
  static const uint8_t key_exchange[] = {3, 0, 23, 4, 1, 2, 3, 4, 8, 4, 0, 2, 9, 9};

  add_record(stream, 21, "\1\160", 2);
  add_hello(stream, suite, false);
  add_message(stream, 11, "certificate", 11);
  add_message(stream, 0, "", 0);
  add_message(stream, 12, key_exchange, sizeof(key_exchange));
  add_message(stream, 13, "request", 7);
  add_record(stream, 22, "\16\0", 2); /* the last one in two records */
  add_record(stream, 22, "\0\0", 2);
}

/* The caller's part is done wherever it falls due: at a place in the stream. */
struct turn {
  size_t at;
  void (*take)(struct record_framing *framing);
};

static void let_our_part_leave(struct record_framing *framing) { framing->our_part_has_left = true; }

static void feed_with_turns(struct watched *watched, const struct stream *stream, const struct turn *turns, size_t from,
                            size_t to) {
  for (; turns->take != NULL; turns++) {
    if (turns->at >= from && turns->at < to) {
      assert_true(feed(watched, stream, from, turns->at));
      turns->take(&watched->framing);
      from = turns->at;
    }
  }
  assert_true(feed(watched, stream, from, to));
}

/* In two pieces at every place, and in pieces of every small size. */
static void check_connection(const struct stream *stream, const struct turn *turns, enum record_epoch end) {
  struct watched watched;

  for (size_t split = 0; split <= stream->length; split++) {
    start(&watched);
    feed_with_turns(&watched, stream, turns, 0, split);
    feed_with_turns(&watched, stream, turns, split, stream->length);
    assert_int_equal(watched.framing.epoch, end);
    assert_int_equal(watched.framing.header_length, 0);
  }
  for (size_t piece = 1; piece <= 7; piece++) {
    start(&watched);
    for (size_t at = 0; at < stream->length; at += piece) {
      feed_with_turns(&watched, stream, turns, at, at + piece < stream->length ? at + piece : stream->length);
    }
    assert_int_equal(watched.framing.epoch, end);
    assert_int_equal(watched.framing.header_length, 0);
  }
}

static void test_connection_of_1_2(void **state) {
  static const uint16_t suites[] = {GCM_1_2, CHACHA_1_2};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(suites); i++) {
    struct stream stream = {.length = 0};
    struct turn turns[] = {{0, let_our_part_leave}, {0, record_framing_handshake_done}, {0, NULL}};

    add_server_part_1_2(&stream, suites[i]);
    turns[0].at = stream.length;
    add_message(&stream, 4, "ticket", 6);
    add_record(&stream, 20, "\1", 1);
    add_zeros(&stream, 22, 40);
    turns[1].at = stream.length;
    add_zeros(&stream, 23, 24);
    add_zeros(&stream, 23, 200);
    add_zeros(&stream, 22, 28);
    add_zeros(&stream, 21, 26);
    check_connection(&stream, turns, RECORD_EPOCH_DATA_1_2);
  }
}

static void test_connection_of_1_3(void **state) {
  (void)state;
  for (int retry = 0; retry <= 1; retry++) {
    struct stream stream = {.length = 0};
    struct turn turns[] = {{0, record_framing_handshake_done}, {0, NULL}};

    if (retry == 1) {
      add_hello(&stream, GCM_1_3, true);
      add_record(&stream, 20, "\1", 1);
    }
    add_hello(&stream, GCM_1_3, false);
    add_record(&stream, 20, "\1", 1);
    add_zeros(&stream, 23, 17);
    add_zeros(&stream, 23, 900);
    turns[0].at = stream.length;
    add_zeros(&stream, 23, 22);
    add_zeros(&stream, 23, 19);
    check_connection(&stream, turns, RECORD_EPOCH_DATA_1_3);
  }
}

/* A server's ChangeCipherSpec comes no sooner than our part has left. */
static void test_change_cipher_before_our_part(void **state) {
  struct stream stream = {.length = 0};
  struct watched watched;

  (void)state;
  start(&watched);
  add_server_part_1_2(&stream, GCM_1_2);
  feed_all(&watched, &stream);
  add_record(&stream, 20, "\1", 1);
  assert_false(feed(&watched, &stream, 0, stream.length));
  assert_int_equal(watched.framing.fault, RECORD_OUT_OF_ORDER);
}

/* The handshake ended where nothing was seen of it: what comes then is not taken. */
static void test_handshake_done_too_soon(void **state) {
  static const enum record_epoch epochs[] = {RECORD_EPOCH_HELLO, RECORD_EPOCH_CLEAR, RECORD_EPOCH_OVER};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(epochs); i++) {
    struct stream stream = {.length = 0};
    struct watched watched;

    reach(&watched, epochs[i], GCM_1_2);
    record_framing_handshake_done(&watched.framing);
    add_zeros(&stream, 23, 100);
    assert_false(feed(&watched, &stream, 0, stream.length));
  }
  {
    struct record_framing unwatched;

    record_framing_init(&unwatched, NULL);
    assert_false(record_framing_take(&unwatched, (const uint8_t *)"\26\3\3\0\1\2", 6));
  }
}

/* ---- Contents in clear ---- */

static void test_contents_of_change_cipher(void **state) {
  static const enum record_epoch epochs[] = {RECORD_EPOCH_CLEAR, RECORD_EPOCH_HANDSHAKE_1_3};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(epochs); i++) {
    for (unsigned content = 0; content < 256; content++) {
      const uint8_t byte = (uint8_t)content;
      struct stream stream = {.length = 0};
      struct watched watched;

      reach(&watched, epochs[i], i == 0 ? GCM_1_2 : GCM_1_3);
      add_record(&stream, 20, &byte, 1);
      assert_int_equal(feed(&watched, &stream, 0, stream.length), content == 1);
      assert_int_equal(watched.framing.fault, content == 1 ? RECORD_SOUND : RECORD_CHANGE_CIPHER_MALFORMED);
    }
  }
}

static void test_levels_of_alerts(void **state) {
  (void)state;
  for (unsigned level = 0; level < 256; level++) {
    for (size_t split = 5; split <= 7; split++) {
      const uint8_t alert[] = {(uint8_t)level, 40};
      struct stream stream = {.length = 0};
      struct watched watched;

      start(&watched);
      add_record(&stream, 21, alert, sizeof(alert));
      (void)feed(&watched, &stream, 0, split);
      assert_int_equal(feed(&watched, &stream, split, stream.length), level == 1 || level == 2);
      assert_int_equal(watched.framing.epoch == RECORD_EPOCH_OVER, level == 2);
      assert_memory_equal(watched.framing.alert, alert, sizeof(alert));
    }
  }
}

/* Nothing but a fatal alert cuts into a handshake message, wherever it is cut. */
static void test_inside_a_message(void **state) {
  static const struct {
    uint8_t type;
    const char *content;
    size_t length;
    enum record_fault fault;
  } rows[] = {
      {20, "\1", 1, RECORD_INSIDE_MESSAGE},
      {21, "\1\144", 2, RECORD_INSIDE_MESSAGE},
      {21, "\2\50", 2, RECORD_SOUND},
      {21, "\102\144", 2, RECORD_ALERT_MALFORMED},
      {23, "0123456789abcdefg", 17, RECORD_OUT_OF_ORDER},
  };
  struct stream hello = {.length = 0};

  (void)state;
  add_hello(&hello, GCM_1_2, false);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    for (size_t cut = 1; cut < hello.length - 5; cut++) {
      struct stream stream = {.length = 0};
      struct watched watched;

      start(&watched);
      add_record(&stream, 22, hello.bytes + 5, cut);
      add_record(&stream, rows[i].type, rows[i].content, rows[i].length);
      assert_int_equal(feed(&watched, &stream, 0, stream.length), rows[i].fault == RECORD_SOUND);
      assert_int_equal(watched.framing.fault, rows[i].fault);
      stream.length = 0;
      add_record(&stream, 22, hello.bytes + 5 + cut, hello.length - 5 - cut);
      assert_false(feed(&watched, &stream, 0, stream.length));
      assert_false(watched.hello.complete);
    }
  }
}

/* What everything is encrypted after ends its record. */
static void test_behind_a_hello_of_1_3(void **state) {
  (void)state;
  for (int retry = 0; retry <= 1; retry++) {
    struct stream hello = {.length = 0};
    struct stream stream = {.length = 0};
    struct watched watched;

    add_hello(&hello, GCM_1_3, retry == 1);
    add(&hello, "\10\0\0\0", 4); /* EncryptedExtensions, that are not */
    start(&watched);
    add_record(&stream, 22, hello.bytes + 5, hello.length - 5);
    assert_false(feed(&watched, &stream, 0, stream.length));
    assert_int_equal(watched.framing.fault, RECORD_HELLO_REFUSED);
    assert_int_equal(watched.hello.fault, SERVER_HELLO_NOT_LAST);
  }
}

/* The messages of TLS 1.2 in any other order, or twice. */
static void test_order_of_messages(void **state) {
  static const uint8_t order[] = {11, 22, 12, 13, 14, 4};

  (void)state;
  for (size_t first = 0; first < COUNT_OF(order); first++) {
    for (unsigned second = 0; second < 256; second++) {
      const uint8_t *place = memchr(order, (int)second, sizeof(order));
      const bool expected = second == 0 || (place != NULL && place > order + first);
      struct stream stream = {.length = 0};
      struct watched watched;

      reach(&watched, RECORD_EPOCH_CLEAR, 0x009c); /* whose key exchange may have any content */
      add_message(&stream, order[first], "", 0);
      feed_all(&watched, &stream);
      add_message(&stream, (uint8_t)second, "", 0);
      assert_int_equal(feed(&watched, &stream, 0, stream.length), expected);
      assert_int_equal(watched.hello.fault, expected ? SERVER_HELLO_SOUND : SERVER_HELLO_OUT_OF_ORDER);
    }
  }
}

/* ---- Limits ---- */

/* \a most of them are taken, and not one more. */
static void check_limit(struct watched *watched, const struct stream *one, unsigned most, enum record_fault fault) {
  for (unsigned i = 0; i < most; i++) {
    assert_true(feed(watched, one, 0, one->length));
  }
  assert_false(feed(watched, one, 0, one->length));
  assert_int_equal(watched->framing.fault, fault);
}

static void test_warnings(void **state) {
  struct stream warning = {.length = 0};
  struct watched watched;

  (void)state;
  add_record(&warning, 21, "\1\144", 2);
  reach(&watched, RECORD_EPOCH_HELLO, 0);
  check_limit(&watched, &warning, RECORD_FRAMING_WARNINGS, RECORD_TOO_MANY_WARNINGS);
  reach(&watched, RECORD_EPOCH_CLEAR, GCM_1_2);
  check_limit(&watched, &warning, RECORD_FRAMING_WARNINGS, RECORD_TOO_MANY_WARNINGS);
}

static void test_hello_requests(void **state) {
  struct stream request = {.length = 0};
  struct watched watched;

  (void)state;
  add_message(&request, 0, "", 0);
  reach(&watched, RECORD_EPOCH_CLEAR, GCM_1_2);
  check_limit(&watched, &request, SERVER_HELLO_REQUESTS, RECORD_HELLO_REFUSED);
  assert_int_equal(watched.hello.fault, SERVER_HELLO_TOO_MANY_REQUESTS);
  reach(&watched, RECORD_EPOCH_HELLO, 0);
  check_limit(&watched, &request, 0, RECORD_HELLO_REFUSED);
}

static void test_change_ciphers(void **state) {
  struct stream change = {.length = 0};
  struct watched watched;

  (void)state;
  add_record(&change, 20, "\1", 1);
  reach(&watched, RECORD_EPOCH_HANDSHAKE_1_3, GCM_1_3);
  check_limit(&watched, &change, RECORD_FRAMING_CHANGE_CIPHERS, RECORD_TOO_MANY_CHANGE_CIPHERS);
  reach(&watched, RECORD_EPOCH_CLEAR, GCM_1_2);
  check_limit(&watched, &change, 1, RECORD_OUT_OF_ORDER);
}

static void test_records_of_the_handshake(void **state) {
  struct stream record = {.length = 0};
  struct watched watched;

  (void)state;
  add_zeros(&record, 23, 17);
  reach(&watched, RECORD_EPOCH_HANDSHAKE_1_3, GCM_1_3);
  check_limit(&watched, &record, RECORD_FRAMING_HANDSHAKE_RECORDS, RECORD_TOO_MANY_IN_HANDSHAKE);
}

/* Alerts, HelloRequests and empty records of TLS 1.2; anything at all in TLS 1.3. */
static void test_records_without_data(void **state) {
  static const struct {
    enum record_epoch epoch;
    uint16_t suite;
    uint8_t type;
    size_t length;
  } rows[] = {
      {RECORD_EPOCH_DATA_1_2, GCM_1_2, 21, 26},   {RECORD_EPOCH_DATA_1_2, GCM_1_2, 22, 28},
      {RECORD_EPOCH_DATA_1_2, GCM_1_2, 23, 24},   {RECORD_EPOCH_DATA_1_2, CHACHA_1_2, 23, 16},
      {RECORD_EPOCH_DATA_1_3, GCM_1_3, 23, 17},   {RECORD_EPOCH_DATA_1_3, GCM_1_3, 23, 22},
      {RECORD_EPOCH_DATA_1_3, GCM_1_3, 23, 1000},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    struct stream record = {.length = 0};
    struct watched watched;

    add_zeros(&record, rows[i].type, rows[i].length);
    reach(&watched, rows[i].epoch, rows[i].suite);
    for (unsigned j = 0; j < 3 * RECORD_FRAMING_WITHOUT_DATA; j++) {
      assert_true(feed(&watched, &record, 0, record.length));
      if (j % RECORD_FRAMING_WITHOUT_DATA == RECORD_FRAMING_WITHOUT_DATA - 1) {
        record_framing_data_passed(&watched.framing);
      }
    }
    check_limit(&watched, &record, RECORD_FRAMING_WITHOUT_DATA, RECORD_TOO_MANY_WITHOUT_DATA);
  }
}

/* One record may hold thousands of KeyUpdates or tickets. What is counted is what came before. */
static void test_bytes_without_data(void **state) {
  static const struct {
    size_t length;
    unsigned count; /* that may come */
  } rows[] = {{TLS_RECORD_PLAINTEXT, 3}, {TLS_RECORD_PLAINTEXT + 17, 2}, {8192, 5}, {1170, 29}, {1000, 30}};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    const enum record_fault fault =
        rows[i].count < RECORD_FRAMING_WITHOUT_DATA ? RECORD_TOO_MUCH_WITHOUT_DATA : RECORD_TOO_MANY_WITHOUT_DATA;
    struct stream record = {.length = 0};
    struct watched watched;

    add_zeros(&record, 23, rows[i].length);
    reach(&watched, RECORD_EPOCH_DATA_1_3, GCM_1_3);
    for (unsigned j = 0; j < 3 * rows[i].count; j++) {
      assert_true(feed(&watched, &record, 0, record.length));
      if (j % rows[i].count == rows[i].count - 1) {
        record_framing_data_passed(&watched.framing);
      }
    }
    check_limit(&watched, &record, rows[i].count, fault);
  }
}

/* Data of TLS 1.2 shows itself. */
static void test_data_starts_the_count_anew(void **state) {
  static const uint16_t suites[] = {GCM_1_2, CHACHA_1_2};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(suites); i++) {
    const size_t empty = suites[i] == GCM_1_2 ? 24 : 16;
    struct stream record = {.length = 0};
    struct stream data = {.length = 0};
    struct watched watched;

    add_zeros(&record, 23, empty);
    add_zeros(&data, 23, empty + 1);
    reach(&watched, RECORD_EPOCH_DATA_1_2, suites[i]);
    for (unsigned j = 0; j < 10 * RECORD_FRAMING_WITHOUT_DATA; j++) {
      assert_true(feed(&watched, j % RECORD_FRAMING_WITHOUT_DATA == 0 ? &data : &record, 0,
                       j % RECORD_FRAMING_WITHOUT_DATA == 0 ? data.length : record.length));
    }
    assert_true(feed(&watched, &data, 0, data.length));
    check_limit(&watched, &record, RECORD_FRAMING_WITHOUT_DATA, RECORD_TOO_MANY_WITHOUT_DATA);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_headers_in_clear),
      cmocka_unit_test(test_headers_of_1_2),
      cmocka_unit_test(test_headers_of_1_3),
      cmocka_unit_test(test_names_of_faults),
      cmocka_unit_test(test_connection_of_1_2),
      cmocka_unit_test(test_connection_of_1_3),
      cmocka_unit_test(test_change_cipher_before_our_part),
      cmocka_unit_test(test_handshake_done_too_soon),
      cmocka_unit_test(test_contents_of_change_cipher),
      cmocka_unit_test(test_levels_of_alerts),
      cmocka_unit_test(test_inside_a_message),
      cmocka_unit_test(test_behind_a_hello_of_1_3),
      cmocka_unit_test(test_order_of_messages),
      cmocka_unit_test(test_warnings),
      cmocka_unit_test(test_hello_requests),
      cmocka_unit_test(test_change_ciphers),
      cmocka_unit_test(test_records_of_the_handshake),
      cmocka_unit_test(test_records_without_data),
      cmocka_unit_test(test_bytes_without_data),
      cmocka_unit_test(test_data_starts_the_count_anew),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
