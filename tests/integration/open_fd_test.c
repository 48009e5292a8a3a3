/* SPDX-License-Identifier: MIT */
/*
 * Through an HTTP proxy to RabbitMQ, by the example that shows how; and what it says when the proxy or the broker does
 * not want to.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "connect_proxy.h"
#include "minted_certificates.h"
#include "paths.h"
#include "peer_process.h"
#include "private_broker.h"

#define TEXT_SIZE 64

struct outcome {
  int status;
  struct peer_process *process;
};

/* The example, with the identity \a identity. */
static struct outcome run_example(const struct connect_proxy *proxy, const char *host, int port, const char *identity) {
  char proxy_port[TEXT_SIZE];
  char broker_port[TEXT_SIZE];
  const char *arguments[] = {path_in_build_tree("examples/http_connect"),
                             "127.0.0.1",
                             proxy_port,
                             host,
                             broker_port,
                             minted_certificate("bundle"),
                             minted_certificate(identity),
                             minted_key(identity),
                             NULL};
  struct outcome outcome;

  (void)snprintf(proxy_port, sizeof(proxy_port), "%d", connect_proxy_port(proxy));
  (void)snprintf(broker_port, sizeof(broker_port), "%d", port);
  outcome.process = peer_process_start(arguments);
  outcome.status = peer_process_wait_for_exit(outcome.process);
  return outcome;
}

static void expect_outcome(struct outcome *outcome, int status, const char *text) {
  if (outcome->status != status || !peer_process_has_written(outcome->process, text)) {
    fail_msg("status %d: %s", outcome->status, peer_process_output(outcome->process));
  }
  peer_process_stop(outcome->process);
}

static void to_the_broker_through_a_tunnel(void **state) {
  static const char *const hosts[] = {"localhost", "127.0.0.1", "::1"}; /* as the broker's certificate has them */
  static const char *const targets[] = {"localhost", "127.0.0.1", "[::1]"};
  const struct private_broker *broker = private_broker_ready();
  (void)state;

  for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
    struct connect_proxy *proxy = connect_proxy_start(NULL);
    struct outcome outcome = run_example(proxy, hosts[i], broker->tls_port, "client");
    char target[TEXT_SIZE];

    expect_outcome(&outcome, 0, "TLS_AES_");
    (void)snprintf(target, sizeof(target), "%s:%d", targets[i], broker->tls_port);
    assert_string_equal(connect_proxy_stop(proxy), target);
  }
}

/* It is the broker that is verified, not the proxy. */
static void another_name_than_the_brokers(void **state) {
  const struct private_broker *broker = private_broker_ready();
  struct connect_proxy *proxy = connect_proxy_start(NULL);
  struct outcome outcome = run_example(proxy, "elsewhere.test", broker->tls_port, "client");
  (void)state;

  expect_outcome(&outcome, 1, "the broker's certificate is not for DNS:elsewhere.test but for DNS:localhost");
  (void)connect_proxy_stop(proxy);
}

static void a_client_the_broker_refuses(void **state) {
  const struct private_broker *broker = private_broker_ready();
  struct connect_proxy *proxy = connect_proxy_start(NULL);
  struct outcome outcome = run_example(proxy, "localhost", broker->tls_port, "client-expired");
  (void)state;

  expect_outcome(&outcome, 1, "the broker rejected your certificate: certificate_expired");
  (void)connect_proxy_stop(proxy);
}

static void a_proxy_that_refuses(void **state) {
  struct connect_proxy *proxy = connect_proxy_start("403 Forbidden");
  struct outcome outcome = run_example(proxy, "localhost", peer_free_port(), "client");
  (void)state;

  expect_outcome(&outcome, 1, "the proxy opened no tunnel: HTTP/1.1 403 Forbidden");
  (void)connect_proxy_stop(proxy);
}

static void a_broker_the_proxy_does_not_reach(void **state) {
  struct connect_proxy *proxy = connect_proxy_start(NULL);
  struct outcome outcome = run_example(proxy, "localhost", peer_free_port(), "client");
  (void)state;

  expect_outcome(&outcome, 1, "the proxy opened no tunnel: HTTP/1.1 502 Bad Gateway");
  (void)connect_proxy_stop(proxy);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(to_the_broker_through_a_tunnel),    cmocka_unit_test(another_name_than_the_brokers),
      cmocka_unit_test(a_client_the_broker_refuses),       cmocka_unit_test(a_proxy_that_refuses),
      cmocka_unit_test(a_broker_the_proxy_does_not_reach),
  };

  return cmocka_run_group_tests_name("open_fd", tests, private_broker_set_up, minted_certificates_tear_down);
}
