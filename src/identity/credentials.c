/* SPDX-License-Identifier: MIT */
/*
 * Reads an identity. Keys are decrypted here and passed to wolfSSL as unencrypted DER, so that wolfSSL never asks for a
 * passphrase itself; and the pair is proved by a signature, because wolfSSL_CTX_check_private_key() misses a wrong
 * P-256 key in nearly every build, and decrypting a traditional EC key with a wrong passphrase has been seen to
 * "succeed".
 */
#include "autoconfig.h"

#include "identity/credentials.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "x509/certificate.h"
#include "x509/certificate_input.h"
#include "x509/pem.h"
#include "backend/point_cache.h"
#include "identity/token_signature.h"
#include "backend/wolfssl_headers.h"
#include "backend/wolfssl_key.h"

#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/coding.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/rsa.h>
#include <wolfssl/wolfcrypt/signature.h>

#define SIGNATURE_CAPACITY 2048 /* RSA up to 16384 bits */

/* ---- The key: PEM or DER, encrypted or not, to unencrypted DER ---- */

static amqp_wolfssl_code_t get_passphrase(const struct passphrase_source *source, const char *origin,
                                          struct secret *passphrase, amqp_wolfssl_error_t *error) {
  switch (passphrase_ask(source, passphrase)) {
    case PASSPHRASE_GIVEN:
      return AMQP_WOLFSSL_OK;
    case PASSPHRASE_NOT_SET:
      return error_configure(error, AMQP_WOLFSSL_ERROR_PASSPHRASE_MISSING,
                             "the private key in %s is encrypted; set its passphrase before the identity", origin);
    case PASSPHRASE_REFUSED:
      return error_configure(error, AMQP_WOLFSSL_ERROR_PASSPHRASE_MISSING,
                             "the private key in %s is encrypted, and the passphrase callback gave no passphrase",
                             origin);
    case PASSPHRASE_NO_MEMORY:
      break;
  }
  return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
}

static amqp_wolfssl_code_t explain_wrong_passphrase(const char *origin, amqp_wolfssl_error_t *error) {
  return error_configure(error, AMQP_WOLFSSL_ERROR_PASSPHRASE_WRONG,
                         "the passphrase for the private key in %s is wrong (or the key is damaged)", origin);
}

#ifdef WOLFSSL_ENCRYPTED_KEYS
/* Only by these codes can an unknown scheme be told from a wrong passphrase. */
static amqp_wolfssl_code_t explain_decryption(int wolfssl_code, const char *origin, amqp_wolfssl_error_t *error) {
  if (wolfssl_code == MEMORY_E) {
    error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  } else if (wolfssl_code == ASN_UNKNOWN_OID_E || wolfssl_code == ALGO_ID_E || wolfssl_code == NOT_COMPILED_IN ||
             wolfssl_code == ASN_INPUT_E || wolfssl_code == ASN_VERSION_E) {
    error_configure(error, AMQP_WOLFSSL_ERROR_KEY_UNSUPPORTED,
                    "the private key in %s is encrypted in a way that this wolfSSL can't decrypt; re-encrypt it with "
                    "\"openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256\"",
                    origin);
  } else if (wolfssl_code == HMAC_MIN_KEYLEN_E) {
    error_configure(
        error, AMQP_WOLFSSL_ERROR_KEY_UNSUPPORTED,
        "the passphrase for the private key in %s is shorter than the 14 bytes that wolfSSL's FIPS module requires; "
        "re-encrypt the key with a longer one",
        origin);
  } else {
    explain_wrong_passphrase(origin, error);
  }
  error->wolfssl_code = wolfssl_code;
  return error->code;
}
#else
static amqp_wolfssl_code_t refuse_encrypted(const char *origin, amqp_wolfssl_error_t *error) {
  return error_configure(
      error, AMQP_WOLFSSL_ERROR_NOT_SUPPORTED,
      "the private key in %s is encrypted, and this wolfSSL was built without support for encrypted keys "
      "(--enable-enckeys); decrypt it with \"openssl pkey\"",
      origin);
}
#endif

