/* SPDX-License-Identifier: MIT */
/* The broadest policy: what a policy refuses is not what a suite of path validation asks about. */
#include "client.h"

#include <stdio.h>
#include <string.h>

/* Only a connection that hangs takes so long. */
static struct timeval hang_limit = {30, 0};

/*
 * What wolfSSL calls a wrong signature of the handshake: VERIFY_SIGN_ERROR, SIG_VERIFY_E; and when RSA with the wrong
 * key yields nothing of a signature's form, BAD_PADDING_E and RSA_OUT_OF_RANGE_E, or once in a few hundred times, when
 * its last byte happens to be right, PSS_SALTLEN_E. That of a certificate is ASN_SIG_CONFIRM_E.
 */
static const int wrong_signature_codes[] = {-330, -229, -193, -253, -250};

static void decide(struct limbo_verdict *verdict, const char *outcome, const char *stage,
                   const amqp_wolfssl_error_t *error) {
  verdict->outcome = outcome;
  verdict->stage = stage;
  verdict->code = amqp_wolfssl_code_name(amqp_wolfssl_error_code(error));
  (void)snprintf(verdict->sentence, sizeof(verdict->sentence), "%s", amqp_wolfssl_error_message(error));
}

/* ---- Config ---- */

static bool set_up(amqp_wolfssl_config_t *config, bool check_name, amqp_wolfssl_version_t version) {
  return config != NULL && amqp_wolfssl_config_set_policy(config, AMQP_WOLFSSL_POLICY_MODERN) == AMQP_WOLFSSL_OK &&
         amqp_wolfssl_config_set_tls_versions(config, version, version) == AMQP_WOLFSSL_OK &&
         amqp_wolfssl_config_set_verify_host(config, check_name) == AMQP_WOLFSSL_OK;
}

static bool take_over(amqp_wolfssl_config_t *config, const struct limbo_case *testcase) {
  return amqp_wolfssl_config_set_server_name(config, testcase->name) == AMQP_WOLFSSL_OK &&
         amqp_wolfssl_config_add_ca_memory(config, testcase->anchors, strlen(testcase->anchors),
                                           AMQP_WOLFSSL_FORMAT_PEM) == AMQP_WOLFSSL_OK &&
         (testcase->lists[0] == '\0' ||
          amqp_wolfssl_config_add_crl_memory(config, testcase->lists, strlen(testcase->lists),
                                             AMQP_WOLFSSL_FORMAT_PEM) == AMQP_WOLFSSL_OK);
}

amqp_wolfssl_config_t *limbo_client_configure(const struct limbo_case *testcase, amqp_wolfssl_version_t version,
                                              struct limbo_verdict *verdict) {
  amqp_wolfssl_config_t *config = amqp_wolfssl_config_new();

  if (!set_up(config, testcase->name != NULL, version)) {
    decide(verdict, "broken", "setter", amqp_wolfssl_config_error(config));
  } else if (!take_over(config, testcase)) {
    decide(verdict, "refuse", "setter", amqp_wolfssl_config_error(config));
  } else {
    return config;
  }
  amqp_wolfssl_config_free(config);
  return NULL;
}

/* ---- Opening ---- */

static bool only_key_is_wrong(const amqp_wolfssl_error_t *error) {
  const int code = amqp_wolfssl_error_wolfssl_code(error);

  for (size_t i = 0; i < sizeof(wrong_signature_codes) / sizeof(wrong_signature_codes[0]); i++) {
    if (code == wrong_signature_codes[i]) {
      return true;
    }
  }
  return false;
}

/* What goes wrong between the machine's parts, or comes from the server, is no judgement on certificates. */
static bool is_judgement(const amqp_wolfssl_error_t *error) {
  const amqp_wolfssl_stage_t stage = amqp_wolfssl_error_stage(error);

  return amqp_wolfssl_error_alert_direction(error) != AMQP_WOLFSSL_ALERT_RECEIVED_FROM_PEER &&
         amqp_wolfssl_error_code(error) != AMQP_WOLFSSL_ERROR_TIMED_OUT &&
         (stage == AMQP_WOLFSSL_STAGE_CONFIGURE || stage == AMQP_WOLFSSL_STAGE_HANDSHAKE ||
          stage == AMQP_WOLFSSL_STAGE_VERIFY);
}

void limbo_client_open(amqp_wolfssl_config_t *config, int port, bool other_key, struct limbo_verdict *verdict) {
  amqp_connection_state_t connection = amqp_new_connection();
  amqp_socket_t *socket = amqp_wolfssl_socket_new(connection, config);
  const int status = amqp_socket_open_noblock(socket, "127.0.0.1", port, &hang_limit);
  const amqp_wolfssl_error_t *error = amqp_wolfssl_socket_error(socket);

  if (other_key ? only_key_is_wrong(error) : status == AMQP_STATUS_OK) {
    *verdict = (struct limbo_verdict){.outcome = "accept", .stage = "-", .code = "-"};
  } else {
    decide(verdict, is_judgement(error) ? "refuse" : "broken", amqp_wolfssl_stage_name(amqp_wolfssl_error_stage(error)),
           error);
  }
  (void)amqp_destroy_connection(connection);
  amqp_wolfssl_config_free(config);
}
