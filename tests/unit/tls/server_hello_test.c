/* SPDX-License-Identifier: MIT */
/*
 * What is learned from the handshake messages of a server, in whatever pieces they come: hand-made ones, and damaged
 * ones, in records as they are framed on their way to wolfSSL.
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
#include "tls/server_hello.h"

#define CAPACITY 40000
#define SCHEME 0x0805 /* of every key exchange here */

struct buffer {
  uint8_t bytes[CAPACITY];
  size_t length;
};

/* What is expected of a whole stream. */
struct outcome {
  bool complete;
  bool given_up;
  bool retry_requested;
  uint16_t version;
  uint16_t suite;
  bool extended_master_secret;
  uint16_t group;
  uint16_t signature_scheme;
};

static const uint8_t retry_random[32] = {0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C,
                                         0x02, 0x1E, 0x65, 0xB8, 0x91, 0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB,
                                         0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C};

static const uint8_t extension_ems[] = {0, 23, 0, 0};
static const uint8_t extension_renegotiation[] = {0xff, 0x01, 0, 1, 0};
static const uint8_t extension_version_13[] = {0, 43, 0, 2, 3, 4};
static const uint8_t extension_retry_share[] = {0, 51, 0, 2, 0, 24};
static const uint8_t extension_share[] = {0, 51, 0, 9, 0, 23, 0, 5, 4, 1, 2, 3, 4};

static void add(struct buffer *buffer, const void *bytes, size_t length) {
  assert_true(length <= sizeof buffer->bytes - buffer->length);
  memcpy(buffer->bytes + buffer->length, bytes, length);
  buffer->length += length;
}

static void add_number(struct buffer *buffer, size_t number, size_t bytes) {
  while (bytes > 0) {
    const uint8_t byte = (uint8_t)(number >> (8 * (bytes - 1)));
    add(buffer, &byte, 1);
    bytes--;
  }
}

static void add_record(struct buffer *stream, uint8_t type, const void *content, size_t length) {
  add_number(stream, type, 1);
  add_number(stream, 0x0303, 2);
  add_number(stream, length, 2);
  add(stream, content, length);
}

static void add_message(struct buffer *messages, uint8_t type, const void *body, size_t length) {
  add_number(messages, type, 1);
  add_number(messages, length, 3);
  add(messages, body, length);
}

static void add_zeros(struct buffer *buffer, size_t count) {
  while (count > 0) {
    add_number(buffer, 0, 1);
    count--;
  }
}

/* A ServerHello body up to its extensions. */
static void start_hello(struct buffer *body, const uint8_t *random, size_t session_id_length, uint16_t suite) {
  size_t i;
  body->length = 0;
  add_number(body, 0x0303, 2);
  for (i = 0; i < 32; i++) {
    add_number(body, random == NULL ? i : random[i], 1);
  }
  add_number(body, session_id_length, 1);
  add_zeros(body, session_id_length);
  add_number(body, suite, 2);
  add_number(body, 0, 1);
}

/* Sets extensions_length bytes of extensions; \a body is left with a whole message in \a messages. */
static void add_hello(struct buffer *messages, const uint8_t *random, uint16_t suite, const void *extensions,
                      size_t extensions_length) {
  static struct buffer body;
  start_hello(&body, random, 32, suite);
  add_number(&body, extensions_length, 2);
  add(&body, extensions, extensions_length);
  add_message(messages, 2, body.bytes, body.length);
}

static void add_hello_12(struct buffer *messages, bool extended_master_secret, uint16_t suite) {
  static struct buffer extensions;
  extensions.length = 0;
  add(&extensions, extension_renegotiation, sizeof extension_renegotiation);
  if (extended_master_secret) {
    add(&extensions, extension_ems, sizeof extension_ems);
  }
  add_hello(messages, NULL, suite, extensions.bytes, extensions.length);
}

static void add_hello_13(struct buffer *messages, const uint8_t *random, const void *share, size_t share_length) {
  static struct buffer extensions;
  extensions.length = 0;
  add(&extensions, extension_version_13, sizeof extension_version_13);
  add(&extensions, share, share_length);
  add_hello(messages, random, 0x1302, extensions.bytes, extensions.length);
}

