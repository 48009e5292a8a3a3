# SPDX-License-Identifier: MIT

# PROJECT_FIPS_MODULE
# Inside PROJECT_WOLFSSL, once the features are known: what the FIPS module of this wolfSSL is, and whether that is what
# --with-fips asks for. Sets fips_module_result for the summary.
AC_DEFUN([PROJECT_FIPS_MODULE], [
  AC_ARG_WITH([fips],
    [AS_HELP_STRING([--with-fips=required|required-140-2|auto|no],
      [required: only a wolfSSL with the FIPS module, of version 5 or later (FIPS 140-3), in normal mode;
       required-140-2: an older one will do; no: only a wolfSSL without it; default: auto, any])],
    [], [with_fips=auto])
  AS_CASE([$with_fips],
    [yes|required], [with_fips=required],
    [required-140-2|auto|no], [],
    [AC_MSG_ERROR([--with-fips is required, required-140-2, auto or no, not "$with_fips"])])
  AS_CASE([$with_fips:$wolfssl_feature_fips],
    [required*:no], [AC_MSG_ERROR(m4_normalize([--with-fips=$with_fips, but wolfSSL ($wolfssl_place) was built without
      the FIPS module; give --with-wolfssl=PREFIX of a FIPS build]))],
    [no:yes], [AC_MSG_ERROR(m4_normalize([--with-fips=no, but wolfSSL ($wolfssl_place) was built with the FIPS module,
      which can't be left out of it; give --with-wolfssl=PREFIX of another build, or --with-fips=auto]))])
  AS_CASE([$with_fips], [required*],
    [AC_DEFINE([FIPS_REQUIRED], [1], [Define to 1 to refuse a wolfSSL without the FIPS module.])])
  AS_IF([test "$with_fips" = required],
    [AC_DEFINE([FIPS_LEAST_VERSION], [5], [Define to the first version of the FIPS module that is not refused.])])
  AS_IF([test "$with_fips" = no],
    [AC_DEFINE([FIPS_REFUSED], [1], [Define to 1 to refuse a wolfSSL with the FIPS module.])])

  fips_module_result=no
  have_fips_test_double=no
  AS_IF([test "$wolfssl_feature_fips" = yes], [
    PROJECT_WOLFSSL_FUNCTION([wolfCrypt_GetStatus_fips], [a FIPS build without it is none that is known])
    m4_foreach_w([PROJECT_NAME], [
        wolfCrypt_SetCb_fips
        wolfCrypt_GetMode_fips
        wolfCrypt_GetVersion_fips
        wc_RunAllCast_fips
        wc_RunCast_fips
        wc_GetCastStatus_fips
      ], [PROJECT_WOLFSSL_FUNCTION(PROJECT_NAME)])
    PROJECT_RUN_FIPS_MODULE
    PROJECT_FIPS_MODULE_VERSION
    AC_MSG_CHECKING([whether the FIPS module is this project's test double])
    AC_LINK_IFELSE([AC_LANG_PROGRAM([int fips_test_double_cast_runs(int);], [return fips_test_double_cast_runs(0);])],
      [have_fips_test_double=yes])
    AC_MSG_RESULT([$have_fips_test_double])
  ])
  AM_CONDITIONAL([HAVE_FIPS_TEST_DOUBLE], [test "$have_fips_test_double" = yes])
])

# The certificates of older modules, for FIPS 140-2, are historical since 2026-09-21. The headers and the module that a
# program gets may differ: both must be new.
AC_DEFUN([PROJECT_FIPS_MODULE_VERSION], [
  AC_MSG_CHECKING([whether wolfSSL's headers are of a FIPS module for FIPS 140-3])
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM([PROJECT_WOLFSSL_HEADERS
#if !defined(HAVE_FIPS_VERSION) || HAVE_FIPS_VERSION < 5
#error older
#endif])],
    [fips_headers=yes], [fips_headers=no])
  AC_MSG_RESULT([$fips_headers])
  AS_IF([test "$with_fips" = required && test "$fips_headers:$fips_module_is_old" != yes:no],
    [AC_MSG_ERROR(m4_normalize([--with-fips=required, but the FIPS module of wolfSSL ($wolfssl_place) is
      $fips_module_name, and its headers are of one for FIPS 140-3: $fips_headers. Modules before version 5 are for FIPS
      140-2, whose certificates are historical since 2026-09-21. Give --with-wolfssl=PREFIX of a build with a newer
      module, or --with-fips=required-140-2 if the older one must do]))])
])

# Starts it as src/backend/fips_module.c does. Its version is judged by the library's own code.
AC_DEFUN([PROJECT_RUN_FIPS_MODULE], [
  fips_module_is_old=no
  project_saved_CPPFLAGS=$CPPFLAGS
  CPPFLAGS="$CPPFLAGS -I$srcdir/src"
  AC_MSG_CHECKING([whether wolfSSL's FIPS module is in normal mode])
  AC_RUN_IFELSE([AC_LANG_PROGRAM([PROJECT_WOLFSSL_HEADERS
#include <stdio.h>
#include "backend/fips_version.c"], [[
      FILE *file = fopen("conftest.fips", "w");
      int started = wolfSSL_Init() == WOLFSSL_SUCCESS;
      int tests = 0;
      int mode = 1;
      const char *version = "of unknown version";
      if (file == NULL)
        return 1;
#ifdef HAVE_WC_RUNALLCAST_FIPS
      tests = wolfCrypt_GetStatus_fips() == 0 ? wc_RunAllCast_fips() : 0;
#endif
#ifdef HAVE_WOLFCRYPT_GETMODE_FIPS
      mode = wolfCrypt_GetMode_fips() == FIPS_MODE_NORMAL;
#endif
#ifdef HAVE_WOLFCRYPT_GETVERSION_FIPS
      version = wolfCrypt_GetVersion_fips();
#endif
      fprintf(file, "%s\n%s\n", version, fips_version_standard(version));
      fclose(file);
      return started && mode && tests == 0 && wolfCrypt_GetStatus_fips() == 0 ? 0 : 2;]])],
    [PROJECT_READ_FIPS_VERSION
     fips_module_result="yes, $fips_module_name, in normal mode"
     AC_MSG_RESULT([yes])],
    [PROJECT_READ_FIPS_VERSION
     fips_module_result="yes, $fips_module_name, IN ERROR: nothing will open"
     AC_MSG_RESULT([no])
     AS_CASE([$with_fips], [required*],
       [rm -f conftest.fips
        AC_MSG_ERROR(m4_normalize([--with-fips=$with_fips, but the FIPS module of wolfSSL ($wolfssl_place) is in error:
          its integrity check or a self test failed]))])],
    [fips_module_name="not known (not run)"
     fips_module_result="yes (not run)"
     AC_MSG_RESULT([not asked: cross compiling; it will be, at run time])])
  rm -f conftest.fips
  CPPFLAGS=$project_saved_CPPFLAGS
])

AC_DEFUN([PROJECT_READ_FIPS_VERSION], [
  fips_module_standard=`sed -n 2p conftest.fips`
  fips_module_name="\"`sed -n 1p conftest.fips`\" (${fips_module_standard:-unknown standard})"
  AS_IF([test "$fips_module_standard" != 'FIPS 140-3'], [fips_module_is_old=yes])
])
