/* SPDX-License-Identifier: MIT */
/*
 * What each policy offers: the ClientHello that a session sends, compared byte for byte with what the policy's table
 * says. Left out is what differs each time: the random, the key of the key share, and what pretends to be encrypted.
 *
 * Builds of wolfSSL differ, each by a rule below: whether SNI is there, how they say they would resume, whether they
 * can be told which signature algorithms to offer, whether they have a session identifier for middleboxes, and whether
 * they pretend to encrypt the ClientHello. The order of the extensions is the same in all of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "autoconfig.h"
#include "base/byte_queue.h"
#include "config/config.h"
#include "minted_certificates.h"
#include "verification/peer_verification.h"
#include "tls/session.h"
#include "temporary_folder.h"
#include "backend/wolfssl_headers.h"

#include <wolfssl/version.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TLS12 AMQP_WOLFSSL_TLS_1_2
#define TLS13 AMQP_WOLFSSL_TLS_1_3
#define HOST "broker.test"
#define NUMBERS_MAX 24

enum extension {
  SERVER_NAME = 0,
  STATUS_REQUEST = 5,
  SUPPORTED_GROUPS = 10,
  EC_POINT_FORMATS = 11,
  SIGNATURE_ALGORITHMS = 13,
  EXTENDED_MASTER_SECRET = 23,
  SUPPORTED_VERSIONS = 43,
  PSK_KEY_EXCHANGE_MODES = 45,
  KEY_SHARE = 51,
  ENCRYPTED_CLIENT_HELLO = 0xfe0d
};

/* ---- What is expected ---- */

struct numbers {
  uint16_t item[NUMBERS_MAX]; /* in order, up to 0 */
};

struct offer {
  amqp_wolfssl_policy_t policy;
  amqp_wolfssl_version_t lowest;
  amqp_wolfssl_version_t highest;
  const char *suite_names; /* NULL: not narrowed */
  const char *group_names;
  struct numbers suites;
  struct numbers groups;
  struct numbers signatures;
  amqp_wolfssl_stapling_t stapling;
};

#define FIPS_1_3 0x1302, 0x1301
#define FIPS_1_2 0xc02c, 0xc030, 0xc02b, 0xc02f
#define FIPS_GROUPS 23, 24, 25

#if !defined(HAVE_CHACHA) || !defined(HAVE_POLY1305)
#define MODERN_1_3 FIPS_1_3
#define MODERN_1_2 FIPS_1_2
#define MODERN_SUITES FIPS_1_3, FIPS_1_2
#elif defined(AES_BY_HARDWARE)
#define MODERN_1_3 FIPS_1_3, 0x1303
#define MODERN_1_2 FIPS_1_2, 0xcca9, 0xcca8
#define MODERN_SUITES FIPS_1_3, FIPS_1_2, 0x1303, 0xcca9, 0xcca8
#else
#define MODERN_1_3 0x1303, FIPS_1_3
#define MODERN_1_2 0xcca9, 0xcca8, FIPS_1_2
#define MODERN_SUITES 0x1303, 0xcca9, 0xcca8, FIPS_1_3, FIPS_1_2
#endif

#ifdef HAVE_CURVE25519
#define MODERN_CLASSICAL 29, FIPS_GROUPS
#else
#define MODERN_CLASSICAL FIPS_GROUPS
#endif
#if !defined(WOLFSSL_HAVE_MLKEM) || LIBWOLFSSL_VERSION_HEX < 0x05009002
#define MODERN_GROUPS MODERN_CLASSICAL
#elif defined(HAVE_CURVE25519)
#define MODERN_GROUPS 4588, MODERN_CLASSICAL, 4587, 4589
#else
#define MODERN_GROUPS MODERN_CLASSICAL, 4587, 4589
#endif

#define SHA2 0x0403, 0x0503, 0x0603, 0x0804, 0x0809, 0x0805, 0x080a, 0x0806, 0x080b, 0x0401, 0x0501, 0x0601
#ifdef HAVE_ED25519
#define MODERN_SIGNATURES SHA2, 0x0807
#else
#define MODERN_SIGNATURES SHA2
#endif
#define CNSA_SIGNATURES 0x0503, 0x0805, 0x080a, 0x0501

