/* SPDX-License-Identifier: MIT */
/* TLS of one connection: handshake, records in, records out, and the faults that are done to them. */
#ifndef TESTS_TLS_PROXY_TLS_H
#define TESTS_TLS_PROXY_TLS_H

#include <stdbool.h>

#include <openssl/ssl.h>

#include "tls_proxy_connection.h"

/** Makes the session. False after a complaint. */
bool open_tls(struct connection *connection, SSL_CTX *context);
/** Goes on with the handshake. True when this was its end, and it was done. */
bool advance_handshake(struct connection *connection);
/** Decrypts what has come, and takes it where it belongs. */
void read_plaintext(struct connection *connection);
/** Encrypts what is on its way to the client, as far as the queue has room, until a fault is due. */
void send_plaintext(struct connection *connection);
/** Whether there is a file to send, and its time has come. */
bool file_is_ready(const struct connection *connection);
void send_close_notify(struct connection *connection);

/** Moves what OpenSSL wants to send into the queue for the client. */
void collect_ciphertext(struct connection *connection);
/** Queues what is left, and leaves it to the relay to end the connection so. */
void begin_ending(struct connection *connection, enum ending ending);
/** Ends the connection at once. */
void finish(struct connection *connection);
/** Says how the client's side has ended, the first time. */
void report_client_end(struct connection *connection, const char *how);

#endif
