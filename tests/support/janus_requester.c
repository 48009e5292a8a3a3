/* SPDX-License-Identifier: MIT */
/*
 * Asks a janus for something, many times, by its RabbitMQ transport, and holds each response against its request.
 *
 *   janus_requester PORT USER PASSWORD COUNT      PORT: the broker's for AMQP without TLS, on 127.0.0.1
 *
 * Requests go to the queue "to-janus", responses are taken from "from-janus"; janus has declared both. There are always
 * some requests that are not answered yet, so that janus reads and publishes at the same time. Each response has to
 * name an open request, by its correlation id and in its body, and to be of the kind that was asked for.
 *
 * Prints "REQUESTS n", "RESPONSES n" (the good ones), and "BYTES n" of their bodies. Exits with 0 when every request
 * has had its response.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#if defined(__has_include)
#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_tcp_socket.h>
#endif
#endif

#define HOST "127.0.0.1"
#define REQUEST_QUEUE "to-janus"
#define RESPONSE_QUEUE "from-janus"
#define ID_PREFIX "request-" /* a number follows */
/* How many requests are open at once. */
#define WINDOW ((size_t)200)
/* Most responses are a small record; the description of the server is several kilobytes. */
#define DESCRIPTION_EVERY ((size_t)20)

enum { CHANNEL = 1, FRAME_MAX = 131072 };

static struct timeval hang_limit = {30, 0};

struct exchange {
  amqp_connection_state_t connection;
  size_t count;
  size_t sent;
  size_t received;
  size_t bytes;
  bool *answered;
};

static bool is_good(const char *doing, amqp_rpc_reply_t reply) {
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) {
    return true;
  }
  fprintf(stderr, "%s: %s\n", doing,
          reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION ? amqp_error_string2(reply.library_error)
                                                              : "the broker refuses");
  return false;
}

static bool connect_to_broker(struct exchange *exchange, int port, const char *user, const char *password) {
  amqp_socket_t *socket = amqp_tcp_socket_new(exchange->connection);
  const int status = socket == NULL ? AMQP_STATUS_NO_MEMORY : amqp_socket_open_noblock(socket, HOST, port, &hang_limit);

  if (status != AMQP_STATUS_OK) {
    fprintf(stderr, "open: %s\n", amqp_error_string2(status));
    return false;
  }
  return is_good("log in",
                 amqp_login(exchange->connection, "/", 0, FRAME_MAX, 0, AMQP_SASL_METHOD_PLAIN, user, password));
}

static bool begin_to_consume(const struct exchange *exchange) {
  (void)amqp_channel_open(exchange->connection, CHANNEL);
  if (!is_good("open a channel", amqp_get_rpc_reply(exchange->connection))) {
    return false;
  }
  (void)amqp_basic_consume(exchange->connection, CHANNEL, amqp_cstring_bytes(RESPONSE_QUEUE), amqp_empty_bytes, 0, 1, 1,
                           amqp_empty_table);
  return is_good("consume", amqp_get_rpc_reply(exchange->connection));
}

static bool asks_for_description(size_t number) { return number % DESCRIPTION_EVERY == 0; }

static bool send_request(struct exchange *exchange) {
  const size_t number = exchange->sent;
  char id[32];
  char body[128];
  amqp_basic_properties_t properties = {._flags = AMQP_BASIC_CORRELATION_ID_FLAG};
  int status;

  (void)snprintf(id, sizeof(id), ID_PREFIX "%zu", number);
  (void)snprintf(body, sizeof(body), "{\"janus\":\"%s\",\"transaction\":\"%s\"}",
                 asks_for_description(number) ? "info" : "ping", id);
  properties.correlation_id = amqp_cstring_bytes(id);
  status = amqp_basic_publish(exchange->connection, CHANNEL, amqp_empty_bytes, amqp_cstring_bytes(REQUEST_QUEUE), 0, 0,
                              &properties, amqp_cstring_bytes(body));
  if (status != AMQP_STATUS_OK) {
    fprintf(stderr, "publish request %zu: %s\n", number, amqp_error_string2(status));
    return false;
  }
  exchange->sent++;
  return true;
}

static bool contains(amqp_bytes_t bytes, const char *text) {
  return memmem(bytes.bytes, bytes.len, text, strlen(text)) != NULL;
}

