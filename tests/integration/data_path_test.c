/* SPDX-License-Identifier: MIT */
/*
 * How bytes travel once a connection is up, against a real RabbitMQ: a program that polls the descriptor gets all that
 * came; heartbeats don't pile up behind a publisher that never waits; corked publishes come out whole, in order and in
 * time; a small publish is one send(); an idle connection gives back what it needed.
 *
 * This program defines send() itself, so that it can count the calls rabbitmq-c's TCP socket makes.
 * DATA_PATH_SEED chooses other lengths and bursts of messages; each run prints its seed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <amqp_wolfssl_socket.h>

#include "broker_version.h"
#include "client.h"
#include "heap_in_use.h"
#include "minted_certificates.h"
#include "peer_process.h"
#include "plain_socket.h"
#include "private_broker.h"
#include "temporary_folder.h"
#include "tls_server.h"
#include "time_limit.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HOST "127.0.0.1"
/* Only what hangs takes so long. */
#define HANG_MILLISECONDS 15000
#define TIME_LIMIT_SECONDS 240 /* a safety net */
/* RFC 8446, section 5.1: plaintext of a full record. */
#define RECORD_PLAINTEXT 16384
#define SMALL_BODY 128

static const struct private_broker *broker;
static struct timeval hang_limit = {HANG_MILLISECONDS / 1000, 0};

/* ---- Counting send() ---- */

static struct {
  int descriptor;
  uint64_t calls;
  uint64_t cut_short;       /* the kernel had no room for all of it */
  const char *file_at_next; /* made when the next call is over; NULL: none */
} sends = {.descriptor = -1};

static void make_file(const char *path) {
  const int file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

  if (file >= 0) {
    (void)close(file);
  }
}

static void account(ssize_t result, size_t length) {
  sends.calls++;
  sends.cut_short += result < 0 || (size_t)result < length ? 1 : 0;
  if (sends.file_at_next != NULL) {
    const int error = errno;

    make_file(sends.file_at_next);
    sends.file_at_next = NULL;
    errno = error;
  }
}

/* Other objects must find this, whatever the build hides. */
#pragma GCC visibility push(default)
ssize_t send(int descriptor, const void *bytes, size_t length, int flags) {
  const ssize_t result = syscall(SYS_sendto, descriptor, bytes, length, flags, NULL, 0);

  if (descriptor == sends.descriptor) {
    account(result, length);
  }
  return result;
}
#pragma GCC visibility pop

static void count_sends_of(const struct client *client) {
  sends.descriptor = amqp_get_sockfd(client->connection);
  sends.calls = 0;
  sends.cut_short = 0;
}

static uint64_t sends_so_far(void) { return sends.calls; }

/* ---- Chance that can be repeated ---- */

static uint64_t seed;

/* Steele, Lea, Flood: SplitMix64. The same for the same number. */
static uint64_t random_of(uint64_t number) {
  uint64_t mixed = seed + (number + 1) * UINT64_C(0x9e3779b97f4a7c15);

  mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
  return mixed ^ (mixed >> 31);
}

static void choose_seed(void) {
  const char *given = getenv("DATA_PATH_SEED");

  seed = given != NULL ? strtoull(given, NULL, 10) : 1;
  printf("# DATA_PATH_SEED=%" PRIu64 "\n", seed);
  (void)fflush(stdout);
}

/* ---- Connections ---- */

/* To be called by each case first. */
static void need_broker(void) { broker = private_broker_ready(); }

static struct client new_client(int version) {
  const struct client_settings settings = {/* the broker of Debian 12 has no Extended Master Secret */
                                           .ca = "bundle",
                                           .identity = "client",
                                           .version = version,
                                           .without_extended_master_secret = true};

  return client_new(&settings);
}

/* rabbitmq-c's own TCP, to compare with. */
static struct client new_plain_client(void) {
  struct client client = {.connection = amqp_new_connection()};

  assert_non_null(client.connection);
  client.socket = amqp_tcp_socket_new(client.connection);
  assert_non_null(client.socket);
  return client;
}

static void log_in(struct client *client, int frame_max, int heartbeat) {
  client_check(client, client_login_plain(client, broker->user, broker->password, frame_max, heartbeat), "log in");
  assert_int_equal(amqp_set_rpc_timeout(client->connection, &hang_limit), AMQP_STATUS_OK);
}

