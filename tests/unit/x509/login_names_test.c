/* SPDX-License-Identifier: MIT */
/*
 * The names that RabbitMQ may take from a certificate. What it makes of these values was seen on RabbitMQ 3.10.8 with
 * Erlang/OTP 25; tests/integration/login_names_test.c asks the one that is installed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "alternative_names.h"
#include "der_text.h"
#include "failing_allocator.h"
#include "x509/login_names.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct expected_name {
  enum login_source source;
  size_t index;
  const char *text;
  bool exact;
};

static void expect_names(const struct login_names *names, const struct expected_name *expected, size_t count) {
  assert_int_equal(names->count, count);
  for (size_t i = 0; i < count; i++) {
    assert_int_equal(names->items[i].source, expected[i].source);
    assert_int_equal(names->items[i].index, expected[i].index);
    assert_string_equal(names->items[i].text, expected[i].text);
    assert_int_equal(names->items[i].exact, expected[i].exact);
  }
}

/* Of a subject in the form of der_from_text(). */
static void read_subject(const char *subject, struct login_names *names) {
  struct certificate certificate = {0};
  uint8_t *der = der_from_text(subject, &certificate.subject.length);

  certificate.subject.bytes = der;
  assert_true(login_names_read(names, &certificate));
  free(der);
}

/* ---- Distinguished names ---- */

/* An attribute's type and value, and what RabbitMQ writes. */
static const struct {
  const char *type;
  const char *value;
  const char *text;
  bool exact;
} attributes[] = {
    {"550403", "0c03 61c3a9", "CN=a\\C3\\A9", true},
    {"550403", "1303 612c62", "CN=a\\,b", true},
    {"550403", "1402 61e9", "CN=a\\C3\\A9", true},
    {"550403", "1e04 0061 00e9", "CN=a\\C3\\A9", true},
    {"550403", "1c08 00000061 000000e9", "CN=a\\C3\\A9", true},
    {"550403", "0c00", "CN=", true},
    {"550403", "0c02 2061", "CN=\\ a", true},
    {"550403", "0c02 6120", "CN=a\\ ", true},
    {"550403", "0c01 20", "CN=\\ ", true},
    {"550403", "0c02 2361", "CN=\\#a", true},
    {"550403", "0c09 222b2c3b3c3e5c3d27", "CN=\\\"\\+\\,\\;\\<\\>\\\\='", true},
    {"550403", "0c04 617e007d", "CN=a\\7E\\00}", true},
    {"550403", "0c04 61ffc362", "CN=a\\FF\\C3b", true},
    {"550403", "0c02 6109", "CN=a\\09", true},
    {"550409", "0c04 4d61696e", "2.5.4.9=Main", true},     /* street: it has no name for it */
    {"550411", "1305 3132333435", "2.5.4.17=12345", true}, /* nor for the postal code, but writes the text */
    {"55042d", "0c03 612c62", "2.5.4.45=a\\,b", true},
    {"55042d", "1e02 00e9", "2.5.4.45=\\C3\\A9", true},
    {"55042d", "0304 00616263", "2.5.4.45=#030400616263", false}, /* as SPIRE has it */
    {"550429", "0401 61", "2.5.4.41=#040161", false},
    {"0992268993f22c640101", "0c02 7531", "UID=u1", true},
    {"0992268993f22c640101", "1602 7531", "UID=#16027531", false},
    {"0992268993f22c640119", "1603 6f7267", "DC=org", true},
    {"2a864886f70d010901", "1605 6140622e63", "EMAILADDRESS=a@b.c", true},
    {"550406", "1302 4445", "C=DE", true},
    {"550405", "1302 3132", "SERIALNUMBER=12", true},
    {"550404", "0c03 446f65", "SN=Doe", true},
    {"55042a", "0c01 4a", "GIVENNAME=J", true},
};

static void test_attributes(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT(attributes); i++) {
    struct login_names names = {0};
    char subject[256];

    (void)snprintf(subject, sizeof(subject), "30{ 31{ 30{ 06{ %s } %s } } }", attributes[i].type, attributes[i].value);
    read_subject(subject, &names);
    if (strcmp(names.items[0].text, attributes[i].text) != 0 || names.items[0].exact != attributes[i].exact) {
      fail_msg("%s %s: \"%s\", %d", attributes[i].type, attributes[i].value, names.items[0].text, names.items[0].exact);
    }
    login_names_free(&names);
  }
}

/* The last comes first; within one set the order stays. */
static void test_order(void **state) {
  static const struct expected_name expected[] = {{LOGIN_DISTINGUISHED_NAME, 0, "UID=u+CN=x,O=Acme", true},
                                                  {LOGIN_COMMON_NAME, 0, "x", true}};
  struct login_names names = {0};

  (void)state;
  read_subject(
      "30{ 31{ 30{ 06{ 55040a } 0c04 41636d65 } } 31{ 30{ 06{ 0992268993f22c640101 } 0c01 75 } 30{ 06{ 550403 } "
      "0c01 78 } } }",
      &names);
  expect_names(&names, expected, COUNT(expected));
  login_names_free(&names);
}

/* A name that is empty is no name. */
static void test_no_subject(void **state) {
  static const struct expected_name expected[] = {{LOGIN_DISTINGUISHED_NAME, 0, "", false}};
  struct login_names names = {0};

  (void)state;
  read_subject("30{ }", &names);
  expect_names(&names, expected, COUNT(expected));
  login_names_free(&names);
}

/* ---- Common names ---- */

#define CN(value) "31{ 30{ 06{ 550403 } " value " } } "

