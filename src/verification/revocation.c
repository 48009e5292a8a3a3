/* SPDX-License-Identifier: MIT */
/* Revocation lists and OCSP answers: who signed them, whether they are in date, and what they say of a certificate. */
#include "autoconfig.h"

#include "verification/revocation.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "x509/certificate.h"
#include "x509/ocsp_answer.h"
#include "x509/pem.h"
#include "policy/policy.h"
#include "x509/revocation_list.h"
#include "x509/signature.h"
#include "backend/wolfssl_headers.h"

#include <wolfssl/wolfcrypt/coding.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/hash.h>

#define FAIL(code, ...) error_set(error, AMQP_WOLFSSL_STAGE_CONFIGURE, AMQP_WOLFSSL_ERROR_##code, __VA_ARGS__)
#define REFUSE(code, ...) error_set(error, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_##code, __VA_ARGS__)

/* Why a signature is refused that may well be good. */
#define REASON_LENGTH (3 * ERROR_SUBJECT_LENGTH)

/* A responder sends one certificate; each that is tried costs two checks of signatures. */
#define RESPONDERS_TRIED 4

struct item {
  uint8_t *der; /* what \a list points into */
  char *origin;
  struct revocation_list list;
  uint8_t *signer; /* the public key it was found to be signed with, when the set was made; NULL: not known yet */
  size_t signer_length;
};

struct revocation_lists {
  atomic_uint references;
  struct item *items;
  size_t count;
};

/* ---- A set of lists ---- */

struct revocation_lists *revocation_lists_new(void) {
  struct revocation_lists *lists = calloc(1, sizeof(*lists));

  if (lists != NULL) {
    atomic_init(&lists->references, 1);
  }
  return lists;
}

struct revocation_lists *revocation_lists_reference(struct revocation_lists *lists) {
  if (lists != NULL) {
    atomic_fetch_add_explicit(&lists->references, 1, memory_order_relaxed);
  }
  return lists;
}

void revocation_lists_release(struct revocation_lists *lists) {
  if (lists == NULL || atomic_fetch_sub_explicit(&lists->references, 1, memory_order_acq_rel) != 1) {
    return;
  }
  for (size_t i = 0; i < lists->count; i++) {
    free(lists->items[i].der);
    free(lists->items[i].origin);
    free(lists->items[i].signer);
  }
  free(lists->items);
  free(lists);
}

static amqp_wolfssl_code_t explain_unread(enum revocation_list_result result, const char *origin, size_t number,
                                          amqp_wolfssl_error_t *error) {
  if (result == REVOCATION_LIST_WITHOUT_END) {
    return FAIL(CRL_UNUSABLE, "CRL %zu of %s does not say until when it holds (nextUpdate)", number, origin);
  }
  if (result == REVOCATION_LIST_PARTIAL) {
    return FAIL(CRL_UNUSABLE,
                "CRL %zu of %s is a delta, covers a part of the certificates only, is issued for another CA, or has "
                "another critical extension; give the CA's full CRL",
                number, origin);
  }
  return FAIL(CRL_MALFORMED, "CRL %zu of %s is not a valid X.509 CRL", number, origin);
}

/* Takes over \a der, also when it fails. */
static amqp_wolfssl_code_t add_der(struct revocation_lists *lists, uint8_t *der, size_t length, const char *origin,
                                   size_t number, amqp_wolfssl_error_t *error) {
  struct item item = {.der = der};
  enum revocation_list_result result = revocation_list_read(&item.list, der, length);
  struct item *items;

  if (result != REVOCATION_LIST_READ) {
    free(der);
    return explain_unread(result, origin, number, error);
  }
  item.origin = strdup(origin);
  items = item.origin == NULL ? NULL : realloc(lists->items, (lists->count + 1) * sizeof(*items));
  if (items == NULL) {
    free(item.origin);
    free(der);
    return FAIL(NO_MEMORY, "out of memory");
  }
  lists->items = items;
  lists->items[lists->count++] = item;
  return AMQP_WOLFSSL_OK;
}

