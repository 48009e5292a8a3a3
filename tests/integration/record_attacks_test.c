/* SPDX-License-Identifier: MIT */
/*
 * Records that no honest peer sends. First servers that mean well, and a relay that changes how their first record
 * comes, so that what watches the handshake could lose track of it while wolfSSL goes on. The handshake itself stays
 * whole: without a refusal it would complete. So what counts is what leaves the client: one ClientHello and an alert.
 * Then a server that encrypts whatever it is told to, and floods.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <amqp_wolfssl_socket.h>

#include "client.h"
#include "minted_certificates.h"
#include "paths.h"
#include "peer_process.h"
#include "tls_server.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define UNEXPECTED_MESSAGE 10
#define RECORD_OVERFLOW 22
#define ILLEGAL_PARAMETER 47
#define DECODE_ERROR 50
#define PROTOCOL_VERSION 70

struct intrusion {
  const char *field; /* of the relay */
  const char *value;
  int alert; /* ours */
  const char *sentence;
};

struct relayed {
  struct tls_server server;
  struct peer_process *relay;
  int port;
};

static struct relayed start(const struct intrusion *intrusion, int version) {
  struct relayed relayed = {.server = tls_server_start(TLS_SERVER_OPENSSL, "server", version, NULL)};
  char number[16];
  const char *const arguments[] = {path_in_build_tree("tests/support/rewriting_relay"), number, intrusion->field,
                                   intrusion->value, NULL};

  (void)snprintf(number, sizeof(number), "%d", relayed.server.port);
  relayed.relay = peer_process_start(arguments);
  relayed.port = (int)strtol(peer_process_expect_line(relayed.relay, "PORT "), NULL, 10);
  return relayed;
}

static void stop_relayed(struct relayed *relayed) {
  peer_process_stop(relayed->relay);
  peer_process_stop(relayed->server.process);
}

/* The client's records, one a line, without the rest that the relay writes down. */
static void read_client_records(struct peer_process *relay, char *records, size_t capacity) {
  const char *line;
  size_t length = 0;

  peer_process_expect(relay, "CLIENT-END\n");
  records[0] = '\0';
  for (line = peer_process_output(relay); line != NULL && *line != '\0'; line = strchr(line, '\n') + 1) {
    if (strncmp(line, "CLIENT ", strlen("CLIENT ")) == 0) {
      const size_t count = strcspn(line, "\n") + 1;

      assert_true(length + count < capacity);
      memcpy(records + length, line, count);
      length += count;
      records[length] = '\0';
    }
  }
}

static void expect_refusal(const struct intrusion *intrusion, int version) {
  struct relayed relayed = start(intrusion, version);
  struct client client = client_new(&client_ordinary);
  const int status = client_try_open(&client, "127.0.0.1", relayed.port);
  const amqp_wolfssl_error_t *error = amqp_wolfssl_socket_error(client.socket);
  char records[1024];
  char expected[64];

  print_message("# TLS 0x%04x, %s %s: %s\n", (unsigned)version, intrusion->field, intrusion->value,
                amqp_wolfssl_error_message(error));
  assert_int_not_equal(status, AMQP_STATUS_OK);
  client_destroy(&client);
  read_client_records(relayed.relay, records, sizeof(records));
  (void)snprintf(expected, sizeof(expected), "CLIENT 22 1 0\nCLIENT 21 2 %d\n", intrusion->alert);
  assert_string_equal(records, expected);
  stop_relayed(&relayed);
}

static void expect_sentence(const struct intrusion *intrusion, int version) {
  struct relayed relayed = start(intrusion, version);
  struct client client = client_new(&client_ordinary);
  const int status = client_try_open(&client, "127.0.0.1", relayed.port);
  const amqp_wolfssl_error_t *error = amqp_wolfssl_socket_error(client.socket);

  assert_string_equal(client_describe_failure(&client, status),
                      client_describe_expected(AMQP_STATUS_SSL_CONNECTION_FAILED, "handshake", "PROTOCOL_VIOLATION",
                                               intrusion->alert, 1, -1, ""));
  if (strstr(amqp_wolfssl_error_message(error), intrusion->sentence) == NULL) {
    fail_msg("\"%s\" lacks \"%s\"", amqp_wolfssl_error_message(error), intrusion->sentence);
  }
  client_destroy(&client);
  stop_relayed(&relayed);
}

