/* SPDX-License-Identifier: MIT */
/* Whom we trust: CA certificates, examined one by one when they are added. */
#ifndef AMQP_WOLFSSL_TRUST_H
#define AMQP_WOLFSSL_TRUST_H

#include "x509/certificate_list.h"
#include "base/error.h"

struct trust {
  struct certificate_list anchors;
  size_t left_out; /**< certificates of bundles that could not be used: expired, not yet valid, or not a CA */
};

/*
 * Each adds all usable CA certificates of its source, or nothing. A bundle may contain some that are out of date, which
 * happens while a CA is being replaced: they are left out and counted. A source without a usable one is an error.
 */
amqp_wolfssl_code_t trust_add_file(struct trust *trust, const char *path, amqp_wolfssl_error_t *error);
amqp_wolfssl_code_t trust_add_folder(struct trust *trust, const char *path, amqp_wolfssl_error_t *error);
amqp_wolfssl_code_t trust_add_memory(struct trust *trust, const void *data, size_t length, amqp_wolfssl_format_t format,
                                     amqp_wolfssl_error_t *error);
/* What a file held. \param [in] origin its path, for sentences */
amqp_wolfssl_code_t trust_add_contents(struct trust *trust, const void *data, size_t length, const char *origin,
                                       amqp_wolfssl_error_t *error);
amqp_wolfssl_code_t trust_add_system(struct trust *trust, amqp_wolfssl_error_t *error);
/* Of the first of these folders that has any: where distributions keep the system's certificates. */
amqp_wolfssl_code_t trust_add_first_folder(struct trust *trust, const char *const *folders, size_t count,
                                           amqp_wolfssl_error_t *error);

/** Copies \a count anchors of another set, from \a first on, which were examined before; all or nothing. */
amqp_wolfssl_code_t trust_add_copies(struct trust *trust, const struct trust *from, size_t first, size_t count,
                                     amqp_wolfssl_error_t *error);

/** Whether both have the same anchors in the same order. */
bool trust_equals(const struct trust *one, const struct trust *other);

void trust_free(struct trust *trust);

#endif