static void test_common_names(void **state) {
  static const struct {
    const char *subject;
    const char *text;
    bool exact;
  } rows[] = {
      {"30{ " CN("0c01 61") "}", "a", true},
      {"30{ " CN("0c01 61") CN("1301 62") "}", "a,b", true}, /* in the certificate's order */
      {"30{ " CN("0c02 c3a9") CN("1402 61e9") "}", "\xc3\xa9,a\xc3\xa9", true},
      {"30{ " CN("0c04 202c5c27") "}", " ,\\'", true}, /* nothing is escaped */
      {"30{ " CN("0c00") "}", "", false},
      {"30{ " CN("0c03 610a62") "}", "a\\0Ab", false},
      {"30{ " CN("0c03 610062") "}", "a\\00b", false},
      {"30{ " CN("0c04 61e280ae") "}", "a\\E2\\80\\AE", false}, /* right to left */
      {"30{ " CN("0c02 61ff") "}", "a\\FF", false},
      {"30{ " CN("1601 61") "}", "", false}, /* no DirectoryString: Erlang refuses the certificate */
  };

  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct login_names names = {0};

    read_subject(rows[i].subject, &names);
    assert_int_equal(names.count, 2);
    assert_int_equal(names.items[1].source, LOGIN_COMMON_NAME);
    assert_string_equal(names.items[1].text, rows[i].text);
    assert_int_equal(names.items[1].exact, rows[i].exact);
    login_names_free(&names);
  }
}

/* ---- Alternative names ---- */

static void add_all_kinds(struct alternative_names *names) {
  static const uint8_t ipv6[16] = {[15] = 1};

  alternative_names_add_text(names, SAN_DNS, "a.example");
  alternative_names_add_text(names, SAN_URI, "spiffe://example.org/a");
  alternative_names_add(names, SAN_REGISTERED, "\x2a\x03", 2);
  alternative_names_add_text(names, SAN_DNS, "b.example");
  alternative_names_add(names, SAN_OTHER, "\x06\x02\x2a\x03\xa0\x05\x0c\x03upn", 11);
  alternative_names_add(names, SAN_OTHER, "\x06\x02\x2a\x03\xa0\x03\x02\x01\x05", 9);
  alternative_names_add_text(names, SAN_EMAIL, "a@b.example");
  alternative_names_add(names, SAN_IP, "\x7f\x00\x00\x01", 4);
  alternative_names_add(names, SAN_IP, ipv6, sizeof(ipv6));
  alternative_names_add_text(names, SAN_EMAIL, "'; rm -rf /; '@b.example");
  alternative_names_add(names, SAN_URI, "a\0b", 3);
  alternative_names_add_text(names, SAN_DNS, "\xc3\xa9\xff");
  alternative_names_add_text(names, SAN_DNS, "");
}

static const struct expected_name all_kinds[] = {
    {LOGIN_DISTINGUISHED_NAME, 0, "", false},
    {LOGIN_SAN_DNS, 0, "a.example", true},
    {LOGIN_SAN_URI, 0, "spiffe://example.org/a", true},
    {LOGIN_SAN_DNS, 1, "b.example", true},
    {LOGIN_SAN_OTHER_NAME, 0, "upn", false},
    {LOGIN_SAN_OTHER_NAME, 1, "", false},
    {LOGIN_SAN_EMAIL, 0, "a@b.example", true},
    {LOGIN_SAN_IP, 0, "127.0.0.1", false},
    {LOGIN_SAN_IP, 1, "::1", false},
    {LOGIN_SAN_EMAIL, 1, "'; rm -rf /; '@b.example", true},
    {LOGIN_SAN_URI, 1, "a\\00b", false},
    {LOGIN_SAN_DNS, 2, "\\C3\\A9\\FF", false},
    {LOGIN_SAN_DNS, 3, "", false},
};

static const uint8_t empty_name[] = {0x30, 0x00};

static void test_alternative_names(void **state) {
  struct alternative_names der = {0};
  struct certificate certificate = {.subject = {empty_name, sizeof(empty_name)}};
  struct login_names names = {0};

  (void)state;
  add_all_kinds(&der);
  certificate.alternative_names = alternative_names_slice(&der);
  assert_true(login_names_read(&names, &certificate));
  expect_names(&names, all_kinds, COUNT(all_kinds));
  login_names_free(&names);
  assert_int_equal(names.count, 0);
  alternative_names_free(&der);
}

/* ---- Running out of memory ---- */

static void test_no_memory(void **state) {
  struct alternative_names der = {0};
  size_t failures = 0;
  bool failed = true;

  (void)state;
  if (!failing_allocator_works()) {
    skip();
  }
  add_all_kinds(&der);
  for (size_t nth = 1; failed; nth++) {
    const struct certificate certificate = {.subject = {empty_name, sizeof(empty_name)},
                                            .alternative_names = alternative_names_slice(&der)};
    struct login_names names = {0};
    bool read;

    failing_allocator_arm(nth);
    read = login_names_read(&names, &certificate);
    failed = failing_allocator_disarm();
    assert_int_equal(read, !failed);
    assert_int_equal(names.count, failed ? 0 : COUNT(all_kinds));
    failures += failed;
    login_names_free(&names);
  }
  assert_int_equal(failures, 2 * COUNT(all_kinds)); /* each name, and a place for it */
  alternative_names_free(&der);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_attributes),        cmocka_unit_test(test_order),
      cmocka_unit_test(test_no_subject),        cmocka_unit_test(test_common_names),
      cmocka_unit_test(test_alternative_names), cmocka_unit_test(test_no_memory),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
