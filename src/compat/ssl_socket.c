/* SPDX-License-Identifier: MIT */
/*
 * rabbitmq-c's amqp_ssl_socket_*() on top of this project's own interface: each socket has a config of its own, which
 * the setters change. rabbitmq-c aborts if a setter is given another kind of socket; here nothing happens, and
 * functions that return a status return AMQP_STATUS_INVALID_PARAMETER.
 */
#include "autoconfig.h"

#include <limits.h>

#include "amqp_wolfssl_socket.h"
#include "compat/rabbitmq-c/ssl_socket.h"
#include "compat/debug_output.h"
#include "compat/ssl_status.h"

/* Most programs stop where a setter fails, and say nothing of the reason. */
static amqp_wolfssl_code_t reported(const amqp_wolfssl_config_t *config, amqp_wolfssl_code_t code) {
  if (code != AMQP_WOLFSSL_OK && config != NULL) {
    debug_output_setter_failed(config);
  }
  return code;
}

/* rabbitmq-c has one code for whatever its TLS library refuses. */
static int setter_status(amqp_wolfssl_code_t code) {
  return code == AMQP_WOLFSSL_OK ? AMQP_STATUS_OK : AMQP_STATUS_SSL_ERROR;
}

amqp_socket_t *amqp_ssl_socket_new(amqp_connection_state_t state) {
  amqp_socket_t *socket = amqp_wolfssl_socket_new_unshared(state);

  if (socket != NULL) {
    debug_output_attach(socket);
  } else if (state != NULL) {
    debug_output_no_socket();
  }
  return socket;
}

void *amqp_ssl_socket_get_context(amqp_socket_t *self) {
  (void)self;
  return NULL; /* callers would pass a WOLFSSL_CTX to OpenSSL */
}

/* A system that has none is no failure: amqp-tools call this always, and then name a CA file. If nothing else is
   trusted, open fails and says why. */
int amqp_ssl_socket_enable_default_verify_paths(amqp_socket_t *self) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_socket_config(self);
  amqp_wolfssl_code_t code;

  if (config == NULL) {
    return AMQP_STATUS_INVALID_PARAMETER;
  }
  code = amqp_wolfssl_config_add_ca_system(config);
  return code == AMQP_WOLFSSL_ERROR_NO_CERTIFICATE ? AMQP_STATUS_OK : setter_status(reported(config, code));
}

int amqp_ssl_socket_set_cacert(amqp_socket_t *self, const char *cacert) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_socket_config(self);

  return config == NULL ? AMQP_STATUS_INVALID_PARAMETER
                        : setter_status(reported(config, amqp_wolfssl_config_add_ca_file(config, cacert)));
}

void amqp_ssl_socket_set_key_passwd(amqp_socket_t *self, const char *passwd) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_socket_config(self);

  /* A failure is recorded in the config, and open fails with it. */
  (void)reported(config, amqp_wolfssl_config_set_passphrase(config, passwd));
}

int amqp_ssl_socket_set_key(amqp_socket_t *self, const char *cert, const char *key) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_socket_config(self);

  return config == NULL ? AMQP_STATUS_INVALID_PARAMETER
                        : setter_status(reported(config, amqp_wolfssl_config_set_identity_files(config, cert, key)));
}

int amqp_ssl_socket_set_key_engine(amqp_socket_t *self, const char *cert, const char *key) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_socket_config(self);
  amqp_wolfssl_code_t code;

  if (config == NULL) {
    return AMQP_STATUS_INVALID_PARAMETER;
  }
  code = reported(config, amqp_wolfssl_config_set_identity_pkcs11(config, cert, key));
  return code == AMQP_WOLFSSL_ERROR_NOT_SUPPORTED ? SSL_STATUS_UNIMPLEMENTED : setter_status(code);
}

int amqp_ssl_socket_set_key_buffer(amqp_socket_t *self, const char *cert, const void *key, size_t n) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_socket_config(self);
  amqp_wolfssl_code_t code;

  if (config == NULL) {
    return AMQP_STATUS_INVALID_PARAMETER;
  }
  /* A length that no buffer can have is passed on as no key at all: refused, and remembered. */
  code = reported(config, amqp_wolfssl_config_set_identity_file_and_key(config, cert, n > INT_MAX ? NULL : key, n));
  return n > INT_MAX ? AMQP_STATUS_INVALID_PARAMETER : setter_status(code);
}

void amqp_ssl_socket_set_verify_peer(amqp_socket_t *self, amqp_boolean_t verify) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_socket_config(self);

  (void)reported(config, amqp_wolfssl_config_set_verify_peer(config, verify != 0));
}

void amqp_ssl_socket_set_verify_hostname(amqp_socket_t *self, amqp_boolean_t verify) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_socket_config(self);

  (void)reported(config, amqp_wolfssl_config_set_verify_host(config, verify != 0));
}

void amqp_ssl_socket_set_verify(amqp_socket_t *self, amqp_boolean_t verify) {
  amqp_ssl_socket_set_verify_peer(self, verify);
  amqp_ssl_socket_set_verify_hostname(self, verify);
}

/* The version as on the wire; 0 for a number that is not a version. */
static unsigned wire_version(amqp_tls_version_t version) {
  switch (version) {
    case AMQP_TLSv1:
      return 0x0301;
    case AMQP_TLSv1_1:
      return 0x0302;
    case AMQP_TLSv1_2:
      return AMQP_WOLFSSL_TLS_1_2;
    case AMQP_TLSv1_3:
    case AMQP_TLSvLATEST:
      return AMQP_WOLFSSL_TLS_1_3;
  }
  return 0;
}

int amqp_ssl_socket_set_ssl_versions(amqp_socket_t *self, amqp_tls_version_t min, amqp_tls_version_t max) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_socket_config(self);
  amqp_wolfssl_version_t lowest = (amqp_wolfssl_version_t)wire_version(min);
  amqp_wolfssl_version_t highest = (amqp_wolfssl_version_t)wire_version(max);
  amqp_wolfssl_code_t code;

  if (config == NULL) {
    return AMQP_STATUS_INVALID_PARAMETER;
  }
  if (max < min) {
    /* Refused here, and remembered: "latest" to TLS 1.3 would be a range on the wire. */
    (void)reported(config, amqp_wolfssl_config_set_tls_versions(config, AMQP_WOLFSSL_TLS_1_3, AMQP_WOLFSSL_TLS_1_2));
    return AMQP_STATUS_INVALID_PARAMETER;
  }
  code = reported(config, amqp_wolfssl_config_set_tls_versions(config, lowest, highest));
  if (lowest < AMQP_WOLFSSL_TLS_1_2 || highest < AMQP_WOLFSSL_TLS_1_2) {
    return AMQP_STATUS_UNSUPPORTED;
  }
  return setter_status(code);
}
