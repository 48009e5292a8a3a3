/* SPDX-License-Identifier: MIT */
/* From what is known about a failure to the cause that is told: a table, and which of two causes comes first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "memory_session.h"
#include "minted_certificates.h"
#include "tls/session_error.h"
#include "temporary_folder.h"
#include "backend/wolfssl_headers.h"

#include <wolfssl/error-ssl.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NO_ALERT 0
#define HANDSHAKE AMQP_WOLFSSL_STAGE_HANDSHAKE
#define SEND AMQP_WOLFSSL_STAGE_SEND
#define RECEIVE AMQP_WOLFSSL_STAGE_RECEIVE

/* What is known. */
struct situation {
  amqp_wolfssl_stage_t stage;
  int wolfssl_code;
  uint8_t alert; /* received and fatal */
  bool identity; /* we have a certificate */
  bool server_hello_seen;
  const char *speech; /* the peer's first bytes */
  bool end_of_stream;
  int recv_errno;
  int send_errno;
  bool out_of_memory;
  bool data_received;       /* AMQP */
  bool certificate_refused; /* by our own check */
  const char *groups;       /* the only ones that are offered; NULL: all of the policy */
  const char *name;         /* of the server; NULL: broker.test */
};

struct outcome {
  amqp_wolfssl_stage_t stage;
  amqp_wolfssl_code_t code;
  const char *words; /* stand in the sentence; NULL: any */
};

static struct memory_session *make_pair(bool identity) {
  struct memory_session_settings client = {
      .ca = "ca.pem", .certificate = identity ? "client.pem" : NULL, .key = "client.key", .name = "localhost"};
  struct memory_peer_settings server = {.certificate = temporary_folder_path("server.pem"),
                                        .key = temporary_folder_path("server.key")};

  return memory_session_new(&client, &server);
}

/* wolfSSL's history of alerts can be filled by an alert only. */
static void receive_alert(WOLFSSL *ssl, struct memory_session *pair, struct tls_io *io, uint8_t alert) {
  uint8_t record[] = {21, 3, 3, 0, 2, 2, alert};

  memory_pipe_put(&pair->peer->to_client, record, sizeof(record));
  assert_true(wolfSSL_connect(ssl) != WOLFSSL_SUCCESS);
  assert_int_equal(pair->peer->to_client.waiting, 0);
  assert_int_equal(io->read_ahead_length, 0);
}

static void set_io(struct tls_io *io, const struct situation *situation) {
  if (situation->speech != NULL) {
    peer_speech_watch(&io->speech, (const uint8_t *)situation->speech, strlen(situation->speech));
  }
  io->hello->complete = situation->server_hello_seen;
  io->end_of_stream = situation->end_of_stream;
  io->recv_errno = situation->recv_errno;
  io->send_errno = situation->send_errno;
  io->out_of_memory = situation->out_of_memory;
}

static void explain(const struct situation *situation, amqp_wolfssl_error_t *error) {
  struct memory_session *pair = make_pair(situation->identity);
  struct lower_socket lower = memory_peer_lower(pair->peer);
  WOLFSSL *ssl = tls_context_new_ssl(pair->context);
  struct peer_verification verification;
  struct session_failure failure;
  struct peer_name name;
  struct tls_io io;

  assert_non_null(ssl);
  assert_true(peer_name_parse(&name, situation->name != NULL ? situation->name : "broker.test"));
  if (situation->groups != NULL) {
    assert_int_equal(policy_limits_set_groups(&pair->settings.limits, situation->groups, error), AMQP_WOLFSSL_OK);
  }
  tls_io_init(&io, &lower);
  assert_true(tls_io_watch_handshake(&io));
  tls_io_attach(&io, ssl);
  wolfSSL_set_using_nonblock(ssl, 1);
  if (situation->alert != NO_ALERT) {
    receive_alert(ssl, pair, &io, situation->alert);
  }
  set_io(&io, situation);
  peer_verification_init(&verification, &pair->settings, &pair->trust, &name, NULL);
  if (situation->certificate_refused) {
    error_set(&verification.error, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "not the one");
  }
  failure = (struct session_failure){.ssl = ssl,
                                     .context = pair->context,
                                     .name = &name,
                                     .io = &io,
                                     .verification = &verification,
                                     .handshake_done = situation->stage != HANDSHAKE,
                                     .data_received = situation->data_received,
                                     .stage = situation->stage,
                                     .wolfssl_code = situation->wolfssl_code};
  memset(error, 0x5a, sizeof(*error)); /* whatever was there before is overwritten */
  session_error_explain(&failure, error);
  peer_verification_free(&verification);
  tls_io_free(&io);
  wolfSSL_free(ssl);
  memory_session_free(pair);
}

