/* SPDX-License-Identifier: MIT */
/* Start-up of wolfSSL: the library's only global state. */
#include "autoconfig.h"

#include "fips_module.h"

#include <pthread.h>

#include "build_info.h"
#include "wolfssl_headers.h"

static pthread_once_t started = PTHREAD_ONCE_INIT;
static int start_result;

static void start(void) {
  int result = wolfSSL_Init();

  build_info_write();
  start_result = result == WOLFSSL_SUCCESS ? 0 : result;
}

int fips_module_start(void) {
  int result = pthread_once(&started, start);

  return result != 0 ? -1 : start_result;
}
