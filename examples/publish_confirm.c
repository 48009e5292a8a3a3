/* SPDX-License-Identifier: MIT */
/*
 * Publishes messages with publisher confirms (https://www.rabbitmq.com/docs/confirms) and consumes them back, comparing
 * every byte. The messages range in size from empty to several frames.
 */
#include "example_connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHANNEL 1
#define LONGEST ((size_t)300000)

/* Every 100th message is long, the others short; message 0 is empty. */
static size_t body_length(int number) {
  return number % 100 == 99 ? LONGEST - (size_t)number : ((size_t)number * 37) % 2000;
}

static void fill_body(unsigned char *body, int number) {
  size_t length = body_length(number);

  for (size_t i = 0; i < length; i++) {
    body[i] = (unsigned char)(i * 31 + (size_t)number);
  }
}

static int declare_queue(const struct example_connection *connection, amqp_bytes_t *queue) {
  const amqp_queue_declare_ok_t *declared;

  (void)amqp_channel_open(connection->amqp, CHANNEL);
  if (example_check(connection, amqp_get_rpc_reply(connection->amqp), "open a channel") != 0) {
    return -1;
  }
  /* No name: the broker chooses one. Exclusive: the queue is deleted with the connection. */
  declared = amqp_queue_declare(connection->amqp, CHANNEL, amqp_empty_bytes, 0, 0, 1, 1, amqp_empty_table);
  if (example_check(connection, amqp_get_rpc_reply(connection->amqp), "declare a queue") != 0) {
    return -1;
  }
  *queue = amqp_bytes_malloc_dup(declared->queue);
  (void)amqp_confirm_select(connection->amqp, CHANNEL);
  return example_check(connection, amqp_get_rpc_reply(connection->amqp), "turn confirms on");
}

/* Waits until the broker has confirmed every message; one confirm can cover many. */
static int wait_for_confirms(const struct example_connection *connection, int count) {
  uint64_t confirmed = 0;

  while (confirmed < (uint64_t)count) {
    amqp_frame_t frame;
    int status;

    amqp_maybe_release_buffers(connection->amqp);
    status = amqp_simple_wait_frame(connection->amqp, &frame);
    if (status != AMQP_STATUS_OK) {
      amqp_rpc_reply_t reply = {.reply_type = AMQP_RESPONSE_LIBRARY_EXCEPTION, .library_error = status};

      return example_check(connection, reply, "wait for confirms");
    }
    if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD) {
      printf("expected a confirm, got something else\n");
      return -1;
    }
    confirmed = ((const amqp_basic_ack_t *)frame.payload.method.decoded)->multiple
                    ? ((const amqp_basic_ack_t *)frame.payload.method.decoded)->delivery_tag
                    : confirmed + 1;
  }
  return 0;
}

static int publish(const struct example_connection *connection, amqp_bytes_t queue, int count, unsigned char *body) {
  for (int number = 0; number < count; number++) {
    amqp_bytes_t message = {body_length(number), body};
    int status;

    fill_body(body, number);
    status = amqp_basic_publish(connection->amqp, CHANNEL, amqp_empty_bytes, queue, 0, 0, NULL, message);
    if (status != AMQP_STATUS_OK) {
      amqp_rpc_reply_t reply = {.reply_type = AMQP_RESPONSE_LIBRARY_EXCEPTION, .library_error = status};

      return example_check(connection, reply, "publish");
    }
  }
  return 0;
}

static int consume(const struct example_connection *connection, amqp_bytes_t queue, int count, unsigned char *body) {
  (void)amqp_basic_consume(connection->amqp, CHANNEL, queue, amqp_empty_bytes, 0, 1, 0, amqp_empty_table);
  if (example_check(connection, amqp_get_rpc_reply(connection->amqp), "consume") != 0) {
    return -1;
  }
  for (int number = 0; number < count; number++) {
    amqp_envelope_t envelope;
    int same;

    amqp_maybe_release_buffers(connection->amqp);
    if (example_check(connection, amqp_consume_message(connection->amqp, &envelope, NULL, 0), "consume") != 0) {
      return -1;
    }
    fill_body(body, number);
    same =
        envelope.message.body.len == body_length(number) &&
        (envelope.message.body.len == 0 || memcmp(envelope.message.body.bytes, body, envelope.message.body.len) == 0);
    amqp_destroy_envelope(&envelope);
    if (!same) {
      printf("message %d came back changed\n", number);
      return -1;
    }
  }
  return 0;
}

int main(int argc, char **argv) {
  struct example_options options;
  struct example_connection connection;
  amqp_bytes_t queue = amqp_empty_bytes;
  unsigned char *body = malloc(LONGEST);
  int result = -1;

  example_read_options(argc, argv, "Publishes messages with confirms, consumes them back and compares.", &options);
  if (body != NULL && example_open(&options, &connection) == 0 && example_login(&options, &connection) == 0 &&
      declare_queue(&connection, &queue) == 0 && publish(&connection, queue, options.count, body) == 0 &&
      wait_for_confirms(&connection, options.count) == 0) {
    printf("%d messages published, all confirmed by the broker\n", options.count);
    result = consume(&connection, queue, options.count, body);
    if (result == 0) {
      printf("%d messages consumed, every byte as it was sent\n", options.count);
    }
  }
  amqp_bytes_free(queue);
  if (body != NULL) {
    example_close(&connection);
  }
  free(body);
  return result == 0 ? 0 : 1;
}