static amqp_wolfssl_code_t add_pem_block(struct revocation_lists *lists, const struct pem_block *block,
                                         const char *origin, size_t number, amqp_wolfssl_error_t *error) {
  const char *base64 = block->label.text + block->label.length + strlen("-----");
  const char *end = block->whole.text + block->whole.length - strlen("-----END -----") - block->label.length;
  word32 length = (word32)block->whole.length;
  uint8_t *der = malloc(block->whole.length);
  int result;

  if (der == NULL) {
    return FAIL(NO_MEMORY, "out of memory");
  }
  result = Base64_Decode((const byte *)base64, (word32)(end - base64), der, &length);
  if (result != 0) {
    free(der);
    return result == MEMORY_E ? FAIL(NO_MEMORY, "out of memory")
                              : FAIL(CRL_MALFORMED, "CRL %zu of %s is not valid base64", number, origin);
  }
  return add_der(lists, der, length, origin, number, error);
}

static amqp_wolfssl_code_t add_pem(struct revocation_lists *lists, const char *text, size_t length, const char *origin,
                                   amqp_wolfssl_error_t *error) {
  struct pem_text rest = {text, length};
  struct pem_block block;
  size_t number = 0;
  enum pem_result result;

  while ((result = pem_next(&rest, &block)) == PEM_BLOCK) {
    if (pem_is_revocation_list(&block)) {
      amqp_wolfssl_code_t code = add_pem_block(lists, &block, origin, ++number, error);

      if (code != AMQP_WOLFSSL_OK) {
        return code;
      }
    }
  }
  if (result == PEM_UNTERMINATED) {
    return FAIL(CRL_MALFORMED, "%s is cut off or damaged after CRL %zu: a BEGIN or END line lacks the other", origin,
                number);
  }
  return number > 0 ? AMQP_WOLFSSL_OK
                    : FAIL(CRL_MALFORMED, "%s holds no CRL (no \"-----BEGIN X509 CRL-----\")", origin);
}

amqp_wolfssl_code_t revocation_lists_add(struct revocation_lists *lists, const void *data, size_t length,
                                         amqp_wolfssl_format_t format, const char *origin,
                                         amqp_wolfssl_error_t *error) {
  uint8_t *der;

  if (length == 0) {
    return FAIL(CRL_MALFORMED, "%s is empty", origin);
  }
  if (length > INT_MAX) {
    return FAIL(INVALID_ARGUMENT, "%s is too long", origin);
  }
  if (format == AMQP_WOLFSSL_FORMAT_PEM || (format == AMQP_WOLFSSL_FORMAT_AUTO && pem_is_likely(data, length))) {
    return add_pem(lists, data, length, origin, error);
  }
  der = malloc(length);
  if (der == NULL) {
    return FAIL(NO_MEMORY, "out of memory");
  }
  memcpy(der, data, length);
  return add_der(lists, der, length, origin, 1, error);
}

amqp_wolfssl_code_t revocation_lists_check_dates(const struct revocation_lists *lists, int64_t now,
                                                 amqp_wolfssl_error_t *error) {
  for (size_t i = 0; i < lists->count; i++) {
    if (now > lists->items[i].list.next_update) {
      FAIL(CRL_UNUSABLE, "CRL %zu of %s has expired", i + 1, lists->items[i].origin);
      error_append_date(error, ": it held until ", lists->items[i].list.next_update, "; fetch a new one");
      return error->code;
    }
  }
  return AMQP_WOLFSSL_OK;
}

/* ---- Who signed a list ---- */

static bool read_certificate(const struct certificate_der *der, struct certificate *certificate) {
  return certificate_read(certificate, der->bytes, der->length);
}

/* \a known: the issuer it names is among the anchors. */
static enum signature_verdict find_signer(struct item *item, const struct certificate_list *anchors, bool *known) {
  *known = false;
  for (size_t i = 0; i < anchors->count; i++) {
    enum signature_verdict verdict = SIGNATURE_WRONG;
    struct certificate anchor;

    if (!read_certificate(&anchors->items[i], &anchor) || !certificate_names_equal(anchor.subject, item->list.issuer)) {
      continue;
    }
    *known = true;
    if (anchor.may_sign_lists) {
      verdict = signature_check(&item->list.object, anchor.public_key);
    }
    if (verdict == SIGNATURE_GOOD) {
      item->signer = malloc(anchor.public_key.length);
      if (item->signer == NULL) {
        return SIGNATURE_NO_MEMORY;
      }
      memcpy(item->signer, anchor.public_key.bytes, anchor.public_key.length);
      item->signer_length = anchor.public_key.length;
    }
    if (verdict != SIGNATURE_WRONG) {
      return verdict;
    }
  }
  return SIGNATURE_WRONG;
}

