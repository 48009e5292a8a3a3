/* SPDX-License-Identifier: MIT */
/*
 * The policy: what it makes wolfSSL offer (read out of a real ClientHello), what it lets wolfSSL accept (handshakes in
 * memory), and what it says of every suite, group and key afterwards.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "autoconfig.h"
#include "byte_queue.h"
#include "exact_copy.h"
#include "fips_module.h"
#include "minted_certificates.h"
#include "policy.h"
#include "temporary_folder.h"
#include "wolfssl_headers.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TLS12 AMQP_WOLFSSL_TLS_1_2
#define TLS13 AMQP_WOLFSSL_TLS_1_3

static const uint16_t suites_1_3[] = {0x1302, 0x1301};
static const uint16_t suites_1_2[] = {0xc02c, 0xc030, 0xc02b, 0xc02f};
static const uint16_t groups[] = {23, 24, 25}; /* secp256r1, secp384r1, secp521r1 */

static const struct policy *fips;

static int mint(void **state) {
  (void)state;
  fips = policy_find(AMQP_WOLFSSL_POLICY_FIPS);
  return fips != NULL && fips_module_start() == 0 ? minted_certificates_make() : -1;
}

static int remove_folder(void **state) {
  (void)state;
  return temporary_folder_remove();
}

static bool is_in(const uint16_t *numbers, size_t count, unsigned number) {
  for (size_t i = 0; i < count; i++) {
    if (numbers[i] == number) {
      return true;
    }
  }
  return false;
}

static void test_find(void **state) {
  (void)state;
  assert_non_null(policy_find(AMQP_WOLFSSL_POLICY_FIPS));
  assert_non_null(policy_find(AMQP_WOLFSSL_POLICY_MODERN));
  for (int number = -1; number <= 64; number++) {
    if (number != AMQP_WOLFSSL_POLICY_FIPS && number != AMQP_WOLFSSL_POLICY_MODERN) {
      assert_null(policy_find((amqp_wolfssl_policy_t)number));
    }
  }
}

/* ---- Contexts, as the library makes them ---- */

static WOLFSSL_CTX *new_client(amqp_wolfssl_version_t lowest, amqp_wolfssl_version_t highest) {
  WOLFSSL_METHOD *method = lowest == TLS13    ? wolfTLSv1_3_client_method()
                           : highest == TLS12 ? wolfTLSv1_2_client_method()
                                              : wolfTLS_client_method();
  WOLFSSL_CTX *context = wolfSSL_CTX_new(method);

  assert_non_null(context);
  assert_int_equal(wolfSSL_CTX_SetMinVersion(context, lowest == TLS13 ? WOLFSSL_TLSV1_3 : WOLFSSL_TLSV1_2),
                   WOLFSSL_SUCCESS);
  return context;
}

static void apply(WOLFSSL_CTX *context, amqp_wolfssl_version_t lowest, amqp_wolfssl_version_t highest) {
  amqp_wolfssl_error_t error;
  amqp_wolfssl_code_t code;

  error_clear(&error);
  code = policy_apply(fips, context, lowest, highest, &error);
  if (code != AMQP_WOLFSSL_OK) {
    fail_msg("%s: %s", amqp_wolfssl_code_name(code), error.message);
  }
}

/* ---- What is offered ---- */

static int keep_sent(WOLFSSL *ssl, char *bytes, int length, void *sent) {
  (void)ssl;
  return byte_queue_append(sent, bytes, (size_t)length) ? length : WOLFSSL_CBIO_ERR_GENERAL;
}

static int receive_nothing(WOLFSSL *ssl, char *bytes, int capacity, void *user_data) {
  (void)ssl;
  (void)bytes;
  (void)capacity;
  (void)user_data;
  return WOLFSSL_CBIO_ERR_WANT_READ;
}

struct reader {
  const uint8_t *bytes;
  size_t left;
};

static size_t take(struct reader *reader, size_t length) {
  size_t value = 0;

  assert_true(reader->left >= length);
  for (size_t i = 0; i < length; i++) {
    value = value << 8 | reader->bytes[i];
  }
  reader->bytes += length;
  reader->left -= length;
  return value;
}

/* A vector whose length stands in the first \a length_size bytes. */
static struct reader take_vector(struct reader *reader, size_t length_size) {
  struct reader vector;

