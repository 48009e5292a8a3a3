/* SPDX-License-Identifier: MIT */
/* The steps of a client of the library, for tests. */
#include "client.h"
#include "minted_certificates.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Only a connection that hangs takes so long. */
static struct timeval hang_limit = {30, 0};

/* ---- Config and socket ---- */

const struct client_settings client_ordinary = {.ca = "bundle", .identity = "client"};

const int client_versions[] = {AMQP_WOLFSSL_TLS_1_2, AMQP_WOLFSSL_TLS_1_3};

const char *client_version_name(int version) { return version == AMQP_WOLFSSL_TLS_1_2 ? "TLSv1.2" : "TLSv1.3"; }

static void check_setter(const amqp_wolfssl_config_t *config, amqp_wolfssl_code_t code) {
  if (code != AMQP_WOLFSSL_OK) {
    fail_msg("%s: %s", amqp_wolfssl_code_name(code), amqp_wolfssl_error_message(amqp_wolfssl_config_error(config)));
  }
}

static amqp_wolfssl_config_t *make_config(const struct client_settings *settings) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  assert_non_null(config);
  if (settings->policy != 0) {
    check_setter(config, amqp_wolfssl_config_set_policy(config, (amqp_wolfssl_policy_t)settings->policy));
  }
  if (settings->without_extended_master_secret) {
    check_setter(config, amqp_wolfssl_config_set_require_extended_master_secret(config, 0));
  }
  check_setter(config, amqp_wolfssl_config_add_ca_file(config, minted_certificate(settings->ca)));
  if (settings->identity != NULL) {
    check_setter(config, amqp_wolfssl_config_set_identity_files(config, minted_certificate(settings->identity),
                                                                minted_key(settings->identity)));
  }
  if (settings->server_name != NULL) {
    check_setter(config, amqp_wolfssl_config_set_server_name(config, settings->server_name));
  }
  for (size_t i = 0; i < CLIENT_LISTS && settings->lists[i] != NULL; i++) {
    check_setter(config, amqp_wolfssl_config_add_crl_file(config, minted_certificate(settings->lists[i])));
  }
  check_setter(config, amqp_wolfssl_config_set_stapling(config, settings->stapling));
  if (settings->version != 0) {
    const amqp_wolfssl_version_t version = (amqp_wolfssl_version_t)settings->version;

    check_setter(config, amqp_wolfssl_config_set_tls_versions(config, version, version));
  }
  return config;
}

struct client client_new(const struct client_settings *settings) {
  amqp_wolfssl_config_t *config = make_config(settings);
  struct client client = {.connection = amqp_new_connection()};

  assert_non_null(client.connection);
  client.socket = amqp_wolfssl_socket_new(client.connection, config);
  amqp_wolfssl_config_free(config);
  assert_non_null(client.socket);
  return client;
}

int client_try_open(struct client *client, const char *host, int port) {
  return amqp_socket_open_noblock(client->socket, host, port, &hang_limit);
}

void client_open(struct client *client, const char *host, int port) {
  const int status = client_try_open(client, host, port);

  if (status != AMQP_STATUS_OK) {
    fail_msg("%s: %s", client_describe_failure(client, status),
             amqp_wolfssl_error_message(amqp_wolfssl_socket_error(client->socket)));
  }
}

void client_destroy(struct client *client) {
  assert_int_equal(amqp_destroy_connection(client->connection), AMQP_STATUS_OK);
  client->connection = NULL;
  client->socket = NULL;
}

void client_close(struct client *client) {
  client_check(client, amqp_connection_close(client->connection, AMQP_REPLY_SUCCESS), "close");
  client_destroy(client);
}

/* ---- Failures ---- */

static void describe(char line[1024], int status, const char *stage, const char *code, int alert, const char *direction,
                     int depth, const char *subject) {
  (void)snprintf(line, 1024, "%s, stage %s, %s, alert %d %s, certificate %d \"%s\"", amqp_error_string2(status), stage,
                 code, alert, direction, depth, subject);
}

