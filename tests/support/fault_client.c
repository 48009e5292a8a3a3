/* SPDX-License-Identifier: MIT */
/* A small AMQP client over the library under test, as a user's program would be. */
#include "fault_client.h"

#include <stdio.h>
#include <string.h>

#include "client.h"
#include "minted_certificates.h"

#if defined(__has_include)
#if __has_include(<rabbitmq-c/framing.h>)
#include <rabbitmq-c/framing.h>
#else
#include <amqp_framing.h>
#endif
#else
#include <amqp_framing.h>
#endif

#define CHANNEL 1

/* A safety net: nothing here takes long unless it hangs. */
static struct timeval limit = {60, 0};

amqp_wolfssl_config_t *fault_config_new(amqp_wolfssl_version_t lowest, amqp_wolfssl_version_t highest) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  if (config == NULL || amqp_wolfssl_config_add_ca_file(config, minted_certificate("ca")) != AMQP_WOLFSSL_OK ||
      amqp_wolfssl_config_set_identity_files(config, minted_certificate("client"), minted_key("client")) !=
          AMQP_WOLFSSL_OK ||
      amqp_wolfssl_config_set_tls_versions(config, lowest, highest) != AMQP_WOLFSSL_OK ||
      /* some brokers lack it */
      amqp_wolfssl_config_set_require_extended_master_secret(config, 0) != AMQP_WOLFSSL_OK) {
    fprintf(stderr, "no config: %s\n", amqp_wolfssl_error_message(amqp_wolfssl_config_error(config)));
    amqp_wolfssl_config_free(config);
    return NULL;
  }
  return config;
}

/* ---- Failures ---- */

static bool fail_with_status(struct fault_client *client, const char *step, int status) {
  client->status = status;
  (void)snprintf(client->problem, sizeof(client->problem), "%s: %s: %s", step, amqp_error_string2(status),
                 amqp_wolfssl_error_message(amqp_wolfssl_socket_error(client->socket)));
  return false;
}

static bool fail_with_text(struct fault_client *client, const char *step, const char *text) {
  client->status = 0;
  (void)snprintf(client->problem, sizeof(client->problem), "%s: %s", step, text);
  return false;
}

static bool check_reply(struct fault_client *client, const char *step, amqp_rpc_reply_t reply) {
  switch (reply.reply_type) {
    case AMQP_RESPONSE_NORMAL:
      return true;
    case AMQP_RESPONSE_LIBRARY_EXCEPTION:
      return fail_with_status(client, step, reply.library_error);
    case AMQP_RESPONSE_NONE:
    case AMQP_RESPONSE_SERVER_EXCEPTION:
      break;
  }
  return fail_with_text(client, step, "the broker refused it");
}

/* ---- Steps ---- */

bool fault_client_new(struct fault_client *client, amqp_wolfssl_config_t *config) {
  memset(client, 0, sizeof(*client));
  client->amqp = amqp_new_connection();
  if (client->amqp == NULL) {
    return fail_with_text(client, "connection", "out of memory");
  }
  client->socket = amqp_wolfssl_socket_new(client->amqp, config);
  return client->socket != NULL ? true : fail_with_text(client, "socket", "none was made");
}

bool fault_client_open(struct fault_client *client, int port) {
  int status = amqp_socket_open_noblock(client->socket, "localhost", port, &limit);

  return status == AMQP_STATUS_OK ? true : fail_with_status(client, "open", status);
}

static bool declare_queue(struct fault_client *client) {
  const amqp_queue_declare_ok_t *declared =
      amqp_queue_declare(client->amqp, CHANNEL, amqp_empty_bytes, 0, 0, 1, 1, amqp_empty_table);

  if (!check_reply(client, "declare a queue", amqp_get_rpc_reply(client->amqp))) {
    return false;
  }
  if (declared->queue.len >= sizeof(client->queue)) {
    return fail_with_text(client, "declare a queue", "its name is too long");
  }
  memcpy(client->queue, declared->queue.bytes, declared->queue.len);
  client->queue[declared->queue.len] = '\0';
  return true;
}

