/* SPDX-License-Identifier: MIT */
/*
 * Servers of other makes that offer exactly one wrong thing each, under every policy and in every version of TLS that
 * has the thing. What is wrong for one policy may be right for another; a server with nothing wrong is the control.
 *
 * A row's server is shown to work by a client that takes anything (openssl s_client, gnutls-cli): what is refused is
 * refused for the one wrong thing.
 *
 * Not here in TLS 1.3, because it does not exist there:
 *   anonymous, NULL, RC4, 3DES, CBC, static RSA   suites say no key exchange any more, and all five are AEAD (RFC 8446,
 *                                                 appendix B.4)
 *   group P-224, certificate on P-224             there is no number for the group, and no signature scheme for the
 *   or secp256k1                                  curve (sections 4.2.7 and 4.2.3): no server can use such a key
 *   SHA-1 in the handshake                        allowed in certificates only (section 4.2.3)
 *   no Extended Master Secret                     every secret has it (appendix D)
 *   renegotiation                                 forbidden (section 4.1.2)
 * Compression does exist there as a byte that has to be 0, which a relay changes. Not here at all, because nothing in
 * Debian offers it to a client that never resumes: early data. client_hello_test.c shows that it is not asked for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <amqp_wolfssl_socket.h>

#include "autoconfig.h"

/* How wolfSSL was built: what it lacks, modern does not offer. */
#ifdef HAVE_WOLFSSL_OPTIONS_H
#include <wolfssl/options.h>
#endif

#include "client.h"
#include "command.h"
#include "minted_certificates.h"
#include "paths.h"
#include "peer_process.h"
#include "temporary_folder.h"
#include "tls_server.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define ARGUMENTS 8 /* and NULL */

/* An RSA key: in TLS 1.2 a server's groups bind the curve of the client's certificate as well. */
#define IDENTITY "client-rsa3072"

enum { FIPS, CNSA, MODERN, POLICIES };
enum { HANDSHAKE_FAILURE_ALERT = 40 };

static const struct {
  const char *name;
  int number;
} policies[POLICIES] = {
    {"fips", AMQP_WOLFSSL_POLICY_FIPS}, {"cnsa", AMQP_WOLFSSL_POLICY_CNSA}, {"modern", AMQP_WOLFSSL_POLICY_MODERN}};

/* Builds that can't be told which signatures to offer can't be held to cnsa; see a_policy_is_held_or_refused(). */
static bool has_policy(int policy) {
#ifdef HAVE_WOLFSSL_CTX_SET1_SIGALGS_LIST
  (void)policy;
  return true;
#else
  return policy != CNSA;
#endif
}

static int mint(void **state) {
  if (minted_certificates_make(state) != 0) {
    return -1;
  }
  return command_run(".", path_in_source_tree("tests/support/mint-revocation"), temporary_folder_path(""), NULL);
}

/* ---- One server, one policy ---- */

/* What a row expects: a code's name, or one of these. */
#define TAKEN "OK"
#define NOT_SHARED "NO_SHARED_SUITE"
#define OLD "NO_SHARED_VERSION"

#ifdef HAVE_CURVE25519
#define WITH_X25519 TAKEN
#else
#define WITH_X25519 NOT_SHARED
#endif
#ifdef HAVE_ED25519
#define WITH_ED25519 TAKEN
#else
#define WITH_ED25519 NOT_SHARED
#endif
#if defined(HAVE_CHACHA) && defined(HAVE_POLY1305)
#define WITH_CHACHA TAKEN
#else
#define WITH_CHACHA NOT_SHARED
#endif

struct row {
  const char *what;
  enum tls_server_kind kind;
  const char *certificate;
  const char *arguments[ARGUMENTS];
  const char *expected[POLICIES];
  const char *issuer; /* sent along; NULL: none, or mint-certificates' own chain */
};

#define ALL(code) \
  { code, code, code }
#define EC "server-strong-p384"
#define RSA "server-rsa3072"
#define OPENSSL_1_2(list) \
  { "-tls1_2", "-cipher", list }
/* -verify instead of -Verify: who has no certificate must not ask for one. */
#define OPENSSL_1_2_ANONYMOUS(list) \
  { "-tls1_2", "-cipher", list, "-verify", "3" }
#define OPENSSL_1_3(list) \
  { "-tls1_3", "-ciphersuites", list }
#define OPENSSL_1_2_GROUP(list) \
  { "-tls1_2", "-cipher", "DEFAULT:@SECLEVEL=0", "-groups", list }
#define OPENSSL_1_3_GROUP(list) \
  { "-tls1_3", "-cipher", "DEFAULT:@SECLEVEL=0", "-groups", list }
#define OPENSSL_1_2_SIGNATURE(list) \
  { "-tls1_2", "-cipher", "DEFAULT:@SECLEVEL=0", "-sigalgs", list }
#define OPENSSL_1_3_SIGNATURE(list) \
  { "-tls1_3", "-cipher", "DEFAULT:@SECLEVEL=0", "-sigalgs", list }
#define OPENSSL_1_2_ANY \
  { "-tls1_2", "-cipher", "DEFAULT:@SECLEVEL=0" }
#define OPENSSL_1_3_ANY \
  { "-tls1_3", "-cipher", "DEFAULT:@SECLEVEL=0" }
#define GNUTLS_1_2(changes) \
  { "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2:" changes }
#define GNUTLS_1_3(changes) \
  { "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.3:" changes }

