/* SPDX-License-Identifier: MIT */
/*
 * Deadlines. Where exact times matter the clock is the test's own: clock_gettime() here stands before the C library's.
 * Where the real clock runs, all that is asked is that nothing ends before the deadline's own clock says so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/deadline.h"

/* ---- The clock ---- */

static volatile enum { CLOCK_IS_REAL, CLOCK_IS_SET, CLOCK_IS_BROKEN } clock_kind;
static struct timespec set_time;

int clock_gettime(clockid_t kind, struct timespec *now) {
  int (*real)(clockid_t, struct timespec *);

  if (kind == CLOCK_MONOTONIC && clock_kind == CLOCK_IS_BROKEN) {
    errno = EINVAL;
    return -1;
  }
  if (kind == CLOCK_MONOTONIC && clock_kind == CLOCK_IS_SET) {
    *now = set_time;
    return 0;
  }
  *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
  return real(kind, now);
}

static void set_clock(time_t seconds, long nanoseconds) {
  set_time.tv_sec = seconds;
  set_time.tv_nsec = nanoseconds;
  clock_kind = CLOCK_IS_SET;
}

static int real_clock_again(void **state) {
  (void)state;
  clock_kind = CLOCK_IS_REAL;
  return 0;
}

static struct deadline started(time_t seconds, suseconds_t microseconds) {
  struct timeval timeout = {.tv_sec = seconds, .tv_usec = microseconds};
  struct deadline deadline;

  assert_true(deadline_start(&deadline, &timeout));
  return deadline;
}

static struct deadline infinite(void) {
  struct deadline deadline;

  assert_true(deadline_start(&deadline, NULL));
  return deadline;
}

static void assert_left(const struct deadline *deadline, time_t seconds, suseconds_t microseconds) {
  struct timeval left = {.tv_sec = 77, .tv_usec = 77};

  assert_ptr_equal(deadline_left(deadline, &left), &left);
  assert_int_equal(left.tv_sec, seconds);
  assert_int_equal(left.tv_usec, microseconds);
}

/* ---- Starting, and what is left ---- */

static void test_no_timeout_is_for_ever(void **state) {
  struct deadline deadline = infinite();
  struct timeval left;
  (void)state;

  assert_true(deadline.infinite);
  assert_null(deadline_left(&deadline, &left));
  set_clock(INT_MAX, 0);
  assert_null(deadline_left(&deadline, &left));
}

static void test_counts_down_and_never_below_zero(void **state) {
  struct deadline deadline;
  (void)state;

  set_clock(1000, 600000000);
  deadline = started(2, 750000);
  assert_false(deadline.infinite);
  assert_left(&deadline, 2, 750000);
  set_clock(1001, 600001000);
  assert_left(&deadline, 1, 749999);
  set_clock(1003, 0);
  assert_left(&deadline, 0, 350000);
  set_clock(1003, 349999000);
  assert_left(&deadline, 0, 1);
  set_clock(1003, 350000000);
  assert_left(&deadline, 0, 0);
  set_clock(1003, 350001000);
  assert_left(&deadline, 0, 0);
  set_clock(2000000, 0);
  assert_left(&deadline, 0, 0);
}

static void test_zero_has_passed_already(void **state) {
  struct deadline deadline;
  (void)state;

  set_clock(5, 0);
  deadline = started(0, 0);
  assert_false(deadline.infinite);
  assert_left(&deadline, 0, 0);
}

static void test_limits_of_the_microseconds(void **state) {
  struct deadline deadline;
  (void)state;

  set_clock(5, 0);
  deadline = started(0, 999999);
  assert_left(&deadline, 0, 999999);
  deadline = started(0, 1);
  assert_left(&deadline, 0, 1);
}

static void test_refuses_what_is_no_timeout(void **state) {
  static const struct timeval refused[] = {
      {-1, 0},       {0, -1},       {0, 1000000},  {1, -1},        {-1, 999999},
      {LONG_MIN, 0}, {0, LONG_MAX}, {0, LONG_MIN}, {LONG_MAX, -1},
  };
  (void)state;

  for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
    struct deadline deadline;

    if (deadline_start(&deadline, &refused[i])) {
      fail_msg("%lld s and %lld us were taken", (long long)refused[i].tv_sec, (long long)refused[i].tv_usec);
    }
    assert_false(deadline.infinite); /* whoever goes on all the same must not wait for ever */
  }
}

