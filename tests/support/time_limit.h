/* SPDX-License-Identifier: MIT */
/* A safety net against a test program that hangs. */
#ifndef TESTS_TIME_LIMIT_H
#define TESTS_TIME_LIMIT_H

#include <stdlib.h>
#include <unistd.h>

/** Ends the program after \a seconds, or after $TEST_TIMEOUT where that is more: under valgrind all takes longer. */
static inline void time_limit_start(unsigned seconds) {
  const char *setting = getenv("TEST_TIMEOUT");
  const unsigned long of_run = setting != NULL ? strtoul(setting, NULL, 10) : 0;

  (void)alarm(of_run > 300 && of_run < 100000 ? (unsigned)of_run : seconds);
}

#endif