static struct client connect_at(int port, int version) {
  struct client client = new_client(version);

  client_open(&client, HOST, port);
  log_in(&client, CLIENT_FRAME_MAX, 0);
  return client;
}

static struct client connect_to_broker(int version) { return connect_at(broker->tls_port, version); }

static void open_channel(const struct client *client) {
  (void)amqp_channel_open(client->connection, CLIENT_CHANNEL);
  client_check(client, amqp_get_rpc_reply(client->connection), "open a channel");
}

/* The broker takes what comes on a channel in order: when it answers this, it has had all that was published before. */
static void await_publishes(const struct client *client) {
  (void)amqp_basic_qos(client->connection, CLIENT_CHANNEL, 0, 0, 0);
  client_check(client, amqp_get_rpc_reply(client->connection), "set the quality of service");
}

/* Somebody apart, who shows what really came: publishers send to a queue of his. */
struct observer {
  struct client client;
  amqp_bytes_t queue;
};

static struct observer new_observer(int version) {
  struct observer observer = {.client = connect_to_broker(version)};

  observer.queue = client_declare_queue(&observer.client);
  client_consume(&observer.client, observer.queue);
  return observer;
}

static void end_observer(struct observer *observer) {
  amqp_bytes_free(observer->queue);
  client_close(&observer->client);
}

/* Once, in order, and nothing behind. */
static void expect_exactly(struct observer *observer, size_t length, size_t count) {
  for (size_t i = 0; i < count; i++) {
    client_expect_message(&observer->client, length, i);
  }
  client_publish(&observer->client, observer->queue, 1, count);
  client_expect_message(&observer->client, 1, count);
}

static void publish_many(struct client *client, amqp_bytes_t queue, size_t length, size_t first, size_t end) {
  for (size_t i = first; i < end; i++) {
    client_publish(client, queue, length, i);
  }
}

/* ---- A program that waits for the descriptor itself ---- */

#define LONGEST_POLLED ((size_t)200000)
#define LONGEST_BURST 200

/* Most are short, one in fifty is as long as several records and frames. */
static size_t polled_length(size_t number) {
  const uint64_t random = random_of(number);
  const uint64_t kind = random % 100;
  const size_t longest = kind < 88 ? 1000 : kind < 98 ? 20000 : LONGEST_POLLED;

  return number == 1000 ? LONGEST_POLLED : 1 + (size_t)((random >> 16) % longest);
}

/*
 * \param [in] greedy take messages until none is there. Else one at a time: then nothing asks the library for more
 * before poll() does, and what the library kept back would stay there.
 */
static void poll_for(struct client *client, size_t first, size_t end, bool greedy) {
  size_t number = first;

  while (number < end) {
    bool taken;

    client_await_descriptor(client, number, HANG_MILLISECONDS);
    do {
      taken = client_take_message(client, polled_length(number), number);
      number += taken ? 1 : 0;
    } while (taken && greedy);
  }
  assert_int_equal(number, end);
}

/*
 * In bursts, because only what comes last can be kept back unnoticed. Some are all in the broker before the first is
 * asked for, some still arrive.
 */
static void publish_and_poll(int version, size_t count) {
  struct observer observer = new_observer(version);
  struct client publisher = connect_to_broker(version);
  size_t bursts = 0;
  size_t number = 0;

  open_channel(&publisher);
  for (; number < count; bursts++) {
    const uint64_t random = random_of(count + bursts);
    const size_t wanted = number + 1 + (size_t)(random % LONGEST_BURST);
    const size_t end = wanted < count ? wanted : count;

    for (size_t i = number; i < end; i++) {
      client_publish(&publisher, observer.queue, polled_length(i), i);
    }
    if ((random >> 32) % 2 == 0) {
      await_publishes(&publisher);
    }
    poll_for(&observer.client, number, end, (random >> 33) % 2 == 0);
    number = end;
  }
  client_close(&publisher);
  end_observer(&observer);
}

static void a_program_that_polls_gets_10000_messages_tls13(void **state) {
  (void)state;
  need_broker();
  publish_and_poll(AMQP_WOLFSSL_TLS_1_3, 10000);
}

static void a_program_that_polls_gets_2000_messages_tls12(void **state) {
  (void)state;
  need_broker();
  publish_and_poll(AMQP_WOLFSSL_TLS_1_2, 2000);
}

