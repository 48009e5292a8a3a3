/* SPDX-License-Identifier: MIT */
/*
 * What headers say of AES is true of the build they came with; another libwolfssl of the same SONAME may be running, on
 * a processor without the instructions besides. So the running one is asked to expand a key. The instructions of x86
 * and ARM want round keys as they come, and code in C keeps them in words of the processor's byte order. The key stands
 * first in wolfSSL's structure: AES-NI code finds it there.
 */
#include "autoconfig.h"

#include "backend/aes_hardware.h"

#include <string.h>

#include "backend/wolfssl_headers.h"

#include <wolfssl/wolfcrypt/aes.h>

#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#define KNOWN_AS_HARDWARE "AES by hardware"
#define KNOWN_AS_SOFTWARE "AES without hardware"

/* More than the structure takes in any build: the running one's may be larger than that of our headers. */
typedef union {
  Aes aes;
  uint8_t bytes[16384];
} aes_in_any_build_t;

static bool processor_has_aes(void) {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_cpu_init();
  return __builtin_cpu_supports("aes");
#elif defined(__aarch64__) && defined(__linux__)
  return (getauxval(AT_HWCAP) & HWCAP_AES) != 0;
#else
  return false;
#endif
}

static bool is_in_reversed_words(const uint8_t *key, const uint8_t *kept) {
  for (int i = 0; i < AES_HARDWARE_KEY_BYTES; i++) {
    if (kept[i] != key[i ^ 3]) {
      return false;
    }
  }
  return true;
}

const char *aes_hardware_judge(const uint8_t *key, const uint8_t *kept, bool processor_has_aes) {
  if (!processor_has_aes || is_in_reversed_words(key, kept)) {
    return KNOWN_AS_SOFTWARE;
  }
  return memcmp(key, kept, AES_HARDWARE_KEY_BYTES) == 0 ? KNOWN_AS_HARDWARE : AES_HARDWARE_UNKNOWN;
}

const char *aes_hardware_text(void) {
  static const uint8_t key[AES_HARDWARE_KEY_BYTES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  aes_in_any_build_t any;
  const char *text = AES_HARDWARE_UNKNOWN;

  memset(&any, 0, sizeof(any));
  if (wc_AesInit(&any.aes, NULL, INVALID_DEVID) == 0) {
    if (wc_AesGcmSetKey(&any.aes, key, sizeof(key)) == 0) {
      text = aes_hardware_judge(key, any.bytes, processor_has_aes());
    }
    wc_AesFree(&any.aes);
  }
  return text;
}
