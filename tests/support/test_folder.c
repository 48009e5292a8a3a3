/* SPDX-License-Identifier: MIT */
/* The folder of a test program, its certificates, and the process that cleans up behind it. */
#include "test_folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "minted_certificates.h"
#include "peer_process.h"

static char folder[TEST_PATH_SIZE / 4];
static char certificates[TEST_PATH_SIZE / 2];
static pid_t keeper;
static int keeper_pipe = -1;

/*
 * Reads its input to the end, which comes when this test program closes the pipe or is killed. $1 is scripts/broker, $2
 * the folder. A broker that can't be stopped is reported, and its folder left for its log.
 */
static const char keeper_script[] =
    "trap '' INT TERM HUP\n"
    "cat >/dev/null\n"
    "for broker in \"$2\"/broker-*; do\n"
    "  if [ -d \"$broker\" ]; then \"$1\" stop \"$broker\" || exit 1; fi\n"
    "done\n"
    "rm -rf \"$2\"\n";

/* ---- Paths ---- */

static const char *join(char path[TEST_PATH_SIZE], const char *parent, const char *name, const char *suffix) {
  const int length = snprintf(path, TEST_PATH_SIZE, "%s/%s%s", parent, name, suffix);

  if (length < 0 || length >= TEST_PATH_SIZE) {
    fail_msg("the path %s/%s is too long", parent, name);
  }
  return path;
}

const char *test_folder_path(char path[TEST_PATH_SIZE], const char *name) { return join(path, folder, name, ""); }

const char *test_folder_certificates(void) { return certificates; }

const char *test_folder_certificate(char path[TEST_PATH_SIZE], const char *name) {
  return join(path, certificates, name, ".pem");
}

const char *test_folder_key(char path[TEST_PATH_SIZE], const char *name) {
  const char *leaf_only = strstr(name, "-leaf-only");
  char key[256];

  (void)snprintf(key, sizeof(key), "%.*s", (int)(leaf_only != NULL ? (size_t)(leaf_only - name) : strlen(name)), name);
  return join(path, certificates, key, ".key");
}

const char *test_folder_minted(char path[TEST_PATH_SIZE], const char *file) {
  return join(path, certificates, file, "");
}

static const char *tree(const char *variable) {
  const char *path = getenv(variable);

  return path != NULL && *path != '\0' ? path : ".";
}

const char *test_folder_source_path(char path[TEST_PATH_SIZE], const char *name) {
  return join(path, tree("abs_top_srcdir"), name, "");
}

const char *test_folder_build_path(char path[TEST_PATH_SIZE], const char *name) {
  return join(path, tree("abs_top_builddir"), name, "");
}

/* ---- The keeper ---- */

/* In a session of its own, so that what is sent to the test program's process group does not end it too. */
static void become_keeper(int input, const char *broker) {
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);

  if (setsid() < 0 || nowhere < 0 || dup2(input, STDIN_FILENO) < 0 || dup2(nowhere, STDOUT_FILENO) < 0) {
    _exit(126);
  }
  (void)execl("/bin/sh", "sh", "-c", keeper_script, "keeper", broker, folder, (char *)NULL);
  _exit(127);
}

static int start_keeper(void) {
  char broker[TEST_PATH_SIZE];
  int ends[2];

  (void)test_folder_source_path(broker, "scripts/broker");
  if (pipe2(ends, O_CLOEXEC) != 0) {
    return -1;
  }
  keeper = fork();
  if (keeper == 0) {
    become_keeper(ends[0], broker);
  }
  (void)close(ends[0]);
  keeper_pipe = ends[1];
  return keeper > 0 ? 0 : -1;
}

static int wait_for(pid_t pid) {
  int status = 0;
  pid_t result;

  do {
    result = waitpid(pid, &status, 0);
  } while (result < 0 && errno == EINTR);
  return result == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* ---- Making and removing ---- */

int test_folder_make(void **state) {
  const char *parent = getenv("TMPDIR");

  (void)state;
  (void)snprintf(folder, sizeof(folder), "%s/amqp-wolfssl-integration.XXXXXX",
                 parent != NULL && *parent != '\0' ? parent : "/tmp");
  if (mkdtemp(folder) == NULL) {
    (void)fprintf(stderr, "can't make the folder %s: %s\n", folder, strerror(errno));
    return -1;
  }
  (void)snprintf(certificates, sizeof(certificates), "%s/certificates", folder);
  if (start_keeper() != 0) {
    (void)fprintf(stderr, "can't start the process that cleans up: %s\n", strerror(errno));
    return -1;
  }
  if (minted_certificates_make_in(certificates) != 0) {
    (void)fprintf(stderr, "can't mint certificates\n");
    return -1;
  }
  return 0;
}

int test_folder_remove(void **state) {
  (void)state;
  peer_process_stop_all();
  if (keeper <= 0) {
    return 0;
  }
  (void)close(keeper_pipe);
  keeper_pipe = -1;
  if (wait_for(keeper) != 0) {
    /* CMocka overlooks what a group's tear-down returns; nobody overlooks this line of TAP. */
    (void)printf("Bail out! could not stop or remove all that is in %s\n", folder);
    (void)fflush(stdout);
    return -1;
  }
  keeper = 0;
  return 0;
}
