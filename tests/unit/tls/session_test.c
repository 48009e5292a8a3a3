/* SPDX-License-Identifier: MIT */
/*
 * TLS sessions against a server in memory, driven step by step: no sockets and no clock, so every interleaving that is
 * tried here can be tried again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory_session.h"
#include "minted_certificates.h"
#include "temporary_folder.h"
#include "backend/wolfssl_headers.h"

#define TLS_1_2 0x0303u
#define TLS_1_3 0x0304u
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static const struct memory_session_settings good_client = {
    .ca = "ca.pem", .certificate = "client.pem", .key = "client.key", .name = "localhost"};
static const unsigned versions[] = {TLS_1_2, TLS_1_3};

static struct memory_peer_settings server_named(const char *name, unsigned version) {
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

/* ---- Random numbers that are the same in every run ---- */

static uint32_t random_state;

static uint32_t next_random(void) {
  random_state ^= random_state << 13;
  random_state ^= random_state >> 17;
  random_state ^= random_state << 5;
  return random_state;
}

static size_t random_between(size_t least, size_t most) { return least + next_random() % (most - least + 1); }

static void fill_random(uint8_t *bytes, size_t length) {
  for (size_t i = 0; i < length; i++) {
    bytes[i] = (uint8_t)(next_random() >> 11);
  }
}

/* ---- What most cases need ---- */

static struct memory_session *connect_pair(const struct memory_session_settings *client,
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

static struct memory_session *connect_good(unsigned version) {
  struct memory_peer_settings server = server_named("server", version);

  return connect_pair(&good_client, &server);
}

static void assert_error(const struct memory_session *pair, amqp_wolfssl_stage_t stage, amqp_wolfssl_code_t code) {
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

static enum session_result receive(struct memory_session *pair, size_t *received) {
  static uint8_t bytes[131072];

  return session_recv(pair->session, bytes, sizeof(bytes), received);
}

/* What a failed session says again, and that it sends nothing any more. */
static void assert_latched(struct memory_session *pair, amqp_wolfssl_code_t code) {
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

/* ---- Handshakes ---- */

static void test_handshake_fills_facts(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct memory_session *pair = connect_good(versions[i]);

    assert_string_equal(pair->facts.version, versions[i] == TLS_1_3 ? "TLSv1.3" : "TLSv1.2");
    assert_non_null(strstr(pair->facts.suite, "_GCM_"));
    assert_string_equal(pair->facts.group, "secp256r1");
    assert_true(pair->facts.extended_master_secret);
    assert_string_equal(pair->facts.peer_subject, "CN=server,O=Acme");
    assert_string_equal(pair->facts.peer_issuer, "CN=Acme Test Root,O=Acme Test");
    assert_int_equal(pair->facts.peer_name_count, 5);
    assert_string_equal(pair->facts.peer_names[0], "DNS:localhost");
    assert_string_equal(pair->facts.own_subject, "CN=client1,O=Acme");
    assert_true(pair->facts.peer_not_before < pair->facts.peer_not_after);
    assert_true(pair->peer->client_certificates > 0);
    memory_session_free(pair);
  }
}

static void test_handshake_without_identity(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct memory_session_settings client = {.ca = "ca.pem", .name = "rabbitmq"};
    struct memory_peer_settings server = server_named("server", versions[i]);
    struct memory_session *pair;

    server.client_certificate_required = false;
    pair = connect_pair(&client, &server);
    assert_string_equal(pair->facts.own_subject, "");
    assert_int_equal(pair->peer->client_certificates, 0);
    memory_session_free(pair);
  }
}

static void test_handshake_with_each_kind_of_server_key(void **state) {
  static const struct {
    const char *server;
    const char *ca;
  } kinds[] = {{"server", "ca.pem"},      {"server-rsa", "ca-rsa.pem"}, {"server-p384", "ca.pem"},
               {"server-p521", "ca.pem"}, {"server-chain", "ca.pem"},   {"server", "bundle.pem"}};

  (void)state;
  for (size_t kind = 0; kind < COUNT_OF(kinds); kind++) {
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
      struct memory_session_settings client = good_client;
      struct memory_peer_settings server = server_named(kinds[kind].server, versions[i]);

      client.ca = kinds[kind].ca;
      memory_session_free(connect_pair(&client, &server));
    }
  }
}

static void test_client_identities(void **state) {
  static const struct {
    const char *certificate;
    const char *key;
    const char *ca;
  } identities[] = {{"client-rsa.pem", "client-rsa.key", "ca-rsa.pem"},
                    {"client-chain.pem", "client-chain.key", "ca.pem"}};

  (void)state;
  for (size_t identity = 0; identity < COUNT_OF(identities); identity++) {
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
      struct memory_session_settings client = good_client;
      struct memory_peer_settings server = server_named("server", versions[i]);
      struct memory_session *pair;

      client.certificate = identities[identity].certificate;
      client.key = identities[identity].key;
      server.client_ca = temporary_folder_path(identities[identity].ca);
      pair = connect_pair(&client, &server);
      assert_true(pair->peer->client_certificates > 0);
      memory_session_free(pair);
    }
  }
}

static void test_handshake_one_byte_at_a_time(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct memory_peer_settings server = server_named("server", versions[i]);
    struct memory_session *pair = memory_session_new(&good_client, &server);
    size_t count = 0;

    pair->peer->to_client.bytes_per_call = 1;
    pair->peer->to_client.block_between = true;
    pair->peer->to_server.bytes_per_call = 1;
    pair->peer->to_server.block_between = true;
    assert_int_equal(memory_session_handshake(pair), SESSION_DONE);
    assert_int_equal(session_handshake(pair->session, &pair->facts), SESSION_DONE); /* once more does no harm */
    assert_string_equal(pair->facts.peer_subject, "CN=server,O=Acme");
    assert_int_equal(pair->peer->to_server.calls, pair->peer->to_server.moved);
    while (session_send(pair->session, "x", 1, &count) == SESSION_WANT_WRITE) {
      (void)memory_peer_accept(pair->peer);
    }
    assert_int_equal(count, 1);
    memory_session_free(pair);
  }
}

/* The last flight waits: the handshake is not over before it is in the kernel. */
static void test_handshake_waits_for_its_last_flight(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct memory_peer_settings server = server_named("server", versions[i]);
    struct memory_session *pair = memory_session_new(&good_client, &server);

    assert_int_equal(session_handshake(pair->session, &pair->facts), SESSION_WANT_READ);
    (void)memory_peer_accept(pair->peer);
    pair->peer->to_server.blocked = true;
    assert_int_equal(session_handshake(pair->session, &pair->facts), SESSION_WANT_WRITE);
    assert_int_equal(session_handshake(pair->session, &pair->facts), SESSION_WANT_WRITE);
    assert_string_equal(pair->facts.version, "");
    pair->peer->to_server.blocked = false;
    assert_int_equal(memory_session_handshake(pair), SESSION_DONE);
    memory_session_free(pair);
  }
}

