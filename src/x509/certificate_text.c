/* SPDX-License-Identifier: MIT */
/*
 * Writes the names in a certificate as text: distinguished names as in RFC 4514, in RabbitMQ's spelling, so that what
 * is shown can be passed to `rabbitmqctl add_user` unchanged; and alternative names. Bytes outside printable ASCII
 * never reach the text: it goes to terminals and logs, and whoever requested the certificate chose them.
 */
#include "x509/certificate.h"

#include "base/bounded_text.h"
#include "base/utf8.h"
#include "x509/der.h"
#include "x509/object_identifiers.h"

#include <inttypes.h>
#include <stdio.h>

#define CHARACTER_BYTES 4 /* of UTF-8 (RFC 3629) */

static const struct {
  enum object_identifier identifier;
  const char *name;
} attribute_types[] = {
    {OID_COMMON_NAME, "CN"},
    {OID_SURNAME, "SN"},
    {OID_SERIAL_NUMBER, "SERIALNUMBER"},
    {OID_COUNTRY, "C"},
    {OID_LOCALITY, "L"},
    {OID_STATE, "ST"},
    {OID_STREET, "STREET"},
    {OID_ORGANIZATION, "O"},
    {OID_ORGANIZATIONAL_UNIT, "OU"},
    {OID_TITLE, "TITLE"},
    {OID_GIVEN_NAME, "GIVENNAME"},
    {OID_INITIALS, "INITIALS"},
    {OID_GENERATION_QUALIFIER, "GENERATIONQUALIFIER"},
    {OID_PSEUDONYM, "PSEUDONYM"},
    {OID_USER_ID, "UID"},
    {OID_DOMAIN_COMPONENT, "DC"},
    {OID_EMAIL_ADDRESS, "EMAILADDRESS"},
};

static const char *attribute_type_name(struct byte_slice type) {
  const enum object_identifier found = object_identifier_find(type);
  size_t i;
  for (i = 0; i < sizeof attribute_types / sizeof attribute_types[0]; i++) {
    if (attribute_types[i].identifier == found) {
      return attribute_types[i].name;
    }
  }
  return NULL;
}

static void add_hexadecimal(struct bounded_text *writer, struct byte_slice bytes) {
  size_t i;
  bounded_text_add_string(writer, "#");
  for (i = 0; i < bytes.length; i++) {
    char escaped[3];
    bounded_text_escape(bytes.bytes[i], escaped);
    bounded_text_add(writer, escaped + 1, 2);
  }
}

static void add_number(struct bounded_text *writer, const char *separator, uint64_t number) {
  char text[24];
  (void)snprintf(text, sizeof text, "%s%" PRIu64, separator, number);
  bounded_text_add_string(writer, text);
}

/* Takes an arc off \a type, 7 bits per byte; arcs of more than 63 bits exist (under 2.25) and are refused. */
static bool take_arc(struct byte_slice *type, uint64_t *arc) {
  *arc = 0;
  while (type->length > 0) {
    uint8_t byte = type->bytes[0];
    type->bytes++;
    type->length--;
    if (*arc > (UINT64_MAX >> 8)) {
      return false;
    }
    *arc = (*arc << 7) | (byte & 0x7fu);
    if (byte < 0x80) {
      return true;
    }
  }
  return false;
}

static bool arcs_fit(struct byte_slice type) {
  uint64_t arc;
  while (type.length > 0) {
    if (!take_arc(&type, &arc)) {
      return false;
    }
  }
  return true;
}

static void add_dotted_decimal(struct bounded_text *writer, struct byte_slice type) {
  uint64_t arc, top;
  if (!arcs_fit(type) || !take_arc(&type, &arc)) {
    add_hexadecimal(writer, type);
    return;
  }
  top = arc < 80 ? arc / 40 : 2; /* the first two arcs share a number (X.690, section 8.19.4) */
  add_number(writer, "", top);
  add_number(writer, ".", arc - top * 40);
  while (type.length > 0 && take_arc(&type, &arc)) {
    add_number(writer, ".", arc);
  }
}

