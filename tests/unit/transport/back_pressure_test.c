/* SPDX-License-Identifier: MIT */
/*
 * A peer that does not read: what a blocked connection still hears, what two threads that both send may rely on, and
 * what becomes of bytes when it is closed. The peer acts when the test tells it to, some of it in the middle of the
 * library's or rabbitmq-c's waits: this program has a poll() of its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <linux/sockios.h>

#include "amqp_wolfssl_socket.h"
#include "driven_peer.h"
#include "minted_certificates.h"
#include "temporary_folder.h"
#include "time_limit.h"
#include "transport/rabbitmq_socket_abi.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define TIME_LIMIT_SECONDS 120 /* a safety net */
/* Only what hangs takes so long. */
#define HANG_MILLISECONDS 10000

static const unsigned versions[] = {0x0303, 0x0304};
static const struct timeval soon = {.tv_sec = 10};
static const struct timeval no_time;

/* ---- poll() ---- */

static struct {
  void (*act)(void *context); /* at the next call; NULL: nothing */
  void *context;
  unsigned calls;
  bool skip_pauses; /* calls without a descriptor return at once */
  unsigned pauses;  /* how many did */
  int paused;       /* and how many milliseconds they asked for */
  bool fails;       /* once, for lack of memory */
} at_poll;

/* Other objects must find this, whatever the build hides. */
#pragma GCC visibility push(default)
int poll(struct pollfd *descriptors, nfds_t count, int timeout) {
  int (*real)(struct pollfd *, nfds_t, int);
  void (*act)(void *) = at_poll.act;

  at_poll.calls++;
  if (act != NULL) {
    at_poll.act = NULL;
    act(at_poll.context);
  }
  if (at_poll.skip_pauses && count == 0) {
    at_poll.pauses++;
    at_poll.paused += timeout;
    return 0;
  }
  if (at_poll.fails) {
    at_poll.fails = false;
    errno = ENOMEM;
    return -1;
  }
  *(void **)&real = dlsym(RTLD_NEXT, "poll");
  return real(descriptors, count, timeout);
}
#pragma GCC visibility pop

static void act_at_next_poll(void (*act)(void *context), void *context) {
  at_poll.context = context;
  at_poll.act = act;
}

/* ---- Client and peer ---- */

struct told {
  unsigned times;
  amqp_wolfssl_stage_t stage;
  amqp_wolfssl_code_t code;
  char message[1024];
};

struct pair {
  struct driven_peer peer;
  amqp_wolfssl_config_t *config;
  amqp_connection_state_t connection;
  amqp_socket_t *socket;
  struct told told;
  uint8_t *sent; /* what the client's calls took, in order */
  size_t sent_length;
};

static void note_failure(amqp_socket_t *socket, const amqp_wolfssl_error_t *error, void *user_data) {
  struct told *told = user_data;

  (void)socket;
  told->times++;
  told->stage = amqp_wolfssl_error_stage(error);
  told->code = amqp_wolfssl_error_code(error);
  (void)snprintf(told->message, sizeof(told->message), "%s", amqp_wolfssl_error_message(error));
}

#define MOST_SENT ((size_t)8 * 1024 * 1024)

static void connect_pair(struct pair *pair, unsigned version) {
  const int buffer = 16384;

  memset(pair, 0, sizeof(*pair));
  pair->sent = malloc(MOST_SENT);
  assert_non_null(pair->sent);
  driven_peer_start(&pair->peer, version);
  pair->config = amqp_wolfssl_config_new();
  assert_int_equal(amqp_wolfssl_config_add_ca_file(pair->config, temporary_folder_path("ca.pem")), AMQP_WOLFSSL_OK);
  pair->connection = amqp_new_connection();
  assert_non_null(pair->connection);
  pair->socket = amqp_wolfssl_socket_new(pair->connection, pair->config);
  assert_non_null(pair->socket);
  assert_int_equal(amqp_wolfssl_socket_set_error_callback(pair->socket, note_failure, &pair->told), AMQP_STATUS_OK);
  assert_int_equal(amqp_socket_open_noblock(pair->socket, "127.0.0.1", pair->peer.port, &soon), AMQP_STATUS_OK);
  driven_peer_connected(&pair->peer);
  assert_int_equal(setsockopt(amqp_socket_get_sockfd(pair->socket), SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer)), 0);
}

static void end_pair(struct pair *pair) {
  if (pair->connection != NULL) {
    assert_int_equal(amqp_destroy_connection(pair->connection), AMQP_STATUS_OK);
  }
  amqp_wolfssl_config_free(pair->config);
  driven_peer_stop(&pair->peer);
  free(pair->sent);
}

static const struct rabbitmq_socket_class *class_of(const struct pair *pair) {
  const struct rabbitmq_socket_class *klass;

  memcpy(&klass, pair->socket, sizeof(klass));
  return klass;
}

static ssize_t send_some(struct pair *pair, const void *bytes, size_t length) {
  const ssize_t count = class_of(pair)->send(pair->socket, bytes, length, 0);

  if (count > 0) {
    assert_true(pair->sent_length + (size_t)count <= MOST_SENT);
    memcpy(pair->sent + pair->sent_length, bytes, (size_t)count);
    pair->sent_length += (size_t)count;
  }
  return count;
}

/* As rabbitmq-c does after a call that returned this. \return whether the wait ended in time */
static bool wait_as_rabbitmq_does(const struct pair *pair, ssize_t result, int milliseconds) {
  struct pollfd one = {.fd = class_of(pair)->get_sockfd(pair->socket),
                       .events = result == RABBITMQ_STATUS_NEEDREAD ? POLLIN : POLLOUT};

  assert_true(result == RABBITMQ_STATUS_NEEDREAD || result == RABBITMQ_STATUS_NEEDWRITE);
  return poll(&one, 1, milliseconds) > 0;
}

