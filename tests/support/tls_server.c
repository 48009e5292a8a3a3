/* SPDX-License-Identifier: MIT */
/* The command lines of the TLS servers of other makes, and how each says what it saw. */
#include "minted_certificates.h"
#include "paths.h"
#include "tls_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GNUTLS_ATTEMPTS 5

struct command_line {
  const char *arguments[PEER_MAX_ARGUMENTS];
  size_t count;
};

static void add(struct command_line *line, const char *argument) {
  assert_true(line->count + 1 < PEER_MAX_ARGUMENTS);
  line->arguments[line->count++] = argument;
}

static void add_pair(struct command_line *line, const char *option, const char *value) {
  add(line, option);
  add(line, value);
}

static void add_all(struct command_line *line, const char *const *more) {
  for (size_t i = 0; more != NULL && more[i] != NULL; i++) {
    add(line, more[i]);
  }
}

const char *tls_server_name(enum tls_server_kind kind) {
  switch (kind) {
    case TLS_SERVER_OPENSSL:
      return "openssl s_server";
    case TLS_SERVER_GNUTLS:
      return "gnutls-serv";
    case TLS_SERVER_PROXY:
      return "tls_proxy";
  }
  return "unknown";
}

/* The number that the server writes behind \a before once it listens. */
static int await_port(struct peer_process *process, const char *before) {
  return (int)strtol(peer_process_expect_line(process, before), NULL, 10);
}

/* ---- openssl s_server ---- */

static const char *issuer_in_chain(const char *certificate) {
  static const char *const chains[][2] = {{"server-chain", "intermediate"},
                                          {"server-sha1-intermediate", "intermediate-sha1"},
                                          {"server-sha1-root", "ca-sha1"}};

  for (size_t i = 0; i < sizeof(chains) / sizeof(chains[0]); i++) {
    if (strcmp(certificate, chains[i][0]) == 0) {
      return chains[i][1];
    }
  }
  return NULL;
}

/* -cert takes the leaf only; what else a file holds is given apart. */
static void add_openssl_certificate(struct command_line *line, const char *certificate) {
  add_pair(line, "-cert", minted_certificate(certificate));
  add_pair(line, "-key", minted_key(certificate));
  if (issuer_in_chain(certificate) != NULL) {
    add_pair(line, "-cert_chain", minted_certificate(issuer_in_chain(certificate)));
  }
}

struct tls_server tls_server_start_openssl_at(const char *address, const char *certificate, const char *const *more) {
  struct command_line line = {.count = 0};
  struct tls_server server;

  peer_require("openssl");
  /* Into a pipe it would otherwise write 4096 bytes at a time. stdbuf becomes openssl, and keeps the process id. */
  add_pair(&line, "stdbuf", "-oL");
  add_pair(&line, "openssl", "s_server");
  add_pair(&line, "-accept", address);
  add_openssl_certificate(&line, certificate);
  add_pair(&line, "-Verify", "3");
  add_pair(&line, "-verifyCAfile", minted_certificate("every-ca"));
  add_pair(&line, "-verify_return_error", "-state");
  add_pair(&line, "-nameopt", "RFC2253"); /* what it writes without changed in 3.2 */
  add_all(&line, more);
  server.process = peer_process_start(line.arguments);
  server.port = await_port(server.process, address[0] == '[' ? "\nACCEPT [::1]:" : "\nACCEPT 127.0.0.1:");
  return server;
}

static struct tls_server start_openssl(const char *certificate, int version, const char *const *more) {
  struct command_line options = {.count = 0};

  if (version != 0) {
    add(&options, version == AMQP_WOLFSSL_TLS_1_2 ? "-tls1_2" : "-tls1_3");
  }
  add_all(&options, more);
  return tls_server_start_openssl_at("127.0.0.1:0", certificate, options.arguments);
}

/* ---- gnutls-serv ---- */

static const char *gnutls_priority(int version) {
  switch (version) {
    case AMQP_WOLFSSL_TLS_1_2:
      return "NORMAL:-VERS-ALL:+VERS-TLS1.2";
    case AMQP_WOLFSSL_TLS_1_3:
      return "NORMAL:-VERS-ALL:+VERS-TLS1.3";
    default:
      return NULL;
  }
}

/*
 * It can't be told an address, so it listens on all; and it does not say which port the kernel picked, so we pick one.
 */
