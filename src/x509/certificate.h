/* SPDX-License-Identifier: MIT */
/*
 * Reads what this library needs from one X.509 certificate (RFC 5280) in DER. Pure: no wolfSSL, no sockets, no memory
 * of its own.
 *
 * Why not wolfSSL's own parser: the accessors for subject alternative names exist in builds with the OpenSSL layer
 * only, several versions leave out iPAddress names, and every connection must see the same names in every build. This
 * reader decides nothing about trust; it refuses what is not strict DER.
 */
#ifndef AMQP_WOLFSSL_CERTIFICATE_H
#define AMQP_WOLFSSL_CERTIFICATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/byte_slice.h"

enum certificate_key_kind {
  CERTIFICATE_KEY_OTHER,
  CERTIFICATE_KEY_RSA,
  CERTIFICATE_KEY_EC,
  CERTIFICATE_KEY_ED25519,
  CERTIFICATE_KEY_ED448
};

enum certificate_name_kind {
  CERTIFICATE_NAME_DNS,   /**< dNSName: bytes are IA5String content */
  CERTIFICATE_NAME_IP,    /**< iPAddress: 4 or 16 bytes (any other length is kept, but matches nothing) */
  CERTIFICATE_NAME_EMAIL, /**< rfc822Name */
  CERTIFICATE_NAME_URI,   /**< uniformResourceIdentifier */
  CERTIFICATE_NAME_OTHER
};

/** Between its dates, both included, or not. */
enum certificate_validity {
  CERTIFICATE_CURRENT,
  CERTIFICATE_NOT_YET_VALID,
  CERTIFICATE_EXPIRED /**< wins where the dates are in the wrong order and it is both */
};

enum certificate_purpose { /* extended key usage, bits of certificate.purposes */
                           CERTIFICATE_PURPOSE_SERVER = 1u,
                           CERTIFICATE_PURPOSE_CLIENT = 2u,
                           CERTIFICATE_PURPOSE_ANY = 4u,
                           CERTIFICATE_PURPOSE_OCSP = 8u /**< signing OCSP responses on behalf of its issuer */
};

/** Every slice points into the DER given to certificate_read(), which must outlive the structure. */
struct certificate {
  struct byte_slice serial_number; /**< content of the INTEGER */
  struct byte_slice subject;       /**< the Name, tag and length included */
  struct byte_slice issuer;        /**< the Name, tag and length included */
  struct byte_slice public_key;    /**< SubjectPublicKeyInfo, tag and length included */
  struct byte_slice
      alternative_names;           /**< content of GeneralNames (without the outer SEQUENCE header); empty if none */
  struct byte_slice signature_oid; /**< content of the signature algorithm's OBJECT IDENTIFIER */
  uint16_t signature_scheme;       /**< that algorithm as a SignatureScheme (RFC 8446, section 4.2.3), which for
                                        ECDSA gives the hash but not the curve; older ones as numbered by RFC 5246
                                        (hash, signature); 0: another */
  int64_t not_before;              /**< seconds since 1970-01-01 UTC */
  int64_t not_after;
  enum certificate_key_kind key_kind;
  unsigned key_bits;      /**< RSA: bits of the modulus. EC: bits of the named curve's field; 0 otherwise */
  unsigned exponent_bits; /**< RSA: of the public exponent; 0 otherwise */
  bool common_exponent; /**< RSA: the public exponent is odd, above 2^16 and below 2^256 (FIPS 186-5, appendix A.1.1) */
  uint16_t key_curve;   /**< EC: the curve's IANA group number; 0: it has none, or is described otherwise */
  bool is_ca;           /**< basicConstraints with cA TRUE; version 1 certificates: false */
  bool has_path_length;
  uint32_t path_length; /**< pathLenConstraint; a number that does not fit is UINT32_MAX */
  bool may_sign_lists;  /**< key usage has cRLSign, or there is no key usage */
  bool has_key_usage;
  bool may_sign;    /**< key usage has digitalSignature */
  bool may_certify; /**< key usage has keyCertSign */
  bool has_extended_key_usage;
  unsigned purposes;
  bool requires_status; /**< TLS feature status_request (RFC 7633): a server must staple an OCSP response */
  uint8_t version;      /**< 1, 2 or 3 */
  /* Key identifiers: contents; empty if there are none. */
  struct byte_slice key_identifier;
  struct byte_slice authority_key_identifier;
  /* The values of extensions that other readers use; empty if absent. */
  struct byte_slice distribution_points;
  struct byte_slice name_constraints;
  struct byte_slice policies;
  struct byte_slice policy_mappings;
  struct byte_slice policy_constraints;
  struct byte_slice inhibit_any_policy;
  struct byte_slice unknown_critical; /**< OBJECT IDENTIFIER of the first unsupported critical extension; or empty */
  /* Where certificate_read() failed. */
  const char *unread;                  /**< what is wrong, such as "its validity is malformed" */
  struct byte_slice unread_identifier; /**< OBJECT IDENTIFIER of the extension, if it is one; else empty */
};

