/* SPDX-License-Identifier: MIT */
/* PKIs of several shapes, as input for the search of paths (path_target.c). */
#ifndef TESTS_FUZZ_PATH_SEEDS_H
#define TESTS_FUZZ_PATH_SEEDS_H

#include <stdint.h>
#include <stddef.h>

/** Elements at the front of an input that are no certificates sent by a broker. */
#define PATH_SEED_FIXED 3

/** \return how many there are; 0: mint_chain was not built */
size_t path_seeds_count(void);

/** Mints one in the temporary folder. \return bytes, which the caller frees, or NULL */
uint8_t *path_seed_make(size_t number, size_t *length);

#endif