static const struct row rows[] = {
    /* versions */
    {"TLS 1.0", TLS_SERVER_OPENSSL, RSA, {"-tls1", "-cipher", "DEFAULT:@SECLEVEL=0"}, ALL(OLD), NULL},
    {"TLS 1.1", TLS_SERVER_OPENSSL, RSA, {"-tls1_1", "-cipher", "DEFAULT:@SECLEVEL=0"}, ALL(OLD), NULL},
    /* suites */
    {"anonymous DH", TLS_SERVER_OPENSSL, RSA, OPENSSL_1_2_ANONYMOUS("ADH:@SECLEVEL=0"), ALL(NOT_SHARED), NULL},
    {"anonymous ECDH", TLS_SERVER_OPENSSL, RSA, OPENSSL_1_2_ANONYMOUS("AECDH:@SECLEVEL=0"), ALL(NOT_SHARED), NULL},
    {"NULL, RSA", TLS_SERVER_OPENSSL, RSA, OPENSSL_1_2("ECDHE-RSA-NULL-SHA:@SECLEVEL=0"), ALL(NOT_SHARED), NULL},
    {"NULL, ECDSA", TLS_SERVER_OPENSSL, EC, OPENSSL_1_2("ECDHE-ECDSA-NULL-SHA:@SECLEVEL=0"), ALL(NOT_SHARED), NULL},
    {"3DES", TLS_SERVER_GNUTLS, RSA, GNUTLS_1_2("-CIPHER-ALL:+3DES-CBC"), ALL(NOT_SHARED), NULL},
    {"RC4", TLS_SERVER_GNUTLS, RSA, GNUTLS_1_2("-CIPHER-ALL:+ARCFOUR-128"), ALL(NOT_SHARED), NULL},
    {"CBC", TLS_SERVER_OPENSSL, RSA, OPENSSL_1_2("ECDHE-RSA-AES256-SHA384"), ALL(NOT_SHARED), NULL},
    {"CBC with SHA-1", TLS_SERVER_OPENSSL, EC, OPENSSL_1_2("ECDHE-ECDSA-AES256-SHA"), ALL(NOT_SHARED), NULL},
    {"static RSA", TLS_SERVER_OPENSSL, RSA, OPENSSL_1_2("AES256-GCM-SHA384"), ALL(NOT_SHARED), NULL},
    {"CCM", TLS_SERVER_OPENSSL, EC, OPENSSL_1_2("ECDHE-ECDSA-AES256-CCM"), ALL(NOT_SHARED), NULL},
    {"CCM in 1.3", TLS_SERVER_OPENSSL, EC, OPENSSL_1_3("TLS_AES_128_CCM_SHA256"), ALL(NOT_SHARED), NULL},
    {"AES-128", TLS_SERVER_OPENSSL, RSA, OPENSSL_1_2("ECDHE-RSA-AES128-GCM-SHA256"), {TAKEN, NOT_SHARED, TAKEN}, NULL},
    {"AES-128 in 1.3",
     TLS_SERVER_OPENSSL,
     RSA,
     OPENSSL_1_3("TLS_AES_128_GCM_SHA256"),
     {TAKEN, NOT_SHARED, TAKEN},
     NULL},
    {"ChaCha20",
     TLS_SERVER_OPENSSL,
     RSA,
     OPENSSL_1_2("ECDHE-RSA-CHACHA20-POLY1305"),
     {NOT_SHARED, NOT_SHARED, WITH_CHACHA},
     NULL},
    {"ChaCha20 in 1.3",
     TLS_SERVER_OPENSSL,
     EC,
     OPENSSL_1_3("TLS_CHACHA20_POLY1305_SHA256"),
     {NOT_SHARED, NOT_SHARED, WITH_CHACHA},
     NULL},
    {"AES-256", TLS_SERVER_OPENSSL, EC, OPENSSL_1_2("ECDHE-ECDSA-AES256-GCM-SHA384"), ALL(TAKEN), NULL},
    {"AES-256 in 1.3", TLS_SERVER_OPENSSL, EC, OPENSSL_1_3("TLS_AES_256_GCM_SHA384"), ALL(TAKEN), NULL},
    /* groups */
    {"ffdhe2048", TLS_SERVER_GNUTLS, RSA, GNUTLS_1_2("-KX-ALL:+DHE-RSA:-GROUP-ALL:+GROUP-FFDHE2048"), ALL(NOT_SHARED),
     NULL},
    {"ffdhe2048 in 1.3", TLS_SERVER_OPENSSL, RSA, OPENSSL_1_3_GROUP("ffdhe2048"), ALL(NOT_SHARED), NULL},
    {"ffdhe3072 in 1.3", TLS_SERVER_OPENSSL, RSA, OPENSSL_1_3_GROUP("ffdhe3072"), ALL(NOT_SHARED), NULL},
    {"X25519", TLS_SERVER_OPENSSL, RSA, OPENSSL_1_2_GROUP("X25519"), {NOT_SHARED, NOT_SHARED, WITH_X25519}, NULL},
    {"X25519 in 1.3",
     TLS_SERVER_OPENSSL,
     RSA,
     OPENSSL_1_3_GROUP("X25519"),
     {NOT_SHARED, NOT_SHARED, WITH_X25519},
     NULL},
    {"X448 in 1.3", TLS_SERVER_OPENSSL, RSA, OPENSSL_1_3_GROUP("X448"), ALL(NOT_SHARED), NULL},
    {"group P-224", TLS_SERVER_OPENSSL, RSA, OPENSSL_1_2_GROUP("P-224"), ALL(NOT_SHARED), NULL},
    {"group P-256", TLS_SERVER_OPENSSL, RSA, OPENSSL_1_2_GROUP("P-256"), {TAKEN, NOT_SHARED, TAKEN}, NULL},
    {"group P-256 in 1.3", TLS_SERVER_OPENSSL, RSA, OPENSSL_1_3_GROUP("P-256"), {TAKEN, NOT_SHARED, TAKEN}, NULL},
    {"group P-384", TLS_SERVER_OPENSSL, RSA, OPENSSL_1_2_GROUP("P-384"), ALL(TAKEN), NULL},
    {"group P-384 in 1.3", TLS_SERVER_OPENSSL, RSA, OPENSSL_1_3_GROUP("P-384"), ALL(TAKEN), NULL},
    /* signatures of the handshake */
    {"SHA-1, RSA", TLS_SERVER_OPENSSL, RSA, OPENSSL_1_2_SIGNATURE("RSA+SHA1"), ALL(NOT_SHARED), NULL},
    {"SHA-1, ECDSA", TLS_SERVER_OPENSSL, EC, OPENSSL_1_2_SIGNATURE("ECDSA+SHA1"), ALL(NOT_SHARED), NULL},
    {"SHA-256", TLS_SERVER_OPENSSL, RSA, OPENSSL_1_2_SIGNATURE("RSA+SHA256"), {TAKEN, NOT_SHARED, TAKEN}, NULL},
    {"SHA-256 in 1.3",
     TLS_SERVER_OPENSSL,
     RSA,
     OPENSSL_1_3_SIGNATURE("rsa_pss_rsae_sha256"),
     {TAKEN, NOT_SHARED, TAKEN},
     NULL},
    {"SHA-384", TLS_SERVER_OPENSSL, RSA, OPENSSL_1_2_SIGNATURE("RSA+SHA384"), ALL(TAKEN), NULL},
    {"SHA-384 in 1.3", TLS_SERVER_OPENSSL, RSA, OPENSSL_1_3_SIGNATURE("rsa_pss_rsae_sha384"), ALL(TAKEN), NULL},
    /* certificates: keys */
    {"RSA 1024", TLS_SERVER_OPENSSL, "server-rsa1024-by-p384", OPENSSL_1_2_ANY, ALL("WEAK_KEY"), NULL},
    {"RSA 1024 in 1.3", TLS_SERVER_OPENSSL, "server-rsa1024-by-p384", OPENSSL_1_3_ANY, ALL("WEAK_KEY"), NULL},
    {"RSA 2047", TLS_SERVER_OPENSSL, "server-rsa2047-by-p384", OPENSSL_1_2_ANY, ALL("WEAK_KEY"), NULL},
    {"RSA 2047 in 1.3", TLS_SERVER_OPENSSL, "server-rsa2047-by-p384", OPENSSL_1_3_ANY, ALL("WEAK_KEY"), NULL},
    {"RSA 2048", TLS_SERVER_OPENSSL, "server-rsa2048-by-p384", OPENSSL_1_2_ANY, {TAKEN, "WEAK_KEY", TAKEN}, NULL},
    {"RSA 2048 in 1.3",
     TLS_SERVER_OPENSSL,
     "server-rsa2048-by-p384",
     OPENSSL_1_3_ANY,
     {TAKEN, "WEAK_KEY", TAKEN},
     NULL},
    {"certificate on P-224", TLS_SERVER_OPENSSL, "server-p224-by-p384", OPENSSL_1_2_ANY, ALL(NOT_SHARED), NULL},
    {"certificate on secp256k1", TLS_SERVER_OPENSSL, "server-secp256k1-by-p384", OPENSSL_1_2_ANY, ALL(NOT_SHARED),
     NULL},
    {"certificate on P-256",
     TLS_SERVER_OPENSSL,
     "server-p256-by-p384",
     OPENSSL_1_2_ANY,
     {TAKEN, NOT_SHARED, TAKEN},
     NULL},
    {"certificate on P-256 in 1.3",
     TLS_SERVER_OPENSSL,
     "server-p256-by-p384",
     OPENSSL_1_3_ANY,
     {TAKEN, NOT_SHARED, TAKEN},
     NULL},
    {"Ed25519",
     TLS_SERVER_OPENSSL,
     "server-ed25519-by-p384",
     OPENSSL_1_2_ANY,
     {NOT_SHARED, NOT_SHARED, WITH_ED25519},
     NULL},
    {"Ed25519 in 1.3",
     TLS_SERVER_OPENSSL,
     "server-ed25519-by-p384",
     OPENSSL_1_3_ANY,
     {NOT_SHARED, NOT_SHARED, WITH_ED25519},
     NULL},
    /* certificates: signatures */
    {"SHA-1 leaf", TLS_SERVER_OPENSSL, "server-sha1-by-p384", OPENSSL_1_2_ANY, ALL("WEAK_SIGNATURE"), NULL},
    {"SHA-1 leaf in 1.3", TLS_SERVER_OPENSSL, "server-sha1-by-p384", OPENSSL_1_3_ANY, ALL("WEAK_SIGNATURE"), NULL},
    {"SHA-1 intermediate", TLS_SERVER_OPENSSL, "server-sha1-intermediate-p384", OPENSSL_1_2_ANY, ALL("WEAK_SIGNATURE"),
     "intermediate-sha1-p384"},
    {"SHA-1 intermediate in 1.3", TLS_SERVER_OPENSSL, "server-sha1-intermediate-p384", OPENSSL_1_3_ANY,
     ALL("WEAK_SIGNATURE"), "intermediate-sha1-p384"},
    {"SHA-1 root, trusted and sent along", TLS_SERVER_OPENSSL, "server-sha1-root-p384", OPENSSL_1_2_ANY, ALL(TAKEN),
     "ca-sha1-p384"},
    {"SHA-1 root, trusted and sent along, in 1.3", TLS_SERVER_OPENSSL, "server-sha1-root-p384", OPENSSL_1_3_ANY,
     ALL(TAKEN), "ca-sha1-p384"},
    {"SHA-256 leaf",
     TLS_SERVER_OPENSSL,
     "server-sha256-by-p384",
     OPENSSL_1_2_ANY,
     {TAKEN, "WEAK_SIGNATURE", TAKEN},
     NULL},
    {"SHA-256 leaf in 1.3",
     TLS_SERVER_OPENSSL,
     "server-sha256-by-p384",
     OPENSSL_1_3_ANY,
     {TAKEN, "WEAK_SIGNATURE", TAKEN},
     NULL},
    {"certificate signed by RSA-PSS",
     TLS_SERVER_OPENSSL,
     "server-pss-p384",
     OPENSSL_1_2_ANY,
     {TAKEN, TAKEN, TAKEN},
     NULL},
    {"certificate signed by RSA-PSS in 1.3",
     TLS_SERVER_OPENSSL,
     "server-pss-p384",
     OPENSSL_1_3_ANY,
     {TAKEN, TAKEN, TAKEN},
     NULL},
};

