/* SPDX-License-Identifier: MIT */
/* The program's callback for an open that has succeeded, and the sentence it gets. */
#include "autoconfig.h"

#include <stdio.h>

#include "backend/build_info.h"
#include "base/one_line.h"
#include "transport/transport.h"
#include "verification/expected_identity.h"

#define SENTENCE_LENGTH 1024

/* What is known of whom we are connected with. That nothing is known must not look like its opposite. */
static const char *verified(const struct transport *transport) {
  const struct tls_settings *settings = config_settings(transport->config);

  if (!settings->verify_peer) {
    return "NOT verified";
  }
  if (expected_identity_has_uri(settings->expected)) {
    return settings->verify_host ? "verified, its URI too" : "verified by its URI";
  }
  return settings->verify_host ? "verified" : "verified, but not its name";
}

/* "broker.example port 5671"; the program connected a descriptor itself if there is no port. */
static void write_place(char *text, size_t capacity, const char *host, int port) {
  if (port != 0) {
    (void)snprintf(text, capacity, "%.255s port %d", host, port);
  } else {
    (void)snprintf(text, capacity, "%.255s by a descriptor of the program's",
                   host != NULL ? host : "an unnamed broker");
  }
}

static void write_sentence(char *text, size_t capacity, const struct transport *transport, const char *host, int port) {
  const struct connection_facts *facts = &transport->facts;
  char place[320];

  write_place(place, sizeof(place), host, port);
  (void)snprintf(text, capacity, "connected to %s (certificate \"%.255s\", %s) by %s, %s, %s, on wolfSSL %s", place,
                 facts->peer_subject, verified(transport), facts->version, facts->suite, facts->group,
                 build_info_wolfssl_version());
  one_line_make(text); /* a host name may contain anything, and may have been cut inside a character */
}

void transport_tell_open(const struct transport *transport, const char *host, int port) {
  char sentence[SENTENCE_LENGTH];

  if (transport->open_callback != NULL) {
    write_sentence(sentence, sizeof(sentence), transport, host, port);
    transport->open_callback((amqp_socket_t *)transport->base, sentence, transport->open_user_data);
  }
}

int amqp_wolfssl_socket_set_open_callback(amqp_socket_t *socket, amqp_wolfssl_open_fn callback, void *user_data) {
  struct transport *transport = transport_of_socket(socket);

  if (transport == NULL) {
    return AMQP_STATUS_INVALID_PARAMETER;
  }
  transport->open_callback = callback; /* no lock: only the thread that opens reads it */
  transport->open_user_data = user_data;
  return AMQP_STATUS_OK;
}
