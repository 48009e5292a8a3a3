/* SPDX-License-Identifier: MIT */
/* Decodes first, and then looks whether this code point may have had this form. */
#include "base/utf8.h"

/* Bytes of a form that begins with this; 0: none does. */
static size_t form_length(uint8_t first) {
  if (first < 0x80) {
    return 1;
  }
  if (first < 0xc0) { /* in the middle of a character */
    return 0;
  }
  if (first < 0xe0) {
    return 2;
  }
  if (first < 0xf0) {
    return 3;
  }
  return first < 0xf8 ? 4 : 0;
}

bool utf8_is_character(uint32_t point) { return point < 0xd800 || (point > 0xdfff && point <= 0x10ffff); }

size_t utf8_read(const uint8_t *bytes, size_t length, uint32_t *point) {
  static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000}; /* that needs a form of this length */
  const size_t needed = length > 0 ? form_length(bytes[0]) : 0;
  uint32_t read;

  if (needed == 0 || needed > length) {
    return 0;
  }
  read = needed > 1 ? bytes[0] & (0x7fU >> needed) : bytes[0];
  for (size_t i = 1; i < needed; i++) {
    if ((bytes[i] & 0xc0) != 0x80) {
      return 0;
    }
    read = read << 6 | (bytes[i] & 0x3fU);
  }
  if (read < smallest[needed] || !utf8_is_character(read)) {
    return 0;
  }
  *point = read;
  return needed;
}
