/* SPDX-License-Identifier: MIT */
/*
 * The line that says what the library was built with and what it runs on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "amqp_wolfssl_socket.h"
#include "autoconfig.h"
#include "backend/aes_hardware.h"
#include "backend/build_info.h"
#include "backend/wolfssl_headers.h"
#include "unsigned_range.h"

#include <wolfssl/version.h>

#define THREADS 4

static void *ask(void *line) {
  *(const char **)line = amqp_wolfssl_build_info();
  return NULL;
}

/* First, so that no start-up has written the line yet. */
static void test_any_thread_may_ask_first(void **state) {
  pthread_t threads[THREADS];
  const char *lines[THREADS];
  (void)state;

  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, ask, &lines[i]), 0);
  }
  for (int i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_string_equal(lines[i], amqp_wolfssl_build_info());
  }
}

static void assert_names(const char *before, const char *version, const char *after) {
  char text[200];

  snprintf(text, sizeof(text), "%s%s%s", before, version, after);
  if (strstr(amqp_wolfssl_build_info(), text) == NULL) {
    fail_msg("\"%s\" does not say \"%s\"", amqp_wolfssl_build_info(), text);
  }
}

static void test_names_all_versions(void **state) {
  (void)state;
  assert_names(PACKAGE_NAME " ", PACKAGE_VERSION, " (built with wolfSSL ");
  assert_names("built with wolfSSL ", LIBWOLFSSL_VERSION_STRING, ", ");
  assert_names("librabbitmq ", AMQP_VERSION_STRING, "; ");
  assert_names("running on wolfSSL ", wolfSSL_lib_version(), ", ");
  assert_names(", librabbitmq ", amqp_version(), "; ");
  assert_names("; policy ", DEFAULT_POLICY_NAME, POLICY_LOCK ? ", locked)" : ")");
}

static void test_is_one_whole_line(void **state) {
  const char *line = amqp_wolfssl_build_info();
  (void)state;

  assert_true(strlen(line) > 0);
  for (const char *character = line; *character != '\0'; character++) {
    assert_uint_in_range(*character, ' ', '~');
  }
  assert_int_equal(line[strlen(line) - 1], ')');
}

static void test_says_fips_only_where_it_is(void **state) {
  const char *said = strstr(amqp_wolfssl_build_info(), "FIPS");
  (void)state;

#ifdef HAVE_FIPS
  assert_non_null(said);
#else
  assert_null(said);
#endif
}

/* configure.ac and the header each have the version. */
static void test_version(void **state) {
  char text[40];
  (void)state;

  snprintf(text, sizeof(text), "%d.%d.%d", AMQP_WOLFSSL_VERSION_MAJOR, AMQP_WOLFSSL_VERSION_MINOR,
           AMQP_WOLFSSL_VERSION_PATCH);
  assert_string_equal(PACKAGE_VERSION, text);
  assert_string_equal(amqp_wolfssl_version(), text);
  assert_int_equal(amqp_wolfssl_version_number(), AMQP_WOLFSSL_VERSION_NUMBER);
  assert_int_equal(AMQP_WOLFSSL_VERSION_NUMBER >> 16, AMQP_WOLFSSL_VERSION_MAJOR);
}

/* Last of all: the line stays as it was written. */
static void test_says_what_the_module_says(void **state) {
  (void)state;
  build_info_write(", FIPS module \"1.2\" in error", AES_HARDWARE_UNKNOWN);
  assert_names("running on wolfSSL ", wolfSSL_lib_version(), ", FIPS module \"1.2\" in error, librabbitmq ");
}

/* A person who wonders about speed looks here. */
static void test_says_how_aes_is_done(void **state) {
  (void)state;
  assert_names("; ", aes_hardware_text(), "; policy ");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_any_thread_may_ask_first),  cmocka_unit_test(test_names_all_versions),
      cmocka_unit_test(test_is_one_whole_line),         cmocka_unit_test(test_says_fips_only_where_it_is),
      cmocka_unit_test(test_says_how_aes_is_done),      cmocka_unit_test(test_version),
      cmocka_unit_test(test_says_what_the_module_says),
  };
  return cmocka_run_group_tests_name("build_info", tests, NULL, NULL);
}