  vector.left = take(reader, length_size);
  vector.bytes = reader->bytes;
  assert_true(reader->left >= vector.left);
  reader->bytes += vector.left;
  reader->left -= vector.left;
  return vector;
}

struct offer {
  uint16_t suites[128];
  size_t suite_count;
  uint16_t groups[64];
  size_t group_count;
};

static size_t take_numbers(struct reader vector, uint16_t *numbers, size_t capacity) {
  size_t count = 0;

  while (vector.left > 0) {
    assert_true(count < capacity);
    numbers[count++] = (uint16_t)take(&vector, 2);
  }
  return count;
}

/* RFC 8446, sections 5.1 and 4.1.2. */
static void read_client_hello(struct reader record, struct offer *offer) {
  struct reader hello;
  struct reader extensions;

  memset(offer, 0, sizeof(*offer));
  assert_int_equal(take(&record, 1), 22);
  (void)take(&record, 2);
  record = take_vector(&record, 2);
  assert_int_equal(take(&record, 1), 1);
  hello = take_vector(&record, 3);
  (void)take(&hello, 2);
  for (size_t i = 0; i < 32; i++) {
    (void)take(&hello, 1);
  }
  (void)take_vector(&hello, 1);
  offer->suite_count = take_numbers(take_vector(&hello, 2), offer->suites, COUNT(offer->suites));
  (void)take_vector(&hello, 1);
  extensions = take_vector(&hello, 2);
  while (extensions.left > 0) {
    size_t kind = take(&extensions, 2);
    struct reader content = take_vector(&extensions, 2);

    if (kind == 10) {
      offer->group_count = take_numbers(take_vector(&content, 2), offer->groups, COUNT(offer->groups));
    }
  }
}

static void read_offer(WOLFSSL_CTX *context, struct offer *offer) {
  struct byte_queue sent;
  WOLFSSL *ssl;

  byte_queue_init(&sent);
  wolfSSL_CTX_SetIOSend(context, keep_sent);
  wolfSSL_CTX_SetIORecv(context, receive_nothing);
  ssl = wolfSSL_new(context);
  assert_non_null(ssl);
  wolfSSL_SetIOWriteCtx(ssl, &sent);
  assert_int_not_equal(wolfSSL_connect(ssl), WOLFSSL_SUCCESS);
  assert_int_equal(wolfSSL_get_error(ssl, 0), WOLFSSL_ERROR_WANT_READ);
  read_client_hello((struct reader){byte_queue_front(&sent), sent.length}, offer);
  wolfSSL_free(ssl);
  byte_queue_release(&sent);
}

static void assert_offers(amqp_wolfssl_version_t lowest, amqp_wolfssl_version_t highest, const uint16_t *suites,
                          size_t suite_count) {
  WOLFSSL_CTX *context = new_client(lowest, highest);
  struct offer offer;
  size_t count = 0;

  apply(context, lowest, highest);
  read_offer(context, &offer);
  for (size_t i = 0; i < offer.suite_count; i++) {
    if (offer.suites[i] != 0x00ff) { /* TLS_EMPTY_RENEGOTIATION_INFO_SCSV says no suite (RFC 5746) */
      assert_true(count < suite_count);
      assert_int_equal(offer.suites[i], suites[count]);
      count++;
    }
  }
  assert_int_equal(count, suite_count);
  assert_int_equal(offer.group_count, COUNT(groups));
  for (size_t i = 0; i < COUNT(groups); i++) {
    assert_true(is_in(offer.groups, offer.group_count, groups[i]));
  }
  wolfSSL_CTX_free(context);
}

static void test_offers_what_it_allows(void **state) {
  uint16_t both[COUNT(suites_1_3) + COUNT(suites_1_2)];
  (void)state;

  memcpy(both, suites_1_3, sizeof(suites_1_3));
  memcpy(both + COUNT(suites_1_3), suites_1_2, sizeof(suites_1_2));
  assert_offers(TLS12, TLS12, suites_1_2, COUNT(suites_1_2));
  assert_offers(TLS13, TLS13, suites_1_3, COUNT(suites_1_3));
  assert_offers(TLS12, TLS13, both, COUNT(both));
}

