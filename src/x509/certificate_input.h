/* SPDX-License-Identifier: MIT */
/* Turns user input (PEM or DER, one certificate or many) into a list of readable certificates. */
#ifndef AMQP_WOLFSSL_CERTIFICATE_INPUT_H
#define AMQP_WOLFSSL_CERTIFICATE_INPUT_H

#include "x509/certificate_list.h"
#include "base/error.h"

/**
 * Adds every certificate in the input to \a list; on failure \a list may contain some of them.
 * \param [in] origin the file's path or "the certificate in memory", for the error sentence
 * \return AMQP_WOLFSSL_OK, NO_CERTIFICATE, CERTIFICATE_MALFORMED, INVALID_ARGUMENT (too long) or NO_MEMORY
 */
amqp_wolfssl_code_t certificate_input_read(struct certificate_list *list, const void *data, size_t length,
                                           amqp_wolfssl_format_t format, const char *origin,
                                           amqp_wolfssl_error_t *error);

#endif