/* A timeout the clock can't reach is for ever; any other is kept exactly. Nothing overflows into the past. */
static void test_huge_timeouts(void **state) {
  static const int64_t seconds[] = {
      INT_MAX,
      UINT_MAX,
      INT64_MAX / 1000000 - 2000,
      INT64_MAX / 1000000 - 1001,
      INT64_MAX / 1000000 - 1000,
      INT64_MAX / 1000000,
      INT64_MAX / 1000000 + 1,
      INT64_MAX / 2,
      INT64_MAX - 1,
      INT64_MAX,
  };
  (void)state;

  set_clock(1000, 999999000);
  for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
    const time_t as_time = (time_t)seconds[i];
    struct deadline deadline;
    struct timeval left;

    if (as_time != seconds[i]) {
      continue; /* time_t has 32 bits */
    }
    deadline = started(as_time, 999999);
    if (deadline_left(&deadline, &left) != NULL) {
      assert_int_equal(left.tv_sec, seconds[i]);
      assert_int_equal(left.tv_usec, 999999);
    } else {
      assert_true(seconds[i] >= INT64_MAX / 1000000 - 2000);
    }
  }
}

/* Without a struct timeval the same, whatever a time_t holds. */
static void test_seconds(void **state) {
  static const int64_t kept[] = {0, 1, INT32_MAX, INT64_C(2147483648), INT64_C(3162240000), INT64_C(9000000000000)};
  static const int64_t forever[] = {INT64_MAX / 1000000, INT64_MAX / 1000000 + 1, INT64_MAX};
  struct deadline deadline;
  (void)state;

  set_clock(1000, 999999000);
  for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
    deadline_start_seconds(&deadline, kept[i]);
    assert_false(deadline.infinite);
    assert_true(deadline.at_us == (1000 + kept[i]) * 1000000 + 999999);
    assert_int_equal(deadline_has_passed(&deadline), kept[i] == 0);
  }
  for (size_t i = 0; i < sizeof(forever) / sizeof(forever[0]); i++) {
    deadline_start_seconds(&deadline, forever[i]);
    assert_true(deadline.infinite);
  }
}

static void test_without_a_clock_every_limit_has_passed(void **state) {
  struct timeval left;
  struct deadline before = started(3600, 0);
  struct deadline after;
  (void)state;

  clock_kind = CLOCK_IS_BROKEN;
  assert_left(&before, 0, 0);
  after = started(3600, 0);
  assert_false(after.infinite);
  assert_non_null(deadline_left(&after, &left));
  assert_left(&after, 0, 0);
}

/* ---- Waiting ---- */

static int ends[2];

static int open_pipe(void **state) {
  (void)state;
  return pipe(ends);
}

static void close_end(int which) {
  if (ends[which] >= 0) {
    assert_int_equal(close(ends[which]), 0);
    ends[which] = -1;
  }
}

static int close_pipe(void **state) {
  close_end(0);
  close_end(1);
  return real_clock_again(state);
}

static void write_byte(void) { assert_int_equal(write(ends[1], "x", 1), 1); }

static void fill_pipe(void) {
  static const char block[4096];
  const int flags = fcntl(ends[1], F_GETFL);

  assert_int_equal(fcntl(ends[1], F_SETFL, flags | O_NONBLOCK), 0);
  while (write(ends[1], block, sizeof(block)) > 0) {
  }
  assert_int_equal(errno, EAGAIN);
}

static void test_waits_for_readable(void **state) {
  struct deadline forever = infinite();
  struct deadline hour = started(3600, 0);
  struct deadline none = started(0, 0);
  (void)state;

  assert_int_equal(deadline_wait(&none, ends[0], DEADLINE_READABLE), DEADLINE_PASSED);
  write_byte();
  assert_int_equal(deadline_wait(&forever, ends[0], DEADLINE_READABLE), DEADLINE_READY);
  assert_int_equal(deadline_wait(&hour, ends[0], DEADLINE_READABLE), DEADLINE_READY);
}

static void test_waits_for_writable(void **state) {
  struct deadline forever = infinite();
  struct deadline moment = started(0, 1000);
  (void)state;

  assert_int_equal(deadline_wait(&forever, ends[1], DEADLINE_WRITABLE), DEADLINE_READY);
  fill_pipe();
  assert_int_equal(deadline_wait(&moment, ends[1], DEADLINE_WRITABLE), DEADLINE_PASSED);
}

