/* SPDX-License-Identifier: MIT */
/* Goes up the path from the broker's certificate, and looks up each certificate on it in its issuer's lists. */
#include "autoconfig.h"

#include "verification/revocation.h"

#include <stdio.h>
#include <string.h>

#include "verification/path.h"
#include "verification/signer_check.h"

static bool read_certificate(const struct certificate_der *der, struct certificate *certificate) {
  return certificate_read(certificate, der->bytes, der->length);
}

/* Says in the error which certificate it is about; the depth is its place on the path. */
static void name_certificate(const struct certificate *certificate, size_t depth, amqp_wolfssl_error_t *error) {
  char subject[ERROR_SUBJECT_LENGTH];

  certificate_format_name(certificate->subject, subject, sizeof(subject));
  error_set_certificate(error, (int)depth, subject);
}

/* ---- What the lists say ---- */

struct findings {
  const struct kept_list *current;  /* the newest that is valid now */
  const struct kept_list *expired;  /* the newest of those */
  const struct kept_list *early;    /* one that is not valid yet */
  const struct kept_list *revoking; /* the newest that names the certificate, expired or not */
  struct revocation_entry entry;
  const struct kept_list *elsewhere; /* is about other certificates */
  const struct kept_list *foreign;   /* names the issuer, but is not signed by it */
  const struct kept_list *refused;   /* the newest that the policy does not allow */
  char reason[SIGNER_REASON_LENGTH]; /* of that */
};

static bool is_newer(const struct kept_list *item, const struct kept_list *than) {
  return than == NULL || item->list.this_update > than->list.this_update;
}

/* Only a hint, but enough to skip what can't be checked: a CA that has replaced its key may have signed with the old
   one in a way that nobody accepts any more. */
static bool names_another_key(const struct kept_list *item, const struct certificate *issuer) {
  return item->list.authority_key_identifier.length > 0 && issuer->key_identifier.length > 0 &&
         !byte_slices_equal(item->list.authority_key_identifier, issuer->key_identifier);
}

static enum signature_verdict check_signer(const struct policy *policy, const struct kept_list *item,
                                           const struct certificate *issuer, char reason[SIGNER_REASON_LENGTH]) {
  const struct byte_slice known = {item->signer, item->signer_length};
  enum signature_verdict verdict = SIGNATURE_GOOD;

  if (!issuer->may_sign_lists) {
    return SIGNATURE_WRONG;
  }
  if (item->signer == NULL) {
    verdict = signature_check(&item->list.object, issuer->public_key);
  } else if (!byte_slices_equal(known, issuer->public_key)) {
    return SIGNATURE_WRONG;
  }
  if (verdict == SIGNATURE_UNSUPPORTED && names_another_key(item, issuer)) {
    return SIGNATURE_WRONG;
  }
  return signer_hold_to_policy(policy, verdict, &item->list.object, issuer, reason);
}

static void note_refused(const struct kept_list *item, const char *reason, struct findings *findings) {
  if (is_newer(item, findings->refused)) {
    findings->refused = item;
    (void)snprintf(findings->reason, sizeof(findings->reason), "%s", reason);
  }
}

/* An entry counts until a newer current list drops it, which is how a hold is lifted. */
static void note_signed(const struct kept_list *item, struct byte_slice serial_number, int64_t now,
                        struct findings *findings) {
  const struct kept_list **newest = now > item->list.next_update ? &findings->expired : &findings->current;
  struct revocation_entry entry;

  if (is_newer(item, *newest)) {
    *newest = item;
  }
  if (is_newer(item, findings->revoking) && revocation_list_find(&item->list, serial_number, &entry)) {
    findings->revoking = item;
    findings->entry = entry;
  }
}

