/* SPDX-License-Identifier: MIT */
/* Text that came from elsewhere, made fit for a line of a log or a terminal. */
#ifndef AMQP_WOLFSSL_ONE_LINE_H
#define AMQP_WOLFSSL_ONE_LINE_H

#include <stdbool.h>
#include <stddef.h>

/**
 * Puts a question mark in place of each control character, each character that ends a line or changes the direction of
 * writing, and each byte that is not UTF-8. Never makes \a text longer.
 */
void one_line_make(char *text);

/** Whether \a text is that already: one_line_make() would replace none of its bytes, and none is a NUL. */
bool one_line_is(const char *text, size_t length);

#endif
