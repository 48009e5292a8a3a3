/* SPDX-License-Identifier: MIT */
/* The verification callback under a WOLFSSL object of the test's own, and the sentences made of what it saw. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <stdio.h>
#include <string.h>

#include "command.h"
#include "memory_session.h"
#include "minted_certificates.h"
#include "minted_chain.h"
#include "paths.h"
#include "verification/peer_verification.h"
#include "temporary_folder.h"
#include "backend/wolfssl_headers.h"

#include <wolfssl/error-ssl.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct client {
  struct memory_session *pair; /* for its context and its server; its session stays silent */
  struct peer_name name;
  struct peer_verification verification;
  struct tls_io io;
  WOLFSSL *ssl;
};

/* \param before whose context is used, as the openings of one config do; NULL: one of its own */
static void client_make_after(struct client *client, const struct client *before, const char *server_name,
                              const char *ca, const char *name, bool skip_peer) {
  struct memory_session_settings settings = {.ca = ca, .name = name, .skip_peer = skip_peer};
  struct memory_peer_settings server = {0};
  struct lower_socket lower;
  char file[64];

  (void)snprintf(file, sizeof(file), "%s.pem", server_name);
  server.certificate = temporary_folder_path(file);
  (void)snprintf(file, sizeof(file), "%s.key", server_name);
  server.key = temporary_folder_path(file);
  client->pair = memory_session_new(&settings, &server);
  assert_true(peer_name_parse(&client->name, name));
  peer_verification_init(&client->verification, &client->pair->settings, &client->pair->trust, &client->name,
                         tls_context_remembered_paths((before != NULL ? before : client)->pair->context));
  lower = memory_peer_lower(client->pair->peer);
  tls_io_init(&client->io, &lower);
  client->ssl = tls_context_new_ssl((before != NULL ? before : client)->pair->context);
  assert_non_null(client->ssl);
  assert_true(tls_io_watch_handshake(&client->io));
  tls_io_attach(&client->io, client->ssl);
  peer_verification_attach(&client->verification, client->ssl);
  wolfSSL_set_using_nonblock(client->ssl, 1);
}

static void client_make(struct client *client, const char *server_name, const char *ca, const char *name,
                        bool skip_peer) {
  client_make_after(client, NULL, server_name, ca, name, skip_peer);
}

static void client_free(struct client *client) {
  wolfSSL_free(client->ssl);
  tls_io_free(&client->io);
  peer_verification_free(&client->verification);
  memory_session_free(client->pair);
}

/* \return wolfSSL's code: 0 done, WANT_READ, or why it failed */
static int client_step(struct client *client) {
  int result;

  peer_verification_set_current(&client->verification);
  result = wolfSSL_connect(client->ssl);
  peer_verification_set_current(NULL);
  result = result == WOLFSSL_SUCCESS ? 0 : wolfSSL_get_error(client->ssl, result);
  if (client->verification.leaf_accepted) {
    tls_io_open_gate(&client->io);
  }
  assert_int_equal(tls_io_flush(&client->io), TLS_IO_FLUSHED);
  (void)memory_peer_accept(client->pair->peer);
  return result;
}

static int client_connect(struct client *client) {
  int result = WOLFSSL_ERROR_WANT_READ;

  for (int step = 0; step < 20 && result == WOLFSSL_ERROR_WANT_READ; step++) {
    result = client_step(client);
  }
  return result;
}

static void test_fresh_verification(void **state) {
  struct tls_settings settings = {0};
  struct trust trust = {0};
  struct peer_verification verification;

  (void)state;
  peer_verification_init(&verification, &settings, &trust, NULL, NULL);
  assert_false(verification.leaf_accepted);
  assert_int_equal(verification.error.code, AMQP_WOLFSSL_OK);
  assert_int_equal(verification.chain.count, 0);
  assert_false(peer_verification_failed(&verification, 0));
  assert_false(peer_verification_failed(&verification, -1));
  peer_verification_free(&verification);
}

