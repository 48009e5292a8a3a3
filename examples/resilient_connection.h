/* SPDX-License-Identifier: MIT */
/*
 * Shared by resilient_publisher and resilient_consumer: one connection at a time to one of several hosts, opened again
 * whenever it has ended, with back-off; what failed, in words; and SIGTERM. docs/failover.md explains it.
 */
#ifndef RESILIENT_CONNECTION_H
#define RESILIENT_CONNECTION_H

#include "resilient_options.h"

#include <amqp_wolfssl_socket.h>

#define RESILIENT_CHANNEL 1

enum resilient_status {
  RESILIENT_OK,
  RESILIENT_DONE,    /* nothing is left to do */
  RESILIENT_DUE,     /* the connection is to be replaced by a new one; nothing has failed */
  RESILIENT_LOST,    /* the connection is over: connect again */
  RESILIENT_REFUSED, /* every host refuses for a reason that will not go away by itself */
  RESILIENT_STOPPED, /* SIGTERM or SIGINT, and the time for what was still to do is over */
  RESILIENT_FAILED   /* the machine: no memory, a file that can't be written */
};

struct resilient_connection {
  const struct resilient_options *options;
  struct resilient_host hosts[RESILIENT_MOST_HOSTS]; /* shuffled */
  size_t host_count;
  size_t current; /* of the hosts; host_count: none yet */
  amqp_wolfssl_config_t *config;
  amqp_connection_state_t amqp;
  amqp_socket_t *socket; /* belongs to amqp */
  int ended;             /* nothing more can be sent */
  int established;       /* the broker did all that the program asked for at the beginning */
  int blocked;           /* the broker takes no messages now (connection.blocked) */
  int failures;          /* in a row */
  int connections;       /* so far */
  int64_t established_at;
  int64_t stop_at; /* 0: nobody has asked us to end */
  int grace;       /* milliseconds from the signal to stop_at */
};

/** Milliseconds of a clock that nobody sets. */
int64_t resilient_now(void);
/** A random number from 0 up to, but not including, \a limit. */
int64_t resilient_random(int64_t limit);
/** From here on SIGTERM and SIGINT wait to be asked for. \a grace: milliseconds to finish in after one. */
void resilient_begin(const struct resilient_options *options, int grace, struct resilient_connection *connection);
/** Says on standard error what happens, with the host in front if there is one. */
void resilient_say(const struct resilient_connection *connection, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/** 1 once SIGTERM or SIGINT has come. */
int resilient_stopping(struct resilient_connection *connection);
/** 1 once the time to finish in is over, too. */
int resilient_time_is_up(struct resilient_connection *connection);

/**
 * Connects to the next host, or to the one after it, and so on, waiting in between, until one logs us in and opens the
 * channel. \return RESILIENT_OK, _REFUSED or _STOPPED
 */
enum resilient_status resilient_connect(struct resilient_connection *connection);
/** Declares the queue of the options: durable, and a quorum queue. */
enum resilient_status resilient_declare_queue(struct resilient_connection *connection);
/** The program has all it needs from this host. A refusal from here on is no longer about who we are. */
void resilient_established(struct resilient_connection *connection);
/** A message came or was confirmed: the next failure is the first in a row. */
void resilient_worked(struct resilient_connection *connection);
/** Closes; politely, unless the connection is over. For RESILIENT_LOST the next one comes after a pause. */
void resilient_disconnect(struct resilient_connection *connection, enum resilient_status status);
/** Frees all. */
void resilient_end(struct resilient_connection *connection);

/** Says why \a reply is no success. \return RESILIENT_OK if it is one, else RESILIENT_LOST */
enum resilient_status resilient_check(struct resilient_connection *connection, amqp_rpc_reply_t reply,
                                      const char *doing);
/** The same for a status of rabbitmq-c. */
enum resilient_status resilient_check_status(struct resilient_connection *connection, int status, const char *doing);
/**
 * The next frame, waiting no longer than \a milliseconds; frame_type 0: none came. Frames about the connection or the
 * whole channel have been dealt with.
 */
enum resilient_status resilient_next_frame(struct resilient_connection *connection, int64_t milliseconds,
                                           amqp_frame_t *frame);

/** The exit status of a program that ends so. */
int resilient_exit_status(enum resilient_status status);

#endif
