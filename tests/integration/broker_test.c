/* SPDX-License-Identifier: MIT */
/*
 * Mutual TLS to real RabbitMQ brokers, one with an EC and one with an RSA certificate: who is let in and as whom, what
 * is refused and in which words, and that every byte of a message comes back as it went.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "autoconfig.h"

#include <amqp_wolfssl_socket.h>
#ifdef HAVE_WOLFSSL_OPTIONS_H
#include <wolfssl/options.h>
#endif
#include <wolfssl/error-ssl.h>
#include <wolfssl/version.h>

#include "broker_version.h"
#include "client.h"
#include "minted_certificates.h"
#include "open_descriptors.h"
#include "paths.h"
#include "peer_process.h"
#include "private_broker.h"
#include "temporary_folder.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define HOST "127.0.0.1"
/* Only a connection that hangs takes so long. */
#define HANG_MILLISECONDS 30000

enum { BROKER_EC, BROKER_RSA, BROKER_COUNT };
/* AlertDescription of RFC 5246, section 7.2. */
enum {
  ALERT_HANDSHAKE_FAILURE = 40,
  ALERT_BAD_CERTIFICATE = 42,
  ALERT_UNSUPPORTED_CERTIFICATE = 43,
  ALERT_UNKNOWN_CA = 48,
};

static const struct {
  const char *name;
  const char *certificate;
  const char *subject;
  const char *issuer;
} broker_certificates[BROKER_COUNT] = {
    {"broker-ec", "server", "CN=server,O=Acme", "CN=Acme Test Root,O=Acme Test"},
    {"broker-rsa", "server-rsa", "CN=server-rsa,O=Acme", "CN=Acme Test RSA Root,O=Acme Test"},
};

static struct private_broker brokers[BROKER_COUNT];

/* RabbitMQ has no Extended Master Secret in TLS 1.2, on Erlang/OTP up to 29 (erlang/otp issue 9235): an exception. */
static const struct client_settings ordinary = {
    .ca = "bundle", .identity = "client", .without_extended_master_secret = true};

/* Both boot at the same time. */
static int begin_brokers(void **state) {
  if (minted_certificates_make(state) != 0) {
    return -1;
  }
  for (size_t i = 0; i < BROKER_COUNT && private_broker_exists(); i++) {
    private_broker_begin(&brokers[i], broker_certificates[i].name, broker_certificates[i].certificate);
  }
  return 0;
}

/* A broker that is still starting is stopped as scripts/broker is; one that runs is stopped by the folder's keeper. */
static int end_brokers(void **state) {
  peer_process_stop_all();
  return minted_certificates_tear_down(state);
}

/* To be called by each case first. */
static void need_brokers(void) {
  private_broker_require();
  for (size_t i = 0; i < BROKER_COUNT; i++) {
    private_broker_await(&brokers[i]);
  }
}

static struct client new_ordinary(int version) {
  struct client_settings settings = ordinary;

  settings.version = version;
  return client_new(&settings);
}

static void log_in(struct client *client, const struct private_broker *broker) {
  client_check(client, client_login_plain(client, broker->user, broker->password, CLIENT_FRAME_MAX, 0), "log in");
}

static struct client connect_ordinary(const struct private_broker *broker, int version) {
  struct client client = new_ordinary(version);

  client_open(&client, HOST, broker->tls_port);
  log_in(&client, broker);
  return client;
}

/* ---- Who is let in, and what either side says about it ---- */

static const struct {
  const char *identity;
  const char *subject; /* ... and the name of the EXTERNAL user */
} identities[] = {
    {"client", "CN=client1,O=Acme"},
    {"client-rsa", "CN=client-rsa,O=Acme"},
    {"client-chain", "CN=client-chain,O=Acme"}, /* with its intermediate */
};

struct expected_connection {
  struct client client;
  char line[512]; /* as rabbitmqctl shows it */
};

/* The validity in a certificate, as openssl reads it. */
static int64_t validity(const char *certificate, const char *which) {
  const char *const arguments[] = {"openssl", "x509", "-noout", which, "-in", minted_certificate(certificate), NULL};
  char *text = peer_process_run(arguments);
  const char *date = strchr(text, '=');
  struct tm parts = {0};

  assert_non_null(date);
  assert_non_null(strptime(date + 1, "%b %d %H:%M:%S %Y GMT", &parts));
  free(text);
  return timegm(&parts);
}