static void add_certificate(struct buffer *messages, size_t length) {
  static struct buffer body;
  body.length = 0;
  while (body.length < length) {
    add_number(&body, 0x0c, 1); /* looks like a message type, if somebody loses count */
  }
  add_message(messages, 11, body.bytes, body.length);
}

static void add_key_exchange(struct buffer *messages, uint8_t curve_type, uint16_t curve) {
  static struct buffer body;
  body.length = 0;
  add_number(&body, curve_type, 1);
  add_number(&body, curve, 2);
  add_number(&body, 65, 1); /* a point */
  add_zeros(&body, 65);
  add_number(&body, SCHEME, 2);
  add_number(&body, 70, 2);
  add_zeros(&body, 70);
  add_message(messages, 12, body.bytes, body.length);
}

/* A reader, and what frames its records. */
struct watched {
  struct server_hello hello;
  struct record_framing framing;
};

static void start(struct watched *watched) {
  server_hello_init(&watched->hello);
  record_framing_init(&watched->framing, &watched->hello);
}

static void feed(struct watched *watched, const uint8_t *bytes, size_t length) {
  uint8_t *copy = exact_copy(bytes, length);
  (void)record_framing_take(&watched->framing, copy, length);
  free(copy);
}

/* No ServerHello will be found. */
static bool has_given_up(const struct watched *watched) {
  return !watched->hello.complete &&
         (watched->framing.fault != RECORD_SOUND || watched->framing.epoch == RECORD_EPOCH_OVER);
}

static void expect(const struct watched *watched, const struct outcome *outcome) {
  const struct server_hello *hello = &watched->hello;
  assert_int_equal(hello->complete, outcome->complete);
  assert_int_equal(has_given_up(watched), outcome->given_up);
  assert_int_equal(hello->retry_requested, outcome->retry_requested);
  assert_int_equal(hello->version, outcome->version);
  assert_int_equal(hello->suite, outcome->suite);
  assert_int_equal(hello->extended_master_secret, outcome->extended_master_secret);
  assert_int_equal(hello->group, outcome->group);
  assert_int_equal(hello->signature_scheme, outcome->signature_scheme);
}

static void expect_at_split(const struct buffer *stream, size_t split, const struct outcome *outcome) {
  struct watched watched;
  start(&watched);
  feed(&watched, stream->bytes, split);
  feed(&watched, stream->bytes + split, stream->length - split);
  expect(&watched, outcome);
}

static void expect_in_pieces(const struct buffer *stream, size_t piece, const struct outcome *outcome) {
  struct watched watched;
  size_t at;
  start(&watched);
  for (at = 0; at < stream->length; at += piece) {
    feed(&watched, stream->bytes + at, stream->length - at < piece ? stream->length - at : piece);
  }
  expect(&watched, outcome);
}

/* The stream whole, in two pieces at every place, and in small pieces. */
static void expect_stream(const struct buffer *stream, const struct outcome *outcome) {
  size_t split;
  for (split = 0; split <= stream->length; split++) {
    expect_at_split(stream, split, outcome);
  }
  for (split = 1; split <= 7; split++) {
    expect_in_pieces(stream, split, outcome);
  }
}

/* The messages in one record, and cut over two and over many records at every place. */
static void expect_messages(const struct buffer *messages, const struct outcome *outcome) {
  static struct buffer stream;
  size_t cut;
  for (cut = 1; cut < messages->length; cut++) {
    stream.length = 0;
    add_record(&stream, 22, messages->bytes, cut);
    add_record(&stream, 22, messages->bytes + cut, messages->length - cut);
    expect_at_split(&stream, stream.length, outcome);
    expect_in_pieces(&stream, 1, outcome);
  }
  stream.length = 0;
  for (cut = 0; cut < messages->length; cut++) {
    add_record(&stream, 22, messages->bytes + cut, 1);
  }
  expect_in_pieces(&stream, stream.length, outcome);
  stream.length = 0;
  add_record(&stream, 22, messages->bytes, messages->length);
  expect_stream(&stream, outcome);
}

