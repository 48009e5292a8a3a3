/* SPDX-License-Identifier: MIT */
/* Reads files that belong together, at one moment, while somebody may be replacing them. */
#include "autoconfig.h"

#include "base/file_set.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"

/* The link that Kubernetes renames (its "atomic writer"). */
#define DATA_LINK "..data"

/* How often reading starts again when files were replaced meanwhile. Only who replaces them all the time gets there. */
#define TRIES 16

#ifdef O_PATH /* asks for no permission to list the folder */
#define OPEN_FOLDER (O_PATH | O_DIRECTORY | O_CLOEXEC)
#else
#define OPEN_FOLDER (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#endif

/* ---- Naming ---- */

/* Takes over \a path, also when it fails. */
static bool add(struct file_set *set, enum file_set_kind kind, char *path, size_t name_at) {
  struct file_set_item *items = path == NULL ? NULL : realloc(set->items, (set->count + 1) * sizeof(*items));

  if (items == NULL) {
    free(path);
    return false;
  }
  set->items = items;
  items[set->count++] = (struct file_set_item){.kind = kind, .path = path, .name = path + name_at};
  return true;
}

bool file_set_use_folder(struct file_set *set, const char *path) {
  set->folder = strdup(path);
  return set->folder != NULL;
}

bool file_set_add_named(struct file_set *set, const char *name, bool optional) {
  char *path = NULL;

  if (asprintf(&path, "%s/%s", set->folder, name) < 0) {
    return false;
  }
  return add(set, optional ? FILE_SET_OPTIONAL : FILE_SET_NAMED, path, strlen(set->folder) + 1);
}

bool file_set_add_file(struct file_set *set, const char *path) { return add(set, FILE_SET_FILE, strdup(path), 0); }

bool file_set_add_folder(struct file_set *set, const char *path) { return add(set, FILE_SET_FOLDER, strdup(path), 0); }

/* ---- The folder ---- */

/** Where the files in the set's folder are. */
struct handle {
  int descriptor; /* AT_FDCWD: there is no folder */
  bool swapped;   /* it is what "..data" leads to: nothing in it changes */
  bool missing;   /* why there is none: it may have been removed just now */
};

static amqp_wolfssl_code_t cant_open(struct handle *handle, const char *path, amqp_wolfssl_error_t *error) {
  handle->missing = errno == ENOENT;
  return error_configure(error, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE, "can't read the folder %s: %s", path,
                         strerror(errno));
}

