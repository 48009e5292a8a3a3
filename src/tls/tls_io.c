/* SPDX-License-Identifier: MIT */
/* wolfSSL's I/O callbacks, the output queue and the read-ahead. */
#include "autoconfig.h"

#include "tls/tls_io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/wolfssl_headers.h"
#include "tls/record_fault.h"
#include "tls/reply_gate.h"

/* Two full records, or a few hundred small ones. */
#define READ_AHEAD_CAPACITY ((size_t)32 * 1024)

/* From here on the copy of a record costs more than the call without which it could be read ahead. */
#define STRAIGHT_LEAST ((size_t)4 * 1024)

/* So long a pause ends what was a row. */
#define QUIET_SECONDS 60

#define VERSION_TLS_1_3 0x0304

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

static bool is_reply_in_1_3(const struct tls_io *io) {
  return io->framing.epoch == RECORD_EPOCH_DATA_1_3 && !io->sends_data;
}

/* A record goes straight into the kernel if nothing is queued before it; what does not fit there is queued. During the
   handshake everything is: the session judges the server once more before our part of it leaves. */
static int send_callback(WOLFSSL *ssl, char *bytes, int length, void *context) {
  struct tls_io *io = context;
  const uint8_t *record = (const uint8_t *)bytes;
  size_t sent;

  (void)ssl;
  if (tls_io_has_refused(io)) { /* wolfSSL makes an alert of that too, and names another cause */
    return length;
  }
  if (is_reply_in_1_3(io) && !reply_gate_passes(record, (size_t)length)) {
    io->reply_refused = true;
    return WOLFSSL_CBIO_ERR_GENERAL;
  }
  sent = io->hello == NULL && io->output.length == 0 ? send_now(io, record, (size_t)length) : 0;
  if (!byte_queue_append(&io->output, record + sent, (size_t)length - sent)) {
    io->out_of_memory = true;
    return WOLFSSL_CBIO_ERR_GENERAL;
  }
  if (io->hello != NULL) {
    handshake_gate_take(&io->gate, io->hello, record, (size_t)length);
  }
  return length;
}

enum tls_io_flush_result tls_io_flush(struct tls_io *io) {
  while (io->output.length > io->gate.held) {
    size_t sent = send_now(io, byte_queue_front(&io->output), io->output.length - io->gate.held);

    if (sent == 0) {
      return io->send_errno != 0 ? TLS_IO_BROKEN : TLS_IO_BLOCKED;
    }
    byte_queue_consume(&io->output, sent);
  }
  io->framing.our_part_has_left = io->gate.own_part_passed;
  return TLS_IO_FLUSHED;
}

bool tls_io_is_holding(const struct tls_io *io) { return handshake_gate_is_holding(&io->gate); }

void tls_io_drop_output(struct tls_io *io) {
  byte_queue_release(&io->output);
  handshake_gate_drop(&io->gate);
}

/* RFC 5246, section 7.2. */
bool tls_io_alert_in_clear(struct tls_io *io, uint8_t alert) {
  const uint8_t record[] = {TLS_RECORD_ALERT, 3, 3, 0, 2, 2, alert};
  const bool accepted_1_3 = io->hello_accepted && io->hello != NULL && io->hello->version >= VERSION_TLS_1_3;

  if (io->hello == NULL || io->output.length > io->gate.held ||
      !handshake_gate_allows_alert_in_clear(&io->gate, accepted_1_3)) {
    return false;
  }
  tls_io_drop_output(io);
  if (!byte_queue_append(&io->output, record, sizeof(record))) {
    io->out_of_memory = true;
    return false;
  }
  io->clear_alert = alert;
  return true;
}

int tls_io_clear_alert_sent(const struct tls_io *io) { return io->output.length == 0 ? io->clear_alert : -1; }

/* ---- Receiving ---- */

void tls_io_begin_step(struct tls_io *io) { io->fetch_left = TLS_IO_FETCH_LIMIT; }

bool tls_io_takes_input(const struct tls_io *io) { return io->output.length <= TLS_IO_OUTPUT_LIMIT; }

