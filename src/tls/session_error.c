/* SPDX-License-Identifier: MIT */
/*
 * From "something failed" to a sentence. The order matters: what the peer said of itself (plain AMQP, an alert)
 * explains more than wolfSSL's code, and wolfSSL's code more than the socket's errno.
 */
#include "autoconfig.h"

#include "tls/session_error.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "x509/certificate.h"
#include "backend/fips_module.h"
#include "tls/record_fault.h"
#include "identity/pkcs11_token.h"
#include "identity/token_signature.h"
#include "backend/wolfssl_error.h"
#include "backend/wolfssl_headers.h"

#include <wolfssl/error-ssl.h>

enum {
  ALERT_LEVEL_FATAL = 2,
  ALERT_CLOSE_NOTIFY = 0,
  ALERT_HANDSHAKE_FAILURE = 40,
  ALERT_CERTIFICATE_REVOKED = 44,
  ALERT_CERTIFICATE_EXPIRED = 45,
  ALERT_UNKNOWN_CA = 48,
  ALERT_PROTOCOL_VERSION = 70,
  ALERT_INSUFFICIENT_SECURITY = 71,
  ALERT_INTERNAL_ERROR = 80,
  ALERT_UNRECOGNIZED_NAME = 112,
  ALERT_BAD_CERTIFICATE_STATUS_RESPONSE = 113,
  ALERT_CERTIFICATE_REQUIRED = 116
};

/* It loses its place in the message where there are more (MAX_CHAIN_DEPTH). */
#define CHAIN_READ_BY_WOLFSSL 9

/* ---- Alerts ---- */

static void read_alerts(const struct session_failure *failure, int *received, int *sent) {
  WOLFSSL_ALERT_HISTORY history;

  *received = -1;
  *sent = -1;
  memset(&history, 0, sizeof(history));
  if (wolfSSL_get_alert_history(failure->ssl, &history) != WOLFSSL_SUCCESS) {
    return;
  }
  /* A warning explains nothing. TLS 1.3 has only two, whatever the level says (RFC 8446, section 6). */
  if ((history.last_rx.level == ALERT_LEVEL_FATAL || failure->wolfssl_code == FATAL_ERROR) &&
      history.last_rx.code >= 0) {
    *received = history.last_rx.code;
  }
  if (history.last_tx.level > 0 && history.last_tx.code >= 0) {
    *sent = history.last_tx.code;
  }
}

static bool read_own_certificate(const struct session_failure *failure, struct certificate *own) {
  const struct certificate_list *chain = &tls_context_credentials(failure->context)->chain;

  return chain->count > 0 && certificate_read(own, chain->items[0].bytes, chain->items[0].length);
}

/* Adds what can be seen from here of why the broker rejected our certificate. */
static void add_hint(const struct session_failure *failure, int alert, const struct certificate *own,
                     amqp_wolfssl_error_t *error) {
  const enum certificate_validity validity = certificate_validity_at(own, (int64_t)time(NULL));
  char text[ERROR_SUBJECT_LENGTH];

  if (validity == CERTIFICATE_EXPIRED) {
    error_append_date(error, "; it expired on ", own->not_after, ": renew it");
    return;
  }
  if (validity == CERTIFICATE_NOT_YET_VALID) {
    error_append_date(error, "; it is not valid until ", own->not_before, ": check its dates and the clocks");
    return;
  }
  if (alert == ALERT_CERTIFICATE_EXPIRED) {
    error_append_date(error, "; by this machine's clock it is valid until ", own->not_after, ": compare the clocks");
    return;
  }
  if (own->has_extended_key_usage && (own->purposes & (CERTIFICATE_PURPOSE_CLIENT | CERTIFICATE_PURPOSE_ANY)) == 0) {
    error_append(error, "; its extended key usage lacks clientAuth: have it reissued for a client");
    return;
  }
  if (alert == ALERT_UNKNOWN_CA) {
    certificate_format_name(own->issuer, text, sizeof(text));
    error_append(
        error,
        "; it was issued by \"%s\": the broker's cacertfile must contain that CA or the root above it, and the "
        "client's file must contain the intermediates after the certificate (certificates sent: %zu)",
        text, tls_context_credentials(failure->context)->chain.count);
    return;
  }
  error_append(error, "; see the broker's log for its reason");
}

