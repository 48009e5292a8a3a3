/* SPDX-License-Identifier: MIT */
/*
 * The six calls as rabbitmq-c makes them, over real sockets of the loopback interface, and a connection of the real
 * librabbitmq. The peer is a thread that listens on a port the kernel picked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "amqp_wolfssl_socket.h"
#include "config_connection.h"
#include "minted_certificates.h"
#include "mounted_secret.h"
#include "peer_thread.h"
#include "transport/rabbitmq_socket_abi.h"
#include "temporary_folder.h"
#include "backend/wolfssl_headers.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define LOOPBACK "127.0.0.1"

/* ---- The client ---- */

struct client {
  amqp_wolfssl_config_t *config;
  amqp_connection_state_t connection;
  amqp_socket_t *socket;
};

static struct timeval soon = {.tv_sec = 60}; /* a safety net: nothing here should come near it */

static void client_attach(struct client *client, amqp_wolfssl_config_t *config) {
  client->config = config;
  client->connection = amqp_new_connection();
  assert_non_null(client->connection);
  client->socket = amqp_wolfssl_socket_new(client->connection, config);
  assert_non_null(client->socket);
}

static void client_make(struct client *client) { client_attach(client, good_config()); }

static void client_free(struct client *client) {
  assert_int_equal(amqp_destroy_connection(client->connection), AMQP_STATUS_OK);
  amqp_wolfssl_config_free(client->config);
}

static const struct rabbitmq_socket_class *class_of(amqp_socket_t *socket) {
  const struct rabbitmq_socket_class *klass;

  memcpy(&klass, socket, sizeof(klass));
  return klass;
}

static ssize_t client_send(struct client *client, const void *bytes, size_t length) {
  return class_of(client->socket)->send(client->socket, bytes, length, 0);
}

static ssize_t client_recv(struct client *client, void *bytes, size_t capacity) {
  return class_of(client->socket)->recv(client->socket, bytes, capacity, 0);
}

static int client_close(struct client *client, int force) {
  return class_of(client->socket)->close(client->socket, force);
}

/* What comes next: bytes or the end. */
static ssize_t client_wait(struct client *client, void *bytes, size_t capacity) {
  for (;;) {
    ssize_t result = client_recv(client, bytes, capacity);
    struct pollfd poll_for = {.fd = amqp_socket_get_sockfd(client->socket), .events = POLLIN};

    assert_int_not_equal(result, 0);
    if (result != RABBITMQ_STATUS_NEEDREAD) {
      return result;
    }
    assert_int_equal(poll(&poll_for, 1, 60000), 1);
  }
}

static int client_open(struct client *client, const struct peer *peer) {
  return amqp_socket_open_noblock(client->socket, LOOPBACK, peer->port, &soon);
}

static void assert_error(const struct client *client, amqp_wolfssl_stage_t stage, amqp_wolfssl_code_t code) {
  const amqp_wolfssl_error_t *error = amqp_wolfssl_socket_error(client->socket);

  if (amqp_wolfssl_error_code(error) != code || amqp_wolfssl_error_stage(error) != stage) {
    print_error("wanted %s/%s, got %s/%s: %s\n", amqp_wolfssl_stage_name(stage), amqp_wolfssl_code_name(code),
                amqp_wolfssl_stage_name(amqp_wolfssl_error_stage(error)),
                amqp_wolfssl_code_name(amqp_wolfssl_error_code(error)), amqp_wolfssl_error_message(error));
  }
  assert_int_equal(amqp_wolfssl_error_stage(error), stage);
  assert_int_equal(amqp_wolfssl_error_code(error), code);
}

static void assert_no_facts(const amqp_socket_t *socket) {
  assert_string_equal(amqp_wolfssl_socket_version(socket), "");
  assert_string_equal(amqp_wolfssl_socket_suite(socket), "");
  assert_string_equal(amqp_wolfssl_socket_group(socket), "");
  assert_int_equal(amqp_wolfssl_socket_extended_master_secret(socket), 0);
  assert_string_equal(amqp_wolfssl_socket_peer_subject(socket), "");
  assert_string_equal(amqp_wolfssl_socket_peer_issuer(socket), "");
  assert_int_equal(amqp_wolfssl_socket_peer_name_count(socket), 0);
  assert_string_equal(amqp_wolfssl_socket_peer_name(socket, 0), "");
  assert_int_equal(amqp_wolfssl_socket_peer_not_before(socket), 0);
  assert_int_equal(amqp_wolfssl_socket_peer_not_after(socket), 0);
  assert_string_equal(amqp_wolfssl_socket_own_subject(socket), "");
}

static void assert_closed(struct client *client) {
  char byte_read;

  assert_int_equal(amqp_socket_get_sockfd(client->socket), -1);
  assert_int_equal(amqp_get_sockfd(client->connection), -1);
  assert_int_equal(client_send(client, "x", 1), AMQP_STATUS_SOCKET_CLOSED);
  assert_int_equal(client_recv(client, &byte_read, 1), AMQP_STATUS_SOCKET_CLOSED);
  assert_int_equal(client_close(client, RABBITMQ_CLOSE_NONE), AMQP_STATUS_SOCKET_CLOSED);
  assert_int_equal(client_close(client, RABBITMQ_CLOSE_FORCE), AMQP_STATUS_SOCKET_CLOSED);
}

/* An open that fails, with everything that is said about it, and leaves the socket closed. */
static void expect_open_failure(struct client *client, const char *host, int port, struct timeval *timeout, int status,
                                amqp_wolfssl_stage_t stage, amqp_wolfssl_code_t code) {
  assert_int_equal(amqp_socket_open_noblock(client->socket, host, port, timeout), status);
  assert_error(client, stage, code);
  assert_true(amqp_wolfssl_error_message(amqp_wolfssl_socket_error(client->socket))[0] != '\0');
  assert_no_facts(client->socket);
  assert_closed(client);
}

/* ---- Attaching ---- */

