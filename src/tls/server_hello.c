/* SPDX-License-Identifier: MIT */
/*
 * Follows TLS records and handshake messages (RFC 8446, sections 4.1.3 and 5.1; RFC 5246, section 7.4) up to the
 * ServerHello, and in TLS 1.2 up to the ServerKeyExchange. Anything out of order or malformed ends the search without a
 * result, so a server can't show one ServerHello here and another one to wolfSSL.
 */
#include "tls/server_hello.h"

#include "base/bounded_text.h"
#include "base/byte_slice.h"

#include <string.h>

#define RECORD_CHANGE_CIPHER_SPEC 20
#define RECORD_ALERT 21
#define RECORD_HANDSHAKE 22
#define RECORD_APPLICATION_DATA 23
#define RECORD_LENGTH_MAXIMUM 16384 /* of plaintext */

#define ALERT_LENGTH 2
#define ALERT_LEVEL_WARNING 1

#define MESSAGE_HEADER_LENGTH 4
#define MESSAGE_SERVER_HELLO 2
#define MESSAGE_CERTIFICATE 11
#define MESSAGE_SERVER_KEY_EXCHANGE 12
#define MESSAGE_CERTIFICATE_STATUS 22

#define EXTENSION_EXTENDED_MASTER_SECRET 23
#define EXTENSION_SUPPORTED_VERSIONS 43
#define EXTENSION_KEY_SHARE 51

#define RANDOM_LENGTH 32
#define SESSION_ID_LENGTH_MAXIMUM 32
#define VERSION_TLS_1_3 0x0304

#define CURVE_TYPE_NAMED 3
#define CURVE_LENGTH 3  /* curve type and named curve, at the front of a ServerKeyExchange (RFC 8422, section 5.4) */
#define SCHEME_LENGTH 2 /* after them a point, one byte for its length, and then the signature algorithm */

/* The random of a HelloRetryRequest: SHA-256 of "HelloRetryRequest" (RFC 8446, section 4.1.3). */
static const uint8_t retry_random[RANDOM_LENGTH] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                                                    0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                                                    0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

/* The end of the random of a server that could have spoken TLS 1.3, but was offered TLS 1.2, or 1.1, at most. */
#define SENTINEL_LENGTH 8
static const uint8_t sentinel[SENTINEL_LENGTH - 1] = {'D', 'O', 'W', 'N', 'G', 'R', 'D'};

/* What one ServerHello says. */
struct answer {
  bool is_retry;
  bool has_version;
  bool has_key_share;
  bool extended_master_secret;
  bool downgrade_sentinel;
  uint16_t version;
  uint16_t suite;
  uint16_t group;
};

enum prefix_match { PREFIX_DIFFERS, PREFIX_TOO_SHORT, PREFIX_MATCHES };

static bool take(struct byte_slice *rest, size_t length, struct byte_slice *part) {
  if (length > rest->length) {
    return false;
  }
  part->bytes = rest->bytes;
  part->length = length;
  rest->bytes += length;
  rest->length -= length;
  return true;
}

static bool take_uint8(struct byte_slice *rest, uint8_t *number) {
  struct byte_slice part;
  if (!take(rest, 1, &part)) {
    return false;
  }
  *number = part.bytes[0];
  return true;
}

static bool take_uint16(struct byte_slice *rest, uint16_t *number) {
  struct byte_slice part;
  if (!take(rest, 2, &part)) {
    return false;
  }
  *number = (uint16_t)(part.bytes[0] << 8 | part.bytes[1]);
  return true;
}

static bool take_vector16(struct byte_slice *rest, struct byte_slice *content) {
  uint16_t length;
  return take_uint16(rest, &length) && take(rest, length, content);
}

static bool read_key_share(struct byte_slice content, struct answer *answer) {
  struct byte_slice key;
  if (answer->has_key_share || !take_uint16(&content, &answer->group)) {
    return false;
  }
  answer->has_key_share = true;
  if (answer->is_retry) { /* only names the group */
    return content.length == 0;
  }
  return take_vector16(&content, &key) && content.length == 0;
}

static bool read_selected_version(struct byte_slice content, struct answer *answer) {
  if (answer->has_version || !take_uint16(&content, &answer->version)) {
    return false;
  }
  answer->has_version = true;
  return content.length == 0;
}

static bool read_extended_master_secret(struct byte_slice content, struct answer *answer) {
  if (answer->extended_master_secret) {
    return false;
  }
  answer->extended_master_secret = true;
  return content.length == 0;
}

