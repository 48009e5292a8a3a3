/* SPDX-License-Identifier: MIT */
/*
 * Revocation, with servers of other makes: lists for the whole chain, good ones and one for each defect, replaced while
 * the program runs; and OCSP responses that a server staples, asked for and required.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <amqp_wolfssl_socket.h>

#include "client.h"
#include "command.h"
#include "minted_certificates.h"
#include "paths.h"
#include "peer_process.h"
#include "temporary_folder.h"
#include "tls_server.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool has_responses;

static int mint(void **state) {
  const char *script = path_in_source_tree("tests/support/mint-revocation");
  const char *program = path_in_build_tree("tests/support/mint_ocsp_response");

  if (minted_certificates_make(state) != 0) {
    return -1;
  }
  has_responses = access(program, X_OK) == 0;
  return has_responses ? command_run(".", script, "--responses", program, temporary_folder_path(""), NULL)
                       : command_run(".", script, temporary_folder_path(""), NULL);
}

/* ---- What an open comes to ---- */

struct expected {
  amqp_wolfssl_code_t code;
  const char *sentence; /* what the sentence holds; NULL: anything */
};

/* wolfSSL 5.9 refuses such responses before it shows them. */
static const char unread_sentence[] = "the OCSP response that the broker stapled is out of date or can't be read";

static void expect(const struct client *client, int status, const struct expected *expected, const char *what) {
  const amqp_wolfssl_error_t *error = amqp_wolfssl_socket_error(client->socket);
  const char *sentence = amqp_wolfssl_error_message(error);

  if (amqp_wolfssl_error_code(error) != expected->code || (status == AMQP_STATUS_OK) != (expected->code == 0)) {
    fail_msg("%s: wanted %s, got %s: %s", what, amqp_wolfssl_code_name(expected->code),
             client_describe_failure(client, status), sentence);
  }
  if (expected->sentence != NULL && strstr(sentence, expected->sentence) == NULL &&
      strstr(sentence, unread_sentence) == NULL) {
    fail_msg("%s: \"%s\" is not in \"%s\"", what, expected->sentence, sentence);
  }
  if (expected->code != AMQP_WOLFSSL_OK && amqp_wolfssl_error_stage(error) == AMQP_WOLFSSL_STAGE_VERIFY) {
    assert_int_equal(status, AMQP_STATUS_SSL_PEER_VERIFY_FAILED);
  }
}

static void try_once(const struct client_settings *settings, int port, const struct expected *expected,
                     const char *what) {
  struct client client = client_new(settings);

  expect(&client, client_try_open(&client, "127.0.0.1", port), expected, what);
  client_destroy(&client);
}

/* ---- Lists ---- */

struct list_row {
  const char *certificate;
  const char *lists[CLIENT_LISTS];
  struct expected expected;
};

#define GOOD \
  { .code = AMQP_WOLFSSL_OK }

static const struct list_row list_rows[] = {
    {"server", {"list-clean"}, GOOD},
    {"server", {"list-revoked-intermediate"}, GOOD},
    {"server", {"list-clean", "list-other-ca", "list-ca-rsa"}, GOOD},
    {"server",
     {"list-revoked-server"},
     {.code = AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED, .sentence = ": keyCompromise, according to its CRL in "}},
    {"server",
     {"list-expired"},
     {.code = AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, .sentence = " has expired (it was valid until "}},
    {"server",
     {"list-future"},
     {.code = AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, .sentence = " is not valid yet (it is dated "}},
    {"server",
     {"list-other-ca"},
     {.code = AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, .sentence = "no CRL of its issuer \"CN=Acme Test Root,O="}},
    {"server",
     {"list-impostor"},
     {.code = AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, .sentence = "is not signed by the CA that issued"}},
    {"server", {"list-impostor", "list-clean"}, GOOD},
    {"server", {"list-clean", "list-future"}, GOOD},
    {"server",
     {"list-sha1"},
     {.code = AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, .sentence = "is too weak: it is signed "}},
    /* One that leaves CAs out, critically. */
    {"server", {"list-partial"}, GOOD},
    {"server-chain",
     {"list-partial", "list-intermediate"},
     {.code = AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, .sentence = "covers no CA certificates"}},
    /* Of several the newest counts, whichever came first. */
    {"server", {"list-clean", "list-old-revoked-server"}, GOOD},
    {"server", {"list-old-revoked-server", "list-clean"}, GOOD},
    {"server", {"list-expired", "list-clean"}, GOOD},
    {"server", {"list-clean", "list-expired"}, GOOD},
    {"server",
     {"list-old-revoked-server", "list-expired"},
     {.code = AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED, .sentence = NULL}},
    {"server-rsa", {"list-ca-rsa"}, GOOD},
    {"server-rsa",
     {"list-clean"},
     {.code = AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, .sentence = "\"CN=Acme Test RSA Root,O=Acme Test\""}},
    {"server-chain", {"list-clean", "list-intermediate"}, GOOD},
    {"server-chain",
     {"list-clean"},
     {.code = AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, .sentence = "its issuer \"CN=Acme Test Intermediate,"}},
    {"server-chain",
     {"list-intermediate"},
     {.code = AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, .sentence = "its issuer \"CN=Acme Test Root,"}},
    {"server-chain",
     {"list-revoked-intermediate", "list-intermediate"},
     {.code = AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED,
      .sentence = "\"CN=Acme Test Intermediate,O=Acme Test\" in the broker's chain"}},
    {"server-chain",
     {"list-clean", "list-intermediate-revoked"},
     {.code = AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED, .sentence = "\"CN=server-chain,O=Acme\""}},
    {"server-chain",
     {"list-clean", "list-intermediate-expired"},
     {.code = AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, .sentence = "has expired"}},
    {"server-chain",
     {"list-expired", "list-intermediate"},
     {.code = AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, .sentence = "has expired"}},
    {"server-chain",
     {"list-clean", "list-intermediate-impostor"},
     {.code = AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, .sentence = "is not signed by the CA that issued"}},
    {"server-chain", {"list-clean", "list-intermediate-impostor", "list-intermediate"}, GOOD},
};

