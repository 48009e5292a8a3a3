/* SPDX-License-Identifier: MIT */
/* A socket of ours, for the files of this folder that share its work. */
#ifndef AMQP_WOLFSSL_TRANSPORT_H
#define AMQP_WOLFSSL_TRANSPORT_H

#include <pthread.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/deadline.h"
#include "base/error.h"
#include "config/config.h"
#include "tls/connection_facts.h"
#include "tls/session.h"
#include "transport/publish_coalescer.h"
#include "transport/rabbitmq_socket_abi.h"

struct transport {
  struct rabbitmq_socket_class klass; /* first: the socket's class pointer is this object's address */
  struct rabbitmq_socket *base;       /* rabbitmq-c's TCP socket, which this one sits on */
  const struct rabbitmq_socket_class *tcp;
  amqp_wolfssl_config_t *config;
  pthread_mutex_t lock;               /* guards what follows, but facts: only opening and the end change those */
  struct session *session;            /* NULL while closed, and until its handshake is over */
  struct publish_coalescer coalescer; /* what the core believes sent and the session has not seen yet */
  struct connection_facts facts;
  struct deadline due; /* when the connection has lasted long enough */
  amqp_wolfssl_error_t error;
  amqp_wolfssl_error_fn error_callback;
  void *error_user_data;
  bool told;    /* the callback knows of this connection's failure; later calls fail for the same reason */
  bool to_tell; /* it will know when the lock is free */
};

/* ---- transport ---- */

struct transport *transport_of_base(void *base);
/** NULL when \a socket is not ours. */
struct transport *transport_of_socket(const amqp_socket_t *socket);

/** Sends what the coalescer holds. Called with the lock held. */
enum coalescer_result transport_flush_held(struct transport *transport);

/* ---- opening ---- */

/** rabbitmq-c's open. */
int transport_open(void *base, const char *host, int port, const struct timeval *timeout);

/* ---- lower_socket ---- */

/** rabbitmq-c's TCP calls, as a session wants them. */
struct lower_socket transport_lower_socket(struct transport *transport);

/* ---- socket_lock ---- */

void transport_enter(struct transport *transport);
/** Runs the program's callback too, once the lock is free, when a failure was noted. */
void transport_leave(struct transport *transport);
/** Has the callback told of this connection's failure, once. Called with the lock held. */
void transport_note_failure(struct transport *transport);
/** The same when nobody holds the lock. */
void transport_tell_failure(struct transport *transport);

/* ---- status: what rabbitmq-c is told. The last two are called with the lock held, and note failures. ---- */

/** Of an open that failed. */
int transport_open_status(const amqp_wolfssl_error_t *error);
/** Of a receive; \a count is what it returns when all went well. */
ssize_t transport_session_status(struct transport *transport, enum session_result result, size_t count);
/** Of a send, of which \a accepted bytes were taken. */
ssize_t transport_send_status(struct transport *transport, enum coalescer_result result, size_t accepted);

#endif
