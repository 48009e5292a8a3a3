/* SPDX-License-Identifier: MIT */
/*
 * Connecting by TCP. rabbitmq-c could do it, but keeps the reason of a failure to itself; otherwise this behaves as its
 * amqp_open_socket_noblock() does.
 */
#ifndef AMQP_WOLFSSL_TCP_CONNECT_H
#define AMQP_WOLFSSL_TCP_CONNECT_H

#include "base/deadline.h"
#include "base/error.h"

/**
 * Tries the addresses of \a host one after the other until one accepts, all within \a deadline. The time that the
 * system's resolver takes can't be limited.
 * \param [out] descriptor connected, and as descriptor_prepare() leaves it, with keepalive; the caller's to close
 * \return AMQP_WOLFSSL_OK, or the code of \a error, which names each address tried and why it failed
 */
amqp_wolfssl_code_t tcp_connect(const char *host, int port, const struct deadline *deadline, int *descriptor,
                                amqp_wolfssl_error_t *error);

#endif
