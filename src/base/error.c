/* SPDX-License-Identifier: MIT */
/* The error record, and the names of its codes, stages and alerts. */
#include "autoconfig.h"

#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/one_line.h"
#include "base/utc.h"

void error_clear(amqp_wolfssl_error_t *error) {
  error->stage = AMQP_WOLFSSL_STAGE_NONE;
  error->code = AMQP_WOLFSSL_OK;
  error->wolfssl_code = 0;
  error->alert = -1;
  error->alert_direction = AMQP_WOLFSSL_ALERT_NONE;
  error->certificate_depth = -1;
  error->certificate_subject[0] = '\0';
  error->message[0] = '\0';
}

__attribute__((format(printf, 4, 0))) static void set(amqp_wolfssl_error_t *error, amqp_wolfssl_stage_t stage,
                                                      amqp_wolfssl_code_t code, const char *format, va_list arguments) {
  error_clear(error);
  error->stage = stage;
  error->code = code;
  (void)vsnprintf(error->message, sizeof(error->message), format, arguments);
  one_line_make(error->message);
}

amqp_wolfssl_code_t error_set(amqp_wolfssl_error_t *error, amqp_wolfssl_stage_t stage, amqp_wolfssl_code_t code,
                              const char *format, ...) {
  va_list arguments;

  va_start(arguments, format);
  set(error, stage, code, format, arguments);
  va_end(arguments);
  return code;
}

amqp_wolfssl_code_t error_configure(amqp_wolfssl_error_t *error, amqp_wolfssl_code_t code, const char *format, ...) {
  va_list arguments;

  va_start(arguments, format);
  set(error, AMQP_WOLFSSL_STAGE_CONFIGURE, code, format, arguments);
  va_end(arguments);
  return code;
}

amqp_wolfssl_code_t error_verify(amqp_wolfssl_error_t *error, amqp_wolfssl_code_t code, const char *format, ...) {
  va_list arguments;

  va_start(arguments, format);
  set(error, AMQP_WOLFSSL_STAGE_VERIFY, code, format, arguments);
  va_end(arguments);
  return code;
}

void error_append(amqp_wolfssl_error_t *error, const char *format, ...) {
  size_t used = strlen(error->message);
  va_list arguments;

  va_start(arguments, format);
  (void)vsnprintf(error->message + used, sizeof(error->message) - used, format, arguments);
  va_end(arguments);
  one_line_make(error->message + used);
}

void error_append_date(amqp_wolfssl_error_t *error, const char *before, int64_t seconds, const char *after) {
  char date[UTC_TEXT_LENGTH];

  utc_text(seconds, date);
  error_append(error, "%s%s%s", before, date, after);
}

void error_set_alert(amqp_wolfssl_error_t *error, int alert, amqp_wolfssl_alert_direction_t direction) {
  error->alert = alert;
  error->alert_direction = direction;
}

void error_set_certificate(amqp_wolfssl_error_t *error, int depth, const char *subject) {
  error->certificate_depth = depth;
  (void)snprintf(error->certificate_subject, sizeof(error->certificate_subject), "%s", subject);
}

void error_copy(amqp_wolfssl_error_t *to, const amqp_wolfssl_error_t *from) { memcpy(to, from, sizeof(*to)); }

bool error_alert_is_about_certificate(int alert) {
  switch (alert) {
    case 42:  /* bad_certificate */
    case 43:  /* unsupported_certificate */
    case 44:  /* certificate_revoked */
    case 45:  /* certificate_expired */
    case 46:  /* certificate_unknown */
    case 48:  /* unknown_ca */
    case 49:  /* access_denied */
    case 116: /* certificate_required */
      return true;
    default:
      return false;
  }
}

bool error_equals(const amqp_wolfssl_error_t *one, const amqp_wolfssl_error_t *other) {
  return one->stage == other->stage && one->code == other->code && one->wolfssl_code == other->wolfssl_code &&
         one->alert == other->alert && one->alert_direction == other->alert_direction &&
         one->certificate_depth == other->certificate_depth &&
         strcmp(one->certificate_subject, other->certificate_subject) == 0 && strcmp(one->message, other->message) == 0;
}