/* cnsa opens nothing without a way to check revocation. */
static struct client_settings settings_for(int policy) {
  struct client_settings settings = {.ca = "every-ca", .identity = IDENTITY, .policy = policies[policy].number};

  if (policy == CNSA) {
    settings.lists[0] = "list-ca-p384";
    settings.lists[1] = "list-ca-rsa3072";
    settings.lists[2] = "crl-intermediate-sha1-p384";
    settings.lists[3] = "crl-ca-sha1-p384";
  }
  return settings;
}

static const char *outcome_of(const struct client *client, int status) {
  const amqp_wolfssl_code_t code = amqp_wolfssl_error_code(amqp_wolfssl_socket_error(client->socket));

  assert_int_equal(status == AMQP_STATUS_OK, code == AMQP_WOLFSSL_OK);
  return amqp_wolfssl_code_name(code);
}

/* Before the client's certificate is sent: nothing here gets as far as the checks of what was negotiated. */
static bool saw_what_it_should(enum tls_server_kind kind, struct tls_server *server, bool connected) {
  if (connected) {
    tls_server_expect_client(kind, server, IDENTITY);
    return true;
  }
  return !tls_server_saw_client(kind, server, IDENTITY);
}

/* ---- A client that takes anything ---- */

static struct peer_process *start_openssl_client(const char *port, const char *identity) {
  const char *const arguments[] = {
      "openssl",
      "s_client",
      "-state",
      "-connect",
      port,
      "-cert",
      minted_certificate(identity),
      "-key",
      minted_key(identity),
      "-min_protocol",
      "TLSv1",
      "-cipher",
      "ALL:COMPLEMENTOFALL:@SECLEVEL=0",
      "-ciphersuites",
      "TLS_AES_256_GCM_SHA384:TLS_AES_128_GCM_SHA256:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_CCM_SHA256",
      "-groups",
      "P-384:P-256:P-521:P-224:secp256k1:X25519:X448:ffdhe2048:ffdhe3072",
      NULL};