amqp_wolfssl_code_t revocation_lists_check_signers(struct revocation_lists *lists,
                                                   const struct certificate_list *anchors,
                                                   amqp_wolfssl_error_t *error) {
  for (size_t i = 0; i < lists->count; i++) {
    struct item *item = &lists->items[i];
    char issuer[ERROR_SUBJECT_LENGTH];
    enum signature_verdict verdict;
    bool known;

    free(item->signer);
    item->signer = NULL;
    verdict = find_signer(item, anchors, &known);
    if (verdict == SIGNATURE_NO_MEMORY) {
      return FAIL(NO_MEMORY, "out of memory");
    }
    if (known && verdict != SIGNATURE_GOOD) {
      certificate_format_name(item->list.issuer, issuer, sizeof(issuer));
      return FAIL(CRL_UNUSABLE, "the CRL of \"%s\" in %s %s", issuer, item->origin,
                  verdict == SIGNATURE_UNSUPPORTED
                      ? "is signed in a way that is not allowed (RSA or ECDSA with SHA-256, -384 or -512 is)"
                      : "is not signed by the trusted CA of that name, or that may not sign CRLs");
    }
  }
  return AMQP_WOLFSSL_OK;
}

/* What was found to be signed by \a signer has to be signed as the policy allows, by a key that it allows. */
static enum signature_verdict hold_to_policy(const struct policy *policy, enum signature_verdict verdict,
                                             const struct signed_object *object, const struct certificate *signer,
                                             char reason[REASON_LENGTH]) {
  char subject[ERROR_SUBJECT_LENGTH];
  char weakness[160];

  if (verdict == SIGNATURE_UNSUPPORTED) {
    (void)snprintf(reason, REASON_LENGTH,
                   "it is signed neither by RSA (PKCS #1 v1.5) nor by ECDSA with SHA-256, -384 or -512");
    return SIGNATURE_REFUSED;
  }
  if (verdict != SIGNATURE_GOOD) {
    return verdict;
  }
  if (!policy_allows_signature_scheme(policy, signature_scheme(object), reason, REASON_LENGTH)) {
    return SIGNATURE_REFUSED;
  }
  if (policy_allows_key(policy, signer, weakness, sizeof(weakness))) {
    return SIGNATURE_GOOD;
  }
  certificate_format_name(signer->subject, subject, sizeof(subject));
  (void)snprintf(reason, REASON_LENGTH, "it is signed by \"%s\", and %s", subject, weakness);
  return SIGNATURE_REFUSED;
}

static enum signature_verdict check_signature(const struct policy *policy, const struct signed_object *object,
                                              const struct certificate *signer, char reason[REASON_LENGTH]) {
  return hold_to_policy(policy, signature_check(object, signer->public_key), object, signer, reason);
}

static enum signature_verdict check_signer(const struct policy *policy, const struct item *item,
                                           const struct certificate *issuer, char reason[REASON_LENGTH]) {
  struct byte_slice known = {item->signer, item->signer_length};

  if (!issuer->may_sign_lists) {
    return SIGNATURE_WRONG;
  }
  if (item->signer != NULL && byte_slices_equal(known, issuer->public_key)) {
    return hold_to_policy(policy, SIGNATURE_GOOD, &item->list.object, issuer, reason);
  }
  return check_signature(policy, &item->list.object, issuer, reason);
}

/* ---- The way from a certificate to its issuer ---- */

