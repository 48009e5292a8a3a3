# SPDX-License-Identifier: MIT

# PROJECT_ADD_FLAG(VARIABLE, FLAG, [LINK])
# Adds FLAG to VARIABLE when the compiler takes it without a warning. With the third argument it is tried in a link.
# -Werror because clang only warns about flags that it does not know.
AC_DEFUN([PROJECT_ADD_FLAG], [
  AS_VAR_PUSHDEF([known], [project_cv_flag_$2])
  AC_CACHE_CHECK([whether $CC accepts $2], [known], [
    project_saved_CFLAGS=$CFLAGS
    CFLAGS="$CFLAGS -Werror $2"
    m4_ifblank([$3],
      [AC_COMPILE_IFELSE([AC_LANG_PROGRAM()], [AS_VAR_SET([known], [yes])], [AS_VAR_SET([known], [no])])],
      [AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AS_VAR_SET([known], [yes])], [AS_VAR_SET([known], [no])])])
    CFLAGS=$project_saved_CFLAGS
  ])
  AS_VAR_IF([known], [yes], [AS_VAR_APPEND([$1], [" $2"])])
  AS_VAR_POPDEF([known])
])

# PROJECT_SANITIZER
# --enable-sanitizer=LIST: SANITIZER_FLAGS for compiling and linking. What was asked for and can't be had is an error.
AC_DEFUN([PROJECT_SANITIZER], [
  AC_ARG_ENABLE([sanitizer],
    [AS_HELP_STRING([--enable-sanitizer=LIST], [build with compiler sanitizers: "address,undefined" or "thread"])],
    [sanitizer=$enableval], [sanitizer=no])
  SANITIZER_FLAGS=
  AS_CASE([$sanitizer],
    [no], [],
    [yes|''], [AC_MSG_ERROR([--enable-sanitizer needs a list, as in --enable-sanitizer=address,undefined])],
    [SANITIZER_FLAGS="-fsanitize=$sanitizer -fno-sanitize-recover=all -fno-omit-frame-pointer -g"
     AC_MSG_CHECKING([whether $CC can use -fsanitize=$sanitizer])
     project_saved_CFLAGS=$CFLAGS
     CFLAGS="$CFLAGS $SANITIZER_FLAGS"
     AC_LINK_IFELSE([AC_LANG_PROGRAM()],
       [AC_MSG_RESULT([yes])],
       [AC_MSG_RESULT([no])
        AC_MSG_ERROR(m4_normalize([$CC can't use -fsanitize=$sanitizer; with clang on Debian:
          apt-get install libclang-rt-dev]))])
     CFLAGS=$project_saved_CFLAGS])
  AM_CONDITIONAL([SANITIZED], [test "$sanitizer" != no])
  AC_SUBST([SANITIZER_FLAGS])
])

# PROJECT_COMPILER_FLAGS
# WARNING_CFLAGS for all code, STRICT_CFLAGS more for the library alone, BASE_CFLAGS for language and threads.
AC_DEFUN([PROJECT_COMPILER_FLAGS], [
  BASE_CFLAGS=
  # After CC: newer Autoconf picks the newest C it knows.
  PROJECT_ADD_FLAG([BASE_CFLAGS], [-std=c11])
  PROJECT_ADD_FLAG([BASE_CFLAGS], [-pthread], [link])
  PROJECT_ADD_FLAG([BASE_CFLAGS], [-fvisibility=hidden])
  # No path of the build machine in the binaries. The real folders are known in the Makefile.
  project_prefix_map=
  PROJECT_ADD_FLAG([project_prefix_map], [-ffile-prefix-map=/nowhere=.])
  AM_CONDITIONAL([HAVE_FILE_PREFIX_MAP], [test -n "$project_prefix_map"])

  WARNING_CFLAGS=
  m4_foreach_w([PROJECT_FLAG], [-Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith
      -Wformat=2 -Wundef -Wwrite-strings -Wvla -Wduplicated-cond],
    [PROJECT_ADD_FLAG([WARNING_CFLAGS], PROJECT_FLAG)])
  STRICT_CFLAGS=
  m4_foreach_w([PROJECT_FLAG], [-Wconversion -Wcast-qual -Wold-style-definition],
    [PROJECT_ADD_FLAG([STRICT_CFLAGS], PROJECT_FLAG)])
  AS_IF([test "$enable_werror" = yes], [AS_VAR_APPEND([WARNING_CFLAGS], [" -Werror"])])

  AC_SUBST([BASE_CFLAGS])
  AC_SUBST([WARNING_CFLAGS])
  AC_SUBST([STRICT_CFLAGS])
])

