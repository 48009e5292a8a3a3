/* SPDX-License-Identifier: MIT */
/* Identities in every form people keep them in, and every way they are wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "identity/credentials.h"
#include "exact_copy.h"
#include "backend/fips_module.h"
#include "minted_certificates.h"
#include "temporary_folder.h"
#include "backend/wolfssl_headers.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define PASSPHRASE "correct horse battery"
#define LONG_PASSPHRASE \
  "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"

struct result {
  struct credentials credentials;
  amqp_wolfssl_error_t error;
  amqp_wolfssl_code_t code;
};

/* ---- Reading ---- */

static void read_bytes(struct result *result, const struct credentials_input *input,
                       const struct passphrase_source *passphrase) {
  static const struct passphrase_source none;

  memset(result, 0, sizeof(*result));
  error_clear(&result->error);
  result->code = credentials_read(&result->credentials, input, passphrase != NULL ? passphrase : &none,
                                  policy_find(AMQP_WOLFSSL_POLICY_FIPS), &result->error);
}

static void read_files(struct result *result, const char *certificate, const char *key,
                       const struct passphrase_source *passphrase) {
  struct credentials_input input = {.certificate_origin = certificate, .key_origin = key};
  uint8_t *certificate_bytes = temporary_folder_read(certificate, &input.certificate_length);
  uint8_t *key_bytes = temporary_folder_read(key, &input.key_length);

  input.certificate = certificate_bytes;
  input.key = key_bytes;
  read_bytes(result, &input, passphrase);
  free(certificate_bytes);
  free(key_bytes);
}

static void assert_good(struct result *result) {
  if (result->code != AMQP_WOLFSSL_OK) {
    print_error("%s: %s (wolfSSL %d)\n", amqp_wolfssl_code_name(result->code), result->error.message,
                result->error.wolfssl_code);
  }
  assert_int_equal(result->code, AMQP_WOLFSSL_OK);
  assert_true(result->credentials.chain.count > 0);
  assert_non_null(result->credentials.key.bytes);
  assert_true(result->credentials.key.length > 0);
}

/* The right cause, and nothing left behind. */
static void assert_bad(struct result *result, amqp_wolfssl_code_t code) {
  if (result->code != code) {
    print_error("wanted %s, got %s: %s (wolfSSL %d)\n", amqp_wolfssl_code_name(code),
                amqp_wolfssl_code_name(result->code), result->error.message, result->error.wolfssl_code);
  }
  assert_int_equal(result->code, code);
  assert_int_equal(result->error.code, code);
  assert_int_equal(result->error.stage, AMQP_WOLFSSL_STAGE_CONFIGURE);
  assert_true(result->error.message[0] != '\0');
  assert_null(result->credentials.key.bytes);
  assert_int_equal(result->credentials.key.length, 0);
  assert_null(result->credentials.chain.items);
  assert_int_equal(result->credentials.chain.count, 0);
  /* Secrets stay secret. */
  assert_null(strstr(result->error.message, PASSPHRASE));
  assert_null(strstr(result->error.message, "wrong horse"));
}

static void expect_good(const char *certificate, const char *key, const struct passphrase_source *passphrase) {
  struct result result;

  print_message("%s with %s\n", certificate, key);
  read_files(&result, certificate, key, passphrase);
  assert_good(&result);
  credentials_free(&result.credentials);
  assert_null(result.credentials.key.bytes);
  assert_int_equal(result.credentials.chain.count, 0);
}

static void expect_bad(const char *certificate, const char *key, const struct passphrase_source *passphrase,
                       amqp_wolfssl_code_t code) {
  struct result result;

  print_message("%s with %s\n", certificate, key);
  read_files(&result, certificate, key, passphrase);
  assert_bad(&result, code);
}

/* ---- Passphrases ---- */

struct answer {
  const char *text;
  int length; /* what the callback returns */
  unsigned asked;
  size_t capacity;
};

static int give_answer(char *passphrase, size_t capacity, void *user_data) {
  struct answer *answer = user_data;

  answer->asked++;
  answer->capacity = capacity;
  memset(passphrase, 'x', capacity); /* no NUL anywhere behind the answer */
  if (answer->text != NULL) {
    memcpy(passphrase, answer->text, strlen(answer->text));
  }
  return answer->length;
}