static const char *direction_of(const amqp_wolfssl_error_t *error) {
  switch (amqp_wolfssl_error_alert_direction(error)) {
    case AMQP_WOLFSSL_ALERT_SENT:
      return "sent";
    case AMQP_WOLFSSL_ALERT_RECEIVED_FROM_PEER:
      return "received";
    case AMQP_WOLFSSL_ALERT_NONE:
      break;
  }
  return "none";
}

const char *client_describe_failure(const struct client *client, int status) {
  static char line[1024];
  const amqp_wolfssl_error_t *error = amqp_wolfssl_socket_error(client->socket);

  describe(line, status, amqp_wolfssl_stage_name(amqp_wolfssl_error_stage(error)),
           amqp_wolfssl_code_name(amqp_wolfssl_error_code(error)), amqp_wolfssl_error_alert(error), direction_of(error),
           amqp_wolfssl_error_certificate_depth(error), amqp_wolfssl_error_certificate_subject(error));
  return line;
}

const char *client_describe_expected(int status, const char *stage, const char *code, int alert, int sent, int depth,
                                     const char *subject) {
  static char line[1024];
  const char *direction = sent ? "sent" : "received";

  describe(line, status, stage, code, alert != 0 ? alert : -1, alert != 0 ? direction : "none", depth, subject);
  return line;
}

/* ---- Login ---- */

amqp_rpc_reply_t client_login_plain(struct client *client, const char *user, const char *password, int frame_max,
                                    int heartbeat) {
  return amqp_login(client->connection, "/", 0, frame_max, heartbeat, AMQP_SASL_METHOD_PLAIN, user, password);
}

amqp_rpc_reply_t client_login_external(struct client *client) {
  /* The broker takes the user from the certificate; rabbitmq-c wants the identity not to be empty. */
  return amqp_login(client->connection, "/", 0, CLIENT_FRAME_MAX, 0, AMQP_SASL_METHOD_EXTERNAL, "certificate");
}

void client_check(const struct client *client, amqp_rpc_reply_t reply, const char *doing) {
  if (reply.reply_type == AMQP_RESPONSE_NORMAL) {
    return;
  }
  if (reply.reply_type == AMQP_RESPONSE_SERVER_EXCEPTION) {
    fail_msg("%s: the broker answers %s (code %d)", doing, amqp_method_name(reply.reply.id), client_refusal(reply));
  }
  fail_msg("%s: %s: %s", doing, client_describe_failure(client, reply.library_error),
           amqp_wolfssl_error_message(amqp_wolfssl_socket_error(client->socket)));
}

int client_refusal(amqp_rpc_reply_t reply) {
  if (reply.reply_type != AMQP_RESPONSE_SERVER_EXCEPTION || reply.reply.id != AMQP_CONNECTION_CLOSE_METHOD) {
    return 0;
  }
  return ((const amqp_connection_close_t *)reply.reply.decoded)->reply_code;
}

/* ---- Messages ---- */

amqp_bytes_t client_declare_queue(struct client *client) {
  const amqp_queue_declare_ok_t *declared;
  amqp_bytes_t queue;

  (void)amqp_channel_open(client->connection, CLIENT_CHANNEL);
  client_check(client, amqp_get_rpc_reply(client->connection), "open a channel");
  declared = amqp_queue_declare(client->connection, CLIENT_CHANNEL, amqp_empty_bytes, 0, 0, 1, 1, amqp_empty_table);
  client_check(client, amqp_get_rpc_reply(client->connection), "declare a queue");
  queue = amqp_bytes_malloc_dup(declared->queue);
  assert_non_null(queue.bytes);
  return queue;
}

void client_confirm_select(struct client *client) {
  (void)amqp_confirm_select(client->connection, CLIENT_CHANNEL);
  client_check(client, amqp_get_rpc_reply(client->connection), "turn confirms on");
}

