/* SPDX-License-Identifier: MIT */
/* DER that a test writes by hand. What is wrong with it is the test's matter, except that it is too long. */
#ifndef TESTS_DER_WRITER_H
#define TESTS_DER_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bytes {
  uint8_t data[8192];
  size_t length;
};

void add_bytes(struct bytes *out, const void *data, size_t length);
/** Pairs of digits, with spaces between them where one likes. */
void add_hexadecimal(struct bytes *out, const char *text);
/** An element with a definite length of the shortest form. */
void add_element(struct bytes *out, uint8_t tag, const struct bytes *content);

/** Digits again: \a inner, which is digits, in elements of these tags, the outermost last. */
void wrap(char *text, size_t capacity, const char *inner, const uint8_t *tags, size_t tag_count);

#endif
