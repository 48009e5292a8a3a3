/* SPDX-License-Identifier: MIT */
/*
 * Bytes that belong to somebody else.
 */
#ifndef AMQP_WOLFSSL_BYTE_SLICE_H
#define AMQP_WOLFSSL_BYTE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct byte_slice {
  const uint8_t *bytes;
  size_t length;
};

static inline bool byte_slices_equal(struct byte_slice one, struct byte_slice other) {
  return one.length == other.length && (one.length == 0 || memcmp(one.bytes, other.bytes, one.length) == 0);
}

#endif
