/* SPDX-License-Identifier: MIT */
/* A listener on loopback, and a process for each connection. */
#ifndef TESTS_TLS_PROXY_SERVER_H
#define TESTS_TLS_PROXY_SERVER_H

#include "tls_proxy_options.h"

/** Serves until it is told to stop. An exit status. */
int run_server(struct options *options);

#endif
