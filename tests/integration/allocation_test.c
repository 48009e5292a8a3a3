/* SPDX-License-Identifier: MIT */
/*
 * Memory that runs out, at every place. Allocations of this library and of wolfSSL are numbered, and in run after run
 * the n-th fails, alone or with all that follow, through setting up a config, opening, publishing, consuming and
 * closing. Each time the step that was hit succeeds all the same or fails with a record that says why; then, with
 * memory back, the same step works on the same config and socket, and at the end neither memory nor a descriptor is
 * missing. Nor may lack of memory ever let a server pass that is to be refused.
 *
 * wolfSSL's loops allocate at the same place hundreds of times; of those only the first two fail. An argument such as
 * "each_alone*" chooses cases. ALLOCATION_TEST_TRACE=1 prints where each failure was and what came of it.
 * ALLOCATION_TEST_THOROUGH=1 leaves nothing out, and takes many minutes: wolfSSL's caches are emptied before each run,
 * and everything is done again with memory back after each failure.
 */
#include <execinfo.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "autoconfig.h"

#ifdef HAVE_WOLFSSL_OPTIONS_H
#include <wolfssl/options.h>
#endif
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/ecc.h>

#include "fault_client.h"
#include "minted_certificates.h"
#include "numbered_allocations.h"
#include "open_descriptors.h"
#include "peer_process.h"
#include "private_broker.h"
#include "temporary_folder.h"
#include "time_limit.h"
#include "tls_server.h"

#define TIME_LIMIT_SECONDS 280 /* a safety net against a hang */
#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- The scenario, step by step ---- */

struct run {
  amqp_wolfssl_version_t version;
  int port;
  const char *ca;
  const char *server_name;
  amqp_wolfssl_config_t *config;
  amqp_wolfssl_code_t code; /* of the last setter */
  struct fault_client client;
};

/* Good, failed with a record that says so, or failed in another way. */
enum outcome { OUTCOME_GOOD, OUTCOME_CLEAN_FAILURE, OUTCOME_UNEXPLAINED };

struct step {
  const char *name;
  enum outcome (*act)(struct run *run);
  bool needs_new_connection; /* once it has failed, only a new connection can do it */
};

static enum outcome after_setter(const amqp_wolfssl_config_t *config, amqp_wolfssl_code_t code) {
  const amqp_wolfssl_error_t *error = amqp_wolfssl_config_error(config);

  if (code == AMQP_WOLFSSL_OK) {
    return OUTCOME_GOOD;
  }
  return amqp_wolfssl_error_code(error) == code && amqp_wolfssl_error_stage(error) != AMQP_WOLFSSL_STAGE_NONE &&
                 amqp_wolfssl_error_message(error)[0] != '\0'
             ? OUTCOME_CLEAN_FAILURE
             : OUTCOME_UNEXPLAINED;
}

static enum outcome after_socket_call(const struct fault_client *client, bool good) {
  const amqp_wolfssl_error_t *error = amqp_wolfssl_socket_error(client->socket);

  if (good) {
    return OUTCOME_GOOD;
  }
  return client->status < 0 && amqp_wolfssl_error_code(error) != AMQP_WOLFSSL_OK &&
                 amqp_wolfssl_error_stage(error) != AMQP_WOLFSSL_STAGE_NONE &&
                 amqp_wolfssl_error_message(error)[0] != '\0'
             ? OUTCOME_CLEAN_FAILURE
             : OUTCOME_UNEXPLAINED;
}

static enum outcome make_config(struct run *run) {
  run->config = amqp_wolfssl_config_new();
  return run->config != NULL ? OUTCOME_GOOD : OUTCOME_CLEAN_FAILURE;
}

static enum outcome add_ca_file(struct run *run) {
  return after_setter(run->config, amqp_wolfssl_config_add_ca_file(run->config, temporary_folder_path(run->ca)));
}

