/* SPDX-License-Identifier: MIT */
/* Certificates put together by hand: each part in its sound forms, and in all the wrong ones; and times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "x509/certificate.h"
#include "x509/der.h"
#include "certificate_reading.h"
#include "der_text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* ---- Hand-made certificates ---- */

enum part {
  PART_VERSION,
  PART_SERIAL,
  PART_ALGORITHM,
  PART_ISSUER,
  PART_VALIDITY,
  PART_SUBJECT,
  PART_KEY,
  PART_UNIQUE,
  PART_EXTENSIONS,
  PART_OUTER_ALGORITHM, /* the first one outside the signed part */
  PART_SIGNATURE,
  PART_COUNT
};

#define NAME_A "30{ 31{ 30{ 06{ 550403 } 0c{'a'} } } }"
#define ECDSA "30{ 06{ 2a8648ce3d040302 } }"
#define VALIDITY "30{ 17{'240101000000Z'} 17{'340101000000Z'} }"
#define KEY "30{ 30{ 06{ 2a8648ce3d0201 } 06{ 2a8648ce3d030107 } } 03{ 00 0401 } }"

static const char *const sound_parts[PART_COUNT] = {
    "a0{ 020102 }", "020101", ECDSA, NAME_A, VALIDITY, NAME_A, KEY, "", "", ECDSA, "03{ 00 0102 }"};

static uint8_t *assemble(const char *const *parts, size_t *length) {
  char text[2048] = "30{ 30{";
  int i;
  for (i = 0; i < PART_COUNT; i++) {
    assert_true(strlen(text) + strlen(parts[i]) + 3 < sizeof text);
    strcat(text, i == PART_OUTER_ALGORITHM ? "}" : " ");
    strcat(text, parts[i]);
  }
  strcat(text, "}");
  return der_from_text(text, length);
}

