/* SPDX-License-Identifier: MIT */
/*
 * The six calls rabbitmq-c makes of a transport, as a decoration of its own TCP socket, and the public functions on
 * sockets. Only this file speaks AMQP_STATUS_*.
 *
 * Rules of the contract that are easily broken: send and recv never return 0 (the core would spin) and never
 * AMQP_STATUS_TIMEOUT (taken as a partial send); get_sockfd is called after every failure, after close too, and must
 * then be -1, but after a fatal TLS error it must not be, or the core replaces the error; delete comes for objects that
 * were never opened; the core itself closes by force only, so delete does the graceful close.
 *
 * rabbitmq-c says that a connection belongs to one thread, but programs receive in one and publish in another, which
 * works over TCP and OpenSSL. A session used by two threads at once can send AMQP in clear, so a lock guards it. Nobody
 * waits with the lock held: one thread's wait must not keep another from sending or receiving.
 */
#include "autoconfig.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "amqp_wolfssl_socket.h"
#include "config/config.h"
#include "tls/connection_facts.h"
#include "base/deadline.h"
#include "base/error.h"
#include "verification/peer_name.h"
#include "transport/publish_coalescer.h"
#include "transport/rabbitmq_socket_abi.h"
#include "tls/session.h"

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

static ssize_t transport_send(void *base, const void *bytes, size_t length, int flags);

static struct transport *from_base(void *base) {
  struct rabbitmq_socket *socket = base;

  return (struct transport *)(uintptr_t)socket->klass;
}

static struct transport *from_socket(const amqp_socket_t *socket) {
  const struct rabbitmq_socket_class *klass;

  if (socket == NULL) {
    return NULL;
  }
  memcpy(&klass, socket, sizeof(klass)); /* amqp_socket_t is opaque: its first word, as the mirror says */
  return klass->send == transport_send ? (struct transport *)(uintptr_t)klass : NULL;
}

/* ---- The lock ---- */

static void enter(struct transport *transport) { (void)pthread_mutex_lock(&transport->lock); }

static void note_failure(struct transport *transport) {
  if (transport->error_callback != NULL && !transport->told) {
    transport->told = true;
    transport->to_tell = true;
  }
}

/*
 * The callback runs without the lock, and with a copy of the record, which another thread may change meanwhile. A
 * recursive lock would let it ask about the socket too; but if it waits for anything (a lock of the program's log) that
 * is held by a thread that is sending, both would wait for ever.
 */
static void leave_and_tell(struct transport *transport) {
  const amqp_wolfssl_error_fn callback = transport->error_callback;
  void *user_data = transport->error_user_data;
  amqp_wolfssl_error_t error;

  error_copy(&error, &transport->error);
  (void)pthread_mutex_unlock(&transport->lock);
  callback((amqp_socket_t *)transport->base, &error, user_data);
}

static void leave(struct transport *transport) {
  if (transport->to_tell) {
    transport->to_tell = false;
    leave_and_tell(transport);
  } else {
    (void)pthread_mutex_unlock(&transport->lock);
  }
}

static void tell_failure(struct transport *transport) {
  enter(transport);
  note_failure(transport);
  leave(transport);
}

/* ---- The socket below the session: rabbitmq-c's own TCP calls ---- */

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

/* ---- Status codes ---- */

