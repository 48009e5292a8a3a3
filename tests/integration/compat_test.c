/* SPDX-License-Identifier: MIT */
/*
 * rabbitmq-c's own names over this library: what each function returns, and that a failed setter keeps a connection
 * from being opened whether or not anybody looks at it. Peers are openssl s_server.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <amqp_ssl_socket.h>
#include <amqp_wolfssl_socket.h>

#include <wolfssl/options.h>

#include "minted_certificates.h"
#include "peer_process.h"
#include "plain_socket.h"
#include "soft_token.h"
#include "temporary_folder.h"
#include "tls_server.h"

#define HOST "127.0.0.1"
#define PASSPHRASE "correct horse battery"
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* AMQP_STATUS_SSL_SET_ENGINE_FAILED and AMQP_STATUS_SSL_UNIMPLEMENTED, which old headers lack. */
enum { SET_ENGINE_FAILED = -0x0204, UNIMPLEMENTED = -0x0205 };

static struct timeval hang_limit = {30, 0};

struct compat_client {
  amqp_connection_state_t connection;
  amqp_socket_t *socket;
};

static struct compat_client client_new(void) {
  struct compat_client client = {.connection = amqp_new_connection()};

  assert_non_null(client.connection);
  client.socket = amqp_ssl_socket_new(client.connection);
  assert_non_null(client.socket);
  assert_ptr_equal(amqp_get_socket(client.connection), client.socket);
  return client;
}

static void client_free(struct compat_client *client) {
  assert_int_equal(amqp_destroy_connection(client->connection), AMQP_STATUS_OK);
}

static int set_cacert(struct compat_client *client, const char *name) {
  return amqp_ssl_socket_set_cacert(client->socket, minted_certificate(name));
}

static int set_key_files(struct compat_client *client, const char *certificate, const char *key) {
  return amqp_ssl_socket_set_key(client->socket, temporary_folder_path(certificate), temporary_folder_path(key));
}

static struct compat_client client_with_identity(void) {
  struct compat_client client = client_new();

  assert_int_equal(set_cacert(&client, "bundle"), AMQP_STATUS_OK);
  assert_int_equal(set_key_files(&client, "client.pem", "client.key"), AMQP_STATUS_OK);
  return client;
}

static int client_open(struct compat_client *client, int port) {
  return amqp_socket_open_noblock(client->socket, HOST, port, &hang_limit);
}

static const char *sentence(const struct compat_client *client) {
  return amqp_wolfssl_error_message(amqp_wolfssl_socket_error(client->socket));
}

static amqp_wolfssl_code_t code_of(const struct compat_client *client) {
  return amqp_wolfssl_error_code(amqp_wolfssl_socket_error(client->socket));
}

static void expect_open(struct compat_client *client, int port) {
  const int status = client_open(client, port);

  if (status != AMQP_STATUS_OK) {
    fail_msg("%s: %s", amqp_error_string2(status), sentence(client));
  }
}

/* Nobody listens at that port: what fails here fails before there is a connection. */
static void expect_refused_before_connecting(struct compat_client *client, amqp_wolfssl_code_t code) {
  const int port = peer_free_port();

  assert_int_equal(client_open(client, port), AMQP_STATUS_SSL_ERROR);
  assert_string_equal(amqp_wolfssl_code_name(code_of(client)), amqp_wolfssl_code_name(code));
  assert_int_equal(amqp_wolfssl_error_stage(amqp_wolfssl_socket_error(client->socket)), AMQP_WOLFSSL_STAGE_CONFIGURE);
}

static void expect_connect_failed(struct compat_client *client) {
  assert_int_not_equal(client_open(client, peer_free_port()), AMQP_STATUS_OK);
  assert_string_equal(amqp_wolfssl_code_name(code_of(client)), "CONNECT_FAILED");
}

/* ---- The library as a whole ---- */

static void the_library_functions_do_nothing(void **state) {
  (void)state;
  amqp_set_initialize_ssl_library(0);
  assert_int_equal(amqp_initialize_ssl_library(), AMQP_STATUS_OK);
  assert_int_equal(amqp_initialize_ssl_library(), AMQP_STATUS_OK);
  assert_int_equal(amqp_uninitialize_ssl_library(), AMQP_STATUS_OK);
  assert_int_equal(amqp_uninitialize_ssl_library(), AMQP_STATUS_OK);
}