static void test_runtime_is_right(void **state) {
  const char *message = NULL;

  (void)state;
  assert_int_equal(amqp_wolfssl_check_runtime(&message), AMQP_WOLFSSL_OK);
  assert_non_null(message);
  assert_int_equal(amqp_wolfssl_check_runtime(NULL), AMQP_WOLFSSL_OK);
}

static void test_attaching(void **state) {
  amqp_connection_state_t other = amqp_new_connection();
  amqp_socket_t *tcp = amqp_tcp_socket_new(other);
  struct client client;

  (void)state;
  client_make(&client);
  assert_ptr_equal(amqp_get_socket(client.connection), client.socket);
  assert_ptr_not_equal(class_of(client.socket), class_of(tcp));
  assert_int_equal(amqp_wolfssl_socket_is_ours(client.socket), 1);
  assert_int_equal(amqp_wolfssl_socket_is_ours(tcp), 0);
  assert_error(&client, AMQP_WOLFSSL_STAGE_NONE, AMQP_WOLFSSL_OK);
  assert_no_facts(client.socket);
  assert_closed(&client);
  assert_int_equal(amqp_wolfssl_config_set_verify_peer(client.config, 0), AMQP_WOLFSSL_ERROR_CONFIG_FROZEN);
  client_free(&client);
  assert_int_equal(amqp_destroy_connection(other), AMQP_STATUS_OK);
}

/* A rabbitmq-c with a seventh function must not find the next member of our object there, and call it. */
static void test_what_follows_the_table_is_null(void **state) {
  const void *following[RABBITMQ_SOCKET_SPARE_SLOTS];
  struct client client;

  (void)state;
  client_make(&client);
  memcpy(following, class_of(client.socket) + 1, sizeof(following));
  for (size_t i = 0; i < COUNT_OF(following); i++) {
    assert_null(following[i]);
  }
  client_free(&client);
}

static void test_attaching_nothing(void **state) {
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_wolfssl_config_t *config = good_config();

  (void)state;
  assert_null(amqp_wolfssl_socket_new(NULL, config));
  assert_null(amqp_wolfssl_socket_new(connection, NULL));
  assert_null(amqp_wolfssl_socket_new(NULL, NULL));
  assert_null(amqp_get_socket(connection));
  assert_int_equal(amqp_wolfssl_config_set_verify_host(config, 1), AMQP_WOLFSSL_OK); /* not frozen by that */
  amqp_wolfssl_config_free(config);
  assert_int_equal(amqp_destroy_connection(connection), AMQP_STATUS_OK);
}

static void test_sockets_of_others(void **state) {
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t *tcp = amqp_tcp_socket_new(connection);

  (void)state;
  assert_int_equal(amqp_wolfssl_socket_is_ours(NULL), 0);
  assert_null(amqp_wolfssl_socket_error(NULL));
  assert_null(amqp_wolfssl_socket_error(tcp));
  assert_no_facts(NULL);
  assert_no_facts(tcp);
  assert_int_equal(amqp_destroy_connection(connection), AMQP_STATUS_OK);
}

/* ---- With a config of its own ---- */

static void client_make_unshared(struct client *client) {
  client->config = NULL;
  client->connection = amqp_new_connection();
  assert_non_null(client->connection);
  client->socket = amqp_wolfssl_socket_new_unshared(client->connection);
  assert_non_null(client->socket);
  assert_non_null(amqp_wolfssl_socket_config(client->socket));
}

static void test_unshared_is_set_up_after_attaching(void **state) {
  struct peer peer;
  struct client client;
  amqp_wolfssl_config_t *config;
  char answer[3];

  (void)state;
  peer_start(&peer, PEER_ECHOES, NULL, 0);
  client_make_unshared(&client);
  config = amqp_wolfssl_socket_config(client.socket);
  expect_open_failure(&client, LOOPBACK, peer.port, &soon, AMQP_STATUS_SSL_ERROR, AMQP_WOLFSSL_STAGE_CONFIGURE,
                      AMQP_WOLFSSL_ERROR_NO_TRUST_ANCHOR);
  assert_int_equal(amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("ca.pem")), AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_wolfssl_config_set_identity_files(config, temporary_folder_path("client.pem"),
                                                          temporary_folder_path("client.key")),
                   AMQP_WOLFSSL_OK);
  assert_int_equal(client_open(&client, &peer), AMQP_STATUS_OK);
  assert_true(amqp_wolfssl_socket_own_subject(client.socket)[0] != '\0');
  assert_int_equal(client_send(&client, "abc", 3), 3);
  assert_int_equal(client_wait(&client, answer, sizeof(answer)), 3);
  assert_memory_equal(answer, "abc", 3);

  /* While open nothing changes, and what was refused is not forgotten. */
  assert_int_equal(amqp_wolfssl_config_set_verify_host(config, 0), AMQP_WOLFSSL_ERROR_CONFIG_FROZEN);
  assert_int_equal(client_close(&client, RABBITMQ_CLOSE_NONE), AMQP_STATUS_OK);
  expect_open_failure(&client, LOOPBACK, peer.port, &soon, AMQP_STATUS_SSL_ERROR, AMQP_WOLFSSL_STAGE_CONFIGURE,
                      AMQP_WOLFSSL_ERROR_CONFIG_FROZEN);
  assert_int_equal(amqp_wolfssl_config_set_verify_host(config, 1), AMQP_WOLFSSL_OK);
  assert_int_equal(client_open(&client, &peer), AMQP_STATUS_OK);
  client_free(&client);
  peer_stop(&peer);
  assert_int_equal(peer.connections, 2);
}

static void test_unshared_stays_with_its_socket(void **state) {
  amqp_connection_state_t other = amqp_new_connection();
  amqp_socket_t *tcp = amqp_tcp_socket_new(other);
  struct client client;

  (void)state;
  client_make_unshared(&client);
  assert_null(amqp_wolfssl_socket_new(other, amqp_wolfssl_socket_config(client.socket)));
  assert_ptr_equal(amqp_get_socket(other), tcp);
  assert_null(amqp_wolfssl_socket_new_unshared(NULL));
  assert_null(amqp_wolfssl_socket_config(NULL));
  assert_null(amqp_wolfssl_socket_config(tcp));
  client_free(&client);
  assert_int_equal(amqp_destroy_connection(other), AMQP_STATUS_OK);
}

