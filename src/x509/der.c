/* SPDX-License-Identifier: MIT */
/*
 * The DER reader. Bytes may come from a peer that is not authenticated yet, so each length is checked against what is
 * left before it is used.
 */
#include "x509/der.h"

/* Certificates never come near 4 GiB, and four bytes fit a size_t everywhere. */
#define LENGTH_BYTES_MAXIMUM 4

static uint8_t take_byte(struct byte_slice *rest) {
  uint8_t byte = rest->bytes[0];
  rest->bytes++;
  rest->length--;
  return byte;
}

static bool read_long_length(struct byte_slice *rest, size_t count, size_t *length) {
  size_t i;
  *length = 0;
  if (count == 0 || count > LENGTH_BYTES_MAXIMUM || count > rest->length) {
    return false;
  }
  for (i = 0; i < count; i++) {
    *length = (*length << 8) | take_byte(rest);
  }
  /* Shortest form (X.690, section 10.1): the short form below 128, and no leading zero byte. */
  return *length >= 128 && (*length >> (8 * (count - 1))) != 0;
}

static bool read_length(struct byte_slice *rest, size_t *length) {
  uint8_t first;
  if (rest->length == 0) {
    return false;
  }
  first = take_byte(rest);
  if (first < 0x80) {
    *length = first;
    return true;
  }
  return read_long_length(rest, first & 0x7fu, length);
}

bool der_read(struct byte_slice *rest, struct der_element *element) {
  struct byte_slice start = *rest;
  size_t length;
  if (rest->length == 0) {
    return false;
  }
  element->tag = take_byte(rest);
  /* Tag numbers above 30 take more bytes; nothing that is read here has one. */
  if ((element->tag & 0x1f) == 0x1f || !read_length(rest, &length) || length > rest->length) {
    return false;
  }
  element->content.bytes = rest->bytes;
  element->content.length = length;
  rest->bytes += length;
  rest->length -= length;
  element->whole.bytes = start.bytes;
  element->whole.length = start.length - rest->length;
  return true;
}

bool der_read_tagged(struct byte_slice *rest, uint8_t tag, struct byte_slice *content) {
  struct der_element element;
  if (!der_read(rest, &element) || element.tag != tag) {
    return false;
  }
  *content = element.content;
  return true;
}

bool der_next_is(const struct byte_slice *rest, uint8_t tag) { return rest->length > 0 && rest->bytes[0] == tag; }

bool der_read_boolean(struct byte_slice *rest, bool *value) {
  struct byte_slice content;
  if (!der_read_tagged(rest, DER_BOOLEAN, &content) || content.length != 1) {
    return false;
  }
  *value = content.bytes[0] == 0xff;
  return *value || content.bytes[0] == 0;
}

bool der_read_integer(struct byte_slice *rest, struct byte_slice *content) {
  if (!der_read_tagged(rest, DER_INTEGER, content) || content->length == 0) {
    return false;
  }
  if (content->length == 1) {
    return true;
  }
  /* Shortest form (X.690, section 8.3.2): the first nine bits are not all alike. */
  return !(content->bytes[0] == 0 && content->bytes[1] < 0x80) &&
         !(content->bytes[0] == 0xff && content->bytes[1] >= 0x80);
}

bool der_is_object_identifier(struct byte_slice content) {
  bool at_start = true;
  size_t i;
  for (i = 0; i < content.length; i++) {
    if (at_start && content.bytes[i] == 0x80) {
      return false; /* padding in front of an arc */
    }
    at_start = content.bytes[i] < 0x80;
  }
  return content.length > 0 && at_start;
}

bool der_read_object_identifier(struct byte_slice *rest, struct byte_slice *content) {
  return der_read_tagged(rest, DER_OBJECT_IDENTIFIER, content) && der_is_object_identifier(*content);
}

bool der_read_bit_string(struct byte_slice *rest, struct byte_slice *bits) {
  if (!der_read_tagged(rest, DER_BIT_STRING, bits) || bits->length == 0) {
    return false;
  }
  return take_byte(bits) == 0;
}

static bool take_decimal(struct byte_slice *text, size_t digits, unsigned minimum, unsigned maximum, unsigned *value) {
  size_t i;
  *value = 0;
  if (text->length < digits) {
    return false;
  }
  for (i = 0; i < digits; i++) {
    uint8_t digit = take_byte(text);
    if (digit < '0' || digit > '9') {
      return false;
    }
    *value = *value * 10 + (unsigned)(digit - '0');
  }
  return *value >= minimum && *value <= maximum;
}

static bool is_leap_year(unsigned year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

static unsigned days_in_month(unsigned year, unsigned month) {
  static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap_year(year) ? 29 : days[month - 1];
}

/* Days from 1970-01-01 in the Gregorian calendar, extended backwards; no timegm(), which is not in every C library. */
static int64_t days_since_1970(unsigned year, unsigned month, unsigned day) {
  const int64_t days_from_0000_to_1970 = 719528;
  int64_t years = year;
  int64_t days = years * 365;
  unsigned i;
  if (years > 0) { /* leap days of the years before this one; the year 0 is one */
    days += (years - 1) / 4 - (years - 1) / 100 + (years - 1) / 400 + 1;
  }
  for (i = 1; i < month; i++) {
    days += days_in_month(year, i);
  }
  return days + day - 1 - days_from_0000_to_1970;
}

/* What follows the year. RFC 5280: seconds always, GMT always, no fraction; a leap second can't be distinguished from a
   mistake. */
static bool read_time_in_year(struct byte_slice text, unsigned year, int64_t *seconds) {
  unsigned month, day, hour, minute, second;
  if (!take_decimal(&text, 2, 1, 12, &month) || !take_decimal(&text, 2, 1, days_in_month(year, month), &day) ||
      !take_decimal(&text, 2, 0, 23, &hour) || !take_decimal(&text, 2, 0, 59, &minute) ||
      !take_decimal(&text, 2, 0, 59, &second)) {
    return false;
  }
  *seconds = ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
  return text.length == 1 && text.bytes[0] == 'Z';
}

bool der_read_time(struct byte_slice *rest, int64_t *seconds) {
  struct der_element element;
  unsigned year;
  if (!der_read(rest, &element)) {
    return false;
  }
  if (element.tag == DER_UTC_TIME) {
    if (!take_decimal(&element.content, 2, 0, 99, &year)) {
      return false;
    }
    year += year < 50 ? 2000 : 1900; /* RFC 5280, section 4.1.2.5.1 */
  } else if (element.tag != DER_GENERALIZED_TIME || !take_decimal(&element.content, 4, 0, 9999, &year)) {
    return false;
  }
  return read_time_in_year(element.content, year, seconds);
}
