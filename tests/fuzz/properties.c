/* SPDX-License-Identifier: MIT */
/* Checks of results that several targets share. */
#include "properties.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "targets.h"

unsigned long fuzz_accepted;

void require_failed(const char *file, int line, const char *condition) {
  fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, condition);
  abort();
}

void require_inside(struct byte_slice part, struct byte_slice whole) {
  if (part.length > 0) {
    REQUIRE(part.bytes >= whole.bytes);
    REQUIRE(part.bytes <= whole.bytes + whole.length);
    REQUIRE(part.length <= (size_t)(whole.bytes + whole.length - part.bytes));
  }
}

void require_element(struct byte_slice part, uint8_t tag, struct byte_slice whole) {
  struct byte_slice rest = part;
  struct byte_slice content;

  require_inside(part, whole);
  REQUIRE(der_read_tagged(&rest, tag, &content));
  REQUIRE(rest.length == 0);
}

void require_signed_object(const struct signed_object *object, struct byte_slice whole) {
  require_element(object->signed_part, DER_SEQUENCE, whole);
  require_element(object->algorithm, DER_SEQUENCE, whole);
  require_inside(object->algorithm_oid, object->algorithm);
  require_inside(object->signature, whole);
  REQUIRE(der_is_object_identifier(object->algorithm_oid));
  REQUIRE(object->signed_part.bytes + object->signed_part.length == object->algorithm.bytes);
  REQUIRE(object->algorithm.bytes + object->algorithm.length < object->signature.bytes);
}

typedef size_t format(const void *what, char *text, size_t capacity);

struct alternative_name {
  enum certificate_name_kind kind;
  struct byte_slice value;
};

static size_t format_name(const void *name, char *text, size_t capacity) {
  return certificate_format_name(*(const struct byte_slice *)name, text, capacity);
}

static size_t format_alternative_name(const void *what, char *text, size_t capacity) {
  const struct alternative_name *name = what;

  return certificate_format_alternative_name(name->kind, name->value, text, capacity);
}

static void require_printable(const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    REQUIRE(text[i] >= 0x20 && text[i] <= 0x7e);
  }
}

/* In blocks of exactly the capacity, so that a byte too many is seen. */
static void require_text(format *write, const void *what) {
  static const size_t cuts[] = {1, 2, 3, 7, 20, 64};
  char nothing[1];
  const size_t needed = write(what, nothing, 0);
  char *whole = malloc(needed + 1);

  REQUIRE(whole != NULL);
  REQUIRE(write(what, whole, needed + 1) == needed);
  REQUIRE(strlen(whole) == needed);
  require_printable(whole, needed);
  for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]) && cuts[i] <= needed; i++) {
    char *cut = malloc(cuts[i]);

    REQUIRE(cut != NULL);
    REQUIRE(write(what, cut, cuts[i]) == needed);
    REQUIRE(memchr(cut, '\0', cuts[i]) != NULL);
    REQUIRE(strncmp(cut, whole, strlen(cut)) == 0);
    free(cut);
  }
  free(whole);
}

void require_name_text(struct byte_slice name) { require_text(format_name, &name); }

void require_alternative_name_text(enum certificate_name_kind kind, struct byte_slice value) {
  const struct alternative_name name = {kind, value};

  require_text(format_alternative_name, &name);
}