/* Where the content of the element at \a at begins; \a length if there is none. */
static size_t content_of(const uint8_t *der, size_t length, size_t at) {
  size_t content = at + 2;

  if (at >= length || length - at < 2) {
    return length;
  }
  if ((der[at + 1] & 0x80u) != 0) {
    content += der[at + 1] & 0x7fu;
  }
  return content < length ? content : length;
}

/* EncryptedPrivateKeyInfo (RFC 5958, section 3) opens with two SEQUENCEs and an OBJECT IDENTIFIER; an unencrypted key
   of any kind with a SEQUENCE and an INTEGER; a certificate with two SEQUENCEs and something else. */
static bool der_is_encrypted(const uint8_t *der, size_t length) {
  size_t algorithm = content_of(der, length, 0);
  size_t oid = content_of(der, length, algorithm);

  return oid < length && der[0] == 0x30 && der[algorithm] == 0x30 && der[oid] == 0x06;
}

#ifdef WOLFSSL_ENCRYPTED_KEYS
/* wolfSSL does not support scrypt here, and fails as if the passphrase were wrong. */
static bool uses_scrypt(const struct secret *key) {
  static const uint8_t oid[] = {0x06, 0x09, 0x2b, 0x06, 0x01, 0x04, 0x01, 0xda, 0x47, 0x04, 0x0b};

  return memmem(key->bytes, key->length < 64 ? key->length : 64, oid, sizeof(oid)) != NULL;
}

/* In place. */
static amqp_wolfssl_code_t decrypt_pkcs8(struct secret *key, const struct passphrase_source *source, const char *origin,
                                         amqp_wolfssl_error_t *error) {
  struct secret passphrase = {0};
  amqp_wolfssl_code_t code = get_passphrase(source, origin, &passphrase, error);
  int length;

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  if (uses_scrypt(key)) {
    code = explain_decryption(NOT_COMPILED_IN, origin, error);
  } else {
    length =
        wc_DecryptPKCS8Key(key->bytes, (word32)key->length, (const char *)passphrase.bytes, (int)passphrase.length);
    if (length > 0) {
      secret_wipe(key->bytes + length, key->length - (size_t)length);
      key->length = (size_t)length;
    } else {
      code = explain_decryption(length, origin, error);
    }
  }
  secret_free(&passphrase);
  return code;
}

/* Not with wc_KeyPemToDer(), which truncates passphrases to 80 bytes (5.9.2). */
static amqp_wolfssl_code_t key_from_pkcs8_pem(struct secret *key, const struct pem_block *block,
                                              const struct passphrase_source *source, const char *origin,
                                              amqp_wolfssl_error_t *error) {
  const char *text = memchr(block->whole.text, '\n', block->whole.length);
  size_t at = text == NULL ? block->whole.length : (size_t)(text - block->whole.text);
  size_t end = block->whole.length - strlen("-----END -----") - block->label.length;
  word32 length = (word32)block->whole.length;

  if (at >= end || secret_copy(key, block->whole.text, block->whole.length) != 0) {
    return at >= end ? error_configure(error, AMQP_WOLFSSL_ERROR_KEY_MALFORMED, "the private key in %s can't be parsed",
                                       origin)
                     : error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  if (Base64_Decode((const byte *)block->whole.text + at + 1, (word32)(end - at - 1), key->bytes, &length) != 0) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_KEY_MALFORMED, "the private key in %s is not valid base64",
                           origin);
  }
  key->length = length;
  return decrypt_pkcs8(key, source, origin, error);
}
#endif

