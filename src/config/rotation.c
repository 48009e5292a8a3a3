/* SPDX-License-Identifier: MIT */
/* Reads credentials again, and puts them in the place of those in use when they hold. */
#include "autoconfig.h"

#include "config/rotation.h"

#include <string.h>
#include <time.h>

#include "backend/fips_module.h"
#include "backend/point_cache.h"

void rotation_init(struct rotation *rotation) { error_clear(&rotation->refusal.record); }

bool rotation_is_on(const amqp_wolfssl_config_t *config) {
  return config->rotation.wanted || config->identity.kind == IDENTITY_FOLDER;
}

static amqp_wolfssl_code_t out_of_memory(amqp_wolfssl_error_t *error) {
  return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
}

/* ---- What the setters have read ---- */

static amqp_wolfssl_code_t join_trust(amqp_wolfssl_config_t *config, amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code;

  trust_free(&config->joined_trust);
  code = trust_add_copies(&config->joined_trust, &config->trust, 0, config->trust.anchors.count, error);
  return code != AMQP_WOLFSSL_OK ? code
                                 : trust_add_copies(&config->joined_trust, &config->folder_trust, 0,
                                                    config->folder_trust.anchors.count, error);
}

static amqp_wolfssl_code_t use_what_was_set(amqp_wolfssl_config_t *config, amqp_wolfssl_error_t *error) {
  const struct trust *trust = &config->trust;
  amqp_wolfssl_code_t code = AMQP_WOLFSSL_OK;

  if (config->folder_trust.anchors.count > 0) {
    code = join_trust(config, error);
    trust = &config->joined_trust;
  }
  if (code == AMQP_WOLFSSL_OK) {
    code = tls_context_new(&config->context, &config->settings, trust, &config->credentials, error);
  }
  if (code == AMQP_WOLFSSL_OK) {
    config->rotation.number++;
  }
  return code;
}

/* ---- A new set ---- */

/* The identity's files come first. */
static bool name_files(const amqp_wolfssl_config_t *config, struct file_set *set, size_t *of_identity) {
  if (!identity_source_name_files(&config->identity, set)) {
    return false;
  }
  *of_identity = set->count;
  return !config->rotation.wanted || trust_sources_name_files(&config->trust_sources, set);
}

static amqp_wolfssl_code_t read_trust(const amqp_wolfssl_config_t *config, const struct file_set *set,
                                      size_t of_identity, struct trust *trust, amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code =
      config->rotation.wanted
          ? trust_sources_read(&config->trust_sources, &config->trust, set->items + of_identity, trust, error)
          : trust_add_copies(trust, &config->trust, 0, config->trust.anchors.count, error);

  if (code == AMQP_WOLFSSL_OK && config->identity.kind == IDENTITY_FOLDER) {
    const struct file_set_item *authorities = &set->items[IDENTITY_AUTHORITIES];

    if (authorities->present) {
      code = trust_add_contents(trust, authorities->contents.bytes, authorities->contents.length, authorities->path,
                                error);
    }
  }
  return code;
}

static amqp_wolfssl_code_t read_credentials(amqp_wolfssl_config_t *config, const struct file_set *set,
                                            struct credentials *credentials, int64_t *valid_from,
                                            amqp_wolfssl_error_t *error) {
  const struct passphrase_source passphrase = config_passphrase(config);

  return config->identity.kind == IDENTITY_GIVEN
             ? credentials_copy(credentials, &config->credentials, error)
             : identity_source_read(&config->identity, set, &passphrase, config->settings.limits.policy, credentials,
                                    valid_from, error);
}

static bool is_in_use(const amqp_wolfssl_config_t *config, const struct trust *trust,
                      const struct credentials *credentials) {
  return config->context != NULL && trust_equals(tls_context_trust(config->context), trust) &&
         credentials_equal(tls_context_credentials(config->context), credentials);
}

/* The new set is in use once it has been made whole; until then, and if it can't be, the old one. */
static amqp_wolfssl_code_t take(amqp_wolfssl_config_t *config, struct trust *trust, struct credentials *credentials,
                                amqp_wolfssl_error_t *error) {
  struct tls_context *made = NULL;
  amqp_wolfssl_code_t code;

  if (is_in_use(config, trust, credentials)) {
    return AMQP_WOLFSSL_OK;
  }
  code = tls_context_new_owning(&made, &config->settings, trust, credentials, error);
  if (code == AMQP_WOLFSSL_OK) {
    tls_context_free(config->context);
    config->context = made;
    config->rotation.number++;
  }
  return code;
}

