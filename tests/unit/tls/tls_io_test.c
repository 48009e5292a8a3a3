/* SPDX-License-Identifier: MIT */
/*
 * wolfSSL's I/O over a socket that takes little, breaks, or has nothing: first the callbacks alone under a plain
 * WOLFSSL object, then the promise about what may stay in user space, with a whole session.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backend/fips_module.h"
#include "memory_session.h"
#include "minted_certificates.h"
#include "temporary_folder.h"
#include "backend/wolfssl_headers.h"

static uint32_t random_state;

static size_t random_between(size_t least, size_t most) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 17;
  random_state ^= random_state << 5;
  return least + random_state % (most - least + 1);
}

/* ---- A client of nothing but the callbacks ---- */

struct plain_client {
  WOLFSSL_CTX *ctx;
  WOLFSSL *ssl;
  struct tls_io io;
  struct memory_peer *peer;
};

static void plain_client_make_for(struct plain_client *client, unsigned version) {
  struct memory_peer_settings settings = {.certificate = temporary_folder_path("server.pem"),
                                          .key = temporary_folder_path("server.key"),
                                          .version = version};
  struct lower_socket lower;

  assert_int_equal(fips_module_start(), 0);
  client->peer = memory_peer_new(&settings);
  assert_non_null(client->peer);
  client->ctx = wolfSSL_CTX_new(wolfTLS_client_method());
  assert_non_null(client->ctx);
  wolfSSL_CTX_set_verify(client->ctx, WOLFSSL_VERIFY_NONE, NULL);
  tls_io_install(client->ctx);
  client->ssl = wolfSSL_new(client->ctx);
  assert_non_null(client->ssl);
  lower = memory_peer_lower(client->peer);
  tls_io_init(&client->io, &lower);
  assert_true(tls_io_watch_handshake(&client->io));
  tls_io_open_gate(&client->io); /* nobody judges here */
  tls_io_attach(&client->io, client->ssl);
  wolfSSL_set_using_nonblock(client->ssl, 1);
}

static void plain_client_make(struct plain_client *client) { plain_client_make_for(client, 0); }

static void plain_client_free(struct plain_client *client) {
  wolfSSL_free(client->ssl);
  wolfSSL_CTX_free(client->ctx);
  tls_io_free(&client->io);
  memory_peer_free(client->peer);
}

static void plain_client_handshake(struct plain_client *client) {
  int result = 0;

  for (int step = 0; step < 20 && result != WOLFSSL_SUCCESS; step++) {
    result = wolfSSL_connect(client->ssl);
    assert_int_equal(tls_io_flush(&client->io), TLS_IO_FLUSHED);
    (void)memory_peer_accept(client->peer);
  }
  assert_int_equal(result, WOLFSSL_SUCCESS);
  assert_true(memory_peer_accept(client->peer));
}

static void plain_client_connect(struct plain_client *client) {
  plain_client_handshake(client);
  tls_io_handshake_done(&client->io);
}

static int plain_client_write(struct plain_client *client, const void *bytes, int length) {
  int written;

  tls_io_begin_data(&client->io);
  written = wolfSSL_write(client->ssl, bytes, length);
  tls_io_end_data(&client->io);
  return written;
}

/* What arrived besides data: session tickets. */
static void read_tickets(struct plain_client *client) {
  uint8_t one_byte;

  assert_true(wolfSSL_read(client->ssl, &one_byte, 1) < 0);
  assert_int_equal(wolfSSL_get_error(client->ssl, -1), WOLFSSL_ERROR_WANT_READ);
  assert_int_equal(client->peer->to_client.waiting, 0);
  assert_false(tls_io_has_read_ahead(&client->io));
}

/* ---- Sending ---- */

