/* SPDX-License-Identifier: MIT */
/* One folder of a test program's own, and the files in it. */
#ifndef TESTS_TEMPORARY_FOLDER_H
#define TESTS_TEMPORARY_FOLDER_H

#include <stddef.h>
#include <stdint.h>

/**
 * Makes the folder, below TMPDIR or /tmp; others may pass and list it. It is gone at exit() at the latest.
 * \return 0 or -1
 */
int temporary_folder_make(void);

/** Removes it and all that is in it, whatever the modes. \return 0 or -1 */
int temporary_folder_remove(void);

/** Path of something in it (of the folder itself for ""). The text is overwritten by the 64th call after this. */
const char *temporary_folder_path(const char *name);

/** Writes a file, over one that may be there; ends the program when it can't. */
void temporary_folder_write(const char *name, const void *bytes, size_t length);
void temporary_folder_write_text(const char *name, const char *text);

/** Reads a file into memory of exactly its size, which the caller frees; ends the program when it can't. */
uint8_t *temporary_folder_read(const char *name, size_t *length);

/** The same with a NUL behind. */
char *temporary_folder_read_text(const char *name);

#endif