static void name_row(char what[256], const struct list_row *row, int version) {
  size_t used = (size_t)snprintf(what, 256, "%s, %s:", client_version_name(version), row->certificate);

  for (size_t i = 0; i < CLIENT_LISTS && row->lists[i] != NULL; i++) {
    used += (size_t)snprintf(what + used, 256 - used, " %s", row->lists[i]);
  }
}

static void try_lists(enum tls_server_kind kind, const char *certificate, int version) {
  struct tls_server server = tls_server_start(kind, certificate, version, NULL);

  for (size_t i = 0; i < COUNT(list_rows); i++) {
    struct client_settings settings = {.ca = "bundle", .identity = "client"};
    char what[256];

    if (strcmp(list_rows[i].certificate, certificate) != 0) {
      continue;
    }
    memcpy(settings.lists, list_rows[i].lists, sizeof(settings.lists));
    name_row(what, &list_rows[i], version);
    try_once(&settings, server.port, &list_rows[i].expected, what);
  }
  peer_process_stop(server.process);
}

static void lists_with(enum tls_server_kind kind) {
  static const char *const certificates[] = {"server", "server-rsa", "server-chain"};

  for (size_t i = 0; i < COUNT(certificates); i++) {
    for (size_t j = 0; j < COUNT(client_versions); j++) {
      try_lists(kind, certificates[i], client_versions[j]);
    }
  }
}

static void lists_with_openssl(void **state) {
  (void)state;
  lists_with(TLS_SERVER_OPENSSL);
}

static void lists_with_gnutls(void **state) {
  (void)state;
  lists_with(TLS_SERVER_GNUTLS);
}

/* Refused in the handshake: the server hears of it, and never sees our certificate. */
static void a_revoked_server_gets_an_alert(void **state) {
  const struct client_settings settings = {.ca = "bundle", .identity = "client", .lists = {"list-revoked-server"}};
  enum { BAD_CERTIFICATE = 42 };

  (void)state;
  for (size_t i = 0; i < COUNT(client_versions); i++) {
    struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, "server", client_versions[i], NULL);
    struct client client = client_new(&settings);
    const int status = client_try_open(&client, "127.0.0.1", server.port);

    assert_string_equal(client_describe_failure(&client, status),
                        client_describe_expected(AMQP_STATUS_SSL_PEER_VERIFY_FAILED, "verify", "CERTIFICATE_REVOKED",
                                                 BAD_CERTIFICATE, 1, 0, "CN=server,O=Acme"));
    tls_server_expect_alert(TLS_SERVER_OPENSSL, &server, BAD_CERTIFICATE);
    assert_false(tls_server_saw_client(TLS_SERVER_OPENSSL, &server, "client1"));
    client_destroy(&client);
    peer_process_stop(server.process);
  }
}

/*
 * wolfSSL keeps the intermediates of earlier connections. A server that leaves them out later must not get past the
 * check of an intermediate that nobody sees any more.
 */
static void an_intermediate_that_was_seen_before(void **state) {
  const struct client_settings settings = {
      .ca = "bundle", .identity = "client", .lists = {"list-clean", "list-intermediate"}};
  const struct expected refused = {.code = AMQP_WOLFSSL_ERROR_UNKNOWN_CA, .sentence = "certificates sent: 1"};
  struct tls_server whole = tls_server_start(TLS_SERVER_OPENSSL, "server-chain", 0, NULL);
  struct tls_server leaf = tls_server_start(TLS_SERVER_OPENSSL, "server-chain-leaf-only", 0, NULL);
  struct client first = client_new(&settings);
  struct client second = {.connection = amqp_new_connection()};

  (void)state;
  client_open(&first, "127.0.0.1", whole.port);
  second.socket = amqp_wolfssl_socket_new(second.connection, amqp_wolfssl_socket_config(first.socket));
  assert_non_null(second.socket);
  expect(&second, client_try_open(&second, "127.0.0.1", leaf.port), &refused, "without the intermediate");
  client_destroy(&second);
  client_destroy(&first);
  peer_process_stop(leaf.process);
  peer_process_stop(whole.process);
}

