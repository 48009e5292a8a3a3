/* SPDX-License-Identifier: MIT */
/*
 * Runs the cases of a suite in x509-limbo's format as handshakes with this library, a process each: its date is the
 * case's own, and nothing that wolfSSL remembers of a chain helps the next one. tests/limbo/run judges what it prints.
 */
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "loopback.h"
#include "server.h"
#include "time_limit.h"

#define CASE_SECONDS 60
#define MOST_JOBS 64

static const char usage_text[] =
    "Usage: handshakes [--tls 1.2|1.3] [--jobs N] [--only PATTERN] <SUITE.json\n"
    "\n"
    "For each case of the suite a line, in no order, of fields separated by tabs:\n"
    "  ID  accept|refuse (what the suite expects)  accept|refuse|skip|broken (what happened)  STAGE  CODE  SENTENCE\n"
    "skip: not applicable, broken: the case could not be run; the sentence says why.\n"
    "\n"
    "  --tls 1.2|1.3    (default: 1.3)\n"
    "  --jobs N         cases at a time (default: 2)\n"
    "  --only PATTERN   cases whose id matches, as the shell matches file names\n"
    "  --version        the library's line about itself, and about the wolfSSL it runs on\n"
    "  --help           this text\n";

struct options {
  amqp_wolfssl_version_t version;
  int jobs;
  const char *only;
};

/* ---- One case, in a process of its own ---- */

/* In one write, for several processes share the output. */
static void report(const struct limbo_case *testcase, const char *outcome, const char *stage, const char *code,
                   const char *sentence) {
  (void)printf("%s\t%s\t%s\t%s\t%s\t%s\n", testcase->id, testcase->acceptance_expected ? "accept" : "refuse", outcome,
               stage, code, sentence);
  (void)fflush(stdout);
}

static void report_broken(const struct limbo_case *testcase, const char *why) {
  report(testcase, "broken", "-", "-", why);
}

static void report_verdict(const struct limbo_case *testcase, const struct limbo_verdict *verdict) {
  report(testcase, verdict->outcome, verdict->stage, verdict->code, verdict->sentence);
}

static pid_t start_server(struct limbo_server *server, int listener) {
  const pid_t pid = fork();

  if (pid == 0) {
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    limbo_server_serve(server, listener);
    _exit(EXIT_SUCCESS);
  }
  return pid;
}

static void connect_to_server(struct limbo_server *server, amqp_wolfssl_config_t *config,
                              const struct limbo_case *testcase) {
  struct limbo_verdict verdict;
  unsigned port = 0;
  const int listener = loopback_listen(&port);
  const pid_t pid = listener >= 0 ? start_server(server, listener) : -1;

  if (pid < 0) {
    report_broken(testcase, strerror(errno));
    return;
  }
  (void)close(listener); /* the server has it; should it end, connecting fails */
  limbo_client_open(config, (int)port, limbo_server_has_other_key(server), &verdict);
  (void)kill(pid, SIGKILL);
  (void)waitpid(pid, NULL, 0);
  report_verdict(testcase, &verdict);
}

static void run_case(const struct limbo_case *testcase, amqp_wolfssl_version_t version) {
  struct limbo_server *server = limbo_server_new(testcase);
  struct limbo_verdict verdict;
  amqp_wolfssl_config_t *config;

  if (server == NULL) {
    report_broken(testcase, "the server can't present its certificate");
    return;
  }
  if (testcase->now != 0) {
    limbo_clock_stop(testcase->now);
  }
  config = limbo_client_configure(testcase, version, &verdict);
  if (config != NULL) {
    connect_to_server(server, config, testcase);
  } else {
    report_verdict(testcase, &verdict);
  }
  limbo_server_free(server);
}

/* ---- All of them ---- */

struct job {
  pid_t pid;
  const struct limbo_case *testcase;
};

