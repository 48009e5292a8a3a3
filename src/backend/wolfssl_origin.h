/* SPDX-License-Identifier: MIT */
/* Whether the wolfSSL that our calls reach is the one this library was built for, and a single one. */
#ifndef AMQP_WOLFSSL_WOLFSSL_ORIGIN_H
#define AMQP_WOLFSSL_WOLFSSL_ORIGIN_H

#include <stddef.h>
#include <stdint.h>

/** The file a function was found in. */
struct wolfssl_place {
  const void *base; /**< where it is in memory; NULL: unknown, as in a program without shared libraries */
  const char *file;
};

struct wolfssl_origin {
  const struct wolfssl_place *places; /**< of functions, as our calls reach them */
  size_t count;
  const struct wolfssl_place *needed; /**< the wolfSSL that we are linked with; NULL: unknown */
  uint32_t built;                     /**< the headers' version, as LIBWOLFSSL_VERSION_HEX */
  uint32_t running;
};

/** Writes why this wolfSSL must not be used, as one sentence; "" if it may be. */
void wolfssl_origin_judge(const struct wolfssl_origin *origin, char *sentence, size_t size);

/** Judges the running process, once. Any thread. \return NULL, or the sentence; static text */
const char *wolfssl_origin_refusal(void);

#endif
