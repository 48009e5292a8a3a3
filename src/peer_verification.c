/* SPDX-License-Identifier: MIT */
/*
 * The verification callback. It hangs on the certificate manager, not on the session, because that one is called in
 * every build of wolfSSL and for good certificates too (the session's own callback only in builds with the OpenSSL
 * layer), and because it sees the whole chain in DER, which spares us the peer-certificate API that minimal builds
 * lack. Its price: it is not told which session it serves. A thread-local pointer, set around each handshake step,
 * tells it.
 *
 * It never turns a wolfSSL error into success: 5.5.4 hides an expiry behind an overridden mismatch.
 */
#include "autoconfig.h"

#include "peer_verification.h"

#include <stdio.h>
#include <string.h>

#include "wolfssl_headers.h"

#include <wolfssl/error-ssl.h>

/* Longest list of names shown in a sentence. */
#define NAMES_SHOWN_LENGTH 400

static _Thread_local struct peer_verification *current;

void peer_verification_set_current(struct peer_verification *verification) { current = verification; }

void peer_verification_init(struct peer_verification *verification, const struct tls_settings *settings,
                            const struct trust *trust, const struct peer_name *name) {
  memset(verification, 0, sizeof(*verification));
  verification->settings = settings;
  verification->trust = trust;
  verification->name = name;
  verification->failed_depth = -1;
  error_clear(&verification->error);
}

void peer_verification_free(struct peer_verification *verification) { certificate_list_free(&verification->chain); }

static bool read_at(const struct peer_verification *verification, size_t depth, struct certificate *certificate) {
  const struct certificate_list *chain = &verification->chain;

  return depth < chain->count && certificate_read(certificate, chain->items[depth].bytes, chain->items[depth].length);
}

/* ---- Checks of our own ---- */

static void list_names(const struct certificate *leaf, char *text, size_t capacity) {
  struct byte_slice rest = leaf->alternative_names;
  struct byte_slice value;
  enum certificate_name_kind kind;
  size_t used = 0;

  text[0] = '\0';
  while (certificate_next_name(&rest, &kind, &value)) {
    char name[300];
    int added;

    (void)certificate_format_alternative_name(kind, value, name, sizeof(name));
    added = snprintf(text + used, capacity - used, "%s%s", used > 0 ? ", " : "", name);
    if (added < 0 || (size_t)added >= capacity - used) {
      (void)snprintf(text + (capacity > 6 ? capacity - 6 : 0), capacity > 6 ? 6 : 0, ", ...");
      return;
    }
    used += (size_t)added;
  }
  if (used == 0) {
    (void)snprintf(text, capacity, "no name at all (the common name does not count, RFC 9525)");
  }
}

static void describe_wanted(const struct peer_name *name, char *text, size_t capacity) {
  struct byte_slice address = {name->address, name->address_length};

  if (name->kind == PEER_NAME_DNS) {
    (void)snprintf(text, capacity, "DNS:%s", name->dns);
  } else {
    (void)certificate_format_alternative_name(CERTIFICATE_NAME_IP, address, text, capacity);
  }
}

static bool check_name(struct peer_verification *verification, const struct certificate *leaf) {
  char names[NAMES_SHOWN_LENGTH];
  char wanted[300];

  if (!verification->settings->verify_host) {
    return true;
  }
  if (verification->name != NULL && peer_name_matches_certificate(verification->name, leaf)) {
    return true;
  }
  list_names(leaf, names, sizeof(names));
  wanted[0] = '\0';
  if (verification->name != NULL) {
    describe_wanted(verification->name, wanted, sizeof(wanted));
  }
  error_set(&verification->error, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_NAME_MISMATCH,
            "the broker's certificate is not for %s but for %s; connect by a name it holds, set the server name apart "
            "from the address, or have the certificate issued with this name",
            wanted, names);
  return false;
}

/* Its name and key are those of a trust anchor, sent along: nobody relies on its signature. That it is its own issuer
   would not do: a key that replaces an older one may be signed by that one. */
static bool is_trust_anchor(const struct trust *trust, const struct certificate *certificate) {
  for (size_t i = 0; i < trust->anchors.count; i++) {
    const struct certificate_der *der = &trust->anchors.items[i];
    struct certificate anchor;

    if (certificate_read(&anchor, der->bytes, der->length) &&
        certificate_names_equal(anchor.subject, certificate->subject) &&
        byte_slices_equal(anchor.public_key, certificate->public_key)) {
      return true;
    }
  }
  return false;
}

