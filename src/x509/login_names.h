/* SPDX-License-Identifier: MIT */
/*
 * The names that RabbitMQ may take from a client's certificate for a login by EXTERNAL, one for each way it can be
 * configured: ssl_cert_login_from, ssl_cert_login_san_type and ssl_cert_login_san_index.
 */
#ifndef AMQP_WOLFSSL_LOGIN_NAMES_H
#define AMQP_WOLFSSL_LOGIN_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "x509/certificate.h"

/** Numbered as amqp_wolfssl_login_source_t. */
enum login_source {
  LOGIN_DISTINGUISHED_NAME = 1,
  LOGIN_COMMON_NAME = 2,
  LOGIN_SAN_DNS = 3,
  LOGIN_SAN_IP = 4,
  LOGIN_SAN_EMAIL = 5,
  LOGIN_SAN_URI = 6,
  LOGIN_SAN_OTHER_NAME = 7
};

struct login_name {
  enum login_source source;
  size_t index; /**< among the alternative names of its kind; 0 for the first two */
  char *text;   /**< one line of UTF-8 */
  bool exact;   /**< RabbitMQ's name, byte for byte; false: a form of it for people */
};

struct login_names {
  struct login_name *items;
  size_t count;
};

/** \a names must be empty. \return false if out of memory; they are empty then */
bool login_names_read(struct login_names *names, const struct certificate *certificate);
void login_names_free(struct login_names *names);

#endif