/* ---- Public accessors ---- */

amqp_wolfssl_stage_t amqp_wolfssl_error_stage(const amqp_wolfssl_error_t *error) {
  return error != NULL ? error->stage : AMQP_WOLFSSL_STAGE_NONE;
}

amqp_wolfssl_code_t amqp_wolfssl_error_code(const amqp_wolfssl_error_t *error) {
  return error != NULL ? error->code : AMQP_WOLFSSL_OK;
}

const char *amqp_wolfssl_error_message(const amqp_wolfssl_error_t *error) {
  return error != NULL ? error->message : "";
}

int amqp_wolfssl_error_wolfssl_code(const amqp_wolfssl_error_t *error) {
  return error != NULL ? error->wolfssl_code : 0;
}

int amqp_wolfssl_error_alert(const amqp_wolfssl_error_t *error) { return error != NULL ? error->alert : -1; }

amqp_wolfssl_alert_direction_t amqp_wolfssl_error_alert_direction(const amqp_wolfssl_error_t *error) {
  return error != NULL ? error->alert_direction : AMQP_WOLFSSL_ALERT_NONE;
}

const char *amqp_wolfssl_error_certificate_subject(const amqp_wolfssl_error_t *error) {
  return error != NULL ? error->certificate_subject : "";
}

int amqp_wolfssl_error_certificate_depth(const amqp_wolfssl_error_t *error) {
  return error != NULL ? error->certificate_depth : -1;
}

const char *amqp_wolfssl_stage_name(amqp_wolfssl_stage_t stage) {
  switch (stage) { /* no default: -Wswitch finds the missing case */
    case AMQP_WOLFSSL_STAGE_NONE:
      return "none";
    case AMQP_WOLFSSL_STAGE_CONFIGURE:
      return "configure";
    case AMQP_WOLFSSL_STAGE_RESOLVE:
      return "resolve";
    case AMQP_WOLFSSL_STAGE_CONNECT:
      return "connect";
    case AMQP_WOLFSSL_STAGE_HANDSHAKE:
      return "handshake";
    case AMQP_WOLFSSL_STAGE_VERIFY:
      return "verify";
    case AMQP_WOLFSSL_STAGE_POLICY:
      return "policy";
    case AMQP_WOLFSSL_STAGE_SEND:
      return "send";
    case AMQP_WOLFSSL_STAGE_RECEIVE:
      return "receive";
    case AMQP_WOLFSSL_STAGE_CLOSE:
      return "close";
  }
  return "unknown";
}

#define CODE_NAME(name)           \
  case AMQP_WOLFSSL_ERROR_##name: \
    return #name

