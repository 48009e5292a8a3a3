/* SPDX-License-Identifier: MIT */
/* What a program may want to know about a connection, kept as text after wolfSSL's objects are gone. */
#ifndef AMQP_WOLFSSL_CONNECTION_FACTS_H
#define AMQP_WOLFSSL_CONNECTION_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "x509/certificate_list.h"
#include "policy/policy.h"

struct connection_facts {
  const char *version; /* static text, as suite and group */
  const char *suite;
  const char *group;
  bool extended_master_secret;
  char *peer_subject;
  char *peer_issuer;
  char **peer_names;
  size_t peer_name_count;
  int64_t peer_not_before;
  int64_t peer_not_after;
  char *own_subject;
  uint8_t *own_certificate; /* NULL: none */
  size_t own_certificate_length;
};

void connection_facts_init(struct connection_facts *facts);
void connection_facts_free(struct connection_facts *facts);

/** \return false if out of memory; \a facts is then empty */
bool connection_facts_fill(struct connection_facts *facts, const struct negotiated *negotiated,
                           const struct certificate_list *peer_chain, const struct certificate_list *own_chain);

#endif
