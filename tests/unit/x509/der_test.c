/* SPDX-License-Identifier: MIT */
/*
 * The elements of DER: every form of lengths, tags and values. What is finite is tried as a whole, against the rule
 * written in another way; the rest in tables. Input is in blocks of exactly its size.
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

#include "der_text.h"
#include "exact_copy.h"
#include "x509/der.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define DAY INT64_C(86400)

/* ---- Help ---- */

struct input {
  uint8_t *block;
  struct byte_slice rest;
};

static struct input input_of(const void *bytes, size_t length) {
  uint8_t *block = exact_copy(bytes, length);

  return (struct input){block, {block, length}};
}

static struct input input_of_text(const char *text) {
  size_t length;
  uint8_t *block = der_from_text(text, &length);

  return (struct input){block, {block, length}};
}

/* ---- Lengths ---- */

/* The one form that DER has for a length. */
static size_t write_length(uint8_t header[9], size_t length) {
  size_t count = 0;

  if (length < 0x80) {
    header[0] = (uint8_t)length;
    return 1;
  }
  for (size_t left = length; left > 0; left >>= 8) {
    count++;
  }
  header[0] = (uint8_t)(0x80 + count);
  for (size_t i = 0; i < count; i++) {
    header[1 + i] = (uint8_t)(length >> (8 * (count - 1 - i)));
  }
  return 1 + count;
}

/* An element of \a header behind a tag, and of \a content bytes. */
static struct input element_with(const uint8_t *header, size_t header_length, size_t content) {
  uint8_t *bytes = calloc(1 + header_length + content, 1);
  struct input input;

  assert_non_null(bytes);
  bytes[0] = DER_OCTET_STRING;
  memcpy(bytes + 1, header, header_length);
  input = input_of(bytes, 1 + header_length + content);
  free(bytes);
  return input;
}

static void check_one_length(size_t length) {
  uint8_t header[9];
  const size_t header_length = write_length(header, length);
  struct input input = element_with(header, header_length, length);
  struct der_element element;

  assert_true(der_read(&input.rest, &element));
  assert_int_equal(element.content.length, length);
  assert_ptr_equal(element.content.bytes, input.block + 1 + header_length);
  assert_ptr_equal(element.whole.bytes, input.block);
  assert_int_equal(element.whole.length, 1 + header_length + length);
  assert_int_equal(input.rest.length, 0);
  free(input.block);
  if (length > 0) { /* the last byte is missing */
    input = element_with(header, header_length, length - 1);
    assert_false(der_read(&input.rest, &element));
    free(input.block);
  }
}

static void each_length_in_its_shortest_form(void **state) {
  static const size_t boundaries[] = {0xfffe, 0xffff, 0x10000, 0x10001, 0xffffff, 0x1000000};

  (void)state;
  for (size_t length = 0; length <= 600; length++) {
    check_one_length(length);
  }
  for (size_t i = 0; i < COUNT_OF(boundaries); i++) {
    check_one_length(boundaries[i]);
  }
}

/* Long form in \a count bytes, with zeros in front. */
static bool is_read_in_bytes(size_t length, size_t count) {
  uint8_t header[128] = {(uint8_t)(0x80 + count)};
  struct input input;
  struct der_element element;
  bool result;

  for (size_t i = 0; i < count && i < sizeof(length); i++) {
    header[count - i] = (uint8_t)(length >> (8 * i));
  }
  input = element_with(header, 1 + count, length);
  result = der_read(&input.rest, &element);
  free(input.block);
  return result;
}

static void each_length_in_longer_forms(void **state) {
  static const size_t lengths[] = {0, 1, 127, 128, 129, 255, 256, 257, 65535, 65536, 65537};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(lengths); i++) {
    uint8_t header[9];
    const size_t shortest = write_length(header, lengths[i]) - 1;

    for (size_t count = shortest + 1; count <= 126; count++) {
      assert_false(is_read_in_bytes(lengths[i], count));
    }
    assert_true(shortest == 0 || is_read_in_bytes(lengths[i], shortest));
  }
}

