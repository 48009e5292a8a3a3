/* SPDX-License-Identifier: MIT */
/* The assembler of hand-written DER. */
#include "der_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exact_copy.h"

struct output {
  uint8_t bytes[65536];
  size_t length;
};

static void give_up(const char *text) {
  fprintf(stderr, "this is no DER text: %s\n", text);
  exit(99);
}

static void add(struct output *output, unsigned byte, const char *text) {
  if (output->length == sizeof(output->bytes)) {
    give_up(text);
  }
  output->bytes[output->length++] = (uint8_t)byte;
}

/* Puts the length of what begins at \a start in front of that. */
static void insert_length(struct output *output, size_t start, const char *text) {
  const size_t length = output->length - start;
  const uint8_t forms[3][3] = {
      {(uint8_t)length}, {0x81, (uint8_t)length}, {0x82, (uint8_t)(length >> 8), (uint8_t)length}};
  const size_t form = length < 0x80 ? 0 : length < 0x100 ? 1 : 2;

  for (size_t i = 0; i <= form; i++) {
    add(output, 0, text);
  }
  memmove(output->bytes + start + form + 1, output->bytes + start, length);
  memcpy(output->bytes + start, forms[form], form + 1);
}

static const char *add_quoted(struct output *output, const char *text) {
  while (*text != '\'') {
    if (*text == '\0') {
      give_up("a ' is missing");
    }
    add(output, (unsigned char)*text, text);
    text++;
  }
  return text + 1;
}

static const char *add_byte(struct output *output, const char *text) {
  const char digits[3] = {text[0], text[0] == '\0' ? '\0' : text[1], '\0'};
  char *end;
  const unsigned long byte = strtoul(digits, &end, 16);

  if (end != digits + 2) {
    give_up(text);
  }
  add(output, (unsigned)byte, text);
  return text + 2;
}

/* Until what closes it, or the end. */
static const char *assemble(struct output *output, const char *text) {
  while (*text != '\0' && *text != '}') {
    if (*text == ' ') {
      text++;
    } else if (*text == '\'') {
      text = add_quoted(output, text + 1);
    } else if (*text == '{') {
      const size_t start = output->length;

      text = assemble(output, text + 1);
      if (*text != '}') {
        give_up("a } is missing");
      }
      insert_length(output, start, text);
      text++;
    } else {
      text = add_byte(output, text);
    }
  }
  return text;
}

uint8_t *der_from_text(const char *text, size_t *length) {
  static struct output output;

  output.length = 0;
  if (*assemble(&output, text) != '\0') {
    give_up("a { is missing");
  }
  *length = output.length;
  return exact_copy(output.bytes, output.length);
}
