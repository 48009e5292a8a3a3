/* SPDX-License-Identifier: MIT */
/* Distinguished names that are the same by RFC 5280, section 7.1, and such as are not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "exact_copy.h"
#include "x509/der.h"
#include "x509/distinguished_name.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { ROOM = 2048 };

struct name {
  uint8_t bytes[ROOM];
  size_t length;
};

struct value {
  uint8_t tag;
  size_t length;
  const char *bytes;
};

#define UTF8(text) \
  { DER_UTF8_STRING, sizeof(text) - 1, text }
#define PRINTABLE(text) \
  { DER_PRINTABLE_STRING, sizeof(text) - 1, text }
#define IA5(text) \
  { DER_IA5_STRING, sizeof(text) - 1, text }
#define TELETEX(text) \
  { DER_TELETEX_STRING, sizeof(text) - 1, text }
#define BMP(text) \
  { DER_BMP_STRING, sizeof(text) - 1, text }
#define UNIVERSAL(text) \
  { DER_UNIVERSAL_STRING, sizeof(text) - 1, text }
#define OCTETS(text) \
  { DER_OCTET_STRING, sizeof(text) - 1, text }

/* Puts a tag and a length below 128 in front of what begins at \a from. */
static void wrap(struct name *name, size_t from, uint8_t tag) {
  const size_t length = name->length - from;

  assert_true(length < 128 && name->length + 2 <= ROOM);
  memmove(name->bytes + from + 2, name->bytes + from, length);
  name->bytes[from] = tag;
  name->bytes[from + 1] = (uint8_t)length;
  name->length += 2;
}

static void add(struct name *name, const void *bytes, size_t length) {
  assert_true(name->length + length <= ROOM);
  memcpy(name->bytes + name->length, bytes, length);
  name->length += length;
}

/* An attribute of the type 2.5.4.\a type. */
static void add_attribute(struct name *name, uint8_t type, const struct value *value) {
  const uint8_t identifier[] = {0x06, 0x03, 0x55, 0x04, type};
  const size_t start = name->length;
  size_t value_start;

  add(name, identifier, sizeof(identifier));
  value_start = name->length;
  add(name, value->bytes, value->length);
  wrap(name, value_start, value->tag);
  wrap(name, start, DER_SEQUENCE);
}

/* Letters are types; a "+" joins two attributes to one relative name. All have the same value. */
static void make_name(struct name *name, const char *types, const struct value *value) {
  size_t start = 0;

  name->length = 0;
  for (const char *at = types; *at != '\0'; at++) {
    if (*at == '+') {
      continue;
    }
    add_attribute(name, (uint8_t)*at, value);
    if (at[1] != '+') {
      wrap(name, start, DER_SET);
      start = name->length;
    }
  }
  wrap(name, 0, DER_SEQUENCE);
}

static bool compare(const struct name *one, const struct name *other,
                    bool (*how)(struct byte_slice one, struct byte_slice other)) {
  uint8_t *copy = exact_copy(one->bytes, one->length);
  uint8_t *other_copy = exact_copy(other->bytes, other->length);
  const bool result = how((struct byte_slice){copy, one->length}, (struct byte_slice){other_copy, other->length});

  free(copy);
  free(other_copy);
  return result;
}

static bool values_equal(const struct value *one, const struct value *other) {
  struct name names[2];

  make_name(&names[0], "C", one);
  make_name(&names[1], "C", other);
  assert_int_equal(compare(&names[0], &names[1], distinguished_names_equal),
                   compare(&names[1], &names[0], distinguished_names_equal));
  return compare(&names[0], &names[1], distinguished_names_equal);
}

