/* SPDX-License-Identifier: MIT */
/*
 * Reading OCSP responses: hand-made ones with one part changed, what they say of a certificate, and those that OpenSSL
 * mints, whole and cut off.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "der_text.h"
#include "exact_copy.h"
#include "minted_certificates.h"
#include "minted_revocation.h"
#include "temporary_folder.h"
#include "x509/certificate.h"
#include "x509/ocsp_response.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static bool has_responses;

static int mint_more(void) { return minted_revocation_make(&has_responses); }

static int mint(void **state) {
  (void)state;
  return minted_certificates_set_up_with(mint_more);
}

/* ---- Responses made by hand ---- */

enum part {
  PART_STATUS,
  PART_TYPE,
  PART_VERSION,
  PART_RESPONDER,
  PART_PRODUCED,
  PART_SINGLES,
  PART_EXTENSIONS,
  PART_ALGORITHM,
  PART_SIGNATURE,
  PART_CERTIFICATES,
  PART_BEHIND_BASIC,
  PART_BEHIND_BYTES,
  PART_BEHIND_SEQUENCE,
  PART_BEHIND_WRAPPER,
  PART_BEHIND_ALL,
  PART_COUNT
};

#define NOW "18{'20240101000000Z'}"
#define LATER "18{'20240102000000Z'}"
#define SHA1 "30{ 06{ 2b0e03021a } 0500 }"
#define ID "30{" SHA1 "04{'name'} 04{'key'} 020105 }"
#define SINGLE(status) "30{" ID status NOW "a0{" LATER "} }"
#define GOOD "8000"
#define EXTENSION "30{ 06{ 2b060105050730010f } 04{ 0500 } }"
#define EXTENSION_2 "30{ 06{ 2b0601050507300106 } 04{ 0500 } }"
#define CRITICAL "30{ 06{ 2b060105050730010e } 0101ff 04{ 0500 } }"

static const char *const sound_parts[PART_COUNT] = {
    "0a0100",
    "06{ 2b0601050507300101 }",
    "",
    "a2{ 04{'responder'} }",
    NOW,
    "30{" SINGLE(GOOD) "}",
    "",
    "30{ 06{ 2a8648ce3d040302 } }",
    "03{ 00 3000 }",
    "",
    "",
    "",
    "",
    "",
    "",
};

/* What opens in front of a part. */
static const char *opening(int part) {
  switch (part) {
    case PART_TYPE:
      return "a0{ 30{";
    case PART_VERSION:
      return "04{ 30{ 30{";
    case PART_ALGORITHM:
    case PART_BEHIND_BASIC:
    case PART_BEHIND_BYTES:
    case PART_BEHIND_SEQUENCE:
    case PART_BEHIND_WRAPPER:
    case PART_BEHIND_ALL:
      return "}";
    default:
      return " ";
  }
}

static uint8_t *assemble(const char *const *parts, size_t *length) {
  char text[8192] = "30{";

  for (int part = 0; part < PART_COUNT; part++) {
    assert_true(strlen(text) + strlen(parts[part]) + 16 < sizeof(text));
    strcat(text, opening(part));
    strcat(text, parts[part]);
  }
  return der_from_text(text, length);
}

static uint8_t *assemble_with(enum part part, const char *text, size_t *length) {
  const char *parts[PART_COUNT];

  memcpy(parts, sound_parts, sizeof(parts));
  parts[part] = text;
  return assemble(parts, length);
}

static enum ocsp_response_result read_with(enum part part, const char *text) {
  struct ocsp_response response;
  size_t length;
  uint8_t *der = assemble_with(part, text, &length);
  const enum ocsp_response_result result = ocsp_response_read(&response, der, length);

  free(der);
  return result;
}

