/* SPDX-License-Identifier: MIT */
/*
 * Steers the test double that stands in for wolfSSL's FIPS module (fips_test_double.c). It is no FIPS module: it only
 * fails where a test wants it to. Also compiled into wolfSSL, so it includes nothing of the project's.
 *
 * A program is steered before it starts by FIPS_TEST_DOUBLE in its environment: "integrity" fails the integrity check,
 * "cast=N" the self test with number N of enum FipsCastId, and "version=TEXT" makes it report another version.
 */
#ifndef TESTS_FIPS_TEST_DOUBLE_H
#define TESTS_FIPS_TEST_DOUBLE_H

#define FIPS_TEST_DOUBLE_API __attribute__((visibility("default")))

/** What wolfCrypt_GetVersion_fips() answers: what it stands in for is "wolfCrypt v5.2.1", and "v4.6.2". */
#define FIPS_TEST_DOUBLE_VERSION_5 "test double of v5.2.1, not a FIPS module"
#define FIPS_TEST_DOUBLE_VERSION_4 "test double of v4.6.2, not a FIPS module"
/** The longest version that a test can make it report, with its NUL. */
#define FIPS_TEST_DOUBLE_VERSION_SIZE 80
/** Self tests of module v5: 0 to this less one. */
#define FIPS_TEST_DOUBLE_CASTS 15

/** The integrity check fails, as it does when the library's file was altered: every service is refused. */
FIPS_TEST_DOUBLE_API void fips_test_double_fail_integrity(void);
/** The self test \a cast will fail when it is run. */
FIPS_TEST_DOUBLE_API void fips_test_double_fail_cast(int cast);
/** A test the module makes while it works fails now: degraded, and the services behind \a cast are refused. */
FIPS_TEST_DOUBLE_API void fips_test_double_fail_later(int cast);
/** The same at the \a uses-th use of these services from now on; 1 is the next. */
FIPS_TEST_DOUBLE_API void fips_test_double_fail_at_use(int cast, int uses);
/** Reports this version instead, from now on. */
FIPS_TEST_DOUBLE_API void fips_test_double_set_version(const char *text);
/** Says it is in this state, whatever it is. */
FIPS_TEST_DOUBLE_API void fips_test_double_set_state(int status, int mode);
/** wolfSSL_Init() fails with \a wolfssl_code, this many times. */
FIPS_TEST_DOUBLE_API void fips_test_double_fail_starts(int times, int wolfssl_code);
/** How often a self test was run. */
FIPS_TEST_DOUBLE_API int fips_test_double_cast_runs(int cast);
/** Whether wolfSSL was started (which asks for private keys to be readable) before a callback was set: 1 or 0. */
FIPS_TEST_DOUBLE_API int fips_test_double_started_without_callback(void);
/** Whether a service was used before the self tests were run, so that the module had to run them then: 1 or 0. */
FIPS_TEST_DOUBLE_API int fips_test_double_used_before_casts(void);

#endif
