/* SPDX-License-Identifier: MIT */
/* One connection over any of the four transports, made step by step so that each step can be measured. */
#ifndef BENCH_CONNECTION_H
#define BENCH_CONNECTION_H

#include <stdbool.h>

#include "amqp_wolfssl_socket.h"

#define BENCH_CHANNEL 1

enum transport { TRANSPORT_TCP, TRANSPORT_FLOOR, TRANSPORT_OPENSSL, TRANSPORT_WOLFSSL };

struct target {
  enum transport transport;
  const char *host;
  int port;
  const char *ca;
  const char *certificate;
  const char *key;
  int tls_1_2;       /* this version only; else TLS 1.3 only */
  char *groups;      /* of the OpenSSL backend; NULL: its own choice. Not const: OpenSSL casts it */
  unsigned aes_bits; /* of the floor */
  const char *user;
  const char *password;
};

/** What was negotiated; texts are "" for plain TCP. */
struct tls_facts {
  char version[16];
  char suite[64];
  char group[32];
};

struct connection {
  amqp_connection_state_t amqp;
  amqp_socket_t *socket;
};

bool connection_is_tls(const struct target *target);

/** What a program sets up once for all its connections: the config of this library. NULL for the other transports. */
amqp_wolfssl_config_t *connection_make_config(const struct target *target);

/* Each step returns 0, or -1 after saying on stderr what failed. */

/** All that comes before the network: objects, certificates, key. */
int connection_create(const struct target *target, amqp_wolfssl_config_t *config, struct connection *connection);
/** TCP and TLS. */
int connection_open(const struct target *target, const struct connection *connection);
/** AMQP, up to an open channel. */
int connection_login(const struct target *target, const struct connection *connection);
/** All three. */
int connection_make(const struct target *target, amqp_wolfssl_config_t *config, struct connection *connection);
/** Closes in order, and frees. */
void connection_end(struct connection *connection);

/** Makes a connection, looks at it and ends it. */
int connection_find_facts(const struct target *target, amqp_wolfssl_config_t *config, struct tls_facts *facts);

/** Says what the last call of rabbitmq-c answered, if it failed. */
int connection_check(const struct connection *connection, const char *doing);

#endif
