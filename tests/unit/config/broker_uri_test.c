/* SPDX-License-Identifier: MIT */
/*
 * The URI of a broker: what is taken, what is refused and with which words, that amqp_parse_url() takes what is left of
 * it, and that no sentence has anything of a password, wherever a typing error puts it: each URI that is refused here
 * has the word "canary" in its secrets.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/broker_uri.h"
#include "exact_copy.h"
#include "failing_allocator.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define CANARY "canary"

/* From a block of exactly its size. */
static amqp_wolfssl_code_t read_uri(struct broker_uri *uri, const char *text, amqp_wolfssl_error_t *error) {
  char *copy = (char *)exact_copy(text, strlen(text) + 1);
  amqp_wolfssl_code_t code;

  memset(uri, 0x5a, sizeof(*uri));
  error_clear(error);
  code = broker_uri_read(uri, copy, error);
  free(copy);
  assert_int_equal(code, error->code);
  return code;
}

static void assert_empty(const struct broker_uri *uri) {
  assert_null(uri->ca_file);
  assert_null(uri->certificate_file);
  assert_null(uri->key_file);
  assert_null(uri->password);
  assert_null(uri->server_name);
  assert_false(uri->any_name);
  assert_int_equal(uri->verify, BROKER_URI_VERIFY_UNSAID);
  assert_int_equal(uri->depth, -1);
  assert_int_equal(uri->heartbeat, -1);
  assert_int_equal(uri->connection_timeout, -1);
  assert_int_equal(uri->channel_max, -1);
  assert_int_equal(uri->mechanism_count, 0);
  assert_null(uri->decoded.bytes);
}

static void expect_good(struct broker_uri *uri, const char *text) {
  amqp_wolfssl_error_t error;

  if (read_uri(uri, text, &error) != AMQP_WOLFSSL_OK) {
    fail_msg("%s: %s", text, error.message);
  }
}

static void expect_refusal(const char *text, const char *words) {
  struct broker_uri uri;
  amqp_wolfssl_error_t error;

  if (read_uri(&uri, text, &error) != AMQP_WOLFSSL_ERROR_BROKER_URI_INVALID || strstr(error.message, words) == NULL) {
    fail_msg("%s: \"%s\" is not in \"%s\"", text, words, error.message);
  }
  assert_int_equal(error.stage, AMQP_WOLFSSL_STAGE_CONFIGURE);
  assert_null(strstr(error.message, CANARY));
  assert_empty(&uri);
}

/* ---- What is taken ---- */

static void test_no_query(void **state) {
  static const char *const texts[] = {
      "amqps://",
      "amqps://host",
      "amqps://host/",
      "amqps://host:5671",
      "amqps://host:1/vhost",
      "amqps://host:65535/%2f",
      "amqps://user@host",
      "amqps://user:password@host:5671/vhost",
      "amqps://:@host",
      "amqps://user:%40%3a%2F%3F%23%25@host/a%2Fb",
      "amqps://192.0.2.1:5671/",
      "amqps://[::1]",
      "amqps://[::1]:5671/vhost",
      "amqps://user:password@[2001:db8::1]:5671/vhost",
      "amqps://user:password@[fe80::1%25eth0]:5671/vhost",
      "amqps://[fe80::1%25eth-0._~%41]",
      "amqps://us!$er:pa*(),;=+ss^|{}~@host/v!host=1&2",
  };
  struct broker_uri uri;

  (void)state;
  for (size_t i = 0; i < COUNT_OF(texts); i++) {
    expect_good(&uri, texts[i]);
    assert_int_equal(uri.front_length, strlen(texts[i]));
    broker_uri_free(&uri);
    assert_empty(&uri);
  }
}

