/* SPDX-License-Identifier: MIT */
/*
 * Watches the first bytes a server sends, on their way to wolfSSL. Two things can't be learned from wolfSSL: whether
 * the server agreed to the Extended Master Secret (RFC 7627; extension 23 of the ServerHello), and what a peer that is
 * not a TLS server sent. The suite can, but too late: some versions respond first. Pure: no wolfSSL, no sockets. It
 * never changes or holds back a byte.
 */
#ifndef AMQP_WOLFSSL_SERVER_HELLO_H
#define AMQP_WOLFSSL_SERVER_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum peer_speech {
  PEER_SPEECH_UNKNOWN,    /**< too few bytes so far */
  PEER_SPEECH_TLS,        /**< a TLS record */
  PEER_SPEECH_PLAIN_AMQP, /**< an AMQP protocol header ("AMQP" 0 0 9 1 and its kin), or an AMQP 0-9-1 method frame of
                               class connection on channel 0 */
  PEER_SPEECH_OTHER       /**< anything else */
};

/** How many bytes are kept from a peer that does not speak TLS, to show them. */
#define SERVER_HELLO_SAMPLE_LENGTH 24
/**
 * The longest ServerHello that is read, including its header. The longest in use has a key share of SecP384r1MLKEM1024,
 * which takes 1665 bytes, and under 100 bytes besides.
 */
#define SERVER_HELLO_LENGTH 2048

struct server_hello {
  /* What has been learned. Read only after server_hello_watch(). */
  enum peer_speech speech;
  bool complete;        /**< a whole ServerHello was seen (not a HelloRetryRequest) */
  bool given_up;        /**< no ServerHello will be found: the bytes are not one, it is too long, or a fatal alert
                             came; nothing more is learned */
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
  uint8_t sample[SERVER_HELLO_SAMPLE_LENGTH];
  size_t sample_length; /**< the first bytes of the stream, whatever they are */

  /* The reader's own state. */
  uint8_t record_header[5];
  size_t record_header_length;
  size_t record_left;
  uint8_t message[SERVER_HELLO_LENGTH];
  size_t message_length; /**< bytes seen of the current message; \a message has no more than fits */
  bool finished_reading; /**< of handshake messages; the sample may still be short */
  bool done;
};

void server_hello_init(struct server_hello *hello);

/**
 * Takes the next bytes of the stream, in pieces of any size. Once there is no more to learn (\a done) it stops looking,
 * and costs one comparison per call.
 */
void server_hello_watch(struct server_hello *hello, const uint8_t *bytes, size_t length);

/**
 * The sample as text for an error sentence: printable ASCII as it is, backslashes and other bytes as a backslash and
 * two upper case hexadecimal digits. Always ends in NUL, except when \a capacity is 0.
 */
void server_hello_format_sample(const struct server_hello *hello, char *text, size_t capacity);

#endif
