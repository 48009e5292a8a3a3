/* SPDX-License-Identifier: MIT */
/* rabbitmq-c's own plain socket. Since 0.12 its headers have a folder of their own, and the old names warn. */
#ifndef TESTS_PLAIN_SOCKET_H
#define TESTS_PLAIN_SOCKET_H

#if defined(__has_include)
#if __has_include(<rabbitmq-c/tcp_socket.h>)
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp_tcp_socket.h>
#endif
#else
#include <amqp_tcp_socket.h>
#endif

#endif