static void assert_outcome(const char *table, size_t row, const struct situation *situation,
                           const struct outcome *outcome) {
  amqp_wolfssl_error_t error;

  explain(situation, &error);
  if (error.code != outcome->code || error.stage != outcome->stage ||
      (outcome->words != NULL && strstr(error.message, outcome->words) == NULL)) {
    print_error("%s, row %zu: wanted %s/%s, got %s/%s: %s\n", table, row, amqp_wolfssl_stage_name(outcome->stage),
                amqp_wolfssl_code_name(outcome->code), amqp_wolfssl_stage_name(error.stage),
                amqp_wolfssl_code_name(error.code), error.message);
    fail();
  }
  assert_true(memchr(error.message, '\0', sizeof(error.message)) != NULL);
  assert_true(error.message[0] != '\0');
  assert_null(strchr(error.message, '\n'));
  assert_int_equal(error.wolfssl_code, situation->wolfssl_code);
  if (situation->alert != NO_ALERT && !situation->certificate_refused) {
    assert_int_equal(error.alert, situation->alert);
    assert_int_equal(error.alert_direction, AMQP_WOLFSSL_ALERT_RECEIVED_FROM_PEER);
  } else if (situation->alert == NO_ALERT) {
    assert_int_equal(error.alert, -1);
    assert_int_equal(error.alert_direction, AMQP_WOLFSSL_ALERT_NONE);
  }
}

struct row {
  struct situation situation;
  struct outcome outcome;
};

static void check_table(const char *name, const struct row *rows, size_t count) {
  for (size_t i = 0; i < count; i++) {
    assert_outcome(name, i, &rows[i].situation, &rows[i].outcome);
  }
}

/* ---- Alerts ---- */

static void test_alerts_in_the_handshake(void **state) {
  static const struct row rows[] = {
      {{.stage = HANDSHAKE, .wolfssl_code = FATAL_ERROR, .alert = 70, .identity = true},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_NO_SHARED_VERSION, "protocol_version"}},
      {{.stage = HANDSHAKE, .wolfssl_code = FATAL_ERROR, .alert = 40, .identity = true},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_NO_SHARED_SUITE, "handshake_failure"}},
      {{.stage = HANDSHAKE, .wolfssl_code = FATAL_ERROR, .alert = 71, .identity = true},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_NO_SHARED_SUITE, NULL}},
      {{.stage = HANDSHAKE, .wolfssl_code = FATAL_ERROR, .alert = 40, .identity = true, .server_hello_seen = true},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_REJECTED_OUR_CERTIFICATE, "CN=client1,O=Acme"}},
      {{.stage = HANDSHAKE, .wolfssl_code = FATAL_ERROR, .alert = 40, .server_hello_seen = true},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_REQUIRES_A_CERTIFICATE, "set certificate and key"}},
      {{.stage = HANDSHAKE, .wolfssl_code = FATAL_ERROR, .alert = 42, .identity = true},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_REJECTED_OUR_CERTIFICATE, NULL}},
      {{.stage = HANDSHAKE, .wolfssl_code = FATAL_ERROR, .alert = 43, .identity = true},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_REJECTED_OUR_CERTIFICATE, NULL}},
      {{.stage = HANDSHAKE, .wolfssl_code = FATAL_ERROR, .alert = 44, .identity = true},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_REJECTED_OUR_CERTIFICATE, NULL}},
      {{.stage = HANDSHAKE, .wolfssl_code = FATAL_ERROR, .alert = 45, .identity = true},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_REJECTED_OUR_CERTIFICATE, "compare the clocks"}},
      {{.stage = HANDSHAKE, .wolfssl_code = FATAL_ERROR, .alert = 46, .identity = true},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_REJECTED_OUR_CERTIFICATE, NULL}},
      {{.stage = HANDSHAKE, .wolfssl_code = FATAL_ERROR, .alert = 48, .identity = true},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_REJECTED_OUR_CERTIFICATE, "CN=Acme Test Root"}},
      {{.stage = HANDSHAKE, .wolfssl_code = FATAL_ERROR, .alert = 49, .identity = true},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_REJECTED_OUR_CERTIFICATE, NULL}},
      {{.stage = HANDSHAKE, .wolfssl_code = FATAL_ERROR, .alert = 42},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_REQUIRES_A_CERTIFICATE, NULL}},
      {{.stage = HANDSHAKE, .wolfssl_code = FATAL_ERROR, .alert = 116},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_REQUIRES_A_CERTIFICATE, "certificate_required"}},
      {{.stage = HANDSHAKE, .wolfssl_code = FATAL_ERROR, .alert = 112},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_ALERT_RECEIVED, "broker.test"}},
      {{.stage = HANDSHAKE, .wolfssl_code = FATAL_ERROR, .alert = 80},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_ALERT_RECEIVED, "internal_error"}},
      {{.stage = HANDSHAKE, .wolfssl_code = FATAL_ERROR, .alert = 51},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_ALERT_RECEIVED, "decrypt_error"}},
  };

  (void)state;
  check_table("alerts in the handshake", rows, COUNT_OF(rows));
}

