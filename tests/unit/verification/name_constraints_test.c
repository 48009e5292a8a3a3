/* SPDX-License-Identifier: MIT */
/*
 * Name constraints against names, both made here from text. Names that a server certificate may have, and such as a
 * hostile CA below a constrained one might try.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exact_copy.h"
#include "verification/name_constraints.h"
#include "x509/der.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define KEPT NAME_CONSTRAINTS_KEPT
#define EXCLUDED NAME_CONSTRAINTS_EXCLUDED
#define NOT_PERMITTED NAME_CONSTRAINTS_NOT_PERMITTED
#define UNKNOWN_KIND NAME_CONSTRAINTS_UNKNOWN_KIND
#define BAD_NAME NAME_CONSTRAINTS_BAD_NAME
#define TOO_MANY NAME_CONSTRAINTS_TOO_MANY
#define MALFORMED NAME_CONSTRAINTS_MALFORMED

enum { ROOM = 4096 };

/* ---- Making DER from text ---- */

struct bytes {
  uint8_t at[ROOM];
  size_t length;
};

static void add(struct bytes *to, const void *bytes, size_t length) {
  assert_true(to->length + length <= ROOM);
  memcpy(to->at + to->length, bytes, length);
  to->length += length;
}

static void add_element(struct bytes *to, unsigned tag, const void *content, size_t length) {
  const uint8_t header[] = {(uint8_t)tag, 0x82, (uint8_t)(length >> 8), (uint8_t)length};
  const uint8_t short_header[] = {(uint8_t)tag, (uint8_t)length};
  const uint8_t middle_header[] = {(uint8_t)tag, 0x81, (uint8_t)length};

  if (length < 128) {
    add(to, short_header, sizeof(short_header));
  } else if (length < 256) {
    add(to, middle_header, sizeof(middle_header));
  } else {
    add(to, header, sizeof(header));
  }
  add(to, content, length);
}

/* A value may begin with its tag: "%04" is an OCTET STRING. "%0c" with a "!" at its end is UTF-8 that is cut off. */
static void add_value(struct bytes *to, const char *text) {
  char copy[512];
  unsigned tag = DER_UTF8_STRING;
  size_t length;

  if (text[0] == '%') {
    assert_int_equal(sscanf(text, "%%%2x", &tag), 1);
    text += 3;
  }
  (void)snprintf(copy, sizeof(copy), "%s", text);
  length = strlen(copy);
  if (length > 0 && copy[length - 1] == '!') {
    copy[length - 1] = '\xc3';
  }
  add_element(to, tag, copy, length);
}

/* A Name of "CN=a,O=b,E=c": common names, organisations and e-mail addresses, in this order. */
static void add_name(struct bytes *to, const char *text) {
  static const uint8_t common_name[] = {0x55, 0x04, 0x03};
  static const uint8_t organisation[] = {0x55, 0x04, 0x0a};
  static const uint8_t email_address[] = {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x01};
  struct bytes *name = calloc(1, sizeof(*name));
  char copy[512];
  char *rest = copy;
  char *part;

  assert_non_null(name);
  (void)snprintf(copy, sizeof(copy), "%s", text);
  while (copy[0] != '\0' && (part = strsep(&rest, ",")) != NULL) {
    struct bytes *attribute = calloc(1, sizeof(*attribute));
    struct bytes *set = calloc(1, sizeof(*set));
    const char *value = strchr(part, '=') + 1;

    assert_non_null(attribute);
    assert_non_null(set);
    if (part[0] == 'C') {
      add_element(attribute, DER_OBJECT_IDENTIFIER, common_name, sizeof(common_name));
    } else if (part[0] == 'O') {
      add_element(attribute, DER_OBJECT_IDENTIFIER, organisation, sizeof(organisation));
    } else {
      add_element(attribute, DER_OBJECT_IDENTIFIER, email_address, sizeof(email_address));
    }
    add_value(attribute, value);
    add_element(set, DER_SEQUENCE, attribute->at, attribute->length);
    add_element(name, DER_SET, set->at, set->length);
    free(attribute);
    free(set);
  }
  add_element(to, DER_SEQUENCE, name->at, name->length);
  free(name);
}

