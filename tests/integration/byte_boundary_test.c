/* SPDX-License-Identifier: MIT */
/*
 * Every byte boundary. This program defines send(), recv() and readv() itself, so that rabbitmq-c's TCP socket and the
 * transport call them instead of the C library's, and has them move as few bytes as a pattern says, with EAGAIN
 * between. Over such a socket AMQP must arrive unharmed, in TLS 1.2 and 1.3, with KeyUpdates in the middle.
 *
 * BYTE_BOUNDARY_SEED repeats a run of the random patterns; each run prints its seed.
 */
/* The C library's checking wrapper of recv() would stand in the way of a definition of our own. */
#undef _FORTIFY_SOURCE

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "broker_version.h"
#include "fault_client.h"
#include "fault_vtable.h"
#include "minted_certificates.h"
#include "peer_process.h"
#include "private_broker.h"
#include "time_limit.h"
#include "tls_server.h"

#define TIME_LIMIT_SECONDS 240 /* a safety net against a hang */
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- The socket below: how it is slowed down, and what was seen of it ---- */

struct pattern {
  size_t most;       /* bytes a call; 0: as many as there are */
  unsigned refusals; /* EAGAIN so often before each call that moves bytes */
  bool by_chance;    /* 1 to `most` bytes, 0 to `refusals` refusals */
};

struct direction {
  struct pattern pattern;
  unsigned refusals_left;
  bool decided;
  uint64_t calls;
  uint64_t refused;
  uint64_t bytes;
  size_t largest;
};

static bool slowed;
static int slowed_descriptor;
static struct direction sending;
static struct direction receiving;
static uint64_t random_state;

static uint64_t next_random(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 7;
  random_state ^= random_state << 17;
  return random_state;
}

/* How many of \a wanted bytes this call may move; 0: it is refused. */
static size_t permit(struct direction *direction, size_t wanted) {
  const struct pattern *pattern = &direction->pattern;
  size_t most = pattern->most;

  direction->calls++;
  if (!direction->decided) {
    direction->decided = true;
    direction->refusals_left = pattern->by_chance && pattern->refusals > 0
                                   ? (unsigned)(next_random() % (pattern->refusals + 1))
                                   : pattern->refusals;
  }
  if (direction->refusals_left > 0) {
    direction->refusals_left--;
    direction->refused++;
    return 0;
  }
  direction->decided = false;
  if (most > 0 && pattern->by_chance) {
    most = (size_t)(next_random() % most) + 1;
  }
  return most > 0 && wanted > most ? most : wanted;
}

static ssize_t account(struct direction *direction, ssize_t result) {
  if (result > 0) {
    direction->bytes += (uint64_t)result;
    direction->largest = (size_t)result > direction->largest ? (size_t)result : direction->largest;
  }
  return result;
}

enum { MOST_PIECES = 2 };

/* Other objects must find these, whatever the build hides. */
#pragma GCC visibility push(default)
ssize_t send(int descriptor, const void *bytes, size_t length, int flags) {
  if (slowed) {
    slowed_descriptor = descriptor;
    length = permit(&sending, length);
    if (length == 0) {
      errno = EAGAIN;
      return -1;
    }
  }
  return account(&sending, syscall(SYS_sendto, descriptor, bytes, length, flags, NULL, 0));
}

ssize_t recv(int descriptor, void *bytes, size_t length, int flags) {
  if (slowed) {
    slowed_descriptor = descriptor;
    length = permit(&receiving, length);
    if (length == 0) {
      errno = EAGAIN;
      return -1;
    }
  }
  return account(&receiving, syscall(SYS_recvfrom, descriptor, bytes, length, flags, NULL, NULL));
}

ssize_t readv(int descriptor, const struct iovec *pieces, int count) {
  struct iovec permitted[MOST_PIECES];
  size_t left = 0;

  if (!slowed) {
    return syscall(SYS_readv, descriptor, pieces, count);
  }
  assert_true(count <= MOST_PIECES);
  for (int i = 0; i < count; i++) {
    left += pieces[i].iov_len;
  }
  slowed_descriptor = descriptor;
  left = permit(&receiving, left);
  if (left == 0) {
    errno = EAGAIN;
    return -1;
  }
  for (int i = 0; i < count; i++) {
    permitted[i] = pieces[i];
    permitted[i].iov_len = left < pieces[i].iov_len ? left : pieces[i].iov_len;
    left -= permitted[i].iov_len;
  }
  return account(&receiving, syscall(SYS_readv, descriptor, permitted, count));
}
#pragma GCC visibility pop

