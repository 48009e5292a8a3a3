/* SPDX-License-Identifier: MIT */
/* One connection from accept() to its end: the client's socket and what stands behind tls_proxy. */
#ifndef TESTS_TLS_PROXY_RELAY_H
#define TESTS_TLS_PROXY_RELAY_H

#include <openssl/ssl.h>

#include "tls_proxy_options.h"

/** Serves \a client and closes it. The exit status of a process that did nothing else. */
int run_connection(const struct options *options, SSL_CTX *context, int client);

#endif