static void test_wolfssl_never_waits_to_write(void **state) {
  struct plain_client client;
  static const uint8_t bytes[100000];

  (void)state;
  plain_client_make(&client);
  client.peer->to_server.blocked = true;
  assert_true(wolfSSL_connect(client.ssl) != WOLFSSL_SUCCESS);
  assert_int_equal(wolfSSL_get_error(client.ssl, -1), WOLFSSL_ERROR_WANT_READ);
  assert_true(client.io.output.length > 0);
  assert_int_equal(client.peer->to_server.calls, 0);
  assert_int_equal(tls_io_flush(&client.io), TLS_IO_BLOCKED);
  client.peer->to_server.blocked = false;
  plain_client_connect(&client);
  client.peer->to_server.blocked = true;
  assert_int_equal(plain_client_write(&client, bytes, sizeof(bytes)), sizeof(bytes));
  assert_true(client.io.output.length > sizeof(bytes));
  assert_int_equal(tls_io_flush(&client.io), TLS_IO_BLOCKED);
  plain_client_free(&client);
}

/* As wolfSSL does when it answers a request for a certificate: it sends what nobody has given it to send. */
static void test_what_is_no_reply_does_not_leave(void **state) {
  static const uint8_t certificate[500];
  struct plain_client client;
  uint8_t byte;
  size_t moved;

  (void)state;
  plain_client_make_for(&client, AMQP_WOLFSSL_TLS_1_3);
  plain_client_connect(&client);
  read_tickets(&client);
  moved = client.peer->to_server.moved;
  assert_true(wolfSSL_write(client.ssl, certificate, sizeof(certificate)) <= 0);
  assert_true(tls_io_has_refused(&client.io));
  assert_int_equal(tls_io_flush(&client.io), TLS_IO_FLUSHED);
  /* Nor does anything leave, or arrive, after that: what was encrypted can't be taken back. */
  (void)plain_client_write(&client, certificate, sizeof(certificate));
  (void)wolfSSL_shutdown(client.ssl);
  assert_int_equal(tls_io_flush(&client.io), TLS_IO_FLUSHED);
  assert_int_equal(client.peer->to_server.moved, moved);
  assert_true(memory_peer_write(client.peer, "x", 1));
  assert_true(wolfSSL_read(client.ssl, &byte, 1) <= 0);
  plain_client_free(&client);
}

static void test_output_leaves_in_one_call(void **state) {
  struct plain_client client;
  size_t calls;

  (void)state;
  plain_client_make(&client);
  plain_client_connect(&client);
  calls = client.peer->to_server.calls;
  /* Nothing waits: a record goes as it is made, without a detour. */
  assert_int_equal(plain_client_write(&client, "0123456789", 10), 10);
  assert_int_equal(client.peer->to_server.calls, ++calls);
  assert_int_equal(client.io.output.length, 0);
  /* The socket takes nothing: records wait, and then leave together. */
  client.peer->to_server.blocked = true;
  for (int i = 0; i < 50; i++) {
    assert_int_equal(plain_client_write(&client, "0123456789", 10), 10);
  }
  assert_int_equal(tls_io_flush(&client.io), TLS_IO_BLOCKED);
  assert_int_equal(client.peer->to_server.calls, calls);
  client.peer->to_server.blocked = false;
  assert_int_equal(tls_io_flush(&client.io), TLS_IO_FLUSHED);
  assert_int_equal(client.peer->to_server.calls, calls + 1);
  assert_int_equal(tls_io_flush(&client.io), TLS_IO_FLUSHED);
  assert_int_equal(client.peer->to_server.calls, calls + 1);
  plain_client_free(&client);
}

static void test_partial_sends(void **state) {
  struct plain_client client;
  uint8_t bytes[3000];
  uint8_t seen[sizeof(bytes)];
  unsigned blocked = 0;

  (void)state;
  random_state = 11;
  for (size_t i = 0; i < sizeof(bytes); i++) {
    bytes[i] = (uint8_t)random_between(0, 255);
  }
  plain_client_make(&client);
  plain_client_connect(&client);
  client.peer->to_server.bytes_per_call = 7;
  client.peer->to_server.block_between = true;
  assert_int_equal(plain_client_write(&client, bytes, sizeof(bytes)), sizeof(bytes));
  while (tls_io_flush(&client.io) == TLS_IO_BLOCKED) {
    blocked++;
  }
  assert_true(blocked >= sizeof(bytes) / 7);
  assert_int_equal(client.io.output.length, 0);
  assert_int_equal(memory_peer_read(client.peer, seen, sizeof(seen)), sizeof(bytes));
  assert_memory_equal(seen, bytes, sizeof(bytes));
  plain_client_free(&client);
}

