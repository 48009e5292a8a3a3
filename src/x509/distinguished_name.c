/* SPDX-License-Identifier: MIT */
/* Distinguished names, relative name by relative name, attribute by attribute, character by character. */
#include "x509/distinguished_name.h"

#include "base/utf8.h"
#include "x509/der.h"

/* More than this in one relative name is an attempt to have every one compared with every other. */
#define ATTRIBUTES_COMPARED 16

enum { END = -1, BROKEN = -2, NONE = -3 };

static bool is_attribute(struct byte_slice content) {
  struct byte_slice type;
  struct der_element value;

  return der_read_object_identifier(&content, &type) && der_read(&content, &value) && content.length == 0;
}

static bool is_relative_name(struct byte_slice attributes) {
  if (attributes.length == 0) {
    return false;
  }
  while (attributes.length > 0) {
    struct byte_slice attribute;

    if (!der_read_tagged(&attributes, DER_SEQUENCE, &attribute) || !is_attribute(attribute)) {
      return false;
    }
  }
  return true;
}

bool distinguished_name_take(struct byte_slice *rest, struct byte_slice *name) {
  struct der_element element;

  if (!der_read(rest, &element) || element.tag != DER_SEQUENCE) {
    return false;
  }
  while (element.content.length > 0) {
    struct byte_slice attributes;

    if (!der_read_tagged(&element.content, DER_SET, &attributes) || !is_relative_name(attributes)) {
      return false;
    }
  }
  *name = element.whole;
  return true;
}

/* A string's characters, folded. */
struct folded_text {
  struct byte_slice rest;
  uint8_t tag;
  bool started;
  int32_t held; /* the character after a space that was returned first */
};

static bool is_string(uint8_t tag) {
  switch (tag) {
    case DER_UTF8_STRING:
    case DER_NUMERIC_STRING:
    case DER_PRINTABLE_STRING:
    case DER_TELETEX_STRING:
    case DER_IA5_STRING:
    case DER_VISIBLE_STRING:
    case DER_UNIVERSAL_STRING:
    case DER_BMP_STRING:
      return true;
    default:
      return false;
  }
}

static int32_t take_wide(struct byte_slice *rest, size_t width) {
  uint32_t point = 0;

  if (rest->length < width) {
    return BROKEN;
  }
  for (size_t i = 0; i < width; i++) {
    point = point << 8 | rest->bytes[i];
  }
  rest->bytes += width;
  rest->length -= width;
  return utf8_is_character(point) ? (int32_t)point : BROKEN;
}

static int32_t take_utf8(struct byte_slice *rest) {
  uint32_t point = 0;
  const size_t length = utf8_read(rest->bytes, rest->length, &point);

  rest->bytes += length;
  rest->length -= length;
  return length > 0 ? (int32_t)point : BROKEN;
}

static int32_t take_point(struct folded_text *text) {
  int32_t point;

  if (text->rest.length == 0) {
    return END;
  }
  switch (text->tag) {
    case DER_UTF8_STRING:
      return take_utf8(&text->rest);
    case DER_BMP_STRING:
      return take_wide(&text->rest, 2);
    case DER_UNIVERSAL_STRING:
      return take_wide(&text->rest, 4);
    case DER_TELETEX_STRING: /* in practice it is Latin-1 */
      return take_wide(&text->rest, 1);
    default:
      point = take_wide(&text->rest, 1);
      return point < 0x80 ? point : BROKEN;
  }
}

static bool is_white(int32_t point) { return point == ' ' || (point >= '\t' && point <= '\r') || point == 0xa0; }

static int32_t next_folded(struct folded_text *text) {
  bool white = false;
  int32_t point = text->held;

  if (point != NONE) {
    text->held = NONE;
    return point;
  }
  for (point = take_point(text); is_white(point); point = take_point(text)) {
    white = true;
  }
  if (point >= 'A' && point <= 'Z') {
    point += 'a' - 'A';
  }
  if (white && text->started && point >= 0) {
    text->held = point;
    return ' ';
  }
  text->started = true;
  return point;
}

static bool strings_equal(const struct der_element *one, const struct der_element *other) {
  struct folded_text texts[] = {{one->content, one->tag, false, NONE}, {other->content, other->tag, false, NONE}};
  int32_t point;

  do {
    point = next_folded(&texts[0]);
    if (point == BROKEN || point != next_folded(&texts[1])) {
      return false;
    }
  } while (point != END);
  return true;
}

static bool is_readable(const struct der_element *value) {
  struct folded_text text = {value->content, value->tag, false, NONE};
  int32_t point;

  do {
    point = next_folded(&text);
  } while (point >= 0);
  return point == END;
}

static bool take_attribute(struct byte_slice *attributes, struct byte_slice *type, struct der_element *value) {
  struct byte_slice content;

  return der_read_tagged(attributes, DER_SEQUENCE, &content) && der_read_object_identifier(&content, type) &&
         der_read(&content, value);
}

/* A relative name has no type twice (X.501, section 9.3). One that has is compared in order, so that each value is
   looked at once.
   \param [in,out] used bits: those already matched with an attribute of the other name */
static bool use_attribute(struct byte_slice attributes, struct byte_slice wanted_type, const struct der_element *wanted,
                          uint32_t *used) {
  struct byte_slice type;
  struct der_element value;

  for (size_t i = 0; i < ATTRIBUTES_COMPARED && take_attribute(&attributes, &type, &value); i++) {
    const uint32_t bit = (uint32_t)1 << i;

    if ((*used & bit) == 0 && byte_slices_equal(type, wanted_type)) {
      *used |= bit;
      return byte_slices_equal(value.whole, wanted->whole) ||
             (is_string(value.tag) && is_string(wanted->tag) && strings_equal(&value, wanted));
    }
  }
  return false;
}