static void test_waits_for_either(void **state) {
  struct deadline forever = infinite();
  struct deadline moment = started(0, 1000);
  (void)state;

  assert_int_equal(deadline_wait(&moment, ends[0], DEADLINE_READABLE | DEADLINE_WRITABLE), DEADLINE_PASSED);
  assert_int_equal(deadline_wait(&forever, ends[1], DEADLINE_READABLE | DEADLINE_WRITABLE), DEADLINE_READY);
  write_byte();
  assert_int_equal(deadline_wait(&forever, ends[0], DEADLINE_READABLE | DEADLINE_WRITABLE), DEADLINE_READY);
}

/* Whoever keeps sending would otherwise stretch every time limit. */
static void test_what_is_ready_does_not_stretch_a_deadline(void **state) {
  struct deadline none = started(0, 0);
  (void)state;

  write_byte();
  assert_int_equal(deadline_wait(&none, ends[0], DEADLINE_READABLE), DEADLINE_PASSED);
  assert_int_equal(deadline_wait(&none, ends[1], DEADLINE_WRITABLE), DEADLINE_PASSED);
}

static void test_reading_and_writing_are_told_apart(void **state) {
  struct deadline moment = started(0, 1000);
  (void)state;

  /* The write end can be written, and never read. */
  assert_int_equal(deadline_wait(&moment, ends[1], DEADLINE_READABLE), DEADLINE_PASSED);
}

static void test_hang_up_ends_the_wait(void **state) {
  struct deadline forever = infinite();
  (void)state;

  close_end(1);
  assert_int_equal(deadline_wait(&forever, ends[0], DEADLINE_READABLE), DEADLINE_READY);
}

static void test_broken_pipe_ends_the_wait(void **state) {
  struct deadline forever = infinite();
  (void)state;

  fill_pipe();
  close_end(0);
  assert_int_equal(deadline_wait(&forever, ends[1], DEADLINE_WRITABLE), DEADLINE_READY);
}

static void test_closed_descriptor_does_not_hang(void **state) {
  struct deadline forever = infinite();
  const int closed = ends[0];
  (void)state;

  close_end(0);
  assert_int_not_equal(deadline_wait(&forever, closed, DEADLINE_READABLE), DEADLINE_PASSED);
}

static void test_timeouts_longer_than_poll_knows(void **state) {
  struct deadline months = started(100 * 24 * 3600, 0);
  /* All that a time_t can hold where it has 32 bits: 68 years. */
  struct deadline ages = started(sizeof(time_t) < 8 ? INT32_MAX : (time_t)(INT64_MAX / 2000000), 0);
  (void)state;

  write_byte();
  assert_int_equal(deadline_wait(&months, ends[0], DEADLINE_READABLE), DEADLINE_READY);
  assert_int_equal(deadline_wait(&ages, ends[0], DEADLINE_READABLE), DEADLINE_READY);
}

static void test_does_not_end_early(void **state) {
  static const suseconds_t microseconds[] = {1, 10, 400, 999, 1000, 1001, 2500, 7001};
  (void)state;

  for (size_t i = 0; i < sizeof(microseconds) / sizeof(microseconds[0]); i++) {
    struct deadline deadline = started(0, microseconds[i]);

    assert_int_equal(deadline_wait(&deadline, ends[0], DEADLINE_READABLE), DEADLINE_PASSED);
    assert_left(&deadline, 0, 0);
  }
}

static void test_waits_without_a_clock(void **state) {
  struct deadline hour = started(3600, 0);
  (void)state;

  clock_kind = CLOCK_IS_BROKEN;
  assert_int_equal(deadline_wait(&hour, ends[0], DEADLINE_READABLE), DEADLINE_PASSED);
}

/* poll() refuses to look at more descriptors than a process may have. */
static void test_failure_keeps_errno(void **state) {
  struct deadline hour = started(3600, 0);
  struct pollfd one = {.fd = ends[0], .events = POLLIN};
  struct rlimit before;
  struct rlimit without;
  enum deadline_wait_result result = DEADLINE_READY;
  int probe;
  int failure = 0;
  (void)state;

  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  without = before;
  without.rlim_cur = 0;
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &without), 0);
  probe = poll(&one, 1, 0);
  if (probe < 0) {
    errno = 0;
    result = deadline_wait(&hour, ends[0], DEADLINE_READABLE);
    failure = errno;
  }
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  if (probe >= 0) {
    skip(); /* valgrind keeps a limit of its own: it would wait for the hour */
  }
  assert_int_equal(result, DEADLINE_FAILED);
  assert_int_equal(failure, EINVAL);
}

