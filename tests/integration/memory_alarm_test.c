/* SPDX-License-Identifier: MIT */
/*
 * RabbitMQ under a memory alarm: it reads nothing more from a connection that publishes, but goes on sending heartbeats
 * and deliveries. What it sends must be heard although our output is blocked, and all that was published must come once
 * the alarm is over.
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
#include "private_broker.h"
#include "time_limit.h"

#define HOST "127.0.0.1"
#define TIME_LIMIT_SECONDS 240 /* a safety net */
#define SEND_BUFFER 16384
#define BODY 1000
/* With their frames they stay below one record, so that none is sent before the cork is off. */
#define BATCH 10
#define HEARTBEAT_SECONDS 2

static const struct private_broker *broker;
static const struct timeval hang_limit = {15, 0};

/* ---- The alarm ---- */

/* As a share of the machine's memory. */
static void set_watermark(const char *watermark) {
  const char *const arguments[] = {"set_vm_memory_high_watermark", watermark, NULL};

  free(private_broker_ctl(broker, arguments));
}

static void raise_alarm(void) { set_watermark("0.0000001"); }

static void end_alarm(void) { set_watermark("0.8"); }

/* A case that fails leaves no alarm to the next. */
static int end_alarm_after(void **state) {
  (void)state;
  if (broker != NULL) {
    end_alarm();
  }
  return 0;
}

/* ---- Connections ---- */

static struct client connect_to_broker(int version, int heartbeat) {
  const struct client_settings settings = {/* the broker of Debian 12 has no Extended Master Secret */
                                           .ca = "bundle",
                                           .identity = "client",
                                           .version = version,
                                           .without_extended_master_secret = true};
  const int size = SEND_BUFFER;
  struct client client = client_new(&settings);

