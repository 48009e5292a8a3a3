/* SPDX-License-Identifier: MIT */
/*
 * Lists of certificates: order, copies, moving, and what is left after an allocation has failed. The list does not look
 * into its items, so they are short texts here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "x509/certificate_list.h"
#include "failing_allocator.h"

static bool add(struct certificate_list *list, const char *text) {
  return certificate_list_add(list, (const uint8_t *)text, strlen(text));
}

static bool contains(const struct certificate_list *list, const char *text) {
  return certificate_list_contains(list, (const uint8_t *)text, strlen(text));
}

static void add_numbered(struct certificate_list *list, int first, int count) {
  for (int i = first; i < first + count; i++) {
    char text[32];

    snprintf(text, sizeof(text), "certificate %d", i);
    assert_true(add(list, text));
  }
}

static void assert_numbered(const struct certificate_list *list, int first, int count) {
  assert_int_equal(list->count, count);
  for (int i = 0; i < count; i++) {
    char text[32];

    snprintf(text, sizeof(text), "certificate %d", first + i);
    assert_int_equal(list->items[i].length, strlen(text));
    assert_memory_equal(list->items[i].bytes, text, strlen(text));
  }
}

static void test_empty(void **state) {
  struct certificate_list list = {0};
  (void)state;

  assert_false(contains(&list, "a"));
  assert_false(certificate_list_contains(&list, NULL, 0));
  certificate_list_free(&list);
  certificate_list_free(&list);
}

static void test_keeps_the_order(void **state) {
  struct certificate_list list = {0};
  (void)state;

  for (int i = 0; i < 100; i++) {
    add_numbered(&list, i, 1);
    assert_numbered(&list, 0, i + 1);
  }
  certificate_list_free(&list);
  assert_int_equal(list.count, 0);
  assert_null(list.items);
}

static void test_copies(void **state) {
  struct certificate_list list = {0};
  char text[] = "abc";
  (void)state;

  assert_true(add(&list, text));
  text[0] = 'x';
  assert_true(contains(&list, "abc"));
  assert_false(contains(&list, "xbc"));
  certificate_list_free(&list);
}

/* Nothing has no certificate in it. */
static void test_refuses_an_empty_item(void **state) {
  struct certificate_list list = {0};
  (void)state;

  assert_false(certificate_list_add(&list, (const uint8_t *)"", 0));
  assert_int_equal(list.count, 0);
  certificate_list_free(&list);
}

static void test_contains_compares_all_bytes(void **state) {
  static const uint8_t with_nul[] = {'a', 0, 'b'};
  static const uint8_t other[] = {'a', 0, 'c'};
  struct certificate_list list = {0};
  (void)state;

  assert_true(add(&list, "first"));
  assert_true(certificate_list_add(&list, with_nul, sizeof(with_nul)));
  assert_true(certificate_list_contains(&list, with_nul, sizeof(with_nul)));
  assert_false(certificate_list_contains(&list, other, sizeof(other)));
  assert_false(certificate_list_contains(&list, with_nul, 2));
  assert_false(contains(&list, "a"));
  assert_false(contains(&list, "firs"));
  assert_false(contains(&list, "first!"));
  assert_true(contains(&list, "first"));
  certificate_list_free(&list);
}

/* Every pair of counts around the sizes at which either list grows. */
static void test_take_moves_all_behind(void **state) {
  (void)state;
  for (int one = 0; one <= 10; one++) {
    for (int other = 0; other <= 18; other++) {
      struct certificate_list to = {0};
      struct certificate_list from = {0};

      add_numbered(&to, 0, one);
      add_numbered(&from, one, other);
      assert_true(certificate_list_take(&to, &from));
      assert_numbered(&to, 0, one + other);
      assert_int_equal(from.count, 0);
      assert_null(from.items);
      add_numbered(&from, 0, 1);
      assert_numbered(&from, 0, 1);
      certificate_list_free(&to);
      certificate_list_free(&from);
    }
  }
}

/* Adding makes two allocations when the list grows: the list must be as before whichever fails. */
static void test_add_without_memory(void **state) {
  struct certificate_list list = {0};
  (void)state;

  if (!failing_allocator_works()) {
    skip();
  }
  for (int count = 0; count < 20; count++) {
    bool failed = true;

    for (size_t nth = 1; failed; nth++) {
      bool added;

      failing_allocator_arm(nth);
      added = add(&list, "another");
      failed = failing_allocator_disarm();
      assert_int_equal(added, !failed);
      assert_int_equal(list.count, count + (added ? 1 : 0));
    }
    free(list.items[count].bytes);
    list.count--;
    assert_numbered(&list, 0, count);
    add_numbered(&list, count, 1);
  }
  certificate_list_free(&list);
}

static void test_take_without_memory(void **state) {
  struct certificate_list to = {0};
  struct certificate_list from = {0};
  (void)state;

  if (!failing_allocator_works()) {
    skip();
  }
  add_numbered(&to, 0, 3);
  add_numbered(&from, 3, 9);
  failing_allocator_arm(1);
  assert_false(certificate_list_take(&to, &from));
  assert_true(failing_allocator_disarm());
  assert_numbered(&to, 0, 3);
  assert_numbered(&from, 3, 9);
  assert_true(certificate_list_take(&to, &from));
  assert_numbered(&to, 0, 12);
  certificate_list_free(&to);
  certificate_list_free(&from);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_empty),
      cmocka_unit_test(test_keeps_the_order),
      cmocka_unit_test(test_copies),
      cmocka_unit_test(test_refuses_an_empty_item),
      cmocka_unit_test(test_contains_compares_all_bytes),
      cmocka_unit_test(test_take_moves_all_behind),
      cmocka_unit_test(test_add_without_memory),
      cmocka_unit_test(test_take_without_memory),
  };
  return cmocka_run_group_tests_name("certificate_list", tests, NULL, NULL);
}