/* The usual ca-chain.pem: an intermediate that is trusted too has not been looked up by that alone. */
static void an_intermediate_in_the_ca_file(void **state) {
  static const struct {
    const char *list;
    struct expected expected;
  } rows[] = {
      {"list-clean", GOOD},
      {"list-revoked-intermediate",
       {.code = AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED,
        .sentence = "the trusted CA \"CN=Acme Test Intermediate,O=Acme Test\""}},
      {NULL, {.code = AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, .sentence = "its issuer \"CN=Acme Test Root,"}},
  };

  (void)state;
  assert_int_equal(
      command_run(temporary_folder_path(""), "sh", "-c", "cat intermediate.pem ca.pem > ca-chain.pem", NULL), 0);
  for (size_t i = 0; i < COUNT(rows) * COUNT(client_versions); i++) {
    const size_t at = i / COUNT(client_versions);
    struct tls_server server =
        tls_server_start(TLS_SERVER_OPENSSL, "server-chain", client_versions[i % COUNT(client_versions)], NULL);
    const struct client_settings settings = {
        .ca = "ca-chain", .identity = "client", .lists = {"list-intermediate", rows[at].list}};

    try_once(&settings, server.port, &rows[at].expected, rows[at].list != NULL ? rows[at].list : "no list of the root");
    peer_process_stop(server.process);
  }
}

/* ---- Lists that change while the program runs ---- */

/* The list \a name, as the file \a to of the temporary folder; whoever reads that finds all of it. */
static void install(const char *name, const char *to) {
  const char *temporary = temporary_folder_path("installed.new");

  assert_int_equal(command_run(".", "cp", minted_certificate(name), temporary, NULL), 0);
  assert_int_equal(rename(temporary, temporary_folder_path(to)), 0);
}

static amqp_wolfssl_config_t *new_config(void) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  assert_non_null(config);
  assert_int_equal(amqp_wolfssl_config_add_ca_file(config, minted_certificate("bundle")), AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_wolfssl_config_set_identity_files(config, minted_certificate("client"), minted_key("client")),
                   AMQP_WOLFSSL_OK);
  return config;
}

static void try_config(amqp_wolfssl_config_t *config, int port, amqp_wolfssl_code_t code, const char *what) {
  const struct expected expected = {.code = code};
  struct client client = {.connection = amqp_new_connection()};

  client.socket = amqp_wolfssl_socket_new(client.connection, config);
  assert_non_null(client.socket);
  expect(&client, client_try_open(&client, "127.0.0.1", port), &expected, what);
  client_destroy(&client);
}

static void a_file_is_read_again(void **state) {
  struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, "server", 0, NULL);
  amqp_wolfssl_config_t *config = new_config();
  static const char list[] = "changing.crl";
  struct client open = {.connection = amqp_new_connection()};

  (void)state;
  install("list-expired", list);
  assert_int_equal(amqp_wolfssl_config_add_crl_file(config, temporary_folder_path(list)), AMQP_WOLFSSL_OK);
  try_config(config, server.port, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, "expired");
  install("list-clean", list);
  try_config(config, server.port, AMQP_WOLFSSL_OK, "replaced");
  try_config(config, server.port, AMQP_WOLFSSL_OK, "unchanged");
  open.socket = amqp_wolfssl_socket_new(open.connection, config);
  client_open(&open, "127.0.0.1", server.port);
  client_destroy(&open); /* s_server serves one at a time */
  install("list-revoked-server", list);
  try_config(config, server.port, AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED, "revoked meanwhile");
  install("list-impostor", list);
  try_config(config, server.port, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, "signed by another key");
  install("list-clean", list);
  try_config(config, server.port, AMQP_WOLFSSL_OK, "mended");
  temporary_folder_write_text(list, "-----BEGIN X509 CRL-----\nMIIB");
  try_config(config, server.port, AMQP_WOLFSSL_ERROR_CRL_MALFORMED, "half written");
  assert_int_equal(unlink(temporary_folder_path(list)), 0);
  try_config(config, server.port, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE, "gone");
  install("list-clean", list);
  try_config(config, server.port, AMQP_WOLFSSL_OK, "back again");
  amqp_wolfssl_config_free(config);
  peer_process_stop(server.process);
}

