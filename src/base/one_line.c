/* SPDX-License-Identifier: MIT */
/*
 * One line of UTF-8 (RFC 3629) without controls. Names from certificates are escaped already; paths and host names may
 * contain any bytes, and the buffer may end inside a character.
 */
#include "autoconfig.h"

#include "base/one_line.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes of the well-formed UTF-8 character (RFC 3629, section 4) at the front, or 0. Stops at a NUL. */
static size_t character_length(const unsigned char *text) {
  unsigned char first = text[0];
  unsigned char lowest = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
  unsigned char highest = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  size_t length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;

  if (length == 1) {
    return 1;
  }
  if (first < 0xc2 || first > 0xf4 || text[1] < lowest || text[1] > highest) {
    return 0;
  }
  for (size_t i = 2; i < length; i++) {
    if ((text[i] & 0xc0) != 0x80) {
      return 0;
    }
  }
  return length;
}

static uint32_t code_point(const unsigned char *text, size_t length) {
  uint32_t point = length > 1 ? text[0] & (0x7fU >> length) : text[0];

  for (size_t i = 1; i < length; i++) {
    point = point << 6 | (text[i] & 0x3fU);
  }
  return point;
}

static bool is_hidden_control(uint32_t point) {
  return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0x061c || /* Arabic letter mark */
         point == 0x200e || point == 0x200f ||                                  /* left-to-right, right-to-left mark */
         (point >= 0x2028 && point <= 0x202e) || /* line and paragraph separator, embeddings and overrides */
         (point >= 0x2066 && point <= 0x2069);   /* isolates */
}

void one_line_make(char *text) {
  char *end = text;

  while (*text != '\0') {
    size_t length = character_length((const unsigned char *)text);

    if (length == 0 || is_hidden_control(code_point((const unsigned char *)text, length))) {
      *end++ = '?';
      text += length == 0 ? 1 : length;
    } else {
      memmove(end, text, length);
      end += length;
      text += length;
    }
  }
  *end = '\0';
}
