/* SPDX-License-Identifier: MIT */
/*
 * The policies: how they can be narrowed, what they let wolfSSL accept (handshakes in memory), and what they say of
 * every suite, group, signature and key afterwards. What they make wolfSSL offer is in client_hello_test.c.
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
#include "base/byte_queue.h"
#include "exact_copy.h"
#include "backend/fips_module.h"
#include "minted_certificates.h"
#include "policy/policy.h"
#include "temporary_folder.h"
#include "backend/wolfssl_error.h"
#include "backend/wolfssl_headers.h"

#include <wolfssl/version.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TLS12 AMQP_WOLFSSL_TLS_1_2
#define TLS13 AMQP_WOLFSSL_TLS_1_3
#define MOST 16

/* What each policy has to say, spelled out once more: SP 800-52r2 for fips, RFC 9151 for cnsa. Lists end in 0. */
struct expected {
  amqp_wolfssl_policy_t number;
  const char *name;
  uint16_t suites_1_3[MOST];
  uint16_t suites_1_2[MOST];
  uint16_t groups[MOST];
  uint16_t signatures[MOST];
  unsigned rsa_bits;
  unsigned ec_bits;
  uint16_t curves[MOST];
  bool ed25519;
  bool extended_master_secret;
  bool revocation_check;
};

#if defined(HAVE_CHACHA) && defined(HAVE_POLY1305)
#define CHACHA_1_3 0x1303
#define CHACHA_1_2 0xcca9, 0xcca8
#else
#define CHACHA_1_3 0
#define CHACHA_1_2 0
#endif

static const struct expected expected[] = {
    {.number = AMQP_WOLFSSL_POLICY_FIPS,
     .name = "fips",
     .suites_1_3 = {0x1302, 0x1301},
     .suites_1_2 = {0xc02c, 0xc030, 0xc02b, 0xc02f},
     .groups = {23, 24, 25},
     .signatures = {0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0809, 0x080a, 0x080b, 0x0401, 0x0501, 0x0601},
     .rsa_bits = 2048,
     .ec_bits = 256,
     .curves = {23, 24, 25},
     .extended_master_secret = true},
    {.number = AMQP_WOLFSSL_POLICY_CNSA,
     .name = "cnsa",
     .suites_1_3 = {0x1302},
     .suites_1_2 = {0xc02c, 0xc030},
     .groups = {24},
     .signatures = {0x0503, 0x0805, 0x080a, 0x0501},
     .rsa_bits = 3072,
     .ec_bits = 384,
     .curves = {24},
     .extended_master_secret = true,
     .revocation_check = true},
    {.number = AMQP_WOLFSSL_POLICY_MODERN,
     .name = "modern",
     .suites_1_3 = {0x1302, 0x1301, CHACHA_1_3},
     .suites_1_2 = {0xc02c, 0xc030, 0xc02b, 0xc02f, CHACHA_1_2},
     .groups = {23, 24, 25
#ifdef HAVE_CURVE25519
                ,
                29
#endif
#if defined(WOLFSSL_HAVE_MLKEM) && LIBWOLFSSL_VERSION_HEX >= 0x05009002 /* without their CVEs of 2026 */
                ,
                4587, 4589
#ifdef HAVE_CURVE25519
                ,
                4588
#endif
#endif
     },
     .signatures = {0x0403, 0x0503, 0x0603, 0x0804, 0x0805, 0x0806, 0x0809, 0x080a, 0x080b, 0x0401, 0x0501, 0x0601
#ifdef HAVE_ED25519
                    ,
                    0x0807
#endif
     },
     .rsa_bits = 2048,
     .ec_bits = 256,
     .curves = {23, 24, 25},
     .ed25519 = true},
};

static const struct policy *fips;

static int mint(void **state) {
  fips = policy_find(AMQP_WOLFSSL_POLICY_FIPS);
  return fips != NULL && fips_module_start() == 0 ? minted_certificates_make(state) : -1;
}

static bool is_in(const uint16_t *numbers, unsigned number) {
  for (size_t i = 0; numbers[i] != 0; i++) {
    if (numbers[i] == number) {
      return true;
    }
  }
  return false;
}

static size_t length_of(const uint16_t *numbers) {
  size_t length = 0;

  while (numbers[length] != 0) {
    length++;
  }
  return length;
}

static struct policy_limits limits_of(const struct expected *which) {
  struct policy_limits limits;

  policy_limits_init(&limits, policy_find(which->number));
  return limits;
}