static amqp_wolfssl_code_t key_from_pem(struct secret *key, const struct pem_block *block, bool encrypted,
                                        const struct passphrase_source *source, const char *origin,
                                        amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code = AMQP_WOLFSSL_OK;
  struct secret passphrase = {0};
  int length;

#ifndef WOLFSSL_ENCRYPTED_KEYS
  if (encrypted) {
    return refuse_encrypted(origin, error);
  }
#else
  if (pem_label_is(block, "ENCRYPTED PRIVATE KEY")) {
    return key_from_pkcs8_pem(key, block, source, origin, error);
  }
#ifdef NO_MD5
  if (encrypted) { /* the traditional encryption derives its key with MD5 */
    return explain_decryption(NOT_COMPILED_IN, origin, error);
  }
#endif
#endif
  if (encrypted) {
    code = get_passphrase(source, origin, &passphrase, error);
    if (code != AMQP_WOLFSSL_OK) {
      return code;
    }
  }
  key->bytes = malloc(block->whole.length);
  key->length = block->whole.length;
  if (key->bytes == NULL) {
    key->length = 0;
    code = error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
    goto cleanup;
  }
  length = wc_KeyPemToDer((const unsigned char *)block->whole.text, (int)block->whole.length, key->bytes,
                          (int)block->whole.length, encrypted ? (const char *)passphrase.bytes : NULL);
  if (length > 0) {
    /* Wipe what wolfSSL may have written after the key, then record how long the key is. */
    secret_wipe(key->bytes + length, block->whole.length - (size_t)length);
    key->length = (size_t)length;
    goto cleanup;
  }
#ifdef WOLFSSL_ENCRYPTED_KEYS
  if (encrypted) {
    code = explain_decryption(length, origin, error);
    goto cleanup;
  }
#endif
  code = length == MEMORY_E ? error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory")
                            : error_configure(error, AMQP_WOLFSSL_ERROR_KEY_MALFORMED,
                                              "the private key in %s can't be parsed", origin);
  error->wolfssl_code = length;
cleanup:
  secret_free(&passphrase);
  if (code != AMQP_WOLFSSL_OK) {
    secret_free(key);
  }
  return code;
}

static amqp_wolfssl_code_t find_key_in_pem(struct secret *key, const struct credentials_input *input,
                                           const struct passphrase_source *source, bool *encrypted,
                                           amqp_wolfssl_error_t *error) {
  struct pem_text rest = {input->key, input->key_length};
  struct pem_block block;
  enum pem_result result;

  while ((result = pem_next(&rest, &block)) == PEM_BLOCK) {
    if (pem_is_private_key(&block)) {
      *encrypted = pem_is_encrypted(&block);
      return key_from_pem(key, &block, *encrypted, source, input->key_origin, error);
    }
  }
  if (result == PEM_UNTERMINATED) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_KEY_MALFORMED,
                           "%s is truncated or damaged: a BEGIN line has no matching END line", input->key_origin);
  }
  return error_configure(error, AMQP_WOLFSSL_ERROR_KEY_MALFORMED, "%s contains no private key", input->key_origin);
}

static amqp_wolfssl_code_t key_from_der(struct secret *key, const struct credentials_input *input,
                                        const struct passphrase_source *source, bool *encrypted,
                                        amqp_wolfssl_error_t *error) {
  if (secret_copy(key, input->key, input->key_length) != 0) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  *encrypted = der_is_encrypted(key->bytes, key->length);
  if (!*encrypted) {
    return AMQP_WOLFSSL_OK;
  }
#ifdef WOLFSSL_ENCRYPTED_KEYS
  return decrypt_pkcs8(key, source, input->key_origin, error);
#else
  (void)source;
  return refuse_encrypted(input->key_origin, error);
#endif
}

/*
 * \a encrypted: whether a passphrase was needed, so that garbage decrypted with a wrong one can be told from a damaged
 * key.
 */
static amqp_wolfssl_code_t read_key(struct secret *key, const struct credentials_input *input,
                                    const struct passphrase_source *source, bool *encrypted,
                                    amqp_wolfssl_error_t *error) {
  if (input->key_length == 0) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_KEY_MALFORMED, "%s is empty", input->key_origin);
  }
  if (input->key_length > INT_MAX) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT, "%s is too long", input->key_origin);
  }
  return pem_is_likely(input->key, input->key_length) ? find_key_in_pem(key, input, source, encrypted, error)
                                                      : key_from_der(key, input, source, encrypted, error);
}

/* ---- The pair: what the key signs, the certificate verifies ---- */

static const byte pair_message[] = "librabbitmq-wolfssl: do this certificate and this key belong together?";

enum pair_verdict { PAIR_MATCHES, PAIR_DIFFERS, PAIR_KEY_UNREADABLE, PAIR_CERTIFICATE_UNREADABLE, PAIR_FAILED };