static void a_folder_is_read_again(void **state) {
  struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, "server-chain", 0, NULL);
  amqp_wolfssl_config_t *config = new_config();
  static const char root[] = "lists/root.pem";
  static const char intermediate[] = "lists/intermediate.crl";

  (void)state;
  assert_int_equal(mkdir(temporary_folder_path("lists"), 0755), 0);
  install("list-clean", root);
  assert_int_equal(amqp_wolfssl_config_add_crl_folder(config, temporary_folder_path("lists")), AMQP_WOLFSSL_OK);
  try_config(config, server.port, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, "none of the intermediate's");
  install("list-intermediate", intermediate);
  try_config(config, server.port, AMQP_WOLFSSL_OK, "added");
  install("list-revoked-intermediate", root);
  try_config(config, server.port, AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED, "the intermediate is revoked");
  install("list-clean", root);
  install("list-intermediate-revoked", intermediate);
  try_config(config, server.port, AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED, "the leaf is revoked");
  temporary_folder_write_text(intermediate, "nothing of the kind");
  try_config(config, server.port, AMQP_WOLFSSL_ERROR_CRL_MALFORMED, "a file named as list that is none");
  assert_int_equal(unlink(temporary_folder_path(intermediate)), 0);
  assert_int_equal(unlink(temporary_folder_path(root)), 0);
  try_config(config, server.port, AMQP_WOLFSSL_ERROR_CRL_MALFORMED, "no list left");
  amqp_wolfssl_config_free(config);
  peer_process_stop(server.process);
}

/* ---- Many threads, one config, a file that is replaced under them ---- */

enum { THREADS = 4, OPENS = 12 };

struct opener {
  amqp_wolfssl_config_t *config;
  int port;
  int unexpected;
  char description[1024];
};

static void *open_many(void *argument) {
  struct opener *opener = argument;
  struct timeval limit = {30, 0};

  for (int i = 0; i < OPENS; i++) {
    amqp_connection_state_t connection = amqp_new_connection();
    amqp_socket_t *socket = amqp_wolfssl_socket_new(connection, opener->config);
    const int status = amqp_socket_open_noblock(socket, "127.0.0.1", opener->port, &limit);
    const amqp_wolfssl_error_t *error = amqp_wolfssl_socket_error(socket);

    if (status != AMQP_STATUS_OK && amqp_wolfssl_error_code(error) != AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED) {
      opener->unexpected++;
      (void)snprintf(opener->description, sizeof(opener->description), "%s", amqp_wolfssl_error_message(error));
    }
    amqp_destroy_connection(connection);
  }
  return NULL;
}

static void threads_and_a_changing_file(void **state) {
  struct tls_server server = tls_server_start(TLS_SERVER_PROXY, "server", 0, NULL);
  amqp_wolfssl_config_t *config = new_config();
  struct opener openers[THREADS];
  pthread_t threads[THREADS];

  (void)state;
  install("list-clean", "shared.crl");
  assert_int_equal(amqp_wolfssl_config_add_crl_file(config, temporary_folder_path("shared.crl")), AMQP_WOLFSSL_OK);
  for (size_t i = 0; i < THREADS; i++) {
    openers[i] = (struct opener){.config = config, .port = server.port};
    assert_int_equal(pthread_create(&threads[i], NULL, open_many, &openers[i]), 0);
  }
  for (int i = 0; i < 20; i++) {
    install(i % 2 == 0 ? "list-revoked-server" : "list-clean", "shared.crl");
  }
  for (size_t i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
    if (openers[i].unexpected > 0) {
      fail_msg("%d opens failed unexpectedly: %s", openers[i].unexpected, openers[i].description);
    }
  }
  try_config(config, server.port, AMQP_WOLFSSL_OK, "the last one installed");
  amqp_wolfssl_config_free(config);
  peer_process_stop(server.process);
}

/* ---- Stapled responses ---- */

struct response_row {
  const char *certificate;
  const char *response; /* NULL: none */
  amqp_wolfssl_code_t code;
  const char *sentence;
};

#define UNKNOWN AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN

