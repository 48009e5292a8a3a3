/* SPDX-License-Identifier: MIT */
/* The error record: its names, and what its sentence may hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "autoconfig.h"
#include "base/error.h"
#include "unsigned_range.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* Every code of the public header, in its order. */
static const amqp_wolfssl_code_t codes[] = {
    AMQP_WOLFSSL_OK,
    AMQP_WOLFSSL_ERROR_NO_MEMORY,
    AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT,
    AMQP_WOLFSSL_ERROR_CONFIG_FROZEN,
    AMQP_WOLFSSL_ERROR_NOT_SUPPORTED,
    AMQP_WOLFSSL_ERROR_RABBITMQ_INCOMPATIBLE,
    AMQP_WOLFSSL_ERROR_LIBRARY_FAILED,
    AMQP_WOLFSSL_ERROR_FIPS_MODULE,
    AMQP_WOLFSSL_ERROR_POLICY_LOCKED,
    AMQP_WOLFSSL_ERROR_SITE_FILE_INVALID,
    AMQP_WOLFSSL_ERROR_BROKER_URI_INVALID,
    AMQP_WOLFSSL_ERROR_URI_NOT_PERMITTED,
    AMQP_WOLFSSL_ERROR_FILE_UNREADABLE,
    AMQP_WOLFSSL_ERROR_NO_CERTIFICATE,
    AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED,
    AMQP_WOLFSSL_ERROR_CA_UNUSABLE,
    AMQP_WOLFSSL_ERROR_KEY_MALFORMED,
    AMQP_WOLFSSL_ERROR_KEY_UNSUPPORTED,
    AMQP_WOLFSSL_ERROR_PASSPHRASE_MISSING,
    AMQP_WOLFSSL_ERROR_PASSPHRASE_WRONG,
    AMQP_WOLFSSL_ERROR_KEY_MISMATCH,
    AMQP_WOLFSSL_ERROR_IDENTITY_AGAINST_POLICY,
    AMQP_WOLFSSL_ERROR_NO_TRUST_ANCHOR,
    AMQP_WOLFSSL_ERROR_NAME_INVALID,
    AMQP_WOLFSSL_ERROR_URI_INVALID,
    AMQP_WOLFSSL_ERROR_TOKEN_MODULE_UNUSABLE,
    AMQP_WOLFSSL_ERROR_TOKEN_NOT_FOUND,
    AMQP_WOLFSSL_ERROR_TOKEN_KEY_NOT_FOUND,
    AMQP_WOLFSSL_ERROR_TOKEN_PIN_LOCKED,
    AMQP_WOLFSSL_ERROR_TOKEN_FAILED,
    AMQP_WOLFSSL_ERROR_CRL_MALFORMED,
    AMQP_WOLFSSL_ERROR_CRL_UNUSABLE,
    AMQP_WOLFSSL_ERROR_RESOLVE_FAILED,
    AMQP_WOLFSSL_ERROR_CONNECT_FAILED,
    AMQP_WOLFSSL_ERROR_TIMED_OUT,
    AMQP_WOLFSSL_ERROR_PEER_SPEAKS_PLAIN_AMQP,
    AMQP_WOLFSSL_ERROR_PEER_NOT_TLS,
    AMQP_WOLFSSL_ERROR_PEER_CLOSED_IN_HANDSHAKE,
    AMQP_WOLFSSL_ERROR_NO_SHARED_VERSION,
    AMQP_WOLFSSL_ERROR_NO_SHARED_SUITE,
    AMQP_WOLFSSL_ERROR_HANDSHAKE_FAILED,
    AMQP_WOLFSSL_ERROR_CERTIFICATE_EXPIRED,
    AMQP_WOLFSSL_ERROR_CERTIFICATE_NOT_YET_VALID,
    AMQP_WOLFSSL_ERROR_UNKNOWN_CA,
    AMQP_WOLFSSL_ERROR_SELF_SIGNED,
    AMQP_WOLFSSL_ERROR_NAME_MISMATCH,
    AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED,
    AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
    AMQP_WOLFSSL_ERROR_BAD_SIGNATURE,
    AMQP_WOLFSSL_ERROR_WEAK_KEY,
    AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
    AMQP_WOLFSSL_ERROR_PEER_CERTIFICATE_MISSING,
    AMQP_WOLFSSL_ERROR_CERTIFICATE_INVALID,
    AMQP_WOLFSSL_ERROR_WEAK_SIGNATURE,
    AMQP_WOLFSSL_ERROR_POLICY_VERSION,
    AMQP_WOLFSSL_ERROR_POLICY_SUITE,
    AMQP_WOLFSSL_ERROR_POLICY_GROUP,
    AMQP_WOLFSSL_ERROR_POLICY_SIGNATURE,
    AMQP_WOLFSSL_ERROR_POLICY_EXTENDED_MASTER_SECRET,
    AMQP_WOLFSSL_ERROR_REJECTED_OUR_CERTIFICATE,
    AMQP_WOLFSSL_ERROR_REQUIRES_A_CERTIFICATE,
    AMQP_WOLFSSL_ERROR_ALERT_RECEIVED,
    AMQP_WOLFSSL_ERROR_CLOSED_BY_PEER,
    AMQP_WOLFSSL_ERROR_TRUNCATED,
    AMQP_WOLFSSL_ERROR_CONNECTION_LOST,
    AMQP_WOLFSSL_ERROR_RECORD_CORRUPT,
    AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION,
    AMQP_WOLFSSL_ERROR_SEND_CONTRACT_BROKEN,
};

