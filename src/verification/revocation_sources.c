/* SPDX-License-Identifier: MIT */
/*
 * Reads revocation lists, and notices when their files have changed: by their marks, which costs one stat() per file at
 * each open. Lists may have megabytes.
 */
#include "autoconfig.h"

#include "verification/revocation_sources.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/file.h"
#include "base/file_mark.h"
#include "x509/pem.h"

enum kind { SOURCE_FILE, SOURCE_FOLDER, SOURCE_MEMORY };

struct revocation_source {
  enum kind kind;
  char *path; /* NULL in memory */
  uint8_t *data;
  size_t length;
  amqp_wolfssl_format_t format;
  struct file_mark seen; /* of what was read */
};

static void free_source(struct revocation_source *source) {
  free(source->path);
  free(source->data);
}

int revocation_sources_init(struct revocation_sources *sources) {
  memset(sources, 0, sizeof(*sources));
  return pthread_mutex_init(&sources->lock, NULL) == 0 ? 0 : -1;
}

void revocation_sources_free(struct revocation_sources *sources) {
  for (size_t i = 0; i < sources->count; i++) {
    free_source(&sources->items[i]);
  }
  free(sources->items);
  revocation_lists_release(sources->lists);
  (void)pthread_mutex_destroy(&sources->lock);
  memset(sources, 0, sizeof(*sources));
}

bool revocation_sources_any(const struct revocation_sources *sources) { return sources->count > 0; }

/* ---- Whether something has changed ---- */

/* Memory never changes. */
static struct file_mark mark_of(const struct revocation_source *source) {
  const time_t now = time(NULL);

  switch (source->kind) {
    case SOURCE_FILE:
      return file_mark_at(AT_FDCWD, source->path, now);
    case SOURCE_FOLDER:
      return file_mark_of_folder(source->path, now);
    case SOURCE_MEMORY:
      break;
  }
  return (struct file_mark){.settled = true};
}

static bool is_unchanged(const struct revocation_source *source) {
  const struct file_mark mark = mark_of(source);

  return file_mark_holds(&source->seen, &mark);
}

/* ---- Reading ---- */

static amqp_wolfssl_code_t read_file(struct revocation_lists *lists, const char *path, amqp_wolfssl_error_t *error) {
  struct secret contents = {0};
  amqp_wolfssl_code_t code = file_read(path, &contents, error);

  if (code == AMQP_WOLFSSL_OK) {
    code = revocation_lists_add(lists, contents.bytes, contents.length, AMQP_WOLFSSL_FORMAT_AUTO, path, error);
  }
  secret_free(&contents);
  return code;
}

static bool ends_in(const char *name, const char *ending) {
  const char *dot = strrchr(name, '.');

  return dot != NULL && strcmp(dot, ending) == 0;
}

/* By its name: the usual ending, and the links that c_rehash makes ("0123abcd.r0"). */
static bool is_named_as_list(const char *name) {
  return ends_in(name, ".crl") || (strspn(name, "0123456789abcdef") == 8 && name[8] == '.' && name[9] == 'r');
}

static bool is_named_as_list_or_pem(const char *name) { return is_named_as_list(name) || ends_in(name, ".pem"); }

/* In a file with another name only PEM counts; one that is named *.pem but is not PEM, or is empty, is damaged. */
static bool is_to_be_added(const char *name, const struct secret *contents) {
  if (is_named_as_list(name)) {
    return true;
  }
  return pem_is_likely(contents->bytes, contents->length)
             ? pem_may_hold(contents->bytes, contents->length, pem_is_revocation_list)
             : ends_in(name, ".pem");
}

static bool is_file(const char *path) {
  struct stat status;

  return stat(path, &status) != 0 || S_ISREG(status.st_mode); /* reading it says what is wrong */
}

/* A dangling link is not gone: its target may just not be mounted. */
static bool is_gone(const char *path) {
  struct stat status;

  return lstat(path, &status) != 0 && errno == ENOENT;
}

/* What can't be read may be a list that revokes more than those that can: then the folder must not be used. But a file
   that was there only for a moment, as when a list is replaced by renaming, does not count. */
