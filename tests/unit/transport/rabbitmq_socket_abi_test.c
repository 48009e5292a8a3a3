/* SPDX-License-Identifier: MIT */
/* The probe, against sockets and versions that are not rabbitmq-c's: amqp_version_number() here stands before its. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "transport/rabbitmq_socket_abi.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static uint32_t version = AMQP_VERSION;

uint32_t amqp_version_number(void) { return version; }

/* ---- A socket that is as it should be ---- */

static int descriptor = -1;

static ssize_t fake_send(void *socket, const void *bytes, size_t length, int flags) {
  (void)socket, (void)bytes, (void)length, (void)flags;
  return -1;
}
static ssize_t fake_recv(void *socket, void *bytes, size_t length, int flags) {
  (void)socket, (void)bytes, (void)length, (void)flags;
  return -1;
}
static int fake_open(void *socket, const char *host, int port, const struct timeval *timeout) {
  (void)socket, (void)host, (void)port, (void)timeout;
  return -1;
}
static int fake_close(void *socket, int force) {
  (void)socket, (void)force;
  return -1;
}
static int fake_get_sockfd(void *socket) {
  (void)socket;
  return descriptor;
}
static void fake_delete(void *socket) { (void)socket; }

static const struct rabbitmq_socket_class good = {fake_send,  fake_recv,       fake_open,
                                                  fake_close, fake_get_sockfd, fake_delete};

static bool probe(const struct rabbitmq_socket_class *klass) {
  struct rabbitmq_socket socket = {klass};

  return rabbitmq_socket_probe((amqp_socket_t *)&socket);
}

static int as_before(void **state) {
  (void)state;
  version = AMQP_VERSION;
  descriptor = -1;
  return 0;
}

/* ---- Cases ---- */

static void test_as_it_should_be(void **state) {
  (void)state;
  assert_true(probe(&good));
}

static void test_functions_that_are_missing(void **state) {
  (void)state;
  assert_false(rabbitmq_socket_probe(NULL));
  assert_false(probe(NULL));
  for (size_t i = 0; i < 6; i++) {
    struct rabbitmq_socket_class klass = good;

    memset((unsigned char *)&klass + i * sizeof(void *), 0, sizeof(void *));
    assert_false(probe(&klass));
  }
}

static void test_a_descriptor_where_none_can_be(void **state) {
  (void)state;
  descriptor = 0;
  assert_false(probe(&good));
}

/* What nobody has read can't be relied on: before 0.8 the functions had other parameters, and 1.0 does not exist. */
static void test_versions(void **state) {
  static const struct {
    uint32_t version;
    bool good;
  } versions[] = {{0, false},         {0x00060000, false}, {0x00070101, false}, {0x0007ffff, false},
                  {0x00080000, true}, {0x000b0000, true},  {0x00120101, true},  {0x00130000, true},
                  {0x00ffffff, true}, {0x01000000, false}, {0x01000001, false}, {0x02000000, false},
                  {UINT32_MAX, false}};
  (void)state;

  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    version = versions[i].version;
    if (probe(&good) != versions[i].good) {
      fail_msg("version %#x", versions[i].version);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_as_it_should_be),
      cmocka_unit_test(test_functions_that_are_missing),
      cmocka_unit_test_teardown(test_a_descriptor_where_none_can_be, as_before),
      cmocka_unit_test_teardown(test_versions, as_before),
  };

  return cmocka_run_group_tests_name("rabbitmq_socket_abi", tests, NULL, NULL);
}
