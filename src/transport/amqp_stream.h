/* SPDX-License-Identifier: MIT */
/*
 * Where in the stream of AMQP frames we are. Frames are counted, not guessed: what begins in the middle of a frame may
 * look like another one.
 */
#ifndef AMQP_WOLFSSL_AMQP_STREAM_H
#define AMQP_WOLFSSL_AMQP_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct amqp_stream {
  uint64_t frame_left; /**< bytes of the current frame still to come; 0: at a frame's start */
  bool lost_track;     /**< the stream is not made of frames that we know */
};

/** Whether a frame has begun and not ended. */
static inline bool amqp_stream_is_inside_frame(const struct amqp_stream *stream) { return stream->frame_left > 0; }

/** Tracks the frames in the first \a accepted bytes. \param [in] length all that was offered from here on */
void amqp_stream_follow(struct amqp_stream *stream, const uint8_t *bytes, size_t length, size_t accepted);

/** A whole heartbeat frame. */
#define AMQP_HEARTBEAT_LENGTH ((size_t)8)
extern const uint8_t amqp_stream_heartbeat[AMQP_HEARTBEAT_LENGTH];

/** Whether these bytes are a heartbeat at a frame's start. */
bool amqp_stream_is_heartbeat(const uint8_t *bytes, size_t length);

/** Whether these bytes are a whole frame that is certain to be followed by another of the same message. */
bool amqp_stream_another_follows(const struct amqp_stream *stream, const uint8_t *bytes, size_t length);

#endif
