/* SPDX-License-Identifier: MIT */
/*
 * A TLS server that shakes hands as it should, with OpenSSL, and then writes records of its own making, encrypted with
 * the keys of the connection: what no TLS library sends. It asks for no client certificate.
 *
 *   crafting_server CERTIFICATE KEY VERSION PLACE RECORD...     files in PEM; VERSION: 1.2 or 1.3; PLACE:
 *     early   behind the ServerHello, in place of everything else (TLS 1.3 only): where anybody could stand who has no
 *             certificate
 *     late    when the handshake is done
 *     endless the same, and all of them again and again
 *   RECORD, COUNT times, has a type and a content in hexadecimal; in TLS 1.3 a KeyUpdate changes the keys:
 *     COUNTxTYPE:CONTENT
 *     COUNTxNONE        TLS 1.3: nothing, not even a type: the tag alone
 *     COUNTxCLEAR:RECORD    a whole record as it is, not encrypted
 *
 * Prints "PORT n" when it listens, on 127.0.0.1; for each connection "CRAFTED" when the handshake is where it should
 * be, and when the client has gone, "CLIENT-RECORDS n in clear, n encrypted, of n bytes at most" about those that it
 * had to encrypt, and "CLIENT-END". Runs until it is killed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/ssl.h>

#include "client_records.h"
#include "loopback.h"

#define HEADER 5u
#define KEY_BYTES 16u /* AES-128-GCM, with SHA-256, in both versions */
#define IV_BYTES 12u
#define TAG_BYTES 16u
#define EXPLICIT_NONCE 8u
#define HASH_BYTES 32u
#define SECRET_BYTES 48u
#define CONTENT_BYTES 16384u
#define RANDOM_BYTES 32u

#define TYPE_HANDSHAKE 22u
#define TYPE_DATA 23u
#define MESSAGE_KEY_UPDATE 24u
#define KEY_UPDATE_BYTES 5u

struct writer {
  bool is_1_3;
  unsigned char secret[SECRET_BYTES]; /* of traffic, or the master secret */
  unsigned char key[KEY_BYTES];
  unsigned char iv[IV_BYTES];
  uint64_t sequence;
};

struct crafted {
  unsigned count;
  bool is_clear;
  unsigned type; /* 0: none */
  unsigned char content[CONTENT_BYTES];
  size_t length;
};

/* What OpenSSL tells of the keys; one connection at a time. */
static unsigned char early_secret[SECRET_BYTES];
static unsigned char late_secret[SECRET_BYTES];

static void fail(const char *what) {
  fprintf(stderr, "crafting_server: %s\n", what);
  exit(1);
}

static size_t read_hexadecimal(const char *text, unsigned char *bytes, size_t capacity) {
  size_t length = 0;

  for (; text[0] != '\0' && text[0] != ' ' && text[0] != '\n'; text += 2) {
    const char pair[3] = {text[0], text[1], '\0'};
    char *end;
    const unsigned long byte = strtoul(pair, &end, 16);

    if (length == capacity || end != pair + 2) {
      fail("a number in hexadecimal is wanted");
    }
    bytes[length++] = (unsigned char)byte;
  }
  return length;
}

/* ---- Keys ---- */

/* A line of the format of NSS: a label, the client's random, and a secret. */
static void keep_secret(const SSL *ssl, const char *line) {
  const char *secret = strrchr(line, ' ');

  (void)ssl;
  if (secret == NULL) {
    return;
  }
  if (strncmp(line, "SERVER_HANDSHAKE_TRAFFIC_SECRET ", 32) == 0) {
    (void)read_hexadecimal(secret + 1, early_secret, sizeof(early_secret));
  } else if (strncmp(line, "SERVER_TRAFFIC_SECRET_0 ", 24) == 0 || strncmp(line, "CLIENT_RANDOM ", 14) == 0) {
    (void)read_hexadecimal(secret + 1, late_secret, sizeof(late_secret));
  }
}

static void derive(const char *function, const OSSL_PARAM *parameters, unsigned char *bytes, size_t length) {
  EVP_KDF *kdf = EVP_KDF_fetch(NULL, function, NULL);
  EVP_KDF_CTX *context = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;

  if (context == NULL || EVP_KDF_derive(context, bytes, length, parameters) != 1) {
    fail(function);
  }
  EVP_KDF_CTX_free(context);
  EVP_KDF_free(kdf);
}