static const struct intrusion intrusions[] = {
    /* an alert whose level says neither warning nor fatal */
    {"before", "15030300020000", ILLEGAL_PARAMETER, "an alert of level 0"},
    {"before", "15030300024200", ILLEGAL_PARAMETER, "an alert of level 66"},
    {"before", "15030300024264", ILLEGAL_PARAMETER, "an alert of level 66"},
    /* ChangeCipherSpec before anything else */
    {"before", "140303000101", UNEXPECTED_MESSAGE, "ChangeCipherSpec"},
    /* within the ServerHello */
    {"split", "20:15030300024264", ILLEGAL_PARAMETER, "an alert of level 66"},
    {"split", "20:15030300020164", UNEXPECTED_MESSAGE, "in the middle of a handshake message"},
    {"split", "4:15030300020170", UNEXPECTED_MESSAGE, "in the middle of a handshake message"},
    {"split", "20:140303000101", UNEXPECTED_MESSAGE, "in the middle of a handshake message"},
    /* versions that no record has */
    {"record-version", "0305", PROTOCOL_VERSION, "version 0x0305"},
    {"record-version", "03fe", PROTOCOL_VERSION, "version 0x03fe"},
    {"record-version", "03ff", PROTOCOL_VERSION, "version 0x03ff"},
    /* longer than can be kept */
    {"longer", "2000", DECODE_ERROR, "longer than"},
};

static void what_can_not_be_followed_is_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(client_versions); i++) {
    for (size_t j = 0; j < COUNT(intrusions); j++) {
      expect_refusal(&intrusions[j], client_versions[i]);
    }
  }
}

static void the_sentence_says_what_came(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(client_versions); i++) {
    for (size_t j = 0; j < COUNT(intrusions); j++) {
      expect_sentence(&intrusions[j], client_versions[i]);
    }
  }
}

/* What is odd and allowed: it changes nothing. */
static void what_can_be_followed_is_taken(void **state) {
  static const struct intrusion harmless[] = {
      {"before", "", 0, NULL},
      {"before", "1503030002015a", 0, NULL},               /* user_canceled, a warning */
      {"before", "1503010002015a1503030002015a", 0, NULL}, /* two, the first as RFC 5246, E.1, has it */
      {"record-version", "0301", 0, NULL},
      {"split", "4", 0, NULL},
      {"split", "26", 0, NULL},
  };
  (void)state;

  for (size_t i = 0; i < COUNT(client_versions); i++) {
    for (size_t j = 0; j < COUNT(harmless); j++) {
      struct relayed relayed = start(&harmless[j], client_versions[i]);
      struct client client = client_new(&client_ordinary);

      print_message("# TLS 0x%04x, %s %s\n", (unsigned)client_versions[i], harmless[j].field, harmless[j].value);
      client_open(&client, "127.0.0.1", relayed.port);
      tls_server_expect_client(TLS_SERVER_OPENSSL, &relayed.server, "client1");
      client_destroy(&client);
      stop_relayed(&relayed);
    }
  }
}

