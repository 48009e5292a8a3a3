/* SPDX-License-Identifier: MIT */
/* OpenSSL's side. */
#include "reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

static EVP_PKEY *keys[REFERENCE_KEYS];
/* A certificate of each key, only for their key identifiers. */
static X509 *owners[REFERENCE_KEYS];
static long serial_number;

static void must(int success, const char *what) {
  if (!success) {
    fprintf(stderr, "OpenSSL: %s\n", what);
    exit(99);
  }
}

static X509 *make_owner(EVP_PKEY *key) {
  X509 *owner = X509_new();
  X509_EXTENSION *identifier;
  X509V3_CTX context;

  must(owner != NULL && X509_set_pubkey(owner, key), "can't make a certificate");
  X509V3_set_ctx(&context, owner, owner, NULL, NULL, 0);
  X509V3_set_ctx_nodb(&context);
  identifier = X509V3_EXT_nconf(NULL, &context, "subjectKeyIdentifier", "hash");
  must(identifier != NULL && X509_add_ext(owner, identifier, -1), "can't make a key identifier");
  X509_EXTENSION_free(identifier);
  return owner;
}

void reference_start(void) {
  for (int i = 0; i < REFERENCE_KEYS; i++) {
    keys[i] = EVP_EC_gen("P-256");
    must(keys[i] != NULL, "can't make a key");
    owners[i] = make_owner(keys[i]);
  }
}

void reference_end(void) {
  for (int i = 0; i < REFERENCE_KEYS; i++) {
    EVP_PKEY_free(keys[i]);
    X509_free(owners[i]);
  }
}

/* ---- Making ---- */

void wanted_extension_add(struct wanted_certificate *wanted, const char *name, const char *value) {
  struct wanted_extension *extension = &wanted->extensions[wanted->extension_count++];

  must(wanted->extension_count <= WANTED_EXTENSIONS && strlen(value) < sizeof(extension->value), "too much is wanted");
  extension->name = name;
  memcpy(extension->value, value, strlen(value) + 1);
}

static X509_NAME *make_name(const char *common_name) {
  X509_NAME *name = X509_NAME_new();

  must(name != NULL &&
           X509_NAME_add_entry_by_txt(name, "CN", V_ASN1_UTF8STRING, (const unsigned char *)common_name, -1, -1, 0),
       common_name);
  return name;
}

static void set_names(X509 *certificate, const struct wanted_certificate *wanted) {
  X509_NAME *subject = make_name(wanted->subject);
  X509_NAME *issuer = make_name(wanted->issuer);

  must(X509_set_subject_name(certificate, subject) && X509_set_issuer_name(certificate, issuer), "can't set names");
  X509_NAME_free(subject);
  X509_NAME_free(issuer);
}

static void add_extensions(X509 *certificate, const struct wanted_certificate *wanted) {
  X509V3_CTX context;

  X509V3_set_ctx(&context, owners[wanted->signer], certificate, NULL, NULL, 0);
  X509V3_set_ctx_nodb(&context);
  for (unsigned i = 0; i < wanted->extension_count; i++) {
    const struct wanted_extension *extension = &wanted->extensions[i];
    X509_EXTENSION *made = X509V3_EXT_nconf(NULL, &context, extension->name, extension->value);

    must(made != NULL && X509_add_ext(certificate, made, -1), extension->value);
    X509_EXTENSION_free(made);
  }
}

static void add_to(struct certificate_list *list, X509 *certificate) {
  unsigned char *der = NULL;
  const int length = i2d_X509(certificate, &der);

  must(length > 0 && certificate_list_add(list, der, (size_t)length), "can't write a certificate");
  OPENSSL_free(der);
}

void reference_make(struct certificate_list *list, const struct wanted_certificate *wanted) {
  X509 *certificate = X509_new();

  must(certificate != NULL, "out of memory");
  set_names(certificate, wanted);
  must(X509_set_version(certificate, X509_VERSION_3) &&
           ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial_number) &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), wanted->from) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), wanted->to) != NULL &&
           X509_set_pubkey(certificate, keys[wanted->key]),
       "can't fill a certificate");
  add_extensions(certificate, wanted);
  must(X509_sign(certificate, keys[wanted->signer], EVP_sha256()) > 0, "can't sign");
  add_to(list, certificate);
  X509_free(certificate);
}

/* ---- Judging ---- */

static X509 *read_certificate(const struct certificate_der *der) {
  const unsigned char *bytes = der->bytes;
  X509 *certificate = d2i_X509(NULL, &bytes, (long)der->length);

  must(certificate != NULL, "can't read a certificate");
  return certificate;
}

static X509_STORE *make_store(const struct certificate_list *anchors) {
  X509_STORE *store = X509_STORE_new();

  must(store != NULL, "out of memory");
  for (size_t i = 0; i < anchors->count; i++) {
    X509 *certificate = read_certificate(&anchors->items[i]);

    must(X509_STORE_add_cert(store, certificate), "can't trust a certificate");
    X509_free(certificate);
  }
  return store;
}

static STACK_OF(X509) * make_stack(const struct certificate_list *sent) {
  STACK_OF(X509) *stack = sk_X509_new_null();

  must(stack != NULL, "out of memory");
  for (size_t i = 0; i < sent->count; i++) {
    must(sk_X509_push(stack, read_certificate(&sent->items[i])) > 0, "out of memory");
  }
  return stack;
}

static void add_path(struct certificate_list *path, const STACK_OF(X509) * chain) {
  for (int i = 0; i < sk_X509_num(chain); i++) {
    add_to(path, sk_X509_value(chain, i));
  }
}

bool reference_accepts(const struct certificate_list *sent, const struct certificate_list *anchors, int64_t now,
                       struct certificate_list *path, const char **reason) {
  X509_STORE *store = make_store(anchors);
  STACK_OF(X509) *stack = make_stack(sent);
  X509_STORE_CTX *context = X509_STORE_CTX_new();
  bool accepted;

  must(context != NULL && X509_STORE_CTX_init(context, store, sk_X509_value(stack, 0), stack) &&
           X509_STORE_CTX_set_purpose(context, X509_PURPOSE_SSL_SERVER),
       "can't begin");
  X509_STORE_CTX_set_time(context, 0, (time_t)now);
  X509_STORE_CTX_set_flags(context, X509_V_FLAG_PARTIAL_CHAIN);
  accepted = X509_verify_cert(context) == 1;
  *reason = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context));
  if (accepted) {
    add_path(path, X509_STORE_CTX_get0_chain(context));
  }
  X509_STORE_CTX_free(context);
  sk_X509_pop_free(stack, X509_free);
  X509_STORE_free(store);
  return accepted;
}