static void explain_rejection(const struct session_failure *failure, int alert, amqp_wolfssl_error_t *error) {
  struct certificate own;
  char subject[ERROR_SUBJECT_LENGTH];

  if (!read_own_certificate(failure, &own)) {
    error_set(error, failure->stage, AMQP_WOLFSSL_ERROR_REQUIRES_A_CERTIFICATE,
              "the broker requires a client certificate and none is configured (alert %d, %s); set certificate and key",
              alert, amqp_wolfssl_alert_name(alert));
    return;
  }
  certificate_format_name(own.subject, subject, sizeof(subject));
  error_set(error, failure->stage, AMQP_WOLFSSL_ERROR_REJECTED_OUR_CERTIFICATE,
            "the broker rejected your certificate: %s (alert %d); its subject is \"%s\"",
            amqp_wolfssl_alert_name(alert), alert, subject);
  add_hint(failure, alert, &own, error);
  error_set_certificate(error, 0, subject);
}

/* handshake_failure says little. Once the server has chosen version and suite, all that is left to reject is the
   certificate. */
static bool is_verdict_on_certificate(const struct session_failure *failure, int alert) {
  bool chosen = failure->handshake_done || (failure->io->hello != NULL && failure->io->hello->complete);

  return error_alert_is_about_certificate(alert) || (alert == ALERT_HANDSHAKE_FAILURE && chosen);
}

static void explain_nothing_in_common(const struct session_failure *failure, int alert, amqp_wolfssl_error_t *error) {
  const struct policy_limits *limits = &tls_context_settings(failure->context)->limits;

  error_set(error, failure->stage, AMQP_WOLFSSL_ERROR_NO_SHARED_SUITE,
            "the broker found no cipher suite, key exchange group or signature algorithm in common (alert %d, %s); "
            "enable on the broker a cipher suite that this client offers, and one of the groups ",
            alert, amqp_wolfssl_alert_name(alert));
  for (size_t i = 0; i < limits->group_count; i++) {
    error_append(error, "%s%s", i > 0 ? ", " : "", policy_group_name(limits->groups[i]));
  }
}

static void explain_unrecognized_name(const struct session_failure *failure, int alert, amqp_wolfssl_error_t *error) {
  const char *sent = failure->name != NULL ? peer_name_for_sni(failure->name) : NULL;

  if (sent != NULL) {
    error_set(error, failure->stage, AMQP_WOLFSSL_ERROR_ALERT_RECEIVED,
              "the broker does not know the name \"%s\" (alert %d, %s); set the server name it expects", sent, alert,
              amqp_wolfssl_alert_name(alert));
  } else {
    error_set(error, failure->stage, AMQP_WOLFSSL_ERROR_ALERT_RECEIVED,
              "the broker requires a server name (alert %d, %s), and none was sent; connect by a DNS name, or set the "
              "server name it expects",
              alert, amqp_wolfssl_alert_name(alert));
  }
}

static void explain_received_alert(const struct session_failure *failure, int alert, amqp_wolfssl_error_t *error) {
  const char *name = amqp_wolfssl_alert_name(alert);

  if (is_verdict_on_certificate(failure, alert)) {
    explain_rejection(failure, alert, error);
  } else if (alert == ALERT_PROTOCOL_VERSION) {
    error_set(error, failure->stage, AMQP_WOLFSSL_ERROR_NO_SHARED_VERSION,
              "the broker accepts none of the TLS versions offered (alert %d, %s); enable TLS 1.2 or 1.3 on the broker "
              "(ssl_options.versions), or widen the range here",
              alert, name);
  } else if (alert == ALERT_HANDSHAKE_FAILURE || alert == ALERT_INSUFFICIENT_SECURITY) {
    explain_nothing_in_common(failure, alert, error);
  } else if (alert == ALERT_UNRECOGNIZED_NAME) {
    explain_unrecognized_name(failure, alert, error);
  } else {
    error_set(error, failure->stage, AMQP_WOLFSSL_ERROR_ALERT_RECEIVED,
              "the broker ended the connection with alert %d (%s); see its log for the reason", alert, name);
  }
  error->wolfssl_code = failure->wolfssl_code;
  error_set_alert(error, alert, AMQP_WOLFSSL_ALERT_RECEIVED_FROM_PEER);
}

/* ---- A peer that does not speak TLS ---- */

