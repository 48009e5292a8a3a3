/* SPDX-License-Identifier: MIT */
/*
 * A FIPS module that fails in each way it can: started against the test double, which is not a FIPS module. The
 * library starts wolfSSL once a process, so each case runs in a process of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "amqp_wolfssl_socket.h"
#include "backend/fips_module.h"
#include "fips_test_double.h"
#include "backend/wolfssl_headers.h"

#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/random.h>

#define THREADS 8
#define CONFIGURE AMQP_WOLFSSL_STAGE_CONFIGURE

/* The headers of the two doubles differ in this only. */
#if HAVE_FIPS_VERSION >= 5
#define DOUBLE_VERSION FIPS_TEST_DOUBLE_VERSION_5
#define DOUBLE_STANDARD "FIPS 140-3"
#else
#define DOUBLE_VERSION FIPS_TEST_DOUBLE_VERSION_4
#define DOUBLE_STANDARD "FIPS 140-2"
#endif
#define DOUBLE_IN_INFO ", FIPS module \"" DOUBLE_VERSION "\" (" DOUBLE_STANDARD ")"

/* ---- A process for each case ---- */

/* In place of CMocka's assertions, which can't be used in a child. */
#define CHECK(condition)                                                      \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: not so: %s\n", __func__, __LINE__, #condition); \
      return false;                                                           \
    }                                                                         \
  } while (0)

static void in_child(bool (*run)(int), int argument) {
  pid_t child;
  int status;

  fflush(NULL);
  child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    bool good = run(argument);

    fflush(NULL);
    _exit(good ? 0 : 1);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    fail_msg("with %d: the child's wait status is %#x", argument, (unsigned)status);
  }
}

/* What the library says of a module in error, everywhere it can be asked. */
static bool is_refused(amqp_wolfssl_fips_status_t status, int wolfssl_code, const char *words) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
  amqp_wolfssl_error_t error;
  const char *sentence = NULL;

  CHECK(fips_module_check(AMQP_WOLFSSL_STAGE_SEND, &error) == AMQP_WOLFSSL_ERROR_FIPS_MODULE);
  CHECK(error.code == AMQP_WOLFSSL_ERROR_FIPS_MODULE);
  CHECK(error.stage == AMQP_WOLFSSL_STAGE_SEND);
  CHECK(error.wolfssl_code == wolfssl_code);
  if (strstr(error.message, words) == NULL) {
    fprintf(stderr, "\"%s\" does not say \"%s\"\n", error.message, words);
    return false;
  }
  CHECK(strstr(error.message, "restart the program") != NULL);
  CHECK(amqp_wolfssl_fips_status() == status);
  CHECK(amqp_wolfssl_check_runtime(&sentence) == AMQP_WOLFSSL_ERROR_FIPS_MODULE);
  CHECK(strstr(sentence, "FIPS module is in error") != NULL);
  CHECK(config != NULL);
  CHECK(amqp_wolfssl_config_add_ca_file(config, "/dev/null") == AMQP_WOLFSSL_ERROR_FIPS_MODULE);
  CHECK(amqp_wolfssl_error_stage(amqp_wolfssl_config_error(config)) == CONFIGURE);
  amqp_wolfssl_config_free(config);
  return true;
}

static bool is_normal(void) {
  amqp_wolfssl_error_t error;
  const char *sentence = NULL;

  memset(&error, 0x5a, sizeof(error));
  CHECK(fips_module_check(AMQP_WOLFSSL_STAGE_SEND, &error) == AMQP_WOLFSSL_OK);
  CHECK((int)error.code == 0x5a5a5a5a); /* left alone */
  CHECK(amqp_wolfssl_fips_status() == AMQP_WOLFSSL_FIPS_NORMAL);
  CHECK(amqp_wolfssl_check_runtime(&sentence) == AMQP_WOLFSSL_OK);
  return true;
}

static bool each_cast_ran(int times) {
  for (int cast = 0; cast < FIPS_TEST_DOUBLE_CASTS; cast++) {
    CHECK(fips_test_double_cast_runs(cast) == times);
  }
  return true;
}

/* ---- Starting ---- */

