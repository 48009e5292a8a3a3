/* SPDX-License-Identifier: MIT */
/* One question for each certificate of a path, and which of the answers count. */
#include "autoconfig.h"

#include "verification/wolfssl_opinion.h"

#include "verification/wolfssl_limits.h"

#include "backend/wolfssl_error.h"
#include "backend/wolfssl_headers.h"
#include "x509/certificate.h"

#include <wolfssl/error-ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

/* ---- Refusals that don't count ---- */

/*
 * Rules that path.c applies in full, and some version of wolfSSL applies to certificates that keep them. docs/x509.md
 * has the PKIs that it would refuse, and the tests of each.
 */
static const int rules_of_ours[] = {
    ASN_NAME_INVALID_E, /* name constraints: 5.5.4 and 5.7.2 take an issuing CA's common name for a DNS name, and test
                           names of other kinds against them; 5.9.2 applies them to self-issued CAs */
    ASN_PATHLEN_INV_E,  /* path lengths: it wants them to decrease, and counts self-issued CAs */
    ASN_PATHLEN_SIZE_E,
};

/* By the bytes of the names; by what they say (RFC 5280, section 7.1) it is the issuer. */
static bool is_issuer_by_another_spelling(const struct certificate_der *issued_der,
                                          const struct certificate_der *issuer_der) {
  struct certificate issued;
  struct certificate issuer;

  return certificate_read(&issued, issued_der->bytes, issued_der->length) &&
         certificate_read(&issuer, issuer_der->bytes, issuer_der->length) &&
         certificate_names_equal(issued.issuer, issuer.subject) && !byte_slices_equal(issued.issuer, issuer.subject);
}

static bool is_rule_of_ours(int wolfssl_code, const struct certificate_der *issued,
                            const struct certificate_der *issuer) {
  if (wolfssl_code == ASN_NO_SIGNER_E) {
    return is_issuer_by_another_spelling(issued, issuer);
  }
  for (size_t i = 0; i < sizeof(rules_of_ours) / sizeof(rules_of_ours[0]); i++) {
    if (rules_of_ours[i] == wolfssl_code) {
      return true;
    }
  }
  return false;
}

/* ---- The question ---- */

static amqp_wolfssl_code_t refuse(const struct certificate_der *der, size_t depth, int wolfssl_code,
                                  amqp_wolfssl_error_t *error) {
  static const struct wolfssl_cause fallback = {AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_CERTIFICATE_INVALID,
                                                "the broker's certificate was not accepted"};
  struct certificate certificate;
  char subject[ERROR_SUBJECT_LENGTH];

  wolfssl_error_set(error, wolfssl_code, &fallback);
  error->stage = AMQP_WOLFSSL_STAGE_VERIFY;
  if (certificate_read(&certificate, der->bytes, der->length)) {
    certificate_format_name(certificate.subject, subject, sizeof(subject));
    error_set_certificate(error, (int)depth, subject);
  }
  error_append(error, " (according to wolfSSL, %d; by this library's own validation the path is good)", wolfssl_code);
  return error->code;
}

static const struct certificate_der *find_issuer(const struct path *path, const struct path_question *question,
                                                 size_t depth) {
  return depth + 1 == path->length ? &question->anchors->items[path->anchor]
                                   : &question->sent->items[path->places[depth + 1]];
}

/* A manager that has the issuer only: of several CAs of one name and without key identifiers wolfSSL tries one. */
static amqp_wolfssl_code_t ask_about(const struct path *path, const struct path_question *question, size_t depth,
                                     amqp_wolfssl_error_t *error) {
  const struct certificate_der *issued = &question->sent->items[path->places[depth]];
  const struct certificate_der *issuer = find_issuer(path, question, depth);
  WOLFSSL_CERT_MANAGER *manager = wolfSSL_CertManagerNew();
  amqp_wolfssl_code_t code = AMQP_WOLFSSL_OK;
  int result;

  if (manager == NULL) {
    return error_verify(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  result = wolfSSL_CertManagerLoadCABuffer(manager, issuer->bytes, (long)issuer->length, WOLFSSL_FILETYPE_ASN1);
  if (result != WOLFSSL_SUCCESS) { /* then it has no opinion on what that issued */
    code = wolfssl_limits_explain(result, issuer) ? AMQP_WOLFSSL_OK : refuse(issuer, depth + 1, result, error);
    goto cleanup;
  }
  result = wolfSSL_CertManagerVerifyBuffer(manager, issued->bytes, (long)issued->length, WOLFSSL_FILETYPE_ASN1);
  if (result != WOLFSSL_SUCCESS && !is_rule_of_ours(result, issued, issuer) &&
      !wolfssl_limits_explain(result, issued)) {
    code = refuse(issued, depth, result, error);
  }
cleanup:
  wolfSSL_CertManagerFree(manager);
  return code;
}

/* Of a certificate that is trusted as it stands there is nothing to verify. */
static bool is_anchor_itself(const struct path *path, const struct path_question *question) {
  const struct certificate_der *broker = &question->sent->items[path->places[0]];
  const struct certificate_der *anchor = &question->anchors->items[path->anchor];

  return path->length == 1 && byte_slices_equal((struct byte_slice){broker->bytes, broker->length},
                                                (struct byte_slice){anchor->bytes, anchor->length});
}

amqp_wolfssl_code_t wolfssl_opinion_ask(const struct path *path, const struct path_question *question,
                                        amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code = AMQP_WOLFSSL_OK;

  if (is_anchor_itself(path, question)) {
    return AMQP_WOLFSSL_OK;
  }
  for (size_t depth = path->length; depth-- > 0 && code == AMQP_WOLFSSL_OK;) {
    code = ask_about(path, question, depth, error);
  }
  return code;
}
