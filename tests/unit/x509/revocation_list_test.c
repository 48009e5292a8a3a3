/* SPDX-License-Identifier: MIT */
/*
 * Reading revocation lists: hand-made ones with one part changed, what is found in them, and those that openssl mints,
 * whole and cut off.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
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
#include "x509/revocation_list.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static bool has_responses;

static int mint_more(void) { return minted_revocation_make(&has_responses); }

static int mint(void **state) {
  (void)state;
  return minted_certificates_set_up_with(mint_more);
}

/* ---- Lists made by hand ---- */

enum part {
  PART_VERSION,
  PART_ALGORITHM,
  PART_ISSUER,
  PART_THIS_UPDATE,
  PART_NEXT_UPDATE,
  PART_ENTRIES,
  PART_EXTENSIONS,
  PART_OUTER_ALGORITHM,
  PART_SIGNATURE,
  PART_COUNT
};

#define ECDSA "30{ 06{ 2a8648ce3d040302 } }"
#define NAME "30{ 31{ 30{ 06{ 550403 } 0c{'ca'} } } }"
#define TIME "17{'240101000000Z'}"
#define LATER "17{'240201000000Z'}"
#define ENTRY(serial) "30{ 02{" serial "}" TIME "}"
#define ENTRY_WITH(extensions) "30{ 020105" TIME "30{" extensions "} }"
#define WRAPPED(extensions) "a0{ 30{" extensions "} }"
#define EXTENSION(arc, value) "30{ 06{ 551d" arc "} 04{" value "} }"
#define CRITICAL(arc, value) "30{ 06{ 551d" arc "} 0101ff 04{" value "} }"
#define NUMBER EXTENSION("14", "020101")
#define REASON(code) EXTENSION("15", "0a01" code)

static const char *const sound_parts[PART_COUNT] = {"020101", ECDSA,           NAME,  TIME,           LATER,
                                                    "",       WRAPPED(NUMBER), ECDSA, "03{ 00 3000 }"};

static uint8_t *assemble(const char *const *parts, size_t *length) {
  char text[8192] = "30{ 30{";
  uint8_t *der;

  for (int part = 0; part < PART_COUNT; part++) {
    assert_true(strlen(text) + strlen(parts[part]) + 4 < sizeof(text));
    strcat(text, part == PART_OUTER_ALGORITHM ? "}" : " ");
    strcat(text, parts[part]);
  }
  strcat(text, "}");
  der = der_from_text(text, length);
  return der;
}

static uint8_t *assemble_with(enum part part, const char *text, size_t *length) {
  const char *parts[PART_COUNT];

  memcpy(parts, sound_parts, sizeof(parts));
  parts[part] = text;
  return assemble(parts, length);
}

static void a_sound_list(void **state) {
  struct revocation_list list;
  size_t length;
  uint8_t *der = assemble(sound_parts, &length);

  (void)state;
  assert_int_equal(revocation_list_read(&list, der, length), REVOCATION_LIST_READ);
  assert_true(list.this_update == INT64_C(1704067200));
  assert_true(list.next_update == INT64_C(1706745600));
  assert_int_equal(list.entries.length, 0);
  assert_int_equal(list.issuer.length, 15);
  assert_int_equal(list.issuer.bytes[0], DER_SEQUENCE);
  assert_ptr_equal(list.object.signed_part.bytes, der + 2);
  assert_int_equal(list.object.algorithm.length, 12);
  assert_int_equal(list.object.signature.length, 2);
  free(der);
}