static bool read_extension(struct byte_slice *extensions, struct answer *answer) {
  struct byte_slice content;
  uint16_t type;
  if (!take_uint16(extensions, &type) || !take_vector16(extensions, &content)) {
    return false;
  }
  switch (type) {
    case EXTENSION_EXTENDED_MASTER_SECRET:
      return read_extended_master_secret(content, answer);
    case EXTENSION_SUPPORTED_VERSIONS:
      return read_selected_version(content, answer);
    case EXTENSION_KEY_SHARE:
      return read_key_share(content, answer);
    default:
      return true;
  }
}

static bool read_extensions(struct byte_slice body, struct answer *answer) {
  struct byte_slice extensions;
  if (body.length == 0) { /* TLS 1.2 without extensions has no length field for them either */
    return true;
  }
  if (!take_vector16(&body, &extensions) || body.length != 0) {
    return false;
  }
  while (extensions.length > 0) {
    if (!read_extension(&extensions, answer)) {
      return false;
    }
  }
  return true;
}

static bool has_sentinel(const uint8_t *random) {
  const uint8_t *end = random + RANDOM_LENGTH - SENTINEL_LENGTH;

  return memcmp(end, sentinel, sizeof sentinel) == 0 && end[SENTINEL_LENGTH - 1] <= 1;
}

static bool read_answer(struct byte_slice body, struct answer *answer) {
  struct byte_slice random, session_id;
  uint8_t session_id_length, compression;
  memset(answer, 0, sizeof *answer);
  if (!take_uint16(&body, &answer->version) || !take(&body, RANDOM_LENGTH, &random) ||
      !take_uint8(&body, &session_id_length) || session_id_length > SESSION_ID_LENGTH_MAXIMUM ||
      !take(&body, session_id_length, &session_id) || !take_uint16(&body, &answer->suite) ||
      !take_uint8(&body, &compression) || compression != 0) {
    return false;
  }
  answer->is_retry = memcmp(random.bytes, retry_random, RANDOM_LENGTH) == 0;
  answer->downgrade_sentinel = has_sentinel(random.bytes);
  return read_extensions(body, answer);
}

static void stop_reading(struct server_hello *hello) {
  hello->finished_reading = true;
  hello->given_up = !hello->complete;
}

static void use_server_hello(struct server_hello *hello, struct byte_slice body) {
  struct answer answer;
  if (!read_answer(body, &answer) || (answer.is_retry && hello->retry_requested)) {
    stop_reading(hello);
    return;
  }
  if (answer.is_retry) {
    hello->retry_requested = true;
    hello->retry_suite = answer.suite;
    return;
  }
  hello->version = answer.version;
  hello->suite = answer.suite;
  hello->downgrade_sentinel = answer.downgrade_sentinel;
  hello->extended_master_secret = answer.extended_master_secret;
  hello->group = answer.group;
  hello->complete = true;
  if (hello->version >= VERSION_TLS_1_3) { /* everything after it is encrypted */
    stop_reading(hello);
  }
}

/* Suites whose ServerKeyExchange starts with a curve. In others these bytes mean something else. */
static bool has_curve_in_key_exchange(uint16_t suite) {
  return (suite >= 0xc006 && suite <= 0xc00a) || /* ECDHE_ECDSA, up to CBC with SHA */
         (suite >= 0xc010 && suite <= 0xc014) || /* ECDHE_RSA, the same */
         suite == 0xc023 || suite == 0xc024 || suite == 0xc027 || suite == 0xc028 || /* CBC with SHA-2 */
         suite == 0xc02b || suite == 0xc02c || suite == 0xc02f || suite == 0xc030 || /* AES-GCM */
         (suite >= 0xc0ac && suite <= 0xc0af) ||                                     /* ECDHE_ECDSA with AES-CCM */
         suite == 0xcca8 || suite == 0xcca9;                                         /* ChaCha20-Poly1305 */
}

/* The length up to and including the signature algorithm; 0: the length of the point has not been seen yet. */
static size_t key_exchange_front(const struct server_hello *hello) {
  const size_t point = MESSAGE_HEADER_LENGTH + CURVE_LENGTH;
  return hello->message_length > point ? point + 1 + hello->message[point] + SCHEME_LENGTH : 0;
}

static void use_key_exchange(struct server_hello *hello) {
  const uint8_t *curve = hello->message + MESSAGE_HEADER_LENGTH;
  if (has_curve_in_key_exchange(hello->suite) && curve[0] == CURVE_TYPE_NAMED) {
    const uint8_t *scheme = hello->message + key_exchange_front(hello) - SCHEME_LENGTH;
    hello->group = (uint16_t)(curve[1] << 8 | curve[2]);
    hello->signature_scheme = (uint16_t)(scheme[0] << 8 | scheme[1]);
  }
  stop_reading(hello);
}