static enum outcome add_ca_folder(struct run *run) {
  return after_setter(run->config,
                      amqp_wolfssl_config_add_ca_folder(run->config, temporary_folder_path("authorities")));
}

static enum outcome add_crl_file(struct run *run) {
  return after_setter(run->config, amqp_wolfssl_config_add_crl_file(run->config, temporary_folder_path("crl.pem")));
}

static enum outcome add_crl_folder(struct run *run) {
  return after_setter(run->config, amqp_wolfssl_config_add_crl_folder(run->config, temporary_folder_path("lists")));
}

static enum outcome set_passphrase(struct run *run) {
  return after_setter(run->config, amqp_wolfssl_config_set_passphrase(run->config, "correct horse battery"));
}

static enum outcome set_identity(struct run *run, const char *certificate_name, const char *key_name) {
  return after_setter(run->config,
                      amqp_wolfssl_config_set_identity_files(run->config, temporary_folder_path(certificate_name),
                                                             temporary_folder_path(key_name)));
}

static enum outcome set_rsa_identity(struct run *run) { return set_identity(run, "client-rsa.pem", "client-rsa.key"); }

#ifdef WOLFSSL_ENCRYPTED_KEYS
static enum outcome set_encrypted_identity(struct run *run) {
  return set_identity(run, "client.pem", "client.encrypted.key");
}
#endif

static enum outcome set_chain_identity(struct run *run) {
  return set_identity(run, "client-chain.pem", "client-chain.key");
}

static enum outcome set_server_name(struct run *run) {
  return after_setter(run->config, amqp_wolfssl_config_set_server_name(run->config, run->server_name));
}

static enum outcome set_version(struct run *run) {
  return after_setter(run->config, amqp_wolfssl_config_set_tls_versions(run->config, run->version, run->version));
}

static enum outcome make_socket(struct run *run) {
  fault_client_destroy(&run->client);
  return fault_client_new(&run->client, run->config) ? OUTCOME_GOOD : OUTCOME_CLEAN_FAILURE;
}

static enum outcome open_socket(struct run *run) {
  bool opened = fault_client_open(&run->client, run->port);

  if (!opened && amqp_socket_get_sockfd(run->client.socket) != -1) {
    return OUTCOME_UNEXPLAINED;
  }
  if (opened && (amqp_wolfssl_socket_version(run->client.socket)[0] == '\0' ||
                 strcmp(amqp_wolfssl_socket_peer_subject(run->client.socket), "CN=server,O=Acme") != 0 ||
                 strcmp(amqp_wolfssl_socket_own_subject(run->client.socket), "CN=client-chain,O=Acme") != 0 ||
                 amqp_wolfssl_socket_peer_name_count(run->client.socket) != 5)) {
    return OUTCOME_UNEXPLAINED; /* half of the facts */
  }
  return after_socket_call(&run->client, opened);
}

static enum outcome log_in(struct run *run) {
  return after_socket_call(&run->client, fault_client_login(&run->client, private_broker_ready()->user,
                                                            private_broker_ready()->password, 131072));
}

static enum outcome publish(struct run *run) {
  return after_socket_call(&run->client, fault_client_publish(&run->client, 1, 100) &&
                                             fault_client_publish(&run->client, 2, 20000) &&
                                             fault_client_await_confirms(&run->client, 2));
}

static enum outcome consume(struct run *run) {
  return after_socket_call(&run->client, fault_client_start_consuming(&run->client) &&
                                             fault_client_consume(&run->client, 1, 100) &&
                                             fault_client_consume(&run->client, 2, 20000));
}

static enum outcome close_connection(struct run *run) {
  return after_socket_call(&run->client, fault_client_close(&run->client));
}