static bool explain_speech(const struct session_failure *failure, amqp_wolfssl_error_t *error) {
  const struct peer_speech *speech = &failure->io->speech;
  char sample[4 * PEER_SPEECH_SAMPLE_LENGTH + 1];

  if (failure->handshake_done) {
    return false;
  }
  switch (speech->kind) {
    case PEER_SPEECH_PLAIN_AMQP:
      error_set(error, AMQP_WOLFSSL_STAGE_HANDSHAKE, AMQP_WOLFSSL_ERROR_PEER_SPEAKS_PLAIN_AMQP,
                "this port speaks AMQP without TLS; connect to the broker's TLS port (5671 by default, "
                "listeners.ssl.default)");
      return true;
    case PEER_SPEECH_OTHER:
      peer_speech_format_sample(speech, sample, sizeof(sample));
      error_set(error, AMQP_WOLFSSL_STAGE_HANDSHAKE, AMQP_WOLFSSL_ERROR_PEER_NOT_TLS,
                "this port does not speak TLS; its reply begins with \"%s\"; check host and port", sample);
      return true;
    case PEER_SPEECH_UNKNOWN:
    case PEER_SPEECH_TLS:
      break;
  }
  return false;
}

/* ---- The socket below ---- */

/* Proxies just hang up: stunnel when no broker is behind it, haproxy when it expects the PROXY protocol first. */
static void add_proxy_hint(const struct session_failure *failure, amqp_wolfssl_error_t *error) {
  if (!failure->handshake_done) {
    error_append(error,
                 "; if there is a proxy or load balancer in between, it may have no broker behind it, or expect the "
                 "PROXY protocol");
  } else if (!failure->data_received) {
    error_append(error,
                 "; if there is a proxy or load balancer in between, it may have no broker behind it, or have rejected "
                 "your certificate");
  }
}

static bool explain_broken_socket(const struct session_failure *failure, amqp_wolfssl_error_t *error) {
  int broken = failure->io->recv_errno != 0 ? failure->io->recv_errno : failure->io->send_errno;

  if (broken == 0) {
    return false;
  }
  error_set(error, failure->stage, AMQP_WOLFSSL_ERROR_CONNECTION_LOST, "the connection was lost: %s%s",
            strerror(broken), failure->handshake_done ? "" : " (during the TLS handshake)");
  if (broken == ECONNRESET || broken == EPIPE) {
    add_proxy_hint(failure, error);
  }
  return true;
}

static bool explain_end_of_stream(const struct session_failure *failure, amqp_wolfssl_error_t *error) {
  if (!failure->io->end_of_stream) {
    return false;
  }
  if (failure->handshake_done) {
    error_set(error, failure->stage, AMQP_WOLFSSL_ERROR_TRUNCATED,
              "the connection ended without a TLS close_notify: the broker died, or something cut the connection");
    add_proxy_hint(failure, error);
  } else {
    error_set(error, failure->stage, AMQP_WOLFSSL_ERROR_PEER_CLOSED_IN_HANDSHAKE,
              "the peer closed the connection during the TLS handshake%s",
              failure->io->bytes_received == 0
                  ? " without sending anything; it may not speak TLS, or a proxy or firewall may be in between"
                  : "; see its log for the reason");
  }
  return true;
}

/* An end of stream while receiving explains why a later send failed (some builds send an alert then), not the other way
   round. */
static bool explain_lost_connection(const struct session_failure *failure, amqp_wolfssl_error_t *error) {
  bool was_receiving = failure->wolfssl_code != 0 && failure->io->recv_errno == 0;

  if (was_receiving && explain_end_of_stream(failure, error)) {
    return true;
  }
  return explain_broken_socket(failure, error) || explain_end_of_stream(failure, error);
}

/* ---- Our own token ---- */

static bool explain_token(const struct session_failure *failure, amqp_wolfssl_error_t *error) {
  const struct pkcs11_token *token = tls_context_credentials(failure->context)->token;

  if (token == NULL || !token_signature_failed(failure->wolfssl_code)) {
    return false;
  }
  error_set(error, failure->stage, AMQP_WOLFSSL_ERROR_TOKEN_FAILED,
            "the token could not sign with the private key %s: %s; a token that was unplugged needs a new config",
            pkcs11_token_name(token), pkcs11_token_failure(token));
  return true;
}

/* ---- wolfSSL's code ---- */

