/* SPDX-License-Identifier: MIT */
/* The name that rabbitmq-c's header had through 0.11, and that it still answers to. */
#ifndef AMQP_SSL_SOCKET_H
#define AMQP_SSL_SOCKET_H

#include <rabbitmq-c/ssl_socket.h>

#endif
