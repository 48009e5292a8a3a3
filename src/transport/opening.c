/* SPDX-License-Identifier: MIT */
/*
 * Opening: TCP, then TLS over it, all within one time limit. The connected descriptor, our own or the program's, goes
 * into rabbitmq-c's TCP socket, whose functions do the rest.
 */
#include "autoconfig.h"

#include <errno.h>
#include <string.h>

#include "base/shown_name.h"
#include "transport/descriptor.h"
#include "transport/tcp_connect.h"
#include "transport/transport.h"
#include "verification/expected_identity.h"
#include "verification/peer_name.h"

/* How a connection is opened. */
struct opening {
  const char *host; /* whom to verify; NULL is possible only with a descriptor of the program's */
  int port;
  int descriptor; /* the program's; -1: we connect */
  struct descriptor_flags before;
  struct deadline deadline;
};

/* ---- TCP ---- */

/* rabbitmq-c aborts unless the socket has its own class. -1: it has no descriptor any more, and closes none. */
static void hand_over(struct transport *transport, int descriptor) {
  transport->base->klass = transport->tcp;
  amqp_tcp_socket_set_sockfd((amqp_socket_t *)transport->base, descriptor);
  transport->base->klass = &transport->klass;
}

/* After a failure the socket is closed and may be opened again. The program's descriptor is given back, still open. */
static void leave_tcp(struct transport *transport, const struct opening *opening) {
  config_thaw(transport->config);
  if (transport->tcp->get_sockfd(transport->base) == -1) {
    return;
  }
  if (opening->descriptor == -1) {
    (void)transport->tcp->close(transport->base, RABBITMQ_CLOSE_FORCE);
  } else {
    hand_over(transport, -1);
    descriptor_restore(opening->descriptor, &opening->before);
  }
}

static int connect_status(amqp_wolfssl_code_t code) {
  switch (code) {
    case AMQP_WOLFSSL_OK:
      return AMQP_STATUS_OK;
    case AMQP_WOLFSSL_ERROR_RESOLVE_FAILED:
      return AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED;
    case AMQP_WOLFSSL_ERROR_TIMED_OUT:
      return AMQP_STATUS_TIMEOUT;
    case AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT:
      return AMQP_STATUS_INVALID_PARAMETER;
    case AMQP_WOLFSSL_ERROR_NO_MEMORY:
      return AMQP_STATUS_NO_MEMORY;
    default: /* nothing else goes wrong while connecting */
      return AMQP_STATUS_SOCKET_ERROR;
  }
}

static amqp_wolfssl_code_t prepare_given(struct transport *transport, struct opening *opening) {
  return descriptor_prepare(opening->descriptor, &opening->before)
             ? AMQP_WOLFSSL_OK
             : error_set(&transport->error, AMQP_WOLFSSL_STAGE_CONNECT, AMQP_WOLFSSL_ERROR_CONNECT_FAILED,
                         "the descriptor %d can't be made non-blocking: %s", opening->descriptor, strerror(errno));
}

static int enter_tcp(struct transport *transport, struct opening *opening) {
  int descriptor = opening->descriptor;
  amqp_wolfssl_code_t code =
      descriptor != -1 ? prepare_given(transport, opening)
                       : tcp_connect(opening->host, opening->port, &opening->deadline, &descriptor, &transport->error);

  if (code == AMQP_WOLFSSL_OK) {
    hand_over(transport, descriptor);
  }
  return connect_status(code);
}

/* ---- TLS ---- */

/* Chooses the name to verify and to send as SNI. Sets \a name to NULL if there is none and none is needed. */
static amqp_wolfssl_code_t choose_name(struct transport *transport, const struct tls_context *context, const char *host,
                                       struct peer_name *storage, const struct peer_name **name) {
  const struct tls_settings *settings = tls_context_settings(context);
  const char *set = config_server_name(transport->config);
  const char *text = set != NULL ? set : host;

  *name = NULL;
  if (config_is_nameless(transport->config) && !tls_context_settings(context)->verify_host) {
    return AMQP_WOLFSSL_OK;
  }
  if (text != NULL && peer_name_parse(storage, text)) {
    *name = storage;
    return AMQP_WOLFSSL_OK;
  }
  if (!settings->verify_host || expected_identity_has_names(settings->expected)) {
    return AMQP_WOLFSSL_OK;
  }
  return error_verify(
      &transport->error, AMQP_WOLFSSL_ERROR_NAME_INVALID,
      "\"%.200s\" is neither a DNS name nor an IP address, so the broker's certificate can't be checked "
      "against it; connect by a valid name, or set the server name separately",
      text != NULL ? shown_name(text) : "(none)");
}

static int explain_wait(struct transport *transport, enum pump_end end) {
  if (end == PUMP_TIMED_OUT) {
    error_set(
        &transport->error, AMQP_WOLFSSL_STAGE_HANDSHAKE, AMQP_WOLFSSL_ERROR_TIMED_OUT,
        "the TLS handshake did not finish within the time limit; TCP is connected, so the peer may not speak TLS or "
        "may be overloaded");
  } else if (end == PUMP_WAIT_FAILED) {
    error_set(&transport->error, AMQP_WOLFSSL_STAGE_HANDSHAKE, AMQP_WOLFSSL_ERROR_CONNECTION_LOST,
              "waiting for the peer failed: %s", strerror(errno));
  }
  return transport_open_status(&transport->error);
}

