/* SPDX-License-Identifier: MIT */
/*
 * Two threads that send through one coalescer: all orders of their calls, of flushes (by a thread that receives), of a
 * cork, and of what the network takes, up to a length. Each frame must leave whole, once, and in its sender's order,
 * and nobody may be told that bytes have left that have not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "time_limit.h"
#include "transport/publish_coalescer.h"

#define TIME_LIMIT_SECONDS 200 /* a safety net */
#define STEPS 6

/* ---- The network ---- */

/* More than one write takes, so that a frame is under way in parts. */
#define LONG_BODY (COALESCER_WRITE_MOST + 1000)
#define MOST_WRITTEN ((size_t)1024 * 1024)

static struct {
  uint8_t *written;
  size_t length;
  size_t waiting;   /* of those, at the end, have not left */
  size_t allowance; /* may leave */
} network;

static enum coalescer_result flush_network(void *context) {
  const size_t leaving = network.waiting < network.allowance ? network.waiting : network.allowance;

  (void)context;
  network.waiting -= leaving;
  network.allowance -= leaving;
  return network.waiting == 0 ? COALESCER_ACCEPTED : COALESCER_BLOCKED;
}

static enum coalescer_result write_network(void *context, const uint8_t *bytes, size_t length) {
  (void)context;
  assert_int_equal(network.waiting, 0);
  assert_true(network.length + length <= MOST_WRITTEN);
  memcpy(network.written + network.length, bytes, length);
  network.length += length;
  network.waiting = length;
  return COALESCER_ACCEPTED;
}

static const struct coalescer_writer writer = {flush_network, write_network, NULL};

/* ---- A thread that makes one call when it is asked to ---- */

static struct {
  pthread_t thread;
  pthread_mutex_t lock;
  pthread_cond_t moved;
  void (*call)(void *context); /* NULL: none is wanted */
  void *context;
  bool ends;
} other = {.lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};

static void *run_other(void *context) {
  (void)context;
  (void)pthread_mutex_lock(&other.lock);
  while (!other.ends) {
    if (other.call != NULL) {
      other.call(other.context);
      other.call = NULL;
      (void)pthread_cond_signal(&other.moved);
    }
    (void)pthread_cond_wait(&other.moved, &other.lock);
  }
  (void)pthread_mutex_unlock(&other.lock);
  return NULL;
}

static void call_in_other(void (*call)(void *), void *context) {
  (void)pthread_mutex_lock(&other.lock);
  other.call = call;
  other.context = context;
  (void)pthread_cond_signal(&other.moved);
  while (other.call != NULL) {
    (void)pthread_cond_wait(&other.moved, &other.lock);
  }
  (void)pthread_mutex_unlock(&other.lock);
}

/* ---- The senders ---- */

struct frame {
  const uint8_t *bytes;
  size_t length;
  bool more;
};

struct sender {
  struct publish_coalescer *coalescer;
  const struct frame *frames;
  size_t frame_count;
  size_t frame;  /* the one it is at */
  size_t offset; /* in it */
  enum coalescer_result result;
};

static uint8_t publish_frame[64];
static uint8_t header_frame[64];
static uint8_t body_frame[LONG_BODY + 8];
static uint8_t ack_frame[64];
static struct frame message[3];
static struct frame acks[2];

static size_t make_frame(uint8_t *frame, uint8_t type, const uint8_t *payload, size_t length) {
  const uint8_t header[] = {
      type, 0, 1, (uint8_t)(length >> 24), (uint8_t)(length >> 16), (uint8_t)(length >> 8), (uint8_t)length};

  memcpy(frame, header, sizeof(header));
  memcpy(frame + sizeof(header), payload, length);
  frame[sizeof(header) + length] = 0xce;
  return length + 8;
}

static void make_frames(size_t body_length) {
  static const uint8_t publish[] = {0, 60, 0, 40, 0, 0, 0, 5, 'q', 'u', 'e', 'u', 'e', 0};
  uint8_t header[14] = {
      0, 60, 0, 0, 0, 0, 0, 0, 0, (uint8_t)(body_length >> 16), (uint8_t)(body_length >> 8), (uint8_t)body_length};
  static const uint8_t ack[] = {0, 60, 0, 80, 0, 0, 0, 0, 0, 0, 0, 1, 0};
  uint8_t *body = malloc(body_length);

  assert_non_null(body);
  for (size_t i = 0; i < body_length; i++) {
    body[i] = (uint8_t)(i * 7 + i / 251);
  }
  message[0] = (struct frame){publish_frame, make_frame(publish_frame, 1, publish, sizeof(publish)), true};
  message[1] = (struct frame){header_frame, make_frame(header_frame, 2, header, sizeof(header)), true};
  message[2] = (struct frame){body_frame, make_frame(body_frame, 3, body, body_length), false};
  acks[0] = (struct frame){ack_frame, make_frame(ack_frame, 1, ack, sizeof(ack)), false};
  acks[1] = acks[0];
  free(body);
}

