/* SPDX-License-Identifier: MIT */
/* Reads what the OCSP response says about the broker's certificate first, and believes it once it knows the signer. */
#include "autoconfig.h"

#include "verification/ocsp_check.h"

#include <stdio.h>

#include "backend/wolfssl_headers.h"
#include "verification/signer_check.h"
#include "x509/object_identifiers.h"
#include "x509/ocsp_response.h"

#include <wolfssl/wolfcrypt/hash.h>

/* A responder sends one certificate; each one tried costs two signature checks. */
#define RESPONDERS_TRIED 4

/* ---- What it is about ---- */

enum match { MATCH_NO, MATCH_YES, MATCH_UNCERTAIN };

/* Uncertain: the hash is not supported, or there is no memory to compute it. */
static enum match match_hash(struct byte_slice bytes, struct byte_slice hash_oid, struct byte_slice expected) {
  uint8_t hash[32];
  struct byte_slice computed = {hash, 0};
  enum wc_HashType type;

  switch (object_identifier_find(hash_oid)) {
    case OID_SHA1: /* names an issuer, proves nothing: the signature does */
      type = WC_HASH_TYPE_SHA;
      computed.length = 20;
      break;
    case OID_SHA256:
      type = WC_HASH_TYPE_SHA256;
      computed.length = 32;
      break;
    default:
      return MATCH_UNCERTAIN;
  }
  if (wc_Hash(type, bytes.bytes, (word32)bytes.length, hash, (word32)computed.length) != 0) {
    return MATCH_UNCERTAIN;
  }
  return byte_slices_equal(computed, expected) ? MATCH_YES : MATCH_NO;
}

/* Whether it is about the leaf. */
static enum match match_single(const struct ocsp_single *single, const struct certificate *leaf,
                               const struct certificate *issuer) {
  struct byte_slice key;
  enum match match;

  if (!byte_slices_equal(single->serial_number, leaf->serial_number)) {
    return MATCH_NO;
  }
  if (!public_key_bits(issuer->public_key, &key)) {
    return MATCH_UNCERTAIN;
  }
  match = match_hash(issuer->subject, single->hash_oid, single->issuer_name_hash);
  return match == MATCH_YES ? match_hash(key, single->hash_oid, single->issuer_key_hash) : match;
}

/* ---- Who signed it ---- */

/* Called if there are CRLs. */
static enum signature_verdict check_responder_is_not_revoked(const struct revocation_check *check,
                                                             const struct certificate *responder,
                                                             const struct certificate *issuer,
                                                             char reason[SIGNER_REASON_LENGTH]) {
  char subject[ERROR_SUBJECT_LENGTH];
  amqp_wolfssl_error_t error;

  switch (revocation_check_lists(check, responder, 0, issuer, &error)) {
    case AMQP_WOLFSSL_OK:
      return SIGNATURE_GOOD;
    case AMQP_WOLFSSL_ERROR_NO_MEMORY:
      return SIGNATURE_NO_MEMORY;
    default:
      break;
  }
  certificate_format_name(responder->subject, subject, sizeof(subject));
  (void)snprintf(reason, SIGNER_REASON_LENGTH,
                 error.code == AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED
                     ? "its responder \"%s\" is revoked, according to a CRL"
                     : "no current CRL shows that its responder \"%s\" is not revoked",
                 subject);
  return SIGNATURE_REFUSED;
}

/* The certificate itself. */
static enum signature_verdict check_authorised(const struct policy *policy, const struct signed_object *object,
                                               const struct certificate *responder, const struct certificate *issuer,
                                               char reason[SIGNER_REASON_LENGTH]) {
  char subject[ERROR_SUBJECT_LENGTH];
  char why[SIGNER_REASON_LENGTH];
  enum signature_verdict verdict = signer_check(policy, object, issuer, why);

  if (verdict == SIGNATURE_REFUSED) {
    certificate_format_name(responder->subject, subject, sizeof(subject));
    (void)snprintf(reason, SIGNER_REASON_LENGTH, "the certificate of its responder \"%s\": %.450s", subject, why);
  }
  return verdict;
}

