/* SPDX-License-Identifier: MIT */
/*
 * Closing. rabbitmq-c itself only closes by force, when something went wrong; a program that destroys its connection
 * closes politely: what it was told was sent leaves first, if the peer takes it within a second, and if not, the
 * program hears of it. A second, because a peer that reads at all needs a few round trips at most for what fits into
 * the queue, and because whoever destroys a connection does not expect to wait.
 */
#include "autoconfig.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "transport/transport.h"

#define CLOSE_SECONDS 1

static void drop_session(struct transport *transport) {
  transport_end_either_way(transport);
  publish_coalescer_release(&transport->coalescer);
  publish_coalescer_init(&transport->coalescer);
  session_free(transport->session);
  transport->session = NULL;
}

/*
 * What the peer says now nobody will hear; but a peer that can't send may not read either.
 */
static enum session_result step_closing(void *context) {
  struct transport *transport = context;
  uint8_t unheard[TLS_RECORD_PLAINTEXT];
  enum session_result sent = transport_step_out(transport);
  enum session_result heard;
  size_t count;

  if (!session_waits(sent)) {
    return sent;
  }
  heard = session_recv(transport->session, unheard, sizeof(unheard), &count);
  switch (heard) {
    case SESSION_FAILED:
    case SESSION_WANT_WRITE: /* it reads no more until something has left: what comes in must not wake us */
      return heard;
    case SESSION_ENDED: /* the peer may read on */
      return sent;
    default:
      return SESSION_WANT_EITHER;
  }
}

/* The first cause stays. A session that failed has left one. */
static void note_cause(struct transport *transport, enum pump_end end, int cause) {
  if (transport->error.code != AMQP_WOLFSSL_OK) {
    return;
  }
  if (end == PUMP_TIMED_OUT) {
    error_set(&transport->error, AMQP_WOLFSSL_STAGE_CLOSE, AMQP_WOLFSSL_ERROR_TIMED_OUT,
              "the connection was closed before the peer had read everything: it has not done so within %d s",
              CLOSE_SECONDS);
  } else if (end == PUMP_WAIT_FAILED) {
    error_set(&transport->error, AMQP_WOLFSSL_STAGE_CLOSE, AMQP_WOLFSSL_ERROR_CONNECTION_LOST,
              "waiting for the peer failed while the connection was being closed: %s", strerror(cause));
  } else {
    error_set(&transport->error, AMQP_WOLFSSL_STAGE_CLOSE, AMQP_WOLFSSL_ERROR_CONNECTION_LOST,
              "the connection was lost while it was being closed: %s", strerror(cause));
  }
}

/* Told even after another failure: that bytes are lost is news. */
static void report_loss(struct transport *transport, size_t lost, enum pump_end end) {
  const int cause = errno;

  if (lost == 0) {
    return;
  }
  note_cause(transport, end, cause);
  error_append(&transport->error, "; up to %zu bytes of AMQP may be lost", lost);
  transport->told = false;
  transport_note_failure(transport);
}

/* What calls of send() have accepted and may not have left. */
static size_t accepted_and_unsent(const struct transport *transport) {
  const size_t unsent = session_unsent(transport->session);
  const size_t claimed = publish_coalescer_claimed(&transport->coalescer);

  return transport->coalescer.held.length + (unsent > claimed ? unsent - claimed : 0);
}

static bool is_open(const struct transport *transport) { return transport->tcp->get_sockfd(transport->base) != -1; }

/* Bytes that were not acknowledged before count as AMQP: encryption, and answers to KeyUpdates among them, only make
   them more. What was added since does not. No other thread may receive from a session whose bytes are thrown away. */
static void say_goodbye(struct transport *transport, const struct deadline *deadline) {
  const size_t before = transport_unacknowledged(transport);
  enum pump_end end;
  size_t added;
  size_t left;

  session_close_notify(transport->session);
  end = transport_pump(transport, true, step_closing, transport, deadline); /* it may not have left at once */
  if (transport->session == NULL) {
    return; /* another thread has closed it meanwhile */
  }
  if (end == PUMP_DONE) {
    (void)shutdown(transport->tcp->get_sockfd(transport->base), SHUT_WR);
    drop_session(transport);
  }
  left = transport_unacknowledged(transport);
  added = left > before ? left - before : 0;
  if (end == PUMP_DONE && before > 0) {
    end = transport_linger(transport, deadline);
  }
  if (end != PUMP_DONE && is_open(transport)) {
    left = transport_unacknowledged(transport);
    report_loss(transport, left > added ? left - added : 0, end);
  }
}

static void send_and_report(struct transport *transport) {
  const struct timeval limit = {.tv_sec = CLOSE_SECONDS};
  struct deadline deadline;
  enum pump_end end;

  (void)deadline_start(&deadline, &limit);
  end = transport_pump(transport, true, step_closing, transport, &deadline);
  if (transport->session == NULL) {
    return; /* another thread has closed it meanwhile */
  }
  if (end == PUMP_DONE) {
    say_goodbye(transport, &deadline);
  } else {
    report_loss(transport, accepted_and_unsent(transport) + transport_unacknowledged(transport), end);
  }
}

static void close_politely(struct transport *transport) {
  send_and_report(transport);
  if (is_open(transport)) {
    (void)transport_discard_input(transport); /* anything left makes the kernel drop what it has not sent */
  }
}

/* Closing alone wakes nobody who waits for the descriptor. It is our own to shut down only once it has a session: one
   that the program has given is given back if opening fails. */
static void wake_others(const struct transport *transport) {
  if (transport->session != NULL) {
    (void)shutdown(transport->tcp->get_sockfd(transport->base), SHUT_RDWR);
  }
}

static int close_connection(struct transport *transport, int force) {
  if (!is_open(transport)) {
    return AMQP_STATUS_SOCKET_CLOSED;
  }
  if (transport->session != NULL && force != RABBITMQ_CLOSE_FORCE) {
    close_politely(transport);
  }
  if (!is_open(transport)) {
    return AMQP_STATUS_SOCKET_CLOSED;
  }
  wake_others(transport);
  drop_session(transport);
  config_thaw(transport->config);
  return transport->tcp->close(transport->base, force);
}

int transport_close(void *base, int force) {
  struct transport *transport = transport_of_base(base);
  int status;

  transport_enter(transport);
  status = close_connection(transport, force);
  transport_leave(transport);
  return status;
}
