/* SPDX-License-Identifier: MIT */
/*
 * What the administrator requires of all programs on a machine, read from one file. It can make a config stricter,
 * never laxer. Pure except for reading the file.
 */
#ifndef AMQP_WOLFSSL_SITE_FILE_H
#define AMQP_WOLFSSL_SITE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct site_settings {
  amqp_wolfssl_policy_t policy;           /**< this one or a stricter one; 0: any */
  amqp_wolfssl_version_t minimum_version; /**< 0: any */
  char *crl_file;                         /**< NULL: none; freed by site_settings_free() */
  bool require_stapling;
  int64_t maximum_life; /**< seconds; 0: no limit */
};

/**
 * Reads a file of lines "key = value"; a line that starts with "#" is a comment. A file that does not exist requires
 * nothing. One that can't be read, or that contains anything not understood, is an error, and \a settings are then
 * empty; the error names the line.
 * \return AMQP_WOLFSSL_OK, AMQP_WOLFSSL_ERROR_SITE_FILE_INVALID, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE or
 *   AMQP_WOLFSSL_ERROR_NO_MEMORY
 */
amqp_wolfssl_code_t site_file_read(const char *path, struct site_settings *settings, amqp_wolfssl_error_t *error);
void site_settings_free(struct site_settings *settings);

/** The stricter of two policies: cnsa, then fips, then modern; 0 means none. */
amqp_wolfssl_policy_t site_stricter_policy(amqp_wolfssl_policy_t one, amqp_wolfssl_policy_t other);

#endif
