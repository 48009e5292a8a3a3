/* SPDX-License-Identifier: MIT */
/* Checks signatures of X.509 objects by wolfCrypt. */
#include "autoconfig.h"

#include "x509/signature.h"

#include "backend/wolfssl_key.h"
#include "x509/object_identifiers.h"
#include "x509/pss_parameters.h"
#include "x509/signature_scheme.h"

#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/ed25519.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/signature.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Of RSA: 8192 bits. */
#define SIGNATURE_LENGTH_MAXIMUM 1024

struct algorithm;

typedef enum signature_verdict (*check_fn)(const struct algorithm *algorithm, const struct signed_object *object,
                                           struct byte_slice public_key);

static enum signature_verdict check_rsa(const struct algorithm *algorithm, const struct signed_object *object,
                                        struct byte_slice public_key);
static enum signature_verdict check_ec(const struct algorithm *algorithm, const struct signed_object *object,
                                       struct byte_slice public_key);
#ifdef WC_RSA_PSS
static enum signature_verdict check_pss(const struct algorithm *algorithm, const struct signed_object *object,
                                        struct byte_slice public_key);
#endif
#ifdef HAVE_ED25519
static enum signature_verdict check_ed25519(const struct algorithm *algorithm, const struct signed_object *object,
                                            struct byte_slice public_key);
#endif

struct algorithm {
  uint16_t scheme; /* RFC 8446, section 4.2.3 */
  check_fn check;
  enum wc_HashType hash;
};

static const struct algorithm algorithms[] = {
    {0x0401, check_rsa, WC_HASH_TYPE_SHA256},   {0x0501, check_rsa, WC_HASH_TYPE_SHA384},
    {0x0601, check_rsa, WC_HASH_TYPE_SHA512},   {0x0403, check_ec, WC_HASH_TYPE_SHA256},
    {0x0503, check_ec, WC_HASH_TYPE_SHA384},    {0x0603, check_ec, WC_HASH_TYPE_SHA512},
#ifdef WC_RSA_PSS
    {0x0809, check_pss, WC_HASH_TYPE_SHA256},   {0x080a, check_pss, WC_HASH_TYPE_SHA384},
    {0x080b, check_pss, WC_HASH_TYPE_SHA512},
#endif
#ifdef HAVE_ED25519
    {0x0807, check_ed25519, WC_HASH_TYPE_NONE},
#endif
};

static const struct algorithm *find_algorithm(const struct signed_object *object) {
  struct byte_slice algorithm = object->algorithm;
  struct byte_slice identifier;
  struct byte_slice parameters;
  uint16_t scheme;

  if (!algorithm_take_whole(&algorithm, &identifier, &parameters)) {
    return NULL;
  }
  scheme = signature_scheme_find(identifier, parameters);
  for (size_t i = 0; i < COUNT_OF(algorithms); i++) {
    if (algorithms[i].scheme == scheme) {
      return &algorithms[i];
    }
  }
  return NULL;
}

uint16_t signature_scheme(const struct signed_object *object) {
  const struct algorithm *algorithm = find_algorithm(object);

  return algorithm != NULL ? algorithm->scheme : 0;
}

bool public_key_bits(struct byte_slice public_key, struct byte_slice *bits) {
  struct byte_slice content;
  struct byte_slice identifier;

  return der_read_tagged(&public_key, DER_SEQUENCE, &content) && algorithm_take(&content, &identifier) &&
         der_read_bit_string(&content, bits);
}

static enum object_identifier find_key_algorithm(struct byte_slice public_key) {
  struct byte_slice content;
  struct byte_slice identifier;

  return der_read_tagged(&public_key, DER_SEQUENCE, &content) && algorithm_take(&content, &identifier)
             ? object_identifier_find(identifier)
             : OID_UNKNOWN;
}

/* \return 0 or a code of wolfCrypt's */
static int verify(const struct algorithm *algorithm, enum wc_SignatureType type, const struct signed_object *object,
                  void *key, word32 key_size) {
  if (wc_SignatureGetSize(type, key, key_size) <= 0) {
    key_size += STRUCTURE_SLACK; /* 5.9.2 wants the exact size; 5.5.4 its own at least, which headers may get wrong */
  }
  return wc_SignatureVerify(algorithm->hash, type, object->signed_part.bytes, (word32)object->signed_part.length,
                            object->signature.bytes, (word32)object->signature.length, key, key_size);
}

