/* SPDX-License-Identifier: MIT */
/* Dates as text, beside a calendar that counts day by day. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/utc.h"

#define FIRST_SECOND INT64_C(-62167219200)
#define LAST_SECOND INT64_C(253402300799)

static void assert_reads(int64_t seconds, const char *expected) {
  char text[UTC_TEXT_LENGTH];

  utc_text(seconds, text);
  assert_string_equal(text, expected);
}

static void test_known_dates(void **state) {
  (void)state;
  assert_reads(0, "1970-01-01 00:00:00 UTC");
  assert_reads(-1, "1969-12-31 23:59:59 UTC");
  assert_reads(951782399, "2000-02-28 23:59:59 UTC");
  assert_reads(951782400, "2000-02-29 00:00:00 UTC");
  assert_reads(951868800, "2000-03-01 00:00:00 UTC");
  assert_reads(INT64_C(4107542399), "2100-02-28 23:59:59 UTC");
  assert_reads(INT64_C(4107542400), "2100-03-01 00:00:00 UTC");
}

/* Both ends of a time_t of 32 bits, signed or not, and what comes after. */
static void test_dates_beyond_32_bits(void **state) {
  (void)state;
  assert_reads(INT64_C(2147483647), "2038-01-19 03:14:07 UTC");
  assert_reads(INT64_C(2147483648), "2038-01-19 03:14:08 UTC");
  assert_reads(INT64_C(-2147483649), "1901-12-13 20:45:51 UTC");
  assert_reads(INT64_C(4294967295), "2106-02-07 06:28:15 UTC");
  assert_reads(INT64_C(4294967296), "2106-02-07 06:28:16 UTC");
}

static void test_ends(void **state) {
  (void)state;
  assert_reads(FIRST_SECOND, "0000-01-01 00:00:00 UTC");
  assert_reads(LAST_SECOND, "9999-12-31 23:59:59 UTC");
  assert_reads(FIRST_SECOND - 1, "an unreadable date");
  assert_reads(LAST_SECOND + 1, "an unreadable date");
  assert_reads(INT64_MIN, "an unreadable date");
  assert_reads(INT64_MAX, "an unreadable date");
}

static unsigned days_in(unsigned year, unsigned month) {
  switch (month) {
    case 2:
      return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28;
    case 4:
    case 6:
    case 9:
    case 11:
      return 30;
    default:
      return 31;
  }
}

/* From the first to the last, each at another time of day. */
static void test_every_day(void **state) {
  int64_t midnight = FIRST_SECOND;
  unsigned second = 0;
  (void)state;

  for (unsigned year = 0; year <= 9999; year++) {
    for (unsigned month = 1; month <= 12; month++) {
      for (unsigned day = 1; day <= days_in(year, month); day++) {
        char expected[UTC_TEXT_LENGTH];

        snprintf(expected, sizeof(expected), "%04u-%02u-%02u %02u:%02u:%02u UTC", year, month, day, second / 3600,
                 second / 60 % 60, second % 60);
        assert_reads(midnight + second, expected);
        midnight += 86400;
        second = (second + 40009) % 86400;
      }
    }
  }
  assert_int_equal(midnight, LAST_SECOND + 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_known_dates),
      cmocka_unit_test(test_dates_beyond_32_bits),
      cmocka_unit_test(test_ends),
      cmocka_unit_test(test_every_day),
  };
  return cmocka_run_group_tests_name("utc", tests, NULL, NULL);
}
