/* SPDX-License-Identifier: MIT */
/*
 * Threads that share one config. They start together, so that they race for the first socket and the first open of a
 * fresh config (which make what all will share), each publishes and consumes over a connection of its own, and
 * meanwhile references to the config come and go. Worth most under the thread sanitizer, which needs no suppressions
 * for it (tried with gcc and with Debian's librabbitmq and libwolfssl, which are not built for it).
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "autoconfig.h"

#ifdef HAVE_WOLFSSL_OPTIONS_H
#include <wolfssl/options.h>
#endif
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/memory.h>

#include "fault_client.h"
#include "minted_certificates.h"
#include "private_broker.h"
#include "time_limit.h"

#define TIME_LIMIT_SECONDS 240 /* a safety net against a hang */
#define MOST_THREADS 8
#define MESSAGES 200
#define ROUNDS 3

/* ---- wolfSSL's allocations alive, counted by its own hooks ---- */

static atomic_size_t wolfssl_alive;

static void *count_malloc(size_t size) {
  void *memory = malloc(size);

  if (memory != NULL) {
    atomic_fetch_add_explicit(&wolfssl_alive, 1, memory_order_relaxed);
  }
  return memory;
}

static void *count_realloc(void *memory, size_t size) {
  void *grown = realloc(memory, size);

  if (memory == NULL && grown != NULL) {
    atomic_fetch_add_explicit(&wolfssl_alive, 1, memory_order_relaxed);
  }
  return grown;
}

static void count_free(void *memory) {
  if (memory != NULL) {
    atomic_fetch_sub_explicit(&wolfssl_alive, 1, memory_order_relaxed);
  }
  free(memory);
}

/* ---- Threads ---- */

struct shared {
  amqp_wolfssl_config_t *config;
  pthread_barrier_t start;
  const struct private_broker *broker;
  atomic_bool finished;
};

struct worker {
  pthread_t thread;
  struct shared *shared;
  size_t messages;
  bool good;
  struct fault_client client;
};

static size_t message_length(size_t number) { return number * 37 % 3000; }

static bool exchange(struct worker *worker) {
  struct fault_client *client = &worker->client;
  const struct private_broker *broker = worker->shared->broker;

  if (!fault_client_open(client, broker->tls_port) ||
      !fault_client_login(client, broker->user, broker->password, 131072)) {
    return false;
  }
  for (size_t i = 0; i < worker->messages; i++) {
    if (!fault_client_publish(client, (int)i, message_length(i))) {
      return false;
    }
  }
  if (!fault_client_await_confirms(client, worker->messages) || !fault_client_start_consuming(client)) {
    return false;
  }
  for (size_t i = 0; i < worker->messages; i++) {
    if (!fault_client_consume(client, (int)i, message_length(i))) {
      return false;
    }
  }
  return fault_client_close(client);
}

static void *work(void *context) {
  struct worker *worker = context;
  amqp_wolfssl_config_t *config;

  (void)pthread_barrier_wait(&worker->shared->start);
  config = amqp_wolfssl_config_reference(worker->shared->config);
  worker->good = fault_client_new(&worker->client, config);
  amqp_wolfssl_config_free(config); /* the socket has its own */
  worker->good = worker->good && exchange(worker);
  fault_client_destroy(&worker->client);
  return NULL;
}

/* References come and go while the config is being used. */
static void *take_and_drop(void *context) {
  struct shared *shared = context;

  (void)pthread_barrier_wait(&shared->start);
  while (!atomic_load(&shared->finished)) {
    amqp_wolfssl_config_t *config = amqp_wolfssl_config_reference(shared->config);

    amqp_wolfssl_config_free(config);
    (void)sched_yield();
  }
  return NULL;
}

static void share_one_config(size_t count, amqp_wolfssl_version_t lowest, amqp_wolfssl_version_t highest) {
  static struct worker workers[MOST_THREADS];
  struct shared shared = {.broker = private_broker_ready(), .config = fault_config_new(lowest, highest)};
  pthread_t dropper;

  assert_non_null(shared.config);
  atomic_init(&shared.finished, false);
  assert_int_equal(pthread_barrier_init(&shared.start, NULL, (unsigned)count + 1), 0);
  assert_int_equal(pthread_create(&dropper, NULL, take_and_drop, &shared), 0);
  for (size_t i = 0; i < count; i++) {
    memset(&workers[i], 0, sizeof(workers[i]));
    workers[i].shared = &shared;
    workers[i].messages = MESSAGES;
    assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
  }
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
  }
  atomic_store(&shared.finished, true);
  assert_int_equal(pthread_join(dropper, NULL), 0);
  (void)pthread_barrier_destroy(&shared.start);
  amqp_wolfssl_config_free(shared.config);
  for (size_t i = 0; i < count; i++) {
    if (!workers[i].good) {
      fail_msg("thread %zu: %s", i, workers[i].client.problem);
    }
  }
}