/* Every build's numbers hold 4096 bits. */
static bool is_large(struct byte_slice public_key) {
  enum { MODULUS_LENGTH = 1 + 4096 / 8 }; /* with the byte that keeps the sign bit clear */
  struct byte_slice bits;
  struct byte_slice content;
  struct byte_slice modulus;

  return public_key_bits(public_key, &bits) && der_read_tagged(&bits, DER_SEQUENCE, &content) &&
         der_read_integer(&content, &modulus) &&
         (modulus.length > MODULUS_LENGTH || (modulus.length == MODULUS_LENGTH && modulus.bytes[0] != 0));
}

/* What functions of several versions say of a key that is too large for their numbers. */
static bool is_about_size(int result) {
  return result == MEMORY_E || result == MP_INIT_E || result == MP_EXPTMOD_E || result == WC_KEY_SIZE_E;
}

static enum signature_verdict find_rsa_verdict(int decoded, int verified, struct byte_slice public_key) {
  if ((decoded != 0 || is_about_size(verified)) && is_large(public_key)) {
    return SIGNATURE_UNSUPPORTED;
  }
  if (decoded == MEMORY_E || verified == MEMORY_E) {
    return SIGNATURE_NO_MEMORY;
  }
  return decoded == 0 && verified == 0 ? SIGNATURE_GOOD : SIGNATURE_WRONG;
}

static enum signature_verdict check_rsa(const struct algorithm *algorithm, const struct signed_object *object,
                                        struct byte_slice public_key) {
  union rsa_key_room room;
  word32 index = 0;
  int verified = 0;
  int decoded;

  if (find_key_algorithm(public_key) != OID_RSA) {
    return SIGNATURE_WRONG; /* a key for PSS only must not be used here: RFC 4055, section 1.2 */
  }
  if (wc_InitRsaKey(&room.key, NULL) != 0) {
    return SIGNATURE_NO_MEMORY;
  }
  decoded = wc_RsaPublicKeyDecode(public_key.bytes, &index, &room.key, (word32)public_key.length);
  if (decoded == 0) {
    verified = verify(algorithm, WC_SIGNATURE_TYPE_RSA_W_ENC, object, &room.key, (word32)sizeof(room.key));
  }
  wc_FreeRsaKey(&room.key);
  return find_rsa_verdict(decoded, verified, public_key);
}

static enum signature_verdict check_ec(const struct algorithm *algorithm, const struct signed_object *object,
                                       struct byte_slice public_key) {
  union ec_key_room room;
  word32 index = 0;
  int result;

  if (wc_ecc_init(&room.key) != 0) {
    return SIGNATURE_NO_MEMORY;
  }
  result = wc_EccPublicKeyDecode(public_key.bytes, &index, &room.key, (word32)public_key.length);
  if (result == 0) { /* else another kind of key, which can't have made this signature */
    result = verify(algorithm, WC_SIGNATURE_TYPE_ECC, object, &room.key, (word32)sizeof(room.key));
  }
  wc_ecc_free(&room.key);
  if (result == MEMORY_E) {
    return SIGNATURE_NO_MEMORY;
  }
  return result == 0 ? SIGNATURE_GOOD : SIGNATURE_WRONG;
}

#ifdef WC_RSA_PSS
static int mask_of(enum wc_HashType hash) {
  return hash == WC_HASH_TYPE_SHA256 ? WC_MGF1SHA256 : hash == WC_HASH_TYPE_SHA384 ? WC_MGF1SHA384 : WC_MGF1SHA512;
}

/* A key may be limited to PSS, and to one set of parameters (RFC 4055, section 3.3). */
static int read_pss_key(struct byte_slice public_key, uint16_t scheme, RsaKey *key) {
  struct byte_slice whole = public_key;
  struct byte_slice content;
  struct byte_slice identifier;
  struct byte_slice parameters;
  struct byte_slice modulus;
  struct byte_slice exponent;
  word32 index = 0;

  if (!der_read_tagged(&whole, DER_SEQUENCE, &content) || !algorithm_take_whole(&content, &identifier, &parameters)) {
    return ASN_PARSE_E;
  }
  if (object_identifier_find(identifier) != OID_RSA_PSS) {
    return wc_RsaPublicKeyDecode(public_key.bytes, &index, key, (word32)public_key.length);
  }
  if ((parameters.length > 0 && pss_parameters_scheme(parameters) != scheme) ||
      !der_read_bit_string(&content, &whole) || !der_read_tagged(&whole, DER_SEQUENCE, &content) ||
      !der_read_integer(&content, &modulus) || !der_read_integer(&content, &exponent)) {
    return ASN_PARSE_E;
  }
  return wc_RsaPublicKeyDecodeRaw(modulus.bytes, (word32)modulus.length, exponent.bytes, (word32)exponent.length, key);
}