/* All that two bytes of a header can say, in front of 300 bytes. */
static void each_header_of_two_bytes(void **state) {
  enum { CONTENT = 300 };
  size_t read = 0;

  (void)state;
  for (unsigned header = 0; header <= 0xffff; header++) {
    const uint8_t bytes[2] = {(uint8_t)(header >> 8), (uint8_t)header};
    struct input input = element_with(bytes, sizeof(bytes), CONTENT);
    struct der_element element;

    if (der_read(&input.rest, &element)) {
      uint8_t expected[9];
      const size_t length = write_length(expected, element.content.length);

      assert_memory_equal(input.block + 1, expected, length);
      assert_int_equal(input.rest.length, 3 + CONTENT - element.whole.length);
      read++;
    }
    free(input.block);
  }
  /* Below 128 with any byte behind; 128 to 255 in one byte; 256, whose second byte is the first zero behind. */
  assert_int_equal(read, 128 * 256 + 128 + 1);
}

static void lengths_that_are_refused(void **state) {
  static const char *const headers[] = {
      "",
      "04",
      "0480", /* indefinite */
      "0480 0000",
      "2480 0401 00 0000",
      "0481",
      "0482",
      "0482 01",
      "0483 0100",
      "0484 010000",
      "0482 0100", /* nothing of 256 bytes */
      "0483 ffffff",
      "0484 00000080", /* leading zeros */
      "0484 80000000",
      "0484 ffffffff",
      "0485 0000000001 00",
      "0485 0100000000",
      "0487 ffffffffffffff",
      "0488 0000000000000001 00", /* what overflows a size_t */
      "0488 ffffffffffffffff",
      "0488 fffffffffffffff6",
      "0488 8000000000000000",
      "0489 010000000000000000",
      "0490 00000000000000000000000000000001 00",
      "04fe 00",
      "04ff",
      "04ff 00", /* reserved (X.690, section 8.1.3.5) */
      "0401",
      "047f 00",
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(headers); i++) {
    struct input input = input_of_text(headers[i]);
    struct der_element element;

    if (der_read(&input.rest, &element)) {
      fail_msg("read: %s", headers[i]);
    }
    free(input.block);
  }
}

static void nothing_at_all(void **state) {
  struct byte_slice none = {NULL, 0};
  struct byte_slice content;
  struct der_element element;
  int64_t seconds;
  bool value;

  (void)state;
  assert_false(der_read(&none, &element));
  assert_false(der_read_tagged(&none, DER_SEQUENCE, &content));
  assert_false(der_read_boolean(&none, &value));
  assert_false(der_read_integer(&none, &content));
  assert_false(der_read_object_identifier(&none, &content));
  assert_false(der_read_bit_string(&none, &content));
  assert_false(der_read_time(&none, &seconds));
  assert_false(der_is_object_identifier(none));
  for (unsigned tag = 0; tag <= 0xff; tag++) {
    assert_false(der_next_is(&none, (uint8_t)tag));
  }
}

/* ---- Tags ---- */

static void each_tag(void **state) {
  (void)state;
  for (unsigned tag = 0; tag <= 0xff; tag++) {
    const uint8_t bytes[] = {(uint8_t)tag, 1, 0xaa};
    const bool is_one_byte = tag % 32 != 31;

    for (unsigned wanted = 0; wanted <= 0xff; wanted++) {
      struct input input = input_of(bytes, sizeof(bytes));
      struct byte_slice content;

      assert_int_equal(der_next_is(&input.rest, (uint8_t)wanted), tag == wanted);
      assert_int_equal(input.rest.length, sizeof(bytes)); /* nothing taken */
      assert_int_equal(der_read_tagged(&input.rest, (uint8_t)wanted, &content), tag == wanted && is_one_byte);
      free(input.block);
    }
  }
}

static void what_der_read_says_of_each_tag(void **state) {
  (void)state;
  for (unsigned tag = 0; tag <= 0xff; tag++) {
    const uint8_t bytes[] = {(uint8_t)tag, 1, 0xaa, 0xbb};
    struct input input = input_of(bytes, sizeof(bytes));
    struct der_element element;

    if (tag % 32 == 31) {
      assert_false(der_read(&input.rest, &element));
    } else {
      assert_true(der_read(&input.rest, &element));
      assert_int_equal(element.tag, tag);
      assert_int_equal(element.content.length, 1);
      assert_ptr_equal(input.rest.bytes, input.block + 3); /* what is behind is left */
      assert_int_equal(input.rest.length, 1);
    }
    free(input.block);
  }
}

