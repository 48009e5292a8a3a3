/* SPDX-License-Identifier: MIT */
/* Private keys in tokens: how they are found, logged in to and proved, and every way that goes wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "identity/credentials.h"
#include "backend/fips_module.h"
#include "minted_certificates.h"
#include "identity/pkcs11_token.h"
#include "soft_token.h"
#include "temporary_folder.h"
#include "identity/token_signature.h"

#define PIN "2468 right"
#define WRONG_PIN "1357 wrong"

struct result {
  struct credentials credentials;
  amqp_wolfssl_error_t error;
  amqp_wolfssl_code_t code;
};

static const struct passphrase_source no_passphrase;

static void read_identity(struct result *result, const char *certificate, const char *uri,
                          const struct passphrase_source *pin) {
  memset(result, 0, sizeof(*result));
  error_clear(&result->error);
  result->code =
      credentials_read_token(&result->credentials, temporary_folder_path(certificate), uri,
                             pin != NULL ? pin : &no_passphrase, policy_find(AMQP_WOLFSSL_POLICY_FIPS), &result->error);
}

/* The right cause and nothing left behind, and no PIN in the sentence. */
static void assert_bad(struct result *result, amqp_wolfssl_code_t code, const char *part) {
  if (result->code != code || strstr(result->error.message, part) == NULL) {
    print_error("wanted %s with \"%s\", got %s: %s\n", amqp_wolfssl_code_name(code), part,
                amqp_wolfssl_code_name(result->code), result->error.message);
  }
  assert_int_equal(result->code, code);
  assert_int_equal(result->error.code, code);
  assert_int_equal(result->error.stage, AMQP_WOLFSSL_STAGE_CONFIGURE);
  assert_non_null(strstr(result->error.message, part));
  assert_null(strstr(result->error.message, "2468"));
  assert_null(strstr(result->error.message, "1357"));
  assert_null(strstr(result->error.message, "pin-value"));
  assert_null(result->credentials.token);
  assert_int_equal(result->credentials.chain.count, 0);
}

#ifndef HAVE_PKCS11_TOKENS

static void test_not_supported(void **state) {
  struct result result;

  (void)state;
  read_identity(&result, "client.pem", "pkcs11:token=first?pin-value=2468", NULL);
  assert_bad(&result, AMQP_WOLFSSL_ERROR_NOT_SUPPORTED, PKCS11_TOKENS_MISSING);
}

#else

static void expect_bad(const char *certificate, const char *uri, const struct passphrase_source *pin,
                       amqp_wolfssl_code_t code, const char *part) {
  struct result result;

  read_identity(&result, certificate, uri, pin);
  assert_bad(&result, code, part);
}

/* \a path and \a query as in soft_token_uri(). */
static void expect_bad_in_token(const char *certificate, const char *path, const char *query,
                                const struct passphrase_source *pin, amqp_wolfssl_code_t code, const char *part) {
  char uri[SOFT_TOKEN_URI_SIZE];

  expect_bad(certificate, soft_token_uri(uri, path, query), pin, code, part);
}

static struct pkcs11_token *expect_good(struct result *result, const char *certificate, const char *uri,
                                        const struct passphrase_source *pin) {
  read_identity(result, certificate, uri, pin);
  if (result->code != AMQP_WOLFSSL_OK) {
    print_error("%s: %s\n", amqp_wolfssl_code_name(result->code), result->error.message);
  }
  assert_int_equal(result->code, AMQP_WOLFSSL_OK);
  assert_non_null(result->credentials.token);
  assert_null(result->credentials.key.bytes);
  return result->credentials.token;
}

static void expect_good_in_token(const char *certificate, const char *path, const char *query,
                                 const struct passphrase_source *pin) {
  char uri[SOFT_TOKEN_URI_SIZE];
  struct result result;

  (void)expect_good(&result, certificate, soft_token_uri(uri, path, query), pin);
  credentials_free(&result.credentials);
  assert_null(result.credentials.token);
}

/* ---- PINs ---- */

struct answer {
  const char *text; /* NULL: refuses */
  unsigned asked;
};

