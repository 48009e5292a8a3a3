/* SPDX-License-Identifier: MIT */
/*
 * Two threads on one connection, one that publishes and one that consumes, against a real RabbitMQ. rabbitmq-c says
 * that a connection belongs to one thread, but programs do this, and over TCP and OpenSSL it works. All messages must
 * come through, and nothing may cross the wire but TLS records: a session used by two threads at once has sent AMQP in
 * clear. What crosses it is recorded by a relay (tests/support/recording_relay.c).
 *
 * SHARED_CONNECTION_MESSAGES is how many messages go each way, 20000 by default; the long run takes 200000.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <amqp_wolfssl_socket.h>

#include "client.h"
#include "minted_certificates.h"
#include "paths.h"
#include "peer_process.h"
#include "private_broker.h"
#include "temporary_folder.h"
#include "time_limit.h"
#include "tls_server.h"

#define HOST "127.0.0.1"
#define TIME_LIMIT_SECONDS 240 /* for so many messages; a safety net */
#define USUAL_MESSAGES ((size_t)20000)
/* So small that the publisher is blocked again and again, while the other thread flushes what it has under way. */
#define SMALL_SEND_BUFFER 4096
/* Few enough that the proxy's words about them fit into its pipe. */
#define KEY_UPDATE_EVERY "100000"
/* How far the publisher may be ahead: so little that the kernel's buffers hold it, and the broker is never kept from
 * reading by a consumer that is behind. */
#define WINDOW ((size_t)500)
#define SHORTEST_BODY ((size_t)40)
#define LONGEST_BODY ((size_t)700)

/* In each body, and as the application's id in each content header. */
#define MARKER "in-clear-on-the-wire"

struct relay {
  struct peer_process *process;
  int port;
  unsigned connections;
};

static const struct private_broker *broker;
static struct relay to_broker;
static size_t messages = USUAL_MESSAGES;
static const struct timeval hang_limit = {15, 0};

/* ---- Peers ---- */

static struct relay start_relay(int to_port) {
  struct relay relay = {0};
  char port[16];
  const char *const arguments[] = {
      path_in_build_tree("tests/support/recording_relay"),
      port,
      temporary_folder_path("."),
      NULL,
  };

  (void)snprintf(port, sizeof(port), "%d", to_port);
  relay.process = peer_process_start(arguments);
  relay.port = (int)strtol(peer_process_expect_line(relay.process, "PORT "), NULL, 10);
  return relay;
}

/* To be called by each case first. */
static void need_peers(void) {
  broker = private_broker_ready();
  if (to_broker.process == NULL) {
    to_broker = start_relay(broker->tls_port);
  }
}

static struct client connect_through(struct relay *relay, int version) {
  const struct client_settings settings = {/* the broker of Debian 12 has no Extended Master Secret */
                                           .ca = "bundle",
                                           .identity = "client",
                                           .version = version,
                                           .without_extended_master_secret = true};
  struct client client = client_new(&settings);

  client_open(&client, HOST, relay->port);
  relay->connections++;
  client_check(&client, client_login_plain(&client, broker->user, broker->password, CLIENT_FRAME_MAX, 0), "log in");
  return client;
}

/* ---- The two threads: they only note what goes wrong, for a failed assertion must not leave a thread ---- */

struct exchange {
  struct client *client;
  amqp_bytes_t queue;
  pthread_mutex_t lock; /* guards what follows */
  pthread_cond_t moved;
  size_t received;
  bool failed;
  char problem[256]; /* the first */
};

static size_t body_length(size_t number) { return SHORTEST_BODY + number * 37 % (LONGEST_BODY - SHORTEST_BODY); }

static amqp_bytes_t make_body(char bytes[LONGEST_BODY + 1], size_t number) {
  const size_t length = body_length(number);
  size_t used = (size_t)snprintf(bytes, LONGEST_BODY + 1, "%010zu", number);

  while (used < length) {
    const size_t count = length - used < strlen(MARKER) ? length - used : strlen(MARKER);

    memcpy(bytes + used, MARKER, count);
    used += count;
  }
  return (amqp_bytes_t){.len = length, .bytes = bytes};
}

