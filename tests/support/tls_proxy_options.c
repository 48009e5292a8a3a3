/* SPDX-License-Identifier: MIT */
/* The command line of tls_proxy. */
#include "tls_proxy_options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "tls_proxy_io.h"
#include "tls_proxy_report.h"

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
    "  --staple FILE                    staple the bytes of FILE as an OCSP response, whatever they are\n"
    "  --no-ems                         no Extended Master Secret in TLS 1.2\n"
    "  --stateless                      TLS 1.3: keep nothing before the cookie of a HelloRetryRequest is back\n"
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
    "  COOKIE returned                  with --stateless\n"
    "  CORRUPTED                        when the bit is flipped\n"
    "  CLIENT-END how                   how the client's side ended: close_notify, truncated, reset, alert, "
    "bad-record,\n"
    "                                   or closed when there was no TLS (any more) to end\n";

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
  OPTION_STATELESS,
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
    {"stateless", no_argument, NULL, OPTION_STATELESS},
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
    case OPTION_STATELESS:
      options->stateless = true;
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

enum options_result options_read(struct options *options, int argc, char **argv) {
  *options = (struct options){.security_level = -1};
  for (int code = 0; (code = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
    if (code == OPTION_HELP) {
      (void)fputs(usage_text, stdout);
      return OPTIONS_HELP;
    }
    if (!take_option(options, code, optarg)) {
      return OPTIONS_BAD;
    }
  }
  if (optind < argc) {
    complain("unexpected argument %s (see --help)", argv[optind]);
    return OPTIONS_BAD;
  }
  return check_options(options) ? OPTIONS_GOOD : OPTIONS_BAD;
}

void options_clear(struct options *options) {
  free(options->connect_host);
  options->connect_host = NULL;
}