  return peer_process_start(arguments);
}

static struct peer_process *start_gnutls_client(const char *port, const char *identity, const char *priority) {
  const char *const arguments[] = {
      "gnutls-cli",    "--insecure",         "--port",     port,     "--x509certfile", minted_certificate(identity),
      "--x509keyfile", minted_key(identity), "--priority", priority, "127.0.0.1",      NULL};

  peer_require("gnutls-cli");
  return peer_process_start(arguments);
}

/* With a key that suits the signatures that the server asks for. \return whether the server is content */
static bool takes_anything(const struct row *row, struct tls_server *server) {
  const char *identity = strcmp(row->certificate, EC) == 0 ? "client-strong-p384" : IDENTITY;
  const bool openssl = row->kind == TLS_SERVER_OPENSSL;
  struct peer_process *client;
  char place[32];
  bool connected;

  (void)snprintf(place, sizeof(place), "%s%d", openssl ? "127.0.0.1:" : "", server->port);
  client = openssl ? start_openssl_client(place, identity)
                   : start_gnutls_client(place, identity, "NORMAL:+3DES-CBC:+ARCFOUR-128:+DHE-RSA:+GROUP-FFDHE2048");
  connected = openssl ? peer_process_wait_for(server->process, "CIPHER is ")
                      : peer_process_wait_for(client, "- Handshake was completed");
  if (!connected) {
    peer_process_show(client);
    peer_process_show(server->process);
    print_error("%s: a client that takes anything does not take this server\n", row->what);
  }
  peer_process_stop(client);
  return connected;
}

/* ---- One server, one policy: the comparison ---- */

/* \return whether it went as the row says */
static bool meet_server(const struct row *row, int policy, struct tls_server *server) {
  const struct client_settings settings = settings_for(policy);
  struct client client = client_new(&settings);
  const int status = client_try_open(&client, "127.0.0.1", server->port);
  const char *outcome = outcome_of(&client, status);
  const bool expected =
      strcmp(outcome, row->expected[policy]) == 0 && saw_what_it_should(row->kind, server, status == AMQP_STATUS_OK);

  if (!expected) {
    peer_process_show(server->process);
    print_error("%s under %s: %s instead of %s: %s\n", row->what, policies[policy].name, outcome, row->expected[policy],
                client_describe_failure(&client, status));
    print_error("%s\n", amqp_wolfssl_error_message(amqp_wolfssl_socket_error(client.socket)));
  }
  client_destroy(&client);
  return expected;
}

