/* SPDX-License-Identifier: MIT */
/* What is wrong with the best path there is, in a sentence: the second search only comes here. */
#include "autoconfig.h"

#include "verification/path_search.h"

#include <string.h>

/* ---- A path that leads to an anchor ---- */

static amqp_wolfssl_code_t find_unfit(struct search *search, const struct certificate *anchor,
                                      amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code = AMQP_WOLFSSL_OK;

  for (size_t depth = 0; depth < search->length && code == AMQP_WOLFSSL_OK; depth++) {
    code = search_check_fitness(search, &search_at_depth(search, depth)->certificate,
                                depth == 0 ? ROLE_BROKER : ROLE_INTERMEDIATE, depth, error);
  }
  return code == AMQP_WOLFSSL_OK ? search_check_fitness(search, anchor, ROLE_ANCHOR, search->length, error) : code;
}

/* \return the depth of the first certificate of which it can't be said whether the next one signed it; or the length */
static size_t find_unverifiable(const struct search *search, size_t anchor) {
  size_t depth = 0;

  while (depth < search->length) {
    const size_t place = search->places[depth];
    const enum edge edge = depth + 1 < search->length ? search->edges[place][search->places[depth + 1]]
                                                      : search_link(search, place, anchor)->edge;

    if (edge == EDGE_UNVERIFIABLE) {
      break;
    }
    depth++;
  }
  return depth;
}

/* An algorithm that the policy allows and this wolfCrypt lacks, or a key that is too large for its numbers. */
static void explain_unverifiable(struct search *search, size_t depth, const struct certificate *anchor,
                                 amqp_wolfssl_error_t *error) {
  const bool by_anchor = depth + 1 == search->length;
  const struct certificate *issuer = by_anchor ? anchor : &search_at_depth(search, depth + 1)->certificate;
  char who[CERTIFICATE_DESCRIPTION_LENGTH];
  char signer[CERTIFICATE_DESCRIPTION_LENGTH];

  search_describe_at(search, depth, who);
  certificate_describe(issuer, by_anchor ? ROLE_ANCHOR : ROLE_INTERMEDIATE, signer, sizeof(signer));
  error_verify(error, AMQP_WOLFSSL_ERROR_WEAK_SIGNATURE,
               "this wolfSSL can't check the signature on %s: its algorithm, or the key of %s, is not supported", who,
               signer);
  if (issuer->key_bits > 0) {
    error_append(error, " (the key has %u bits)", issuer->key_bits);
  }
  search_name_certificate(&search_at_depth(search, depth)->certificate, depth, error);
}

void search_explain_unfit(struct search *search, size_t index) {
  amqp_wolfssl_error_t *error = search->error;
  const size_t unverifiable = find_unverifiable(search, index);
  struct certificate anchor;

  if (!search_read_anchor(search, index, &anchor)) {
    return;
  }
  if (find_unfit(search, &anchor, error) == AMQP_WOLFSSL_OK &&
      search_check_limits(search, &anchor, error) == AMQP_WOLFSSL_OK && unverifiable < search->length) {
    explain_unverifiable(search, unverifiable, &anchor, error);
  }
  search->rank = RANK_UNFIT;
  search->stop = STOP_EXPLAINED;
}

/* ---- Where a path ends without an anchor ---- */

static void append_counts(const struct search *search, amqp_wolfssl_error_t *error) {
  const struct path_question *question = search->question;

  error_append(error, " (certificates sent: %zu, CAs trusted: %zu", question->sent->count, question->anchors->count);
  if (question->anchors_left_out > 0) {
    error_append(error, ", left out as expired or not a CA: %zu", question->anchors_left_out);
  }
  if (question->sent->count > PATH_CERTIFICATES_MAXIMUM) {
    error_append(error, "; only the first %d of those sent were examined", PATH_CERTIFICATES_MAXIMUM);
  }
  error_append(error, ")");
}

static bool has_anchor_of_another_key(const struct search *search, size_t place) {
  for (size_t i = 0; i < search->question->anchors->count; i++) {
    if (search_link(search, place, i)->edge == EDGE_NOT_SIGNED) {
      return true;
    }
  }
  return false;
}

/* In the second search every issuer that was sent has been tried, except those that are already on the path. */
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

amqp_wolfssl_code_t search_explain_unreadable(const struct search *search, size_t place, size_t depth,
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
    char identifier[CERTIFICATE_IDENTIFIER_LENGTH];

    certificate_format_identifier(certificate->unread_identifier, identifier, sizeof(identifier));
    error_append(error, " (%s)", identifier);
  }
  error_set_certificate(error, (int)depth, subject);
  return error->code;
}

