/* SPDX-License-Identifier: MIT */
/* URIs of servers: which may be expected, and which certificates carry them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "alternative_names.h"
#include "verification/peer_uri.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define EXPECTED "spiffe://example.org/rabbitmq"

/* ---- What may be expected ---- */

static void test_good(void **state) {
  static const char *const uris[] = {
      EXPECTED,
      "spiffe://example.org/ns/prod/sa/rabbitmq",
      "spiffe://a/b",
      "spiffe://my_domain.1-2/A.b_c-D",
      "spiffe://example.org/.../..a/a..",
      "spiffe://10.0.0.1/broker", /* of the characters that a trust domain may have */
      "spiffe://example.org/9eebccd2-12bf-40a6-b262-65fe0487d453",
      "amqps://broker.example",
      "amqps://broker.example/",
      "amqps://broker.example//a/../b/",
      "a+b-c.9://broker.example/~!$&'()*+,;=:@",
      "spiffes://example.org/not/a/spiffe/id/",
  };

  (void)state;
  for (size_t i = 0; i < COUNT(uris); i++) {
    const char *fault = peer_uri_fault(uris[i]);

    if (fault != NULL) {
      fail_msg("\"%s\" %s", uris[i], fault);
    }
  }
}

static void test_bad(void **state) {
  static const struct {
    const char *uri;
    const char *says;
  } rows[] = {
      {"", "not of the form"},
      {"rabbitmq", "not of the form"},
      {"/rabbitmq", "not of the form"},
      {"//example.org/rabbitmq", "not of the form"},
      {"spiffe", "not of the form"},
      {"spiffe:", "not of the form"},
      {"spiffe:/example.org/rabbitmq", "not of the form"},
      {"spiffe:example.org/rabbitmq", "not of the form"},
      {"urn:uuid:6a2f41a3-c54c-fce8-32d2-0324e1c32e22", "not of the form"},
      {" spiffe://example.org/rabbitmq", "not of the form"},
      {"1spiffe://example.org/rabbitmq", "not of the form"},
      {"spiffe\n://example.org/rabbitmq", "not of the form"},
      {"spiff%65://example.org/rabbitmq", "not of the form"},
      {"SPIFFE://example.org/rabbitmq", "in its scheme"},
      {"spIffe://example.org/rabbitmq", "in its scheme"},
      {"spiffe://", "no host"},
      {"spiffe:///rabbitmq", "no host"},
      {"amqps:///", "no host"},
      {"spiffe://Example.org/rabbitmq", "in its host"},
      {"amqps://broker.Example", "in its host"},
      {"spiffe://example.org/rabbitmq?", "a query"},
      {"spiffe://example.org?/rabbitmq", "a query"},
      {"spiffe://example.org/rabbitmq#", "a fragment"},
      {"spiffe://example.org/rabbitmq?a#b", "a fragment"},
      {"spiffe://example.org/rabbit%6dq", "an escape"},
      {"spiffe://example%2eorg/rabbitmq", "an escape"},
      {"spiffe://example.org/%2e%2e/rabbitmq", "an escape"},
      {"amqps://broker.example/%41", "an escape"},
      {"spiffe://user@example.org/rabbitmq", "a user"},
      {"spiffe://@example.org/rabbitmq", "a user"},
      {"spiffe://user:secret@example.org/rabbitmq", "a user"},
      {"spiffe://example.org:443/rabbitmq", "a port"},
      {"spiffe://example.org:/rabbitmq", "a port"},
      {"spiffe://[::1]/rabbitmq", "a port or an address"},
      {"spiffe://*.example.org/rabbitmq", "trust domain"},
      {"spiffe://example.org\\/rabbitmq", "trust domain"},
      {"spiffe://exa mple.org/rabbitmq", "trust domain"},
      {"spiffe://ex\xc3\xa4mple.org/rabbitmq", "trust domain"},
      {"spiffe://example.org", "path is missing"},
      {"spiffe://example.org/", "slash at its end"},
      {"spiffe://example.org/rabbitmq/", "slash at its end"},
      {"spiffe://example.org//rabbitmq", "empty segment"},
      {"spiffe://example.org/a//b", "empty segment"},
      {"spiffe://example.org/.", "\"..\""},
      {"spiffe://example.org/..", "\"..\""},
      {"spiffe://example.org/./rabbitmq", "\"..\""},
      {"spiffe://example.org/a/../rabbitmq", "\"..\""},
      {"spiffe://example.org/rabbit*", "in its path"},
      {"spiffe://example.org/*", "in its path"},
      {"spiffe://example.org/rabbit mq", "in its path"},
      {"spiffe://example.org/rabbitmq\n", "in its path"},
      {"spiffe://example.org/rabbit~mq", "in its path"},
      {"spiffe://example.org/r\xc3\xa4"
       "bbit",
       "in its path"},
      {"amqps://*.broker.example", "not a DNS name"},
      {"amqps://127.0.0.1", "not a DNS name"},
      {"amqps://127.1", "not a DNS name"},
      {"amqps://broker.example.", "not a DNS name"},
      {"amqps://broker..example", "not a DNS name"},
      {"amqps://broker.example/a b", "in its path"},
      {"amqps://broker.example/\"", "in its path"},
  };

  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    const char *fault = peer_uri_fault(rows[i].uri);

    if (fault == NULL || strstr(fault, rows[i].says) == NULL) {
      fail_msg("\"%s\" %s, which does not say \"%s\"", rows[i].uri, fault != NULL ? fault : "is taken", rows[i].says);
    }
  }
}

