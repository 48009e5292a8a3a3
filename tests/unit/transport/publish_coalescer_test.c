/* SPDX-License-Identifier: MIT */
/*
 * The coalescer against a writer that blocks, takes less than offered, or breaks, driven the way rabbitmq-c drives a
 * transport: one call a frame, "more" on all but the last (and on too many, as several releases do), retries with what
 * is left, flushes between any two calls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "transport/publish_coalescer.h"

/* ---- A writer that keeps its contract strictly, and sees that the coalescer keeps its own ---- */

struct recorder {
  uint8_t *written; /* all that was taken; the last \a waiting bytes have not left */
  size_t length;
  size_t capacity;
  size_t waiting;
  size_t writes;
  unsigned block_every;  /* every n-th flush of something that waits blocks; 0: none */
  size_t leaves_at_most; /* most that one flush lets leave; 0: all */
  unsigned flushes;
  unsigned broken_after; /* the n-th write and all that follow break; 0: none */
  bool broken;
};

static void recorder_reset(struct recorder *recorder) {
  free(recorder->written);
  memset(recorder, 0, sizeof(*recorder));
}

static void keep_written(struct recorder *recorder, const uint8_t *bytes, size_t count) {
  if (recorder->length + count > recorder->capacity) {
    recorder->capacity = (recorder->length + count) * 2;
    recorder->written = realloc(recorder->written, recorder->capacity);
    assert_non_null(recorder->written);
  }
  memcpy(recorder->written + recorder->length, bytes, count);
  recorder->length += count;
}

static enum coalescer_result flush_recorder(void *context) {
  struct recorder *recorder = context;
  size_t leaving = recorder->waiting;

  if (recorder->broken) {
    return COALESCER_BROKEN;
  }
  if (recorder->waiting == 0) {
    return COALESCER_ACCEPTED;
  }
  recorder->flushes++;
  if (recorder->block_every != 0 && recorder->flushes % recorder->block_every == 0) {
    return COALESCER_BLOCKED;
  }
  if (recorder->leaves_at_most != 0 && leaving > recorder->leaves_at_most) {
    leaving = recorder->leaves_at_most;
  }
  recorder->waiting -= leaving;
  return recorder->waiting == 0 ? COALESCER_ACCEPTED : COALESCER_BLOCKED;
}

static enum coalescer_result record(void *context, const uint8_t *bytes, size_t length) {
  struct recorder *recorder = context;

  assert_true(length > 0 && length <= COALESCER_WRITE_MOST);
  assert_int_equal(recorder->waiting, 0);
  if (recorder->broken_after != 0 && recorder->writes + 1 >= recorder->broken_after) {
    recorder->broken = true;
    return COALESCER_BROKEN;
  }
  keep_written(recorder, bytes, length);
  recorder->waiting = length;
  recorder->writes++;
  return COALESCER_ACCEPTED;
}

/* ---- Frames as rabbitmq-c makes them ---- */

struct stream {
  uint8_t *bytes;
  size_t length;
  size_t capacity;
};

static void append(struct stream *stream, const void *bytes, size_t length) {
  if (stream->length + length > stream->capacity) {
    stream->capacity = (stream->length + length) * 2;
    stream->bytes = realloc(stream->bytes, stream->capacity);
    assert_non_null(stream->bytes);
  }
  memcpy(stream->bytes + stream->length, bytes, length);
  stream->length += length;
}

static size_t make_frame(uint8_t *frame, uint8_t type, const uint8_t *payload, size_t length) {
  frame[0] = type;
  frame[1] = 0;
  frame[2] = 1;
  frame[3] = (uint8_t)(length >> 24);
  frame[4] = (uint8_t)(length >> 16);
  frame[5] = (uint8_t)(length >> 8);
  frame[6] = (uint8_t)length;
  if (length > 0) {
    memcpy(frame + 7, payload, length);
  }
  frame[7 + length] = 0xCE;
  return length + 8;
}

static size_t make_publish(uint8_t *frame) {
  /* ticket, exchange "", routing key "queue", bits */
  static const uint8_t payload[] = {0, 60, 0, 40, 0, 0, 0, 5, 'q', 'u', 'e', 'u', 'e', 0};

  return make_frame(frame, 1, payload, sizeof(payload));
}

