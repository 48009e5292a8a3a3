/* SPDX-License-Identifier: MIT */
/*
 * A program that knows its broker by a URI and nothing else: to RabbitMQ, with the certificate and with a password; and
 * what other servers see of what a URI asks for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include <amqp_wolfssl_socket.h>

#include "client.h"
#include "minted_certificates.h"
#include "peer_process.h"
#include "private_broker.h"
#include "tls_server.h"

#define URI_SIZE 8192

/* Only what hangs takes so long. */
#define HANG_LIMIT_MS 30000

/* ---- The program ---- */

/* \a user: "", or "user:password@" */
static const char *make_uri(const char *user, const char *host, int port, const char *query) {
  static char uri[URI_SIZE];

  (void)snprintf(uri, sizeof(uri), "amqps://%s%s:%d/%%2f?cacertfile=%s&certfile=%s&keyfile=%s&%s", user, host, port,
                 minted_certificate("bundle"), minted_certificate("client"), minted_key("client"), query);
  return uri;
}

static struct client make_client(const char *uri, unsigned flags) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
  struct client client = {.connection = amqp_new_connection()};

  assert_non_null(config);
  assert_non_null(client.connection);
  if (amqp_wolfssl_config_apply_uri(config, uri, flags) != AMQP_WOLFSSL_OK) {
    fail_msg("%s", amqp_wolfssl_error_message(amqp_wolfssl_config_error(config)));
  }
  client.socket = amqp_wolfssl_socket_new(client.connection, config);
  amqp_wolfssl_config_free(config);
  assert_non_null(client.socket);
  return client;
}

/* \a info points into \a front */
static int open_client(struct client *client, const char *uri, char front[URI_SIZE],
                       struct amqp_connection_info *info) {
  const int limit_ms = amqp_wolfssl_uri_number(uri, AMQP_WOLFSSL_URI_CONNECTION_TIMEOUT, HANG_LIMIT_MS);
  struct timeval limit = {limit_ms / 1000, limit_ms % 1000 * 1000L};

  assert_int_equal(amqp_wolfssl_uri_strip(uri, front, URI_SIZE), AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_parse_url(front, info), AMQP_STATUS_OK);
  assert_true(info->ssl);
  return amqp_socket_open_noblock(client->socket, info->host, info->port, &limit);
}

static int try_open(struct client *client, const char *uri) {
  struct amqp_connection_info info;
  char front[URI_SIZE];

  return open_client(client, uri, front, &info);
}

static void log_in(struct client *client, const char *uri, const struct amqp_connection_info *info) {
  const char *mechanism = amqp_wolfssl_uri_auth_mechanism(uri, 0);
  const int channels = amqp_wolfssl_uri_number(uri, AMQP_WOLFSSL_URI_CHANNEL_MAX, 0);
  const int heartbeat = amqp_wolfssl_uri_number(uri, AMQP_WOLFSSL_URI_HEARTBEAT, 60);
  amqp_rpc_reply_t reply;

  if (mechanism != NULL && strcmp(mechanism, "EXTERNAL") == 0) {
    reply = amqp_login(client->connection, info->vhost, channels, CLIENT_FRAME_MAX, heartbeat,
                       AMQP_SASL_METHOD_EXTERNAL, "certificate");
  } else {
    reply = amqp_login(client->connection, info->vhost, channels, CLIENT_FRAME_MAX, heartbeat, AMQP_SASL_METHOD_PLAIN,
                       info->user, info->password);
  }
  client_check(client, reply, "login");
}

/* From the URI to a message and back. */
static void talk_to_broker(const char *uri, int channels, int heartbeat) {
  struct client client = make_client(uri, 0);
  struct amqp_connection_info info;
  char front[URI_SIZE];
  amqp_bytes_t queue;

  if (open_client(&client, uri, front, &info) != AMQP_STATUS_OK) {
    fail_msg("%s", amqp_wolfssl_error_message(amqp_wolfssl_socket_error(client.socket)));
  }
  log_in(&client, uri, &info);
  assert_int_equal(amqp_get_channel_max(client.connection), channels);
  assert_int_equal(amqp_get_heartbeat(client.connection), heartbeat);
  assert_string_equal(amqp_wolfssl_socket_own_subject(client.socket), "CN=client1,O=Acme");
  queue = client_declare_queue(&client);
  client_consume(&client, queue);
  client_publish(&client, queue, 100, 1);
  client_expect_message(&client, 100, 1);
  amqp_bytes_free(queue);
  client_close(&client);
}

