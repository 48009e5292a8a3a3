/* SPDX-License-Identifier: MIT */
/*
 * A program that polls the descriptor itself, for what amqp_wolfssl_socket_poll_events() says, and calls rabbitmq-c
 * without a wait when something is ready: with a peer that does not read, it hears what the peer says later, and what
 * waits leaves when the peer reads on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "amqp_wolfssl_socket.h"
#include "driven_peer.h"
#include "minted_certificates.h"
#include "time_limit.h"

#define TIME_LIMIT_SECONDS 120 /* a safety net */
/* Only what hangs takes so long. */
#define HANG_MILLISECONDS 10000
#define CHANNEL 1
#define SEND_BUFFER 16384

static const struct timeval no_time;

struct program {
  struct driven_peer peer;
  amqp_wolfssl_config_t *config;
  amqp_connection_state_t connection;
  amqp_socket_t *socket;
};

static void start_program(struct program *program, unsigned version) {
  struct timeval soon = {.tv_sec = HANG_MILLISECONDS / 1000};
  const int buffer = SEND_BUFFER;

  driven_peer_start(&program->peer, version);
  program->config = amqp_wolfssl_config_new();
  assert_int_equal(amqp_wolfssl_config_add_ca_file(program->config, minted_certificate("server")), AMQP_WOLFSSL_OK);
  program->connection = amqp_new_connection();
  assert_non_null(program->connection);
  program->socket = amqp_wolfssl_socket_new(program->connection, program->config);
  assert_non_null(program->socket);
  assert_int_equal(amqp_socket_open_noblock(program->socket, "127.0.0.1", program->peer.port, &soon), AMQP_STATUS_OK);
  driven_peer_connected(&program->peer);
  assert_int_equal(setsockopt(amqp_get_sockfd(program->connection), SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer)), 0);
}

static void end_program(struct program *program) {
  driven_peer_stop(&program->peer);
  assert_int_equal(amqp_destroy_connection(program->connection), AMQP_STATUS_OK);
  amqp_wolfssl_config_free(program->config);
}

/* \return what the descriptor is ready for */
static int wait_for_events(const struct program *program, int milliseconds) {
  struct pollfd one = {.fd = amqp_get_sockfd(program->connection),
                       .events = (short)amqp_wolfssl_socket_poll_events(program->socket)};

  return poll(&one, 1, milliseconds) > 0 ? one.revents : 0;
}

static int take_frame(const struct program *program, amqp_frame_t *frame) {
  struct timeval limit = no_time;

  return amqp_simple_wait_frame_noblock(program->connection, frame, &limit);
}

/* What the kernel has taken may still move on to the peer's buffer, which makes room once more. */
static void publish_until_blocked(const struct program *program) {
  static char body[10000];
  int status;

  do {
    assert_int_equal(amqp_wolfssl_socket_cork(program->socket), AMQP_STATUS_OK);
    assert_int_equal(amqp_basic_publish(program->connection, CHANNEL, amqp_empty_bytes, amqp_cstring_bytes("queue"), 0,
                                        0, NULL, (amqp_bytes_t){sizeof(body), body}),
                     AMQP_STATUS_OK);
    status = amqp_wolfssl_socket_uncork(program->socket, &no_time);
    if (status == AMQP_STATUS_TIMEOUT && wait_for_events(program, 200) != 0) {
      status = amqp_wolfssl_socket_uncork(program->socket, &no_time);
    }
  } while (status == AMQP_STATUS_OK);
  assert_int_equal(status, AMQP_STATUS_TIMEOUT);
}

/* On a busy machine the kernel makes room so late that a call in between sends all that waited. */
static void publish_until_something_waits(const struct program *program) {
  amqp_frame_t frame;

  do {
    publish_until_blocked(program);
    assert_int_equal(take_frame(program, &frame), AMQP_STATUS_TIMEOUT);
  } while ((amqp_wolfssl_socket_poll_events(program->socket) & POLLOUT) == 0);
}

/* Connection.Blocked: class 10, method 60, a reason. */
static const uint8_t blocked_frame[] = {1, 0, 0, 0, 0, 0, 8, 0, 10, 0, 60, 3, 'l', 'o', 'w', 0xce};

/* \param [out] frame what has come, within the time that only a hang takes */
static void hear(const struct program *program, amqp_frame_t *frame) {
  int status;

  do {
    assert_int_not_equal(wait_for_events(program, HANG_MILLISECONDS), 0);
    status = take_frame(program, frame);
  } while (status == AMQP_STATUS_TIMEOUT);
  assert_int_equal(status, AMQP_STATUS_OK);
}

/* Tickets may wake it for nothing. */
static void test_what_comes_later_is_heard_and_what_waits_leaves(void **state) {
  (void)state;
  for (unsigned version = 0x0303; version <= 0x0304; version++) {
    struct program program;
    amqp_frame_t frame;

    start_program(&program, version);
    assert_int_equal(take_frame(&program, &frame), AMQP_STATUS_TIMEOUT);
    publish_until_something_waits(&program);
    assert_int_equal(amqp_wolfssl_socket_poll_events(program.socket), POLLIN | POLLOUT);
    driven_peer_say(&program.peer, blocked_frame, sizeof(blocked_frame));
    hear(&program, &frame);
    assert_int_equal(frame.payload.method.id, AMQP_CONNECTION_BLOCKED_METHOD);
    while ((amqp_wolfssl_socket_poll_events(program.socket) & POLLOUT) != 0) {
      (void)driven_peer_read(&program.peer);
      assert_int_not_equal(wait_for_events(&program, HANG_MILLISECONDS), 0);
      assert_int_equal(take_frame(&program, &frame), AMQP_STATUS_TIMEOUT);
    }
    assert_int_equal(amqp_wolfssl_socket_uncork(program.socket, &no_time), AMQP_STATUS_OK); /* nothing is left */
    end_program(&program);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_what_comes_later_is_heard_and_what_waits_leaves),
  };

  time_limit_start(TIME_LIMIT_SECONDS);
  return cmocka_run_group_tests(tests, minted_certificates_server_alone, minted_certificates_tear_down);
}