/* The inner key of PKCS#8, or the key itself: not every wolfSSL decodes PKCS#8 in its key functions. */
static const byte *inner_key(const struct secret *key, word32 *length) {
  word32 offset = 0;
  int inner = wc_GetPkcs8TraditionalOffset(key->bytes, &offset, (word32)key->length);

  if (inner > 0 && (size_t)inner + offset <= key->length) {
    *length = (word32)inner;
    return key->bytes + offset;
  }
  *length = (word32)key->length;
  return key->bytes;
}

static enum pair_verdict sign_and_verify(enum wc_SignatureType type, void *private_key, void *public_key,
                                         word32 key_size, WC_RNG *random) {
  byte signature[SIGNATURE_CAPACITY];
  int capacity = wc_SignatureGetSize(type, private_key, key_size);
  word32 length;
  int result;

  if (capacity <= 0) { /* 5.9.2 wants the exact size; 5.5.4 at least its own, which the headers may get wrong */
    key_size += STRUCTURE_SLACK;
    capacity = wc_SignatureGetSize(type, private_key, key_size);
  }
  if (capacity <= 0 || capacity > (int)sizeof(signature)) {
    return PAIR_FAILED;
  }
  length = (word32)capacity;
  result = wc_SignatureGenerate(WC_HASH_TYPE_SHA256, type, pair_message, (word32)sizeof(pair_message), signature,
                                &length, private_key, key_size, random);
  if (result != 0) {
    return result == MEMORY_E ? PAIR_FAILED : PAIR_KEY_UNREADABLE;
  }
  result = wc_SignatureVerify(WC_HASH_TYPE_SHA256, type, pair_message, (word32)sizeof(pair_message), signature, length,
                              public_key, key_size);
  if (result == MEMORY_E) {
    return PAIR_FAILED;
  }
  return result == 0 ? PAIR_MATCHES : PAIR_DIFFERS;
}

static enum pair_verdict prove_rsa(const struct secret *key, const struct certificate *leaf, WC_RNG *random) {
  enum pair_verdict verdict = PAIR_FAILED;
  word32 key_length;
  const byte *key_der = inner_key(key, &key_length);
  word32 key_index = 0;
  word32 public_index = 0;
  union rsa_key_room private_key;
  union rsa_key_room public_key;

  if (wc_InitRsaKey(&private_key.key, NULL) != 0) {
    return PAIR_FAILED;
  }
  if (wc_InitRsaKey(&public_key.key, NULL) != 0) {
    wc_FreeRsaKey(&private_key.key);
    return PAIR_FAILED;
  }
  if (wc_RsaPrivateKeyDecode(key_der, &key_index, &private_key.key, key_length) != 0) {
    verdict = PAIR_KEY_UNREADABLE;
  } else if (wc_RsaPublicKeyDecode(leaf->public_key.bytes, &public_index, &public_key.key,
                                   (word32)leaf->public_key.length) != 0) {
    verdict = PAIR_CERTIFICATE_UNREADABLE;
#ifdef WC_RSA_BLINDING
  } else if (wc_RsaSetRNG(&private_key.key, random) != 0) {
    verdict = PAIR_FAILED;
#endif
  } else if (wc_RsaEncryptSize(&private_key.key) != wc_RsaEncryptSize(&public_key.key)) {
    verdict = PAIR_DIFFERS;
  } else {
    verdict = sign_and_verify(WC_SIGNATURE_TYPE_RSA_W_ENC, &private_key.key, &public_key.key,
                              (word32)sizeof(private_key.key), random);
  }
  wc_FreeRsaKey(&public_key.key);
  wc_FreeRsaKey(&private_key.key);
  return verdict;
}

static enum pair_verdict prove_ec(const struct secret *key, const struct certificate *leaf, WC_RNG *random) {
  enum pair_verdict verdict = PAIR_FAILED;
  word32 key_index = 0;
  word32 public_index = 0;
  union ec_key_room private_key;
  union ec_key_room public_key;