/* For a certificate request of TLS 1.2, wolfSSL looks for an algorithm of the kind of the broker's key. */
static bool explain_certificate_request(const struct session_failure *failure, amqp_wolfssl_error_t *error) {
  enum { CERTIFICATE_REQUEST = 13, SERVER_HELLO_DONE = 14 };
  const struct server_hello *hello = failure->io->hello;

  if (failure->handshake_done || hello == NULL || failure->wolfssl_code != INVALID_PARAMETER ||
      (hello->message_type != CERTIFICATE_REQUEST && hello->message_type != SERVER_HELLO_DONE)) {
    return false;
  }
  error_set(error, failure->stage, AMQP_WOLFSSL_ERROR_HANDSHAKE_FAILED,
            "wolfSSL found no signature algorithm for your certificate in the broker's request for one; enable TLS 1.3 "
            "on the broker, or use a certificate whose key is of the same kind (RSA, EC) as the broker's");
  return true;
}

/* RFC 8446, section 5.1, and RFC 5246, section 6.2.1, allow to split a message anywhere. */
static bool explain_split_header(const struct session_failure *failure, amqp_wolfssl_error_t *error) {
  const struct server_hello *hello = failure->io->hello;

  if (failure->handshake_done || hello == NULL || !hello->header_was_split || failure->wolfssl_code == 0 ||
      wolfssl_error_find_cause(failure->wolfssl_code) != NULL) {
    return false;
  }
  error_set(error, failure->stage, AMQP_WOLFSSL_ERROR_HANDSHAKE_FAILED,
            "the broker sent a record with less than the four bytes that a handshake message starts with, which this "
            "wolfSSL can't read although TLS allows it (wolfSSL: %d); use a newer wolfSSL, or have the broker send "
            "larger records",
            failure->wolfssl_code);
  return true;
}

