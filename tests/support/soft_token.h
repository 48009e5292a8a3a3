/* SPDX-License-Identifier: MIT */
/* PKCS#11 tokens made of software (SoftHSM), in a folder of the test's own. */
#ifndef TESTS_SOFT_TOKEN_H
#define TESTS_SOFT_TOKEN_H

#include <stddef.h>

#define SOFT_TOKEN_URI_SIZE 4608

/** Skips the running case when SoftHSM is missing, or fails it where REQUIRE_PEERS=1. */
void soft_token_require(void);

/**
 * Points SoftHSM, in this process and those it starts, to tokens below \a folder, of which there are none yet. Call it
 * before anything else.
 * \return 0 or -1; also 0 without SoftHSM
 */
int soft_token_setup(const char *folder);

/** Makes a token; the running case fails when it can't. */
void soft_token_make(const char *label, const char *pin);
/** Puts the key of a PEM file (PKCS#8) into a token, which then has it as \a object and \a id (hexadecimal). */
void soft_token_import(const char *label, const char *pin, const char *key_path, const char *object, const char *id);

/** SoftHSM's module. */
const char *soft_token_module(void);
/** "pkcs11:PATH?module-path=MODULE&QUERY"; \a query may be NULL. The result is \a uri. */
const char *soft_token_uri(char uri[SOFT_TOKEN_URI_SIZE], const char *path, const char *query);

#endif
