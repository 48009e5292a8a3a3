/* SPDX-License-Identifier: MIT */
/* Maps the record of a failure to the AMQP_STATUS_* that describes it best. */
#include "autoconfig.h"

#include "transport/transport.h"

int transport_open_status(const amqp_wolfssl_error_t *error) {
  if (error->code == AMQP_WOLFSSL_ERROR_NO_MEMORY) {
    return AMQP_STATUS_NO_MEMORY;
  }
  if (error->code == AMQP_WOLFSSL_ERROR_TIMED_OUT) {
    return AMQP_STATUS_TIMEOUT;
  }
  if (error->code == AMQP_WOLFSSL_ERROR_NAME_MISMATCH) {
    return AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED;
  }
  switch (error->stage) {
    case AMQP_WOLFSSL_STAGE_VERIFY:
      return AMQP_STATUS_SSL_PEER_VERIFY_FAILED;
    case AMQP_WOLFSSL_STAGE_HANDSHAKE:
    case AMQP_WOLFSSL_STAGE_POLICY:
      return AMQP_STATUS_SSL_CONNECTION_FAILED;
    case AMQP_WOLFSSL_STAGE_NONE:
    case AMQP_WOLFSSL_STAGE_CONFIGURE:
    case AMQP_WOLFSSL_STAGE_RESOLVE:
    case AMQP_WOLFSSL_STAGE_CONNECT:
    case AMQP_WOLFSSL_STAGE_SEND:
    case AMQP_WOLFSSL_STAGE_RECEIVE:
    case AMQP_WOLFSSL_STAGE_CLOSE:
      break;
  }
  return AMQP_STATUS_SSL_ERROR;
}

/* The connection has ended. */
static void note_end(struct transport *transport) {
  close_reason_add(&transport->close_reason, &transport->error);
  transport_note_failure(transport);
}

static ssize_t data_status(struct transport *transport) {
  note_end(transport);
  switch (transport->error.code) {
    case AMQP_WOLFSSL_ERROR_NO_MEMORY:
      return AMQP_STATUS_NO_MEMORY;
    case AMQP_WOLFSSL_ERROR_CONNECTION_LOST:
      return AMQP_STATUS_SOCKET_ERROR;
    case AMQP_WOLFSSL_ERROR_CLOSED_BY_PEER:
      return AMQP_STATUS_CONNECTION_CLOSED;
    default: /* every other cause lies in TLS; the record tells them apart */
      return AMQP_STATUS_SSL_ERROR;
  }
}

ssize_t transport_session_status(struct transport *transport, enum session_result result, size_t count) {
  switch (result) {
    case SESSION_DONE:
      return (ssize_t)count;
    case SESSION_WANT_EITHER:
      /* Without such a descriptor, what waits has to leave first: no reply comes to a request that has not left. */
      return transport_arrange_either_way(transport) ? RABBITMQ_STATUS_NEEDREAD : RABBITMQ_STATUS_NEEDWRITE;
    case SESSION_WANT_READ:
      (void)transport_arrange_either_way(transport); /* for what another thread may leave waiting meanwhile */
      return RABBITMQ_STATUS_NEEDREAD;
    case SESSION_WANT_WRITE:
      return RABBITMQ_STATUS_NEEDWRITE;
    case SESSION_ENDED:
      note_end(transport);
      return AMQP_STATUS_CONNECTION_CLOSED;
    case SESSION_FAILED:
      break;
  }
  return data_status(transport);
}

ssize_t transport_send_status(struct transport *transport, enum coalescer_result result, size_t accepted) {
  switch (result) {
    case COALESCER_ACCEPTED:
      return (ssize_t)accepted;
    case COALESCER_BLOCKED:
    case COALESCER_BUSY:
      return RABBITMQ_STATUS_NEEDWRITE;
    case COALESCER_BROKEN:
    case COALESCER_MISUSED:
      break;
  }
  return data_status(transport);
}
