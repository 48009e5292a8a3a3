/* SPDX-License-Identifier: MIT */
/* wolfSSL's error codes in our terms: one table translates them. */
#ifndef AMQP_WOLFSSL_WOLFSSL_ERROR_H
#define AMQP_WOLFSSL_WOLFSSL_ERROR_H

#include "base/error.h"

/** What wolfSSL's code means in our terms. */
struct wolfssl_cause {
  amqp_wolfssl_stage_t stage;
  amqp_wolfssl_code_t code;
  const char *sentence; /**< what happened and what to do, without particulars */
};

/** Sets a record from one of wolfSSL's codes (negative). Codes that are not in the table become \a fallback. */
amqp_wolfssl_code_t wolfssl_error_set(amqp_wolfssl_error_t *error, int wolfssl_code,
                                      const struct wolfssl_cause *fallback);

/** The table's cause for one of wolfSSL's codes, or NULL. */
const struct wolfssl_cause *wolfssl_error_find_cause(int wolfssl_code);

#endif
