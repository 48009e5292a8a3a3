/* SPDX-License-Identifier: MIT */
/*
 * The search goes up from the broker's certificate, depth first, anchors before certificates that were sent. At each
 * anchor the whole path is judged; if it does not hold, the search goes on.
 *
 * It is done twice at most. The first time certificates that are unfit for any path are left out, so that a good path
 * is found at small cost. If there is none, the second time they take part: only then can be said what is wrong with
 * the best path. The second search never accepts.
 */
#include "autoconfig.h"

#include "verification/path.h"

#include <stdio.h>
#include <stdlib.h>

#include "policy/policy.h"
#include "verification/certificate_fitness.h"
#include "verification/certificate_policies.h"
#include "verification/name_constraints.h"
#include "x509/certificate.h"
#include "x509/distinguished_name.h"
#include "x509/signature.h"

/* A certificate in a sentence. */
#define DESCRIPTION_LENGTH (ERROR_SUBJECT_LENGTH + 64)

/* Anchors of one name. */
#define ANCHORS_TRIED 8

/* Certificates that the search comes to, the same ones on other paths included. */
#define STEPS_MAXIMUM 256

/* Pairs of a name and a subtree. */
#define COMPARISONS_MAXIMUM 16384

#define NO_ANCHOR SIZE_MAX

/* Whether one certificate issued another. */
enum edge {
  EDGE_UNSEEN,
  EDGE_NONE,         /* it has another name */
  EDGE_NAMED,        /* it has the name; the signature has not been looked at */
  EDGE_SIGNED,       /* by its key */
  EDGE_NOT_SIGNED,   /* by its key */
  EDGE_UNVERIFIABLE, /* a signature or key that counts for nothing, or that wolfCrypt does not know */
};

enum fitness { FITNESS_UNSEEN, FITNESS_GOOD, FITNESS_BAD };

struct sent_certificate {
  struct certificate certificate;
  struct signed_object object;
  bool readable;
  bool self_issued;
  enum fitness as_ca;
  bool anchors_known;
  size_t anchor_count;
  size_t anchors[ANCHORS_TRIED]; /* those of its issuer's name */
  enum edge anchor_edges[ANCHORS_TRIED];
};

enum stop { STOP_NOT, STOP_FOUND, STOP_EXPLAINED, STOP_TOO_MUCH, STOP_NO_MEMORY };

/* How much of a path there was, for choosing the failure to report. */
enum rank {
  RANK_NONE,
  RANK_DEAD_END, /* it led to no anchor */
  RANK_UNFIT,    /* it led to one, over a certificate that is unfit for any path */
  RANK_BROKEN    /* its certificates are fit, and break one another's limits */
};

struct search {
  const struct path_question *question;
  struct path *path;
  amqp_wolfssl_error_t *error; /* of the best path that failed */
  enum rank rank;
  size_t dead_end_length;
  bool explaining; /* the second search */
  enum stop stop;
  unsigned work;
  unsigned steps;
  size_t comparisons;    /* left */
  size_t trusted_itself; /* the anchor that the broker's certificate is, or NO_ANCHOR */
  size_t length;
  uint8_t places[PATH_LENGTH_MAXIMUM]; /* the path so far */
  size_t count;
  struct sent_certificate sent[PATH_CERTIFICATES_MAXIMUM];
  enum edge edges[PATH_CERTIFICATES_MAXIMUM][PATH_CERTIFICATES_MAXIMUM]; /* [issued][issuer] */
};

/* ---- What is at hand ---- */

static bool read_anchor(const struct search *search, size_t anchor, struct certificate *certificate) {
  const struct certificate_der *der = &search->question->anchors->items[anchor];

  return certificate_read(certificate, der->bytes, der->length);
}

static struct sent_certificate *at_depth(struct search *search, size_t depth) {
  return &search->sent[search->places[depth]];
}