static ssize_t receive(struct pair *pair, void *bytes, size_t capacity) {
  return class_of(pair)->recv(pair->socket, bytes, capacity, 0);
}

/* amqp_basic_publish() and everything else that waits. */
static ssize_t receive_in_time(struct pair *pair, void *bytes, size_t capacity) {
  ssize_t result;

  while ((result = receive(pair, bytes, capacity)) < 0) {
    assert_true(wait_as_rabbitmq_does(pair, result, HANG_MILLISECONDS));
  }
  return result;
}

#define BODY 1000
#define FRAME (BODY + 8)
/* A body frame; AMQP 0-9-1, section 4.2.3. */
static void make_frame(uint8_t frame[FRAME], uint8_t filler) {
  static const uint8_t header[] = {3, 0, 1, 0, 0, BODY >> 8, BODY & 0xff};

  memcpy(frame, header, sizeof(header));
  memset(frame + sizeof(header), filler, BODY);
  frame[FRAME - 1] = 0xce;
}

static const uint8_t heartbeat[] = {8, 0, 0, 0, 0, 0, 0, 0xce};

/*
 * Blocked for good: what the kernel has taken may still move on to the peer's buffer, which makes room once more.
 * \return how many bytes at the end of \a frame are to be offered again; without a cork that is all of it
 */
static size_t send_until_blocked(struct pair *pair, uint8_t frame[FRAME]) {
  size_t rest = 0;

  for (int blocked = 0; blocked < 3; blocked++) {
    ssize_t sent;

    do {
      if (rest == 0) {
        make_frame(frame, (uint8_t)pair->sent_length);
        rest = FRAME;
      }
      sent = send_some(pair, frame + FRAME - rest, rest);
      if (sent > 0) {
        rest -= (size_t)sent;
        blocked = 0;
      }
    } while (sent > 0);
    assert_int_equal(sent, RABBITMQ_STATUS_NEEDWRITE);
    (void)wait_as_rabbitmq_does(pair, sent, 200);
  }
  return rest;
}

/* What the peer has: all that was accepted, and after it at most what a send still claims. */
static void expect_sent(const struct pair *pair) {
  assert_true(pair->peer.seen_length >= pair->sent_length);
  assert_true(pair->peer.seen_length < pair->sent_length + FRAME);
  assert_memory_equal(pair->peer.seen, pair->sent, pair->sent_length);
}

/* The peer reads on until all that was taken is there. */
static void expect_all(struct pair *pair) {
  struct pollfd readable = {.fd = pair->peer.descriptor, .events = POLLIN};

  while (driven_peer_read(&pair->peer) < pair->sent_length) {
    assert_int_equal(poll(&readable, 1, HANG_MILLISECONDS), 1);
  }
  assert_int_equal(pair->peer.seen_length, pair->sent_length);
  assert_memory_equal(pair->peer.seen, pair->sent, pair->sent_length);
}

static void finish_send(struct pair *pair, const uint8_t *bytes, size_t length) {
  while (length > 0) {
    const ssize_t sent = send_some(pair, bytes, length);

    if (sent > 0) {
      bytes += sent;
      length -= (size_t)sent;
    } else {
      (void)driven_peer_read(&pair->peer);
      assert_true(wait_as_rabbitmq_does(pair, sent, HANG_MILLISECONDS));
    }
  }
}

/* ---- What a blocked connection hears ---- */

static void hear_what_comes_later(unsigned version, bool corked) {
  uint8_t frame[FRAME];
  char news[16];
  struct pair pair;
  ssize_t result;
  size_t rest;

  connect_pair(&pair, version);
  if (corked) {
    assert_int_equal(amqp_wolfssl_socket_cork(pair.socket), AMQP_STATUS_OK);
  }
  rest = send_until_blocked(&pair, frame);
  result = receive(&pair, news, sizeof(news));
  driven_peer_say(&pair.peer, "news", 4);
  assert_true(wait_as_rabbitmq_does(&pair, result, HANG_MILLISECONDS));
  assert_int_equal(receive(&pair, news, sizeof(news)), 4);
  assert_memory_equal(news, "news", 4);
  finish_send(&pair, frame + FRAME - rest, rest);
  assert_int_equal(amqp_wolfssl_socket_uncork(pair.socket, &no_time), AMQP_STATUS_OK);
  expect_all(&pair);
  end_pair(&pair);
}

static void test_what_comes_later_is_heard(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    hear_what_comes_later(versions[i], false);
    hear_what_comes_later(versions[i], true);
  }
}

static void read_on(void *context) {
  struct pair *pair = context;

  (void)driven_peer_read(&pair->peer);
}

/* What a cork has collected waits while the program receives. It leaves as soon as it can. */
static void test_what_waits_leaves_while_the_program_receives(void **state) {
  uint8_t frame[FRAME];
  struct pair pair;
  ssize_t result;
  char news[16];

  (void)state;
  connect_pair(&pair, 0x0304);
  assert_int_equal(amqp_wolfssl_socket_cork(pair.socket), AMQP_STATUS_OK);
  (void)send_until_blocked(&pair, frame);
  result = receive(&pair, news, sizeof(news));
  assert_true(result < 0);
  assert_false(wait_as_rabbitmq_does(&pair, result, 100)); /* nothing to do: no program may run in circles here */
  assert_int_equal(amqp_wolfssl_socket_poll_events(pair.socket), POLLIN | POLLOUT);
  result = receive(&pair, news, sizeof(news));
  act_at_next_poll(read_on, &pair);
  assert_true(wait_as_rabbitmq_does(&pair, result, HANG_MILLISECONDS));
  while (driven_peer_read(&pair.peer) < pair.sent_length) {
    struct pollfd readable = {.fd = pair.peer.descriptor, .events = POLLIN};

    (void)receive(&pair, news, sizeof(news));
    assert_int_equal(poll(&readable, 1, HANG_MILLISECONDS), 1);
  }
  expect_sent(&pair);
  end_pair(&pair);
}