/* HKDF-Expand-Label with no context (RFC 8446, section 7.1). */
static void expand_label(unsigned char *secret, const char *label, unsigned char *bytes, size_t length) {
  int mode = EVP_KDF_HKDF_MODE_EXPAND_ONLY;
  char digest[] = "SHA256";
  unsigned char info[64];
  const size_t label_length = strlen(label);
  OSSL_PARAM parameters[5];

  info[0] = 0;
  info[1] = (unsigned char)length;
  info[2] = (unsigned char)(6 + label_length);
  memcpy(info + 3, "tls13 ", 6);
  memcpy(info + 9, label, label_length);
  info[9 + label_length] = 0;
  parameters[0] = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
  parameters[1] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
  parameters[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, secret, HASH_BYTES);
  parameters[3] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info, 10 + label_length);
  parameters[4] = OSSL_PARAM_construct_end();
  derive("HKDF", parameters, bytes, length);
}

static void use_traffic_secret(struct writer *writer) {
  expand_label(writer->secret, "key", writer->key, KEY_BYTES);
  expand_label(writer->secret, "iv", writer->iv, IV_BYTES);
  writer->sequence = 0;
}

static void update_keys(struct writer *writer) {
  unsigned char next[HASH_BYTES];

  expand_label(writer->secret, "traffic upd", next, sizeof(next));
  memcpy(writer->secret, next, sizeof(next));
  use_traffic_secret(writer);
}

/* The key block of RFC 5246, section 6.3: both keys, then both fixed parts of the nonce. */
static void use_master_secret(struct writer *writer, const SSL *ssl) {
  char digest[] = "SHA256";
  unsigned char seed[13 + 2 * RANDOM_BYTES] = "key expansion";
  unsigned char block[2 * KEY_BYTES + 2 * 4];
  OSSL_PARAM parameters[4];

  (void)SSL_get_server_random(ssl, seed + 13, RANDOM_BYTES);
  (void)SSL_get_client_random(ssl, seed + 13 + RANDOM_BYTES, RANDOM_BYTES);
  parameters[0] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0);
  parameters[1] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, writer->secret, SECRET_BYTES);
  parameters[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, seed, sizeof(seed));
  parameters[3] = OSSL_PARAM_construct_end();
  derive("TLS1-PRF", parameters, block, sizeof(block));
  memcpy(writer->key, block + KEY_BYTES, KEY_BYTES);
  memcpy(writer->iv, block + sizeof(block) - 4, 4);
  writer->sequence = 1; /* the Finished message was the first */
}

/* ---- Records ---- */

static void seal(const struct writer *writer, const unsigned char *nonce, const unsigned char *additional,
                 size_t additional_length, unsigned char *bytes, size_t length) {
  EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
  int written;

  if (context == NULL || EVP_EncryptInit_ex(context, EVP_aes_128_gcm(), NULL, writer->key, nonce) != 1 ||
      EVP_EncryptUpdate(context, NULL, &written, additional, (int)additional_length) != 1 ||
      (length > 0 && EVP_EncryptUpdate(context, bytes, &written, bytes, (int)length) != 1) ||
      EVP_EncryptFinal_ex(context, bytes + length, &written) != 1 ||
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, (int)TAG_BYTES, bytes + length) != 1) {
    fail("encryption");
  }
  EVP_CIPHER_CTX_free(context);
}

static void set_number(unsigned char *at, uint64_t value, size_t bytes) {
  for (; bytes > 0; bytes--) {
    *at++ = (unsigned char)(value >> (8 * (bytes - 1)));
  }
}

static void set_header(unsigned char *record, unsigned type, size_t length) {
  record[0] = (unsigned char)type;
  set_number(record + 1, 0x0303, 2);
  set_number(record + 3, length, 2);
}

/* RFC 8446, sections 5.2 and 5.3. \return the length of the whole record */
static size_t make_record_1_3(const struct writer *writer, const struct crafted *crafted, unsigned char *record) {
  const size_t inner = crafted->length + (crafted->type != 0 ? 1 : 0);
  unsigned char nonce[IV_BYTES];

  memcpy(nonce, writer->iv, sizeof(nonce));
  for (size_t i = 0; i < 8; i++) {
    nonce[IV_BYTES - 1 - i] ^= (unsigned char)(writer->sequence >> (8 * i));
  }
  set_header(record, TYPE_DATA, inner + TAG_BYTES);
  memcpy(record + HEADER, crafted->content, crafted->length);
  if (crafted->type != 0) {
    record[HEADER + crafted->length] = (unsigned char)crafted->type;
  }
  seal(writer, nonce, record, HEADER, record + HEADER, inner);
  return HEADER + inner + TAG_BYTES;
}

