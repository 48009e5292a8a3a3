/* SPDX-License-Identifier: MIT */
/*
 * What a program can query about a socket. The facts are returned by address; only the next open changes them.
 */
#include "autoconfig.h"

#include <poll.h>

#include "transport/transport.h"

int amqp_wolfssl_socket_is_ours(const amqp_socket_t *socket) { return transport_of_socket(socket) != NULL; }

/* A reference to the context of an open connection that is not due yet by what is known; else NULL. */
static struct tls_context *context_to_ask_about(struct transport *transport, bool *due) {
  struct tls_context *context = NULL;

  transport_enter(transport);
  *due = transport->session != NULL && (transport->outdated || deadline_has_passed(&transport->due));
  if (transport->session != NULL && !*due) {
    context = tls_context_reference(session_context(transport->session));
  }
  transport_leave(transport);
  return context;
}

/* Once outdated, always: while another thread reads the files, there is no telling. */
static void note_outdated(struct transport *transport, const struct tls_context *context) {
  transport_enter(transport);
  if (transport->session != NULL && session_context(transport->session) == context) {
    transport->outdated = true;
  }
  transport_leave(transport);
}

/* The socket's lock is not held while files are being read. */
int amqp_wolfssl_socket_due(const amqp_socket_t *socket) {
  struct transport *transport = transport_of_socket(socket);
  struct tls_context *context;
  bool due;

  if (transport == NULL) {
    return 0;
  }
  context = context_to_ask_about(transport, &due);
  if (context != NULL && config_outdates(transport->config, context)) {
    due = true;
    note_outdated(transport, context);
  }
  tls_context_free(context);
  return due ? 1 : 0;
}

const amqp_wolfssl_error_t *amqp_wolfssl_socket_warning(const amqp_socket_t *socket) {
  const struct transport *transport = transport_of_socket(socket);

  return transport != NULL ? &transport->warning : NULL;
}

/* What a cork holds waits for the program, not for the kernel. */
static enum session_result wanted(const struct transport *transport) {
  const enum session_result wants = session_wants(transport->session);
  const bool held = publish_coalescer_holds(&transport->coalescer) && !transport->coalescer.corked;

  return held ? wants | SESSION_WANT_WRITE : wants;
}

int amqp_wolfssl_socket_poll_events(const amqp_socket_t *socket) {
  struct transport *transport = transport_of_socket(socket);
  enum session_result wants = SESSION_DONE;

  if (transport == NULL) {
    return 0;
  }
  transport_enter(transport);
  if (transport->session != NULL) {
    wants = wanted(transport);
  }
  transport_leave(transport);
  return ((wants & SESSION_WANT_READ) != 0 ? POLLIN : 0) | ((wants & SESSION_WANT_WRITE) != 0 ? POLLOUT : 0);
}

amqp_wolfssl_config_t *amqp_wolfssl_socket_config(const amqp_socket_t *socket) {
  const struct transport *transport = transport_of_socket(socket);

  return transport != NULL ? transport->config : NULL;
}

/* ---- Facts about the open connection, or the last one ---- */

static const struct connection_facts *facts_of(const amqp_socket_t *socket) {
  static const struct connection_facts none = {.version = "", .suite = "", .group = ""};
  const struct transport *transport = transport_of_socket(socket);

  return transport != NULL ? &transport->facts : &none;
}

static const char *text_or_empty(const char *text) { return text != NULL ? text : ""; }

const char *amqp_wolfssl_socket_version(const amqp_socket_t *socket) { return facts_of(socket)->version; }

const char *amqp_wolfssl_socket_suite(const amqp_socket_t *socket) { return facts_of(socket)->suite; }

const char *amqp_wolfssl_socket_group(const amqp_socket_t *socket) { return facts_of(socket)->group; }

int amqp_wolfssl_socket_extended_master_secret(const amqp_socket_t *socket) {
  return facts_of(socket)->extended_master_secret ? 1 : 0;
}

const char *amqp_wolfssl_socket_peer_subject(const amqp_socket_t *socket) {
  return text_or_empty(facts_of(socket)->peer_subject);
}

const char *amqp_wolfssl_socket_peer_issuer(const amqp_socket_t *socket) {
  return text_or_empty(facts_of(socket)->peer_issuer);
}

size_t amqp_wolfssl_socket_peer_name_count(const amqp_socket_t *socket) { return facts_of(socket)->peer_name_count; }

const char *amqp_wolfssl_socket_peer_name(const amqp_socket_t *socket, size_t index) {
  const struct connection_facts *facts = facts_of(socket);

  return index < facts->peer_name_count ? facts->peer_names[index] : "";
}

int64_t amqp_wolfssl_socket_peer_not_before(const amqp_socket_t *socket) { return facts_of(socket)->peer_not_before; }

int64_t amqp_wolfssl_socket_peer_not_after(const amqp_socket_t *socket) { return facts_of(socket)->peer_not_after; }

const char *amqp_wolfssl_socket_own_subject(const amqp_socket_t *socket) {
  return text_or_empty(facts_of(socket)->own_subject);
}