static int give_answer(char *passphrase, size_t capacity, void *user_data) {
  struct answer *answer = user_data;

  answer->asked++;
  if (answer->text == NULL) {
    return -1;
  }
  assert_true(strlen(answer->text) <= capacity);
  memcpy(passphrase, answer->text, strlen(answer->text));
  return (int)strlen(answer->text);
}

static struct passphrase_source asking(struct answer *answer) {
  return (struct passphrase_source){.callback = give_answer, .user_data = answer};
}

/* The PIN in every ordinary case. */
static const struct passphrase_source *right_pin(void) {
  static struct answer answer = {PIN, 0};
  static struct passphrase_source source;

  source = asking(&answer);
  return &source;
}

/* Debian's rule for what is in a URI: "%20" stands for the space. */
static void test_pin_in_uri(void **state) {
  (void)state;
  soft_token_require();
  expect_good_in_token("client.pem", "token=first;object=ec", "pin-value=2468%20right", NULL);
}

static void test_pin_in_file(void **state) {
  static const char *const before[] = {"", "file:", "file://"};
  static const char *const contents[] = {PIN, PIN "\n", PIN "\r\n"};

  (void)state;
  soft_token_require();
  for (size_t i = 0; i < 3; i++) {
    char query[4200];

    temporary_folder_write_text("pin", contents[i]);
    (void)snprintf(query, sizeof(query), "pin-source=%s%s", before[i], temporary_folder_path("pin"));
    expect_good_in_token("client.pem", "token=first;object=ec", query, NULL);
  }
}

static void test_pin_file_refused(void **state) {
  (void)state;
  soft_token_require();
  expect_bad_in_token("client.pem", "token=first;object=ec", "pin-source=/nonexistent/pin", NULL,
                      AMQP_WOLFSSL_ERROR_FILE_UNREADABLE, "/nonexistent/pin");
  expect_bad_in_token("client.pem", "token=first;object=ec", "pin-source=%7Cecho%202468", NULL,
                      AMQP_WOLFSSL_ERROR_URI_INVALID, "pin-source");
  expect_bad_in_token("client.pem", "token=first;object=ec", "pin-source=relative", NULL,
                      AMQP_WOLFSSL_ERROR_URI_INVALID, "pin-source");
  expect_bad_in_token("client.pem", "token=first;object=ec", "pin-source=file://host/pin", NULL,
                      AMQP_WOLFSSL_ERROR_URI_INVALID, "pin-source");
}

static void test_pin_as_passphrase(void **state) {
  struct secret text = {0};
  struct passphrase_source source = {.text = &text};

  (void)state;
  soft_token_require();
  assert_int_equal(secret_copy(&text, PIN, strlen(PIN)), 0);
  expect_good_in_token("client.pem", "token=first;object=ec", NULL, &source);
  secret_free(&text);
}

static void test_pin_from_callback(void **state) {
  struct answer answer = {PIN, 0};
  struct passphrase_source source = asking(&answer);

  (void)state;
  soft_token_require();
  expect_good_in_token("client.pem", "token=first;object=ec", NULL, &source);
  assert_int_equal(answer.asked, 1);
}

/* What the URI says comes first. */
static void test_pin_in_uri_is_not_asked_for(void **state) {
  struct answer answer = {WRONG_PIN, 0};
  struct passphrase_source source = asking(&answer);

  (void)state;
  soft_token_require();
  expect_good_in_token("client.pem", "token=first;object=ec", "pin-value=2468%20right", &source);
  assert_int_equal(answer.asked, 0);
}

static void test_pin_missing(void **state) {
  struct answer answer = {NULL, 0};
  struct passphrase_source source = asking(&answer);

  (void)state;
  soft_token_require();
  expect_bad_in_token("client.pem", "token=first;object=ec", NULL, NULL, AMQP_WOLFSSL_ERROR_PASSPHRASE_MISSING,
                      "requires a PIN; set it");
  expect_bad_in_token("client.pem", "token=first;object=ec", NULL, &source, AMQP_WOLFSSL_ERROR_PASSPHRASE_MISSING,
                      "callback gave none");
  assert_int_equal(answer.asked, 1);
}