static void engines(void **state) {
  const int known = amqp_wolfssl_has_pkcs11() ? AMQP_STATUS_OK : UNIMPLEMENTED;
  const int unknown = amqp_wolfssl_has_pkcs11() ? SET_ENGINE_FAILED : UNIMPLEMENTED;

  (void)state;
  assert_int_equal(amqp_set_ssl_engine("pkcs11"), known);
  assert_int_equal(amqp_set_ssl_engine(NULL), known);
  assert_int_equal(amqp_set_ssl_engine("no such engine"), unknown);
  assert_int_equal(amqp_set_ssl_engine(""), unknown);
}

static void there_is_no_context(void **state) {
  struct compat_client client = client_new();

  (void)state;
  assert_null(amqp_ssl_socket_get_context(client.socket));
  assert_null(amqp_ssl_socket_get_context(NULL));
  client_free(&client);
}

/* rabbitmq-c aborts the program here. */
static void sockets_of_another_kind(void **state) {
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t *tcp = amqp_tcp_socket_new(connection);
  amqp_socket_t *const others[] = {tcp, NULL};

  (void)state;
  assert_non_null(tcp);
  assert_null(amqp_ssl_socket_new(NULL));
  for (size_t i = 0; i < COUNT(others); i++) {
    assert_null(amqp_ssl_socket_get_context(others[i]));
    assert_int_equal(amqp_ssl_socket_enable_default_verify_paths(others[i]), AMQP_STATUS_INVALID_PARAMETER);
    assert_int_equal(amqp_ssl_socket_set_cacert(others[i], "x"), AMQP_STATUS_INVALID_PARAMETER);
    assert_int_equal(amqp_ssl_socket_set_key(others[i], "x", "x"), AMQP_STATUS_INVALID_PARAMETER);
    assert_int_equal(amqp_ssl_socket_set_key_engine(others[i], "x", "x"), AMQP_STATUS_INVALID_PARAMETER);
    assert_int_equal(amqp_ssl_socket_set_key_buffer(others[i], "x", "x", 1), AMQP_STATUS_INVALID_PARAMETER);
    assert_int_equal(amqp_ssl_socket_set_ssl_versions(others[i], AMQP_TLSv1_2, AMQP_TLSvLATEST),
                     AMQP_STATUS_INVALID_PARAMETER);
    amqp_ssl_socket_set_key_passwd(others[i], "x");
    amqp_ssl_socket_set_verify(others[i], 0);
    amqp_ssl_socket_set_verify_peer(others[i], 0);
    amqp_ssl_socket_set_verify_hostname(others[i], 0);
  }
  assert_int_equal(amqp_destroy_connection(connection), AMQP_STATUS_OK);
}

/* ---- Setters, and that a failed one is not forgotten ---- */