/* None that says several things: wolfSSL 5.5.4's ProcessCSR() leaks all but the first. The unit test has those. */
static const struct response_row response_rows[] = {
    {"server", "response-good", AMQP_WOLFSSL_OK, NULL},
    {"server", "response-delegated", AMQP_WOLFSSL_OK, NULL},
    {"server", "response-revoked", AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED, "revoked"},
    {"server", "response-unknown", UNKNOWN, "does not know the broker's certificate"},
    {"server", "response-expired", UNKNOWN, "has expired (it was valid until "},
    {"server", "response-future", UNKNOWN, "is not valid yet (it is dated "},
    {"server", "response-endless", UNKNOWN, "does not say until when it is valid"},
    {"server", "response-try-later", UNKNOWN, "tryLater (3)"},
    {"server", "response-garbage", UNKNOWN, "is not a valid OCSP response"},
    {"server", "response-altered", UNKNOWN, "is signed neither by"},
    {"server", "response-other-certificate", UNKNOWN, "is about another certificate"},
    {"server", "response-other-issuer", UNKNOWN, "is about another certificate"},
    {"server", "response-expired-responder", UNKNOWN, "is signed neither by"},
    {"server", "response-foreign-responder", UNKNOWN, "is signed neither by"},
    {"server", "response-self-signed-off", UNKNOWN, "is signed neither by"},
    {"server", "response-delegated-unchecked", AMQP_WOLFSSL_OK, NULL},
    {"server", "response-critical-extension", UNKNOWN, "has a critical extension that is not supported"},
    {"server-chain", "response-chain-good", AMQP_WOLFSSL_OK, NULL},
    {"server-chain", "response-chain-revoked", AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED, "revoked"},
    {"server-chain", "response-good", UNKNOWN, "is about another certificate"},
    {"server-chain", NULL, AMQP_WOLFSSL_OK, NULL},
    {"server", NULL, AMQP_WOLFSSL_OK, NULL},
};

/* wolfSSL before 5.8 shows nobody what is stapled in TLS 1.3: there it can't be asked for. */
static bool is_shown(int version) {
#ifdef HAVE_WOLFSSL_CTX_SET_OCSP_STATUS_VERIFY_CB
  (void)version;
  return true;
#else
  return version == AMQP_WOLFSSL_TLS_1_2;
#endif
}

/* What comes of an open that asks for a response, where \a shown is expected of one that is seen. */
static struct expected if_shown(int version, struct expected shown) {
  static const struct expected refused = {AMQP_WOLFSSL_ERROR_NOT_SUPPORTED, "allow TLS 1.2 only, where they can"};

  return is_shown(version) ? shown : refused;
}

static const char *response_path(const char *response) {
  char file[64];

  (void)snprintf(file, sizeof(file), "%s.der", response);
  return temporary_folder_path(file);
}

static struct tls_server start_stapling(enum tls_server_kind kind, const struct response_row *row, int version) {
  const char *path = row->response != NULL ? response_path(row->response) : NULL;
  const char *openssl[] = {"-status_file", path, NULL};
  const char *gnutls[] = {"--ignore-ocsp-response-errors", "--ocsp-response", path, NULL};
  const char *proxy[] = {"--staple", path, NULL};
  const char *const *more = kind == TLS_SERVER_OPENSSL ? openssl : kind == TLS_SERVER_GNUTLS ? gnutls : proxy;

  return tls_server_start(kind, row->certificate, version, path != NULL ? more : NULL);
}

/* openssl s_server won't staple what it can't parse. */
static bool can_staple(enum tls_server_kind kind, const char *response) {
  return response == NULL || kind == TLS_SERVER_PROXY || strcmp(response, "response-garbage") != 0;
}

/* OpenSSL staples what it is given; since 3.6 only if it can be parsed and is about the certificate. */
static bool openssl_is_choosy(void) {
  char *version = peer_process_run((const char *const[]){"openssl", "version", NULL});
  int major;
  int minor;

  assert_int_equal(sscanf(version, "OpenSSL %d.%d", &major, &minor), 2);
  free(version);
  return major > 3 || (major == 3 && minor >= 6);
}

/* Whether OpenSSL's own client gets a response. */
static bool shows_a_response(int port, int version) {
  char address[32];
  const char *const arguments[] = {"stdbuf", /* as for tls_server_start_openssl_at() */
                                   "-oL",
                                   "openssl",
                                   "s_client",
                                   "-connect",
                                   address,
                                   version == AMQP_WOLFSSL_TLS_1_2 ? "-tls1_2" : "-tls1_3",
                                   "-status",
                                   "-cert",
                                   minted_certificate("client"),
                                   "-key",
                                   minted_key("client"),
                                   NULL};
  static const char none[] = ": no ";
  const char *answer;
  struct peer_process *client;
  bool shown;

  (void)snprintf(address, sizeof(address), "127.0.0.1:%d", port);
  client = peer_process_start(arguments);
  answer = peer_process_expect_line(client, "OCSP response");
  answer += *answer == 's' ? 1 : 0;
  shown = strncmp(answer, none, strlen(none)) != 0;
  peer_process_stop(client);
  return shown;
}

static bool is_stapled(enum tls_server_kind kind, const struct response_row *row, int port, int version) {
  if (row->response == NULL || kind == TLS_SERVER_GNUTLS || row->code != UNKNOWN || !openssl_is_choosy()) {
    return row->response != NULL;
  }
  return shows_a_response(port, version);
}

