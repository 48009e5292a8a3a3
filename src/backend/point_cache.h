/* SPDX-License-Identifier: MIT */
/* Frees what wolfSSL caches about elliptic curve computations in this thread. */
#ifndef AMQP_WOLFSSL_POINT_CACHE_H
#define AMQP_WOLFSSL_POINT_CACHE_H

/**
 * Builds with FP_ECC (Debian 12's is one) keep tables of curve points, tens of kilobytes, for each thread, and lose
 * them when the thread ends. They pay off only if the same point is used many times in a row, which a connection that
 * stays open does not do. Called when a handshake or a check of credentials is over. Does nothing in other builds.
 */
void point_cache_release(void);

#endif
