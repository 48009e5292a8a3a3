/* SPDX-License-Identifier: MIT */
/* What a peer speaks, by its first bytes, in whatever pieces they come. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "exact_copy.h"
#include "tls/peer_speech.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const char plain_header[] = {'A', 'M', 'Q', 'P', 0, 0, 9, 1};

static void feed(struct peer_speech *speech, const char *bytes, size_t length) {
  uint8_t *copy = exact_copy((const uint8_t *)bytes, length);
  peer_speech_watch(speech, copy, length);
  free(copy);
}

static void expect(const struct peer_speech *speech, const char *bytes, size_t length, enum peer_speech_kind kind) {
  const size_t sample = length < PEER_SPEECH_SAMPLE_LENGTH ? length : (size_t)PEER_SPEECH_SAMPLE_LENGTH;
  assert_int_equal(speech->kind, kind);
  assert_int_equal(speech->sample_length, sample);
  assert_memory_equal(speech->sample, bytes, sample);
}

/* The bytes whole, in two pieces at every place, and one by one. */
static void expect_text(const char *bytes, size_t length, enum peer_speech_kind kind) {
  struct peer_speech speech;
  size_t split;
  for (split = 0; split <= length; split++) {
    peer_speech_init(&speech);
    feed(&speech, bytes, split);
    feed(&speech, bytes + split, length - split);
    expect(&speech, bytes, length, kind);
  }
  peer_speech_init(&speech);
  for (split = 0; split < length; split++) {
    feed(&speech, bytes + split, 1);
  }
  expect(&speech, bytes, length, kind);
}

static void test_tls(void **state) {
  (void)state;
  expect_text("\26\3\3\0\57\2\0\0\53\3\3", 11, PEER_SPEECH_TLS);
  expect_text("\25\3\1\0\2\2\106", 7, PEER_SPEECH_TLS);
  expect_text("\24\3\4", 3, PEER_SPEECH_TLS);
  expect_text("\27\3\0", 3, PEER_SPEECH_TLS);
}

static void test_plain_amqp(void **state) {
  static const char start[] = {1, 0, 0, 0, 0, 1, '\xf4', 0, 10, 0, 10, 0, 9, 0, 0, 1, '\xd0'};
  (void)state;
  expect_text(plain_header, sizeof plain_header, PEER_SPEECH_PLAIN_AMQP);
  expect_text("AMQP\0\1\0\0", 8, PEER_SPEECH_PLAIN_AMQP);
  expect_text("AMQP\3\1\0\0", 8, PEER_SPEECH_PLAIN_AMQP);
  expect_text("AMQP\1\1\0\12", 8, PEER_SPEECH_PLAIN_AMQP);
  expect_text("AMQP", 4, PEER_SPEECH_PLAIN_AMQP);
  expect_text(start, sizeof start, PEER_SPEECH_PLAIN_AMQP);
}

static void test_other_peers(void **state) {
  static const struct {
    const char *bytes;
    size_t length;
  } cases[] = {
      {"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", 47},
      {"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", 32},
      {"AMQX\0\0\11\1", 8},
      {"amqp\0\0\11\1", 8},
      {"A\0", 2},
      {"AMQ\0", 4},
      {"\1\0\1\0\0\0\4\0\12\0\12", 11}, /* a method on channel 1 */
      {"\1\0\0\0\0\0\4\0\24\0\12", 11}, /* a method of class channel */
      {"\1\0\0\1\0\0\4\0\12\0\12", 11}, /* a frame of 16 MiB */
      {"\10\0\0\0\0\0\0\316", 8},       /* a heartbeat */
      {"\26\2\0\0\0", 5},               /* version 2 */
      {"\26\3\5\0\0", 5},               /* a version that does not exist */
      {"\24\4", 2},
      {"\30\3\3\0\1\0", 6}, /* heartbeat records, TLS's own */
      {"\23\3\3\0\1\0", 6},
      {"\200\56\1\3\1\0\25", 7}, /* SSL 2 */
      {"\0", 1},
      {"\377\376\375\374\373\372\371\370", 8},
      {"+OK ready\r\n", 11},
      {"220 mail ESMTP\r\n", 16},
  };
  size_t i;
  (void)state;
  for (i = 0; i < COUNT_OF(cases); i++) {
    expect_text(cases[i].bytes, cases[i].length, PEER_SPEECH_OTHER);
  }
}