static size_t make_content_header(uint8_t *frame, uint64_t body_size) {
  uint8_t payload[14] = {0, 60, 0, 0};

  for (unsigned i = 0; i < 8; i++) {
    payload[4 + i] = (uint8_t)(body_size >> (56 - 8 * i));
  }
  return make_frame(frame, 2, payload, sizeof(payload));
}

/* ---- The caller: amqp_basic_publish() and amqp_try_send() ---- */

enum release { RELEASE_0_8, RELEASE_0_11 };

struct caller {
  struct publish_coalescer coalescer;
  struct recorder recorder;
  struct coalescer_writer writer;
  struct stream sent; /* what should have arrived, in order */
  uint8_t *frame;
  enum release release;
  bool flush_between; /* a recv before every call, as when a heartbeat is due */
  bool flush_when_blocked;
  unsigned most_tries;
};

static int setup(void **state) {
  struct caller *caller = calloc(1, sizeof(*caller));

  if (caller == NULL) {
    return -1;
  }
  publish_coalescer_init(&caller->coalescer);
  caller->writer = (struct coalescer_writer){flush_recorder, record, &caller->recorder};
  caller->frame = malloc(1024 * 1024);
  caller->release = RELEASE_0_11;
  caller->most_tries = 1000;
  *state = caller;
  return caller->frame != NULL ? 0 : -1;
}

static int teardown(void **state) {
  struct caller *caller = *state;

  publish_coalescer_release(&caller->coalescer);
  recorder_reset(&caller->recorder);
  free(caller->sent.bytes);
  free(caller->frame);
  free(caller);
  return 0;
}

static void start_over(struct caller *caller) {
  publish_coalescer_release(&caller->coalescer);
  publish_coalescer_init(&caller->coalescer);
  recorder_reset(&caller->recorder);
  caller->sent.length = 0;
}

/* As recv does: tries to write what is held, and goes on whatever comes of it. */
static void flush(struct caller *caller) { (void)publish_coalescer_flush(&caller->coalescer, &caller->writer); }

static enum coalescer_result try_send(struct caller *caller, const uint8_t *bytes, size_t length, bool more) {
  unsigned tries = 0;

  append(&caller->sent, bytes, length);
  while (length > 0) {
    size_t accepted = 0;
    enum coalescer_result result;

    if (caller->flush_between) {
      flush(caller);
    }
    result = publish_coalescer_send(&caller->coalescer, &caller->writer, bytes, length, more, &accepted);
    if (result == COALESCER_BROKEN) {
      return result;
    }
    if (result == COALESCER_BLOCKED) {
      assert_int_equal(accepted, 0);
      assert_true(++tries < caller->most_tries);
      if (caller->flush_when_blocked) {
        flush(caller);
      }
      continue;
    }
    assert_true(accepted > 0 && accepted <= length);
    bytes += accepted;
    length -= accepted;
  }
  return COALESCER_ACCEPTED;
}

static uint8_t body_byte(size_t index) { return (uint8_t)(index * 7 + index / 251); }

static void send_body(struct caller *caller, size_t size, size_t frame_max) {
  size_t room = frame_max - 8;
  uint8_t *payload = malloc(room);

  assert_non_null(payload);
  for (size_t offset = 0; offset < size;) {
    size_t count = size - offset < room ? size - offset : room;
    size_t length;
    /* rabbitmq-c through 0.16: "more" whenever the frame is full, the last one too */
    bool more = size - offset >= room;

    for (size_t i = 0; i < count; i++) {
      payload[i] = body_byte(offset + i);
    }
    length = make_frame(caller->frame, 3, payload, count);
    assert_int_equal(try_send(caller, caller->frame, length, more), COALESCER_ACCEPTED);
    offset += count;
  }
  free(payload);
}

static void publish(struct caller *caller, size_t size, size_t frame_max) {
  size_t length = make_publish(caller->frame);

  assert_int_equal(try_send(caller, caller->frame, length, true), COALESCER_ACCEPTED);
  length = make_content_header(caller->frame, size);
  assert_int_equal(try_send(caller, caller->frame, length, size > 0 || caller->release == RELEASE_0_8),
                   COALESCER_ACCEPTED);
  send_body(caller, size, frame_max);
}

