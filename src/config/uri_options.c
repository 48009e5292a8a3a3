/* SPDX-License-Identifier: MIT */
/*
 * The query of a broker's URI, applied to a config. All that can fail comes first, and then one function that can't
 * changes the config. Whoever can write a URI must not be able to turn verification off: that takes the program's
 * consent, and that of whoever built the library or administers the machine.
 */
#include "autoconfig.h"

#include <stdlib.h>
#include <string.h>

#include "config/broker_uri.h"
#include "config/setter.h"
#include "verification/expected_identity.h"

#define ALL_FLAGS (AMQP_WOLFSSL_URI_ALLOW_VERIFY_NONE | AMQP_WOLFSSL_URI_ALLOW_ANY_NAME)

/* ---- Consent ---- */

static amqp_wolfssl_code_t check_consent(amqp_wolfssl_config_t *config, const struct broker_uri *uri, unsigned flags) {
  if (uri->verify == BROKER_URI_VERIFY_NONE && (flags & AMQP_WOLFSSL_URI_ALLOW_VERIFY_NONE) == 0) {
    return error_configure(
        &config->error, AMQP_WOLFSSL_ERROR_URI_NOT_PERMITTED,
        "the broker's URI has verify=verify_none, with which anybody can impersonate the broker, and "
        "the program does not allow that (AMQP_WOLFSSL_URI_ALLOW_VERIFY_NONE); use verify_peer");
  }
  if (uri->any_name && (flags & AMQP_WOLFSSL_URI_ALLOW_ANY_NAME) == 0) {
    return error_configure(&config->error, AMQP_WOLFSSL_ERROR_URI_NOT_PERMITTED,
                           "the broker's URI has server_name_indication=disable, with which any certificate from a "
                           "trusted CA is accepted, and the program does not allow that "
                           "(AMQP_WOLFSSL_URI_ALLOW_ANY_NAME); give the broker's name");
  }
  /* Without a name, but with a URI in the certificate that the program expects, the broker is still verified. */
  return uri->verify == BROKER_URI_VERIFY_NONE || (uri->any_name && !expected_identity_has_uri(&config->expected))
             ? check_exception(config)
             : AMQP_WOLFSSL_OK;
}

/* ---- What can fail ---- */

/* What the URI names, before the config has it. */
struct prepared {
  struct secret password;
  struct credentials credentials;
  struct identity_source source; /* of those */
  char *server_name;
};

static void free_prepared(struct prepared *prepared) {
  secret_free(&prepared->password);
  credentials_free(&prepared->credentials);
  identity_source_free(&prepared->source);
  free(prepared->server_name);
}

