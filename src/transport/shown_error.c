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

/* The latest copy; NULL: none yet. */
static const amqp_wolfssl_error_t *latest(const struct transport *transport) {
  if (transport->shown_later != NULL) {
    return &transport->shown_later->record;
  }
  return transport->shown_first.code != AMQP_WOLFSSL_OK ? &transport->shown_first : NULL;
}

/* The first needs no memory: it may be the lack of it that the record is about. */
static const amqp_wolfssl_error_t *new_copy(struct transport *transport) {
  static const amqp_wolfssl_error_t no_memory = {
      .code = AMQP_WOLFSSL_ERROR_NO_MEMORY, .alert = -1, .certificate_depth = -1, .message = "out of memory"};
  struct shown_error *later;

  if (transport->shown_first.code == AMQP_WOLFSSL_OK) {
    error_copy(&transport->shown_first, &transport->error);
    return &transport->shown_first;
  }
  later = malloc(sizeof(*later));
  if (later == NULL) {
    return &no_memory;
  }
  error_copy(&later->record, &transport->error);
  later->earlier = transport->shown_later;
  transport->shown_later = later;
  return &later->record;
}

/* The latest copy if it still says the same, else a new one. */
static const amqp_wolfssl_error_t *copy_of(struct transport *transport) {
  const amqp_wolfssl_error_t *shown = latest(transport);

  return shown != NULL && error_equals(shown, &transport->error) ? shown : new_copy(transport);
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
  error_clear(&transport->shown_first);
  while (transport->shown_later != NULL) {
    struct shown_error *later = transport->shown_later;

    transport->shown_later = later->earlier;
    free(later);
  }
}