static size_t read_address(const char *text, uint8_t address[16]) {
  if (inet_pton(AF_INET, text, address) == 1) {
    return 4;
  }
  assert_int_equal(inet_pton(AF_INET6, text, address), 1);
  return 16;
}

/* Address and, after a slash, a mask. */
static void add_address(struct bytes *to, char *text) {
  uint8_t content[32];
  char *mask = strchr(text, '/');
  size_t length;

  if (mask != NULL) {
    *mask = '\0';
  }
  length = read_address(text, content);
  if (mask != NULL) {
    length += read_address(mask + 1, content + length);
  }
  add_element(to, DER_CONTEXT(7), content, length);
}

/* "DNS:…", "IP:…", "email:…", "URI:…", "DN:…", "RID:", "other:", or "raw:" and a tag, with one byte of content. */
static void add_general_name(struct bytes *to, const char *text) {
  static const uint8_t identifier[] = {0x2a, 0x03};
  static const uint8_t other_name[] = {0x06, 0x02, 0x2a, 0x03, 0xa0, 0x02, 0x05, 0x00};
  struct bytes *name;
  char copy[512];
  char *value = strchr(strcpy(copy, text), ':');

  assert_non_null(value);
  value++;
  switch (copy[0]) {
    case 'e':
      add_element(to, DER_CONTEXT(1), value, strlen(value));
      return;
    case 'U':
      add_element(to, DER_CONTEXT(6), value, strlen(value));
      return;
    case 'I':
      add_address(to, value);
      return;
    case 'R':
      add_element(to, DER_CONTEXT(8), identifier, sizeof(identifier));
      return;
    case 'o':
      add_element(to, DER_CONTEXT_CONSTRUCTED(0), other_name, sizeof(other_name));
      return;
    case 'r':
      add_element(to, (unsigned)strtoul(value, NULL, 16), identifier, 1);
      return;
    default:
      break;
  }
  if (copy[1] == 'N' && copy[2] == 'S') {
    add_element(to, DER_CONTEXT(2), value, strlen(value));
    return;
  }
  name = calloc(1, sizeof(*name));
  assert_non_null(name);
  add_name(name, value);
  add_element(to, DER_CONTEXT_CONSTRUCTED(4), name->at, name->length);
  free(name);
}

/* Separated by blanks. */
static void add_general_names(struct bytes *to, const char *text) {
  char copy[1024];
  char *rest = copy;
  char *name;

  (void)snprintf(copy, sizeof(copy), "%s", text);
  while (copy[0] != '\0' && (name = strsep(&rest, " ")) != NULL) {
    add_general_name(to, name);
  }
}

static void add_subtrees(struct bytes *to, unsigned tag, const char *text) {
  struct bytes *subtrees = calloc(1, sizeof(*subtrees));
  char copy[1024];
  char *rest = copy;
  char *base;

  assert_non_null(subtrees);
  (void)snprintf(copy, sizeof(copy), "%s", text);
  while (copy[0] != '\0' && (base = strsep(&rest, " ")) != NULL) {
    struct bytes *subtree = calloc(1, sizeof(*subtree));

    assert_non_null(subtree);
    add_general_name(subtree, base);
    add_element(subtrees, DER_SEQUENCE, subtree->at, subtree->length);
    free(subtree);
  }
  if (subtrees->length > 0) {
    add_element(to, tag, subtrees->at, subtrees->length);
  }
  free(subtrees);
}

static void make_constraints(struct bytes *to, const char *permitted, const char *excluded) {
  struct bytes *content = calloc(1, sizeof(*content));

  assert_non_null(content);
  add_subtrees(content, DER_CONTEXT_CONSTRUCTED(0), permitted);
  add_subtrees(content, DER_CONTEXT_CONSTRUCTED(1), excluded);
  add_element(to, DER_SEQUENCE, content->at, content->length);
  free(content);
}

/* ---- Checking ---- */

