/* SPDX-License-Identifier: MIT */
/* Accepts one client after the other, and is a bad server to each. */
#include "peer_thread.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "memory_peer.h"
#include "temporary_folder.h"
#include "backend/wolfssl_headers.h"

#include <wolfssl/wolfcrypt/ecc.h>

/* On the heap: a case that fails leaves it to its thread. */
struct peer_thread {
  enum peer_kind kind;
  const char *line;
  size_t line_length;
  char certificate[512]; /* paths */
  char key[512];
  char client_ca[512];
  int listener;
  int stop[2];
  pthread_t thread;
  struct memory_peer *tls;
  /* What it has seen; read after peer_stop(). */
  unsigned connections;
  bool got_close_notify;
};

static void send_all(int descriptor, const void *bytes, size_t length) {
  size_t sent = 0;

  while (sent < length) {
    ssize_t count = send(descriptor, (const char *)bytes + sent, length - sent, MSG_NOSIGNAL);

    if (count <= 0) {
      return;
    }
    sent += (size_t)count;
  }
}

/* \return whether there is something to read before the test wants to stop */
static bool wait_for(const struct peer_thread *peer, int descriptor) {
  struct pollfd polls[] = {{.fd = descriptor, .events = POLLIN}, {.fd = peer->stop[0], .events = POLLIN}};

  while (poll(polls, 2, -1) < 0 && errno == EINTR) {
  }
  return polls[0].revents != 0;
}

/* Ends our direction, and waits for the client to end its own: a close() with unread bytes would be a reset. */
static void end_stream(const struct peer_thread *peer, int descriptor) {
  char bytes[4096];

  (void)shutdown(descriptor, SHUT_WR);
  while (wait_for(peer, descriptor) && recv(descriptor, bytes, sizeof(bytes), 0) > 0) {
  }
}

static void talk(const struct peer_thread *peer, int descriptor) {
  char bytes[4096];

  if (peer->line_length > 0 && wait_for(peer, descriptor) && recv(descriptor, bytes, sizeof(bytes), 0) > 0) {
    send_all(descriptor, peer->line, peer->line_length);
  }
  end_stream(peer, descriptor);
}

static void send_waiting(struct peer_thread *peer, int descriptor) {
  struct memory_pipe *pipe = &peer->tls->to_client;

  if (pipe->waiting > 0) {
    send_all(descriptor, memory_pipe_byte(pipe, 0), pipe->waiting);
    pipe->head += pipe->waiting;
    pipe->waiting = 0;
  }
}

/* \return whether to go on */
static bool answer_data(struct peer_thread *peer, int descriptor, const void *bytes, size_t length) {
  static const uint8_t junk[] = {99, 3, 3, 0, 4, 1, 2, 3, 4};
  struct linger reset = {.l_onoff = 1, .l_linger = 0};
  struct pollfd stop = {.fd = peer->stop[0], .events = POLLIN};

  switch (peer->kind) {
    case PEER_ECHOES:
      return memory_peer_write(peer->tls, bytes, length);
    case PEER_SAYS_WHY:
      (void)memory_peer_write(peer->tls, peer->line, peer->line_length);
      memory_peer_close_notify(peer->tls);
      return true;
    case PEER_ENDS:
      memory_peer_close_notify(peer->tls);
      return true;
    case PEER_SENDS_JUNK:
      memory_pipe_put(&peer->tls->to_client, junk, sizeof(junk));
      return true;
    case PEER_RESETS:
      (void)setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
      return false;
    case PEER_HANGS_UP:
      end_stream(peer, descriptor);
      return false;
    case PEER_STOPS_READING:
      (void)memory_peer_write(peer->tls, bytes, length);
      send_waiting(peer, descriptor);
      while (poll(&stop, 1, -1) < 0 && errno == EINTR) {
      }
      return false;
    case PEER_SILENT:
    case PEER_TALKS:
      break;
  }
  return false;
}