/* ---- A publisher that never waits for the broker (rabbitmq-c issue 828) ---- */

/* A heartbeat frame has 8 bytes; TLS 1.3 adds 22 to it, TLS 1.2 with AES-GCM 29 (RFC 5288). */
#define HEARTBEAT_RECORD_LEAST 30
#define HEARTBEAT_RECORD_MOST 37
#define PACE_MILLISECONDS 5

static int unread_bytes(const struct client *client) {
  int count = -1;

  assert_int_equal(ioctl(amqp_get_sockfd(client->connection), FIONREAD, &count), 0);
  return count;
}

static int64_t now_milliseconds(void) {
  struct timespec now;

  assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* rabbitmq-c reads when two intervals have passed since it last did. */
#define OVERDUE_MILLISECONDS 3000

struct unread {
  int64_t since; /* when there was none, or when some were read */
  int emptied;   /* how often several at once were */
};

static void publish_and_watch(struct client *client, struct unread *unread) {
  static const char nowhere[] = "no such queue";
  const int before = unread_bytes(client);
  const int64_t now = now_milliseconds();
  bool overdue;
  int after;

  unread->since = before == 0 ? now : unread->since;
  overdue = now - unread->since > OVERDUE_MILLISECONDS;
  client_publish(client, amqp_cstring_bytes(nowhere), SMALL_BODY, 0);
  after = unread_bytes(client);
  if ((after < before || overdue) && after > 2 * HEARTBEAT_RECORD_MOST) {
    fail_msg("of %d bytes of heartbeats %d were left unread", before, after);
  }
  if (after < before) {
    unread->since = now_milliseconds();
    unread->emptied += before >= 3 * HEARTBEAT_RECORD_LEAST ? 1 : 0;
  }
}

/*
 * amqp_basic_publish() calls recv once in two heartbeat intervals; RabbitMQ sends a heartbeat each half interval. So
 * after such a call hardly one may be left: who takes one record a call leaves more each time. The broker drops what
 * has no queue, so that heartbeats are all it has to say.
 */
static void publish_with_heartbeats(int version) {
  struct client client = new_client(version);
  const int64_t begin = now_milliseconds();
  struct unread unread = {begin, 0};

  client_open(&client, HOST, broker->tls_port);
  log_in(&client, CLIENT_FRAME_MAX, 1);
  assert_int_equal(amqp_get_heartbeat(client.connection), 1);
  open_channel(&client);
  while (unread.emptied < 3) {
    publish_and_watch(&client, &unread);
    if (now_milliseconds() - begin > 2 * HANG_MILLISECONDS) {
      fail_msg("heartbeats were taken %d times only", unread.emptied);
    }
    (void)poll(NULL, 0, PACE_MILLISECONDS);
  }
  client_close(&client);
}

static void heartbeats_do_not_pile_up_behind_a_publisher(void **state) {
  (void)state;
  need_broker();
  publish_with_heartbeats(AMQP_WOLFSSL_TLS_1_3);
}

/* ---- Cork ---- */

static void cork(const struct client *client) {
  assert_int_equal(amqp_wolfssl_socket_cork(client->socket), AMQP_STATUS_OK);
}

static void uncork(const struct client *client) {
  assert_int_equal(amqp_wolfssl_socket_uncork(client->socket, &hang_limit), AMQP_STATUS_OK);
}

#define CORKED_MESSAGES 1000
/* Little enough that all of it waits. */
#define FEW_MESSAGES 20

static void corked_messages_come_in_order(void **state) {
  (void)state;
  need_broker();
  for (size_t i = 0; i < COUNT(client_versions); i++) {
    struct observer observer = new_observer(client_versions[i]);
    struct client publisher = connect_to_broker(client_versions[i]);

    open_channel(&publisher);
    count_sends_of(&publisher);
    cork(&publisher);
    publish_many(&publisher, observer.queue, SMALL_BODY, 0, CORKED_MESSAGES);
    uncork(&publisher);
    /* Each message takes less than twice its body: full records, but for the last. */
    assert_true(sends_so_far() >= CORKED_MESSAGES * SMALL_BODY / RECORD_PLAINTEXT);
    assert_true(sends_so_far() <= CORKED_MESSAGES * 2 * SMALL_BODY / RECORD_PLAINTEXT + 1 + sends.cut_short);
    expect_exactly(&observer, SMALL_BODY, CORKED_MESSAGES);
    /* It is over: what is published now leaves at once. */
    count_sends_of(&publisher);
    client_publish(&publisher, observer.queue, SMALL_BODY, 7);
    assert_int_equal(sends_so_far(), 1);
    client_expect_message(&observer.client, SMALL_BODY, 7);
    client_close(&publisher);
    end_observer(&observer);
  }
}

static void publish_corked(struct client *client, amqp_bytes_t queue) {
  count_sends_of(client);
  publish_many(client, queue, SMALL_BODY, 0, FEW_MESSAGES);
  assert_int_equal(sends_so_far(), 0);
}

static void look_at_queue(const struct client *client, amqp_bytes_t queue) {
  (void)amqp_queue_declare(client->connection, CLIENT_CHANNEL, queue, 1, 0, 1, 1, amqp_empty_table);
  client_check(client, amqp_get_rpc_reply(client->connection), "look at the queue");
}

static void get_first(const struct client *client, amqp_bytes_t queue) {
  uint8_t expected[SMALL_BODY];
  amqp_message_t message;

  client_fill(expected, sizeof(expected), 0);
  client_check(client, amqp_basic_get(client->connection, CLIENT_CHANNEL, queue, 1), "get");
  client_check(client, amqp_read_message(client->connection, CLIENT_CHANNEL, &message, 0), "read a message");
  assert_int_equal(message.body.len, sizeof(expected));
  assert_memory_equal(message.body.bytes, expected, sizeof(expected));
  amqp_destroy_message(&message);
}

static void a_forgotten_cork_does_not_hold_up_an_answer(void **state) {
  struct client client;
  amqp_bytes_t queue;
  (void)state;

  need_broker();
  client = connect_to_broker(AMQP_WOLFSSL_TLS_1_3);
  queue = client_declare_queue(&client);
  cork(&client);
  publish_corked(&client, queue);
  look_at_queue(&client, queue);
  publish_corked(&client, queue);
  get_first(&client, queue);
  client_confirm_select(&client);
  publish_corked(&client, queue);
  client_await_confirms(&client, FEW_MESSAGES);
  client_consume(&client, queue);
  for (size_t i = 1; i < 3 * FEW_MESSAGES; i++) {
    client_expect_message(&client, SMALL_BODY, i % FEW_MESSAGES);
  }
  amqp_bytes_free(queue);
  client_close(&client);
}

static void a_forgotten_cork_does_not_hold_up_a_delivery(void **state) {
  struct client client;
  amqp_bytes_t queue;
  (void)state;

  need_broker();
  client = connect_to_broker(AMQP_WOLFSSL_TLS_1_2);
  queue = client_declare_queue(&client);
  client_consume(&client, queue);
  cork(&client);
  publish_corked(&client, queue);
  for (size_t i = 0; i < FEW_MESSAGES; i++) {
    client_expect_message(&client, SMALL_BODY, i);
  }
  amqp_bytes_free(queue);
  client_close(&client);
}

static struct tls_server start_proxy(int plain_port, int version, const char *const *more) {
  char address[32];
  const char *options[PEER_MAX_ARGUMENTS / 2] = {"--connect", address};

  (void)snprintf(address, sizeof(address), HOST ":%d", plain_port);
  for (size_t i = 0; more != NULL && more[i] != NULL; i++) {
    assert_true(i + 3 < COUNT(options));
    options[i + 2] = more[i];
  }
  return tls_server_start(TLS_SERVER_PROXY, "server", version, options);
}

/* The proxy stands between to say how TLS ended. */
static void close_corked(int version) {
  struct observer observer = new_observer(version);
  struct tls_server proxy = start_proxy(broker->plain_port, version, NULL);
  struct client publisher = connect_at(proxy.port, version);

  open_channel(&publisher);
  cork(&publisher);
  publish_corked(&publisher, observer.queue);
  client_close(&publisher);
  expect_exactly(&observer, SMALL_BODY, FEW_MESSAGES);
  peer_process_expect(proxy.process, "CLIENT-END close_notify\n");
  peer_process_stop(proxy.process);
  end_observer(&observer);
}

static void closing_sends_what_is_corked(void **state) {
  (void)state;
  need_broker();
  for (size_t i = 0; i < COUNT(client_versions); i++) {
    close_corked(client_versions[i]);
  }
}

/* Reads a connection to \a listener to its end. */
static size_t read_all(int listener, uint8_t *bytes, size_t capacity) {
  struct pollfd readable = {.fd = listener, .events = POLLIN};
  ssize_t count = -1;
  size_t length = 0;

  assert_int_equal(poll(&readable, 1, HANG_MILLISECONDS), 1);
  readable.fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
  assert_true(readable.fd >= 0);
  while (count != 0) {
    assert_int_equal(poll(&readable, 1, HANG_MILLISECONDS), 1);
    count = read(readable.fd, bytes + length, capacity - length);
    assert_true(count >= 0);
    length += (size_t)count;
  }
  assert_true(length < capacity);
  assert_int_equal(close(readable.fd), 0);
  return length;
}

static int listen_on_loopback(int *port) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t length = sizeof(address);
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  assert_true(listener >= 0);
  assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
  assert_int_equal(listen(listener, 1), 0);
  assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
  *port = ntohs(address.sin_port);
  return listener;
}

