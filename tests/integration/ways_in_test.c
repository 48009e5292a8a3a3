/* SPDX-License-Identifier: MIT */
/*
 * The three ways by which a program written for rabbitmq-c's own TLS socket comes to this library: linked anew, with
 * LD_PRELOAD, linked with archives. Each does mutual TLS to RabbitMQ; which file the socket came from shows who did it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "minted_certificates.h"
#include "paths.h"
#include "peer_process.h"
#include "private_broker.h"
#include "temporary_folder.h"

#define HOST "127.0.0.1"
#define SETTING_SIZE 8192
#define UNMODIFIED "tests/support/ssl_client_unmodified"

static const struct private_broker *broker;

/* ---- Running the client ---- */

/* A program of the build tree; a missing one skips the case, or fails it where all peers have to be there. But what
 * belongs to a librabbitmq with OpenSSL is not missed with another. */
static const char *client_program(const char *name) {
  const char *path = path_in_build_tree(name);
  const char *has_openssl = getenv("RABBITMQ_HAS_OPENSSL");

  if (strcmp(name, UNMODIFIED) == 0 && has_openssl != NULL && strcmp(has_openssl, "no") == 0) {
    printf("# librabbitmq was built without OpenSSL\n");
    (void)fflush(stdout);
    skip();
  }
  peer_require(path);
  return path;
}

/* "NAME=VALUE" for env(1). */
static const char *setting(char text[SETTING_SIZE], const char *name, const char *path) {
  (void)snprintf(text, SETTING_SIZE, "%s=%s", name, path);
  return text;
}

/* What the client wrote; with the drop-in library preloaded when \a preload says so. */
static char *run_client(const char *name, bool preload) {
  const char *program = client_program(name);
  char preload_setting[SETTING_SIZE];
  char folder_setting[SETTING_SIZE];
  char port[16];
  const char *arguments[16];
  size_t count = 0;

  broker = private_broker_ready();
  (void)snprintf(port, sizeof(port), "%d", broker->tls_port);
  arguments[count++] = "env";
  if (preload) {
    arguments[count++] =
        setting(preload_setting, "LD_PRELOAD", path_in_build_tree(".libs/librabbitmq-wolfssl-compat.so"));
    arguments[count++] = setting(folder_setting, "LD_LIBRARY_PATH", path_in_build_tree(".libs"));
    /* What is preloaded comes before a sanitizer's own library, which it would refuse. */
    arguments[count++] = "ASAN_OPTIONS=verify_asan_link_order=0";
  }
  arguments[count++] = program;
  arguments[count++] = HOST;
  arguments[count++] = port;
  arguments[count++] = minted_certificate("bundle");
  arguments[count++] = minted_certificate("client");
  arguments[count++] = minted_key("client");
  arguments[count] = NULL;
  return peer_process_run(arguments);
}

/* Whether a line of \a output begins with \a beginning and has \a part in it. */
static bool has_line(const char *output, const char *beginning, const char *part) {
  const char *line = output;

  while (line != NULL && *line != '\0') {
    const char *end = strchr(line, '\n');
    const char *found = strstr(line, part);

    if (strncmp(line, beginning, strlen(beginning)) == 0 && found != NULL && (end == NULL || found < end)) {
      return true;
    }
    line = end != NULL ? end + 1 : NULL;
  }
  return false;
}

static void expect_line(const char *output, const char *beginning, const char *part, bool expected) {
  if (has_line(output, beginning, part) != expected) {
    fail_msg("%s line \"%s...%s\" in\n%s", expected ? "no" : "there is a", beginning, part, output);
  }
}

/* ---- The ways ---- */

static void linked_anew(void **state) {
  char *output = run_client("tests/support/ssl_client_relinked", false);

  (void)state;
  expect_line(output, "done", "", true);
  expect_line(output, "provider: ", "/librabbitmq-wolfssl-compat.so", true);
  expect_line(output, "mapped: ", "/libwolfssl", true);
  free(output);
}

static void preloaded(void **state) {
  char *output = run_client(UNMODIFIED, true);

  (void)state;
  expect_line(output, "done", "", true);
  expect_line(output, "provider: ", "/librabbitmq-wolfssl-compat.so", true);
  expect_line(output, "mapped: ", "/libwolfssl", true);
  free(output);
}

/* The same file without LD_PRELOAD: the program really is one for OpenSSL. The broker's name, not its address:
 * OpenSSL's backend does not look at addresses in certificates, and so can't open. */