static size_t encode_utf8(uint32_t point, uint8_t bytes[CHARACTER_BYTES]) {
  if (point < 0x80) {
    bytes[0] = (uint8_t)point;
    return 1;
  }
  if (point < 0x800) {
    bytes[0] = (uint8_t)(0xc0 | (point >> 6));
    bytes[1] = (uint8_t)(0x80 | (point & 0x3f));
    return 2;
  }
  if (point < 0x10000) {
    bytes[0] = (uint8_t)(0xe0 | (point >> 12));
    bytes[1] = (uint8_t)(0x80 | ((point >> 6) & 0x3f));
    bytes[2] = (uint8_t)(0x80 | (point & 0x3f));
    return 3;
  }
  bytes[0] = (uint8_t)(0xf0 | (point >> 18));
  bytes[1] = (uint8_t)(0x80 | ((point >> 12) & 0x3f));
  bytes[2] = (uint8_t)(0x80 | ((point >> 6) & 0x3f));
  bytes[3] = (uint8_t)(0x80 | (point & 0x3f));
  return 4;
}

/* Takes a code point of \a width bytes. */
static size_t take_wide_character(struct byte_slice *string, size_t width, uint8_t bytes[CHARACTER_BYTES]) {
  uint32_t point = 0;
  size_t i;
  if (string->length < width) {
    return 0;
  }
  for (i = 0; i < width; i++) {
    point = (point << 8) | string->bytes[i];
  }
  if (!utf8_is_character(point)) {
    return 0;
  }
  string->bytes += width;
  string->length -= width;
  return encode_utf8(point, bytes);
}

/* Takes a byte and the continuation bytes after it; bytes that aren't valid UTF-8 are decoded as well as they can
   be. */
static size_t take_utf8_character(struct byte_slice *string, uint8_t bytes[CHARACTER_BYTES]) {
  size_t count = 0;
  do {
    bytes[count] = string->bytes[0];
    count++;
    string->bytes++;
    string->length--;
  } while (count < CHARACTER_BYTES && bytes[0] >= 0xc0 && string->length > 0 && (string->bytes[0] & 0xc0) == 0x80);
  return count;
}

/* Takes the next character of a string of \a tag as UTF-8. Returns the bytes it has, 0 if it can't be read. */
static size_t take_character(uint8_t tag, struct byte_slice *string, uint8_t bytes[CHARACTER_BYTES]) {
  switch (tag) {
    case DER_UTF8_STRING:
    case DER_PRINTABLE_STRING:
    case DER_IA5_STRING:
    case DER_NUMERIC_STRING:
    case DER_VISIBLE_STRING:
      return take_utf8_character(string, bytes);
    case DER_TELETEX_STRING: /* read as ISO 8859-1, as everybody does */
      return take_wide_character(string, 1, bytes);
    case DER_BMP_STRING:
      return take_wide_character(string, 2, bytes);
    case DER_UNIVERSAL_STRING:
      return take_wide_character(string, 4, bytes);
    default:
      return 0;
  }
}

static bool is_readable(uint8_t tag, struct byte_slice string) {
  uint8_t bytes[CHARACTER_BYTES];
  if (string.length == 0) {
    return tag == DER_UTF8_STRING || tag == DER_PRINTABLE_STRING || tag == DER_IA5_STRING;
  }
  while (string.length > 0) {
    if (take_character(tag, &string, bytes) == 0) {
      return false;
    }
  }
  return true;
}

/* RFC 4514, section 2.4. */
static bool needs_backslash(uint8_t byte, bool is_first, bool is_last) {
  switch (byte) {
    case '"':
    case '+':
    case ',':
    case ';':
    case '<':
    case '>':
    case '\\':
      return true;
    case ' ':
      return is_first || is_last;
    case '#':
      return is_first;
    default:
      return false;
  }
}

/* RabbitMQ escapes from 0x7E up, the tilde included. */
static void add_character(struct bounded_text *writer, const uint8_t *bytes, size_t count, bool is_first,
                          bool is_last) {
  char piece[3 * CHARACTER_BYTES];
  size_t length = 0;
  size_t i;
  for (i = 0; i < count; i++) {
    if (bytes[i] < 0x20 || bytes[i] > 0x7d) {
      bounded_text_escape(bytes[i], piece + length);
      length += 3;
      continue;
    }
    if (needs_backslash(bytes[i], is_first, is_last)) {
      piece[length] = '\\';
      length++;
    }
    piece[length] = (char)bytes[i];
    length++;
  }
  bounded_text_add(writer, piece, length);
}

static void add_string(struct bounded_text *writer, uint8_t tag, struct byte_slice string) {
  bool is_first = true;
  while (string.length > 0) {
    uint8_t bytes[CHARACTER_BYTES];
    size_t count = take_character(tag, &string, bytes);
    add_character(writer, bytes, count, is_first, string.length == 0);
    is_first = false;
  }
}

