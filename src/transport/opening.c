/* SPDX-License-Identifier: MIT */
/* Opening: rabbitmq-c's own TCP, then TLS over it, all within one time limit. */
#include "autoconfig.h"

#include <errno.h>
#include <string.h>

#include "transport/transport.h"
#include "verification/peer_name.h"

static void close_tcp(struct transport *transport) {
  config_thaw(transport->config);
  if (transport->tcp->get_sockfd(transport->base) != -1) {
    (void)transport->tcp->close(transport->base, RABBITMQ_CLOSE_FORCE);
  }
}

/* Chooses the name to verify and to send as SNI. Sets \a name to NULL if there is none and none is needed. */
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
      "against it; connect by a valid name, or set the server name separately",
      text != NULL ? text : "(none)");
}

static int explain_tcp_failure(struct transport *transport, int status, int tcp_errno, const char *host, int port) {
  amqp_wolfssl_error_t *error = &transport->error;

  if (status == AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED) {
    error_set(error, AMQP_WOLFSSL_STAGE_RESOLVE, AMQP_WOLFSSL_ERROR_RESOLVE_FAILED,
              "the host name \"%.200s\" can't be resolved; check its spelling and the DNS configuration", host);
  } else if (status == AMQP_STATUS_TIMEOUT) {
    error_set(error, AMQP_WOLFSSL_STAGE_CONNECT, AMQP_WOLFSSL_ERROR_TIMED_OUT,
              "no TCP connection to %.200s port %d within the time limit; check host, port and firewall", host, port);
  } else {
    error_set(error, AMQP_WOLFSSL_STAGE_CONNECT, AMQP_WOLFSSL_ERROR_CONNECT_FAILED, "can't connect to %.200s port %d",
              host, port);
    /* rabbitmq-c drops the reason when connect() first returned "in progress". */
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
    error_set(
        &transport->error, AMQP_WOLFSSL_STAGE_HANDSHAKE, AMQP_WOLFSSL_ERROR_TIMED_OUT,
        "the TLS handshake did not finish within the time limit; TCP is connected, so the peer may not speak TLS or "
        "may be overloaded");
  } else {
    error_set(&transport->error, AMQP_WOLFSSL_STAGE_HANDSHAKE, AMQP_WOLFSSL_ERROR_CONNECTION_LOST,
              "waiting for the peer failed: %s", strerror(errno));
  }
  return transport_open_status(&transport->error);
}

static int shake_hands(struct transport *transport, struct session *session, const struct deadline *deadline) {
  for (;;) {
    enum session_result result = session_handshake(session, &transport->facts);
    enum deadline_wait_result waited;

    if (result == SESSION_DONE) {
      return AMQP_STATUS_OK;
    }
    if (result != SESSION_WANT_READ && result != SESSION_WANT_WRITE) {
      return transport_open_status(&transport->error);
    }
    waited = deadline_wait(deadline, transport->tcp->get_sockfd(transport->base), result == SESSION_WANT_WRITE);
    if (waited != DEADLINE_READY) {
      return explain_wait(transport, waited);
    }
  }
}

/* Only now can other threads see the session: none can send before the broker has been verified. */
static void begin_life(struct transport *transport, struct session *session) {
  const struct timeval life = {.tv_sec = (time_t)config_maximum_life(transport->config)};

  transport_enter(transport);
  (void)deadline_start(&transport->due, life.tv_sec != 0 ? &life : NULL);
  transport->session = session;
  transport_leave(transport);
}

static int open_tls(struct transport *transport, const char *host, int port, const struct deadline *deadline) {
  const struct lower_socket lower = transport_lower_socket(transport);
  const struct tls_context *context = NULL;
  const struct peer_name *name;
  struct peer_name storage;
  struct session *session;
  int status;

  config_freeze(transport->config);
  /* Errors in the config show before any packet is sent. */
  if (config_tls_context(transport->config, &context, &transport->error) != AMQP_WOLFSSL_OK ||
      choose_name(transport, context, host, &storage, &name) != AMQP_WOLFSSL_OK) {
    return transport_open_status(&transport->error);
  }
  status = connect_tcp(transport, host, port, deadline);
  if (status != AMQP_STATUS_OK) {
    return status;
  }
  session = session_new(context, name, &lower, &transport->error);
  if (session == NULL) {
    return transport_open_status(&transport->error);
  }
  status = shake_hands(transport, session, deadline);
  if (status == AMQP_STATUS_OK) {
    begin_life(transport, session);
  } else {
    session_free(session);
  }
  return status;
}

int transport_open(void *base, const char *host, int port, const struct timeval *timeout) {
  struct transport *transport = transport_of_base(base);
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
    transport_tell_failure(transport);
    return AMQP_STATUS_INVALID_PARAMETER;
  }
  status = open_tls(transport, host, port, &deadline);
  if (status != AMQP_STATUS_OK) {
    close_tcp(transport); /* after a failure the socket is closed, and may be opened again */
    connection_facts_free(&transport->facts);
    transport_tell_failure(transport);
  }
  return status;
}
