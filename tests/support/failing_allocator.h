/* SPDX-License-Identifier: MIT */
/*
 * Lets a test fail the n-th allocation of its process, that of every library in it included.
 *
 * Include it in one source file of a test program only: it defines malloc(), calloc(), realloc() and strdup(), which
 * then stand before the C library's. It is a header and not a part of the support library, because the linker would
 * take such an object into every test program. Off until armed. It works under the address sanitizer. Under valgrind,
 * which puts its own functions before these, under the thread sanitizer, and with a C library other than glibc, it
 * never fails anything: ask failing_allocator_works() and skip.
 */
#ifndef TESTS_FAILING_ALLOCATOR_H
#define TESTS_FAILING_ALLOCATOR_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#if defined(__has_feature) /* clang */
#if __has_feature(address_sanitizer)
#define FAILING_ALLOCATOR_ADDRESS_SANITIZER 1
#elif __has_feature(thread_sanitizer)
#define FAILING_ALLOCATOR_THREAD_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define FAILING_ALLOCATOR_ADDRESS_SANITIZER 1
#elif defined(__SANITIZE_THREAD__)
#define FAILING_ALLOCATOR_THREAD_SANITIZER 1
#endif

/* Never inlined: valgrind has to see every call. */
#if defined(__clang__)
#define FAILING_ALLOCATOR_NOT_INLINED __attribute__((noinline))
#else
#define FAILING_ALLOCATOR_NOT_INLINED __attribute__((noipa))
#endif

#if defined(FAILING_ALLOCATOR_ADDRESS_SANITIZER)
/* The sanitizer's own functions, so that leaks and overruns are still found behind an allocation that failed. */
#define FAILING_ALLOCATOR_REAL(name) __interceptor_##name
/* The loader allocates before the sanitizer is ready, so what runs then must not be instrumented. */
#define FAILING_ALLOCATOR_EARLY \
  FAILING_ALLOCATOR_NOT_INLINED __attribute__((no_sanitize("address"), no_sanitize("undefined")))
#elif defined(__GLIBC__) && !defined(FAILING_ALLOCATOR_THREAD_SANITIZER)
#define FAILING_ALLOCATOR_REAL(name) __libc_##name
#define FAILING_ALLOCATOR_EARLY FAILING_ALLOCATOR_NOT_INLINED
#endif

static atomic_size_t failing_allocator_countdown; /* 0: off; 1: the next call fails */
static atomic_bool failing_allocator_failed;

/** From now on the \a nth allocation fails (1: the next), and no other. */
static inline void failing_allocator_arm(size_t nth) {
  atomic_store(&failing_allocator_failed, false);
  atomic_store(&failing_allocator_countdown, nth);
}

/** Nothing fails any more. \return whether an allocation failed since it was armed */
static inline bool failing_allocator_disarm(void) {
  atomic_store(&failing_allocator_countdown, 0);
  return atomic_load(&failing_allocator_failed);
}

/** Whether allocations of this process come past here at all. */
static inline bool failing_allocator_works(void) {
  void *volatile memory;
  bool failed;

  failing_allocator_arm(1);
  memory = malloc(1);
  failed = failing_allocator_disarm() && memory == NULL;
  free(memory);
  return failed;
}

#ifdef FAILING_ALLOCATOR_REAL
/* Libraries, and a sanitizer that starts, must find what stands before the C library's, whatever the build hides. */
#define FAILING_ALLOCATOR_DEFINED FAILING_ALLOCATOR_EARLY __attribute__((visibility("default")))

void *FAILING_ALLOCATOR_REAL(malloc)(size_t size);
void *FAILING_ALLOCATOR_REAL(calloc)(size_t count, size_t size);
void *FAILING_ALLOCATOR_REAL(realloc)(void *memory, size_t size);

FAILING_ALLOCATOR_EARLY static bool failing_allocator_refuses(void) {
  size_t left = atomic_load(&failing_allocator_countdown);

  while (left > 0) {
    if (atomic_compare_exchange_weak(&failing_allocator_countdown, &left, left - 1)) {
      if (left == 1) {
        atomic_store(&failing_allocator_failed, true);
        errno = ENOMEM;
      }
      return left == 1;
    }
  }
  return false;
}

FAILING_ALLOCATOR_DEFINED void *malloc(size_t size) {
  return failing_allocator_refuses() ? NULL : FAILING_ALLOCATOR_REAL(malloc)(size);
}

FAILING_ALLOCATOR_DEFINED void *calloc(size_t count, size_t size) {
  return failing_allocator_refuses() ? NULL : FAILING_ALLOCATOR_REAL(calloc)(count, size);
}

FAILING_ALLOCATOR_DEFINED void *realloc(void *memory, size_t size) {
  return failing_allocator_refuses() ? NULL : FAILING_ALLOCATOR_REAL(realloc)(memory, size);
}

/* Here because the address sanitizer's own does not come past malloc(). */
#undef strdup
FAILING_ALLOCATOR_DEFINED char *strdup(const char *text) {
  const size_t size = strlen(text) + 1;
  char *copy = malloc(size);

  return copy == NULL ? NULL : memcpy(copy, text, size);
}

#endif
#endif
