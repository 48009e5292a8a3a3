/* SPDX-License-Identifier: MIT */
/*
 * Builds the WOLFSSL_CTX. Everything is set explicitly: Debian's wolfSSL is built with OpenSSL's defaults, which verify
 * nobody and offer anonymous, NULL and RC4 suites.
 */
#include "autoconfig.h"

#include "tls/tls_context.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/byte_queue.h"
#include "x509/certificate.h"
#include "verification/peer_verification.h"
#include "verification/remembered_paths.h"
#include "verification/revocation_sources.h"
#include "verification/wolfssl_limits.h"
#include "base/secret.h"
#include "tls/tls_io.h"
#include "identity/token_signature.h"
#include "backend/wolfssl_error.h"
#include "backend/wolfssl_headers.h"

#include <wolfssl/wolfcrypt/coding.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

/* Shared by all connections; or, with stapling, for the first one only, which takes it: apart, because a context is
   constant for its connections. */
struct checked_ctx {
  _Atomic(WOLFSSL_CTX *) ctx;
};

struct tls_context {
  atomic_uint references;
  struct trust own_trust; /* what trust and credentials point to, or empty if that belongs to others */
  struct credentials own_credentials;
  struct checked_ctx *checked;
  struct remembered_paths *remembered;
  const struct tls_settings *settings;
  const struct trust *trust;
  const struct credentials *credentials;
};

static const struct wolfssl_cause setting_failed = {AMQP_WOLFSSL_STAGE_CONFIGURE, AMQP_WOLFSSL_ERROR_LIBRARY_FAILED,
                                                    "wolfSSL refused a setting"};

/* The table's sentences are about the broker; what is refused here is our own. */
static amqp_wolfssl_code_t refused(amqp_wolfssl_error_t *error, int wolfssl_code, const char *what) {
  if (wolfssl_error_set(error, wolfssl_code, &setting_failed) != AMQP_WOLFSSL_ERROR_NO_MEMORY) {
    error_configure(error, AMQP_WOLFSSL_ERROR_LIBRARY_FAILED, "wolfSSL refused %s (wolfSSL: %d)", what, wolfssl_code);
    error->wolfssl_code = wolfssl_code;
  }
  error->stage = AMQP_WOLFSSL_STAGE_CONFIGURE;
  return error->code;
}

static amqp_wolfssl_code_t out_of_memory(amqp_wolfssl_error_t *error) {
  return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
}

/* For the versions that have a suite left. policy_apply() refuses limits that leave none. */
static WOLFSSL_METHOD *choose_method(const struct tls_settings *settings) {
  amqp_wolfssl_version_t lowest;
  amqp_wolfssl_version_t highest;

  (void)policy_limits_versions(&settings->limits, &lowest, &highest);
  if (lowest >= AMQP_WOLFSSL_TLS_1_3) {
    return wolfTLSv1_3_client_method();
  }
  if (highest <= AMQP_WOLFSSL_TLS_1_2) {
    return wolfTLSv1_2_client_method();
  }
  return wolfTLS_client_method();
}

static int set_lowest_version(WOLFSSL_CTX *ctx, const struct policy_limits *limits) {
  amqp_wolfssl_version_t lowest;
  amqp_wolfssl_version_t highest;

  (void)policy_limits_versions(limits, &lowest, &highest);
  return wolfSSL_CTX_SetMinVersion(ctx, lowest >= AMQP_WOLFSSL_TLS_1_3 ? WOLFSSL_TLSV1_3 : WOLFSSL_TLSV1_2);
}

/* A wolfSSL with WOLFSSL_TRUST_PEER_CERT and OPENSSL_COMPATIBLE_DEFAULTS also takes each anchor for a trusted peer, and
   skips the signature of a leaf that copies an anchor's subject, key identifier and signature bytes, whatever the key
   in it (CVE-2026-93302, fixed in 5.9.4). The anchors themselves stay. */
