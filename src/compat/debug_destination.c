/* SPDX-License-Identifier: MIT */
/*
 * AMQP_WOLFSSL_DEBUG in the environment: "1" is standard error, "file:" with an absolute path a file, and "syslog" the
 * system's log, for daemons whose standard error leads nowhere. Whatever goes wrong here, the program does not notice:
 * no error, no signal, no descriptor left open.
 *
 * syslog(3) is the program's as well as ours. What the program told openlog(3) stays as it is, and applies to our lines
 * too: they are found beside the program's own.
 */
#include "autoconfig.h"

#include "compat/debug_destination.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#define FILE_PREFIX "file:"
#define LINE_LENGTH 2048

static const char *setting(void) {
#ifdef HAVE_SECURE_GETENV
  /* NULL in set-user-ID and set-group-ID programs: whoever starts them must not be able to make them write. */
  return secure_getenv("AMQP_WOLFSSL_DEBUG");
#else
  return NULL; /* such programs can't be told from others, so none writes */
#endif
}

/* The file's path; NULL if the setting is something else. A relative one would mean another file in each program. */
static const char *file_path(const char *value) {
  const size_t prefix = strlen(FILE_PREFIX);

  return strncmp(value, FILE_PREFIX, prefix) == 0 && value[prefix] == '/' ? value + prefix : NULL;
}

static bool is_standard_error(const char *value) { return strcmp(value, "1") == 0; }

static bool is_syslog(const char *value) { return strcmp(value, "syslog") == 0; }

bool debug_destination_is_set(void) {
  const char *value = setting();

  return value != NULL && (is_standard_error(value) || is_syslog(value) || file_path(value) != NULL);
}

/* A file that is full or a pipe that nobody reads must not end the program. Only a signal of our own is taken away. */
static void write_without_signals(int descriptor, const char *bytes, size_t length) {
  static const struct timespec at_once = {0, 0};
  static const int signals[] = {SIGPIPE, SIGXFSZ};
  sigset_t of_writing;
  sigset_t before;
  sigset_t pending;

  (void)sigemptyset(&of_writing);
  for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
    (void)sigaddset(&of_writing, signals[i]);
  }
  if (sigpending(&pending) != 0 || pthread_sigmask(SIG_BLOCK, &of_writing, &before) != 0) {
    return;
  }
  if (write(descriptor, bytes, length) < 0) {
    for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++) {
      if (sigismember(&pending, signals[i]) == 1) {
        (void)sigdelset(&of_writing, signals[i]); /* it was waiting already, for the program */
      }
    }
    (void)sigtimedwait(&of_writing, NULL, &at_once);
  }
  (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/*
 * Somebody else's file, or one with a second name, may have been put there to read what is written, or to have another
 * file written to. A FIFO would make the program wait.
 */
static bool may_write_to(int descriptor) {
  struct stat status;

  return fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1 &&
         (status.st_uid == geteuid() || status.st_uid == 0);
}

/* Opened for each line: the file may be moved away, and the program may close descriptors that it does not know. */
static void write_to_file(const char *path, const char *line) {
  int descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
  const time_t now = time(NULL);
  char text[LINE_LENGTH + 64];
  char date[32];
  struct tm utc;
  int length;

  if (descriptor < 0) {
    return;
  }
  if (may_write_to(descriptor) && gmtime_r(&now, &utc) != NULL &&
      strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%SZ", &utc) > 0) {
    length = snprintf(text, sizeof(text), "%s [%ld] %s\n", date, (long)getpid(), line);
    write_without_signals(descriptor, text, (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1);
  }
  (void)close(descriptor);
}

static void write_to_standard_error(const char *line) {
  char text[LINE_LENGTH];
  const int length = snprintf(text, sizeof(text), "%s\n", line);

  write_without_signals(STDERR_FILENO, text, (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1);
}

void debug_destination_write(enum debug_weight weight, const char *line) {
  const char *value = setting();

  if (value == NULL) {
    return;
  }
  if (is_standard_error(value)) {
    write_to_standard_error(line);
  } else if (is_syslog(value)) {
    syslog(weight == DEBUG_FAILURE ? LOG_ERR : LOG_NOTICE, "%s", line);
  } else if (file_path(value) != NULL) {
    write_to_file(file_path(value), line);
  }
}
