/* SPDX-License-Identifier: MIT */
/* A queue of bytes in one growing block of memory, so that all that is queued can go out with one send(). */
#include "autoconfig.h"

#include "base/byte_queue.h"

#include <stdlib.h>

#include "base/secret.h"

#define FIRST_CAPACITY ((size_t)1024)

void byte_queue_init(struct byte_queue *queue) { memset(queue, 0, sizeof(*queue)); }

void byte_queue_init_secret(struct byte_queue *queue) {
  byte_queue_init(queue);
  queue->secret = true;
}

static void move_to_start(struct byte_queue *queue) {
  if (queue->head > 0) {
    memmove(queue->storage, queue->storage + queue->head, queue->length);
    queue->head = 0;
  }
}

static void free_storage(struct byte_queue *queue) {
  if (queue->secret) {
    secret_wipe(queue->storage, queue->capacity);
  }
  free(queue->storage);
}

/* realloc() would leave a copy behind that nobody can wipe. */
static bool move_to_larger(struct byte_queue *queue, size_t capacity) {
  uint8_t *larger = malloc(capacity);

  if (larger == NULL) {
    return false;
  }
  if (queue->length > 0) {
    memcpy(larger, queue->storage + queue->head, queue->length);
  }
  free_storage(queue);
  queue->storage = larger;
  queue->capacity = capacity;
  queue->head = 0;
  return true;
}

static bool grow(struct byte_queue *queue, size_t capacity) {
  uint8_t *grown;

  if (queue->secret) {
    return move_to_larger(queue, capacity);
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

bool byte_queue_make_room(struct byte_queue *queue, size_t extra) {
  size_t capacity = queue->capacity > 0 ? queue->capacity : FIRST_CAPACITY;
  size_t needed = queue->length + extra;

  if (needed < extra) {
    return false;
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
  return grow(queue, capacity);
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
  const bool secret = queue->secret;

  free_storage(queue);
  byte_queue_init(queue);
  queue->secret = secret;
}
