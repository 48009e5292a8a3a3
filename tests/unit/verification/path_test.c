/* SPDX-License-Identifier: MIT */
/*
 * Paths from a broker's certificate to a trusted CA. Each case is a PKI of its own, minted when it runs, with what the
 * broker sends and whom we trust. The sentences are for people: their words are looked at, not their whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backend/fips_module.h"
#include "policy/policy.h"
#include "exact_copy.h"
#include "minted_chain.h"
#include "temporary_folder.h"
#include "verification/path.h"
#include "x509/certificate.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { DAY = 86400 };

struct path_case {
  const char *what;
  const char *description; /* see tests/support/mint_chain.c */
  const char *sent;        /* names, the broker's own certificate first */
  const char *trusted;
  amqp_wolfssl_code_t code;
  int depth;                    /* of the certificate that is wrong */
  const char *words;            /* separated by "|", each in the sentence */
  const char *places;           /* of a path that was found, in what was sent; NULL: not looked at */
  unsigned checks;              /* of signatures, at most; 0: not looked at */
  amqp_wolfssl_policy_t policy; /* 0: fips */
  int64_t later;                /* seconds from now, for the validation */
  bool limited;                 /* the program sets a maximum depth */
  unsigned maximum;
};

#define GOOD(label, pki, names, anchors, ...) \
  { .what = label, .description = pki, .sent = names, .trusted = anchors, __VA_ARGS__ }
#define BAD(label, pki, names, anchors, failure, at, sentence, ...)                                     \
  {                                                                                                     \
    .what = label, .description = pki, .sent = names, .trusted = anchors, .code = failure, .depth = at, \
    .words = sentence, __VA_ARGS__                                                                      \
  }

/* ---- Help ---- */

static int make_folder(void **state) {
  (void)state;
  (void)alarm(1200); /* a safety net, far beyond what valgrind needs */
  return fips_module_start() != 0 ? -1 : temporary_folder_make();
}