static void test_tls12(void **state) {
  const struct outcome with = {true, false, false, 0x0303, 0xc02f, true, 0, 0};
  const struct outcome without = {true, false, false, 0x0303, 0xc02f, false, 0, 0};
  static struct buffer messages;
  (void)state;
  messages.length = 0;
  add_hello_12(&messages, true, 0xc02f);
  expect_messages(&messages, &with);
  messages.length = 0;
  add_hello_12(&messages, false, 0xc02f);
  expect_messages(&messages, &without);
}

static void test_tls12_without_extensions(void **state) {
  const struct outcome outcome = {true, false, false, 0x0303, 0x009c, false, 0, 0};
  static struct buffer body, messages;
  (void)state;
  start_hello(&body, NULL, 0, 0x009c);
  messages.length = 0;
  add_message(&messages, 2, body.bytes, body.length);
  expect_messages(&messages, &outcome);
  add_number(&body, 0, 2); /* an empty list */
  messages.length = 0;
  add_message(&messages, 2, body.bytes, body.length);
  expect_messages(&messages, &outcome);
}

static void test_tls12_group_of_coalesced_messages(void **state) {
  const struct outcome outcome = {true, false, false, 0x0303, 0xc030, true, 24, SCHEME};
  static struct buffer messages;
  (void)state;
  messages.length = 0;
  add_hello_12(&messages, true, 0xc030);
  add_certificate(&messages, 100);
  add_message(&messages, 22, "status", 6);
  add_key_exchange(&messages, 3, 24);
  add_message(&messages, 14, "", 0);
  expect_messages(&messages, &outcome);
}

static void test_tls12_group_behind_a_long_certificate(void **state) {
  const struct outcome outcome = {true, false, false, 0x0303, 0xc02b, false, 23, SCHEME};
  static struct buffer messages, stream;
  size_t at;
  (void)state;
  messages.length = 0;
  add_hello_12(&messages, false, 0xc02b);
  add_certificate(&messages, 17000); /* longer than what is kept, and than a record */
  add_key_exchange(&messages, 3, 23);
  stream.length = 0;
  for (at = 0; at < messages.length; at += 16384) {
    add_record(&stream, 22, messages.bytes + at, messages.length - at < 16384 ? messages.length - at : 16384);
  }
  for (at = 1; at < 2000; at = at * 3 / 2 + 1) {
    expect_in_pieces(&stream, at, &outcome);
  }
  expect_at_split(&stream, 16389, &outcome);
}

/* The front of a ServerKeyExchange is a curve in ECDHE suites only, and if it says so. */
static void test_tls12_no_group(void **state) {
  static const struct {
    uint16_t suite;
    uint8_t curve_type;
    uint16_t group;
  } cases[] = {
      {0xc02f, 3, 23}, {0xc02c, 3, 23}, {0xc014, 3, 23}, {0xc009, 3, 23}, {0xc028, 3, 23},
      {0xc0ad, 3, 23}, {0xcca8, 3, 23}, {0xc02f, 1, 0},  {0x009f, 3, 0},  {0x006b, 3, 0},
      {0xccaa, 3, 0},  {0xc035, 3, 0},  {0xc005, 3, 0},  {0xc02d, 3, 0},
  };
  static struct buffer messages, stream;
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    const struct outcome outcome = {true,           false, false,          0x0303,
                                    cases[i].suite, true,  cases[i].group, cases[i].group != 0 ? SCHEME : 0};
    messages.length = 0;
    add_hello_12(&messages, true, cases[i].suite);
    add_key_exchange(&messages, cases[i].curve_type, 23);
    stream.length = 0;
    add_record(&stream, 22, messages.bytes, messages.length);
    expect_stream(&stream, &outcome);
  }
}