/* What stands before the query is what rabbitmq-c understands, and no part of it has moved. */
static void test_rabbitmq_takes_what_is_left(void **state) {
  static const struct {
    const char *uri;
    const char *user;
    const char *password;
    const char *host;
    int port;
    const char *vhost;
  } cases[] = {
      {"amqps://?depth=1", "guest", "guest", "localhost", 5671, "/"},
      {"amqps://host?depth=1", "guest", "guest", "host", 5671, "/"},
      {"amqps://host/?depth=1", "guest", "guest", "host", 5671, ""},
      {"amqps://me:se%3Fcr%26et@host:5672/%2f?depth=1", "me", "se?cr&et", "host", 5672, "/"},
      {"amqps://me@[::1]:5672/v%40?depth=1", "me", "guest", "::1", 5672, "v@"},
      {"amqps://me@[fe80::1%25lo]/v?", "me", "guest", "fe80::1%lo", 5671, "v"},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    struct amqp_connection_info info;
    struct broker_uri uri;
    char *front;

    expect_good(&uri, cases[i].uri);
    front = strndup(cases[i].uri, uri.front_length);
    assert_non_null(front);
    assert_int_equal(amqp_parse_url(front, &info), AMQP_STATUS_OK);
    assert_string_equal(info.user, cases[i].user);
    assert_string_equal(info.password, cases[i].password);
    assert_string_equal(info.host, cases[i].host);
    assert_int_equal(info.port, cases[i].port);
    assert_string_equal(info.vhost, cases[i].vhost);
    assert_true(info.ssl);
    free(front);
    broker_uri_free(&uri);
  }
}

static void test_all_parameters(void **state) {
  struct broker_uri uri;

  (void)state;
  expect_good(&uri,
              "amqps://user:password@host:5671/vhost?cacertfile=/etc/ca.pem&certfile=me%20too.pem&keyfile=me.key&"
              "password=a%26b%3D%25&verify=verify_peer&server_name_indication=broker.example&depth=3&"
              "auth_mechanism=external&auth_mechanism=plain&auth_mechanism=amqplain&heartbeat=30&"
              "connection_timeout=5000&channel_max=2047");
  assert_int_equal(uri.front_length, strlen("amqps://user:password@host:5671/vhost"));
  assert_string_equal(uri.ca_file, "/etc/ca.pem");
  assert_string_equal(uri.certificate_file, "me too.pem");
  assert_string_equal(uri.key_file, "me.key");
  assert_string_equal(uri.password, "a&b=%");
  assert_int_equal(uri.verify, BROKER_URI_VERIFY_PEER);
  assert_string_equal(uri.server_name, "broker.example");
  assert_false(uri.any_name);
  assert_int_equal(uri.depth, 3);
  assert_int_equal(uri.mechanism_count, 3);
  assert_string_equal(uri.mechanisms[0], "EXTERNAL");
  assert_string_equal(uri.mechanisms[1], "PLAIN");
  assert_string_equal(uri.mechanisms[2], "AMQPLAIN");
  assert_int_equal(uri.heartbeat, 30);
  assert_int_equal(uri.connection_timeout, 5000);
  assert_int_equal(uri.channel_max, 2047);
  broker_uri_free(&uri);
  assert_empty(&uri);
  broker_uri_free(&uri);
}

static void test_each_parameter_alone(void **state) {
  struct broker_uri uri;

  (void)state;
  expect_good(&uri, "amqps://host?verify=verify_none");
  assert_int_equal(uri.verify, BROKER_URI_VERIFY_NONE);
  broker_uri_free(&uri);
  expect_good(&uri, "amqps://host?server_name_indication=disable");
  assert_true(uri.any_name);
  assert_null(uri.server_name);
  broker_uri_free(&uri);
  expect_good(&uri, "amqps://host?server_name_indication=192.0.2.1");
  assert_string_equal(uri.server_name, "192.0.2.1");
  broker_uri_free(&uri);
  expect_good(&uri, "amqps://host?cacertfile=a+b&verify=verify_none"); /* a plus sign is no blank */
  assert_string_equal(uri.ca_file, "a+b");
  broker_uri_free(&uri);
  expect_good(&uri, "amqps://host?cacertfile=a=b?c/d:e;f"); /* these mean nothing in a value */
  assert_string_equal(uri.ca_file, "a=b?c/d:e;f");
  broker_uri_free(&uri);
}

/* ---- Numbers ---- */

