/* SPDX-License-Identifier: MIT */
/* Follows the frames that arrive and keeps the one that says why the broker closes. */
#include "autoconfig.h"

#include "transport/close_reason.h"

#include <string.h>

#define FRAME_END_LENGTH ((size_t)1)
#define FRAME_AROUND_PAYLOAD (CLOSE_REASON_FRAME_HEADER + FRAME_END_LENGTH)
#define FRAME_END 0xCEu
#define CLASS_AND_METHOD ((size_t)4)
#define FAILED_METHOD ((size_t)4)
#define TUNE_OK_FRAME_MAX 13 /* where it is in the frame of Connection.TuneOk */
/* RabbitMQ 4.1 and later end a connection for which less has been agreed. */
#define LEAST_FRAME_MAX 8192U
/* By which a record is recognised that has the reason already. */
#define REPLY_GIVEN "gave the reason"
#define FRAME_MAX_NEEDED "frame_max of at least"

enum { FRAME_METHOD = 1, FRAME_CONTENT_HEADER = 2, FRAME_BODY = 3, FRAME_HEARTBEAT = 8 };

static const uint8_t connection_close[CLASS_AND_METHOD] = {0, 10, 0, 50};

void close_reason_init(struct close_reason *reason) { memset(reason, 0, sizeof(*reason)); }

/* ---- What arrives ---- */

static uint32_t payload_length(const uint8_t *header) {
  return (uint32_t)header[3] << 24 | (uint32_t)header[4] << 16 | (uint32_t)header[5] << 8 | header[6];
}

static bool is_known_type(uint8_t type) {
  const unsigned known = 1U << FRAME_METHOD | 1U << FRAME_CONTENT_HEADER | 1U << FRAME_BODY | 1U << FRAME_HEARTBEAT;

  return type <= FRAME_HEARTBEAT && (known >> type & 1U) != 0;
}

/* Methods of the connection are those on channel 0. */
static bool is_about_connection(const uint8_t *header) {
  return header[0] == FRAME_METHOD && (header[1] | header[2]) == 0;
}

/* Whole frames that say nothing of the connection, which is nearly all that arrives. \return their length */
static size_t pass_over(const uint8_t *bytes, size_t length) {
  size_t left = length;

  while (left >= FRAME_AROUND_PAYLOAD && is_known_type(bytes[0]) && !is_about_connection(bytes)) {
    const size_t payload = payload_length(bytes);

    if (payload > left - FRAME_AROUND_PAYLOAD) { /* a sum might be more than size_t can hold */
      break;
    }
    bytes += FRAME_AROUND_PAYLOAD + payload;
    left -= FRAME_AROUND_PAYLOAD + payload;
  }
  return length - left;
}

static size_t take_header(struct close_reason *reason, const uint8_t *bytes, size_t length) {
  const size_t missing = sizeof(reason->header) - reason->header_length;
  const size_t count = length < missing ? length : missing;

  memcpy(reason->header + reason->header_length, bytes, count);
  reason->header_length += count;
  if (count == missing) {
    reason->lost_track = !is_known_type(reason->header[0]);
    reason->frame_left = (uint64_t)payload_length(reason->header) + FRAME_END_LENGTH;
    reason->collecting = is_about_connection(reason->header) && reason->frame_left <= sizeof(reason->method);
    reason->method_length = 0;
  }
  return count;
}

/* The text has to fill the frame exactly. */
static bool is_close(const uint8_t *method, size_t length) {
  const size_t before_text = CLASS_AND_METHOD + 2 + 1;

  return length >= before_text && memcmp(method, connection_close, sizeof(connection_close)) == 0 &&
         length == before_text + method[before_text - 1] + FAILED_METHOD + FRAME_END_LENGTH &&
         method[length - 1] == FRAME_END;
}

static size_t take_payload(struct close_reason *reason, const uint8_t *bytes, size_t length) {
  const size_t count = length < reason->frame_left ? length : (size_t)reason->frame_left;

  if (reason->collecting) {
    memcpy(reason->method + reason->method_length, bytes, count);
    reason->method_length += count;
  }
  reason->frame_left -= count;
  if (reason->frame_left == 0) {
    reason->header_length = 0;
    reason->closed = reason->collecting && is_close(reason->method, reason->method_length);
  }
  return count;
}

void close_reason_received(struct close_reason *reason, const uint8_t *bytes, size_t length) {
  size_t at = 0;

  reason->answered = reason->answered || (length > 0 && reason->frame_max != 0);
  while (at < length && !reason->closed && !reason->lost_track) {
    if (reason->header_length == 0) {
      at += pass_over(bytes + at, length - at);
    }
    at += reason->header_length < sizeof(reason->header) ? take_header(reason, bytes + at, length - at)
                                                         : take_payload(reason, bytes + at, length - at);
  }
}

/* ---- What the login agreed to ---- */

void close_reason_look_for_tune_ok(struct close_reason *reason, const uint8_t *bytes) {
  static const uint8_t beginning[] = {FRAME_METHOD, 0, 0, 0, 0, 0, 12, 0, 10, 0, 31};
  const uint8_t *frame_max = bytes + TUNE_OK_FRAME_MAX;

  if (memcmp(bytes, beginning, sizeof(beginning)) == 0) {
    reason->frame_max = (uint32_t)frame_max[0] << 24 | (uint32_t)frame_max[1] << 16 | (uint32_t)frame_max[2] << 8 |
                        (uint32_t)frame_max[3];
    reason->answered = false;
  }
}

/* ---- What is said of it ---- */

static bool is_end(amqp_wolfssl_code_t code) {
  return code == AMQP_WOLFSSL_ERROR_CLOSED_BY_PEER || code == AMQP_WOLFSSL_ERROR_TRUNCATED ||
         code == AMQP_WOLFSSL_ERROR_CONNECTION_LOST;
}

static bool is_frame_max_small(const struct close_reason *reason) {
  return reason->frame_max != 0 && reason->frame_max < LEAST_FRAME_MAX;
}

static void add_reply(const struct close_reason *reason, amqp_wolfssl_error_t *error) {
  const uint8_t *reply = reason->method + CLASS_AND_METHOD;
  const unsigned code = (unsigned)reply[0] << 8 | reply[1];

  if (error->code == AMQP_WOLFSSL_ERROR_CLOSED_BY_PEER) { /* which advised to look for it */
    error_set(error, error->stage, error->code, "the broker closed the connection and " REPLY_GIVEN);
  } else {
    error_append(error, "; before that the broker " REPLY_GIVEN);
  }
  error_append(error, ": %u, \"%.*s\"", code, (int)reply[2], (const char *)reply + 3);
  if (is_frame_max_small(reason)) {
    error_append(error, "; log in with a " FRAME_MAX_NEEDED " %u, which RabbitMQ requires since 4.1", LEAST_FRAME_MAX);
  }
}

void close_reason_add(const struct close_reason *reason, amqp_wolfssl_error_t *error) {
  if (!is_end(error->code) || strstr(error->message, REPLY_GIVEN) != NULL ||
      strstr(error->message, FRAME_MAX_NEEDED) != NULL) {
    return;
  }
  if (reason->closed) {
    add_reply(reason, error);
  } else if (is_frame_max_small(reason) && !reason->answered) {
    error_append(
        error,
        "; this followed a login with a frame_max of %u, and RabbitMQ 4.1 and later require a " FRAME_MAX_NEEDED " %u",
        reason->frame_max, LEAST_FRAME_MAX);
  }
}