static const struct step config_steps[] = {
    {"make a config", make_config, false},
    {"add a CA file", add_ca_file, false},
    {"add a CA folder", add_ca_folder, false},
    {"add a CRL file", add_crl_file, false},
    {"add a CRL folder", add_crl_folder, false},
    {"set a passphrase", set_passphrase, false},
    {"set an RSA identity", set_rsa_identity, false},
#ifdef WOLFSSL_ENCRYPTED_KEYS
    {"set an identity with an encrypted key", set_encrypted_identity, false},
#endif
    {"set an identity with a chain", set_chain_identity, false},
    {"set the server name", set_server_name, false},
    {"set the version", set_version, false},
};

static const struct step connection_steps[] = {
    {"make a config", make_config, false},
    {"add a CA file", add_ca_file, false},
    {"add a CRL file", add_crl_file, false},
    {"set an identity with a chain", set_chain_identity, false},
    {"set the server name", set_server_name, false},
    {"set the version", set_version, false},
    {"make a socket", make_socket, false},
    {"open", open_socket, false},
    {"log in", log_in, true},
    {"publish", publish, true},
    {"consume", consume, true},
    {"close", close_connection, true},
};

#define STEP_MAKE_SOCKET 6

struct scenario {
  const char *name;
  const struct step *steps;
  size_t count;
  size_t first; /* the first step in which allocations fail */
  bool refuses; /* opening, the last step then, has to fail: the server is one to be refused */
  struct run model;
};

static struct {
  struct tls_server tls12;
  struct tls_server tls13;
  struct tls_server revoked_tls12;
  struct tls_server revoked_tls13;
} peers;

/* ---- One run ---- */

struct tally {
  uint64_t harmless[OWNER_COUNT];
  uint64_t failures[OWNER_COUNT];
};

static bool tracing;
static bool thorough;

static const char *owner_name(enum owner owner) { return owner == OWNER_LIBRARY ? "ours" : "wolfSSL's"; }

static void report_trace(const char *what, const char *step) {
  if (tracing && fault.struck) {
    printf("# allocation %" PRIu64 ", %s, \"%s\": %s\n", fault.at, owner_name(fault.struck_owner), step, what);
    (void)fflush(stdout);
    backtrace_symbols_fd(fault.trace, fault.trace_length, STDOUT_FILENO);
  }
}

static const char *what_it_said(const struct run *run) {
  return run->client.problem[0] != '\0' ? run->client.problem
                                        : amqp_wolfssl_error_message(amqp_wolfssl_config_error(run->config));
}

static void give_up(const char *what, const struct step *step, const struct run *run) {
  disarm();
  report_trace(what, step->name);
  fail_msg("allocation %" PRIu64 " (%s), step \"%s\": %s: \"%s\"", fault.at, owner_name(fault.struck_owner), step->name,
           what, what_it_said(run));
}

static enum outcome act(const struct step *step, struct run *run) {
  run->client.problem[0] = '\0';
  run->client.status = 0;
  return step->act(run);
}

/* With memory back the same works, on the same config; on the same socket too, unless the connection is gone. */
static void act_again(const struct scenario *scenario, size_t index, struct run *run) {
  const struct step *steps = scenario->steps;
  size_t first = steps[index].needs_new_connection ? STEP_MAKE_SOCKET : index;

  disarm();
  for (size_t i = first; i <= index; i++) {
    if (act(&steps[i], run) != OUTCOME_GOOD) {
      give_up("does not work when memory is back", &steps[i], run);
    }
  }
}

static void check_failure(const struct step *step, struct run *run, enum outcome outcome, struct tally *tally) {
  if (!fault.struck) {
    give_up("failed though no allocation did", step, run);
  }
  if (outcome == OUTCOME_UNEXPLAINED) {
    give_up("failed without a record that says why", step, run);
  }
  tally->failures[fault.struck_owner]++;
  report_trace(what_it_said(run), step->name);
}

static void check_refusal(const struct step *step, struct run *run) {
  for (int attempt = 0; attempt < 2; attempt++) {
    enum outcome outcome = act(step, run);

    if (outcome != OUTCOME_CLEAN_FAILURE) {
      give_up(
          outcome == OUTCOME_GOOD ? "accepted a server that is to be refused" : "failed without a record that says why",
          step, run);
    }
    disarm(); /* and once more with memory back */
  }
}