/* \return false if out of memory */
static bool consider(const struct revocation_check *check, const struct kept_list *item,
                     const struct certificate *certificate, const struct certificate *issuer,
                     struct findings *findings) {
  char reason[SIGNER_REASON_LENGTH];

  if (list_scope_exclude(&item->list.scope, certificate) != NULL) {
    findings->elsewhere = item;
    return true;
  }
  switch (check_signer(check->policy, item, issuer, reason)) {
    case SIGNATURE_NO_MEMORY:
      return false;
    case SIGNATURE_WRONG:
    case SIGNATURE_UNSUPPORTED:
      findings->foreign = item;
      return true;
    case SIGNATURE_REFUSED:
      if (check->now >= item->list.this_update) {
        note_refused(item, reason, findings);
        return true;
      }
      break;
    case SIGNATURE_GOOD:
      if (check->now >= item->list.this_update) {
        note_signed(item, certificate->serial_number, check->now, findings);
        return true;
      }
      break;
  }
  findings->early = item;
  return true;
}

/* Two CAs may have the same name while a key is being replaced: for each list it is checked whose key signed it. */
static bool search(const struct revocation_check *check, const struct certificate *certificate,
                   const struct certificate *issuer, struct findings *findings) {
  const struct kept_list *item;

  memset(findings, 0, sizeof(*findings));
  for (size_t i = 0; (item = revocation_lists_at(check->lists, i)) != NULL; i++) {
    if (certificate_names_equal(item->list.issuer, certificate->issuer) &&
        !consider(check, item, certificate, issuer, findings)) {
      return false;
    }
  }
  return true;
}

static void append_serial_number(struct byte_slice serial_number, amqp_wolfssl_error_t *error) {
  error_append(error, " (serial number ");
  for (size_t i = 0; i < serial_number.length; i++) {
    error_append(error, "%02X", serial_number.bytes[i]);
  }
  error_append(error, ")");
}

static void explain_revoked(const struct findings *findings, const struct certificate *certificate, bool is_anchor,
                            const char *subject, const char *issuer, amqp_wolfssl_error_t *error) {
  const char *reason = revocation_reason_name(findings->entry.reason);

  error_verify(
      error, AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED,
      is_anchor ? "the certificate of the trusted CA \"%s\"" : "the certificate of \"%s\" in the broker's chain",
      subject);
  append_serial_number(certificate->serial_number, error);
  error_append(error, " was revoked by \"%s\"", issuer);
  error_append_date(error, " on ", findings->entry.date, "");
  error_append(error, "%s%s, according to its CRL in %s; have the broker use another certificate",
               *reason != '\0' ? ": " : "", reason, findings->revoking->origin);
}

static void explain_no_list(const struct findings *findings, const struct certificate *certificate, const char *subject,
                            const char *issuer, amqp_wolfssl_error_t *error) {
  if (findings->expired != NULL) {
    error_verify(error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
                 "whether \"%s\" is revoked can't be checked: the CRL of \"%s\" in %s has expired", subject, issuer,
                 findings->expired->origin);
    error_append_date(error, " (it was valid until ", findings->expired->list.next_update, "); fetch a new one");
  } else if (findings->early != NULL) {
    error_verify(error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
                 "whether \"%s\" is revoked can't be checked: the CRL of \"%s\" in %s is not valid yet", subject,
                 issuer, findings->early->origin);
    error_append_date(error, " (it is dated ", findings->early->list.this_update, "); check this machine's clock");
  } else if (findings->foreign != NULL) {
    error_verify(error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
                 "whether \"%s\" is revoked can't be checked: the CRL of \"%s\" in %s is not signed by the CA that "
                 "issued the certificate, or that CA may not sign CRLs",
                 subject, issuer, findings->foreign->origin);
  } else if (findings->elsewhere != NULL) {
    error_verify(error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
                 "whether \"%s\" is revoked can't be checked: the CRL of \"%s\" in %s %s; add the one for it", subject,
                 issuer, findings->elsewhere->origin,
                 list_scope_exclude(&findings->elsewhere->list.scope, certificate));
  } else {
    error_verify(error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
                 "whether \"%s\" is revoked can't be checked: no CRL of its issuer \"%s\" was given; add it", subject,
                 issuer);
  }
}

