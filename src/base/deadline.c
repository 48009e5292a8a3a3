/* SPDX-License-Identifier: MIT */
/* Deadlines on CLOCK_MONOTONIC. rabbitmq-c has the same internally, but does not export it. */
#include "autoconfig.h"

#include "base/deadline.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <time.h>

#define US_PER_SECOND INT64_C(1000000)

static int64_t now_us(void) {
  struct timespec now;

  if (clock_gettime(CLOCK_MONOTONIC, &now) != 0) {
    return INT64_MAX; /* no clock: every limit has passed, and nothing waits forever */
  }
  return (int64_t)now.tv_sec * US_PER_SECOND + now.tv_nsec / 1000;
}

static void start(struct deadline *deadline, int64_t seconds, int64_t microseconds) {
  const int64_t now = now_us();

  deadline->infinite = false;
  deadline->at_us = 0;
  if (now == INT64_MAX) {
    return; /* no clock: it has passed */
  }
  if (seconds > (INT64_MAX - now) / US_PER_SECOND - 1) {
    deadline->infinite = true; /* longer than the clock runs */
  } else {
    deadline->at_us = now + seconds * US_PER_SECOND + microseconds;
  }
}

bool deadline_start(struct deadline *deadline, const struct timeval *timeout) {
  *deadline = (struct deadline){.infinite = timeout == NULL};
  if (timeout == NULL) {
    return true;
  }
  if (timeout->tv_sec < 0 || timeout->tv_usec < 0 || timeout->tv_usec >= US_PER_SECOND) {
    return false;
  }
  start(deadline, timeout->tv_sec, timeout->tv_usec);
  return true;
}

void deadline_start_seconds(struct deadline *deadline, int64_t seconds) { start(deadline, seconds, 0); }

static int64_t left_us(const struct deadline *deadline) {
  int64_t now = now_us();

  return now >= deadline->at_us ? 0 : deadline->at_us - now;
}

const struct timeval *deadline_left(const struct deadline *deadline, struct timeval *left) {
  int64_t us;

  if (deadline->infinite) {
    return NULL;
  }
  us = left_us(deadline);
  left->tv_sec = (time_t)(us / US_PER_SECOND);
  left->tv_usec = (suseconds_t)(us % US_PER_SECOND);
  return left;
}

bool deadline_has_passed(const struct deadline *deadline) { return !deadline->infinite && left_us(deadline) == 0; }

/* Rounded up, so that poll() does not return a moment early and spin. */
static int left_ms(const struct deadline *deadline) {
  int64_t ms;

  if (deadline->infinite) {
    return -1;
  }
  ms = (left_us(deadline) + 999) / 1000;
  return ms > INT_MAX ? INT_MAX : (int)ms;
}

enum deadline_wait_result deadline_wait(const struct deadline *deadline, int descriptor, unsigned events) {
  struct pollfd poll_for = {.fd = descriptor};

  if ((events & DEADLINE_READABLE) != 0) {
    poll_for.events |= POLLIN;
  }
  if ((events & DEADLINE_WRITABLE) != 0) {
    poll_for.events |= POLLOUT;
  }
  for (;;) {
    const int timeout_ms = left_ms(deadline);
    int ready;

    if (timeout_ms == 0) {
      return DEADLINE_PASSED;
    }
    ready = poll(&poll_for, 1, timeout_ms);
    if (ready > 0) {
      return DEADLINE_READY; /* also after an error or hang-up: the next read or write tells which */
    }
    if (ready < 0 && errno != EINTR) {
      return DEADLINE_FAILED;
    }
  }
}
