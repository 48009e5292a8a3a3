/* SPDX-License-Identifier: MIT */
/* RSASSA-PSS-params, field by field. */
#include "x509/pss_parameters.h"

#include "x509/der.h"
#include "x509/object_identifiers.h"
#include "x509/signed_object.h"

static const struct {
  enum object_identifier identifier;
  uint16_t scheme;
  uint8_t salt_length; /* that of the hash */
} hashes[] = {
    {OID_SHA256, 0x0809, 32},
    {OID_SHA384, 0x080a, 48},
    {OID_SHA512, 0x080b, 64},
};

#define NO_HASH (sizeof(hashes) / sizeof(hashes[0]))

static size_t find_hash(struct byte_slice identifier) {
  const enum object_identifier found = object_identifier_find(identifier);
  size_t i;

  for (i = 0; i < NO_HASH; i++) {
    if (hashes[i].identifier == found) {
      break;
    }
  }
  return i;
}

/* [0]: a field that is left out means SHA-1, which is not supported. */
static size_t take_hash(struct byte_slice *rest) {
  struct byte_slice wrapper;
  struct byte_slice identifier;

  return der_read_tagged(rest, DER_CONTEXT_CONSTRUCTED(0), &wrapper) && algorithm_take(&wrapper, &identifier) &&
                 wrapper.length == 0
             ? find_hash(identifier)
             : NO_HASH;
}

/* [1]: MGF1, whose parameter is a hash. */
static size_t take_mask_hash(struct byte_slice *rest) {
  struct byte_slice wrapper;
  struct byte_slice content;
  struct byte_slice identifier;

  if (!der_read_tagged(rest, DER_CONTEXT_CONSTRUCTED(1), &wrapper) ||
      !der_read_tagged(&wrapper, DER_SEQUENCE, &content) || wrapper.length != 0 ||
      !der_read_object_identifier(&content, &identifier) || object_identifier_find(identifier) != OID_MGF1 ||
      !algorithm_take(&content, &identifier) || content.length != 0) {
    return NO_HASH;
  }
  return find_hash(identifier);
}

/* [2]: one that is left out has 20 bytes. */
static bool take_salt_length(struct byte_slice *rest, uint8_t wanted) {
  struct byte_slice wrapper;
  struct byte_slice number;

  return der_read_tagged(rest, DER_CONTEXT_CONSTRUCTED(2), &wrapper) && der_read_integer(&wrapper, &number) &&
         wrapper.length == 0 && number.length == 1 && number.bytes[0] == wanted;
}

/* [3]: only 1 is defined, which DER leaves out. */
static bool take_trailer(struct byte_slice *rest) {
  struct byte_slice wrapper;
  struct byte_slice number;

  return rest->length == 0 ||
         (der_read_tagged(rest, DER_CONTEXT_CONSTRUCTED(3), &wrapper) && der_read_integer(&wrapper, &number) &&
          wrapper.length == 0 && number.length == 1 && number.bytes[0] == 1 && rest->length == 0);
}

uint16_t pss_parameters_scheme(struct byte_slice parameters) {
  struct byte_slice content;
  size_t hash;

  if (!der_read_tagged(&parameters, DER_SEQUENCE, &content) || parameters.length != 0) {
    return 0;
  }
  hash = take_hash(&content);
  if (hash == NO_HASH || take_mask_hash(&content) != hash || !take_salt_length(&content, hashes[hash].salt_length) ||
      !take_trailer(&content)) {
    return 0;
  }
  return hashes[hash].scheme;
}
