/* SPDX-License-Identifier: MIT */
/* The Gregorian calendar, extended backwards. */
#include "autoconfig.h"

#include "base/utc.h"

#include <stdio.h>

#define SECONDS_PER_DAY 86400
#define DAYS_PER_400_YEARS 146097
#define FIRST_SECOND INT64_C(-62167219200) /* 0000-01-01 00:00:00 */
#define LAST_SECOND INT64_C(253402300799)  /* 9999-12-31 23:59:59 */

struct date {
  unsigned year, month, day;
};

/* Counted from 1 March of the year -400. Years begin in March here, so that a leap day is the last of its year. */
static struct date date_of_day(unsigned day) {
  const unsigned cycle = day / DAYS_PER_400_YEARS;
  const unsigned day_of_cycle = day % DAYS_PER_400_YEARS;
  /* Leap days come every 1461 days, but for the last of three centuries of four. */
  const unsigned year = (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36524 - day_of_cycle / 146096) / 365;
  const unsigned day_of_year = day_of_cycle - (year * 365 + year / 4 - year / 100);
  /* Five months from March, and again from August, have 153 days. */
  const unsigned month = (day_of_year * 5 + 2) / 153;
  const unsigned is_next_year = month >= 10;

  return (struct date){
      .year = cycle * 400 + year + is_next_year - 400,
      .month = is_next_year ? month - 9 : month + 3,
      .day = day_of_year - (month * 153 + 2) / 5 + 1,
  };
}

void utc_text(int64_t seconds, char text[UTC_TEXT_LENGTH]) {
  /* From there on nothing is negative. */
  const int64_t days_from_there_to_1970 = 719468 + DAYS_PER_400_YEARS;
  int64_t since_then;
  struct date date;
  unsigned second;

  if (seconds < FIRST_SECOND || seconds > LAST_SECOND) {
    (void)snprintf(text, UTC_TEXT_LENGTH, "an unreadable date");
    return;
  }
  since_then = seconds + days_from_there_to_1970 * SECONDS_PER_DAY;
  date = date_of_day((unsigned)(since_then / SECONDS_PER_DAY));
  second = (unsigned)(since_then % SECONDS_PER_DAY);
  (void)snprintf(text, UTC_TEXT_LENGTH, "%04u-%02u-%02u %02u:%02u:%02u UTC", date.year, date.month, date.day,
                 second / 3600, second / 60 % 60, second % 60);
}
