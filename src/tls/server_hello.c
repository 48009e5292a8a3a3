/* SPDX-License-Identifier: MIT */
/*
 * Follows handshake messages (RFC 8446, section 4.1.3; RFC 5246, section 7.4): up to the ServerHello, and in TLS 1.2
 * all that come in clear, for the group and the signature of the ServerKeyExchange. Their order is checked as far as
 * two readers could differ about it.
 */
#include "tls/server_hello.h"

#include "base/byte_slice.h"

#include <string.h>

#define MESSAGE_HEADER_LENGTH 4
#define MESSAGE_HELLO_REQUEST 0
#define MESSAGE_SERVER_HELLO 2
#define MESSAGE_NEW_SESSION_TICKET 4
#define MESSAGE_CERTIFICATE 11
#define MESSAGE_SERVER_KEY_EXCHANGE 12
#define MESSAGE_CERTIFICATE_REQUEST 13
#define MESSAGE_SERVER_HELLO_DONE 14
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
  uint8_t compression;
  uint16_t version;
  uint16_t suite;
  uint16_t group;
};

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
  uint8_t session_id_length;
  memset(answer, 0, sizeof *answer);
  if (!take_uint16(&body, &answer->version) || !take(&body, RANDOM_LENGTH, &random) ||
      !take_uint8(&body, &session_id_length) || session_id_length > SESSION_ID_LENGTH_MAXIMUM ||
      !take(&body, session_id_length, &session_id) || !take_uint16(&body, &answer->suite) ||
      !take_uint8(&body, &answer->compression)) {
    return false;
  }
  answer->is_retry = memcmp(random.bytes, retry_random, RANDOM_LENGTH) == 0;
  answer->downgrade_sentinel = has_sentinel(random.bytes);
  return read_extensions(body, answer);
}

/* RFC 8446, sections 4.1.3 and 4.2.1: TLS 1.3 is chosen by the extension, which chooses nothing older, and a
   HelloRetryRequest is a message of TLS 1.3. */
static bool is_version_well_chosen(const struct answer *answer) {
  return answer->has_version == (answer->version >= VERSION_TLS_1_3) &&
         (!answer->is_retry || answer->version == VERSION_TLS_1_3);
}

static void use_retry(struct server_hello *hello, const struct answer *answer) {
  if (hello->retry_requested) {
    hello->fault = SERVER_HELLO_SECOND_RETRY;
    return;
  }
  hello->retry_requested = true;
  hello->retry_suite = answer->suite;
  hello->ends_record = true;
}

