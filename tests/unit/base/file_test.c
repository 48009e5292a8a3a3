/* SPDX-License-Identifier: MIT */
/*
 * Reading files, and saying why it can't be done. Run by root, the cases about permissions are run as nobody.
 */
#include "autoconfig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failing_allocator.h"
#include "base/file.h"
#include "other_user.h"
#include "temporary_folder.h"

static int make_folder(void **state) {
  (void)state;
  return temporary_folder_make();
}

static int lowest_free_descriptor(void) {
  int descriptor = dup(STDIN_FILENO);

  if (descriptor >= 0) {
    close(descriptor);
  }
  return descriptor;
}

/* Reads, and checks what holds for every answer: no descriptor stays open, and a failure leaves nothing behind. */
static amqp_wolfssl_code_t read_it(const char *path, struct secret *contents, amqp_wolfssl_error_t *error) {
  const int before = lowest_free_descriptor();
  amqp_wolfssl_code_t code;

  memset(contents, 0, sizeof(*contents));
  error_clear(error);
  code = file_read(path, contents, error);
  assert_int_equal(lowest_free_descriptor(), before);
  assert_int_equal(error->code, code);
  if (code != AMQP_WOLFSSL_OK) {
    assert_null(contents->bytes);
    assert_int_equal(contents->length, 0);
    assert_int_equal(error->stage, AMQP_WOLFSSL_STAGE_CONFIGURE);
  }
  return code;
}

static void assert_reads(const char *path, const void *bytes, size_t length) {
  struct secret contents;
  amqp_wolfssl_error_t error;

  assert_int_equal(read_it(path, &contents, &error), AMQP_WOLFSSL_OK);
  assert_non_null(contents.bytes);
  assert_int_equal(contents.length, length);
  assert_true(length == 0 || memcmp(contents.bytes, bytes, length) == 0);
  secret_free(&contents);
}

/* Each of the texts must be in the sentence. */
static void assert_unreadable(const char *path, const char *const *texts) {
  struct secret contents;
  amqp_wolfssl_error_t error;

  assert_int_equal(read_it(path, &contents, &error), AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  for (; *texts != NULL; texts++) {
    if (strstr(error.message, *texts) == NULL) {
      fail_msg("\"%s\" does not say \"%s\"", error.message, *texts);
    }
  }
}

#define ASSERT_UNREADABLE(path, ...) assert_unreadable(path, (const char *const[]){__VA_ARGS__, NULL})

/* ---- What can be read ---- */

static void test_reads_whole_files(void **state) {
  static uint8_t bytes[100000];
  static const size_t lengths[] = {1, 2, 4095, 4096, 4097, 65536, sizeof(bytes)};
  (void)state;

  for (size_t i = 0; i < sizeof(bytes); i++) {
    bytes[i] = (uint8_t)(i * 31 >> 3);
  }
  for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
    temporary_folder_write("file", bytes, lengths[i]);
    assert_reads(temporary_folder_path("file"), bytes, lengths[i]);
  }
}

static void test_empty_file(void **state) {
  (void)state;
  temporary_folder_write("empty", "", 0);
  assert_reads(temporary_folder_path("empty"), "", 0);
}

static void test_follows_symbolic_links(void **state) {
  (void)state;
  temporary_folder_write_text("file", "contents");
  assert_int_equal(symlink("file", temporary_folder_path("link")), 0);
  assert_int_equal(symlink(temporary_folder_path("link"), temporary_folder_path("link-to-link")), 0);
  assert_reads(temporary_folder_path("link-to-link"), "contents", 8);
}

static void test_relative_path(void **state) {
  int here = open(".", O_RDONLY | O_DIRECTORY);
  (void)state;

  temporary_folder_write_text("file", "contents");
  assert_true(here >= 0);
  assert_int_equal(chdir(temporary_folder_path("")), 0);
  assert_reads("file", "contents", 8);
  assert_int_equal(fchdir(here), 0);
  assert_int_equal(close(here), 0);
}

/* ---- What can't ---- */

static void test_missing(void **state) {
  const char *path = temporary_folder_path("missing");
  (void)state;

  ASSERT_UNREADABLE(path, path, strerror(ENOENT));
  ASSERT_UNREADABLE("", strerror(ENOENT));
  temporary_folder_write_text("file", "contents");
  path = temporary_folder_path("file/below");
  ASSERT_UNREADABLE(path, path, strerror(ENOTDIR));
}

static void test_broken_links(void **state) {
  const char *dangling = temporary_folder_path("dangling");
  const char *loop = temporary_folder_path("loop");
  (void)state;

  assert_int_equal(symlink("nowhere", dangling), 0);
  assert_int_equal(symlink("loop", loop), 0);
  ASSERT_UNREADABLE(dangling, dangling, strerror(ENOENT));
  ASSERT_UNREADABLE(loop, loop, strerror(ELOOP));
}

