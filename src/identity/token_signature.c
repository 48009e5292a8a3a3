/* SPDX-License-Identifier: MIT */
/* Signatures made by a token, in the forms that wolfSSL requests and expects. */
#include "autoconfig.h"

#include "identity/token_signature.h"

#include "backend/wolfssl_headers.h"

#include <wolfssl/wolfcrypt/error-crypt.h>

bool token_signature_failed(int wolfssl_code) { return wolfssl_code == WC_HW_E; }

#ifndef HAVE_PKCS11_TOKENS

amqp_wolfssl_code_t token_signature_check(struct pkcs11_token *token, const struct certificate *leaf,
                                          const char *origin, amqp_wolfssl_error_t *error) {
  (void)token;
  (void)leaf;
  (void)origin;
  return pkcs11_token_check_support(error);
}

void token_signature_install(WOLFSSL_CTX *ctx, enum certificate_key_kind kind) {
  (void)ctx;
  (void)kind;
}

void token_signature_attach(WOLFSSL *ssl, struct pkcs11_token *token) {
  (void)ssl;
  (void)token;
}

#else

#include <string.h>

#include "backend/point_cache.h"
#include "backend/wolfssl_key.h"

#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/rsa.h>
#include <wolfssl/wolfcrypt/sha256.h>

/* ---- wolfSSL's callbacks: 0, or WC_HW_E, which nothing else returns where no other hardware is in use ---- */

static int sign(struct pkcs11_token *token, enum pkcs11_signature kind, const byte *in, word32 in_length, byte *out,
                word32 *out_length) {
  size_t length = *out_length;

  if (token == NULL || !pkcs11_token_sign(token, kind, in, in_length, out, &length) || length > *out_length) {
    return WC_HW_E;
  }
  *out_length = (word32)length;
  return 0;
}

static int sign_rsa_pkcs1(WOLFSSL *ssl, const unsigned char *in, unsigned int in_length, unsigned char *out,
                          word32 *out_length, const unsigned char *key, unsigned int key_length, void *context) {
  (void)ssl;
  (void)key;
  (void)key_length;
  return sign(context, PKCS11_SIGNATURE_RSA_PKCS1, in, in_length, out, out_length);
}

static int sign_rsa_pss(WOLFSSL *ssl, const unsigned char *in, unsigned int in_length, unsigned char *out,
                        unsigned int *out_length, int hash, int mask, const unsigned char *key, unsigned int key_length,
                        void *context) {
  (void)ssl;
  (void)hash; /* the digest's length tells */
  (void)mask;
  (void)key;
  (void)key_length;
  return sign(context, PKCS11_SIGNATURE_RSA_PSS, in, in_length, out, out_length);
}

/* Tokens return r and s as they are; TLS needs them in DER (RFC 3279, section 2.2.3). */
static int sign_ecdsa(WOLFSSL *ssl, const unsigned char *in, unsigned int in_length, unsigned char *out,
                      word32 *out_length, const unsigned char *key, unsigned int key_length, void *context) {
  byte raw[PKCS11_SIGNATURE_CAPACITY];
  word32 raw_length = (word32)sizeof(raw);
  int result = sign(context, PKCS11_SIGNATURE_ECDSA, in, in_length, raw, &raw_length);

  (void)ssl;
  (void)key;
  (void)key_length;
  if (result != 0) {
    return result;
  }
  if (raw_length == 0 || raw_length % 2 != 0) {
    return WC_HW_E;
  }
  return wc_ecc_rs_raw_to_sig(raw, raw_length / 2, raw + raw_length / 2, raw_length / 2, out, out_length);
}

void token_signature_install(WOLFSSL_CTX *ctx, enum certificate_key_kind kind) {
  if (kind == CERTIFICATE_KEY_RSA) {
    wolfSSL_CTX_SetRsaSignCb(ctx, sign_rsa_pkcs1);
    wolfSSL_CTX_SetRsaPssSignCb(ctx, sign_rsa_pss);
  } else {
    wolfSSL_CTX_SetEccSignCb(ctx, sign_ecdsa);
  }
}

void token_signature_attach(WOLFSSL *ssl, struct pkcs11_token *token) {
  wolfSSL_SetRsaSignCtx(ssl, token);
  wolfSSL_SetRsaPssSignCtx(ssl, token);
  wolfSSL_SetEccSignCtx(ssl, token);
}

/* ---- The pair: what the key signs, the certificate verifies ---- */

static const byte pair_message[] = "librabbitmq-wolfssl: do this certificate and this token's key belong together?";

enum { DIGEST_LENGTH = WC_SHA256_DIGEST_SIZE, PREFIX_LENGTH = 19 };

/* DigestInfo of SHA-256 without the digest (RFC 8017, section 9.2, note 1). */
static const byte digest_info_prefix[PREFIX_LENGTH] = {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01,
                                                       0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20};

enum pair_verdict { PAIR_MATCHES, PAIR_DIFFERS, PAIR_NOT_SIGNED, PAIR_NO_PSS, PAIR_FAILED };

static enum pair_verdict prove_rsa_pkcs1(struct pkcs11_token *token, const byte *digest, RsaKey *key) {
  byte info[PREFIX_LENGTH + DIGEST_LENGTH];
  byte signature[PKCS11_SIGNATURE_CAPACITY];
  byte recovered[PKCS11_SIGNATURE_CAPACITY];
  word32 length = (word32)sizeof(signature);
  int result;