static void test_good_server(void **state) {
  static const struct {
    const char *server;
    size_t certificates;
  } servers[] = {{"server", 1}, {"server-chain", 2}, {"intermediate-twice", 3}};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(servers); i++) {
    struct client client;

    client_make(&client, servers[i].server, "ca.pem", "localhost", false);
    assert_int_equal(client_connect(&client), 0);
    assert_true(client.verification.leaf_accepted);
    assert_int_equal(client.verification.chain.count, servers[i].certificates);
    {
      struct certificate leaf;
      char subject[100];

      assert_true(
          certificate_read(&leaf, client.verification.chain.items[0].bytes, client.verification.chain.items[0].length));
      certificate_format_name(leaf.subject, subject, sizeof(subject));
      assert_non_null(strstr(subject, "CN=server"));
    }
    assert_false(peer_verification_failed(&client.verification, 0));
    client_free(&client);
  }
}

/* Two handshakes take turns in one thread: each verdict goes where it belongs. */
static void test_two_at_once(void **state) {
  struct client good;
  struct client bad;
  int good_result = WOLFSSL_ERROR_WANT_READ;
  int bad_result = WOLFSSL_ERROR_WANT_READ;

  (void)state;
  client_make(&good, "server", "ca.pem", "localhost", false);
  client_make(&bad, "server-wrong-name", "ca.pem", "localhost", false);
  for (int step = 0; step < 20; step++) {
    if (good_result == WOLFSSL_ERROR_WANT_READ) {
      good_result = client_step(&good);
    }
    if (bad_result == WOLFSSL_ERROR_WANT_READ) {
      bad_result = client_step(&bad);
    }
  }
  assert_int_equal(good_result, 0);
  assert_true(good.verification.leaf_accepted);
  assert_int_equal(good.verification.error.code, AMQP_WOLFSSL_OK);
  assert_true(bad_result != 0);
  assert_false(bad.verification.leaf_accepted);
  assert_int_equal(bad.verification.error.code, AMQP_WOLFSSL_ERROR_NAME_MISMATCH);
  client_free(&good);
  client_free(&bad);
}

struct bad_server {
  const char *server;
  const char *ca;
  const char *name;
  amqp_wolfssl_code_t code;
  const char *words[4]; /* all of them stand in the sentence */
};

static const struct bad_server bad_servers[] = {
    {"server-wrong-name",
     "ca.pem",
     "a.broker.test",
     AMQP_WOLFSSL_ERROR_NAME_MISMATCH,
     {"DNS:a.broker.test", "DNS:elsewhere.test"}},
    {"server",
     "ca.pem",
     "192.0.2.7",
     AMQP_WOLFSSL_ERROR_NAME_MISMATCH,
     {"IP:192.0.2.7", "DNS:localhost", "IP:127.0.0.1"}},
    {"server", "ca.pem", "2001:DB8::7", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, {"IP:2001:db8::7", "DNS:*.broker.test"}},
    {"server-no-san", "ca.pem", "localhost", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, {"DNS:localhost", "no name at all"}},
    {"many-names", "many-names.pem", "localhost", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, {"DNS:name-1.test", "..."}},
    {"server-expired", "ca.pem", "localhost", AMQP_WOLFSSL_ERROR_CERTIFICATE_EXPIRED, {"expired", "valid from", "UTC"}},
    {"server-not-yet-valid",
     "ca.pem",
     "localhost",
     AMQP_WOLFSSL_ERROR_CERTIFICATE_NOT_YET_VALID,
     {"not valid yet", "valid from", "UTC"}},
    {"server-other-ca",
     "bundle.pem",
     "localhost",
     AMQP_WOLFSSL_ERROR_UNKNOWN_CA,
     {"CN=Other Test Root,O=Other Test", "trusted: 2"}},
    {"server-self-signed", "ca.pem", "localhost", AMQP_WOLFSSL_ERROR_SELF_SIGNED, {"self-signed", "trusted: 1"}},
    {"server-weak-rsa1024", "ca.pem", "localhost", AMQP_WOLFSSL_ERROR_WEAK_KEY, {"1024 bits"}},
};