/* A ServerKeyExchange that ends before its signature's algorithm tells nothing, whatever comes behind it. */
static void test_tls12_truncated_key_exchange(void **state) {
  const struct outcome nothing = {true, false, false, 0x0303, 0xc02f, true, 0, 0};
  const struct outcome all = {true, false, false, 0x0303, 0xc02f, true, 23, SCHEME};
  static struct buffer whole, messages, stream;
  const size_t front = 3 + 1 + 65 + 2;
  size_t length;
  (void)state;
  whole.length = 0;
  add_key_exchange(&whole, 3, 23);
  for (length = 0; length <= front + 1; length++) {
    messages.length = 0;
    add_hello_12(&messages, true, 0xc02f);
    add_message(&messages, 12, whole.bytes + 4, length);
    add_key_exchange(&messages, 3, 24);
    stream.length = 0;
    add_record(&stream, 22, messages.bytes, messages.length);
    expect_stream(&stream, length >= front ? &all : &nothing);
  }
}

/* Points have 33 bytes to 133 in use; the length is one byte. */
static void test_tls12_lengths_of_points(void **state) {
  static struct buffer body, messages, stream;
  size_t length;
  (void)state;
  for (length = 0; length <= 255; length += 5) {
    const struct outcome outcome = {true, false, false, 0x0303, 0xc02f, true, 25, SCHEME};
    body.length = 0;
    add_number(&body, 3, 1);
    add_number(&body, 25, 2);
    add_number(&body, length, 1);
    add_zeros(&body, length);
    add_number(&body, SCHEME, 2);
    add_number(&body, 0, 2);
    messages.length = 0;
    add_hello_12(&messages, true, 0xc02f);
    add_message(&messages, 12, body.bytes, body.length);
    stream.length = 0;
    add_record(&stream, 22, messages.bytes, messages.length);
    expect_stream(&stream, &outcome);
  }
}

/* Resumption: a session ticket or ChangeCipherSpec comes next; nothing more is to be had. */
static void test_tls12_resumption(void **state) {
  const struct outcome outcome = {true, false, false, 0x0303, 0xc02f, true, 0, 0};
  static struct buffer messages, stream;
  (void)state;
  messages.length = 0;
  add_hello_12(&messages, true, 0xc02f);
  stream.length = 0;
  add_record(&stream, 22, messages.bytes, messages.length);
  add_record(&stream, 20, "\1", 1);
  expect_stream(&stream, &outcome);
  stream.length = 0;
  add_message(&messages, 4, "ticket", 6);
  add_key_exchange(&messages, 3, 23);
  add_record(&stream, 22, messages.bytes, messages.length);
  expect_stream(&stream, &outcome);
}

static void test_tls13(void **state) {
  const struct outcome outcome = {true, false, false, 0x0304, 0x1302, false, 23, 0};
  static struct buffer messages, stream;
  (void)state;
  messages.length = 0;
  add_hello_13(&messages, NULL, extension_share, sizeof extension_share);
  expect_messages(&messages, &outcome);
  stream.length = 0;
  add_record(&stream, 22, messages.bytes, messages.length);
  expect_stream(&stream, &outcome);
  add_record(&stream, 20, "\1", 1);
  add_record(&stream, 23, "encrypted", 9);
  expect_stream(&stream, &outcome);
}

/* The longest key share there is: SecP384r1MLKEM1024. */
static void test_tls13_long_key_share(void **state) {
  const struct outcome outcome = {true, false, false, 0x0304, 0x1302, false, 0x11ed, 0};
  static struct buffer share, messages, stream;
  (void)state;
  share.length = 0;
  add_number(&share, 51, 2);
  add_number(&share, 4 + 1665, 2);
  add_number(&share, 0x11ed, 2);
  add_number(&share, 1665, 2);
  add_zeros(&share, 1665);
  messages.length = 0;
  add_hello_13(&messages, NULL, share.bytes, share.length);
  stream.length = 0;
  add_record(&stream, 22, messages.bytes, messages.length);
  expect_stream(&stream, &outcome);
}

static void add_retry_record(struct buffer *stream) {
  static struct buffer messages;
  messages.length = 0;
  add_hello_13(&messages, retry_random, extension_retry_share, sizeof extension_retry_share);
  add_record(stream, 22, messages.bytes, messages.length);
}

static void add_hello_13_record(struct buffer *stream) {
  static struct buffer messages;
  messages.length = 0;
  add_hello_13(&messages, NULL, extension_share, sizeof extension_share);
  add_record(stream, 22, messages.bytes, messages.length);
}

