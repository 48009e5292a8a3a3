/* SPDX-License-Identifier: MIT */
/*
 * A FIPS module that goes into error while a program works with a broker: opens, sends and receives fail, and their
 * records name the module. The module is the test double of fips_test_double.c, not a FIPS module. It stays in error
 * until its process ends, so each case runs in a process of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#ifdef HAVE_WOLFSSL_OPTIONS_H
#include <wolfssl/options.h>
#endif
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/fips_test.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault_client.h"
#include "fips_test_double.h"
#include "minted_certificates.h"
#include "private_broker.h"
#include "time_limit.h"

#define TIME_LIMIT_SECONDS 280 /* a safety net against a hang */
#define THREADS 8
#define FRAME_MAX 131072
#define MOST_USES 100
#define TLS_1_2 AMQP_WOLFSSL_TLS_1_2
#define TLS_1_3 AMQP_WOLFSSL_TLS_1_3

/* ---- A process for each case ---- */

/* In place of CMocka's assertions, which can't be used in a child. */
#define CHECK(condition)                                                      \
  do {                                                                        \
    if (!(condition)) {                                                       \
      fprintf(stderr, "%s:%d: not so: %s\n", __func__, __LINE__, #condition); \
      return false;                                                           \
    }                                                                         \
  } while (0)

struct situation {
  amqp_wolfssl_version_t version;
  int cast; /* the self test that fails */
  int uses; /* when: at this use of what it is for */
};

enum outcome { GOOD = 0, BAD = 1, OPENED = 2 };

static enum outcome run_in_child(enum outcome (*run)(const struct situation *), const struct situation *situation) {
  pid_t child;
  int status;

  fflush(NULL);
  child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    enum outcome outcome;

    time_limit_start(TIME_LIMIT_SECONDS); /* an alarm is not inherited */
    outcome = run(situation);
    fflush(NULL);
    _exit((int)outcome);
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? (enum outcome)WEXITSTATUS(status) : BAD;
}

static void in_child(enum outcome (*run)(const struct situation *), amqp_wolfssl_version_t version, int cast) {
  const struct situation situation = {.version = version, .cast = cast};

  if (run_in_child(run, &situation) != GOOD) {
    fail_msg("TLS %#x, self test %d", (unsigned)version, cast);
  }
}

static bool names_the_module(const struct fault_client *client, amqp_wolfssl_stage_t stage, const char *words) {
  const amqp_wolfssl_error_t *error = amqp_wolfssl_socket_error(client->socket);

  if (client->status != AMQP_STATUS_SSL_ERROR && stage != AMQP_WOLFSSL_STAGE_HANDSHAKE) {
    fprintf(stderr, "status %s\n", amqp_error_string2(client->status));
    return false;
  }
  if (amqp_wolfssl_error_code(error) != AMQP_WOLFSSL_ERROR_FIPS_MODULE || amqp_wolfssl_error_stage(error) != stage ||
      strstr(amqp_wolfssl_error_message(error), words) == NULL) {
    fprintf(stderr, "stage %s (wanted %s), %s: %s\n", amqp_wolfssl_stage_name(amqp_wolfssl_error_stage(error)),
            amqp_wolfssl_stage_name(stage), amqp_wolfssl_code_name(amqp_wolfssl_error_code(error)),
            amqp_wolfssl_error_message(error));
    return false;
  }
  return true;
}

static bool start_client(struct fault_client *client, amqp_wolfssl_version_t version) {
  amqp_wolfssl_config_t *config = fault_config_new(version, version);
  bool made = config != NULL && fault_client_new(client, config);

  amqp_wolfssl_config_free(config);
  return made;
}

static bool log_in(struct fault_client *client) {
  const struct private_broker *broker = private_broker_ready();

  if (!fault_client_open(client, broker->tls_port) ||
      !fault_client_login(client, broker->user, broker->password, FRAME_MAX)) {
    fprintf(stderr, "%s\n", client->problem);
    return false;
  }
  return true;
}

/* ---- Opening ---- */

/* The module fails after config and socket were made. Nothing is even connected. */
static bool refuse_to_open(const struct situation *situation, void (*break_module)(int), const char *words) {
  struct fault_client client;
  struct fault_client another;

  CHECK(start_client(&client, situation->version));
  CHECK(amqp_wolfssl_fips_status() == AMQP_WOLFSSL_FIPS_NORMAL);
  break_module(situation->cast);
  CHECK(amqp_wolfssl_fips_status() != AMQP_WOLFSSL_FIPS_NORMAL);
  for (int attempt = 0; attempt < 2; attempt++) {
    CHECK(!fault_client_open(&client, private_broker_ready()->tls_port));
    CHECK(names_the_module(&client, AMQP_WOLFSSL_STAGE_CONFIGURE, words));
  }
  /* A program that comes too late to make its config: what it made says why. */
  another = (struct fault_client){.amqp = amqp_new_connection()};
  another.socket = amqp_wolfssl_socket_new_unshared(another.amqp);
  CHECK(another.socket != NULL);
  CHECK(!fault_client_open(&another, private_broker_ready()->tls_port));
  CHECK(names_the_module(&another, AMQP_WOLFSSL_STAGE_CONFIGURE, words));
  fault_client_destroy(&another);
  fault_client_destroy(&client);
  return true;
}

static void break_integrity(int cast) {
  (void)cast;
  fips_test_double_fail_integrity();
}

static enum outcome refuse_after_integrity(const struct situation *situation) {
  return refuse_to_open(situation, break_integrity, "integrity check failed") ? GOOD : BAD;
}

static enum outcome refuse_after_cast(const struct situation *situation) {
  return refuse_to_open(situation, fips_test_double_fail_later, "degraded mode") ? GOOD : BAD;
}

static void opening_is_refused(void **state) {
  (void)state;
  (void)private_broker_ready();
  in_child(refuse_after_integrity, TLS_1_3, 0);
  for (int cast = 0; cast < FIPS_TEST_DOUBLE_CASTS; cast++) {
    in_child(refuse_after_cast, TLS_1_2, cast);
  }
}

/* ---- In the handshake ---- */

/* Whatever step of it needs the module, and however wolfSSL calls the refusal there (no memory, a bad signature, …). */
static enum outcome fail_in_handshake(const struct situation *situation) {
  struct fault_client client;
  bool opened;
  bool explained;

  if (!start_client(&client, situation->version)) {
    return BAD;
  }
  fips_test_double_fail_at_use(situation->cast, situation->uses);
  opened = fault_client_open(&client, private_broker_ready()->tls_port);
  explained = opened || names_the_module(&client, amqp_wolfssl_error_stage(amqp_wolfssl_socket_error(client.socket)),
                                         "degraded mode");
  fault_client_destroy(&client);
  return opened ? OPENED : explained ? GOOD : BAD;
}

/* At the first use, at the second, and so on, until the handshake has no more of them. */
static void sweep(amqp_wolfssl_version_t version, int cast) {
  struct situation situation = {.version = version, .cast = cast};
  enum outcome outcome = GOOD;

  for (situation.uses = 1; situation.uses < MOST_USES && outcome == GOOD; situation.uses++) {
    outcome = run_in_child(fail_in_handshake, &situation);
  }
  if (outcome != OPENED || situation.uses == 2) {
    fail_msg("TLS %#x, self test %d, use %d: outcome %d", (unsigned)version, cast, situation.uses - 1, (int)outcome);
  }
  print_message("TLS %#x: self test %d was needed %d times\n", (unsigned)version, cast, situation.uses - 2);
}

static void handshakes_fail(void **state) {
  (void)state;
  (void)private_broker_ready();
  sweep(TLS_1_2, FIPS_CAST_DRBG);
  sweep(TLS_1_2, FIPS_CAST_ECC_CDH);
  sweep(TLS_1_2, FIPS_CAST_ECDSA);
  sweep(TLS_1_2, FIPS_CAST_KDF_TLS12);
  sweep(TLS_1_2, FIPS_CAST_AES_GCM);
  sweep(TLS_1_3, FIPS_CAST_DRBG);
  sweep(TLS_1_3, FIPS_CAST_ECC_CDH);
  sweep(TLS_1_3, FIPS_CAST_ECDSA);
  sweep(TLS_1_3, FIPS_CAST_KDF_TLS13);
  sweep(TLS_1_3, FIPS_CAST_AES_GCM);
}

/* ---- While connections are open ---- */

static bool send_and_fail(const struct situation *situation, void (*break_module)(int), const char *words) {
  struct fault_client client;

  CHECK(start_client(&client, situation->version));
  CHECK(log_in(&client));
  CHECK(fault_client_publish(&client, 0, 100) && fault_client_await_confirms(&client, 1));
  break_module(FIPS_CAST_AES_GCM);
  CHECK(!fault_client_publish(&client, 1, 100));
  CHECK(names_the_module(&client, AMQP_WOLFSSL_STAGE_SEND, words));
  CHECK(!fault_client_publish(&client, 2, 100)); /* and so it stays */
  CHECK(names_the_module(&client, AMQP_WOLFSSL_STAGE_SEND, words));
  CHECK(!fault_client_open(&client, private_broker_ready()->tls_port) && client.status == AMQP_STATUS_SOCKET_INUSE);
  fault_client_destroy(&client);
  return true;
}

static enum outcome send_after_integrity(const struct situation *situation) {
  return send_and_fail(situation, break_integrity, "integrity check failed") ? GOOD : BAD;
}

static enum outcome send_after_cast(const struct situation *situation) {
  return send_and_fail(situation, fips_test_double_fail_later, "AES-GCM") ? GOOD : BAD;
}

static void sending_fails(void **state) {
  (void)state;
  (void)private_broker_ready();
  in_child(send_after_integrity, TLS_1_2, 0);
  in_child(send_after_integrity, TLS_1_3, 0);
  in_child(send_after_cast, TLS_1_2, 0);
  in_child(send_after_cast, TLS_1_3, 0);
}

/* A process of its own, whose module is well: sends what the other one will try to read. */
static bool publish_to(int input, amqp_wolfssl_version_t version) {
  struct fault_client client;
  char queue[sizeof(client.queue)];
  bool good;

  if (read(input, queue, sizeof(queue)) != (ssize_t)sizeof(queue) || !start_client(&client, version) ||
      !log_in(&client)) {
    return false;
  }
  memcpy(client.queue, queue, sizeof(queue));
  good = fault_client_publish(&client, 0, 100) && fault_client_await_confirms(&client, 1);
  fault_client_destroy(&client);
  return good;
}

static bool receive_and_fail(const struct situation *situation, int output) {
  struct fault_client client;
  const struct fault_client *receiver = &client;

  CHECK(start_client(&client, situation->version));
  CHECK(log_in(&client));
  CHECK(fault_client_start_consuming(&client));
  fips_test_double_fail_later(FIPS_CAST_AES_GCM);
  CHECK(write(output, client.queue, sizeof(client.queue)) == (ssize_t)sizeof(client.queue));
  CHECK(!fault_client_consume(&client, 0, 100));
  CHECK(names_the_module(receiver, AMQP_WOLFSSL_STAGE_RECEIVE, "AES-GCM"));
  fault_client_destroy(&client);
  return true;
}

static enum outcome receive_after_cast(const struct situation *situation) {
  int ends[2];
  bool good;
  pid_t publisher;
  int status;

  if (pipe(ends) != 0) {
    return BAD;
  }
  publisher = fork(); /* before this process starts wolfSSL */
  if (publisher == 0) {
    (void)close(ends[1]);
    _exit(publish_to(ends[0], situation->version) ? 0 : 1);
  }
  (void)close(ends[0]);
  good = publisher > 0 && receive_and_fail(situation, ends[1]);
  (void)close(ends[1]);
  good = publisher > 0 && waitpid(publisher, &status, 0) == publisher && status == 0 && good;
  return good ? GOOD : BAD;
}

static void receiving_fails(void **state) {
  (void)state;
  (void)private_broker_ready();
  in_child(receive_after_cast, TLS_1_2, 0);
  in_child(receive_after_cast, TLS_1_3, 0);
}

/* Degraded means that the algorithm whose test failed is refused: a connection that does not need it goes on. */
static enum outcome go_on_without(const struct situation *situation) {
  struct fault_client client;
  bool good = start_client(&client, situation->version) && log_in(&client);

  fips_test_double_fail_later(FIPS_CAST_KDF_SSH);
  good = good && fault_client_publish(&client, 0, 100) && fault_client_await_confirms(&client, 1) &&
         fault_client_start_consuming(&client) && fault_client_consume(&client, 0, 100);
  good = good && fault_client_close(&client) && amqp_wolfssl_fips_status() == AMQP_WOLFSSL_FIPS_DEGRADED;
  fault_client_destroy(&client);
  return good ? GOOD : BAD;
}

static void others_go_on(void **state) {
  (void)state;
  (void)private_broker_ready();
  in_child(go_on_without, TLS_1_2, 0);
  in_child(go_on_without, TLS_1_3, 0);
}

/* ---- Threads ---- */

struct worker {
  pthread_t thread;
  pthread_barrier_t *barrier;
  bool good;
};

/* Everything from the beginning in each thread: the first of them to need wolfSSL starts it for all. */
static void *work(void *context) {
  struct worker *worker = context;
  struct fault_client client;

  (void)pthread_barrier_wait(worker->barrier);
  worker->good = start_client(&client, TLS_1_3) && log_in(&client) && fault_client_publish(&client, 0, 1000) &&
                 fault_client_await_confirms(&client, 1) && fault_client_close(&client);
  fault_client_destroy(&client);
  return NULL;
}

static enum outcome start_in_threads(const struct situation *situation) {
  /* Threads may outlive this function. */
  static struct worker workers[THREADS];
  static pthread_barrier_t barrier;
  bool good = pthread_barrier_init(&barrier, NULL, THREADS) == 0;

  (void)situation;
  for (int i = 0; i < THREADS; i++) {
    workers[i].barrier = &barrier;
    if (!good || pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0) {
      return BAD; /* the process ends, and the threads with it */
    }
  }
  for (int i = 0; i < THREADS; i++) {
    good = pthread_join(workers[i].thread, NULL) == 0 && workers[i].good && good;
  }
  for (int cast = 0; cast < FIPS_TEST_DOUBLE_CASTS; cast++) {
    good = good && fips_test_double_cast_runs(cast) == 1;
  }
  (void)pthread_barrier_destroy(&barrier);
  return good && !fips_test_double_used_before_casts() ? GOOD : BAD;
}

static void threads_test_once(void **state) {
  (void)state;
  (void)private_broker_ready();
  in_child(start_in_threads, TLS_1_3, 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(opening_is_refused), cmocka_unit_test(handshakes_fail), cmocka_unit_test(sending_fails),
      cmocka_unit_test(receiving_fails),    cmocka_unit_test(others_go_on),    cmocka_unit_test(threads_test_once),
  };

  time_limit_start(TIME_LIMIT_SECONDS);
  return cmocka_run_group_tests_name("fips_failures", tests, private_broker_set_up, minted_certificates_tear_down);
}
