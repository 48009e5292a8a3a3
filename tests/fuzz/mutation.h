/* SPDX-License-Identifier: MIT */
/*
 * Damages input, the same way for the same numbers: bytes and bits as anybody would, and the elements of DER, which are
 * doubled, removed and lied about while what is around them still fits, so that a reader gets far before it notices.
 */
#ifndef TESTS_FUZZ_MUTATION_H
#define TESTS_FUZZ_MUTATION_H

#include <stddef.h>
#include <stdint.h>

/** Longest input made. */
#define MUTATION_CAPACITY ((size_t)32768)

struct random_numbers {
  uint64_t state;
};

/** \return a number below \a limit, which is not 0 */
size_t random_below(struct random_numbers *numbers, size_t limit);

struct mutant {
  uint8_t bytes[MUTATION_CAPACITY];
  size_t length;
};

/** One to four changes. \a other: input to take parts of. */
void mutate(struct mutant *mutant, struct random_numbers *numbers, const uint8_t *other, size_t other_length);

/**
 * The same for a list of elements: now and then some are exchanged, doubled or left out. The first \a fixed elements,
 * of both inputs, are left as they are.
 */
void mutate_list(struct mutant *mutant, struct random_numbers *numbers, const uint8_t *other, size_t other_length,
                 size_t fixed);

#endif
