/* SPDX-License-Identifier: MIT */
/*
 * A URI as the name of a server: which ones a program may expect, and whether a certificate carries that one. Compared
 * byte for byte, after nothing but checks: no case is folded, no escape resolved, no path shortened. Whatever could be
 * written in two ways is therefore refused when it is set. Pure: no wolfSSL, no memory of its own.
 */
#ifndef AMQP_WOLFSSL_PEER_URI_H
#define AMQP_WOLFSSL_PEER_URI_H

#include <stdbool.h>
#include <stddef.h>

#include "x509/certificate.h"

/** Longest URI (SPIFFE ID, section 2.3). */
#define PEER_URI_LENGTH 2048
/** Longest host of a SPIFFE ID, its trust domain (section 2.3). */
#define PEER_URI_TRUST_DOMAIN_LENGTH 255

/**
 * Whether a server may be expected to have this URI: an absolute one with a host (RFC 9525, section 2.2: a URI-ID), in
 * the one spelling that its rules leave: scheme and host in lower case, the host a DNS name without a wildcard or an
 * escape, nothing but a path behind it.
 *
 * A SPIFFE ID (SPIFFE-ID, sections 2.1 to 2.4) besides has a trust domain as host, and a path of at least one segment,
 * as a leaf's has: letters, digits, dot, hyphen and underscore, no empty segments, neither "." nor "..", and so no
 * slash at the end.
 * \return NULL if it may, or what is wrong with it, to follow the URI in a sentence: "has a query, …"
 */
const char *peer_uri_fault(const char *uri);

/** How a certificate stands to a URI that has no fault. */
enum peer_uri_verdict {
  PEER_URI_CARRIED,
  PEER_URI_MISSING,     /**< no URI, or others */
  PEER_URI_NOT_ALONE,   /**< a SPIFFE ID must be the only URI (X509-SVID, section 5.2), and is not */
  PEER_URI_IS_CA,       /**< a SPIFFE ID's leaf must not be a CA's */
  PEER_URI_MAY_CERTIFY, /**< nor have keyCertSign in its key usage */
  PEER_URI_MAY_SIGN_CRL /**< nor cRLSign */
};

/** Common names and names of other kinds do not count. */
enum peer_uri_verdict peer_uri_judge(const char *uri, const struct certificate *certificate);

#endif
