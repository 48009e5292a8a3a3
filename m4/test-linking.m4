# SPDX-License-Identifier: MIT

# PROJECT_TEST_LINKING
# What the tests of the drop-in library can be linked with. Sets the conditionals HAVE_RABBITMQ_SSL (librabbitmq has a
# TLS socket of its own, to be replaced) and HAVE_STATIC_DEPENDENCIES (librabbitmq and wolfSSL are there as archives).
# Call it after PROJECT_PKCS11: p11-kit has no archive, and its modules could not be loaded without the shared library.
AC_DEFUN([PROJECT_TEST_LINKING], [
  AM_CONDITIONAL([HAVE_RABBITMQ_SSL], [test "$rabbitmq_has_openssl" = yes])

  AC_MSG_CHECKING([whether librabbitmq and wolfSSL are there as archives])
  project_saved_LIBS=$LIBS
  STATIC_DEPENDENCIES="-Wl,-Bstatic $RABBITMQ_LIBS $WOLFSSL_LIBS -Wl,-Bdynamic $P11_KIT_LIBS -lm -lpthread"
  LIBS="$STATIC_DEPENDENCIES $LIBS"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([[
int amqp_version_number(void);
int wolfSSL_Init(void);]], [[return amqp_version_number() == 0 || wolfSSL_Init() == 0;]])],
    [have_static_dependencies=$enable_static], [have_static_dependencies=no])
  LIBS=$project_saved_LIBS
  # Where a PREFIX has no archive the linker finds the system's, which is of another build.
  for project_archive in "$wolfssl_prefix:libwolfssl.a" "$rabbitmq_prefix:librabbitmq.a"; do
    project_folder=${project_archive%:*}
    AS_IF([test -n "$project_folder" && test -z "`find "$project_folder/" -name "${project_archive##*:}" 2>/dev/null`"],
      [have_static_dependencies=no])
  done
  AC_MSG_RESULT([$have_static_dependencies])
  AC_SUBST([STATIC_DEPENDENCIES])
  AM_CONDITIONAL([HAVE_STATIC_DEPENDENCIES], [test "$have_static_dependencies" = yes])
])
