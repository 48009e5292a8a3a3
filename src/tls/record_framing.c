/* SPDX-License-Identifier: MIT */
/* Records by their headers (RFC 8446, sections 5.1 to 5.4 and appendix D.4; RFC 5246, sections 6.2 and appendix E.1).
   */
#include "tls/record_framing.h"

#include <string.h>

#define VERSION_SSL_3 0x0300
#define VERSION_TLS_1_2 0x0303
#define VERSION_TLS_1_3 0x0304

#define ALERT_LENGTH ((size_t)2)
#define ALERT_WARNING 1
#define ALERT_FATAL 2
#define CHANGE_CIPHER_LENGTH ((size_t)1)
#define CHANGE_CIPHER_CONTENT 1

/* What encryption may add at most. */
#define EXPANSION_1_2 ((size_t)2048)
#define EXPANSION_1_3 ((size_t)256)
/* AES-GCM in TLS 1.2 sends a part of its nonce too (RFC 5288, section 3). */
#define EXPLICIT_NONCE ((size_t)8)

static bool fault(struct record_framing *framing, enum record_fault fault) {
  framing->fault = fault;
  return false;
}

static uint8_t record_type(const struct record_framing *framing) { return framing->header[0]; }

static uint16_t record_version(const struct record_framing *framing) {
  return (uint16_t)(framing->header[1] << 8 | framing->header[2]);
}

static size_t record_length(const struct record_framing *framing) {
  return (size_t)framing->header[3] << 8 | framing->header[4];
}

static bool is_in_clear(const struct record_framing *framing) {
  return framing->epoch == RECORD_EPOCH_HELLO || framing->epoch == RECORD_EPOCH_CLEAR;
}

static bool is_amid_message(const struct record_framing *framing) {
  return is_in_clear(framing) && server_hello_is_amid(framing->hello);
}

/* ---- Headers ---- */

/* A server that knows no version of ours answers under its own. Once there is a ServerHello, all agree (RFC 8446,
   section 5.1, fixes 0x0303 for TLS 1.3). */
static bool is_version_allowed(const struct record_framing *framing) {
  const uint16_t version = record_version(framing);

  return framing->epoch == RECORD_EPOCH_HELLO ? version >= VERSION_SSL_3 && version <= VERSION_TLS_1_2
                                              : version == VERSION_TLS_1_2;
}

/* As far as the header has come: nobody waits for the rest of one that is wrong already. */
static enum record_fault judge_front(const struct record_framing *framing) {
  const uint8_t type = record_type(framing);

  if (type < TLS_RECORD_CHANGE_CIPHER_SPEC || type > TLS_RECORD_APPLICATION_DATA) {
    return RECORD_TYPE_UNKNOWN;
  }
  if (framing->header_length >= 2 && framing->header[1] != VERSION_TLS_1_2 >> 8) {
    return RECORD_VERSION_WRONG;
  }
  return framing->header_length >= 3 && !is_version_allowed(framing) ? RECORD_VERSION_WRONG : RECORD_SOUND;
}

/* In TLS 1.3 one may come any time between the ClientHello and the server's Finished, but the server's first message is
   what it is there to follow (RFC 8446, section 5 and appendix D.4). */
static bool may_change_cipher(const struct record_framing *framing) {
  switch (framing->epoch) {
    case RECORD_EPOCH_HELLO:
      return framing->hello->retry_requested;
    case RECORD_EPOCH_CLEAR:
      return framing->our_part_has_left;
    case RECORD_EPOCH_HANDSHAKE_1_3:
      return true;
    default:
      return false;
  }
}

static bool is_in_order(const struct record_framing *framing) {
  switch (framing->epoch) {
    case RECORD_EPOCH_HELLO:
    case RECORD_EPOCH_CLEAR:
    case RECORD_EPOCH_FINISHED_1_2:
      return record_type(framing) != TLS_RECORD_APPLICATION_DATA;
    case RECORD_EPOCH_DATA_1_2:
      return true;
    case RECORD_EPOCH_HANDSHAKE_1_3:
    case RECORD_EPOCH_DATA_1_3:
      return record_type(framing) == TLS_RECORD_APPLICATION_DATA;
    case RECORD_EPOCH_OVER:
      break;
  }
  return false;
}

static enum record_fault judge_length_in_clear(const struct record_framing *framing) {
  const size_t length = record_length(framing);

  if (length == 0) {
    return RECORD_TOO_SHORT;
  }
  if (record_type(framing) == TLS_RECORD_ALERT && length != ALERT_LENGTH) {
    return RECORD_ALERT_MALFORMED;
  }
  return length > TLS_RECORD_PLAINTEXT ? RECORD_TOO_LONG : RECORD_SOUND;
}