/* Ends the stream too: the other thread may wait for a socket that nothing comes to any more. */
static void note_problem(struct exchange *exchange, const char *doing, size_t number, int status) {
  (void)pthread_mutex_lock(&exchange->lock);
  if (!exchange->failed) {
    (void)snprintf(exchange->problem, sizeof(exchange->problem), "%s message %zu: %s", doing, number,
                   status == AMQP_STATUS_OK ? "not what was published" : amqp_error_string2(status));
  }
  exchange->failed = true;
  (void)pthread_cond_signal(&exchange->moved);
  (void)pthread_mutex_unlock(&exchange->lock);
  (void)shutdown(amqp_get_sockfd(exchange->client->connection), SHUT_RDWR);
}

/* \return false when the exchange has failed */
static bool await_window(struct exchange *exchange, size_t number) {
  bool failed;

  (void)pthread_mutex_lock(&exchange->lock);
  while (!exchange->failed && number >= exchange->received + WINDOW) {
    (void)pthread_cond_wait(&exchange->moved, &exchange->lock);
  }
  failed = exchange->failed;
  (void)pthread_mutex_unlock(&exchange->lock);
  return !failed;
}

static bool note_received(struct exchange *exchange) {
  bool failed;

  (void)pthread_mutex_lock(&exchange->lock);
  exchange->received++;
  failed = exchange->failed;
  (void)pthread_cond_signal(&exchange->moved);
  (void)pthread_mutex_unlock(&exchange->lock);
  return !failed;
}

static void *publish(void *context) {
  struct exchange *exchange = context;
  const amqp_basic_properties_t properties = {._flags = AMQP_BASIC_APP_ID_FLAG,
                                              .app_id = {.len = strlen(MARKER), .bytes = (char[]){MARKER}}};
  char body[LONGEST_BODY + 1];

  for (size_t number = 0; number < messages && await_window(exchange, number); number++) {
    const int status = amqp_basic_publish(exchange->client->connection, CLIENT_CHANNEL, amqp_empty_bytes,
                                          exchange->queue, 0, 0, &properties, make_body(body, number));

    if (status != AMQP_STATUS_OK) {
      note_problem(exchange, "publishing", number, status);
      break;
    }
  }
  return NULL;
}

static bool is_message(const amqp_envelope_t *envelope, size_t number) {
  char bytes[LONGEST_BODY + 1];
  const amqp_bytes_t expected = make_body(bytes, number);

  return envelope->message.body.len == expected.len &&
         memcmp(envelope->message.body.bytes, expected.bytes, expected.len) == 0;
}

static bool consume_one(struct exchange *exchange, size_t number) {
  struct timeval limit = hang_limit;
  amqp_envelope_t envelope;
  amqp_rpc_reply_t reply;
  bool same;

  amqp_maybe_release_buffers(exchange->client->connection);
  reply = amqp_consume_message(exchange->client->connection, &envelope, &limit, 0);
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) {
    note_problem(exchange, "consuming", number,
                 reply.library_error != AMQP_STATUS_OK ? reply.library_error : AMQP_STATUS_UNEXPECTED_STATE);
    return false;
  }
  same = is_message(&envelope, number);
  amqp_destroy_envelope(&envelope);
  if (!same) {
    note_problem(exchange, "consuming", number, AMQP_STATUS_OK);
  }
  return same;
}

static void *consume(void *context) {
  struct exchange *exchange = context;

  for (size_t number = 0; number < messages; number++) {
    if (!consume_one(exchange, number) || !note_received(exchange)) {
      break;
    }
  }
  return NULL;
}

