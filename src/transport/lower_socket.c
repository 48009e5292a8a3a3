/* SPDX-License-Identifier: MIT */
/* The socket below the session: rabbitmq-c's own TCP calls. */
#include "autoconfig.h"

#include <errno.h>

#include "transport/transport.h"

static ssize_t from_tcp_status(ssize_t result) {
  if (result > 0) {
    return result;
  }
  switch (result) {
    case RABBITMQ_STATUS_NEEDREAD:
    case RABBITMQ_STATUS_NEEDWRITE:
      return LOWER_WOULD_BLOCK;
    case 0:
    case AMQP_STATUS_CONNECTION_CLOSED:
    case AMQP_STATUS_SOCKET_CLOSED:
      return LOWER_END_OF_STREAM;
    default:
      return LOWER_FAILED;
  }
}

static ssize_t lower_send(void *context, const void *bytes, size_t length) {
  struct transport *transport = context;
  ssize_t result;

  errno = 0;
  result = from_tcp_status(transport->tcp->send(transport->base, bytes, length, 0));
  if (result == LOWER_END_OF_STREAM) {
    errno = EPIPE;
    return LOWER_FAILED;
  }
  return result;
}

static ssize_t lower_recv(void *context, void *bytes, size_t length) {
  struct transport *transport = context;

  errno = 0;
  return from_tcp_status(transport->tcp->recv(transport->base, bytes, length, 0));
}

struct lower_socket transport_lower_socket(struct transport *transport) {
  return (struct lower_socket){lower_send, lower_recv, transport};
}