#define FIPS AMQP_WOLFSSL_POLICY_FIPS
#define CNSA AMQP_WOLFSSL_POLICY_CNSA
#define MODERN AMQP_WOLFSSL_POLICY_MODERN
#define OFF AMQP_WOLFSSL_STAPLING_OFF
#define REQUEST AMQP_WOLFSSL_STAPLING_REQUEST
#define REQUIRE AMQP_WOLFSSL_STAPLING_REQUIRE

static const struct offer offers[] = {
    {FIPS, TLS12, TLS13, NULL, NULL, {{FIPS_1_3, FIPS_1_2}}, {{FIPS_GROUPS}}, {{SHA2}}, OFF},
    {FIPS, TLS12, TLS12, NULL, NULL, {{FIPS_1_2}}, {{FIPS_GROUPS}}, {{SHA2}}, OFF},
    {FIPS, TLS13, TLS13, NULL, NULL, {{FIPS_1_3}}, {{FIPS_GROUPS}}, {{SHA2}}, OFF},
    {CNSA, TLS12, TLS13, NULL, NULL, {{0x1302, 0xc02c, 0xc030}}, {{24}}, {{CNSA_SIGNATURES}}, OFF},
    {CNSA, TLS12, TLS12, NULL, NULL, {{0xc02c, 0xc030}}, {{24}}, {{CNSA_SIGNATURES}}, OFF},
    {CNSA, TLS13, TLS13, NULL, NULL, {{0x1302}}, {{24}}, {{CNSA_SIGNATURES}}, OFF},
    {MODERN, TLS12, TLS13, NULL, NULL, {{MODERN_SUITES}}, {{MODERN_GROUPS}}, {{MODERN_SIGNATURES}}, OFF},
    {MODERN, TLS12, TLS12, NULL, NULL, {{MODERN_1_2}}, {{MODERN_CLASSICAL}}, {{MODERN_SIGNATURES}}, OFF},
    {MODERN, TLS13, TLS13, NULL, NULL, {{MODERN_1_3}}, {{MODERN_GROUPS}}, {{MODERN_SIGNATURES}}, OFF},
    /* narrowed, and in an order of the program's */
    {FIPS,
     TLS12,
     TLS13,
     "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:TLS_AES_128_GCM_SHA256",
     "secp521r1:secp256r1",
     {{0xc02f, 0x1301}},
     {{25, 23}},
     {{SHA2}},
     OFF},
    /* the suites that are left decide the versions */
    {FIPS, TLS13, TLS13, "TLS_AES_256_GCM_SHA384", "secp384r1", {{0x1302}}, {{24}}, {{SHA2}}, OFF},
    {FIPS, TLS12, TLS12, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", NULL, {{0xc02c}}, {{FIPS_GROUPS}}, {{SHA2}}, OFF},
    /* with a certificate's status */
    {FIPS, TLS12, TLS13, NULL, NULL, {{FIPS_1_3, FIPS_1_2}}, {{FIPS_GROUPS}}, {{SHA2}}, REQUEST},
    {FIPS, TLS12, TLS12, NULL, NULL, {{FIPS_1_2}}, {{FIPS_GROUPS}}, {{SHA2}}, REQUIRE},
    {FIPS, TLS13, TLS13, NULL, NULL, {{FIPS_1_3}}, {{FIPS_GROUPS}}, {{SHA2}}, REQUIRE},
    {CNSA, TLS12, TLS12, NULL, NULL, {{0xc02c, 0xc030}}, {{24}}, {{CNSA_SIGNATURES}}, REQUIRE},
    {CNSA, TLS13, TLS13, NULL, NULL, {{0x1302}}, {{24}}, {{CNSA_SIGNATURES}}, REQUIRE},
    {MODERN, TLS12, TLS12, NULL, NULL, {{MODERN_1_2}}, {{MODERN_CLASSICAL}}, {{MODERN_SIGNATURES}}, REQUEST},
    {MODERN, TLS13, TLS13, NULL, NULL, {{MODERN_1_3}}, {{MODERN_GROUPS}}, {{MODERN_SIGNATURES}}, REQUEST},
};

/* ---- Bytes ---- */

struct bytes {
  uint8_t data[1024];
  size_t length;
};

static void add(struct bytes *bytes, size_t value, size_t size) {
  assert_true(bytes->length + size <= sizeof(bytes->data));
  for (size_t i = 0; i < size; i++) {
    bytes->data[bytes->length++] = (uint8_t)(value >> 8 * (size - 1 - i));
  }
}

static size_t count_numbers(const struct numbers *numbers) {
  size_t count = 0;

  while (numbers->item[count] != 0) {
    count++;
  }
  return count;
}

/* Numbers of two bytes behind their length. */
static struct bytes vector_of(const struct numbers *numbers, size_t length_size) {
  struct bytes bytes = {.length = 0};

  add(&bytes, 2 * count_numbers(numbers), length_size);
  for (size_t i = 0; numbers->item[i] != 0; i++) {
    add(&bytes, numbers->item[i], 2);
  }
  return bytes;
}

struct reader {
  const uint8_t *bytes;
  size_t left;
};

static struct reader take_bytes(struct reader *reader, size_t length) {
  struct reader taken = {reader->bytes, length};

  assert_true(reader->left >= length);
  reader->bytes += length;
  reader->left -= length;
  return taken;
}

static size_t take(struct reader *reader, size_t size) {
  struct reader number = take_bytes(reader, size);
  size_t value = 0;

  for (size_t i = 0; i < size; i++) {
    value = value << 8 | number.bytes[i];
  }
  return value;
}

static struct reader take_vector(struct reader *reader, size_t length_size) {
  size_t length = take(reader, length_size);

  return take_bytes(reader, length);
}

static void show(const char *what, const uint8_t *bytes, size_t length) {
  print_message("%s:", what);
  for (size_t i = 0; i < length; i++) {
    print_message(" %02x", bytes[i]);
  }
  print_message("\n");
}

static void assert_bytes(const char *what, struct reader actual, const struct bytes *expected) {
  if (actual.left != expected->length || memcmp(actual.bytes, expected->data, actual.left) != 0) {
    show("is", actual.bytes, actual.left);
    show("should be", expected->data, expected->length);
    fail_msg("%s", what);
  }
}

/* ---- The session that sends it ---- */

static ssize_t keep(void *sent, const void *bytes, size_t length) {
  return byte_queue_append(sent, bytes, length) ? (ssize_t)length : -1;
}

static ssize_t receive_nothing(void *sent, void *bytes, size_t length, void *more, size_t more_length) {
  (void)sent;
  (void)bytes;
  (void)length;
  (void)more;
  (void)more_length;
  return LOWER_WOULD_BLOCK;
}

static void check_setter(const amqp_wolfssl_config_t *config, amqp_wolfssl_code_t code) {
  if (code != AMQP_WOLFSSL_OK) {
    fail_msg("%s", amqp_wolfssl_error_message(amqp_wolfssl_config_error(config)));
  }
}

static amqp_wolfssl_config_t *make_config(const struct offer *offer) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  assert_non_null(config);
  check_setter(config, amqp_wolfssl_config_set_policy(config, offer->policy));
  check_setter(config, amqp_wolfssl_config_add_ca_file(config, temporary_folder_path("strong-bundle.pem")));
  check_setter(config, amqp_wolfssl_config_set_tls_versions(config, offer->lowest, offer->highest));
  if (offer->policy == AMQP_WOLFSSL_POLICY_CNSA) { /* which opens nothing without a way to check revocation */
    check_setter(config, amqp_wolfssl_config_add_crl_file(config, temporary_folder_path("crl.pem")));
  }
  check_setter(config, amqp_wolfssl_config_set_stapling(config, offer->stapling));
  if (offer->suite_names != NULL) {
    check_setter(config, amqp_wolfssl_config_set_suites(config, offer->suite_names));
  }
  if (offer->group_names != NULL) {
    check_setter(config, amqp_wolfssl_config_set_groups(config, offer->group_names));
  }
  return config;
}

