/* SPDX-License-Identifier: MIT */
/* Sockets around a server in memory. */
#include "driven_peer.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/wolfssl_headers.h"
#include "peer_thread.h"
#include "temporary_folder.h"

#include <wolfssl/wolfcrypt/ecc.h>

#define RECEIVE_BUFFER 16384

/* ---- The handshake, in a thread of its own: the client waits for it ---- */

static bool send_waiting(struct driven_peer *peer) {
  struct memory_pipe *pipe = &peer->tls->to_client;

  while (pipe->waiting > 0) {
    const ssize_t count = send(peer->descriptor, memory_pipe_byte(pipe, 0), pipe->waiting, MSG_NOSIGNAL);

    if (count <= 0) {
      return false;
    }
    pipe->head += (size_t)count;
    pipe->waiting -= (size_t)count;
  }
  return true;
}

static void *shake_hands(void *context) {
  struct driven_peer *peer = context;
  static char bytes[16384];

  peer->descriptor = accept(peer->listener, NULL, NULL);
  while (peer->descriptor >= 0 && !memory_peer_accept(peer->tls) && peer->tls->error == 0 && send_waiting(peer)) {
    const ssize_t count = recv(peer->descriptor, bytes, sizeof(bytes), 0);

    if (count <= 0) {
      break;
    }
    memory_pipe_put(&peer->tls->to_server, bytes, (size_t)count);
  }
  (void)send_waiting(peer);
#ifdef FP_ECC
  wc_ecc_fp_free(); /* wolfSSL's cache is a thread's own */
#endif
  return NULL;
}

void driven_peer_start(struct driven_peer *peer, unsigned version) {
  const int buffer = RECEIVE_BUFFER;
  struct memory_peer_settings settings = {.certificate = temporary_folder_path("server.pem"),
                                          .key = temporary_folder_path("server.key"),
                                          .version = version};

  memset(peer, 0, sizeof(*peer));
  peer->descriptor = -1;
  peer->tls = memory_peer_new(&settings);
  assert_non_null(peer->tls);
  peer->listener = listen_anywhere(&peer->port);
  assert_int_equal(setsockopt(peer->listener, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer)), 0);
  assert_int_equal(pthread_create(&peer->thread, NULL, shake_hands, peer), 0);
}

void driven_peer_connected(struct driven_peer *peer) {
  assert_int_equal(pthread_join(peer->thread, NULL), 0);
  assert_true(peer->tls->accepted);
}

/* ---- What the test tells it to do ---- */

static void keep(struct driven_peer *peer, const uint8_t *bytes, size_t count) {
  if (peer->seen_length + count > peer->seen_capacity) {
    peer->seen_capacity = 2 * (peer->seen_length + count);
    peer->seen = realloc(peer->seen, peer->seen_capacity);
    assert_non_null(peer->seen);
  }
  memcpy(peer->seen + peer->seen_length, bytes, count);
  peer->seen_length += count;
}

/* \return whether the connection goes on */
static bool read_some(struct driven_peer *peer, int flags) {
  static uint8_t bytes[65536];
  const ssize_t count = recv(peer->descriptor, bytes, sizeof(bytes), flags);
  size_t received;

  if (count <= 0) {
    return false;
  }
  memory_pipe_put(&peer->tls->to_server, bytes, (size_t)count);
  while ((received = memory_peer_read(peer->tls, bytes, sizeof(bytes))) > 0) {
    keep(peer, bytes, received);
  }
  return true;
}

size_t driven_peer_read(struct driven_peer *peer) {
  while (read_some(peer, MSG_DONTWAIT)) {
  }
  return peer->seen_length;
}

void driven_peer_read_to_end(struct driven_peer *peer) {
  while (read_some(peer, 0)) {
  }
}

void driven_peer_send_waiting(struct driven_peer *peer) { assert_true(send_waiting(peer)); }

void driven_peer_say(struct driven_peer *peer, const void *bytes, size_t length) {
  assert_true(memory_peer_write(peer->tls, bytes, length));
  driven_peer_send_waiting(peer);
}

void driven_peer_stop(struct driven_peer *peer) {
  (void)close(peer->descriptor);
  (void)close(peer->listener);
  memory_peer_free(peer->tls);
  free(peer->seen);
}