static amqp_wolfssl_code_t forget_trusted_peers(WOLFSSL_CTX *ctx, amqp_wolfssl_error_t *error) {
#ifdef HAVE_WOLFSSL_CTX_UNLOAD_TRUST_PEERS
  int result = wolfSSL_CTX_Unload_trust_peers(ctx);

  return result == WOLFSSL_SUCCESS ? AMQP_WOLFSSL_OK : refused(error, result, "to forget trusted peers");
#else
  (void)ctx;
  (void)error;
  return AMQP_WOLFSSL_OK; /* configure has seen that there are none */
#endif
}

/* CAs whose keys the policy does not allow are left out, and those that have expired since they were configured:
   wolfSSL would refuse all CAs because of one, and a system's bundle has many kinds. */
static amqp_wolfssl_code_t load_trust(WOLFSSL_CTX *ctx, const struct trust *trust, const struct policy *policy,
                                      amqp_wolfssl_error_t *error) {
  size_t loaded = 0;
  char reason[160] = "";

  for (size_t i = 0; i < trust->anchors.count; i++) {
    const struct certificate_der *der = &trust->anchors.items[i];
    struct certificate anchor;
    int result;

    if (!certificate_read(&anchor, der->bytes, der->length)) { /* it was read before */
      return refused(error, ASN_PARSE_E, "a trusted CA certificate");
    }
    if (!policy_allows_key(policy, &anchor, reason, sizeof(reason))) {
      continue;
    }
    loaded++;
    if (certificate_validity_at(&anchor, (int64_t)time(NULL)) != CERTIFICATE_CURRENT) {
      continue;
    }
    result = wolfSSL_CTX_load_verify_buffer(ctx, der->bytes, (long)der->length, WOLFSSL_FILETYPE_ASN1);
    if (result != WOLFSSL_SUCCESS && !wolfssl_limits_explain(result, der)) {
      return refused(error, result, "a trusted CA certificate");
    }
  }
  if (loaded == 0 && trust->anchors.count > 0) {
    return error_configure(
        error, AMQP_WOLFSSL_ERROR_CA_UNUSABLE,
        "no trusted CA has a key that the policy \"%s\" allows (the last one: %s); add a CA whose key it allows",
        policy_name(policy), reason);
  }
  return forget_trusted_peers(ctx, error);
}

/* wolfSSL takes a chain in one piece, certificate after certificate. */
static amqp_wolfssl_code_t load_chain(WOLFSSL_CTX *ctx, const struct certificate_list *chain,
                                      amqp_wolfssl_error_t *error) {
  struct byte_queue joined;
  amqp_wolfssl_code_t code = AMQP_WOLFSSL_OK;
  int result;

  byte_queue_init(&joined);
  for (size_t i = 0; i < chain->count; i++) {
    if (!byte_queue_append(&joined, chain->items[i].bytes, chain->items[i].length)) {
      code = out_of_memory(error);
      goto cleanup;
    }
  }
  result = wolfSSL_CTX_use_certificate_chain_buffer_format(ctx, byte_queue_front(&joined), (long)joined.length,
                                                           WOLFSSL_FILETYPE_ASN1);
  if (result != WOLFSSL_SUCCESS) {
    code = refused(error, result, "the client's certificate");
  }
cleanup:
  byte_queue_release(&joined);
  return code;
}

static const char key_begin[] = "-----BEGIN PRIVATE KEY-----\n";
static const char key_end[] = "-----END PRIVATE KEY-----\n";

/* In PEM, because 5.5.4 crashes when memory runs out while it loads a private key in DER (ProcessBuffer() goes on after
   its allocation failed). With this label wolfSSL accepts any kind of key. */