  client_open(&client, HOST, broker->tls_port);
  client_check(&client, client_login_plain(&client, broker->user, broker->password, CLIENT_FRAME_MAX, heartbeat),
               "log in");
  assert_int_equal(setsockopt(amqp_get_sockfd(client.connection), SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
  return client;
}

/* ---- With a cork, in one thread ---- */

/* A blocking publish would wait for the end of the alarm; what is corked does not, and uncorking has a time limit. */
static size_t publish_until_blocked(struct client *client, amqp_bytes_t queue) {
  static const struct timeval moment = {0, 200000};
  int status = AMQP_STATUS_OK;
  size_t published = 0;

  while (status == AMQP_STATUS_OK) {
    assert_int_equal(amqp_wolfssl_socket_cork(client->socket), AMQP_STATUS_OK);
    for (int i = 0; i < BATCH; i++) {
      client_publish(client, queue, BODY, published++);
    }
    status = amqp_wolfssl_socket_uncork(client->socket, &moment);
  }
  assert_int_equal(status, AMQP_STATUS_TIMEOUT);
  return published;
}

/* Heartbeats alone come, and Connection.Blocked; whoever does not hear them takes the broker for dead. */
static void wait_longer_than_two_heartbeats(struct client *client) {
  struct timeval limit = {4 * HEARTBEAT_SECONDS, 0};
  amqp_frame_t frame;
  int status;

  do {
    status = amqp_simple_wait_frame_noblock(client->connection, &frame, &limit);
  } while (status == AMQP_STATUS_OK && frame.frame_type == AMQP_FRAME_METHOD &&
           frame.payload.method.id == AMQP_CONNECTION_BLOCKED_METHOD);
  if (status != AMQP_STATUS_TIMEOUT) {
    fail_msg("%s: %s", amqp_error_string2(status),
             amqp_wolfssl_error_message(amqp_wolfssl_socket_error(client->socket)));
  }
}

static void hear_heartbeats_under_an_alarm(int version) {
  struct client observer = connect_to_broker(version, 0);
  amqp_bytes_t queue = client_declare_queue(&observer);
  struct client publisher;
  size_t published;

  client_consume(&observer, queue);
  raise_alarm(); /* which takes rabbitmqctl longer than a silent client may take */
  publisher = connect_to_broker(version, HEARTBEAT_SECONDS);
  (void)amqp_channel_open(publisher.connection, CLIENT_CHANNEL);
  client_check(&publisher, amqp_get_rpc_reply(publisher.connection), "open a channel");
  published = publish_until_blocked(&publisher, queue);
  wait_longer_than_two_heartbeats(&publisher);
  end_alarm();
  assert_int_equal(amqp_wolfssl_socket_uncork(publisher.socket, &hang_limit), AMQP_STATUS_OK);
  for (size_t i = 0; i < published; i++) {
    client_expect_message(&observer, BODY, i);
  }
  client_close(&publisher);
  amqp_bytes_free(queue);
  client_close(&observer);
}

static void heartbeats_are_heard_under_an_alarm(void **state) {
  (void)state;
  broker = private_broker_ready();
  for (size_t i = 0; i < sizeof(client_versions) / sizeof(client_versions[0]); i++) {
    hear_heartbeats_under_an_alarm(client_versions[i]);
  }
}

/* ---- Without one, in two threads ---- */

#define PATIENT_QUEUE "patient"
#define PATIENCE_MILLISECONDS 3000
/* More than all buffers on the way hold. */
#define MANY_MESSAGES 2000

/* What comes here goes on to \a queue after a while, alarm or not. */
static void declare_patient_queue(struct client *client, amqp_bytes_t queue) {
  amqp_table_entry_t entries[3] = {
      {.key = amqp_cstring_bytes("x-message-ttl"),
       .value = {.kind = AMQP_FIELD_KIND_I32, .value = {.i32 = PATIENCE_MILLISECONDS}}},
      {.key = amqp_cstring_bytes("x-dead-letter-exchange"),
       .value = {.kind = AMQP_FIELD_KIND_UTF8, .value = {.bytes = amqp_cstring_bytes("")}}},
      {.key = amqp_cstring_bytes("x-dead-letter-routing-key"),
       .value = {.kind = AMQP_FIELD_KIND_UTF8, .value = {.bytes = queue}}},
  };
  const amqp_table_t arguments = {.num_entries = 3, .entries = entries};

  (void)amqp_queue_declare(client->connection, CLIENT_CHANNEL, amqp_cstring_bytes(PATIENT_QUEUE), 0, 0, 1, 1,
                           arguments);
  client_check(client, amqp_get_rpc_reply(client->connection), "declare a queue");
}

/* Only notes what goes wrong: a failed assertion must not leave a thread. */
static void *publish_many(void *context) {
  static char body[BODY];
  struct client *client = context;

  for (int i = 0; i < MANY_MESSAGES; i++) {
    if (amqp_basic_publish(client->connection, CLIENT_CHANNEL, amqp_empty_bytes, amqp_cstring_bytes("nowhere"), 0, 0,
                           NULL, (amqp_bytes_t){.len = sizeof(body), .bytes = body}) != AMQP_STATUS_OK) {
      return client;
    }
  }
  return NULL;
}

static void a_delivery_is_heard_while_the_publisher_is_blocked(void **state) {
  void *failed = NULL;
  struct client client;
  amqp_bytes_t queue;
  pthread_t publisher;
  (void)state;

  broker = private_broker_ready();
  client = connect_to_broker(AMQP_WOLFSSL_TLS_1_3, 0);
  queue = client_declare_queue(&client);
  declare_patient_queue(&client, queue);
  client_consume(&client, queue);
  client_publish(&client, amqp_cstring_bytes(PATIENT_QUEUE), BODY, 7);
  raise_alarm();
  assert_int_equal(pthread_create(&publisher, NULL, publish_many, &client), 0);
  client_expect_message(&client, BODY, 7);
  end_alarm();
  assert_int_equal(pthread_join(publisher, &failed), 0);
  assert_null(failed);
  amqp_bytes_free(queue);
  client_close(&client);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(heartbeats_are_heard_under_an_alarm, end_alarm_after),
      cmocka_unit_test_teardown(a_delivery_is_heard_while_the_publisher_is_blocked, end_alarm_after),
  };

  time_limit_start(TIME_LIMIT_SECONDS);
  return cmocka_run_group_tests(tests, private_broker_set_up, minted_certificates_tear_down);
}
