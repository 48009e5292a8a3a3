/* SPDX-License-Identifier: MIT */
/*
 * The walk through extensions: each part of one missing, doubled, of another kind or badly written; what surrounds
 * them; and identifiers that come again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "der_text.h"
#include "exact_copy.h"
#include "x509/extensions.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- One extension ---- */

static void one_extension(void **state) {
  static const struct {
    const char *text;
    bool is_sound;
    bool critical;
    size_t value; /* its length */
  } rows[] = {
      {"30{ 06{ 551d0e } 04{ 040161 } }", true, false, 3},
      {"30{ 06{ 551d0e } 0101ff 04{ 040161 } }", true, true, 3},
      {"30{ 06{ 551d0e } 010100 04{ 040161 } }", true, false, 3}, /* the default, which some write out */
      {"30{ 06{ 551d0e } 0400 }", true, false, 0},
      {"30{ 06{ 551d0e } 04{ ff } }", true, false, 1}, /* what is in it is for others to read */
      {"30{ 06{ 551d0e } 010101 04{ 040161 } }", false, false, 0},
      {"30{ 06{ 551d0e } 0100 04{ 040161 } }", false, false, 0},
      {"30{ 06{ 551d0e } 0102ffff 04{ 040161 } }", false, false, 0},
      {"30{ 06{ 551d0e } 0101ff 0101ff 04{ 040161 } }", false, false, 0},
      {"30{ 06{ 551d0e } 0101ff }", false, false, 0},
      {"30{ 06{ 551d0e } 04{ 040161 } 0101ff }", false, false, 0},
      {"30{ 06{ 551d0e } 04{ 040161 } 0500 }", false, false, 0},
      {"30{ 06{ 551d0e } 04{ 040161 } 04{ 040161 } }", false, false, 0},
      {"30{ 06{ 551d0e } }", false, false, 0},
      {"30{ 06{ 551d0e } 0500 }", false, false, 0},
      {"30{ 06{ 551d0e } 24{ 040161 } }", false, false, 0},
      {"30{ 06{ 551d0e } 03{ 00 040161 } }", false, false, 0},
      {"30{ 06{ 551d0e } 0404 040161 }", false, false, 0},
      {"30{ 06{ 551d8e } 04{ 040161 } }", false, false, 0},
      {"30{ 0600 04{ 040161 } }", false, false, 0},
      {"30{ 0101ff 06{ 551d0e } 04{ 040161 } }", false, false, 0},
      {"30{ 04{ 040161 } }", false, false, 0},
      {"30{}", false, false, 0},
      {"31{ 06{ 551d0e } 04{ 040161 } }", false, false, 0},
      {"3081 0a 06{ 551d0e } 04{ 040161 }", false, false, 0},
      {"3080 06{ 551d0e } 04{ 040161 } 0000", false, false, 0},
      {"", false, false, 0},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    size_t length;
    uint8_t *der = der_from_text(rows[i].text, &length);
    const struct byte_slice content = {der, length};
    struct extension_walk walk = {.all = content, .rest = content};
    struct extension extension = {.critical = true};
    const bool result = extensions_next(&walk, &extension) == EXTENSION_STEP_TAKEN;

    if (result != rows[i].is_sound || (result && (extension.critical != rows[i].critical ||
                                                  extension.value.length != rows[i].value || walk.rest.length != 0))) {
      fail_msg("%s", rows[i].text);
    }
    if (result) {
      assert_ptr_equal(extension.identifier.bytes, der + 4);
      assert_int_equal(extension.identifier.length, 3);
      assert_ptr_equal(extension.value.bytes + extension.value.length, der + length);
    }
    free(der);
  }
}