static void test_sentences(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(bad_servers); i++) {
    const struct bad_server *bad = &bad_servers[i];
    struct client client;
    amqp_wolfssl_error_t error;
    int result;

    client_make(&client, bad->server, bad->ca, bad->name, false);
    result = client_connect(&client);
    error_clear(&error);
    assert_true(result < 0);
    assert_false(client.verification.leaf_accepted);
    assert_true(peer_verification_failed(&client.verification, result));
    assert_int_equal(peer_verification_explain(&client.verification, result, &error), bad->code);
    print_message("%s: %s\n", bad->server, error.message);
    assert_int_equal(error.code, bad->code);
    assert_int_equal(error.stage, AMQP_WOLFSSL_STAGE_VERIFY);
    assert_int_equal(error.wolfssl_code, result);
    for (size_t word = 0; word < COUNT_OF(bad->words) && bad->words[word] != NULL; word++) {
      assert_non_null(strstr(error.message, bad->words[word]));
    }
    assert_true(error.certificate_subject[0] != '\0');
    assert_int_equal(error.certificate_depth, 0);
    client_free(&client);
  }
}

/* The chain is judged as a whole: a weak key above the leaf counts too. */
static void test_weak_authority(void **state) {
  struct client client;
  amqp_wolfssl_error_t error;
  int result;

  (void)state;
  client_make(&client, "weak-authority", "ca.pem", "localhost", false);
  result = client_connect(&client);
  assert_true(result < 0);
  assert_false(client.verification.leaf_accepted);
  assert_true(peer_verification_failed(&client.verification, result));
  assert_int_equal(peer_verification_explain(&client.verification, result, &error), AMQP_WOLFSSL_ERROR_WEAK_KEY);
  client_free(&client);
}

/* Signatures count wherever somebody relies on them: not that of a root that is trusted, and sent along. */
static void test_signatures_of_the_chain(void **state) {
  static const struct {
    const char *server;
    const char *ca;
    int depth; /* -1: accepted */
  } rows[] = {
      {"server-sha1", "ca-rsa.pem", 0},
      {"server-sha1-intermediate", "ca-rsa.pem", 1},
      {"server-sha1-root", "ca-sha1.pem", -1},
      {"renewed-root", "ca-sha1.pem", -1}, /* the same name and key, signed anew */
      {"server-pss", "ca-rsa.pem", -1},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    struct client client;
    amqp_wolfssl_error_t error;
    int result;

    client_make(&client, rows[i].server, rows[i].ca, "localhost", false);
    result = client_connect(&client);
    print_message("%s by %s: %d\n", rows[i].server, rows[i].ca, result);
    assert_int_equal(client.verification.leaf_accepted, rows[i].depth < 0);
    assert_int_equal(result == 0, rows[i].depth < 0);
    if (rows[i].depth >= 0) {
      assert_int_equal(peer_verification_explain(&client.verification, result, &error),
                       AMQP_WOLFSSL_ERROR_WEAK_SIGNATURE);
      assert_int_equal(error.certificate_depth, rows[i].depth);
      assert_non_null(strstr(error.message, "rsa_pkcs1_sha1"));
    }
    client_free(&client);
  }
}

/* wolfSSL trusts an intermediate that it once verified, for as long as the context lives: what the policy refuses must
   not become one, and the outcome of an opening must not hang on those before it. */
static void test_an_intermediate_that_was_seen_before(void **state) {
  static const struct {
    const char *whole;
    const char *ca;
    amqp_wolfssl_code_t code; /* of the whole chain; OK: accepted */
  } rows[] = {
      {"server-chain", "ca.pem", AMQP_WOLFSSL_OK},
      {"server-sha1-intermediate", "ca-rsa.pem", AMQP_WOLFSSL_ERROR_WEAK_SIGNATURE},
      {"other-curve-intermediate", "ca.pem", AMQP_WOLFSSL_ERROR_WEAK_KEY},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    struct client first;
    struct client second;
    amqp_wolfssl_error_t error;
    char leaf_only[64];
    int result;

    (void)snprintf(leaf_only, sizeof(leaf_only), "%s-leaf-only", rows[i].whole);
    client_make(&first, rows[i].whole, rows[i].ca, "localhost", false);
    result = client_connect(&first);
    print_message("%s: %d\n", rows[i].whole, result);
    assert_int_equal(result == 0, rows[i].code == AMQP_WOLFSSL_OK);
    if (result != 0) {
      assert_int_equal(peer_verification_explain(&first.verification, result, &error), rows[i].code);
    }
    client_make_after(&second, &first, leaf_only, rows[i].ca, "localhost", false);
    result = client_connect(&second);
    assert_true(result < 0);
    assert_false(second.verification.leaf_accepted);
    assert_int_equal(peer_verification_explain(&second.verification, result, &error), AMQP_WOLFSSL_ERROR_UNKNOWN_CA);
    print_message("%s: %s\n", leaf_only, error.message);
    assert_non_null(strstr(error.message, "did not send"));
    client_free(&second);
    client_free(&first);
  }
}

