/* SPDX-License-Identifier: MIT */
/*
 * Reads an OCSP response (RFC 6960, section 4.2) in DER, strictly. Pure: no wolfSSL, no memory of its own. The bytes
 * come from an unauthenticated peer, and must not be trusted until the caller has checked the signature.
 */
#ifndef AMQP_WOLFSSL_OCSP_RESPONSE_H
#define AMQP_WOLFSSL_OCSP_RESPONSE_H

#include "x509/signed_object.h"

enum ocsp_response_result {
  OCSP_RESPONSE_READ,
  OCSP_RESPONSE_MALFORMED,
  OCSP_RESPONSE_REFUSED, /**< the responder gave an error instead of a status: \a responder_error */
  OCSP_RESPONSE_CRITICAL /**< it has a critical extension, and none is supported */
};

/** Slices point into the DER that was read. */
struct ocsp_response {
  int responder_error; /**< responseStatus; 0: successful */
  struct signed_object object;
  struct byte_slice singles;      /**< content of responses */
  struct byte_slice certificates; /**< content of the certificates sent along; may be empty */
};

enum ocsp_response_result ocsp_response_read(struct ocsp_response *response, const uint8_t *der, size_t length);

enum ocsp_status { OCSP_GOOD, OCSP_REVOKED, OCSP_UNKNOWN };

/** What it says about one certificate. */
struct ocsp_single {
  struct byte_slice hash_oid; /**< of the hash that names the issuer */
  struct byte_slice issuer_name_hash;
  struct byte_slice issuer_key_hash;
  struct byte_slice serial_number; /**< content of the INTEGER */
  enum ocsp_status status;
  int64_t revoked_on; /**< if revoked */
  int64_t this_update;
  bool has_next_update;
  int64_t next_update;
};

/** Takes the next one off the front; false at the end. */
bool ocsp_single_take(struct byte_slice *singles, struct ocsp_single *single);

#endif