static void each_part(void **state) {
  static const struct {
    enum part part;
    const char *text;
    enum revocation_list_result result;
  } rows[] = {
      {PART_VERSION, "020100", REVOCATION_LIST_MALFORMED}, /* version 1 is said by saying nothing */
      {PART_VERSION, "020102", REVOCATION_LIST_MALFORMED},
      {PART_VERSION, "0201ff", REVOCATION_LIST_MALFORMED},
      {PART_VERSION, "02020001", REVOCATION_LIST_MALFORMED},
      {PART_VERSION, "0200", REVOCATION_LIST_MALFORMED},
      {PART_VERSION, "020101 020101", REVOCATION_LIST_MALFORMED},
      {PART_VERSION, "a0{ 020101 }", REVOCATION_LIST_MALFORMED},
      {PART_VERSION, "", REVOCATION_LIST_MALFORMED}, /* it has extensions */
      {PART_ALGORITHM, "", REVOCATION_LIST_MALFORMED},
      {PART_ALGORITHM, "30{ 06{ 2a8648ce3d040303 } }", REVOCATION_LIST_MALFORMED},
      {PART_ALGORITHM, "30{ 06{ 2a8648ce3d040302 } 0500 }", REVOCATION_LIST_MALFORMED},
      {PART_ALGORITHM, "31{ 06{ 2a8648ce3d040302 } }", REVOCATION_LIST_MALFORMED},
      {PART_OUTER_ALGORITHM, "30{ 06{ 2a8648ce3d040303 } }", REVOCATION_LIST_MALFORMED},
      {PART_OUTER_ALGORITHM, "", REVOCATION_LIST_MALFORMED},
      {PART_ISSUER, "", REVOCATION_LIST_MALFORMED},
      {PART_ISSUER, "30{}", REVOCATION_LIST_READ}, /* a name that no CA has */
      {PART_ISSUER, "31{}", REVOCATION_LIST_MALFORMED},
      {PART_ISSUER, "30{ 31{} }", REVOCATION_LIST_MALFORMED},
      {PART_ISSUER, "30{ 30{ 30{ 06{ 550403 } 0c{'ca'} } } }", REVOCATION_LIST_MALFORMED},
      {PART_ISSUER, "30{ 31{ 31{ 06{ 550403 } 0c{'ca'} } } }", REVOCATION_LIST_MALFORMED},
      {PART_ISSUER, "30{ 31{ 30{ 06{ 550403 } } } }", REVOCATION_LIST_MALFORMED},
      {PART_ISSUER, "30{ 31{ 30{ 06{ 558003 } 0c{'ca'} } } }", REVOCATION_LIST_MALFORMED},
      {PART_ISSUER, "30{ 31{ 30{ 06{ 550403 } 0c{'ca'} 0500 } } }", REVOCATION_LIST_MALFORMED},
      {PART_ISSUER, "30{ 31{ 30{ 06{ 550403 } 0c{'ca'} } 30{ 06{ 55040a } 0c{'o'} } } }", REVOCATION_LIST_READ},
      {PART_ISSUER, "30{ 31{ 30{ 06{ 550403 } 0c{'ca'} } 0500 } }", REVOCATION_LIST_MALFORMED},
      {PART_ISSUER, "30{ 31{ 30{ 06{ 550403 } 0c{'ca'} } } 0500 }", REVOCATION_LIST_MALFORMED},
      {PART_THIS_UPDATE, "18{'20500101000000Z'}", REVOCATION_LIST_READ},
      {PART_THIS_UPDATE, "17{'240101000000'}", REVOCATION_LIST_MALFORMED},
      {PART_THIS_UPDATE, "17{'240230000000Z'}", REVOCATION_LIST_MALFORMED},
      {PART_THIS_UPDATE, "020101", REVOCATION_LIST_MALFORMED},
      {PART_THIS_UPDATE, "", REVOCATION_LIST_WITHOUT_END}, /* the other date is taken for this one */
      {PART_NEXT_UPDATE, "18{'20500101000000Z'}", REVOCATION_LIST_READ},
      {PART_NEXT_UPDATE, "17{'230101000000Z'}", REVOCATION_LIST_READ}, /* has expired before it began */
      {PART_NEXT_UPDATE, "", REVOCATION_LIST_WITHOUT_END},
      {PART_NEXT_UPDATE, "17{}", REVOCATION_LIST_MALFORMED},
      {PART_NEXT_UPDATE, "18{'240201000000Z'}", REVOCATION_LIST_MALFORMED},
      {PART_NEXT_UPDATE, "17{'240201000000+0000'}", REVOCATION_LIST_MALFORMED},
      {PART_NEXT_UPDATE, LATER LATER, REVOCATION_LIST_MALFORMED},
      {PART_NEXT_UPDATE, "0500", REVOCATION_LIST_MALFORMED},
      {PART_SIGNATURE, "", REVOCATION_LIST_MALFORMED},
      {PART_SIGNATURE, "0300", REVOCATION_LIST_MALFORMED},
      {PART_SIGNATURE, "03{ 01 3000 }", REVOCATION_LIST_MALFORMED},
      {PART_SIGNATURE, "03{ 00 3000 } 0500", REVOCATION_LIST_MALFORMED},
      {PART_SIGNATURE, "030100", REVOCATION_LIST_READ},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    struct revocation_list list;
    size_t length;
    uint8_t *der = assemble_with(rows[i].part, rows[i].text, &length);
    const enum revocation_list_result result = revocation_list_read(&list, der, length);

    if (result != rows[i].result) {
      fail_msg("part %d, %s: %d", (int)rows[i].part, rows[i].text, (int)result);
    }
    free(der);
  }
}

