/* SPDX-License-Identifier: MIT */
/*
 * What a program gave for a name, in a sentence. It may be a whole URI of the broker's by mistake, or what was cut out
 * of one wrongly: with a user and a password.
 */
#ifndef AMQP_WOLFSSL_SHOWN_NAME_H
#define AMQP_WOLFSSL_SHOWN_NAME_H

/** \a name itself, or, if it has a part in which URIs keep passwords, words that say so: never NULL. */
const char *shown_name(const char *name);

#endif
