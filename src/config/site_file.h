/* SPDX-License-Identifier: MIT */
/*
 * What an administrator asks of all programs of a machine, read from one file. It can make a config stricter and never
 * laxer. Pure but for reading the file.
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
 * Reads a file of lines "key = value"; "#" begins a comment where a key could stand. A file that does not exist asks
 * for nothing. One that can't be read, or has anything in it that is not understood, is an error that names the line,
 * and \a settings are then empty.
 * \return AMQP_WOLFSSL_OK, AMQP_WOLFSSL_ERROR_SITE_FILE_INVALID, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE or
 *   AMQP_WOLFSSL_ERROR_NO_MEMORY
 */
amqp_wolfssl_code_t site_file_read(const char *path, struct site_settings *settings, amqp_wolfssl_error_t *error);
void site_settings_free(struct site_settings *settings);

/** The stricter of two policies: cnsa before fips before modern; 0 is no policy at all. */
amqp_wolfssl_policy_t site_stricter_policy(amqp_wolfssl_policy_t one, amqp_wolfssl_policy_t other);

#endif
