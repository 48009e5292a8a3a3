/* SPDX-License-Identifier: MIT */
/* A growing list of certificates in DER. */
#include "autoconfig.h"

#include "x509/certificate_list.h"

#include <stdlib.h>
#include <string.h>

static bool make_room(struct certificate_list *list, size_t extra) {
  size_t capacity = list->capacity > 0 ? list->capacity : 4;
  struct certificate_der *grown;

  while (capacity - list->count < extra) {
    capacity *= 2;
  }
  if (capacity == list->capacity) {
    return true;
  }
  grown = realloc(list->items, capacity * sizeof(*grown));
  if (grown == NULL) {
    return false;
  }
  list->items = grown;
  list->capacity = capacity;
  return true;
}

bool certificate_list_add(struct certificate_list *list, const uint8_t *der, size_t length) {
  uint8_t *copy;

  if (length == 0 || !make_room(list, 1)) {
    return false;
  }
  copy = malloc(length);
  if (copy == NULL) {
    return false;
  }
  memcpy(copy, der, length);
  list->items[list->count++] = (struct certificate_der){copy, length};
  /* cppcheck-suppress memleak ; it does not look into compound literals */
  return true;
}

bool certificate_list_contains(const struct certificate_list *list, const uint8_t *der, size_t length) {
  for (size_t i = 0; i < list->count; i++) {
    if (list->items[i].length == length && memcmp(list->items[i].bytes, der, length) == 0) {
      return true;
    }
  }
  return false;
}

bool certificate_list_equals(const struct certificate_list *one, const struct certificate_list *other) {
  if (one->count != other->count) {
    return false;
  }
  for (size_t i = 0; i < one->count; i++) {
    const struct certificate_der *left = &one->items[i];
    const struct certificate_der *right = &other->items[i];

    if (left->length != right->length || memcmp(left->bytes, right->bytes, left->length) != 0) {
      return false;
    }
  }
  return true;
}

bool certificate_list_take(struct certificate_list *to, struct certificate_list *from) {
  if (from->count > 0) {
    if (!make_room(to, from->count)) {
      return false;
    }
    memcpy(to->items + to->count, from->items, from->count * sizeof(*from->items));
    to->count += from->count;
    from->count = 0;
  }
  certificate_list_free(from);
  return true;
}

void certificate_list_free(struct certificate_list *list) {
  for (size_t i = 0; i < list->count; i++) {
    free(list->items[i].bytes);
  }
  free(list->items);
  memset(list, 0, sizeof(*list));
}