/* P-256 first: the least work, and the key share that every server takes. */
static void test_offers_groups_in_order(void **state) {
  static const amqp_wolfssl_version_t lowest[] = {TLS12, TLS12, TLS13};
  static const amqp_wolfssl_version_t highest[] = {TLS12, TLS13, TLS13};
  (void)state;

  for (size_t i = 0; i < 3; i++) {
    WOLFSSL_CTX *context = new_client(lowest[i], highest[i]);
    struct offer offer;

    apply(context, lowest[i], highest[i]);
    read_offer(context, &offer);
    assert_int_equal(offer.group_count, COUNT(groups));
    assert_memory_equal(offer.groups, groups, sizeof(groups));
    wolfSSL_CTX_free(context);
  }
}

#if defined(HAVE_CHACHA) && defined(HAVE_POLY1305) && defined(HAVE_CURVE25519)
/* Outside FIPS the cheapest suite comes first, and that depends on how wolfSSL was built. */
static void test_modern_offers_by_hardware(void **state) {
#ifdef AES_BY_HARDWARE
  static const uint16_t expected[] = {0x1302, 0x1301, 0xc02c, 0xc030, 0xc02b, 0xc02f, 0x1303, 0xcca9, 0xcca8};
#else
  static const uint16_t expected[] = {0x1303, 0xcca9, 0xcca8, 0x1302, 0x1301, 0xc02c, 0xc030, 0xc02b, 0xc02f};
#endif
  static const uint16_t expected_groups[] = {29, 23, 24, 25};
  WOLFSSL_CTX *context = new_client(TLS12, TLS13);
  struct offer offer;
  amqp_wolfssl_error_t error;
  size_t count = 0;
  (void)state;

  assert_int_equal(policy_apply(policy_find(AMQP_WOLFSSL_POLICY_MODERN), context, TLS12, TLS13, &error),
                   AMQP_WOLFSSL_OK);
  read_offer(context, &offer);
  for (size_t i = 0; i < offer.suite_count; i++) {
    if (offer.suites[i] != 0x00ff) {
      assert_true(count < COUNT(expected));
      assert_int_equal(offer.suites[i], expected[count]);
      count++;
    }
  }
  assert_int_equal(count, COUNT(expected));
  assert_int_equal(offer.group_count, COUNT(expected_groups));
  assert_memory_equal(offer.groups, expected_groups, sizeof(expected_groups));
  wolfSSL_CTX_free(context);
}

/* What modern takes, fips does not. */
static void test_modern_takes_what_fips_refuses(void **state) {
  static const struct negotiated agreed[] = {{TLS13, 0x1303, 23}, {TLS12, 0xcca9, 23}, {TLS13, 0x1301, 29}};
  const struct policy *modern = policy_find(AMQP_WOLFSSL_POLICY_MODERN);
  amqp_wolfssl_error_t error;
  (void)state;

  for (size_t i = 0; i < COUNT(agreed); i++) {
    assert_int_equal(policy_check_negotiated(modern, &agreed[i], TLS12, TLS13, &error), AMQP_WOLFSSL_OK);
    assert_int_not_equal(policy_check_negotiated(fips, &agreed[i], TLS12, TLS13, &error), AMQP_WOLFSSL_OK);
  }
}
#endif

/* ---- What is accepted, with a server in the same process ---- */

struct line {
  struct byte_queue *incoming;
  struct byte_queue *outgoing;
};

static int send_on_line(WOLFSSL *ssl, char *bytes, int length, void *line) {
  return keep_sent(ssl, bytes, length, ((struct line *)line)->outgoing);
}

static int receive_on_line(WOLFSSL *ssl, char *bytes, int capacity, void *line) {
  struct byte_queue *incoming = ((struct line *)line)->incoming;
  size_t length = incoming->length < (size_t)capacity ? incoming->length : (size_t)capacity;

  (void)ssl;
  if (length == 0) {
    return WOLFSSL_CBIO_ERR_WANT_READ;
  }
  memcpy(bytes, byte_queue_front(incoming), length);
  byte_queue_consume(incoming, length);
  return (int)length;
}

static WOLFSSL *new_end(WOLFSSL_CTX *context, struct line *line) {
  WOLFSSL *ssl;

  wolfSSL_CTX_SetIOSend(context, send_on_line);
  wolfSSL_CTX_SetIORecv(context, receive_on_line);
  ssl = wolfSSL_new(context);
  assert_non_null(ssl);
  wolfSSL_SetIOReadCtx(ssl, line);
  wolfSSL_SetIOWriteCtx(ssl, line);
  return ssl;
}