/* ---- Names ---- */

/* The list above is no use if it lacks one: a number that has a name must be in it. */
static void test_every_code_has_a_name_of_its_own(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(codes); i++) {
    const char *name = amqp_wolfssl_code_name(codes[i]);

    assert_true(strlen(name) >= 2);
    assert_int_equal(strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), strlen(name));
    assert_string_not_equal(name, "UNKNOWN");
    for (size_t j = 0; j < i; j++) {
      assert_int_not_equal(codes[i], codes[j]);
      assert_string_not_equal(name, amqp_wolfssl_code_name(codes[j]));
    }
  }
}

static bool is_listed(int number) {
  for (size_t i = 0; i < COUNT(codes); i++) {
    if ((int)codes[i] == number) {
      return true;
    }
  }
  return false;
}

static const char *code_name_of_number(int number) { return amqp_wolfssl_code_name((amqp_wolfssl_code_t)number); }

static void test_other_codes_are_unknown(void **state) {
  (void)state;
  for (int number = 0; number <= 255; number++) {
    const bool named = strcmp(code_name_of_number(number), "UNKNOWN") != 0;

    if (named != is_listed(number)) {
      fail_msg("%d: %s", number, code_name_of_number(number));
    }
  }
}

static void test_code_names_are_the_identifiers(void **state) {
  (void)state;
  assert_string_equal(amqp_wolfssl_code_name(AMQP_WOLFSSL_OK), "OK");
  assert_string_equal(amqp_wolfssl_code_name(AMQP_WOLFSSL_ERROR_NAME_MISMATCH), "NAME_MISMATCH");
  assert_string_equal(amqp_wolfssl_code_name(AMQP_WOLFSSL_ERROR_SEND_CONTRACT_BROKEN), "SEND_CONTRACT_BROKEN");
}

static void test_stage_names(void **state) {
  static const char *const names[] = {"none",   "configure", "resolve", "connect", "handshake",
                                      "verify", "policy",    "send",    "receive", "close"};
  (void)state;

  for (int stage = 0; stage < 10; stage++) {
    assert_string_equal(amqp_wolfssl_stage_name((amqp_wolfssl_stage_t)stage), names[stage]);
  }
  for (int stage = 10; stage < 16; stage++) {
    assert_string_equal(amqp_wolfssl_stage_name((amqp_wolfssl_stage_t)stage), "unknown");
  }
}

