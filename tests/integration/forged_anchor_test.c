/* SPDX-License-Identifier: MIT */
/*
 * A trusted CA's own certificate in which another public key stands, below a signature that is no longer its: anybody
 * can make one (CVE-2026-93302), and no server that shows it may pass for the broker.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include <amqp_wolfssl_socket.h>

#include "client.h"
#include "minted_certificates.h"
#include "paths.h"
#include "peer_process.h"
#include "tls_server.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define NAME_SIZE 64

struct forgery {
  const char *authority;  /* the one that is copied; the client trusts it */
  const char *server;     /* a server that it has issued a certificate for */
  const char *extensions; /* of the copy: see forge_certificate.c */
  int version;
};

/* Not const: CMocka hands each to its case. */
static struct forgery forgeries[] = {
    {"ca", "server", "all", AMQP_WOLFSSL_TLS_1_2},           {"ca", "server", "all", AMQP_WOLFSSL_TLS_1_3},
    {"ca", "server", "fewer", AMQP_WOLFSSL_TLS_1_2},         {"ca", "server", "fewer", AMQP_WOLFSSL_TLS_1_3},
    {"ca-rsa", "server-rsa", "all", AMQP_WOLFSSL_TLS_1_2},   {"ca-rsa", "server-rsa", "all", AMQP_WOLFSSL_TLS_1_3},
    {"ca-rsa", "server-rsa", "fewer", AMQP_WOLFSSL_TLS_1_2}, {"ca-rsa", "server-rsa", "fewer", AMQP_WOLFSSL_TLS_1_3},
};

/* \param [in] signer whose key signs the copy; NULL: the original's signature stays */
static void forge(const char *original, const char *extensions, const char *name, const char *signer) {
  const char *const arguments[] = {path_in_build_tree("tests/support/forge_certificate"),
                                   minted_certificate(original),
                                   extensions,
                                   minted_certificate(name),
                                   minted_key(name),
                                   signer != NULL ? minted_key(signer) : NULL,
                                   NULL};

  peer_require(arguments[0]);
  free(peer_process_run(arguments));
}

/* ---- Accepted: what the forged CA's server differs from by its signature only ---- */

static void server_of_the_genuine_anchor(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(forgeries); i++) {
    const struct forgery *forgery = &forgeries[i];
    const char *const more[] = {"-cert_chain", minted_certificate(forgery->authority), NULL};
    struct tls_server server;
    struct client client;

    forge(forgery->server, "fewer", "issued-server", forgery->authority);
    server = tls_server_start(TLS_SERVER_OPENSSL, "issued-server", forgery->version, more);
    client = client_new(&client_ordinary);
    client_open(&client, "127.0.0.1", server.port);
    tls_server_expect_client(TLS_SERVER_OPENSSL, &server, "client1");
    client_destroy(&client);
    peer_process_stop(server.process);
  }
}

/* ---- Refused ---- */

/* Of a bad intermediate wolfSSL may say in the end that its leaf leads to no CA. */
static void check_refusal(const struct client *client, int status) {
  const amqp_wolfssl_error_t *error = amqp_wolfssl_socket_error(client->socket);
  const amqp_wolfssl_code_t code = amqp_wolfssl_error_code(error);

  if (status != AMQP_STATUS_SSL_PEER_VERIFY_FAILED || amqp_wolfssl_error_stage(error) != AMQP_WOLFSSL_STAGE_VERIFY ||
      (code != AMQP_WOLFSSL_ERROR_BAD_SIGNATURE && code != AMQP_WOLFSSL_ERROR_UNKNOWN_CA)) {
    fail_msg("%s: %s", client_describe_failure(client, status), amqp_wolfssl_error_message(error));
  }
  assert_int_equal(amqp_get_sockfd(client->connection), -1);
  assert_string_equal(amqp_wolfssl_socket_peer_subject(client->socket), "");
}

/* The alert tells that the server has read all that the client sent: by then it would have shown the certificate. */
static void refuse(const char *certificate, int version, const char *const *more) {
  struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, certificate, version, more);
  struct client client = client_new(&client_ordinary);

  check_refusal(&client, client_try_open(&client, "127.0.0.1", server.port));
  tls_server_expect_alert(TLS_SERVER_OPENSSL, &server,
                          amqp_wolfssl_error_alert(amqp_wolfssl_socket_error(client.socket)));
  assert_false(tls_server_saw_client(TLS_SERVER_OPENSSL, &server, "client1"));
  client_destroy(&client);
  peer_process_stop(server.process);
}

static void forged_leaf(void **state) {
  const struct forgery *forgery = *state;

  forge(forgery->authority, forgery->extensions, "forged-ca", NULL);
  refuse("forged-ca", forgery->version, NULL);
}

static void forged_intermediate(void **state) {
  const struct forgery *forgery = *state;
  const char *const more[] = {"-cert_chain", minted_certificate("forged-ca"), NULL};

  forge(forgery->authority, forgery->extensions, "forged-ca", NULL);
  forge(forgery->server, "fewer", "forged-server", "forged-ca");
  refuse("forged-server", forgery->version, more);
}

static void add_case(struct CMUnitTest *test, char name[NAME_SIZE], const char *what, CMUnitTestFunction function,
                     struct forgery *forgery) {
  (void)snprintf(name, NAME_SIZE, "%s: %s, %s extensions, TLS 1.%d", what, forgery->authority, forgery->extensions,
                 forgery->version == AMQP_WOLFSSL_TLS_1_2 ? 2 : 3);
  *test = (struct CMUnitTest){name, function, NULL, peer_process_tear_down, forgery};
}

int main(void) {
  static char names[2 * COUNT(forgeries)][NAME_SIZE];
  struct CMUnitTest tests[1 + 2 * COUNT(forgeries)] = {
      cmocka_unit_test_teardown(server_of_the_genuine_anchor, peer_process_tear_down)};

  for (size_t i = 0; i < COUNT(forgeries); i++) {
    const size_t leaf = 2 * i;

    add_case(&tests[1 + leaf], names[leaf], "forged_leaf", forged_leaf, &forgeries[i]);
    add_case(&tests[2 + leaf], names[leaf + 1], "forged_intermediate", forged_intermediate, &forgeries[i]);
  }
  return cmocka_run_group_tests_name("forged_anchor", tests, minted_certificates_make, minted_certificates_tear_down);
}
