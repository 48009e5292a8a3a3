/* SPDX-License-Identifier: MIT */
/*
 * Consumes from a quorum queue of a RabbitMQ cluster while nodes come and go: a message is acknowledged after it has
 * been dealt with, so that it is delivered again if that may not have happened, and one whose id is known is dropped.
 * How long an id is known, and what else it can't promise, stands in docs/failover.md.
 */
#include "resilient_connection.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest wait for a message, in milliseconds; heartbeats are sent meanwhile. */
#define LONGEST_WAIT 200
#define LONGEST_ID 128

/* The ids of the last messages, in a ring: the oldest makes room for the next. A balanced tree finds them. */
struct memory {
  char (*ids)[LONGEST_ID];
  size_t size;
  size_t next;
  void *tree;
};

struct consumer {
  const struct resilient_options *options;
  struct resilient_connection connection;
  struct memory memory;
  FILE *log;
  int64_t messages;
  int64_t duplicates;
};

/* ---- Which messages have been dealt with ------------------------------------------------------------------------- */

static int compare_ids(const void *left, const void *right) { return strcmp(left, right); }

static int is_known(const struct memory *memory, const char *id) {
  return tfind(id, &memory->tree, compare_ids) != NULL;
}

static int remember(struct memory *memory, const char *id) {
  char *place = memory->ids[memory->next % memory->size];

  if (memory->next >= memory->size) {
    (void)tdelete(place, &memory->tree, compare_ids);
  }
  memcpy(place, id, strlen(id) + 1);
  memory->next++;
  return tsearch(place, &memory->tree, compare_ids) != NULL ? 0 : -1;
}

static void forget_all(struct memory *memory) {
  for (size_t i = 0; i < memory->size && i < memory->next; i++) {
    (void)tdelete(memory->ids[i], &memory->tree, compare_ids);
  }
  free(memory->ids);
}

/* ---- Messages ---------------------------------------------------------------------------------------------------- */

/* Replace this by what your program does. A failure ends the program; what was not acknowledged is delivered again. */
static enum resilient_status deal_with(struct consumer *consumer, const char *word, const char *id) {
  if (consumer->log != NULL && (fprintf(consumer->log, "%s %s\n", word, id) < 0 || fflush(consumer->log) != 0)) {
    perror(consumer->options->log);
    return RESILIENT_FAILED;
  }
  return RESILIENT_OK;
}

/* Its id as a string; empty if it has none, or one that can't be kept: then it can't be told from another. */
static void read_id(const amqp_message_t *message, char *id) {
  amqp_bytes_t bytes = message->properties.message_id;

  id[0] = '\0';
  if ((message->properties._flags & AMQP_BASIC_MESSAGE_ID_FLAG) != 0 && bytes.len < LONGEST_ID &&
      memchr(bytes.bytes, '\0', bytes.len) == NULL && memchr(bytes.bytes, '\n', bytes.len) == NULL) {
    memcpy(id, bytes.bytes, bytes.len);
    id[bytes.len] = '\0';
  }
}

/* First the work, then the memory of it, then the acknowledgement: whatever is cut off in between is done again. */
static enum resilient_status take_message(struct consumer *consumer, const amqp_envelope_t *envelope) {
  enum resilient_status status;
  char id[LONGEST_ID];
  int known;

  read_id(&envelope->message, id);
  known = id[0] != '\0' && is_known(&consumer->memory, id);
  status = deal_with(consumer, known ? "again" : "new", id);
  if (status == RESILIENT_OK && !known && id[0] != '\0' && remember(&consumer->memory, id) != 0) {
    fprintf(stderr, "out of memory\n");
    status = RESILIENT_FAILED;
  }
  if (status != RESILIENT_OK) {
    return status;
  }
  consumer->messages += !known;
  consumer->duplicates += known;
  resilient_worked(&consumer->connection);
  return resilient_check_status(&consumer->connection,
                                amqp_basic_ack(consumer->connection.amqp, RESILIENT_CHANNEL, envelope->delivery_tag, 0),
                                "acknowledge");
}

/* A message, or another frame, or nothing for that long: then *idle is set. */
static enum resilient_status take_next(struct consumer *consumer, int milliseconds, int *idle) {
  struct resilient_connection *connection = &consumer->connection;
  struct timeval limit = {milliseconds / 1000, (suseconds_t)(milliseconds % 1000) * 1000};
  enum resilient_status status;
  amqp_envelope_t envelope;
  amqp_rpc_reply_t reply;
  amqp_frame_t frame;

