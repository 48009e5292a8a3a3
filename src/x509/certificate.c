/* SPDX-License-Identifier: MIT */
/*
 * Reads names, dates, key size and purposes out of an X.509 certificate. It follows the ASN.1 of RFC 5280, appendix A,
 * from the first byte to the last: a certificate that does not follow it is refused, so that nothing is ever learned
 * from half of one. certificate_text.c writes names as text.
 */
#include "x509/certificate.h"

#include "x509/der.h"
#include "x509/distinguished_name.h"
#include "x509/extensions.h"
#include "x509/object_identifiers.h"
#include "x509/signature_scheme.h"
#include "x509/signed_object.h"

/* The curves that an EC key's parameters may name. */
static const struct {
  enum object_identifier identifier;
  uint16_t bits;  /* of the field */
  uint16_t group; /* IANA's number; twisted curves have none */
} curves[] = {
    {OID_P192, 192, 19},
    {OID_P224, 224, 21},
    {OID_P256, 256, 23},
    {OID_P384, 384, 24},
    {OID_P521, 521, 25},
    {OID_SECP256K1, 256, 22},
    {OID_BRAINPOOL_P256R1, 256, 26},
    {OID_BRAINPOOL_P256T1, 256, 0},
    {OID_BRAINPOOL_P384R1, 384, 27},
    {OID_BRAINPOOL_P384T1, 384, 0},
    {OID_BRAINPOOL_P512R1, 512, 28},
    {OID_BRAINPOOL_P512T1, 512, 0},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool read_validity(struct byte_slice *rest, struct certificate *certificate) {
  struct byte_slice content;
  return der_read_tagged(rest, DER_SEQUENCE, &content) && der_read_time(&content, &certificate->not_before) &&
         der_read_time(&content, &certificate->not_after) && content.length == 0;
}

static unsigned bits_of_byte(uint8_t byte) {
  unsigned bits = 0;
  while (byte != 0) {
    byte = (uint8_t)(byte >> 1);
    bits++;
  }
  return bits;
}

/* INTEGER content that must be greater than zero. */
static bool count_bits(struct byte_slice integer, unsigned *bits) {
  if (integer.bytes[0] >= 0x80) {
    return false;
  }
  if (integer.bytes[0] == 0) { /* keeps the sign bit clear; the next byte, if there is one, isn't small */
    integer.bytes++;
    integer.length--;
  }
  if (integer.length == 0 || integer.length > UINT32_MAX / 8) {
    return false;
  }
  *bits = (unsigned)(integer.length - 1) * 8 + bits_of_byte(integer.bytes[0]);
  return true;
}

/* RSAPublicKey (RFC 8017, appendix A.1.1). */
/* With an exponent of 1 anybody can sign, and with an even one nobody (RFC 8017, section 3.1). */
static bool is_exponent(struct byte_slice exponent, unsigned bits) {
  return bits >= 2 && (exponent.bytes[exponent.length - 1] & 1) != 0;
}

static bool read_rsa_key(struct byte_slice key, struct certificate *certificate) {
  struct byte_slice content, modulus, exponent;
  if (!der_read_tagged(&key, DER_SEQUENCE, &content) || key.length != 0 || !der_read_integer(&content, &modulus) ||
      !der_read_integer(&content, &exponent) || content.length != 0 || !count_bits(modulus, &certificate->key_bits) ||
      !count_bits(exponent, &certificate->exponent_bits) || !is_exponent(exponent, certificate->exponent_bits)) {
    return false;
  }
  certificate->common_exponent = certificate->exponent_bits > 16 && certificate->exponent_bits <= 256;
  return true;
}

/* Curves described by parameters instead of a name are unknown curves. */
static void read_curve(struct byte_slice parameters, struct certificate *certificate) {
  struct byte_slice identifier;
  enum object_identifier named;
  size_t i;
  if (!der_read_object_identifier(&parameters, &identifier)) {
    return;
  }
  named = object_identifier_find(identifier);
  for (i = 0; i < COUNT(curves); i++) {
    if (curves[i].identifier == named) {
      certificate->key_bits = curves[i].bits;
      certificate->key_curve = curves[i].group;
    }
  }
}

static enum certificate_key_kind key_kind(struct byte_slice identifier) {
  switch (object_identifier_find(identifier)) {
    case OID_RSA:
    case OID_RSA_PSS:
      return CERTIFICATE_KEY_RSA;
    case OID_EC:
      return CERTIFICATE_KEY_EC;
    case OID_ED25519:
      return CERTIFICATE_KEY_ED25519;
    case OID_ED448:
      return CERTIFICATE_KEY_ED448;
    default:
      return CERTIFICATE_KEY_OTHER;
  }
}

/* These have no parameters (RFC 8410, section 3). */
static bool has_curve_in_its_name(enum certificate_key_kind kind) {
  return kind == CERTIFICATE_KEY_ED25519 || kind == CERTIFICATE_KEY_ED448;
}

static bool read_public_key(struct byte_slice *rest, struct certificate *certificate) {
  struct der_element element;
  struct byte_slice identifier, parameters, key;
  if (!der_read(rest, &element) || element.tag != DER_SEQUENCE) {
    return false;
  }
  certificate->public_key = element.whole;
  if (!algorithm_take_whole(&element.content, &identifier, &parameters) ||
      !der_read_bit_string(&element.content, &key) || element.content.length != 0) {
    return false;
  }
  certificate->key_kind = key_kind(identifier);
  if (certificate->key_kind == CERTIFICATE_KEY_RSA) {
    return read_rsa_key(key, certificate);
  }
  if (certificate->key_kind == CERTIFICATE_KEY_EC) {
    read_curve(parameters, certificate);
  }
  return parameters.length == 0 || !has_curve_in_its_name(certificate->key_kind);
}

/* OtherName without its tag: a type, and a value of any kind, which is of no interest here. */
static bool is_other_name(struct byte_slice content) {
  struct byte_slice type;
  struct der_element value;
  return der_read_object_identifier(&content, &type) && der_read(&content, &value) &&
         value.tag == DER_CONTEXT_CONSTRUCTED(0) && content.length == 0;
}

static bool is_directory_name(struct byte_slice content) {
  struct byte_slice name;
  return distinguished_name_take(&content, &name) && content.length == 0;
}

bool certificate_next_name(struct byte_slice *rest, enum certificate_name_kind *kind, struct byte_slice *value) {
  struct der_element element;
  if (!der_read(rest, &element)) {
    return false;
  }
  *value = element.content;
  *kind = CERTIFICATE_NAME_OTHER;
  switch (element.tag) { /* GeneralName, RFC 5280, section 4.2.1.6 */
    case DER_CONTEXT_CONSTRUCTED(0):
      return is_other_name(element.content);
    case DER_CONTEXT(1):
      *kind = CERTIFICATE_NAME_EMAIL;
      return true;
    case DER_CONTEXT(2):
      *kind = CERTIFICATE_NAME_DNS;
      return true;
    case DER_CONTEXT_CONSTRUCTED(4):
      return is_directory_name(element.content);
    case DER_CONTEXT(6):
      *kind = CERTIFICATE_NAME_URI;
      return true;
    case DER_CONTEXT(7):
      *kind = CERTIFICATE_NAME_IP;
      return true;
    case DER_CONTEXT(8): /* registeredID */
      return der_is_object_identifier(element.content);
    case DER_CONTEXT_CONSTRUCTED(3): /* x400Address */
    case DER_CONTEXT_CONSTRUCTED(5): /* ediPartyName */
      return true;
    default:
      return false;
  }
}

static bool read_alternative_names(struct byte_slice value, struct certificate *certificate) {
  struct byte_slice names, name;
  enum certificate_name_kind kind;
  if (!der_read_tagged(&value, DER_SEQUENCE, &names) || value.length != 0 || names.length == 0) {
    return false;
  }
  certificate->alternative_names = names;
  while (names.length > 0) {
    if (!certificate_next_name(&names, &kind, &name)) {
      return false;
    }
  }
  return true;
}

/* INTEGER content that is not below zero. */
static uint32_t saturated(struct byte_slice integer) {
  uint32_t number = 0;
  size_t i;
  if (integer.length > sizeof number) {
    return UINT32_MAX;
  }
  for (i = 0; i < integer.length; i++) {
    number = number << 8 | integer.bytes[i];
  }
  return number;
}

static bool read_basic_constraints(struct byte_slice value, struct certificate *certificate) {
  struct byte_slice content, path_length;
  if (!der_read_tagged(&value, DER_SEQUENCE, &content) || value.length != 0) {
    return false;
  }
  if (der_next_is(&content, DER_BOOLEAN) && !der_read_boolean(&content, &certificate->is_ca)) {
    return false;
  }
  if (content.length > 0) {
    if (!der_read_integer(&content, &path_length) || path_length.bytes[0] >= 0x80) {
      return false;
    }
    certificate->has_path_length = true;
    certificate->path_length = saturated(path_length);
  }
  return content.length == 0;
}

static unsigned purpose_of(struct byte_slice identifier) {
  switch (object_identifier_find(identifier)) {
    case OID_SERVER_AUTHENTICATION:
      return CERTIFICATE_PURPOSE_SERVER;
    case OID_CLIENT_AUTHENTICATION:
      return CERTIFICATE_PURPOSE_CLIENT;
    case OID_ANY_EXTENDED_KEY_USAGE:
      return CERTIFICATE_PURPOSE_ANY;
    case OID_OCSP_SIGNING:
      return CERTIFICATE_PURPOSE_OCSP;
    default:
      return 0;
  }
}

static bool read_extended_key_usage(struct byte_slice value, struct certificate *certificate) {
  struct byte_slice purposes, purpose;
  if (!der_read_tagged(&value, DER_SEQUENCE, &purposes) || value.length != 0 || purposes.length == 0) {
    return false;
  }
  certificate->has_extended_key_usage = true;
  while (purposes.length > 0) {
    if (!der_read_object_identifier(&purposes, &purpose)) {
      return false;
    }
    certificate->purposes |= purpose_of(purpose);
  }
  return true;
}

/* A BIT STRING of named bits; the first byte counts the unused ones at the end. */
/* A count of unused bits, which are zeros in DER (X.690, section 11.2.1), and the bits. */
static bool are_bits(struct byte_slice bits) {
  const uint8_t last = bits.length > 1 ? bits.bytes[bits.length - 1] : 0;

  return bits.length > 0 && bits.bytes[0] <= (bits.length > 1 ? 7 : 0) && (last & ((1U << bits.bytes[0]) - 1)) == 0;
}

static bool read_key_usage(struct byte_slice value, struct certificate *certificate) {
  enum { DIGITAL_SIGNATURE = 0x80, KEY_CERT_SIGN = 0x80 >> 5, CRL_SIGN = 0x80 >> 6 }; /* RFC 5280, section 4.2.1.3 */
  struct byte_slice bits;
  uint8_t first;
  if (!der_read_tagged(&value, DER_BIT_STRING, &bits) || value.length != 0 || !are_bits(bits)) {
    return false;
  }
  first = bits.length > 1 ? bits.bytes[1] : 0;
  certificate->has_key_usage = true;
  certificate->may_sign = (first & DIGITAL_SIGNATURE) != 0;
  certificate->may_certify = (first & KEY_CERT_SIGN) != 0;
  certificate->may_sign_lists = (first & CRL_SIGN) != 0;
  return true;
}

static bool read_subject_key(struct byte_slice value, struct certificate *certificate) {
  return der_read_tagged(&value, DER_OCTET_STRING, &certificate->key_identifier) && value.length == 0;
}

/* Features of RFC 7633; a critical extension must have no others. */
static bool read_tls_feature(struct byte_slice value, bool *others, struct certificate *certificate) {
  enum { STATUS_REQUEST = 5 };
  struct byte_slice features, feature;
  if (!der_read_tagged(&value, DER_SEQUENCE, &features) || value.length != 0) {
    return false;
  }
  while (features.length > 0) {
    if (!der_read_integer(&features, &feature)) {
      return false;
    }
    if (feature.length == 1 && feature.bytes[0] == STATUS_REQUEST) {
      certificate->requires_status = true;
    } else {
      *others = true;
    }
  }
  return true;
}

/* AuthorityInfoAccessSyntax: nothing is fetched from there; only its form is checked. */
static bool is_authority_information(struct byte_slice value) {
  struct byte_slice descriptions, description, method;
  struct der_element location;
  if (!der_read_tagged(&value, DER_SEQUENCE, &descriptions) || value.length != 0 || descriptions.length == 0) {
    return false;
  }
  while (descriptions.length > 0) {
    if (!der_read_tagged(&descriptions, DER_SEQUENCE, &description) ||
        !der_read_object_identifier(&description, &method) || !der_read(&description, &location) ||
        description.length != 0) {
      return false;
    }
  }
  return true;
}

/* What others read is there, if it isn't empty. */
static bool keep_value(struct byte_slice value, struct byte_slice *kept) {
  *kept = value;
  return value.length > 0;
}

/* \a known: set to false if it says something that is not supported here. */
static bool use_extension(struct byte_slice identifier, struct byte_slice value, bool *known,
                          struct certificate *certificate) {
  bool others = false;
  switch (object_identifier_find(identifier)) {
    case OID_SUBJECT_ALTERNATIVE_NAME:
      return read_alternative_names(value, certificate);
    case OID_BASIC_CONSTRAINTS:
      return read_basic_constraints(value, certificate);
    case OID_EXTENDED_KEY_USAGE:
      return read_extended_key_usage(value, certificate);
    case OID_KEY_USAGE:
      return read_key_usage(value, certificate);
    case OID_SUBJECT_KEY_IDENTIFIER: /* hints here, and never critical by RFC 5280 */
      *known = false;
      return read_subject_key(value, certificate);
    case OID_AUTHORITY_KEY_IDENTIFIER:
      *known = false;
      return extension_read_authority_key(value, &certificate->authority_key_identifier);
    case OID_NAME_CONSTRAINTS:
      return keep_value(value, &certificate->name_constraints);
    case OID_CERTIFICATE_POLICIES:
      return keep_value(value, &certificate->policies);
    case OID_POLICY_MAPPINGS:
      return keep_value(value, &certificate->policy_mappings);
    case OID_POLICY_CONSTRAINTS:
      return keep_value(value, &certificate->policy_constraints);
    case OID_INHIBIT_ANY_POLICY:
      return keep_value(value, &certificate->inhibit_any_policy);
    case OID_CRL_DISTRIBUTION_POINTS:
      return keep_value(value, &certificate->distribution_points);
    case OID_AUTHORITY_INFORMATION_ACCESS: /* never critical by RFC 5280 */
      *known = false;
      return is_authority_information(value);
    case OID_TLS_FEATURE:
      if (!read_tls_feature(value, &others, certificate)) {
        return false;
      }
      *known = !others;
      return true;
    default:
      *known = false;
      return true;
  }
}

static bool take_extension(const struct extension *extension, struct certificate *certificate) {
  bool known = true;
  if (!use_extension(extension->identifier, extension->value, &known, certificate)) {
    return false;
  }
  if (extension->critical && !known && certificate->unknown_critical.length == 0) {
    certificate->unknown_critical = extension->identifier;
  }
  return true;
}

/* Notes which extension is read, in case it fails. */
static bool read_extensions(struct byte_slice *rest, struct certificate *certificate) {
  struct extension_walk walk;
  struct extension extension;
  enum extension_step step;
  certificate->unread = "its extensions are malformed";
  if (!extensions_take_tagged(rest, 3, &walk)) {
    return false;
  }
  while ((step = extensions_next(&walk, &extension)) == EXTENSION_STEP_TAKEN) {
    certificate->unread = "an extension is malformed";
    certificate->unread_identifier = extension.identifier;
    if (!take_extension(&extension, certificate)) {
      return false;
    }
  }
  if (step == EXTENSION_STEP_REPEATED) {
    certificate->unread = "it has the same extension twice";
    certificate->unread_identifier = extension.identifier;
    return false;
  }
  certificate->unread = "its extensions are malformed";
  certificate->unread_identifier.length = 0;
  return step == EXTENSION_STEP_END;
}

static bool read_version(struct byte_slice *rest, struct certificate *certificate) {
  struct byte_slice wrapper, number;
  certificate->version = 1;
  if (!der_next_is(rest, DER_CONTEXT_CONSTRUCTED(0))) {
    return true;
  }
  if (!der_read_tagged(rest, DER_CONTEXT_CONSTRUCTED(0), &wrapper) || !der_read_integer(&wrapper, &number) ||
      wrapper.length != 0 || number.length != 1 || number.bytes[0] < 1 || number.bytes[0] > 2) {
    return false;
  }
  certificate->version = (uint8_t)(number.bytes[0] + 1);
  return true;
}

/* issuerUniqueID and subjectUniqueID: versions 2 and 3 only, and nobody uses them. */
static bool skip_unique_identifiers(struct byte_slice *rest, uint8_t version) {
  uint8_t tag;
  for (tag = DER_CONTEXT(1); tag <= DER_CONTEXT(2); tag++) {
    struct byte_slice content;
    if (der_next_is(rest, tag) && (version < 2 || !der_read_tagged(rest, tag, &content) || content.length == 0)) {
      return false;
    }
  }
  return true;
}

/* Notes what is read next, in case it fails. */
static bool reading(struct certificate *certificate, const char *part) {
  certificate->unread = part;
  return true;
}

static bool read_signed_part(struct byte_slice content, struct certificate *certificate, struct byte_slice *algorithm) {
  struct der_element element;
  if (!(reading(certificate, "its version is malformed") && read_version(&content, certificate)) ||
      !(reading(certificate, "its serial number is malformed") &&
        der_read_integer(&content, &certificate->serial_number)) ||
      !(reading(certificate, "its signature algorithm is malformed") && der_read(&content, &element))) {
    return false;
  }
  *algorithm = element.whole;
  if (!(reading(certificate, "its issuer is malformed") && distinguished_name_take(&content, &certificate->issuer)) ||
      !(reading(certificate, "its validity is malformed") && read_validity(&content, certificate)) ||
      !(reading(certificate, "its subject is malformed") && distinguished_name_take(&content, &certificate->subject)) ||
      !(reading(certificate, "its public key is malformed") && read_public_key(&content, certificate)) ||
      !(reading(certificate, "its unique identifiers are malformed") &&
        skip_unique_identifiers(&content, certificate->version))) {
    return false;
  }
  certificate->unread = "its extensions are malformed";
  if (content.length > 0 && (certificate->version != 3 || !read_extensions(&content, certificate))) {
    return false;
  }
  return content.length == 0;
}

/* The outer signature algorithm, which must repeat the signed one byte for byte (RFC 5280, section 4.1.1.2). */
static bool read_signature_algorithm(struct byte_slice *rest, struct byte_slice signed_algorithm,
                                     struct certificate *certificate) {
  struct byte_slice start = *rest;
  struct byte_slice parameters;
  if (!algorithm_take_whole(rest, &certificate->signature_oid, &parameters)) {
    return false;
  }
  certificate->signature_scheme = signature_scheme_find(certificate->signature_oid, parameters);
  start.length -= rest->length;
  return byte_slices_equal(start, signed_algorithm);
}

bool certificate_read(struct certificate *certificate, const uint8_t *der, size_t length) {
  struct byte_slice rest = {der, length};
  struct byte_slice content, signed_part, signed_algorithm, signature;
  memset(certificate, 0, sizeof *certificate);
  certificate->may_sign_lists = true; /* unless a key usage says otherwise */
  certificate->unread = "its outer form is malformed";
  if (!der_read_tagged(&rest, DER_SEQUENCE, &content) || rest.length != 0 ||
      !der_read_tagged(&content, DER_SEQUENCE, &signed_part) ||
      !read_signed_part(signed_part, certificate, &signed_algorithm)) {
    return false;
  }
  return reading(certificate, "its signature algorithm is malformed, or differs from the signed one") &&
         read_signature_algorithm(&content, signed_algorithm, certificate) &&
         reading(certificate, "its signature is malformed") && der_read_bit_string(&content, &signature) &&
         content.length == 0;
}

bool certificate_read_subject(const uint8_t *der, size_t length, struct byte_slice *subject) {
  struct byte_slice rest = {der, length};
  struct byte_slice content, signed_part;
  struct der_element element;
  int i;
  if (!der_read_tagged(&rest, DER_SEQUENCE, &content) || !der_read_tagged(&content, DER_SEQUENCE, &signed_part)) {
    return false;
  }
  for (i = der_next_is(&signed_part, DER_CONTEXT_CONSTRUCTED(0)) ? 0 : 1; i < 5; i++) { /* from the version on */
    if (!der_read(&signed_part, &element)) {
      return false;
    }
  }
  if (!der_read(&signed_part, &element) || element.tag != DER_SEQUENCE) {
    return false;
  }
  *subject = element.whole;
  return true;
}

enum certificate_validity certificate_validity_at(const struct certificate *certificate, int64_t now) {
  if (now > certificate->not_after) {
    return CERTIFICATE_EXPIRED;
  }
  return now < certificate->not_before ? CERTIFICATE_NOT_YET_VALID : CERTIFICATE_CURRENT;
}

bool certificate_names_equal(struct byte_slice one, struct byte_slice other) {
  return distinguished_names_equal(one, other);
}