  if (wc_ecc_init(&private_key.key) != 0) {
    return PAIR_FAILED;
  }
  if (wc_ecc_init(&public_key.key) != 0) {
    wc_ecc_free(&private_key.key);
    return PAIR_FAILED;
  }
  /* The whole PKCS#8 structure: it holds the curve, which the inner key may leave out (RFC 5915, section 3). */
  if (wc_EccPrivateKeyDecode(key->bytes, &key_index, &private_key.key, (word32)key->length) != 0) {
    verdict = PAIR_KEY_UNREADABLE;
  } else if (wc_EccPublicKeyDecode(leaf->public_key.bytes, &public_index, &public_key.key,
                                   (word32)leaf->public_key.length) != 0) {
    verdict = PAIR_CERTIFICATE_UNREADABLE;
  } else if (wc_ecc_size(&private_key.key) != wc_ecc_size(&public_key.key)) {
    verdict = PAIR_DIFFERS;
  } else {
    verdict = sign_and_verify(WC_SIGNATURE_TYPE_ECC, &private_key.key, &public_key.key, (word32)sizeof(private_key.key),
                              random);
  }
  wc_ecc_free(&public_key.key);
  wc_ecc_free(&private_key.key);
  return verdict;
}

/* Whether the key parses as the other kind: then the two simply don't belong together. */
static bool key_is_of_other_kind(const struct secret *key, enum certificate_key_kind certificate_kind) {
  word32 index = 0;
  bool parses = false;

  if (certificate_kind == CERTIFICATE_KEY_EC) {
    union rsa_key_room rsa;
    word32 length;
    const byte *der = inner_key(key, &length);

    if (wc_InitRsaKey(&rsa.key, NULL) == 0) {
      parses = wc_RsaPrivateKeyDecode(der, &index, &rsa.key, length) == 0;
      wc_FreeRsaKey(&rsa.key);
    }
  } else {
    union ec_key_room ec;

    if (wc_ecc_init(&ec.key) == 0) {
      parses = wc_EccPrivateKeyDecode(key->bytes, &index, &ec.key, (word32)key->length) == 0;
      wc_ecc_free(&ec.key);
    }
  }
  return parses;
}

static enum pair_verdict prove_pair(const struct secret *key, const struct certificate *leaf) {
  enum pair_verdict verdict;
  WC_RNG random;

  if (wc_InitRng(&random) != 0) {
    return PAIR_FAILED;
  }
  verdict = leaf->key_kind == CERTIFICATE_KEY_RSA ? prove_rsa(key, leaf, &random) : prove_ec(key, leaf, &random);
  wc_FreeRng(&random);
  point_cache_release();
  if (verdict == PAIR_KEY_UNREADABLE && key_is_of_other_kind(key, leaf->key_kind)) {
    verdict = PAIR_DIFFERS;
  }
  return verdict;
}

static amqp_wolfssl_code_t check_pair(const struct credentials *credentials, const struct credentials_input *input,
                                      const struct certificate *leaf, bool encrypted, amqp_wolfssl_error_t *error) {
  switch (prove_pair(&credentials->key, leaf)) {
    case PAIR_MATCHES:
      return AMQP_WOLFSSL_OK;
    case PAIR_DIFFERS:
      return error_configure(
          error, AMQP_WOLFSSL_ERROR_KEY_MISMATCH,
          "the private key in %s does not belong to the certificate in %s; use the key that the certificate was "
          "issued for",
          input->key_origin, input->certificate_origin);
    case PAIR_KEY_UNREADABLE:
      /* Traditional PEM encryption has no integrity check: a wrong passphrase yields bytes, just not a key. */
      if (encrypted) {
        return explain_wrong_passphrase(input->key_origin, error);
      }
      return error_configure(error, AMQP_WOLFSSL_ERROR_KEY_MALFORMED,
                             "the private key in %s can't be parsed as an RSA or EC key", input->key_origin);
    case PAIR_CERTIFICATE_UNREADABLE:
      return error_configure(error, AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED,
                             "the public key of the certificate in %s can't be parsed", input->certificate_origin);
    case PAIR_FAILED:
      break;
  }
  return error_configure(
      error, AMQP_WOLFSSL_ERROR_LIBRARY_FAILED,
      "wolfSSL could not check that the key in %s belongs to the certificate in %s (it may be out of memory, or have "
      "no random numbers)",
      input->key_origin, input->certificate_origin);
}

