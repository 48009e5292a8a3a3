/* SPDX-License-Identifier: MIT */
/* Reads a whole certificate or key file, and says exactly why if it can't. */
#ifndef AMQP_WOLFSSL_FILE_H
#define AMQP_WOLFSSL_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/secret.h"

/** No certificate bundle or key comes near this; a wrong path (a device, a log) is caught before memory runs out. */
#define FILE_LENGTH_LIMIT ((size_t)16 * 1024 * 1024)

/**
 * Reads \a path. \a contents must be empty before; wipe it with secret_free() afterwards, whatever the file contains.
 * \return AMQP_WOLFSSL_OK, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE or AMQP_WOLFSSL_ERROR_NO_MEMORY
 */
amqp_wolfssl_code_t file_read(const char *path, struct secret *contents, amqp_wolfssl_error_t *error);

/** The same. \param [out] status of the very file that was read: the path may lead to another one by now */
amqp_wolfssl_code_t file_read_with_status(const char *path, struct secret *contents, struct stat *status,
                                          amqp_wolfssl_error_t *error);

/**
 * The same for \a name in an open folder (AT_FDCWD: as a path of its own).
 * \param [in] path for sentences
 * \param [out] missing there is no such file: the only failure that may mean nothing
 */
amqp_wolfssl_code_t file_read_at(int folder, const char *name, const char *path, struct secret *contents,
                                 struct stat *status, bool *missing, amqp_wolfssl_error_t *error);

#endif
