/* SPDX-License-Identifier: MIT */
/*
 * Revocation lists and OCSP responses: what is read and what is refused, who must have signed them, what is found in
 * them, and files that change. Each defect is minted; damaged ones are made from good ones, byte by byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "autoconfig.h"
#include "x509/certificate.h"
#include "x509/certificate_input.h"
#include "command.h"
#include "backend/fips_module.h"
#include "minted_certificates.h"
#include "minted_revocation.h"
#include "x509/ocsp_response.h"
#include "other_user.h"
#include "policy/policy.h"
#include "verification/ocsp_check.h"
#include "verification/path.h"
#include "verification/revocation.h"
#include "x509/revocation_list.h"
#include "verification/revocation_sources.h"
#include "x509/signature.h"
#include "verification/stapled_status.h"
#include "temporary_folder.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define DAY (24 * 60 * 60)

static bool has_responses;
static struct certificate_list ca;
static struct certificate_list bundle;
static struct certificate_list server;
static struct certificate_list chain;

static void read_certificates(struct certificate_list *list, const char *name) {
  amqp_wolfssl_error_t error;
  size_t length;
  uint8_t *bytes = temporary_folder_read(name, &length);

  assert_int_equal(certificate_input_read(list, bytes, length, AMQP_WOLFSSL_FORMAT_PEM, name, &error), AMQP_WOLFSSL_OK);
  free(bytes);
}

static int mint(void **state) {
  if (fips_module_start() != 0 || minted_certificates_make(state) != 0 ||
      minted_certificates_self_signed("mute-ca", -1, 30,
                                      "basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign") != 0 ||
      minted_revocation_make(&has_responses) != 0) {
    return -1;
  }
  read_certificates(&ca, "ca.pem");
  read_certificates(&bundle, "bundle.pem");
  read_certificates(&bundle, "strong-bundle.pem");
  read_certificates(&server, "server.pem");
  read_certificates(&chain, "server-chain.pem");
  return 0;
}

static int clean_up(void **state) {
  (void)state;
  certificate_list_free(&ca);
  certificate_list_free(&bundle);
  certificate_list_free(&server);
  certificate_list_free(&chain);
  return temporary_folder_remove();
}

/* ---- Help ---- */

static struct revocation_lists *lists_of(const char *first, ...) {
  struct revocation_lists *lists = revocation_lists_new();
  amqp_wolfssl_error_t error;
  const char *name = first;
  va_list more;

  assert_non_null(lists);
  va_start(more, first);
  while (name != NULL) {
    size_t length;
    uint8_t *bytes = temporary_folder_read(name, &length);

    assert_int_equal(revocation_lists_add(lists, bytes, length, AMQP_WOLFSSL_FORMAT_AUTO, name, &error),
                     AMQP_WOLFSSL_OK);
    free(bytes);
    name = va_arg(more, const char *);
  }
  va_end(more);
  return lists;
}

/* One certificate, issued by the first anchor. */
static const struct path shortest = {.length = 1};

/* The path is found at most once before it is used. */
static const struct path *find_path(const struct certificate_list *presented, const struct certificate_list *anchors) {
  static struct path path;
  const struct path_question question = {.sent = presented,
                                         .anchors = anchors,
                                         .policy = policy_find(AMQP_WOLFSSL_POLICY_FIPS),
                                         .now = (int64_t)time(NULL)};
  amqp_wolfssl_error_t error;

  if (path_find(&path, &question, &error) != AMQP_WOLFSSL_OK) {
    fail_msg("%s", error.message);
  }
  return &path;
}

static struct revocation_check fips_check(const struct revocation_lists *lists,
                                          const struct certificate_list *presented,
                                          const struct certificate_list *anchors) {
  return (struct revocation_check){.policy = policy_find(AMQP_WOLFSSL_POLICY_FIPS),
                                   .lists = lists,
                                   .chain = presented,
                                   .anchors = anchors,
                                   .path = &shortest,
                                   .now = (int64_t)time(NULL)};
}

/* Takes over the reference. */
static void expect_chain(struct revocation_lists *lists, const struct certificate_list *presented,
                         const struct certificate_list *anchors, amqp_wolfssl_code_t expected) {
  struct revocation_check check = fips_check(lists, presented, anchors);
  amqp_wolfssl_error_t error;
  amqp_wolfssl_code_t code;

  check.path = find_path(presented, anchors);
  error_clear(&error);
  code = revocation_check_path(&check, &error);
  if (code != expected) {
    print_error("%s\n", error.message);
  }
  assert_int_equal(code, expected);
  assert_int_equal(error.code, expected);
  revocation_lists_release(lists);
}

static void assert_says(const char *message, const char *sentence) {
  if (strstr(message, sentence) == NULL) {
    fail_msg("\"%s\" is not in \"%s\"", sentence, message);
  }
}

static amqp_wolfssl_code_t add_text(const void *bytes, size_t length, amqp_wolfssl_format_t format) {
  struct revocation_lists *lists = revocation_lists_new();
  amqp_wolfssl_error_t error;
  amqp_wolfssl_code_t code;

  assert_non_null(lists);
  error_clear(&error);
  code = revocation_lists_add(lists, bytes, length, format, "the test's", &error);
  assert_int_equal(error.code, code);
  assert_true(code == AMQP_WOLFSSL_OK || error.message[0] != '\0');
  revocation_lists_release(lists);
  return code;
}