static void test_numbers(void **state) {
  static const struct {
    const char *name;
    const char *least;
    const char *most;
    const char *beyond;
  } cases[] = {{"depth", "0", "255", "256"},
               {"heartbeat", "0", "65535", "65536"},
               {"channel_max", "0", "65535", "65536"},
               {"connection_timeout", "1", "2147483647", "2147483648"}};
  static const char *const wrong[] = {"-1",   "+1",   "1.0",         "0x1",        "1e3",
                                      "%201", "1%20", "one",         "4294967297", "18446744073709551617",
                                      "1%0A", "1a",   "00000000001", "99999999999"};
  struct broker_uri uri;
  char text[200];

  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    (void)snprintf(text, sizeof(text), "amqps://host?%s=%s", cases[i].name, cases[i].least);
    expect_good(&uri, text);
    assert_int_equal(uri.depth + uri.heartbeat + uri.channel_max + uri.connection_timeout,
                     strtoll(cases[i].least, NULL, 10) - 3);
    broker_uri_free(&uri);
    (void)snprintf(text, sizeof(text), "amqps://host?%s=%s", cases[i].name, cases[i].most);
    expect_good(&uri, text);
    assert_int_equal((int64_t)uri.depth + uri.heartbeat + uri.channel_max + uri.connection_timeout,
                     strtoll(cases[i].most, NULL, 10) - 3);
    broker_uri_free(&uri);
    (void)snprintf(text, sizeof(text), "amqps://u:canary@host?%s=%s", cases[i].name, cases[i].beyond);
    expect_refusal(text, cases[i].name);
    for (size_t j = 0; j < COUNT_OF(wrong); j++) {
      (void)snprintf(text, sizeof(text), "amqps://u:canary@host?%s=%s", cases[i].name, wrong[j]);
      expect_refusal(text, cases[i].name);
    }
  }
  expect_refusal("amqps://u:canary@host?connection_timeout=0", "connection_timeout");
}

/* ---- Escapes ---- */

static void test_every_escape(void **state) {
  (void)state;
  for (unsigned byte = 0; byte < 256; byte++) {
    struct broker_uri uri;
    char text[100];

    (void)snprintf(text, sizeof(text), "amqps://host?cacertfile=a%%%02xb", byte);
    if (byte == 0) {
      expect_refusal(text, "%00");
    } else if (byte >= 0x80) {
      expect_refusal(text, "\"cacertfile\" of the broker's URI is not UTF-8");
    } else {
      expect_good(&uri, text);
      assert_int_equal(uri.ca_file[1], byte);
      assert_int_equal(strlen(uri.ca_file), 3);
      broker_uri_free(&uri);
    }
  }
}

static void test_bad_escapes(void **state) {
  static const char *const escapes[] = {"%",   "%4",     "%G1", "%1G", "%%41", "% 1", "%1 ", "%+1", "%-1", "%0x",
                                        "%x1", "%u0041", "%00", "%1%", "%/1",  "%:1", "%@1", "%`1", "%g1"};
  static const char *const places[] = {"amqps://_:canary@host",         "amqps://u:canary_@host",
                                       "amqps://u:canary@host_",        "amqps://u:canary@host/_",
                                       "amqps://u:canary@host?depth=_", "amqps://u:x@host?password=canary_"};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(escapes); i++) {
    for (size_t j = 0; j < COUNT_OF(places); j++) {
      char text[100];

      (void)snprintf(text, sizeof(text), "%.*s%s%s", (int)strcspn(places[j], "_"), places[j], escapes[i],
                     strchr(places[j], '_') + 1);
      expect_refusal(text, "at byte");
    }
  }
}

/* Overlong forms, surrogates, beyond Unicode, cut short; and good ones. */
static void test_utf8(void **state) {
  static const char *const bad[] = {"%C0%AF",       "%C1%81", "%E0%80%AF", "%F0%80%80%AF", "%ED%A0%80",
                                    "%F4%90%80%80", "%C3",    "%C3/",      "%FF",          "%80"};
  static const char *const names[] = {
      "cacertfile", "certfile",       "keyfile",   "password",           "verify",     "server_name_indication",
      "depth",      "auth_mechanism", "heartbeat", "connection_timeout", "channel_max"};
  struct broker_uri uri;
  char text[100];
  char words[120];

  (void)state;
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    for (size_t j = 0; j < COUNT_OF(names); j++) {
      (void)snprintf(text, sizeof(text), "amqps://host?%s=canary%s", names[j], bad[i]);
      (void)snprintf(words, sizeof(words), "the parameter \"%s\" of the broker's URI is not UTF-8", names[j]);
      expect_refusal(text, words);
    }
  }
  expect_good(&uri, "amqps://host?cacertfile=%C3%A4%E2%82%AC%F0%9F%90%87");
  assert_string_equal(uri.ca_file, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x90\x87");
  broker_uri_free(&uri);
}

