/* SPDX-License-Identifier: MIT */
/* What AMQP tells of a connection's end: followed in streams of frames, in any pieces; and what is said of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transport/close_reason.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum { METHOD = 1, HEADER = 2, BODY = 3, HEARTBEAT = 8 };

/* ---- Streams of frames ---- */

struct stream {
  uint8_t bytes[200000];
  size_t length;
};

static void add_bytes(struct stream *stream, const void *bytes, size_t length) {
  assert_true(length <= sizeof(stream->bytes) - stream->length);
  memcpy(stream->bytes + stream->length, bytes, length);
  stream->length += length;
}

static void add_frame(struct stream *stream, uint8_t type, uint16_t channel, const void *payload, size_t length) {
  const uint8_t header[] = {type,
                            (uint8_t)(channel >> 8),
                            (uint8_t)channel,
                            (uint8_t)(length >> 24),
                            (uint8_t)(length >> 16),
                            (uint8_t)(length >> 8),
                            (uint8_t)length};

  add_bytes(stream, header, sizeof(header));
  add_bytes(stream, payload, length);
  add_bytes(stream, "\xce", 1);
}

/* \return the payload's length */
static size_t make_close(uint8_t payload[300], unsigned code, const char *text) {
  const size_t length = strlen(text);
  const uint8_t before[] = {0, 10, 0, 50, (uint8_t)(code >> 8), (uint8_t)code, (uint8_t)length};

  memcpy(payload, before, sizeof(before));
  memcpy(payload + sizeof(before), text, length);
  memset(payload + sizeof(before) + length, 0, 4);
  return sizeof(before) + length + 4;
}

static void add_close(struct stream *stream, unsigned code, const char *text) {
  uint8_t payload[300];
  const size_t length = make_close(payload, code, text);

  add_frame(stream, METHOD, 0, payload, length);
}

static void add_delivery(struct stream *stream, size_t body_length) {
  static const uint8_t deliver[] = {0, 60, 0, 60, 1, 'x'};
  static uint8_t body[140000];

  memset(body, 0xce, sizeof(body));
  add_frame(stream, METHOD, 1, deliver, sizeof(deliver));
  add_frame(stream, HEADER, 1, "\0\x3c\0\0\0\0\0\0\0\0\0\0\0\0", 14);
  add_frame(stream, BODY, 1, body, body_length);
}

static struct stream *new_stream(void) {
  struct stream *stream = calloc(1, sizeof(*stream));

  assert_non_null(stream);
  return stream;
}

/* ---- Expectations ---- */

static void feed(struct close_reason *reason, const struct stream *stream, size_t piece) {
  for (size_t at = 0; at < stream->length; at += piece) {
    const size_t left = stream->length - at;

    close_reason_received(reason, stream->bytes + at, left < piece ? left : piece);
  }
}

static void set_end(amqp_wolfssl_error_t *error, amqp_wolfssl_code_t code) {
  error_set(error, AMQP_WOLFSSL_STAGE_RECEIVE, code, "it ended");
}

/* Takes \a stream over. NULL: the record stays as it is. */
static void expect_said(struct stream *stream, const char *expected) {
  static const size_t pieces[] = {1, 2, 3, 7, 8, 100, 16384, 131072};

  for (size_t i = 0; i < COUNT_OF(pieces); i++) {
    struct close_reason reason;
    amqp_wolfssl_error_t error;

    close_reason_init(&reason);
    feed(&reason, stream, pieces[i]);
    set_end(&error, AMQP_WOLFSSL_ERROR_TRUNCATED);
    close_reason_add(&reason, &error);
    assert_string_equal(error.message, expected != NULL ? expected : "it ended");
    assert_int_equal(error.code, AMQP_WOLFSSL_ERROR_TRUNCATED);
    assert_int_equal(error.stage, AMQP_WOLFSSL_STAGE_RECEIVE);
  }
  free(stream);
}

/* ---- Following frames ---- */

static void test_a_close_at_once(void **state) {
  struct stream *stream = new_stream();
  (void)state;

  add_close(stream, 501, "FRAME_ERROR - type 9");
  expect_said(stream, "it ended; before that the broker gave the reason: 501, \"FRAME_ERROR - type 9\"");
}

