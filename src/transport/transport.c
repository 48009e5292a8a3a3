/* SPDX-License-Identifier: MIT */
/*
 * The six calls that rabbitmq-c makes on a transport, wrapped around its own TCP socket, and the creation of such
 * sockets. Only this folder deals in AMQP_STATUS_*.
 *
 * Rules of the contract that are easy to break: send and recv must never return 0 (the core would spin) or
 * AMQP_STATUS_TIMEOUT (taken as a partial send); get_sockfd is called after every failure and after close; after close
 * it must return -1, but after a fatal TLS error it must not, or the core replaces the error; delete is called on
 * objects that were never opened, too; the core itself only closes by force, so delete does the graceful close.
 *
 * The lock in socket_lock.c keeps threads apart.
 */
#include "autoconfig.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "transport/transport.h"

static ssize_t transport_send(void *base, const void *bytes, size_t length, int flags);

struct transport *transport_of_base(void *base) {
  struct rabbitmq_socket *socket = base;

  return (struct transport *)(uintptr_t)socket->klass;
}

struct transport *transport_of_socket(const amqp_socket_t *socket) {
  const struct rabbitmq_socket_class *klass;

  if (socket == NULL) {
    return NULL;
  }
  memcpy(&klass, socket, sizeof(klass)); /* opaque: read its first word, as rabbitmq_socket_abi.h says */
  return klass->send == transport_send ? (struct transport *)(uintptr_t)klass : NULL;
}

/* ---- Send and receive ---- */

#define CANNOT_GO_ON "so the connection can't go on: destroy it (amqp_destroy_connection()) and open a new one"

/* How long to let another thread go on before this one may ask again, at first and later, and how often it may ask:
   about ten seconds. */
#define TURN_MILLISECONDS 1
#define LATER_TURN_MILLISECONDS 10
#define SHORT_TURNS 100
#define MOST_TURNS 1090

/*
 * Another thread has begun a frame and must end it. It may be anywhere between two calls, and the descriptor, which can
 * be written, would not keep this one waiting. Nor can we know that it has given up: a thread in the middle of a frame
 * may receive, or be late.
 */
static void let_another_go_on(struct transport *transport) {
  const int milliseconds = transport->turns < SHORT_TURNS ? TURN_MILLISECONDS : LATER_TURN_MILLISECONDS;

  transport->turns++;
  if (transport->turns > MOST_TURNS) {
    session_refuse_send(transport->session,
                        "another thread has given up a send in the middle of a frame, " CANNOT_GO_ON);
    return;
  }
  transport_leave(transport);
  (void)poll(NULL, 0, milliseconds);
  transport_enter(transport);
}

static enum coalescer_result send_by_turns(struct transport *transport, const void *bytes, size_t length, bool more,
                                           size_t *accepted) {
  enum coalescer_result result =
      publish_coalescer_send(&transport->coalescer, &transport->writer, bytes, length, more, accepted);

  if (result == COALESCER_BUSY) {
    let_another_go_on(transport);
    return COALESCER_BLOCKED;
  }
  transport->turns = 0;
  if (result == COALESCER_MISUSED) {
    /* What rabbitmq-c sends next after it has given up one that blocked, or a defect above: they look alike. */
    session_refuse_send(
        transport->session,
        "an earlier send was given up before all its bytes had left (or retried with other bytes), " CANNOT_GO_ON);
    return COALESCER_BROKEN;
  }
  return result;
}

static ssize_t send_bytes(struct transport *transport, const void *bytes, size_t length, int flags) {
  enum coalescer_result result;
  size_t accepted = 0;

  transport_forget_either_way(transport);
  if (transport->session == NULL) {
    return AMQP_STATUS_SOCKET_CLOSED;
  }
  if (bytes == NULL || length == 0) {
    return AMQP_STATUS_INVALID_PARAMETER; /* 0 would make the core spin */
  }
  close_reason_sent(&transport->close_reason, bytes, length);
  if (session_can_send(transport->session)) {
    result = send_by_turns(transport, bytes, length, (flags & RABBITMQ_SEND_MORE) != 0, &accepted);
  } else {
    (void)session_flush(transport->session); /* repeats the failure: nothing more is taken, not even by a cork */
    result = COALESCER_BROKEN;
  }
  return transport_send_status(transport, result, accepted);
}