static enum name_constraints_verdict check(const char *permitted, const char *excluded, const char *subject,
                                           const char *names, size_t *comparisons, char *shown, size_t capacity) {
  struct bytes *constraints = calloc(1, sizeof(*constraints));
  struct bytes *subject_name = calloc(1, sizeof(*subject_name));
  struct bytes *alternative_names = calloc(1, sizeof(*alternative_names));
  struct name_constraints_breach breach = {0};
  struct certificate certificate = {0};
  enum name_constraints_verdict verdict;
  uint8_t *copies[3];

  assert_non_null(constraints);
  assert_non_null(subject_name);
  assert_non_null(alternative_names);
  make_constraints(constraints, permitted, excluded);
  add_name(subject_name, subject);
  add_general_names(alternative_names, names);
  copies[0] = exact_copy(constraints->at, constraints->length);
  copies[1] = exact_copy(subject_name->at, subject_name->length);
  copies[2] = exact_copy(alternative_names->at, alternative_names->length);
  certificate.subject = (struct byte_slice){copies[1], subject_name->length};
  certificate.alternative_names = (struct byte_slice){copies[2], alternative_names->length};
  verdict =
      name_constraints_check((struct byte_slice){copies[0], constraints->length}, &certificate, comparisons, &breach);
  (void)name_constraints_format(&breach, shown, capacity);
  for (size_t i = 0; i < COUNT(copies); i++) {
    free(copies[i]);
  }
  free(constraints);
  free(subject_name);
  free(alternative_names);
  return verdict;
}

static void expect(const char *permitted, const char *excluded, const char *subject, const char *names,
                   enum name_constraints_verdict expected) {
  size_t comparisons = 1000;
  char shown[512];
  const enum name_constraints_verdict verdict =
      check(permitted, excluded, subject, names, &comparisons, shown, sizeof(shown));

  if (verdict != expected) {
    fail_msg("permitted %s, excluded %s, subject %s, names %s: %d (%s)", permitted, excluded, subject, names, verdict,
             shown);
  }
}

struct pair {
  const char *base;
  const char *name;
  bool within;
};

/* What is within is permitted and excluded; what isn't, neither. */
static void expect_pairs(const struct pair *pairs, size_t count) {
  for (size_t i = 0; i < count; i++) {
    expect(pairs[i].base, "", "", pairs[i].name, pairs[i].within ? KEPT : NOT_PERMITTED);
    expect("", pairs[i].base, "", pairs[i].name, pairs[i].within ? EXCLUDED : KEPT);
  }
}

static void test_dns_names(void **state) {
  static const struct pair pairs[] = {
      {"DNS:example.com", "DNS:example.com", true},
      {"DNS:example.com", "DNS:www.example.com", true},
      {"DNS:example.com", "DNS:a.b.example.com", true},
      {"DNS:example.com", "DNS:not-example.com", false},
      {"DNS:example.com", "DNS:notexample.com", false},
      {"DNS:example.com", "DNS:example.com.evil.test", false},
      {"DNS:example.com", "DNS:com", false},
      {"DNS:example.com", "DNS:xample.com", false},
      {"DNS:EXAMPLE.com", "DNS:www.Example.COM", true},
      {"DNS:www.example.com", "DNS:example.com", false},
      {"DNS:com", "DNS:example.com", true},
      {"DNS:", "DNS:example.com", true},
      {"DNS:.example.com", "DNS:www.example.com", true},
      {"DNS:.example.com", "DNS:a.b.example.com", true},
      {"DNS:.example.com", "DNS:example.com", false},
      {"DNS:.example.com", "DNS:notexample.com", false},
      {"DNS:a_b.test", "DNS:x.a_b.test", true},
      {"DNS:1.2.3.4", "DNS:1.2.3.4", true},
  };

  (void)state;
  expect_pairs(pairs, COUNT(pairs));
}

/* A wildcard stands for one label more than its parent has. */
static void test_wildcards(void **state) {
  static const struct {
    const char *base;
    const char *name;
    bool all;
    bool any;
  } cases[] = {
      {"DNS:example.com", "DNS:*.example.com", true, true},
      {"DNS:example.com", "DNS:*.a.example.com", true, true},
      {"DNS:bar.example.com", "DNS:*.example.com", false, true},
      {"DNS:foo.bar.example.com", "DNS:*.example.com", false, false},
      {"DNS:foo.bar.example.com", "DNS:*.bar.example.com", false, true},
      {"DNS:example.com", "DNS:*.com", false, true},
      {"DNS:www.example.com", "DNS:*.com", false, false},
      {"DNS:example.com", "DNS:*.not-example.com", false, false},
      {"DNS:.example.com", "DNS:*.example.com", true, true},
      {"DNS:.example.com", "DNS:*.a.example.com", true, true},
      {"DNS:.bar.example.com", "DNS:*.example.com", false, false},
      {"DNS:.example.com", "DNS:*.com", false, false},
      {"DNS:BAR.example.com", "DNS:*.Example.com", false, true},
      {"DNS:", "DNS:*.example.com", true, true},
      {"DNS:bar-example.com", "DNS:*.example.com", false, false},
  };

  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    expect(cases[i].base, "", "", cases[i].name, cases[i].all ? KEPT : NOT_PERMITTED);
    expect("", cases[i].base, "", cases[i].name, cases[i].any ? EXCLUDED : KEPT);
  }
}

