/* SPDX-License-Identifier: MIT */
/*
 * OpenSSL sends a certificate as the bytes it was read from. It wants to know its private key, though; where there is
 * none, the decoded public key, which is beside those bytes, is exchanged for one that was just made. The client then
 * sees the true certificate and a signature that does not fit it.
 */
#include "server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>

struct limbo_server {
  SSL_CTX *context;
  bool has_other_key;
};

/* ---- The key ---- */

static EVP_PKEY *read_key(const char *pem) {
  BIO *text = BIO_new_mem_buf(pem, -1);
  EVP_PKEY *key = PEM_read_bio_PrivateKey(text, NULL, NULL, NULL);

  BIO_free(text);
  return key;
}

/* TLS has no signatures by DSA any more, nor by curves that are smaller than P-256. */
static bool can_sign(const EVP_PKEY *key) {
  return EVP_PKEY_is_a(key, "RSA") || EVP_PKEY_is_a(key, "ED25519") || EVP_PKEY_is_a(key, "ED448") ||
         (EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_bits(key) >= 256);
}

/* Of the same kind, so that the failure is the signature's and not one of kinds. */
static bool make_other_key(EVP_PKEY *shown) {
  const bool is_rsa = EVP_PKEY_is_a(shown, "RSA");
  EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new_from_name(NULL, is_rsa ? "RSA" : "EC", NULL);
  const bool made =
      maker != NULL && EVP_PKEY_keygen_init(maker) > 0 &&
      (is_rsa ? EVP_PKEY_CTX_set_rsa_keygen_bits(maker, 2048) : EVP_PKEY_CTX_set_group_name(maker, "P-256")) > 0 &&
      EVP_PKEY_generate(maker, &shown) > 0;

  EVP_PKEY_CTX_free(maker);
  return made;
}

static bool use_key(struct limbo_server *server, X509 *leaf, const char *pem) {
  EVP_PKEY *shown = X509_get0_pubkey(leaf);
  EVP_PKEY *key = pem != NULL ? read_key(pem) : NULL;
  bool used = false;

  if (pem != NULL && key == NULL) {
    return false;
  }
  if (key != NULL && can_sign(key)) {
    used = SSL_CTX_use_cert_and_key(server->context, leaf, key, NULL, 1) == 1;
  } else if (shown != NULL && make_other_key(shown)) {
    server->has_other_key = true;
    used = SSL_CTX_use_cert_and_key(server->context, leaf, shown, NULL, 1) == 1;
  }
  EVP_PKEY_free(key);
  return used;
}

/* ---- The chain ---- */

/* It would keep its own certificate back where that one's extensions don't suit a server. */
static void hide_extensions(X509 *leaf) {
  for (int i = 0; i < X509_get_ext_count(leaf); i++) {
    (void)X509_EXTENSION_set_object(X509_get_ext(leaf, i), OBJ_nid2obj(NID_netscape_comment));
  }
}

static bool use_leaf(struct limbo_server *server, const struct limbo_case *testcase) {
  BIO *text = BIO_new_mem_buf(testcase->certificate, -1);
  X509 *leaf = PEM_read_bio_X509(text, NULL, NULL, NULL);
  bool used = false;

  if (leaf != NULL) {
    hide_extensions(leaf);
    used = use_key(server, leaf, testcase->key);
  }
  X509_free(leaf);
  BIO_free(text);
  return used;
}

static bool ends_here(void) {
  const unsigned long error = ERR_peek_last_error();

  return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}

static bool add_chain(struct limbo_server *server, const char *pem) {
  BIO *text = BIO_new_mem_buf(pem, -1);
  X509 *certificate;
  bool added = true;

  while (added && (certificate = PEM_read_bio_X509(text, NULL, NULL, NULL)) != NULL) {
    added = SSL_CTX_add1_chain_cert(server->context, certificate) == 1;
    X509_free(certificate);
  }
  added = added && ends_here();
  BIO_free(text);
  return added;
}

/* ---- The server ---- */

static bool set_up(struct limbo_server *server, const struct limbo_case *testcase) {
  server->context = SSL_CTX_new(TLS_server_method());
  if (server->context == NULL) {
    return false;
  }
  SSL_CTX_set_security_level(server->context, 0);
  return use_leaf(server, testcase) && add_chain(server, testcase->chain);
}

struct limbo_server *limbo_server_new(const struct limbo_case *testcase) {
  struct limbo_server *server = calloc(1, sizeof(*server));

  if (server != NULL && set_up(server, testcase)) {
    return server;
  }
  (void)fprintf(stderr, "handshakes: %s: the server can't use its certificates: %s\n", testcase->id,
                ERR_error_string(ERR_peek_last_error(), NULL));
  limbo_server_free(server);
  return NULL;
}

bool limbo_server_has_other_key(const struct limbo_server *server) { return server->has_other_key; }

void limbo_server_serve(struct limbo_server *server, int listener) {
  const int client = accept(listener, NULL, NULL);
  SSL *ssl = SSL_new(server->context);
  char byte;

  if (client >= 0 && ssl != NULL && SSL_set_fd(ssl, client) == 1 && SSL_accept(ssl) == 1) {
    while (SSL_read(ssl, &byte, sizeof(byte)) > 0) {
    }
  }
  SSL_free(ssl);
  if (client >= 0) {
    (void)close(client);
  }
}

void limbo_server_free(struct limbo_server *server) {
  if (server != NULL) {
    SSL_CTX_free(server->context);
    free(server);
  }
}