/* RFC 5288, section 3. */
static size_t make_record_1_2(const struct writer *writer, const struct crafted *crafted, unsigned char *record) {
  unsigned char nonce[IV_BYTES];
  unsigned char additional[8 + HEADER];

  memcpy(nonce, writer->iv, 4);
  set_number(nonce + 4, writer->sequence, EXPLICIT_NONCE);
  set_number(additional, writer->sequence, 8);
  set_header(additional + 8, crafted->type, crafted->length);
  set_header(record, crafted->type, EXPLICIT_NONCE + crafted->length + TAG_BYTES);
  memcpy(record + HEADER, nonce + 4, EXPLICIT_NONCE);
  memcpy(record + HEADER + EXPLICIT_NONCE, crafted->content, crafted->length);
  seal(writer, nonce, additional, sizeof(additional), record + HEADER + EXPLICIT_NONCE, crafted->length);
  return HEADER + EXPLICIT_NONCE + crafted->length + TAG_BYTES;
}

static bool send_record(int client, struct writer *writer, const struct crafted *crafted) {
  unsigned char record[HEADER + EXPLICIT_NONCE + CONTENT_BYTES + 1 + TAG_BYTES];
  size_t length;

  if (crafted->is_clear) {
    return loopback_send_all(client, crafted->content, crafted->length);
  }
  length = writer->is_1_3 ? make_record_1_3(writer, crafted, record) : make_record_1_2(writer, crafted, record);
  writer->sequence++;
  if (!loopback_send_all(client, record, length)) {
    return false;
  }
  if (writer->is_1_3 && crafted->type == TYPE_HANDSHAKE) {
    for (size_t i = 0; i + KEY_UPDATE_BYTES <= crafted->length && crafted->content[i] == MESSAGE_KEY_UPDATE;
         i += KEY_UPDATE_BYTES) {
      update_keys(writer);
    }
  }
  return true;
}

/* ---- Connections ---- */

/* Hands on what OpenSSL has written; \a clear_only: no further than to its first encrypted record. */
static bool send_output(int client, BIO *output, bool clear_only) {
  unsigned char bytes[16384];
  const int length = BIO_read(output, bytes, (int)sizeof(bytes));
  size_t count = 0;

  while (clear_only && length > 0 && count + HEADER <= (size_t)length && bytes[count] != TYPE_DATA) {
    count += HEADER + ((size_t)bytes[count + 3] << 8 | bytes[count + 4]);
  }
  return length <= 0 || loopback_send_all(client, bytes, clear_only ? count : (size_t)length);
}

static ssize_t receive(int client, struct client_records *records, unsigned char *bytes, size_t capacity) {
  const ssize_t length = recv(client, bytes, capacity, 0);

  if (length > 0) {
    client_records_take(records, bytes, (size_t)length);
  }
  return length;
}

static bool receive_input(int client, struct client_records *records, BIO *input) {
  unsigned char bytes[4096];
  const ssize_t length = receive(client, records, bytes, sizeof(bytes));

  return length > 0 && BIO_write(input, bytes, (int)length) == (int)length;
}

/* \return whether it is where the crafted records belong */
static bool shake_hands(SSL *ssl, int client, struct client_records *records, bool is_early) {
  static const unsigned char none[HASH_BYTES];

  for (;;) {
    const int result = SSL_accept(ssl);

    if (!send_output(client, SSL_get_wbio(ssl), is_early)) {
      return false;
    }
    if (result != 1 && is_early && memcmp(early_secret, none, HASH_BYTES) != 0) {
      return true;
    }
    if (result == 1) {
      return true;
    }
    if (SSL_get_error(ssl, result) != SSL_ERROR_WANT_READ || !receive_input(client, records, SSL_get_rbio(ssl))) {
      return false;
    }
  }
}

static void make_writer(struct writer *writer, const SSL *ssl, bool is_early) {
  memset(writer, 0, sizeof(*writer));
  writer->is_1_3 = SSL_version(ssl) == TLS1_3_VERSION;
  memcpy(writer->secret, is_early ? early_secret : late_secret, sizeof(writer->secret));
  if (writer->is_1_3) {
    use_traffic_secret(writer);
  } else {
    use_master_secret(writer, ssl);
  }
}