static void run_threads(struct exchange *exchange) {
  pthread_t publisher;
  pthread_t consumer;

  assert_int_equal(pthread_mutex_init(&exchange->lock, NULL), 0);
  assert_int_equal(pthread_cond_init(&exchange->moved, NULL), 0);
  assert_int_equal(pthread_create(&consumer, NULL, consume, exchange), 0);
  assert_int_equal(pthread_create(&publisher, NULL, publish, exchange), 0);
  assert_int_equal(pthread_join(publisher, NULL), 0);
  assert_int_equal(pthread_join(consumer, NULL), 0);
  (void)pthread_cond_destroy(&exchange->moved);
  (void)pthread_mutex_destroy(&exchange->lock);
}

/* ---- What crossed the wire ---- */

/* RFC 8446, 5.2; AES-GCM in TLS 1.2 (RFC 5288) adds less. */
#define RECORD_HEADER ((size_t)5)
#define RECORD_BODY_MOST ((size_t)16384 + 256)

struct recording {
  uint8_t *bytes;
  size_t length;
};

static struct recording read_recording(const struct relay *relay, const char *direction) {
  struct recording recording = {0};
  char name[32];
  char line[64];
  FILE *file;
  long length;

  (void)snprintf(name, sizeof(name), "%u-%s", relay->connections, direction);
  (void)snprintf(line, sizeof(line), "RECORDED %s\n", name);
  peer_process_expect(relay->process, line);
  file = fopen(temporary_folder_path(name), "rb");
  assert_non_null(file);
  assert_int_equal(fseek(file, 0, SEEK_END), 0);
  length = ftell(file);
  assert_true(length > 0);
  rewind(file);
  recording.length = (size_t)length;
  recording.bytes = malloc(recording.length);
  assert_non_null(recording.bytes);
  assert_int_equal(fread(recording.bytes, 1, recording.length, file), recording.length);
  (void)fclose(file);
  return recording;
}

/* The length of the record whose header is here, or 0 when it is none. \a first: a ClientHello says 3,1. */
static size_t record_length(const uint8_t *header, bool first) {
  const size_t body = (size_t)header[3] << 8 | header[4];
  const bool type_is_known = header[0] >= 20 && header[0] <= 23;
  const bool version_is_known = header[1] == 3 && (header[2] == 3 || (first && header[2] == 1));

  return type_is_known && version_is_known && body > 0 && body <= RECORD_BODY_MOST ? RECORD_HEADER + body : 0;
}

/* \return where the first byte is that belongs to no record; the recording's length: nowhere */
static size_t find_stray_byte(const struct recording *recording) {
  size_t at = 0;

  while (at < recording->length) {
    const size_t left = recording->length - at;
    const size_t length = left < RECORD_HEADER ? 0 : record_length(recording->bytes + at, at == 0);

    if (length == 0 || length > left) {
      break;
    }
    at += length;
  }
  return at;
}

static const char *describe_bytes(char text[128], const struct recording *recording, size_t at) {
  size_t used = 0;

  text[0] = '\0';
  for (size_t i = at; i < recording->length && i < at + 40; i++) {
    const uint8_t byte = recording->bytes[i];

    used += (size_t)snprintf(text + used, 128 - used, byte >= 32 && byte < 127 ? "%c" : "\\%02x", byte);
    if (used > 120) {
      break;
    }
  }
  return text;
}

static void append(char problems[1024], const char *problem) {
  const size_t used = strlen(problems);

  (void)snprintf(problems + used, 1024 - used, "%s%s", used > 0 ? "; " : "", problem);
}

static void check_recording(const struct relay *relay, char problems[1024], const char *direction) {
  const struct recording recording = read_recording(relay, direction);
  const size_t stray = find_stray_byte(&recording);
  const uint8_t *clear = memmem(recording.bytes, recording.length, MARKER, strlen(MARKER));
  char bytes[128];
  char problem[256];

  if (stray < recording.length) {
    (void)snprintf(problem, sizeof(problem), "%s: no TLS record at byte %zu of %zu: %s", direction, stray,
                   recording.length, describe_bytes(bytes, &recording, stray));
    append(problems, problem);
  }
  if (clear != NULL) {
    const size_t at = (size_t)(clear - recording.bytes);

    (void)snprintf(problem, sizeof(problem), "%s: AMQP in clear at byte %zu of %zu", direction, at, recording.length);
    append(problems, problem);
  }
  if (problems[0] == '\0') {
    assert_true(recording.length > messages * SHORTEST_BODY); /* it is the recording of this exchange */
  }
  free(recording.bytes);
}

