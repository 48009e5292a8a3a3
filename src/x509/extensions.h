/* SPDX-License-Identifier: MIT */
/*
 * Walks through Extensions (RFC 5280, section 4.1), which certificates, revocation lists, their entries and OCSP
 * responses have in common. None may come twice: readers that differ on which one counts would see different objects.
 * Pure.
 */
#ifndef AMQP_WOLFSSL_EXTENSIONS_H
#define AMQP_WOLFSSL_EXTENSIONS_H

#include "base/byte_slice.h"

struct extension {
  struct byte_slice identifier;
  bool critical;
  struct byte_slice value; /**< content of the OCTET STRING */
};

/** More than these are refused: each is compared with all before it, and a peer may send any number. */
#define EXTENSIONS_MAXIMUM 64

struct extension_walk {
  struct byte_slice all;
  struct byte_slice rest;
  unsigned taken;
};

enum extension_step {
  EXTENSION_STEP_TAKEN,
  EXTENSION_STEP_END,
  EXTENSION_STEP_MALFORMED,
  EXTENSION_STEP_REPEATED /**< it has the identifier of an earlier one */
};

/** Takes Extensions off the front of \a rest and starts a walk through them. \return false if there are none */
bool extensions_take(struct byte_slice *rest, struct extension_walk *walk);

/** The same with an EXPLICIT context tag around them, such as [3] in a certificate. */
bool extensions_take_tagged(struct byte_slice *rest, uint8_t number, struct extension_walk *walk);

/** \param [out] extension undefined at the end, and if malformed */
enum extension_step extensions_next(struct extension_walk *walk, struct extension *extension);

/**
 * Reads the value of authorityKeyIdentifier. What follows the key identifier names a certificate of the issuer, which
 * is not used.
 * \param [out] identifier left unchanged if there is none
 */
bool extension_read_authority_key(struct byte_slice value, struct byte_slice *identifier);

#endif