static void test_find(void **state) {
  (void)state;
  for (int number = -1; number <= 64; number++) {
    const struct policy *found = policy_find((amqp_wolfssl_policy_t)number);
    const bool known = number >= AMQP_WOLFSSL_POLICY_FIPS && number <= AMQP_WOLFSSL_POLICY_MODERN;

    assert_int_equal(found != NULL, known);
  }
  for (size_t i = 0; i < COUNT(expected); i++) {
    const struct policy *found = policy_find(expected[i].number);

    assert_string_equal(policy_name(found), expected[i].name);
    assert_int_equal(policy_requires_revocation_check(found), expected[i].revocation_check);
  }
}

/* cnsa has fewer signatures than wolfSSL offers by itself. */
static void test_a_policy_that_can_not_be_held_is_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(expected); i++) {
    struct policy_limits limits = limits_of(&expected[i]);
    WOLFSSL_CTX *context = wolfSSL_CTX_new(wolfTLS_client_method());
    amqp_wolfssl_error_t error;
    amqp_wolfssl_code_t code;

    error_clear(&error);
    code = policy_apply(&limits, context, &error);
#ifdef HAVE_WOLFSSL_CTX_SET1_SIGALGS_LIST
    assert_true(policy_can_be_held(limits.policy));
    assert_int_equal(code, AMQP_WOLFSSL_OK);
#else
    assert_int_equal(policy_can_be_held(limits.policy), expected[i].number != AMQP_WOLFSSL_POLICY_CNSA);
    assert_int_equal(code, policy_can_be_held(limits.policy) ? AMQP_WOLFSSL_OK : AMQP_WOLFSSL_ERROR_NOT_SUPPORTED);
#endif
    wolfSSL_CTX_free(context);
  }
}

/* ---- Narrowing ---- */

static void assert_holds_all(const uint16_t *numbers, size_t count, const uint16_t *first, const uint16_t *second) {
  assert_int_equal(count, length_of(first) + (second != NULL ? length_of(second) : 0));
  for (size_t i = 0; i < count; i++) {
    assert_true(is_in(first, numbers[i]) || (second != NULL && is_in(second, numbers[i])));
    for (size_t j = 0; j < i; j++) {
      assert_int_not_equal(numbers[i], numbers[j]);
    }
  }
}

static void test_limits_start_as_the_policy(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(expected); i++) {
    struct policy_limits limits = limits_of(&expected[i]);

    assert_ptr_equal(limits.policy, policy_find(expected[i].number));
    assert_int_equal(limits.lowest, TLS12);
    assert_int_equal(limits.highest, TLS13);
    assert_int_equal(limits.extended_master_secret, expected[i].extended_master_secret);
    assert_holds_all(limits.suites, limits.suite_count, expected[i].suites_1_3, expected[i].suites_1_2);
    assert_holds_all(limits.groups, limits.group_count, expected[i].groups, NULL);
  }
}

typedef amqp_wolfssl_code_t (*narrow_fn)(struct policy_limits *limits, const char *names, amqp_wolfssl_error_t *error);

static void assert_narrows(narrow_fn narrow, const char *names, const uint16_t *numbers, size_t count) {
  struct policy_limits limits;
  amqp_wolfssl_error_t error;
  const bool suites = narrow == policy_limits_set_suites;

  policy_limits_init(&limits, fips);
  if (narrow(&limits, names, &error) != AMQP_WOLFSSL_OK) {
    fail_msg("%s: %s", names, error.message);
  }
  assert_int_equal(suites ? limits.suite_count : limits.group_count, count);
  assert_memory_equal(suites ? limits.suites : limits.groups, numbers, count * sizeof(*numbers));
}