  *idle = 0;
  amqp_maybe_release_buffers(connection->amqp);
  reply = amqp_consume_message(connection->amqp, &envelope, &limit, 0);
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION && reply.library_error == AMQP_STATUS_TIMEOUT) {
    *idle = 1;
    return RESILIENT_OK;
  }
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION && reply.library_error == AMQP_STATUS_UNEXPECTED_STATE) {
    return resilient_next_frame(connection, 0, &frame);
  }
  status = resilient_check(connection, reply, "consume");
  if (status == RESILIENT_OK) {
    status = take_message(consumer, &envelope);
    amqp_destroy_envelope(&envelope);
  }
  return status;
}

/* ---- A connection's life ----------------------------------------------------------------------------------------- */

static enum resilient_status prepare(struct consumer *consumer) {
  struct resilient_connection *connection = &consumer->connection;
  enum resilient_status status = resilient_declare_queue(connection);

  if (status == RESILIENT_OK) {
    (void)amqp_basic_qos(connection->amqp, RESILIENT_CHANNEL, 0, (uint16_t)consumer->options->window, 0);
    status = resilient_check(connection, amqp_get_rpc_reply(connection->amqp), "limit what is delivered");
  }
  if (status == RESILIENT_OK) {
    (void)amqp_basic_consume(connection->amqp, RESILIENT_CHANNEL, amqp_cstring_bytes(consumer->options->queue),
                             amqp_cstring_bytes("resilient"), 0, 0, 0, amqp_empty_table);
    status = resilient_check(connection, amqp_get_rpc_reply(connection->amqp), "consume");
  }
  if (status == RESILIENT_OK) {
    resilient_established(connection);
  }
  return status;
}

/* No more deliveries, but those that have come; so nothing is delivered twice because of it. */
static enum resilient_status finish(struct consumer *consumer, enum resilient_status then) {
  struct resilient_connection *connection = &consumer->connection;
  enum resilient_status status;
  int idle = 0;

  (void)amqp_basic_cancel(connection->amqp, RESILIENT_CHANNEL, amqp_cstring_bytes("resilient"));
  status = resilient_check(connection, amqp_get_rpc_reply(connection->amqp), "cancel");
  while (status == RESILIENT_OK && !idle) {
    status = take_next(consumer, 0, &idle);
  }
  return status == RESILIENT_OK || (status == RESILIENT_LOST && then == RESILIENT_STOPPED) ? then : status;
}

static int has_all(const struct consumer *consumer) {
  return consumer->options->count > 0 && consumer->messages >= consumer->options->count;
}

static enum resilient_status use_connection(struct consumer *consumer) {
  struct resilient_connection *connection = &consumer->connection;
  enum resilient_status status = prepare(consumer);
  int idle;

  while (status == RESILIENT_OK) {
    if (has_all(consumer)) {
      return RESILIENT_DONE;
    }
    if (resilient_stopping(connection)) {
      return finish(consumer, RESILIENT_STOPPED);
    }
    if (amqp_wolfssl_socket_due(connection->socket)) {
      resilient_say(connection, "the connection is due; making a new one");
      return finish(consumer, RESILIENT_DUE);
    }
    status = take_next(consumer, LONGEST_WAIT, &idle);
  }
  return status;
}

static enum resilient_status run(struct consumer *consumer) {
  for (;;) {
    enum resilient_status status = resilient_connect(&consumer->connection);

    if (status != RESILIENT_OK) {
      return status;
    }
    status = use_connection(consumer);
    resilient_disconnect(&consumer->connection, status);
    if (status != RESILIENT_LOST && status != RESILIENT_DUE) {
      return status;
    }
  }
}

/* ---- Beginning and end ------------------------------------------------------------------------------------------- */

static int begin(struct consumer *consumer, const struct resilient_options *options) {
  memset(consumer, 0, sizeof(*consumer));
  consumer->options = options;
  resilient_begin(options, 0, &consumer->connection);
  consumer->memory.size = (size_t)options->remember;
  consumer->memory.ids = calloc(consumer->memory.size, LONGEST_ID);
  if (consumer->memory.ids == NULL) {
    fprintf(stderr, "out of memory\n");
    return -1;
  }
  if (options->log != NULL && (consumer->log = fopen(options->log, "a")) == NULL) {
    perror(options->log);
    return -1;
  }
  return 0;
}

static void end(struct consumer *consumer) {
  forget_all(&consumer->memory);
  if (consumer->log != NULL) {
    (void)fclose(consumer->log);
  }
  resilient_end(&consumer->connection);
}

int main(int argc, char **argv) {
  struct resilient_options options;
  struct consumer consumer;
  enum resilient_status status = RESILIENT_FAILED;

  resilient_read_options(argc, argv, "Consumes messages from a cluster, and drops those that come again.", &options);
  if (begin(&consumer, &options) == 0) {
    status = run(&consumer);
  }
  printf("%lld messages, %lld duplicates dropped; %d connections\n", (long long)consumer.messages,
         (long long)consumer.duplicates, consumer.connection.connections);
  end(&consumer);
  return resilient_exit_status(status);
}