static void slow_down(const struct pattern *send_pattern, const struct pattern *receive_pattern) {
  memset(&sending, 0, sizeof(sending));
  memset(&receiving, 0, sizeof(receiving));
  sending.pattern = *send_pattern;
  receiving.pattern = *receive_pattern;
  slowed_descriptor = -1;
  slowed = true;
}

/* What was asked for is what happened: else this test would show nothing. */
static void check_direction(const struct direction *direction, uint64_t least_bytes) {
  assert_true(direction->bytes >= least_bytes);
  if (direction->pattern.most > 0) {
    assert_true(direction->largest <= direction->pattern.most);
    assert_true(direction->calls - direction->refused >= least_bytes / direction->pattern.most);
  }
  if (direction->pattern.refusals > 0 && !direction->pattern.by_chance) {
    uint64_t moved = direction->calls - direction->refused;

    assert_true(direction->refused >= moved * direction->pattern.refusals);
  }
  if (direction->pattern.refusals > 0) {
    assert_true(direction->refused > 0);
  }
}

/* ---- Patterns ---- */

struct slowness {
  const char *name;
  struct pattern sending;
  struct pattern receiving;
};

static const struct slowness every_byte = {"1 byte, EAGAIN before each", {1, 1, false}, {1, 1, false}};
static const struct slowness by_chance = {"1 to 7 bytes, EAGAIN by chance", {7, 1, true}, {7, 1, true}};
static const struct slowness send_only = {"1 byte, sending only", {1, 1, false}, {0, 0, false}};
static const struct slowness receive_only = {"1 byte, receiving only", {0, 0, false}, {1, 1, false}};
static const struct slowness send_stalls = {"sending stalls for long", {64, 300, true}, {0, 0, false}};

static const struct slowness *const all_patterns[] = {&every_byte, &by_chance, &send_only, &receive_only, &send_stalls};

/* ---- A publish and a consume ---- */

static const size_t sizes[] = {0, 1, 100, 5000, 20000};

static void must(bool good, const struct fault_client *client) {
  if (!good) {
    slowed = false;
    fail_msg("%s", client->problem);
  }
}

static uint64_t total_size(void) {
  uint64_t total = 0;

  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    total += sizes[i];
  }
  return total;
}

struct key_updates {
  size_t before;
  size_t between;
  size_t after;
};

static size_t count_key_updates(struct tls_server *proxy) {
  return proxy != NULL ? peer_process_count_lines(proxy->process, "KEY-UPDATE sent") : 0;
}

/* A confirm after each message makes rabbitmq-c read, and so answer KeyUpdates, between messages. */
static void publish_and_consume(struct fault_client *client, struct tls_server *proxy, struct key_updates *updates) {
  updates->before = count_key_updates(proxy);
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    must(fault_client_publish(client, (int)i, sizes[i]), client);
    must(fault_client_await_confirms(client, i + 1), client);
  }
  /* And once all of them in a row, confirmed together. */
  for (size_t i = 0; i < COUNT_OF(sizes); i++) {
    must(fault_client_publish(client, (int)i, sizes[i]), client);
  }
  must(fault_client_await_confirms(client, 2 * COUNT_OF(sizes)), client);
  updates->between = count_key_updates(proxy);
  must(fault_client_start_consuming(client), client);
  for (size_t i = 0; i < 2 * COUNT_OF(sizes); i++) {
    size_t which = i % COUNT_OF(sizes);

    must(fault_client_consume(client, (int)which, sizes[which]), client);
  }
  updates->after = count_key_updates(proxy);
}

struct endpoint {
  int port;
  struct tls_server *proxy; /* NULL: the broker itself */
};

static int least_frame_max(void) {
  const struct broker_version version = broker_version_of(private_broker_ready());

  return broker_least_frame_max(&version);
}

static void run_amqp(const struct endpoint *endpoint, amqp_wolfssl_version_t version, const struct slowness *slowness,
                     int frame_max, struct key_updates *updates) {
  const struct private_broker *broker = private_broker_ready();
  amqp_wolfssl_config_t *config = fault_config_new(version, version);
  struct fault_client client;

  assert_non_null(config);
  must(fault_client_new(&client, config), &client);
  amqp_wolfssl_config_free(config);
  slow_down(&slowness->sending, &slowness->receiving);
  must(fault_client_open(&client, endpoint->port), &client);
  assert_string_equal(amqp_wolfssl_socket_version(client.socket),
                      version == AMQP_WOLFSSL_TLS_1_3 ? "TLSv1.3" : "TLSv1.2");
  assert_int_equal(slowed_descriptor, amqp_get_sockfd(client.amqp));
  must(fault_client_login(&client, broker->user, broker->password, frame_max), &client);
  publish_and_consume(&client, endpoint->proxy, updates);
  must(fault_client_close(&client), &client);
  fault_client_destroy(&client);
  slowed = false;
  check_direction(&sending, 2 * total_size());
  check_direction(&receiving, 2 * total_size());
  print_message("# TLS %s, %s, frames to %d: %" PRIu64 " send() and %" PRIu64 " recv() calls, %" PRIu64 " and %" PRIu64
                " refused, %zu and %zu KeyUpdates\n",
                version == AMQP_WOLFSSL_TLS_1_3 ? "1.3" : "1.2", slowness->name, frame_max, sending.calls,
                receiving.calls, sending.refused, receiving.refused, updates->between - updates->before,
                updates->after - updates->between);
}