static amqp_wolfssl_code_t examine(amqp_wolfssl_config_t *config, const struct file_set *set, size_t of_identity,
                                   int64_t *valid_from, amqp_wolfssl_error_t *error) {
  struct credentials credentials = {0};
  struct trust trust = {0};
  amqp_wolfssl_code_t code = read_trust(config, set, of_identity, &trust, error);

  if (code == AMQP_WOLFSSL_OK) {
    code = read_credentials(config, set, &credentials, valid_from, error);
  }
  if (code == AMQP_WOLFSSL_OK) {
    code = take(config, &trust, &credentials, error);
  }
  trust_free(&trust);
  credentials_free(&credentials);
  point_cache_release();
  return code;
}

/* ---- Looking ---- */

static void forget_seen(struct rotation *rotation) { file_set_free(&rotation->seen); }

static bool has_seen(const struct rotation *rotation) { return rotation->seen.count > 0; }

static void set_verdict(struct rotation *rotation, amqp_wolfssl_code_t code, const amqp_wolfssl_error_t *error,
                        int64_t again_at) {
  struct refusal *refusal = &rotation->refusal;

  if (code == AMQP_WOLFSSL_OK) {
    error_clear(&refusal->record);
    refusal->again_at = 0;
    return;
  }
  error_copy(&refusal->record, error);
  (void)fips_module_check(AMQP_WOLFSSL_STAGE_CONFIGURE, &refusal->record); /* in error, it is the cause */
  error_append(&refusal->record, "; the credentials that were read before stay in use");
  refusal->again_at = again_at;
}

static bool is_due_again(const struct refusal *refusal) {
  return refusal->again_at != 0 && (int64_t)time(NULL) >= refusal->again_at;
}

/* A token that was unplugged takes its session with it, and no file shows that. */
static bool has_lost_token(const amqp_wolfssl_config_t *config) {
  struct pkcs11_token *token = config->context != NULL ? tls_context_credentials(config->context)->token : NULL;

  return token != NULL && !pkcs11_token_is_usable(token);
}

/* Whether the bytes that were examined before deserve it once more. */
static bool is_worth_another_look(const amqp_wolfssl_config_t *config, enum rotation_look look) {
  const struct refusal *refusal = &config->rotation.refusal;

  return is_due_again(refusal) ||
         (look == ROTATION_OPEN && (refusal->record.code != AMQP_WOLFSSL_OK || has_lost_token(config)));
}

/* \a fresh is taken over. */
static void judge(amqp_wolfssl_config_t *config, struct file_set *fresh, size_t of_identity, enum rotation_look look) {
  struct rotation *rotation = &config->rotation;
  const bool same = has_seen(rotation) && file_set_equals(&rotation->seen, fresh);

  if (!same || is_worth_another_look(config, look)) {
    amqp_wolfssl_error_t error;
    int64_t valid_from = 0;
    amqp_wolfssl_code_t code;

    error_clear(&error);
    code = examine(config, fresh, of_identity, &valid_from, &error);
    set_verdict(rotation, code, &error, valid_from);
  }
  forget_seen(rotation);
  rotation->seen = *fresh; /* the newer marks, if nothing else */
}

static void look_at_files(amqp_wolfssl_config_t *config, enum rotation_look look) {
  struct rotation *rotation = &config->rotation;
  struct file_set fresh = {0};
  size_t of_identity = 0;
  amqp_wolfssl_error_t error;
  amqp_wolfssl_code_t code;

  error_clear(&error);
  code = name_files(config, &fresh, &of_identity) ? AMQP_WOLFSSL_OK : out_of_memory(&error);
  if (code == AMQP_WOLFSSL_OK && fresh.count > 0) {
    code = file_set_read(&fresh, &error);
  }
  if (code == AMQP_WOLFSSL_OK && fresh.count > 0) {
    judge(config, &fresh, of_identity, look);
    return;
  }
  if (code != AMQP_WOLFSSL_OK) {
    forget_seen(rotation); /* whatever can be read next is news */
    set_verdict(rotation, code, &error, 0);
  }
  file_set_free(&fresh);
}

static bool is_known(const struct rotation *rotation) {
  return has_seen(rotation) && !is_due_again(&rotation->refusal) && file_set_is_unchanged(&rotation->seen);
}

amqp_wolfssl_code_t rotation_refresh(amqp_wolfssl_config_t *config, enum rotation_look look,
                                     amqp_wolfssl_error_t *error) {
  if (rotation_is_on(config) && !(look == ROTATION_GLANCE && config->context != NULL && is_known(&config->rotation))) {
    look_at_files(config, look);
  }
  return config->context != NULL ? AMQP_WOLFSSL_OK : use_what_was_set(config, error);
}

void rotation_reset(amqp_wolfssl_config_t *config) {
  struct rotation *rotation = &config->rotation;

  tls_context_free(config->context);
  config->context = NULL;
  trust_free(&config->joined_trust);
  forget_seen(rotation);
  set_verdict(rotation, AMQP_WOLFSSL_OK, NULL, 0);
  rotation->used = 0;
}