static void send_hello(const struct offer *offer, struct byte_queue *sent) {
  const struct lower_socket lower = {keep, receive_nothing, sent};
  amqp_wolfssl_config_t *config = make_config(offer);
  struct tls_context *context = NULL;
  struct connection_facts facts;
  amqp_wolfssl_error_t warning;
  amqp_wolfssl_error_t error;
  struct peer_name name;
  struct session *session;

  error_clear(&error);
  connection_facts_init(&facts);
  assert_true(peer_name_parse(&name, HOST));
  if (config_tls_context(config, &context, &warning, &error) != AMQP_WOLFSSL_OK) {
    fail_msg("%s", error.message);
  }
  session = session_new(context, &name, &lower, &error);
  assert_non_null(session);
  assert_int_equal(session_handshake(session, &facts), SESSION_WANT_READ);
  session_free(session);
  tls_context_free(context);
  amqp_wolfssl_config_free(config);
}

/* ---- The comparison ---- */

#ifdef HAVE_WOLFSSL_CTX_SET1_SIGALGS_LIST
static struct bytes expected_signatures(const struct offer *offer) { return vector_of(&offer->signatures, 2); }
#else
static bool is_ecdsa_suite(uint16_t suite) { return suite == 0xc02b || suite == 0xc02c || suite == 0xcca9; }

