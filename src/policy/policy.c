/* SPDX-License-Identifier: MIT */
/* The table of policies: applied before the handshake, checked after it. */
#include "autoconfig.h"

#include "policy/policy.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "backend/wolfssl_error.h"
#include "backend/wolfssl_headers.h"

#include <wolfssl/version.h>

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

struct signature {
  uint16_t number; /* SignatureScheme, RFC 8446, section 4.2.3 */
  const char *iana_name;
  const char *wolfssl_name; /* for wolfSSL_CTX_set1_sigalgs_list(); NULL: its rsae counterpart includes it */
};

struct policy {
  amqp_wolfssl_policy_t number;
  const char *name;
  amqp_wolfssl_version_t lowest;
  amqp_wolfssl_version_t highest;
  const uint16_t *suites; /* in order of preference */
  size_t suite_count;
  const uint16_t *groups; /* in order of preference */
  size_t group_count;
  const uint16_t *signatures; /* of handshakes and of certificates, in order of preference */
  size_t signature_count;
  unsigned min_rsa_bits;
  unsigned min_ec_bits;
  const uint16_t *key_curves; /* of EC keys */
  size_t key_curve_count;
  bool common_exponents; /* of RSA keys */
  bool ed25519_keys;
  bool extended_master_secret;
  bool revocation_check;
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
static const uint16_t nist_curves[] = {WOLFSSL_ECC_SECP256R1, WOLFSSL_ECC_SECP384R1, WOLFSSL_ECC_SECP521R1};
static const uint16_t cnsa_groups[] = {WOLFSSL_ECC_SECP384R1};

/* IANA's numbers; wolfSSL has names for them since 5.8. */
enum { SECP256R1_MLKEM768 = 4587, X25519_MLKEM768 = 4588, SECP384R1_MLKEM1024 = 4589 };

/* Not before 5.9.2: CVE-2026-7531 and CVE-2026-10097 are in the hybrids of older ones. */
#if defined(WOLFSSL_HAVE_MLKEM) && LIBWOLFSSL_VERSION_HEX >= 0x05009002
#define HYBRID_GROUPS , SECP256R1_MLKEM768, SECP384R1_MLKEM1024
#define HYBRID_CURVE25519_GROUP X25519_MLKEM768,
#else
#define HYBRID_GROUPS
#define HYBRID_CURVE25519_GROUP
#endif

/* wolfSSL sends a key share for the first group only; a broker that does not take it asks for another, which costs a
   round trip (HelloRetryRequest). RabbitMQ 4.3 on Erlang/OTP 28 and later prefers X25519MLKEM768, and knows no other
   hybrid unless it is told to: they come last, for brokers that ask for them. */
#ifdef HAVE_CURVE25519
#define CURVE25519_GROUPS HYBRID_CURVE25519_GROUP WOLFSSL_ECC_X25519,
#else
#define CURVE25519_GROUPS
#endif
static const uint16_t modern_groups[] = {CURVE25519_GROUPS WOLFSSL_ECC_SECP256R1, WOLFSSL_ECC_SECP384R1,
                                         WOLFSSL_ECC_SECP521R1 HYBRID_GROUPS};

static const struct signature signatures[] = {
    {0x0403, "ecdsa_secp256r1_sha256", "ECDSA+SHA256"},
    {0x0503, "ecdsa_secp384r1_sha384", "ECDSA+SHA384"},
    {0x0603, "ecdsa_secp521r1_sha512", "ECDSA+SHA512"},
    {0x0804, "rsa_pss_rsae_sha256", "RSA-PSS+SHA256"},
    {0x0805, "rsa_pss_rsae_sha384", "RSA-PSS+SHA384"},
    {0x0806, "rsa_pss_rsae_sha512", "RSA-PSS+SHA512"},
    {0x0809, "rsa_pss_pss_sha256", NULL},
    {0x080a, "rsa_pss_pss_sha384", NULL},
    {0x080b, "rsa_pss_pss_sha512", NULL},
    {0x0401, "rsa_pkcs1_sha256", "RSA+SHA256"},
    {0x0501, "rsa_pkcs1_sha384", "RSA+SHA384"},
    {0x0601, "rsa_pkcs1_sha512", "RSA+SHA512"},
    {0x0807, "ed25519", "ED25519"},
    {0x0808, "ed448", "ED448"},
    {0x0101, "rsa_pkcs1_md5", "RSA+MD5"},
    {0x0201, "rsa_pkcs1_sha1", "RSA+SHA1"},
    {0x0203, "ecdsa_sha1", "ECDSA+SHA1"},
    {0x0301, "rsa_pkcs1_sha224", "RSA+SHA224"},
    {0x0303, "ecdsa_sha224", "ECDSA+SHA224"},
};

/* SP 800-131A: SHA-2 with at least 112 bits of security, which is SHA-256 and longer in TLS. */
#define SHA2_SIGNATURES 0x0403, 0x0503, 0x0603, 0x0804, 0x0809, 0x0805, 0x080a, 0x0806, 0x080b, 0x0401, 0x0501, 0x0601

static const uint16_t fips_signatures[] = {SHA2_SIGNATURES};
/* RFC 9151, sections 6.2, 6.3, 7.1 and 7.2. */
static const uint16_t cnsa_signatures[] = {0x0503, 0x0805, 0x080a, 0x0501};
#ifdef HAVE_ED25519
static const uint16_t modern_signatures[] = {SHA2_SIGNATURES, 0x0807};
#else
static const uint16_t modern_signatures[] = {SHA2_SIGNATURES};
#endif

/* The suites in NIST SP 800-52r2, section 3.3.1, that have AES-GCM and ephemeral keys. */
#define AES_GCM_SUITES 0x1302, 0x1301, 0xC02C, 0xC030, 0xC02B, 0xC02F

#if defined(HAVE_CHACHA) && defined(HAVE_POLY1305)
#define CHACHA_SUITES 0x1303, 0xCCA9, 0xCCA8
#endif

static const uint16_t fips_suites[] = {AES_GCM_SUITES};
/* RFC 9151, sections 6 and 7: those with ephemeral elliptic curve keys. */
static const uint16_t cnsa_suites[] = {0x1302, 0xC02C, 0xC030};

/* Where wolfSSL does not use AES instructions, AES-GCM costs about twice as much as ChaCha20-Poly1305: `make bench`. */
#if !defined(CHACHA_SUITES)
static const uint16_t modern_suites[] = {AES_GCM_SUITES};
#elif defined(AES_BY_HARDWARE)
static const uint16_t modern_suites[] = {AES_GCM_SUITES, CHACHA_SUITES};
#else
static const uint16_t modern_suites[] = {CHACHA_SUITES, AES_GCM_SUITES};
#endif

static const struct policy policies[] = {
    {.number = AMQP_WOLFSSL_POLICY_FIPS,
     .name = "fips",
     .lowest = AMQP_WOLFSSL_TLS_1_2,
     .highest = AMQP_WOLFSSL_TLS_1_3,
     .suites = fips_suites,
     .suite_count = COUNT_OF(fips_suites),
     .groups = fips_groups,
     .group_count = COUNT_OF(fips_groups),
     .signatures = fips_signatures,
     .signature_count = COUNT_OF(fips_signatures),
     .min_rsa_bits = 2048,
     .min_ec_bits = 256,
     .key_curves = nist_curves,
     .key_curve_count = COUNT_OF(nist_curves),
     .extended_master_secret = true},
    {.number = AMQP_WOLFSSL_POLICY_CNSA,
     .name = "cnsa",
     .lowest = AMQP_WOLFSSL_TLS_1_2,
     .highest = AMQP_WOLFSSL_TLS_1_3,
     .suites = cnsa_suites,
     .suite_count = COUNT_OF(cnsa_suites),
     .groups = cnsa_groups,
     .group_count = COUNT_OF(cnsa_groups),
     .signatures = cnsa_signatures,
     .signature_count = COUNT_OF(cnsa_signatures),
     .min_rsa_bits = 3072,
     .min_ec_bits = 384,
     .key_curves = cnsa_groups,
     .key_curve_count = COUNT_OF(cnsa_groups),
     .common_exponents = true, /* RFC 9151, section 5.2 */
     .extended_master_secret = true,
     .revocation_check = true},
    {.number = AMQP_WOLFSSL_POLICY_MODERN,
     .name = "modern",
     .lowest = AMQP_WOLFSSL_TLS_1_2,
     .highest = AMQP_WOLFSSL_TLS_1_3,
     .suites = modern_suites,
     .suite_count = COUNT_OF(modern_suites),
     .groups = modern_groups,
     .group_count = COUNT_OF(modern_groups),
     .signatures = modern_signatures,
     .signature_count = COUNT_OF(modern_signatures),
     .min_rsa_bits = 2048,
     .min_ec_bits = 256,
     .key_curves = nist_curves,
     .key_curve_count = COUNT_OF(nist_curves),
     .ed25519_keys = true},
};

static const struct group groups[] = {
    {WOLFSSL_ECC_SECP256R1, "secp256r1", "SECP256R1"},
    {WOLFSSL_ECC_SECP384R1, "secp384r1", "SECP384R1"},
    {WOLFSSL_ECC_SECP521R1, "secp521r1", "SECP521R1"},
    {WOLFSSL_ECC_SECP224R1, "secp224r1", "SECP224R1"},
    {WOLFSSL_ECC_X25519, "x25519", "X25519"},
    {WOLFSSL_ECC_X448, "x448", "X448"},
    {WOLFSSL_FFDHE_2048, "ffdhe2048", "FFDHE_2048"},
    {WOLFSSL_FFDHE_3072, "ffdhe3072", "FFDHE_3072"},
    {SECP256R1_MLKEM768, "SecP256r1MLKEM768", "SecP256r1MLKEM768"},
    {X25519_MLKEM768, "X25519MLKEM768", "X25519MLKEM768"},
    {SECP384R1_MLKEM1024, "SecP384r1MLKEM1024", "SecP384r1MLKEM1024"},
};

const struct policy *policy_find(amqp_wolfssl_policy_t number) {
  for (size_t i = 0; i < COUNT_OF(policies); i++) {
    if (policies[i].number == number) {
      return &policies[i];
    }
  }
  return NULL;
}

const char *policy_name(const struct policy *policy) { return policy->name; }

bool policy_requires_revocation_check(const struct policy *policy) { return policy->revocation_check; }

bool policy_can_be_held(const struct policy *policy) {
#ifdef HAVE_WOLFSSL_CTX_SET1_SIGALGS_LIST
  (void)policy;
  return true;
#else
  return policy->signature_count >= COUNT_OF(fips_signatures);
#endif
}

static bool version_in_range(uint16_t version, amqp_wolfssl_version_t lowest, amqp_wolfssl_version_t highest) {
  return version >= (unsigned)lowest && version <= (unsigned)highest;
}

static bool is_in(const uint16_t *numbers, size_t count, uint16_t number) {
  for (size_t i = 0; i < count; i++) {
    if (numbers[i] == number) {
      return true;
    }
  }
  return false;
}

static const struct suite *find_suite(uint16_t number) {
  for (size_t i = 0; i < COUNT_OF(suites); i++) {
    if (suites[i].number == number) {
      return &suites[i];
    }
  }
  return NULL;
}

static const struct signature *find_signature(uint16_t number) {
  for (size_t i = 0; i < COUNT_OF(signatures); i++) {
    if (signatures[i].number == number) {
      return &signatures[i];
    }
  }
  return NULL;
}

/* ---- Limits ---- */

_Static_assert(COUNT_OF(modern_suites) <= POLICY_SUITES_MAX && COUNT_OF(fips_suites) <= POLICY_SUITES_MAX,
               "a policy has more suites than fit into limits");
_Static_assert(COUNT_OF(modern_groups) <= POLICY_GROUPS_MAX && COUNT_OF(fips_groups) <= POLICY_GROUPS_MAX,
               "a policy has more groups than fit into limits");

void policy_limits_init(struct policy_limits *limits, const struct policy *policy) {
  memset(limits, 0, sizeof(*limits));
  limits->policy = policy;
  limits->lowest = policy->lowest;
  limits->highest = policy->highest;
  memcpy(limits->suites, policy->suites, policy->suite_count * sizeof(*policy->suites));
  limits->suite_count = policy->suite_count;
  memcpy(limits->groups, policy->groups, policy->group_count * sizeof(*policy->groups));
  limits->group_count = policy->group_count;
  limits->extended_master_secret = policy->extended_master_secret;
}

bool policy_limits_versions(const struct policy_limits *limits, amqp_wolfssl_version_t *lowest,
                            amqp_wolfssl_version_t *highest) {
  bool has_1_2 = false;
  bool has_1_3 = false;

  for (size_t i = 0; i < limits->suite_count; i++) {
    const struct suite *suite = find_suite(limits->suites[i]);

    if (suite != NULL && version_in_range(suite->version, limits->lowest, limits->highest)) {
      has_1_2 = has_1_2 || suite->version == AMQP_WOLFSSL_TLS_1_2;
      has_1_3 = has_1_3 || suite->version == AMQP_WOLFSSL_TLS_1_3;
    }
  }
  *lowest = has_1_2 ? AMQP_WOLFSSL_TLS_1_2 : AMQP_WOLFSSL_TLS_1_3;
  *highest = has_1_3 ? AMQP_WOLFSSL_TLS_1_3 : AMQP_WOLFSSL_TLS_1_2;
  return has_1_2 || has_1_3;
}

/* A number for IANA's name, or 0. */
typedef uint16_t (*number_for_name_fn)(const char *name, size_t length);

static uint16_t suite_number(const char *name, size_t length) {
  for (size_t i = 0; i < COUNT_OF(suites); i++) {
    if (strlen(suites[i].iana_name) == length && strncmp(suites[i].iana_name, name, length) == 0) {
      return suites[i].number;
    }
  }
  return 0;
}

static uint16_t group_number(const char *name, size_t length) {
  for (size_t i = 0; i < COUNT_OF(groups); i++) {
    if (strlen(groups[i].iana_name) == length && strncmp(groups[i].iana_name, name, length) == 0) {
      return groups[i].number;
    }
  }
  return 0;
}

struct name_list {
  const char *what; /* "cipher suite", "group" */
  number_for_name_fn number;
  const uint16_t *allowed;
  size_t allowed_count;
};

static amqp_wolfssl_code_t refuse_name(const struct name_list *list, const struct policy *policy, const char *name,
                                       size_t length, const char *why, amqp_wolfssl_error_t *error) {
  return error_configure(error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT, "\"%.*s\" %s %s (policy \"%s\"; use IANA names)",
                         (int)(length < 100 ? length : 100), name, why, list->what, policy->name);
}

_Static_assert(POLICY_GROUPS_MAX <= POLICY_SUITES_MAX, "what fits the suites has to fit the groups");

/* Fills \a numbers, which has room for all that is allowed and stays unchanged if a name is refused. */
static amqp_wolfssl_code_t choose_by_names(const struct name_list *list, const struct policy *policy, const char *names,
                                           uint16_t *numbers, size_t *number_count, amqp_wolfssl_error_t *error) {
  static const char separators[] = ":, ";
  uint16_t chosen[POLICY_SUITES_MAX];
  size_t count = 0;

  for (const char *name = names + strspn(names, separators); *name != '\0'; name += strspn(name, separators)) {
    const size_t length = strcspn(name, separators);
    const uint16_t number = list->number(name, length);

    if (number == 0) {
      return refuse_name(list, policy, name, length, "is not a known", error);
    }
    if (!is_in(list->allowed, list->allowed_count, number)) {
      return refuse_name(list, policy, name, length, "is outside the policy as a", error);
    }
    if (is_in(chosen, count, number)) {
      return refuse_name(list, policy, name, length, "appears twice as a", error);
    }
    chosen[count++] = number;
    name += length;
  }
  if (count == 0) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT, "the list names no %s", list->what);
  }
  memcpy(numbers, chosen, count * sizeof(chosen[0]));
  *number_count = count;
  return AMQP_WOLFSSL_OK;
}