static void test_values(void **state) {
  static const struct {
    struct value one;
    struct value other;
    bool equal;
  } cases[] = {
      {UTF8("Acme"), UTF8("Acme"), true},
      {UTF8("Acme"), UTF8("Acmes"), false},
      {UTF8("Acme"), UTF8(""), false},
      {UTF8(""), PRINTABLE(""), true},
      {UTF8("Acme"), PRINTABLE("Acme"), true},
      {UTF8("Acme"), PRINTABLE("aCME"), true},
      {IA5("acme.test"), UTF8("ACME.TEST"), true},
      {TELETEX("Acme"), PRINTABLE("acme"), true},
      {BMP("\0A\0c\0m\0e"), UTF8("acme"), true},
      {BMP("\0A\0c\0m\0e\0"), UTF8("acme"), false},
      {BMP("\1A\0c\0m\0e"), UTF8("acme"), false},
      {UNIVERSAL("\0\0\0A\0\0\0c"), UTF8("ac"), true},
      {UNIVERSAL("\0\0\0A\0\0\1c"), UTF8("ac"), false},
      {UTF8(" Acme  Root\tCA "), UTF8("acme root ca"), true},
      {UTF8("Acme Root"), UTF8("AcmeRoot"), false},
      {UTF8("   "), UTF8(""), true},
      {UTF8("a b"),
       UTF8("a\xc2\xa0"
            "b"),
       true},
      {UTF8("K\xc3\xb6ln"), TELETEX("K\xf6ln"), true},
      {UTF8("K\xc3\xb6ln"), BMP("\0k\0\xf6\0l\0n"), true},
      {UTF8("K\xc3\xb6ln"), UTF8("K\xc3\x96ln"), false}, /* case is folded for ASCII only */
      {UTF8("\xc3"), UTF8("\xc3"), true},                /* byte for byte */
      {UTF8("\xc3"), UTF8("\xc3 "), false},
      {UTF8("\xc0\x80"), BMP("\0\0"), false},       /* not the shortest form */
      {UTF8("\xe0\x80\x80"), BMP("\0\0"), false},   /* not the shortest form */
      {UTF8("\xed\xa0\x80"), BMP("\xd8\0"), false}, /* a surrogate */
      {UTF8("\xf0\x9f\x90\xb0"), UNIVERSAL("\0\1\xf4\x30"), true},
      {UTF8("\xf4\x90\x80\x80"), UNIVERSAL("\0\x11\0\0"), false}, /* beyond Unicode */
      {PRINTABLE("\xe9"), TELETEX("\xe9"), false},                /* no PrintableString */
      {OCTETS("Acme"), OCTETS("Acme"), true},
      {OCTETS("Acme"), OCTETS("acme"), false},
      {OCTETS("Acme"), UTF8("Acme"), false},
      {UTF8("a\0b"), UTF8("a"), false},
  };

  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    if (values_equal(&cases[i].one, &cases[i].other) != cases[i].equal) {
      fail_msg("case %zu", i);
    }
  }
}

static void test_structure(void **state) {
  static const struct {
    const char *one;
    const char *other;
    bool equal;
    bool within; /* one in other */
  } cases[] = {
      {"", "", true, true},         {"CO", "CO", true, true},    {"CO", "OC", false, false},
      {"CO", "C", false, true},     {"C", "CO", false, false},   {"CO", "", false, true},
      {"C+O", "O+C", true, true},   {"C+O", "CO", false, false}, {"C+OL", "O+C", false, true},
      {"C+C", "C", false, false},   {"C", "C+C", false, false},  {"C+C+O", "C+O+O", false, false},
      {"C+O", "C+L", false, false}, {"CC", "C", false, true},    {"A+B+C+D+E+F+G+H", "H+G+F+E+D+C+B+A", true, true},
  };
  const struct value value = UTF8("x");
  const struct value other_value = PRINTABLE("X");

  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct name one;
    struct name other;

    make_name(&one, cases[i].one, &value);
    make_name(&other, cases[i].other, &other_value);
    if (compare(&one, &other, distinguished_names_equal) != cases[i].equal ||
        compare(&one, &other, distinguished_name_is_within) != cases[i].within) {
      fail_msg("%s and %s", cases[i].one, cases[i].other);
    }
  }
}

/* A relative name of attributes of the types 0 to 16, or of 16 to 0. */
static void make_large_name(struct name *name, bool backwards) {
  static const uint8_t headers[] = {0x30, 0x81, 156, 0x31, 0x81, 153};

  name->length = 0;
  add(name, headers, sizeof(headers));
  for (int i = 0; i < 17; i++) {
    const uint8_t attribute[] = {0x30, 0x07, 0x06, 0x03, 0x55, 0x04, (uint8_t)(backwards ? 16 - i : i), 0x05, 0x00};

    add(name, attribute, sizeof(attribute));
  }
}

/* Nobody has so many; those who do are the same only byte for byte. */
static void test_too_many_attributes(void **state) {
  struct name one;
  struct name other;

  (void)state;
  make_large_name(&one, false);
  make_large_name(&other, true);
  assert_true(compare(&one, &one, distinguished_names_equal));
  assert_false(compare(&one, &other, distinguished_names_equal));
  assert_true(compare(&one, &other, distinguished_name_may_be_within)); /* nobody knows */
}

