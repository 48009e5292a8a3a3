/* SPDX-License-Identifier: MIT */
/*
 * Certificates that are replaced as the kubelet does it, again and again, while eight threads connect: no open fails,
 * none shows a certificate with another's key, and sets that are broken change nothing. ROTATION_SWAPS says how many
 * there are; scripts/test-rotation has the long run.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <amqp_wolfssl_socket.h>

#include "client.h"
#include "minted_certificates.h"
#include "mounted_secret.h"
#include "peer_process.h"
#include "private_broker.h"
#include "temporary_folder.h"
#include "time_limit.h"
#include "tls_server.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { THREADS = 8, SWAPS_BY_DEFAULT = 60, TIME_LIMIT_SECONDS = 280 };

static unsigned swaps_wanted(void) {
  const char *given = getenv("ROTATION_SWAPS");
  const unsigned long wanted = given != NULL ? strtoul(given, NULL, 10) : 0;

  return wanted > 0 && wanted < 1000000 ? (unsigned)wanted : SWAPS_BY_DEFAULT;
}

/* ---- Sets ---- */

struct set {
  const char *certificate;
  const char *key; /* NULL: missing */
  const char *ca;
};

static const struct set good_sets[] = {
    {"client.pem", "client.key", "bundle.pem"},
    {"client-rsa.pem", "client-rsa.key", "bundle.pem"},
    {"client-chain.pem", "client-chain.key", "ca.pem"},
};

static const struct set broken_sets[] = {
    {"client.pem", "client-rsa.key", "bundle.pem"},
    {"client-chain.pem", "client.key", "ca.pem"},
    {"client.pem", NULL, "bundle.pem"},
    {"client.key", "client.key", "bundle.pem"},
    {"client-rsa.pem", "client-rsa.key", "server.pem"},
    {"client-expired.pem", "client-expired.key", "bundle.pem"},
    {"client-not-yet-valid.pem", "client-not-yet-valid.key", "bundle.pem"},
    {"client-weak-rsa1024.pem", "client-weak-rsa1024.key", "bundle.pem"},
};

static bool is_good_subject(const char *subject) {
  return strcmp(subject, "CN=client1,O=Acme") == 0 || strcmp(subject, "CN=client-rsa,O=Acme") == 0 ||
         strcmp(subject, "CN=client-chain,O=Acme") == 0;
}

static void put(struct mounted_secret *secret, const struct set *set) {
  mounted_secret_put(secret, set->certificate, set->key, set->ca);
}

/* Every third is broken. */
static void put_number(struct mounted_secret *secret, unsigned number) {
  put(secret, number % 3 == 2 ? &broken_sets[number / 3 % COUNT(broken_sets)] : &good_sets[number % COUNT(good_sets)]);
}

/* ---- Those who connect ---- */

struct load {
  amqp_wolfssl_config_t *config;
  int port;
  bool log_in;
  atomic_bool enough;
  atomic_uint opened;
  atomic_uint warned;
  atomic_uint failed;
  sem_t one_more; /* posted for each that was opened */
  pthread_mutex_t lock;
  char description[2048]; /* of the first failure */
  pthread_t threads[THREADS];
};

static void fail_load(struct load *load, const char *doing, const amqp_socket_t *socket) {
  if (atomic_fetch_add(&load->failed, 1) == 0) {
    (void)pthread_mutex_lock(&load->lock);
    (void)snprintf(load->description, sizeof(load->description), "%s as \"%s\": %s (warning: %s)", doing,
                   amqp_wolfssl_socket_own_subject(socket),
                   amqp_wolfssl_error_message(amqp_wolfssl_socket_error(socket)),
                   amqp_wolfssl_error_message(amqp_wolfssl_socket_warning(socket)));
    (void)pthread_mutex_unlock(&load->lock);
  }
}

/* The broker checks the signature that our key made, and takes the user from the certificate. */
static bool log_in(amqp_connection_state_t connection) {
  const amqp_rpc_reply_t reply =
      amqp_login(connection, "/", 0, CLIENT_FRAME_MAX, 0, AMQP_SASL_METHOD_EXTERNAL, "certificate");

  return reply.reply_type == AMQP_RESPONSE_NORMAL &&
         amqp_connection_close(connection, AMQP_REPLY_SUCCESS).reply_type == AMQP_RESPONSE_NORMAL;
}

