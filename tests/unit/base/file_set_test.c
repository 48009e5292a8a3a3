/* SPDX-License-Identifier: MIT */
/*
 * Files that belong together: read at one moment while somebody replaces them as fast as they can, as the kubelet does
 * and otherwise; compared by their bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_set.h"
#include "failing_allocator.h"
#include "mounted_secret.h"
#include "open_descriptors.h"
#include "paths.h"
#include "temporary_folder.h"
#include "time_limit.h"

static int set_up(void **state) {
  (void)state;
  time_limit_start(120);
  return temporary_folder_make();
}

static void use_secret(struct file_set *set, const char *folder) {
  memset(set, 0, sizeof(*set));
  assert_true(file_set_use_folder(set, folder));
  assert_true(file_set_add_named(set, "tls.crt", false));
  assert_true(file_set_add_named(set, "tls.key", false));
  assert_true(file_set_add_named(set, "ca.crt", true));
}

static void assert_holds(const struct file_set_item *item, const char *text) {
  assert_true(item->present);
  assert_int_equal(item->contents.length, strlen(text));
  assert_memory_equal(item->contents.bytes, text, strlen(text));
}

static void put(struct mounted_secret *secret, const char *certificate, const char *key, const char *ca) {
  const struct mounted_file files[] = {
      {"tls.crt", certificate, strlen(certificate)},
      {"tls.key", key, key != NULL ? strlen(key) : 0},
      {"ca.crt", ca, ca != NULL ? strlen(ca) : 0},
  };

  mounted_secret_update(secret, files, 3);
}

/* Reads, and checks what holds for every answer: no descriptor stays open, a failure leaves nothing. */
static amqp_wolfssl_code_t read_it(struct file_set *set, amqp_wolfssl_error_t *error) {
  const size_t before = open_descriptors();
  amqp_wolfssl_code_t code;

  error_clear(error);
  code = file_set_read(set, error);
  assert_int_equal(open_descriptors(), before);
  assert_int_equal(error->code, code);
  for (size_t i = 0; i < set->count && code != AMQP_WOLFSSL_OK; i++) {
    assert_false(set->items[i].present);
    assert_null(set->items[i].contents.bytes);
  }
  return code;
}

static void expect_unreadable(struct file_set *set, const char *part) {
  amqp_wolfssl_error_t error;

  assert_int_equal(read_it(set, &error), AMQP_WOLFSSL_ERROR_FILE_UNREADABLE);
  if (strstr(error.message, part) == NULL) {
    fail_msg("no \"%s\" in \"%s\"", part, error.message);
  }
}

static void test_a_mounted_secret(void **state) {
  struct mounted_secret secret;
  amqp_wolfssl_error_t error;
  struct file_set set;

  (void)state;
  mounted_secret_make(&secret, "mounted");
  put(&secret, "certificate", "key", NULL);
  use_secret(&set, secret.path);
  assert_int_equal(read_it(&set, &error), AMQP_WOLFSSL_OK);
  assert_holds(&set.items[0], "certificate");
  assert_holds(&set.items[1], "key");
  assert_false(set.items[2].present);
  put(&secret, "another certificate", "another key", "ca");
  assert_false(file_set_is_unchanged(&set));
  assert_int_equal(read_it(&set, &error), AMQP_WOLFSSL_OK);
  assert_holds(&set.items[0], "another certificate");
  assert_holds(&set.items[1], "another key");
  assert_holds(&set.items[2], "ca");
  put(&secret, "third", NULL, NULL);
  expect_unreadable(&set, "mounted/tls.key");
  file_set_free(&set);
  assert_int_equal(set.count, 0);
}

/* Without "..data" the files are where they seem to be; with it they are nowhere else. */
static void test_the_link_decides(void **state) {
  amqp_wolfssl_error_t error;
  struct file_set set;

  (void)state;
  assert_int_equal(mkdir(temporary_folder_path("plain"), 0755), 0);
  temporary_folder_write_text("plain/tls.crt", "plain certificate");
  temporary_folder_write_text("plain/tls.key", "plain key");
  use_secret(&set, temporary_folder_path("plain"));
  assert_int_equal(read_it(&set, &error), AMQP_WOLFSSL_OK);
  assert_holds(&set.items[0], "plain certificate");
  assert_int_equal(symlink("..gone", temporary_folder_path("plain/..data")), 0);
  expect_unreadable(&set, "..data");
  assert_int_equal(mkdir(temporary_folder_path("plain/..gone"), 0755), 0);
  expect_unreadable(&set, "tls.crt");
  temporary_folder_write_text("plain/..gone/tls.crt", "certificate behind");
  temporary_folder_write_text("plain/..gone/tls.key", "key behind");
  assert_int_equal(read_it(&set, &error), AMQP_WOLFSSL_OK);
  assert_holds(&set.items[0], "certificate behind");
  file_set_free(&set);
}