static void check_peer(const struct client *client, int broker) {
  static const char *const names[] = {"DNS:localhost", "DNS:rabbitmq", "DNS:*.broker.test", "IP:127.0.0.1", "IP:::1"};
  const char *certificate = broker_certificates[broker].certificate;

  assert_string_equal(amqp_wolfssl_socket_peer_subject(client->socket), broker_certificates[broker].subject);
  assert_string_equal(amqp_wolfssl_socket_peer_issuer(client->socket), broker_certificates[broker].issuer);
  assert_int_equal(amqp_wolfssl_socket_peer_name_count(client->socket), COUNT(names));
  for (size_t i = 0; i < COUNT(names); i++) {
    assert_string_equal(amqp_wolfssl_socket_peer_name(client->socket, i), names[i]);
  }
  assert_int_equal(amqp_wolfssl_socket_peer_not_before(client->socket), validity(certificate, "-startdate"));
  assert_int_equal(amqp_wolfssl_socket_peer_not_after(client->socket), validity(certificate, "-enddate"));
}

static void check_negotiated(const struct client *client, int broker, int version) {
  const char *suite = amqp_wolfssl_socket_suite(client->socket);
  const char *group = amqp_wolfssl_socket_group(client->socket);

  assert_string_equal(amqp_wolfssl_socket_version(client->socket), client_version_name(version));
  if (version == AMQP_WOLFSSL_TLS_1_3) {
    assert_true(strcmp(suite, "TLS_AES_256_GCM_SHA384") == 0 || strcmp(suite, "TLS_AES_128_GCM_SHA256") == 0);
    assert_int_equal(amqp_wolfssl_socket_extended_master_secret(client->socket), 1);
  } else {
    /* The Extended Master Secret depends on Erlang's version; policies_test sees it both ways. */
    assert_non_null(strstr(suite, broker == BROKER_EC ? "TLS_ECDHE_ECDSA_WITH_AES_" : "TLS_ECDHE_RSA_WITH_AES_"));
    assert_non_null(strstr(suite, "_GCM_SHA"));
  }
  assert_true(strcmp(group, "secp256r1") == 0 || strcmp(group, "secp384r1") == 0 || strcmp(group, "secp521r1") == 0);
}

/* Without the exception TLS 1.2 works if the broker has the Extended Master Secret, and the refusal says so if not. */
static void the_policy_without_an_exception(void **state) {
  const struct client_settings settings = {.ca = "bundle", .identity = "client", .version = AMQP_WOLFSSL_TLS_1_2};
  (void)state;

  need_brokers();
  for (size_t i = 0; i < BROKER_COUNT; i++) {
    struct client excepted = new_ordinary(AMQP_WOLFSSL_TLS_1_2);
    struct client client = client_new(&settings);
    int status;

    client_open(&excepted, HOST, brokers[i].tls_port);
    status = client_try_open(&client, HOST, brokers[i].tls_port);
    if (amqp_wolfssl_socket_extended_master_secret(excepted.socket)) {
      assert_int_equal(status, AMQP_STATUS_OK);
    } else {
      assert_string_equal(
          client_describe_failure(&client, status),
          client_describe_expected(AMQP_STATUS_SSL_CONNECTION_FAILED, "policy", "POLICY_EXTENDED_MASTER_SECRET",
                                   ALERT_HANDSHAKE_FAILURE, 1, -1, ""));
    }
    client_destroy(&client);
    client_destroy(&excepted);
  }
}

static int local_port(const struct client *client) {
  struct sockaddr_in address;
  socklen_t length = sizeof(address);

  assert_int_equal(getsockname(amqp_get_sockfd(client->connection), (struct sockaddr *)&address, &length), 0);
  return ntohs(address.sin_port);
}

static struct expected_connection connect_as(int broker, int version, size_t identity, bool external) {
  const struct client_settings settings = {.ca = "bundle",
                                           .identity = identities[identity].identity,
                                           .version = version,
                                           .without_extended_master_secret = true};
  struct expected_connection expected = {.client = client_new(&settings)};
  struct client *client = &expected.client;
  const char *suite;

