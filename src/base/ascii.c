/* SPDX-License-Identifier: MIT */
/* Not tolower(): it asks the locale, and a byte below 0 is none of its arguments. */
#include "base/ascii.h"

uint8_t ascii_lower(uint8_t byte) { return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte - 'A' + 'a') : byte; }

bool ascii_equals_ignoring_case(const void *one, const void *other, size_t length) {
  const uint8_t *first = one;
  const uint8_t *second = other;

  for (size_t i = 0; i < length; i++) {
    if (ascii_lower(first[i]) != ascii_lower(second[i])) {
      return false;
    }
  }
  return true;
}
