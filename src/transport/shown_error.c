/* SPDX-License-Identifier: MIT */
/*
 * The records of failures as programs see them. The socket's own record changes with the next failure, perhaps in
 * another thread while this one prints it; so a program gets a copy that does not change any more, and lives until the
 * socket is opened again or deleted. There are few: a connection fails once, and then its record repeats.
 */
#include "autoconfig.h"

#include <stdlib.h>

#include "transport/transport.h"

struct shown_error {
  amqp_wolfssl_error_t record;
  struct shown_error *earlier;
};

/* The latest copy if it still says the same, else a new one. */
static const amqp_wolfssl_error_t *copy_of(struct transport *transport) {
  static const amqp_wolfssl_error_t no_memory = {
      .code = AMQP_WOLFSSL_ERROR_NO_MEMORY, .alert = -1, .certificate_depth = -1, .message = "out of memory"};
  struct shown_error *copy;

  if (transport->shown != NULL && error_equals(&transport->shown->record, &transport->error)) {
    return &transport->shown->record;
  }
  copy = malloc(sizeof(*copy));
  if (copy == NULL) {
    return &no_memory;
  }
  error_copy(&copy->record, &transport->error);
  copy->earlier = transport->shown;
  transport->shown = copy;
  return &copy->record;
}

const amqp_wolfssl_error_t *amqp_wolfssl_socket_error(const amqp_socket_t *socket) {
  static const amqp_wolfssl_error_t none = {.alert = -1, .certificate_depth = -1};
  struct transport *transport = transport_of_socket(socket);
  const amqp_wolfssl_error_t *error;

  if (transport == NULL) {
    return NULL;
  }
  transport_enter(transport);
  error = transport->error.code == AMQP_WOLFSSL_OK ? &none : copy_of(transport);
  transport_leave(transport);
  return error;
}

void transport_free_shown_errors(struct transport *transport) {
  while (transport->shown != NULL) {
    struct shown_error *shown = transport->shown;

    transport->shown = shown->earlier;
    free(shown);
  }
}
