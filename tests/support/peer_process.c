/* SPDX-License-Identifier: MIT */
/* Starting, reading and stopping the programs a test needs. */
#include "peer_process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Only a program that hangs is waited for so long. */
#define WAIT_MILLISECONDS 30000
#define EXIT_MILLISECONDS 150000
#define STOP_MILLISECONDS 10000
/* A server that talks much must not wait for us to read while we wait for it to answer. */
#define PIPE_CAPACITY (1024 * 1024)

struct peer_process {
  struct peer_process *next;
  pid_t pid; /* 0 once it was waited for */
  int input;
  int output; /* -1 after its end */
  char *text;
  size_t length;
  size_t capacity;
};

static struct peer_process *running;

/* ---- Is it there? ---- */

bool peer_program_exists(const char *program) {
  const char *path = getenv("PATH");
  char candidate[4096];

  if (strchr(program, '/') != NULL) {
    return access(program, X_OK) == 0;
  }
  while (path != NULL && *path != '\0') {
    const size_t length = strcspn(path, ":");

    (void)snprintf(candidate, sizeof(candidate), "%.*s/%s", (int)length, path, program);
    if (access(candidate, X_OK) == 0) {
      return true;
    }
    path += length + (path[length] == ':' ? 1 : 0);
  }
  return false;
}

void peer_require(const char *program) {
  const char *required = getenv("REQUIRE_PEERS");

  if (peer_program_exists(program)) {
    return;
  }
  if (required != NULL && strcmp(required, "1") == 0) {
    fail_msg("missing peer: %s", program);
  }
  /* tests/run-test reads this line. */
  printf("# missing peer: %s\n", program);
  (void)fflush(stdout);
  skip();
}

/* ---- Time ---- */

static int64_t now_milliseconds(void) {
  struct timespec now;

  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int left_until(int64_t end) {
  const int64_t left = end - now_milliseconds();

  return left > 0 ? (int)left : 0;
}

/* ---- Starting ---- */

static void become(const char *const *arguments, int input, int output, pid_t parent) {
  char *copy[PEER_MAX_ARGUMENTS] = {NULL};
  sigset_t none;

  /* SIGTERM, not SIGKILL: scripts/broker cleans up on it. The parent may have died before prctl() took effect. */
  if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != parent || dup2(input, STDIN_FILENO) < 0 ||
      dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0) {
    _exit(126);
  }
  (void)sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, NULL);
  for (size_t i = 0; i + 1 < PEER_MAX_ARGUMENTS && arguments[i] != NULL; i++) {
    copy[i] = strdup(arguments[i]); /* execvp's parameter is not const */
  }
  (void)execvp(copy[0], copy);
  (void)fprintf(stderr, "can't run %s: %s\n", copy[0], strerror(errno));
  (void)fflush(stderr);
  _exit(127);
}

static void close_pipe(int ends[2]) {
  for (int i = 0; i < 2; i++) {
    if (ends[i] >= 0) {
      (void)close(ends[i]);
      ends[i] = -1;
    }
  }
}

/* The ends that stay here are not passed on to other programs, or they would never see the end of a pipe. */
static bool start(struct peer_process *process, const char *const *arguments) {
  int input[2] = {-1, -1};
  int output[2] = {-1, -1};
  const pid_t parent = getpid();

  if (pipe2(input, O_CLOEXEC) != 0 || pipe2(output, O_CLOEXEC) != 0) {
    goto failed;
  }
  (void)fcntl(output[0], F_SETPIPE_SZ, PIPE_CAPACITY);
  process->pid = fork();
  if (process->pid == 0) {
    become(arguments, input[0], output[1], parent);
  }
  if (process->pid < 0) {
    goto failed;
  }
  process->input = input[1];
  process->output = output[0];
  (void)close(input[0]);
  (void)close(output[1]);
  return true;
failed:
  close_pipe(input);
  close_pipe(output);
  return false;
}

struct peer_process *peer_process_start(const char *const *arguments) {
  struct peer_process *process = calloc(1, sizeof(*process));

  assert_non_null(process);
  process->input = -1;
  process->output = -1;
  process->text = calloc(1, 1);
  if (process->text == NULL || !start(process, arguments)) {
    const int error = errno;

    free(process->text);
    free(process);
    fail_msg("can't start %s: %s", arguments[0], strerror(error));
  }
  process->next = running;
  running = process;
  return process;
}

/* ---- Reading ---- */

static bool make_room(struct peer_process *process) {
  char *larger;

  if (process->capacity - process->length > 4096) {
    return true;
  }
  larger = realloc(process->text, process->capacity + 65536);
  if (larger == NULL) {
    return false;
  }
  process->text = larger;
  process->capacity += 65536;
  return true;
}

/* Reads what there is, waiting for it no longer than until \a end. False when nothing more will come. */
static bool read_output(struct peer_process *process, int64_t end) {
  struct pollfd readable = {.fd = process->output, .events = POLLIN};
  ssize_t count;

  if (process->output < 0 || poll(&readable, 1, left_until(end)) <= 0 || !make_room(process)) {
    return false;
  }
  do {
    count = read(process->output, process->text + process->length, process->capacity - process->length - 1);
  } while (count < 0 && errno == EINTR);
  if (count <= 0) {
    (void)close(process->output);
    process->output = -1;
    return false;
  }
  process->length += (size_t)count;
  process->text[process->length] = '\0';
  return true;
}

