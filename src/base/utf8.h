/* SPDX-License-Identifier: MIT */
/* Reads UTF-8 (RFC 3629): the shortest form only, and no surrogates. */
#ifndef AMQP_WOLFSSL_UTF8_H
#define AMQP_WOLFSSL_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Whether \a point is a character's: not a surrogate's, and not above U+10FFFF. */
bool utf8_is_character(uint32_t point);

/**
 * Reads the character at the front.
 * \param [in] length how many bytes there are
 * \param [out] point the character's code point; unchanged if there is none
 * \return how many bytes it has, from 1 to 4; 0 if the front is no character, or only a part of one
 */
size_t utf8_read(const uint8_t *bytes, size_t length, uint32_t *point);

#endif
