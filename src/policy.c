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
  const uint16_t *suites; /* in order of preference */
  size_t suite_count;
  const uint16_t *groups; /* in order of preference */
  size_t group_count;
  unsigned min_rsa_bits;
  unsigned min_ec_bits;
};

static const struct suite suites[] = {
    {0x1301, AMQP_WOLFSSL_TLS_1_3, "TLS_AES_128_GCM_SHA256", "TLS13-AES128-GCM-SHA256"},
    {0x1302, AMQP_WOLFSSL_TLS_1_3, "TLS_AES_256_GCM_SHA384", "TLS13-AES256-GCM-SHA384"},
    {0x1303, AMQP_WOLFSSL_TLS_1_3, "TLS_CHACHA20_POLY1305_SHA256", "TLS13-CHACHA20-POLY1305-SHA256"},
    {0xC02B, AMQP_WOLFSSL_TLS_1_2, "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "ECDHE-ECDSA-AES128-GCM-SHA256"},
    {0xC02C, AMQP_WOLFSSL_TLS_1_2, "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", "ECDHE-ECDSA-AES256-GCM-SHA384"},
    {0xC02F, AMQP_WOLFSSL_TLS_1_2, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"},
    {0xC030, AMQP_WOLFSSL_TLS_1_2, "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384"},
    {0xCCA8, AMQP_WOLFSSL_TLS_1_2, "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-RSA-CHACHA20-POLY1305"},
    {0xCCA9, AMQP_WOLFSSL_TLS_1_2, "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", "ECDHE-ECDSA-CHACHA20-POLY1305"},
};

static const uint16_t fips_groups[] = {WOLFSSL_ECC_SECP256R1, WOLFSSL_ECC_SECP384R1, WOLFSSL_ECC_SECP521R1};

#ifdef HAVE_CURVE25519
#define CURVE25519_GROUP WOLFSSL_ECC_X25519,
#else
#define CURVE25519_GROUP
#endif
static const uint16_t modern_groups[] = {CURVE25519_GROUP WOLFSSL_ECC_SECP256R1, WOLFSSL_ECC_SECP384R1,
                                         WOLFSSL_ECC_SECP521R1};

/* NIST SP 800-52r2, section 3.3.1 and appendix D: AEAD with ephemeral keys. */
#define AES_GCM_SUITES 0x1302, 0x1301, 0xC02C, 0xC030, 0xC02B, 0xC02F

#if defined(HAVE_CHACHA) && defined(HAVE_POLY1305)
#define CHACHA_SUITES 0x1303, 0xCCA9, 0xCCA8
#endif

static const uint16_t fips_suites[] = {AES_GCM_SUITES};

/* Where wolfSSL has no AES instructions, AES-GCM costs it about twice what ChaCha20-Poly1305 does: `make bench`. */
#if !defined(CHACHA_SUITES)
static const uint16_t modern_suites[] = {AES_GCM_SUITES};
#elif defined(AES_BY_HARDWARE)
static const uint16_t modern_suites[] = {AES_GCM_SUITES, CHACHA_SUITES};
#else
static const uint16_t modern_suites[] = {CHACHA_SUITES, AES_GCM_SUITES};
#endif

static const struct policy policies[] = {
    {AMQP_WOLFSSL_POLICY_FIPS, "fips", fips_suites, COUNT_OF(fips_suites), fips_groups, COUNT_OF(fips_groups), 2048,
     256},
    {AMQP_WOLFSSL_POLICY_MODERN, "modern", modern_suites, COUNT_OF(modern_suites), modern_groups,
     COUNT_OF(modern_groups), 2048, 256},
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

static const struct suite *find_suite(uint16_t number) {
  for (size_t i = 0; i < COUNT_OF(suites); i++) {
    if (suites[i].number == number) {
      return &suites[i];
    }
  }
  return NULL;
}

/* Colon-separated, in the policy's order, and only of versions in range: wolfSSL takes the list as it stands. */
static void list_suites(const struct policy *policy, amqp_wolfssl_version_t lowest, amqp_wolfssl_version_t highest,
                        char *list, size_t capacity) {
  size_t used = 0;

  list[0] = '\0';
  for (size_t i = 0; i < policy->suite_count && used < capacity; i++) {
    const struct suite *suite = find_suite(policy->suites[i]);

    if (suite != NULL && version_in_range(suite->version, lowest, highest)) {
      int added = snprintf(list + used, capacity - used, "%s%s", used > 0 ? ":" : "", suite->wolfssl_name);

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
  char suite_list[512];
  int result;

  list_suites(policy, lowest, highest, suite_list, sizeof(suite_list));
  result = wolfSSL_CTX_set_cipher_list(context, suite_list);
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

static bool allows_suite(const struct policy *policy, uint16_t number) {
  for (size_t i = 0; i < policy->suite_count; i++) {
    if (policy->suites[i] == number) {
      return true;
    }
  }
  return false;
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
  const struct suite *suite = allows_suite(policy, negotiated->suite) ? find_suite(negotiated->suite) : NULL;

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
  const struct suite *found = find_suite(suite);

  return found != NULL ? found->iana_name : "";
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