static void test_pin_wrong(void **state) {
  struct answer answer = {WRONG_PIN, 0};
  struct passphrase_source source = asking(&answer);

  (void)state;
  soft_token_require();
  expect_bad_in_token("client.pem", "token=first;object=ec", NULL, &source, AMQP_WOLFSSL_ERROR_PASSPHRASE_WRONG,
                      "token=first");
  assert_int_equal(answer.asked, 1);
  expect_bad_in_token("client.pem", "token=first;object=ec", "pin-value=1357%20wrong", NULL,
                      AMQP_WOLFSSL_ERROR_PASSPHRASE_WRONG, "tried only once");
  expect_bad_in_token("client.pem", "token=first;object=ec", "pin-value=1", NULL, AMQP_WOLFSSL_ERROR_PASSPHRASE_WRONG,
                      "");
  /* The failures left no session, and no login. */
  expect_bad_in_token("client.pem", "token=first;object=ec", NULL, NULL, AMQP_WOLFSSL_ERROR_PASSPHRASE_MISSING, "");
  expect_good_in_token("client.pem", "token=first;object=ec", NULL, right_pin());
}

/* However often the identity is read again. A PIN that is right is tried, for it is another one. */
static void test_a_rejected_pin_is_not_tried_again(void **state) {
  struct pkcs11_login rejected = {0};
  struct answer answer = {WRONG_PIN, 0};
  struct passphrase_source source = asking(&answer);
  struct passphrase_source right = *right_pin();

  (void)state;
  soft_token_require();
  source.rejected = &rejected;
  right.rejected = &rejected;
  expect_bad_in_token("client.pem", "token=first;object=ec", NULL, &source, AMQP_WOLFSSL_ERROR_PASSPHRASE_WRONG,
                      "tried only once");
  for (int i = 0; i < 20; i++) { /* a token would be locked by now */
    expect_bad_in_token("client.pem", "token=first;object=ec", NULL, &source, AMQP_WOLFSSL_ERROR_PASSPHRASE_WRONG,
                        "was not tried again");
  }
  expect_good_in_token("client.pem", "token=first;object=ec", NULL, &right);
  assert_int_equal(rejected.count, 1);
  pkcs11_login_free(&rejected);
}

/* ---- The URI ---- */

static void test_malformed_uris(void **state) {
  static const char *const malformed[] = {
      "",
      "/etc/client.key",
      "pkcs11",
      "pkcs12:token=first",
      "pkcs11:token",
      "pkcs11:token=first;object=%zz?pin-value=2468",
      "pkcs11:token=first;slot-id=many?pin-value=2468",
      "pkcs11:token=first?pin-value",
      "pkcs11:token=first;unheard-of=1?pin-value=2468",
      "pkcs11:token=first;type=cert?pin-value=2468",
      "pkcs11:token=first;type=public?pin-value=2468",
      "pkcs11:token=first?pin-value=2468&pin-source=/etc/pin",
  };

  (void)state;
  for (size_t i = 0; i < sizeof(malformed) / sizeof(malformed[0]); i++) {
    struct result result;

    read_identity(&result, "client.pem", malformed[i], NULL);
    if (result.code != AMQP_WOLFSSL_ERROR_URI_INVALID) {
      print_error("%s\n", malformed[i]);
    }
    /* One of them speaks of the attribute, without its value. */
    assert_int_equal(result.code, AMQP_WOLFSSL_ERROR_URI_INVALID);
    assert_null(strstr(result.error.message, "2468"));
    assert_null(strstr(result.error.message, "/etc/"));
    assert_null(result.credentials.token);
    assert_int_equal(result.credentials.chain.count, 0);
  }
}

/* ---- Module, token, key ---- */