#define FEW_MESSAGES_ROOM ((size_t)FEW_MESSAGES * 4 * SMALL_BODY)

/*
 * RabbitMQ forgets what it has not handled yet of a connection that ends without Connection.Close (over plain TCP too),
 * so somebody else listens here, without a login, and compares with what rabbitmq-c sends over its own plain socket.
 */
static void destroy_corked(int version) {
  static const char routing_key[] = "anywhere";
  int port;
  const int listener = listen_on_loopback(&port);
  struct tls_server proxy = start_proxy(port, version, NULL);
  struct client corked = new_client(version);
  struct client plain = new_plain_client();
  uint8_t expected[FEW_MESSAGES_ROOM];
  uint8_t received[FEW_MESSAGES_ROOM];
  size_t length;

  client_open(&plain, HOST, port);
  publish_many(&plain, amqp_cstring_bytes(routing_key), SMALL_BODY, 0, FEW_MESSAGES);
  client_destroy(&plain);
  length = read_all(listener, expected, sizeof(expected));
  assert_true(length > FEW_MESSAGES * SMALL_BODY);
  client_open(&corked, HOST, proxy.port);
  cork(&corked);
  publish_corked(&corked, amqp_cstring_bytes(routing_key));
  client_destroy(&corked);
  assert_int_equal(read_all(listener, received, sizeof(received)), length);
  assert_memory_equal(received, expected, length);
  peer_process_expect(proxy.process, "CLIENT-END close_notify\n");
  peer_process_stop(proxy.process);
  assert_int_equal(close(listener), 0);
}

