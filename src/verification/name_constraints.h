/* SPDX-License-Identifier: MIT */
/*
 * Name constraints (RFC 5280, section 4.2.1.10): which names a CA may certify. They are applied to every certificate
 * below that CA, whoever signed it, and whether they are marked critical or not.
 *
 * What can't be judged is refused: a name of a kind that is constrained but not supported, one that is malformed, and a
 * directory name of which it can't be told that it is not excluded. Pure: no wolfSSL, no memory of its own.
 */
#ifndef AMQP_WOLFSSL_NAME_CONSTRAINTS_H
#define AMQP_WOLFSSL_NAME_CONSTRAINTS_H

#include "x509/certificate.h"

enum name_constraints_verdict {
  NAME_CONSTRAINTS_KEPT,
  NAME_CONSTRAINTS_EXCLUDED,      /**< the name is in an excluded subtree */
  NAME_CONSTRAINTS_NOT_PERMITTED, /**< its kind has permitted subtrees, and it is in none */
  NAME_CONSTRAINTS_UNKNOWN_KIND,  /**< its kind is constrained, and can't be compared here */
  NAME_CONSTRAINTS_BAD_NAME,      /**< its kind is constrained, and it is malformed or can't be read */
  NAME_CONSTRAINTS_TOO_MANY,      /**< there would be more comparisons than allowed */
  NAME_CONSTRAINTS_MALFORMED      /**< the constraints themselves can't be applied */
};

/** The name that breaks them: a GeneralName's tag and content. A subject is a directoryName. */
struct name_constraints_breach {
  uint8_t tag;
  struct byte_slice name;
};

/**
 * Whether an extension's value can be applied: NameConstraints with at least one subtree, no minimum or maximum, and
 * bases that are names of their kind: no wildcard in a dNSName, an address with a mask of leading ones.
 */
bool name_constraints_are_valid(struct byte_slice value);

/**
 * Applies constraints to all names of a certificate: its subject, the e-mail addresses in it, and its alternative
 * names. A wildcard is excluded when any name it covers is, and permitted only when all of them are. An IPv4-mapped
 * IPv6 address is excluded when either form is, and permitted only as IPv6. A dNSName base that begins with a dot
 * covers the names below it but not itself, which is common; RFC 5280 does not define it.
 * \param [in,out] comparisons how many pairs of a name and a subtree may still be compared; long directory names count
 *   several times
 * \param [out] breach the name that the verdict is about, if it is about one
 */
enum name_constraints_verdict name_constraints_check(struct byte_slice value, const struct certificate *certificate,
                                                     size_t *comparisons, struct name_constraints_breach *breach);

/** Writes the name as "DNS:…", "IP:…", "email:…", "URI:…", "directory name …" or "other"; as snprintf. */
size_t name_constraints_format(const struct name_constraints_breach *breach, char *text, size_t capacity);

#endif
