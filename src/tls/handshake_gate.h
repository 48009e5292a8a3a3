/* SPDX-License-Identifier: MIT */
/*
 * What may leave in a handshake before the server has been judged: ClientHellos and alerts. wolfSSL replies in the same
 * call in which it reads the server's last message, and what it replies with holds our certificate; so it waits in the
 * output queue until the session has judged, and is dropped if the server is refused. Pure: no wolfSSL, no sockets.
 */
#ifndef AMQP_WOLFSSL_HANDSHAKE_GATE_H
#define AMQP_WOLFSSL_HANDSHAKE_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls/server_hello.h"

struct handshake_gate {
  size_t held;          /**< bytes at the end of the output queue that have to wait */
  bool open;            /**< the server was judged and accepted: everything may leave */
  bool own_part_passed; /**< more than ClientHellos and alerts in clear may have left */
};

void handshake_gate_init(struct handshake_gate *gate);

/**
 * Takes the records that wolfSSL has added to the output queue. What is no whole record is held.
 * \param [in] hello what the server has shown so far
 */
void handshake_gate_take(struct handshake_gate *gate, const struct server_hello *hello, const uint8_t *bytes,
                         size_t length);

/** Whether something waits for the server to be judged. */
bool handshake_gate_is_holding(const struct handshake_gate *gate);

/** The server was judged and accepted. */
void handshake_gate_open(struct handshake_gate *gate);

/** Drops what is held, once the caller has dropped it from the queue. */
void handshake_gate_drop(struct handshake_gate *gate);

/**
 * Whether an alert in clear is what the server expects: nothing of ours may have left that is encrypted, or says that
 * the next is, and no ServerHello of TLS 1.3 may have been accepted.
 */
bool handshake_gate_allows_alert_in_clear(const struct handshake_gate *gate, bool accepted_1_3);

#endif
