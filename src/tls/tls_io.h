/* SPDX-License-Identifier: MIT */
/*
 * Between wolfSSL and the socket below. Outgoing records collect in a queue and leave with one send(); incoming bytes
 * are read ahead, so that many small records cost one recv(). What is missing of a large record goes straight into
 * wolfSSL's buffer.
 *
 * The send callback never tells wolfSSL "would block": 5.5.4 and 5.7.2 silently lose data when a blocked write meets a
 * blocked KeyUpdate. It queues everything, and the writer waits for the queue to empty.
 */
#ifndef AMQP_WOLFSSL_TLS_IO_H
#define AMQP_WOLFSSL_TLS_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/byte_queue.h"
#include "base/deadline.h"
#include "tls/handshake_gate.h"
#include "tls/peer_speech.h"
#include "tls/record_framing.h"
#include "tls/server_hello.h"

struct WOLFSSL;
struct WOLFSSL_CTX;

/**
 * While more than this waits to leave, nothing is read: a peer that asks for answers (KeyUpdate) and does not read them
 * would make the queue grow for ever. It is what one send may leave there, and 64 KiB of answers.
 */
#define TLS_IO_OUTPUT_LIMIT ((size_t)160 * 1024)

/** The most that one step fetches from the socket, so that a step ends however fast the peer sends. */
#define TLS_IO_FETCH_LIMIT ((size_t)256 * 1024)

/** What the socket below returns instead of a count. */
enum lower_answer { LOWER_WOULD_BLOCK = -1, LOWER_END_OF_STREAM = -2, LOWER_FAILED = -3 /* errno says why */ };

/**
 * The socket below: rabbitmq-c's own TCP socket, or whatever a test puts there. Never blocks, never returns 0. What
 * more is received than fits into \a bytes goes to \a more, which is NULL if \a more_length is 0.
 */
struct lower_socket {
  ssize_t (*send)(void *context, const void *bytes, size_t length);
  ssize_t (*recv)(void *context, void *bytes, size_t length, void *more, size_t more_length);
  void *context;
};

enum hello_verdict {
  HELLO_TAKEN,
  HELLO_VERSION_NOT_OFFERED,
  HELLO_SUITE_NOT_OFFERED,
  HELLO_SUITE_CHANGED, /**< from the one in the HelloRetryRequest before it */
  HELLO_DOWNGRADED     /**< the server could have spoken TLS 1.3, and was offered less than we offered */
};

/** Whether to go on with the server that sent a ServerHello, or a HelloRetryRequest. */
typedef enum hello_verdict (*tls_io_hello_fn)(const void *context, const struct server_hello *hello);

struct tls_io {
  struct lower_socket lower;
  struct byte_queue output; /* ciphertext not yet in the kernel */
  uint8_t *read_ahead;      /* allocated when first needed, freed when idle */
  size_t read_ahead_head;
  size_t read_ahead_length;      /* bytes left there */
  size_t receive_room;           /* what the caller of recv can still take; SIZE_MAX during the handshake */
  size_t fetch_left;             /* what may still be fetched in this step */
  struct record_framing framing; /* of what wolfSSL has been handed */
  struct deadline quiet;         /* since the last bytes of a row of records without data, */
  bool counts_quiet;             /* if it is one of several */
  struct handshake_gate gate;    /* for what may leave in the handshake */
  struct server_hello *hello;    /* watched during the handshake only */
  struct peer_speech speech;
  tls_io_hello_fn judge_hello; /* NULL: any is accepted */
  const void *hello_context;
  enum hello_verdict hello_verdict;
  bool hello_accepted; /* wolfSSL has been handed the ServerHello */
  bool sends_data;     /* wolfSSL was handed data of ours: what it sends need not be a reply */
  bool reply_refused;  /* it wanted to send something else that it must not */
  int clear_alert;     /* the one that tls_io_alert_in_clear() has queued; -1: none */
  size_t bytes_received;
  bool lower_is_empty; /* it had less than was last asked for */
  bool end_of_stream;
  int send_errno; /* why the socket below failed; 0: it did not */
  int recv_errno;
  bool out_of_memory;
};

enum tls_io_flush_result { TLS_IO_FLUSHED, TLS_IO_BLOCKED, TLS_IO_BROKEN };

/** Sets the callbacks of a fresh context. */
void tls_io_install(struct WOLFSSL_CTX *ctx);

void tls_io_init(struct tls_io *io, const struct lower_socket *lower);
void tls_io_attach(struct tls_io *io, struct WOLFSSL *ssl);
void tls_io_free(struct tls_io *io);

/** Starts watching for the ServerHello. Nothing is received without. \return false if out of memory */
bool tls_io_watch_handshake(struct tls_io *io);
/**
 * The server was judged and accepted: our part of the handshake may leave, unless the stream has been refused
 * meanwhile; then an alert takes its place.
 */
void tls_io_open_gate(struct tls_io *io);
/** Whether our part of the handshake waits for that. */
bool tls_io_is_holding(const struct tls_io *io);
/** Frees what only the handshake needs. From now on the rules for data hold. */
void tls_io_handshake_done(struct tls_io *io);

/** Sends what is queued and may leave, as far as the socket below takes it. */
enum tls_io_flush_result tls_io_flush(struct tls_io *io);

/**
 * Says that what wolfSSL sends from now on holds data of ours, or that it does no more. While it does not, after a
 * handshake in TLS 1.3, nothing leaves that reply_gate.h does not let pass: else the stream is refused.
 */
void tls_io_begin_data(struct tls_io *io);
void tls_io_end_data(struct tls_io *io);

/** Says that data has passed, in either direction: what else the peer may send in a row is counted anew. */
void tls_io_data_passed(struct tls_io *io);

/** Whether the stream was refused: before wolfSSL saw it, by the framing or for its ServerHello, or for its reply. */
bool tls_io_has_refused(const struct tls_io *io);

/** Begins a step: it may fetch TLS_IO_FETCH_LIMIT bytes. */
void tls_io_begin_step(struct tls_io *io);

/** Whether anything would be fetched: not while too much waits to leave. */
bool tls_io_takes_input(const struct tls_io *io);

/**
 * Sets how much the caller can still take. Bytes are fetched only while the complete records in them are sure to fit:
 * no complete record may stay in user space where a program that polls the descriptor can't see it.
 */
void tls_io_set_receive_room(struct tls_io *io, size_t room);

/** Whether bytes read ahead still wait for wolfSSL. */
bool tls_io_has_read_ahead(const struct tls_io *io);

/** Whether the last fetch found less than it asked for: the next is likely to find nothing. */
bool tls_io_is_lower_empty(const struct tls_io *io);

/** Frees empty buffers. */
void tls_io_release_idle(struct tls_io *io);

/** Drops what is queued for sending. */
void tls_io_drop_output(struct tls_io *io);
/**
 * Queues a fatal alert that wolfSSL does not know about, in place of what is held. Does nothing where the server
 * expects encrypted records, or where it would cut into a record that is on its way.
 * \return whether it was queued
 */
bool tls_io_alert_in_clear(struct tls_io *io, uint8_t alert);
/** The alert that was sent this way, or -1. */
int tls_io_clear_alert_sent(const struct tls_io *io);

#endif
