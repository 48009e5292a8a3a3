/* SPDX-License-Identifier: MIT */
/*
 * Reads files, with errors a person can act on: which component of the path fails, who owns it, which mode it has and
 * who we are. "Permission denied" on a key file is the commonest failure of all, and the least explained.
 */
#include "autoconfig.h"

#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Names the first folder of the path that can't be entered, or the file itself. */
static void explain_denied(const char *path, amqp_wolfssl_error_t *error) {
  char prefix[PATH_MAX];
  struct stat status;

  for (const char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
    size_t length = (size_t)(slash - path);

    if (length >= sizeof(prefix)) {
      return;
    }
    memcpy(prefix, path, length);
    prefix[length] = '\0';
    if (faccessat(AT_FDCWD, prefix, X_OK, AT_EACCESS) != 0) {
      error_append(error, "; the folder %s can't be entered", prefix);
      if (stat(prefix, &status) == 0) {
        error_append(error, " (mode %04o, owner %ld:%ld)", (unsigned)(status.st_mode & 07777), (long)status.st_uid,
                     (long)status.st_gid);
      }
      return;
    }
  }
  if (stat(path, &status) == 0) {
    error_append(error, "; its mode is %04o, its owner %ld:%ld", (unsigned)(status.st_mode & 07777),
                 (long)status.st_uid, (long)status.st_gid);
  }
}

static amqp_wolfssl_code_t explain_open_failure(const char *path, int open_errno, amqp_wolfssl_error_t *error) {
  error_configure(error, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE, "can't read %s: %s", path, strerror(open_errno));
  if (open_errno == EACCES) {
    explain_denied(path, error);
    error_append(error, "; this process runs as %ld:%ld", (long)geteuid(), (long)getegid());
  }
  return error->code;
}

static amqp_wolfssl_code_t unusable(const char *path, const char *why, amqp_wolfssl_error_t *error) {
  return error_configure(error, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE, "can't use %s: %s", path, why);
}

/* Reads to the end, which must come before the buffer is full: a file that grows meanwhile is being written. */
static amqp_wolfssl_code_t read_all(int descriptor, const char *path, struct secret *contents, size_t room,
                                    amqp_wolfssl_error_t *error) {
  for (;;) {
    ssize_t count = read(descriptor, contents->bytes + contents->length, room - contents->length);

    if (count == 0) {
      return AMQP_WOLFSSL_OK;
    }
    if (count < 0 && errno != EINTR) {
      return explain_open_failure(path, errno, error);
    }
    if (count > 0) {
      contents->length += (size_t)count;
    }
    if (contents->length == room) {
      return unusable(path, "it grew while it was being read", error);
    }
  }
}

/* \a path is for sentences. */
static amqp_wolfssl_code_t read_opened(int descriptor, const char *path, struct secret *contents, struct stat *status,
                                       amqp_wolfssl_error_t *error) {
  size_t room;

  if (fstat(descriptor, status) != 0) {
    return explain_open_failure(path, errno, error);
  }
  if (S_ISDIR(status->st_mode)) {
    return unusable(path, "it is a folder", error);
  }
  if (!S_ISREG(status->st_mode)) {
    return unusable(path, "it is not a regular file", error);
  }
  if (status->st_size >= (off_t)FILE_LENGTH_LIMIT) {
    return unusable(path, "it is 16 MiB or larger", error);
  }
  /* One byte more than the size, so that the end of the file is seen without growing (and copying) a secret. */
  room = (size_t)status->st_size + 1;
  contents->bytes = malloc(room);
  contents->length = 0;
  return contents->bytes == NULL ? error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory")
                                 : read_all(descriptor, path, contents, room, error);
}

amqp_wolfssl_code_t file_read_at(int folder, const char *name, const char *path, struct secret *contents,
                                 struct stat *status, bool *missing, amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code;
  /* O_NONBLOCK: a FIFO with no writer must not hold up the program. */
  int descriptor = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

  *missing = descriptor < 0 && (errno == ENOENT || errno == ENOTDIR);
  if (descriptor < 0) {
    return explain_open_failure(path, errno, error);
  }
  code = read_opened(descriptor, path, contents, status, error);
  (void)close(descriptor);
  if (code != AMQP_WOLFSSL_OK) {
    secret_free(contents);
  }
  return code;
}

amqp_wolfssl_code_t file_read_with_status(const char *path, struct secret *contents, struct stat *status,
                                          amqp_wolfssl_error_t *error) {
  bool missing;

  return file_read_at(AT_FDCWD, path, path, contents, status, &missing, error);
}

amqp_wolfssl_code_t file_read(const char *path, struct secret *contents, amqp_wolfssl_error_t *error) {
  struct stat status;

  return file_read_with_status(path, contents, &status, error);
}