/* ---- The identity ---- */

/* Whether what we show the broker is as strong as what we require of it. A certificate that is its own issuer is a root
   sent along; its signature proves nothing. */
static bool is_allowed(const struct certificate *certificate, const struct policy *policy, char *reason,
                       size_t capacity) {
  return policy_allows_key(policy, certificate, reason, capacity) &&
         (certificate_names_equal(certificate->subject, certificate->issuer) ||
          policy_allows_signature(policy, certificate, reason, capacity));
}

static amqp_wolfssl_code_t check_strength(const struct certificate *certificate, size_t depth, const char *origin,
                                          const struct policy *policy, amqp_wolfssl_error_t *error) {
  const bool usable = certificate->key_kind == CERTIFICATE_KEY_RSA || certificate->key_kind == CERTIFICATE_KEY_EC;
  char reason[160] = "its key is neither RSA nor EC";
  char subject[ERROR_SUBJECT_LENGTH];

  /* wolfSSL has to sign with the leaf's key; the others' only verify, and the policy decides
     which kinds are allowed. */
  if ((usable || depth > 0) && is_allowed(certificate, policy, reason, sizeof(reason))) {
    return AMQP_WOLFSSL_OK;
  }
  certificate_format_name(certificate->subject, subject, sizeof(subject));
  if (!usable) {
    error_configure(error, AMQP_WOLFSSL_ERROR_KEY_UNSUPPORTED, "the certificate of \"%s\" in %s can't be used: %s",
                    subject, origin, reason);
  } else {
    error_configure(error, AMQP_WOLFSSL_ERROR_IDENTITY_AGAINST_POLICY,
                    "the certificate of \"%s\" in %s can't be used: %s", subject, origin, reason);
  }
  error_set_certificate(error, (int)depth, subject);
  return error->code;
}

static amqp_wolfssl_code_t check_chain(const struct certificate_list *chain, const char *origin,
                                       const struct policy *policy, amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code = AMQP_WOLFSSL_OK;

  for (size_t depth = 0; depth < chain->count && code == AMQP_WOLFSSL_OK; depth++) {
    struct certificate certificate;

    code = certificate_read(&certificate, chain->items[depth].bytes, chain->items[depth].length)
               ? check_strength(&certificate, depth, origin, policy, error)
               : error_configure(error, AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED, "a certificate in %s can't be parsed",
                                 origin);
  }
  return code;
}

/* Fills the chain and reads its leaf, which then points into the chain. */
static amqp_wolfssl_code_t read_chain(struct certificate_list *chain, struct certificate *leaf, const void *certificate,
                                      size_t length, const char *origin, const struct policy *policy,
                                      amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code =
      certificate_input_read(chain, certificate, length, AMQP_WOLFSSL_FORMAT_AUTO, origin, error);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  if (!certificate_read(leaf, chain->items[0].bytes, chain->items[0].length)) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED, "the certificate in %s can't be parsed",
                           origin);
  }
  return check_chain(chain, origin, policy, error);
}

amqp_wolfssl_code_t credentials_read(struct credentials *credentials, const struct credentials_input *input,
                                     const struct passphrase_source *passphrase, const struct policy *policy,
                                     amqp_wolfssl_error_t *error) {
  struct certificate leaf;
  bool encrypted = false;
  amqp_wolfssl_code_t code = read_chain(&credentials->chain, &leaf, input->certificate, input->certificate_length,
                                        input->certificate_origin, policy, error);

  if (code == AMQP_WOLFSSL_OK) {
    code = read_key(&credentials->key, input, passphrase, &encrypted, error);
  }
  if (code == AMQP_WOLFSSL_OK) {
    code = check_pair(credentials, input, &leaf, encrypted, error);
  }
  if (code != AMQP_WOLFSSL_OK) {
    credentials_free(credentials);
  }
  return code;
}

