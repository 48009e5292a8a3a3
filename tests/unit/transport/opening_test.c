/* SPDX-License-Identifier: MIT */
/*
 * Opening over a descriptor of the program's: what is taken, what is refused, and whose the descriptor is afterwards.
 * The peer is a thread, on TCP of the loopback interface or on a Unix socket.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "amqp_wolfssl_socket.h"
#include "config_connection.h"
#include "loopback.h"
#include "minted_certificates.h"
#include "peer_thread.h"
#include "temporary_folder.h"
#include "transport/rabbitmq_socket_abi.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct timeval soon = {.tv_sec = 60}; /* a safety net: nothing here should come near it */

/* ---- The client ---- */

struct client {
  amqp_connection_state_t connection;
  amqp_socket_t *socket;
};

/* Takes \a config over. */
static void client_attach(struct client *client, amqp_wolfssl_config_t *config) {
  client->connection = amqp_new_connection();
  assert_non_null(client->connection);
  client->socket = amqp_wolfssl_socket_new(client->connection, config);
  assert_non_null(client->socket);
  amqp_wolfssl_config_free(config);
}

static void client_make(struct client *client) { client_attach(client, good_config()); }

static void client_free(struct client *client) {
  assert_int_equal(amqp_destroy_connection(client->connection), AMQP_STATUS_OK);
}

static const struct rabbitmq_socket_class *class_of(amqp_socket_t *socket) {
  const struct rabbitmq_socket_class *klass;

  memcpy(&klass, socket, sizeof(klass));
  return klass;
}

static const char *message_of(const struct client *client) {
  return amqp_wolfssl_error_message(amqp_wolfssl_socket_error(client->socket));
}

static void expect_record(const struct client *client, amqp_wolfssl_stage_t stage, amqp_wolfssl_code_t code) {
  const amqp_wolfssl_error_t *error = amqp_wolfssl_socket_error(client->socket);

  assert_string_equal(amqp_wolfssl_code_name(amqp_wolfssl_error_code(error)), amqp_wolfssl_code_name(code));
  assert_string_equal(amqp_wolfssl_stage_name(amqp_wolfssl_error_stage(error)), amqp_wolfssl_stage_name(stage));
}

static void expect_echo(struct client *client) {
  char seen[16];
  ssize_t result;

  assert_int_equal(class_of(client->socket)->send(client->socket, "hello", 5, 0), 5);
  while ((result = class_of(client->socket)->recv(client->socket, seen, sizeof(seen), 0)) == RABBITMQ_STATUS_NEEDREAD) {
    struct pollfd poll_for = {.fd = amqp_socket_get_sockfd(client->socket), .events = POLLIN};

    assert_int_equal(poll(&poll_for, 1, 60000), 1);
  }
  assert_int_equal(result, 5);
  assert_memory_equal(seen, "hello", 5);
}

static void expect_open(struct client *client, int descriptor, const char *host) {
  const int status = amqp_wolfssl_socket_open_fd(client->socket, descriptor, host, &soon);

  if (status != AMQP_STATUS_OK) {
    fail_msg("status %d: %s", status, message_of(client));
  }
  expect_record(client, AMQP_WOLFSSL_STAGE_NONE, AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_socket_get_sockfd(client->socket), descriptor);
  assert_int_equal(amqp_get_sockfd(client->connection), descriptor);
}

static bool is_open(int descriptor) { return fcntl(descriptor, F_GETFD) != -1; }
static bool blocks(int descriptor) { return (fcntl(descriptor, F_GETFL) & O_NONBLOCK) == 0; }
static bool stays_on_exec(int descriptor) { return (fcntl(descriptor, F_GETFD) & FD_CLOEXEC) == 0; }

/* Connected, blocking and kept on exec: as plain as socket() makes it. */
static int connect_plainly(int port) {
  const int descriptor = loopback_connect((uint16_t)port);

  assert_true(descriptor >= 0);
  assert_int_equal(fcntl(descriptor, F_SETFD, 0), 0);
  return descriptor;
}

/* ---- Success ---- */

static void test_over_tcp(void **state) {
  struct client client;
  struct peer peer;
  int no_delay = 0;
  socklen_t length = sizeof(no_delay);
  int descriptor;
  (void)state;

  peer_start(&peer, PEER_ECHOES, NULL, 0);
  client_make(&client);
  descriptor = connect_plainly(peer.port);
  expect_open(&client, descriptor, "localhost");
  assert_false(blocks(descriptor));
  assert_false(stays_on_exec(descriptor));
  assert_int_equal(getsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &no_delay, &length), 0);
  assert_int_not_equal(no_delay, 0);
  expect_echo(&client);
  assert_string_equal(amqp_wolfssl_socket_own_subject(client.socket), "CN=client1,O=Acme");
  client_free(&client); /* and with it the socket, whose the descriptor is */
  assert_false(is_open(descriptor));
  peer_stop(&peer);
  assert_int_equal(peer.connections, 1);
  assert_true(peer.got_close_notify);
}

