/* SPDX-License-Identifier: MIT */
/*
 * Reads the elements of DER (ITU-T X.690) that certificates are made of. Strict: definite lengths in their shortest
 * form, nothing longer than what contains it. Pure: no memory of its own.
 *
 * Every function takes its element off the front of \a rest and returns true, or returns false if the front is not such
 * an element; \a rest and the results are then undefined.
 */
#ifndef AMQP_WOLFSSL_DER_H
#define AMQP_WOLFSSL_DER_H

#include "base/byte_slice.h"

enum der_tag {
  DER_BOOLEAN = 0x01,
  DER_INTEGER = 0x02,
  DER_BIT_STRING = 0x03,
  DER_OCTET_STRING = 0x04,
  DER_NULL = 0x05,
  DER_OBJECT_IDENTIFIER = 0x06,
  DER_UTF8_STRING = 0x0c,
  DER_NUMERIC_STRING = 0x12,
  DER_PRINTABLE_STRING = 0x13,
  DER_TELETEX_STRING = 0x14,
  DER_IA5_STRING = 0x16,
  DER_UTC_TIME = 0x17,
  DER_GENERALIZED_TIME = 0x18,
  DER_VISIBLE_STRING = 0x1a,
  DER_UNIVERSAL_STRING = 0x1c,
  DER_BMP_STRING = 0x1e,
  DER_SEQUENCE = 0x30,
  DER_SET = 0x31
};

/** Identifier bytes of context-specific tags, such as [0] in the ASN.1 of RFC 5280. */
#define DER_CONTEXT(number) (0x80 | (number))
#define DER_CONTEXT_CONSTRUCTED(number) (0xa0 | (number))

struct der_element {
  uint8_t tag;
  struct byte_slice content;
  struct byte_slice whole; /**< tag and length included */
};

bool der_read(struct byte_slice *rest, struct der_element *element);
bool der_read_tagged(struct byte_slice *rest, uint8_t tag, struct byte_slice *content);

/** Whether the element at the front has \a tag; false at the end. Takes nothing. */
bool der_next_is(const struct byte_slice *rest, uint8_t tag);

bool der_read_boolean(struct byte_slice *rest, bool *value);
bool der_read_integer(struct byte_slice *rest, struct byte_slice *content);
bool der_read_object_identifier(struct byte_slice *rest, struct byte_slice *content);

/** Whether \a content is that of an OBJECT IDENTIFIER: for implicitly tagged ones. */
bool der_is_object_identifier(struct byte_slice content);

/** A BIT STRING of whole bytes; \a bits leaves out the byte that counts the unused bits. */
bool der_read_bit_string(struct byte_slice *rest, struct byte_slice *bits);

/** UTCTime or GeneralizedTime in the forms of RFC 5280, section 4.1.2.5, as seconds since 1970-01-01 UTC. */
bool der_read_time(struct byte_slice *rest, int64_t *seconds);

#endif