/* Without a list of its own wolfSSL offers all of SHA-2 that suits the suites, SHA-224 with RSA among them: a TLS 1.2
   server that takes that is refused afterwards, and TLS 1.3 has no such signature. */
static struct bytes expected_signatures(const struct offer *offer) {
  static const struct numbers ecdsa = {{0x0603, 0x0503, 0x0403}};
  static const struct numbers all = {{0x0603, 0x0503, 0x0403, 0x0806, 0x080b, 0x0805, 0x080a, 0x0804, 0x0809, 0x0601,
                                      0x0501, 0x0401,
#ifdef WOLFSSL_SHA224
                                      0x0301
#endif
  }};

  for (size_t i = 0; offer->suites.item[i] != 0; i++) {
    if (!is_ecdsa_suite(offer->suites.item[i])) {
      return vector_of(&all, 2);
    }
  }
  return vector_of(&ecdsa, 2);
}
#endif

static struct bytes expected_versions(const struct offer *offer) {
  static const struct numbers both = {{0x0304, 0x0303}};
  static const struct numbers one = {{0x0304}};

  return vector_of(offer->lowest == TLS13 ? &one : &both, 1);
}

static struct bytes expected_server_name(void) {
  struct bytes bytes = {.length = 0};

  add(&bytes, strlen(HOST) + 3, 2);
  add(&bytes, 0, 1);
  add(&bytes, strlen(HOST), 2);
  for (size_t i = 0; i < strlen(HOST); i++) {
    add(&bytes, (size_t)HOST[i], 1);
  }
  return bytes;
}

/* wolfSSL says how it would resume, though it never does here: no pre_shared_key follows. */
static struct bytes expected_psk_modes(void) {
#ifdef HAVE_WOLFSSL_CTX_ONLY_DHE_PSK
  return (struct bytes){{1, 1}, 2};
#else
  return (struct bytes){{2, 0, 1}, 3};
#endif
}

/* Pretended ("GREASE"): outer, HKDF-SHA256 with AES-128-GCM, any number, a key on curve25519, and noise. */
static void check_encrypted_client_hello(struct reader content) {
  assert_int_equal(take(&content, 1), 0);
  assert_int_equal(take(&content, 4), 0x00010001);
  (void)take(&content, 1);
  assert_int_equal(take_vector(&content, 2).left, 32);
  assert_true(take_vector(&content, 2).left >= 128);
  assert_int_equal(content.left, 0);
}

/* One share, of the group that comes first. */
static void check_key_share(struct reader content, const struct offer *offer) {
  struct reader shares = take_vector(&content, 2);

  assert_int_equal(content.left, 0);
  assert_int_equal(take(&shares, 2), offer->groups.item[0]);
  assert_true(take_vector(&shares, 2).left >= 32);
  assert_int_equal(shares.left, 0);
}

