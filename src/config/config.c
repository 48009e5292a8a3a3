/* SPDX-License-Identifier: MIT */
/*
 * The config: every setter checks at once and takes all or nothing. A setter's failure is remembered until the same
 * setter succeeds, so that a program that never looks at return values can't connect without what it configured.
 */
#include "autoconfig.h"

#include "config/config.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "backend/fips_module.h"
#include "verification/peer_verification.h"
#include "backend/point_cache.h"
#include "verification/revocation_sources.h"
#include "config/site_file.h"

/* Whose failure keeps a connection from being opened. */
enum setter {
  SETTER_SITE_FILE, /* the administrator's; no call mends it */
  SETTER_CA_FILE,
  SETTER_CA_FOLDER,
  SETTER_CA_MEMORY,
  SETTER_CA_SYSTEM,
  SETTER_IDENTITY, /* files, memory or token: the later one replaces the earlier */
  SETTER_PASSPHRASE,
  SETTER_VERIFY_PEER,
  SETTER_VERIFY_HOST,
  SETTER_SERVER_NAME,
  SETTER_VERSIONS,
  SETTER_POLICY,
  SETTER_SUITES,
  SETTER_GROUPS,
  SETTER_EXTENDED_MASTER_SECRET,
  SETTER_MAXIMUM_LIFE,
  SETTER_CRL_FILE,
  SETTER_CRL_FOLDER,
  SETTER_CRL_MEMORY,
  SETTER_STAPLING,
  SETTER_COUNT
};

/* A century: beyond it are mistakes, and sums that overflow. */
#define MAXIMUM_LIFE_LIMIT ((int64_t)100 * 366 * 86400)

struct amqp_wolfssl_config_t_ {
  atomic_uint references;
  atomic_bool frozen;
  bool unshared;        /* of one socket alone, and frozen only while that is open */
  pthread_mutex_t lock; /* guards the making of \a context; everything else is read-only once frozen */
  struct tls_context *context;

  struct site_settings site; /* what an administrator asks for beside the options */
  struct tls_settings settings;
  int64_t maximum_life; /* seconds; 0: no limit; LIFE_BY_DEFAULT */
  bool narrowed;        /* suites, groups or exceptions were set, which depend on the policy */
  struct trust trust;
  struct revocation_sources revocation; /* has a lock of its own, for files that change while the config is frozen */
  struct credentials credentials;
  struct secret passphrase;
  amqp_wolfssl_passphrase_fn passphrase_callback;
  void *passphrase_user_data;
  char *server_name;

  amqp_wolfssl_error_t error;                /* of the last failed setter */
  amqp_wolfssl_error_t failed[SETTER_COUNT]; /* what stands in the way of opening; in place: no memory, no excuse */
};

/* The program has not said how long a connection may last. */
#define LIFE_BY_DEFAULT ((int64_t)-1)

static amqp_wolfssl_code_t cannot_be_held(const struct policy *policy, amqp_wolfssl_error_t *error) {
  return error_configure(error, AMQP_WOLFSSL_ERROR_NOT_SUPPORTED,
                         "the policy \"%s\" needs a wolfSSL that can be told which signature algorithms to offer "
                         "(--enable-opensslextra)",
                         policy_name(policy));
}

static void set_defaults(amqp_wolfssl_config_t *config) {
  const amqp_wolfssl_policy_t policy = site_stricter_policy(DEFAULT_POLICY, config->site.policy);

  policy_limits_init(&config->settings.limits, policy_find(policy));
  if (!policy_can_be_held(config->settings.limits.policy)) {
    cannot_be_held(config->settings.limits.policy, &config->failed[SETTER_POLICY]);
  }
  if (config->site.minimum_version != 0) {
    config->settings.limits.lowest = config->site.minimum_version;
  }
  config->maximum_life = LIFE_BY_DEFAULT;
  config->settings.verify_peer = true;
  config->settings.verify_host = true;
  config->settings.stapling = AMQP_WOLFSSL_STAPLING_OFF;
  config->settings.revocation = &config->revocation;
}

static amqp_wolfssl_code_t cannot_staple(amqp_wolfssl_error_t *error) {
  return error_configure(
      error, AMQP_WOLFSSL_ERROR_NOT_SUPPORTED,
      "this wolfSSL was built without OCSP stapling (--enable-ocspstapling), or is too old to show the answers; "
      "give CRLs instead");
}