static void open_one(struct load *load) {
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t *socket = amqp_wolfssl_socket_new(connection, load->config);
  struct timeval limit = {60, 0};

  if (amqp_socket_open_noblock(socket, "127.0.0.1", load->port, &limit) != AMQP_STATUS_OK) {
    fail_load(load, "open", socket);
  } else if (!is_good_subject(amqp_wolfssl_socket_own_subject(socket))) {
    fail_load(load, "identity", socket);
  } else if (load->log_in && !log_in(connection)) {
    fail_load(load, "login", socket);
  }
  if (amqp_wolfssl_error_code(amqp_wolfssl_socket_warning(socket)) != AMQP_WOLFSSL_OK) {
    atomic_fetch_add(&load->warned, 1);
  }
  (void)amqp_wolfssl_socket_due(socket);
  (void)amqp_destroy_connection(connection);
  atomic_fetch_add(&load->opened, 1);
  (void)sem_post(&load->one_more);
}

static void *open_again_and_again(void *argument) {
  struct load *load = argument;

  while (!atomic_load(&load->enough)) {
    open_one(load);
  }
  return NULL;
}

static void start_load(struct load *load, amqp_wolfssl_config_t *config, int port, bool with_login) {
  memset(load, 0, sizeof(*load));
  load->config = config;
  load->port = port;
  load->log_in = with_login;
  assert_int_equal(sem_init(&load->one_more, 0, 0), 0);
  assert_int_equal(pthread_mutex_init(&load->lock, NULL), 0);
  for (size_t i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_create(&load->threads[i], NULL, open_again_and_again, load), 0);
  }
}

static void await_one(struct load *load) {
  while (sem_wait(&load->one_more) != 0) {
    assert_int_equal(errno, EINTR);
  }
}

static void end_load(struct load *load) {
  atomic_store(&load->enough, true);
  for (size_t i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_join(load->threads[i], NULL), 0);
  }
  print_message("%u opened, %u of them with an earlier set\n", atomic_load(&load->opened), atomic_load(&load->warned));
  if (atomic_load(&load->failed) > 0) {
    fail_msg("%u of %u failed; the first: %s", atomic_load(&load->failed), atomic_load(&load->opened),
             load->description);
  }
  assert_int_equal(sem_destroy(&load->one_more), 0);
  assert_int_equal(pthread_mutex_destroy(&load->lock), 0);
}

/* ---- Configs ---- */

static amqp_wolfssl_config_t *folder_config(const struct mounted_secret *secret, amqp_wolfssl_version_t version) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  assert_non_null(config);
  assert_int_equal(amqp_wolfssl_config_set_tls_versions(config, version, version), AMQP_WOLFSSL_OK);
  if (amqp_wolfssl_config_set_secret_folder(config, secret->path) != AMQP_WOLFSSL_OK) {
    fail_msg("%s", amqp_wolfssl_error_message(amqp_wolfssl_config_error(config)));
  }
  return config;
}

static void expect_next(amqp_wolfssl_config_t *config, int port, const char *subject) {
  struct client client = {.connection = amqp_new_connection()};

  client.socket = amqp_wolfssl_socket_new(client.connection, config);
  client_open(&client, "127.0.0.1", port);
  assert_string_equal(amqp_wolfssl_socket_own_subject(client.socket), subject);
  assert_int_equal(amqp_wolfssl_error_code(amqp_wolfssl_socket_warning(client.socket)), AMQP_WOLFSSL_OK);
  client_destroy(&client);
}

/* ---- A folder that is swapped ---- */

static void swap_under_load(const char *name, int port, amqp_wolfssl_version_t version, bool with_login) {
  const unsigned swaps = swaps_wanted();
  struct mounted_secret secret = {.version = 0};
  amqp_wolfssl_config_t *config;
  struct load load;

  mounted_secret_make(&secret, name);
  put(&secret, &good_sets[0]);
  config = folder_config(&secret, version);
  start_load(&load, config, port, with_login);
  for (unsigned i = 0; i < swaps; i++) {
    put_number(&secret, i);
    if (i % 4 != 0) { /* some as fast as it goes, the others with an open in between at least */
      await_one(&load);
    }
  }
  end_load(&load);
  put(&secret, &good_sets[1]);
  expect_next(config, port, "CN=client-rsa,O=Acme");
  amqp_wolfssl_config_free(config);
}

static void a_real_broker(void **state) {
  (void)state;
  swap_under_load("with-broker", private_broker_ready()->tls_port, AMQP_WOLFSSL_TLS_1_3, true);
}

/* In TLS 1.2 the server checks our signature before the handshake is over. */
static void a_server_that_is_faster(void **state) {
  struct tls_server server = tls_server_start(TLS_SERVER_PROXY, "server", AMQP_WOLFSSL_TLS_1_2, NULL);

  (void)state;
  swap_under_load("with-server", server.port, AMQP_WOLFSSL_TLS_1_2, false);
  peer_process_stop(server.process);
}