/* "spiffe://" and a trust domain and a path of these lengths, the slash included; to be freed. */
static char *make_id(size_t domain, size_t path) {
  const size_t scheme = strlen("spiffe://");
  char *id = malloc(scheme + domain + path + 1);

  assert_non_null(id);
  memcpy(id, "spiffe://", scheme);
  memset(id + scheme, 'd', domain);
  memset(id + scheme + domain, 'p', path);
  id[scheme + domain] = '/';
  id[scheme + domain + path] = '\0';
  return id;
}

static void test_lengths(void **state) {
  static const struct {
    size_t domain;
    size_t path;
    bool good;
  } rows[] = {{255, 2, true}, {256, 2, false}, {9, 2048 - 18, true}, {9, 2049 - 18, false}, {255, 2048 - 264, true}};

  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    char *id = make_id(rows[i].domain, rows[i].path);

    assert_int_equal(peer_uri_fault(id) == NULL, rows[i].good);
    free(id);
  }
}

/* One byte of another value, at any place: another URI, or none; but never a crash. What is taken has only one
   spelling: in lower case scheme and host are the same. */
static void test_every_byte(void **state) {
  (void)state;
  for (size_t at = 0; at < strlen(EXPECTED); at++) {
    for (unsigned byte = 1; byte < 256; byte++) {
      char uri[] = EXPECTED;

      uri[at] = (char)byte;
      if (peer_uri_fault(uri) == NULL) {
        const size_t end_of_host = strlen("spiffe://example.org");

        assert_null(strpbrk(uri, "%?#@\\ \"<>*"));
        for (size_t i = 0; i < end_of_host; i++) {
          assert_false(uri[i] >= 'A' && uri[i] <= 'Z');
        }
      }
    }
  }
}

/* ---- Certificates ---- */

static enum peer_uri_verdict judge_bytes(const char *expected, uint8_t tag, const void *value, size_t length) {
  struct alternative_names names = {0};
  struct certificate certificate = {0};
  enum peer_uri_verdict verdict;

  alternative_names_add(&names, tag, value, length);
  certificate.alternative_names = alternative_names_slice(&names);
  verdict = peer_uri_judge(expected, &certificate);
  alternative_names_free(&names);
  return verdict;
}