static bool start_in_order(int unused) {
  (void)unused;
  CHECK(is_normal());
  CHECK(!fips_test_double_started_without_callback());
  CHECK(!fips_test_double_used_before_casts());
  CHECK(each_cast_ran(1));
  CHECK(is_normal());
  CHECK(each_cast_ran(1));
  CHECK(strcmp(amqp_wolfssl_fips_version(), DOUBLE_VERSION) == 0);
  CHECK(strcmp(amqp_wolfssl_fips_standard(), DOUBLE_STANDARD) == 0);
  CHECK(strstr(amqp_wolfssl_build_info(), DOUBLE_IN_INFO " in normal mode, ") != NULL);
#if defined(FIPS_REQUIRED) && !defined(FIPS_LEAST_VERSION)
  CHECK(strstr(amqp_wolfssl_build_info(), ", FIPS module (required, of 140-2 too), ") != NULL);
#elif defined(FIPS_REQUIRED)
  CHECK(strstr(amqp_wolfssl_build_info(), ", FIPS module (required), ") != NULL);
#else
  CHECK(strstr(amqp_wolfssl_build_info(), ", FIPS module, ") != NULL);
#endif
  return true;
}

static pthread_barrier_t barrier;

/* As a program's threads do: each starts the library and uses wolfSSL at once. */
static void *start_and_use(void *good) {
  amqp_wolfssl_error_t error;
  WC_RNG random;

  (void)pthread_barrier_wait(&barrier);
  if (fips_module_check(CONFIGURE, &error) == AMQP_WOLFSSL_OK && wc_InitRng(&random) == 0) {
    *(bool *)good = wc_FreeRng(&random) == 0;
  }
  return NULL;
}

static bool start_in_all_threads(int unused) {
  pthread_t threads[THREADS];
  bool good[THREADS] = {false};

  (void)unused;
  CHECK(pthread_barrier_init(&barrier, NULL, THREADS) == 0);
  for (int i = 0; i < THREADS; i++) {
    CHECK(pthread_create(&threads[i], NULL, start_and_use, &good[i]) == 0);
  }
  for (int i = 0; i < THREADS; i++) {
    CHECK(pthread_join(threads[i], NULL) == 0);
  }
  for (int i = 0; i < THREADS; i++) {
    CHECK(good[i]);
  }
  CHECK(pthread_barrier_destroy(&barrier) == 0);
  CHECK(!fips_test_double_used_before_casts());
  return each_cast_ran(1) && is_normal();
}

/* wolfSSL that did not start for lack of memory is started again, and then the module is tested. */
static bool start_again(int unused) {
  amqp_wolfssl_error_t error;

  (void)unused;
  fips_test_double_fail_starts(2, MEMORY_E);
  CHECK(fips_module_start() == MEMORY_E);
  CHECK(fips_module_check(CONFIGURE, &error) == AMQP_WOLFSSL_ERROR_NO_MEMORY);
  CHECK(each_cast_ran(0));
  CHECK(fips_module_start() == 0);
  return each_cast_ran(1) && is_normal();
}

/* ---- Failures ---- */

static bool fail_integrity(int unused) {
  (void)unused;
  fips_test_double_fail_integrity();
  CHECK(is_refused(AMQP_WOLFSSL_FIPS_FAILED, IN_CORE_FIPS_E, "integrity check failed"));
  CHECK(each_cast_ran(0)); /* nothing more is asked of it */
  CHECK(strstr(amqp_wolfssl_build_info(), DOUBLE_IN_INFO " in error, ") != NULL);
  return is_refused(AMQP_WOLFSSL_FIPS_FAILED, IN_CORE_FIPS_E, "integrity check failed");
}

/* A module that won't even let wolfSSL start: that it is the module's fault must not be lost. */
static bool fail_integrity_and_start(int unused) {
  fips_test_double_fail_starts(100, FIPS_NOT_ALLOWED_E);
  return fail_integrity(unused);
}

static const char *const names[FIPS_TEST_DOUBLE_CASTS] = {
    "\"AES-CBC\"",       "\"AES-GCM\"", "\"HMAC-SHA-1\"",     "\"HMAC-SHA2-256\"",  "\"HMAC-SHA2-512\"",
    "\"HMAC-SHA3-256\"", "\"DRBG\"",    "\"RSA signature\"",  "\"ECC CDH\"",        "\"ECC point Z\"",
    "\"DH point Z\"",    "\"ECDSA\"",   "\"KDF of TLS 1.2\"", "\"KDF of TLS 1.3\"", "\"KDF of SSH\"",
};