static void test_retry(void **state) {
  const struct outcome retry = {.retry_requested = true};
  const struct outcome outcome = {true, false, true, 0x0304, 0x1302, false, 23, 0};
  static struct buffer stream;
  (void)state;
  stream.length = 0;
  add_retry_record(&stream);
  expect_stream(&stream, &retry);
  add_hello_13_record(&stream);
  expect_stream(&stream, &outcome);
  stream.length = 0;
  add_retry_record(&stream);
  add_record(&stream, 20, "\1", 1);
  expect_stream(&stream, &retry);
  add_hello_13_record(&stream);
  expect_stream(&stream, &outcome);
}

/* RFC 8446, section 4.1.3: the last eight bytes of the random, and no others. */
static void test_downgrade_sentinel(void **state) {
  static const struct {
    const char *end;
    size_t place; /* of its first byte in the random */
    bool expected;
  } rows[] = {
      {"DOWNGRD\1", 24, true},  {"DOWNGRD\0", 24, true},  {"DOWNGRD\2", 24, false},
      {"DOWNGRd\1", 24, false}, {"DOWNGRD\1", 23, false}, {"DOWNGRD\1", 0, false},
  };
  static struct buffer messages;
  static struct buffer stream;
  (void)state;

  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    uint8_t random[32] = {0};
    struct watched watched;

    memcpy(random + rows[i].place, rows[i].end, 8);
    stream.length = 0;
    messages.length = 0;
    add_hello(&messages, random, 0xc030, extension_ems, sizeof extension_ems);
    add_record(&stream, 22, messages.bytes, messages.length);
    start(&watched);
    feed(&watched, stream.bytes, stream.length);
    assert_true(watched.hello.complete);
    assert_int_equal(watched.hello.downgrade_sentinel, rows[i].expected);
  }
}

static void test_suite_of_a_retry(void **state) {
  static struct buffer stream;
  struct watched watched;
  (void)state;

  stream.length = 0;
  add_retry_record(&stream);
  start(&watched);
  feed(&watched, stream.bytes, stream.length);
  assert_true(watched.hello.retry_requested);
  assert_false(watched.hello.complete);
  assert_int_equal(watched.hello.retry_suite, 0x1302);
  assert_int_equal(watched.hello.suite, 0);
}

static void test_second_retry(void **state) {
  const struct outcome outcome = {.retry_requested = true, .given_up = true};
  static struct buffer stream;
  (void)state;
  stream.length = 0;
  add_retry_record(&stream);
  add_retry_record(&stream);
  add_hello_13_record(&stream);
  expect_stream(&stream, &outcome);
}

static void test_alert_first(void **state) {
  const struct outcome fatal = {.given_up = true};
  const struct outcome warning = {.complete = false};
  const struct outcome outcome = {true, false, false, 0x0303, 0xc02f, true, 0, 0};
  static struct buffer messages, stream;
  (void)state;
  stream.length = 0;
  add_record(&stream, 21, "\2\50", 2); /* handshake_failure */
  expect_stream(&stream, &fatal);
  stream.length = 0;
  add_record(&stream, 21, "\1\160", 2); /* unrecognized_name, which some TLS 1.2 servers send as a warning */
  expect_stream(&stream, &warning);
  messages.length = 0;
  add_hello_12(&messages, true, 0xc02f);
  add_record(&stream, 22, messages.bytes, messages.length);
  expect_stream(&stream, &outcome);
}

/* Records that make no sense before a ServerHello. The ServerHello behind them must not count. */
static void test_records_out_of_order(void **state) {
  static const struct {
    uint8_t type;
    const char *content;
    size_t length;
  } cases[] = {
      {20, "\1", 1},        {23, "data", 4},      {22, "", 0},         {21, "", 0},
      {21, "\1", 1},        {21, "\1\0\0", 3},    {22, "\0\0\0\0", 4}, {22, "\1\0\0\0", 4},
      {22, "\13\0\0\0", 4}, {22, "\16\0\0\0", 4}, {22, "\2\0\0\0", 4},
  };
  const struct outcome outcome = {.given_up = true};
  static struct buffer messages, stream;
  size_t i;
  (void)state;
  messages.length = 0;
  add_hello_12(&messages, true, 0xc02f);
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    stream.length = 0;
    add_record(&stream, cases[i].type, cases[i].content, cases[i].length);
    add_record(&stream, 22, messages.bytes, messages.length);
    expect_stream(&stream, &outcome);
  }
}

