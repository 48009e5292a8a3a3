/* SPDX-License-Identifier: MIT */
/* DER written by hand, for tables of tests: lengths are computed, unless a test wants a wrong one. */
#ifndef TESTS_DER_TEXT_H
#define TESTS_DER_TEXT_H

#include <stddef.h>
#include <stdint.h>

/**
 * Turns a text into bytes. Two hexadecimal digits are a byte, 'abc' is ASCII, { } holds what the length that is written
 * in its place is of, in its shortest form; spaces are for the eye. So "30{ 020101 0c{'a'} }" is a SEQUENCE of an
 * INTEGER and a UTF8String. Ends the program at any other text.
 * \return a block of exactly its size, which the caller frees
 */
uint8_t *der_from_text(const char *text, size_t *length);

#endif
