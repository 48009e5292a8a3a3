/* SPDX-License-Identifier: MIT */
/*
 * Lets rabbitmq-c wait for reading and writing at once.
 *
 * A receive that finds nothing while output is blocked has to wait for both: for the peer to read, and for what it says
 * meanwhile. rabbitmq-c can only be told one of the two, and would then be deaf to the other for as long as its time
 * limit says; a peer that reads again only when it has been heard would wait for ever. But rabbitmq-c asks for the
 * descriptor after each receive that found nothing, and waits for that. In this one case it gets another one: that of
 * an epoll set which can be read as soon as the socket can be read or written.
 *
 * Each release from v0.8.0 to v0.16.0 asks so (recv_with_timeout() in librabbitmq/amqp_socket.c); one that did not
 * would wait for reading alone.
 *
 * The answer is meant for one call of one thread. A thread that sends, and a program that asks for the descriptor
 * itself, get the socket's.
 */
#include "autoconfig.h"

#include <unistd.h>

#ifdef HAVE_SYS_EPOLL_H
#include <sys/epoll.h>
#endif

#include "transport/transport.h"

/* Whose set the next question of this thread is answered with. */
static _Thread_local const struct transport *answer_for;

#ifdef HAVE_SYS_EPOLL_H
static int new_set(int descriptor) {
  struct epoll_event event = {.events = EPOLLIN | EPOLLOUT};
  const int set = epoll_create1(EPOLL_CLOEXEC);

  if (set >= 0 && epoll_ctl(set, EPOLL_CTL_ADD, descriptor, &event) != 0) {
    (void)close(set);
    return -1;
  }
  return set;
}
#else
static int new_set(int descriptor) {
  (void)descriptor;
  return -1;
}
#endif

bool transport_arrange_either_way(struct transport *transport) {
  if (transport->either_way < 0) {
    transport->either_way = new_set(transport->tcp->get_sockfd(transport->base));
  }
  if (transport->either_way < 0) {
    return false;
  }
  answer_for = transport;
  return true;
}

void transport_withdraw_either_way(const struct transport *transport) {
  if (answer_for == transport) {
    answer_for = NULL;
  }
}

void transport_end_either_way(struct transport *transport) {
  transport_withdraw_either_way(transport);
  if (transport->either_way >= 0) {
    (void)close(transport->either_way);
    transport->either_way = -1;
  }
}

int transport_get_sockfd(void *base) {
  struct transport *transport = transport_of_base(base);

  if (answer_for == transport) {
    int set;

    answer_for = NULL;
    transport_enter(transport);
    set = transport->either_way;
    transport_leave(transport);
    if (set >= 0) {
      return set;
    }
  }
  return transport->tcp->get_sockfd(transport->base);
}
