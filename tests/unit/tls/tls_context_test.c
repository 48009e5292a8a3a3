/* SPDX-License-Identifier: MIT */
/* What a context offers to a server, read from the ClientHello itself, and what it refuses to be built from. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "memory_session.h"
#include "minted_certificates.h"
#include "temporary_folder.h"
#include "unsigned_range.h"
#include "x509/certificate_input.h"
#include "backend/wolfssl_headers.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct memory_session *fresh_pair(amqp_wolfssl_version_t lowest, amqp_wolfssl_version_t highest) {
  struct memory_session_settings client = {.ca = "ca.pem",
                                           .certificate = "client.pem",
                                           .key = "client.key",
                                           .name = "localhost",
                                           .lowest = lowest,
                                           .highest = highest};
  struct memory_peer_settings server = {.certificate = temporary_folder_path("server.pem"),
                                        .key = temporary_folder_path("server.key")};

  return memory_session_new(&client, &server);
}

/* ---- The ClientHello ---- */

struct client_hello {
  uint8_t bytes[4096];
  size_t length;
  size_t suites; /* where they stand */
  size_t suites_length;
  size_t extensions;
};

static unsigned number_at(const struct client_hello *hello, size_t at) {
  assert_true(at + 2 <= hello->length);
  return 256u * hello->bytes[at] + hello->bytes[at + 1];
}

static void take_client_hello(struct client_hello *hello, struct memory_session *pair) {
  size_t at;

  assert_int_equal(session_handshake(pair->session, &pair->facts), SESSION_WANT_READ);
  hello->length = pair->peer->to_server.waiting;
  assert_true(hello->length <= sizeof(hello->bytes));
  memcpy(hello->bytes, memory_pipe_byte(&pair->peer->to_server, 0), hello->length);
  assert_int_equal(hello->bytes[0], 22); /* handshake */
  assert_int_equal(hello->bytes[5], 1);  /* ClientHello */
  at = 5 + 4 + 2 + 32;
  at += 1u + hello->bytes[at]; /* session id */
  hello->suites_length = number_at(hello, at);
  hello->suites = at + 2;
  at = hello->suites + hello->suites_length;
  at += 1u + hello->bytes[at]; /* compression */
  hello->extensions = at + 2;
}

/* \return where the content of an extension stands, or 0 */
static size_t find_extension(const struct client_hello *hello, unsigned wanted, size_t *length) {
  for (size_t at = hello->extensions; at + 4 <= hello->length; at += 4 + number_at(hello, at + 2)) {
    if (number_at(hello, at) == wanted) {
      *length = number_at(hello, at + 2);
      return at + 4;
    }
  }
  return 0;
}

static bool is_one_of(unsigned number, const unsigned *numbers, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (numbers[i] == number) {
      return true;
    }
  }
  return false;
}

static void assert_offer(amqp_wolfssl_version_t lowest, amqp_wolfssl_version_t highest, const unsigned *suites,
                         size_t count) {
  static const unsigned groups[] = {23, 24, 25}; /* secp256r1, secp384r1, secp521r1 */
  struct memory_session *pair = fresh_pair(lowest, highest);
  struct client_hello hello;
  size_t real_suites = 0;
  size_t length = 0;
  size_t at;

  take_client_hello(&hello, pair);
  for (at = hello.suites; at < hello.suites + hello.suites_length; at += 2) {
    if (number_at(&hello, at) != 0x00ff) { /* no suite, but a signal about renegotiation (RFC 5746) */
      assert_true(is_one_of(number_at(&hello, at), suites, count));
      real_suites++;
    }
  }
  assert_int_equal(real_suites, count);
  at = find_extension(&hello, 10, &length);
  assert_true(at > 0);
  assert_int_equal(number_at(&hello, at), 2 * COUNT_OF(groups));
  for (size_t i = 2; i < length; i += 2) {
    assert_true(is_one_of(number_at(&hello, at + i), groups, COUNT_OF(groups)));
  }
  at = find_extension(&hello, 43, &length); /* supported_versions */
  if (highest == AMQP_WOLFSSL_TLS_1_2) {
    assert_int_equal(at, 0);
  } else {
    assert_int_equal(hello.bytes[at], lowest == highest ? 2 : 4);
    for (size_t i = 1; i < length; i += 2) {
      assert_uint_in_range(number_at(&hello, at + i), (unsigned)lowest, (unsigned)highest);
    }
  }
  assert_int_equal(find_extension(&hello, 41, &length), 0); /* pre_shared_key: nothing is resumed */
  assert_int_equal(find_extension(&hello, 42, &length), 0); /* early_data */
  memory_session_free(pair);
}