static void test_a_close_after_messages(void **state) {
  static const size_t bodies[] = {0, 1, 128, 16384, 131064};
  (void)state;

  for (size_t i = 0; i < COUNT_OF(bodies); i++) {
    struct stream *stream = new_stream();

    add_frame(stream, METHOD, 0, "\0\x0a\0\x3c\x06memory", 11); /* connection.blocked */
    add_delivery(stream, bodies[i]);
    add_frame(stream, HEARTBEAT, 0, "", 0);
    add_delivery(stream, 5);
    add_close(stream, 320, "CONNECTION_FORCED - broker forced connection closure");
    expect_said(stream,
                "it ended; before that the broker gave the reason: 320, \"CONNECTION_FORCED - broker forced connection "
                "closure\"");
  }
}

static void test_texts_of_every_length(void **state) {
  (void)state;
  for (size_t length = 0; length <= 255; length++) {
    struct stream *stream = new_stream();
    char text[256];
    char expected[400];

    memset(text, 'a', length);
    text[length] = '\0';
    add_close(stream, 541, text);
    (void)snprintf(expected, sizeof(expected), "it ended; before that the broker gave the reason: 541, \"%s\"", text);
    expect_said(stream, expected);
  }
}

static void test_a_text_is_shown_as_text(void **state) {
  struct stream *stream = new_stream();
  (void)state;

  add_close(stream, 541, "a\nb\x1b[2J\xc2\x9b\xe2\x80\xae\xff");
  expect_said(stream, "it ended; before that the broker gave the reason: 541, \"a?b?[2J???\"");
}

/* A message can contain anything: what counts is where frames begin. */
static void test_a_message_is_no_close(void **state) {
  struct stream *stream = new_stream();
  struct stream *inner = new_stream();
  (void)state;

  add_close(inner, 541, "a lie");
  add_frame(stream, BODY, 1, inner->bytes, inner->length);
  free(inner);
  expect_said(stream, NULL);
}

static void test_what_is_no_close(void **state) {
  uint8_t payload[300];
  size_t length = make_close(payload, 541, "text");
  (void)state;

  for (int i = 0; i < 8; i++) {
    struct stream *stream = new_stream();
    uint8_t changed[300];

    memcpy(changed, payload, sizeof(changed));
    switch (i) {
      case 0: /* not of the connection */
        add_frame(stream, METHOD, 1, changed, length);
        break;
      case 1:
        add_frame(stream, BODY, 0, changed, length);
        break;
      case 2: /* Connection.CloseOk */
        add_frame(stream, METHOD, 0, "\0\x0a\0\x33", 4);
        break;
      case 3: /* a text longer than the frame */
        changed[6] = 200;
        add_frame(stream, METHOD, 0, changed, length);
        break;
      case 4: /* or shorter */
        changed[6] = 3;
        add_frame(stream, METHOD, 0, changed, length);
        break;
      case 5: /* no text at all */
        add_frame(stream, METHOD, 0, changed, 6);
        break;
      case 6: /* not complete */
        add_frame(stream, METHOD, 0, changed, length);
        stream->length--;
        break;
      case 7: /* no end */
        add_frame(stream, METHOD, 0, changed, length);
        stream->bytes[stream->length - 1] = 0;
        break;
      default:
        break;
    }
    expect_said(stream, NULL);
  }
}

static void test_what_is_not_amqp_is_not_followed(void **state) {
  struct stream *stream = new_stream();
  (void)state;

  add_bytes(stream, "AMQP\0\0\x09\x01", 8);
  add_close(stream, 541, "text");
  expect_said(stream, NULL);
}

static void test_the_longest_frame_there_is(void **state) {
  struct close_reason reason;
  static const uint8_t header[] = {METHOD, 0, 0, 0xff, 0xff, 0xff, 0xff};
  static const uint8_t zeros[100000];
  (void)state;

  close_reason_init(&reason);
  close_reason_received(&reason, header, sizeof(header));
  for (int i = 0; i < 10; i++) {
    close_reason_received(&reason, zeros, sizeof(zeros));
  }
  assert_false(reason.closed);
  assert_false(reason.lost_track);
}

/* With a frame's header and end they are more than a size_t of 32 bits can hold. */
static void test_lengths_at_the_end_of_32_bits(void **state) {
  (void)state;

  for (uint32_t length = 0xFFFFFFF7U; length != 0; length++) {
    for (uint8_t channel = 0; channel <= 1; channel++) {
      for (size_t before = 0; before <= 1; before++) {
        const uint8_t header[] = {METHOD, 0, channel, 0xff, 0xff, 0xff, (uint8_t)length};
        struct stream *stream = new_stream();

        add_bytes(stream, header, sizeof(header));
        add_bytes(stream, "\xce", before);
        add_close(stream, 320, "part of the frame that has just begun");
        expect_said(stream, NULL);
      }
    }
  }
}

