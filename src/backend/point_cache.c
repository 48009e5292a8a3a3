/* SPDX-License-Identifier: MIT */
/* Releases wolfSSL's per-thread tables of curve points. */
#include "autoconfig.h"

#include "backend/point_cache.h"

#include "backend/wolfssl_headers.h"

#include <wolfssl/wolfcrypt/ecc.h>

void point_cache_release(void) {
  /* Without thread-local storage all threads share the tables, and this would free them while others use them. */
#if defined(FP_ECC) && defined(HAVE_THREAD_LS)
  wc_ecc_fp_free();
#endif
}
