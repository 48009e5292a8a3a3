/* SPDX-License-Identifier: MIT */
/*
 * The versions that FIPS modules report, and what may not be taken for one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "backend/fips_version.h"

static void assert_read(const char *reported, int major, const char *standard) {
  int read = fips_version_major(reported);

  if (read != major) {
    fail_msg("\"%s\" is read as version %d, not %d", reported, read, major);
  }
  assert_string_equal(fips_version_standard(reported), standard);
}

static void test_what_modules_report(void **state) {
  (void)state;
  assert_read("wolfCrypt v5.0.0", 5, "FIPS 140-3");
  assert_read("wolfCrypt v5.2.1", 5, "FIPS 140-3");
  assert_read("v5.2.3", 5, "FIPS 140-3");
  assert_read("v6.0.0", 6, "FIPS 140-3");
  assert_read("v10.0.0", 10, "FIPS 140-3");
  assert_read("v4.0", 4, "FIPS 140-2");
  assert_read("4.6.2", 4, "FIPS 140-2");
  assert_read("3.14.2", 3, "FIPS 140-2");
  assert_read("test double of v2.0.0, not a FIPS module", 2, "FIPS 140-2");
}

/* Numbers that are at or above 5, in texts of which nobody can say that they are a version. */
static void test_other_numbers_are_no_version(void **state) {
  (void)state;
  assert_read("", 0, "");
  assert_read("v", 0, "");
  assert_read("of unknown version", 0, "");
  assert_read("FIPS 140-3", 0, "");
  assert_read("140", 0, "");
  assert_read("v5", 0, "");
  assert_read("v5.", 0, "");
  assert_read("v5.x", 0, "");
  assert_read("5-2-1", 0, "");
  assert_read("vv5.2.1", 0, "");
  assert_read("sha256.5", 0, "");
  assert_read("-.5.2", 0, "");
}

static void test_numbers_beside_a_version(void **state) {
  (void)state;
  assert_read("FIPS 140-3, v4.0", 4, "FIPS 140-2");
  assert_read("9 of v4.0", 4, "FIPS 140-2");
  assert_read("(v4.0-5)", 4, "FIPS 140-2");
}

/* Which of the two is the module's? */
static void test_two_versions_are_none(void **state) {
  (void)state;
  assert_read("wolfSSL 5.7.2, module v4.0", 0, "");
  assert_read("v4.0 for wolfSSL 5.7.2", 0, "");
  assert_read("v5.2.1 v5.2.1", 0, "");
}

static void test_numbers_that_do_not_fit(void **state) {
  (void)state;
  assert_read("v9999.0", 9999, "FIPS 140-3");
  assert_read("v10000.0", 0, "");
  assert_read("v4294967301.0", 0, ""); /* 5 in 32 bits */
  assert_read("v99999999999999999999999999.0", 0, "");
  assert_read("v0004.0", 4, "FIPS 140-2");
  assert_read("v0.9", 0, "");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_what_modules_report),      cmocka_unit_test(test_other_numbers_are_no_version),
      cmocka_unit_test(test_numbers_beside_a_version), cmocka_unit_test(test_two_versions_are_none),
      cmocka_unit_test(test_numbers_that_do_not_fit),
  };
  return cmocka_run_group_tests_name("fips_version", tests, NULL, NULL);
}
