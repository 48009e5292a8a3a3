/* SPDX-License-Identifier: MIT */
/*
 * Start-up of wolfSSL: the library's only global state. A mutex and not pthread_once(), because a start that failed for
 * lack of memory has to be tried again when there is some.
 */
#include "autoconfig.h"

#include "fips_module.h"

#include <pthread.h>
#include <stdbool.h>

#include "build_info.h"
#include "wolfssl_headers.h"

static pthread_mutex_t starting = PTHREAD_MUTEX_INITIALIZER;
static bool started;

int fips_module_start(void) {
  int result = 0;

  if (pthread_mutex_lock(&starting) != 0) {
    return -1;
  }
  if (!started) {
    result = wolfSSL_Init();
    started = result == WOLFSSL_SUCCESS;
    result = started ? 0 : result;
    build_info_write();
  }
  (void)pthread_mutex_unlock(&starting);
  return result;
}
