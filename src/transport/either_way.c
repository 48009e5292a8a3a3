/* SPDX-License-Identifier: MIT */
/*
 * Lets rabbitmq-c wait for reading and writing at once.
 *
 * A receive that finds nothing while output is blocked has to wait for both: for the peer to read, and for what it says
 * meanwhile. rabbitmq-c can only be told one of the two, and would then be deaf to the other for as long as its time
 * limit says; a peer that reads again only when it has been heard would wait for ever. And output may be blocked only
 * later, by another thread, which then does not wait for it (amqp_wolfssl_socket_uncork() with a time limit): nobody
 * would send what waits before the receiving thread's wait ends.
 *
 * But rabbitmq-c asks for the descriptor after each receive that found nothing, and waits for that. There it gets
 * another one: that of an epoll set which can be read as soon as the socket can be read, and while output is blocked
 * also as soon as it can be written. A change of that reaches whoever waits for the set already. It is made at the
 * first such wait and costs a descriptor for each connection that waits, and a system call when output gets blocked
 * and when it is not any more.
 *
 * recv_with_timeout() in librabbitmq/amqp_socket.c, which asks so, was read in each tag from v0.8.0 to v0.16.0 and is
 * the same in all of them; tests/unit/transport/back_pressure_test.c passes with 0.18.1, as Debian builds it. A release
 * that did not ask would wait for reading alone.
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
static bool change_set(int set, int operation, int descriptor, bool awaits_room) {
  struct epoll_event event = {.events = awaits_room ? EPOLLIN | EPOLLOUT : EPOLLIN};

  return epoll_ctl(set, operation, descriptor, &event) == 0;
}

static int new_set(int descriptor, bool awaits_room) {
  const int set = epoll_create1(EPOLL_CLOEXEC);

  if (set >= 0 && !change_set(set, EPOLL_CTL_ADD, descriptor, awaits_room)) {
    (void)close(set);
    return -1;
  }
  return set;
}

static bool adjust_set(int set, int descriptor, bool awaits_room) {
  return change_set(set, EPOLL_CTL_MOD, descriptor, awaits_room);
}
#else
static int new_set(int descriptor, bool awaits_room) {
  (void)descriptor;
  (void)awaits_room;
  return -1;
}

static bool adjust_set(int set, int descriptor, bool awaits_room) {
  (void)set;
  (void)descriptor;
  (void)awaits_room;
  return false;
}
#endif

/* A socket that can be written although sending has failed would keep a thread that waits busy. */
static bool is_output_blocked(const struct transport *transport) {
  return session_has_output(transport->session) && session_can_send(transport->session);
}

static int socket_of(const struct transport *transport) { return transport->tcp->get_sockfd(transport->base); }

void transport_adjust_either_way(struct transport *transport) {
  const bool awaits_room = transport->session != NULL && is_output_blocked(transport);

  if (awaits_room != transport->awaits_room && adjust_set(transport->either_way, socket_of(transport), awaits_room)) {
    transport->awaits_room = awaits_room;
  }
}

bool transport_arrange_either_way(struct transport *transport) {
  if (transport->either_way < 0) {
    transport->awaits_room = is_output_blocked(transport);
    transport->either_way = new_set(socket_of(transport), transport->awaits_room);
  }
  if (transport->either_way < 0) {
    return false;
  }
  if (answer_for != transport) {
    answer_for = transport;
    transport->promised_either_way++;
  }
  return true;
}

void transport_withdraw_either_way(struct transport *transport) {
  if (answer_for == transport) {
    answer_for = NULL;
    if (transport->promised_either_way > 0) { /* the promise may be of another socket, freed, that lay here */
      transport->promised_either_way--;
    }
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

    transport_enter(transport);
    transport_withdraw_either_way(transport);
    set = transport->either_way;
    transport_leave(transport);
    if (set >= 0) {
      return set;
    }
  }
  return socket_of(transport);
}