static void test_module_unusable(void **state) {
  char path[4200];

  (void)state;
  expect_bad("client.pem", "pkcs11:token=first?module-path=/nonexistent/module.so&pin-value=2468", NULL,
             AMQP_WOLFSSL_ERROR_TOKEN_MODULE_UNUSABLE, "/nonexistent/module.so");
  /* A file that is no library. */
  (void)snprintf(path, sizeof(path), "pkcs11:token=first?module-path=%s", temporary_folder_path("client.pem"));
  expect_bad("client.pem", path, NULL, AMQP_WOLFSSL_ERROR_TOKEN_MODULE_UNUSABLE, "client.pem");
}

static void test_module_by_name(void **state) {
  struct result result;

  (void)state;
  soft_token_require();
  if (access("/usr/share/p11-kit/modules/softhsm2.module", R_OK) != 0) {
    skip(); /* p11-kit's configuration is elsewhere */
  }
  (void)expect_good(&result, "client.pem", "pkcs11:token=first;object=ec?module-name=softhsm2", right_pin());
  credentials_free(&result.credentials);
  (void)expect_good(&result, "client.pem", "pkcs11:token=first;object=ec", right_pin());
  credentials_free(&result.credentials);
  expect_bad("client.pem", "pkcs11:token=first;object=ec?module-name=other", right_pin(),
             AMQP_WOLFSSL_ERROR_TOKEN_NOT_FOUND, "no token");
}

static void test_token_not_found(void **state) {
  (void)state;
  soft_token_require();
  expect_bad_in_token("client.pem", "token=nobody;object=ec", NULL, right_pin(), AMQP_WOLFSSL_ERROR_TOKEN_NOT_FOUND,
                      "token=nobody");
  expect_bad_in_token("client.pem", "token=first;serial=0000;object=ec", NULL, right_pin(),
                      AMQP_WOLFSSL_ERROR_TOKEN_NOT_FOUND, "no token");
  expect_bad_in_token("client.pem", "slot-id=4711;object=ec", NULL, right_pin(), AMQP_WOLFSSL_ERROR_TOKEN_NOT_FOUND,
                      "slot-id=4711");
}

/* No login is tried on either. */
static void test_token_ambiguous(void **state) {
  struct answer answer = {PIN, 0};
  struct passphrase_source source = asking(&answer);

  (void)state;
  soft_token_require();
  expect_bad_in_token("client.pem", "token=twins;object=ec", NULL, &source, AMQP_WOLFSSL_ERROR_TOKEN_NOT_FOUND,
                      "2 tokens match");
  assert_int_equal(answer.asked, 0);
}

static void test_key_by_id(void **state) {
  (void)state;
  soft_token_require();
  expect_good_in_token("client.pem", "token=first;id=%01", NULL, right_pin());
  expect_good_in_token("client.pem", "token=first;id=%01;object=ec;type=private", NULL, right_pin());
  expect_good_in_token("client-rsa.pem", "token=first;id=%02", NULL, right_pin());
}

static void test_key_not_found(void **state) {
  (void)state;
  soft_token_require();
  expect_bad_in_token("client.pem", "token=first;object=nothing", NULL, right_pin(),
                      AMQP_WOLFSSL_ERROR_TOKEN_KEY_NOT_FOUND, "object=nothing");
  expect_bad_in_token("client.pem", "token=first;id=%01;object=rsa", NULL, right_pin(),
                      AMQP_WOLFSSL_ERROR_TOKEN_KEY_NOT_FOUND, "no private key");
}

static void test_key_ambiguous(void **state) {
  (void)state;
  soft_token_require();
  expect_bad_in_token("client.pem", "token=first", NULL, right_pin(), AMQP_WOLFSSL_ERROR_TOKEN_KEY_NOT_FOUND,
                      "more than one");
  expect_bad_in_token("client-chain.pem", "token=first;object=twin", NULL, right_pin(),
                      AMQP_WOLFSSL_ERROR_TOKEN_KEY_NOT_FOUND, "more than one");
  expect_good_in_token("client-chain.pem", "token=first;object=twin;id=%04", NULL, right_pin());
}

/* ---- The pair ---- */

