/* SPDX-License-Identifier: MIT */
/* What path_find() takes, what it returns, and the bounds of both. */
#ifndef AMQP_WOLFSSL_PATH_QUESTION_H
#define AMQP_WOLFSSL_PATH_QUESTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "x509/certificate_list.h"

struct policy;

/** Certificates on a path, without the anchor. */
#define PATH_LENGTH_MAXIMUM 10

/** Certificates sent after these are not looked at. */
#define PATH_CERTIFICATES_MAXIMUM 32

/**
 * What the signature checks of one search may cost. One unit is a check with a P-256 key, or RSA up to 4096 bits with a
 * usual exponent; on a wolfSSL without any assembly the first takes 8 ms where it fills its cache of points.
 */
#define PATH_WORK_MAXIMUM 20

struct path_question {
  const struct certificate_list *sent;    /**< what the broker sent, its own certificate first */
  const struct certificate_list *anchors; /**< whom we trust: CA certificates */
  size_t anchors_left_out;                /**< for error sentences: those that could not be used */
  const struct policy *policy;            /**< what keys and signatures may be */
  int64_t now;                            /**< seconds since 1970-01-01 UTC */
  bool depth_is_limited;
  unsigned maximum_depth; /**< if so: intermediates on the path, without those that issued themselves */
};

struct path {
  size_t length;                       /**< certificates sent that are on it, at least one */
  uint8_t places[PATH_LENGTH_MAXIMUM]; /**< where they are in what was sent, the broker's own first */
  size_t anchor;             /**< where its end is among the anchors; may be the broker's certificate itself */
  bool requires_status;      /**< the broker's certificate must come with an OCSP response (RFC 7633) */
  unsigned signature_checks; /**< how many were made, on other paths too; also set when there is none */
};

#endif