/* The sound certificate with another \a part, formatted as by printf(). */
static uint8_t *assemble_with(size_t *length, enum part part, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static uint8_t *assemble_with(size_t *length, enum part part, const char *format, ...) {
  const char *parts[PART_COUNT];
  char text[1024];
  va_list list;
  int written;
  va_start(list, format);
  written = vsnprintf(text, sizeof text, format, list);
  va_end(list);
  assert_true(written >= 0 && (size_t)written < sizeof text);
  memcpy(parts, sound_parts, sizeof parts);
  parts[part] = text;
  return assemble(parts, length);
}

/* A certificate with these extensions, one after the other. */
static uint8_t *assemble_extensions(const char *extensions, size_t *length) {
  return assemble_with(length, PART_EXTENSIONS, "a3{ 30{ %s } }", extensions);
}

/* A certificate with one extension: 2.5.29.\a arc, holding \a value. */
static uint8_t *assemble_extension(const char *arc, const char *value, size_t *length) {
  return assemble_with(length, PART_EXTENSIONS, "a3{ 30{ 30{ 06{ 551d%s } 04{ %s } } } }", arc, value);
}

static uint8_t *assemble_names(const char *names, size_t *length) {
  return assemble_with(length, PART_EXTENSIONS, "a3{ 30{ 30{ 06{ 551d11 } 04{ 30{ %s } } } } }", names);
}

struct variant {
  const char *text;
  bool is_sound;
};

static size_t wrong_variants;

static void judge(const uint8_t *der, size_t length, const struct variant *variant, const char *what) {
  if (reads(der, length) != variant->is_sound) {
    print_error("%s %s: not %s\n", what, variant->text, variant->is_sound ? "read" : "refused");
    wrong_variants++;
  }
}

static void test_sound_certificate(void **state) {
  struct certificate certificate;
  size_t length;
  uint8_t *der = assemble(sound_parts, &length);
  (void)state;
  assert_true(certificate_read(&certificate, der, length));
  assert_int_equal(certificate.version, 3);
  assert_true(certificate.not_before == 1704067200);
  assert_true(certificate.not_after == 2019686400);
  assert_int_equal(certificate.key_bits, 256);
  expect_subject(der, length, "CN=a");
  assert_false(reads(NULL, 0));
  free(der);
}

/* An OCTET STRING of \a content zeros, after a header in hexadecimal digits. */
static bool reads_length(const char *header, size_t content) {
  struct byte_slice rest, octets;
  size_t length;
  uint8_t *start = der_from_text(header, &length);
  uint8_t *element = calloc(length + content, 1);
  bool result;
  assert_non_null(element);
  memcpy(element, start, length);
  rest.bytes = element;
  rest.length = length + content;
  result = der_read_tagged(&rest, 0x04, &octets) && octets.length == content && rest.length == 0;
  free(element);
  free(start);
  return result;
}

/* Each length has one form in DER. */
static void test_lengths(void **state) {
  static const struct {
    const char *header;
    size_t content;
    bool is_sound;
  } cases[] = {
      {"0400", 0, true},          {"047f", 127, true},          {"04817f", 127, false},         {"048180", 128, true},
      {"0481ff", 255, true},      {"04820080", 128, false},     {"048200ff", 255, false},       {"04820100", 256, true},
      {"0483000100", 256, false}, {"048400000100", 256, false}, {"048500000000ff", 255, false}, {"0480", 0, false},
      {"04820101", 256, false},   {"0483010000", 256, false},   {"0484ffffffff", 256, false},   {"0482ff", 0, false},
      {"04", 0, false},           {"0481", 0, false},           {"04ff", 128, false},
  };
  size_t i;
  (void)state;
  for (i = 0; i < COUNT(cases); i++) {
    if (reads_length(cases[i].header, cases[i].content) != cases[i].is_sound) {
      fail_msg("length %s", cases[i].header);
    }
  }
}

static void test_versions(void **state) {
  static const struct {
    const char *version;
    const char *unique;
    const char *extensions;
    unsigned expected; /* 0: refused */
  } cases[] = {
      {"", "", "", 1},
      {"a003020101", "", "", 2},
      {"a003020102", "", "", 3},
      {"a003020100", "", "", 0}, /* the default is left out in DER */
      {"a003020103", "", "", 0},
      {"a0030201ff", "", "", 0},
      {"a00402020002", "", "", 0},
      {"a000", "", "", 0},
      {"a00402010200", "", "", 0},
      {"8003020102", "", "", 0},
      {"", "", "a30f 300d 300b 0603551d13 0404 30020500", 0},
      {"", "", "a30e 300c 300a 0603551d0e 0403 040161", 0},
      {"a003020101", "", "a30e 300c 300a 0603551d0e 0403 040161", 0},
      {"a003020102", "", "a30e 300c 300a 0603551d0e 0403 040161", 3},
      {"", "81020001", "", 0},
      {"a003020101", "81020001", "", 2},
      {"a003020102", "81020001 82020002", "", 3},
      {"a003020102", "82020002", "", 3},
      {"a003020102", "82020002 81020001", "", 0},
      {"a003020102", "8100", "", 0},
      {"a003020102", "a1020001", "", 0},
  };
  size_t i;
  (void)state;
  for (i = 0; i < COUNT(cases); i++) {
    const char *parts[PART_COUNT];
    struct certificate certificate;
    uint8_t *der;
    size_t length;
    memcpy(parts, sound_parts, sizeof parts);
    parts[PART_VERSION] = cases[i].version;
    parts[PART_UNIQUE] = cases[i].unique;
    parts[PART_EXTENSIONS] = cases[i].extensions;
    der = assemble(parts, &length);
    assert_int_equal(reads(der, length), cases[i].expected != 0);
    if (cases[i].expected != 0) {
      assert_true(certificate_read(&certificate, der, length));
      assert_int_equal(certificate.version, cases[i].expected);
      assert_false(certificate.is_ca);
    }
    free(der);
  }
}

static void test_parts(void **state) {
  static const struct {
    enum part part;
    struct variant variant;
  } cases[] = {
      {PART_SERIAL, {"02020080", true}},
      {PART_SERIAL, {"0201ff", true}}, /* negative ones exist */
      {PART_SERIAL, {"0200", false}},
      {PART_SERIAL, {"02020001", false}},
      {PART_SERIAL, {"0202ff80", false}},
      {PART_SERIAL, {"02810101", false}}, /* length not in its shortest form */
      {PART_SERIAL, {"0282000101", false}},
      {PART_SERIAL, {"028000", false}}, /* indefinite length */
      {PART_SERIAL, {"02ff", false}},
      {PART_SERIAL, {"0285000000000101", false}},
      {PART_SERIAL, {"1f020101", false}}, /* tag of several bytes */
      {PART_SERIAL, {"0a0101", false}},
      {PART_SERIAL, {"", false}},
      {PART_SERIAL, {"020101 020101", false}},
      {PART_ALGORITHM, {"300c 06082a8648ce3d040302 0500", false}}, /* not the outer one */
      {PART_ALGORITHM, {"300a 06082a8648ce3d040303", false}},
      {PART_ALGORITHM, {"310a 06082a8648ce3d040302", false}},
      {PART_OUTER_ALGORITHM, {"300c 06082a8648ce3d040302 0500", false}},
      {PART_OUTER_ALGORITHM, {"300a 06082a8648ce3d040303", false}},
      {PART_OUTER_ALGORITHM, {"", false}},
      {PART_ISSUER, {"3000", true}},
      {PART_ISSUER, {"300e 310c 300a 0603550403 0c036161 61", true}},
      {PART_ISSUER, {"3002 3100", false}},
      {PART_ISSUER, {"3004 3102 3000", false}},
      {PART_ISSUER, {"3009 3107 3005 0603550403", false}},             /* no value */
      {PART_ISSUER, {"300e 310c 300a 0603550403 0c0161 0500", false}}, /* two values */
      {PART_ISSUER, {"300c 300a 3008 0603550403 0c0161", false}},
      {PART_ISSUER, {"300c 310a 3108 0603550403 0c0161", false}},
      {PART_ISSUER, {"310c 310a 3008 0603550403 0c0161", false}},
      {PART_ISSUER, {"300c 310a 3008 0603550403 0c0261", false}},  /* value longer than what holds it */
      {PART_ISSUER, {"300c 310a 3008 06035504 83 0c0161", false}}, /* last arc does not end */
      {PART_ISSUER, {"300c 310a 3008 0603 558003 0c0161", false}}, /* padded arc */
      {PART_ISSUER, {"3009 3107 3005 0600 0c0161", false}},
      {PART_ISSUER, {"300c 310a 3008 0603550403 1e0161", true}},
      {PART_ISSUER, {"300c 310a 3008 0603550403 1f0161", false}}, /* tag of several bytes */
      {PART_ISSUER, {"300c 310a 3008 0603550403 3f0161", false}},
      {PART_SUBJECT, {"3000", true}},
      {PART_SUBJECT, {"3002 3100", false}},
      {PART_SUBJECT, {"", false}},
      {PART_KEY, {"", false}},
      {PART_KEY, {"3011 300c 06072a8648ce3d0201 0500 03020004", false}}, /* lengths don't add up */
      {PART_KEY, {"3011 300b 06072a8648ce3d0201 0500 03020004", true}},
      {PART_KEY, {"300f 3009 06072a8648ce3d0201 03020004", true}}, /* no parameters */
      {PART_KEY, {"3013 300d 06072a8648ce3d0201 0500 0500 03020004", false}},
      {PART_KEY, {"300f 3009 06072a8648ce3d0201 03020104", false}}, /* unused bits */
      {PART_KEY, {"300d 3009 06072a8648ce3d0201 0300", false}},
      {PART_KEY, {"300f 3009 06072a8648ce3d0201 04020004", false}},
      {PART_KEY, {"3011 3009 06072a8648ce3d0201 03020004 0500", false}},
      {PART_KEY, {"300a 3005 06032b6570 030100", true}},       /* Ed25519 (RFC 8410, section 3) */
      {PART_KEY, {"300c 3007 06032b6570 0500 030100", false}}, /* it has no parameters */
      {PART_KEY, {"300c 3007 06032b6571 0500 030100", false}}, /* nor has Ed448 */
      {PART_SIGNATURE, {"0303010102", false}},
      {PART_SIGNATURE, {"0300", false}},
      {PART_SIGNATURE, {"030100", true}},
      {PART_SIGNATURE, {"0403000102", false}},
      {PART_SIGNATURE, {"", false}},
      {PART_SIGNATURE, {"0303000102 0500", false}},
      {PART_EXTENSIONS, {"0500", false}},
      {PART_EXTENSIONS, {"a300", false}},
      {PART_EXTENSIONS, {"a3023000", false}},
      {PART_EXTENSIONS, {"a40e 300c 300a 0603551d0e 0403 040161", false}},
      {PART_EXTENSIONS, {"a30e 310c 300a 0603551d0e 0403 040161", false}},
      {PART_EXTENSIONS, {"a310 300c 300a 0603551d0e 0403 040161 0500", false}},
      {PART_EXTENSIONS, {"a30e 300c 300a 0603551d0e 0403 040161 0500", false}}, /* behind the last */
  };
  size_t i;
  (void)state;
  wrong_variants = 0;
  for (i = 0; i < COUNT(cases); i++) {
    size_t length;
    uint8_t *der = assemble_with(&length, cases[i].part, "%s", cases[i].variant.text);
    judge(der, length, &cases[i].variant, "part");
    free(der);
  }
  assert_int_equal(wrong_variants, 0);
}

static void test_extensions(void **state) {
  static const struct variant cases[] = {
      {"300a 0603551d0e 0403 040161", true},
      {"300d 0603551d0e 0101ff 0403 040161", true},
      {"300d 0603551d0e 010100 0403 040161", true}, /* FALSE is the default, but is written out by some */
      {"300d 0603551d0e 010101 0403 040161", false},
      {"300c 0603551d0e 0100 0403 040161", false},
      {"300e 0603551d0e 0102ffff 0403 040161", false},
      {"3010 0603551d0e 0101ff 0101ff 0403 040161", false},
      {"3005 0603551d0e", false},
      {"3007 0603551d10 0400", true},
      {"3007 0603551d0e 0400", false}, /* one whose value is read */
      {"3009 0603551d0e 0400 0500", false},
      {"300a 0603551d0e 0503 040161", false},
      {"310a 0603551d0e 0403 040161", false},
      {"3007 0400 0603551d0e", false},
      {"300a 0603551d0e 0403 040161 300a 0603551d10 0403 040161", true},
      {"300a 0603551d0e 0403 040161 300a 0603551d0e 0403 040161", false}, /* twice */
      {"300a 0603551d0e 0403 040161 300a 0603551d10 0403 040161 300d 0603551d0e 0101ff 0403 040162", false},
      {"300e 0603551d11 0407 3005 8203 612e62 300e 0603551d11 0407 3005 8203 612e62", false},
      {"300b 0603551d0f 0404 03020106", true}, /* key usage */
      {"300b 0603551d0f 0404 03020806", false},
      {"300b 0603551d0f 0404 03020780", true},
      {"300b 0603551d0f 0404 03020784", false}, /* an unused bit is set */
      {"300a 0603551d0f 0403 030100", true},    /* no bits */
      {"300a 0603551d0f 0403 030107", false},   /* seven unused ones of none */
      {"300a 0603551d0f 0403 040161", false},
      {"3009 0603551d13 0402 3000 3009 0603551d13 0402 3000", false},
  };
  size_t i;
  (void)state;
  wrong_variants = 0;
  for (i = 0; i < COUNT(cases); i++) {
    size_t length;
    uint8_t *der = assemble_extensions(cases[i].text, &length);
    judge(der, length, &cases[i], "extensions");
    free(der);
  }
  assert_int_equal(wrong_variants, 0);
}

static void test_basic_constraints(void **state) {
  static const struct variant cases[] = {
      {"3000", true},
      {"3003 0101ff", true},
      {"3003 010100", true},
      {"3003 010101", false},
      {"3006 0101ff 020100", true},
      {"3006 0101ff 0201ff", false},
      {"3003 020100", true},
      {"3005 0101ff 0500", false},
      {"3000 0500", false},
      {"3008 0101ff 020100 0500", false},
      {"", false},
      {"3100", false},
      {"3007 0101ff 02020001", false},
  };
  size_t i;
  (void)state;
  wrong_variants = 0;
  for (i = 0; i < COUNT(cases); i++) {
    size_t length;
    uint8_t *der = assemble_extension("13", cases[i].text, &length);
    judge(der, length, &cases[i], "basicConstraints");
    free(der);
  }
  assert_int_equal(wrong_variants, 0);
}

static void test_extended_key_usage(void **state) {
  static const struct variant cases[] = {
      {"300a 06082b06010505070301", true},
      {"3000", false},
      {"", false},
      {"3002 0600", false},
      {"3002 0500", false},
      {"300a 06082b06010505070301 0500", false},
      {"300c 06082b06010505070301 0500", false},
  };
  size_t i;
  (void)state;
  wrong_variants = 0;
  for (i = 0; i < COUNT(cases); i++) {
    size_t length;
    uint8_t *der = assemble_extension("25", cases[i].text, &length);
    judge(der, length, &cases[i], "extKeyUsage");
    free(der);
  }
  assert_int_equal(wrong_variants, 0);
}

static void test_malformed_alternative_names(void **state) {
  static const struct variant cases[] = {
      {"", false},
      {"8203 612e62", true},
      {"8200", true},
      {"8203 612e62 8203 632e64", true},
      {"8204 612e62", false}, /* the last name is cut */
      {"8203 612e62 8205 632e64", false},
      {"8203 612e62 00", false},
      {"8203 612e62 0500", false},
      {"a203 612e62", false}, /* constructed dNSName */
      {"a003 612e62", false}, /* otherName without a type */
      {"a007 06022a03 a001 05", true},
      {"a004 06022a03", false},
      {"a008 06022a03 8002 0500", false},
      {"a00a 06022a03 a002 0500 0500", false},
      {"8100", true},
      {"a302 0500", true},
      {"8302 0500", false},
      {"a502 0500", true},
      {"a402 3000", true},
      {"a400", false},
      {"a404 3000 0500", false},
      {"a404 3002 3100", false},
      {"8402 3000", false},
      {"8600", true},
      {"8704 7f000001", true},
      {"8700", true},
      {"8705 7f00000102", true},
      {"8803 2a0304", true},
      {"8800", false},
      {"8801 83", false},
      {"8901 61", false},
      {"9f0101 61", false},
      {"82810161", false},
      {"8280 61 0000", false},
  };
  static const struct variant lists[] = {
      {"3005 8203 612e62 0500", false},
      {"3105 8203 612e62", false},
  };
  size_t i;
  (void)state;
  wrong_variants = 0;
  for (i = 0; i < COUNT(cases); i++) {
    size_t length;
    uint8_t *der = assemble_names(cases[i].text, &length);
    judge(der, length, &cases[i], "subjectAltName");
    free(der);
  }
  for (i = 0; i < COUNT(lists); i++) {
    size_t length;
    uint8_t *der = assemble_extension("11", lists[i].text, &length);
    judge(der, length, &lists[i], "subjectAltName");
    free(der);
  }
  assert_int_equal(wrong_variants, 0);
}

static void expect_names(const char *names, const char *expected) {
  size_t length;
  uint8_t *der = assemble_names(names, &length);
  expect_alternative_names(der, length, expected);
  free(der);
}

/* openssl writes none of these. */
static void test_odd_alternative_names(void **state) {
  (void)state;
  expect_names("8205 612e0062 63", "DNS:a.\\00bc\n");
  expect_names("8206 0a1b5c7ec3a9", "DNS:\\0A\\1B\\5C~\\C3\\A9\n");
  expect_names("8100 8200 8600 8700", "email:\nDNS:\nURI:\nIP:\n");
  expect_names("8705 7f00000141 8703 616263", "IP:\\7F\\00\\00\\01\\41\nIP:\\61\\62\\63\n");
  expect_names("8710 00000000000000000000ffff00000000 8710 00000000000000000000fffe00000000",
               "IP:::ffff:0.0.0.0\nIP:::fffe:0:0\n");
}

/* Parameters that are not the algorithm's make it no scheme, and no error either. */
static void expect_scheme(const char *algorithm, const char *parameters, uint16_t scheme) {
  struct certificate certificate;
  const char *parts[PART_COUNT];
  char text[512];
  uint8_t *der;
  size_t length;
  const int written = snprintf(text, sizeof text, "30{ 06{ %s } %s }", algorithm, parameters);

  assert_true(written > 0 && (size_t)written < sizeof text);
  memcpy(parts, sound_parts, sizeof parts);
  parts[PART_ALGORITHM] = parts[PART_OUTER_ALGORITHM] = text;
  der = assemble(parts, &length);
  assert_true(certificate_read(&certificate, der, length));
  if (certificate.signature_scheme != scheme) {
    fail_msg("%s with %s: 0x%04x", algorithm, parameters, certificate.signature_scheme);
  }
  free(der);
}

/* RSASSA-PSS-params in hexadecimal: other than those of TLS they are no scheme, and no error either. */
static void test_parameters_of_pss(void **state) {
  static const struct {
    const char *parameters;
    uint16_t scheme;
  } cases[] = {
      {"", 0},     /* absent */
      {"0500", 0}, /* NULL */
      {"3000", 0}, /* the defaults: SHA-1 */
      {"3034 a00f 300d 0609608648016503040201 0500 a11c 301a 06092a864886f70d010108 300d 0609608648016503040201 0500 "
       "a203 020120",
       0x0809}, /* SHA-256 */
      {"3034 a00f 300d 0609608648016503040202 0500 a11c 301a 06092a864886f70d010108 300d 0609608648016503040202 0500 "
       "a203 020130",
       0x080a}, /* SHA-384 */
      {"3034 a00f 300d 0609608648016503040203 0500 a11c 301a 06092a864886f70d010108 300d 0609608648016503040203 0500 "
       "a203 020140",
       0x080b}, /* SHA-512 */
      {"3030 a00d 300b 0609608648016503040201 a11a 3018 06092a864886f70d010108 300b 0609608648016503040201 a203 020120",
       0x0809}, /* without NULL */
      {"3039 a00f 300d 0609608648016503040201 0500 a11c 301a 06092a864886f70d010108 300d 0609608648016503040201 0500 "
       "a203 020120 a303 020101",
       0x0809}, /* the default trailer, written out */
      {"3039 a00f 300d 0609608648016503040201 0500 a11c 301a 06092a864886f70d010108 300d 0609608648016503040201 0500 "
       "a203 020120 a303 020102",
       0},                                                           /* another trailer */
      {"3011 a00f 300d 0609608648016503040201 0500", 0},             /* mask and salt left out: SHA-1 and 20 bytes */
      {"3016 a00f 300d 0609608648016503040201 0500 a203 020120", 0}, /* a mask by SHA-1 */
      {"3034 a00f 300d 0609608648016503040201 0500 a11c 301a 06092a864886f70d010108 300d 0609608648016503040202 0500 "
       "a203 020120",
       0}, /* a mask by another hash */
      {"3030 a00f 300d 0609608648016503040201 0500 a118 3016 06092a864886f70d010108 3009 06052b0e03021a 0500 a203 "
       "020120",
       0}, /* a mask by SHA-1, written out */
      {"3034 a00f 300d 0609608648016503040201 0500 a11c 301a 06092a864886f70d010109 300d 0609608648016503040201 0500 "
       "a203 020120",
       0}, /* another mask */
      {"302f a00f 300d 0609608648016503040201 0500 a11c 301a 06092a864886f70d010108 300d 0609608648016503040201 0500",
       0}, /* a salt of 20 bytes */
      {"3034 a00f 300d 0609608648016503040201 0500 a11c 301a 06092a864886f70d010108 300d 0609608648016503040201 0500 "
       "a203 020100",
       0}, /* no salt */
      {"3034 a00f 300d 0609608648016503040201 0500 a11c 301a 06092a864886f70d010108 300d 0609608648016503040201 0500 "
       "a203 02011f",
       0}, /* a short salt */
      {"3035 a00f 300d 0609608648016503040201 0500 a11c 301a 06092a864886f70d010108 300d 0609608648016503040201 0500 "
       "a204 020200de",
       0}, /* as long a salt as there is room for */
      {"3034 a00f 300d 0609608648016503040202 0500 a11c 301a 06092a864886f70d010108 300d 0609608648016503040202 0500 "
       "a203 020120",
       0}, /* the salt of another hash */
      {"3034 a00f 300d 0609608648016503040204 0500 a11c 301a 06092a864886f70d010108 300d 0609608648016503040204 0500 "
       "a203 02011c",
       0},                                              /* SHA-224 */
      {"3010 a009 3007 06052b0e03021a a203 020114", 0}, /* SHA-1, written out */
      {"3023 a11c 301a 06092a864886f70d010108 300d 0609608648016503040201 0500 a203 020120", 0}, /* no hash */
      {"3032 300d 0609608648016503040201 0500 a11c 301a 06092a864886f70d010108 300d 0609608648016503040201 0500 a203 "
       "020120",
       0}, /* not tagged */
      {"3036 a00f 300d 0609608648016503040201 0500 a11c 301a 06092a864886f70d010108 300d 0609608648016503040201 0500 "
       "a203 020120 0500",
       0}, /* something behind it */
      {"3036 a011 300d 0609608648016503040201 0500 0500 a11c 301a 06092a864886f70d010108 300d 0609608648016503040201 "
       "0500 a203 020120",
       0}, /* something behind the hash */
      {"3134 a00f 300d 0609608648016503040201 0500 a11c 301a 06092a864886f70d010108 300d 0609608648016503040201 0500 "
       "a203 020120",
       0}, /* no SEQUENCE */
  };
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    expect_scheme("2a864886f70d01010a", cases[i].parameters, cases[i].scheme);
  }
}

