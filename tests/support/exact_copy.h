/* SPDX-License-Identifier: MIT */
/*
 * Input in a block of exactly its size, so that the address sanitizer and valgrind see a read past its end.
 */
#ifndef TESTS_EXACT_COPY_H
#define TESTS_EXACT_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The caller frees it. */
static inline uint8_t *exact_copy(const void *bytes, size_t length) {
  uint8_t *copy = malloc(length);
  if (copy == NULL && length > 0) {
    perror("malloc");
    abort();
  }
  if (length > 0) {
    memcpy(copy, bytes, length);
  }
  return copy;
}

#endif