/* TLS allows it, and wolfSSL 5.5.4 can't: then at least the sentence is true. */
static void a_header_in_two_records(void **state) {
  static const struct intrusion splits[] = {{"split", "1", 0, NULL}, {"split", "2", 0, NULL}, {"split", "3", 0, NULL}};
  (void)state;

  for (size_t i = 0; i < COUNT(client_versions); i++) {
    for (size_t j = 0; j < COUNT(splits); j++) {
      struct relayed relayed = start(&splits[j], client_versions[i]);
      struct client client = client_new(&client_ordinary);
      const int status = client_try_open(&client, "127.0.0.1", relayed.port);
      const amqp_wolfssl_error_t *error = amqp_wolfssl_socket_error(client.socket);

      if (status != AMQP_STATUS_OK) {
        assert_int_equal(amqp_wolfssl_error_code(error), AMQP_WOLFSSL_ERROR_HANDSHAKE_FAILED);
        assert_non_null(strstr(amqp_wolfssl_error_message(error), "less than the four bytes"));
      }
      client_destroy(&client);
      stop_relayed(&relayed);
    }
  }
}

/* ---- Records that are encrypted ---- */

enum { RECORDS = 6 };

struct crafted {
  const char *version;
  const char *place;
  const char *records[RECORDS];
  const char *sentence; /* NULL: nothing to object to, and the data behind them arrives */
};

/* What rabbitmq-c makes of a protocol header; <amqp.h> tells of the name, but does not define it. */
#define PROTOCOL_HEADER_FRAME 'A'
#define PROTOCOL_HEADER "1x23:414d515000000901"

#define EMPTY "23:"
#define WARNING "21:0164" /* no_renegotiation */
#define HELLO_REQUEST "22:00000000"
#define KEY_UPDATE "22:1800000100"
#define KEY_UPDATE_REQUESTED "22:1800000101"
/* lifetime, age, an empty nonce, a ticket of four bytes, no extensions */
#define TICKET                                \
  "22:04000011000000640000000000000401020304" \
  "0000"

static struct peer_process *start_crafting(const struct crafted *crafted, int *port) {
  const char *arguments[5 + RECORDS + 1] = {path_in_build_tree("tests/support/crafting_server"),
                                            minted_certificate("server"), minted_key("server"), crafted->version,
                                            crafted->place};
  struct peer_process *server;

  for (size_t i = 0; i < RECORDS && crafted->records[i] != NULL; i++) {
    arguments[5 + i] = crafted->records[i];
  }
  peer_require(arguments[0]);
  server = peer_process_start(arguments);
  *port = (int)strtol(peer_process_expect_line(server, "PORT "), NULL, 10);
  return server;
}

static int wait_for_frame(struct client *client) {
  struct timeval limit = {60, 0};
  amqp_frame_t frame;
  const int status = amqp_simple_wait_frame_noblock(client->connection, &frame, &limit);

  assert_true(status != AMQP_STATUS_OK || frame.frame_type == PROTOCOL_HEADER_FRAME);
  return status;
}

/* Opens, and waits for the frame behind all records. */
static int open_and_wait(struct client *client, int port) {
  const int status = client_try_open(client, "127.0.0.1", port);

  return status == AMQP_STATUS_OK ? wait_for_frame(client) : status;
}

/* A client that is refused its handshake in TLS 1.3 has encrypted nothing yet, and may say nothing. */
static void expect_nothing_in_clear(struct peer_process *server, const char *place) {
  const char *counts = peer_process_expect_line(server, "CLIENT-RECORDS ");
  char *end;

  if (strtoul(counts, &end, 10) != 0) {
    peer_process_show(server);
    fail_msg("something left in clear");
  }
  assert_memory_equal(end, " in clear, ", strlen(" in clear, "));
  assert_true(strtoul(end + strlen(" in clear, "), NULL, 10) > 0 || strcmp(place, "early") == 0);
}