  client_open(client, HOST, brokers[broker].tls_port);
  assert_string_equal(amqp_wolfssl_socket_own_subject(client->socket), identities[identity].subject);
  check_negotiated(client, broker, version);
  if (external) {
    client_check(client, client_login_external(client), "log in by EXTERNAL");
  } else {
    log_in(client, &brokers[broker]);
  }
  suite = amqp_wolfssl_socket_suite(client->socket);
  (void)snprintf(expected.line, sizeof(expected.line), "%d\t%s\t%s\t%s\t%s\t%s\n", local_port(client),
                 external ? identities[identity].subject : brokers[broker].user, external ? "EXTERNAL" : "PLAIN",
                 version == AMQP_WOLFSSL_TLS_1_2 ? "tlsv1.2" : "tlsv1.3",
                 strstr(suite, "_256_") != NULL ? "aes_256_gcm" : "aes_128_gcm", identities[identity].subject);
  return expected;
}

static void check_the_brokers_view(int broker, const struct expected_connection *connections, size_t count) {
  static const char *const arguments[] = {
      "list_connections", "--quiet",      "--no-table-headers", "peer_port",         "user",
      "auth_mechanism",   "ssl_protocol", "ssl_cipher",         "peer_cert_subject", NULL};
  char *list = private_broker_ctl(&brokers[broker], arguments);

  for (size_t i = 0; i < count; i++) {
    if (strstr(list, connections[i].line) == NULL) {
      fail_msg("the broker does not list %sbut\n%s", connections[i].line, list);
    }
  }
  free(list);
}

/* All at once, because to ask the broker for its view takes it a second. */
static void every_identity_by_every_mechanism(int broker) {
  struct expected_connection connections[COUNT(client_versions) * COUNT(identities) * 2];
  size_t count = 0;

  for (size_t i = 0; i < COUNT(client_versions); i++) {
    for (size_t j = 0; j < COUNT(identities); j++) {
      connections[count++] = connect_as(broker, client_versions[i], j, false);
      connections[count++] = connect_as(broker, client_versions[i], j, true);
    }
  }
  check_peer(&connections[0].client, broker);
  check_peer(&connections[count - 1].client, broker);
  check_the_brokers_view(broker, connections, count);
  for (size_t i = 0; i < count; i++) {
    client_close(&connections[i].client);
  }
}

static void identities_and_mechanisms_with_an_ec_broker(void **state) {
  (void)state;
  need_brokers();
  every_identity_by_every_mechanism(BROKER_EC);
}

static void identities_and_mechanisms_with_an_rsa_broker(void **state) {
  (void)state;
  need_brokers();
  every_identity_by_every_mechanism(BROKER_RSA);
}

/* ---- Messages ---- */

/* AMQP 0-9-1, section 2.3.5: a frame is seven bytes of header, the payload, one byte of end. */
#define FRAME_OVERHEAD 8

static void exchange_messages(int broker, int version, int frame_max) {
  const size_t payload = (size_t)frame_max - FRAME_OVERHEAD;
  const size_t lengths[] = {0,           1,      payload - 1,     payload,         payload + 1,
                            2 * payload, 300000, 2 * payload - 1, 2 * payload + 1, 17};
  struct client client = new_ordinary(version);
  amqp_bytes_t queue;

  client_open(&client, HOST, brokers[broker].tls_port);
  client_check(&client, client_login_plain(&client, brokers[broker].user, brokers[broker].password, frame_max, 0),
               "log in");
  assert_int_equal(amqp_get_frame_max(client.connection), frame_max);
  queue = client_declare_queue(&client);
  client_confirm_select(&client);
  for (size_t i = 0; i < COUNT(lengths); i++) {
    client_publish(&client, queue, lengths[i], i);
  }
  client_await_confirms(&client, COUNT(lengths));
  client_consume(&client, queue);
  for (size_t i = 0; i < COUNT(lengths); i++) {
    client_expect_message(&client, lengths[i], i);
  }
  amqp_bytes_free(queue);
  client_close(&client);
}

static void messages_around_the_size_of_a_frame(void **state) {
  int frame_maxima[] = {0, 131072};
  struct broker_version version;
  (void)state;

  need_brokers();
  version = broker_version_of(&brokers[BROKER_EC]);
  frame_maxima[0] = broker_least_frame_max(&version);
  for (size_t i = 0; i < COUNT(client_versions); i++) {
    for (size_t j = 0; j < COUNT(frame_maxima); j++) {
      exchange_messages(BROKER_EC, client_versions[i], frame_maxima[j]);
      exchange_messages(BROKER_RSA, client_versions[i], frame_maxima[j]);
    }
  }
}

/* ---- A program that waits for the descriptor itself ---- */

#define POLLED_MESSAGES 2000

/*
 * Most are short, a few take several frames. The last ones are all short: the broker sends them in a burst of small
 * records, and whoever keeps one of those back from the program makes it wait for ever.
 */
