/* SPDX-License-Identifier: MIT */
/* Connects configs to servers in memory. */
#include "config_connection.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/config.h"
#include "memory_peer.h"
#include "minted_certificates.h"
#include "temporary_folder.h"
#include "tls/session.h"

static void shake_hands(struct connection *connection, const struct tls_context *context, struct memory_peer *peer,
                        const char *name) {
  struct lower_socket lower = memory_peer_lower(peer);
  enum session_result result = SESSION_WANT_READ;
  struct session *session;
  struct peer_name parsed;

  assert_true(peer_name_parse(&parsed, name));
  session = session_new(context, &parsed, &lower, &connection->error);
  assert_non_null(session);
  for (int step = 0; step < 20 && result == SESSION_WANT_READ; step++) {
    result = session_handshake(session, &connection->facts);
    (void)memory_peer_accept(peer);
  }
  (void)memory_peer_accept(peer);
  connection->connected = result == SESSION_DONE;
  connection->client_certificates = peer->client_certificates;
  session_free(session);
}

void connect_config(struct connection *connection, amqp_wolfssl_config_t *config, const char *server_name) {
  struct memory_peer_settings settings = {0};
  struct tls_context *context = NULL;
  const char *name = config_server_name(config);
  struct memory_peer *peer;
  char file[64];

  memset(connection, 0, sizeof(*connection));
  error_clear(&connection->error);
  connection_facts_init(&connection->facts);
  if (config_tls_context(config, &context, &connection->warning, &connection->error) != AMQP_WOLFSSL_OK) {
    return;
  }
  assert_non_null(context);
  (void)snprintf(file, sizeof(file), "%s.pem", server_name);
  settings.certificate = temporary_folder_path(file);
  (void)snprintf(file, sizeof(file), "%s.key", server_name);
  settings.key = temporary_folder_path(file);
  settings.client_ca = temporary_folder_path("ca.pem");
  peer = memory_peer_new(&settings);
  assert_non_null(peer);
  shake_hands(connection, context, peer, name != NULL ? name : "localhost");
  memory_peer_free(peer);
  tls_context_free(context);
}

void expect_connection(amqp_wolfssl_config_t *config, const char *server_name, bool with_identity) {
  struct connection connection;

  connect_config(&connection, config, server_name);
  if (!connection.connected) {
    print_error("%s\n", connection.error.message);
  }
  assert_true(connection.connected);
  assert_int_equal(connection.client_certificates > 0, with_identity);
  assert_string_equal(connection.facts.own_subject, with_identity ? "CN=client1,O=Acme" : "");
  connection_facts_free(&connection.facts);
}

void expect_refusal(amqp_wolfssl_config_t *config, const char *server_name, amqp_wolfssl_code_t code) {
  struct connection connection;

  connect_config(&connection, config, server_name);
  assert_false(connection.connected);
  assert_int_equal(connection.error.code, code);
  assert_true(connection.error.message[0] != '\0');
  connection_facts_free(&connection.facts);
}

amqp_wolfssl_config_t *good_config(void) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  assert_non_null(config);
  assert_int_equal(amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("ca.pem")), AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_wolfssl_config_set_identity_files(config, temporary_folder_path("client.pem"),
                                                          temporary_folder_path("client.key")),
                   AMQP_WOLFSSL_OK);
  return config;
}

void assert_record(const amqp_wolfssl_config_t *config, amqp_wolfssl_code_t returned, amqp_wolfssl_code_t expected) {
  const amqp_wolfssl_error_t *error = amqp_wolfssl_config_error(config);

  if (returned != expected) {
    print_error("wanted %s, got %s: %s\n", amqp_wolfssl_code_name(expected), amqp_wolfssl_code_name(returned),
                amqp_wolfssl_error_message(error));
  }
  assert_int_equal(returned, expected);
  assert_int_equal(amqp_wolfssl_error_code(error), expected);
  if (expected == AMQP_WOLFSSL_OK) {
    assert_int_equal(amqp_wolfssl_error_stage(error), AMQP_WOLFSSL_STAGE_NONE);
    assert_string_equal(amqp_wolfssl_error_message(error), "");
  } else {
    assert_int_equal(amqp_wolfssl_error_stage(error), AMQP_WOLFSSL_STAGE_CONFIGURE);
    assert_true(amqp_wolfssl_error_message(error)[0] != '\0');
  }
}

static int make_folder(const char *folder, const char *ca, const char *copy) {
  size_t length;
  uint8_t *bytes;

  if (mkdir(temporary_folder_path(folder), 0755) != 0) {
    return -1;
  }
  bytes = temporary_folder_read(ca, &length);
  temporary_folder_write(copy, bytes, length);
  free(bytes);
  return 0;
}

static int make_files(void) {
  return make_folder("authorities", "other-ca.pem", "authorities/other-ca.pem") == 0 &&
                 make_folder("own-authorities", "ca.pem", "own-authorities/ca.pem") == 0 &&
                 make_folder("lists", "crl-clean.pem", "lists/ca.crl") == 0
             ? 0
             : -1;
}

int config_files_set_up(void **state) {
  (void)state;
  return minted_certificates_set_up_with(make_files);
}
