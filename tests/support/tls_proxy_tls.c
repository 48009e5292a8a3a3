/* SPDX-License-Identifier: MIT */
/*
 * OpenSSL works on memory BIOs here, so that each byte on the way to the client can be counted, changed or held back.
 */
#include "tls_proxy_tls.h"

#include <unistd.h>

#include <openssl/err.h>

#include "tls_proxy_report.h"

#define AMQP_HEADER_SIZE 8u

void finish(struct connection *connection) { connection->phase = PHASE_DONE; }

void collect_ciphertext(struct connection *connection) {
  size_t pending = BIO_ctrl_pending(connection->to_network);
  if (!bytes_reserve(&connection->to_client, pending)) {
    finish(connection);
    return;
  }
  while (pending > 0) {
    size_t taken = 0;
    unsigned char *const end = connection->to_client.data + connection->to_client.length;
    if (BIO_read_ex(connection->to_network, end, pending, &taken) != 1) {
      break;
    }
    connection->to_client.length += taken;
    pending -= taken;
  }
}

void begin_ending(struct connection *connection, enum ending ending) {
  collect_ciphertext(connection);
  connection->ending = ending;
  connection->phase = PHASE_ENDING;
}

void report_client_end(struct connection *connection, const char *how) {
  if (!connection->client_ended) {
    connection->client_ended = true;
    report("CLIENT-END %s", how);
  }
}

bool open_tls(struct connection *connection, SSL_CTX *context) {
  connection->ssl = SSL_new(context);
  connection->from_network = BIO_new(BIO_s_mem());
  connection->to_network = BIO_new(BIO_s_mem());
  if (connection->ssl == NULL || connection->from_network == NULL || connection->to_network == NULL) {
    complain("no TLS session: %s", openssl_reason());
    BIO_free(connection->from_network);
    BIO_free(connection->to_network);
    return false;
  }
  SSL_set_bio(connection->ssl, connection->from_network, connection->to_network);
  SSL_set_app_data(connection->ssl, &connection->facts);
  SSL_set_accept_state(connection->ssl);
  return true;
}

static void report_certificate(const struct connection *connection) {
  const char *const subject = connection->facts.certificate_subject;
  report("CLIENT-CERTIFICATE %s", subject != NULL ? subject : "none");
}

static void report_handshake_done(struct connection *connection) {
  SSL *const ssl = connection->ssl;
  X509 *const certificate = SSL_get0_peer_certificate(ssl);
  if (connection->facts.certificate_subject == NULL && certificate != NULL) {
    /* Resumed: the certificate comes with the session, and verify_client is not called. */
    connection->facts.certificate_subject = subject_of(certificate);
  }
  report_certificate(connection);
  const char *const group = SSL_group_to_name(ssl, (int)SSL_get_negotiated_group(ssl));
  const char *ems = SSL_get_extms_support(ssl) == 1 ? "ems" : "no-ems";
  if (SSL_version(ssl) == TLS1_3_VERSION) {
    ems = "-"; /* has no such thing: its key schedule always binds the handshake */
  }
  report("HANDSHAKE done %s %s %s %s %s", SSL_get_version(ssl), SSL_get_cipher_name(ssl),
         group != NULL ? group : "none", ems, SSL_session_reused(ssl) != 0 ? "resumed" : "new");
}

static void handshake_failed(struct connection *connection) {
  const bool no_certificate = ERR_GET_REASON(ERR_peek_last_error()) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE;
  if (connection->facts.certificate_received || no_certificate) {
    report_certificate(connection);
  }
  report("HANDSHAKE failed %s", openssl_reason());
  connection->tls_broken = true;
  begin_ending(connection, connection->options->reset_after_alert ? END_WITH_RESET_AFTER_BYTES : END_WITH_FIN);
}

/* A HelloRequest (RFC 5246, section 7.4.1.1). */
static void ask_for_renegotiation(struct connection *connection) {
  if (!connection->options->renegotiate) {
    return;
  }
  if (SSL_renegotiate(connection->ssl) == 1 && SSL_do_handshake(connection->ssl) == 1) {
    report("RENEGOTIATION asked");
  } else {
    complain("can't renegotiate: %s", openssl_reason());
  }
}

/* SSL_stateless() also returns, and says that it failed, after a ChangeCipherSpec, which may come before the second
   ClientHello (RFC 8446, appendix D.4): it failed only if there is a reason. openssl s_server -stateless gives up. */
