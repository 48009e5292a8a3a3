/* SPDX-License-Identifier: MIT */
/*
 * Files that belong together, such as a certificate, its key and a CA: named once, then read as often as one likes, all
 * at one moment. Those that are in one folder are read through one handle of it, behind "..data" where the folder has
 * that: Kubernetes replaces a mounted Secret by renaming this link, so that what lies behind it never mixes two
 * versions. Files elsewhere are read again if one of them changed meanwhile.
 *
 * What was read is kept, to be compared with what is read later: times may lie, bytes don't. Contents are wiped.
 */
#ifndef AMQP_WOLFSSL_FILE_SET_H
#define AMQP_WOLFSSL_FILE_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "base/file_mark.h"
#include "base/secret.h"

enum file_set_kind {
  FILE_SET_FILE,     /**< a file with a path of its own */
  FILE_SET_NAMED,    /**< a file in the set's folder */
  FILE_SET_OPTIONAL, /**< the same, but it may be missing */
  FILE_SET_FOLDER    /**< a folder of which only the mark is taken */
};

struct file_set_item {
  enum file_set_kind kind;
  char *path;             /**< for sentences */
  const char *name;       /**< in the set's folder; part of \a path */
  bool present;           /**< false: it may be missing, and is */
  struct secret contents; /**< of a file that is present */
  struct file_mark mark;
};

/** Empty when zeroed. */
struct file_set {
  char *folder; /**< NULL: none */
  struct file_set_item *items;
  size_t count;
};

/** Names what to read; each returns false if out of memory. At most one folder, before what is in it. */
bool file_set_use_folder(struct file_set *set, const char *path);
bool file_set_add_named(struct file_set *set, const char *name, bool optional);
bool file_set_add_file(struct file_set *set, const char *path);
bool file_set_add_folder(struct file_set *set, const char *path);

/**
 * Reads everything, all or nothing; replaces what was read before.
 * \return AMQP_WOLFSSL_OK, FILE_UNREADABLE or NO_MEMORY
 */
amqp_wolfssl_code_t file_set_read(struct file_set *set, amqp_wolfssl_error_t *error);

/** Whether the files' marks show, without reading them, that nothing has changed since they were read. */
bool file_set_is_unchanged(const struct file_set *set);

/** Whether two readings of the same files found the same bytes, and the same folders. */
bool file_set_equals(const struct file_set *one, const struct file_set *other);

/** Wipes and frees everything; the set is then empty. */
void file_set_free(struct file_set *set);

#endif
