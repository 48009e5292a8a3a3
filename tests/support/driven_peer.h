/* SPDX-License-Identifier: MIT */
/*
 * A TLS server over a real socket that does nothing of its own accord once the handshake is over: it reads, and says
 * something, when the test tells it to.
 */
#ifndef TESTS_DRIVEN_PEER_H
#define TESTS_DRIVEN_PEER_H

#include <stddef.h>
#include <stdint.h>

#include <pthread.h>

#include "memory_peer.h"

struct driven_peer {
  int port;
  int listener;
  int descriptor;
  pthread_t thread; /* shakes hands; has ended when driven_peer_connected() returns */
  struct memory_peer *tls;
  uint8_t *seen; /* all data that came since the handshake */
  size_t seen_length;
  size_t seen_capacity;
};

/** Listens, with a small receive buffer, for one client. \param [in] version 0x0303 or 0x0304; 0: both */
void driven_peer_start(struct driven_peer *peer, unsigned version);
/** To be called when the client has opened its connection. */
void driven_peer_connected(struct driven_peer *peer);
/** Reads what is there. \return how much data has come in all */
size_t driven_peer_read(struct driven_peer *peer);
/** Reads until the client ends the connection. */
void driven_peer_read_to_end(struct driven_peer *peer);
/** Sends data. */
void driven_peer_say(struct driven_peer *peer, const void *bytes, size_t length);
/** Sends what \a tls has put in its pipe. */
void driven_peer_send_waiting(struct driven_peer *peer);
void driven_peer_stop(struct driven_peer *peer);

#endif