static void test_record_inside_a_message(void **state) {
  static const uint8_t types[] = {20, 21, 23};
  const struct outcome outcome = {.given_up = true};
  static struct buffer messages, stream;
  size_t i;
  (void)state;
  messages.length = 0;
  add_hello_12(&messages, true, 0xc02f);
  for (i = 0; i < sizeof types; i++) {
    stream.length = 0;
    add_record(&stream, 22, messages.bytes, 20);
    add_record(&stream, types[i], "\1\0", 2);
    add_record(&stream, 22, messages.bytes + 20, messages.length - 20);
    expect_stream(&stream, &outcome);
  }
}

static void test_record_lengths(void **state) {
  const struct outcome too_long = {.given_up = true};
  const struct outcome waiting = {.complete = false};
  static struct buffer stream;
  (void)state;
  stream.length = 0;
  add_number(&stream, 0x160303, 3);
  add_number(&stream, 16385, 2);
  expect_stream(&stream, &too_long);
  stream.length = 0;
  add_number(&stream, 0x160303, 3);
  add_number(&stream, 16384, 2);
  expect_stream(&stream, &waiting);
}

static void test_hello_too_long(void **state) {
  const struct outcome outcome = {.given_up = true};
  const struct outcome fits = {.complete = true, .version = 0x0303, .suite = 0xc02f};
  static struct buffer extensions, messages, stream;
  const size_t most = SERVER_HELLO_LENGTH - 4 - 70 - 2;
  size_t length;
  (void)state;
  for (length = most; length <= most + 1; length++) {
    extensions.length = 0;
    add_number(&extensions, 0xffff, 2);
    add_number(&extensions, length - 4, 2);
    add_zeros(&extensions, length - 4);
    messages.length = 0;
    add_hello(&messages, NULL, 0xc02f, extensions.bytes, extensions.length);
    assert_int_equal(messages.length, SERVER_HELLO_LENGTH + length - most);
    stream.length = 0;
    add_record(&stream, 22, messages.bytes, messages.length);
    expect_stream(&stream, length == most ? &fits : &outcome);
  }
  stream.length = 0;
  add_record(&stream, 22, "\2\377\377\377", 4);
  expect_stream(&stream, &outcome);
}

static void expect_extensions_refused(const void *extensions, size_t length, const uint8_t *random) {
  const struct outcome outcome = {.given_up = true};
  static struct buffer messages, stream;
  messages.length = 0;
  add_hello(&messages, random, 0xc02f, extensions, length);
  stream.length = 0;
  add_record(&stream, 22, messages.bytes, messages.length);
  expect_stream(&stream, &outcome);
}

static void test_malformed_extensions(void **state) {
  static const struct {
    const char *bytes;
    size_t length;
  } cases[] = {
      {"\0", 1},                                        /* half a type */
      {"\0\27", 2},                                     /* no length */
      {"\0\27\0", 3},                                   /* half a length */
      {"\0\27\0\1", 4},                                 /* content missing */
      {"\0\27\0\1\0", 5},                               /* extended master secret with content */
      {"\0\27\0\0\0\27\0\0", 8},                        /* twice */
      {"\0\53\0\1\3", 5},                               /* half a version */
      {"\0\53\0\3\3\4\0", 7},                           /* more than a version */
      {"\0\53\0\2\3\4\0\53\0\2\3\4", 12},               /* twice */
      {"\0\63\0\0", 4},                                 /* no group */
      {"\0\63\0\2\0\27", 6},                            /* no key, and no retry */
      {"\0\63\0\5\0\27\0\2\1", 9},                      /* key cut */
      {"\0\63\0\7\0\27\0\1\1\0\0", 11},                 /* behind the key */
      {"\0\63\0\5\0\27\0\1\1\0\63\0\5\0\27\0\1\1", 18}, /* twice */
      {"\377\377\377\377", 4},                          /* length behind the end */
  };
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    expect_extensions_refused(cases[i].bytes, cases[i].length, NULL);
  }
  expect_extensions_refused("\0\63\0\5\0\27\0\1\1", 9, retry_random); /* a retry with a key */
}