/* Tag numbers from 31 on, and smaller ones written as such. */
static void high_tag_numbers(void **state) {
  static const char *const rows[] = {
      "1f",       "1f00",   "1f0100", "1f0200", "1f1e00",    "1f1f00", "1f7f00", "1f810000",   "1fff7f00", "3f1f00",
      "5f1f0100", "7f1f00", "9f1f00", "bf1f00", "bf8100 00", "df1f00", "ff1f00", "ffffffffff", "1f8000",   "1f801f00",
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    struct input input = input_of_text(rows[i]);
    struct der_element element;

    if (der_read(&input.rest, &element)) {
      fail_msg("read: %s", rows[i]);
    }
    free(input.block);
  }
}

/* ---- Booleans ---- */

static void booleans(void **state) {
  static const char *const refused[] = {"01",     "0100",   "01020000", "0102ffff", "0102ff00",  "810100",
                                        "2101ff", "0201ff", "0a01ff",   "018101ff", "01820001ff"};

  (void)state;
  for (unsigned byte = 0; byte <= 0xff; byte++) {
    const uint8_t bytes[] = {DER_BOOLEAN, 1, (uint8_t)byte};
    struct input input = input_of(bytes, sizeof(bytes));
    bool value = false;

    assert_int_equal(der_read_boolean(&input.rest, &value), byte == 0 || byte == 0xff);
    assert_int_equal(value, byte == 0xff);
    free(input.block);
  }
  for (size_t i = 0; i < COUNT_OF(refused); i++) {
    struct input input = input_of_text(refused[i]);
    bool value;

    if (der_read_boolean(&input.rest, &value)) {
      fail_msg("read: %s", refused[i]);
    }
    free(input.block);
  }
}

/* ---- Integers ---- */

static bool is_integer(const uint8_t *content, size_t length) {
  uint8_t bytes[16] = {DER_INTEGER, (uint8_t)length};
  struct input input;
  struct byte_slice read;
  bool result;

  memcpy(bytes + 2, content, length);
  input = input_of(bytes, 2 + length);
  result = der_read_integer(&input.rest, &read);
  if (result) {
    assert_ptr_equal(read.bytes, input.block + 2);
    assert_int_equal(read.length, length);
    assert_int_equal(input.rest.length, 0);
  }
  free(input.block);
  return result;
}

/* Of two bytes only what one byte can't say. */
static void integers_of_one_and_two_bytes(void **state) {
  (void)state;
  for (int number = -32768; number <= 32767; number++) {
    const uint8_t bytes[] = {(uint8_t)((unsigned)number >> 8), (uint8_t)number};

    assert_int_equal(is_integer(bytes, 2), number < -128 || number > 127);
    if (number >= -128 && number <= 127) {
      assert_true(is_integer(bytes + 1, 1));
    }
  }
}

static void other_integers(void **state) {
  static const struct {
    const char *text;
    bool is_sound;
  } rows[] = {
      {"02{}", false},
      {"02{ 00 }", true},
      {"02{ 000000 }", false},
      {"02{ 00007f }", false},
      {"02{ 007fff }", false},
      {"02{ 008000 }", true},
      {"02{ 7fffff }", true},
      {"02{ 800000 }", true},
      {"02{ ff7fff }", true},
      {"02{ ff8000 }", false},
      {"02{ ffffff }", false},
      {"02{ 00ffffffffffffffff }", true},
      {"02{ 0102030405060708090a0b0c0d0e0f1011121314 }", true}, /* as long as a serial number may be */
      {"02{ 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20 }", true},
      {"0a{ 01 }", false},
      {"22{ 01 }", false},
      {"82{ 01 }", false},
      {"0281 01 01", false},
      {"0282 0001 01", false},
      {"0280 01 0000", false},
      {"0202 01", false},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    struct input input = input_of_text(rows[i].text);
    struct byte_slice content;

    if (der_read_integer(&input.rest, &content) != rows[i].is_sound) {
      fail_msg("%s", rows[i].text);
    }
    free(input.block);
  }
}

/* ---- Bit strings ---- */