static void assert_all_arrived(const struct caller *caller) {
  assert_false(publish_coalescer_holds(&caller->coalescer));
  assert_int_equal(publish_coalescer_claimed(&caller->coalescer), 0);
  assert_int_equal(caller->recorder.waiting, 0);
  assert_int_equal(caller->recorder.length, caller->sent.length);
  assert_memory_equal(caller->recorder.written, caller->sent.bytes, caller->sent.length);
}

/* Sizes around everything that could matter for a frame_max: the frame's room, its multiples, one record. */
static size_t interesting_sizes(size_t frame_max, size_t *sizes) {
  size_t room = frame_max - 8;
  size_t centres[] = {0, room, 2 * room, 3 * room, COALESCER_CAPACITY - 52, COALESCER_CAPACITY, 2 * COALESCER_CAPACITY};
  size_t count = 0;

  for (size_t i = 0; i < sizeof(centres) / sizeof(centres[0]); i++) {
    for (int offset = -3; offset <= 3; offset++) {
      if (offset >= 0 || centres[i] >= (size_t)-offset) {
        sizes[count++] = (size_t)((long)centres[i] + offset);
      }
    }
  }
  return count;
}

static const size_t frame_maxima[] = {4096, 4097, 8192, 16384, 16392, 32768, 65536, 131072};
#define FRAME_MAXIMA (sizeof(frame_maxima) / sizeof(frame_maxima[0]))

static void publish_all_interesting(struct caller *caller) {
  size_t sizes[64];

  for (size_t i = 0; i < FRAME_MAXIMA; i++) {
    size_t count = interesting_sizes(frame_maxima[i], sizes);

    for (size_t j = 0; j < count; j++) {
      caller->sent.length = 0;
      caller->recorder.length = 0;
      publish(caller, sizes[j], frame_maxima[i]);
      assert_all_arrived(caller);
    }
  }
}

/* ---- The cases ---- */

static void test_every_small_size_is_one_write(void **state) {
  struct caller *caller = *state;

  for (size_t size = 0; size <= 4088; size++) {
    start_over(caller);
    publish(caller, size, 4096);
    assert_all_arrived(caller);
    assert_int_equal(caller->recorder.writes, 1);
  }
}

static void test_every_size_across_three_frames(void **state) {
  struct caller *caller = *state;

  for (int release = RELEASE_0_8; release <= RELEASE_0_11; release++) {
    caller->release = (enum release)release;
    for (size_t size = 0; size <= 3 * 56 + 9; size++) {
      start_over(caller);
      publish(caller, size, 64);
      publish(caller, size / 2, 64);
      assert_all_arrived(caller);
    }
  }
}

static void test_boundaries_of_every_frame_max(void **state) {
  struct caller *caller = *state;

  for (int release = RELEASE_0_8; release <= RELEASE_0_11; release++) {
    caller->release = (enum release)release;
    start_over(caller);
    publish_all_interesting(caller);
  }
}

static void test_blocking_and_partial_departures(void **state) {
  struct caller *caller = *state;
  static const size_t limits[] = {0, 1000, 16384, 65536};

  for (unsigned every = 2; every <= 5; every++) {
    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
      for (int flushing = 0; flushing < 4; flushing++) {
        size_t sizes[64];
        size_t count = interesting_sizes(32768, sizes);

        start_over(caller);
        caller->recorder.block_every = every;
        caller->recorder.leaves_at_most = limits[i];
        caller->flush_between = (flushing & 1) != 0;
        caller->flush_when_blocked = (flushing & 2) != 0;
        for (size_t j = 0; j < count; j++) {
          publish(caller, sizes[j], 32768);
        }
        assert_all_arrived(caller);
      }
    }
  }
}

static void test_bytes_leave_one_by_one(void **state) {
  struct caller *caller = *state;

  for (size_t size = 0; size <= 130; size++) {
    start_over(caller);
    caller->recorder.leaves_at_most = 1;
    caller->recorder.block_every = 3;
    publish(caller, size, 64);
    assert_all_arrived(caller);
  }
}

