/* SPDX-License-Identifier: MIT */
/* How much of the heap this process uses, by the C library's own account. */
#ifndef TESTS_HEAP_IN_USE_H
#define TESTS_HEAP_IN_USE_H

#include <malloc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include "autoconfig.h"

/** To be compared with an earlier or later call. Sanitizers and valgrind bring a malloc() of which it does not know. */
static inline size_t heap_in_use(void) {
#ifdef HAVE_MALLINFO2
  const struct mallinfo2 info = mallinfo2();

  return info.uordblks + info.hblkhd; /* what is large may be mapped apart */
#else
  return 0;
#endif
}

/** Under sanitizers and valgrind it can't, nor with a C library other than glibc. */
static inline bool heap_can_be_measured(void) {
  const size_t length = 200000;
  const size_t before = heap_in_use();
  void *volatile block = malloc(length);
  const size_t with_it = heap_in_use();

  free(block);
  return with_it >= before + length;
}

#endif