static size_t polled_length(size_t number) {
  const size_t position = number % 100;

  if (position == 0) {
    return 150000 + number;
  }
  return position < 50 && position % 10 == 5 ? 20000 + number : (number * 37) % 700;
}

static void fill_queue(struct client *client, amqp_bytes_t queue) {
  client_confirm_select(client);
  for (size_t i = 0; i < POLLED_MESSAGES; i++) {
    client_publish(client, queue, polled_length(i), i);
  }
  client_await_confirms(client, POLLED_MESSAGES);
}

static void polling_for_messages(int version) {
  struct client client = connect_ordinary(&brokers[BROKER_EC], version);
  amqp_bytes_t queue = client_declare_queue(&client);
  size_t number = 0;

  fill_queue(&client, queue);
  client_consume(&client, queue);
  while (number < POLLED_MESSAGES) {
    client_await_descriptor(&client, number, HANG_MILLISECONDS);
    number += client_take_message(&client, polled_length(number), number) ? 1 : 0;
  }
  amqp_bytes_free(queue);
  client_close(&client);
}

/* Frame by frame: a body may come in pieces, with waits in between. */
struct frame_reader {
  size_t number;
  size_t received; /* bytes of the current body */
  size_t length;
  uint8_t *expected;
};

static void read_frame(struct frame_reader *reader, const amqp_frame_t *frame) {
  switch (frame->frame_type) {
    case AMQP_FRAME_METHOD:
      assert_int_equal(frame->payload.method.id, AMQP_BASIC_DELIVER_METHOD);
      return;
    case AMQP_FRAME_HEADER:
      reader->length = (size_t)frame->payload.properties.body_size;
      reader->received = 0;
      assert_int_equal(reader->length, polled_length(reader->number));
      client_fill(reader->expected, reader->length, reader->number);
      break;
    case AMQP_FRAME_BODY:
      assert_true(reader->received + frame->payload.body_fragment.len <= reader->length);
      assert_memory_equal(frame->payload.body_fragment.bytes, reader->expected + reader->received,
                          frame->payload.body_fragment.len);
      reader->received += frame->payload.body_fragment.len;
      break;
    default:
      fail_msg("a frame of type %d", frame->frame_type);
  }
  reader->number += reader->received == reader->length ? 1 : 0;
}

static void polling_for_frames(int version) {
  struct client client = connect_ordinary(&brokers[BROKER_EC], version);
  amqp_bytes_t queue = client_declare_queue(&client);
  struct frame_reader reader = {.expected = malloc(200000)};

  assert_non_null(reader.expected);
  fill_queue(&client, queue);
  client_consume(&client, queue);
  while (reader.number < POLLED_MESSAGES) {
    struct timeval no_time = {0, 0};
    amqp_frame_t frame;
    int status;

    client_await_descriptor(&client, reader.number, HANG_MILLISECONDS);
    amqp_maybe_release_buffers(client.connection);
    status = amqp_simple_wait_frame_noblock(client.connection, &frame, &no_time);
    if (status == AMQP_STATUS_OK) {
      read_frame(&reader, &frame);
    } else if (status != AMQP_STATUS_TIMEOUT) {
      fail_msg("%s", client_describe_failure(&client, status));
    }
  }
  free(reader.expected);
  amqp_bytes_free(queue);
  client_close(&client);
}

static void a_program_that_polls_gets_every_message(void **state) {
  (void)state;
  need_brokers();
  for (size_t i = 0; i < COUNT(client_versions); i++) {
    polling_for_messages(client_versions[i]);
    polling_for_frames(client_versions[i]);
  }
}

/* ---- Clients that the broker refuses ---- */

struct refused_client {
  const char *identity; /* NULL: none */
  const char *code;
  int alert_1_2;
  int alert_1_3;
  int depth;
  const char *subject;
  const char *sentence;
};

/* Erlang/OTP 27 and later say unsupported_certificate of one for another purpose, earlier ones handshake_failure. */
#define WRONG_PURPOSE 0
#define FIRST_ERLANG_TO_SAY_SO 27