static bool take_attribute(struct byte_slice *attributes, struct byte_slice *type, struct der_element *value) {
  struct byte_slice content;
  return der_read_tagged(attributes, DER_SEQUENCE, &content) && der_read_object_identifier(&content, type) &&
         der_read(&content, value);
}

/* What Erlang's public_key reads as text: a DirectoryString, and where the type demands it an IA5String. */
static bool erlang_reads(enum object_identifier type, const struct der_element *value) {
  switch (value->tag) {
    case DER_UTF8_STRING:
    case DER_PRINTABLE_STRING:
    case DER_TELETEX_STRING:
    case DER_BMP_STRING:
    case DER_UNIVERSAL_STRING:
      return is_readable(value->tag, value->content);
    case DER_IA5_STRING:
      return type == OID_EMAIL_ADDRESS || type == OID_DOMAIN_COMPONENT;
    default:
      return false;
  }
}

/* RabbitMQ has no name for STREET, and writes the value of any type that is text. */
static bool add_login_attribute(struct bounded_text *writer, struct byte_slice *attributes, bool *exact) {
  struct byte_slice type;
  struct der_element value;
  const char *name;
  enum object_identifier known;
  if (!take_attribute(attributes, &type, &value)) {
    return false;
  }
  known = object_identifier_find(type);
  name = known == OID_STREET ? NULL : attribute_type_name(type);
  if (name != NULL) {
    bounded_text_add_string(writer, name);
  } else {
    add_dotted_decimal(writer, type);
  }
  bounded_text_add_string(writer, "=");
  if (erlang_reads(known, &value)) {
    add_string(writer, value.tag, value.content);
  } else {
    add_hexadecimal(writer, value.whole);
    *exact = false;
  }
  return true;
}

static bool add_attribute(struct bounded_text *writer, struct byte_slice *attributes, bool *exact) {
  struct byte_slice type;
  struct der_element value;
  const char *name;
  if (exact != NULL) {
    return add_login_attribute(writer, attributes, exact);
  }
  if (!take_attribute(attributes, &type, &value)) {
    return false;
  }
  name = attribute_type_name(type);
  if (name != NULL) {
    bounded_text_add_string(writer, name);
  } else {
    add_dotted_decimal(writer, type);
  }
  bounded_text_add_string(writer, "=");
  if (name != NULL && is_readable(value.tag, value.content)) {
    add_string(writer, value.tag, value.content);
  } else {
    add_hexadecimal(writer, value.whole);
  }
  return true;
}

static void add_relative_name(struct bounded_text *writer, struct byte_slice attributes, bool *exact) {
  while (attributes.length > 0 && add_attribute(writer, &attributes, exact)) {
    if (attributes.length > 0) {
      bounded_text_add_string(writer, "+");
    }
  }
}

static size_t count_relative_names(struct byte_slice names) {
  struct der_element element;
  size_t count = 0;
  while (der_read(&names, &element)) {
    count++;
  }
  return count;
}

static struct byte_slice relative_name_at(struct byte_slice names, size_t index) {
  struct der_element element = {0, {NULL, 0}, {NULL, 0}};
  size_t i;
  for (i = 0; i <= index && der_read(&names, &element); i++) {
  }
  return element.content;
}

/* \param [in,out] exact NULL: not as a login name */
static size_t format_name(struct byte_slice name, char *text, size_t capacity, bool *exact) {
  struct bounded_text writer;
  struct byte_slice names;
  size_t left;
  bounded_text_init(&writer, text, capacity);
  if (!der_read_tagged(&name, DER_SEQUENCE, &names)) {
    return 0;
  }
  for (left = count_relative_names(names); left > 0; left--) {
    add_relative_name(&writer, relative_name_at(names, left - 1), exact);
    if (left > 1) {
      bounded_text_add_string(&writer, ",");
    }
  }
  return writer.needed;
}

size_t certificate_format_name(struct byte_slice name, char *text, size_t capacity) {
  return format_name(name, text, capacity, NULL);
}

size_t certificate_format_login_name(struct byte_slice name, char *text, size_t capacity, bool *exact) {
  *exact = true;
  return format_name(name, text, capacity, exact);
}

static void add_characters(struct bounded_text *writer, const struct der_element *value, bool *exact) {
  struct byte_slice string = value->content;
  if (!erlang_reads(OID_COMMON_NAME, value)) {
    *exact = false;
    return;
  }
  while (string.length > 0) {
    uint8_t bytes[CHARACTER_BYTES];
    const size_t count = take_character(value->tag, &string, bytes);
    bounded_text_add(writer, (const char *)bytes, count);
  }
}

