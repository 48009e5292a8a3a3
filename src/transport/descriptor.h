/* SPDX-License-Identifier: MIT */
/* The descriptor of a connected socket, whoever connected it. */
#ifndef AMQP_WOLFSSL_DESCRIPTOR_H
#define AMQP_WOLFSSL_DESCRIPTOR_H

#include <stdbool.h>

#include "base/error.h"

/** What descriptor_prepare() has changed, as fcntl() tells it. */
struct descriptor_flags {
  int of_descriptor;
  int of_file;
};

/** Whether \a descriptor is a connected stream socket; if not, \a error says what it is. */
amqp_wolfssl_code_t descriptor_check(int descriptor, amqp_wolfssl_error_t *error);

/**
 * Makes it what rabbitmq-c expects: it never blocks, is closed on exec, and TCP does not hold small writes back.
 * \param [out] before for descriptor_restore(); may be NULL
 * \return false with errno set, and then nothing has changed
 */
bool descriptor_prepare(int descriptor, struct descriptor_flags *before);
/** Makes it block, and stay open on exec, as before. */
void descriptor_restore(int descriptor, const struct descriptor_flags *before);

#endif
