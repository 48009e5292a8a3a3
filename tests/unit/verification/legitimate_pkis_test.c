/* SPDX-License-Identifier: MIT */
/*
 * PKIs that keep the rules and that wolfSSL by itself refuses, in one version or another: each must connect. And what a
 * broker sends must leave no trace in the context that other connections share.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heap_in_use.h"
#include "memory_session.h"
#include "minted_chain.h"
#include "temporary_folder.h"
#include "backend/wolfssl_headers.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

struct pki {
  const char *what;
  const char *description; /* see mint_chain.c */
  const char *sent;
  const char *trusted;
};

static struct memory_session *make_pair(const char *server_name, amqp_wolfssl_version_t version,
                                        const struct memory_session *sibling) {
  const struct memory_session_settings client = {
      .ca = "trusted.pem", .name = "localhost", .lowest = version, .highest = version, .sibling = sibling};
  char certificate[64];
  char key[64];
  struct memory_peer_settings server = {0};

  (void)snprintf(certificate, sizeof(certificate), "%s.pem", server_name);
  (void)snprintf(key, sizeof(key), "%s.key", server_name);
  server.certificate = temporary_folder_path(certificate);
  server.key = temporary_folder_path(key);
  return memory_session_new(&client, &server);
}

static void connect_in(const struct pki *pki, amqp_wolfssl_version_t version) {
  struct memory_session *pair = make_pair("sent", version, NULL);
  const enum session_result result = memory_session_handshake(pair);

  if (result != SESSION_DONE) {
    fail_msg("%s, TLS 1.%d: %s (%d)", pki->what, version == AMQP_WOLFSSL_TLS_1_2 ? 2 : 3, pair->error.message,
             pair->error.wolfssl_code);
  }
  memory_session_free(pair);
}

static void connect_to(const struct pki *pkis, size_t count) {
  for (size_t i = 0; i < count; i++) {
    minted_chain_make(pkis[i].description);
    minted_chain_join("sent", pkis[i].sent);
    minted_chain_join("trusted", pkis[i].trusted);
    connect_in(&pkis[i], AMQP_WOLFSSL_TLS_1_2);
    connect_in(&pkis[i], AMQP_WOLFSSL_TLS_1_3);
  }
}

/* ---- What is sent ---- */

static void certificates_that_are_not_needed(void **state) {
  static const struct pki pkis[] = {
      {"one of unknown issuer", "root ca\nica by=root ca\nleaf by=ica leaf\nalien ca\nextra by=alien ca\n",
       "leaf ica extra", "root"},
      {"an unrelated root", "root ca\nica by=root ca\nleaf by=ica leaf\nalien ca\n", "leaf ica alien", "root"},
      {"a cross-certificate of unknown issuer",
       "root ca\nica by=root ca\nleaf by=ica leaf\nold ca\ncross s=CN=root key=@root by=old ca\n", "leaf ica cross",
       "root"},
      {"the four of AWS, which lead to older roots",
       "root ca\nica by=root ca\nleaf by=ica leaf\nold ca\nolder ca\ncross s=CN=root key=@root by=old ca\n"
       "cross2 s=CN=old key=@old by=older ca\n",
       "leaf ica cross cross2", "root"},
      {"an expired cross-certificate of the root",
       "root ca\nica by=root ca\nleaf by=ica leaf\nold ca\ncross s=CN=root key=@root by=old ca to=-60\n",
       "leaf ica cross", "root old"},
      {"an expired certificate of the intermediate, and a renewed one",
       "root ca\nica by=root ca\nleaf by=ica leaf\nexpired s=CN=ica key=@ica by=root ca to=-60\n", "leaf expired ica",
       "root"},
      {"a cross-certificate signed with SHA-1",
       "root ca\nica by=root ca\nleaf by=ica leaf\nold ca key=rsa2048\n"
       "cross s=CN=root key=@root by=old ca md=sha1\n",
       "leaf ica cross", "root"},
      {"a certificate of the intermediate that is signed with SHA-1, and a renewed one",
       "root ca key=rsa2048\nica by=root ca\nleaf by=ica leaf\nold s=CN=ica key=@ica by=root ca md=sha1\n",
       "leaf old ica", "root"},
      {"one that breaks the constraints of its CA",
       "root ca\nica by=root ca\nleaf by=ica leaf\nlimited by=root ca x:nameConstraints=critical,permitted;DNS:a.test\n"
       "beyond by=limited ca x:subjectAltName=DNS:b.test\n",
       "leaf ica beyond limited", "root"},
      {"one with an unknown critical extension",
       "root ca\nica by=root ca\nleaf by=ica leaf\nodd by=root ca x:1.2.3.4=critical,DER:0500\n", "leaf ica odd",
       "root"},
      {"one that is not a CA's", "root ca\nica by=root ca\nleaf by=ica leaf\nother by=ica leaf\n", "leaf other ica",
       "root"},
  };

  (void)state;
  connect_to(pkis, COUNT_OF(pkis));
}