static void a_sound_response(void **state) {
  struct ocsp_response response;
  struct ocsp_single single;
  struct byte_slice rest;
  size_t length;
  uint8_t *der = assemble(sound_parts, &length);

  (void)state;
  assert_int_equal(ocsp_response_read(&response, der, length), OCSP_RESPONSE_READ);
  assert_int_equal(response.responder_error, 0);
  assert_int_equal(response.certificates.length, 0);
  assert_int_equal(response.object.signed_part.bytes[0], DER_SEQUENCE);
  assert_int_equal(response.object.algorithm_oid.length, 8);
  assert_ptr_equal(response.object.signature.bytes + 2, der + length);
  rest = response.singles;
  assert_true(ocsp_single_take(&rest, &single));
  assert_int_equal(single.hash_oid.length, 5);
  assert_int_equal(single.issuer_name_hash.length, 4);
  assert_memory_equal(single.issuer_name_hash.bytes, "name", 4);
  assert_int_equal(single.issuer_key_hash.length, 3);
  assert_memory_equal(single.issuer_key_hash.bytes, "key", 3);
  assert_int_equal(single.serial_number.length, 1);
  assert_int_equal(single.serial_number.bytes[0], 5);
  assert_int_equal(single.status, OCSP_GOOD);
  assert_true(single.this_update == INT64_C(1704067200));
  assert_true(single.has_next_update);
  assert_true(single.next_update == INT64_C(1704153600));
  assert_false(ocsp_single_take(&rest, &single));
  free(der);
}

/* Each status, with the rest of a response behind it and without. */
static void each_status_of_the_response(void **state) {
  (void)state;
  for (unsigned status = 0; status <= 0xff; status++) {
    struct ocsp_response response;
    char text[32];
    size_t length;
    uint8_t *der;

    (void)snprintf(text, sizeof(text), "0a01%02x", status);
    assert_int_equal(read_with(PART_STATUS, text), status == 0 ? OCSP_RESPONSE_READ : OCSP_RESPONSE_REFUSED);
    (void)snprintf(text, sizeof(text), "30{ 0a01%02x }", status);
    der = der_from_text(text, &length);
    assert_int_equal(ocsp_response_read(&response, der, length),
                     status == 0 ? OCSP_RESPONSE_MALFORMED : OCSP_RESPONSE_REFUSED);
    assert_int_equal(response.responder_error, status);
    free(der);
  }
}