static int listen_on_unix_socket(struct sockaddr_un *address) {
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

  memset(address, 0, sizeof(*address));
  address->sun_family = AF_UNIX;
  (void)snprintf(address->sun_path, sizeof(address->sun_path), "%s", temporary_folder_path("socket"));
  (void)unlink(address->sun_path);
  assert_true(listener >= 0);
  assert_int_equal(bind(listener, (struct sockaddr *)address, sizeof(*address)), 0);
  assert_int_equal(listen(listener, 8), 0);
  return listener;
}

static int connect_unix_socket(const struct sockaddr_un *address) {
  const int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);

  assert_true(descriptor >= 0);
  assert_int_equal(connect(descriptor, (const struct sockaddr *)address, sizeof(*address)), 0);
  return descriptor;
}

static void test_over_a_unix_socket(void **state) {
  struct sockaddr_un address;
  struct client client;
  struct peer peer;
  (void)state;

  peer_start_on(&peer, listen_on_unix_socket(&address), PEER_ECHOES, NULL, 0);
  client_make(&client);
  expect_open(&client, connect_unix_socket(&address), "localhost");
  expect_echo(&client);
  client_free(&client);
  peer_stop(&peer);
  assert_true(peer.got_close_notify);
}

/* The default action of SIGPIPE would end this program. */
static void test_a_lost_unix_socket_raises_no_signal(void **state) {
  struct client client;
  int ends[2];
  (void)state;

  assert_ptr_equal(signal(SIGPIPE, SIG_DFL), SIG_DFL);
  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  assert_int_equal(close(ends[1]), 0);
  client_make(&client);
  assert_int_equal(amqp_wolfssl_socket_open_fd(client.socket, ends[0], "localhost", &soon),
                   AMQP_STATUS_SSL_CONNECTION_FAILED);
  expect_record(&client, AMQP_WOLFSSL_STAGE_HANDSHAKE, AMQP_WOLFSSL_ERROR_PEER_CLOSED_IN_HANDSHAKE);
  assert_true(is_open(ends[0]));
  assert_int_equal(close(ends[0]), 0);
  client_free(&client);
}

static void test_addresses_as_hosts(void **state) {
  static const char *const hosts[] = {"127.0.0.1", "::1"};
  (void)state;

  for (size_t i = 0; i < COUNT_OF(hosts); i++) {
    struct client client;
    struct peer peer;

    peer_start(&peer, PEER_ECHOES, NULL, 0);
    client_make(&client);
    expect_open(&client, connect_plainly(peer.port), hosts[i]); /* the certificate has it, whatever was connected to */
    expect_echo(&client);
    client_free(&client);
    peer_stop(&peer);
  }
}

static void test_without_a_host(void **state) {
  static const char *const accepted[] = {"a.example", "localhost"};
  struct client client;
  struct peer peer;
  amqp_wolfssl_config_t *config = good_config();
  (void)state;

  peer_start(&peer, PEER_ECHOES, NULL, 0);
  assert_int_equal(amqp_wolfssl_config_set_server_name(config, "localhost"), AMQP_WOLFSSL_OK);
  client_attach(&client, config);
  expect_open(&client, connect_plainly(peer.port), NULL);
  client_free(&client);
  config = good_config();
  assert_int_equal(amqp_wolfssl_config_set_verify_host(config, 0), AMQP_WOLFSSL_OK);
  client_attach(&client, config);
  expect_open(&client, connect_plainly(peer.port), NULL);
  client_free(&client);
  config = good_config();
  assert_int_equal(amqp_wolfssl_config_set_accepted_names(config, accepted, 2), AMQP_WOLFSSL_OK);
  client_attach(&client, config);
  expect_open(&client, connect_plainly(peer.port), NULL);
  client_free(&client);
  peer_stop(&peer);
}

/* ---- Failure ---- */

/* The program's again, as it was; and the socket is closed. */
static void expect_given_back(struct client *client, int descriptor) {
  assert_int_equal(amqp_socket_get_sockfd(client->socket), -1);
  assert_int_equal(amqp_get_sockfd(client->connection), -1);
  assert_true(is_open(descriptor));
  assert_true(blocks(descriptor));
  assert_true(stays_on_exec(descriptor));
  assert_int_equal(close(descriptor), 0);
}

