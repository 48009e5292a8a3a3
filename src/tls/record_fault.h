/* SPDX-License-Identifier: MIT */
/* What a fault in the incoming stream is told as: an error record, and the alert that answers it. */
#ifndef AMQP_WOLFSSL_RECORD_FAULT_H
#define AMQP_WOLFSSL_RECORD_FAULT_H

#include <stdint.h>

#include "base/error.h"
#include "tls/record_framing.h"

/** The alert for a stream at fault. */
uint8_t record_fault_alert(const struct record_framing *framing, const struct server_hello *hello);

/** Sets the record, with what the peer sent in its sentence. \param [in] hello NULL once the handshake is over */
void record_fault_explain(const struct record_framing *framing, const struct server_hello *hello,
                          amqp_wolfssl_stage_t stage, amqp_wolfssl_error_t *error);

#endif