static void test_handshake_cut_off(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    for (int broken = 0; broken <= ECONNRESET; broken += ECONNRESET) {
      for (size_t after = 0; after < 700; after += 97) {
        struct memory_peer_settings server = server_named("server", versions[i]);
        struct memory_session *pair = memory_session_new(&good_client, &server);

        pair->peer->to_client.break_after = after;
        pair->peer->to_client.break_errno = broken;
        assert_int_equal(memory_session_handshake(pair), SESSION_FAILED);
        assert_error(pair, AMQP_WOLFSSL_STAGE_HANDSHAKE,
                     broken == 0 ? AMQP_WOLFSSL_ERROR_PEER_CLOSED_IN_HANDSHAKE : AMQP_WOLFSSL_ERROR_CONNECTION_LOST);
        if (broken != 0) {
          assert_non_null(strstr(pair->error.message, strerror(broken)));
        }
        assert_string_equal(pair->facts.version, "");
        assert_int_equal(session_handshake(pair->session, &pair->facts), SESSION_FAILED);
        memory_session_free(pair);
      }
    }
  }
}

static void test_handshake_sending_breaks(void **state) {
  (void)state;
  for (size_t after = 0; after < 400; after += 57) {
    struct memory_peer_settings server = server_named("server", 0);
    struct memory_session *pair = memory_session_new(&good_client, &server);

    pair->peer->to_server.break_after = after;
    pair->peer->to_server.break_errno = ECONNRESET;
    assert_int_equal(memory_session_handshake(pair), SESSION_FAILED);
    assert_error(pair, AMQP_WOLFSSL_STAGE_HANDSHAKE, AMQP_WOLFSSL_ERROR_CONNECTION_LOST);
    memory_session_free(pair);
  }
}

/*
 * A place in the records that wait, other than a record's version: nobody has to look at that (RFC 8446, section 5.1).
 */
static size_t place_to_alter(struct memory_pipe *pipe) {
  size_t wanted = random_between(0, pipe->waiting - 1);
  size_t record = 0;

  for (;;) {
    size_t length = 5 + 256u * *memory_pipe_byte(pipe, record + 3) + *memory_pipe_byte(pipe, record + 4);

    if (wanted < record + length) {
      size_t within = wanted - record;

      return record + (within == 1 || within == 2 ? 5 : within);
    }
    record += length;
  }
}

/* Whatever is altered in what the server says, the client refuses or waits for more: it never goes on with it. */
static void test_handshake_altered(void **state) {
  (void)state;
  random_state = 77;
  for (int round = 0; round < 30; round++) {
    struct memory_peer_settings server = server_named("server", versions[round % 2]);
    struct memory_session *pair = memory_session_new(&good_client, &server);

    assert_int_equal(session_handshake(pair->session, &pair->facts), SESSION_WANT_READ);
    (void)memory_peer_accept(pair->peer);
    *memory_pipe_byte(&pair->peer->to_client, place_to_alter(&pair->peer->to_client)) ^=
        (uint8_t)(1u << random_between(0, 7));
    if (memory_session_handshake(pair) == SESSION_FAILED) {
      assert_true(pair->error.code != AMQP_WOLFSSL_OK);
      assert_true(pair->error.message[0] != '\0');
    } else {
      assert_string_equal(pair->facts.version, "");
    }
    memory_session_free(pair);
  }
}

/* ---- Peers that are no TLS servers ---- */

static void assert_speech(const char *bytes, size_t length, amqp_wolfssl_code_t code) {
  struct memory_peer_settings server = server_named("server", 0);
  struct memory_session *pair = memory_session_new(&good_client, &server);

  memory_pipe_put(&pair->peer->to_client, bytes, length);
  memory_peer_hang_up(pair->peer);
  pair->peer->to_server.break_after = SIZE_MAX;
  assert_int_equal(memory_session_handshake(pair), SESSION_FAILED);
  assert_error(pair, AMQP_WOLFSSL_STAGE_HANDSHAKE, code);
  memory_session_free(pair);
}

static void test_peers_without_tls(void **state) {
  static const char amqp[] = {'A', 'M', 'Q', 'P', 0, 0, 9, 1};
  static const char http[] = "HTTP/1.1 400 Bad Request\r\n\r\n";

  (void)state;
  assert_speech(amqp, sizeof(amqp), AMQP_WOLFSSL_ERROR_PEER_SPEAKS_PLAIN_AMQP);
  assert_speech(http, sizeof(http) - 1, AMQP_WOLFSSL_ERROR_PEER_NOT_TLS);
  assert_speech("", 0, AMQP_WOLFSSL_ERROR_PEER_CLOSED_IN_HANDSHAKE);
}

/* ---- Data ---- */

struct stream {
  uint8_t *bytes;
  size_t length;
  size_t sent;
  size_t received;
};

static void stream_make(struct stream *stream, size_t length) {
  stream->bytes = malloc(length);
  assert_non_null(stream->bytes);
  fill_random(stream->bytes, length);
  stream->length = length;
  stream->sent = 0;
  stream->received = 0;
}

/* Every byte once, in order, unharmed. */
static void stream_check(struct stream *stream, const uint8_t *bytes, size_t count) {
  assert_true(count <= stream->sent - stream->received);
  assert_memory_equal(bytes, stream->bytes + stream->received, count);
  stream->received += count;
}

static size_t offer(const struct stream *stream, size_t at_least, size_t at_most) {
  size_t left = stream->length - stream->sent;
  size_t length = random_between(at_least, at_most);

  return length < left ? length : left;
}

static void change_behaviour(struct memory_pipe *pipe) {
  static const size_t per_call[] = {0, 1, 3, 100, 1000, 16384, 30000};

  pipe->bytes_per_call = per_call[next_random() % COUNT_OF(per_call)];
  pipe->block_between = next_random() % 2 == 0;
  pipe->blocked = next_random() % 8 == 0;
  pipe->room = next_random() % 3 == 0 ? random_between(1, 20000) : SIZE_MAX;
}

/* \a promised: what has to be offered again; 0 when nothing is under way */
static void client_sends(struct memory_session *pair, struct stream *up, size_t *promised) {
  size_t length = *promised > 0 ? offer(up, *promised, *promised + 500) : offer(up, 1, 90000);
  size_t sent_before = up->sent;
  enum session_result result;
  size_t accepted;

  if (length == 0) {
    return;
  }
  /* A copy that goes at once: the session may not lean on the caller's memory between two calls. */
  {
    uint8_t *copy = malloc(length);

    assert_non_null(copy);
    memcpy(copy, up->bytes + up->sent, length);
    up->sent += length; /* the server may see some of it before it is accepted */
    result = session_send(pair->session, copy, length, &accepted);
    free(copy);
  }
  up->sent = sent_before;
  if (result == SESSION_WANT_WRITE) {
    assert_int_equal(accepted, 0);
    *promised = length;
    return;
  }
  assert_int_equal(result, SESSION_DONE);
  assert_true(accepted > 0 && accepted <= length);
  up->sent += accepted;
  *promised = 0;
}

static void client_receives(struct memory_session *pair, struct stream *down) {
  static uint8_t bytes[131072];
  size_t capacity = next_random() % 4 == 0 ? random_between(1, 5000) : random_between(16384, sizeof(bytes));
  size_t received;
  enum session_result result = session_recv(pair->session, bytes, capacity, &received);

  if (result == SESSION_DONE) {
    assert_true(received > 0 && received <= capacity);
    stream_check(down, bytes, received);
  } else {
    assert_int_equal(result, SESSION_WANT_READ);
    assert_int_equal(received, 0);
  }
}

