/* SPDX-License-Identifier: MIT */
/*
 * wolfSSL's opinion on a path that we have found to be valid. It is asked about the certificates of that path alone,
 * each with its issuer in a certificate manager that lives as long as the question: whatever else the broker sent, and
 * in which order, is not held against it, and nothing that a peer sent stays behind.
 *
 * It can only add a refusal to our verdict, and a few of its refusals don't count: those by rules that we apply in full
 * and wolfSSL does not (docs/x509.md lists them).
 */
#ifndef AMQP_WOLFSSL_WOLFSSL_OPINION_H
#define AMQP_WOLFSSL_WOLFSSL_OPINION_H

#include "verification/path_question.h"

/** \return AMQP_WOLFSSL_OK, or why it refuses, in a record that names the certificate and its depth on the path */
amqp_wolfssl_code_t wolfssl_opinion_ask(const struct path *path, const struct path_question *question,
                                        amqp_wolfssl_error_t *error);

#endif
