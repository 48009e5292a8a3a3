/* SPDX-License-Identifier: MIT */
/* PINs that were rejected are not tried again; in no token once there were too many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <stdio.h>
#include <string.h>

#include "failing_allocator.h"
#include "identity/pkcs11_login.h"

static struct secret pin_of(const char *text) { return (struct secret){(uint8_t *)(uintptr_t)text, strlen(text)}; }

static bool may_try(const struct pkcs11_login *login, const char *token, const char *text) {
  const struct secret pin = pin_of(text);

  return pkcs11_login_may_try(login, token, &pin);
}

static void reject(struct pkcs11_login *login, const char *token, const char *text) {
  const struct secret pin = pin_of(text);

  pkcs11_login_rejected(login, token, &pin);
}

static void test_never_twice(void **state) {
  struct pkcs11_login login = {0};

  (void)state;
  assert_true(may_try(&login, "token", "1234"));
  reject(&login, "token", "1234");
  assert_false(may_try(&login, "token", "1234"));
  assert_true(may_try(&login, "token", "12345"));
  assert_true(may_try(&login, "token", "123"));
  assert_true(may_try(&login, "another token", "1234"));
  assert_true(may_try(&login, "token1", "234"));
  assert_true(may_try(&login, "token", "")); /* its own keypad */
  reject(&login, "token", "");
  assert_false(may_try(&login, "token", ""));
  assert_false(may_try(&login, "token", "1234"));
  pkcs11_login_free(&login);
  assert_true(may_try(&login, "token", "1234"));
}

static void test_enough_is_enough(void **state) {
  struct pkcs11_login login = {0};
  char text[8];

  (void)state;
  for (int i = 0; i < PKCS11_LOGIN_REJECTED_MAXIMUM; i++) {
    (void)snprintf(text, sizeof(text), "%d", i);
    assert_true(may_try(&login, "token", text));
    reject(&login, "token", text);
  }
  assert_false(may_try(&login, "token", "fresh"));
  reject(&login, "token", "fresh"); /* nothing overflows */
  assert_false(may_try(&login, "another token", "fresh"));
  pkcs11_login_free(&login);
}

static void test_nothing_is_remembered(void **state) {
  (void)state;
  reject(NULL, "token", "1234");
  assert_true(may_try(NULL, "token", "1234"));
}

/* What can't be remembered must not be tried again either. */
static void test_out_of_memory(void **state) {
  struct pkcs11_login login = {0};

  (void)state;
  if (!failing_allocator_works()) {
    skip();
  }
  failing_allocator_arm(1);
  reject(&login, "token", "1234");
  assert_true(failing_allocator_disarm());
  assert_false(may_try(&login, "token", "1234"));
  assert_false(may_try(&login, "token", "5678"));
  pkcs11_login_free(&login);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_never_twice),
      cmocka_unit_test(test_enough_is_enough),
      cmocka_unit_test(test_nothing_is_remembered),
      cmocka_unit_test(test_out_of_memory),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
