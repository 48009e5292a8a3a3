/* SPDX-License-Identifier: MIT */
/* The policy, what narrows it, and the exceptions that a program may make. */
#include "autoconfig.h"

#include "config/setter.h"

/* ---- Exceptions ---- */

/* What a program may exempt itself from, unless whoever built the library or administers the machine forbids it. */
amqp_wolfssl_code_t check_exception(amqp_wolfssl_config_t *config) {
  if (POLICY_LOCK) {
    return error_configure(&config->error, AMQP_WOLFSSL_ERROR_POLICY_LOCKED,
                           "this library was built to allow no exceptions to its policy (--enable-policy-lock)");
  }
  if (config->site.policy != 0) {
    return error_configure(&config->error, AMQP_WOLFSSL_ERROR_POLICY_LOCKED,
                           "%s sets a policy, and the program can't make exceptions to it", SITE_FILE);
  }
  return AMQP_WOLFSSL_OK;
}

/* 1, or 0 as an exception. */
static amqp_wolfssl_code_t check_switch(amqp_wolfssl_config_t *config, int value) {
  if (value != 0 && value != 1) {
    return error_configure(&config->error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT, "%d is neither 0 nor 1", value);
  }
  return value == 1 ? AMQP_WOLFSSL_OK : check_exception(config);
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_verify_peer(amqp_wolfssl_config_t *config, int verify) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_VERIFY_PEER);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  code = check_switch(config, verify);
  if (code == AMQP_WOLFSSL_OK) {
    config->settings.verify_peer = verify == 1;
  }
  return end_setter(config, SETTER_VERIFY_PEER, code);
}

/* Not by its name, but by its URI: that is no exception. */
static bool is_by_uri(const amqp_wolfssl_config_t *config, int verify_host) {
  return verify_host == 0 && expected_identity_has_uri(&config->expected);
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_verify_host(amqp_wolfssl_config_t *config, int verify) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_VERIFY_HOST);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  code = is_by_uri(config, verify) ? AMQP_WOLFSSL_OK : check_switch(config, verify);
  if (code == AMQP_WOLFSSL_OK) {
    config->settings.verify_host = verify == 1;
  }
  return end_setter(config, SETTER_VERIFY_HOST, code);
}

/* ---- Versions, policy, suites, groups ---- */

static bool is_version(amqp_wolfssl_version_t version) {
  return version == AMQP_WOLFSSL_TLS_1_2 || version == AMQP_WOLFSSL_TLS_1_3;
}

amqp_wolfssl_code_t amqp_wolfssl_config_set_tls_versions(amqp_wolfssl_config_t *config, amqp_wolfssl_version_t lowest,
                                                         amqp_wolfssl_version_t highest) {
  amqp_wolfssl_code_t code = begin_setter(config, SETTER_VERSIONS);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  if (!is_version(lowest) || !is_version(highest) || lowest > highest) {
    code = error_configure(
        &config->error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT,
        "0x%04x to 0x%04x is not a valid range of TLS versions; the versions are TLS 1.2 (0x0303) and TLS 1.3 (0x0304)",
        (unsigned)lowest, (unsigned)highest);
  } else if (highest < config->site.minimum_version) {
    code = error_configure(&config->error, AMQP_WOLFSSL_ERROR_POLICY_LOCKED,
                           "the program allows TLS 1.2 only, but %s requires TLS 1.3", SITE_FILE);
  } else {
    config->settings.limits.lowest = lowest > config->site.minimum_version ? lowest : config->site.minimum_version;
    config->settings.limits.highest = highest;
  }
  return end_setter(config, SETTER_VERSIONS, code);
}

static void replace_policy(struct policy_limits *limits, const struct policy *policy,
                           const struct site_settings *site) {
  const amqp_wolfssl_version_t lowest = limits->lowest;
  const amqp_wolfssl_version_t highest = limits->highest;

  policy_limits_init(limits, policy);
  site_settings_except(site, limits);
  limits->lowest = lowest > limits->lowest ? lowest : limits->lowest;
  limits->highest = highest < limits->highest ? highest : limits->highest;
}

amqp_wolfssl_code_t check_policy_can_be_held(const struct policy *policy, amqp_wolfssl_error_t *error) {
  if (policy_can_be_held(policy)) {
    return AMQP_WOLFSSL_OK;
  }
  return error_configure(
      error, AMQP_WOLFSSL_ERROR_NOT_SUPPORTED,
      "the policy \"%s\" needs a wolfSSL that can be told which signature algorithms to offer; use one built with "
      "--enable-opensslextra",
      policy_name(policy));
}

static amqp_wolfssl_code_t set_policy(amqp_wolfssl_config_t *config, amqp_wolfssl_policy_t policy) {
  const struct policy *effective = policy_find(site_stricter_policy(policy, config->site.policy));
  amqp_wolfssl_code_t code;

  if (policy_find(policy) == NULL) {
    return error_configure(&config->error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT, "%d is not a valid policy",
                           (int)policy);
  }
  code = check_policy_can_be_held(effective, &config->error);
  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  if (POLICY_LOCK && policy != DEFAULT_POLICY) {
    return error_configure(&config->error, AMQP_WOLFSSL_ERROR_POLICY_LOCKED,
                           "this library was built to allow only the policy \"%s\" (--enable-policy-lock)",
                           policy_name(policy_find(DEFAULT_POLICY)));
  }
  if (config->credentials.chain.count > 0) {
    return error_configure(&config->error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT,
                           "the policy must be set before the identity, which is checked against it");
  }
  if (config->narrowed) {
    return error_configure(&config->error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT,
                           "the policy must be set before suites, groups and exceptions, which depend on it");
  }
  replace_policy(&config->settings.limits, effective, &config->site);
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