static void test_addresses(void **state) {
  static const struct pair pairs[] = {
      {"IP:10.0.0.0/255.0.0.0", "IP:10.1.2.3", true},
      {"IP:10.0.0.0/255.0.0.0", "IP:11.1.2.3", false},
      {"IP:10.9.9.9/255.0.0.0", "IP:10.1.2.3", true},
      {"IP:192.0.2.128/255.255.255.192", "IP:192.0.2.191", true},
      {"IP:192.0.2.128/255.255.255.192", "IP:192.0.2.192", false},
      {"IP:192.0.2.1/255.255.255.255", "IP:192.0.2.1", true},
      {"IP:192.0.2.1/255.255.255.255", "IP:192.0.2.2", false},
      {"IP:0.0.0.0/0.0.0.0", "IP:192.0.2.2", true},
      {"IP:0.0.0.0/0.0.0.0", "IP:2001:db8::1", false},
      {"IP:::/::", "IP:2001:db8::1", true},
      {"IP:::/::", "IP:192.0.2.1", false},
      {"IP:2001:db8::/ffff:ffff::", "IP:2001:db8:1::1", true},
      {"IP:2001:db8::/ffff:ffff::", "IP:2001:db9::1", false},
      {"IP:2001:db8::/ffff:fffe::", "IP:2001:db9::1", true},
  };

  (void)state;
  expect_pairs(pairs, COUNT(pairs));
}

/* To RFC 5280 it is another kind of address; a host that is reached by one is reached by the other. */
static void test_mapped_addresses(void **state) {
  (void)state;
  expect("", "IP:10.0.0.0/255.0.0.0", "", "IP:::ffff:10.1.2.3", EXCLUDED);
  expect("", "IP:10.0.0.0/255.0.0.0", "", "IP:::ffff:11.1.2.3", KEPT);
  expect("", "IP:0.0.0.0/0.0.0.0", "", "IP:::ffff:11.1.2.3", EXCLUDED);
  expect("", "IP:10.0.0.0/255.0.0.0", "", "IP:::fffe:10.1.2.3", KEPT);
  expect("", "IP:10.0.0.0/255.0.0.0", "", "IP:1::ffff:10.1.2.3", KEPT);
  expect("", "IP:::ffff:0:0/ffff:ffff:ffff:ffff:ffff:ffff::", "", "IP:::ffff:10.1.2.3", EXCLUDED);
  expect("IP:::/::", "IP:10.0.0.0/255.0.0.0", "", "IP:::ffff:10.1.2.3", EXCLUDED);
  expect("IP:10.0.0.0/255.0.0.0", "", "", "IP:::ffff:10.1.2.3", NOT_PERMITTED); /* that takes RFC 5280's word */
  expect("IP:10.0.0.0/255.0.0.0", "IP:::/::", "", "IP:10.1.2.3", KEPT);
}

static void test_mailboxes(void **state) {
  static const struct pair pairs[] = {
      {"email:example.com", "email:a@example.com", true},
      {"email:example.com", "email:a@EXAMPLE.com", true},
      {"email:example.com", "email:a@mail.example.com", false},
      {"email:.example.com", "email:a@mail.example.com", true},
      {"email:.example.com", "email:a@example.com", false},
      {"email:a@example.com", "email:a@example.com", true},
      {"email:a@example.com", "email:A@example.com", false},
      {"email:a@example.com", "email:a@Example.com", true},
      {"email:a@example.com", "email:b@example.com", false},
      {"email:example.com", "email:a@b@example.com", true},
      {"email:", "email:a@example.com", true},
  };

  (void)state;
  expect_pairs(pairs, COUNT(pairs));
}

