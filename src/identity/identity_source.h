/* SPDX-License-Identifier: MIT */
/* Where the identity came from, so that it can be read again when its files have changed. */
#ifndef AMQP_WOLFSSL_IDENTITY_SOURCE_H
#define AMQP_WOLFSSL_IDENTITY_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/file_set.h"
#include "identity/credentials.h"

enum identity_kind {
  IDENTITY_GIVEN,        /**< there is none, or it came from memory: it never changes */
  IDENTITY_FILES,        /**< certificate and key, each with a path */
  IDENTITY_FILE_AND_KEY, /**< the certificate's path, the key itself */
  IDENTITY_TOKEN,        /**< the certificate's path, the key's URI */
  IDENTITY_FOLDER        /**< tls.crt, tls.key and perhaps ca.crt in one folder */
};

struct identity_source {
  enum identity_kind kind;
  char *path;        /**< of the certificate, or of the folder */
  struct secret key; /**< its path or URI, with a NUL behind, or the key itself */
};

/** The files of a folder, in the order in which identity_source_name_files() names them. */
enum { IDENTITY_CERTIFICATE, IDENTITY_KEY, IDENTITY_AUTHORITIES, IDENTITY_FOLDER_FILES };

/** Copies. \return AMQP_WOLFSSL_OK or NO_MEMORY; \a source must be empty before, and stays so on failure */
amqp_wolfssl_code_t identity_source_set(struct identity_source *source, enum identity_kind kind, const char *path,
                                        const void *key, size_t key_length, amqp_wolfssl_error_t *error);

/** Names what to read again, before anything else is in \a set. \return false if out of memory */
bool identity_source_name_files(const struct identity_source *source, struct file_set *set);

/**
 * Makes the credentials anew from what identity_source_name_files() named, now read. Their certificate must be valid
 * now. For kinds other than IDENTITY_GIVEN. As credentials_read() otherwise.
 * \param [out] valid_from where it fails because the certificate is not valid yet: from when it will be; else 0
 */
amqp_wolfssl_code_t identity_source_read(const struct identity_source *source, const struct file_set *set,
                                         const struct passphrase_source *passphrase, const struct policy *policy,
                                         struct credentials *credentials, int64_t *valid_from,
                                         amqp_wolfssl_error_t *error);

/** Wipes. */
void identity_source_free(struct identity_source *source);

#endif
