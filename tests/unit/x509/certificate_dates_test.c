/* SPDX-License-Identifier: MIT */
/* When certificates end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <stdlib.h>
#include <time.h>

#include "minted_certificates.h"
#include "temporary_folder.h"
#include "x509/certificate_dates.h"
#include "x509/certificate_input.h"

#define DAY 86400

static int set_up(void **state) {
  (void)state;
  return temporary_folder_make() == 0 &&
                 minted_certificates_self_signed("early", -2, 1, "basicConstraints = CA:FALSE") == 0 &&
                 minted_certificates_self_signed("late", -2, 5, "basicConstraints = CA:FALSE") == 0 &&
                 minted_certificates_self_signed("over", -5, -1, "basicConstraints = CA:FALSE") == 0
             ? 0
             : -1;
}

static void add(struct certificate_list *list, const char *file) {
  amqp_wolfssl_error_t error;
  size_t length;
  uint8_t *bytes = temporary_folder_read(file, &length);

  assert_int_equal(certificate_input_read(list, bytes, length, AMQP_WOLFSSL_FORMAT_AUTO, file, &error),
                   AMQP_WOLFSSL_OK);
  free(bytes);
}

static void assert_days_from_now(int64_t end, int days) {
  const int64_t expected = (int64_t)time(NULL) + (int64_t)days * DAY;

  assert_in_range(end, expected - DAY, expected + DAY);
}

static void test_ends(void **state) {
  struct certificate_list list = {0};

  (void)state;
  assert_true(certificate_dates_leaf_end(&list) == CERTIFICATE_NEVER_ENDS);
  assert_true(certificate_dates_earliest_end(&list) == CERTIFICATE_NEVER_ENDS);
  add(&list, "late.pem");
  assert_days_from_now(certificate_dates_leaf_end(&list), 5);
  assert_days_from_now(certificate_dates_earliest_end(&list), 5);
  add(&list, "early.pem");
  assert_days_from_now(certificate_dates_leaf_end(&list), 5);
  assert_days_from_now(certificate_dates_earliest_end(&list), 1);
  add(&list, "over.pem");
  assert_days_from_now(certificate_dates_earliest_end(&list), -1);
  certificate_list_free(&list);
}

static void test_seconds_left(void **state) {
  (void)state;
  assert_int_equal(certificate_dates_left(100, 40), 60);
  assert_int_equal(certificate_dates_left(100, 100), 0);
  assert_true(certificate_dates_left(100, 160) == -60);
  assert_true(certificate_dates_left(CERTIFICATE_NEVER_ENDS, 160) == CERTIFICATE_NEVER_ENDS);
  assert_int_equal(certificate_dates_left(100, INT64_MIN), 0); /* no such clock, and no overflow */
  assert_int_equal(certificate_dates_left(100, INT64_MAX), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ends),
      cmocka_unit_test(test_seconds_left),
  };

  return cmocka_run_group_tests(tests, set_up, temporary_folder_tear_down);
}
