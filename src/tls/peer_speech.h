/* SPDX-License-Identifier: MIT */
/*
 * What a peer speaks, by its first bytes, for those who connect to the wrong port. Pure: no wolfSSL, no sockets.
 */
#ifndef AMQP_WOLFSSL_PEER_SPEECH_H
#define AMQP_WOLFSSL_PEER_SPEECH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum peer_speech_kind {
  PEER_SPEECH_UNKNOWN,    /**< too few bytes so far */
  PEER_SPEECH_TLS,        /**< a TLS record */
  PEER_SPEECH_PLAIN_AMQP, /**< an AMQP protocol header ("AMQP" 0 0 9 1 and its kin), or an AMQP 0-9-1 method frame of
                               class connection on channel 0 */
  PEER_SPEECH_OTHER       /**< anything else */
};

/** How many bytes are kept from a peer that does not speak TLS, to show them. */
#define PEER_SPEECH_SAMPLE_LENGTH 24

struct peer_speech {
  enum peer_speech_kind kind;
  uint8_t sample[PEER_SPEECH_SAMPLE_LENGTH];
  size_t sample_length; /**< the first bytes of the stream, whatever they are */
};

void peer_speech_init(struct peer_speech *speech);

/** Takes the next bytes of the stream, in pieces of any size. Costs one comparison once the sample is complete. */
void peer_speech_watch(struct peer_speech *speech, const uint8_t *bytes, size_t length);

/**
 * The sample as text for an error sentence: printable ASCII as it is, backslashes and other bytes as a backslash and
 * two upper case hexadecimal digits. Always ends in NUL, except when \a capacity is 0.
 */
void peer_speech_format_sample(const struct peer_speech *speech, char *text, size_t capacity);

#endif
