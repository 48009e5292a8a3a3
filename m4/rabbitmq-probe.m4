# SPDX-License-Identifier: MIT

# PROJECT_RABBITMQ(MINIMUM)
# Finds librabbitmq and runs the library's own probe of its private socket interface
# (src/transport/rabbitmq_socket_abi.h).
# Sets rabbitmq_has_openssl, yes or no: whether it was built with a TLS transport of its own.
AC_DEFUN([PROJECT_RABBITMQ], [
  PROJECT_PACKAGE([RABBITMQ], [rabbitmq], [librabbitmq], [$1], [rabbitmq], [amqp.h rabbitmq-c/amqp.h],
    [on Debian or Ubuntu: apt-get install librabbitmq-dev])
  PROJECT_WITH_LIBRARY([RABBITMQ], [
    CPPFLAGS="-I$srcdir/src $CPPFLAGS"
    AC_MSG_CHECKING([whether a program can use librabbitmq])
    AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include "transport/rabbitmq_socket_abi.h"]],
        [amqp_connection_state_t connection = amqp_new_connection(); return connection == 0;])],
      [AC_MSG_RESULT([yes])],
      [AC_MSG_RESULT([no])
       AC_MSG_ERROR(m4_normalize([librabbitmq ($rabbitmq_place) is there, but a program that calls it does not
         compile and link (config.log says why); on Debian or Ubuntu: apt-get install --reinstall librabbitmq-dev]))])

    AC_MSG_CHECKING([librabbitmq's socket interface])
    rabbitmq_found_version=unknown
    AC_RUN_IFELSE([AC_LANG_PROGRAM([[
#include <stdio.h>
#include "transport/rabbitmq_socket_abi.h"]], [[
        amqp_connection_state_t connection = amqp_new_connection();
        amqp_socket_t *socket = connection == NULL ? NULL : amqp_tcp_socket_new(connection);
        FILE *file = fopen("conftest.version", "w");
        if (socket == NULL || file == NULL)
          return 1;
        fprintf(file, "%s\n", amqp_version());
        fclose(file);
        if (!rabbitmq_socket_probe(socket))
          return 2;
        return amqp_destroy_connection(connection) == AMQP_STATUS_OK ? 0 : 3;]])],
      [rabbitmq_found_version=`cat conftest.version`
       rabbitmq_probe_result='as expected (probed)'
       AC_MSG_RESULT([as expected, version $rabbitmq_found_version])],
      [AC_MSG_RESULT([not as expected])
       AS_IF([test -s conftest.version], [rabbitmq_found_version=`cat conftest.version`])
       rm -f conftest.version
       AS_IF([test "$rabbitmq_found_version" != unknown],
         [AC_MSG_ERROR(m4_normalize([librabbitmq $rabbitmq_found_version ($rabbitmq_place) does not have the socket
           interface this library was written for (versions 0.8.0 to 0.18.1 do); install one of those, or give
           --with-rabbitmq=PREFIX]))],
         [AC_MSG_ERROR(m4_normalize([a program linked with librabbitmq ($rabbitmq_place) does not run; is its folder
           known to the run-time linker? Try --with-rabbitmq=PREFIX, or ldconfig]))])],
      [AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include "transport/rabbitmq_socket_abi.h"]],
         [(void) rabbitmq_socket_probe;])],
         [AC_MSG_RESULT([compiled but not run: cross compiling])],
         [AC_MSG_RESULT([does not compile])
          AC_MSG_ERROR([librabbitmq's headers ($rabbitmq_place) are not as expected; config.log says why])])
       rabbitmq_found_version="`test -z "$RABBITMQ_PC" || $PKG_CONFIG --modversion $RABBITMQ_PC 2>/dev/null` (not run)"
       rabbitmq_probe_result='not probed: cross compiling'
       AC_MSG_NOTICE([cross compiling: librabbitmq's socket interface is probed at run time only])])
    rm -f conftest.version

    # The header proves nothing: with a PREFIX it may be the system's.
    AC_MSG_CHECKING([whether librabbitmq has its OpenSSL transport])
    AC_LINK_IFELSE([AC_LANG_CALL([], [amqp_ssl_socket_new])], [rabbitmq_has_openssl=yes], [rabbitmq_has_openssl=no])
    AC_MSG_RESULT([$rabbitmq_has_openssl])
    AC_SUBST([RABBITMQ_HAS_OPENSSL], [$rabbitmq_has_openssl])
  ])
])
