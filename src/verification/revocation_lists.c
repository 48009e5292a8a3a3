/* SPDX-License-Identifier: MIT */
/* Revocation lists: read, kept with where they came from, and compared with the keys of the trusted CAs. */
#include "autoconfig.h"

#include "verification/revocation_lists.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "x509/certificate.h"
#include "x509/pem.h"
#include "x509/signature.h"
#include "backend/wolfssl_headers.h"

#include <wolfssl/wolfcrypt/coding.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

#define FAIL(code, ...) error_set(error, AMQP_WOLFSSL_STAGE_CONFIGURE, AMQP_WOLFSSL_ERROR_##code, __VA_ARGS__)

struct revocation_lists {
  atomic_uint references;
  struct kept_list *items;
  size_t count;
};

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

const struct kept_list *revocation_lists_at(const struct revocation_lists *lists, size_t index) {
  return index < lists->count ? &lists->items[index] : NULL;
}

/* ---- Adding ---- */

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
  struct kept_list item = {.der = der};
  enum revocation_list_result result = revocation_list_read(&item.list, der, length);
  struct kept_list *items;

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

/* ---- Who signed them ---- */

/* \a known: the issuer it names is among the anchors. */
static enum signature_verdict find_signer(struct kept_list *item, const struct certificate_list *anchors, bool *known) {
  *known = false;
  for (size_t i = 0; i < anchors->count; i++) {
    enum signature_verdict verdict = SIGNATURE_WRONG;
    struct certificate anchor;

    if (!certificate_read(&anchor, anchors->items[i].bytes, anchors->items[i].length) ||
        !certificate_names_equal(anchor.subject, item->list.issuer)) {
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
    struct kept_list *item = &lists->items[i];
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
