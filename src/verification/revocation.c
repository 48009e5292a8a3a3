/* SPDX-License-Identifier: MIT */
/* Follows the broker's certificates up to a trust anchor, and asks the issuers' lists about each. */
#include "autoconfig.h"

#include "verification/revocation.h"

#include <stdio.h>
#include <string.h>

#include "verification/signer_check.h"

static bool read_certificate(const struct certificate_der *der, struct certificate *certificate) {
  return certificate_read(certificate, der->bytes, der->length);
}

/* ---- The way from a certificate to its issuer ---- */

static enum signature_verdict signed_by(const struct certificate_der *der, const struct certificate *certificate,
                                        const struct certificate *issuer) {
  struct signed_object object;

  if (!certificate_names_equal(certificate->issuer, issuer->subject) ||
      !signed_object_read(&object, der->bytes, der->length)) {
    return SIGNATURE_WRONG;
  }
  return signature_check(&object, issuer->public_key);
}

/* Two CAs may have one name, while a key is being replaced: the signature says which one it was. */
static enum signature_verdict find_issuer(const struct revocation_check *check, const struct certificate_der *der,
                                          const struct certificate *certificate, struct revocation_issuer *issuer) {
  enum signature_verdict verdict = SIGNATURE_WRONG;

  for (size_t i = 0; i < check->anchors->count && verdict == SIGNATURE_WRONG; i++) {
    issuer->is_anchor = true;
    if (read_certificate(&check->anchors->items[i], &issuer->certificate)) {
      verdict = signed_by(der, certificate, &issuer->certificate);
    }
  }
  for (size_t i = 0; i < check->chain->count && verdict == SIGNATURE_WRONG; i++) {
    issuer->is_anchor = false;
    issuer->depth = i;
    if (read_certificate(&check->chain->items[i], &issuer->certificate) && issuer->certificate.is_ca) {
      verdict = signed_by(der, certificate, &issuer->certificate);
    }
  }
  return verdict;
}

/* The record is about this certificate; the depth is its place in the chain. */
static void name_certificate(const struct certificate *certificate, size_t depth, amqp_wolfssl_error_t *error) {
  char subject[ERROR_SUBJECT_LENGTH];

  certificate_format_name(certificate->subject, subject, sizeof(subject));
  error_set_certificate(error, (int)depth, subject);
}

