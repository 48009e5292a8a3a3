/* SPDX-License-Identifier: MIT */
/* Which libraries this one was built with, and which it found when the program started. */
#include "autoconfig.h"

#include <stdio.h>

#include "amqp_wolfssl_socket.h"
#include "backend/build_info.h"
#include "backend/wolfssl_headers.h"

#include <wolfssl/version.h>

#ifdef HAVE_FIPS
#if defined(FIPS_REQUIRED) && defined(FIPS_LEAST_VERSION)
#define BUILT_ON_FIPS ", FIPS module (required)"
#elif defined(FIPS_REQUIRED)
#define BUILT_ON_FIPS ", FIPS module (required, of 140-2 too)"
#else
#define BUILT_ON_FIPS ", FIPS module"
#endif
#else
#define BUILT_ON_FIPS ""
#endif

#define POLICY_INFO "; policy " DEFAULT_POLICY_NAME "%s"

static char line[512];

void build_info_write(const char *fips_module, const char *aes) {
  (void)snprintf(line, sizeof(line),
                 PACKAGE_NAME " " PACKAGE_VERSION " (built with wolfSSL " LIBWOLFSSL_VERSION_STRING BUILT_ON_FIPS
                              ", librabbitmq " AMQP_VERSION_STRING
                              "; running on wolfSSL %s%s, librabbitmq %s; %s" POLICY_INFO ")",
                 wolfSSL_lib_version(), fips_module, amqp_version(), aes, POLICY_LOCK ? ", locked" : "");
}

const char *build_info_line(void) { return line; }

const char *build_info_wolfssl_version(void) { return wolfSSL_lib_version(); }

const char *amqp_wolfssl_version(void) { return PACKAGE_VERSION; }

uint32_t amqp_wolfssl_version_number(void) { return AMQP_WOLFSSL_VERSION_NUMBER; }
