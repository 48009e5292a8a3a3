/* SPDX-License-Identifier: MIT */
/*
 * Reads the handshake messages that a server sends in clear, before wolfSSL does. Three things can't be learned from
 * wolfSSL: whether the server agreed to the Extended Master Secret (RFC 7627; extension 23 of the ServerHello), what
 * an ECDHE key exchange is signed with in TLS 1.2, and, in time, which suite was chosen: some versions reply first.
 * What can't be followed is a fault, and the caller refuses it: a server must not show one ServerHello here and another
 * one to wolfSSL. Pure: no wolfSSL, no sockets, no records.
 */
#ifndef AMQP_WOLFSSL_SERVER_HELLO_H
#define AMQP_WOLFSSL_SERVER_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * The longest ServerHello that is read, including its header. The longest key share in use, of SecP384r1MLKEM1024,
 * takes 1665 bytes; a HelloRetryRequest may bring a cookie of whatever length its server likes.
 */
#define SERVER_HELLO_LENGTH 4096

/** The most HelloRequests in one handshake, which are to be ignored there (RFC 5246, section 7.4.1.1). */
#define SERVER_HELLO_REQUESTS 4

enum server_hello_fault {
  SERVER_HELLO_SOUND,
  SERVER_HELLO_TOO_LONG,
  SERVER_HELLO_MALFORMED,
  SERVER_HELLO_COMPRESSES,   /**< a compression method was chosen */
  SERVER_HELLO_SECOND_RETRY, /**< another HelloRetryRequest */
  SERVER_HELLO_NOT_LAST,     /**< something follows in clear what everything must be encrypted after */
  SERVER_HELLO_OUT_OF_ORDER, /**< a message that can't come now; \a message_type says which */
  SERVER_HELLO_TOO_MANY_REQUESTS,
  SERVER_HELLO_KEY_EXCHANGE_MALFORMED
};

struct server_hello {
  /* What has been learned. */
  enum server_hello_fault fault;
  bool complete;        /**< a whole ServerHello was seen (not a HelloRetryRequest) */
  bool retry_requested; /**< a HelloRetryRequest came first (RFC 8446, section 4.1.4) */
  uint16_t version;     /**< the negotiated version: supported_versions if present, else legacy_version */
  uint16_t suite;
  uint16_t retry_suite;        /**< of the HelloRetryRequest; 0: none came */
  bool downgrade_sentinel;     /**< the random says that the server could have spoken a later version than TLS 1.2
                                    (RFC 8446, section 4.1.3) */
  bool extended_master_secret; /**< extension 23 was present (meaningful in TLS 1.2 only) */
  uint16_t group;              /**< of key_share (TLS 1.3), or of an ECDHE ServerKeyExchange (TLS 1.2), which comes
                                    after the ServerHello; 0 unknown */
  uint16_t signature_scheme;   /**< the one that an ECDHE ServerKeyExchange is signed with (TLS 1.2); 0 unknown */
  uint8_t message_type;        /**< of the last message that began */
  bool header_was_split;       /**< a message came with less than its own header in its first record */

  /* The reader's own state. */
  uint8_t message[SERVER_HELLO_LENGTH];
  size_t message_length; /**< bytes seen of the current message, 0 between two; \a message has no more than fits */
  unsigned rank;         /**< of the last message, in the order in which they come */
  unsigned hello_requests;
  bool ends_record; /**< nothing may come in clear behind the last message, before the next record or at all */
};

void server_hello_init(struct server_hello *hello);

/**
 * Takes the next bytes of the handshake, in pieces of any size.
 * \return false: at fault, now or before
 */
bool server_hello_watch(struct server_hello *hello, const uint8_t *bytes, size_t length);

/** Says that the record ends here. */
void server_hello_end_record(struct server_hello *hello);

/** Whether a message has begun and not ended. */
bool server_hello_is_amid(const struct server_hello *hello);

#endif