static void test_alert_names(void **state) {
  static const struct {
    int alert;
    const char *name;
  } alerts[] = {
      {0, "close_notify"},
      {10, "unexpected_message"},
      {20, "bad_record_mac"},
      {22, "record_overflow"},
      {40, "handshake_failure"},
      {42, "bad_certificate"},
      {43, "unsupported_certificate"},
      {44, "certificate_revoked"},
      {45, "certificate_expired"},
      {46, "certificate_unknown"},
      {47, "illegal_parameter"},
      {48, "unknown_ca"},
      {49, "access_denied"},
      {50, "decode_error"},
      {51, "decrypt_error"},
      {70, "protocol_version"},
      {71, "insufficient_security"},
      {80, "internal_error"},
      {86, "inappropriate_fallback"},
      {90, "user_canceled"},
      {100, "no_renegotiation"},
      {109, "missing_extension"},
      {110, "unsupported_extension"},
      {112, "unrecognized_name"},
      {113, "bad_certificate_status_response"},
      {115, "unknown_psk_identity"},
      {116, "certificate_required"},
      {120, "no_application_protocol"},
  };
  (void)state;

  for (size_t i = 0; i < COUNT(alerts); i++) {
    assert_string_equal(amqp_wolfssl_alert_name(alerts[i].alert), alerts[i].name);
  }
}

static void test_alert_names_are_distinct(void **state) {
  size_t named = 0;
  (void)state;

  for (int alert = -1; alert <= 256; alert++) {
    const char *name = amqp_wolfssl_alert_name(alert);

    assert_true(strlen(name) > 0);
    if (strcmp(name, "unknown") != 0) {
      named++;
      assert_uint_in_range(alert, 0, 255);
      for (int other = 0; other < alert; other++) {
        assert_string_not_equal(name, amqp_wolfssl_alert_name(other));
      }
    }
  }
  assert_true(named >= 28);
  assert_string_equal(amqp_wolfssl_alert_name(-1), "unknown");
  assert_string_equal(amqp_wolfssl_alert_name(255), "unknown");
  assert_string_equal(amqp_wolfssl_alert_name(INT_MAX), "unknown");
  assert_string_equal(amqp_wolfssl_alert_name(INT_MIN), "unknown");
}

static void test_alerts_about_certificates(void **state) {
  (void)state;
  for (int alert = -1; alert <= 256; alert++) {
    const bool about = (alert >= 42 && alert <= 46) || alert == 48 || alert == 49 || alert == 116;

    if (error_alert_is_about_certificate(alert) != about) {
      fail_msg("alert %d (%s)", alert, amqp_wolfssl_alert_name(alert));
    }
  }
}

/* ---- The record ---- */

/* Any of wolfSSL's numbers would do. */
#define EXPIRED_AT_WOLFSSL (-151)

static void set_expired(amqp_wolfssl_error_t *error) {
  error_set(error, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_CERTIFICATE_EXPIRED, "it has expired");
  error->wolfssl_code = EXPIRED_AT_WOLFSSL;
}

static void test_clear(void **state) {
  amqp_wolfssl_error_t error;
  (void)state;

  memset(&error, 0x55, sizeof(error));
  error_clear(&error);
  assert_int_equal(amqp_wolfssl_error_stage(&error), AMQP_WOLFSSL_STAGE_NONE);
  assert_int_equal(amqp_wolfssl_error_code(&error), AMQP_WOLFSSL_OK);
  assert_string_equal(amqp_wolfssl_error_message(&error), "");
  assert_int_equal(amqp_wolfssl_error_wolfssl_code(&error), 0);
  assert_int_equal(amqp_wolfssl_error_alert(&error), -1);
  assert_int_equal(amqp_wolfssl_error_alert_direction(&error), AMQP_WOLFSSL_ALERT_NONE);
  assert_string_equal(amqp_wolfssl_error_certificate_subject(&error), "");
  assert_int_equal(amqp_wolfssl_error_certificate_depth(&error), -1);
}

static void test_accessors(void **state) {
  amqp_wolfssl_error_t error;
  amqp_wolfssl_error_t copy;
  (void)state;

  set_expired(&error);
  error_set_alert(&error, 45, AMQP_WOLFSSL_ALERT_SENT);
  error_set_certificate(&error, 2, "CN=someone");
  error_copy(&copy, &error);
  memset(&error, 0, sizeof(error));
  assert_int_equal(amqp_wolfssl_error_stage(&copy), AMQP_WOLFSSL_STAGE_VERIFY);
  assert_int_equal(amqp_wolfssl_error_code(&copy), AMQP_WOLFSSL_ERROR_CERTIFICATE_EXPIRED);
  assert_non_null(strstr(amqp_wolfssl_error_message(&copy), "expired"));
  assert_int_equal(amqp_wolfssl_error_wolfssl_code(&copy), EXPIRED_AT_WOLFSSL);
  assert_int_equal(amqp_wolfssl_error_alert(&copy), 45);
  assert_int_equal(amqp_wolfssl_error_alert_direction(&copy), AMQP_WOLFSSL_ALERT_SENT);
  assert_string_equal(amqp_wolfssl_error_certificate_subject(&copy), "CN=someone");
  assert_int_equal(amqp_wolfssl_error_certificate_depth(&copy), 2);
}