static amqp_wolfssl_code_t add_named(const char *name) {
  size_t length;
  uint8_t *bytes = temporary_folder_read(name, &length);
  amqp_wolfssl_code_t code = add_text(bytes, length, AMQP_WOLFSSL_FORMAT_AUTO);

  free(bytes);
  return code;
}

/* ---- Reading lists ---- */

static void lists_that_are_read_and_refused(void **state) {
  static const struct {
    const char *name;
    amqp_wolfssl_code_t code;
  } rows[] = {
      {"list-clean.pem", AMQP_WOLFSSL_OK},
      {"list-clean.der", AMQP_WOLFSSL_OK},
      {"list-revoked-server.pem", AMQP_WOLFSSL_OK},
      {"list-expired.pem", AMQP_WOLFSSL_OK}, /* its date is looked at when it is needed */
      {"list-delta.pem", AMQP_WOLFSSL_ERROR_CRL_UNUSABLE},
      {"list-partial.pem", AMQP_WOLFSSL_OK}, /* of what, is looked at when it is needed */
      {"list-partial-unmarked.pem", AMQP_WOLFSSL_OK},
      {"list-indirect.pem", AMQP_WOLFSSL_ERROR_CRL_UNUSABLE},
      /* RFC 5280 has these marked critical; one that is not is no more complete for that. */
      {"list-delta-unmarked.pem", AMQP_WOLFSSL_ERROR_CRL_UNUSABLE},
      {"list-indirect-unmarked.pem", AMQP_WOLFSSL_ERROR_CRL_UNUSABLE},
      {"ca.pem", AMQP_WOLFSSL_ERROR_CRL_MALFORMED},
      {"ca.der", AMQP_WOLFSSL_ERROR_CRL_MALFORMED},
  };
  static const char half[] = "-----BEGIN X509 CRL-----\nMIIB\n";
  static const char bad_base64[] = "-----BEGIN X509 CRL-----\n!!!!\n-----END X509 CRL-----\n";

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    print_message("# %s\n", rows[i].name);
    assert_int_equal(add_named(rows[i].name), rows[i].code);
  }
  assert_int_equal(add_text("", 0, AMQP_WOLFSSL_FORMAT_AUTO), AMQP_WOLFSSL_ERROR_CRL_MALFORMED);
  assert_int_equal(add_text(half, strlen(half), AMQP_WOLFSSL_FORMAT_AUTO), AMQP_WOLFSSL_ERROR_CRL_MALFORMED);
  assert_int_equal(add_text(bad_base64, strlen(bad_base64), AMQP_WOLFSSL_FORMAT_PEM), AMQP_WOLFSSL_ERROR_CRL_MALFORMED);
  assert_int_equal(add_text("junk", 4, AMQP_WOLFSSL_FORMAT_DER), AMQP_WOLFSSL_ERROR_CRL_MALFORMED);
}

/* Exactly as long as what it holds, so that a sanitizer sees a byte read behind it. */
static uint8_t *exact(const uint8_t *bytes, size_t length) {
  uint8_t *copy = malloc(length > 0 ? length : 1);

  assert_non_null(copy);
  memcpy(copy, bytes, length);
  return copy;
}

static struct byte_slice key_of(const struct certificate_list *list, struct certificate *certificate) {
  assert_true(certificate_read(certificate, list->items[0].bytes, list->items[0].length));
  return certificate->public_key;
}

static void a_damaged_list_is_never_taken(void **state) {
  struct certificate certificate;
  struct byte_slice key = key_of(&ca, &certificate);
  struct revocation_list list;
  size_t length;
  uint8_t *good = temporary_folder_read("list-clean.der", &length);

  (void)state;
  assert_int_equal(revocation_list_read(&list, good, length), REVOCATION_LIST_READ);
  assert_int_equal(signature_check(&list.object, key), SIGNATURE_GOOD);
  for (size_t cut = 0; cut < length; cut++) {
    uint8_t *bytes = exact(good, cut);

    assert_int_equal(revocation_list_read(&list, bytes, cut), REVOCATION_LIST_MALFORMED);
    free(bytes);
  }
  for (size_t at = 0; at < length; at++) {
    uint8_t *bytes = exact(good, length);

    bytes[at] ^= 0x10;
    if (revocation_list_read(&list, bytes, length) == REVOCATION_LIST_READ) {
      assert_int_not_equal(signature_check(&list.object, key), SIGNATURE_GOOD);
    }
    free(bytes);
  }
  free(good);
}

static void an_entry_is_found(void **state) {
  struct revocation_list list;
  struct revocation_entry entry;
  struct certificate certificate;
  struct certificate other;
  size_t length;
  uint8_t *der;

  (void)state;
  assert_int_equal(command_run(temporary_folder_path(""), "openssl", "crl", "-in", "list-revoked-server.pem",
                               "-outform", "DER", "-out", "revoked.der", NULL),
                   0);
  der = temporary_folder_read("revoked.der", &length);
  assert_int_equal(revocation_list_read(&list, der, length), REVOCATION_LIST_READ);
  (void)key_of(&server, &certificate);
  (void)key_of(&chain, &other);
  assert_true(revocation_list_find(&list, certificate.serial_number, &entry));
  assert_int_equal(entry.reason, 1);
  assert_string_equal(revocation_reason_name(entry.reason), "keyCompromise");
  assert_true(entry.date <= (int64_t)time(NULL) && entry.date > (int64_t)time(NULL) - DAY);
  assert_false(revocation_list_find(&list, other.serial_number, &entry));
  assert_string_equal(revocation_reason_name(REVOCATION_REASON_NONE), "");
  assert_string_equal(revocation_reason_name(7), "");
  assert_string_equal(revocation_reason_name(99), "");
  free(der);
}

