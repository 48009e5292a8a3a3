/* SPDX-License-Identifier: MIT */
/*
 * wolfSSL's headers, in the one order that works: options.h says how the library was built and must come before any
 * other (a build configured by hand in user_settings.h has none), and in FIPS builds fips.h renames calls that ssl.h
 * declares.
 */
#ifndef AMQP_WOLFSSL_WOLFSSL_HEADERS_H
#define AMQP_WOLFSSL_WOLFSSL_HEADERS_H

/*
 * wolfSSL's headers test macros that no header defines, and redefine conversions; our own warning flags are not meant
 * for them.
 */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wundef"
#pragma GCC diagnostic ignored "-Wconversion"
#ifdef HAVE_WOLFSSL_OPTIONS_H
#include <wolfssl/options.h>
#endif
#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/ssl.h>
#ifdef HAVE_FIPS
#include <wolfssl/wolfcrypt/fips.h>
#include <wolfssl/wolfcrypt/fips_test.h>
#endif
#pragma GCC diagnostic pop

#endif
