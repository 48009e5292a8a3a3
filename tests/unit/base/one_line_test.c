/* SPDX-License-Identifier: MIT */
/* What may stand in one line, and what becomes of the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/one_line.h"
#include "exact_copy.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct {
  const char *bytes;
  size_t length;
  const char *made; /* NULL: unchanged */
} rows[] = {
    {"", 0, NULL},
    {"broker 'x' \"y\" $z `w` \\ ~", 25, NULL},
    {"\xc3\xa9\xe6\x97\xa5\xf0\x9f\x90\xb0", 9, NULL},
    {"a\nb", 3, "a?b"},
    {"\033[31m", 5, "?[31m"},
    {"\x7f", 1, "?"},
    {"\xc2\x85", 2, "?"},                           /* next line */
    {"\xc2\x9b", 2, "?"},                           /* a terminal's control sequence introducer */
    {"a\xe2\x80\xaetxt\xe2\x80\xac", 10, "a?txt?"}, /* right-to-left override, and its end */
    {"\xe2\x81\xa6\xe2\x81\xa9", 6, "??"},          /* isolate, and its end */
    {"\xd8\x9c\xe2\x80\x8e", 5, "??"},
    {"\xe2\x80\xa8", 3, "?"}, /* line separator */
    {"a\xff\xc3", 3, "a??"},
    {"\xed\xa0\x80", 3, "???"}, /* a surrogate */
    {"\xc0\xaf", 2, "??"},      /* not the shortest form */
};

static void test_both(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    uint8_t *exact = exact_copy(rows[i].bytes, rows[i].length);
    char *text = malloc(rows[i].length + 1);

    assert_non_null(text);
    assert_int_equal(one_line_is((const char *)exact, rows[i].length), rows[i].made == NULL);
    memcpy(text, rows[i].bytes, rows[i].length);
    text[rows[i].length] = '\0';
    one_line_make(text);
    assert_string_equal(text, rows[i].made != NULL ? rows[i].made : rows[i].bytes);
    assert_true(one_line_is(text, strlen(text)));
    free(text);
    free(exact);
  }
}

static void test_a_nul_is_none(void **state) {
  (void)state;
  assert_false(one_line_is("a\0b", 3));
  assert_false(one_line_is("\0", 1));
  assert_true(one_line_is("a", 1));
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_both), cmocka_unit_test(test_a_nul_is_none)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