/* Seeing everything work again after each failure of wolfSSL's would take minutes. */
static bool goes_on_after_failure(void) {
  return thorough || fault.struck_owner == OWNER_LIBRARY || fault.at % 10 == 0;
}

static void run_steps(const struct scenario *scenario, struct run *run, uint64_t at, enum failing failing,
                      struct tally *tally) {
  const char *struck_in = NULL;
  bool failed = false;

  for (size_t i = 0; i < scenario->count; i++) {
    const struct step *step = &scenario->steps[i];
    enum outcome outcome;

    if (i == scenario->first) {
      arm(at, failing);
    }
    if (scenario->refuses && i + 1 == scenario->count) {
      check_refusal(step, run);
      return;
    }
    outcome = act(step, run);
    if (struck_in == NULL && fault.struck) {
      struck_in = step->name;
    }
    if (outcome == OUTCOME_GOOD) {
      continue;
    }
    if (failed) {
      give_up("does not work when memory is back", step, run);
    }
    check_failure(step, run, outcome, tally);
    failed = true;
    if (!goes_on_after_failure()) {
      return;
    }
    act_again(scenario, i, run);
  }
  if (struck_in != NULL && !failed) {
    tally->harmless[fault.struck_owner]++;
    report_trace("no harm", struck_in);
  }
}

/* wolfSSL keeps points of elliptic curves it has met, for speed. That is bounded, and no leak. */
static void empty_wolfssl_caches(void) {
#ifdef FP_ECC
  wc_ecc_fp_free();
#endif
}

static void check_nothing_stayed(const size_t *live_before, enum owner owner, uint64_t at) {
  if (live[owner] != live_before[owner]) {
    report_trace("leak", "");
    fail_msg("after allocation %" PRIu64 " failed: %zd more allocations of %s are alive", at,
             (ssize_t)(live[owner] - live_before[owner]), owner_name(owner));
  }
}

/* false: the n-th allocation was not reached. */
static bool run_once(const struct scenario *scenario, uint64_t at, enum failing failing, struct tally *tally) {
  size_t descriptors = open_descriptors();
  size_t live_before[OWNER_COUNT] = {live[OWNER_LIBRARY], live[OWNER_WOLFSSL]};
  struct run run = scenario->model;

  peer_process_forget(peers.tls12.process);
  peer_process_forget(peers.tls13.process);
  peer_process_forget(peers.revoked_tls12.process);
  peer_process_forget(peers.revoked_tls13.process);
  clear_fault();
  run_steps(scenario, &run, at, failing, tally);
  fault_client_destroy(&run.client);
  amqp_wolfssl_config_free(run.config);
  disarm();
  check_nothing_stayed(live_before, OWNER_LIBRARY, at);
  if (thorough) {
    empty_wolfssl_caches();
    check_nothing_stayed(live_before, OWNER_WOLFSSL, at);
  }
  assert_int_equal(open_descriptors(), descriptors);
  return fault.struck;
}

/* Numbers the allocations of a run in which none fails, and notes where they are made. */
static void record_allocations(const struct scenario *scenario, enum failing failing, struct tally *tally) {
  (void)run_once(scenario, 0, failing, tally); /* caches fill */
  record_begin();
  (void)run_once(scenario, 0, failing, tally);
  record_end();
  assert_true(fault.count_of[OWNER_LIBRARY] > 0);
  assert_true(fault.count_of[OWNER_WOLFSSL] > 0);
  printf("# %s, %s: %" PRIu64 " allocations of ours, %" PRIu64 " of wolfSSL's\n", scenario->name,
         failing == FAIL_ONE ? "one fails" : "all fail from one on", fault.count_of[OWNER_LIBRARY],
         fault.count_of[OWNER_WOLFSSL]);
  (void)fflush(stdout);
}

