/* SPDX-License-Identifier: MIT */
/*
 * A poll() that acts in the middle of the library's and rabbitmq-c's waits, counts them, and fails.
 *
 * Include it in one source file of a test program only: its poll() stands before the C library's. It is a header and
 * not a part of the support library, because the linker would take such an object into every test program.
 */
#ifndef TESTS_ACTING_POLL_H
#define TESTS_ACTING_POLL_H

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

struct acting_poll {
  void (*act)(void *context); /* at the next call; NULL: nothing */
  void *context;
  unsigned calls;
  bool skip_pauses; /* calls without a descriptor return at once */
  unsigned pauses;  /* how many did */
  int paused;       /* and how many milliseconds they asked for */
  bool fails;       /* once, for lack of memory */
};

struct acting_poll at_poll; /* not static: poll() may be an inline function in the C library's headers */

/* Other objects must find this, whatever the build hides. */
#pragma GCC visibility push(default)
int poll(struct pollfd *descriptors, nfds_t count, int timeout) {
  int (*real)(struct pollfd *, nfds_t, int);
  void (*act)(void *) = at_poll.act;

  at_poll.calls++;
  if (act != NULL) {
    at_poll.act = NULL;
    act(at_poll.context);
  }
  if (at_poll.skip_pauses && count == 0) {
    at_poll.pauses++;
    at_poll.paused += timeout;
    return 0;
  }
  if (at_poll.fails) {
    at_poll.fails = false;
    errno = ENOMEM;
    return -1;
  }
  *(void **)&real = dlsym(RTLD_NEXT, "poll");
  return real(descriptors, count, timeout);
}
#pragma GCC visibility pop

static inline void act_at_next_poll(void (*act)(void *context), void *context) {
  at_poll.context = context;
  at_poll.act = act;
}

#endif
