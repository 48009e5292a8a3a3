/* SPDX-License-Identifier: MIT */
/* Marks: what changes them, and when they can be relied on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_mark.h"
#include "temporary_folder.h"

static int make_folder(void **state) {
  (void)state;
  return temporary_folder_make();
}

/* Anything a test writes was written just now; a later clock makes it old. */
static time_t much_later(void) { return time(NULL) + 1000; }

static void test_each_part_of_a_status_counts(void **state) {
  const struct stat status = {
      .st_dev = 1, .st_ino = 2, .st_size = 3, .st_mode = S_IFREG | 0600, .st_mtim = {4, 5}, .st_ctim = {6, 7}};
  struct stat others[8];
  const struct file_mark mark = file_mark_of_status(&status, 1000);

  (void)state;
  for (size_t i = 0; i < 8; i++) {
    others[i] = status;
  }
  others[0].st_dev++;
  others[1].st_ino++;
  others[2].st_size++;
  others[3].st_mode ^= 0040;
  others[4].st_mtim.tv_sec++;
  others[5].st_mtim.tv_nsec++;
  others[6].st_ctim.tv_sec++;
  others[7].st_ctim.tv_nsec++;
  assert_true(mark.settled);
  assert_true(file_mark_holds(&mark, &mark));
  for (size_t i = 0; i < 8; i++) {
    const struct file_mark other = file_mark_of_status(&others[i], 1000);

    assert_false(file_mark_holds(&mark, &other));
    for (size_t j = 0; j < i; j++) {
      assert_true(file_mark_of_status(&others[j], 1000).value != other.value);
    }
  }
}

/* Within the grain of the times a file may be written twice. */
static void test_what_was_changed_just_now_is_unsettled(void **state) {
  struct stat status = {.st_mtim = {100, 0}, .st_ctim = {100, 0}};
  struct file_mark fresh;
  struct file_mark old;

  (void)state;
  fresh = file_mark_of_status(&status, 101);
  old = file_mark_of_status(&status, 102);
  assert_false(fresh.settled);
  assert_true(old.settled);
  assert_int_equal(fresh.value, old.value);
  assert_false(file_mark_holds(&fresh, &old));
  assert_true(file_mark_holds(&old, &fresh));
  status.st_mtim.tv_sec = 5000; /* a clock that was ahead */
  assert_false(file_mark_of_status(&status, 102).settled);
  status = (struct stat){.st_mtim = {100, 0}, .st_ctim = {5000, 0}}; /* times set back, as tar does */
  assert_false(file_mark_of_status(&status, 102).settled);
}

static void test_missing_files(void **state) {
  const char *path = temporary_folder_path("later");
  const struct file_mark missing = file_mark_at(AT_FDCWD, path, much_later());
  struct file_mark there;

  (void)state;
  assert_true(missing.settled); /* one that comes has another mark */
  temporary_folder_write_text("later", "here");
  there = file_mark_at(AT_FDCWD, path, much_later());
  assert_true(there.settled);
  assert_false(file_mark_holds(&missing, &there));
  assert_false(file_mark_at(AT_FDCWD, temporary_folder_path("later/below"), much_later()).settled);
}

static struct file_mark mark_folder(void) { return file_mark_of_folder(temporary_folder_path("folder"), much_later()); }

static void test_folders(void **state) {
  struct file_mark empty;
  struct file_mark one;
  struct file_mark other;
  struct file_mark swapped;

  (void)state;
  assert_int_equal(mkdir(temporary_folder_path("folder"), 0755), 0);
  empty = mark_folder();
  temporary_folder_write_text("folder/a", "first");
  temporary_folder_write_text("folder/b", "second");
  one = mark_folder();
  assert_true(one.settled);
  assert_false(file_mark_holds(&empty, &one));
  temporary_folder_write_text("folder/a", "longer than before");
  other = mark_folder();
  assert_false(file_mark_holds(&one, &other));
  assert_int_equal(rename(temporary_folder_path("folder/a"), temporary_folder_path("folder/c")), 0);
  assert_int_equal(rename(temporary_folder_path("folder/b"), temporary_folder_path("folder/a")), 0);
  assert_int_equal(rename(temporary_folder_path("folder/c"), temporary_folder_path("folder/b")), 0);
  swapped = mark_folder();
  assert_false(file_mark_holds(&other, &swapped));
  assert_false(file_mark_of_folder(temporary_folder_path("folder"), time(NULL)).settled);
  one = file_mark_of_folder(temporary_folder_path("no such folder"), much_later());
  other = file_mark_of_folder(temporary_folder_path("no such folder"), much_later());
  assert_true(file_mark_holds(&one, &other));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_each_part_of_a_status_counts),
      cmocka_unit_test(test_what_was_changed_just_now_is_unsettled),
      cmocka_unit_test(test_missing_files),
      cmocka_unit_test(test_folders),
  };

  return cmocka_run_group_tests(tests, make_folder, temporary_folder_tear_down);
}