/* Each round has a fresh config, so each races anew for what is made once. */
static void two_threads(void **state) {
  (void)state;
  share_one_config(2, AMQP_WOLFSSL_TLS_1_2, AMQP_WOLFSSL_TLS_1_2);
  for (int round = 0; round < ROUNDS; round++) {
    share_one_config(2, AMQP_WOLFSSL_TLS_1_2, AMQP_WOLFSSL_TLS_1_3);
  }
}

static void eight_threads(void **state) {
  (void)state;
  share_one_config(MOST_THREADS, AMQP_WOLFSSL_TLS_1_2, AMQP_WOLFSSL_TLS_1_2);
  for (int round = 0; round < ROUNDS; round++) {
    share_one_config(MOST_THREADS, AMQP_WOLFSSL_TLS_1_2, AMQP_WOLFSSL_TLS_1_3);
  }
}

/* The config's last reference goes with whichever socket is destroyed last. */
static void *open_and_destroy(void *context) {
  struct worker *worker = context;

  (void)pthread_barrier_wait(&worker->shared->start);
  worker->good = fault_client_open(&worker->client, worker->shared->broker->tls_port);
  fault_client_destroy(&worker->client);
  return NULL;
}

static void last_reference(void **state) {
  static struct worker workers[2];
  struct shared shared = {.broker = private_broker_ready()};

  (void)state;
  for (int round = 0; round < 2 * ROUNDS; round++) {
    shared.config = fault_config_new(AMQP_WOLFSSL_TLS_1_3, AMQP_WOLFSSL_TLS_1_3);
    assert_non_null(shared.config);
    assert_int_equal(pthread_barrier_init(&shared.start, NULL, 2), 0);
    for (size_t i = 0; i < 2; i++) {
      workers[i].shared = &shared;
      assert_true(fault_client_new(&workers[i].client, shared.config));
    }
    amqp_wolfssl_config_free(shared.config);
    for (size_t i = 0; i < 2; i++) {
      assert_int_equal(pthread_create(&workers[i].thread, NULL, open_and_destroy, &workers[i]), 0);
    }
    for (size_t i = 0; i < 2; i++) {
      assert_int_equal(pthread_join(workers[i].thread, NULL), 0);
      assert_true(workers[i].good);
    }
    (void)pthread_barrier_destroy(&shared.start);
  }
}

/* A connection in a thread that ends: wolfSSL built with FP_ECC keeps points for each thread, and nobody else can free
 * them. */
static void ended_threads_leave_nothing(void **state) {
  static struct worker worker;
  struct shared shared = {.broker = private_broker_ready()};
  size_t alive = 0;

  (void)state;
  shared.config = fault_config_new(AMQP_WOLFSSL_TLS_1_3, AMQP_WOLFSSL_TLS_1_3);
  assert_non_null(shared.config);
  assert_int_equal(pthread_barrier_init(&shared.start, NULL, 1), 0);
  for (int round = 0; round < ROUNDS; round++) {
    worker = (struct worker){.shared = &shared, .messages = 1};
    assert_int_equal(pthread_create(&worker.thread, NULL, work, &worker), 0);
    assert_int_equal(pthread_join(worker.thread, NULL), 0);
    assert_true(worker.good);
    if (round == 0) {
      alive = atomic_load(&wolfssl_alive); /* what the config keeps is there now */
    }
  }
  assert_int_equal(atomic_load(&wolfssl_alive), alive);
  (void)pthread_barrier_destroy(&shared.start);
  amqp_wolfssl_config_free(shared.config);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_threads),
      cmocka_unit_test(eight_threads),
      cmocka_unit_test(last_reference),
      cmocka_unit_test(ended_threads_leave_nothing),
  };

  if (argc > 1) {
    cmocka_set_test_filter(argv[1]);
  }
  if (wolfSSL_SetAllocators(count_malloc, count_free, count_realloc) != 0) {
    fprintf(stderr, "wolfSSL takes no allocators\n");
    return 1;
  }
  time_limit_start(TIME_LIMIT_SECONDS);
  return cmocka_run_group_tests(tests, private_broker_set_up, minted_certificates_tear_down);
}