static void trust(void **state) {
  struct compat_client client = client_new();

  (void)state;
  expect_refused_before_connecting(&client, AMQP_WOLFSSL_ERROR_NO_TRUST_ANCHOR);
  assert_int_equal(amqp_ssl_socket_set_cacert(client.socket, "/nowhere/ca.pem"), AMQP_STATUS_SSL_ERROR);
  expect_refused_before_connecting(&client, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_int_equal(amqp_ssl_socket_set_cacert(client.socket, NULL), AMQP_STATUS_SSL_ERROR);
  expect_refused_before_connecting(&client, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_int_equal(amqp_ssl_socket_set_cacert(client.socket, temporary_folder_path("client.key")),
                   AMQP_STATUS_SSL_ERROR);
  expect_refused_before_connecting(&client, AMQP_WOLFSSL_ERROR_NO_CERTIFICATE);
  assert_int_equal(set_cacert(&client, "bundle"), AMQP_STATUS_OK);
  expect_connect_failed(&client);
  client_free(&client);
}

static void keys_in_files(void **state) {
  struct compat_client client = client_new();

  (void)state;
  assert_int_equal(set_cacert(&client, "bundle"), AMQP_STATUS_OK);
  assert_int_equal(set_key_files(&client, "missing.pem", "client.key"), AMQP_STATUS_SSL_ERROR);
  expect_refused_before_connecting(&client, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_int_equal(set_key_files(&client, "client.pem", "client-rsa.key"), AMQP_STATUS_SSL_ERROR);
  expect_refused_before_connecting(&client, AMQP_WOLFSSL_ERROR_KEY_MISMATCH);
  assert_int_equal(set_key_files(&client, "client.pem", "client.pem"), AMQP_STATUS_SSL_ERROR);
  expect_refused_before_connecting(&client, AMQP_WOLFSSL_ERROR_KEY_MALFORMED);
  assert_int_equal(amqp_ssl_socket_set_key(client.socket, NULL, NULL), AMQP_STATUS_SSL_ERROR);
  expect_refused_before_connecting(&client, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_int_equal(set_key_files(&client, "client.pem", "client.key"), AMQP_STATUS_OK);
  expect_connect_failed(&client);
  client_free(&client);
}

/* rabbitmq-c asks on the terminal, or aborts. */
/* What is said of an encrypted key, where wolfSSL can't decrypt any. */
#ifdef WOLFSSL_ENCRYPTED_KEYS
#define PASSPHRASE_IS_MISSING AMQP_WOLFSSL_ERROR_PASSPHRASE_MISSING
#define PASSPHRASE_IS_WRONG AMQP_WOLFSSL_ERROR_PASSPHRASE_WRONG
#else
#define PASSPHRASE_IS_MISSING AMQP_WOLFSSL_ERROR_NOT_SUPPORTED
#define PASSPHRASE_IS_WRONG AMQP_WOLFSSL_ERROR_NOT_SUPPORTED
#endif

static void encrypted_keys(void **state) {
  struct compat_client client = client_new();

  (void)state;
  assert_int_equal(set_cacert(&client, "bundle"), AMQP_STATUS_OK);
  assert_int_equal(set_key_files(&client, "client.pem", "client.encrypted.key"), AMQP_STATUS_SSL_ERROR);
  expect_refused_before_connecting(&client, PASSPHRASE_IS_MISSING);
  amqp_ssl_socket_set_key_passwd(client.socket, "wrong horse battery");
  assert_int_equal(set_key_files(&client, "client.pem", "client.encrypted.key"), AMQP_STATUS_SSL_ERROR);
  expect_refused_before_connecting(&client, PASSPHRASE_IS_WRONG);
#ifdef WOLFSSL_ENCRYPTED_KEYS
  amqp_ssl_socket_set_key_passwd(client.socket, PASSPHRASE);
  assert_int_equal(set_key_files(&client, "client.pem", "client.encrypted.key"), AMQP_STATUS_OK);
  expect_connect_failed(&client);
#endif
  amqp_ssl_socket_set_key_passwd(client.socket, NULL);
  assert_int_equal(set_key_files(&client, "client.pem", "client.encrypted.key"), AMQP_STATUS_SSL_ERROR);
  expect_refused_before_connecting(&client, PASSPHRASE_IS_MISSING);
  client_free(&client);
}

static size_t read_file(const char *name, char *bytes, size_t capacity) {
  FILE *file = fopen(temporary_folder_path(name), "rb");
  size_t length;

  assert_non_null(file);
  length = fread(bytes, 1, capacity, file);
  assert_true(length > 0 && length < capacity);
  assert_int_equal(fclose(file), 0);
  return length;
}

/* rabbitmq-c takes RSA in PEM only. */
static void keys_in_memory(void **state) {
  static const struct {
    const char *certificate;
    const char *key;
  } rows[] = {{"client.pem", "client.key"},
              {"client.pem", "client.key.der"},
              {"client.pem", "client.sec1.key"},
              {"client-rsa.pem", "client-rsa.key"},
              {"client-rsa.pem", "client-rsa.pkcs1.key"}};
  struct compat_client client = client_new();
  char key[16384];

  (void)state;
  assert_int_equal(set_cacert(&client, "bundle"), AMQP_STATUS_OK);
  for (size_t i = 0; i < COUNT(rows); i++) {
    const size_t length = read_file(rows[i].key, key, sizeof(key));
    const char *certificate = temporary_folder_path(rows[i].certificate);

    assert_int_equal(amqp_ssl_socket_set_key_buffer(client.socket, certificate, key, length - 20),
                     AMQP_STATUS_SSL_ERROR);
    assert_int_equal(amqp_ssl_socket_set_key_buffer(client.socket, certificate, key, length), AMQP_STATUS_OK);
    memset(key, 0, sizeof(key)); /* it was copied */
    expect_connect_failed(&client);
  }
  (void)read_file("client-rsa.key", key, sizeof(key));
  assert_int_equal(
      amqp_ssl_socket_set_key_buffer(client.socket, temporary_folder_path("client.pem"), key, (size_t)INT_MAX + 1),
      AMQP_STATUS_INVALID_PARAMETER);
  expect_refused_before_connecting(&client, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_int_equal(amqp_ssl_socket_set_key_buffer(client.socket, temporary_folder_path("missing.pem"), key, 100),
                   AMQP_STATUS_SSL_ERROR);
  expect_refused_before_connecting(&client, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_int_equal(amqp_ssl_socket_set_key_buffer(client.socket, temporary_folder_path("missing.pem"), NULL, 0),
                   AMQP_STATUS_SSL_ERROR);
  expect_refused_before_connecting(&client, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  client_free(&client);
}

static void keys_of_engines(void **state) {
  const int expected = amqp_wolfssl_has_pkcs11() ? AMQP_STATUS_SSL_ERROR : UNIMPLEMENTED;
  struct compat_client client = client_with_identity();

  (void)state;
  assert_int_equal(amqp_ssl_socket_set_key_engine(client.socket, temporary_folder_path("client.pem"), "no PKCS#11 URI"),
                   expected);
  assert_int_equal(client_open(&client, peer_free_port()), AMQP_STATUS_SSL_ERROR);
  assert_int_equal(amqp_wolfssl_error_stage(amqp_wolfssl_socket_error(client.socket)), AMQP_WOLFSSL_STAGE_CONFIGURE);
  assert_int_equal(set_key_files(&client, "client.pem", "client.key"), AMQP_STATUS_OK);
  expect_connect_failed(&client);
  client_free(&client);
}

/* As rabbitmq-c's, but for the URI that names the key: an engine and its key's name in rabbitmq-c. */
static void a_key_in_a_token(void **state) {
  struct tls_server server;
  struct compat_client client;
  char uri[SOFT_TOKEN_URI_SIZE];

  (void)state;
  if (!amqp_wolfssl_has_pkcs11()) {
    skip();
  }
  soft_token_require();
  soft_token_make("compat", "135790");
  soft_token_import("compat", "135790", temporary_folder_path("client.key"), "key", "01");
  server = tls_server_start(TLS_SERVER_OPENSSL, "server", 0, NULL);
  client = client_new();
  assert_int_equal(set_cacert(&client, "bundle"), AMQP_STATUS_OK);
  assert_int_equal(amqp_set_ssl_engine("pkcs11"), AMQP_STATUS_OK);
  assert_int_equal(amqp_ssl_socket_set_key_engine(client.socket, temporary_folder_path("client.pem"),
                                                  soft_token_uri(uri, "token=compat;object=key", "pin-value=135790")),
                   AMQP_STATUS_OK);
  expect_open(&client, server.port);
  tls_server_expect_client(TLS_SERVER_OPENSSL, &server, "client1");
  client_free(&client);
  /* Of another certificate. */
  client = client_new();
  assert_int_equal(set_cacert(&client, "bundle"), AMQP_STATUS_OK);
  assert_int_equal(amqp_ssl_socket_set_key_engine(client.socket, temporary_folder_path("client-chain.pem"),
                                                  soft_token_uri(uri, "token=compat;object=key", "pin-value=135790")),
                   AMQP_STATUS_SSL_ERROR);
  expect_refused_before_connecting(&client, AMQP_WOLFSSL_ERROR_KEY_MISMATCH);
  client_free(&client);
  peer_process_stop(server.process);
}

static void versions(void **state) {
  static const struct {
    amqp_tls_version_t min;
    amqp_tls_version_t max;
    int status;
  } rows[] = {
      {AMQP_TLSv1_2, AMQP_TLSv1_2, AMQP_STATUS_OK},
      {AMQP_TLSv1_2, AMQP_TLSv1_3, AMQP_STATUS_OK},
      {AMQP_TLSv1_2, AMQP_TLSvLATEST, AMQP_STATUS_OK},
      {AMQP_TLSv1_3, AMQP_TLSv1_3, AMQP_STATUS_OK},
      {AMQP_TLSv1_3, AMQP_TLSvLATEST, AMQP_STATUS_OK},
      {AMQP_TLSvLATEST, AMQP_TLSvLATEST, AMQP_STATUS_OK},
      {AMQP_TLSv1, AMQP_TLSv1, AMQP_STATUS_UNSUPPORTED},
      {AMQP_TLSv1, AMQP_TLSvLATEST, AMQP_STATUS_UNSUPPORTED},
      {AMQP_TLSv1_1, AMQP_TLSv1_2, AMQP_STATUS_UNSUPPORTED},
      {(amqp_tls_version_t)0, AMQP_TLSv1_3, AMQP_STATUS_UNSUPPORTED},
      {AMQP_TLSv1_2, (amqp_tls_version_t)5, AMQP_STATUS_UNSUPPORTED},
      {AMQP_TLSv1_3, AMQP_TLSv1_2, AMQP_STATUS_INVALID_PARAMETER},
      {AMQP_TLSvLATEST, AMQP_TLSv1_3, AMQP_STATUS_INVALID_PARAMETER},
      {AMQP_TLSv1_2, AMQP_TLSv1_1, AMQP_STATUS_INVALID_PARAMETER},
  };
  struct compat_client client = client_with_identity();

  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    const int status = amqp_ssl_socket_set_ssl_versions(client.socket, rows[i].min, rows[i].max);

    if (status != rows[i].status) {
      fail_msg("%d to %d: %s", (int)rows[i].min, (int)rows[i].max, amqp_error_string2(status));
    }
    if (status == AMQP_STATUS_OK) {
      expect_connect_failed(&client);
    } else {
      expect_refused_before_connecting(&client, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
    }
  }
  client_free(&client);
}

static void the_systems_authorities(void **state) {
  struct compat_client client = client_new();

  (void)state;
  if (amqp_ssl_socket_enable_default_verify_paths(client.socket) != AMQP_STATUS_OK) {
    expect_refused_before_connecting(&client, AMQP_WOLFSSL_ERROR_NOT_SUPPORTED);
  } else {
    /* A machine that has none, as containers often, is no failure to OpenSSL either. */
    assert_int_equal(set_cacert(&client, "bundle"), AMQP_STATUS_OK);
    expect_connect_failed(&client);
  }
  client_free(&client);
}

/* ---- Connections ---- */

/* By address: rabbitmq-c's backend does not find addresses in certificates. */
static void mutual_tls_by_address(void **state) {
  static const struct {
    amqp_tls_version_t version;
    const char *name;
  } rows[] = {{AMQP_TLSv1_2, "TLSv1.2"}, {AMQP_TLSv1_3, "TLSv1.3"}};

  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, "server", 0, NULL);
    struct compat_client client = client_with_identity();

    assert_int_equal(amqp_ssl_socket_set_ssl_versions(client.socket, rows[i].version, rows[i].version), AMQP_STATUS_OK);
    expect_open(&client, server.port);
    assert_string_equal(amqp_wolfssl_socket_version(client.socket), rows[i].name);
    tls_server_expect_client(TLS_SERVER_OPENSSL, &server, "client1");
    client_free(&client);
    peer_process_stop(server.process);
  }
}

/* The policy holds: there is no function for an exception. */
static void versions_and_the_extended_master_secret(void **state) {
  static const char *const none[] = {"--no-ems", NULL};
  static const struct {
    amqp_tls_version_t min;
    amqp_tls_version_t max;
    int version; /* of the server */
    amqp_wolfssl_code_t code;
  } rows[] = {
      {AMQP_TLSv1_2, AMQP_TLSv1_2, AMQP_WOLFSSL_TLS_1_2, AMQP_WOLFSSL_ERROR_POLICY_EXTENDED_MASTER_SECRET},
      {AMQP_TLSv1_2, AMQP_TLSvLATEST, AMQP_WOLFSSL_TLS_1_2, AMQP_WOLFSSL_ERROR_POLICY_EXTENDED_MASTER_SECRET},
      {AMQP_TLSv1_2, AMQP_TLSvLATEST, 0, AMQP_WOLFSSL_OK}, /* it has TLS 1.3 too */
  };
  (void)state;

  for (size_t i = 0; i < COUNT(rows); i++) {
    struct tls_server server = tls_server_start(TLS_SERVER_PROXY, "server", rows[i].version, none);
    struct compat_client client = client_with_identity();
    int status;

    assert_int_equal(amqp_ssl_socket_set_ssl_versions(client.socket, rows[i].min, rows[i].max), AMQP_STATUS_OK);
    status = amqp_socket_open(client.socket, "127.0.0.1", server.port);
    assert_int_equal(amqp_wolfssl_error_code(amqp_wolfssl_socket_error(client.socket)), rows[i].code);
    assert_int_equal(status == AMQP_STATUS_OK, rows[i].code == AMQP_WOLFSSL_OK);
    client_free(&client);
    peer_process_stop(server.process);
  }
}

/* rabbitmq-c's backend looks at the certificate after the handshake: the server has the client's by then. */
static void a_wrong_server_never_sees_the_client(void **state) {
  struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, "server-other-ca", 0, NULL);
  struct compat_client client = client_with_identity();

  (void)state;
  assert_int_equal(client_open(&client, server.port), AMQP_STATUS_SSL_PEER_VERIFY_FAILED);
  assert_int_equal(code_of(&client), AMQP_WOLFSSL_ERROR_UNKNOWN_CA);
  tls_server_expect_alert(TLS_SERVER_OPENSSL, &server, 48);
  assert_false(tls_server_saw_client(TLS_SERVER_OPENSSL, &server, "client1"));
  client_free(&client);
  peer_process_stop(server.process);
}

static void a_wrong_name(void **state) {
  struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, "server-wrong-name", 0, NULL);
  struct compat_client client = client_with_identity();

  (void)state;
  assert_int_equal(client_open(&client, server.port), AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED);
  assert_int_equal(code_of(&client), AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  amqp_ssl_socket_set_verify_hostname(client.socket, 0); /* after a failed open it may be changed */
  expect_open(&client, server.port);
  client_free(&client);
  peer_process_stop(server.process);
}

/* Any number but 0 means yes, as a boolean does in C. */
static void switches(void **state) {
  static const amqp_boolean_t yes[] = {1, 2, -1};
  struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, "server-other-ca", 0, NULL);
  struct compat_client client = client_with_identity();

  (void)state;
  for (size_t i = 0; i < COUNT(yes); i++) {
    amqp_ssl_socket_set_verify_peer(client.socket, 0);
    amqp_ssl_socket_set_verify_peer(client.socket, yes[i]);
    assert_int_equal(client_open(&client, server.port), AMQP_STATUS_SSL_PEER_VERIFY_FAILED);
    amqp_ssl_socket_set_verify(client.socket, 0);
    amqp_ssl_socket_set_verify(client.socket, yes[i]);
    assert_int_equal(client_open(&client, server.port), AMQP_STATUS_SSL_PEER_VERIFY_FAILED);
  }
  amqp_ssl_socket_set_verify(client.socket, 0);
  expect_open(&client, server.port);
  client_free(&client);
  peer_process_stop(server.process);
}

/* ---- */

static int begin(void **state) {
  return minted_certificates_make(state) == 0 ? soft_token_setup(temporary_folder_path("")) : -1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_library_functions_do_nothing),
      cmocka_unit_test(engines),
      cmocka_unit_test(there_is_no_context),
      cmocka_unit_test(sockets_of_another_kind),
      cmocka_unit_test(trust),
      cmocka_unit_test(keys_in_files),
      cmocka_unit_test(encrypted_keys),
      cmocka_unit_test(keys_in_memory),
      cmocka_unit_test(keys_of_engines),
      cmocka_unit_test(a_key_in_a_token),
      cmocka_unit_test(versions),
      cmocka_unit_test(versions_and_the_extended_master_secret),
      cmocka_unit_test(the_systems_authorities),
      cmocka_unit_test(mutual_tls_by_address),
      cmocka_unit_test(a_wrong_server_never_sees_the_client),
      cmocka_unit_test(a_wrong_name),
      cmocka_unit_test(switches),
  };

  return cmocka_run_group_tests(tests, begin, minted_certificates_tear_down);
}