static const struct refused_client refused_clients[] = {
    {NULL, "REQUIRES_A_CERTIFICATE", 40, 116, -1, "", "requires a client certificate"},
    {"client-expired", "REJECTED_OUR_CERTIFICATE", 45, 45, 0, "CN=client-expired,O=Acme", "it expired on"},
    {"client-not-yet-valid", "REJECTED_OUR_CERTIFICATE", 45, 45, 0, "CN=client-not-yet-valid,O=Acme",
     "it is not valid until"},
    {"client-other-ca", "REJECTED_OUR_CERTIFICATE", 48, 48, 0, "CN=client-other-ca,O=Acme",
     "\"CN=Other Test Root,O=Other Test\""},
    {"client-chain-leaf-only", "REJECTED_OUR_CERTIFICATE", 48, 48, 0, "CN=client-chain,O=Acme",
     "\"CN=Acme Test Intermediate,O=Acme Test\""},
    {"client-server-eku", "REJECTED_OUR_CERTIFICATE", WRONG_PURPOSE, WRONG_PURPOSE, 0, "CN=client-server-eku,O=Acme",
     "lacks clientAuth"},
};

static struct refused_client refused_by(const struct broker_version *version, size_t row) {
  struct refused_client refused = refused_clients[row];

  if (refused.alert_1_2 == WRONG_PURPOSE) {
    refused.alert_1_2 =
        version->erlang >= FIRST_ERLANG_TO_SAY_SO ? ALERT_UNSUPPORTED_CERTIFICATE : ALERT_HANDSHAKE_FAILURE;
    refused.alert_1_3 = refused.alert_1_2;
  }
  return refused;
}

static void expect_sentence(const struct client *client, const char *part) {
  const char *sentence = amqp_wolfssl_error_message(amqp_wolfssl_socket_error(client->socket));

  if (strstr(sentence, part) == NULL) {
    fail_msg("\"%s\" is not in \"%s\"", part, sentence);
  }
}

/* In TLS 1.2 the verdict comes within the handshake. */
static void be_refused_at_once(struct client *client, int port, const struct refused_client *refused) {
  const int status = client_try_open(client, HOST, port);

  assert_string_equal(client_describe_failure(client, status),
                      client_describe_expected(AMQP_STATUS_SSL_CONNECTION_FAILED, "handshake", refused->code,
                                               refused->alert_1_2, 0, refused->depth, refused->subject));
}

/* In TLS 1.3 it comes behind it, and meets us as we send or as we receive. */
static void be_refused_late(struct client *client, int port, const struct private_broker *broker,
                            const struct refused_client *refused) {
  const int status = client_try_open(client, HOST, port);
  amqp_wolfssl_stage_t stage;
  amqp_rpc_reply_t reply;

  if (status != AMQP_STATUS_OK) {
    fail_msg("%s", client_describe_failure(client, status));
  }
  reply = client_login_plain(client, broker->user, broker->password, CLIENT_FRAME_MAX, 0);
  assert_int_equal(reply.reply_type, AMQP_RESPONSE_LIBRARY_EXCEPTION);
  stage = amqp_wolfssl_error_stage(amqp_wolfssl_socket_error(client->socket));
  assert_string_equal(
      client_describe_failure(client, reply.library_error),
      client_describe_expected(AMQP_STATUS_SSL_ERROR, stage == AMQP_WOLFSSL_STAGE_SEND ? "send" : "receive",
                               refused->code, refused->alert_1_3, 0, refused->depth, refused->subject));
}

static void clients_that_the_broker_refuses(void **state) {
  struct broker_version version;
  (void)state;

  need_brokers();
  version = broker_version_of(&brokers[BROKER_EC]);
  for (size_t i = 0; i < COUNT(refused_clients) * BROKER_COUNT; i++) {
    const struct refused_client refused = refused_by(&version, i / BROKER_COUNT);
    const struct private_broker *broker = &brokers[i % BROKER_COUNT];

    for (size_t j = 0; j < COUNT(client_versions); j++) {
      const struct client_settings settings = {.ca = "bundle",
                                               .identity = refused.identity,
                                               .version = client_versions[j],
                                               .without_extended_master_secret = true};
      struct client client = client_new(&settings);

      if (client_versions[j] == AMQP_WOLFSSL_TLS_1_2) {
        be_refused_at_once(&client, broker->tls_port, &refused);
      } else {
        be_refused_late(&client, broker->tls_port, broker, &refused);
      }
      expect_sentence(&client, refused.sentence);
      client_destroy(&client);
    }
  }
}