/* RFC 4055, section 5: NULL or, which must be borne, none. RFC 5758, section 3.2, and RFC 8410, section 3: none. */
static void test_parameters_of_other_signatures(void **state) {
  static const struct {
    const char *algorithm;
    uint16_t scheme;
    uint16_t scheme_with_null;
  } cases[] = {
      {"2a864886f70d01010b", 0x0401, 0x0401}, /* RSA, SHA-256 */
      {"2a864886f70d01010c", 0x0501, 0x0501}, /* RSA, SHA-384 */
      {"2a864886f70d01010d", 0x0601, 0x0601}, /* RSA, SHA-512 */
      {"2a864886f70d010105", 0x0201, 0x0201}, /* RSA, SHA-1 */
      {"2a8648ce3d040302", 0x0403, 0},        /* ECDSA, SHA-256 */
      {"2a8648ce3d040303", 0x0503, 0},        /* ECDSA, SHA-384 */
      {"2a8648ce3d040304", 0x0603, 0},        /* ECDSA, SHA-512 */
      {"2a8648ce3d0401", 0x0203, 0},          /* ECDSA, SHA-1 */
      {"2b6570", 0x0807, 0},                  /* Ed25519 */
      {"2b6571", 0x0808, 0},                  /* Ed448 */
  };

  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    expect_scheme(cases[i].algorithm, "", cases[i].scheme);
    expect_scheme(cases[i].algorithm, "0500", cases[i].scheme_with_null);
    expect_scheme(cases[i].algorithm, "0501 00", 0);
    expect_scheme(cases[i].algorithm, "3000", 0);
    expect_scheme(cases[i].algorithm, "06082a8648ce3d030107", 0);
  }
}