size_t certificate_join_common_names(struct byte_slice name, char *text, size_t capacity, size_t *count, bool *exact) {
  struct bounded_text writer;
  struct byte_slice names, attributes, type;
  struct der_element value;
  bounded_text_init(&writer, text, capacity);
  *count = 0;
  *exact = true;
  if (!der_read_tagged(&name, DER_SEQUENCE, &names)) {
    return 0;
  }
  while (der_read_tagged(&names, DER_SET, &attributes)) {
    while (take_attribute(&attributes, &type, &value)) {
      if (object_identifier_find(type) == OID_COMMON_NAME) {
        bounded_text_add_string(&writer, *count > 0 ? "," : "");
        add_characters(&writer, &value, exact);
        (*count)++;
      }
    }
  }
  return writer.needed;
}

static void add_ipv4(struct bounded_text *writer, const uint8_t *address) {
  size_t i;
  for (i = 0; i < 4; i++) {
    add_number(writer, i == 0 ? "" : ".", address[i]);
  }
}

static unsigned address_group(const uint8_t *address, size_t index) {
  return (unsigned)address[2 * index] << 8 | address[2 * index + 1];
}

/* The longest run of zero groups, the first among equals, at least two (RFC 5952, section 4.2). */
static size_t longest_zero_run(const uint8_t *address, size_t groups, size_t *start) {
  size_t longest = 1;
  size_t run = 0;
  size_t i;
  *start = groups;
  for (i = 0; i < groups; i++) {
    run = address_group(address, i) == 0 ? run + 1 : 0;
    if (run > longest) {
      longest = run;
      *start = i + 1 - run;
    }
  }
  return *start == groups ? 0 : longest;
}

static void add_ipv6(struct bounded_text *writer, const uint8_t *address) {
  static const uint8_t mapped_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  const bool is_mapped = memcmp(address, mapped_prefix, sizeof mapped_prefix) == 0;
  const size_t groups = is_mapped ? 6 : 8;
  size_t start;
  const size_t run = longest_zero_run(address, groups, &start);
  const char *separator = "";
  size_t i = 0;
  while (i < groups) {
    char group[8];
    if (run > 0 && i == start) {
      bounded_text_add_string(writer, "::");
      separator = "";
      i += run;
      continue;
    }
    (void)snprintf(group, sizeof group, "%s%x", separator, address_group(address, i));
    bounded_text_add_string(writer, group);
    separator = ":";
    i++;
  }
  if (is_mapped) { /* RFC 5952, section 5 */
    bounded_text_add_string(writer, ":");
    add_ipv4(writer, address + 12);
  }
}

static void add_address(struct bounded_text *writer, struct byte_slice value) {
  size_t i;
  if (value.length == 4) {
    add_ipv4(writer, value.bytes);
  } else if (value.length == 16) {
    add_ipv6(writer, value.bytes);
  } else {
    for (i = 0; i < value.length; i++) {
      char escaped[3];
      bounded_text_escape(value.bytes[i], escaped);
      bounded_text_add(writer, escaped, sizeof escaped);
    }
  }
}

size_t certificate_format_alternative_name(enum certificate_name_kind kind, struct byte_slice value, char *text,
                                           size_t capacity) {
  struct bounded_text writer;
  bounded_text_init(&writer, text, capacity);
  switch (kind) {
    case CERTIFICATE_NAME_DNS:
      bounded_text_add_string(&writer, "DNS:");
      bounded_text_add_printable(&writer, value.bytes, value.length);
      break;
    case CERTIFICATE_NAME_IP:
      bounded_text_add_string(&writer, "IP:");
      add_address(&writer, value);
      break;
    case CERTIFICATE_NAME_EMAIL:
      bounded_text_add_string(&writer, "email:");
      bounded_text_add_printable(&writer, value.bytes, value.length);
      break;
    case CERTIFICATE_NAME_URI:
      bounded_text_add_string(&writer, "URI:");
      bounded_text_add_printable(&writer, value.bytes, value.length);
      break;
    case CERTIFICATE_NAME_OTHER:
      bounded_text_add_string(&writer, "other");
      break;
  }
  return writer.needed;
}

size_t certificate_format_identifier(struct byte_slice identifier, char *text, size_t capacity) {
  struct bounded_text writer;
  bounded_text_init(&writer, text, capacity);
  add_dotted_decimal(&writer, identifier);
  return writer.needed;
}
