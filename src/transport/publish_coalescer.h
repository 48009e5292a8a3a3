/* SPDX-License-Identifier: MIT */
/*
 * Makes one TLS record, and so one system call, of a small publish. rabbitmq-c sends the three frames of a publish with
 * three calls and marks all but the last with "more to come"; written as they come, each would be a record of its own.
 * Pure: no wolfSSL, no sockets; what it writes to is given to it.
 *
 * The rules, under which no message ever waits for a call that may not come, and none is lost, doubled or reordered:
 *  1. Only frames that another one surely follows are held: Basic.Publish, and a content header that announces a body.
 *     A body frame never is: rabbitmq-c marks the last one too when the body is an exact multiple of the frame's room.
 *  2. What is held is copied and counts as accepted at once.
 *  3. The frame that ends the message is accepted only when what was held has gone with it.
 *  4. A retry may offer fewer bytes than before, and may start in the middle of a frame; frames are counted,
 *     not guessed.
 *  5. Receiving flushes first; if that blocks, receiving goes on all the same.
 *  6. What is held never grows beyond one record.
 *  7. A broken write is final; the writer below sees to that.
 */
#ifndef AMQP_WOLFSSL_PUBLISH_COALESCER_H
#define AMQP_WOLFSSL_PUBLISH_COALESCER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/byte_queue.h"

/** Most that is held: the plaintext of one TLS record. */
#define COALESCER_CAPACITY ((size_t)16384)

enum coalescer_result {
  COALESCER_ACCEPTED,
  COALESCER_BLOCKED, /**< nothing accepted; offer the same bytes again once it can be written */
  COALESCER_BROKEN,
  COALESCER_MISUSED /**< fewer bytes were offered than are under way already; offer those and it goes on */
};

/**
 * Where bytes go. COALESCER_ACCEPTED: \a accepted of them (at least one) are on their way. COALESCER_BLOCKED: none is,
 * but the same bytes, or those and more, will be offered again.
 */
struct coalescer_writer {
  enum coalescer_result (*write)(void *context, const uint8_t *bytes, size_t length, size_t *accepted);
  void *context;
};

struct publish_coalescer {
  struct byte_queue held;
  size_t joined;     /**< how many bytes at the end of \a held the caller still believes to be its own */
  size_t frame_left; /**< bytes of the current frame not yet accepted; 0: at a frame's start */
  bool lost_track;   /**< the stream is not made of frames as we know them: hold nothing */
  bool corked;
};

void publish_coalescer_init(struct publish_coalescer *coalescer);
/** Drops what is held. */
void publish_coalescer_release(struct publish_coalescer *coalescer);
/** Gives memory back that holds nothing. */
void publish_coalescer_release_idle(struct publish_coalescer *coalescer);

/**
 * Takes bytes of the stream.
 * \param [in] more the caller says that more will follow at once
 * \param [out] accepted with COALESCER_ACCEPTED: how many, at least 1
 */
enum coalescer_result publish_coalescer_send(struct publish_coalescer *coalescer, const struct coalescer_writer *writer,
                                             const uint8_t *bytes, size_t length, bool more, size_t *accepted);

/** Writes what is held. COALESCER_ACCEPTED: nothing is held any more. */
enum coalescer_result publish_coalescer_flush(struct publish_coalescer *coalescer,
                                              const struct coalescer_writer *writer);

/**
 * From now on everything is held until it fills a record; publish_coalescer_flush() or uncorking and flushing ends it.
 */
void publish_coalescer_set_corked(struct publish_coalescer *coalescer, bool corked);

/** Whether anything waits to be written. */
bool publish_coalescer_holds(const struct publish_coalescer *coalescer);

#endif
