/* SPDX-License-Identifier: MIT */
/* The TLS context of tls_proxy: identity, suites, what it asks of clients, and what OpenSSL tells about each. */
#ifndef TESTS_TLS_PROXY_CONTEXT_H
#define TESTS_TLS_PROXY_CONTEXT_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "tls_proxy_options.h"

/** What the context's callbacks learn of a client: each SSL has one as its app data. */
struct client_facts {
  bool hello_seen;
  bool certificate_received;
  char *certificate_subject; /* NULL: none came */
};

/** NULL after a complaint. \a options have to outlive it. */
SSL_CTX *new_context(struct options *options);
/** To be freed; NULL if out of memory. */
char *subject_of(X509 *certificate);

#endif