static void test_broken_send_stays_broken(void **state) {
  struct plain_client client;
  size_t calls;

  (void)state;
  plain_client_make(&client);
  plain_client_connect(&client);
  client.peer->to_server.break_after = client.peer->to_server.moved + 5;
  client.peer->to_server.break_errno = ECONNRESET;
  assert_int_equal(plain_client_write(&client, "hello", 5), 5);
  assert_int_equal(tls_io_flush(&client.io), TLS_IO_BROKEN);
  assert_int_equal(client.io.send_errno, ECONNRESET);
  assert_int_equal(client.io.recv_errno, 0);
  calls = client.peer->to_server.calls;
  client.peer->to_server.break_after = SIZE_MAX;
  assert_int_equal(tls_io_flush(&client.io), TLS_IO_BROKEN);
  assert_int_equal(client.peer->to_server.calls, calls);
  tls_io_drop_output(&client.io);
  assert_int_equal(client.io.output.length, 0);
  plain_client_free(&client);
}

static ssize_t fail_without_errno(void *context, const void *bytes, size_t length) {
  (void)context;
  (void)bytes;
  (void)length;
  errno = 0;
  return LOWER_FAILED;
}

static ssize_t fail_to_receive_without_errno(void *context, void *bytes, size_t length, void *more,
                                             size_t more_length) {
  (void)context;
  (void)bytes;
  (void)length;
  (void)more;
  (void)more_length;
  errno = 0;
  return LOWER_FAILED;
}

static void test_failure_without_errno(void **state) {
  struct plain_client client;

  (void)state;
  plain_client_make(&client);
  client.io.lower.send = fail_without_errno;
  client.io.lower.recv = fail_to_receive_without_errno;
  assert_true(wolfSSL_connect(client.ssl) != WOLFSSL_SUCCESS);
  assert_true(client.io.recv_errno != 0);
  assert_int_equal(tls_io_flush(&client.io), TLS_IO_BROKEN);
  assert_true(client.io.send_errno != 0);
  plain_client_free(&client);
}

/* ---- Receiving ---- */

static void test_small_records_cost_few_calls(void **state) {
  enum { RECORDS = 1000, LENGTH = 100 };
  struct plain_client client;
  uint8_t bytes[LENGTH] = {1, 2, 3};
  uint8_t seen[LENGTH];
  size_t calls;
  size_t waiting;

  (void)state;
  plain_client_make(&client);
  plain_client_connect(&client);
  read_tickets(&client);
  for (int i = 0; i < RECORDS; i++) {
    assert_true(memory_peer_write(client.peer, bytes, sizeof(bytes)));
  }
  calls = client.peer->to_client.calls;
  waiting = client.peer->to_client.waiting;
  for (int i = 0; i < RECORDS; i++) {
    assert_int_equal(wolfSSL_read(client.ssl, seen, sizeof(seen)), LENGTH);
    assert_memory_equal(seen, bytes, LENGTH);
    tls_io_data_passed(&client.io);
  }
  assert_int_equal(client.peer->to_client.waiting, 0);
  assert_true(client.peer->to_client.calls - calls <= waiting / 32768 + 1);
  plain_client_free(&client);
}

