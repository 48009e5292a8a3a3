/* SPDX-License-Identifier: MIT */
/* The shortest useful program: connect with mutual TLS, log in with the certificate, say what went wrong. */
#include <amqp_wolfssl_socket.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  if (argc != 6) {
    fprintf(stderr, "usage: %s HOST PORT CA.pem CLIENT.pem CLIENT.key\n", argv[0]);
    return 2;
  }
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
  amqp_wolfssl_config_add_ca_file(config, argv[3]);
  amqp_wolfssl_config_set_identity_files(config, argv[4], argv[5]);

  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t *socket = amqp_wolfssl_socket_new(connection, config);
  amqp_wolfssl_config_free(config); /* the socket keeps its own reference */

  struct timeval limit = {10, 0};
  int failed = socket == NULL || amqp_socket_open_noblock(socket, argv[1], atoi(argv[2]), &limit) != AMQP_STATUS_OK ||
               amqp_login(connection, "/", 0, 131072, 60, AMQP_SASL_METHOD_EXTERNAL, "certificate").reply_type !=
                   AMQP_RESPONSE_NORMAL;
  const char *why = amqp_wolfssl_error_message(amqp_wolfssl_socket_error(socket)); /* "": TLS is up; AMQP failed */
  puts(!failed ? amqp_wolfssl_socket_suite(socket) : *why != '\0' ? why : "the broker refused the login");
  amqp_destroy_connection(connection);
  return failed;
}
