/* SPDX-License-Identifier: MIT */
/* What AMQP_WOLFSSL_DEBUG=1 in the environment writes to stderr. */
#ifndef AMQP_WOLFSSL_DEBUG_OUTPUT_H
#define AMQP_WOLFSSL_DEBUG_OUTPUT_H

#include "amqp_wolfssl_socket.h"

/** Has why \a socket failed written to stderr where the environment asks for it and may be trusted. */
void debug_output_attach(amqp_socket_t *socket);

#endif
