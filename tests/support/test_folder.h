/* SPDX-License-Identifier: MIT */
/*
 * One folder for all that a test program writes: freshly minted certificates, brokers. A process of its own watches
 * over it and stops the brokers and removes the folder when the test program is gone, killed or not.
 */
#ifndef TESTS_TEST_FOLDER_H
#define TESTS_TEST_FOLDER_H

#include <stddef.h>

/** Longest path handed out. */
#define TEST_PATH_SIZE 4096

/** Makes the folder and mints certificates into it. A CMocka group setup: 0, or -1 after saying why on stderr. */
int test_folder_make(void **state);
/**
 * Stops all peers (peer_process.h) and brokers, and removes it. A CMocka group teardown: 0, or -1 when something could
 * not be stopped.
 */
int test_folder_remove(void **state);

/** FOLDER/name. The result is \a path. */
const char *test_folder_path(char path[TEST_PATH_SIZE], const char *name);
/** The folder of the certificates. */
const char *test_folder_certificates(void);
/** The certificate \a name (see mint-certificates --help). The result is \a path. */
const char *test_folder_certificate(char path[TEST_PATH_SIZE], const char *name);
/** Its key; of NAME-leaf-only it is NAME's. The result is \a path. */
const char *test_folder_key(char path[TEST_PATH_SIZE], const char *name);

/** A file among the certificates, by its whole name: "crl.pem", "client-encrypted.key". The result is \a path. */
const char *test_folder_minted(char path[TEST_PATH_SIZE], const char *file);

/** A file of the project's source tree. The result is \a path. */
const char *test_folder_source_path(char path[TEST_PATH_SIZE], const char *name);
/** A program of the project's build tree. The result is \a path. */
const char *test_folder_build_path(char path[TEST_PATH_SIZE], const char *name);

#endif
