/* SPDX-License-Identifier: MIT */
/*
 * Unmodified programs show rabbitmq-c's text for a status ("a SSL error occurred") and nothing more. With
 * AMQP_WOLFSSL_DEBUG=1 in the environment, the error's sentence goes to stderr. Errors never contain secrets.
 */
#include "autoconfig.h"

#include "compat/debug_output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int is_asked_for(void) {
#ifdef HAVE_SECURE_GETENV
  /* NULL in set-user-ID and set-group-ID programs: whoever starts them must not be able to make them write. */
  const char *value = secure_getenv("AMQP_WOLFSSL_DEBUG");
#else
  const char *value = NULL; /* such programs can't be told from others, so none writes */
#endif

  return value != NULL && strcmp(value, "1") == 0;
}

/* One call of write(2) per line, so that lines from several threads don't mix. */
static void write_failure(amqp_socket_t *socket, const amqp_wolfssl_error_t *error, void *user_data) {
  int kept_errno = errno;

  (void)socket;
  (void)user_data;
  (void)dprintf(STDERR_FILENO, "librabbitmq-wolfssl: %s: %s: %s\n",
                amqp_wolfssl_stage_name(amqp_wolfssl_error_stage(error)),
                amqp_wolfssl_code_name(amqp_wolfssl_error_code(error)), amqp_wolfssl_error_message(error));
  errno = kept_errno;
}

void debug_output_attach(amqp_socket_t *socket) {
  if (is_asked_for()) {
    (void)amqp_wolfssl_socket_set_error_callback(socket, write_failure, NULL);
  }
}