static struct secret text_secret(const char *text) {
  struct secret secret = {0};

  assert_int_equal(secret_copy(&secret, text, strlen(text)), 0);
  return secret;
}

/* ---- Forms ---- */

static void test_clear_forms(void **state) {
  (void)state;
  expect_good("client.pem", "client.key", NULL);
  expect_good("client.pem", "client.sec1.key", NULL);
  expect_good("client.pem", "client.key.der", NULL);
  expect_good("client.der", "client.key", NULL);
  expect_good("client.der", "client.key.der", NULL);
  expect_good("client-rsa.pem", "client-rsa.key", NULL);
  expect_good("client-rsa.pem", "client-rsa.pkcs1.key", NULL);
  expect_good("client-rsa.pem", "client-rsa.key.der", NULL);
  expect_good("client-rsa.pem", "client-rsa.pkcs1.der", NULL);
  expect_good("client.pem", "client.sec1.der", NULL);
  expect_good("server-p384.pem", "server-p384.key", NULL);
  expect_good("server-p521.pem", "server-p521.key", NULL);
}

static const struct {
  const char *certificate;
  const char *key;
} encrypted[] = {
    {"client.pem", "client.encrypted.key"},
    {"client.pem", "client.encrypted.der"},
    {"client-rsa.pem", "client-rsa.encrypted.key"},
#if !defined(WOLFSSL_ENCRYPTED_KEYS) || !defined(NO_MD5)
    {"client-rsa.pem", "client-rsa.traditional-encrypted.key"},
    {"client.pem", "client.traditional-encrypted.key"},
#endif
};

#ifdef WOLFSSL_ENCRYPTED_KEYS
static void test_encrypted_forms_by_text(void **state) {
  struct secret right = text_secret(PASSPHRASE);
  struct answer unasked = {.length = -1};
  struct passphrase_source source = {.text = &right, .callback = give_answer, .user_data = &unasked};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(encrypted); i++) {
    expect_good(encrypted[i].certificate, encrypted[i].key, &source);
  }
  assert_int_equal(unasked.asked, 0);
  secret_free(&right);
}

static void test_encrypted_forms_by_callback(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(encrypted); i++) {
    struct answer answer = {.text = PASSPHRASE, .length = sizeof(PASSPHRASE) - 1};
    struct passphrase_source source = {.callback = give_answer, .user_data = &answer};

    expect_good(encrypted[i].certificate, encrypted[i].key, &source);
    assert_int_equal(answer.asked, 1);
    assert_true(answer.capacity >= 256);
  }
}

static void test_decrypted_key_is_clear(void **state) {
  struct secret right = text_secret(PASSPHRASE);
  struct passphrase_source source = {.text = &right};
  struct result result;
  size_t length;
  uint8_t *clear = temporary_folder_read("client.key.der", &length);

  (void)state;
  read_files(&result, "client.pem", "client.encrypted.der", &source);
  assert_good(&result);
  assert_null(memmem(result.credentials.key.bytes, result.credentials.key.length, PASSPHRASE, strlen(PASSPHRASE)));
  assert_true(result.credentials.key.bytes[0] == 0x30);
  assert_true(result.credentials.key.length <= length);
  /* The key itself: the octets of the private number, which both forms hold. */
  assert_non_null(memmem(result.credentials.key.bytes, result.credentials.key.length, clear + length - 68, 68));
  credentials_free(&result.credentials);
  free(clear);
  secret_free(&right);
}

static void test_wrong_passphrase(void **state) {
  static const char *const wrong[] = {"wrong horse battery", "correct horse batter", "correct horse battery "};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(encrypted); i++) {
    for (size_t j = 0; j < COUNT_OF(wrong); j++) {
      struct secret text = text_secret(wrong[j]);
      struct passphrase_source source = {.text = &text};
      struct answer answer = {.text = wrong[j], .length = (int)strlen(wrong[j])};
      struct passphrase_source asked = {.callback = give_answer, .user_data = &answer};

      expect_bad(encrypted[i].certificate, encrypted[i].key, &source, AMQP_WOLFSSL_ERROR_PASSPHRASE_WRONG);
      expect_bad(encrypted[i].certificate, encrypted[i].key, &asked, AMQP_WOLFSSL_ERROR_PASSPHRASE_WRONG);
      secret_free(&text);
    }
  }
}