static bool try_gnutls(struct tls_server *server, const char *certificate, int version, const char *const *more) {
  struct command_line line = {.count = 0};
  char port[16];
  char ready[64];

  server->port = peer_free_port();
  (void)snprintf(port, sizeof(port), "%d", server->port);
  (void)snprintf(ready, sizeof(ready), "listening on IPv4 0.0.0.0 port %d...done", server->port);
  add_pair(&line, "gnutls-serv", "--echo");
  add_pair(&line, "--port", port);
  if (certificate != NULL) {
    add_pair(&line, "--x509certfile", minted_certificate(certificate));
    add_pair(&line, "--x509keyfile", minted_key(certificate));
  }
  add_pair(&line, "--x509cafile", minted_certificate("every-ca"));
  add_pair(&line, "--require-client-cert", "--verify-client-cert");
  add_pair(&line, "--debug", "5"); /* alerts are shown from there on */
  if (version != 0) {
    add_pair(&line, "--priority", gnutls_priority(version));
  }
  add_all(&line, more);
  server->process = peer_process_start(line.arguments);
  return peer_process_wait_for(server->process, ready);
}

static struct tls_server start_gnutls(const char *certificate, int version, const char *const *more) {
  struct tls_server server;

  peer_require("gnutls-serv");
  for (int attempt = 1; !try_gnutls(&server, certificate, version, more); attempt++) {
    if (attempt == GNUTLS_ATTEMPTS || !peer_process_has_written(server.process, "Address already in use")) {
      peer_process_show(server.process);
      fail_msg("gnutls-serv does not start");
    }
    peer_process_stop(server.process);
  }
  return server;
}

/* ---- tls_proxy ---- */

static struct tls_server start_plain_proxy(const char *certificate, const char *const *options) {
  struct command_line line = {.count = 0};
  const char *program = getenv("TLS_PROXY");
  struct tls_server server;

  if (program == NULL || *program == '\0') {
    program = path_in_build_tree("tests/support/tls_proxy");
  }
  peer_require(program);
  add(&line, program);
  add_pair(&line, "--certificate", minted_certificate(certificate));
  add_pair(&line, "--key", minted_key(certificate));
  add_all(&line, options);
  server.process = peer_process_start(line.arguments);
  server.port = await_port(server.process, "PORT ");
  return server;
}

static struct tls_server start_proxy(const char *certificate, int version, const char *const *more) {
  struct command_line options = {.count = 0};

  add_pair(&options, "--ca", minted_certificate("every-ca"));
  add(&options, "--require-client-certificate");
  if (version != 0) {
    add_pair(&options, "--tls", version == AMQP_WOLFSSL_TLS_1_2 ? "1.2" : "1.3");
  }
  add_all(&options, more);
  return start_plain_proxy(certificate, options.arguments);
}

struct tls_server tls_server_start_proxy(const char *const *options) {
  return start_plain_proxy("server", options);
}

/* ---- All ---- */

struct tls_server tls_server_start(enum tls_server_kind kind, const char *certificate, int version,
                                   const char *const *more) {
  switch (kind) {
    case TLS_SERVER_OPENSSL:
      return start_openssl(certificate, version, more);
    case TLS_SERVER_GNUTLS:
      return start_gnutls(certificate, version, more);
    case TLS_SERVER_PROXY:
      break;
  }
  return start_proxy(certificate, version, more);
}

void tls_server_stop(struct tls_server *server) {
  peer_process_stop(server->process);
  server->process = NULL;
}

void tls_server_expect_alert(enum tls_server_kind kind, struct tls_server *server, int alert) {
  char text[64];

  switch (kind) {
    case TLS_SERVER_OPENSSL:
      (void)snprintf(text, sizeof(text), "SSL alert number %d\n", alert);
      break;
    case TLS_SERVER_GNUTLS:
      (void)snprintf(text, sizeof(text), "Alert[2|%d]", alert);
      break;
    case TLS_SERVER_PROXY:
      (void)snprintf(text, sizeof(text), "ALERT received %d ", alert);
      break;
  }
  peer_process_expect(server->process, text);
}

static const char *client_line(enum tls_server_kind kind, const char *common_name, char line[256]) {
  switch (kind) {
    case TLS_SERVER_OPENSSL:
      (void)snprintf(line, 256, "depth=0 CN=%s,O=Acme\n", common_name);
      break;
    case TLS_SERVER_GNUTLS:
      (void)snprintf(line, 256, "Subject: CN=%s,O=Acme\n", common_name);
      break;
    case TLS_SERVER_PROXY:
      (void)snprintf(line, 256, "CLIENT-CERTIFICATE CN=%s,O=Acme\n", common_name);
      break;
  }
  return line;
}

bool tls_server_saw_client(enum tls_server_kind kind, const struct tls_server *server, const char *common_name) {
  char line[256];

  return peer_process_has_written(server->process, client_line(kind, common_name, line));
}

void tls_server_expect_client(enum tls_server_kind kind, struct tls_server *server, const char *common_name) {
  char line[256];

  peer_process_expect(server->process, client_line(kind, common_name, line));
}