static void test_uris(void **state) {
  static const struct pair pairs[] = {
      {"URI:example.com", "URI:https://example.com/x", true},
      {"URI:example.com", "URI:https://EXAMPLE.COM:8443", true},
      {"URI:example.com", "URI:https://www.example.com/", false},
      {"URI:.example.com", "URI:https://www.example.com?x#y", true},
      {"URI:.example.com", "URI:https://example.com/", false},
      {"URI:example.com", "URI:https://user@example.com/", true},
      {"URI:example.com", "URI:https://evil.test/@example.com", false},
      {"URI:example.com", "URI:https://evil.test?@example.com", false},
      {"URI:example.com", "URI:https://evil.test#@example.com", false},
      {"URI:example.com", "URI:https://example.com:1@evil.test/", false},
      {"URI:trust-domain", "URI:spiffe://trust-domain/path", true},
  };

  (void)state;
  expect_pairs(pairs, COUNT(pairs));
}

static void test_directory_names(void **state) {
  static const struct pair pairs[] = {
      {"DN:O=Acme", "DN:O=Acme,CN=x", true},  {"DN:O=Acme", "DN:O=acme", true}, {"DN:O=Acme", "DN:CN=x,O=Acme", false},
      {"DN:O=Acme,CN=x", "DN:O=Acme", false}, {"DN:", "DN:O=Acme", true},
  };

  (void)state;
  expect_pairs(pairs, COUNT(pairs));
  expect("DN:O=Acme", "", "O=Acme,CN=x", "DNS:localhost", KEPT);
  expect("DN:O=Acme", "", "O=Other", "DNS:localhost", NOT_PERMITTED);
  expect("", "DN:O=Acme", "O=Acme,CN=x", "", EXCLUDED);
  expect("DN:O=Acme", "", "", "DNS:localhost", KEPT); /* an empty subject is no name */
  expect("DN:O=Acme", "", "O=Acme", "DN:O=Other", NOT_PERMITTED);
}

/* What can't be read might be the name that is excluded, and is never the one that is permitted. */
static void test_directory_names_that_can_not_be_read(void **state) {
  static const struct {
    const char *base;
    const char *name;
    enum name_constraints_verdict excluded;
  } cases[] = {
      {"DN:O=Acme", "DN:O=%04Acme", BAD_NAME},  /* no string */
      {"DN:O=Acme", "DN:O=%02Acme", BAD_NAME},  /* no string */
      {"DN:O=Acme", "DN:O=%19Acme", BAD_NAME},  /* a string of a type that RFC 5280 does not know */
      {"DN:O=Acme", "DN:O=%2cAcme", BAD_NAME},  /* a constructed one */
      {"DN:O=Acme", "DN:O=Acme!", BAD_NAME},    /* UTF-8 that is not */
      {"DN:O=Acme", "DN:O=%13Acme!", BAD_NAME}, /* ASCII that is not */
      {"DN:O=Acme", "DN:O=%1eAcm", BAD_NAME},   /* half a character */
      {"DN:O=Acme,CN=x", "DN:O=Acme,CN=%04x", BAD_NAME},
      {"DN:O=Acme,CN=x", "DN:O=%04Acme,CN=x", BAD_NAME},
      {"DN:O=Acme,CN=x", "DN:O=%04Acme,CN=y", KEPT}, /* another name all the same */
      {"DN:O=Acme,CN=x", "DN:O=%04Acme", KEPT},
      {"DN:O=Acme", "DN:CN=%04Acme", KEPT},      /* another type of attribute */
      {"DN:O=Acme", "DN:O=Other,CN=%04x", KEPT}, /* where it does not matter */
      {"DN:O=%04Acme", "DN:O=%04Other", KEPT},   /* both the same, and compared byte by byte */
      {"DN:O=%04Acme", "DN:O=%05Acme", BAD_NAME},
      {"DN:O=Acme!", "DN:O=Acme", BAD_NAME},
  };

  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    expect("", cases[i].base, "", cases[i].name, cases[i].excluded);
    expect("", cases[i].base, cases[i].name + 3, "", cases[i].excluded);
    expect(cases[i].base, "", "", cases[i].name, NOT_PERMITTED);
  }
  expect("", "DN:O=%04Acme", "", "DN:O=%04Acme", EXCLUDED);
  expect("DN:O=Acme!", "", "", "DN:O=Acme!", KEPT);
}

