/* SPDX-License-Identifier: MIT */
/*
 * An application as others write it for rabbitmq-c: TLS by rabbitmq-c's own names, nothing of this project's. Which
 * library carries it was chosen by who built it. It prints who that is, and every library that is in its memory:
 *
 *     tls wolfssl
 *     provider /usr/local/lib/librabbitmq-wolfssl-compat.so.0.0.0
 *     connected
 *     mapped /usr/local/lib/librabbitmq-wolfssl.so.0.0.0
 *     ...
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif
/* For dladdr() and RTLD_DEFAULT. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#if defined(AMQP_TLS_WOLFSSL) || defined(AMQP_TLS_OPENSSL)
#define HAS_TLS 1
#else
#define HAS_TLS 0
#endif

#if defined(__has_include)
#if __has_include(<rabbitmq-c/tcp_socket.h>)
#define HEADERS_HAVE_A_FOLDER 1
#endif
#endif
#ifdef HEADERS_HAVE_A_FOLDER
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/tcp_socket.h>
#if HAS_TLS
#include <rabbitmq-c/ssl_socket.h>
#endif
#else
#include <amqp.h>
#include <amqp_tcp_socket.h>
#if HAS_TLS
#include <amqp_ssl_socket.h>
#endif
#endif

struct broker {
  const char *ca;
  const char *host; /* NULL: none to connect to */
  int port;
  const char *certificate;
  const char *key;
};

static int failed(const char *what, int status) {
  fprintf(stderr, "consumer: %s: %s\n", what, amqp_error_string2(status));
  return -1;
}

#if HAS_TLS
#ifdef AMQP_TLS_WOLFSSL
#define CHOSEN "wolfssl"
#else
#define CHOSEN "openssl"
#endif

/* By name, as the program's own calls are resolved. */
static int print_provider(void) {
  void *function = dlsym(RTLD_DEFAULT, "amqp_ssl_socket_new");
  Dl_info where;

  if (function == NULL || dladdr(function, &where) == 0) {
    fprintf(stderr, "consumer: no library has amqp_ssl_socket_new\n");
    return -1;
  }
  printf("provider %s\n", where.dli_fname);
  return 0;
}

/* A library that takes anything proves nothing. */
static int refuses_missing_ca(void) {
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t *socket = connection == NULL ? NULL : amqp_ssl_socket_new(connection);
  int result = -1;

  if (socket == NULL) {
    fprintf(stderr, "consumer: no TLS socket\n");
  } else if (amqp_ssl_socket_set_cacert(socket, "/nonexistent/ca.pem") == AMQP_STATUS_OK) {
    fprintf(stderr, "consumer: a CA file that does not exist was taken\n");
  } else {
    result = 0;
  }
  if (connection != NULL) {
    amqp_destroy_connection(connection);
  }
  return result;
}

static amqp_socket_t *make_socket(amqp_connection_state_t connection, const struct broker *broker) {
  amqp_socket_t *socket = amqp_ssl_socket_new(connection);
  int status;

  if (socket == NULL) {
    fprintf(stderr, "consumer: no TLS socket\n");
    return NULL;
  }
  amqp_ssl_socket_set_verify_peer(socket, 1);
  amqp_ssl_socket_set_verify_hostname(socket, 1);
  status = amqp_ssl_socket_set_cacert(socket, broker->ca);
  if (status == AMQP_STATUS_OK && broker->host != NULL) {
    status = amqp_ssl_socket_set_key(socket, broker->certificate, broker->key);
  }
  if (status != AMQP_STATUS_OK) {
    failed("setting up TLS", status);
    return NULL;
  }
  return socket;
}
#else
#define CHOSEN "no"

static int print_provider(void) { return 0; }

static int refuses_missing_ca(void) { return 0; }

static amqp_socket_t *make_socket(amqp_connection_state_t connection, const struct broker *broker) {
  (void)broker;
  return amqp_tcp_socket_new(connection);
}
#endif

/* The broker knows the user by the certificate. */
static int log_in(amqp_connection_state_t connection, amqp_socket_t *socket, const struct broker *broker) {
  struct timeval limit = {30, 0};
  int status = amqp_socket_open_noblock(socket, broker->host, broker->port, &limit);
  amqp_rpc_reply_t reply;

  if (status != AMQP_STATUS_OK) {
    return failed("opening", status);
  }
  reply = amqp_login(connection, "/", 0, 131072, 0, AMQP_SASL_METHOD_EXTERNAL, "certificate");
  if (reply.reply_type != AMQP_RESPONSE_NORMAL) {
    return failed("the login", reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION ? reply.library_error : 0);
  }
  puts("connected");
  reply = amqp_connection_close(connection, AMQP_REPLY_SUCCESS);
  return reply.reply_type == AMQP_RESPONSE_NORMAL ? 0 : failed("closing", reply.library_error);
}

static int use_connection(const struct broker *broker) {
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t *socket;
  int result = -1;

  if (connection == NULL) {
    return failed("a connection", AMQP_STATUS_NO_MEMORY);
  }
  socket = make_socket(connection, broker);
  if (socket != NULL) {
    result = broker->host == NULL ? 0 : log_in(connection, socket, broker);
  }
  amqp_destroy_connection(connection);
  return result;
}

/* Each file once: its parts follow one another. */
static int print_mapped(void) {
  FILE *maps = fopen("/proc/self/maps", "r");
  char line[4096];
  char last[sizeof line] = "";

  if (maps == NULL) {
    perror("consumer: /proc/self/maps");
    return -1;
  }
  while (fgets(line, sizeof line, maps) != NULL) {
    const char *path = strchr(line, '/');
    if (path != NULL && strcmp(path, last) != 0) {
      printf("mapped %s", path);
      strcpy(last, path);
    }
  }
  fclose(maps);
  return 0;
}

int main(int argc, char **argv) {
  struct broker broker = {0};

  if (argc != 2 && argc != 6) {
    fprintf(stderr, "usage: %s CA.pem [HOST PORT CERTIFICATE.pem KEY]\n", argv[0]);
    return 2;
  }
  broker.ca = argv[1];
  if (argc == 6) {
    broker.host = argv[2];
    broker.port = atoi(argv[3]);
    broker.certificate = argv[4];
    broker.key = argv[5];
  }
  puts("tls " CHOSEN);
  if (print_provider() != 0 || refuses_missing_ca() != 0 || use_connection(&broker) != 0) {
    return 1;
  }
  return print_mapped() == 0 ? 0 : 1;
}