static void server_receives(struct memory_session *pair, struct stream *up) {
  static uint8_t bytes[40000];
  size_t received = memory_peer_read(pair->peer, bytes, random_between(1, sizeof(bytes)));
  size_t sent = up->sent;

  up->sent = up->length; /* bytes under way are not accepted yet but may be here */
  stream_check(up, bytes, received);
  up->sent = sent;
}

static void exchange(unsigned version, bool update_keys, uint32_t seed) {
  struct memory_session *pair = connect_good(version);
  struct stream up;
  struct stream down;
  size_t promised = 0;
  unsigned updates = 0;

  random_state = seed;
  stream_make(&up, 250000);
  stream_make(&down, 250000);
  for (int step = 0; step < 200000 && (up.received < up.length || down.received < down.length); step++) {
    if (next_random() % 4 == 0) {
      change_behaviour(&pair->peer->to_client);
      change_behaviour(&pair->peer->to_server);
    }
    if (next_random() % 3 == 0 && down.sent < down.length) {
      size_t length = offer(&down, 1, next_random() % 3 == 0 ? 20000 : 300);

      assert_true(memory_peer_write(pair->peer, down.bytes + down.sent, length));
      down.sent += length;
    }
    if (update_keys && next_random() % 16 == 0 && memory_peer_update_keys(pair->peer)) {
      updates++;
    }
    client_sends(pair, &up, &promised);
    client_receives(pair, &down);
    server_receives(pair, &up);
    assert_int_equal(pair->peer->error, 0);
  }
  assert_int_equal(up.received, up.length);
  assert_int_equal(down.received, down.length);
  assert_true(!update_keys || updates > 3);
  free(up.bytes);
  free(down.bytes);
  memory_session_free(pair);
}

static void test_data_both_ways(void **state) {
  (void)state;
  exchange(TLS_1_2, false, 1);
  exchange(TLS_1_3, false, 2);
}

static void test_data_with_key_updates(void **state) {
  (void)state;
  exchange(TLS_1_3, true, 3);
  exchange(TLS_1_3, true, 4);
}

/* The answer to a KeyUpdate goes out without anybody sending. */
static void test_key_update_is_answered(void **state) {
  struct memory_session *pair = connect_good(TLS_1_3);
  size_t before;
  size_t count;

  (void)state;
  (void)receive(pair, &count);
  before = pair->peer->to_server.moved;
  assert_true(memory_peer_update_keys(pair->peer));
  assert_int_equal(receive(pair, &count), SESSION_WANT_READ);
  assert_true(pair->peer->to_server.moved > before);
  assert_int_equal(session_send(pair->session, "after", 5, &count), SESSION_DONE);
  {
    char bytes[16];

    assert_int_equal(memory_peer_read(pair->peer, bytes, sizeof(bytes)), 5);
    assert_memory_equal(bytes, "after", 5);
  }
  memory_session_free(pair);
}

/* A blocked write, and then a KeyUpdate: wolfSSL 5.5.4 left to itself loses data here. */
static void test_key_update_between_blocked_writes(void **state) {
  static uint8_t bytes[30000];
  static uint8_t seen[sizeof(bytes)];
  struct memory_session *pair = connect_good(TLS_1_3);
  size_t count;

  (void)state;
  random_state = 5;
  fill_random(bytes, sizeof(bytes));
  pair->peer->to_server.room = 100;
  assert_int_equal(session_send(pair->session, bytes, sizeof(bytes), &count), SESSION_WANT_WRITE);
  assert_true(memory_peer_update_keys(pair->peer));
  assert_int_equal(receive(pair, &count), SESSION_WANT_READ);
  assert_int_equal(session_send(pair->session, bytes, sizeof(bytes), &count), SESSION_WANT_WRITE);
  pair->peer->to_server.room = SIZE_MAX;
  assert_int_equal(session_send(pair->session, bytes, sizeof(bytes), &count), SESSION_DONE);
  assert_int_equal(count, sizeof(bytes));
  assert_int_equal(memory_peer_read(pair->peer, seen, sizeof(seen)), sizeof(bytes));
  assert_memory_equal(seen, bytes, sizeof(bytes));
  assert_int_equal(pair->peer->error, 0);
  memory_session_free(pair);
}

static void test_bytes_count_once_they_have_left(void **state) {
  uint8_t bytes[5000];
  uint8_t seen[sizeof(bytes)];
  struct memory_session *pair = connect_good(TLS_1_3);
  size_t count = 99;

  (void)state;
  random_state = 6;
  fill_random(bytes, sizeof(bytes));
  pair->peer->to_server.room = pair->peer->to_server.waiting + 100;
  assert_int_equal(session_send(pair->session, bytes, 1000, &count), SESSION_WANT_WRITE);
  assert_int_equal(count, 0);
  assert_int_equal(session_send(pair->session, bytes, 1000, &count), SESSION_WANT_WRITE);
  assert_int_equal(count, 0);
  /* More may be offered than before; only what was under way counts. */
  assert_int_equal(session_send(pair->session, bytes, 5000, &count), SESSION_WANT_WRITE);
  pair->peer->to_server.room = SIZE_MAX;
  assert_int_equal(session_send(pair->session, bytes, 5000, &count), SESSION_DONE);
  assert_int_equal(count, 1000);
  assert_int_equal(memory_peer_read(pair->peer, seen, sizeof(seen)), 1000);
  assert_memory_equal(seen, bytes, 1000);
  assert_int_equal(session_send(pair->session, bytes, 0, &count), SESSION_DONE);
  assert_int_equal(count, 0);
  memory_session_free(pair);
}

static void test_long_sends_go_in_parts(void **state) {
  static uint8_t bytes[200000];
  static uint8_t seen[sizeof(bytes)];
  struct memory_session *pair = connect_good(TLS_1_2);
  size_t sent = 0;

  (void)state;
  random_state = 7;
  fill_random(bytes, sizeof(bytes));
  while (sent < sizeof(bytes)) {
    size_t count;

    assert_int_equal(session_send(pair->session, bytes + sent, sizeof(bytes) - sent, &count), SESSION_DONE);
    assert_true(count > 0 && count <= 65536);
    sent += count;
  }
  assert_int_equal(memory_peer_read(pair->peer, seen, sizeof(seen)), sizeof(bytes));
  assert_memory_equal(seen, bytes, sizeof(bytes));
  memory_session_free(pair);
}

static void test_fewer_bytes_offered_again(void **state) {
  struct memory_session *pair = connect_good(TLS_1_3);
  uint8_t bytes[1000] = {0};
  size_t count;

  (void)state;
  pair->peer->to_server.room = 100;
  assert_int_equal(session_send(pair->session, bytes, 1000, &count), SESSION_WANT_WRITE);
  assert_int_equal(session_send(pair->session, bytes, 999, &count), SESSION_FAILED);
  assert_int_equal(count, 0);
  assert_error(pair, AMQP_WOLFSSL_STAGE_SEND, AMQP_WOLFSSL_ERROR_SEND_CONTRACT_BROKEN);
  pair->peer->to_server.room = SIZE_MAX;
  assert_latched(pair, AMQP_WOLFSSL_ERROR_SEND_CONTRACT_BROKEN);
  memory_session_free(pair);
}

