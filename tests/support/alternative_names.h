/* SPDX-License-Identifier: MIT */
/* Subject alternative names in DER, well formed or not, for what reads a struct certificate. */
#ifndef TESTS_ALTERNATIVE_NAMES_H
#define TESTS_ALTERNATIVE_NAMES_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "x509/certificate.h"

enum { SAN_OTHER = 0xa0, SAN_EMAIL = 0x81, SAN_DNS = 0x82, SAN_URI = 0x86, SAN_IP = 0x87, SAN_REGISTERED = 0x88 };

struct alternative_names {
  uint8_t *bytes; /* a block of exactly its length */
  size_t length;
};

/* \a value may contain anything. */
static inline void alternative_names_add(struct alternative_names *names, uint8_t tag, const void *value,
                                         size_t length) {
  const size_t header = length < 0x80 ? 2 : length < 0x100 ? 3 : 4;
  uint8_t *grown = realloc(names->bytes, names->length + header + length);
  uint8_t *at;

  if (grown == NULL || length > 0xffff) {
    fprintf(stderr, "alternative_names_add: %zu bytes\n", length);
    abort();
  }
  at = grown + names->length;
  *at++ = tag;
  if (header > 2) {
    *at++ = (uint8_t)(0x80 + header - 2);
  }
  if (header > 3) {
    *at++ = (uint8_t)(length >> 8);
  }
  *at++ = (uint8_t)length;
  memcpy(at, value, length);
  names->bytes = grown;
  names->length += header + length;
}

static inline void alternative_names_add_text(struct alternative_names *names, uint8_t tag, const char *value) {
  alternative_names_add(names, tag, value, strlen(value));
}

static inline struct byte_slice alternative_names_slice(const struct alternative_names *names) {
  return (struct byte_slice){names->bytes, names->length};
}

static inline void alternative_names_free(struct alternative_names *names) {
  free(names->bytes);
  *names = (struct alternative_names){0};
}

#endif
