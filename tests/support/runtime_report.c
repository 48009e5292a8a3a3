/* SPDX-License-Identifier: MIT */
/*
 * Prints what the library says of the wolfSSL it runs on, and what an open comes to; nobody listens at that port.
 *
 *     runtime_report [LIBRARY]     opens LIBRARY first, for all to see, as a plug-in would
 *
 * With ADDRESSED (the name of a function of wolfSSL) it takes that function's address besides.
 */
#include <amqp.h>
#include <amqp_wolfssl_socket.h>
#include <dlfcn.h>
#include <stdio.h>

#ifdef ADDRESSED
extern int ADDRESSED(void);
#endif

/* In code: the address in a variable would be the loader's to fill in, and no stub is needed. */
static int call_by_address(void) {
#ifdef ADDRESSED
  int (*volatile address)(void) = ADDRESSED;

  return address();
#else
  return 0;
#endif
}

static int report_open(void) {
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
  amqp_socket_t *socket = NULL;
  const amqp_wolfssl_error_t *error;
  int result = 1;

  if (connection == NULL || config == NULL) {
    goto done;
  }
  (void)amqp_wolfssl_config_set_verify_peer(config, 0);
  socket = amqp_wolfssl_socket_new(connection, config);
  if (socket == NULL || amqp_socket_open(socket, "127.0.0.1", 1) == AMQP_STATUS_OK) {
    goto done;
  }
  error = amqp_wolfssl_socket_error(socket);
  printf("open %s: %s\n", amqp_wolfssl_code_name(amqp_wolfssl_error_code(error)), amqp_wolfssl_error_message(error));
  result = 0;
done:
  amqp_wolfssl_config_free(config);
  if (connection != NULL) {
    (void)amqp_destroy_connection(connection);
  }
  return result;
}

int main(int argc, char **argv) {
  const char *sentence = NULL;
  amqp_wolfssl_code_t code;

  if (argc > 1 && dlopen(argv[1], RTLD_NOW | RTLD_GLOBAL) == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  (void)call_by_address();
  code = amqp_wolfssl_check_runtime(&sentence);
  printf("runtime %s: %s\n", amqp_wolfssl_code_name(code), sentence);
  printf("fips %d\n", (int)amqp_wolfssl_fips_status());
  printf("%s\n", amqp_wolfssl_build_info());
  return report_open();
}