amqp_wolfssl_code_t policy_limits_set_suites(struct policy_limits *limits, const char *names,
                                             amqp_wolfssl_error_t *error) {
  const struct policy *policy = limits->policy;
  const struct name_list list = {"cipher suite", suite_number, policy->suites, policy->suite_count};

  return choose_by_names(&list, policy, names, limits->suites, &limits->suite_count, error);
}

amqp_wolfssl_code_t policy_limits_set_groups(struct policy_limits *limits, const char *names,
                                             amqp_wolfssl_error_t *error) {
  const struct policy *policy = limits->policy;
  const struct name_list list = {"group", group_number, policy->groups, policy->group_count};

  return choose_by_names(&list, policy, names, limits->groups, &limits->group_count, error);
}

/* ---- Setting ---- */

#if !defined(HAVE_WOLFSSL_CTX_SET_CIPHER_LIST_BYTES) || defined(HAVE_WOLFSSL_CTX_SET1_SIGALGS_LIST)
static void add_to_list(char *list, size_t capacity, const char *name) {
  const size_t used = strlen(list);

  (void)snprintf(list + used, capacity - used, "%s%s", used > 0 ? ":" : "", name);
}
#endif

/* Only suites of versions in range, in order of preference: wolfSSL uses the list as it is. */
static size_t suites_in_range(const struct policy_limits *limits, const struct suite *chosen[POLICY_SUITES_MAX]) {
  size_t count = 0;

  for (size_t i = 0; i < limits->suite_count; i++) {
    const struct suite *suite = find_suite(limits->suites[i]);

    if (suite != NULL && version_in_range(suite->version, limits->lowest, limits->highest)) {
      chosen[count++] = suite;
    }
  }
  return count;
}

