/* SPDX-License-Identifier: MIT */
/*
 * Handshakes with a key that stays in a token, against servers that insist on a client certificate: openssl s_server
 * and gnutls-serv check what the token signed. And what a program sees of a setter that failed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <amqp_wolfssl_socket.h>
#ifdef HAVE_PKCS11_TOKENS
#include <p11-kit/pkcs11.h>
#endif

#include "client.h"
#include "command.h"
#include "minted_certificates.h"
#include "peer_process.h"
#include "soft_token.h"
#include "temporary_folder.h"
#include "tls_server.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define PIN "135790"

static amqp_wolfssl_config_t *new_config(void) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  assert_non_null(config);
  assert_int_equal(amqp_wolfssl_config_add_ca_file(config, minted_certificate("bundle")), AMQP_WOLFSSL_OK);
  return config;
}

static struct client client_of(amqp_wolfssl_config_t *config) {
  struct client client = {.connection = amqp_new_connection()};

  assert_non_null(client.connection);
  client.socket = amqp_wolfssl_socket_new(client.connection, config);
  assert_non_null(client.socket);
  return client;
}

/* A program that never looks at return values must not connect without the identity it configured. */
static void expect_open_refused(amqp_wolfssl_config_t *config, amqp_wolfssl_code_t code) {
  struct client client = client_of(config);
  const amqp_wolfssl_error_t *error;

  assert_int_not_equal(client_try_open(&client, "127.0.0.1", 1), AMQP_STATUS_OK);
  error = amqp_wolfssl_socket_error(client.socket);
  assert_int_equal(amqp_wolfssl_error_code(error), code);
  assert_int_equal(amqp_wolfssl_error_stage(error), AMQP_WOLFSSL_STAGE_CONFIGURE);
  assert_null(strstr(amqp_wolfssl_error_message(error), PIN));
  client_destroy(&client);
}