/* ---- Files that are replaced one after the other ---- */

static void replace(const char *from, const char *to) {
  size_t length;
  uint8_t *bytes = temporary_folder_read(from, &length);
  char made[512];

  (void)snprintf(made, sizeof(made), "%s.new", to);
  temporary_folder_write(made, bytes, length);
  free(bytes);
  (void)snprintf(made, sizeof(made), "%s", temporary_folder_path(made));
  assert_int_equal(rename(made, temporary_folder_path(to)), 0);
}

static void put_files(const struct set *set) {
  replace(set->certificate, "svid.pem");
  replace(set->key, "svid_key.pem");
  replace(set->ca, "svid_bundle.pem");
}

/* By the names that spiffe-helper gives them. In between they don't match: then the earlier pair is used. */
static void files_one_by_one(void **state) {
  struct tls_server server = tls_server_start(TLS_SERVER_PROXY, "server", AMQP_WOLFSSL_TLS_1_2, NULL);
  const unsigned swaps = swaps_wanted();
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
  struct load load;

  (void)state;
  put_files(&good_sets[0]);
  assert_int_equal(amqp_wolfssl_config_set_tls_versions(config, AMQP_WOLFSSL_TLS_1_2, AMQP_WOLFSSL_TLS_1_2),
                   AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_wolfssl_config_set_rotation(config, 1), AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("svid_bundle.pem")), AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_wolfssl_config_set_identity_files(config, temporary_folder_path("svid.pem"),
                                                          temporary_folder_path("svid_key.pem")),
                   AMQP_WOLFSSL_OK);
  start_load(&load, config, server.port, false);
  for (unsigned i = 0; i < swaps; i++) {
    put_files(&good_sets[i % COUNT(good_sets)]);
    if (i % 4 != 0) {
      await_one(&load);
    }
  }
  end_load(&load);
  put_files(&good_sets[1]);
  expect_next(config, server.port, "CN=client-rsa,O=Acme");
  amqp_wolfssl_config_free(config);
  peer_process_stop(server.process);
}

/* ---- A connection that is open meanwhile ---- */

static void an_open_connection_goes_on(void **state) {
  const struct private_broker *broker = private_broker_ready();
  struct client client = {.connection = amqp_new_connection()};
  struct mounted_secret secret = {.version = 0};
  amqp_wolfssl_config_t *config;
  amqp_bytes_t queue;
  int64_t own = 0;
  int64_t authority = 0;

  (void)state;
  mounted_secret_make(&secret, "open-meanwhile");
  put(&secret, &good_sets[0]);
  config = folder_config(&secret, AMQP_WOLFSSL_TLS_1_3);
  client.socket = amqp_wolfssl_socket_new(client.connection, config);
  client_open(&client, "127.0.0.1", broker->tls_port);
  client_check(&client, client_login_external(&client), "login");
  queue = client_declare_queue(&client);
  client_publish(&client, queue, 1000, 0);
  assert_int_equal(amqp_wolfssl_socket_due(client.socket), 0);
  assert_int_equal(amqp_wolfssl_config_changed(config), 0);
  put(&secret, &good_sets[1]);
  assert_int_equal(amqp_wolfssl_socket_due(client.socket), 1);
  assert_int_equal(amqp_wolfssl_config_changed(config), 1);
  expect_next(config, broker->tls_port, "CN=client-rsa,O=Acme"); /* nothing but the connection has the first set now */
  assert_int_equal(amqp_wolfssl_config_changed(config), 0);
  assert_int_equal(amqp_wolfssl_config_expires_in(config, &own, &authority), AMQP_WOLFSSL_OK);
  assert_true(own > 0 && authority > 0);
  client_publish(&client, queue, 1000, 1);
  client_consume(&client, queue);
  client_expect_message(&client, 1000, 0);
  client_expect_message(&client, 1000, 1);
  assert_string_equal(amqp_wolfssl_socket_own_subject(client.socket), "CN=client1,O=Acme");
  amqp_wolfssl_config_free(config);
  client_close(&client);
  amqp_bytes_free(queue);
}

static int set_up(void **state) {
  time_limit_start(TIME_LIMIT_SECONDS);
  return private_broker_set_up(state);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(an_open_connection_goes_on),
      cmocka_unit_test(a_real_broker),
      cmocka_unit_test_teardown(a_server_that_is_faster, peer_process_tear_down),
      cmocka_unit_test_teardown(files_one_by_one, peer_process_tear_down),
  };

  return cmocka_run_group_tests(tests, set_up, minted_certificates_tear_down);
}
