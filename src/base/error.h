/* SPDX-License-Identifier: MIT */
/* The error record: what failed, at which stage, and a sentence a person can act on. */
#ifndef AMQP_WOLFSSL_ERROR_H
#define AMQP_WOLFSSL_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "amqp_wolfssl_socket.h"

#define ERROR_MESSAGE_LENGTH 1024
#define ERROR_SUBJECT_LENGTH 256

struct amqp_wolfssl_error_t_ {
  amqp_wolfssl_stage_t stage;
  amqp_wolfssl_code_t code;
  int wolfssl_code;
  int alert; /* -1: none */
  amqp_wolfssl_alert_direction_t alert_direction;
  int certificate_depth; /* -1: not about a certificate */
  char certificate_subject[ERROR_SUBJECT_LENGTH];
  char message[ERROR_MESSAGE_LENGTH];
};

void error_clear(amqp_wolfssl_error_t *error);

/** Sets stage, code and sentence, and clears everything else. Returns \a code. */
amqp_wolfssl_code_t error_set(amqp_wolfssl_error_t *error, amqp_wolfssl_stage_t stage, amqp_wolfssl_code_t code,
                              const char *format, ...) __attribute__((format(printf, 4, 5)));

/** error_set() at the commonest stage, configuring. */
amqp_wolfssl_code_t error_configure(amqp_wolfssl_error_t *error, amqp_wolfssl_code_t code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** error_set() at the stage where the broker's chain is verified. */
amqp_wolfssl_code_t error_verify(amqp_wolfssl_error_t *error, amqp_wolfssl_code_t code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/** Appends to the sentence, as much as fits. */
void error_append(amqp_wolfssl_error_t *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/** Appends a date and time in UTC, given in seconds since 1970, between two texts. */
void error_append_date(amqp_wolfssl_error_t *error, const char *before, int64_t seconds, const char *after);

void error_set_alert(amqp_wolfssl_error_t *error, int alert, amqp_wolfssl_alert_direction_t direction);
void error_set_certificate(amqp_wolfssl_error_t *error, int depth, const char *subject);

/** Copies the whole record. */
void error_copy(amqp_wolfssl_error_t *to, const amqp_wolfssl_error_t *from);

/** Whether two records say the same. */
bool error_equals(const amqp_wolfssl_error_t *one, const amqp_wolfssl_error_t *other);

/** Whether a fatal alert with this number is a verdict on the certificate its receiver presented. */
bool error_alert_is_about_certificate(int alert);

#endif