/* What the administrator asks for beside limits: lists, and answers. */
static amqp_wolfssl_code_t use_site_revocation(amqp_wolfssl_config_t *config) {
  amqp_wolfssl_code_t code = AMQP_WOLFSSL_OK;

  if (config->site.require_stapling) {
    config->settings.stapling = AMQP_WOLFSSL_STAPLING_REQUIRE;
    code = peer_verification_sees_answers() ? AMQP_WOLFSSL_OK : cannot_staple(&config->error);
  }
  if (code == AMQP_WOLFSSL_OK && config->site.crl_file != NULL) {
    code = revocation_sources_add_file(&config->revocation, config->site.crl_file, &config->error);
  }
  return code;
}

/* Whatever goes wrong here no setter can mend: nothing will be opened. */
static void use_site_file(amqp_wolfssl_config_t *config, const char *path) {
  amqp_wolfssl_code_t code = site_file_read(path, &config->site, &config->error);

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
  tls_context_free(config->context);
  trust_free(&config->trust);
  revocation_sources_free(&config->revocation);
  credentials_free(&config->credentials);
  secret_free(&config->passphrase);
  free(config->server_name);
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

/* ---- What every setter does first and last ---- */

/*
 * A FIPS module that went into error meanwhile makes any use of wolfSSL fail, for reasons that only look like others.
 */
static amqp_wolfssl_code_t blame_fips_module(amqp_wolfssl_code_t code, amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t module = fips_module_check(AMQP_WOLFSSL_STAGE_CONFIGURE, error);

  return module == AMQP_WOLFSSL_ERROR_FIPS_MODULE ? module : code;
}

/* Keeps a setter's failure, or forgets it once the same setter has succeeded. */
static amqp_wolfssl_code_t end_setter(amqp_wolfssl_config_t *config, enum setter setter, amqp_wolfssl_code_t code) {
  if (code == AMQP_WOLFSSL_OK) {
    error_clear(&config->failed[setter]);
  } else {
    code = blame_fips_module(code, &config->error);
    error_copy(&config->failed[setter], &config->error);
  }
  return code;
}

static amqp_wolfssl_code_t refuse_frozen(amqp_wolfssl_config_t *config, enum setter setter) {
  if (!config->unshared) {
    /* No record: other threads may be reading a frozen config. */
    return AMQP_WOLFSSL_ERROR_CONFIG_FROZEN;
  }
  return end_setter(config, setter,
                    error_configure(&config->error, AMQP_WOLFSSL_ERROR_CONFIG_FROZEN,
                                    "a setting was changed while the connection is open; change it before opening"));
}

static amqp_wolfssl_code_t begin_setter(amqp_wolfssl_config_t *config, enum setter setter) {
  amqp_wolfssl_error_t *error;
  amqp_wolfssl_code_t code;

  if (config == NULL) {
    return AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT;
  }
  if (atomic_load(&config->frozen)) {
    return refuse_frozen(config, setter);
  }
  error = &config->error;
  error_clear(error);
  code = fips_module_check(AMQP_WOLFSSL_STAGE_CONFIGURE, error);
  if (code != AMQP_WOLFSSL_OK) {
    return end_setter(config, setter, code);
  }
  tls_context_free(config->context); /* of an earlier opening, with the options as they were */
  config->context = NULL;
  return AMQP_WOLFSSL_OK;
}

static amqp_wolfssl_code_t missing_argument(amqp_wolfssl_config_t *config, const char *what) {
  return error_configure(&config->error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT, "%s is NULL", what);
}

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
  amqp_wolfssl_error_t *error;

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  error = &config->error;
  if (data == NULL) {
    code = missing_argument(config, "the CA certificate in memory");
  } else if (format != AMQP_WOLFSSL_FORMAT_AUTO && format != AMQP_WOLFSSL_FORMAT_PEM &&
             format != AMQP_WOLFSSL_FORMAT_DER) {
    code = error_configure(error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT, "%d is no format of certificates", (int)format);
  } else {
    code = trust_add_memory(&config->trust, data, length, format, error);
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
  amqp_wolfssl_error_t *error;

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  error = &config->error;
  if (data == NULL) {
    code = missing_argument(config, "the CRL in memory");
  } else if (format != AMQP_WOLFSSL_FORMAT_AUTO && format != AMQP_WOLFSSL_FORMAT_PEM &&
             format != AMQP_WOLFSSL_FORMAT_DER) {
    code = error_configure(error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT, "%d is no format of CRLs", (int)format);
  } else {
    code = revocation_sources_add_memory(&config->revocation, data, length, format, error);
  }
  return end_setter(config, SETTER_CRL_MEMORY, code);
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_stapling(amqp_wolfssl_config_t *config, amqp_wolfssl_stapling_t stapling) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_STAPLING);
  amqp_wolfssl_error_t *error;

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  error = &config->error;
  if (stapling != AMQP_WOLFSSL_STAPLING_OFF && stapling != AMQP_WOLFSSL_STAPLING_REQUEST &&
      stapling != AMQP_WOLFSSL_STAPLING_REQUIRE) {
    code = error_configure(error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT, "%d is no way of OCSP stapling", (int)stapling);
  } else if (stapling != AMQP_WOLFSSL_STAPLING_OFF && !peer_verification_sees_answers()) {
    code = cannot_staple(error);
  } else if (!config->site.require_stapling) { /* where it is required, nothing asks for less */
    config->settings.stapling = stapling;
  }
  return end_setter(config, SETTER_STAPLING, code);
}