/* With everything sent, a program waits for the peer only. */
static void test_nothing_is_waited_for_in_vain(void **state) {
  struct pair pair;
  char news[16];

  (void)state;
  connect_pair(&pair, 0x0304);
  assert_int_equal(send_some(&pair, heartbeat, sizeof(heartbeat)), sizeof(heartbeat));
  (void)receive(&pair, news, sizeof(news)); /* tickets */
  assert_int_equal(amqp_wolfssl_socket_poll_events(pair.socket), POLLIN);
  assert_false(wait_as_rabbitmq_does(&pair, receive(&pair, news, sizeof(news)), 0));
  driven_peer_say(&pair.peer, "news", 4);
  assert_int_equal(receive_in_time(&pair, news, sizeof(news)), 4);
  end_pair(&pair);
}

/* Connection.Blocked: class 10, method 60, a reason. */
static const uint8_t blocked_frame[] = {1, 0, 0, 0, 0, 0, 8, 0, 10, 0, 60, 3, 'l', 'o', 'w', 0xce};

static void say_blocked(void *context) {
  struct pair *pair = context;

  driven_peer_say(&pair->peer, blocked_frame, sizeof(blocked_frame));
}

/* The same with rabbitmq-c itself, which waits when the news come. */
static void test_rabbitmq_hears_what_comes_later(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct timeval limit = soon;
    uint8_t body_frame[FRAME];
    amqp_frame_t frame;
    struct pair pair;

    connect_pair(&pair, versions[i]);
    assert_int_equal(amqp_wolfssl_socket_cork(pair.socket), AMQP_STATUS_OK);
    (void)send_until_blocked(&pair, body_frame);
    assert_int_equal(amqp_wolfssl_socket_uncork(pair.socket, &no_time), AMQP_STATUS_TIMEOUT);
    act_at_next_poll(say_blocked, &pair);
    assert_int_equal(amqp_simple_wait_frame_noblock(pair.connection, &frame, &limit), AMQP_STATUS_OK);
    assert_int_equal(frame.frame_type, AMQP_FRAME_METHOD);
    assert_int_equal(frame.payload.method.id, AMQP_CONNECTION_BLOCKED_METHOD);
    end_pair(&pair);
  }
}

/* A time limit holds while nothing can be done. */
static void test_rabbitmq_waits_no_longer_than_its_limit(void **state) {
  struct timeval limit = {.tv_usec = 50000};
  uint8_t body_frame[FRAME];
  amqp_frame_t frame;
  struct pair pair;

  (void)state;
  connect_pair(&pair, 0x0304);
  assert_int_equal(amqp_wolfssl_socket_cork(pair.socket), AMQP_STATUS_OK);
  (void)send_until_blocked(&pair, body_frame);
  at_poll.calls = 0;
  assert_int_equal(amqp_simple_wait_frame_noblock(pair.connection, &frame, &limit), AMQP_STATUS_TIMEOUT);
  assert_true(at_poll.calls <= 3);
  end_pair(&pair);
}

/* ---- What is sent while another call waits ---- */

struct reader {
  struct pair *pair;
  pthread_t thread;
  bool has_all;
};

/* Reads on until all is there, or nothing more comes, and then ends the client's wait. */
static void *read_on_and_say_something(void *context) {
  struct reader *reader = context;
  struct driven_peer *peer = &reader->pair->peer;
  struct pollfd readable = {.fd = peer->descriptor, .events = POLLIN};
  int events = 1;

  while (!reader->has_all && events > 0) {
    reader->has_all = driven_peer_read(peer) >= reader->pair->sent_length;
    events = reader->has_all ? 0 : poll(&readable, 1, HANG_MILLISECONDS);
  }
  say_blocked(reader->pair);
  return NULL;
}

/* What a thread does that publishes, while another one is about to wait; at its end the peer reads on. */
static void publish_more_than_leaves(void *context) {
  struct reader *reader = context;
  uint8_t frame[FRAME];

  assert_int_equal(amqp_wolfssl_socket_cork(reader->pair->socket), AMQP_STATUS_OK);
  (void)send_until_blocked(reader->pair, frame);
  assert_int_equal(amqp_wolfssl_socket_uncork(reader->pair->socket, &no_time), AMQP_STATUS_TIMEOUT);
  assert_int_equal(pthread_create(&reader->thread, NULL, read_on_and_say_something, reader), 0);
}

/* rabbitmq-c has decided what to wait for when nothing was blocked; what is blocked later leaves all the same. */
static void test_what_is_blocked_during_a_wait_leaves(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    const struct timeval longer = {.tv_sec = 4 * (HANG_MILLISECONDS / 1000)};
    struct timeval limit = longer;
    amqp_frame_t frame;
    struct pair pair;
    struct reader reader = {.pair = &pair};

    connect_pair(&pair, versions[i]);
    act_at_next_poll(publish_more_than_leaves, &reader);
    assert_int_equal(amqp_simple_wait_frame_noblock(pair.connection, &frame, &limit), AMQP_STATUS_OK);
    assert_int_equal(frame.payload.method.id, AMQP_CONNECTION_BLOCKED_METHOD);
    assert_int_equal(pthread_join(reader.thread, NULL), 0);
    assert_true(reader.has_all);
    expect_sent(&pair);
    end_pair(&pair);
  }
}