/* The advice names the groups that this client offers, and no others. */
static void test_advice_without_a_shared_group(void **state) {
  static const uint8_t alerts[] = {40, 71};
  amqp_wolfssl_error_t error;

  (void)state;
  for (size_t i = 0; i < COUNT_OF(alerts); i++) {
    explain(&(struct situation){.stage = HANDSHAKE, .wolfssl_code = FATAL_ERROR, .alert = alerts[i]}, &error);
    assert_int_equal(error.code, AMQP_WOLFSSL_ERROR_NO_SHARED_SUITE);
    assert_non_null(strstr(error.message, "one of the groups secp256r1, secp384r1, secp521r1"));
    explain(
        &(struct situation){.stage = HANDSHAKE, .wolfssl_code = FATAL_ERROR, .alert = alerts[i], .groups = "secp384r1"},
        &error);
    assert_int_equal(error.code, AMQP_WOLFSSL_ERROR_NO_SHARED_SUITE);
    assert_non_null(strstr(error.message, "secp384r1"));
    assert_null(strstr(error.message, "P-256"));
    assert_null(strstr(error.message, "secp256r1"));
    assert_null(strstr(error.message, "secp521r1"));
  }
}

/* An address is not sent as server name, so there is none that the broker could refuse. */
static void test_no_server_name_for_an_address(void **state) {
  amqp_wolfssl_error_t error;

  (void)state;
  explain(&(struct situation){.stage = HANDSHAKE, .wolfssl_code = FATAL_ERROR, .alert = 112, .name = "192.0.2.1"},
          &error);
  assert_int_equal(error.code, AMQP_WOLFSSL_ERROR_ALERT_RECEIVED);
  assert_null(strstr(error.message, "\"\""));
  assert_non_null(strstr(error.message, "requires a server name"));
}

static void test_alerts_after_the_handshake(void **state) {
  static const struct row rows[] = {
      {{.stage = RECEIVE, .wolfssl_code = FATAL_ERROR, .alert = 116},
       {RECEIVE, AMQP_WOLFSSL_ERROR_REQUIRES_A_CERTIFICATE, NULL}},
      {{.stage = RECEIVE, .wolfssl_code = FATAL_ERROR, .alert = 42, .identity = true},
       {RECEIVE, AMQP_WOLFSSL_ERROR_REJECTED_OUR_CERTIFICATE, NULL}},
      {{.stage = RECEIVE, .wolfssl_code = FATAL_ERROR, .alert = 40, .identity = true},
       {RECEIVE, AMQP_WOLFSSL_ERROR_REJECTED_OUR_CERTIFICATE, NULL}},
      {{.stage = RECEIVE, .wolfssl_code = FATAL_ERROR, .alert = 20, .identity = true},
       {RECEIVE, AMQP_WOLFSSL_ERROR_ALERT_RECEIVED, "bad_record_mac"}},
      /* The send broke, and the alert says why. */
      {{.stage = SEND, .wolfssl_code = 0, .alert = 48, .identity = true, .send_errno = EPIPE},
       {SEND, AMQP_WOLFSSL_ERROR_REJECTED_OUR_CERTIFICATE, NULL}},
      {{.stage = SEND, .wolfssl_code = 0, .alert = 116, .send_errno = ECONNRESET, .end_of_stream = true},
       {SEND, AMQP_WOLFSSL_ERROR_REQUIRES_A_CERTIFICATE, NULL}},
      {{.stage = SEND, .wolfssl_code = 0, .alert = 80, .recv_errno = ECONNRESET},
       {SEND, AMQP_WOLFSSL_ERROR_ALERT_RECEIVED, NULL}},
  };

  (void)state;
  check_table("alerts after the handshake", rows, COUNT_OF(rows));
}

