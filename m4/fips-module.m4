# SPDX-License-Identifier: MIT

# PROJECT_FIPS_MODULE
# Inside PROJECT_WOLFSSL, once the features are known: what the FIPS module of this wolfSSL is, and whether that is what
# --with-fips asks for. Sets fips_module_result for the summary.
AC_DEFUN([PROJECT_FIPS_MODULE], [
  AC_ARG_WITH([fips],
    [AS_HELP_STRING([--with-fips=required|auto|no],
      [required: only a wolfSSL with the FIPS module, in normal mode; no: only one without; default: auto, either])],
    [], [with_fips=auto])
  AS_CASE([$with_fips],
    [yes|required], [with_fips=required],
    [auto|no], [],
    [AC_MSG_ERROR([--with-fips is required, auto or no, not "$with_fips"])])
  AS_CASE([$with_fips:$wolfssl_feature_fips],
    [required:no], [AC_MSG_ERROR(m4_normalize([--with-fips=required, but wolfSSL ($wolfssl_place) was built without the
      FIPS module; give --with-wolfssl=PREFIX of a FIPS build]))],
    [no:yes], [AC_MSG_ERROR(m4_normalize([--with-fips=no, but wolfSSL ($wolfssl_place) was built with the FIPS module,
      which can't be left out of it; give --with-wolfssl=PREFIX of another build, or --with-fips=auto]))])
  AS_IF([test "$with_fips" = required],
    [AC_DEFINE([FIPS_REQUIRED], [1], [Define to 1 to refuse a wolfSSL without the FIPS module.])])
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
    AC_MSG_CHECKING([whether the FIPS module is this project's test double])
    AC_LINK_IFELSE([AC_LANG_PROGRAM([int fips_test_double_cast_runs(int);], [return fips_test_double_cast_runs(0);])],
      [have_fips_test_double=yes])
    AC_MSG_RESULT([$have_fips_test_double])
  ])
  AM_CONDITIONAL([HAVE_FIPS_TEST_DOUBLE], [test "$have_fips_test_double" = yes])
])

# Starts it as src/backend/fips_module.c does.
AC_DEFUN([PROJECT_RUN_FIPS_MODULE], [
  AC_MSG_CHECKING([whether wolfSSL's FIPS module is in normal mode])
  AC_RUN_IFELSE([AC_LANG_PROGRAM([PROJECT_WOLFSSL_HEADERS
#include <stdio.h>], [[
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
      fprintf(file, "%s\n", version);
      fclose(file);
      return started && mode && tests == 0 && wolfCrypt_GetStatus_fips() == 0 ? 0 : 2;]])],
    [fips_module_result="yes, \"`cat conftest.fips`\", in normal mode"
     AC_MSG_RESULT([yes])],
    [fips_module_result="yes, \"`cat conftest.fips`\", IN ERROR: nothing will open"
     AC_MSG_RESULT([no])
     AS_IF([test "$with_fips" = required],
       [rm -f conftest.fips
        AC_MSG_ERROR(m4_normalize([--with-fips=required, but the FIPS module of wolfSSL ($wolfssl_place) is in error:
          its integrity check or a self test failed]))])],
    [fips_module_result="yes (not run)"
     AC_MSG_RESULT([not asked: cross compiling; it will be, at run time])])
  rm -f conftest.fips
])
