/* SPDX-License-Identifier: MIT */
/* How long a connection may last. */
#include "autoconfig.h"

#include "config/config.h"
#include "config/setter.h"

/* A century: anything longer is a mistake, and could overflow. */
#define MAXIMUM_LIFE_LIMIT ((int64_t)100 * 366 * 86400)

amqp_wolfssl_code_t amqp_wolfssl_config_set_maximum_life(amqp_wolfssl_config_t *config, int64_t seconds) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_MAXIMUM_LIFE);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  if (seconds < 0 || seconds > MAXIMUM_LIFE_LIMIT) {
    code = error_configure(
        &config->error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT,
        "%lld seconds is not a valid connection lifetime; it must be between 0 (no limit) and 100 years",
        (long long)seconds);
  } else {
    config->maximum_life = seconds;
  }
  return end_setter(config, SETTER_MAXIMUM_LIFE, code);
}

/* wolfSSL advises FIPS builds to reconnect every 24 to 48 hours: the random numbers are tested continuously, and such a
   test can fail spuriously. */
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