/* ---- Identity ---- */

static struct passphrase_source passphrase_source(const amqp_wolfssl_config_t *config) {
  return (struct passphrase_source){&config->passphrase, config->passphrase_callback, config->passphrase_user_data};
}

/* Takes over the credentials of a setter that succeeded. */
static amqp_wolfssl_code_t end_identity(amqp_wolfssl_config_t *config, const struct credentials *credentials,
                                        amqp_wolfssl_code_t code) {
  if (code == AMQP_WOLFSSL_OK) {
    credentials_free(&config->credentials);
    config->credentials = *credentials;
  }
  return end_setter(config, SETTER_IDENTITY, code);
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_identity_files(amqp_wolfssl_config_t *config, const char *certificate_path,
                                                           const char *key_path) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_IDENTITY);
  struct credentials credentials = {0};
  struct passphrase_source passphrase;

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  passphrase = passphrase_source(config);
  if (certificate_path == NULL || key_path == NULL) {
    code = missing_argument(config, certificate_path == NULL ? "the path of the certificate" : "the path of the key");
  } else {
    code = credentials_read_files(&credentials, certificate_path, key_path, &passphrase, config->settings.limits.policy,
                                  &config->error);
  }
  return end_identity(config, &credentials, code);
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
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_IDENTITY);
  struct credentials credentials = {0};
  struct passphrase_source pin;

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  pin = passphrase_source(config);
  if (certificate_path == NULL || key_uri == NULL) {
    code = missing_argument(config, certificate_path == NULL ? "the path of the certificate" : "the URI of the key");
  } else {
    code = credentials_read_token(&credentials, certificate_path, key_uri, &pin, config->settings.limits.policy,
                                  &config->error);
  }
  return end_identity(config, &credentials, code);
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_passphrase(amqp_wolfssl_config_t *config, const char *passphrase) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_PASSPHRASE);
  amqp_wolfssl_error_t *error;
  struct secret copy = {0};

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  error = &config->error;
  if (passphrase != NULL && secret_copy(&copy, passphrase, strlen(passphrase)) != 0) {
    return end_setter(config, SETTER_PASSPHRASE, error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory"));
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

/* ---- Verification, name, versions, policy ---- */

/*
 * What a program may leave out of a policy, where whoever built the library or runs the machine leaves it the choice.
 */
static amqp_wolfssl_code_t check_exception(amqp_wolfssl_config_t *config) {
  amqp_wolfssl_error_t *error = &config->error;

  if (POLICY_LOCK) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_POLICY_LOCKED,
                           "this library was built without exceptions from its policy (--enable-policy-lock)");
  }
  if (config->site.policy != 0) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_POLICY_LOCKED,
                           "%s sets a policy, which the program can't make exceptions from", SITE_FILE);
  }
  return AMQP_WOLFSSL_OK;
}

/* 1, or 0 as an exception. */
static amqp_wolfssl_code_t check_switch(amqp_wolfssl_config_t *config, int value) {
  amqp_wolfssl_error_t *error = &config->error;

  if (value != 0 && value != 1) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT, "%d is neither 0 nor 1", value);
  }
  return value == 1 ? AMQP_WOLFSSL_OK : check_exception(config);
}