static struct tls_server start_row(const struct row *row) {
  const char *arguments[ARGUMENTS + 1] = {NULL};
  size_t count = 0;

  while (count < ARGUMENTS && row->arguments[count] != NULL) {
    arguments[count] = row->arguments[count];
    count++;
  }
  if (row->issuer != NULL) {
    assert_true(count + 2 <= ARGUMENTS);
    arguments[count] = "-cert_chain";
    arguments[count + 1] = minted_certificate(row->issuer);
  }
  return tls_server_start(row->kind, row->certificate, 0, arguments);
}

static bool meet(const struct row *row, int policy) {
  struct tls_server server = start_row(row);
  bool expected = meet_server(row, policy, &server);

  if (policy == FIPS && !takes_anything(row, &server)) { /* once is enough: servers don't know of policies */
    expected = false;
  }
  peer_process_stop(server.process);
  return expected;
}

static void meet_all(enum tls_server_kind kind, int policy) {
  size_t unexpected = 0;

  for (size_t i = 0; i < COUNT(rows); i++) {
    if (rows[i].kind == kind) {
      print_message("# %s: %s\n", policies[policy].name, rows[i].what);
      unexpected += meet(&rows[i], policy) ? 0 : 1;
    }
  }
  assert_int_equal(unexpected, 0);
}

static void one_wrong_thing_each_under_fips(void **state) {
  (void)state;
  meet_all(TLS_SERVER_OPENSSL, FIPS);
}

static void one_wrong_thing_each_under_cnsa(void **state) {
  (void)state;
  if (!has_policy(CNSA)) {
    skip(); /* a_policy_is_held_or_refused() */
  }
  meet_all(TLS_SERVER_OPENSSL, CNSA);
}

static void one_wrong_thing_each_under_modern(void **state) {
  (void)state;
  meet_all(TLS_SERVER_OPENSSL, MODERN);
}

static void what_only_gnutls_still_has(void **state) {
  (void)state;
  for (int policy = 0; policy < POLICIES; policy++) {
    if (has_policy(policy)) {
      meet_all(TLS_SERVER_GNUTLS, policy);
    }
  }
}

/* Where a policy's cases are left out below, no program can choose it either. */
static void a_policy_is_held_or_refused(void **state) {
  (void)state;
  for (int policy = 0; policy < POLICIES; policy++) {
    amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
    const amqp_wolfssl_code_t code =
        amqp_wolfssl_config_set_policy(config, (amqp_wolfssl_policy_t)policies[policy].number);

    if (!has_policy(policy)) {
      print_message("# this wolfSSL can't be held to policy %s: it is refused, and its cases are left out\n",
                    policies[policy].name);
    }
    assert_int_equal(code, has_policy(policy) ? AMQP_WOLFSSL_OK : AMQP_WOLFSSL_ERROR_NOT_SUPPORTED);
    amqp_wolfssl_config_free(config);
  }
}

/* The control: certificates, client and server are fine when nothing is wrong. */
static void nothing_wrong(void **state) {
  static const enum tls_server_kind kinds[] = {TLS_SERVER_OPENSSL, TLS_SERVER_GNUTLS, TLS_SERVER_PROXY};
  static const char *const certificates[] = {EC, RSA};
  (void)state;

  for (int policy = 0; policy < POLICIES; policy++) {
    for (size_t i = 0; i < COUNT(kinds) * COUNT(certificates) * COUNT(client_versions) && has_policy(policy); i++) {
      const enum tls_server_kind kind = kinds[i % COUNT(kinds)];
      const char *certificate = certificates[i / COUNT(kinds) % COUNT(certificates)];
      const int version = client_versions[i / COUNT(kinds) / COUNT(certificates)];
      const struct client_settings settings = settings_for(policy);
      struct tls_server server = tls_server_start(kind, certificate, version, NULL);
      struct client client = client_new(&settings);

      client_open(&client, "127.0.0.1", server.port);
      tls_server_expect_client(kind, &server, IDENTITY);
      client_destroy(&client);
      peer_process_stop(server.process);
    }
  }
}

/* ---- What needs more than an option of a server ---- */

static void tls_1_2_without_the_extended_master_secret(void **state) {
  static const char *const none[] = {"--no-ems", NULL};
  static const char *const expected[POLICIES] = {"POLICY_EXTENDED_MASTER_SECRET", "POLICY_EXTENDED_MASTER_SECRET",
                                                 TAKEN};
  (void)state;

  for (int policy = 0; policy < POLICIES; policy++) {
    for (int exception = 0; exception < 2 && has_policy(policy); exception++) {
      struct client_settings settings = settings_for(policy);
      struct tls_server server = tls_server_start(TLS_SERVER_PROXY, RSA, AMQP_WOLFSSL_TLS_1_2, none);
      struct client client;
      int status;

      settings.without_extended_master_secret = exception == 1;
      client = client_new(&settings);
      status = client_try_open(&client, "127.0.0.1", server.port);
      assert_string_equal(outcome_of(&client, status), exception == 1 ? TAKEN : expected[policy]);
      if (status == AMQP_STATUS_OK) {
        assert_int_equal(amqp_wolfssl_socket_extended_master_secret(client.socket), 0);
        peer_process_expect(server.process, " no-ems ");
      } else {
        assert_int_equal(amqp_wolfssl_error_stage(amqp_wolfssl_socket_error(client.socket)), AMQP_WOLFSSL_STAGE_POLICY);
        assert_string_equal(amqp_wolfssl_socket_version(client.socket), "");
        tls_server_expect_alert(TLS_SERVER_PROXY, &server, HANDSHAKE_FAILURE_ALERT);
        assert_false(tls_server_saw_client(TLS_SERVER_PROXY, &server, IDENTITY));
      }
      client_destroy(&client);
      peer_process_stop(server.process);
    }
  }
}