/* It may be one that limits whom the responder speaks for. */
static enum signature_verdict check_critical_extensions(const struct certificate *responder,
                                                        char reason[SIGNER_REASON_LENGTH]) {
  char subject[ERROR_SUBJECT_LENGTH];
  char identifier[CERTIFICATE_IDENTIFIER_LENGTH];

  if (responder->unknown_critical.length == 0) {
    return SIGNATURE_GOOD;
  }
  certificate_format_name(responder->subject, subject, sizeof(subject));
  certificate_format_identifier(responder->unknown_critical, identifier, sizeof(identifier));
  (void)snprintf(reason, SIGNER_REASON_LENGTH,
                 "the certificate of its responder \"%s\" has a critical extension that is not supported: %s", subject,
                 identifier);
  return SIGNATURE_REFUSED;
}

/* A responder of its own that the issuer has authorised (RFC 6960, section 4.2.2.2). */
static enum signature_verdict check_responder(const struct revocation_check *check,
                                              const struct ocsp_response *response, struct byte_slice responder_der,
                                              const struct certificate *issuer, char reason[SIGNER_REASON_LENGTH]) {
  struct certificate responder;
  struct signed_object object;
  enum signature_verdict verdict;

  if (!certificate_read(&responder, responder_der.bytes, responder_der.length) ||
      !signed_object_read(&object, responder_der.bytes, responder_der.length) ||
      (responder.purposes & CERTIFICATE_PURPOSE_OCSP) == 0 ||
      certificate_validity_at(&responder, check->now) != CERTIFICATE_CURRENT ||
      !certificate_names_equal(responder.issuer, issuer->subject)) {
    return SIGNATURE_WRONG;
  }
  verdict = check_authorised(check->policy, &object, &responder, issuer, reason);
  if (verdict == SIGNATURE_GOOD) {
    verdict = signer_check(check->policy, &response->object, &responder, reason);
  }
  if (verdict == SIGNATURE_GOOD) {
    verdict = check_critical_extensions(&responder, reason);
  }
  if (verdict == SIGNATURE_GOOD && check->lists != NULL) {
    verdict = check_responder_is_not_revoked(check, &responder, issuer, reason);
  }
  return verdict;
}

static enum signature_verdict check_response_signer(const struct revocation_check *check,
                                                    const struct ocsp_response *response,
                                                    const struct certificate *issuer,
                                                    char reason[SIGNER_REASON_LENGTH]) {
  struct byte_slice rest = response->certificates;
  enum signature_verdict verdict = signer_check(check->policy, &response->object, issuer, reason);
  enum signature_verdict worse = SIGNATURE_WRONG;
  struct der_element element;

  for (int i = 0; i < RESPONDERS_TRIED && verdict == SIGNATURE_WRONG && der_read(&rest, &element); i++) {
    verdict = check_responder(check, response, element.whole, issuer, reason);
    if (verdict == SIGNATURE_REFUSED) { /* another certificate may be that of the signer */
      worse = verdict;
      verdict = SIGNATURE_WRONG;
    }
  }
  return verdict == SIGNATURE_WRONG ? worse : verdict;
}

/* ---- What it says ---- */

static const char *responder_error_name(int status) {
  switch (status) { /* RFC 6960, section 4.2.1 */
    case 1:
      return "malformedRequest";
    case 2:
      return "internalError";
    case 3:
      return "tryLater";
    case 5:
      return "sigRequired";
    case 6:
      return "unauthorized";
    default:
      return "unknown";
  }
}

static amqp_wolfssl_code_t explain_unread_response(enum ocsp_response_result result,
                                                   const struct ocsp_response *response, amqp_wolfssl_error_t *error) {
  if (result == OCSP_RESPONSE_REFUSED) {
    return error_verify(
        error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
        "what the broker stapled is an error from its OCSP responder, not a status: %s (%d); check how the broker "
        "gets its responses",
        responder_error_name(response->responder_error), response->responder_error);
  }
  if (result == OCSP_RESPONSE_CRITICAL) {
    return error_verify(error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
                        "the OCSP response that the broker stapled has a critical extension that is not supported");
  }
  return error_verify(error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
                      "what the broker stapled is not a valid OCSP response");
}

static amqp_wolfssl_code_t check_single(const struct ocsp_single *single, int64_t now, const char *issuer,
                                        amqp_wolfssl_error_t *error) {
  if (single->status == OCSP_REVOKED) {
    error_verify(error, AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED, "the broker's certificate was revoked by \"%s\"",
                 issuer);
    error_append_date(error, " on ", single->revoked_on,
                      ", according to the OCSP response that the broker stapled; give the broker a new certificate");
  } else if (now < single->this_update) {
    error_verify(error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
                 "the OCSP response that the broker stapled is not valid yet");
    error_append_date(error, " (it is dated ", single->this_update, "); check this machine's clock");
  } else if (!single->has_next_update) {
    error_verify(
        error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
        "the OCSP response that the broker stapled does not say until when it is valid (it lacks nextUpdate); check "
        "how the broker gets its responses");
  } else if (now > single->next_update) {
    error_verify(error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, "the OCSP response that the broker stapled has expired");
    error_append_date(error, " (it was valid until ", single->next_update,
                      "); check how the broker gets its responses");
  } else if (single->status == OCSP_UNKNOWN) {
    error_verify(
        error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
        "the OCSP responder of \"%s\" does not know the broker's certificate, according to the response that the "
        "broker stapled; ask that CA",
        issuer);
  } else {
    return AMQP_WOLFSSL_OK;
  }
  return error->code;
}