static void each_part(void **state) {
  static const struct {
    enum part part;
    const char *text;
    enum ocsp_response_result result;
  } rows[] = {
      {PART_STATUS, "", OCSP_RESPONSE_MALFORMED},
      {PART_STATUS, "0a00", OCSP_RESPONSE_MALFORMED},
      {PART_STATUS, "0a020000", OCSP_RESPONSE_MALFORMED},
      {PART_STATUS, "0a020003", OCSP_RESPONSE_MALFORMED},
      {PART_STATUS, "020100", OCSP_RESPONSE_MALFORMED},
      {PART_STATUS, "0a810100", OCSP_RESPONSE_MALFORMED},
      {PART_STATUS, "0a0100 0a0100", OCSP_RESPONSE_MALFORMED},
      {PART_TYPE, "06{ 2b0601050507300102 }", OCSP_RESPONSE_MALFORMED},
      {PART_TYPE, "06{ 2b06010505073001 }", OCSP_RESPONSE_MALFORMED},
      {PART_TYPE, "06{ 2b060105050730010100 }", OCSP_RESPONSE_MALFORMED},
      {PART_TYPE, "04{ 2b0601050507300101 }", OCSP_RESPONSE_MALFORMED},
      {PART_TYPE, "", OCSP_RESPONSE_MALFORMED},
      {PART_VERSION, "a0{ 020100 }", OCSP_RESPONSE_READ}, /* the default, written out */
      {PART_VERSION, "a0{ 020101 }", OCSP_RESPONSE_MALFORMED},
      {PART_VERSION, "a0{ 0201ff }", OCSP_RESPONSE_MALFORMED},
      {PART_VERSION, "a0{ 02020000 }", OCSP_RESPONSE_MALFORMED},
      {PART_VERSION, "a0{ 020100 020100 }", OCSP_RESPONSE_MALFORMED},
      {PART_VERSION, "a0{}", OCSP_RESPONSE_MALFORMED},
      {PART_VERSION, "020100", OCSP_RESPONSE_MALFORMED},
      {PART_VERSION, "80{ 00 }", OCSP_RESPONSE_MALFORMED},
      {PART_RESPONDER, "a1{ 30{ 31{ 30{ 06{ 550403 } 0c{'r'} } } } }", OCSP_RESPONSE_READ},
      {PART_RESPONDER, "", OCSP_RESPONSE_MALFORMED},
      {PART_RESPONDER, "a3{ 04{'responder'} }", OCSP_RESPONSE_MALFORMED},
      {PART_RESPONDER, "82{'responder'}", OCSP_RESPONSE_MALFORMED},
      {PART_RESPONDER, "04{'responder'}", OCSP_RESPONSE_MALFORMED},
      {PART_PRODUCED, "", OCSP_RESPONSE_MALFORMED},
      {PART_PRODUCED, "18{'20240101000000.5Z'}", OCSP_RESPONSE_MALFORMED},
      {PART_PRODUCED, "18{'20230229000000Z'}", OCSP_RESPONSE_MALFORMED},
      {PART_PRODUCED, "020101", OCSP_RESPONSE_MALFORMED},
      {PART_SINGLES, "", OCSP_RESPONSE_MALFORMED},
      {PART_SINGLES, "30{}", OCSP_RESPONSE_READ}, /* says nothing of anybody */
      {PART_SINGLES, "31{" SINGLE(GOOD) "}", OCSP_RESPONSE_MALFORMED},
      {PART_SINGLES, SINGLE(GOOD), OCSP_RESPONSE_MALFORMED},
      {PART_SINGLES, "30{" SINGLE(GOOD) "0500 }", OCSP_RESPONSE_MALFORMED},
      {PART_SINGLES, "30{ 0500" SINGLE(GOOD) "}", OCSP_RESPONSE_MALFORMED},
      {PART_SINGLES, "30{" SINGLE(GOOD) SINGLE(GOOD) "}", OCSP_RESPONSE_READ},
      {PART_EXTENSIONS, "a1{ 30{" EXTENSION "} }", OCSP_RESPONSE_READ},
      {PART_EXTENSIONS, "a1{ 30{" CRITICAL "} }", OCSP_RESPONSE_CRITICAL},
      {PART_EXTENSIONS, "a1{ 30{" EXTENSION CRITICAL EXTENSION_2 "} }", OCSP_RESPONSE_CRITICAL},
      {PART_EXTENSIONS, "a1{ 30{" EXTENSION EXTENSION "} }", OCSP_RESPONSE_MALFORMED},
      {PART_EXTENSIONS, "a1{ 30{" CRITICAL EXTENSION CRITICAL "} }", OCSP_RESPONSE_MALFORMED},
      {PART_EXTENSIONS, "a1{ 30{} }", OCSP_RESPONSE_MALFORMED},
      {PART_EXTENSIONS, "a1{ 30{" CRITICAL "0500 } }", OCSP_RESPONSE_MALFORMED},
      {PART_EXTENSIONS, "a1{ 30{" EXTENSION "} 0500 }", OCSP_RESPONSE_MALFORMED},
      {PART_EXTENSIONS, "a1{ 31{" EXTENSION "} }", OCSP_RESPONSE_MALFORMED},
      {PART_EXTENSIONS, "a1{}", OCSP_RESPONSE_MALFORMED},
      {PART_EXTENSIONS, "a2{ 30{" EXTENSION "} }", OCSP_RESPONSE_MALFORMED},
      {PART_EXTENSIONS, "a1{ 30{" EXTENSION "} } a1{ 30{" EXTENSION "} }", OCSP_RESPONSE_MALFORMED},
      {PART_EXTENSIONS, "0500", OCSP_RESPONSE_MALFORMED},
      {PART_ALGORITHM, "", OCSP_RESPONSE_MALFORMED},
      {PART_ALGORITHM, "30{}", OCSP_RESPONSE_MALFORMED},
      {PART_SIGNATURE, "", OCSP_RESPONSE_MALFORMED},
      {PART_SIGNATURE, "0300", OCSP_RESPONSE_MALFORMED},
      {PART_SIGNATURE, "03{ 01 3000 }", OCSP_RESPONSE_MALFORMED},
      {PART_CERTIFICATES, "a0{ 30{ 30{ 020101 } } }", OCSP_RESPONSE_READ},
      {PART_CERTIFICATES, "a0{ 30{} }", OCSP_RESPONSE_READ},
      {PART_CERTIFICATES, "a0{}", OCSP_RESPONSE_MALFORMED},
      {PART_CERTIFICATES, "a0{ 31{ 30{ 020101 } } }", OCSP_RESPONSE_MALFORMED},
      {PART_CERTIFICATES, "a1{ 30{ 30{ 020101 } } }", OCSP_RESPONSE_MALFORMED},
      {PART_CERTIFICATES, "a0{ 30{} 0500 }", OCSP_RESPONSE_MALFORMED},
      {PART_CERTIFICATES, "a0{ 30{} } 0500", OCSP_RESPONSE_MALFORMED},
      {PART_BEHIND_BASIC, "0500", OCSP_RESPONSE_MALFORMED},
      {PART_BEHIND_BYTES, "0500", OCSP_RESPONSE_MALFORMED},
      {PART_BEHIND_SEQUENCE, "0500", OCSP_RESPONSE_MALFORMED},
      {PART_BEHIND_WRAPPER, "0500", OCSP_RESPONSE_MALFORMED},
      {PART_BEHIND_ALL, "0500", OCSP_RESPONSE_MALFORMED},
      {PART_BEHIND_ALL, "00", OCSP_RESPONSE_MALFORMED},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    const enum ocsp_response_result result = read_with(rows[i].part, rows[i].text);

    if (result != rows[i].result) {
      fail_msg("part %d, %s: %d", (int)rows[i].part, rows[i].text, (int)result);
    }
  }
}