/* TLS 1.3 needs no extension for it. */
static void tls_1_3_is_bound_to_its_handshake(void **state) {
  static const char *const none[] = {"--no-ems", NULL};
  (void)state;

  for (int policy = 0; policy < POLICIES; policy++) {
    if (has_policy(policy)) {
      const struct client_settings settings = settings_for(policy);
      struct tls_server server = tls_server_start(TLS_SERVER_PROXY, RSA, AMQP_WOLFSSL_TLS_1_3, none);
      struct client client = client_new(&settings);

      client_open(&client, "127.0.0.1", server.port);
      assert_int_equal(amqp_wolfssl_socket_extended_master_secret(client.socket), 1);
      client_destroy(&client);
      peer_process_stop(server.process);
    }
  }
}

/* The control: openssl s_client takes part, in a handshake that resumes, where the server's Finished comes first. */
static void renegotiation_with_one_who_takes_part(void **state) {
  static const char *const more[] = {"--renegotiate", NULL};
  struct tls_server server = tls_server_start(TLS_SERVER_PROXY, RSA, AMQP_WOLFSSL_TLS_1_2, more);
  struct peer_process *client;
  char place[32];
  (void)state;

  peer_require("openssl");
  (void)snprintf(place, sizeof(place), "127.0.0.1:%d", server.port);
  client = start_openssl_client(place, IDENTITY);
  peer_process_expect(client, "read hello request");
  peer_process_expect(client, "read finished\nSSL_connect:SSLv3/TLS write change cipher spec");
  peer_process_stop(client);
  peer_process_stop(server.process);
}

/* A server that insists gets no second handshake. */
static void renegotiation(void **state) {
  static const char *const more[] = {"--renegotiate", NULL};
  (void)state;

  for (int policy = 0; policy < POLICIES; policy++) {
    if (has_policy(policy)) {
      const struct client_settings settings = settings_for(policy);
      struct tls_server server = tls_server_start(TLS_SERVER_PROXY, RSA, AMQP_WOLFSSL_TLS_1_2, more);
      struct client client = client_new(&settings);
      struct timeval limit = {30, 0};
      amqp_frame_t frame;

      client_open(&client, "127.0.0.1", server.port);
      peer_process_expect(server.process, "RENEGOTIATION asked");
      assert_int_not_equal(amqp_simple_wait_frame_noblock(client.connection, &frame, &limit), AMQP_STATUS_OK);
      peer_process_expect(server.process, "ALERT received 100 ");
      client_destroy(&client);
      peer_process_stop(server.process);
    }
  }
}

static void expect_one_who_takes_raw_public_keys(int port) {
  char text[16];
  struct peer_process *client;

  (void)snprintf(text, sizeof(text), "%d", port);
  client = start_gnutls_client(text, IDENTITY, "NORMAL:-CTYPE-ALL:+CTYPE-SRV-RAWPK:+CTYPE-CLI-X509");
  peer_process_expect(client, "- Handshake was completed");
  peer_process_stop(client);
}

/* RFC 7250: the server has nothing but a bare public key to show. */
static void raw_public_keys(void **state) {
  static const char *const priorities[] = {"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CTYPE-ALL:+CTYPE-SRV-RAWPK:+CTYPE-CLI-X509",
                                           "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CTYPE-ALL:+CTYPE-SRV-RAWPK:+CTYPE-CLI-X509"};
  static const char public_key[] = "raw-public-key.pem";
  const char *const extract[] = {
      "openssl", "pkey", "-in", minted_key(RSA), "-pubout", "-out", temporary_folder_path(public_key), NULL};
  (void)state;

  free(peer_process_run(extract));
  for (size_t i = 0; i < COUNT(priorities); i++) {
    for (int policy = 0; policy < POLICIES; policy++) {
      const char *const more[] = {"--rawpkkeyfile", minted_key(RSA), "--rawpkfile", temporary_folder_path(public_key),
                                  "--priority",     priorities[i],   NULL};

      if (has_policy(policy)) {
        const struct client_settings settings = settings_for(policy);
        struct tls_server server = tls_server_start(TLS_SERVER_GNUTLS, NULL, 0, more);
        struct client client = client_new(&settings);
        const int status = client_try_open(&client, "127.0.0.1", server.port);

        assert_string_not_equal(outcome_of(&client, status), TAKEN);
        assert_false(tls_server_saw_client(TLS_SERVER_GNUTLS, &server, IDENTITY));
        client_destroy(&client);
        expect_one_who_takes_raw_public_keys(server.port);
        peer_process_stop(server.process);
      }
    }
  }
}

/* ---- A server that chooses what was not offered ---- */

/* A server that means well, and a relay that changes one field of a Hello. Such a handshake can't complete, as the two
   ends have seen different ones; so what counts is how far it gets: to the ServerHello, and no further. */
struct forgery {
  const char *what;
  int version;
  const char *group;  /* the only one the server takes, so that it asks for a new start; NULL: any */
  const char *suites; /* what the program narrows the policy to; NULL: nothing */
  const char *field;
  const char *value;
  const char *choices; /* the server's, and what the relay makes of it */
  const char *expected;
};