static amqp_wolfssl_code_t load_key(WOLFSSL_CTX *ctx, const uint8_t *der, size_t der_length,
                                    amqp_wolfssl_error_t *error) {
  word32 encoded = (word32)(der_length / 3 * 4 + 4 + der_length / 48 + 2);
  size_t room = strlen(key_begin) + encoded + strlen(key_end);
  struct secret pem = {malloc(room), room};
  int result = MEMORY_E;

  if (pem.bytes != NULL) {
    memcpy(pem.bytes, key_begin, strlen(key_begin));
    result = Base64_Encode(der, (word32)der_length, pem.bytes + strlen(key_begin), &encoded);
  }
  if (result == 0) {
    size_t length = strlen(key_begin) + encoded;

    memcpy(pem.bytes + length, key_end, strlen(key_end));
    length += strlen(key_end);
    result = wolfSSL_CTX_use_PrivateKey_buffer(ctx, pem.bytes, (long)length, WOLFSSL_FILETYPE_PEM);
  }
  secret_free(&pem);
  return result == WOLFSSL_SUCCESS ? AMQP_WOLFSSL_OK : refused(error, result, "the client's private key");
}

/* wolfSSL gets the public key in place of the private one, and asks the token for signatures. */
static amqp_wolfssl_code_t load_token(WOLFSSL_CTX *ctx, const struct certificate_der *der,
                                      amqp_wolfssl_error_t *error) {
  struct certificate leaf;

  if (!certificate_read(&leaf, der->bytes, der->length)) { /* it was read before */
    return error_configure(error, AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED, "the client's certificate can't be parsed");
  }
  token_signature_install(ctx, leaf.key_kind);
  return load_key(ctx, leaf.public_key.bytes, leaf.public_key.length, error);
}

static amqp_wolfssl_code_t load_credentials(WOLFSSL_CTX *ctx, const struct credentials *credentials,
                                            amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code;

  if (credentials->chain.count == 0) {
    return AMQP_WOLFSSL_OK;
  }
  code = load_chain(ctx, &credentials->chain, error);
  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  if (credentials->token != NULL) {
    return load_token(ctx, &credentials->chain.items[0], error);
  }
  return load_key(ctx, credentials->key.bytes, credentials->key.length, error);
}

static amqp_wolfssl_code_t set_up_stapling(WOLFSSL_CTX *ctx, amqp_wolfssl_stapling_t stapling,
                                           amqp_wolfssl_error_t *error) {
#ifdef FEATURE_OCSP_STAPLING
  int result = WOLFSSL_SUCCESS;

  if (stapling != AMQP_WOLFSSL_STAPLING_OFF) {
    result = wolfSSL_CTX_EnableOCSPStapling(ctx);
  }
  if (stapling == AMQP_WOLFSSL_STAPLING_REQUIRE && result == WOLFSSL_SUCCESS) {
    result = wolfSSL_CTX_EnableOCSPMustStaple(ctx);
  }
  return result == WOLFSSL_SUCCESS ? AMQP_WOLFSSL_OK : refused(error, result, "OCSP stapling");
#else
  (void)ctx;
  (void)stapling;
  (void)error;
  return AMQP_WOLFSSL_OK; /* the setter refused anything else */
#endif
}

static amqp_wolfssl_code_t set_up(const struct tls_context *context, WOLFSSL_CTX *ctx, amqp_wolfssl_error_t *error) {
  const struct tls_settings *settings = context->settings;
  amqp_wolfssl_code_t code;
  int result = set_lowest_version(ctx, &settings->limits);

  if (result != WOLFSSL_SUCCESS) {
    return wolfssl_error_set(error, result, &setting_failed);
  }
  code = policy_apply(&settings->limits, ctx, error);
  if (code == AMQP_WOLFSSL_OK) {
    code = load_trust(ctx, context->trust, settings->limits.policy, error);
  }
  if (code == AMQP_WOLFSSL_OK) {
    code = load_credentials(ctx, context->credentials, error);
  }
  if (code == AMQP_WOLFSSL_OK) {
    code = set_up_stapling(ctx, settings->stapling, error);
  }
  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  /* A resumed session skips certificate, name and CRL checks: no tickets, no cache. */
  (void)wolfSSL_CTX_set_session_cache_mode(ctx, WOLFSSL_SESS_CACHE_OFF);
#ifdef HAVE_WOLFSSL_CTX_ALLOWENCRYPTTHENMAC
  (void)wolfSSL_CTX_AllowEncryptThenMac(ctx, 0); /* useful for CBC only, which no policy allows */
#endif
#ifdef HAVE_WOLFSSL_CTX_ONLY_DHE_PSK
  /* wolfSSL always announces how it would resume; at least never without a fresh key exchange. */
  (void)wolfSSL_CTX_only_dhe_psk(ctx);
#endif
#ifdef HAVE_WOLFSSL_CTX_SETECHENABLE
  /* wolfSSL pretends to encrypt its ClientHello ("GREASE"), with a key on curve25519 whatever the policy. 5.7.2 always
     does where it was built with Encrypted Client Hello. */
  wolfSSL_CTX_SetEchEnable(ctx, 0);
#endif
  /* The handshake's messages of one flight go out together. */
  (void)wolfSSL_CTX_set_group_messages(ctx);
  tls_io_install(ctx);
  return peer_verification_install(ctx, settings, error);
}

