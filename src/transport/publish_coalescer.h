/* SPDX-License-Identifier: MIT */
/*
 * Owns what the program has sent and the session has not, and turns a small publish into one TLS record, and so into
 * one system call. rabbitmq-c sends the three frames of a publish with three calls and marks all but the last with
 * "more to come"; written as they come, each would be a record of its own. Pure: no wolfSSL, no sockets; the caller
 * supplies the writer.
 *
 * There are two states besides "nothing waits": bytes are held (accepted, and not written), or a send is claimed
 * (written, and to be accepted once they have left). Writing itself never waits: the writer takes all bytes or none.
 *
 * The rules that keep a message from waiting for a call that may never come, and from being lost, duplicated or
 * reordered:
 *  1. Only frames that are certain to be followed by another are held: Basic.Publish, and a content header that
 *     announces a body. A body frame never is: rabbitmq-c marks even the last one when the body is an exact multiple of
 *     a frame's payload.
 *  2. What is held is copied and counts as accepted at once.
 *  3. The frame that ends the message is accepted only once what was held has left with it.
 *  4. A retry may offer fewer bytes than before, but at least those claimed, and may start in the middle of a frame;
 *     frames are counted, not guessed.
 *  5. Receiving flushes first; if that blocks, it receives anyway.
 *  6. What is held never grows beyond one record.
 *  7. A failed write is final; the writer below ensures that.
 *
 * Two threads may send (a heartbeat of the one that receives, while the other publishes):
 *  8. While bytes of one wait to leave, the other waits. It may go on behind them once they have left and end with a
 *     frame's end, even if the first has not come back to hear of it.
 *  9. A frame that one has begun, only that one can continue.
 * 10. A heartbeat never waits. It carries nothing, and rabbitmq-c, which sends it in the middle of receiving, would be
 * deaf
 *     until it is accepted. It is accepted at once, and sent as soon as it can be, between two frames.
 */
#ifndef AMQP_WOLFSSL_PUBLISH_COALESCER_H
#define AMQP_WOLFSSL_PUBLISH_COALESCER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>

#include "base/byte_queue.h"
#include "transport/amqp_stream.h"
#include "transport/send_claim.h"

/** The most that is ever held: the plaintext of one TLS record. */
#define COALESCER_CAPACITY ((size_t)16384)
/** The most that is written at once. */
#define COALESCER_WRITE_MOST (4 * COALESCER_CAPACITY)
/** How many threads may wait to hear of their bytes at once. */
#define COALESCER_CLAIMS 2

enum coalescer_result {
  COALESCER_ACCEPTED,
  COALESCER_BLOCKED, /**< nothing accepted; offer the same bytes again once it can be written */
  COALESCER_BUSY,    /**< nothing accepted, and writing is possible; another thread has to go on first */
  COALESCER_BROKEN,
  COALESCER_MISUSED /**< other bytes, or fewer, were offered than those that are on their way */
};

/** Where bytes go. */
struct coalescer_writer {
  /** COALESCER_ACCEPTED: all that was written has left. COALESCER_BLOCKED: some waits. */
  enum coalescer_result (*flush)(void *context);
  /**
   * Only called when everything has left. COALESCER_ACCEPTED: all bytes are on their way; flush() says when they left.
   */
  enum coalescer_result (*write)(void *context, const uint8_t *bytes, size_t length);
  void *context;
};

struct publish_coalescer {
  struct byte_queue held;
  struct send_claim claims[COALESCER_CLAIMS];
  unsigned open_claims;
  struct amqp_stream stream;
  pthread_t frame_owner; /**< who has begun the frame that has not ended; meaningless between frames */
  bool corked;
  bool heartbeat_owed; /**< one was accepted that could not be written */
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

/** Writes what is held. COALESCER_ACCEPTED: nothing is held any more, and all has left. */
enum coalescer_result publish_coalescer_flush(struct publish_coalescer *coalescer,
                                              const struct coalescer_writer *writer);

/**
 * From now on everything is held until it fills a record; publish_coalescer_flush() or uncorking and flushing ends it.
 */
void publish_coalescer_set_corked(struct publish_coalescer *coalescer, bool corked);

/** Whether anything is held. */
bool publish_coalescer_holds(const struct publish_coalescer *coalescer);

/** How many bytes of those written their callers still count as unsent. */
size_t publish_coalescer_claimed(const struct publish_coalescer *coalescer);

#endif