static WOLFSSL_CTX *new_server(amqp_wolfssl_version_t version, const char *certificate, const char *key) {
  WOLFSSL_CTX *context = wolfSSL_CTX_new(version == TLS13 ? wolfTLSv1_3_server_method() : wolfTLSv1_2_server_method());

  assert_non_null(context);
  /* The server of the test has no standards. */
  (void)wolfSSL_CTX_SetMinRsaKey_Sz(context, 1024);
  assert_int_equal(wolfSSL_CTX_use_certificate_chain_file(context, temporary_folder_path(certificate)),
                   WOLFSSL_SUCCESS);
  assert_int_equal(wolfSSL_CTX_use_PrivateKey_file(context, temporary_folder_path(key), WOLFSSL_FILETYPE_PEM),
                   WOLFSSL_SUCCESS);
  return context;
}

/* \return 0 when the client is through, else its error. */
static int shake_hands(WOLFSSL_CTX *client_context, WOLFSSL_CTX *server_context, struct negotiated *negotiated) {
  struct byte_queue to_server;
  struct byte_queue to_client;
  struct line client_line = {&to_client, &to_server};
  struct line server_line = {&to_server, &to_client};
  WOLFSSL *client;
  WOLFSSL *server;
  int error = WOLFSSL_ERROR_WANT_READ;

  byte_queue_init(&to_server);
  byte_queue_init(&to_client);
  client = new_end(client_context, &client_line);
  server = new_end(server_context, &server_line);
  for (int turn = 0; turn < 20 && error == WOLFSSL_ERROR_WANT_READ; turn++) {
    error = wolfSSL_connect(client) == WOLFSSL_SUCCESS ? 0 : wolfSSL_get_error(client, 0);
    (void)wolfSSL_accept(server);
  }
  negotiated->version = (uint16_t)wolfSSL_version(client);
  negotiated->suite = (uint16_t)wolfSSL_get_current_cipher_suite(client);
  negotiated->group = policy_group_by_wolfssl_name(wolfSSL_get_curve_name(client));
  wolfSSL_free(client);
  wolfSSL_free(server);
  byte_queue_release(&to_server);
  byte_queue_release(&to_client);
  return error;
}

static void trust_file(WOLFSSL_CTX *context, const char *name) {
  assert_int_equal(wolfSSL_CTX_load_verify_locations(context, temporary_folder_path(name), NULL), WOLFSSL_SUCCESS);
  wolfSSL_CTX_set_verify(context, WOLFSSL_VERIFY_PEER, NULL);
}

/* wolfSSL's server chooses by its list of groups in TLS 1.3, and by the wanted size of the key before. */
static void take_group_only(WOLFSSL_CTX *server, amqp_wolfssl_version_t version, size_t index) {
  static const uint16_t key_bytes[] = {32, 48, 66};
  int wanted = groups[index];

  if (version == TLS13) {
    assert_int_equal(wolfSSL_CTX_set_groups(server, &wanted, 1), WOLFSSL_SUCCESS);
  } else {
    assert_int_equal(wolfSSL_CTX_SetTmpEC_DHE_Sz(server, key_bytes[index]), WOLFSSL_SUCCESS);
  }
}

/* Each group the policy offers is one it can recognise by the name wolfSSL gives it, and its check lets pass. */
static void test_handshake_with_every_group(void **state) {
  static const amqp_wolfssl_version_t versions[] = {TLS12, TLS13};
  (void)state;

  for (size_t i = 0; i < 2; i++) {
    for (size_t group = 0; group < COUNT(groups); group++) {
      WOLFSSL_CTX *client = new_client(TLS12, TLS13);
      WOLFSSL_CTX *server = new_server(versions[i], "server-rsa.pem", "server-rsa.key");
      struct negotiated negotiated;
      amqp_wolfssl_error_t error;

      apply(client, TLS12, TLS13);
      trust_file(client, "ca-rsa.pem");
      take_group_only(server, versions[i], group);
      assert_int_equal(shake_hands(client, server, &negotiated), 0);
      assert_int_equal(negotiated.version, versions[i]);
      assert_int_equal(negotiated.group, groups[group]);
      if (policy_check_negotiated(fips, &negotiated, TLS12, TLS13, &error) != AMQP_WOLFSSL_OK) {
        fail_msg("%s", error.message);
      }
      wolfSSL_CTX_free(client);
      wolfSSL_CTX_free(server);
    }
  }
}