/* ---- Two senders ---- */

struct sender {
  struct pair *pair;
  const uint8_t *bytes;
  size_t length;
  ssize_t result;
};

static void *send_once(void *context) {
  struct sender *sender = context;

  sender->result = class_of(sender->pair)->send(sender->pair->socket, sender->bytes, sender->length, 0);
  return NULL;
}

static ssize_t send_by_another_thread(struct pair *pair, const void *bytes, size_t length) {
  struct sender sender = {pair, bytes, length, 0};
  pthread_t thread;

  assert_int_equal(pthread_create(&thread, NULL, send_once, &sender), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
  return sender.result;
}

/* Basic.Ack: class 60, method 80, a delivery tag, a bit. */
static const uint8_t ack[] = {1, 0, 1, 0, 0, 0, 13, 0, 60, 0, 80, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0xce};

/* A publisher is blocked, and the thread that receives has to acknowledge something. */
static void test_a_second_sender_waits_its_turn(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    uint8_t frame[FRAME];
    struct pair pair;

    connect_pair(&pair, versions[i]);
    (void)send_until_blocked(&pair, frame);
    for (int again = 0; again < 3; again++) {
      assert_int_equal(send_by_another_thread(&pair, ack, sizeof(ack)), RABBITMQ_STATUS_NEEDWRITE);
    }
    assert_int_equal(pair.told.times, 0);
    finish_send(&pair, frame, FRAME);
    assert_int_equal(send_by_another_thread(&pair, ack, sizeof(ack)), sizeof(ack));
    memcpy(pair.sent + pair.sent_length, ack, sizeof(ack));
    pair.sent_length += sizeof(ack);
    expect_all(&pair);
    end_pair(&pair);
  }
}

/* The first sender's bytes have left, and it has not come back yet to hear so: another may send behind a whole frame,
   and the first is told the truth all the same. */
static void test_a_second_sender_need_not_wait_for_one_that_stays_away(void **state) {
  uint8_t frame[FRAME];
  struct pair pair;
  char news[16];

  (void)state;
  connect_pair(&pair, 0x0304);
  (void)send_until_blocked(&pair, frame);
  while (receive(&pair, news, sizeof(news)) < 0 && driven_peer_read(&pair.peer) < pair.sent_length + sizeof(frame)) {
    struct pollfd readable = {.fd = pair.peer.descriptor, .events = POLLIN};

    (void)poll(&readable, 1, 100);
  }
  memcpy(pair.sent + pair.sent_length, frame, sizeof(frame));
  memcpy(pair.sent + pair.sent_length + sizeof(frame), ack, sizeof(ack));
  assert_int_equal(send_by_another_thread(&pair, ack, sizeof(ack)), sizeof(ack));
  assert_int_equal(class_of(&pair)->send(pair.socket, frame, sizeof(frame), 0), sizeof(frame));
  pair.sent_length += sizeof(frame) + sizeof(ack);
  expect_all(&pair);
  end_pair(&pair);
}

/* A heartbeat waits for nobody, whoever sends it, and leaves between two frames. rabbitmq-c encodes it in the buffer
   that holds the frame which the publisher still has to finish. */
static void test_a_heartbeat_never_waits(void **state) {
  uint8_t expected_end[FRAME + sizeof(heartbeat)];
  uint8_t frame[FRAME];
  struct pair pair;
  char news[16];

  (void)state;
  connect_pair(&pair, 0x0304);
  (void)send_until_blocked(&pair, frame);
  memcpy(expected_end, frame, FRAME);
  memcpy(expected_end + FRAME, heartbeat, sizeof(heartbeat));
  for (int again = 0; again < 3; again++) {
    assert_int_equal(send_by_another_thread(&pair, heartbeat, sizeof(heartbeat)), sizeof(heartbeat));
  }
  memcpy(frame, heartbeat, sizeof(heartbeat));
  while (class_of(&pair)->send(pair.socket, frame, FRAME, 0) != FRAME) {
    struct pollfd readable = {.fd = pair.peer.descriptor, .events = POLLIN};

    assert_int_equal(pair.told.times, 0);
    (void)driven_peer_read(&pair.peer);
    (void)poll(&readable, 1, 10);
  }
  (void)receive(&pair, news, sizeof(news));
  memcpy(pair.sent + pair.sent_length, expected_end, sizeof(expected_end));
  pair.sent_length += sizeof(expected_end);
  expect_all(&pair);
  end_pair(&pair);
}

/* rabbitmq-c sends one when it is due, in the middle of a wait for the peer, and hears nothing until it is accepted. */
static void test_a_heartbeat_does_not_wait_behind_a_cork(void **state) {
  int status = AMQP_STATUS_OK;
  uint8_t frame[FRAME];
  struct pair pair;

  (void)state;
  connect_pair(&pair, 0x0304);
  make_frame(frame, 'x');
  while (status == AMQP_STATUS_OK) {
    assert_int_equal(amqp_wolfssl_socket_cork(pair.socket), AMQP_STATUS_OK);
    for (int i = 0; i < 10; i++) { /* less than a record */
      assert_int_equal(send_some(&pair, frame, FRAME), FRAME);
    }
    status = amqp_wolfssl_socket_uncork(pair.socket, &no_time);
  }
  assert_int_equal(status, AMQP_STATUS_TIMEOUT);
  assert_int_equal(send_some(&pair, heartbeat, sizeof(heartbeat)), sizeof(heartbeat));
  while (driven_peer_read(&pair.peer) < pair.sent_length) {
    struct pollfd readable = {.fd = pair.peer.descriptor, .events = POLLIN};
    const struct timeval moment = {.tv_usec = 10000};

    (void)amqp_wolfssl_socket_uncork(pair.socket, &moment);
    (void)poll(&readable, 1, 10);
  }
  expect_all(&pair);
  end_pair(&pair);
}