static amqp_wolfssl_code_t explain_no_issuer(const struct certificate *certificate, size_t depth,
                                             enum signature_verdict verdict, amqp_wolfssl_error_t *error) {
  char subject[ERROR_SUBJECT_LENGTH];
  char issuer[ERROR_SUBJECT_LENGTH];

  if (verdict == SIGNATURE_NO_MEMORY) {
    return error_verify(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  certificate_format_name(certificate->subject, subject, sizeof(subject));
  certificate_format_name(certificate->issuer, issuer, sizeof(issuer));
  if (verdict == SIGNATURE_UNSUPPORTED) {
    error_verify(
        error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
        "whether \"%s\" is revoked can't be checked: its certificate is signed in a way that is not known here (RSA or "
        "ECDSA with SHA-256, -384 or -512 is)",
        subject);
  } else {
    error_verify(
        error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
        "whether \"%s\" is revoked can't be checked: the broker did not send the certificate of its issuer \"%s\"",
        subject, issuer);
  }
  name_certificate(certificate, depth, error);
  return error->code;
}

amqp_wolfssl_code_t revocation_find_issuer(const struct revocation_check *check, size_t depth,
                                           const struct certificate *certificate, struct revocation_issuer *issuer,
                                           amqp_wolfssl_error_t *error) {
  const struct certificate_der *der = &check->chain->items[depth];
  const enum signature_verdict verdict = find_issuer(check, der, certificate, issuer);

  return verdict == SIGNATURE_GOOD ? AMQP_WOLFSSL_OK : explain_no_issuer(certificate, depth, verdict, error);
}

/* ---- What the lists say ---- */

struct findings {
  const struct kept_list *newest; /* of the issuer's, signed by it */
  const struct kept_list *revoked_by;
  struct revocation_entry entry;
  const struct kept_list *badly_signed; /* names the issuer, but is not signed by it */
  const struct kept_list *refused;      /* the newest that the policy keeps from being used */
  char reason[SIGNER_REASON_LENGTH];    /* of that */
};

static bool is_newer(const struct kept_list *item, const struct kept_list *than) {
  return than == NULL || item->list.this_update > than->list.this_update;
}

static enum signature_verdict check_signer(const struct policy *policy, const struct kept_list *item,
                                           const struct certificate *issuer, char reason[SIGNER_REASON_LENGTH]) {
  struct byte_slice known = {item->signer, item->signer_length};

  if (!issuer->may_sign_lists) {
    return SIGNATURE_WRONG;
  }
  if (item->signer != NULL && byte_slices_equal(known, issuer->public_key)) {
    return signer_hold_to_policy(policy, SIGNATURE_GOOD, &item->list.object, issuer, reason);
  }
  return signer_check(policy, &item->list.object, issuer, reason);
}

static void note_refused(const struct kept_list *item, const char *reason, struct findings *findings) {
  if (is_newer(item, findings->refused)) {
    findings->refused = item;
    (void)snprintf(findings->reason, sizeof(findings->reason), "%s", reason);
  }
}

static bool search(const struct revocation_check *check, const struct certificate *certificate,
                   const struct certificate *issuer, struct findings *findings) {
  const struct kept_list *item;
  char reason[SIGNER_REASON_LENGTH];

  memset(findings, 0, sizeof(*findings));
  for (size_t i = 0; (item = revocation_lists_at(check->lists, i)) != NULL; i++) {
    enum signature_verdict verdict;

    if (!certificate_names_equal(item->list.issuer, certificate->issuer)) {
      continue;
    }
    verdict = check_signer(check->policy, item, issuer, reason);
    if (verdict == SIGNATURE_NO_MEMORY) {
      return false;
    }
    if (verdict == SIGNATURE_REFUSED) {
      note_refused(item, reason, findings);
      continue;
    }
    if (verdict != SIGNATURE_GOOD) {
      findings->badly_signed = item;
      continue;
    }
    if (is_newer(item, findings->newest)) {
      findings->newest = item; /* takes the place of older ones: a hold may have been lifted */
      findings->revoked_by = NULL;
    }
    if (item->list.this_update == findings->newest->list.this_update &&
        revocation_list_find(&item->list, certificate->serial_number, &findings->entry)) {
      findings->revoked_by = item;
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

static void explain_revoked(const struct findings *findings, const struct certificate *certificate, const char *subject,
                            const char *issuer, amqp_wolfssl_error_t *error) {
  const char *reason = revocation_reason_name(findings->entry.reason);

  error_verify(error, AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED, "the certificate of \"%s\" in the broker's chain",
               subject);
  append_serial_number(certificate->serial_number, error);
  error_append(error, " was revoked by \"%s\"", issuer);
  error_append_date(error, " on ", findings->entry.date, "");
  error_append(error, "%s%s, says its CRL in %s; have the broker use another certificate", *reason != '\0' ? ": " : "",
               reason, findings->revoked_by->origin);
}

static void explain_no_list(const struct findings *findings, const char *subject, const char *issuer,
                            amqp_wolfssl_error_t *error) {
  if (findings->badly_signed != NULL) {
    error_verify(
        error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
        "whether \"%s\" is revoked can't be checked: the CRL of \"%s\" in %s is not signed by the CA that issued "
        "the certificate, or that CA may not sign CRLs",
        subject, issuer, findings->badly_signed->origin);
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
  if (findings.revoked_by != NULL) {
    explain_revoked(&findings, certificate, subject, issuer_name, error);
  } else if (findings.refused != NULL && is_newer(findings.refused, findings.newest)) {
    error_verify(error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
                 "whether \"%s\" is revoked can't be checked: the CRL of \"%s\" in %s is too weak: %s", subject,
                 issuer_name, findings.refused->origin, findings.reason);
  } else if (findings.newest == NULL) {
    explain_no_list(&findings, subject, issuer_name, error);
  } else if (check->now > findings.newest->list.next_update) {
    error_verify(error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
                 "whether \"%s\" is revoked can't be checked: the CRL of \"%s\" in %s has expired", subject,
                 issuer_name, findings.newest->origin);
    error_append_date(error, " (it held until ", findings.newest->list.next_update, "); fetch a new one");
  } else if (check->now < findings.newest->list.this_update) {
    error_verify(error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
                 "whether \"%s\" is revoked can't be checked: the CRL of \"%s\" in %s is not valid yet", subject,
                 issuer_name, findings.newest->origin);
    error_append_date(error, " (it is dated ", findings.newest->list.this_update, "); check this machine's clock");
  } else {
    return AMQP_WOLFSSL_OK;
  }
  name_certificate(certificate, depth, error);
  return error->code;
}

amqp_wolfssl_code_t revocation_check_chain(const struct revocation_check *check, amqp_wolfssl_error_t *error) {
  size_t depth = 0;

  /* A path is no longer than the chain; one that is goes in a circle. */
  for (size_t step = 0; step < check->chain->count; step++) {
    const struct certificate_der *der = &check->chain->items[depth];
    struct certificate certificate;
    struct revocation_issuer issuer;
    amqp_wolfssl_code_t code;

    if (!read_certificate(der, &certificate)) {
      break;
    }
    if (certificate_list_contains(check->anchors, der->bytes, der->length)) {
      return AMQP_WOLFSSL_OK; /* trusted by itself */
    }
    code = revocation_find_issuer(check, depth, &certificate, &issuer, error);
    if (code == AMQP_WOLFSSL_OK) {
      code = revocation_check_lists(check, &certificate, depth, &issuer.certificate, error);
    }
    if (code != AMQP_WOLFSSL_OK || issuer.is_anchor) {
      return code;
    }
    depth = issuer.depth;
  }
  return error_verify(error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
                      "the broker's certificates lead to no trusted CA that revocation could be checked by");
}