amqp_wolfssl_code_t credentials_read_files(struct credentials *credentials, const char *certificate_path,
                                           const char *key_path, const struct passphrase_source *passphrase,
                                           const struct policy *policy, amqp_wolfssl_error_t *error) {
  struct secret certificate = {0};
  struct secret key = {0};
  amqp_wolfssl_code_t code = file_read(certificate_path, &certificate, error);

  if (code == AMQP_WOLFSSL_OK) {
    code = file_read(key_path, &key, error);
  }
  if (code == AMQP_WOLFSSL_OK) {
    const struct credentials_input input = {certificate.bytes, certificate.length, certificate_path,
                                            key.bytes,         key.length,         key_path};

    code = credentials_read(credentials, &input, passphrase, policy, error);
  }
  secret_free(&key);
  secret_free(&certificate);
  return code;
}

amqp_wolfssl_code_t credentials_read_file_and_key(struct credentials *credentials, const char *certificate_path,
                                                  const void *key, size_t key_length,
                                                  const struct passphrase_source *passphrase,
                                                  const struct policy *policy, amqp_wolfssl_error_t *error) {
  struct secret certificate = {0};
  amqp_wolfssl_code_t code = file_read(certificate_path, &certificate, error);

  if (code == AMQP_WOLFSSL_OK) {
    const struct credentials_input input = {certificate.bytes, certificate.length, certificate_path, key,
                                            key_length,        "the key in memory"};

    code = credentials_read(credentials, &input, passphrase, policy, error);
  }
  secret_free(&certificate);
  return code;
}

amqp_wolfssl_code_t credentials_use_token(struct credentials *credentials, const struct secret *certificate,
                                          const char *origin, const char *key_uri, const struct passphrase_source *pin,
                                          const struct policy *policy, amqp_wolfssl_error_t *error) {
  struct certificate leaf;
  amqp_wolfssl_code_t code =
      read_chain(&credentials->chain, &leaf, certificate->bytes, certificate->length, origin, policy, error);

  if (code == AMQP_WOLFSSL_OK) {
    code = pkcs11_token_open(&credentials->token, key_uri, &leaf, pin, error);
  }
  if (code == AMQP_WOLFSSL_OK) {
    code = token_signature_check(credentials->token, &leaf, origin, error);
  }
  if (code != AMQP_WOLFSSL_OK) {
    credentials_free(credentials);
  }
  return code;
}

amqp_wolfssl_code_t credentials_read_token(struct credentials *credentials, const char *certificate_path,
                                           const char *key_uri, const struct passphrase_source *pin,
                                           const struct policy *policy, amqp_wolfssl_error_t *error) {
  struct secret certificate = {0};
  amqp_wolfssl_code_t code = pkcs11_token_check_support(error);

  if (code == AMQP_WOLFSSL_OK) {
    code = file_read(certificate_path, &certificate, error);
  }
  if (code == AMQP_WOLFSSL_OK) {
    code = credentials_use_token(credentials, &certificate, certificate_path, key_uri, pin, policy, error);
  }
  secret_free(&certificate);
  return code;
}

amqp_wolfssl_code_t credentials_copy(struct credentials *credentials, const struct credentials *from,
                                     amqp_wolfssl_error_t *error) {
  bool copied = from->key.bytes == NULL || secret_copy(&credentials->key, from->key.bytes, from->key.length) == 0;

  for (size_t i = 0; i < from->chain.count && copied; i++) {
    copied = certificate_list_add(&credentials->chain, from->chain.items[i].bytes, from->chain.items[i].length);
  }
  if (!copied) {
    credentials_free(credentials);
    return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  return AMQP_WOLFSSL_OK;
}

bool credentials_equal(const struct credentials *one, const struct credentials *other) {
  return one->token == other->token && certificate_list_equals(&one->chain, &other->chain) &&
         one->key.length == other->key.length &&
         (one->key.length == 0 || memcmp(one->key.bytes, other->key.bytes, one->key.length) == 0);
}

void credentials_free(struct credentials *credentials) {
  certificate_list_free(&credentials->chain);
  secret_free(&credentials->key);
  pkcs11_token_free(credentials->token);
  credentials->token = NULL;
}