struct issuer {
  struct certificate certificate;
  bool is_anchor;
  size_t depth; /* in the chain, where it is no anchor */
};

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
                                          const struct certificate *certificate, struct issuer *issuer) {
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
    return REFUSE(NO_MEMORY, "out of memory");
  }
  certificate_format_name(certificate->subject, subject, sizeof(subject));
  certificate_format_name(certificate->issuer, issuer, sizeof(issuer));
  if (verdict == SIGNATURE_UNSUPPORTED) {
    REFUSE(REVOCATION_UNKNOWN,
           "whether \"%s\" is revoked can't be checked: its certificate is signed in a way other than RSA (PKCS #1 "
           "v1.5) or ECDSA with SHA-256, -384 or -512",
           subject);
  } else {
    REFUSE(REVOCATION_UNKNOWN,
           "whether \"%s\" is revoked can't be checked: the broker did not send the certificate of its issuer \"%s\"",
           subject, issuer);
  }
  name_certificate(certificate, depth, error);
  return error->code;
}

/* ---- What the lists say ---- */

struct findings {
  const struct item *newest; /* of the issuer's, signed by it */
  const struct item *revoked_by;
  struct revocation_entry entry;
  const struct item *badly_signed; /* names the issuer, but is not signed by it */
  const struct item *refused;      /* the newest that the policy keeps from being used */
  char reason[REASON_LENGTH];      /* of that */
};

static bool is_newer(const struct item *item, const struct item *than) {
  return than == NULL || item->list.this_update > than->list.this_update;
}

static void note_refused(const struct item *item, const char *reason, struct findings *findings) {
  if (is_newer(item, findings->refused)) {
    findings->refused = item;
    (void)snprintf(findings->reason, sizeof(findings->reason), "%s", reason);
  }
}