/* Values that can't be read leave a doubt, and whatever is equal leaves none. */
static void test_doubts(void **state) {
  static const struct {
    struct value one;
    struct value other;
    bool doubtful;
  } cases[] = {
      {UTF8("Acme"), PRINTABLE("acme"), true},
      {UTF8("Acme"), UTF8("Acmes"), false},
      {UTF8("Acme\xc3"), UTF8("Other"), true},
      {UTF8("Acme"), UTF8("Other\xc3"), true},
      {OCTETS("Acme"), UTF8("Other"), true},
      {UTF8("Acme"), OCTETS("Other"), true},
      {OCTETS("Acme"), OCTETS("Other"), false},
      {BMP("\0A\0"), UTF8("Acme"), true},
      {UTF8("M\xc3\xbcller"), UTF8("M\xc3\x9cLLER"), true},  /* another case */
      {UTF8("M\xc3\xbcller"), UTF8("Mu\xcc\x88ller"), true}, /* another composition */
      {UTF8("Mu\xcc\x88ller"), UTF8("M\xc3\xbcller"), true},
      {UTF8("Ac\xc2\xadme"), UTF8("Acme"), true}, /* a soft hyphen is nothing */
      {UTF8("\xd0\x90"), UTF8("\xd0\xb0"), true},
      {UTF8("M\xc3\xbcller"), UTF8("Mueller"), false},
      {UTF8("M\xc3\xbcller"), UTF8("Schr\xc3\xb6n"), false},
      {UTF8("M\xc3\xbcller"), UTF8("Acme"), false},
      {UTF8("Acme"), UTF8("M\xc3\xbcller"), false},
      {UNIVERSAL("\0\x11\0\0"), UTF8("a"), true},
      {UTF8("a\xed\xa0\x80 "), UTF8("Acme"), true},
  };

  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct name one;
    struct name other;

    make_name(&one, "CO", &cases[i].one);
    make_name(&other, "C", &cases[i].other);
    if (compare(&one, &other, distinguished_name_may_be_within) != cases[i].doubtful) {
      fail_msg("case %zu", i);
    }
    make_name(&other, "O", &cases[i].other); /* another type of attribute */
    assert_false(compare(&one, &other, distinguished_name_may_be_within));
    make_name(&other, "C+O", &cases[i].other);
    assert_false(compare(&one, &other, distinguished_name_may_be_within));
  }
}

static void test_malformed_names(void **state) {
  static const struct {
    uint8_t length;
    uint8_t bytes[16];
    bool good;
  } cases[] = {
      {2, {0x30, 0x00}, true},
      {0, {0}, false},
      {2, {0x31, 0x00}, false},
      {4, {0x30, 0x02, 0x31, 0x00}, false},                                      /* an empty set */
      {6, {0x30, 0x04, 0x31, 0x02, 0x30, 0x00}, false},                          /* no type */
      {10, {0x30, 0x08, 0x31, 0x06, 0x30, 0x04, 0x06, 0x02, 0x55, 0x04}, false}, /* no value */
      {12, {0x30, 0x0a, 0x31, 0x08, 0x30, 0x06, 0x06, 0x02, 0x55, 0x04, 0x05, 0x00}, true},
      {14, {0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 0x06, 0x02, 0x55, 0x04, 0x05, 0x00, 0x05, 0x00}, false}, /* two */
      {11, {0x30, 0x0a, 0x31, 0x08, 0x30, 0x06, 0x06, 0x02, 0x55, 0x04, 0x05}, false},                   /* cut off */
  };

  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    uint8_t *copy = exact_copy(cases[i].bytes, cases[i].length);
    struct byte_slice rest = {copy, cases[i].length};
    struct byte_slice name = {NULL, 0};

    if (distinguished_name_take(&rest, &name) != cases[i].good) {
      fail_msg("case %zu", i);
    }
    assert_int_equal(name.length, cases[i].good ? cases[i].length : 0);
    free(copy);
  }
}

static void test_empty(void **state) {
  static const uint8_t empty[] = {0x30, 0x00};
  const struct value value = UTF8("x");
  struct name name;

  (void)state;
  make_name(&name, "C", &value);
  assert_true(distinguished_name_is_empty((struct byte_slice){empty, sizeof(empty)}));
  assert_false(distinguished_name_is_empty((struct byte_slice){name.bytes, name.length}));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_values), cmocka_unit_test(test_structure),       cmocka_unit_test(test_too_many_attributes),
      cmocka_unit_test(test_doubts), cmocka_unit_test(test_malformed_names), cmocka_unit_test(test_empty),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