static void test_what_is_no_file(void **state) {
  struct file_set set;

  (void)state;
  assert_int_equal(mkdir(temporary_folder_path("odd"), 0755), 0);
  use_secret(&set, temporary_folder_path("odd"));
  expect_unreadable(&set, "odd/tls.crt");
  temporary_folder_write_text("odd/tls.crt", "certificate");
  assert_int_equal(mkfifo(temporary_folder_path("odd/tls.key"), 0600), 0); /* nobody writes: no hang */
  expect_unreadable(&set, "not a regular file");
  assert_int_equal(unlink(temporary_folder_path("odd/tls.key")), 0);
  temporary_folder_write_text("odd/tls.key", "key");
  assert_int_equal(mkdir(temporary_folder_path("odd/ca.crt"), 0755), 0); /* may be missing, not be something else */
  expect_unreadable(&set, "it is a folder");
  assert_int_equal(rmdir(temporary_folder_path("odd/ca.crt")), 0);
  temporary_folder_write_text("odd/ca.crt", "");
  assert_int_equal(truncate(temporary_folder_path("odd/ca.crt"), 16 * 1024 * 1024), 0);
  expect_unreadable(&set, "16 MiB");
  file_set_free(&set);
  use_secret(&set, temporary_folder_path("odd/tls.crt"));
  expect_unreadable(&set, "the folder");
  file_set_free(&set);
  use_secret(&set, temporary_folder_path("never was"));
  expect_unreadable(&set, "never was");
  file_set_free(&set);
}

/* Size and times are no evidence. */
static void test_bytes_count_and_times_do_not(void **state) {
  const struct timespec times[2] = {{1000, 0}, {1000, 0}};
  struct file_set before = {0};
  struct file_set after = {0};
  amqp_wolfssl_error_t error;

  (void)state;
  temporary_folder_write_text("certificate", "certificate 1");
  temporary_folder_write_text("key", "key");
  for (int i = 0; i < 2; i++) {
    struct file_set *set = i == 0 ? &before : &after;

    assert_true(file_set_add_file(set, temporary_folder_path("certificate")));
    assert_true(file_set_add_file(set, temporary_folder_path("key")));
  }
  assert_int_equal(utimensat(AT_FDCWD, temporary_folder_path("certificate"), times, 0), 0);
  assert_int_equal(read_it(&before, &error), AMQP_WOLFSSL_OK);
  assert_int_equal(read_it(&after, &error), AMQP_WOLFSSL_OK);
  assert_true(file_set_equals(&before, &after));
  temporary_folder_write_text("certificate", "certificate 2"); /* the same file, as long as before */
  assert_int_equal(utimensat(AT_FDCWD, temporary_folder_path("certificate"), times, 0), 0);
  assert_int_equal(read_it(&after, &error), AMQP_WOLFSSL_OK);
  assert_false(file_set_equals(&before, &after));
  temporary_folder_write_text("certificate", "certificate 1");
  assert_int_equal(read_it(&after, &error), AMQP_WOLFSSL_OK);
  assert_true(file_set_equals(&before, &after)); /* written anew, with the same bytes */
  file_set_free(&after);
  assert_true(file_set_add_file(&after, temporary_folder_path("certificate")));
  assert_int_equal(read_it(&after, &error), AMQP_WOLFSSL_OK);
  assert_false(file_set_equals(&before, &after));
  file_set_free(&before);
  file_set_free(&after);
}

static void test_folders_are_marked(void **state) {
  struct file_set before = {0};
  struct file_set after = {0};
  amqp_wolfssl_error_t error;

  (void)state;
  assert_int_equal(mkdir(temporary_folder_path("authorities"), 0755), 0);
  assert_true(file_set_add_folder(&before, temporary_folder_path("authorities")));
  assert_true(file_set_add_folder(&after, temporary_folder_path("authorities")));
  assert_int_equal(read_it(&before, &error), AMQP_WOLFSSL_OK);
  assert_int_equal(read_it(&after, &error), AMQP_WOLFSSL_OK);
  assert_false(file_set_equals(&before, &after)); /* made just now: it may have changed in between */
  before.items[0].mark.settled = true;
  assert_true(file_set_equals(&before, &after));
  temporary_folder_write_text("authorities/one", "more");
  assert_int_equal(read_it(&after, &error), AMQP_WOLFSSL_OK);
  assert_false(file_set_equals(&before, &after));
  file_set_free(&before);
  file_set_free(&after);
}

static void test_unchanged_by_marks(void **state) {
  struct file_set set = {0};
  amqp_wolfssl_error_t error;

  (void)state;
  assert_true(file_set_add_file(&set, path_in_source_tree("LICENSE"))); /* older than a few seconds */
  assert_true(file_set_add_folder(&set, path_in_source_tree("m4")));
  assert_int_equal(read_it(&set, &error), AMQP_WOLFSSL_OK);
  assert_true(file_set_is_unchanged(&set));
  temporary_folder_write_text("fresh", "text");
  assert_true(file_set_add_file(&set, temporary_folder_path("fresh")));
  assert_int_equal(read_it(&set, &error), AMQP_WOLFSSL_OK);
  assert_false(file_set_is_unchanged(&set)); /* it may be written again within the grain of its times */
  file_set_free(&set);
}

