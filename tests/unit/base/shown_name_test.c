/* SPDX-License-Identifier: MIT */
/* Names are shown as they are, and nothing of what may hold a password. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/shown_name.h"

static void test_names(void **state) {
  static const char *const names[] = {"",      "broker.example",        "192.0.2.1",     "[2001:db8::1]:5671",
                                      "a b/c", "spiffe://example.org/", "host%zone\t*.x"};
  (void)state;

  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    assert_ptr_equal(shown_name(names[i]), names[i]);
  }
}

static void test_what_may_hold_a_password(void **state) {
  static const char *const names[] = {"amqps://user:canary@broker.example:5671/",
                                      "user:canary@broker.example",
                                      "user:can@ary@broker.example",
                                      "@canary",
                                      "canary@",
                                      "amqps://broker.example/?password=canary",
                                      "broker.example?canary",
                                      "broker.example#canary",
                                      "canary#"};
  (void)state;

  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    const char *shown = shown_name(names[i]);

    assert_null(strstr(shown, "canary"));
    assert_null(strstr(shown, "can"));
    assert_non_null(strstr(shown, "not shown"));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_what_may_hold_a_password),
  };

  return cmocka_run_group_tests_name("shown_name", tests, NULL, NULL);
}
