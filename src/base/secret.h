/* SPDX-License-Identifier: MIT */
/* Memory that held a key or a passphrase is wiped before it is freed. */
#ifndef AMQP_WOLFSSL_SECRET_H
#define AMQP_WOLFSSL_SECRET_H

#include <stddef.h>
#include <stdint.h>

/** A key or a passphrase; \a bytes is NULL if there is none. */
struct secret {
  uint8_t *bytes;
  size_t length;
};

/** Overwrites memory in a way the compiler can't optimize out. wolfSSL has wc_ForceZero() only since 5.9. */
void secret_wipe(void *memory, size_t length);

/** Wipes, frees and empties. */
void secret_free(struct secret *secret);

/** A copy, followed by a NUL that does not count. \return -1 if out of memory, else 0; \a to must be empty before */
int secret_copy(struct secret *to, const void *bytes, size_t length);

#endif