/* ---- Signals ---- */

static volatile sig_atomic_t signals;
static volatile sig_atomic_t write_at_signal;

static void count_signal(int number) {
  const int saved = errno;

  (void)number;
  if (++signals == write_at_signal) {
    (void)!write(ends[1], "x", 1);
  }
  errno = saved;
}

static void start_signals(int write_at) {
  const struct itimerval every = {.it_interval = {0, 1000}, .it_value = {0, 1000}};
  struct sigaction action;

  memset(&action, 0, sizeof(action));
  action.sa_handler = count_signal;
  signals = 0;
  write_at_signal = write_at;
  assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
  assert_int_equal(setitimer(ITIMER_REAL, &every, NULL), 0);
}

static int stop_signals(void **state) {
  const struct itimerval never = {{0, 0}, {0, 0}};

  (void)setitimer(ITIMER_REAL, &never, NULL);
  (void)signal(SIGALRM, SIG_DFL);
  return close_pipe(state);
}

static void test_signals_do_not_end_the_wait(void **state) {
  struct deadline forever = infinite();
  (void)state;

  start_signals(10);
  assert_int_equal(deadline_wait(&forever, ends[0], DEADLINE_READABLE), DEADLINE_READY);
  assert_true(signals >= 10);
}

static void test_signals_do_not_move_the_deadline(void **state) {
  struct deadline deadline;
  (void)state;

  start_signals(0);
  deadline = started(0, 100000);
  assert_int_equal(deadline_wait(&deadline, ends[0], DEADLINE_READABLE), DEADLINE_PASSED);
  assert_left(&deadline, 0, 0);
  assert_true(signals > 0);
}

#define WITH_PIPE(test) cmocka_unit_test_setup_teardown(test, open_pipe, close_pipe)
#define WITH_SIGNALS(test) cmocka_unit_test_setup_teardown(test, open_pipe, stop_signals)

static void test_has_passed(void **state) {
  static const struct timeval none = {0, 0};
  struct deadline deadline;

  (void)state;
  assert_true(deadline_start(&deadline, &none));
  assert_true(deadline_has_passed(&deadline));
  deadline_start_seconds(&deadline, INT64_C(3000000000));
  assert_false(deadline_has_passed(&deadline));
  assert_true(deadline_start(&deadline, NULL));
  assert_false(deadline_has_passed(&deadline));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_has_passed),
      cmocka_unit_test_teardown(test_no_timeout_is_for_ever, real_clock_again),
      cmocka_unit_test_teardown(test_counts_down_and_never_below_zero, real_clock_again),
      cmocka_unit_test_teardown(test_zero_has_passed_already, real_clock_again),
      cmocka_unit_test_teardown(test_limits_of_the_microseconds, real_clock_again),
      cmocka_unit_test_teardown(test_refuses_what_is_no_timeout, real_clock_again),
      cmocka_unit_test_teardown(test_huge_timeouts, real_clock_again),
      cmocka_unit_test_teardown(test_seconds, real_clock_again),
      cmocka_unit_test_teardown(test_without_a_clock_every_limit_has_passed, real_clock_again),
      WITH_PIPE(test_waits_for_readable),
      WITH_PIPE(test_waits_for_writable),
      WITH_PIPE(test_waits_for_either),
      WITH_PIPE(test_what_is_ready_does_not_stretch_a_deadline),
      WITH_PIPE(test_reading_and_writing_are_told_apart),
      WITH_PIPE(test_hang_up_ends_the_wait),
      WITH_PIPE(test_broken_pipe_ends_the_wait),
      WITH_PIPE(test_closed_descriptor_does_not_hang),
      WITH_PIPE(test_timeouts_longer_than_poll_knows),
      WITH_PIPE(test_does_not_end_early),
      WITH_PIPE(test_waits_without_a_clock),
      WITH_PIPE(test_failure_keeps_errno),
      WITH_SIGNALS(test_signals_do_not_end_the_wait),
      WITH_SIGNALS(test_signals_do_not_move_the_deadline),
  };
  return cmocka_run_group_tests_name("deadline", tests, NULL, NULL);
}