static void extensions_of_the_list(void **state) {
  static const struct {
    const char *text;
    enum revocation_list_result result;
  } rows[] = {
      {"", REVOCATION_LIST_READ},
      {WRAPPED(NUMBER), REVOCATION_LIST_READ},
      {WRAPPED(EXTENSION("23", "3000") NUMBER), REVOCATION_LIST_READ}, /* authorityKeyIdentifier */
      {WRAPPED(EXTENSION("23", "30{ 80{ 0102 } 8101ff }")), REVOCATION_LIST_READ},
      {WRAPPED(EXTENSION("23", "30{ 80{ 0102 } } 0500")), REVOCATION_LIST_MALFORMED},
      {WRAPPED(EXTENSION("23", "31{ 80{ 0102 } }")), REVOCATION_LIST_MALFORMED},
      {WRAPPED(EXTENSION("2e", "3000")), REVOCATION_LIST_READ}, /* where deltas are found */
      {WRAPPED(CRITICAL("14", "020101")), REVOCATION_LIST_PARTIAL},
      {WRAPPED(CRITICAL("63", "0500")), REVOCATION_LIST_PARTIAL},
      {WRAPPED("30{ 06{ 2b06010401 } 0101ff 0400 }"), REVOCATION_LIST_PARTIAL},
      {WRAPPED(EXTENSION("1b", "020101")), REVOCATION_LIST_PARTIAL}, /* delta */
      {WRAPPED(CRITICAL("1b", "020101")), REVOCATION_LIST_PARTIAL},
      {WRAPPED(NUMBER EXTENSION("1b", "020101")), REVOCATION_LIST_PARTIAL},
      {WRAPPED(EXTENSION("1b", "020101") NUMBER), REVOCATION_LIST_PARTIAL},
      {WRAPPED(CRITICAL("1c", "30{ 8101ff }")), REVOCATION_LIST_READ}, /* a part of the certificates */
      {WRAPPED(EXTENSION("1c", "30{ 8101ff }")), REVOCATION_LIST_READ},
      {WRAPPED(CRITICAL("1c", "30{ 810101 }")), REVOCATION_LIST_MALFORMED},
      {WRAPPED(CRITICAL("1c", "30{ 8101ff }") CRITICAL("1b", "020101")), REVOCATION_LIST_PARTIAL},
      {WRAPPED(CRITICAL("1c", "30{ 8101ff }") CRITICAL("63", "0500")), REVOCATION_LIST_PARTIAL},
      {WRAPPED(EXTENSION("1d", "3000")), REVOCATION_LIST_PARTIAL},
      {"a0{ 30{} }", REVOCATION_LIST_MALFORMED},
      {"a0{}", REVOCATION_LIST_MALFORMED},
      {"a0{ 31{" NUMBER "} }", REVOCATION_LIST_MALFORMED},
      {"a1{ 30{" NUMBER "} }", REVOCATION_LIST_MALFORMED},
      {"80{ 30{" NUMBER "} }", REVOCATION_LIST_MALFORMED},
      {"a0{ 30{" NUMBER "} 0500 }", REVOCATION_LIST_MALFORMED},
      {WRAPPED(NUMBER) "0500", REVOCATION_LIST_MALFORMED},
      {WRAPPED(NUMBER) WRAPPED(NUMBER), REVOCATION_LIST_MALFORMED},
      {WRAPPED(NUMBER "0500"), REVOCATION_LIST_MALFORMED},
      {WRAPPED(NUMBER NUMBER), REVOCATION_LIST_MALFORMED},
      {WRAPPED(NUMBER EXTENSION("23", "3000") CRITICAL("14", "020102")), REVOCATION_LIST_MALFORMED},
      {WRAPPED("30{ 06{ 551d14 } }"), REVOCATION_LIST_MALFORMED},
      {WRAPPED("30{ 06{ 551d14 } 010101 0400 }"), REVOCATION_LIST_MALFORMED},
      /* what is partial and malformed is malformed */
      {WRAPPED(EXTENSION("1b", "020101") "0500"), REVOCATION_LIST_MALFORMED},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    struct revocation_list list;
    size_t length;
    uint8_t *der = assemble_with(PART_EXTENSIONS, rows[i].text, &length);
    const enum revocation_list_result result = revocation_list_read(&list, der, length);

    if (result != rows[i].result) {
      fail_msg("%s: %d", rows[i].text, (int)result);
    }
    free(der);
  }
}