static void not_preloaded(void **state) {
  char port[16];
  const char *arguments[] = {client_program(UNMODIFIED),   "localhost",          port, minted_certificate("bundle"),
                             minted_certificate("client"), minted_key("client"), NULL};
  char *output;

  (void)state;
  broker = private_broker_ready();
  (void)snprintf(port, sizeof(port), "%d", broker->tls_port);
  output = peer_process_run(arguments);
  expect_line(output, "done", "", true);
  expect_line(output, "provider: ", "/librabbitmq.so", true);
  expect_line(output, "mapped: ", "/libssl.so", true);
  expect_line(output, "mapped: ", "/libwolfssl", false);
  free(output);
}

static void linked_statically(void **state) {
  static const char *const absent[] = {
      "/libssl.so", "/libcrypto.so", "/librabbitmq.so", "/librabbitmq-wolfssl.so", "/librabbitmq-wolfssl-compat.so",
      "/libwolfssl"};
  char *output = run_client("tests/support/ssl_client_static", false);

  (void)state;
  expect_line(output, "done", "", true);
  expect_line(output, "provider: ", "ssl_client_static", true);
  for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++) {
    expect_line(output, "mapped: ", absent[i], false);
  }
  free(output);
}

/* ---- AMQP_WOLFSSL_DEBUG in a program that runs as somebody else ---- */

/* A copy that runs as \a user when \a set_user. */
static const char *copy_program(const char *name, const struct passwd *user, bool set_user) {
  const char *copy = temporary_folder_path(name);
  const char *arguments[] = {"cp", client_program("tests/support/ssl_client_static"), copy, NULL};

  free(peer_process_run(arguments));
  assert_int_equal(chown(copy, user->pw_uid, (gid_t)-1), 0);
  assert_int_equal(chmod(copy, set_user ? 04755 : 0755), 0);
  return copy;
}

/* \a program with \a setting in its environment, after an open that must fail; to be stopped. */
static struct peer_process *run_with_setting(const char *program, const char *setting) {
  const char *arguments[] = {
      "env", setting, program, HOST, "1", "/nowhere/ca.pem", "/nowhere/client.pem", "/nowhere/client.key", NULL};
  struct peer_process *process = peer_process_start(arguments);

  assert_int_equal(peer_process_wait_for_exit(process), 1);
  assert_true(peer_process_has_written(process, "open: "));
  return process;
}

static void expect_debug_output(const char *program, bool expected) {
  struct peer_process *process = run_with_setting(program, "AMQP_WOLFSSL_DEBUG=1");

  if (peer_process_has_written(process, "librabbitmq-wolfssl: configure: FILE_UNREADABLE: ") != expected) {
    fail_msg("%s wrote: %s", program, peer_process_output(process));
  }
  peer_process_stop(process);
}

/* In a folder where the program's user may make one. */
static void expect_debug_file(const char *program, const struct passwd *user, bool expected) {
  const char *folder = temporary_folder_path("debug");
  const char *file = temporary_folder_path("debug/lines");
  char setting[4096];

  (void)mkdir(folder, 0700);
  assert_int_equal(chown(folder, user->pw_uid, (gid_t)-1), 0);
  (void)snprintf(setting, sizeof(setting), "AMQP_WOLFSSL_DEBUG=file:%s", file);
  peer_process_stop(run_with_setting(program, setting));
  assert_int_equal(access(file, F_OK), expected ? 0 : -1);
  assert_true(!expected || unlink(file) == 0);
}

static void debug_output_is_not_for_set_id_programs(void **state) {
  const struct passwd *user = getpwnam("nobody");
  const char *plain;
  const char *set_user;

  (void)state;
  if (geteuid() != 0 || user == NULL) {
    skip(); /* only root can make one */
  }
  plain = copy_program("ssl_client_plain", user, false);
  set_user = copy_program("ssl_client_set_user", user, true);
  expect_debug_output(plain, true);
  expect_debug_output(set_user, false);
  expect_debug_file(plain, user, true);
  expect_debug_file(set_user, user, false);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(linked_anew),
      cmocka_unit_test(preloaded),
      cmocka_unit_test(not_preloaded),
      cmocka_unit_test(linked_statically),
      cmocka_unit_test(debug_output_is_not_for_set_id_programs),
  };

  return cmocka_run_group_tests(tests, private_broker_set_up, minted_certificates_tear_down);
}
