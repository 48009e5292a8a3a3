/* SPDX-License-Identifier: MIT */
/* Reads a certificate or key file whole, and says exactly why when it can't. */
#ifndef AMQP_WOLFSSL_FILE_H
#define AMQP_WOLFSSL_FILE_H

#include "base/error.h"
#include "base/secret.h"

/** No certificate bundle or key comes near this; a wrong path (a device, a log) is found out before memory is. */
#define FILE_LENGTH_LIMIT ((size_t)16 * 1024 * 1024)

/**
 * Reads \a path. \a contents must be empty before and is wiped by secret_free() afterwards, whatever the file holds.
 * \return AMQP_WOLFSSL_OK, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE or AMQP_WOLFSSL_ERROR_NO_MEMORY
 */
amqp_wolfssl_code_t file_read(const char *path, struct secret *contents, amqp_wolfssl_error_t *error);

#endif
