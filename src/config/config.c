/* SPDX-License-Identifier: MIT */
/* The life of a config: created from defaults and the site file, shared, frozen, turned into a context. */
#include "autoconfig.h"

#include "config/config.h"

#include <stdlib.h>

#include "backend/fips_module.h"
#include "backend/point_cache.h"
#include "config/rotation.h"
#include "config/setter.h"

static void set_defaults(amqp_wolfssl_config_t *config) {
  const amqp_wolfssl_policy_t policy = site_stricter_policy(DEFAULT_POLICY, config->site.policy);

  policy_limits_init(&config->settings.limits, policy_find(policy));
  site_settings_except(&config->site, &config->settings.limits);
  (void)check_policy_can_be_held(config->settings.limits.policy, &config->failed[SETTER_POLICY]);
  if (config->site.minimum_version != 0) {
    config->settings.limits.lowest = config->site.minimum_version;
  }
  config->maximum_life = LIFE_BY_DEFAULT;
  config->settings.verify_peer = true;
  config->settings.verify_host = true;
  config->settings.expected = &config->expected;
  config->settings.stapling = AMQP_WOLFSSL_STAPLING_OFF;
  config->settings.revocation = &config->revocation;
}

/* What the administrator requires besides limits: CRLs and stapled OCSP responses. */
static amqp_wolfssl_code_t use_site_revocation(amqp_wolfssl_config_t *config) {
  amqp_wolfssl_code_t code = AMQP_WOLFSSL_OK;

  if (config->site.require_stapling) {
    config->settings.stapling = AMQP_WOLFSSL_STAPLING_REQUIRE;
    code = check_stapling_is_shown(&config->error);
  }
  if (code == AMQP_WOLFSSL_OK && config->site.crl_file != NULL) {
    code = revocation_sources_add_file(&config->revocation, config->site.crl_file, &config->error);
  }
  return code;
}

/* No setter can repair what goes wrong here: no connection will be opened. */
static void use_site_file(amqp_wolfssl_config_t *config, const char *path) {
  amqp_wolfssl_code_t code = site_file_read(path, &config->site, &config->error);

  if (POLICY_LOCK && code == AMQP_WOLFSSL_OK && config->site.extended_master_secret_optional) {
    code =
        error_configure(&config->error, AMQP_WOLFSSL_ERROR_SITE_FILE_INVALID,
                        "%s makes an exception (\"extended-master-secret\"), but this library was built to allow none "
                        "(--enable-policy-lock)",
                        path);
    config->site.extended_master_secret_optional = false;
  }
  set_defaults(config);
  if (code == AMQP_WOLFSSL_OK) {
    code = use_site_revocation(config);
  }
  if (code != AMQP_WOLFSSL_OK) {
    error_copy(&config->failed[SETTER_SITE_FILE], &config->error);
  }
}

amqp_wolfssl_config_t *config_new_with_site_file(const char *path) {
  amqp_wolfssl_config_t *config = calloc(1, sizeof(*config));

  if (config == NULL) {
    return NULL;
  }
  if (pthread_mutex_init(&config->lock, NULL) != 0) {
    free(config);
    return NULL;
  }
  if (revocation_sources_init(&config->revocation) != 0) {
    (void)pthread_mutex_destroy(&config->lock);
    free(config);
    return NULL;
  }
  atomic_init(&config->references, 1);
  atomic_init(&config->frozen, false);
  error_clear(&config->error);
  rotation_init(&config->rotation);
  for (size_t i = 0; i < SETTER_COUNT; i++) {
    error_clear(&config->failed[i]);
  }
  use_site_file(config, path);
  return config;
}

amqp_wolfssl_config_t *amqp_wolfssl_config_new(void) { return config_new_with_site_file(SITE_FILE); }

amqp_wolfssl_config_t *amqp_wolfssl_config_reference(amqp_wolfssl_config_t *config) {
  if (config != NULL) {
    atomic_fetch_add_explicit(&config->references, 1, memory_order_relaxed);
  }
  return config;
}

static void destroy(amqp_wolfssl_config_t *config) {
  rotation_reset(config);
  trust_free(&config->trust);
  trust_free(&config->folder_trust);
  trust_sources_free(&config->trust_sources);
  revocation_sources_free(&config->revocation);
  credentials_free(&config->credentials);
  identity_source_free(&config->identity);
  secret_free(&config->passphrase);
  pkcs11_login_free(&config->rejected_pins);
  free(config->server_name);
  expected_identity_free(&config->expected);
  site_settings_free(&config->site);
  (void)pthread_mutex_destroy(&config->lock);
  free(config);
}

void amqp_wolfssl_config_free(amqp_wolfssl_config_t *config) {
  if (config != NULL && atomic_fetch_sub_explicit(&config->references, 1, memory_order_acq_rel) == 1) {
    destroy(config);
  }
}

const amqp_wolfssl_error_t *amqp_wolfssl_config_error(const amqp_wolfssl_config_t *config) {
  return config != NULL ? &config->error : NULL;
}

