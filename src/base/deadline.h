/* SPDX-License-Identifier: MIT */
/* A point in time that several steps share, on a clock that nobody can set; and waiting for a descriptor until then. */
#ifndef AMQP_WOLFSSL_DEADLINE_H
#define AMQP_WOLFSSL_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/time.h>

struct deadline {
  bool infinite;
  int64_t at_us; /**< microseconds on CLOCK_MONOTONIC */
};

/** What to wait for: one, or both. */
enum { DEADLINE_READABLE = 1, DEADLINE_WRITABLE = 2 };

enum deadline_wait_result { DEADLINE_READY, DEADLINE_PASSED, DEADLINE_FAILED };

/**
 * A NULL \a timeout means no limit.
 * \return false if the timeout is not valid (negative, or microseconds out of range)
 */
bool deadline_start(struct deadline *deadline, const struct timeval *timeout);

/** \param [in] seconds not negative; a struct timeval may have 32 bits for them, which end after 68 years */
void deadline_start_seconds(struct deadline *deadline, int64_t seconds);

/** The time left, never negative. Returns NULL if there is no limit, else \a left. */
const struct timeval *deadline_left(const struct deadline *deadline, struct timeval *left);

/** Whether no time is left. */
bool deadline_has_passed(const struct deadline *deadline);

/**
 * Waits until one of \a events is possible on \a descriptor, across EINTR. A deadline that has passed counts for more
 * than a descriptor that is ready: whoever keeps sending must not stretch it. Sets errno on failure.
 */
enum deadline_wait_result deadline_wait(const struct deadline *deadline, int descriptor, unsigned events);

#endif