static void test_offer_is_the_policy(void **state) {
  static const unsigned suites[] = {0x1302, 0x1301, 0xC02C, 0xC030, 0xC02B, 0xC02F};

  (void)state;
  assert_offer(AMQP_WOLFSSL_TLS_1_2, AMQP_WOLFSSL_TLS_1_3, suites, 6);
  assert_offer(AMQP_WOLFSSL_TLS_1_3, AMQP_WOLFSSL_TLS_1_3, suites, 2);
  assert_offer(AMQP_WOLFSSL_TLS_1_2, AMQP_WOLFSSL_TLS_1_2, suites + 2, 4);
}

/* ---- Building ---- */

static void test_contents_are_handed_out(void **state) {
  struct memory_session *pair = fresh_pair(0, 0);
  WOLFSSL *one = tls_context_new_ssl(pair->context);
  WOLFSSL *other = tls_context_new_ssl(pair->context);

  (void)state;
  assert_ptr_equal(tls_context_settings(pair->context), &pair->settings);
  assert_ptr_equal(tls_context_trust(pair->context), &pair->trust);
  assert_ptr_equal(tls_context_credentials(pair->context), &pair->credentials);
  assert_non_null(one);
  assert_non_null(other);
  assert_ptr_not_equal(one, other);
  wolfSSL_free(one);
  wolfSSL_free(other);
  memory_session_free(pair);
  tls_context_free(NULL);
}

/* With stapling each has a WOLFSSL_CTX of its own (new_ssl() says why), and the first one need not be built twice. */
static void test_stapling_shares_nothing(void **state) {
  struct memory_session *pair = fresh_pair(AMQP_WOLFSSL_TLS_1_2, AMQP_WOLFSSL_TLS_1_2);
  struct tls_settings settings = pair->settings;
  uint8_t *anchor = pair->trust.anchors.items[0].bytes;
  struct tls_context *context = NULL;
  amqp_wolfssl_error_t error;
  WOLFSSL *ssl[3];

  (void)state;
  settings.stapling = AMQP_WOLFSSL_STAPLING_REQUEST;
  assert_int_equal(tls_context_new(&context, &settings, &pair->trust, &pair->credentials, &error), AMQP_WOLFSSL_OK);
  anchor[0] ^= 0xff; /* nothing can be built from this */
  ssl[0] = tls_context_new_ssl(context);
  assert_non_null(ssl[0]);
  assert_null(tls_context_new_ssl(context));
  anchor[0] ^= 0xff;
  ssl[1] = tls_context_new_ssl(context);
  ssl[2] = tls_context_new_ssl(context);
  assert_non_null(ssl[1]);
  assert_non_null(ssl[2]);
  assert_ptr_not_equal(wolfSSL_get_SSL_CTX(ssl[0]), wolfSSL_get_SSL_CTX(ssl[1]));
  assert_ptr_not_equal(wolfSSL_get_SSL_CTX(ssl[0]), wolfSSL_get_SSL_CTX(ssl[2]));
  assert_ptr_not_equal(wolfSSL_get_SSL_CTX(ssl[1]), wolfSSL_get_SSL_CTX(ssl[2]));
  tls_context_free(context);
  for (size_t i = 0; i < COUNT_OF(ssl); i++) {
    wolfSSL_free(ssl[i]);
  }
  memory_session_free(pair);
}

static amqp_wolfssl_code_t build(const struct tls_settings *settings, const struct trust *trust,
                                 const struct credentials *credentials, amqp_wolfssl_error_t *error) {
  struct tls_context *context = NULL;
  amqp_wolfssl_code_t code;

  error_clear(error);
  code = tls_context_new(&context, settings, trust, credentials, error);
  assert_int_equal(code, error->code);
  if (code == AMQP_WOLFSSL_OK) {
    assert_non_null(context);
  } else {
    assert_null(context);
    assert_int_equal(error->stage, AMQP_WOLFSSL_STAGE_CONFIGURE);
    assert_true(error->message[0] != '\0');
  }
  tls_context_free(context);
  return code;
}

static void test_trust_is_needed_to_verify(void **state) {
  struct memory_session *pair = fresh_pair(0, 0);
  struct tls_settings settings = pair->settings;
  struct trust nobody = {0};
  struct credentials none = {0};
  amqp_wolfssl_error_t error;

  (void)state;
  assert_int_equal(build(&settings, &nobody, &none, &error), AMQP_WOLFSSL_ERROR_NO_TRUST_ANCHOR);
  settings.verify_host = false;
  assert_int_equal(build(&settings, &nobody, &none, &error), AMQP_WOLFSSL_ERROR_NO_TRUST_ANCHOR);
  settings.verify_peer = false;
  assert_int_equal(build(&settings, &nobody, &none, &error), AMQP_WOLFSSL_OK);
  assert_int_equal(build(&pair->settings, &pair->trust, &none, &error), AMQP_WOLFSSL_OK);
  memory_session_free(pair);
}

