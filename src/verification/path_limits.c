/* SPDX-License-Identifier: MIT */
/* The limits that certificates of a path set one another (RFC 5280, section 6.1): path length, names, policies. */
#include "autoconfig.h"

#include "verification/path_search.h"

#include "verification/certificate_policies.h"
#include "verification/name_constraints.h"

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
  return (struct authority){&search_at_depth(search, depth)->certificate, ROLE_INTERMEDIATE, depth};
}

/* Self-issued ones don't count, and the broker's own never does (RFC 5280, section 4.2.1.9). */
static size_t count_intermediates(struct search *search, size_t end) {
  size_t count = 0;

  for (size_t depth = 1; depth < end; depth++) {
    count += search_at_depth(search, depth)->self_issued ? 0 : 1;
  }
  return count;
}

static amqp_wolfssl_code_t check_path_length(struct search *search, const struct authority *authority,
                                             amqp_wolfssl_error_t *error) {
  const size_t below = count_intermediates(search, authority->depth);
  char who[CERTIFICATE_DESCRIPTION_LENGTH];

  if (!authority->certificate->has_path_length || below <= authority->certificate->path_length) {
    return AMQP_WOLFSSL_OK;
  }
  certificate_describe(authority->certificate, authority->role, who, sizeof(who));
  error_verify(error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
               "%s allows %u intermediate CAs below it (its path length limit), but there are %zu", who,
               authority->certificate->path_length, below);
  search_name_certificate(authority->certificate, authority->depth, error);
  return error->code;
}

static amqp_wolfssl_code_t explain_breach(struct search *search, const struct authority *authority, size_t depth,
                                          enum name_constraints_verdict verdict,
                                          const struct name_constraints_breach *breach, amqp_wolfssl_error_t *error) {
  char who[CERTIFICATE_DESCRIPTION_LENGTH];
  char below[CERTIFICATE_DESCRIPTION_LENGTH];
  char name[ERROR_SUBJECT_LENGTH + 32];

  certificate_describe(authority->certificate, authority->role, who, sizeof(who));
  search_describe_at(search, depth, below);
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
                   "the name constraints of %s restrict a kind of name that can't be compared, and %s has one", who,
                   below);
      break;
    case NAME_CONSTRAINTS_BAD_NAME:
      error_verify(
          error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
          "the name constraints of %s can't be applied to a name of %s, which is malformed or can't be read: %s", who,
          below, name);
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
  search_name_certificate(&search_at_depth(search, depth)->certificate, depth, error);
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
    const struct sent_certificate *below = search_at_depth(search, depth);
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
    const struct sent_certificate *sent = search_at_depth(search, depth);

    certificate_policies_add(&policies, &sent->certificate, sent->self_issued, depth == 0);
    if (!certificate_policies_hold(&policies)) {
      char who[CERTIFICATE_DESCRIPTION_LENGTH];

      search_describe_at(search, depth, who);
      error_verify(
          error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
          "a CA requires that a certificate policy holds along the whole path, but none does at %s, or its policy "
          "extensions are malformed",
          who);
      search_name_certificate(&sent->certificate, depth, error);
      return error->code;
    }
  }
  return AMQP_WOLFSSL_OK;
}

/* What the program allows: a limit like the one that a trusted CA may set in its certificate. */
static amqp_wolfssl_code_t check_maximum_depth(struct search *search, amqp_wolfssl_error_t *error) {
  const unsigned maximum = search->question->maximum_depth;
  const size_t count = count_intermediates(search, search->length);
  size_t depth = 1;

  if (!search->question->depth_is_limited || count <= maximum) {
    return AMQP_WOLFSSL_OK;
  }
  while (count_intermediates(search, depth + 1) <= maximum) {
    depth++;
  }
  error_verify(
      error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
      "the path from the broker's certificate to a trusted CA has %zu intermediate CAs, but the program allows "
      "%u (its maximum depth); allow more, or trust one of them",
      count, maximum);
  search_name_certificate(&search_at_depth(search, depth)->certificate, depth, error);
  return error->code;
}

amqp_wolfssl_code_t search_check_limits(struct search *search, const struct certificate *anchor,
                                        amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code = check_maximum_depth(search, error);

  for (size_t depth = 1; depth <= search->length && code == AMQP_WOLFSSL_OK; depth++) {
    const struct authority authority = find_authority(search, anchor, depth);

    code = check_path_length(search, &authority, error);
    if (code == AMQP_WOLFSSL_OK) {
      code = check_names(search, &authority, error);
    }
  }
  return code == AMQP_WOLFSSL_OK ? check_policies(search, anchor, error) : code;
}