/* ---- No alert ---- */

static void test_handshake(void **state) {
  static const struct row rows[] = {
      {{.stage = HANDSHAKE, .wolfssl_code = SOCKET_PEER_CLOSED_E, .end_of_stream = true},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_PEER_CLOSED_IN_HANDSHAKE, NULL}},
      {{.stage = HANDSHAKE, .wolfssl_code = SOCKET_ERROR_E, .end_of_stream = true},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_PEER_CLOSED_IN_HANDSHAKE, NULL}},
      {{.stage = HANDSHAKE, .wolfssl_code = SOCKET_ERROR_E, .recv_errno = ECONNRESET},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_CONNECTION_LOST, "reset"}},
      {{.stage = HANDSHAKE, .wolfssl_code = 0, .send_errno = EPIPE},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_CONNECTION_LOST, "Broken pipe"}},
      {{.stage = HANDSHAKE, .wolfssl_code = SOCKET_ERROR_E, .speech = "AMQP"},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_PEER_CLOSED_IN_HANDSHAKE, NULL}},
      {{.stage = HANDSHAKE, .wolfssl_code = UNKNOWN_RECORD_TYPE, .speech = "HTTP/1.1 400 Bad Request"},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_PEER_NOT_TLS, "HTTP/1.1 400"}},
      {{.stage = HANDSHAKE, .wolfssl_code = UNKNOWN_RECORD_TYPE, .speech = "SSH-2.0-OpenSSH_9.2\r\n"},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_PEER_NOT_TLS, "SSH-2.0"}},
      {{.stage = HANDSHAKE, .wolfssl_code = VERSION_ERROR, .identity = true},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_NO_SHARED_VERSION, NULL}},
      {{.stage = HANDSHAKE, .wolfssl_code = MATCH_SUITE_ERROR, .identity = true},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_NO_SHARED_SUITE, NULL}},
      {{.stage = HANDSHAKE, .wolfssl_code = -9999}, {HANDSHAKE, AMQP_WOLFSSL_ERROR_HANDSHAKE_FAILED, "-9999"}},
      {{.stage = HANDSHAKE, .wolfssl_code = 0}, {HANDSHAKE, AMQP_WOLFSSL_ERROR_HANDSHAKE_FAILED, NULL}},
      {{.stage = HANDSHAKE, .wolfssl_code = MEMORY_E}, {HANDSHAKE, AMQP_WOLFSSL_ERROR_NO_MEMORY, NULL}},
      {{.stage = HANDSHAKE, .wolfssl_code = SOCKET_ERROR_E, .out_of_memory = true},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_NO_MEMORY, NULL}},
      {{.stage = HANDSHAKE, .wolfssl_code = ASN_NO_SIGNER_E},
       {AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_UNKNOWN_CA, NULL}},
      {{.stage = HANDSHAKE, .wolfssl_code = VERIFY_CERT_ERROR, .certificate_refused = true},
       {AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "not the one"}},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    struct row row = rows[i];

    if (row.situation.speech != NULL && strcmp(row.situation.speech, "AMQP") == 0) {
      row.situation.end_of_stream = true; /* four bytes may still become a TLS server's */
      row.outcome.code = AMQP_WOLFSSL_ERROR_PEER_SPEAKS_PLAIN_AMQP;
    }
    assert_outcome("handshake", i, &row.situation, &row.outcome);
  }
}

