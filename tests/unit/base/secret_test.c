/* SPDX-License-Identifier: MIT */
/*
 * Secrets: copies, and memory that is wiped before it is given back. free() here stands before the C library's, so that
 * the test sees what memory holds at the moment it is given up.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "failing_allocator.h"
#include "base/secret.h"

/* ---- free() ---- */

#ifdef FAILING_ALLOCATOR_REAL
void FAILING_ALLOCATOR_REAL(free)(void *memory);

static void *watched;
static size_t watched_length;
static int watched_freed;
static int watched_was_zero;

FAILING_ALLOCATOR_DEFINED void free(void *memory) {
  if (memory != NULL && memory == watched) {
    watched = NULL;
    watched_freed = 1;
    watched_was_zero = 1;
    for (size_t i = 0; i < watched_length; i++) {
      if (((const volatile unsigned char *)memory)[i] != 0) {
        watched_was_zero = 0;
      }
    }
  }
  FAILING_ALLOCATOR_REAL(free)(memory);
}
#endif

/* ---- Copies ---- */

static void test_copy_is_a_copy_with_a_nul_behind(void **state) {
  char text[] = "correct horse";
  struct secret secret = {0};
  (void)state;

  assert_int_equal(secret_copy(&secret, text, strlen(text)), 0);
  assert_int_equal(secret.length, strlen(text));
  assert_ptr_not_equal(secret.bytes, text);
  memset(text, 'x', strlen(text));
  assert_string_equal((const char *)secret.bytes, "correct horse");
  secret_free(&secret);
}

static void test_copy_keeps_nul_bytes(void **state) {
  static const uint8_t bytes[] = {'a', 0, 'b', 0, 0xff};
  struct secret secret = {0};
  (void)state;

  assert_int_equal(secret_copy(&secret, bytes, sizeof(bytes)), 0);
  assert_int_equal(secret.length, sizeof(bytes));
  assert_memory_equal(secret.bytes, bytes, sizeof(bytes));
  assert_int_equal(secret.bytes[sizeof(bytes)], 0);
  secret_free(&secret);
}

/* An empty passphrase is one: bytes tells it from none. */
static void test_empty_secret_is_not_none(void **state) {
  struct secret secret = {0};
  (void)state;

  assert_int_equal(secret_copy(&secret, "", 0), 0);
  assert_non_null(secret.bytes);
  assert_int_equal(secret.length, 0);
  assert_int_equal(secret.bytes[0], 0);
  secret_free(&secret);
  assert_int_equal(secret_copy(&secret, NULL, 0), 0);
  assert_non_null(secret.bytes);
  secret_free(&secret);
}

static void test_copy_without_memory(void **state) {
  struct secret secret = {0};
  (void)state;

  if (!failing_allocator_works()) {
    skip();
  }
  failing_allocator_arm(1);
  assert_int_equal(secret_copy(&secret, "abc", 3), -1);
  assert_true(failing_allocator_disarm());
  assert_null(secret.bytes);
  assert_int_equal(secret.length, 0);
  secret_free(&secret);
}

/* ---- Wiping ---- */

static void test_wipe_takes_exactly_its_length(void **state) {
  uint8_t bytes[16];
  (void)state;

  memset(bytes, 0xa5, sizeof(bytes));
  secret_wipe(bytes + 4, 8);
  for (size_t i = 0; i < sizeof(bytes); i++) {
    assert_int_equal(bytes[i], i >= 4 && i < 12 ? 0 : 0xa5);
  }
  secret_wipe(bytes, 0);
  assert_int_equal(bytes[0], 0xa5);
  secret_wipe(NULL, 0);
  secret_wipe(NULL, 5);
}

static void test_free_empties(void **state) {
  struct secret secret = {0};
  (void)state;

  secret_free(&secret);
  assert_int_equal(secret_copy(&secret, "abc", 3), 0);
  secret_free(&secret);
  assert_null(secret.bytes);
  assert_int_equal(secret.length, 0);
  secret_free(&secret);
}

static void test_free_wipes_first(void **state) {
  (void)state;
#ifdef FAILING_ALLOCATOR_REAL
  struct secret secret = {0};

  if (!failing_allocator_works()) {
    skip();
  }
  assert_int_equal(secret_copy(&secret, "a passphrase of some length", 27), 0);
  watched_length = secret.length;
  watched = secret.bytes;
  secret_free(&secret);
  assert_true(watched_freed);
  assert_true(watched_was_zero);
#else
  skip();
#endif
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_copy_is_a_copy_with_a_nul_behind),
      cmocka_unit_test(test_copy_keeps_nul_bytes),
      cmocka_unit_test(test_empty_secret_is_not_none),
      cmocka_unit_test(test_copy_without_memory),
      cmocka_unit_test(test_wipe_takes_exactly_its_length),
      cmocka_unit_test(test_free_empties),
      cmocka_unit_test(test_free_wipes_first),
  };
  return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
