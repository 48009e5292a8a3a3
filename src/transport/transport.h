/* SPDX-License-Identifier: MIT */
/* Our socket object, for the files of this folder that share its work. */
#ifndef AMQP_WOLFSSL_TRANSPORT_H
#define AMQP_WOLFSSL_TRANSPORT_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/deadline.h"
#include "base/error.h"
#include "config/config.h"
#include "tls/connection_facts.h"
#include "tls/session.h"
#include "transport/close_reason.h"
#include "transport/publish_coalescer.h"
#include "transport/rabbitmq_socket_abi.h"

struct shown_error;

struct transport {
  struct rabbitmq_socket_class klass; /* first: the socket's class pointer is this object's address */
  void (*no_function[RABBITMQ_SOCKET_SPARE_SLOTS])(void); /* NULL, where a later rabbitmq-c may look for more */
  struct rabbitmq_socket *base;                           /* rabbitmq-c's TCP socket, which this one sits on */
  const struct rabbitmq_socket_class *tcp;
  amqp_wolfssl_config_t *config;
  pthread_mutex_t lock;               /* guards what follows, except facts: only open and delete change those */
  struct session *session;            /* NULL while closed, and until its handshake is over */
  struct coalescer_writer writer;     /* never changes */
  bool wrote;                         /* the coalescer has called the writer, since a send set it to false */
  struct publish_coalescer coalescer; /* what the core believes sent but the session has not seen yet */
  struct close_reason close_reason;   /* what AMQP tells of the connection's end */
  struct connection_facts facts;
  struct deadline due;              /* when the connection has lasted long enough */
  bool outdated;                    /* there is a better certificate for it by now */
  int either_way;                   /* a descriptor that can be read once there is something to do; -1: none yet */
  bool awaits_room;                 /* which is also the case once the socket can be written */
  unsigned promised_either_way;     /* to how many threads that have not asked for it since; more if some never do */
  unsigned turns;                   /* how often a thread has had to let another one go on, one after the other */
  amqp_wolfssl_error_t shown_first; /* copies of error that programs have got: the first, */
  struct shown_error *shown_later;  /* and the others */
  amqp_wolfssl_error_t error;
  amqp_wolfssl_error_t warning; /* only opening changes it */
  amqp_wolfssl_error_fn error_callback;
  void *error_user_data;
  amqp_wolfssl_open_fn open_callback;
  void *open_user_data;
  bool told;    /* the callback was told of this connection's failure; later calls fail for the same reason */
  bool to_tell; /* it will be told once the lock is released */
};

_Static_assert(offsetof(struct transport, klass) == 0, "rabbitmq-c reads the table there");
_Static_assert(offsetof(struct transport, no_function) == sizeof(struct rabbitmq_socket_class), "nothing between them");

/* ---- transport ---- */

struct transport *transport_of_base(void *base);
/** NULL when \a socket is not ours. */
struct transport *transport_of_socket(const amqp_socket_t *socket);

/* ---- pump. Called with the lock held. ---- */

/** What the coalescer writes to. */
struct coalescer_writer transport_writer(struct transport *transport);
/** Sends what waits, as far as it can leave. SESSION_DONE: all of it has. \param [in] context the transport */
enum session_result transport_step_out(void *context);
/** Sends what waits, and receives. SESSION_DONE: \a received is not 0. */
enum session_result transport_step_both_ways(struct transport *transport, void *bytes, size_t capacity,
                                             size_t *received);

enum pump_end { PUMP_DONE, PUMP_TIMED_OUT, PUMP_WAIT_FAILED /**< errno says why */, PUMP_FAILED };

/**
 * Takes steps until one does not wait, and waits between them. At least one is taken, then the deadline counts,
 * whatever is ready. \param [in] locked the lock is held, except while waiting: other threads may close the connection
 * then
 */
enum pump_end transport_pump(struct transport *transport, bool locked, enum session_result (*step)(void *context),
                             void *context, const struct deadline *deadline);

/* ---- closing ---- */

/** rabbitmq-c's close. */
int transport_close(void *base, int force);

/* ---- lingering. Called with the lock held. ---- */

/** What is left of the peer's stream. */
enum input_end { INPUT_GOES_ON /**< more may come */, INPUT_ENDED, INPUT_BROKEN /**< errno says why */ };

/** How many bytes the peer's kernel has not acknowledged; 0 also where that can't be known. */
size_t transport_unacknowledged(const struct transport *transport);
/** Throws away what has come in, unread. \return what may still come */
enum input_end transport_discard_input(const struct transport *transport);
/**
 * Does so until the peer has acknowledged everything. PUMP_FAILED: the connection is broken, and errno says why. The
 * lock is not held while waiting. To be called when nothing can be sent any more and nobody else receives.
 */
enum pump_end transport_linger(struct transport *transport, const struct deadline *deadline);

/* ---- either_way ---- */

/** rabbitmq-c's get_sockfd. */
int transport_get_sockfd(void *base);
/**
 * The next question of this thread for the descriptor gets one that can be read once the socket can be read, or, while
 * output is blocked, written. Called with the lock held, like the next one. \return false if there is none
 */
bool transport_arrange_either_way(struct transport *transport);
/** Output may have become blocked, or not blocked. */
void transport_adjust_either_way(struct transport *transport);
void transport_withdraw_either_way(struct transport *transport);
static inline void transport_forget_either_way(struct transport *transport) {
  if (transport->promised_either_way > 0) {
    transport_withdraw_either_way(transport);
  }
}
void transport_end_either_way(struct transport *transport);

/* ---- shown_error ---- */

void transport_free_shown_errors(struct transport *transport);

/* ---- opening ---- */

/** rabbitmq-c's open. */
int transport_open(void *base, const char *host, int port, const struct timeval *timeout);

/* ---- open_callback ---- */

/** Runs the program's callback for an open that has succeeded. \param [in] host NULL: the program named none */
void transport_tell_open(const struct transport *transport, const char *host, int port);

/* ---- lower_socket ---- */

/** rabbitmq-c's TCP calls, and readv() for which it has none, in the form a session takes. */
struct lower_socket transport_lower_socket(struct transport *transport);

/* ---- socket_lock ---- */

static inline void transport_enter(struct transport *transport) { (void)pthread_mutex_lock(&transport->lock); }
/** Also runs the program's callback, once the lock is released, if a failure was noted. */
void transport_leave(struct transport *transport);
/** The same, after what has not touched the session: then output is as blocked as it was. */
static inline void transport_leave_session_untouched(struct transport *transport) {
  if (transport->to_tell) {
    transport_leave(transport);
  } else {
    (void)pthread_mutex_unlock(&transport->lock);
  }
}
/** Arranges for the callback to be told of this connection's failure, once. Called with the lock held. */
void transport_note_failure(struct transport *transport);
/** The same, called without the lock. */
void transport_tell_failure(struct transport *transport);

/* ---- status: what rabbitmq-c is told. The last two are called with the lock held, and note failures. ---- */

/** For an open that failed. */
int transport_open_status(const amqp_wolfssl_error_t *error);
/** For a receive; \a count is what it returns on success. */
ssize_t transport_session_status(struct transport *transport, enum session_result result, size_t count);
/** For a send; \a accepted is what it returns on success. */
ssize_t transport_send_status(struct transport *transport, enum coalescer_result result, size_t accepted);

#endif
