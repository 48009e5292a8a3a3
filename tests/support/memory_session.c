/* SPDX-License-Identifier: MIT */
/* Makes a session and a server in memory, and lets them shake hands. */
#include "autoconfig.h"

#include "memory_session.h"

#include <stdio.h>
#include <stdlib.h>

#include "backend/fips_module.h"

#include "temporary_folder.h"

/* More steps than a handshake has when each byte comes alone and waits once. */
#define STEPS 100000

static void give_up(const struct memory_session *pair, const char *what) {
  fprintf(stderr, "memory_session: %s: %s\n", what, pair->error.message);
  abort();
}

static void read_identity(struct memory_session *pair, const struct memory_session_settings *client) {
  struct passphrase_source none = {0};
  struct credentials_input input = {.certificate_origin = client->certificate, .key_origin = client->key};
  uint8_t *certificate = temporary_folder_read(client->certificate, &input.certificate_length);
  uint8_t *key = temporary_folder_read(client->key, &input.key_length);

  input.certificate = certificate;
  input.key = key;
  if (credentials_read(&pair->credentials, &input, &none, pair->settings.limits.policy, &pair->error) !=
      AMQP_WOLFSSL_OK) {
    give_up(pair, "the client's identity");
  }
  free(certificate);
  free(key);
}

static void make_context(struct memory_session *pair, const struct memory_session_settings *client) {
  pair->settings = (struct tls_settings){.verify_peer = !client->skip_peer, .verify_host = !client->skip_host};
  policy_limits_init(&pair->settings.limits,
                     policy_find(client->policy != 0 ? client->policy : AMQP_WOLFSSL_POLICY_FIPS));
  pair->settings.limits.lowest = client->lowest != 0 ? client->lowest : AMQP_WOLFSSL_TLS_1_2;
  pair->settings.limits.highest = client->highest != 0 ? client->highest : AMQP_WOLFSSL_TLS_1_3;
  if (client->ca != NULL &&
      trust_add_file(&pair->trust, temporary_folder_path(client->ca), &pair->error) != AMQP_WOLFSSL_OK) {
    give_up(pair, client->ca);
  }
  if (client->certificate != NULL) {
    read_identity(pair, client);
  }
  if (tls_context_new(&pair->own_context, &pair->settings, &pair->trust, &pair->credentials, &pair->error) !=
      AMQP_WOLFSSL_OK) {
    give_up(pair, "the context");
  }
  pair->context = pair->own_context;
}

struct memory_session *memory_session_new(const struct memory_session_settings *client,
                                          const struct memory_peer_settings *server) {
  struct memory_session *pair = calloc(1, sizeof(*pair));
  struct lower_socket lower;
  struct peer_name name;

  if (pair == NULL || fips_module_start() != 0) {
    abort();
  }
  error_clear(&pair->error);
  connection_facts_init(&pair->facts);
  if (client->sibling != NULL) {
    pair->context = client->sibling->context;
  } else {
    make_context(pair, client);
  }
  pair->peer = memory_peer_new(server);
  if (pair->peer == NULL || (client->name != NULL && !peer_name_parse(&name, client->name))) {
    give_up(pair, "the server or its name");
  }
  lower = memory_peer_lower(pair->peer);
  pair->session = session_new(pair->context, client->name != NULL ? &name : NULL, &lower, &pair->error);
  if (pair->session == NULL) {
    give_up(pair, "the session");
  }
  return pair;
}

void memory_session_free(struct memory_session *pair) {
  if (pair == NULL) {
    return;
  }
  session_free(pair->session);
  connection_facts_free(&pair->facts);
  tls_context_free(pair->own_context);
  credentials_free(&pair->credentials);
  trust_free(&pair->trust);
  memory_peer_free(pair->peer);
  free(pair);
}

enum session_result memory_session_handshake(struct memory_session *pair) {
  enum session_result result = SESSION_WANT_READ;

  for (int step = 0; step < STEPS && session_waits(result); step++) {
    result = session_handshake(pair->session, &pair->facts);
    (void)memory_peer_accept(pair->peer);
    if (pair->peer->error != 0 && pair->peer->to_client.waiting == 0 && pair->peer->to_client.break_after == SIZE_MAX) {
      memory_peer_hang_up(pair->peer); /* a server that gave up closes, and the client must not wait for it */
    }
  }
  return result;
}