static void test_every_kind_of_key(void **state) {
  (void)state;
  soft_token_require();
  expect_good_in_token("client.pem", "token=first;object=ec", NULL, right_pin());
  expect_good_in_token("client-rsa.pem", "token=first;object=rsa", NULL, right_pin());
  expect_good_in_token("server-p384.pem", "token=first;object=p384", NULL, right_pin());
  expect_good_in_token("server-p521.pem", "token=first;object=p521", NULL, right_pin());
}

static void test_key_mismatch(void **state) {
  (void)state;
  soft_token_require();
  expect_bad_in_token("client-chain.pem", "token=first;object=ec", NULL, right_pin(), AMQP_WOLFSSL_ERROR_KEY_MISMATCH,
                      "client-chain.pem");
  expect_bad_in_token("server-rsa.pem", "token=first;object=rsa", NULL, right_pin(), AMQP_WOLFSSL_ERROR_KEY_MISMATCH,
                      "does not belong");
  /* another kind, another curve */
  expect_bad_in_token("client-rsa.pem", "token=first;object=ec", NULL, right_pin(), AMQP_WOLFSSL_ERROR_KEY_MISMATCH,
                      "EC key");
  expect_bad_in_token("client.pem", "token=first;object=rsa", NULL, right_pin(), AMQP_WOLFSSL_ERROR_KEY_MISMATCH,
                      "RSA key");
  expect_bad_in_token("client.pem", "token=first;object=p384", NULL, right_pin(), AMQP_WOLFSSL_ERROR_KEY_MISMATCH, "");
}

static void test_certificate_is_checked_first(void **state) {
  struct answer answer = {PIN, 0};
  struct passphrase_source source = asking(&answer);

  (void)state;
  soft_token_require();
  expect_bad_in_token("client-weak-rsa1024.pem", "token=first;object=rsa", NULL, &source,
                      AMQP_WOLFSSL_ERROR_IDENTITY_AGAINST_POLICY, "client-weak-rsa1024");
  expect_bad_in_token("client.key", "token=first;object=ec", NULL, &source, AMQP_WOLFSSL_ERROR_NO_CERTIFICATE,
                      "client.key");
  assert_int_equal(answer.asked, 0);
}

/* ---- Signing ---- */

static void test_digest_of_no_hash(void **state) {
  char uri[SOFT_TOKEN_URI_SIZE];
  uint8_t signature[PKCS11_SIGNATURE_CAPACITY];
  uint8_t digest[33] = {0};
  size_t length = sizeof(signature);
  struct result result;
  struct pkcs11_token *token;

  (void)state;
  soft_token_require();
  token = expect_good(&result, "client-rsa.pem", soft_token_uri(uri, "token=first;object=rsa", NULL), right_pin());
  assert_false(pkcs11_token_sign(token, PKCS11_SIGNATURE_RSA_PSS, digest, sizeof(digest), signature, &length));
  assert_true(strlen(pkcs11_token_failure(token)) > 0);
  /* Not for ever. */
  length = sizeof(signature);
  assert_true(pkcs11_token_sign(token, PKCS11_SIGNATURE_RSA_PSS, digest, 32, signature, &length));
  assert_int_equal(length, 256);
  credentials_free(&result.credentials);
}

/* Digests longer than the curve are cut to its length; r and s are each as long as it. */
static void test_long_digest(void **state) {
  char uri[SOFT_TOKEN_URI_SIZE];
  uint8_t signature[PKCS11_SIGNATURE_CAPACITY];
  uint8_t digest[64] = {1};
  size_t length = sizeof(signature);
  struct result result;
  struct pkcs11_token *token;

  (void)state;
  soft_token_require();
  token = expect_good(&result, "client.pem", soft_token_uri(uri, "token=first;object=ec", NULL), right_pin());
  assert_true(pkcs11_token_sign(token, PKCS11_SIGNATURE_ECDSA, digest, sizeof(digest), signature, &length));
  assert_int_equal(length, 64);
  credentials_free(&result.credentials);
}

