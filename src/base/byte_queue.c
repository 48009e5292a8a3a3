/* SPDX-License-Identifier: MIT */
/* A queue of bytes in one growing block of memory, so that all that is queued can go out with one send(). */
#include "autoconfig.h"

#include "base/byte_queue.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY ((size_t)1024)

void byte_queue_init(struct byte_queue *queue) { memset(queue, 0, sizeof(*queue)); }

static void move_to_start(struct byte_queue *queue) {
  if (queue->head > 0) {
    memmove(queue->storage, queue->storage + queue->head, queue->length);
    queue->head = 0;
  }
}

static bool make_room(struct byte_queue *queue, size_t extra) {
  size_t capacity = queue->capacity > 0 ? queue->capacity : FIRST_CAPACITY;
  size_t needed = queue->length + extra;
  uint8_t *grown;

  if (needed < extra) {
    return false;
  }
  if (queue->capacity - queue->head >= needed) {
    return true;
  }
  if (queue->capacity >= needed) {
    move_to_start(queue);
    return true;
  }
  while (capacity < needed) {
    if (capacity > SIZE_MAX / 2) {
      return false;
    }
    capacity *= 2;
  }
  grown = realloc(queue->storage, capacity);
  if (grown == NULL) {
    return false;
  }
  queue->storage = grown;
  queue->capacity = capacity;
  move_to_start(queue);
  return true;
}

bool byte_queue_append(struct byte_queue *queue, const void *bytes, size_t length) {
  if (length == 0) {
    return true;
  }
  if (!make_room(queue, length)) {
    return false;
  }
  memcpy(queue->storage + queue->head + queue->length, bytes, length);
  queue->length += length;
  return true;
}

const uint8_t *byte_queue_front(const struct byte_queue *queue) {
  return queue->storage == NULL ? NULL : queue->storage + queue->head;
}

void byte_queue_consume(struct byte_queue *queue, size_t count) {
  if (count >= queue->length) {
    queue->head = 0;
    queue->length = 0;
    return;
  }
  queue->head += count;
  queue->length -= count;
}

void byte_queue_release(struct byte_queue *queue) {
  free(queue->storage);
  byte_queue_init(queue);
}