static size_t count_attributes(struct byte_slice attributes) {
  struct byte_slice type;
  struct der_element value;
  size_t count = 0;

  while (take_attribute(&attributes, &type, &value)) {
    count++;
  }
  return count;
}

/* Sets of attributes: their order does not matter. */
static bool relative_names_equal(struct byte_slice one, struct byte_slice other) {
  struct byte_slice type;
  struct der_element value;
  uint32_t used = 0;

  if (byte_slices_equal(one, other)) {
    return true;
  }
  if (count_attributes(one) != count_attributes(other)) {
    return false;
  }
  while (take_attribute(&one, &type, &value)) {
    if (!use_attribute(other, type, &value, &used)) {
      return false;
    }
  }
  return true;
}

/* ---- Where a doubt counts as equal ---- */

static size_t skip_beyond_ascii(struct folded_text *text, int32_t *point) {
  size_t count = 0;

  for (*point = next_folded(text); *point >= 0x80; *point = next_folded(text)) {
    count++;
  }
  return count;
}

/*
 * Case is folded in ASCII only, and letters beyond it have several spellings (RFC 4518, section 2: case, composition,
 * characters that are mapped to nothing). So each of those may stand for any other, for nothing, or for a
 * letter with an accent. What is left must agree.
 * \param [in] longer what may have letters that the other one lacks
 */
static bool strings_agree_in_ascii(const struct der_element *shorter, const struct der_element *longer) {
  struct folded_text texts[] = {{shorter->content, shorter->tag, false, NONE},
                                {longer->content, longer->tag, false, NONE}};
  size_t beyond_ascii[2] = {0, 0};
  size_t letters_passed = 0;
  int32_t wanted;
  int32_t point;

  beyond_ascii[0] += skip_beyond_ascii(&texts[0], &wanted);
  do {
    beyond_ascii[1] += skip_beyond_ascii(&texts[1], &point);
    if (point == wanted && point != END) {
      beyond_ascii[0] += skip_beyond_ascii(&texts[0], &wanted);
    } else if (point != END) {
      letters_passed++;
    }
  } while (point != END);
  return wanted == END && letters_passed <= (beyond_ascii[0] > beyond_ascii[1] ? beyond_ascii[0] : beyond_ascii[1]);
}

static bool strings_may_be_equal(const struct der_element *one, const struct der_element *other) {
  return strings_agree_in_ascii(one, other) || strings_agree_in_ascii(other, one);
}

static bool values_may_be_equal(const struct der_element *one, const struct der_element *other) {
  if (byte_slices_equal(one->whole, other->whole)) {
    return true;
  }
  if (is_string(one->tag) && is_string(other->tag)) {
    return !is_readable(one) || !is_readable(other) || strings_may_be_equal(one, other);
  }
  return one->tag != other->tag;
}

static bool has_attribute_like(struct byte_slice attributes, struct byte_slice wanted_type,
                               const struct der_element *wanted) {
  struct byte_slice type;
  struct der_element value;

  while (take_attribute(&attributes, &type, &value)) {
    if (byte_slices_equal(type, wanted_type) && values_may_be_equal(&value, wanted)) {
      return true;
    }
  }
  return false;
}

static bool relative_names_may_be_equal(struct byte_slice one, struct byte_slice other) {
  const size_t count = count_attributes(one);
  struct byte_slice type;
  struct der_element value;

  if (count != count_attributes(other)) {
    return false;
  }
  while (count <= ATTRIBUTES_COMPARED && take_attribute(&one, &type, &value)) {
    if (!has_attribute_like(other, type, &value)) {
      return false;
    }
  }
  return true;
}

/* ---- Whole names ---- */

/* \param [out] rest what of the name comes after the base */
static bool begins_with(struct byte_slice name, struct byte_slice base,
                        bool (*relative_names_match)(struct byte_slice one, struct byte_slice other),
                        struct byte_slice *rest) {
  struct byte_slice base_rest;

  if (!der_read_tagged(&name, DER_SEQUENCE, rest) || !der_read_tagged(&base, DER_SEQUENCE, &base_rest)) {
    return false;
  }
  while (base_rest.length > 0) {
    struct byte_slice relative;
    struct byte_slice base_relative;

    if (!der_read_tagged(rest, DER_SET, &relative) || !der_read_tagged(&base_rest, DER_SET, &base_relative) ||
        !relative_names_match(relative, base_relative)) {
      return false;
    }
  }
  return true;
}

bool distinguished_name_is_within(struct byte_slice name, struct byte_slice base) {
  struct byte_slice rest;

  return begins_with(name, base, relative_names_equal, &rest);
}

bool distinguished_name_may_be_within(struct byte_slice name, struct byte_slice base) {
  struct byte_slice rest;

  return begins_with(name, base, relative_names_may_be_equal, &rest);
}

bool distinguished_names_equal(struct byte_slice one, struct byte_slice other) {
  struct byte_slice rest;

  return byte_slices_equal(one, other) || (begins_with(one, other, relative_names_equal, &rest) && rest.length == 0);
}

bool distinguished_name_is_empty(struct byte_slice name) {
  struct byte_slice content;

  return der_read_tagged(&name, DER_SEQUENCE, &content) && content.length == 0;
}
