/* SPDX-License-Identifier: MIT */
/* The options of a config that shape handshakes and their checks. */
#ifndef AMQP_WOLFSSL_TLS_SETTINGS_H
#define AMQP_WOLFSSL_TLS_SETTINGS_H

#include <stdbool.h>

#include "policy/policy.h"

struct expected_identity;
struct revocation_sources;

struct tls_settings {
  struct policy_limits limits;
  bool verify_peer;
  bool verify_host;
  const struct expected_identity *expected; /* NULL: the host connected to, and nothing more */
  amqp_wolfssl_stapling_t stapling;
  bool depth_is_limited;
  unsigned maximum_depth; /* if so: intermediates on the path; those that issued themselves don't count */
  struct revocation_sources *revocation; /* NULL: no revocation lists */
};

#endif