static void test_too_few_bytes_to_tell(void **state) {
  static const struct {
    const char *bytes;
    size_t length;
  } cases[] = {{"", 0}, {"A", 1}, {"AMQ", 3}, {"\26", 1}, {"\26\3", 2}, {"\1", 1}, {"\1\0\0\0\0\0\4\0", 8}};
  size_t i;
  (void)state;
  for (i = 0; i < COUNT_OF(cases); i++) {
    expect_text(cases[i].bytes, cases[i].length, PEER_SPEECH_UNKNOWN);
  }
}

/* What was said first stays, whatever follows; a sample is collected to its full length, and not a byte further. */
static void test_sample_is_full(void **state) {
  struct peer_speech speech, before;
  static const char text[] = "HTTP/1.1 400 Bad Request, and more of it";
  (void)state;
  peer_speech_init(&speech);
  feed(&speech, text, sizeof text);
  before = speech;
  feed(&speech, "\26\3\3", 3);
  assert_int_equal(speech.sample_length, before.sample_length);
  assert_memory_equal(speech.sample, text, PEER_SPEECH_SAMPLE_LENGTH);
  assert_int_equal(speech.kind, PEER_SPEECH_OTHER);
}

static void test_nothing_given(void **state) {
  struct peer_speech speech;
  (void)state;
  peer_speech_init(&speech);
  peer_speech_watch(&speech, NULL, 0);
  assert_int_equal(speech.sample_length, 0);
  assert_int_equal(speech.kind, PEER_SPEECH_UNKNOWN);
}

static void expect_sample_text(const char *bytes, size_t length, size_t capacity, const char *expected) {
  struct peer_speech speech;
  char *text = malloc(capacity);
  assert_non_null(text);
  peer_speech_init(&speech);
  feed(&speech, bytes, length);
  peer_speech_format_sample(&speech, text, capacity);
  assert_string_equal(text, expected);
  free(text);
}

static void test_sample_text(void **state) {
  struct peer_speech speech;
  char text[4] = "abc";
  (void)state;
  expect_sample_text("", 0, 10, "");
  expect_sample_text(plain_header, sizeof plain_header, 100, "AMQP\\00\\00\\09\\01");
  expect_sample_text("HTTP/1.1 400\r\n", 14, 100, "HTTP/1.1 400\\0D\\0A");
  expect_sample_text("SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", 32, 100, "SSH-2.0-OpenSSH_9.2p1 De");
  expect_sample_text("a\\b\177\377~ \33[31m", 12, 100, "a\\5Cb\\7F\\FF~ \\1B[31m");
  expect_sample_text("AB\1C", 4, 7, "AB\\01C");
  expect_sample_text("AB\1C", 4, 6, "AB\\01");
  expect_sample_text("AB\1C", 4, 5, "AB");
  expect_sample_text("AB\1C", 4, 3, "AB");
  expect_sample_text("AB\1C", 4, 2, "A");
  expect_sample_text("AB\1C", 4, 1, "");
  peer_speech_init(&speech);
  feed(&speech, "AB", 2);
  peer_speech_format_sample(&speech, text, 0);
  assert_string_equal(text, "abc");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_tls),
      cmocka_unit_test(test_plain_amqp),
      cmocka_unit_test(test_other_peers),
      cmocka_unit_test(test_too_few_bytes_to_tell),
      cmocka_unit_test(test_sample_is_full),
      cmocka_unit_test(test_nothing_given),
      cmocka_unit_test(test_sample_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
