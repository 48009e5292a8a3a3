/* SPDX-License-Identifier: MIT */
/* What TLS calls the algorithms that X.509 objects are signed with. Pure. */
#ifndef AMQP_WOLFSSL_SIGNATURE_SCHEME_H
#define AMQP_WOLFSSL_SIGNATURE_SCHEME_H

#include "base/byte_slice.h"

/**
 * An AlgorithmIdentifier as a SignatureScheme (RFC 8446, section 4.2.3), which for ECDSA gives the hash but not the
 * curve; older ones as numbered by RFC 5246 (hash, signature).
 * \param [in] identifier content of the OBJECT IDENTIFIER
 * \param [in] parameters tag and length included; may be empty
 * \return 0: another, or parameters that it may not have
 */
uint16_t signature_scheme_find(struct byte_slice identifier, struct byte_slice parameters);

#endif
