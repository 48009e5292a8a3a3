/* SPDX-License-Identifier: MIT */
/* Checks one certificate, and reports its faults in the order in which a person would want to know them. */
#include "verification/certificate_fitness.h"

#include <stdio.h>

#include "policy/policy.h"
#include "verification/name_constraints.h"
#include "x509/distinguished_name.h"

void certificate_describe(const struct certificate *certificate, enum certificate_role role, char *text,
                          size_t capacity) {
  char subject[ERROR_SUBJECT_LENGTH];

  certificate_format_name(certificate->subject, subject, sizeof(subject));
  switch (role) { /* no default: -Wswitch finds the missing case */
    case ROLE_BROKER:
      (void)snprintf(text, capacity, "the broker's certificate");
      break;
    case ROLE_INTERMEDIATE:
      (void)snprintf(text, capacity, "the certificate of the intermediate CA \"%s\"", subject);
      break;
    case ROLE_ANCHOR:
      (void)snprintf(text, capacity, "the trusted CA \"%s\"", subject);
      break;
  }
}

void certificate_append_dates(const struct certificate *certificate, amqp_wolfssl_error_t *error) {
  error_append_date(error, " (valid from ", certificate->not_before, "");
  error_append_date(error, " to ", certificate->not_after, ")");
}

static amqp_wolfssl_code_t check_dates(int64_t now, const struct certificate *certificate, enum certificate_role role,
                                       const char *who, amqp_wolfssl_error_t *error) {
  static const char *const remedies[] = {[ROLE_BROKER] = "renew it on the broker",
                                         [ROLE_INTERMEDIATE] = "have the broker send a current one",
                                         [ROLE_ANCHOR] = "configure the CA's current certificate"};

  switch (certificate_validity_at(certificate, now)) {
    case CERTIFICATE_CURRENT:
      return AMQP_WOLFSSL_OK;
    case CERTIFICATE_NOT_YET_VALID:
      error_verify(error, AMQP_WOLFSSL_ERROR_CERTIFICATE_NOT_YET_VALID,
                   "%s is not valid yet; check its dates and this machine's clock", who);
      break;
    case CERTIFICATE_EXPIRED:
      error_verify(error, AMQP_WOLFSSL_ERROR_CERTIFICATE_EXPIRED, "%s has expired; %s, or correct this machine's clock",
                   who, remedies[role]);
      break;
  }
  certificate_append_dates(certificate, error);
  return error->code;
}

static amqp_wolfssl_code_t check_broker_usage(const struct certificate *broker, amqp_wolfssl_error_t *error) {
  if (broker->has_key_usage && !broker->may_sign) {
    return error_verify(
        error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
        "the broker's certificate may not be used to sign (its key usage lacks digitalSignature); have it reissued");
  }
  if (broker->has_key_usage && broker->may_certify && !broker->is_ca) {
    return error_verify(
        error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
        "the broker's certificate contradicts itself: its key usage has keyCertSign, but it is not a CA certificate; "
        "have it reissued");
  }
  if (broker->name_constraints.length > 0 && !broker->is_ca) {
    return error_verify(
        error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
        "the broker's certificate contradicts itself: it has name constraints, but it is not a CA certificate; have "
        "it reissued");
  }
  return AMQP_WOLFSSL_OK;
}

static amqp_wolfssl_code_t check_ca_usage(const struct certificate *ca, const char *who, amqp_wolfssl_error_t *error) {
  if (!ca->is_ca) {
    return error_verify(
        error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID, "%s is not a CA certificate (%s), so it may not issue certificates",
        who, ca->version < 3 ? "its X.509 version has no extensions" : "it has no basicConstraints with CA:TRUE");
  }
  if (ca->has_key_usage && !ca->may_certify) {
    return error_verify(error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
                        "%s may not issue certificates (its key usage lacks keyCertSign)", who);
  }
  if (distinguished_name_is_empty(ca->subject)) {
    return error_verify(error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID, "%s has no name, which a CA must have", who);
  }
  if (ca->name_constraints.length > 0 && !name_constraints_are_valid(ca->name_constraints)) {
    return error_verify(error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
                        "%s has name constraints that can't be applied: they are empty or malformed", who);
  }
  return AMQP_WOLFSSL_OK;
}