static int verify_pss(const struct algorithm *algorithm, const struct signed_object *object, RsaKey *key) {
  byte signature[SIGNATURE_LENGTH_MAXIMUM];
  byte opened[SIGNATURE_LENGTH_MAXIMUM];
  byte digest[WC_MAX_DIGEST_SIZE];
  const int digest_length = wc_HashGetDigestSize(algorithm->hash);
  int result = wc_Hash(algorithm->hash, object->signed_part.bytes, (word32)object->signed_part.length, digest,
                       (word32)digest_length);

  if (result != 0) {
    return result;
  }
  memcpy(signature, object->signature.bytes, object->signature.length);
  result = wc_RsaPSS_Verify(signature, (word32)object->signature.length, opened, sizeof(opened), algorithm->hash,
                            mask_of(algorithm->hash), key);
  if (result <= 0) {
    return result < 0 ? result : ASN_SIG_CONFIRM_E;
  }
  return wc_RsaPSS_CheckPadding(digest, (word32)digest_length, opened, (word32)result, algorithm->hash);
}

/* With a salt as long as the hash, which wolfCrypt assumes and pss_parameters_scheme() requires. */
static enum signature_verdict check_pss(const struct algorithm *algorithm, const struct signed_object *object,
                                        struct byte_slice public_key) {
  union rsa_key_room room;
  int verified = 0;
  int decoded;

  if (object->signature.length > SIGNATURE_LENGTH_MAXIMUM) {
    return SIGNATURE_UNSUPPORTED;
  }
  if (wc_InitRsaKey(&room.key, NULL) != 0) {
    return SIGNATURE_NO_MEMORY;
  }
  decoded = read_pss_key(public_key, algorithm->scheme, &room.key);
  if (decoded == 0) {
    verified = verify_pss(algorithm, object, &room.key);
  }
  wc_FreeRsaKey(&room.key);
  return find_rsa_verdict(decoded, verified, public_key);
}
#endif

#ifdef HAVE_ED25519
union ed25519_key_room {
  ed25519_key key;
  byte room[sizeof(ed25519_key) + STRUCTURE_SLACK];
};

static enum signature_verdict check_ed25519(const struct algorithm *algorithm, const struct signed_object *object,
                                            struct byte_slice public_key) {
  union ed25519_key_room room;
  struct byte_slice whole = public_key;
  struct byte_slice content;
  struct byte_slice identifier;
  struct byte_slice bits;
  int matches = 0;
  int result;

  (void)algorithm;
  if (!der_read_tagged(&whole, DER_SEQUENCE, &content) || !algorithm_take(&content, &identifier) ||
      object_identifier_find(identifier) != OID_ED25519 || !der_read_bit_string(&content, &bits)) {
    return SIGNATURE_WRONG;
  }
  if (wc_ed25519_init(&room.key) != 0) {
    return SIGNATURE_NO_MEMORY;
  }
  result = wc_ed25519_import_public(bits.bytes, (word32)bits.length, &room.key);
  if (result == 0) {
    result = wc_ed25519_verify_msg(object->signature.bytes, (word32)object->signature.length, object->signed_part.bytes,
                                   (word32)object->signed_part.length, &matches, &room.key);
  }
  wc_ed25519_free(&room.key);
  if (result == MEMORY_E) {
    return SIGNATURE_NO_MEMORY;
  }
  return result == 0 && matches == 1 ? SIGNATURE_GOOD : SIGNATURE_WRONG;
}
#endif

enum signature_verdict signature_check(const struct signed_object *object, struct byte_slice public_key) {
  const struct algorithm *algorithm = find_algorithm(object);

  if (algorithm == NULL || object->signed_part.length > INT32_MAX || object->signature.length > INT32_MAX) {
    return SIGNATURE_UNSUPPORTED;
  }
  return algorithm->check(algorithm, object, public_key);
}