static void use_server_hello(struct server_hello *hello, struct byte_slice body) {
  struct answer answer;
  if (!read_answer(body, &answer) || (answer.compression == 0 && !is_version_well_chosen(&answer))) {
    hello->fault = SERVER_HELLO_MALFORMED;
  } else if (answer.compression != 0) {
    hello->fault = SERVER_HELLO_COMPRESSES;
  } else if (answer.is_retry) {
    use_retry(hello, &answer);
  } else {
    hello->version = answer.version;
    hello->suite = answer.suite;
    hello->downgrade_sentinel = answer.downgrade_sentinel;
    hello->extended_master_secret = answer.extended_master_secret;
    hello->group = answer.group;
    hello->complete = true;
    hello->ends_record = hello->version >= VERSION_TLS_1_3;
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

/* The length up to and including the signature algorithm; 0: the message ends before. */
static size_t key_exchange_front(const struct server_hello *hello) {
  const size_t point = MESSAGE_HEADER_LENGTH + CURVE_LENGTH;
  const size_t front = hello->message_length > point ? point + 1 + hello->message[point] + SCHEME_LENGTH : 0;
  return front <= hello->message_length ? front : 0;
}

static void use_key_exchange(struct server_hello *hello) {
  const size_t front = key_exchange_front(hello);
  const uint8_t *curve = hello->message + MESSAGE_HEADER_LENGTH;
  if (!has_curve_in_key_exchange(hello->suite)) {
    return;
  }
  if (front == 0) {
    hello->fault = SERVER_HELLO_KEY_EXCHANGE_MALFORMED;
  } else if (curve[0] == CURVE_TYPE_NAMED) {
    hello->group = (uint16_t)(curve[1] << 8 | curve[2]);
    hello->signature_scheme =
        (uint16_t)(hello->message[front - SCHEME_LENGTH] << 8 | hello->message[front - SCHEME_LENGTH + 1]);
  }
}

static size_t message_total(const struct server_hello *hello) {
  return MESSAGE_HEADER_LENGTH +
         ((size_t)hello->message[1] << 16 | (size_t)hello->message[2] << 8 | (size_t)hello->message[3]);
}

/* The order in which the messages of TLS 1.2 come, each at most once (RFC 5246, section 7.3; RFC 6066, section 8; RFC
   5077, section 3.3); 0: not one of them. */
static unsigned rank_of(uint8_t type) {
  static const uint8_t order[] = {MESSAGE_SERVER_HELLO,        MESSAGE_CERTIFICATE,         MESSAGE_CERTIFICATE_STATUS,
                                  MESSAGE_SERVER_KEY_EXCHANGE, MESSAGE_CERTIFICATE_REQUEST, MESSAGE_SERVER_HELLO_DONE,
                                  MESSAGE_NEW_SESSION_TICKET};
  unsigned rank = sizeof order;
  while (rank > 0 && order[rank - 1] != type) {
    rank--;
  }
  return rank;
}

/* Called once a message's header is complete. */
static enum server_hello_fault judge_header(struct server_hello *hello) {
  const unsigned rank = rank_of(hello->message_type);
  if (hello->message_type == MESSAGE_HELLO_REQUEST && hello->complete &&
      message_total(hello) == MESSAGE_HEADER_LENGTH) {
    hello->hello_requests++;
    return hello->hello_requests > SERVER_HELLO_REQUESTS ? SERVER_HELLO_TOO_MANY_REQUESTS : SERVER_HELLO_SOUND;
  }
  if (hello->complete ? rank <= hello->rank : hello->message_type != MESSAGE_SERVER_HELLO) {
    return SERVER_HELLO_OUT_OF_ORDER;
  }
  hello->rank = rank;
  return !hello->complete && message_total(hello) > SERVER_HELLO_LENGTH ? SERVER_HELLO_TOO_LONG : SERVER_HELLO_SOUND;
}

static void use_message(struct server_hello *hello) {
  struct byte_slice body = {hello->message + MESSAGE_HEADER_LENGTH, hello->message_length - MESSAGE_HEADER_LENGTH};
  if (hello->message_type == MESSAGE_SERVER_HELLO) {
    use_server_hello(hello, body);
  } else if (hello->message_type == MESSAGE_SERVER_KEY_EXCHANGE) {
    use_key_exchange(hello);
  }
}

/* Called after each piece of a message. */
static void look_at_message(struct server_hello *hello) {
  if (hello->message_length == MESSAGE_HEADER_LENGTH) {
    hello->message_type = hello->message[0];
    hello->fault = judge_header(hello);
  }
  if (hello->fault == SERVER_HELLO_SOUND && hello->message_length >= MESSAGE_HEADER_LENGTH &&
      hello->message_length == message_total(hello)) {
    use_message(hello);
    hello->message_length = 0;
  }
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

void server_hello_init(struct server_hello *hello) { memset(hello, 0, sizeof *hello); }

bool server_hello_watch(struct server_hello *hello, const uint8_t *bytes, size_t length) {
  struct byte_slice rest = {bytes, length};
  struct byte_slice piece;
  while (hello->fault == SERVER_HELLO_SOUND && rest.length > 0) {
    if (hello->ends_record) {
      hello->fault = SERVER_HELLO_NOT_LAST;
    } else if (take(&rest, message_piece_length(hello, rest.length), &piece)) {
      keep_message_bytes(hello, piece);
      look_at_message(hello);
    }
  }
  return hello->fault == SERVER_HELLO_SOUND;
}

void server_hello_end_record(struct server_hello *hello) {
  hello->header_was_split =
      hello->header_was_split || (hello->message_length > 0 && hello->message_length < MESSAGE_HEADER_LENGTH);
  hello->ends_record = hello->ends_record && hello->complete;
}

bool server_hello_is_amid(const struct server_hello *hello) { return hello->message_length > 0; }