static void check_extension(size_t kind, struct reader content, const struct offer *offer) {
  static const struct bytes nothing = {.length = 0};
  static const struct bytes uncompressed_points = {{1, 0}, 2};
  static const struct bytes any_ocsp_responder = {{1, 0, 0, 0, 0}, 5}; /* RFC 6066, section 8: OCSP, no nonce */
  struct bytes expected;

  switch (kind) {
    case SERVER_NAME:
      expected = expected_server_name();
      break;
    case SUPPORTED_GROUPS:
      expected = vector_of(&offer->groups, 2);
      break;
    case SIGNATURE_ALGORITHMS:
      expected = expected_signatures(offer);
      break;
    case SUPPORTED_VERSIONS:
      expected = expected_versions(offer);
      break;
    case EC_POINT_FORMATS:
      expected = uncompressed_points;
      break;
    case PSK_KEY_EXCHANGE_MODES:
      expected = expected_psk_modes();
      break;
    case STATUS_REQUEST:
      expected = any_ocsp_responder;
      break;
    case KEY_SHARE:
      check_key_share(content, offer);
      return;
    case ENCRYPTED_CLIENT_HELLO:
      check_encrypted_client_hello(content);
      return;
    default:
      expected = nothing;
      break;
  }
  assert_bytes("an extension", content, &expected);
}

static bool is_expected(size_t kind, const struct offer *offer) {
  switch (kind) {
    case SUPPORTED_GROUPS:
    case SIGNATURE_ALGORITHMS:
      return true;
    case EXTENDED_MASTER_SECRET:
    case EC_POINT_FORMATS:
      return offer->lowest == TLS12;
    case SUPPORTED_VERSIONS:
    case KEY_SHARE:
      return offer->highest == TLS13;
    case STATUS_REQUEST:
      return offer->stapling != AMQP_WOLFSSL_STAPLING_OFF;
    case ENCRYPTED_CLIENT_HELLO: /* 5.7.2 can't be kept from it */
#if defined(HAVE_ECH) && !defined(HAVE_WOLFSSL_CTX_SETECHENABLE)
      return offer->highest == TLS13;
#else
      return false;
#endif
    case SERVER_NAME:
#ifdef HAVE_WOLFSSL_USESNI
      return true;
#else
      return false;
#endif
    case PSK_KEY_EXCHANGE_MODES:
#if defined(HAVE_SESSION_TICKET) || !defined(NO_PSK)
      return offer->highest == TLS13;
#else
      return false;
#endif
    default:
      return false;
  }
}

/* wolfSSL's order, in all the builds that were tried. Nothing else: no early data, no pre-shared keys, no tickets, no
   raw public keys, no compressed certificates, no truncated HMAC, no renegotiation_info. And none twice. */
static void check_extensions(struct reader extensions, const struct offer *offer) {
  static const enum extension order[] = {
      ENCRYPTED_CLIENT_HELLO, PSK_KEY_EXCHANGE_MODES, KEY_SHARE,   SUPPORTED_VERSIONS,
      SIGNATURE_ALGORITHMS,   EC_POINT_FORMATS,       SERVER_NAME, STATUS_REQUEST,
      SUPPORTED_GROUPS,       EXTENDED_MASTER_SECRET};

  for (size_t i = 0; i < COUNT(order); i++) {
    if (is_expected(order[i], offer)) {
      const size_t kind = extensions.left > 0 ? take(&extensions, 2) : 0x10000;

      if (kind != order[i]) {
        fail_msg("extension %zu stands where %d belongs", kind, (int)order[i]);
      }
      check_extension(kind, take_vector(&extensions, 2), offer);
    }
  }
  if (extensions.left > 0) {
    show("too much", extensions.bytes, extensions.left);
    fail_msg("an extension that does not belong there");
  }
}

/* Made up where wolfSSL is to look like TLS 1.2 to middleboxes (RFC 8446, appendix D.4). */
static size_t expected_session_id_length(const struct offer *offer) {
#ifdef WOLFSSL_TLS13_MIDDLEBOX_COMPAT
  return offer->highest == TLS13 ? 32 : 0;
#else
  (void)offer;
  return 0;
#endif
}