/* Each but the first, which is partly read ahead: nothing is in the read-ahead but the header of the next. */
static void test_large_records_go_straight_to_wolfssl(void **state) {
  enum { RECORDS = 20 };
  static const unsigned versions[] = {0x0303, 0x0304};
  static uint8_t bytes[TLS_RECORD_PLAINTEXT];
  static uint8_t seen[TLS_RECORD_PLAINTEXT];

  (void)state;
  for (size_t version = 0; version < sizeof(versions) / sizeof(versions[0]); version++) {
    struct plain_client client;
    size_t calls;

    plain_client_make_for(&client, versions[version]);
    plain_client_connect(&client);
    read_tickets(&client);
    for (int i = 0; i < RECORDS; i++) {
      memset(bytes, i, sizeof(bytes));
      assert_true(memory_peer_write(client.peer, bytes, sizeof(bytes)));
    }
    calls = client.peer->to_client.calls;
    for (int i = 0; i < RECORDS; i++) {
      memset(bytes, i, sizeof(bytes));
      assert_int_equal(wolfSSL_read(client.ssl, seen, sizeof(seen)), sizeof(seen));
      assert_memory_equal(seen, bytes, sizeof(bytes));
      tls_io_data_passed(&client.io);
      assert_true(i == 0 || client.io.read_ahead_length <= TLS_RECORD_HEADER);
    }
    assert_int_equal(client.peer->to_client.waiting, 0);
    assert_int_equal(client.peer->to_client.calls - calls, RECORDS);
    plain_client_free(&client);
  }
}

/* Small ones behind a large one are read ahead again. */
static void test_small_records_behind_a_large_one_cost_few_calls(void **state) {
  enum { RECORDS = 100, LENGTH = 100 };
  static uint8_t bytes[TLS_RECORD_PLAINTEXT];
  static uint8_t seen[TLS_RECORD_PLAINTEXT];
  struct plain_client client;
  size_t calls;

  (void)state;
  plain_client_make(&client);
  plain_client_connect(&client);
  read_tickets(&client);
  client.peer->to_client.bytes_per_call = 10000; /* the large one has to be asked for */
  assert_true(memory_peer_write(client.peer, bytes, sizeof(bytes)));
  for (int i = 0; i < RECORDS; i++) {
    assert_true(memory_peer_write(client.peer, bytes, LENGTH));
  }
  assert_int_equal(wolfSSL_read(client.ssl, seen, sizeof(seen)), sizeof(seen));
  client.peer->to_client.bytes_per_call = 0;
  calls = client.peer->to_client.calls;
  for (int i = 0; i < RECORDS; i++) {
    assert_int_equal(wolfSSL_read(client.ssl, seen, sizeof(seen)), LENGTH);
    tls_io_data_passed(&client.io);
  }
  assert_int_equal(client.peer->to_client.waiting, 0);
  assert_int_equal(client.peer->to_client.calls - calls, 1);
  plain_client_free(&client);
}

static void test_nothing_is_fetched_without_room(void **state) {
  struct plain_client client;
  uint8_t seen[16];
  size_t calls;

  (void)state;
  plain_client_make(&client);
  plain_client_connect(&client);
  read_tickets(&client);
  assert_true(memory_peer_write(client.peer, "news", 4));
  calls = client.peer->to_client.calls;
  tls_io_set_receive_room(&client.io, TLS_RECORD_PLAINTEXT - 1);
  assert_true(wolfSSL_read(client.ssl, seen, sizeof(seen)) < 0);
  assert_int_equal(wolfSSL_get_error(client.ssl, -1), WOLFSSL_ERROR_WANT_READ);
  assert_int_equal(client.peer->to_client.calls, calls);
  tls_io_set_receive_room(&client.io, TLS_RECORD_PLAINTEXT);
  assert_int_equal(wolfSSL_read(client.ssl, seen, sizeof(seen)), 4);
  plain_client_free(&client);
}

static void test_end_and_failure_are_remembered(void **state) {
  (void)state;
  for (int broken = 0; broken <= ECONNRESET; broken += ECONNRESET) {
    struct plain_client client;
    uint8_t one_byte;

    plain_client_make(&client);
    plain_client_connect(&client);
    read_tickets(&client);
    client.peer->to_client.break_after = client.peer->to_client.moved;
    client.peer->to_client.break_errno = broken;
    assert_true(wolfSSL_read(client.ssl, &one_byte, 1) <= 0);
    assert_int_equal(client.io.end_of_stream, broken == 0);
    assert_int_equal(client.io.recv_errno, broken);
    assert_int_equal(client.io.send_errno, 0);
    plain_client_free(&client);
  }
}