static void bit_strings(void **state) {
  static const struct {
    const char *text;
    size_t length; /* of the bits */
    bool is_sound;
  } rows[] = {
      {"03{}", 0, false}, /* the byte that counts is missing */
      {"03{ 00 }", 0, true},      {"03{ 00 00 }", 1, true},
      {"03{ 00 ff01 }", 2, true}, {"23{ 0302 00ff }", 0, false}, /* in parts */
      {"83{ 00ff }", 0, false},   {"04{ 00ff }", 0, false},
      {"0381 02 00ff", 0, false}, {"0303 00ff", 0, false},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    struct input input = input_of_text(rows[i].text);
    struct byte_slice bits;
    const bool result = der_read_bit_string(&input.rest, &bits);

    if (result != rows[i].is_sound || (result && bits.length != rows[i].length)) {
      fail_msg("%s", rows[i].text);
    }
    free(input.block);
  }
}

static void bit_strings_with_unused_bits(void **state) {
  (void)state;
  for (unsigned unused = 0; unused <= 0xff; unused++) {
    const uint8_t bytes[] = {DER_BIT_STRING, 2, (uint8_t)unused, 0};
    const uint8_t none[] = {DER_BIT_STRING, 1, (uint8_t)unused};
    struct input input = input_of(bytes, sizeof(bytes));
    struct byte_slice bits;

    assert_int_equal(der_read_bit_string(&input.rest, &bits), unused == 0);
    free(input.block);
    input = input_of(none, sizeof(none));
    assert_int_equal(der_read_bit_string(&input.rest, &bits), unused == 0);
    free(input.block);
  }
}

/* ---- Object identifiers ---- */

/* The rule from behind: the last byte ends an arc, and an 0x80 stands behind a byte that continues one. */
static bool may_be_identifier(const uint8_t *content, size_t length) {
  if (length == 0 || content[length - 1] >= 0x80) {
    return false;
  }
  for (size_t i = length; i > 0; i--) {
    if (content[i - 1] == 0x80 && (i == 1 || content[i - 2] < 0x80)) {
      return false;
    }
  }
  return true;
}

static void check_identifier(const uint8_t *content, size_t length) {
  uint8_t bytes[16] = {DER_OBJECT_IDENTIFIER, (uint8_t)length};
  const bool expected = may_be_identifier(content, length);
  struct input input;
  struct byte_slice read;

  memcpy(bytes + 2, content, length);
  input = input_of(bytes, 2 + length);
  assert_int_equal(der_is_object_identifier((struct byte_slice){input.block + 2, length}), expected);
  assert_int_equal(der_read_object_identifier(&input.rest, &read), expected);
  if (expected) {
    assert_ptr_equal(read.bytes, input.block + 2);
    assert_int_equal(read.length, length);
  }
  free(input.block);
}

static void object_identifiers(void **state) {
  static const uint8_t edges[] = {0x00, 0x01, 0x7f, 0x80, 0x81, 0xff};
  uint8_t content[4] = {0};

  (void)state;
  check_identifier(content, 0);
  for (unsigned first = 0; first <= 0xff; first++) {
    content[0] = (uint8_t)first;
    check_identifier(content, 1);
    for (unsigned second = 0; second <= 0xff; second++) {
      content[1] = (uint8_t)second;
      check_identifier(content, 2);
    }
  }
  for (unsigned choice = 0; choice < 6 * 6 * 6 * 6; choice++) {
    content[0] = edges[choice % 6];
    content[1] = edges[choice / 6 % 6];
    content[2] = edges[choice / 36 % 6];
    content[3] = edges[choice / 216];
    check_identifier(content, 3);
    check_identifier(content, 4);
  }
}

static void what_is_no_object_identifier(void **state) {
  static const char *const rows[] = {"06",           "0600",          "0d0155",      "26{ 551d0e }",
                                     "86{ 551d0e }", "068103 551d0e", "0604 551d0e", "04{ 551d0e }"};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    struct input input = input_of_text(rows[i]);
    struct byte_slice content;

    if (der_read_object_identifier(&input.rest, &content)) {
      fail_msg("read: %s", rows[i]);
    }
    free(input.block);
  }
}

/* ---- Times ---- */

static bool read_time(uint8_t tag, const char *text, size_t length, int64_t *seconds) {
  uint8_t bytes[64] = {tag, (uint8_t)length};
  struct input input;
  bool result;

  memcpy(bytes + 2, text, length);
  input = input_of(bytes, 2 + length);
  result = der_read_time(&input.rest, seconds);
  assert_true(!result || input.rest.length == 0);
  free(input.block);
  return result;
}