static amqp_wolfssl_code_t read_entry(struct revocation_lists *lists, const char *path, const char *name, size_t *found,
                                      amqp_wolfssl_error_t *error) {
  struct secret contents = {0};
  amqp_wolfssl_code_t code;

  if (!is_file(path)) {
    return AMQP_WOLFSSL_OK;
  }
  code = file_read(path, &contents, error);
  if (code == AMQP_WOLFSSL_ERROR_FILE_UNREADABLE && !is_named_as_list_or_pem(name) && is_gone(path)) {
    code = AMQP_WOLFSSL_OK;
  } else if (code == AMQP_WOLFSSL_OK && is_to_be_added(name, &contents)) {
    code = revocation_lists_add(lists, contents.bytes, contents.length, AMQP_WOLFSSL_FORMAT_AUTO, path, error);
    (*found)++;
  }
  secret_free(&contents);
  return code;
}

static amqp_wolfssl_code_t read_entries(struct revocation_lists *lists, DIR *folder, const char *folder_path,
                                        size_t *found, amqp_wolfssl_error_t *error) {
  for (;;) {
    const struct dirent *entry;
    amqp_wolfssl_code_t code;
    char *path = NULL;

    errno = 0;
    entry = readdir(folder);
    if (entry == NULL) {
      return errno == 0 ? AMQP_WOLFSSL_OK
                        : error_configure(error, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE, "can't read the folder %s: %s",
                                          folder_path, strerror(errno));
    }
    if (asprintf(&path, "%s/%s", folder_path, entry->d_name) < 0) {
      return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
    }
    code = read_entry(lists, path, entry->d_name, found, error);
    free(path);
    if (code != AMQP_WOLFSSL_OK) {
      return code;
    }
  }
}

static amqp_wolfssl_code_t read_folder(struct revocation_lists *lists, const char *path, amqp_wolfssl_error_t *error) {
  DIR *folder = opendir(path);
  amqp_wolfssl_code_t code;
  size_t found = 0;

  if (folder == NULL) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE, "can't read the folder %s: %s", path,
                           strerror(errno));
  }
  code = read_entries(lists, folder, path, &found, error);
  (void)closedir(folder);
  if (code == AMQP_WOLFSSL_OK && found == 0) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_CRL_MALFORMED, "the folder %s contains no CRL", path);
  }
  return code;
}

static amqp_wolfssl_code_t read_source(struct revocation_lists *lists, const struct revocation_source *source,
                                       amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code = AMQP_WOLFSSL_OK;

  switch (source->kind) {
    case SOURCE_FILE:
      code = read_file(lists, source->path, error);
      break;
    case SOURCE_FOLDER:
      code = read_folder(lists, source->path, error);
      break;
    case SOURCE_MEMORY:
      code = revocation_lists_add(lists, source->data, source->length, source->format, "the CRL in memory", error);
      break;
  }
  if (code == AMQP_WOLFSSL_OK) {
    error_clear(error); /* what was skipped in a folder is not a failure */
  }
  return code;
}

/* ---- Adding a source ---- */

static amqp_wolfssl_code_t try_source(const struct revocation_source *source, amqp_wolfssl_error_t *error) {
  struct revocation_lists *lists = revocation_lists_new();
  amqp_wolfssl_code_t code;

  if (lists == NULL) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  code = read_source(lists, source, error);
  if (code == AMQP_WOLFSSL_OK && source->kind == SOURCE_MEMORY) {
    code = revocation_lists_check_dates(lists, (int64_t)time(NULL), error);
  }
  revocation_lists_release(lists);
  return code;
}