/* ---- Whole chains ---- */

/* What a path may be is for path_test.c, and which lists count on it for revocation_path_test.c. */
static void the_way_to_an_anchor(void **state) {
  (void)state;
  expect_chain(lists_of("list-clean.pem", "list-intermediate.pem", NULL), &chain, &ca, AMQP_WOLFSSL_OK);
  expect_chain(lists_of("list-intermediate.pem", NULL), &chain, &ca, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN);
}

/* Two CAs of one name: the signature decides whose list it is. */
static void an_impostor_of_the_same_name(void **state) {
  struct certificate_list both = {0};

  (void)state;
  read_certificates(&both, "impostor.pem");
  read_certificates(&both, "ca.pem");
  expect_chain(lists_of("list-impostor.pem", NULL), &server, &both, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN);
  expect_chain(lists_of("list-impostor.pem", "list-clean.pem", NULL), &server, &both, AMQP_WOLFSSL_OK);
  expect_chain(lists_of("list-impostor.pem", "list-revoked-server.pem", NULL), &server, &both,
               AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED);
  certificate_list_free(&both);
}

/* What no trusted CA has signed stays: whose it is shows when it is needed. */
static void signers_are_looked_for_at_once(void **state) {
  static const struct {
    const char *name;
    bool known;
  } rows[] = {
      {"list-clean.pem", true},     {"list-ca-rsa.pem", true}, {"list-intermediate.pem", false},
      {"list-impostor.pem", false}, {"list-sha1.pem", false},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    struct revocation_lists *lists = lists_of(rows[i].name, NULL);
    amqp_wolfssl_error_t error;

    error_clear(&error);
    print_message("# %s\n", rows[i].name);
    assert_int_equal(revocation_lists_check_signers(lists, &bundle, &error), AMQP_WOLFSSL_OK);
    assert_int_equal(error.code, AMQP_WOLFSSL_OK);
    assert_int_equal(revocation_lists_at(lists, 0)->signer != NULL, rows[i].known);
    revocation_lists_release(lists);
  }
}

static void a_ca_that_may_not_sign_lists(void **state) {
  struct certificate_list mute = {0};
  struct certificate certificate;
  struct revocation_lists *lists;
  amqp_wolfssl_error_t error;

  (void)state;
  temporary_folder_write_text("index.txt", "");
  temporary_folder_write_text("crl.cnf",
                              "[ca]\ndefault_ca = authority\n[authority]\ndatabase = index.txt\ndefault_md = sha256\n"
                              "default_crl_days = 30\n");
  assert_int_equal(command_run(temporary_folder_path(""), "openssl", "ca", "-config", "crl.cnf", "-gencrl", "-cert",
                               "mute-ca.pem", "-keyfile", "mute-ca.key", "-out", "list-mute.pem", NULL),
                   0);
  read_certificates(&mute, "mute-ca.pem");
  (void)key_of(&mute, &certificate);
  assert_false(certificate.may_sign_lists);
  (void)key_of(&ca, &certificate);
  assert_true(certificate.may_sign_lists);
  lists = lists_of("list-mute.pem", NULL);
  assert_int_equal(revocation_lists_check_signers(lists, &mute, &error), AMQP_WOLFSSL_OK);
  assert_null(revocation_lists_at(lists, 0)->signer);
  revocation_lists_release(lists);
  certificate_list_free(&mute);
}

/* ---- Responses ---- */

static amqp_wolfssl_code_t judge_by(const struct revocation_check *check, const char *name,
                                    char message[ERROR_MESSAGE_LENGTH]) {
  amqp_wolfssl_error_t error;
  size_t length;
  uint8_t *bytes = temporary_folder_read(name, &length);
  uint8_t *copy = exact(bytes, length);
  struct byte_slice response = {copy, length};
  amqp_wolfssl_code_t code;

  error_clear(&error);
  code = ocsp_check_response(check, response, &error);
  assert_int_equal(error.code, code);
  (void)snprintf(message, ERROR_MESSAGE_LENGTH, "%s", error.message);
  free(copy);
  free(bytes);
  return code;
}

static amqp_wolfssl_code_t judge(const char *name, const struct certificate_list *presented,
                                 struct revocation_lists *lists, int64_t now, char message[ERROR_MESSAGE_LENGTH]) {
  struct revocation_check check = fips_check(lists, presented, &bundle);

  check.path = find_path(presented, &bundle);
  check.now = now;
  return judge_by(&check, name, message);
}

