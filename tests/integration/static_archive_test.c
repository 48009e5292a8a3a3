/* SPDX-License-Identifier: MIT */
/*
 * The archives as part of an application that has functions of its own under every name this library uses inside
 * (internal_names.c, see tests/support/define-internal-names): it links, and none of them is called in the library's
 * place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <amqp_ssl_socket.h>
#include <amqp_wolfssl_socket.h>

#include "client.h"
#include "minted_certificates.h"
#include "peer_process.h"
#include "tls_server.h"

void internal_name_called(const char *name);

/* Called by whom, with what and for which result is unknown here: nothing sensible can follow. */
void internal_name_called(const char *name) {
  (void)fprintf(stderr, "the library called the application's %s()\n", name);
  abort();
}

static void connects(void **state) {
  const struct client_settings settings = {.ca = "bundle", .identity = "client"};
  struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, "server", AMQP_WOLFSSL_TLS_1_3, NULL);
  struct client client = client_new(&settings);

  (void)state;
  client_open(&client, "127.0.0.1", server.port);
  tls_server_expect_client(TLS_SERVER_OPENSSL, &server, "client1");
  client_destroy(&client);
  peer_process_stop(server.process);
}

/* The way of an error from the verification to the record. */
static void refuses_an_unknown_server(void **state) {
  const struct client_settings settings = {.ca = "ca-rsa", .identity = "client"};
  struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, "server", AMQP_WOLFSSL_TLS_1_2, NULL);
  struct client client = client_new(&settings);

  (void)state;
  assert_int_equal(client_try_open(&client, "127.0.0.1", server.port), AMQP_STATUS_SSL_PEER_VERIFY_FAILED);
  assert_int_equal(amqp_wolfssl_error_code(amqp_wolfssl_socket_error(client.socket)), AMQP_WOLFSSL_ERROR_UNKNOWN_CA);
  client_destroy(&client);
  peer_process_stop(server.process);
}

/* By rabbitmq-c's own names, and with the trace that the second archive writes. */
static void connects_by_the_drop_in_library(void **state) {
  struct timeval hang_limit = {30, 0};
  struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, "server", AMQP_WOLFSSL_TLS_1_3, NULL);
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t *socket;

  (void)state;
  assert_int_equal(setenv("AMQP_WOLFSSL_DEBUG", "1", 1), 0);
  socket = amqp_ssl_socket_new(connection);
  assert_non_null(socket);
  assert_int_equal(amqp_ssl_socket_set_cacert(socket, minted_certificate("bundle")), AMQP_STATUS_OK);
  assert_int_equal(amqp_ssl_socket_set_key(socket, minted_certificate("client"), minted_key("client")), AMQP_STATUS_OK);
  assert_int_equal(amqp_socket_open_noblock(socket, "127.0.0.1", server.port, &hang_limit), AMQP_STATUS_OK);
  tls_server_expect_client(TLS_SERVER_OPENSSL, &server, "client1");
  assert_int_equal(amqp_destroy_connection(connection), AMQP_STATUS_OK);
  peer_process_stop(server.process);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(connects, peer_process_tear_down),
      cmocka_unit_test_teardown(refuses_an_unknown_server, peer_process_tear_down),
      cmocka_unit_test_teardown(connects_by_the_drop_in_library, peer_process_tear_down),
  };

  return cmocka_run_group_tests(tests, minted_certificates_make, minted_certificates_tear_down);
}