static void check_crafted(const struct crafted *crafted) {
  int port;
  struct peer_process *server = start_crafting(crafted, &port);
  struct client client = client_new(&client_ordinary);
  const int status = open_and_wait(&client, port);
  const amqp_wolfssl_error_t *error = amqp_wolfssl_socket_error(client.socket);

  print_message("# TLS %s, %s, %s: %s\n", crafted->version, crafted->place, crafted->records[0],
                amqp_wolfssl_error_message(error));
  if (crafted->sentence == NULL) {
    assert_int_equal(status, AMQP_STATUS_OK);
  } else {
    assert_int_not_equal(status, AMQP_STATUS_OK);
    assert_string_equal(amqp_wolfssl_code_name(amqp_wolfssl_error_code(error)), "PROTOCOL_VIOLATION");
    assert_non_null(strstr(amqp_wolfssl_error_message(error), crafted->sentence));
    /* An alert of ours would be in clear, and the connection is encrypted. */
    assert_int_equal(amqp_wolfssl_error_alert(error), -1);
  }
  client_destroy(&client);
  peer_process_expect(server, "CRAFTED\n");
  peer_process_expect(server, "CLIENT-END\n");
  expect_nothing_in_clear(server, crafted->place);
  peer_process_stop(server);
}

static void check_all_crafted(const struct crafted *rows, size_t count) {
  for (size_t i = 0; i < count; i++) {
    check_crafted(&rows[i]);
  }
}

/* CVE-2024-0901: by anybody on the path, before any certificate is seen. Under valgrind wolfSSL 5.5.4 is seen to read
   64 KiB past its buffer if it gets the record. */
static void a_record_with_nothing_but_a_tag(void **state) {
  static const struct crafted rows[] = {
      {"1.3", "early", {"1xNONE"}, "a record of data of 16 bytes, which is too short, in the encrypted part"},
      {"1.3", "late", {"1xNONE", PROTOCOL_HEADER}, "a record of data of 16 bytes, which is too short, after"},
  };
  (void)state;

  check_all_crafted(rows, COUNT(rows));
}

static void records_out_of_order(void **state) {
  static const struct crafted rows[] = {
      {"1.3", "early", {"1xCLEAR:15030300020164"}, "an alert in the encrypted part of the handshake"},
      {"1.3", "early", {"1xCLEAR:16030300040e000000"}, "a handshake record in the encrypted part"},
      /* OpenSSL has sent one of its own */
      {"1.3", "early", {"1xCLEAR:140303000101"}, "more than 1 ChangeCipherSpec in a row"},
      {"1.3", "early", {"1xCLEAR:1703010011"}, "version 0x0301"},
      {"1.3", "early", {"1xCLEAR:1703034101"}, "of 16641 bytes, which is too long"},
      {"1.3", "late", {"1xCLEAR:140303000101", PROTOCOL_HEADER}, "a ChangeCipherSpec after the handshake"},
      {"1.3", "late", {"1xCLEAR:15030300020228"}, "an alert after the handshake"},
      {"1.3", "late", {"1xCLEAR:1903030001"}, "type 25"},
      {"1.2", "late", {"1x20:01", PROTOCOL_HEADER}, "a ChangeCipherSpec after the handshake"},
      {"1.2", "late", {"1xCLEAR:15030300020228"}, "an alert of 2 bytes, which is too short"},
      {"1.2", "late", {"1xCLEAR:1703034801"}, "of 18433 bytes, which is too long"},
      {"1.2", "late", {"1xCLEAR:1703020030"}, "version 0x0302"},
      {"1.2", "late", {"1x22:", PROTOCOL_HEADER}, "a handshake record of 24 bytes, which is too short"},
  };
  (void)state;

  check_all_crafted(rows, COUNT(rows));
}

/* Each kind would go on for as long as the server likes. */
static void floods(void **state) {
  static const char without_data[] = "more than 30 records in a row without any data";
  static const struct crafted rows[] = {
      {"1.2", "late", {"31x" EMPTY, PROTOCOL_HEADER}, without_data},
      {"1.2", "late", {"30x" EMPTY, "1x" HELLO_REQUEST, PROTOCOL_HEADER}, without_data},
      {"1.3", "late", {"31x" EMPTY, PROTOCOL_HEADER}, without_data},
      {"1.3", "late", {"31x" KEY_UPDATE, PROTOCOL_HEADER}, without_data},
      {"1.3", "late", {"31x" KEY_UPDATE_REQUESTED, PROTOCOL_HEADER}, without_data},
      {"1.3", "late", {"31x" TICKET, PROTOCOL_HEADER}, without_data},
  };
  (void)state;

  check_all_crafted(rows, COUNT(rows));
}

