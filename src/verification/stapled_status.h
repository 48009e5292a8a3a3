/* SPDX-License-Identifier: MIT */
/* Finds the stapled OCSP answer in what a server sends (RFC 6066, section 8; RFC 8446, section 4.4.2.1). Pure. */
#ifndef AMQP_WOLFSSL_STAPLED_STATUS_H
#define AMQP_WOLFSSL_STAPLED_STATUS_H

#include "base/byte_slice.h"

/** In the extensions of a TLS 1.3 CertificateEntry. \return false when there is none, or none that can be read */
bool stapled_status_in_extensions(struct byte_slice extensions, struct byte_slice *answer);

/** In a TLS 1.2 handshake message, its header included. \return false when it is no CertificateStatus */
bool stapled_status_in_message(struct byte_slice message, struct byte_slice *answer);

#endif
