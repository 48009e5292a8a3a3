/* SPDX-License-Identifier: MIT */
/*
 * What to do about a login that the broker refuses. AMQP says no more than 403; which user was looked for stands in the
 * broker's log, and which it may have been, in our certificate. Names of certificates, and what the broker says, are
 * foreign text: on one line, and in a command quoted for the shell.
 */
#include "autoconfig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bounded_text.h"
#include "base/one_line.h"
#include "transport/transport.h"
#include "x509/login_names.h"

enum { ACCESS_REFUSED = 403, NOT_ALLOWED = 530 };

#define REPLY_LENGTH 256 /* a short string of AMQP has no more */

/* ---- Foreign text ---- */

/* In single quotes nothing is special to a shell but their end. */
static void add_quoted(struct bounded_text *writer, const char *text) {
  bounded_text_add_string(writer, "'");
  for (; *text != '\0'; text++) {
    if (*text == '\'') {
      bounded_text_add_string(writer, "'\\''");
    } else {
      bounded_text_add(writer, text, 1);
    }
  }
  bounded_text_add_string(writer, "'");
}

/* What the broker said, between quotation marks. */
static void add_reply(struct bounded_text *writer, const amqp_connection_close_t *close) {
  char text[REPLY_LENGTH];
  char code[32];
  const size_t length = close->reply_text.len < sizeof(text) ? close->reply_text.len : sizeof(text) - 1;

  if (length > 0) {
    memcpy(text, close->reply_text.bytes, length);
  }
  for (size_t i = 0; i < length; i++) {
    if (text[i] == '\0') {
      text[i] = '?';
    }
  }
  text[length] = '\0';
  one_line_make(text);
  (void)snprintf(code, sizeof(code), " (%u, \"", (unsigned)close->reply_code);
  bounded_text_add_string(writer, code);
  bounded_text_add_string(writer, text);
  bounded_text_add_string(writer, "\")");
}

static bool says(const amqp_connection_close_t *close, const char *word) {
  const size_t length = strlen(word);
  const char *text = close->reply_text.bytes;

  for (size_t at = 0; at + length <= close->reply_text.len; at++) {
    if (memcmp(text + at, word, length) == 0) {
      return true;
    }
  }
  return false;
}

/* ---- Names ---- */

/* \return false if out of memory */
static bool read_names(const struct connection_facts *facts, struct login_names *names) {
  struct certificate leaf;

  return certificate_read(&leaf, facts->own_certificate, facts->own_certificate_length) &&
         login_names_read(names, &leaf);
}

static void write_command(struct bounded_text *writer, const char *name) {
  bounded_text_add_string(writer, "rabbitmqctl add_user -- ");
  add_quoted(writer, name);
  bounded_text_add_string(writer, " \"$(openssl rand -hex 32)\" && rabbitmqctl clear_password -- ");
  add_quoted(writer, name);
  bounded_text_add_string(writer, " && rabbitmqctl set_permissions -p / -- ");
  add_quoted(writer, name);
  bounded_text_add_string(writer, " '.*' '.*' '.*'");
}

/* As a whole or not at all: half of a command would be another. */
static void add_command(struct bounded_text *writer, const char *name) {
  struct bounded_text measure;
  struct bounded_text filled;
  char *text;

  bounded_text_init(&measure, NULL, 0);
  write_command(&measure, name);
  text = malloc(measure.needed + 1);
  if (text == NULL) {
    return;
  }
  bounded_text_init(&filled, text, measure.needed + 1);
  write_command(&filled, name);
  bounded_text_add(writer, text, measure.needed);
  free(text);
}

static void add_setting(struct bounded_text *writer, const struct login_name *name) {
  static const char *const kinds[] = {[LOGIN_SAN_DNS] = "dns",
                                      [LOGIN_SAN_IP] = "ip",
                                      [LOGIN_SAN_EMAIL] = "email",
                                      [LOGIN_SAN_URI] = "uri",
                                      [LOGIN_SAN_OTHER_NAME] = "other_name"};
  char text[96];

  switch (name->source) { /* no default: -Wswitch finds the missing case */
    case LOGIN_DISTINGUISHED_NAME:
      bounded_text_add_string(writer, "distinguished_name");
      return;
    case LOGIN_COMMON_NAME:
      bounded_text_add_string(writer, "common_name");
      return;
    case LOGIN_SAN_DNS:
    case LOGIN_SAN_IP:
    case LOGIN_SAN_EMAIL:
    case LOGIN_SAN_URI:
    case LOGIN_SAN_OTHER_NAME:
      (void)snprintf(text, sizeof(text), "subject_alternative_name with san_type %s and san_index %zu",
                     kinds[name->source], name->index);
      bounded_text_add_string(writer, text);
      return;
  }
}

static void add_candidate(struct bounded_text *writer, const struct login_name *name) {
  bounded_text_add_string(writer, "by ");
  add_setting(writer, name);
  if (name->exact) {
    bounded_text_add_string(writer, " ");
    add_quoted(writer, name->text);
  } else {
    bounded_text_add_string(writer, " a name that only its log shows (");
    bounded_text_add_string(writer, name->text);
    bounded_text_add_string(writer, ")");
  }
}