static void test_folder(void **state) {
  const char *path = temporary_folder_path("");
  (void)state;

  ASSERT_UNREADABLE(path, path, "it is a folder");
}

/* With nobody at its other end: must not hang. */
static void test_fifo(void **state) {
  const char *path = temporary_folder_path("fifo");
  (void)state;

  assert_int_equal(mkfifo(path, 0600), 0);
  ASSERT_UNREADABLE(path, path, "not a regular file");
}

static void test_device(void **state) {
  (void)state;
  ASSERT_UNREADABLE("/dev/zero", "/dev/zero", "not a regular file");
  ASSERT_UNREADABLE("/dev/null", "/dev/null", "not a regular file");
}

static void make_sparse(const char *name, off_t length) {
  temporary_folder_write(name, "", 0);
  assert_int_equal(truncate(temporary_folder_path(name), length), 0);
}

static void test_too_large(void **state) {
  const char *path = temporary_folder_path("large");
  (void)state;

  make_sparse("large", FILE_LENGTH_LIMIT + 1);
  ASSERT_UNREADABLE(path, path, "16 MiB");
  make_sparse("large", (off_t)1 << 40);
  ASSERT_UNREADABLE(path, path, "16 MiB");
}

static void test_largest(void **state) {
  struct secret contents;
  amqp_wolfssl_error_t error;
  (void)state;

  make_sparse("large", FILE_LENGTH_LIMIT - 1);
  assert_int_equal(read_it(temporary_folder_path("large"), &contents, &error), AMQP_WOLFSSL_OK);
  assert_int_equal(contents.length, FILE_LENGTH_LIMIT - 1);
  assert_int_equal(contents.bytes[FILE_LENGTH_LIMIT - 2], 0);
  secret_free(&contents);
}

/* Files of /proc have more in them than their size says, as a file that is being written has. */
static void test_longer_than_it_says(void **state) {
  struct stat status;
  (void)state;

  if (stat("/proc/self/status", &status) != 0 || !S_ISREG(status.st_mode) || status.st_size != 0) {
    skip();
  }
  ASSERT_UNREADABLE("/proc/self/status", "/proc/self/status", "grew");
}

static void test_path_is_too_long(void **state) {
  static char path[PATH_MAX + 2000];
  (void)state;

  memset(path, 'a', sizeof(path) - 1);
  path[0] = '/';
  ASSERT_UNREADABLE(path, "can't read /aaa");
  for (size_t i = 0; i + 1 < sizeof(path); i += 100) {
    path[i] = '/';
  }
  ASSERT_UNREADABLE(path, "can't read /aaa");
}

