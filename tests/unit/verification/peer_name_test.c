/* SPDX-License-Identifier: MIT */
/*
 * The host name check, by a table of typed names against alternative names, and by generated names against a slow model
 * that works label by label.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "exact_copy.h"
#include "verification/peer_name.h"

enum verdict { REFUSED, DIFFERS, MATCHES };

/*
 * Alternative names are written as words: D for dNSName and text, I for iPAddress and hexadecimal digits, E for email,
 * U for URI, O for registeredID. In text, %xx is a byte.
 */
struct pair {
  const char *typed;
  const char *names;
  enum verdict expected;
};

#define L63 "a23456789012345678901234567890123456789012345678901234567890123"
#define L61 "a234567890123456789012345678901234567890123456789012345678901"
#define N253 L63 "." L63 "." L63 "." L61
#define N254 L63 "." L63 "." L63 "." L61 "b"

static const struct pair pairs[] = {
    /* plain names */
    {"example.com", "D:example.com", MATCHES},
    {"rabbit.example.com", "D:example.com", DIFFERS},
    {"example.com", "D:rabbit.example.com", DIFFERS},
    {"EXAMPLE.com", "D:example.COM", MATCHES},
    {"example.com", "D:other.org D:example.com", MATCHES},
    {"example.com", "D:other.org D:third.org", DIFFERS},
    {"example.com", "", DIFFERS},
    {"example.com", "D:", DIFFERS},
    {"example.com", "D:example.comm", DIFFERS},
    {"example.com", "D:xexample.com", DIFFERS},
    {"example.com", "D:example-com", DIFFERS},
    {"", "D:example.com", REFUSED},
    {".", "D:.", REFUSED},
    {".example.com", "D:.example.com", REFUSED},
    {"a..example.com", "D:a..example.com", REFUSED},
    {"example.com", "D:.example.com", DIFFERS},
    {"a.example.com", "D:.example.com", DIFFERS},
    {"exam ple.com", "D:exam%20ple.com", REFUSED},
    {"example.com:5671", "D:example.com", REFUSED},
    {"amqps://example.com", "D:example.com", REFUSED},
    {"user@example.com", "D:user@example.com", REFUSED},
    {"example.com\n", "D:example.com", REFUSED},
    {"example.com", "D:%20example.com", DIFFERS},
    {"example.com", "D:example.com%20", DIFFERS},
    {"example.com", "D:example.com%0a", DIFFERS},
    {"-a.example.com", "D:-a.example.com", MATCHES},
    {"example.com-", "D:example.com-", MATCHES},
    /* single labels */
    {"rabbitmq", "D:rabbitmq", MATCHES},
    {"localhost", "D:localhost", MATCHES},
    {"LocalHost.", "D:localhost", MATCHES},
    {"rabbitmq", "D:*", DIFFERS},
    {"localhost", "D:*", DIFFERS},
    {"localhost", "D:localhos", DIFFERS},
    {"rabbitmq", "D:rabbitmq.example.com", DIFFERS},
    {"rabbitmq", "D:*.example.com", DIFFERS},
    /* underscores */
    {"my_broker", "D:my_broker", MATCHES},
    {"_amqps._tcp.example.com", "D:_amqps._tcp.example.com", MATCHES},
    {"my_broker.example.com", "D:*.example.com", MATCHES},
    {"a.my_zone.com", "D:*.my_zone.com", MATCHES},
    {"my_broker.example.com", "D:my-broker.example.com", DIFFERS},
    /* wildcards */
    {"a.example.com", "D:*.example.com", MATCHES},
    {"A.Example.Com", "D:*.eXAMPLE.cOM", MATCHES},
    {"a.b.example.com", "D:*.b.example.com", MATCHES},
    {"example.com", "D:*", DIFFERS},
    {"a.example.com", "D:*", DIFFERS},
    {"example.com", "D:*.com", DIFFERS},
    {"a.example.com", "D:*.com", DIFFERS},
    {"com", "D:*.com", DIFFERS},
    {"example.com", "D:*.example.com", DIFFERS},
    {"a.b.example.com", "D:*.example.com", DIFFERS},
    {"a.b.example.com", "D:*.*.example.com", DIFFERS},
    {"a.b.com", "D:a.*.com", DIFFERS},
    {"a.example.com", "D:a.*.com", DIFFERS},
    {"a.example.com", "D:a.example.*", DIFFERS},
    {"foo.example.com", "D:f*.example.com", DIFFERS},
    {"foo.example.com", "D:*oo.example.com", DIFFERS},
    {"foo.example.com", "D:f*o.example.com", DIFFERS},
    {"foo.example.com", "D:foo*.example.com", DIFFERS},
    {"foo.example.com", "D:**.example.com", DIFFERS},
    {"foo.example.com", "D:?oo.example.com", DIFFERS},
    {"foo.example.com", "D:*example.com", DIFFERS},
    {"foo.example.com", "D:*..example.com", DIFFERS},
    {"foo.example.com", "D:*.example.com.", DIFFERS},
    {"foo.example.com", "D:*.", DIFFERS},
    {"foo.example.com", "D:*.example..com", DIFFERS},
    {".example.com", "D:*.example.com", REFUSED},
    {"*.example.com", "D:*.example.com", REFUSED},
    {"*", "D:*", REFUSED},
    {"a.example.com", "D:%2A.example.com", MATCHES},
    /* A-labels */
    {"xn--mnchen-3ya.example.com", "D:xn--mnchen-3ya.example.com", MATCHES},
    {"XN--MNCHEN-3YA.example.com", "D:xn--mnchen-3ya.example.com", MATCHES},
    {"xn--mnchen-3ya.example.com", "D:*.example.com", MATCHES},
    {"xn--mnchen-3ya.example.com", "D:xn--*.example.com", DIFFERS},
    {"xn--mnchen-3ya.example.com", "D:*xn--mnchen-3ya.example.com", DIFFERS},
    {"a.xn--mnchen-3ya.com", "D:*.xn--mnchen-3ya.com", MATCHES},
    {"m\xc3\xbcnchen.example.com", "D:xn--mnchen-3ya.example.com", REFUSED},
    {"xn--mnchen-3ya.example.com", "D:m%c3%bcnchen.example.com", DIFFERS},
    /* trailing dots */
    {"example.com.", "D:example.com", MATCHES},
    {"example.com", "D:example.com.", DIFFERS},
    {"example.com.", "D:example.com.", DIFFERS},
    {"example.com..", "D:example.com", REFUSED},
    {"a.example.com.", "D:*.example.com", MATCHES},
    /* NUL and other bytes */
    {"example.com", "D:example.com%00", DIFFERS},
    {"example.com", "D:example.com%00.evil.org", DIFFERS},
    {"example.com", "D:%00example.com", DIFFERS},
    {"example.com", "D:%00", DIFFERS},
    {"a.example.com", "D:*.example.com%00.evil.org", DIFFERS},
    {"a.example.com", "D:*%00.example.com", DIFFERS},
    {"example.com", "D:example.com%00 D:example.com", MATCHES},
    {"example.com", "D:ex%e1mple.com", DIFFERS},
    /* other kinds of names */
    {"example.com", "E:example.com", DIFFERS},
    {"example.com", "U:example.com", DIFFERS},
    {"example.com", "U:amqps://example.com", DIFFERS},
    {"example.com", "O:%2a%03", DIFFERS},
    {"example.com", "I:6578616d706c652e636f6d", DIFFERS},
    {"abcd", "I:61626364", DIFFERS},
    {"97.98.99.100", "I:61626364", MATCHES},
    {"97.98.99.100", "D:abcd", DIFFERS},
    {"97.98.99.100", "U:abcd E:abcd", DIFFERS},
    {"6162:6364:6566:6768:696a:6b6c:6d6e:6f70", "D:abcdefghijklmnop", DIFFERS},
    {"example.com", "O:%2a%03 E:a@b.c U:amqps://x D:example.com", MATCHES},
    /* lengths */
    {L63 ".example.com", "D:" L63 ".example.com", MATCHES},
    {L63 ".example.com", "D:*.example.com", MATCHES},
    {L63 "b.example.com", "D:" L63 "b.example.com", REFUSED},
    {L63 "b.example.com", "D:*.example.com", REFUSED},
    {"a.example.com", "D:a." L63 "b.example.com", DIFFERS},
    {N253, "D:" N253, MATCHES},
    {N253 ".", "D:" N253, MATCHES},
    {N254, "D:" N254, REFUSED},
    {N253, "D:" N254, DIFFERS},
    {N253, "D:*." L63 "." L63 "." L61, MATCHES},
    {N253, "D:*." L63 "." L63 "." L61 "b", DIFFERS},
    /* IPv4 */
    {"127.0.0.1", "I:7f000001", MATCHES},
    {"127.0.0.1", "I:7f000002", DIFFERS},
    {"127.0.0.1", "D:127.0.0.1", DIFFERS},
    {"127.0.0.1", "D:*.0.0.1", DIFFERS},
    {"127.0.0.1", "U:127.0.0.1 E:127.0.0.1", DIFFERS},
    {"127.0.0.1", "D:localhost", DIFFERS},
    {"127.0.0.1", "", DIFFERS},
    {"127.0.0.1", "I:7f0000", DIFFERS},
    {"127.0.0.1", "I:7f00000100", DIFFERS},
    {"127.0.0.1", "I:", DIFFERS},
    {"127.0.0.1", "I:7f000001ffffffff", DIFFERS},
    {"127.0.0.1", "I:0a000001 D:x I:7f000001", MATCHES},
    {"255.255.255.255", "I:ffffffff", MATCHES},
    {"0.0.0.0", "I:00000000", MATCHES},
    {"localhost", "I:7f000001", DIFFERS},
    {"256.1.1.1", "I:00010101", REFUSED},
    {"127.1", "I:7f000001", REFUSED},
    {"127.1", "D:127.1", REFUSED},
    {"127.0.1", "I:7f000001", REFUSED},
    {"2130706433", "I:7f000001", REFUSED},
    {"0x7f.1", "I:7f000001", REFUSED},
    {"0x7f000001", "I:7f000001", REFUSED},
    {"0X7F000001", "D:0x7f000001", REFUSED},
    {"0177.0.0.1", "I:7f000001", REFUSED},
    {"127.0.0.01", "I:7f000001", REFUSED},
    {"127.00.0.1", "I:7f000001", REFUSED},
    {"1.2.3.4.", "I:01020304", REFUSED},
    {"1.2.3.4.5", "D:1.2.3.4.5", REFUSED},
    {".1.2.3.4", "I:01020304", REFUSED},
    {"1..2.3", "I:01000203", REFUSED},
    {" 1.2.3.4", "I:01020304", REFUSED},
    {"1.2.3.4 ", "I:01020304", REFUSED},
    {"+1.2.3.4", "I:01020304", REFUSED},
    {"1.2.3.-4", "I:01020304", DIFFERS},
    {"1.2.3.4/32", "I:01020304", REFUSED},
    {"[1.2.3.4]", "I:01020304", REFUSED},
    {"example.123", "D:example.123", REFUSED},
    {"example.0x1f", "D:example.0x1f", REFUSED},
    {"1.example", "D:1.example", MATCHES},
    {"1.2.3.4a", "D:1.2.3.4a", MATCHES},
    {"0xfg", "D:0xfg", MATCHES},
    {"a.b.c.d", "I:0a0b0c0d", DIFFERS},
    /* IPv6 */
    {"::1", "I:00000000000000000000000000000001", MATCHES},
    {"[::1]", "I:00000000000000000000000000000001", MATCHES},
    {"0:0:0:0:0:0:0:1", "I:00000000000000000000000000000001", MATCHES},
    {"0000:0000:0000:0000:0000:0000:0000:0001", "I:00000000000000000000000000000001", MATCHES},
    {"2001:DB8::A", "I:20010db800000000000000000000000a", MATCHES},
    {"2001:db8::a", "I:20010db800000000000000000000000a", MATCHES},
    {"2001:0db8:0:0:0:0:0:000A", "I:20010db800000000000000000000000a", MATCHES},
    {"2001:db8::b", "I:20010db800000000000000000000000a", DIFFERS},
    {"2001:db8::a", "D:2001:db8::a", DIFFERS},
    {"2001:db8::a", "I:20010db8", DIFFERS},
    {"2001:db8::a", "I:20010db800000000000000000000000affffffffffffffffffffffffffffffff", DIFFERS},
    {"fe80::1%eth0", "I:fe800000000000000000000000000001", MATCHES},
    {"[fe80::1%eth0.100]", "I:fe800000000000000000000000000001", MATCHES},
    {"fe80::1%", "I:fe800000000000000000000000000001", REFUSED},
    {"fe80::1%eth0%1", "I:fe800000000000000000000000000001", REFUSED},
    {"fe80::1%e h", "I:fe800000000000000000000000000001", REFUSED},
    {"::ffff:1.2.3.4", "I:00000000000000000000ffff01020304", MATCHES},
    {"::ffff:102:304", "I:00000000000000000000ffff01020304", MATCHES},
    {"::ffff:1.2.3.4", "I:01020304", DIFFERS},
    {"1.2.3.4", "I:00000000000000000000ffff01020304", DIFFERS},
    {"::ffff:1.2.3.04", "I:00000000000000000000ffff01020304", REFUSED},
    {"::ffff:1.2.3", "I:00000000000000000000ffff00010203", REFUSED},
    {"::", "I:00000000000000000000000000000000", MATCHES},
    {":::", "I:00000000000000000000000000000000", REFUSED},
    {":", "", REFUSED},
    {"1:2:3:4:5:6:7", "", REFUSED},
    {"1:2:3:4:5:6:7:8", "I:00010002000300040005000600070008", MATCHES},
    {"1:2:3:4:5:6:7:8:9", "", REFUSED},
    {"1::2::3", "", REFUSED},
    {"12345::1", "", REFUSED},
    {"g::1", "", REFUSED},
    {"[::1", "I:00000000000000000000000000000001", REFUSED},
    {"::1]", "I:00000000000000000000000000000001", REFUSED},
    {"[]", "", REFUSED},
    {"[[::1]]", "I:00000000000000000000000000000001", REFUSED},
    {"[::1]:5671", "I:00000000000000000000000000000001", REFUSED},
    {"[example.com]", "D:example.com", REFUSED},
    {"::1.", "I:00000000000000000000000000000001", REFUSED},
    {"0000:0000:0000:0000:0000:ffff:255.255.255.255", "I:00000000000000000000ffffffffffff", MATCHES},
    {"0000:0000:0000:0000:0000:ffff:0255.255.255.255", "I:00000000000000000000ffffffffffff", REFUSED},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static uint8_t hexadecimal_byte(const char *digits) {
  const char pair[3] = {digits[0], digits[1], '\0'};
  char *end;
  const unsigned long value = strtoul(pair, &end, 16);
  assert_ptr_equal(end, pair + 2);
  return (uint8_t)value;
}

static size_t decode_text(const char *word, size_t length, uint8_t *value) {
  size_t count = 0;
  size_t i;
  for (i = 0; i < length; i++) {
    if (word[i] == '%') {
      value[count++] = hexadecimal_byte(word + i + 1);
      i += 2;
    } else {
      value[count++] = (uint8_t)word[i];
    }
  }
  return count;
}

static size_t decode_hexadecimal(const char *word, size_t length, uint8_t *value) {
  size_t i;
  for (i = 0; i < length; i += 2) {
    value[i / 2] = hexadecimal_byte(word + i);
  }
  return length / 2;
}

static uint8_t name_tag(char letter) {
  switch (letter) {
    case 'E':
      return 0x81;
    case 'D':
      return 0x82;
    case 'U':
      return 0x86;
    case 'I':
      return 0x87;
    case 'O':
      return 0x88;
    default:
      fail_msg("no such kind of name: %c", letter);
      return 0;
  }
}

static size_t encode_name(const char *word, size_t length, uint8_t *der) {
  uint8_t value[300];
  size_t count;
  size_t header = 2;
  assert_true(length >= 2 && length <= sizeof value && word[1] == ':');
  count = word[0] == 'I' ? decode_hexadecimal(word + 2, length - 2, value) : decode_text(word + 2, length - 2, value);
  der[0] = name_tag(word[0]);
  if (count >= 128) {
    assert_true(count < 256);
    der[1] = 0x81;
    header = 3;
  }
  der[header - 1] = (uint8_t)count;
  memcpy(der + header, value, count);
  return header + count;
}

static size_t encode_names(const char *names, uint8_t *der) {
  size_t length = 0;
  while (*names != '\0') {
    const size_t word = strcspn(names, " ");
    length += encode_name(names, word, der + length);
    names += word;
    names += strspn(names, " ");
  }
  return length;
}

static enum verdict judge(const char *typed, const char *names) {
  struct peer_name name;
  struct certificate certificate;
  uint8_t der[1024];
  uint8_t *copy;
  bool matches;
  if (!peer_name_parse(&name, typed)) {
    return REFUSED;
  }
  memset(&certificate, 0, sizeof certificate);
  certificate.alternative_names.length = encode_names(names, der);
  copy = exact_copy(der, certificate.alternative_names.length);
  certificate.alternative_names.bytes = copy;
  matches = peer_name_matches_certificate(&name, &certificate);
  free(copy);
  return matches ? MATCHES : DIFFERS;
}

static void test_table(void **state) {
  size_t i;
  size_t wrong = 0;
  (void)state;
  for (i = 0; i < COUNT(pairs); i++) {
    const enum verdict verdict = judge(pairs[i].typed, pairs[i].names);
    if (verdict != pairs[i].expected) {
      print_error("\"%s\" against \"%s\": %d, expected %d\n", pairs[i].typed, pairs[i].names, (int)verdict,
                  (int)pairs[i].expected);
      wrong++;
    }
  }
  assert_int_equal(wrong, 0);
}

/* Malformed DER ends the walk: what came before it has been looked at, what comes after has not. */
static void test_malformed_names_match_nothing_more(void **state) {
  static const uint8_t der[] = {0x82, 0x05, 'a', '.', 'c', 'o', 'm', 0x9f, 0x01, 0x82, 0x05, 'b', '.', 'c', 'o', 'm'};
  struct certificate certificate;
  struct peer_name name;
  uint8_t *copy = exact_copy(der, sizeof der);
  (void)state;
  memset(&certificate, 0, sizeof certificate);
  certificate.alternative_names.bytes = copy;
  certificate.alternative_names.length = sizeof der;
  assert_true(peer_name_parse(&name, "a.com"));
  assert_true(peer_name_matches_certificate(&name, &certificate));
  assert_true(peer_name_parse(&name, "b.com"));
  assert_false(peer_name_matches_certificate(&name, &certificate));
  free(copy);
}

static void test_common_name_is_not_looked_at(void **state) {
  /* A Name with CN=example.com. */
  static const uint8_t subject[] = {0x30, 0x16, 0x31, 0x14, 0x30, 0x12, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c,
                                    0x0b, 'e',  'x',  'a',  'm',  'p',  'l',  'e',  '.',  'c',  'o',  'm'};
  struct certificate certificate;
  struct peer_name name;
  char text[64];
  (void)state;
  memset(&certificate, 0, sizeof certificate);
  certificate.subject.bytes = subject;
  certificate.subject.length = sizeof subject;
  assert_int_equal(certificate_format_name(certificate.subject, text, sizeof text), strlen("CN=example.com"));
  assert_string_equal(text, "CN=example.com");
  assert_true(peer_name_parse(&name, "example.com"));
  assert_false(peer_name_matches_certificate(&name, &certificate));
}

struct parsed {
  const char *typed;
  enum peer_name_kind kind;
  const char *dns; /* NULL for addresses */
  size_t address_length;
  uint8_t address[16];
};

static const struct parsed parsed_names[] = {
    {"Rabbit.Example.COM", PEER_NAME_DNS, "rabbit.example.com", 0, {0}},
    {"Rabbit.Example.COM.", PEER_NAME_DNS, "rabbit.example.com", 0, {0}},
    {"rabbitmq", PEER_NAME_DNS, "rabbitmq", 0, {0}},
    {"MY_broker-1", PEER_NAME_DNS, "my_broker-1", 0, {0}},
    {"192.0.2.200", PEER_NAME_IPV4, NULL, 4, {192, 0, 2, 200}},
    {"fe80::2%lo", PEER_NAME_IPV6, NULL, 16, {0xfe, 0x80, [15] = 2}},
    {"[FE80::2]", PEER_NAME_IPV6, NULL, 16, {0xfe, 0x80, [15] = 2}},
    {"::ffff:192.0.2.1", PEER_NAME_IPV6, NULL, 16, {[10] = 0xff, 0xff, 192, 0, 2, 1}},
};

static void test_parsed_names_and_server_name_indication(void **state) {
  size_t i;
  (void)state;
  for (i = 0; i < COUNT(parsed_names); i++) {
    const struct parsed *expected = &parsed_names[i];
    struct peer_name name;
    assert_true(peer_name_parse(&name, expected->typed));
    assert_int_equal(name.kind, expected->kind);
    assert_string_equal(name.dns, expected->dns == NULL ? "" : expected->dns);
    assert_int_equal(name.address_length, expected->address_length);
    assert_memory_equal(name.address, expected->address, sizeof name.address);
    if (expected->dns == NULL) {
      assert_null(peer_name_for_sni(&name));
    } else {
      assert_string_equal(peer_name_for_sni(&name), expected->dns);
    }
  }
}

static void test_no_name_at_all(void **state) {
  struct peer_name name;
  (void)state;
  assert_false(peer_name_parse(&name, NULL));
}

static void test_very_long_texts(void **state) {
  static const size_t lengths[] = {254, 255, 256, 1000, 70000};
  static const char characters[] = "a1.:[%";
  size_t i, j;
  (void)state;
  for (i = 0; i < COUNT(lengths); i++) {
    for (j = 0; j < sizeof characters - 1; j++) {
      char *text = malloc(lengths[i] + 1);
      struct peer_name name;
      assert_non_null(text);
      memset(text, characters[j], lengths[i]);
      text[lengths[i]] = '\0';
      assert_false(peer_name_parse(&name, text));
      free(text);
    }
  }
}

/* Every byte in every place of a name, on both sides. */
static void test_every_byte(void **state) {
  unsigned byte;
  size_t place;
  (void)state;
  for (byte = 0; byte < 256; byte++) {
    for (place = 0; place < 3; place++) {
      char text[] = "abc.example.com";
      const bool is_dot = byte == '.' && place == 1; /* a.c.example.com */
      const bool expected = (byte < 128 && isalnum((int)byte)) || byte == '-' || byte == '_' || is_dot;
      struct peer_name name;
      uint8_t *value;
      text[place] = (char)byte;
      if (byte != 0) {
        assert_int_equal(peer_name_parse(&name, text), expected);
      }
      assert_true(peer_name_parse(&name, expected ? text : "abc.example.com"));
      value = exact_copy(text, strlen("abc.example.com"));
      assert_int_equal(peer_name_matches_dns(&name, value, strlen("abc.example.com")), expected);
      free(value);
    }
  }
}

/* The model: names are lists of labels. */
#define MODEL_LABELS 8
#define MODEL_LABEL_LENGTH 16

struct model {
  char labels[MODEL_LABELS][MODEL_LABEL_LENGTH];
  size_t count;
};

static void model_split(struct model *model, const char *text) {
  size_t column = 0;
  memset(model, 0, sizeof *model);
  model->count = 1;
  for (; *text != '\0'; text++) {
    if (*text == '.') {
      model->count++;
      column = 0;
    } else {
      model->labels[model->count - 1][column++] = *text;
    }
  }
}

static bool model_label_has_only(const char *label, const char *characters) {
  return label[0] != '\0' && label[strspn(label, characters)] == '\0';
}

static bool model_is_name(const struct model *model, size_t first) {
  size_t i;
  for (i = first; i < model->count; i++) {
    if (!model_label_has_only(model->labels[i], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")) {
      return false;
    }
  }
  return model->count > first && !model_label_has_only(model->labels[model->count - 1], "0123456789");
}

static bool model_is_ipv4(const struct model *model) {
  size_t i;
  for (i = 0; i < model->count; i++) {
    const char *label = model->labels[i];
    if (!model_label_has_only(label, "0123456789") || strlen(label) > 3 || atoi(label) > 255 ||
        (label[0] == '0' && label[1] != '\0')) {
      return false;
    }
  }
  return model->count == 4;
}

static enum verdict model_judge(const char *typed, const char *value) {
  struct model name, pattern;
  size_t i;
  model_split(&name, typed);
  model_split(&pattern, value);
  if (model_is_ipv4(&name)) {
    return DIFFERS;
  }
  if (name.count > 1 && name.labels[name.count - 1][0] == '\0') {
    name.count--;
  }
  if (!model_is_name(&name, 0)) {
    return REFUSED;
  }
  if (pattern.count != name.count) {
    return DIFFERS;
  }
  for (i = 1; i < name.count; i++) {
    if (strcasecmp(name.labels[i], pattern.labels[i]) != 0) {
      return DIFFERS;
    }
  }
  if (strcmp(pattern.labels[0], "*") == 0) {
    return name.count >= 3 ? MATCHES : DIFFERS;
  }
  return strcasecmp(name.labels[0], pattern.labels[0]) == 0 ? MATCHES : DIFFERS;
}

static size_t compare_with_model(const char *typed, const char *value) {
  const enum verdict expected = model_judge(typed, value);
  struct peer_name name;
  enum verdict verdict = REFUSED;
  if (peer_name_parse(&name, typed)) {
    uint8_t *copy = exact_copy(value, strlen(value));
    verdict = peer_name_matches_dns(&name, copy, strlen(value)) ? MATCHES : DIFFERS;
    free(copy);
  }
  if (verdict != expected) {
    fail_msg("\"%s\" against \"%s\": %d, expected %d", typed, value, (int)verdict, (int)expected);
  }
  return expected == MATCHES;
}

/* Writes the number-th text made of up to \a most pieces, joined by \a separator. Returns false behind the last one. */
static bool nth_text(size_t number, const char *const *pieces, size_t piece_count, size_t most, const char *separator,
                     char *text) {
  size_t count = 1;
  size_t texts = piece_count;
  size_t i;
  while (number >= texts) {
    number -= texts;
    texts *= piece_count;
    count++;
  }
  text[0] = '\0';
  for (i = 0; i < count; i++) {
    strcat(text, i == 0 ? "" : separator);
    strcat(text, pieces[number % piece_count]);
    number /= piece_count;
  }
  return count <= most;
}

static void compare_all(const char *const *pieces, size_t piece_count, size_t most, const char *separator,
                        size_t least_matches) {
  char typed[128], value[128];
  size_t matches = 0;
  size_t i, j;
  for (i = 0; nth_text(i, pieces, piece_count, most, separator, typed); i++) {
    for (j = 0; nth_text(j, pieces, piece_count, most, separator, value); j++) {
      matches += compare_with_model(typed, value);
    }
  }
  assert_true(matches >= least_matches); /* the comparison has seen both answers */
}

static void test_all_label_shapes(void **state) {
  static const char *const labels[] = {"a", "B", "*", "a*", ""};
  (void)state;
  compare_all(labels, COUNT(labels), 4, ".", 76); /* 30 + 14 with a dot, 24 + 8 by wildcard */
}

static void test_all_label_contents(void **state) {
  static const char *const labels[] = {"a", "A", "b", "xn--a", "_a", "1", "01", "*", "-"};
  (void)state;
  compare_all(labels, COUNT(labels), 3, ".", 100);
}

static void test_all_short_texts(void **state) {
  static const char *const characters[] = {"a", "A", ".", "*", "1"};
  (void)state;
  compare_all(characters, COUNT(characters), 4, "", 20);
}

static void test_all_numbers(void **state) {
  static const char *const parts[] = {"0", "1", "01", "255", "256", ""};
  char typed[128];
  size_t addresses = 0;
  size_t i;
  (void)state;
  for (i = 0; nth_text(i, parts, COUNT(parts), 5, ".", typed); i++) {
    struct peer_name name;
    struct model model;
    model_split(&model, typed);
    assert_int_equal(peer_name_parse(&name, typed), model_is_ipv4(&model));
    if (model_is_ipv4(&model)) {
      char text[32];
      assert_int_equal(name.kind, PEER_NAME_IPV4);
      snprintf(text, sizeof text, "%d.%d.%d.%d", name.address[0], name.address[1], name.address[2], name.address[3]);
      assert_string_equal(text, typed);
      addresses++;
    }
  }
  assert_int_equal(addresses, 3 * 3 * 3 * 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_table),
      cmocka_unit_test(test_malformed_names_match_nothing_more),
      cmocka_unit_test(test_common_name_is_not_looked_at),
      cmocka_unit_test(test_parsed_names_and_server_name_indication),
      cmocka_unit_test(test_no_name_at_all),
      cmocka_unit_test(test_very_long_texts),
      cmocka_unit_test(test_every_byte),
      cmocka_unit_test(test_all_label_shapes),
      cmocka_unit_test(test_all_label_contents),
      cmocka_unit_test(test_all_short_texts),
      cmocka_unit_test(test_all_numbers),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
