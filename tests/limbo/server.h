/* SPDX-License-Identifier: MIT */
/* The broker's side of a case: a TLS server that presents any chain, however wrong, for one connection. */
#ifndef TESTS_LIMBO_SERVER_H
#define TESTS_LIMBO_SERVER_H

#include <stdbool.h>

#include "cases.h"

struct limbo_server;

/** \return NULL after a line on stderr: this chain can't be served, so that the case says nothing */
struct limbo_server *limbo_server_new(const struct limbo_case *testcase);
/**
 * Whether it does not hold the private key of the certificate that it presents: the suite does not have it, or it is of
 * a kind that no TLS server can sign with. Then it signs with another.
 */
bool limbo_server_has_other_key(const struct limbo_server *server);
/** Accepts one connection and holds it until the client goes. */
void limbo_server_serve(struct limbo_server *server, int listener);
void limbo_server_free(struct limbo_server *server);

#endif