#ifdef HAVE_WOLFSSL_CTX_SET_CIPHER_LIST_BYTES
/* By number, not by name: with its OpenSSL interface, 5.7.2 appends TLS_NULL_WITH_NULL_NULL to a list of only TLS 1.3
   suites (wolfSSL_parse_cipher_list() copies the zeros of the empty list it replaces). */
static int set_suites(const struct policy_limits *limits, WOLFSSL_CTX *context) {
  const struct suite *chosen[POLICY_SUITES_MAX];
  const size_t count = suites_in_range(limits, chosen);
  uint8_t list[2 * POLICY_SUITES_MAX];

  for (size_t i = 0; i < count; i++) {
    list[2 * i] = (uint8_t)(chosen[i]->number >> 8);
    list[2 * i + 1] = (uint8_t)(chosen[i]->number & 0xff);
  }
  return wolfSSL_CTX_set_cipher_list_bytes(context, list, (int)(2 * count));
}
#else
static int set_suites(const struct policy_limits *limits, WOLFSSL_CTX *context) {
  const struct suite *chosen[POLICY_SUITES_MAX];
  const size_t count = suites_in_range(limits, chosen);
  char list[512] = "";

  for (size_t i = 0; i < count; i++) {
    add_to_list(list, sizeof(list), chosen[i]->wolfssl_name);
  }
  return wolfSSL_CTX_set_cipher_list(context, list);
}
#endif