static void test_after_the_handshake(void **state) {
  static const struct row rows[] = {
      {{.stage = RECEIVE, .wolfssl_code = SOCKET_PEER_CLOSED_E, .end_of_stream = true},
       {RECEIVE, AMQP_WOLFSSL_ERROR_TRUNCATED, "close_notify"}},
      {{.stage = RECEIVE, .wolfssl_code = SOCKET_ERROR_E, .end_of_stream = true},
       {RECEIVE, AMQP_WOLFSSL_ERROR_TRUNCATED, NULL}},
      {{.stage = RECEIVE, .wolfssl_code = SOCKET_ERROR_E, .recv_errno = ETIMEDOUT},
       {RECEIVE, AMQP_WOLFSSL_ERROR_CONNECTION_LOST, "timed out"}},
      {{.stage = SEND, .wolfssl_code = 0, .send_errno = EPIPE},
       {SEND, AMQP_WOLFSSL_ERROR_CONNECTION_LOST, "Broken pipe"}},
      {{.stage = SEND, .wolfssl_code = 0, .send_errno = EPIPE, .end_of_stream = true},
       {SEND, AMQP_WOLFSSL_ERROR_CONNECTION_LOST, NULL}},
      {{.stage = RECEIVE, .wolfssl_code = VERIFY_MAC_ERROR}, {RECEIVE, AMQP_WOLFSSL_ERROR_RECORD_CORRUPT, NULL}},
      {{.stage = RECEIVE, .wolfssl_code = DECRYPT_ERROR}, {RECEIVE, AMQP_WOLFSSL_ERROR_RECORD_CORRUPT, NULL}},
      {{.stage = RECEIVE, .wolfssl_code = OUT_OF_ORDER_E}, {RECEIVE, AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION, NULL}},
      {{.stage = RECEIVE, .wolfssl_code = UNKNOWN_RECORD_TYPE}, {RECEIVE, AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION, NULL}},
      {{.stage = RECEIVE, .wolfssl_code = -9999}, {RECEIVE, AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION, "-9999"}},
      {{.stage = SEND, .wolfssl_code = FIPS_NOT_ALLOWED_E}, {SEND, AMQP_WOLFSSL_ERROR_FIPS_MODULE, NULL}},
      {{.stage = SEND, .wolfssl_code = MEMORY_E}, {SEND, AMQP_WOLFSSL_ERROR_NO_MEMORY, NULL}},
      {{.stage = SEND, .wolfssl_code = SOCKET_ERROR_E, .out_of_memory = true},
       {SEND, AMQP_WOLFSSL_ERROR_NO_MEMORY, NULL}},
      /* The first bytes of the handshake explain nothing any more. */
      {{.stage = RECEIVE, .wolfssl_code = SOCKET_ERROR_E, .speech = "HTTP/1.1", .end_of_stream = true},
       {RECEIVE, AMQP_WOLFSSL_ERROR_TRUNCATED, NULL}},
      /* Nor does a verdict on a certificate that was accepted. */
      {{.stage = RECEIVE, .wolfssl_code = SOCKET_ERROR_E, .end_of_stream = true, .certificate_refused = true},
       {RECEIVE, AMQP_WOLFSSL_ERROR_TRUNCATED, NULL}},
  };

  (void)state;
  check_table("after the handshake", rows, COUNT_OF(rows));
}

/* Stunnel with no broker behind it, or haproxy that expects the PROXY protocol: both just reset the connection. */
static void test_ends_before_any_amqp_hint_at_proxies(void **state) {
  static const struct {
    struct situation situation;
    const char *hint; /* NULL: none */
  } rows[] = {
      {{.stage = HANDSHAKE, .wolfssl_code = SOCKET_ERROR_E, .recv_errno = ECONNRESET}, "the PROXY protocol"},
      {{.stage = HANDSHAKE, .wolfssl_code = 0, .send_errno = EPIPE}, "the PROXY protocol"},
      {{.stage = RECEIVE, .wolfssl_code = SOCKET_ERROR_E, .recv_errno = ECONNRESET}, "no broker behind it"},
      {{.stage = SEND, .wolfssl_code = 0, .send_errno = EPIPE}, "no broker behind it"},
      {{.stage = RECEIVE, .wolfssl_code = SOCKET_PEER_CLOSED_E, .end_of_stream = true}, "no broker behind it"},
      {{.stage = RECEIVE, .wolfssl_code = SOCKET_ERROR_E, .recv_errno = ECONNRESET, .data_received = true}, NULL},
      {{.stage = SEND, .wolfssl_code = 0, .send_errno = EPIPE, .data_received = true}, NULL},
      {{.stage = RECEIVE, .wolfssl_code = SOCKET_PEER_CLOSED_E, .end_of_stream = true, .data_received = true}, NULL},
      {{.stage = RECEIVE, .wolfssl_code = SOCKET_ERROR_E, .recv_errno = ETIMEDOUT}, NULL}, /* that is the network */
      {{.stage = HANDSHAKE, .wolfssl_code = SOCKET_ERROR_E, .recv_errno = EHOSTUNREACH}, NULL},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    amqp_wolfssl_error_t error;

    explain(&rows[i].situation, &error);
    if ((strstr(error.message, "proxy") != NULL) != (rows[i].hint != NULL) ||
        (rows[i].hint != NULL && strstr(error.message, rows[i].hint) == NULL)) {
      fail_msg("row %zu: %s", i, error.message);
    }
  }
}

