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

/* ---- Send, receive, close ---- */

static enum coalescer_result write_to_session(void *context, const uint8_t *bytes, size_t length, size_t *accepted) {
  struct transport *transport = context;

  switch (session_send(transport->session, bytes, length, accepted)) {
    case SESSION_DONE:
      return COALESCER_ACCEPTED;
    case SESSION_WANT_READ:
    case SESSION_WANT_WRITE:
      return COALESCER_BLOCKED;
    case SESSION_ENDED:
    case SESSION_FAILED:
      break;
  }
  return COALESCER_BROKEN;
}

enum coalescer_result transport_flush_held(struct transport *transport) {
  struct coalescer_writer writer = {write_to_session, transport};

  return publish_coalescer_flush(&transport->coalescer, &writer);
}

static ssize_t send_bytes(struct transport *transport, const void *bytes, size_t length, int flags) {
  struct coalescer_writer writer = {write_to_session, transport};
  enum coalescer_result result;
  size_t accepted;

  if (transport->session == NULL) {
    return AMQP_STATUS_SOCKET_CLOSED;
  }
  if (bytes == NULL || length == 0) {
    return AMQP_STATUS_INVALID_PARAMETER; /* 0 would make the core spin */
  }
  close_reason_sent(&transport->close_reason, bytes, length);
  result = publish_coalescer_send(&transport->coalescer, &writer, bytes, length, (flags & RABBITMQ_SEND_MORE) != 0,
                                  &accepted);
  return transport_send_status(transport, result, accepted);
}

static ssize_t transport_send(void *base, const void *bytes, size_t length, int flags) {
  struct transport *transport = transport_of_base(base);
  ssize_t result;

  transport_enter(transport);
  result = send_bytes(transport, bytes, length, flags);
  transport_leave(transport);
  return result;
}

static ssize_t receive_bytes(struct transport *transport, void *bytes, size_t capacity) {
  enum coalescer_result flushed;
  enum session_result result;
  size_t received;

  if (transport->session == NULL) {
    return AMQP_STATUS_SOCKET_CLOSED;
  }
  if (bytes == NULL || capacity == 0) {
    return AMQP_STATUS_INVALID_PARAMETER;
  }
  /* A caller that waits for a reply has sent its request first. If that can't leave now, read anyway: a broker under
     back-pressure may be waiting for us to read. */
  flushed = transport_flush_held(transport);
  publish_coalescer_release_idle(&transport->coalescer);
  result = session_recv(transport->session, bytes, capacity, &received);
  close_reason_received(&transport->close_reason, bytes, received);
  if (result == SESSION_WANT_READ && flushed == COALESCER_BLOCKED) {
    return RABBITMQ_STATUS_NEEDWRITE; /* no reply comes to a request that has not left */
  }
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

static void drop_session(struct transport *transport) {
  publish_coalescer_release(&transport->coalescer);
  publish_coalescer_init(&transport->coalescer);
  session_free(transport->session);
  transport->session = NULL;
}

static int close_connection(struct transport *transport, int force) {
  if (transport->tcp->get_sockfd(transport->base) == -1) {
    return AMQP_STATUS_SOCKET_CLOSED;
  }
  if (transport->session != NULL && force != RABBITMQ_CLOSE_FORCE &&
      transport_flush_held(transport) == COALESCER_ACCEPTED) {
    session_close_notify(transport->session);
  }
  drop_session(transport);
  config_thaw(transport->config);
  return transport->tcp->close(transport->base, force);
}

static int transport_close(void *base, int force) {
  struct transport *transport = transport_of_base(base);
  int status;

  transport_enter(transport);
  status = close_connection(transport, force);
  transport_leave(transport);
  return status;
}

static int transport_get_sockfd(void *base) { return transport_of_base(base)->tcp->get_sockfd(base); }

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
  transport->base->klass = transport->tcp; /* give rabbitmq-c its own object back, to free it */
  transport->tcp->delete_socket(base);
  connection_facts_free(&transport->facts);
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
  publish_coalescer_init(&transport->coalescer);
  connection_facts_init(&transport->facts);
  error_clear(&transport->error);
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
