/* SPDX-License-Identifier: MIT */
/*
 * Why the broker ended a connection, as far as AMQP tells: the Connection.Close it sent before, or a login that newer
 * brokers refuse without a word. Programs that are not waiting for a frame just then only see the end.
 */
#ifndef AMQP_WOLFSSL_CLOSE_REASON_H
#define AMQP_WOLFSSL_CLOSE_REASON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* AMQP 0-9-1, section 4.2.3: type, channel, size. */
#define CLOSE_REASON_FRAME_HEADER ((size_t)7)
/* Connection.Close (section 1.4.2.9): method, reply-code, reply-text, the method that failed; the end of the frame. */
#define CLOSE_REASON_METHOD ((size_t)(4 + 2 + 1 + 255 + 4 + 1))
/* The frame of Connection.TuneOk (section 1.4.2.6): channel-max, frame-max, heartbeat. */
#define CLOSE_REASON_TUNE_OK ((size_t)20)

struct close_reason {
  uint8_t header[CLOSE_REASON_FRAME_HEADER]; /**< of the frame that is being received */
  size_t header_length;
  uint64_t frame_left; /**< bytes of it still to come, once its header is complete */
  uint8_t method[CLOSE_REASON_METHOD];
  size_t method_length;
  bool collecting;    /**< it is put into \a method */
  bool closed;        /**< \a method is a Connection.Close */
  bool lost_track;    /**< what arrives is not made of frames that we know */
  uint32_t frame_max; /**< as the client agreed to it in the login; 0: not yet, or no limit */
  bool answered;      /**< something has arrived since */
};

void close_reason_init(struct close_reason *reason);

/** To be told of all that arrives, in any pieces. */
void close_reason_received(struct close_reason *reason, const uint8_t *bytes, size_t length);
/** For a frame of CLOSE_REASON_TUNE_OK bytes. */
void close_reason_look_for_tune_ok(struct close_reason *reason, const uint8_t *bytes);

/** To be told of what the program sends, as rabbitmq-c does: each method in one call. */
static inline void close_reason_sent(struct close_reason *reason, const uint8_t *bytes, size_t length) {
  if (length == CLOSE_REASON_TUNE_OK) {
    close_reason_look_for_tune_ok(reason, bytes);
  }
}

/** Adds what is known to the record of a connection that has ended, once. Other records stay as they are. */
void close_reason_add(const struct close_reason *reason, amqp_wolfssl_error_t *error);

#endif
