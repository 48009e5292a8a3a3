/* SPDX-License-Identifier: MIT */
/*
 * What wolfSSL may send of its own accord: records of two lengths, and nothing beside them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "tls/reply_gate.h"

#define HEADER 5u
#define ALERT 19u      /* 2, a type and a tag */
#define KEY_UPDATE 22u /* 5, likewise */

struct stream {
  uint8_t bytes[1024];
  size_t length;
};

static void add(struct stream *stream, uint8_t type, size_t content) {
  const uint8_t header[HEADER] = {type, 3, 3, (uint8_t)(content >> 8), (uint8_t)content};

  assert_true(sizeof(stream->bytes) - stream->length >= HEADER + content);
  memcpy(stream->bytes + stream->length, header, HEADER);
  memset(stream->bytes + stream->length + HEADER, 23, content);
  stream->length += HEADER + content;
}

static bool passes(uint8_t type, size_t content) {
  struct stream stream = {.length = 0};

  add(&stream, type, content);
  return reply_gate_passes(stream.bytes, stream.length);
}

static void test_alerts_and_key_updates(void **state) {
  struct stream stream = {.length = 0};
  (void)state;

  assert_true(reply_gate_passes(stream.bytes, 0));
  assert_true(passes(23, ALERT));
  assert_true(passes(23, KEY_UPDATE));
  add(&stream, 23, KEY_UPDATE);
  add(&stream, 23, KEY_UPDATE);
  add(&stream, 23, ALERT);
  assert_true(reply_gate_passes(stream.bytes, stream.length));
}

/* The shortest Certificate there is has 25 bytes. */
static void test_every_other_length(void **state) {
  (void)state;
  for (size_t content = 0; content < 1000; content++) {
    assert_int_equal(passes(23, content), content == ALERT || content == KEY_UPDATE);
  }
}

static void test_every_other_type(void **state) {
  (void)state;
  for (unsigned type = 0; type < 256; type++) {
    assert_int_equal(passes((uint8_t)type, ALERT), type == 23);
    assert_int_equal(passes((uint8_t)type, KEY_UPDATE), type == 23);
  }
}

/* A whole flight comes in one piece. */
static void test_nothing_hides_behind_another(void **state) {
  struct stream stream = {.length = 0};
  (void)state;

  add(&stream, 23, KEY_UPDATE);
  add(&stream, 23, 900);
  assert_false(reply_gate_passes(stream.bytes, stream.length));
}

static void test_torn_records(void **state) {
  struct stream stream = {.length = 0};
  (void)state;

  add(&stream, 23, KEY_UPDATE);
  add(&stream, 23, ALERT);
  for (size_t length = 1; length < stream.length; length++) {
    assert_int_equal(reply_gate_passes(stream.bytes, length), length == HEADER + KEY_UPDATE);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_alerts_and_key_updates), cmocka_unit_test(test_every_other_length),
      cmocka_unit_test(test_every_other_type),       cmocka_unit_test(test_nothing_hides_behind_another),
      cmocka_unit_test(test_torn_records),
  };

  return cmocka_run_group_tests_name("reply_gate", tests, NULL, NULL);
}