static int shake_hands_with(const char *certificate, const char *key, const char *ca, bool with_policy) {
  WOLFSSL_CTX *client = new_client(TLS12, TLS13);
  WOLFSSL_CTX *server = new_server(TLS13, certificate, key);
  struct negotiated negotiated;
  int error;

  (void)wolfSSL_CTX_SetMinRsaKey_Sz(client, 1024);
  if (with_policy) {
    apply(client, TLS12, TLS13);
  }
  trust_file(client, ca);
  error = shake_hands(client, server, &negotiated);
  wolfSSL_CTX_free(client);
  wolfSSL_CTX_free(server);
  return error;
}

static void test_weak_keys_are_refused_in_the_handshake(void **state) {
  int error;
  (void)state;

  assert_int_equal(shake_hands_with("server-rsa.pem", "server-rsa.key", "ca-rsa.pem", true), 0);
  assert_int_equal(shake_hands_with("server.pem", "server.key", "ca.pem", true), 0);
  error = shake_hands_with("server-weak-rsa1024.pem", "server-weak-rsa1024.key", "ca.pem", false);
  if (error != 0) {
    skip(); /* this wolfSSL can't do it anyhow */
  }
  error = shake_hands_with("server-weak-rsa1024.pem", "server-weak-rsa1024.key", "ca.pem", true);
  assert_int_not_equal(error, 0);
  assert_non_null(error_find_cause(error));
  assert_int_equal(error_find_cause(error)->code, AMQP_WOLFSSL_WEAK_KEY);
}

/* ---- The check afterwards ---- */

static amqp_wolfssl_code_t expected_verdict(const struct negotiated *negotiated, unsigned lowest, unsigned highest) {
  if (negotiated->version < lowest || negotiated->version > highest) {
    return AMQP_WOLFSSL_POLICY_VERSION;
  }
  if (!is_in(negotiated->version == TLS13 ? suites_1_3 : suites_1_2,
             negotiated->version == TLS13 ? COUNT(suites_1_3) : COUNT(suites_1_2), negotiated->suite)) {
    return AMQP_WOLFSSL_POLICY_SUITE;
  }
  return is_in(groups, COUNT(groups), negotiated->group) ? AMQP_WOLFSSL_OK : AMQP_WOLFSSL_POLICY_GROUP;
}

static void check(uint16_t version, uint16_t suite, uint16_t group, amqp_wolfssl_version_t lowest,
                  amqp_wolfssl_version_t highest) {
  const struct negotiated negotiated = {version, suite, group};
  const amqp_wolfssl_code_t expected = expected_verdict(&negotiated, lowest, highest);
  amqp_wolfssl_error_t error;
  amqp_wolfssl_code_t code;

  error_clear(&error);
  code = policy_check_negotiated(fips, &negotiated, lowest, highest, &error);
  if (code != expected || error.code != code) {
    fail_msg("version %04x, suite %04x, group %04x in %04x to %04x: %s instead of %s", version, suite, group,
             (unsigned)lowest, (unsigned)highest, amqp_wolfssl_code_name(code), amqp_wolfssl_code_name(expected));
  }
  if (code != AMQP_WOLFSSL_OK) {
    assert_int_equal(error.stage, AMQP_WOLFSSL_STAGE_POLICY);
    assert_true(strlen(error.message) > 20);
  }
}

static const amqp_wolfssl_version_t ranges[][2] = {{TLS12, TLS12}, {TLS12, TLS13}, {TLS13, TLS13}};

static void test_every_suite_in_every_version(void **state) {
  static const uint16_t versions[] = {0x0303, 0x0304};
  (void)state;

  for (size_t range = 0; range < COUNT(ranges); range++) {
    for (size_t i = 0; i < COUNT(versions); i++) {
      for (unsigned suite = 0; suite <= 0xffff; suite++) {
        check(versions[i], (uint16_t)suite, groups[0], ranges[range][0], ranges[range][1]);
      }
    }
  }
}

static void test_every_version(void **state) {
  (void)state;
  for (size_t range = 0; range < COUNT(ranges); range++) {
    for (unsigned version = 0; version <= 0xffff; version++) {
      check((uint16_t)version, suites_1_2[0], groups[0], ranges[range][0], ranges[range][1]);
      check((uint16_t)version, suites_1_3[0], groups[0], ranges[range][0], ranges[range][1]);
    }
  }
}

