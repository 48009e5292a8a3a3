/* SPDX-License-Identifier: MIT */
/*
 * Judges by a stapled OCSP response whether the broker's own certificate is revoked. What can't be known is refused.
 *
 * wolfSSL's own check is not relied upon: in builds with the OpenSSL layer before 5.8 it accepts a response signed by
 * any certificate that leads to a trusted CA, even the revoked one. A default build does not check at all.
 */
#ifndef AMQP_WOLFSSL_OCSP_CHECK_H
#define AMQP_WOLFSSL_OCSP_CHECK_H

#include "base/byte_slice.h"
#include "verification/revocation.h"

/**
 * The response must be about the broker's certificate, good, in date, and signed by the certificate's issuer or by a
 * responder that the issuer authorised; if there are CRLs, they must show that the responder is not revoked.
 * \return as revocation_check_path()
 */
amqp_wolfssl_code_t ocsp_check_response(const struct revocation_check *check, struct byte_slice response,
                                        amqp_wolfssl_error_t *error);

#endif
