/* SPDX-License-Identifier: MIT */
/* The client's identity, from files, memory or a token, and the passphrase that decrypts the key. */
#include "autoconfig.h"

#include <string.h>

#include "config/setter.h"

static struct passphrase_source passphrase_source(const amqp_wolfssl_config_t *config) {
  return (struct passphrase_source){&config->passphrase, config->passphrase_callback, config->passphrase_user_data};
}

/* Stores the credentials if the setter succeeded. */
static amqp_wolfssl_code_t end_identity(amqp_wolfssl_config_t *config, const struct credentials *credentials,
                                        amqp_wolfssl_code_t code) {
  if (code == AMQP_WOLFSSL_OK) {
    credentials_free(&config->credentials);
    config->credentials = *credentials;
  }
  return end_setter(config, SETTER_IDENTITY, code);
}

/* A certificate's path, and what says where the key is. */
typedef amqp_wolfssl_code_t (*read_identity_fn)(struct credentials *credentials, const char *certificate_path,
                                                const char *key, const struct passphrase_source *passphrase,
                                                const struct policy *policy, amqp_wolfssl_error_t *error);

static amqp_wolfssl_code_t set_identity(amqp_wolfssl_config_t *config, const char *certificate_path, const char *key,
                                        const char *what_key, read_identity_fn read_identity) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_IDENTITY);
  struct credentials credentials = {0};
  struct passphrase_source passphrase;

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  passphrase = passphrase_source(config);
  if (certificate_path == NULL || key == NULL) {
    code = missing_argument(config, certificate_path == NULL ? "the path of the certificate" : what_key);
  } else {
    code =
        read_identity(&credentials, certificate_path, key, &passphrase, config->settings.limits.policy, &config->error);
  }
  return end_identity(config, &credentials, code);
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_identity_files(amqp_wolfssl_config_t *config, const char *certificate_path,
                                                           const char *key_path) {
  return set_identity(config, certificate_path, key_path, "the path of the key", credentials_read_files);
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_identity_memory(amqp_wolfssl_config_t *config, const void *certificate,
                                                            size_t certificate_length, const void *key,
                                                            size_t key_length) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_IDENTITY);
  struct credentials credentials = {0};
  struct passphrase_source passphrase;

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  passphrase = passphrase_source(config);
  if (certificate == NULL || key == NULL) {
    code = missing_argument(config, certificate == NULL ? "the certificate in memory" : "the key in memory");
  } else {
    const struct credentials_input input = {certificate, certificate_length, "the certificate in memory",
                                            key,         key_length,         "the key in memory"};

    code = credentials_read(&credentials, &input, &passphrase, config->settings.limits.policy, &config->error);
  }
  return end_identity(config, &credentials, code);
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_identity_file_and_key(amqp_wolfssl_config_t *config,
                                                                  const char *certificate_path, const void *key,
                                                                  size_t key_length) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_IDENTITY);
  struct credentials credentials = {0};
  struct passphrase_source passphrase;

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  passphrase = passphrase_source(config);
  if (certificate_path == NULL || key == NULL) {
    code = missing_argument(config, certificate_path == NULL ? "the path of the certificate" : "the key in memory");
  } else {
    code = credentials_read_file_and_key(&credentials, certificate_path, key, key_length, &passphrase,
                                         config->settings.limits.policy, &config->error);
  }
  return end_identity(config, &credentials, code);
}

int amqp_wolfssl_has_pkcs11(void) { return pkcs11_token_is_supported() ? 1 : 0; }

amqp_wolfssl_code_t amqp_wolfssl_config_set_identity_pkcs11(amqp_wolfssl_config_t *config, const char *certificate_path,
                                                            const char *key_uri) {
  return set_identity(config, certificate_path, key_uri, "the URI of the key", credentials_read_token);
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_passphrase(amqp_wolfssl_config_t *config, const char *passphrase) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_PASSPHRASE);
  struct secret copy = {0};

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  if (passphrase != NULL && secret_copy(&copy, passphrase, strlen(passphrase)) != 0) {
    return end_setter(config, SETTER_PASSPHRASE,
                      error_configure(&config->error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory"));
  }
  secret_free(&config->passphrase);
  config->passphrase = copy;
  config->passphrase_callback = NULL;
  config->passphrase_user_data = NULL;
  return end_setter(config, SETTER_PASSPHRASE, AMQP_WOLFSSL_OK);
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_passphrase_callback(amqp_wolfssl_config_t *config,
                                                                amqp_wolfssl_passphrase_fn callback, void *user_data) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_PASSPHRASE);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  secret_free(&config->passphrase);
  config->passphrase_callback = callback;
  config->passphrase_user_data = user_data;
  return end_setter(config, SETTER_PASSPHRASE, AMQP_WOLFSSL_OK);
}