/* ---- What is said of one certificate ---- */

static void each_part_of_a_single(void **state) {
  static const struct {
    const char *text;
    enum ocsp_response_result result;
  } rows[] = {
      {"30{" ID GOOD NOW "}", OCSP_RESPONSE_READ}, /* no end; whether that will do is for others to say */
      {"30{" ID GOOD NOW "a0{" LATER "} }", OCSP_RESPONSE_READ},
      {"30{" ID GOOD NOW "a0{ 17{'240102000000Z'} } }", OCSP_RESPONSE_READ},
      {"30{" ID GOOD NOW "a0{} }", OCSP_RESPONSE_MALFORMED},
      {"30{" ID GOOD NOW "a0{" LATER LATER "} }", OCSP_RESPONSE_MALFORMED},
      {"30{" ID GOOD NOW "80{'20240102000000Z'} }", OCSP_RESPONSE_MALFORMED},
      {"30{" ID GOOD NOW LATER "}", OCSP_RESPONSE_MALFORMED},
      {"30{" ID GOOD "18{'20240101000000'} }", OCSP_RESPONSE_MALFORMED},
      {"30{" ID GOOD "}", OCSP_RESPONSE_MALFORMED},
      {"30{" ID NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{" ID GOOD GOOD NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{" GOOD NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{}", OCSP_RESPONSE_MALFORMED},
      {"31{" ID GOOD NOW "}", OCSP_RESPONSE_MALFORMED},
      /* status */
      {"30{" ID "8100" NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{" ID "8200" NOW "}", OCSP_RESPONSE_READ},
      {"30{" ID "8300" NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{" ID "a000" NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{" ID "a200" NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{" ID "0500" NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{" ID "800100" NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{" ID "820100" NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{" ID "a1{" NOW "}" NOW "}", OCSP_RESPONSE_READ},
      {"30{" ID "a1{" NOW "a0{ 0a0101 } }" NOW "}", OCSP_RESPONSE_READ}, /* with a reason */
      {"30{" ID "a1{" NOW "0500 }" NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{" ID "a1{" NOW "0a0101 }" NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{" ID "a1{" NOW "a0{} }" NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{" ID "a1{" NOW "a0{ 0a0101 0500 } }" NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{" ID "a1{" NOW "a0{ 0a0101 } 0500 }" NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{" ID "a1{" NOW "a0{ 020101 } }" NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{" ID "a1{}" NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{" ID "a1{ a0{ 0a0101 } }" NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{" ID "a1{ 18{'2024'} }" NOW "}", OCSP_RESPONSE_MALFORMED},
      /* who is meant */
      {"30{ 30{" SHA1 "0400 0400 020105 }" GOOD NOW "}", OCSP_RESPONSE_READ}, /* a hash that no issuer has */
      {"30{ 30{" SHA1 "04{'name'} 04{'key'} 02020080 }" GOOD NOW "}", OCSP_RESPONSE_READ},
      {"30{ 30{" SHA1 "04{'name'} 04{'key'} 02020005 }" GOOD NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{ 30{" SHA1 "04{'name'} 04{'key'} 0200 }" GOOD NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{ 30{" SHA1 "04{'name'} 04{'key'} }" GOOD NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{ 30{" SHA1 "04{'name'} 020105 }" GOOD NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{ 30{ 04{'name'} 04{'key'} 020105 }" GOOD NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{ 30{" SHA1 "03{'name'} 04{'key'} 020105 }" GOOD NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{ 30{" SHA1 "04{'name'} 24{'key'} 020105 }" GOOD NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{ 30{" SHA1 "04{'name'} 04{'key'} 020105 0500 }" GOOD NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{ 30{ 30{ 0500 } 04{'name'} 04{'key'} 020105 }" GOOD NOW "}", OCSP_RESPONSE_MALFORMED},
      {"30{ 31{" SHA1 "04{'name'} 04{'key'} 020105 }" GOOD NOW "}", OCSP_RESPONSE_MALFORMED},
      /* extensions */
      {"30{" ID GOOD NOW "a1{ 30{" EXTENSION "} } }", OCSP_RESPONSE_READ},
      {"30{" ID GOOD NOW "a0{" LATER "} a1{ 30{" EXTENSION "} } }", OCSP_RESPONSE_READ},
      {"30{" ID GOOD NOW "a1{ 30{" EXTENSION "} } a0{" LATER "} }", OCSP_RESPONSE_MALFORMED},
      {"30{" ID GOOD NOW "a1{ 30{" CRITICAL "} } }", OCSP_RESPONSE_CRITICAL},
      {"30{" ID GOOD NOW "a1{ 30{" EXTENSION CRITICAL "} } }", OCSP_RESPONSE_CRITICAL},
      {"30{" ID GOOD NOW "a1{ 30{" EXTENSION EXTENSION_2 EXTENSION "} } }", OCSP_RESPONSE_MALFORMED},
      {"30{" ID GOOD NOW "a1{ 30{" CRITICAL CRITICAL "} } }", OCSP_RESPONSE_MALFORMED},
      {"30{" ID GOOD NOW "a1{ 30{} } }", OCSP_RESPONSE_MALFORMED},
      {SINGLE(GOOD) "30{" ID GOOD NOW "a1{ 30{" CRITICAL "} } }" SINGLE(GOOD), OCSP_RESPONSE_CRITICAL},
      {"30{" ID GOOD NOW "a1{ 30{" EXTENSION "} 0500 } }", OCSP_RESPONSE_MALFORMED},
      {"30{" ID GOOD NOW "a1{ 30{" EXTENSION "0500 } } }", OCSP_RESPONSE_MALFORMED},
      {"30{" ID GOOD NOW "a1{ 30{ 30{ 06{ 2b06 } 010101 0400 } } } }", OCSP_RESPONSE_MALFORMED},
      {"30{" ID GOOD NOW "a1{ 30{" EXTENSION "} } 0500 }", OCSP_RESPONSE_MALFORMED},
      {"30{" ID GOOD NOW "a2{ 30{" EXTENSION "} } }", OCSP_RESPONSE_MALFORMED},
      {"30{" ID GOOD NOW "a1{} }", OCSP_RESPONSE_MALFORMED},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    char text[2048];
    enum ocsp_response_result result;

    (void)snprintf(text, sizeof(text), "30{ %s }", rows[i].text);
    result = read_with(PART_SINGLES, text);
    if (result != rows[i].result) {
      fail_msg("%s: %d", rows[i].text, (int)result);
    }
  }
}

static void what_singles_say(void **state) {
  static const struct {
    const char *text;
    enum ocsp_status status;
    int64_t revoked_on;
    bool has_next_update;
  } rows[] = {
      {"30{" ID GOOD NOW "}", OCSP_GOOD, 0, false},
      {"30{" ID "8200" NOW "a0{" LATER "} }", OCSP_UNKNOWN, 0, true},
      {"30{" ID "a1{" LATER "}" NOW "}", OCSP_REVOKED, INT64_C(1704153600), false},
      {"30{" ID "a1{" LATER "a0{ 0a0101 } }" NOW "a0{" LATER "} }", OCSP_REVOKED, INT64_C(1704153600), true},
      {"30{" ID GOOD NOW "a0{" LATER "} a1{ 30{" EXTENSION "} } }", OCSP_GOOD, 0, true},
  };
  char text[2048] = "30{";
  struct ocsp_response response;
  struct ocsp_single single;
  struct byte_slice rest;
  size_t length;
  uint8_t *der;

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    strcat(text, rows[i].text);
  }
  strcat(text, "}");
  der = assemble_with(PART_SINGLES, text, &length);
  assert_int_equal(ocsp_response_read(&response, der, length), OCSP_RESPONSE_READ);
  rest = response.singles;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    assert_true(ocsp_single_take(&rest, &single));
    assert_int_equal(single.status, rows[i].status);
    assert_true(single.revoked_on == rows[i].revoked_on); /* nothing is left of the one before */
    assert_int_equal(single.has_next_update, rows[i].has_next_update);
    assert_true(single.next_update == (rows[i].has_next_update ? INT64_C(1704153600) : 0));
  }
  assert_false(ocsp_single_take(&rest, &single));
  free(der);
}

/* By itself it must bear bytes that nobody has checked. */
static void a_single_cut_off_after_every_byte(void **state) {
  size_t length;
  uint8_t *der =
      der_from_text("30{" ID "a1{" NOW "a0{ 0a0101 } }" NOW "a0{" LATER "} a1{ 30{" CRITICAL "} } }", &length);
  struct ocsp_single single;
  struct byte_slice rest = {der, length};

  (void)state;
  assert_true(ocsp_single_take(&rest, &single));
  assert_int_equal(rest.length, 0);
  for (size_t cut = 0; cut < length; cut++) {
    uint8_t *copy = exact_copy(der, cut);

    rest = (struct byte_slice){copy, cut};
    assert_false(ocsp_single_take(&rest, &single));
    free(copy);
  }
  free(der);
}

/* ---- Responses that OpenSSL mints ---- */

static const struct {
  const char *name;
  enum ocsp_response_result result;
} minted[] = {
    {"response-good.der", OCSP_RESPONSE_READ},
    {"response-good-sha256.der", OCSP_RESPONSE_READ},
    {"response-revoked.der", OCSP_RESPONSE_READ},
    {"response-unknown.der", OCSP_RESPONSE_READ},
    {"response-expired.der", OCSP_RESPONSE_READ}, /* dates are for others to judge */
    {"response-endless.der", OCSP_RESPONSE_READ},
    {"response-extension.der", OCSP_RESPONSE_READ},
    {"response-delegated.der", OCSP_RESPONSE_READ},
    {"response-ca-rsa-sha384.der", OCSP_RESPONSE_READ},
    {"response-good-then-revoked.der", OCSP_RESPONSE_READ},
    {"response-critical-extension.der", OCSP_RESPONSE_CRITICAL},
    {"response-try-later.der", OCSP_RESPONSE_REFUSED},
    {"response-garbage.der", OCSP_RESPONSE_MALFORMED},
    {"ca.der", OCSP_RESPONSE_MALFORMED},
    {"list-clean.der", OCSP_RESPONSE_MALFORMED},
};

static void skip_without_responses(void) {
  if (!has_responses) {
    print_message("# missing peer: mint_ocsp_response\n");
    skip();
  }
}

static void minted_responses(void **state) {
  (void)state;
  skip_without_responses();
  for (size_t i = 0; i < COUNT_OF(minted); i++) {
    struct ocsp_response response;
    size_t length;
    uint8_t *der = temporary_folder_read(minted[i].name, &length);

    print_message("# %s\n", minted[i].name);
    assert_int_equal(ocsp_response_read(&response, der, length), minted[i].result);
    free(der);
  }
}

static void what_a_minted_response_says(void **state) {
  const int64_t now = (int64_t)time(NULL);
  struct ocsp_response response;
  struct ocsp_single single;
  struct certificate certificate;
  struct certificate responder;
  size_t length;
  size_t certificate_length;
  uint8_t *der;
  uint8_t *certificate_der;

  (void)state;
  skip_without_responses();
  der = temporary_folder_read("response-delegated.der", &length);
  certificate_der = minted_der_read("server.pem", &certificate_length);
  assert_int_equal(ocsp_response_read(&response, der, length), OCSP_RESPONSE_READ);
  assert_true(certificate_read(&certificate, certificate_der, certificate_length));
  assert_true(ocsp_single_take(&response.singles, &single));
  assert_true(byte_slices_equal(single.serial_number, certificate.serial_number));
  assert_int_equal(single.issuer_name_hash.length, 20);
  assert_int_equal(single.issuer_key_hash.length, 20);
  assert_int_equal(single.status, OCSP_GOOD);
  assert_true(single.this_update < now && single.this_update > now - 86400);
  assert_true(single.has_next_update && single.next_update > now && single.next_update <= now + 86400);
  assert_int_equal(response.singles.length, 0);
  assert_true(certificate_read(&responder, response.certificates.bytes, response.certificates.length));
  assert_int_equal(responder.purposes, CERTIFICATE_PURPOSE_OCSP);
  free(certificate_der);
  free(der);
}

/* The outer length gives it away, the error of a responder too. */
static void minted_responses_cut_off_after_every_byte(void **state) {
  (void)state;
  skip_without_responses();
  for (size_t i = 0; i < COUNT_OF(minted); i++) {
    struct ocsp_response response;
    size_t length;
    uint8_t *der = temporary_folder_read(minted[i].name, &length);
    uint8_t *longer = calloc(length + 1, 1);

    for (size_t cut = 0; cut < length; cut++) {
      uint8_t *copy = exact_copy(der, cut);

      assert_int_equal(ocsp_response_read(&response, copy, cut), OCSP_RESPONSE_MALFORMED);
      free(copy);
    }
    assert_non_null(longer);
    memcpy(longer, der, length);
    assert_int_equal(ocsp_response_read(&response, longer, length + 1), OCSP_RESPONSE_MALFORMED);
    free(longer);
    free(der);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_sound_response),
      cmocka_unit_test(each_status_of_the_response),
      cmocka_unit_test(each_part),
      cmocka_unit_test(each_part_of_a_single),
      cmocka_unit_test(what_singles_say),
      cmocka_unit_test(a_single_cut_off_after_every_byte),
      cmocka_unit_test(minted_responses),
      cmocka_unit_test(what_a_minted_response_says),
      cmocka_unit_test(minted_responses_cut_off_after_every_byte),
  };
  return cmocka_run_group_tests_name("ocsp_response", tests, mint, minted_certificates_tear_down);
}