static void responses_that_are_taken_and_refused(void **state) {
  static const struct {
    const char *name;
    bool of_chain;
    amqp_wolfssl_code_t code;
    const char *sentence;
  } rows[] = {
      {"response-good.der", false, AMQP_WOLFSSL_OK, ""},
      {"response-good-sha256.der", false, AMQP_WOLFSSL_OK, ""},
      {"response-delegated.der", false, AMQP_WOLFSSL_OK, ""},
      {"response-chain-good.der", true, AMQP_WOLFSSL_OK, ""},
      {"response-revoked.der", false, AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED, "was revoked by \"CN=Acme Test Root"},
      {"response-chain-revoked.der", true, AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED, "by \"CN=Acme Test Intermediate"},
      {"response-unknown.der", false, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, "does not know the broker's certificate"},
      {"response-expired.der", false, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, "has expired (it was valid until "},
      {"response-future.der", false, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, "is not valid yet (it is dated "},
      {"response-endless.der", false, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, "does not say until when"},
      {"response-try-later.der", false, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, "tryLater (3)"},
      {"response-garbage.der", false, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, "is not a valid OCSP response"},
      {"response-altered.der", false, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, "signed neither by"},
      {"response-other-certificate.der", false, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, "about another certificate"},
      {"response-other-issuer.der", false, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, "about another certificate"},
      {"response-expired-responder.der", false, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, "signed neither by"},
      {"response-foreign-responder.der", false, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, "signed neither by"},
      {"response-self-signed-off.der", false, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, "signed neither by"},
      {"response-good.der", true, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, "about another certificate"},
      {"response-good-sha384.der", false, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
       "by a hash other than SHA-1 or SHA-256"},
      {"response-extension.der", false, AMQP_WOLFSSL_OK, ""},
      {"response-critical-extension.der", false, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, "has a critical extension"},
      {"response-critical-responder.der", false, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
       "\"CN=responder-critical,O=Acme\" has a critical extension that is not supported: 1.3.6.1.4.1.32473.1"},
      {"response-good-then-good.der", false, AMQP_WOLFSSL_OK, ""},
      {"response-good-then-revoked.der", false, AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED, "was revoked by"},
      {"response-revoked-then-good.der", false, AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED, "was revoked by"},
      {"response-unknown-then-revoked.der", false, AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED, "was revoked by"},
      {"response-expired-then-revoked.der", false, AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED, "was revoked by"},
      {"response-good-then-revoked-expired.der", false, AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED, "was revoked by"},
      {"response-good-then-unknown.der", false, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, "does not know"},
      {"response-unknown-then-good.der", false, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, "does not know"},
      {"response-good-then-expired.der", false, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
       "has expired (it was valid until "},
      {"response-expired-then-good.der", false, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
       "has expired (it was valid until "},
      {"response-good-then-future.der", false, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, "is not valid yet (it is dated "},
      {"response-good-then-endless.der", false, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, "does not say until when"},
  };

  (void)state;
  if (!has_responses) {
    skip();
  }
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    char message[ERROR_MESSAGE_LENGTH];

    print_message("# %s\n", rows[i].name);
    assert_int_equal(judge(rows[i].name, rows[i].of_chain ? &chain : &server, NULL, (int64_t)time(NULL), message),
                     rows[i].code);
    assert_says(message, rows[i].sentence);
  }
}

static void a_response_ages(void **state) {
  char message[ERROR_MESSAGE_LENGTH];

  (void)state;
  if (!has_responses) {
    skip();
  }
  assert_int_equal(judge("response-good.der", &server, NULL, (int64_t)time(NULL) + 2 * DAY, message),
                   AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN);
  assert_int_equal(judge("response-good.der", &server, NULL, (int64_t)time(NULL) - 2 * DAY, message),
                   AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN);
}

/*
 * Lists at hand speak of the responder too. It may have id-pkix-ocsp-nocheck (RFC 6960, section 4.2.2.2.1), by which
 * its issuer allows not to look: that costs nothing here, for the broker's certificate needs a list of the same issuer.
 */
static void a_responder_and_its_issuers_lists(void **state) {
  static const struct {
    const char *list; /* NULL: none at all */
    const char *response;
    amqp_wolfssl_code_t code;
    const char *sentence;
  } rows[] = {
      {NULL, "response-delegated.der", AMQP_WOLFSSL_OK, ""},
      {NULL, "response-delegated-unchecked.der", AMQP_WOLFSSL_OK, ""},
      {"list-clean.pem", "response-delegated.der", AMQP_WOLFSSL_OK, ""},
      {"list-clean.pem", "response-delegated-unchecked.der", AMQP_WOLFSSL_OK, ""},
      {"list-revoked-responder.pem", "response-delegated.der", AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
       "its responder \"CN=responder,O=Acme\" is revoked, according to a CRL"},
      {"list-revoked-responder.pem", "response-delegated-unchecked.der", AMQP_WOLFSSL_OK, ""},
      {"list-revoked-responder.pem", "response-good.der", AMQP_WOLFSSL_OK, ""}, /* the CA's own */
      {"list-revoked-responder-unchecked.pem", "response-delegated.der", AMQP_WOLFSSL_OK, ""},
      {"list-revoked-responder-unchecked.pem", "response-delegated-unchecked.der",
       AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
       "its responder \"CN=responder-unchecked,O=Acme\" is revoked, according to a CRL"},
      {"list-expired.pem", "response-delegated.der", AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
       "no current CRL shows that its responder \"CN=responder,O=Acme\" is not revoked"},
      {"list-other-ca.pem", "response-delegated.der", AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN, "no current CRL shows"},
      {"list-expired.pem", "response-delegated-unchecked.der", AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN,
       "no current CRL shows"},
  };

  (void)state;
  if (!has_responses) {
    skip();
  }
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    struct revocation_lists *lists = rows[i].list != NULL ? lists_of(rows[i].list, NULL) : NULL;
    char message[ERROR_MESSAGE_LENGTH];

    print_message("# %s, %s\n", rows[i].list != NULL ? rows[i].list : "no list", rows[i].response);
    assert_int_equal(judge(rows[i].response, &server, lists, (int64_t)time(NULL), message), rows[i].code);
    assert_says(message, rows[i].sentence);
    revocation_lists_release(lists);
  }
}