/* RFC 8446, sections 5.1 and 4.1.2. */
static void check_hello(struct reader record, const struct offer *offer) {
  const struct bytes suites = vector_of(&offer->suites, 0);
  static const struct bytes null_compression = {{0}, 1};
  struct reader hello;
  size_t length;

  assert_int_equal(take(&record, 1), 22);
  assert_int_equal(take(&record, 2) >> 8, 3);
  hello = take_vector(&record, 2);
  assert_int_equal(record.left, 0);
  assert_int_equal(take(&hello, 1), 1);
  length = take(&hello, 3);
  assert_int_equal(length, hello.left);
  assert_int_equal(take(&hello, 2), 0x0303);
  (void)take_bytes(&hello, 32);
  assert_int_equal(take_vector(&hello, 1).left, expected_session_id_length(offer));
  assert_bytes("the cipher suites", take_vector(&hello, 2), &suites);
  assert_bytes("the compression methods", take_vector(&hello, 1), &null_compression);
  check_extensions(take_vector(&hello, 2), offer);
  assert_int_equal(hello.left, 0);
}

/* Where this wolfSSL can't: refused when it is asked for; if only in TLS 1.3, when it is to be opened. */
static bool can_staple(const struct offer *offer) {
  amqp_wolfssl_config_t *config;
  struct tls_context *context = NULL;
  amqp_wolfssl_error_t warning;
  amqp_wolfssl_error_t error;

  if (offer->stapling == AMQP_WOLFSSL_STAPLING_OFF || peer_verification_sees_responses_of_tls_1_3() ||
      (offer->highest == TLS12 && peer_verification_sees_responses())) {
    return true;
  }
  if (peer_verification_sees_responses()) {
    config = make_config(offer);
    assert_int_equal(config_tls_context(config, &context, &warning, &error), AMQP_WOLFSSL_ERROR_NOT_SUPPORTED);
    amqp_wolfssl_config_free(config);
    return false;
  }
  config = amqp_wolfssl_config_new();
  assert_int_equal(amqp_wolfssl_config_set_stapling(config, offer->stapling), AMQP_WOLFSSL_ERROR_NOT_SUPPORTED);
  amqp_wolfssl_config_free(config);
  return false;
}

static void test_the_offer_of(amqp_wolfssl_policy_t policy) {
  for (size_t i = 0; i < COUNT(offers); i++) {
    if (offers[i].policy == policy && can_staple(&offers[i])) {
      struct byte_queue sent;

      print_message("# TLS 0x%04x to 0x%04x, %s, %s, stapling %d\n", (unsigned)offers[i].lowest,
                    (unsigned)offers[i].highest, offers[i].suite_names != NULL ? offers[i].suite_names : "all suites",
                    offers[i].group_names != NULL ? offers[i].group_names : "all groups", (int)offers[i].stapling);
      byte_queue_init(&sent);
      send_hello(&offers[i], &sent);
      check_hello((struct reader){byte_queue_front(&sent), sent.length}, &offers[i]);
      byte_queue_release(&sent);
    }
  }
}

static void test_fips_offers_what_it_allows(void **state) {
  (void)state;
  test_the_offer_of(AMQP_WOLFSSL_POLICY_FIPS);
}

static void test_cnsa_offers_what_it_allows(void **state) {
  (void)state;
#ifdef HAVE_WOLFSSL_CTX_SET1_SIGALGS_LIST
  test_the_offer_of(AMQP_WOLFSSL_POLICY_CNSA);
#else
  {
    amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

    print_message("# this wolfSSL can't be held to cnsa, which is refused\n");
    assert_int_equal(amqp_wolfssl_config_set_policy(config, AMQP_WOLFSSL_POLICY_CNSA),
                     AMQP_WOLFSSL_ERROR_NOT_SUPPORTED);
    amqp_wolfssl_config_free(config);
  }
#endif
}

static void test_modern_offers_what_it_allows(void **state) {
  (void)state;
  test_the_offer_of(AMQP_WOLFSSL_POLICY_MODERN);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fips_offers_what_it_allows),
      cmocka_unit_test(test_cnsa_offers_what_it_allows),
      cmocka_unit_test(test_modern_offers_what_it_allows),
  };

  return cmocka_run_group_tests_name("client hello", tests, minted_certificates_make, minted_certificates_tear_down);
}
