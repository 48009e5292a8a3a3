/* SPDX-License-Identifier: MIT */
/* The revocation lists and OCSP responses of tests/support/mint-revocation, beside the test PKI. */
#ifndef TESTS_MINTED_REVOCATION_H
#define TESTS_MINTED_REVOCATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Mints into the temporary folder, which minted_certificates_make() has filled.
 * \param [out] has_responses false where the program that mints OCSP responses was not built, for want of OpenSSL's
 * library
 * \return 0 or -1
 */
int minted_revocation_make(bool *has_responses);

/**
 * The first block of a PEM file of the temporary folder, decoded; the file as it is when it is no PEM. Ends the program
 * when it can't.
 * \return a block of exactly its size, which the caller frees
 */
uint8_t *minted_der_read(const char *name, size_t *length);

#endif
