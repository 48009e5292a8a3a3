/* SPDX-License-Identifier: MIT */
/* Sentences about records and handshake messages that were refused before wolfSSL saw them. */
#include "tls/record_fault.h"

enum {
  ALERT_UNEXPECTED_MESSAGE = 10,
  ALERT_RECORD_OVERFLOW = 22,
  ALERT_ILLEGAL_PARAMETER = 47,
  ALERT_DECODE_ERROR = 50,
  ALERT_PROTOCOL_VERSION = 70
};

static uint8_t hello_alert(const struct server_hello *hello) {
  switch (hello->fault) {
    case SERVER_HELLO_TOO_LONG:
    case SERVER_HELLO_MALFORMED:
    case SERVER_HELLO_KEY_EXCHANGE_MALFORMED:
      return ALERT_DECODE_ERROR;
    case SERVER_HELLO_COMPRESSES:
      return ALERT_ILLEGAL_PARAMETER;
    case SERVER_HELLO_SOUND:
    case SERVER_HELLO_SECOND_RETRY:
    case SERVER_HELLO_NOT_LAST:
    case SERVER_HELLO_OUT_OF_ORDER:
    case SERVER_HELLO_TOO_MANY_REQUESTS:
      break;
  }
  return ALERT_UNEXPECTED_MESSAGE;
}

uint8_t record_fault_alert(const struct record_framing *framing, const struct server_hello *hello) {
  switch (framing->fault) {
    case RECORD_HELLO_REFUSED:
      return hello_alert(hello);
    case RECORD_VERSION_WRONG:
      return ALERT_PROTOCOL_VERSION;
    case RECORD_TOO_LONG:
      return ALERT_RECORD_OVERFLOW;
    case RECORD_TOO_SHORT:
      return ALERT_DECODE_ERROR;
    case RECORD_CHANGE_CIPHER_MALFORMED:
    case RECORD_ALERT_MALFORMED:
      return ALERT_ILLEGAL_PARAMETER;
    case RECORD_SOUND:
    case RECORD_TYPE_UNKNOWN:
    case RECORD_OUT_OF_ORDER:
    case RECORD_INSIDE_MESSAGE:
    case RECORD_TOO_MANY_WARNINGS:
    case RECORD_TOO_MANY_CHANGE_CIPHERS:
    case RECORD_TOO_MANY_IN_HANDSHAKE:
    case RECORD_TOO_MANY_WITHOUT_DATA:
    case RECORD_TOO_MUCH_WITHOUT_DATA:
      break;
  }
  return ALERT_UNEXPECTED_MESSAGE;
}

/* ---- Sentences ---- */

static const char *type_name(uint8_t type) {
  switch (type) {
    case TLS_RECORD_CHANGE_CIPHER_SPEC:
      return "a ChangeCipherSpec";
    case TLS_RECORD_ALERT:
      return "an alert";
    case TLS_RECORD_HANDSHAKE:
      return "a handshake record";
    default:
      return "a record of data";
  }
}

static const char *place(const struct record_framing *framing) {
  switch (framing->epoch) {
    case RECORD_EPOCH_HELLO:
      return "before its ServerHello";
    case RECORD_EPOCH_CLEAR:
      return "between its ServerHello and its ChangeCipherSpec";
    case RECORD_EPOCH_FINISHED_1_2:
      return "in place of its Finished message";
    case RECORD_EPOCH_HANDSHAKE_1_3:
      return "in the encrypted part of the handshake";
    case RECORD_EPOCH_DATA_1_2:
    case RECORD_EPOCH_DATA_1_3:
      return "after the handshake";
    case RECORD_EPOCH_OVER:
      break;
  }
  return "after a fatal alert";
}

static void explain_hello(const struct server_hello *hello, amqp_wolfssl_stage_t stage, amqp_wolfssl_error_t *error) {
  const amqp_wolfssl_code_t code = AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION;

  switch (hello->fault) {
    case SERVER_HELLO_SOUND:
    case SERVER_HELLO_MALFORMED:
      error_set(error, stage, code, "the broker's ServerHello is malformed, or chooses its version in no allowed way");
      break;
    case SERVER_HELLO_TOO_LONG:
      error_set(error, stage, code, "the broker's ServerHello is longer than %u bytes, as no honest one is",
                (unsigned)SERVER_HELLO_LENGTH);
      break;
    case SERVER_HELLO_COMPRESSES:
      error_set(error, stage, AMQP_WOLFSSL_ERROR_HANDSHAKE_FAILED,
                "the broker chose a compression method, and none was offered");
      break;
    case SERVER_HELLO_SECOND_RETRY:
      error_set(error, stage, code, "the broker sent a second HelloRetryRequest");
      break;
    case SERVER_HELLO_NOT_LAST:
      error_set(error, stage, code,
                "the broker sent something in clear behind its %s, where everything must be encrypted",
                hello->complete ? "ServerHello" : "HelloRetryRequest");
      break;
    case SERVER_HELLO_OUT_OF_ORDER:
      error_set(error, stage, code, "the broker sent a handshake message of type %u out of order (%s its ServerHello)",
                hello->message_type, hello->complete ? "after" : "before");
      break;
    case SERVER_HELLO_TOO_MANY_REQUESTS:
      error_set(error, stage, code, "the broker sent more than %u HelloRequests in one handshake",
                (unsigned)SERVER_HELLO_REQUESTS);
      break;
    case SERVER_HELLO_KEY_EXCHANGE_MALFORMED:
      error_set(error, stage, code, "the broker's ServerKeyExchange is malformed");
      break;
  }
}

