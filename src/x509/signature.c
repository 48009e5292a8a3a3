/* SPDX-License-Identifier: MIT */
/* Checks signatures of X.509 objects by wolfCrypt. */
#include "autoconfig.h"

#include "x509/signature.h"

#include "backend/wolfssl_key.h"

#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/signature.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct algorithm {
  uint16_t scheme; /* RFC 8446, section 4.2.3 */
  enum wc_SignatureType type;
  enum wc_HashType hash;
  uint8_t length;
  uint8_t bytes[9];
};

static const struct algorithm algorithms[] = {
    {0x0401,
     WC_SIGNATURE_TYPE_RSA_W_ENC,
     WC_HASH_TYPE_SHA256,
     9,
     {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0b}},
    {0x0501,
     WC_SIGNATURE_TYPE_RSA_W_ENC,
     WC_HASH_TYPE_SHA384,
     9,
     {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0c}},
    {0x0601,
     WC_SIGNATURE_TYPE_RSA_W_ENC,
     WC_HASH_TYPE_SHA512,
     9,
     {0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0d}},
    {0x0403, WC_SIGNATURE_TYPE_ECC, WC_HASH_TYPE_SHA256, 8, {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02}},
    {0x0503, WC_SIGNATURE_TYPE_ECC, WC_HASH_TYPE_SHA384, 8, {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x03}},
    {0x0603, WC_SIGNATURE_TYPE_ECC, WC_HASH_TYPE_SHA512, 8, {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x04}},
};

static const struct algorithm *find_algorithm(struct byte_slice identifier) {
  for (size_t i = 0; i < COUNT_OF(algorithms); i++) {
    struct byte_slice known = {algorithms[i].bytes, algorithms[i].length};

    if (byte_slices_equal(identifier, known)) {
      return &algorithms[i];
    }
  }
  return NULL;
}

uint16_t signature_scheme(const struct signed_object *object) {
  const struct algorithm *algorithm = find_algorithm(object->algorithm_oid);

  return algorithm != NULL ? algorithm->scheme : 0;
}

bool public_key_bits(struct byte_slice public_key, struct byte_slice *bits) {
  struct byte_slice content;
  struct byte_slice identifier;

  return der_read_tagged(&public_key, DER_SEQUENCE, &content) && algorithm_take(&content, &identifier) &&
         der_read_bit_string(&content, bits);
}

static enum signature_verdict verify(const struct algorithm *algorithm, const struct signed_object *object, void *key,
                                     word32 key_size) {
  int result;

  if (wc_SignatureGetSize(algorithm->type, key, key_size) <= 0) {
    key_size += STRUCTURE_SLACK; /* 5.9.2 wants the size exactly; 5.5.4 at least its own, which headers may not tell */
  }
  result = wc_SignatureVerify(algorithm->hash, algorithm->type, object->signed_part.bytes,
                              (word32)object->signed_part.length, object->signature.bytes,
                              (word32)object->signature.length, key, key_size);
  if (result == MEMORY_E) {
    return SIGNATURE_NO_MEMORY;
  }
  return result == 0 ? SIGNATURE_GOOD : SIGNATURE_WRONG;
}

static enum signature_verdict check_rsa(const struct algorithm *algorithm, const struct signed_object *object,
                                        struct byte_slice public_key) {
  enum signature_verdict verdict = SIGNATURE_WRONG;
  union rsa_key_room room;
  word32 index = 0;
  int result;

  if (wc_InitRsaKey(&room.key, NULL) != 0) {
    return SIGNATURE_NO_MEMORY;
  }
  result = wc_RsaPublicKeyDecode(public_key.bytes, &index, &room.key, (word32)public_key.length);
  if (result == MEMORY_E) {
    verdict = SIGNATURE_NO_MEMORY;
  } else if (result == 0) { /* else another kind of key, which can't have made this signature */
    verdict = verify(algorithm, object, &room.key, (word32)sizeof(room.key));
  }
  wc_FreeRsaKey(&room.key);
  return verdict;
}

static enum signature_verdict check_ec(const struct algorithm *algorithm, const struct signed_object *object,
                                       struct byte_slice public_key) {
  enum signature_verdict verdict = SIGNATURE_WRONG;
  union ec_key_room room;
  word32 index = 0;
  int result;

  if (wc_ecc_init(&room.key) != 0) {
    return SIGNATURE_NO_MEMORY;
  }
  result = wc_EccPublicKeyDecode(public_key.bytes, &index, &room.key, (word32)public_key.length);
  if (result == MEMORY_E) {
    verdict = SIGNATURE_NO_MEMORY;
  } else if (result == 0) {
    verdict = verify(algorithm, object, &room.key, (word32)sizeof(room.key));
  }
  wc_ecc_free(&room.key);
  return verdict;
}

enum signature_verdict signature_check(const struct signed_object *object, struct byte_slice public_key) {
  const struct algorithm *algorithm = find_algorithm(object->algorithm_oid);

  if (algorithm == NULL || object->signed_part.length > INT32_MAX || object->signature.length > INT32_MAX) {
    return SIGNATURE_UNSUPPORTED;
  }
  return algorithm->type == WC_SIGNATURE_TYPE_ECC ? check_ec(algorithm, object, public_key)
                                                  : check_rsa(algorithm, object, public_key);
}