static void extensions_one_after_the_other(void **state) {
  size_t length;
  uint8_t *der =
      der_from_text("30{ 06{ 551d0e } 0101ff 0400 } 30{ 06{ 551d0f } 0400 } 30{ 06{ 551d10 } 0100 }", &length);
  const struct byte_slice content = {der, length};
  struct extension_walk walk = {.all = content, .rest = content};
  struct extension extension;

  (void)state;
  assert_int_equal(extensions_next(&walk, &extension), EXTENSION_STEP_TAKEN);
  assert_true(extension.critical);
  assert_int_equal(extension.identifier.bytes[2], 0x0e);
  assert_int_equal(extensions_next(&walk, &extension), EXTENSION_STEP_TAKEN);
  assert_false(extension.critical); /* nothing is left of the first */
  assert_int_equal(extension.identifier.bytes[2], 0x0f);
  assert_int_equal(walk.rest.length, 9);
  assert_int_equal(extensions_next(&walk, &extension), EXTENSION_STEP_MALFORMED);
  free(der);
}

/* ---- All of them ---- */

#define FIRST "30{ 06{ 551d0e } 0101ff 0400 }"
#define SECOND "30{ 06{ 551d0f } 0400 }"
#define THIRD "30{ 06{ 551d } 0400 }" /* its identifier begins those of the others */

/* \return what ends the walk, after \a taken extensions */
static enum extension_step walk_through(struct extension_walk *walk, size_t *taken) {
  struct extension extension;
  enum extension_step step;

  *taken = 0;
  while ((step = extensions_next(walk, &extension)) == EXTENSION_STEP_TAKEN) {
    (*taken)++;
  }
  return step;
}

static void identifiers_that_come_again(void **state) {
  static const struct {
    const char *text;
    size_t taken;
    enum extension_step end;
  } rows[] = {
      {"30{" FIRST "}", 1, EXTENSION_STEP_END},
      {"30{" FIRST SECOND THIRD "}", 3, EXTENSION_STEP_END},
      {"30{" THIRD SECOND FIRST "}", 3, EXTENSION_STEP_END},
      {"30{" FIRST FIRST "}", 1, EXTENSION_STEP_REPEATED},
      {"30{" FIRST SECOND FIRST "}", 2, EXTENSION_STEP_REPEATED},
      {"30{" FIRST SECOND SECOND "}", 2, EXTENSION_STEP_REPEATED},
      {"30{" THIRD FIRST SECOND THIRD "}", 3, EXTENSION_STEP_REPEATED},
      {"30{" FIRST "30{ 06{ 551d0e } 040161 } }", 1, EXTENSION_STEP_REPEATED}, /* with other values too */
      {"30{" FIRST FIRST "0500 }", 1, EXTENSION_STEP_REPEATED},
      {"30{" FIRST "0500" FIRST "}", 1, EXTENSION_STEP_MALFORMED},
      {"30{" FIRST "30{ 06{ 551d0e } } }", 1, EXTENSION_STEP_MALFORMED},
      {"30{ 0500 }", 0, EXTENSION_STEP_MALFORMED},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    size_t length;
    uint8_t *der = der_from_text(rows[i].text, &length);
    struct byte_slice rest = {der, length};
    struct extension_walk walk;
    size_t taken;

    assert_true(extensions_take(&rest, &walk));
    assert_int_equal(rest.length, 0);
    if (walk_through(&walk, &taken) != rows[i].end || taken != rows[i].taken) {
      fail_msg("%s: %zu taken", rows[i].text, taken);
    }
    free(der);
  }
}

static void the_one_that_comes_again_is_named(void **state) {
  size_t length;
  uint8_t *der = der_from_text("30{" FIRST SECOND "30{ 06{ 551d0e } 0400 } }", &length);
  struct byte_slice rest = {der, length};
  struct extension_walk walk;
  struct extension extension;

  (void)state;
  assert_true(extensions_take(&rest, &walk));
  assert_int_equal(extensions_next(&walk, &extension), EXTENSION_STEP_TAKEN);
  assert_int_equal(extensions_next(&walk, &extension), EXTENSION_STEP_TAKEN);
  assert_int_equal(extensions_next(&walk, &extension), EXTENSION_STEP_REPEATED);
  assert_int_equal(extension.identifier.length, 3);
  assert_int_equal(extension.identifier.bytes[2], 0x0e);
  assert_false(extension.critical);
  free(der);
}

