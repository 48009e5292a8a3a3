/* SPDX-License-Identifier: MIT */
/* Paths for tests: no buffers to provide, none to free. */
#ifndef TESTS_PATHS_H
#define TESTS_PATHS_H

/**
 * FOLDER/NAME, or \a folder itself for an empty \a name; ends the program if that is too long.
 * The text is overwritten by the 64th call after this in the same thread; calls of those below count too.
 */
const char *path_join(const char *folder, const char *name);

/** A file of the project's source tree: below abs_top_srcdir, or the current folder. */
const char *path_in_source_tree(const char *name);
/** A program of the project's build tree: below abs_top_builddir, or the current folder. */
const char *path_in_build_tree(const char *name);

#endif