/* Takes over what \a source points to, also when it fails. */
static amqp_wolfssl_code_t add_source(struct revocation_sources *sources, struct revocation_source *source,
                                      amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code = try_source(source, error);
  struct revocation_source *items;

  if (code != AMQP_WOLFSSL_OK) {
    free_source(source);
    return code;
  }
  items = realloc(sources->items, (sources->count + 1) * sizeof(*items));
  if (items == NULL) {
    free_source(source);
    return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  sources->items = items;
  sources->items[sources->count++] = *source;
  revocation_lists_release(sources->lists);
  sources->lists = NULL;
  return AMQP_WOLFSSL_OK;
}

static amqp_wolfssl_code_t add_path(struct revocation_sources *sources, enum kind kind, const char *path,
                                    amqp_wolfssl_error_t *error) {
  struct revocation_source source = {.kind = kind, .path = strdup(path)};

  return source.path == NULL ? error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory")
                             : add_source(sources, &source, error);
}

amqp_wolfssl_code_t revocation_sources_add_file(struct revocation_sources *sources, const char *path,
                                                amqp_wolfssl_error_t *error) {
  return add_path(sources, SOURCE_FILE, path, error);
}

amqp_wolfssl_code_t revocation_sources_add_folder(struct revocation_sources *sources, const char *path,
                                                  amqp_wolfssl_error_t *error) {
  return add_path(sources, SOURCE_FOLDER, path, error);
}

amqp_wolfssl_code_t revocation_sources_add_memory(struct revocation_sources *sources, const void *data, size_t length,
                                                  amqp_wolfssl_format_t format, amqp_wolfssl_error_t *error) {
  struct revocation_source source = {
      .kind = SOURCE_MEMORY, .data = malloc(length + 1), .length = length, .format = format};

  if (source.data == NULL) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  memcpy(source.data, data, length);
  return add_source(sources, &source, error);
}

/* ---- Reading again ---- */

static bool all_unchanged(const struct revocation_sources *sources, uint64_t trust_number) {
  for (size_t i = 0; i < sources->count; i++) {
    if (!is_unchanged(&sources->items[i])) {
      return false;
    }
  }
  return sources->lists != NULL && sources->trust_number == trust_number;
}

/* The marks are taken before the files are read: a change in between shows at the next open. */
static amqp_wolfssl_code_t read_all(struct revocation_sources *sources, const struct certificate_list *anchors,
                                    struct revocation_lists *lists, amqp_wolfssl_error_t *error) {
  for (size_t i = 0; i < sources->count; i++) {
    struct revocation_source *source = &sources->items[i];
    struct file_mark mark = mark_of(source);
    amqp_wolfssl_code_t code = read_source(lists, source, error);

    mark.settled = mark.settled && code == AMQP_WOLFSSL_OK;
    source->seen = mark;
    if (code != AMQP_WOLFSSL_OK) {
      return code;
    }
  }
  return revocation_lists_check_signers(lists, anchors, error);
}

static amqp_wolfssl_code_t refresh(struct revocation_sources *sources, const struct certificate_list *anchors,
                                   uint64_t trust_number, amqp_wolfssl_error_t *error) {
  struct revocation_lists *lists;
  amqp_wolfssl_code_t code;

  if (sources->count == 0 || all_unchanged(sources, trust_number)) {
    return AMQP_WOLFSSL_OK;
  }
  lists = revocation_lists_new();
  if (lists == NULL) {
    return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
  }
  code = read_all(sources, anchors, lists, error);
  /* What can no longer be read must no longer be used either: the next open tries again. */
  revocation_lists_release(sources->lists);
  sources->lists = NULL;
  if (code == AMQP_WOLFSSL_OK) {
    sources->lists = lists;
    sources->trust_number = trust_number;
  } else {
    revocation_lists_release(lists);
  }
  return code;
}

amqp_wolfssl_code_t revocation_sources_refresh(struct revocation_sources *sources,
                                               const struct certificate_list *anchors, uint64_t trust_number,
                                               amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code;

  (void)pthread_mutex_lock(&sources->lock);
  code = refresh(sources, anchors, trust_number, error);
  (void)pthread_mutex_unlock(&sources->lock);
  return code;
}

struct revocation_lists *revocation_sources_take(struct revocation_sources *sources) {
  struct revocation_lists *lists;

  (void)pthread_mutex_lock(&sources->lock);
  lists = revocation_lists_reference(sources->lists);
  (void)pthread_mutex_unlock(&sources->lock);
  return lists;
}
