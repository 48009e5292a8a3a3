/* SPDX-License-Identifier: MIT */
/*
 * path_find() and OpenSSL's X509_verify_cert() on the same certificates. What we accept, OpenSSL must accept when it is
 * given the certificates of our path alone: it tries one path only. What it accepts, we must accept, unless we refuse
 * the certificates of its path alone by one of the rules that are listed here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#ifdef HAVE_REFERENCE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "name_cases.h"
#include "path_cases.h"
#include "reference.h"

#include "backend/fips_module.h"
#include "policy/policy.h"
#include "verification/path.h"

enum { PATH_CASES = 1500, DESCRIPTION = 4096 };

/* Why we refuse what OpenSSL accepts: words of our sentence, and the rule. */
static const struct {
  const char *words;
  const char *rule;
} rules[] = {
    {"lacks digitalSignature",
     "RFC 8446, section 4.4.2.2: a certificate that may not sign can't be used in a handshake"},
    {"exclude a name of the broker's certificate: DNS:*.",
     "a wildcard covers an excluded name, which OpenSSL overlooks"},
    {"exclude a name of the broker's certificate: IP:::ffff:", "an excluded IPv4 address in IPv6's notation"},
    {"(it has no basicConstraints", "RFC 5280, section 6.1.4, (k): a key usage is not enough to be a CA"},
};

/* Or because the bound on work was reached. */
#define STOPPED "was stopped"

struct tally {
  size_t both_accept;
  size_t both_refuse;
  size_t ours_alone; /* on another path than OpenSSL tried */
  size_t by_rule;
};

struct question {
  struct certificate_list sent;
  struct certificate_list anchors;
  int64_t now;
  char description[DESCRIPTION];
};

/* ---- Comparing ---- */

static amqp_wolfssl_code_t find(const struct certificate_list *sent, const struct certificate_list *anchors,
                                int64_t now, struct path *path, amqp_wolfssl_error_t *error) {
  const struct path_question question = {
      .sent = sent, .anchors = anchors, .policy = policy_find(AMQP_WOLFSSL_POLICY_FIPS), .now = now};

  return path_find(path, &question, error);
}

static bool is_by_rule(const char *message) {
  for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
    if (strstr(message, rules[i].words) != NULL) {
      return true;
    }
  }
  return false;
}

static void copy(struct certificate_list *to, const struct certificate_der *der) {
  assert_true(certificate_list_add(to, der->bytes, der->length));
}

/* The certificates of the path we have found, and nothing else. */
static bool reference_accepts_path(const struct question *question, const struct path *path, const char **reason) {
  struct certificate_list sent = {0};
  struct certificate_list anchor = {0};
  struct certificate_list again = {0};
  bool accepted;

  for (size_t i = 0; i < path->length; i++) {
    copy(&sent, &question->sent.items[path->places[i]]);
  }
  copy(&anchor, &question->anchors.items[path->anchor]);
  accepted = reference_accepts(&sent, &anchor, question->now, &again, reason);
  certificate_list_free(&sent);
  certificate_list_free(&anchor);
  certificate_list_free(&again);
  return accepted;
}

/* What we say to the certificates of the path that OpenSSL has found, and nothing else. */
static bool is_path_refused_by_rule(const struct question *question, const struct certificate_list *found,
                                    amqp_wolfssl_error_t *error) {
  struct certificate_list sent = {0};
  struct certificate_list anchor = {0};
  struct path path;
  bool refused;

  for (size_t i = 0; i == 0 || i + 1 < found->count; i++) { /* the broker's certificate may be its own anchor */
    copy(&sent, &found->items[i]);
  }
  copy(&anchor, &found->items[found->count - 1]);
  refused = find(&sent, &anchor, question->now, &path, error) != AMQP_WOLFSSL_OK && is_by_rule(error->message);
  certificate_list_free(&sent);
  certificate_list_free(&anchor);
  return refused;
}

static void compare(const struct question *question, struct tally *tally) {
  struct certificate_list found = {0};
  amqp_wolfssl_error_t error;
  amqp_wolfssl_error_t alone;
  const char *reason = "";
  struct path path;
  const bool accepted = reference_accepts(&question->sent, &question->anchors, question->now, &found, &reason);

  if (find(&question->sent, &question->anchors, question->now, &path, &error) == AMQP_WOLFSSL_OK) {
    if (!reference_accepts_path(question, &path, &reason)) {
      fail_msg("OpenSSL alone refuses (%s):\n%s", reason, question->description);
    }
    if (accepted) {
      tally->both_accept++;
    } else {
      tally->ours_alone++;
    }
  } else if (!accepted) {
    tally->both_refuse++;
  } else if (strstr(error.message, STOPPED) != NULL || is_path_refused_by_rule(question, &found, &alone)) {
    tally->by_rule++;
  } else {
    fail_msg("OpenSSL alone accepts (%s; its path by itself: %s):\n%s", error.message, alone.message,
             question->description);
  }
  certificate_list_free(&found);
}

static void free_question(struct question *question) {
  certificate_list_free(&question->sent);
  certificate_list_free(&question->anchors);
}

static void print_tally(const char *what, const struct tally *tally) {
  print_message(
      "# %s: %zu accepted and %zu refused by both; %zu accepted by us alone, which OpenSSL accepts without the "
      "other certificates; %zu refused by a rule of ours\n",
      what, tally->both_accept, tally->both_refuse, tally->ours_alone, tally->by_rule);
}

/* ---- Tests ---- */

static int start(void **state) {
  (void)state;
  reference_start();
  return fips_module_start() == AMQP_WOLFSSL_OK ? 0 : -1;
}

static int end(void **state) {
  (void)state;
  reference_end();
  return 0;
}

/* Where an emulator makes it slow: EVERY=13 takes one case in 13. */
static size_t step(void) {
  const char *every = getenv("EVERY");
  size_t count = every != NULL ? strtoull(every, NULL, 10) : 1;

  return count > 0 ? count : 1;
}

static void test_names(void **state) {
  struct tally tally = {0};

  (void)state;
  for (size_t i = 0; i < name_cases_count(); i += step()) {
    struct question question = {.now = (int64_t)time(NULL)};

    name_case_make(i, &question.sent, &question.anchors, question.description, sizeof(question.description));
    compare(&question, &tally);
    free_question(&question);
  }
  print_tally("names", &tally);
  assert_true(tally.both_accept > 0 && tally.both_refuse > 0 && tally.by_rule > 0);
  assert_int_equal(tally.ours_alone, 0); /* there is one path only */
}

static void test_paths(void **state) {
  const char *first = getenv("FIRST_SEED");
  const uint64_t seed = first != NULL ? strtoull(first, NULL, 10) : 1;
  struct tally tally = {0};

  (void)state;
  for (uint64_t i = seed; i < seed + PATH_CASES; i += step()) {
    struct question question = {.now = (int64_t)time(NULL)};

    path_case_make(i, &question.sent, &question.anchors, question.description, sizeof(question.description));
    compare(&question, &tally);
    free_question(&question);
  }
  print_tally("paths", &tally);
  assert_true(tally.both_accept > 0 && tally.both_refuse > 0 && tally.ours_alone > 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_names),
      cmocka_unit_test(test_paths),
  };

  return cmocka_run_group_tests(tests, start, end);
}

#else

static void test_nothing(void **state) {
  (void)state;
  print_message("# missing peer: libssl-dev\n");
  skip();
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}

#endif