/* ---- Misuse ---- */

/* \param [in] bytes NULL: those that are under way */
static void expect_misuse(const uint8_t *bytes, size_t length) {
  uint8_t frame[FRAME];
  struct pair pair;

  connect_pair(&pair, 0x0304);
  (void)send_until_blocked(&pair, frame);
  for (int again = 0; again < 2; again++) {
    assert_int_equal(class_of(&pair)->send(pair.socket, bytes != NULL ? bytes : frame, length, 0),
                     AMQP_STATUS_SSL_ERROR);
    assert_int_equal(amqp_wolfssl_error_code(amqp_wolfssl_socket_error(pair.socket)),
                     AMQP_WOLFSSL_ERROR_SEND_CONTRACT_BROKEN);
  }
  assert_int_equal(class_of(&pair)->send(pair.socket, frame, sizeof(frame), 0), AMQP_STATUS_SSL_ERROR);
  assert_int_equal(pair.told.times, 1);
  assert_int_equal(pair.told.code, AMQP_WOLFSSL_ERROR_SEND_CONTRACT_BROKEN);
  end_pair(&pair);
}

static void test_other_bytes_are_no_retry(void **state) {
  uint8_t other[FRAME];

  (void)state;
  make_frame(other, 'x');
  other[500] ^= 1;
  expect_misuse(other, sizeof(other));
  expect_misuse(heartbeat, sizeof(heartbeat));
  expect_misuse(NULL, FRAME - 1); /* fewer of the same */
}

/* rabbitmq-c gives up a publish that waits too long without closing the connection, and the program then wants to end
   it as one should. The frame for that is no retry, but nobody has made a mistake either: the record says what to do.
*/
static void test_a_send_that_was_given_up_is_called_so(void **state) {
  (void)state;
  for (int by_channel = 0; by_channel <= 1; by_channel++) {
    uint8_t frame[FRAME];
    struct pair pair;
    amqp_rpc_reply_t reply;

    connect_pair(&pair, 0x0304);
    (void)send_until_blocked(&pair, frame);
    reply = by_channel != 0 ? amqp_channel_close(pair.connection, 1, AMQP_REPLY_SUCCESS)
                            : amqp_connection_close(pair.connection, AMQP_REPLY_SUCCESS);
    assert_int_equal(reply.reply_type, AMQP_RESPONSE_LIBRARY_EXCEPTION);
    assert_int_equal(reply.library_error, AMQP_STATUS_SSL_ERROR);
    assert_int_equal(pair.told.times, 1);
    assert_int_equal(pair.told.stage, AMQP_WOLFSSL_STAGE_SEND);
    assert_int_equal(pair.told.code, AMQP_WOLFSSL_ERROR_SEND_CONTRACT_BROKEN);
    assert_non_null(strstr(pair.told.message, "an earlier send was given up"));
    assert_non_null(strstr(pair.told.message, "amqp_destroy_connection()"));
    end_pair(&pair);
  }
}

/* Nobody else can finish a frame that one thread has begun and given up, and nobody can know that it has. */
static void test_a_frame_that_was_given_up_is_not_waited_for_for_ever(void **state) {
  ssize_t result = RABBITMQ_STATUS_NEEDWRITE;
  uint8_t frame[FRAME];
  struct pair pair;

  (void)state;
  connect_pair(&pair, 0x0304);
  make_frame(frame, 'x');
  assert_int_equal(send_some(&pair, frame, FRAME / 2), FRAME / 2);
  at_poll.pauses = 0;
  at_poll.paused = 0;
  at_poll.skip_pauses = true;
  while (result == RABBITMQ_STATUS_NEEDWRITE) {
    result = send_by_another_thread(&pair, ack, sizeof(ack));
  }
  at_poll.skip_pauses = false;
  assert_int_equal(result, AMQP_STATUS_SSL_ERROR);
  assert_int_equal(at_poll.paused, 10000);
  assert_true(at_poll.pauses < 2000);
  assert_int_equal(pair.told.times, 1);
  assert_int_equal(pair.told.code, AMQP_WOLFSSL_ERROR_SEND_CONTRACT_BROKEN);
  assert_non_null(strstr(pair.told.message, "another thread has given up a send"));
  assert_non_null(strstr(pair.told.message, "amqp_destroy_connection()"));
  end_pair(&pair);
}

/* ---- Threads that read the record while it changes ---- */

static void test_a_record_does_not_change_in_a_programs_hands(void **state) {
  const amqp_wolfssl_error_t *first;
  const amqp_wolfssl_error_t *second;
  uint8_t frame[FRAME];
  struct pair pair;

  (void)state;
  connect_pair(&pair, 0x0304);
  first = amqp_wolfssl_socket_error(pair.socket);
  assert_int_equal(amqp_wolfssl_error_code(first), AMQP_WOLFSSL_OK);
  (void)send_until_blocked(&pair, frame);
  assert_int_equal(class_of(&pair)->send(pair.socket, heartbeat, sizeof(heartbeat), 0), AMQP_STATUS_SSL_ERROR);
  assert_int_equal(amqp_wolfssl_error_code(first), AMQP_WOLFSSL_OK);
  second = amqp_wolfssl_socket_error(pair.socket);
  assert_int_equal(amqp_wolfssl_error_code(second), AMQP_WOLFSSL_ERROR_SEND_CONTRACT_BROKEN);
  assert_ptr_equal(amqp_wolfssl_socket_error(pair.socket), second);
  end_pair(&pair);
}

