/* SPDX-License-Identifier: MIT */
/* The client's calls as rabbitmq-c makes them. */
#include "driven_pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "minted_certificates.h"

#define BODY (FRAME - 8)
#define MOST_SENT ((size_t)8 * 1024 * 1024)

static struct timeval limit = {.tv_sec = 10};

static void note_failure(amqp_socket_t *socket, const amqp_wolfssl_error_t *error, void *user_data) {
  struct told *told = user_data;

  (void)socket;
  told->times++;
  told->stage = amqp_wolfssl_error_stage(error);
  told->code = amqp_wolfssl_error_code(error);
  (void)snprintf(told->message, sizeof(told->message), "%s", amqp_wolfssl_error_message(error));
}

void driven_pair_connect(struct driven_pair *pair, unsigned version) {
  const int buffer = 16384;

  memset(pair, 0, sizeof(*pair));
  pair->sent = malloc(MOST_SENT);
  assert_non_null(pair->sent);
  driven_peer_start(&pair->peer, version);
  pair->config = amqp_wolfssl_config_new();
  assert_int_equal(amqp_wolfssl_config_add_ca_file(pair->config, minted_certificate("server")), AMQP_WOLFSSL_OK);
  pair->connection = amqp_new_connection();
  assert_non_null(pair->connection);
  pair->socket = amqp_wolfssl_socket_new(pair->connection, pair->config);
  assert_non_null(pair->socket);
  assert_int_equal(amqp_wolfssl_socket_set_error_callback(pair->socket, note_failure, &pair->told), AMQP_STATUS_OK);
  assert_int_equal(amqp_socket_open_noblock(pair->socket, "127.0.0.1", pair->peer.port, &limit), AMQP_STATUS_OK);
  driven_peer_connected(&pair->peer);
  assert_int_equal(setsockopt(amqp_socket_get_sockfd(pair->socket), SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer)), 0);
}

void driven_pair_end(struct driven_pair *pair) {
  if (pair->connection != NULL) {
    assert_int_equal(amqp_destroy_connection(pair->connection), AMQP_STATUS_OK);
  }
  amqp_wolfssl_config_free(pair->config);
  driven_peer_stop(&pair->peer);
  free(pair->sent);
}

const struct rabbitmq_socket_class *driven_pair_class(const struct driven_pair *pair) {
  const struct rabbitmq_socket_class *klass;

  memcpy(&klass, pair->socket, sizeof(klass));
  return klass;
}

ssize_t driven_pair_send(struct driven_pair *pair, const void *bytes, size_t length) {
  const ssize_t count = driven_pair_class(pair)->send(pair->socket, bytes, length, 0);

  if (count > 0) {
    assert_true(pair->sent_length + (size_t)count <= MOST_SENT);
    memcpy(pair->sent + pair->sent_length, bytes, (size_t)count);
    pair->sent_length += (size_t)count;
  }
  return count;
}

bool driven_pair_wait(const struct driven_pair *pair, ssize_t result, int milliseconds) {
  struct pollfd one = {.fd = driven_pair_class(pair)->get_sockfd(pair->socket),
                       .events = result == RABBITMQ_STATUS_NEEDREAD ? POLLIN : POLLOUT};

  assert_true(result == RABBITMQ_STATUS_NEEDREAD || result == RABBITMQ_STATUS_NEEDWRITE);
  return poll(&one, 1, milliseconds) > 0;
}

ssize_t driven_pair_receive(struct driven_pair *pair, void *bytes, size_t capacity) {
  return driven_pair_class(pair)->recv(pair->socket, bytes, capacity, 0);
}

ssize_t driven_pair_receive_in_time(struct driven_pair *pair, void *bytes, size_t capacity) {
  ssize_t result;

  while ((result = driven_pair_receive(pair, bytes, capacity)) < 0) {
    assert_true(driven_pair_wait(pair, result, HANG_MILLISECONDS));
  }
  return result;
}

/* AMQP 0-9-1, section 4.2.3. */
void driven_pair_make_frame(uint8_t frame[FRAME], uint8_t filler) {
  static const uint8_t header[] = {3, 0, 1, 0, 0, BODY >> 8, BODY & 0xff};

  memcpy(frame, header, sizeof(header));
  memset(frame + sizeof(header), filler, BODY);
  frame[FRAME - 1] = 0xce;
}

/* What the kernel has taken may still move on to the peer's buffer, which makes room once more. */
size_t driven_pair_send_until_blocked(struct driven_pair *pair, uint8_t frame[FRAME]) {
  size_t rest = 0;

  for (int blocked = 0; blocked < 3; blocked++) {
    ssize_t sent;

    do {
      if (rest == 0) {
        driven_pair_make_frame(frame, (uint8_t)pair->sent_length);
        rest = FRAME;
      }
      sent = driven_pair_send(pair, frame + FRAME - rest, rest);
      if (sent > 0) {
        rest -= (size_t)sent;
        blocked = 0;
      }
    } while (sent > 0);
    assert_int_equal(sent, RABBITMQ_STATUS_NEEDWRITE);
    (void)driven_pair_wait(pair, sent, 200);
  }
  return rest;
}

void driven_pair_expect_sent(const struct driven_pair *pair) {
  assert_true(pair->peer.seen_length >= pair->sent_length);
  assert_true(pair->peer.seen_length < pair->sent_length + FRAME);
  assert_memory_equal(pair->peer.seen, pair->sent, pair->sent_length);
}

void driven_pair_expect_all(struct driven_pair *pair) {
  struct pollfd readable = {.fd = pair->peer.descriptor, .events = POLLIN};

  while (driven_peer_read(&pair->peer) < pair->sent_length) {
    assert_int_equal(poll(&readable, 1, HANG_MILLISECONDS), 1);
  }
  assert_int_equal(pair->peer.seen_length, pair->sent_length);
  assert_memory_equal(pair->peer.seen, pair->sent, pair->sent_length);
}
