/* SPDX-License-Identifier: MIT */
/* When certificates that are in use end. */
#ifndef AMQP_WOLFSSL_CERTIFICATE_DATES_H
#define AMQP_WOLFSSL_CERTIFICATE_DATES_H

#include <stdint.h>

#include "x509/certificate_list.h"

/** There is no certificate that could end. */
#define CERTIFICATE_NEVER_ENDS INT64_MAX

/** End of the first, in seconds since 1970-01-01 UTC, or CERTIFICATE_NEVER_ENDS. */
int64_t certificate_dates_leaf_end(const struct certificate_list *chain);

/** The earliest end of all, likewise. */
int64_t certificate_dates_earliest_end(const struct certificate_list *list);

/** Seconds from \a now to \a end; negative once it has passed; CERTIFICATE_NEVER_ENDS stays what it is. */
int64_t certificate_dates_left(int64_t end, int64_t now);

#endif
