/* SPDX-License-Identifier: MIT */
/* The socket below the session: rabbitmq-c's own TCP calls, and readv(), for which it has none. */
#include "autoconfig.h"

#include <errno.h>
#include <sys/uio.h>

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

/* What rabbitmq-c makes of recv(), for readv(), which it has no call for. */
static ssize_t tcp_recv_both(struct transport *transport, void *bytes, size_t length, void *more, size_t more_length) {
  const struct iovec pieces[] = {{bytes, length}, {more, more_length}};
  const int descriptor = transport->tcp->get_sockfd(transport->base);
  ssize_t result;

  do {
    result = readv(descriptor, pieces, sizeof(pieces) / sizeof(pieces[0]));
  } while (result < 0 && errno == EINTR);
  if (result > 0) {
    return result;
  }
  if (result == 0) {
    return LOWER_END_OF_STREAM;
  }
  return errno == EAGAIN || errno == EWOULDBLOCK ? LOWER_WOULD_BLOCK : LOWER_FAILED;
}

static ssize_t lower_recv(void *context, void *bytes, size_t length, void *more, size_t more_length) {
  struct transport *transport = context;

  errno = 0;
  if (more_length > 0) {
    return tcp_recv_both(transport, bytes, length, more, more_length);
  }
  return from_tcp_status(transport->tcp->recv(transport->base, bytes, length, 0));
}

struct lower_socket transport_lower_socket(struct transport *transport) {
  return (struct lower_socket){lower_send, lower_recv, transport};
}