/* With an RSAPublicKey. */
static uint8_t *assemble_with_rsa_key(const char *key, size_t *length) {
  return assemble_with(length, PART_KEY, "30{ 30{ 06{ 2a864886f70d010101 } 0500 } 03{ 00 %s } }", key);
}

static void test_rsa_keys(void **state) {
  static const struct {
    const char *key; /* RSAPublicKey */
    int bits;        /* -1: refused */
  } cases[] = {
      {"3006 020101 020103", 1},
      {"3006 02017f 020103", 7},
      {"3007 02020080 020103", 8},
      {"3007 020200ff 020103", 8},
      {"3007 02020100 020103", 9},
      {"3008 0203008000 020103", 16},
      {"3008 0203010001 020103", 17},
      {"3006 020100 020103", -1},   /* zero */
      {"3006 020180 020103", -1},   /* negative */
      {"3007 0202007f 020103", -1}, /* not the shortest form */
      {"3006 020101 020100", -1},
      {"3006 020101 0201fd", -1},
      {"3003 020101", -1},
      {"3009 020101 020103 020105", -1},
      {"3006 020101 020103 0500", -1},
      {"3106 020101 020103", -1},
      {"", -1},
  };
  size_t i;
  (void)state;
  for (i = 0; i < COUNT(cases); i++) {
    struct certificate certificate;
    size_t length;
    uint8_t *der = assemble_with_rsa_key(cases[i].key, &length);
    assert_int_equal(reads(der, length), cases[i].bits >= 0);
    if (cases[i].bits >= 0) {
      assert_true(certificate_read(&certificate, der, length));
      assert_int_equal(certificate.key_kind, CERTIFICATE_KEY_RSA);
      assert_int_equal(certificate.key_bits, cases[i].bits);
    }
    free(der);
  }
}

