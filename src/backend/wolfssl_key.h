/* SPDX-License-Identifier: MIT */
/*
 * Room for wolfSSL's key structures. The headers that 5.5.4's default build installs declare them smaller than the
 * library has them (options.h does not list all that the library was built with), so a key on the stack would be
 * overrun.
 */
#ifndef AMQP_WOLFSSL_WOLFSSL_KEY_H
#define AMQP_WOLFSSL_WOLFSSL_KEY_H

#include "backend/wolfssl_headers.h"

#include <wolfssl/wolfcrypt/ecc.h>
#include <wolfssl/wolfcrypt/rsa.h>

#define STRUCTURE_SLACK 1024

union rsa_key_room {
  RsaKey key;
  byte room[sizeof(RsaKey) + STRUCTURE_SLACK];
};
union ec_key_room {
  ecc_key key;
  byte room[sizeof(ecc_key) + STRUCTURE_SLACK];
};

#endif