/* Unescaped, only printable ASCII; a number sign begins a fragment, which some would drop and others would not. */
static void test_raw_characters(void **state) {
  (void)state;
  for (int byte = 1; byte < 256; byte++) {
    static const char *const places[] = {"amqps://u:canary_@host", "amqps://u:canary@host/_",
                                         "amqps://u:canary@host?cacertfile=_"};
    struct broker_uri uri;

    if (byte > ' ' && byte <= '~' && byte != '#') {
      continue;
    }
    for (size_t i = 0; i < COUNT_OF(places); i++) {
      char text[100];

      (void)snprintf(text, sizeof(text), "%s", places[i]);
      *strchr(text, '_') = (char)byte;
      expect_refusal(text, byte == '#' ? "%23" : "has to be written as %XX");
      *strchr(text, (char)byte) = '~';
      expect_good(&uri, text);
      broker_uri_free(&uri);
    }
  }
}

/* ---- What stands before the query ---- */

static void test_other_schemes(void **state) {
  static const char *const schemes[] = {"",         "amqps",     "amqps:",    "amqps:/",  "amqps:host", "AMQPS://",
                                        "Amqps://", " amqps://", "amqpss://", "https://", "//",         "amqps\\//"};
  char text[100];

  (void)state;
  for (size_t i = 0; i < COUNT_OF(schemes); i++) {
    (void)snprintf(text, sizeof(text), "%su:canary@host", schemes[i]);
    expect_refusal(text, "does not begin with amqps://");
  }
  expect_refusal("", "does not begin with amqps://");
  expect_refusal("amqp://u:canary@host?verify=verify_none", "AMQP without TLS");
}

/* rabbitmq-c refuses all of these too; it takes one it would misread for a port of 0, or with a sign. */
static void test_bad_fronts(void **state) {
  static const struct {
    const char *uri;
    const char *words;
    bool refused_by_rabbitmq;
  } cases[] = {
      {"amqps://u:canary@host:", "port", true},
      {"amqps://u:canary@host:0", "port", false},
      {"amqps://u:canary@host:65536", "port", true},
      {"amqps://u:canary@host:99999999999999999999", "port", true},
      {"amqps://u:canary@host:+5671", "port", false},
      {"amqps://u:canary@host:5671x", "port", true},
      {"amqps://u:canary@host:56%371", "port", false},
      {"amqps://u:canary@host:1:2", "port", true},
      {"amqps://u:canary", "port", true},
      {"amqps://u:canary/x@host", "virtual host", true},
      {"amqps://u:1/canary@host", "virtual host", true},
      {"amqps://u:canary?x@host", "port", true},
      {"amqps://u:1?canary@host", "\"@\" behind a \"?\"", true},
      {"amqps://u:1?canary=1@host", "\"@\" behind a \"?\"", true},
      {"amqps://u:can@ary@host", "\"@\" twice", true},
      {"amqps://u:can:ary@host", "%3A", true},
      {"amqps://u:canary[@host", "%5B", true},
      {"amqps://u]:canary@host", "%5B", true},
      {"amqps://u:canary@[::1", "IPv6", true},
      {"amqps://u:canary@[]", "IPv6", false},
      {"amqps://u:canary@[host]", "IPv6", false},
      {"amqps://u:canary@[192.0.2.1]", "IPv6", false},
      {"amqps://u:canary@[::1%lo]", "two hexadecimal digits", true},
      {"amqps://u:canary@[::1%40a]", "IPv6", false},
      {"amqps://u:canary@[%3A:1]", "IPv6", false},
      {"amqps://u:canary@[fe80::1%25]", "IPv6", false},
      {"amqps://u:canary@[fe80::1%25a[b]:1", "IPv6", true},
      {"amqps://u:canary@[fe80::1%25a:b]:1", "IPv6", false},
      {"amqps://u:canary@[192.0.2.1%25a]", "IPv6", false},
      {"amqps://u:canary@[::1]x", "port", true},
      {"amqps://u:canary@[::1]5671", "port", true},
      {"amqps://u:canary@[::1]:5671]", "bracket", true},
      {"amqps://u:canary@[[::1]]", "IPv6", true},
      {"amqps://u:canary@::1", "port", true},
      {"amqps://u:canary@ho[st", "bracket", true},
      {"amqps://u:canary@host/a/b", "virtual host", true},
      {"amqps://u:canary@host//", "virtual host", true},
      {"amqps://u:canary@host/a:b", "virtual host", true},
      {"amqps://u:canary@host/a@b", "virtual host", true},
      {"amqps://u:canary@host/[a", "virtual host", true},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    struct amqp_connection_info info;
    char *copy = strdup(cases[i].uri);

    expect_refusal(cases[i].uri, cases[i].words);
    assert_non_null(copy);
    if (cases[i].refused_by_rabbitmq) {
      assert_int_equal(amqp_parse_url(copy, &info), AMQP_STATUS_BAD_URL);
    }
    free(copy);
  }
}