/* FIPS 186-5, appendix A.1.1: odd, above 2^16, below 2^256. */
static void test_rsa_exponents(void **state) {
#define ZEROS_30 "000000000000000000000000000000000000000000000000000000000000"
  static const struct {
    const char *key;
    bool common;
    bool unusable; /* even, or 1: RFC 8017, section 3.1 */
  } cases[] = {
      {"3006 020101 020101", .unusable = true},
      {"3006 020101 020102", .unusable = true},
      {"3006 020101 020103", .common = false},
      {"3006 020101 020104", .unusable = true},
      {"3007 020101 0202 7fff", .common = false},
      {"3008 020101 0203 00ffff", .common = false},
      {"3008 020101 0203 010000", .unusable = true},
      {"3008 020101 0203 010001", .common = true},
      {"3008 020101 0203 010003", .common = true},
      {"3008 020101 0203 010002", .unusable = true},
      {"3025 020101 0220 7f" ZEROS_30 "01", .common = true},
      {"3026 020101 0221 0080" ZEROS_30 "01", .common = true},
      {"3026 020101 0221 0080" ZEROS_30 "02", .unusable = true},
      {"3026 020101 0221 0100" ZEROS_30 "01", .common = false}, /* 2^256 and 1 */
  };
#undef ZEROS_30
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct certificate certificate;
    size_t length;
    uint8_t *der = assemble_with_rsa_key(cases[i].key, &length);
    assert_int_equal(certificate_read(&certificate, der, length), !cases[i].unusable);
    if (!cases[i].unusable) {
      assert_int_equal(certificate.common_exponent, cases[i].common);
    }
    free(der);
  }
}