static void assert_words(const struct path_case *at, const char *message) {
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

static void assert_places(const struct path_case *at, const struct path *path) {
  char places[64] = "";

  for (size_t i = 0; i < path->length; i++) {
    const size_t used = strlen(places);

    (void)snprintf(places + used, sizeof(places) - used, "%s%u", used > 0 ? " " : "", path->places[i]);
  }
  if (at->places != NULL && strcmp(places, at->places) != 0) {
    fail_msg("%s: the path is %s", at->what, places);
  }
}

static amqp_wolfssl_code_t search(const struct path_case *at, struct path *path, amqp_wolfssl_error_t *error) {
  struct certificate_list sent = {0};
  struct certificate_list trusted = {0};
  const struct path_question question = {.sent = &sent,
                                         .anchors = &trusted,
                                         .policy = policy_find(at->policy != 0 ? at->policy : AMQP_WOLFSSL_POLICY_FIPS),
                                         .now = (int64_t)time(NULL) + at->later,
                                         .depth_is_limited = at->limited,
                                         .maximum_depth = at->maximum};
  amqp_wolfssl_code_t code;

  minted_chain_add(&sent, at->sent);
  minted_chain_add(&trusted, at->trusted);
  code = path_find(path, &question, error);
  assert_int_equal(code, error->code);
  certificate_list_free(&sent);
  certificate_list_free(&trusted);
  return code;
}

static void find(const struct path_case *at, struct path *path, amqp_wolfssl_error_t *error) {
  const amqp_wolfssl_code_t code = search(at, path, error);

  if (code != at->code) {
    fail_msg("%s: %s, %s", at->what, amqp_wolfssl_code_name(code), error->message);
  }
}

static void run(const struct path_case *at) {
  amqp_wolfssl_error_t error;
  struct path path;

  minted_chain_make(at->description);
  find(at, &path, &error);
  assert_words(at, error.message);
  if (at->code == AMQP_WOLFSSL_OK) {
    assert_int_equal(error.stage, AMQP_WOLFSSL_STAGE_NONE);
    assert_places(at, &path);
  } else {
    assert_int_equal(error.stage, AMQP_WOLFSSL_STAGE_VERIFY);
    if (error.certificate_depth != at->depth) {
      fail_msg("%s: depth %d, %s", at->what, error.certificate_depth, error.message);
    }
  }
  if (at->checks != 0 && path.signature_checks > at->checks) {
    fail_msg("%s: %u signatures were checked", at->what, path.signature_checks);
  }
}

static void run_all(const struct path_case *cases, size_t count) {
  for (size_t i = 0; i < count; i++) {
    run(&cases[i]);
  }
}

#define OK AMQP_WOLFSSL_OK
#define EXPIRED AMQP_WOLFSSL_ERROR_CERTIFICATE_EXPIRED
#define NOT_YET_VALID AMQP_WOLFSSL_ERROR_CERTIFICATE_NOT_YET_VALID
#define UNKNOWN_CA AMQP_WOLFSSL_ERROR_UNKNOWN_CA
#define BAD_SIGNATURE AMQP_WOLFSSL_ERROR_BAD_SIGNATURE
#define CHAIN_INVALID AMQP_WOLFSSL_ERROR_CHAIN_INVALID
#define INVALID AMQP_WOLFSSL_ERROR_CERTIFICATE_INVALID
#define WEAK_KEY AMQP_WOLFSSL_ERROR_WEAK_KEY
#define WEAK_SIGNATURE AMQP_WOLFSSL_ERROR_WEAK_SIGNATURE
#define MODERN AMQP_WOLFSSL_POLICY_MODERN
#define CNSA AMQP_WOLFSSL_POLICY_CNSA

#define TWO_LEVELS "root ca\nica by=root ca\nleaf by=ica leaf\n"

/* ---- Building ---- */

static void test_good_paths(void **state) {
  static const struct path_case cases[] = {
      GOOD("the root issued it", "root ca\nleaf by=root leaf\n", "leaf", "root", .places = "0", .checks = 1),
      GOOD("one intermediate", TWO_LEVELS, "leaf ica", "root", .places = "0 1", .checks = 2),
      GOOD("the root is sent along", TWO_LEVELS, "leaf ica root", "root", .places = "0 1", .checks = 2),
      GOOD("an intermediate is trusted, and nothing else", TWO_LEVELS, "leaf ica", "ica", .places = "0", .checks = 1),
      GOOD("the intermediate is trusted too", TWO_LEVELS, "leaf ica", "root ica", .places = "0", .checks = 1),
      GOOD("not in order", "root ca\na by=root ca\nb by=a ca\nleaf by=b leaf\n", "leaf a root b", "root",
           .places = "0 3 1", .checks = 3),
      GOOD("something else among them", TWO_LEVELS "other ca\nthing by=other leaf\n", "leaf other thing ica", "root",
           .places = "0 3"),
      GOOD("a superfluous expired cross-certificate of the root",
           "old ca to=-60\nroot ca\ncross by=old key=@root s=CN=root ca to=-60\nica by=root ca\nleaf by=ica leaf\n",
           "leaf ica cross", "root", .places = "0 1", .checks = 2),
      GOOD("a superfluous root by SHA-1",
           "old ca md=sha1\nroot ca\ncross by=old key=@root s=CN=root ca md=sha1\n"
           "ica by=root ca\nleaf by=ica leaf\n",
           "leaf cross old ica", "root", .places = "0 3"),
      GOOD("a root that is too new here, cross-signed by one that is known",
           "old ca\nroot ca\ncross by=old key=@root s=CN=root ca\nica by=root ca\nleaf by=ica leaf\n",
           "leaf ica root cross", "old", .places = "0 1 3"),
      GOOD("the longest chain",
           "a ca\nb by=a ca\nc by=b ca\nd by=c ca\ne by=d ca\nf by=e ca\ng by=f ca\nh by=g ca\n"
           "i by=h ca\nj by=i ca\nleaf by=j leaf\n",
           "leaf b c d e f g h i j", "a", .places = "0 9 8 7 6 5 4 3 2 1", .checks = 10),
      GOOD("no extension that could be left out",
           "root x:basicConstraints=critical,CA:TRUE\n"
           "leaf by=root x:subjectAltName=DNS:localhost\n",
           "leaf", "root"),
      GOOD("any purpose",
           "root ca\nica by=root ca x:extendedKeyUsage=anyExtendedKeyUsage\n"
           "leaf by=ica leaf x:extendedKeyUsage=anyExtendedKeyUsage\n",
           "leaf ica", "root"),
      GOOD("purposes of CAs that include servers",
           "root ca x:extendedKeyUsage=serverAuth\nica by=root ca x:extendedKeyUsage=clientAuth,serverAuth\n"
           "leaf by=ica leaf x:extendedKeyUsage=clientAuth,serverAuth\n",
           "leaf ica", "root"),
      GOOD("a root of the first second", "root ca from=0\nleaf by=root leaf from=0\n", "leaf", "root"),
  };

  (void)state;
  run_all(cases, COUNT(cases));
}

static void test_names_are_compared_by_what_they_say(void **state) {
  static const struct path_case cases[] = {
      GOOD("string types", "root s=O=P:Acme,CN=P:Root_CA ca\nleaf by=root i=O=Acme,CN=B:Root_CA leaf\n", "leaf",
           "root"),
      GOOD("case", "root s=O=Acme,CN=Root_CA ca\nleaf by=root i=O=ACME,CN=root_ca leaf\n", "leaf", "root"),
      GOOD("white space", "root s=O=Acme,CN=Root_CA ca\nleaf by=root i=O=_Acme_,CN=Root___CA leaf\n", "leaf", "root"),
      GOOD("between certificates sent", "root ca\nica by=root s=CN=P:Issuing ca\nleaf by=ica i=CN=issuing leaf\n",
           "leaf ica", "root"),
      BAD("other names stay others", "root s=O=Acme,CN=Root ca\nleaf by=root i=CN=Root,O=Acme leaf\n", "leaf", "root",
          UNKNOWN_CA, 0, "\"O=Acme,CN=Root\", which is not trusted"),
  };

  (void)state;
  run_all(cases, COUNT(cases));
}

/* Whichever comes first. */
static void test_backtracking(void **state) {
  static const struct path_case cases[] = {
      GOOD("an expired one and a good one", TWO_LEVELS "twin by=root s=CN=ica key=@ica ca to=-60\n", "leaf twin ica",
           "root", .places = "0 2", .checks = 2),
      GOOD("one without the CA flag", TWO_LEVELS "twin by=root s=CN=ica key=@ica\n", "leaf twin ica", "root",
           .places = "0 2"),
      GOOD("one that leads nowhere", "other ca\n" TWO_LEVELS "twin by=other s=CN=ica key=@ica ca\n", "leaf twin ica",
           "root", .places = "0 2"),
      GOOD("one of another key", "other ca\n" TWO_LEVELS "twin by=root s=CN=ica ca\n", "leaf twin ica", "root",
           .places = "0 2"),
      GOOD("one whose path is too long",
           "root ca\na by=root ca=0\nica by=root ca\nlong by=a s=CN=ica key=@ica ca\nleaf by=ica leaf\n",
           "leaf long a ica", "root", .places = "0 3"),
      GOOD("one whose CA excludes the name",
           "narrow ca x:nameConstraints=critical,excluded;DNS:localhost\n" TWO_LEVELS
           "twin by=narrow s=CN=ica key=@ica ca\n",
           "leaf twin ica", "narrow root", .places = "0 2"),
      GOOD("two roots of one name", "first s=CN=root ca\nroot ca\nleaf by=root leaf\n", "leaf", "first root",
           .places = "0"),
      GOOD("two roots of one name, one expired", "root ca\nfirst s=CN=root key=@root ca to=-60\nleaf by=root leaf\n",
           "leaf", "first root", .places = "0"),
      GOOD("an expired root, and the way around it",
           "old ca\nroot ca to=-60\ncross by=old s=CN=root key=@root ca\nleaf by=root leaf\n", "leaf cross", "root old",
           .places = "0 1"),
      GOOD("CAs that signed one another",
           "root ca\na by=root ca\nb ca\nab by=b s=CN=a key=@a ca\nba by=a s=CN=b key=@b ca\n"
           "leaf by=b leaf\n",
           "leaf ab ba b a", "root", .places = "0 2 4"),
  };

  (void)state;
  run_all(cases, COUNT(cases));
}

/* A hint decides which one is looked at first, and no more. */
static void test_key_identifiers_are_hints(void **state) {
  static const struct path_case cases[] = {
      GOOD("it spares signatures",
           "root ca\na by=root s=CN=ica x:subjectKeyIdentifier=01 ca\nb by=root s=CN=ica x:subjectKeyIdentifier=02 ca\n"
           "ica by=root x:subjectKeyIdentifier=03 ca\nleaf by=ica x:2.5.29.35=DER:3003800103 leaf\n",
           "leaf a b ica", "root", .places = "0 3", .checks = 2),
      GOOD("it may be wrong",
           "root ca\na by=root s=CN=ica x:subjectKeyIdentifier=01 ca\nica by=root x:subjectKeyIdentifier=02 ca\n"
           "leaf by=ica x:2.5.29.35=DER:3003800101 leaf\n",
           "leaf a ica", "root", .places = "0 2", .checks = 3),
  };

  (void)state;
  run_all(cases, COUNT(cases));
}

static void test_no_path(void **state) {
  static const struct path_case cases[] = {
      BAD("the intermediate is missing", TWO_LEVELS, "leaf", "root", UNKNOWN_CA, 0,
          "it was issued by \"CN=ica\"|did not send|sent: 1, CAs trusted: 1"),
      BAD("another intermediate is missing", "root ca\na by=root ca\nb by=a ca\nleaf by=b leaf\n", "leaf b", "root",
          UNKNOWN_CA, 1, "the intermediate CA \"CN=b\" was issued by \"CN=a\"|did not send"),
      BAD("the root is not trusted", TWO_LEVELS "other ca\n", "leaf ica root", "other", UNKNOWN_CA, 2,
          "leads to \"CN=root\", which is not trusted|sent: 3"),
      BAD("nobody is trusted by that key", TWO_LEVELS "other s=CN=root ca\n", "leaf ica root", "other", UNKNOWN_CA, 2,
          "leads to \"CN=root\"|the trusted CA of that name has another key"),
      BAD("self-signed", "root ca\nleaf leaf\n", "leaf", "root", AMQP_WOLFSSL_ERROR_SELF_SIGNED, 0,
          "self-signed|trusted: 1"),
      BAD("self-signed by SHA-1", "root ca\nleaf leaf md=sha1\n", "leaf", "root", AMQP_WOLFSSL_ERROR_SELF_SIGNED, 0,
          "self-signed"),
      BAD("a circle", "root ca\na ca\nb ca\nab by=b s=CN=a key=@a ca\nba by=a s=CN=b key=@b ca\nleaf by=a leaf\n",
          "leaf ab ba", "root", UNKNOWN_CA, 2, "forms a circle|\"CN=b\" was issued by \"CN=a\""),
      BAD("a circle of renewed certificates",
          "root ca\na ca\nb by=a s=CN=a key=@a ca\nc by=a s=CN=a ca\n"
          "d by=c s=CN=a key=@a ca\nleaf by=a leaf\n",
          "leaf c d", "root", UNKNOWN_CA, 2, "forms a circle"),
      BAD("too long",
          "a ca\nb by=a ca\nc by=b ca\nd by=c ca\ne by=d ca\nf by=e ca\ng by=f ca\nh by=g ca\ni by=h ca\n"
          "j by=i ca\nk by=j ca\nleaf by=k leaf\n",
          "leaf b c d e f g h i j k", "a", CHAIN_INVALID, 9, "too long"),
      BAD("a signature by nobody", "root ca\nica by=root ca\nleaf by=ica leaf spoil\n", "leaf ica", "root",
          BAD_SIGNATURE, 0,
          "the signature on the broker's certificate is wrong|\"CN=ica\"|whose certificate the broker sent"),
      BAD("an intermediate's signature by nobody", "root ca\nica by=root ca spoil\nleaf by=ica leaf\n", "leaf ica",
          "root", BAD_SIGNATURE, 1,
          "the signature on the certificate of the intermediate CA \"CN=ica\" is wrong|the trusted CA"),
      BAD("another CA of the root's name", "root ca\nother s=CN=root ca\nleaf by=other leaf\n", "leaf", "root",
          BAD_SIGNATURE, 0, "the signature on the broker's certificate is wrong|the trusted CA of that name"),
      BAD("a key of another kind", "root key=rsa2048 ca\nother s=CN=root ca\nleaf by=other leaf\n", "leaf", "root",
          BAD_SIGNATURE, 0, "is wrong"),
  };

  (void)state;
  run_all(cases, COUNT(cases));
}

/* ---- A copy of a trusted CA's certificate with another key ---- */

static void test_copies_of_an_anchor(void **state) {
  static const struct path_case cases[] = {
      BAD("as the broker's, with an EC key",
          "root ca x:subjectKeyIdentifier=hash\n"
          "copy s=CN=root copy=root x:2.5.29.14=DER:040100 ca x:keyUsage=keyCertSign,digitalSignature leaf\n",
          "copy", "root", BAD_SIGNATURE, 0, "the signature on the broker's certificate is wrong"),
      BAD("as the broker's, with an RSA key", "root key=rsa2048 ca\ncopy key=rsa2048 s=CN=root copy=root leaf\n",
          "copy", "root", BAD_SIGNATURE, 0, "the signature on the broker's certificate is wrong"),
      BAD("as the broker's, with a CA's extensions",
          "root ca\ncopy s=CN=root copy=root ca x:keyUsage=keyCertSign,digitalSignature\n", "copy", "root",
          BAD_SIGNATURE, 0, "is wrong"),
      BAD("as the broker's, truly self-signed", "root ca\ncopy s=CN=root leaf\n", "copy", "root",
          AMQP_WOLFSSL_ERROR_SELF_SIGNED, 0, "self-signed and not trusted"),
      BAD("as the broker's, of the same length, truly self-signed",
          "root key=rsa2048 ca x:keyUsage=keyCertSign,digitalSignature\n"
          "copy s=CN=root key=rsa2048 ca x:keyUsage=keyCertSign,digitalSignature\n",
          "copy", "root", AMQP_WOLFSSL_ERROR_SELF_SIGNED, 0, "self-signed and not trusted"),
      BAD("as an intermediate, with an EC key", "root ca\ncopy s=CN=root copy=root ca\nleaf by=copy leaf\n",
          "leaf copy", "root", BAD_SIGNATURE, 1, "is wrong"),
      BAD("as an intermediate, with an RSA key",
          "root key=rsa2048 ca\ncopy key=rsa2048 s=CN=root copy=root ca\nleaf by=copy leaf\n", "leaf copy", "root",
          BAD_SIGNATURE, 1, "is wrong"),
      BAD("as an intermediate, beside the true one", "root ca\ncopy s=CN=root copy=root ca\nleaf by=copy leaf\n",
          "leaf copy root", "root", BAD_SIGNATURE, 1, "is wrong"),
      BAD("of an intermediate that is trusted",
          "root ca\nica by=root ca\ncopy by=root sign=root s=CN=ica copy=ica ca\nleaf by=copy leaf\n", "leaf copy",
          "ica root", BAD_SIGNATURE, 1, "is wrong"),
      BAD("with the same key, for the broker", "root ca\ncopy s=CN=root key=@root copy=root leaf\n", "copy", "root",
          BAD_SIGNATURE, 0, "is wrong"),
      BAD("its limits count, not those of a copy that was sent",
          "root ca=0\nwide s=CN=root key=@root ca\nica by=root ca\nleaf by=ica leaf\n", "leaf ica wide", "root",
          CHAIN_INVALID, 2, "the trusted CA \"CN=root\" allows 0 intermediate CAs"),
      BAD("its dates count, not those of a copy that was sent",
          "root ca to=-60\nlong s=CN=root key=@root ca\nleaf by=root leaf\n", "leaf long", "root", EXPIRED, 1,
          "the trusted CA \"CN=root\" has expired"),
  };

  (void)state;
  run_all(cases, COUNT(cases));
}

static void test_a_ca_as_the_broker(void **state) {
  static const struct path_case cases[] = {
      GOOD("trusted itself", "root ca x:keyUsage=keyCertSign,digitalSignature\n", "root", "root", .places = "0"),
      GOOD("trusted itself, signed by SHA-1", "root ca md=sha1 x:keyUsage=keyCertSign,digitalSignature\n", "root",
           "root", .places = "0"),
      BAD("trusted itself, and may not sign a handshake", "root ca\n", "root", "root", CHAIN_INVALID, 0,
          "lacks digitalSignature"),
      BAD("trusted itself, and expired", "root ca to=-60 x:keyUsage=keyCertSign,digitalSignature\n", "root", "root",
          EXPIRED, 0, "the broker's certificate has expired"),
      BAD("trusted itself, with too weak a key", "root key=rsa1024 ca x:keyUsage=keyCertSign,digitalSignature\n",
          "root", "root", WEAK_KEY, 0, "1024"),
      GOOD("renewed with the key that is trusted",
           "root ca\nleaf s=CN=root key=@root ca x:keyUsage=keyCertSign,digitalSignature\n", "leaf", "root",
           .places = "0", .checks = 1),
      GOOD("issued by one that is trusted", "root ca\nica by=root ca x:keyUsage=keyCertSign,digitalSignature\n", "ica",
           "root", .places = "0"),
  };

  (void)state;
  run_all(cases, COUNT(cases));
}

/* ---- What each certificate has to be ---- */

static void test_dates(void **state) {
  static const struct path_case cases[] = {
      BAD("the broker's has expired", "root ca\nleaf by=root leaf to=-60\n", "leaf", "root", EXPIRED, 0,
          "the broker's certificate has expired|renew it|valid from"),
      BAD("an intermediate has expired", "root ca\nica by=root ca to=-60\nleaf by=ica leaf\n", "leaf ica", "root",
          EXPIRED, 1,
          "the certificate of the intermediate CA \"CN=ica\" has expired|have the broker send a current one|valid "
          "from"),
      BAD("the root has expired", "root ca to=-60\nica by=root ca\nleaf by=ica leaf\n", "leaf ica", "root", EXPIRED, 2,
          "the trusted CA \"CN=root\" has expired|valid from"),
      BAD("the broker's is not valid yet", "root ca\nleaf by=root leaf from=3600\n", "leaf", "root", NOT_YET_VALID, 0,
          "the broker's certificate is not valid yet|valid from"),
      BAD("an intermediate is not valid yet", "root ca\nica by=root ca from=3600\nleaf by=ica leaf\n", "leaf ica",
          "root", NOT_YET_VALID, 1, "\"CN=ica\" is not valid yet"),
      BAD("the root is not valid yet", "root ca from=3600\nleaf by=root leaf\n", "leaf", "root", NOT_YET_VALID, 1,
          "the trusted CA \"CN=root\" is not valid yet"),
      BAD("later", "root ca\nleaf by=root leaf to=900000\n", "leaf", "root", EXPIRED, 1, "the trusted CA",
          .later = 2 * DAY),
      BAD("earlier", "root ca\nleaf by=root leaf from=-900000\n", "leaf", "root", NOT_YET_VALID, 1, "the trusted CA",
          .later = -2 * DAY),
      BAD("an untrusted one that has expired too is first of all untrusted",
          "root ca\nother ca\nleaf by=other leaf to=-60\n", "leaf", "root", UNKNOWN_CA, 0, "\"CN=other\""),
  };

  (void)state;
  run_all(cases, COUNT(cases));
}

static void test_what_a_ca_must_be(void **state) {
  static const struct path_case cases[] = {
      BAD("no CA flag", "root ca\nica by=root leaf\nleaf by=ica leaf\n", "leaf ica", "root", CHAIN_INVALID, 1,
          "the certificate of the intermediate CA \"CN=ica\" is not a CA certificate|basicConstraints"),
      BAD("no basicConstraints", "root ca\nica by=root\nleaf by=ica leaf\n", "leaf ica", "root", CHAIN_INVALID, 1,
          "is not a CA certificate"),
      BAD("version 1", "root ca\nica by=root v=1\nleaf by=ica leaf\n", "leaf ica", "root", CHAIN_INVALID, 1,
          "its X.509 version has no extensions"),
      BAD("no keyCertSign", "root ca\nica by=root ca x:keyUsage=cRLSign\nleaf by=ica leaf\n", "leaf ica", "root",
          CHAIN_INVALID, 1, "\"CN=ica\" may not issue certificates|keyCertSign"),
      BAD("no keyCertSign of the root", "root ca x:keyUsage=digitalSignature\nleaf by=root leaf\n", "leaf", "root",
          CHAIN_INVALID, 1, "the trusted CA \"CN=root\" may not issue certificates"),
      BAD("for clients only", "root ca\nica by=root ca x:extendedKeyUsage=clientAuth\nleaf by=ica leaf\n", "leaf ica",
          "root", CHAIN_INVALID, 1, "\"CN=ica\" may not issue server certificates|serverAuth"),
      BAD("for code only", "root ca x:extendedKeyUsage=codeSigning\nica by=root ca\nleaf by=ica leaf\n", "leaf ica",
          "root", CHAIN_INVALID, 2, "the trusted CA \"CN=root\" may not issue server certificates"),
      BAD("no name", "root ca\nica by=root s= ca\nleaf by=ica leaf\n", "leaf ica", "root", CHAIN_INVALID, 1,
          "has no name"),
  };

  (void)state;
  run_all(cases, COUNT(cases));
}

static void test_what_the_broker_must_be(void **state) {
  static const struct path_case cases[] = {
      BAD("no digitalSignature", "root ca\nleaf by=root leaf x:keyUsage=keyEncipherment\n", "leaf", "root",
          CHAIN_INVALID, 0, "the broker's certificate may not be used to sign"),
      BAD("not for servers", "root ca\nleaf by=root leaf x:extendedKeyUsage=clientAuth\n", "leaf", "root",
          CHAIN_INVALID, 0, "the broker's certificate is not meant for servers"),
      BAD("keyCertSign and no CA", "root ca\nleaf by=root leaf x:keyUsage=digitalSignature,keyCertSign\n", "leaf",
          "root", CHAIN_INVALID, 0, "contradicts itself|keyCertSign"),
      BAD("name constraints and no CA", "root ca\nleaf by=root leaf x:nameConstraints=permitted;DNS:localhost\n",
          "leaf", "root", CHAIN_INVALID, 0, "contradicts itself|name constraints"),
  };

  (void)state;
  run_all(cases, COUNT(cases));
}

static void test_serial_numbers(void **state) {
  static const struct path_case cases[] = {
      GOOD("zero", "root ca serial=0\nica by=root ca serial=0\nleaf by=ica leaf serial=0\n", "leaf ica", "root"),
      BAD("negative", "root ca\nleaf by=root leaf serial=-5\n", "leaf", "root", INVALID, 0,
          "the broker's certificate has a negative serial number"),
      BAD("an intermediate's", "root ca\nica by=root ca serial=-500\nleaf by=ica leaf\n", "leaf ica", "root", INVALID,
          1, "\"CN=ica\" has a negative serial number"),
      GOOD("a root's", "root ca serial=-5\nleaf by=root leaf\n", "leaf", "root"),
  };

  (void)state;
  run_all(cases, COUNT(cases));
}

static void test_critical_extensions(void **state) {
  static const struct path_case cases[] = {
      BAD("of the broker's", "root ca\nleaf by=root leaf x:1.3.6.1.4.1.32473.1=critical,DER:0500\n", "leaf", "root",
          INVALID, 0, "the broker's certificate has a critical extension|1.3.6.1.4.1.32473.1"),
      BAD("of an intermediate", "root ca\nica by=root ca x:1.3.6.1.4.1.32473.1=critical,DER:0500\nleaf by=ica leaf\n",
          "leaf ica", "root", INVALID, 1, "\"CN=ica\" has a critical extension|1.3.6.1.4.1.32473.1"),
      BAD("of the root", "root ca x:1.3.6.1.4.1.32473.1=critical,DER:0500\nleaf by=root leaf\n", "leaf", "root",
          INVALID, 1, "the trusted CA \"CN=root\" has a critical extension"),
      BAD("an identifier of a key", "root ca\nleaf by=root leaf x:2.5.29.14=critical,DER:0403010203\n", "leaf", "root",
          INVALID, 0, "critical extension|2.5.29.14"),
      BAD("an identifier of the issuer's key", "root ca\nleaf by=root leaf x:2.5.29.35=critical,DER:30058003010203\n",
          "leaf", "root", INVALID, 0, "critical extension|2.5.29.35"),
      GOOD("not critical", "root ca x:1.3.6.1.4.1.32473.1=DER:0500\nleaf by=root leaf x:1.3.6.1.4.1.32473.1=DER:0500\n",
           "leaf", "root"),
      GOOD("known",
           "root ca x:certificatePolicies=critical,1.2.3 x:policyConstraints=critical,inhibitPolicyMapping:0\n"
           "leaf by=root leaf x:subjectAltName=critical,DNS:localhost x:extendedKeyUsage=critical,serverAuth "
           "x:tlsfeature=critical,status_request\n",
           "leaf", "root"),
      BAD("a TLS feature that is not known", "root ca\nleaf by=root leaf x:tlsfeature=critical,17\n", "leaf", "root",
          INVALID, 0, "1.3.6.1.5.5.7.1.24"),
  };

  (void)state;
  run_all(cases, COUNT(cases));
}

static void test_unreadable_certificates(void **state) {
  static const struct path_case cases[] = {
      BAD("the broker's", "root ca\nleaf by=root leaf cut\n", "leaf", "root", INVALID, 0,
          "the broker's certificate can't be parsed: its outer form is malformed"),
      BAD("an extension of the broker's", "root ca\nleaf by=root leaf x:2.5.29.17=DER:0500 x:subjectAltName=\n", "leaf",
          "root", INVALID, 0, "an extension is malformed (2.5.29.17)"),
      BAD("an extension twice", "root ca\nleaf by=root leaf x:2.5.29.37=DER:300a06082b06010505070301\n", "leaf", "root",
          INVALID, 0, "it has the same extension twice (2.5.29.37)"),
      BAD("an intermediate's extension", "root ca\nica by=root x:2.5.29.19=DER:0500\nleaf by=ica leaf\n", "leaf ica",
          "root", INVALID, 1,
          "certificate 2 of those that the broker sent, that of \"CN=ica\", can't be parsed|2.5.29.19"),
      BAD("the issuer, it seems", "root ca\nica by=root ca cut\nleaf by=ica leaf\n", "leaf ica", "root", INVALID, 1,
          "certificate 2 of those that the broker sent can't be parsed"),
      GOOD("one that is not needed", TWO_LEVELS "thing ca cut\n", "leaf thing ica", "root"),
      BAD("one that is not the issuer", TWO_LEVELS "thing by=root x:2.5.29.19=DER:0500\n", "leaf thing", "root",
          UNKNOWN_CA, 0, "did not send"),
      BAD("access information", "root ca\nleaf by=root leaf x:1.3.6.1.5.5.7.1.1=DER:3000\n", "leaf", "root", INVALID, 0,
          "1.3.6.1.5.5.7.1.1"),
      BAD("an empty value", "root ca\nleaf by=root leaf x:2.5.29.32=nothing\n", "leaf", "root", INVALID, 0,
          "2.5.29.32"),
  };

  (void)state;
  run_all(cases, COUNT(cases));
}

/* Another certificate of the issuer's name, whose signature can't be looked at, is not to blame. */
static void test_the_issuer_is_to_blame(void **state) {
  static const struct path_case cases[] = {
      BAD("a weak namesake of the root", "weak s=CN=root key=rsa1024 ca\nroot ca to=-60\nleaf by=root leaf\n", "leaf",
          "weak root", EXPIRED, 1, "the trusted CA \"CN=root\" has expired"),
      BAD("a weak namesake of an intermediate",
          "root ca\nweak by=root s=CN=ica key=rsa1024 ca\nica by=root ca to=-60\nleaf by=ica leaf\n", "leaf weak ica",
          "root", EXPIRED, 1, "the intermediate CA \"CN=ica\" has expired"),
      BAD("a namesake for clients",
          "root ca\nweak by=root s=CN=ica ca x:extendedKeyUsage=clientAuth\n"
          "ica by=root ca to=-60\nleaf by=ica leaf\n",
          "leaf weak ica", "root", EXPIRED, 1, "the intermediate CA \"CN=ica\" has expired"),
  };

  (void)state;
  run_all(cases, COUNT(cases));
}

/* ---- Keys and signatures ---- */

static void test_strength(void **state) {
  static const struct path_case cases[] = {
      BAD("the broker's key", "root ca\nleaf by=root leaf key=rsa1024\n", "leaf", "root", WEAK_KEY, 0,
          "the broker's certificate is too weak: its RSA key has 1024 bits"),
      BAD("an intermediate's key", "root ca\nica by=root ca key=rsa1024\nleaf by=ica leaf\n", "leaf ica", "root",
          WEAK_KEY, 1, "\"CN=ica\" is too weak: its RSA key has 1024 bits"),
      BAD("the root's key", "root ca key=rsa1024\nleaf by=root leaf\n", "leaf", "root", WEAK_KEY, 1,
          "the trusted CA \"CN=root\" is too weak"),
      BAD("the broker's signature", "root ca\nleaf by=root leaf md=sha1\n", "leaf", "root", WEAK_SIGNATURE, 0,
          "the broker's certificate is too weak: it is signed with ecdsa_sha1"),
      BAD("an intermediate's signature", "root ca\nica by=root ca md=sha1\nleaf by=ica leaf\n", "leaf ica", "root",
          WEAK_SIGNATURE, 1, "\"CN=ica\" is too weak: it is signed with ecdsa_sha1"),
      GOOD("the root's own does not matter", "root ca md=sha1\nleaf by=root leaf\n", "leaf", "root"),
      BAD("a weak signature by nobody is no path", "root ca\nleaf by=root leaf md=sha1 spoil\n", "leaf", "root",
          WEAK_SIGNATURE, 0, "sha1"),
      BAD("an exponent that takes long", "root ca\nica by=root ca key=rsa2048e300\nleaf by=ica leaf\n", "leaf ica",
          "root", WEAK_KEY, 1, "public exponent has 300 bits", .checks = 1),
      GOOD("cnsa", "root ca key=p384 md=sha384\nleaf by=root leaf key=p384 md=sha384\n", "leaf", "root",
           .policy = CNSA),
      BAD("cnsa, P-256", "root ca md=sha384\nleaf by=root leaf key=p384 md=sha384\n", "leaf", "root", WEAK_KEY, 1,
          "the trusted CA", .policy = CNSA),
      BAD("Ed25519 where it is not allowed", "root ca key=ed25519\nleaf by=root leaf\n", "leaf", "root", WEAK_SIGNATURE,
          0, "ed25519"),
  };

  (void)state;
  run_all(cases, COUNT(cases));
}

static void test_algorithms(void **state) {
  static const struct path_case cases[] = {
      GOOD("RSA", "root ca key=rsa2048 md=sha512\nica by=root ca key=rsa2048 md=sha384\nleaf by=ica leaf\n", "leaf ica",
           "root"),
      GOOD("P-384", "root ca key=p384\nleaf by=root leaf md=sha384\n", "leaf", "root"),
      GOOD("P-521", "root ca key=p521\nleaf by=root leaf md=sha512\n", "leaf", "root"),
      GOOD("PSS, SHA-256", "root ca key=rsa2048\nleaf by=root leaf pss=sha256:32\n", "leaf", "root", .checks = 1),
      GOOD("PSS, SHA-384", "root ca key=rsa2048\nleaf by=root leaf md=sha384 pss=sha384:48\n", "leaf", "root"),
      GOOD("PSS, SHA-512", "root ca key=rsa2048\nleaf by=root leaf md=sha512 pss=sha512:64\n", "leaf", "root"),
      GOOD("PSS by a key for PSS", "root ca key=pss2048 pss=sha256:32\nleaf by=root leaf pss=sha256:32\n", "leaf",
           "root"),
      BAD("PSS by nobody", "root ca key=rsa2048\nleaf by=root leaf pss=sha256:32 spoil\n", "leaf", "root",
          BAD_SIGNATURE, 0, "is wrong"),
      BAD("PSS by another", "root ca key=rsa2048\nother s=CN=root ca key=rsa2048\nleaf by=other leaf pss=sha256:32\n",
          "leaf", "root", BAD_SIGNATURE, 0, "is wrong"),
      BAD("PSS with a mask by SHA-1", "root ca key=rsa2048\nleaf by=root leaf pss=sha1:32\n", "leaf", "root",
          WEAK_SIGNATURE, 0, "too weak"),
      BAD("PSS with a mask by another hash", "root ca key=rsa2048\nleaf by=root leaf pss=sha384:32\n", "leaf", "root",
          WEAK_SIGNATURE, 0, "too weak"),
      BAD("PSS without a salt", "root ca key=rsa2048\nleaf by=root leaf pss=sha256:0\n", "leaf", "root", WEAK_SIGNATURE,
          0, "too weak"),
      BAD("PSS with a short salt", "root ca key=rsa2048\nleaf by=root leaf pss=sha256:20\n", "leaf", "root",
          WEAK_SIGNATURE, 0, "too weak"),
      BAD("PSS with SHA-1", "root ca key=rsa2048\nleaf by=root leaf md=sha1 pss=sha1:20\n", "leaf", "root",
          WEAK_SIGNATURE, 0, "too weak"),
  };

  (void)state;
  run_all(cases, COUNT(cases));
}

/* Not every build of wolfSSL holds numbers of this size: then nothing is out of memory, and no signature is wrong. */
static void test_keys_that_are_too_large(void **state) {
  static const struct path_case cases[] = {
      GOOD("of the root", "root ca key=rsa4104\nleaf by=root leaf\n", "leaf", "root"),
      GOOD("of an intermediate", "root ca\nica by=root ca key=rsa4104\nleaf by=ica leaf\n", "leaf ica", "root"),
      GOOD("with PSS", "root ca key=rsa4104\nleaf by=root leaf pss=sha256:32\n", "leaf", "root"),
  };
  static const char *const signers[] = {"the key of the trusted CA \"CN=root\"",
                                        "the key of the certificate of the intermediate CA \"CN=ica\"",
                                        "of the trusted CA \"CN=root\""};

  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    amqp_wolfssl_error_t error;
    struct path path;
    amqp_wolfssl_code_t code;

    minted_chain_make(cases[i].description);
    code = search(&cases[i], &path, &error);
    if (code != OK) {
      assert_int_equal(code, WEAK_SIGNATURE);
      assert_int_equal(error.certificate_depth, 0);
      assert_non_null(strstr(error.message, "this wolfSSL can't check the signature on the broker's certificate"));
      assert_non_null(strstr(error.message, "4104 bits"));
      assert_non_null(strstr(error.message, signers[i]));
    }
  }
}

