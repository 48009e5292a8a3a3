/* SPDX-License-Identifier: MIT */
/* The cases of a suite in x509-limbo's format (https://x509-limbo.com): what is read of its JSON. */
#ifndef TESTS_LIMBO_CASES_H
#define TESTS_LIMBO_CASES_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include <jansson.h>

struct limbo_case {
  const char *id;
  const char *not_applicable; /**< why a TLS client can't be asked this; NULL when it can */
  bool acceptance_expected;
  char *anchors;           /**< PEM, one after the other; "" when there is none */
  char *lists;             /**< CRLs, likewise */
  char *chain;             /**< what the server sends besides its own certificate, likewise, in this order */
  const char *certificate; /**< PEM, the server's own */
  const char *key;         /**< PEM, or NULL: the suite does not have it */
  const char *name;        /**< DNS name or IP address; NULL: any will do */
  time_t now;              /**< when it takes place; 0: today */
};

/** A suite. Its cases borrow from \a json. */
struct limbo_suite {
  json_t *json;
  struct limbo_case *cases;
  size_t count;
};

/** Reads a whole suite from standard input. \return false after a line on stderr: it can't be read or understood */
bool limbo_suite_read(struct limbo_suite *suite);
void limbo_suite_free(struct limbo_suite *suite);

#endif
