/* SPDX-License-Identifier: MIT */
/* Holds back the frames before a message's last one, and writes them together with it. */
#include "autoconfig.h"

#include "transport/publish_coalescer.h"

#include <string.h>

/* AMQP 0-9-1, section 4.2.3: type, channel, size, payload, end. */
#define FRAME_HEADER_LENGTH ((size_t)7)
#define FRAME_END_LENGTH ((size_t)1)
#define FRAME_END 0xCEu

enum { FRAME_METHOD = 1, FRAME_CONTENT_HEADER = 2, FRAME_BODY = 3, FRAME_HEARTBEAT = 8 };

/* Class 60, method 40 (section 1.8.3.7); class 60 of a content header (section 4.2.6.1). */
static const uint8_t basic_publish[] = {0, 60, 0, 40};
static const uint8_t class_basic[] = {0, 60};

#define PROTOCOL_HEADER_LENGTH ((size_t)8)

void publish_coalescer_init(struct publish_coalescer *coalescer) {
  memset(coalescer, 0, sizeof(*coalescer));
  byte_queue_init(&coalescer->held);
}

void publish_coalescer_release(struct publish_coalescer *coalescer) { byte_queue_release(&coalescer->held); }

void publish_coalescer_release_idle(struct publish_coalescer *coalescer) {
  if (coalescer->held.length == 0) {
    byte_queue_release(&coalescer->held);
  }
}

void publish_coalescer_set_corked(struct publish_coalescer *coalescer, bool corked) { coalescer->corked = corked; }

bool publish_coalescer_holds(const struct publish_coalescer *coalescer) { return coalescer->held.length > 0; }

/* ---- Where in the stream we are ---- */

static size_t payload_length(const uint8_t *frame) {
  return ((size_t)frame[3] << 24) | ((size_t)frame[4] << 16) | ((size_t)frame[5] << 8) | frame[6];
}

static bool is_known_frame(const uint8_t *bytes, size_t length) {
  return length >= FRAME_HEADER_LENGTH && (bytes[0] == FRAME_METHOD || bytes[0] == FRAME_CONTENT_HEADER ||
                                           bytes[0] == FRAME_BODY || bytes[0] == FRAME_HEARTBEAT);
}

/* The length of the frame or protocol header that begins here, or 0 if it is neither. */
static size_t unit_length(const uint8_t *bytes, size_t length) {
  if (length >= PROTOCOL_HEADER_LENGTH && memcmp(bytes, "AMQP", 4) == 0) {
    return PROTOCOL_HEADER_LENGTH;
  }
  return is_known_frame(bytes, length) ? FRAME_HEADER_LENGTH + payload_length(bytes) + FRAME_END_LENGTH : 0;
}

/* Tracks the frames in the bytes that were accepted. \a length is all that was offered from here on. */
static void follow(struct publish_coalescer *coalescer, const uint8_t *bytes, size_t length, size_t accepted) {
  size_t at = 0;

  while (at < accepted && !coalescer->lost_track) {
    size_t step;

    if (coalescer->frame_left == 0) {
      coalescer->frame_left = unit_length(bytes + at, length - at);
      coalescer->lost_track = coalescer->frame_left == 0;
    }
    step = accepted - at < coalescer->frame_left ? accepted - at : coalescer->frame_left;
    coalescer->frame_left -= step;
    at += step;
  }
}

/* ---- What to hold ---- */

static bool is_whole_frame(const uint8_t *bytes, size_t length) {
  return is_known_frame(bytes, length) && unit_length(bytes, length) == length && bytes[length - 1] == FRAME_END;
}

static bool announces_body(const uint8_t *payload, size_t length) {
  static const uint8_t no_body[8] = {0};

  /* class, weight, body size (section 4.2.6.1) */
  return length >= 12 && memcmp(payload, class_basic, sizeof(class_basic)) == 0 &&
         memcmp(payload + 4, no_body, sizeof(no_body)) != 0;
}

