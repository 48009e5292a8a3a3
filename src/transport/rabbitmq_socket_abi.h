/* SPDX-License-Identifier: MIT */
/*
 * A mirror of rabbitmq-c's PRIVATE socket interface (librabbitmq/amqp_socket.h there).
 *
 * rabbitmq-c offers no public way to install a transport. This library takes the TCP socket that amqp_tcp_socket_new()
 * made and points the first word of it, the pointer to its table of six functions, at a table of our own. None of that
 * is public: it is private ABI, which any release of rabbitmq-c may change without a new SONAME.
 *
 * It was read in every tag from v0.8.0 to v0.18.1 and is the same in all of them. Earlier ones differ: 0.7 has close()
 * with one parameter, 0.6 has seven slots with writev() first.
 *
 * What breaks if it changes: calls go to the wrong function, or with the wrong parameters, and the process may crash.
 * So configure runs the probe below and rejects a library that fails it, and the library runs it again on each
 * connection that it attaches to, because the librabbitmq found at run time may be another. A change of a slot's
 * parameters alone can't be seen by any probe: read amqp_socket.h of each new release. Nor can slots added at the
 * end, since nobody knows what lies behind a table: ours is followed by NULLs, so that none is called by mistake.
 */
#ifndef AMQP_WOLFSSL_RABBITMQ_SOCKET_ABI_H
#define AMQP_WOLFSSL_RABBITMQ_SOCKET_ABI_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/time.h>
#include <sys/types.h>

/* Since 0.12 rabbitmq-c's headers have a folder of their own, and the old names warn. */
#if defined(__has_include)
#if __has_include(<rabbitmq-c/amqp.h>) && __has_include(<rabbitmq-c/tcp_socket.h>)
#define RABBITMQ_HEADERS_HAVE_A_FOLDER 1
#endif
#endif
#ifdef RABBITMQ_HEADERS_HAVE_A_FOLDER
#include <rabbitmq-c/amqp.h>
#include <rabbitmq-c/tcp_socket.h>
#else
#include <amqp.h>
#include <amqp_tcp_socket.h>
#endif

/* The oldest release with this interface, 0.8.0, as amqp_version_number() gives it. */
#define RABBITMQ_SOCKET_OLDEST_VERSION 0x00080000U
/* The first that is refused unseen: with 1.0.0, rabbitmq-c would be free to change anything. */
#define RABBITMQ_SOCKET_UNKNOWN_VERSION 0x01000000U
/* How many functions a later rabbitmq-c can add and still find NULL in our table. */
#define RABBITMQ_SOCKET_SPARE_SLOTS 8

/* What a slot is passed, and what it may return besides the public AMQP_STATUS_* codes. */
enum {
  RABBITMQ_STATUS_NEEDREAD = -0x1301,
  RABBITMQ_STATUS_NEEDWRITE = -0x1302,
  RABBITMQ_SEND_MORE = 1,
  RABBITMQ_CLOSE_NONE = 0,
  RABBITMQ_CLOSE_FORCE = 1
};

/** rabbitmq-c's `struct amqp_socket_class_t`. Each slot gets the socket first. */
struct rabbitmq_socket_class {
  ssize_t (*send)(void *, const void *, size_t, int);
  ssize_t (*recv)(void *, void *, size_t, int);
  int (*open)(void *, const char *, int, const struct timeval *);
  int (*close)(void *, int force);
  int (*get_sockfd)(void *);
  void (*delete_socket)(void *);
};

/** rabbitmq-c's `struct amqp_socket_t_`: the start of every socket object. */
struct rabbitmq_socket {
  const struct rabbitmq_socket_class *klass;
};

_Static_assert(sizeof(struct rabbitmq_socket_class) == 6 * sizeof(void *), "six slots and nothing between them");
_Static_assert(offsetof(struct rabbitmq_socket, klass) == 0, "the table's address comes first");

/**
 * Whether a socket just made by amqp_tcp_socket_new(), and not yet opened, looks as this header describes.
 *
 * The version is checked first, because older releases have the slots too, but with other parameters.
 */
static inline bool rabbitmq_socket_probe(amqp_socket_t *socket) {
  const struct rabbitmq_socket_class *klass = NULL;

  if (socket == NULL || amqp_version_number() < RABBITMQ_SOCKET_OLDEST_VERSION ||
      amqp_version_number() >= RABBITMQ_SOCKET_UNKNOWN_VERSION)
    return false;
  memcpy(&klass, socket, sizeof klass);
  if (klass == NULL)
    return false;
  if (klass->send == NULL || klass->recv == NULL || klass->open == NULL || klass->close == NULL ||
      klass->get_sockfd == NULL || klass->delete_socket == NULL)
    return false;
  return amqp_socket_get_sockfd(socket) == -1 && klass->get_sockfd(socket) == -1;
}

#endif /* AMQP_WOLFSSL_RABBITMQ_SOCKET_ABI_H */
