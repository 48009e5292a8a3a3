/* SPDX-License-Identifier: MIT */
/*
 * Start-up of wolfSSL and its FIPS module. A mutex and not pthread_once(), because a start that failed for lack of
 * memory must be retried once there is some. The module's own failures are final: only a new process clears them. So is
 * the verdict on where wolfSSL comes from.
 *
 * The order matters: that verdict first, or the wrong wolfSSL is started; then the callback, or a failure during the
 * start goes unnoticed; then wolfSSL; then all self-tests (CASTs), before threads use the module, which would run them
 * at the first use of each algorithm; then status and mode.
 */
#include "autoconfig.h"

#include "backend/fips_module.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include "backend/aes_hardware.h"
#include "backend/build_info.h"
#include "backend/fips_version.h"
#include "backend/wolfssl_error.h"
#include "backend/wolfssl_headers.h"
#include "backend/wolfssl_origin.h"

#include <wolfssl/wolfcrypt/error-crypt.h>

#if defined(FIPS_REQUIRED) && !defined(HAVE_FIPS)
#error "configured with --with-fips=required, but these headers are of a wolfSSL without the FIPS module"
#endif
#ifndef FIPS_LEAST_VERSION
#define FIPS_LEAST_VERSION 0 /* any, or one whose version nobody knows */
#endif
#if FIPS_LEAST_VERSION > 0 && (!defined(HAVE_FIPS_VERSION) || HAVE_FIPS_VERSION < FIPS_LEAST_VERSION)
#error "configured with --with-fips=required, but these headers are of a FIPS module for FIPS 140-2"
#endif
#if defined(FIPS_REFUSED) && defined(HAVE_FIPS)
#error "configured with --with-fips=no, but these headers are of a wolfSSL with the FIPS module"
#endif

static pthread_mutex_t starting = PTHREAD_MUTEX_INITIALIZER;
static bool started;

static const struct wolfssl_cause start_failed = {AMQP_WOLFSSL_STAGE_CONFIGURE, AMQP_WOLFSSL_ERROR_LIBRARY_FAILED,
                                                  "wolfSSL did not start"};

#ifdef HAVE_FIPS

static atomic_int reported;     /* what the module last told its callback; 0: nothing */
static atomic_int tests_result; /* the result of the self-tests at the start */

/* The module has one callback in a process. A program that wants its own sets it after the first call of this library:
   all that depends on this one is the code in an error sentence. */
static void remember_failure(int ok, int wolfssl_code, const char *hash) {
  (void)hash;
  if (!ok && wolfssl_code != 0) {
    atomic_store(&reported, wolfssl_code);
  }
}

static void listen_to_module(void) {
#ifdef HAVE_WOLFCRYPT_SETCB_FIPS
  (void)wolfCrypt_SetCb_fips(remember_failure);
#endif
}

/* Module v2 (FIPS 140-2) has no call for this: it runs them all when it is loaded. */
static int run_all_tests(void) {
  int result = 0;

#if defined(HAVE_WC_RUNALLCAST_FIPS)
  result = wc_RunAllCast_fips();
#elif defined(HAVE_WC_RUNCAST_FIPS)
  for (int test = 0; test < FIPS_CAST_COUNT; test++) {
    int one = wc_RunCast_fips(test);

    result = result == 0 ? one : result;
  }
#endif
  return result;
}

static void test_module(void) {
  if (wolfCrypt_GetStatus_fips() == 0) {
    atomic_store(&tests_result, run_all_tests());
  }
}

/* What the module itself says. */
static amqp_wolfssl_fips_status_t read_own_status(void) {
  int status = wolfCrypt_GetStatus_fips();

#ifdef HAVE_WOLFCRYPT_GETMODE_FIPS
  int mode = wolfCrypt_GetMode_fips();

  if (mode == FIPS_MODE_DEGRADED) {
    return AMQP_WOLFSSL_FIPS_DEGRADED;
  }
  if (mode != FIPS_MODE_NORMAL) {
    return AMQP_WOLFSSL_FIPS_FAILED;
  }
#endif
  return status == 0 && atomic_load(&tests_result) == 0 ? AMQP_WOLFSSL_FIPS_NORMAL : AMQP_WOLFSSL_FIPS_FAILED;
}

