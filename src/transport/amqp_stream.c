/* SPDX-License-Identifier: MIT */
/* Counts frames, and knows which are followed by another. */
#include "autoconfig.h"

#include "transport/amqp_stream.h"

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

/* ---- Where in the stream we are ---- */

static uint32_t payload_length(const uint8_t *frame) {
  return (uint32_t)frame[3] << 24 | (uint32_t)frame[4] << 16 | (uint32_t)frame[5] << 8 | frame[6];
}

static bool is_known_frame(const uint8_t *bytes, size_t length) {
  return length >= FRAME_HEADER_LENGTH && (bytes[0] == FRAME_METHOD || bytes[0] == FRAME_CONTENT_HEADER ||
                                           bytes[0] == FRAME_BODY || bytes[0] == FRAME_HEARTBEAT);
}

/* The length of the frame or protocol header that begins here, or 0 if it is neither. A size_t may be too small. */
static uint64_t unit_length(const uint8_t *bytes, size_t length) {
  if (length >= PROTOCOL_HEADER_LENGTH && memcmp(bytes, "AMQP", 4) == 0) {
    return PROTOCOL_HEADER_LENGTH;
  }
  return is_known_frame(bytes, length) ? (uint64_t)FRAME_HEADER_LENGTH + payload_length(bytes) + FRAME_END_LENGTH : 0;
}

void amqp_stream_follow(struct amqp_stream *stream, const uint8_t *bytes, size_t length, size_t accepted) {
  size_t at = 0;

  while (at < accepted && !stream->lost_track) {
    size_t step;

    if (stream->frame_left == 0) {
      stream->frame_left = unit_length(bytes + at, length - at);
      stream->lost_track = stream->frame_left == 0;
    }
    step = accepted - at < stream->frame_left ? accepted - at : (size_t)stream->frame_left;
    stream->frame_left -= step;
    at += step;
  }
}

/* ---- Heartbeats (section 4.2.7) ---- */

const uint8_t amqp_stream_heartbeat[AMQP_HEARTBEAT_LENGTH] = {FRAME_HEARTBEAT, 0, 0, 0, 0, 0, 0, FRAME_END};

bool amqp_stream_is_heartbeat(const uint8_t *bytes, size_t length) {
  return length == AMQP_HEARTBEAT_LENGTH && memcmp(bytes, amqp_stream_heartbeat, AMQP_HEARTBEAT_LENGTH) == 0;
}

/* ---- What is followed by another frame ---- */

static bool is_whole_frame(const uint8_t *bytes, size_t length) {
  return is_known_frame(bytes, length) && unit_length(bytes, length) == length && bytes[length - 1] == FRAME_END;
}

static bool announces_body(const uint8_t *payload, size_t length) {
  static const uint8_t no_body[8] = {0};

  /* class, weight, body size (section 4.2.6.1) */
  return length >= 12 && memcmp(payload, class_basic, sizeof(class_basic)) == 0 &&
         memcmp(payload + 4, no_body, sizeof(no_body)) != 0;
}

bool amqp_stream_another_follows(const struct amqp_stream *stream, const uint8_t *bytes, size_t length) {
  const uint8_t *payload = bytes + FRAME_HEADER_LENGTH;

  if (stream->lost_track || stream->frame_left != 0 || !is_whole_frame(bytes, length)) {
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
