/* SPDX-License-Identifier: MIT */
/* The cork: holds back what a program publishes until the program releases it. */
#include "autoconfig.h"

#include "transport/transport.h"

int amqp_wolfssl_socket_cork(amqp_socket_t *socket) {
  struct transport *transport = transport_of_socket(socket);
  int status = AMQP_STATUS_SOCKET_CLOSED;

  if (transport == NULL) {
    return AMQP_STATUS_INVALID_PARAMETER;
  }
  transport_enter(transport);
  if (transport->session != NULL) {
    publish_coalescer_set_corked(&transport->coalescer, true);
    status = AMQP_STATUS_OK;
  }
  transport_leave(transport);
  return status;
}

static enum deadline_wait_result wait_unlocked(struct transport *transport, const struct deadline *deadline) {
  const int descriptor = transport->tcp->get_sockfd(transport->base);
  enum deadline_wait_result waited;

  transport_leave(transport);
  waited = deadline_wait(deadline, descriptor, DEADLINE_WRITABLE);
  transport_enter(transport);
  return waited;
}

/* Called with the lock held, and returns with it held; other threads may close the connection while this one waits. */
static int flush_until(struct transport *transport, const struct deadline *deadline) {
  while (transport->session != NULL) {
    enum coalescer_result result = transport_flush_held(transport);
    enum deadline_wait_result waited;

    if (result != COALESCER_BLOCKED) {
      return result == COALESCER_ACCEPTED ? AMQP_STATUS_OK : (int)transport_send_status(transport, result, 0);
    }
    waited = wait_unlocked(transport, deadline);
    if (waited != DEADLINE_READY) {
      return waited == DEADLINE_PASSED ? AMQP_STATUS_TIMEOUT : AMQP_STATUS_SOCKET_ERROR;
    }
  }
  return AMQP_STATUS_SOCKET_CLOSED;
}

int amqp_wolfssl_socket_uncork(amqp_socket_t *socket, const struct timeval *timeout) {
  struct transport *transport = transport_of_socket(socket);
  struct deadline deadline;
  int status;

  if (transport == NULL || !deadline_start(&deadline, timeout)) {
    return AMQP_STATUS_INVALID_PARAMETER;
  }
  transport_enter(transport);
  publish_coalescer_set_corked(&transport->coalescer, false);
  status = flush_until(transport, &deadline);
  transport_leave(transport);
  return status;
}
