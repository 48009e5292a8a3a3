/* SPDX-License-Identifier: MIT */
/*
 * What wolfSSL may send of its own accord once the handshake is over: alerts, and replies to KeyUpdates. A wolfSSL that
 * was built with authentication after the handshake answers a CertificateRequest in TLS 1.3 with our certificate, and a
 * signature by our key, although that was not offered (RFC 8446, section 4.6.2 has it refused); it does so while it
 * reads, and up to 5.7.2 has no switch for it. Pure: no wolfSSL, no sockets.
 */
#ifndef AMQP_WOLFSSL_REPLY_GATE_H
#define AMQP_WOLFSSL_REPLY_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Whether these records of TLS 1.3 may leave while no data of ours is sent. What is no whole record may not. */
bool reply_gate_passes(const uint8_t *bytes, size_t length);

#endif
