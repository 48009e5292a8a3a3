/* SPDX-License-Identifier: MIT */
/*
 * The verification callback. It is set on the certificate manager, not on the session, because there it is called in
 * every build of wolfSSL and for good certificates too (the session's own callback only in builds with the OpenSSL
 * layer), and because it sees the whole chain in DER, which avoids the peer-certificate API that minimal builds lack.
 * The price: it is not told which session it serves. A thread-local pointer, set around each handshake step, tells it.
 *
 * Its verdict is the only one: it may turn wolfSSL's refusal into acceptance, and the other way round. wolfSSL judges
 * what was sent, in its order, by what its context holds; we judge a path, and ask wolfSSL's opinion about that path.
 */
#include "autoconfig.h"

#include "verification/peer_verification.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "verification/certificate_fitness.h"
#include "verification/expected_identity.h"
#include "verification/ocsp_check.h"
#include "verification/remembered_paths.h"
#include "verification/revocation.h"
#include "verification/revocation_sources.h"
#include "verification/stapled_status.h"
#include "verification/unread_chain.h"
#include "verification/wolfssl_opinion.h"

#include "backend/wolfssl_error.h"
#include "backend/wolfssl_headers.h"

#include <wolfssl/error-ssl.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

/* Whether this wolfSSL exposes the OCSP response: newer ones to a callback, older ones with the OpenSSL layer as a
   message. The latter has been seen to work in versions before 5.9 only. */
#if defined(FEATURE_OCSP_STAPLING) &&                       \
    (defined(HAVE_WOLFSSL_CTX_SET_OCSP_STATUS_VERIFY_CB) || \
     (defined(HAVE_WOLFSSL_SET_MSG_CALLBACK) && LIBWOLFSSL_VERSION_HEX < 0x05009000))
#define RESPONSES_ARE_SEEN 1
#else
#define RESPONSES_ARE_SEEN 0
#endif

/* In TLS 1.3 the response is a part of the Certificate message, which older versions expose to nobody. */
#if RESPONSES_ARE_SEEN && defined(HAVE_WOLFSSL_CTX_SET_OCSP_STATUS_VERIFY_CB)
#define RESPONSES_OF_TLS_1_3_ARE_SEEN 1
#else
#define RESPONSES_OF_TLS_1_3_ARE_SEEN 0
#endif

/* ContentType of RFC 8446, section 5.1. */
enum { HANDSHAKE_RECORD = 22 };

static _Thread_local struct peer_verification *current;

void peer_verification_set_current(struct peer_verification *verification) { current = verification; }

void peer_verification_init(struct peer_verification *verification, const struct tls_settings *settings,
                            const struct trust *trust, const struct peer_name *name,
                            struct remembered_paths *remembered) {
  memset(verification, 0, sizeof(*verification));
  verification->settings = settings;
  verification->trust = trust;
  verification->name = name;
  verification->remembered = remembered;
  if (settings->revocation != NULL) {
    verification->lists = revocation_sources_take(settings->revocation);
  }
  error_clear(&verification->error);
}

void peer_verification_free(struct peer_verification *verification) {
  certificate_list_free(&verification->chain);
  revocation_lists_release(verification->lists);
  verification->lists = NULL;
  free(verification->response);
  verification->response = NULL;
}

static bool read_at(const struct peer_verification *verification, size_t depth, struct certificate *certificate) {
  const struct certificate_list *chain = &verification->chain;

  return depth < chain->count && certificate_read(certificate, chain->items[depth].bytes, chain->items[depth].length);
}

/* ---- Checks of our own ---- */

static bool check_name(struct peer_verification *verification, const struct certificate *leaf) {
  const struct tls_settings *settings = verification->settings;

  return expected_identity_check(settings->expected, settings->verify_host, verification->name, leaf,
                                 &verification->error) == AMQP_WOLFSSL_OK;
}

/* Whether it has the name and key of a trust anchor, and was only sent along: then nobody relies on its signature.
   Being its own issuer is not enough: a new key may be signed by the one that it replaces. */
