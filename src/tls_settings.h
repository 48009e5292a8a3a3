/* SPDX-License-Identifier: MIT */
/* The options of a config that shape handshakes and their checks. */
#ifndef AMQP_WOLFSSL_TLS_SETTINGS_H
#define AMQP_WOLFSSL_TLS_SETTINGS_H

#include <stdbool.h>

#include "policy.h"

struct tls_settings {
  struct policy_limits limits;
  bool verify_peer;
  bool verify_host;
};

#endif
