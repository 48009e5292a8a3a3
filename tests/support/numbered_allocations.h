/* SPDX-License-Identifier: MIT */
/*
 * Numbers the allocations of this library and of wolfSSL, and lets chosen ones fail. wolfSSL takes allocators from us;
 * for our own library this defines malloc() and its kin and looks at who calls. So it is no part of the test-support
 * library: a program that wants it is built with this file.
 */
#ifndef TESTS_NUMBERED_ALLOCATIONS_H
#define TESTS_NUMBERED_ALLOCATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum owner { OWNER_LIBRARY, OWNER_WOLFSSL, OWNER_COUNT };

enum failing { FAIL_ONE, FAIL_ALL_FROM };

#define TRACE_DEPTH 16

/** What fails, and what has failed. */
struct allocation_fault {
  bool armed;
  enum failing failing;
  uint64_t at;    /* the number, from 1, of the first that fails; 0: none does */
  uint64_t count; /* allocations since it was armed */
  uint64_t count_of[OWNER_COUNT];
  bool struck;
  enum owner struck_owner;
  void *trace[TRACE_DEPTH];
  int trace_length;
};
extern struct allocation_fault fault;

/** How many allocations are alive. */
extern size_t live[OWNER_COUNT];

/** Sets it up, before anything else. \param [in] trace whether fault.trace is filled \return false: wolfSSL won't */
bool numbered_allocations_start(bool trace);
/** Whether it is known which allocations are the library's: not if that is linked statically. */
bool library_is_found(void);

/** Counts from now on. \param [in] at the number, from 1, of the first that fails; 0: none does */
void arm(uint64_t at, enum failing failing);
/** Lets none fail any more. */
void disarm(void);
/** Forgets the last fault. */
void clear_fault(void);

/** Begins to note where allocations are made. Loops allocate at the same place hundreds of times. */
void record_begin(void);
void record_end(void);
/** Whether an allocation is the first or the second at its place. What was not recorded counts as such. */
bool is_new_place(uint64_t at);

#endif
