/* SPDX-License-Identifier: MIT */
/* What a broker's URI holds for the program: what is left without the query, numbers, mechanisms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "amqp_wolfssl_socket.h"
#include "failing_allocator.h"

#define RICH                                                                                                       \
  "amqps://me:se%26cret@host:5672/%2f?auth_mechanism=external&heartbeat=30&auth_mechanism=amqplain&channel_max=0&" \
  "auth_mechanism=plain&connection_timeout=2147483647"
#define RICH_FRONT "amqps://me:se%26cret@host:5672/%2f"

/* In a block of exactly this size: nothing is written past it. */
static void expect_front(const char *uri, size_t capacity, amqp_wolfssl_code_t code, const char *front) {
  char *buffer = malloc(capacity);

  assert_non_null(buffer);
  memset(buffer, 'x', capacity);
  assert_int_equal(amqp_wolfssl_uri_strip(uri, buffer, capacity), code);
  assert_string_equal(buffer, front);
  free(buffer);
}

static void test_strip(void **state) {
  (void)state;
  expect_front(RICH, sizeof(RICH), AMQP_WOLFSSL_OK, RICH_FRONT);
  expect_front(RICH, sizeof(RICH_FRONT), AMQP_WOLFSSL_OK, RICH_FRONT);
  expect_front(RICH_FRONT, sizeof(RICH_FRONT), AMQP_WOLFSSL_OK, RICH_FRONT);
  expect_front("amqps://?", sizeof("amqps://"), AMQP_WOLFSSL_OK, "amqps://");
  expect_front("amqps://[::1]:5671?depth=1", 100, AMQP_WOLFSSL_OK, "amqps://[::1]:5671");
}

/* Nothing is left in the buffer that the program could connect to. */
static void test_strip_refuses(void **state) {
  char buffer[4] = "old";

  (void)state;
  for (size_t capacity = 1; capacity < sizeof(RICH_FRONT); capacity++) {
    expect_front(RICH, capacity, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT, "");
  }
  expect_front(NULL, 10, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT, "");
  expect_front("amqp://host", 100, AMQP_WOLFSSL_ERROR_BROKER_URI_INVALID, "");
  expect_front("amqps://host?verify=off", 100, AMQP_WOLFSSL_ERROR_BROKER_URI_INVALID, "");
  expect_front("amqps://host?depth", 100, AMQP_WOLFSSL_ERROR_BROKER_URI_INVALID, "");
  assert_int_equal(amqp_wolfssl_uri_strip(RICH, buffer, 0), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_string_equal(buffer, "old");
  assert_int_equal(amqp_wolfssl_uri_strip(RICH, NULL, 100), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
}

static void test_numbers(void **state) {
  (void)state;
  assert_int_equal(amqp_wolfssl_uri_number(RICH, AMQP_WOLFSSL_URI_HEARTBEAT, 60), 30);
  assert_int_equal(amqp_wolfssl_uri_number(RICH, AMQP_WOLFSSL_URI_CONNECTION_TIMEOUT, 60), 2147483647);
  assert_int_equal(amqp_wolfssl_uri_number(RICH, AMQP_WOLFSSL_URI_CHANNEL_MAX, 60), 0);
  assert_int_equal(amqp_wolfssl_uri_number(RICH, (amqp_wolfssl_uri_number_t)0, 60), 60);
  assert_int_equal(amqp_wolfssl_uri_number(RICH, (amqp_wolfssl_uri_number_t)4, 60), 60);
  assert_int_equal(amqp_wolfssl_uri_number(RICH_FRONT, AMQP_WOLFSSL_URI_HEARTBEAT, -7), -7);
  assert_int_equal(amqp_wolfssl_uri_number(NULL, AMQP_WOLFSSL_URI_HEARTBEAT, 60), 60);
  assert_int_equal(amqp_wolfssl_uri_number("amqps://host?heartbeat=1&depth", AMQP_WOLFSSL_URI_HEARTBEAT, 60), 60);
}

static void test_mechanisms(void **state) {
  (void)state;
  assert_string_equal(amqp_wolfssl_uri_auth_mechanism(RICH, 0), "EXTERNAL");
  assert_string_equal(amqp_wolfssl_uri_auth_mechanism(RICH, 1), "AMQPLAIN");
  assert_string_equal(amqp_wolfssl_uri_auth_mechanism(RICH, 2), "PLAIN");
  assert_null(amqp_wolfssl_uri_auth_mechanism(RICH, 3));
  assert_null(amqp_wolfssl_uri_auth_mechanism(RICH, SIZE_MAX));
  assert_null(amqp_wolfssl_uri_auth_mechanism(RICH_FRONT, 0));
  assert_null(amqp_wolfssl_uri_auth_mechanism(NULL, 0));
  assert_null(amqp_wolfssl_uri_auth_mechanism("amqps://host?auth_mechanism=plain&x=1", 0));
}

static void test_out_of_memory(void **state) {
  char buffer[sizeof(RICH)];

  (void)state;
  if (!failing_allocator_works()) {
    skip();
  }
  failing_allocator_arm(1);
  assert_int_equal(amqp_wolfssl_uri_strip(RICH, buffer, sizeof(buffer)), AMQP_WOLFSSL_ERROR_NO_MEMORY);
  assert_true(failing_allocator_disarm());
  assert_string_equal(buffer, "");
  failing_allocator_arm(1);
  assert_int_equal(amqp_wolfssl_uri_number(RICH, AMQP_WOLFSSL_URI_HEARTBEAT, 60), 60);
  assert_true(failing_allocator_disarm());
  failing_allocator_arm(1);
  assert_null(amqp_wolfssl_uri_auth_mechanism(RICH, 0));
  assert_true(failing_allocator_disarm());
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_strip),      cmocka_unit_test(test_strip_refuses), cmocka_unit_test(test_numbers),
      cmocka_unit_test(test_mechanisms), cmocka_unit_test(test_out_of_memory),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