struct handshake {
  struct session *session;
  struct connection_facts *facts;
};

static enum session_result step_handshake(void *context) {
  const struct handshake *handshake = context;

  return session_handshake(handshake->session, handshake->facts);
}

static int shake_hands(struct transport *transport, struct session *session, const struct deadline *deadline) {
  struct handshake handshake = {session, &transport->facts};
  const enum pump_end end = transport_pump(transport, false, step_handshake, &handshake, deadline);

  return end == PUMP_DONE ? AMQP_STATUS_OK : explain_wait(transport, end);
}

/* Only now can other threads see the session: none can send before the broker has been verified. */
static void begin_life(struct transport *transport, struct session *session) {
  const int64_t life = config_maximum_life(transport->config);

  transport_enter(transport);
  if (life != 0) {
    deadline_start_seconds(&transport->due, life);
  } else {
    (void)deadline_start(&transport->due, NULL);
  }
  transport->outdated = false;
  close_reason_init(&transport->close_reason);
  transport->session = session;
  transport_leave(transport);
}

static int open_with(struct transport *transport, const struct tls_context *context, struct opening *opening) {
  const struct lower_socket lower = transport_lower_socket(transport);
  const struct peer_name *name;
  struct peer_name storage;
  struct session *session;
  int status;

  if (choose_name(transport, context, opening->host, &storage, &name) != AMQP_WOLFSSL_OK) {
    return transport_open_status(&transport->error);
  }
  status = enter_tcp(transport, opening);
  if (status != AMQP_STATUS_OK) {
    return status;
  }
  session = session_new(context, name, &lower, &transport->error);
  if (session == NULL) {
    return transport_open_status(&transport->error);
  }
  status = shake_hands(transport, session, &opening->deadline);
  if (status == AMQP_STATUS_OK) {
    begin_life(transport, session);
  } else {
    session_free(session);
  }
  return status;
}

static int open_tls(struct transport *transport, struct opening *opening) {
  struct tls_context *context = NULL;
  int status;

  config_freeze(transport->config);
  /* Errors in the config show before any packet is sent. */
  if (config_tls_context(transport->config, &context, &transport->warning, &transport->error) != AMQP_WOLFSSL_OK) {
    return transport_open_status(&transport->error);
  }
  status = open_with(transport, context, opening);
  tls_context_free(context); /* the session has a reference of its own */
  return status;
}

/* ---- The two ways in ---- */

static void forget_last_connection(struct transport *transport) {
  error_clear(&transport->error);
  error_clear(&transport->warning);
  transport_free_shown_errors(transport);
  transport->told = false;
  connection_facts_free(&transport->facts);
}

static int refuse_argument(struct transport *transport, const char *sentence) {
  error_set(&transport->error, AMQP_WOLFSSL_STAGE_CONNECT, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT, "%s", sentence);
  return AMQP_STATUS_INVALID_PARAMETER;
}

static int check_and_open(struct transport *transport, struct opening *opening, const struct timeval *timeout) {
  if (!deadline_start(&opening->deadline, timeout)) {
    return refuse_argument(transport, "the time limit is not a valid struct timeval");
  }
  return open_tls(transport, opening);
}

static int end_opening(struct transport *transport, const struct opening *opening, int status) {
  if (status != AMQP_STATUS_OK) {
    leave_tcp(transport, opening);
    connection_facts_free(&transport->facts);
    transport_tell_failure(transport);
  } else {
    transport_tell_open(transport, opening->host, opening->port);
  }
  return status;
}

int transport_open(void *base, const char *host, int port, const struct timeval *timeout) {
  struct transport *transport = transport_of_base(base);
  struct opening opening = {.host = host, .port = port, .descriptor = -1};

  if (transport->tcp->get_sockfd(base) != -1) {
    return AMQP_STATUS_SOCKET_INUSE;
  }
  forget_last_connection(transport);
  return end_opening(
      transport, &opening,
      host == NULL ? refuse_argument(transport, "no host was given") : check_and_open(transport, &opening, timeout));
}

int amqp_wolfssl_socket_open_fd(amqp_socket_t *socket, int descriptor, const char *host,
                                const struct timeval *timeout) {
  struct transport *transport = transport_of_socket(socket);
  struct opening opening = {.host = host, .descriptor = descriptor};

  if (transport == NULL) {
    return AMQP_STATUS_INVALID_PARAMETER;
  }
  if (transport->tcp->get_sockfd(transport->base) != -1) {
    return AMQP_STATUS_SOCKET_INUSE;
  }
  forget_last_connection(transport);
  return end_opening(transport, &opening,
                     descriptor_check(descriptor, &transport->error) != AMQP_WOLFSSL_OK
                         ? AMQP_STATUS_INVALID_PARAMETER
                         : check_and_open(transport, &opening, timeout));
}