/* These exist in TLS 1.3 only. */
static bool is_hybrid(uint16_t group) {
  return group == SECP256R1_MLKEM768 || group == X25519_MLKEM768 || group == SECP384R1_MLKEM1024;
}

static int set_groups(const struct policy_limits *limits, WOLFSSL_CTX *context, bool tls_1_3_possible) {
  int result = WOLFSSL_SUCCESS;

  /* wolfSSL 5.5.4's CTX_set_groups fails on a method without TLS 1.3; the older call does the same there. */
  if (tls_1_3_possible) {
    int wanted[POLICY_GROUPS_MAX];

    for (size_t i = 0; i < limits->group_count; i++) {
      wanted[i] = limits->groups[i];
    }
    return wolfSSL_CTX_set_groups(context, wanted, (int)limits->group_count);
  }
  for (size_t i = 0; i < limits->group_count && result == WOLFSSL_SUCCESS; i++) {
    if (!is_hybrid(limits->groups[i])) {
      result = wolfSSL_CTX_UseSupportedCurve(context, limits->groups[i]);
    }
  }
  return result;
}

/* Call this after setting the suites, which resets the signature algorithms. A wolfSSL that can't be told offers SHA-2
   and what comes with it, and the server's choice in TLS 1.2 is checked afterwards; see policy_can_be_held(). */
