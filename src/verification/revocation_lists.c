/* SPDX-License-Identifier: MIT */
/* Revocation lists: read, kept with where they came from, and compared with the keys of the trusted CAs. */
#include "autoconfig.h"

#include "verification/revocation_lists.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "x509/certificate.h"
#include "x509/encoded_input.h"
#include "x509/signature.h"

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
    return error_configure(error, AMQP_WOLFSSL_ERROR_CRL_UNUSABLE,
                           "CRL %zu of %s does not say until when it is valid (it lacks nextUpdate); use one that does",
                           number, origin);
  }
  if (result == REVOCATION_LIST_PARTIAL) {
    return error_configure(
        error, AMQP_WOLFSSL_ERROR_CRL_UNUSABLE,
        "CRL %zu of %s is a delta, lists another CA's certificates, or has a critical extension that is not known "
        "here; use the CA's full CRL",
        number, origin);
  }
  return error_configure(error, AMQP_WOLFSSL_ERROR_CRL_MALFORMED, "CRL %zu of %s is not a valid X.509 CRL", number,
                         origin);
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
    return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  lists->items = items;
  lists->items[lists->count++] = item;
  return AMQP_WOLFSSL_OK;
}

static amqp_wolfssl_code_t take_list(void *lists, const uint8_t *der, size_t length, const char *origin, size_t number,
                                     amqp_wolfssl_error_t *error) {
  uint8_t *copy = malloc(length + 1);

  if (copy == NULL) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  memcpy(copy, der, length);
  /* add_der() takes it over. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
  return add_der(lists, copy, length, origin, number, error);
}

amqp_wolfssl_code_t revocation_lists_add(struct revocation_lists *lists, const void *data, size_t length,
                                         amqp_wolfssl_format_t format, const char *origin,
                                         amqp_wolfssl_error_t *error) {
  static const struct encoded_kind crls = {.name = "CRL",
                                           .label = "X509 CRL",
                                           .is_wanted = pem_is_revocation_list,
                                           .malformed = AMQP_WOLFSSL_ERROR_CRL_MALFORMED,
                                           .missing = AMQP_WOLFSSL_ERROR_CRL_MALFORMED};

  return encoded_input_read(&crls, data, length, format, origin, take_list, lists, error);
}

amqp_wolfssl_code_t revocation_lists_check_dates(const struct revocation_lists *lists, int64_t now,
                                                 amqp_wolfssl_error_t *error) {
  for (size_t i = 0; i < lists->count; i++) {
    if (now > lists->items[i].list.next_update) {
      error_configure(error, AMQP_WOLFSSL_ERROR_CRL_UNUSABLE, "CRL %zu of %s has expired", i + 1,
                      lists->items[i].origin);
      error_append_date(error, ": it was valid until ", lists->items[i].list.next_update, "; fetch a new one");
      return error->code;
    }
  }
  return AMQP_WOLFSSL_OK;
}

/* ---- Who signed them ---- */

static bool keep_signer(struct kept_list *item, struct byte_slice key) {
  item->signer = malloc(key.length);
  if (item->signer == NULL) {
    return false;
  }
  memcpy(item->signer, key.bytes, key.length);
  item->signer_length = key.length;
  return true;
}

/* \return false if out of memory */
static bool find_signer(struct kept_list *item, const struct certificate_list *anchors) {
  for (size_t i = 0; i < anchors->count; i++) {
    struct certificate anchor;

    if (!certificate_read(&anchor, anchors->items[i].bytes, anchors->items[i].length) ||
        !certificate_names_equal(anchor.subject, item->list.issuer) || !anchor.may_sign_lists) {
      continue;
    }
    switch (signature_check(&item->list.object, anchor.public_key)) {
      case SIGNATURE_GOOD:
        return keep_signer(item, anchor.public_key);
      case SIGNATURE_NO_MEMORY:
        return false;
      default:
        break;
    }
  }
  return true;
}

amqp_wolfssl_code_t revocation_lists_check_signers(struct revocation_lists *lists,
                                                   const struct certificate_list *anchors,
                                                   amqp_wolfssl_error_t *error) {
  for (size_t i = 0; i < lists->count; i++) {
    free(lists->items[i].signer);
    lists->items[i].signer = NULL;
    if (!find_signer(&lists->items[i], anchors)) {
      return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
    }
  }
  return AMQP_WOLFSSL_OK;
}
