/* SPDX-License-Identifier: MIT */
/* CAs that have certified one another at random, and not always rightly. */
#ifndef TESTS_DIFFERENTIAL_PATH_CASES_H
#define TESTS_DIFFERENTIAL_PATH_CASES_H

#include <stddef.h>
#include <stdint.h>

#include "x509/certificate_list.h"

/** The same structure for the same seed. \param [out] description a line for each certificate */
void path_case_make(uint64_t seed, struct certificate_list *sent, struct certificate_list *anchors, char *description,
                    size_t capacity);

#endif
