/* SPDX-License-Identifier: MIT */
/*
 * The lock around a socket's session, and the program's callback, which runs once the lock is released.
 *
 * rabbitmq-c says that a connection belongs to one thread, but programs receive in one and publish in another, which
 * works over TCP and OpenSSL. A session used by two threads at once can send AMQP in cleartext, so a lock guards it.
 * Nobody waits with the lock held: one thread's wait must not keep another from sending or receiving.
 */
#include "autoconfig.h"

#include "transport/transport.h"

void transport_note_failure(struct transport *transport) {
  if (transport->error_callback != NULL && !transport->told) {
    transport->told = true;
    transport->to_tell = true;
  }
}

/*
 * The callback runs without the lock, and with a copy of the record, which another thread may change meanwhile. A
 * recursive lock would let it query the socket too; but if it waits for something held by a thread that is sending (the
 * lock of the program's log, say), the two would deadlock.
 */
static void leave_and_tell(struct transport *transport) {
  const amqp_wolfssl_error_fn callback = transport->error_callback;
  void *user_data = transport->error_user_data;
  amqp_wolfssl_error_t error;

  error_copy(&error, &transport->error);
  (void)pthread_mutex_unlock(&transport->lock);
  callback((amqp_socket_t *)transport->base, &error, user_data);
}

void transport_leave(struct transport *transport) {
  if (transport->either_way >= 0) {
    transport_adjust_either_way(transport); /* whatever it was that sent, or could not */
  }
  if (transport->to_tell) {
    transport->to_tell = false;
    leave_and_tell(transport);
  } else {
    (void)pthread_mutex_unlock(&transport->lock);
  }
}

void transport_tell_failure(struct transport *transport) {
  transport_enter(transport);
  transport_note_failure(transport);
  transport_leave(transport);
}

int amqp_wolfssl_socket_set_error_callback(amqp_socket_t *socket, amqp_wolfssl_error_fn callback, void *user_data) {
  struct transport *transport = transport_of_socket(socket);

  if (transport == NULL) {
    return AMQP_STATUS_INVALID_PARAMETER;
  }
  transport_enter(transport);
  transport->error_callback = callback;
  transport->error_user_data = user_data;
  transport_leave(transport);
  return AMQP_STATUS_OK;
}
