/* SPDX-License-Identifier: MIT */
/*
 * URIs of servers: the syntax of RFC 3986 as far as it leaves one spelling, the SPIFFE ID's narrower one, and the rules
 * for X.509-SVIDs.
 */
#include "verification/peer_uri.h"

#include <string.h>

#include "verification/peer_name.h"

#define SPIFFE "spiffe://"
#define AUTHORITY "://"

/* ---- Characters ---- */

static bool is_lower(char character) { return character >= 'a' && character <= 'z'; }

static bool is_upper(char character) { return character >= 'A' && character <= 'Z'; }

static bool is_digit(char character) { return character >= '0' && character <= '9'; }

static bool is_among(char character, const char *set) { return character != '\0' && strchr(set, character) != NULL; }

/* Of a trust domain. */
static bool is_domain_character(char character) {
  return is_lower(character) || is_digit(character) || is_among(character, ".-_");
}

/* Of a SPIFFE ID's path. */
static bool is_segment_character(char character) { return is_domain_character(character) || is_upper(character); }

/* pchar of RFC 3986, section 3.3, without the escape, which would be a second spelling. */
static bool is_path_character(char character) {
  return is_segment_character(character) || is_among(character, "~!$&'()*+,;=:@/");
}

/* ---- Parts ---- */

/* \a rest begins with a slash, or is empty. */
struct parts {
  size_t scheme_length;
  const char *host;
  size_t host_length;
  const char *path;
};

static const char *scheme_fault(const char *uri, struct parts *parts) {
  size_t i;

  for (i = 0; is_lower(uri[i]) || (i > 0 && (is_digit(uri[i]) || is_among(uri[i], "+-."))); i++) {
  }
  if (is_upper(uri[i])) {
    return "has a capital letter in its scheme, and certificates are compared byte for byte: write it in lower case";
  }
  if (i == 0 || strncmp(uri + i, AUTHORITY, strlen(AUTHORITY)) != 0) {
    return "is not of the form scheme://host/path";
  }
  parts->scheme_length = i;
  parts->host = uri + i + strlen(AUTHORITY);
  return NULL;
}

/* What RFC 3986 has besides scheme, host and path. */
static const char *extra_fault(const struct parts *parts) {
  if (strchr(parts->host, '#') != NULL) {
    return "has a fragment, which no server's name has";
  }
  if (strchr(parts->host, '?') != NULL) {
    return "has a query, which no server's name has";
  }
  if (strchr(parts->host, '%') != NULL) {
    return "has an escape (%), by which one name would have two spellings";
  }
  if (memchr(parts->host, '@', parts->host_length) != NULL) {
    return "has a user before its host (@)";
  }
  if (memchr(parts->host, ':', parts->host_length) != NULL) {
    return "has a port or an address, where only a host's name may stand";
  }
  return NULL;
}

static bool has_upper(const char *text, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if (is_upper(text[i])) {
      return true;
    }
  }
  return false;
}

static const char *trust_domain_fault(const struct parts *parts) {
  if (parts->host_length > PEER_URI_TRUST_DOMAIN_LENGTH) {
    return "has a trust domain of more than 255 bytes";
  }
  for (size_t i = 0; i < parts->host_length; i++) {
    if (!is_domain_character(parts->host[i])) {
      return "has a character in its trust domain that is not a letter, a digit, a dot, a hyphen or an underscore";
    }
  }
  return NULL;
}

static const char *dns_fault(const struct parts *parts) {
  char host[PEER_NAME_DNS_LENGTH + 1];
  struct peer_name name;

  if (parts->host_length >= sizeof(host)) {
    return "has a host that is not a DNS name";
  }
  memcpy(host, parts->host, parts->host_length);
  host[parts->host_length] = '\0';
  if (!peer_name_parse(&name, host) || name.kind != PEER_NAME_DNS || strcmp(name.dns, host) != 0) {
    return "has a host that is not a DNS name";
  }
  return NULL;
}

