/* SPDX-License-Identifier: MIT */
/* The table of wolfSSL's codes, and what becomes of those that are not in it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "autoconfig.h"
#include "backend/wolfssl_error.h"
#include "backend/wolfssl_headers.h"
#include "unsigned_range.h"

#include <wolfssl/error-ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* All codes a release of wolfSSL could come to use, and then some. */
#define LOWEST_WOLFSSL_CODE (-3000)

static const struct wolfssl_cause fallback = {AMQP_WOLFSSL_STAGE_RECEIVE, AMQP_WOLFSSL_ERROR_LIBRARY_FAILED,
                                              "something went wrong"};

static void test_known_codes(void **state) {
  static const struct {
    int wolfssl_code;
    amqp_wolfssl_stage_t stage;
    amqp_wolfssl_code_t code;
  } expected[] = {
      {ASN_AFTER_DATE_E, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_CERTIFICATE_EXPIRED},
      {ASN_BEFORE_DATE_E, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_CERTIFICATE_NOT_YET_VALID},
      {ASN_NO_SIGNER_E, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_UNKNOWN_CA},
      {ASN_SELF_SIGNED_E, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_SELF_SIGNED},
      {ASN_SIG_CONFIRM_E, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_BAD_SIGNATURE},
      {CRL_CERT_REVOKED, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED},
      {OCSP_CERT_REVOKED, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED},
      {CRL_MISSING, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN},
      {OCSP_CERT_UNKNOWN, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN},
      {RSA_KEY_SIZE_E, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_WEAK_KEY},
      {ECC_KEY_SIZE_E, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_WEAK_KEY},
      {MAX_CHAIN_ERROR, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_CHAIN_INVALID},
      {ASN_PATHLEN_SIZE_E, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_CHAIN_INVALID},
      {ASN_PATHLEN_INV_E, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_CHAIN_INVALID},
      {EXTKEYUSE_AUTH_E, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_CHAIN_INVALID},
      {NO_PEER_CERT, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_PEER_CERTIFICATE_MISSING},
      {ASN_PARSE_E, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_CERTIFICATE_INVALID},
      {VERSION_ERROR, AMQP_WOLFSSL_STAGE_HANDSHAKE, AMQP_WOLFSSL_ERROR_NO_SHARED_VERSION},
      {MATCH_SUITE_ERROR, AMQP_WOLFSSL_STAGE_HANDSHAKE, AMQP_WOLFSSL_ERROR_NO_SHARED_SUITE},
      {VERIFY_MAC_ERROR, AMQP_WOLFSSL_STAGE_RECEIVE, AMQP_WOLFSSL_ERROR_RECORD_CORRUPT},
      {DECRYPT_ERROR, AMQP_WOLFSSL_STAGE_RECEIVE, AMQP_WOLFSSL_ERROR_RECORD_CORRUPT},
      {AES_GCM_AUTH_E, AMQP_WOLFSSL_STAGE_RECEIVE, AMQP_WOLFSSL_ERROR_RECORD_CORRUPT},
      {DUPLICATE_MSG_E, AMQP_WOLFSSL_STAGE_HANDSHAKE, AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION},
      {ALERT_COUNT_E, AMQP_WOLFSSL_STAGE_HANDSHAKE, AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION},
      {UNKNOWN_RECORD_TYPE, AMQP_WOLFSSL_STAGE_HANDSHAKE, AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION},
      {FIPS_NOT_ALLOWED_E, AMQP_WOLFSSL_STAGE_HANDSHAKE, AMQP_WOLFSSL_ERROR_FIPS_MODULE},
      {IN_CORE_FIPS_E, AMQP_WOLFSSL_STAGE_HANDSHAKE, AMQP_WOLFSSL_ERROR_FIPS_MODULE},
      {MEMORY_E, AMQP_WOLFSSL_STAGE_HANDSHAKE, AMQP_WOLFSSL_ERROR_NO_MEMORY},
      {MEMORY_ERROR, AMQP_WOLFSSL_STAGE_HANDSHAKE, AMQP_WOLFSSL_ERROR_NO_MEMORY},
  };
  amqp_wolfssl_error_t error;
  (void)state;

  for (size_t i = 0; i < COUNT(expected); i++) {
    assert_int_equal(wolfssl_error_set(&error, expected[i].wolfssl_code, &fallback), expected[i].code);
    assert_int_equal(error.code, expected[i].code);
    assert_int_equal(error.stage, expected[i].stage);
    assert_int_equal(error.wolfssl_code, expected[i].wolfssl_code);
    assert_string_equal(error.message, wolfssl_error_find_cause(expected[i].wolfssl_code)->sentence);
  }
}

