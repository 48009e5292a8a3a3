/* SPDX-License-Identifier: MIT */
/*
 * URIs of brokers. What is taken is taken by rabbitmq-c too, without the query; what is refused is refused in a
 * sentence that shows nothing of a URI but names of parameters.
 */
#include "properties.h"
#include "targets.h"

#include <stdlib.h>
#include <string.h>

#include "amqp_wolfssl_socket.h"
#include "config/broker_uri.h"

/* Beyond ASCII rabbitmq-c takes no escapes. */
static bool has_escape_beyond_ascii(const char *text) {
  for (; *text != '\0'; text++) {
    if (*text == '%' && strchr("89abcdefABCDEF", text[1]) != NULL) {
      return true;
    }
  }
  return false;
}

static void require_front(const char *text, size_t length) {
  struct amqp_connection_info info;
  char *front = strndup(text, length);

  REQUIRE(front != NULL && length <= strlen(text));
  REQUIRE(strncmp(front, "amqps://", 8) == 0 && strpbrk(front, "?#") == NULL);
  if (!has_escape_beyond_ascii(front)) {
    REQUIRE(amqp_parse_url(front, &info) == AMQP_STATUS_OK);
    REQUIRE(info.ssl && info.port >= 1 && info.port <= 65535);
  }
  free(front);
}

static void require_text(const struct broker_uri *uri, const char *text) {
  const char *start = (const char *)uri->decoded.bytes;

  REQUIRE(text == NULL || (text >= start && text < start + uri->decoded.length && *text != '\0'));
  REQUIRE(text == NULL || strlen(text) < (size_t)(start + uri->decoded.length - text));
}

static void require_uri(const struct broker_uri *uri, const char *text) {
  require_front(text, uri->front_length);
  REQUIRE(text[uri->front_length] == '\0' || text[uri->front_length] == '?');
  require_text(uri, uri->ca_file);
  require_text(uri, uri->certificate_file);
  require_text(uri, uri->key_file);
  require_text(uri, uri->password);
  require_text(uri, uri->server_name);
  REQUIRE((uri->certificate_file == NULL) == (uri->key_file == NULL));
  REQUIRE(uri->password == NULL || uri->key_file != NULL);
  REQUIRE(!uri->any_name || uri->server_name == NULL);
  REQUIRE(uri->depth >= -1 && uri->depth <= 255 && (uri->depth == -1 || uri->verify != BROKER_URI_VERIFY_NONE));
  REQUIRE(uri->heartbeat >= -1 && uri->heartbeat <= 65535 && uri->channel_max >= -1 && uri->channel_max <= 65535);
  REQUIRE(uri->connection_timeout == -1 || uri->connection_timeout >= 1);
  REQUIRE(uri->mechanism_count <= 3);
}

/* The most of a URI that a sentence may show is a name, in quotes, of up to 40 characters. */
static void require_sentence(const amqp_wolfssl_error_t *error, const char *text) {
  const size_t shown = 41;
  const size_t length = strlen(text);

  REQUIRE(error->code == AMQP_WOLFSSL_ERROR_BROKER_URI_INVALID && error->message[0] != '\0');
  for (size_t i = 0; i < strlen(error->message); i++) {
    REQUIRE(error->message[i] >= ' ' && error->message[i] <= '~');
  }
  for (size_t i = 0; i + shown <= length; i++) {
    char piece[42] = "";

    memcpy(piece, text + i, shown);
    REQUIRE(strstr(error->message, piece) == NULL);
  }
}

int fuzz_broker_uri(const uint8_t *data, size_t size) {
  char *text = strndup(size > 0 ? (const char *)data : "", size);
  amqp_wolfssl_error_t error;
  struct broker_uri uri;

  REQUIRE(text != NULL);
  if (broker_uri_read(&uri, text, &error) == AMQP_WOLFSSL_OK) {
    require_uri(&uri, text);
    fuzz_accepted++;
  } else {
    require_sentence(&error, text);
    REQUIRE(uri.decoded.bytes == NULL);
  }
  broker_uri_free(&uri);
  free(text);
  return 0;
}
