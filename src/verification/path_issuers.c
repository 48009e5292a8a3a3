/* SPDX-License-Identifier: MIT */
/*
 * Who issued whom: by name first, then by a signature that we check with the issuer's key. Nothing is looked at twice,
 * and signatures that would not count are not checked.
 */
#include "autoconfig.h"

#include "verification/path_search.h"

#include <string.h>

#include "policy/policy.h"
#include "x509/signature.h"

/* ---- What is at hand ---- */

bool search_read_anchor(const struct search *search, size_t anchor, struct certificate *certificate) {
  const struct certificate_der *der = &search->question->anchors->items[anchor];

  return certificate_read(certificate, der->bytes, der->length);
}

struct sent_certificate *search_at_depth(struct search *search, size_t depth) {
  return &search->sent[search->places[depth]];
}

static bool are_same(const struct certificate *one, const struct certificate *other) {
  return byte_slices_equal(one->public_key, other->public_key) && certificate_names_equal(one->subject, other->subject);
}

/* \return the first place with this certificate's name and key: its own, perhaps */
static size_t find_same(const struct search *search, size_t place) {
  size_t i = 0;

  while (i < place && !(search->sent[i].readable && search->sent[place].readable &&
                        are_same(&search->sent[i].certificate, &search->sent[place].certificate))) {
    i++;
  }
  return i;
}

void search_read_sent(struct search *search) {
  const struct certificate_list *list = search->question->sent;

  search->count = list->count < PATH_CERTIFICATES_MAXIMUM ? list->count : PATH_CERTIFICATES_MAXIMUM;
  for (size_t i = 0; i < search->count; i++) {
    struct sent_certificate *sent = &search->sent[i];

    sent->readable = certificate_read(&sent->certificate, list->items[i].bytes, list->items[i].length) &&
                     signed_object_read(&sent->object, list->items[i].bytes, list->items[i].length);
    sent->self_issued = sent->readable && certificate_names_equal(sent->certificate.subject, sent->certificate.issuer);
    sent->same_as = find_same(search, i);
  }
}

bool search_is_hinted(const struct certificate *issued, const struct certificate *issuer) {
  return issued->authority_key_identifier.length > 0 &&
         byte_slices_equal(issued->authority_key_identifier, issuer->key_identifier);
}

struct anchor_link *search_link(const struct search *search, size_t place, size_t anchor) {
  return &search->links[anchor * PATH_CERTIFICATES_MAXIMUM + place];
}

static bool has_anchor_the_name(const struct search *search, size_t anchor, struct byte_slice name) {
  const struct certificate_der *der = &search->question->anchors->items[anchor];
  struct byte_slice subject;

  return certificate_read_subject(der->bytes, der->length, &subject) && certificate_names_equal(subject, name);
}

void search_find_anchors_of(struct search *search, size_t place) {
  struct sent_certificate *sent = &search->sent[place];
  size_t found = 0;

  for (size_t i = 0; i < search->question->anchors->count; i++) {
    struct anchor_link *link = search_link(search, place, i);
    struct certificate anchor;

    link->edge = EDGE_NONE;
    if (has_anchor_the_name(search, i, sent->certificate.issuer)) {
      found++;
      link->edge = EDGE_NAMED;
      link->hinted = search_read_anchor(search, i, &anchor) && search_is_hinted(&sent->certificate, &anchor);
    }
  }
  if (found > search->namesakes) {
    search->namesakes = found;
    search->namesakes_of = sent->certificate.issuer;
  }
  sent->anchors_known = true;
}

/* The same bytes: a copy with another key or other names is a certificate like any other. */
size_t search_find_itself(const struct path_question *question) {
  const struct certificate_list *anchors = question->anchors;
  const struct certificate_der *broker = &question->sent->items[0];

  for (size_t i = 0; i < anchors->count; i++) {
    if (anchors->items[i].length == broker->length &&
        memcmp(anchors->items[i].bytes, broker->bytes, broker->length) == 0) {
      return i;
    }
  }
  return NO_ANCHOR;
}

/* ---- Fitness ---- */

amqp_wolfssl_code_t search_check_fitness(const struct search *search, const struct certificate *certificate,
                                         enum certificate_role role, size_t depth, amqp_wolfssl_error_t *error) {
  const struct fitness_question question = {.policy = search->question->policy,
                                            .now = search->question->now,
                                            .is_anchor_itself = search->trusted_itself != NO_ANCHOR};
  const amqp_wolfssl_code_t code = certificate_check_fitness(&question, certificate, role, error);
  char subject[ERROR_SUBJECT_LENGTH];

  if (code != AMQP_WOLFSSL_OK) {
    certificate_format_name(certificate->subject, subject, sizeof(subject));
    error_set_certificate(error, (int)depth, subject);
  }
  return code;
}

bool search_is_fit_as_ca(const struct search *search, struct sent_certificate *sent) {
  amqp_wolfssl_error_t unused;

  if (sent->as_ca == FITNESS_UNSEEN) {
    sent->as_ca = search_check_fitness(search, &sent->certificate, ROLE_INTERMEDIATE, 0, &unused) == AMQP_WOLFSSL_OK
                      ? FITNESS_GOOD
                      : FITNESS_BAD;
  }
  return sent->as_ca == FITNESS_GOOD;
}

