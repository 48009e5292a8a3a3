/* SPDX-License-Identifier: MIT */
/*
 * Bytes of a send() that were taken although the caller was told to try again: they are on their way, and its next call
 * has to offer them once more to hear that they have left. Who calls again is told by its thread, what it offers by a
 * checksum: another thread's bytes are another send, and other bytes of the same thread are a mistake that would cost
 * bytes in silence.
 *
 * One change is forgiven. rabbitmq-c encodes all frames of a connection in one buffer, so a heartbeat of the thread
 * that receives lands on the first bytes of a frame that the other one waits to finish. They are on their way already,
 * as they were, and what comes after them is unharmed.
 */
#ifndef AMQP_WOLFSSL_SEND_CLAIM_H
#define AMQP_WOLFSSL_SEND_CLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <pthread.h>

struct send_claim {
  size_t count;   /**< 0: none */
  uint64_t start; /**< checksums: of as many bytes as a heartbeat has, and of the rest */
  uint64_t rest;
  pthread_t thread;
  bool has_left; /**< all of them are in the kernel */
};

/** By the calling thread. */
void send_claim_set(struct send_claim *claim, const uint8_t *bytes, size_t count);
/** Whether there is one, and it is the calling thread's. */
bool send_claim_is_own(const struct send_claim *claim);
/** Whether these bytes begin with those of the claim. */
bool send_claim_matches(const struct send_claim *claim, const uint8_t *bytes, size_t length);

#endif
