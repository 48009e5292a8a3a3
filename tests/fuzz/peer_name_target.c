/* SPDX-License-Identifier: MIT */
/* The names of a certificate against those of servers. */
#include "properties.h"
#include "targets.h"

#include <stdlib.h>
#include <strings.h>

#include "exact_copy.h"
#include "verification/peer_name.h"
#include "verification/peer_uri.h"

static const char *const servers[] = {"localhost", "rabbitmq", "node1.broker.test", "127.0.0.1", "::1", "a.example"};

/* RFC 9525 in short: the same text, or a star for the first label. That the text is a host name is checked nowhere
 * here, so this says yes more often. */
static bool may_cover(const char *dns, struct byte_slice value) {
  char text[PEER_NAME_DNS_LENGTH + 1];
  const char *rest = strchr(dns, '.');

  if (value.length > PEER_NAME_DNS_LENGTH) {
    return false;
  }
  memcpy(text, value.bytes, value.length);
  text[value.length] = '\0';
  return strlen(text) == value.length &&
         (strcasecmp(text, dns) == 0 ||
          (text[0] == '*' && rest != NULL && strcasecmp(text + 1, rest) == 0 && strchr(rest + 1, '.') != NULL));
}

static bool any_may_cover(const struct peer_name *name, struct byte_slice names) {
  enum certificate_name_kind kind;
  struct byte_slice value;

  while (certificate_next_name(&names, &kind, &value)) {
    const struct byte_slice address = {name->address, name->address_length};

    if (name->kind == PEER_NAME_DNS ? kind == CERTIFICATE_NAME_DNS && may_cover(name->dns, value)
                                    : kind == CERTIFICATE_NAME_IP && byte_slices_equal(value, address)) {
      return true;
    }
  }
  return false;
}

static void match_servers(struct byte_slice names) {
  const struct certificate certificate = {.alternative_names = names};

  for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++) {
    struct peer_name name;

    REQUIRE(peer_name_parse(&name, servers[i]));
    if (peer_name_matches_certificate(&name, &certificate)) {
      REQUIRE(any_may_cover(&name, names));
      fuzz_accepted++;
    } else {
      REQUIRE(name.kind == PEER_NAME_DNS || !any_may_cover(&name, names));
    }
  }
}

/* A name of the certificate as if a person had typed it. */
static void parse(struct byte_slice value) {
  char *text = malloc(value.length + 1);
  struct peer_name name;

  REQUIRE(text != NULL);
  if (value.length > 0) {
    memcpy(text, value.bytes, value.length);
  }
  text[value.length] = '\0';
  if (peer_name_parse(&name, text)) {
    const size_t length = strlen(name.dns);

    REQUIRE((name.kind == PEER_NAME_DNS) == (length > 0));
    REQUIRE((peer_name_for_sni(&name) != NULL) == (name.kind == PEER_NAME_DNS));
    REQUIRE(name.kind != PEER_NAME_DNS || peer_name_matches_dns(&name, (const uint8_t *)name.dns, length));
    REQUIRE(name.kind == PEER_NAME_DNS || !peer_name_matches_dns(&name, value.bytes, value.length));
  }
  free(text);
}

/* A name of the certificate as if it were the URI a program expects: the certificate carries it only as a URI, and as a
   SPIFFE ID only once. */
static void expect_uri(struct byte_slice value, struct byte_slice names) {
  const struct certificate certificate = {.alternative_names = names};
  char *text = malloc(value.length + 1);
  size_t uris = 0;
  size_t equal = 0;
  enum certificate_name_kind kind;

  REQUIRE(text != NULL);
  if (value.length > 0) {
    memcpy(text, value.bytes, value.length);
  }
  text[value.length] = '\0';
  while (certificate_next_name(&names, &kind, &value)) {
    uris += kind == CERTIFICATE_NAME_URI;
    equal +=
        kind == CERTIFICATE_NAME_URI && value.length == strlen(text) && memcmp(value.bytes, text, value.length) == 0;
  }
  if (peer_uri_fault(text) == NULL) {
    const bool alone = strncmp(text, "spiffe://", strlen("spiffe://")) != 0 || uris == 1;

    REQUIRE((peer_uri_judge(text, &certificate) == PEER_URI_CARRIED) == (equal > 0 && alone));
    REQUIRE((peer_uri_judge(text, &certificate) == PEER_URI_MISSING) == (equal == 0));
  }
  free(text);
}

static void parse_each(struct byte_slice names) {
  const struct byte_slice all = names;
  enum certificate_name_kind kind;
  struct byte_slice value;

  while (certificate_next_name(&names, &kind, &value)) {
    parse(value);
    expect_uri(value, all);
  }
}

int fuzz_peer_name(const uint8_t *data, size_t size) {
  uint8_t *copy = exact_copy(data, size);
  const struct byte_slice names = {copy, size};

  match_servers(names);
  parse_each(names);
  free(copy);
  return 0;
}