static void test_idle_memory_is_given_back(void **state) {
  struct plain_client client;
  uint8_t seen[8];

  (void)state;
  plain_client_make(&client);
  plain_client_connect(&client);
  read_tickets(&client);
  assert_true(memory_peer_write(client.peer, "one", 3));
  assert_true(memory_peer_write(client.peer, "two", 3));
  assert_int_equal(wolfSSL_read(client.ssl, seen, sizeof(seen)), 3);
  assert_true(tls_io_has_read_ahead(&client.io));
  tls_io_release_idle(&client.io); /* nothing is lost that still waits */
  assert_true(tls_io_has_read_ahead(&client.io));
  assert_int_equal(wolfSSL_read(client.ssl, seen, sizeof(seen)), 3);
  assert_memory_equal(seen, "two", 3);
  client.peer->to_server.blocked = true;
  assert_int_equal(plain_client_write(&client, "x", 1), 1);
  tls_io_release_idle(&client.io);
  assert_true(client.io.output.length > 0);
  assert_null(client.io.read_ahead);
  client.peer->to_server.blocked = false;
  assert_int_equal(tls_io_flush(&client.io), TLS_IO_FLUSHED);
  tls_io_release_idle(&client.io);
  assert_null(client.io.output.storage);
  plain_client_free(&client);
}

/* A peer that gives out a record longer than there can be, and lets the rest wait. */
struct boaster {
  size_t told;
  size_t longest;
};

static ssize_t boast(void *context, void *bytes, size_t length, void *more, size_t more_length) {
  static const uint8_t header[] = {22, 3, 3, 0xff, 0xff};
  struct boaster *boaster = context;

  (void)more;
  (void)more_length;
  boaster->longest = length > boaster->longest ? length : boaster->longest;
  if (boaster->told == sizeof(header)) {
    return LOWER_WOULD_BLOCK;
  }
  *(uint8_t *)bytes = header[boaster->told++];
  return 1;
}

static ssize_t swallow(void *context, const void *bytes, size_t length) {
  (void)context;
  (void)bytes;
  return (ssize_t)length;
}

static void test_no_fetch_is_longer_than_its_room(void **state) {
  struct plain_client client;
  struct boaster boaster = {0};

  (void)state;
  plain_client_make(&client);
  client.io.lower = (struct lower_socket){swallow, boast, &boaster};
  for (int again = 0; again < 10; again++) {
    assert_true(wolfSSL_connect(client.ssl) != WOLFSSL_SUCCESS);
    assert_true(boaster.longest <= 32768);
  }
  assert_int_equal(boaster.told, 5);
  plain_client_free(&client);
}

/* What passes during the handshake is watched; afterwards nothing of that stays. */
static void test_handshake_is_watched(void **state) {
  struct plain_client client;

  (void)state;
  plain_client_make(&client);
  plain_client_handshake(&client);
  assert_non_null(client.io.hello);
  assert_true(client.io.hello->complete);
  assert_int_equal(client.io.speech.kind, PEER_SPEECH_TLS);
  assert_true(client.io.bytes_received > 0);
  tls_io_handshake_done(&client.io);
  assert_null(client.io.hello);
  plain_client_free(&client);
}

/* Never where the server expects encrypted records: not in TLS 1.3 once its ServerHello is taken, not behind our
   ChangeCipherSpec, not after the handshake. */
static void test_no_alert_in_clear_when_encrypted(void **state) {
  static const unsigned versions[] = {0x0303, 0x0304};

  (void)state;
  for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
    struct plain_client client;

    plain_client_make_for(&client, versions[i]);
    assert_true(wolfSSL_connect(client.ssl) != WOLFSSL_SUCCESS);
    assert_false(tls_io_alert_in_clear(&client.io, 40)); /* it would cut into the ClientHello */
    plain_client_handshake(&client);
    assert_false(tls_io_alert_in_clear(&client.io, 40));
    tls_io_handshake_done(&client.io);
    assert_false(tls_io_alert_in_clear(&client.io, 40));
    assert_int_equal(client.io.output.length, 0);
    assert_int_equal(tls_io_clear_alert_sent(&client.io), -1);
    plain_client_free(&client);
  }
}

