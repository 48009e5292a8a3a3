/* SPDX-License-Identifier: MIT */
/* Starts wolfSSL, once a process. */
#ifndef AMQP_WOLFSSL_FIPS_MODULE_H
#define AMQP_WOLFSSL_FIPS_MODULE_H

/**
 * Starts wolfSSL if nobody has. Any thread, any number of times; wolfSSL_Init() itself races in 5.5.4. It is never shut
 * down again: other users of wolfSSL in the same process may still need it.
 * \return 0 or wolfSSL's code
 */
int fips_module_start(void);

#endif