/* Whatever arrives, in whatever pieces: the same is kept, and nothing is read or written that is not there. */
static void test_random_bytes(void **state) {
  uint32_t seed = 1;
  (void)state;

  for (int round = 0; round < 3000; round++) {
    const size_t length = 1 + (size_t)round % 600;
    uint8_t *bytes = malloc(length); /* its end is watched by the sanitizers */
    struct close_reason whole;
    struct close_reason pieces;

    assert_non_null(bytes);
    for (size_t i = 0; i < length; i++) {
      static const uint8_t likely[] = {0, 0, 0, 0, 1, 1, 2, 3, 8, 10, 50, 0xce};

      seed = seed * 1664525 + 1013904223;
      bytes[i] = seed >> 30 == 0 ? (uint8_t)(seed >> 16) : likely[(seed >> 16) % sizeof(likely)];
    }
    close_reason_init(&whole);
    close_reason_received(&whole, bytes, length);
    close_reason_init(&pieces);
    for (size_t i = 0; i < length; i++) {
      uint8_t *byte = malloc(1);

      assert_non_null(byte);
      *byte = bytes[i];
      close_reason_received(&pieces, byte, 1);
      free(byte);
    }
    assert_int_equal(whole.closed, pieces.closed);
    assert_int_equal(whole.lost_track, pieces.lost_track);
    if (!whole.closed && !whole.lost_track) {
      assert_int_equal(whole.header_length, pieces.header_length);
    }
    free(bytes);
  }
}

/* ---- What is said ---- */

static void test_ends_and_other_failures(void **state) {
  static const struct {
    amqp_wolfssl_code_t code;
    const char *message;
  } cases[] = {
      {AMQP_WOLFSSL_ERROR_CLOSED_BY_PEER, "the broker closed the connection and gave the reason: 320, \"bye\""},
      {AMQP_WOLFSSL_ERROR_TRUNCATED, "it ended; before that the broker gave the reason: 320, \"bye\""},
      {AMQP_WOLFSSL_ERROR_CONNECTION_LOST, "it ended; before that the broker gave the reason: 320, \"bye\""},
      {AMQP_WOLFSSL_ERROR_RECORD_CORRUPT, "it ended"},
      {AMQP_WOLFSSL_ERROR_NO_MEMORY, "it ended"},
      {AMQP_WOLFSSL_ERROR_SEND_CONTRACT_BROKEN, "it ended"},
      {AMQP_WOLFSSL_OK, "it ended"},
  };
  struct stream *stream = new_stream();
  struct close_reason reason;
  (void)state;

  add_close(stream, 320, "bye");
  close_reason_init(&reason);
  feed(&reason, stream, stream->length);
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    amqp_wolfssl_error_t error;

    set_end(&error, cases[i].code);
    for (int again = 0; again < 3; again++) {
      close_reason_add(&reason, &error);
      assert_string_equal(error.message, cases[i].message);
      assert_int_equal(error.code, cases[i].code);
      assert_int_equal(error.stage, AMQP_WOLFSSL_STAGE_RECEIVE);
    }
  }
  free(stream);
}

/* ---- A frame_max that RabbitMQ 4.1 refuses ---- */

static void agree(struct close_reason *reason, uint32_t frame_max) {
  struct stream *stream = new_stream();
  const uint8_t tune_ok[] = {0,
                             10,
                             0,
                             31,
                             0x07,
                             0xff,
                             (uint8_t)(frame_max >> 24),
                             (uint8_t)(frame_max >> 16),
                             (uint8_t)(frame_max >> 8),
                             (uint8_t)frame_max,
                             0,
                             60};

  add_frame(stream, METHOD, 0, tune_ok, sizeof(tune_ok));
  close_reason_sent(reason, stream->bytes, stream->length);
  free(stream);
}

#define NEEDED "RabbitMQ 4.1 and later require a frame_max of at least 8192"