static ssize_t transport_send(void *base, const void *bytes, size_t length, int flags) {
  struct transport *transport = transport_of_base(base);
  ssize_t result;

  transport_enter(transport);
  transport->wrote = false;
  result = send_bytes(transport, bytes, length, flags);
  if (transport->wrote || result < 0) {
    transport_leave(transport);
  } else {
    transport_leave_session_untouched(transport); /* what was sent is only held */
  }
  return result;
}

static ssize_t receive_bytes(struct transport *transport, void *bytes, size_t capacity) {
  enum session_result result;
  size_t received;

  transport_forget_either_way(transport);
  if (transport->session == NULL) {
    return AMQP_STATUS_SOCKET_CLOSED;
  }
  if (bytes == NULL || capacity == 0) {
    return AMQP_STATUS_INVALID_PARAMETER;
  }
  result = transport_step_both_ways(transport, bytes, capacity, &received);
  close_reason_received(&transport->close_reason, bytes, received);
  return transport_session_status(transport, result, received);
}

static ssize_t transport_recv(void *base, void *bytes, size_t capacity, int flags) {
  struct transport *transport = transport_of_base(base);
  ssize_t result;

  (void)flags;
  transport_enter(transport);
  result = receive_bytes(transport, bytes, capacity);
  transport_leave(transport);
  return result;
}

/* ---- Life ---- */

static struct transport *new_transport(void) {
  struct transport *transport = calloc(1, sizeof(*transport));

  if (transport != NULL && pthread_mutex_init(&transport->lock, NULL) != 0) {
    free(transport);
    return NULL;
  }
  return transport;
}

static void free_transport(struct transport *transport) {
  (void)pthread_mutex_destroy(&transport->lock);
  free(transport);
}

static void transport_delete(void *base) {
  struct transport *transport = transport_of_base(base);

  (void)transport_close(base, RABBITMQ_CLOSE_NONE);
  transport_end_either_way(transport);
  transport->base->klass = transport->tcp; /* give rabbitmq-c its own object back, to free it */
  transport->tcp->delete_socket(base);
  connection_facts_free(&transport->facts);
  transport_free_shown_errors(transport);
  amqp_wolfssl_config_free(transport->config);
  free_transport(transport);
}

/* ---- Creation ---- */

/* On success takes over the caller's reference to \a config. */
static amqp_socket_t *attach(amqp_connection_state_t connection, amqp_wolfssl_config_t *config) {
  struct transport *transport = new_transport();
  amqp_socket_t *socket;

  if (transport == NULL) {
    return NULL;
  }
  socket = amqp_tcp_socket_new(connection);
  /* On failure the connection keeps a TCP socket that was never opened: sending fails, and nothing leaves in
     cleartext. */
  if (socket == NULL || !rabbitmq_socket_probe(socket)) {
    free_transport(transport);
    return NULL;
  }
  transport->klass = (struct rabbitmq_socket_class){
      transport_send, transport_recv, transport_open, transport_close, transport_get_sockfd, transport_delete,
  };
  transport->base = (struct rabbitmq_socket *)socket;
  transport->tcp = transport->base->klass;
  transport->config = config;
  transport->writer = transport_writer(transport);
  transport->either_way = -1;
  publish_coalescer_init(&transport->coalescer);
  connection_facts_init(&transport->facts);
  error_clear(&transport->error);
  error_clear(&transport->warning);
  transport->base->klass = &transport->klass;
  return socket;
}

amqp_socket_t *amqp_wolfssl_socket_new(amqp_connection_state_t connection, amqp_wolfssl_config_t *config) {
  amqp_socket_t *socket;

  if (connection == NULL || config == NULL || config_is_unshared(config)) {
    return NULL;
  }
  socket = attach(connection, config);
  if (socket != NULL) {
    config_freeze(amqp_wolfssl_config_reference(config));
  }
  return socket;
}

amqp_socket_t *amqp_wolfssl_socket_new_unshared(amqp_connection_state_t connection) {
  amqp_wolfssl_config_t *config;
  amqp_socket_t *socket;

  if (connection == NULL) {
    return NULL;
  }
  config = config_new_unshared();
  if (config == NULL) {
    return NULL;
  }
  socket = attach(connection, config);
  if (socket == NULL) {
    amqp_wolfssl_config_free(config);
  }
  return socket;
}
