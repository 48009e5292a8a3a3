/* SPDX-License-Identifier: MIT */
/*
 * The functions for the TLS library as a whole. rabbitmq-c's have done nothing since 0.13; wolfSSL is started when it
 * is first needed. There are no engines: a PKCS#11 URI names its module itself, so no state is kept here.
 */
#include "autoconfig.h"

#include <string.h>

#include "amqp_wolfssl_socket.h"
#include "compat/rabbitmq-c/ssl_socket.h"
#include "compat/ssl_status.h"

void amqp_set_initialize_ssl_library(amqp_boolean_t do_initialize) { (void)do_initialize; }

int amqp_initialize_ssl_library(void) { return AMQP_STATUS_OK; }

int amqp_uninitialize_ssl_library(void) { return AMQP_STATUS_OK; }

int amqp_set_ssl_engine(const char *engine) {
  if (!amqp_wolfssl_has_pkcs11()) {
    return SSL_STATUS_UNIMPLEMENTED;
  }
  return engine == NULL || strcmp(engine, "pkcs11") == 0 ? AMQP_STATUS_OK : SSL_STATUS_SET_ENGINE_FAILED;
}
