/* SPDX-License-Identifier: MIT */
/* TLS servers of other makes, on a free port: openssl s_server, gnutls-serv, and the tests' own tls_proxy. */
#ifndef TESTS_TLS_SERVER_H
#define TESTS_TLS_SERVER_H

#include <amqp_wolfssl_socket.h>

#include "peer_process.h"

enum tls_server_kind { TLS_SERVER_OPENSSL, TLS_SERVER_GNUTLS, TLS_SERVER_PROXY };

struct tls_server {
  struct peer_process *process;
  int port;
};

/** "openssl s_server", … */
const char *tls_server_name(enum tls_server_kind kind);

/**
 * Starts one on 127.0.0.1 that shows the certificate \a certificate (see mint-certificates --help; gnutls-serv may have
 * NULL, and what \a more says), and returns once it listens. It insists on a client certificate and verifies it, unless
 * \a more says otherwise. Skips the running case when the program is missing.
 * \param [in] version the only version it takes; 0: what \a more says
 * \param [in] more further arguments, up to NULL; may be NULL
 */
struct tls_server tls_server_start(enum tls_server_kind kind, const char *certificate, int version,
                                   const char *const *more);
/** openssl s_server on another address. \param [in] address "127.0.0.1:0" or "[::1]:0" */
struct tls_server tls_server_start_openssl_at(const char *address, const char *certificate, const char *const *more);

/** tls_proxy with the certificate "server" and these options, up to NULL. It asks for no client certificate unasked. */
struct tls_server tls_server_start_proxy(const char *const *options);
/** Stops it. */
void tls_server_stop(struct tls_server *server);

/** Fails the running case unless the server soon says that it got the fatal alert \a alert. */
void tls_server_expect_alert(enum tls_server_kind kind, struct tls_server *server, int alert);
/** Whether the server has said so far that it got the certificate of \a common_name from the client. */
bool tls_server_saw_client(enum tls_server_kind kind, const struct tls_server *server, const char *common_name);
/** Fails the running case unless the server soon says that it got this client's certificate. */
void tls_server_expect_client(enum tls_server_kind kind, struct tls_server *server, const char *common_name);

#endif
