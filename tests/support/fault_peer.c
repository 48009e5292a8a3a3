/* SPDX-License-Identifier: MIT */
/* Starts and stops the peers of the fault tests. */
#include "fault_peer.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define MOST_OPTIONS 24
#define LINE_LIMIT_MILLISECONDS 120000 /* a safety net: a peer that says nothing for so long is broken */
#define RABBITMQ_SERVER "/usr/lib/rabbitmq/bin/rabbitmq-server"

extern char **environ;

/*
 * The guardian: a shell that prepares the folder, starts the broker if asked to, waits for the end of its standard
 * input, and clears everything away. In a session of its own, so that a signal to the test's process group does not
 * stop it half way.
 */
static const char guardian_script[] =
    "mint=$1 broker=$2 folder=$3\n"
    "status=0\n"
    "{ \"$mint\" \"$folder/certificates\" &&\n"
    "  { test -z \"$broker\" || \"$broker\" start \"$folder/broker\" --certificates \"$folder/certificates\"; }; } >&2 "
    "|| status=1\n"
    "if test $status -eq 0; then\n"
    "  test -z \"$broker\" || cat \"$folder/broker/env\"\n"
    "  echo READY\n"
    "  cat >/dev/null\n"
    "fi\n"
    "test -z \"$broker\" || \"$broker\" stop \"$folder/broker\" >&2 || status=1\n"
    "rm -rf \"$folder\"\n"
    "exit $status\n";

static char folder[PATH_MAX / 2];
static struct fault_process guardian = {.pid = -1, .input = -1, .output = -1};
static struct fault_broker broker;
static bool broker_runs;

/* ---- Processes ---- */

static void close_descriptor(int *descriptor) {
  if (*descriptor >= 0) {
    (void)close(*descriptor);
    *descriptor = -1;
  }
}

static bool spawn_with_pipes(pid_t *pid, char *const *arguments, int input, int output) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int result;

  if (posix_spawn_file_actions_init(&actions) != 0) {
    return false;
  }
  if (posix_spawnattr_init(&attributes) != 0) {
    (void)posix_spawn_file_actions_destroy(&actions);
    return false;
  }
  result = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
  if (result == 0) {
    result = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  }
  if (result == 0) {
    result = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  }
  if (result == 0) {
    result = posix_spawn(pid, arguments[0], &actions, &attributes, arguments, environ);
  }
  (void)posix_spawnattr_destroy(&attributes);
  (void)posix_spawn_file_actions_destroy(&actions);
  if (result != 0) {
    fprintf(stderr, "can't start %s: %s\n", arguments[0], strerror(result));
  }
  return result == 0;
}

static bool process_start(struct fault_process *process, char *const *arguments) {
  int to_child[2] = {-1, -1};
  int from_child[2] = {-1, -1};
  bool started = false;

  *process = (struct fault_process){.pid = -1, .input = -1, .output = -1};
  if (pipe2(to_child, O_CLOEXEC) == 0 && pipe2(from_child, O_CLOEXEC) == 0 &&
      spawn_with_pipes(&process->pid, arguments, to_child[0], from_child[1])) {
    process->input = to_child[1];
    process->output = from_child[0];
    to_child[1] = -1;
    from_child[0] = -1;
    started = true;
  }
  close_descriptor(&to_child[0]);
  close_descriptor(&to_child[1]);
  close_descriptor(&from_child[0]);
  close_descriptor(&from_child[1]);
  return started;
}

static bool process_stop(struct fault_process *process) {
  int status = 0;
  bool good = true;

  close_descriptor(&process->input);
  if (process->pid > 0) {
    good = waitpid(process->pid, &status, 0) == process->pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
    process->pid = -1;
  }
  close_descriptor(&process->output);
  free(process->text);
  process->text = NULL;
  process->length = 0;
  process->read_up_to = 0;
  return good;
}

/* Takes what the process has written; false at its end, or when nothing comes within the limit. */
static bool process_read(struct fault_process *process, int limit_milliseconds) {
  struct pollfd poll_for = {.fd = process->output, .events = POLLIN};
  char *grown;
  ssize_t count;

  if (poll(&poll_for, 1, limit_milliseconds) <= 0) {
    return false;
  }
  grown = realloc(process->text, process->length + 4096 + 1);
  if (grown == NULL) {
    return false;
  }
  process->text = grown;
  count = read(process->output, process->text + process->length, 4096);
  if (count > 0) {
    process->length += (size_t)count;
  }
  process->text[process->length] = '\0';
  return count > 0;
}

/* The next line, without its end; it stays in the text, so that it can be counted. NULL: none comes. */
static const char *process_next_line(struct fault_process *process, char *line, size_t capacity) {
  char *end;
  size_t length;

  for (;;) {
    char *start = process->text != NULL ? process->text + process->read_up_to : NULL;

    end = start != NULL ? strchr(start, '\n') : NULL;
    if (end != NULL) {
      length = (size_t)(end - start);
      if (length >= capacity) {
        return NULL;
      }
      memcpy(line, start, length);
      line[length] = '\0';
      process->read_up_to += length + 1;
      return line;
    }
    if (!process_read(process, LINE_LIMIT_MILLISECONDS)) {
      return NULL;
    }
  }
}

/* ---- The folder and the broker ---- */

static const char *environment_or(const char *name, const char *fallback) {
  const char *value = getenv(name);

  return value != NULL && *value != '\0' ? value : fallback;
}

const char *fault_file(char path[PATH_MAX], const char *name) {
  (void)snprintf(path, PATH_MAX, "%s/%s", folder, name);
  return path;
}

const char *fault_certificate(char path[PATH_MAX], const char *name) {
  (void)snprintf(path, PATH_MAX, "%s/certificates/%s", folder, name);
  return path;
}