/* RabbitMQ 4.1 and later end a connection that agrees to less than they want, without a word: we say why. */
static void a_frame_max_that_the_broker_refuses(void **state) {
  static const int too_small = 4096;
  struct broker_version version;
  (void)state;

  need_brokers();
  version = broker_version_of(&brokers[BROKER_EC]);
  for (size_t i = 0; i < COUNT(client_versions); i++) {
    const struct private_broker *broker = &brokers[BROKER_EC];
    struct client client = new_ordinary(client_versions[i]);
    amqp_rpc_reply_t reply;

    client_open(&client, HOST, broker->tls_port);
    reply = client_login_plain(&client, broker->user, broker->password, too_small, 0);
    if (broker_least_frame_max(&version) <= too_small) {
      assert_int_equal(reply.reply_type, AMQP_RESPONSE_NORMAL);
      client_close(&client);
    } else {
      assert_int_equal(reply.reply_type, AMQP_RESPONSE_LIBRARY_EXCEPTION);
      assert_string_equal(
          client_describe_failure(&client, reply.library_error),
          client_describe_expected(AMQP_STATUS_CONNECTION_CLOSED, "receive", "CLOSED_BY_PEER", 0, 0, -1, ""));
      expect_sentence(&client, "a login with a frame_max of 4096, and RabbitMQ 4.1 and later require");
      client_destroy(&client);
    }
  }
}

/* The broker takes the certificate, but has no such user: AMQP says so, not TLS. */
static void an_unknown_external_user(void **state) {
  (void)state;
  need_brokers();
  for (size_t i = 0; i < COUNT(client_versions); i++) {
    const struct client_settings settings = {.ca = "bundle",
                                             .identity = "client-no-user",
                                             .version = client_versions[i],
                                             .without_extended_master_secret = true};
    struct client client = client_new(&settings);

    client_open(&client, HOST, brokers[BROKER_EC].tls_port);
    assert_int_equal(client_refusal(client_login_external(&client)), AMQP_ACCESS_REFUSED);
    client_destroy(&client);

    client = client_new(&settings); /* by password it may come in */
    client_open(&client, HOST, brokers[BROKER_EC].tls_port);
    log_in(&client, &brokers[BROKER_EC]);
    client_close(&client);
  }
}

static void a_wrong_password(void **state) {
  (void)state;
  need_brokers();
  for (size_t i = 0; i < COUNT(client_versions); i++) {
    struct client client = new_ordinary(client_versions[i]);

    client_open(&client, HOST, brokers[BROKER_EC].tls_port);
    assert_int_equal(client_refusal(client_login_plain(&client, brokers[BROKER_EC].user, "wrong", CLIENT_FRAME_MAX, 0)),
                     AMQP_ACCESS_REFUSED);
    client_destroy(&client);
  }
}

/* ---- Configurations that must not lead to a connection ---- */

static void a_weak_identity_is_never_left_out(void **state) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
  struct client client = {.connection = amqp_new_connection()};
  int status;
  (void)state;

  need_brokers();
  assert_int_equal(amqp_wolfssl_config_add_ca_file(config, minted_certificate("bundle")), AMQP_WOLFSSL_OK);
  assert_int_equal(amqp_wolfssl_config_set_identity_files(config, minted_certificate("client-weak-rsa1024"),
                                                          minted_key("client-weak-rsa1024")),
                   AMQP_WOLFSSL_ERROR_IDENTITY_AGAINST_POLICY);
  client.socket = amqp_wolfssl_socket_new(client.connection, config);
  amqp_wolfssl_config_free(config);
  assert_non_null(client.socket);
  status = client_try_open(&client, HOST, brokers[BROKER_EC].tls_port);
  assert_int_not_equal(status, AMQP_STATUS_OK);
  assert_int_equal(amqp_wolfssl_error_code(amqp_wolfssl_socket_error(client.socket)),
                   AMQP_WOLFSSL_ERROR_IDENTITY_AGAINST_POLICY);
  assert_int_equal(amqp_wolfssl_error_stage(amqp_wolfssl_socket_error(client.socket)), AMQP_WOLFSSL_STAGE_CONFIGURE);
  client_destroy(&client);
}

/* Erlang sends the root along. Some builds of wolfSSL find fault with that one, others with the leaf below it. */
static int depth_of_fault(const struct client *client) {
  const amqp_wolfssl_error_t *error = amqp_wolfssl_socket_error(client->socket);

  return amqp_wolfssl_error_code(error) == AMQP_WOLFSSL_ERROR_UNKNOWN_CA &&
         amqp_wolfssl_error_certificate_depth(error) == 1;
}

/* wolfSSL says unknown_ca if it found no issuer, bad_certificate if it was we who refused, as happens at a root. */
static int alert_of_fault(const struct client *client, int alert) {
  const int reason = amqp_wolfssl_error_wolfssl_code(amqp_wolfssl_socket_error(client->socket));

  return reason == VERIFY_CERT_ERROR ? ALERT_BAD_CERTIFICATE : alert;
}

