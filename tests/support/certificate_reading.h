/* SPDX-License-Identifier: MIT */
/* What tests of the certificate reader have in common, wherever their certificates come from. */
#ifndef TESTS_CERTIFICATE_READING_H
#define TESTS_CERTIFICATE_READING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/byte_slice.h"

/** Whether a copy of exactly this size is read; everything in it is looked at then, for the sanitizers. */
bool reads(const uint8_t *der, size_t length);
/** Formats all alternative names in \a rest. */
void walk_names(struct byte_slice rest);
/** Fails the running case unless the certificate is read and its subject formatted as \a expected. */
void expect_subject(const uint8_t *der, size_t length, const char *expected);
/** The same with all alternative names, a line each. */
void expect_alternative_names(const uint8_t *der, size_t length, const char *expected);

#endif