/* A FIPS module derives no key from less than 112 bits (HMAC_FIPS_MIN_KEY), and others see that it is wrong. */
static void test_short_passphrase(void **state) {
  static const char *const wrong[] = {"", "horse", "thirteen byte"};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(wrong); i++) {
    struct secret text = text_secret(wrong[i]);
    struct passphrase_source source = {.text = &text};

#ifdef HAVE_FIPS
    struct result result;

    read_files(&result, "client.pem", "client.encrypted.key", &source);
    assert_int_equal(result.code, AMQP_WOLFSSL_ERROR_KEY_UNSUPPORTED);
    assert_non_null(strstr(result.error.message, "shorter than the 14 bytes"));
    credentials_free(&result.credentials);
#else
    expect_bad("client.pem", "client.encrypted.key", &source, AMQP_WOLFSSL_ERROR_PASSPHRASE_WRONG);
#endif
    secret_free(&text);
  }
}

static void test_missing_passphrase(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(encrypted); i++) {
    struct secret empty = {0};
    struct passphrase_source source = {.text = &empty};
    struct answer refuses = {.length = -1};
    struct passphrase_source asked = {.text = &empty, .callback = give_answer, .user_data = &refuses};

    expect_bad(encrypted[i].certificate, encrypted[i].key, NULL, AMQP_WOLFSSL_ERROR_PASSPHRASE_MISSING);
    expect_bad(encrypted[i].certificate, encrypted[i].key, &source, AMQP_WOLFSSL_ERROR_PASSPHRASE_MISSING);
    expect_bad(encrypted[i].certificate, encrypted[i].key, &asked, AMQP_WOLFSSL_ERROR_PASSPHRASE_MISSING);
    assert_int_equal(refuses.asked, 1);
  }
}

/* A callback that claims more than it was given room for. */
static void test_callback_answers_too_much(void **state) {
  struct answer answer = {.text = PASSPHRASE, .length = 1 << 20};
  struct passphrase_source source = {.callback = give_answer, .user_data = &answer};

  (void)state;
  expect_bad("client.pem", "client.encrypted.key", &source, AMQP_WOLFSSL_ERROR_PASSPHRASE_MISSING);
  answer.length = (int)answer.capacity + 1;
  expect_bad("client.pem", "client.encrypted.key", &source, AMQP_WOLFSSL_ERROR_PASSPHRASE_MISSING);
  answer.length = (int)answer.capacity; /* all of it is a passphrase, if a wrong one */
  expect_bad("client.pem", "client.encrypted.der", &source, AMQP_WOLFSSL_ERROR_PASSPHRASE_WRONG);
}

static void test_long_passphrase(void **state) {
  struct secret text = text_secret(LONG_PASSPHRASE);
  struct passphrase_source source = {.text = &text};

  (void)state;
  expect_good("client.pem", "client.long-passphrase.der", &source);
  expect_good("client.pem", "client.long-passphrase.key", &source);
  secret_free(&text);
}

/* Encryptions this wolfSSL can't undo are not a wrong passphrase. */
static void test_unknown_encryption(void **state) {
  struct secret right = text_secret(PASSPHRASE);
  struct passphrase_source source = {.text = &right};

  (void)state;
  expect_bad("client.pem", "client.scrypt.key", &source, AMQP_WOLFSSL_ERROR_KEY_UNSUPPORTED);
  expect_bad("client.pem", "client.scrypt.der", &source, AMQP_WOLFSSL_ERROR_KEY_UNSUPPORTED);
#ifdef NO_MD5 /* which the traditional encryption derives its key with */
  expect_bad("client-rsa.pem", "client-rsa.traditional-encrypted.key", &source, AMQP_WOLFSSL_ERROR_KEY_UNSUPPORTED);
  expect_bad("client.pem", "client.traditional-encrypted.key", &source, AMQP_WOLFSSL_ERROR_KEY_UNSUPPORTED);
#endif
  secret_free(&right);
}
#else
static void test_encrypted_forms_are_not_supported(void **state) {
  struct secret right = text_secret(PASSPHRASE);
  struct passphrase_source source = {.text = &right};

  (void)state;
  for (size_t i = 0; i < COUNT_OF(encrypted); i++) {
    expect_bad(encrypted[i].certificate, encrypted[i].key, &source, AMQP_WOLFSSL_ERROR_NOT_SUPPORTED);
    expect_bad(encrypted[i].certificate, encrypted[i].key, NULL, AMQP_WOLFSSL_ERROR_NOT_SUPPORTED);
  }
  secret_free(&right);
}
#endif

