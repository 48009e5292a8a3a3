/* SPDX-License-Identifier: MIT */
/*
 * Connecting by TCP, over addresses that the test chooses: getaddrinfo() here stands before the C library's. All of
 * 127.0.0.0/8 is this machine; a listener on 127.0.0.1 alone makes the other addresses refuse.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "open_descriptors.h"
#include "transport/tcp_connect.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define NAME "broker.example"
#define MANY 100

/* ---- The resolver ---- */

struct chosen_address {
  struct addrinfo info;
  struct sockaddr_in address;
};

static int lookup_result;
static int lookup_errno;
static const char *lookup_addresses[MANY];
static size_t lookup_count;

int getaddrinfo(const char *restrict host, const char *restrict service, const struct addrinfo *restrict hints,
                struct addrinfo **restrict result) {
  struct chosen_address *chosen;

  (void)host;
  assert_int_equal(hints->ai_socktype, SOCK_STREAM);
  if (lookup_result != 0) {
    errno = lookup_errno;
    return lookup_result;
  }
  chosen = calloc(lookup_count, sizeof(*chosen));
  assert_non_null(chosen);
  for (size_t i = 0; i < lookup_count; i++) {
    chosen[i].address.sin_family = AF_INET;
    chosen[i].address.sin_port = htons((uint16_t)atoi(service));
    assert_int_equal(inet_pton(AF_INET, lookup_addresses[i], &chosen[i].address.sin_addr), 1);
    chosen[i].info.ai_family = AF_INET;
    chosen[i].info.ai_socktype = hints->ai_socktype;
    chosen[i].info.ai_protocol = hints->ai_protocol;
    chosen[i].info.ai_addr = (struct sockaddr *)&chosen[i].address;
    chosen[i].info.ai_addrlen = sizeof(chosen[i].address);
    chosen[i].info.ai_next = i + 1 < lookup_count ? &chosen[i + 1].info : NULL;
  }
  *result = &chosen[0].info;
  return 0;
}

void freeaddrinfo(struct addrinfo *list) { free(list); /* the first member of the first one */ }

static void resolve_to(const char *const *addresses, size_t count) {
  lookup_result = 0;
  lookup_count = count;
  for (size_t i = 0; i < count; i++) {
    lookup_addresses[i] = addresses[i];
  }
}

static void resolve_to_failure(int result, int failure) {
  lookup_result = result;
  lookup_errno = failure;
}

/* ---- Listeners ---- */

static int listen_on(const char *address, int backlog, int *port) {
  struct sockaddr_in wanted = {.sin_family = AF_INET};
  socklen_t length = sizeof(wanted);
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  assert_true(listener >= 0);
  assert_int_equal(inet_pton(AF_INET, address, &wanted.sin_addr), 1);
  assert_int_equal(bind(listener, (struct sockaddr *)&wanted, sizeof(wanted)), 0);
  if (backlog >= 0) {
    assert_int_equal(listen(listener, backlog), 0);
  }
  assert_int_equal(getsockname(listener, (struct sockaddr *)&wanted, &length), 0);
  *port = ntohs(wanted.sin_port);
  return listener;
}

/* A port that is taken, so that nobody else gets it, but refuses. */
static int refusing_port(int *port) { return listen_on("127.0.0.1", -1, port); }

static struct deadline within(time_t seconds, suseconds_t microseconds) {
  const struct timeval limit = {.tv_sec = seconds, .tv_usec = microseconds};
  struct deadline deadline;

  assert_true(deadline_start(&deadline, &limit));
  return deadline;
}

/* ---- Expectations ---- */

static amqp_wolfssl_error_t record;

static void expect_failure(const char *host, int port, const struct deadline *deadline, amqp_wolfssl_stage_t stage,
                           amqp_wolfssl_code_t code) {
  const size_t descriptors = open_descriptors();
  int descriptor = 12345;

  error_clear(&record);
  assert_int_equal(tcp_connect(host, port, deadline, &descriptor, &record), code);
  assert_int_equal(descriptor, -1);
  assert_int_equal(record.code, code);
  assert_int_equal(record.stage, stage);
  assert_int_equal(open_descriptors(), descriptors);
}

