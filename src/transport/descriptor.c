/* SPDX-License-Identifier: MIT */
/*
 * What a connected descriptor must be, and how it is prepared. Writes to a socket whose peer is gone raise no SIGPIPE:
 * rabbitmq-c sends with MSG_NOSIGNAL, over TCP and Unix sockets alike.
 */
#include "autoconfig.h"

#include "transport/descriptor.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

static amqp_wolfssl_code_t refuse(amqp_wolfssl_error_t *error, int descriptor, const char *why) {
  return error_set(error, AMQP_WOLFSSL_STAGE_CONNECT, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT,
                   "the descriptor %d %s; a connected stream socket is needed", descriptor, why);
}

/* \return false: not a socket, or the option can't be read */
static bool read_option(int descriptor, int option, int *value) {
  socklen_t length = sizeof(*value);

  return getsockopt(descriptor, SOL_SOCKET, option, value, &length) == 0;
}

static bool is_connected(int descriptor) {
  struct sockaddr_storage peer;
  socklen_t length = sizeof(peer);

  return getpeername(descriptor, (struct sockaddr *)&peer, &length) == 0;
}

amqp_wolfssl_code_t descriptor_check(int descriptor, amqp_wolfssl_error_t *error) {
  int type = 0;
  int listening = 0;

  if (descriptor < 0 || fcntl(descriptor, F_GETFD) == -1) {
    return refuse(error, descriptor, "is not open");
  }
  if (!read_option(descriptor, SO_TYPE, &type)) {
    return refuse(error, descriptor, "is not a socket");
  }
  if (type != SOCK_STREAM) {
    return refuse(error, descriptor, "is a socket that does not carry a stream (UDP, for example)");
  }
  if (read_option(descriptor, SO_ACCEPTCONN, &listening) && listening != 0) {
    return refuse(error, descriptor, "is a listening socket");
  }
  if (!is_connected(descriptor)) {
    return refuse(error, descriptor, "is not connected, or not connected any more");
  }
  return AMQP_WOLFSSL_OK;
}

/* Fails for what is not TCP, which knows no such delay. */
static void send_at_once(int descriptor) {
  const int one = 1;
  const int saved = errno;

  (void)setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  errno = saved;
}

bool descriptor_prepare(int descriptor, struct descriptor_flags *before) {
  const struct descriptor_flags flags = {fcntl(descriptor, F_GETFD), fcntl(descriptor, F_GETFL)};

  if (flags.of_descriptor == -1 || flags.of_file == -1 ||
      fcntl(descriptor, F_SETFD, flags.of_descriptor | FD_CLOEXEC) == -1) {
    return false;
  }
  if (fcntl(descriptor, F_SETFL, flags.of_file | O_NONBLOCK) == -1) {
    const int saved = errno;

    (void)fcntl(descriptor, F_SETFD, flags.of_descriptor);
    errno = saved;
    return false;
  }
  send_at_once(descriptor);
  if (before != NULL) {
    *before = flags;
  }
  return true;
}

void descriptor_restore(int descriptor, const struct descriptor_flags *before) {
  (void)fcntl(descriptor, F_SETFL, before->of_file);
  (void)fcntl(descriptor, F_SETFD, before->of_descriptor);
}
