/* SPDX-License-Identifier: MIT */
/* Sound input to start from, minted when the program runs. */
#ifndef TESTS_FUZZ_SEEDS_H
#define TESTS_FUZZ_SEEDS_H

#include <stddef.h>
#include <stdint.h>

struct seed {
  uint8_t *bytes;
  size_t length;
};

#define SEEDS_MAXIMUM 16

struct seeds {
  struct seed items[SEEDS_MAXIMUM];
  size_t count;
};

enum seed_kind {
  SEED_CERTIFICATES,      /* DER */
  SEED_CERTIFICATE_FILES, /* PEM bundles and DER */
  SEED_LISTS,
  SEED_RESPONSES, /* none where they can't be minted */
  SEED_PATHS,     /* whole PKIs; none where they can't be minted */
  SEED_TEXTS,     /* PEM */
  SEED_NAMES,     /* content of GeneralNames */
  SEED_STREAMS,   /* TLS records of servers */
  SEED_URIS,      /* of brokers */
  SEED_KINDS
};

/** Mints them; seeds_free() also after a failure. \return 0 or -1 */
int seeds_make(void);
const struct seeds *seeds_of(enum seed_kind kind);
void seeds_free(void);

#endif
