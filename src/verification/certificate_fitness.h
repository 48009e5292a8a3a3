/* SPDX-License-Identifier: MIT */
/*
 * What a certificate must be for its place on a path, whatever the others are: valid now, with a key and a signature
 * that the policy allows, and meant for that place. Pure.
 */
#ifndef AMQP_WOLFSSL_CERTIFICATE_FITNESS_H
#define AMQP_WOLFSSL_CERTIFICATE_FITNESS_H

#include "base/error.h"
#include "x509/certificate.h"

struct policy;

/** A longer RSA exponent, which nobody uses and FIPS 186-5 forbids, makes checking a signature as slow as signing. */
#define CERTIFICATE_EXPONENT_BITS_MAXIMUM 256

enum certificate_role {
  ROLE_BROKER,       /**< the broker's own certificate */
  ROLE_INTERMEDIATE, /**< a CA's that the broker sent */
  ROLE_ANCHOR        /**< a trusted CA's: who signed it does not matter */
};

struct fitness_question {
  const struct policy *policy;
  int64_t now;
  bool is_anchor_itself; /**< the broker's certificate is trusted itself, so its signature does not matter */
};

/** \return AMQP_WOLFSSL_OK, or what is wrong, with \a error set; that does not name the certificate yet */
amqp_wolfssl_code_t certificate_check_fitness(const struct fitness_question *question,
                                              const struct certificate *certificate, enum certificate_role role,
                                              amqp_wolfssl_error_t *error);

/** Room for what certificate_describe() writes. */
#define CERTIFICATE_DESCRIPTION_LENGTH (ERROR_SUBJECT_LENGTH + 64)

/** "the broker's certificate", "the certificate of the intermediate CA "CN=…"" or "the trusted CA "CN=…"". */
void certificate_describe(const struct certificate *certificate, enum certificate_role role, char *text,
                          size_t capacity);

/** Adds " (valid from … to …)" to a sentence about the certificate. */
void certificate_append_dates(const struct certificate *certificate, amqp_wolfssl_error_t *error);

#endif