static void try_response(enum tls_server_kind kind, const struct response_row *row, int version) {
  const struct expected none = {.code = AMQP_WOLFSSL_OK};
  const struct expected refused = {row->code, row->sentence};
  const struct expected missed = {UNKNOWN, "stapled no OCSP response"};
  struct client_settings settings = {.ca = "bundle", .identity = "client", .version = version};
  struct tls_server server = start_stapling(kind, row, version);
  const bool stapled = is_stapled(kind, row, server.port, version);
  const struct expected asked = if_shown(version, stapled ? refused : none);
  const struct expected required = if_shown(version, stapled ? refused : missed);
  char what[256];

  (void)snprintf(what, sizeof(what), "%s, %s, %s, %s%s", tls_server_name(kind), client_version_name(version),
                 row->certificate, row->response != NULL ? row->response : "no response",
                 row->response != NULL && !stapled ? ", which it does not staple" : "");
  print_message("# %s\n", what);
  try_once(&settings, server.port, &none, what);
  settings.stapling = AMQP_WOLFSSL_STAPLING_REQUEST;
  try_once(&settings, server.port, &asked, what);
  settings.stapling = AMQP_WOLFSSL_STAPLING_REQUIRE;
  try_once(&settings, server.port, &required, what);
  peer_process_stop(server.process);
}

static bool stapling_is_supported(void) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
  amqp_wolfssl_code_t code = amqp_wolfssl_config_set_stapling(config, AMQP_WOLFSSL_STAPLING_REQUEST);

  amqp_wolfssl_config_free(config);
  assert_true(code == AMQP_WOLFSSL_OK || code == AMQP_WOLFSSL_ERROR_NOT_SUPPORTED);
  return code == AMQP_WOLFSSL_OK;
}

static void responses_with(enum tls_server_kind kind) {
  if (!has_responses || !stapling_is_supported()) {
    skip();
  }
  for (size_t i = 0; i < COUNT(response_rows); i++) {
    for (size_t j = 0; j < COUNT(client_versions) && can_staple(kind, response_rows[i].response); j++) {
      try_response(kind, &response_rows[i], client_versions[j]);
    }
  }
}

static void responses_with_openssl(void **state) {
  (void)state;
  responses_with(TLS_SERVER_OPENSSL);
}

static void responses_with_gnutls(void **state) {
  (void)state;
  responses_with(TLS_SERVER_GNUTLS);
}

static void responses_with_the_proxy(void **state) {
  (void)state;
  responses_with(TLS_SERVER_PROXY);
}

/* In TLS 1.2 the response is a message of its own, and older wolfSSL takes some that we don't: our certificate must not
   have left by then, and the server gets an alert. */
static void a_refused_response_keeps_our_certificate_back(void **state) {
  static const struct response_row rows[] = {
      {"server", "response-critical-extension", UNKNOWN, NULL},
      {"server", "response-critical-responder", UNKNOWN, NULL},
      {"server", "response-endless", UNKNOWN, NULL},
      {"server", "response-revoked", AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED, NULL},
      {"server", NULL, UNKNOWN, NULL},
  };
  const struct client_settings settings = {
      .ca = "bundle", .identity = "client", .version = AMQP_WOLFSSL_TLS_1_2, .stapling = AMQP_WOLFSSL_STAPLING_REQUIRE};

  (void)state;
  if (!has_responses || !stapling_is_supported()) {
    skip();
  }
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct tls_server server = start_stapling(TLS_SERVER_OPENSSL, &rows[i], AMQP_WOLFSSL_TLS_1_2);
    struct client client = client_new(&settings);
    const amqp_wolfssl_error_t *error;

    assert_int_not_equal(client_try_open(&client, "127.0.0.1", server.port), AMQP_STATUS_OK);
    error = amqp_wolfssl_socket_error(client.socket);
    print_message("# %s: alert %d, %s\n", rows[i].response, amqp_wolfssl_error_alert(error),
                  amqp_wolfssl_error_message(error));
    assert_int_equal(amqp_wolfssl_error_code(error), rows[i].code);
    if (rows[i].response != NULL || amqp_wolfssl_error_alert(error) > 0) { /* 5.5.4 misses a response without a word */
      assert_int_equal(amqp_wolfssl_error_alert_direction(error), AMQP_WOLFSSL_ALERT_SENT);
      tls_server_expect_alert(TLS_SERVER_OPENSSL, &server, amqp_wolfssl_error_alert(error));
    }
    assert_false(tls_server_saw_client(TLS_SERVER_OPENSSL, &server, "client1"));
    client_destroy(&client);
    peer_process_stop(server.process);
  }
}

/* A certificate for 127.0.0.1 that demands a response, and a good one. \param more of the CA's description */
static void mint_must_staple(const char *more) {
  char description[256];

  (void)snprintf(description, sizeof(description),
                 "staple-ca ca %s\n"
                 "must-staple by=staple-ca leaf x:subjectAltName=IP:127.0.0.1 x:tlsfeature=status_request\n",
                 more);
  temporary_folder_write_text("description", description);
  assert_int_equal(command_run(temporary_folder_path(""), "sh", "-c", "exec \"$0\" . <description",
                               path_in_build_tree("tests/support/mint_chain"), NULL),
                   0);
  assert_int_equal(command_run(temporary_folder_path(""), path_in_build_tree("tests/support/mint_ocsp_response"),
                               "staple-ca.pem", "must-staple.pem", "staple-ca.pem", "staple-ca.key", "good:-60:86400",
                               "sha1", "sha256", "none", "response-must-staple.der", NULL),
                   0);
}