static int set_signatures(const struct policy *policy, WOLFSSL_CTX *context) {
#ifdef HAVE_WOLFSSL_CTX_SET1_SIGALGS_LIST
  char list[256] = "";

  for (size_t i = 0; i < policy->signature_count; i++) {
    const struct signature *signature = find_signature(policy->signatures[i]);

    if (signature != NULL && signature->wolfssl_name != NULL) {
      add_to_list(list, sizeof(list), signature->wolfssl_name);
    }
  }
  return wolfSSL_CTX_set1_sigalgs_list(context, list);
#else
  (void)policy;
  (void)context;
  return WOLFSSL_SUCCESS;
#endif
}

amqp_wolfssl_code_t policy_apply(const struct policy_limits *limits, WOLFSSL_CTX *context,
                                 amqp_wolfssl_error_t *error) {
  static const struct wolfssl_cause fallback = {AMQP_WOLFSSL_STAGE_CONFIGURE, AMQP_WOLFSSL_ERROR_NOT_SUPPORTED,
                                                "this wolfSSL can't enforce the policy"};
  const struct policy *policy = limits->policy;
  amqp_wolfssl_version_t lowest;
  amqp_wolfssl_version_t highest;
  int result;

  if (!policy_can_be_held(policy)) {
    return error_set(error, fallback.stage, fallback.code, "%s \"%s\"", fallback.sentence, policy->name);
  }
  if (!policy_limits_versions(limits, &lowest, &highest)) {
    return error_configure(
        error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT,
        "none of the chosen cipher suites belongs to an allowed TLS version; choose suites and versions that go "
        "together");
  }
  result = set_suites(limits, context);
  if (result == WOLFSSL_SUCCESS) {
    result = set_signatures(policy, context);
  }
  if (result == WOLFSSL_SUCCESS) {
    result = set_groups(limits, context, highest >= AMQP_WOLFSSL_TLS_1_3);
  }
  if (result == WOLFSSL_SUCCESS) {
    result = wolfSSL_CTX_SetMinRsaKey_Sz(context, (short)policy->min_rsa_bits);
  }
  if (result == WOLFSSL_SUCCESS) {
    result = wolfSSL_CTX_SetMinEccKey_Sz(context, (short)policy->min_ec_bits);
  }
  if (result != WOLFSSL_SUCCESS) {
    return wolfssl_error_set(error, result, &fallback);
  }
  return AMQP_WOLFSSL_OK;
}