/* ---- No complete record stays where poll() can't see it ---- */

enum { MOST_RECORDS = 4000 };

struct ledger {
  size_t end[MOST_RECORDS];       /* of each record in the ciphertext stream */
  size_t plaintext[MOST_RECORDS]; /* up to and with that record */
  size_t count;
  size_t delivered;
};

static void write_record(struct memory_session *pair, struct ledger *ledger, size_t length) {
  static const uint8_t bytes[TLS_RECORD_PLAINTEXT];
  size_t before = ledger->count > 0 ? ledger->plaintext[ledger->count - 1] : 0;

  assert_true(ledger->count < MOST_RECORDS);
  assert_true(memory_peer_write(pair->peer, bytes, length));
  ledger->end[ledger->count] = pair->peer->to_client.moved + pair->peer->to_client.waiting;
  ledger->plaintext[ledger->count++] = before + length;
}

static size_t record_length(void) {
  switch (random_between(0, 3)) {
    case 0:
      return random_between(1, 50);
    case 1:
      return random_between(1, 3000);
    case 2:
      return random_between(15000, TLS_RECORD_PLAINTEXT);
    default:
      return TLS_RECORD_PLAINTEXT;
  }
}

/* \return what complete records have been taken from the pipe */
static size_t complete_plaintext(const struct ledger *ledger, size_t moved) {
  size_t plaintext = 0;

  for (size_t i = 0; i < ledger->count && ledger->end[i] <= moved; i++) {
    plaintext = ledger->plaintext[i];
  }
  return plaintext;
}

static void receive_and_check(struct memory_session *pair, struct ledger *ledger, size_t capacity) {
  static uint8_t bytes[131072];
  size_t received;
  enum session_result result = session_recv(pair->session, bytes, capacity, &received);
  size_t complete = complete_plaintext(ledger, pair->peer->to_client.moved);

  assert_true(result == SESSION_DONE || result == SESSION_WANT_READ);
  ledger->delivered += received;
  if (complete > ledger->delivered && pair->peer->to_client.waiting == 0) {
    print_error("capacity %zu, received %zu: %zu bytes of complete records stay hidden\n", capacity, received,
                complete - ledger->delivered);
    fail();
  }
}

static struct memory_session *connect_session(unsigned version) {
  struct memory_session_settings client = {.ca = "ca.pem", .name = "localhost"};
  struct memory_peer_settings server = {.certificate = temporary_folder_path("server.pem"),
                                        .key = temporary_folder_path("server.key"),
                                        .version = version};
  struct memory_session *pair = memory_session_new(&client, &server);
  uint8_t one_byte;
  size_t received;

  assert_int_equal(memory_session_handshake(pair), SESSION_DONE);
  assert_int_equal(session_recv(pair->session, &one_byte, 1, &received), SESSION_WANT_READ); /* tickets */
  return pair;
}

static void hide_and_seek(unsigned version, uint32_t seed, size_t least, size_t most) {
  struct memory_session *pair = connect_session(version);
  struct ledger *ledger = calloc(1, sizeof(*ledger));

  assert_non_null(ledger);
  random_state = seed;
  for (int round = 0; round < 150; round++) {
    for (size_t records = random_between(0, 12); records > 0; records--) {
      write_record(pair, ledger, record_length());
    }
    pair->peer->to_client.bytes_per_call = random_between(0, 1) == 0 ? 0 : random_between(1, 40000);
    pair->peer->to_client.block_between = random_between(0, 1) == 0;
    receive_and_check(pair, ledger, random_between(least, most));
  }
  pair->peer->to_client.bytes_per_call = 0;
  pair->peer->to_client.block_between = false;
  while (pair->peer->to_client.waiting > 0) {
    receive_and_check(pair, ledger, most);
  }
  assert_int_equal(ledger->delivered, ledger->plaintext[ledger->count - 1]);
  free(ledger);
  memory_session_free(pair);
}

