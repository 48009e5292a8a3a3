/* SPDX-License-Identifier: MIT */
/*
 * <wolfssl/wolfcrypt/fips.h> of the test double, which stands in for wolfSSL's FIPS module: not a FIPS module. As the
 * real one, it puts the module's services under names of their own, so that whoever calls them asks the module first.
 */
#ifndef WOLF_CRYPT_FIPS_H
#define WOLF_CRYPT_FIPS_H

#include <wolfssl/wolfcrypt/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum wc_KeyType { WC_KEYTYPE_ALL = 0 };

WOLFSSL_API const char *wolfCrypt_GetVersion_fips(void);
WOLFSSL_API int wolfCrypt_SetPrivateKeyReadEnable_fips(int enable, enum wc_KeyType type);
WOLFSSL_API int wolfCrypt_GetPrivateKeyReadEnable_fips(enum wc_KeyType type);

#ifdef __cplusplus
}
#endif

/* Of the services, those that a TLS client uses. */
#ifndef FIPS_NO_WRAPPERS
#define wc_AesGcmSetKey wc_AesGcmSetKey_fips
#define wc_AesGcmEncrypt wc_AesGcmEncrypt_fips
#define wc_AesGcmEncrypt_ex wc_AesGcmEncrypt_ex_fips
#define wc_AesGcmDecrypt wc_AesGcmDecrypt_fips
#define wc_InitRng wc_InitRng_fips
#define wc_InitRng_ex wc_InitRng_ex_fips
#define wc_RNG_GenerateBlock wc_RNG_GenerateBlock_fips
#define wc_ecc_make_key_ex wc_ecc_make_key_ex_fips
#define wc_ecc_shared_secret wc_ecc_shared_secret_fips
#define wc_ecc_sign_hash wc_ecc_sign_hash_fips
#define wc_ecc_verify_hash wc_ecc_verify_hash_fips
#define wc_RsaSSL_Sign wc_RsaSSL_Sign_fips
#define wc_RsaSSL_VerifyInline wc_RsaSSL_VerifyInline_fips
#define wc_RsaPSS_Sign wc_RsaPSS_Sign_fips
#define wc_RsaPSS_VerifyInline wc_RsaPSS_VerifyInline_fips
#define wc_PRF_TLS wc_PRF_TLS_fips
#define wc_Tls13_HKDF_Expand_Label wc_Tls13_HKDF_Expand_Label_fips
#if FIPS_VERSION_GE(5, 3)
#define wc_Tls13_HKDF_Expand_Label_ex wc_Tls13_HKDF_Expand_Label_ex_fips
#endif
#endif

#endif