/* The first that can be typed: the distinguished name, which is RabbitMQ's default, if that can be. */
static const struct login_name *find_exact(const struct login_names *names) {
  for (size_t i = 0; i < names->count; i++) {
    if (names->items[i].exact) {
      return &names->items[i];
    }
  }
  return NULL;
}

static void add_names(struct bounded_text *writer, const struct login_names *names) {
  const struct login_name *exact = find_exact(names);

  if (exact != NULL) {
    bounded_text_add_string(writer, "; if it goes by ");
    add_setting(writer, exact);
    bounded_text_add_string(writer, exact->source == LOGIN_DISTINGUISHED_NAME ? ", the default: " : ": ");
    add_command(writer, exact->text);
  }
  bounded_text_add_string(writer, "; ssl_cert_login_from says which name it takes: ");
  for (size_t i = 0; i < names->count; i++) {
    bounded_text_add_string(writer, i > 0 ? ", " : "");
    add_candidate(writer, &names->items[i]);
  }
}

/* ---- Refusals ---- */

static void advise_external(struct bounded_text *writer, const struct transport *transport,
                            const amqp_connection_close_t *close) {
  struct login_names names = {0};

  bounded_text_add_string(writer, "the broker refused the login by certificate");
  add_reply(writer, close);
  if (transport->facts.own_certificate == NULL) {
    bounded_text_add_string(writer, ": EXTERNAL needs a certificate of ours, and none is configured");
    return;
  }
  bounded_text_add_string(
      writer,
      ": it has no user of the name that it takes from our certificate, or that user may not log in "
      "from here; its log says which name");
  if (read_names(&transport->facts, &names)) {
    add_names(writer, &names);
  }
  login_names_free(&names);
}

static void advise_password(struct bounded_text *writer, const amqp_connection_close_t *close) {
  bounded_text_add_string(writer, "the broker refused the login by password");
  add_reply(writer, close);
  bounded_text_add_string(
      writer,
      ": the certificates are accepted, but the user does not exist, the password is another, or that user may only "
      "log in from the broker's own machine (as guest does by default); its log says which. \"rabbitmqctl "
      "authenticate_user\" tries user and password there; to log in by certificate, use EXTERNAL");
}

static void advise_virtual_host(struct bounded_text *writer, const amqp_connection_close_t *close) {
  bounded_text_add_string(writer, "the broker accepted the login, but not the virtual host");
  add_reply(writer, close);
  bounded_text_add_string(
      writer,
      ": it does not exist (rabbitmqctl add_vhost), the user has no permissions in it (rabbitmqctl set_permissions), "
      "or a limit of connections is reached; \"rabbitmqctl list_permissions -p VHOST\" shows who has");
}

static void advise_refusal(struct bounded_text *writer, const struct transport *transport,
                           const amqp_connection_close_t *close) {
  if (close->reply_code == NOT_ALLOWED) {
    advise_virtual_host(writer, close);
  } else if (close->reply_code == ACCESS_REFUSED && says(close, "EXTERNAL")) {
    advise_external(writer, transport, close);
  } else if (close->reply_code == ACCESS_REFUSED) {
    advise_password(writer, close);
  } else {
    bounded_text_add_string(writer, "the broker refused the login");
    add_reply(writer, close);
  }
}

/* rabbitmq-c found no word of the broker's in it. */
static void advise_failure(struct bounded_text *writer, const amqp_socket_t *socket, int status) {
  const char *message = amqp_wolfssl_error_message(amqp_wolfssl_socket_error(socket));

  if (status == AMQP_STATUS_BROKER_UNSUPPORTED_SASL_METHOD) {
    bounded_text_add_string(
        writer,
        "the broker does not offer the mechanism of this login; for EXTERNAL enable its plugin "
        "rabbitmq_auth_mechanism_ssl, and list it in rabbitmq.conf if other mechanisms are listed there "
        "(auth_mechanisms.1 = EXTERNAL)");
    return;
  }
  bounded_text_add_string(writer, message[0] != '\0' ? message : amqp_error_string2(status));
}

static bool is_refusal(const amqp_rpc_reply_t *reply) {
  return reply->reply_type == AMQP_RESPONSE_SERVER_EXCEPTION && reply->reply.id == AMQP_CONNECTION_CLOSE_METHOD &&
         reply->reply.decoded != NULL;
}

size_t amqp_wolfssl_socket_login_advice(const amqp_socket_t *socket, amqp_rpc_reply_t reply, char *advice,
                                        size_t capacity) {
  const struct transport *transport = transport_of_socket(socket);
  struct bounded_text writer;

  bounded_text_init(&writer, advice, capacity);
  if (transport == NULL) {
    return 0;
  }
  if (is_refusal(&reply)) {
    advise_refusal(&writer, transport, reply.reply.decoded);
  } else if (reply.reply_type == AMQP_RESPONSE_LIBRARY_EXCEPTION) {
    advise_failure(&writer, socket, reply.library_error);
  }
  return writer.needed;
}