/* These were checked when they were set; should they be broken all the same, nothing is built without them. */
static void test_broken_contents_are_refused(void **state) {
  struct memory_session *pair = fresh_pair(0, 0);
  amqp_wolfssl_error_t error;
  uint8_t *bytes = pair->trust.anchors.items[0].bytes;

  (void)state;
  bytes[0] ^= 0xff;
  assert_int_not_equal(build(&pair->settings, &pair->trust, &pair->credentials, &error), AMQP_WOLFSSL_OK);
  bytes[0] ^= 0xff;
  bytes = pair->credentials.chain.items[0].bytes;
  bytes[0] ^= 0xff;
  assert_int_not_equal(build(&pair->settings, &pair->trust, &pair->credentials, &error), AMQP_WOLFSSL_OK);
  bytes[0] ^= 0xff;
  bytes = pair->credentials.key.bytes;
  bytes[0] ^= 0xff;
  assert_int_not_equal(build(&pair->settings, &pair->trust, &pair->credentials, &error), AMQP_WOLFSSL_OK);
  bytes[0] ^= 0xff;
  assert_int_equal(build(&pair->settings, &pair->trust, &pair->credentials, &error), AMQP_WOLFSSL_OK);
  memory_session_free(pair);
}

/*
 * A CA too weak for the policy: whether it is refused depends on wolfSSL's version, but it is not the broker's fault.
 */
static void test_weak_authority(void **state) {
  struct memory_session *pair = fresh_pair(0, 0);
  struct trust trust = {0};
  amqp_wolfssl_error_t error;
  amqp_wolfssl_code_t code;

  (void)state;
  assert_int_equal(command_run(temporary_folder_path(""), "openssl", "req", "-x509", "-newkey", "rsa:1024", "-nodes",
                               "-subj", "/CN=weak", "-keyout", "weak.key", "-out", "weak.pem", NULL),
                   0);
  code = trust_add_file(&trust, temporary_folder_path("weak.pem"), &error);
  if (code == AMQP_WOLFSSL_OK) {
    code = build(&pair->settings, &trust, &pair->credentials, &error);
  }
  assert_true(code == AMQP_WOLFSSL_OK || error.stage == AMQP_WOLFSSL_STAGE_CONFIGURE);
  trust_free(&trust);
  memory_session_free(pair);
}

/*
 * One context, several sessions one after the other: nothing of the first shows in the second, no session is resumed.
 */
static void test_sessions_are_apart(void **state) {
  struct memory_session *pair = fresh_pair(0, 0);

  (void)state;
  assert_int_equal(memory_session_handshake(pair), SESSION_DONE);
  for (int i = 0; i < 3; i++) {
    struct memory_peer_settings settings = {.certificate = temporary_folder_path("server.pem"),
                                            .key = temporary_folder_path("server.key"),
                                            .version = i == 0 ? 0x0303 : 0x0304};
    struct memory_peer *first = pair->peer;
    struct session *session = pair->session;
    struct lower_socket lower;
    struct peer_name name;

    pair->peer = memory_peer_new(&settings);
    assert_non_null(pair->peer);
    lower = memory_peer_lower(pair->peer);
    assert_true(peer_name_parse(&name, i == 2 ? "elsewhere.test" : "localhost"));
    pair->session = session_new(pair->context, &name, &lower, &pair->error);
    assert_non_null(pair->session);
    assert_int_equal(memory_session_handshake(pair), i == 2 ? SESSION_FAILED : SESSION_DONE);
    session_free(session);
    memory_peer_free(first);
  }
  memory_session_free(pair);
}

/* ---- */

/* A process that runs for long outlives some of the CAs that it was configured with. */
static void test_a_ca_that_has_expired_since(void **state) {
  struct memory_session *pair = fresh_pair(AMQP_WOLFSSL_TLS_1_2, AMQP_WOLFSSL_TLS_1_3);
  struct tls_context *context = NULL;
  struct certificate_list found = {0};
  amqp_wolfssl_error_t error;
  size_t length;
  uint8_t *pem = temporary_folder_read("server-expired.pem", &length);

  (void)state;
  assert_int_equal(certificate_input_read(&found, pem, length, AMQP_WOLFSSL_FORMAT_PEM, "a test", &error),
                   AMQP_WOLFSSL_OK);
  assert_true(certificate_list_take(&pair->trust.anchors, &found));
  assert_int_equal(tls_context_new(&context, &pair->settings, &pair->trust, &pair->credentials, &error),
                   AMQP_WOLFSSL_OK);
  tls_context_free(context);
  free(pem);
  memory_session_free(pair);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_offer_is_the_policy),         cmocka_unit_test(test_contents_are_handed_out),
      cmocka_unit_test(test_stapling_shares_nothing),     cmocka_unit_test(test_trust_is_needed_to_verify),
      cmocka_unit_test(test_broken_contents_are_refused), cmocka_unit_test(test_weak_authority),
      cmocka_unit_test(test_sessions_are_apart),          cmocka_unit_test(test_a_ca_that_has_expired_since),
  };

  return cmocka_run_group_tests(tests, minted_certificates_set_up, minted_certificates_tear_down);
}