static void test_ed25519(void **state) {
  static const struct path_case cases[] = {
      GOOD("good", "root ca key=ed25519\nleaf by=root leaf\n", "leaf", "root", .policy = MODERN, .checks = 1),
      BAD("by nobody", "root ca key=ed25519\nleaf by=root leaf spoil\n", "leaf", "root", BAD_SIGNATURE, 0, "is wrong",
          .policy = MODERN),
  };
  char reason[160];

  (void)state;
  if (!policy_allows_signature_scheme(policy_find(MODERN), 0x0807, reason, sizeof(reason))) {
    skip(); /* a wolfSSL without it */
  }
  run_all(cases, COUNT(cases));
}

/* ---- What CAs allow below them ---- */

static void test_path_lengths(void **state) {
  static const struct path_case cases[] = {
      GOOD("just enough", "root ca=1\na by=root ca=0\nleaf by=a leaf\n", "leaf a", "root"),
      BAD("one too many", "root ca\na by=root ca=0\nb by=a ca\nleaf by=b leaf\n", "leaf b a", "root", CHAIN_INVALID, 2,
          "the intermediate CA \"CN=a\" allows 0 intermediate CAs below it|there are 1"),
      BAD("the root's", "root ca=1\na by=root ca\nb by=a ca\nleaf by=b leaf\n", "leaf b a", "root", CHAIN_INVALID, 3,
          "the trusted CA \"CN=root\" allows 1 intermediate CAs below it|there are 2"),
      BAD("a wider one below changes nothing", "root ca=1\na by=root ca=9\nb by=a ca=9\nleaf by=b leaf\n", "leaf b a",
          "root", CHAIN_INVALID, 3, "the trusted CA"),
      GOOD("self-issued ones don't count", "root ca=1\nnew by=root s=CN=root ca\na by=new ca\nleaf by=a leaf\n",
           "leaf a new", "root"),
      GOOD("the broker's own never does", "root ca=0\nleaf by=root ca x:keyUsage=keyCertSign,digitalSignature\n",
           "leaf", "root"),
      GOOD("a number that no path reaches", "root x:basicConstraints=CA:TRUE,pathlen:99999999999\nleaf by=root leaf\n",
           "leaf", "root"),
  };

  (void)state;
  run_all(cases, COUNT(cases));
}