static void test_receiving_between_frames_flushes(void **state) {
  struct caller *caller = *state;
  size_t length = make_publish(caller->frame);

  assert_int_equal(try_send(caller, caller->frame, length, true), COALESCER_ACCEPTED);
  assert_int_equal(caller->recorder.length, 0);
  assert_true(publish_coalescer_holds(&caller->coalescer));
  flush(caller);
  assert_all_arrived(caller);
  length = make_content_header(caller->frame, 5);
  assert_int_equal(try_send(caller, caller->frame, length, true), COALESCER_ACCEPTED);
  flush(caller);
  assert_all_arrived(caller);
  send_body(caller, 5, 4096);
  assert_all_arrived(caller);
  assert_int_equal(caller->recorder.writes, 3);
}

/* An encoding error in the header leaves the method behind: the stream is what it would have been without us. */
static void test_error_between_frames_keeps_order(void **state) {
  struct caller *caller = *state;
  uint8_t heartbeat[8];
  size_t length = make_publish(caller->frame);

  assert_int_equal(try_send(caller, caller->frame, length, true), COALESCER_ACCEPTED);
  length = make_frame(heartbeat, 8, NULL, 0);
  assert_int_equal(try_send(caller, heartbeat, length, false), COALESCER_ACCEPTED);
  assert_all_arrived(caller);
  assert_int_equal(caller->recorder.writes, 1);
  length = make_publish(caller->frame);
  assert_int_equal(try_send(caller, caller->frame, length, true), COALESCER_ACCEPTED);
  publish(caller, 10, 4096);
  assert_all_arrived(caller);
}

static void test_other_methods_are_never_held(void **state) {
  struct caller *caller = *state;
  static const uint8_t channel_open[] = {0, 20, 0, 10, 0};
  uint8_t frame[64];

  for (int more = 0; more <= 1; more++) {
    size_t length = make_frame(frame, 1, channel_open, sizeof(channel_open));

    assert_int_equal(try_send(caller, frame, length, more == 1), COALESCER_ACCEPTED);
    assert_all_arrived(caller);
  }
}

static void test_protocol_header_passes(void **state) {
  struct caller *caller = *state;

  assert_int_equal(try_send(caller, (const uint8_t *)"AMQP\0\0\x09\x01", 8, false), COALESCER_ACCEPTED);
  assert_all_arrived(caller);
  publish(caller, 3, 4096);
  assert_all_arrived(caller);
  assert_int_equal(caller->recorder.writes, 2);
}

/* What is left of a body after a partial send may look like a Basic.Publish that wants to be held. It must not be. */
static void test_remainder_that_looks_like_a_frame_is_not_held(void **state) {
  struct caller *caller = *state;
  const size_t before = COALESCER_WRITE_MOST - 7; /* the frame's header and this are written first */
  uint8_t *payload = malloc(COALESCER_WRITE_MOST + 64);
  uint8_t inner[64];
  size_t inner_length = make_publish(inner);
  size_t length;
  size_t accepted = 0;

  /* The body ends in a whole Basic.Publish, whose end octet is the body frame's own: 0xCE comes last. */
  assert_non_null(payload);
  memset(payload, 'x', before);
  memcpy(payload + before, inner, inner_length - 1);
  length = make_frame(caller->frame, 3, payload, before + inner_length - 1);
  free(payload);
  assert_int_equal(publish_coalescer_send(&caller->coalescer, &caller->writer, caller->frame, length, true, &accepted),
                   COALESCER_ACCEPTED);
  assert_int_equal(accepted, COALESCER_WRITE_MOST);
  assert_int_equal(publish_coalescer_send(&caller->coalescer, &caller->writer, caller->frame + accepted,
                                          length - accepted, true, &accepted),
                   COALESCER_ACCEPTED);
  assert_int_equal(accepted, inner_length);
  assert_false(publish_coalescer_holds(&caller->coalescer));
  assert_int_equal(caller->recorder.length, length);
  assert_memory_equal(caller->recorder.written, caller->frame, length);
}

