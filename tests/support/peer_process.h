/* SPDX-License-Identifier: MIT */
/*
 * Programs that a test starts: servers, scripts, tools. Each is stopped by its pid, at the latest when the test program
 * ends, however that ends. Failures of the machinery fail the CMocka case that is running.
 */
#ifndef TESTS_PEER_PROCESS_H
#define TESTS_PEER_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

struct peer_process;

/** Longest list of arguments, the NULL at its end included. */
#define PEER_MAX_ARGUMENTS 48

/** Whether \a program, a path or a name to look up in PATH, can be run. */
bool peer_program_exists(const char *program);
/** Returns if \a program can be run; else skips the running case, or fails it where REQUIRE_PEERS=1. */
void peer_require(const char *program);

/**
 * Starts a program; \a arguments end in NULL, the first is the program. Its standard input is a pipe that stays open
 * and empty until the program is stopped; what it writes to standard output and standard error is kept.
 */
struct peer_process *peer_process_start(const char *const *arguments);
/**
 * Waits until the program has written \a text. False when it closes its output first, or writes too little too long.
 */
bool peer_process_wait_for(struct peer_process *process, const char *text);
/** The same, but fails the running case, after showing all that the program wrote. */
void peer_process_expect(struct peer_process *process, const char *text);
/**
 * Waits for \a text and the end of the line it stands in; fails the running case when they don't come. Returns what
 * follows \a text, with all that was written after it. Belongs to \a process, until the next call on it.
 */
const char *peer_process_expect_line(struct peer_process *process, const char *text);
/** Whether \a text is in what was read of the program's output so far. Reads nothing: wait for something first. */
bool peer_process_has_written(const struct peer_process *process, const char *text);
/** How many lines that begin with \a text it has written by now. Waits for nothing. */
size_t peer_process_count_lines(struct peer_process *process, const char *text);
/** Reads what it has written by now, and drops all. A program that writes much stands still when nobody reads. */
void peer_process_forget(struct peer_process *process);
/** Prints what was read of the program's output so far. */
void peer_process_show(const struct peer_process *process);
/** What was read of the program's output so far, NUL-terminated. Belongs to \a process, until the next call on it. */
const char *peer_process_output(const struct peer_process *process);
/** Waits until the program ends by itself; its exit status, or -1 when a signal ended it or it ran too long. */
int peer_process_wait_for_exit(struct peer_process *process);
/** Stops the program if it still runs and frees \a process. NULL does nothing. */
void peer_process_stop(struct peer_process *process);
/** Stops all that still run. */
void peer_process_stop_all(void);
/** The same as the CMocka teardown of a case: what a failed assertion left behind must not outlive it. */
int peer_process_tear_down(void **state);

/** Runs a program to its end and returns what it wrote, to be freed. Fails the running case unless it exits with 0. */
char *peer_process_run(const char *const *arguments);

/**
 * A TCP port that nobody listens on just now. Somebody may take it: whoever binds it has to be ready to try another.
 */
int peer_free_port(void);

#endif
