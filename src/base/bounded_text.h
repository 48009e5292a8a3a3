/* SPDX-License-Identifier: MIT */
/*
 * Builds text in a buffer of fixed size, counting what it would need as snprintf does. Pieces are never cut in two.
 */
#ifndef AMQP_WOLFSSL_BOUNDED_TEXT_H
#define AMQP_WOLFSSL_BOUNDED_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bounded_text {
  char *text;
  size_t capacity;
  size_t needed; /**< bytes the whole text needs, without the NUL */
  bool cut;      /**< a piece did not fit; nothing more is written */
};

/** \a text may be NULL when \a capacity is 0. */
void bounded_text_init(struct bounded_text *writer, char *text, size_t capacity);

void bounded_text_add(struct bounded_text *writer, const char *piece, size_t length);
void bounded_text_add_string(struct bounded_text *writer, const char *piece);

/** Printable ASCII as it is, backslashes and all other bytes as a backslash and two upper case hexadecimal digits. */
void bounded_text_add_printable(struct bounded_text *writer, const uint8_t *bytes, size_t length);

/** Puts a backslash and two upper case hexadecimal digits into \a escaped, without a NUL. */
void bounded_text_escape(uint8_t byte, char escaped[3]);

#endif