static void whose_key(void **state) {
  struct revocation_list list;
  size_t length;
  uint8_t *der = assemble_with(PART_EXTENSIONS, WRAPPED(NUMBER EXTENSION("23", "30{ 80{ 0102 } }")), &length);

  (void)state;
  assert_int_equal(revocation_list_read(&list, der, length), REVOCATION_LIST_READ);
  assert_int_equal(list.authority_key_identifier.length, 2);
  assert_memory_equal(list.authority_key_identifier.bytes, "\1\2", 2);
  free(der);
  der = assemble(sound_parts, &length);
  assert_int_equal(revocation_list_read(&list, der, length), REVOCATION_LIST_READ);
  assert_int_equal(list.authority_key_identifier.length, 0);
  free(der);
}

static void entries(void **state) {
  static const struct {
    const char *text;
    enum revocation_list_result result;
  } rows[] = {
      {"30{}", REVOCATION_LIST_READ}, /* RFC 5280 has it left out then; some write it */
      {"30{" ENTRY("05") "}", REVOCATION_LIST_READ},
      {"30{" ENTRY("05") ENTRY("06") ENTRY("05") "}", REVOCATION_LIST_READ},
      {"30{" ENTRY("00ff") "}", REVOCATION_LIST_READ},
      {"30{" ENTRY("ff") "}", REVOCATION_LIST_READ},
      {"30{" ENTRY("") "}", REVOCATION_LIST_MALFORMED},
      {"30{" ENTRY("0005") "}", REVOCATION_LIST_MALFORMED},
      {"30{" ENTRY("05") "0500 }", REVOCATION_LIST_MALFORMED},
      {"30{ 30{ 020105 } }", REVOCATION_LIST_MALFORMED},
      {"30{ 30{" TIME "} }", REVOCATION_LIST_MALFORMED},
      {"30{ 30{" TIME "020105 } }", REVOCATION_LIST_MALFORMED},
      {"30{ 30{} }", REVOCATION_LIST_MALFORMED},
      {"30{ 31{ 020105" TIME "} }", REVOCATION_LIST_MALFORMED},
      {"30{ 30{ 020105 17{'2401010000Z'} } }", REVOCATION_LIST_MALFORMED},
      {"30{ 30{ 020105" TIME "0500 } }", REVOCATION_LIST_MALFORMED},
      {"30{ 30{ 020105" TIME "30{} } }", REVOCATION_LIST_MALFORMED}, /* no extensions are none at all */
      {"30{" ENTRY_WITH(REASON("01")) "}", REVOCATION_LIST_READ},
      {"30{ 30{ 020105" TIME "30{" REASON("01") "} 0500 } }", REVOCATION_LIST_MALFORMED},
      {"30{ 30{ 020105" TIME "31{" REASON("01") "} } }", REVOCATION_LIST_MALFORMED},
      {"30{" ENTRY_WITH(CRITICAL("15", "0a0101")) "}", REVOCATION_LIST_READ}, /* known, so it may be critical */
      {"30{" ENTRY_WITH(EXTENSION("15", "0a020101")) "}", REVOCATION_LIST_MALFORMED},
      {"30{" ENTRY_WITH(EXTENSION("15", "0a00")) "}", REVOCATION_LIST_MALFORMED},
      {"30{" ENTRY_WITH(EXTENSION("15", "020101")) "}", REVOCATION_LIST_MALFORMED},
      {"30{" ENTRY_WITH(EXTENSION("15", "0a0101 0500")) "}", REVOCATION_LIST_MALFORMED},
      {"30{" ENTRY_WITH(EXTENSION("15", "")) "}", REVOCATION_LIST_MALFORMED},
      {"30{" ENTRY_WITH(EXTENSION("18", "18{'20240101000000Z'}")) "}", REVOCATION_LIST_READ}, /* invalidityDate */
      {"30{" ENTRY_WITH(CRITICAL("18", "18{'20240101000000Z'}")) "}", REVOCATION_LIST_PARTIAL},
      {"30{" ENTRY_WITH(CRITICAL("1d", "3000")) "}", REVOCATION_LIST_PARTIAL}, /* certificateIssuer */
      {"30{" ENTRY_WITH(EXTENSION("1d", "3000")) "}", REVOCATION_LIST_PARTIAL},
      {"30{" ENTRY("06") ENTRY_WITH(REASON("01") EXTENSION("1d", "3000")) ENTRY("07") "}", REVOCATION_LIST_PARTIAL},
      {"30{" ENTRY_WITH(REASON("01") "0500") "}", REVOCATION_LIST_MALFORMED},
      {"30{" ENTRY_WITH(REASON("01") REASON("01")) "}", REVOCATION_LIST_MALFORMED},
      {"30{" ENTRY_WITH(REASON("01") EXTENSION("18", "0500") REASON("08")) "}", REVOCATION_LIST_MALFORMED},
      {"30{" ENTRY_WITH("30{ 06{ 551d15 } }") "}", REVOCATION_LIST_MALFORMED},
      {"30{" ENTRY("05") "} 30{" ENTRY("06") "}", REVOCATION_LIST_MALFORMED},
      {"31{" ENTRY("05") "}", REVOCATION_LIST_MALFORMED},
      {ENTRY("05"), REVOCATION_LIST_MALFORMED},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    struct revocation_list list;
    size_t length;
    uint8_t *der = assemble_with(PART_ENTRIES, rows[i].text, &length);
    const enum revocation_list_result result = revocation_list_read(&list, der, length);

    if (result != rows[i].result) {
      fail_msg("%s: %d", rows[i].text, (int)result);
    }
    free(der);
  }
}