static bool check_strength(const struct peer_verification *verification, const struct certificate *certificate,
                           amqp_wolfssl_code_t *code, char *reason, size_t capacity) {
  const struct policy *policy = verification->settings->limits.policy;

  if (!policy_allows_key(policy, certificate, reason, capacity)) {
    *code = AMQP_WOLFSSL_WEAK_KEY;
    return false;
  }
  *code = AMQP_WOLFSSL_WEAK_SIGNATURE;
  return policy_allows_signature(policy, certificate, reason, capacity) ||
         is_trust_anchor(verification->trust, certificate);
}

static bool check_certificate(const struct peer_verification *verification, size_t depth, amqp_wolfssl_error_t *error) {
  struct certificate certificate;
  amqp_wolfssl_code_t code;
  char subject[ERROR_SUBJECT_LENGTH];
  char reason[160];

  if (!read_at(verification, depth, &certificate)) {
    error_set(error, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_CERTIFICATE_INVALID,
              "a certificate of the broker's chain can't be parsed");
    error->certificate_depth = (int)depth;
    return false;
  }
  if (check_strength(verification, &certificate, &code, reason, sizeof(reason))) {
    return true;
  }
  certificate_format_name(certificate.subject, subject, sizeof(subject));
  error_set(error, AMQP_WOLFSSL_STAGE_VERIFY, code, "the certificate of \"%s\" in the broker's chain is too weak: %s",
            subject, reason);
  error_set_certificate(error, (int)depth, subject);
  return false;
}

static bool check_leaf(struct peer_verification *verification) {
  struct certificate leaf;
  char subject[ERROR_SUBJECT_LENGTH];

  for (size_t depth = 0; depth < verification->chain.count; depth++) {
    if (!check_certificate(verification, depth, &verification->error)) {
      return false;
    }
  }
  if (!read_at(verification, 0, &leaf)) {
    return false;
  }
  if (check_name(verification, &leaf)) {
    return true;
  }
  certificate_format_name(leaf.subject, subject, sizeof(subject));
  error_set_certificate(&verification->error, 0, subject);
  return false;
}

/* ---- The callback ---- */

static bool keep_chain(struct peer_verification *verification, const WOLFSSL_X509_STORE_CTX *store) {
  certificate_list_free(&verification->chain);
  for (int i = 0; i < store->totalCerts; i++) {
    if (!certificate_list_add(&verification->chain, store->certs[i].buffer, store->certs[i].length)) {
      error_set(&verification->error, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_NO_MEMORY, "out of memory");
      return false;
    }
  }
  return verification->chain.count > 0;
}

static int verify(int accepted_by_wolfssl, WOLFSSL_X509_STORE_CTX *store) {
  struct peer_verification *verification = current;

  if (verification == NULL) {
    return accepted_by_wolfssl; /* a CA being loaded, not a handshake */
  }
  if (!keep_chain(verification, store)) {
    return 0;
  }
  if (!accepted_by_wolfssl) {
    verification->failed_depth = store->error_depth;
    return verification->settings->verify_peer ? 0 : 1;
  }
  if (store->error_depth > 0) {
    return 1; /* the leaf comes last and is judged with the whole chain at hand */
  }
  verification->leaf_accepted = check_leaf(verification);
  return verification->leaf_accepted ? 1 : 0;
}

amqp_wolfssl_code_t peer_verification_install(WOLFSSL_CTX *ctx, amqp_wolfssl_error_t *error) {
  WOLFSSL_CERT_MANAGER *manager = wolfSSL_CTX_GetCertManager(ctx);

  if (manager == NULL) {
    return error_set(error, AMQP_WOLFSSL_STAGE_CONFIGURE, AMQP_WOLFSSL_LIBRARY_FAILED,
                     "wolfSSL's context has no certificate manager");
  }
  wolfSSL_CertManagerSetVerify(manager, verify);
  return AMQP_WOLFSSL_OK;
}

/* ---- Sentences ---- */

static void add_dates(const struct certificate *certificate, amqp_wolfssl_error_t *error) {
  error_append_date(error, " (it is valid from ", certificate->not_before, "");
  error_append_date(error, " to ", certificate->not_after, ")");
}