static void test_addresses_in_the_subject(void **state) {
  (void)state;
  expect("email:example.com", "", "CN=x,E=a@example.com", "", KEPT);
  expect("email:example.com", "", "CN=x,E=a@evil.test", "", NOT_PERMITTED);
  expect("", "email:evil.test", "E=a@evil.test", "DNS:localhost", EXCLUDED);
  expect("email:example.com", "", "E=nonsense", "", BAD_NAME);
  expect("email:example.com", "", "CN=a@evil.test", "", KEPT);
  expect("DNS:example.com", "", "CN=evil.test", "", KEPT);
}

static void test_several_at_once(void **state) {
  (void)state;
  expect("DNS:a.test DNS:b.test", "", "", "DNS:x.a.test DNS:x.b.test", KEPT);
  expect("DNS:a.test DNS:b.test", "", "", "DNS:x.a.test DNS:x.c.test", NOT_PERMITTED);
  expect("DNS:a.test", "DNS:b.a.test", "", "DNS:x.a.test", KEPT);
  expect("DNS:a.test", "DNS:b.a.test", "", "DNS:x.b.a.test", EXCLUDED);
  expect("DNS:a.test", "", "", "IP:192.0.2.1", KEPT); /* one kind says nothing about another */
  expect("IP:192.0.2.0/255.255.255.0", "", "", "DNS:192.0.2.1", KEPT);
  expect("IP:0.0.0.0/0.0.0.0 IP:::/::", "DNS:evil.test", "", "IP:192.0.2.1 DNS:localhost IP:::1", KEPT);
  expect("DNS:a.test", "IP:0.0.0.0/0.0.0.0", "CN=x", "DNS:a.test IP:::1", KEPT);
  expect("DNS:a.test", "IP:0.0.0.0/0.0.0.0", "CN=x", "DNS:a.test IP:192.0.2.1", EXCLUDED);
}

static void test_names_that_can_not_be_judged(void **state) {
  static const struct {
    const char *base;
    const char *name;
    enum name_constraints_verdict verdict;
  } cases[] = {
      {"DNS:example.com", "DNS:.example.com", BAD_NAME},
      {"DNS:example.com", "DNS:www.example.com.", BAD_NAME},
      {"DNS:example.com", "DNS:a..example.com", BAD_NAME},
      {"DNS:example.com", "DNS:f*o.example.com", BAD_NAME},
      {"DNS:example.com", "DNS:*", BAD_NAME},
      {"DNS:example.com", "DNS:*.", BAD_NAME},
      {"DNS:example.com", "DNS:*.*.example.com", BAD_NAME},
      {"DNS:example.com", "DNS:*example.com", BAD_NAME},
      {"DNS:example.com", "DNS:", BAD_NAME},
      {"DNS:example.com", "DNS:a/b.example.com", BAD_NAME},
      {"DNS:example.com", "DNS:\xc3\xa4.example.com", BAD_NAME},
      {"DNS:example.com", "DNS:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example.com", BAD_NAME},
      {"IP:10.0.0.0/255.0.0.0", "IP:10.0.0.0/255.0.0.0", BAD_NAME},
      {"email:example.com", "email:example.com", BAD_NAME},
      {"email:example.com", "email:@example.com", BAD_NAME},
      {"email:example.com", "email:a@.example.com", BAD_NAME},
      {"email:example.com", "email:a@", BAD_NAME},
      {"URI:example.com", "URI:urn:example.com", BAD_NAME},
      {"URI:example.com", "URI:example.com", BAD_NAME},
      {"URI:example.com", "URI:https:", BAD_NAME},
      {"URI:example.com", "URI:https:/example.com", BAD_NAME},
      {"URI:example.com", "URI:https://", BAD_NAME},
      {"URI:example.com", "URI:https://192.0.2.1/", BAD_NAME},
      {"URI:example.com", "URI:https://[::1]/", BAD_NAME},
      {"URI:example.com", "URI:https://evil.test@example.com@evil.test/", BAD_NAME},
      {"URI:example.com", "URI:https://example.com\\@evil.test/", KEPT},
      {"RID:", "RID:", UNKNOWN_KIND},
      {"other:", "other:", UNKNOWN_KIND},
      {"raw:a3", "raw:a3", UNKNOWN_KIND},
      {"raw:a5", "raw:a5", UNKNOWN_KIND},
      {"RID:", "DNS:localhost", KEPT},
      {"other:", "RID: DNS:localhost", KEPT},
  };

  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    const bool kept = cases[i].verdict == KEPT && cases[i].base[0] == 'U';

    expect(cases[i].base, "", "", cases[i].name, kept ? NOT_PERMITTED : cases[i].verdict);
    expect("", cases[i].base, "", cases[i].name, cases[i].verdict);
  }
}