/* ---- The query ---- */

static void test_unknown_parameters(void **state) {
  static const struct {
    const char *query;
    const char *words;
  } cases[] = {
      {"Verify=verify_peer", "unknown: \"Verify\""},
      {"verify =verify_peer", "written as %XX"},
      {"%76erify=verify_peer", "unknown: \"%76erify\""},
      {"verif=verify_peer", "unknown: \"verif\""},
      {"verifyy=verify_peer", "unknown: \"verifyy\""},
      {"fail_if_no_peer_cert=true", "unknown: \"fail_if_no_peer_cert\""},
      {"depth=1&frame_max=1", "parameter 2 of the broker's URI is unknown: \"frame_max\""},
      {"depth=1;verify=verify_none", "\"depth\" of the broker's URI takes"},
      {"x\\y=1", "unknown: \"x\\5Cy\""},
      {"a123456789b123456789c123456789d1234567890=1", "parameter 1 of the broker's URI is unknown"},
      {"?depth=1", "unknown: \"?depth\""},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    char text[200];

    (void)snprintf(text, sizeof(text), "amqps://u:canary@host?%s", cases[i].query);
    expect_refusal(text, cases[i].words);
  }
}

static void test_parameters_without_a_form(void **state) {
  static const char *const queries[] = {
      "canary", "&", "&depth=1",       "depth=1&",          "depth=1&&verify=verify_peer",
      "=1",     "=", "depth=1&canary", "password=a&canary", "canary&password=a"};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(queries); i++) {
    char text[200];

    (void)snprintf(text, sizeof(text), "amqps://u:canary@host?%s", queries[i]);
    expect_refusal(text, "name=value");
  }
}

/* "&" in a passphrase, not escaped. */
static void test_pieces_of_a_password(void **state) {
  (void)state;
  expect_refusal("amqps://host?certfile=a&keyfile=b&password=canary&canary", "parameter 4");
  expect_refusal("amqps://host?certfile=a&keyfile=b&password=x&canary=1", "may be the end of the password");
  expect_refusal("amqps://host?password=x&canary=", "may be the end of the password");
  expect_refusal("amqps://host?password=x&canary=1&verify=verify_peer", "parameter 2");
  expect_refusal("amqps://host?password=canary#canary", "%23");
  expect_refusal("amqps://host?password=can@ary", "%40");
  expect_refusal("amqps://host?password=canary&depth=1&unknown=1", "unknown: \"unknown\"");
}

static const char *const known[] = {"cacertfile=/canary",
                                    "certfile=/canary",
                                    "keyfile=/canary",
                                    "password=canary",
                                    "verify=verify_peer",
                                    "server_name_indication=canary",
                                    "depth=1",
                                    "heartbeat=1",
                                    "connection_timeout=1",
                                    "channel_max=1"};

static void test_twice(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(known); i++) {
    char name[40];
    char text[200];
    char words[120];

    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(known[i], "="), known[i]);
    (void)snprintf(words, sizeof(words), "the parameter \"%s\" twice", name);
    (void)snprintf(text, sizeof(text), "amqps://u:canary@host?%s&%s", known[i], known[i]);
    expect_refusal(text, words);
    (void)snprintf(text, sizeof(text), "amqps://u:canary@host?%s&auth_mechanism=plain&%s=other", known[i], name);
    expect_refusal(text, words);
    (void)snprintf(text, sizeof(text), "amqps://u:canary@host?%s=", name);
    (void)snprintf(words, sizeof(words), "the parameter \"%s\" of the broker's URI has no value", name);
    expect_refusal(text, words);
  }
}