static void destroying_sends_what_is_corked(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(client_versions); i++) {
    destroy_corked(client_versions[i]);
  }
}

static void cork_needs_an_open_socket_of_ours(void **state) {
  struct client client = new_client(AMQP_WOLFSSL_TLS_1_3);
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t *tcp = amqp_tcp_socket_new(connection);
  (void)state;

  assert_non_null(tcp);
  assert_int_equal(amqp_wolfssl_socket_cork(client.socket), AMQP_STATUS_SOCKET_CLOSED);
  assert_int_equal(amqp_wolfssl_socket_uncork(client.socket, NULL), AMQP_STATUS_SOCKET_CLOSED);
  assert_int_equal(amqp_wolfssl_socket_uncork(client.socket, &hang_limit), AMQP_STATUS_SOCKET_CLOSED);
  assert_int_equal(amqp_wolfssl_socket_cork(NULL), AMQP_STATUS_INVALID_PARAMETER);
  assert_int_equal(amqp_wolfssl_socket_uncork(NULL, NULL), AMQP_STATUS_INVALID_PARAMETER);
  assert_int_equal(amqp_wolfssl_socket_cork(tcp), AMQP_STATUS_INVALID_PARAMETER);
  assert_int_equal(amqp_wolfssl_socket_uncork(tcp, NULL), AMQP_STATUS_INVALID_PARAMETER);
  assert_int_equal(amqp_destroy_connection(connection), AMQP_STATUS_OK);
  client_destroy(&client);
}