static void test_a_login_with_small_frames_that_ends_without_a_word(void **state) {
  static const struct {
    uint32_t frame_max;
    const char *message;
  } cases[] = {{0, "it ended"}, /* no limit */
               {4096, "it ended; this followed a login with a frame_max of 4096, and " NEEDED},
               {8191, "it ended; this followed a login with a frame_max of 8191, and " NEEDED},
               {8192, "it ended"},
               {131072, "it ended"}};
  (void)state;

  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    struct close_reason reason;
    amqp_wolfssl_error_t error;

    close_reason_init(&reason);
    close_reason_received(&reason, (const uint8_t *)"\x01\0\0\0\0\0\x04\0\x0a\0\x1e\xce", 12); /* Connection.Tune */
    agree(&reason, cases[i].frame_max);
    close_reason_received(&reason, NULL, 0); /* nothing has arrived */
    set_end(&error, AMQP_WOLFSSL_ERROR_CLOSED_BY_PEER);
    for (int again = 0; again < 3; again++) {
      close_reason_add(&reason, &error);
      assert_string_equal(error.message, cases[i].message);
    }
  }
}

/* A broker that has answered the login has taken the frames as they are. */
static void test_small_frames_that_were_accepted(void **state) {
  struct close_reason reason;
  amqp_wolfssl_error_t error;
  (void)state;

  close_reason_init(&reason);
  agree(&reason, 4096);
  close_reason_received(&reason, (const uint8_t *)"\x01\0\0\0\0\0\x05\0\x0a\0\x29\0\xce", 13); /* Connection.OpenOk */
  set_end(&error, AMQP_WOLFSSL_ERROR_CLOSED_BY_PEER);
  close_reason_add(&reason, &error);
  assert_string_equal(error.message, "it ended");
}

static void test_small_frames_that_were_refused(void **state) {
  struct stream *stream = new_stream();
  struct close_reason reason;
  amqp_wolfssl_error_t error;
  (void)state;

  close_reason_init(&reason);
  agree(&reason, 4096);
  add_close(stream, 530, "NOT_ALLOWED - negotiated frame_max = 4096 is lower than the minimum allowed value (8192)");
  feed(&reason, stream, 10);
  set_end(&error, AMQP_WOLFSSL_ERROR_CLOSED_BY_PEER);
  close_reason_add(&reason, &error);
  assert_string_equal(error.message,
                      "the broker closed the connection and gave the reason: 530, \"NOT_ALLOWED - negotiated frame_max "
                      "= 4096 is lower than the minimum allowed value (8192)\"; log in with a frame_max of at least "
                      "8192, which RabbitMQ requires since 4.1");
  free(stream);
}

static void test_what_is_no_agreement(void **state) {
  struct close_reason reason;
  uint8_t bytes[20] = {METHOD, 0, 0, 0, 0, 0, 12, 0, 10, 0, 30, 0, 0, 0, 0, 16, 0, 0, 60, 0xce};
  (void)state;

  close_reason_init(&reason);
  close_reason_sent(&reason, bytes, sizeof(bytes)); /* another method */
  assert_int_equal(reason.frame_max, 0);
  bytes[10] = 31;
  close_reason_sent(&reason, bytes, sizeof(bytes) - 1);
  close_reason_sent(&reason, bytes, 1);
  assert_int_equal(reason.frame_max, 0);
  close_reason_sent(&reason, bytes, sizeof(bytes));
  assert_int_equal(reason.frame_max, 4096);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_close_at_once),
      cmocka_unit_test(test_a_close_after_messages),
      cmocka_unit_test(test_texts_of_every_length),
      cmocka_unit_test(test_a_text_is_shown_as_text),
      cmocka_unit_test(test_a_message_is_no_close),
      cmocka_unit_test(test_what_is_no_close),
      cmocka_unit_test(test_what_is_not_amqp_is_not_followed),
      cmocka_unit_test(test_the_longest_frame_there_is),
      cmocka_unit_test(test_lengths_at_the_end_of_32_bits),
      cmocka_unit_test(test_random_bytes),
      cmocka_unit_test(test_ends_and_other_failures),
      cmocka_unit_test(test_a_login_with_small_frames_that_ends_without_a_word),
      cmocka_unit_test(test_small_frames_that_were_accepted),
      cmocka_unit_test(test_small_frames_that_were_refused),
      cmocka_unit_test(test_what_is_no_agreement),
  };

  return cmocka_run_group_tests_name("close_reason", tests, NULL, NULL);
}
