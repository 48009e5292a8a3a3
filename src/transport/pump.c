/* SPDX-License-Identifier: MIT */
/*
 * What moves bytes: a step both ways that never waits, and the loop that takes such steps and waits between them.
 */
#include "autoconfig.h"

#include "transport/transport.h"

/* ---- The writer below the coalescer ---- */

/* NOLINTNEXTLINE(misc-redundant-expression): they are equal, and need not be */
_Static_assert(COALESCER_WRITE_MOST <= SESSION_SEND_MOST, "a session takes whole what the coalescer writes");

static enum coalescer_result from_session(enum session_result result) {
  if (result == SESSION_DONE) {
    return COALESCER_ACCEPTED;
  }
  return session_waits(result) ? COALESCER_BLOCKED : COALESCER_BROKEN;
}

static enum coalescer_result flush_session(void *context) {
  struct transport *transport = context;

  transport->wrote = true;
  return from_session(session_flush(transport->session));
}

static enum coalescer_result write_to_session(void *context, const uint8_t *bytes, size_t length) {
  struct transport *transport = context;
  size_t taken;

  transport->wrote = true;
  return from_session(session_send(transport->session, bytes, length, &taken));
}

struct coalescer_writer transport_writer(struct transport *transport) {
  return (struct coalescer_writer){flush_session, write_to_session, transport};
}

/* ---- One step ---- */

static enum coalescer_result flush(struct transport *transport) {
  return publish_coalescer_flush(&transport->coalescer, &transport->writer);
}

enum session_result transport_step_out(void *context) {
  struct transport *transport = context;

  if (transport->session == NULL) {
    return SESSION_FAILED; /* another thread has closed it meanwhile */
  }
  switch (flush(transport)) {
    case COALESCER_ACCEPTED:
      return SESSION_DONE;
    case COALESCER_BLOCKED:
      return SESSION_WANT_WRITE;
    case COALESCER_BUSY:
    case COALESCER_BROKEN:
    case COALESCER_MISUSED:
      break;
  }
  return SESSION_FAILED;
}

/* Behind a receive that found nothing. \return what to wait for now, or news */
static enum session_result send_what_is_held(struct transport *transport, enum session_result wanted, void *bytes,
                                             size_t capacity, size_t *received) {
  switch (flush(transport)) {
    case COALESCER_ACCEPTED:
      return wanted;
    case COALESCER_BLOCKED:
      return wanted | SESSION_WANT_WRITE;
    case COALESCER_BUSY:
    case COALESCER_BROKEN:
    case COALESCER_MISUSED:
      break;
  }
  /* Nobody may be sent to wait: nothing need ever wake them. What has arrived meanwhile is told first. */
  return session_recv(transport->session, bytes, capacity, received);
}

enum session_result transport_step_both_ways(struct transport *transport, void *bytes, size_t capacity,
                                             size_t *received) {
  const bool was_well = transport->error.code == AMQP_WOLFSSL_OK;
  enum session_result result;

  /* A caller that waits for a reply has sent its request first. If that can't leave now, read anyway: a broker under
     back-pressure may be waiting for us to read. */
  (void)flush(transport);
  result = session_recv(transport->session, bytes, capacity, received);
  if (session_waits(result) && publish_coalescer_holds(&transport->coalescer)) {
    result = send_what_is_held(transport, result, bytes, capacity, received);
  }
  if (result == SESSION_DONE && was_well && transport->error.code != AMQP_WOLFSSL_OK) {
    session_postpone_failure(transport->session);
  }
  publish_coalescer_release_idle(&transport->coalescer);
  return result;
}

/* ---- Step after step ---- */

static enum deadline_wait_result wait(struct transport *transport, bool locked, enum session_result events,
                                      const struct deadline *deadline) {
  const int descriptor = transport->tcp->get_sockfd(transport->base);
  enum deadline_wait_result waited;

  if (locked) {
    transport_leave(transport);
  }
  waited = deadline_wait(deadline, descriptor, events);
  if (locked) {
    transport_enter(transport);
  }
  return waited;
}

enum pump_end transport_pump(struct transport *transport, bool locked, enum session_result (*step)(void *context),
                             void *context, const struct deadline *deadline) {
  for (;;) {
    const enum session_result result = step(context);
    enum deadline_wait_result waited;

    if (!session_waits(result)) {
      return result == SESSION_DONE ? PUMP_DONE : PUMP_FAILED;
    }
    waited = wait(transport, locked, result, deadline);
    if (waited != DEADLINE_READY) {
      return waited == DEADLINE_PASSED ? PUMP_TIMED_OUT : PUMP_WAIT_FAILED;
    }
  }
}