static void await_cookie(struct connection *connection) {
  while (!connection->cookie_returned && BIO_ctrl_pending(connection->from_network) > 0 && ERR_peek_error() == 0) {
    connection->cookie_returned = SSL_stateless(connection->ssl) == 1;
  }
  if (connection->cookie_returned) {
    report("COOKIE returned");
  } else if (ERR_peek_error() != 0) {
    handshake_failed(connection);
  }
}

bool advance_handshake(struct connection *connection) {
  ERR_clear_error();
  if (connection->options->stateless && !connection->cookie_returned) {
    await_cookie(connection);
    if (!connection->cookie_returned) {
      return false;
    }
  }
  const int result = SSL_do_handshake(connection->ssl);
  if (result == 1) {
    report_handshake_done(connection);
    connection->phase = PHASE_OPEN;
    ask_for_renegotiation(connection);
  } else if (SSL_get_error(connection->ssl, result) != SSL_ERROR_WANT_READ) {
    handshake_failed(connection);
  }
  return result == 1;
}

static void key_update_if_due(struct connection *connection) {
  const uint64_t every = connection->options->key_update_every;
  if (every == 0 || connection->since_key_update < every || SSL_version(connection->ssl) != TLS1_3_VERSION) {
    return;
  }
  connection->since_key_update = 0;
  ERR_clear_error();
  if (SSL_key_update(connection->ssl, SSL_KEY_UPDATE_REQUESTED) != 1 || SSL_do_handshake(connection->ssl) != 1) {
    complain("no KeyUpdate: %s", openssl_reason());
    finish(connection);
    return;
  }
  report("KEY-UPDATE sent");
}

/* Takes the AMQP header off the front of what the client sends; returns how many bytes belonged to it. */
static size_t take_amqp_header(struct connection *connection, const unsigned char *data, size_t length) {
  static const unsigned char header[AMQP_HEADER_SIZE] = {'A', 'M', 'Q', 'P', 0, 0, 9, 1};
  size_t taken = 0;
  if (!connection->options->amqp_hello) {
    return 0;
  }
  while (taken < length && connection->header_bytes < AMQP_HEADER_SIZE) {
    if (data[taken] != header[connection->header_bytes]) {
      connection->header_wrong = true;
    }
    taken++;
    connection->header_bytes++;
    if (connection->header_bytes == AMQP_HEADER_SIZE) {
      report("AMQP-HEADER %s", connection->header_wrong ? "bad" : "good");
    }
  }
  return taken;
}

static void take_plaintext(struct connection *connection, const unsigned char *data, size_t length) {
  const size_t header = take_amqp_header(connection, data, length);
  connection->received += length;
  connection->since_key_update += length;
  if (connection->phase != PHASE_OPEN) {
    return;
  }
  bool good = true;
  if (connection->options->peer == PEER_CONNECT) {
    good = bytes_append(&connection->to_upstream, data + header, length - header);
  } else if (connection->options->peer == PEER_ECHO) {
    good = bytes_append(&connection->plain, data + header, length - header);
  }
  if (!good) {
    finish(connection);
  }
}

static void report_read_failure(struct connection *connection, int result) {
  if (SSL_get_error(connection->ssl, result) == SSL_ERROR_ZERO_RETURN) {
    report_client_end(connection, "close_notify");
    return;
  }
  const bool alert = ERR_GET_REASON(ERR_peek_last_error()) > SSL_AD_REASON_OFFSET;
  report_client_end(connection, alert ? "alert" : "bad-record");
  connection->tls_broken = true;
  if (connection->phase == PHASE_OPEN) {
    begin_ending(connection, END_WITH_FIN);
  }
}

void read_plaintext(struct connection *connection) {
  while (!connection->client_ended && connection->phase != PHASE_DONE) {
    unsigned char buffer[READ_SIZE];
    size_t length = 0;
    ERR_clear_error();
    const int result = SSL_read_ex(connection->ssl, buffer, sizeof buffer, &length);
    if (result == 1) {
      take_plaintext(connection, buffer, length);
    } else if (SSL_get_error(connection->ssl, result) == SSL_ERROR_WANT_READ) {
      break;
    } else {
      report_read_failure(connection, result);
    }
  }
  if (connection->phase == PHASE_OPEN) {
    key_update_if_due(connection);
  }
}