static void test_no_room_for_the_signature(void **state) {
  char uri[SOFT_TOKEN_URI_SIZE];
  uint8_t signature[64];
  uint8_t digest[32] = {0};
  size_t length = 63;
  struct result result;
  struct pkcs11_token *token;

  (void)state;
  soft_token_require();
  token = expect_good(&result, "client.pem", soft_token_uri(uri, "token=first;object=ec", NULL), right_pin());
  assert_false(pkcs11_token_sign(token, PKCS11_SIGNATURE_ECDSA, digest, sizeof(digest), signature, &length));
  length = sizeof(signature);
  assert_true(pkcs11_token_sign(token, PKCS11_SIGNATURE_ECDSA, digest, sizeof(digest), signature, &length));
  credentials_free(&result.credentials);
}

/* ---- Several at a time ---- */

/* The second is logged in already, whatever its PIN; the first one's end leaves it so. */
static void test_two_at_a_time(void **state) {
  char uri[SOFT_TOKEN_URI_SIZE];
  uint8_t signature[PKCS11_SIGNATURE_CAPACITY];
  uint8_t digest[32] = {0};
  size_t length = sizeof(signature);
  struct result first;
  struct result second;
  struct result other;

  (void)state;
  soft_token_require();
  (void)expect_good(&first, "client.pem", soft_token_uri(uri, "token=first;object=ec", NULL), right_pin());
  (void)expect_good(&second, "client-rsa.pem", soft_token_uri(uri, "token=first;object=rsa", "pin-value=1357%20wrong"),
                    NULL);
  (void)expect_good(&other, "client.pem", soft_token_uri(uri, "token=second;object=ec", "pin-value=1111"), NULL);
  credentials_free(&first.credentials);
  assert_true(pkcs11_token_sign(second.credentials.token, PKCS11_SIGNATURE_RSA_PSS, digest, sizeof(digest), signature,
                                &length));
  credentials_free(&second.credentials);
  length = sizeof(signature);
  assert_true(
      pkcs11_token_sign(other.credentials.token, PKCS11_SIGNATURE_ECDSA, digest, sizeof(digest), signature, &length));
  credentials_free(&other.credentials);
  /* All are gone, and so is the login. */
  expect_bad_in_token("client.pem", "token=first;object=ec", "pin-value=1357%20wrong", NULL,
                      AMQP_WOLFSSL_ERROR_PASSPHRASE_WRONG, "");
}

enum { THREADS = 4, SIGNATURES_EACH = 25 };

struct signer {
  pthread_t thread;
  struct pkcs11_token *token;
  const struct certificate *leaf;
  unsigned good;
};

/* Each signature is verified, so that one made of another's digest would be seen. */
static void *sign_again_and_again(void *context) {
  struct signer *signer = context;
  amqp_wolfssl_error_t error;

  for (unsigned i = 0; i < SIGNATURES_EACH; i++) {
    if (token_signature_check(signer->token, signer->leaf, "client-rsa.pem", &error) == AMQP_WOLFSSL_OK) {
      signer->good++;
    }
  }
  return NULL;
}

static void test_threads(void **state) {
  char uri[SOFT_TOKEN_URI_SIZE];
  struct signer signers[THREADS];
  struct certificate leaf;
  struct result result;

  (void)state;
  soft_token_require();
  (void)expect_good(&result, "client-rsa.pem", soft_token_uri(uri, "token=first;object=rsa", NULL), right_pin());
  assert_true(
      certificate_read(&leaf, result.credentials.chain.items[0].bytes, result.credentials.chain.items[0].length));
  for (size_t i = 0; i < THREADS; i++) {
    signers[i] = (struct signer){.token = result.credentials.token, .leaf = &leaf};
    assert_int_equal(pthread_create(&signers[i].thread, NULL, sign_again_and_again, &signers[i]), 0);
  }
  for (size_t i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_join(signers[i].thread, NULL), 0);
    assert_int_equal(signers[i].good, SIGNATURES_EACH);
  }
  credentials_free(&result.credentials);
}