/* 0 among them: a group nobody can name is not one the policy allows. */
static void test_every_group(void **state) {
  (void)state;
  for (unsigned group = 0; group <= 0xffff; group++) {
    check(TLS12, suites_1_2[3], (uint16_t)group, TLS12, TLS13);
    check(TLS13, suites_1_3[1], (uint16_t)group, TLS12, TLS13);
  }
}

static void test_verdicts_say_what_it_was(void **state) {
  static const struct negotiated bad_suite = {TLS12, 0x0035, 23};
  static const struct negotiated bad_group = {TLS13, 0x1301, 29};
  static const struct negotiated bad_version = {0x0302, 0xc02f, 23};
  amqp_wolfssl_error_t error;
  (void)state;

  (void)policy_check_negotiated(fips, &bad_suite, TLS12, TLS13, &error);
  assert_non_null(strstr(error.message, "0x0035"));
  assert_non_null(strstr(error.message, "\"fips\""));
  (void)policy_check_negotiated(fips, &bad_group, TLS12, TLS13, &error);
  assert_non_null(strstr(error.message, "0x001d"));
  assert_non_null(strstr(error.message, "\"fips\""));
  (void)policy_check_negotiated(fips, &bad_version, TLS12, TLS13, &error);
  assert_non_null(strstr(error.message, "0x0302"));
}

/* ---- Keys ---- */

static bool allows(enum certificate_key_kind kind, unsigned bits, char *reason, size_t capacity) {
  struct certificate certificate = {0};

  certificate.key_kind = kind;
  certificate.key_bits = bits;
  return policy_allows_key(fips, &certificate, reason, capacity);
}

static void test_keys(void **state) {
  static const struct {
    enum certificate_key_kind kind;
    unsigned bits;
    const char *reason; /* NULL: allowed */
  } keys[] = {
      {CERTIFICATE_KEY_RSA, 0, "its RSA key has 0 bits, fewer than 2048"},
      {CERTIFICATE_KEY_RSA, 1024, "its RSA key has 1024 bits, fewer than 2048"},
      {CERTIFICATE_KEY_RSA, 2047, "its RSA key has 2047 bits, fewer than 2048"},
      {CERTIFICATE_KEY_RSA, 2048, NULL},
      {CERTIFICATE_KEY_RSA, 16384, NULL},
      {CERTIFICATE_KEY_EC, 0, "its EC key has 0 bits, fewer than 256"},
      {CERTIFICATE_KEY_EC, 224, "its EC key has 224 bits, fewer than 256"},
      {CERTIFICATE_KEY_EC, 255, "its EC key has 255 bits, fewer than 256"},
      {CERTIFICATE_KEY_EC, 256, NULL},
      {CERTIFICATE_KEY_EC, 521, NULL},
      {CERTIFICATE_KEY_ED25519, 256, "its key is neither RSA nor EC, which the policy \"fips\" asks for"},
      {CERTIFICATE_KEY_ED448, 456, "its key is neither RSA nor EC, which the policy \"fips\" asks for"},
      {CERTIFICATE_KEY_OTHER, 4096, "its key is neither RSA nor EC, which the policy \"fips\" asks for"},
      {(enum certificate_key_kind)7, 4096, "its key is neither RSA nor EC, which the policy \"fips\" asks for"},
  };
  (void)state;

  for (size_t i = 0; i < COUNT(keys); i++) {
    char reason[200] = "untouched";

    assert_int_equal(allows(keys[i].kind, keys[i].bits, reason, sizeof(reason)), keys[i].reason == NULL);
    assert_string_equal(reason, keys[i].reason == NULL ? "untouched" : keys[i].reason);
  }
}

static void test_reason_fits_its_room(void **state) {
  (void)state;
  for (size_t capacity = 1; capacity < 60; capacity++) {
    static const char whole[] = "its RSA key has 1024 bits, fewer than 2048";
    char *reason = (char *)exact_copy("............................................................", capacity);

    assert_false(allows(CERTIFICATE_KEY_RSA, 1024, reason, capacity));
    assert_int_equal(strlen(reason), strlen(whole) < capacity ? strlen(whole) : capacity - 1);
    assert_memory_equal(reason, whole, strlen(reason));
    assert_false(allows(CERTIFICATE_KEY_OTHER, 0, reason, capacity));
    assert_true(strlen(reason) < capacity);
    free(reason);
  }
}