static void test_accessors_of_nothing(void **state) {
  (void)state;
  assert_int_equal(amqp_wolfssl_error_stage(NULL), AMQP_WOLFSSL_STAGE_NONE);
  assert_int_equal(amqp_wolfssl_error_code(NULL), AMQP_WOLFSSL_OK);
  assert_string_equal(amqp_wolfssl_error_message(NULL), "");
  assert_int_equal(amqp_wolfssl_error_wolfssl_code(NULL), 0);
  assert_int_equal(amqp_wolfssl_error_alert(NULL), -1);
  assert_int_equal(amqp_wolfssl_error_alert_direction(NULL), AMQP_WOLFSSL_ALERT_NONE);
  assert_string_equal(amqp_wolfssl_error_certificate_subject(NULL), "");
  assert_int_equal(amqp_wolfssl_error_certificate_depth(NULL), -1);
}

/* What an earlier error left must not be taken for a part of the next. */
static void test_set_forgets_everything_else(void **state) {
  amqp_wolfssl_error_t error;
  (void)state;

  set_expired(&error);
  error_set_alert(&error, 45, AMQP_WOLFSSL_ALERT_SENT);
  error_set_certificate(&error, 2, "CN=someone");
  assert_int_equal(error_set(&error, AMQP_WOLFSSL_STAGE_SEND, AMQP_WOLFSSL_ERROR_TIMED_OUT, "%s %d", "after", 5),
                   AMQP_WOLFSSL_ERROR_TIMED_OUT);
  assert_int_equal(error.stage, AMQP_WOLFSSL_STAGE_SEND);
  assert_string_equal(error.message, "after 5");
  assert_int_equal(error.wolfssl_code, 0);
  assert_int_equal(error.alert, -1);
  assert_int_equal(error.alert_direction, AMQP_WOLFSSL_ALERT_NONE);
  assert_int_equal(error.certificate_depth, -1);
  assert_string_equal(error.certificate_subject, "");
}

/* ---- The sentence ---- */

static void test_message_is_one_line(void **state) {
  amqp_wolfssl_error_t error;
  char all[256];
  (void)state;

  for (int i = 0; i < 255; i++) {
    all[i] = (char)(i % 127 + 1);
  }
  all[255] = '\0';
  error_set(&error, AMQP_WOLFSSL_STAGE_SEND, AMQP_WOLFSSL_ERROR_TIMED_OUT, "one\ntwo\r\nthree\t%s", all);
  error_append(&error, "\nfour\x1b[2J\x7f%s", all);
  assert_non_null(strstr(error.message, "one?two??three?"));
  assert_non_null(strstr(error.message, "?four?[2J?"));
  for (const char *character = error.message; *character != '\0'; character++) {
    assert_uint_in_range(*character, ' ', '~');
  }
}

static void test_append(void **state) {
  amqp_wolfssl_error_t error;
  (void)state;

  error_set(&error, AMQP_WOLFSSL_STAGE_SEND, AMQP_WOLFSSL_ERROR_TIMED_OUT, "%%s");
  error_append(&error, ", %s", "100%n");
  error_append(&error, "%s", "");
  assert_string_equal(error.message, "%s, 100%n");
  assert_int_equal(error.code, AMQP_WOLFSSL_ERROR_TIMED_OUT);
  assert_int_equal(error.stage, AMQP_WOLFSSL_STAGE_SEND);
}

