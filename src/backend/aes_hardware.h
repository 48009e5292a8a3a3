/* SPDX-License-Identifier: MIT */
/* Whether the wolfSSL that this process runs on does AES with the processor's instructions. */
#ifndef AMQP_WOLFSSL_AES_HARDWARE_H
#define AMQP_WOLFSSL_AES_HARDWARE_H

#include <stdbool.h>
#include <stdint.h>

#define AES_HARDWARE_KEY_BYTES 16
#define AES_HARDWARE_UNKNOWN "AES unknown"

/** What is known of it, for the line about the build: "AES by hardware", for one. Static text. */
const char *aes_hardware_text(void);

/**
 * The same of a wolfSSL that keeps the AES-128 key \a key as \a kept, on a processor that has instructions for AES or
 * has not.
 */
const char *aes_hardware_judge(const uint8_t *key, const uint8_t *kept, bool processor_has_aes);

#endif