/* ---- The extension itself ---- */

static void test_bases(void **state) {
  static const struct {
    const char *base;
    bool valid;
  } cases[] = {
      {"DNS:example.com", true},
      {"DNS:.example.com", true},
      {"DNS:", true},
      {"DNS:*.example.com", false},
      {"DNS:example.com.", false},
      {"DNS:..example.com", false},
      {"DNS:.", false},
      {"DNS:exa mple", false},
      {"IP:10.0.0.0", false},
      {"IP:10.0.0.0/255.0.255.0", false},
      {"IP:10.0.0.0/0.0.0.255", false},
      {"IP:10.0.0.0/255.253.0.0", false},
      {"IP:10.0.0.0/255.254.0.0", true},
      {"IP:::1", false},
      {"IP:::/ffff::", true},
      {"IP:::/ffff::1", false},
      {"email:a@example.com", true},
      {"email:@example.com", false},
      {"email:.example.com", true},
      {"email:a@.example.com", false},
      {"URI:https://example.com", false},
      {"URI:.example.com", true},
      {"DN:O=Acme", true},
      {"RID:", true},
      {"raw:a0", true}, /* kinds that are refused where they occur */
      {"raw:a3", true},
      {"raw:a5", true},
      {"raw:a1", false}, /* the other form */
      {"raw:a2", false},
      {"raw:84", false},
      {"raw:a6", false},
      {"raw:a7", false},
      {"raw:80", false},
      {"raw:a4", false},
      {"raw:04", false},
      {"raw:89", false},
      {"raw:30", false},
  };

  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct bytes *constraints = calloc(1, sizeof(*constraints));
    struct bytes *one;
    const char *base = cases[i].base;

    assert_non_null(constraints);
    if (strcmp(base, "DNS:exa mple") == 0) { /* a blank separates names in the texts here */
      one = calloc(1, sizeof(*one));
      assert_non_null(one);
      add_element(one, DER_CONTEXT(2), "exa mple", 8);
      constraints->length = 0;
      add(constraints, "\x30\x0e\xa0\x0c\x30\x0a", 6);
      add(constraints, one->at, one->length);
      free(one);
    } else {
      make_constraints(constraints, base, "");
    }
    if (name_constraints_are_valid((struct byte_slice){constraints->at, constraints->length}) != cases[i].valid) {
      fail_msg("%s", base);
    }
    free(constraints);
  }
}