static bool reads_time(uint8_t tag, const char *text) {
  int64_t seconds;

  return read_time(tag, text, strlen(text), &seconds);
}

static void expect_time(uint8_t tag, const char *text, int64_t expected) {
  int64_t seconds = 0;

  if (!read_time(tag, text, strlen(text), &seconds) || seconds != expected) {
    fail_msg("%s: %" PRId64 " in place of %" PRId64, text, seconds, expected);
  }
}

static void times_at_boundaries(void **state) {
  static const struct {
    uint8_t tag;
    const char *text;
    int64_t seconds;
  } rows[] = {
      {DER_UTC_TIME, "500101000000Z", INT64_C(-631152000)}, /* 1950, not 2050 */
      {DER_UTC_TIME, "491231235959Z", INT64_C(2524607999)}, /* 2049 */
      {DER_UTC_TIME, "491231235958Z", INT64_C(2524607998)},
      {DER_GENERALIZED_TIME, "20491231235959Z", INT64_C(2524607999)},
      {DER_GENERALIZED_TIME, "20500101000000Z", INT64_C(2524608000)},
      {DER_GENERALIZED_TIME, "19491231235959Z", INT64_C(-631152001)},
      {DER_UTC_TIME, "991231235959Z", INT64_C(946684799)},
      {DER_UTC_TIME, "000101000000Z", INT64_C(946684800)},
      {DER_UTC_TIME, "691231235959Z", INT64_C(-1)},
      {DER_UTC_TIME, "700101000000Z", INT64_C(0)},
      /* 31 and 32 bits, and one more */
      {DER_UTC_TIME, "380119031407Z", INT64_C(2147483647)},
      {DER_UTC_TIME, "380119031408Z", INT64_C(2147483648)},
      {DER_GENERALIZED_TIME, "20380119031407Z", INT64_C(2147483647)},
      {DER_GENERALIZED_TIME, "20380119031408Z", INT64_C(2147483648)},
      {DER_GENERALIZED_TIME, "19011213204552Z", INT64_C(-2147483648)},
      {DER_GENERALIZED_TIME, "19011213204551Z", INT64_C(-2147483649)},
      {DER_GENERALIZED_TIME, "21060207062815Z", INT64_C(4294967295)},
      {DER_GENERALIZED_TIME, "21060207062816Z", INT64_C(4294967296)},
      /* the last second that RFC 5280, section 4.1.2.5, has for "no end" */
      {DER_GENERALIZED_TIME, "99991231235959Z", INT64_C(253402300799)},
      {DER_GENERALIZED_TIME, "00000101000000Z", INT64_C(-62167219200)},
      /* leap years */
      {DER_UTC_TIME, "000229000000Z", INT64_C(951782400)},
      {DER_GENERALIZED_TIME, "20000229235959Z", INT64_C(951868799)},
      {DER_GENERALIZED_TIME, "20000301000000Z", INT64_C(951868800)},
      {DER_GENERALIZED_TIME, "19000228235959Z", INT64_C(-2203891201)},
      {DER_GENERALIZED_TIME, "19000301000000Z", INT64_C(-2203891200)},
      {DER_GENERALIZED_TIME, "21000228235959Z", INT64_C(4107542399)},
      {DER_GENERALIZED_TIME, "21000301000000Z", INT64_C(4107542400)},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    expect_time(rows[i].tag, rows[i].text, rows[i].seconds);
  }
}

static unsigned days_of(unsigned year, unsigned month) {
  switch (month) {
    case 2:
      return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28;
    case 4:
    case 6:
    case 9:
    case 11:
      return 30;
    default:
      return 31;
  }
}

/* Counted day by day: all that UTCTime can say, and as much again on both sides; none of the days that don't exist. */
static void each_day(void **state) {
  int64_t start = INT64_C(-2524521600); /* 1890-01-01 */

  (void)state;
  for (unsigned year = 1890; year <= 2110; year++) {
    for (unsigned month = 0; month <= 99; month++) {
      for (unsigned day = 0; day <= (month >= 1 && month <= 12 ? 99u : 1u); day++) {
        const bool exists = month >= 1 && month <= 12 && day >= 1 && day <= days_of(year, month);
        char text[32];

        (void)snprintf(text, sizeof(text), "%04u%02u%02u000000Z", year, month, day);
        if (!exists) {
          assert_false(reads_time(DER_GENERALIZED_TIME, text));
          continue;
        }
        expect_time(DER_GENERALIZED_TIME, text, start);
        if (year >= 1950 && year <= 2049) {
          expect_time(DER_UTC_TIME, text + 2, start);
        }
        start += DAY;
      }
    }
  }
  assert_true(start == INT64_C(4449513600)); /* 2111-01-01 */
}

