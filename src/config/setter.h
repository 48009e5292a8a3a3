/* SPDX-License-Identifier: MIT */
/* What every setter does first and last, and what more than one of them checks. */
#ifndef AMQP_WOLFSSL_SETTER_H
#define AMQP_WOLFSSL_SETTER_H

#include "config/options.h"

/** Whether the config can be changed now; on failure the setter returns the code and does nothing else. */
amqp_wolfssl_code_t begin_setter(amqp_wolfssl_config_t *config, enum setter setter);

/** Records a setter's failure, or clears it once the same setter has succeeded. Returns what the setter returns. */
amqp_wolfssl_code_t end_setter(amqp_wolfssl_config_t *config, enum setter setter, amqp_wolfssl_code_t code);

/** Adds the CAs of a file, all or nothing, and notes where they came from. */
amqp_wolfssl_code_t trust_file(amqp_wolfssl_config_t *config, const char *path);

/** Fails with "\a what is NULL". */
amqp_wolfssl_code_t missing_argument(amqp_wolfssl_config_t *config, const char *what);

/**
 * Once the FIPS module is in error, every use of wolfSSL fails, and for a reason that looks like another. Returns
 * \a code, or AMQP_WOLFSSL_ERROR_FIPS_MODULE with \a error replaced.
 */
amqp_wolfssl_code_t blame_fips_module(amqp_wolfssl_code_t code, amqp_wolfssl_error_t *error);

/** AMQP_WOLFSSL_OK, or AMQP_WOLFSSL_ERROR_POLICY_LOCKED: the program may make no exceptions. */
amqp_wolfssl_code_t check_exception(amqp_wolfssl_config_t *config);

/** AMQP_WOLFSSL_OK, or AMQP_WOLFSSL_ERROR_NOT_SUPPORTED: this wolfSSL can't enforce the policy. */
amqp_wolfssl_code_t check_policy_can_be_held(const struct policy *policy, amqp_wolfssl_error_t *error);

/** AMQP_WOLFSSL_OK, or AMQP_WOLFSSL_ERROR_NOT_SUPPORTED: this wolfSSL does not expose stapled OCSP responses. */
amqp_wolfssl_code_t check_stapling_is_shown(amqp_wolfssl_error_t *error);

#endif
