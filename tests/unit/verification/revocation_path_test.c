/* SPDX-License-Identifier: MIT */
/*
 * Which revocation lists count for the certificates of a path. Each case is a PKI of its own, minted when it runs, with
 * what the broker sends, whom we trust and which lists there are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backend/fips_module.h"
#include "minted_chain.h"
#include "policy/policy.h"
#include "temporary_folder.h"
#include "verification/path.h"
#include "verification/revocation.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct list_case {
  const char *what;
  const char *description; /* see tests/support/mint_chain.c */
  const char *sent;        /* names, the broker's own certificate first */
  const char *trusted;
  const char *lists;
  amqp_wolfssl_code_t code;
  int depth;         /* of the certificate that is revoked or of which nothing is known */
  const char *words; /* separated by "|", each in the sentence */
};

#define OK AMQP_WOLFSSL_OK
#define REVOKED AMQP_WOLFSSL_ERROR_CERTIFICATE_REVOKED
#define UNKNOWN AMQP_WOLFSSL_ERROR_REVOCATION_UNKNOWN

/* ---- Help ---- */

static int make_folder(void **state) {
  (void)state;
  (void)alarm(1200); /* a safety net, far beyond what valgrind needs */
  return fips_module_start() != 0 ? -1 : temporary_folder_make();
}

static int remove_folder(void **state) {
  (void)state;
  return temporary_folder_remove();
}

/* \return the next of names separated by blanks, read from its file; NULL at the end */
static uint8_t *read_next(char **names, char file[256], size_t *length) {
  const char *name = strsep(names, " ");

  if (name == NULL) {
    return NULL;
  }
  (void)snprintf(file, 256, "%s.der", name);
  return temporary_folder_read(file, length);
}

static void read_certificates(struct certificate_list *list, const char *names) {
  char copy[256];
  char file[256];
  char *rest = copy;
  uint8_t *bytes;
  size_t length;

  (void)snprintf(copy, sizeof(copy), "%s", names);
  while ((bytes = read_next(&rest, file, &length)) != NULL) {
    assert_true(certificate_list_add(list, bytes, length));
    free(bytes);
  }
}

static struct revocation_lists *read_lists(const char *names) {
  struct revocation_lists *lists = revocation_lists_new();
  char copy[256];
  char file[256];
  char *rest = copy;
  amqp_wolfssl_error_t error;
  uint8_t *bytes;
  size_t length;

  assert_non_null(lists);
  (void)snprintf(copy, sizeof(copy), "%s", names);
  while ((bytes = read_next(&rest, file, &length)) != NULL) {
    if (revocation_lists_add(lists, bytes, length, AMQP_WOLFSSL_FORMAT_DER, file, &error) != OK) {
      fail_msg("%s", error.message);
    }
    free(bytes);
  }
  return lists;
}

static void assert_words(const struct list_case *at, const char *message) {
  char copy[1024];
  char *rest = copy;
  char *word;

  (void)snprintf(copy, sizeof(copy), "%s", at->words != NULL ? at->words : "");
  while ((word = strsep(&rest, "|")) != NULL) {
    if (strstr(message, word) == NULL) {
      fail_msg("%s: \"%s\" is not in \"%s\"", at->what, word, message);
    }
  }
}

static void judge(const struct list_case *at, const struct revocation_check *check) {
  amqp_wolfssl_error_t error;
  amqp_wolfssl_code_t code;

  error_clear(&error);
  code = revocation_check_path(check, &error);
  if (code != at->code || error.code != at->code) {
    fail_msg("%s: %s, %s", at->what, amqp_wolfssl_code_name(code), error.message);
  }
  assert_words(at, error.message);
  if (code != OK && error.certificate_depth != at->depth) {
    fail_msg("%s: depth %d, %s", at->what, error.certificate_depth, error.message);
  }
}

/* Before and after it is known which lists the anchors have signed. */
static void run(const struct list_case *at) {
  struct certificate_list sent = {0};
  struct certificate_list trusted = {0};
  struct revocation_lists *lists;
  const struct policy *policy = policy_find(AMQP_WOLFSSL_POLICY_FIPS);
  const struct path_question question = {
      .sent = &sent, .anchors = &trusted, .policy = policy, .now = (int64_t)time(NULL)};
  struct revocation_check check = {.policy = policy, .chain = &sent, .anchors = &trusted, .now = question.now};
  amqp_wolfssl_error_t error;
  struct path path;

  minted_chain_make(at->description);
  read_certificates(&sent, at->sent);
  read_certificates(&trusted, at->trusted);
  lists = read_lists(at->lists);
  if (path_find(&path, &question, &error) != OK) {
    fail_msg("%s: %s", at->what, error.message);
  }
  check.path = &path;
  check.lists = lists;
  judge(at, &check);
  assert_int_equal(revocation_lists_check_signers(lists, &trusted, &error), OK);
  judge(at, &check);
  revocation_lists_release(lists);
  certificate_list_free(&sent);
  certificate_list_free(&trusted);
}