/* rabbitmq-c closes by force when an answer does not come in time; from this peer none ever comes. */
static void a_cork_ends_with_its_connection(void **state) {
  static struct timeval short_limit = {0, 1000};
  struct tls_server silent = tls_server_start(TLS_SERVER_PROXY, "server", 0, NULL);
  struct client client = new_client(AMQP_WOLFSSL_TLS_1_3);
  (void)state;

  client_open(&client, HOST, silent.port);
  assert_int_equal(amqp_wolfssl_socket_uncork(client.socket, NULL), AMQP_STATUS_OK); /* without a cork: nothing waits */
  cork(&client);
  assert_int_equal(amqp_set_rpc_timeout(client.connection, &short_limit), AMQP_STATUS_OK);
  (void)amqp_channel_open(client.connection, CLIENT_CHANNEL);
  assert_int_equal(amqp_get_rpc_reply(client.connection).library_error, AMQP_STATUS_TIMEOUT);
  assert_int_equal(amqp_get_sockfd(client.connection), -1);
  assert_int_equal(amqp_wolfssl_socket_cork(client.socket), AMQP_STATUS_SOCKET_CLOSED);
  assert_int_equal(amqp_wolfssl_socket_uncork(client.socket, NULL), AMQP_STATUS_SOCKET_CLOSED);
  client_destroy(&client);
  peer_process_stop(silent.process);
}

/* ---- Cork, and a peer that does not read ---- */

#define PUSHED_BACK_AFTER "5000" /* the login and the first channel take less */
#define SMALL_BUFFER "16384"
/* With their frames they stay below one record, so that none is sent before the cork is off. */
#define BATCH 50

struct pushed_back {
  struct observer observer;
  struct tls_server proxy;
  struct client publisher;
  const char *go_on; /* the proxy reads on when this file is there */
  size_t published;
};

static void connect_pushed_back(struct pushed_back *setting, const char *name, int version) {
  const char *const options[] = {"--pause-reading-until",
                                 temporary_folder_path(name),
                                 "--pause-reading-after",
                                 PUSHED_BACK_AFTER,
                                 "--receive-buffer",
                                 SMALL_BUFFER,
                                 NULL};
  const int send_buffer = (int)strtol(SMALL_BUFFER, NULL, 10);

  setting->go_on = name;
  setting->published = 0;
  setting->observer = new_observer(version);
  setting->proxy = start_proxy(broker->plain_port, version, options);
  setting->publisher = connect_at(setting->proxy.port, version);
  open_channel(&setting->publisher);
  assert_int_equal(setsockopt(amqp_get_sockfd(setting->publisher.connection), SOL_SOCKET, SO_SNDBUF, &send_buffer,
                              sizeof(send_buffer)),
                   0);
}

static void publish_batch(struct pushed_back *setting) {
  cork(&setting->publisher);
  count_sends_of(&setting->publisher);
  publish_many(&setting->publisher, setting->observer.queue, SMALL_BODY, setting->published,
               setting->published + BATCH);
  assert_int_equal(sends_so_far(), 0);
  setting->published += BATCH;
}

/* A blocking publish would wait for ever here; what is corked does not, and uncorking has a time limit. */
static void publish_until_pushed_back(struct pushed_back *setting) {
  static const struct timeval moment = {0, 100000};
  int status = AMQP_STATUS_OK;

  publish_batch(setting);
  uncork(&setting->publisher);
  peer_process_expect(setting->proxy.process, "PAUSED\n");
  while (status == AMQP_STATUS_OK) {
    publish_batch(setting);
    status = amqp_wolfssl_socket_uncork(setting->publisher.socket, &moment);
    assert_true(sends_so_far() >= 1);
  }
  assert_int_equal(status, AMQP_STATUS_TIMEOUT);
  assert_true(sends.cut_short > 0);
}

static void uncorking_can_be_continued_after_a_timeout(void **state) {
  static const struct timeval no_time = {0, 0};
  (void)state;

  need_broker();
  for (size_t i = 0; i < COUNT(client_versions); i++) {
    struct pushed_back setting;

    connect_pushed_back(&setting, i == 0 ? "go-on-1.2" : "go-on-1.3", client_versions[i]);
    publish_until_pushed_back(&setting);
    assert_int_equal(amqp_wolfssl_socket_uncork(setting.publisher.socket, &no_time), AMQP_STATUS_TIMEOUT);
    make_file(temporary_folder_path(setting.go_on));
    uncork(&setting.publisher);
    /* All of it is with the kernel. Without this, what follows would push the rest out. */
    count_sends_of(&setting.publisher);
    uncork(&setting.publisher);
    assert_int_equal(sends_so_far(), 0);
    expect_exactly(&setting.observer, SMALL_BODY, setting.published);
    client_close(&setting.publisher);
    peer_process_stop(setting.proxy.process);
    end_observer(&setting.observer);
  }
}

