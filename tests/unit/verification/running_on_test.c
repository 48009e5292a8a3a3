/* SPDX-License-Identifier: MIT */
/*
 * A process that runs on: what was valid when it connected first no longer is. Neither the context, which the
 * connections of a config share, nor a path that it remembers may count for more than the clock. The clock is this
 * test's: its time() stands before the C library's, for wolfSSL too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "memory_session.h"
#include "minted_chain.h"
#include "temporary_folder.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define LATER 7200

static time_t seconds_ahead;

__attribute__((visibility("default"))) time_t time(time_t *result) {
  struct timespec now = {0};

  (void)clock_gettime(CLOCK_REALTIME, &now);
  now.tv_sec += seconds_ahead;
  if (result != NULL) {
    *result = now.tv_sec;
  }
  return now.tv_sec;
}

/* A server's file, of the certificates at \a place. */
static const char *file_of(char name[64], size_t place, const char *ending) {
  (void)snprintf(name, 64, "sent%zu%s", place, ending);
  return name;
}

static struct memory_session *make_pair(size_t place, amqp_wolfssl_version_t version,
                                        const struct memory_session *first) {
  const struct memory_session_settings client = {
      .ca = "trusted.pem", .name = "localhost", .lowest = version, .highest = version, .sibling = first};
  struct memory_peer_settings server = {0};
  char certificate[64];
  char key[64];

  server.certificate = temporary_folder_path(file_of(certificate, place, ".pem"));
  server.key = temporary_folder_path(file_of(key, place, ".key"));
  return memory_session_new(&client, &server);
}

struct then {
  const char *sent; /* names */
  amqp_wolfssl_code_t code;
  int depth;
  const char *words;
};

static void assert_refused(const struct then *then, struct memory_session *pair) {
  assert_int_equal(memory_session_handshake(pair), SESSION_FAILED);
  print_message("# %s: %s\n", then->sent, pair->error.message);
  assert_int_equal(pair->error.code, then->code);
  assert_int_equal(pair->error.certificate_depth, then->depth);
  assert_non_null(strstr(pair->error.message, then->words));
  memory_session_free(pair);
}

/* Connects to a server that sends the first of these, and later to one of each. */
static void run_on(const struct then *thens, size_t count) {
  static const amqp_wolfssl_version_t versions[] = {AMQP_WOLFSSL_TLS_1_2, AMQP_WOLFSSL_TLS_1_3};

  minted_chain_join("trusted", "root");
  for (size_t i = 0; i < count; i++) {
    char name[64];

    minted_chain_join(file_of(name, i, ""), thens[i].sent);
  }
  for (size_t i = 0; i < COUNT_OF(versions); i++) {
    struct memory_session *first;

    seconds_ahead = 0;
    first = make_pair(0, versions[i], NULL);
    assert_int_equal(memory_session_handshake(first), SESSION_DONE);
    seconds_ahead = LATER;
    for (size_t at = 0; at < count; at++) {
      assert_refused(&thens[at], make_pair(at, versions[i], first));
    }
    memory_session_free(first);
  }
}

static void a_trusted_ca_expires(void **state) {
  static const struct then thens[] = {
      {"leaf", AMQP_WOLFSSL_ERROR_CERTIFICATE_EXPIRED, 1, "the trusted CA \"CN=root\" has expired"}};

  (void)state;
  minted_chain_make("root ca to=3600\nleaf by=root leaf\n");
  run_on(thens, COUNT_OF(thens));
}

/* A certificate with the intermediate's name, of nobody that is known, is passed over by some builds of wolfSSL: then
   the expired one, if the context still had it, would do. */
static void an_intermediate_expires(void **state) {
  static const struct then thens[] = {
      {"leaf ica", AMQP_WOLFSSL_ERROR_CERTIFICATE_EXPIRED, 1, "the intermediate CA \"CN=ica\" has expired"},
      {"leaf", AMQP_WOLFSSL_ERROR_UNKNOWN_CA, 0, "\"CN=ica\", which is not trusted and whose certificate"},
      {"leaf forged", AMQP_WOLFSSL_ERROR_BAD_SIGNATURE, 0, "was not signed with the key of the CA of that name"},
  };

  (void)state;
  minted_chain_make(
      "root ca\nica by=root ca to=3600\nleaf by=ica leaf\n"
      "forged s=CN=ica i=CN=root ca x:2.5.29.35=DER:3006800401020304\n");
  run_on(thens, COUNT_OF(thens));
}

static int set_up(void **state) {
  (void)state;
  return temporary_folder_make();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a_trusted_ca_expires),
      cmocka_unit_test(an_intermediate_expires),
  };

  return cmocka_run_group_tests_name("running on", tests, set_up, temporary_folder_tear_down);
}