/* That a certificate is its own issuer by name exempts nothing: this one is signed by the root's older key. */
static void test_signature_of_a_root_that_is_not_trusted(void **state) {
  struct client client;
  amqp_wolfssl_error_t error;
  int result;

  (void)state;
  client_make(&client, "rolled-over", "ca-rsa.pem", "localhost", false);
  result = client_connect(&client);
  assert_true(result < 0);
  assert_int_equal(peer_verification_explain(&client.verification, result, &error), AMQP_WOLFSSL_ERROR_WEAK_SIGNATURE);
  assert_int_equal(error.certificate_depth, 1);
  client_free(&client);
}

/* A CA that is trusted, but too weak for the policy, is not used, and the sentence says so. */
static void test_weak_trust_anchor(void **state) {
  struct client client;
  amqp_wolfssl_error_t error;
  int result;

  (void)state;
  client_make(&client, "leaf-of-weak", "weak-bundle.pem", "localhost", false);
  result = client_connect(&client);
  assert_true(result < 0);
  assert_int_equal(peer_verification_explain(&client.verification, result, &error), AMQP_WOLFSSL_ERROR_WEAK_KEY);
  assert_non_null(strstr(error.message, "\"CN=weak\""));
  assert_non_null(strstr(error.message, "1024 bits, fewer than 2048"));
  client_free(&client);
}

#if defined(WOLFSSL_TRUST_PEER_CERT) && defined(OPENSSL_EXTRA)
#define TRUSTED_PEERS_CAN_BE_LOADED 1

static void client_make_for_forged_anchor(struct client *client) {
  client_make(client, "forged", "ca.pem", "localhost", false);
  assert_int_equal(wolfSSL_CTX_trust_peer_cert(wolfSSL_get_SSL_CTX(client->ssl), temporary_folder_path("ca.pem"),
                                               WOLFSSL_FILETYPE_PEM),
                   WOLFSSL_SUCCESS);
}

/* Before 5.9.4 such a wolfSSL takes a copy of a trusted peer's certificate for that peer, whatever key is in it, and
   asks nobody about signatures (CVE-2026-93302). We don't load any: here the test does. */
static void test_a_forged_anchor_of_a_trusted_peer(void **state) {
  struct client client;
  amqp_wolfssl_error_t error;
  int result;

  (void)state;
  assert_int_equal(command_run(temporary_folder_path(""), path_in_build_tree("tests/support/forge_certificate"),
                               "ca.pem", "all", "forged.pem", "forged.key", NULL),
                   0);
  client_make_for_forged_anchor(&client);
  wolfSSL_CertManagerSetVerify(wolfSSL_CTX_GetCertManager(wolfSSL_get_SSL_CTX(client.ssl)), NULL);
  wolfSSL_set_verify(client.ssl, WOLFSSL_VERIFY_PEER, NULL);
  result = client_connect(&client);
  print_message("# wolfSSL alone: %d\n", result);
  /* With the mend, which distributions have in older versions too, it asks the signature. */
  assert_true(result == ASN_SIG_CONFIRM_E || (result == 0 && LIBWOLFSSL_VERSION_HEX < 0x05009004));
  client_free(&client);

  client_make_for_forged_anchor(&client);
  result = client_connect(&client);
  assert_true(result < 0);
  assert_false(client.verification.leaf_accepted);
  assert_int_equal(peer_verification_explain(&client.verification, result, &error), AMQP_WOLFSSL_ERROR_BAD_SIGNATURE);
  client_free(&client);
}
#endif

/* Without a session to serve, as in a renegotiation, which a wolfSSL may start by itself, nothing is accepted. */
static void test_nobody_current(void **state) {
  struct client client;
  int result = WOLFSSL_ERROR_WANT_READ;

  (void)state;
  client_make(&client, "server", "ca.pem", "localhost", false);
  for (int step = 0; step < 20 && result == WOLFSSL_ERROR_WANT_READ; step++) {
    result = wolfSSL_connect(client.ssl);
    result = result == WOLFSSL_SUCCESS ? 0 : wolfSSL_get_error(client.ssl, result);
    assert_int_equal(tls_io_flush(&client.io), TLS_IO_FLUSHED);
    (void)memory_peer_accept(client.pair->peer);
  }
  assert_true(result < 0);
  assert_false(client.verification.leaf_accepted);
  assert_int_equal(client.verification.chain.count, 0);
  client_free(&client);
}

