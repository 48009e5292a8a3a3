/* SPDX-License-Identifier: MIT */
/* wolfSSL's I/O callbacks, the output queue and the read-ahead. */
#include "autoconfig.h"

#include "tls/tls_io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/wolfssl_headers.h"

/* Two full records, or a few hundred small ones. */
#define READ_AHEAD_CAPACITY ((size_t)32 * 1024)

/* ContentType of RFC 5246, section 6.2.1. */
enum { RECORD_CHANGE_CIPHER = 20, RECORD_ALERT = 21, RECORD_HANDSHAKE = 22 };

/* ---- Sending ---- */

/*
 * How much of it the kernel takes now; 0 if nothing, or if the socket has failed, which the next flush reports.
 */
static size_t send_now(struct tls_io *io, const uint8_t *bytes, size_t length) {
  ssize_t sent;

  if (io->send_errno != 0) {
    return 0;
  }
  sent = io->lower.send(io->lower.context, bytes, length);
  if (sent > 0) {
    return (size_t)sent;
  }
  if (sent != LOWER_WOULD_BLOCK) {
    io->send_errno = errno != 0 ? errno : EIO;
  }
  return 0;
}

/* A record goes straight into the kernel if nothing is queued before it; what does not fit there is queued. During the
   handshake everything is: the session judges the server once more before it replies. */
static int send_callback(WOLFSSL *ssl, char *bytes, int length, void *context) {
  struct tls_io *io = context;
  const uint8_t *record = (const uint8_t *)bytes;
  size_t sent = io->hello == NULL && io->output.length == 0 ? send_now(io, record, (size_t)length) : 0;

  (void)ssl;
  if (io->hello != NULL && io->hello->complete &&
      (record[0] == RECORD_HANDSHAKE || record[0] == RECORD_CHANGE_CIPHER)) {
    io->answer_queued = true;
  }
  if (!byte_queue_append(&io->output, record + sent, (size_t)length - sent)) {
    io->out_of_memory = true;
    return WOLFSSL_CBIO_ERR_GENERAL;
  }
  return length;
}

enum tls_io_flush_result tls_io_flush(struct tls_io *io) {
  while (io->output.length > 0) {
    size_t sent = send_now(io, byte_queue_front(&io->output), io->output.length);

    if (sent == 0) {
      return io->send_errno != 0 ? TLS_IO_BROKEN : TLS_IO_BLOCKED;
    }
    byte_queue_consume(&io->output, sent);
  }
  return TLS_IO_FLUSHED;
}

void tls_io_drop_output(struct tls_io *io) { byte_queue_release(&io->output); }

/* RFC 5246, section 7.2. */
void tls_io_alert_in_clear(struct tls_io *io, uint8_t alert) {
  const uint8_t record[] = {RECORD_ALERT, 3, 3, 0, 2, 2, alert};

  if (!byte_queue_append(&io->output, record, sizeof(record))) {
    io->out_of_memory = true;
  }
}

/* ---- Receiving ---- */

static size_t record_body_length(const struct tls_io *io) {
  return (size_t)io->record_header[3] << 8 | io->record_header[4];
}

/* Tracks the records passed to wolfSSL, to know which one it has only part of. */
static void follow_records(struct tls_io *io, const uint8_t *bytes, size_t length) {
  while (length > 0) {
    size_t count;

    if (io->record_header_length < TLS_RECORD_HEADER) {
      io->record_header[io->record_header_length++] = *bytes;
      count = 1;
      if (io->record_header_length == TLS_RECORD_HEADER) {
        io->record_left = record_body_length(io);
      }
    } else {
      count = length < io->record_left ? length : io->record_left;
      io->record_left -= count;
    }
    bytes += count;
    length -= count;
    if (io->record_header_length == TLS_RECORD_HEADER && io->record_left == 0) {
      io->record_header_length = 0;
    }
  }
}

/* What is missing of the record that wolfSSL has part of, and after it no more than fits besides that record. */
static size_t fetch_length(const struct tls_io *io) {
  size_t missing = 0;
  size_t body = 0;
  size_t length;

  if (io->record_header_length == TLS_RECORD_HEADER) {
    missing = io->record_left;
    body = record_body_length(io);
  } else if (io->record_header_length > 0) {
    missing = TLS_RECORD_HEADER - io->record_header_length;
    body = TLS_RECORD_PLAINTEXT;
  }
  length = io->receive_room > body ? io->receive_room - body : 0;
  if (length < READ_AHEAD_CAPACITY) {
    length += missing; /* at most 65535, as the peer says */
  }
  return length < READ_AHEAD_CAPACITY ? length : READ_AHEAD_CAPACITY;
}

