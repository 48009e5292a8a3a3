/* SPDX-License-Identifier: MIT */
/* Our own records by type: which of them may leave unjudged. */
#include "tls/handshake_gate.h"

#include <string.h>

#include "tls/record_framing.h"

#define MESSAGE_CLIENT_HELLO 1
#define ALERT_LENGTH ((size_t)2)
/* In TLS 1.3 an alert is two bytes, the type of its content and a tag, and nothing else of a client's is as short: its
   Finished has 36 bytes before encryption, an empty Certificate 8, a KeyUpdate 5. wolfSSL adds no padding. */
#define ENCRYPTED_ALERT_LENGTH (ALERT_LENGTH + 1 + TLS_RECORD_TAG)
#define VERSION_TLS_1_3 0x0304

struct own_record {
  uint8_t type;
  const uint8_t *content;
  size_t length;
};

static bool is_1_3(const struct server_hello *hello) { return hello->complete && hello->version >= VERSION_TLS_1_3; }

static bool may_leave_unjudged(const struct own_record *record, const struct server_hello *hello) {
  switch (record->type) {
    case TLS_RECORD_HANDSHAKE:
      return record->length > 0 && record->content[0] == MESSAGE_CLIENT_HELLO && !hello->complete;
    case TLS_RECORD_ALERT:
      return record->length == ALERT_LENGTH;
    case TLS_RECORD_CHANGE_CIPHER_SPEC: /* before a second ClientHello, for middleboxes (RFC 8446, appendix D.4) */
      return hello->retry_requested && !hello->complete;
    case TLS_RECORD_APPLICATION_DATA:
      return is_1_3(hello) && record->length == ENCRYPTED_ALERT_LENGTH;
    default:
      return false;
  }
}

/* \return its whole length; 0: there is none */
static size_t read_record(const uint8_t *bytes, size_t length, struct own_record *record) {
  if (length < TLS_RECORD_HEADER) {
    return 0;
  }
  record->type = bytes[0];
  record->content = bytes + TLS_RECORD_HEADER;
  record->length = (size_t)bytes[3] << 8 | bytes[4];
  return record->length <= length - TLS_RECORD_HEADER ? TLS_RECORD_HEADER + record->length : 0;
}

void handshake_gate_init(struct handshake_gate *gate) { memset(gate, 0, sizeof(*gate)); }

void handshake_gate_take(struct handshake_gate *gate, const struct server_hello *hello, const uint8_t *bytes,
                         size_t length) {
  if (gate->open) {
    gate->own_part_passed = true;
    return;
  }
  while (length > 0) {
    struct own_record record;
    const size_t whole = read_record(bytes, length, &record);

    if (whole == 0 || gate->held > 0 || !may_leave_unjudged(&record, hello)) {
      gate->held += length;
      return;
    }
    gate->own_part_passed = gate->own_part_passed || record.type == TLS_RECORD_APPLICATION_DATA;
    bytes += whole;
    length -= whole;
  }
}

bool handshake_gate_is_holding(const struct handshake_gate *gate) { return gate->held > 0; }

void handshake_gate_open(struct handshake_gate *gate) {
  gate->open = true;
  gate->own_part_passed = gate->own_part_passed || gate->held > 0;
  gate->held = 0;
}

void handshake_gate_drop(struct handshake_gate *gate) { gate->held = 0; }

bool handshake_gate_allows_alert_in_clear(const struct handshake_gate *gate, bool accepted_1_3) {
  return !gate->own_part_passed && !accepted_1_3;
}
