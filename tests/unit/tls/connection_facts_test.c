/* SPDX-License-Identifier: MIT */
/*
 * Facts of a connection, from minted certificates and what a handshake could have agreed on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "x509/certificate_input.h"
#include "tls/connection_facts.h"
#include "failing_allocator.h"
#include "minted_certificates.h"
#include "temporary_folder.h"

#define SECP256R1 0x0017

static const struct negotiated tls_1_3 = {0x0304, 0x1302, SECP256R1, 0, true};
static const struct negotiated tls_1_2 = {0x0303, 0xc02f, 0, 0x0401, false};
static const struct certificate_list nothing;

static struct certificate_list server;
static struct certificate_list client;

static int read_chain(struct certificate_list *list, const char *name) {
  char *text = temporary_folder_read_text(name);
  amqp_wolfssl_error_t error;
  amqp_wolfssl_code_t code = certificate_input_read(list, text, strlen(text), AMQP_WOLFSSL_FORMAT_PEM, name, &error);

  free(text);
  return code == AMQP_WOLFSSL_OK ? 0 : -1;
}

static int mint(void **state) {
  if (minted_certificates_make(state) != 0 || read_chain(&server, "server-chain.pem") != 0 ||
      read_chain(&client, "client.pem") != 0) {
    return -1;
  }
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  certificate_list_free(&server);
  certificate_list_free(&client);
  return temporary_folder_remove();
}

static void test_fresh_facts_are_empty(void **state) {
  struct connection_facts facts;
  (void)state;

  memset(&facts, 0x55, sizeof(facts));
  connection_facts_init(&facts);
  assert_string_equal(facts.version, "");
  assert_string_equal(facts.suite, "");
  assert_string_equal(facts.group, "");
  assert_false(facts.extended_master_secret);
  assert_int_equal(facts.peer_name_count, 0);
  assert_int_equal(facts.peer_not_before, 0);
  assert_int_equal(facts.peer_not_after, 0);
  connection_facts_free(&facts);
  connection_facts_free(&facts);
  assert_string_equal(facts.version, "");
}

static void test_all_facts(void **state) {
  static const char *const names[] = {"DNS:localhost", "DNS:rabbitmq", "DNS:*.broker.test", "IP:127.0.0.1", "IP:::1"};
  struct connection_facts facts;
  const time_t now = time(NULL);
  (void)state;

  connection_facts_init(&facts);
  assert_true(connection_facts_fill(&facts, &tls_1_3, &server, &client));
  assert_string_equal(facts.version, "TLSv1.3");
  assert_string_equal(facts.suite, "TLS_AES_256_GCM_SHA384");
  assert_string_equal(facts.group, "secp256r1");
  assert_true(facts.extended_master_secret);
  assert_string_equal(facts.peer_subject, "CN=server-chain,O=Acme");
  assert_string_equal(facts.peer_issuer, "CN=Acme Test Intermediate,O=Acme Test");
  assert_string_equal(facts.own_subject, "CN=client1,O=Acme");
  assert_int_equal(facts.own_certificate_length, client.items[0].length);
  assert_memory_equal(facts.own_certificate, client.items[0].bytes, client.items[0].length);
  assert_int_equal(facts.peer_name_count, 5);
  for (size_t i = 0; i < 5; i++) {
    assert_string_equal(facts.peer_names[i], names[i]);
  }
  assert_true(facts.peer_not_before <= now);
  assert_true(facts.peer_not_after > now);
  assert_int_equal(facts.peer_not_after - facts.peer_not_before, 365 * 24 * 3600);
  connection_facts_free(&facts);
  assert_null(facts.peer_subject);
  assert_null(facts.own_certificate);
  assert_int_equal(facts.peer_name_count, 0);
  assert_string_equal(facts.version, "");
}

static void test_other_versions_and_unsaid_groups(void **state) {
  static const struct negotiated unknown = {0x0303, 0x0005, 0x001d, 0, false};
  struct connection_facts facts;
  (void)state;

  connection_facts_init(&facts);
  assert_true(connection_facts_fill(&facts, &tls_1_2, &server, &client));
  assert_string_equal(facts.version, "TLSv1.2");
  assert_string_equal(facts.suite, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
  assert_string_equal(facts.group, "");
  assert_false(facts.extended_master_secret);
  assert_true(connection_facts_fill(&facts, &unknown, &server, &client));
  assert_string_equal(facts.suite, "");
  assert_string_equal(facts.group, "x25519");
  connection_facts_free(&facts);
}

/* A second connection must not show the first one's names, nor lose its memory. */
static void test_filling_again_forgets(void **state) {
  struct connection_facts facts;
  struct certificate_list other = {0};
  (void)state;

  assert_int_equal(read_chain(&other, "server-no-san.pem"), 0);
  connection_facts_init(&facts);
  assert_true(connection_facts_fill(&facts, &tls_1_3, &server, &client));
  assert_true(connection_facts_fill(&facts, &tls_1_2, &other, &nothing));
  assert_string_equal(facts.version, "TLSv1.2");
  assert_false(facts.extended_master_secret);
  assert_string_equal(facts.peer_subject, "CN=localhost,O=Acme");
  assert_string_equal(facts.peer_issuer, "CN=Acme Test Root,O=Acme Test");
  assert_int_equal(facts.peer_name_count, 0);
  assert_null(facts.peer_names);
  assert_string_equal(facts.own_subject, "");
  assert_null(facts.own_certificate);
  assert_int_equal(facts.own_certificate_length, 0);
  connection_facts_free(&facts);
  certificate_list_free(&other);
}

