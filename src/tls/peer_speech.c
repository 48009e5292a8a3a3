/* SPDX-License-Identifier: MIT */
/* Tells TLS records from AMQP, and from anything else. */
#include "tls/peer_speech.h"

#include "base/bounded_text.h"

#include <string.h>

/* ContentType (RFC 8446, section 5.1). */
#define RECORD_TYPE_LOWEST 20
#define RECORD_TYPE_HIGHEST 23

enum prefix_match { PREFIX_DIFFERS, PREFIX_TOO_SHORT, PREFIX_MATCHES };

static enum prefix_match compare_tls(const uint8_t *bytes, size_t length) {
  if ((length > 0 && (bytes[0] < RECORD_TYPE_LOWEST || bytes[0] > RECORD_TYPE_HIGHEST)) ||
      (length > 1 && bytes[1] != 3) || (length > 2 && bytes[2] > 4)) {
    return PREFIX_DIFFERS;
  }
  return length > 2 ? PREFIX_MATCHES : PREFIX_TOO_SHORT;
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

static enum peer_speech_kind judge(const uint8_t *bytes, size_t length) {
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

void peer_speech_init(struct peer_speech *speech) { memset(speech, 0, sizeof *speech); }

void peer_speech_watch(struct peer_speech *speech, const uint8_t *bytes, size_t length) {
  const size_t room = sizeof speech->sample - speech->sample_length;
  const size_t count = length < room ? length : room;
  if (count == 0) {
    return;
  }
  memcpy(speech->sample + speech->sample_length, bytes, count);
  speech->sample_length += count;
  if (speech->kind == PEER_SPEECH_UNKNOWN) {
    speech->kind = judge(speech->sample, speech->sample_length);
  }
}

void peer_speech_format_sample(const struct peer_speech *speech, char *text, size_t capacity) {
  struct bounded_text writer;
  bounded_text_init(&writer, text, capacity);
  bounded_text_add_printable(&writer, speech->sample, speech->sample_length);
}