/* ---- Closing ---- */

/* A few frames that a cork holds, behind a connection that is full. */
static void cork_behind_a_full_connection(struct pair *pair, uint8_t frame[FRAME]) {
  assert_int_equal(amqp_wolfssl_socket_cork(pair->socket), AMQP_STATUS_OK);
  (void)send_until_blocked(pair, frame);
  assert_int_equal(pair->told.times, 0);
}

static void *read_to_end(void *context) {
  struct pair *pair = context;

  driven_peer_read_to_end(&pair->peer);
  return NULL;
}

/* A thread reads, for close() does not return before. */
static void test_closing_waits_for_a_peer_that_reads_on(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    uint8_t frame[FRAME];
    struct pair pair;
    pthread_t reader;

    connect_pair(&pair, versions[i]);
    cork_behind_a_full_connection(&pair, frame);
    assert_int_equal(pthread_create(&reader, NULL, read_to_end, &pair), 0);
    assert_int_equal(class_of(&pair)->close(pair.socket, RABBITMQ_CLOSE_NONE), AMQP_STATUS_OK);
    assert_int_equal(pthread_join(reader, NULL), 0);
    assert_int_equal(pair.told.times, 0);
    expect_sent(&pair);
    end_pair(&pair);
  }
}

static void test_closing_says_what_is_lost(void **state) {
  (void)state;
  for (int by_delete = 0; by_delete <= 1; by_delete++) {
    uint8_t frame[FRAME];
    struct timespec before;
    struct timespec after;
    struct pair pair;

    connect_pair(&pair, 0x0304);
    cork_behind_a_full_connection(&pair, frame);
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &before), 0);
    if (by_delete != 0) {
      assert_int_equal(amqp_destroy_connection(pair.connection), AMQP_STATUS_OK);
      pair.connection = NULL;
    } else {
      assert_int_equal(class_of(&pair)->close(pair.socket, RABBITMQ_CLOSE_NONE), AMQP_STATUS_OK);
      assert_int_equal(amqp_wolfssl_error_code(amqp_wolfssl_socket_error(pair.socket)), AMQP_WOLFSSL_ERROR_TIMED_OUT);
    }
    assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &after), 0);
    assert_true(after.tv_sec - before.tv_sec < 10);
    assert_int_equal(pair.told.times, 1);
    assert_int_equal(pair.told.stage, AMQP_WOLFSSL_STAGE_CLOSE);
    assert_int_equal(pair.told.code, AMQP_WOLFSSL_ERROR_TIMED_OUT);
    assert_non_null(strstr(pair.told.message, " bytes "));
    end_pair(&pair);
  }
}

/* Bytes that the client's kernel has, and the peer's has not. */
static int bytes_on_their_way(const struct pair *pair) {
  int count = -1;

  assert_int_equal(ioctl(amqp_socket_get_sockfd(pair->socket), SIOCOUTQ, &count), 0);
  return count;
}

/* Acknowledgements are late at times, but not as late as this. */
static bool are_many_on_their_way_for_good(const struct pair *pair) {
  for (int i = 0; i < 30; i++) {
    if (bytes_on_their_way(pair) <= 4 * FRAME) {
      return false;
    }
    (void)poll(NULL, 0, 10);
  }
  return true;
}

/* All that was sent is in the client's kernel, which can't pass all of it on: the peer's buffer is full. */
static void fill_the_peer(struct pair *pair) {
  uint8_t frame[FRAME];

  do {
    make_frame(frame, (uint8_t)pair->sent_length);
    assert_int_equal(send_some(pair, frame, FRAME), FRAME);
  } while (!are_many_on_their_way_for_good(pair));
}

struct late_reader {
  struct pair *pair;
  pthread_t thread;
  bool started;
};

static void start_reading(void *context) {
  struct late_reader *reader = context;

  reader->started = pthread_create(&reader->thread, NULL, read_to_end, reader->pair) == 0;
}

/* The kernel drops what it has not passed on if something unread is left when a socket is closed. */
static void test_closing_with_something_unread_loses_nothing(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct late_reader reader = {.started = false};
    struct pair pair;

    connect_pair(&pair, versions[i]);
    reader.pair = &pair;
    fill_the_peer(&pair);
    driven_peer_say(&pair.peer, heartbeat, sizeof(heartbeat));
    act_at_next_poll(start_reading, &reader);
    assert_int_equal(class_of(&pair)->close(pair.socket, RABBITMQ_CLOSE_NONE), AMQP_STATUS_OK);
    at_poll.act = NULL;
    if (reader.started) {
      assert_int_equal(pthread_join(reader.thread, NULL), 0);
    } else {
      driven_peer_read_to_end(&pair.peer);
    }
    assert_int_equal(pair.peer.seen_length, pair.sent_length);
    assert_memory_equal(pair.peer.seen, pair.sent, pair.sent_length);
    assert_int_equal(pair.told.times, 0);
    end_pair(&pair);
  }
}

/* What the kernel has may be lost as well. */
static void test_closing_says_what_was_not_acknowledged(void **state) {
  struct pair pair;

  (void)state;
  connect_pair(&pair, 0x0304);
  fill_the_peer(&pair);
  assert_int_equal(class_of(&pair)->close(pair.socket, RABBITMQ_CLOSE_NONE), AMQP_STATUS_OK);
  assert_int_equal(pair.told.times, 1);
  assert_int_equal(pair.told.stage, AMQP_WOLFSSL_STAGE_CLOSE);
  assert_int_equal(pair.told.code, AMQP_WOLFSSL_ERROR_TIMED_OUT);
  assert_non_null(strstr(pair.told.message, " bytes "));
  end_pair(&pair);
}