static amqp_wolfssl_code_t set_switch(amqp_wolfssl_config_t *config, enum setter setter, bool *option, int value) {
  amqp_wolfssl_code_t code = begin_setter(config, setter);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  code = check_switch(config, value);
  if (code == AMQP_WOLFSSL_OK) {
    *option = value == 1;
  }
  return end_setter(config, setter, code);
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_verify_peer(amqp_wolfssl_config_t *config, int verify) {
  return config == NULL ? AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT
                        : set_switch(config, SETTER_VERIFY_PEER, &config->settings.verify_peer, verify);
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_verify_host(amqp_wolfssl_config_t *config, int verify) {
  return config == NULL ? AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT
                        : set_switch(config, SETTER_VERIFY_HOST, &config->settings.verify_host, verify);
}

static amqp_wolfssl_code_t set_server_name(amqp_wolfssl_config_t *config, const char *name) {
  amqp_wolfssl_error_t *error = &config->error;
  struct peer_name parsed;
  char *copy = NULL;

  if (name != NULL) {
    if (!peer_name_parse(&parsed, name)) {
      return error_configure(error, AMQP_WOLFSSL_ERROR_NAME_INVALID,
                             "\"%.100s\" is neither a DNS name nor an IP address", name);
    }
    copy = strdup(name);
    if (copy == NULL) {
      return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
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

static bool is_version(amqp_wolfssl_version_t version) {
  return version == AMQP_WOLFSSL_TLS_1_2 || version == AMQP_WOLFSSL_TLS_1_3;
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_tls_versions(amqp_wolfssl_config_t *config, amqp_wolfssl_version_t lowest,
                                                         amqp_wolfssl_version_t highest) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_VERSIONS);
  amqp_wolfssl_error_t *error;

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  error = &config->error;
  if (!is_version(lowest) || !is_version(highest) || lowest > highest) {
    code = error_configure(error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT,
                           "0x%04x to 0x%04x is no range of TLS versions; there are TLS 1.2 and TLS 1.3",
                           (unsigned)lowest, (unsigned)highest);
  } else if (highest < config->site.minimum_version) {
    code = error_configure(error, AMQP_WOLFSSL_ERROR_POLICY_LOCKED,
                           "TLS 1.2 only was asked for, and %s wants TLS 1.3 at least", SITE_FILE);
  } else {
    config->settings.limits.lowest = lowest > config->site.minimum_version ? lowest : config->site.minimum_version;
    config->settings.limits.highest = highest;
  }
  return end_setter(config, SETTER_VERSIONS, code);
}

static void replace_policy(struct policy_limits *limits, const struct policy *policy) {
  const amqp_wolfssl_version_t lowest = limits->lowest;
  const amqp_wolfssl_version_t highest = limits->highest;

  policy_limits_init(limits, policy);
  limits->lowest = lowest > limits->lowest ? lowest : limits->lowest;
  limits->highest = highest < limits->highest ? highest : limits->highest;
}

static amqp_wolfssl_code_t set_policy(amqp_wolfssl_config_t *config, amqp_wolfssl_policy_t policy) {
  const struct policy *effective = policy_find(site_stricter_policy(policy, config->site.policy));
  amqp_wolfssl_error_t *error = &config->error;

  if (policy_find(policy) == NULL) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT, "%d is no policy", (int)policy);
  }
  if (!policy_can_be_held(effective)) {
    return cannot_be_held(effective, error);
  }
  if (POLICY_LOCK && policy != DEFAULT_POLICY) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_POLICY_LOCKED,
                           "this library was built with the policy \"%s\" alone (--enable-policy-lock)",
                           policy_name(policy_find(DEFAULT_POLICY)));
  }
  if (config->credentials.chain.count > 0) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT,
                           "the policy must be set before the identity, which is checked against it");
  }
  if (config->narrowed) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT,
                           "the policy must be set before suites, groups and exceptions, which depend on it");
  }
  replace_policy(&config->settings.limits, effective);
  return AMQP_WOLFSSL_OK;
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_policy(amqp_wolfssl_config_t *config, amqp_wolfssl_policy_t policy) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_POLICY);

  return code != AMQP_WOLFSSL_OK ? code : end_setter(config, SETTER_POLICY, set_policy(config, policy));
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_suites(amqp_wolfssl_config_t *config, const char *names) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_SUITES);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  code = names == NULL ? missing_argument(config, "the list of cipher suites")
                       : policy_limits_set_suites(&config->settings.limits, names, &config->error);
  config->narrowed = config->narrowed || code == AMQP_WOLFSSL_OK;
  return end_setter(config, SETTER_SUITES, code);
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_groups(amqp_wolfssl_config_t *config, const char *names) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_GROUPS);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  code = names == NULL ? missing_argument(config, "the list of groups")
                       : policy_limits_set_groups(&config->settings.limits, names, &config->error);
  config->narrowed = config->narrowed || code == AMQP_WOLFSSL_OK;
  return end_setter(config, SETTER_GROUPS, code);
}