static void speak_tls(struct peer_thread *peer, int descriptor) {
  static char bytes[65536];

  for (;;) {
    ssize_t count;
    size_t received = 0;

    if (!wait_for(peer, descriptor) || (count = recv(descriptor, bytes, sizeof(bytes), 0)) <= 0) {
      return;
    }
    memory_pipe_put(&peer->tls->to_server, bytes, (size_t)count);
    if (memory_peer_accept(peer->tls)) {
      received = memory_peer_read(peer->tls, bytes, sizeof(bytes));
    }
    if (peer->tls->error == WOLFSSL_ERROR_ZERO_RETURN) {
      peer->got_close_notify = true;
    }
    if (received > 0 && !answer_data(peer, descriptor, bytes, received)) {
      return;
    }
    send_waiting(peer, descriptor);
    if (peer->tls->error != 0) {
      end_stream(peer, descriptor);
      return;
    }
  }
}

static struct memory_peer *make_tls(const struct peer_thread *peer) {
  struct memory_peer_settings settings = {.certificate = peer->certificate,
                                          .key = peer->key,
                                          .client_ca = peer->client_ca,
                                          .client_certificate_required = true};

  return memory_peer_new(&settings);
}

static void serve(struct peer_thread *peer, int descriptor) {
  if (peer->kind == PEER_TALKS) {
    talk(peer, descriptor);
    return;
  }
  peer->tls = make_tls(peer);
  if (peer->tls != NULL) {
    speak_tls(peer, descriptor);
    memory_peer_free(peer->tls);
  }
}

static void *run_peer(void *argument) {
  struct peer_thread *peer = argument;

  while (wait_for(peer, peer->listener)) {
    int descriptor = accept(peer->listener, NULL, NULL);

    if (descriptor < 0) {
      break;
    }
    peer->connections++;
    serve(peer, descriptor);
    (void)close(descriptor);
  }
#ifdef FP_ECC
  wc_ecc_fp_free(); /* wolfSSL's cache is a thread's own */
#endif
  return NULL;
}

int listen_anywhere(int *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof(address);
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  assert_true(listener >= 0);
  assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
  assert_int_equal(listen(listener, 8), 0);
  assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
  *port = ntohs(address.sin_port);
  return listener;
}

static void set_path(char path[512], const char *name, const char *ending) {
  char file[64];

  (void)snprintf(file, sizeof(file), "%s%s", name, ending);
  (void)snprintf(path, 512, "%s", temporary_folder_path(file));
}

static void start(struct peer *peer, int listener, const char *certificate, enum peer_kind kind, const char *line,
                  size_t line_length) {
  struct peer_thread *running = calloc(1, sizeof(*running));

  assert_non_null(running);
  peer->running = running;
  running->kind = kind;
  running->line = line;
  running->line_length = line_length;
  set_path(running->certificate, certificate, ".pem");
  set_path(running->key, certificate, ".key");
  set_path(running->client_ca, "ca", ".pem");
  running->listener = listener;
  assert_int_equal(pipe(running->stop), 0);
  if (kind != PEER_SILENT) {
    assert_int_equal(pthread_create(&running->thread, NULL, run_peer, running), 0);
  }
}

void peer_start_as(struct peer *peer, const char *certificate, enum peer_kind kind, const char *line,
                   size_t line_length) {
  int listener;

  memset(peer, 0, sizeof(*peer));
  listener = listen_anywhere(&peer->port);
  start(peer, listener, certificate, kind, line, line_length);
}

void peer_start_on(struct peer *peer, int listener, enum peer_kind kind, const char *line, size_t line_length) {
  memset(peer, 0, sizeof(*peer));
  start(peer, listener, "server", kind, line, line_length);
}

void peer_start(struct peer *peer, enum peer_kind kind, const char *line, size_t line_length) {
  peer_start_as(peer, "server", kind, line, line_length);
}

void peer_stop(struct peer *peer) {
  struct peer_thread *running = peer->running;

  (void)close(running->stop[1]); /* poll() sees the end of that pipe */
  if (running->kind != PEER_SILENT) {
    assert_int_equal(pthread_join(running->thread, NULL), 0);
  }
  (void)close(running->stop[0]);
  (void)close(running->listener);
  peer->connections = running->connections;
  peer->got_close_notify = running->got_close_notify;
  free(running);
  peer->running = NULL;
}