/* When the peer has everything, nobody waits for it, and what it said meanwhile does not end the stream badly. */
static void test_closing_an_idle_connection_waits_for_nothing(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct pair pair;
    ssize_t count;
    char news[16];

    connect_pair(&pair, versions[i]);
    assert_int_equal(send_some(&pair, heartbeat, sizeof(heartbeat)), sizeof(heartbeat));
    expect_all(&pair);
    driven_peer_say(&pair.peer, "news", 4);
    assert_int_equal(receive_in_time(&pair, news, sizeof(news)), 4);
    assert_int_equal(bytes_on_their_way(&pair), 0);
    driven_peer_say(&pair.peer, "more", 4);
    at_poll.calls = 0;
    assert_int_equal(class_of(&pair)->close(pair.socket, RABBITMQ_CLOSE_NONE), AMQP_STATUS_OK);
    assert_int_equal(at_poll.calls, 0);
    assert_int_equal(pair.told.times, 0);
    while ((count = recv(pair.peer.descriptor, news, sizeof(news), 0)) > 0) {
    }
    assert_int_equal(count, 0);
    end_pair(&pair);
  }
}

/* The peer's bytes are wrong, and ours were not sent: the first cause stays, and the loss is added. */
static void test_a_fatal_error_while_closing_stays_in_the_record(void **state) {
  static const uint8_t no_record[] = {23, 3,  3,  0,  20, 1,  2,  3,  4,  5,  6,  7, 8,
                                      9,  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20};
  uint8_t frame[FRAME];
  struct pair pair;

  (void)state;
  connect_pair(&pair, 0x0304);
  cork_behind_a_full_connection(&pair, frame);
  assert_int_equal(send(pair.peer.descriptor, no_record, sizeof(no_record), MSG_NOSIGNAL), sizeof(no_record));
  at_poll.calls = 0;
  assert_int_equal(class_of(&pair)->close(pair.socket, RABBITMQ_CLOSE_NONE), AMQP_STATUS_OK);
  assert_int_equal(at_poll.calls, 0);
  assert_int_equal(pair.told.times, 1);
  assert_int_equal(pair.told.stage, AMQP_WOLFSSL_STAGE_RECEIVE);
  assert_int_not_equal(pair.told.code, AMQP_WOLFSSL_ERROR_TIMED_OUT);
  assert_non_null(strstr(pair.told.message, "; up to "));
  end_pair(&pair);
}

/* Of a connection that has failed already the callback was told; that bytes are lost as well is news. */
static void test_a_loss_is_told_after_a_failure(void **state) {
  uint8_t frame[FRAME];
  struct pair pair;

  (void)state;
  connect_pair(&pair, 0x0304);
  cork_behind_a_full_connection(&pair, frame);
  assert_int_equal(amqp_wolfssl_socket_uncork(pair.socket, &no_time), AMQP_STATUS_TIMEOUT);
  assert_int_equal(class_of(&pair)->send(pair.socket, heartbeat, 4, 0), AMQP_STATUS_SSL_ERROR);
  assert_int_equal(pair.told.times, 1);
  assert_int_equal(class_of(&pair)->close(pair.socket, RABBITMQ_CLOSE_NONE), AMQP_STATUS_OK);
  assert_int_equal(pair.told.times, 2);
  assert_int_equal(pair.told.code, AMQP_WOLFSSL_ERROR_SEND_CONTRACT_BROKEN);
  assert_non_null(strstr(pair.told.message, "; up to "));
  end_pair(&pair);
}

static void break_next_poll(void *context) {
  (void)context;
  at_poll.fails = true;
}

/* A wait that fails is a cause of its own. */
static void test_a_failed_wait_while_closing_is_told(void **state) {
  uint8_t frame[FRAME];
  struct pair pair;

  (void)state;
  connect_pair(&pair, 0x0304);
  cork_behind_a_full_connection(&pair, frame);
  act_at_next_poll(break_next_poll, NULL);
  assert_int_equal(class_of(&pair)->close(pair.socket, RABBITMQ_CLOSE_NONE), AMQP_STATUS_OK);
  assert_int_equal(pair.told.times, 1);
  assert_int_equal(pair.told.stage, AMQP_WOLFSSL_STAGE_CLOSE);
  assert_int_equal(pair.told.code, AMQP_WOLFSSL_ERROR_CONNECTION_LOST);
  assert_non_null(strstr(pair.told.message, "; up to "));
  end_pair(&pair);
}

static void test_closing_by_force_waits_for_nothing(void **state) {
  uint8_t frame[FRAME];
  struct pair pair;

  (void)state;
  connect_pair(&pair, 0x0304);
  cork_behind_a_full_connection(&pair, frame);
  at_poll.calls = 0;
  assert_int_equal(class_of(&pair)->close(pair.socket, RABBITMQ_CLOSE_FORCE), AMQP_STATUS_OK);
  assert_int_equal(at_poll.calls, 0);
  assert_int_equal(amqp_wolfssl_socket_poll_events(pair.socket), 0); /* not open */
  assert_int_equal(amqp_wolfssl_socket_poll_events(NULL), 0);
  end_pair(&pair);
}

/* ---- A forced close, while another thread waits ---- */

struct waiter {
  struct pair *pair;
  sem_t about_to_wait;
  pid_t thread;
  int status;
  bool woken;
};