/* The top of the path is signed by no CA that is known. */
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
  error_verify(
      error, AMQP_WOLFSSL_ERROR_UNKNOWN_CA,
      "the broker's certificate does not lead to a trusted CA: what the broker sent leads to \"%s\", which is not "
      "trusted%s",
      subject,
      has_anchor_of_another_key(search, search->places[search->length - 1])
          ? " (the trusted CA of that name has another key)"
          : "");
  append_counts(search, error);
  return error->code;
}

static amqp_wolfssl_code_t explain_bad_signature(const struct search *search, size_t place, const char *who,
                                                 amqp_wolfssl_error_t *error) {
  char issuer[ERROR_SUBJECT_LENGTH];

  certificate_format_name(search->sent[place].certificate.issuer, issuer, sizeof(issuer));
  return error_verify(
      error, AMQP_WOLFSSL_ERROR_BAD_SIGNATURE,
      "the signature on %s is wrong: the certificate names \"%s\" as its issuer, but was not signed with the key of %s",
      who, issuer,
      has_anchor_of_another_key(search, place) ? "the trusted CA of that name"
                                               : "the CA of that name whose certificate the broker sent");
}

/* A signature that would not count is not checked: it is likely enough that it is the certificate's own. */
static bool signs_itself(struct search *search, size_t place) {
  const enum edge edge = search_look_at_signature(search, place, place);

  return edge == EDGE_SIGNED || edge == EDGE_UNVERIFIABLE;
}

static amqp_wolfssl_code_t explain_circle(struct search *search, const struct sent_certificate *top, const char *who,
                                          amqp_wolfssl_error_t *error) {
  char issuer[ERROR_SUBJECT_LENGTH];

  certificate_format_name(top->certificate.issuer, issuer, sizeof(issuer));
  error_verify(
      error, AMQP_WOLFSSL_ERROR_UNKNOWN_CA,
      "the broker's certificate does not lead to a trusted CA: what the broker sent forms a circle, in which %s was "
      "issued by \"%s\", which is not trusted",
      who, issuer);
  append_counts(search, error);
  return error->code;
}

static amqp_wolfssl_code_t explain_dead_end(struct search *search, amqp_wolfssl_error_t *error) {
  const size_t depth = search->length - 1;
  const struct sent_certificate *top = search_at_depth(search, depth);
  const size_t unreadable = find_unreadable_issuer(search, top);
  char who[CERTIFICATE_DESCRIPTION_LENGTH];

  search_describe_at(search, depth, who);
  if (top->self_issued && signs_itself(search, search->places[depth])) {
    explain_untrusted_root(search, top, error);
  } else if (search->length == PATH_LENGTH_MAXIMUM) {
    error_verify(error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
                 "the broker's certificate chain is too long: more than %d certificates lead to no trusted CA",
                 PATH_LENGTH_MAXIMUM);
  } else if (has_sent_issuer(search, search->places[depth], EDGE_SIGNED) ||
             has_sent_issuer(search, search->places[depth], EDGE_NAMED)) {
    explain_circle(search, top, who, error);
  } else if (has_anchor_of_another_key(search, search->places[depth]) ||
             has_sent_issuer(search, search->places[depth], EDGE_NOT_SIGNED)) {
    explain_bad_signature(search, search->places[depth], who, error);
  } else if (unreadable < search->count) {
    return search_explain_unreadable(search, unreadable, depth + 1, error);
  } else {
    explain_missing(search, top, who, error);
  }
  search_name_certificate(&top->certificate, depth, error);
  return error->code;
}

/* The longest counts; of equally long ones, the first. */
void search_note_dead_end(struct search *search) {
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

/* ---- A search that was stopped ---- */

/* It is not the broker that has most of them checked. */
static amqp_wolfssl_code_t explain_namesakes(const struct search *search, amqp_wolfssl_error_t *error) {
  char name[ERROR_SUBJECT_LENGTH];

  certificate_format_name(search->namesakes_of, name, sizeof(name));
  error_verify(error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
               "the search for a path from the broker's certificate to a trusted CA was stopped: %zu of the trusted "
               "CAs have the name \"%s\", and too many signatures would have to be checked with their keys; trust "
               "only those that are in use",
               search->namesakes, name);
  search_name_certificate(&search->sent[0].certificate, 0, error);
  return error->code;
}

amqp_wolfssl_code_t search_explain_stop(const struct search *search, amqp_wolfssl_error_t *error) {
  if (search->stop == STOP_NO_MEMORY) {
    return error_verify(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  if (2 * search->anchor_checks > search->path->signature_checks) {
    return explain_namesakes(search, error);
  }
  error_verify(
      error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
      "the search for a path from the broker's certificate to a trusted CA was stopped: too many certificates and "
      "signatures would have to be checked; have the broker send only the certificates that it needs");
  append_counts(search, error);
  search_name_certificate(&search->sent[0].certificate, 0, error);
  return error->code;
}