/* A folder that has the link is read behind it or not at all. */
static amqp_wolfssl_code_t follow_link(struct handle *handle, const char *path, amqp_wolfssl_error_t *error) {
  struct stat status;
  int behind;

  if (fstatat(handle->descriptor, DATA_LINK, &status, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT) {
    return AMQP_WOLFSSL_OK;
  }
  behind = openat(handle->descriptor, DATA_LINK, OPEN_FOLDER);
  if (behind < 0) {
    (void)cant_open(handle, path, error);
    error_append(error, " (behind its \"" DATA_LINK "\")");
    return error->code;
  }
  (void)close(handle->descriptor);
  handle->descriptor = behind;
  handle->swapped = true;
  return AMQP_WOLFSSL_OK;
}

static amqp_wolfssl_code_t open_handle(struct handle *handle, const struct file_set *set, amqp_wolfssl_error_t *error) {
  *handle = (struct handle){.descriptor = AT_FDCWD};
  if (set->folder == NULL) {
    return AMQP_WOLFSSL_OK;
  }
  handle->descriptor = open(set->folder, OPEN_FOLDER);
  return handle->descriptor < 0 ? cant_open(handle, set->folder, error) : follow_link(handle, set->folder, error);
}

static void close_handle(const struct handle *handle) {
  if (handle->descriptor >= 0) {
    (void)close(handle->descriptor);
  }
}

/* ---- Reading ---- */

static void forget(struct file_set_item *item) {
  secret_free(&item->contents);
  item->present = false;
}

static bool is_named(const struct file_set_item *item) {
  return item->kind == FILE_SET_NAMED || item->kind == FILE_SET_OPTIONAL;
}

static struct file_mark mark_of(const struct file_set_item *item, const struct handle *handle, time_t now) {
  if (item->kind == FILE_SET_FOLDER) {
    return file_mark_of_folder(item->path, now);
  }
  return is_named(item) ? file_mark_at(handle->descriptor, item->name, now) : file_mark_at(AT_FDCWD, item->path, now);
}

static amqp_wolfssl_code_t read_item(struct file_set_item *item, const struct handle *handle, time_t now, bool *missing,
                                     amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code;
  struct stat status;

  *missing = false;
  if (item->kind == FILE_SET_FOLDER) {
    item->mark = file_mark_of_folder(item->path, now);
    item->present = true;
    return AMQP_WOLFSSL_OK;
  }
  code = is_named(item)
             ? file_read_at(handle->descriptor, item->name, item->path, &item->contents, &status, missing, error)
             : file_read_at(AT_FDCWD, item->path, item->path, &item->contents, &status, missing, error);
  if (code == AMQP_WOLFSSL_OK) {
    item->present = true;
    item->mark = file_mark_of_status(&status, now);
  } else if (*missing && item->kind == FILE_SET_OPTIONAL) {
    item->mark = mark_of(item, handle, now);
    error_clear(error);
    code = AMQP_WOLFSSL_OK;
  }
  return code;
}

/* A folder is no matter of the moment: whoever reads it compares its mark. */
static bool changes_meanwhile(const struct file_set_item *item, const struct handle *handle) {
  return item->kind != FILE_SET_FOLDER && !(is_named(item) && handle->swapped);
}

/* Whether one of the files is another one by now. */
static bool is_torn(const struct file_set *set, const struct handle *handle, time_t now) {
  for (size_t i = 0; i < set->count; i++) {
    const struct file_set_item *item = &set->items[i];

    if (changes_meanwhile(item, handle) && mark_of(item, handle, now).value != item->mark.value) {
      return true;
    }
  }
  return false;
}

/* "..data" still leads where it did. A file that may be missing was perhaps just removed with its whole folder. */
static bool has_moved(const struct file_set *set, const struct handle *handle) {
  amqp_wolfssl_error_t unused;
  struct handle again;
  struct stat then;
  struct stat now;
  bool moved;

  if (!handle->swapped) {
    return false;
  }
  moved = open_handle(&again, set, &unused) != AMQP_WOLFSSL_OK || fstat(handle->descriptor, &then) != 0 ||
          fstat(again.descriptor, &now) != 0 || then.st_ino != now.st_ino || then.st_dev != now.st_dev;
  close_handle(&again);
  return moved;
}

static amqp_wolfssl_code_t read_items(struct file_set *set, const struct handle *handle, bool *again,
                                      amqp_wolfssl_error_t *error) {
  const time_t now = time(NULL);
  bool absent = false;

  for (size_t i = 0; i < set->count; i++) {
    bool missing;
    amqp_wolfssl_code_t code;

    forget(&set->items[i]);
    code = read_item(&set->items[i], handle, now, &missing, error);
    if (code != AMQP_WOLFSSL_OK) {
      *again = missing;
      return code;
    }
    absent = absent || !set->items[i].present;
  }
  *again = is_torn(set, handle, now) || (absent && has_moved(set, handle));
  return AMQP_WOLFSSL_OK;
}

static amqp_wolfssl_code_t read_once(struct file_set *set, bool *again, amqp_wolfssl_error_t *error) {
  struct handle handle;
  amqp_wolfssl_code_t code = open_handle(&handle, set, error);

  if (code == AMQP_WOLFSSL_OK) {
    code = read_items(set, &handle, again, error);
  } else {
    *again = handle.missing;
  }
  close_handle(&handle);
  return code;
}

static amqp_wolfssl_code_t still_changing(const struct file_set *set, amqp_wolfssl_error_t *error) {
  return error_configure(error, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE,
                         "can't read %s and what belongs to it: the files were replaced while they were being read, "
                         "%d times in a row",
                         set->items[0].path, TRIES);
}

amqp_wolfssl_code_t file_set_read(struct file_set *set, amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code = AMQP_WOLFSSL_OK;
  bool again = true;

  for (int i = 0; again && i < TRIES; i++) {
    again = false;
    code = read_once(set, &again, error);
  }
  if (code == AMQP_WOLFSSL_OK && again) {
    code = still_changing(set, error);
  }
  if (code != AMQP_WOLFSSL_OK) {
    for (size_t i = 0; i < set->count; i++) {
      forget(&set->items[i]);
    }
  } else {
    error_clear(error); /* what was tried in vain before is no failure */
  }
  return code;
}

/* ---- Comparing ---- */

bool file_set_is_unchanged(const struct file_set *set) {
  const time_t now = time(NULL);
  amqp_wolfssl_error_t unused;
  struct handle handle;
  bool unchanged = open_handle(&handle, set, &unused) == AMQP_WOLFSSL_OK;

  for (size_t i = 0; i < set->count && unchanged; i++) {
    const struct file_mark mark = mark_of(&set->items[i], &handle, now);

    unchanged = file_mark_holds(&set->items[i].mark, &mark);
  }
  close_handle(&handle);
  return unchanged;
}

static bool item_equals(const struct file_set_item *one, const struct file_set_item *other) {
  if (one->kind != other->kind || one->present != other->present || strcmp(one->path, other->path) != 0) {
    return false;
  }
  if (one->kind == FILE_SET_FOLDER) {
    return file_mark_holds(&one->mark, &other->mark);
  }
  return one->contents.length == other->contents.length &&
         (one->contents.length == 0 || memcmp(one->contents.bytes, other->contents.bytes, one->contents.length) == 0);
}

bool file_set_equals(const struct file_set *one, const struct file_set *other) {
  if (one->count != other->count) {
    return false;
  }
  for (size_t i = 0; i < one->count; i++) {
    if (!item_equals(&one->items[i], &other->items[i])) {
      return false;
    }
  }
  return true;
}

void file_set_free(struct file_set *set) {
  for (size_t i = 0; i < set->count; i++) {
    secret_free(&set->items[i].contents);
    free(set->items[i].path);
  }
  free(set->items);
  free(set->folder);
  memset(set, 0, sizeof(*set));
}