/* ---- What the program allows ---- */

#define THREE_LEVELS "root ca\na by=root ca\nb by=a ca\nleaf by=b leaf\n"
#define LIMIT(number) .limited = true, .maximum = (number)

static void test_maximum_depth(void **state) {
  static const struct path_case cases[] = {
      GOOD("none is needed", "root ca\nleaf by=root leaf\n", "leaf", "root", LIMIT(0)),
      GOOD("just enough", THREE_LEVELS, "leaf b a", "root", LIMIT(2)),
      GOOD("more than enough", THREE_LEVELS, "leaf b a", "root", LIMIT(255)),
      BAD("none is allowed", TWO_LEVELS, "leaf ica", "root", CHAIN_INVALID, 1,
          "has 1 intermediate CAs, but the program allows 0|maximum depth", LIMIT(0)),
      BAD("one too many", THREE_LEVELS, "leaf b a", "root", CHAIN_INVALID, 2,
          "has 2 intermediate CAs, but the program allows 1", LIMIT(1)),
      BAD("two too many: the first of them is named", THREE_LEVELS, "leaf b a", "root", CHAIN_INVALID, 1,
          "has 2 intermediate CAs, but the program allows 0", LIMIT(0)),
      GOOD("a root that is sent along does not count", TWO_LEVELS, "leaf ica root", "root", LIMIT(1)),
      GOOD("nor does what is not needed", TWO_LEVELS "other ca\nthing by=other ca\n", "leaf other thing ica", "root",
           LIMIT(1)),
      GOOD("nor does an intermediate that is trusted itself", THREE_LEVELS, "leaf b a", "a", LIMIT(1), .places = "0 1"),
      GOOD("a broker's certificate that is trusted itself", "leaf leaf\n", "leaf", "leaf", LIMIT(0)),
      GOOD("self-issued ones don't count", "root ca\nnew by=root s=CN=root ca\na by=new ca\nleaf by=a leaf\n",
           "leaf a new", "root", LIMIT(1)),
      BAD("self-issued ones don't hide others", "root ca\nnew by=root s=CN=root ca\na by=new ca\nleaf by=a leaf\n",
          "leaf a new", "root", CHAIN_INVALID, 1, "has 1 intermediate CAs", LIMIT(0)),
      GOOD("a shorter path is found behind one that is too long",
           "root ca\na by=root ca\nica by=root ca\nlong by=a s=CN=ica key=@ica ca\nleaf by=ica leaf\n",
           "leaf long a ica", "root", .places = "0 3", LIMIT(1)),
      BAD("a CA's own limit still holds", "root ca\na by=root ca=0\nb by=a ca\nleaf by=b leaf\n", "leaf b a", "root",
          CHAIN_INVALID, 2, "allows 0 intermediate CAs below it", LIMIT(9)),
  };

  (void)state;
  run_all(cases, COUNT(cases));
}