static void brokers_that_we_refuse(void **state) {
  static const struct {
    const char *ca;
    const char *server_name;
    int status;
    const char *code;
    int alert;
  } rows[] = {
      {"other-ca", NULL, AMQP_STATUS_SSL_PEER_VERIFY_FAILED, "UNKNOWN_CA", ALERT_UNKNOWN_CA},
      {"bundle", "elsewhere.test", AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED, "NAME_MISMATCH", ALERT_BAD_CERTIFICATE},
      {"bundle", "192.0.2.1", AMQP_STATUS_SSL_HOSTNAME_VERIFY_FAILED, "NAME_MISMATCH", ALERT_BAD_CERTIFICATE},
  };
  (void)state;

  need_brokers();
  for (size_t i = 0; i < COUNT(rows) * BROKER_COUNT; i++) {
    const size_t row = i / BROKER_COUNT;
    const size_t broker = i % BROKER_COUNT;

    for (size_t j = 0; j < COUNT(client_versions); j++) {
      const struct client_settings settings = {.ca = rows[row].ca,
                                               .identity = "client",
                                               .server_name = rows[row].server_name,
                                               .version = client_versions[j]};
      struct client client = client_new(&settings);
      const int status = client_try_open(&client, HOST, brokers[broker].tls_port);

      const int depth = depth_of_fault(&client);
      const int alert = alert_of_fault(&client, rows[row].alert);

      assert_string_equal(client_describe_failure(&client, status),
                          client_describe_expected(
                              rows[row].status, "verify", rows[row].code, alert, 1, depth,
                              depth == 0 ? broker_certificates[broker].subject : broker_certificates[broker].issuer));
      client_destroy(&client);
    }
  }
}

/* ---- Opening, closing, opening again ---- */

static void try_the_plain_port(struct client *client) {
  const int status = client_try_open(client, HOST, brokers[BROKER_EC].plain_port);

  assert_string_equal(
      client_describe_failure(client, status),
      client_describe_expected(AMQP_STATUS_SSL_CONNECTION_FAILED, "handshake", "PEER_SPEAKS_PLAIN_AMQP", 0, 0, -1, ""));
  assert_int_equal(amqp_get_sockfd(client->connection), -1);
}

static void a_socket_opens_after_failures(void **state) {
  (void)state;
  need_brokers();
  for (size_t i = 0; i < COUNT(client_versions); i++) {
    struct client client = new_ordinary(client_versions[i]);

    try_the_plain_port(&client);
    assert_int_equal(client_try_open(&client, HOST, peer_free_port()), AMQP_STATUS_SOCKET_ERROR);
    try_the_plain_port(&client);
    client_open(&client, HOST, brokers[BROKER_EC].tls_port);
    assert_int_equal(amqp_wolfssl_error_code(amqp_wolfssl_socket_error(client.socket)), AMQP_WOLFSSL_OK);
    assert_int_equal(client_try_open(&client, HOST, brokers[BROKER_EC].tls_port), AMQP_STATUS_SOCKET_INUSE);
    log_in(&client, &brokers[BROKER_EC]);
    client_close(&client);
  }
}

/* Nothing comes for us meanwhile, but heartbeats go both ways: without them either side would give up after 2 s. */
static void stay_idle(int version) {
  struct client client = new_ordinary(version);
  struct timeval limit = {3, 0};
  amqp_frame_t frame;

  client_open(&client, HOST, brokers[BROKER_EC].tls_port);
  client_check(&client,
               client_login_plain(&client, brokers[BROKER_EC].user, brokers[BROKER_EC].password, CLIENT_FRAME_MAX, 1),
               "log in");
  assert_int_equal(amqp_get_heartbeat(client.connection), 1);
  assert_int_equal(amqp_simple_wait_frame_noblock(client.connection, &frame, &limit), AMQP_STATUS_TIMEOUT);
  amqp_bytes_free(client_declare_queue(&client));
  client_close(&client);
}

static void a_heartbeat_keeps_an_idle_connection(void **state) {
  (void)state;
  need_brokers();
  for (size_t i = 0; i < COUNT(client_versions); i++) {
    stay_idle(client_versions[i]);
  }
}