/* ---- RabbitMQ ---- */

static void by_certificate(void **state) {
  const struct private_broker *broker = private_broker_ready();
  (void)state;

  talk_to_broker(make_uri("", "127.0.0.1", broker->tls_port,
                          "verify=verify_peer&server_name_indication=localhost&depth=0&auth_mechanism=external&"
                          "heartbeat=7&connection_timeout=30000&channel_max=11"),
                 11, 7);
}

static void by_password_over_ipv4_and_its_name(void **state) {
  const struct private_broker *broker = private_broker_ready();
  char user[300];
  (void)state;

  (void)snprintf(user, sizeof(user), "%s:%s@", broker->user, broker->password);
  talk_to_broker(make_uri(user, "127.0.0.1", broker->tls_port, "auth_mechanism=plain&channel_max=5&heartbeat=0"), 5, 0);
  talk_to_broker(make_uri(user, "localhost", broker->tls_port, "channel_max=5&heartbeat=9"), 5, 9);
}

/* ---- What other servers see ---- */

static void expect_refused(const char *certificate, const char *query, unsigned flags, int status, const char *code,
                           const char *sentence) {
  for (size_t i = 0; i < 2; i++) {
    struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, certificate, client_versions[i], NULL);
    const char *uri = make_uri("", "127.0.0.1", server.port, query);
    struct client client = make_client(uri, flags);
    const int got = try_open(&client, uri);
    const amqp_wolfssl_error_t *error = amqp_wolfssl_socket_error(client.socket);

    if (got != status || strcmp(amqp_wolfssl_code_name(amqp_wolfssl_error_code(error)), code) != 0 ||
        strstr(amqp_wolfssl_error_message(error), sentence) == NULL) {
      fail_msg("%s: %s, %s", query, client_describe_failure(&client, got), amqp_wolfssl_error_message(error));
    }
    assert_false(tls_server_saw_client(TLS_SERVER_OPENSSL, &server, "client1"));
    client_destroy(&client);
    tls_server_stop(&server);
  }
}

static void expect_accepted(const char *certificate, const char *query, unsigned flags) {
  for (size_t i = 0; i < 2; i++) {
    struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, certificate, client_versions[i], NULL);
    const char *uri = make_uri("", "127.0.0.1", server.port, query);
    struct client client = make_client(uri, flags);

    if (try_open(&client, uri) != AMQP_STATUS_OK) {
      fail_msg("%s: %s", query, amqp_wolfssl_error_message(amqp_wolfssl_socket_error(client.socket)));
    }
    tls_server_expect_client(TLS_SERVER_OPENSSL, &server, "client1");
    client_destroy(&client);
    tls_server_stop(&server);
  }
}

static void depths(void **state) {
  (void)state;
  expect_accepted("server", "depth=0", 0);
  expect_accepted("server-chain", "depth=1", 0);
  expect_refused("server-chain", "depth=0", 0, AMQP_STATUS_SSL_PEER_VERIFY_FAILED, "CHAIN_INVALID",
                 "has 1 intermediate CAs, but the program allows 0");
}