/* One call, as rabbitmq-c makes them: the rest of a frame until it is accepted, then the next. */
static void send_next(void *context) {
  struct sender *sender = context;
  const struct frame *frame;
  size_t accepted = 0;

  if (sender->frame == sender->frame_count) {
    return;
  }
  frame = &sender->frames[sender->frame];
  sender->result = publish_coalescer_send(sender->coalescer, &writer, frame->bytes + sender->offset,
                                          frame->length - sender->offset, frame->more, &accepted);
  if (sender->result == COALESCER_ACCEPTED) {
    sender->offset += accepted;
    if (sender->offset == frame->length) {
      sender->frame++;
      sender->offset = 0;
    }
  }
}

static bool is_done(const struct sender *sender) { return sender->frame == sender->frame_count; }

/* ---- What must hold ---- */

/* \return whether this frame comes here in what was written */
static bool comes_here(const struct frame *frame, size_t at) {
  return network.length - at >= frame->length && memcmp(network.written + at, frame->bytes, frame->length) == 0;
}

/*
 * Whole frames, each once, each sender's in order; heartbeats between them, no more than were sent. \return false when
 * not
 */
static bool is_well_formed(const struct sender *one, const struct sender *two, size_t most_heartbeats) {
  const struct frame heartbeat = {amqp_stream_heartbeat, AMQP_HEARTBEAT_LENGTH, false};
  size_t heartbeats = 0;
  size_t first = 0;
  size_t second = 0;
  size_t at = 0;

  while (at < network.length) {
    if (first < one->frame_count && comes_here(&one->frames[first], at)) {
      at += one->frames[first++].length;
    } else if (second < two->frame_count && comes_here(&two->frames[second], at)) {
      at += two->frames[second++].length;
    } else if (comes_here(&heartbeat, at)) {
      at += heartbeat.length;
      heartbeats++;
    } else {
      return false;
    }
  }
  return first == one->frame_count && second == two->frame_count && heartbeats <= most_heartbeats &&
         (heartbeats > 0) == (most_heartbeats > 0);
}

/* ---- All orders of steps ---- */

enum step {
  PUBLISHER_SENDS,
  OTHER_SENDS,
  OTHER_BEATS,
  FLUSH,
  NETWORK_TAKES_LITTLE,
  NETWORK_TAKES_ALL,
  CORK,
  STEP_KINDS
};

struct case_state {
  struct publish_coalescer coalescer;
  struct sender publisher;
  struct sender acker;
  size_t heartbeats;
};

/* Accepted at once, unless this thread has something else to finish first. */
static void send_heartbeat(void *context) {
  struct case_state *now = context;
  size_t accepted = 0;

  if (now->acker.result != COALESCER_BLOCKED) {
    now->heartbeats++;
    assert_int_equal(publish_coalescer_send(&now->coalescer, &writer, amqp_stream_heartbeat, AMQP_HEARTBEAT_LENGTH,
                                            false, &accepted),
                     COALESCER_ACCEPTED);
    assert_int_equal(accepted, AMQP_HEARTBEAT_LENGTH);
  }
}

static void take_step(struct case_state *now, enum step step) {
  switch (step) {
    case PUBLISHER_SENDS:
      send_next(&now->publisher);
      break;
    case OTHER_SENDS:
      call_in_other(send_next, &now->acker);
      break;
    case OTHER_BEATS:
      call_in_other(send_heartbeat, now);
      break;
    case FLUSH:
      (void)publish_coalescer_flush(&now->coalescer, &writer);
      break;
    case NETWORK_TAKES_LITTLE:
      network.allowance = 5;
      break;
    case NETWORK_TAKES_ALL:
      network.allowance = SIZE_MAX;
      break;
    case CORK:
      publish_coalescer_set_corked(&now->coalescer, !now->coalescer.corked);
      break;
    case STEP_KINDS:
      break;
  }
}

