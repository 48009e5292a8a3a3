/* SPDX-License-Identifier: MIT */
/*
 * A test double of wolfSSL's FIPS module, whose source is not public. It is NOT a FIPS module: it checks nothing, and
 * its self tests test nothing. It answers as the module's public headers and manual say the module does, and fails
 * where a test wants it to (fips_test_double.h), so that the library can be tested where the real one would fail.
 * scripts/build-wolfssl --fips-test-double puts it into a wolfSSL as wolfcrypt/src/fips.c; --fips-140-2-test-double
 * does so with FIPS_TEST_DOUBLE_OF_140_2.
 */
#ifdef HAVE_CONFIG_H
#include <config.h>
#endif
/* The services themselves, not the names they go by outside. */
#define FIPS_NO_WRAPPERS
#include <wolfssl/wolfcrypt/settings.h>

#include <wolfssl/wolfcrypt/aes.h>
#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/error-crypt.h>
#include <wolfssl/wolfcrypt/fips.h>
#include <wolfssl/wolfcrypt/fips_test.h>
#include <wolfssl/wolfcrypt/kdf.h>
#include <wolfssl/wolfcrypt/random.h>
#include <wolfssl/wolfcrypt/rsa.h>

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fips_test_double.h"

static _Atomic(wolfCrypt_fips_cb) callback;
static atomic_int status;
static atomic_int mode = FIPS_MODE_NORMAL;
static atomic_int cast_state[FIPS_TEST_DOUBLE_CASTS]; /* FIPS_CAST_STATE_INIT */
static atomic_int cast_runs[FIPS_TEST_DOUBLE_CASTS];
static atomic_int cast_fails[FIPS_TEST_DOUBLE_CASTS];
static atomic_int uses_left[FIPS_TEST_DOUBLE_CASTS]; /* until one fails; 0: none is to fail */
static atomic_int starts_to_fail;
static atomic_int start_error;
static atomic_int casts_running;
static atomic_int started_without_callback;
static atomic_int used_before_casts;

/* Written before there are threads. A module of 140-2 that --enable-fips=v2 is for reports 4.something. */
#ifdef FIPS_TEST_DOUBLE_OF_140_2
static char version[FIPS_TEST_DOUBLE_VERSION_SIZE] = FIPS_TEST_DOUBLE_VERSION_4;
#else
static char version[FIPS_TEST_DOUBLE_VERSION_SIZE] = FIPS_TEST_DOUBLE_VERSION_5;
#endif

/* What each self test answers when it fails: enum FipsCastId's order. */
static const int cast_errors[FIPS_TEST_DOUBLE_CASTS] = {
    AES_KAT_FIPS_E,  AESGCM_KAT_FIPS_E, HMAC_KAT_FIPS_E,      HMAC_KAT_FIPS_E,      HMAC_KAT_FIPS_E,
    HMAC_KAT_FIPS_E, DRBG_KAT_FIPS_E,   RSA_KAT_FIPS_E,       ECC_CDH_KAT_FIPS_E,   ECDHE_KAT_FIPS_E,
    DH_KAT_FIPS_E,   ECDSA_KAT_FIPS_E,  KDF_TLS12_KAT_FIPS_E, KDF_TLS13_KAT_FIPS_E, KDF_SSH_KAT_FIPS_E,
};

static void report(int error) {
  wolfCrypt_fips_cb told = atomic_load(&callback);

  if (told != NULL) {
    told(0, error, "");
  }
}

static void degrade(int cast) {
  int normal = 0;

  atomic_store(&cast_state[cast], FIPS_CAST_STATE_FAILURE);
  if (atomic_compare_exchange_strong(&status, &normal, FIPS_DEGRADED_E)) {
    atomic_store(&mode, FIPS_MODE_DEGRADED);
  }
}

/* ---- Steering ---- */

void fips_test_double_fail_integrity(void) {
  atomic_store(&status, IN_CORE_FIPS_E);
  atomic_store(&mode, FIPS_MODE_FAILED);
  report(IN_CORE_FIPS_E);
}

void fips_test_double_fail_cast(int cast) { atomic_store(&cast_fails[cast], 1); }

void fips_test_double_fail_later(int cast) {
  degrade(cast);
  report(cast_errors[cast]);
}

void fips_test_double_fail_at_use(int cast, int uses) { atomic_store(&uses_left[cast], uses); }

void fips_test_double_set_version(const char *text) { (void)snprintf(version, sizeof(version), "%s", text); }

void fips_test_double_set_state(int new_status, int new_mode) {
  atomic_store(&status, new_status);
  atomic_store(&mode, new_mode);
}

void fips_test_double_fail_starts(int times, int wolfssl_code) {
  atomic_store(&start_error, wolfssl_code);
  atomic_store(&starts_to_fail, times);
}

int fips_test_double_cast_runs(int cast) { return atomic_load(&cast_runs[cast]); }

int fips_test_double_started_without_callback(void) { return atomic_load(&started_without_callback); }

