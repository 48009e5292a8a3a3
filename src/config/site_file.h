/* SPDX-License-Identifier: MIT */
/*
 * What the administrator requires of all programs on a machine, read from one file. It can make a config stricter,
 * never laxer, but for one exception. Pure except for reading the file.
 */
#ifndef AMQP_WOLFSSL_SITE_FILE_H
#define AMQP_WOLFSSL_SITE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "policy/policy.h"

struct site_settings {
  amqp_wolfssl_policy_t policy;           /**< this one or a stricter one; 0: any */
  amqp_wolfssl_version_t minimum_version; /**< 0: any */
  char *crl_file;                         /**< NULL: none; freed by site_settings_free() */
  bool require_stapling;
  int64_t maximum_life;                 /**< seconds; 0: no limit */
  bool extended_master_secret_optional; /**< the exception; site_settings_except() makes it */
};

/**
 * Reads a file of lines "key = value"; a line that starts with "#" is a comment. A file that does not exist requires
 * nothing. One that can't be read, or that contains anything not understood, is an error, and \a settings are then
 * empty; the error names the line. So is one with an exception that somebody other than root and the program's own user
 * can have written, or that asks for policy cnsa besides.
 * \return AMQP_WOLFSSL_OK, AMQP_WOLFSSL_ERROR_SITE_FILE_INVALID, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE or
 *   AMQP_WOLFSSL_ERROR_NO_MEMORY
 */
amqp_wolfssl_code_t site_file_read(const char *path, struct site_settings *settings, amqp_wolfssl_error_t *error);
void site_settings_free(struct site_settings *settings);

/** Makes the exception in \a limits, which are all that their policy allows. RFC 9151, and so cnsa, admits none. */
void site_settings_except(const struct site_settings *settings, struct policy_limits *limits);

/** The stricter of two policies: cnsa, then fips, then modern; 0 means none. */
amqp_wolfssl_policy_t site_stricter_policy(amqp_wolfssl_policy_t one, amqp_wolfssl_policy_t other);

#endif