static void try_must_staple(const char *response, int version, const struct expected *expected) {
  const struct response_row row = {"must-staple", response, AMQP_WOLFSSL_OK, NULL};
  const struct client_settings settings = {
      .ca = "staple-ca", .identity = "client", .version = version, .stapling = AMQP_WOLFSSL_STAPLING_REQUEST};
  struct tls_server server = start_stapling(TLS_SERVER_OPENSSL, &row, version);

  try_once(&settings, server.port, expected, response != NULL ? response : "no response");
  if (expected->code != AMQP_WOLFSSL_OK) {
    assert_false(tls_server_saw_client(TLS_SERVER_OPENSSL, &server, "client1"));
  }
  peer_process_stop(server.process);
}

/* RFC 7633: where one is requested, such a certificate makes it as good as required. */
static void a_certificate_that_demands_a_response(void **state) {
  static const struct expected refused = {UNKNOWN, "which requires one (TLS feature status_request, RFC 7633)"};
  static const struct expected accepted = GOOD;

  (void)state;
  if (!has_responses || !stapling_is_supported()) {
    skip();
  }
  mint_must_staple("x:subjectKeyIdentifier=hash");
  for (size_t i = 0; i < COUNT(client_versions) && is_shown(client_versions[i]); i++) {
    try_must_staple(NULL, client_versions[i], &refused);
    try_must_staple("response-must-staple", client_versions[i], &accepted);
  }
}

/* wolfSSL before 5.8 looks for a response's CA by the key identifier in that one's certificate. */
static void a_response_of_a_ca_without_key_identifier(void **state) {
  static const struct expected refused = {UNKNOWN, "the CA that issued them has no subject key identifier"};
  static const struct expected accepted = GOOD;

  (void)state;
  if (!has_responses || !stapling_is_supported()) {
    skip();
  }
  mint_must_staple("");
  try_must_staple("response-must-staple", AMQP_WOLFSSL_TLS_1_2, is_shown(AMQP_WOLFSSL_TLS_1_3) ? &accepted : &refused);
}

/* A good response does not spare the lists' check, nor the other way round. */
static void responses_and_lists(void **state) {
  const struct response_row row = {"server", "response-good", AMQP_WOLFSSL_OK, NULL};
  const struct response_row revoked_row = {"server", "response-revoked", AMQP_WOLFSSL_OK, NULL};
  const struct expected good = {.code = AMQP_WOLFSSL_OK};
  const struct expected revoked = {.code = AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED};
  struct client_settings settings = {.ca = "bundle", .identity = "client", .stapling = AMQP_WOLFSSL_STAPLING_REQUIRE};

  (void)state;
  if (!has_responses || !stapling_is_supported()) {
    skip();
  }
  for (size_t i = 0; i < COUNT(client_versions) && is_shown(client_versions[i]); i++) {
    struct tls_server server = start_stapling(TLS_SERVER_OPENSSL, &row, client_versions[i]);

    settings.version = client_versions[i];
    settings.lists[0] = "list-clean";
    try_once(&settings, server.port, &good, "both good");
    settings.lists[0] = "list-revoked-server";
    try_once(&settings, server.port, &revoked, "a good response and a list that names it");
    peer_process_stop(server.process);
    server = start_stapling(TLS_SERVER_OPENSSL, &revoked_row, client_versions[i]);
    settings.lists[0] = "list-clean";
    try_once(&settings, server.port, &revoked, "a bad response and a clean list");
    peer_process_stop(server.process);
  }
}

static void expect_no_responder_named(const char *certificate) {
  char file[64];

  (void)snprintf(file, sizeof(file), "%s.pem", certificate);
  assert_int_equal(command_run(temporary_folder_path(""), "sh", "-c",
                               "! openssl x509 -in \"$0\" -noout -text | grep -q 'Authority Information'", file, NULL),
                   0);
}

/* wolfSSL up to 5.9.2 forgets its own lists where OCSP is on and the certificate names no responder
   (CVE-2026-94417). Ours are looked at whatever is stapled, also when nothing is. */