/* In TLS 1.3 a record holds at least the type of its content (RFC 8446, section 5.2; without it wolfSSL up to 5.6.6
   computes a length below 0: CVE-2024-0901). In TLS 1.2 data alone may be empty. */
static size_t shortest_encrypted(const struct record_framing *framing) {
  const bool is_empty_allowed =
      framing->epoch == RECORD_EPOCH_DATA_1_2 && record_type(framing) == TLS_RECORD_APPLICATION_DATA;

  return framing->overhead + (is_empty_allowed ? 0 : 1);
}

static enum record_fault judge_length_encrypted(const struct record_framing *framing) {
  const bool is_1_3 = framing->epoch == RECORD_EPOCH_HANDSHAKE_1_3 || framing->epoch == RECORD_EPOCH_DATA_1_3;
  const size_t most = TLS_RECORD_PLAINTEXT + (is_1_3 ? EXPANSION_1_3 : EXPANSION_1_2);

  if (record_length(framing) < shortest_encrypted(framing)) {
    return RECORD_TOO_SHORT;
  }
  return record_length(framing) > most ? RECORD_TOO_LONG : RECORD_SOUND;
}

static enum record_fault judge_change_cipher(struct record_framing *framing) {
  if (!may_change_cipher(framing)) {
    return RECORD_OUT_OF_ORDER;
  }
  if (record_length(framing) != CHANGE_CIPHER_LENGTH) {
    return RECORD_CHANGE_CIPHER_MALFORMED;
  }
  framing->change_ciphers++;
  return framing->change_ciphers > RECORD_FRAMING_CHANGE_CIPHERS ? RECORD_TOO_MANY_CHANGE_CIPHERS : RECORD_SOUND;
}

/* In TLS 1.2 data is what it says it is, and with content it passes. */
static bool is_visible_data(const struct record_framing *framing) {
  return framing->epoch == RECORD_EPOCH_DATA_1_2 && record_type(framing) == TLS_RECORD_APPLICATION_DATA &&
         record_length(framing) > framing->overhead;
}

static enum record_fault count_without_data(struct record_framing *framing) {
  if (is_visible_data(framing)) {
    record_framing_data_passed(framing);
    return RECORD_SOUND;
  }
  framing->without_data++;
  if (framing->without_data > RECORD_FRAMING_WITHOUT_DATA) {
    return RECORD_TOO_MANY_WITHOUT_DATA;
  }
  if (framing->bytes_without_data > RECORD_FRAMING_BYTES_WITHOUT_DATA) {
    return RECORD_TOO_MUCH_WITHOUT_DATA;
  }
  framing->bytes_without_data += record_length(framing);
  return RECORD_SOUND;
}

static enum record_fault count(struct record_framing *framing) {
  switch (framing->epoch) {
    case RECORD_EPOCH_HANDSHAKE_1_3:
    case RECORD_EPOCH_FINISHED_1_2:
      framing->handshake_records++;
      return framing->handshake_records > RECORD_FRAMING_HANDSHAKE_RECORDS ? RECORD_TOO_MANY_IN_HANDSHAKE
                                                                           : RECORD_SOUND;
    case RECORD_EPOCH_DATA_1_2:
    case RECORD_EPOCH_DATA_1_3:
      return count_without_data(framing);
    default:
      return RECORD_SOUND;
  }
}

static enum record_fault judge_header(struct record_framing *framing) {
  enum record_fault fault;

  if (record_type(framing) == TLS_RECORD_CHANGE_CIPHER_SPEC) {
    framing->is_opaque = false;
    return is_amid_message(framing) ? RECORD_INSIDE_MESSAGE : judge_change_cipher(framing);
  }
  framing->change_ciphers = 0;
  framing->is_opaque = !is_in_clear(framing);
  if (!is_in_order(framing)) {
    return RECORD_OUT_OF_ORDER;
  }
  fault = is_in_clear(framing) ? judge_length_in_clear(framing) : judge_length_encrypted(framing);
  return fault == RECORD_SOUND ? count(framing) : fault;
}

static bool take_header(struct record_framing *framing, const uint8_t *bytes, size_t length) {
  enum record_fault found;

  memcpy(framing->header + framing->header_length, bytes, length);
  framing->header_length += length;
  found = judge_front(framing);
  if (found == RECORD_SOUND && framing->header_length == TLS_RECORD_HEADER) {
    found = judge_header(framing);
    framing->left = record_length(framing);
  }
  framing->fault = found;
  return found == RECORD_SOUND;
}

/* ---- Content ---- */