static void read_sent(struct search *search) {
  const struct certificate_list *list = search->question->sent;

  search->count = list->count < PATH_CERTIFICATES_MAXIMUM ? list->count : PATH_CERTIFICATES_MAXIMUM;
  for (size_t i = 0; i < search->count; i++) {
    struct sent_certificate *sent = &search->sent[i];

    sent->readable = certificate_read(&sent->certificate, list->items[i].bytes, list->items[i].length) &&
                     signed_object_read(&sent->object, list->items[i].bytes, list->items[i].length);
    sent->self_issued = sent->readable && certificate_names_equal(sent->certificate.subject, sent->certificate.issuer);
  }
}

static void find_anchors_of(const struct search *search, struct sent_certificate *sent) {
  const struct certificate_list *anchors = search->question->anchors;

  for (size_t i = 0; i < anchors->count && sent->anchor_count < ANCHORS_TRIED; i++) {
    struct byte_slice subject;

    if (certificate_read_subject(anchors->items[i].bytes, anchors->items[i].length, &subject) &&
        certificate_names_equal(subject, sent->certificate.issuer)) {
      sent->anchors[sent->anchor_count] = i;
      sent->anchor_edges[sent->anchor_count] = EDGE_NAMED;
      sent->anchor_count++;
    }
  }
  sent->anchors_known = true;
}

