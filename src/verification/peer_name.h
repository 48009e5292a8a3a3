/* SPDX-License-Identifier: MIT */
/*
 * Is this certificate for the server I meant? RFC 9525 over subject alternative names, and nothing else: no common
 * name, no guessing. wolfSSL's own check is not used, because it differs from version to version and accepts too
 * much. Pure: no wolfSSL, no sockets.
 */
#ifndef AMQP_WOLFSSL_PEER_NAME_H
#define AMQP_WOLFSSL_PEER_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "x509/certificate.h"

enum peer_name_kind { PEER_NAME_DNS, PEER_NAME_IPV4, PEER_NAME_IPV6 };

/** Longest DNS name in text without the trailing dot (RFC 1035, section 2.3.4). */
#define PEER_NAME_DNS_LENGTH 253

/** A reference identity (RFC 9525, section 6.1). */
struct peer_name {
  enum peer_name_kind kind;
  char dns[PEER_NAME_DNS_LENGTH + 1]; /**< lower case, no trailing dot; "" for addresses */
  uint8_t address[16];                /**< 4 or 16 bytes for addresses */
  size_t address_length;
};

/**
 * Reads what a person typed: a DNS name (letters, digits, hyphen, underscore; labels of 1 to 63; one trailing dot is
 * dropped; A-labels as they are), an IPv4 address in dotted decimal (four numbers, no leading zeros), or an IPv6
 * literal (RFC 4291, with or without brackets; a zone such as %eth0 is dropped for the comparison). A text that is not
 * an IPv4 address but whose last label is a number (decimal, or 0x and hexadecimal) is not a DNS name either: resolvers
 * take it for an address.
 * \return false if it is none of these; \a name is then undefined
 */
bool peer_name_parse(struct peer_name *name, const char *text);

/**
 * Whether one dNSName of a certificate covers \a name: ASCII case-insensitive; a wildcard only as the whole left-most
 * label, for exactly one label, and only with at least two labels after it; never against addresses; a value that
 * contains a NUL, a trailing dot, an address or any byte not allowed in a host name covers nothing.
 */
bool peer_name_matches_dns(const struct peer_name *name, const uint8_t *value, size_t length);

/**
 * Whether the certificate's alternative names cover \a name; addresses against iPAddress only, DNS against dNSName
 * only. Addresses are compared byte for byte: an IPv4-mapped IPv6 address and the IPv4 address in it are not the
 * same.
 */
bool peer_name_matches_certificate(const struct peer_name *name, const struct certificate *certificate);

/** The name to send as SNI (RFC 6066, section 3: no addresses, no trailing dot), or NULL if none may be sent. */
const char *peer_name_for_sni(const struct peer_name *name);

#endif
