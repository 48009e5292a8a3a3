/* SPDX-License-Identifier: MIT */
/*
 * Text of bounded size, for what comes from a peer and is shown to people.
 */
#include "base/bounded_text.h"

#include <string.h>

void bounded_text_init(struct bounded_text *writer, char *text, size_t capacity) {
  writer->text = text;
  writer->capacity = capacity;
  writer->needed = 0;
  writer->cut = capacity == 0;
  if (capacity > 0) {
    text[0] = '\0';
  }
}

void bounded_text_add(struct bounded_text *writer, const char *piece, size_t length) {
  if (!writer->cut && length < writer->capacity - writer->needed) {
    memcpy(writer->text + writer->needed, piece, length);
    writer->text[writer->needed + length] = '\0';
  } else {
    writer->cut = true;
  }
  writer->needed += length;
}

void bounded_text_add_string(struct bounded_text *writer, const char *piece) {
  bounded_text_add(writer, piece, strlen(piece));
}

void bounded_text_escape(uint8_t byte, char escaped[3]) {
  static const char digits[] = "0123456789ABCDEF";
  escaped[0] = '\\';
  escaped[1] = digits[byte >> 4];
  escaped[2] = digits[byte & 0x0f];
}

void bounded_text_add_printable(struct bounded_text *writer, const uint8_t *bytes, size_t length) {
  size_t i;
  for (i = 0; i < length; i++) {
    char piece[3];
    if (bytes[i] >= 0x20 && bytes[i] <= 0x7e && bytes[i] != '\\') {
      piece[0] = (char)bytes[i];
      bounded_text_add(writer, piece, 1);
    } else {
      bounded_text_escape(bytes[i], piece);
      bounded_text_add(writer, piece, sizeof piece);
    }
  }
}
