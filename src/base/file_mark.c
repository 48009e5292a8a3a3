/* SPDX-License-Identifier: MIT */
/* Marks of files. Times alone don't do: their grain is coarse, and a file may be written twice within it. */
#include "autoconfig.h"

#include "base/file_mark.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>

/* A file that was changed this shortly before it was read may change again without new timestamps. */
#define SETTLED_AFTER_SECONDS 2

#define MIX_BEGIN UINT64_C(0xcbf29ce484222325)

/* FNV-1a, 64 bits: there is no secret and no attacker here. */
static uint64_t mix(uint64_t mark, const void *bytes, size_t length) {
  const uint8_t *at = bytes;

  for (size_t i = 0; i < length; i++) {
    mark = (mark ^ at[i]) * UINT64_C(0x100000001b3);
  }
  return mark;
}

static uint64_t mix_number(uint64_t mark, uint64_t number) { return mix(mark, &number, sizeof(number)); }

static bool changed_long_ago(const struct timespec *when, time_t now) {
  return when->tv_sec <= now - SETTLED_AFTER_SECONDS;
}

struct file_mark file_mark_of_status(const struct stat *status, time_t now) {
  uint64_t value = mix_number(MIX_BEGIN, (uint64_t)status->st_dev);

  value = mix_number(value, (uint64_t)status->st_ino);
  value = mix_number(value, (uint64_t)status->st_size);
  value = mix_number(value, (uint64_t)status->st_mode);
  value = mix_number(value, (uint64_t)status->st_mtim.tv_sec);
  value = mix_number(value, (uint64_t)status->st_mtim.tv_nsec);
  value = mix_number(value, (uint64_t)status->st_ctim.tv_sec);
  value = mix_number(value, (uint64_t)status->st_ctim.tv_nsec);
  return (struct file_mark){
      .value = value,
      .settled = changed_long_ago(&status->st_mtim, now) && changed_long_ago(&status->st_ctim, now),
  };
}

struct file_mark file_mark_at(int folder, const char *name, time_t now) {
  struct stat status;

  if (fstatat(folder, name, &status, 0) == 0) {
    return file_mark_of_status(&status, now);
  }
  return (struct file_mark){.value = mix_number(MIX_BEGIN, (uint64_t)errno), .settled = errno == ENOENT};
}

static bool is_dot(const char *name) { return strcmp(name, ".") == 0 || strcmp(name, "..") == 0; }

/* The files' marks are added up: readdir() has no order. */
struct file_mark file_mark_of_folder(const char *path, time_t now) {
  struct file_mark mark = file_mark_at(AT_FDCWD, path, now);
  DIR *folder = opendir(path);
  const struct dirent *entry;

  if (folder == NULL) {
    return mark;
  }
  while ((entry = readdir(folder)) != NULL) {
    struct file_mark of_entry;

    if (is_dot(entry->d_name)) {
      continue;
    }
    of_entry = file_mark_at(dirfd(folder), entry->d_name, now);
    mark.value += mix(of_entry.value, entry->d_name, strlen(entry->d_name));
    mark.settled = mark.settled && of_entry.settled;
  }
  (void)closedir(folder);
  return mark;
}

bool file_mark_holds(const struct file_mark *earlier, const struct file_mark *later) {
  return earlier->settled && earlier->value == later->value;
}
