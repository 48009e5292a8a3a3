/* SPDX-License-Identifier: MIT */
/* The options of a config that shape handshakes and their checks. */
#ifndef AMQP_WOLFSSL_TLS_SETTINGS_H
#define AMQP_WOLFSSL_TLS_SETTINGS_H

#include <stdbool.h>

#include "policy/policy.h"

struct revocation_sources;

struct tls_settings {
  struct policy_limits limits;
  bool verify_peer;
  bool verify_host;
  amqp_wolfssl_stapling_t stapling;
  struct revocation_sources *revocation; /* NULL: no revocation lists */
};

#endif