static bool fail_cast(int cast) {
  fips_test_double_fail_cast(cast);
  CHECK(is_refused(AMQP_WOLFSSL_FIPS_DEGRADED, FIPS_DEGRADED_E, names[cast]));
  CHECK(is_refused(AMQP_WOLFSSL_FIPS_DEGRADED, FIPS_DEGRADED_E, names[cast]));
  return each_cast_ran(1); /* a test that failed is not tried until it passes */
}

static bool fail_later(int cast) {
  CHECK(is_normal());
  fips_test_double_fail_later(cast);
  return is_refused(AMQP_WOLFSSL_FIPS_DEGRADED, FIPS_DEGRADED_E, names[cast]);
}

static bool fail_integrity_later(int unused) {
  (void)unused;
  CHECK(is_normal());
  fips_test_double_fail_integrity();
  return is_refused(AMQP_WOLFSSL_FIPS_FAILED, IN_CORE_FIPS_E, "integrity check failed");
}

static bool degrade_without_a_name(int unused) {
  (void)unused;
  CHECK(is_normal());
  fips_test_double_set_state(FIPS_DEGRADED_E, FIPS_MODE_DEGRADED);
  return is_refused(AMQP_WOLFSSL_FIPS_DEGRADED, FIPS_DEGRADED_E, "not in normal mode but degraded");
}

/* Unknown is failure: a mode that is none of those known, and a mode and a status that contradict each other. */
static bool be_in_unknown_mode(int mode) {
  CHECK(is_normal());
  fips_test_double_set_state(0, mode);
  return is_refused(AMQP_WOLFSSL_FIPS_FAILED, 0, "not in normal mode but in error");
}

static bool contradict_itself(int unused) {
  (void)unused;
  CHECK(is_normal());
  fips_test_double_set_state(DRBG_CONT_FIPS_E, FIPS_MODE_NORMAL);
  return is_refused(AMQP_WOLFSSL_FIPS_FAILED, DRBG_CONT_FIPS_E, "not in normal mode but in error");
}

/* ---- Versions ---- */

static const struct {
  const char *version;
  const char *standard;
} versions[] = {
    {"wolfCrypt v5.0.0", "FIPS 140-3"},
    {"v6.0.0", "FIPS 140-3"},
    {"v4.6.2", "FIPS 140-2"},
    {"3.14.2", "FIPS 140-2"},
    {"", ""},
    {"FIPS 140-3", ""},
};
#define VERSIONS (sizeof(versions) / sizeof(versions[0]))

#ifdef FIPS_LEAST_VERSION
/* All of a module in normal mode but its version; the sentence says which, and what to do. */
static bool is_refused_for_its_version(const char *version) {
  amqp_wolfssl_error_t error;
  const char *sentence = NULL;
  char quoted[40];

  snprintf(quoted, sizeof(quoted), "reports \"%s\"", version);
  CHECK(fips_module_check(AMQP_WOLFSSL_STAGE_SEND, &error) == AMQP_WOLFSSL_ERROR_FIPS_MODULE);
  CHECK(error.wolfssl_code == 0);
  CHECK(strstr(error.message, quoted) != NULL);
  CHECK(strstr(error.message, "--with-fips=required-140-2") != NULL);
  CHECK(strstr(error.message, "restart") == NULL);
  CHECK(amqp_wolfssl_fips_status() == AMQP_WOLFSSL_FIPS_FAILED);
  CHECK(amqp_wolfssl_check_runtime(&sentence) == AMQP_WOLFSSL_ERROR_FIPS_MODULE);
  CHECK(strstr(sentence, "not one of version 5 or later") != NULL);
  return strstr(amqp_wolfssl_build_info(), " refused, ") != NULL;
}
#endif

static bool report_version(int index) {
  const char *standard = versions[index].standard;

  fips_test_double_set_version(versions[index].version);
#ifdef FIPS_LEAST_VERSION
  if (strcmp(standard, "FIPS 140-3") != 0) {
    CHECK(is_refused_for_its_version(versions[index].version));
  } else {
    CHECK(is_normal());
  }
#else
  CHECK(is_normal());
#endif
  CHECK(strcmp(amqp_wolfssl_fips_version(), versions[index].version) == 0);
  CHECK(strcmp(amqp_wolfssl_fips_standard(), standard) == 0);
  return strstr(amqp_wolfssl_build_info(), standard[0] != '\0' ? standard : "(unknown standard)") != NULL;
}