/* Some end without a word of AMQP, some in the middle of it, some as they should. */
static void connect_and_end(size_t number) {
  const struct private_broker *broker = &brokers[number / 2 % BROKER_COUNT];
  struct client client = new_ordinary(client_versions[number % COUNT(client_versions)]);

  client_open(&client, HOST, broker->tls_port);
  switch (number / 4 % 4) {
    case 0:
      break;
    case 1:
      client_check(&client, client_login_external(&client), "log in by EXTERNAL");
      break;
    case 2:
      client_check(&client, client_login_external(&client), "log in by EXTERNAL");
      client_close(&client);
      return;
    default:
      log_in(&client, broker);
      client_close(&client);
      return;
  }
  client_destroy(&client);
}

static void many_connections_leave_nothing_open(void **state) {
  size_t before;
  (void)state;

  need_brokers();
  before = open_descriptors();
  for (size_t i = 0; i < 200; i++) {
    connect_and_end(i);
  }
  assert_int_equal(open_descriptors(), before);
}

/* ---- The group of policy modern ---- */

/* RFC 8446, section 4.1.3: the random of a HelloRetryRequest. */
static const uint8_t retry_random[] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
                                       0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
                                       0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};

#define FIRST_ERLANG_WITH_HYBRID 28

/* A hybrid is the key share that RabbitMQ on Erlang/OTP 28 and later prefers. Older ones ask for another. */
static void modern_has_the_key_share_that_is_wanted(void **state) {
#if defined(WOLFSSL_HAVE_MLKEM) && defined(HAVE_CURVE25519) && LIBWOLFSSL_VERSION_HEX >= 0x05009002
  const bool has_hybrid = true;
#else
  const bool has_hybrid = false;
#endif
#ifdef HAVE_CURVE25519
  static const char classical[] = "x25519";
#else
  static const char classical[] = "secp256r1";
#endif
  const struct client_settings settings = {
      .ca = "bundle", .identity = "client", .version = AMQP_WOLFSSL_TLS_1_3, .policy = AMQP_WOLFSSL_POLICY_MODERN};
  char port[16];
  const char *const arguments[] = {path_in_build_tree("tests/support/recording_relay"), port,
                                   temporary_folder_path("."), NULL};
  struct peer_process *relay;
  struct client client;
  size_t length;
  uint8_t *recorded;
  struct broker_version version;
  bool broker_has_hybrid;

  (void)state;
  need_brokers();
  version = broker_version_of(&brokers[BROKER_EC]);
  broker_has_hybrid = version.erlang >= FIRST_ERLANG_WITH_HYBRID;
  (void)snprintf(port, sizeof(port), "%d", brokers[BROKER_EC].tls_port);
  relay = peer_process_start(arguments);
  client = client_new(&settings);
  client_open(&client, HOST, (int)strtol(peer_process_expect_line(relay, "PORT "), NULL, 10));
  assert_string_equal(amqp_wolfssl_socket_group(client.socket),
                      has_hybrid && broker_has_hybrid ? "X25519MLKEM768" : classical);
  log_in(&client, &brokers[BROKER_EC]);
  client_close(&client);
  (void)peer_process_expect_line(relay, "RECORDED 1-to-client");
  recorded = temporary_folder_read("1-to-client", &length);
  assert_true(length > 1000);
  assert_int_equal(memmem(recorded, length, retry_random, sizeof(retry_random)) != NULL,
                   has_hybrid && !broker_has_hybrid);
  free(recorded);
  peer_process_stop(relay);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_policy_without_an_exception),
      cmocka_unit_test(identities_and_mechanisms_with_an_ec_broker),
      cmocka_unit_test(identities_and_mechanisms_with_an_rsa_broker),
      cmocka_unit_test(messages_around_the_size_of_a_frame),
      cmocka_unit_test(a_program_that_polls_gets_every_message),
      cmocka_unit_test(clients_that_the_broker_refuses),
      cmocka_unit_test(a_frame_max_that_the_broker_refuses),
      cmocka_unit_test(an_unknown_external_user),
      cmocka_unit_test(a_wrong_password),
      cmocka_unit_test(a_weak_identity_is_never_left_out),
      cmocka_unit_test(brokers_that_we_refuse),
      cmocka_unit_test(a_socket_opens_after_failures),
      cmocka_unit_test(a_heartbeat_keeps_an_idle_connection),
      cmocka_unit_test(many_connections_leave_nothing_open),
      cmocka_unit_test(modern_has_the_key_share_that_is_wanted),
  };

  return cmocka_run_group_tests_name("broker", tests, begin_brokers, end_brokers);
}