/* ---- How long a connection may last ---- */

static void test_due(void **state) {
  struct peer peer;
  struct client client;
  amqp_wolfssl_config_t *config = good_config();
  amqp_connection_state_t other = amqp_new_connection();

  (void)state;
  assert_int_equal(amqp_wolfssl_config_set_maximum_life(config, 1), AMQP_WOLFSSL_OK);
  peer_start(&peer, PEER_ECHOES, NULL, 0);
  client_attach(&client, config);
  assert_int_equal(amqp_wolfssl_socket_due(client.socket), 0); /* not open */
  assert_int_equal(client_open(&client, &peer), AMQP_STATUS_OK);
  while (amqp_wolfssl_socket_due(client.socket) == 0) { /* a second; the alarm ends what would be for ever */
    (void)poll(NULL, 0, 10);
  }
  assert_int_equal(client_send(&client, "abc", 3), 3); /* nothing is closed by it */
  assert_int_equal(client_close(&client, RABBITMQ_CLOSE_NONE), AMQP_STATUS_OK);
  assert_int_equal(amqp_wolfssl_socket_due(client.socket), 0);
  assert_int_equal(client_open(&client, &peer), AMQP_STATUS_OK);
  assert_int_equal(amqp_wolfssl_socket_due(client.socket), 0); /* a new life */
  assert_int_equal(amqp_wolfssl_socket_due(NULL), 0);
  assert_int_equal(amqp_wolfssl_socket_due(amqp_tcp_socket_new(other)), 0);
  client_free(&client);
  peer_stop(&peer);
  assert_int_equal(amqp_destroy_connection(other), AMQP_STATUS_OK);
}

static void test_never_due_without_a_limit(void **state) {
  struct peer peer;
  struct client client;
  amqp_wolfssl_config_t *config = good_config();

  (void)state;
  assert_int_equal(amqp_wolfssl_config_set_maximum_life(config, 0), AMQP_WOLFSSL_OK);
  peer_start(&peer, PEER_ECHOES, NULL, 0);
  client_attach(&client, config);
  assert_int_equal(client_open(&client, &peer), AMQP_STATUS_OK);
  assert_int_equal(amqp_wolfssl_socket_due(client.socket), 0);
  client_free(&client);
  peer_stop(&peer);
}

/* ---- Credentials that are replaced ---- */

static void rotating_client(struct client *client, struct mounted_secret *secret, const char *name, int64_t margin) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  mounted_secret_make(secret, name);
  mounted_secret_put(secret, "client.pem", "client.key", "ca.pem");
  assert_int_equal(amqp_wolfssl_config_set_secret_folder(config, secret->path), AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_wolfssl_config_set_maximum_life(config, 0), AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_wolfssl_config_set_expiry_margin(config, margin), AMQP_WOLFSSL_OK);
  client_attach(client, config);
}

/* The session goes on with what it was opened with; what comes next is told. */
static void test_due_when_replaced(void **state) {
  struct mounted_secret secret;
  struct client client;
  struct peer peer;

  (void)state;
  rotating_client(&client, &secret, "due", 0);
  peer_start(&peer, PEER_ECHOES, NULL, 0);
  assert_int_equal(client_open(&client, &peer), AMQP_STATUS_OK);
  assert_int_equal(amqp_wolfssl_socket_due(client.socket), 0);
  mounted_secret_put(&secret, "client.pem", "client-no-user.key", "ca.pem");
  assert_int_equal(amqp_wolfssl_socket_due(client.socket), 0); /* nothing better is there */
  mounted_secret_put(&secret, "client-no-user.pem", "client-no-user.key", "ca.pem");
  assert_int_equal(amqp_wolfssl_socket_due(client.socket), 1);
  assert_int_equal(client_send(&client, "abc", 3), 3);
  mounted_secret_put(&secret, "client.pem", "client.key", "ca.pem");
  assert_int_equal(amqp_wolfssl_socket_due(client.socket), 1); /* it stays */
  assert_string_equal(amqp_wolfssl_socket_own_subject(client.socket), "CN=client1,O=Acme");
  mounted_secret_put(&secret, "client-no-user.pem", "client-no-user.key", "ca.pem");
  assert_int_equal(client_close(&client, RABBITMQ_CLOSE_NONE), AMQP_STATUS_OK);
  assert_int_equal(amqp_wolfssl_socket_due(client.socket), 0);
  assert_int_equal(client_open(&client, &peer), AMQP_STATUS_OK);
  assert_int_equal(amqp_wolfssl_socket_due(client.socket), 0);
  assert_string_equal(amqp_wolfssl_socket_own_subject(client.socket), "CN=client-no-user,O=Acme");
  client_free(&client);
  peer_stop(&peer);
}

static void test_due_before_the_certificate_ends(void **state) {
  struct mounted_secret secret;
  struct client client;
  struct peer peer;

  (void)state;
  rotating_client(&client, &secret, "ending", (int64_t)100 * 365 * 86400);
  peer_start(&peer, PEER_ECHOES, NULL, 0);
  assert_int_equal(amqp_wolfssl_socket_due(client.socket), 0);
  assert_int_equal(client_open(&client, &peer), AMQP_STATUS_OK);
  assert_int_equal(amqp_wolfssl_socket_due(client.socket), 1);
  client_free(&client);
  peer_stop(&peer);
}

