/* SPDX-License-Identifier: MIT */
/* Makes an identity anew from where it came from. */
#include "autoconfig.h"

#include "identity/identity_source.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "x509/certificate.h"

amqp_wolfssl_code_t identity_source_set(struct identity_source *source, enum identity_kind kind, const char *path,
                                        const void *key, size_t key_length, amqp_wolfssl_error_t *error) {
  source->path = strdup(path);
  if (source->path == NULL || (key != NULL && secret_copy(&source->key, key, key_length) != 0)) {
    identity_source_free(source);
    return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  source->kind = kind;
  return AMQP_WOLFSSL_OK;
}

bool identity_source_name_files(const struct identity_source *source, struct file_set *set) {
  switch (source->kind) {
    case IDENTITY_FOLDER:
      return file_set_use_folder(set, source->path) && file_set_add_named(set, "tls.crt", false) &&
             file_set_add_named(set, "tls.key", false) && file_set_add_named(set, "ca.crt", true);
    case IDENTITY_FILES:
      return file_set_add_file(set, source->path) && file_set_add_file(set, (const char *)source->key.bytes);
    case IDENTITY_FILE_AND_KEY:
    case IDENTITY_TOKEN:
      return file_set_add_file(set, source->path);
    case IDENTITY_GIVEN:
      break;
  }
  return true;
}

static amqp_wolfssl_code_t read_pair(const struct identity_source *source, const struct file_set *set,
                                     const struct passphrase_source *passphrase, const struct policy *policy,
                                     struct credentials *credentials, amqp_wolfssl_error_t *error) {
  const struct file_set_item *certificate = &set->items[IDENTITY_CERTIFICATE];
  struct credentials_input input = {
      certificate->contents.bytes, certificate->contents.length, certificate->path, NULL, 0, NULL,
  };

  if (source->kind == IDENTITY_FILE_AND_KEY) {
    input.key = source->key.bytes;
    input.key_length = source->key.length;
    input.key_origin = "the key in memory";
  } else {
    const struct file_set_item *key = &set->items[IDENTITY_KEY];

    input.key = key->contents.bytes;
    input.key_length = key->contents.length;
    input.key_origin = key->path;
  }
  return credentials_read(credentials, &input, passphrase, policy, error);
}

/* A broker would refuse it, and nothing would be gained by taking it. */
static amqp_wolfssl_code_t check_dates(const struct credentials *credentials, const char *origin, int64_t *valid_from,
                                       amqp_wolfssl_error_t *error) {
  const struct certificate_der *der = &credentials->chain.items[0];
  char subject[ERROR_SUBJECT_LENGTH];
  enum certificate_validity validity;
  struct certificate leaf;

  if (!certificate_read(&leaf, der->bytes, der->length)) { /* it was read before */
    return error_configure(error, AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED, "the certificate in %s can't be parsed",
                           origin);
  }
  validity = certificate_validity_at(&leaf, (int64_t)time(NULL));
  if (validity == CERTIFICATE_CURRENT) {
    return AMQP_WOLFSSL_OK;
  }
  certificate_format_name(leaf.subject, subject, sizeof(subject));
  if (validity == CERTIFICATE_EXPIRED) {
    error_configure(error, AMQP_WOLFSSL_ERROR_CERTIFICATE_EXPIRED, "the client certificate of \"%s\" in %s has expired",
                    subject, origin);
    error_append_date(error, " (", leaf.not_after, ")");
  } else {
    *valid_from = leaf.not_before;
    error_configure(error, AMQP_WOLFSSL_ERROR_CERTIFICATE_NOT_YET_VALID,
                    "the client certificate of \"%s\" in %s is not valid yet", subject, origin);
    error_append_date(error, " (from ", leaf.not_before, " on); check this machine's clock");
  }
  error_set_certificate(error, 0, subject);
  return error->code;
}

amqp_wolfssl_code_t identity_source_read(const struct identity_source *source, const struct file_set *set,
                                         const struct passphrase_source *passphrase, const struct policy *policy,
                                         struct credentials *credentials, int64_t *valid_from,
                                         amqp_wolfssl_error_t *error) {
  const struct file_set_item *certificate = &set->items[IDENTITY_CERTIFICATE];
  amqp_wolfssl_code_t code;

  *valid_from = 0;
  if (source->kind == IDENTITY_TOKEN) {
    code = credentials_use_token(credentials, &certificate->contents, certificate->path,
                                 (const char *)source->key.bytes, passphrase, policy, error);
  } else {
    code = read_pair(source, set, passphrase, policy, credentials, error);
  }
  if (code == AMQP_WOLFSSL_OK) {
    code = check_dates(credentials, certificate->path, valid_from, error);
    if (code != AMQP_WOLFSSL_OK) {
      credentials_free(credentials);
    }
  }
  return code;
}

void identity_source_free(struct identity_source *source) {
  free(source->path);
  secret_free(&source->key);
  memset(source, 0, sizeof(*source));
}
