/* SPDX-License-Identifier: MIT */
/* Runs a program to its end. */
#ifndef TESTS_COMMAND_H
#define TESTS_COMMAND_H

/**
 * Runs a program with the arguments up to NULL, in \a folder. What it prints is shown on stderr only when it fails.
 * \return 0 when it ended with status 0, else -1
 */
int command_run(const char *folder, const char *program, ...) __attribute__((sentinel));

#endif
