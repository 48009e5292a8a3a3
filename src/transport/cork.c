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

/*
 * Nothing is received here: the program could not see with poll() what is no longer in the kernel. A peer that reads on
 * only when it has been heard is met by a time limit, and by receiving after it, which goes on sending too.
 */
static int flush_until(struct transport *transport, const struct deadline *deadline) {
  switch (transport_pump(transport, true, transport_step_out, transport, deadline)) {
    case PUMP_DONE:
      return AMQP_STATUS_OK;
    case PUMP_TIMED_OUT:
      return AMQP_STATUS_TIMEOUT;
    case PUMP_WAIT_FAILED:
      return AMQP_STATUS_SOCKET_ERROR;
    case PUMP_FAILED:
      break;
  }
  return transport->session != NULL ? (int)transport_send_status(transport, COALESCER_BROKEN, 0)
                                    : AMQP_STATUS_SOCKET_CLOSED;
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
