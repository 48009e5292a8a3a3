/* SPDX-License-Identifier: MIT */
/*
 * The certificates of a handshake that wolfSSL ended while it read them, before it asked anybody about them. Only its
 * record of the session has them then.
 */
#ifndef AMQP_WOLFSSL_UNREAD_CHAIN_H
#define AMQP_WOLFSSL_UNREAD_CHAIN_H

#include <stdbool.h>

#include "base/error.h"

struct WOLFSSL;

/** Whether the peer has sent any. Without a record (SESSION_CERTS) it never has. */
bool unread_chain_exists(struct WOLFSSL *ssl);

/** Says of the first that can't be parsed which it is, and what in it. \return false: all of them can be, by us */
bool unread_chain_explain(struct WOLFSSL *ssl, amqp_wolfssl_error_t *error);

#endif
