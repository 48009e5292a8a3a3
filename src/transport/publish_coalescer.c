/* SPDX-License-Identifier: MIT */
/* Holds back the frames before a message's last one, and writes them together with it. */
#include "autoconfig.h"

#include "transport/publish_coalescer.h"

#include <string.h>

void publish_coalescer_init(struct publish_coalescer *coalescer) {
  memset(coalescer, 0, sizeof(*coalescer));
  byte_queue_init_secret(&coalescer->held);
}

void publish_coalescer_release(struct publish_coalescer *coalescer) { byte_queue_release(&coalescer->held); }

void publish_coalescer_release_idle(struct publish_coalescer *coalescer) {
  if (coalescer->held.length == 0) {
    byte_queue_release(&coalescer->held);
  }
}

void publish_coalescer_set_corked(struct publish_coalescer *coalescer, bool corked) { coalescer->corked = corked; }

bool publish_coalescer_holds(const struct publish_coalescer *coalescer) { return coalescer->held.length > 0; }

size_t publish_coalescer_claimed(const struct publish_coalescer *coalescer) {
  size_t count = 0;

  for (size_t i = 0; i < COALESCER_CLAIMS; i++) {
    count += coalescer->claims[i].has_left ? 0 : coalescer->claims[i].count;
  }
  return count;
}

/* ---- Writing ---- */

static enum coalescer_result flush_written(struct publish_coalescer *coalescer, const struct coalescer_writer *writer) {
  const enum coalescer_result result = writer->flush(writer->context);

  if (result == COALESCER_ACCEPTED && coalescer->open_claims > 0) {
    for (size_t i = 0; i < COALESCER_CLAIMS; i++) {
      coalescer->claims[i].has_left = true;
    }
  }
  return result;
}

static bool hold(struct publish_coalescer *coalescer, const uint8_t *bytes, size_t length) {
  return length <= COALESCER_CAPACITY - coalescer->held.length &&
         byte_queue_append(&coalescer->held, bytes, length); /* if out of memory: write it through */
}

static void hold_owed_heartbeat(struct publish_coalescer *coalescer) {
  if (coalescer->heartbeat_owed && !amqp_stream_is_inside_frame(&coalescer->stream) &&
      hold(coalescer, amqp_stream_heartbeat, AMQP_HEARTBEAT_LENGTH)) {
    coalescer->heartbeat_owed = false;
  }
}

/* To be called when all that was written has left. */
static enum coalescer_result write_held(struct publish_coalescer *coalescer, const struct coalescer_writer *writer) {
  const enum coalescer_result result =
      writer->write(writer->context, byte_queue_front(&coalescer->held), coalescer->held.length);

  if (result == COALESCER_ACCEPTED) {
    byte_queue_consume(&coalescer->held, coalescer->held.length);
  }
  return result;
}

enum coalescer_result publish_coalescer_flush(struct publish_coalescer *coalescer,
                                              const struct coalescer_writer *writer) {
  enum coalescer_result result = flush_written(coalescer, writer);

  hold_owed_heartbeat(coalescer);
  if (result != COALESCER_ACCEPTED || !publish_coalescer_holds(coalescer)) {
    return result;
  }
  result = write_held(coalescer, writer);
  return result == COALESCER_ACCEPTED ? flush_written(coalescer, writer) : result;
}

/* ---- Claims ---- */

static struct send_claim *find_own_claim(struct publish_coalescer *coalescer) {
  for (size_t i = 0; i < COALESCER_CLAIMS && coalescer->open_claims > 0; i++) {
    if (send_claim_is_own(&coalescer->claims[i])) {
      return &coalescer->claims[i];
    }
  }
  return NULL;
}

static struct send_claim *find_free_claim(struct publish_coalescer *coalescer) {
  for (size_t i = 0; i < COALESCER_CLAIMS; i++) {
    if (coalescer->claims[i].count == 0) {
      return &coalescer->claims[i];
    }
  }
  return NULL;
}

/* \return how many bytes it was about */
static size_t end_claim(struct publish_coalescer *coalescer, struct send_claim *claim) {
  const size_t count = claim->count;

  claim->count = 0;
  coalescer->open_claims--;
  return count;
}

/* The caller offers once more what is on its way. */
static enum coalescer_result settle(struct publish_coalescer *coalescer, const struct coalescer_writer *writer,
                                    struct send_claim *claim, const uint8_t *bytes, size_t length, size_t *accepted) {
  enum coalescer_result result = COALESCER_ACCEPTED;

  if (!send_claim_matches(claim, bytes, length)) {
    return COALESCER_MISUSED; /* those bytes can't be taken back */
  }
  if (!claim->has_left) {
    result = flush_written(coalescer, writer);
  }
  if (result == COALESCER_ACCEPTED) {
    *accepted = end_claim(coalescer, claim);
  }
  return result;
}

/* Bytes have been written; they are the caller's to offer again until they have left. */
static enum coalescer_result await_leaving(struct publish_coalescer *coalescer, const struct coalescer_writer *writer,
                                           struct send_claim *claim, const uint8_t *bytes, size_t count,
                                           size_t *accepted) {
  const enum coalescer_result result = flush_written(coalescer, writer);

  if (result == COALESCER_ACCEPTED) {
    *accepted = count;
  } else if (result == COALESCER_BLOCKED && count > 0) {
    send_claim_set(claim, bytes, count);
    coalescer->open_claims++;
  }
  return result;
}

/* ---- Sending ---- */