/* Not strstr(): servers repeat NUL bytes that they were sent. */
static const char *find(const struct peer_process *process, const char *text) {
  return memmem(process->text, process->length, text, strlen(text));
}

bool peer_process_has_written(const struct peer_process *process, const char *text) {
  return find(process, text) != NULL;
}

bool peer_process_wait_for(struct peer_process *process, const char *text) {
  const int64_t end = now_milliseconds() + WAIT_MILLISECONDS;

  while (!peer_process_has_written(process, text)) {
    if (!read_output(process, end)) {
      return false;
    }
  }
  return true;
}

size_t peer_process_count_lines(struct peer_process *process, const char *text) {
  size_t count = 0;

  while (read_output(process, 0)) {
    continue;
  }
  for (const char *line = process->text; line != NULL; line = strchr(line, '\n')) {
    line += *line == '\n' ? 1 : 0;
    count += strncmp(line, text, strlen(text)) == 0 ? 1 : 0;
  }
  return count;
}

void peer_process_forget(struct peer_process *process) {
  do {
    process->length = 0;
    process->text[0] = '\0';
  } while (read_output(process, 0));
}

/* As comments of TAP. */
void peer_process_show(const struct peer_process *process) {
  const char *line = process->text;

  while (*line != '\0') {
    const size_t length = strcspn(line, "\n");

    printf("# | %.*s\n", (int)length, line);
    line += length + (line[length] == '\n' ? 1 : 0);
  }
  (void)fflush(stdout);
}

const char *peer_process_expect_line(struct peer_process *process, const char *text) {
  const int64_t end = now_milliseconds() + WAIT_MILLISECONDS;
  const char *found = NULL;

  while ((found = find(process, text)) == NULL || strchr(found, '\n') == NULL) {
    if (!read_output(process, end)) {
      peer_process_show(process);
      fail_msg("the peer never wrote a line with \"%s\"", text);
    }
  }
  return found + strlen(text);
}

void peer_process_expect(struct peer_process *process, const char *text) {
  if (!peer_process_wait_for(process, text)) {
    peer_process_show(process);
    fail_msg("the peer never wrote \"%s\"", text);
  }
}

const char *peer_process_output(const struct peer_process *process) { return process->text; }

/* ---- Ending ---- */

static void read_to_the_end(struct peer_process *process, int milliseconds) {
  const int64_t end = now_milliseconds() + milliseconds;

  while (read_output(process, end)) {
    continue;
  }
}

static int reap(struct peer_process *process) {
  int status = -1;
  pid_t result;

  do {
    result = waitpid(process->pid, &status, 0);
  } while (result < 0 && errno == EINTR);
  process->pid = 0;
  return result > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* The end of its output tells that it is ending; who keeps it open over that time hangs. */
static int end(struct peer_process *process, int milliseconds) {
  if (process->pid == 0) {
    return -1;
  }
  if (process->input >= 0) {
    (void)close(process->input);
    process->input = -1;
  }
  read_to_the_end(process, milliseconds);
  if (process->output >= 0) {
    (void)kill(process->pid, SIGKILL);
  }
  return reap(process);
}

int peer_process_wait_for_exit(struct peer_process *process) { return end(process, EXIT_MILLISECONDS); }

static void unlink_process(const struct peer_process *process) {
  struct peer_process **link = &running;

  while (*link != NULL && *link != process) {
    link = &(*link)->next;
  }
  if (*link != NULL) {
    *link = process->next;
  }
}

void peer_process_stop(struct peer_process *process) {
  if (process == NULL) {
    return;
  }
  if (process->pid != 0) {
    (void)kill(process->pid, SIGTERM);
    (void)end(process, STOP_MILLISECONDS);
  }
  if (process->output >= 0) {
    (void)close(process->output);
  }
  unlink_process(process);
  free(process->text);
  free(process);
}

void peer_process_stop_all(void) {
  while (running != NULL) {
    peer_process_stop(running);
  }
}

int peer_process_tear_down(void **state) {
  (void)state;
  peer_process_stop_all();
  return 0;
}

char *peer_process_run(const char *const *arguments) {
  struct peer_process *process = peer_process_start(arguments);
  const int status = peer_process_wait_for_exit(process);
  char *text;

  if (status != 0) {
    peer_process_show(process);
    fail_msg("%s ended with status %d", arguments[0], status);
  }
  text = process->text;
  process->text = NULL;
  peer_process_stop(process);
  return text;
}

/* ---- Ports ---- */

int peer_free_port(void) {
  struct sockaddr_in address = {.sin_family = AF_INET};
  socklen_t length = sizeof(address);
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int port = 0;

  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (listener >= 0 && bind(listener, (const struct sockaddr *)&address, sizeof(address)) == 0 &&
      getsockname(listener, (struct sockaddr *)&address, &length) == 0) {
    port = ntohs(address.sin_port);
  }
  if (listener >= 0) {
    (void)close(listener);
  }
  assert_int_not_equal(port, 0);
  return port;
}
