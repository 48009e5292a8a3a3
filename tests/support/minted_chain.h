/* SPDX-License-Identifier: MIT */
/* Certificates from the terse descriptions of mint_chain.c. */
#ifndef TESTS_MINTED_CHAIN_H
#define TESTS_MINTED_CHAIN_H

#include "x509/certificate_list.h"

/**
 * Mints into the temporary folder: NAME.der, NAME.pem and NAME.key of each certificate. Fails the test when that fails,
 * and skips it where OpenSSL's headers were missing when it was built.
 */
void minted_chain_make(const char *description);

/** Puts several certificates into NAME.pem, and the first one's key into NAME.key. \param names with blanks between */
void minted_chain_join(const char *name, const char *names);

/** Adds the certificates NAME.der to a list. \param names with blanks between */
void minted_chain_add(struct certificate_list *list, const char *names);

#endif
