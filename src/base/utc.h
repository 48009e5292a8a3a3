/* SPDX-License-Identifier: MIT */
/*
 * Dates in UTC as text. Not gmtime(): certificates are dated past 2038, which a time_t of 32 bits can't hold.
 */
#ifndef AMQP_WOLFSSL_UTC_H
#define AMQP_WOLFSSL_UTC_H

#include <stdint.h>

/** Room for any text; a compiler doesn't know that months end at 12. */
#define UTC_TEXT_LENGTH 64

/**
 * "2038-01-19 03:14:08 UTC", or "an unreadable date".
 * \param [in] seconds since 1970-01-01 UTC; readable are the years 0000 to 9999, which are those of X.509
 */
void utc_text(int64_t seconds, char text[UTC_TEXT_LENGTH]);

#endif