static void any_order(void **state) {
  static const char description[] = "root ca\na by=root ca\nb by=a ca\nc by=b ca\nleaf by=c leaf\n";
  static const struct pki pkis[] = {
      {"in order", description, "leaf c b a root", "root"},   {"reversed", description, "leaf root a b c", "root"},
      {"mixed", description, "leaf b c a", "root"},           {"twice", description, "leaf a a b c c b", "root"},
      {"root first", description, "leaf root c b a", "root"},
  };

  (void)state;
  connect_to(pkis, COUNT_OF(pkis));
}

/* ---- Constraints ---- */

static void constrained_cas(void **state) {
  static const struct pki pkis[] = {
      {"an issuing CA below a constrained one",
       "root ca\ntop by=root ca x:nameConstraints=critical,permitted;DNS:localhost\n"
       "issuing by=top s=CN=Issuing_CA,O=Acme ca\nleaf by=issuing s=CN=broker leaf\n",
       "leaf issuing top", "root"},
      {"two below, and a constrained root",
       "root ca x:nameConstraints=critical,permitted;DNS:localhost,excluded;DNS:test\n"
       "a by=root s=CN=First_Issuing_CA ca\nb by=a s=CN=Second_Issuing_CA ca\nleaf by=b leaf\n",
       "leaf b a", "root"},
      {"names of several kinds",
       "root ca\nica by=root ca x:nameConstraints=critical,permitted;DNS:localhost,permitted;IP:127.0.0.0/255.0.0.0,"
       "permitted;URI:.acme.test\n"
       "leaf by=ica leaf x:subjectAltName=DNS:localhost,IP:127.0.0.1,URI:spiffe://node.acme.test/broker\n",
       "leaf ica", "root"},
      {"addresses only, and a name",
       "root ca\nica by=root ca x:nameConstraints=critical,permitted;IP:127.0.0.0/255.0.0.0\n"
       "leaf by=ica leaf x:subjectAltName=DNS:localhost,IP:127.0.0.1\n",
       "leaf ica", "root"},
      {"DNS names only, and other names",
       "root ca x:nameConstraints=critical,permitted;DNS:localhost\n"
       "leaf by=root s=O=Acme leaf x:subjectAltName=DNS:localhost,IP:127.0.0.1,URI:spiffe://acme.test/broker\n",
       "leaf", "root"},
      {"a self-issued CA is exempt",
       "root s=CN=Acme,O=Acme ca\n"
       "next by=root s=CN=Acme,O=Acme ca x:nameConstraints=critical,permitted;DNS:localhost\n"
       "new by=next s=CN=Acme,O=Acme ca x:subjectAltName=DNS:ca.acme.test\nleaf by=new s=CN=broker leaf\n",
       "leaf new next", "root"},
  };

  (void)state;
  connect_to(pkis, COUNT_OF(pkis));
}

static void path_lengths(void **state) {
  static const struct pki pkis[] = {
      {"that grow downwards", "root ca\na by=root ca=1\nb by=a ca=5\nleaf by=b leaf\n", "leaf b a", "root"},
      {"and a self-issued CA, which does not count",
       "root s=CN=Acme ca=0\nnew by=root s=CN=Acme ca=0\nleaf by=new leaf\n", "leaf new", "root"},
  };

  (void)state;
  connect_to(pkis, COUNT_OF(pkis));
}

static void certificate_policies(void **state) {
  static const struct pki pkis[] = {
      {"required, and there",
       "root ca\nica by=root ca x:policyConstraints=critical,requireExplicitPolicy:0 x:certificatePolicies=1.2.3.4\n"
       "leaf by=ica leaf x:certificatePolicies=1.2.3.4\n",
       "leaf ica", "root"},
      {"any is inhibited",
       "root ca\nica by=root ca x:inhibitAnyPolicy=critical,0 x:certificatePolicies=1.2.3.4\n"
       "leaf by=ica leaf x:certificatePolicies=1.2.3.4\n",
       "leaf ica", "root"},
      {"critical",
       "root ca\nica by=root ca x:certificatePolicies=critical,1.2.3.4\n"
       "leaf by=ica leaf x:certificatePolicies=critical,1.2.3.4\n",
       "leaf ica", "root"},
  };

  (void)state;
  connect_to(pkis, COUNT_OF(pkis));
}

/* ---- Names and anchors ---- */

static void names_that_are_spelt_differently(void **state) {
  static const struct pki pkis[] = {
      {"string types", "root s=CN=Acme_Root ca\nica by=root i=CN=P:Acme_Root ca\nleaf by=ica i=CN=P:ica leaf\n",
       "leaf ica", "root"},
      {"case and white space", "root s=CN=Acme_Root ca\nica by=root i=CN=ACME__root_ ca\nleaf by=ica i=CN=ICA leaf\n",
       "leaf ica", "root"},
  };

  (void)state;
  connect_to(pkis, COUNT_OF(pkis));
}