static void test_unknown_stream_is_passed_on_unheld(void **state) {
  struct caller *caller = *state;
  uint8_t noise[40];
  size_t length;

  memset(noise, 0x55, sizeof(noise));
  assert_int_equal(try_send(caller, noise, sizeof(noise), true), COALESCER_ACCEPTED);
  assert_all_arrived(caller);
  /* Having lost track, nothing is held any more. */
  length = make_publish(caller->frame);
  assert_int_equal(try_send(caller, caller->frame, length, true), COALESCER_ACCEPTED);
  assert_all_arrived(caller);
}

static void test_large_header_is_not_held(void **state) {
  struct caller *caller = *state;
  uint8_t *payload = calloc(1, 20000);
  size_t length;

  assert_non_null(payload);
  payload[1] = 60;
  payload[11] = 1; /* a body of one byte */
  length = make_frame(caller->frame, 2, payload, 20000);
  assert_int_equal(try_send(caller, caller->frame, length, true), COALESCER_ACCEPTED);
  assert_all_arrived(caller);
  free(payload);
}

static void test_header_that_fills_the_record_exactly(void **state) {
  struct caller *caller = *state;

  for (size_t size = COALESCER_CAPACITY - 60; size <= COALESCER_CAPACITY; size++) {
    uint8_t *payload = calloc(1, size);
    size_t length;

    assert_non_null(payload);
    start_over(caller);
    payload[1] = 60;
    payload[11] = 4;
    length = make_publish(caller->frame);
    assert_int_equal(try_send(caller, caller->frame, length, true), COALESCER_ACCEPTED);
    length = make_frame(caller->frame, 2, payload, size);
    assert_int_equal(try_send(caller, caller->frame, length, true), COALESCER_ACCEPTED);
    send_body(caller, 4, 4096);
    assert_all_arrived(caller);
    free(payload);
  }
}

static void test_broken_writer_is_reported(void **state) {
  struct caller *caller = *state;

  for (unsigned when = 1; when <= 3; when++) {
    size_t length;
    size_t accepted = 0;

    start_over(caller);
    caller->recorder.broken_after = when;
    for (unsigned i = 1; i < when; i++) {
      publish(caller, 10, 4096);
    }
    length = make_publish(caller->frame);
    assert_int_equal(try_send(caller, caller->frame, length, true), COALESCER_ACCEPTED); /* held: not yet noticed */
    length = make_frame(caller->frame, 3, (const uint8_t *)"body", 4);
    assert_int_equal(
        publish_coalescer_send(&caller->coalescer, &caller->writer, caller->frame, length, false, &accepted),
        COALESCER_BROKEN);
    /* It stays so for a program that tries something else instead of the same again. */
    assert_int_equal(
        publish_coalescer_send(&caller->coalescer, &caller->writer, caller->frame, length - 1, false, &accepted),
        COALESCER_BROKEN);
    assert_int_equal(accepted, 0);
  }
}

static void test_retry_with_too_few_bytes_is_misuse(void **state) {
  struct caller *caller = *state;
  size_t length = make_publish(caller->frame);
  size_t accepted = 0;

  assert_int_equal(try_send(caller, caller->frame, length, true), COALESCER_ACCEPTED);
  caller->recorder.block_every = 1;
  length = make_frame(caller->frame, 3, (const uint8_t *)"body", 4);
  assert_int_equal(publish_coalescer_send(&caller->coalescer, &caller->writer, caller->frame, length, false, &accepted),
                   COALESCER_BLOCKED);
  assert_int_equal(publish_coalescer_send(&caller->coalescer, &caller->writer, caller->frame, 3, false, &accepted),
                   COALESCER_MISUSED);
  caller->frame[9] ^= 1; /* other bytes are no retry either */
  assert_int_equal(publish_coalescer_send(&caller->coalescer, &caller->writer, caller->frame, length, false, &accepted),
                   COALESCER_MISUSED);
  caller->frame[9] ^= 1;
  /* Nothing is lost by it. */
  caller->recorder.block_every = 0;
  assert_int_equal(try_send(caller, caller->frame, length, false), COALESCER_ACCEPTED);
  assert_all_arrived(caller);
}

/* ---- Corked ---- */