/* Nobody is asked for the passphrase of a clear key. */
static void test_clear_key_asks_nobody(void **state) {
  struct answer answer = {.length = -1};
  struct passphrase_source source = {.callback = give_answer, .user_data = &answer};

  (void)state;
  expect_good("client.pem", "client.key", &source);
  expect_good("client.pem", "client.key.der", &source);
  assert_int_equal(answer.asked, 0);
}

/* ---- Pairs ---- */

static void test_pairs_that_differ(void **state) {
  static const struct {
    const char *certificate;
    const char *key;
  } pairs[] = {
      {"client.pem", "client-no-user.key"}, /* EC and EC */
      {"client.pem", "server-p384.key"},    /* of another curve */
      {"server-p521.pem", "client.key"},
      {"client-rsa.pem", "server-rsa.key"},          /* RSA and RSA */
      {"client-rsa.pem", "client-weak-rsa1024.key"}, /* of another size */
      {"client.pem", "client-rsa.key"},              /* EC and RSA */
      {"client.pem", "client-rsa.pkcs1.key"},
      {"client-rsa.pem", "client.key"}, /* RSA and EC */
      {"client-rsa.pem", "client.sec1.key"},
      {"client-rsa.pem", "client.key.der"},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(pairs); i++) {
    expect_bad(pairs[i].certificate, pairs[i].key, NULL, AMQP_WOLFSSL_ERROR_KEY_MISMATCH);
  }
}

#ifdef WOLFSSL_ENCRYPTED_KEYS
static void test_encrypted_pair_that_differs(void **state) {
  struct secret right = text_secret(PASSPHRASE);
  struct passphrase_source source = {.text = &right};

  (void)state;
  expect_bad("client-no-user.pem", "client.encrypted.key", &source, AMQP_WOLFSSL_ERROR_KEY_MISMATCH);
  expect_bad("client-no-user.pem", "client.encrypted.der", &source, AMQP_WOLFSSL_ERROR_KEY_MISMATCH);
#ifndef NO_MD5
  expect_bad("client.pem", "client-rsa.traditional-encrypted.key", &source, AMQP_WOLFSSL_ERROR_KEY_MISMATCH);
#endif
  secret_free(&right);
}
#endif

/* ---- Chains ---- */

static void write_joined(const char *name, const char *one, const char *other) {
  size_t one_length;
  size_t other_length;
  uint8_t *one_bytes = temporary_folder_read(one, &one_length);
  uint8_t *other_bytes = temporary_folder_read(other, &other_length);
  uint8_t *joined = malloc(one_length + other_length);

  assert_non_null(joined);
  memcpy(joined, one_bytes, one_length);
  memcpy(joined + one_length, other_bytes, other_length);
  temporary_folder_write(name, joined, one_length + other_length);
  free(joined);
  free(one_bytes);
  free(other_bytes);
}

static void test_chain(void **state) {
  struct result result;
  struct result leaf;

  (void)state;
  read_files(&result, "client-chain.pem", "client-chain.key", NULL);
  assert_good(&result);
  assert_int_equal(result.credentials.chain.count, 2);
  read_files(&leaf, "client-chain-leaf-only.pem", "client-chain.key", NULL);
  assert_good(&leaf);
  assert_int_equal(leaf.credentials.chain.count, 1);
  assert_int_equal(result.credentials.chain.items[0].length, leaf.credentials.chain.items[0].length);
  assert_memory_equal(result.credentials.chain.items[0].bytes, leaf.credentials.chain.items[0].bytes,
                      leaf.credentials.chain.items[0].length);
  credentials_free(&leaf.credentials);
  credentials_free(&result.credentials);
}