/* Which names a constraint covers is name_constraints_test's matter; here, to which certificates it is applied. */
static void test_name_constraints(void **state) {
  static const struct path_case cases[] = {
      BAD("the root excludes", "root ca x:nameConstraints=critical,excluded;DNS:localhost\nleaf by=root leaf\n", "leaf",
          "root", CHAIN_INVALID, 0,
          "the name constraints of the trusted CA \"CN=root\" exclude a name of the broker's certificate: "
          "DNS:localhost"),
      BAD("two levels up",
          "root ca\na by=root ca x:nameConstraints=critical,permitted;DNS:example.com\nb by=a ca\n"
          "leaf by=b leaf\n",
          "leaf b a", "root", CHAIN_INVALID, 0,
          "the intermediate CA \"CN=a\" do not permit a name of the broker's certificate: DNS:localhost"),
      BAD("not critical", "root ca\na by=root ca x:nameConstraints=permitted;DNS:example.com\nleaf by=a leaf\n",
          "leaf a", "root", CHAIN_INVALID, 0, "do not permit"),
      GOOD("a CA's common name is no DNS name",
           "root ca x:nameConstraints=critical,permitted;DNS:localhost\na by=root s=CN=Issuing_CA ca\nleaf by=a leaf\n",
           "leaf a", "root"),
      BAD("a CA's alternative name is one",
          "root ca x:nameConstraints=critical,permitted;DNS:localhost\na by=root ca x:subjectAltName=DNS:a.test\n"
          "leaf by=a leaf\n",
          "leaf a", "root", CHAIN_INVALID, 1, "a name of the certificate of the intermediate CA \"CN=a\": DNS:a.test"),
      GOOD("that of a self-issued CA is exempt",
           "root ca x:nameConstraints=critical,permitted;DNS:localhost\n"
           "new by=root s=CN=root ca x:subjectAltName=DNS:a.test\nleaf by=new leaf\n",
           "leaf new", "root"),
      BAD("that of a self-issued broker is not",
          "root ca x:nameConstraints=critical,permitted;DNS:example.com\nleaf by=root s=CN=root leaf\n", "leaf", "root",
          CHAIN_INVALID, 0, "do not permit"),
      BAD("addresses",
          "root ca x:nameConstraints=critical,permitted;IP:10.0.0.0/255.0.0.0\n"
          "leaf by=root leaf x:subjectAltName=DNS:localhost,IP:192.0.2.1\n",
          "leaf", "root", CHAIN_INVALID, 0, "IP:192.0.2.1"),
      BAD("empty ones", "root ca\na by=root ca x:2.5.29.30=critical,DER:3000\nleaf by=a leaf\n", "leaf a", "root",
          CHAIN_INVALID, 1, "\"CN=a\" has name constraints that can't be applied"),
      BAD("malformed ones of the root", "root ca x:2.5.29.30=critical,DER:0500\nleaf by=root leaf\n", "leaf", "root",
          CHAIN_INVALID, 1, "the trusted CA \"CN=root\" has name constraints that can't be applied"),
      BAD("an unknown kind that occurs",
          "root ca x:nameConstraints=critical,permitted;RID:1.2.3\nleaf by=root leaf x:subjectAltName=RID:1.2.3\n",
          "leaf", "root", CHAIN_INVALID, 0, "a kind of name that can't be compared"),
      GOOD("an unknown kind that does not occur",
           "root ca x:nameConstraints=critical,permitted;RID:1.2.3\nleaf by=root leaf\n", "leaf", "root"),
  };

  (void)state;
  run_all(cases, COUNT(cases));
}