static void test_cork_fills_records(void **state) {
  struct caller *caller = *state;
  size_t published = 0;

  publish_coalescer_set_corked(&caller->coalescer, true);
  for (; published < 1000; published++) {
    publish(caller, 16, 131072);
  }
  assert_int_equal(caller->recorder.writes, caller->sent.length / COALESCER_CAPACITY);
  assert_int_equal(caller->recorder.length % COALESCER_CAPACITY, 0);
  publish_coalescer_set_corked(&caller->coalescer, false);
  flush(caller);
  assert_all_arrived(caller);
}

static void test_cork_with_all_sizes_and_blocking(void **state) {
  struct caller *caller = *state;

  for (unsigned every = 0; every <= 4; every++) {
    size_t sizes[64];
    size_t count = interesting_sizes(65536, sizes);

    if (every == 1) {
      continue; /* blocks for ever */
    }
    start_over(caller);
    caller->recorder.block_every = every;
    publish_coalescer_set_corked(&caller->coalescer, true);
    for (size_t j = 0; j < count; j++) {
      publish(caller, sizes[j], 65536);
    }
    publish_coalescer_set_corked(&caller->coalescer, false);
    caller->recorder.block_every = 0;
    flush(caller);
    assert_all_arrived(caller);
  }
}

static void test_receiving_flushes_a_forgotten_cork(void **state) {
  struct caller *caller = *state;

  publish_coalescer_set_corked(&caller->coalescer, true);
  publish(caller, 100, 4096);
  assert_int_equal(caller->recorder.length, 0);
  flush(caller);
  assert_all_arrived(caller);
  publish(caller, 100, 4096);
  assert_true(publish_coalescer_holds(&caller->coalescer));
}

static void test_idle_memory_is_given_back(void **state) {
  struct caller *caller = *state;

  publish_coalescer_set_corked(&caller->coalescer, true);
  publish(caller, 100, 4096);
  publish_coalescer_release_idle(&caller->coalescer);
  assert_true(publish_coalescer_holds(&caller->coalescer)); /* what waits is kept */
  flush(caller);
  assert_all_arrived(caller);
  publish_coalescer_release_idle(&caller->coalescer);
  assert_null(caller->coalescer.held.storage);
  publish(caller, 100, 4096);
  flush(caller);
  assert_all_arrived(caller);
}

static void test_uncorked_publish_takes_what_the_cork_held(void **state) {
  struct caller *caller = *state;

  publish_coalescer_set_corked(&caller->coalescer, true);
  publish(caller, 100, 4096);
  publish_coalescer_set_corked(&caller->coalescer, false);
  publish(caller, 100, 4096);
  assert_all_arrived(caller);
  assert_int_equal(caller->recorder.writes, 1);
}

/* With header and end they are more than a size_t of 32 bits can hold. */
static void test_the_longest_frames_are_followed(void **state) {
  (void)state;

  for (uint32_t length = 0xFFFFFFF7U; length != 0; length++) {
    const uint8_t header[] = {3, 0, 1, 0xff, 0xff, 0xff, (uint8_t)length};
    struct amqp_stream stream = {0};

    amqp_stream_follow(&stream, header, sizeof(header), sizeof(header));
    assert_false(stream.lost_track);
    assert_true(stream.frame_left == (uint64_t)length + 1);
  }
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(test_every_small_size_is_one_write),
      CASE(test_every_size_across_three_frames),
      CASE(test_boundaries_of_every_frame_max),
      CASE(test_blocking_and_partial_departures),
      CASE(test_bytes_leave_one_by_one),
      CASE(test_receiving_between_frames_flushes),
      CASE(test_error_between_frames_keeps_order),
      CASE(test_other_methods_are_never_held),
      CASE(test_protocol_header_passes),
      CASE(test_remainder_that_looks_like_a_frame_is_not_held),
      CASE(test_unknown_stream_is_passed_on_unheld),
      CASE(test_large_header_is_not_held),
      CASE(test_header_that_fills_the_record_exactly),
      CASE(test_broken_writer_is_reported),
      CASE(test_retry_with_too_few_bytes_is_misuse),
      CASE(test_cork_fills_records),
      CASE(test_cork_with_all_sizes_and_blocking),
      CASE(test_receiving_flushes_a_forgotten_cork),
      CASE(test_idle_memory_is_given_back),
      CASE(test_uncorked_publish_takes_what_the_cork_held),
      cmocka_unit_test(test_the_longest_frames_are_followed),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