#define NARROW_1_2 "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
#define NARROW_1_3 "TLS_AES_256_GCM_SHA384"
#define SUITE_IN_1_2(value) "suite", value, "SERVER-HELLO c030 00\nREWRITTEN " value " 00\n", "POLICY_SUITE"
#define SUITE_IN_1_3(value) "suite", value, "SERVER-HELLO 1302 00\nREWRITTEN " value " 00\n", "POLICY_SUITE"
/* What a wolfSSL built to be friendly to middleboxes sends before a second ClientHello (RFC 8446, appendix D.4). */
#ifdef WOLFSSL_TLS13_MIDDLEBOX_COMPAT
#define CHANGE_CIPHER_SPEC "CLIENT 20 1 0\n"
#else
#define CHANGE_CIPHER_SPEC ""
#endif
#define COMPRESSION(suite) \
  "compression", "01", "SERVER-HELLO " suite " 00\nREWRITTEN " suite " 01\n", "HANDSHAKE_FAILED"

static const struct forgery forgeries[] = {
    {"static RSA", AMQP_WOLFSSL_TLS_1_2, NULL, NULL, SUITE_IN_1_2("009c")},
    {"CBC", AMQP_WOLFSSL_TLS_1_2, NULL, NULL, SUITE_IN_1_2("c027")},
    {"NULL", AMQP_WOLFSSL_TLS_1_2, NULL, NULL, SUITE_IN_1_2("0000")},
    {"a suite of TLS 1.3", AMQP_WOLFSSL_TLS_1_2, NULL, NULL, SUITE_IN_1_2("1302")},
    {"AES-128, left out", AMQP_WOLFSSL_TLS_1_2, NULL, NARROW_1_2, SUITE_IN_1_2("c02f")},
    {"AES-128, left out beside 1.3", AMQP_WOLFSSL_TLS_1_2, NULL, NARROW_1_2 ":" NARROW_1_3, SUITE_IN_1_2("c02f")},
    {"ECDSA, left out", AMQP_WOLFSSL_TLS_1_2, NULL, NARROW_1_2, SUITE_IN_1_2("c02c")},
    {"ECDSA, left out beside 1.3", AMQP_WOLFSSL_TLS_1_2, NULL, NARROW_1_2 ":" NARROW_1_3, SUITE_IN_1_2("c02c")},
    {"compression", AMQP_WOLFSSL_TLS_1_2, NULL, NULL, COMPRESSION("c030")},
    {"CCM in 1.3", AMQP_WOLFSSL_TLS_1_3, NULL, NULL, SUITE_IN_1_3("1304")},
    {"a suite of TLS 1.2 in 1.3", AMQP_WOLFSSL_TLS_1_3, NULL, NULL, SUITE_IN_1_3("c030")},
    {"AES-128 in 1.3, left out", AMQP_WOLFSSL_TLS_1_3, NULL, NARROW_1_3, SUITE_IN_1_3("1301")},
    {"ChaCha20 in 1.3, left out", AMQP_WOLFSSL_TLS_1_3, NULL, NARROW_1_3, SUITE_IN_1_3("1303")},
    {"compression in 1.3", AMQP_WOLFSSL_TLS_1_3, NULL, NULL, COMPRESSION("1302")},
    {"CCM with a new start", AMQP_WOLFSSL_TLS_1_3, "secp521r1", NULL, SUITE_IN_1_3("1304")},
    {"AES-128 with a new start, left out", AMQP_WOLFSSL_TLS_1_3, "secp521r1", NARROW_1_3, SUITE_IN_1_3("1301")},
    {"another suite after a new start", AMQP_WOLFSSL_TLS_1_3, "secp521r1", NULL, "second-suite", "1301",
     "SERVER-HELLO 1302 00\n" CHANGE_CIPHER_SPEC "CLIENT 22 1 0\nSERVER-HELLO 1302 00\nREWRITTEN 1301 00\n",
     "POLICY_SUITE"},
    {"less than was offered", 0, NULL, NULL, "versions", "0303", "VERSIONS 2\nSERVER-HELLO c030 00\n",
     "POLICY_VERSION"},
};

static struct peer_process *start_relay(const struct forgery *forgery, int server_port, int *port) {
  char number[16];
  const char *const arguments[] = {path_in_build_tree("tests/support/rewriting_relay"), number, forgery->field,
                                   forgery->value, NULL};
  struct peer_process *relay;

  (void)snprintf(number, sizeof(number), "%d", server_port);
  relay = peer_process_start(arguments);
  *port = (int)strtol(peer_process_expect_line(relay, "PORT "), NULL, 10);
  return relay;
}

/* settings_for(), and what the program narrows it to. */
static struct client narrowed_client(int policy, const char *suites) {
  const struct client_settings settings = settings_for(policy);
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
  struct client client = {.connection = amqp_new_connection()};

  assert_non_null(client.connection);
  assert_int_equal(amqp_wolfssl_config_set_policy(config, (amqp_wolfssl_policy_t)settings.policy), AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_wolfssl_config_add_ca_file(config, minted_certificate(settings.ca)), AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_wolfssl_config_set_identity_files(config, minted_certificate(IDENTITY), minted_key(IDENTITY)),
                   AMQP_WOLFSSL_OK);
  for (size_t i = 0; i < CLIENT_LISTS && settings.lists[i] != NULL; i++) {
    assert_int_equal(amqp_wolfssl_config_add_crl_file(config, minted_certificate(settings.lists[i])), AMQP_WOLFSSL_OK);
  }
  if (suites != NULL) {
    assert_int_equal(amqp_wolfssl_config_set_suites(config, suites), AMQP_WOLFSSL_OK);
  }
  client.socket = amqp_wolfssl_socket_new(client.connection, config);
  amqp_wolfssl_config_free(config);
  assert_non_null(client.socket);
  return client;
}