static amqp_wolfssl_code_t make_ctx(const struct tls_context *context, WOLFSSL_CTX **ctx, amqp_wolfssl_error_t *error) {
  WOLFSSL_CTX *made = wolfSSL_CTX_new(choose_method(context->settings));
  amqp_wolfssl_code_t code = made == NULL ? out_of_memory(error) : set_up(context, made, error);

  if (code != AMQP_WOLFSSL_OK) {
    wolfSSL_CTX_free(made);
    return code;
  }
  *ctx = made;
  return AMQP_WOLFSSL_OK;
}

/* What connections will need, built before the first one: what is wrong is reported as a matter of the config. */
static amqp_wolfssl_code_t build_and_check(struct tls_context *context, amqp_wolfssl_error_t *error) {
  WOLFSSL_CTX *ctx = NULL;
  amqp_wolfssl_code_t code;

  context->checked = calloc(1, sizeof(*context->checked));
  if (context->checked == NULL) {
    return out_of_memory(error);
  }
  atomic_init(&context->checked->ctx, NULL);
  context->remembered = remembered_paths_new();
  if (context->remembered == NULL) {
    return out_of_memory(error);
  }
  code = make_ctx(context, &ctx, error);
  atomic_store(&context->checked->ctx, ctx);
  return code;
}

static bool checks_revocation(const struct tls_settings *settings) {
  return settings->stapling != AMQP_WOLFSSL_STAPLING_OFF ||
         (settings->revocation != NULL && revocation_sources_any(settings->revocation));
}

/* A response that can't be seen would be accepted unchecked, which is worse than opening nothing. */
static amqp_wolfssl_code_t check_stapling(const struct tls_settings *settings, amqp_wolfssl_error_t *error) {
  amqp_wolfssl_version_t lowest;
  amqp_wolfssl_version_t highest;

  (void)policy_limits_versions(&settings->limits, &lowest, &highest);
  if (settings->stapling == AMQP_WOLFSSL_STAPLING_OFF || highest <= AMQP_WOLFSSL_TLS_1_2 ||
      peer_verification_sees_responses_of_tls_1_3()) {
    return AMQP_WOLFSSL_OK;
  }
  return error_configure(
      error, AMQP_WOLFSSL_ERROR_NOT_SUPPORTED,
      "this wolfSSL does not expose OCSP responses stapled in TLS 1.3, so they can't be checked; allow TLS 1.2 only, "
      "where they can, or turn stapling off and use CRLs, or use wolfSSL 5.8 or later (--enable-ocspstapling)");
}

static amqp_wolfssl_code_t check_settings(const struct tls_settings *settings, const struct trust *trust,
                                          amqp_wolfssl_error_t *error) {
  if (settings->verify_peer && trust->anchors.count == 0) {
    return error_configure(
        error, AMQP_WOLFSSL_ERROR_NO_TRUST_ANCHOR,
        "verification is on but no CA is configured; add the CA that issued the broker's certificate");
  }
  if (!settings->verify_peer && checks_revocation(settings)) {
    return error_configure(
        error, AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT,
        "revocation checks are configured but verification of the broker's certificate is off; turn it on");
  }
  return check_stapling(settings, error);
}