  memcpy(info, digest_info_prefix, PREFIX_LENGTH);
  memcpy(info + PREFIX_LENGTH, digest, DIGEST_LENGTH);
  if (sign(token, PKCS11_SIGNATURE_RSA_PKCS1, info, (word32)sizeof(info), signature, &length) != 0) {
    return PAIR_NOT_SIGNED;
  }
  result = wc_RsaSSL_Verify(signature, length, recovered, (word32)sizeof(recovered), key);
  if (result == MEMORY_E) {
    return PAIR_FAILED;
  }
  return result == (int)sizeof(info) && memcmp(recovered, info, sizeof(info)) == 0 ? PAIR_MATCHES : PAIR_DIFFERS;
}

static enum pair_verdict prove_rsa_pss(struct pkcs11_token *token, const byte *digest, RsaKey *key) {
  byte signature[PKCS11_SIGNATURE_CAPACITY];
  byte recovered[PKCS11_SIGNATURE_CAPACITY];
  word32 length = (word32)sizeof(signature);
  int result;

  if (sign(token, PKCS11_SIGNATURE_RSA_PSS, digest, DIGEST_LENGTH, signature, &length) != 0) {
    return PAIR_NO_PSS;
  }
  result = wc_RsaPSS_VerifyCheck(signature, length, recovered, (word32)sizeof(recovered), digest, DIGEST_LENGTH,
                                 WC_HASH_TYPE_SHA256, WC_MGF1SHA256, key);
  if (result == MEMORY_E) {
    return PAIR_FAILED;
  }
  return result > 0 ? PAIR_MATCHES : PAIR_DIFFERS;
}

static enum pair_verdict prove_rsa(struct pkcs11_token *token, const byte *digest, const struct certificate *leaf) {
  enum pair_verdict verdict = PAIR_FAILED;
  union rsa_key_room public_key;
  word32 index = 0;

  if (wc_InitRsaKey(&public_key.key, NULL) != 0) {
    return PAIR_FAILED;
  }
  if (wc_RsaPublicKeyDecode(leaf->public_key.bytes, &index, &public_key.key, (word32)leaf->public_key.length) == 0) {
    verdict = prove_rsa_pkcs1(token, digest, &public_key.key);
    if (verdict == PAIR_MATCHES) {
      verdict = prove_rsa_pss(token, digest, &public_key.key);
    }
  }
  wc_FreeRsaKey(&public_key.key);
  return verdict;
}

static enum pair_verdict prove_ec(struct pkcs11_token *token, const byte *digest, const struct certificate *leaf) {
  enum pair_verdict verdict = PAIR_FAILED;
  union ec_key_room public_key;
  byte signature[PKCS11_SIGNATURE_CAPACITY];
  word32 length = (word32)sizeof(signature);
  word32 index = 0;
  int verified = 0;
  int result;

  if (wc_ecc_init(&public_key.key) != 0) {
    return PAIR_FAILED;
  }
  if (wc_EccPublicKeyDecode(leaf->public_key.bytes, &index, &public_key.key, (word32)leaf->public_key.length) != 0) {
    goto cleanup;
  }
  if (sign_ecdsa(NULL, digest, DIGEST_LENGTH, signature, &length, NULL, 0, token) != 0) {
    verdict = PAIR_NOT_SIGNED;
    goto cleanup;
  }
  result = wc_ecc_verify_hash(signature, length, digest, DIGEST_LENGTH, &verified, &public_key.key);
  if (result != MEMORY_E) {
    verdict = result == 0 && verified == 1 ? PAIR_MATCHES : PAIR_DIFFERS;
  }
cleanup:
  wc_ecc_free(&public_key.key);
  point_cache_release();
  return verdict;
}

amqp_wolfssl_code_t token_signature_check(struct pkcs11_token *token, const struct certificate *leaf,
                                          const char *origin, amqp_wolfssl_error_t *error) {
  enum pair_verdict verdict = PAIR_FAILED;
  byte digest[DIGEST_LENGTH];

  if (wc_Sha256Hash(pair_message, (word32)sizeof(pair_message), digest) == 0) {
    verdict = leaf->key_kind == CERTIFICATE_KEY_RSA ? prove_rsa(token, digest, leaf) : prove_ec(token, digest, leaf);
  }
  switch (verdict) {
    case PAIR_MATCHES:
      return AMQP_WOLFSSL_OK;
    case PAIR_DIFFERS:
      return error_configure(
          error, AMQP_WOLFSSL_ERROR_KEY_MISMATCH,
          "the private key %s does not belong to the certificate in %s; use the key that the certificate was issued "
          "for",
          pkcs11_token_name(token), origin);
    case PAIR_NOT_SIGNED:
      return error_configure(error, AMQP_WOLFSSL_ERROR_TOKEN_FAILED, "the token can't sign with the private key %s: %s",
                             pkcs11_token_name(token), pkcs11_token_failure(token));
    case PAIR_NO_PSS:
      return error_configure(
          error, AMQP_WOLFSSL_ERROR_TOKEN_FAILED,
          "the token can't sign with the private key %s using RSA-PSS (CKM_RSA_PKCS_PSS), which TLS 1.3 requires: %s; "
          "use a token that can, or an EC key",
          pkcs11_token_name(token), pkcs11_token_failure(token));
    case PAIR_FAILED:
      break;
  }
  return error_configure(
      error, AMQP_WOLFSSL_ERROR_LIBRARY_FAILED,
      "wolfSSL could not check that the key %s belongs to the certificate in %s (it may be out of memory)",
      pkcs11_token_name(token), origin);
}

#endif
