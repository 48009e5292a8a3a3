/* SPDX-License-Identifier: MIT */
/*
 * One client of tls_proxy, between what TLS does with it (tls_proxy_tls.h) and what its sockets do
 * (tls_proxy_relay.h).
 */
#ifndef TESTS_TLS_PROXY_CONNECTION_H
#define TESTS_TLS_PROXY_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/bio.h>
#include <openssl/ssl.h>

#include "tls_proxy_context.h"
#include "tls_proxy_io.h"
#include "tls_proxy_options.h"

/* A queue for a socket takes no more once it is so long. */
#define HIGH_WATER 65536u

enum phase {
  PHASE_HANDSHAKE,
  PHASE_OPEN,
  PHASE_ENDING,      /* the last bytes for the client are queued; `ending` says how to end once they are gone */
  PHASE_DRAINING,    /* our side is shut; read on, because a close with unread bytes would turn our FIN into a RST */
  PHASE_AWAIT_BYTES, /* a reset is due as soon as the client has sent something */
  PHASE_DONE
};

enum ending { END_WITH_FIN, END_WITH_RESET, END_WITH_RESET_AFTER_BYTES };

struct connection {
  const struct options *options;
  SSL *ssl;
  BIO *from_network;
  BIO *to_network;
  int client;
  int upstream;
  enum phase phase;
  enum ending ending;
  struct bytes to_client;   /* ciphertext */
  struct bytes plain;       /* plaintext on its way to the client */
  struct bytes to_upstream; /* plaintext on its way to the upstream server */
  uint64_t sent;
  uint64_t received;
  uint64_t since_key_update;
  unsigned header_bytes;
  bool header_wrong;
  bool cookie_returned;
  bool corrupted;
  bool pause_told;
  bool client_ended;
  bool upstream_ended;
  bool tcp_ended;
  bool tls_broken;
  struct client_facts facts;
};

#endif
