/* SPDX-License-Identifier: MIT */
/*
 * Built by `make installcheck` with nothing but `pkg-config --cflags --libs librabbitmq-wolfssl`, to show that this is
 * all a program needs: it includes the installed header and calls both libraries.
 */
#include <amqp_wolfssl_socket.h>

#include <stdio.h>

int main(void) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
  amqp_connection_state_t connection = amqp_new_connection();
  const char *message = NULL;
  int status = 1;

  if (config == NULL || connection == NULL)
    goto done;
  if (amqp_wolfssl_check_runtime(&message) != AMQP_WOLFSSL_OK) {
    fprintf(stderr, "%s\n", message);
    goto done;
  }
  if (amqp_wolfssl_socket_new(connection, config) == NULL)
    goto done;
  puts(amqp_wolfssl_build_info());
  status = 0;
done:
  if (connection != NULL)
    amqp_destroy_connection(connection);
  amqp_wolfssl_config_free(config);
  return status;
}
