/* SPDX-License-Identifier: MIT */
/*
 * The loops that are measured. A publish counts as done when the server has answered a later call, which is inside the
 * measured part; so no bytes are left in a buffer when the clock stops.
 */
#include "workload.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What a measured loop needs. */
struct stream {
  const struct workload *workload;
  const struct connection *connection;
  amqp_bytes_t queue;
  amqp_bytes_t body;
  unsigned count;
};

/* Callgrind collects in this function only (--toggle-collect), so it must stay one. */
int bench_measured(const struct stream *stream);

static int failed(const char *doing, int status) {
  fprintf(stderr, "client: %s: %s\n", doing, amqp_error_string2(status));
  return -1;
}

/* ---- Publish and consume ---- */

/* The server answers after it has read everything that came before. */
static int wait_for_server(const struct stream *stream) {
  (void)amqp_queue_declare(stream->connection->amqp, BENCH_CHANNEL, stream->queue, 1, 0, 0, 0, amqp_empty_table);
  return connection_check(stream->connection, "waiting for the server");
}

static int publish(const struct stream *stream, unsigned count) {
  for (unsigned i = 0; i < count; i++) {
    int status = amqp_basic_publish(stream->connection->amqp, BENCH_CHANNEL, amqp_empty_bytes, stream->queue, 0, 0,
                                    NULL, stream->body);

    if (status != AMQP_STATUS_OK) {
      return failed("publish", status);
    }
  }
  return 0;
}

static int publish_corked(const struct stream *stream) {
  unsigned batch = stream->workload->batch;

  for (unsigned left = stream->count; left > 0;) {
    unsigned now = left < batch ? left : batch;
    int status = amqp_wolfssl_socket_cork(stream->connection->socket);

    if (status != AMQP_STATUS_OK) {
      return failed("cork", status);
    }
    if (publish(stream, now) != 0) {
      return -1;
    }
    status = amqp_wolfssl_socket_uncork(stream->connection->socket, NULL);
    if (status != AMQP_STATUS_OK) {
      return failed("uncork", status);
    }
    left -= now;
  }
  return 0;
}

/* What the sink takes for an order; to a broker it is just a name. */
static int start_consuming(const struct stream *stream) {
  char tag[64];

  (void)snprintf(tag, sizeof(tag), "produce-%zu-%u%s", stream->workload->size, stream->count,
                 stream->workload->separate ? "-separate" : "");
  (void)amqp_basic_consume(stream->connection->amqp, BENCH_CHANNEL, stream->queue, amqp_cstring_bytes(tag), 0, 1, 0,
                           amqp_empty_table);
  return connection_check(stream->connection, "consuming");
}

static int consume(const struct stream *stream) {
  amqp_connection_state_t amqp = stream->connection->amqp;

  if (start_consuming(stream) != 0) {
    return -1;
  }
  for (unsigned i = 0; i < stream->count; i++) {
    amqp_envelope_t envelope;
    amqp_rpc_reply_t reply;
    size_t length;

    amqp_maybe_release_buffers(amqp);
    reply = amqp_consume_message(amqp, &envelope, NULL, 0);
    if (reply.reply_type != AMQP_RESPONSE_NORMAL) {
      return failed("consume", reply.library_error);
    }
    length = envelope.message.body.len;
    amqp_destroy_envelope(&envelope);
    if (length != stream->workload->size) {
      fprintf(stderr, "client: a message of %zu bytes came, not %zu\n", length, stream->workload->size);
      return -1;
    }
  }
  return 0;
}

static int run_stream(const struct stream *stream) {
  if (stream->workload->operation == OPERATION_CONSUME) {
    return consume(stream);
  }
  if (stream->workload->operation == OPERATION_PUBLISH_CORKED) {
    return publish_corked(stream) == 0 ? wait_for_server(stream) : -1;
  }
  return publish(stream, stream->count) == 0 ? wait_for_server(stream) : -1;
}

__attribute__((noinline)) int bench_measured(const struct stream *stream) { return run_stream(stream); }

/* The sink is asked for a few messages; a broker's connection is warm from the messages put there. */
static int warm_up(const struct stream *stream) {
  struct stream warming = *stream;

  if (stream->workload->operation == OPERATION_CONSUME && stream->workload->prefill) {
    return publish(stream, stream->count) == 0 ? wait_for_server(stream) : -1;
  }
  warming.count = stream->workload->warm_up;
  return warming.count == 0 ? 0 : run_stream(&warming);
}

static int measure_stream(const struct workload *workload, const struct connection *connection, amqp_bytes_t body,
                          struct outcome *outcome) {
  char queue[32];
  struct stream stream = {workload, connection, amqp_empty_bytes, body, workload->count};
  struct meter start;

  (void)snprintf(queue, sizeof(queue), "bench-%ld", (long)getpid());
  stream.queue = amqp_cstring_bytes(queue);
  (void)amqp_queue_declare(connection->amqp, BENCH_CHANNEL, stream.queue, 0, 0, 1, 1, amqp_empty_table);
  if (connection_check(connection, "declaring a queue") != 0 || warm_up(&stream) != 0) {
    return -1;
  }
  start = meter_read();
  if (bench_measured(&stream) != 0) {
    return -1;
  }
  meter_add_since(&outcome->total, &start);
  return 0;
}

