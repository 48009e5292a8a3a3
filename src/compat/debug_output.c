/* SPDX-License-Identifier: MIT */
/*
 * Unmodified programs show rabbitmq-c's text for a status ("a SSL error occurred") and nothing more, and which library
 * carries their TLS they don't show at all. With AMQP_WOLFSSL_DEBUG in the environment there is a line for each
 * connection that opens and for each failure. The library's sentences are one line each, and never contain secrets.
 */
#include "autoconfig.h"

#include "compat/debug_output.h"

#include <errno.h>
#include <stdio.h>

#include "compat/debug_destination.h"

#define LINE_LENGTH 1536 /* longer than the library's longest sentence */
#define NAME "librabbitmq-wolfssl: "

static void write_failure(const amqp_wolfssl_error_t *error) {
  char line[LINE_LENGTH];
  int kept_errno = errno;

  (void)snprintf(line, sizeof(line), NAME "%s: %s: %s", amqp_wolfssl_stage_name(amqp_wolfssl_error_stage(error)),
                 amqp_wolfssl_code_name(amqp_wolfssl_error_code(error)), amqp_wolfssl_error_message(error));
  debug_destination_write(DEBUG_FAILURE, line);
  errno = kept_errno;
}

static void socket_has_failed(amqp_socket_t *socket, const amqp_wolfssl_error_t *error, void *user_data) {
  (void)socket;
  (void)user_data;
  write_failure(error);
}

static void socket_is_open(amqp_socket_t *socket, const char *sentence, void *user_data) {
  char line[LINE_LENGTH];
  int kept_errno = errno;

  (void)socket;
  (void)user_data;
  (void)snprintf(line, sizeof(line), NAME "%s", sentence);
  debug_destination_write(DEBUG_NOTICE, line);
  errno = kept_errno;
}

void debug_output_attach(amqp_socket_t *socket) {
  if (debug_destination_is_set()) {
    (void)amqp_wolfssl_socket_set_error_callback(socket, socket_has_failed, NULL);
    (void)amqp_wolfssl_socket_set_open_callback(socket, socket_is_open, NULL);
  }
}

void debug_output_setter_failed(const amqp_wolfssl_config_t *config) {
  if (debug_destination_is_set()) {
    write_failure(amqp_wolfssl_config_error(config));
  }
}

void debug_output_no_socket(void) {
  const char *why = "";
  char line[LINE_LENGTH];
  amqp_wolfssl_code_t code;

  if (debug_destination_is_set()) {
    code = amqp_wolfssl_check_runtime(&why);
    (void)snprintf(line, sizeof(line), NAME "no socket can be made: %s: %s", amqp_wolfssl_code_name(code), why);
    debug_destination_write(DEBUG_FAILURE, line);
  }
}
