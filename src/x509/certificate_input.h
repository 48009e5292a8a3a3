/* SPDX-License-Identifier: MIT */
/* Turns what a person hands over (PEM or DER, one certificate or many) into a list of certificates that can be read. */
#ifndef AMQP_WOLFSSL_CERTIFICATE_INPUT_H
#define AMQP_WOLFSSL_CERTIFICATE_INPUT_H

#include "x509/certificate_list.h"
#include "base/error.h"

/**
 * Adds every certificate of the input to \a list; \a list may hold some of them when it fails.
 * \param [in] origin the file's path or "the certificate in memory", for the sentence
 * \return AMQP_WOLFSSL_OK, NO_CERTIFICATE, CERTIFICATE_MALFORMED, INVALID_ARGUMENT (too long) or NO_MEMORY
 */
amqp_wolfssl_code_t certificate_input_read(struct certificate_list *list, const void *data, size_t length,
                                           amqp_wolfssl_format_t format, const char *origin,
                                           amqp_wolfssl_error_t *error);

#endif
