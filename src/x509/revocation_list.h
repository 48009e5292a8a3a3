/* SPDX-License-Identifier: MIT */
/*
 * Reads a certificate revocation list (RFC 5280, section 5) in DER, strictly, from the first byte to the last. Pure: no
 * wolfSSL, no memory of its own. The caller checks who signed it.
 */
#ifndef AMQP_WOLFSSL_REVOCATION_LIST_H
#define AMQP_WOLFSSL_REVOCATION_LIST_H

#include "x509/list_scope.h"
#include "x509/signed_object.h"

enum revocation_list_result {
  REVOCATION_LIST_READ,
  REVOCATION_LIST_MALFORMED,
  /** No nextUpdate, which RFC 5280 requires: it would be valid forever. */
  REVOCATION_LIST_WITHOUT_END,
  /** A delta, or a list with entries for another CA's certificates that does not say it is indirect, whether marked
      critical or not; or it has an unknown critical extension. By RFC 5280, section 5.2, such a list must not be
      used. */
  REVOCATION_LIST_PARTIAL
};

/** Slices point into the DER that was read. */
struct revocation_list {
  struct signed_object object;
  struct byte_slice issuer; /**< the Name, tag and length included */
  int64_t this_update;      /**< seconds since 1970-01-01 UTC */
  int64_t next_update;
  struct byte_slice entries; /**< content of revokedCertificates */
  struct list_scope scope;
  struct byte_slice authority_key_identifier; /**< of the key that signed it; empty if it does not say */
};

enum revocation_list_result revocation_list_read(struct revocation_list *list, const uint8_t *der, size_t length);

/** reasonCode of RFC 5280, section 5.3.1. */
#define REVOCATION_REASON_NONE (-1)

struct revocation_entry {
  int64_t date;
  int reason; /**< or REVOCATION_REASON_NONE */
};

/** Whether the list names this serial number (content of the INTEGER). */
bool revocation_list_find(const struct revocation_list *list, struct byte_slice serial_number,
                          struct revocation_entry *entry);

/** "keyCompromise", …; "" without one, or for a number that RFC 5280 does not define. Static text. */
const char *revocation_reason_name(int reason);

#endif