/* The ClientHello, what became of the ServerHello, and an alert: illegal_parameter, in the clear. No certificate, no
   key exchange, no Finished. */
static void check_transcript(const struct forgery *forgery, struct peer_process *relay) {
  char expected[256];

  peer_process_expect(relay, "CLIENT-END\n");
  (void)snprintf(expected, sizeof(expected), "\nCLIENT 22 1 0\n%sCLIENT 21 2 47\nCLIENT-END\n", forgery->choices);
  assert_string_equal(strchr(peer_process_output(relay), '\n'), expected);
}

static void forge(const struct forgery *forgery, int policy) {
  const char *const options[] = {"-cipher",
                                 "ECDHE-RSA-AES256-GCM-SHA384",
                                 "-ciphersuites",
                                 "TLS_AES_256_GCM_SHA384",
                                 forgery->group != NULL ? "-groups" : NULL,
                                 forgery->group,
                                 NULL};
  struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, RSA, forgery->version, options);
  int port;
  struct peer_process *relay = start_relay(forgery, server.port, &port);
  struct client client = narrowed_client(policy, forgery->suites);
  const int status = client_try_open(&client, "127.0.0.1", port);

  print_message("# %s: %s\n", policies[policy].name, forgery->what);
  assert_string_equal(outcome_of(&client, status), forgery->expected);
  assert_int_equal(amqp_wolfssl_error_alert(amqp_wolfssl_socket_error(client.socket)), 47);
  assert_int_equal(amqp_wolfssl_error_alert_direction(amqp_wolfssl_socket_error(client.socket)),
                   AMQP_WOLFSSL_ALERT_SENT);
  client_destroy(&client);
  check_transcript(forgery, relay);
  peer_process_stop(relay);
  peer_process_stop(server.process);
}

/* The control: the relay changes nothing when it puts there what stands there. */
static void what_was_offered(void **state) {
  static const struct forgery none[] = {
      {"nothing in 1.2", AMQP_WOLFSSL_TLS_1_2, NULL, NARROW_1_2, SUITE_IN_1_2("c030")},
      {"nothing in 1.3", AMQP_WOLFSSL_TLS_1_3, NULL, NARROW_1_3, SUITE_IN_1_3("1302")}};
  (void)state;

  for (int policy = 0; policy < POLICIES; policy++) {
    for (size_t i = 0; i < COUNT(none) && has_policy(policy); i++) {
      struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, RSA, none[i].version, NULL);
      int port;
      struct peer_process *relay = start_relay(&none[i], server.port, &port);
      struct client client = narrowed_client(policy, none[i].suites);

      client_open(&client, "127.0.0.1", port);
      tls_server_expect_client(TLS_SERVER_OPENSSL, &server, IDENTITY);
      client_destroy(&client);
      peer_process_stop(relay);
      peer_process_stop(server.process);
    }
  }
}

static void what_was_not_offered(void **state) {
  (void)state;
  for (int policy = 0; policy < POLICIES; policy++) {
    for (size_t i = 0; i < COUNT(forgeries) && has_policy(policy); i++) {
      /* cnsa has one group, so no server can ask for another. */
      if (forgeries[i].group == NULL || policy != CNSA) {
        forge(&forgeries[i], policy);
      }
    }
  }
}

/* A server that would read early data gets none, on a second connection either. */
static void early_data(void **state) {
  static const char *const more[] = {"-early_data", NULL};
  (void)state;

  for (int policy = 0; policy < POLICIES; policy++) {
    if (has_policy(policy)) {
      const struct client_settings settings = settings_for(policy);
      struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, RSA, AMQP_WOLFSSL_TLS_1_3, more);

      for (int i = 0; i < 2; i++) {
        struct client client = client_new(&settings);

        client_open(&client, "127.0.0.1", server.port);
        peer_process_expect(server.process, "No early data received");
        client_destroy(&client);
      }
      assert_false(peer_process_has_written(server.process, "Reused"));
      peer_process_stop(server.process);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_policy_is_held_or_refused),
      cmocka_unit_test_teardown(nothing_wrong, peer_process_tear_down),
      cmocka_unit_test_teardown(one_wrong_thing_each_under_fips, peer_process_tear_down),
      cmocka_unit_test_teardown(one_wrong_thing_each_under_cnsa, peer_process_tear_down),
      cmocka_unit_test_teardown(one_wrong_thing_each_under_modern, peer_process_tear_down),
      cmocka_unit_test_teardown(what_only_gnutls_still_has, peer_process_tear_down),
      cmocka_unit_test_teardown(tls_1_2_without_the_extended_master_secret, peer_process_tear_down),
      cmocka_unit_test_teardown(tls_1_3_is_bound_to_its_handshake, peer_process_tear_down),
      cmocka_unit_test_teardown(renegotiation_with_one_who_takes_part, peer_process_tear_down),
      cmocka_unit_test_teardown(renegotiation, peer_process_tear_down),
      cmocka_unit_test_teardown(raw_public_keys, peer_process_tear_down),
      cmocka_unit_test_teardown(what_was_offered, peer_process_tear_down),
      cmocka_unit_test_teardown(what_was_not_offered, peer_process_tear_down),
      cmocka_unit_test_teardown(early_data, peer_process_tear_down),
  };

  return cmocka_run_group_tests_name("policies", tests, mint, minted_certificates_tear_down);
}
