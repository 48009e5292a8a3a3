# SPDX-License-Identifier: MIT
#
# SYNOPSIS
#
#   AMQP_WITH_TLS([DEFAULT])
#
# DESCRIPTION
#
#   For the configure.ac of an application that is written for rabbitmq-c: lets whoever builds it choose what carries
#   AMQP over TLS, with no change to the application, which includes rabbitmq-c's own header for TLS
#   (<amqp_ssl_socket.h>, since rabbitmq-c 0.12 also <rabbitmq-c/ssl_socket.h>) and calls amqp_ssl_socket_new() and its
#   kin.
#
#     --with-amqp-tls=wolfssl   wolfSSL: librabbitmq-wolfssl-compat
#     --with-amqp-tls=openssl   OpenSSL: a librabbitmq that was built with it
#     --with-amqp-tls=no        librabbitmq and no TLS
#
#   Without the option it is DEFAULT, one of these three words, or else wolfssl. What was chosen, by option or by
#   default, either can be had or ends configure with an error that says what is missing: another one is never taken
#   instead.
#
#   Sets and substitutes
#
#     AMQP_TLS          wolfssl, openssl or no
#     AMQP_TLS_CFLAGS   what pkg-config says for the compiler
#     AMQP_TLS_LIBS     what pkg-config says for the linker, librabbitmq included. If -lrabbitmq is given a second time,
#                       it must come after these: the first library that has amqp_ssl_socket_new() wins.
#
#   defines AMQP_TLS_WOLFSSL or AMQP_TLS_OPENSSL to 1, and makes the Automake conditionals AMQP_TLS_WOLFSSL and
#   AMQP_TLS_OPENSSL.
#
#   Libraries in folders of their own are found through PKG_CONFIG_PATH. AMQP_TLS_CFLAGS and AMQP_TLS_LIBS, set for
#   configure, are taken instead of pkg-config's words.
#
# EXAMPLE
#
#   configure.ac:
#     AMQP_WITH_TLS
#     AS_IF([test "$AMQP_TLS" = no], [AC_MSG_WARN([built without TLS])])
#
#   Makefile.am:
#     AM_CFLAGS = $(AMQP_TLS_CFLAGS)
#     program_LDADD = $(AMQP_TLS_LIBS)

#serial 1

