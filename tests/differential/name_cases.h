/* SPDX-License-Identifier: MIT */
/* Name constraints: every combination of permitted and excluded subtrees with alternative names. */
#ifndef TESTS_DIFFERENTIAL_NAME_CASES_H
#define TESTS_DIFFERENTIAL_NAME_CASES_H

#include <stddef.h>

#include "x509/certificate_list.h"

size_t name_cases_count(void);

/**
 * \param [out] sent the broker's certificate and an intermediate CA's
 * \param [out] anchors the root; it or the intermediate has the constraints
 * \param [out] description for a person
 */
void name_case_make(size_t number, struct certificate_list *sent, struct certificate_list *anchors, char *description,
                    size_t capacity);

#endif