/* ---- Cases ---- */

static void make_send_buffer_small(const struct client *client) {
  const int size = SMALL_SEND_BUFFER;

  assert_int_equal(setsockopt(amqp_get_sockfd(client->connection), SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
}

static void publish_and_consume(struct relay *relay, int version, bool often_blocked) {
  struct client client = connect_through(relay, version);
  struct exchange exchange = {.client = &client};
  char problems[1024] = "";

  if (often_blocked) {
    make_send_buffer_small(&client);
  }
  exchange.queue = client_declare_queue(&client);
  client_consume(&client, exchange.queue);
  run_threads(&exchange);
  amqp_bytes_free(exchange.queue);
  if (exchange.failed) {
    append(problems, exchange.problem);
    append(problems, amqp_wolfssl_error_message(amqp_wolfssl_socket_error(client.socket)));
    client_destroy(&client);
  } else {
    client_close(&client);
  }
  check_recording(relay, problems, "to-server");
  check_recording(relay, problems, "to-client");
  if (problems[0] != '\0') {
    fail_msg("%s", problems);
  }
  assert_int_equal(exchange.received, messages);
}

static void two_threads_share_a_connection_tls13(void **state) {
  (void)state;
  need_peers();
  publish_and_consume(&to_broker, AMQP_WOLFSSL_TLS_1_3, false);
}

static void two_threads_share_a_connection_tls12(void **state) {
  (void)state;
  need_peers();
  publish_and_consume(&to_broker, AMQP_WOLFSSL_TLS_1_2, false);
}

static void two_threads_share_a_connection_that_blocks(void **state) {
  (void)state;
  need_peers();
  publish_and_consume(&to_broker, AMQP_WOLFSSL_TLS_1_3, true);
  publish_and_consume(&to_broker, AMQP_WOLFSSL_TLS_1_2, true);
}

/* A proxy that speaks TLS changes keys, and asks us to; RabbitMQ itself does so after terabytes. */
static void two_threads_share_a_connection_whose_keys_change(void **state) {
  char address[32];
  const char *const options[] = {"--connect", address, "--key-update-every", KEY_UPDATE_EVERY, NULL};
  struct tls_server proxy;
  struct relay relay;
  (void)state;

  need_peers();
  (void)snprintf(address, sizeof(address), HOST ":%d", broker->plain_port);
  proxy = tls_server_start(TLS_SERVER_PROXY, "server", AMQP_WOLFSSL_TLS_1_3, options);
  relay = start_relay(proxy.port);
  publish_and_consume(&relay, AMQP_WOLFSSL_TLS_1_3, true);
  peer_process_expect(proxy.process, "KEY-UPDATE sent\n");
  peer_process_stop(relay.process);
  peer_process_stop(proxy.process);
}

static void choose_messages(void) {
  const char *given = getenv("SHARED_CONNECTION_MESSAGES");

  if (given != NULL) {
    messages = (size_t)strtoul(given, NULL, 10);
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_threads_share_a_connection_tls13),
      cmocka_unit_test(two_threads_share_a_connection_tls12),
      cmocka_unit_test(two_threads_share_a_connection_that_blocks),
      cmocka_unit_test(two_threads_share_a_connection_whose_keys_change),
  };

  if (argc > 1) {
    cmocka_set_test_filter(argv[1]);
  }
  choose_messages();
  time_limit_start(TIME_LIMIT_SECONDS * (unsigned)(1 + messages / USUAL_MESSAGES));
  return cmocka_run_group_tests(tests, private_broker_set_up, minted_certificates_tear_down);
}
