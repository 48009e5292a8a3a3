/* SPDX-License-Identifier: MIT */
/*
 * Sees the incoming stream record by record, before wolfSSL does, and refuses what no honest peer sends: types,
 * versions, lengths and an order that TLS does not have, and floods of records that carry nothing. It hands the
 * handshake messages that come in clear to server_hello.h. Pure: no wolfSSL, no sockets. It copies nothing but headers
 * and alerts, and reads the content of no encrypted record.
 *
 * What is visible: in clear, everything. Behind encryption TLS 1.2 still shows the type of each record, TLS 1.3 only
 * the length: alerts, tickets and KeyUpdates look like data there. So the caller says when data has passed, and what is
 * limited is the number of records in a row without any, and of their bytes.
 */
#ifndef AMQP_WOLFSSL_RECORD_FRAMING_H
#define AMQP_WOLFSSL_RECORD_FRAMING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tls/server_hello.h"

/** The most plaintext in one TLS record (RFC 8446, section 5.1). */
#define TLS_RECORD_PLAINTEXT ((size_t)16384)
#define TLS_RECORD_HEADER ((size_t)5)

/** ContentType. */
#define TLS_RECORD_CHANGE_CIPHER_SPEC 20
#define TLS_RECORD_ALERT 21
#define TLS_RECORD_HANDSHAKE 22
#define TLS_RECORD_APPLICATION_DATA 23

/** An authentication tag, with every suite that is offered. */
#define TLS_RECORD_TAG ((size_t)16)

/* Limits. A real peer sends few of these: a handful of tickets, now and then a KeyUpdate. */
/** Warnings in clear, in one handshake. wolfSSL takes four in the life of a connection. */
#define RECORD_FRAMING_WARNINGS 4
/** ChangeCipherSpecs in a row: TLS 1.3 has one behind a HelloRetryRequest or the ServerHello, where it means nothing.
    */
#define RECORD_FRAMING_CHANGE_CIPHERS 1
/** Records of the encrypted handshake in TLS 1.3: a certificate chain of 1 MiB in records of 512 bytes. */
#define RECORD_FRAMING_HANDSHAKE_RECORDS 2048
/**
 * Records in a row after the handshake while no data passes in either direction. OpenSSL and BoringSSL take 32 empty
 * records and as many KeyUpdates; wolfSSL 5.9 takes 31 empty records.
 */
#define RECORD_FRAMING_WITHOUT_DATA 30
/**
 * Bytes of such records, before the last of them: one record may hold thousands of KeyUpdates or tickets, and each
 * costs time. It is more than a server's tickets have.
 */
#define RECORD_FRAMING_BYTES_WITHOUT_DATA 32768

enum record_fault {
  RECORD_SOUND,
  RECORD_TYPE_UNKNOWN,
  RECORD_VERSION_WRONG,
  RECORD_TOO_LONG,
  RECORD_TOO_SHORT,    /**< empty, or with less than encryption adds */
  RECORD_OUT_OF_ORDER, /**< of a type that can't come now */
  RECORD_INSIDE_MESSAGE,
  RECORD_CHANGE_CIPHER_MALFORMED,
  RECORD_ALERT_MALFORMED,
  RECORD_HELLO_REFUSED, /**< see the server_hello's own fault */
  RECORD_TOO_MANY_WARNINGS,
  RECORD_TOO_MANY_CHANGE_CIPHERS,
  RECORD_TOO_MANY_IN_HANDSHAKE,
  RECORD_TOO_MANY_WITHOUT_DATA,
  RECORD_TOO_MUCH_WITHOUT_DATA
};

enum record_epoch {
  RECORD_EPOCH_HELLO,        /**< no ServerHello yet */
  RECORD_EPOCH_CLEAR,        /**< TLS 1.2, before the server's ChangeCipherSpec */
  RECORD_EPOCH_FINISHED_1_2, /**< behind it, until the handshake is over */
  RECORD_EPOCH_DATA_1_2,
  RECORD_EPOCH_HANDSHAKE_1_3, /**< encrypted */
  RECORD_EPOCH_DATA_1_3,
  RECORD_EPOCH_OVER /**< a fatal alert has come; nothing may follow */
};

struct record_framing {
  enum record_fault fault;
  enum record_epoch epoch;
  uint8_t header[TLS_RECORD_HEADER]; /**< of the current record, or of the one at fault */
  size_t header_length;              /**< 0: between two records */
  size_t left;                       /**< bytes of its content still to come */
  bool is_opaque;                    /**< its content is encrypted */
  uint8_t alert[2];                  /**< the last one in clear, as far as it has come */
  bool our_part_has_left;            /**< set by the caller: in TLS 1.2 the server's ChangeCipherSpec may come now */
  struct server_hello *hello;        /**< not owned; NULL once the handshake is over */
  size_t overhead;                   /**< what encryption adds to a record at least */
  unsigned warnings;
  unsigned change_ciphers;
  unsigned handshake_records;
  unsigned without_data;
  size_t bytes_without_data;
};

/** \param [in] hello a fresh one, which must outlive the handshake; NULL: nothing is taken */
void record_framing_init(struct record_framing *framing, struct server_hello *hello);

/**
 * Takes the next bytes that wolfSSL is about to see, in pieces of any size.
 * \return false: at fault, now or before. The stream can't go on
 */
bool record_framing_take(struct record_framing *framing, const uint8_t *bytes, size_t length);

/**
 * What is left of the current record's header, or of its content: a caller that hands over no more than that at once
 * loses nothing of the records before one at fault. Never 0.
 */
static inline size_t record_framing_piece(const struct record_framing *framing) {
  return framing->header_length < TLS_RECORD_HEADER ? TLS_RECORD_HEADER - framing->header_length : framing->left;
}

/** The length of the current record's content; as long as that is not known, the most that a peer may mean. */
size_t record_framing_content(const struct record_framing *framing);

/** Says that wolfSSL is done with the handshake. */
void record_framing_handshake_done(struct record_framing *framing);

/** Says that data has passed, in either direction, or that a row of records without data ends for another reason. */
void record_framing_data_passed(struct record_framing *framing);

#endif