static void run_all(const struct list_case *cases, size_t count) {
  for (size_t i = 0; i < count; i++) {
    run(&cases[i]);
  }
}

/* ---- From the broker's certificate to the top ---- */

#define CHAIN                           \
  "root ca\n"                           \
  "mid by=root ca\n"                    \
  "broker by=mid leaf\n"                \
  "root-clean list by=root\n"           \
  "root-bad list by=root revokes=mid\n" \
  "mid-clean list by=mid\n"             \
  "mid-bad list by=mid revokes=broker\n"

#define BOTH "root ca\nboth by=root leaf ca x:keyUsage=critical,keyCertSign,cRLSign,digitalSignature\n"

/* The usual ca-chain.pem has every CA in it: the search for a path is then over at the lowest. */
static void up_to_the_top(void **state) {
  static const struct list_case cases[] = {
      {"a good chain", CHAIN, "broker mid", "root", "root-clean mid-clean", OK, 0, NULL},
      {"a revoked broker", CHAIN, "broker mid", "root", "root-clean mid-bad", REVOKED, 0, "CN=broker|by \"CN=mid\""},
      {"a revoked intermediate", CHAIN, "broker mid", "root", "root-bad mid-clean", REVOKED, 1, "CN=mid|mid\" in"},
      {"trusted too", CHAIN, "broker mid", "mid root", "root-clean mid-clean", OK, 0, NULL},
      {"trusted too, in the other order", CHAIN, "broker mid", "root mid", "root-clean mid-clean", OK, 0, NULL},
      {"revoked and trusted", CHAIN, "broker mid", "mid root", "root-bad mid-clean", REVOKED, 1,
       "the trusted CA \"CN=mid\""},
      {"revoked, trusted, not sent", CHAIN, "broker", "root mid", "root-bad mid-clean", REVOKED, 1, "\"CN=mid\""},
      {"nothing is known of a trusted one", CHAIN, "broker mid", "mid root", "mid-clean", UNKNOWN, 1, "\"CN=mid\""},
      {"nothing is known above it", CHAIN, "broker mid root", "mid", "mid-clean", OK, 0, NULL},
      {"the broker's is trusted itself", BOTH "lists list by=root\n", "both", "both root", "lists", OK, 0, NULL},
      {"nothing is known above that", BOTH "lists list by=both\n", "both", "both", "lists", OK, 0, NULL},
      {"and revoked", BOTH "lists list by=root revokes=both\n", "both", "both root", "lists", REVOKED, 0,
       "\"CN=both\" in the broker's chain"},
      {"three trusted CAs",
       "root ca\nupper by=root ca\nlower by=upper ca\nbroker by=lower leaf\n"
       "r list by=root revokes=upper\nu list by=upper\nl list by=lower\n",
       "broker lower upper", "lower upper root", "r u l", REVOKED, 2, "\"CN=upper\" (serial number 02)|by \"CN=root\""},
      {"CAs that certify each other",
       "a ca\nb ca\na-by-b by=b ca s=CN=a key=@a\nb-by-a by=a ca s=CN=b key=@b\nbroker by=a leaf\n"
       "la list by=a\nlb list by=b\n",
       "broker", "a-by-b b-by-a", "la lb", OK, 0, NULL},
      {"one of them revoked",
       "a ca\nb ca\na-by-b by=b ca s=CN=a key=@a\nb-by-a by=a ca s=CN=b key=@b\nbroker by=a leaf\n"
       "la list by=a revokes=b-by-a\nlb list by=b\n",
       "broker", "a-by-b b-by-a", "la lb", REVOKED, 2, "\"CN=b\""},
      {"a new key that the old one certified",
       "old ca s=CN=R\nnew by=old ca s=CN=R\nbroker by=new leaf\n"
       "lo list by=old revokes=new\nln list by=new\n",
       "broker", "old new", "lo ln", REVOKED, 1, "\"CN=R\""},
  };

  (void)state;
  run_all(cases, COUNT(cases));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(up_to_the_top),
  };

  return cmocka_run_group_tests_name("revocation along a path", tests, make_folder, remove_folder);
}