/* The leaf comes first; the other way round the key is found not to be the intermediate's. */
static void test_chain_in_the_wrong_order(void **state) {
  (void)state;
  write_joined("wrong-order.pem", "intermediate.pem", "client-chain-leaf-only.pem");
  expect_bad("wrong-order.pem", "client-chain.key", NULL, AMQP_WOLFSSL_ERROR_KEY_MISMATCH);
}

/* One file for both, in either order, as many programs keep it. */
static void test_certificate_and_key_in_one_file(void **state) {
  (void)state;
  write_joined("both.pem", "client-chain.pem", "client-chain.key");
  expect_good("both.pem", "both.pem", NULL);
  write_joined("both.pem", "client-chain.key", "client-chain.pem");
  expect_good("both.pem", "both.pem", NULL);
}

/* ---- Against the policy ---- */

static void test_weak_identity(void **state) {
  struct result result;

  (void)state;
  read_files(&result, "client-weak-rsa1024.pem", "client-weak-rsa1024.key", NULL);
  assert_bad(&result, AMQP_WOLFSSL_ERROR_IDENTITY_AGAINST_POLICY);
  assert_string_equal(result.error.certificate_subject, "CN=client-weak-rsa1024,O=Acme");
  assert_int_equal(result.error.certificate_depth, 0);
  assert_non_null(strstr(result.error.message, "1024"));
}

static void test_kinds_of_key_that_cannot_be_used(void **state) {
  (void)state;
  expect_bad("ed25519.pem", "ed25519.key", NULL, AMQP_WOLFSSL_ERROR_KEY_UNSUPPORTED);
}

/* ---- Damaged and mistaken ---- */

static void test_mistaken_files(void **state) {
  (void)state;
  expect_bad("client.pem", "client.pem", NULL, AMQP_WOLFSSL_ERROR_KEY_MALFORMED);
  expect_bad("client.pem", "client.der", NULL, AMQP_WOLFSSL_ERROR_KEY_MALFORMED);
  expect_bad("client.pem", "crl.pem", NULL, AMQP_WOLFSSL_ERROR_KEY_MALFORMED);
  expect_bad("client.key", "client.key", NULL, AMQP_WOLFSSL_ERROR_NO_CERTIFICATE);
  expect_bad("client.key.der", "client.key", NULL, AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED);
  expect_bad("public.pem", "client.key", NULL, AMQP_WOLFSSL_ERROR_NO_CERTIFICATE);
  expect_bad("client.pem", "public.pem", NULL, AMQP_WOLFSSL_ERROR_KEY_MALFORMED);
}

static void test_empty_and_junk(void **state) {
  static const uint8_t junk[] = {0x00, 0xff, 0x30, 0x82, 0x12, 0x34, 0x56, 0x78, 0x9a};
  static const uint8_t almost[] = {0x30, 0x82, 0xff, 0xff, 0x30};
  static const uint8_t bare[] = {0x30, 0x00};
  static const uint8_t one[] = {0x30};

  (void)state;
  temporary_folder_write("empty", "", 0);
  temporary_folder_write("junk", junk, sizeof(junk));
  temporary_folder_write("almost", almost, sizeof(almost));
  temporary_folder_write("bare", bare, sizeof(bare));
  temporary_folder_write("one", one, sizeof(one));
  expect_bad("empty", "client.key", NULL, AMQP_WOLFSSL_ERROR_NO_CERTIFICATE);
  expect_bad("junk", "client.key", NULL, AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED);
  expect_bad("almost", "client.key", NULL, AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED);
  expect_bad("client.pem", "empty", NULL, AMQP_WOLFSSL_ERROR_KEY_MALFORMED);
  expect_bad("client.pem", "junk", NULL, AMQP_WOLFSSL_ERROR_KEY_MALFORMED);
  expect_bad("client.pem", "almost", NULL, AMQP_WOLFSSL_ERROR_KEY_MALFORMED);
  expect_bad("client.pem", "bare", NULL, AMQP_WOLFSSL_ERROR_KEY_MALFORMED);
  expect_bad("client.pem", "one", NULL, AMQP_WOLFSSL_ERROR_KEY_MALFORMED);
}