/*
 * The connection is full when the program begins to wait, and has room again while it waits. The broker has nothing to
 * say until it gets the question.
 */
static void a_question_that_could_not_leave_at_once_leaves_later(void **state) {
  struct pushed_back setting;
  (void)state;

  need_broker();
  connect_pushed_back(&setting, "go-on-later", AMQP_WOLFSSL_TLS_1_3);
  publish_until_pushed_back(&setting);
  cork(&setting.publisher);
  sends.file_at_next = temporary_folder_path(setting.go_on);
  await_publishes(&setting.publisher);
  assert_null(sends.file_at_next);
  expect_exactly(&setting.observer, SMALL_BODY, setting.published);
  client_close(&setting.publisher);
  peer_process_stop(setting.proxy.process);
  end_observer(&setting.observer);
}

/* The proxy ends with bytes unread, so that its kernel resets the connection. */
static void uncorking_tells_of_a_lost_connection(void **state) {
  struct pushed_back setting;
  struct pollfd lost = {.events = 0};
  (void)state;

  need_broker();
  connect_pushed_back(&setting, "never", AMQP_WOLFSSL_TLS_1_3);
  publish_until_pushed_back(&setting);
  peer_process_stop(setting.proxy.process);
  lost.fd = amqp_get_sockfd(setting.publisher.connection);
  assert_int_equal(poll(&lost, 1, HANG_MILLISECONDS), 1);
  assert_int_equal(amqp_wolfssl_socket_uncork(setting.publisher.socket, &hang_limit), AMQP_STATUS_SOCKET_ERROR);
  assert_int_equal(amqp_wolfssl_error_code(amqp_wolfssl_socket_error(setting.publisher.socket)),
                   AMQP_WOLFSSL_ERROR_CONNECTION_LOST);
  client_destroy(&setting.publisher);
  end_observer(&setting.observer);
}

/* ---- One send() for a small publish ---- */

/* AMQP 0-9-1, section 2.3.5: a frame is seven bytes of header, the payload, one byte of end. */
#define FRAME_OVERHEAD 8
#define PUBLISHES 100

struct counted {
  int frame_max;
  size_t length;
  size_t publishes;
  uint64_t sends; /* for each */
};

static void count_publishes(int version, const struct counted *counted) {
  const uint64_t expected = counted->publishes * counted->sends;
  struct client client = new_client(version);
  uint64_t calls;
  uint64_t again;
  amqp_bytes_t queue;

  client_open(&client, HOST, broker->tls_port);
  log_in(&client, counted->frame_max, 0);
  assert_int_equal(amqp_get_frame_max(client.connection), counted->frame_max);
  queue = client_declare_queue(&client);
  count_sends_of(&client);
  publish_many(&client, queue, counted->length, 0, counted->publishes);
  calls = sends_so_far();
  again = sends.cut_short;
  /* What the kernel had no room for takes another call, or goes with the next record. */
  if (calls > expected + again || (again == 0 && calls != expected)) {
    fail_msg("%zu publishes of %zu bytes took %" PRIu64 " calls of send(), %" PRIu64 " of them cut short",
             counted->publishes, counted->length, calls, again);
  }
  client_consume(&client, queue);
  for (size_t i = 0; i < counted->publishes; i++) {
    client_expect_message(&client, counted->length, i);
  }
  amqp_bytes_free(queue);
  client_close(&client);
}

static void a_small_publish_is_one_send(void **state) {
  struct broker_version version;
  size_t small;

  (void)state;
  need_broker();
  version = broker_version_of(broker);
  small = (size_t)broker_least_frame_max(&version);
  const struct counted rows[] = {
      {CLIENT_FRAME_MAX, SMALL_BODY, PUBLISHES, 1},
      {CLIENT_FRAME_MAX, 0, PUBLISHES, 1},
      {CLIENT_FRAME_MAX, 1, PUBLISHES, 1},
      {CLIENT_FRAME_MAX, RECORD_PLAINTEXT - 256, 20, 1},
      /* rabbitmq-c says that more follows the last body frame too when it is full. */
      {(int)small, small - FRAME_OVERHEAD, PUBLISHES, 1},
      {(int)small, 2 * (small - FRAME_OVERHEAD), PUBLISHES, 2},
      /* The body frame fills eight records; the frames before it make a ninth of it. */
      {CLIENT_FRAME_MAX, CLIENT_FRAME_MAX - FRAME_OVERHEAD, 10, CLIENT_FRAME_MAX / RECORD_PLAINTEXT + 1},
  };

  for (size_t i = 0; i < COUNT(rows); i++) {
    count_publishes(client_versions[i % 2], &rows[i]);
    count_publishes(client_versions[(i + 1) % 2], &rows[i]);
  }
}