#define EXPLICIT "x:policyConstraints=critical,requireExplicitPolicy:0"

static void test_certificate_policies(void **state) {
  static const struct path_case cases[] = {
      GOOD("not required",
           "root ca\na by=root ca x:certificatePolicies=1.2.3\nleaf by=a leaf x:certificatePolicies=1.2.4\n", "leaf a",
           "root"),
      GOOD("required, the same",
           "root ca\na by=root ca x:certificatePolicies=1.2.3 " EXPLICIT
           "\nleaf by=a leaf x:certificatePolicies=1.2.4,1.2.3\n",
           "leaf a", "root"),
      BAD("required, others",
          "root ca\na by=root ca x:certificatePolicies=1.2.3 " EXPLICIT
          "\nleaf by=a leaf x:certificatePolicies=1.2.4\n",
          "leaf a", "root", CHAIN_INVALID, 0,
          "policy holds along the whole path|none does at the broker's certificate"),
      BAD("required, none", "root ca\na by=root ca x:certificatePolicies=1.2.3 " EXPLICIT "\nleaf by=a leaf\n",
          "leaf a", "root", CHAIN_INVALID, 0, "none does at the broker's certificate"),
      BAD("required, and the CA itself has none",
          "root ca\na by=root ca " EXPLICIT "\nleaf by=a leaf x:certificatePolicies=1.2.3\n", "leaf a", "root",
          CHAIN_INVALID, 1, "none does"),
      BAD("required by the root", "root ca " EXPLICIT "\nleaf by=root leaf\n", "leaf", "root", CHAIN_INVALID, 0,
          "none does"),
      GOOD("required by the root, and there", "root ca " EXPLICIT "\nleaf by=root leaf x:certificatePolicies=1.2.3\n",
           "leaf", "root"),
      GOOD("required further down only",
           "root ca x:policyConstraints=critical,requireExplicitPolicy:5\nleaf by=root leaf\n", "leaf", "root"),
      BAD("required after one",
          "root ca\na by=root ca x:policyConstraints=critical,requireExplicitPolicy:1\nb by=a ca\n"
          "leaf by=b leaf\n",
          "leaf b a", "root", CHAIN_INVALID, 1, "none does"),
      BAD("a number that is written too long",
          "root ca x:policyConstraints=critical,DER:300480020000\nleaf by=root leaf\n", "leaf", "root", CHAIN_INVALID,
          0, "polic"),
      BAD("required by the broker's own", "root ca\nleaf by=root leaf " EXPLICIT "\n", "leaf", "root", CHAIN_INVALID, 0,
          "none does"),
      GOOD("any stands for all",
           "root ca\na by=root ca x:certificatePolicies=2.5.29.32.0 " EXPLICIT
           "\nleaf by=a leaf x:certificatePolicies=1.2.3\n",
           "leaf a", "root"),
      GOOD("any of the broker's own",
           "root ca\na by=root ca x:certificatePolicies=1.2.3 " EXPLICIT
           "\nleaf by=a leaf x:certificatePolicies=2.5.29.32.0\n",
           "leaf a", "root"),
      BAD("any is inhibited",
          "root ca\na by=root ca x:certificatePolicies=1.2.3 x:inhibitAnyPolicy=critical,0 " EXPLICIT
          "\nleaf by=a leaf x:certificatePolicies=2.5.29.32.0\n",
          "leaf a", "root", CHAIN_INVALID, 0, "none does"),
      GOOD("mapped",
           "root ca\na by=root ca x:certificatePolicies=1.2.3 x:policyMappings=1.2.3:1.2.9 " EXPLICIT
           "\nleaf by=a leaf x:certificatePolicies=1.2.9\n",
           "leaf a", "root"),
      BAD("mapped away",
          "root ca\na by=root ca x:certificatePolicies=1.2.3 x:policyMappings=1.2.3:1.2.9 " EXPLICIT
          "\nleaf by=a leaf x:certificatePolicies=1.2.3\n",
          "leaf a", "root", CHAIN_INVALID, 0, "none does"),
      BAD("mapping is inhibited",
          "root ca x:policyConstraints=critical,inhibitPolicyMapping:0\n"
          "a by=root ca x:certificatePolicies=1.2.3 x:policyMappings=1.2.3:1.2.9 " EXPLICIT
          "\nleaf by=a leaf x:certificatePolicies=1.2.9\n",
          "leaf a", "root", CHAIN_INVALID, 1, "none does"),
      BAD("malformed ones", "root ca\nleaf by=root leaf x:2.5.29.32=DER:0500\n", "leaf", "root", CHAIN_INVALID, 0,
          "malformed"),
      BAD("malformed constraints", "root ca\na by=root ca x:2.5.29.36=critical,DER:3000\nleaf by=a leaf\n", "leaf a",
          "root", CHAIN_INVALID, 1, "malformed"),
  };

  (void)state;
  run_all(cases, COUNT(cases));
}