/* Whatever stands in the table must be a cause: a stage, a code that says something, and one line that fits. */
static void test_every_cause_is_whole(void **state) {
  size_t found = 0;
  (void)state;

  for (int wolfssl_code = LOWEST_WOLFSSL_CODE; wolfssl_code <= 100; wolfssl_code++) {
    const struct wolfssl_cause *cause = wolfssl_error_find_cause(wolfssl_code);

    if (cause == NULL) {
      continue;
    }
    found++;
    assert_true(wolfssl_code < 0);
    assert_true(cause->stage == AMQP_WOLFSSL_STAGE_VERIFY || cause->stage == AMQP_WOLFSSL_STAGE_HANDSHAKE ||
                cause->stage == AMQP_WOLFSSL_STAGE_RECEIVE);
    assert_int_not_equal(cause->code, AMQP_WOLFSSL_OK);
    assert_string_not_equal(amqp_wolfssl_code_name(cause->code), "UNKNOWN");
    assert_uint_in_range(strlen(cause->sentence), 8, ERROR_MESSAGE_LENGTH / 2);
    assert_null(strstr(cause->sentence, "amqp_")); /* the drop-in library's programs have no such functions */
    for (const char *character = cause->sentence; *character != '\0'; character++) {
      assert_uint_in_range(*character, ' ', '~');
    }
  }
  assert_true(found >= 40);
}

/* Causes in the verify stage are verdicts on the server; success, "want more" and a clean end are none. */
static void test_codes_that_are_no_causes(void **state) {
  (void)state;
  assert_null(wolfssl_error_find_cause(0));
  assert_null(wolfssl_error_find_cause(1));
  assert_null(wolfssl_error_find_cause(WANT_READ));
  assert_null(wolfssl_error_find_cause(WANT_WRITE));
  assert_null(wolfssl_error_find_cause(ZERO_RETURN));
  assert_null(wolfssl_error_find_cause(INT_MIN));
  assert_null(wolfssl_error_find_cause(INT_MAX));
}

/* Nobody's code gets lost: number and wolfSSL's text are in the sentence, and the record holds the number. */
static void test_unknown_codes_say_what_wolfssl_says(void **state) {
  (void)state;
  for (int wolfssl_code = LOWEST_WOLFSSL_CODE; wolfssl_code < 0; wolfssl_code++) {
    amqp_wolfssl_error_t error;
    char number[16];
    char text[WOLFSSL_MAX_ERROR_SZ];

    if (wolfssl_error_find_cause(wolfssl_code) != NULL) {
      continue;
    }
    assert_int_equal(wolfssl_error_set(&error, wolfssl_code, &fallback), fallback.code);
    assert_int_equal(error.stage, fallback.stage);
    assert_int_equal(error.wolfssl_code, wolfssl_code);
    snprintf(number, sizeof(number), "%d", wolfssl_code);
    wolfSSL_ERR_error_string_n((unsigned long)wolfssl_code, text, sizeof(text));
    if (strstr(error.message, fallback.sentence) == NULL || strstr(error.message, number) == NULL ||
        strstr(error.message, text) == NULL || text[0] == '\0') {
      fail_msg("%d: \"%s\"", wolfssl_code, error.message);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_known_codes),
      cmocka_unit_test(test_every_cause_is_whole),
      cmocka_unit_test(test_codes_that_are_no_causes),
      cmocka_unit_test(test_unknown_codes_say_what_wolfssl_says),
  };
  return cmocka_run_group_tests_name("wolfssl_error", tests, NULL, NULL);
}
