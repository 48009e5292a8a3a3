/* SPDX-License-Identifier: MIT */
/*
 * Takes the place of the C library's send() and recv(): librabbitmq's plain TCP transport calls these, as a program's
 * own symbols come before a library's. Until floor_start() they do what those of the C library do.
 *
 * What goes over the wire is the plaintext, which the benchmark's sink understands; what was encrypted is thrown away.
 */
#include "floor.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "aes_gcm.h"

/* Symbols are hidden otherwise. */
#define EXPORTED __attribute__((visibility("default")))

static bool started;
static bool has_sent;
static bool has_received;
static unsigned char held[AES_GCM_PIECE];
static size_t held_length;

int floor_start(unsigned bits) {
  const int result = started ? 0 : aes_gcm_start(bits);

  if (result != 0) {
    fprintf(stderr, "client: AES-GCM: wolfSSL answers %d\n", result);
    return -1;
  }
  started = true;
  return 0;
}

bool floor_is_in_use(void) { return has_sent && has_received; }

/* librabbitmq's socket doesn't block. */
static bool wait_for_room(int descriptor) {
  struct pollfd room = {descriptor, POLLOUT, 0};

  return errno == EAGAIN && poll(&room, 1, -1) == 1;
}

static void skip(struct iovec *part, size_t *count) {
  const size_t now = *count < part->iov_len ? *count : part->iov_len;

  part->iov_base = (char *)part->iov_base + now;
  part->iov_len -= now;
  *count -= now;
}

static bool send_all(int descriptor, const void *bytes, size_t length, int flags) {
  struct iovec parts[2] = {{held, held_length}, {(void *)(size_t)bytes, length}};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

  while (parts[0].iov_len + parts[1].iov_len > 0) {
    const ssize_t sent = sendmsg(descriptor, &message, flags);
    size_t left = sent > 0 ? (size_t)sent : 0;

    if (sent < 0 && !wait_for_room(descriptor)) {
      return false;
    }
    skip(&parts[0], &left);
    skip(&parts[1], &left);
  }
  held_length = 0;
  return true;
}

static bool hold(const void *bytes, size_t length) {
  if (length > sizeof(held) - held_length) {
    return false;
  }
  memcpy(held + held_length, bytes, length);
  held_length += length;
  return true;
}

static bool encrypt(const void *bytes, size_t length) {
  errno = EIO;
  return aes_gcm_encrypt(bytes, length) == 0;
}

/* A small message is one record, so one call of the cipher. */
static bool encrypt_with_held(const void *bytes, size_t length) {
  const size_t before = held_length;
  bool done;

  if (!hold(bytes, length)) {
    return encrypt(held, before) && encrypt(bytes, length);
  }
  done = encrypt(held, held_length);
  held_length = before;
  return done;
}

EXPORTED ssize_t send(int descriptor, const void *bytes, size_t length, int flags) {
  if (!started) {
    return sendto(descriptor, bytes, length, flags, NULL, 0);
  }
  has_sent = true;
  if ((flags & MSG_MORE) != 0 && hold(bytes, length)) {
    return (ssize_t)length;
  }
  return encrypt_with_held(bytes, length) && send_all(descriptor, bytes, length, flags & ~MSG_MORE) ? (ssize_t)length
                                                                                                    : -1;
}

EXPORTED ssize_t recv(int descriptor, void *bytes, size_t length, int flags) {
  const ssize_t received = recvfrom(descriptor, bytes, length, flags, NULL, NULL);

  if (!started || received <= 0) {
    return received;
  }
  has_received = true;
  return encrypt(bytes, (size_t)received) ? received : -1;
}