/* A CA's purposes limit those of what it issues, as in all browsers and OpenSSL; RFC 5280 leaves it open. */
static amqp_wolfssl_code_t check_purpose(const struct certificate *certificate, enum certificate_role role,
                                         const char *who, amqp_wolfssl_error_t *error) {
  if (!certificate->has_extended_key_usage ||
      (certificate->purposes & (CERTIFICATE_PURPOSE_SERVER | CERTIFICATE_PURPOSE_ANY)) != 0) {
    return AMQP_WOLFSSL_OK;
  }
  if (role == ROLE_BROKER) {
    return error_verify(
        error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
        "the broker's certificate is not meant for servers (its extended key usage lacks serverAuth); have it "
        "reissued for a server");
  }
  return error_verify(error, AMQP_WOLFSSL_ERROR_CHAIN_INVALID,
                      "%s may not issue server certificates (its extended key usage lacks serverAuth)", who);
}

static amqp_wolfssl_code_t check_critical_extension(const struct certificate *certificate, const char *who,
                                                    amqp_wolfssl_error_t *error) {
  char identifier[CERTIFICATE_IDENTIFIER_LENGTH];

  if (certificate->unknown_critical.length == 0) {
    return AMQP_WOLFSSL_OK;
  }
  certificate_format_identifier(certificate->unknown_critical, identifier, sizeof(identifier));
  return error_verify(error, AMQP_WOLFSSL_ERROR_CERTIFICATE_INVALID,
                      "%s has a critical extension that is not supported: %s", who, identifier);
}

/* RFC 5280, section 4.1.2.2. Zero and long ones are in use. */
static amqp_wolfssl_code_t check_serial_number(const struct certificate *certificate, enum certificate_role role,
                                               const char *who, amqp_wolfssl_error_t *error) {
  if (role == ROLE_ANCHOR || certificate->serial_number.length == 0 || certificate->serial_number.bytes[0] < 0x80) {
    return AMQP_WOLFSSL_OK;
  }
  return error_verify(error, AMQP_WOLFSSL_ERROR_CERTIFICATE_INVALID,
                      "%s has a negative serial number, which no CA may give; have it reissued", who);
}

static amqp_wolfssl_code_t check_strength(const struct fitness_question *question,
                                          const struct certificate *certificate, enum certificate_role role,
                                          const char *who, amqp_wolfssl_error_t *error) {
  char reason[160];

  if (!policy_allows_key(question->policy, certificate, reason, sizeof(reason))) {
    return error_verify(error, AMQP_WOLFSSL_ERROR_WEAK_KEY, "%s is too weak: %s", who, reason);
  }
  if (certificate->exponent_bits > CERTIFICATE_EXPONENT_BITS_MAXIMUM) {
    return error_verify(error, AMQP_WOLFSSL_ERROR_WEAK_KEY,
                        "%s has an RSA key whose public exponent has %u bits, more than %d", who,
                        certificate->exponent_bits, CERTIFICATE_EXPONENT_BITS_MAXIMUM);
  }
  if (role != ROLE_ANCHOR && !question->is_anchor_itself &&
      !policy_allows_signature(question->policy, certificate, reason, sizeof(reason))) {
    return error_verify(error, AMQP_WOLFSSL_ERROR_WEAK_SIGNATURE, "%s is too weak: %s", who, reason);
  }
  return AMQP_WOLFSSL_OK;
}

amqp_wolfssl_code_t certificate_check_fitness(const struct fitness_question *question,
                                              const struct certificate *certificate, enum certificate_role role,
                                              amqp_wolfssl_error_t *error) {
  char who[CERTIFICATE_DESCRIPTION_LENGTH];
  amqp_wolfssl_code_t code;

  certificate_describe(certificate, role, who, sizeof(who));
  code = role == ROLE_BROKER ? check_broker_usage(certificate, error) : check_ca_usage(certificate, who, error);
  if (code == AMQP_WOLFSSL_OK) {
    code = check_dates(question->now, certificate, role, who, error);
  }
  if (code == AMQP_WOLFSSL_OK) {
    code = check_purpose(certificate, role, who, error);
  }
  if (code == AMQP_WOLFSSL_OK) {
    code = check_critical_extension(certificate, who, error);
  }
  if (code == AMQP_WOLFSSL_OK) {
    code = check_serial_number(certificate, role, who, error);
  }
  return code == AMQP_WOLFSSL_OK ? check_strength(question, certificate, role, who, error) : code;
}