static void test_other_keys(void **state) {
  struct certificate certificate;
  size_t length;
  uint8_t *der = assemble_with(&length, PART_KEY, "300b 3005 06032b656e 03020001"); /* X25519 */
  (void)state;
  assert_true(certificate_read(&certificate, der, length));
  assert_int_equal(certificate.key_kind, CERTIFICATE_KEY_OTHER);
  assert_int_equal(certificate.key_bits, 0);
  free(der);
}

/* ---- Times ---- */

static bool read_time(uint8_t tag, const char *time, int64_t *seconds) {
  char text[64];
  const int written = snprintf(text, sizeof text, "%02x{'%s'}", tag, time);
  struct byte_slice rest;
  uint8_t *der;
  bool result;
  assert_true(written > 0 && (size_t)written < sizeof text);
  der = der_from_text(text, &rest.length);
  rest.bytes = der;
  result = der_read_time(&rest, seconds);
  free(der);
  return result;
}

static void test_time_forms(void **state) {
  static const struct {
    uint8_t tag;
    const char *text;
    bool is_sound;
    int64_t seconds;
  } cases[] = {
      {0x17, "700101000000Z", true, 0},
      {0x17, "700101000001Z", true, 1},
      {0x17, "691231235959Z", true, -1},
      {0x17, "500101000000Z", true, -631152000},
      {0x17, "491231235959Z", true, 2524607999},
      {0x17, "000229000000Z", true, 951782400},
      {0x18, "20240101000000Z", true, 1704067200}, /* UTCTime would be right, and this is read */
      {0x18, "20500101000000Z", true, 2524608000},
      {0x18, "99991231235959Z", true, 253402300799},
      {0x18, "00000101000000Z", true, -62167219200},
      {0x18, "00010101000000Z", true, -62135596800},
      {0x18, "20000229000000Z", true, 951782400},
      {0x18, "19000228235959Z", true, -2203891201},
      {0x18, "19000229000000Z", false, 0},
      {0x18, "21000229000000Z", false, 0},
      {0x17, "230229000000Z", false, 0},
      {0x17, "240230000000Z", false, 0},
      {0x17, "240431000000Z", false, 0},
      {0x17, "240001000000Z", false, 0},
      {0x17, "241301000000Z", false, 0},
      {0x17, "240100000000Z", false, 0},
      {0x17, "240132000000Z", false, 0},
      {0x17, "240101240000Z", false, 0},
      {0x17, "240101006000Z", false, 0},
      {0x17, "240101000060Z", false, 0},
      {0x17, "2401010000Z", false, 0},
      {0x17, "240101000000", false, 0},
      {0x17, "240101000000z", false, 0},
      {0x17, "240101000000+0000", false, 0},
      {0x17, "240101000000ZZ", false, 0},
      {0x17, "240101000000.5Z", false, 0},
      {0x17, "20240101000000Z", false, 0},
      {0x17, "2401010000 0Z", false, 0},
      {0x17, "24010100000/Z", false, 0},
      {0x17, "24010100000:Z", false, 0},
      {0x17, "-40101000000Z", false, 0},
      {0x17, "+40101000000Z", false, 0},
      {0x17, "", false, 0},
      {0x17, "Z", false, 0},
      {0x18, "", false, 0},
      {0x18, "240101000000Z", false, 0},
      {0x18, "20240101000000.0Z", false, 0},
      {0x18, "202401010000Z", false, 0},
      {0x18, "20240101000000+0100", false, 0},
      {0x18, "20240101000000", false, 0},
      {0x0c, "240101000000Z", false, 0},
      {0x19, "20240101000000Z", false, 0},
  };
  size_t i;
  (void)state;
  for (i = 0; i < COUNT(cases); i++) {
    int64_t seconds = 0;
    const bool result = read_time(cases[i].tag, cases[i].text, &seconds);
    if (result != cases[i].is_sound || (result && seconds != cases[i].seconds)) {
      fail_msg("time %s: %d, %lld", cases[i].text, (int)result, (long long)seconds);
    }
  }
}

