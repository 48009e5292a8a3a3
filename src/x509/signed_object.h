/* SPDX-License-Identifier: MIT */
/*
 * What certificates, revocation lists and OCSP responses have in common (RFC 5280, section 4.1 and 5.1; RFC 6960,
 * section 4.2.1): something that is signed, with which algorithm, and the signature. Pure: no memory of its own.
 */
#ifndef AMQP_WOLFSSL_SIGNED_OBJECT_H
#define AMQP_WOLFSSL_SIGNED_OBJECT_H

#include "x509/der.h"

/** Every slice points into the DER that was read. */
struct signed_object {
  struct byte_slice signed_part; /**< tag and length included: the bytes that the signature is over */
  struct byte_slice algorithm;   /**< AlgorithmIdentifier, tag and length included */
  struct byte_slice algorithm_oid;
  struct byte_slice signature;
};

/** Takes the three parts off the front of \a content, that of the outer SEQUENCE. */
bool signed_object_take(struct byte_slice *content, struct signed_object *object);

/** Reads exactly one SEQUENCE that contains the three parts and nothing else. */
bool signed_object_read(struct signed_object *object, const uint8_t *der, size_t length);

/** An AlgorithmIdentifier; the content of its OBJECT IDENTIFIER. Its parameters may be any one element. */
bool algorithm_take(struct byte_slice *rest, struct byte_slice *identifier);

/** The same with its parameters, tag and length included; empty if there are none. */
bool algorithm_take_whole(struct byte_slice *rest, struct byte_slice *identifier, struct byte_slice *parameters);

#endif