static const char *read_version(void) {
#ifdef HAVE_WOLFCRYPT_GETVERSION_FIPS
  return wolfCrypt_GetVersion_fips();
#else
  return "of unknown version";
#endif
}

/* Not what the headers say: this is the module that was found when the program started. */
static bool is_too_old(void) { return fips_version_major(read_version()) < FIPS_LEAST_VERSION; }

static const char *read_refusal(void) {
  return is_too_old() && read_own_status() == AMQP_WOLFSSL_FIPS_NORMAL
             ? "wolfSSL's FIPS module is not one of version 5 or later (FIPS 140-3), which this library was built to "
               "require (--with-fips=required); certificates for FIPS 140-2 are historical since 2026-09-21"
             : NULL;
}

static amqp_wolfssl_fips_status_t read_status(void) {
  return read_refusal() != NULL ? AMQP_WOLFSSL_FIPS_FAILED : read_own_status();
}

/* ---- What is wrong ---- */

#ifdef HAVE_WC_GETCASTSTATUS_FIPS
/* Indexed by enum FipsCastId; which of them exist depends on the module's version. */
static const char *const test_names[] = {
    "AES-CBC",       "AES-GCM",     "HMAC-SHA-1",  "HMAC-SHA2-256", "HMAC-SHA2-512", "HMAC-SHA3-256",  "DRBG",
    "RSA signature", "ECC CDH",     "ECC point Z", "DH point Z",    "ECDSA",         "KDF of TLS 1.2", "KDF of TLS 1.3",
    "KDF of SSH",    "KDF of SRTP", "Ed25519",     "Ed448",         "PBKDF2",        "AES-ECB",        "ML-KEM",
    "ML-DSA",        "LMS",         "XMSS",        "DRBG-SHA-512",  "SLH-DSA",
};
#define TEST_NAMES (sizeof(test_names) / sizeof(test_names[0]))
#endif

/* "" if no single test is to blame. */
static const char *find_failed_test(void) {
#ifdef HAVE_WC_GETCASTSTATUS_FIPS
  for (size_t test = 0; test < TEST_NAMES && test < FIPS_CAST_COUNT; test++) {
    if (wc_GetCastStatus_fips((int)test) == FIPS_CAST_STATE_FAILURE) {
      return test_names[test];
    }
  }
#endif
  return "";
}

static int read_wolfssl_code(void) {
  int status = wolfCrypt_GetStatus_fips();

  if (status == 0) {
    status = atomic_load(&reported);
  }
  return status != 0 ? status : atomic_load(&tests_result);
}

static amqp_wolfssl_code_t explain_error(amqp_wolfssl_stage_t stage, amqp_wolfssl_error_t *error) {
  int wolfssl_code = read_wolfssl_code();
  const char *test = find_failed_test();

  if (read_refusal() != NULL) {
    error_set(error, stage, AMQP_WOLFSSL_ERROR_FIPS_MODULE,
              "%s; this one reports \"%s\": install a wolfSSL with a newer module, or rebuild this library with "
              "--with-fips=required-140-2 if the older one must do",
              read_refusal(), read_version());
  } else if (wolfssl_code == IN_CORE_FIPS_E) {
    error_set(
        error, stage, AMQP_WOLFSSL_ERROR_FIPS_MODULE,
        "wolfSSL's FIPS module refuses to work: its integrity check failed, so the library's file is not the one that "
        "was built and validated; reinstall wolfSSL and restart the program (wolfSSL: %d)",
        wolfssl_code);
  } else if (test[0] != '\0') {
    error_set(
        error, stage, AMQP_WOLFSSL_ERROR_FIPS_MODULE,
        "wolfSSL's FIPS module is in degraded mode: its self-test \"%s\" failed; restart the program, and if that "
        "does not help, suspect the wolfSSL installation and then the machine (wolfSSL: %d)",
        test, wolfssl_code);
  } else {
    error_set(error, stage, AMQP_WOLFSSL_ERROR_FIPS_MODULE,
              "wolfSSL's FIPS module is not in normal mode but %s; restart the program, and if that does not help, "
              "reinstall wolfSSL (wolfSSL: %d)",
              read_status() == AMQP_WOLFSSL_FIPS_DEGRADED ? "degraded" : "in error", wolfssl_code);
  }
  error->wolfssl_code = wolfssl_code;
  return error->code;
}