/*
 * Up to the first number that is not reached. Without ALLOCATION_TEST_THOROUGH, of those made at one place, with one
 * call stack, the first two; and of those only each \a stride-th.
 */
static void sweep(const struct scenario *scenario, enum failing failing, uint64_t stride) {
  size_t live_before[OWNER_COUNT];
  struct tally tally = {0};
  uint64_t chosen = 0;
  uint64_t runs = 0;
  bool reached = true;

  empty_wolfssl_caches();
  memcpy(live_before, live, sizeof(live_before));
  record_allocations(scenario, failing, &tally);
  for (uint64_t at = 1; reached; at++) {
    if (thorough || (is_new_place(at) && chosen++ % stride == 0)) {
      reached = run_once(scenario, at, failing, &tally);
      runs++;
    }
  }
  empty_wolfssl_caches();
  check_nothing_stayed(live_before, OWNER_WOLFSSL, fault.at);
  printf("# %" PRIu64 " runs; clean failures: %" PRIu64 " ours, %" PRIu64 " wolfSSL's; no harm: %" PRIu64
         " ours, %" PRIu64 " wolfSSL's\n",
         runs, tally.failures[OWNER_LIBRARY], tally.failures[OWNER_WOLFSSL], tally.harmless[OWNER_LIBRARY],
         tally.harmless[OWNER_WOLFSSL]);
  assert_true(runs > 5); /* a wolfSSL that keeps most of its numbers on the stack leaves 8 places to choose from */
}

/* ---- Cases ---- */

static void start_proxy(struct tls_server *proxy, const char *version, const char *certificate_name,
                        const char *key_name) {
  char address[32];
  const char *options[] = {"--connect",
                           address,
                           "--tls",
                           version,
                           "--ca",
                           temporary_folder_path("ca.pem"),
                           "--require-client-certificate",
                           "--certificate",
                           temporary_folder_path(certificate_name),
                           "--key",
                           temporary_folder_path(key_name),
                           NULL};

  (void)snprintf(address, sizeof(address), "127.0.0.1:%d", private_broker_ready()->plain_port);
  *proxy = tls_server_start_proxy(options);
}

static struct scenario config_scenario(void) {
  return (struct scenario){.name = "config",
                           .steps = config_steps,
                           .count = COUNT_OF(config_steps),
                           .first = 0,
                           .model = {.version = AMQP_WOLFSSL_TLS_1_3, .ca = "ca.pem", .server_name = "localhost"}};
}

static struct scenario connection_scenario(const char *name, amqp_wolfssl_version_t version) {
  return (struct scenario){.name = name,
                           .steps = connection_steps,
                           .count = COUNT_OF(connection_steps),
                           .first = STEP_MAKE_SOCKET,
                           .model = {.version = version,
                                     .ca = "ca.pem",
                                     .server_name = "localhost",
                                     .port = version == AMQP_WOLFSSL_TLS_1_3 ? peers.tls13.port : peers.tls12.port}};
}

static struct scenario refusal_scenario(const char *name, amqp_wolfssl_version_t version, const char *ca,
                                        const char *server_name) {
  struct scenario scenario = connection_scenario(name, version);

  scenario.count = STEP_MAKE_SOCKET + 2;
  scenario.refuses = true;
  scenario.model.ca = ca;
  scenario.model.server_name = server_name;
  return scenario;
}

/* What the libraries make once and keep is made now. */
static void warm_up(void) {
  struct scenario scenario = connection_scenario("warm-up", AMQP_WOLFSSL_TLS_1_3);
  struct run run = scenario.model;
  struct tally tally = {0};

  run_steps(&scenario, &run, 0, FAIL_ONE, &tally);
  fault_client_destroy(&run.client);
  amqp_wolfssl_config_free(run.config);
  disarm();
}