void client_await_confirms(struct client *client, uint64_t count) {
  uint64_t confirmed = 0;

  while (confirmed < count) {
    const amqp_basic_ack_t *ack;
    struct timeval limit = hang_limit;
    amqp_frame_t frame;
    int status;

    amqp_maybe_release_buffers(client->connection);
    status = amqp_simple_wait_frame_noblock(client->connection, &frame, &limit);
    if (status != AMQP_STATUS_OK) {
      fail_msg("after %llu of %llu confirms: %s", (unsigned long long)confirmed, (unsigned long long)count,
               client_describe_failure(client, status));
    }
    assert_int_equal(frame.frame_type, AMQP_FRAME_METHOD);
    assert_int_equal(frame.payload.method.id, AMQP_BASIC_ACK_METHOD);
    ack = frame.payload.method.decoded;
    confirmed = ack->multiple ? ack->delivery_tag : confirmed + 1;
  }
}

void client_fill(uint8_t *bytes, size_t length, size_t number) {
  uint32_t random = (uint32_t)number * 2654435761u + 1u;

  for (size_t i = 0; i < length; i++) {
    random = random * 1664525u + 1013904223u;
    bytes[i] = (uint8_t)(random >> 24);
  }
}

static uint8_t *new_body(size_t length, size_t number) {
  uint8_t *bytes = malloc(length + 1);

  assert_non_null(bytes);
  client_fill(bytes, length, number);
  return bytes;
}

void client_publish(struct client *client, amqp_bytes_t queue, size_t length, size_t number) {
  uint8_t *bytes = new_body(length, number);
  const amqp_bytes_t body = {.len = length, .bytes = bytes};
  const int status = amqp_basic_publish(client->connection, CLIENT_CHANNEL, amqp_empty_bytes, queue, 0, 0, NULL, body);

  free(bytes);
  if (status != AMQP_STATUS_OK) {
    fail_msg("publish %zu bytes: %s", length, client_describe_failure(client, status));
  }
}

void client_consume(struct client *client, amqp_bytes_t queue) {
  (void)amqp_basic_consume(client->connection, CLIENT_CHANNEL, queue, amqp_empty_bytes, 0, 1, 0, amqp_empty_table);
  client_check(client, amqp_get_rpc_reply(client->connection), "consume");
}

static void check_message(const amqp_message_t *message, size_t length, size_t number) {
  uint8_t *expected = new_body(length, number);
  const int same = message->body.len == length && (length == 0 || memcmp(message->body.bytes, expected, length) == 0);

  free(expected);
  if (!same) {
    fail_msg("message %zu of %zu bytes came back changed, with %zu bytes", number, length, message->body.len);
  }
}

/* False when none came in time. */
static bool take_within(struct client *client, struct timeval limit, size_t length, size_t number) {
  amqp_envelope_t envelope;
  amqp_rpc_reply_t reply;

  amqp_maybe_release_buffers(client->connection);
  reply = amqp_consume_message(client->connection, &envelope, &limit, 0);
  if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION && reply.library_error == AMQP_STATUS_TIMEOUT) {
    return false;
  }
  client_check(client, reply, "consume");
  check_message(&envelope.message, length, number);
  amqp_destroy_envelope(&envelope);
  return true;
}

void client_expect_message(struct client *client, size_t length, size_t number) {
  if (!take_within(client, hang_limit, length, number)) {
    fail_msg("message %zu of %zu bytes does not come", number, length);
  }
}

bool client_take_message(struct client *client, size_t length, size_t number) {
  const struct timeval no_time = {0, 0};

  return take_within(client, no_time, length, number);
}

void client_await_descriptor(const struct client *client, size_t number, int limit_ms) {
  struct pollfd readable = {.fd = amqp_get_sockfd(client->connection), .events = POLLIN};

  if (amqp_frames_enqueued(client->connection) || amqp_data_in_buffer(client->connection)) {
    return;
  }
  if (poll(&readable, 1, limit_ms) != 1) {
    fail_msg("message %zu does not come, although the broker has it", number);
  }
}