/* The issuer is trusted, but was not given to wolfSSL because the policy does not allow its key. */
static bool explain_weak_anchor(const struct peer_verification *verification, const struct certificate *last,
                                amqp_wolfssl_error_t *error) {
  for (size_t i = 0; i < verification->trust->anchors.count; i++) {
    const struct certificate_der *der = &verification->trust->anchors.items[i];
    char subject[ERROR_SUBJECT_LENGTH];
    char reason[160];
    struct certificate anchor;

    if (certificate_read(&anchor, der->bytes, der->length) && certificate_names_equal(anchor.subject, last->issuer) &&
        !policy_allows_key(verification->settings->limits.policy, &anchor, reason, sizeof(reason))) {
      certificate_format_name(anchor.subject, subject, sizeof(subject));
      error->code = AMQP_WOLFSSL_WEAK_KEY;
      (void)snprintf(error->message, sizeof(error->message),
                     "the trusted CA \"%s\", which issued the broker's certificate, is too weak: %s", subject, reason);
      return true;
    }
  }
  return false;
}

/* Which CA is missing: the issuer of the last certificate presented, unless that one is its own issuer. */
static void add_missing_issuer(const struct peer_verification *verification, amqp_wolfssl_error_t *error) {
  const struct trust *trust = verification->trust;
  struct certificate last;
  char issuer[ERROR_SUBJECT_LENGTH];

  if (verification->chain.count == 0 || !read_at(verification, verification->chain.count - 1, &last)) {
    return;
  }
  if (explain_weak_anchor(verification, &last, error)) {
    return;
  }
  certificate_format_name(last.issuer, issuer, sizeof(issuer));
  if (certificate_names_equal(last.subject, last.issuer) && verification->chain.count == 1) {
    error->code = AMQP_WOLFSSL_SELF_SIGNED;
    (void)snprintf(error->message, sizeof(error->message),
                   "the broker's certificate is self-signed and not trusted (CAs trusted: %zu); have a CA issue it",
                   trust->anchors.count);
    return;
  }
  error_append(error,
               " (the last certificate it sent was issued by \"%s\", which is not trusted; certificates sent: %zu, CAs "
               "trusted: %zu",
               issuer, verification->chain.count, trust->anchors.count);
  if (trust->left_out > 0) {
    error_append(error, ", left out as expired or no CA: %zu", trust->left_out);
  }
  error_append(error, ")");
}

bool peer_verification_failed(const struct peer_verification *verification, int wolfssl_code) {
  const struct error_cause *cause = error_find_cause(wolfssl_code);

  return verification->error.code != AMQP_WOLFSSL_OK || verification->failed_depth >= 0 ||
         (cause != NULL && cause->stage == AMQP_WOLFSSL_STAGE_VERIFY);
}

amqp_wolfssl_code_t peer_verification_explain(const struct peer_verification *verification, int wolfssl_code,
                                              amqp_wolfssl_error_t *error) {
  static const struct error_cause fallback = {AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_CERTIFICATE_INVALID,
                                              "the broker's certificate was not accepted"};
  size_t depth = verification->failed_depth > 0 ? (size_t)verification->failed_depth : 0;
  struct certificate certificate;
  char subject[ERROR_SUBJECT_LENGTH];

  if (verification->error.code != AMQP_WOLFSSL_OK) {
    error_copy(error, &verification->error);
    error->wolfssl_code = wolfssl_code;
    return error->code;
  }
  error_set_from_wolfssl(error, wolfssl_code, &fallback);
  if (!read_at(verification, depth, &certificate)) {
    return error->code;
  }
  if (error->code == AMQP_WOLFSSL_CERTIFICATE_EXPIRED || error->code == AMQP_WOLFSSL_CERTIFICATE_NOT_YET_VALID) {
    add_dates(&certificate, error);
  } else if (error->code == AMQP_WOLFSSL_UNKNOWN_CA || error->code == AMQP_WOLFSSL_SELF_SIGNED) {
    /* 5.5.4 drops an intermediate with a weak key and then misses the leaf's issuer. */
    for (size_t at = 0; at < verification->chain.count; at++) {
      if (!check_certificate(verification, at, error)) {
        error->wolfssl_code = wolfssl_code;
        return error->code;
      }
    }
    add_missing_issuer(verification, error);
  }
  certificate_format_name(certificate.subject, subject, sizeof(subject));
  error_set_certificate(error, (int)depth, subject);
  return error->code;
}
