/* SPDX-License-Identifier: MIT */
/* How fast this wolfSSL encrypts by AES-GCM when nothing else is done. */
#if defined(__has_include)
#if __has_include(<wolfssl/options.h>)
#include <wolfssl/options.h>
#endif
#endif
#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/version.h>

#include <stdio.h>
#include <stdlib.h>

#include <jansson.h>

#include "aes_gcm.h"
#include "meter.h"

static int encrypt_pieces(unsigned long count) {
  static unsigned char plain[AES_GCM_PIECE];
  int result = 0;

  for (unsigned long i = 0; i < count && result == 0; i++) {
    result = aes_gcm_encrypt(plain, sizeof(plain));
  }
  return result;
}

/* Doubles the count until it takes long enough to be measured. */
static int measure(double wanted_us, double *bytes_per_second) {
  for (unsigned long count = 16;; count *= 2) {
    struct meter start = meter_read();
    struct meter used = {0, 0, 0};
    int result = encrypt_pieces(count);

    meter_add_since(&used, &start);
    if (result != 0) {
      return result;
    }
    if (used.wall >= wanted_us) {
      *bytes_per_second = (double)count * (double)AES_GCM_PIECE / ((used.user + used.system) / 1e6);
      return 0;
    }
  }
}

/* What makes most of the difference, as this program's headers have it. */
static json_t *options(void) {
  int aesni = 0;
  int intel_speedup = 0;
  int sp_asm = 0;
  int sp_math = 0;
  int fixed_point_cache = 0;

#ifdef WOLFSSL_AESNI
  aesni = 1;
#endif
#ifdef USE_INTEL_SPEEDUP
  intel_speedup = 1;
#endif
#ifdef WOLFSSL_SP_ASM
  sp_asm = 1;
#endif
#if defined(WOLFSSL_SP_MATH) || defined(WOLFSSL_SP_MATH_ALL)
  sp_math = 1;
#endif
#ifdef FP_ECC
  fixed_point_cache = 1;
#endif
  return json_pack("{s:b, s:b, s:b, s:b, s:b}", "WOLFSSL_AESNI", aesni, "USE_INTEL_SPEEDUP", intel_speedup,
                   "WOLFSSL_SP_ASM", sp_asm, "WOLFSSL_SP_MATH", sp_math, "FP_ECC", fixed_point_cache);
}

static int print_speed(int bits, double bytes_per_second) {
  json_t *object = json_pack("{s:s, s:i, s:i, s:f, s:o}", "wolfssl", LIBWOLFSSL_VERSION_STRING, "key_bits", bits,
                             "piece", (int)AES_GCM_PIECE, "bytes_per_second", bytes_per_second, "options", options());
  int result = object != NULL ? json_dumpf(object, stdout, JSON_COMPACT) : -1;

  json_decref(object);
  return result == 0 && putchar('\n') != EOF ? 0 : -1;
}

int main(int argc, char **argv) {
  int bits = argc > 1 ? atoi(argv[1]) : 256;
  double bytes_per_second = 0;
  int result;

  if (argc > 2 || (bits != 128 && bits != 256)) {
    fprintf(stderr, "usage: raw_aes_gcm [128|256]\n");
    return 2;
  }
  result = aes_gcm_start((unsigned)bits);
  if (result == 0) {
    result = measure(100000, &bytes_per_second);
    aes_gcm_end();
  }
  if (result != 0) {
    fprintf(stderr, "raw_aes_gcm: wolfSSL answers %d\n", result);
    return 1;
  }
  return print_speed(bits, bytes_per_second) == 0 ? 0 : 1;
}
