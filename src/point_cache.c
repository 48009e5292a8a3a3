/* SPDX-License-Identifier: MIT */
/* Releases wolfSSL's per-thread tables of curve points. */
#include "autoconfig.h"

#include "point_cache.h"

#include "wolfssl_headers.h"

#include <wolfssl/wolfcrypt/ecc.h>

void point_cache_release(void) {
#ifdef FP_ECC
  wc_ecc_fp_free();
#endif
}
