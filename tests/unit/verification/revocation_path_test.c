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

/* \return the next of names separated by blanks, read from its file; NULL at the end */
static uint8_t *read_next(char **names, char file[256], size_t *length) {
  const char *name = strsep(names, " ");

  if (name == NULL) {
    return NULL;
  }
  (void)snprintf(file, 256, "%s.der", name);
  return temporary_folder_read(file, length);
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
  minted_chain_add(&sent, at->sent);
  minted_chain_add(&trusted, at->trusted);
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

/* ---- Which of several lists ---- */

#define RENEWED                                 \
  "old ca s=CN=R x:subjectKeyIdentifier=hash\n" \
  "new ca s=CN=R x:subjectKeyIdentifier=hash\n" \
  "broker by=new leaf\n"

/* A folder as AD CS leaves it after its CA's renewal: CA.crl and CA(1).crl, of one name and two keys. */
static void lists_of_another_key(void **state) {
  static const struct list_case cases[] = {
      {"one for each key", RENEWED "lo list by=old\nln list by=new\n", "broker", "old new", "lo ln", OK, 0, NULL},
      {"in the other order", RENEWED "lo list by=old\nln list by=new\n", "broker", "new old", "ln lo", OK, 0, NULL},
      {"only the new one is trusted", RENEWED "lo list by=old\nln list by=new\n", "broker", "new", "lo ln", OK, 0,
       NULL},
      {"the other key's alone", RENEWED "lo list by=old\n", "broker", "old new", "lo", UNKNOWN, 0,
       "lo.der is not signed by the CA that issued"},
      {"the other key's revokes that serial number", RENEWED "lo list by=old revokes=broker\nln list by=new\n",
       "broker", "old new", "lo ln", OK, 0, NULL},
      {"its own does", RENEWED "lo list by=old\nln list by=new revokes=broker\n", "broker", "old new", "lo ln", REVOKED,
       0, "according to its CRL in ln.der"},
      {"a newer one of the other key", RENEWED "lo list by=old from=-60\nln list by=new from=-90 revokes=broker\n",
       "broker", "old new", "lo ln", REVOKED, 0, "ln.der"},
      {"SHA-1 by the other key",
       RENEWED "lo list by=old from=-60 md=sha1 x:authorityKeyIdentifier=keyid:always\n"
               "ln list by=new\n",
       "broker", "old new", "lo ln", OK, 0, NULL},
      {"SHA-1 by its own key",
       RENEWED "lw list by=new from=-60 md=sha1 x:authorityKeyIdentifier=keyid:always\n"
               "ln list by=new\n",
       "broker", "old new", "lw ln", UNKNOWN, 0, "lw.der is too weak"},
      {"SHA-1 by who knows whom", RENEWED "lo list by=old from=-60 md=sha1\nln list by=new\n", "broker", "old new",
       "lo ln", UNKNOWN, 0, "lo.der is too weak"},
      {"an older one, SHA-1 by its own key", RENEWED "lw list by=new from=-7200 md=sha1\nln list by=new\n", "broker",
       "old new", "lw ln", OK, 0, NULL},
      {"an altered list", RENEWED "ls list by=new spoil\nln list by=new\n", "broker", "new", "ls ln", OK, 0, NULL},
      {"an altered list alone", RENEWED "ls list by=new spoil\n", "broker", "new", "ls", UNKNOWN, 0,
       "ls.der is not signed"},
      {"another CA of that name, not trusted",
       "root ca s=CN=R\nother ca s=CN=R\nbroker by=root leaf\nlo list by=other revokes=broker\nlr list by=root\n",
       "broker", "root", "lo lr", OK, 0, NULL},
      {"a CA that may not sign lists",
       "root ca x:keyUsage=critical,keyCertSign\nbroker by=root leaf\nlists list by=root\n", "broker", "root", "lists",
       UNKNOWN, 0, "or that CA may not sign CRLs"},
  };

  (void)state;
  run_all(cases, COUNT(cases));
}

#define ONE "root ca\nbroker by=root leaf\n"

static void lists_of_several_dates(void **state) {
  static const struct list_case cases[] = {
      {"a minute early", ONE "now list by=root\nearly list by=root from=60\n", "broker", "root", "now early", OK, 0,
       NULL},
      {"a minute early, in the other order", ONE "now list by=root\nearly list by=root from=60\n", "broker", "root",
       "early now", OK, 0, NULL},
      {"a minute early and alone", ONE "early list by=root from=60\n", "broker", "root", "early", UNKNOWN, 0,
       "early.der is not valid yet (it is dated "},
      {"a valid one that revokes, and an early one",
       ONE "now list by=root revokes=broker\nearly list by=root from=60\n", "broker", "root", "now early", REVOKED, 0,
       "now.der"},
      {"an expired one alone", ONE "late list by=root from=-60 to=-30\n", "broker", "root", "late", UNKNOWN, 0,
       "late.der has expired (it was valid until "},
      {"of expired ones the newest is named", ONE "l1 list by=root from=-90 to=-40\nl2 list by=root from=-60 to=-30\n",
       "broker", "root", "l2 l1", UNKNOWN, 0, "l2.der has expired (it was valid until "},
      {"a newer one that has expired", ONE "now list by=root\nlate list by=root from=-60 to=-30\n", "broker", "root",
       "now late", OK, 0, NULL},
      {"a newer one that has expired and revokes",
       ONE "now list by=root\nlate list by=root from=-60 to=-30 revokes=broker\n", "broker", "root", "now late",
       REVOKED, 0, "late.der"},
      {"the same in the other order", ONE "now list by=root\nlate list by=root from=-60 to=-30 revokes=broker\n",
       "broker", "root", "late now", REVOKED, 0, "late.der"},
      {"an expired one drops what a valid one revokes",
       ONE "now list by=root revokes=broker\nlate list by=root from=-60 to=-30\n", "broker", "root", "now late",
       REVOKED, 0, "now.der"},
      {"only an expired one revokes", ONE "late list by=root from=-60 to=-30 revokes=broker\n", "broker", "root",
       "late", REVOKED, 0, "late.der"},
      {"a newer valid one drops it", ONE "old list by=root from=-7200 revokes=broker\nnow list by=root\n", "broker",
       "root", "old now", OK, 0, NULL},
      {"a newer valid one drops it, in the other order",
       ONE "old list by=root from=-7200 revokes=broker\nnow list by=root\n", "broker", "root", "now old", OK, 0, NULL},
      {"a newer valid one drops what an expired one revoked",
       ONE "late list by=root from=-90 to=-60 revokes=broker\nnow list by=root from=-30\n", "broker", "root",
       "late now", OK, 0, NULL},
      {"two of one date", ONE "l1 list by=root\nl2 list by=root revokes=broker\n", "broker", "root", "l1 l2", REVOKED,
       0, "l2.der"},
      {"two of one date, in the other order", ONE "l1 list by=root\nl2 list by=root revokes=broker\n", "broker", "root",
       "l2 l1", REVOKED, 0, "l2.der"},
  };

  (void)state;
  run_all(cases, COUNT(cases));
}

/* ---- Lists of a part of the certificates ---- */

#define AT(uri) " x:crlDistributionPoints=URI:" uri
#define OF(limits) " x:issuingDistributionPoint=critical," limits
#define POINTS(der) " x:2.5.29.31=DER:" der
#define SCOPE(der) " x:2.5.29.28=critical,DER:" der
#define BROKER(point) "root ca\nbroker by=root leaf" point "\n"
#define LIST(limits) "l list by=root" limits "\n"
#define REVOKING(limits) "l list by=root revokes=broker" limits "\n"
#define ALONE "broker", "root", "l"

/* step-ca names one point and leaves out CAs, always critical; Let's Encrypt and AWS PCA have many such partitions. */
static void lists_of_a_distribution_point(void **state) {
  static const struct list_case cases[] = {
      {"step-ca", BROKER(AT("http://ca/1.0/crl")) LIST(OF("fullname:URI:http://ca/1.0/crl,onlyuser:TRUE")), ALONE, OK,
       0, NULL},
      {"step-ca, revoked", BROKER(AT("http://ca/1.0/crl")) REVOKING(OF("fullname:URI:http://ca/1.0/crl,onlyuser:TRUE")),
       ALONE, REVOKED, 0, "l.der"},
      {"its own partition of two",
       BROKER(AT("http://ca/7.crl"))
           LIST(OF("fullname:URI:http://ca/7.crl,onlyuser:TRUE")) "m list by=root revokes=broker" OF(
               "fullname:URI:http://ca/8.crl,onlyuser:TRUE") "\n",
       "broker", "root", "l m", OK, 0, NULL},
      {"its own partition of two, revoked",
       BROKER(AT("http://ca/7.crl")) REVOKING(OF("fullname:URI:http://ca/7.crl,onlyuser:TRUE")) "m list by=root" OF(
           "fullname:URI:http://ca/8.crl,onlyuser:TRUE") "\n",
       "broker", "root", "m l", REVOKED, 0, "l.der"},
      {"another partition alone", BROKER(AT("http://ca/7.crl")) LIST(OF("fullname:URI:http://ca/8.crl,onlyuser:TRUE")),
       ALONE, UNKNOWN, 0, "l.der is for another distribution point than the certificate names"},
      {"another partition, newer and weak",
       BROKER(AT("u:a")) LIST(OF("fullname:URI:u:a")) "m list by=root from=-60 md=sha1" OF("fullname:URI:u:b") "\n",
       "broker", "root", "l m", OK, 0, NULL},
      {"another partition, and its own has expired",
       BROKER(AT("u:a")) "l list by=root from=-90 to=-60" OF("fullname:URI:u:a") "\nm list by=root" OF(
           "fullname:URI:u:b") "\n",
       "broker", "root", "l m", UNKNOWN, 0, "l.der has expired"},
      {"its own is of another key",
       "root ca s=CN=R\nother ca s=CN=R\nbroker by=root leaf" AT("u:a") "\nl list by=other" OF("fullname:URI:u:a") "\n",
       ALONE, UNKNOWN, 0, "is not signed by the CA that issued"},
      {"a partition of another spelling", BROKER(AT("u:a")) LIST(OF("fullname:URI:u:A")), ALONE, UNKNOWN, 0, NULL},
      {"a partition, and the certificate says nothing", BROKER("") LIST(OF("fullname:URI:u:a")), ALONE, UNKNOWN, 0,
       "l.der is for one distribution point, and the certificate names none"},
      {"all certificates, and the certificate names a point", BROKER(AT("u:a")) LIST(""), ALONE, OK, 0, NULL},
      {"not marked critical", BROKER(AT("u:a")) LIST(" x:issuingDistributionPoint=fullname:URI:u:b"), ALONE, UNKNOWN, 0,
       NULL},
      {"the second of two points", BROKER(AT("u:a,URI:u:b")) LIST(OF("fullname:URI:u:b")), ALONE, OK, 0, NULL},
      {"the second name of a point",
       BROKER(POINTS("3010300ea00ca00a8603753a618603753a62")) LIST(OF("fullname:URI:u:b")), ALONE, OK, 0, NULL},
      {"the second name of the list", BROKER(AT("u:b")) LIST(SCOPE("300ea00ca00a8603753a618603753a62")), ALONE, OK, 0,
       NULL},
      {"directory names are compared as names",
       BROKER(POINTS("30163014a012a010a40e300c310a300806035504030c0141"))
           LIST(SCOPE("3014a012a010a40e300c310a300806035504030c0161")),
       ALONE, OK, 0, NULL},
      {"a point for some reasons", BROKER(POINTS("300f300da007a0058603753a6181020640")) LIST(OF("fullname:URI:u:a")),
       ALONE, UNKNOWN, 0, NULL},
      {"a point of another signer",
       BROKER(POINTS("30123010a007a0058603753a61a2058603753a61")) LIST(OF("fullname:URI:u:a")), ALONE, UNKNOWN, 0,
       NULL},
      {"malformed points", BROKER(POINTS("3011300da007a0058603753a6181020640")) LIST(OF("fullname:URI:u:a")), ALONE,
       UNKNOWN, 0, NULL},
      {"a name relative to the issuer's", BROKER(AT("u:a")) LIST(SCOPE("300ea00ca10a300806035504030c0161")), ALONE,
       UNKNOWN, 0, "l.der names its distribution point relative to its issuer, which is not known here"},
  };

  (void)state;
  run_all(cases, COUNT(cases));
}

#define TWO(lists) "root ca\nmid by=root ca\nbroker by=mid leaf\nlm list by=mid\n" lists, "broker mid", "root"

static void lists_of_some_certificates(void **state) {
  static const struct list_case cases[] = {
      {"of users, for the broker", BROKER("") LIST(OF("onlyuser:TRUE")), ALONE, OK, 0, NULL},
      {"of users, revoked", BROKER("") REVOKING(OF("onlyuser:TRUE")), ALONE, REVOKED, 0, NULL},
      {"of CAs, for the broker", BROKER("") LIST(OF("onlyCA:TRUE")), ALONE, UNKNOWN, 0,
       "l.der covers CA certificates only"},
      {"of CAs, for a CA", TWO("l list by=root" OF("onlyCA:TRUE") "\n"), "l lm", OK, 0, NULL},
      {"of CAs, revoked", TWO("l list by=root revokes=mid" OF("onlyCA:TRUE") "\n"), "l lm", REVOKED, 1, NULL},
      {"of users, for a CA", TWO("l list by=root" OF("onlyuser:TRUE") "\n"), "l lm", UNKNOWN, 1,
       "l.der covers no CA certificates"},
      {"one of each, for a CA", TWO("l list by=root" OF("onlyuser:TRUE") "\nm list by=root" OF("onlyCA:TRUE") "\n"),
       "l m lm", OK, 0, NULL},
      {"of both and so of none", BROKER("") LIST(OF("onlyuser:TRUE,onlyCA:TRUE")), ALONE, UNKNOWN, 0, NULL},
      {"of attribute certificates", BROKER("") LIST(OF("onlyAA:TRUE")), ALONE, UNKNOWN, 0,
       "covers attribute certificates only"},
      {"for some reasons", BROKER("") LIST(OF("onlysomereasons:keyCompromise")), ALONE, UNKNOWN, 0,
       "covers some reasons"},
      {"indirect", BROKER("") LIST(OF("indirectCRL:TRUE")), ALONE, UNKNOWN, 0, "is indirect"},
      {"indirect, and one that is not", BROKER("") LIST(OF("indirectCRL:TRUE")) "m list by=root\n", "broker", "root",
       "l m", OK, 0, NULL},
      {"for some reasons, and one for all",
       BROKER("") LIST(OF("onlysomereasons:keyCompromise")) "m list by=root revokes=broker\n", "broker", "root", "l m",
       REVOKED, 0, "m.der"},
      {"no limit at all", BROKER("") LIST(SCOPE("3000")), ALONE, OK, 0, NULL},
      {"limits that are off", BROKER("") LIST(SCOPE("3006810100820100")), ALONE, OK, 0, NULL},
  };

  (void)state;
  run_all(cases, COUNT(cases));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(up_to_the_top),
      cmocka_unit_test(lists_of_another_key),
      cmocka_unit_test(lists_of_several_dates),
      cmocka_unit_test(lists_of_a_distribution_point),
      cmocka_unit_test(lists_of_some_certificates),
  };

  return cmocka_run_group_tests_name("revocation along a path", tests, make_folder, temporary_folder_tear_down);
}
