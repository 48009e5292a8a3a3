/* SPDX-License-Identifier: MIT */
/*
 * One folder for all that a test program writes: certificates, brokers. A process of its own watches over it: it stops
 * the brokers and then removes the folder when it is told to or the test program is gone, killed or not.
 */
#ifndef TESTS_TEMPORARY_FOLDER_H
#define TESTS_TEMPORARY_FOLDER_H

#include <stddef.h>
#include <stdint.h>

/**
 * Makes the folder, below TMPDIR or /tmp; others may pass and list it. It is gone at exit() at the latest.
 * \return 0, or -1 after saying why on stderr
 */
int temporary_folder_make(void);

/**
 * Stops all peers (peer_process.h), then the brokers in it, and removes it and all that is in it, whatever the modes.
 * \return 0, or -1 after a "Bail out!" when something could not be stopped or removed
 */
int temporary_folder_remove(void);
/** The same as a CMocka group teardown. */
int temporary_folder_tear_down(void **state);

/** Path of something in it (of the folder itself for ""). The text lasts as path_join()'s (paths.h). */
const char *temporary_folder_path(const char *name);

/** Writes a file, over one that may be there; ends the program when it can't. */
void temporary_folder_write(const char *name, const void *bytes, size_t length);
void temporary_folder_write_text(const char *name, const char *text);

/** Reads a file into memory of exactly its size, which the caller frees; ends the program when it can't. */
uint8_t *temporary_folder_read(const char *name, size_t *length);

/** The same with a NUL behind. */
char *temporary_folder_read_text(const char *name);

#endif