/* Whether the message has come as far as the end of the signature algorithm. */
static bool has_key_exchange_front(const struct server_hello *hello) {
  const size_t front = key_exchange_front(hello);
  return front != 0 && hello->message_length >= front;
}

static size_t message_total(const struct server_hello *hello) {
  return MESSAGE_HEADER_LENGTH +
         ((size_t)hello->message[1] << 16 | (size_t)hello->message[2] << 8 | (size_t)hello->message[3]);
}

static bool is_awaited_message(const struct server_hello *hello) {
  const uint8_t type = hello->message[0];
  if (!hello->complete) {
    return type == MESSAGE_SERVER_HELLO && message_total(hello) <= SERVER_HELLO_LENGTH;
  }
  return type == MESSAGE_CERTIFICATE || type == MESSAGE_CERTIFICATE_STATUS || type == MESSAGE_SERVER_KEY_EXCHANGE;
}

/* Called after each piece of a message. */
static void look_at_message(struct server_hello *hello) {
  if (hello->message_length == MESSAGE_HEADER_LENGTH && !is_awaited_message(hello)) {
    stop_reading(hello);
    return;
  }
  if (hello->message[0] == MESSAGE_SERVER_KEY_EXCHANGE && has_key_exchange_front(hello)) {
    use_key_exchange(hello);
    return;
  }
  if (hello->message_length < message_total(hello)) {
    return;
  }
  if (hello->message[0] == MESSAGE_SERVER_KEY_EXCHANGE) { /* it ended too early */
    stop_reading(hello);
    return;
  }
  if (hello->message[0] == MESSAGE_SERVER_HELLO) {
    struct byte_slice body = {hello->message + MESSAGE_HEADER_LENGTH, hello->message_length - MESSAGE_HEADER_LENGTH};
    use_server_hello(hello, body);
  }
  hello->message_length = 0;
}

/* How much of the current message to take at once: its header first, then what is left of it. */
static size_t message_piece_length(const struct server_hello *hello, size_t available) {
  const size_t end = hello->message_length < MESSAGE_HEADER_LENGTH ? MESSAGE_HEADER_LENGTH : message_total(hello);
  const size_t missing = end - hello->message_length;
  return missing < available ? missing : available;
}

static void keep_message_bytes(struct server_hello *hello, struct byte_slice piece) {
  if (hello->message_length < sizeof hello->message) {
    const size_t room = sizeof hello->message - hello->message_length;
    memcpy(hello->message + hello->message_length, piece.bytes, piece.length < room ? piece.length : room);
  }
  hello->message_length += piece.length;
}

static void watch_handshake(struct server_hello *hello, struct byte_slice bytes) {
  struct byte_slice piece;
  while (!hello->finished_reading && take(&bytes, message_piece_length(hello, bytes.length), &piece) &&
         piece.length > 0) {
    keep_message_bytes(hello, piece);
    if (hello->message_length >= MESSAGE_HEADER_LENGTH) {
      look_at_message(hello);
    }
  }
}

static size_t record_length(const struct server_hello *hello) {
  return (size_t)hello->record_header[3] << 8 | hello->record_header[4];
}

/* Messages are not mixed with other records (RFC 8446, section 5.1). Warnings may come before the ServerHello in
 * TLS 1.2. */
static bool is_awaited_record(const struct server_hello *hello) {
  const size_t length = record_length(hello);
  switch (hello->record_header[0]) {
    case RECORD_HANDSHAKE:
      return length > 0 && length <= RECORD_LENGTH_MAXIMUM;
    case RECORD_ALERT:
      return length == ALERT_LENGTH && hello->message_length == 0;
    case RECORD_CHANGE_CIPHER_SPEC: /* after a HelloRetryRequest, for middleboxes: RFC 8446, appendix D.4 */
      return length == 1 && hello->message_length == 0 && hello->retry_requested && !hello->complete;
    default:
      return false;
  }
}

static enum prefix_match compare_tls(const uint8_t *bytes, size_t length) {
  if ((length > 0 && (bytes[0] < RECORD_CHANGE_CIPHER_SPEC || bytes[0] > RECORD_APPLICATION_DATA)) ||
      (length > 1 && bytes[1] != 3) || (length > 2 && bytes[2] > 4)) {
    return PREFIX_DIFFERS;
  }
  return length > 2 ? PREFIX_MATCHES : PREFIX_TOO_SHORT;
}