/* A peer that waits for us to read does not read: receiving must go on while sending is blocked. */
static void test_receives_while_sending_is_blocked(void **state) {
  struct memory_session *pair = connect_good(TLS_1_3);
  uint8_t bytes[1000] = {0};
  size_t count;

  (void)state;
  pair->peer->to_server.blocked = true;
  assert_int_equal(session_send(pair->session, bytes, sizeof(bytes), &count), SESSION_WANT_WRITE);
  assert_true(memory_peer_write(pair->peer, "news", 4));
  assert_int_equal(receive(pair, &count), SESSION_DONE);
  assert_int_equal(count, 4);
  memory_session_free(pair);
}

/* ---- The end ---- */

static void test_clean_end(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct memory_session *pair = connect_good(versions[i]);
    size_t count;

    assert_true(memory_peer_write(pair->peer, "last words", 10));
    memory_peer_close_notify(pair->peer);
    assert_int_equal(receive(pair, &count), SESSION_DONE);
    assert_int_equal(count, 10);
    for (int again = 0; again < 2; again++) {
      error_clear(&pair->error);
      assert_int_equal(receive(pair, &count), SESSION_ENDED);
      assert_error(pair, AMQP_WOLFSSL_STAGE_RECEIVE, AMQP_WOLFSSL_ERROR_CLOSED_BY_PEER);
    }
    /* The other direction is open still (RFC 8446, section 6.1). */
    assert_int_equal(session_send(pair->session, "bye", 3, &count), SESSION_DONE);
    assert_int_equal(count, 3);
    memory_session_free(pair);
  }
}

static void test_truncated(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    for (size_t cut = 0; cut <= 1; cut++) {
      struct memory_session *pair = connect_good(versions[i]);
      size_t count;

      (void)receive(pair, &count);
      assert_true(memory_peer_write(pair->peer, "whole", 5));
      assert_true(memory_peer_write(pair->peer, "part", 4));
      memory_peer_hang_up(pair->peer);
      pair->peer->to_client.break_after -= cut; /* between two records, or within one */
      assert_int_equal(receive(pair, &count), SESSION_DONE);
      assert_int_equal(count, cut == 0 ? 9 : 5);
      error_clear(&pair->error);
      assert_int_equal(receive(pair, &count), SESSION_FAILED);
      assert_error(pair, AMQP_WOLFSSL_STAGE_RECEIVE, AMQP_WOLFSSL_ERROR_TRUNCATED);
      assert_latched(pair, AMQP_WOLFSSL_ERROR_TRUNCATED);
      memory_session_free(pair);
    }
  }
}

static void test_connection_reset(void **state) {
  struct memory_session *pair = connect_good(TLS_1_3);
  size_t count;

  (void)state;
  (void)receive(pair, &count);
  pair->peer->to_client.break_after = pair->peer->to_client.moved;
  pair->peer->to_client.break_errno = ECONNRESET;
  assert_int_equal(receive(pair, &count), SESSION_FAILED);
  assert_error(pair, AMQP_WOLFSSL_STAGE_RECEIVE, AMQP_WOLFSSL_ERROR_CONNECTION_LOST);
  assert_non_null(strstr(pair->error.message, strerror(ECONNRESET)));
  assert_latched(pair, AMQP_WOLFSSL_ERROR_CONNECTION_LOST);
  memory_session_free(pair);
}

static void test_corrupt_record(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct memory_session *pair = connect_good(versions[i]);
    size_t count;
    size_t good;

    (void)receive(pair, &count);
    assert_true(memory_peer_write(pair->peer, "good", 4));
    good = pair->peer->to_client.waiting;
    assert_true(memory_peer_write(pair->peer, "to be harmed", 12));
    *memory_pipe_byte(&pair->peer->to_client, good + 16) ^= 1;
    assert_int_equal(receive(pair, &count), SESSION_DONE);
    assert_int_equal(count, 4);
    assert_int_equal(receive(pair, &count), SESSION_FAILED);
    assert_error(pair, AMQP_WOLFSSL_STAGE_RECEIVE, AMQP_WOLFSSL_ERROR_RECORD_CORRUPT);
    assert_latched(pair, AMQP_WOLFSSL_ERROR_RECORD_CORRUPT);
    {
      char seen[4];

      assert_int_equal(memory_peer_read(pair->peer, seen, sizeof(seen)), 0);
      assert_int_equal(memory_peer_alert_from_client(pair->peer), 20); /* bad_record_mac */
    }
    memory_session_free(pair);
  }
}

static void test_close_notify_reaches_the_peer(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct memory_session *pair = connect_good(versions[i]);
    char seen[4];

    session_close_notify(pair->session);
    assert_int_equal(memory_peer_read(pair->peer, seen, sizeof(seen)), 0);
    assert_int_equal(pair->peer->error, WOLFSSL_ERROR_ZERO_RETURN);
    memory_session_free(pair);
  }
}

/* Not in the middle of what is being sent, and not after a failure. */
static void test_close_notify_is_left_out(void **state) {
  struct memory_session *pair = connect_good(TLS_1_3);
  uint8_t bytes[1000] = {0};
  size_t moved;
  size_t count;

  (void)state;
  pair->peer->to_server.blocked = true;
  assert_int_equal(session_send(pair->session, bytes, sizeof(bytes), &count), SESSION_WANT_WRITE);
  pair->peer->to_server.blocked = false;
  moved = pair->peer->to_server.moved;
  session_close_notify(pair->session);
  assert_int_equal(pair->peer->to_server.moved, moved);
  assert_int_equal(session_send(pair->session, bytes, 1, &count), SESSION_FAILED);
  session_close_notify(pair->session);
  assert_int_equal(pair->peer->to_server.moved, moved);
  memory_session_free(pair);
}

/* A warning that was received long ago does not explain why the connection broke now. */
static void test_warning_alert_is_no_cause(void **state) {
  static const uint8_t warning[] = {21, 3, 3, 0, 2, 1, 90}; /* user_canceled */
  struct memory_peer_settings server = server_named("server", TLS_1_2);
  struct memory_session *pair = memory_session_new(&good_client, &server);
  size_t count;

  (void)state;
  memory_pipe_put(&pair->peer->to_client, warning, sizeof(warning));
  assert_int_equal(memory_session_handshake(pair), SESSION_DONE);
  memory_peer_hang_up(pair->peer);
  assert_int_equal(receive(pair, &count), SESSION_FAILED);
  assert_error(pair, AMQP_WOLFSSL_STAGE_RECEIVE, AMQP_WOLFSSL_ERROR_TRUNCATED);
  memory_session_free(pair);
}

/* ---- What the broker thinks of us ---- */

