/* SPDX-License-Identifier: MIT */
/*
 * A time() that stands before the C library's for all libraries of the process, so that a case takes place when it
 * should, to the second: the library and wolfSSL ask it for the date. Deadlines are by another clock.
 */
#include "client.h"

#include <time.h>

static time_t fixed; /* 0: not yet */

void limbo_clock_stop(time_t now) { fixed = now; }

__attribute__((visibility("default"))) time_t time(time_t *result) {
  struct timespec now = {.tv_sec = fixed};

  if (fixed == 0) {
    (void)clock_gettime(CLOCK_REALTIME, &now);
  }
  if (result != NULL) {
    *result = now.tv_sec;
  }
  return now.tv_sec;
}