static bool search(const struct revocation_check *check, const struct certificate *certificate,
                   const struct certificate *issuer, struct findings *findings) {
  const struct revocation_lists *lists = check->lists;
  char reason[REASON_LENGTH];

  memset(findings, 0, sizeof(*findings));
  for (size_t i = 0; i < lists->count; i++) {
    const struct item *item = &lists->items[i];
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

  REFUSE(CERTIFICATE_REVOKED, "the certificate of \"%s\" in the broker's chain", subject);
  append_serial_number(certificate->serial_number, error);
  error_append(error, " was revoked by \"%s\"", issuer);
  error_append_date(error, " on ", findings->entry.date, "");
  error_append(error, "%s%s, says its CRL in %s; have the broker use another certificate", *reason != '\0' ? ": " : "",
               reason, findings->revoked_by->origin);
}

static void explain_no_list(const struct findings *findings, const char *subject, const char *issuer,
                            amqp_wolfssl_error_t *error) {
  if (findings->badly_signed != NULL) {
    REFUSE(REVOCATION_UNKNOWN,
           "whether \"%s\" is revoked can't be checked: the CRL of \"%s\" in %s is not signed by the CA that issued "
           "the certificate, or that CA may not sign CRLs",
           subject, issuer, findings->badly_signed->origin);
  } else {
    REFUSE(REVOCATION_UNKNOWN,
           "whether \"%s\" is revoked can't be checked: no CRL of its issuer \"%s\" was given; add it", subject,
           issuer);
  }
}

static amqp_wolfssl_code_t check_lists(const struct revocation_check *check, const struct certificate *certificate,
                                       size_t depth, const struct certificate *issuer, amqp_wolfssl_error_t *error) {
  char subject[ERROR_SUBJECT_LENGTH];
  char issuer_name[ERROR_SUBJECT_LENGTH];
  struct findings findings;

  if (!search(check, certificate, issuer, &findings)) {
    return REFUSE(NO_MEMORY, "out of memory");
  }
  certificate_format_name(certificate->subject, subject, sizeof(subject));
  certificate_format_name(certificate->issuer, issuer_name, sizeof(issuer_name));
  if (findings.revoked_by != NULL) {
    explain_revoked(&findings, certificate, subject, issuer_name, error);
  } else if (findings.refused != NULL && is_newer(findings.refused, findings.newest)) {
    REFUSE(REVOCATION_UNKNOWN, "whether \"%s\" is revoked can't be checked: the CRL of \"%s\" in %s is too weak: %s",
           subject, issuer_name, findings.refused->origin, findings.reason);
  } else if (findings.newest == NULL) {
    explain_no_list(&findings, subject, issuer_name, error);
  } else if (check->now > findings.newest->list.next_update) {
    REFUSE(REVOCATION_UNKNOWN, "whether \"%s\" is revoked can't be checked: the CRL of \"%s\" in %s has expired",
           subject, issuer_name, findings.newest->origin);
    error_append_date(error, " (it held until ", findings.newest->list.next_update, "); fetch a new one");
  } else if (check->now < findings.newest->list.this_update) {
    REFUSE(REVOCATION_UNKNOWN, "whether \"%s\" is revoked can't be checked: the CRL of \"%s\" in %s is not valid yet",
           subject, issuer_name, findings.newest->origin);
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
    struct issuer issuer;
    enum signature_verdict verdict;
    amqp_wolfssl_code_t code;

    if (!read_certificate(der, &certificate)) {
      break;
    }
    if (certificate_list_contains(check->anchors, der->bytes, der->length)) {
      return AMQP_WOLFSSL_OK; /* trusted by itself */
    }
    verdict = find_issuer(check, der, &certificate, &issuer);
    if (verdict != SIGNATURE_GOOD) {
      return explain_no_issuer(&certificate, depth, verdict, error);
    }
    code = check_lists(check, &certificate, depth, &issuer.certificate, error);
    if (code != AMQP_WOLFSSL_OK || issuer.is_anchor) {
      return code;
    }
    depth = issuer.depth;
  }
  return REFUSE(REVOCATION_UNKNOWN,
                "the broker's certificates lead to no trusted CA that revocation could be checked by");
}

/* ---- OCSP ---- */

enum match { MATCH_NO, MATCH_YES, MATCH_UNCERTAIN };

/* Uncertain: not a hash that is known here, or no memory to compute it. */
static enum match match_hash(struct byte_slice bytes, struct byte_slice hash_oid, struct byte_slice expected) {
  static const uint8_t sha1[] = {0x2b, 0x0e, 0x03, 0x02, 0x1a};
  static const uint8_t sha256[] = {0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01};
  const struct byte_slice sha1_oid = {sha1, sizeof(sha1)};
  const struct byte_slice sha256_oid = {sha256, sizeof(sha256)};
  uint8_t hash[32];
  struct byte_slice computed = {hash, 0};
  enum wc_HashType type;

  if (byte_slices_equal(hash_oid, sha1_oid)) { /* names an issuer, proves nothing: the signature does */
    type = WC_HASH_TYPE_SHA;
    computed.length = 20;
  } else if (byte_slices_equal(hash_oid, sha256_oid)) {
    type = WC_HASH_TYPE_SHA256;
    computed.length = 32;
  } else {
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

/* With lists at hand. */
static enum signature_verdict check_responder_is_not_revoked(const struct revocation_check *check,
                                                             const struct certificate *responder,
                                                             const struct certificate *issuer,
                                                             char reason[REASON_LENGTH]) {
  char subject[ERROR_SUBJECT_LENGTH];
  amqp_wolfssl_error_t error;

  switch (check_lists(check, responder, 0, issuer, &error)) {
    case AMQP_WOLFSSL_OK:
      return SIGNATURE_GOOD;
    case AMQP_WOLFSSL_ERROR_NO_MEMORY:
      return SIGNATURE_NO_MEMORY;
    default:
      break;
  }
  certificate_format_name(responder->subject, subject, sizeof(subject));
  (void)snprintf(reason, REASON_LENGTH,
                 error.code == AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED
                     ? "its responder \"%s\" is revoked, says a CRL"
                     : "no CRL in date shows that its responder \"%s\" is not revoked",
                 subject);
  return SIGNATURE_REFUSED;
}

/* The certificate itself. */
static enum signature_verdict check_authorised(const struct policy *policy, const struct signed_object *object,
                                               const struct certificate *responder, const struct certificate *issuer,
                                               char reason[REASON_LENGTH]) {
  char subject[ERROR_SUBJECT_LENGTH];
  char why[REASON_LENGTH];
  enum signature_verdict verdict = check_signature(policy, object, issuer, why);

  if (verdict == SIGNATURE_REFUSED) {
    certificate_format_name(responder->subject, subject, sizeof(subject));
    (void)snprintf(reason, REASON_LENGTH, "the certificate of its responder \"%s\": %.450s", subject, why);
  }
  return verdict;
}

/* A responder of its own that the issuer has authorised (RFC 6960, section 4.2.2.2). */
static enum signature_verdict check_responder(const struct revocation_check *check, const struct ocsp_answer *answer,
                                              struct byte_slice responder_der, const struct certificate *issuer,
                                              char reason[REASON_LENGTH]) {
  struct certificate responder;
  struct signed_object object;
  enum signature_verdict verdict;

  if (!certificate_read(&responder, responder_der.bytes, responder_der.length) ||
      !signed_object_read(&object, responder_der.bytes, responder_der.length) ||
      (responder.purposes & CERTIFICATE_PURPOSE_OCSP) == 0 || check->now < responder.not_before ||
      check->now > responder.not_after || !certificate_names_equal(responder.issuer, issuer->subject)) {
    return SIGNATURE_WRONG;
  }
  verdict = check_authorised(check->policy, &object, &responder, issuer, reason);
  if (verdict == SIGNATURE_GOOD) {
    verdict = check_signature(check->policy, &answer->object, &responder, reason);
  }
  if (verdict == SIGNATURE_GOOD && check->lists != NULL) {
    verdict = check_responder_is_not_revoked(check, &responder, issuer, reason);
  }
  return verdict;
}

static enum signature_verdict check_answer_signer(const struct revocation_check *check,
                                                  const struct ocsp_answer *answer, const struct certificate *issuer,
                                                  char reason[REASON_LENGTH]) {
  struct byte_slice rest = answer->certificates;
  enum signature_verdict verdict = check_signature(check->policy, &answer->object, issuer, reason);
  enum signature_verdict worse = SIGNATURE_WRONG;
  struct der_element element;

  for (int i = 0; i < RESPONDERS_TRIED && verdict == SIGNATURE_WRONG && der_read(&rest, &element); i++) {
    verdict = check_responder(check, answer, element.whole, issuer, reason);
    if (verdict == SIGNATURE_REFUSED) { /* another certificate may be that of the signer */
      worse = verdict;
      verdict = SIGNATURE_WRONG;
    }
  }
  return verdict == SIGNATURE_WRONG ? worse : verdict;
}

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

static amqp_wolfssl_code_t explain_unread_answer(enum ocsp_answer_result result, const struct ocsp_answer *answer,
                                                 amqp_wolfssl_error_t *error) {
  if (result == OCSP_ANSWER_REFUSED) {
    return REFUSE(REVOCATION_UNKNOWN,
                  "what the broker stapled is its OCSP responder's error and no answer: %s (%d); see how the broker "
                  "gets its answers",
                  responder_error_name(answer->responder_error), answer->responder_error);
  }
  if (result == OCSP_ANSWER_CRITICAL) {
    return REFUSE(REVOCATION_UNKNOWN,
                  "the OCSP answer that the broker stapled has a critical extension that is not known here");
  }
  return REFUSE(REVOCATION_UNKNOWN, "what the broker stapled is not a valid OCSP answer");
}

static amqp_wolfssl_code_t check_single(const struct ocsp_single *single, int64_t now, const char *issuer,
                                        amqp_wolfssl_error_t *error) {
  if (single->status == OCSP_REVOKED) {
    REFUSE(CERTIFICATE_REVOKED, "the broker's certificate was revoked by \"%s\"", issuer);
    error_append_date(error, " on ", single->revoked_on,
                      ", says the OCSP answer that the broker stapled; have the broker use another certificate");
  } else if (now < single->this_update) {
    REFUSE(REVOCATION_UNKNOWN, "the OCSP answer that the broker stapled is not valid yet");
    error_append_date(error, " (it is dated ", single->this_update, "); check this machine's clock");
  } else if (!single->has_next_update) {
    REFUSE(REVOCATION_UNKNOWN, "the OCSP answer that the broker stapled does not say until when it holds (nextUpdate)");
  } else if (now > single->next_update) {
    REFUSE(REVOCATION_UNKNOWN, "the OCSP answer that the broker stapled has expired");
    error_append_date(error, " (it held until ", single->next_update, "); see how the broker gets its answers");
  } else if (single->status == OCSP_UNKNOWN) {
    REFUSE(REVOCATION_UNKNOWN,
           "the OCSP responder of \"%s\" does not know the broker's certificate, says the answer that the broker "
           "stapled",
           issuer);
  } else {
    return AMQP_WOLFSSL_OK;
  }
  return error->code;
}

/*
 * An answer may say several things of the certificate. Revoked is the worst, in date or not; else each must be good and
 * in date: which of them holds is not for us to guess.
 */
static amqp_wolfssl_code_t check_singles(const struct ocsp_answer *answer, const struct certificate *leaf,
                                         const struct certificate *issuer, const char *issuer_name, int64_t now,
                                         bool *any, amqp_wolfssl_error_t *error) {
  struct byte_slice rest = answer->singles;
  amqp_wolfssl_code_t worst = AMQP_WOLFSSL_OK;
  struct ocsp_single single;

  *any = false;
  while (worst != AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED && ocsp_single_take(&rest, &single)) {
    const enum match match = match_single(&single, leaf, issuer);

    *any = *any || match != MATCH_NO;
    if (match == MATCH_YES && (worst == AMQP_WOLFSSL_OK || single.status == OCSP_REVOKED)) {
      worst = check_single(&single, now, issuer_name, error);
    } else if (match == MATCH_UNCERTAIN && worst == AMQP_WOLFSSL_OK) {
      worst = REFUSE(REVOCATION_UNKNOWN,
                     "the OCSP answer that the broker stapled names the certificate's issuer by another hash than "
                     "SHA-1 or SHA-256");
    }
  }
  return worst;
}

static amqp_wolfssl_code_t check_answer(const struct revocation_check *check, struct byte_slice bytes,
                                        const struct certificate *leaf, const struct certificate *issuer,
                                        amqp_wolfssl_error_t *error) {
  struct ocsp_answer answer;
  enum ocsp_answer_result result = ocsp_answer_read(&answer, bytes.bytes, bytes.length);
  amqp_wolfssl_code_t code;
  bool any;
  char issuer_name[ERROR_SUBJECT_LENGTH];
  char reason[REASON_LENGTH];

  if (result != OCSP_ANSWER_READ) {
    return explain_unread_answer(result, &answer, error);
  }
  certificate_format_name(issuer->subject, issuer_name, sizeof(issuer_name));
  code = check_singles(&answer, leaf, issuer, issuer_name, check->now, &any, error);
  if (!any) {
    return REFUSE(REVOCATION_UNKNOWN,
                  "the OCSP answer that the broker stapled is about another certificate, or one of another issuer "
                  "than \"%s\"",
                  issuer_name);
  }
  switch (check_answer_signer(check, &answer, issuer, reason)) {
    case SIGNATURE_GOOD:
      return code; /* only now does what it says count */
    case SIGNATURE_NO_MEMORY:
      return REFUSE(NO_MEMORY, "out of memory");
    case SIGNATURE_REFUSED:
      return REFUSE(REVOCATION_UNKNOWN, "the OCSP answer that the broker stapled is not accepted: %s", reason);
    case SIGNATURE_WRONG:
    case SIGNATURE_UNSUPPORTED:
      break;
  }
  return REFUSE(
      REVOCATION_UNKNOWN,
      "the OCSP answer that the broker stapled is signed neither by \"%s\", which issued the certificate, nor "
      "by a responder that it authorised",
      issuer_name);
}

amqp_wolfssl_code_t revocation_check_answer(const struct revocation_check *check, struct byte_slice answer,
                                            amqp_wolfssl_error_t *error) {
  const struct certificate_der *der = check->chain->items;
  struct certificate leaf;
  struct issuer issuer;
  enum signature_verdict verdict;
  amqp_wolfssl_code_t code;

  if (check->chain->count == 0 || !read_certificate(der, &leaf)) {
    return REFUSE(REVOCATION_UNKNOWN, "the broker stapled an OCSP answer and sent no certificate");
  }
  verdict = find_issuer(check, der, &leaf, &issuer);
  if (verdict != SIGNATURE_GOOD) {
    return explain_no_issuer(&leaf, 0, verdict, error);
  }
  code = check_answer(check, answer, &leaf, &issuer.certificate, error);
  if (code != AMQP_WOLFSSL_OK) {
    name_certificate(&leaf, 0, error);
  }
  return code;
}
