/* SPDX-License-Identifier: MIT */
/*
 * A connection of the library to a driven peer, which reads when the test tells it to: so its calls can be brought to
 * where they block. What fails on the way fails the running CMocka case.
 */
#ifndef TESTS_DRIVEN_PAIR_H
#define TESTS_DRIVEN_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "amqp_wolfssl_socket.h"
#include "driven_peer.h"
#include "transport/rabbitmq_socket_abi.h"

/* Only what hangs takes so long. */
#define HANG_MILLISECONDS 10000

/** What the error callback was told last, and how often it was called. */
struct told {
  unsigned times;
  amqp_wolfssl_stage_t stage;
  amqp_wolfssl_code_t code;
  char message[1024];
};

struct driven_pair {
  struct driven_peer peer;
  amqp_wolfssl_config_t *config;
  amqp_connection_state_t connection;
  amqp_socket_t *socket;
  struct told told;
  uint8_t *sent; /* what the client's calls took, in order */
  size_t sent_length;
};

/** Connects a client that trusts "server", which is the peer's. \param [in] version 0x0303 or 0x0304 */
void driven_pair_connect(struct driven_pair *pair, unsigned version);
/** Frees both. \a pair->connection may be NULL by then. */
void driven_pair_end(struct driven_pair *pair);

const struct rabbitmq_socket_class *driven_pair_class(const struct driven_pair *pair);
/** Sends by the client, and notes what was taken in \a pair->sent. */
ssize_t driven_pair_send(struct driven_pair *pair, const void *bytes, size_t length);
ssize_t driven_pair_receive(struct driven_pair *pair, void *bytes, size_t capacity);
/** As rabbitmq-c does after a call that returned this. \return whether the wait ended in time */
bool driven_pair_wait(const struct driven_pair *pair, ssize_t result, int milliseconds);
/** Waits for something to receive, as rabbitmq-c's calls that wait for a frame do. */
ssize_t driven_pair_receive_in_time(struct driven_pair *pair, void *bytes, size_t capacity);

#define FRAME 1008
/** A body frame. */
void driven_pair_make_frame(uint8_t frame[FRAME], uint8_t filler);

/**
 * Sends frames until the client is blocked for good.
 * \return how many bytes at the end of \a frame are to be offered again; without a cork that is all of it
 */
size_t driven_pair_send_until_blocked(struct driven_pair *pair, uint8_t frame[FRAME]);

/** What the peer has read: all that was taken, and after it at most what a send still claims. */
void driven_pair_expect_sent(const struct driven_pair *pair);
/** The peer reads on until all that was taken is there. */
void driven_pair_expect_all(struct driven_pair *pair);

#endif
