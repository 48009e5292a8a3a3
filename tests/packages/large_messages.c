/* SPDX-License-Identifier: MIT */
/*
 *     large_messages CA.pem HOST PORT CERTIFICATE.pem KEY COUNT
 *
 * Publishes COUNT messages of 128 KiB to a queue and consumes them, by rabbitmq-c's own TLS functions, whosever they
 * are.
 * Prints the microseconds of CPU that each message took, without the handshake.
 */
#include <amqp.h>
#include <amqp_ssl_socket.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>

#define SIZE 131072
#define CHANNEL 1

static char content[SIZE];
static int messages;

static void fail(const char *what) {
  fprintf(stderr, "large_messages: %s\n", what);
  exit(1);
}

static void expect(amqp_rpc_reply_t reply, const char *what) {
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) {
    fail(what);
  }
}

/* The broker knows the user by the certificate. */
static amqp_connection_state_t connect_as(char **arguments) {
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t *socket = connection == NULL ? NULL : amqp_ssl_socket_new(connection);

  if (socket == NULL || amqp_ssl_socket_set_cacert(socket, arguments[1]) != AMQP_STATUS_OK ||
      amqp_ssl_socket_set_key(socket, arguments[4], arguments[5]) != AMQP_STATUS_OK) {
    fail("no socket");
  }
  if (amqp_socket_open(socket, arguments[2], atoi(arguments[3])) != AMQP_STATUS_OK) {
    fail("opening");
  }
  expect(amqp_login(connection, "/", 0, SIZE, 0, AMQP_SASL_METHOD_EXTERNAL, "certificate"), "login");
  amqp_channel_open(connection, CHANNEL);
  expect(amqp_get_rpc_reply(connection), "channel");
  return connection;
}

/* The last call waits until the broker has read all of them. */
static void publish(amqp_connection_state_t connection, amqp_bytes_t queue) {
  amqp_bytes_t body = {sizeof(content), content};

  for (int i = 0; i < messages; i++) {
    if (amqp_basic_publish(connection, CHANNEL, amqp_empty_bytes, queue, 0, 0, NULL, body) != AMQP_STATUS_OK) {
      fail("publishing");
    }
  }
  amqp_queue_declare(connection, CHANNEL, queue, 1, 0, 1, 0, amqp_empty_table);
  expect(amqp_get_rpc_reply(connection), "after publishing");
}

static void consume(amqp_connection_state_t connection, amqp_bytes_t queue) {
  amqp_basic_consume(connection, CHANNEL, queue, amqp_empty_bytes, 0, 1, 0, amqp_empty_table);
  expect(amqp_get_rpc_reply(connection), "consume");
  for (int i = 0; i < messages; i++) {
    amqp_envelope_t envelope;

    amqp_maybe_release_buffers(connection);
    expect(amqp_consume_message(connection, &envelope, NULL, 0), "consuming");
    if (envelope.message.body.len != SIZE || memcmp(envelope.message.body.bytes, content, SIZE) != 0) {
      fail("another message came back");
    }
    amqp_destroy_envelope(&envelope);
  }
}

static double used_us(void) {
  struct rusage usage;

  getrusage(RUSAGE_SELF, &usage);
  return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
         (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

int main(int argc, char **argv) {
  amqp_connection_state_t connection;
  amqp_bytes_t queue;
  double before;

  messages = argc == 7 ? atoi(argv[6]) : 0;
  if (messages < 1) {
    fail("CA.pem HOST PORT CERTIFICATE.pem KEY COUNT");
  }
  for (size_t i = 0; i < sizeof(content); i++) {
    content[i] = (char)(i * 31 + i / 256);
  }
  connection = connect_as(argv);
  queue = amqp_bytes_malloc_dup(
      amqp_queue_declare(connection, CHANNEL, amqp_empty_bytes, 0, 0, 1, 1, amqp_empty_table)->queue);
  before = used_us();
  publish(connection, queue);
  consume(connection, queue);
  printf("%.0f\n", (used_us() - before) / messages);
  amqp_bytes_free(queue);
  expect(amqp_connection_close(connection, AMQP_REPLY_SUCCESS), "closing");
  return amqp_destroy_connection(connection) == AMQP_STATUS_OK ? 0 : 1;
}