static void anchors(void **state) {
  static const struct pki pkis[] = {
      {"two of one name, the first", "one s=CN=Acme ca\ntwo s=CN=Acme ca\nica by=one ca\nleaf by=ica leaf\n",
       "leaf ica", "one two"},
      {"two of one name, the second", "one s=CN=Acme ca\ntwo s=CN=Acme ca\nica by=two ca\nleaf by=ica leaf\n",
       "leaf ica", "one two"},
      {"one that is not self-signed", "root ca\nica by=root ca\nleaf by=ica leaf\n", "leaf", "ica"},
      {"one that is not self-signed, and what is above it is sent", "root ca\nica by=root ca\nleaf by=ica leaf\n",
       "leaf ica root", "ica"},
      {"serial number zero", "root ca serial=0\nica by=root ca\nleaf by=ica leaf\n", "leaf ica", "root"},
      {"the certificate itself",
       "leaf leaf x:basicConstraints=critical,CA:TRUE x:keyUsage=digitalSignature,keyCertSign\n", "leaf", "leaf"},
  };

  (void)state;
  connect_to(pkis, COUNT_OF(pkis));
}

/* 5.7.2 reads 128 at most, before it asks anybody. */
static bool reads_few_names(void) { return LIBWOLFSSL_VERSION_HEX > 0x05005004 && LIBWOLFSSL_VERSION_HEX < 0x05008000; }

static void many_names(void **state) {
  char description[4096] = "root ca\nleaf by=root leaf x:subjectAltName=DNS:localhost";
  const struct pki pki = {"many names", description, "leaf", "root"};
  const int count = reads_few_names() ? 128 : 150;

  (void)state;
  for (int i = 1; i < count; i++) {
    const size_t length = strlen(description);

    (void)snprintf(description + length, sizeof(description) - length, ",DNS:n%d.test", i);
  }
  (void)strncat(description, "\n", sizeof(description) - strlen(description) - 1);
  connect_to(&pki, 1);
}

/* ---- What stays behind ---- */

#define BROKERS 60
#define BROKERS_FIRST 10 /* until malloc()'s caches are full */

/* Less than a certificate for each broker. */
#define GROWTH_MAXIMUM 8192

/* Brokers of one valid CA, each below an intermediate of its own. */
static void mint_brokers(const char *leaf) {
  char description[8192] = "root ca\n";

  for (int i = 0; i < BROKERS; i++) {
    const size_t length = strlen(description);

    (void)snprintf(description + length, sizeof(description) - length, "ica%d by=root ca\nleaf%d by=ica%d %s\n", i, i,
                   i, leaf);
  }
  minted_chain_make(description);
  minted_chain_join("trusted", "root");
  for (int i = 0; i < BROKERS; i++) {
    char name[32];
    char names[64];

    (void)snprintf(name, sizeof(name), "sent%d", i);
    (void)snprintf(names, sizeof(names), "leaf%d ica%d", i, i);
    minted_chain_join(name, names);
  }
}

static enum session_result connect_by_context_of(const struct memory_session *holder, int broker) {
  char name[32];
  struct memory_session *pair;
  enum session_result result;

  (void)snprintf(name, sizeof(name), "sent%d", broker);
  pair = make_pair(name, AMQP_WOLFSSL_TLS_1_3, holder);
  result = memory_session_handshake(pair);
  memory_session_free(pair);
  return result;
}

static void leave_nothing_behind(const char *leaf, enum session_result wanted) {
  struct memory_session *holder;
  size_t before = 0;
  long growth;

  mint_brokers(leaf);
  holder = make_pair("sent0", AMQP_WOLFSSL_TLS_1_3, NULL);
  for (int i = 0; i < BROKERS; i++) {
    if (i == BROKERS_FIRST) {
      before = heap_in_use();
    }
    assert_int_equal(connect_by_context_of(holder, i), wanted);
  }
  growth = (long)(heap_in_use() - before);
  if (heap_can_be_measured()) {
    print_message("# %d brokers: the heap grew by %ld bytes\n", BROKERS - BROKERS_FIRST, growth);
    assert_true(growth < GROWTH_MAXIMUM);
  }
  memory_session_free(holder);
}

static void accepted_brokers_leave_nothing_behind(void **state) {
  (void)state;
  leave_nothing_behind("leaf", SESSION_DONE);
}

static void refused_brokers_leave_nothing_behind(void **state) {
  (void)state;
  leave_nothing_behind("leaf to=-60", SESSION_FAILED);
  leave_nothing_behind("leaf x:subjectAltName=DNS:elsewhere.test", SESSION_FAILED);
}

static int set_up(void **state) {
  (void)state;
  return temporary_folder_make();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(certificates_that_are_not_needed),
      cmocka_unit_test(any_order),
      cmocka_unit_test(constrained_cas),
      cmocka_unit_test(path_lengths),
      cmocka_unit_test(certificate_policies),
      cmocka_unit_test(names_that_are_spelt_differently),
      cmocka_unit_test(anchors),
      cmocka_unit_test(many_names),
      cmocka_unit_test(accepted_brokers_leave_nothing_behind),
      cmocka_unit_test(refused_brokers_leave_nothing_behind),
  };

  return cmocka_run_group_tests_name("legitimate_pkis", tests, set_up, temporary_folder_tear_down);
}
