/* SPDX-License-Identifier: MIT */
/*
 * Turns a small publish into one TLS record, and so into one system call. rabbitmq-c sends the three frames of a
 * publish with three calls and marks all but the last with "more to come"; written as they come, each would be a record
 * of its own. Pure: no wolfSSL, no sockets; the caller supplies the writer.
 *
 * The rules that keep a message from waiting for a call that may never come, and from being lost, duplicated or
 * reordered:
 *  1. Only frames that are certain to be followed by another are held: Basic.Publish, and a content header that
 *     announces a body. A body frame never is: rabbitmq-c marks even the last one when the body is an exact multiple of
 *     a frame's payload.
 *  2. What is held is copied and counts as accepted at once.
 *  3. The frame that ends the message is accepted only once what was held has been written with it.
 *  4. A retry may offer fewer bytes than before, and may start in the middle of a frame; frames are counted,
 *     not guessed.
 *  5. Receiving flushes first; if that blocks, it receives anyway.
 *  6. What is held never grows beyond one record.
 *  7. A failed write is final; the writer below ensures that.
 */
#ifndef AMQP_WOLFSSL_PUBLISH_COALESCER_H
#define AMQP_WOLFSSL_PUBLISH_COALESCER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/byte_queue.h"

/** The most that is ever held: the plaintext of one TLS record. */
#define COALESCER_CAPACITY ((size_t)16384)

enum coalescer_result {
  COALESCER_ACCEPTED,
  COALESCER_BLOCKED, /**< nothing accepted; offer the same bytes again once it can be written */
  COALESCER_BROKEN,
  COALESCER_MISUSED /**< fewer bytes were offered than are already in flight; offer at least those to go on */
};

/**
 * Where bytes go. COALESCER_ACCEPTED: \a accepted of them (at least one) are on their way. COALESCER_BLOCKED: none are,
 * but the same bytes, or those and more, will be offered again.
 */
struct coalescer_writer {
  enum coalescer_result (*write)(void *context, const uint8_t *bytes, size_t length, size_t *accepted);
  void *context;
};

struct publish_coalescer {
  struct byte_queue held;
  size_t joined;     /**< how many bytes at the end of \a held the caller still counts as unsent */
  size_t frame_left; /**< bytes of the current frame not yet accepted; 0: at a frame's start */
  bool lost_track;   /**< the stream is not made of frames that we know: hold nothing */
  bool corked;
};

void publish_coalescer_init(struct publish_coalescer *coalescer);
/** Drops what is held. */
void publish_coalescer_release(struct publish_coalescer *coalescer);
/** Frees the memory if nothing is held. */
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