amqp_wolfssl_code_t revocation_check_lists(const struct revocation_check *check, const struct certificate *certificate,
                                           size_t depth, const struct certificate *issuer,
                                           amqp_wolfssl_error_t *error) {
  char subject[ERROR_SUBJECT_LENGTH];
  char issuer_name[ERROR_SUBJECT_LENGTH];
  struct findings findings;

  if (!search(check, certificate, issuer, &findings)) {
    return error_verify(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  certificate_format_name(certificate->subject, subject, sizeof(subject));
  certificate_format_name(certificate->issuer, issuer_name, sizeof(issuer_name));
  if (findings.revoking != NULL && (findings.current == NULL || !is_newer(findings.current, findings.revoking))) {
    explain_revoked(&findings, certificate, depth >= check->path->length, subject, issuer_name, error);
  } else if (findings.refused != NULL && is_newer(findings.refused, findings.current)) {
    error_verify(error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
                 "whether \"%s\" is revoked can't be checked: the CRL of \"%s\" in %s is too weak: %s", subject,
                 issuer_name, findings.refused->origin, findings.reason);
  } else if (findings.current == NULL) {
    explain_no_list(&findings, certificate, subject, issuer_name, error);
  } else {
    return AMQP_WOLFSSL_OK;
  }
  name_certificate(certificate, depth, error);
  return error->code;
}

/* ---- Up the path ---- */

static bool broker_is_anchor(const struct revocation_check *check) {
  const struct certificate_der *broker = &check->chain->items[check->path->places[0]];
  const struct certificate_der *anchor = &check->anchors->items[check->path->anchor];

  return check->path->length == 1 && broker->length == anchor->length &&
         memcmp(broker->bytes, anchor->bytes, broker->length) == 0;
}

/* From the path, whose end is an anchor. */
static bool read_at_depth(const struct revocation_check *check, size_t depth, struct certificate *certificate) {
  const struct path *path = check->path;

  return read_certificate(
      depth < path->length ? &check->chain->items[path->places[depth]] : &check->anchors->items[path->anchor],
      certificate);
}

/* If the signature can't be checked, the name decides, which at worst means that one more list is consulted. But not if
   the anchor has its issuer's name, since then it is usually its own issuer. */
static enum signature_verdict is_issued_by(const struct certificate_der *der, const struct certificate *certificate,
                                           const struct certificate *issuer) {
  struct signed_object object;
  enum signature_verdict verdict;

  if (!certificate_names_equal(certificate->issuer, issuer->subject) ||
      byte_slices_equal(certificate->public_key, issuer->public_key) ||
      !signed_object_read(&object, der->bytes, der->length)) {
    return SIGNATURE_WRONG;
  }
  verdict = signature_check(&object, issuer->public_key);
  if (verdict == SIGNATURE_UNSUPPORTED && !certificate_names_equal(certificate->issuer, certificate->subject)) {
    return SIGNATURE_GOOD;
  }
  return verdict;
}

/* An anchor with its own key is its own issuer, or signed by nobody that is trusted. */
static enum signature_verdict find_anchor_above(const struct revocation_check *check, size_t anchor,
                                                const struct certificate *certificate, size_t *above,
                                                struct certificate *issuer) {
  const struct certificate_list *anchors = check->anchors;
  enum signature_verdict verdict = SIGNATURE_WRONG;

  for (size_t i = 0; i < anchors->count; i++) {
    if (read_certificate(&anchors->items[i], issuer)) {
      verdict = is_issued_by(&anchors->items[anchor], certificate, issuer);
    }
    if (verdict == SIGNATURE_GOOD || verdict == SIGNATURE_NO_MEMORY) {
      *above = i;
      return verdict;
    }
  }
  return SIGNATURE_WRONG;
}

static bool is_among(const size_t *places, size_t count, size_t place) {
  for (size_t i = 0; i < count; i++) {
    if (places[i] == place) {
      return true;
    }
  }
  return false;
}

/* A file of trusted CAs often contains intermediates too. They are trusted, but may have been revoked all the same. */
static amqp_wolfssl_code_t check_anchors(const struct revocation_check *check, size_t depth,
                                         amqp_wolfssl_error_t *error) {
  size_t places[PATH_LENGTH_MAXIMUM] = {check->path->anchor};

  for (size_t count = 1; count < PATH_LENGTH_MAXIMUM; count++) {
    const size_t anchor = places[count - 1];
    struct certificate certificate;
    struct certificate issuer;
    amqp_wolfssl_code_t code;

    if (!read_certificate(&check->anchors->items[anchor], &certificate)) {
      break;
    }
    switch (find_anchor_above(check, anchor, &certificate, &places[count], &issuer)) {
      case SIGNATURE_GOOD:
        break;
      case SIGNATURE_NO_MEMORY:
        return error_verify(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
      default:
        return AMQP_WOLFSSL_OK;
    }
    code = revocation_check_lists(check, &certificate, depth + count - 1, &issuer, error);
    if (code != AMQP_WOLFSSL_OK || is_among(places, count, places[count])) {
      return code;
    }
  }
  return error_verify(error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
                      "there are too many trusted CAs above the broker's certificate to check them all for revocation");
}

amqp_wolfssl_code_t revocation_check_path(const struct revocation_check *check, amqp_wolfssl_error_t *error) {
  const size_t anchor_depth = broker_is_anchor(check) ? 0 : check->path->length;

  for (size_t depth = 0; depth < anchor_depth; depth++) {
    struct certificate certificate;
    struct certificate issuer;
    amqp_wolfssl_code_t code;

    if (!read_at_depth(check, depth, &certificate) || !read_at_depth(check, depth + 1, &issuer)) {
      return error_verify(error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
                          "a certificate in the broker's chain can't be parsed"); /* the path was */
    }
    code = revocation_check_lists(check, &certificate, depth, &issuer, error);
    if (code != AMQP_WOLFSSL_OK) {
      return code;
    }
  }
  return check_anchors(check, anchor_depth, error);
}

/* The issuer of an anchor is another anchor, or the anchor itself. */
static amqp_wolfssl_code_t find_issuer_of_anchor(const struct revocation_check *check,
                                                 const struct certificate *certificate, struct certificate *issuer,
                                                 amqp_wolfssl_error_t *error) {
  char subject[ERROR_SUBJECT_LENGTH];
  char name[ERROR_SUBJECT_LENGTH];
  size_t above;

  switch (find_anchor_above(check, check->path->anchor, certificate, &above, issuer)) {
    case SIGNATURE_GOOD:
      return AMQP_WOLFSSL_OK;
    case SIGNATURE_NO_MEMORY:
      return error_verify(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
    default:
      break;
  }
  if (certificate_names_equal(certificate->subject, certificate->issuer)) {
    *issuer = *certificate;
    return AMQP_WOLFSSL_OK;
  }
  certificate_format_name(certificate->subject, subject, sizeof(subject));
  certificate_format_name(certificate->issuer, name, sizeof(name));
  error_verify(error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
               "whether \"%s\" is revoked can't be checked: its issuer \"%s\" is not trusted; trust that CA too",
               subject, name);
  name_certificate(certificate, 0, error);
  return error->code;
}

amqp_wolfssl_code_t revocation_find_issuer(const struct revocation_check *check, const struct certificate *broker,
                                           struct certificate *issuer, amqp_wolfssl_error_t *error) {
  if (broker_is_anchor(check)) {
    return find_issuer_of_anchor(check, broker, issuer, error);
  }
  return read_at_depth(check, 1, issuer) ? AMQP_WOLFSSL_OK
                                         : error_verify(error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
                                                        "the certificate of the broker's issuer can't be parsed");
}