static bool is_anchor(const struct trust *trust, const struct certificate *certificate) {
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

/* If the peer is not verified there is no path to judge, but the policy still applies to each certificate sent. */
static bool check_strength(struct peer_verification *verification, size_t depth) {
  const struct policy *policy = verification->settings->limits.policy;
  amqp_wolfssl_error_t *error = &verification->error;
  amqp_wolfssl_code_t code = AMQP_WOLFSSL_ERROR_WEAK_KEY;
  struct certificate certificate;
  char subject[ERROR_SUBJECT_LENGTH];
  char reason[160];

  if (!read_at(verification, depth, &certificate)) {
    error_verify(error, AMQP_WOLFSSL_ERROR_CERTIFICATE_INVALID,
                 "a certificate in the broker's chain can't be parsed: %s", certificate.unread);
    error->certificate_depth = (int)depth;
    return false;
  }
  if (policy_allows_key(policy, &certificate, reason, sizeof(reason))) {
    code = AMQP_WOLFSSL_ERROR_WEAK_SIGNATURE;
    if (policy_allows_signature(policy, &certificate, reason, sizeof(reason)) ||
        is_anchor(verification->trust, &certificate)) {
      return true;
    }
  }
  certificate_format_name(certificate.subject, subject, sizeof(subject));
  error_verify(error, code, "the certificate of \"%s\" in the broker's chain is too weak: %s", subject, reason);
  error_set_certificate(error, (int)depth, subject);
  return false;
}

static bool check_strength_of_all(struct peer_verification *verification) {
  for (size_t depth = 0; depth < verification->chain.count; depth++) {
    if (!check_strength(verification, depth)) {
      return false;
    }
  }
  return true;
}

/* ---- The path to a trust anchor ---- */

static bool find_path(struct peer_verification *verification, const struct path_question *question) {
  struct sent_digest digest = {.known = false};

  if (verification->remembered != NULL) {
    sent_digest_make(&digest, question->sent);
    if (remembered_paths_recall(verification->remembered, &digest, question, &verification->path)) {
      return true;
    }
  }
  if (path_find(&verification->path, question, &verification->error) != AMQP_WOLFSSL_OK ||
      wolfssl_opinion_ask(&verification->path, question, &verification->error) != AMQP_WOLFSSL_OK) {
    return false;
  }
  if (verification->remembered != NULL) {
    remembered_paths_keep(verification->remembered, &digest, &verification->path);
  }
  return true;
}

/* The whole chain is at hand when wolfSSL calls for the first time, with whichever certificate. It is judged then. */
static bool check_path(struct peer_verification *verification) {
  const struct path_question question = {.sent = &verification->chain,
                                         .anchors = &verification->trust->anchors,
                                         .anchors_left_out = verification->trust->left_out,
                                         .policy = verification->settings->limits.policy,
                                         .now = (int64_t)time(NULL),
                                         .depth_is_limited = verification->settings->depth_is_limited,
                                         .maximum_depth = verification->settings->maximum_depth};

  if (!verification->path_judged) {
    verification->path_judged = true;
    verification->path_found = find_path(verification, &question);
  }
  return verification->path_found;
}

/* ---- Revocation ---- */

static struct revocation_check describe_check(const struct peer_verification *verification) {
  return (struct revocation_check){.policy = verification->settings->limits.policy,
                                   .lists = verification->lists,
                                   .chain = &verification->chain,
                                   .anchors = &verification->trust->anchors,
                                   .path = &verification->path,
                                   .now = (int64_t)time(NULL)};
}

static bool check_lists(struct peer_verification *verification) {
  const struct revocation_check check = describe_check(verification);
  const struct revocation_sources *sources = verification->settings->revocation;

  if (sources == NULL || !revocation_sources_any(sources)) {
    return true;
  }
  if (verification->lists == NULL) { /* another thread's opening found them unreadable just now */
    error_set(&verification->error, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
              "the CRLs could not be read just now; check their files, and connect again");
    return false;
  }
  return revocation_check_path(&check, &verification->error) == AMQP_WOLFSSL_OK;
}

static bool judge_response(const struct peer_verification *verification, amqp_wolfssl_error_t *error) {
  const struct revocation_check check = describe_check(verification);
  const struct byte_slice response = {verification->response, verification->response_length};

  return ocsp_check_response(&check, response, error) == AMQP_WOLFSSL_OK;
}

/* Both must accept it. Only our own verdict comes with details, so it is asked first. */
static bool check_response(struct peer_verification *verification) {
  static const struct wolfssl_cause fallback = {AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
                                                "wolfSSL did not accept the OCSP response that the broker stapled"};

  if (!judge_response(verification, &verification->error)) {
    return false;
  }
  if (verification->response_refused != 0) {
    wolfssl_error_set(&verification->error, verification->response_refused, &fallback);
    return false;
  }
  verification->response_accepted = true;
  return true;
}

#if RESPONSES_ARE_SEEN
/* Keeps a copy: the chain it is about may not be known yet. */
static bool keep_response(struct peer_verification *verification, struct byte_slice response) {
  uint8_t *copy = malloc(response.length + 1);

  if (copy == NULL) {
    error_set(&verification->error, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
    return false;
  }
  memcpy(copy, response.bytes, response.length);
  free(verification->response);
  verification->response = copy;
  verification->response_length = response.length;
  return true;
}
#endif

/* A certificate that requires one (RFC 7633) counts as much as a setting that does, unless none is requested: the
   broker would not staple then. */
static bool requires_response(const struct peer_verification *verification) {
  const amqp_wolfssl_stapling_t stapling = verification->settings->stapling;

  return stapling == AMQP_WOLFSSL_STAPLING_REQUIRE ||
         (stapling != AMQP_WOLFSSL_STAPLING_OFF && verification->path.requires_status);
}

static amqp_wolfssl_code_t explain_no_response(const struct peer_verification *verification,
                                               amqp_wolfssl_error_t *error) {
  if (verification->settings->stapling != AMQP_WOLFSSL_STAPLING_REQUIRE) {
    return error_verify(
        error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
        "the broker stapled no OCSP response to its certificate, which requires one (TLS feature status_request, RFC "
        "7633); turn stapling on there");
  }
  return error_set(
      error, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
      "the broker stapled no OCSP response to its certificate, and one is required; turn stapling on there, "
      "or only request it here");
}

static bool is_tls_1_3(const struct peer_verification *verification) {
  return wolfSSL_GetVersion(verification->ssl) == WOLFSSL_TLSV1_3;
}

/* In TLS 1.2 the response comes in a message of its own, after the certificates. */
static bool check_revocation(struct peer_verification *verification) {
  if (!check_lists(verification)) {
    return false;
  }
  if (!is_tls_1_3(verification)) {
    return true;
  }
  if (verification->response != NULL) {
    return check_response(verification);
  }
  /* Where wolfSSL has something against the certificate, 5.9.2 asks about it before it looks for the response. What is
     missing in the end peer_verification_finish() says. */
  if (verification->asked_early) {
    return true;
  }
  return !requires_response(verification) || explain_no_response(verification, &verification->error) == AMQP_WOLFSSL_OK;
}

static bool check_leaf(struct peer_verification *verification) {
  struct certificate leaf;
  char subject[ERROR_SUBJECT_LENGTH];

  if (!read_at(verification, 0, &leaf)) {
    return false;
  }
  if (check_name(verification, &leaf)) {
    return check_revocation(verification);
  }
  certificate_format_name(leaf.subject, subject, sizeof(subject));
  error_set_certificate(&verification->error, 0, subject);
  return false;
}

/* ---- The callback ---- */

static bool is_kept(const struct certificate_list *chain, const WOLFSSL_X509_STORE_CTX *store) {
  if (store->totalCerts < 0 || chain->count != (size_t)store->totalCerts) {
    return false;
  }
  for (size_t i = 0; i < chain->count; i++) {
    if (chain->items[i].length != store->certs[i].length ||
        memcmp(chain->items[i].bytes, store->certs[i].buffer, chain->items[i].length) != 0) {
      return false;
    }
  }
  return true;
}

/* A verdict holds for the chain that it is about. */
static bool keep_chain(struct peer_verification *verification, const WOLFSSL_X509_STORE_CTX *store) {
  if (is_kept(&verification->chain, store)) {
    return verification->chain.count > 0;
  }
  certificate_list_free(&verification->chain);
  verification->path_judged = false;
  verification->path_found = false;
  verification->leaf_accepted = false;
  verification->response_accepted = false;
  for (int i = 0; i < store->totalCerts; i++) {
    if (!certificate_list_add(&verification->chain, store->certs[i].buffer, store->certs[i].length)) {
      error_set(&verification->error, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
      return false;
    }
  }
  return verification->chain.count > 0;
}

#if RESPONSES_OF_TLS_1_3_ARE_SEEN
/* It refuses those that it can't read, and those out of date, before it shows them. */
#define WOLFSSL_SHOWS_READABLE_RESPONSES true

/* wolfSSL has looked at the response already. In TLS 1.3 the leaf's turn comes next, and its callback decides on
   both. */
static int see_status(WOLFSSL *ssl, int wolfssl_code, byte *bytes, word32 length, word32 depth, void *argument) {
  struct peer_verification *verification = current;
  const struct byte_slice response = {bytes, length};

  (void)ssl;
  (void)argument;
  if (verification == NULL) {
    return wolfssl_code != 0 ? wolfssl_code : BAD_CERTIFICATE_STATUS_ERROR;
  }
  if (depth > 0) {
    return wolfssl_code;
  }
  verification->response_refused = wolfssl_code;
  if (!keep_response(verification, response)) {
    return MEMORY_E;
  }
  if (!verification->leaf_accepted) {
    return 0;
  }
  if (check_response(verification)) {
    return 0;
  }
  return wolfssl_code != 0 ? wolfssl_code : BAD_CERTIFICATE_STATUS_ERROR;
}

static void watch_responses_of_context(WOLFSSL_CTX *ctx) {
  wolfSSL_CTX_set_ocsp_status_verify_cb(ctx, see_status, NULL);
}

static void watch_responses(WOLFSSL *ssl) { (void)ssl; }

#elif RESPONSES_ARE_SEEN
#define WOLFSSL_SHOWS_READABLE_RESPONSES false

/* In TLS 1.2 it is a message of its own. It can't be refused here: the session checks after each step. */
static void see_message(int written, int version, int type, const void *bytes, size_t length, WOLFSSL *ssl,
                        void *argument) {
  const struct byte_slice message = {bytes, length};
  struct peer_verification *verification = current;
  struct byte_slice response;

  (void)version;
  (void)ssl;
  (void)argument;
  if (verification != NULL && verification->leaf_accepted && !written && type == HANDSHAKE_RECORD &&
      stapled_status_in_message(message, &response) && keep_response(verification, response)) {
    (void)check_response(verification);
  }
}

static void watch_responses_of_context(WOLFSSL_CTX *ctx) { (void)ctx; }

static void watch_responses(WOLFSSL *ssl) { (void)wolfSSL_set_msg_callback(ssl, see_message); }

#else
#define WOLFSSL_SHOWS_READABLE_RESPONSES false

static void watch_responses_of_context(WOLFSSL_CTX *ctx) { (void)ctx; }

static void watch_responses(WOLFSSL *ssl) { (void)ssl; }
#endif

bool peer_verification_sees_responses(void) { return RESPONSES_ARE_SEEN; }

bool peer_verification_sees_responses_of_tls_1_3(void) { return RESPONSES_OF_TLS_1_3_ARE_SEEN; }

void peer_verification_attach(struct peer_verification *verification, WOLFSSL *ssl) {
  verification->ssl = ssl;
  if (verification->settings->stapling != AMQP_WOLFSSL_STAPLING_OFF) {
    watch_responses(ssl);
  }
}

amqp_wolfssl_code_t peer_verification_finish(const struct peer_verification *verification,
                                             amqp_wolfssl_error_t *error) {
  const struct tls_settings *settings = verification->settings;

  if (!verification->leaf_accepted &&
      (settings->verify_peer || settings->verify_host || expected_identity_has_uri(settings->expected))) {
    return error_set(error, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_PEER_CERTIFICATE_MISSING,
                     "the broker presented no certificate that was verified");
  }
  if (requires_response(verification) && !verification->response_accepted) {
    return explain_no_response(verification, error);
  }
  return AMQP_WOLFSSL_OK;
}

/* The session's own callback repeats the verdict of the certificate manager's, which is called first. Without one here,
   5.5.4 stops at a bad leaf before it calls the manager's. */
static int repeat_verdict(int accepted_by_wolfssl, WOLFSSL_X509_STORE_CTX *store) {
  (void)accepted_by_wolfssl;
  (void)store;
  return current != NULL && current->accepted ? 1 : 0;
}

/*
 * What wolfSSL itself makes of the certificates does not count any more once we have accepted them, nor may it keep
 * any: an intermediate that it verified would be a CA of the context, which other connections share, for as long as
 * that lives. Not verifying, it keeps none. At the broker's own certificate, which comes last, it is told to verify
 * again, for the rest of the handshake.
 *
 * With stapling the context is not shared, and wolfSSL needs the intermediates to check the response.
 */
static void stop_wolfssl_from_keeping(struct peer_verification *verification, bool is_last) {
  if (verification->settings->stapling == AMQP_WOLFSSL_STAPLING_OFF) {
    wolfSSL_set_verify(verification->ssl, is_last ? WOLFSSL_VERIFY_PEER : WOLFSSL_VERIFY_NONE, repeat_verdict);
  }
}

static bool are_issuers_trusted(const struct peer_verification *verification) {
  const struct certificate_list *chain = &verification->chain;

  for (size_t i = 1; i < chain->count; i++) {
    if (!certificate_list_contains(&verification->trust->anchors, chain->items[i].bytes, chain->items[i].length)) {
      return false;
    }
  }
  return true;
}

/* What is wrong with the broker's own certificate is left to its turn, where that leaves nothing in the context:
   wolfSSL then sends the matching alert, if it sees the fault too. */
static bool is_left_to_leaf(const struct peer_verification *verification, bool is_last) {
  return !is_last && verification->error.certificate_depth == 0 && are_issuers_trusted(verification);
}

static bool verify_peer(struct peer_verification *verification, int accepted_by_wolfssl,
                        const WOLFSSL_X509_STORE_CTX *store) {
  const bool is_last = store->error_depth == 0;

  if (!check_path(verification)) {
    return is_left_to_leaf(verification, is_last);
  }
  stop_wolfssl_from_keeping(verification, is_last);
  if (!is_last) {
    return true;
  }
  verification->asked_early = !accepted_by_wolfssl;
  verification->leaf_accepted = check_leaf(verification);
  return verification->leaf_accepted;
}

/* Without verification the policy still counts, and the name if that is to be verified. */
static bool verify_nobody(struct peer_verification *verification, int accepted_by_wolfssl,
                          const WOLFSSL_X509_STORE_CTX *store) {
  if (!check_strength_of_all(verification)) {
    return false;
  }
  if (!accepted_by_wolfssl || store->error_depth > 0) {
    return true;
  }
  verification->leaf_accepted = check_leaf(verification);
  return verification->leaf_accepted;
}

static bool judge(struct peer_verification *verification, int accepted_by_wolfssl,
                  const WOLFSSL_X509_STORE_CTX *store) {
  if (!keep_chain(verification, store)) {
    return false;
  }
  return verification->settings->verify_peer ? verify_peer(verification, accepted_by_wolfssl, store)
                                             : verify_nobody(verification, accepted_by_wolfssl, store);
}

static int verify(int accepted_by_wolfssl, WOLFSSL_X509_STORE_CTX *store) {
  struct peer_verification *verification = current;

  if (verification == NULL || verification->ssl == NULL) {
    return 0; /* no handshake of ours: a renegotiation, which some builds of wolfSSL start while they read */
  }
  verification->accepted = judge(verification, accepted_by_wolfssl, store);
  return verification->accepted ? 1 : 0;
}

amqp_wolfssl_code_t peer_verification_install(WOLFSSL_CTX *ctx, const struct tls_settings *settings,
                                              amqp_wolfssl_error_t *error) {
  WOLFSSL_CERT_MANAGER *manager = wolfSSL_CTX_GetCertManager(ctx);

  if (manager == NULL) {
    return error_set(error, AMQP_WOLFSSL_STAGE_CONFIGURE, AMQP_WOLFSSL_ERROR_LIBRARY_FAILED,
                     "wolfSSL's context has no certificate manager");
  }
  if (settings->verify_peer) {
    wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_PEER, repeat_verdict);
  } else {
    wolfSSL_CTX_set_verify(ctx, WOLFSSL_VERIFY_NONE, NULL);
  }
  wolfSSL_CertManagerSetVerify(manager, verify);
  watch_responses_of_context(ctx);
  return AMQP_WOLFSSL_OK;
}

/* ---- Sentences ---- */

/* Its first question shows all of them. */
static bool stopped_while_reading(const struct peer_verification *verification) {
  return verification->chain.count == 0 && verification->ssl != NULL && unread_chain_exists(verification->ssl);
}

bool peer_verification_failed(const struct peer_verification *verification, int wolfssl_code) {
  const struct wolfssl_cause *cause = wolfssl_error_find_cause(wolfssl_code);

  if (cause == NULL && wolfssl_code != 0 && stopped_while_reading(verification)) {
    return true;
  }
  return verification->error.code != AMQP_WOLFSSL_OK || (cause != NULL && cause->stage == AMQP_WOLFSSL_STAGE_VERIFY);
}

static bool is_about_response(int wolfssl_code) {
  return wolfssl_code == BAD_CERTIFICATE_STATUS_ERROR || wolfssl_code == OCSP_CERT_REVOKED;
}

amqp_wolfssl_code_t peer_verification_explain(const struct peer_verification *verification, int wolfssl_code,
                                              amqp_wolfssl_error_t *error) {
  static const struct wolfssl_cause fallback = {AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_CERTIFICATE_INVALID,
                                                "the broker's certificate was not accepted"};
  static const struct wolfssl_cause unreadable = {AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_CERTIFICATE_INVALID,
                                                  "wolfSSL can't read a certificate that the broker sent"};
  const bool unread = stopped_while_reading(verification);
  struct certificate certificate;
  char subject[ERROR_SUBJECT_LENGTH];

  if (verification->error.code != AMQP_WOLFSSL_OK) {
    error_copy(error, &verification->error);
    error->wolfssl_code = wolfssl_code;
    return error->code;
  }
  if (unread && unread_chain_explain(verification->ssl, error)) {
    error->wolfssl_code = wolfssl_code;
    return error->code;
  }
  /* wolfSSL 5.5.4 stops before it shows the response's certificate; with the chain at hand there is more to say. */
  if (is_about_response(wolfssl_code) && verification->response != NULL && verification->path_found &&
      !judge_response(verification, error)) {
    error->wolfssl_code = wolfssl_code;
    return error->code;
  }
  if (is_about_response(wolfssl_code) && verification->response != NULL && verification->path_found) {
    error_verify(
        error, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
        "the OCSP response that the broker stapled is good, but this wolfSSL can't check it: the broker's "
        "certificates are not in the usual order, the CA that issued them has no subject key identifier, or it "
        "misreads a rule of theirs (name constraints, say); use a newer wolfSSL, or CRLs");
    error->wolfssl_code = wolfssl_code;
    return error->code;
  }
  wolfssl_error_set(error, wolfssl_code, unread ? &unreadable : &fallback);
  if (WOLFSSL_SHOWS_READABLE_RESPONSES && wolfssl_code == BAD_CERTIFICATE_STATUS_ERROR &&
      verification->response == NULL) {
    error_set(error, AMQP_WOLFSSL_STAGE_VERIFY, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
              "the OCSP response that the broker stapled is out of date or can't be read (wolfSSL does not say which); "
              "\"openssl s_client -status\" shows it");
    error->wolfssl_code = wolfssl_code;
  }
  if (!read_at(verification, 0, &certificate)) {
    return error->code;
  }
  if (error->code == AMQP_WOLFSSL_ERROR_CERTIFICATE_EXPIRED ||
      error->code == AMQP_WOLFSSL_ERROR_CERTIFICATE_NOT_YET_VALID) {
    certificate_append_dates(&certificate, error);
  }
  if (verification->path_found && error->code == AMQP_WOLFSSL_ERROR_CERTIFICATE_INVALID) {
    error_append(error, " (according to wolfSSL; there is a valid path from it to a trusted CA)");
  }
  certificate_format_name(certificate.subject, subject, sizeof(subject));
  error_set_certificate(error, 0, subject);
  return error->code;
}
