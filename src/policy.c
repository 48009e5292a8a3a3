/* SPDX-License-Identifier: MIT */
/* The policies' table, its setting and its check. */
#include "autoconfig.h"

#include "policy.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "wolfssl_headers.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct suite {
  uint16_t number;
  uint16_t version;
  const char *iana_name;
  const char *wolfssl_name;
};

struct group {
  uint16_t number; /* IANA's, which is also wolfSSL's */
  const char *iana_name;
  const char *wolfssl_name; /* as wolfSSL_get_curve_name() spells it */
};

struct policy {
  amqp_wolfssl_policy_t number;
  const char *name;
  const struct suite *suites; /* in order of preference */
  size_t suite_count;
  const uint16_t *groups; /* in order of preference */
  size_t group_count;
  unsigned min_rsa_bits;
  unsigned min_ec_bits;
};

/* NIST SP 800-52r2, section 3.3.1 and appendix D: AEAD with ephemeral keys. */
static const struct suite fips_suites[] = {
    {0x1302, AMQP_WOLFSSL_TLS_1_3, "TLS_AES_256_GCM_SHA384", "TLS13-AES256-GCM-SHA384"},
    {0x1301, AMQP_WOLFSSL_TLS_1_3, "TLS_AES_128_GCM_SHA256", "TLS13-AES128-GCM-SHA256"},
    {0xC02C, AMQP_WOLFSSL_TLS_1_2, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {0xC030, AMQP_WOLFSSL_TLS_1_2, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
    {0xC02B, AMQP_WOLFSSL_TLS_1_2, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {0xC02F, AMQP_WOLFSSL_TLS_1_2, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
};

static const uint16_t fips_groups[] = {WOLFSSL_ECC_SECP256R1, WOLFSSL_ECC_SECP384R1, WOLFSSL_ECC_SECP521R1};

static const struct policy policies[] = {
    {AMQP_WOLFSSL_POLICY_FIPS, "fips", fips_suites, COUNT_OF(fips_suites), fips_groups, COUNT_OF(fips_groups), 2048,
     256},
};

static const struct group groups[] = {
    {WOLFSSL_ECC_SECP256R1, "secp256r1", "SECP256R1"}, {WOLFSSL_ECC_SECP384R1, "secp384r1", "SECP384R1"},
    {WOLFSSL_ECC_SECP521R1, "secp521r1", "SECP521R1"}, {WOLFSSL_ECC_SECP224R1, "secp224r1", "SECP224R1"},
    {WOLFSSL_ECC_X25519, "x25519", "X25519"},          {WOLFSSL_ECC_X448, "x448", "X448"},
    {WOLFSSL_FFDHE_2048, "ffdhe2048", "FFDHE_2048"},   {WOLFSSL_FFDHE_3072, "ffdhe3072", "FFDHE_3072"},
};

const struct policy *policy_find(amqp_wolfssl_policy_t number) {
  for (size_t i = 0; i < COUNT_OF(policies); i++) {
    if (policies[i].number == number) {
      return &policies[i];
    }
  }
  return NULL;
}

static bool version_in_range(uint16_t version, amqp_wolfssl_version_t lowest, amqp_wolfssl_version_t highest) {
  return version >= (unsigned)lowest && version <= (unsigned)highest;
}

/* Colon-separated, in the policy's order, and only of versions in range: wolfSSL takes the list as it stands. */
static void list_suites(const struct policy *policy, amqp_wolfssl_version_t lowest, amqp_wolfssl_version_t highest,
                        char *list, size_t capacity) {
  size_t used = 0;

  list[0] = '\0';
  for (size_t i = 0; i < policy->suite_count && used < capacity; i++) {
    if (version_in_range(policy->suites[i].version, lowest, highest)) {
      int added = snprintf(list + used, capacity - used, "%s%s", used > 0 ? ":" : "", policy->suites[i].wolfssl_name);

      used += added > 0 ? (size_t)added : 0;
    }
  }
}

static int set_groups(const struct policy *policy, WOLFSSL_CTX *context, bool tls_1_3_possible) {
  int result = WOLFSSL_SUCCESS;

  /* wolfSSL 5.5.4's CTX_set_groups fails on a method without TLS 1.3; the older call does the same there. */
  if (tls_1_3_possible) {
    int wanted[8];

    for (size_t i = 0; i < policy->group_count; i++) {
      wanted[i] = policy->groups[i];
    }
    return wolfSSL_CTX_set_groups(context, wanted, (int)policy->group_count);
  }
  for (size_t i = 0; i < policy->group_count && result == WOLFSSL_SUCCESS; i++) {
    result = wolfSSL_CTX_UseSupportedCurve(context, policy->groups[i]);
  }
  return result;
}

amqp_wolfssl_code_t policy_apply(const struct policy *policy, WOLFSSL_CTX *context, amqp_wolfssl_version_t lowest,
                                 amqp_wolfssl_version_t highest, amqp_wolfssl_error_t *error) {
  static const struct error_cause fallback = {AMQP_WOLFSSL_STAGE_CONFIGURE, AMQP_WOLFSSL_NOT_SUPPORTED,
                                              "this wolfSSL can't be held to the policy"};
  char suites[512];
  int result;

  list_suites(policy, lowest, highest, suites, sizeof(suites));
  result = wolfSSL_CTX_set_cipher_list(context, suites);
  if (result == WOLFSSL_SUCCESS) {
    result = set_groups(policy, context, highest >= AMQP_WOLFSSL_TLS_1_3);
  }
  if (result == WOLFSSL_SUCCESS) {
    result = wolfSSL_CTX_SetMinRsaKey_Sz(context, (short)policy->min_rsa_bits);
  }
  if (result == WOLFSSL_SUCCESS) {
    result = wolfSSL_CTX_SetMinEccKey_Sz(context, (short)policy->min_ec_bits);
  }
  if (result != WOLFSSL_SUCCESS) {
    return error_set_from_wolfssl(error, result, &fallback);
  }
  return AMQP_WOLFSSL_OK;
}

static const struct suite *find_suite(const struct policy *policy, uint16_t number) {
  for (size_t i = 0; i < policy->suite_count; i++) {
    if (policy->suites[i].number == number) {
      return &policy->suites[i];
    }
  }
  return NULL;
}

static bool allows_group(const struct policy *policy, uint16_t group) {
  for (size_t i = 0; i < policy->group_count; i++) {
    if (policy->groups[i] == group) {
      return true;
    }
  }
  return false;
}

amqp_wolfssl_code_t policy_check_negotiated(const struct policy *policy, const struct negotiated *negotiated,
                                            amqp_wolfssl_version_t lowest, amqp_wolfssl_version_t highest,
                                            amqp_wolfssl_error_t *error) {
  const struct suite *suite = find_suite(policy, negotiated->suite);

  if (!version_in_range(negotiated->version, lowest, highest)) {
    return error_set(error, AMQP_WOLFSSL_STAGE_POLICY, AMQP_WOLFSSL_POLICY_VERSION,
                     "the broker negotiated TLS version 0x%04x, which was not offered", negotiated->version);
  }
  if (suite == NULL || suite->version != negotiated->version) {
    return error_set(error, AMQP_WOLFSSL_STAGE_POLICY, AMQP_WOLFSSL_POLICY_SUITE,
                     "the broker negotiated cipher suite 0x%04x, which the policy \"%s\" does not allow",
                     negotiated->suite, policy->name);
  }
  if (!allows_group(policy, negotiated->group)) {
    return error_set(error, AMQP_WOLFSSL_STAGE_POLICY, AMQP_WOLFSSL_POLICY_GROUP,
                     "the broker negotiated key exchange group 0x%04x, which the policy \"%s\" does not allow",
                     negotiated->group, policy->name);
  }
  return AMQP_WOLFSSL_OK;
}

static bool allows_size(const char *kind, unsigned bits, unsigned fewest, char *reason, size_t capacity) {
  if (bits >= fewest) {
    return true;
  }
  (void)snprintf(reason, capacity, "its %s key has %u bits, fewer than %u", kind, bits, fewest);
  return false;
}

bool policy_allows_key(const struct policy *policy, const struct certificate *certificate, char *reason,
                       size_t capacity) {
  switch (certificate->key_kind) {
    case CERTIFICATE_KEY_RSA:
      return allows_size("RSA", certificate->key_bits, policy->min_rsa_bits, reason, capacity);
    case CERTIFICATE_KEY_EC:
      return allows_size("EC", certificate->key_bits, policy->min_ec_bits, reason, capacity);
    case CERTIFICATE_KEY_ED25519:
    case CERTIFICATE_KEY_ED448:
    case CERTIFICATE_KEY_OTHER:
      break;
  }
  (void)snprintf(reason, capacity, "its key is neither RSA nor EC, which the policy \"%s\" asks for", policy->name);
  return false;
}

const char *policy_suite_name(uint16_t suite) {
  for (size_t i = 0; i < COUNT_OF(policies); i++) {
    const struct suite *found = find_suite(&policies[i], suite);

    if (found != NULL) {
      return found->iana_name;
    }
  }
  return "";
}

const char *policy_group_name(uint16_t group) {
  for (size_t i = 0; i < COUNT_OF(groups); i++) {
    if (groups[i].number == group) {
      return groups[i].iana_name;
    }
  }
  return "";
}

uint16_t policy_group_by_wolfssl_name(const char *name) {
  for (size_t i = 0; name != NULL && i < COUNT_OF(groups); i++) {
    if (strcasecmp(groups[i].wolfssl_name, name) == 0) {
      return groups[i].number;
    }
  }
  return 0;
}
