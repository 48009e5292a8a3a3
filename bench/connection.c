/* SPDX-License-Identifier: MIT */
/*
 * Connections as a program would make them, by the public interfaces alone. The OpenSSL backend is held to one TLS
 * version and one group through its context, so that both TLS transports do the same work.
 */
#include "connection.h"

#include <stdio.h>
#include <string.h>

#include <openssl/ssl.h>

#if defined(__has_include)
#if __has_include(<rabbitmq-c/ssl_socket.h>)
#include <rabbitmq-c/ssl_socket.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#endif
#else
#include <amqp_ssl_socket.h>
#include <amqp_tcp_socket.h>
#endif

#include "floor.h"

#define FRAME_MAX 131072
#define OPEN_SECONDS 30

static int failed(const char *doing, const char *why) {
  fprintf(stderr, "client: %s: %s\n", doing, why);
  return -1;
}

/* This library's own sentence where there is one: rabbitmq-c's says less. */
static int connection_failed(const struct connection *connection, const char *doing, int status) {
  const amqp_wolfssl_error_t *error = amqp_wolfssl_socket_error(connection->socket);

  return failed(doing, amqp_wolfssl_error_code(error) != AMQP_WOLFSSL_OK ? amqp_wolfssl_error_message(error)
                                                                         : amqp_error_string2(status));
}

bool connection_is_tls(const struct target *target) {
  return target->transport == TRANSPORT_OPENSSL || target->transport == TRANSPORT_WOLFSSL;
}

/* ---- Certificates and keys ---- */

static amqp_wolfssl_code_t fill_config(const struct target *target, amqp_wolfssl_config_t *config) {
  amqp_wolfssl_version_t version = target->tls_1_2 ? AMQP_WOLFSSL_TLS_1_2 : AMQP_WOLFSSL_TLS_1_3;
  amqp_wolfssl_code_t code = amqp_wolfssl_config_set_tls_versions(config, version, version);

  if (code == AMQP_WOLFSSL_OK) { /* RabbitMQ lacks it, and OpenSSL's side does not ask for it either */
    code = amqp_wolfssl_config_set_require_extended_master_secret(config, 0);
  }
  if (code == AMQP_WOLFSSL_OK) {
    code = amqp_wolfssl_config_add_ca_file(config, target->ca);
  }
  if (code == AMQP_WOLFSSL_OK && target->certificate != NULL) {
    code = amqp_wolfssl_config_set_identity_files(config, target->certificate, target->key);
  }
  return code;
}

amqp_wolfssl_config_t *connection_make_config(const struct target *target) {
  amqp_wolfssl_config_t *config;

  if (target->transport != TRANSPORT_WOLFSSL) {
    return NULL;
  }
  config = amqp_wolfssl_config_new();
  if (config != NULL && fill_config(target, config) != AMQP_WOLFSSL_OK) {
    (void)failed("config", amqp_wolfssl_error_message(amqp_wolfssl_config_error(config)));
    amqp_wolfssl_config_free(config);
    config = NULL;
  }
  return config;
}

static int set_up_openssl(const struct target *target, amqp_socket_t *socket) {
  SSL_CTX *context = amqp_ssl_socket_get_context(socket);
  int version = target->tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
  int status;

  if (SSL_CTX_set_min_proto_version(context, version) != 1 || SSL_CTX_set_max_proto_version(context, version) != 1) {
    return failed("OpenSSL backend", "can't set the TLS version");
  }
  if (target->groups != NULL && SSL_CTX_set1_curves_list(context, target->groups) != 1) {
    return failed("OpenSSL backend", "can't set the groups");
  }
  status = amqp_ssl_socket_set_cacert(socket, target->ca);
  if (status == AMQP_STATUS_OK && target->certificate != NULL) {
    status = amqp_ssl_socket_set_key(socket, target->certificate, target->key);
  }
  return status == AMQP_STATUS_OK ? 0 : failed("OpenSSL backend, certificates", amqp_error_string2(status));
}

/* ---- Making and ending ---- */

int connection_create(const struct target *target, amqp_wolfssl_config_t *config, struct connection *connection) {
  connection->socket = NULL;
  connection->amqp = amqp_new_connection();
  if (connection->amqp == NULL) {
    return failed("connection", "out of memory");
  }
  switch (target->transport) {
    case TRANSPORT_TCP:
      connection->socket = amqp_tcp_socket_new(connection->amqp);
      break;
    case TRANSPORT_FLOOR:
      connection->socket = floor_start(target->aes_bits) == 0 ? amqp_tcp_socket_new(connection->amqp) : NULL;
      break;
    case TRANSPORT_OPENSSL:
      connection->socket = amqp_ssl_socket_new(connection->amqp);
      break;
    case TRANSPORT_WOLFSSL:
      connection->socket = amqp_wolfssl_socket_new(connection->amqp, config);
      break;
  }
  if (connection->socket == NULL) {
    return failed("socket", "can't be made");
  }
  return target->transport == TRANSPORT_OPENSSL ? set_up_openssl(target, connection->socket) : 0;
}