/* Cut off anywhere, a file is refused or (when only the line end is missing) whole; blocks are of exactly their size,
   so that a sanitizer sees a read past the end. */
static void try_truncated(const char *certificate_name, const char *key_name, bool cut_key) {
  size_t certificate_length;
  size_t key_length;
  uint8_t *certificate = temporary_folder_read(certificate_name, &certificate_length);
  uint8_t *key = temporary_folder_read(key_name, &key_length);
  size_t whole = cut_key ? key_length : certificate_length;

  for (size_t length = 0; length + 2 < whole; length += length < 16 ? 1 : 31) {
    uint8_t *cut = exact_copy(cut_key ? key : certificate, length);
    struct credentials_input input = {certificate, certificate_length, certificate_name, key, key_length, key_name};
    struct result result;

    if (cut_key) {
      input.key = cut;
      input.key_length = length;
    } else {
      input.certificate = cut;
      input.certificate_length = length;
    }
    read_bytes(&result, &input, NULL);
    assert_true(result.code != AMQP_WOLFSSL_OK);
    assert_bad(&result, result.code);
    free(cut);
  }
  free(certificate);
  free(key);
}

static void test_truncated(void **state) {
  (void)state;
  try_truncated("client.pem", "client.key", true);
  try_truncated("client.pem", "client.key", false);
  try_truncated("client-chain.pem", "client-chain.key", false);
  try_truncated("client.pem", "client.key.der", true);
  try_truncated("client.der", "client.key", false);
  try_truncated("client-rsa.pem", "client-rsa.pkcs1.der", true);
  try_truncated("client-rsa.pem", "client-rsa.key", true);
}

/* A bit flipped in the key's number: it belongs to nobody, and no longer to the public key beside it. */
static void test_damaged_key(void **state) {
  struct result result;
  size_t length;
  uint8_t *key = temporary_folder_read("client.key.der", &length);

  (void)state;
  key[40] ^= 1;
  temporary_folder_write("damaged", key, length);
  free(key);
  read_files(&result, "client.pem", "damaged", NULL);
  assert_bad(&result, result.code == AMQP_WOLFSSL_ERROR_KEY_MALFORMED ? result.code : AMQP_WOLFSSL_ERROR_KEY_MISMATCH);
}

static void test_fields_are_named(void **state) {
  struct result result;

  (void)state;
  read_files(&result, "client.pem", "client-no-user.key", NULL);
  assert_bad(&result, AMQP_WOLFSSL_ERROR_KEY_MISMATCH);
  assert_non_null(strstr(result.error.message, "client.pem"));
  assert_non_null(strstr(result.error.message, "client-no-user.key"));
}

static void start(struct result *result) {
  memset(result, 0, sizeof(*result));
  error_clear(&result->error);
}

static void read_paths(struct result *result, const char *certificate, const char *key) {
  static const struct passphrase_source none;

  start(result);
  result->code =
      credentials_read_files(&result->credentials, temporary_folder_path(certificate), temporary_folder_path(key),
                             &none, policy_find(AMQP_WOLFSSL_POLICY_FIPS), &result->error);
}