/* ---- Two causes at once ---- */

static void test_order_of_causes(void **state) {
  static const struct row rows[] = {
      /* What we refused explains the alert that the peer sent in answer, not the other way round. */
      {{.stage = HANDSHAKE,
        .wolfssl_code = VERIFY_CERT_ERROR,
        .alert = 46,
        .identity = true,
        .certificate_refused = true},
       {AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_NAME_MISMATCH, NULL}},
      /* An alert explains more than the end of the stream or an errno. */
      {{.stage = HANDSHAKE, .wolfssl_code = SOCKET_ERROR_E, .alert = 70, .end_of_stream = true},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_NO_SHARED_VERSION, NULL}},
      {{.stage = HANDSHAKE, .wolfssl_code = SOCKET_ERROR_E, .alert = 40, .recv_errno = ECONNRESET},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_NO_SHARED_SUITE, NULL}},
      /* What the peer speaks explains more than wolfSSL's code for it. */
      {{.stage = HANDSHAKE, .wolfssl_code = VERSION_ERROR, .speech = "HTTP/1.1 400 Bad Request"},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_PEER_NOT_TLS, NULL}},
      {{.stage = HANDSHAKE,
        .wolfssl_code = SOCKET_ERROR_E,
        .speech = "220 mail.test ESMTP ready\r\n",
        .recv_errno = ECONNRESET},
       {HANDSHAKE, AMQP_WOLFSSL_ERROR_PEER_NOT_TLS, NULL}},
      /* A known code explains more than an errno. */
      {{.stage = RECEIVE, .wolfssl_code = VERIFY_MAC_ERROR, .recv_errno = ECONNRESET},
       {RECEIVE, AMQP_WOLFSSL_ERROR_RECORD_CORRUPT, NULL}},
  };

  (void)state;
  check_table("order of causes", rows, COUNT_OF(rows));
}

/* ---- Hints about our own certificate ---- */

static void assert_hint(const char *certificate, const char *key, uint8_t alert, const char *words) {
  struct memory_session_settings client = {.ca = "ca.pem", .certificate = certificate, .key = key, .name = "localhost"};
  struct memory_peer_settings server = {.certificate = temporary_folder_path("server.pem"),
                                        .key = temporary_folder_path("server.key")};
  struct memory_session *pair = memory_session_new(&client, &server);
  uint8_t record[] = {21, 3, 3, 0, 2, 2, alert};

  memory_pipe_put(&pair->peer->to_client, record, sizeof(record));
  assert_int_equal(session_handshake(pair->session, &pair->facts), SESSION_FAILED);
  assert_int_equal(pair->error.code, AMQP_WOLFSSL_ERROR_REJECTED_OUR_CERTIFICATE);
  print_message("%s\n", pair->error.message);
  assert_non_null(strstr(pair->error.message, words));
  assert_int_equal(pair->error.certificate_depth, 0);
  assert_true(pair->error.certificate_subject[0] != '\0');
  memory_session_free(pair);
}

static void test_hints(void **state) {
  (void)state;
  assert_hint("client-expired.pem", "client-expired.key", 45, "it expired on");
  assert_hint("client-expired.pem", "client-expired.key", 42, "it expired on");
  assert_hint("client-not-yet-valid.pem", "client-not-yet-valid.key", 42, "it is not valid until");
  assert_hint("client-server-eku.pem", "client-server-eku.key", 43, "clientAuth");
  assert_hint("client-chain-leaf-only.pem", "client-chain.key", 48, "(certificates sent: 1)");
  assert_hint("client-chain.pem", "client-chain.key", 48, "(certificates sent: 2)");
  assert_hint("client-rsa.pem", "client-rsa.key", 46, "broker's log");
}

/* ---- */

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_alerts_in_the_handshake),
      cmocka_unit_test(test_advice_without_a_shared_group),
      cmocka_unit_test(test_no_server_name_for_an_address),
      cmocka_unit_test(test_alerts_after_the_handshake),
      cmocka_unit_test(test_handshake),
      cmocka_unit_test(test_after_the_handshake),
      cmocka_unit_test(test_ends_before_any_amqp_hint_at_proxies),
      cmocka_unit_test(test_order_of_causes),
      cmocka_unit_test(test_hints),
  };

  return cmocka_run_group_tests(tests, minted_certificates_set_up, minted_certificates_tear_down);
}
