/* SPDX-License-Identifier: MIT */
/*
 * Starting wolfSSL: from many threads at once, and again and again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "amqp_wolfssl_socket.h"
#include "autoconfig.h"
#include "backend/fips_module.h"
#include "backend/wolfssl_headers.h"

#define THREADS 8

static pthread_barrier_t barrier;

static void *start(void *result) {
  (void)pthread_barrier_wait(&barrier);
  *(int *)result = fips_module_start();
  return NULL;
}

/* First of all tests here, so that it is the first start of the process. */
static void test_all_threads_at_once(void **state) {
  pthread_t threads[THREADS];
  int results[THREADS];
  (void)state;

  assert_int_equal(pthread_barrier_init(&barrier, NULL, THREADS), 0);
  for (int i = 0; i < THREADS; i++) {
    results[i] = 77;
    assert_int_equal(pthread_create(&threads[i], NULL, start, &results[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(results[i], 0);
  }
  assert_int_equal(pthread_barrier_destroy(&barrier), 0);
}

static void test_again(void **state) {
  (void)state;
  for (int i = 0; i < 100; i++) {
    assert_int_equal(fips_module_start(), 0);
  }
}

/* Started is started: what another part of the program does with wolfSSL's own count must not end it for us. */
static void test_wolfssl_can_be_used(void **state) {
  WOLFSSL_CTX *context;
  (void)state;

  assert_int_equal(fips_module_start(), 0);
  assert_int_equal(wolfSSL_Init(), WOLFSSL_SUCCESS);
  assert_int_equal(wolfSSL_Cleanup(), WOLFSSL_SUCCESS);
  context = wolfSSL_CTX_new(wolfTLSv1_2_client_method());
  assert_non_null(context);
  wolfSSL_CTX_free(context);
}

static void test_writes_the_build_line(void **state) {
  (void)state;
  assert_int_equal(fips_module_start(), 0);
  assert_true(strlen(amqp_wolfssl_build_info()) > 0);
}

static void test_a_working_module_or_none(void **state) {
  amqp_wolfssl_error_t error;
  (void)state;

  memset(&error, 0x5a, sizeof(error));
  assert_int_equal(fips_module_check(AMQP_WOLFSSL_STAGE_CONFIGURE, &error), AMQP_WOLFSSL_OK);
  assert_int_equal(error.code, 0x5a5a5a5a); /* left alone */
#ifdef HAVE_FIPS
  assert_int_equal(amqp_wolfssl_fips_status(), AMQP_WOLFSSL_FIPS_NORMAL);
  assert_true(strlen(amqp_wolfssl_fips_version()) > 0);
#else
  assert_int_equal(amqp_wolfssl_fips_status(), AMQP_WOLFSSL_FIPS_NOT_BUILT_IN);
  assert_string_equal(amqp_wolfssl_fips_version(), "");
  assert_string_equal(amqp_wolfssl_fips_standard(), "");
  assert_null(fips_module_refusal());
#endif
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_all_threads_at_once),      cmocka_unit_test(test_again),
      cmocka_unit_test(test_wolfssl_can_be_used),      cmocka_unit_test(test_writes_the_build_line),
      cmocka_unit_test(test_a_working_module_or_none),
  };
  return cmocka_run_group_tests_name("fips_module", tests, NULL, NULL);
}
