/* SPDX-License-Identifier: MIT */
/*
 * rabbitmq-c's private table of socket functions as rabbitmq-c itself sees it, for tests that stand where rabbitmq-c
 * stands. Written from librabbitmq/amqp_socket.h of rabbitmq-c 0.8.0 to 0.18.1 and not from this library's own mirror
 * of it, so that a mistake there shows here: a socket begins with a pointer to a table of six functions, each given the
 * socket first.
 */
#ifndef TESTS_FAULT_VTABLE_H
#define TESTS_FAULT_VTABLE_H

#include <stddef.h>
#include <string.h>
#include <sys/time.h>
#include <sys/types.h>

#include <amqp_wolfssl_socket.h>

/* AMQP_PRIVATE_STATUS_SOCKET_NEEDREAD and _NEEDWRITE, AMQP_SF_*, AMQP_SC_* there. */
enum {
  FAULT_NEEDREAD = -0x1301,
  FAULT_NEEDWRITE = -0x1302,
  FAULT_SEND_PLAIN = 0,
  FAULT_SEND_MORE = 1,
  FAULT_CLOSE_GRACEFULLY = 0,
  FAULT_CLOSE_BY_FORCE = 1
};

struct fault_vtable {
  ssize_t (*send)(void *socket, const void *bytes, size_t length, int flags);
  ssize_t (*recv)(void *socket, void *bytes, size_t capacity, int flags);
  int (*open)(void *socket, const char *host, int port, const struct timeval *timeout);
  int (*close)(void *socket, int force);
  int (*get_sockfd)(void *socket);
  void (*delete_socket)(void *socket);
};

static inline const struct fault_vtable *fault_vtable_of(const amqp_socket_t *socket) {
  const struct fault_vtable *vtable;

  memcpy(&vtable, socket, sizeof(vtable));
  return vtable;
}

#endif
