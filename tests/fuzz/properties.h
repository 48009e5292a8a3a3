/* SPDX-License-Identifier: MIT */
/* What must hold of every result, whatever the input was. */
#ifndef TESTS_FUZZ_PROPERTIES_H
#define TESTS_FUZZ_PROPERTIES_H

#include "x509/certificate.h"
#include "x509/signed_object.h"

/** Says what does not hold, and aborts: libFuzzer and the driver both keep the input then. */
#define REQUIRE(condition)                            \
  do {                                                \
    if (!(condition)) {                               \
      require_failed(__FILE__, __LINE__, #condition); \
    }                                                 \
  } while (0)

void require_failed(const char *file, int line, const char *condition) __attribute__((noreturn));

/** Nothing, or a part of \a whole. */
void require_inside(struct byte_slice part, struct byte_slice whole);
/** An element of \a whole with this tag. */
void require_element(struct byte_slice part, uint8_t tag, struct byte_slice whole);
/** The parts of a signed object, which is all of \a whole. */
void require_signed_object(const struct signed_object *object, struct byte_slice whole);
/** Text of a Name: printable ASCII, of the length that is promised, cut without harm. */
void require_name_text(struct byte_slice name);
/** The same of an alternative name. */
void require_alternative_name_text(enum certificate_name_kind kind, struct byte_slice value);

#endif