static void test_the_same_bytes(void **state) {
  static const char *const others[] = {
      "",
      "spiffe://example.org/rabbitm",
      "spiffe://example.org/rabbitmq2",
      "spiffe://example.org/rabbitmq/",
      "spiffe://example.org/rabbitmq/admin",
      "spiffe://example.org/rabbitmQ",
      "spiffe://example.org/RABBITMQ",
      "spiffe://Example.org/rabbitmq",
      "SPIFFE://example.org/rabbitmq",
      "spiffe://example.org/rabbit%6dq",
      "spiffe://example.org/./rabbitmq",
      "spiffe://example.org//rabbitmq",
      "spiffe://example.org/x/../rabbitmq",
      "spiffe://example.org/rabbitmq?",
      "spiffe://example.org/rabbitmq#",
      "spiffe://example.org:443/rabbitmq",
      "spiffe://user@example.org/rabbitmq",
      "spiffe://example.org.evil.example/rabbitmq",
      "spiffe://evil.example/spiffe://example.org/rabbitmq",
      "spiffe://*/rabbitmq",
      "spiffe://example.org/*",
      " spiffe://example.org/rabbitmq",
      "spiffe://example.org/rabbitmq ",
      "spiffe://example.org/rabbitmq\n",
      "URI:spiffe://example.org/rabbitmq",
  };

  (void)state;
  assert_int_equal(judge_bytes(EXPECTED, SAN_URI, EXPECTED, strlen(EXPECTED)), PEER_URI_CARRIED);
  assert_int_equal(judge_bytes(EXPECTED, SAN_URI, EXPECTED, sizeof(EXPECTED)), PEER_URI_MISSING); /* a NUL behind */
  assert_int_equal(judge_bytes(EXPECTED, SAN_URI, EXPECTED "\0.evil.example", sizeof(EXPECTED) + 13), PEER_URI_MISSING);
  assert_int_equal(judge_bytes(EXPECTED, SAN_URI, "\0" EXPECTED, sizeof(EXPECTED)), PEER_URI_MISSING);
  for (size_t i = 0; i < COUNT(others); i++) {
    if (judge_bytes(EXPECTED, SAN_URI, others[i], strlen(others[i])) != PEER_URI_MISSING) {
      fail_msg("\"%s\" passes for the expected one", others[i]);
    }
  }
  for (size_t at = 0; at < strlen(EXPECTED); at++) {
    for (unsigned bit = 0; bit < 8; bit++) {
      char value[] = EXPECTED;

      value[at] = (char)(value[at] ^ (1 << bit));
      assert_int_equal(judge_bytes(EXPECTED, SAN_URI, value, strlen(EXPECTED)), PEER_URI_MISSING);
    }
  }
}

static void test_other_kinds_do_not_count(void **state) {
  static const uint8_t tags[] = {SAN_DNS, SAN_EMAIL, SAN_IP};

  (void)state;
  for (size_t i = 0; i < COUNT(tags); i++) {
    assert_int_equal(judge_bytes(EXPECTED, tags[i], EXPECTED, strlen(EXPECTED)), PEER_URI_MISSING);
  }
}

static void test_a_common_name_does_not_count(void **state) {
  static const uint8_t subject[] = "\x30\x28\x31\x26\x30\x24\x06\x03\x55\x04\x03\x0c\x1d" EXPECTED;
  const struct certificate certificate = {.subject = {subject, sizeof(subject) - 1}};
  char text[64];

  (void)state;
  assert_int_equal(certificate_format_name(certificate.subject, text, sizeof(text)), strlen("CN=" EXPECTED));
  assert_string_equal(text, "CN=" EXPECTED);
  assert_int_equal(peer_uri_judge(EXPECTED, &certificate), PEER_URI_MISSING);
}

/* In whatever order, and whatever the second is. */
static void test_several(void **state) {
  static const char *const others[] = {EXPECTED, "spiffe://example.org/other", "https://example.org", "x"};

  (void)state;
  for (size_t i = 0; i < COUNT(others) * 2; i++) {
    struct alternative_names names = {0};
    struct certificate certificate = {0};

    alternative_names_add_text(&names, SAN_URI, i % 2 == 0 ? EXPECTED : others[i / 2]);
    alternative_names_add_text(&names, SAN_DNS, "broker.example");
    alternative_names_add_text(&names, SAN_URI, i % 2 == 0 ? others[i / 2] : EXPECTED);
    certificate.alternative_names = alternative_names_slice(&names);
    assert_int_equal(peer_uri_judge(EXPECTED, &certificate), PEER_URI_NOT_ALONE);
    assert_int_equal(peer_uri_judge("spiffe://example.org/none", &certificate), PEER_URI_MISSING);
    alternative_names_free(&names);
  }
}

