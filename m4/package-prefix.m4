# SPDX-License-Identifier: MIT

# PROJECT_PACKAGE(VARIABLE, NAME, MODULE, MINIMUM, LIBRARY, HEADERS, INSTALL-HINT)
#
# Finds a library by --with-NAME=PREFIX or by pkg-config. Sets, and substitutes where a Makefile needs it:
#   VARIABLE_CFLAGS, VARIABLE_LIBS   its folders as -isystem, so that our warnings are not about its headers
#   VARIABLE_RPATH                   -Wl,-rpath,FOLDER for a PREFIX, so that programs find what configure found
#   VARIABLE_PC                      MODULE when pkg-config knows it, else empty
#   NAME_place                       where it is, for the summary
#   NAME_prefix                      PREFIX, or empty
#   PREFIX_PKG_CONFIG_PATH           gets the folder of PREFIX's .pc file, after a colon
# HEADERS are words; with a PREFIX that has no .pc file one of them must be below PREFIX/include.
AC_DEFUN([PROJECT_PACKAGE], [
  AC_ARG_WITH([$2],
    [AS_HELP_STRING([--with-$2=PREFIX], [use the $2 installed in PREFIX; the library gets a run path to it])],
    [], [with_$2=])
  AS_CASE([$with_$2],
    [yes], [with_$2=],
    [no], [AC_MSG_ERROR([there is nothing without $2: --without-$2 can't be met])])
  $2_prefix=$with_$2
  $1_PC=
  $1_RPATH=
  AS_IF([test -z "$with_$2"], [
    PKG_CHECK_MODULES([$1], [$3 >= $4],
      [$1_PC=$3
       $2_place=`$PKG_CONFIG --variable=libdir $3`
       $2_place="from pkg-config ($$2_place)"],
      [AC_MSG_ERROR(m4_normalize([$2 $4 or newer was not found: $7.
        For one outside the system's folders give --with-$2=PREFIX. pkg-config said: $$1_PKG_ERRORS]))])
  ], [
    AS_CASE([$with_$2], [/*], [], [AC_MSG_ERROR([--with-$2 wants an absolute folder, not "$with_$2"])])
    AS_IF([test -d "$with_$2"], [], [AC_MSG_ERROR([--with-$2: there is no folder $with_$2])])
    project_multiarch=`$CC -print-multiarch 2>/dev/null`
    project_pc_folder=
    project_library_folder=
    for project_folder in "$with_$2"/lib64 "$with_$2"/lib "$with_$2/lib/${project_multiarch:-none}" "$with_$2"/lib32; do
      AS_IF([test -z "$project_pc_folder" && test -f "$project_folder/pkgconfig/$3.pc"],
        [project_pc_folder=$project_folder/pkgconfig])
      for project_file in "$project_folder"/lib$5.so "$project_folder"/lib$5.a; do
        AS_IF([test -z "$project_library_folder" && test -f "$project_file"],
          [project_library_folder=$project_folder])
      done
    done
    AS_IF([test -z "$project_library_folder"],
      [AC_MSG_ERROR([--with-$2: no lib$5.so in $with_$2/lib64, lib, lib/$project_multiarch or lib32; $7])])
    AS_IF([test -n "$project_pc_folder"], [
      # For this one look-up only.
      project_saved_PKG_CONFIG_PATH=$PKG_CONFIG_PATH
      PKG_CONFIG_PATH=$project_pc_folder${PKG_CONFIG_PATH:+:$PKG_CONFIG_PATH}
      export PKG_CONFIG_PATH
      PKG_CHECK_MODULES([$1], [$3 >= $4],
        [$1_PC=$3],
        [AC_MSG_ERROR(m4_normalize([the $2 in $with_$2 can't be used, $4 or newer is needed: $7.
          pkg-config said: $$1_PKG_ERRORS]))])
      PKG_CONFIG_PATH=$project_saved_PKG_CONFIG_PATH
      AS_IF([test -z "$PKG_CONFIG_PATH"], [AS_UNSET([PKG_CONFIG_PATH])])
      AS_VAR_APPEND([PREFIX_PKG_CONFIG_PATH], [":$project_pc_folder"])
    ], [
      project_header=
      for project_file in $6; do
        AS_IF([test -f "$with_$2/include/$project_file"], [project_header=$project_file])
      done
      AS_IF([test -z "$project_header"], [AC_MSG_ERROR([--with-$2: none of $6 is in $with_$2/include; $7])])
      AS_IF([test -z "$$1_CFLAGS"], [$1_CFLAGS="-I$with_$2/include"])
      AS_IF([test -z "$$1_LIBS"], [$1_LIBS="-L$project_library_folder -l$5"])
    ])
    AS_CASE([$project_library_folder],
      [/usr/lib|/lib|/usr/lib64|/usr/lib/$project_multiarch|/lib/$project_multiarch], [],
      [$1_RPATH="-Wl,-rpath,$project_library_folder"])
    $2_place="in $with_$2"
  ])
  # /usr/include must not be moved in the search order.
  $1_CFLAGS=`AS_ECHO([" $$1_CFLAGS"]) |
    $SED -e 's| -I */usr/include\( \|$\)| |g' -e 's| -I *| -isystem |g' -e 's|^ *||'`
  AC_SUBST([$1_CFLAGS])
  AC_SUBST([$1_LIBS])
  AC_SUBST([$1_RPATH])
  AC_SUBST([PREFIX_PKG_CONFIG_PATH])
])

# PROJECT_WITH_LIBRARY(VARIABLES, COMMANDS)
# Runs COMMANDS with the CFLAGS and LIBS of the named packages, and puts everything back.
AC_DEFUN([PROJECT_WITH_LIBRARY], [
  project_outer_CPPFLAGS=$CPPFLAGS
  project_outer_LIBS=$LIBS
  m4_foreach_w([PROJECT_NAME], [$1], [
    CPPFLAGS="$CPPFLAGS $[]PROJECT_NAME[]_CFLAGS"
    LIBS="$[]PROJECT_NAME[]_RPATH $[]PROJECT_NAME[]_LIBS $LIBS"
  ])
  $2
  CPPFLAGS=$project_outer_CPPFLAGS
  LIBS=$project_outer_LIBS
])
