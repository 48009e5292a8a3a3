/* SPDX-License-Identifier: MIT */
/* Steps and expectations of the tests of TLS sessions. */
#include "session_cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "temporary_folder.h"

const struct memory_session_settings good_client = {
    .ca = "ca.pem", .certificate = "client.pem", .key = "client.key", .name = "localhost"};
const unsigned versions[] = {TLS_1_2, TLS_1_3};

struct memory_peer_settings server_named(const char *name, unsigned version) {
  char certificate[64];
  char key[64];

  (void)snprintf(certificate, sizeof(certificate), "%s.pem", name);
  (void)snprintf(key, sizeof(key), "%s.key", name);
  return (struct memory_peer_settings){.certificate = temporary_folder_path(certificate),
                                       .key = temporary_folder_path(key),
                                       .client_ca = temporary_folder_path("ca.pem"),
                                       .client_certificate_required = true,
                                       .version = version};
}

/* ---- Random numbers ---- */

uint32_t random_state;

uint32_t next_random(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 17;
  random_state ^= random_state << 5;
  return random_state;
}

size_t random_between(size_t least, size_t most) { return least + next_random() % (most - least + 1); }

void fill_random(uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) {
    bytes[i] = (uint8_t)(next_random() >> 11);
  }
}

/* ---- Steps ---- */

struct memory_session *connect_pair(const struct memory_session_settings *client,
                                    const struct memory_peer_settings *server) {
  struct memory_session *pair = memory_session_new(client, server);
  enum session_result result = memory_session_handshake(pair);

  if (result != SESSION_DONE) {
    print_error("handshake: %d %s\n", (int)result, pair->error.message);
  }
  assert_int_equal(result, SESSION_DONE);
  for (int i = 0; i < 8 && !pair->peer->accepted; i++) {
    (void)memory_peer_accept(pair->peer);
  }
  assert_true(pair->peer->accepted);
  return pair;
}

struct memory_session *connect_good(unsigned version) {
  struct memory_peer_settings server = server_named("server", version);

  return connect_pair(&good_client, &server);
}

void assert_error(const struct memory_session *pair, amqp_wolfssl_stage_t stage, amqp_wolfssl_code_t code) {
  if (pair->error.code != code || pair->error.stage != stage) {
    print_error("wanted %s/%s, got %s/%s: %s (wolfSSL %d, alert %d)\n", amqp_wolfssl_stage_name(stage),
                amqp_wolfssl_code_name(code), amqp_wolfssl_stage_name(pair->error.stage),
                amqp_wolfssl_code_name(pair->error.code), pair->error.message, pair->error.wolfssl_code,
                pair->error.alert);
  }
  assert_int_equal(pair->error.code, code);
  assert_int_equal(pair->error.stage, stage);
  assert_true(pair->error.message[0] != '\0');
}

enum session_result receive(struct memory_session *pair, size_t *received) {
  static uint8_t bytes[131072];

  return session_recv(pair->session, bytes, sizeof(bytes), received);
}

void assert_latched(struct memory_session *pair, amqp_wolfssl_code_t code) {
  size_t count;
  size_t sent_before = pair->peer->to_server.moved;

  for (int i = 0; i < 2; i++) {
    assert_int_equal(receive(pair, &count), SESSION_FAILED);
    assert_int_equal(count, 0);
    assert_int_equal(pair->error.code, code);
    error_clear(&pair->error);
    assert_int_equal(session_send(pair->session, "more", 4, &count), SESSION_FAILED);
    assert_int_equal(count, 0);
    assert_int_equal(pair->error.code, code);
    error_clear(&pair->error);
  }
  assert_int_equal(pair->peer->to_server.moved, sent_before);
}