/* ---- Names ---- */

static void test_suite_names(void **state) {
  size_t named = 0;
  (void)state;

  assert_string_equal(policy_suite_name(0x1301), "TLS_AES_128_GCM_SHA256");
  assert_string_equal(policy_suite_name(0x1302), "TLS_AES_256_GCM_SHA384");
  assert_string_equal(policy_suite_name(0xc02b), "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256");
  assert_string_equal(policy_suite_name(0xc02c), "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384");
  assert_string_equal(policy_suite_name(0xc02f), "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
  assert_string_equal(policy_suite_name(0xc030), "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384");
  for (unsigned suite = 0; suite <= 0xffff; suite++) {
    const char *name = policy_suite_name((uint16_t)suite);

    assert_non_null(name);
    named += name[0] != '\0';
  }
  assert_string_equal(policy_suite_name(0x1303), "TLS_CHACHA20_POLY1305_SHA256");
  assert_string_equal(policy_suite_name(0xcca8), "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256");
  assert_string_equal(policy_suite_name(0xcca9), "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256");
  assert_int_equal(named, 9);
}

/* IANA's TLS Supported Groups. */
static void test_group_names(void **state) {
  static const struct {
    uint16_t group;
    const char *name;
  } names[] = {
      {21, "secp224r1"}, {23, "secp256r1"}, {24, "secp384r1"},  {25, "secp521r1"},
      {29, "x25519"},    {30, "x448"},      {256, "ffdhe2048"}, {257, "ffdhe3072"},
  };
  size_t named = 0;
  (void)state;

  for (size_t i = 0; i < COUNT(names); i++) {
    assert_string_equal(policy_group_name(names[i].group), names[i].name);
  }
  for (unsigned group = 0; group <= 0xffff; group++) {
    assert_non_null(policy_group_name((uint16_t)group));
    named += policy_group_name((uint16_t)group)[0] != '\0';
  }
  assert_int_equal(named, COUNT(names));
  assert_string_equal(policy_group_name(0), "");
}

static void test_groups_by_wolfssl_name(void **state) {
  (void)state;
  assert_int_equal(policy_group_by_wolfssl_name("SECP256R1"), 23);
  assert_int_equal(policy_group_by_wolfssl_name("secp384r1"), 24);
  assert_int_equal(policy_group_by_wolfssl_name("Secp521r1"), 25);
  assert_int_equal(policy_group_by_wolfssl_name("X25519"), 29);
  assert_int_equal(policy_group_by_wolfssl_name("FFDHE_2048"), 256);
  assert_int_equal(policy_group_by_wolfssl_name(NULL), 0);
  assert_int_equal(policy_group_by_wolfssl_name(""), 0);
  assert_int_equal(policy_group_by_wolfssl_name("SECP256R"), 0);
  assert_int_equal(policy_group_by_wolfssl_name("SECP256R11"), 0);
  assert_int_equal(policy_group_by_wolfssl_name("SECP256K1"), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_find),
    cmocka_unit_test(test_offers_what_it_allows),
    cmocka_unit_test(test_offers_groups_in_order),
    cmocka_unit_test(test_handshake_with_every_group),
    cmocka_unit_test(test_weak_keys_are_refused_in_the_handshake),
    cmocka_unit_test(test_every_suite_in_every_version),
    cmocka_unit_test(test_every_version),
    cmocka_unit_test(test_every_group),
    cmocka_unit_test(test_verdicts_say_what_it_was),
    cmocka_unit_test(test_keys),
    cmocka_unit_test(test_reason_fits_its_room),
#if defined(HAVE_CHACHA) && defined(HAVE_POLY1305) && defined(HAVE_CURVE25519)
    cmocka_unit_test(test_modern_offers_by_hardware),
    cmocka_unit_test(test_modern_takes_what_fips_refuses),
#endif
    cmocka_unit_test(test_suite_names),
    cmocka_unit_test(test_group_names),
    cmocka_unit_test(test_groups_by_wolfssl_name),
  };
  return cmocka_run_group_tests_name("policy", tests, mint, remove_folder);
}