static void a_damaged_response_is_never_taken(void **state) {
  struct revocation_check check = fips_check(NULL, &server, &bundle);
  amqp_wolfssl_error_t error;
  size_t length;
  uint8_t *good;

  (void)state;
  if (!has_responses) {
    skip();
  }
  check.path = find_path(&server, &bundle);
  good = temporary_folder_read("response-delegated.der", &length);
  for (size_t cut = 0; cut < length; cut++) {
    uint8_t *bytes = exact(good, cut);
    struct byte_slice response = {bytes, cut};

    assert_int_not_equal(ocsp_check_response(&check, response, &error), AMQP_WOLFSSL_OK);
    free(bytes);
  }
  for (size_t at = 0; at < length; at += 3) {
    uint8_t *bytes = exact(good, length);
    struct byte_slice response = {bytes, length};
    struct ocsp_response read;

    bytes[at] ^= 0x04;
    /* Signed are the response and the responder's certificate; what is around them decides nothing. */
    if (ocsp_check_response(&check, response, &error) == AMQP_WOLFSSL_OK) {
      assert_int_equal(ocsp_response_read(&read, bytes, length), OCSP_RESPONSE_READ);
      assert_false(bytes + at >= read.object.signed_part.bytes &&
                   bytes + at < read.object.signed_part.bytes + read.object.signed_part.length);
    }
    free(bytes);
  }
  free(good);
}

/* ---- Under a policy ---- */

static const amqp_wolfssl_policy_t policies[] = {AMQP_WOLFSSL_POLICY_FIPS, AMQP_WOLFSSL_POLICY_CNSA};

#define BOTH(code) \
  { code, code }
#define ONLY_FIPS \
  { AMQP_WOLFSSL_OK, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN }

static void expect_under(const struct revocation_check *check, amqp_wolfssl_code_t expected, const char *sentence) {
  amqp_wolfssl_error_t error;

  error_clear(&error);
  assert_int_equal(revocation_check_path(check, &error), expected);
  assert_int_equal(error.code, expected);
  if (expected != AMQP_WOLFSSL_OK) {
    assert_says(error.message, sentence);
  }
}

/* Before and after it is known who signed them. */
static void try_lists_under(amqp_wolfssl_policy_t policy, struct revocation_lists *lists, const char *certificate,
                            const char *anchor, amqp_wolfssl_code_t expected, const char *sentence) {
  struct certificate_list presented = {0};
  struct certificate_list anchors = {0};
  struct revocation_check check = fips_check(lists, &presented, &anchors);
  amqp_wolfssl_error_t error;

  read_certificates(&presented, certificate);
  read_certificates(&anchors, anchor);
  check.policy = policy_find(policy);
  expect_under(&check, expected, sentence);
  assert_int_equal(revocation_lists_check_signers(lists, &anchors, &error), AMQP_WOLFSSL_OK);
  expect_under(&check, expected, sentence);
  certificate_list_free(&presented);
  certificate_list_free(&anchors);
  revocation_lists_release(lists);
}

static void lists_are_held_to_the_policy(void **state) {
  static const struct {
    const char *certificate;
    const char *anchor;
    const char *lists[2];
    amqp_wolfssl_code_t codes[2];
    const char *sentence;
  } rows[] = {
      {"server-strong-p384.pem", "ca-p384.pem", {"list-ca-p384.pem"}, BOTH(AMQP_WOLFSSL_OK), ""},
      {"server-rsa3072.pem", "ca-rsa3072.pem", {"list-ca-rsa3072.pem"}, BOTH(AMQP_WOLFSSL_OK), ""},
      {"server-strong-p384.pem", "ca-p384.pem", {"list-ca-p384-sha256.pem"}, ONLY_FIPS, "with ecdsa_secp256r1_sha256"},
      {"server-rsa3072.pem", "ca-rsa3072.pem", {"list-ca-rsa3072-sha256.pem"}, ONLY_FIPS, "with rsa_pkcs1_sha256"},
      {"server.pem", "ca.pem", {"list-ca-sha384.pem"}, ONLY_FIPS, "its EC key has 256 bits, fewer than 384"},
      {"server-rsa.pem", "ca-rsa.pem", {"list-ca-rsa-sha384.pem"}, ONLY_FIPS, "2048 bits, fewer than 3072"},
      {"leaf-of-secp256k1.pem",
       "ca-secp256k1.pem",
       {"list-ca-secp256k1.pem"},
       BOTH(AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN),
       ""},
      {"leaf-of-rsa1024.pem",
       "ca-rsa1024.pem",
       {"list-ca-rsa1024.pem"},
       BOTH(AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN),
       ""},
      /* What a weak list says does not count, but that there is a newer one does. */
      {"server-strong-p384.pem",
       "ca-p384.pem",
       {"list-ca-p384.pem", "list-ca-p384-old-sha256.pem"},
       BOTH(AMQP_WOLFSSL_OK),
       ""},
      {"server-strong-p384.pem",
       "ca-p384.pem",
       {"list-ca-p384-old.pem", "list-ca-p384-sha256.pem"},
       ONLY_FIPS,
       "with ecdsa_secp256r1_sha256, which the policy \"cnsa\" does not allow"},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    for (size_t j = 0; j < COUNT_OF(policies); j++) {
      print_message("# %s, %s\n", policy_name(policy_find(policies[j])), rows[i].lists[0]);
      try_lists_under(policies[j], lists_of(rows[i].lists[0], rows[i].lists[1], NULL), rows[i].certificate,
                      rows[i].anchor, rows[i].codes[j], rows[i].sentence);
    }
  }
}