static void test_null_arguments(void **state) {
  amqp_wolfssl_config_t *config = new_config();

  (void)state;
  assert_int_equal(amqp_wolfssl_config_set_identity_pkcs11(NULL, "client.pem", "pkcs11:"),
                   AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_int_equal(amqp_wolfssl_config_set_identity_pkcs11(config, NULL, "pkcs11:"),
                   AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_int_equal(amqp_wolfssl_config_set_identity_pkcs11(config, "client.pem", NULL),
                   AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  expect_open_refused(config, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  amqp_wolfssl_config_free(config);
}

#ifndef HAVE_PKCS11_TOKENS

static void test_not_supported(void **state) {
  amqp_wolfssl_config_t *config = new_config();

  (void)state;
  assert_int_equal(amqp_wolfssl_config_set_identity_pkcs11(config, minted_certificate("client"),
                                                           "pkcs11:token=first?pin-value=" PIN),
                   AMQP_WOLFSSL_ERROR_NOT_SUPPORTED);
  assert_non_null(strstr(amqp_wolfssl_error_message(amqp_wolfssl_config_error(config)), "PKCS#11"));
  expect_open_refused(config, AMQP_WOLFSSL_ERROR_NOT_SUPPORTED);
  amqp_wolfssl_config_free(config);
}

#else

/* Certificates, objects of the same names in the token, and the clients' common names. */
static const struct {
  const char *name;
  const char *common_name;
} identities[] = {{"client", "client1"}, {"client-rsa", "client-rsa"}, {"client-chain", "client-chain"}};

static amqp_wolfssl_code_t set_identity(amqp_wolfssl_config_t *config, const char *certificate, const char *object,
                                        const char *pin) {
  char key[128];
  char query[64];
  char uri[SOFT_TOKEN_URI_SIZE];

  (void)snprintf(key, sizeof(key), "token=first;object=%s", object);
  (void)snprintf(query, sizeof(query), "pin-value=%s", pin);
  return amqp_wolfssl_config_set_identity_pkcs11(config, minted_certificate(certificate),
                                                 soft_token_uri(uri, key, query));
}

static void expect_identity(amqp_wolfssl_config_t *config, const char *name) {
  if (set_identity(config, name, name, PIN) != AMQP_WOLFSSL_OK) {
    fail_msg("%s: %s", name, amqp_wolfssl_error_message(amqp_wolfssl_config_error(config)));
  }
}

/* Who we are to the broker stands in the certificate, wherever the key is. */
static void expect_common_name(amqp_wolfssl_config_t *config, const char *common_name) {
  amqp_wolfssl_identity_names_t *names = amqp_wolfssl_config_identity_names(config);

  assert_int_equal(amqp_wolfssl_identity_names_source(names, 1), AMQP_WOLFSSL_LOGIN_COMMON_NAME);
  assert_string_equal(amqp_wolfssl_identity_names_text(names, 1), common_name);
  amqp_wolfssl_identity_names_free(names);
}

/* ---- Handshakes ---- */

static void connect_with_each_identity(enum tls_server_kind kind) {
  for (size_t i = 0; i < COUNT(identities); i++) {
    for (size_t j = 0; j < COUNT(client_versions); j++) {
      struct tls_server server = tls_server_start(kind, "server", client_versions[j], NULL);
      amqp_wolfssl_config_t *config = new_config();
      struct client client;

      expect_identity(config, identities[i].name);
      expect_common_name(config, identities[i].common_name);
      client = client_of(config);
      amqp_wolfssl_config_free(config);
      client_open(&client, "127.0.0.1", server.port);
      assert_string_equal(amqp_wolfssl_socket_version(client.socket), client_version_name(client_versions[j]));
      tls_server_expect_client(kind, &server, identities[i].common_name);
      /* Bytes move, so the server is content with the signature (TLS 1.3 has it checked after our handshake). */
      assert_int_equal(amqp_send_header(client.connection), AMQP_STATUS_OK);
      peer_process_expect(server.process,
                          kind == TLS_SERVER_OPENSSL ? "AMQP" : "Application Data(23) with length: 8\n");
      client_destroy(&client);
      peer_process_stop(server.process);
    }
  }
}

static void test_openssl(void **state) {
  (void)state;
  soft_token_require();
  connect_with_each_identity(TLS_SERVER_OPENSSL);
}

static void test_gnutls(void **state) {
  (void)state;
  soft_token_require();
  connect_with_each_identity(TLS_SERVER_GNUTLS);
}

/*
 * A server that takes one of the schemes only: RSA by PKCS #1 and by PSS, and digests longer than the key's curve. It
 * has a key of the client's kind: in TLS 1.2 wolfSSL looks for schemes of the server's.
 */
static void connect_by(const char *identity, const char *certificate, int version, const char *schemes) {
  const char *const more[] = {"-client_sigalgs", schemes, NULL};
  struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, certificate, version, more);
  amqp_wolfssl_config_t *config = new_config();
  struct client client;

  expect_identity(config, identity);
  client = client_of(config);
  amqp_wolfssl_config_free(config);
  client_open(&client, "127.0.0.1", server.port);
  assert_int_equal(amqp_send_header(client.connection), AMQP_STATUS_OK);
  peer_process_expect(server.process, "AMQP");
  client_destroy(&client);
  peer_process_stop(server.process);
}

static void test_signature_schemes(void **state) {
  (void)state;
  soft_token_require();
  connect_by("client-rsa", "server-rsa", AMQP_WOLFSSL_TLS_1_2, "RSA+SHA256");
  connect_by("client-rsa", "server-rsa", AMQP_WOLFSSL_TLS_1_2, "RSA+SHA384");
  connect_by("client-rsa", "server-rsa", AMQP_WOLFSSL_TLS_1_2, "RSA-PSS+SHA256");
  connect_by("client-rsa", "server-rsa", AMQP_WOLFSSL_TLS_1_3, "RSA-PSS+SHA384");
  connect_by("client-rsa", "server-rsa", AMQP_WOLFSSL_TLS_1_3, "RSA-PSS+SHA512");
  connect_by("client", "server", AMQP_WOLFSSL_TLS_1_2, "ECDSA+SHA512");
  connect_by("client", "server", AMQP_WOLFSSL_TLS_1_3, "ECDSA+SHA256");
}

/* ---- Several at a time ---- */

static void test_two_configs(void **state) {
  static const char *const names[] = {"client", "client-rsa"};
  struct tls_server servers[2];
  struct client clients[2];

  (void)state;
  soft_token_require();
  for (size_t i = 0; i < 2; i++) {
    amqp_wolfssl_config_t *config = new_config();

    servers[i] = tls_server_start(TLS_SERVER_OPENSSL, "server", client_versions[i], NULL);
    expect_identity(config, names[i]);
    clients[i] = client_of(config);
    amqp_wolfssl_config_free(config);
  }
  client_open(&clients[0], "127.0.0.1", servers[0].port);
  client_destroy(&clients[0]); /* and its config with it */
  client_open(&clients[1], "127.0.0.1", servers[1].port);
  tls_server_expect_client(TLS_SERVER_OPENSSL, &servers[1], "client-rsa");
  client_destroy(&clients[1]);
  peer_process_stop(servers[0].process);
  peer_process_stop(servers[1].process);
}

enum { THREADS = 2, ROUNDS = 5 };

struct worker {
  pthread_t thread;
  pthread_barrier_t *start;
  amqp_wolfssl_config_t *config;
  int port;
  unsigned opened;
};

/* No assertions here: CMocka's are for the thread that runs the case. */
static void *open_again_and_again(void *context) {
  struct worker *worker = context;

  (void)pthread_barrier_wait(worker->start);
  for (unsigned i = 0; i < ROUNDS; i++) {
    amqp_connection_state_t connection = amqp_new_connection();
    amqp_socket_t *socket = connection != NULL ? amqp_wolfssl_socket_new(connection, worker->config) : NULL;
    struct timeval limit = {30, 0};

    if (socket != NULL && amqp_socket_open_noblock(socket, "127.0.0.1", worker->port, &limit) == AMQP_STATUS_OK) {
      worker->opened++;
    }
    if (connection != NULL) {
      (void)amqp_destroy_connection(connection);
    }
  }
  return NULL;
}

/* Each has a server of its own: openssl s_server serves one connection after the other. */
static void test_threads_share_a_config(void **state) {
  struct worker workers[THREADS];
  struct tls_server servers[THREADS];
  amqp_wolfssl_config_t *config = new_config();
  pthread_barrier_t start;

  (void)state;
  soft_token_require();
  expect_identity(config, "client-rsa");
  assert_int_equal(pthread_barrier_init(&start, NULL, THREADS), 0);
  for (size_t i = 0; i < THREADS; i++) {
    servers[i] = tls_server_start(TLS_SERVER_OPENSSL, "server", client_versions[i], NULL);
  }
  for (size_t i = 0; i < THREADS; i++) {
    workers[i] = (struct worker){.start = &start, .config = config, .port = servers[i].port};
    assert_int_equal(pthread_create(&workers[i].thread, NULL, open_again_and_again, &workers[i]), 0);
  }
  for (size_t i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
    assert_int_equal(workers[i].opened, ROUNDS);
    peer_process_stop(servers[i].process);
  }
  assert_int_equal(pthread_barrier_destroy(&start), 0);
  amqp_wolfssl_config_free(config);
}

/* ---- Failures ---- */

static void test_failures_keep_a_config_from_opening(void **state) {
  static const struct {
    const char *certificate;
    const char *object;
    const char *pin;
    amqp_wolfssl_code_t code;
  } failures[] = {
      {"client", "client", "000000", AMQP_WOLFSSL_ERROR_PASSPHRASE_WRONG},
      {"client", "nothing", PIN, AMQP_WOLFSSL_ERROR_TOKEN_KEY_NOT_FOUND},
      {"client", "client-chain", PIN, AMQP_WOLFSSL_ERROR_KEY_MISMATCH},
      {"client-weak-rsa1024", "client", PIN, AMQP_WOLFSSL_ERROR_IDENTITY_AGAINST_POLICY},
      {"no-such-certificate", "client", PIN, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE},
      {"client", "%", PIN, AMQP_WOLFSSL_ERROR_URI_INVALID},
  };

  (void)state;
  soft_token_require();
  for (size_t i = 0; i < COUNT(failures); i++) {
    amqp_wolfssl_config_t *config = new_config();

    assert_int_equal(set_identity(config, failures[i].certificate, failures[i].object, failures[i].pin),
                     failures[i].code);
    expect_open_refused(config, failures[i].code);
    amqp_wolfssl_config_free(config);
  }
}

/* What was set before stays, and a later success of any identity setter forgets the failure. */
static void test_all_or_nothing(void **state) {
  struct tls_server server;
  amqp_wolfssl_config_t *config = new_config();
  struct client client;

  (void)state;
  soft_token_require();
  server = tls_server_start(TLS_SERVER_OPENSSL, "server", AMQP_WOLFSSL_TLS_1_3, NULL);
  assert_int_equal(set_identity(config, "client", "nothing", PIN), AMQP_WOLFSSL_ERROR_TOKEN_KEY_NOT_FOUND);
  expect_identity(config, "client-rsa"); /* replaces nothing by a token */
  assert_int_equal(
      amqp_wolfssl_config_set_identity_files(config, minted_certificate("client-chain"), minted_key("client-chain")),
      AMQP_WOLFSSL_OK);              /* a token by files */
  expect_identity(config, "client"); /* files by a token */
  client = client_of(config);
  amqp_wolfssl_config_free(config);
  client_open(&client, "127.0.0.1", server.port);
  tls_server_expect_client(TLS_SERVER_OPENSSL, &server, "client1");
  assert_string_equal(amqp_wolfssl_socket_own_subject(client.socket), "CN=client1,O=Acme");
  client_destroy(&client);
  peer_process_stop(server.process);
}

static int open_in_child(struct client *client, int port) {
  const amqp_wolfssl_error_t *error;

  if (client_try_open(client, "127.0.0.1", port) == AMQP_STATUS_OK) {
    return 1;
  }
  error = amqp_wolfssl_socket_error(client->socket);
  if (amqp_wolfssl_error_code(error) != AMQP_WOLFSSL_ERROR_TOKEN_FAILED ||
      amqp_wolfssl_error_stage(error) != AMQP_WOLFSSL_STAGE_HANDSHAKE ||
      strstr(amqp_wolfssl_error_message(error), "fork") == NULL) {
    fprintf(stderr, "%s\n", amqp_wolfssl_error_message(error));
    return 2;
  }
  return 0;
}

/* A signature that fails in the handshake: here because a child has no share in its parent's token. */
static void test_token_fails_in_the_handshake(void **state) {
  (void)state;
  soft_token_require();
  for (size_t i = 0; i < COUNT(client_versions); i++) {
    struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, "server", client_versions[i], NULL);
    amqp_wolfssl_config_t *config = new_config();
    struct client client;
    int status = -1;
    pid_t child;

    expect_identity(config, "client-rsa");
    client = client_of(config);
    amqp_wolfssl_config_free(config);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
      _exit(open_in_child(&client, server.port));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    client_destroy(&client);
    peer_process_stop(server.process);
  }
}

/* ---- Rotation ---- */

/* SoftHSM as it is, past p11-kit, which keeps each user's sessions apart. */
static CK_FUNCTION_LIST *raw_module(void) {
  CK_FUNCTION_LIST *functions = NULL;
  void *module = dlopen(soft_token_module(), RTLD_NOW | RTLD_LOCAL);
  CK_C_GetFunctionList get;

  assert_non_null(module);
  *(void **)&get = dlsym(module, "C_GetFunctionList");
  assert_non_null(get);
  assert_int_equal(get(&functions), CKR_OK);
  return functions;
}

static CK_SLOT_ID first_slot(CK_FUNCTION_LIST *functions) {
  CK_SLOT_ID slots[8];
  CK_ULONG count = 8;

  assert_int_equal(functions->C_GetSlotList(CK_TRUE, slots, &count), CKR_OK);
  assert_true(count > 0);
  return slots[0];
}

/* What a token that is unplugged takes with it: all sessions, and the login. */
static void lose_sessions(void) {
  CK_FUNCTION_LIST *functions = raw_module();

  assert_int_equal(functions->C_CloseAllSessions(first_slot(functions)), CKR_OK);
}

static void destroy_key(const char *object) {
  CK_FUNCTION_LIST *functions = raw_module();
  CK_ATTRIBUTE label = {CKA_LABEL, (void *)(uintptr_t)object, strlen(object)};
  CK_SESSION_HANDLE session;
  CK_OBJECT_HANDLE key;
  CK_ULONG count = 0;

  assert_int_equal(
      functions->C_OpenSession(first_slot(functions), CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session),
      CKR_OK);
  assert_int_equal(functions->C_FindObjectsInit(session, &label, 1), CKR_OK);
  assert_int_equal(functions->C_FindObjects(session, &key, 1, &count), CKR_OK);
  assert_int_equal(functions->C_FindObjectsFinal(session), CKR_OK);
  assert_int_equal(count, 1);
  assert_int_equal(functions->C_DestroyObject(session, key), CKR_OK);
  assert_int_equal(functions->C_CloseSession(session), CKR_OK);
}

static void install(const char *name) {
  const char *made = temporary_folder_path("token.new");

  assert_int_equal(command_run(".", "cp", minted_certificate(name), made, NULL), 0);
  assert_int_equal(rename(made, temporary_folder_path("token.pem")), 0);
}

static amqp_wolfssl_config_t *token_config(const char *object, int rotate) {
  amqp_wolfssl_config_t *config = new_config();
  char key[128];
  char uri[SOFT_TOKEN_URI_SIZE];

  (void)snprintf(key, sizeof(key), "token=first;object=%s", object);
  assert_int_equal(amqp_wolfssl_config_set_rotation(config, rotate), AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_wolfssl_config_set_passphrase(config, PIN), AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_wolfssl_config_set_identity_pkcs11(config, temporary_folder_path("token.pem"),
                                                           soft_token_uri(uri, key, NULL)),
                   AMQP_WOLFSSL_OK);
  return config;
}

static void expect_open(amqp_wolfssl_config_t *config, int port, const char *subject, amqp_wolfssl_code_t warning) {
  struct client client = client_of(config);

  client_open(&client, "127.0.0.1", port);
  assert_string_equal(amqp_wolfssl_socket_own_subject(client.socket), subject);
  assert_string_equal(amqp_wolfssl_code_name(amqp_wolfssl_error_code(amqp_wolfssl_socket_warning(client.socket))),
                      amqp_wolfssl_code_name(warning));
  client_destroy(&client);
}

/* The certificate's file comes first: until the key is there too, the earlier pair is used. */
static void test_certificate_and_key_rotate(void **state) {
  struct tls_server server;
  amqp_wolfssl_config_t *config;

  (void)state;
  soft_token_require();
  server = tls_server_start(TLS_SERVER_OPENSSL, "server", AMQP_WOLFSSL_TLS_1_3, NULL);
  soft_token_import("first", PIN, minted_key("client"), "rotating", "11");
  install("client");
  config = token_config("rotating", 1);
  expect_open(config, server.port, "CN=client1,O=Acme", AMQP_WOLFSSL_OK);
  install("client-rsa");
  expect_open(config, server.port, "CN=client1,O=Acme", AMQP_WOLFSSL_ERROR_KEY_MISMATCH);
  destroy_key("rotating");
  soft_token_import("first", PIN, minted_key("client-rsa"), "rotating", "11");
  expect_open(config, server.port, "CN=client-rsa,O=Acme", AMQP_WOLFSSL_OK);
  expect_open(config, server.port, "CN=client-rsa,O=Acme", AMQP_WOLFSSL_OK);
  destroy_key("rotating");
  amqp_wolfssl_config_free(config);
  peer_process_stop(server.process);
}

/* No file has changed; the next open finds out, and logs in anew. */
static void test_a_token_that_comes_back(void **state) {
  (void)state;
  soft_token_require();
  for (int rotate = 0; rotate < 2; rotate++) {
    struct tls_server server = tls_server_start(TLS_SERVER_OPENSSL, "server", AMQP_WOLFSSL_TLS_1_3, NULL);
    amqp_wolfssl_config_t *config;

    install("client");
    config = token_config("client", rotate);
    expect_open(config, server.port, "CN=client1,O=Acme", AMQP_WOLFSSL_OK);
    lose_sessions();
    if (rotate == 1) {
      expect_open(config, server.port, "CN=client1,O=Acme", AMQP_WOLFSSL_OK);
      expect_open(config, server.port, "CN=client1,O=Acme", AMQP_WOLFSSL_OK);
    } else {
      struct client client = client_of(config);

      assert_int_not_equal(client_try_open(&client, "127.0.0.1", server.port), AMQP_STATUS_OK);
      assert_int_equal(amqp_wolfssl_error_code(amqp_wolfssl_socket_error(client.socket)),
                       AMQP_WOLFSSL_ERROR_TOKEN_FAILED);
      client_destroy(&client);
    }
    amqp_wolfssl_config_free(config);
    peer_process_stop(server.process);
  }
}

/* ---- The token ---- */

static void fill_token(void **state) {
  static const char *const ids[] = {"01", "02", "03"};

  (void)state;
  soft_token_require();
  soft_token_make("first", PIN);
  for (size_t i = 0; i < COUNT(identities); i++) {
    soft_token_import("first", PIN, minted_key(identities[i].name), identities[i].name, ids[i]);
  }
}

#endif

static int set_up(void **state) {
  return minted_certificates_make(state) == 0 ? soft_token_setup(temporary_folder_path("")) : -1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_null_arguments),
#ifndef HAVE_PKCS11_TOKENS
      cmocka_unit_test(test_not_supported),
#else
      cmocka_unit_test(fill_token), /* not in the set-up: there a missing SoftHSM can't be said */
      cmocka_unit_test_teardown(test_openssl, peer_process_tear_down),
      cmocka_unit_test_teardown(test_gnutls, peer_process_tear_down),
      cmocka_unit_test_teardown(test_signature_schemes, peer_process_tear_down),
      cmocka_unit_test_teardown(test_two_configs, peer_process_tear_down),
      cmocka_unit_test_teardown(test_threads_share_a_config, peer_process_tear_down),
      cmocka_unit_test(test_failures_keep_a_config_from_opening),
      cmocka_unit_test_teardown(test_all_or_nothing, peer_process_tear_down),
      cmocka_unit_test_teardown(test_token_fails_in_the_handshake, peer_process_tear_down),
      cmocka_unit_test_teardown(test_certificate_and_key_rotate, peer_process_tear_down),
      cmocka_unit_test_teardown(test_a_token_that_comes_back, peer_process_tear_down),
#endif
  };

  return cmocka_run_group_tests(tests, set_up, minted_certificates_tear_down);
}