/**
 * Reads a certificate. Strict: exactly one DER certificate, all of \a length used, definite minimal lengths, nothing
 * overrunning what holds it, no extension twice, every alternative name well formed. Two liberties, because
 * certificates in use need them: a FALSE that is the default may be encoded, and GeneralizedTime may be used before
 * 2050.
 * \return false if it is anything else; then only the two fields that say where, and the subject, are valid in
 *   \a certificate; the subject is empty if it was not reached
 */
bool certificate_read(struct certificate *certificate, const uint8_t *der, size_t length);

/** Reads only the subject, which is cheaper: for searching through many. */
bool certificate_read_subject(const uint8_t *der, size_t length, struct byte_slice *subject);

/** \param [in] now seconds since 1970-01-01 UTC */
enum certificate_validity certificate_validity_at(const struct certificate *certificate, int64_t now);

/**
 * Steps through the subject alternative names.
 * \param [in,out] rest starts as certificate->alternative_names; holds what is left afterwards
 * \return false at the end or at malformed DER (which certificate_read() has refused already)
 */
bool certificate_next_name(struct byte_slice *rest, enum certificate_name_kind *kind, struct byte_slice *value);

/**
 * Writes a Name as in RFC 4514, most specific part first, in the spelling that RabbitMQ uses for the login name it
 * takes from a certificate (ssl_cert_login_from = distinguished_name): the short names of RFC 4514, section 3 (CN, L,
 * ST, O, OU, C, STREET, DC, UID) and SN, GIVENNAME, INITIALS, GENERATIONQUALIFIER, TITLE, SERIALNUMBER, PSEUDONYM,
 * EMAILADDRESS; every byte below 0x20 or above 0x7D, those of UTF-8 included, as a backslash and two upper case
 * hexadecimal digits. The text is ASCII. Types without a name here are written as dotted decimal with #hex (RabbitMQ
 * writes their value out, and has no name for STREET either: these two differ from its login name). Always ends in NUL,
 * unless \a capacity is 0; cut between two characters of the Name if \a capacity is too small.
 * \return bytes the whole text needs, without the NUL (as snprintf)
 */
size_t certificate_format_name(struct byte_slice name, char *text, size_t capacity);

/**
 * Writes a Name as RabbitMQ's login name, which differs from certificate_format_name() where that follows RFC 4514:
 * types that RabbitMQ has no name for are written as dotted decimal with their text, escaped like all others.
 * \param [out] exact whether it is that name: false if a value is no text to Erlang's public_key, and so is written
 *   there in Erlang's notation, and here as #hex
 * \return as certificate_format_name()
 */
size_t certificate_format_login_name(struct byte_slice name, char *text, size_t capacity, bool *exact);

/**
 * Writes the common names of a Name in their order with commas between, nothing escaped, in UTF-8 as far as they are
 * text: what RabbitMQ takes for a login name (ssl_cert_login_from = common_name). May contain any byte, NUL too.
 * \param [out] count how many there are
 * \param [out] exact false if one of them is no text to Erlang's public_key
 * \return as certificate_format_name()
 */
size_t certificate_join_common_names(struct byte_slice name, char *text, size_t capacity, size_t *count, bool *exact);

/**
 * Writes one alternative name as "DNS:…", "IP:…" (RFC 5952 for IPv6), "email:…", "URI:…" or "other". Backslashes and
 * bytes outside printable ASCII are written as a backslash and two upper case hexadecimal digits, as are all bytes of
 * an iPAddress that has neither 4 nor 16. Ends in NUL and is cut like certificate_format_name().
 * \return as certificate_format_name()
 */
size_t certificate_format_alternative_name(enum certificate_name_kind kind, struct byte_slice value, char *text,
                                           size_t capacity);

/** Room for any that is in use. */
#define CERTIFICATE_IDENTIFIER_LENGTH 80

/** Writes the content of an OBJECT IDENTIFIER in dotted decimal; as certificate_format_name(). */
size_t certificate_format_identifier(struct byte_slice identifier, char *text, size_t capacity);

/** Whether two Names are equal by RFC 5280, section 7.1 (distinguished_name.h). */
bool certificate_names_equal(struct byte_slice one, struct byte_slice other);

#endif
