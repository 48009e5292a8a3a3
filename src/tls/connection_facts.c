/* SPDX-License-Identifier: MIT */
/* Facts about a connection, as text. */
#include "autoconfig.h"

#include "tls/connection_facts.h"

#include <stdlib.h>
#include <string.h>

#include "x509/certificate.h"

void connection_facts_init(struct connection_facts *facts) {
  memset(facts, 0, sizeof(*facts));
  facts->version = "";
  facts->suite = "";
  facts->group = "";
}

void connection_facts_free(struct connection_facts *facts) {
  free(facts->peer_subject);
  free(facts->peer_issuer);
  free(facts->own_subject);
  free(facts->own_certificate);
  for (size_t i = 0; i < facts->peer_name_count; i++) {
    free(facts->peer_names[i]);
  }
  free(facts->peer_names);
  connection_facts_init(facts);
}

static char *name_as_text(struct byte_slice name) {
  size_t length = certificate_format_name(name, NULL, 0);
  char *text = malloc(length + 1);

  if (text != NULL) {
    (void)certificate_format_name(name, text, length + 1);
  }
  return text;
}

static char *alternative_name_as_text(enum certificate_name_kind kind, struct byte_slice value) {
  size_t length = certificate_format_alternative_name(kind, value, NULL, 0);
  char *text = malloc(length + 1);

  if (text != NULL) {
    (void)certificate_format_alternative_name(kind, value, text, length + 1);
  }
  return text;
}

static bool fill_names(struct connection_facts *facts, const struct certificate *leaf) {
  struct byte_slice rest = leaf->alternative_names;
  enum certificate_name_kind kind;
  struct byte_slice value;
  size_t count = 0;

  while (certificate_next_name(&rest, &kind, &value)) {
    count++;
  }
  if (count == 0) {
    return true;
  }
  facts->peer_names = calloc(count, sizeof(*facts->peer_names));
  if (facts->peer_names == NULL) {
    return false;
  }
  rest = leaf->alternative_names;
  while (certificate_next_name(&rest, &kind, &value)) {
    char *text = alternative_name_as_text(kind, value);

    if (text == NULL) {
      return false;
    }
    facts->peer_names[facts->peer_name_count++] = text;
  }
  return true;
}

static bool fill_peer(struct connection_facts *facts, const struct certificate_list *chain) {
  struct certificate leaf;

  if (chain->count == 0 || !certificate_read(&leaf, chain->items[0].bytes, chain->items[0].length)) {
    facts->peer_subject = strdup("");
    facts->peer_issuer = strdup("");
    return facts->peer_subject != NULL && facts->peer_issuer != NULL;
  }
  facts->peer_not_before = leaf.not_before;
  facts->peer_not_after = leaf.not_after;
  facts->peer_subject = name_as_text(leaf.subject);
  facts->peer_issuer = name_as_text(leaf.issuer);
  return facts->peer_subject != NULL && facts->peer_issuer != NULL && fill_names(facts, &leaf);
}

static bool copy_own(struct connection_facts *facts, const struct certificate_der *leaf) {
  facts->own_certificate = malloc(leaf->length);
  if (facts->own_certificate == NULL) {
    return false;
  }
  memcpy(facts->own_certificate, leaf->bytes, leaf->length);
  facts->own_certificate_length = leaf->length;
  return true;
}

static bool fill_own(struct connection_facts *facts, const struct certificate_list *chain) {
  struct certificate leaf;

  if (chain->count == 0 || !certificate_read(&leaf, chain->items[0].bytes, chain->items[0].length)) {
    facts->own_subject = strdup("");
    return facts->own_subject != NULL;
  }
  facts->own_subject = name_as_text(leaf.subject);
  return facts->own_subject != NULL && copy_own(facts, &chain->items[0]);
}

bool connection_facts_fill(struct connection_facts *facts, const struct negotiated *negotiated,
                           const struct certificate_list *peer_chain, const struct certificate_list *own_chain) {
  connection_facts_free(facts);
  facts->version = negotiated->version == AMQP_WOLFSSL_TLS_1_3 ? "TLSv1.3" : "TLSv1.2";
  facts->suite = policy_suite_name(negotiated->suite);
  facts->group = policy_group_name(negotiated->group);
  facts->extended_master_secret = negotiated->extended_master_secret;
  if (fill_peer(facts, peer_chain) && fill_own(facts, own_chain)) {
    return true;
  }
  connection_facts_free(facts);
  return false;
}
