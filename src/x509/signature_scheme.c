/* SPDX-License-Identifier: MIT */
/* Algorithms and their numbers in TLS. */
#include "x509/signature_scheme.h"

#include <stdbool.h>

#include "x509/der.h"
#include "x509/object_identifiers.h"
#include "x509/pss_parameters.h"

static const struct {
  enum object_identifier identifier;
  uint16_t scheme;
} schemes[] = {
    {OID_MD5_WITH_RSA, 0x0101},
    {OID_SHA1_WITH_RSA, 0x0201},
    {OID_SHA224_WITH_RSA, 0x0301},
    {OID_SHA256_WITH_RSA, 0x0401},
    {OID_SHA384_WITH_RSA, 0x0501},
    {OID_SHA512_WITH_RSA, 0x0601},
    {OID_ECDSA_WITH_SHA1, 0x0203},
    {OID_ECDSA_WITH_SHA224, 0x0303},
    {OID_ECDSA_WITH_SHA256, 0x0403},
    {OID_ECDSA_WITH_SHA384, 0x0503},
    {OID_ECDSA_WITH_SHA512, 0x0603},
    {OID_ED25519, 0x0807},
    {OID_ED448, 0x0808},
};

enum { HASH = 0xff00, WITH_RSA = 0x01 };

/* RFC 4055, section 5: NULL, or left out. RFC 5758, section 3.2, and RFC 8410, section 3: left out. */
static bool are_parameters(struct byte_slice parameters, uint16_t scheme) {
  const bool are_null = parameters.length == 2 && parameters.bytes[0] == DER_NULL && parameters.bytes[1] == 0;

  return parameters.length == 0 || (are_null && (scheme & ~HASH) == WITH_RSA);
}

uint16_t signature_scheme_find(struct byte_slice identifier, struct byte_slice parameters) {
  const enum object_identifier found = object_identifier_find(identifier);

  if (found == OID_RSA_PSS) {
    return pss_parameters_scheme(parameters);
  }
  for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
    if (schemes[i].identifier == found) {
      return are_parameters(parameters, schemes[i].scheme) ? schemes[i].scheme : 0;
    }
  }
  return 0;
}
