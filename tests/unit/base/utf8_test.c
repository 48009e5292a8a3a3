/* SPDX-License-Identifier: MIT */
/* Every sequence of the right form, with the longer ones that nobody may use, and what breaks a form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "exact_copy.h"

#define LONGEST 4
#define UNTOUCHED 0xffffffffu

/* How many numbers there is room for in a form of each length. */
static const uint32_t capacities[] = {0, 0x80, 0x800, 0x10000, 0x200000};

/* Needed or not, allowed or not. */
static void put(uint32_t point, size_t length, uint8_t bytes[LONGEST]) {
  static const uint8_t marks[] = {0, 0x00, 0xc0, 0xe0, 0xf0};

  for (size_t i = length - 1; i > 0; i--) {
    bytes[i] = (uint8_t)(0x80 | point % 64);
    point /= 64;
  }
  bytes[0] = (uint8_t)(marks[length] | point);
}

/* RFC 3629, section 3. */
static size_t allowed_length(uint32_t point) {
  if (point <= 0x7f) {
    return 1;
  }
  if (point <= 0x7ff) {
    return 2;
  }
  if (point <= 0xffff) {
    return point >= 0xd800 && point <= 0xdfff ? 0 : 3;
  }
  return point <= 0x10ffff ? 4 : 0;
}

static void expect(const uint8_t *bytes, size_t length, size_t taken, uint32_t expected) {
  uint32_t point = UNTOUCHED;
  const size_t result = utf8_read(bytes, length, &point);

  if (result != taken || point != (taken > 0 ? expected : UNTOUCHED)) {
    fail_msg("%02x…, U+%04X: %zu bytes, U+%04X", bytes[0], (unsigned)expected, result, (unsigned)point);
  }
}

/* Each form holds all that has room in it: overlong forms, surrogates and what is beyond U+10FFFF are among them. */
static void test_every_form(void **state) {
  size_t accepted = 0;

  (void)state;
  for (size_t length = 1; length <= LONGEST; length++) {
    for (uint32_t point = 0; point < capacities[length]; point++) {
      const size_t taken = allowed_length(point) == length ? length : 0;
      uint8_t bytes[LONGEST];

      put(point, length, bytes);
      expect(bytes, length, taken, point);
      accepted += taken > 0;
    }
  }
  assert_int_equal(accepted, 0x110000 - 0x800);
}

static void test_truncated(void **state) {
  static const uint32_t points[] = {0x80, 0x7ff, 0x800, 0xffff, 0x10000, 0x10ffff};

  (void)state;
  for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
    const size_t length = allowed_length(points[i]);
    uint8_t bytes[LONGEST];

    put(points[i], length, bytes);
    for (size_t there = 1; there < length; there++) {
      uint8_t *copy = exact_copy(bytes, there); /* memory checkers see a read behind it */

      expect(copy, there, 0, points[i]);
      free(copy);
    }
    expect(bytes, 0, 0, points[i]);
  }
}

/* A byte that is no continuation, at each place. */
static void test_broken_in_the_middle(void **state) {
  static const uint32_t points[] = {0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, 0x10ffff};

  (void)state;
  for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
    const size_t length = allowed_length(points[i]);

    for (size_t at = 1; at < length; at++) {
      for (unsigned value = 0; value <= 0xff; value++) {
        uint8_t bytes[LONGEST];

        put(points[i], length, bytes);
        bytes[at] = (uint8_t)value;
        if (value < 0x80 || value > 0xbf) {
          expect(bytes, length, 0, points[i]);
        }
      }
    }
  }
}

/* Bytes that begin nothing, whatever comes after them: continuations, and forms of five bytes and more. */
static void test_no_beginning(void **state) {
  (void)state;
  for (unsigned first = 0x80; first <= 0xff; first++) {
    for (unsigned second = 0; second <= 0xff; second++) {
      const uint8_t bytes[] = {(uint8_t)first, (uint8_t)second, 0x80, 0x80, 0x80, 0x80};

      if (first < 0xc2 || first > 0xf4) {
        expect(bytes, sizeof(bytes), 0, first);
      }
    }
  }
}

static void test_what_follows_is_left(void **state) {
  static const uint32_t points[] = {0, 'A', 0x7f, 0x80, 0x20ac, 0x1f600};

  (void)state;
  for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++) {
    const size_t length = allowed_length(points[i]);
    uint8_t bytes[LONGEST + 2];

    for (unsigned next = 0; next <= 0xff; next++) {
      memset(bytes, (int)next, sizeof(bytes));
      put(points[i], length, bytes);
      expect(bytes, sizeof(bytes), length, points[i]);
    }
  }
}

static void test_characters(void **state) {
  (void)state;
  for (uint32_t point = 0; point < 0x200000; point++) {
    assert_int_equal(utf8_is_character(point), allowed_length(point) > 0);
  }
  assert_false(utf8_is_character(0x80000000));
  assert_false(utf8_is_character(UINT32_MAX));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_form),           cmocka_unit_test(test_truncated),
      cmocka_unit_test(test_broken_in_the_middle), cmocka_unit_test(test_no_beginning),
      cmocka_unit_test(test_what_follows_is_left), cmocka_unit_test(test_characters),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