static void test_values(void **state) {
  static const struct {
    const char *query;
    const char *words;
  } cases[] = {
      {"verify=VERIFY_PEER", "\"verify\" of the broker's URI takes verify_peer or verify_none"},
      {"verify=none", "\"verify\""},
      {"verify=verify_peer%20", "\"verify\""},
      {"verify=true", "\"verify\""},
      {"server_name_indication=not%20a%20name", "\"server_name_indication\" of the broker's URI takes a DNS name"},
      {"server_name_indication=a..b", "\"server_name_indication\""},
      {"server_name_indication=host:5671", "\"server_name_indication\""},
      {"auth_mechanism=scram", "\"auth_mechanism\" of the broker's URI takes plain, amqplain or external"},
      {"auth_mechanism=PLAIN", "\"auth_mechanism\""},
      {"auth_mechanism=", "\"auth_mechanism\""},
      {"auth_mechanism=plain,external", "\"auth_mechanism\""},
      {"auth_mechanism=plain&auth_mechanism=external&auth_mechanism=plain", "each mechanism once"},
      {"auth_mechanism=plain&auth_mechanism=external&auth_mechanism=amqplain&auth_mechanism=x", "takes plain"},
      {"certfile=a", "\"certfile\" without \"keyfile\""},
      {"keyfile=a", "\"keyfile\" without \"certfile\""},
      {"password=canary", "\"password\", which is the passphrase of a key, without \"keyfile\""},
      {"keyfile=a&password=canary", "\"keyfile\" without \"certfile\""},
      {"verify=verify_none&depth=0", "contradict each other"},
      {"depth=0&verify=verify_none", "contradict each other"},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    char text[200];

    (void)snprintf(text, sizeof(text), "amqps://u:canary@host?%s", cases[i].query);
    expect_refusal(text, cases[i].words);
  }
}

/* ---- Bounds ---- */

/* Whatever is missing at its end: taken or refused, and no sentence has a secret. */
static void test_cut_anywhere(void **state) {
  static const char whole[] =
      "amqps://canary:canary@[fe80::1%25canary]:5671/canary%2f?cacertfile=%c3%a4canary&certfile=canary&keyfile=canary&"
      "password=canary%25&verify=verify_peer&server_name_indication=canary.example&depth=255&auth_mechanism=external&"
      "heartbeat=30&connection_timeout=2147483647&channel_max=65535";

  (void)state;
  for (size_t length = 0; length < sizeof(whole); length++) {
    for (size_t start = 0; start < 2; start++) {
      struct broker_uri uri;
      amqp_wolfssl_error_t error;
      char text[sizeof(whole)];

      (void)snprintf(text, sizeof(text), "%.*s", (int)length, whole + start);
      if (read_uri(&uri, text, &error) == AMQP_WOLFSSL_OK) {
        broker_uri_free(&uri);
      } else {
        assert_int_equal(error.code, AMQP_WOLFSSL_ERROR_BROKER_URI_INVALID);
        assert_null(strstr(error.message, CANARY));
        assert_empty(&uri);
      }
    }
  }
}

static void test_length(void **state) {
  static const char start[] = "amqps://host?cacertfile=";
  char *text = malloc(BROKER_URI_LENGTH + 2);
  struct broker_uri uri;

  (void)state;
  assert_non_null(text);
  memset(text, 'a', BROKER_URI_LENGTH + 1);
  memcpy(text, start, strlen(start));
  text[BROKER_URI_LENGTH + 1] = '\0';
  expect_refusal(text, "longer than");
  text[BROKER_URI_LENGTH] = '\0';
  expect_good(&uri, text);
  assert_int_equal(strlen(uri.ca_file), BROKER_URI_LENGTH - strlen(start));
  broker_uri_free(&uri);
  free(text);
}

static void test_out_of_memory(void **state) {
  struct broker_uri uri;
  amqp_wolfssl_error_t error;

  (void)state;
  if (!failing_allocator_works()) {
    skip();
  }
  failing_allocator_arm(1);
  assert_int_equal(broker_uri_read(&uri, "amqps://host?password=canary", &error), AMQP_WOLFSSL_ERROR_NO_MEMORY);
  assert_true(failing_allocator_disarm());
  assert_empty(&uri);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_no_query),
      cmocka_unit_test(test_rabbitmq_takes_what_is_left),
      cmocka_unit_test(test_all_parameters),
      cmocka_unit_test(test_each_parameter_alone),
      cmocka_unit_test(test_numbers),
      cmocka_unit_test(test_every_escape),
      cmocka_unit_test(test_bad_escapes),
      cmocka_unit_test(test_utf8),
      cmocka_unit_test(test_raw_characters),
      cmocka_unit_test(test_other_schemes),
      cmocka_unit_test(test_bad_fronts),
      cmocka_unit_test(test_unknown_parameters),
      cmocka_unit_test(test_parameters_without_a_form),
      cmocka_unit_test(test_pieces_of_a_password),
      cmocka_unit_test(test_twice),
      cmocka_unit_test(test_values),
      cmocka_unit_test(test_cut_anywhere),
      cmocka_unit_test(test_length),
      cmocka_unit_test(test_out_of_memory),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