/* What is missing of the record that wolfSSL has part of, and after it no more than fits besides that record. */
static size_t fetch_length(const struct tls_io *io) {
  size_t missing = 0;
  size_t body = 0;
  size_t length;

  if (io->framing.header_length > 0) {
    missing = record_framing_piece(&io->framing);
    body = record_framing_content(&io->framing);
  }
  length = io->receive_room > body ? io->receive_room - body : 0;
  if (length < READ_AHEAD_CAPACITY) {
    length += missing; /* at most what encryption makes of a full record */
  }
  return length < READ_AHEAD_CAPACITY ? length : READ_AHEAD_CAPACITY;
}

/* 0: something may be fetched; else what the callback must return. */
static int prepare_fetch(struct tls_io *io) {
  /* The record that comes next might not fit: leave it in the kernel, where poll() sees it. */
  if (io->receive_room < TLS_RECORD_PLAINTEXT || io->fetch_left == 0 || !tls_io_takes_input(io)) {
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
  return 0;
}

/*
 * A server that rotates its keys now and then, and has nothing else to say, floods nobody. One record may be data whose
 * rest is just coming: the clock is not asked for that.
 */
static void end_row_after_pause(struct tls_io *io) {
  if (io->framing.without_data <= 1) {
    io->counts_quiet = false;
    return;
  }
  if (io->counts_quiet && deadline_has_passed(&io->quiet)) {
    record_framing_data_passed(&io->framing);
  }
  deadline_start_seconds(&io->quiet, QUIET_SECONDS);
  io->counts_quiet = true;
}

/* 0: bytes have come; else what the callback must return. */
static int check_received(struct tls_io *io, ssize_t received, size_t asked_for) {
  io->lower_is_empty = received < 0 || (size_t)received < asked_for;
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
  end_row_after_pause(io);
  io->bytes_received += (size_t)received;
  io->fetch_left -= (size_t)received < io->fetch_left ? (size_t)received : io->fetch_left;
  return 0;
}

static void set_read_ahead(struct tls_io *io, size_t length) {
  io->read_ahead_head = 0;
  io->read_ahead_length = length;
}

/* 0: there are bytes read ahead; else what the callback must return. */
static int fetch(struct tls_io *io) {
  int answer = prepare_fetch(io);
  ssize_t received;
  size_t length;

  if (answer != 0) {
    return answer;
  }
  length = fetch_length(io);
  received = io->lower.recv(io->lower.context, io->read_ahead, length, NULL, 0);
  answer = check_received(io, received, length);
  if (answer != 0) {
    return answer;
  }
  set_read_ahead(io, (size_t)received);
  if (io->hello != NULL) {
    peer_speech_watch(&io->speech, io->read_ahead, io->read_ahead_length);
  }
  return 0;
}

bool tls_io_has_refused(const struct tls_io *io) {
  return io->framing.fault != RECORD_SOUND || io->hello_verdict != HELLO_TAKEN || io->reply_refused;
}

/* RFC 8446, section 6.2: illegal_parameter for a choice that was not offered. */
static uint8_t refusal_alert(const struct tls_io *io) {
  enum { ILLEGAL_PARAMETER = 47, PROTOCOL_VERSION = 70 };

  if (io->framing.fault != RECORD_SOUND) {
    return record_fault_alert(&io->framing, io->hello);
  }
  return io->hello_verdict == HELLO_VERSION_NOT_OFFERED ? PROTOCOL_VERSION : ILLEGAL_PARAMETER;
}

/* A peer that speaks something else would not understand it. */
static void send_refusal(struct tls_io *io) {
  const bool begins_as_tls = io->framing.fault != RECORD_TYPE_UNKNOWN && io->framing.header[1] == 3;

  if (io->speech.kind == PEER_SPEECH_TLS || begins_as_tls) {
    (void)tls_io_alert_in_clear(io, refusal_alert(io));
  }
}

void tls_io_open_gate(struct tls_io *io) {
  if (tls_io_has_refused(io)) {
    send_refusal(io);
  } else {
    handshake_gate_open(&io->gate);
  }
}

static void judge_hello(struct tls_io *io) {
  if (io->judge_hello != NULL && (io->hello->complete || io->hello->retry_requested)) {
    io->hello_verdict = io->judge_hello(io->hello_context, io->hello);
  }
}

/* Looks at the next bytes before wolfSSL gets them. \return false: refused */
static bool admit(struct tls_io *io, const uint8_t *bytes, size_t length) {
  const bool was_refused = tls_io_has_refused(io);
  const bool is_sound = !was_refused && record_framing_take(&io->framing, bytes, length);

  if (io->hello == NULL || was_refused) {
    return is_sound;
  }
  if (is_sound && !io->hello_accepted) {
    judge_hello(io);
  }
  if (tls_io_has_refused(io)) {
    if (!tls_io_is_holding(io)) { /* else the session judges first: what is wrong with the server itself counts more */
      send_refusal(io);
    }
    return false;
  }
  io->hello_accepted = io->hello->complete;
  return true;
}

/* Whatever is missing: else a little that is would bring the next record into the read-ahead, and so on. */
static bool goes_straight(const struct tls_io *io) {
  return io->hello == NULL && io->framing.header_length == TLS_RECORD_HEADER &&
         record_framing_content(&io->framing) >= STRAIGHT_LEAST;
}

/*
 * The rest of a record, without a copy, and read ahead no more than the header of the next, which probably is as large.
 * \return how many bytes of the record have come, or what the callback must return
 */
static int fetch_straight(struct tls_io *io, char *bytes, size_t length) {
  int answer = prepare_fetch(io);
  ssize_t received;

  if (answer != 0) {
    return answer;
  }
  received = io->lower.recv(io->lower.context, bytes, length, io->read_ahead, TLS_RECORD_HEADER);
  answer = check_received(io, received, length + TLS_RECORD_HEADER);
  if (answer != 0) {
    return answer;
  }
  if ((size_t)received > length) {
    set_read_ahead(io, (size_t)received - length);
    received = (ssize_t)length;
  }
  return admit(io, (const uint8_t *)bytes, (size_t)received) ? (int)received : WOLFSSL_CBIO_ERR_GENERAL;
}

/* \return how many bytes there are; else what the callback must return */
static int take_read_ahead(struct tls_io *io, char *bytes, size_t length) {
  const size_t count = length < io->read_ahead_length ? length : io->read_ahead_length;

  if (!admit(io, io->read_ahead + io->read_ahead_head, count)) {
    return WOLFSSL_CBIO_ERR_GENERAL;
  }
  memcpy(bytes, io->read_ahead + io->read_ahead_head, count);
  io->read_ahead_head += count;
  io->read_ahead_length -= count;
  return (int)count;
}

static int receive_callback(WOLFSSL *ssl, char *bytes, int capacity, void *context) {
  struct tls_io *io = context;
  const size_t piece = record_framing_piece(&io->framing);
  const size_t length = (size_t)capacity < piece ? (size_t)capacity : piece;
  int answer;

  (void)ssl;
  if (io->read_ahead_length == 0) {
    if (goes_straight(io)) {
      return fetch_straight(io, bytes, length);
    }
    answer = fetch(io);
    if (answer != 0) {
      return answer;
    }
  }
  return take_read_ahead(io, bytes, length);
}

void tls_io_begin_data(struct tls_io *io) { io->sends_data = true; }

void tls_io_end_data(struct tls_io *io) { io->sends_data = false; }

void tls_io_data_passed(struct tls_io *io) { record_framing_data_passed(&io->framing); }

void tls_io_set_receive_room(struct tls_io *io, size_t room) { io->receive_room = room; }

bool tls_io_has_read_ahead(const struct tls_io *io) { return io->read_ahead_length > 0; }

bool tls_io_is_lower_empty(const struct tls_io *io) { return io->lower_is_empty; }

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
  record_framing_init(&io->framing, NULL);
  handshake_gate_init(&io->gate);
  peer_speech_init(&io->speech);
  io->clear_alert = -1;
  io->receive_room = SIZE_MAX;
  io->fetch_left = SIZE_MAX;
}

void tls_io_attach(struct tls_io *io, WOLFSSL *ssl) {
  wolfSSL_SetIOWriteCtx(ssl, io);
  wolfSSL_SetIOReadCtx(ssl, io);
}

bool tls_io_watch_handshake(struct tls_io *io) {
  io->hello = malloc(sizeof(*io->hello));
  if (io->hello != NULL) {
    server_hello_init(io->hello);
    record_framing_init(&io->framing, io->hello);
  }
  return io->hello != NULL;
}

void tls_io_handshake_done(struct tls_io *io) {
  record_framing_handshake_done(&io->framing);
  handshake_gate_open(&io->gate);
  free(io->hello);
  io->hello = NULL;
}

void tls_io_free(struct tls_io *io) {
  free(io->hello);
  io->hello = NULL;
  byte_queue_release(&io->output);
  free(io->read_ahead);
  io->read_ahead = NULL;
}
