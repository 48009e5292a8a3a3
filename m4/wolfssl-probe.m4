# SPDX-License-Identifier: MIT

m4_define([PROJECT_WOLFSSL_HEADERS], [[
#ifdef HAVE_WOLFSSL_OPTIONS_H
#include <wolfssl/options.h>
#endif
#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/ssl.h>
#include <wolfssl/version.h>
#include <wolfssl/wolfcrypt/asn_public.h>
#include <wolfssl/wolfcrypt/memory.h>
#include <wolfssl/wolfcrypt/signature.h>
#ifdef HAVE_FIPS
#include <wolfssl/wolfcrypt/fips.h>
#include <wolfssl/wolfcrypt/fips_test.h>
#endif
]])

# PROJECT_WOLFSSL_NEED(CONDITION, WHAT, REMEDY)
AC_DEFUN([PROJECT_WOLFSSL_NEED], [
  AC_MSG_CHECKING([whether wolfSSL has $2])
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([PROJECT_WOLFSSL_HEADERS
#if !($1)
#error missing
#endif])],
    [AC_MSG_RESULT([yes])],
    [AC_MSG_RESULT([no])
     AC_MSG_ERROR([wolfSSL ($wolfssl_place) without $2 can't work: $3])])
])

# PROJECT_WOLFSSL_FEATURE(NAME, CONDITION, TEXT)
# Sets wolfssl_feature_NAME to yes or no, and defines FEATURE_NAME. A prefix of our own: wolfSSL's options.h defines
# HAVE_CRL and the like itself.
AC_DEFUN([PROJECT_WOLFSSL_FEATURE], [
  AC_MSG_CHECKING([whether wolfSSL has $3])
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([PROJECT_WOLFSSL_HEADERS
#if !($2)
#error missing
#endif])],
    [wolfssl_feature_$1=yes
     AC_DEFINE(AS_TR_CPP([FEATURE_$1]), [1], [Define to 1 if wolfSSL was built with $3.])],
    [wolfssl_feature_$1=no])
  AC_MSG_RESULT([$wolfssl_feature_$1])
])

# PROJECT_WOLFSSL_FUNCTION(FUNCTION, [REMEDY])
# Declared and linkable: wolfSSL's headers declare functions that its library lacks, so a declaration proves nothing,
# and AC_CHECK_FUNCS alone would find functions that the headers hide. With REMEDY the function is required.
AC_DEFUN([PROJECT_WOLFSSL_FUNCTION], [
  AC_CACHE_CHECK([for $1], [project_cv_function_$1], [
    AC_LINK_IFELSE([AC_LANG_PROGRAM([PROJECT_WOLFSSL_HEADERS], [[
        void (*volatile function)(void) = (void (*)(void)) &$1;
        return function == 0;]])],
      [project_cv_function_$1=yes], [project_cv_function_$1=no])
  ])
  AS_IF([test "$project_cv_function_$1" = yes],
    [AC_DEFINE(AS_TR_CPP([HAVE_$1]), [1], [Define to 1 if $1 is declared and links.])],
    [m4_ifnblank([$2], [AC_MSG_ERROR([wolfSSL ($wolfssl_place) without $1() can't work: $2])], [:])])
])

# PROJECT_WOLFSSL(MINIMUM, MINIMUM-HEX)
AC_DEFUN([PROJECT_WOLFSSL], [
  PROJECT_PACKAGE([WOLFSSL], [wolfssl], [wolfssl], [$1], [wolfssl], [wolfssl/ssl.h],
    [on Debian or Ubuntu: apt-get install libwolfssl-dev])
  PROJECT_WITH_LIBRARY([WOLFSSL], [
    AC_CHECK_HEADERS([wolfssl/options.h], [], [], [/* nothing before it */])
    AS_IF([test -n "$wolfssl_prefix" && test "$ac_cv_header_wolfssl_options_h" = yes &&
        test ! -e "$wolfssl_prefix/include/wolfssl/options.h"],
      [AC_MSG_ERROR(m4_normalize([$wolfssl_prefix has no wolfssl/options.h, so the compiler takes that of another
        wolfSSL, built in another way; copy it there from where that one was built (--enable-distro does not install
        it)]))])
    AC_MSG_CHECKING([whether a program can use wolfSSL])
    AC_LINK_IFELSE([AC_LANG_PROGRAM([PROJECT_WOLFSSL_HEADERS], [return wolfSSL_Init() != WOLFSSL_SUCCESS;])],
      [AC_MSG_RESULT([yes])],
      [AC_MSG_RESULT([no])
       AC_MSG_ERROR(m4_normalize([wolfSSL ($wolfssl_place) is there, but a program that calls it does not compile and
         link (config.log says why); on Debian or Ubuntu: apt-get install --reinstall libwolfssl-dev]))])
    PROJECT_WOLFSSL_NEED([LIBWOLFSSL_VERSION_HEX >= $2], [version $1 or newer],
      [its headers are older; install libwolfssl-dev $1 or newer])

    AC_MSG_CHECKING([wolfSSL's version])
    wolfssl_found_version=unknown
    AC_RUN_IFELSE([AC_LANG_PROGRAM([PROJECT_WOLFSSL_HEADERS
#include <stdio.h>], [[
        FILE *file = fopen("conftest.version", "w");
        if (file == NULL || wolfSSL_Init() != WOLFSSL_SUCCESS)
          return 1;
        fprintf(file, "%s\n", wolfSSL_lib_version());
        fclose(file);
        /* Headers of one version over the library of another go wrong in ways nobody can find. */
        return wolfSSL_lib_version_hex() == LIBWOLFSSL_VERSION_HEX ? 0 : 2;]])],
      [wolfssl_found_version=`cat conftest.version`
       AC_MSG_RESULT([$wolfssl_found_version])],
      [AC_MSG_RESULT([failed])
       AS_IF([test -s conftest.version], [wolfssl_found_version=`cat conftest.version`])
       rm -f conftest.version
       AS_IF([test "$wolfssl_found_version" != unknown],
         [AC_MSG_ERROR(m4_normalize([wolfSSL's headers ($wolfssl_place) and the library that a program gets at run time
           (version $wolfssl_found_version) are of different versions; give --with-wolfssl=PREFIX or remove one]))],
         [AC_MSG_ERROR(m4_normalize([a program linked with wolfSSL ($wolfssl_place) does not run; is its folder known to
           the run-time linker? Try --with-wolfssl=PREFIX, or ldconfig]))])],
      [AC_MSG_RESULT([not asked: cross compiling])
       wolfssl_found_version="`test -z "$WOLFSSL_PC" || $PKG_CONFIG --modversion $WOLFSSL_PC 2>/dev/null` (not run)"
       AC_MSG_NOTICE([cross compiling: wolfSSL was linked but not run])])
    rm -f conftest.version

    PROJECT_WOLFSSL_NEED([defined(WOLFSSL_TLS13)], [TLS 1.3], [rebuild it with --enable-tls13])
    PROJECT_WOLFSSL_NEED([!defined(WOLFSSL_NO_TLS12)], [TLS 1.2], [rebuild it without --disable-tlsv12])
    PROJECT_WOLFSSL_NEED([defined(HAVE_ECC)], [elliptic curves], [rebuild it with --enable-ecc])
    PROJECT_WOLFSSL_NEED([defined(HAVE_AESGCM)], [AES-GCM], [rebuild it with --enable-aesgcm])
    PROJECT_WOLFSSL_NEED([!defined(NO_RSA)], [RSA], [rebuild it without --disable-rsa])
    PROJECT_WOLFSSL_NEED([!defined(SINGLE_THREADED)], [thread support], [rebuild it without --enable-singlethreaded])

    PROJECT_WOLFSSL_FUNCTION([wolfSSL_CertManagerSetVerify], [rebuild it without NO_WOLFSSL_CM_VERIFY])
    PROJECT_WOLFSSL_FUNCTION([wolfSSL_CTX_GetCertManager], [rebuild it without NO_CERTS])
    PROJECT_WOLFSSL_FUNCTION([wolfSSL_CTX_load_verify_buffer], [rebuild it without NO_CERTS])
    PROJECT_WOLFSSL_FUNCTION([wc_SignatureVerify], [rebuild it without NO_SIG_WRAPPER])
    PROJECT_WOLFSSL_FUNCTION([wolfSSL_CTX_set_groups], [rebuild it with --enable-supportedcurves])
    PROJECT_WOLFSSL_FUNCTION([wolfSSL_CTX_UseSupportedCurve], [rebuild it with --enable-supportedcurves])
    m4_foreach_w([PROJECT_NAME], [
        wolfSSL_UseSNI
        wolfSSL_get_system_CA_dirs
        wolfSSL_CTX_set_cipher_list_bytes
        wolfSSL_CTX_set1_sigalgs_list
        wolfSSL_CTX_SetEchEnable
        wolfSSL_CTX_only_dhe_psk
        wolfSSL_CTX_AllowEncryptThenMac
        wolfSSL_CTX_Unload_trust_peers
        wolfSSL_UseOCSPStapling
        wolfSSL_CTX_set_ocsp_status_verify_cb
        wolfSSL_set_msg_callback
      ], [PROJECT_WOLFSSL_FUNCTION(PROJECT_NAME)])
    # Trusted peers that can't be unloaded would let anybody pass for the broker: src/tls/tls_context.c says how.
    AS_IF([test "$project_cv_function_wolfSSL_CTX_Unload_trust_peers" != yes], [
      PROJECT_WOLFSSL_NEED([!defined(WOLFSSL_TRUST_PEER_CERT)], [a way to unload trusted peers, or none of them],
        [rebuild it without WOLFSSL_TRUST_PEER_CERT])])

    PROJECT_WOLFSSL_FEATURE([fips], [defined(HAVE_FIPS)], [the FIPS module])
    PROJECT_WOLFSSL_FEATURE([hardware_aes], m4_normalize([defined(WOLFSSL_AESNI) || defined(USE_INTEL_SPEEDUP) ||
      (defined(WOLFSSL_ARMASM) && !defined(WOLFSSL_ARMASM_NO_HW_CRYPTO))]), [hardware AES])
    PROJECT_WOLFSSL_FEATURE([extended_master_secret], [defined(HAVE_EXTENDED_MASTER)], [the extended master secret])
    PROJECT_WOLFSSL_FEATURE([encrypted_keys], [defined(WOLFSSL_ENCRYPTED_KEYS)], [encrypted private keys])
    PROJECT_WOLFSSL_FEATURE([curve25519], [defined(HAVE_CURVE25519) && defined(HAVE_ED25519)], [X25519 and Ed25519])
    # From the version on that policy.c takes.
    PROJECT_WOLFSSL_FEATURE([hybrid_groups], [defined(WOLFSSL_HAVE_MLKEM) && LIBWOLFSSL_VERSION_HEX >= 0x05009002],
      [hybrid groups with ML-KEM])
    # Not HAVE_PKCS11: wolfSSL's own PKCS 11 is not used (src/identity/pkcs11_token.c says why).
    PROJECT_WOLFSSL_FEATURE([private_key_callbacks],
      [defined(HAVE_PK_CALLBACKS) && defined(WOLF_PRIVATE_KEY_ID) && defined(WC_RSA_PSS)],
      [callbacks for private keys])
    # These hang on a function that must link.
    PROJECT_WOLFSSL_FEATURE_BY_FUNCTION([sni], [wolfSSL_UseSNI], [SNI])
    PROJECT_WOLFSSL_FEATURE_BY_FUNCTION([ocsp_stapling], [wolfSSL_UseOCSPStapling], [OCSP stapling])
    PROJECT_WOLFSSL_FEATURE_BY_FUNCTION([system_ca], [wolfSSL_get_system_CA_dirs], [the system's CA certificates])
    PROJECT_WOLFSSL_FEATURE_BY_FUNCTION([signature_algorithms], [wolfSSL_CTX_set1_sigalgs_list],
      [lists of signature algorithms])
    PROJECT_FIPS_MODULE
  ])
])

# PROJECT_WOLFSSL_FEATURE_BY_FUNCTION(NAME, FUNCTION, TEXT)
AC_DEFUN([PROJECT_WOLFSSL_FEATURE_BY_FUNCTION], [
  wolfssl_feature_$1=$project_cv_function_$2
  AS_IF([test "$wolfssl_feature_$1" = yes],
    [AC_DEFINE(AS_TR_CPP([FEATURE_$1]), [1], [Define to 1 if wolfSSL was built with $3.])])
])