static void test_warning(void **state) {
  struct mounted_secret secret;
  const amqp_wolfssl_error_t *warning;
  struct client client;
  struct peer peer;

  (void)state;
  assert_null(amqp_wolfssl_socket_warning(NULL));
  rotating_client(&client, &secret, "warning", 0);
  peer_start(&peer, PEER_ECHOES, NULL, 0);
  assert_int_equal(amqp_wolfssl_error_code(amqp_wolfssl_socket_warning(client.socket)), AMQP_WOLFSSL_OK);
  mounted_secret_put(&secret, "client.pem", "client-no-user.key", "ca.pem");
  assert_int_equal(client_open(&client, &peer), AMQP_STATUS_OK);
  assert_int_equal(amqp_wolfssl_error_code(amqp_wolfssl_socket_error(client.socket)), AMQP_WOLFSSL_OK);
  warning = amqp_wolfssl_socket_warning(client.socket);
  assert_int_equal(amqp_wolfssl_error_code(warning), AMQP_WOLFSSL_ERROR_KEY_MISMATCH);
  assert_int_equal(amqp_wolfssl_error_stage(warning), AMQP_WOLFSSL_STAGE_CONFIGURE);
  assert_non_null(strstr(amqp_wolfssl_error_message(warning), secret.path));
  assert_non_null(strstr(amqp_wolfssl_error_message(warning), "stay in use"));
  assert_int_equal(client_close(&client, RABBITMQ_CLOSE_NONE), AMQP_STATUS_OK);
  mounted_secret_put(&secret, "client.pem", "client.key", "ca.pem");
  assert_int_equal(client_open(&client, &peer), AMQP_STATUS_OK);
  assert_int_equal(amqp_wolfssl_error_code(amqp_wolfssl_socket_warning(client.socket)), AMQP_WOLFSSL_OK);
  client_free(&client);
  peer_stop(&peer);
}

/* ---- Who is told of failures ---- */

struct told {
  unsigned times;
  amqp_wolfssl_stage_t stage;
  amqp_wolfssl_code_t code;
  const amqp_socket_t *socket;
};

static void note_failure(amqp_socket_t *socket, const amqp_wolfssl_error_t *error, void *user_data) {
  struct told *told = user_data;

  told->times++;
  told->socket = socket;
  told->stage = amqp_wolfssl_error_stage(error);
  told->code = amqp_wolfssl_error_code(error);
}

static void test_failed_opens_are_told(void **state) {
  static struct timeval wrong = {.tv_usec = -1};
  struct told told = {0};
  struct client client;
  int port;
  int listener = listen_anywhere(&port);

  (void)state;
  (void)close(listener);
  client_make(&client);
  assert_int_equal(amqp_wolfssl_socket_set_error_callback(client.socket, note_failure, &told), AMQP_STATUS_OK);
  assert_int_not_equal(amqp_socket_open_noblock(client.socket, LOOPBACK, port, &soon), AMQP_STATUS_OK);
  assert_int_equal(told.times, 1);
  assert_ptr_equal(told.socket, client.socket);
  assert_int_equal(told.stage, AMQP_WOLFSSL_STAGE_CONNECT);
  assert_int_equal(told.code, AMQP_WOLFSSL_ERROR_CONNECT_FAILED);
  assert_int_not_equal(amqp_socket_open_noblock(client.socket, LOOPBACK, port, &wrong), AMQP_STATUS_OK);
  assert_int_equal(told.times, 2);
  assert_int_equal(told.code, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_int_equal(amqp_wolfssl_socket_set_error_callback(client.socket, NULL, NULL), AMQP_STATUS_OK);
  assert_int_not_equal(amqp_socket_open_noblock(client.socket, LOOPBACK, port, &soon), AMQP_STATUS_OK);
  assert_int_equal(told.times, 2);
  assert_int_equal(amqp_wolfssl_socket_set_error_callback(NULL, note_failure, &told), AMQP_STATUS_INVALID_PARAMETER);
  client_free(&client);
}

/* Once for a connection, not at each call that fails for the same reason; and again for the next connection. */
static void test_lost_connections_are_told(void **state) {
  static const struct {
    enum peer_kind kind;
    amqp_wolfssl_code_t code;
  } ends[] = {{PEER_ENDS, AMQP_WOLFSSL_ERROR_CLOSED_BY_PEER},
              {PEER_HANGS_UP, AMQP_WOLFSSL_ERROR_TRUNCATED},
              {PEER_SENDS_JUNK, AMQP_WOLFSSL_OK}};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(ends); i++) {
    struct told told = {0};
    struct peer peer;
    struct client client;
    char byte_read;

    peer_start(&peer, ends[i].kind, NULL, 0);
    client_make(&client);
    assert_int_equal(amqp_wolfssl_socket_set_error_callback(client.socket, note_failure, &told), AMQP_STATUS_OK);
    for (unsigned connection = 1; connection <= 2; connection++) {
      assert_int_equal(client_open(&client, &peer), AMQP_STATUS_OK);
      assert_int_equal(client_send(&client, "x", 1), 1);
      assert_int_equal(told.times, connection - 1);
      for (int again = 0; again < 3; again++) {
        assert_true(client_wait(&client, &byte_read, 1) < 0);
        assert_int_equal(told.times, connection);
      }
      assert_int_equal(told.stage, AMQP_WOLFSSL_STAGE_RECEIVE);
      assert_true(ends[i].code == AMQP_WOLFSSL_OK || told.code == ends[i].code);
      assert_int_equal(client_close(&client, RABBITMQ_CLOSE_FORCE), AMQP_STATUS_OK);
    }
    client_free(&client);
    peer_stop(&peer);
  }
}

/* What a callback waits for may be another thread that uses the socket: to log a line, say. */
struct helper {
  amqp_socket_t *socket;
  unsigned ended_in_time;
  bool same_code;
  amqp_wolfssl_code_t code;
};

static void *use_socket(void *context) {
  struct helper *helper = context;

  helper->code = amqp_wolfssl_error_code(amqp_wolfssl_socket_error(helper->socket));
  (void)amqp_wolfssl_socket_due(helper->socket);
  (void)amqp_wolfssl_socket_cork(helper->socket);
  (void)amqp_wolfssl_socket_uncork(helper->socket, &soon);
  return NULL;
}