/* The child's part; its exit status. */
static int use_in_child(struct result *parents) {
  uint8_t signature[PKCS11_SIGNATURE_CAPACITY];
  uint8_t digest[32] = {0};
  size_t length = sizeof(signature);

  if (pkcs11_token_sign(parents->credentials.token, PKCS11_SIGNATURE_ECDSA, digest, sizeof(digest), signature,
                        &length)) {
    return 1;
  }
  if (strstr(pkcs11_token_failure(parents->credentials.token), "fork") == NULL) {
    return 2;
  }
  credentials_free(&parents->credentials);
  return 0;
}

static void test_fork(void **state) {
  char uri[SOFT_TOKEN_URI_SIZE];
  uint8_t signature[PKCS11_SIGNATURE_CAPACITY];
  uint8_t digest[32] = {0};
  size_t length = sizeof(signature);
  struct result result;
  struct pkcs11_token *token;
  int status = -1;
  pid_t child;

  (void)state;
  soft_token_require();
  token = expect_good(&result, "client.pem", soft_token_uri(uri, "token=first;object=ec", NULL), right_pin());
  child = fork();
  assert_true(child >= 0);
  if (child == 0) {
    _exit(use_in_child(&result));
  }
  assert_int_equal(waitpid(child, &status, 0), child);
  assert_int_equal(status, 0);
  assert_true(pkcs11_token_sign(token, PKCS11_SIGNATURE_ECDSA, digest, sizeof(digest), signature, &length));
  credentials_free(&result.credentials);
}

/* ---- The tokens ---- */

static void import(const char *key, const char *object, const char *id) {
  soft_token_import("first", PIN, temporary_folder_path(key), object, id);
}

static void fill_tokens(void **state) {
  (void)state;
  soft_token_require();
  soft_token_make("first", PIN);
  soft_token_make("second", "1111");
  soft_token_make("twins", PIN);
  soft_token_make("twins", PIN);
  import("client.key", "ec", "01");
  import("client-rsa.key", "rsa", "02");
  import("server.key", "twin", "03");
  import("client-chain.key", "twin", "04");
  import("server-p384.key", "p384", "05");
  import("server-p521.key", "p521", "06");
  soft_token_import("second", "1111", temporary_folder_path("client.key"), "ec", "01");
}

#endif

static int set_up(void **state) {
  return minted_certificates_make(state) == 0 && fips_module_start() == 0 &&
                 soft_token_setup(temporary_folder_path("")) == 0
             ? 0
             : -1;
}

int main(void) {
  const struct CMUnitTest tests[] = {
#ifndef HAVE_PKCS11_TOKENS
      cmocka_unit_test(test_not_supported),
#else
      cmocka_unit_test(fill_tokens), /* not in the set-up: there a missing SoftHSM can't be said */
      cmocka_unit_test(test_pin_in_uri),
      cmocka_unit_test(test_pin_in_file),
      cmocka_unit_test(test_pin_file_refused),
      cmocka_unit_test(test_pin_as_passphrase),
      cmocka_unit_test(test_pin_from_callback),
      cmocka_unit_test(test_pin_in_uri_is_not_asked_for),
      cmocka_unit_test(test_pin_missing),
      cmocka_unit_test(test_pin_wrong),
      cmocka_unit_test(test_a_rejected_pin_is_not_tried_again),
      cmocka_unit_test(test_malformed_uris),
      cmocka_unit_test(test_module_unusable),
      cmocka_unit_test(test_module_by_name),
      cmocka_unit_test(test_token_not_found),
      cmocka_unit_test(test_token_ambiguous),
      cmocka_unit_test(test_key_by_id),
      cmocka_unit_test(test_key_not_found),
      cmocka_unit_test(test_key_ambiguous),
      cmocka_unit_test(test_every_kind_of_key),
      cmocka_unit_test(test_key_mismatch),
      cmocka_unit_test(test_certificate_is_checked_first),
      cmocka_unit_test(test_digest_of_no_hash),
      cmocka_unit_test(test_long_digest),
      cmocka_unit_test(test_no_room_for_the_signature),
      cmocka_unit_test(test_two_at_a_time),
      cmocka_unit_test(test_threads),
      cmocka_unit_test(test_fork),
#endif
  };

  return cmocka_run_group_tests(tests, set_up, minted_certificates_tear_down);
}