static int open_status(const amqp_wolfssl_error_t *error) {
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

static ssize_t data_status(struct transport *transport) {
  note_failure(transport);
  switch (transport->error.code) {
    case AMQP_WOLFSSL_ERROR_NO_MEMORY:
      return AMQP_STATUS_NO_MEMORY;
    case AMQP_WOLFSSL_ERROR_CONNECTION_LOST:
      return AMQP_STATUS_SOCKET_ERROR;
    case AMQP_WOLFSSL_ERROR_CLOSED_BY_PEER:
      return AMQP_STATUS_CONNECTION_CLOSED;
    default: /* every other cause is TLS's; the record tells them apart */
      return AMQP_STATUS_SSL_ERROR;
  }
}

static ssize_t session_status(struct transport *transport, enum session_result result, size_t count) {
  switch (result) {
    case SESSION_DONE:
      return (ssize_t)count;
    case SESSION_WANT_READ:
      return RABBITMQ_STATUS_NEEDREAD;
    case SESSION_WANT_WRITE:
      return RABBITMQ_STATUS_NEEDWRITE;
    case SESSION_ENDED:
      note_failure(transport);
      return AMQP_STATUS_CONNECTION_CLOSED;
    case SESSION_FAILED:
      break;
  }
  return data_status(transport);
}

/* ---- Open ---- */

static void drop_session(struct transport *transport) {
  publish_coalescer_release(&transport->coalescer);
  publish_coalescer_init(&transport->coalescer);
  session_free(transport->session);
  transport->session = NULL;
}

static void close_tcp(struct transport *transport) {
  config_thaw(transport->config);
  if (transport->tcp->get_sockfd(transport->base) != -1) {
    (void)transport->tcp->close(transport->base, RABBITMQ_CLOSE_FORCE);
  }
}

/* The name to verify and to send. NULL in \a name: there is none, and none is needed. */
static amqp_wolfssl_code_t choose_name(struct transport *transport, const struct tls_context *context, const char *host,
                                       struct peer_name *storage, const struct peer_name **name) {
  const char *set = config_server_name(transport->config);
  const char *text = set != NULL ? set : host;

  *name = NULL;
  if (text != NULL && peer_name_parse(storage, text)) {
    *name = storage;
    return AMQP_WOLFSSL_OK;
  }
  if (!tls_context_settings(context)->verify_host) {
    return AMQP_WOLFSSL_OK;
  }
  return error_verify(
      &transport->error, AMQP_WOLFSSL_ERROR_NAME_INVALID,
      "\"%.200s\" is neither a DNS name nor an IP address, so the broker's certificate can't be checked "
      "against it; set the server name apart from the address",
      text != NULL ? text : "(none)");
}

static int explain_tcp_failure(struct transport *transport, int status, int tcp_errno, const char *host, int port) {
  amqp_wolfssl_error_t *error = &transport->error;

  if (status == AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED) {
    error_set(error, AMQP_WOLFSSL_STAGE_RESOLVE, AMQP_WOLFSSL_ERROR_RESOLVE_FAILED,
              "the host name \"%.200s\" can't be resolved", host);
  } else if (status == AMQP_STATUS_TIMEOUT) {
    error_set(error, AMQP_WOLFSSL_STAGE_CONNECT, AMQP_WOLFSSL_ERROR_TIMED_OUT,
              "no TCP connection to %.200s port %d within the time limit", host, port);
  } else {
    error_set(error, AMQP_WOLFSSL_STAGE_CONNECT, AMQP_WOLFSSL_ERROR_CONNECT_FAILED, "can't connect to %.200s port %d",
              host, port);
    /* rabbitmq-c drops the reason when connect() answered "in progress" first. */
    if (tcp_errno != 0 && tcp_errno != EINPROGRESS) {
      error_append(error, ": %s", strerror(tcp_errno));
    }
  }
  return status;
}

static int connect_tcp(struct transport *transport, const char *host, int port, const struct deadline *deadline) {
  struct timeval left;
  int status;

  errno = 0;
  status = transport->tcp->open(transport->base, host, port, deadline_left(deadline, &left));
  return status == AMQP_STATUS_OK ? status : explain_tcp_failure(transport, status, errno, host, port);
}

static int explain_wait(struct transport *transport, enum deadline_wait_result result) {
  if (result == DEADLINE_PASSED) {
    error_set(&transport->error, AMQP_WOLFSSL_STAGE_HANDSHAKE, AMQP_WOLFSSL_ERROR_TIMED_OUT,
              "the TLS handshake did not finish within the time limit; TCP is connected, so the peer may not speak TLS "
              "or be overloaded");
  } else {
    error_set(&transport->error, AMQP_WOLFSSL_STAGE_HANDSHAKE, AMQP_WOLFSSL_ERROR_CONNECTION_LOST,
              "waiting for the peer failed: %s", strerror(errno));
  }
  return open_status(&transport->error);
}

static int shake_hands(struct transport *transport, struct session *session, const struct deadline *deadline) {
  for (;;) {
    enum session_result result = session_handshake(session, &transport->facts);
    enum deadline_wait_result waited;

    if (result == SESSION_DONE) {
      return AMQP_STATUS_OK;
    }
    if (result != SESSION_WANT_READ && result != SESSION_WANT_WRITE) {
      return open_status(&transport->error);
    }
    waited = deadline_wait(deadline, transport->tcp->get_sockfd(transport->base), result == SESSION_WANT_WRITE);
    if (waited != DEADLINE_READY) {
      return explain_wait(transport, waited);
    }
  }
}

/* Only now other threads find the session: none can send before the broker has been verified. */
static void begin_life(struct transport *transport, struct session *session) {
  const struct timeval life = {.tv_sec = (time_t)config_maximum_life(transport->config)};

  enter(transport);
  (void)deadline_start(&transport->due, life.tv_sec != 0 ? &life : NULL);
  transport->session = session;
  leave(transport);
}

static int open_tls(struct transport *transport, const char *host, int port, const struct deadline *deadline) {
  struct lower_socket lower = {lower_send, lower_recv, transport};
  const struct tls_context *context = NULL;
  const struct peer_name *name;
  struct peer_name storage;
  struct session *session;
  int status;

  config_freeze(transport->config);
  /* What is wrong with the config shows before a packet is sent. */
  if (config_tls_context(transport->config, &context, &transport->error) != AMQP_WOLFSSL_OK ||
      choose_name(transport, context, host, &storage, &name) != AMQP_WOLFSSL_OK) {
    return open_status(&transport->error);
  }
  status = connect_tcp(transport, host, port, deadline);
  if (status != AMQP_STATUS_OK) {
    return status;
  }
  session = session_new(context, name, &lower, &transport->error);
  if (session == NULL) {
    return open_status(&transport->error);
  }
  status = shake_hands(transport, session, deadline);
  if (status == AMQP_STATUS_OK) {
    begin_life(transport, session);
  } else {
    session_free(session);
  }
  return status;
}

static int transport_open(void *base, const char *host, int port, const struct timeval *timeout) {
  struct transport *transport = from_base(base);
  struct deadline deadline;
  int status;

  if (transport->tcp->get_sockfd(base) != -1) {
    return AMQP_STATUS_SOCKET_INUSE;
  }
  error_clear(&transport->error);
  transport->told = false;
  connection_facts_free(&transport->facts);
  if (host == NULL || !deadline_start(&deadline, timeout)) {
    error_set(&transport->error, AMQP_WOLFSSL_STAGE_CONNECT, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT,
              host == NULL ? "no host was given" : "the time limit is not a valid struct timeval");
    tell_failure(transport);
    return AMQP_STATUS_INVALID_PARAMETER;
  }
  status = open_tls(transport, host, port, &deadline);
  if (status != AMQP_STATUS_OK) {
    close_tcp(transport); /* after a failure the socket is closed, and may be opened again */
    connection_facts_free(&transport->facts);
    tell_failure(transport);
  }
  return status;
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

static enum coalescer_result flush_held(struct transport *transport) {
  struct coalescer_writer writer = {write_to_session, transport};

  return publish_coalescer_flush(&transport->coalescer, &writer);
}

static ssize_t send_status(struct transport *transport, enum coalescer_result result, size_t accepted) {
  switch (result) {
    case COALESCER_ACCEPTED:
      return (ssize_t)accepted;
    case COALESCER_BLOCKED:
      return RABBITMQ_STATUS_NEEDWRITE;
    case COALESCER_MISUSED:
      error_set(&transport->error, AMQP_WOLFSSL_STAGE_SEND, AMQP_WOLFSSL_ERROR_SEND_CONTRACT_BROKEN,
                "a send was retried with fewer bytes than are under way; only the same bytes, or more, can go on");
      break;
    case COALESCER_BROKEN:
      break;
  }
  return data_status(transport);
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
  result = publish_coalescer_send(&transport->coalescer, &writer, bytes, length, (flags & RABBITMQ_SEND_MORE) != 0,
                                  &accepted);
  return send_status(transport, result, accepted);
}

static ssize_t transport_send(void *base, const void *bytes, size_t length, int flags) {
  struct transport *transport = from_base(base);
  ssize_t result;

  enter(transport);
  result = send_bytes(transport, bytes, length, flags);
  leave(transport);
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
  /* Whoever waits for an answer has asked for it first. If that can't leave now, read all the same: a broker that
     pushes back may be waiting for us to read. */
  flushed = flush_held(transport);
  publish_coalescer_release_idle(&transport->coalescer);
  result = session_recv(transport->session, bytes, capacity, &received);
  if (result == SESSION_WANT_READ && flushed == COALESCER_BLOCKED) {
    return RABBITMQ_STATUS_NEEDWRITE; /* no answer comes to what has not left */
  }
  return session_status(transport, result, received);
}

static ssize_t transport_recv(void *base, void *bytes, size_t capacity, int flags) {
  struct transport *transport = from_base(base);
  ssize_t result;

  (void)flags;
  enter(transport);
  result = receive_bytes(transport, bytes, capacity);
  leave(transport);
  return result;
}

static int close_connection(struct transport *transport, int force) {
  if (transport->tcp->get_sockfd(transport->base) == -1) {
    return AMQP_STATUS_SOCKET_CLOSED;
  }
  if (transport->session != NULL && force != RABBITMQ_CLOSE_FORCE && flush_held(transport) == COALESCER_ACCEPTED) {
    session_close_notify(transport->session);
  }
  drop_session(transport);
  config_thaw(transport->config);
  return transport->tcp->close(transport->base, force);
}

static int transport_close(void *base, int force) {
  struct transport *transport = from_base(base);
  int status;

  enter(transport);
  status = close_connection(transport, force);
  leave(transport);
  return status;
}

static int transport_get_sockfd(void *base) { return from_base(base)->tcp->get_sockfd(base); }

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
  struct transport *transport = from_base(base);

  (void)transport_close(base, RABBITMQ_CLOSE_NONE);
  transport->base->klass = transport->tcp; /* rabbitmq-c gets its own object back, to free it */
  transport->tcp->delete_socket(base);
  connection_facts_free(&transport->facts);
  amqp_wolfssl_config_free(transport->config);
  free_transport(transport);
}

/* ---- Making ---- */

/* Takes over \a config's reference when it succeeds. */
static amqp_socket_t *attach(amqp_connection_state_t connection, amqp_wolfssl_config_t *config) {
  struct transport *transport = new_transport();
  amqp_socket_t *socket;

  if (transport == NULL) {
    return NULL;
  }
  socket = amqp_tcp_socket_new(connection);
  /*
   * On failure the connection keeps a TCP socket that was never opened: sending over it fails, nothing leaves in clear.
   */
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

amqp_wolfssl_config_t *amqp_wolfssl_socket_config(const amqp_socket_t *socket) {
  const struct transport *transport = from_socket(socket);

  return transport != NULL ? transport->config : NULL;
}

/* ---- Cork ---- */

int amqp_wolfssl_socket_cork(amqp_socket_t *socket) {
  struct transport *transport = from_socket(socket);
  int status = AMQP_STATUS_SOCKET_CLOSED;

  if (transport == NULL) {
    return AMQP_STATUS_INVALID_PARAMETER;
  }
  enter(transport);
  if (transport->session != NULL) {
    publish_coalescer_set_corked(&transport->coalescer, true);
    status = AMQP_STATUS_OK;
  }
  leave(transport);
  return status;
}

static enum deadline_wait_result wait_unlocked(struct transport *transport, const struct deadline *deadline) {
  const int descriptor = transport->tcp->get_sockfd(transport->base);
  enum deadline_wait_result waited;

  leave(transport);
  waited = deadline_wait(deadline, descriptor, true);
  enter(transport);
  return waited;
}

/* Called with the lock held, and returns with it; other threads may close the connection while this one waits. */
static int flush_until(struct transport *transport, const struct deadline *deadline) {
  while (transport->session != NULL) {
    enum coalescer_result result = flush_held(transport);
    enum deadline_wait_result waited;

    if (result != COALESCER_BLOCKED) {
      return result == COALESCER_ACCEPTED ? AMQP_STATUS_OK : (int)send_status(transport, result, 0);
    }
    waited = wait_unlocked(transport, deadline);
    if (waited != DEADLINE_READY) {
      return waited == DEADLINE_PASSED ? AMQP_STATUS_TIMEOUT : AMQP_STATUS_SOCKET_ERROR;
    }
  }
  return AMQP_STATUS_SOCKET_CLOSED;
}

int amqp_wolfssl_socket_uncork(amqp_socket_t *socket, const struct timeval *timeout) {
  struct transport *transport = from_socket(socket);
  struct deadline deadline;
  int status;

  if (transport == NULL || !deadline_start(&deadline, timeout)) {
    return AMQP_STATUS_INVALID_PARAMETER;
  }
  enter(transport);
  publish_coalescer_set_corked(&transport->coalescer, false);
  status = flush_until(transport, &deadline);
  leave(transport);
  return status;
}

/* ---- What a program may ask ---- */

/* The record and the facts are handed out by address, which a lock held here could not guard: the record holds until
 * the next call on the socket, the facts until the next open. */

int amqp_wolfssl_socket_is_ours(const amqp_socket_t *socket) { return from_socket(socket) != NULL; }

const amqp_wolfssl_error_t *amqp_wolfssl_socket_error(const amqp_socket_t *socket) {
  const struct transport *transport = from_socket(socket);

  return transport != NULL ? &transport->error : NULL;
}

int amqp_wolfssl_socket_due(const amqp_socket_t *socket) {
  struct transport *transport = from_socket(socket);
  bool due;

  if (transport == NULL) {
    return 0;
  }
  enter(transport);
  due = transport->session != NULL && deadline_has_passed(&transport->due);
  leave(transport);
  return due ? 1 : 0;
}

int amqp_wolfssl_socket_set_error_callback(amqp_socket_t *socket, amqp_wolfssl_error_fn callback, void *user_data) {
  struct transport *transport = from_socket(socket);

  if (transport == NULL) {
    return AMQP_STATUS_INVALID_PARAMETER;
  }
  enter(transport);
  transport->error_callback = callback;
  transport->error_user_data = user_data;
  leave(transport);
  return AMQP_STATUS_OK;
}

static const char *text_or_empty(const char *text) { return text != NULL ? text : ""; }

const char *amqp_wolfssl_socket_version(const amqp_socket_t *socket) {
  const struct transport *transport = from_socket(socket);

  return transport != NULL ? transport->facts.version : "";
}

const char *amqp_wolfssl_socket_suite(const amqp_socket_t *socket) {
  const struct transport *transport = from_socket(socket);

  return transport != NULL ? transport->facts.suite : "";
}

const char *amqp_wolfssl_socket_group(const amqp_socket_t *socket) {
  const struct transport *transport = from_socket(socket);

  return transport != NULL ? transport->facts.group : "";
}

int amqp_wolfssl_socket_extended_master_secret(const amqp_socket_t *socket) {
  const struct transport *transport = from_socket(socket);

  return transport != NULL && transport->facts.extended_master_secret ? 1 : 0;
}

const char *amqp_wolfssl_socket_peer_subject(const amqp_socket_t *socket) {
  const struct transport *transport = from_socket(socket);

  return transport != NULL ? text_or_empty(transport->facts.peer_subject) : "";
}

const char *amqp_wolfssl_socket_peer_issuer(const amqp_socket_t *socket) {
  const struct transport *transport = from_socket(socket);

  return transport != NULL ? text_or_empty(transport->facts.peer_issuer) : "";
}

size_t amqp_wolfssl_socket_peer_name_count(const amqp_socket_t *socket) {
  const struct transport *transport = from_socket(socket);

  return transport != NULL ? transport->facts.peer_name_count : 0;
}

const char *amqp_wolfssl_socket_peer_name(const amqp_socket_t *socket, size_t index) {
  const struct transport *transport = from_socket(socket);

  return transport != NULL && index < transport->facts.peer_name_count ? transport->facts.peer_names[index] : "";
}

int64_t amqp_wolfssl_socket_peer_not_before(const amqp_socket_t *socket) {
  const struct transport *transport = from_socket(socket);

  return transport != NULL ? transport->facts.peer_not_before : 0;
}

int64_t amqp_wolfssl_socket_peer_not_after(const amqp_socket_t *socket) {
  const struct transport *transport = from_socket(socket);

  return transport != NULL ? transport->facts.peer_not_after : 0;
}

const char *amqp_wolfssl_socket_own_subject(const amqp_socket_t *socket) {
  const struct transport *transport = from_socket(socket);

  return transport != NULL ? text_or_empty(transport->facts.own_subject) : "";
}
