/* SPDX-License-Identifier: MIT */
/*
 * PINs that a token has rejected: none is tried twice, however often an identity is read again, because tokens lock
 * after a few wrong ones. For one config; guarded by who reads the identity.
 */
#ifndef AMQP_WOLFSSL_PKCS11_LOGIN_H
#define AMQP_WOLFSSL_PKCS11_LOGIN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/secret.h"

/** More wrong PINs than most tokens forgive: after these no other one is tried, in any token. */
#define PKCS11_LOGIN_REJECTED_MAXIMUM 4

/** Empty when zeroed. */
struct pkcs11_login {
  struct secret rejected[PKCS11_LOGIN_REJECTED_MAXIMUM]; /**< the token's name, a NUL, the PIN */
  size_t count;
  bool exhausted; /**< some can't be remembered: nothing is tried any more */
};

/** Whether \a pin may be tried in that token. \param [in] login NULL: anything may be tried */
bool pkcs11_login_may_try(const struct pkcs11_login *login, const char *token, const struct secret *pin);

/** Remembers a PIN that the token has rejected. NULL does nothing. */
void pkcs11_login_rejected(struct pkcs11_login *login, const char *token, const struct secret *pin);

/** Wipes. */
void pkcs11_login_free(struct pkcs11_login *login);

#endif
