/* SPDX-License-Identifier: MIT */
/*
 * Reads the URI of a broker: amqps://user:password@host:port/vhost?query, with RabbitMQ's query parameters. What stands
 * before the query is checked by the rules of amqp_parse_url() and left as it is. Pure: opens no file, changes nothing.
 *
 * URIs contain secrets, in places that a typing error decides about: no text of the URI gets into a sentence but the
 * names of parameters, and those only where they can't be a piece of a password.
 */
#ifndef AMQP_WOLFSSL_BROKER_URI_H
#define AMQP_WOLFSSL_BROKER_URI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/secret.h"

/** Longest URI that is read. */
#define BROKER_URI_LENGTH 16384

/** More than there are mechanisms: none may be named twice. */
#define BROKER_URI_MECHANISMS 4

enum broker_uri_verify { BROKER_URI_VERIFY_UNSAID, BROKER_URI_VERIFY_PEER, BROKER_URI_VERIFY_NONE };

/** Texts are NUL-terminated and NULL if not given, numbers -1. */
struct broker_uri {
  size_t front_length; /**< bytes before the query */
  const char *ca_file;
  const char *certificate_file;
  const char *key_file;
  const char *password;
  const char *server_name;
  bool any_name; /**< server_name_indication=disable */
  enum broker_uri_verify verify;
  int32_t depth;
  int32_t heartbeat;          /**< seconds */
  int32_t connection_timeout; /**< milliseconds */
  int32_t channel_max;
  const char *mechanisms[BROKER_URI_MECHANISMS]; /**< static texts, as SASL spells them */
  size_t mechanism_count;
  struct secret decoded; /**< holds the texts */
};

/**
 * \return AMQP_WOLFSSL_OK, or AMQP_WOLFSSL_ERROR_BROKER_URI_INVALID or AMQP_WOLFSSL_ERROR_NO_MEMORY with \a uri empty
 */
amqp_wolfssl_code_t broker_uri_read(struct broker_uri *uri, const char *text, amqp_wolfssl_error_t *error);

/** Wipes the texts. */
void broker_uri_free(struct broker_uri *uri);

#endif
