/* SPDX-License-Identifier: MIT */
/* One key for the whole process: the measuring programs have one connection at a time. */
#if defined(__has_include)
#if __has_include(<wolfssl/options.h>)
#include <wolfssl/options.h>
#endif
#endif
#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/wolfcrypt/aes.h>

#include "aes_gcm.h"

#include <stdint.h>
#include <string.h>

#define NONCE 12
#define TAG 16

static Aes aes;
static uint64_t pieces;

int aes_gcm_start(unsigned bits) {
  static const unsigned char key[32] = {1};
  int result = wc_AesInit(&aes, NULL, INVALID_DEVID);

  if (result == 0) {
    result = wc_AesGcmSetKey(&aes, key, bits / 8);
  }
  return result;
}

static int encrypt_piece(const unsigned char *bytes, size_t length) {
  static unsigned char encrypted[AES_GCM_PIECE];
  const size_t on_wire = length + TAG + 1;
  const unsigned char header[5] = {23, 3, 3, (unsigned char)(on_wire >> 8), (unsigned char)on_wire};
  unsigned char nonce[NONCE] = {0};
  unsigned char tag[TAG];

  memcpy(nonce, &pieces, sizeof(pieces));
  pieces++;
  return wc_AesGcmEncrypt(&aes, encrypted, bytes, (word32)length, nonce, NONCE, tag, TAG, header, sizeof(header));
}

int aes_gcm_encrypt(const void *bytes, size_t length) {
  const unsigned char *at = bytes;
  int result = 0;

  while (length > 0 && result == 0) {
    const size_t now = length < AES_GCM_PIECE ? length : AES_GCM_PIECE;

    result = encrypt_piece(at, now);
    at += now;
    length -= now;
  }
  return result;
}

void aes_gcm_end(void) { wc_AesFree(&aes); }
