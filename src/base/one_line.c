/* SPDX-License-Identifier: MIT */
/*
 * One line of UTF-8 (RFC 3629) without controls. Names from certificates are escaped already; paths and host names may
 * contain any bytes, and the buffer may end inside a character.
 */
#include "autoconfig.h"

#include "base/one_line.h"

#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

static bool is_hidden_control(uint32_t point) {
  return point < 0x20 || (point >= 0x7f && point <= 0x9f) || point == 0x061c || /* Arabic letter mark */
         point == 0x200e || point == 0x200f ||                                  /* left-to-right, right-to-left mark */
         (point >= 0x2028 && point <= 0x202e) || /* line and paragraph separator, embeddings and overrides */
         (point >= 0x2066 && point <= 0x2069);   /* isolates */
}

bool one_line_is(const char *text, size_t length) {
  const uint8_t *rest = (const uint8_t *)text;

  while (length > 0) {
    uint32_t point = 0;
    const size_t taken = utf8_read(rest, length, &point);

    if (taken == 0 || is_hidden_control(point)) {
      return false;
    }
    rest += taken;
    length -= taken;
  }
  return true;
}

void one_line_make(char *text) {
  const uint8_t *rest = (const uint8_t *)text;
  size_t left = strlen(text);
  char *end = text;

  while (left > 0) {
    uint32_t point = 0;
    const size_t length = utf8_read(rest, left, &point);
    const size_t taken = length > 0 ? length : 1;

    if (length == 0 || is_hidden_control(point)) {
      *end++ = '?';
    } else {
      memmove(end, rest, length);
      end += length;
    }
    rest += taken;
    left -= taken;
  }
  *end = '\0';
}
