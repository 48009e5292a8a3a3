/* SPDX-License-Identifier: MIT */
/*
 * A TLS 1.3 server by OpenSSL that updates its keys again and again, each time asks the client to do the same, and
 * reads no answer.
 *
 *   flooding_server CERTIFICATE KEY [TEXT]     files in PEM; TEXT, in hexadecimal, is sent behind each KeyUpdate
 *
 * Prints "PORT n" when it listens, on 127.0.0.1; for each connection "FLOODING" when the handshake is done and
 * "CLIENT-END", with the number of KeyUpdates, when the client has gone. Runs until it is killed.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/ssl.h>

#include "loopback.h"

/* The kernel keeps little of what nobody reads. */
#define RECEIVE_BUFFER 16384

static void fail(const char *what) {
  fprintf(stderr, "flooding_server: %s\n", what);
  exit(1);
}

static bool update_keys(SSL *ssl) {
  return SSL_key_update(ssl, SSL_KEY_UPDATE_REQUESTED) == 1 && SSL_do_handshake(ssl) == 1;
}

static void serve(SSL_CTX *ctx, int client, const unsigned char *text, long length) {
  SSL *ssl = SSL_new(ctx);
  unsigned long count = 0;

  if (ssl == NULL || SSL_set_fd(ssl, client) != 1) {
    fail("SSL_new");
  }
  if (SSL_accept(ssl) == 1) {
    printf("FLOODING\n");
    while (update_keys(ssl) && (length == 0 || SSL_write(ssl, text, (int)length) == length)) {
      count++;
    }
  }
  printf("CLIENT-END %lu\n", count);
  SSL_free(ssl);
}

static SSL_CTX *make_context(const char *certificate, const char *key) {
  SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

  if (ctx == NULL || SSL_CTX_use_certificate_chain_file(ctx, certificate) != 1 ||
      SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1) {
    fail("OpenSSL does not take the settings");
  }
  return ctx;
}

int main(int argc, char **argv) {
  const int buffer = RECEIVE_BUFFER;
  unsigned char *text = NULL;
  long length = 0;
  SSL_CTX *ctx;
  unsigned port;
  int listener;

  if (argc != 3 && argc != 4) {
    fputs("usage: flooding_server CERTIFICATE KEY [TEXT]\n", stderr);
    return 2;
  }
  if (argc == 4) {
    text = OPENSSL_hexstr2buf(argv[3], &length);
    if (text == NULL) {
      fail("a text in hexadecimal is wanted");
    }
  }
  (void)signal(SIGPIPE, SIG_IGN);
  (void)setvbuf(stdout, NULL, _IOLBF, 0);
  ctx = make_context(argv[1], argv[2]);
  listener = loopback_listen(&port);
  if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer)) != 0) {
    fail("listen");
  }
  printf("PORT %u\n", port);
  for (;;) {
    const int client = accept(listener, NULL, NULL);

    if (client >= 0) {
      serve(ctx, client, text, length);
      (void)close(client);
    } else if (errno != EINTR && errno != ECONNABORTED) {
      fail("accept");
    }
  }
}
