/* SPDX-License-Identifier: MIT */
/* Finds the stapled OCSP response in what a server sends in TLS 1.2 (RFC 6066, section 8). Pure. */
#ifndef AMQP_WOLFSSL_STAPLED_STATUS_H
#define AMQP_WOLFSSL_STAPLED_STATUS_H

#include "base/byte_slice.h"

/** Takes a TLS 1.2 handshake message, including its header. \return false if it is not a CertificateStatus */
bool stapled_status_in_message(struct byte_slice message, struct byte_slice *response);

#endif
