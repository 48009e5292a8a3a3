/* SPDX-License-Identifier: MIT */
/* The test PKI of tests/support/mint-certificates, and certificates with dates and extensions of a test's choice. */
#ifndef TESTS_MINTED_CERTIFICATES_H
#define TESTS_MINTED_CERTIFICATES_H

/**
 * Makes the temporary folder, and the PKI in it: a copy of the one in the environment's CERTIFICATE_POOL, which the
 * first who wants it mints there, or one of its own if that is not set. Also a CMocka group set-up, for a program that
 * has a time limit of its own: \a state is not used.
 * \return 0 or -1
 */
int minted_certificates_make(void **state);

/**
 * A CMocka group set-up: a time limit for the program, and minted_certificates_make(). Nothing is left when it fails.
 * For CMocka's sake \a state is taken and not used.
 */
int minted_certificates_set_up(void **state);
/** The same with files of the test's own: \a make_more() is called then, and returns 0 or -1. */
int minted_certificates_set_up_with(int (*make_more)(void));
/** A CMocka group tear-down: temporary_folder_remove(). */
int minted_certificates_tear_down(void **state);

/** The path of the certificate \a name (see mint-certificates --help); it lasts as path_join()'s (paths.h). */
const char *minted_certificate(const char *name);
/** Of its key; of NAME-leaf-only it is NAME's. */
const char *minted_key(const char *name);

/**
 * Mints \a name (".pem" and ".key" are added) into the temporary folder: self-signed, EC P-256, with the subject
 * CN=name.
 * \param [in] from_days, to_days validity, in days from now
 * \return 0 or -1
 */
int minted_certificates_self_signed(const char *name, int from_days, int to_days, const char *extensions);

/**
 * A CMocka group set-up for programs that need a server and no more: makes the temporary folder and mints "server" for
 * 127.0.0.1, which is its own CA. The whole PKI takes seconds. For CMocka's sake \a state is taken and not used.
 */
int minted_certificates_server_alone(void **state);

#endif