static void start_proxy(struct tls_server *proxy, const char *version, const char *key_update_every) {
  char address[32];
  const char *options[] = {"--connect",
                           address,
                           "--tls",
                           version,
                           "--record-size",
                           "500",
                           key_update_every != NULL ? "--key-update-every" : NULL,
                           key_update_every,
                           NULL};

  (void)snprintf(address, sizeof(address), "127.0.0.1:%d", private_broker_ready()->plain_port);
  *proxy = tls_server_start_proxy(options);
}

static void run_all_patterns(const char *version_option, amqp_wolfssl_version_t version, const char *key_update_every) {
  struct tls_server proxy;
  struct endpoint endpoint = {0, &proxy};

  start_proxy(&proxy, version_option, key_update_every);
  endpoint.port = proxy.port;
  for (size_t i = 0; i < COUNT_OF(all_patterns); i++) {
    struct key_updates updates;

    run_amqp(&endpoint, version, all_patterns[i], least_frame_max(), &updates);
    if (key_update_every != NULL) {
      assert_true(updates.between - updates.before >= 3); /* at least one for each longer message */
      assert_true(updates.after - updates.between >= 20);
    }
  }
  tls_server_stop(&proxy);
}

static void tls12_through_openssl(void **state) {
  (void)state;
  run_all_patterns("1.2", AMQP_WOLFSSL_TLS_1_2, NULL);
}

static void tls13_through_openssl_with_key_updates(void **state) {
  (void)state;
  run_all_patterns("1.3", AMQP_WOLFSSL_TLS_1_3, "700");
}

static void run_directly(amqp_wolfssl_version_t version) {
  const int frame_sizes[] = {least_frame_max(), 131072};
  struct endpoint endpoint = {private_broker_ready()->tls_port, NULL};
  struct key_updates updates;

  for (size_t i = 0; i < COUNT_OF(frame_sizes); i++) {
    run_amqp(&endpoint, version, &every_byte, frame_sizes[i], &updates);
    run_amqp(&endpoint, version, &by_chance, frame_sizes[i], &updates);
  }
}

static void tls12_with_the_broker(void **state) {
  (void)state;
  run_directly(AMQP_WOLFSSL_TLS_1_2);
}

static void tls13_with_the_broker(void **state) {
  (void)state;
  run_directly(AMQP_WOLFSSL_TLS_1_3);
}

/* ---- Both directions at once ---- */

#define ECHO_LENGTH ((size_t)200000)
#define ECHO_CHUNK ((size_t)9000)

struct echo {
  const struct fault_vtable *vtable;
  void *socket;
  unsigned char *out;
  unsigned char *in;
  size_t sent;
  size_t received;
  size_t offered; /* bytes of a send that wants to be repeated */
  uint64_t blocked_sends;
  uint64_t reads_while_blocked;
};

static void echo_send(struct echo *echo) {
  size_t length = ECHO_LENGTH - echo->sent;
  ssize_t result;

  if (length == 0) {
    return;
  }
  if (echo->offered > 0) {
    length = echo->offered;
  } else if (length > ECHO_CHUNK) {
    length = (size_t)(next_random() % ECHO_CHUNK) + 1;
  }
  result = echo->vtable->send(echo->socket, echo->out + echo->sent, length, FAULT_SEND_PLAIN);
  if (result == FAULT_NEEDWRITE || result == FAULT_NEEDREAD) {
    echo->offered = length;
    echo->blocked_sends++;
    return;
  }
  assert_true(result > 0 && (size_t)result <= length);
  echo->sent += (size_t)result;
  echo->offered = 0;
}

static void echo_receive(struct echo *echo) {
  ssize_t result = echo->vtable->recv(echo->socket, echo->in + echo->received, ECHO_LENGTH - echo->received + 1, 0);

  if (result == FAULT_NEEDREAD || result == FAULT_NEEDWRITE) {
    return;
  }
  assert_true(result > 0 && (size_t)result <= ECHO_LENGTH - echo->received);
  echo->received += (size_t)result;
  echo->reads_while_blocked += echo->offered > 0 ? 1 : 0;
}

