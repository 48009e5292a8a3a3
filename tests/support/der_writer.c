/* SPDX-License-Identifier: MIT */
/* Puts DER together from bytes and hexadecimal digits. */
#include "der_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

void add_bytes(struct bytes *out, const void *data, size_t length) {
  assert_true(length <= sizeof out->data - out->length);
  if (length > 0) {
    memcpy(out->data + out->length, data, length);
  }
  out->length += length;
}

void add_hexadecimal(struct bytes *out, const char *text) {
  while (*text != '\0') {
    unsigned byte;
    if (*text == ' ') {
      text++;
      continue;
    }
    assert_int_equal(sscanf(text, "%2x", &byte), 1);
    assert_true(text[1] != '\0' && text[1] != ' ');
    out->data[out->length] = (uint8_t)byte;
    out->length++;
    text += 2;
  }
}

void add_element(struct bytes *out, uint8_t tag, const struct bytes *content) {
  const size_t length = content->length;
  const uint8_t long_form[] = {tag, 0x82, (uint8_t)(length >> 8), (uint8_t)length};
  const uint8_t middle_form[] = {tag, 0x81, (uint8_t)length};
  const uint8_t short_form[] = {tag, (uint8_t)length};
  if (length < 128) {
    add_bytes(out, short_form, sizeof short_form);
  } else if (length < 256) {
    add_bytes(out, middle_form, sizeof middle_form);
  } else {
    add_bytes(out, long_form, sizeof long_form);
  }
  add_bytes(out, content->data, length);
}

void wrap(char *text, size_t capacity, const char *inner, const uint8_t *tags, size_t tag_count) {
  static struct bytes content, element;
  size_t i;
  content.length = 0;
  add_hexadecimal(&content, inner);
  for (i = 0; i < tag_count; i++) {
    element.length = 0;
    add_element(&element, tags[i], &content);
    content = element;
  }
  assert_true(2 * content.length < capacity);
  text[0] = '\0';
  for (i = 0; i < content.length; i++) {
    snprintf(text + 2 * i, 3, "%02x", (unsigned)content.data[i]);
  }
}