static int days_of(int year, int month) {
  static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* Every day of 200 years, and the days around every end of a month of the others: counted one by one, and against the C
   library where its time_t has room for them. */
static void test_days(void **state) {
  int64_t expected = INT64_C(-719528) * 86400 + 7 * 3600 + 9; /* of the first day of the year 0 */
  int year, month, day;
  size_t read = 0;
  (void)state;
  for (year = 0; year <= 9999; year++) {
    for (month = 1; month <= 12; month++) {
      for (day = 1; day <= 32; day++) {
        const bool exists = day <= days_of(year, month);
        char text[64];
        int64_t seconds;
        if (day > 1 && day < 28 && (year < 1900 || year > 2100)) {
          expected += 86400;
          continue;
        }
        snprintf(text, sizeof text, "%04d%02d%02d070009Z", year, month, day);
        assert_int_equal(read_time(0x18, text, &seconds), exists);
        if (exists) {
          assert_true(seconds == expected);
          if (sizeof(time_t) > 4 || (year > 1901 && year < 2038)) {
            struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = 7, .tm_sec = 9};
            assert_true(seconds == (int64_t)timegm(&tm));
          }
          expected += 86400;
          read++;
        }
      }
    }
  }
  assert_true(read > 400000);
}

static void test_subject_of_version_1(void **state) {
  struct certificate certificate;
  struct byte_slice subject;
  const char *parts[PART_COUNT];
  uint8_t *der;
  size_t length;
  (void)state;
  memcpy(parts, sound_parts, sizeof parts);
  parts[PART_VERSION] = "";
  parts[PART_EXTENSIONS] = "";
  der = assemble(parts, &length);
  assert_true(certificate_read(&certificate, der, length));
  assert_int_equal(certificate.version, 1);
  assert_true(certificate_read_subject(der, length, &subject));
  assert_ptr_equal(subject.bytes, certificate.subject.bytes);
  free(der);
}