/* An indirect list may have entries of other CAs; one that does not say it is may not. */
static void entries_of_other_issuers(void **state) {
  const char *parts[PART_COUNT];
  struct revocation_list list;
  size_t length;
  uint8_t *der;

  (void)state;
  memcpy(parts, sound_parts, sizeof(parts));
  parts[PART_ENTRIES] = "30{" ENTRY_WITH(CRITICAL("1d", "3000")) "}";
  parts[PART_EXTENSIONS] = WRAPPED(CRITICAL("1c", "30{ 8401ff }"));
  der = assemble(parts, &length);
  assert_int_equal(revocation_list_read(&list, der, length), REVOCATION_LIST_READ);
  assert_true(list.scope.is_indirect);
  free(der);
  parts[PART_EXTENSIONS] = WRAPPED(CRITICAL("1c", "30{ 8101ff }"));
  der = assemble(parts, &length);
  assert_int_equal(revocation_list_read(&list, der, length), REVOCATION_LIST_PARTIAL);
  free(der);
}

/* Nothing but version 2 has extensions (RFC 5280, sections 5.1.2.1 and 5.1.2.6), neither of the list nor of entries. */
static void lists_of_version_1(void **state) {
  static const struct {
    const char *entries;
    const char *next_update;
    const char *extensions;
    enum revocation_list_result result;
  } rows[] = {
      {"", LATER, "", REVOCATION_LIST_READ},
      {"30{" ENTRY("05") "}", LATER, "", REVOCATION_LIST_READ},
      {"", "", "", REVOCATION_LIST_WITHOUT_END},
      {"30{" ENTRY_WITH(REASON("01")) "}", LATER, "", REVOCATION_LIST_MALFORMED},
      {"30{" ENTRY("05") ENTRY_WITH(REASON("01")) ENTRY("06") "}", LATER, "", REVOCATION_LIST_MALFORMED},
      {"30{" ENTRY_WITH(EXTENSION("1d", "3000")) "}", LATER, "", REVOCATION_LIST_MALFORMED},
      {"", LATER, WRAPPED(NUMBER), REVOCATION_LIST_MALFORMED},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    const char *parts[PART_COUNT];
    struct revocation_list list;
    size_t length;
    uint8_t *der;

    memcpy(parts, sound_parts, sizeof(parts));
    parts[PART_VERSION] = "";
    parts[PART_ENTRIES] = rows[i].entries;
    parts[PART_NEXT_UPDATE] = rows[i].next_update;
    parts[PART_EXTENSIONS] = rows[i].extensions;
    der = assemble(parts, &length);
    if (revocation_list_read(&list, der, length) != rows[i].result) {
      fail_msg("row %zu", i);
    }
    free(der);
  }
}