amqp_wolfssl_code_t tls_context_new(struct tls_context **context, const struct tls_settings *settings,
                                    const struct trust *trust, const struct credentials *credentials,
                                    amqp_wolfssl_error_t *error) {
  struct tls_context *made;
  amqp_wolfssl_code_t code = check_settings(settings, trust, error);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  made = calloc(1, sizeof(*made));
  if (made == NULL) {
    return out_of_memory(error);
  }
  atomic_init(&made->references, 1);
  made->settings = settings;
  made->trust = trust;
  made->credentials = credentials;
  code = build_and_check(made, error);
  if (code != AMQP_WOLFSSL_OK) {
    tls_context_free(made);
    return code;
  }
  *context = made;
  return AMQP_WOLFSSL_OK;
}

amqp_wolfssl_code_t tls_context_new_owning(struct tls_context **context, const struct tls_settings *settings,
                                           struct trust *trust, struct credentials *credentials,
                                           amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code = tls_context_new(context, settings, trust, credentials, error);

  if (code == AMQP_WOLFSSL_OK) {
    struct tls_context *made = *context;

    made->own_trust = *trust;
    made->own_credentials = *credentials;
    made->trust = &made->own_trust;
    made->credentials = &made->own_credentials;
    *trust = (struct trust){0};
    *credentials = (struct credentials){0};
  }
  return code;
}

struct tls_context *tls_context_reference(const struct tls_context *context) {
  struct tls_context *counted = (struct tls_context *)(uintptr_t)context; /* its users change nothing else */

  if (counted != NULL) {
    (void)atomic_fetch_add_explicit(&counted->references, 1, memory_order_relaxed);
  }
  return counted;
}

void tls_context_free(struct tls_context *context) {
  if (context == NULL || atomic_fetch_sub_explicit(&context->references, 1, memory_order_acq_rel) > 1) {
    return;
  }
  if (context->checked != NULL) {
    wolfSSL_CTX_free(atomic_load(&context->checked->ctx));
  }
  free(context->checked);
  remembered_paths_free(context->remembered);
  trust_free(&context->own_trust);
  credentials_free(&context->own_credentials);
  free(context);
}

const struct tls_settings *tls_context_settings(const struct tls_context *context) { return context->settings; }

const struct trust *tls_context_trust(const struct tls_context *context) { return context->trust; }

const struct credentials *tls_context_credentials(const struct tls_context *context) { return context->credentials; }

struct remembered_paths *tls_context_remembered_paths(const struct tls_context *context) {
  return context->remembered;
}

/*
 * To check a stapled response wolfSSL needs the broker's intermediates as CAs of the context, where they stay, and
 * where other connections would find them: then each connection has a context of its own. The first takes the one that
 * was built to be checked.
 */
static WOLFSSL *new_ssl(const struct tls_context *context) {
  amqp_wolfssl_error_t unused; /* what is set up was accepted once: only memory can be short */
  WOLFSSL_CTX *own;
  WOLFSSL *ssl = NULL;

  if (context->settings->stapling == AMQP_WOLFSSL_STAPLING_OFF) {
    return wolfSSL_new(atomic_load(&context->checked->ctx));
  }
  own = atomic_exchange(&context->checked->ctx, NULL);
  if (own != NULL || make_ctx(context, &own, &unused) == AMQP_WOLFSSL_OK) {
    ssl = wolfSSL_new(own);
    wolfSSL_CTX_free(own); /* it counts its sessions, and goes with the last */
  }
  return ssl;
}

WOLFSSL *tls_context_new_ssl(const struct tls_context *context) {
  WOLFSSL *ssl = new_ssl(context);

  if (ssl != NULL && context->credentials->token != NULL) {
    token_signature_attach(ssl, context->credentials->token);
  }
#ifdef FEATURE_OCSP_STAPLING
  if (ssl != NULL && context->settings->stapling != AMQP_WOLFSSL_STAPLING_OFF &&
      wolfSSL_UseOCSPStapling(ssl, WOLFSSL_CSR_OCSP, 0) != WOLFSSL_SUCCESS) {
    wolfSSL_free(ssl);
    ssl = NULL;
  }
#endif
  return ssl;
}
