/* SPDX-License-Identifier: MIT */
/*
 * Builds a certification path from the broker's certificate to a trust anchor and validates it (RFC 5280, section 6).
 *
 * It does not rely on wolfSSL's own verdict on the certificates, which differs between versions and builds and is too
 * lenient in all of them. wolfCrypt only checks signatures, each with the key of the issuer that the path continues
 * with: a name alone never leads to a CA. The order in which certificates were sent does not matter, and those that are
 * not needed are ignored, however bad they are.
 *
 * A hostile set of certificates costs bounded work: signatures, steps and name comparisons are counted, and none is
 * computed twice.
 */
#ifndef AMQP_WOLFSSL_PATH_H
#define AMQP_WOLFSSL_PATH_H

#include "verification/path_question.h"

/**
 * Looks for a path that is valid now.
 * \return AMQP_WOLFSSL_OK, or what is wrong with the best path there is, in a record that names the certificate and its
 * depth on that path (an anchor's is the path's length)
 */
amqp_wolfssl_code_t path_find(struct path *path, const struct path_question *question, amqp_wolfssl_error_t *error);

#endif