/* ---- Finding entries ---- */

static void what_is_found(void **state) {
  static const char listed[] =
      "30{ 30{ 020105 17{'240101000000Z'} }"
      "30{ 0202 0080 18{'20500101000000Z'} 30{" REASON("04") "} }"
      "30{ 0201ff" TIME "30{" EXTENSION("18", "0500") "} }"
      "30{ 02{ 0102030405060708090a0b0c0d0e0f1011121314 }" TIME "30{" EXTENSION("18", "0500") REASON("0a") "} }"
      "30{ 020105 17{'240301000000Z'} 30{" REASON("01") "} } }";
  static const struct {
    const char *serial_number;
    bool found;
    int reason;
    int64_t date;
  } rows[] = {
      {"05", true, REVOCATION_REASON_NONE, INT64_C(1704067200)}, /* the first of two */
      {"0080", true, 4, INT64_C(2524608000)},
      {"ff", true, REVOCATION_REASON_NONE, INT64_C(1704067200)},
      {"0102030405060708090a0b0c0d0e0f1011121314", true, 10, INT64_C(1704067200)},
      {"06", false, 0, 0},
      {"80", false, 0, 0},
      {"0005", false, 0, 0}, /* not how the serial number 5 is written */
      {"0505", false, 0, 0},
      {"00ff", false, 0, 0},
      {"0102030405060708090a0b0c0d0e0f10111213", false, 0, 0},
      {"0102030405060708090a0b0c0d0e0f101112131415", false, 0, 0},
      {"", false, 0, 0},
  };
  struct revocation_list list;
  size_t length;
  uint8_t *der = assemble_with(PART_ENTRIES, listed, &length);

  (void)state;
  assert_int_equal(revocation_list_read(&list, der, length), REVOCATION_LIST_READ);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    struct revocation_entry entry;
    size_t serial_length;
    uint8_t *serial = der_from_text(rows[i].serial_number, &serial_length);
    const struct byte_slice wanted = {serial, serial_length};
    const bool found = revocation_list_find(&list, wanted, &entry);

    if (found != rows[i].found || (found && (entry.reason != rows[i].reason || entry.date != rows[i].date))) {
      fail_msg("serial number %s", rows[i].serial_number);
    }
    free(serial);
  }
  free(der);
}

