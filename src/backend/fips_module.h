/* SPDX-License-Identifier: MIT */
/* Starts wolfSSL and its FIPS module, once per process, and knows whether the module works. */
#ifndef AMQP_WOLFSSL_FIPS_MODULE_H
#define AMQP_WOLFSSL_FIPS_MODULE_H

#include "base/error.h"

/**
 * Starts wolfSSL if nobody has, then makes a FIPS module run all its self-tests. Any thread, any number of times;
 * wolfSSL_Init() itself races in 5.5.4, and self-tests in two threads at once can degrade the module. It is never shut
 * down again: other users of wolfSSL in the same process may still need it.
 * \return 0, wolfSSL's code, or -1 where it must not be used (see wolfssl_origin.h). A module in error does not count
 * as a failed start: fips_module_check() reports it.
 */
int fips_module_start(void);

/**
 * Starts wolfSSL if nobody has, and checks that it can be used now: that it is the one we need, that it started, and
 * that its FIPS module, if it has one, is in normal mode.
 * \return AMQP_WOLFSSL_OK, with \a error unchanged; or the code that \a error then has
 */
amqp_wolfssl_code_t fips_module_check(amqp_wolfssl_stage_t stage, amqp_wolfssl_error_t *error);

amqp_wolfssl_fips_status_t fips_module_status(void);

/** The version as the module reports it; "" without a module. */
const char *fips_module_version(void);

/** The standard that modules of this version are for, as fips_version_standard(); "" without a module. */
const char *fips_module_standard(void);

/** Why a module that is otherwise in normal mode must not be used, as one sentence; NULL if nothing is against it. */
const char *fips_module_refusal(void);

#endif