static int run_messages(const struct workload *workload, const struct target *target, amqp_wolfssl_config_t *config,
                        struct outcome *outcome) {
  struct connection connection = {NULL, NULL};
  amqp_bytes_t body = {workload->size, calloc(workload->size > 0 ? workload->size : 1, 1)};
  int result = -1;

  if (body.bytes == NULL) {
    fprintf(stderr, "client: out of memory\n");
  } else if (connection_make(target, config, &connection) == 0) {
    result = measure_stream(workload, &connection, body, outcome);
  }
  connection_end(&connection);
  free(body.bytes);
  return result;
}

/* ---- Connect ---- */

static int connect_once(const struct target *target, amqp_wolfssl_config_t *config, struct outcome *outcome) {
  struct connection connection = {NULL, NULL};
  struct meter start = meter_read();
  struct meter step = start;
  int result = connection_create(target, config, &connection);

  meter_add_since(&outcome->create, &step);
  step = meter_read();
  if (result == 0) {
    result = connection_open(target, &connection);
  }
  meter_add_since(&outcome->open, &step);
  step = meter_read();
  if (result == 0) {
    result = connection_login(target, &connection);
  }
  meter_add_since(&outcome->login, &step);
  meter_add_since(&outcome->total, &start);
  step = meter_read();
  connection_end(&connection);
  meter_add_since(&outcome->close, &step);
  return result;
}

static int run_connects(const struct workload *workload, const struct target *target, amqp_wolfssl_config_t *config,
                        struct outcome *outcome) {
  struct outcome unused = {0};

  for (unsigned i = 0; i < workload->warm_up; i++) {
    if (connect_once(target, config, &unused) != 0) {
      return -1;
    }
  }
  for (unsigned i = 0; i < workload->count; i++) {
    if (connect_once(target, config, outcome) != 0) {
      return -1;
    }
  }
  return 0;
}

/* ---- Idle connections ---- */

/* One message out and one look at the socket, as by a program that has worked and now waits for messages. */
static int use_and_rest(const struct connection *connection, amqp_bytes_t body) {
  struct timeval now = {0, 0};
  amqp_frame_t frame;
  int status;

  status = amqp_basic_publish(connection->amqp, BENCH_CHANNEL, amqp_empty_bytes, amqp_cstring_bytes("nobody"), 0, 0,
                              NULL, body);
  if (status != AMQP_STATUS_OK) {
    return failed("publish", status);
  }
  amqp_maybe_release_buffers(connection->amqp);
  status = amqp_simple_wait_frame_noblock(connection->amqp, &frame, &now);
  return status == AMQP_STATUS_TIMEOUT ? 0 : failed("waiting for nothing", status);
}

static int hold_connections(const struct workload *workload, const struct target *target, amqp_wolfssl_config_t *config,
                            struct connection *connections, struct outcome *outcome) {
  static char content[128];
  amqp_bytes_t body = {sizeof(content), content};
  long long heap = meter_heap();
  long long resident = meter_resident();

  for (unsigned i = 0; i < workload->count; i++) {
    if (connection_make(target, config, &connections[i]) != 0) {
      return -1;
    }
  }
  for (unsigned i = 0; i < workload->count; i++) {
    if (use_and_rest(&connections[i], body) != 0) {
      return -1;
    }
  }
  outcome->heap = meter_heap() - heap;
  outcome->resident = meter_resident() - resident;
  return 0;
}

/*
 * A config of its own, so that its heap can be seen; what is made once in a process was made by the first connection.
 */
static int run_idle(const struct workload *workload, const struct target *target, struct outcome *outcome) {
  struct connection *connections = calloc(workload->count, sizeof(*connections));
  long long heap = meter_heap();
  amqp_wolfssl_config_t *config = connection_make_config(target);
  int result = -1;

  if (connections == NULL) {
    fprintf(stderr, "client: out of memory\n");
  } else if (target->transport != TRANSPORT_WOLFSSL || config != NULL) {
    outcome->shared_heap = meter_heap() - heap;
    result = hold_connections(workload, target, config, connections, outcome);
  }
  for (unsigned i = 0; connections != NULL && i < workload->count; i++) {
    connection_end(&connections[i]);
  }
  free(connections);
  amqp_wolfssl_config_free(config);
  return result;
}

int workload_run(const struct workload *workload, const struct target *target, amqp_wolfssl_config_t *config,
                 struct outcome *outcome) {
  memset(outcome, 0, sizeof(*outcome));
  switch (workload->operation) {
    case OPERATION_PUBLISH:
    case OPERATION_PUBLISH_CORKED:
    case OPERATION_CONSUME:
      return run_messages(workload, target, config, outcome);
    case OPERATION_CONNECT:
      return run_connects(workload, target, config, outcome);
    case OPERATION_IDLE:
      return run_idle(workload, target, outcome);
  }
  return -1;
}
