/* SPDX-License-Identifier: MIT */
/* The client's identity, from files, a folder, memory or a token, and the passphrase that decrypts the key. */
#include "autoconfig.h"

#include <string.h>

#include "config/setter.h"
#include "verification/trust.h"

/* Stores the credentials, and where they came from, if the setter succeeded: both, or neither. They are taken over. */
static amqp_wolfssl_code_t end_identity(amqp_wolfssl_config_t *config, struct credentials *credentials,
                                        struct identity_source *source, amqp_wolfssl_code_t code) {
  if (code == AMQP_WOLFSSL_OK) {
    credentials_free(&config->credentials);
    identity_source_free(&config->identity);
    trust_free(&config->folder_trust);
    config->credentials = *credentials;
    config->identity = *source;
  } else {
    credentials_free(credentials);
    identity_source_free(source);
  }
  return end_setter(config, SETTER_IDENTITY, code);
}

/* A certificate's path, and what says where the key is. */
typedef amqp_wolfssl_code_t (*read_identity_fn)(struct credentials *credentials, const char *certificate_path,
                                                const char *key, const struct passphrase_source *passphrase,
                                                const struct policy *policy, amqp_wolfssl_error_t *error);

struct identity_reader {
  enum identity_kind kind;
  const char *what_key; /* in a sentence */
  read_identity_fn read;
};

static amqp_wolfssl_code_t read_and_note(amqp_wolfssl_config_t *config, const char *certificate_path, const char *key,
                                         const struct identity_reader *reader, struct credentials *credentials,
                                         struct identity_source *source) {
  const struct passphrase_source passphrase = config_passphrase(config);
  amqp_wolfssl_code_t code =
      reader->read(credentials, certificate_path, key, &passphrase, config->settings.limits.policy, &config->error);

  return code != AMQP_WOLFSSL_OK
             ? code
             : identity_source_set(source, reader->kind, certificate_path, key, strlen(key), &config->error);
}

static amqp_wolfssl_code_t set_identity(amqp_wolfssl_config_t *config, const char *certificate_path, const char *key,
                                        const struct identity_reader *reader) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_IDENTITY);
  struct credentials credentials = {0};
  struct identity_source source = {0};

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  if (certificate_path == NULL || key == NULL) {
    code = missing_argument(config, certificate_path == NULL ? "the path of the certificate" : reader->what_key);
  } else {
    code = read_and_note(config, certificate_path, key, reader, &credentials, &source);
  }
  return end_identity(config, &credentials, &source, code);
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_identity_files(amqp_wolfssl_config_t *config, const char *certificate_path,
                                                           const char *key_path) {
  static const struct identity_reader files = {IDENTITY_FILES, "the path of the key", credentials_read_files};

  return set_identity(config, certificate_path, key_path, &files);
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_identity_memory(amqp_wolfssl_config_t *config, const void *certificate,
                                                            size_t certificate_length, const void *key,
                                                            size_t key_length) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_IDENTITY);
  struct credentials credentials = {0};
  struct identity_source source = {0};
  struct passphrase_source passphrase;

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  passphrase = config_passphrase(config);
  if (certificate == NULL || key == NULL) {
    code = missing_argument(config, certificate == NULL ? "the certificate in memory" : "the key in memory");
  } else {
    const struct credentials_input input = {certificate, certificate_length, "the certificate in memory",
                                            key,         key_length,         "the key in memory"};

    code = credentials_read(&credentials, &input, &passphrase, config->settings.limits.policy, &config->error);
  }
  return end_identity(config, &credentials, &source, code);
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_identity_file_and_key(amqp_wolfssl_config_t *config,
                                                                  const char *certificate_path, const void *key,
                                                                  size_t key_length) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_IDENTITY);
  struct credentials credentials = {0};
  struct identity_source source = {0};
  struct passphrase_source passphrase;

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  passphrase = config_passphrase(config);
  if (certificate_path == NULL || key == NULL) {
    code = missing_argument(config, certificate_path == NULL ? "the path of the certificate" : "the key in memory");
  } else {
    code = credentials_read_file_and_key(&credentials, certificate_path, key, key_length, &passphrase,
                                         config->settings.limits.policy, &config->error);
  }
  if (code == AMQP_WOLFSSL_OK) {
    code = identity_source_set(&source, IDENTITY_FILE_AND_KEY, certificate_path, key, key_length, &config->error);
  }
  return end_identity(config, &credentials, &source, code);
}

/* ---- A folder with all three ---- */

static amqp_wolfssl_code_t read_folder(amqp_wolfssl_config_t *config, const struct identity_source *source,
                                       struct credentials *credentials, struct trust *trust,
                                       amqp_wolfssl_error_t *error) {
  const struct passphrase_source passphrase = config_passphrase(config);
  struct file_set set = {0};
  int64_t valid_from;
  amqp_wolfssl_code_t code = identity_source_name_files(source, &set)
                                 ? file_set_read(&set, error)
                                 : error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");

  if (code == AMQP_WOLFSSL_OK) {
    code = identity_source_read(source, &set, &passphrase, config->settings.limits.policy, credentials, &valid_from,
                                error);
  }
  if (code == AMQP_WOLFSSL_OK && set.items[IDENTITY_AUTHORITIES].present) {
    const struct file_set_item *authorities = &set.items[IDENTITY_AUTHORITIES];

    code =
        trust_add_contents(trust, authorities->contents.bytes, authorities->contents.length, authorities->path, error);
  }
  file_set_free(&set);
  return code;
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_secret_folder(amqp_wolfssl_config_t *config, const char *folder) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_IDENTITY);
  struct credentials credentials = {0};
  struct identity_source source = {0};
  struct trust trust = {0};

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  if (folder == NULL) {
    code = missing_argument(config, "the path of the folder");
  } else {
    code = identity_source_set(&source, IDENTITY_FOLDER, folder, NULL, 0, &config->error);
  }
  if (code == AMQP_WOLFSSL_OK) {
    code = read_folder(config, &source, &credentials, &trust, &config->error);
  }
  if (code != AMQP_WOLFSSL_OK) {
    trust_free(&trust);
  }
  code = end_identity(config, &credentials, &source, code);
  if (code == AMQP_WOLFSSL_OK) {
    config->folder_trust = trust;
  }
  return code;
}

/* ---- A token ---- */

int amqp_wolfssl_has_pkcs11(void) { return pkcs11_token_is_supported() ? 1 : 0; }

amqp_wolfssl_code_t amqp_wolfssl_config_set_identity_pkcs11(amqp_wolfssl_config_t *config, const char *certificate_path,
                                                            const char *key_uri) {
  static const struct identity_reader token = {IDENTITY_TOKEN, "the URI of the key", credentials_read_token};

  return set_identity(config, certificate_path, key_uri, &token);
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