static void test_no_complete_record_stays_hidden(void **state) {
  (void)state;
  hide_and_seek(0x0303, 21, TLS_RECORD_PLAINTEXT, 131072);
  hide_and_seek(0x0304, 22, TLS_RECORD_PLAINTEXT, 131072);
  hide_and_seek(0x0304, 23, TLS_RECORD_PLAINTEXT, 40000);
  hide_and_seek(0x0304, 24, 131072, 131072); /* rabbitmq-c's */
}

/* Full records until the room is nearly used up, with a part of one more fetched already; then small ones. */
static void test_small_records_behind_large_ones(void **state) {
  (void)state;
  for (size_t large = 1; large <= 9; large++) {
    struct memory_session *pair = connect_session(0x0304);
    struct ledger *ledger = calloc(1, sizeof(*ledger));

    assert_non_null(ledger);
    for (size_t i = 0; i < large; i++) {
      write_record(pair, ledger, TLS_RECORD_PLAINTEXT);
    }
    for (size_t i = 0; i < 50; i++) {
      write_record(pair, ledger, 8);
    }
    do {
      receive_and_check(pair, ledger, 131072);
    } while (pair->peer->to_client.waiting > 0);
    assert_int_equal(ledger->delivered, ledger->plaintext[ledger->count - 1]);
    free(ledger);
    memory_session_free(pair);
  }
}

static void test_a_short_fetch_is_the_last(void **state) {
  static const unsigned versions[] = {0x0303, 0x0304};

  (void)state;
  for (size_t i = 0; i < sizeof(versions) / sizeof(versions[0]); i++) {
    struct memory_session *pair = connect_session(versions[i]);
    struct memory_pipe *pipe = &pair->peer->to_client;
    uint8_t bytes[2 * TLS_RECORD_PLAINTEXT];
    size_t received;

    pipe->asked = 0;
    assert_true(memory_peer_write(pair->peer, "one", 3));
    assert_true(memory_peer_write(pair->peer, "two", 3));
    assert_int_equal(session_recv(pair->session, bytes, sizeof(bytes), &received), SESSION_DONE);
    assert_int_equal(received, 6);
    assert_int_equal(pipe->asked, 1);
    assert_int_equal(session_recv(pair->session, bytes, sizeof(bytes), &received), SESSION_WANT_READ);
    assert_int_equal(pipe->asked, 2);
    memory_session_free(pair);
  }
}

/* ---- */

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_wolfssl_never_waits_to_write),
      cmocka_unit_test(test_what_is_no_reply_does_not_leave),
      cmocka_unit_test(test_output_leaves_in_one_call),
      cmocka_unit_test(test_partial_sends),
      cmocka_unit_test(test_broken_send_stays_broken),
      cmocka_unit_test(test_failure_without_errno),
      cmocka_unit_test(test_small_records_cost_few_calls),
      cmocka_unit_test(test_large_records_go_straight_to_wolfssl),
      cmocka_unit_test(test_small_records_behind_a_large_one_cost_few_calls),
      cmocka_unit_test(test_nothing_is_fetched_without_room),
      cmocka_unit_test(test_end_and_failure_are_remembered),
      cmocka_unit_test(test_idle_memory_is_given_back),
      cmocka_unit_test(test_no_fetch_is_longer_than_its_room),
      cmocka_unit_test(test_handshake_is_watched),
      cmocka_unit_test(test_no_alert_in_clear_when_encrypted),
      cmocka_unit_test(test_no_complete_record_stays_hidden),
      cmocka_unit_test(test_small_records_behind_large_ones),
      cmocka_unit_test(test_a_short_fetch_is_the_last),
  };

  return cmocka_run_group_tests(tests, minted_certificates_set_up, minted_certificates_tear_down);
}