/* wolfSSL refuses these by itself, some versions the second one; others ignore them for ever. */
static void hello_requests(void **state) {
  static const struct crafted flood = {"1.2", "late", {"31x" HELLO_REQUEST, PROTOCOL_HEADER}, NULL};
  int port;
  struct peer_process *server = start_crafting(&flood, &port);
  struct client client = client_new(&client_ordinary);
  (void)state;

  assert_int_not_equal(open_and_wait(&client, port), AMQP_STATUS_OK);
  assert_int_equal(amqp_wolfssl_error_code(amqp_wolfssl_socket_error(client.socket)),
                   AMQP_WOLFSSL_ERROR_PROTOCOL_VIOLATION);
  assert_non_null(strstr(amqp_wolfssl_error_message(amqp_wolfssl_socket_error(client.socket)), "HelloRequest"));
  client_destroy(&client);
  expect_nothing_in_clear(server, flood.place);
  peer_process_stop(server);
}

/* As many as a real peer might send, and data starts the count anew. */
static void no_floods(void **state) {
#define MUCH(what) \
  { "28x" what, "1x23:", PROTOCOL_HEADER }
  static const struct crafted rows[] = {
      {"1.2", "late", MUCH(EMPTY), NULL},
      {"1.2", "late", {"28x" EMPTY, "1x" HELLO_REQUEST, PROTOCOL_HEADER}, NULL},
      {"1.2", "late", {"2x" WARNING, PROTOCOL_HEADER}, NULL},
      {"1.3", "late", MUCH(EMPTY), NULL},
      {"1.3", "late", MUCH(KEY_UPDATE), NULL},
      {"1.3", "late", MUCH(KEY_UPDATE_REQUESTED), NULL},
      {"1.3", "late", MUCH(TICKET), NULL},
      {"1.3", "late", {"28x" EMPTY, "1x23:41", "28x" KEY_UPDATE, "1x23:4d515000000901"}, NULL},
      {"1.2", "late", {"28x" EMPTY, "1x23:41", "28x" EMPTY, "1x23:4d515000000901"}, NULL},
  };
  (void)state;

  check_all_crafted(rows, COUNT(rows));
}

/* A CertificateRequest, in TLS 1.3: a context, and the signature algorithms that a server must name. */
#define SIGNATURE_ALGORITHMS "000e000d000a00080403080404010503"
#define REQUEST_WITH_CONTEXT "22:0d0000120141" SIGNATURE_ALGORITHMS
#define REQUEST_WITHOUT_CONTEXT "22:0d00001100" SIGNATURE_ALGORITHMS
/* The client's Finished, all that it encrypts unasked: a header, a hash, a type and a tag. */
#define FINISHED_BYTES (4 + 32 + 1 + 16)

/* Of what leaves then, nothing is as long as a certificate, or the signature that goes with it. */
static void expect_no_more_than_finished(struct peer_process *server) {
  const char *longest = strstr(peer_process_output(server), " encrypted, of ");

  assert_non_null(longest);
  if (strtoul(longest + strlen(" encrypted, of "), NULL, 10) != FINISHED_BYTES) {
    peer_process_show(server);
    fail_msg("something else left than the client's Finished and an alert");
  }
}

/* Waits for the first of two frames. What may leave while data is sent may not leave afterwards, so some was sent. */
static int open_send_and_wait(struct client *client, int port) {
  const amqp_frame_t heartbeat = {.frame_type = AMQP_FRAME_HEARTBEAT};
  const int status = client_try_open(client, "127.0.0.1", port);

  if (status != AMQP_STATUS_OK) {
    return status;
  }
  assert_int_equal(amqp_send_frame(client->connection, &heartbeat), AMQP_STATUS_OK);
  return wait_for_frame(client);
}