bool search_is_fit_as_anchor(const struct search *search, size_t anchor) {
  enum fitness *fitness = &search->anchor_fitness[anchor];
  struct certificate certificate;
  amqp_wolfssl_error_t unused;

  if (*fitness == FITNESS_UNSEEN) {
    *fitness = search_read_anchor(search, anchor, &certificate) &&
                       search_check_fitness(search, &certificate, ROLE_ANCHOR, 0, &unused) == AMQP_WOLFSSL_OK
                   ? FITNESS_GOOD
                   : FITNESS_BAD;
  }
  return *fitness == FITNESS_GOOD;
}

/* ---- Signatures ---- */

/* Of RSA: a multiplication takes the square of the modulus' length, and each bit of the exponent takes one or two. */
static unsigned cost_of_rsa(unsigned key_bits, unsigned exponent_bits) {
  const uint64_t words = key_bits / 64 + 1;
  const uint64_t cost = 1 + words * words * exponent_bits / (UINT64_C(64) * 64 * 128);

  return cost < PATH_WORK_MAXIMUM ? (unsigned)cost : PATH_WORK_MAXIMUM;
}

static unsigned cost_of_key(const struct certificate *issuer) {
  if (issuer->key_kind == CERTIFICATE_KEY_RSA) {
    return cost_of_rsa(issuer->key_bits, issuer->exponent_bits);
  }
  return issuer->key_bits <= 256 ? 1 : issuer->key_bits <= 384 ? 2 : 3;
}

/* A signature that would not count is not checked. */
static bool is_allowed(const struct search *search, const struct certificate *issued,
                       const struct certificate *issuer) {
  const struct policy *policy = search->question->policy;
  char reason[160];

  return policy_allows_key(policy, issuer, reason, sizeof(reason)) &&
         policy_allows_signature(policy, issued, reason, sizeof(reason)) &&
         issuer->exponent_bits <= CERTIFICATE_EXPONENT_BITS_MAXIMUM;
}

static enum edge check_signature(struct search *search, const struct sent_certificate *issued,
                                 const struct certificate *issuer) {
  const unsigned cost = cost_of_key(issuer);

  if (!is_allowed(search, &issued->certificate, issuer)) {
    return EDGE_UNVERIFIABLE;
  }
  if (cost > PATH_WORK_MAXIMUM - search->work) {
    search->stop = STOP_TOO_MUCH;
    return EDGE_NAMED;
  }
  search->work += cost;
  search->path->signature_checks++;
  switch (signature_check(&issued->object, issuer->public_key)) {
    case SIGNATURE_GOOD:
      return EDGE_SIGNED;
    case SIGNATURE_UNSUPPORTED:
      return EDGE_UNVERIFIABLE;
    case SIGNATURE_NO_MEMORY:
      search->stop = STOP_NO_MEMORY;
      return EDGE_NAMED;
    case SIGNATURE_WRONG:
    case SIGNATURE_REFUSED:
      break;
  }
  return EDGE_NOT_SIGNED;
}

enum edge search_look_at_name(struct search *search, size_t issued, size_t issuer) {
  enum edge *edge = &search->edges[issued][issuer];

  if (*edge == EDGE_UNSEEN) {
    *edge = search->sent[issuer].readable && certificate_names_equal(search->sent[issued].certificate.issuer,
                                                                     search->sent[issuer].certificate.subject)
                ? EDGE_NAMED
                : EDGE_NONE;
  }
  return *edge;
}

enum edge search_look_at_signature(struct search *search, size_t issued, size_t issuer) {
  enum edge *edge = &search->edges[issued][issuer];

  if (search_look_at_name(search, issued, issuer) == EDGE_NAMED) {
    *edge = check_signature(search, &search->sent[issued], &search->sent[issuer].certificate);
  }
  return *edge;
}

enum edge search_look_at_anchor(struct search *search, size_t issued, size_t anchor) {
  enum edge *edge = &search_link(search, issued, anchor)->edge;
  const unsigned checks = search->path->signature_checks;
  struct certificate certificate;

  if (*edge == EDGE_NAMED) {
    *edge = search_read_anchor(search, anchor, &certificate)
                ? check_signature(search, &search->sent[issued], &certificate)
                : EDGE_UNVERIFIABLE;
    search->anchor_checks += search->path->signature_checks - checks;
  }
  return *edge;
}

/* ---- Certificates in error sentences ---- */

void search_describe_at(struct search *search, size_t depth, char text[CERTIFICATE_DESCRIPTION_LENGTH]) {
  certificate_describe(&search_at_depth(search, depth)->certificate, depth == 0 ? ROLE_BROKER : ROLE_INTERMEDIATE, text,
                       CERTIFICATE_DESCRIPTION_LENGTH);
}

void search_name_certificate(const struct certificate *certificate, size_t depth, amqp_wolfssl_error_t *error) {
  char subject[ERROR_SUBJECT_LENGTH];

  certificate_format_name(certificate->subject, subject, sizeof(subject));
  error_set_certificate(error, (int)depth, subject);
}