static void test_path_with_a_line_feed(void **state) {
  struct secret contents;
  amqp_wolfssl_error_t error;
  (void)state;

  assert_int_equal(read_it("/no\nsuch\r\tfile", &contents, &error), AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_null(strpbrk(error.message, "\n\r\t"));
}

/* ---- Permissions ---- */

/* TMPDIR may be closed to nobody. */
static bool folder_can_be_passed(void) {
  bool can;

  other_user_become();
  can = faccessat(AT_FDCWD, temporary_folder_path("x/.."), F_OK, AT_EACCESS) == 0 || errno == ENOENT;
  other_user_end();
  return can;
}

static amqp_wolfssl_code_t read_as_nobody(const char *path, amqp_wolfssl_error_t *error) {
  struct secret contents = {0};
  amqp_wolfssl_code_t code;

  other_user_become();
  code = file_read(path, &contents, error);
  other_user_end();
  secret_free(&contents);
  return code;
}

static void assert_says(const amqp_wolfssl_error_t *error, const char *text) {
  if (strstr(error->message, text) == NULL) {
    fail_msg("\"%s\" does not say \"%s\"", error->message, text);
  }
}

static void assert_does_not_say(const amqp_wolfssl_error_t *error, const char *text) {
  if (strstr(error->message, text) != NULL) {
    fail_msg("\"%s\" says \"%s\"", error->message, text);
  }
}

static void assert_says_who_we_are(const amqp_wolfssl_error_t *error) {
  char identity[100];

  snprintf(identity, sizeof(identity), "this process runs as %ld:%ld",
           getuid() == 0 ? (long)OTHER_USER_NOBODY : (long)geteuid(),
           getuid() == 0 ? (long)OTHER_USER_NOBODY : (long)getegid());
  assert_says(error, identity);
}

/* The folder, and not one above or below it. */
static void assert_names_folder(const amqp_wolfssl_error_t *error, const char *folder, unsigned mode) {
  static const char introduction[] = "; the folder ";
  const char *found = strstr(error->message, introduction);
  char rest[100];

  assert_non_null(found);
  found += strlen(introduction);
  snprintf(rest, sizeof(rest), " can't be entered (mode %04o, owner %ld:%ld)", mode, (long)getuid(), (long)getgid());
  if (strncmp(found, folder, strlen(folder)) != 0 || strncmp(found + strlen(folder), rest, strlen(rest)) != 0) {
    fail_msg("\"%s\" does not say \"%s%s\"", error->message, folder, rest);
  }
}

static void test_file_may_not_be_read(void **state) {
  const char *path = temporary_folder_path("closed-file");
  amqp_wolfssl_error_t error;
  char owner[100];
  (void)state;

  if (!folder_can_be_passed()) {
    skip();
  }
  temporary_folder_write_text("closed-file", "a private key");
  assert_int_equal(chmod(path, 0200), 0);
  assert_int_equal(read_as_nobody(path, &error), AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_says(&error, path);
  assert_says(&error, strerror(EACCES));
  assert_says(&error, "its mode is 0200");
  snprintf(owner, sizeof(owner), "its owner %ld:%ld", (long)getuid(), (long)getgid());
  assert_says(&error, owner);
  assert_says_who_we_are(&error);
  assert_does_not_say(&error, "the folder");
  assert_does_not_say(&error, "a private key");
  assert_int_equal(chmod(path, 0644), 0);
  assert_int_equal(read_as_nobody(path, &error), AMQP_WOLFSSL_OK);
}

/* Of one/two/three only two is closed: it is the one to name. */
static void test_folder_may_not_be_passed(void **state) {
  const char *closed = temporary_folder_path("one/two");
  const char *path = temporary_folder_path("one/two/three/file");
  amqp_wolfssl_error_t error;
  (void)state;

  if (!folder_can_be_passed()) {
    skip();
  }
  assert_int_equal(mkdir(temporary_folder_path("one"), 0755), 0);
  assert_int_equal(mkdir(closed, 0755), 0);
  assert_int_equal(mkdir(temporary_folder_path("one/two/three"), 0755), 0);
  temporary_folder_write_text("one/two/three/file", "contents");
  assert_int_equal(chmod(path, 0644), 0);
  assert_int_equal(read_as_nobody(path, &error), AMQP_WOLFSSL_OK);
  assert_int_equal(chmod(closed, 0640), 0);
  assert_int_equal(read_as_nobody(path, &error), AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_names_folder(&error, closed, 0640);
  assert_says_who_we_are(&error);
  assert_does_not_say(&error, "its mode is");
  assert_int_equal(chmod(closed, 0755), 0);
}

static void test_relative_folder_may_not_be_passed(void **state) {
  int here = open(".", O_RDONLY | O_DIRECTORY);
  amqp_wolfssl_error_t error;
  amqp_wolfssl_code_t code;
  (void)state;

  assert_true(here >= 0);
  if (!folder_can_be_passed()) {
    close(here);
    skip();
  }
  assert_int_equal(mkdir(temporary_folder_path("shut"), 0700), 0);
  temporary_folder_write_text("shut/file", "contents");
  assert_int_equal(chmod(temporary_folder_path("shut"), 0600), 0);
  assert_int_equal(chdir(temporary_folder_path("")), 0);
  code = read_as_nobody("shut/file", &error);
  assert_int_equal(fchdir(here), 0);
  assert_int_equal(close(here), 0);
  assert_int_equal(code, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  assert_names_folder(&error, "shut", 0600);
}

/* ---- Without memory ---- */

static void test_without_memory(void **state) {
  struct secret contents = {0};
  amqp_wolfssl_error_t error;
  amqp_wolfssl_code_t code;
  (void)state;

  if (!failing_allocator_works()) {
    skip();
  }
  temporary_folder_write_text("file", "contents");
  failing_allocator_arm(1);
  code = file_read(temporary_folder_path("file"), &contents, &error);
  assert_true(failing_allocator_disarm());
  assert_int_equal(code, AMQP_WOLFSSL_ERROR_NO_MEMORY);
  assert_int_equal(error.code, AMQP_WOLFSSL_ERROR_NO_MEMORY);
  assert_null(contents.bytes);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, temporary_folder_tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      IN_FOLDER(test_reads_whole_files),
      IN_FOLDER(test_empty_file),
      IN_FOLDER(test_follows_symbolic_links),
      IN_FOLDER(test_relative_path),
      IN_FOLDER(test_missing),
      IN_FOLDER(test_broken_links),
      IN_FOLDER(test_folder),
      IN_FOLDER(test_fifo),
      IN_FOLDER(test_device),
      IN_FOLDER(test_too_large),
      IN_FOLDER(test_largest),
      IN_FOLDER(test_longer_than_it_says),
      IN_FOLDER(test_path_is_too_long),
      IN_FOLDER(test_path_with_a_line_feed),
      IN_FOLDER(test_file_may_not_be_read),
      IN_FOLDER(test_folder_may_not_be_passed),
      IN_FOLDER(test_relative_folder_may_not_be_passed),
      IN_FOLDER(test_without_memory),
  };
  return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