/* Every prefix of a ServerHello's body, in a message that says to be as long as that. */
static void test_truncated_bodies(void **state) {
  const struct outcome refused = {.given_up = true};
  const struct outcome bare = {.complete = true, .version = 0x0303, .suite = 0xc02f};
  static struct buffer whole, messages, stream;
  size_t length;
  (void)state;
  whole.length = 0;
  add_hello_12(&whole, true, 0xc02f);
  for (length = 0; length + 4 < whole.length; length++) {
    messages.length = 0;
    add_message(&messages, 2, whole.bytes + 4, length);
    stream.length = 0;
    add_record(&stream, 22, messages.bytes, messages.length);
    expect_stream(&stream, length == 70 ? &bare : &refused); /* 70: ends before the extensions, as it may */
  }
}

static void test_malformed_bodies(void **state) {
  static const struct {
    size_t at;
    uint8_t value;
  } cases[] = {
      {34, 33}, /* session id too long for one */
      {34, 31}, /* everything behind it moves */
      {69, 1},  /* compression */
      {70, 1},  /* extensions longer than the message */
      {71, 8},  /* extensions shorter than the message */
      {71, 10}, /* extensions longer than the message */
  };
  const struct outcome outcome = {.given_up = true};
  static struct buffer messages, stream;
  size_t i;
  (void)state;
  for (i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    messages.length = 0;
    add_hello_12(&messages, true, 0xc02f);
    assert_int_equal(messages.length, 4 + 72 + 9);
    messages.bytes[4 + cases[i].at] = cases[i].value;
    stream.length = 0;
    add_record(&stream, 22, messages.bytes, messages.length);
    expect_stream(&stream, &outcome);
  }
}

static void expect_body(const struct buffer *body, bool is_sound) {
  const struct outcome refused = {.given_up = true};
  const struct outcome sound = {true, false, false, 0x0303, 0xc02f, true, 0, 0};
  static struct buffer messages, stream;
  messages.length = 0;
  add_message(&messages, 2, body->bytes, body->length);
  stream.length = 0;
  add_record(&stream, 22, messages.bytes, messages.length);
  expect_stream(&stream, is_sound ? &sound : &refused);
}

static void test_session_id_lengths(void **state) {
  static struct buffer body;
  size_t length;
  (void)state;
  for (length = 0; length <= 34; length++) {
    start_hello(&body, NULL, length, 0xc02f);
    add_number(&body, sizeof extension_ems, 2);
    add(&body, extension_ems, sizeof extension_ems);
    expect_body(&body, length <= 32);
  }
}

static void test_bytes_behind_the_extensions(void **state) {
  static struct buffer body;
  (void)state;
  start_hello(&body, NULL, 0, 0xc02f);
  add_number(&body, sizeof extension_ems, 2);
  add(&body, extension_ems, sizeof extension_ems);
  expect_body(&body, true);
  add_number(&body, 0, 1);
  expect_body(&body, false);
}

static void test_prefixes_are_never_complete(void **state) {
  static struct buffer messages, stream;
  size_t length;
  (void)state;
  messages.length = 0;
  add_hello_12(&messages, true, 0xc02f);
  stream.length = 0;
  add_record(&stream, 22, messages.bytes, messages.length);
  for (length = 0; length < stream.length; length++) {
    struct watched watched;
    start(&watched);
    feed(&watched, stream.bytes, length);
    assert_false(watched.hello.complete);
    assert_false(has_given_up(&watched));
    assert_false(watched.hello.extended_master_secret);
    assert_int_equal(watched.hello.version, 0);
  }
}