static void test_codes_about_certificates(void **state) {
  static const struct {
    int wolfssl_code;
    amqp_wolfssl_code_t code;
  } codes[] = {{ASN_AFTER_DATE_E, AMQP_WOLFSSL_ERROR_CERTIFICATE_EXPIRED},
               {ASN_BEFORE_DATE_E, AMQP_WOLFSSL_ERROR_CERTIFICATE_NOT_YET_VALID},
               {ASN_NO_SIGNER_E, AMQP_WOLFSSL_ERROR_UNKNOWN_CA},
               {NO_PEER_CERT, AMQP_WOLFSSL_ERROR_PEER_CERTIFICATE_MISSING},
               {ASN_SIG_CONFIRM_E, AMQP_WOLFSSL_ERROR_BAD_SIGNATURE}};
  struct tls_settings settings = {0};
  struct trust trust = {0};
  struct peer_verification verification;
  amqp_wolfssl_error_t error;

  (void)state;
  peer_verification_init(&verification, &settings, &trust, NULL, NULL);
  for (size_t i = 0; i < COUNT_OF(codes); i++) {
    assert_true(peer_verification_failed(&verification, codes[i].wolfssl_code));
    error_clear(&error);
    assert_int_equal(peer_verification_explain(&verification, codes[i].wolfssl_code, &error), codes[i].code);
    assert_int_equal(error.certificate_depth, -1);
  }
  assert_int_equal(peer_verification_explain(&verification, -1, &error), AMQP_WOLFSSL_ERROR_CERTIFICATE_INVALID);
  assert_int_equal(error.stage, AMQP_WOLFSSL_STAGE_VERIFY);
  peer_verification_free(&verification);
}

/* ---- */

static int mint_more(void) {
  char names[1024] = "subjectAltName = DNS:name-1.test";

  for (int i = 2; i <= 40; i++) {
    size_t used = strlen(names);

    (void)snprintf(names + used, sizeof(names) - used, ",DNS:name-%d.test", i);
  }
  (void)snprintf(names + strlen(names), sizeof(names) - strlen(names), "\nbasicConstraints = CA:TRUE\n");
  if (minted_certificates_self_signed("many-names", -1, 30, names) != 0) {
    return -1;
  }
  return command_run(
      temporary_folder_path(""), "sh", "-c",
      "set -e; exec 2>/dev/null\n"
      "openssl req -x509 -newkey rsa:1024 -nodes -subj /CN=weak -days 30 -CA ca.pem -CAkey ca.key"
      " -keyout weak.key -out weak.pem -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign\n"
      "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=weak-authority -days 30 -CA weak.pem -CAkey weak.key"
      " -keyout weak-authority.key -out leaf.pem -addext subjectAltName=DNS:localhost"
      " -addext basicConstraints=critical,CA:FALSE\n"
      "cat leaf.pem weak.pem >weak-authority.pem\n"
      "cp leaf.pem leaf-of-weak.pem; cp weak-authority.key leaf-of-weak.key\n"
      "cat weak.pem ca.pem >weak-bundle.pem\n"
      /* the leaf of server-sha1-root with its root signed anew, by the same key */
      "openssl req -x509 -new -key ca-sha1.key -subj '/O=Acme Test/CN=Acme Test SHA-1 Root' -sha1 -days 31"
      " -out renewed.pem -addext keyUsage=keyCertSign\n"
      "cat server-sha1-root-leaf-only.pem renewed.pem >renewed-root.pem; cp server-sha1-root.key renewed-root.key\n"
      /* a new key under the root's name, signed by the old one */
      "openssl req -x509 -newkey rsa:2048 -nodes -subj '/O=Acme Test/CN=Acme Test RSA Root' -days 30 -sha1"
      " -CA ca-rsa.pem -CAkey ca-rsa.key -keyout new-root.key -out new-root.pem"
      " -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign\n"
      "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=rolled-over -days 30 -CA new-root.pem -CAkey new-root.key"
      " -keyout rolled-over.key -out rolled-over-leaf.pem -addext subjectAltName=DNS:localhost"
      " -addext basicConstraints=critical,CA:FALSE\n"
      "cat rolled-over-leaf.pem new-root.pem >rolled-over.pem\n"
      /* an intermediate with a key on a curve that no policy has */
      "openssl ecparam -genkey -noout -name brainpoolP256r1 -out other-curve.key\n"
      "openssl req -x509 -new -key other-curve.key -subj /CN=other-curve -days 30 -CA ca.pem -CAkey ca.key"
      " -out other-curve.pem -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign\n"
      "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=other-curve-intermediate -days 30 -CA other-curve.pem"
      " -CAkey other-curve.key -keyout other-curve-intermediate.key -out other-curve-intermediate-leaf-only.pem"
      " -addext subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE\n"
      "cat other-curve-intermediate-leaf-only.pem other-curve.pem >other-curve-intermediate.pem\n"
      /* a CA that two others have signed: the first of them leads nowhere but to itself */
      "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=bridge -days 30 -CA ca.pem -CAkey ca.key -keyout bridge.key"
      " -out bridge.pem -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign\n"
      "openssl req -x509 -newkey rsa:2048 -nodes -subj '/O=Acme/CN=server by bridge' -days 30 -CA bridge.pem"
      " -CAkey bridge.key -keyout intermediate-twice.key -out bridge-leaf.pem -addext subjectAltName=DNS:localhost"
      " -addext basicConstraints=critical,CA:FALSE\n"
      "openssl req -x509 -key bridge.key -subj /CN=bridge -days 30 -out bridge-self.pem"
      " -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign\n"
      "cat bridge-leaf.pem bridge-self.pem bridge.pem >intermediate-twice.pem\n"
      "for name in server-chain server-sha1-intermediate other-curve-intermediate; do"
      " cp $name.key $name-leaf-only.key; done\n",
      NULL);
}