/* The server's verdict comes within the handshake of TLS 1.2, but after that of TLS 1.3. */
static void assert_refused_by_server(struct memory_session *pair, bool by_sending, amqp_wolfssl_code_t code) {
  static const uint8_t refusal[] = {21, 3, 3, 0, 2, 2, 40};
  amqp_wolfssl_stage_t stage = AMQP_WOLFSSL_STAGE_HANDSHAKE;
  enum session_result result;
  size_t count;

  for (int step = 0; step < 4; step++) {
    result = session_handshake(pair->session, &pair->facts);
    (void)memory_peer_accept(pair->peer);
  }
  assert_true(pair->peer->error != 0);
  if (result == SESSION_WANT_READ && pair->peer->to_client.waiting == 0) {
    /* wolfSSL's server goes without a word; others say this. */
    memory_pipe_put(&pair->peer->to_client, refusal, sizeof(refusal));
  }
  memory_peer_hang_up(pair->peer);
  if (result == SESSION_WANT_READ) {
    result = session_handshake(pair->session, &pair->facts);
  } else if (result == SESSION_DONE) {
    stage = by_sending ? AMQP_WOLFSSL_STAGE_SEND : AMQP_WOLFSSL_STAGE_RECEIVE;
    result = by_sending ? session_send(pair->session, "hello", 5, &count) : receive(pair, &count);
    assert_int_equal(count, 0);
  }
  assert_int_equal(result, SESSION_FAILED);
  assert_error(pair, stage, code);
  assert_true(pair->error.alert > 0);
  assert_int_equal(pair->error.alert_direction, AMQP_WOLFSSL_ALERT_RECEIVED_FROM_PEER);
}

static void test_server_requires_a_certificate(void **state) {
  (void)state;
  for (size_t i = 0; i < 2 * COUNT_OF(versions); i++) {
    struct memory_session_settings client = {.ca = "ca.pem", .name = "localhost"};
    struct memory_peer_settings server = server_named("server", versions[i / 2]);
    struct memory_session *pair = memory_session_new(&client, &server);

    assert_refused_by_server(pair, i % 2 == 1, AMQP_WOLFSSL_ERROR_REQUIRES_A_CERTIFICATE);
    memory_session_free(pair);
  }
}

static void test_server_rejects_our_certificate(void **state) {
  (void)state;
  for (size_t i = 0; i < 2 * COUNT_OF(versions); i++) {
    struct memory_session_settings client = good_client;
    struct memory_peer_settings server = server_named("server", versions[i / 2]);
    struct memory_session *pair;

    client.certificate = "client-other-ca.pem";
    client.key = "client-other-ca.key";
    pair = memory_session_new(&client, &server);
    assert_refused_by_server(pair, i % 2 == 1, AMQP_WOLFSSL_ERROR_REJECTED_OUR_CERTIFICATE);
    assert_string_equal(pair->error.certificate_subject, "CN=client-other-ca,O=Acme");
    assert_int_equal(pair->error.certificate_depth, 0);
    memory_session_free(pair);
  }
}

/* Nobody verifies the server, and it is the one that refuses: it must not be told as if we had. */
static void test_refused_by_an_unverified_server(void **state) {
  struct memory_session_settings client = {.ca = "other-ca.pem", .skip_peer = true, .skip_host = true};
  struct memory_peer_settings server = server_named("server", TLS_1_2);
  struct memory_session *pair = memory_session_new(&client, &server);

  (void)state;
  assert_refused_by_server(pair, false, AMQP_WOLFSSL_ERROR_REQUIRES_A_CERTIFICATE);
  memory_session_free(pair);
}

static void test_what_had_arrived_survives_a_broken_send(void **state) {
  struct memory_session *pair = connect_good(TLS_1_3);
  uint8_t bytes[3000];
  uint8_t seen[sizeof(bytes)];
  size_t collected = 0;
  size_t count;

  (void)state;
  random_state = 8;
  fill_random(bytes, sizeof(bytes));
  for (size_t at = 0; at < sizeof(bytes); at += 1000) {
    assert_true(memory_peer_write(pair->peer, bytes + at, 1000));
  }
  memory_peer_hang_up(pair->peer);
  assert_int_equal(session_send(pair->session, "hello", 5, &count), SESSION_FAILED);
  assert_int_equal(count, 0);
  assert_error(pair, AMQP_WOLFSSL_STAGE_SEND, AMQP_WOLFSSL_ERROR_CONNECTION_LOST);
  while (collected < sizeof(bytes)) { /* in pieces smaller than what waits */
    assert_int_equal(session_recv(pair->session, seen + collected, 700, &count), SESSION_DONE);
    assert_true(count > 0 && count <= sizeof(seen) - collected);
    collected += count;
  }
  assert_memory_equal(seen, bytes, sizeof(bytes));
  assert_latched(pair, AMQP_WOLFSSL_ERROR_CONNECTION_LOST);
  memory_session_free(pair);
}

/* ---- Policy ---- */

/* What servers answer to a ClientHello they can't agree to. */
static void test_refusing_alerts(void **state) {
  static const struct {
    uint8_t alert;
    amqp_wolfssl_code_t code;
  } answers[] = {{70, AMQP_WOLFSSL_ERROR_NO_SHARED_VERSION},
                 {40, AMQP_WOLFSSL_ERROR_NO_SHARED_SUITE},
                 {71, AMQP_WOLFSSL_ERROR_NO_SHARED_SUITE},
                 {112, AMQP_WOLFSSL_ERROR_ALERT_RECEIVED},
                 {80, AMQP_WOLFSSL_ERROR_ALERT_RECEIVED}};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(answers); i++) {
    uint8_t record[] = {21, 3, 3, 0, 2, 2, answers[i].alert};
    struct memory_peer_settings server = server_named("server", 0);
    struct memory_session *pair = memory_session_new(&good_client, &server);

    memory_pipe_put(&pair->peer->to_client, record, sizeof(record));
    assert_int_equal(session_handshake(pair->session, &pair->facts), SESSION_FAILED);
    assert_error(pair, AMQP_WOLFSSL_STAGE_HANDSHAKE, answers[i].code);
    assert_int_equal(pair->error.alert, answers[i].alert);
    assert_int_equal(pair->error.alert_direction, AMQP_WOLFSSL_ALERT_RECEIVED_FROM_PEER);
    memory_session_free(pair);
  }
}

/* What a server in memory that gives up has said: wolfSSL's goes without a word, or with another, in some versions. */
static amqp_wolfssl_code_t what_was_said(const struct memory_session *pair, amqp_wolfssl_code_t usual) {
  if (pair->error.alert_direction == AMQP_WOLFSSL_ALERT_NONE) {
    return pair->error.code == AMQP_WOLFSSL_ERROR_HANDSHAKE_FAILED ? AMQP_WOLFSSL_ERROR_HANDSHAKE_FAILED
                                                                   : AMQP_WOLFSSL_ERROR_PEER_CLOSED_IN_HANDSHAKE;
  }
  /* illegal_parameter, of 5.7.2 when it finds no group in common */
  if (pair->error.alert == 47 && pair->error.alert_direction == AMQP_WOLFSSL_ALERT_RECEIVED_FROM_PEER) {
    return AMQP_WOLFSSL_ERROR_ALERT_RECEIVED;
  }
  return pair->error.alert == 40 ? AMQP_WOLFSSL_ERROR_NO_SHARED_SUITE : usual;
}