static void expect_message(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void expect_message(const char *format, ...) {
  char expected[ERROR_MESSAGE_LENGTH];
  va_list arguments;

  va_start(arguments, format);
  (void)vsnprintf(expected, sizeof(expected), format, arguments);
  va_end(arguments);
  assert_string_equal(record.message, expected);
}

static int option_of(int descriptor, int level, int option) {
  int value = 0;
  socklen_t length = sizeof(value);

  assert_int_equal(getsockopt(descriptor, level, option, &value, &length), 0);
  return value;
}

/* ---- Cases ---- */

static void test_the_next_address_after_one_that_refuses(void **state) {
  static const char *const addresses[] = {"127.0.0.2", "127.0.0.3", "127.0.0.1", "127.0.0.4"};
  const struct deadline deadline = within(60, 0);
  struct sockaddr_in peer;
  socklen_t length = sizeof(peer);
  int descriptor = -1;
  int port;
  const int listener = listen_on("127.0.0.1", 8, &port);
  (void)state;

  resolve_to(addresses, COUNT_OF(addresses));
  error_clear(&record);
  assert_int_equal(tcp_connect(NAME, port, &deadline, &descriptor, &record), AMQP_WOLFSSL_OK);
  assert_int_equal(record.code, AMQP_WOLFSSL_OK);
  assert_int_equal(getpeername(descriptor, (struct sockaddr *)&peer, &length), 0);
  assert_int_equal(ntohl(peer.sin_addr.s_addr), INADDR_LOOPBACK);
  /* As rabbitmq-c's own. */
  assert_true((fcntl(descriptor, F_GETFL) & O_NONBLOCK) != 0);
  assert_true((fcntl(descriptor, F_GETFD) & FD_CLOEXEC) != 0);
  assert_int_not_equal(option_of(descriptor, IPPROTO_TCP, TCP_NODELAY), 0);
  assert_int_not_equal(option_of(descriptor, SOL_SOCKET, SO_KEEPALIVE), 0);
  (void)close(descriptor);
  (void)close(listener);
}

static void test_without_a_limit(void **state) {
  static const char *const addresses[] = {"127.0.0.2", "127.0.0.1"};
  struct deadline deadline;
  int descriptor = -1;
  int port;
  const int listener = listen_on("127.0.0.1", 8, &port);
  (void)state;

  assert_true(deadline_start(&deadline, NULL));
  resolve_to(addresses, COUNT_OF(addresses));
  assert_int_equal(tcp_connect(NAME, port, &deadline, &descriptor, &record), AMQP_WOLFSSL_OK);
  (void)close(descriptor);
  (void)close(listener);
}

static void test_refused(void **state) {
  static const char *const addresses[] = {"127.0.0.1"};
  const struct deadline deadline = within(60, 0);
  int port;
  const int taken = refusing_port(&port);
  (void)state;

  resolve_to(addresses, COUNT_OF(addresses));
  expect_failure("127.0.0.1", port, &deadline, AMQP_WOLFSSL_STAGE_CONNECT, AMQP_WOLFSSL_ERROR_CONNECT_FAILED);
  expect_message("can't connect to 127.0.0.1 port %d: %s; check that the broker is running and listens on that port",
                 port, strerror(ECONNREFUSED));
  expect_failure(NAME, port, &deadline, AMQP_WOLFSSL_STAGE_CONNECT, AMQP_WOLFSSL_ERROR_CONNECT_FAILED);
  expect_message("can't connect to " NAME
                 " port %d: %s (127.0.0.1); check that the broker is running and listens on that port",
                 port, strerror(ECONNREFUSED));
  (void)close(taken);
}

static void test_each_address_has_its_reason(void **state) {
  static const char *const addresses[] = {"127.0.0.2", "255.255.255.255"};
  const struct deadline deadline = within(60, 0);
  int port;
  const int taken = refusing_port(&port);
  const char *broadcast;
  (void)state;

  resolve_to(addresses, COUNT_OF(addresses));
  expect_failure(NAME, port, &deadline, AMQP_WOLFSSL_STAGE_CONNECT, AMQP_WOLFSSL_ERROR_CONNECT_FAILED);
  assert_non_null(strstr(record.message, "Connection refused (127.0.0.2); "));
  broadcast = strstr(record.message, " (255.255.255.255)");
  assert_non_null(broadcast);
  assert_string_equal(broadcast, " (255.255.255.255)"); /* no advice: what was refused is not the last of it */
  (void)close(taken);
}

static void test_many_addresses_are_not_all_named(void **state) {
  static char texts[MANY][16];
  const char *addresses[MANY];
  const struct deadline deadline = within(60, 0);
  int port;
  const int taken = refusing_port(&port);
  (void)state;

  for (size_t i = 0; i < MANY; i++) {
    (void)snprintf(texts[i], sizeof(texts[i]), "127.0.1.%zu", i + 1);
    addresses[i] = texts[i];
  }
  resolve_to(addresses, MANY);
  expect_failure(NAME, port, &deadline, AMQP_WOLFSSL_STAGE_CONNECT, AMQP_WOLFSSL_ERROR_CONNECT_FAILED);
  assert_non_null(strstr(record.message, "(127.0.1.1); "));
  assert_non_null(strstr(record.message, "; and further addresses; check that the broker"));
  assert_null(strstr(record.message, "127.0.1.100"));
  assert_true(strlen(record.message) < ERROR_MESSAGE_LENGTH - 1);
  (void)close(taken);
}

static void test_names_that_are_not_found(void **state) {
  const struct deadline deadline = within(60, 0);
  (void)state;

  resolve_to_failure(EAI_NONAME, 0);
  expect_failure(NAME, 5671, &deadline, AMQP_WOLFSSL_STAGE_RESOLVE, AMQP_WOLFSSL_ERROR_RESOLVE_FAILED);
  expect_message("the host name \"" NAME "\" can't be resolved: %s; check its spelling and the DNS configuration",
                 gai_strerror(EAI_NONAME));
  resolve_to_failure(EAI_AGAIN, 0);
  expect_failure(NAME, 5671, &deadline, AMQP_WOLFSSL_STAGE_RESOLVE, AMQP_WOLFSSL_ERROR_RESOLVE_FAILED);
  assert_non_null(strstr(record.message, gai_strerror(EAI_AGAIN)));
  resolve_to_failure(EAI_SYSTEM, EMFILE);
  expect_failure(NAME, 5671, &deadline, AMQP_WOLFSSL_STAGE_RESOLVE, AMQP_WOLFSSL_ERROR_RESOLVE_FAILED);
  assert_non_null(strstr(record.message, strerror(EMFILE)));
  resolve_to_failure(EAI_MEMORY, 0);
  expect_failure(NAME, 5671, &deadline, AMQP_WOLFSSL_STAGE_RESOLVE, AMQP_WOLFSSL_ERROR_NO_MEMORY);
}

/* With its queue full, Linux drops who knocks, as a firewall would. */
static int fill_queue(int fillers[4], int *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  const int listener = listen_on("127.0.0.1", 0, port);

  address.sin_port = htons((uint16_t)*port);
  for (size_t i = 0; i < 4; i++) {
    fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fillers[i] >= 0);
    (void)connect(fillers[i], (struct sockaddr *)&address, sizeof(address));
  }
  return listener;
}

