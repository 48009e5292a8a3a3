/* SPDX-License-Identifier: MIT */
/* Paths in texts that are used in turns. */
#include "paths.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#define PATHS 64

const char *path_join(const char *folder, const char *name) {
  /* Tests open connections, which need paths, in several threads at once. */
  static _Thread_local char paths[PATHS][PATH_MAX];
  static _Thread_local size_t next;
  char *path = paths[next++ % PATHS];

  if (snprintf(path, PATH_MAX, "%s%s%s", folder, name[0] == '\0' ? "" : "/", name) >= PATH_MAX) {
    fprintf(stderr, "too long a path: %s/%s\n", folder, name);
    exit(99);
  }
  return path;
}

static const char *path_in_tree(const char *variable, const char *name) {
  const char *tree = getenv(variable);

  return path_join(tree != NULL && *tree != '\0' ? tree : ".", name);
}

const char *path_in_source_tree(const char *name) { return path_in_tree("abs_top_srcdir", name); }

const char *path_in_build_tree(const char *name) { return path_in_tree("abs_top_builddir", name); }