static void test_files(void **state) {
  struct result result;

  (void)state;
  read_paths(&result, "client.pem", "client.key");
  assert_good(&result);
  credentials_free(&result.credentials);
  read_paths(&result, "missing.pem", "client.key");
  assert_bad(&result, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_non_null(strstr(result.error.message, temporary_folder_path("missing.pem")));
  read_paths(&result, "client.pem", "missing.key");
  assert_bad(&result, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_non_null(strstr(result.error.message, temporary_folder_path("missing.key")));
  read_paths(&result, "client.pem", "client-no-user.key");
  assert_bad(&result, AMQP_WOLFSSL_ERROR_KEY_MISMATCH);
  assert_non_null(strstr(result.error.message, temporary_folder_path("client.pem")));
  assert_non_null(strstr(result.error.message, temporary_folder_path("client-no-user.key")));
}

static void read_path_and_key(struct result *result, const char *certificate, const char *key) {
  static const struct passphrase_source none;
  size_t length;
  uint8_t *bytes = temporary_folder_read(key, &length);

  start(result);
  result->code = credentials_read_file_and_key(&result->credentials, temporary_folder_path(certificate), bytes, length,
                                               &none, policy_find(AMQP_WOLFSSL_POLICY_FIPS), &result->error);
  free(bytes);
}

static void test_file_and_key(void **state) {
  struct result result;

  (void)state;
  read_path_and_key(&result, "client.pem", "client.key");
  assert_good(&result);
  credentials_free(&result.credentials);
  read_path_and_key(&result, "missing.pem", "client.key");
  assert_bad(&result, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_non_null(strstr(result.error.message, temporary_folder_path("missing.pem")));
  read_path_and_key(&result, "client.pem", "client-no-user.key");
  assert_bad(&result, AMQP_WOLFSSL_ERROR_KEY_MISMATCH);
  assert_non_null(strstr(result.error.message, "the key in memory"));
}

/* ---- */

static int convert(const char *command) { return command_run(temporary_folder_path(""), "sh", "-c", command, NULL); }

/* Forms that the test PKI does not have. */
static int make_files(void) {
  if (fips_module_start() != 0) {
    return -1;
  }
  return convert(
      "set -e; exec 2>/dev/null\n"
      "openssl pkcs8 -topk8 -nocrypt -in client-rsa.key -outform DER -out client-rsa.key.der\n"
      "openssl rsa -traditional -in client-rsa.key -outform DER -out client-rsa.pkcs1.der\n"
      "openssl ec -in client.key -outform DER -out client.sec1.der\n"
      "openssl ec -in client.key -aes256 -passout 'pass:" PASSPHRASE
      "' -out client.traditional-encrypted.key\n"
      "for form in PEM:key DER:der; do\n"
      "  openssl pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256 -passout 'pass:" LONG_PASSPHRASE
      "'"
      "    -in client.key -outform ${form%:*} -out client.long-passphrase.${form#*:}\n"
      "  openssl pkcs8 -topk8 -scrypt -passout 'pass:" PASSPHRASE
      "'"
      "    -in client.key -outform ${form%:*} -out client.scrypt.${form#*:}\n"
      "done\n"
      "openssl pkey -in client.key -pubout -out public.pem\n"
      "openssl req -x509 -newkey ed25519 -nodes -subj /CN=ed25519 -keyout ed25519.key -out ed25519.pem\n");
}

static int set_up(void **state) {
  (void)state;
  return minted_certificates_set_up_with(make_files);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_clear_forms),
#ifdef WOLFSSL_ENCRYPTED_KEYS
      cmocka_unit_test(test_encrypted_forms_by_text),
      cmocka_unit_test(test_encrypted_forms_by_callback),
      cmocka_unit_test(test_decrypted_key_is_clear),
      cmocka_unit_test(test_wrong_passphrase),
      cmocka_unit_test(test_short_passphrase),
      cmocka_unit_test(test_missing_passphrase),
      cmocka_unit_test(test_callback_answers_too_much),
      cmocka_unit_test(test_long_passphrase),
      cmocka_unit_test(test_unknown_encryption),
      cmocka_unit_test(test_encrypted_pair_that_differs),
#else
      cmocka_unit_test(test_encrypted_forms_are_not_supported),
#endif
      cmocka_unit_test(test_clear_key_asks_nobody),
      cmocka_unit_test(test_pairs_that_differ),
      cmocka_unit_test(test_chain),
      cmocka_unit_test(test_chain_in_the_wrong_order),
      cmocka_unit_test(test_certificate_and_key_in_one_file),
      cmocka_unit_test(test_weak_identity),
      cmocka_unit_test(test_kinds_of_key_that_cannot_be_used),
      cmocka_unit_test(test_mistaken_files),
      cmocka_unit_test(test_empty_and_junk),
      cmocka_unit_test(test_truncated),
      cmocka_unit_test(test_damaged_key),
      cmocka_unit_test(test_fields_are_named),
      cmocka_unit_test(test_files),
      cmocka_unit_test(test_file_and_key),
  };

  return cmocka_run_group_tests(tests, set_up, minted_certificates_tear_down);
}