static void responses_are_held_to_the_policy(void **state) {
  static const struct {
    const char *certificate;
    const char *response;
    amqp_wolfssl_code_t codes[2];
    const char *sentence;
  } rows[] = {
      {"server-strong-p384.pem", "response-strong.der", BOTH(AMQP_WOLFSSL_OK), ""},
      {"server-strong-p384.pem", "response-responder-strong.der", BOTH(AMQP_WOLFSSL_OK), ""},
      {"server-strong-p384.pem", "response-strong-sha256.der", ONLY_FIPS,
       "it is signed with ecdsa_secp256r1_sha256, which the policy \"cnsa\" does not allow"},
      {"server-strong-p384.pem",
       "response-strong-revoked-sha256.der",
       {AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED, AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN},
       ""},
      {"server-strong-p384.pem", "response-responder-p256.der", ONLY_FIPS,
       "it is signed by \"CN=responder-p256,O=Acme\", and its EC key has 256 bits, fewer than 384"},
      {"server-strong-p384.pem", "response-responder-by-sha256.der", ONLY_FIPS,
       "the certificate of its responder \"CN=responder-by-sha256,O=Acme\": it is signed with ecdsa_secp256r1_sha256"},
      {"server.pem", "response-ca-sha384.der", ONLY_FIPS, "its EC key has 256 bits, fewer than 384"},
      {"server-rsa.pem", "response-ca-rsa-sha384.der", ONLY_FIPS, "its RSA key has 2048 bits, fewer than 3072"},
      /* wolfSSL may not know these curves at all. */
      {"server.pem", "response-responder-secp256k1.der", BOTH(AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN), ""},
      {"server.pem", "response-responder-brainpool.der", BOTH(AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN), ""},
      {"server.pem", "response-sha1.der", BOTH(AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN),
       "it is signed in a way that is not supported (RSA or ECDSA with SHA-256, SHA-384 or SHA-512 is)"},
  };

  (void)state;
  if (!has_responses) {
    skip();
  }
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    struct certificate_list presented = {0};

    read_certificates(&presented, rows[i].certificate);
    for (size_t j = 0; j < COUNT_OF(policies); j++) {
      struct revocation_check check = fips_check(NULL, &presented, &bundle);
      char message[ERROR_MESSAGE_LENGTH];

      print_message("# %s, %s\n", policy_name(policy_find(policies[j])), rows[i].response);
      check.policy = policy_find(policies[j]);
      check.path = find_path(&presented, &bundle);
      assert_int_equal(judge_by(&check, rows[i].response, message), rows[i].codes[j]);
      if (rows[i].codes[j] == AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN) {
        assert_says(message, rows[i].sentence);
      }
    }
    certificate_list_free(&presented);
  }
}

/* ---- Where responses are found ---- */

static void responses_in_messages(void **state) {
  static const uint8_t message[] = {22, 0, 0, 7, 1, 0, 0, 3, 'a', 'b', 'c'};
  static const uint8_t other_message[] = {11, 0, 0, 7, 1, 0, 0, 3, 'a', 'b', 'c'};
  static const uint8_t other_type[] = {22, 0, 0, 7, 2, 0, 0, 3, 'a', 'b', 'c'};
  static const uint8_t too_long[] = {22, 0, 0, 7, 1, 0, 0, 4, 'a', 'b', 'c'};
  struct byte_slice response;

  (void)state;
  for (size_t cut = 0; cut <= sizeof(message); cut++) {
    uint8_t *bytes = exact(message, cut);

    assert_int_equal(stapled_status_in_message((struct byte_slice){bytes, cut}, &response), cut == sizeof(message));
    free(bytes);
  }
  assert_true(stapled_status_in_message((struct byte_slice){message, sizeof(message)}, &response));
  assert_int_equal(response.length, 3);
  assert_memory_equal(response.bytes, "abc", 3);
  assert_false(stapled_status_in_message((struct byte_slice){other_message, sizeof(other_message)}, &response));
  assert_false(stapled_status_in_message((struct byte_slice){other_type, sizeof(other_type)}, &response));
  assert_false(stapled_status_in_message((struct byte_slice){too_long, sizeof(too_long)}, &response));
}

/* ---- Sources ---- */

static void copy(const char *from, const char *to) {
  size_t length;
  uint8_t *bytes = temporary_folder_read(from, &length);

  temporary_folder_write(to, bytes, length);
  free(bytes);
}

static void refresh(struct revocation_sources *sources, amqp_wolfssl_code_t expected) {
  amqp_wolfssl_error_t error;

  error_clear(&error);
  assert_int_equal(revocation_sources_refresh(sources, &bundle, 0, &error), expected);
  assert_int_equal(error.code, expected);
}

static void what_was_taken_stays(void **state) {
  struct revocation_sources sources;
  struct revocation_lists *before;
  amqp_wolfssl_error_t error;

  (void)state;
  assert_int_equal(revocation_sources_init(&sources), 0);
  assert_false(revocation_sources_any(&sources));
  refresh(&sources, AMQP_WOLFSSL_OK);
  assert_null(revocation_sources_take(&sources));
  copy("list-clean.pem", "changing.pem");
  assert_int_equal(revocation_sources_add_file(&sources, temporary_folder_path("changing.pem"), &error),
                   AMQP_WOLFSSL_OK);
  assert_true(revocation_sources_any(&sources));
  refresh(&sources, AMQP_WOLFSSL_OK);
  before = revocation_sources_take(&sources);
  copy("list-revoked-server.pem", "changing.pem");
  refresh(&sources, AMQP_WOLFSSL_OK);
  expect_chain(revocation_sources_take(&sources), &server, &ca, AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED);
  temporary_folder_write_text("changing.pem", "broken");
  refresh(&sources, AMQP_WOLFSSL_ERROR_CRL_MALFORMED);
  assert_null(revocation_sources_take(&sources)); /* nothing is left to connect by */
  copy("list-clean.pem", "changing.pem");
  refresh(&sources, AMQP_WOLFSSL_OK);
  revocation_sources_free(&sources);
  expect_chain(before, &server, &ca, AMQP_WOLFSSL_OK);
}

