/* SPDX-License-Identifier: MIT */
/* The command line of resilient_publisher and resilient_consumer. */
#ifndef RESILIENT_OPTIONS_H
#define RESILIENT_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

#define RESILIENT_MOST_HOSTS 16

struct resilient_host {
  char name[256];
  int port;
  int refuses; /* its last word was that it will never take us; see resilient_connection.c */
};

struct resilient_options {
  const char *program;
  struct resilient_host hosts[RESILIENT_MOST_HOSTS];
  size_t host_count;
  const char *ca;          /* NULL: that of the secret */
  const char *certificate; /* NULL: none */
  const char *key;
  const char *secret;      /* a folder in place of these two; NULL: none */
  const char *server_name; /* NULL: each host's own */
  const char *user;        /* NULL: EXTERNAL; else PLAIN with the password in $AMQP_PASSWORD */
  const char *virtual_host;
  const char *queue;
  const char *log;   /* the publisher: ids that were confirmed; the consumer: ids that came; NULL: none */
  int heartbeat;     /* seconds */
  int open_limit;    /* seconds, for TCP and TLS together, and again for each answer of the broker */
  int longest_wait;  /* seconds between two attempts, at most */
  int maximum_life;  /* seconds until amqp_wolfssl_socket_due() says 1; 0: as the library has it */
  int drain_limit;   /* seconds from SIGTERM on in which confirms are still awaited */
  int confirm_limit; /* seconds without a confirm after which a connection counts as dead */
  int64_t count;     /* messages: to publish, or to consume and then end; 0: no limit */
  int rate;          /* messages a second; 0: as fast as confirms allow */
  int size;          /* bytes of a message */
  int window;        /* messages that may be unconfirmed, or delivered and not acknowledged */
  int remember;      /* message ids by which the consumer knows duplicates */
};

/** Reads the command line; prints what is wrong with it, or the help, and exits. */
void resilient_read_options(int argc, char **argv, const char *purpose, struct resilient_options *options);

#endif
