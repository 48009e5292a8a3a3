/* SPDX-License-Identifier: MIT */
/* PEM texts. */
#include "properties.h"
#include "targets.h"

#include <stdlib.h>

#include "exact_copy.h"
#include "x509/pem.h"

static void require_part(struct pem_text part, struct pem_text whole) {
  const struct byte_slice bytes = {(const uint8_t *)part.text, part.length};

  require_inside(bytes, (struct byte_slice){(const uint8_t *)whole.text, whole.length});
}

static void require_block(const struct pem_block *block, struct pem_text whole) {
  static const char begin[] = "-----BEGIN ";
  static const char dashes[] = "-----";
  const size_t lines = 2 * block->label.length + strlen("-----BEGIN ----------END -----");

  require_part(block->whole, whole);
  require_part(block->label, block->whole);
  REQUIRE(block->label.length > 0);
  REQUIRE(block->whole.length >= lines);
  REQUIRE(memcmp(block->whole.text, begin, strlen(begin)) == 0);
  REQUIRE(memcmp(block->whole.text + block->whole.length - strlen(dashes), dashes, strlen(dashes)) == 0);
  REQUIRE(!pem_is_encrypted(block) || pem_is_private_key(block));
  REQUIRE(pem_is_certificate(block) + pem_is_revocation_list(block) + pem_is_private_key(block) <= 1);
  REQUIRE(pem_is_likely(block->whole.text, block->whole.length));
}

int fuzz_pem(const uint8_t *data, size_t size) {
  uint8_t *copy = exact_copy(data, size);
  const struct pem_text whole = {(const char *)copy, size};
  struct pem_text rest = whole;
  struct pem_block block;
  enum pem_result result;
  bool has_certificate = false;

  while ((result = pem_next(&rest, &block)) == PEM_BLOCK) {
    require_block(&block, whole);
    require_part(rest, whole);
    REQUIRE(rest.text == block.whole.text + block.whole.length);
    REQUIRE(rest.text + rest.length == whole.text + whole.length);
    has_certificate = has_certificate || pem_is_certificate(&block);
  }
  REQUIRE(pem_may_hold(copy, size, pem_is_certificate) == (has_certificate || result == PEM_UNTERMINATED));
  if (result == PEM_END) {
    fuzz_accepted++;
  }
  free(copy);
  return 0;
}
