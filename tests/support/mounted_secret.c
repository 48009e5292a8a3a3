/* SPDX-License-Identifier: MIT */
#include "autoconfig.h"

#include "mounted_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "temporary_folder.h"

#define PATH_SIZE 1024

static void fail_at(const char *what) {
  (void)fprintf(stderr, "mounted_secret: %s: %s\n", what, strerror(errno));
  exit(EXIT_FAILURE);
}

static void folder_of(char *path, const struct mounted_secret *secret, unsigned version) {
  (void)snprintf(path, PATH_SIZE, "%s/..2026_11_29_%08u", secret->path, version);
}

static void join(char *path, const char *folder, const char *name) {
  (void)snprintf(path, PATH_SIZE, "%.700s/%s", folder, name);
}

void mounted_secret_make(struct mounted_secret *secret, const char *name) {
  /* cppcheck-suppress ctuuninitvar ; it is written here */
  (void)snprintf(secret->path, sizeof(secret->path), "%s", temporary_folder_path(name));
  secret->version = 0;
  if (mkdir(secret->path, 0755) != 0) {
    fail_at(secret->path);
  }
}

static void write_file(const char *folder, const struct mounted_file *file) {
  char path[PATH_SIZE];
  int descriptor;

  join(path, folder, file->name);
  descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
  if (descriptor < 0 || write(descriptor, file->bytes, file->length) != (ssize_t)file->length ||
      close(descriptor) != 0) {
    fail_at(path);
  }
}

static void point_data_at(const struct mounted_secret *secret, const char *folder) {
  char made[PATH_SIZE];
  char link_path[PATH_SIZE];

  join(made, secret->path, "..data_tmp");
  join(link_path, secret->path, "..data");
  if (symlink(strrchr(folder, '/') + 1, made) != 0 || rename(made, link_path) != 0) {
    fail_at(link_path);
  }
}

static void show(const struct mounted_secret *secret, const struct mounted_file *file) {
  char path[PATH_SIZE];
  char target[PATH_SIZE];

  join(path, secret->path, file->name);
  (void)snprintf(target, sizeof(target), "..data/%s", file->name);
  if (symlink(target, path) != 0 && errno != EEXIST) {
    fail_at(path);
  }
}

static void remove_version(const struct mounted_secret *secret, unsigned version, const struct mounted_file *files,
                           size_t count) {
  char folder[PATH_SIZE];
  char path[PATH_SIZE];

  folder_of(folder, secret, version);
  for (size_t i = 0; i < count; i++) {
    join(path, folder, files[i].name);
    if (unlink(path) != 0 && errno != ENOENT) {
      fail_at(path);
    }
  }
  if (rmdir(folder) != 0 && errno != ENOENT) {
    fail_at(folder);
  }
}

void mounted_secret_update(struct mounted_secret *secret, const struct mounted_file *files, size_t count) {
  char folder[PATH_SIZE];

  folder_of(folder, secret, ++secret->version);
  if (mkdir(folder, 0755) != 0) {
    fail_at(folder);
  }
  for (size_t i = 0; i < count; i++) {
    if (files[i].bytes != NULL) {
      write_file(folder, &files[i]);
    }
  }
  point_data_at(secret, folder);
  for (size_t i = 0; i < count; i++) {
    show(secret, &files[i]);
  }
  remove_version(secret, secret->version - 1, files, count);
}

void mounted_secret_put(struct mounted_secret *secret, const char *certificate, const char *key, const char *ca) {
  struct mounted_file files[] = {{"tls.crt", NULL, 0}, {"tls.key", NULL, 0}, {"ca.crt", NULL, 0}};
  const char *const names[] = {certificate, key, ca};

  for (size_t i = 0; i < 3; i++) {
    if (names[i] != NULL) {
      files[i].bytes = temporary_folder_read(names[i], &files[i].length);
    }
  }
  mounted_secret_update(secret, files, 3);
  for (size_t i = 0; i < 3; i++) {
    free((void *)(uintptr_t)files[i].bytes);
  }
}