/* ---- Checking ---- */

static amqp_wolfssl_code_t check_key_exchange(const struct policy_limits *limits, const struct negotiated *negotiated,
                                              amqp_wolfssl_error_t *error) {
  const struct policy *policy = limits->policy;

  if (!is_in(limits->groups, limits->group_count, negotiated->group)) {
    return error_set(error, AMQP_WOLFSSL_STAGE_POLICY, AMQP_WOLFSSL_ERROR_POLICY_GROUP,
                     "the broker negotiated key exchange group 0x%04x%s%s, which the policy \"%s\" does not allow",
                     negotiated->group, *policy_group_name(negotiated->group) != '\0' ? ", " : "",
                     policy_group_name(negotiated->group), policy->name);
  }
  if (negotiated->version == AMQP_WOLFSSL_TLS_1_2 &&
      !is_in(policy->signatures, policy->signature_count, negotiated->signature)) {
    const struct signature *signature = find_signature(negotiated->signature);

    return error_set(error, AMQP_WOLFSSL_STAGE_POLICY, AMQP_WOLFSSL_ERROR_POLICY_SIGNATURE,
                     "the broker signed the key exchange with 0x%04x%s%s, which the policy \"%s\" does not allow",
                     negotiated->signature, signature != NULL ? ", " : "",
                     signature != NULL ? signature->iana_name : "", policy->name);
  }
  if (limits->extended_master_secret && !negotiated->extended_master_secret) {
    return error_set(
        error, AMQP_WOLFSSL_STAGE_POLICY, AMQP_WOLFSSL_ERROR_POLICY_EXTENDED_MASTER_SECRET,
        "the broker negotiated TLS 1.2 without the Extended Master Secret (RFC 7627), which the policy \"%s\" "
        "requires and RabbitMQ on Erlang/OTP up to 29 lacks; enable TLS 1.3 on the broker, or make an exception: the "
        "program with amqp_wolfssl_config_set_require_extended_master_secret, if it has this library's own interface, "
        "the administrator with \"extended-master-secret = optional\" in rabbitmq-wolfssl.conf",
        policy->name);
  }
  return AMQP_WOLFSSL_OK;
}

