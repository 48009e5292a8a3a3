/* SPDX-License-Identifier: MIT */
/* AES-GCM by this wolfSSL as TLS uses it, for measurements alone: what it makes is thrown away. */
#ifndef BENCH_AES_GCM_H
#define BENCH_AES_GCM_H

#include <stddef.h>

/** As large as a TLS record can be. */
#define AES_GCM_PIECE ((size_t)16384)

/** \param bits of the key: 128 or 256. \return 0, or wolfSSL's error code */
int aes_gcm_start(unsigned bits);
/** Encrypts in pieces, with a fresh nonce and 5 bytes of associated data each, as in TLS 1.3. \return 0, or wolfSSL's
    error code */
int aes_gcm_encrypt(const void *bytes, size_t length);
void aes_gcm_end(void);

#endif
