/* SPDX-License-Identifier: MIT */
/* Sets the context up, and reports what its callbacks are told. */
#include "tls_proxy_context.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/x509.h>

#include "tls_proxy_io.h"
#include "tls_proxy_report.h"

static void report_alert(const SSL *ssl, int where, int value) {
  (void)ssl;
  if ((where & SSL_CB_ALERT) != 0) {
    const char *const direction = (where & SSL_CB_READ) != 0 ? "received" : "sent";
    const int number = value & 0xff;
    /* OpenSSL 3.0 has no name for this one. */
    const bool required = number == TLS13_AD_CERTIFICATE_REQUIRED;
    report("ALERT %s %d %s", direction, number, required ? "certificate required" : SSL_alert_desc_string_long(value));
  }
}

char *subject_of(X509 *certificate) {
  char *subject = NULL;
  BIO *const text = BIO_new(BIO_s_mem());
  if (text == NULL) {
    return NULL;
  }
  if (X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253) >= 0) {
    char *data = NULL;
    const long length = BIO_get_mem_data(text, &data);
    if (length > 0) {
      subject = strndup(data, (size_t)length);
    }
  }
  BIO_free(text);
  return subject;
}

/* Called once the ClientHello is read, with or without SNI; a second time after a HelloRetryRequest. */
static int report_server_name(SSL *ssl, int *alert, void *argument) {
  (void)alert;
  (void)argument;
  struct client_facts *const facts = SSL_get_app_data(ssl);
  const char *const name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
  if (!facts->hello_seen) {
    facts->hello_seen = true;
    report("SERVER-NAME %s", name != NULL ? name : "none");
  }
  return name != NULL ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

/* Called with the client's chain. Remembers whose it is even if verification then fails and OpenSSL forgets it. */
static int verify_client(X509_STORE_CTX *store, void *argument) {
  const struct options *const options = argument;
  SSL *const ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
  struct client_facts *const facts = SSL_get_app_data(ssl);
  facts->certificate_received = true;
  free(facts->certificate_subject);
  facts->certificate_subject = subject_of(X509_STORE_CTX_get0_cert(store));
  if (options->late_alert != 0) {
    X509_STORE_CTX_set_error(store, options->late_error);
    return 0;
  }
  return X509_verify_cert(store);
}

static bool set_client_verification(SSL_CTX *context, struct options *options) {
  int mode = SSL_VERIFY_NONE;
  if (options->ca != NULL) {
    STACK_OF(X509_NAME) *const names = SSL_load_client_CA_file(options->ca);
    if (names == NULL || SSL_CTX_load_verify_locations(context, options->ca, NULL) != 1) {
      complain("can't read the CA file %s: %s", options->ca, openssl_reason());
      sk_X509_NAME_pop_free(names, X509_NAME_free);
      return false;
    }
    SSL_CTX_set_client_CA_list(context, names);
  }
  if (options->ca != NULL || options->late_alert != 0) {
    mode = SSL_VERIFY_PEER;
    SSL_CTX_set_cert_verify_callback(context, verify_client, options);
  }
  if (options->require_client_certificate) {
    mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
  }
  SSL_CTX_set_verify(context, mode, NULL);
  /* Without it OpenSSL refuses to resume the sessions of a server that asks for certificates. */
  return SSL_CTX_set_session_id_context(context, (const unsigned char *)"tls_proxy", 9) == 1;
}

static bool set_suites(SSL_CTX *context, const struct options *options) {
  if (options->security_level >= 0) {
    SSL_CTX_set_security_level(context, options->security_level);
  }
  if (options->ciphers != NULL) {
    const bool tls13 = strncmp(options->ciphers, "TLS_", 4) == 0;
    const int result = tls13 ? SSL_CTX_set_ciphersuites(context, options->ciphers)
                             : SSL_CTX_set_cipher_list(context, options->ciphers);
    if (result != 1) {
      complain("--ciphers %s: %s", options->ciphers, openssl_reason());
      return false;
    }
  }
  if (options->groups != NULL && SSL_CTX_set1_groups_list(context, options->groups) != 1) {
    complain("--groups %s: %s", options->groups, openssl_reason());
    return false;
  }
  return true;
}

static bool set_identity(SSL_CTX *context, const struct options *options) {
  if (SSL_CTX_use_certificate_chain_file(context, options->certificate) != 1) {
    complain("can't use the certificate %s: %s", options->certificate, openssl_reason());
    return false;
  }
  if (SSL_CTX_use_PrivateKey_file(context, options->key, SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_check_private_key(context) != 1) {
    complain("can't use the key %s: %s", options->key, openssl_reason());
    return false;
  }
  return true;
}

/* OpenSSL frees the copy that it is given. */
static int staple(SSL *ssl, void *argument) {
  const struct options *const options = argument;
  unsigned char *const response = OPENSSL_malloc(READ_SIZE);
  FILE *const file = fopen(options->staple, "rb");
  const size_t length = file != NULL && response != NULL ? fread(response, 1, READ_SIZE, file) : 0;

  if (file != NULL) {
    (void)fclose(file);
  }
  if (length == 0) {
    OPENSSL_free(response);
    return SSL_TLSEXT_ERR_NOACK;
  }
  (void)SSL_set_tlsext_status_ocsp_resp(ssl, response, (long)length);
  return SSL_TLSEXT_ERR_OK;
}

static const unsigned char cookie_value[] = "tls_proxy's cookie";

/* OpenSSL has room for SSL_COOKIE_LENGTH bytes, many more than these. */
static int make_cookie(SSL *ssl, unsigned char *cookie, size_t *length) {
  (void)ssl;
  *length = sizeof cookie_value;
  memcpy(cookie, cookie_value, sizeof cookie_value);
  return 1;
}

static int check_cookie(SSL *ssl, const unsigned char *cookie, size_t length) {
  (void)ssl;
  return length == sizeof cookie_value && memcmp(cookie, cookie_value, length) == 0;
}

SSL_CTX *new_context(struct options *options) {
  SSL_CTX *const context = SSL_CTX_new(TLS_server_method());
  if (context == NULL) {
    complain("no TLS context: %s", openssl_reason());
    return NULL;
  }
  SSL_CTX_set_info_callback(context, report_alert);
  SSL_CTX_set_tlsext_servername_callback(context, report_server_name);
  if (options->staple != NULL) {
    (void)SSL_CTX_set_tlsext_status_cb(context, staple);
    (void)SSL_CTX_set_tlsext_status_arg(context, options);
  }
  if (options->stateless) {
    SSL_CTX_set_stateless_cookie_generate_cb(context, make_cookie);
    SSL_CTX_set_stateless_cookie_verify_cb(context, check_cookie);
  }
  if (options->no_ems) {
    SSL_CTX_set_options(context, SSL_OP_NO_EXTENDED_MASTER_SECRET);
  }
  bool good = true;
  if (options->tls_version != 0) {
    good = SSL_CTX_set_min_proto_version(context, options->tls_version) == 1 &&
           SSL_CTX_set_max_proto_version(context, options->tls_version) == 1;
  }
  good = good && set_suites(context, options) && set_identity(context, options) &&
         set_client_verification(context, options);
  if (!good) {
    SSL_CTX_free(context);
    return NULL;
  }
  return context;
}