int fips_test_double_used_before_casts(void) { return atomic_load(&used_before_casts); }

/* The real module checks itself when it is loaded. */
__attribute__((constructor)) static void load(void) {
  const char *how = getenv("FIPS_TEST_DOUBLE");

  if (how != NULL && strcmp(how, "integrity") == 0) {
    fips_test_double_fail_integrity();
  } else if (how != NULL && strncmp(how, "version=", 8) == 0) {
    fips_test_double_set_version(how + 8);
  } else if (how != NULL && strncmp(how, "cast=", 5) == 0) {
    int cast = atoi(how + 5);

    if (cast >= 0 && cast < FIPS_TEST_DOUBLE_CASTS) {
      fips_test_double_fail_cast(cast);
    }
  }
}

/* ---- What fips_test.h and fips.h declare ---- */

const char *wolfCrypt_GetVersion_fips(void) { return version; }

int wolfCrypt_SetCb_fips(wolfCrypt_fips_cb cbf) {
  atomic_store(&callback, cbf);
  return 0;
}

int wolfCrypt_GetStatus_fips(void) { return atomic_load(&status); }

int wolfCrypt_GetMode_fips(void) { return atomic_load(&mode); }

const char *wolfCrypt_GetCoreHash_fips(void) { return ""; }

const char *wolfCrypt_GetRawComputedHash_fips(void) { return ""; }

/* The first thing that wolfSSL_Init() calls. */
int wolfCrypt_SetPrivateKeyReadEnable_fips(int enable, enum wc_KeyType type) {
  (void)type;
  if (atomic_load(&callback) == NULL) {
    atomic_store(&started_without_callback, 1);
  }
  if (enable && atomic_load(&starts_to_fail) > 0) {
    atomic_fetch_sub(&starts_to_fail, 1);
    return atomic_load(&start_error);
  }
  return 0;
}

int wolfCrypt_GetPrivateKeyReadEnable_fips(enum wc_KeyType type) {
  (void)type;
  return 1;
}

int wc_GetCastStatus_fips(int type) {
  return type >= 0 && type < FIPS_TEST_DOUBLE_CASTS ? atomic_load(&cast_state[type]) : BAD_FUNC_ARG;
}

int wc_RunCast_fips(int type) {
  int failed;

  if (type < 0 || type >= FIPS_TEST_DOUBLE_CASTS) {
    return BAD_FUNC_ARG;
  }
  if (atomic_load(&mode) == FIPS_MODE_FAILED) {
    return FIPS_NOT_ALLOWED_E;
  }
  failed = atomic_load(&cast_fails[type]);
  atomic_fetch_add(&cast_runs[type], 1);
  atomic_store(&cast_state[type], FIPS_CAST_STATE_PROCESSING);
  /* Two threads at once in the self tests can degrade the real module. */
  failed |= atomic_fetch_add(&casts_running, 1) != 0;
  (void)sched_yield();
  atomic_fetch_sub(&casts_running, 1);
  if (failed) {
    degrade(type);
    report(cast_errors[type]);
    return cast_errors[type];
  }
  atomic_store(&cast_state[type], FIPS_CAST_STATE_SUCCESS);
  return 0;
}

int wc_RunAllCast_fips(void) {
  int first = 0;

  for (int cast = 0; cast < FIPS_TEST_DOUBLE_CASTS; cast++) {
    int result = wc_RunCast_fips(cast);

    first = first == 0 ? result : first;
  }
  return first;
}

/* ---- Services ---- */

/* Whether the module lets a service be used; its self test is run before the first use. */
static int allow(int cast) {
  if (atomic_load(&mode) == FIPS_MODE_FAILED) {
    return FIPS_NOT_ALLOWED_E;
  }
  if (atomic_load(&uses_left[cast]) > 0 && atomic_fetch_sub(&uses_left[cast], 1) == 1) {
    fips_test_double_fail_later(cast);
  }
  switch (atomic_load(&cast_state[cast])) {
    case FIPS_CAST_STATE_SUCCESS:
      return 0;
    case FIPS_CAST_STATE_FAILURE:
      return FIPS_NOT_ALLOWED_E;
    default:
      atomic_store(&used_before_casts, 1);
      return wc_RunCast_fips(cast) == 0 ? 0 : FIPS_NOT_ALLOWED_E;
  }
}

/* SERVICE(NAME, CAST, PARAMETERS, ARGUMENTS) */
#define SERVICE(name, cast, parameters, arguments)  \
  WOLFSSL_API int name##_fips parameters;           \
  int name##_fips parameters {                      \
    int refused = allow(cast);                      \
                                                    \
    return refused != 0 ? refused : name arguments; \
  }