/* ---- What an idle connection keeps ---- */

#define LARGE_BODY ((size_t)200000)
#define LARGE_MESSAGES 10
#define IDLE_GROWTH_LIMIT 4096

static void exchange_large_messages(struct client *client) {
  struct timeval no_time = {0, 0};
  amqp_bytes_t queue = client_declare_queue(client);
  amqp_frame_t frame;

  client_confirm_select(client);
  publish_many(client, queue, LARGE_BODY, 0, LARGE_MESSAGES);
  client_await_confirms(client, LARGE_MESSAGES);
  client_consume(client, queue);
  for (size_t i = 0; i < LARGE_MESSAGES; i++) {
    client_expect_message(client, LARGE_BODY, i);
  }
  amqp_bytes_free(queue);
  amqp_maybe_release_buffers(client->connection);
  assert_int_equal(amqp_simple_wait_frame_noblock(client->connection, &frame, &no_time), AMQP_STATUS_TIMEOUT);
}

/* \param [in] version 0: plain TCP */
static long idle_growth(int version) {
  struct client client = version == 0 ? new_plain_client() : new_client(version);
  size_t before;
  size_t after;

  client_open(&client, HOST, version == 0 ? broker->plain_port : broker->tls_port);
  before = heap_in_use();
  log_in(&client, CLIENT_FRAME_MAX, 0);
  exchange_large_messages(&client);
  after = heap_in_use();
  client_close(&client);
  return (long)after - (long)before;
}

/* rabbitmq-c keeps pages of its pools too: those it keeps over plain TCP don't count. */
static void an_idle_connection_gives_back_its_buffers(void **state) {
  (void)state;
  need_broker();
  if (!heap_can_be_measured()) {
    print_message("# mallinfo2() does not see the heap here\n");
    skip();
  }
  /* Once for nothing: malloc()'s caches fill. */
  (void)idle_growth(0);
  (void)idle_growth(AMQP_WOLFSSL_TLS_1_2);
  (void)idle_growth(AMQP_WOLFSSL_TLS_1_3);
  for (size_t i = 0; i < COUNT(client_versions); i++) {
    const long plain = idle_growth(0);
    const long secure = idle_growth(client_versions[i]);

    print_message("# the heap grows by %ld bytes over plain TCP, by %ld over %s\n", plain, secure,
                  i == 0 ? "TLS 1.2" : "TLS 1.3");
    assert_true(secure - plain < IDLE_GROWTH_LIMIT);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_program_that_polls_gets_10000_messages_tls13),
      cmocka_unit_test(a_program_that_polls_gets_2000_messages_tls12),
      cmocka_unit_test(heartbeats_do_not_pile_up_behind_a_publisher),
      cmocka_unit_test(corked_messages_come_in_order),
      cmocka_unit_test(a_forgotten_cork_does_not_hold_up_an_answer),
      cmocka_unit_test(a_forgotten_cork_does_not_hold_up_a_delivery),
      cmocka_unit_test(closing_sends_what_is_corked),
      cmocka_unit_test(destroying_sends_what_is_corked),
      cmocka_unit_test(cork_needs_an_open_socket_of_ours),
      cmocka_unit_test(a_cork_ends_with_its_connection),
      cmocka_unit_test(uncorking_can_be_continued_after_a_timeout),
      cmocka_unit_test(a_question_that_could_not_leave_at_once_leaves_later),
      cmocka_unit_test(uncorking_tells_of_a_lost_connection),
      cmocka_unit_test(a_small_publish_is_one_send),
      cmocka_unit_test(an_idle_connection_gives_back_its_buffers),
  };

  time_limit_start(TIME_LIMIT_SECONDS);
  choose_seed();
  return cmocka_run_group_tests(tests, private_broker_set_up, minted_certificates_tear_down);
}