/* An older module that is in error besides: that is what has to be said, since it is about this machine. */
static bool be_old_and_fail(int unused) {
  (void)unused;
  fips_test_double_set_version("v4.6.2");
  fips_test_double_fail_integrity();
  return is_refused(AMQP_WOLFSSL_FIPS_FAILED, IN_CORE_FIPS_E, "integrity check failed");
}

/* ---- The environment, for programs that are tested from outside ---- */

static const char *const environments[] = {"", "integrity", "cast=11", "version=wolfCrypt v7.1.2"};
#define ENVIRONMENTS ((int)(sizeof(environments) / sizeof(environments[0])))

/* Does not come back: goes on in main() of a new process. */
static bool start_program(int environment) {
  char name[] = "fips_failures_test";
  char *arguments[] = {name, NULL, NULL};
  char number[16];

  snprintf(number, sizeof(number), "%d", environment);
  arguments[1] = number;
  CHECK(setenv("FIPS_TEST_DOUBLE", environments[environment], 1) == 0);
  (void)execv("/proc/self/exe", arguments);
  CHECK(!"execv() came back");
}

static bool obey_environment(int environment) {
  switch (environment) {
    case 0:
      return is_normal();
    case 1:
      return is_refused(AMQP_WOLFSSL_FIPS_FAILED, IN_CORE_FIPS_E, "integrity check failed");
    case 2:
      return is_refused(AMQP_WOLFSSL_FIPS_DEGRADED, FIPS_DEGRADED_E, "\"ECDSA\"");
    case 3:
      CHECK(strcmp(amqp_wolfssl_fips_version(), "wolfCrypt v7.1.2") == 0);
      return is_normal();
    default:
      return false;
  }
}

static void test_starts_in_order(void **state) {
  (void)state;
  in_child(start_in_order, 0);
}

static void test_tests_once_for_all_threads(void **state) {
  (void)state;
  for (int round = 0; round < 20; round++) {
    in_child(start_in_all_threads, round);
  }
}

static void test_starts_again(void **state) {
  (void)state;
  in_child(start_again, 0);
}

static void test_integrity_failed(void **state) {
  (void)state;
  in_child(fail_integrity, 0);
  in_child(fail_integrity_and_start, 0);
}

static void test_each_cast_failed(void **state) {
  (void)state;
  for (int cast = 0; cast < FIPS_TEST_DOUBLE_CASTS; cast++) {
    in_child(fail_cast, cast);
  }
}

static void test_fails_later(void **state) {
  (void)state;
  for (int cast = 0; cast < FIPS_TEST_DOUBLE_CASTS; cast++) {
    in_child(fail_later, cast);
  }
  in_child(fail_integrity_later, 0);
}

static void test_degraded_without_a_name(void **state) {
  (void)state;
  in_child(degrade_without_a_name, 0);
}

static void test_unknown_is_failure(void **state) {
  (void)state;
  in_child(be_in_unknown_mode, FIPS_MODE_INIT);
  in_child(be_in_unknown_mode, FIPS_MODE_FAILED);
  in_child(be_in_unknown_mode, 77);
  in_child(contradict_itself, 0);
}

static void test_versions(void **state) {
  (void)state;
  for (size_t i = 0; i < VERSIONS; i++) {
    in_child(report_version, (int)i);
  }
  in_child(be_old_and_fail, 0);
}

static void test_obeys_the_environment(void **state) {
  (void)state;
  for (int i = 0; i < ENVIRONMENTS; i++) {
    in_child(start_program, i);
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_starts_in_order),
      cmocka_unit_test(test_tests_once_for_all_threads),
      cmocka_unit_test(test_starts_again),
      cmocka_unit_test(test_integrity_failed),
      cmocka_unit_test(test_each_cast_failed),
      cmocka_unit_test(test_fails_later),
      cmocka_unit_test(test_degraded_without_a_name),
      cmocka_unit_test(test_unknown_is_failure),
      cmocka_unit_test(test_versions),
      cmocka_unit_test(test_obeys_the_environment),
  };

  if (argc > 1) {
    return obey_environment(atoi(argv[1])) ? 0 : 1;
  }
  return cmocka_run_group_tests_name("fips_failures", tests, NULL, NULL);
}
