/* SPDX-License-Identifier: MIT */
/* The name of rabbitmq-c's header through 0.11, which later releases still install. */
#ifndef AMQP_SSL_SOCKET_H
#define AMQP_SSL_SOCKET_H

#include <rabbitmq-c/ssl_socket.h>

#endif
