/* SPDX-License-Identifier: MIT */
/*
 * wolfSSL's record lacks certificates that are too large for it (2 KiB). So a certificate's place in it is not its
 * place in what was sent, and even the first need not be the broker's own: the sentence says whose each is instead.
 */
#include "autoconfig.h"

#include "verification/unread_chain.h"

#include "backend/wolfssl_headers.h"
#include "x509/certificate.h"

#ifdef SESSION_CERTS
static struct byte_slice certificate_at(WOLFSSL_X509_CHAIN *chain, int index) {
  const int length = wolfSSL_get_chain_length(chain, index);

  return (struct byte_slice){wolfSSL_get_chain_cert(chain, index), length > 0 ? (size_t)length : 0};
}

static void explain(const struct certificate *certificate, amqp_wolfssl_error_t *error) {
  char subject[ERROR_SUBJECT_LENGTH] = "";
  char identifier[CERTIFICATE_IDENTIFIER_LENGTH];

  error_verify(error, AMQP_WOLFSSL_ERROR_CERTIFICATE_INVALID, "a certificate that the broker sent");
  if (certificate->subject.length > 0) {
    certificate_format_name(certificate->subject, subject, sizeof(subject));
    error_append(error, ", that of \"%s\",", subject);
  }
  error_append(error, " can't be parsed: %s", certificate->unread);
  if (certificate->unread_identifier.length > 0) {
    certificate_format_identifier(certificate->unread_identifier, identifier, sizeof(identifier));
    error_append(error, " (%s)", identifier);
  }
  error_set_certificate(error, -1, subject);
}

bool unread_chain_exists(WOLFSSL *ssl) { return wolfSSL_get_chain_count(wolfSSL_get_peer_chain(ssl)) > 0; }

bool unread_chain_explain(WOLFSSL *ssl, amqp_wolfssl_error_t *error) {
  WOLFSSL_X509_CHAIN *chain = wolfSSL_get_peer_chain(ssl);
  const int count = wolfSSL_get_chain_count(chain);
  struct certificate certificate;

  for (int i = 0; i < count; i++) {
    const struct byte_slice bytes = certificate_at(chain, i);

    if (!certificate_read(&certificate, bytes.bytes, bytes.length)) {
      explain(&certificate, error);
      return true;
    }
  }
  return false;
}

#else

bool unread_chain_exists(WOLFSSL *ssl) {
  (void)ssl;
  return false;
}

bool unread_chain_explain(WOLFSSL *ssl, amqp_wolfssl_error_t *error) {
  (void)ssl;
  (void)error;
  return false;
}
#endif
