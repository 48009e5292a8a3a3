/* SPDX-License-Identifier: MIT */
/*
 * Every byte, and pairs of them: what differs by more than the case of a letter differs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/ascii.h"

static const char capitals[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
static const char smalls[] = "abcdefghijklmnopqrstuvwxyz";

static uint8_t expect_lower(uint8_t byte) {
  const char *capital = memchr(capitals, byte, strlen(capitals));

  return capital != NULL ? (uint8_t)smalls[capital - capitals] : byte;
}

static void test_every_byte(void **state) {
  (void)state;
  for (unsigned byte = 0; byte < 256; byte++) {
    assert_int_equal(ascii_lower((uint8_t)byte), expect_lower((uint8_t)byte));
  }
}

/* '@' and '`', '[' and '{', and their kin are 32 apart too, as are letters with accents in Latin-1. */
static void test_every_pair(void **state) {
  (void)state;
  for (unsigned one = 0; one < 256; one++) {
    for (unsigned other = 0; other < 256; other++) {
      const uint8_t first[] = {'x', (uint8_t)one};
      const uint8_t second[] = {'X', (uint8_t)other};

      assert_int_equal(ascii_equals_ignoring_case(first, second, 2),
                       expect_lower((uint8_t)one) == expect_lower((uint8_t)other));
    }
  }
}

static void test_no_more_than_the_length(void **state) {
  (void)state;
  assert_true(ascii_equals_ignoring_case("", "x", 0));
  assert_true(ascii_equals_ignoring_case("Broker.Example-a", "bROKER.eXAMPLE-b", 15));
  assert_false(ascii_equals_ignoring_case("Broker.Example-a", "bROKER.eXAMPLE-b", 16));
  assert_true(ascii_equals_ignoring_case("a\0B", "A\0b", 3));
  assert_false(ascii_equals_ignoring_case("a\0B", "A\0c", 3));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_byte),
      cmocka_unit_test(test_every_pair),
      cmocka_unit_test(test_no_more_than_the_length),
  };

  return cmocka_run_group_tests_name("ascii", tests, NULL, NULL);
}