/* The order is the caller's, whatever stands between the names. */
static void test_narrowing_keeps_the_order(void **state) {
  static const uint16_t one[] = {0xc030};
  static const uint16_t two[] = {0xc02f, 0x1302};
  static const uint16_t all[] = {0xc02f, 0xc02b, 0xc030, 0xc02c, 0x1301, 0x1302};
  static const uint16_t groups[] = {25, 23};
  (void)state;

  assert_narrows(policy_limits_set_suites, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", one, COUNT(one));
  assert_narrows(policy_limits_set_suites, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384", two,
                 COUNT(two));
  assert_narrows(policy_limits_set_suites, " ,:TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384:: ", two,
                 COUNT(two));
  assert_narrows(policy_limits_set_suites,
                 "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 "
                 "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 "
                 "TLS_AES_128_GCM_SHA256 TLS_AES_256_GCM_SHA384",
                 all, COUNT(all));
  assert_narrows(policy_limits_set_groups, "secp521r1:secp256r1", groups, COUNT(groups));
}

static void test_narrowing_refuses(void **state) {
  static const struct {
    narrow_fn narrow;
    const char *names;
    const char *sentence;
  } rows[] = {
      {policy_limits_set_suites, "", "the list names no cipher suite"},
      {policy_limits_set_suites, " :, ", "the list names no cipher suite"},
      {policy_limits_set_groups, "", "the list names no group"},
      {policy_limits_set_suites, "TLS_AES_256_GCM_SHA384:TLS_AES_256_GCM_SHA385", "\"TLS_AES_256_GCM_SHA385\" is no"},
      {policy_limits_set_suites, "TLS_AES_256_GCM_SHA38", "\"TLS_AES_256_GCM_SHA38\" is not a known cipher suite"},
      {policy_limits_set_suites, "tls_aes_256_gcm_sha384", "is not a known cipher suite"},
      {policy_limits_set_suites, "TLS13-AES256-GCM-SHA384", "is not a known cipher suite"},
      {policy_limits_set_suites, "ALL", "\"ALL\" is not a known cipher suite"},
      {policy_limits_set_suites, "DEFAULT", "\"DEFAULT\" is not a known cipher suite"},
      {policy_limits_set_suites, "TLS_RSA_WITH_AES_256_GCM_SHA384", "is not a known cipher suite"},
      {policy_limits_set_suites, "TLS_CHACHA20_POLY1305_SHA256", "is outside the policy as a cipher suite"},
      {policy_limits_set_suites, "TLS_AES_256_GCM_SHA384:TLS_AES_256_GCM_SHA384", "appears twice"},
      {policy_limits_set_groups, "x25519", "\"x25519\" is outside the policy as a group"},
      {policy_limits_set_groups, "secp256r1:ffdhe2048", "\"ffdhe2048\" is outside the policy"},
      {policy_limits_set_groups, "SECP256R1", "\"SECP256R1\" is not a known group"},
      {policy_limits_set_groups, "P-256", "\"P-256\" is not a known group"},
      {policy_limits_set_groups, "secp256r1,secp384r1,secp256r1", "\"secp256r1\" appears twice as a group"},
      {policy_limits_set_groups, "secp256r1;secp384r1", "\"secp256r1;secp384r1\" is not a known group"},
  };
  (void)state;

  for (size_t i = 0; i < COUNT(rows); i++) {
    struct policy_limits limits;
    struct policy_limits before;
    amqp_wolfssl_error_t error;

    policy_limits_init(&limits, fips);
    before = limits;
    error_clear(&error);
    assert_int_equal(rows[i].narrow(&limits, rows[i].names, &error), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
    assert_int_equal(error.stage, AMQP_WOLFSSL_STAGE_CONFIGURE);
    if (strstr(error.message, rows[i].sentence) == NULL) {
      fail_msg("\"%s\" is not in \"%s\"", rows[i].sentence, error.message);
    }
    assert_memory_equal(&limits, &before, sizeof(limits));
  }
}

/* More names than a policy has can only be unknown, outside, or there twice; none may be written behind the others. */
static void test_narrowing_by_more_names_than_there_are(void **state) {
  static const char name[] = "secp256r1:secp384r1:secp521r1:";
  char names[40 * sizeof(name)] = "";
  struct policy_limits limits;
  amqp_wolfssl_error_t error;
  (void)state;

  for (size_t i = 0; i < 40; i++) {
    (void)strcat(names, name);
  }
  policy_limits_init(&limits, fips);
  assert_int_equal(policy_limits_set_groups(&limits, names, &error), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_int_equal(limits.group_count, 3);
  memset(names, 'x', sizeof(names) - 1);
  names[sizeof(names) - 1] = '\0';
  assert_int_equal(policy_limits_set_groups(&limits, names, &error), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
  assert_true(strlen(error.message) < 300);
}

/* What was left out can come back, up to the policy: a second call narrows the policy, not the first call's rest. */
static void test_narrowing_again(void **state) {
  struct policy_limits limits;
  amqp_wolfssl_error_t error;
  (void)state;

  policy_limits_init(&limits, fips);
  assert_int_equal(policy_limits_set_groups(&limits, "secp384r1", &error), AMQP_WOLFSSL_OK);
  assert_int_equal(policy_limits_set_groups(&limits, "secp256r1", &error), AMQP_WOLFSSL_OK);
  assert_int_equal(limits.group_count, 1);
  assert_int_equal(limits.groups[0], 23);
}

static void test_versions_that_are_left(void **state) {
  static const char only_1_2[] = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384";
  static const char only_1_3[] = "TLS_AES_256_GCM_SHA384";
  static const char both[] = "TLS_AES_256_GCM_SHA384:TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384";
  static const struct {
    const char *suites; /* NULL: all */
    amqp_wolfssl_version_t lowest;
    amqp_wolfssl_version_t highest;
    unsigned expected_lowest; /* 0: none are left */
    unsigned expected_highest;
  } rows[] = {
      {NULL, TLS12, TLS13, TLS12, TLS13},     {NULL, TLS12, TLS12, TLS12, TLS12},
      {NULL, TLS13, TLS13, TLS13, TLS13},     {both, TLS12, TLS13, TLS12, TLS13},
      {both, TLS12, TLS12, TLS12, TLS12},     {both, TLS13, TLS13, TLS13, TLS13},
      {only_1_2, TLS12, TLS13, TLS12, TLS12}, {only_1_2, TLS12, TLS12, TLS12, TLS12},
      {only_1_2, TLS13, TLS13, 0, 0},         {only_1_3, TLS12, TLS13, TLS13, TLS13},
      {only_1_3, TLS13, TLS13, TLS13, TLS13}, {only_1_3, TLS12, TLS12, 0, 0},
  };
  (void)state;

  for (size_t i = 0; i < COUNT(rows); i++) {
    struct policy_limits limits;
    amqp_wolfssl_version_t lowest;
    amqp_wolfssl_version_t highest;
    amqp_wolfssl_error_t error;

    policy_limits_init(&limits, fips);
    limits.lowest = rows[i].lowest;
    limits.highest = rows[i].highest;
    if (rows[i].suites != NULL) {
      assert_int_equal(policy_limits_set_suites(&limits, rows[i].suites, &error), AMQP_WOLFSSL_OK);
    }
    assert_int_equal(policy_limits_versions(&limits, &lowest, &highest), rows[i].expected_lowest != 0);
    if (rows[i].expected_lowest != 0) {
      assert_int_equal(lowest, rows[i].expected_lowest);
      assert_int_equal(highest, rows[i].expected_highest);
    } else {
      WOLFSSL_CTX *context = wolfSSL_CTX_new(wolfTLS_client_method());

      assert_int_equal(policy_apply(&limits, context, &error), AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT);
      wolfSSL_CTX_free(context);
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

static void apply(WOLFSSL_CTX *context, const struct policy_limits *limits) {
  amqp_wolfssl_error_t error;
  amqp_wolfssl_code_t code;

  error_clear(&error);
  code = policy_apply(limits, context, &error);
  if (code != AMQP_WOLFSSL_OK) {
    fail_msg("%s: %s", amqp_wolfssl_code_name(code), error.message);
  }
}

static int keep_sent(WOLFSSL *ssl, char *bytes, int length, void *sent) {
  (void)ssl;
  return byte_queue_append(sent, bytes, (size_t)length) ? length : WOLFSSL_CBIO_ERR_GENERAL;
}

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
static void take_group_only(WOLFSSL_CTX *server, amqp_wolfssl_version_t version, uint16_t group) {
  int wanted = group;

  if (version == TLS13) {
    assert_int_equal(wolfSSL_CTX_set_groups(server, &wanted, 1), WOLFSSL_SUCCESS);
  } else if (group <= 25) {
    assert_int_equal(wolfSSL_CTX_SetTmpEC_DHE_Sz(server, group == 23 ? 32 : group == 24 ? 48 : 66), WOLFSSL_SUCCESS);
  }
}

/* A group that a policy offers is one it can recognise by the name wolfSSL gives it, and its check lets pass. */
static void shake_hands_with_group(const struct expected *which, amqp_wolfssl_version_t version, uint16_t group) {
  struct policy_limits limits = limits_of(which);
  WOLFSSL_CTX *client = new_client(TLS12, TLS13);
  WOLFSSL_CTX *server = new_server(version, "server-rsa3072.pem", "server-rsa3072.key");
  struct negotiated negotiated;
  amqp_wolfssl_error_t error;

  limits.groups[0] = group;
  limits.group_count = 1;
  apply(client, &limits);
  trust_file(client, "ca-rsa3072.pem");
  take_group_only(server, version, group);
  assert_int_equal(shake_hands(client, server, &negotiated), 0);
  assert_int_equal(negotiated.version, version);
  assert_int_equal(negotiated.group, group);
  negotiated.signature = 0x0805;
  negotiated.extended_master_secret = true;
  if (policy_check_negotiated(&limits, &negotiated, &error) != AMQP_WOLFSSL_OK) {
    fail_msg("%s", error.message);
  }
  wolfSSL_CTX_free(client);
  wolfSSL_CTX_free(server);
}

static void shake_hands_with_every_group(const struct expected *which) {
  for (size_t i = 0; which->groups[i] != 0; i++) {
    if (which->groups[i] < 0x1000) { /* the hybrids belong to TLS 1.3 */
      shake_hands_with_group(which, TLS12, which->groups[i]);
    }
    shake_hands_with_group(which, TLS13, which->groups[i]);
  }
}

static void test_handshake_with_every_group(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(expected); i++) {
    if (policy_can_be_held(policy_find(expected[i].number))) {
      shake_hands_with_every_group(&expected[i]);
    }
  }
}

static int shake_hands_with(const char *certificate, const char *key, const char *ca, bool with_policy) {
  const struct policy_limits limits = limits_of(&expected[0]);
  WOLFSSL_CTX *client = new_client(TLS12, TLS13);
  WOLFSSL_CTX *server = new_server(TLS13, certificate, key);
  struct negotiated negotiated;
  int error;

  (void)wolfSSL_CTX_SetMinRsaKey_Sz(client, 1024);
  if (with_policy) {
    apply(client, &limits);
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
  assert_non_null(wolfssl_error_find_cause(error));
  assert_int_equal(wolfssl_error_find_cause(error)->code, AMQP_WOLFSSL_ERROR_WEAK_KEY);
}

/* ---- The check afterwards ---- */

static amqp_wolfssl_code_t expected_verdict(const struct expected *which, const struct policy_limits *limits,
                                            const struct negotiated *negotiated) {
  const bool is_1_3 = negotiated->version == TLS13;

  if (negotiated->version < (unsigned)limits->lowest || negotiated->version > (unsigned)limits->highest) {
    return AMQP_WOLFSSL_ERROR_POLICY_VERSION;
  }
  if (!is_in(is_1_3 ? which->suites_1_3 : which->suites_1_2, negotiated->suite)) {
    return AMQP_WOLFSSL_ERROR_POLICY_SUITE;
  }
  if (!is_in(which->groups, negotiated->group)) {
    return AMQP_WOLFSSL_ERROR_POLICY_GROUP;
  }
  if (!is_1_3 && !is_in(which->signatures, negotiated->signature)) {
    return AMQP_WOLFSSL_ERROR_POLICY_SIGNATURE;
  }
  return limits->extended_master_secret && !negotiated->extended_master_secret
             ? AMQP_WOLFSSL_ERROR_POLICY_EXTENDED_MASTER_SECRET
             : AMQP_WOLFSSL_OK;
}

static void check(const struct expected *which, const struct policy_limits *limits,
                  const struct negotiated *negotiated) {
  const amqp_wolfssl_code_t verdict = expected_verdict(which, limits, negotiated);
  amqp_wolfssl_error_t error;
  amqp_wolfssl_code_t code;

  error_clear(&error);
  code = policy_check_negotiated(limits, negotiated, &error);
  if (code != verdict || error.code != code) {
    fail_msg("%s: version %04x, suite %04x, group %04x, signature %04x, EMS %d in %04x to %04x: %s instead of %s",
             which->name, negotiated->version, negotiated->suite, negotiated->group, negotiated->signature,
             negotiated->extended_master_secret, (unsigned)limits->lowest, (unsigned)limits->highest,
             amqp_wolfssl_code_name(code), amqp_wolfssl_code_name(verdict));
  }
  if (code != AMQP_WOLFSSL_OK) {
    assert_int_equal(error.stage, AMQP_WOLFSSL_STAGE_POLICY);
    assert_true(strlen(error.message) > 20);
  }
}

static struct negotiated good(const struct expected *which, amqp_wolfssl_version_t version) {
  return (struct negotiated){.version = (uint16_t)version,
                             .suite = version == TLS13 ? which->suites_1_3[0] : which->suites_1_2[0],
                             .group = which->groups[0],
                             .signature = version == TLS13 ? 0 : which->signatures[0],
                             .extended_master_secret = true};
}

typedef void (*check_fn)(const struct expected *which, const struct policy_limits *limits,
                         struct negotiated negotiated);

/* Every policy, every range of versions, starting from what is good in either version. */
static void check_everywhere(check_fn check_all) {
  static const amqp_wolfssl_version_t ranges[][2] = {{TLS12, TLS12}, {TLS12, TLS13}, {TLS13, TLS13}};

  for (size_t i = 0; i < COUNT(expected); i++) {
    for (size_t range = 0; range < COUNT(ranges); range++) {
      struct policy_limits limits = limits_of(&expected[i]);

      limits.lowest = ranges[range][0];
      limits.highest = ranges[range][1];
      check_all(&expected[i], &limits, good(&expected[i], TLS12));
      check_all(&expected[i], &limits, good(&expected[i], TLS13));
    }
  }
}

static void check_suites(const struct expected *which, const struct policy_limits *limits,
                         struct negotiated negotiated) {
  for (unsigned suite = 0; suite <= 0xffff; suite++) {
    negotiated.suite = (uint16_t)suite;
    check(which, limits, &negotiated);
  }
}

static void test_every_suite_in_every_version(void **state) {
  (void)state;
  check_everywhere(check_suites);
}

static void check_versions(const struct expected *which, const struct policy_limits *limits,
                           struct negotiated negotiated) {
  for (unsigned version = 0; version <= 0xffff; version++) {
    negotiated.version = (uint16_t)version;
    check(which, limits, &negotiated);
  }
}

static void test_every_version(void **state) {
  (void)state;
  check_everywhere(check_versions);
}

/* 0 among them: a group nobody can name is not one the policy allows. */
static void check_groups(const struct expected *which, const struct policy_limits *limits,
                         struct negotiated negotiated) {
  for (unsigned group = 0; group <= 0xffff; group++) {
    negotiated.group = (uint16_t)group;
    check(which, limits, &negotiated);
  }
}

static void test_every_group(void **state) {
  (void)state;
  check_everywhere(check_groups);
}

/* In TLS 1.3 it can't be seen, and 0 stands for that. */
static void check_signatures(const struct expected *which, const struct policy_limits *limits,
                             struct negotiated negotiated) {
  for (unsigned signature = 0; signature <= 0xffff; signature++) {
    negotiated.signature = (uint16_t)signature;
    check(which, limits, &negotiated);
  }
}

static void test_every_signature_of_the_key_exchange(void **state) {
  (void)state;
  check_everywhere(check_signatures);
}

static void check_extended_master_secret(const struct expected *which, const struct policy_limits *limits,
                                         struct negotiated negotiated) {
  struct policy_limits other = *limits;

  for (int i = 0; i < 4; i++) {
    other.extended_master_secret = i >= 2;
    negotiated.extended_master_secret = i % 2 == 1;
    check(which, &other, &negotiated);
  }
  negotiated.extended_master_secret = false;
  check(which, limits, &negotiated);
}

static void test_the_extended_master_secret(void **state) {
  (void)state;
  check_everywhere(check_extended_master_secret);
}

/* What the policy has and the config does not is as foreign as the rest. */
static void test_what_was_left_out_is_refused(void **state) {
  struct policy_limits limits = limits_of(&expected[0]);
  struct negotiated negotiated = good(&expected[0], TLS13);
  amqp_wolfssl_error_t error;
  (void)state;

  assert_int_equal(policy_limits_set_suites(&limits, "TLS_AES_128_GCM_SHA256", &error), AMQP_WOLFSSL_OK);
  assert_int_equal(policy_limits_set_groups(&limits, "secp384r1", &error), AMQP_WOLFSSL_OK);
  assert_int_equal(policy_check_negotiated(&limits, &negotiated, &error), AMQP_WOLFSSL_ERROR_POLICY_SUITE);
  negotiated.suite = 0x1301;
  assert_int_equal(policy_check_negotiated(&limits, &negotiated, &error), AMQP_WOLFSSL_ERROR_POLICY_GROUP);
  negotiated.group = 24;
  assert_int_equal(policy_check_negotiated(&limits, &negotiated, &error), AMQP_WOLFSSL_OK);
}

static void test_verdicts_say_what_it_was(void **state) {
  static const struct {
    struct negotiated negotiated;
    const char *sentence;
  } rows[] = {
      {{TLS12, 0x0035, 23, 0x0403, true}, "0x0035"},
      {{TLS13, 0x1301, 29, 0, true}, "0x001d, x25519"},
      {{TLS13, 0x1301, 0x1234, 0, true}, "0x1234, which"},
      {{0x0302, 0xc02f, 23, 0x0403, true}, "0x0302"},
      {{TLS12, 0xc02f, 23, 0x0201, true}, "0x0201, rsa_pkcs1_sha1"},
      {{TLS12, 0xc02f, 23, 0x0777, true}, "0x0777, which"},
      {{TLS12, 0xc02f, 23, 0x0401, false}, "RFC 7627"},
  };
  const struct policy_limits limits = limits_of(&expected[0]);
  (void)state;

  for (size_t i = 0; i < COUNT(rows); i++) {
    amqp_wolfssl_error_t error;

    assert_int_not_equal(policy_check_negotiated(&limits, &rows[i].negotiated, &error), AMQP_WOLFSSL_OK);
    if (strstr(error.message, rows[i].sentence) == NULL) {
      fail_msg("\"%s\" is not in \"%s\"", rows[i].sentence, error.message);
    }
    assert_true(rows[i].negotiated.version == 0x0302 || strstr(error.message, "\"fips\"") != NULL);
  }
}

/* ---- Keys ---- */

static bool allows(const struct expected *which, enum certificate_key_kind kind, unsigned bits, uint16_t curve,
                   char *reason, size_t capacity) {
  struct certificate certificate = {0};

  certificate.key_kind = kind;
  certificate.key_bits = bits;
  certificate.common_exponent = kind == CERTIFICATE_KEY_RSA;
  certificate.key_curve = curve;
  return policy_allows_key(policy_find(which->number), &certificate, reason, capacity);
}

static void test_keys(void **state) {
  static const struct {
    enum certificate_key_kind kind;
    unsigned bits;
    uint16_t curve;
    const char *reason; /* NULL: allowed */
  } keys[] = {
      {CERTIFICATE_KEY_RSA, 0, 0, "its RSA key has 0 bits, fewer than 2048"},
      {CERTIFICATE_KEY_RSA, 1024, 0, "its RSA key has 1024 bits, fewer than 2048"},
      {CERTIFICATE_KEY_RSA, 2047, 0, "its RSA key has 2047 bits, fewer than 2048"},
      {CERTIFICATE_KEY_RSA, 2048, 0, NULL},
      {CERTIFICATE_KEY_RSA, 16384, 0, NULL},
      {CERTIFICATE_KEY_EC, 0, 0, "its EC key is on an unknown curve, a curve the policy \"fips\" does not allow"},
      {CERTIFICATE_KEY_EC, 224, 21, "its EC key has 224 bits, fewer than 256"},
      {CERTIFICATE_KEY_EC, 255, 23, "its EC key has 255 bits, fewer than 256"},
      {CERTIFICATE_KEY_EC, 256, 23, NULL},
      {CERTIFICATE_KEY_EC, 384, 24, NULL},
      {CERTIFICATE_KEY_EC, 521, 25, NULL},
      {CERTIFICATE_KEY_EC, 256, 22, "its EC key is on an unknown curve, a curve the policy \"fips\" does not allow"},
      {CERTIFICATE_KEY_EC, 512, 28, "its EC key is on an unknown curve, a curve the policy \"fips\" does not allow"},
      {CERTIFICATE_KEY_EC, 256, 0, "its EC key is on an unknown curve, a curve the policy \"fips\" does not allow"},
      {CERTIFICATE_KEY_ED25519, 256, 0, "its key is neither RSA nor EC; the policy \"fips\" requires one of these"},
      {CERTIFICATE_KEY_ED448, 456, 0, "its key is neither RSA nor EC; the policy \"fips\" requires one of these"},
      {CERTIFICATE_KEY_OTHER, 4096, 0, "its key is neither RSA nor EC; the policy \"fips\" requires one of these"},
      {(enum certificate_key_kind)7, 4096, 0,
       "its key is neither RSA nor EC; the policy \"fips\" requires one of these"},
  };
  (void)state;

  for (size_t i = 0; i < COUNT(keys); i++) {
    char reason[200] = "untouched";

    assert_int_equal(allows(&expected[0], keys[i].kind, keys[i].bits, keys[i].curve, reason, sizeof(reason)),
                     keys[i].reason == NULL);
    assert_string_equal(reason, keys[i].reason == NULL ? "untouched" : keys[i].reason);
  }
}

static void test_keys_of_every_policy(void **state) {
  static const uint16_t curve_bits[][2] = {{19, 192}, {21, 224}, {22, 256}, {23, 256}, {24, 384},
                                           {25, 521}, {26, 256}, {27, 384}, {28, 512}};
  char reason[200];
  (void)state;

  for (size_t i = 0; i < COUNT(expected); i++) {
    const struct expected *which = &expected[i];

    for (unsigned bits = 0; bits <= 8192; bits++) {
      assert_int_equal(allows(which, CERTIFICATE_KEY_RSA, bits, 0, reason, sizeof(reason)), bits >= which->rsa_bits);
      assert_int_equal(allows(which, CERTIFICATE_KEY_EC, bits, which->curves[0], reason, sizeof(reason)),
                       bits >= which->ec_bits);
    }
    for (size_t j = 0; j < COUNT(curve_bits); j++) {
      assert_int_equal(allows(which, CERTIFICATE_KEY_EC, curve_bits[j][1], curve_bits[j][0], reason, sizeof(reason)),
                       is_in(which->curves, curve_bits[j][0]));
    }
    assert_int_equal(allows(which, CERTIFICATE_KEY_ED25519, 0, 0, reason, sizeof(reason)), which->ed25519);
    assert_false(allows(which, CERTIFICATE_KEY_ED448, 0, 0, reason, sizeof(reason)));
    assert_false(allows(which, CERTIFICATE_KEY_OTHER, 0, 0, reason, sizeof(reason)));
  }
}

/* RFC 9151, section 5.2. */
static void test_exponents_of_every_policy(void **state) {
  static const struct certificate uncommon = {.key_kind = CERTIFICATE_KEY_RSA, .key_bits = 4096};
  (void)state;

  for (size_t i = 0; i < COUNT(expected); i++) {
    char reason[200] = "untouched";
    const bool allowed = policy_allows_key(policy_find(expected[i].number), &uncommon, reason, sizeof(reason));

    assert_int_equal(allowed, expected[i].number != AMQP_WOLFSSL_POLICY_CNSA);
    assert_string_equal(reason, allowed ? "untouched"
                                        : "its RSA key has a public exponent that the policy \"cnsa\" does not allow "
                                          "(it must be an odd number between 2^16 and 2^256)");
  }
}

/* 0 among them, which stands for all that has no number here. */
static void test_every_signature_of_a_certificate(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(expected); i++) {
    for (unsigned scheme = 0; scheme <= 0xffff; scheme++) {
      const struct certificate certificate = {.signature_scheme = (uint16_t)scheme};
      char reason[200] = "untouched";
      const bool allowed =
          policy_allows_signature(policy_find(expected[i].number), &certificate, reason, sizeof(reason));

      assert_int_equal(allowed, is_in(expected[i].signatures, scheme));
      assert_int_equal(strcmp(reason, "untouched") == 0, allowed);
      assert_true(allowed || strstr(reason, expected[i].name) != NULL);
    }
  }
}

static void test_reason_names_the_signature(void **state) {
  static const struct certificate sha1 = {.signature_scheme = 0x0201};
  static const struct certificate other = {.signature_scheme = 0};
  char reason[200];
  (void)state;

  assert_false(policy_allows_signature(fips, &sha1, reason, sizeof(reason)));
  assert_string_equal(reason, "it is signed with rsa_pkcs1_sha1, which the policy \"fips\" does not allow");
  assert_false(policy_allows_signature(fips, &other, reason, sizeof(reason)));
  assert_string_equal(reason, "it is signed with an unknown algorithm, which the policy \"fips\" does not allow");
}

static void test_reason_fits_its_room(void **state) {
  static const struct certificate sha1 = {.signature_scheme = 0x0201};
  (void)state;
  for (size_t capacity = 1; capacity < 60; capacity++) {
    static const char whole[] = "its RSA key has 1024 bits, fewer than 2048";
    char *reason = (char *)exact_copy("............................................................", capacity);

    assert_false(allows(&expected[0], CERTIFICATE_KEY_RSA, 1024, 0, reason, capacity));
    assert_int_equal(strlen(reason), strlen(whole) < capacity ? strlen(whole) : capacity - 1);
    assert_memory_equal(reason, whole, strlen(reason));
    assert_false(allows(&expected[0], CERTIFICATE_KEY_OTHER, 0, 0, reason, capacity));
    assert_true(strlen(reason) < capacity);
    assert_false(allows(&expected[0], CERTIFICATE_KEY_EC, 256, 22, reason, capacity));
    assert_true(strlen(reason) < capacity);
    assert_false(policy_allows_signature(fips, &sha1, reason, capacity));
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
      {21, "secp224r1"},
      {23, "secp256r1"},
      {24, "secp384r1"},
      {25, "secp521r1"},
      {29, "x25519"},
      {30, "x448"},
      {256, "ffdhe2048"},
      {257, "ffdhe3072"},
      {4587, "SecP256r1MLKEM768"},
      {4588, "X25519MLKEM768"},
      {4589, "SecP384r1MLKEM1024"},
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
      cmocka_unit_test(test_a_policy_that_can_not_be_held_is_refused),
      cmocka_unit_test(test_limits_start_as_the_policy),
      cmocka_unit_test(test_narrowing_keeps_the_order),
      cmocka_unit_test(test_narrowing_refuses),
      cmocka_unit_test(test_narrowing_by_more_names_than_there_are),
      cmocka_unit_test(test_narrowing_again),
      cmocka_unit_test(test_versions_that_are_left),
      cmocka_unit_test(test_handshake_with_every_group),
      cmocka_unit_test(test_weak_keys_are_refused_in_the_handshake),
      cmocka_unit_test(test_every_suite_in_every_version),
      cmocka_unit_test(test_every_version),
      cmocka_unit_test(test_every_group),
      cmocka_unit_test(test_every_signature_of_the_key_exchange),
      cmocka_unit_test(test_the_extended_master_secret),
      cmocka_unit_test(test_what_was_left_out_is_refused),
      cmocka_unit_test(test_verdicts_say_what_it_was),
      cmocka_unit_test(test_keys),
      cmocka_unit_test(test_keys_of_every_policy),
      cmocka_unit_test(test_exponents_of_every_policy),
      cmocka_unit_test(test_every_signature_of_a_certificate),
      cmocka_unit_test(test_reason_names_the_signature),
      cmocka_unit_test(test_reason_fits_its_room),
      cmocka_unit_test(test_suite_names),
      cmocka_unit_test(test_group_names),
      cmocka_unit_test(test_groups_by_wolfssl_name),
  };
  return cmocka_run_group_tests_name("policy", tests, mint, minted_certificates_tear_down);
}