static void check_message_after_the_handshake(const struct crafted *crafted) {
  int port;
  struct peer_process *server = start_crafting(crafted, &port);
  struct client client = client_new(&client_ordinary);
  int status = open_send_and_wait(&client, port);
  const amqp_wolfssl_error_t *error;

  if (status == AMQP_STATUS_OK) {
    status = wait_for_frame(&client);
  }
  error = amqp_wolfssl_socket_error(client.socket);
  print_message("# %s: %s\n", crafted->records[0], amqp_wolfssl_error_message(error));
  assert_int_not_equal(status, AMQP_STATUS_OK);
  assert_string_equal(amqp_wolfssl_code_name(amqp_wolfssl_error_code(error)), "PROTOCOL_VIOLATION");
  client_destroy(&client);
  peer_process_expect(server, "CLIENT-END\n");
  expect_no_more_than_finished(server);
  peer_process_stop(server);
}

/* RFC 8446, section 4.6.2: who has not offered it must refuse. A wolfSSL that was built with authentication after the
   handshake, as Debian's is, would answer with the certificate, its signature and another Finished. */
static void a_request_for_a_certificate_after_the_handshake(void **state) {
  static const struct crafted rows[] = {
      {"1.3", "late", {"1x" REQUEST_WITH_CONTEXT, PROTOCOL_HEADER}, NULL},
      {"1.3", "late", {"1x" REQUEST_WITHOUT_CONTEXT, PROTOCOL_HEADER}, NULL},
      {"1.3", "late", {PROTOCOL_HEADER, "2x" REQUEST_WITH_CONTEXT, PROTOCOL_HEADER}, NULL},
  };
  (void)state;

  for (size_t i = 0; i < COUNT(rows); i++) {
    check_message_after_the_handshake(&rows[i]);
  }
}

/* What belongs into a handshake of TLS 1.3, and so starts none after it. */
static void messages_of_a_handshake_after_it(void **state) {
  static const char *const messages[] = {
      "1x22:00000000",         /* HelloRequest */
      "1x22:02000004030300cf", /* the beginning of a ServerHello */
      /* a HelloRetryRequest, by its random, without extensions */
      "1x22:020000280303cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c00130100000000",
      "1x22:080000020000",               /* EncryptedExtensions */
      "1x22:0b00000400000000",           /* Certificate */
      "1x22:0f000008040300040102030400", /* CertificateVerify */
      /* Finished */
      "1x22:140000200000000000000000000000000000000000000000000000000000000000000000",
  };
  (void)state;

  for (size_t i = 0; i < COUNT(messages); i++) {
    const struct crafted row = {"1.3", "late", {messages[i], PROTOCOL_HEADER}, NULL};

    check_message_after_the_handshake(&row);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_teardown(what_can_not_be_followed_is_refused, peer_process_tear_down),
      cmocka_unit_test_teardown(the_sentence_says_what_came, peer_process_tear_down),
      cmocka_unit_test_teardown(what_can_be_followed_is_taken, peer_process_tear_down),
      cmocka_unit_test_teardown(a_header_in_two_records, peer_process_tear_down),
      cmocka_unit_test_teardown(a_record_with_nothing_but_a_tag, peer_process_tear_down),
      cmocka_unit_test_teardown(records_out_of_order, peer_process_tear_down),
      cmocka_unit_test_teardown(floods, peer_process_tear_down),
      cmocka_unit_test_teardown(hello_requests, peer_process_tear_down),
      cmocka_unit_test_teardown(no_floods, peer_process_tear_down),
      cmocka_unit_test_teardown(a_request_for_a_certificate_after_the_handshake, peer_process_tear_down),
      cmocka_unit_test_teardown(messages_of_a_handshake_after_it, peer_process_tear_down),
  };

  return cmocka_run_group_tests_name("record attacks", tests, minted_certificates_make, minted_certificates_tear_down);
}
