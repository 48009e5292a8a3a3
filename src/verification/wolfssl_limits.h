/* SPDX-License-Identifier: MIT */
/* What some version of wolfSSL does not read in certificates that are fine, and that we read ourselves. */
#ifndef AMQP_WOLFSSL_WOLFSSL_LIMITS_H
#define AMQP_WOLFSSL_WOLFSSL_LIMITS_H

#include <stdbool.h>

#include "x509/certificate_list.h"

/** Whether wolfSSL's refusal to read a certificate is explained by one of its limits. */
bool wolfssl_limits_explain(int wolfssl_code, const struct certificate_der *der);

#endif
