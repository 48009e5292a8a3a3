/* SPDX-License-Identifier: MIT */
/* A server's stream on its way to wolfSSL: whole records and small pieces must lead to the same. */
#include "properties.h"
#include "targets.h"

#include <stdlib.h>

#include "exact_copy.h"
#include "tls/record_framing.h"

struct framed {
  struct server_hello hello;
  struct record_framing framing;
  size_t taken; /* bytes up to the fault, or all */
  bool is_done;
};

/* Our part leaves behind the ServerHelloDone, or whatever stands in its place, and wolfSSL ends the handshake with the
   first encrypted record. */
static void take_turns(struct framed *framed) {
  struct record_framing *framing = &framed->framing;

  if (framing->header_length != 0 || framed->is_done) {
    return;
  }
  framing->our_part_has_left = framing->our_part_has_left || framed->hello.message_type == 14;
  if (framing->handshake_records > 0) {
    record_framing_handshake_done(framing);
    framed->is_done = true;
  }
}

static void require_sound(const struct framed *framed) {
  const struct record_framing *framing = &framed->framing;

  REQUIRE(framing->header_length <= TLS_RECORD_HEADER);
  REQUIRE(record_framing_piece(framing) > 0);
  REQUIRE(framing->left <= TLS_RECORD_PLAINTEXT + 2048);
  REQUIRE(framing->epoch != RECORD_EPOCH_CLEAR || framed->hello.complete);
  REQUIRE(framing->epoch != RECORD_EPOCH_HANDSHAKE_1_3 || framed->hello.version >= 0x0304);
  REQUIRE(framing->epoch == RECORD_EPOCH_OVER || framing->overhead == 0 || framing->overhead >= TLS_RECORD_TAG);
  REQUIRE(framing->without_data <= RECORD_FRAMING_WITHOUT_DATA);
  REQUIRE(framing->bytes_without_data <= RECORD_FRAMING_BYTES_WITHOUT_DATA + TLS_RECORD_PLAINTEXT + 2048);
  REQUIRE(framing->warnings <= RECORD_FRAMING_WARNINGS);
}

/* \param [in] most the most bytes at once; a turn falls due between two records */
static void frame(struct framed *framed, const uint8_t *data, size_t size, size_t most) {
  framed->taken = 0;
  framed->is_done = false;
  server_hello_init(&framed->hello);
  record_framing_init(&framed->framing, &framed->hello);
  while (framed->taken < size) {
    const size_t piece = record_framing_piece(&framed->framing);
    const size_t limit = piece < most ? piece : most;
    const size_t count = size - framed->taken < limit ? size - framed->taken : limit;

    if (!record_framing_take(&framed->framing, data + framed->taken, count)) {
      break;
    }
    framed->taken += count;
    take_turns(framed);
    require_sound(framed);
  }
}

static void require_same(const struct framed *one, const struct framed *other) {
  REQUIRE(one->framing.fault == other->framing.fault);
  REQUIRE(one->framing.epoch == other->framing.epoch);
  REQUIRE(one->framing.header_length == other->framing.header_length || one->framing.fault != RECORD_SOUND);
  REQUIRE(one->hello.fault == other->hello.fault);
  REQUIRE(one->hello.complete == other->hello.complete);
  REQUIRE(one->hello.version == other->hello.version);
  REQUIRE(one->hello.suite == other->hello.suite);
  REQUIRE(one->hello.group == other->hello.group);
  REQUIRE(one->hello.signature_scheme == other->hello.signature_scheme);
  REQUIRE(one->hello.extended_master_secret == other->hello.extended_master_secret);
}

int fuzz_record_stream(const uint8_t *data, size_t size) {
  static const size_t pieces[] = {1, 2, 3, 5, 7, 64};
  static struct framed whole;
  static struct framed parts;
  uint8_t *copy = exact_copy(data, size);

  frame(&whole, copy, size, SIZE_MAX);
  for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
    frame(&parts, copy, size, pieces[i]);
    require_same(&whole, &parts);
  }
  if (whole.framing.fault == RECORD_SOUND) {
    fuzz_accepted++;
  }
  free(copy);
  return 0;
}