static void explain_length(const struct record_framing *framing, amqp_wolfssl_stage_t stage,
                           amqp_wolfssl_error_t *error) {
  const unsigned length = (unsigned)framing->header[3] << 8 | framing->header[4];

  error_set(error, stage, AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION, "the peer sent %s of %u bytes, which is too %s, %s",
            type_name(framing->header[0]), length, framing->fault == RECORD_TOO_LONG ? "long" : "short",
            place(framing));
}

static void explain_alert(const struct record_framing *framing, amqp_wolfssl_stage_t stage,
                          amqp_wolfssl_error_t *error) {
  const unsigned length = (unsigned)framing->header[3] << 8 | framing->header[4];

  if (length != sizeof(framing->alert)) {
    error_set(error, stage, AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION, "the peer sent an alert of %u bytes instead of 2",
              length);
  } else {
    error_set(error, stage, AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION,
              "the peer sent an alert of level %u, neither a warning nor fatal (alert %u, %s)", framing->alert[0],
              framing->alert[1], amqp_wolfssl_alert_name(framing->alert[1]));
  }
}

void record_fault_explain(const struct record_framing *framing, const struct server_hello *hello,
                          amqp_wolfssl_stage_t stage, amqp_wolfssl_error_t *error) {
  const amqp_wolfssl_code_t code = AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION;
  const uint8_t type = framing->header[0];

  switch (framing->fault) {
    case RECORD_HELLO_REFUSED:
      explain_hello(hello, stage, error);
      break;
    case RECORD_SOUND:
    case RECORD_TYPE_UNKNOWN:
      error_set(error, stage, code, "the peer sent a record of type %u, which TLS does not have, %s", type,
                place(framing));
      break;
    case RECORD_VERSION_WRONG:
      error_set(error, stage, code, "the peer sent %s of version 0x%02x%02x %s", type_name(type), framing->header[1],
                framing->header_length > 2 ? framing->header[2] : 0U, place(framing));
      break;
    case RECORD_TOO_LONG:
    case RECORD_TOO_SHORT:
      explain_length(framing, stage, error);
      break;
    case RECORD_OUT_OF_ORDER:
      error_set(error, stage, code, "the peer sent %s %s, where none can come", type_name(type), place(framing));
      break;
    case RECORD_INSIDE_MESSAGE:
      error_set(error, stage, code, "the peer sent %s in the middle of a handshake message", type_name(type));
      break;
    case RECORD_CHANGE_CIPHER_MALFORMED:
      error_set(error, stage, code, "the peer sent a ChangeCipherSpec that is not one byte of value 1");
      break;
    case RECORD_ALERT_MALFORMED:
      explain_alert(framing, stage, error);
      break;
    case RECORD_TOO_MANY_WARNINGS:
      error_set(error, stage, code, "the peer sent more than %u warning alerts in the handshake, the last one %u (%s)",
                (unsigned)RECORD_FRAMING_WARNINGS, framing->alert[1], amqp_wolfssl_alert_name(framing->alert[1]));
      break;
    case RECORD_TOO_MANY_CHANGE_CIPHERS:
      error_set(error, stage, code, "the peer sent more than %u ChangeCipherSpec in a row",
                (unsigned)RECORD_FRAMING_CHANGE_CIPHERS);
      break;
    case RECORD_TOO_MANY_IN_HANDSHAKE:
      error_set(error, stage, code, "the peer sent more than %u encrypted records in the handshake",
                (unsigned)RECORD_FRAMING_HANDSHAKE_RECORDS);
      break;
    case RECORD_TOO_MANY_WITHOUT_DATA:
      error_set(error, stage, code,
                "the peer sent more than %u records in a row without any data (empty records, alerts, HelloRequests, "
                "session tickets or KeyUpdates)",
                (unsigned)RECORD_FRAMING_WITHOUT_DATA);
      break;
    case RECORD_TOO_MUCH_WITHOUT_DATA:
      error_set(error, stage, code,
                "the peer sent more than %u bytes in a row without any data (session tickets or KeyUpdates, say)",
                (unsigned)RECORD_FRAMING_BYTES_WITHOUT_DATA);
      break;
  }
}
