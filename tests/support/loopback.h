/* SPDX-License-Identifier: MIT */
/*
 * Sockets of the programs that stand between tests and their peers: on 127.0.0.1, and with nothing but the C library.
 */
#ifndef TESTS_LOOPBACK_H
#define TESTS_LOOPBACK_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static inline struct sockaddr_in loopback_address(uint16_t port) {
  struct sockaddr_in address;

  memset(&address, 0, sizeof(address));
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/** On a free port. \return the listening socket, or -1 with errno */
static inline int loopback_listen(unsigned *port) {
  struct sockaddr_in address = loopback_address(0);
  socklen_t length = sizeof(address);
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (listener < 0 || bind(listener, (const struct sockaddr *)&address, sizeof(address)) != 0 ||
      listen(listener, SOMAXCONN) != 0 || getsockname(listener, (struct sockaddr *)&address, &length) != 0) {
    return -1; /* the program ends now */
  }
  *port = ntohs(address.sin_port);
  return listener;
}

/** \return the socket, or -1 with errno */
static inline int loopback_connect(uint16_t port) {
  const struct sockaddr_in address = loopback_address(port);
  const int server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  if (server >= 0 && connect(server, (const struct sockaddr *)&address, sizeof(address)) != 0) {
    (void)close(server);
    return -1;
  }
  return server;
}

/** \return false when the other end takes no more */
static inline bool loopback_send_all(int to, const unsigned char *bytes, size_t length) {
  while (length > 0) {
    const ssize_t sent = send(to, bytes, length, MSG_NOSIGNAL);

    if (sent < 0) {
      return false;
    }
    bytes += sent;
    length -= (size_t)sent;
  }
  return true;
}

#endif
