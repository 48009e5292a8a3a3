/* SPDX-License-Identifier: MIT */
/* Whether the librabbitmq and the wolfSSL found at run time can be used, and which they are. */
#include "autoconfig.h"

#include "amqp_wolfssl_socket.h"
#include "backend/build_info.h"
#include "backend/fips_module.h"
#include "backend/wolfssl_origin.h"
#include "transport/rabbitmq_socket_abi.h"

static const char incompatible[] =
    "the librabbitmq found at run time does not have the socket interface that this library relies on; use rabbitmq-c "
    "0.8.0 to 0.18.1";

static amqp_wolfssl_code_t probe_rabbitmq(void) {
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t *socket = connection != NULL ? amqp_tcp_socket_new(connection) : NULL;
  amqp_wolfssl_code_t code = AMQP_WOLFSSL_ERROR_NO_MEMORY;

  if (socket != NULL) {
    code = rabbitmq_socket_probe(socket) ? AMQP_WOLFSSL_OK : AMQP_WOLFSSL_ERROR_RABBITMQ_INCOMPATIBLE;
  }
  if (connection != NULL) {
    (void)amqp_destroy_connection(connection);
  }
  return code;
}

static amqp_wolfssl_code_t check_wolfssl(const char **sentence) {
  amqp_wolfssl_error_t error;
  amqp_wolfssl_code_t code = fips_module_check(AMQP_WOLFSSL_STAGE_CONFIGURE, &error);

  if (wolfssl_origin_refusal() != NULL) {
    *sentence = wolfssl_origin_refusal();
  } else if (code == AMQP_WOLFSSL_ERROR_FIPS_MODULE && fips_module_refusal() != NULL) {
    *sentence = fips_module_refusal();
  } else if (code == AMQP_WOLFSSL_ERROR_FIPS_MODULE) {
    *sentence =
        "wolfSSL's FIPS module is in error: its integrity check or a self-test failed; restart the program, and if "
        "that does not help, reinstall wolfSSL";
  } else if (code == AMQP_WOLFSSL_ERROR_NO_MEMORY) {
    *sentence = "out of memory";
  } else if (code != AMQP_WOLFSSL_OK) {
    *sentence = "wolfSSL did not start";
  }
  return code;
}

amqp_wolfssl_code_t amqp_wolfssl_check_runtime(const char **message) {
  amqp_wolfssl_code_t code = probe_rabbitmq();
  const char *sentence = "librabbitmq and wolfSSL can be used";

  if (code == AMQP_WOLFSSL_OK) {
    code = check_wolfssl(&sentence);
  } else if (code == AMQP_WOLFSSL_ERROR_NO_MEMORY) {
    sentence = "out of memory";
  } else {
    sentence = incompatible;
  }
  if (message != NULL) {
    *message = sentence;
  }
  return code;
}

amqp_wolfssl_fips_status_t amqp_wolfssl_fips_status(void) { return fips_module_status(); }

const char *amqp_wolfssl_fips_version(void) { return fips_module_version(); }

const char *amqp_wolfssl_fips_standard(void) { return fips_module_standard(); }

const char *amqp_wolfssl_build_info(void) {
  (void)fips_module_start(); /* writes the line, whether wolfSSL starts or not */
  return build_info_line();
}