static void test_forms(void **state) {
  static const struct {
    uint8_t length;
    uint8_t bytes[20];
    bool valid;
  } cases[] = {
      {0, {0}, false},
      {2, {0x30, 0x00}, false},                                                                   /* nothing in it */
      {2, {0x05, 0x00}, false},                                                                   /* no SEQUENCE */
      {4, {0x30, 0x02, 0xa0, 0x00}, false},                                                       /* no subtree */
      {6, {0x30, 0x04, 0xa0, 0x00, 0xa1, 0x00}, false},                                           /* twice */
      {9, {0x30, 0x07, 0xa0, 0x05, 0x30, 0x03, 0x82, 0x01, 'a'}, true},                           /* permitted */
      {9, {0x30, 0x07, 0xa1, 0x05, 0x30, 0x03, 0x82, 0x01, 'a'}, true},                           /* excluded */
      {9, {0x30, 0x07, 0xa2, 0x05, 0x30, 0x03, 0x82, 0x01, 'a'}, false},                          /* neither */
      {10, {0x30, 0x07, 0xa0, 0x05, 0x30, 0x03, 0x82, 0x01, 'a', 0}, false},                      /* more behind it */
      {12, {0x30, 0x0a, 0xa0, 0x08, 0x30, 0x06, 0x82, 0x01, 'a', 0x80, 0x01, 0x00}, true},        /* minimum 0 */
      {12, {0x30, 0x0a, 0xa0, 0x08, 0x30, 0x06, 0x82, 0x01, 'a', 0x80, 0x01, 0x01}, false},       /* minimum 1 */
      {12, {0x30, 0x0a, 0xa0, 0x08, 0x30, 0x06, 0x82, 0x01, 'a', 0x81, 0x01, 0x05}, false},       /* maximum */
      {6, {0x30, 0x04, 0xa0, 0x02, 0x30, 0x00}, false},                                           /* no base */
      {8, {0x30, 0x07, 0xa0, 0x05, 0x30, 0x03, 0x82, 0x01}, false},                               /* cut off */
      {13, {0x30, 0x0b, 0xa1, 0x05, 0x30, 0x03, 0x82, 0x01, 'a', 0xa0, 0x02, 0x30, 0x00}, false}, /* wrong order */
  };

  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    uint8_t *copy = exact_copy(cases[i].bytes, cases[i].length);
    const struct byte_slice value = {copy, cases[i].length};
    const uint8_t empty_name[] = {0x30, 0x00};
    const struct certificate certificate = {.subject = {empty_name, sizeof(empty_name)}};
    struct name_constraints_breach breach;
    size_t comparisons = 100;

    if (name_constraints_are_valid(value) != cases[i].valid) {
      fail_msg("form %zu", i);
    }
    assert_int_equal(name_constraints_check(value, &certificate, &comparisons, &breach),
                     cases[i].valid ? KEPT : MALFORMED);
    free(copy);
  }
}

static void test_comparisons_are_counted(void **state) {
  static const struct {
    size_t allowed;
    size_t left;
    enum name_constraints_verdict verdict;
  } cases[] = {{4, 0, KEPT}, {5, 1, KEPT}, {3, 0, TOO_MANY}, {0, 0, TOO_MANY}};
  char shown[128];

  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    size_t comparisons = cases[i].allowed;

    assert_int_equal(
        check("", "DNS:a.test DNS:b.test", "", "DNS:c.test IP:192.0.2.1", &comparisons, shown, sizeof(shown)),
        cases[i].verdict);
    assert_int_equal(comparisons, cases[i].left);
  }
}

static void test_the_name_is_shown(void **state) {
  static const struct {
    const char *excluded;
    const char *names;
    const char *shown;
  } cases[] = {
      {"DNS:b.test", "DNS:a.test DNS:x.b.test", "DNS:x.b.test"},
      {"IP:::/::", "DNS:a.test IP:2001:db8::1", "IP:2001:db8::1"},
      {"email:b.test", "email:a@b.test", "email:a@b.test"},
      {"URI:b.test", "URI:https://b.test/", "URI:https://b.test/"},
      {"DN:O=Acme", "DN:O=Acme,CN=x", "directory name CN=x,O=Acme"},
      {"RID:", "RID:", "other"},
  };

  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    size_t comparisons = 100;
    char shown[128];

    assert_int_not_equal(check("", cases[i].excluded, "", cases[i].names, &comparisons, shown, sizeof(shown)), KEPT);
    assert_string_equal(shown, cases[i].shown);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_dns_names),
      cmocka_unit_test(test_wildcards),
      cmocka_unit_test(test_addresses),
      cmocka_unit_test(test_mapped_addresses),
      cmocka_unit_test(test_mailboxes),
      cmocka_unit_test(test_uris),
      cmocka_unit_test(test_directory_names),
      cmocka_unit_test(test_directory_names_that_can_not_be_read),
      cmocka_unit_test(test_addresses_in_the_subject),
      cmocka_unit_test(test_several_at_once),
      cmocka_unit_test(test_names_that_can_not_be_judged),
      cmocka_unit_test(test_bases),
      cmocka_unit_test(test_forms),
      cmocka_unit_test(test_comparisons_are_counted),
      cmocka_unit_test(test_the_name_is_shown),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