static void take_header_byte(struct server_hello *hello, struct byte_slice *bytes) {
  if (!take_uint8(bytes, &hello->record_header[hello->record_header_length])) {
    return;
  }
  hello->record_header_length++;
  if (compare_tls(hello->record_header, hello->record_header_length) == PREFIX_DIFFERS) {
    stop_reading(hello);
  } else if (hello->record_header_length == sizeof hello->record_header) {
    hello->record_left = record_length(hello);
    if (!is_awaited_record(hello)) {
      stop_reading(hello);
    }
  }
}

static void take_content(struct server_hello *hello, struct byte_slice *bytes) {
  struct byte_slice content;
  if (!take(bytes, bytes->length < hello->record_left ? bytes->length : hello->record_left, &content)) {
    return;
  }
  if (hello->record_header[0] == RECORD_HANDSHAKE) {
    watch_handshake(hello, content);
  } else if (hello->record_header[0] == RECORD_ALERT && hello->record_left == ALERT_LENGTH &&
             content.bytes[0] != ALERT_LEVEL_WARNING) {
    stop_reading(hello);
  }
  hello->record_left -= content.length;
  if (hello->record_left == 0) {
    hello->record_header_length = 0;
  }
}

static void watch_records(struct server_hello *hello, struct byte_slice bytes) {
  while (bytes.length > 0 && !hello->finished_reading) {
    if (hello->record_header_length < sizeof hello->record_header) {
      take_header_byte(hello, &bytes);
    } else {
      take_content(hello, &bytes);
    }
  }
}

static enum prefix_match compare_protocol_header(const uint8_t *bytes, size_t length) {
  static const char header[] = {'A', 'M', 'Q', 'P'};
  if (memcmp(bytes, header, length < sizeof header ? length : sizeof header) != 0) {
    return PREFIX_DIFFERS;
  }
  return length < sizeof header ? PREFIX_TOO_SHORT : PREFIX_MATCHES;
}

/* Frame type 1, channel 0, a size below 16 MiB, class 10 (AMQP 0-9-1, section 4.2.3). */
static enum prefix_match compare_method_frame(const uint8_t *bytes, size_t length) {
  static const uint8_t expected[] = {1, 0, 0, 0, 0, 0, 0, 0, 10};
  size_t i;
  for (i = 0; i < length && i < sizeof expected; i++) {
    const bool is_size = i >= 4 && i <= 6;
    if (!is_size && bytes[i] != expected[i]) {
      return PREFIX_DIFFERS;
    }
  }
  return length < sizeof expected ? PREFIX_TOO_SHORT : PREFIX_MATCHES;
}

static enum peer_speech judge_speech(const uint8_t *bytes, size_t length) {
  const enum prefix_match tls = compare_tls(bytes, length);
  const enum prefix_match header = compare_protocol_header(bytes, length);
  const enum prefix_match frame = compare_method_frame(bytes, length);
  if (tls == PREFIX_MATCHES) {
    return PEER_SPEECH_TLS;
  }
  if (header == PREFIX_MATCHES || frame == PREFIX_MATCHES) {
    return PEER_SPEECH_PLAIN_AMQP;
  }
  if (tls == PREFIX_DIFFERS && header == PREFIX_DIFFERS && frame == PREFIX_DIFFERS) {
    return PEER_SPEECH_OTHER;
  }
  return PEER_SPEECH_UNKNOWN;
}

static void collect_sample(struct server_hello *hello, const uint8_t *bytes, size_t length) {
  const size_t room = sizeof hello->sample - hello->sample_length;
  const size_t count = length < room ? length : room;
  memcpy(hello->sample + hello->sample_length, bytes, count);
  hello->sample_length += count;
}

void server_hello_init(struct server_hello *hello) { memset(hello, 0, sizeof *hello); }

void server_hello_watch(struct server_hello *hello, const uint8_t *bytes, size_t length) {
  struct byte_slice slice = {bytes, length};
  if (hello->done || length == 0) {
    return;
  }
  collect_sample(hello, bytes, length);
  if (hello->speech == PEER_SPEECH_UNKNOWN) {
    hello->speech = judge_speech(hello->sample, hello->sample_length);
  }
  watch_records(hello, slice);
  hello->done = hello->finished_reading && hello->sample_length == sizeof hello->sample;
}

void server_hello_format_sample(const struct server_hello *hello, char *text, size_t capacity) {
  struct bounded_text writer;
  bounded_text_init(&writer, text, capacity);
  bounded_text_add_printable(&writer, hello->sample, hello->sample_length);
}
