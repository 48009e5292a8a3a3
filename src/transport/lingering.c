/* SPDX-License-Identifier: MIT */
/*
 * What a polite close does once everything is in the kernel. That is not yet sent, and Linux drops it, with a reset for
 * the peer, if the socket is closed while something unread is left in it or comes in later: session tickets and one
 * heartbeat are enough. So what the peer says is thrown away until it has acknowledged everything.
 *
 * No event tells of an acknowledgement: hence the pauses.
 */
#include "autoconfig.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#ifdef HAVE_LINUX_SOCKIOS_H
#include <linux/sockios.h>
#endif

#include "transport/transport.h"

#define FIRST_PAUSE_MICROSECONDS 1000
#define LONGEST_PAUSE_MICROSECONDS 16000
/* What is thrown away at once, however fast the peer sends: the deadline must count. */
#define RECORDS_AT_ONCE 16

size_t transport_unacknowledged(const struct transport *transport) {
#ifdef SIOCOUTQ
  const int descriptor = transport->tcp->get_sockfd(transport->base);
  const int errno_before = errno; /* a caller may still want to tell it */
  struct sockaddr_storage own = {.ss_family = AF_UNSPEC};
  socklen_t length = sizeof(own);
  int count = 0;

  /* On a Unix socket everything has arrived once it was written, and the count is something else. */
  if (getsockname(descriptor, (struct sockaddr *)&own, &length) == 0 &&
      (own.ss_family == AF_INET || own.ss_family == AF_INET6) && ioctl(descriptor, SIOCOUTQ, &count) == 0 &&
      count > 0) {
    return (size_t)count;
  }
  errno = errno_before;
#else
  (void)transport;
#endif
  return 0;
}

enum input_end transport_discard_input(const struct transport *transport) {
  const int descriptor = transport->tcp->get_sockfd(transport->base);
  uint8_t unheard[TLS_RECORD_PLAINTEXT];

  for (int i = 0; i < RECORDS_AT_ONCE; i++) {
    const ssize_t count = recv(descriptor, unheard, sizeof(unheard), MSG_DONTWAIT);

    if (count == 0) {
      return INPUT_ENDED;
    }
    if (count < 0 && errno != EINTR) {
      return errno == EAGAIN || errno == EWOULDBLOCK ? INPUT_GOES_ON : INPUT_BROKEN;
    }
  }
  return INPUT_GOES_ON;
}

/* After the end of the stream no receive says so any more. */
static bool is_broken(const struct transport *transport) {
  socklen_t length = sizeof(int);
  int error = 0;

  if (getsockopt(transport->tcp->get_sockfd(transport->base), SOL_SOCKET, SO_ERROR, &error, &length) != 0) {
    return true;
  }
  errno = error;
  return error != 0;
}

/* After the end of the stream the descriptor can always be read; only the clock counts then. */
static void pause_for(struct transport *transport, int microseconds, bool hears) {
  const int descriptor = hears ? transport->tcp->get_sockfd(transport->base) : -1;
  const struct timeval limit = {.tv_usec = microseconds};
  struct deadline deadline;

  (void)deadline_start(&deadline, &limit);
  transport_leave(transport);
  (void)deadline_wait(&deadline, descriptor, DEADLINE_READABLE);
  transport_enter(transport);
}

static bool is_open(const struct transport *transport) { return transport->tcp->get_sockfd(transport->base) != -1; }

enum pump_end transport_linger(struct transport *transport, const struct deadline *deadline) {
  int pause = FIRST_PAUSE_MICROSECONDS;
  enum input_end input = INPUT_GOES_ON;

  while (is_open(transport)) {
    if (input == INPUT_GOES_ON) {
      input = transport_discard_input(transport);
    }
    if (transport_unacknowledged(transport) == 0) {
      return PUMP_DONE;
    }
    /* A receive that tells of the failure takes it off the socket. */
    if (input == INPUT_BROKEN || is_broken(transport)) {
      return PUMP_FAILED;
    }
    if (deadline_has_passed(deadline)) {
      return PUMP_TIMED_OUT;
    }
    pause_for(transport, pause, input == INPUT_GOES_ON);
    pause = pause < LONGEST_PAUSE_MICROSECONDS ? 2 * pause : pause;
  }
  return PUMP_DONE; /* another thread has closed it meanwhile */
}
