/* SPDX-License-Identifier: MIT */
/* Whom to trust, how to check for revocation, and which name the broker must have. */
#include "autoconfig.h"

#include <stdlib.h>
#include <string.h>

#include "config/setter.h"
#include "verification/peer_name.h"
#include "verification/peer_verification.h"

/* ---- Trust ---- */

amqp_wolfssl_code_t amqp_wolfssl_config_add_ca_file(amqp_wolfssl_config_t *config, const char *path) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_CA_FILE);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  code = path == NULL ? missing_argument(config, "the path of the CA file")
                      : trust_add_file(&config->trust, path, &config->error);
  return end_setter(config, SETTER_CA_FILE, code);
}

amqp_wolfssl_code_t amqp_wolfssl_config_add_ca_folder(amqp_wolfssl_config_t *config, const char *path) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_CA_FOLDER);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  code = path == NULL ? missing_argument(config, "the path of the CA folder")
                      : trust_add_folder(&config->trust, path, &config->error);
  return end_setter(config, SETTER_CA_FOLDER, code);
}

amqp_wolfssl_code_t amqp_wolfssl_config_add_ca_memory(amqp_wolfssl_config_t *config, const void *data, size_t length,
                                                      amqp_wolfssl_format_t format) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_CA_MEMORY);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  if (data == NULL) {
    code = missing_argument(config, "the CA certificate in memory");
  } else if (format != AMQP_WOLFSSL_FORMAT_AUTO && format != AMQP_WOLFSSL_FORMAT_PEM &&
             format != AMQP_WOLFSSL_FORMAT_DER) {
    code = error_configure(&config->error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT, "%d is not a valid certificate format",
                           (int)format);
  } else {
    code = trust_add_memory(&config->trust, data, length, format, &config->error);
  }
  return end_setter(config, SETTER_CA_MEMORY, code);
}

amqp_wolfssl_code_t amqp_wolfssl_config_add_ca_system(amqp_wolfssl_config_t *config) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_CA_SYSTEM);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  return end_setter(config, SETTER_CA_SYSTEM, trust_add_system(&config->trust, &config->error));
}

/* ---- Revocation ---- */

amqp_wolfssl_code_t amqp_wolfssl_config_add_crl_file(amqp_wolfssl_config_t *config, const char *path) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_CRL_FILE);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  code = path == NULL ? missing_argument(config, "the path of the CRL file")
                      : revocation_sources_add_file(&config->revocation, path, &config->error);
  return end_setter(config, SETTER_CRL_FILE, code);
}

amqp_wolfssl_code_t amqp_wolfssl_config_add_crl_folder(amqp_wolfssl_config_t *config, const char *path) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_CRL_FOLDER);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  code = path == NULL ? missing_argument(config, "the path of the CRL folder")
                      : revocation_sources_add_folder(&config->revocation, path, &config->error);
  return end_setter(config, SETTER_CRL_FOLDER, code);
}

amqp_wolfssl_code_t amqp_wolfssl_config_add_crl_memory(amqp_wolfssl_config_t *config, const void *data, size_t length,
                                                       amqp_wolfssl_format_t format) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_CRL_MEMORY);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  if (data == NULL) {
    code = missing_argument(config, "the CRL in memory");
  } else if (format != AMQP_WOLFSSL_FORMAT_AUTO && format != AMQP_WOLFSSL_FORMAT_PEM &&
             format != AMQP_WOLFSSL_FORMAT_DER) {
    code = error_configure(&config->error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT, "%d is not a valid CRL format",
                           (int)format);
  } else {
    code = revocation_sources_add_memory(&config->revocation, data, length, format, &config->error);
  }
  return end_setter(config, SETTER_CRL_MEMORY, code);
}

amqp_wolfssl_code_t check_stapling_is_shown(amqp_wolfssl_error_t *error) {
  if (peer_verification_sees_responses()) {
    return AMQP_WOLFSSL_OK;
  }
  return error_configure(
      error, AMQP_WOLFSSL_ERROR_NOT_SUPPORTED,
      "this wolfSSL was built without OCSP stapling (--enable-ocspstapling), or is too old to expose the stapled "
      "responses; use CRLs instead");
}

static amqp_wolfssl_code_t check_stapling(amqp_wolfssl_stapling_t stapling, amqp_wolfssl_error_t *error) {
  if (stapling != AMQP_WOLFSSL_STAPLING_OFF && stapling != AMQP_WOLFSSL_STAPLING_REQUEST &&
      stapling != AMQP_WOLFSSL_STAPLING_REQUIRE) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT, "%d is not a valid OCSP stapling mode",
                           (int)stapling);
  }
  return stapling != AMQP_WOLFSSL_STAPLING_OFF ? check_stapling_is_shown(error) : AMQP_WOLFSSL_OK;
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_stapling(amqp_wolfssl_config_t *config, amqp_wolfssl_stapling_t stapling) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_STAPLING);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  code = check_stapling(stapling, &config->error);
  if (code == AMQP_WOLFSSL_OK && !config->site.require_stapling) { /* where the site requires it, nothing weakens it */
    config->settings.stapling = stapling;
  }
  return end_setter(config, SETTER_STAPLING, code);
}

/* ---- The name ---- */

static amqp_wolfssl_code_t set_server_name(amqp_wolfssl_config_t *config, const char *name) {
  struct peer_name parsed;
  char *copy = NULL;

  if (name != NULL) {
    if (!peer_name_parse(&parsed, name)) {
      return error_configure(&config->error, AMQP_WOLFSSL_ERROR_NAME_INVALID,
                             "\"%.100s\" is neither a DNS name nor an IP address", name);
    }
    copy = strdup(name);
    if (copy == NULL) {
      return error_configure(&config->error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
    }
  }
  free(config->server_name);
  config->server_name = copy;
  return AMQP_WOLFSSL_OK;
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_server_name(amqp_wolfssl_config_t *config, const char *name) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_SERVER_NAME);

  return code != AMQP_WOLFSSL_OK ? code : end_setter(config, SETTER_SERVER_NAME, set_server_name(config, name));
}
