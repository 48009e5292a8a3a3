/* SPDX-License-Identifier: MIT */
/*
 * What every setter does first and last. A setter's failure is remembered until the same setter succeeds, so that a
 * program that never looks at return values can't connect without the settings it asked for.
 */
#include "autoconfig.h"

#include "config/setter.h"

#include "backend/fips_module.h"
#include "config/rotation.h"

amqp_wolfssl_code_t blame_fips_module(amqp_wolfssl_code_t code, amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t module = fips_module_check(AMQP_WOLFSSL_STAGE_CONFIGURE, error);

  return module == AMQP_WOLFSSL_ERROR_FIPS_MODULE ? module : code;
}

amqp_wolfssl_code_t end_setter(amqp_wolfssl_config_t *config, enum setter setter, amqp_wolfssl_code_t code) {
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
  return end_setter(
      config, setter,
      error_configure(&config->error, AMQP_WOLFSSL_ERROR_CONFIG_FROZEN,
                      "a setting can't be changed while the connection is open; change it before opening"));
}

amqp_wolfssl_code_t begin_setter(amqp_wolfssl_config_t *config, enum setter setter) {
  amqp_wolfssl_code_t code;

  if (config == NULL) {
    return AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT;
  }
  if (atomic_load(&config->frozen)) {
    return refuse_frozen(config, setter);
  }
  error_clear(&config->error);
  code = fips_module_check(AMQP_WOLFSSL_STAGE_CONFIGURE, &config->error);
  if (code != AMQP_WOLFSSL_OK) {
    return end_setter(config, setter, code);
  }
  rotation_reset(config); /* what an earlier open has left, with the options of that time */
  return AMQP_WOLFSSL_OK;
}

amqp_wolfssl_code_t missing_argument(amqp_wolfssl_config_t *config, const char *what) {
  return error_configure(&config->error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT, "%s is NULL", what);
}