static void test_retried_with_another_descriptor(void **state) {
  static const char http[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
  struct client client;
  struct peer wrong;
  struct peer right;
  int descriptor;
  (void)state;

  peer_start(&wrong, PEER_TALKS, http, sizeof(http) - 1);
  peer_start(&right, PEER_ECHOES, NULL, 0);
  client_make(&client);
  for (int round = 0; round < 3; round++) {
    descriptor = connect_plainly(wrong.port);
    assert_int_equal(amqp_wolfssl_socket_open_fd(client.socket, descriptor, "localhost", &soon),
                     AMQP_STATUS_SSL_CONNECTION_FAILED);
    expect_record(&client, AMQP_WOLFSSL_STAGE_HANDSHAKE, AMQP_WOLFSSL_ERROR_PEER_NOT_TLS);
    expect_given_back(&client, descriptor);
    if (round == 1) {
      assert_int_equal(amqp_socket_open_noblock(client.socket, "localhost", right.port, &soon), AMQP_STATUS_OK);
    } else {
      expect_open(&client, connect_plainly(right.port), "localhost");
    }
    expect_echo(&client);
    assert_int_equal(class_of(client.socket)->close(client.socket, RABBITMQ_CLOSE_FORCE), AMQP_STATUS_OK);
  }
  client_free(&client);
  peer_stop(&wrong);
  peer_stop(&right);
}

static void test_the_name_is_verified(void **state) {
  static const char *const hosts[] = {"other.example", "192.0.2.1"};
  struct client client;
  struct peer peer;
  (void)state;

  peer_start(&peer, PEER_ECHOES, NULL, 0);
  client_make(&client);
  for (size_t i = 0; i < COUNT_OF(hosts); i++) {
    const int descriptor = connect_plainly(peer.port);

    assert_int_equal(amqp_wolfssl_socket_open_fd(client.socket, descriptor, hosts[i], &soon),
                     AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED);
    expect_record(&client, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
    expect_given_back(&client, descriptor);
  }
  client_free(&client);
  peer_stop(&peer);
}

/* Nothing has left: the same descriptor can be used once the mistake is corrected. */
static void test_mistakes_before_the_handshake_spoil_nothing(void **state) {
  static const struct timeval wrong = {.tv_usec = -1};
  struct client client;
  struct peer peer;
  int descriptor;
  (void)state;

  peer_start(&peer, PEER_ECHOES, NULL, 0);
  descriptor = connect_plainly(peer.port);
  client_attach(&client, amqp_wolfssl_config_new());
  assert_int_equal(amqp_wolfssl_socket_open_fd(client.socket, descriptor, "localhost", &soon), AMQP_STATUS_SSL_ERROR);
  expect_record(&client, AMQP_WOLFSSL_STAGE_CONFIGURE, AMQP_WOLFSSL_ERROR_NO_TRUST_ANCHOR);
  client_free(&client);
  client_make(&client);
  assert_int_equal(amqp_wolfssl_socket_open_fd(client.socket, descriptor, "localhost", &wrong),
                   AMQP_STATUS_INVALID_PARAMETER);
  expect_record(&client, AMQP_WOLFSSL_STAGE_CONNECT, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_int_equal(amqp_wolfssl_socket_open_fd(client.socket, descriptor, NULL, &soon),
                   AMQP_STATUS_SSL_PEER_VERIFY_FAILED);
  expect_record(&client, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_NAME_INVALID);
  assert_true(blocks(descriptor) && stays_on_exec(descriptor));
  expect_open(&client, descriptor, "localhost");
  expect_echo(&client);
  client_free(&client);
  peer_stop(&peer);
}

static void test_time_limit(void **state) {
  static const struct timeval limits[] = {{.tv_usec = 200000}, {0}};
  struct client client;
  (void)state;

  client_make(&client);
  for (size_t i = 0; i < COUNT_OF(limits); i++) {
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    assert_int_equal(amqp_wolfssl_socket_open_fd(client.socket, ends[0], "localhost", &limits[i]), AMQP_STATUS_TIMEOUT);
    expect_record(&client, AMQP_WOLFSSL_STAGE_HANDSHAKE, AMQP_WOLFSSL_ERROR_TIMED_OUT);
    expect_given_back(&client, ends[0]);
    assert_int_equal(close(ends[1]), 0);
  }
  client_free(&client);
}

/* As it was: also what the program had already set itself. */
static void test_flags_that_were_set_stay_set(void **state) {
  static const struct timeval none = {0};
  struct client client;
  int ends[2];
  (void)state;

  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
  client_make(&client);
  assert_int_equal(amqp_wolfssl_socket_open_fd(client.socket, ends[0], "localhost", &none), AMQP_STATUS_TIMEOUT);
  assert_false(blocks(ends[0]));
  assert_false(stays_on_exec(ends[0]));
  (void)close(ends[0]);
  (void)close(ends[1]);
  client_free(&client);
}

static void test_open_twice(void **state) {
  struct client client;
  struct peer peer;
  int second;
  (void)state;

  peer_start(&peer, PEER_ECHOES, NULL, 0);
  client_make(&client);
  expect_open(&client, connect_plainly(peer.port), "localhost");
  second = connect_plainly(peer.port);
  assert_int_equal(amqp_wolfssl_socket_open_fd(client.socket, second, "localhost", &soon), AMQP_STATUS_SOCKET_INUSE);
  assert_int_equal(amqp_socket_open_noblock(client.socket, "localhost", peer.port, &soon), AMQP_STATUS_SOCKET_INUSE);
  assert_true(is_open(second));
  assert_true(blocks(second));
  expect_record(&client, AMQP_WOLFSSL_STAGE_NONE, AMQP_WOLFSSL_OK);
  expect_echo(&client);
  (void)close(second);
  client_free(&client);
  peer_stop(&peer);
}

static void note_failure(amqp_socket_t *socket, const amqp_wolfssl_error_t *error, void *user_data) {
  int *times = user_data;

  (void)socket;
  assert_int_equal(amqp_wolfssl_error_code(error), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  (*times)++;
}

static void test_failures_are_told(void **state) {
  struct client client;
  int times = 0;
  (void)state;

  client_make(&client);
  assert_int_equal(amqp_wolfssl_socket_set_error_callback(client.socket, note_failure, &times), AMQP_STATUS_OK);
  assert_int_equal(amqp_wolfssl_socket_open_fd(client.socket, -1, "localhost", &soon), AMQP_STATUS_INVALID_PARAMETER);
  assert_int_equal(amqp_wolfssl_socket_open_fd(client.socket, -1, "localhost", &soon), AMQP_STATUS_INVALID_PARAMETER);
  assert_int_equal(times, 2);
  client_free(&client);
}

struct told_open {
  unsigned times;
  amqp_socket_t *socket;
  char sentence[1024];
};

static void note_open(amqp_socket_t *socket, const char *sentence, void *user_data) {
  struct told_open *told = user_data;

  told->times++;
  told->socket = socket;
  (void)snprintf(told->sentence, sizeof(told->sentence), "%s", sentence);
}

/* With whatever host a program gives for a descriptor of its own: one line, without controls, as long as fits. */
static void test_opens_are_told(void **state) {
  static const char end[] = " by a descriptor of the program's (certificate \"";
  char long_name[600];
  const struct {
    const char *host;
    const char *beginning;
  } rows[] = {{NULL, "connected to an unnamed broker by"},
              {"a\nb\033[31m\xe2\x80\xae", "connected to a?b?[31m? by"},
              {long_name, "connected to nnnnnn"}};
  struct told_open told = {0};
  amqp_wolfssl_config_t *config = good_config();
  struct client client;
  struct peer peer;
  (void)state;

  memset(long_name, 'n', sizeof(long_name) - 1);
  long_name[sizeof(long_name) - 1] = '\0';
  assert_int_equal(amqp_wolfssl_config_set_verify_host(config, 0), AMQP_WOLFSSL_OK);
  peer_start(&peer, PEER_ECHOES, NULL, 0);
  client_attach(&client, config);
  assert_int_equal(amqp_wolfssl_socket_set_open_callback(client.socket, note_open, &told), AMQP_STATUS_OK);
  assert_int_equal(amqp_wolfssl_socket_set_open_callback(NULL, note_open, &told), AMQP_STATUS_INVALID_PARAMETER);
  assert_int_equal(amqp_wolfssl_socket_open_fd(client.socket, -1, "localhost", &soon), AMQP_STATUS_INVALID_PARAMETER);
  assert_int_equal(told.times, 0);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    const int descriptor = connect_plainly(peer.port);

    assert_int_equal(amqp_wolfssl_socket_open_fd(client.socket, descriptor, rows[i].host, &soon), AMQP_STATUS_OK);
    assert_int_equal(told.times, i + 1);
    assert_ptr_equal(told.socket, client.socket);
    assert_memory_equal(told.sentence, rows[i].beginning, strlen(rows[i].beginning));
    assert_non_null(strstr(told.sentence, end));
    assert_non_null(strstr(told.sentence, ", verified, but not its name) by TLSv1."));
    assert_non_null(strstr(told.sentence, ", on wolfSSL "));
    assert_int_equal(class_of(client.socket)->close(client.socket, RABBITMQ_CLOSE_FORCE), AMQP_STATUS_OK);
  }
  client_free(&client);
  peer_stop(&peer);
}

/* ---- What is no connected stream socket ---- */

static int closed_descriptor(void) {
  const int descriptor = dup(STDERR_FILENO);

  assert_true(descriptor >= 0);
  assert_int_equal(close(descriptor), 0);
  return descriptor;
}

static int pipe_end(void) {
  int ends[2];

  assert_int_equal(pipe(ends), 0);
  assert_int_equal(close(ends[1]), 0);
  return ends[0];
}

static int udp_socket(void) {
  const struct sockaddr_in address = loopback_address(9);
  const int descriptor = socket(AF_INET, SOCK_DGRAM, 0);

  assert_true(descriptor >= 0);
  assert_int_equal(connect(descriptor, (const struct sockaddr *)&address, sizeof(address)), 0);
  return descriptor;
}

static int listening_socket(void) {
  int port;

  return listen_anywhere(&port);
}

static int unconnected_socket(void) { return socket(AF_INET, SOCK_STREAM, 0); }

static int minus_one(void) { return -1; }

static int minus_five(void) { return -5; }

static void test_descriptors_that_are_refused(void **state) {
  const struct {
    int (*make)(void);
    const char *what;
  } cases[] = {{minus_one, "is not open"},
               {minus_five, "is not open"},
               {closed_descriptor, "is not open"},
               {pipe_end, "is not a socket"},
               {udp_socket, "is a socket that does not carry a stream"},
               {listening_socket, "is a listening socket"},
               {unconnected_socket, "is not connected"}};
  struct client client;
  struct peer peer;
  (void)state;

  peer_start(&peer, PEER_ECHOES, NULL, 0);
  client_make(&client);
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    const int descriptor = cases[i].make();
    const bool was_open = is_open(descriptor);
    char beginning[64];

    assert_int_equal(amqp_wolfssl_socket_open_fd(client.socket, descriptor, "localhost", &soon),
                     AMQP_STATUS_INVALID_PARAMETER);
    expect_record(&client, AMQP_WOLFSSL_STAGE_CONNECT, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
    (void)snprintf(beginning, sizeof(beginning), "the descriptor %d %s", descriptor, cases[i].what);
    assert_memory_equal(message_of(&client), beginning, strlen(beginning));
    assert_int_equal(amqp_socket_get_sockfd(client.socket), -1);
    assert_true(is_open(descriptor) == was_open);
    if (was_open) {
      assert_true(blocks(descriptor));
      assert_int_equal(close(descriptor), 0);
    }
  }
  expect_open(&client, connect_plainly(peer.port), "localhost"); /* config and socket are as good as before */
  expect_echo(&client);
  client_free(&client);
  peer_stop(&peer);
}

static void test_sockets_of_others(void **state) {
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t *tcp = amqp_tcp_socket_new(connection);
  int ends[2];
  (void)state;

  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  assert_int_equal(amqp_wolfssl_socket_open_fd(tcp, ends[0], "localhost", &soon), AMQP_STATUS_INVALID_PARAMETER);
  assert_int_equal(amqp_socket_get_sockfd(tcp), -1);
  assert_int_equal(amqp_wolfssl_socket_open_fd(NULL, ends[0], "localhost", &soon), AMQP_STATUS_INVALID_PARAMETER);
  assert_true(is_open(ends[0]));
  (void)close(ends[0]);
  (void)close(ends[1]);
  assert_int_equal(amqp_destroy_connection(connection), AMQP_STATUS_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_over_tcp),
      cmocka_unit_test(test_over_a_unix_socket),
      cmocka_unit_test(test_a_lost_unix_socket_raises_no_signal),
      cmocka_unit_test(test_addresses_as_hosts),
      cmocka_unit_test(test_without_a_host),
      cmocka_unit_test(test_retried_with_another_descriptor),
      cmocka_unit_test(test_the_name_is_verified),
      cmocka_unit_test(test_mistakes_before_the_handshake_spoil_nothing),
      cmocka_unit_test(test_time_limit),
      cmocka_unit_test(test_flags_that_were_set_stay_set),
      cmocka_unit_test(test_open_twice),
      cmocka_unit_test(test_failures_are_told),
      cmocka_unit_test(test_opens_are_told),
      cmocka_unit_test(test_descriptors_that_are_refused),
      cmocka_unit_test(test_sockets_of_others),
  };

  return cmocka_run_group_tests_name("opening", tests, minted_certificates_set_up, minted_certificates_tear_down);
}
