/* SPDX-License-Identifier: MIT */
/* Bytes in the order they came, in one piece of memory that is made when first needed. */
#ifndef AMQP_WOLFSSL_BYTE_QUEUE_H
#define AMQP_WOLFSSL_BYTE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct byte_queue {
  uint8_t *storage;
  size_t capacity;
  size_t head;   /**< where the oldest byte stands */
  size_t length; /**< bytes waiting */
};

void byte_queue_init(struct byte_queue *queue);

/** Adds a copy of the bytes at the end. \return false without memory; the queue is then as it was */
bool byte_queue_append(struct byte_queue *queue, const void *bytes, size_t length);

/** The oldest byte; the \a length bytes from there on are in one piece. Valid until the next append or release. */
const uint8_t *byte_queue_front(const struct byte_queue *queue);

/** Forgets the \a count oldest bytes (at most all). */
void byte_queue_consume(struct byte_queue *queue, size_t count);

/** Gives the memory back, and with it whatever was waiting. */
void byte_queue_release(struct byte_queue *queue);

#endif
