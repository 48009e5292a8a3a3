/* SPDX-License-Identifier: MIT */
/* Files for tests, in a folder that goes away again. */
#include "temporary_folder.h"

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[PATH_MAX / 2];
static pid_t owner;

static void give_up(const char *what, const char *path) {
  fprintf(stderr, "%s %s: ", what, path);
  perror(NULL);
  exit(99);
}

/* CMocka runs no teardown when the setup failed. */
static void remove_at_exit(void) {
  if (getpid() == owner) {
    (void)temporary_folder_remove();
  }
}

int temporary_folder_make(void) {
  const char *parent = getenv("TMPDIR");
  int length = snprintf(folder, sizeof(folder), "%s/amqp-wolfssl-test.XXXXXX", parent == NULL ? "/tmp" : parent);

  if (length < 0 || (size_t)length >= sizeof(folder) || mkdtemp(folder) == NULL) {
    folder[0] = '\0';
    return -1;
  }
  if (owner == 0) {
    owner = getpid();
    (void)atexit(remove_at_exit);
  }
  return chmod(folder, 0755);
}

/* Folders a test has closed are opened again on the way in, or what they hold could not be removed. */
static int open_folder(const char *path, const struct stat *status, int kind, struct FTW *walk) {
  (void)walk;
  if ((kind == FTW_D || kind == FTW_DNR) && (status->st_mode & 0700) != 0700) {
    return chmod(path, 0700);
  }
  return 0;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk) {
  (void)status;
  (void)kind;
  (void)walk;
  return remove(path);
}

int temporary_folder_remove(void) {
  int result;

  if (folder[0] == '\0') {
    return 0;
  }
  (void)nftw(folder, open_folder, 16, FTW_PHYS);
  result = nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
  if (result != 0) {
    /* CMocka overlooks what a group's tear-down returns; nobody overlooks this line of TAP. */
    (void)printf("Bail out! could not remove all that is in %s\n", folder);
    (void)fflush(stdout);
  }
  folder[0] = '\0';
  return result;
}

const char *temporary_folder_path(const char *name) {
  static char paths[64][PATH_MAX];
  static size_t next;
  char *path = paths[next++ % 64];

  if ((size_t)snprintf(path, PATH_MAX, "%s%s%s", folder, name[0] == '\0' ? "" : "/", name) >= PATH_MAX) {
    give_up("too long a path:", name);
  }
  return path;
}

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
