/* SPDX-License-Identifier: MIT */
/* Status codes of rabbitmq-c that the installed release may not have yet. */
#ifndef AMQP_WOLFSSL_SSL_STATUS_H
#define AMQP_WOLFSSL_SSL_STATUS_H

/** AMQP_STATUS_SSL_SET_ENGINE_FAILED, since 0.11. */
#define SSL_STATUS_SET_ENGINE_FAILED (-0x0204)
/** AMQP_STATUS_SSL_UNIMPLEMENTED, since 0.14. */
#define SSL_STATUS_UNIMPLEMENTED (-0x0205)

#endif
