/* SPDX-License-Identifier: MIT */
/*
 * What a version that wolfSSL's FIPS module reports says of the standard that the module is made for. Also compiled by
 * configure, which must judge as the library does.
 */
#ifndef AMQP_WOLFSSL_FIPS_VERSION_H
#define AMQP_WOLFSSL_FIPS_VERSION_H

/** The first version of the module that is for FIPS 140-3; those before are for FIPS 140-2. */
#define FIPS_VERSION_OF_140_3 5

/**
 * The major number in \a reported, as "wolfCrypt v5.2.1" or "v4.6.2"; 0 if there is no version in it, or more than one,
 * or one of more than four digits: then nobody knows.
 */
int fips_version_major(const char *reported);

/** "FIPS 140-3", "FIPS 140-2", or "" if the version says nothing. Static text. */
const char *fips_version_standard(const char *reported);

#endif