# PROJECT_HARDENING
# Each flag by itself, for what is supported. Distributions set their own through CFLAGS, which come after these.
AC_DEFUN([PROJECT_HARDENING], [
  AC_ARG_ENABLE([hardening],
    [AS_HELP_STRING([--disable-hardening], [leave hardening flags to CFLAGS, CPPFLAGS and LDFLAGS])],
    [], [enable_hardening=yes])
  HARDENING_CPPFLAGS=
  HARDENING_CFLAGS=
  HARDENING_LDFLAGS=
  AS_IF([test "$enable_hardening" = yes], [
    # Fortified functions hide reads and writes from the sanitizers, and warn when nothing is optimised.
    AS_IF([test "$sanitizer" = no], [
      AC_MSG_CHECKING([whether to add -D_FORTIFY_SOURCE=2])
      AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[
        #if !defined(__OPTIMIZE__) || defined(_FORTIFY_SOURCE)
        #error not optimising, or set already
        #endif]])],
        [AC_MSG_RESULT([yes])
         HARDENING_CPPFLAGS=-D_FORTIFY_SOURCE=2],
        [AC_MSG_RESULT([no])])])
    PROJECT_ADD_FLAG([HARDENING_CFLAGS], [-fstack-protector-strong], [link])
    PROJECT_ADD_FLAG([HARDENING_CFLAGS], [-fstack-clash-protection])
    AS_CASE([$host_cpu], [x86_64|i?86], [PROJECT_ADD_FLAG([HARDENING_CFLAGS], [-fcf-protection])])
    PROJECT_ADD_FLAG([HARDENING_LDFLAGS], [-Wl,-z,relro], [link])
    PROJECT_ADD_FLAG([HARDENING_LDFLAGS], [-Wl,-z,now], [link])
    PROJECT_ADD_FLAG([HARDENING_LDFLAGS], [-Wl,-z,noexecstack], [link])
  ])
  # Every symbol of the library must be found when it is linked; the sanitizers' own are found later.
  DEFS_LDFLAGS=
  AS_IF([test "$sanitizer" = no], [PROJECT_ADD_FLAG([DEFS_LDFLAGS], [-Wl,-z,defs], [link])])
  AC_SUBST([DEFS_LDFLAGS])
  AC_SUBST([HARDENING_CPPFLAGS])
  AC_SUBST([HARDENING_CFLAGS])
  AC_SUBST([HARDENING_LDFLAGS])
])

# PROJECT_VERSION_SCRIPT
# Exported symbols come from a map file where the linker takes one, else from a pattern.
AC_DEFUN([PROJECT_VERSION_SCRIPT], [
  AC_CACHE_CHECK([whether the linker takes a version script], [project_cv_version_script], [
    echo 'PROBE_1 { global: main; local: *; };' >conftest.map
    project_saved_LDFLAGS=$LDFLAGS
    LDFLAGS="$LDFLAGS -Wl,--version-script,conftest.map"
    AC_LINK_IFELSE([AC_LANG_PROGRAM()], [project_cv_version_script=yes], [project_cv_version_script=no])
    LDFLAGS=$project_saved_LDFLAGS
    rm -f conftest.map
  ])
  AM_CONDITIONAL([HAVE_VERSION_SCRIPT], [test "$project_cv_version_script" = yes])
  AS_IF([test "$project_cv_version_script" = yes],
    [version_script_result='map file'],
    [version_script_result='pattern (the linker takes no version script)'])
])
