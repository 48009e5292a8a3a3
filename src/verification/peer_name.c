/* SPDX-License-Identifier: MIT */
/*
 * The host name check: what a person typed against what a certificate says (RFC 9525). Both sides go through the same
 * rules for DNS names; what does not follow them never matches. ASCII only, and the same in every locale.
 */
#include "verification/peer_name.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/ascii.h"

#define LABEL_LENGTH 63 /* RFC 1035, section 2.3.4 */

static bool is_digit(char character) { return character >= '0' && character <= '9'; }

static bool is_hexadecimal_digit(char character) {
  return is_digit(character) || (character >= 'a' && character <= 'f') || (character >= 'A' && character <= 'F');
}

static char lower_case(char character) { return (char)ascii_lower((uint8_t)character); }

/* The underscore is not a host name character, but names with it are in use and resolve. */
static bool is_label_character(char character) {
  const char lower = lower_case(character);
  return (lower >= 'a' && lower <= 'z') || is_digit(character) || character == '-' || character == '_';
}

static bool is_label(const char *label, size_t length) {
  size_t i;
  for (i = 0; i < length; i++) {
    if (!is_label_character(label[i])) {
      return false;
    }
  }
  return length > 0 && length <= LABEL_LENGTH;
}

/* Resolvers read such a last label as part of an IPv4 address: 127.1, 2130706433, 0x7f000001. No top-level domain
 * has one. */
static bool is_number(const char *label, size_t length) {
  const bool is_hexadecimal = length >= 2 && label[0] == '0' && lower_case(label[1]) == 'x';
  size_t i;
  for (i = is_hexadecimal ? 2 : 0; i < length; i++) {
    if (!(is_hexadecimal ? is_hexadecimal_digit(label[i]) : is_digit(label[i]))) {
      return false;
    }
  }
  return true;
}

static size_t label_end(const char *name, size_t length, size_t start) {
  size_t end = start;
  while (end < length && name[end] != '.') {
    end++;
  }
  return end;
}

/* Takes a DNS name without a trailing dot. Returns the number of its labels, or 0 if it is not a DNS name. */
static size_t count_labels(const char *name, size_t length) {
  size_t labels = 0;
  size_t start = 0;
  if (length > PEER_NAME_DNS_LENGTH) {
    return 0;
  }
  for (;;) {
    const size_t end = label_end(name, length, start);
    if (!is_label(name + start, end - start)) {
      return 0;
    }
    labels++;
    if (end == length) {
      return is_number(name + start, end - start) ? 0 : labels;
    }
    start = end + 1;
  }
}

static bool parse_ipv4(struct peer_name *name, const char *text) {
  /* inet_pton() reads four decimal numbers and no other form, unlike inet_aton(). */
  if (inet_pton(AF_INET, text, name->address) != 1) {
    return false;
  }
  name->kind = PEER_NAME_IPV4;
  name->address_length = 4;
  return true;
}

/* What may follow the % of a zone (RFC 4007, section 11.2): whatever an interface may be called. */
static bool is_zone(const char *zone, size_t length) {
  size_t i;
  for (i = 0; i < length; i++) {
    if (zone[i] <= ' ' || zone[i] > '~' || strchr("%[]/", zone[i]) != NULL) {
      return false;
    }
  }
  return length > 0;
}

static bool parse_ipv6(struct peer_name *name, const char *text) {
  char address[INET6_ADDRSTRLEN];
  size_t length = strlen(text);
  const char *percent;
  size_t address_length;
  if (length >= 2 && text[0] == '[' && text[length - 1] == ']') {
    text++;
    length -= 2;
  }
  percent = memchr(text, '%', length);
  address_length = percent == NULL ? length : (size_t)(percent - text);
  if (address_length >= sizeof address || (percent != NULL && !is_zone(percent + 1, length - address_length - 1))) {
    return false;
  }
  memcpy(address, text, address_length);
  address[address_length] = '\0';
  if (inet_pton(AF_INET6, address, name->address) != 1) {
    return false;
  }
  name->kind = PEER_NAME_IPV6;
  name->address_length = 16;
  return true;
}

static bool parse_dns(struct peer_name *name, const char *text) {
  size_t length = strlen(text);
  size_t i;
  if (length > 0 && text[length - 1] == '.') {
    length--;
  }
  if (count_labels(text, length) == 0) {
    return false;
  }
  for (i = 0; i < length; i++) {
    name->dns[i] = lower_case(text[i]);
  }
  name->dns[length] = '\0';
  name->kind = PEER_NAME_DNS;
  return true;
}

bool peer_name_parse(struct peer_name *name, const char *text) {
  memset(name, 0, sizeof *name);
  if (text == NULL) {
    return false;
  }
  return parse_ipv4(name, text) || parse_ipv6(name, text) || parse_dns(name, text);
}

/* RFC 9525, section 6.3. \a suffix is the value from its first dot on. */
static bool matches_wildcard(const char *dns, const char *suffix, size_t suffix_length) {
  const char *rest = strchr(dns, '.');
  if (count_labels(suffix + 1, suffix_length - 1) < 2) { /* no *.com */
    return false;
  }
  return rest != NULL && strlen(rest) == suffix_length && ascii_equals_ignoring_case(rest, suffix, suffix_length);
}

bool peer_name_matches_dns(const struct peer_name *name, const uint8_t *value, size_t length) {
  const char *text = (const char *)value;
  if (name->kind != PEER_NAME_DNS || length == 0 || length > PEER_NAME_DNS_LENGTH) {
    return false;
  }
  if (length > 2 && text[0] == '*' && text[1] == '.') {
    return matches_wildcard(name->dns, text + 1, length - 1);
  }
  return count_labels(text, length) > 0 && strlen(name->dns) == length &&
         ascii_equals_ignoring_case(name->dns, text, length);
}

static bool matches_address(const struct peer_name *name, struct byte_slice value) {
  return name->kind != PEER_NAME_DNS && value.length == name->address_length &&
         memcmp(name->address, value.bytes, value.length) == 0;
}

bool peer_name_matches_certificate(const struct peer_name *name, const struct certificate *certificate) {
  struct byte_slice rest = certificate->alternative_names;
  struct byte_slice value;
  enum certificate_name_kind kind;
  while (certificate_next_name(&rest, &kind, &value)) {
    if (kind == CERTIFICATE_NAME_DNS && peer_name_matches_dns(name, value.bytes, value.length)) {
      return true;
    }
    if (kind == CERTIFICATE_NAME_IP && matches_address(name, value)) {
      return true;
    }
  }
  return false;
}

const char *peer_name_for_sni(const struct peer_name *name) { return name->kind == PEER_NAME_DNS ? name->dns : NULL; }
