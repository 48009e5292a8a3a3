/* SPDX-License-Identifier: MIT */
/* Starts wolfSSL and its FIPS module, once a process, and knows whether the module works. */
#ifndef AMQP_WOLFSSL_FIPS_MODULE_H
#define AMQP_WOLFSSL_FIPS_MODULE_H

#include "base/error.h"

/**
 * Starts wolfSSL if nobody has, then has a FIPS module make all its self tests. Any thread, any number of times;
 * wolfSSL_Init() itself races in 5.5.4, and self tests of two threads at once can degrade the module. It is never shut
 * down again: other users of wolfSSL in the same process may still need it.
 * \return 0 or wolfSSL's code. A module in error is no failure of the start: fips_module_check() tells.
 */
int fips_module_start(void);

/**
 * Starts wolfSSL if nobody has, and checks that it can be worked with now: that it started, and that its FIPS module,
 * if it has one, is in normal mode.
 * \return AMQP_WOLFSSL_OK, and \a error is as it was; or the code that the record then has
 */
amqp_wolfssl_code_t fips_module_check(amqp_wolfssl_stage_t stage, amqp_wolfssl_error_t *error);

amqp_wolfssl_fips_status_t fips_module_status(void);

/** The module's own words for its version; "" without one. */
const char *fips_module_version(void);

#endif
