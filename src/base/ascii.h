/* SPDX-License-Identifier: MIT */
/* The letters of ASCII, in every locale the same. */
#ifndef AMQP_WOLFSSL_ASCII_H
#define AMQP_WOLFSSL_ASCII_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Capital letters become small ones; every other byte is left as it is. */
uint8_t ascii_lower(uint8_t byte);

/** Whether both have the same \a length bytes, but for the case of letters. */
bool ascii_equals_ignoring_case(const void *one, const void *other, size_t length);

#endif