static void verification(void **state) {
  (void)state;
  expect_refused("server-other-ca", "verify=verify_peer", 0, AMQP_STATUS_SSL_PEER_VERIFY_FAILED, "UNKNOWN_CA", "");
  expect_refused("server-other-ca", "heartbeat=1", AMQP_WOLFSSL_URI_ALLOW_VERIFY_NONE,
                 AMQP_STATUS_SSL_PEER_VERIFY_FAILED, "UNKNOWN_CA", ""); /* consent alone turns nothing off */
  expect_accepted("server-other-ca", "verify=verify_none", AMQP_WOLFSSL_URI_ALLOW_VERIFY_NONE);
  expect_refused("server-wrong-name", "verify=verify_peer", 0, AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED, "NAME_MISMATCH",
                 "");
  expect_accepted("server-wrong-name", "server_name_indication=elsewhere.test", 0);
  expect_accepted("server-wrong-name", "server_name_indication=disable", AMQP_WOLFSSL_URI_ALLOW_ANY_NAME);
  expect_refused("server-other-ca", "server_name_indication=disable", AMQP_WOLFSSL_URI_ALLOW_ANY_NAME,
                 AMQP_STATUS_SSL_PEER_VERIFY_FAILED, "UNKNOWN_CA", "");
}

static void names_that_are_sent(void **state) {
  static const struct {
    const char *query;
    unsigned flags;
    const char *sent;
  } rows[] = {
      {"depth=1", 0, "SERVER-NAME localhost\n"},
      {"server_name_indication=rabbitmq", 0, "SERVER-NAME rabbitmq\n"},
      {"server_name_indication=127.0.0.1", 0, "SERVER-NAME none\n"},
      {"server_name_indication=disable", AMQP_WOLFSSL_URI_ALLOW_ANY_NAME, "SERVER-NAME none\n"},
      {"verify=verify_none", AMQP_WOLFSSL_URI_ALLOW_VERIFY_NONE, "SERVER-NAME localhost\n"},
      {"verify=verify_none&server_name_indication=rabbitmq", AMQP_WOLFSSL_URI_ALLOW_VERIFY_NONE,
       "SERVER-NAME rabbitmq\n"},
  };
  (void)state;

  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct tls_server server = tls_server_start_proxy(NULL);
    const char *uri = make_uri("", "localhost", server.port, rows[i].query);
    struct client client = make_client(uri, rows[i].flags);

    if (try_open(&client, uri) != AMQP_STATUS_OK) {
      fail_msg("%s: %s", rows[i].query, amqp_wolfssl_error_message(amqp_wolfssl_socket_error(client.socket)));
    }
    peer_process_expect(server.process, rows[i].sent);
    client_destroy(&client);
    tls_server_stop(&server);
  }
}

/* ---- A program that does not look at what apply_uri returns ---- */

static void a_refused_uri_opens_nothing(void **state) {
  static const char *const queries[] = {"verify=verify_none", "server_name_indication=disable", "verify=verify_maybe",
                                        "unknown=1"};
  (void)state;

  for (size_t i = 0; i < sizeof(queries) / sizeof(queries[0]); i++) {
    struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, "server-other-ca", 0, NULL);
    amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
    struct client client = {.connection = amqp_new_connection()};
    amqp_wolfssl_code_t code =
        amqp_wolfssl_config_apply_uri(config, make_uri("", "127.0.0.1", server.port, queries[i]), 0);

    assert_int_not_equal(code, AMQP_WOLFSSL_OK);
    client.socket = amqp_wolfssl_socket_new(client.connection, config);
    amqp_wolfssl_config_free(config);
    assert_int_not_equal(client_try_open(&client, "127.0.0.1", server.port), AMQP_STATUS_OK);
    assert_int_equal(amqp_wolfssl_error_code(amqp_wolfssl_socket_error(client.socket)), code);
    assert_int_equal(amqp_wolfssl_error_stage(amqp_wolfssl_socket_error(client.socket)), AMQP_WOLFSSL_STAGE_CONFIGURE);
    client_destroy(&client);
    tls_server_stop(&server);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(depths),
      cmocka_unit_test(verification),
      cmocka_unit_test(names_that_are_sent),
      cmocka_unit_test(a_refused_uri_opens_nothing),
      cmocka_unit_test(by_certificate),
      cmocka_unit_test(by_password_over_ipv4_and_its_name),
  };

  return cmocka_run_group_tests(tests, private_broker_set_up, minted_certificates_tear_down);
}
