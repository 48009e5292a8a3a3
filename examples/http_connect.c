/* SPDX-License-Identifier: MIT */
/*
 * Through an HTTP proxy: asks it for a tunnel to the broker (CONNECT, RFC 9110, section 9.3.6), then mutual TLS and a
 * login through the tunnel. SOCKS, or anything else that yields a connected descriptor, works the same way.
 */
#include <amqp_wolfssl_socket.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const struct timeval limit = {10, 0};

static int connect_to(const char *host, const char *port) {
  const struct addrinfo wanted = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  struct addrinfo *addresses = NULL;
  int descriptor = -1;

  if (getaddrinfo(host, port, &wanted, &addresses) != 0) {
    return -1;
  }
  for (struct addrinfo *next = addresses; next != NULL && descriptor == -1; next = next->ai_next) {
    descriptor = socket(next->ai_family, next->ai_socktype | SOCK_CLOEXEC, next->ai_protocol);
    if (descriptor != -1 && connect(descriptor, next->ai_addr, next->ai_addrlen) != 0) {
      close(descriptor);
      descriptor = -1;
    }
  }
  freeaddrinfo(addresses);
  return descriptor;
}

/* One byte at a time, up to the empty line: what follows is TLS and must be left where it is. */
static int read_reply(int descriptor, char *reply, size_t size) {
  size_t length = 0;

  do {
    if (length + 1 >= size || recv(descriptor, reply + length, 1, 0) != 1) {
      return -1;
    }
    reply[++length] = '\0';
  } while (length < 4 || strcmp(reply + length - 4, "\r\n\r\n") != 0);
  reply[strcspn(reply, "\r\n")] = '\0'; /* the status line says it all */
  return 0;
}

static int ask_for_tunnel(int descriptor, const char *host, const char *port) {
  const int is_ipv6 = strchr(host, ':') != NULL;
  char request[1024];
  char reply[8192] = "no reply";
  int length =
      snprintf(request, sizeof(request), "CONNECT %s%s%s:%s HTTP/1.1\r\nHost: %s%s%s:%s\r\n\r\n", is_ipv6 ? "[" : "",
               host, is_ipv6 ? "]" : "", port, is_ipv6 ? "[" : "", host, is_ipv6 ? "]" : "", port);

  if (length < 0 || (size_t)length >= sizeof(request) ||
      setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) != 0 ||
      send(descriptor, request, (size_t)length, MSG_NOSIGNAL) != length ||
      read_reply(descriptor, reply, sizeof(reply)) != 0 || strncmp(reply, "HTTP/1.", 7) != 0 ||
      strncmp(reply + 8, " 2", 2) != 0) {
    printf("the proxy opened no tunnel: %s\n", reply);
    return -1;
  }
  return 0;
}

static amqp_socket_t *make_socket(amqp_connection_state_t connection, char **files) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
  amqp_socket_t *socket;

  amqp_wolfssl_config_add_ca_file(config, files[0]);
  amqp_wolfssl_config_set_identity_files(config, files[1], files[2]);
  socket = amqp_wolfssl_socket_new(connection, config);
  amqp_wolfssl_config_free(config); /* the socket keeps its own reference */
  return socket;
}

/* Takes \a descriptor over, whatever happens. \return 0 for success */
static int talk_to_broker(int descriptor, const char *host, char **files) {
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t *socket = make_socket(connection, files);
  const char *why;
  int failed = 1;

  if (amqp_wolfssl_socket_open_fd(socket, descriptor, host, &limit) != AMQP_STATUS_OK) {
    close(descriptor); /* still ours */
  } else {
    failed = amqp_login(connection, "/", 0, 131072, 60, AMQP_SASL_METHOD_EXTERNAL, "certificate").reply_type !=
             AMQP_RESPONSE_NORMAL;
  }
  why = amqp_wolfssl_error_message(amqp_wolfssl_socket_error(socket)); /* "": TLS is up; AMQP failed */
  puts(!failed ? amqp_wolfssl_socket_suite(socket) : *why != '\0' ? why : "the broker refused the login");
  if (connection != NULL) {
    amqp_destroy_connection(connection); /* the socket goes with it, and its descriptor */
  }
  return failed;
}

int main(int argc, char **argv) {
  int descriptor;

  if (argc != 8) {
    fprintf(stderr, "usage: %s PROXY PROXY_PORT HOST PORT CA.pem CLIENT.pem CLIENT.key\n", argv[0]);
    return 2;
  }
  descriptor = connect_to(argv[1], argv[2]);
  if (descriptor == -1) {
    printf("can't connect to the proxy %s port %s\n", argv[1], argv[2]);
    return 1;
  }
  if (ask_for_tunnel(descriptor, argv[3], argv[4]) != 0) {
    close(descriptor);
    return 1;
  }
  return talk_to_broker(descriptor, argv[3], argv + 5);
}
