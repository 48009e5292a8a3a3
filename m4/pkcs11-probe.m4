# SPDX-License-Identifier: MIT

# PROJECT_PKCS11(MINIMUM)
# Whether private keys may stay in PKCS 11 tokens: wolfSSL asks for signatures by callbacks, p11-kit finds the token.
# Call it after PROJECT_WOLFSSL. Defines HAVE_PKCS11_TOKENS, or PKCS11_TOKENS_MISSING, the reason in words. Sets and
# substitutes P11_KIT_CFLAGS and P11_KIT_LIBS, and sets P11_KIT_PC and, for the summary, pkcs11_result.
AC_DEFUN([PROJECT_PKCS11], [
  AC_ARG_WITH([pkcs11],
    [AS_HELP_STRING([--with-pkcs11=yes|no|auto],
      [keys in PKCS 11 tokens, with p11-kit (default: auto, when all it needs is there)])],
    [], [with_pkcs11=auto])
  AS_CASE([$with_pkcs11],
    [yes|no|auto], [],
    [AC_MSG_ERROR([--with-pkcs11 is yes, no or auto, not "$with_pkcs11"])])
  P11_KIT_PC=
  pkcs11_missing=
  AS_IF([test "$with_pkcs11" = no], [pkcs11_missing='--with-pkcs11=no'],
    [test "$wolfssl_feature_private_key_callbacks" = no],
    [pkcs11_missing='wolfSSL lacks callbacks for private keys, --enable-pkcallbacks'],
    [PKG_CHECK_MODULES([P11_KIT], [p11-kit-1 >= $1], [P11_KIT_PC=p11-kit-1],
      [pkcs11_missing='p11-kit $1 or newer was not found'])])
  AS_IF([test "$with_pkcs11" = yes && test -n "$pkcs11_missing"],
    [AC_MSG_ERROR(m4_normalize([--with-pkcs11=yes can't be met: $pkcs11_missing; on Debian or Ubuntu:
      apt-get install libp11-kit-dev libwolfssl-dev]))])
  AS_IF([test -z "$pkcs11_missing"], [
    pkcs11_result="yes, p11-kit `$PKG_CONFIG --modversion p11-kit-1`"
    # Our warnings are not about its headers.
    P11_KIT_CFLAGS=`AS_ECHO([" $P11_KIT_CFLAGS"]) | $SED -e 's| -I *| -isystem |g' -e 's|^ *||'`
    AC_DEFINE([HAVE_PKCS11_TOKENS], [1], [Define to 1 if private keys may stay in PKCS 11 tokens.])
  ], [
    pkcs11_result="no ($pkcs11_missing)"
    P11_KIT_CFLAGS=
    P11_KIT_LIBS=
    AC_DEFINE_UNQUOTED([PKCS11_TOKENS_MISSING], ["$pkcs11_missing"], [What was missing for keys in PKCS 11 tokens.])
  ])
  AC_SUBST([P11_KIT_CFLAGS])
  AC_SUBST([P11_KIT_LIBS])
  AM_CONDITIONAL([HAVE_PKCS11_TOKENS], [test -z "$pkcs11_missing"])
])