/* ---- For the layers above ---- */

amqp_wolfssl_config_t *config_new_unshared(void) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  if (config != NULL) {
    config->unshared = true;
  }
  return config;
}

const struct tls_settings *config_settings(const amqp_wolfssl_config_t *config) { return &config->settings; }

bool config_is_unshared(const amqp_wolfssl_config_t *config) { return config->unshared; }

/* Only who reads an identity needs the passphrase, and where the key is. The setters of a shared config never succeed
   again. An unshared one's may, and the program need not say it twice: rabbitmq-c's own TLS socket keeps it too. */
void config_freeze(amqp_wolfssl_config_t *config) {
  if (atomic_exchange(&config->frozen, true) || config->unshared) {
    return;
  }
  (void)pthread_mutex_lock(&config->lock); /* who finds it frozen goes on to open, and asks whether files rotate */
  if (!rotation_is_on(config)) {
    secret_free(&config->passphrase);
    identity_source_free(&config->identity);
  }
  (void)pthread_mutex_unlock(&config->lock);
}

void config_thaw(amqp_wolfssl_config_t *config) {
  if (config->unshared) {
    atomic_store(&config->frozen, false);
  }
}

const char *config_server_name(const amqp_wolfssl_config_t *config) { return config->server_name; }

bool config_is_nameless(const amqp_wolfssl_config_t *config) { return config->nameless; }

/* A system without CA certificates adds no trust, and takes none from what the program has named itself. */
static bool prevents_opening(const amqp_wolfssl_config_t *config, size_t setter) {
  const amqp_wolfssl_code_t code = config->failed[setter].code;

  if (setter == SETTER_CA_SYSTEM && code == AMQP_WOLFSSL_ERROR_NO_CERTIFICATE) {
    return config->trust.anchors.count == 0 && config->folder_trust.anchors.count == 0;
  }
  return code != AMQP_WOLFSSL_OK;
}

static amqp_wolfssl_code_t check_setters(const amqp_wolfssl_config_t *config, amqp_wolfssl_error_t *error) {
  for (size_t i = 0; i < SETTER_COUNT; i++) {
    if (prevents_opening(config, i)) {
      error_copy(error, &config->failed[i]);
      error_append(error, " (the setting was refused, so no connection is opened)");
      return error->code;
    }
  }
  return AMQP_WOLFSSL_OK;
}

/* RFC 9151 requires revocation checks: with nothing to check against, no connection is opened. */
static amqp_wolfssl_code_t check_revocation(const amqp_wolfssl_config_t *config, amqp_wolfssl_error_t *error) {
  const struct policy *policy = config->settings.limits.policy;

  if (!policy_requires_revocation_check(policy) || config->settings.stapling == AMQP_WOLFSSL_STAPLING_REQUIRE ||
      revocation_sources_any(&config->revocation)) {
    return AMQP_WOLFSSL_OK;
  }
  return error_configure(
      error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
      "the policy \"%s\" requires revocation checks, but there is nothing to check against; add CRLs, or require OCSP "
      "stapling",
      policy_name(policy));
}

static amqp_wolfssl_code_t check_options(const amqp_wolfssl_config_t *config, amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code = fips_module_check(AMQP_WOLFSSL_STAGE_CONFIGURE, error);

  if (code == AMQP_WOLFSSL_OK) {
    code = check_setters(config, error);
  }
  return code == AMQP_WOLFSSL_OK ? check_revocation(config, error) : code;
}

/* Of what the files hold, or held last when it held; \a warning says if it is not what they hold now. */
static amqp_wolfssl_code_t take_context(amqp_wolfssl_config_t *config, struct tls_context **context, uint64_t *number,
                                        amqp_wolfssl_error_t *warning, amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code;

  (void)pthread_mutex_lock(&config->lock);
  code = rotation_refresh(config, ROTATION_OPEN, error);
  if (code == AMQP_WOLFSSL_OK) {
    *context = tls_context_reference(config->context);
    *number = config->rotation.number;
    config->rotation.used = config->rotation.number;
  }
  error_copy(warning, &config->rotation.refusal.record);
  (void)pthread_mutex_unlock(&config->lock);
  return code;
}

amqp_wolfssl_code_t config_tls_context(amqp_wolfssl_config_t *config, struct tls_context **context,
                                       amqp_wolfssl_error_t *warning, amqp_wolfssl_error_t *error) {
  uint64_t number = 0;
  amqp_wolfssl_code_t code = check_options(config, error);

  error_clear(warning);
  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  code = take_context(config, context, &number, warning, error);
  if (code != AMQP_WOLFSSL_OK) {
    return blame_fips_module(code, error);
  }
  code = revocation_sources_refresh(&config->revocation, &tls_context_trust(*context)->anchors, number, error);
  point_cache_release(); /* filled by checking the CRLs' signatures */
  if (code != AMQP_WOLFSSL_OK) {
    tls_context_free(*context);
    *context = NULL;
  }
  return code;
}