static const char *host_fault(const struct parts *parts, bool is_spiffe) {
  if (parts->host_length == 0) {
    return "has no host";
  }
  if (has_upper(parts->host, parts->host_length)) {
    return "has a capital letter in its host, and certificates are compared byte for byte: write it in lower case";
  }
  return is_spiffe ? trust_domain_fault(parts) : dns_fault(parts);
}

static const char *segment_fault(const char *segment, size_t length) {
  if (length == 0) {
    return "has an empty segment in its path, or a slash at its end";
  }
  if (strncmp(segment, "..", length) == 0 && length <= 2) {
    return "has a segment \".\" or \"..\" in its path";
  }
  for (size_t i = 0; i < length; i++) {
    if (!is_segment_character(segment[i])) {
      return "has a character in its path that is not a letter, a digit, a dot, a hyphen or an underscore";
    }
  }
  return NULL;
}

/* A SPIFFE ID without a path is that of a trust domain, and so of its CA (X509-SVID, section 2). */
static const char *spiffe_path_fault(const char *path) {
  const char *fault = NULL;

  if (*path == '\0') {
    return "names a trust domain, and no server in it: its path is missing";
  }
  while (*path != '\0' && fault == NULL) { /* at a slash */
    const char *segment = path + 1;
    const size_t length = strcspn(segment, "/");

    fault = segment_fault(segment, length);
    path = segment + length;
  }
  return fault;
}

static const char *path_fault(const char *path) {
  for (; *path != '\0'; path++) {
    if (!is_path_character(*path)) {
      return "has a character in its path that no URI has";
    }
  }
  return NULL;
}

static bool is_spiffe_id(const char *uri) { return strncmp(uri, SPIFFE, strlen(SPIFFE)) == 0; }

const char *peer_uri_fault(const char *uri) {
  struct parts parts = {0};
  const char *fault;

  if (strnlen(uri, PEER_URI_LENGTH + 1) > PEER_URI_LENGTH) {
    return "has more than 2048 bytes";
  }
  fault = scheme_fault(uri, &parts);
  if (fault != NULL) {
    return fault;
  }
  parts.host_length = strcspn(parts.host, "/?#");
  parts.path = parts.host + parts.host_length;
  fault = extra_fault(&parts);
  if (fault == NULL) {
    fault = host_fault(&parts, is_spiffe_id(uri));
  }
  if (fault != NULL) {
    return fault;
  }
  return is_spiffe_id(uri) ? spiffe_path_fault(parts.path) : path_fault(parts.path);
}

/* ---- Certificates ---- */

static bool is_uri(struct byte_slice value, const char *uri) {
  const size_t length = strlen(uri);

  return value.length == length && memcmp(value.bytes, uri, length) == 0;
}

static bool carries(const char *uri, const struct certificate *certificate, size_t *count) {
  struct byte_slice rest = certificate->alternative_names;
  struct byte_slice value;
  enum certificate_name_kind kind;
  bool found = false;

  *count = 0;
  while (certificate_next_name(&rest, &kind, &value)) {
    if (kind == CERTIFICATE_NAME_URI) {
      (*count)++;
      found = found || is_uri(value, uri);
    }
  }
  return found;
}

enum peer_uri_verdict peer_uri_judge(const char *uri, const struct certificate *certificate) {
  size_t count;

  if (!carries(uri, certificate, &count)) {
    return PEER_URI_MISSING;
  }
  if (!is_spiffe_id(uri)) {
    return PEER_URI_CARRIED;
  }
  if (count != 1) {
    return PEER_URI_NOT_ALONE;
  }
  if (certificate->is_ca) {
    return PEER_URI_IS_CA;
  }
  if (certificate->may_certify) {
    return PEER_URI_MAY_CERTIFY;
  }
  return certificate->has_key_usage && certificate->may_sign_lists ? PEER_URI_MAY_SIGN_CRL : PEER_URI_CARRIED;
}