/* \return the place that has become free; a process that did not come to its end is reported */
static struct job *wait_for_job(struct job *jobs, int count) {
  int status = 0;
  const pid_t pid = waitpid(-1, &status, 0);

  for (int i = 0; i < count; i++) {
    if (pid > 0 && jobs[i].pid == pid) {
      if (!WIFEXITED(status) || WEXITSTATUS(status) != EXIT_SUCCESS) {
        report_broken(jobs[i].testcase, "its process crashed or hung");
      }
      jobs[i].pid = 0;
      return &jobs[i];
    }
  }
  return NULL;
}

static bool start_job(struct job *job, const struct limbo_case *testcase, amqp_wolfssl_version_t version) {
  job->testcase = testcase;
  job->pid = fork();
  if (job->pid == 0) {
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    time_limit_start(CASE_SECONDS);
    run_case(testcase, version);
    exit(EXIT_SUCCESS); /* and not _exit: a sanitizer has its say here */
  }
  return job->pid > 0;
}

static bool run_suite(const struct limbo_suite *suite, const struct options *options) {
  struct job jobs[MOST_JOBS] = {{0}};
  int running = 0;

  for (size_t i = 0; i < suite->count; i++) {
    const struct limbo_case *testcase = &suite->cases[i];
    struct job *job;

    if (fnmatch(options->only, testcase->id, 0) != 0) {
      continue;
    }
    if (testcase->not_applicable != NULL) {
      report(testcase, "skip", "-", "-", testcase->not_applicable);
      continue;
    }
    job = running < options->jobs ? &jobs[running++] : wait_for_job(jobs, running);
    if (job == NULL || !start_job(job, testcase, options->version)) {
      (void)fprintf(stderr, "handshakes: can't start a process: %s\n", strerror(errno));
      return false;
    }
  }
  while (wait_for_job(jobs, running) != NULL) {
  }
  return true;
}

/* ---- Options ---- */

static bool read_option(int option, const char *value, struct options *options) {
  switch (option) {
    case 't':
      options->version = strcmp(value, "1.2") == 0 ? AMQP_WOLFSSL_TLS_1_2 : AMQP_WOLFSSL_TLS_1_3;
      return strcmp(value, "1.2") == 0 || strcmp(value, "1.3") == 0;
    case 'j':
      options->jobs = (int)strtol(value, NULL, 10);
      return options->jobs > 0 && options->jobs <= MOST_JOBS;
    case 'o':
      options->only = value;
      return true;
    default:
      return false;
  }
}

static bool read_options(int count, char **arguments, struct options *options) {
  static const struct option names[] = {{"tls", required_argument, NULL, 't'},  {"jobs", required_argument, NULL, 'j'},
                                        {"only", required_argument, NULL, 'o'}, {"version", no_argument, NULL, 'v'},
                                        {"help", no_argument, NULL, 'h'},       {NULL, 0, NULL, 0}};
  int option;

  while ((option = getopt_long(count, arguments, "", names, NULL)) != -1) {
    if (option == 'h') {
      (void)fputs(usage_text, stdout);
      exit(EXIT_SUCCESS);
    }
    if (option == 'v') {
      (void)puts(amqp_wolfssl_build_info());
      exit(EXIT_SUCCESS);
    }
    if (!read_option(option, optarg, options)) {
      return false;
    }
  }
  return optind == count;
}

int main(int count, char **arguments) {
  struct options options = {.version = AMQP_WOLFSSL_TLS_1_3, .jobs = 2, .only = "*"};
  struct limbo_suite suite;
  bool ran;

  if (!read_options(count, arguments, &options)) {
    (void)fputs(usage_text, stderr);
    return 2;
  }
  (void)signal(SIGPIPE, SIG_IGN);
  if (!limbo_suite_read(&suite)) {
    return EXIT_FAILURE;
  }
  ran = run_suite(&suite, &options);
  limbo_suite_free(&suite);
  return ran ? EXIT_SUCCESS : EXIT_FAILURE;
}