SERVICE(wc_AesGcmSetKey, FIPS_CAST_AES_GCM, (Aes * aes, const byte *key, word32 len), (aes, key, len))
SERVICE(wc_AesGcmEncrypt, FIPS_CAST_AES_GCM,
        (Aes * aes, byte *out, const byte *in, word32 sz, const byte *iv, word32 ivSz, byte *tag, word32 tagSz,
         const byte *authIn, word32 authInSz),
        (aes, out, in, sz, iv, ivSz, tag, tagSz, authIn, authInSz))
SERVICE(wc_AesGcmEncrypt_ex, FIPS_CAST_AES_GCM,
        (Aes * aes, byte *out, const byte *in, word32 sz, byte *iv, word32 ivSz, byte *tag, word32 tagSz,
         const byte *authIn, word32 authInSz),
        (aes, out, in, sz, iv, ivSz, tag, tagSz, authIn, authInSz))
SERVICE(wc_AesGcmDecrypt, FIPS_CAST_AES_GCM,
        (Aes * aes, byte *out, const byte *in, word32 sz, const byte *iv, word32 ivSz, const byte *tag, word32 tagSz,
         const byte *authIn, word32 authInSz),
        (aes, out, in, sz, iv, ivSz, tag, tagSz, authIn, authInSz))
SERVICE(wc_InitRng, FIPS_CAST_DRBG, (WC_RNG * rng), (rng))
SERVICE(wc_InitRng_ex, FIPS_CAST_DRBG, (WC_RNG * rng, void *heap, int devId), (rng, heap, devId))
SERVICE(wc_RNG_GenerateBlock, FIPS_CAST_DRBG, (WC_RNG * rng, byte *out, word32 sz), (rng, out, sz))
SERVICE(wc_ecc_make_key_ex, FIPS_CAST_ECC_CDH, (WC_RNG * rng, int size, ecc_key *key, int curve),
        (rng, size, key, curve))
SERVICE(wc_ecc_shared_secret, FIPS_CAST_ECC_CDH, (ecc_key * own, ecc_key *peer, byte *out, word32 *outLen),
        (own, peer, out, outLen))
SERVICE(wc_ecc_sign_hash, FIPS_CAST_ECDSA,
        (const byte *in, word32 inLen, byte *out, word32 *outLen, WC_RNG *rng, ecc_key *key),
        (in, inLen, out, outLen, rng, key))
SERVICE(wc_ecc_verify_hash, FIPS_CAST_ECDSA,
        (const byte *sig, word32 sigLen, const byte *hash, word32 hashLen, int *res, ecc_key *key),
        (sig, sigLen, hash, hashLen, res, key))
SERVICE(wc_RsaSSL_Sign, FIPS_CAST_RSA_SIGN_PKCS1v15,
        (const byte *in, word32 inLen, byte *out, word32 outLen, RsaKey *key, WC_RNG *rng),
        (in, inLen, out, outLen, key, rng))
SERVICE(wc_RsaSSL_VerifyInline, FIPS_CAST_RSA_SIGN_PKCS1v15, (byte * in, word32 inLen, byte **out, RsaKey *key),
        (in, inLen, out, key))
SERVICE(wc_RsaPSS_Sign, FIPS_CAST_RSA_SIGN_PKCS1v15,
        (const byte *in, word32 inLen, byte *out, word32 outLen, enum wc_HashType hash, int mgf, RsaKey *key,
         WC_RNG *rng),
        (in, inLen, out, outLen, hash, mgf, key, rng))
SERVICE(wc_RsaPSS_VerifyInline, FIPS_CAST_RSA_SIGN_PKCS1v15,
        (byte * in, word32 inLen, byte **out, enum wc_HashType hash, int mgf, RsaKey *key),
        (in, inLen, out, hash, mgf, key))
SERVICE(wc_PRF_TLS, FIPS_CAST_KDF_TLS12,
        (byte * digest, word32 digLen, const byte *secret, word32 secLen, const byte *label, word32 labLen,
         const byte *seed, word32 seedLen, int useAtLeastSha256, int hashType, void *heap, int devId),
        (digest, digLen, secret, secLen, label, labLen, seed, seedLen, useAtLeastSha256, hashType, heap, devId))
SERVICE(wc_Tls13_HKDF_Expand_Label, FIPS_CAST_KDF_TLS13,
        (byte * okm, word32 okmLen, const byte *prk, word32 prkLen, const byte *protocol, word32 protocolLen,
         const byte *label, word32 labelLen, const byte *info, word32 infoLen, int digest),
        (okm, okmLen, prk, prkLen, protocol, protocolLen, label, labelLen, info, infoLen, digest))
#if FIPS_VERSION_GE(5, 3)
SERVICE(wc_Tls13_HKDF_Expand_Label_ex, FIPS_CAST_KDF_TLS13,
        (byte * okm, word32 okmLen, const byte *prk, word32 prkLen, const byte *protocol, word32 protocolLen,
         const byte *label, word32 labelLen, const byte *info, word32 infoLen, int digest, void *heap, int devId),
        (okm, okmLen, prk, prkLen, protocol, protocolLen, label, labelLen, info, infoLen, digest, heap, devId))
#endif
