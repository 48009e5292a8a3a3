/* SPDX-License-Identifier: MIT */
/* What is measured: many publishes, many consumed messages, many connects, many idle connections. */
#ifndef BENCH_WORKLOAD_H
#define BENCH_WORKLOAD_H

#include <stddef.h>

#include "connection.h"
#include "meter.h"

enum operation { OPERATION_PUBLISH, OPERATION_PUBLISH_CORKED, OPERATION_CONSUME, OPERATION_CONNECT, OPERATION_IDLE };

struct workload {
  enum operation operation;
  size_t size;      /* of a message's body */
  unsigned count;   /* messages, or connections */
  unsigned warm_up; /* messages, or connects, before measuring */
  unsigned batch;   /* publishes between cork and uncork */
  int prefill;      /* consume: publish the messages first (a broker), instead of asking for them (the sink) */
  int separate;     /* consume from the sink: a record for each message */
};

struct outcome {
  struct meter total;  /* of the whole loop */
  struct meter create; /* the parts of a connect */
  struct meter open;
  struct meter login;
  struct meter close;    /* not in total */
  long long shared_heap; /* idle: what the connections share */
  long long heap;        /* idle: what they have each, together */
  long long resident;
};

/** \return 0, or -1 after saying on stderr what failed */
int workload_run(const struct workload *workload, const struct target *target, amqp_wolfssl_config_t *config,
                 struct outcome *outcome);

#endif