static void test_no_shared_version(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct memory_session_settings client = good_client;
    struct memory_peer_settings server = server_named("server", versions[i]);
    struct memory_session *pair;

    client.lowest = versions[i] == TLS_1_2 ? AMQP_WOLFSSL_TLS_1_3 : AMQP_WOLFSSL_TLS_1_2;
    client.highest = client.lowest;
    pair = memory_session_new(&client, &server);
    assert_int_equal(memory_session_handshake(pair), SESSION_FAILED);
    assert_error(pair, AMQP_WOLFSSL_STAGE_HANDSHAKE, what_was_said(pair, AMQP_WOLFSSL_ERROR_NO_SHARED_VERSION));
    assert_int_equal(pair->peer->client_certificates, 0);
    memory_session_free(pair);
  }
}

static void test_version_range_is_kept(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct memory_session_settings client = good_client;
    struct memory_peer_settings server = server_named("server", 0);
    struct memory_session *pair;

    client.lowest = (amqp_wolfssl_version_t)versions[i];
    client.highest = client.lowest;
    pair = connect_pair(&client, &server);
    assert_string_equal(pair->facts.version, versions[i] == TLS_1_3 ? "TLSv1.3" : "TLSv1.2");
    memory_session_free(pair);
  }
}

static void test_no_shared_suite(void **state) {
  static const struct {
    unsigned version;
    const char *suites;
    int group;
  } servers[] = {
      {TLS_1_2, "ECDHE-ECDSA-AES128-SHA256", 0},
#ifdef HAVE_CHACHA
      {TLS_1_2, "ECDHE-ECDSA-CHACHA20-POLY1305", 0}, {TLS_1_3, "TLS13-CHACHA20-POLY1305-SHA256", 0},
#endif
#ifdef HAVE_CURVE25519
      {TLS_1_3, NULL, WOLFSSL_ECC_X25519},
#endif
#ifdef HAVE_FFDHE_2048
      {TLS_1_3, NULL, WOLFSSL_FFDHE_2048},
#endif
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(servers); i++) {
    struct memory_peer_settings server = server_named("server", servers[i].version);
    struct memory_session *pair;

    server.suites = servers[i].suites;
    server.group = servers[i].group;
    pair = memory_session_new(&good_client, &server);
    assert_int_equal(memory_session_handshake(pair), SESSION_FAILED);
    assert_error(pair, AMQP_WOLFSSL_STAGE_HANDSHAKE, what_was_said(pair, AMQP_WOLFSSL_ERROR_NO_SHARED_SUITE));
    assert_int_equal(pair->peer->client_certificates, 0);
    memory_session_free(pair);
  }
}

static void test_groups_of_the_policy(void **state) {
  static const struct {
    int group;
    const char *name;
  } groups[] = {
      {WOLFSSL_ECC_SECP384R1, "secp384r1"}, {WOLFSSL_ECC_SECP256R1, "secp256r1"}, {WOLFSSL_ECC_SECP521R1, "secp521r1"}};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(groups); i++) {
    struct memory_peer_settings server = server_named("server", TLS_1_3);
    struct memory_session *pair;

    server.group = groups[i].group; /* not the first choice: a HelloRetryRequest comes before */
    pair = connect_pair(&good_client, &server);
    assert_string_equal(pair->facts.group, groups[i].name);
    memory_session_free(pair);
  }
}

/* The result is looked at, not only the offer: here the range shrinks between the two. */
static void test_what_was_negotiated_is_checked(void **state) {
  struct memory_peer_settings server = server_named("server", TLS_1_2);
  struct memory_session *pair = memory_session_new(&good_client, &server);
  size_t count;

  (void)state;
  pair->settings.limits.lowest = AMQP_WOLFSSL_TLS_1_3;
  assert_int_equal(memory_session_handshake(pair), SESSION_FAILED);
  assert_error(pair, AMQP_WOLFSSL_STAGE_POLICY, AMQP_WOLFSSL_ERROR_POLICY_VERSION);
  assert_string_equal(pair->facts.version, "");
  assert_int_equal(session_send(pair->session, "secret", 6, &count), SESSION_FAILED);
  assert_int_equal(session_handshake(pair->session, &pair->facts), SESSION_FAILED);
  memory_session_free(pair);
}

/* A server that takes what was not offered: here it was, and is not any more when the result is looked at. */
static void test_suites_and_groups_are_checked(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    for (int what = 0; what < 2; what++) {
      struct memory_peer_settings server = server_named("server", versions[i]);
      struct memory_session *pair = memory_session_new(&good_client, &server);
      struct policy_limits *limits = &pair->settings.limits;

      if (what == 0) {
        limits->suite_count = 1;
        limits->suites[0] = 0xc02f; /* for RSA only, which this server has not */
      } else {
        limits->group_count = 1;
        limits->groups[0] = WOLFSSL_ECC_SECP521R1; /* not the first choice */
      }
      assert_int_equal(memory_session_handshake(pair), SESSION_FAILED);
      assert_error(pair, AMQP_WOLFSSL_STAGE_POLICY,
                   what == 0 ? AMQP_WOLFSSL_ERROR_POLICY_SUITE : AMQP_WOLFSSL_ERROR_POLICY_GROUP);
      assert_string_equal(pair->facts.version, "");
      memory_session_free(pair);
    }
  }
}

/* What stands behind the server's part makes wolfSSL fail in the very call in which it answers: our certificate has to
   stay all the same, and the record says what was wrong with the server. */
static void test_a_refused_server_hurries_us(void **state) {
  static const uint8_t refusal[] = {21, 3, 3, 0, 2, 2, 40};
  static const uint8_t junk[] = {99, 99, 99, 99, 99, 99, 99, 99};
  static const struct {
    const uint8_t *bytes;
    size_t length;
  } rows[] = {{refusal, sizeof(refusal)}, {junk, sizeof(junk)}, {NULL, 0}};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    struct memory_peer_settings server = server_named("server", TLS_1_2);
    struct memory_session *pair = memory_session_new(&good_client, &server);

    assert_int_equal(session_handshake(pair->session, &pair->facts), SESSION_WANT_READ);
    (void)memory_peer_accept(pair->peer);
    if (rows[i].bytes != NULL) {
      memory_pipe_put(&pair->peer->to_client, rows[i].bytes, rows[i].length);
    } else {
      memory_peer_hang_up(pair->peer);
    }
    pair->settings.limits.group_count = 1;
    pair->settings.limits.groups[0] = WOLFSSL_ECC_SECP521R1; /* not what it chose */
    assert_int_equal(session_handshake(pair->session, &pair->facts), SESSION_FAILED);
    assert_error(pair, AMQP_WOLFSSL_STAGE_POLICY, AMQP_WOLFSSL_ERROR_POLICY_GROUP);
    (void)memory_peer_accept(pair->peer);
    assert_int_equal(pair->peer->client_certificates, 0);
    assert_int_equal(pair->peer->error != 0, rows[i].bytes != NULL); /* our alert */
    memory_session_free(pair);
  }
}