/* What a call has just been told must be true: without a cork, an end of a message that was accepted has left. */
static void check_told(const struct case_state *now, enum step step, size_t frame_before) {
  const bool ended_message = step == PUBLISHER_SENDS && frame_before == 2 && is_done(&now->publisher);

  if (ended_message && !now->coalescer.corked && now->acker.result != COALESCER_BLOCKED) {
    assert_int_equal(network.waiting, 0);
  }
  assert_true(now->coalescer.held.length <= COALESCER_CAPACITY);
  assert_true(now->publisher.result != COALESCER_MISUSED && now->acker.result != COALESCER_MISUSED);
  assert_true(now->publisher.result != COALESCER_BROKEN && now->acker.result != COALESCER_BROKEN);
}

/* Both go on to their ends, the network taking everything. Nobody may have to wait for ever. */
static void finish(struct case_state *now) {
  network.allowance = SIZE_MAX;
  publish_coalescer_set_corked(&now->coalescer, false);
  for (int rounds = 0; rounds < 20 && !(is_done(&now->publisher) && is_done(&now->acker)); rounds++) {
    send_next(&now->publisher);
    call_in_other(send_next, &now->acker);
  }
  assert_true(is_done(&now->publisher) && is_done(&now->acker));
  assert_int_equal(publish_coalescer_flush(&now->coalescer, &writer), COALESCER_ACCEPTED);
}

static void run_case(size_t number) {
  struct case_state now = {.publisher = {.frames = message, .frame_count = 3},
                           .acker = {.frames = acks, .frame_count = 2}};
  size_t rest = number;

  publish_coalescer_init(&now.coalescer);
  now.publisher.coalescer = &now.coalescer;
  now.acker.coalescer = &now.coalescer;
  network.length = 0;
  network.waiting = 0;
  network.allowance = 0;
  for (int i = 0; i < STEPS; i++) {
    const enum step step = (enum step)(rest % STEP_KINDS);
    const size_t frame_before = now.publisher.frame;

    take_step(&now, step);
    check_told(&now, step, frame_before);
    rest /= STEP_KINDS;
  }
  finish(&now);
  if (!is_well_formed(&now.publisher, &now.acker, now.heartbeats)) {
    fail_msg("case %zu: frames are torn, lost or sent twice", number);
  }
  publish_coalescer_release(&now.coalescer);
}

static void run_all_cases(size_t body_length) {
  size_t cases = 1;

  for (int i = 0; i < STEPS; i++) {
    cases *= STEP_KINDS;
  }
  make_frames(body_length);
  for (size_t number = 0; number < cases; number++) {
    run_case(number);
  }
}

static void test_small_messages(void **state) {
  (void)state;
  run_all_cases(100);
}

static void test_messages_of_several_writes(void **state) {
  (void)state;
  run_all_cases(LONG_BODY);
}

/* ---- Turns ---- */

static void test_a_frame_begun_is_its_senders_to_end(void **state) {
  struct case_state now = {.publisher = {.frames = message, .frame_count = 3},
                           .acker = {.frames = acks, .frame_count = 2}};

  (void)state;
  make_frames(LONG_BODY);
  publish_coalescer_init(&now.coalescer);
  now.publisher.coalescer = &now.coalescer;
  now.acker.coalescer = &now.coalescer;
  network.length = 0;
  network.waiting = 0;
  network.allowance = SIZE_MAX;
  for (int i = 0; i < 3; i++) {
    send_next(&now.publisher); /* the last call takes a part of the body */
  }
  assert_int_equal(now.publisher.result, COALESCER_ACCEPTED);
  assert_true(now.publisher.offset > 0);
  call_in_other(send_next, &now.acker);
  assert_int_equal(now.acker.result, COALESCER_BUSY);
  for (int i = 0; i < 4 && !is_done(&now.publisher); i++) {
    send_next(&now.publisher);
  }
  assert_true(is_done(&now.publisher));
  call_in_other(send_next, &now.acker);
  assert_int_equal(now.acker.result, COALESCER_ACCEPTED);
  publish_coalescer_release(&now.coalescer);
}

/* ---- */

static int set_up(void **state) {
  (void)state;
  network.written = malloc(MOST_WRITTEN);
  return network.written != NULL && pthread_create(&other.thread, NULL, run_other, NULL) == 0 ? 0 : -1;
}

static int tear_down(void **state) {
  (void)state;
  (void)pthread_mutex_lock(&other.lock);
  other.ends = true;
  (void)pthread_cond_signal(&other.moved);
  (void)pthread_mutex_unlock(&other.lock);
  free(network.written);
  return pthread_join(other.thread, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_small_messages),
      cmocka_unit_test(test_messages_of_several_writes),
      cmocka_unit_test(test_a_frame_begun_is_its_senders_to_end),
  };

  time_limit_start(TIME_LIMIT_SECONDS);
  return cmocka_run_group_tests(tests, set_up, tear_down);
}