static void lists_without_a_responder(void **state) {
  static const struct {
    const char *certificate;
    const char *lists[2];
    struct expected expected;
  } rows[] = {
      {"server", {"list-clean"}, GOOD},
      {"server", {"list-revoked-server"}, {.code = AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED}},
      {"server", {"list-expired"}, {.code = UNKNOWN, .sentence = "has expired"}},
      {"server-chain", {"list-clean", "list-intermediate"}, GOOD},
      {"server-chain", {"list-clean", "list-intermediate-revoked"}, {.code = AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED}},
      {"server-chain",
       {"list-revoked-intermediate", "list-intermediate"},
       {.code = AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED}},
  };

  (void)state;
  if (!stapling_is_supported()) {
    skip();
  }
  expect_no_responder_named("server");
  expect_no_responder_named("server-chain");
  expect_no_responder_named("intermediate");
  for (size_t i = 0; i < COUNT(rows) * COUNT(client_versions); i++) {
    const int version = client_versions[i % COUNT(client_versions)];
    const size_t at = i / COUNT(client_versions);
    const struct response_row none = {rows[at].certificate, NULL, AMQP_WOLFSSL_OK, NULL};
    const struct expected expected = if_shown(version, rows[at].expected);
    struct client_settings settings = {
        .ca = "bundle", .identity = "client", .version = version, .stapling = AMQP_WOLFSSL_STAPLING_REQUEST};
    struct tls_server server = start_stapling(TLS_SERVER_OPENSSL, &none, version);

    memcpy(settings.lists, rows[at].lists, sizeof(rows[at].lists));
    try_once(&settings, server.port, &expected, rows[at].lists[0]);
    peer_process_stop(server.process);
  }
}

/* ---- Under a policy ---- */

static bool policy_is_supported(amqp_wolfssl_policy_t policy) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
  const amqp_wolfssl_code_t code = amqp_wolfssl_config_set_policy(config, policy);

  amqp_wolfssl_config_free(config);
  return code == AMQP_WOLFSSL_OK;
}

/* What would do under fips is too weak to be believed here. */
static void evidence_under_cnsa(void **state) {
  static const struct {
    const char *list;
    const char *response;
    struct expected expected;
  } rows[] = {
      {"list-ca-p384", NULL, GOOD},
      {"list-ca-p384-sha256", NULL, {.code = UNKNOWN, .sentence = "is too weak: it is signed with ecdsa_"}},
      {NULL, "response-strong", GOOD},
      {NULL, "response-responder-strong", GOOD},
      {NULL, "response-strong-sha256", {.code = UNKNOWN, .sentence = "is not accepted: it is signed with ecdsa_"}},
      {NULL, "response-responder-p256", {.code = UNKNOWN, .sentence = "its EC key has 256 bits, fewer than 384"}},
      {NULL, "response-responder-by-sha256", {.code = UNKNOWN, .sentence = "the certificate of its responder"}},
  };

  (void)state;
  if (!policy_is_supported(AMQP_WOLFSSL_POLICY_CNSA)) {
    skip();
  }
  for (size_t i = 0; i < COUNT(rows) * COUNT(client_versions); i++) {
    const int version = client_versions[i % COUNT(client_versions)];
    const size_t at = i / COUNT(client_versions);
    const struct response_row row = {"server-strong-p384", rows[at].response, rows[at].expected.code, NULL};
    struct client_settings settings = {.ca = "strong-bundle",
                                       .identity = "client-strong-p384",
                                       .version = version,
                                       .policy = AMQP_WOLFSSL_POLICY_CNSA};
    struct expected expected = rows[at].expected;
    struct tls_server server;

    if (row.response != NULL && (!has_responses || !stapling_is_supported())) {
      continue;
    }
    settings.lists[0] = rows[at].list;
    settings.stapling = row.response != NULL ? AMQP_WOLFSSL_STAPLING_REQUIRE : AMQP_WOLFSSL_STAPLING_OFF;
    expected = row.response != NULL ? if_shown(version, expected) : expected;
    server = start_stapling(TLS_SERVER_OPENSSL, &row, version);
    try_once(&settings, server.port, &expected, row.response != NULL ? row.response : rows[at].list);
    peer_process_stop(server.process);
  }
}

#define CASE(name) cmocka_unit_test_teardown(name, peer_process_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      CASE(lists_with_openssl),
      CASE(lists_with_gnutls),
      CASE(a_revoked_server_gets_an_alert),
      CASE(an_intermediate_that_was_seen_before),
      CASE(an_intermediate_in_the_ca_file),
      CASE(a_file_is_read_again),
      CASE(a_folder_is_read_again),
      CASE(threads_and_a_changing_file),
      CASE(responses_with_openssl),
      CASE(responses_with_gnutls),
      CASE(responses_with_the_proxy),
      CASE(a_refused_response_keeps_our_certificate_back),
      CASE(a_certificate_that_demands_a_response),
      CASE(a_response_of_a_ca_without_key_identifier),
      CASE(responses_and_lists),
      CASE(lists_without_a_responder),
      CASE(evidence_under_cnsa),
  };

  return cmocka_run_group_tests_name("revocation", tests, mint, minted_certificates_tear_down);
}
