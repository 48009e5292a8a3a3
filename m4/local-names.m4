# SPDX-License-Identifier: MIT

# PROJECT_LOCAL_NAMES
# Whether src/localise-names works with these tools and compiler options. Sets project_local_names, yes or no, and the
# conditional HAVE_LOCAL_NAMES.
AC_DEFUN([PROJECT_LOCAL_NAMES], [
  AC_CHECK_TOOL([OBJCOPY], [objcopy], [objcopy])
  AC_MSG_CHECKING([whether the archives can have local names])
  project_local_names=no
  AC_LANG_CONFTEST([AC_LANG_SOURCE([[
    __attribute__((visibility("hidden"))) int conftest_hidden(void) { return 1; }]])])
  if AC_TRY_EVAL([ac_compile]) && mv conftest.$ac_objext conftest_hidden.$ac_objext; then
    AC_LANG_CONFTEST([AC_LANG_SOURCE([[
      __attribute__((visibility("hidden"))) int conftest_hidden(void);
      int conftest_public(void);
      int conftest_public(void) { return conftest_hidden(); }]])])
    if AC_TRY_EVAL([ac_compile]) && rm -f conftest.a && mv conftest.$ac_objext conftest_public.$ac_objext &&
       $AR cr conftest.a conftest_hidden.$ac_objext conftest_public.$ac_objext >&AS_MESSAGE_LOG_FD 2>&1 &&
       $SHELL "$srcdir/src/localise-names" "$LD" "$OBJCOPY" "$AR" "$RANLIB" conftest.a >&AS_MESSAGE_LOG_FD 2>&1 &&
       $NM_TOOL -g --defined-only conftest.a >conftest.names 2>&AS_MESSAGE_LOG_FD &&
       grep conftest_public conftest.names >/dev/null && ! grep conftest_hidden conftest.names >/dev/null; then
      project_saved_LIBS=$LIBS
      LIBS="conftest.a $LIBS"
      AC_LINK_IFELSE([AC_LANG_PROGRAM([[int conftest_public(void);]], [[return conftest_public();]])],
        [project_local_names=yes])
      LIBS=$project_saved_LIBS
    fi
  fi
  rm -f conftest.a conftest.names conftest_hidden.$ac_objext conftest_public.$ac_objext
  AC_MSG_RESULT([$project_local_names])
  AM_CONDITIONAL([HAVE_LOCAL_NAMES], [test "$project_local_names" = yes && test "$enable_static" = yes])
])