/* \return whether the message has a correlation id of ours, whose number is then in \a number */
static bool read_number(const amqp_message_t *message, size_t *number) {
  const amqp_bytes_t id = message->properties.correlation_id;
  char text[32];
  char expected[32];

  if ((message->properties._flags & AMQP_BASIC_CORRELATION_ID_FLAG) == 0 || id.len <= strlen(ID_PREFIX) ||
      id.len >= sizeof(text)) {
    return false;
  }
  memcpy(text, id.bytes, id.len);
  text[id.len] = '\0';
  *number = (size_t)strtoul(text + strlen(ID_PREFIX), NULL, 10);
  (void)snprintf(expected, sizeof(expected), ID_PREFIX "%zu", *number);
  return strcmp(text, expected) == 0;
}

/* Janus is told to write JSON without any spaces. */
static bool answers_request(amqp_bytes_t body, size_t number) {
  char transaction[64];

  (void)snprintf(transaction, sizeof(transaction), "\"transaction\":\"" ID_PREFIX "%zu\"", number);
  return contains(body, transaction) &&
         contains(body, asks_for_description(number) ? "\"janus\":\"server_info\"" : "\"janus\":\"pong\"") &&
         ((const char *)body.bytes)[0] == '{' && ((const char *)body.bytes)[body.len - 1] == '}';
}

static bool accept_response(struct exchange *exchange, const amqp_message_t *message) {
  size_t number = 0;

  if (!read_number(message, &number) || number >= exchange->sent || exchange->answered[number] ||
      message->body.len == 0 || !answers_request(message->body, number)) {
    fprintf(stderr, "response %zu answers no open request: %.*s\n", exchange->received,
            (int)(message->body.len < 200 ? message->body.len : 200), (const char *)message->body.bytes);
    return false;
  }
  exchange->answered[number] = true;
  exchange->received++;
  exchange->bytes += message->body.len;
  return true;
}

static bool take_response(struct exchange *exchange) {
  amqp_envelope_t envelope;
  bool good;

  amqp_maybe_release_buffers(exchange->connection);
  if (!is_good("wait for a response", amqp_consume_message(exchange->connection, &envelope, &hang_limit, 0))) {
    return false;
  }
  good = accept_response(exchange, &envelope.message);
  amqp_destroy_envelope(&envelope);
  return good;
}

/* In ranges, on one line. */
static void show_unanswered(const struct exchange *exchange) {
  size_t number = 0;

  fputs("unanswered:", stderr);
  while (number < exchange->sent) {
    const size_t first = number;

    while (number < exchange->sent && !exchange->answered[number]) {
      number++;
    }
    if (number > first) {
      fprintf(stderr, " %zu-%zu", first, number - 1);
    } else {
      number++;
    }
  }
  fputs("\n", stderr);
}

static bool exchange_all(struct exchange *exchange) {
  bool good = true;

  while (good && exchange->received < exchange->count) {
    if (exchange->sent < exchange->count && exchange->sent - exchange->received < WINDOW) {
      good = send_request(exchange);
    } else {
      good = take_response(exchange);
    }
  }
  printf("REQUESTS %zu\nRESPONSES %zu\nBYTES %zu\n", exchange->sent, exchange->received, exchange->bytes);
  if (!good) {
    show_unanswered(exchange);
  }
  return good;
}

int main(int count, char **arguments) {
  struct exchange exchange = {0};
  bool good;

  exchange.count = count == 5 ? (size_t)strtoul(arguments[4], NULL, 10) : 0;
  if (exchange.count == 0) {
    fputs("usage: janus_requester PORT USER PASSWORD COUNT\n", stderr);
    return 2;
  }
  exchange.answered = calloc(exchange.count, sizeof(*exchange.answered));
  exchange.connection = amqp_new_connection();
  good = exchange.answered != NULL && exchange.connection != NULL &&
         connect_to_broker(&exchange, atoi(arguments[1]), arguments[2], arguments[3]) && begin_to_consume(&exchange) &&
         exchange_all(&exchange) && is_good("close", amqp_connection_close(exchange.connection, AMQP_REPLY_SUCCESS));
  if (exchange.connection != NULL) {
    (void)amqp_destroy_connection(exchange.connection);
  }
  free(exchange.answered);
  return good ? 0 : 1;
}