static void say_that_it_waits(void *context) {
  struct waiter *waiter = context;

  waiter->thread = gettid();
  (void)sem_post(&waiter->about_to_wait);
}

static bool is_asleep(pid_t thread) {
  char path[64];
  char state = 0;
  FILE *file;

  (void)snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)thread);
  file = fopen(path, "r");
  assert_non_null(file);
  assert_int_equal(fscanf(file, "%*d (%*[^)]) %c", &state), 1);
  (void)fclose(file);
  return state == 'S';
}

static void *uncork_in_time(void *context) {
  struct waiter *waiter = context;

  waiter->status = amqp_wolfssl_socket_uncork(waiter->pair->socket, &soon);
  return NULL;
}

static void *wait_for_either_way(void *context) {
  struct waiter *waiter = context;
  char news[16];

  waiter->woken = wait_as_rabbitmq_does(waiter->pair, receive(waiter->pair, news, sizeof(news)), HANG_MILLISECONDS);
  return NULL;
}

/* \return what the other saw */
static struct waiter close_while_another_waits(void *(*wait)(void *context)) {
  struct waiter waiter = {.status = 0};
  uint8_t frame[FRAME];
  struct timespec before;
  struct timespec after;
  struct pair pair;
  pthread_t thread;

  connect_pair(&pair, 0x0304);
  cork_behind_a_full_connection(&pair, frame);
  waiter.pair = &pair;
  assert_int_equal(sem_init(&waiter.about_to_wait, 0, 0), 0);
  act_at_next_poll(say_that_it_waits, &waiter);
  assert_int_equal(pthread_create(&thread, NULL, wait, &waiter), 0);
  assert_int_equal(sem_wait(&waiter.about_to_wait), 0);
  while (!is_asleep(waiter.thread)) {
    (void)sched_yield();
  }
  assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &before), 0);
  assert_int_equal(class_of(&pair)->close(pair.socket, RABBITMQ_CLOSE_FORCE), AMQP_STATUS_OK);
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &after), 0);
  assert_true(after.tv_sec - before.tv_sec < soon.tv_sec / 2); /* at its limit, poll() sees that the socket is gone */
  (void)sem_destroy(&waiter.about_to_wait);
  end_pair(&pair);
  waiter.pair = NULL;
  return waiter;
}

static void test_closing_by_force_wakes_who_waits(void **state) {
  (void)state;
  assert_int_equal(close_while_another_waits(uncork_in_time).status, AMQP_STATUS_SOCKET_CLOSED);
  assert_true(close_while_another_waits(wait_for_either_way).woken);
}

/* Once sending has failed, nothing more is taken, not even by a cork: it could never leave. */
static void test_a_broken_connection_takes_nothing(void **state) {
  uint8_t frame[FRAME];
  struct pair pair;

  (void)state;
  connect_pair(&pair, 0x0304);
  (void)send_until_blocked(&pair, frame);
  assert_int_equal(class_of(&pair)->send(pair.socket, heartbeat, sizeof(heartbeat), 0), AMQP_STATUS_SSL_ERROR);
  assert_int_equal(amqp_wolfssl_socket_cork(pair.socket), AMQP_STATUS_OK);
  assert_int_equal(class_of(&pair)->send(pair.socket, frame, sizeof(frame), 0), AMQP_STATUS_SSL_ERROR);
  end_pair(&pair);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_what_comes_later_is_heard),
      cmocka_unit_test(test_what_waits_leaves_while_the_program_receives),
      cmocka_unit_test(test_nothing_is_waited_for_in_vain),
      cmocka_unit_test(test_rabbitmq_hears_what_comes_later),
      cmocka_unit_test(test_rabbitmq_waits_no_longer_than_its_limit),
      cmocka_unit_test(test_what_is_blocked_during_a_wait_leaves),
      cmocka_unit_test(test_a_second_sender_waits_its_turn),
      cmocka_unit_test(test_a_heartbeat_never_waits),
      cmocka_unit_test(test_a_heartbeat_does_not_wait_behind_a_cork),
      cmocka_unit_test(test_a_second_sender_need_not_wait_for_one_that_stays_away),
      cmocka_unit_test(test_other_bytes_are_no_retry),
      cmocka_unit_test(test_a_send_that_was_given_up_is_called_so),
      cmocka_unit_test(test_a_frame_that_was_given_up_is_not_waited_for_for_ever),
      cmocka_unit_test(test_a_record_does_not_change_in_a_programs_hands),
      cmocka_unit_test(test_closing_waits_for_a_peer_that_reads_on),
      cmocka_unit_test(test_closing_says_what_is_lost),
      cmocka_unit_test(test_closing_with_something_unread_loses_nothing),
      cmocka_unit_test(test_closing_says_what_was_not_acknowledged),
      cmocka_unit_test(test_closing_an_idle_connection_waits_for_nothing),
      cmocka_unit_test(test_a_fatal_error_while_closing_stays_in_the_record),
      cmocka_unit_test(test_a_loss_is_told_after_a_failure),
      cmocka_unit_test(test_a_failed_wait_while_closing_is_told),
      cmocka_unit_test(test_closing_by_force_waits_for_nothing),
      cmocka_unit_test(test_closing_by_force_wakes_who_waits),
      cmocka_unit_test(test_a_broken_connection_takes_nothing),
  };

  if (argc > 1) {
    cmocka_set_test_filter(argv[1]);
  }
  time_limit_start(TIME_LIMIT_SECONDS);
  return cmocka_run_group_tests(tests, minted_certificates_set_up, minted_certificates_tear_down);
}
