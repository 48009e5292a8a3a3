/* SPDX-License-Identifier: MIT */
/* The lines that are written with AMQP_WOLFSSL_DEBUG in the environment. */
#ifndef AMQP_WOLFSSL_DEBUG_OUTPUT_H
#define AMQP_WOLFSSL_DEBUG_OUTPUT_H

#include "amqp_wolfssl_socket.h"

/** From now on \a socket reports that it is connected, and its failures, if the environment asks for it. */
void debug_output_attach(amqp_socket_t *socket);

/** Reports the failure of the last setter of \a config, if the environment asks for it. */
void debug_output_setter_failed(const amqp_wolfssl_config_t *config);

/** Reports that no socket could be made, if the environment asks for it. */
void debug_output_no_socket(void);

#endif