static void wait_for_helper(amqp_socket_t *socket, const amqp_wolfssl_error_t *error, void *user_data) {
  struct helper *helper = user_data;
  struct timespec limit;
  pthread_t thread;

  (void)use_socket(helper);
  if (clock_gettime(CLOCK_REALTIME, &limit) != 0 || pthread_create(&thread, NULL, use_socket, helper) != 0) {
    return;
  }
  limit.tv_sec += 10;
  helper->ended_in_time += pthread_timedjoin_np(thread, NULL, &limit) == 0 ? 1 : 0;
  helper->same_code = helper->code == amqp_wolfssl_error_code(error) && socket == helper->socket;
}

static void test_the_socket_can_be_used_while_a_failure_is_told(void **state) {
  struct peer peer;
  struct client client;
  static struct helper helper; /* outlives a thread that hangs */
  char byte_read;

  (void)state;
  peer_start(&peer, PEER_ENDS, NULL, 0);
  client_make(&client);
  helper.socket = client.socket;
  assert_int_equal(amqp_wolfssl_socket_set_error_callback(client.socket, wait_for_helper, &helper), AMQP_STATUS_OK);
  assert_int_not_equal(amqp_socket_open_noblock(client.socket, NULL, peer.port, &soon), AMQP_STATUS_OK);
  assert_int_equal(helper.ended_in_time, 1);
  assert_true(helper.same_code);
  assert_int_equal(client_open(&client, &peer), AMQP_STATUS_OK);
  assert_int_equal(client_send(&client, "x", 1), 1);
  assert_true(client_wait(&client, &byte_read, 1) < 0);
  assert_int_equal(helper.ended_in_time, 2);
  assert_true(helper.same_code);
  assert_int_equal(helper.code, AMQP_WOLFSSL_ERROR_CLOSED_BY_PEER);
  client_free(&client);
  peer_stop(&peer);
}

/* ---- Two threads on one socket ---- */

struct uncorker {
  struct client *client;
  sem_t begins;
  int status;
};

/* Again until it has to wait: what the kernel has taken may still move on to the peer's buffer, which makes room once
 * more, and how long that takes nobody can tell. */
static void *uncork(void *context) {
  static const char bytes[1000]; /* no part of a record's room: what is blocked is then in what the cork collected */
  static const struct timeval limit = {.tv_sec = 20};
  struct uncorker *uncorker = context;

  do {
    (void)amqp_wolfssl_socket_cork(uncorker->client->socket);
    while (client_send(uncorker->client, bytes, sizeof(bytes)) > 0) {
    }
    (void)sem_post(&uncorker->begins);
    uncorker->status = amqp_wolfssl_socket_uncork(uncorker->client->socket, &limit);
  } while (uncorker->status == AMQP_STATUS_OK);
  return NULL;
}

/* Only when this thread has gone on is the peer stopped, which ends the other's wait. */
static void test_uncorking_keeps_no_thread_waiting(void **state) {
  struct client client;
  struct uncorker uncorker = {.client = &client, .status = AMQP_STATUS_OK};
  struct peer peer;
  pthread_t thread;
  char byte_read;

  (void)state;
  peer_start(&peer, PEER_STOPS_READING, NULL, 0);
  client_make(&client);
  assert_int_equal(sem_init(&uncorker.begins, 0, 0), 0);
  assert_int_equal(client_open(&client, &peer), AMQP_STATUS_OK);
  assert_int_equal(client_send(&client, "x", 1), 1);
  assert_int_equal(client_wait(&client, &byte_read, 1), 1); /* it reads no more */
  assert_int_equal(pthread_create(&thread, NULL, uncork, &uncorker), 0);
  assert_int_equal(sem_wait(&uncorker.begins), 0);
  for (int times = 0; times < 2000; times++) { /* the other thread may not wait yet */
    assert_int_equal(client_recv(&client, &byte_read, 1), RABBITMQ_STATUS_NEEDREAD); /* of either, see either_way.c */
    (void)sched_yield();
  }
  peer_stop(&peer);
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_int_not_equal(uncorker.status, AMQP_STATUS_TIMEOUT);
  (void)sem_destroy(&uncorker.begins);
  client_free(&client);
}

/* The socket keeps the config; replacing the socket frees both. A memory checker watches. */
static void test_replacing_the_socket(void **state) {
  amqp_wolfssl_config_t *config = good_config();
  amqp_connection_state_t connection = amqp_new_connection();

  (void)state;
  assert_non_null(amqp_wolfssl_socket_new(connection, config));
  assert_non_null(amqp_wolfssl_socket_new(connection, config)); /* deletes the first, which was never opened */
  amqp_wolfssl_config_free(config);
  assert_int_equal(amqp_wolfssl_socket_is_ours(amqp_get_socket(connection)), 1);
  assert_non_null(amqp_tcp_socket_new(connection)); /* and now the second, with the last reference */
  assert_int_equal(amqp_wolfssl_socket_is_ours(amqp_get_socket(connection)), 0);
  assert_int_equal(amqp_destroy_connection(connection), AMQP_STATUS_OK);
}

/* ---- Opening that fails ---- */