static int set_up(void **state) {
  (void)state;
  return minted_certificates_set_up_with(mint_more);
}

/* ---- What wolfSSL alone would accept ---- */

struct minted_server {
  const char *description; /* see mint_chain.c */
  const char *sent;
  amqp_wolfssl_code_t code;
  int depth;
  const char *words;
};

static void try_minted_server(const struct minted_server *row) {
  struct client client;
  amqp_wolfssl_error_t error;
  int result;

  minted_chain_make(row->description);
  minted_chain_join("p-chain", row->sent);
  minted_chain_join("p-trusted", "p-root");
  client_make(&client, "p-chain", "p-trusted.pem", "localhost", false);
  result = client_connect(&client);
  print_message("%s: %d\n", row->sent, result);
  assert_int_equal(result == 0, row->code == AMQP_WOLFSSL_OK);
  assert_int_equal(client.verification.leaf_accepted, row->code == AMQP_WOLFSSL_OK);
  if (row->code != AMQP_WOLFSSL_OK) {
    assert_int_equal(peer_verification_explain(&client.verification, result, &error), row->code);
    print_message("%s\n", error.message);
    assert_non_null(strstr(error.message, row->words));
    assert_int_equal(error.certificate_depth, row->depth);
  }
  client_free(&client);
}

static void test_what_wolfssl_alone_would_accept(void **state) {
  static const struct minted_server rows[] = {
      {"p-root ca\np-ica by=p-root ca x:extendedKeyUsage=clientAuth\np-leaf by=p-ica leaf\n", "p-leaf p-ica",
       AMQP_WOLFSSL_ERROR_CHAIN_INVALID, 1, "may not issue server certificates"},
      {"p-root ca\np-a by=p-root ca x:nameConstraints=critical,permitted;DNS:example.com\np-b by=p-a s=O=Acme ca\n"
       "p-leaf by=p-b leaf\n",
       "p-leaf p-b p-a", AMQP_WOLFSSL_ERROR_CHAIN_INVALID, 0, "do not permit a name of the broker's certificate"},
      {"p-root ca x:nameConstraints=critical,permitted;IP:10.0.0.0/255.0.0.0\n"
       "p-leaf by=p-root leaf x:subjectAltName=DNS:localhost,IP:192.0.2.1\n",
       "p-leaf", AMQP_WOLFSSL_ERROR_CHAIN_INVALID, 0, "IP:192.0.2.1"},
      {"p-root ca x:nameConstraints=critical,permitted;DNS:host\np-leaf by=p-root s=O=Acme leaf\n", "p-leaf",
       AMQP_WOLFSSL_ERROR_CHAIN_INVALID, 0, "DNS:localhost"},
      {"p-root ca x:nameConstraints=critical,excluded;DNS:bar.test\n"
       "p-leaf by=p-root s=O=Acme leaf x:subjectAltName=DNS:localhost,DNS:*.test\n",
       "p-leaf", AMQP_WOLFSSL_ERROR_CHAIN_INVALID, 0, "DNS:*.test"},
      {"p-root ca x:nameConstraints=critical,excluded;URI:.test\n"
       "p-leaf by=p-root s=O=Acme leaf x:subjectAltName=DNS:localhost,URI:https://bar.test/\n",
       "p-leaf", AMQP_WOLFSSL_ERROR_CHAIN_INVALID, 0, "URI:https://bar.test/"},
      {"p-root ca x:nameConstraints=critical,permitted;RID:1.2.3\n"
       "p-leaf by=p-root s=O=Acme leaf x:subjectAltName=DNS:localhost,RID:1.2.4\n",
       "p-leaf", AMQP_WOLFSSL_ERROR_CHAIN_INVALID, 0, "a kind of name that can't be compared"},
      {"p-root ca key=rsa2048\np-leaf by=p-root leaf pss=sha1:0\n", "p-leaf", AMQP_WOLFSSL_ERROR_WEAK_SIGNATURE, 0,
       "too weak"},
      {"p-root ca=0\np-ica by=p-root ca\np-leaf by=p-ica leaf\n", "p-leaf p-ica", AMQP_WOLFSSL_ERROR_CHAIN_INVALID, 2,
       "allows 0 intermediate CAs"},
      {"p-root ca x:keyUsage=cRLSign\np-leaf by=p-root leaf\n", "p-leaf", AMQP_WOLFSSL_ERROR_CHAIN_INVALID, 1,
       "keyCertSign"},
      {"p-root ca\np-leaf by=p-root leaf x:keyUsage=keyEncipherment\n", "p-leaf", AMQP_WOLFSSL_ERROR_CHAIN_INVALID, 0,
       "lacks digitalSignature"},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    try_minted_server(&rows[i]);
  }
}

