/* SPDX-License-Identifier: MIT */
/*
 * The parameters of RSASSA-PSS (RFC 4055, section 3.1) give hash, mask and salt. Of all possible sets, three are in
 * use, the SignatureSchemes of TLS: mask generation with the same hash, and a salt as long as the hash. A mask made
 * with SHA-1, or no salt at all, would pass a policy that looks only at the hash.
 */
#ifndef AMQP_WOLFSSL_PSS_PARAMETERS_H
#define AMQP_WOLFSSL_PSS_PARAMETERS_H

#include "base/byte_slice.h"

/**
 * \param [in] parameters RSASSA-PSS-params, tag and length included
 * \return 0x0809, 0x080a or 0x080b (rsa_pss_pss_sha256, -384, -512; RFC 8446, section 4.2.3), or 0: another set
 */
uint16_t pss_parameters_scheme(struct byte_slice parameters);

#endif
