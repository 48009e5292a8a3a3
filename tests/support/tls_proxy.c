/* SPDX-License-Identifier: MIT */
/*
 * A TLS server for tests, built on OpenSSL so that our peer is not the library under test. It either hands the
 * decrypted bytes on to a plain TCP server, or plays a small peer itself (echo, swallow, send a file), and can be told
 * to do what a peer does on a bad day: truncate, reset, corrupt, stall, stop reading, reject the client late.
 *
 * OpenSSL works on memory BIOs here, so that each byte on the way to the client can be counted, changed or held back.
 * One process a connection; the parent only accepts, and ends its children when it ends.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#define READ_SIZE 16384u
#define HIGH_WATER 65536u
#define POLL_FILE_MILLISECONDS 10
#define MAX_CHILDREN 256
#define AMQP_HEADER_SIZE 8u

enum peer { PEER_NONE, PEER_CONNECT, PEER_ECHO, PEER_SWALLOW, PEER_SEND_FILE };

enum fault { FAULT_NONE, FAULT_TRUNCATE, FAULT_RESET, FAULT_CLOSE_NOTIFY, FAULT_CORRUPT };

struct options {
  enum peer peer;
  char *connect_host;
  const char *connect_port;
  const char *send_file;
  bool amqp_hello;
  const char *certificate;
  const char *key;
  const char *ca;
  bool require_client_certificate;
  int tls_version;
  const char *ciphers;
  char *groups; /* not const: OpenSSL's macro casts to char * */
  int security_level;
  const char *staple; /* file */
  bool no_ems;
  bool renegotiate;
  uint64_t key_update_every;
  size_t record_size;
  enum fault fault;
  uint64_t fault_after;
  bool within_record;
  bool stall_handshake;
  const char *pause_until;
  uint64_t pause_after;
  int receive_buffer;
  long late_alert;
  int late_error;
  bool reset_after_alert;
  bool once;
  bool until_stdin_closes;
  bool verbose;
};

struct bytes {
  unsigned char *data;
  size_t length;
  size_t capacity;
};

enum phase {
  PHASE_HANDSHAKE,
  PHASE_OPEN,
  PHASE_ENDING,      /* the last bytes for the client are queued; `ending` says how to end once they are gone */
  PHASE_DRAINING,    /* our side is shut; read on, because a close with unread bytes would turn our FIN into a RST */
  PHASE_AWAIT_BYTES, /* a reset is due as soon as the client has sent something */
  PHASE_DONE
};

enum ending { END_WITH_FIN, END_WITH_RESET, END_WITH_RESET_AFTER_BYTES };

struct connection {
  const struct options *options;
  SSL *ssl;
  BIO *from_network;
  BIO *to_network;
  int client;
  int upstream;
  enum phase phase;
  enum ending ending;
  struct bytes to_client;   /* ciphertext */
  struct bytes plain;       /* plaintext on its way to the client */
  struct bytes to_upstream; /* plaintext on its way to the upstream server */
  uint64_t sent;
  uint64_t received;
  uint64_t since_key_update;
  unsigned header_bytes;
  bool header_wrong;
  bool corrupted;
  bool pause_told;
  bool client_ended;
  bool upstream_ended;
  bool tcp_ended;
  bool tls_broken;
  bool hello_seen;
  bool certificate_received;
  char *certificate_subject;
};

static const char usage_text[] =
    "Usage: tls_proxy --certificate FILE --key FILE [--connect HOST:PORT | --echo | --swallow | --send-file FILE]\n"
    "                 [OPTION...]\n"
    "\n"
    "A TLS server on a port of 127.0.0.1 that the kernel picks, for tests.\n"
    "\n"
    "What stands behind it (default: --swallow)\n"
    "  --connect HOST:PORT              hand the decrypted bytes on to this plain TCP server, and its bytes back\n"
    "  --echo                           send back what the client sends\n"
    "  --swallow                        read and discard\n"
    "  --send-file FILE                 send the bytes of FILE after the handshake, then read and discard\n"
    "  --amqp-hello                     not with --connect: take the client's AMQP 0-9-1 header first and judge it\n"
    "TLS\n"
    "  --certificate FILE --key FILE    PEM; the certificate may be followed by its chain\n"
    "  --ca FILE                        ask for a client certificate and verify it\n"
    "  --require-client-certificate     with --ca: refuse clients that send none\n"
    "  --tls 1.2|1.3                    this version only\n"
    "  --ciphers LIST                   names that begin with TLS_ are TLS 1.3 suites, others TLS 1.2 ones; not mixed\n"
    "  --groups LIST                    for instance P-384:P-256\n"
    "  --security-level N               of OpenSSL; 0 lets RSA-1024 pass\n"
    "  --staple FILE                    staple the bytes of FILE as an OCSP answer, whatever they are\n"
    "  --no-ems                         no Extended Master Secret in TLS 1.2\n"
    "  --renegotiate                    TLS 1.2: ask the client for a new handshake as soon as the first is done\n"
    "  --key-update-every BYTES         TLS 1.3: send KeyUpdate, and ask for one, each time so many bytes went by\n"
    "  --record-size N                  at most N plaintext bytes a record\n"
    "Faults; BYTES count application bytes sent to the client. Only one that ends in -after.\n"
    "  --truncate-after BYTES           then close TCP with a FIN and no close_notify\n"
    "  --reset-after BYTES              then reset TCP, once the client's kernel has those bytes\n"
    "  --close-notify-after BYTES       then close_notify, then FIN\n"
    "  --corrupt-after BYTES            flip a bit in the ciphertext of the record that follows them\n"
    "  --within-record                  with --truncate-after or --reset-after: half a record more goes out first\n"
    "  --stall-handshake                accept TCP, read, never answer\n"
    "  --pause-reading-until FILE       once the handshake is done, do not read from the client until FILE exists\n"
    "  --pause-reading-after BYTES      ... but read so many application bytes (or a few more) before\n"
    "  --receive-buffer BYTES           SO_RCVBUF, so that back-pressure sets in soon\n"
    "  --late-alert N                   refuse any client certificate with alert N (in TLS 1.3 the client's handshake\n"
    "                                   is over by then): 40, 42, 43, 44, 45, 46, 48, 51 or 80; needs no --ca\n"
    "  --reset-after-alert              after a failed handshake, reset TCP once the client has sent bytes, unread\n"
    "Running\n"
    "  --once                           exit after the first connection\n"
    "  --until-stdin-closes             exit when standard input reaches its end\n"
    "  --verbose                        a line a connection on stderr\n"
    "  --help                           this text\n"
    "\n"
    "Ends with status 0 on SIGTERM and SIGINT. On stdout, one line each:\n"
    "  PORT n\n"
    "  SERVER-NAME name|none            SNI; when the handshake is done, or failed after a ClientHello\n"
    "  CLIENT-CERTIFICATE subject|none  when the handshake is done, or failed after the client's answer\n"
    "  HANDSHAKE done VERSION CIPHER GROUP ems|no-ems|- new|resumed\n"
    "  HANDSHAKE failed REASON\n"
    "  ALERT received N name            and ALERT sent N name; 0 is close_notify\n"
    "  AMQP-HEADER good|bad             with --amqp-hello\n"
    "  KEY-UPDATE sent                  at each\n"
    "  RENEGOTIATION asked              with --renegotiate; done when the client has taken part in one\n"
    "  PAUSED                           when reading stops; RESUMED when it goes on\n"
    "  CORRUPTED                        when the bit is flipped\n"
    "  CLIENT-END how                   how the client's side ended: close_notify, truncated, reset, alert, "
    "bad-record,\n"
    "                                   or closed when there was no TLS (any more) to end\n";