static bool send_records(int client, struct writer *writer, const struct crafted *crafted, size_t count) {
  for (size_t i = 0; i < count; i++) {
    for (unsigned j = 0; j < crafted[i].count; j++) {
      if (!send_record(client, writer, &crafted[i])) {
        return false;
      }
    }
  }
  return true;
}

static void serve(SSL_CTX *ctx, int client, const char *place, const struct crafted *crafted, size_t count) {
  const bool is_early = strcmp(place, "early") == 0;
  const bool is_endless = strcmp(place, "endless") == 0;
  struct client_records records;
  unsigned char rest[4096];
  SSL *ssl = SSL_new(ctx);
  struct writer writer;

  if (ssl == NULL) {
    fail("SSL_new");
  }
  memset(early_secret, 0, sizeof(early_secret));
  SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  client_records_init(&records, SSL_get_min_proto_version(ssl) == TLS1_3_VERSION);
  if (shake_hands(ssl, client, &records, is_early)) {
    client_records_expect_encryption(&records);
    printf("CRAFTED\n");
    make_writer(&writer, ssl, is_early);
    while (send_records(client, &writer, crafted, count) && is_endless) {
    }
  }
  while (receive(client, &records, rest, sizeof(rest)) > 0) {
  }
  client_records_report(&records);
  printf("CLIENT-END\n");
  SSL_free(ssl);
}

/* ---- Arguments ---- */

static void read_record(const char *text, struct crafted *crafted) {
  char *end;

  memset(crafted, 0, sizeof(*crafted));
  crafted->count = (unsigned)strtoul(text, &end, 10);
  if (*end != 'x') {
    fail("COUNTx is wanted");
  }
  text = end + 1;
  if (strcmp(text, "NONE") == 0) {
    return;
  }
  crafted->is_clear = strncmp(text, "CLEAR:", 6) == 0;
  if (crafted->is_clear) {
    end = strchr(end, ':');
  } else {
    crafted->type = (unsigned)strtoul(text, &end, 10);
  }
  if (end == NULL || *end != ':') {
    fail("a type and a colon are wanted");
  }
  crafted->length = read_hexadecimal(end + 1, crafted->content, sizeof(crafted->content));
}

static SSL_CTX *make_context(char **arguments) {
  const int version = strcmp(arguments[2], "1.2") == 0 ? TLS1_2_VERSION : TLS1_3_VERSION;
  SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

  if (ctx == NULL || SSL_CTX_use_certificate_chain_file(ctx, arguments[0]) != 1 ||
      SSL_CTX_use_PrivateKey_file(ctx, arguments[1], SSL_FILETYPE_PEM) != 1 ||
      SSL_CTX_set_min_proto_version(ctx, version) != 1 || SSL_CTX_set_max_proto_version(ctx, version) != 1 ||
      SSL_CTX_set_cipher_list(ctx, "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256") != 1 ||
      SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256") != 1 || SSL_CTX_set_num_tickets(ctx, 0) != 1) {
    fail("OpenSSL does not take the settings");
  }
  (void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
  SSL_CTX_set_keylog_callback(ctx, keep_secret);
  return ctx;
}

int main(int argc, char **argv) {
  static struct crafted crafted[16];
  const size_t count = argc > 5 ? (size_t)argc - 5 : 0;
  SSL_CTX *ctx;
  unsigned port;
  int listener;

  if (count == 0 || count > sizeof(crafted) / sizeof(crafted[0])) {
    fputs("usage: crafting_server CERTIFICATE KEY 1.2|1.3 early|late|endless RECORD...\n", stderr);
    return 2;
  }
  for (size_t i = 0; i < count; i++) {
    read_record(argv[5 + i], &crafted[i]);
  }
  (void)setvbuf(stdout, NULL, _IOLBF, 0);
  ctx = make_context(argv + 1);
  listener = loopback_listen(&port);
  if (listener < 0) {
    fail("listen");
  }
  printf("PORT %u\n", port);
  for (;;) {
    const int client = accept(listener, NULL, NULL);

    if (client >= 0) {
      serve(ctx, client, argv[4], crafted, count);
      (void)close(client);
    } else if (errno != EINTR && errno != ECONNABORTED) {
      fail("accept");
    }
  }
}
