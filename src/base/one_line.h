/* SPDX-License-Identifier: MIT */
/* Text that came from elsewhere, made fit for a line of a log or a terminal. */
#ifndef AMQP_WOLFSSL_ONE_LINE_H
#define AMQP_WOLFSSL_ONE_LINE_H

/**
 * Puts a question mark in place of each control character, each character that ends a line or changes the direction of
 * writing, and each byte that is not UTF-8. Never makes \a text longer.
 */
void one_line_make(char *text);

#endif