/* Before wolfSSL sees it. \return false: refused */
static bool watch_hello(struct tls_io *io) {
  server_hello_watch(io->hello, io->read_ahead, io->read_ahead_length);
  if (io->judge_hello != NULL && (io->hello->complete || io->hello->retry_requested)) {
    io->hello_verdict = io->judge_hello(io->hello_context, io->hello);
  }
  if (io->hello_verdict != HELLO_TAKEN) {
    tls_io_alert_in_clear(io, TLS_IO_HELLO_ALERT);
  }
  return io->hello_verdict == HELLO_TAKEN;
}

/* 0: there are bytes; else what the callback must return. */
static int fetch(struct tls_io *io) {
  ssize_t received;

  /* The record that comes next might not fit: leave it in the kernel, where poll() sees it. */
  if (io->receive_room < TLS_RECORD_PLAINTEXT) {
    return WOLFSSL_CBIO_ERR_WANT_READ;
  }
  if (io->end_of_stream) {
    return WOLFSSL_CBIO_ERR_CONN_CLOSE;
  }
  if (io->recv_errno != 0) {
    return WOLFSSL_CBIO_ERR_CONN_RST;
  }
  if (io->read_ahead == NULL) {
    io->read_ahead = malloc(READ_AHEAD_CAPACITY);
    if (io->read_ahead == NULL) {
      io->out_of_memory = true;
      return WOLFSSL_CBIO_ERR_GENERAL;
    }
  }
  received = io->lower.recv(io->lower.context, io->read_ahead, fetch_length(io));
  if (received == LOWER_WOULD_BLOCK) {
    return WOLFSSL_CBIO_ERR_WANT_READ;
  }
  if (received == LOWER_END_OF_STREAM) {
    io->end_of_stream = true;
    return WOLFSSL_CBIO_ERR_CONN_CLOSE; /* never 0: wolfSSL would ask again forever */
  }
  if (received <= 0) {
    io->recv_errno = errno != 0 ? errno : EIO;
    return WOLFSSL_CBIO_ERR_CONN_RST;
  }
  io->read_ahead_head = 0;
  io->read_ahead_length = (size_t)received;
  io->bytes_received += (size_t)received;
  return io->hello != NULL && !watch_hello(io) ? WOLFSSL_CBIO_ERR_GENERAL : 0;
}

static int receive_callback(WOLFSSL *ssl, char *bytes, int capacity, void *context) {
  struct tls_io *io = context;
  size_t count = (size_t)capacity;

  (void)ssl;
  if (io->read_ahead_length == 0) {
    int answer = fetch(io);

    if (answer != 0) {
      return answer;
    }
  }
  if (count > io->read_ahead_length) {
    count = io->read_ahead_length;
  }
  memcpy(bytes, io->read_ahead + io->read_ahead_head, count);
  follow_records(io, io->read_ahead + io->read_ahead_head, count);
  io->read_ahead_head += count;
  io->read_ahead_length -= count;
  return (int)count;
}

void tls_io_set_receive_room(struct tls_io *io, size_t room) { io->receive_room = room; }

bool tls_io_has_read_ahead(const struct tls_io *io) { return io->read_ahead_length > 0; }

void tls_io_release_idle(struct tls_io *io) {
  if (io->read_ahead_length == 0) {
    free(io->read_ahead);
    io->read_ahead = NULL;
  }
  if (io->output.length == 0) {
    byte_queue_release(&io->output);
  }
}

/* ---- Life ---- */

void tls_io_install(WOLFSSL_CTX *ctx) {
  wolfSSL_CTX_SetIOSend(ctx, send_callback);
  wolfSSL_CTX_SetIORecv(ctx, receive_callback);
}

void tls_io_init(struct tls_io *io, const struct lower_socket *lower) {
  memset(io, 0, sizeof(*io));
  io->lower = *lower;
  byte_queue_init(&io->output);
  io->receive_room = SIZE_MAX;
}

void tls_io_attach(struct tls_io *io, WOLFSSL *ssl) {
  wolfSSL_SetIOWriteCtx(ssl, io);
  wolfSSL_SetIOReadCtx(ssl, io);
}

bool tls_io_watch_handshake(struct tls_io *io) {
  io->hello = malloc(sizeof(*io->hello));
  if (io->hello != NULL) {
    server_hello_init(io->hello);
  }
  return io->hello != NULL;
}

void tls_io_handshake_done(struct tls_io *io) {
  free(io->hello);
  io->hello = NULL;
}

void tls_io_free(struct tls_io *io) {
  tls_io_handshake_done(io);
  byte_queue_release(&io->output);
  free(io->read_ahead);
  io->read_ahead = NULL;
}