/* ---- small helpers ----------------------------------------------------------------------------------------------- */

/* Lines of several processes share one stdout: a line goes out in one write. */
static void report(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void report(const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  (void)vfprintf(stdout, format, arguments);
  va_end(arguments);
  (void)fputc('\n', stdout);
  (void)fflush(stdout);
}

static void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void complain(const char *format, ...) {
  va_list arguments;
  (void)fputs("tls_proxy: ", stderr);
  va_start(arguments, format);
  (void)vfprintf(stderr, format, arguments);
  va_end(arguments);
  (void)fputc('\n', stderr);
}

static const char *openssl_reason(void) {
  const unsigned long error = ERR_peek_last_error();
  const char *reason = ERR_reason_error_string(error);
  return reason != NULL ? reason : "unknown reason";
}

static bool bytes_reserve(struct bytes *bytes, size_t more) {
  if (bytes->capacity - bytes->length >= more) {
    return true;
  }
  const size_t capacity = bytes->length + more + READ_SIZE;
  unsigned char *const data = realloc(bytes->data, capacity);
  if (data == NULL) {
    complain("out of memory");
    return false;
  }
  bytes->data = data;
  bytes->capacity = capacity;
  return true;
}

static bool bytes_append(struct bytes *bytes, const unsigned char *data, size_t length) {
  if (!bytes_reserve(bytes, length)) {
    return false;
  }
  memcpy(bytes->data + bytes->length, data, length);
  bytes->length += length;
  return true;
}

static void bytes_consume(struct bytes *bytes, size_t length) {
  bytes->length -= length;
  memmove(bytes->data, bytes->data + length, bytes->length);
}

static void close_descriptor(int *descriptor) {
  if (*descriptor >= 0) {
    (void)close(*descriptor);
    *descriptor = -1;
  }
}

static bool set_nonblocking(int descriptor) {
  const int flags = fcntl(descriptor, F_GETFL);
  return flags >= 0 && fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0;
}

static bool would_block(void) { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

/* ---- what OpenSSL tells ------------------------------------------------------------------------------------------ */

static void report_alert(const SSL *ssl, int where, int value) {
  (void)ssl;
  if ((where & SSL_CB_ALERT) != 0) {
    const char *const direction = (where & SSL_CB_READ) != 0 ? "received" : "sent";
    const int number = value & 0xff;
    /* OpenSSL 3.0 has no name for this one. */
    const bool required = number == TLS13_AD_CERTIFICATE_REQUIRED;
    report("ALERT %s %d %s", direction, number, required ? "certificate required" : SSL_alert_desc_string_long(value));
  }
}

static char *subject_of(X509 *certificate) {
  char *subject = NULL;
  BIO *const text = BIO_new(BIO_s_mem());
  if (text == NULL) {
    return NULL;
  }
  if (X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) >= 0) {
    char *data = NULL;
    const long length = BIO_get_mem_data(text, &data);
    if (length > 0) {
      subject = strndup(data, (size_t)length);
    }
  }
  BIO_free(text);
  return subject;
}

/* Called once the ClientHello is read, with or without SNI; a second time after a HelloRetryRequest. */
static int report_server_name(SSL *ssl, int *alert, void *argument) {
  (void)alert;
  (void)argument;
  struct connection *const connection = SSL_get_app_data(ssl);
  const char *const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (!connection->hello_seen) {
    connection->hello_seen = true;
    report("SERVER-NAME %s", name != NULL ? name : "none");
  }
  return name != NULL ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/* Called with the client's chain. Remembers whose it is even if verification then fails and OpenSSL forgets it. */
static int verify_client(X509_STORE_CTX *store, void *argument) {
  const struct options *const options = argument;
  SSL *const ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
  struct connection *const connection = SSL_get_app_data(ssl);
  connection->certificate_received = true;
  free(connection->certificate_subject);
  connection->certificate_subject = subject_of(X509_STORE_CTX_get0_cert(store));
  if (options->late_alert != 0) {
    X509_STORE_CTX_set_error(store, options->late_error);
    return 0;
  }
  return X509_verify_cert(store);
}

/* OpenSSL chooses the alert by the verification error, so ask for an error that leads to the alert we want. */
static bool error_for_alert(long alert, int *error) {
  static const struct {
    long alert;
    int error;
  } table[] = {
      {SSL3_AD_HANDSHAKE_FAILURE, X509_V_ERR_APPLICATION_VERIFICATION},
      {SSL3_AD_BAD_CERTIFICATE, X509_V_ERR_CA_KEY_TOO_SMALL},
      {SSL3_AD_UNSUPPORTED_CERTIFICATE, X509_V_ERR_INVALID_PURPOSE},
      {SSL3_AD_CERTIFICATE_REVOKED, X509_V_ERR_CERT_REVOKED},
      {SSL3_AD_CERTIFICATE_EXPIRED, X509_V_ERR_CERT_HAS_EXPIRED},
      {SSL3_AD_CERTIFICATE_UNKNOWN, X509_V_ERR_UNSUPPORTED_NAME_SYNTAX},
      {TLS1_AD_UNKNOWN_CA, X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY},
      {TLS1_AD_DECRYPT_ERROR, X509_V_ERR_CERT_SIGNATURE_FAILURE},
      {TLS1_AD_INTERNAL_ERROR, X509_V_ERR_UNSPECIFIED},
  };
  for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
    if (table[i].alert == alert) {
      *error = table[i].error;
      return true;
    }
  }
  return false;
}

/* ---- the TLS context --------------------------------------------------------------------------------------------- */

static bool set_client_verification(SSL_CTX *context, struct options *options) {
  int mode = SSL_VERIFY_NONE;
  if (options->ca != NULL) {
    STACK_OF(X509_NAME) *const names = SSL_load_client_CA_file(options->ca);
    if (names == NULL || SSL_CTX_load_verify_locations(context, options->ca, NULL) != 1) {
      complain("can't read the CA file %s: %s", options->ca, openssl_reason());
      sk_X509_NAME_pop_free(names, X509_NAME_free);
      return false;
    }
    SSL_CTX_set_client_CA_list(context, names);
  }
  if (options->ca != NULL || options->late_alert != 0) {
    mode = SSL_VERIFY_PEER;
    SSL_CTX_set_cert_verify_callback(context, verify_client, options);
  }
  if (options->require_client_certificate) {
    mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  SSL_CTX_set_verify(context, mode, NULL);
  /* Without it OpenSSL refuses to resume the sessions of a server that asks for certificates. */
  return SSL_CTX_set_session_id_context(context, (const unsigned char *)"tls_proxy", 9) == 1;
}

static bool set_suites(SSL_CTX *context, const struct options *options) {
  if (options->security_level >= 0) {
    SSL_CTX_set_security_level(context, options->security_level);
  }
  if (options->ciphers != NULL) {
    const bool tls13 = strncmp(options->ciphers, "TLS_", 4) == 0;
    const int result = tls13 ? SSL_CTX_set_ciphersuites(context, options->ciphers)
                             : SSL_CTX_set_cipher_list(context, options->ciphers);
    if (result != 1) {
      complain("--ciphers %s: %s", options->ciphers, openssl_reason());
      return false;
    }
  }
  if (options->groups != NULL && SSL_CTX_set1_groups_list(context, options->groups) != 1) {
    complain("--groups %s: %s", options->groups, openssl_reason());
    return false;
  }
  return true;
}

static bool set_identity(SSL_CTX *context, const struct options *options) {
  if (SSL_CTX_use_certificate_chain_file(context, options->certificate) != 1) {
    complain("can't use the certificate %s: %s", options->certificate, openssl_reason());
    return false;
  }
  if (SSL_CTX_use_PrivateKey_file(context, options->key, SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    complain("can't use the key %s: %s", options->key, openssl_reason());
    return false;
  }
  return true;
}

/* OpenSSL frees the copy that it is given. */
static int staple(SSL *ssl, void *argument) {
  const struct options *const options = argument;
  unsigned char *const answer = OPENSSL_malloc(READ_SIZE);
  FILE *const file = fopen(options->staple, "rb");
  const size_t length = file != NULL && answer != NULL ? fread(answer, 1, READ_SIZE, file) : 0;

  if (file != NULL) {
    (void)fclose(file);
  }
  if (length == 0) {
    OPENSSL_free(answer);
    return SSL_TLSEXT_ERR_NOACK;
  }
  (void)SSL_set_tlsext_status_ocsp_resp(ssl, answer, (long)length);
  return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *new_context(struct options *options) {
  SSL_CTX *const context = SSL_CTX_new(TLS_server_method());
  if (context == NULL) {
    complain("no TLS context: %s", openssl_reason());
    return NULL;
  }
  SSL_CTX_set_info_callback(context, report_alert);
  SSL_CTX_set_tlsext_servername_callback(context, report_server_name);
  if (options->staple != NULL) {
    (void)SSL_CTX_set_tlsext_status_cb(context, staple);
    (void)SSL_CTX_set_tlsext_status_arg(context, options);
  }
  if (options->no_ems) {
    SSL_CTX_set_options(context, SSL_OP_NO_EXTENDED_MASTER_SECRET);
  }
  bool good = true;
  if (options->tls_version != 0) {
    good = SSL_CTX_set_min_proto_version(context, options->tls_version) == 1 &&
           SSL_CTX_set_max_proto_version(context, options->tls_version) == 1;
  }
  good = good && set_suites(context, options) && set_identity(context, options) &&
         set_client_verification(context, options);
  if (!good) {
    SSL_CTX_free(context);
    return NULL;
  }
  return context;
}

/* ---- one connection: TLS ----------------------------------------------------------------------------------------- */

static void finish(struct connection *connection) { connection->phase = PHASE_DONE; }

/* Moves what OpenSSL wants to send into the queue for the client. */
static void collect_ciphertext(struct connection *connection) {
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

static void begin_ending(struct connection *connection, enum ending ending) {
  collect_ciphertext(connection);
  connection->ending = ending;
  connection->phase = PHASE_ENDING;
}

static void report_client_end(struct connection *connection, const char *how) {
  if (!connection->client_ended) {
    connection->client_ended = true;
    report("CLIENT-END %s", how);
  }
}

static void report_certificate(const struct connection *connection) {
  const char *const subject = connection->certificate_subject;
  report("CLIENT-CERTIFICATE %s", subject != NULL ? subject : "none");
}

static void report_handshake_done(struct connection *connection) {
  SSL *const ssl = connection->ssl;
  X509 *const certificate = SSL_get0_peer_certificate(ssl);
  if (connection->certificate_subject == NULL && certificate != NULL) {
    /* Resumed: the certificate comes with the session, and verify_client is not called. */
    connection->certificate_subject = subject_of(certificate);
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
  if (connection->certificate_received || no_certificate) {
    report_certificate(connection);
  }
  report("HANDSHAKE failed %s", openssl_reason());
  connection->tls_broken = true;
  begin_ending(connection, connection->options->reset_after_alert ? END_WITH_RESET_AFTER_BYTES : END_WITH_FIN);
}

static int connect_to(const struct options *options) {
  struct addrinfo *addresses = NULL;
  int descriptor = -1;
  const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  const int result = getaddrinfo(options->connect_host, options->connect_port, &hints, &addresses);
  if (result != 0) {
    complain("can't look up %s: %s", options->connect_host, gai_strerror(result));
    return -1;
  }
  for (const struct addrinfo *address = addresses; address != NULL && descriptor < 0; address = address->ai_next) {
    descriptor = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC, address->ai_protocol);
    if (descriptor >= 0 && connect(descriptor, address->ai_addr, address->ai_addrlen) != 0) {
      close_descriptor(&descriptor);
    }
  }
  freeaddrinfo(addresses);
  const int on = 1;
  if (descriptor < 0) {
    complain("can't connect to %s:%s", options->connect_host, options->connect_port);
  } else if (!set_nonblocking(descriptor) || setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
    complain("can't set up the socket to %s: %s", options->connect_host, strerror(errno));
    close_descriptor(&descriptor);
  }
  return descriptor;
}

/* Only after the handshake, so that clients that fail it do not bother the server behind. */
static void open_upstream(struct connection *connection) {
  const struct options *const options = connection->options;
  if (options->peer == PEER_CONNECT) {
    connection->upstream = connect_to(options);
  } else if (options->peer == PEER_SEND_FILE) {
    connection->upstream = open(options->send_file, O_RDONLY | O_CLOEXEC);
    if (connection->upstream < 0) {
      complain("can't open %s: %s", options->send_file, strerror(errno));
    }
  } else {
    return;
  }
  if (connection->upstream < 0) {
    begin_ending(connection, END_WITH_FIN);
  }
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

static void advance_handshake(struct connection *connection) {
  ERR_clear_error();
  const int result = SSL_do_handshake(connection->ssl);
  if (result == 1) {
    report_handshake_done(connection);
    connection->phase = PHASE_OPEN;
    ask_for_renegotiation(connection);
    open_upstream(connection);
  } else if (SSL_get_error(connection->ssl, result) != SSL_ERROR_WANT_READ) {
    handshake_failed(connection);
  }
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

static void read_plaintext(struct connection *connection) {
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

static void send_close_notify(struct connection *connection) {
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

static bool file_is_ready(const struct connection *connection) {
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

static void send_plaintext(struct connection *connection) {
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

/* ---- one connection: its two sockets ----------------------------------------------------------------------------- */

static bool is_paused(struct connection *connection) {
  const struct options *const options = connection->options;
  if (options->pause_until == NULL || connection->phase != PHASE_OPEN || connection->received < options->pause_after) {
    return false;
  }
  const bool paused = access(options->pause_until, F_OK) != 0;
  if (paused != connection->pause_told) {
    connection->pause_told = paused;
    report(paused ? "PAUSED" : "RESUMED");
  }
  return paused;
}

static bool wants_client_bytes(struct connection *connection) {
  switch (connection->phase) {
    case PHASE_HANDSHAKE:
    case PHASE_DRAINING:
    case PHASE_AWAIT_BYTES:
      return !connection->tcp_ended;
    case PHASE_OPEN:
      return !connection->tcp_ended && !is_paused(connection) && connection->to_upstream.length < HIGH_WATER &&
             connection->plain.length < HIGH_WATER && connection->to_client.length < HIGH_WATER;
    case PHASE_ENDING:
    case PHASE_DONE:
      return false;
  }
  return false;
}

static bool wants_upstream_bytes(const struct connection *connection) {
  return connection->options->peer == PEER_CONNECT && connection->phase == PHASE_OPEN && connection->upstream >= 0 &&
         !connection->upstream_ended && connection->plain.length < HIGH_WATER &&
         connection->to_client.length < HIGH_WATER;
}

static void take_from_client(struct connection *connection) {
  unsigned char buffer[READ_SIZE];
  const ssize_t length = recv(connection->client, buffer, sizeof buffer, 0);
  if (length > 0) {
    /* After a broken handshake nobody reads this any more. */
    if (!connection->tls_broken && BIO_write(connection->from_network, buffer, (int)length) != (int)length) {
      complain("out of memory");
      finish(connection);
    }
  } else if (length == 0) {
    connection->tcp_ended = true;
  } else if (!would_block()) {
    report_client_end(connection, "reset");
    finish(connection);
  }
}

static void take_from_upstream(struct connection *connection) {
  if (!bytes_reserve(&connection->plain, READ_SIZE)) {
    finish(connection);
    return;
  }
  unsigned char *const end = connection->plain.data + connection->plain.length;
  const ssize_t length = recv(connection->upstream, end, READ_SIZE, 0);
  if (length > 0) {
    connection->plain.length += (size_t)length;
  } else if (length == 0 || !would_block()) {
    connection->upstream_ended = true;
  }
}

static void give_to_client(struct connection *connection) {
  while (connection->to_client.length > 0) {
    const struct bytes *const bytes = &connection->to_client;
    const ssize_t length = send(connection->client, bytes->data, bytes->length, MSG_NOSIGNAL);
    if (length < 0) {
      if (!would_block()) {
        report_client_end(connection, "reset");
        finish(connection);
      }
      return;
    }
    bytes_consume(&connection->to_client, (size_t)length);
  }
}

/* Goes on until the client's socket is full or nothing is left: poll would not wake us for what is still in a file. */
static void serve_client(struct connection *connection) {
  do {
    send_plaintext(connection);
    collect_ciphertext(connection);
    give_to_client(connection);
  } while (connection->phase == PHASE_OPEN && connection->to_client.length == 0 &&
           (connection->plain.length > 0 || file_is_ready(connection)));
}

static void give_to_upstream(struct connection *connection) {
  while (connection->upstream >= 0 && connection->to_upstream.length > 0) {
    struct bytes *const bytes = &connection->to_upstream;
    const ssize_t length = send(connection->upstream, bytes->data, bytes->length, MSG_NOSIGNAL);
    if (length < 0) {
      if (!would_block()) {
        /* What the server said before it closed is still to be read. */
        bytes->length = 0;
      }
      return;
    }
    bytes_consume(bytes, (size_t)length);
  }
}

/* Resets instead of closing: what is unsent is dropped, and the client's next call fails with ECONNRESET. */
static void reset_client(struct connection *connection) {
  const struct linger linger = {.l_onoff = 1, .l_linger = 0};
  if (setsockopt(connection->client, SOL_SOCKET, SO_LINGER, &linger, sizeof linger) != 0) {
    complain("SO_LINGER: %s", strerror(errno));
  }
  close_descriptor(&connection->client);
  finish(connection);
}

static bool client_kernel_has_everything(const struct connection *connection) {
  int queued = 0;
  return ioctl(connection->client, SIOCOUTQ, &queued) != 0 || queued == 0;
}

static void carry_out_ending(struct connection *connection) {
  if (connection->to_client.length > 0) {
    return;
  }
  if (connection->tcp_ended) {
    finish(connection);
    return;
  }
  switch (connection->ending) {
    case END_WITH_FIN:
      (void)shutdown(connection->client, SHUT_WR);
      connection->phase = PHASE_DRAINING;
      break;
    case END_WITH_RESET:
      if (client_kernel_has_everything(connection)) {
        reset_client(connection);
      }
      break;
    case END_WITH_RESET_AFTER_BYTES:
      connection->phase = PHASE_AWAIT_BYTES;
      break;
  }
}

/* The alert has to be with the client before the reset, and unread bytes of the client's may already be with us. */
static void reset_once_bytes_came(struct connection *connection, bool readable) {
  if (connection->tcp_ended) {
    finish(connection);
  } else if (client_kernel_has_everything(connection) && (readable || BIO_ctrl_pending(connection->from_network) > 0)) {
    reset_client(connection);
  }
}

/* When one side has ended and all it sent has been handed on, tell the other. */
static void pass_on_ends(struct connection *connection) {
  const bool relays = connection->options->peer == PEER_CONNECT;
  if (connection->client_ended && relays && connection->to_upstream.length == 0 && !connection->upstream_ended) {
    (void)shutdown(connection->upstream, SHUT_WR);
  }
  const bool nothing_left = connection->plain.length == 0;
  if (nothing_left && (relays ? connection->upstream_ended : connection->client_ended)) {
    send_close_notify(connection);
    begin_ending(connection, END_WITH_FIN);
  }
}

static void note_end_of_tcp(struct connection *connection) {
  if (!connection->tcp_ended) {
    return;
  }
  report_client_end(connection, connection->tls_broken ? "closed" : "truncated");
  if (connection->phase == PHASE_DRAINING || connection->phase == PHASE_HANDSHAKE) {
    finish(connection);
  }
}

static int poll_timeout(struct connection *connection) {
  const bool counts_acknowledgements = connection->phase == PHASE_AWAIT_BYTES ||
                                       (connection->phase == PHASE_ENDING && connection->ending == END_WITH_RESET);
  /* Neither a file that appears nor an empty send queue wakes poll. */
  return is_paused(connection) || counts_acknowledgements ? POLL_FILE_MILLISECONDS : -1;
}

static void step(struct connection *connection, short client_events, short upstream_events) {
  const bool client_readable = (client_events & (POLLIN | POLLERR | POLLHUP)) != 0;
  if (connection->phase == PHASE_AWAIT_BYTES) {
    reset_once_bytes_came(connection, client_readable);
    return;
  }
  if (client_readable) {
    take_from_client(connection);
  }
  if ((upstream_events & (POLLIN | POLLERR | POLLHUP)) != 0) {
    take_from_upstream(connection);
  }
  if (connection->phase == PHASE_HANDSHAKE) {
    advance_handshake(connection);
  }
  if (!connection->tls_broken && (connection->phase == PHASE_OPEN || connection->phase == PHASE_DRAINING)) {
    read_plaintext(connection);
  }
  note_end_of_tcp(connection);
  serve_client(connection);
  if (connection->phase == PHASE_OPEN) {
    give_to_upstream(connection);
    pass_on_ends(connection);
  }
  if (connection->phase == PHASE_ENDING) {
    give_to_client(connection);
    carry_out_ending(connection);
  }
}

static bool wait_and_step(struct connection *connection) {
  const bool read_client = wants_client_bytes(connection);
  const bool read_upstream = wants_upstream_bytes(connection);
  const bool write_upstream = connection->to_upstream.length > 0 && connection->phase == PHASE_OPEN;
  struct pollfd descriptors[2] = {{.fd = connection->client}, {.fd = -1}};
  descriptors[0].events = (short)((read_client ? POLLIN : 0) | (connection->to_client.length > 0 ? POLLOUT : 0));
  if (descriptors[0].events == 0 && connection->tcp_ended) {
    descriptors[0].fd = -1; /* else the end of the stream would wake us again and again */
  }
  if (read_upstream || write_upstream) {
    descriptors[1].fd = connection->upstream;
    descriptors[1].events = (short)((read_upstream ? POLLIN : 0) | (write_upstream ? POLLOUT : 0));
  }
  if (poll(descriptors, 2, poll_timeout(connection)) < 0 && errno != EINTR) {
    complain("poll: %s", strerror(errno));
    return false;
  }
  step(connection, descriptors[0].revents, descriptors[1].revents);
  return true;
}

static bool open_tls(struct connection *connection, SSL_CTX *context) {
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
  SSL_set_app_data(connection->ssl, connection);
  SSL_set_accept_state(connection->ssl);
  return true;
}

static void tell_summary(const struct connection *connection) {
  const char *const subject = connection->certificate_subject;
  complain("%s %s, client certificate: %s, %llu bytes from the client, %llu to it", SSL_get_version(connection->ssl),
           SSL_get_cipher_name(connection->ssl), subject != NULL ? subject : "none",
           (unsigned long long)connection->received, (unsigned long long)connection->sent);
}

static int run_connection(const struct options *options, SSL_CTX *context, int client) {
  int status = EXIT_FAILURE;
  struct connection connection = {.options = options, .client = client, .upstream = -1, .phase = PHASE_HANDSHAKE};
  const int on = 1;
  if (!set_nonblocking(client) || setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
    complain("can't set up the client's socket: %s", strerror(errno));
  } else if (open_tls(&connection, context)) {
    if (options->stall_handshake) {
      connection.phase = PHASE_DRAINING;
      connection.tls_broken = true;
    }
    status = EXIT_SUCCESS;
    while (connection.phase != PHASE_DONE && status == EXIT_SUCCESS) {
      status = wait_and_step(&connection) ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    if (options->verbose) {
      tell_summary(&connection);
    }
  }
  SSL_free(connection.ssl);
  free(connection.certificate_subject);
  free(connection.to_client.data);
  free(connection.plain.data);
  free(connection.to_upstream.data);
  close_descriptor(&connection.client);
  close_descriptor(&connection.upstream);
  return status;
}

/* ---- accepting --------------------------------------------------------------------------------------------------- */

struct server {
  const struct options *options;
  SSL_CTX *context;
  int listener;
  int signals;
  sigset_t caller_mask;
  pid_t children[MAX_CHILDREN];
  size_t child_count;
  bool stop;
  int status;
};

/* Port 0 of loopback; the receive buffer is inherited by accepted sockets, and has to be set before they exist. */
static int listen_on_loopback(const struct options *options) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t length = sizeof address;
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener < 0) {
    complain("socket: %s", strerror(errno));
    return -1;
  }
  const int size = options->receive_buffer;
  if ((size > 0 && setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) != 0) ||
      bind(listener, (const struct sockaddr *)&address, sizeof address) != 0 || listen(listener, SOMAXCONN) != 0 ||
      getsockname(listener, (struct sockaddr *)&address, &length) != 0) {
    complain("can't listen: %s", strerror(errno));
    close_descriptor(&listener);
    return -1;
  }
  report("PORT %u", (unsigned)ntohs(address.sin_port));
  return listener;
}

static void start_child(struct server *server, int client) {
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child < 0) {
    complain("fork: %s", strerror(errno));
  } else if (child > 0) {
    server->children[server->child_count++] = child;
  } else {
    /* Dies with the parent, even if that is killed; unless it has gone already. */
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent) {
      exit(EXIT_FAILURE);
    }
    close_descriptor(&server->listener);
    close_descriptor(&server->signals);
    (void)sigprocmask(SIG_SETMASK, &server->caller_mask, NULL);
    const int status = run_connection(server->options, server->context, client);
    SSL_CTX_free(server->context);
    free(server->options->connect_host);
    exit(status);
  }
}

static void accept_client(struct server *server) {
  int client = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
  if (client < 0) {
    return;
  }
  if (server->child_count < MAX_CHILDREN) {
    start_child(server, client);
  } else {
    complain("more than %d connections at once", MAX_CHILDREN);
  }
  close_descriptor(&client);
  if (server->options->once) {
    close_descriptor(&server->listener);
  }
}

static void reap_children(struct server *server) {
  size_t kept = 0;
  for (size_t i = 0; i < server->child_count; i++) {
    int status = 0;
    if (waitpid(server->children[i], &status, WNOHANG) != server->children[i]) {
      server->children[kept++] = server->children[i];
    } else if (status != 0) {
      complain("a connection's process ended with status 0x%x", (unsigned)status);
      server->status = EXIT_FAILURE;
    }
  }
  server->child_count = kept;
}

static void end_children(struct server *server) {
  for (size_t i = 0; i < server->child_count; i++) {
    (void)kill(server->children[i], SIGKILL);
    (void)waitpid(server->children[i], NULL, 0);
  }
  server->child_count = 0;
}

static void take_signal(struct server *server) {
  struct signalfd_siginfo signal_information;
  if (read(server->signals, &signal_information, sizeof signal_information) != (ssize_t)sizeof signal_information) {
    return;
  }
  if (signal_information.ssi_signo == SIGCHLD) {
    reap_children(server);
  } else {
    server->stop = true;
  }
}

static void take_stdin(struct server *server) {
  char buffer[256];
  const ssize_t length = read(STDIN_FILENO, buffer, sizeof buffer);
  if (length == 0 || (length < 0 && !would_block())) {
    server->stop = true;
  }
}

static void serve(struct server *server) {
  while (!server->stop) {
    struct pollfd descriptors[3] = {
        {.fd = server->listener, .events = POLLIN},
        {.fd = server->signals, .events = POLLIN},
        {.fd = server->options->until_stdin_closes ? STDIN_FILENO : -1, .events = POLLIN},
    };
    if (poll(descriptors, 3, -1) < 0 && errno != EINTR) {
      complain("poll: %s", strerror(errno));
      server->status = EXIT_FAILURE;
      break;
    }
    if (descriptors[1].revents != 0) {
      take_signal(server);
    }
    if (descriptors[2].revents != 0) {
      take_stdin(server);
    }
    if (descriptors[0].revents != 0) {
      accept_client(server);
    }
    if (server->options->once && server->listener < 0 && server->child_count == 0) {
      break;
    }
  }
}

static bool watch_signals(struct server *server) {
  sigset_t signals;
  (void)sigemptyset(&signals);
  (void)sigaddset(&signals, SIGTERM);
  (void)sigaddset(&signals, SIGINT);
  (void)sigaddset(&signals, SIGCHLD);
  if (sigprocmask(SIG_BLOCK, &signals, &server->caller_mask) != 0) {
    complain("sigprocmask: %s", strerror(errno));
    return false;
  }
  server->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
  if (server->signals < 0) {
    complain("signalfd: %s", strerror(errno));
    return false;
  }
  return true;
}

static int run_server(struct options *options) {
  struct server server = {.options = options, .listener = -1, .signals = -1, .status = EXIT_FAILURE};
  server.context = new_context(options);
  if (server.context != NULL && watch_signals(&server)) {
    server.listener = listen_on_loopback(options);
    if (server.listener >= 0) {
      server.status = EXIT_SUCCESS;
      serve(&server);
    }
  }
  end_children(&server);
  close_descriptor(&server.listener);
  close_descriptor(&server.signals);
  SSL_CTX_free(server.context);
  return server.status;
}

/* ---- command line ------------------------------------------------------------------------------------------------ */

enum option_code {
  OPTION_CONNECT = 256,
  OPTION_ECHO,
  OPTION_SWALLOW,
  OPTION_SEND_FILE,
  OPTION_AMQP_HELLO,
  OPTION_CERTIFICATE,
  OPTION_KEY,
  OPTION_CA,
  OPTION_REQUIRE_CLIENT_CERTIFICATE,
  OPTION_TLS,
  OPTION_CIPHERS,
  OPTION_GROUPS,
  OPTION_SECURITY_LEVEL,
  OPTION_NO_EMS,
  OPTION_RENEGOTIATE,
  OPTION_STAPLE,
  OPTION_KEY_UPDATE_EVERY,
  OPTION_RECORD_SIZE,
  OPTION_TRUNCATE_AFTER,
  OPTION_RESET_AFTER,
  OPTION_CLOSE_NOTIFY_AFTER,
  OPTION_CORRUPT_AFTER,
  OPTION_WITHIN_RECORD,
  OPTION_STALL_HANDSHAKE,
  OPTION_PAUSE_READING_UNTIL,
  OPTION_PAUSE_READING_AFTER,
  OPTION_RECEIVE_BUFFER,
  OPTION_LATE_ALERT,
  OPTION_RESET_AFTER_ALERT,
  OPTION_ONCE,
  OPTION_UNTIL_STDIN_CLOSES,
  OPTION_VERBOSE,
  OPTION_HELP
};

static const struct option long_options[] = {
    {"connect", required_argument, NULL, OPTION_CONNECT},
    {"echo", no_argument, NULL, OPTION_ECHO},
    {"swallow", no_argument, NULL, OPTION_SWALLOW},
    {"send-file", required_argument, NULL, OPTION_SEND_FILE},
    {"amqp-hello", no_argument, NULL, OPTION_AMQP_HELLO},
    {"certificate", required_argument, NULL, OPTION_CERTIFICATE},
    {"key", required_argument, NULL, OPTION_KEY},
    {"ca", required_argument, NULL, OPTION_CA},
    {"require-client-certificate", no_argument, NULL, OPTION_REQUIRE_CLIENT_CERTIFICATE},
    {"tls", required_argument, NULL, OPTION_TLS},
    {"ciphers", required_argument, NULL, OPTION_CIPHERS},
    {"groups", required_argument, NULL, OPTION_GROUPS},
    {"security-level", required_argument, NULL, OPTION_SECURITY_LEVEL},
    {"no-ems", no_argument, NULL, OPTION_NO_EMS},
    {"renegotiate", no_argument, NULL, OPTION_RENEGOTIATE},
    {"staple", required_argument, NULL, OPTION_STAPLE},
    {"key-update-every", required_argument, NULL, OPTION_KEY_UPDATE_EVERY},
    {"record-size", required_argument, NULL, OPTION_RECORD_SIZE},
    {"truncate-after", required_argument, NULL, OPTION_TRUNCATE_AFTER},
    {"reset-after", required_argument, NULL, OPTION_RESET_AFTER},
    {"close-notify-after", required_argument, NULL, OPTION_CLOSE_NOTIFY_AFTER},
    {"corrupt-after", required_argument, NULL, OPTION_CORRUPT_AFTER},
    {"within-record", no_argument, NULL, OPTION_WITHIN_RECORD},
    {"stall-handshake", no_argument, NULL, OPTION_STALL_HANDSHAKE},
    {"pause-reading-until", required_argument, NULL, OPTION_PAUSE_READING_UNTIL},
    {"pause-reading-after", required_argument, NULL, OPTION_PAUSE_READING_AFTER},
    {"receive-buffer", required_argument, NULL, OPTION_RECEIVE_BUFFER},
    {"late-alert", required_argument, NULL, OPTION_LATE_ALERT},
    {"reset-after-alert", no_argument, NULL, OPTION_RESET_AFTER_ALERT},
    {"once", no_argument, NULL, OPTION_ONCE},
    {"until-stdin-closes", no_argument, NULL, OPTION_UNTIL_STDIN_CLOSES},
    {"verbose", no_argument, NULL, OPTION_VERBOSE},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static bool parse_number(const char *text, uint64_t most, uint64_t *number) {
  char *end = NULL;
  errno = 0;
  const unsigned long long value = strtoull(text, &end, 10);
  if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value > most) {
    complain("%s is not a number from 0 to %llu", text, (unsigned long long)most);
    return false;
  }
  *number = value;
  return true;
}

static bool choose_peer(struct options *options, enum peer peer) {
  if (options->peer != PEER_NONE) {
    complain("only one of --connect, --echo, --swallow and --send-file");
    return false;
  }
  options->peer = peer;
  return true;
}

static bool choose_fault(struct options *options, enum fault fault, const char *after) {
  if (options->fault != FAULT_NONE) {
    complain("only one of --truncate-after, --reset-after, --close-notify-after and --corrupt-after");
    return false;
  }
  options->fault = fault;
  return parse_number(after, UINT64_MAX, &options->fault_after);
}

static bool choose_connect(struct options *options, const char *text) {
  if (!choose_peer(options, PEER_CONNECT)) {
    return false;
  }
  options->connect_host = strdup(text);
  char *const colon = options->connect_host != NULL ? strrchr(options->connect_host, ':') : NULL;
  if (colon == NULL || colon[1] == '\0') {
    complain("--connect takes HOST:PORT, not %s", text);
    return false;
  }
  *colon = '\0';
  options->connect_port = colon + 1;
  return true;
}

static bool choose_tls(struct options *options, const char *text) {
  if (strcmp(text, "1.2") == 0) {
    options->tls_version = TLS1_2_VERSION;
  } else if (strcmp(text, "1.3") == 0) {
    options->tls_version = TLS1_3_VERSION;
  } else {
    complain("--tls takes 1.2 or 1.3, not %s", text);
    return false;
  }
  return true;
}

static bool choose_late_alert(struct options *options, const char *text) {
  uint64_t number = 0;
  if (!parse_number(text, 255, &number)) {
    return false;
  }
  options->late_alert = (long)number;
  if (!error_for_alert(options->late_alert, &options->late_error)) {
    complain("--late-alert can't send alert %s (see --help)", text);
    return false;
  }
  return true;
}

static bool take_number_option(struct options *options, int code, const char *text) {
  uint64_t number = 0;
  switch (code) {
    case OPTION_SECURITY_LEVEL:
      if (!parse_number(text, 5, &number)) {
        return false;
      }
      options->security_level = (int)number;
      return true;
    case OPTION_RECORD_SIZE:
      if (!parse_number(text, READ_SIZE, &number)) {
        return false;
      }
      options->record_size = (size_t)number;
      return true;
    case OPTION_RECEIVE_BUFFER:
      if (!parse_number(text, INT32_MAX, &number)) {
        return false;
      }
      options->receive_buffer = (int)number;
      return true;
    case OPTION_KEY_UPDATE_EVERY:
      return parse_number(text, UINT64_MAX, &options->key_update_every);
    case OPTION_PAUSE_READING_AFTER:
      return parse_number(text, UINT64_MAX, &options->pause_after);
    default:
      return false;
  }
}

static bool take_option(struct options *options, int code, char *argument) {
  switch (code) {
    case OPTION_CONNECT:
      return choose_connect(options, argument);
    case OPTION_ECHO:
      return choose_peer(options, PEER_ECHO);
    case OPTION_SWALLOW:
      return choose_peer(options, PEER_SWALLOW);
    case OPTION_SEND_FILE:
      options->send_file = argument;
      return choose_peer(options, PEER_SEND_FILE);
    case OPTION_AMQP_HELLO:
      options->amqp_hello = true;
      return true;
    case OPTION_CERTIFICATE:
      options->certificate = argument;
      return true;
    case OPTION_KEY:
      options->key = argument;
      return true;
    case OPTION_CA:
      options->ca = argument;
      return true;
    case OPTION_REQUIRE_CLIENT_CERTIFICATE:
      options->require_client_certificate = true;
      return true;
    case OPTION_TLS:
      return choose_tls(options, argument);
    case OPTION_CIPHERS:
      options->ciphers = argument;
      return true;
    case OPTION_GROUPS:
      options->groups = argument;
      return true;
    case OPTION_STAPLE:
      options->staple = argument;
      return true;
    case OPTION_NO_EMS:
      options->no_ems = true;
      return true;
    case OPTION_RENEGOTIATE:
      options->renegotiate = true;
      return true;
    case OPTION_TRUNCATE_AFTER:
      return choose_fault(options, FAULT_TRUNCATE, argument);
    case OPTION_RESET_AFTER:
      return choose_fault(options, FAULT_RESET, argument);
    case OPTION_CLOSE_NOTIFY_AFTER:
      return choose_fault(options, FAULT_CLOSE_NOTIFY, argument);
    case OPTION_CORRUPT_AFTER:
      return choose_fault(options, FAULT_CORRUPT, argument);
    case OPTION_WITHIN_RECORD:
      options->within_record = true;
      return true;
    case OPTION_STALL_HANDSHAKE:
      options->stall_handshake = true;
      return true;
    case OPTION_PAUSE_READING_UNTIL:
      options->pause_until = argument;
      return true;
    case OPTION_LATE_ALERT:
      return choose_late_alert(options, argument);
    case OPTION_RESET_AFTER_ALERT:
      options->reset_after_alert = true;
      return true;
    case OPTION_ONCE:
      options->once = true;
      return true;
    case OPTION_UNTIL_STDIN_CLOSES:
      options->until_stdin_closes = true;
      return true;
    case OPTION_VERBOSE:
      options->verbose = true;
      return true;
    case '?':
      return false; /* getopt_long has said why */
    default:
      return take_number_option(options, code, argument);
  }
}

static bool check_options(struct options *options) {
  if (options->certificate == NULL || options->key == NULL) {
    complain("--certificate and --key are needed (see --help)");
    return false;
  }
  if (options->require_client_certificate && options->ca == NULL && options->late_alert == 0) {
    complain("--require-client-certificate needs --ca");
    return false;
  }
  if (options->amqp_hello && options->peer == PEER_CONNECT) {
    complain("--amqp-hello and --connect do not go together");
    return false;
  }
  if (options->within_record && options->fault != FAULT_TRUNCATE && options->fault != FAULT_RESET) {
    complain("--within-record needs --truncate-after or --reset-after");
    return false;
  }
  if (options->pause_after > 0 && options->pause_until == NULL) {
    complain("--pause-reading-after needs --pause-reading-until");
    return false;
  }
  if (options->peer == PEER_NONE) {
    options->peer = PEER_SWALLOW;
  }
  return true;
}

int main(int argc, char **argv) {
  struct options options = {.security_level = -1};
  bool good = true;
  int status = 2;
  for (int code = 0; good && (code = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
    if (code == OPTION_HELP) {
      (void)fputs(usage_text, stdout);
      free(options.connect_host);
      return EXIT_SUCCESS;
    }
    good = take_option(&options, code, optarg);
  }
  if (good && optind < argc) {
    complain("unexpected argument %s (see --help)", argv[optind]);
    good = false;
  }
  if (good && check_options(&options)) {
    status = run_server(&options);
  }
  free(options.connect_host);
  return status;
}