/*
 * A response may give several statuses for the certificate. Revoked is the worst, in date or not; otherwise each must
 * be good and in date: which of them applies is not for us to guess.
 */
static amqp_wolfssl_code_t check_singles(const struct ocsp_response *response, const struct certificate *leaf,
                                         const struct certificate *issuer, const char *issuer_name, int64_t now,
                                         bool *any, amqp_wolfssl_error_t *error) {
  struct byte_slice rest = response->singles;
  amqp_wolfssl_code_t worst = AMQP_WOLFSSL_OK;
  struct ocsp_single single;

  *any = false;
  while (worst != AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED && ocsp_single_take(&rest, &single)) {
    const enum match match = match_single(&single, leaf, issuer);

    *any = *any || match != MATCH_NO;
    if (match == MATCH_YES && (worst == AMQP_WOLFSSL_OK || single.status == OCSP_REVOKED)) {
      worst = check_single(&single, now, issuer_name, error);
    } else if (match == MATCH_UNCERTAIN && worst == AMQP_WOLFSSL_OK) {
      worst = error_verify(
          error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
          "the OCSP response that the broker stapled identifies the certificate's issuer by a hash other than SHA-1 "
          "or SHA-256");
    }
  }
  return worst;
}

static amqp_wolfssl_code_t check_response(const struct revocation_check *check, struct byte_slice bytes,
                                          const struct certificate *leaf, const struct certificate *issuer,
                                          amqp_wolfssl_error_t *error) {
  struct ocsp_response response;
  enum ocsp_response_result result = ocsp_response_read(&response, bytes.bytes, bytes.length);
  amqp_wolfssl_code_t code;
  bool any;
  char issuer_name[ERROR_SUBJECT_LENGTH];
  char reason[SIGNER_REASON_LENGTH];

  if (result != OCSP_RESPONSE_READ) {
    return explain_unread_response(result, &response, error);
  }
  certificate_format_name(issuer->subject, issuer_name, sizeof(issuer_name));
  code = check_singles(&response, leaf, issuer, issuer_name, check->now, &any, error);
  if (!any) {
    return error_verify(
        error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
        "the OCSP response that the broker stapled is about another certificate, or one from an issuer other than "
        "\"%s\"",
        issuer_name);
  }
  switch (check_response_signer(check, &response, issuer, reason)) {
    case SIGNATURE_GOOD:
      return code; /* only now does what it says count */
    case SIGNATURE_NO_MEMORY:
      return error_verify(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
    case SIGNATURE_REFUSED:
      return error_verify(error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
                          "the OCSP response that the broker stapled is not accepted: %s", reason);
    case SIGNATURE_WRONG:
    case SIGNATURE_UNSUPPORTED:
      break;
  }
  return error_verify(
      error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
      "the OCSP response that the broker stapled is signed neither by \"%s\", which issued the certificate, nor "
      "by a responder that it authorised",
      issuer_name);
}

amqp_wolfssl_code_t ocsp_check_response(const struct revocation_check *check, struct byte_slice response,
                                        amqp_wolfssl_error_t *error) {
  const struct certificate_der *der = check->chain->items;
  struct certificate leaf;
  struct certificate issuer;
  amqp_wolfssl_code_t code;
  char subject[ERROR_SUBJECT_LENGTH];

  if (check->chain->count == 0 || !certificate_read(&leaf, der->bytes, der->length)) {
    return error_verify(error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
                        "the broker stapled an OCSP response but sent no certificate");
  }
  code = revocation_find_issuer(check, &leaf, &issuer, error);
  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  code = check_response(check, response, &leaf, &issuer, error);
  if (code != AMQP_WOLFSSL_OK) {
    certificate_format_name(leaf.subject, subject, sizeof(subject));
    error_set_certificate(error, 0, subject);
  }
  return code;
}