#else /* no FIPS module */

static void listen_to_module(void) {}

static void test_module(void) {}

static amqp_wolfssl_fips_status_t read_status(void) { return AMQP_WOLFSSL_FIPS_NOT_BUILT_IN; }

static const char *read_version(void) { return ""; }

static const char *read_refusal(void) { return NULL; }

static amqp_wolfssl_code_t explain_error(amqp_wolfssl_stage_t stage, amqp_wolfssl_error_t *error) {
  (void)stage;
  return error->code;
}

#endif

/* ---- The start ---- */

static bool is_in_error(amqp_wolfssl_fips_status_t status) {
  return status != AMQP_WOLFSSL_FIPS_NOT_BUILT_IN && status != AMQP_WOLFSSL_FIPS_NORMAL;
}

/* Where our calls go to another wolfSSL, what the module says of itself is no matter. */
static amqp_wolfssl_fips_status_t judge_status(void) {
  amqp_wolfssl_fips_status_t status = read_status();

  return status != AMQP_WOLFSSL_FIPS_NOT_BUILT_IN && wolfssl_origin_refusal() != NULL ? AMQP_WOLFSSL_FIPS_FAILED
                                                                                      : status;
}

static const char *describe_status(amqp_wolfssl_fips_status_t status) {
  if (read_refusal() != NULL) {
    return "refused";
  }
  return is_in_error(status) ? "in error" : "in normal mode";
}

/* Of a wolfSSL that did not start nothing is asked: its module would run self-tests for it. */
static void write_build_info(void) {
  char text[160] = "";
  amqp_wolfssl_fips_status_t status = judge_status();
  const char *standard = fips_version_standard(read_version());

  if (status != AMQP_WOLFSSL_FIPS_NOT_BUILT_IN) {
    (void)snprintf(text, sizeof(text), ", FIPS module \"%s\" (%s) %s", read_version(),
                   standard[0] != '\0' ? standard : "unknown standard", describe_status(status));
  }
  build_info_write(text, started ? aes_hardware_text() : AES_HARDWARE_UNKNOWN);
}

static int start_wolfssl(void) {
  int result;

  listen_to_module();
  result = wolfSSL_Init();
  started = result == WOLFSSL_SUCCESS;
  if (started) {
    test_module();
  }
  write_build_info();
  return started ? 0 : result;
}

int fips_module_start(void) {
  bool refused = wolfssl_origin_refusal() != NULL; /* before the mutex: it takes the loader's lock */
  int result = refused ? -1 : 0;

  if (pthread_mutex_lock(&starting) != 0) {
    return -1;
  }
  if (!started && !refused) {
    result = start_wolfssl();
  } else if (refused && build_info_line()[0] == '\0') {
    write_build_info();
  }
  (void)pthread_mutex_unlock(&starting);
  return result;
}

amqp_wolfssl_code_t fips_module_check(amqp_wolfssl_stage_t stage, amqp_wolfssl_error_t *error) {
  const char *refusal = wolfssl_origin_refusal();
  int result = fips_module_start();

  if (refusal != NULL) {
    return error_set(error, stage, AMQP_WOLFSSL_ERROR_LIBRARY_FAILED, "%s", refusal);
  }
  if (is_in_error(read_status())) {
    return explain_error(stage, error);
  }
  if (result != 0) {
    return wolfssl_error_set(error, result, &start_failed);
  }
  return AMQP_WOLFSSL_OK;
}

amqp_wolfssl_fips_status_t fips_module_status(void) {
  (void)fips_module_start(); /* whether wolfSSL starts or not, the module knows its state */
  return judge_status();
}

const char *fips_module_version(void) { return read_version(); }

const char *fips_module_standard(void) { return fips_version_standard(read_version()); }

const char *fips_module_refusal(void) { return read_refusal(); }