static bool write_record(struct connection *connection, const unsigned char *data, size_t length) {
  size_t written = 0;
  ERR_clear_error();
  /* A memory BIO takes everything: anything else is the end of this connection. */
  if (SSL_write_ex(connection->ssl, data, length, &written) != 1 || written != length) {
    complain("can't encrypt: %s", openssl_reason());
    connection->tls_broken = true;
    begin_ending(connection, END_WITH_FIN);
    return false;
  }
  return true;
}

void send_close_notify(struct connection *connection) {
  ERR_clear_error();
  if (!connection->tls_broken && SSL_shutdown(connection->ssl) < 0) {
    complain("no close_notify: %s", openssl_reason());
  }
}

/* Queues the first half of one more record; its plaintext doesn't matter, for nobody can ever decrypt it. */
static void queue_half_a_record(struct connection *connection) {
  static const unsigned char filler[256];
  collect_ciphertext(connection);
  const size_t before = connection->to_client.length;
  if (write_record(connection, filler, sizeof filler)) {
    collect_ciphertext(connection);
    connection->to_client.length = before + (connection->to_client.length - before) / 2;
  }
}

static bool fault_is_due(const struct connection *connection) {
  const struct options *const options = connection->options;
  return options->fault != FAULT_NONE && connection->sent >= options->fault_after;
}

static void end_by_fault(struct connection *connection) {
  const struct options *const options = connection->options;
  if (options->within_record) {
    queue_half_a_record(connection);
  }
  if (options->fault == FAULT_CLOSE_NOTIFY) {
    send_close_notify(connection);
  }
  begin_ending(connection, options->fault == FAULT_RESET ? END_WITH_RESET : END_WITH_FIN);
}

static void corrupt_last_record(struct connection *connection) {
  collect_ciphertext(connection);
  if (connection->phase != PHASE_DONE && connection->to_client.length > 0) {
    connection->to_client.data[connection->to_client.length - 1] ^= 1u;
    connection->corrupted = true;
    report("CORRUPTED");
  }
}

static size_t next_chunk(const struct connection *connection) {
  const struct options *const options = connection->options;
  size_t chunk = connection->plain.length < READ_SIZE ? connection->plain.length : READ_SIZE;
  if (options->record_size > 0 && chunk > options->record_size) {
    chunk = options->record_size;
  }
  /* End a record exactly where the fault is due. */
  if (options->fault != FAULT_NONE && connection->sent < options->fault_after) {
    const uint64_t left = options->fault_after - connection->sent;
    chunk = left < chunk ? (size_t)left : chunk;
  }
  return chunk;
}

bool file_is_ready(const struct connection *connection) {
  const bool waits_for_header = connection->options->amqp_hello && connection->header_bytes < AMQP_HEADER_SIZE;
  return connection->options->peer == PEER_SEND_FILE && connection->upstream >= 0 && !waits_for_header;
}

static void fill_from_file(struct connection *connection) {
  if (!file_is_ready(connection) || connection->plain.length > 0 || !bytes_reserve(&connection->plain, READ_SIZE)) {
    return;
  }
  const ssize_t length = read(connection->upstream, connection->plain.data, READ_SIZE);
  if (length > 0) {
    connection->plain.length = (size_t)length;
  } else {
    close_descriptor(&connection->upstream);
  }
}

void send_plaintext(struct connection *connection) {
  const struct options *const options = connection->options;
  while (connection->phase == PHASE_OPEN) {
    if (options->fault != FAULT_CORRUPT && fault_is_due(connection)) {
      end_by_fault(connection);
      return;
    }
    fill_from_file(connection);
    const size_t chunk = next_chunk(connection);
    if (chunk == 0 || connection->to_client.length >= HIGH_WATER) {
      return;
    }
    const bool corrupt = options->fault == FAULT_CORRUPT && fault_is_due(connection) && !connection->corrupted;
    if (!write_record(connection, connection->plain.data, chunk)) {
      return;
    }
    if (corrupt) {
      corrupt_last_record(connection);
    }
    bytes_consume(&connection->plain, chunk);
    connection->sent += chunk;
    connection->since_key_update += chunk;
    key_update_if_due(connection);
    collect_ciphertext(connection);
  }
}