/* ---- Somebody replaces the files all the time ---- */

enum { READINGS = 2000 };

static atomic_bool enough;

/* All files of one version hold the same text. */
static void *replace(void *argument) {
  struct mounted_secret *secret = argument;
  char text[32];

  for (unsigned i = 0; !atomic_load(&enough); i++) {
    (void)snprintf(text, sizeof(text), "version %u", i);
    put(secret, text, text, i % 2 == 0 ? text : NULL);
  }
  return NULL;
}

static void assert_of_one_version(const struct file_set *set) {
  char *text = strndup((const char *)set->items[0].contents.bytes, set->items[0].contents.length);
  const bool even = (text[strlen(text) - 1] - '0') % 2 == 0;

  assert_holds(&set->items[1], text);
  if (set->count > 2) {
    assert_int_equal(set->items[2].present, even);
    if (even) {
      assert_holds(&set->items[2], text);
    }
  }
  free(text);
}

static void read_while_replaced(struct mounted_secret *secret, struct file_set *set, bool may_give_up) {
  amqp_wolfssl_error_t error;
  pthread_t thread;
  int read = 0;

  atomic_store(&enough, false);
  assert_int_equal(pthread_create(&thread, NULL, replace, secret), 0);
  while (read < READINGS) {
    const amqp_wolfssl_code_t code = file_set_read(set, &error);

    if (code == AMQP_WOLFSSL_OK) {
      assert_of_one_version(set);
      read++;
    } else if (!may_give_up) {
      fail_msg("%s", error.message);
    }
  }
  atomic_store(&enough, true);
  assert_int_equal(pthread_join(thread, NULL), 0);
}

static void test_never_two_versions_through_the_folder(void **state) {
  struct mounted_secret secret;
  struct file_set set;

  (void)state;
  mounted_secret_make(&secret, "busy");
  put(&secret, "version 0", "version 0", "version 0");
  use_secret(&set, secret.path);
  read_while_replaced(&secret, &set, false);
  file_set_free(&set);
}

/* Each by its own path: what is replaced meanwhile is noticed, and read again, though not for ever. */
static void test_never_two_versions_by_paths(void **state) {
  struct mounted_secret secret;
  struct file_set set = {0};
  char path[600];

  (void)state;
  mounted_secret_make(&secret, "busy too");
  put(&secret, "version 0", "version 0", "version 0");
  (void)snprintf(path, sizeof(path), "%s/tls.crt", secret.path);
  assert_true(file_set_add_file(&set, path));
  (void)snprintf(path, sizeof(path), "%s/tls.key", secret.path);
  assert_true(file_set_add_file(&set, path));
  read_while_replaced(&secret, &set, true);
  file_set_free(&set);
}

/* ---- Out of memory ---- */

static bool name_all(struct file_set *set, const char *folder, const char *file) {
  return file_set_use_folder(set, folder) && file_set_add_named(set, "tls.crt", false) &&
         file_set_add_named(set, "ca.crt", true) && file_set_add_file(set, file) && file_set_add_folder(set, folder);
}

static void test_out_of_memory(void **state) {
  struct mounted_secret secret;
  const char *file;
  amqp_wolfssl_error_t error;
  size_t nth = 1;
  bool struck = true;

  (void)state;
  if (!failing_allocator_works()) {
    skip();
  }
  mounted_secret_make(&secret, "short of memory");
  put(&secret, "certificate", "key", NULL);
  temporary_folder_write_text("alone", "text");
  file = temporary_folder_path("alone");
  for (; struck; nth++) {
    struct file_set set = {0};
    bool named;
    amqp_wolfssl_code_t code = AMQP_WOLFSSL_ERROR_NO_MEMORY;

    failing_allocator_arm(nth);
    named = name_all(&set, secret.path, file);
    if (named) {
      code = file_set_read(&set, &error);
    }
    struck = failing_allocator_disarm();
    if (code == AMQP_WOLFSSL_ERROR_NO_MEMORY) {
      assert_true(struck);
    } else {
      /* opendir() may be what failed: then the folder's mark is that of its own status */
      assert_int_equal(code, AMQP_WOLFSSL_OK);
      assert_holds(&set.items[0], "certificate");
    }
    file_set_free(&set);
  }
  assert_true(nth > 8);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_mounted_secret),
      cmocka_unit_test(test_the_link_decides),
      cmocka_unit_test(test_what_is_no_file),
      cmocka_unit_test(test_bytes_count_and_times_do_not),
      cmocka_unit_test(test_folders_are_marked),
      cmocka_unit_test(test_unchanged_by_marks),
      cmocka_unit_test(test_never_two_versions_through_the_folder),
      cmocka_unit_test(test_never_two_versions_by_paths),
      cmocka_unit_test(test_out_of_memory),
  };

  return cmocka_run_group_tests(tests, set_up, temporary_folder_tear_down);
}