static void nothing_is_found_in_an_empty_list(void **state) {
  static const uint8_t five[] = {5};
  struct revocation_list list;
  struct revocation_entry entry;
  size_t length;
  uint8_t *der = assemble(sound_parts, &length);

  (void)state;
  assert_int_equal(revocation_list_read(&list, der, length), REVOCATION_LIST_READ);
  assert_false(revocation_list_find(&list, (struct byte_slice){five, sizeof(five)}, &entry));
  free(der);
}

/* Each number that fits, read and named. */
static void each_reason(void **state) {
  static const char *const names[] = {"unspecified",   "keyCompromise",        "cACompromise",    "affiliationChanged",
                                      "superseded",    "cessationOfOperation", "certificateHold", "",
                                      "removeFromCRL", "privilegeWithdrawn",   "aACompromise"};
  static const uint8_t five[] = {5};

  (void)state;
  for (unsigned code = 0; code <= 0xff; code++) {
    char text[256];
    struct revocation_list list;
    struct revocation_entry entry;
    size_t length;
    uint8_t *der;

    (void)snprintf(text, sizeof(text), "30{ 30{ 020105 %s 30{ 30{ 06{ 551d15 } 04{ 0a01 %02x } } } } }", TIME, code);
    der = assemble_with(PART_ENTRIES, text, &length);
    assert_int_equal(revocation_list_read(&list, der, length), REVOCATION_LIST_READ);
    assert_true(revocation_list_find(&list, (struct byte_slice){five, sizeof(five)}, &entry));
    assert_int_equal(entry.reason, code);
    assert_string_equal(revocation_reason_name(entry.reason), code < COUNT_OF(names) ? names[code] : "");
    free(der);
  }
  assert_string_equal(revocation_reason_name(REVOCATION_REASON_NONE), "");
  assert_string_equal(revocation_reason_name(-2), "");
  assert_string_equal(revocation_reason_name(INT32_MAX), "");
  assert_string_equal(revocation_reason_name(INT32_MIN), "");
}

/* ---- Lists that openssl mints ---- */

static const struct {
  const char *name;
  enum revocation_list_result result;
} minted[] = {
    {"list-clean.pem", REVOCATION_LIST_READ},
    {"list-clean.der", REVOCATION_LIST_READ},
    {"list-revoked-server.pem", REVOCATION_LIST_READ},
    {"list-expired.pem", REVOCATION_LIST_READ}, /* dates are for others to judge */
    {"list-future.pem", REVOCATION_LIST_READ},
    {"list-sha1.pem", REVOCATION_LIST_READ},
    {"list-ca-rsa3072.pem", REVOCATION_LIST_READ},
    {"list-delta.pem", REVOCATION_LIST_PARTIAL},
    {"list-delta-unmarked.pem", REVOCATION_LIST_PARTIAL},
    {"list-partial.pem", REVOCATION_LIST_READ},
    {"list-partial-unmarked.pem", REVOCATION_LIST_READ},
    {"list-indirect.pem", REVOCATION_LIST_PARTIAL},
    {"list-indirect-unmarked.pem", REVOCATION_LIST_PARTIAL},
    {"ca.pem", REVOCATION_LIST_MALFORMED},
    {"server-rsa.pem", REVOCATION_LIST_MALFORMED},
};