/* The certificate at fault is named, though wolfSSL would say in the end that the leaf leads nowhere. */
static void test_sentences_name_the_one_at_fault(void **state) {
  static const struct minted_server rows[] = {
      {"p-root ca\np-ica by=p-root ca to=-60\np-leaf by=p-ica leaf\n", "p-leaf p-ica",
       AMQP_WOLFSSL_ERROR_CERTIFICATE_EXPIRED, 1, "the intermediate CA \"CN=p-ica\" has expired"},
      {"p-root ca\np-ica by=p-root leaf\np-leaf by=p-ica leaf\n", "p-leaf p-ica", AMQP_WOLFSSL_ERROR_CHAIN_INVALID, 1,
       "\"CN=p-ica\" is not a CA certificate"},
      {"p-root ca\np-a by=p-root ca=0\np-b by=p-a ca\np-leaf by=p-b leaf\n", "p-leaf p-b p-a",
       AMQP_WOLFSSL_ERROR_CHAIN_INVALID, 2, "\"CN=p-a\" allows 0 intermediate CAs"},
      {"p-root ca\np-ica by=p-root ca spoil\np-leaf by=p-ica leaf\n", "p-leaf p-ica", AMQP_WOLFSSL_ERROR_BAD_SIGNATURE,
       1, "\"CN=p-ica\" is wrong"},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    try_minted_server(&rows[i]);
  }
}

/* wolfSSL may stop at what it can't read before it asks anybody. Which certificate, and what in it, is said all the
   same, and never that it is the broker's own when it is another. */
