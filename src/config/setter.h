/* SPDX-License-Identifier: MIT */
/* What every setter does first and last, and what more than one of them checks. */
#ifndef AMQP_WOLFSSL_SETTER_H
#define AMQP_WOLFSSL_SETTER_H

#include "config/options.h"

/** Whether the config can be changed now; on failure the setter returns what this returned, and nothing more. */
amqp_wolfssl_code_t begin_setter(amqp_wolfssl_config_t *config, enum setter setter);

/** Keeps a setter's failure, or forgets it once the same setter has succeeded. Returns what the setter returns. */
amqp_wolfssl_code_t end_setter(amqp_wolfssl_config_t *config, enum setter setter, amqp_wolfssl_code_t code);

/** Fails with "\a what is NULL". */
amqp_wolfssl_code_t missing_argument(amqp_wolfssl_config_t *config, const char *what);

/**
 * A FIPS module that went into error meanwhile makes any use of wolfSSL fail, for reasons that only look like others.
 * Returns \a code, or AMQP_WOLFSSL_ERROR_FIPS_MODULE with \a error set anew.
 */
amqp_wolfssl_code_t blame_fips_module(amqp_wolfssl_code_t code, amqp_wolfssl_error_t *error);

/** AMQP_WOLFSSL_OK, or AMQP_WOLFSSL_ERROR_NOT_SUPPORTED: this wolfSSL can't be held to the policy. */
amqp_wolfssl_code_t check_policy_can_be_held(const struct policy *policy, amqp_wolfssl_error_t *error);

/** AMQP_WOLFSSL_OK, or AMQP_WOLFSSL_ERROR_NOT_SUPPORTED: this wolfSSL does not show stapled OCSP responses. */
amqp_wolfssl_code_t check_stapling_is_shown(amqp_wolfssl_error_t *error);

#endif