static void minted_lists(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(minted); i++) {
    struct revocation_list list;
    size_t length;
    uint8_t *der = minted_der_read(minted[i].name, &length);

    print_message("# %s\n", minted[i].name);
    assert_int_equal(revocation_list_read(&list, der, length), minted[i].result);
    free(der);
  }
}

static void what_a_minted_list_says(void **state) {
  const int64_t now = (int64_t)time(NULL);
  struct revocation_list list;
  struct revocation_entry entry;
  struct certificate certificate;
  struct certificate authority;
  size_t length;
  size_t certificate_length;
  size_t authority_length;
  uint8_t *der = minted_der_read("list-revoked-server.pem", &length);
  uint8_t *certificate_der = minted_der_read("server.pem", &certificate_length);
  uint8_t *authority_der = minted_der_read("ca.pem", &authority_length);

  (void)state;
  assert_int_equal(revocation_list_read(&list, der, length), REVOCATION_LIST_READ);
  assert_true(certificate_read(&certificate, certificate_der, certificate_length));
  assert_true(certificate_read(&authority, authority_der, authority_length));
  assert_true(certificate_names_equal(list.issuer, authority.subject));
  assert_true(list.this_update < now && list.this_update > now - 86400);
  assert_true(list.next_update > now + 29 * 86400 && list.next_update < now + 31 * 86400);
  assert_true(revocation_list_find(&list, certificate.serial_number, &entry));
  assert_int_equal(entry.reason, 1);
  assert_false(revocation_list_find(&list, authority.serial_number, &entry));
  free(authority_der);
  free(certificate_der);
  free(der);
}

static void minted_lists_cut_off_after_every_byte(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(minted); i++) {
    struct revocation_list list;
    size_t length;
    uint8_t *der = minted_der_read(minted[i].name, &length);
    uint8_t *longer = calloc(length + 1, 1);

    for (size_t cut = 0; cut < length; cut++) {
      uint8_t *copy = exact_copy(der, cut);

      assert_int_equal(revocation_list_read(&list, copy, cut), REVOCATION_LIST_MALFORMED);
      free(copy);
    }
    assert_non_null(longer);
    memcpy(longer, der, length);
    assert_int_equal(revocation_list_read(&list, longer, length + 1), REVOCATION_LIST_MALFORMED);
    free(longer);
    free(der);
  }
}

/* The outer length tells, whichever byte it is. */
static void one_byte_missing(void **state) {
  size_t length;
  uint8_t *der = assemble_with(PART_ENTRIES, "30{" ENTRY_WITH(REASON("01")) "}", &length);

  (void)state;
  for (size_t at = 0; at < length; at++) {
    struct revocation_list list;
    uint8_t *copy = malloc(length - 1);

    assert_non_null(copy);
    memcpy(copy, der, at);
    memcpy(copy + at, der + at + 1, length - 1 - at);
    assert_int_equal(revocation_list_read(&list, copy, length - 1), REVOCATION_LIST_MALFORMED);
    free(copy);
  }
  free(der);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_sound_list),
      cmocka_unit_test(each_part),
      cmocka_unit_test(extensions_of_the_list),
      cmocka_unit_test(whose_key),
      cmocka_unit_test(entries),
      cmocka_unit_test(entries_of_other_issuers),
      cmocka_unit_test(lists_of_version_1),
      cmocka_unit_test(what_is_found),
      cmocka_unit_test(nothing_is_found_in_an_empty_list),
      cmocka_unit_test(each_reason),
      cmocka_unit_test(minted_lists),
      cmocka_unit_test(what_a_minted_list_says),
      cmocka_unit_test(minted_lists_cut_off_after_every_byte),
      cmocka_unit_test(one_byte_missing),
  };
  return cmocka_run_group_tests_name("revocation_list", tests, mint, minted_certificates_tear_down);
}