static void what_surrounds_them(void **state) {
  static const struct {
    const char *text;
    bool is_sound;
    size_t rest;
  } rows[] = {
      {"a3{ 30{" FIRST "} }", true, 0},
      {"a3{ 30{" FIRST "} } 0500", true, 2},
      {"a3{ 30{ 0500 } }", true, 0}, /* the walk finds that */
      {"a3{ 30{} }", false, 0},      /* RFC 5280: at least one */
      {"a3{}", false, 0},
      {"a3{ 30{" FIRST "} 0500 }", false, 0},
      {"a3{ 31{" FIRST "} }", false, 0},
      {"a2{ 30{" FIRST "} }", false, 0},
      {"83{ 30{" FIRST "} }", false, 0},
      {"30{" FIRST "}", false, 0},
      {"a3{ 3080" FIRST "0000 }", false, 0},
      {"a380 30{" FIRST "} 0000", false, 0},
      {"", false, 0},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    size_t length;
    uint8_t *der = der_from_text(rows[i].text, &length);
    struct byte_slice rest = {der, length};
    struct extension_walk walk;
    const bool result = extensions_take_tagged(&rest, 3, &walk);

    if (result != rows[i].is_sound || (result && rest.length != rows[i].rest)) {
      fail_msg("%s", rows[i].text);
    }
    free(der);
  }
}

static void cut_off_after_every_byte(void **state) {
  size_t length;
  uint8_t *der = der_from_text("a3{ 30{" FIRST SECOND THIRD "} }", &length);

  (void)state;
  for (size_t cut = 0; cut < length; cut++) {
    uint8_t *copy = exact_copy(der, cut);
    struct byte_slice rest = {copy, cut};
    struct extension_walk walk;

    assert_false(extensions_take_tagged(&rest, 3, &walk));
    free(copy);
  }
  /* The content alone, without the lengths that would give a cut away. */
  for (size_t cut = 1; cut < length - 4; cut++) {
    uint8_t *copy = exact_copy(der + 4, cut);
    const struct byte_slice content = {copy, cut};
    struct extension_walk walk = {.all = content, .rest = content};
    const bool is_between = cut == 12 || cut == 21;
    size_t taken;

    assert_int_equal(walk_through(&walk, &taken), is_between ? EXTENSION_STEP_END : EXTENSION_STEP_MALFORMED);
    free(copy);
  }
  free(der);
}

/* Twelve bytes each, with an identifier of its own. */
static void more_than_anybody_needs(void **state) {
  enum { LENGTH = 12, MOST = EXTENSIONS_MAXIMUM + 1 };
  static const uint8_t pattern[LENGTH] = {0x30, 10, 0x06, 3, 0x55, 0, 0, 0x04, 3, 0x0c, 1, 'x'};

  (void)state;
  for (size_t count = EXTENSIONS_MAXIMUM - 1; count <= MOST; count++) {
    uint8_t bytes[MOST * LENGTH];
    const struct byte_slice content = {bytes, count * LENGTH};
    struct extension_walk walk = {.all = content, .rest = content};
    size_t taken;

    for (size_t i = 0; i < count; i++) {
      memcpy(bytes + i * LENGTH, pattern, LENGTH);
      bytes[i * LENGTH + 5] = (uint8_t)(i / 100);
      bytes[i * LENGTH + 6] = (uint8_t)(i % 100);
    }
    assert_int_equal(walk_through(&walk, &taken), count == MOST ? EXTENSION_STEP_MALFORMED : EXTENSION_STEP_END);
    assert_int_equal(taken, count < EXTENSIONS_MAXIMUM ? count : EXTENSIONS_MAXIMUM);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_extension),
      cmocka_unit_test(extensions_one_after_the_other),
      cmocka_unit_test(identifiers_that_come_again),
      cmocka_unit_test(the_one_that_comes_again_is_named),
      cmocka_unit_test(what_surrounds_them),
      cmocka_unit_test(cut_off_after_every_byte),
      cmocka_unit_test(more_than_anybody_needs),
  };
  return cmocka_run_group_tests_name("extensions", tests, NULL, NULL);
}