static amqp_wolfssl_code_t out_of_memory(amqp_wolfssl_config_t *config) {
  return error_configure(&config->error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
}

static amqp_wolfssl_code_t read_identity(amqp_wolfssl_config_t *config, const struct broker_uri *uri,
                                         struct prepared *prepared) {
  struct passphrase_source passphrase = config_passphrase(config);
  amqp_wolfssl_code_t code;

  if (uri->password != NULL) {
    if (secret_copy(&prepared->password, uri->password, strlen(uri->password)) != 0) {
      return out_of_memory(config);
    }
    passphrase = (struct passphrase_source){&prepared->password, NULL, NULL, &config->rejected_pins};
  }
  code = credentials_read_files(&prepared->credentials, uri->certificate_file, uri->key_file, &passphrase,
                                config->settings.limits.policy, &config->error);
  return code != AMQP_WOLFSSL_OK ? code
                                 : identity_source_set(&prepared->source, IDENTITY_FILES, uri->certificate_file,
                                                       uri->key_file, strlen(uri->key_file), &config->error);
}

/* The CA file comes last: it is added to those in the config, at once if at all. */
static amqp_wolfssl_code_t prepare(amqp_wolfssl_config_t *config, const struct broker_uri *uri,
                                   struct prepared *prepared) {
  amqp_wolfssl_code_t code = AMQP_WOLFSSL_OK;

  if (uri->key_file != NULL) {
    code = read_identity(config, uri, prepared);
  }
  if (code == AMQP_WOLFSSL_OK && uri->server_name != NULL) {
    prepared->server_name = strdup(uri->server_name);
    code = prepared->server_name != NULL ? AMQP_WOLFSSL_OK : out_of_memory(config);
  }
  return code == AMQP_WOLFSSL_OK && uri->ca_file != NULL ? trust_file(config, uri->ca_file) : code;
}

/* ---- What can't ---- */

static void take_names(amqp_wolfssl_config_t *config, const struct broker_uri *uri, struct prepared *prepared) {
  if (uri->any_name) {
    config->nameless = true;
    config->settings.verify_host = false;
  } else if (uri->server_name != NULL) {
    free(config->server_name);
    config->server_name = prepared->server_name;
    prepared->server_name = NULL;
    config->nameless = false;
    config->settings.verify_host = true;
  }
}

/* As the setters do. What is read again later needs the password again. */
static void take_identity(amqp_wolfssl_config_t *config, struct prepared *prepared) {
  if (prepared->password.bytes != NULL) {
    secret_free(&config->passphrase);
    config->passphrase = prepared->password;
    config->passphrase_callback = NULL;
    config->passphrase_user_data = NULL;
    memset(&prepared->password, 0, sizeof(prepared->password));
  }
  credentials_free(&config->credentials);
  identity_source_free(&config->identity);
  trust_free(&config->folder_trust);
  config->credentials = prepared->credentials;
  config->identity = prepared->source;
  memset(&prepared->credentials, 0, sizeof(prepared->credentials));
  memset(&prepared->source, 0, sizeof(prepared->source));
}

static void take_all(amqp_wolfssl_config_t *config, const struct broker_uri *uri, struct prepared *prepared) {
  struct tls_settings *settings = &config->settings;

  if (uri->key_file != NULL) {
    take_identity(config, prepared);
  }
  take_names(config, uri, prepared);
  if (uri->verify == BROKER_URI_VERIFY_NONE) {
    settings->verify_peer = false;
    settings->verify_host = false;
  } else if (uri->verify == BROKER_URI_VERIFY_PEER) {
    settings->verify_peer = true;
    /* Whom the program has by a URI in the certificate needs no name. */
    settings->verify_host = !uri->any_name && (settings->verify_host || !expected_identity_has_uri(&config->expected));
  }
  if (uri->depth >= 0 && (!settings->depth_is_limited || (unsigned)uri->depth < settings->maximum_depth)) {
    settings->depth_is_limited = true;
    settings->maximum_depth = (unsigned)uri->depth;
  }
}

static amqp_wolfssl_code_t apply(amqp_wolfssl_config_t *config, const struct broker_uri *uri) {
  struct prepared prepared = {.server_name = NULL};
  amqp_wolfssl_code_t code = prepare(config, uri, &prepared);

  if (code == AMQP_WOLFSSL_OK) {
    take_all(config, uri, &prepared);
  }
  free_prepared(&prepared);
  return code;
}

/* ---- The call ---- */

static amqp_wolfssl_code_t read_and_apply(amqp_wolfssl_config_t *config, const char *text, unsigned flags) {
  struct broker_uri uri;
  amqp_wolfssl_code_t code = broker_uri_read(&uri, text, &config->error);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  code = check_consent(config, &uri, flags);
  if (code == AMQP_WOLFSSL_OK) {
    code = apply(config, &uri);
  }
  broker_uri_free(&uri);
  return code;
}

amqp_wolfssl_code_t amqp_wolfssl_config_apply_uri(amqp_wolfssl_config_t *config, const char *uri, unsigned flags) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_URI);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  if (uri == NULL) {
    code = missing_argument(config, "the broker's URI");
  } else if ((flags & ~ALL_FLAGS) != 0) {
    code = error_configure(&config->error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT,
                           "0x%x is not a valid combination of AMQP_WOLFSSL_URI_ALLOW_*", flags);
  } else {
    code = read_and_apply(config, uri, flags);
  }
  return end_setter(config, SETTER_URI, code);
}
