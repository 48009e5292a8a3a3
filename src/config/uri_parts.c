/* SPDX-License-Identifier: MIT */
/* What a broker's URI holds for the program: the part for amqp_parse_url(), and the parameters for amqp_login(). */
#include "autoconfig.h"

#include <string.h>

#include "config/broker_uri.h"

static amqp_wolfssl_code_t write_front(const char *text, char *buffer, size_t capacity) {
  struct broker_uri uri;
  amqp_wolfssl_error_t unused;
  amqp_wolfssl_code_t code = broker_uri_read(&uri, text, &unused);

  if (code != AMQP_WOLFSSL_OK) {
    return code;
  }
  if (uri.front_length < capacity) {
    memcpy(buffer, text, uri.front_length);
    buffer[uri.front_length] = '\0';
  } else {
    code = AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT;
  }
  broker_uri_free(&uri);
  return code;
}

amqp_wolfssl_code_t amqp_wolfssl_uri_strip(const char *uri, char *buffer, size_t capacity) {
  if (buffer == NULL || capacity == 0) {
    return AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT;
  }
  buffer[0] = '\0';
  return uri == NULL ? AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT : write_front(uri, buffer, capacity);
}

static int32_t find_number(const struct broker_uri *uri, amqp_wolfssl_uri_number_t number) {
  switch (number) { /* no default: -Wswitch finds the missing case */
    case AMQP_WOLFSSL_URI_HEARTBEAT:
      return uri->heartbeat;
    case AMQP_WOLFSSL_URI_CONNECTION_TIMEOUT:
      return uri->connection_timeout;
    case AMQP_WOLFSSL_URI_CHANNEL_MAX:
      return uri->channel_max;
  }
  return -1;
}

int amqp_wolfssl_uri_number(const char *uri, amqp_wolfssl_uri_number_t number, int otherwise) {
  struct broker_uri read;
  amqp_wolfssl_error_t unused;
  int32_t found;

  if (uri == NULL || broker_uri_read(&read, uri, &unused) != AMQP_WOLFSSL_OK) {
    return otherwise;
  }
  found = find_number(&read, number);
  broker_uri_free(&read);
  return found >= 0 ? found : otherwise;
}

const char *amqp_wolfssl_uri_auth_mechanism(const char *uri, size_t index) {
  struct broker_uri read;
  amqp_wolfssl_error_t unused;
  const char *mechanism;

  if (uri == NULL || broker_uri_read(&read, uri, &unused) != AMQP_WOLFSSL_OK) {
    return NULL;
  }
  mechanism = index < read.mechanism_count ? read.mechanisms[index] : NULL;
  broker_uri_free(&read);
  return mechanism;
}