const char *amqp_wolfssl_code_name(amqp_wolfssl_code_t code) {
  switch (code) { /* no default: -Wswitch finds the missing case */
    case AMQP_WOLFSSL_OK:
      return "OK";
      CODE_NAME(NO_MEMORY);
      CODE_NAME(INVALID_ARGUMENT);
      CODE_NAME(CONFIG_FROZEN);
      CODE_NAME(NOT_SUPPORTED);
      CODE_NAME(RABBITMQ_INCOMPATIBLE);
      CODE_NAME(LIBRARY_FAILED);
      CODE_NAME(FIPS_MODULE);
      CODE_NAME(POLICY_LOCKED);
      CODE_NAME(SITE_FILE_INVALID);
      CODE_NAME(BROKER_URI_INVALID);
      CODE_NAME(URI_NOT_PERMITTED);
      CODE_NAME(FILE_UNREADABLE);
      CODE_NAME(NO_CERTIFICATE);
      CODE_NAME(CERTIFICATE_MALFORMED);
      CODE_NAME(CA_UNUSABLE);
      CODE_NAME(KEY_MALFORMED);
      CODE_NAME(KEY_UNSUPPORTED);
      CODE_NAME(PASSPHRASE_MISSING);
      CODE_NAME(PASSPHRASE_WRONG);
      CODE_NAME(KEY_MISMATCH);
      CODE_NAME(IDENTITY_AGAINST_POLICY);
      CODE_NAME(NO_TRUST_ANCHOR);
      CODE_NAME(NAME_INVALID);
      CODE_NAME(URI_INVALID);
      CODE_NAME(TOKEN_MODULE_UNUSABLE);
      CODE_NAME(TOKEN_NOT_FOUND);
      CODE_NAME(TOKEN_KEY_NOT_FOUND);
      CODE_NAME(TOKEN_PIN_LOCKED);
      CODE_NAME(TOKEN_FAILED);
      CODE_NAME(CRL_MALFORMED);
      CODE_NAME(CRL_UNUSABLE);
      CODE_NAME(RESOLVE_FAILED);
      CODE_NAME(CONNECT_FAILED);
      CODE_NAME(TIMED_OUT);
      CODE_NAME(PEER_SPEAKS_PLAIN_AMQP);
      CODE_NAME(PEER_NOT_TLS);
      CODE_NAME(PEER_CLOSED_IN_HANDSHAKE);
      CODE_NAME(NO_SHARED_VERSION);
      CODE_NAME(NO_SHARED_SUITE);
      CODE_NAME(HANDSHAKE_FAILED);
      CODE_NAME(CERTIFICATE_EXPIRED);
      CODE_NAME(CERTIFICATE_NOT_YET_VALID);
      CODE_NAME(UNKNOWN_CA);
      CODE_NAME(SELF_SIGNED);
      CODE_NAME(NAME_MISMATCH);
      CODE_NAME(CERTIFICATE_REVOKED);
      CODE_NAME(REVOCATION_UNKNOWN);
      CODE_NAME(BAD_SIGNATURE);
      CODE_NAME(WEAK_KEY);
      CODE_NAME(CHAIN_INVALID);
      CODE_NAME(PEER_CERTIFICATE_MISSING);
      CODE_NAME(CERTIFICATE_INVALID);
      CODE_NAME(WEAK_SIGNATURE);
      CODE_NAME(POLICY_VERSION);
      CODE_NAME(POLICY_SUITE);
      CODE_NAME(POLICY_GROUP);
      CODE_NAME(POLICY_SIGNATURE);
      CODE_NAME(POLICY_EXTENDED_MASTER_SECRET);
      CODE_NAME(REJECTED_OUR_CERTIFICATE);
      CODE_NAME(REQUIRES_A_CERTIFICATE);
      CODE_NAME(ALERT_RECEIVED);
      CODE_NAME(CLOSED_BY_PEER);
      CODE_NAME(TRUNCATED);
      CODE_NAME(CONNECTION_LOST);
      CODE_NAME(RECORD_CORRUPT);
      CODE_NAME(PROTOCOL_VIOLATION);
      CODE_NAME(SEND_CONTRACT_BROKEN);
  }
  return "UNKNOWN";
}

#undef CODE_NAME

/* RFC 8446, section 6, and for the older ones RFC 5246, section 7.2, RFC 6066, section 9, and RFC 7301, section 3.2. */
const char *amqp_wolfssl_alert_name(int alert) {
  static const struct {
    int alert;
    const char *name;
  } names[] = {
      {0, "close_notify"},
      {10, "unexpected_message"},
      {20, "bad_record_mac"},
      {21, "decryption_failed"},
      {22, "record_overflow"},
      {30, "decompression_failure"},
      {40, "handshake_failure"},
      {41, "no_certificate"},
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
      {60, "export_restriction"},
      {70, "protocol_version"},
      {71, "insufficient_security"},
      {80, "internal_error"},
      {86, "inappropriate_fallback"},
      {90, "user_canceled"},
      {100, "no_renegotiation"},
      {109, "missing_extension"},
      {110, "unsupported_extension"},
      {111, "certificate_unobtainable"},
      {112, "unrecognized_name"},
      {113, "bad_certificate_status_response"},
      {114, "bad_certificate_hash_value"},
      {115, "unknown_psk_identity"},
      {116, "certificate_required"},
      {120, "no_application_protocol"},
  };

  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    if (names[i].alert == alert) {
      return names[i].name;
    }
  }
  return "unknown";
}