bool policy_offers_suite(const struct policy_limits *limits, uint16_t suite, uint16_t version) {
  const struct suite *known = is_in(limits->suites, limits->suite_count, suite) ? find_suite(suite) : NULL;

  return known != NULL && known->version == version;
}

amqp_wolfssl_code_t policy_check_negotiated(const struct policy_limits *limits, const struct negotiated *negotiated,
                                            amqp_wolfssl_error_t *error) {
  if (!version_in_range(negotiated->version, limits->lowest, limits->highest)) {
    return error_set(error, AMQP_WOLFSSL_STAGE_POLICY, AMQP_WOLFSSL_ERROR_POLICY_VERSION,
                     "the broker negotiated TLS version 0x%04x, which was not offered", negotiated->version);
  }
  if (!policy_offers_suite(limits, negotiated->suite, negotiated->version)) {
    return error_set(error, AMQP_WOLFSSL_STAGE_POLICY, AMQP_WOLFSSL_ERROR_POLICY_SUITE,
                     "the broker negotiated cipher suite 0x%04x, which the policy \"%s\" does not allow",
                     negotiated->suite, limits->policy->name);
  }
  return check_key_exchange(limits, negotiated, error);
}

static bool allows_size(const char *kind, unsigned bits, unsigned fewest, char *reason, size_t capacity) {
  if (bits >= fewest) {
    return true;
  }
  (void)snprintf(reason, capacity, "its %s key has %u bits, fewer than %u", kind, bits, fewest);
  return false;
}

static bool allows_curve(const struct policy *policy, const struct certificate *certificate, char *reason,
                         size_t capacity) {
  const char *name = policy_group_name(certificate->key_curve);

  if (is_in(policy->key_curves, policy->key_curve_count, certificate->key_curve)) {
    return true;
  }
  (void)snprintf(reason, capacity, "its EC key is on %s, a curve the policy \"%s\" does not allow",
                 *name != '\0' ? name : "an unknown curve", policy->name);
  return false;
}

static bool allows_rsa(const struct policy *policy, const struct certificate *certificate, char *reason,
                       size_t capacity) {
  if (!allows_size("RSA", certificate->key_bits, policy->min_rsa_bits, reason, capacity)) {
    return false;
  }
  if (certificate->common_exponent || !policy->common_exponents) {
    return true;
  }
  (void)snprintf(
      reason, capacity,
      "its RSA key has a public exponent that the policy \"%s\" does not allow (it must be an odd number between 2^16 "
      "and 2^256)",
      policy->name);
  return false;
}

bool policy_allows_key(const struct policy *policy, const struct certificate *certificate, char *reason,
                       size_t capacity) {
  switch (certificate->key_kind) {
    case CERTIFICATE_KEY_RSA:
      return allows_rsa(policy, certificate, reason, capacity);
    case CERTIFICATE_KEY_EC:
      return (certificate->key_curve == 0 || /* or "0 bits" would be the reason */
              allows_size("EC", certificate->key_bits, policy->min_ec_bits, reason, capacity)) &&
             allows_curve(policy, certificate, reason, capacity);
    case CERTIFICATE_KEY_ED25519:
      if (policy->ed25519_keys) {
        return true;
      }
      break;
    case CERTIFICATE_KEY_ED448:
    case CERTIFICATE_KEY_OTHER:
      break;
  }
  (void)snprintf(reason, capacity, "its key is neither RSA nor EC; the policy \"%s\" requires one of these",
                 policy->name);
  return false;
}

bool policy_allows_signature_scheme(const struct policy *policy, uint16_t scheme, char *reason, size_t capacity) {
  const struct signature *signature = find_signature(scheme);

  if (is_in(policy->signatures, policy->signature_count, scheme)) {
    return true;
  }
  (void)snprintf(reason, capacity, "it is signed with %s, which the policy \"%s\" does not allow",
                 signature != NULL ? signature->iana_name : "an unknown algorithm", policy->name);
  return false;
}

bool policy_allows_signature(const struct policy *policy, const struct certificate *certificate, char *reason,
                             size_t capacity) {
  return policy_allows_signature_scheme(policy, certificate->signature_scheme, reason, capacity);
}

/* ---- Names ---- */

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
