/* SPDX-License-Identifier: MIT */
/*
 * Which certificates a revocation list is about: its issuingDistributionPoint (RFC 5280, section 5.2.5), compared with
 * a certificate. Pure: no memory of its own.
 */
#ifndef AMQP_WOLFSSL_LIST_SCOPE_H
#define AMQP_WOLFSSL_LIST_SCOPE_H

#include "x509/certificate.h"

/** All zero: every certificate of the list's issuer, for every reason. */
struct list_scope {
  bool has_point;
  bool is_relative;        /**< the point's name is an addition to the issuer's */
  struct byte_slice names; /**< of the point: content of GeneralNames, where it is not relative */
  bool only_users;
  bool only_cas;
  bool only_attributes;
  bool only_some_reasons;
  bool is_indirect;
};

/** Reads the extension's value. \return false when it is malformed */
bool list_scope_read(struct list_scope *scope, struct byte_slice value);

/**
 * Whether the list says all about a certificate of its issuer.
 * \return NULL if it does, or why it does not, as "covers CA certificates only"; static text
 */
const char *list_scope_exclude(const struct list_scope *scope, const struct certificate *certificate);

#endif
