/* SPDX-License-Identifier: MIT */
/*
 * Between wolfSSL and the socket below. Outgoing records collect in a queue and leave with one send(); incoming bytes
 * are read ahead, so that many small records cost one recv().
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
#include "tls/server_hello.h"

struct WOLFSSL;
struct WOLFSSL_CTX;

/** The most plaintext in one TLS record (RFC 8446, section 5.1). */
#define TLS_RECORD_PLAINTEXT ((size_t)16384)

#define TLS_RECORD_HEADER ((size_t)5)

/** The alert that answers a ServerHello that is refused: illegal_parameter. */
#define TLS_IO_HELLO_ALERT 47

/** What the socket below returns instead of a count. */
enum lower_answer { LOWER_WOULD_BLOCK = -1, LOWER_END_OF_STREAM = -2, LOWER_FAILED = -3 /* errno says why */ };

/** The socket below: rabbitmq-c's own TCP socket, or whatever a test puts there. Never blocks, never returns 0. */
struct lower_socket {
  ssize_t (*send)(void *context, const void *bytes, size_t length);
  ssize_t (*recv)(void *context, void *bytes, size_t length);
  void *context;
};

enum hello_verdict {
  HELLO_TAKEN,
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
  size_t read_ahead_length;                 /* bytes left there */
  size_t receive_room;                      /* what the caller of recv can still take; SIZE_MAX during the handshake */
  uint8_t record_header[TLS_RECORD_HEADER]; /* of the record that wolfSSL has part of */
  size_t record_header_length;              /* 0: it has none, or all of it */
  size_t record_left;                       /* bytes of that record's body still to come */
  struct server_hello *hello;               /* watched during the handshake only */
  tls_io_hello_fn judge_hello;              /* NULL: any is accepted */
  const void *hello_context;
  enum hello_verdict hello_verdict;
  bool answer_queued; /* handshake records of ours after the ServerHello: our part of TLS 1.2's handshake */
  size_t bytes_received;
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

/** Starts watching for the ServerHello. \return false if out of memory */
bool tls_io_watch_handshake(struct tls_io *io);
/** Frees what only the handshake needs. */
void tls_io_handshake_done(struct tls_io *io);

/** Sends what is queued, as far as the socket below takes it. */
enum tls_io_flush_result tls_io_flush(struct tls_io *io);

/**
 * Sets how much the caller can still take. Bytes are fetched only while the complete records in them are sure to fit:
 * no complete record may stay in user space where a program that polls the descriptor can't see it.
 */
void tls_io_set_receive_room(struct tls_io *io, size_t room);

/** Whether bytes read ahead still wait for wolfSSL. */
bool tls_io_has_read_ahead(const struct tls_io *io);

/** Frees empty buffers. */
void tls_io_release_idle(struct tls_io *io);

/** Drops what is queued for sending. */
void tls_io_drop_output(struct tls_io *io);
/** Queues a fatal alert that wolfSSL does not know about. Only while nothing of ours has been encrypted. */
void tls_io_alert_in_clear(struct tls_io *io, uint8_t alert);

#endif