static void test_must_staple(void **state) {
  static const struct {
    const char *description;
    bool required;
  } cases[] = {{"root ca\nleaf by=root leaf\n", false},
               {"root ca\nleaf by=root leaf x:tlsfeature=status_request\n", true},
               {"root ca\nleaf by=root leaf x:tlsfeature=17\n", false},
               {"root ca x:tlsfeature=status_request\nleaf by=root leaf\n", false}};

  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    const struct path_case at = GOOD("must-staple", cases[i].description, "leaf", "root");
    amqp_wolfssl_error_t error;
    struct path path;

    minted_chain_make(at.description);
    find(&at, &path, &error);
    assert_int_equal(path.requires_status, cases[i].required);
  }
}

/* ---- Cost ---- */

/* Adds \a piece for each number; a "#" in it stands for the number. */
static void repeat(char *text, size_t capacity, const char *piece, int from, int count) {
  for (int i = from; i < from + count; i++) {
    for (const char *at = piece; *at != '\0'; at++) {
      const size_t used = strlen(text);
      const int added = *at == '#' ? snprintf(text + used, capacity - used, "%d", i)
                                   : snprintf(text + used, capacity - used, "%c", *at);

      assert_true((size_t)added < capacity - used);
    }
  }
}

/* All have the name of the one before, and each may have issued each. */
static void test_many_of_one_name(void **state) {
  char description[4096] = "root ca\nother ca\n";
  char sent[512] = "leaf";
  const struct path_case cases[] = {BAD("no way out", description, sent, "root", CHAIN_INVALID, 0,
                                        "was stopped|too many", .checks = PATH_WORK_MAXIMUM),
                                    BAD("two units each with P-384", description, sent, "root", CHAIN_INVALID, 0,
                                        "was stopped", .checks = PATH_WORK_MAXIMUM / 2)};

  (void)state;
  repeat(description, sizeof(description), "a# by=other s=CN=a ca\n", 0, 30);
  repeat(sent, sizeof(sent), " a#", 0, 30);
  strcat(description, "leaf by=a29 leaf spoil\n");
  run(&cases[0]);
  (void)snprintf(description, sizeof(description), "root ca\nother ca\n");
  repeat(description, sizeof(description), "a# by=other s=CN=a key=p384 ca\n", 0, 30);
  strcat(description, "leaf by=a29 leaf spoil\n");
  run(&cases[1]);
}

