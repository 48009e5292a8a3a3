/* SPDX-License-Identifier: MIT */
/*
 * What tests of TLS sessions have in common: a good client and servers by name, connecting them, and what is said of a
 * failure. Certificates are those of minted_certificates.h.
 */
#ifndef TESTS_SESSION_CASES_H
#define TESTS_SESSION_CASES_H

#include <stddef.h>
#include <stdint.h>

#include "memory_session.h"

#define TLS_1_2 0x0303u
#define TLS_1_3 0x0304u

extern const struct memory_session_settings good_client;
extern const unsigned versions[2];

/** A server with this certificate, that wants one of the client. \param [in] version the only one it takes; 0: both */
struct memory_peer_settings server_named(const char *name, unsigned version);

/** Connects the two; fails the running case unless both are done with the handshake. */
struct memory_session *connect_pair(const struct memory_session_settings *client,
                                    const struct memory_peer_settings *server);
/** The good client with the server "server". */
struct memory_session *connect_good(unsigned version);

/** Fails the running case unless the pair's error is this one. */
void assert_error(const struct memory_session *pair, amqp_wolfssl_stage_t stage, amqp_wolfssl_code_t code);
/** session_recv() into a buffer that nobody looks at. */
enum session_result receive(struct memory_session *pair, size_t *received);
/** Fails the running case unless the failed session says so again and again, and sends nothing any more. */
void assert_latched(struct memory_session *pair, amqp_wolfssl_code_t code);

/** Random numbers that are the same in every run: set the state, not to 0, first. */
extern uint32_t random_state;
uint32_t next_random(void);
size_t random_between(size_t least, size_t most);
void fill_random(uint8_t *bytes, size_t length);

#endif