static void each_year(void **state) {
  int64_t start = INT64_C(-62167219200);

  (void)state;
  for (unsigned year = 0; year <= 9999; year++) {
    char text[32];

    (void)snprintf(text, sizeof(text), "%04u0101000000Z", year);
    expect_time(DER_GENERALIZED_TIME, text, start);
    start += (337 + days_of(year, 2)) * DAY;
  }
}

static void each_time_of_day(void **state) {
  (void)state;
  for (unsigned value = 0; value <= 99; value++) {
    char text[32];

    (void)snprintf(text, sizeof(text), "700101%02u0000Z", value);
    assert_int_equal(reads_time(DER_UTC_TIME, text), value < 24);
    (void)snprintf(text, sizeof(text), "70010100%02u00Z", value);
    assert_int_equal(reads_time(DER_UTC_TIME, text), value < 60);
    (void)snprintf(text, sizeof(text), "7001010000%02uZ", value); /* no leap seconds */
    assert_int_equal(reads_time(DER_UTC_TIME, text), value < 60);
  }
  for (unsigned second = 0; second < DAY; second += 61) {
    char text[32];

    (void)snprintf(text, sizeof(text), "19700101%02u%02u%02uZ", second / 3600, second / 60 % 60, second % 60);
    expect_time(DER_GENERALIZED_TIME, text, (int64_t)second);
  }
}

/* Each byte of a time replaced by each other byte. */
static void each_wrong_character(void **state) {
  static const char *const times[] = {"111111111111Z", "11111111111111Z"};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(times); i++) {
    const uint8_t tag = i == 0 ? DER_UTC_TIME : DER_GENERALIZED_TIME;
    const size_t length = strlen(times[i]);

    for (size_t at = 0; at < length; at++) {
      for (unsigned byte = 0; byte <= 0xff; byte++) {
        char text[32];
        int64_t seconds;

        memcpy(text, times[i], length);
        text[at] = (char)(unsigned char)byte;
        if ((byte < '0' || byte > '9') && (at != length - 1 || byte != 'Z')) {
          assert_false(read_time(tag, text, length, &seconds));
        } else if (at == length - 1) {
          assert_int_equal(read_time(tag, text, length, &seconds), byte == 'Z');
        }
      }
    }
  }
}

static void forms_of_time_that_are_refused(void **state) {
  static const struct {
    uint8_t tag;
    const char *text;
  } rows[] = {
      {DER_UTC_TIME, ""},
      {DER_UTC_TIME, "Z"},
      {DER_UTC_TIME, "2401010000Z"}, /* no seconds */
      {DER_UTC_TIME, "240101000000"},
      {DER_UTC_TIME, "240101000000z"},
      {DER_UTC_TIME, "240101000000ZZ"},
      {DER_UTC_TIME, "240101000000+0000"},
      {DER_UTC_TIME, "240101000000-0100"},
      {DER_UTC_TIME, "240101000000.5Z"},
      {DER_UTC_TIME, "20240101000000Z"},
      {DER_UTC_TIME, " 240101000000Z"},
      {DER_GENERALIZED_TIME, ""},
      {DER_GENERALIZED_TIME, "Z"},
      {DER_GENERALIZED_TIME, "240101000000Z"},
      {DER_GENERALIZED_TIME, "2024010100Z"},
      {DER_GENERALIZED_TIME, "202401010000Z"},
      {DER_GENERALIZED_TIME, "20240101000000"},
      {DER_GENERALIZED_TIME, "20240101000000.0Z"},
      {DER_GENERALIZED_TIME, "20240101000000,5Z"},
      {DER_GENERALIZED_TIME, "20240101000000+0100"},
      {DER_GENERALIZED_TIME, "020240101000000Z"},
      {DER_GENERALIZED_TIME, "20240229240000Z"},
      {DER_GENERALIZED_TIME, "20230229000000Z"},
      {DER_GENERALIZED_TIME, "19000229000000Z"},
      {DER_GENERALIZED_TIME, "21000229000000Z"},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    if (reads_time(rows[i].tag, rows[i].text)) {
      fail_msg("read: %s", rows[i].text);
    }
  }
}

