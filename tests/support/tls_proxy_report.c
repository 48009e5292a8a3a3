/* SPDX-License-Identifier: MIT */
/* Lines for the test that started tls_proxy, and for whoever reads its log. */
#include "tls_proxy_report.h"

#include <stdarg.h>
#include <stdio.h>

#include <openssl/err.h>

void report(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  (void)vfprintf(stdout, format, arguments);
  va_end(arguments);
  (void)fputc('\n', stdout);
  (void)fflush(stdout);
}

void complain(const char *format, ...) {
  va_list arguments;
  (void)fputs("tls_proxy: ", stderr);
  va_start(arguments, format);
  (void)vfprintf(stderr, format, arguments);
  va_end(arguments);
  (void)fputc('\n', stderr);
}

const char *openssl_reason(void) {
  const unsigned long error = ERR_peek_last_error();
  const char *reason = ERR_reason_error_string(error);
  return reason != NULL ? reason : "unknown reason";
}