static void test_certificates_that_can_not_be_read(void **state) {
  static const struct {
    const char *description;
    const char *sent;
    const char *subject;
    const char *words;
  } rows[] = {
      {"p-root ca\np-leaf by=p-root leaf x:2.5.29.17=DER:0500 x:subjectAltName=\n", "p-leaf", "CN=p-leaf",
       "can't be parsed: an extension is malformed (2.5.29.17)"},
      {"p-root ca\np-leaf by=p-root leaf x:2.5.29.37=DER:300a06082b06010505070301\n", "p-leaf", "CN=p-leaf",
       "can't be parsed: it has the same extension twice (2.5.29.37)"},
      {"p-root ca\np-ica by=p-root x:2.5.29.19=DER:0500\np-leaf by=p-ica leaf\n", "p-leaf p-ica", "CN=p-ica",
       "that of \"CN=p-ica\", can't be parsed: an extension is malformed (2.5.29.19)"},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    struct client client;
    amqp_wolfssl_error_t error;
    int result;

    minted_chain_make(rows[i].description);
    minted_chain_join("p-chain", rows[i].sent);
    minted_chain_join("p-trusted", "p-root");
    client_make(&client, "p-chain", "p-trusted.pem", "localhost", false);
    result = client_connect(&client);
    assert_true(result < 0);
    assert_true(peer_verification_failed(&client.verification, result));
    assert_int_equal(peer_verification_explain(&client.verification, result, &error),
                     AMQP_WOLFSSL_ERROR_CERTIFICATE_INVALID);
    print_message("%d: %s\n", result, error.message);
    assert_non_null(strstr(error.message, rows[i].words));
    assert_string_equal(error.certificate_subject, rows[i].subject);
    assert_int_equal(error.wolfssl_code, result);
    client_free(&client);
  }
}

/* A certificate that says it must be stapled asks for it, unless the broker was not asked to. */
static void test_must_staple(void **state) {
  static const struct {
    amqp_wolfssl_stapling_t stapling;
    bool by_certificate;
    bool accepted;
    amqp_wolfssl_code_t code;
    const char *words;
  } rows[] = {
      {AMQP_WOLFSSL_STAPLING_OFF, true, false, AMQP_WOLFSSL_OK, ""},
      {AMQP_WOLFSSL_STAPLING_REQUEST, false, false, AMQP_WOLFSSL_OK, ""},
      {AMQP_WOLFSSL_STAPLING_REQUEST, true, true, AMQP_WOLFSSL_OK, ""},
      {AMQP_WOLFSSL_STAPLING_REQUEST, true, false, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, "RFC 7633"},
      {AMQP_WOLFSSL_STAPLING_REQUIRE, true, false, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, "one is required"},
      {AMQP_WOLFSSL_STAPLING_REQUIRE, false, false, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, "one is required"},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    const struct tls_settings settings = {.verify_peer = true, .stapling = rows[i].stapling};
    const struct trust trust = {0};
    struct peer_verification verification;
    amqp_wolfssl_error_t error;

    peer_verification_init(&verification, &settings, &trust, NULL, NULL);
    verification.leaf_accepted = true;
    verification.path.requires_status = rows[i].by_certificate;
    verification.response_accepted = rows[i].accepted;
    error_clear(&error);
    assert_int_equal(peer_verification_finish(&verification, &error), rows[i].code);
    assert_non_null(strstr(error.message, rows[i].words));
    peer_verification_free(&verification);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_fresh_verification),
    cmocka_unit_test(test_good_server),
    cmocka_unit_test(test_two_at_once),
    cmocka_unit_test(test_sentences),
    cmocka_unit_test(test_weak_authority),
    cmocka_unit_test(test_signatures_of_the_chain),
    cmocka_unit_test(test_an_intermediate_that_was_seen_before),
    cmocka_unit_test(test_signature_of_a_root_that_is_not_trusted),
    cmocka_unit_test(test_weak_trust_anchor),
#if defined(WOLFSSL_TRUST_PEER_CERT) && defined(OPENSSL_EXTRA)
    cmocka_unit_test(test_a_forged_anchor_of_a_trusted_peer),
#endif
    cmocka_unit_test(test_nobody_current),
    cmocka_unit_test(test_codes_about_certificates),
    cmocka_unit_test(test_must_staple),
    cmocka_unit_test(test_what_wolfssl_alone_would_accept),
    cmocka_unit_test(test_sentences_name_the_one_at_fault),
    cmocka_unit_test(test_certificates_that_can_not_be_read),
  };

  return cmocka_run_group_tests(tests, set_up, minted_certificates_tear_down);
}