/* One text at every length around the room there is. */
static void test_message_that_is_too_long(void **state) {
  char text[ERROR_MESSAGE_LENGTH + 20];
  (void)state;

  for (size_t length = ERROR_MESSAGE_LENGTH - 20; length < sizeof(text); length++) {
    const size_t kept = length < ERROR_MESSAGE_LENGTH ? length : ERROR_MESSAGE_LENGTH - 1;
    amqp_wolfssl_error_t error;

    memset(text, 'a', length);
    text[length] = '\0';
    error_set(&error, AMQP_WOLFSSL_STAGE_SEND, AMQP_WOLFSSL_ERROR_TIMED_OUT, "%s", text);
    assert_int_equal(strlen(error.message), kept);
    error_append(&error, "%s", text);
    error_append(&error, "%s", text);
    assert_int_equal(strlen(error.message), ERROR_MESSAGE_LENGTH - 1);
    assert_int_equal(error.code, AMQP_WOLFSSL_ERROR_TIMED_OUT);
  }
}

static void test_subject_that_is_too_long(void **state) {
  char subject[ERROR_SUBJECT_LENGTH + 20];
  (void)state;

  for (size_t length = 0; length < sizeof(subject); length++) {
    const size_t kept = length < ERROR_SUBJECT_LENGTH ? length : ERROR_SUBJECT_LENGTH - 1;
    amqp_wolfssl_error_t error;

    error_set(&error, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "a sentence");
    memset(subject, 'a', length);
    subject[length] = '\0';
    error_set_certificate(&error, 0, subject);
    assert_int_equal(strlen(error.certificate_subject), kept);
    assert_string_equal(error.message, "a sentence");
  }
}

