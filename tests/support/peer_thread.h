/* SPDX-License-Identifier: MIT */
/* A server in a thread of the test program, on a port of loopback, that does to every client what it was told to. */
#ifndef TESTS_PEER_THREAD_H
#define TESTS_PEER_THREAD_H

#include <stdbool.h>
#include <stddef.h>

enum peer_kind {
  PEER_SILENT,       /* TCP connects, nobody answers */
  PEER_TALKS,        /* says its line once the client has said something, then ends the stream */
  PEER_ECHOES,       /* TLS, and sends back what it gets */
  PEER_ENDS,         /* TLS; close_notify at the first data */
  PEER_SAYS_WHY,     /* TLS; at the first data its line, then close_notify */
  PEER_HANGS_UP,     /* TLS; the end of the stream without it */
  PEER_RESETS,       /* TLS; a TCP reset */
  PEER_SENDS_JUNK,   /* TLS; a record that is none */
  PEER_STOPS_READING /* TLS; after the first data, which it sends back */
};

struct peer_thread;

/* What a case knows of its peer. */
struct peer {
  int port;
  struct peer_thread *running;
  /* After peer_stop(): */
  unsigned connections;
  bool got_close_notify;
};

/** Shows the certificate \a certificate. \param [in] line what PEER_TALKS says; stays the caller's */
void peer_start_as(struct peer *peer, const char *certificate, enum peer_kind kind, const char *line,
                   size_t line_length);
/** Shows the certificate "server". */
void peer_start(struct peer *peer, enum peer_kind kind, const char *line, size_t line_length);
/** The same, on a listening stream socket of any kind, which is the peer's from then on. */
void peer_start_on(struct peer *peer, int listener, enum peer_kind kind, const char *line, size_t line_length);
/** Ends it, and tells what it has seen. A case that fails before leaves it to its thread. */
void peer_stop(struct peer *peer);

/** A listening TCP socket on 127.0.0.1. */
int listen_anywhere(int *port);

#endif