/* Each level has two, each of them issued by both of the next: 2^8 paths, over ten signatures a level. */
static void test_many_paths(void **state) {
  char description[4096] = "root ca\nk0 s=CN=l0 ca\n";
  char sent[512] = "leaf";
  const struct path_case at =
      BAD("many paths", description, sent, "root", CHAIN_INVALID, 0, "was stopped", .checks = PATH_WORK_MAXIMUM);

  (void)state;
  for (int level = 1; level <= 8; level++) {
    const size_t used = strlen(description);

    (void)snprintf(description + used, sizeof(description) - used,
                   "k%d by=k%d s=CN=l%d ca\na%d by=k%d s=CN=l%d key=@k%d ca x:subjectKeyIdentifier=01\n"
                   "b%d by=k%d s=CN=l%d key=@k%d ca x:subjectKeyIdentifier=02\n",
                   level, level - 1, level, level, level - 1, level, level, level, level - 1, level, level);
  }
  strcat(description, "leaf by=k8 leaf\n");
  repeat(sent, sizeof(sent), " a# b#", 1, 8);
  run(&at);
}

/* A certificate that is fit is looked at before those that are not, wherever it stands. */
static void test_unfit_ones_cost_nothing(void **state) {
  char description[4096] = "root ca\n";
  char sent[512] = "leaf";
  const struct path_case at = GOOD("a good one behind many", description, sent, "root", .places = "0 31", .checks = 2);

  (void)state;
  repeat(description, sizeof(description), "a# by=root s=CN=a to=-60 ca\n", 0, 30);
  strcat(description, "good by=root s=CN=a ca\nleaf by=good leaf\n");
  repeat(sent, sizeof(sent), " a#", 0, 30);
  strcat(sent, " good");
  run(&at);
}

/* A CA that was renewed often: all are trusted, and only the last is in use. */
static void test_many_anchors_of_one_name(void **state) {
  char description[4096] = "";
  char trusted[512] = "a0";
  const struct path_case cases[] = {
      GOOD("the last of sixteen", description, "leaf", trusted, .places = "0", .checks = 16),
      GOOD("an identifier spares signatures", description, "hinted", trusted, .places = "0", .checks = 1),
      GOOD("expired ones cost nothing", description, "current", trusted, .places = "0", .checks = 1),
      BAD("more than can be tried", description, "leaf", trusted, CHAIN_INVALID, 0,
          "was stopped: 40 of the trusted CAs have the name \"CN=a\"|trust only those", .checks = PATH_WORK_MAXIMUM),
  };

  (void)state;
  repeat(description, sizeof(description), "a# s=CN=a x:subjectKeyIdentifier=01 ca\n", 0, 15);
  strcat(description,
         "a15 s=CN=a x:subjectKeyIdentifier=02 ca\nleaf by=a15 leaf\n"
         "hinted by=a15 x:2.5.29.35=DER:3003800102 leaf\n");
  repeat(trusted, sizeof(trusted), " a#", 1, 15);
  run(&cases[0]);
  run(&cases[1]);
  description[0] = '\0';
  repeat(description, sizeof(description), "a# s=CN=a to=-60 ca\n", 0, 39);
  strcat(description, "a39 s=CN=a ca\ncurrent by=a39 leaf\n");
  repeat(trusted, sizeof(trusted), " a#", 16, 24);
  run(&cases[2]);
  description[0] = '\0';
  repeat(description, sizeof(description), "a# s=CN=a ca\n", 0, 40);
  strcat(description, "leaf by=a39 leaf\n");
  run(&cases[3]);
}

static void test_no_more_than_the_first_are_looked_at(void **state) {
  char description[4096] = "root ca\n";
  char sent[1024] = "leaf";
  const struct path_case at = BAD("behind too many", description, sent, "root", UNKNOWN_CA, 0, "the first 32");

  (void)state;
  repeat(description, sizeof(description), "a# by=root ca\n", 0, 31);
  strcat(description, "good by=root ca\nleaf by=good leaf\n");
  repeat(sent, sizeof(sent), " a#", 0, 31);
  strcat(sent, " good");
  run(&at);
}

static void test_many_names_and_constraints(void **state) {
  char description[8192] = "root ca x:nameConstraints=critical";
  const struct path_case at = BAD("names", description, "leaf", "root", CHAIN_INVALID, 0, "too many to compare");

  (void)state;
  repeat(description, sizeof(description), ",excluded;DNS:#.t", 0, 140);
  strcat(description, "\nleaf by=root leaf x:subjectAltName=DNS:localhost");
  repeat(description, sizeof(description), ",DNS:#.s", 0, 140);
  strcat(description, "\n");
  run(&at);
}

/* ---- Damage ---- */

/* Whatever bit of a chain is wrong, it is refused: all of them are signed, but for those of the root's signature. */
static void test_every_damaged_bit_is_refused(void **state) {
  struct certificate_list trusted = {0};
  struct certificate_list good = {0};
  amqp_wolfssl_error_t error;
  struct path path;

  (void)state;
  minted_chain_make("root key=rsa2048 ca\nica by=root key=rsa2048 ca\nleaf by=ica leaf\n");
  minted_chain_add(&trusted, "root");
  minted_chain_add(&good, "leaf ica");
  for (size_t which = 0; which < good.count; which++) {
    for (size_t at = 0; at < good.items[which].length; at++) {
      struct certificate_list sent = {0};
      const struct path_question question = {.sent = &sent,
                                             .anchors = &trusted,
                                             .policy = policy_find(AMQP_WOLFSSL_POLICY_FIPS),
                                             .now = (int64_t)time(NULL)};

      for (size_t i = 0; i < good.count; i++) {
        assert_true(certificate_list_add(&sent, good.items[i].bytes, good.items[i].length));
      }
      sent.items[which].bytes[at] ^= (uint8_t)(1u << at % 8);
      if (path_find(&path, &question, &error) == AMQP_WOLFSSL_OK) {
        fail_msg("certificate %zu, byte %zu", which, at);
      }
      assert_true(error.message[0] != '\0');
      certificate_list_free(&sent);
    }
  }
  certificate_list_free(&good);
  certificate_list_free(&trusted);
}

static void test_nothing_was_sent(void **state) {
  const struct certificate_list none = {0};
  const struct path_question question = {
      .sent = &none, .anchors = &none, .policy = policy_find(AMQP_WOLFSSL_POLICY_FIPS), .now = 0};
  amqp_wolfssl_error_t error;
  struct path path;

  (void)state;
  assert_int_equal(path_find(&path, &question, &error), AMQP_WOLFSSL_ERROR_PEER_CERTIFICATE_MISSING);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_good_paths),
      cmocka_unit_test(test_names_are_compared_by_what_they_say),
      cmocka_unit_test(test_backtracking),
      cmocka_unit_test(test_key_identifiers_are_hints),
      cmocka_unit_test(test_no_path),
      cmocka_unit_test(test_copies_of_an_anchor),
      cmocka_unit_test(test_a_ca_as_the_broker),
      cmocka_unit_test(test_dates),
      cmocka_unit_test(test_what_a_ca_must_be),
      cmocka_unit_test(test_what_the_broker_must_be),
      cmocka_unit_test(test_serial_numbers),
      cmocka_unit_test(test_critical_extensions),
      cmocka_unit_test(test_unreadable_certificates),
      cmocka_unit_test(test_the_issuer_is_to_blame),
      cmocka_unit_test(test_strength),
      cmocka_unit_test(test_algorithms),
      cmocka_unit_test(test_keys_that_are_too_large),
      cmocka_unit_test(test_ed25519),
      cmocka_unit_test(test_path_lengths),
      cmocka_unit_test(test_maximum_depth),
      cmocka_unit_test(test_name_constraints),
      cmocka_unit_test(test_certificate_policies),
      cmocka_unit_test(test_must_staple),
      cmocka_unit_test(test_many_of_one_name),
      cmocka_unit_test(test_many_paths),
      cmocka_unit_test(test_unfit_ones_cost_nothing),
      cmocka_unit_test(test_many_anchors_of_one_name),
      cmocka_unit_test(test_no_more_than_the_first_are_looked_at),
      cmocka_unit_test(test_many_names_and_constraints),
      cmocka_unit_test(test_every_damaged_bit_is_refused),
      cmocka_unit_test(test_nothing_was_sent),
  };

  return cmocka_run_group_tests(tests, make_folder, temporary_folder_tear_down);
}