static void explain_wolfssl_code(const struct session_failure *failure, amqp_wolfssl_error_t *error) {
  struct wolfssl_cause fallback = {failure->stage, AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION, "the TLS connection failed"};

  if (!failure->handshake_done) {
    fallback.code = AMQP_WOLFSSL_ERROR_HANDSHAKE_FAILED;
    fallback.sentence = "the TLS handshake failed";
  }
  if (failure->io->out_of_memory) {
    error_set(error, failure->stage, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
    return;
  }
  if (explain_split_header(failure, error) || explain_certificate_request(failure, error)) {
    return;
  }
  wolfssl_error_set(error, failure->wolfssl_code, &fallback);
  if (failure->handshake_done) {
    error->stage = failure->stage;
  } else if (failure->verification->chain.count >= CHAIN_READ_BY_WOLFSSL) {
    error_append(error,
                 "; the broker sends %d certificates or more, and wolfSSL reads no more than these: have it send "
                 "those up to its CA only",
                 CHAIN_READ_BY_WOLFSSL);
  }
}

/* ---- The FIPS module ---- */

/* A module in error shows as a bad signature, a bad record or a lack of memory, depending on what it was asked to
   do. */
static bool explain_fips_module(const struct session_failure *failure, int received_alert,
                                amqp_wolfssl_error_t *error) {
  const struct tls_io *io = failure->io;
  bool is_the_socket = io->end_of_stream || io->recv_errno != 0 || io->send_errno != 0;

  if (failure->wolfssl_code == 0 || is_the_socket || received_alert > ALERT_CLOSE_NOTIFY) {
    return false;
  }
  return fips_module_check(failure->stage, error) != AMQP_WOLFSSL_OK;
}

uint8_t session_error_alert_to_send(const amqp_wolfssl_error_t *error) {
  switch (error->code) {
    case AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED:
      return ALERT_CERTIFICATE_REVOKED;
    case AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN:
      return ALERT_BAD_CERTIFICATE_STATUS_RESPONSE;
    case AMQP_WOLFSSL_ERROR_NO_MEMORY:
      return ALERT_INTERNAL_ERROR;
    default:
      return ALERT_HANDSHAKE_FAILURE;
  }
}

/* ---- What was refused before wolfSSL saw it ---- */

static void explain_version(const struct session_failure *failure, amqp_wolfssl_error_t *error) {
  const struct policy_limits *limits = &tls_context_settings(failure->context)->limits;
  const struct server_hello *hello = failure->io->hello;

  error_set(error, AMQP_WOLFSSL_STAGE_POLICY, AMQP_WOLFSSL_ERROR_POLICY_VERSION,
            "the broker chose TLS version 0x%04x, and 0x%04x to 0x%04x were offered; enable one of these on the broker "
            "(ssl_options.versions), or widen the range here",
            hello->complete ? hello->version : (unsigned)AMQP_WOLFSSL_TLS_1_3, (unsigned)limits->lowest,
            (unsigned)limits->highest);
}

static bool explain_hello(const struct session_failure *failure, amqp_wolfssl_error_t *error) {
  const struct server_hello *hello = failure->io->hello;

  switch (failure->io->hello_verdict) {
    case HELLO_TAKEN:
      return false;
    case HELLO_VERSION_NOT_OFFERED:
      explain_version(failure, error);
      break;
    case HELLO_SUITE_NOT_OFFERED:
      error_set(error, AMQP_WOLFSSL_STAGE_POLICY, AMQP_WOLFSSL_ERROR_POLICY_SUITE,
                "the broker chose cipher suite 0x%04x, which was not offered",
                hello->complete ? hello->suite : hello->retry_suite);
      break;
    case HELLO_SUITE_CHANGED:
      error_set(error, AMQP_WOLFSSL_STAGE_POLICY, AMQP_WOLFSSL_ERROR_POLICY_SUITE,
                "the broker chose cipher suite 0x%04x after its HelloRetryRequest had chosen 0x%04x", hello->suite,
                hello->retry_suite);
      break;
    case HELLO_DOWNGRADED:
      error_set(
          error, AMQP_WOLFSSL_STAGE_POLICY, AMQP_WOLFSSL_ERROR_POLICY_VERSION,
          "the broker supports TLS 1.3 but reports that it was not offered: something between here and the broker "
          "alters the handshake (a proxy or firewall that inspects TLS, or an attacker)");
      break;
  }
  return true;
}

/* What another service says makes no records either. But what begins as a record of TLS does, but for its version, is
   told as what it is. */
static void explain_framing(const struct session_failure *failure, amqp_wolfssl_error_t *error) {
  const struct record_framing *framing = &failure->io->framing;

  const bool is_tls = framing->fault == RECORD_VERSION_WRONG && framing->header[1] == 3;

  if (is_tls || !explain_speech(failure, error)) {
    record_fault_explain(framing, failure->io->hello, failure->stage, error);
  }
}

/* All that is known of an encrypted message is what wolfSSL made of it. wolfSSL has encrypted its reply, so an alert
   that follows nothing would not be understood. */
static void explain_reply(const struct session_failure *failure, amqp_wolfssl_error_t *error) {
  error_set(error, failure->stage, AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION,
            "the broker asked for something after the handshake that was not offered, and what wolfSSL would have "
            "replied did not leave: probably for your certificate once more (RFC 8446, section 4.6.2), which no honest "
            "broker does");
}

static bool explain_refusal(const struct session_failure *failure, amqp_wolfssl_error_t *error) {
  const int sent = tls_io_clear_alert_sent(failure->io);

  if (!tls_io_has_refused(failure->io)) {
    return false;
  }
  if (failure->io->reply_refused) {
    explain_reply(failure, error);
  } else if (!explain_hello(failure, error)) {
    explain_framing(failure, error);
  }
  if (sent >= 0) {
    error_set_alert(error, sent, AMQP_WOLFSSL_ALERT_SENT);
  }
  return true;
}

void session_error_explain(const struct session_failure *failure, amqp_wolfssl_error_t *error) {
  int received;
  int sent;

  if (explain_refusal(failure, error)) {
    return;
  }
  read_alerts(failure, &received, &sent);
  if (explain_fips_module(failure, received, error)) {
    return;
  }
  if (!failure->handshake_done && peer_verification_failed(failure->verification, failure->wolfssl_code)) {
    (void)peer_verification_explain(failure->verification, failure->wolfssl_code, error);
  } else if (received > ALERT_CLOSE_NOTIFY) {
    explain_received_alert(failure, received, error);
    return;
  } else if (explain_token(failure, error) || explain_speech(failure, error)) {
    error->wolfssl_code = failure->wolfssl_code;
    return;
  } else if (failure->io->out_of_memory ||
             (failure->wolfssl_code != 0 && wolfssl_error_find_cause(failure->wolfssl_code) != NULL) ||
             !explain_lost_connection(failure, error)) {
    explain_wolfssl_code(failure, error);
  }
  error->wolfssl_code = failure->wolfssl_code;
  if (sent > ALERT_CLOSE_NOTIFY) {
    error_set_alert(error, sent, AMQP_WOLFSSL_ALERT_SENT);
  }
}