static void test_without_certificates(void **state) {
  struct connection_facts facts;
  (void)state;

  connection_facts_init(&facts);
  assert_true(connection_facts_fill(&facts, &tls_1_3, &nothing, &nothing));
  assert_string_equal(facts.peer_subject, "");
  assert_string_equal(facts.peer_issuer, "");
  assert_string_equal(facts.own_subject, "");
  assert_int_equal(facts.peer_name_count, 0);
  assert_int_equal(facts.peer_not_before, 0);
  assert_int_equal(facts.peer_not_after, 0);
  connection_facts_free(&facts);
}

/* Nothing half of a certificate that can't be read is shown. */
static void test_unreadable_certificates(void **state) {
  struct connection_facts facts;
  struct certificate_list cut = {0};
  (void)state;

  assert_true(certificate_list_add(&cut, server.items[0].bytes, server.items[0].length - 1));
  connection_facts_init(&facts);
  assert_true(connection_facts_fill(&facts, &tls_1_3, &cut, &cut));
  assert_string_equal(facts.peer_subject, "");
  assert_string_equal(facts.peer_issuer, "");
  assert_string_equal(facts.own_subject, "");
  assert_int_equal(facts.peer_name_count, 0);
  assert_int_equal(facts.peer_not_after, 0);
  connection_facts_free(&facts);
  certificate_list_free(&cut);
}

static void assert_empty(const struct connection_facts *facts) {
  assert_string_equal(facts->version, "");
  assert_string_equal(facts->suite, "");
  assert_string_equal(facts->group, "");
  assert_false(facts->extended_master_secret);
  assert_null(facts->peer_subject);
  assert_null(facts->peer_issuer);
  assert_null(facts->peer_names);
  assert_null(facts->own_subject);
  assert_int_equal(facts->peer_name_count, 0);
  assert_int_equal(facts->peer_not_before, 0);
}

static void fail_every_allocation(const struct certificate_list *peer, const struct certificate_list *own,
                                  size_t least) {
  struct connection_facts facts;
  bool failed = true;
  size_t tries = 0;

  connection_facts_init(&facts);
  for (size_t nth = 1; failed; nth++) {
    bool filled;

    failing_allocator_arm(nth);
    filled = connection_facts_fill(&facts, &tls_1_3, peer, own);
    failed = failing_allocator_disarm();
    assert_int_equal(filled, !failed);
    if (failed) {
      tries++;
      assert_empty(&facts);
    }
  }
  assert_true(tries >= least);
  assert_string_equal(facts.version, "TLSv1.3");
  connection_facts_free(&facts);
}

static void test_without_memory(void **state) {
  (void)state;
  if (!failing_allocator_works()) {
    skip();
  }
  fail_every_allocation(&server, &client, 9);
  fail_every_allocation(&nothing, &nothing, 3);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_fresh_facts_are_empty),
      cmocka_unit_test(test_all_facts),
      cmocka_unit_test(test_other_versions_and_unsaid_groups),
      cmocka_unit_test(test_filling_again_forgets),
      cmocka_unit_test(test_without_certificates),
      cmocka_unit_test(test_unreadable_certificates),
      cmocka_unit_test(test_without_memory),
  };
  return cmocka_run_group_tests_name("connection_facts", tests, mint, remove_folder);
}