static void test_time_limit(void **state) {
  static const char *const addresses[] = {"127.0.0.2", "127.0.0.1", "127.0.0.3"};
  struct deadline deadline;
  int fillers[4];
  int port;
  const int listener = fill_queue(fillers, &port);
  (void)state;

  resolve_to(addresses, COUNT_OF(addresses));
  deadline = within(0, 200000);
  expect_failure(NAME, port, &deadline, AMQP_WOLFSSL_STAGE_CONNECT, AMQP_WOLFSSL_ERROR_TIMED_OUT);
  assert_true(deadline_has_passed(&deadline));
  expect_message("no TCP connection to " NAME
                 " port %d within the time limit: %s (127.0.0.2); no answer (127.0.0.1); check host, port and firewall",
                 port, strerror(ECONNREFUSED));
  deadline = within(0, 0); /* each is tried once all the same */
  expect_failure(NAME, port, &deadline, AMQP_WOLFSSL_STAGE_CONNECT, AMQP_WOLFSSL_ERROR_TIMED_OUT);
  for (size_t i = 0; i < COUNT_OF(fillers); i++) {
    (void)close(fillers[i]);
  }
  (void)close(listener);
}

/* The C library takes the low 16 bits: 65536 + 5671 would be 5671. */
static void test_ports_that_are_none(void **state) {
  static const int ports[] = {0, -1, 65536, 65536 + 5671, INT32_MIN, INT32_MAX};
  static const char *const addresses[] = {"127.0.0.1"};
  const struct deadline deadline = within(60, 0);
  (void)state;

  resolve_to(addresses, COUNT_OF(addresses));
  for (size_t i = 0; i < COUNT_OF(ports); i++) {
    expect_failure(NAME, ports[i], &deadline, AMQP_WOLFSSL_STAGE_CONNECT, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
    expect_message("%d is not a port; a port is a number from 1 to 65535", ports[i]);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_next_address_after_one_that_refuses),
      cmocka_unit_test(test_without_a_limit),
      cmocka_unit_test(test_refused),
      cmocka_unit_test(test_each_address_has_its_reason),
      cmocka_unit_test(test_many_addresses_are_not_all_named),
      cmocka_unit_test(test_names_that_are_not_found),
      cmocka_unit_test(test_time_limit),
      cmocka_unit_test(test_ports_that_are_none),
  };

  return cmocka_run_group_tests_name("tcp_connect", tests, NULL, NULL);
}
