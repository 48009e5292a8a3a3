/* SPDX-License-Identifier: MIT */
/* Files for tests, in a folder that goes away again, and the process that sees to that. */
#include "temporary_folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "paths.h"
#include "peer_process.h"

static char folder[PATH_MAX / 2];
static pid_t owner;
static pid_t keeper;
static int keeper_input = -1;

/*
 * Reads its input to the end, which comes when this test program wants the folder removed or is killed. $1 is
 * scripts/broker, $2 the folder. Nobody else removes the folder: a broker has to be stopped by what lies in it. The
 * script is kept there from the beginning: whoever kills this program may remove the source tree at the same time. One
 * that can't be stopped is reported, and its folder left for its log. Folders that a test has closed are opened again,
 * or what they hold could not be removed.
 */
static const char keeper_script[] =
    "trap '' INT TERM HUP\n"
    "cp \"$1\" \"$2/.broker\"\n"
    "cat >/dev/null\n"
    "for broker in \"$2\"/broker-*; do\n"
    "  if [ -d \"$broker\" ]; then \"$2/.broker\" stop \"$broker\" || exit 1; fi\n"
    "done\n"
    "chmod -R u+rwX \"$2\"\n"
    "rm -rf \"$2\"\n";

static void give_up(const char *what, const char *path) {
  fprintf(stderr, "%s %s: ", what, path);
  perror(NULL);
  exit(99);
}

/* ---- The keeper ---- */

/* In a session of its own, so that what is sent to the test program's process group does not end it too. */
static void become_keeper(int input) {
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

  if (setsid() < 0 || nowhere < 0 || dup2(input, STDIN_FILENO) < 0 || dup2(nowhere, STDOUT_FILENO) < 0) {
    _exit(126);
  }
  (void)execl("/bin/sh", "sh", "-c", keeper_script, "keeper", path_in_source_tree("scripts/broker"), folder,
              (char *)NULL);
  _exit(127);
}

static int start_keeper(void) {
  int ends[2];

  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return -1;
  }
  keeper = fork();
  if (keeper == 0) {
    become_keeper(ends[0]);
  }
  (void)close(ends[0]);
  keeper_input = ends[1];
  return keeper > 0 ? 0 : -1;
}

/* shutdown(), as a child that a failed case left behind may still have the socket too. */
static int dismiss_keeper(void) {
  int status = 0;
  pid_t result;

  (void)shutdown(keeper_input, SHUT_WR);
  (void)close(keeper_input);
  keeper_input = -1;
  do {
    result = waitpid(keeper, &status, 0);
  } while (result < 0 && errno == EINTR);
  return result == keeper && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* ---- Making and removing ---- */

/* CMocka runs no teardown when the setup failed. */
static void remove_at_exit(void) {
  if (getpid() == owner) {
    (void)temporary_folder_remove();
  }
}

static int make(void) {
  const char *parent = getenv("TMPDIR");
  int length = snprintf(folder, sizeof(folder), "%s/amqp-wolfssl-test.XXXXXX",
                        parent != NULL && *parent != '\0' ? parent : "/tmp");

  return length > 0 && (size_t)length < sizeof(folder) && mkdtemp(folder) != NULL && chmod(folder, 0755) == 0 ? 0 : -1;
}

int temporary_folder_make(void) {
  if (make() != 0 || start_keeper() != 0) {
    fprintf(stderr, "can't make the folder %s, or start its keeper: ", folder);
    perror(NULL);
    (void)rmdir(folder);
    folder[0] = '\0';
    return -1;
  }
  if (owner == 0) {
    owner = getpid();
    (void)atexit(remove_at_exit);
  }
  return 0;
}

int temporary_folder_remove(void) {
  int result;

  peer_process_stop_all();
  if (folder[0] == '\0') {
    return 0;
  }
  result = dismiss_keeper();
  if (result != 0) {
    /* CMocka overlooks what a group's tear-down returns; nobody overlooks this line of TAP. */
    (void)printf("Bail out! could not stop or remove all that is in %s\n", folder);
    (void)fflush(stdout);
  }
  folder[0] = '\0';
  return result;
}

int temporary_folder_tear_down(void **state) {
  (void)state;
  return temporary_folder_remove();
}

/* ---- What is in it ---- */

const char *temporary_folder_path(const char *name) { return path_join(folder, name); }

void temporary_folder_write(const char *name, const void *bytes, size_t length) {
  const char *path = temporary_folder_path(name);
  FILE *file = fopen(path, "wb");

  if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0) {
    give_up("can't write", path);
  }
}

void temporary_folder_write_text(const char *name, const char *text) {
  temporary_folder_write(name, text, strlen(text));
}

static uint8_t *read_all(const char *name, size_t extra, size_t *length) {
  const char *path = temporary_folder_path(name);
  FILE *file = fopen(path, "rb");
  struct stat status;
  uint8_t *bytes;

  if (file == NULL || fstat(fileno(file), &status) != 0) {
    give_up("can't read", path);
    return NULL;
  }
  *length = (size_t)status.st_size;
  bytes = malloc(*length + extra);
  if (bytes == NULL || fread(bytes, 1, *length, file) != *length) {
    give_up("can't read", path);
  }
  fclose(file);
  return bytes;
}

uint8_t *temporary_folder_read(const char *name, size_t *length) { return read_all(name, 0, length); }

char *temporary_folder_read_text(const char *name) {
  size_t length;
  char *text = (char *)read_all(name, 1, &length);

  text[length] = '\0';
  return text;
}