bool fault_client_login(struct fault_client *client, const char *user, const char *password, int frame_max) {
  if (!check_reply(client, "log in",
                   amqp_login(client->amqp, "/", 0, frame_max, 0, AMQP_SASL_METHOD_PLAIN, user, password))) {
    return false;
  }
  (void)amqp_channel_open(client->amqp, CHANNEL);
  if (!check_reply(client, "open a channel", amqp_get_rpc_reply(client->amqp))) {
    return false;
  }
  (void)amqp_confirm_select(client->amqp, CHANNEL);
  return check_reply(client, "turn confirms on", amqp_get_rpc_reply(client->amqp)) && declare_queue(client);
}

bool fault_client_publish(struct fault_client *client, int number, size_t length) {
  unsigned char body[FAULT_CLIENT_LONGEST];
  amqp_bytes_t message = {length, body};
  int status;

  if (length > sizeof(body)) {
    return fail_with_text(client, "publish", "the message is too long for this test");
  }
  client_fill(body, length, (size_t)number);
  status = amqp_basic_publish(client->amqp, CHANNEL, amqp_empty_bytes, amqp_cstring_bytes(client->queue), 0, 0, NULL,
                              message);
  return status == AMQP_STATUS_OK ? true : fail_with_status(client, "publish", status);
}

/* A confirm stands for one message or for all up to it, and they come in any order. */
static bool take_confirm(struct fault_client *client, const amqp_basic_ack_t *ack) {
  if (ack->delivery_tag < 1 || ack->delivery_tag > FAULT_CLIENT_MOST_MESSAGES) {
    return false;
  }
  for (uint64_t tag = ack->multiple ? 1 : ack->delivery_tag; tag <= ack->delivery_tag; tag++) {
    client->confirmed[tag] = true;
  }
  return true;
}

static bool all_confirmed(const struct fault_client *client, size_t count) {
  for (size_t tag = 1; tag <= count; tag++) {
    if (!client->confirmed[tag]) {
      return false;
    }
  }
  return true;
}

bool fault_client_await_confirms(struct fault_client *client, size_t count) {
  while (!all_confirmed(client, count)) {
    amqp_frame_t frame;
    int status;

    amqp_maybe_release_buffers(client->amqp);
    status = amqp_simple_wait_frame_noblock(client->amqp, &frame, &limit);
    if (status != AMQP_STATUS_OK) {
      return fail_with_status(client, "wait for confirms", status);
    }
    if (frame.frame_type != AMQP_FRAME_METHOD || frame.payload.method.id != AMQP_BASIC_ACK_METHOD ||
        !take_confirm(client, frame.payload.method.decoded)) {
      return fail_with_text(client, "wait for confirms", "something else came");
    }
  }
  return true;
}

bool fault_client_start_consuming(struct fault_client *client) {
  (void)amqp_basic_consume(client->amqp, CHANNEL, amqp_cstring_bytes(client->queue), amqp_empty_bytes, 0, 1, 0,
                           amqp_empty_table);
  return check_reply(client, "start consuming", amqp_get_rpc_reply(client->amqp));
}

bool fault_client_consume(struct fault_client *client, int number, size_t length) {
  unsigned char expected[FAULT_CLIENT_LONGEST];
  amqp_envelope_t envelope;
  bool same;

  amqp_maybe_release_buffers(client->amqp);
  if (!check_reply(client, "consume", amqp_consume_message(client->amqp, &envelope, &limit, 0))) {
    return false;
  }
  client_fill(expected, length, (size_t)number);
  same = envelope.message.body.len == length &&
         (length == 0 || memcmp(envelope.message.body.bytes, expected, length) == 0);
  amqp_destroy_envelope(&envelope);
  return same ? true : fail_with_text(client, "consume", "the message came back changed");
}

bool fault_client_close(struct fault_client *client) {
  return check_reply(client, "close", amqp_connection_close(client->amqp, AMQP_REPLY_SUCCESS));
}

void fault_client_destroy(struct fault_client *client) {
  if (client->amqp != NULL) {
    (void)amqp_destroy_connection(client->amqp);
  }
  client->amqp = NULL;
  client->socket = NULL;
}