/* Where reading failed is for a person to see. */
static void test_what_was_not_read(void **state) {
  static const struct {
    enum part part;
    const char *text;
    const char *unread;
  } cases[] = {{PART_VERSION, "a003020109", "its version is malformed"},
               {PART_SERIAL, "0500", "its serial number is malformed"},
               {PART_ISSUER, "0500", "its issuer is malformed"},
               {PART_VALIDITY, "0500", "its validity is malformed"},
               {PART_SUBJECT, "0500", "its subject is malformed"},
               {PART_KEY, "0500", "its public key is malformed"},
               {PART_EXTENSIONS, "0500", "its extensions are malformed"},
               {PART_OUTER_ALGORITHM, "0500", "its signature algorithm is malformed, or differs from the signed one"},
               {PART_SIGNATURE, "0500", "its signature is malformed"}};
  size_t i;
  (void)state;
  for (i = 0; i < COUNT(cases); i++) {
    struct certificate certificate;
    size_t length;
    uint8_t *der = assemble_with(&length, cases[i].part, "%s", cases[i].text);
    assert_false(certificate_read(&certificate, der, length));
    assert_string_equal(certificate.unread, cases[i].unread);
    assert_int_equal(certificate.unread_identifier.length, 0);
    assert_int_equal(certificate.subject.length > 0, cases[i].part > PART_SUBJECT);
    free(der);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_parameters_of_pss),
      cmocka_unit_test(test_parameters_of_other_signatures),
      cmocka_unit_test(test_subject_of_version_1),
      cmocka_unit_test(test_what_was_not_read),
      cmocka_unit_test(test_sound_certificate),
      cmocka_unit_test(test_lengths),
      cmocka_unit_test(test_versions),
      cmocka_unit_test(test_parts),
      cmocka_unit_test(test_extensions),
      cmocka_unit_test(test_basic_constraints),
      cmocka_unit_test(test_extended_key_usage),
      cmocka_unit_test(test_malformed_alternative_names),
      cmocka_unit_test(test_odd_alternative_names),
      cmocka_unit_test(test_rsa_keys),
      cmocka_unit_test(test_rsa_exponents),
      cmocka_unit_test(test_other_keys),
      cmocka_unit_test(test_time_forms),
      cmocka_unit_test(test_days),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