static void a_time_has_one_of_two_tags(void **state) {
  (void)state;
  for (unsigned tag = 0; tag <= 0xff; tag++) {
    assert_int_equal(reads_time((uint8_t)tag, "240101000000Z"), tag == DER_UTC_TIME);
    assert_int_equal(reads_time((uint8_t)tag, "20240101000000Z"), tag == DER_GENERALIZED_TIME);
  }
}

/* ---- Each reader, cut off ---- */

static bool take_any(struct byte_slice *rest) {
  struct der_element element;

  return der_read(rest, &element);
}

static bool take_sequence(struct byte_slice *rest) {
  struct byte_slice content;

  return der_read_tagged(rest, DER_SEQUENCE, &content);
}

static bool take_boolean(struct byte_slice *rest) {
  bool value;

  return der_read_boolean(rest, &value);
}

static bool take_integer(struct byte_slice *rest) {
  struct byte_slice content;

  return der_read_integer(rest, &content);
}

static bool take_identifier(struct byte_slice *rest) {
  struct byte_slice content;

  return der_read_object_identifier(rest, &content);
}

static bool take_bit_string(struct byte_slice *rest) {
  struct byte_slice bits;

  return der_read_bit_string(rest, &bits);
}

static bool take_time(struct byte_slice *rest) {
  int64_t seconds;

  return der_read_time(rest, &seconds);
}

/* A sound element is taken, and what is behind it left; no beginning of it is one. */
static void cut_off_after_every_byte(void **state) {
  static const struct {
    bool (*take)(struct byte_slice *rest);
    const char *text;
  } rows[] = {
      {take_any,
       "0481 80 '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'"
       "'0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'"},
      {take_any, "a0{ 30{ 020101 } }"},
      {take_sequence, "30{ 020101 0500 }"},
      {take_boolean, "0101ff"},
      {take_integer, "02{ 7f000000000000000000 }"},
      {take_identifier, "06{ 2a864886f70d01010b }"},
      {take_bit_string, "03{ 00 0102030405 }"},
      {take_time, "17{'240229235959Z'}"},
      {take_time, "18{'20240229235959Z'}"},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    size_t length;
    uint8_t *sound = der_from_text(rows[i].text, &length);
    uint8_t *longer = malloc(length + 1);
    struct byte_slice rest;

    for (size_t cut = 0; cut < length; cut++) {
      struct input input = input_of(sound, cut);

      assert_false(rows[i].take(&input.rest));
      free(input.block);
    }
    assert_non_null(longer);
    memcpy(longer, sound, length);
    longer[length] = 0xff;
    rest = (struct byte_slice){longer, length + 1};
    assert_true(rows[i].take(&rest));
    assert_ptr_equal(rest.bytes, longer + length);
    assert_int_equal(rest.length, 1);
    free(longer);
    free(sound);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_length_in_its_shortest_form),
      cmocka_unit_test(each_length_in_longer_forms),
      cmocka_unit_test(each_header_of_two_bytes),
      cmocka_unit_test(lengths_that_are_refused),
      cmocka_unit_test(nothing_at_all),
      cmocka_unit_test(each_tag),
      cmocka_unit_test(what_der_read_says_of_each_tag),
      cmocka_unit_test(high_tag_numbers),
      cmocka_unit_test(booleans),
      cmocka_unit_test(integers_of_one_and_two_bytes),
      cmocka_unit_test(other_integers),
      cmocka_unit_test(bit_strings),
      cmocka_unit_test(bit_strings_with_unused_bits),
      cmocka_unit_test(object_identifiers),
      cmocka_unit_test(what_is_no_object_identifier),
      cmocka_unit_test(times_at_boundaries),
      cmocka_unit_test(each_day),
      cmocka_unit_test(each_year),
      cmocka_unit_test(each_time_of_day),
      cmocka_unit_test(each_wrong_character),
      cmocka_unit_test(forms_of_time_that_are_refused),
      cmocka_unit_test(a_time_has_one_of_two_tags),
      cmocka_unit_test(cut_off_after_every_byte),
  };
  return cmocka_run_group_tests_name("der", tests, NULL, NULL);
}