/* Send and recv by turns drawn by lot: a record half out, KeyUpdates come in, their answers queue behind it. */
static void exchange(struct echo *echo) {
  while (echo->received < ECHO_LENGTH) {
    if (next_random() % 4 != 0) {
      echo_send(echo);
    } else {
      echo_receive(echo);
    }
    if (echo->sent == ECHO_LENGTH && echo->received < ECHO_LENGTH) {
      struct pollfd poll_for = {.fd = echo->vtable->get_sockfd(echo->socket), .events = POLLIN};

      assert_int_not_equal(poll(&poll_for, 1, TIME_LIMIT_SECONDS * 1000), 0);
    }
  }
}

static void run_echo(struct tls_server *proxy, amqp_wolfssl_version_t version, const struct slowness *slowness) {
  amqp_wolfssl_config_t *config = fault_config_new(version, version);
  struct echo echo = {.out = malloc(ECHO_LENGTH), .in = calloc(1, ECHO_LENGTH + 1)};
  struct fault_client client;

  assert_non_null(config);
  assert_non_null(echo.out);
  assert_non_null(echo.in);
  for (size_t i = 0; i < ECHO_LENGTH; i++) {
    echo.out[i] = (unsigned char)next_random();
  }
  must(fault_client_new(&client, config), &client);
  amqp_wolfssl_config_free(config);
  must(fault_client_open(&client, proxy->port), &client);
  echo.vtable = fault_vtable_of(client.socket);
  echo.socket = client.socket;
  slow_down(&slowness->sending, &slowness->receiving);
  exchange(&echo);
  slowed = false;
  assert_int_equal(echo.received, ECHO_LENGTH);
  assert_memory_equal(echo.in, echo.out, ECHO_LENGTH);
  check_direction(&sending, ECHO_LENGTH);
  check_direction(&receiving, ECHO_LENGTH);
  assert_true(sending.pattern.refusals == 0 || echo.blocked_sends > 0);
  assert_true(sending.pattern.refusals == 0 || echo.reads_while_blocked > 0);
  fault_client_destroy(&client);
  free(echo.out);
  free(echo.in);
}

static void echo_in_all_patterns(const char *version_option, amqp_wolfssl_version_t version,
                                 const char *key_update_every) {
  const char *options[] = {"--echo",         "--tls",
                           version_option,   key_update_every != NULL ? "--key-update-every" : NULL,
                           key_update_every, NULL};
  struct tls_server proxy;

  proxy = tls_server_start_proxy(options);
  for (size_t i = 0; i < COUNT_OF(all_patterns); i++) {
    size_t before = peer_process_count_lines(proxy.process, "KEY-UPDATE sent");

    run_echo(&proxy, version, all_patterns[i]);
    assert_true(key_update_every == NULL || peer_process_count_lines(proxy.process, "KEY-UPDATE sent") - before >= 20);
  }
  tls_server_stop(&proxy);
}

static void tls12_both_directions_at_once(void **state) {
  (void)state;
  echo_in_all_patterns("1.2", AMQP_WOLFSSL_TLS_1_2, NULL);
}

static void tls13_both_directions_at_once_with_key_updates(void **state) {
  (void)state;
  echo_in_all_patterns("1.3", AMQP_WOLFSSL_TLS_1_3, "700");
}

static void choose_seed(void) {
  const char *given = getenv("BYTE_BOUNDARY_SEED");
  struct timespec now = {0, 0};

  (void)clock_gettime(CLOCK_REALTIME, &now);
  random_state = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)now.tv_nsec * 2654435761u + (uint64_t)getpid();
  random_state = random_state != 0 ? random_state : 1;
  printf("# BYTE_BOUNDARY_SEED=%" PRIu64 "\n", random_state);
}

/* A case that failed half way must not slow down the next one's set-up. */
static int let_go(void **state) {
  (void)state;
  slowed = false;
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(tls12_through_openssl, let_go),
      cmocka_unit_test_teardown(tls13_through_openssl_with_key_updates, let_go),
      cmocka_unit_test_teardown(tls12_with_the_broker, let_go),
      cmocka_unit_test_teardown(tls13_with_the_broker, let_go),
      cmocka_unit_test_teardown(tls12_both_directions_at_once, let_go),
      cmocka_unit_test_teardown(tls13_both_directions_at_once_with_key_updates, let_go),
  };

  time_limit_start(TIME_LIMIT_SECONDS);
  choose_seed();
  return cmocka_run_group_tests(tests, private_broker_set_up, minted_certificates_tear_down);
}
