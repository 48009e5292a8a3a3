/* SPDX-License-Identifier: MIT */
/* The line that says what this library was built with and runs on. */
#ifndef AMQP_WOLFSSL_BUILD_INFO_H
#define AMQP_WOLFSSL_BUILD_INFO_H

/**
 * Writes the line; called by the start-up.
 * \param fips_module what to say about it, starting with ", ", or ""
 * \param aes how AES is done
 */
void build_info_write(const char *fips_module, const char *aes);

/** The line; "" until it is written. */
const char *build_info_line(void);

/** The version of the wolfSSL that the program runs on, as "5.6.7". Static text. */
const char *build_info_wolfssl_version(void);

#endif
