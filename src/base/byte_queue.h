/* SPDX-License-Identifier: MIT */
/* A FIFO of bytes in one block of memory, which is allocated when first needed. */
#ifndef AMQP_WOLFSSL_BYTE_QUEUE_H
#define AMQP_WOLFSSL_BYTE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct byte_queue {
  uint8_t *storage;
  size_t capacity;
  size_t head;   /**< where the oldest byte is */
  size_t length; /**< bytes queued */
  bool secret;   /**< memory is wiped before it is given back */
};

void byte_queue_init(struct byte_queue *queue);
/** For plaintext. */
void byte_queue_init_secret(struct byte_queue *queue);

/** For byte_queue_append(): makes room at the end. \return false if out of memory; the queue is then unchanged */
bool byte_queue_make_room(struct byte_queue *queue, size_t extra);

/** Adds a copy of the bytes at the end. \return false if out of memory; the queue is then unchanged.
    Inline: three times for each message that is published. */
static inline bool byte_queue_append(struct byte_queue *queue, const void *bytes, size_t length) {
  if (length == 0) {
    return true;
  }
  if (length > queue->capacity - queue->head - queue->length && !byte_queue_make_room(queue, length)) {
    return false;
  }
  memcpy(queue->storage + queue->head + queue->length, bytes, length);
  queue->length += length;
  return true;
}

/** The oldest byte; the \a length bytes from there on are contiguous. Valid until the next append or release. */
const uint8_t *byte_queue_front(const struct byte_queue *queue);

/** Drops the \a count oldest bytes (at most all). */
void byte_queue_consume(struct byte_queue *queue, size_t count);

/** Frees the memory, and with it whatever was queued. */
void byte_queue_release(struct byte_queue *queue);

#endif