static void prepare(void) {
  if (!library_is_found()) {
    printf("# the library is linked statically: nobody can tell whose allocation it is\n");
    skip();
  }
  if (peers.tls12.port == 0) {
    start_proxy(&peers.tls12, "1.2", "server.pem", "server.key");
    start_proxy(&peers.tls13, "1.3", "server.pem", "server.key");
    start_proxy(&peers.revoked_tls12, "1.2", "server-revoked.pem", "server-revoked.key");
    start_proxy(&peers.revoked_tls13, "1.3", "server-revoked.pem", "server-revoked.key");
    warm_up();
  }
}

static void each_alone_config(void **state) {
  struct scenario scenario;

  (void)state;
  prepare();
  scenario = config_scenario();
  sweep(&scenario, FAIL_ONE, 1);
}

static void all_from_each_config(void **state) {
  struct scenario scenario;

  (void)state;
  prepare();
  scenario = config_scenario();
  sweep(&scenario, FAIL_ALL_FROM, 11);
}

static void each_alone_tls13(void **state) {
  struct scenario scenario;

  (void)state;
  prepare();
  scenario = connection_scenario("TLS 1.3", AMQP_WOLFSSL_TLS_1_3);
  sweep(&scenario, FAIL_ONE, 1);
}

static void each_alone_tls12(void **state) {
  struct scenario scenario;

  (void)state;
  prepare();
  scenario = connection_scenario("TLS 1.2", AMQP_WOLFSSL_TLS_1_2);
  sweep(&scenario, FAIL_ONE, 3);
}

static void all_from_each_tls13(void **state) {
  struct scenario scenario;

  (void)state;
  prepare();
  scenario = connection_scenario("TLS 1.3", AMQP_WOLFSSL_TLS_1_3);
  sweep(&scenario, FAIL_ALL_FROM, 11);
}

static void all_from_each_tls12(void **state) {
  struct scenario scenario;

  (void)state;
  prepare();
  scenario = connection_scenario("TLS 1.2", AMQP_WOLFSSL_TLS_1_2);
  sweep(&scenario, FAIL_ALL_FROM, 11);
}

static void never_accepts_an_unknown_ca(void **state) {
  struct scenario scenario;

  (void)state;
  prepare();
  scenario = refusal_scenario("unknown CA, TLS 1.3", AMQP_WOLFSSL_TLS_1_3, "other-ca.pem", "localhost");
  sweep(&scenario, FAIL_ONE, 5);
  scenario = refusal_scenario("unknown CA, TLS 1.2", AMQP_WOLFSSL_TLS_1_2, "other-ca.pem", "localhost");
  sweep(&scenario, FAIL_ONE, 5);
}

static void never_accepts_another_name(void **state) {
  struct scenario scenario;

  (void)state;
  prepare();
  scenario = refusal_scenario("another name, TLS 1.3", AMQP_WOLFSSL_TLS_1_3, "ca.pem", "elsewhere.test");
  sweep(&scenario, FAIL_ONE, 5);
  scenario = refusal_scenario("another name, TLS 1.2", AMQP_WOLFSSL_TLS_1_2, "ca.pem", "elsewhere.test");
  sweep(&scenario, FAIL_ONE, 5);
}

static void never_accepts_a_revoked_certificate(void **state) {
  struct scenario scenario;

  (void)state;
  prepare();
  scenario = refusal_scenario("revoked, TLS 1.3", AMQP_WOLFSSL_TLS_1_3, "ca.pem", "localhost");
  scenario.model.port = peers.revoked_tls13.port;
  sweep(&scenario, FAIL_ONE, 5);
  scenario = refusal_scenario("revoked, TLS 1.2", AMQP_WOLFSSL_TLS_1_2, "ca.pem", "localhost");
  scenario.model.port = peers.revoked_tls12.port;
  sweep(&scenario, FAIL_ONE, 5);
}

/* What a child process found out about one failure while wolfSSL starts; its exit status. */
enum start { START_NOT_REACHED = 40, START_RECOVERED, START_NEVER_RECOVERED, START_UNEXPLAINED };

