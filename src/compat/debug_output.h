/* SPDX-License-Identifier: MIT */
/* What is written to stderr with AMQP_WOLFSSL_DEBUG=1 in the environment. */
#ifndef AMQP_WOLFSSL_DEBUG_OUTPUT_H
#define AMQP_WOLFSSL_DEBUG_OUTPUT_H

#include "amqp_wolfssl_socket.h"

/** Writes to stderr why \a socket fails, if the environment asks for it and can be trusted. */
void debug_output_attach(amqp_socket_t *socket);

#endif