static bool another_frame_follows(const struct publish_coalescer *coalescer, const uint8_t *bytes, size_t length,
                                  bool more) {
  const uint8_t *payload = bytes + FRAME_HEADER_LENGTH;

  if (!more || coalescer->lost_track || coalescer->frame_left != 0 || !is_whole_frame(bytes, length)) {
    return false;
  }
  switch (bytes[0]) {
    case FRAME_METHOD:
      return payload_length(bytes) >= sizeof(basic_publish) &&
             memcmp(payload, basic_publish, sizeof(basic_publish)) == 0;
    case FRAME_CONTENT_HEADER:
      return announces_body(payload, payload_length(bytes));
    default:
      return false;
  }
}

static bool hold(struct publish_coalescer *coalescer, const uint8_t *bytes, size_t length) {
  return coalescer->held.length + length <= COALESCER_CAPACITY &&
         byte_queue_append(&coalescer->held, bytes, length); /* if out of memory: write it through */
}

/* ---- Writing ---- */

enum coalescer_result publish_coalescer_flush(struct publish_coalescer *coalescer,
                                              const struct coalescer_writer *writer) {
  while (coalescer->held.length > 0) {
    size_t accepted = 0;
    enum coalescer_result result =
        writer->write(writer->context, byte_queue_front(&coalescer->held), coalescer->held.length, &accepted);

    if (result != COALESCER_ACCEPTED) {
      return result;
    }
    byte_queue_consume(&coalescer->held, accepted);
  }
  return COALESCER_ACCEPTED;
}

/* Finishes what an earlier call joined to the held bytes but could not write. */
static enum coalescer_result finish_joined(struct publish_coalescer *coalescer, const struct coalescer_writer *writer,
                                           const uint8_t *bytes, size_t length, size_t *accepted) {
  enum coalescer_result result;

  if (length < coalescer->joined) {
    return COALESCER_MISUSED; /* those bytes are in flight and can't be taken back */
  }
  result = publish_coalescer_flush(coalescer, writer);
  if (result == COALESCER_ACCEPTED) {
    *accepted = coalescer->joined;
    coalescer->joined = 0;
    follow(coalescer, bytes, length, *accepted);
  } else if (result == COALESCER_BROKEN) {
    coalescer->joined = 0; /* nothing is in flight any more: a later send reports the failed write, not a bad retry */
  }
  return result;
}

static enum coalescer_result write_through(struct publish_coalescer *coalescer, const struct coalescer_writer *writer,
                                           const uint8_t *bytes, size_t length, size_t *accepted) {
  enum coalescer_result result = writer->write(writer->context, bytes, length, accepted);

  if (result == COALESCER_ACCEPTED) {
    follow(coalescer, bytes, length, *accepted);
  }
  return result;
}

/* Fills up the record begun with as many of the new bytes as fit, and writes it. */
static enum coalescer_result join(struct publish_coalescer *coalescer, const struct coalescer_writer *writer,
                                  const uint8_t *bytes, size_t length, size_t *accepted) {
  size_t room = COALESCER_CAPACITY - coalescer->held.length;
  size_t count = length < room ? length : room;

  if (count > 0 && byte_queue_append(&coalescer->held, bytes, count)) {
    coalescer->joined = count;
    return finish_joined(coalescer, writer, bytes, length, accepted);
  }
  /* No room, or no memory to join them: what is held goes out first, on its own. */
  {
    enum coalescer_result result = publish_coalescer_flush(coalescer, writer);

    return result == COALESCER_ACCEPTED ? write_through(coalescer, writer, bytes, length, accepted) : result;
  }
}

enum coalescer_result publish_coalescer_send(struct publish_coalescer *coalescer, const struct coalescer_writer *writer,
                                             const uint8_t *bytes, size_t length, bool more, size_t *accepted) {
  *accepted = 0;
  if (coalescer->joined > 0) {
    return finish_joined(coalescer, writer, bytes, length, accepted);
  }
  if ((coalescer->corked || another_frame_follows(coalescer, bytes, length, more)) && hold(coalescer, bytes, length)) {
    follow(coalescer, bytes, length, length);
    *accepted = length;
    return COALESCER_ACCEPTED;
  }
  return publish_coalescer_holds(coalescer) ? join(coalescer, writer, bytes, length, accepted)
                                            : write_through(coalescer, writer, bytes, length, accepted);
}