/* The key exchange of TLS 1.2 is looked at as well: here the list of signatures shrinks between the two. */
static void test_signature_of_the_key_exchange_is_checked(void **state) {
  struct memory_session_settings client = {.ca = "ca-rsa3072.pem", .name = "localhost"};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct memory_peer_settings server = server_named("server-rsa3072", versions[i]);
    struct memory_session *pair;

    server.client_ca = NULL;
    pair = memory_session_new(&client, &server);
    pair->settings.limits.policy = policy_find(AMQP_WOLFSSL_POLICY_CNSA); /* SHA-384, and this server prefers others */
    if (versions[i] == TLS_1_2) {
      assert_int_equal(memory_session_handshake(pair), SESSION_FAILED);
      assert_error(pair, AMQP_WOLFSSL_STAGE_POLICY, AMQP_WOLFSSL_ERROR_POLICY_SIGNATURE);
      assert_string_equal(pair->facts.version, "");
    } else {
      assert_int_equal(memory_session_handshake(pair), SESSION_DONE); /* it can't be seen there */
    }
    memory_session_free(pair);
  }
}

/* ---- The server's certificate ---- */

struct bad_server {
  const char *server;
  const char *ca;
  const char *name;
  amqp_wolfssl_code_t code;
  const char *subject;
};

static const struct bad_server bad_servers[] = {
    {"server", "ca.pem", "elsewhere.test", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "CN=server,O=Acme"},
    {"server", "ca.pem", "192.0.2.1", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "CN=server,O=Acme"},
    {"server", "ca.pem", NULL, AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "CN=server,O=Acme"},
    {"server-wrong-name", "ca.pem", "localhost", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "CN=server-wrong-name,O=Acme"},
    {"server-no-san", "ca.pem", "localhost", AMQP_WOLFSSL_ERROR_NAME_MISMATCH, "CN=localhost,O=Acme"},
    {"server-expired", "ca.pem", "localhost", AMQP_WOLFSSL_ERROR_CERTIFICATE_EXPIRED, "CN=server-expired,O=Acme"},
    {"server-not-yet-valid", "ca.pem", "localhost", AMQP_WOLFSSL_ERROR_CERTIFICATE_NOT_YET_VALID,
     "CN=server-not-yet-valid,O=Acme"},
    {"server", "other-ca.pem", "localhost", AMQP_WOLFSSL_ERROR_UNKNOWN_CA, "CN=server,O=Acme"},
    {"server-other-ca", "ca.pem", "localhost", AMQP_WOLFSSL_ERROR_UNKNOWN_CA, "CN=server-other-ca,O=Acme"},
    {"server-self-signed", "ca.pem", "localhost", AMQP_WOLFSSL_ERROR_SELF_SIGNED, "CN=server-self-signed,O=Acme"},
    {"server-weak-rsa1024", "ca.pem", "localhost", AMQP_WOLFSSL_ERROR_WEAK_KEY, "CN=server-weak-rsa1024,O=Acme"},
    {"server-client-eku", "ca.pem", "localhost", AMQP_WOLFSSL_ERROR_CHAIN_INVALID, "CN=server-client-eku,O=Acme"},
    {"server-sha1", "ca-rsa.pem", "localhost", AMQP_WOLFSSL_ERROR_WEAK_SIGNATURE, "CN=server-sha1,O=Acme"},
    {"server-rsa2047", "ca-rsa.pem", "localhost", AMQP_WOLFSSL_ERROR_WEAK_KEY, "CN=server-rsa2047,O=Acme"},
    {"server-chain-leaf-only", "ca.pem", "localhost", AMQP_WOLFSSL_ERROR_UNKNOWN_CA, "CN=server-chain,O=Acme"},
};

static struct memory_peer_settings bad_server_settings(const struct bad_server *bad, unsigned version) {
  struct memory_peer_settings server = server_named(bad->server, version);

  if (strcmp(bad->server, "server-chain-leaf-only") == 0) {
    server.key = temporary_folder_path("server-chain.key");
  }
  return server;
}

/* The verdict, and that it came in time: the server gets an alert, and never the client's certificate. */
static void assert_server_refused(const struct bad_server *bad, unsigned version) {
  struct memory_session_settings client = good_client;
  struct memory_peer_settings server = bad_server_settings(bad, version);
  struct memory_session *pair;

  client.ca = bad->ca;
  client.name = bad->name;
  pair = memory_session_new(&client, &server);
  print_message("%s trusted by %s as %s, TLS 0x%04x\n", bad->server, bad->ca, bad->name != NULL ? bad->name : "(none)",
                version);
  assert_int_equal(memory_session_handshake(pair), SESSION_FAILED);
  assert_error(pair, AMQP_WOLFSSL_STAGE_VERIFY, bad->code);
  assert_string_equal(pair->error.certificate_subject, bad->subject);
  assert_int_equal(pair->error.certificate_depth, 0);
  assert_string_equal(pair->facts.version, "");
  (void)memory_peer_accept(pair->peer);
  assert_int_equal(pair->peer->client_certificates, 0);
  assert_false(pair->peer->accepted);
  assert_true(memory_peer_alert_from_client(pair->peer) > 0);
  assert_int_equal(pair->error.alert_direction, AMQP_WOLFSSL_ALERT_SENT);
  assert_int_equal(pair->error.alert, memory_peer_alert_from_client(pair->peer));
  assert_latched(pair, bad->code);
  memory_session_free(pair);
}

static void test_bad_servers_are_refused(void **state) {
  (void)state;
  for (size_t bad = 0; bad < COUNT_OF(bad_servers); bad++) {
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
      assert_server_refused(&bad_servers[bad], versions[i]);
    }
  }
}

static void test_names_that_match(void **state) {
  static const char *const names[] = {"localhost", "LOCALHOST.", "rabbitmq", "a.broker.test",
                                      "127.0.0.1", "::1",        "[::1]"};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(names); i++) {
    struct memory_session_settings client = good_client;
    struct memory_peer_settings server = server_named("server", versions[i % 2]);

    client.name = names[i];
    memory_session_free(connect_pair(&client, &server));
  }
}

/* ---- Which checks are on ---- */

struct switches {
  bool skip_peer;
  bool skip_host;
  const char *server;
  const char *ca;
  const char *name;
  amqp_wolfssl_code_t code;
};