/* A line of the broker's environment file: NAME='value'. */
static void take_variable(char *line) {
  char *value = strstr(line, "='");
  char *end;

  if (value == NULL) {
    return;
  }
  *value = '\0';
  value += 2;
  end = strrchr(value, '\'');
  if (end != NULL) {
    *end = '\0';
  }
  if (strcmp(line, "RABBITMQ_TLS_PORT") == 0) {
    broker.tls_port = (int)strtol(value, NULL, 10);
  } else if (strcmp(line, "RABBITMQ_PLAIN_PORT") == 0) {
    broker.plain_port = (int)strtol(value, NULL, 10);
  } else if (strcmp(line, "RABBITMQ_USER") == 0) {
    (void)snprintf(broker.user, sizeof(broker.user), "%s", value);
  } else if (strcmp(line, "RABBITMQ_PASSWORD") == 0) {
    (void)snprintf(broker.password, sizeof(broker.password), "%s", value);
  }
}

static int set_up(const char *broker_script) {
  char mint[PATH_MAX];
  char line[PATH_MAX];
  char shell[] = "/bin/sh";
  char option[] = "-c";
  char name[] = "guardian";
  char *arguments[] = {shell,  option, (char *)(uintptr_t)guardian_script, name, mint, (char *)(uintptr_t)broker_script,
                       folder, NULL};

  (void)snprintf(mint, sizeof(mint), "%s/tests/support/mint-certificates", environment_or("abs_top_srcdir", "."));
  (void)snprintf(folder, sizeof(folder), "%s/fault-test.XXXXXX", environment_or("TMPDIR", "/tmp"));
  if (mkdtemp(folder) == NULL || !process_start(&guardian, arguments)) {
    return -1;
  }
  while (process_next_line(&guardian, line, sizeof(line)) != NULL) {
    if (strcmp(line, "READY") == 0) {
      return 0;
    }
    take_variable(line);
  }
  (void)process_stop(&guardian);
  return -1;
}

int fault_set_up_certificates(void **state) {
  (void)state;
  return set_up("");
}

int fault_set_up_broker(void **state) {
  char script[PATH_MAX];

  (void)state;
  if (access(RABBITMQ_SERVER, X_OK) != 0) {
    return set_up("");
  }
  (void)snprintf(script, sizeof(script), "%s/scripts/broker", environment_or("abs_top_srcdir", "."));
  broker_runs = true;
  return set_up(script);
}

int fault_tear_down(void **state) {
  (void)state;
  return process_stop(&guardian) ? 0 : -1;
}

const struct fault_broker *fault_broker(void) {
  if (!broker_runs) {
    if (strcmp(environment_or("REQUIRE_PEERS", "0"), "1") == 0) {
      fail_msg("%s is missing", RABBITMQ_SERVER);
    }
    printf("# missing peer: rabbitmq-server\n");
    skip();
  }
  return &broker;
}

/* ---- The TLS server ---- */

bool fault_proxy_start(struct fault_proxy *proxy, const char *const *options) {
  char program[PATH_MAX];
  char certificate[PATH_MAX];
  char key[PATH_MAX];
  char until_stdin_closes[] = "--until-stdin-closes";
  char certificate_option[] = "--certificate";
  char key_option[] = "--key";
  char *arguments[MOST_OPTIONS + 7] = {program, certificate_option, certificate, key_option, key, until_stdin_closes};
  size_t count = 6;
  const char *line;

  (void)snprintf(program, sizeof(program), "%s/tests/support/tls_proxy", environment_or("abs_top_builddir", "."));
  (void)fault_certificate(certificate, "server.pem");
  (void)fault_certificate(key, "server.key");
  for (size_t i = 0; options != NULL && options[i] != NULL; i++) {
    if (i >= MOST_OPTIONS) {
      return false;
    }
    arguments[count++] = (char *)(uintptr_t)options[i];
  }
  arguments[count] = NULL;
  proxy->port = 0;
  if (!process_start(&proxy->process, arguments)) {
    return false;
  }
  line = fault_proxy_line(proxy, "PORT ");
  if (line == NULL) {
    fault_proxy_stop(proxy);
    return false;
  }
  proxy->port = (int)strtol(line + strlen("PORT "), NULL, 10);
  return true;
}

void fault_proxy_stop(struct fault_proxy *proxy) { (void)process_stop(&proxy->process); }

const char *fault_proxy_line(struct fault_proxy *proxy, const char *beginning) {
  static char line[1024];

  while (process_next_line(&proxy->process, line, sizeof(line)) != NULL) {
    if (strncmp(line, beginning, strlen(beginning)) == 0) {
      return line;
    }
  }
  return NULL;
}

size_t fault_proxy_count(struct fault_proxy *proxy, const char *beginning) {
  size_t count = 0;

  while (process_read(&proxy->process, 0)) {
  }
  for (const char *line = proxy->process.text; line != NULL && *line != '\0';) {
    const char *end = strchr(line, '\n');

    count += strncmp(line, beginning, strlen(beginning)) == 0 ? 1 : 0;
    line = end != NULL ? end + 1 : NULL;
  }
  return count;
}

void fault_proxy_forget(struct fault_proxy *proxy) {
  do {
    proxy->process.length = 0;
    proxy->process.read_up_to = 0;
  } while (process_read(&proxy->process, 0));
}

/* ---- Descriptors ---- */

size_t fault_open_descriptors(void) {
  DIR *descriptors = opendir("/proc/self/fd");
  size_t count = 0;

  if (descriptors == NULL) {
    return 0;
  }
  while (readdir(descriptors) != NULL) {
    count++;
  }
  (void)closedir(descriptors);
  return count;
}