/* A file of the same size, written within the same tick of the clock, must be noticed. */
static void a_change_that_times_do_not_show(void **state) {
  struct revocation_sources sources;
  time_t written;
  struct revocation_lists *lists;
  amqp_wolfssl_error_t error;

  (void)state;
  assert_int_equal(revocation_sources_init(&sources), 0);
  written = time(NULL);
  copy("list-clean.pem", "quick.pem");
  assert_int_equal(revocation_sources_add_file(&sources, temporary_folder_path("quick.pem"), &error), AMQP_WOLFSSL_OK);
  refresh(&sources, AMQP_WOLFSSL_OK);
  lists = revocation_sources_take(&sources);
  refresh(&sources, AMQP_WOLFSSL_OK);
  /* Too young to be relied upon: read again, though its times have not changed. */
  if (time(NULL) < written + 2) {
    assert_ptr_not_equal(sources.lists, lists);
  }
  /* In time it is, and then an opening reads nothing. */
  while (sources.lists != lists) {
    revocation_lists_release(lists);
    lists = revocation_sources_take(&sources);
    refresh(&sources, AMQP_WOLFSSL_OK);
  }
  revocation_lists_release(lists);
  revocation_sources_free(&sources);
}

static void sources_that_are_refused(void **state) {
  struct revocation_sources sources;
  amqp_wolfssl_error_t error;
  size_t length;
  uint8_t *expired = temporary_folder_read("list-expired.pem", &length);

  (void)state;
  assert_int_equal(revocation_sources_init(&sources), 0);
  assert_int_equal(mkdir(temporary_folder_path("empty"), 0755), 0);
  assert_int_equal(revocation_sources_add_folder(&sources, temporary_folder_path("empty"), &error),
                   AMQP_WOLFSSL_ERROR_CRL_MALFORMED);
  assert_int_equal(revocation_sources_add_folder(&sources, temporary_folder_path("nowhere"), &error),
                   AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_int_equal(revocation_sources_add_file(&sources, temporary_folder_path("nowhere"), &error),
                   AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_int_equal(revocation_sources_add_file(&sources, temporary_folder_path("ca.pem"), &error),
                   AMQP_WOLFSSL_ERROR_CRL_MALFORMED);
  assert_int_equal(revocation_sources_add_file(&sources, temporary_folder_path("list-delta.pem"), &error),
                   AMQP_WOLFSSL_ERROR_CRL_UNUSABLE);
  assert_int_equal(revocation_sources_add_memory(&sources, expired, length, AMQP_WOLFSSL_FORMAT_AUTO, &error),
                   AMQP_WOLFSSL_ERROR_CRL_UNUSABLE);
  assert_non_null(strstr(error.message, "has expired: it was valid until "));
  assert_false(revocation_sources_any(&sources));
  revocation_sources_free(&sources);
  free(expired);
}

static void a_folder_of_many_things(void **state) {
  struct revocation_sources sources;
  amqp_wolfssl_error_t error;

  (void)state;
  assert_int_equal(revocation_sources_init(&sources), 0);
  assert_int_equal(mkdir(temporary_folder_path("mixed"), 0755), 0);
  assert_int_equal(mkdir(temporary_folder_path("mixed/sub.crl"), 0755), 0);
  copy("list-clean.der", "mixed/clean.crl");
  copy("list-intermediate.pem", "mixed/0123abcd.r0");
  copy("list-ca-rsa.pem", "mixed/any name");
  copy("ca.pem", "mixed/ca.pem");
  copy("ca.key", "mixed/ca.key");
  temporary_folder_write_text("mixed/README", "not a list");
  assert_int_equal(revocation_sources_add_folder(&sources, temporary_folder_path("mixed"), &error), AMQP_WOLFSSL_OK);
  refresh(&sources, AMQP_WOLFSSL_OK);
  expect_chain(revocation_sources_take(&sources), &chain, &ca, AMQP_WOLFSSL_OK);
  assert_int_equal(symlink("nowhere", temporary_folder_path("mixed/gone.crl")), 0);
  refresh(&sources, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  revocation_sources_free(&sources);
}

/* A file that is not whole might be the list that revokes. */
static void a_folder_with_a_damaged_file(void **state) {
  static const struct {
    const char *name;
    const char *text;
    amqp_wolfssl_code_t code;
  } rows[] = {
      {"new.pem", "", AMQP_WOLFSSL_ERROR_CRL_MALFORMED},
      {"new.pem", "half of somethi", AMQP_WOLFSSL_ERROR_CRL_MALFORMED},
      {"new.pem", "-----BEGIN X509 CRL-----\nMIIB\n", AMQP_WOLFSSL_ERROR_CRL_MALFORMED},
      {"new.pem", "-----BEGIN X509 C", AMQP_WOLFSSL_ERROR_CRL_MALFORMED},
      {"new", "-----BEGIN X509 CRL-----\nMIIB\n", AMQP_WOLFSSL_ERROR_CRL_MALFORMED},
      {"new.crl", "", AMQP_WOLFSSL_ERROR_CRL_MALFORMED},
      {"0123abcd.r1", "none", AMQP_WOLFSSL_ERROR_CRL_MALFORMED},
      {"new", "", AMQP_WOLFSSL_OK},
      {"new", "some text", AMQP_WOLFSSL_OK},
  };
  struct revocation_sources sources;
  amqp_wolfssl_error_t error;

  (void)state;
  assert_int_equal(mkdir(temporary_folder_path("damaged"), 0755), 0);
  copy("list-clean.pem", "damaged/clean.pem");
  assert_int_equal(revocation_sources_init(&sources), 0);
  assert_int_equal(revocation_sources_add_folder(&sources, temporary_folder_path("damaged"), &error), AMQP_WOLFSSL_OK);
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    char path[64];

    (void)snprintf(path, sizeof(path), "damaged/%s", rows[i].name);
    print_message("# %s: \"%s\"\n", rows[i].name, rows[i].text);
    temporary_folder_write_text(path, rows[i].text);
    refresh(&sources, rows[i].code);
    assert_int_equal(unlink(temporary_folder_path(path)), 0);
  }
  /* In DER it is what its name says as well. */
  copy("list-clean.der", "damaged/new.pem");
  refresh(&sources, AMQP_WOLFSSL_OK);
  /* What a link leads to may only not be mounted. */
  assert_int_equal(symlink("nowhere", temporary_folder_path("damaged/anything")), 0);
  refresh(&sources, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  revocation_sources_free(&sources);
}

static void refuses_as_nobody(struct revocation_sources *sources, const char *path) {
  amqp_wolfssl_error_t error;
  amqp_wolfssl_code_t code;

  error_clear(&error);
  other_user_become();
  code = revocation_sources_refresh(sources, &bundle, 0, &error);
  other_user_end();
  assert_int_equal(code, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_says(error.message, path);
  assert_says(error.message, strerror(EACCES));
  assert_null(revocation_sources_take(sources));
}

static void files_that_may_not_be_read(void **state) {
  static const char *const names[] = {"closed/new.crl", "closed/new.pem", "closed/any name", "closed/README"};
  const char *folder = temporary_folder_path("closed");
  struct revocation_sources in_folder;
  struct revocation_sources in_file;
  amqp_wolfssl_error_t error;

  (void)state;
  assert_int_equal(mkdir(folder, 0755), 0);
  copy("list-clean.pem", "closed/clean.crl");
  assert_int_equal(chmod(temporary_folder_path("closed/clean.crl"), 0644), 0);
  if (!other_user_can_read(temporary_folder_path("closed/clean.crl"))) {
    skip();
  }
  assert_int_equal(revocation_sources_init(&in_folder), 0);
  assert_int_equal(revocation_sources_add_folder(&in_folder, folder, &error), AMQP_WOLFSSL_OK);
  for (size_t i = 0; i < COUNT_OF(names); i++) {
    const char *path = temporary_folder_path(names[i]);

    print_message("# %s\n", names[i]);
    copy("list-revoked-server.pem", names[i]);
    assert_int_equal(chmod(path, 0), 0);
    refuses_as_nobody(&in_folder, path);
    assert_int_equal(unlink(path), 0);
    refresh(&in_folder, AMQP_WOLFSSL_OK);
  }
  /* Behind a link into a folder that may not be passed. */
  assert_int_equal(mkdir(temporary_folder_path("shut"), 0755), 0);
  copy("list-revoked-server.pem", "shut/list");
  assert_int_equal(symlink("../shut/list", temporary_folder_path("closed/link")), 0);
  assert_int_equal(chmod(temporary_folder_path("shut"), getuid() == 0 ? 0700 : 0), 0);
  refuses_as_nobody(&in_folder, temporary_folder_path("closed/link"));
  revocation_sources_free(&in_folder);

  assert_int_equal(revocation_sources_init(&in_file), 0);
  assert_int_equal(revocation_sources_add_file(&in_file, temporary_folder_path("closed/clean.crl"), &error),
                   AMQP_WOLFSSL_OK);
  assert_int_equal(chmod(temporary_folder_path("closed/clean.crl"), 0), 0);
  refuses_as_nobody(&in_file, temporary_folder_path("closed/clean.crl"));
  revocation_sources_free(&in_file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lists_that_are_read_and_refused),
      cmocka_unit_test(a_damaged_list_is_never_taken),
      cmocka_unit_test(an_entry_is_found),
      cmocka_unit_test(the_way_to_an_anchor),
      cmocka_unit_test(an_impostor_of_the_same_name),
      cmocka_unit_test(signers_are_looked_for_at_once),
      cmocka_unit_test(a_ca_that_may_not_sign_lists),
      cmocka_unit_test(responses_that_are_taken_and_refused),
      cmocka_unit_test(a_response_ages),
      cmocka_unit_test(a_responder_and_its_issuers_lists),
      cmocka_unit_test(a_damaged_response_is_never_taken),
      cmocka_unit_test(lists_are_held_to_the_policy),
      cmocka_unit_test(responses_are_held_to_the_policy),
      cmocka_unit_test(responses_in_messages),
      cmocka_unit_test(what_was_taken_stays),
      cmocka_unit_test(a_change_that_times_do_not_show),
      cmocka_unit_test(sources_that_are_refused),
      cmocka_unit_test(a_folder_of_many_things),
      cmocka_unit_test(a_folder_with_a_damaged_file),
      cmocka_unit_test(files_that_may_not_be_read),
  };

  return cmocka_run_group_tests_name("revocation", tests, mint, clean_up);
}