static void follow(struct publish_coalescer *coalescer, const uint8_t *bytes, size_t length, size_t accepted) {
  amqp_stream_follow(&coalescer->stream, bytes, length, accepted);
  if (amqp_stream_is_inside_frame(&coalescer->stream)) {
    coalescer->frame_owner = pthread_self();
  }
}

/* Fills up the record begun with as many of the new bytes as fit. \return how many; 0: no room, or no memory */
static size_t join(struct publish_coalescer *coalescer, const uint8_t *bytes, size_t length) {
  const size_t room = COALESCER_CAPACITY - coalescer->held.length;
  const size_t count = length < room ? length : room;

  return count > 0 && byte_queue_append(&coalescer->held, bytes, count) ? count : 0;
}

/* Writes what is held, with as many of the new bytes as fit beside it. */
static enum coalescer_result write_joined(struct publish_coalescer *coalescer, const struct coalescer_writer *writer,
                                          struct send_claim *claim, const uint8_t *bytes, size_t length,
                                          size_t *accepted) {
  const size_t count = join(coalescer, bytes, length);
  const enum coalescer_result result = write_held(coalescer, writer);

  if (result != COALESCER_ACCEPTED) {
    return result;
  }
  follow(coalescer, bytes, length, count);
  return await_leaving(coalescer, writer, claim, bytes, count, accepted);
}

static enum coalescer_result write_through(struct publish_coalescer *coalescer, const struct coalescer_writer *writer,
                                           struct send_claim *claim, const uint8_t *bytes, size_t length,
                                           size_t *accepted) {
  const size_t count = length < COALESCER_WRITE_MOST ? length : COALESCER_WRITE_MOST;
  const enum coalescer_result result = writer->write(writer->context, bytes, count);

  if (result != COALESCER_ACCEPTED) {
    return result;
  }
  follow(coalescer, bytes, length, count);
  return await_leaving(coalescer, writer, claim, bytes, count, accepted);
}

static enum coalescer_result write_now(struct publish_coalescer *coalescer, const struct coalescer_writer *writer,
                                       const uint8_t *bytes, size_t length, size_t *accepted) {
  struct send_claim *claim = find_free_claim(coalescer);
  enum coalescer_result result = flush_written(coalescer, writer);

  if (result != COALESCER_ACCEPTED) {
    return result; /* earlier bytes wait; none of the new ones has been taken */
  }
  if (claim == NULL) {
    return COALESCER_BUSY;
  }
  if (publish_coalescer_holds(coalescer)) {
    result = write_joined(coalescer, writer, claim, bytes, length, accepted);
    if (result != COALESCER_ACCEPTED || *accepted > 0) {
      return result;
    }
  }
  return write_through(coalescer, writer, claim, bytes, length, accepted);
}

static bool is_anothers_turn(const struct publish_coalescer *coalescer) {
  return amqp_stream_is_inside_frame(&coalescer->stream) && pthread_equal(coalescer->frame_owner, pthread_self()) == 0;
}

/* Whether a send of another thread waits to leave. */
static bool is_anothers_send_under_way(const struct publish_coalescer *coalescer) {
  return coalescer->open_claims > 0 && publish_coalescer_claimed(coalescer) > 0;
}

/* COALESCER_ACCEPTED: this thread may send. */
static enum coalescer_result wait_for_others(struct publish_coalescer *coalescer,
                                             const struct coalescer_writer *writer) {
  if (is_anothers_send_under_way(coalescer)) {
    const enum coalescer_result result = flush_written(coalescer, writer);

    if (result != COALESCER_ACCEPTED) {
      return result;
    }
  }
  return is_anothers_turn(coalescer) ? COALESCER_BUSY : COALESCER_ACCEPTED;
}

static enum coalescer_result send_new(struct publish_coalescer *coalescer, const struct coalescer_writer *writer,
                                      const uint8_t *bytes, size_t length, bool more, size_t *accepted) {
  const enum coalescer_result result = wait_for_others(coalescer, writer);

  if (result != COALESCER_ACCEPTED) {
    return result;
  }
  hold_owed_heartbeat(coalescer);
  if ((coalescer->corked || (more && amqp_stream_another_follows(&coalescer->stream, bytes, length))) &&
      hold(coalescer, bytes, length)) {
    follow(coalescer, bytes, length, length);
    *accepted = length;
    return COALESCER_ACCEPTED;
  }
  return write_now(coalescer, writer, bytes, length, accepted);
}

/* Accepts what has been written of a heartbeat without waiting for it to leave, and owes one that was not. */
static void accept_heartbeat(struct publish_coalescer *coalescer, size_t *accepted) {
  struct send_claim *written = find_own_claim(coalescer);

  *accepted = written != NULL ? end_claim(coalescer, written) : AMQP_HEARTBEAT_LENGTH;
  if (written == NULL) {
    coalescer->heartbeat_owed = true;
  }
}

enum coalescer_result publish_coalescer_send(struct publish_coalescer *coalescer, const struct coalescer_writer *writer,
                                             const uint8_t *bytes, size_t length, bool more, size_t *accepted) {
  struct send_claim *own = find_own_claim(coalescer);
  enum coalescer_result result;

  *accepted = 0;
  if (own != NULL) {
    return settle(coalescer, writer, own, bytes, length, accepted);
  }
  result = send_new(coalescer, writer, bytes, length, more, accepted);
  if ((result == COALESCER_BLOCKED || result == COALESCER_BUSY) && amqp_stream_is_heartbeat(bytes, length)) {
    accept_heartbeat(coalescer, accepted);
    return COALESCER_ACCEPTED;
  }
  return result;
}