static amqp_wolfssl_code_t require_extended_master_secret(amqp_wolfssl_config_t *config, int require) {
  amqp_wolfssl_code_t code = check_switch(config, require);

  if (code == AMQP_WOLFSSL_OK) {
    config->settings.limits.extended_master_secret = require == 1;
    config->narrowed = true;
  }
  return code;
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_require_extended_master_secret(amqp_wolfssl_config_t *config, int require) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_EXTENDED_MASTER_SECRET);

  return code != AMQP_WOLFSSL_OK
             ? code
             : end_setter(config, SETTER_EXTENDED_MASTER_SECRET, require_extended_master_secret(config, require));
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_maximum_life(amqp_wolfssl_config_t *config, int64_t seconds) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_MAXIMUM_LIFE);
  amqp_wolfssl_error_t *error;

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  error = &config->error;
  if (seconds < 0 || seconds > MAXIMUM_LIFE_LIMIT) {
    code = error_configure(error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT, "%lld seconds is no life of a connection",
                           (long long)seconds);
  } else {
    config->maximum_life = seconds;
  }
  return end_setter(config, SETTER_MAXIMUM_LIFE, code);
}

/* ---- For the layers above ---- */

amqp_wolfssl_config_t *config_new_unshared(void) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  if (config != NULL) {
    config->unshared = true;
  }
  return config;
}

bool config_is_unshared(const amqp_wolfssl_config_t *config) { return config->unshared; }

void config_freeze(amqp_wolfssl_config_t *config) { atomic_store(&config->frozen, true); }

void config_thaw(amqp_wolfssl_config_t *config) {
  if (config->unshared) {
    atomic_store(&config->frozen, false);
  }
}

/* wolfSSL advises a FIPS build to reconnect within 24 to 48 hours: its random numbers are tested all along, and such a
   test can fail falsely. */
static int64_t default_maximum_life(const struct policy *policy) {
  return amqp_wolfssl_fips_status() != AMQP_WOLFSSL_FIPS_NOT_BUILT_IN &&
                 policy != policy_find(AMQP_WOLFSSL_POLICY_MODERN)
             ? 24 * 3600
             : 0;
}

int64_t config_maximum_life(const amqp_wolfssl_config_t *config) {
  const int64_t own = config->maximum_life != LIFE_BY_DEFAULT ? config->maximum_life
                                                              : default_maximum_life(config->settings.limits.policy);
  const int64_t of_site = config->site.maximum_life;

  return own == 0 || (of_site != 0 && of_site < own) ? of_site : own;
}

const char *config_server_name(const amqp_wolfssl_config_t *config) { return config->server_name; }

static amqp_wolfssl_code_t check_setters(const amqp_wolfssl_config_t *config, amqp_wolfssl_error_t *error) {
  for (size_t i = 0; i < SETTER_COUNT; i++) {
    if (config->failed[i].code != AMQP_WOLFSSL_OK) {
      error_copy(error, &config->failed[i]);
      error_append(error, " (the setting was refused, so nothing is opened)");
      return error->code;
    }
  }
  return AMQP_WOLFSSL_OK;
}

/* RFC 9151 wants revocation checked: where nothing was given to check by, nothing is opened. */
static amqp_wolfssl_code_t check_revocation(const amqp_wolfssl_config_t *config, amqp_wolfssl_error_t *error) {
  const struct policy *policy = config->settings.limits.policy;

  if (!policy_requires_revocation_check(policy) || config->settings.stapling == AMQP_WOLFSSL_STAPLING_REQUIRE ||
      revocation_sources_any(&config->revocation)) {
    return AMQP_WOLFSSL_OK;
  }
  return error_configure(
      error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
      "the policy \"%s\" asks for revocation checks, and there is nothing to check by; add CRLs, or require OCSP "
      "stapling",
      policy_name(policy));
}

amqp_wolfssl_code_t config_tls_context(amqp_wolfssl_config_t *config, const struct tls_context **context,
                                       amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code = fips_module_check(AMQP_WOLFSSL_STAGE_CONFIGURE, error);

  if (code == AMQP_WOLFSSL_OK) {
    code = check_setters(config, error);
  }
  if (code == AMQP_WOLFSSL_OK) {
    code = check_revocation(config, error);
  }
  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  code = revocation_sources_refresh(&config->revocation, &config->trust.anchors, error);
  point_cache_release(); /* of checking the lists' signatures */
  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  (void)pthread_mutex_lock(&config->lock);
  if (config->context == NULL) {
    code = tls_context_new(&config->context, &config->settings, &config->trust, &config->credentials, error);
  }
  *context = config->context;
  (void)pthread_mutex_unlock(&config->lock);
  return code == AMQP_WOLFSSL_OK ? code : blame_fips_module(code, error);
}