AC_DEFUN([AMQP_WITH_TLS], [
  AC_REQUIRE([PKG_PROG_PKG_CONFIG])
  m4_case(m4_default_quoted([$1], [wolfssl]), [wolfssl], [], [openssl], [], [no], [],
    [m4_fatal([$0: the default is wolfssl, openssl or no, not "$1"])])
  AC_ARG_WITH([amqp-tls],
    [AS_HELP_STRING([--with-amqp-tls=wolfssl|openssl|no],
      [what carries AMQP over TLS (default: ]m4_default_quoted([$1], [wolfssl])[); what can't be had is an error])],
    [AMQP_TLS=$withval], [AMQP_TLS=m4_default_quoted([$1], [wolfssl])])
  AS_CASE([$AMQP_TLS],
    [wolfssl], [amqp_tls_module=librabbitmq-wolfssl-compat
      amqp_tls_remedy='install librabbitmq-wolfssl'],
    [openssl], [amqp_tls_module=librabbitmq
      amqp_tls_remedy='install rabbitmq-c, built with OpenSSL (Debian: librabbitmq-dev)'],
    [no], [amqp_tls_module=librabbitmq
      amqp_tls_remedy='install rabbitmq-c (Debian: librabbitmq-dev)'],
    [AC_MSG_ERROR([--with-amqp-tls is wolfssl, openssl or no, not "$AMQP_TLS"])])
  AS_VAR_APPEND([amqp_tls_remedy], [', or name its folder of .pc files in PKG_CONFIG_PATH, or choose another'])

  AC_MSG_CHECKING([what carries AMQP over TLS])
  AC_MSG_RESULT([$AMQP_TLS])
  PKG_CHECK_MODULES([AMQP_TLS], [$amqp_tls_module], [], [
    AC_MSG_ERROR([--with-amqp-tls=$AMQP_TLS needs $amqp_tls_module:
  $amqp_tls_remedy (--with-amqp-tls=wolfssl, openssl or no).
  pkg-config said: $AMQP_TLS_PKG_ERRORS])])
  # Both libraries may have the same functions: the one named first answers.
  AS_CASE([" $AMQP_TLS_LIBS "],
    [*" -lrabbitmq "*rabbitmq-wolfssl-compat*|*/librabbitmq.*rabbitmq-wolfssl-compat*], [amqp_tls_first=rabbitmq],
    [*rabbitmq-wolfssl-compat*], [amqp_tls_first=wolfssl],
    [amqp_tls_first=rabbitmq])
  AS_CASE([$AMQP_TLS:$amqp_tls_first],
    [wolfssl:rabbitmq], [AC_MSG_ERROR(m4_normalize([--with-amqp-tls=wolfssl, but AMQP_TLS_LIBS ($AMQP_TLS_LIBS) does not
      name librabbitmq-wolfssl-compat, or names librabbitmq before it]))],
    [openssl:wolfssl|no:wolfssl], [AC_MSG_ERROR(m4_normalize([--with-amqp-tls=$AMQP_TLS, but AMQP_TLS_LIBS
      ($AMQP_TLS_LIBS) names librabbitmq-wolfssl-compat]))])

  AC_LANG_PUSH([C])
  amqp_tls_saved_CPPFLAGS=$CPPFLAGS
  amqp_tls_saved_LIBS=$LIBS
  CPPFLAGS="$CPPFLAGS $AMQP_TLS_CFLAGS"
  LIBS="$AMQP_TLS_LIBS $LIBS"
  AS_IF([test "$AMQP_TLS" = no], [
    AC_MSG_CHECKING([whether a program can use librabbitmq])
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[
#include <stddef.h>
#if defined __has_include
#if __has_include(<rabbitmq-c/amqp.h>)
#include <rabbitmq-c/amqp.h>
#else
#include <amqp.h>
#endif
#else
#include <amqp.h>
#endif]], [return amqp_new_connection() == NULL;])], [amqp_tls_links=yes], [amqp_tls_links=no])
  ], [
    AC_MSG_CHECKING([whether a program can use amqp_ssl_socket_new of $amqp_tls_module])
    # rabbitmq-c's old header names warn since 0.12.
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[
#include <stddef.h>
#if defined __has_include
#if __has_include(<rabbitmq-c/ssl_socket.h>)
#include <rabbitmq-c/ssl_socket.h>
#else
#include <amqp_ssl_socket.h>
#endif
#else
#include <amqp_ssl_socket.h>
#endif]], [return amqp_ssl_socket_new(NULL) == NULL;])], [amqp_tls_links=yes], [amqp_tls_links=no])
  ])
  AC_MSG_RESULT([$amqp_tls_links])
  CPPFLAGS=$amqp_tls_saved_CPPFLAGS
  LIBS=$amqp_tls_saved_LIBS
  AC_LANG_POP([C])
  AS_IF([test "$amqp_tls_links" = no], [
    AC_MSG_ERROR([--with-amqp-tls=$AMQP_TLS: pkg-config knows $amqp_tls_module, but a program that needs it does
  not compile and link (config.log says why; a librabbitmq built without OpenSSL has no amqp_ssl_socket_new):
  $amqp_tls_remedy (--with-amqp-tls=wolfssl, openssl or no).])
  ])

  AS_CASE([$AMQP_TLS],
    [wolfssl], [AC_DEFINE([AMQP_TLS_WOLFSSL], [1], [Define to 1 if wolfSSL carries AMQP over TLS.])],
    [openssl], [AC_DEFINE([AMQP_TLS_OPENSSL], [1], [Define to 1 if OpenSSL carries AMQP over TLS.])])
  AM_CONDITIONAL([AMQP_TLS_WOLFSSL], [test "$AMQP_TLS" = wolfssl])
  AM_CONDITIONAL([AMQP_TLS_OPENSSL], [test "$AMQP_TLS" = openssl])
  AC_SUBST([AMQP_TLS])
])
