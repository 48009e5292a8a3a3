/* SPDX-License-Identifier: MIT */
/* Recognises the retry of a send. */
#include "autoconfig.h"

#include "transport/send_claim.h"

#include <string.h>

#include "transport/amqp_stream.h"

/*
 * Against mistakes, not against forgers: eight bytes at a time, because up to 64 KiB are looked at. The multiplier is
 * that of Steele, Lea and Flood's SplitMix64; it is odd, so that each step can be undone and no single change gets
 * lost.
 */
static uint64_t mix(uint64_t checksum, uint64_t word) {
  checksum = (checksum ^ word) * UINT64_C(0xbf58476d1ce4e5b9);
  return checksum ^ (checksum >> 31);
}

static uint64_t checksum_of(const uint8_t *bytes, size_t length) {
  uint64_t checksum = length;
  uint64_t word;

  while (length >= sizeof(word)) {
    memcpy(&word, bytes, sizeof(word));
    checksum = mix(checksum, word);
    bytes += sizeof(word);
    length -= sizeof(word);
  }
  word = 0;
  if (length > 0) {
    memcpy(&word, bytes, length);
  }
  return mix(checksum, word);
}

static size_t start_length(size_t count) { return count < AMQP_HEARTBEAT_LENGTH ? count : AMQP_HEARTBEAT_LENGTH; }

void send_claim_set(struct send_claim *claim, const uint8_t *bytes, size_t count) {
  const size_t start = start_length(count);

  claim->count = count;
  claim->start = checksum_of(bytes, start);
  claim->rest = checksum_of(bytes + start, count - start);
  claim->thread = pthread_self();
  claim->has_left = false;
}

bool send_claim_is_own(const struct send_claim *claim) {
  return claim->count > 0 && pthread_equal(claim->thread, pthread_self()) != 0;
}

bool send_claim_matches(const struct send_claim *claim, const uint8_t *bytes, size_t length) {
  const size_t start = start_length(claim->count);

  return length >= claim->count && checksum_of(bytes + start, claim->count - start) == claim->rest &&
         (checksum_of(bytes, start) == claim->start || amqp_stream_is_heartbeat(bytes, start));
}