/* Other schemes have no rule about that, nor about CAs. */
static void test_several_of_another_scheme(void **state) {
  struct alternative_names names = {0};
  struct certificate certificate = {.is_ca = true, .has_key_usage = true, .may_certify = true, .may_sign_lists = true};

  (void)state;
  alternative_names_add_text(&names, SAN_URI, EXPECTED);
  alternative_names_add_text(&names, SAN_URI, "amqps://broker.example");
  certificate.alternative_names = alternative_names_slice(&names);
  assert_int_equal(peer_uri_judge("amqps://broker.example", &certificate), PEER_URI_CARRIED);
  assert_int_equal(peer_uri_judge("amqps://broker.example/", &certificate), PEER_URI_MISSING);
  alternative_names_free(&names);
}

static void test_other_names_beside_it(void **state) {
  struct alternative_names names = {0};
  struct certificate certificate = {.has_key_usage = true, .may_sign = true};

  (void)state;
  alternative_names_add_text(&names, SAN_DNS, "broker.example");
  alternative_names_add_text(&names, SAN_EMAIL, "a@broker.example");
  alternative_names_add(&names, SAN_IP, "\x7f\x00\x00\x01", 4);
  alternative_names_add_text(&names, SAN_URI, EXPECTED);
  alternative_names_add_text(&names, SAN_DNS, EXPECTED);
  certificate.alternative_names = alternative_names_slice(&names);
  assert_int_equal(peer_uri_judge(EXPECTED, &certificate), PEER_URI_CARRIED);
  alternative_names_free(&names);
}

static void test_what_a_leaf_must_not_be(void **state) {
  static const struct {
    bool is_ca;
    bool has_key_usage;
    bool may_certify;
    bool may_sign_lists;
    enum peer_uri_verdict verdict;
  } rows[] = {
      {false, false, false, true, PEER_URI_CARRIED}, /* as certificate_read() has it without a key usage */
      {false, true, false, false, PEER_URI_CARRIED},     {true, false, false, true, PEER_URI_IS_CA},
      {true, true, true, true, PEER_URI_IS_CA},          {false, true, true, false, PEER_URI_MAY_CERTIFY},
      {false, true, false, true, PEER_URI_MAY_SIGN_CRL},
  };
  struct alternative_names names = {0};

  (void)state;
  alternative_names_add_text(&names, SAN_URI, EXPECTED);
  for (size_t i = 0; i < COUNT(rows); i++) {
    const struct certificate certificate = {.alternative_names = alternative_names_slice(&names),
                                            .is_ca = rows[i].is_ca,
                                            .has_key_usage = rows[i].has_key_usage,
                                            .may_certify = rows[i].may_certify,
                                            .may_sign_lists = rows[i].may_sign_lists};

    assert_int_equal(peer_uri_judge(EXPECTED, &certificate), rows[i].verdict);
  }
  alternative_names_free(&names);
}

static void test_the_longest(void **state) {
  char *id = make_id(255, PEER_URI_LENGTH - 264);
  char *longer = make_id(255, PEER_URI_LENGTH - 263);

  (void)state;
  assert_null(peer_uri_fault(id));
  assert_int_equal(judge_bytes(id, SAN_URI, id, strlen(id)), PEER_URI_CARRIED);
  assert_int_equal(judge_bytes(id, SAN_URI, longer, strlen(longer)), PEER_URI_MISSING);
  assert_int_equal(judge_bytes(id, SAN_URI, id, strlen(id) - 1), PEER_URI_MISSING);
  free(id);
  free(longer);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_good),
      cmocka_unit_test(test_bad),
      cmocka_unit_test(test_lengths),
      cmocka_unit_test(test_every_byte),
      cmocka_unit_test(test_the_same_bytes),
      cmocka_unit_test(test_other_kinds_do_not_count),
      cmocka_unit_test(test_a_common_name_does_not_count),
      cmocka_unit_test(test_several),
      cmocka_unit_test(test_several_of_another_scheme),
      cmocka_unit_test(test_other_names_beside_it),
      cmocka_unit_test(test_what_a_leaf_must_not_be),
      cmocka_unit_test(test_the_longest),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