int connection_open(const struct target *target, const struct connection *connection) {
  struct timeval limit = {OPEN_SECONDS, 0};
  int status = amqp_socket_open_noblock(connection->socket, target->host, target->port, &limit);

  return status == AMQP_STATUS_OK ? 0 : connection_failed(connection, "open", status);
}

static int check_reply(const struct connection *connection, amqp_rpc_reply_t reply, const char *doing) {
  switch (reply.reply_type) {
    case AMQP_RESPONSE_NORMAL:
      return 0;
    case AMQP_RESPONSE_LIBRARY_EXCEPTION:
      return connection_failed(connection, doing, reply.library_error);
    case AMQP_RESPONSE_SERVER_EXCEPTION:
      return failed(doing, "the server refuses");
    case AMQP_RESPONSE_NONE:
      break;
  }
  return failed(doing, "no answer");
}

int connection_check(const struct connection *connection, const char *doing) {
  return check_reply(connection, amqp_get_rpc_reply(connection->amqp), doing);
}

int connection_login(const struct target *target, const struct connection *connection) {
  /* No heartbeats: with them rabbitmq-c looks at the clock for every frame, whatever the transport. */
  amqp_rpc_reply_t reply =
      amqp_login(connection->amqp, "/", 0, FRAME_MAX, 0, AMQP_SASL_METHOD_PLAIN, target->user, target->password);

  if (check_reply(connection, reply, "login") != 0) {
    return -1;
  }
  if (target->transport == TRANSPORT_FLOOR && !floor_is_in_use()) {
    return failed("the floor", "librabbitmq does not call this program's send() and recv()");
  }
  (void)amqp_channel_open(connection->amqp, BENCH_CHANNEL);
  return connection_check(connection, "opening a channel");
}

int connection_make(const struct target *target, amqp_wolfssl_config_t *config, struct connection *connection) {
  if (connection_create(target, config, connection) != 0 || connection_open(target, connection) != 0) {
    return -1;
  }
  return connection_login(target, connection);
}

void connection_end(struct connection *connection) {
  if (connection->amqp != NULL) {
    if (connection->socket != NULL) {
      (void)amqp_connection_close(connection->amqp, AMQP_REPLY_SUCCESS);
    }
    (void)amqp_destroy_connection(connection->amqp); /* the socket goes with it */
  }
  connection->amqp = NULL;
  connection->socket = NULL;
}

/* ---- What was negotiated ---- */

static struct tls_facts openssl_facts; /* the info callback has no argument of its own */

static void note_openssl_facts(const SSL *ssl, int where, int unused) {
  SSL *same = (SSL *)(uintptr_t)ssl; /* OpenSSL's own queries want it without const */
  const SSL_CIPHER *cipher = SSL_get_current_cipher(ssl);
  const char *group;

  (void)unused;
  if ((where & SSL_CB_HANDSHAKE_DONE) == 0 || cipher == NULL) {
    return;
  }
  group = OBJ_nid2sn((int)SSL_get_negotiated_group(same));
  (void)snprintf(openssl_facts.version, sizeof(openssl_facts.version), "%s", SSL_get_version(ssl));
  (void)snprintf(openssl_facts.suite, sizeof(openssl_facts.suite), "%s", SSL_CIPHER_standard_name(cipher));
  /* OpenSSL's name of secp256r1 is ANSI's. */
  (void)snprintf(openssl_facts.group, sizeof(openssl_facts.group), "%s",
                 group == NULL ? "" : (strcmp(group, "prime256v1") == 0 ? "secp256r1" : group));
}

static void copy_facts(const struct target *target, const struct connection *connection, struct tls_facts *facts) {
  if (target->transport == TRANSPORT_WOLFSSL) {
    (void)snprintf(facts->version, sizeof(facts->version), "%s", amqp_wolfssl_socket_version(connection->socket));
    (void)snprintf(facts->suite, sizeof(facts->suite), "%s", amqp_wolfssl_socket_suite(connection->socket));
    (void)snprintf(facts->group, sizeof(facts->group), "%s", amqp_wolfssl_socket_group(connection->socket));
  } else if (target->transport == TRANSPORT_OPENSSL) {
    *facts = openssl_facts;
  }
}

int connection_find_facts(const struct target *target, amqp_wolfssl_config_t *config, struct tls_facts *facts) {
  struct connection connection;
  int result = connection_create(target, config, &connection);

  memset(facts, 0, sizeof(*facts));
  if (result == 0 && target->transport == TRANSPORT_OPENSSL) {
    SSL_CTX_set_info_callback(amqp_ssl_socket_get_context(connection.socket), note_openssl_facts);
  }
  if (result == 0) {
    result = connection_open(target, &connection);
  }
  if (result == 0) {
    result = connection_login(target, &connection);
  }
  if (result == 0) {
    copy_facts(target, &connection, facts);
  }
  connection_end(&connection);
  return result;
}