/* Well-formed UTF-8 (RFC 3629, section 4), without the surrogates and the overlong forms. */
static size_t utf8_length(const unsigned char *text) {
  static const struct {
    unsigned char first_low, first_high, second_low, second_high;
    size_t length;
  } forms[] = {
      {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
      {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
      {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
  };

  if (text[0] < 0x80) {
    return 1;
  }
  for (size_t i = 0; i < COUNT(forms); i++) {
    if (text[0] >= forms[i].first_low && text[0] <= forms[i].first_high) {
      size_t count = 2;

      if (text[1] < forms[i].second_low || text[1] > forms[i].second_high) {
        return 0;
      }
      while (count < forms[i].length && (text[count] & 0xc0) == 0x80) {
        count++;
      }
      return count == forms[i].length ? count : 0;
    }
  }
  return 0;
}

static bool is_utf8(const char *text) {
  const unsigned char *rest = (const unsigned char *)text;

  while (*rest != '\0') {
    size_t length = utf8_length(rest);

    if (length == 0) {
      return false;
    }
    rest += length;
  }
  return true;
}

static void test_message_keeps_utf8(void **state) {
  static const char text[] = "/etc/Schl\xc3\xbcssel/\xe2\x82\xac/\xf0\x9f\x94\x91.pem";
  amqp_wolfssl_error_t error;
  (void)state;

  error_set(&error, AMQP_WOLFSSL_STAGE_CONFIGURE, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE, "%s", text);
  assert_string_equal(error.message, text);
  error_append(&error, "%s", text);
  assert_string_equal(error.message + strlen(text), text);
}

/* A terminal obeys C1 controls (U+009B is ESC [), and bidirectional marks rearrange what it shows. */
static void test_message_has_no_hidden_controls(void **state) {
  static const struct {
    uint32_t first;
    uint32_t last;
  } hidden[] = {{0x80, 0x9f}, {0x61c, 0x61c}, {0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069}};
  (void)state;

  for (uint32_t point = 0x80; point < 0x2100; point++) {
    char character[4] = {0};
    char expected[32];
    amqp_wolfssl_error_t error;
    bool is_hidden = false;

    if (point < 0x800) {
      character[0] = (char)(0xc0 | point >> 6);
      character[1] = (char)(0x80 | (point & 0x3f));
    } else {
      character[0] = (char)(0xe0 | point >> 12);
      character[1] = (char)(0x80 | (point >> 6 & 0x3f));
      character[2] = (char)(0x80 | (point & 0x3f));
    }
    for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
      is_hidden = is_hidden || (point >= hidden[i].first && point <= hidden[i].last);
    }
    error_configure(&error, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE, "a%sb", character);
    error_append(&error, "%s%s.", character, character);
    (void)snprintf(expected, sizeof(expected), "a%sb%s%s.", is_hidden ? "?" : character, is_hidden ? "?" : character,
                   is_hidden ? "?" : character);
    assert_string_equal(error.message, expected);
  }
}

/* Paths may be any bytes; the sentence is UTF-8 all the same, or a program that prints it in JSON breaks. */
static void test_message_is_utf8_whatever_comes(void **state) {
  static const char *const texts[] = {
      "a\xff\x62",    "\x80",         "\xc3",     "\xc3(",        "\xe2\x82",         "\xe2\x82(",
      "\xf0\x9f\x94", "\xed\xa0\x80", "\xc0\xaf", "\xe0\x80\xaf", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80",
  };
  (void)state;

  for (size_t i = 0; i < COUNT(texts); i++) {
    amqp_wolfssl_error_t error;

    error_set(&error, AMQP_WOLFSSL_STAGE_CONFIGURE, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE, "can't read %s: why", texts[i]);
    assert_true(is_utf8(error.message));
    assert_non_null(strstr(error.message, ": why"));
    error_append(&error, "; %s", texts[i]);
    assert_true(is_utf8(error.message));
  }
}

static void test_message_is_never_cut_inside_a_character(void **state) {
  static const char *const characters[] = {"\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x94\x91"};
  (void)state;

  for (size_t i = 0; i < COUNT(characters); i++) {
    for (size_t before = 0; before < 5; before++) {
      char text[ERROR_MESSAGE_LENGTH + 50];
      amqp_wolfssl_error_t error;

      memset(text, 'a', sizeof(text));
      text[ERROR_MESSAGE_LENGTH - 1 - before] = '\0';
      strcat(text, characters[i]);
      strcat(text, "rest");
      error_set(&error, AMQP_WOLFSSL_STAGE_CONFIGURE, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE, "%s", text);
      assert_true(is_utf8(error.message));
      error_set(&error, AMQP_WOLFSSL_STAGE_CONFIGURE, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE, "a");
      error_append(&error, "%s", text + 1);
      assert_true(is_utf8(error.message));
    }
  }
}

/* ---- Dates ---- */

static void test_dates(void **state) {
  static const struct {
    int64_t seconds;
    const char *text;
  } dates[] = {
      {0, "1970-01-01 00:00:00 UTC"},
      {-1, "1969-12-31 23:59:59 UTC"},
      {951782400, "2000-02-29 00:00:00 UTC"},
      {INT64_C(2147483648), "2038-01-19 03:14:08 UTC"},
      {INT64_C(253402300799), "9999-12-31 23:59:59 UTC"},
      {INT64_MAX, "an unreadable date"},
      {INT64_MIN, "an unreadable date"},
  };
  (void)state;

  for (size_t i = 0; i < COUNT(dates); i++) {
    amqp_wolfssl_error_t error;
    char expected[100];

    error_set(&error, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_CERTIFICATE_EXPIRED, "expired");
    error_append_date(&error, " (on ", dates[i].seconds, ")");
    snprintf(expected, sizeof(expected), "expired (on %s)", dates[i].text);
    assert_string_equal(error.message, expected);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_every_code_has_a_name_of_its_own),
      cmocka_unit_test(test_other_codes_are_unknown),
      cmocka_unit_test(test_code_names_are_the_identifiers),
      cmocka_unit_test(test_stage_names),
      cmocka_unit_test(test_alert_names),
      cmocka_unit_test(test_alert_names_are_distinct),
      cmocka_unit_test(test_alerts_about_certificates),
      cmocka_unit_test(test_clear),
      cmocka_unit_test(test_accessors),
      cmocka_unit_test(test_accessors_of_nothing),
      cmocka_unit_test(test_set_forgets_everything_else),
      cmocka_unit_test(test_message_is_one_line),
      cmocka_unit_test(test_append),
      cmocka_unit_test(test_message_that_is_too_long),
      cmocka_unit_test(test_subject_that_is_too_long),
      cmocka_unit_test(test_message_keeps_utf8),
      cmocka_unit_test(test_message_has_no_hidden_controls),
      cmocka_unit_test(test_message_is_utf8_whatever_comes),
      cmocka_unit_test(test_message_is_never_cut_inside_a_character),
      cmocka_unit_test(test_dates),
  };
  return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