static enum start start_with_failure(uint64_t at, enum failing failing) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();
  struct run run = {.config = config, .ca = "ca.pem", .server_name = "localhost"};
  enum outcome outcome;

  if (config == NULL) {
    return START_UNEXPLAINED;
  }
  clear_fault();
  arm(at, failing);
  outcome = set_server_name(&run); /* the first setter starts wolfSSL */
  disarm();
  if (!fault.struck) {
    return outcome == OUTCOME_GOOD ? START_NOT_REACHED : START_UNEXPLAINED;
  }
  if (outcome == OUTCOME_UNEXPLAINED) {
    return START_UNEXPLAINED;
  }
  return set_server_name(&run) == OUTCOME_GOOD ? START_RECOVERED : START_NEVER_RECOVERED;
}

static int start_in_a_child(uint64_t at, enum failing failing) {
  int status = 0;
  pid_t child = fork();

  if (child == 0) {
    _exit((int)start_with_failure(at, failing));
  }
  assert_true(child > 0);
  assert_int_equal(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* In children, because a process starts wolfSSL once. Has to be the first case: nothing may have started it yet. */
static void starting_wolfssl(void **state) {
  static const enum failing kinds[] = {FAIL_ONE, FAIL_ALL_FROM};

  (void)state;
  if (!library_is_found()) {
    skip();
  }
  for (size_t i = 0; i < COUNT_OF(kinds); i++) {
    uint64_t at = 1;
    int result;

    while ((result = start_in_a_child(at, kinds[i])) == START_RECOVERED) {
      at++;
    }
    if (result != START_NOT_REACHED) {
      fail_msg("allocation %" PRIu64 " of the first setter: %s", at,
               result == START_NEVER_RECOVERED ? "does not work when memory is back"
               : result == START_UNEXPLAINED   ? "failed without a record that says why"
                                               : "crashed");
    }
    printf("# start, %s: %" PRIu64 " allocations\n", kinds[i] == FAIL_ONE ? "one fails" : "all fail from one on",
           at - 1);
    assert_true(at > 1);
  }
}

/* \param names of minted files, up to a NULL */
static bool make_folder(const char *folder, const char *const *names) {
  bool made = mkdir(temporary_folder_path(folder), 0700) == 0;

  for (; made && *names != NULL; names++) {
    char name[64];

    (void)snprintf(name, sizeof(name), "%s/%s", folder, *names);
    made = symlink(temporary_folder_path(*names), temporary_folder_path(name)) == 0;
  }
  return made;
}

static int set_up(void **state) {
  static const char *const authorities[] = {"ca.pem", "ca-rsa.pem", NULL};
  static const char *const lists[] = {"crl.pem", "crl-clean.pem", NULL};

  return private_broker_set_up(state) == 0 && make_folder("authorities", authorities) && make_folder("lists", lists)
             ? 0
             : -1;
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(starting_wolfssl),           cmocka_unit_test(each_alone_config),
      cmocka_unit_test(all_from_each_config),       cmocka_unit_test(each_alone_tls13),
      cmocka_unit_test(each_alone_tls12),           cmocka_unit_test(all_from_each_tls13),
      cmocka_unit_test(all_from_each_tls12),        cmocka_unit_test(never_accepts_an_unknown_ca),
      cmocka_unit_test(never_accepts_another_name), cmocka_unit_test(never_accepts_a_revoked_certificate),
  };

  tracing = getenv("ALLOCATION_TEST_TRACE") != NULL;
  thorough = getenv("ALLOCATION_TEST_THOROUGH") != NULL;
  if (!numbered_allocations_start(tracing)) {
    fprintf(stderr, "wolfSSL takes no allocators\n");
    return 1;
  }
  if (argc > 1) {
    cmocka_set_test_filter(argv[1]);
  }
  if (!thorough) {
    time_limit_start(TIME_LIMIT_SECONDS);
  }
  return cmocka_run_group_tests(tests, set_up, minted_certificates_tear_down);
}
