/* SPDX-License-Identifier: MIT */
/*
 * Text of bounded size, at every capacity around its length.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bounded_text.h"
#include "exact_copy.h"

static void test_nothing_yet(void **state) {
  struct bounded_text writer;
  char text[4] = "abc";
  (void)state;

  bounded_text_init(&writer, text, sizeof(text));
  assert_string_equal(text, "");
  assert_int_equal(writer.needed, 0);
  assert_false(writer.cut);
}

static void test_no_room_at_all(void **state) {
  struct bounded_text writer;
  (void)state;

  bounded_text_init(&writer, NULL, 0);
  bounded_text_add_string(&writer, "abc");
  bounded_text_add(&writer, "de", 2);
  bounded_text_add_printable(&writer, (const uint8_t *)"\n", 1);
  assert_int_equal(writer.needed, 8);
  assert_true(writer.cut);
}

/* Three pieces at every capacity: those that fit whole are there, and the first that does not is the last tried. */
static void test_pieces_are_never_cut_in_two(void **state) {
  static const char *const fitting[] = {"", "abc", "abcde", "abcdefghi"};
  static const size_t lengths[] = {0, 3, 5, 9};
  (void)state;

  for (size_t capacity = 1; capacity <= 12; capacity++) {
    char *text = (char *)exact_copy("xxxxxxxxxxxx", capacity);
    struct bounded_text writer;
    size_t count = 3;

    bounded_text_init(&writer, text, capacity);
    bounded_text_add_string(&writer, "abc");
    bounded_text_add(&writer, "de-not this", 2);
    bounded_text_add_string(&writer, "fghi");
    while (lengths[count] >= capacity) {
      count--;
    }
    assert_string_equal(text, fitting[count]);
    assert_int_equal(writer.needed, 9);
    assert_int_equal(writer.cut, count < 3);
    free(text);
  }
}

/* A short piece behind one that did not fit would make a text with a hole in it. */
static void test_nothing_is_written_once_cut(void **state) {
  struct bounded_text writer;
  char text[6];
  (void)state;

  bounded_text_init(&writer, text, sizeof(text));
  bounded_text_add_string(&writer, "ab");
  bounded_text_add_string(&writer, "cdef");
  bounded_text_add_string(&writer, "g");
  bounded_text_add_string(&writer, "");
  assert_string_equal(text, "ab");
  assert_true(writer.cut);
  assert_int_equal(writer.needed, 7);
}

static void test_needed_is_what_a_second_try_needs(void **state) {
  struct bounded_text writer;
  char *text;
  size_t needed;
  (void)state;

  bounded_text_init(&writer, NULL, 0);
  bounded_text_add_printable(&writer, (const uint8_t *)"a\\b\x7f", 4);
  needed = writer.needed;
  text = malloc(needed + 1);
  assert_non_null(text);
  bounded_text_init(&writer, text, needed + 1);
  bounded_text_add_printable(&writer, (const uint8_t *)"a\\b\x7f", 4);
  assert_false(writer.cut);
  assert_string_equal(text, "a\\5Cb\\7F");
  free(text);
}

static void test_printable_for_every_byte(void **state) {
  (void)state;
  for (unsigned byte = 0; byte < 256; byte++) {
    const uint8_t bytes[] = {(uint8_t)byte};
    struct bounded_text writer;
    char text[8];
    char expected[8];

    if (byte >= ' ' && byte <= '~' && byte != '\\') {
      snprintf(expected, sizeof(expected), "%c", (char)byte);
    } else {
      snprintf(expected, sizeof(expected), "\\%02X", byte);
    }
    bounded_text_init(&writer, text, sizeof(text));
    bounded_text_add_printable(&writer, bytes, 1);
    assert_string_equal(text, expected);
    assert_int_equal(writer.needed, strlen(expected));
  }
}

static void test_escapes_are_never_cut_in_two(void **state) {
  static const char *const expected[] = {"", "a", "a", "a", "a\\00", "a\\00b", "a\\00b", "a\\00b", "a\\00b\\FF"};
  static const uint8_t bytes[] = {'a', 0, 'b', 0xff};
  (void)state;

  for (size_t capacity = 1; capacity <= 9; capacity++) {
    char *text = (char *)exact_copy("xxxxxxxxx", capacity);
    struct bounded_text writer;

    bounded_text_init(&writer, text, capacity);
    bounded_text_add_printable(&writer, bytes, sizeof(bytes));
    assert_string_equal(text, expected[capacity - 1]);
    assert_int_equal(writer.needed, 8);
    assert_int_equal(writer.cut, capacity < 9);
    free(text);
  }
}

static void test_escape_writes_three_characters(void **state) {
  char escaped[4];
  (void)state;

  memcpy(escaped, "...!", 4);
  bounded_text_escape(0x0a, escaped);
  assert_memory_equal(escaped, "\\0A!", 4);
  bounded_text_escape(0xf9, escaped);
  assert_memory_equal(escaped, "\\F9!", 4);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_nothing_yet),
      cmocka_unit_test(test_no_room_at_all),
      cmocka_unit_test(test_pieces_are_never_cut_in_two),
      cmocka_unit_test(test_nothing_is_written_once_cut),
      cmocka_unit_test(test_needed_is_what_a_second_try_needs),
      cmocka_unit_test(test_printable_for_every_byte),
      cmocka_unit_test(test_escapes_are_never_cut_in_two),
      cmocka_unit_test(test_escape_writes_three_characters),
  };
  return cmocka_run_group_tests_name("bounded_text", tests, NULL, NULL);
}