static const struct switches switch_cases[] = {
    /* both: see bad_servers */
    /* the peer alone: the name is not looked at, the rest is */
    {false, true, "server", "ca.pem", "elsewhere.test", AMQP_WOLFSSL_OK},
    {false, true, "server", "ca.pem", NULL, AMQP_WOLFSSL_OK},
    {false, true, "server", "other-ca.pem", "localhost", AMQP_WOLFSSL_ERROR_UNKNOWN_CA},
    {false, true, "server-expired", "ca.pem", "localhost", AMQP_WOLFSSL_ERROR_CERTIFICATE_EXPIRED},
    /* the name alone */
    {true, false, "server", "ca.pem", "localhost", AMQP_WOLFSSL_OK},
    {true, false, "server", "ca.pem", "elsewhere.test", AMQP_WOLFSSL_ERROR_NAME_MISMATCH},
    {true, false, "server", "other-ca.pem", "localhost", AMQP_WOLFSSL_OK},
    {true, false, "server", "other-ca.pem", "elsewhere.test", AMQP_WOLFSSL_ERROR_NAME_MISMATCH},
    {true, false, "server", NULL, "localhost", AMQP_WOLFSSL_OK},
    {true, false, "server", NULL, "elsewhere.test", AMQP_WOLFSSL_ERROR_NAME_MISMATCH},
    {true, false, "server-self-signed", NULL, "localhost", AMQP_WOLFSSL_OK},
    {true, false, "server-self-signed", NULL, "elsewhere.test", AMQP_WOLFSSL_ERROR_NAME_MISMATCH},
    {true, false, "server-chain", NULL, "localhost", AMQP_WOLFSSL_OK},
    {true, false, "server-chain", NULL, "elsewhere.test", AMQP_WOLFSSL_ERROR_NAME_MISMATCH},
    {true, false, "server-expired", "ca.pem", "localhost", AMQP_WOLFSSL_OK},
    /* nothing */
    {true, true, "server", "ca.pem", "elsewhere.test", AMQP_WOLFSSL_OK},
    {true, true, "server", NULL, NULL, AMQP_WOLFSSL_OK},
    {true, true, "server-self-signed", NULL, NULL, AMQP_WOLFSSL_OK},
    {true, true, "server-expired", "ca.pem", "localhost", AMQP_WOLFSSL_OK},
    /* the policy holds whichever are on */
    {true, true, "server-weak-rsa1024", NULL, NULL, AMQP_WOLFSSL_ERROR_WEAK_KEY},
    {true, true, "server-weak-rsa1024", "ca.pem", "localhost", AMQP_WOLFSSL_ERROR_WEAK_KEY},
    {true, true, "server-sha1", NULL, NULL, AMQP_WOLFSSL_ERROR_WEAK_SIGNATURE},
    {true, true, "server-sha1-intermediate", NULL, NULL, AMQP_WOLFSSL_ERROR_WEAK_SIGNATURE},
    {false, true, "server-sha1-intermediate", "ca-rsa.pem", NULL, AMQP_WOLFSSL_ERROR_WEAK_SIGNATURE},
};

static void test_switches(void **state) {
  (void)state;
  for (size_t which = 0; which < COUNT_OF(switch_cases); which++) {
    for (size_t i = 0; i < COUNT_OF(versions); i++) {
      const struct switches *switches = &switch_cases[which];
      struct memory_session_settings client = good_client;
      struct memory_peer_settings server = server_named(switches->server, versions[i]);
      struct memory_session *pair;
      enum session_result result;

      client.ca = switches->ca;
      client.name = switches->name;
      client.skip_peer = switches->skip_peer;
      client.skip_host = switches->skip_host;
      print_message("case %zu, TLS 0x%04x\n", which, versions[i]);
      pair = memory_session_new(&client, &server);
      result = memory_session_handshake(pair);
      if (switches->code == AMQP_WOLFSSL_OK) {
        if (result != SESSION_DONE) {
          print_error("%s: %s\n", amqp_wolfssl_code_name(pair->error.code), pair->error.message);
        }
        assert_int_equal(result, SESSION_DONE);
        assert_true(pair->facts.peer_subject[0] != '\0');
      } else {
        assert_int_equal(result, SESSION_FAILED);
        assert_error(pair, AMQP_WOLFSSL_STAGE_VERIFY, switches->code);
        (void)memory_peer_accept(pair->peer);
        assert_int_equal(pair->peer->client_certificates, 0);
      }
      memory_session_free(pair);
    }
  }
}

/* ---- SNI ---- */

#ifdef HAVE_SNI
static void assert_sni(const char *name, bool skip_host, const char *expected) {
  struct memory_session_settings client = good_client;
  struct memory_peer_settings server = server_named("server", 0);
  struct memory_session *pair;
  unsigned char sent[256] = {0};
  unsigned sent_length = sizeof(sent) - 1;
  int result;

  client.name = name;
  client.skip_host = skip_host;
  pair = memory_session_new(&client, &server);
  assert_int_equal(session_handshake(pair->session, &pair->facts), SESSION_WANT_READ);
  result =
      wolfSSL_SNI_GetFromBuffer(memory_pipe_byte(&pair->peer->to_server, 0), (unsigned)pair->peer->to_server.waiting,
                                WOLFSSL_SNI_HOST_NAME, sent, &sent_length);
  if (expected == NULL) {
    assert_true(result != WOLFSSL_SUCCESS);
  } else {
    assert_int_equal(result, WOLFSSL_SUCCESS);
    sent[sent_length] = 0;
    assert_string_equal((const char *)sent, expected);
  }
  memory_session_free(pair);
}

static void test_sni(void **state) {
  (void)state;
  assert_sni("localhost", false, "localhost");
  assert_sni("LocalHost.", false, "localhost");
  assert_sni("a.broker.test", true, "a.broker.test");
  assert_sni("127.0.0.1", false, NULL);
  assert_sni("[::1]", false, NULL);
  assert_sni(NULL, true, NULL);
}
#endif

/* ---- */

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_handshake_fills_facts),
      cmocka_unit_test(test_handshake_without_identity),
      cmocka_unit_test(test_handshake_with_each_kind_of_server_key),
      cmocka_unit_test(test_client_identities),
      cmocka_unit_test(test_handshake_one_byte_at_a_time),
      cmocka_unit_test(test_handshake_waits_for_its_last_flight),
      cmocka_unit_test(test_handshake_cut_off),
      cmocka_unit_test(test_handshake_sending_breaks),
      cmocka_unit_test(test_handshake_altered),
      cmocka_unit_test(test_peers_without_tls),
      cmocka_unit_test(test_data_both_ways),
      cmocka_unit_test(test_data_with_key_updates),
      cmocka_unit_test(test_key_update_is_answered),
      cmocka_unit_test(test_key_update_between_blocked_writes),
      cmocka_unit_test(test_bytes_count_once_they_have_left),
      cmocka_unit_test(test_long_sends_go_in_parts),
      cmocka_unit_test(test_fewer_bytes_offered_again),
      cmocka_unit_test(test_receives_while_sending_is_blocked),
      cmocka_unit_test(test_clean_end),
      cmocka_unit_test(test_truncated),
      cmocka_unit_test(test_connection_reset),
      cmocka_unit_test(test_corrupt_record),
      cmocka_unit_test(test_close_notify_reaches_the_peer),
      cmocka_unit_test(test_close_notify_is_left_out),
      cmocka_unit_test(test_warning_alert_is_no_cause),
      cmocka_unit_test(test_server_requires_a_certificate),
      cmocka_unit_test(test_server_rejects_our_certificate),
      cmocka_unit_test(test_refused_by_an_unverified_server),
      cmocka_unit_test(test_what_had_arrived_survives_a_broken_send),
      cmocka_unit_test(test_refusing_alerts),
      cmocka_unit_test(test_no_shared_version),
      cmocka_unit_test(test_version_range_is_kept),
      cmocka_unit_test(test_no_shared_suite),
      cmocka_unit_test(test_groups_of_the_policy),
      cmocka_unit_test(test_what_was_negotiated_is_checked),
      cmocka_unit_test(test_suites_and_groups_are_checked),
      cmocka_unit_test(test_a_refused_server_hurries_us),
      cmocka_unit_test(test_signature_of_the_key_exchange_is_checked),
      cmocka_unit_test(test_bad_servers_are_refused),
      cmocka_unit_test(test_names_that_match),
      cmocka_unit_test(test_switches),
#ifdef HAVE_SNI
      cmocka_unit_test(test_sni),
#endif
  };

  return cmocka_run_group_tests(tests, minted_certificates_set_up, minted_certificates_tear_down);
}