/* The same bytes: a copy with another key or other names is a certificate like any other. */
static size_t find_itself(const struct path_question *question) {
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

static amqp_wolfssl_code_t check_fitness(const struct search *search, const struct certificate *certificate,
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

static bool is_fit_as_ca(const struct search *search, struct sent_certificate *sent) {
  amqp_wolfssl_error_t unused;

  if (sent->as_ca == FITNESS_UNSEEN) {
    sent->as_ca = check_fitness(search, &sent->certificate, ROLE_INTERMEDIATE, 0, &unused) == AMQP_WOLFSSL_OK
                      ? FITNESS_GOOD
                      : FITNESS_BAD;
  }
  return sent->as_ca == FITNESS_GOOD;
}

/* ---- Signatures ---- */

static unsigned cost_of_key(const struct certificate *issuer) {
  if (issuer->key_kind == CERTIFICATE_KEY_RSA) {
    return (issuer->key_bits + 4095) / 4096 * (issuer->exponent_bits > 64 ? 2 : 1);
  }
  return issuer->key_bits <= 256 ? 1 : issuer->key_bits <= 384 ? 2 : 3;
}

/* What would count for nothing is not computed. */
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

static enum edge look_at_name(struct search *search, size_t issued, size_t issuer) {
  enum edge *edge = &search->edges[issued][issuer];

  if (*edge == EDGE_UNSEEN) {
    *edge = search->sent[issuer].readable && certificate_names_equal(search->sent[issued].certificate.issuer,
                                                                     search->sent[issuer].certificate.subject)
                ? EDGE_NAMED
                : EDGE_NONE;
  }
  return *edge;
}

static enum edge look_at_signature(struct search *search, size_t issued, size_t issuer) {
  enum edge *edge = &search->edges[issued][issuer];

  if (look_at_name(search, issued, issuer) == EDGE_NAMED) {
    *edge = check_signature(search, &search->sent[issued], &search->sent[issuer].certificate);
  }
  return *edge;
}

static enum edge look_at_anchor(struct search *search, struct sent_certificate *issued, size_t index) {
  enum edge *edge = &issued->anchor_edges[index];
  struct certificate anchor;

  if (*edge == EDGE_NAMED) {
    *edge = read_anchor(search, issued->anchors[index], &anchor) ? check_signature(search, issued, &anchor)
                                                                 : EDGE_UNVERIFIABLE;
  }
  return *edge;
}

/* Only the second search goes on over what can't be verified, to say so. */
static bool leads_on(const struct search *search, enum edge edge) {
  return edge == EDGE_SIGNED || (search->explaining && edge == EDGE_UNVERIFIABLE);
}

/* ---- The limits that certificates set one another ---- */

/* A CA on the path: one of those sent, or the anchor, which is at the path's length. */
struct authority {
  const struct certificate *certificate;
  enum certificate_role role;
  size_t depth;
};

static struct authority find_authority(struct search *search, const struct certificate *anchor, size_t depth) {
  if (depth == search->length) {
    return (struct authority){anchor, ROLE_ANCHOR, depth};
  }
  return (struct authority){&at_depth(search, depth)->certificate, ROLE_INTERMEDIATE, depth};
}

static void describe_at(struct search *search, size_t depth, char text[DESCRIPTION_LENGTH]) {
  certificate_describe(&at_depth(search, depth)->certificate, depth == 0 ? ROLE_BROKER : ROLE_INTERMEDIATE, text,
                       DESCRIPTION_LENGTH);
}

static void name_certificate(const struct certificate *certificate, size_t depth, amqp_wolfssl_error_t *error) {
  char subject[ERROR_SUBJECT_LENGTH];

  certificate_format_name(certificate->subject, subject, sizeof(subject));
  error_set_certificate(error, (int)depth, subject);
}

/* Self-issued ones don't count, and the broker's own never does (RFC 5280, section 4.2.1.9). */
static amqp_wolfssl_code_t check_path_length(struct search *search, const struct authority *authority,
                                             amqp_wolfssl_error_t *error) {
  char who[DESCRIPTION_LENGTH];
  size_t below = 0;

  for (size_t depth = 1; depth < authority->depth; depth++) {
    below += at_depth(search, depth)->self_issued ? 0 : 1;
  }
  if (!authority->certificate->has_path_length || below <= authority->certificate->path_length) {
    return AMQP_WOLFSSL_OK;
  }
  certificate_describe(authority->certificate, authority->role, who, sizeof(who));
  error_verify(error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
               "%s allows %u intermediate CAs below it (its path length limit), and there are %zu", who,
               authority->certificate->path_length, below);
  name_certificate(authority->certificate, authority->depth, error);
  return error->code;
}

static amqp_wolfssl_code_t explain_breach(struct search *search, const struct authority *authority, size_t depth,
                                          enum name_constraints_verdict verdict,
                                          const struct name_constraints_breach *breach, amqp_wolfssl_error_t *error) {
  char who[DESCRIPTION_LENGTH];
  char below[DESCRIPTION_LENGTH];
  char name[ERROR_SUBJECT_LENGTH + 32];

  certificate_describe(authority->certificate, authority->role, who, sizeof(who));
  describe_at(search, depth, below);
  (void)name_constraints_format(breach, name, sizeof(name));
  switch (verdict) { /* no default: -Wswitch finds the missing case */
    case NAME_CONSTRAINTS_KEPT:
      return AMQP_WOLFSSL_OK;
    case NAME_CONSTRAINTS_EXCLUDED:
      error_verify(error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID, "the name constraints of %s exclude a name of %s: %s", who,
                   below, name);
      break;
    case NAME_CONSTRAINTS_NOT_PERMITTED:
      error_verify(error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID, "the name constraints of %s do not permit a name of %s: %s",
                   who, below, name);
      break;
    case NAME_CONSTRAINTS_UNKNOWN_KIND:
      error_verify(error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
                   "the name constraints of %s are about a kind of name that can't be compared, and %s has one", who,
                   below);
      break;
    case NAME_CONSTRAINTS_BAD_NAME:
      error_verify(error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
                   "the name constraints of %s can't be applied to a malformed name of %s: %s", who, below, name);
      break;
    case NAME_CONSTRAINTS_TOO_MANY:
      error_verify(error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
                   "the name constraints of %s, together with the names below, are too many to compare", who);
      break;
    case NAME_CONSTRAINTS_MALFORMED:
      error_verify(error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
                   "%s has name constraints that can't be applied: they are empty or malformed", who);
      break;
  }
  name_certificate(&at_depth(search, depth)->certificate, depth, error);
  return error->code;
}

/* Self-issued certificates are exempt, unless it is the broker's own (RFC 5280, section 6.1.3, (b) and (c)). */
static amqp_wolfssl_code_t check_names(struct search *search, const struct authority *authority,
                                       amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code = AMQP_WOLFSSL_OK;

  if (authority->certificate->name_constraints.length == 0) {
    return AMQP_WOLFSSL_OK;
  }
  for (size_t depth = 0; depth < authority->depth && code == AMQP_WOLFSSL_OK; depth++) {
    const struct sent_certificate *below = at_depth(search, depth);
    struct name_constraints_breach breach = {0};

    if (depth == 0 || !below->self_issued) {
      code = explain_breach(search, authority, depth,
                            name_constraints_check(authority->certificate->name_constraints, &below->certificate,
                                                   &search->comparisons, &breach),
                            &breach, error);
    }
  }
  return code;
}

static amqp_wolfssl_code_t check_policies(struct search *search, const struct certificate *anchor,
                                          amqp_wolfssl_error_t *error) {
  struct certificate_policies policies;

  certificate_policies_begin(&policies, anchor, search->length);
  for (size_t depth = search->length; depth-- > 0;) {
    const struct sent_certificate *sent = at_depth(search, depth);

    certificate_policies_add(&policies, &sent->certificate, sent->self_issued, depth == 0);
    if (!certificate_policies_hold(&policies)) {
      char who[DESCRIPTION_LENGTH];

      describe_at(search, depth, who);
      error_verify(
          error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
          "a CA requires that a certificate policy holds along the whole path, and none does at %s, or its policy "
          "extensions are malformed",
          who);
      name_certificate(&sent->certificate, depth, error);
      return error->code;
    }
  }
  return AMQP_WOLFSSL_OK;
}

static amqp_wolfssl_code_t check_limits(struct search *search, const struct certificate *anchor,
                                        amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code = AMQP_WOLFSSL_OK;

  for (size_t depth = 1; depth <= search->length && code == AMQP_WOLFSSL_OK; depth++) {
    const struct authority authority = find_authority(search, anchor, depth);

    code = check_path_length(search, &authority, error);
    if (code == AMQP_WOLFSSL_OK) {
      code = check_names(search, &authority, error);
    }
  }
  return code == AMQP_WOLFSSL_OK ? check_policies(search, anchor, error) : code;
}

/* ---- The verdict on a path that leads to an anchor ---- */

static void note_failure(struct search *search, enum rank rank, const amqp_wolfssl_error_t *error) {
  if (rank > search->rank) {
    search->rank = rank;
    error_copy(search->error, error);
  }
}

static void accept(struct search *search, size_t anchor) {
  struct path *path = search->path;

  path->length = search->length;
  memcpy(path->places, search->places, search->length);
  path->anchor = anchor;
  path->requires_status = search->sent[0].certificate.requires_status;
  search->stop = STOP_FOUND;
}

/* The first search has left out all that are unfit, but for the anchor. */
static void judge(struct search *search, size_t index) {
  amqp_wolfssl_error_t error;
  struct certificate anchor;

  if (!read_anchor(search, index, &anchor)) {
    return;
  }
  if (check_fitness(search, &anchor, ROLE_ANCHOR, search->length, &error) != AMQP_WOLFSSL_OK) {
    return; /* the second search says so */
  }
  if (check_limits(search, &anchor, &error) != AMQP_WOLFSSL_OK) {
    note_failure(search, RANK_BROKEN, &error);
    return;
  }
  accept(search, index);
}

static amqp_wolfssl_code_t find_unfit(struct search *search, const struct certificate *anchor,
                                      amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code = AMQP_WOLFSSL_OK;

  for (size_t depth = 0; depth < search->length && code == AMQP_WOLFSSL_OK; depth++) {
    code = check_fitness(search, &at_depth(search, depth)->certificate, depth == 0 ? ROLE_BROKER : ROLE_INTERMEDIATE,
                         depth, error);
  }
  return code == AMQP_WOLFSSL_OK ? check_fitness(search, anchor, ROLE_ANCHOR, search->length, error) : code;
}

/* An algorithm that the policy allows and this wolfCrypt lacks is left as the cause, if nothing else is. */
static void explain(struct search *search, size_t index) {
  amqp_wolfssl_error_t *error = search->error;
  struct certificate anchor;

  if (!read_anchor(search, index, &anchor)) {
    return;
  }
  if (find_unfit(search, &anchor, error) == AMQP_WOLFSSL_OK &&
      check_limits(search, &anchor, error) == AMQP_WOLFSSL_OK) {
    error_verify(error, AMQP_WOLFSSL_ERROR_WEAK_SIGNATURE,
                 "the broker's certificates are signed by an algorithm that this wolfSSL can't check");
    name_certificate(&search->sent[0].certificate, 0, error);
  }
  search->rank = RANK_UNFIT;
  search->stop = STOP_EXPLAINED;
}

/* ---- Where a path ends without an anchor ---- */

static void append_counts(const struct search *search, amqp_wolfssl_error_t *error) {
  const struct path_question *question = search->question;

  error_append(error, " (certificates sent: %zu, CAs trusted: %zu", question->sent->count, question->anchors->count);
  if (question->anchors_left_out > 0) {
    error_append(error, ", left out as expired or no CA: %zu", question->anchors_left_out);
  }
  if (question->sent->count > PATH_CERTIFICATES_MAXIMUM) {
    error_append(error, "; the first %d of those sent were looked at", PATH_CERTIFICATES_MAXIMUM);
  }
  error_append(error, ")");
}

static bool has_anchor_of_another_key(const struct sent_certificate *sent) {
  for (size_t i = 0; i < sent->anchor_count; i++) {
    if (sent->anchor_edges[i] == EDGE_NOT_SIGNED) {
      return true;
    }
  }
  return false;
}

/* In the second search every issuer that was sent has been tried, but for those that are on the path already. */
static bool has_sent_issuer(const struct search *search, size_t issued, enum edge edge) {
  for (size_t i = 0; i < search->count; i++) {
    if (i != issued && search->edges[issued][i] == edge) {
      return true;
    }
  }
  return false;
}

/* \return the place of a certificate that can't be parsed and may be the one that is missing, or the count */
static size_t find_unreadable_issuer(const struct search *search, const struct sent_certificate *issued) {
  size_t i;

  for (i = 0; i < search->count; i++) {
    const struct sent_certificate *sent = &search->sent[i];

    if (!sent->readable && (sent->certificate.subject.length == 0 ||
                            certificate_names_equal(sent->certificate.subject, issued->certificate.issuer))) {
      break;
    }
  }
  return i;
}

static amqp_wolfssl_code_t explain_unreadable(const struct search *search, size_t place, size_t depth,
                                              amqp_wolfssl_error_t *error) {
  const struct certificate *certificate = &search->sent[place].certificate;
  char subject[ERROR_SUBJECT_LENGTH] = "";

  if (certificate->subject.length > 0) {
    certificate_format_name(certificate->subject, subject, sizeof(subject));
  }
  if (place == 0) {
    error_verify(error, AMQP_WOLFSSL_ERROR_CERTIFICATE_INVALID, "the broker's certificate can't be parsed: %s",
                 certificate->unread);
  } else {
    error_verify(error, AMQP_WOLFSSL_ERROR_CERTIFICATE_INVALID,
                 "certificate %zu of those that the broker sent%s%s%s can't be parsed: %s", place + 1,
                 subject[0] != '\0' ? ", that of \"" : "", subject, subject[0] != '\0' ? "\"," : "",
                 certificate->unread);
  }
  if (certificate->unread_identifier.length > 0) {
    char identifier[80];

    certificate_format_identifier(certificate->unread_identifier, identifier, sizeof(identifier));
    error_append(error, " (%s)", identifier);
  }
  error_set_certificate(error, (int)depth, subject);
  return error->code;
}

/* The top of the path is signed by nobody that is known. */
static amqp_wolfssl_code_t explain_missing(struct search *search, const struct sent_certificate *top, const char *who,
                                           amqp_wolfssl_error_t *error) {
  char issuer[ERROR_SUBJECT_LENGTH];

  certificate_format_name(top->certificate.issuer, issuer, sizeof(issuer));
  error_verify(
      error, AMQP_WOLFSSL_ERROR_UNKNOWN_CA,
      "the broker's certificate does not lead to a trusted CA: %s was issued by \"%s\", which is not trusted and "
      "whose certificate the broker did not send; have the broker send it, or trust that CA",
      search->length == 1 ? "it" : who, issuer);
  append_counts(search, error);
  return error->code;
}

static amqp_wolfssl_code_t explain_untrusted_root(struct search *search, const struct sent_certificate *top,
                                                  amqp_wolfssl_error_t *error) {
  char subject[ERROR_SUBJECT_LENGTH];

  certificate_format_name(top->certificate.subject, subject, sizeof(subject));
  if (search->length == 1) {
    return error_verify(
        error, AMQP_WOLFSSL_ERROR_SELF_SIGNED,
        "the broker's certificate is self-signed and not trusted (CAs trusted: %zu); have a CA issue it",
        search->question->anchors->count);
  }
  error_verify(error, AMQP_WOLFSSL_ERROR_UNKNOWN_CA,
               "the broker's certificate does not lead to a trusted CA: what it sent leads to \"%s\", which is not "
               "trusted%s",
               subject, has_anchor_of_another_key(top) ? " (the trusted CA of that name has another key)" : "");
  append_counts(search, error);
  return error->code;
}

static amqp_wolfssl_code_t explain_bad_signature(const struct sent_certificate *top, const char *who,
                                                 amqp_wolfssl_error_t *error) {
  char issuer[ERROR_SUBJECT_LENGTH];

  certificate_format_name(top->certificate.issuer, issuer, sizeof(issuer));
  return error_verify(
      error, AMQP_WOLFSSL_ERROR_BAD_SIGNATURE,
      "the signature on %s is wrong: it names \"%s\" as its issuer, and was not made with the key of %s", who, issuer,
      has_anchor_of_another_key(top) ? "the trusted CA of that name"
                                     : "the CA of that name whose certificate the broker sent");
}

/* Where the signature counts for nothing it is not looked at: that it would have been its own is likely enough. */
static bool signs_itself(struct search *search, size_t place) {
  const enum edge edge = look_at_signature(search, place, place);

  return edge == EDGE_SIGNED || edge == EDGE_UNVERIFIABLE;
}

static amqp_wolfssl_code_t explain_circle(struct search *search, const struct sent_certificate *top, const char *who,
                                          amqp_wolfssl_error_t *error) {
  char issuer[ERROR_SUBJECT_LENGTH];

  certificate_format_name(top->certificate.issuer, issuer, sizeof(issuer));
  error_verify(
      error, AMQP_WOLFSSL_ERROR_UNKNOWN_CA,
      "the broker's certificate does not lead to a trusted CA: what it sent goes in a circle, in which %s was issued "
      "by \"%s\", which is not trusted",
      who, issuer);
  append_counts(search, error);
  return error->code;
}

static amqp_wolfssl_code_t explain_dead_end(struct search *search, amqp_wolfssl_error_t *error) {
  const size_t depth = search->length - 1;
  const struct sent_certificate *top = at_depth(search, depth);
  const size_t unreadable = find_unreadable_issuer(search, top);
  char who[DESCRIPTION_LENGTH];

  describe_at(search, depth, who);
  if (top->self_issued && signs_itself(search, search->places[depth])) {
    explain_untrusted_root(search, top, error);
  } else if (search->length == PATH_LENGTH_MAXIMUM) {
    error_verify(error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
                 "the broker's certificate chain is too long: more than %d certificates lead to no trusted CA",
                 PATH_LENGTH_MAXIMUM);
  } else if (has_sent_issuer(search, search->places[depth], EDGE_SIGNED) ||
             has_sent_issuer(search, search->places[depth], EDGE_NAMED)) {
    explain_circle(search, top, who, error);
  } else if (has_anchor_of_another_key(top) || has_sent_issuer(search, search->places[depth], EDGE_NOT_SIGNED)) {
    explain_bad_signature(top, who, error);
  } else if (unreadable < search->count) {
    return explain_unreadable(search, unreadable, depth + 1, error);
  } else {
    explain_missing(search, top, who, error);
  }
  name_certificate(&top->certificate, depth, error);
  return error->code;
}

/* The longest counts, of equally long ones the first. */
static void note_dead_end(struct search *search) {
  amqp_wolfssl_error_t error;

  if (!search->explaining || search->length <= search->dead_end_length) {
    return;
  }
  search->dead_end_length = search->length;
  explain_dead_end(search, &error);
  if (search->rank <= RANK_DEAD_END) {
    search->rank = RANK_DEAD_END;
    error_copy(search->error, &error);
  }
}

/* ---- The search ---- */

/* The same CA twice is a circle: its name and key, however many certificates it has. */
static bool is_on_path(struct search *search, const struct sent_certificate *sent) {
  for (size_t depth = 0; depth < search->length; depth++) {
    const struct sent_certificate *other = at_depth(search, depth);

    if (other == sent || (byte_slices_equal(other->certificate.public_key, sent->certificate.public_key) &&
                          certificate_names_equal(other->certificate.subject, sent->certificate.subject))) {
      return true;
    }
  }
  return false;
}

/* A hint only: whoever made the certificate chose it. */
static bool is_hinted(const struct certificate *issued, const struct certificate *issuer) {
  return issued->authority_key_identifier.length > 0 &&
         byte_slices_equal(issued->authority_key_identifier, issuer->key_identifier);
}

static void try_anchors(struct search *search) {
  struct sent_certificate *top = at_depth(search, search->length - 1);

  if (!top->anchors_known) {
    find_anchors_of(search, top);
  }
  for (size_t i = 0; i < top->anchor_count && search->stop == STOP_NOT; i++) {
    if (leads_on(search, look_at_anchor(search, top, i)) && search->stop == STOP_NOT) {
      if (search->explaining) {
        explain(search, top->anchors[i]);
      } else {
        judge(search, top->anchors[i]);
      }
    }
  }
}

static bool climb(struct search *search);

/* \return whether the way led on there */
static bool try_sent(struct search *search, size_t issuer) {
  const size_t issued = search->places[search->length - 1];
  struct sent_certificate *sent = &search->sent[issuer];

  if (look_at_name(search, issued, issuer) == EDGE_NONE || is_on_path(search, sent) ||
      (!search->explaining && !is_fit_as_ca(search, sent)) ||
      !leads_on(search, look_at_signature(search, issued, issuer)) || search->stop != STOP_NOT) {
    return false;
  }
  search->places[search->length++] = (uint8_t)issuer;
  (void)climb(search);
  search->length--;
  return true;
}

/* From what can be told without a signature: those that are fit, and of them those that are hinted at, come first. */
static int preference(struct search *search, const struct certificate *issued, struct sent_certificate *issuer) {
  return (is_fit_as_ca(search, issuer) ? 0 : 2) + (is_hinted(issued, &issuer->certificate) ? 0 : 1);
}

static bool try_all_sent(struct search *search) {
  const struct certificate *issued = &at_depth(search, search->length - 1)->certificate;
  bool led_on = false;

  for (int turn = 0; turn < 4; turn++) {
    for (size_t i = 0; i < search->count && search->stop == STOP_NOT; i++) {
      if (look_at_name(search, search->places[search->length - 1], i) != EDGE_NONE &&
          preference(search, issued, &search->sent[i]) == turn) {
        led_on = try_sent(search, i) || led_on;
      }
    }
  }
  return led_on;
}

static bool climb(struct search *search) {
  bool led_on = false;

  if (search->steps++ == STEPS_MAXIMUM) {
    search->stop = STOP_TOO_MUCH;
    return false;
  }
  try_anchors(search);
  if (search->stop == STOP_NOT && search->length < PATH_LENGTH_MAXIMUM) {
    led_on = try_all_sent(search);
  }
  if (search->stop == STOP_NOT && !led_on) {
    note_dead_end(search);
  }
  return search->stop == STOP_FOUND;
}

static void start(struct search *search, bool explaining) {
  search->explaining = explaining;
  search->stop = STOP_NOT;
  search->steps = 0;
  search->length = 1;
  search->places[0] = 0;
}

/* What the broker's own certificate is does not depend on the path. */
static bool find_path(struct search *search) {
  amqp_wolfssl_error_t unused;

  start(search, false);
  if (check_fitness(search, &search->sent[0].certificate, ROLE_BROKER, 0, &unused) != AMQP_WOLFSSL_OK) {
    return false;
  }
  if (search->trusted_itself != NO_ANCHOR) {
    accept(search, search->trusted_itself);
    return true;
  }
  return climb(search);
}

static void explain_failure(struct search *search) {
  start(search, true);
  if (search->trusted_itself != NO_ANCHOR) {
    (void)check_fitness(search, &search->sent[0].certificate, ROLE_BROKER, 0, search->error);
  } else {
    (void)climb(search);
  }
}

static amqp_wolfssl_code_t explain_stop(const struct search *search, amqp_wolfssl_error_t *error) {
  if (search->stop == STOP_NO_MEMORY) {
    return error_verify(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  error_verify(error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
               "the search for a path from the broker's certificate to a trusted CA was broken off: too many "
               "certificates and signatures would have to be checked; have the broker send no more than it needs");
  append_counts(search, error);
  name_certificate(&search->sent[0].certificate, 0, error);
  return error->code;
}

static amqp_wolfssl_code_t run(struct search *search, amqp_wolfssl_error_t *error) {
  if (!search->sent[0].readable) {
    return explain_unreadable(search, 0, 0, error);
  }
  if (find_path(search)) {
    error_clear(error);
    return AMQP_WOLFSSL_OK;
  }
  if (search->stop == STOP_NOT && search->rank < RANK_BROKEN) {
    explain_failure(search);
  }
  if (search->stop == STOP_TOO_MUCH || search->stop == STOP_NO_MEMORY) {
    return explain_stop(search, error);
  }
  return error->code;
}

amqp_wolfssl_code_t path_find(struct path *path, const struct path_question *question, amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code;
  struct search *search;

  memset(path, 0, sizeof(*path));
  error_verify(error, AMQP_WOLFSSL_ERROR_CERTIFICATE_INVALID,
               "the broker's certificate was not accepted"); /* until something better is known */
  if (question->sent->count == 0) {
    return error_verify(error, AMQP_WOLFSSL_ERROR_PEER_CERTIFICATE_MISSING, "the broker presented no certificate");
  }
  search = calloc(1, sizeof(*search));
  if (search == NULL) {
    return error_verify(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  search->question = question;
  search->path = path;
  search->error = error;
  search->comparisons = COMPARISONS_MAXIMUM;
  search->trusted_itself = find_itself(question);
  read_sent(search);
  code = run(search, error);
  free(search);
  return code;
}
