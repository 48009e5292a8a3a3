/* SPDX-License-Identifier: MIT */
/*
 * A TLS server in the memory of the test, made with wolfSSL's own server side, and between it and the client under test
 * two pipes whose behaviour the test sets. Everything happens when the test says so: no sockets, no threads, no clock.
 */
#ifndef TESTS_MEMORY_PEER_H
#define TESTS_MEMORY_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls/tls_io.h"

/** One direction. What it does to the server is plain; the behaviour is what the client's end shows. */
struct memory_pipe {
  /* Behaviour; may be changed at any time. */
  size_t bytes_per_call; /**< most bytes a call of the client moves; 0: all */
  bool block_between;    /**< between two calls that move bytes the client gets "would block" once */
  bool blocked;          /**< the client gets "would block" */
  size_t room;           /**< bytes that may wait in the pipe before the client's send would block */
  size_t break_after;    /**< bytes the client moves before its end breaks; SIZE_MAX: never */
  int break_errno;       /**< how it breaks; 0: end of stream */

  /* What happened at the client's end. */
  size_t asked; /**< all its calls */
  size_t calls; /**< those that were not told "would block" */
  size_t moved; /**< bytes */

  uint8_t *storage;
  size_t capacity;
  size_t head;
  size_t waiting; /**< bytes in the pipe: not 0 in the direction to the client means that poll() would report data */
  bool block_next;
};

struct memory_peer_settings {
  const char *certificate; /**< path, PEM, chain */
  const char *key;         /**< path, PEM */
  const char *client_ca;   /**< path; NULL: no client certificate is asked for */
  bool client_certificate_required;
  unsigned version;   /**< 0x0303 or 0x0304; 0: both */
  const char *suites; /**< in wolfSSL's spelling; NULL: its own list */
  int group;          /**< the only one the server takes in TLS 1.3; 0: any */
};

struct memory_peer {
  struct memory_pipe to_client;
  struct memory_pipe to_server;
  struct WOLFSSL_CTX *ctx;
  struct WOLFSSL *ssl;
  bool accepted;                /**< the server's handshake is done */
  int error;                    /**< wolfSSL's code when something failed for good */
  unsigned client_certificates; /**< how many the server has been shown */
};

/** \return NULL, after a word on stderr, when wolfSSL does not take the settings */
struct memory_peer *memory_peer_new(const struct memory_peer_settings *settings);
void memory_peer_free(struct memory_peer *peer);

/** The client's end. */
struct lower_socket memory_peer_lower(struct memory_peer *peer);

/** One step of the server's handshake. \return whether it is done */
bool memory_peer_accept(struct memory_peer *peer);

/** Encrypts and sends everything. \return whether wolfSSL took it */
bool memory_peer_write(struct memory_peer *peer, const void *bytes, size_t length);

/** What has arrived and fits. \return bytes; 0: nothing now, the end, or a failure (see \a error) */
size_t memory_peer_read(struct memory_peer *peer, void *bytes, size_t capacity);

/** Sends a KeyUpdate that asks for one in return (TLS 1.3). \return false when it can't */
bool memory_peer_update_keys(struct memory_peer *peer);

/** Sends close_notify. */
void memory_peer_close_notify(struct memory_peer *peer);

/**
 * The TCP connection goes: the client still gets what waits, then the end of the stream; its sends break with EPIPE.
 */
void memory_peer_hang_up(struct memory_peer *peer);

/** The last fatal alert the client has sent, or -1. */
int memory_peer_alert_from_client(struct memory_peer *peer);

/** Adds raw bytes to a pipe. */
void memory_pipe_put(struct memory_pipe *pipe, const void *bytes, size_t length);

/** The byte that comes \a offset bytes after the next one, to damage it. */
uint8_t *memory_pipe_byte(struct memory_pipe *pipe, size_t offset);

#endif