static uint32_t next_random(uint32_t *seed) {
  *seed = *seed * 1664525u + 1013904223u;
  return *seed >> 8;
}

/* Whatever comes, in whatever pieces: the same is learned, and never a ServerHello out of noise. */
static void test_garbage(void **state) {
  uint32_t seed = 20240131;
  size_t round;
  (void)state;
  for (round = 0; round < 20000; round++) {
    uint8_t bytes[64];
    const size_t length = 1 + next_random(&seed) % sizeof bytes;
    struct watched whole, pieces;
    size_t i;
    for (i = 0; i < length; i++) {
      bytes[i] = (uint8_t)next_random(&seed);
    }
    if (round % 2 == 0) { /* half of it looks like TLS at first */
      static const uint8_t front[] = {0x16, 3, 3, 0, 40, 2, 0, 0, 36};
      memcpy(bytes, front, length < sizeof front ? length : sizeof front);
    }
    start(&whole);
    start(&pieces);
    feed(&whole, bytes, length);
    for (i = 0; i < length; i++) {
      feed(&pieces, bytes + i, 1);
    }
    assert_false(whole.hello.complete);
    assert_int_equal(whole.hello.complete, pieces.hello.complete);
    assert_int_equal(has_given_up(&whole), has_given_up(&pieces));
    assert_int_equal(whole.framing.fault, pieces.framing.fault);
    assert_int_equal(whole.hello.fault, pieces.hello.fault);
  }
}

/* Every byte of a handshake replaced by every other one: the same is learned of it in one piece and in bytes. */
static void test_corrupted(void **state) {
  static struct buffer messages, stream;
  size_t at;
  unsigned change;
  (void)state;
  messages.length = 0;
  add_hello_12(&messages, true, 0xc02f);
  add_certificate(&messages, 10);
  add_key_exchange(&messages, 3, 23);
  stream.length = 0;
  add_record(&stream, 22, messages.bytes, messages.length);
  for (at = 0; at < 120; at++) {
    for (change = 1; change < 256; change++) {
      struct watched whole;
      struct outcome outcome;
      stream.bytes[at] = (uint8_t)(stream.bytes[at] ^ change);
      start(&whole);
      feed(&whole, stream.bytes, stream.length);
      outcome = (struct outcome){whole.hello.complete, has_given_up(&whole),        whole.hello.retry_requested,
                                 whole.hello.version,  whole.hello.suite,           whole.hello.extended_master_secret,
                                 whole.hello.group,    whole.hello.signature_scheme};
      expect_in_pieces(&stream, 3, &outcome);
      stream.bytes[at] = (uint8_t)(stream.bytes[at] ^ change);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_tls12),
      cmocka_unit_test(test_tls12_without_extensions),
      cmocka_unit_test(test_tls12_group_of_coalesced_messages),
      cmocka_unit_test(test_tls12_group_behind_a_long_certificate),
      cmocka_unit_test(test_tls12_no_group),
      cmocka_unit_test(test_tls12_truncated_key_exchange),
      cmocka_unit_test(test_tls12_lengths_of_points),
      cmocka_unit_test(test_tls12_resumption),
      cmocka_unit_test(test_tls13),
      cmocka_unit_test(test_tls13_long_key_share),
      cmocka_unit_test(test_retry),
      cmocka_unit_test(test_downgrade_sentinel),
      cmocka_unit_test(test_suite_of_a_retry),
      cmocka_unit_test(test_second_retry),
      cmocka_unit_test(test_alert_first),
      cmocka_unit_test(test_records_out_of_order),
      cmocka_unit_test(test_record_inside_a_message),
      cmocka_unit_test(test_record_lengths),
      cmocka_unit_test(test_hello_too_long),
      cmocka_unit_test(test_malformed_extensions),
      cmocka_unit_test(test_truncated_bodies),
      cmocka_unit_test(test_malformed_bodies),
      cmocka_unit_test(test_session_id_lengths),
      cmocka_unit_test(test_bytes_behind_the_extensions),
      cmocka_unit_test(test_prefixes_are_never_complete),
      cmocka_unit_test(test_garbage),
      cmocka_unit_test(test_corrupted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