/* An alert in clear. A fatal one is wolfSSL's to report. */
static bool take_alert(struct record_framing *framing, const uint8_t *bytes, size_t length) {
  memcpy(framing->alert + ALERT_LENGTH - framing->left, bytes, length);
  if (length < framing->left) {
    return true;
  }
  if (framing->alert[0] == ALERT_FATAL) {
    framing->epoch = RECORD_EPOCH_OVER;
    return true;
  }
  if (framing->alert[0] != ALERT_WARNING) {
    return fault(framing, RECORD_ALERT_MALFORMED);
  }
  if (is_amid_message(framing)) {
    return fault(framing, RECORD_INSIDE_MESSAGE);
  }
  framing->warnings++;
  return framing->warnings <= RECORD_FRAMING_WARNINGS || fault(framing, RECORD_TOO_MANY_WARNINGS);
}

static bool take_change_cipher(struct record_framing *framing, uint8_t content) {
  if (content != CHANGE_CIPHER_CONTENT) {
    return fault(framing, RECORD_CHANGE_CIPHER_MALFORMED);
  }
  if (framing->epoch == RECORD_EPOCH_CLEAR) {
    framing->epoch = RECORD_EPOCH_FINISHED_1_2;
  }
  return true;
}

static bool uses_explicit_nonce(const struct server_hello *hello) {
  return hello->version < VERSION_TLS_1_3 && hello->suite != 0xcca8 && hello->suite != 0xcca9; /* ChaCha20-Poly1305 */
}

static void leave_hello(struct record_framing *framing) {
  framing->epoch = framing->hello->version >= VERSION_TLS_1_3 ? RECORD_EPOCH_HANDSHAKE_1_3 : RECORD_EPOCH_CLEAR;
  framing->overhead = TLS_RECORD_TAG + (uses_explicit_nonce(framing->hello) ? EXPLICIT_NONCE : 0);
}

static bool take_handshake(struct record_framing *framing, const uint8_t *bytes, size_t length) {
  if (!server_hello_watch(framing->hello, bytes, length)) {
    return fault(framing, RECORD_HELLO_REFUSED);
  }
  if (length == framing->left) {
    server_hello_end_record(framing->hello);
    if (framing->epoch == RECORD_EPOCH_HELLO && framing->hello->complete) {
      leave_hello(framing);
    }
  }
  return true;
}

static bool take_content(struct record_framing *framing, const uint8_t *bytes, size_t length) {
  switch (record_type(framing)) {
    case TLS_RECORD_CHANGE_CIPHER_SPEC:
      return take_change_cipher(framing, *bytes);
    case TLS_RECORD_ALERT:
      return take_alert(framing, bytes, length);
    default:
      return take_handshake(framing, bytes, length);
  }
}

/* One piece of a record. */
static bool take_piece(struct record_framing *framing, const uint8_t *bytes, size_t length) {
  if (framing->header_length < TLS_RECORD_HEADER) {
    return take_header(framing, bytes, length);
  }
  if (!framing->is_opaque && !take_content(framing, bytes, length)) {
    return false;
  }
  framing->left -= length;
  if (framing->left == 0) {
    framing->header_length = 0;
  }
  return true;
}

/* ---- */

void record_framing_init(struct record_framing *framing, struct server_hello *hello) {
  memset(framing, 0, sizeof(*framing));
  framing->hello = hello;
  framing->epoch = hello != NULL ? RECORD_EPOCH_HELLO : RECORD_EPOCH_OVER;
}

bool record_framing_take(struct record_framing *framing, const uint8_t *bytes, size_t length) {
  while (framing->fault == RECORD_SOUND && length > 0) {
    const size_t piece = record_framing_piece(framing);
    const size_t count = length < piece ? length : piece;

    if (!take_piece(framing, bytes, count)) {
      return false;
    }
    bytes += count;
    length -= count;
  }
  return framing->fault == RECORD_SOUND;
}

size_t record_framing_content(const struct record_framing *framing) {
  return framing->header_length < TLS_RECORD_HEADER ? TLS_RECORD_PLAINTEXT : record_length(framing);
}

void record_framing_handshake_done(struct record_framing *framing) {
  if (framing->epoch == RECORD_EPOCH_HANDSHAKE_1_3) {
    framing->epoch = RECORD_EPOCH_DATA_1_3;
  } else if (framing->epoch == RECORD_EPOCH_FINISHED_1_2) {
    framing->epoch = RECORD_EPOCH_DATA_1_2;
  } else {
    framing->epoch = RECORD_EPOCH_OVER; /* wolfSSL has seen another handshake: nothing more is taken */
  }
  framing->hello = NULL;
}

void record_framing_data_passed(struct record_framing *framing) {
  framing->without_data = 0;
  framing->bytes_without_data = 0;
}