static void test_bad_arguments(void **state) {
  static struct timeval wrong[] = {{.tv_sec = -1}, {.tv_usec = -1}, {.tv_usec = 1000000}};
  struct client client;
  struct peer peer;

  (void)state;
  client_make(&client);
  peer_start(&peer, PEER_ECHOES, NULL, 0);
  for (size_t i = 0; i < COUNT_OF(wrong); i++) {
    expect_open_failure(&client, LOOPBACK, peer.port, &wrong[i], AMQP_STATUS_INVALID_PARAMETER,
                        AMQP_WOLFSSL_STAGE_CONNECT, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  }
  expect_open_failure(&client, NULL, peer.port, NULL, AMQP_STATUS_INVALID_PARAMETER, AMQP_WOLFSSL_STAGE_CONNECT,
                      AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  expect_open_failure(&client, "no host name", peer.port, &soon, AMQP_STATUS_SSL_PEER_VERIFY_FAILED,
                      AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_NAME_INVALID);
  peer_stop(&peer);
  assert_int_equal(peer.connections, 0); /* what is wrong shows before a packet is sent */
  client_free(&client);
}

static void test_bad_config(void **state) {
  struct client client;
  struct peer peer;

  (void)state;
  peer_start(&peer, PEER_ECHOES, NULL, 0);
  client_attach(&client, amqp_wolfssl_config_new());
  expect_open_failure(&client, LOOPBACK, peer.port, &soon, AMQP_STATUS_SSL_ERROR, AMQP_WOLFSSL_STAGE_CONFIGURE,
                      AMQP_WOLFSSL_ERROR_NO_TRUST_ANCHOR);
  client_free(&client);
  client.config = good_config();
  assert_int_equal(amqp_wolfssl_config_add_ca_file(client.config, "/nonexistent"), AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  client_attach(&client, client.config);
  expect_open_failure(&client, LOOPBACK, peer.port, &soon, AMQP_STATUS_SSL_ERROR, AMQP_WOLFSSL_STAGE_CONFIGURE,
                      AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  client_free(&client);
  peer_stop(&peer);
  assert_int_equal(peer.connections, 0);
}

static void test_refused_and_opened_again(void **state) {
  struct client client;
  struct peer peer;
  int port;
  int listener = listen_anywhere(&port);
  char seen[16];

  (void)state;
  (void)close(listener); /* nobody listens there now */
  client_make(&client);
  expect_open_failure(&client, LOOPBACK, port, &soon, AMQP_STATUS_SOCKET_ERROR, AMQP_WOLFSSL_STAGE_CONNECT,
                      AMQP_WOLFSSL_ERROR_CONNECT_FAILED);
  peer_start(&peer, PEER_ECHOES, NULL, 0);
  assert_int_equal(client_open(&client, &peer), AMQP_STATUS_OK);
  assert_error(&client, AMQP_WOLFSSL_STAGE_NONE, AMQP_WOLFSSL_OK);
  assert_int_equal(client_send(&client, "again", 5), 5);
  assert_int_equal(client_wait(&client, seen, sizeof(seen)), 5);
  assert_memory_equal(seen, "again", 5);
  client_free(&client);
  peer_stop(&peer);
}

static void test_unresolvable(void **state) {
  struct client client;

  (void)state;
  client_make(&client);
  expect_open_failure(&client, "invalid.invalid.", 5671, &soon, AMQP_STATUS_HOSTNAME_RESOLUTION_FAILED,
                      AMQP_WOLFSSL_STAGE_RESOLVE, AMQP_WOLFSSL_ERROR_RESOLVE_FAILED);
  client_free(&client);
}

static void test_time_limit(void **state) {
  static struct timeval short_time = {.tv_usec = 200000};
  static struct timeval none = {0};
  struct client client;
  struct peer peer;

  (void)state;
  client_make(&client);
  peer_start(&peer, PEER_SILENT, NULL, 0);
  expect_open_failure(&client, LOOPBACK, peer.port, &short_time, AMQP_STATUS_TIMEOUT, AMQP_WOLFSSL_STAGE_HANDSHAKE,
                      AMQP_WOLFSSL_ERROR_TIMED_OUT);
  assert_int_equal(amqp_socket_open_noblock(client.socket, LOOPBACK, peer.port, &none), AMQP_STATUS_TIMEOUT);
  assert_int_equal(amqp_wolfssl_error_code(amqp_wolfssl_socket_error(client.socket)), AMQP_WOLFSSL_ERROR_TIMED_OUT);
  assert_closed(&client);
  client_free(&client);
  peer_stop(&peer);
}

static void test_peers_without_tls(void **state) {
  static const char amqp[] = {'A', 'M', 'Q', 'P', 0, 0, 9, 1};
  static const char http[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
  static const struct {
    const char *line;
    size_t length;
    amqp_wolfssl_code_t code;
  } peers[] = {{amqp, sizeof(amqp), AMQP_WOLFSSL_ERROR_PEER_SPEAKS_PLAIN_AMQP},
               {http, sizeof(http) - 1, AMQP_WOLFSSL_ERROR_PEER_NOT_TLS},
               {NULL, 0, AMQP_WOLFSSL_ERROR_PEER_CLOSED_IN_HANDSHAKE}};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(peers); i++) {
    struct client client;
    struct peer peer;

    client_make(&client);
    peer_start(&peer, PEER_TALKS, peers[i].line, peers[i].length);
    expect_open_failure(&client, LOOPBACK, peer.port, &soon, AMQP_STATUS_SSL_CONNECTION_FAILED,
                        AMQP_WOLFSSL_STAGE_HANDSHAKE, peers[i].code);
    client_free(&client);
    peer_stop(&peer);
    assert_int_equal(peer.connections, 1);
  }
}

static void test_servers_that_are_refused(void **state) {
  static const struct {
    const char *certificate;
    int status;
    amqp_wolfssl_code_t code;
  } servers[] = {{"server-wrong-name", AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED, AMQP_WOLFSSL_ERROR_NAME_MISMATCH},
                 {"server-other-ca", AMQP_STATUS_SSL_PEER_VERIFY_FAILED, AMQP_WOLFSSL_ERROR_UNKNOWN_CA},
                 {"server-expired", AMQP_STATUS_SSL_PEER_VERIFY_FAILED, AMQP_WOLFSSL_ERROR_CERTIFICATE_EXPIRED}};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(servers); i++) {
    struct client client;
    struct peer peer;

    client_make(&client);
    peer_start_as(&peer, servers[i].certificate, PEER_ECHOES, NULL, 0);
    expect_open_failure(&client, LOOPBACK, peer.port, &soon, servers[i].status, AMQP_WOLFSSL_STAGE_VERIFY,
                        servers[i].code);
    client_free(&client);
    peer_stop(&peer);
  }
}

/* ---- An open socket ---- */

static void test_round_trip(void **state) {
  struct client client;
  struct peer peer;
  char seen[16];
  int descriptor;

  (void)state;
  client_make(&client);
  peer_start(&peer, PEER_ECHOES, NULL, 0);
  assert_int_equal(client_open(&client, &peer), AMQP_STATUS_OK);
  assert_true(amqp_wolfssl_socket_version(client.socket)[0] != '\0');
  assert_non_null(strstr(amqp_wolfssl_socket_suite(client.socket), "_GCM_"));
  assert_string_equal(amqp_wolfssl_socket_group(client.socket), "secp256r1");
  assert_int_equal(amqp_wolfssl_socket_extended_master_secret(client.socket), 1);
  assert_string_equal(amqp_wolfssl_socket_peer_subject(client.socket), "CN=server,O=Acme");
  assert_string_equal(amqp_wolfssl_socket_peer_issuer(client.socket), "CN=Acme Test Root,O=Acme Test");
  assert_int_equal(amqp_wolfssl_socket_peer_name_count(client.socket), 5);
  assert_string_equal(amqp_wolfssl_socket_peer_name(client.socket, 3), "IP:127.0.0.1");
  assert_string_equal(amqp_wolfssl_socket_peer_name(client.socket, 5), "");
  assert_true(amqp_wolfssl_socket_peer_not_before(client.socket) < amqp_wolfssl_socket_peer_not_after(client.socket));
  assert_string_equal(amqp_wolfssl_socket_own_subject(client.socket), "CN=client1,O=Acme");

  descriptor = amqp_socket_get_sockfd(client.socket);
  assert_true(descriptor >= 0);
  assert_int_equal(amqp_get_sockfd(client.connection), descriptor);
  assert_int_equal(client_open(&client, &peer), AMQP_STATUS_SOCKET_INUSE);
  assert_int_equal(amqp_socket_get_sockfd(client.socket), descriptor);
  assert_int_equal(client_send(&client, "", 0), AMQP_STATUS_INVALID_PARAMETER);
  assert_int_equal(client_send(&client, NULL, 1), AMQP_STATUS_INVALID_PARAMETER);
  assert_int_equal(client_recv(&client, seen, 0), AMQP_STATUS_INVALID_PARAMETER);
  assert_int_equal(client_recv(&client, NULL, 1), AMQP_STATUS_INVALID_PARAMETER);
  assert_int_equal(client_recv(&client, seen, sizeof(seen)), RABBITMQ_STATUS_NEEDREAD);
  assert_int_equal(client_send(&client, "hello", 5), 5);
  assert_int_equal(client_wait(&client, seen, sizeof(seen)), 5);
  assert_memory_equal(seen, "hello", 5);
  assert_int_equal(client_close(&client, RABBITMQ_CLOSE_FORCE), AMQP_STATUS_OK);
  assert_closed(&client);
  /* The facts hold until the next open. */
  assert_string_equal(amqp_wolfssl_socket_peer_subject(client.socket), "CN=server,O=Acme");
  client_free(&client);
  peer_stop(&peer);
  assert_false(peer.got_close_notify); /* by force */
}

static void test_closing_gracefully(void **state) {
  (void)state;
  for (int by_delete = 0; by_delete <= 1; by_delete++) {
    struct client client;
    struct peer peer;

    client_make(&client);
    peer_start(&peer, PEER_ECHOES, NULL, 0);
    assert_int_equal(client_open(&client, &peer), AMQP_STATUS_OK);
    if (by_delete == 0) {
      assert_int_equal(client_close(&client, RABBITMQ_CLOSE_NONE), AMQP_STATUS_OK);
      assert_closed(&client);
    }
    client_free(&client);
    /* One more connection: when it is served, the one before has been read to its end. */
    client_make(&client);
    assert_int_equal(client_open(&client, &peer), AMQP_STATUS_OK);
    assert_int_equal(client_close(&client, RABBITMQ_CLOSE_FORCE), AMQP_STATUS_OK);
    client_free(&client);
    peer_stop(&peer);
    assert_true(peer.got_close_notify);
    assert_int_equal(peer.connections, 2);
  }
}

static void test_opened_again_after_close(void **state) {
  struct client client;
  struct peer peer;
  char seen[16];

  (void)state;
  client_make(&client);
  peer_start(&peer, PEER_ECHOES, NULL, 0);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(client_open(&client, &peer), AMQP_STATUS_OK);
    assert_int_equal(client_send(&client, "once", 4), 4);
    assert_int_equal(client_wait(&client, seen, sizeof(seen)), 4);
    assert_int_equal(client_close(&client, i % 2), AMQP_STATUS_OK);
  }
  client_free(&client);
  peer_stop(&peer);
  assert_int_equal(peer.connections, 3);
}

static void test_ends(void **state) {
  static const struct {
    enum peer_kind kind;
    int status;
    amqp_wolfssl_code_t code;
  } ends[] = {{PEER_ENDS, AMQP_STATUS_CONNECTION_CLOSED, AMQP_WOLFSSL_ERROR_CLOSED_BY_PEER},
              {PEER_HANGS_UP, AMQP_STATUS_SSL_ERROR, AMQP_WOLFSSL_ERROR_TRUNCATED},
              {PEER_RESETS, AMQP_STATUS_SOCKET_ERROR, AMQP_WOLFSSL_ERROR_CONNECTION_LOST},
              {PEER_SENDS_JUNK, AMQP_STATUS_SSL_ERROR, AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION}};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(ends); i++) {
    struct client client;
    struct peer peer;
    char seen[16];

    client_make(&client);
    peer_start(&peer, ends[i].kind, NULL, 0);
    assert_int_equal(client_open(&client, &peer), AMQP_STATUS_OK);
    assert_int_equal(client_send(&client, "go", 2), 2);
    assert_int_equal(client_wait(&client, seen, sizeof(seen)), ends[i].status);
    assert_error(&client, AMQP_WOLFSSL_STAGE_RECEIVE, ends[i].code);
    assert_int_equal(client_recv(&client, seen, sizeof(seen)), ends[i].status);
    /* Without a descriptor rabbitmq-c would put an error of its own in the place of this one. */
    assert_true(amqp_socket_get_sockfd(client.socket) >= 0);
    client_free(&client);
    peer_stop(&peer);
  }
}

static const char refusal[] =
    "\x01\0\0\0\0\0\x52\0\x0a\0\x32\x02\x12\x47"
    "NOT_ALLOWED - frame_max = 4096 is lower than the minimum allowed (8192)" /* 0x47 bytes of 0x52 */
    "\0\x0a\0\x1f\xce";

/* The record says what the broker said, however often it is read. */
static void test_the_brokers_reason(void **state) {
  struct client client;
  struct peer peer;
  char seen[256];

  (void)state;
  client_make(&client);
  peer_start(&peer, PEER_SAYS_WHY, refusal, sizeof(refusal) - 1);
  assert_int_equal(client_open(&client, &peer), AMQP_STATUS_OK);
  assert_int_equal(client_send(&client, "go", 2), 2);
  assert_int_equal(client_wait(&client, seen, sizeof(seen)), sizeof(refusal) - 1);
  assert_error(&client, AMQP_WOLFSSL_STAGE_NONE, AMQP_WOLFSSL_OK); /* the end has not been reported yet */
  for (int i = 0; i < 3; i++) {
    assert_int_equal(client_wait(&client, seen, sizeof(seen)), AMQP_STATUS_CONNECTION_CLOSED);
    assert_error(&client, AMQP_WOLFSSL_STAGE_RECEIVE, AMQP_WOLFSSL_ERROR_CLOSED_BY_PEER);
    assert_string_equal(
        amqp_wolfssl_error_message(amqp_wolfssl_socket_error(client.socket)),
        "the broker closed the connection and gave the reason: 530, \"NOT_ALLOWED - frame_max = 4096 is "
        "lower than the minimum allowed (8192)\"");
  }
  /* The next connection knows nothing of it. */
  assert_int_equal(client_close(&client, RABBITMQ_CLOSE_FORCE), AMQP_STATUS_OK);
  peer_stop(&peer);
  peer_start(&peer, PEER_ENDS, NULL, 0);
  assert_int_equal(client_open(&client, &peer), AMQP_STATUS_OK);
  assert_int_equal(client_send(&client, "go", 2), 2);
  assert_int_equal(client_wait(&client, seen, sizeof(seen)), AMQP_STATUS_CONNECTION_CLOSED);
  assert_null(strstr(amqp_wolfssl_error_message(amqp_wolfssl_socket_error(client.socket)), "NOT_ALLOWED"));
  client_free(&client);
  peer_stop(&peer);
}

/* As RabbitMQ 4.1 does with frames that are too small for it. */
static void test_a_login_that_ends_without_a_word(void **state) {
  static const char tune_ok[] = "\x01\0\0\0\0\0\x0c\0\x0a\0\x1f\x07\xff\0\0\x10\0\0\x3c\xce";
  struct client client;
  struct peer peer;
  char seen[16];

  (void)state;
  client_make(&client);
  peer_start(&peer, PEER_ENDS, NULL, 0);
  assert_int_equal(client_open(&client, &peer), AMQP_STATUS_OK);
  assert_int_equal(client_send(&client, tune_ok, sizeof(tune_ok) - 1), sizeof(tune_ok) - 1);
  assert_int_equal(client_wait(&client, seen, sizeof(seen)), AMQP_STATUS_CONNECTION_CLOSED);
  assert_non_null(strstr(amqp_wolfssl_error_message(amqp_wolfssl_socket_error(client.socket)),
                         "frame_max of 4096, and RabbitMQ 4.1 and later require a frame_max of at least 8192"));
  client_free(&client);
  peer_stop(&peer);
}

/* Through rabbitmq-c's own calls: a login to a peer that only echoes ends with an error, not in a loop or a crash. */
static void test_login_to_no_broker(void **state) {
  struct client client;
  struct peer peer;
  amqp_rpc_reply_t reply;

  (void)state;
  client_make(&client);
  peer_start(&peer, PEER_ENDS, NULL, 0);
  assert_int_equal(client_open(&client, &peer), AMQP_STATUS_OK);
  reply = amqp_login(client.connection, "/", 0, 131072, 0, AMQP_SASL_METHOD_PLAIN, "guest", "guest");
  assert_int_equal(reply.reply_type, AMQP_RESPONSE_LIBRARY_EXCEPTION);
  assert_int_equal(reply.library_error, AMQP_STATUS_CONNECTION_CLOSED);
  assert_int_equal(amqp_get_sockfd(client.connection), -1);
  client_free(&client);
  peer_stop(&peer);
}

/* ---- */

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_runtime_is_right),
      cmocka_unit_test(test_attaching),
      cmocka_unit_test(test_what_follows_the_table_is_null),
      cmocka_unit_test(test_attaching_nothing),
      cmocka_unit_test(test_sockets_of_others),
      cmocka_unit_test(test_unshared_is_set_up_after_attaching),
      cmocka_unit_test(test_unshared_stays_with_its_socket),
      cmocka_unit_test(test_due),
      cmocka_unit_test(test_never_due_without_a_limit),
      cmocka_unit_test(test_due_when_replaced),
      cmocka_unit_test(test_due_before_the_certificate_ends),
      cmocka_unit_test(test_warning),
      cmocka_unit_test(test_failed_opens_are_told),
      cmocka_unit_test(test_lost_connections_are_told),
      cmocka_unit_test(test_the_socket_can_be_used_while_a_failure_is_told),
      cmocka_unit_test(test_uncorking_keeps_no_thread_waiting),
      cmocka_unit_test(test_replacing_the_socket),
      cmocka_unit_test(test_bad_arguments),
      cmocka_unit_test(test_bad_config),
      cmocka_unit_test(test_refused_and_opened_again),
      cmocka_unit_test(test_unresolvable),
      cmocka_unit_test(test_time_limit),
      cmocka_unit_test(test_peers_without_tls),
      cmocka_unit_test(test_servers_that_are_refused),
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_closing_gracefully),
      cmocka_unit_test(test_opened_again_after_close),
      cmocka_unit_test(test_ends),
      cmocka_unit_test(test_the_brokers_reason),
      cmocka_unit_test(test_a_login_that_ends_without_a_word),
      cmocka_unit_test(test_login_to_no_broker),
  };

  return cmocka_run_group_tests(tests, minted_certificates_set_up, minted_certificates_tear_down);
}
