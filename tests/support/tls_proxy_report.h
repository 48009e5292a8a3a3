/* SPDX-License-Identifier: MIT */
/* What tls_proxy says: its protocol on stdout, complaints on stderr. */
#ifndef TESTS_TLS_PROXY_REPORT_H
#define TESTS_TLS_PROXY_REPORT_H

/** A line on stdout. Lines of several processes share it: each goes out in one write. */
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** A line on stderr. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** What OpenSSL gives as the reason of its last error. */
const char *openssl_reason(void);

#endif
