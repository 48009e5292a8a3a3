/* SPDX-License-Identifier: MIT */
/* Mints certificates, lists and responses, and keeps some of each kind in memory. */
#include "seeds.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "der_text.h"
#include "exact_copy.h"
#include "minted_certificates.h"
#include "minted_revocation.h"
#include "path_seeds.h"
#include "temporary_folder.h"
#include "x509/certificate.h"

static struct seeds all[SEED_KINDS];

static const char *const certificates[] = {"ca.pem",          "ca-rsa.pem",     "server.pem",
                                           "server-rsa.pem",  "server-pss.pem", "server-ed25519.pem",
                                           "server-p521.pem", "client.pem",     "fuzz.pem"};
static const char *const files[] = {"bundle.pem", "server-chain.pem", "ca.der", "client.pem", "strong-bundle.pem"};
static const char *const lists[] = {"list-clean.der", "list-revoked-server.pem", "list-intermediate-revoked.pem",
                                    "list-delta.pem", "list-partial.pem",        "list-indirect.pem",
                                    "list-ca-rsa.pem"};
static const char *const responses[] = {"response-good.der",
                                        "response-revoked.der",
                                        "response-unknown.der",
                                        "response-endless.der",
                                        "response-try-later.der",
                                        "response-extension.der",
                                        "response-critical-extension.der",
                                        "response-delegated.der",
                                        "response-good-then-revoked.der"};
static const char *const texts[] = {
    "bundle.pem", "server-chain.pem", "list-clean.pem", "client.encrypted.key", "client-rsa.traditional-encrypted.key",
    "client.key"};

/* What no certificate of the test PKI has. */
static const char rich_extensions[] =
    "basicConstraints = critical, CA:TRUE, pathlen:1\n"
    "keyUsage = critical, keyCertSign, cRLSign, digitalSignature\n"
    "extendedKeyUsage = serverAuth, clientAuth, OCSPSigning, anyExtendedKeyUsage\n"
    "nameConstraints = permitted;DNS:broker.test, excluded;IP:10.0.0.0/255.0.0.0\n"
    "certificatePolicies = 1.2.3.4\n"
    "tlsfeature = status_request\n"
    "subjectAltName = DNS:a.example, DNS:*.broker.test, IP:127.0.0.1, IP:::1, "
    "email:a@b.c, URI:u:v, RID:1.2.3.4, otherName:1.2.3.4;UTF8:x, dirName:n\n"
    "[n]\nCN = inner\nO = two\n";

/* By hand: one of each form, long and odd ones. */
static const char *const names[] = {
    "82{'localhost'} 82{'rabbitmq'} 82{'*.broker.test'} 87{ 7f000001 } 87{ 00000000000000000000000000000001 }",
    "81{'a@b.c'} 86{'u:v'} 88{ 2a0304 } a0{ 06{ 2a0304 } a0{ 0c{'x'} } } a4{ 30{ 31{ 30{ 06{ 550403 } 0c{'n'} } } } }",
    "82{'a.example'} 82{'A.EXAMPLE.'} 82{'*.example'} 82{'a*.example'} 82{'*.*.test'} 82{'*'} 82{} 82{'a..b'}",
    "82{'node1.broker.test' 00 '.evil.test'} 82{'127.0.0.1'} 82{'xn--bcher-kva.example'} 87{ 7f0000 } 82{'[::1]'}",
    "82{'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaaaaa.aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa."
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'} 82{'localhost'}",
};

/* What servers send, as it comes: TLS 1.2, 1.3, a HelloRetryRequest, a split ServerHello, a refusal. */
static const char *const streams[] = {
    "150303000201701603030035020000310303000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00c02f00"
    "000900170000ff01000100160303000e0b000004aabbccdd160000020102160303001c0c00000e03001704010203040804000209090d"
    "00000201020e000000160303000904000005010203040514030300010116030300280000000000000000000000000000000000000000"
    "0000000000000000000000000000000000000000170303001e0000000000000000000000000000000000000000000000000000000000"
    "001703030018000000000000000000000000000000000000000000000000160303001c00000000000000000000000000000000000000"
    "000000000000000000",
    "160303003f0200003b0303000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f001301000013002b000203"
    "040033000900170005040102030414030300010117030300110000000000000000000000000000000000170303003c00000000000000"
    "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000017"
    "0303001600000000000000000000000000000000000000000000",
    "1603030038020000340303cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c00130200000c002b000203"
    "04003300020018140303000101160303003f0200003b0303000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d"
    "1e1f001302000013002b0002030400330009001700050401020304170303001100000000000000000000000000000000001703030013"
    "00000000000000000000000000000000000000",
    "160303000a0200002603030001020316030300200405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f00cca8001603"
    "0300040e0000001403030001011603030020000000000000000000000000000000000000000000000000000000000000000017030300"
    "10000000000000000000000000000000001503030012000000000000000000000000000000000000",
    "15030300020228",
};

/* Of brokers: every parameter, every form of what stands before the query. */
static const char *const uris[] = {
    "amqps://user:password@host:5671/vhost?cacertfile=/etc/ca.pem&certfile=me.pem&keyfile=me.key&password=a%26b&"
    "verify=verify_peer&server_name_indication=broker.example&depth=3&auth_mechanism=external&auth_mechanism=plain&"
    "heartbeat=30&connection_timeout=5000&channel_max=2047",
    "amqps://user@[fe80::1%25eth0]:5671/%2f?verify=verify_none&server_name_indication=disable",
    "amqps://[::1]?auth_mechanism=amqplain&depth=255",
    "amqps://host:1/?cacertfile=%c3%a4%e2%82%ac%f0%9f%90%87",
    "amqps://us%3aer:pass%40w%2ford@host",
    "amqps://",
};

static void keep(enum seed_kind kind, uint8_t *bytes, size_t length) {
  struct seeds *seeds = &all[kind];

  if (seeds->count == SEEDS_MAXIMUM) {
    fputs("more seeds than there is room for\n", stderr);
    exit(99);
  }
  seeds->items[seeds->count++] = (struct seed){bytes, length};
}

static void keep_files(enum seed_kind kind, const char *const *paths, size_t count, bool decoded) {
  for (size_t i = 0; i < count; i++) {
    size_t length;
    uint8_t *bytes = decoded ? minted_der_read(paths[i], &length) : temporary_folder_read(paths[i], &length);

    keep(kind, bytes, length);
  }
}

/* Of the certificates that have some. */
static void keep_alternative_names(void) {
  const struct seeds *from = &all[SEED_CERTIFICATES];

  for (size_t i = 0; i < from->count; i++) {
    struct certificate certificate;

    if (certificate_read(&certificate, from->items[i].bytes, from->items[i].length) &&
        certificate.alternative_names.length > 0 && all[SEED_NAMES].count < SEEDS_MAXIMUM / 2) {
      keep(SEED_NAMES, exact_copy(certificate.alternative_names.bytes, certificate.alternative_names.length),
           certificate.alternative_names.length);
    }
  }
}

static void keep_texts(enum seed_kind kind, const char *const *written, size_t count) {
  for (size_t i = 0; i < count; i++) {
    size_t length;
    uint8_t *bytes = der_from_text(written[i], &length);

    keep(kind, bytes, length);
  }
}

static void keep_strings(enum seed_kind kind, const char *const *strings, size_t count) {
  for (size_t i = 0; i < count; i++) {
    keep(kind, exact_copy(strings[i], strlen(strings[i])), strlen(strings[i]));
  }
}

#define KEEP(kind, paths, decoded) keep_files(kind, paths, sizeof(paths) / sizeof((paths)[0]), decoded)

int seeds_make(void) {
  bool has_responses = false;

  if (minted_certificates_make(NULL) != 0 || minted_certificates_self_signed("fuzz", -1, 30, rich_extensions) != 0 ||
      minted_revocation_make(&has_responses) != 0) {
    return -1;
  }
  KEEP(SEED_CERTIFICATES, certificates, true);
  KEEP(SEED_CERTIFICATE_FILES, files, false);
  KEEP(SEED_LISTS, lists, true);
  if (has_responses) {
    KEEP(SEED_RESPONSES, responses, false);
  }
  for (size_t i = 0; i < path_seeds_count(); i++) {
    size_t length;
    uint8_t *bytes = path_seed_make(i, &length);

    if (bytes == NULL) {
      return -1;
    }
    keep(SEED_PATHS, bytes, length);
  }
  KEEP(SEED_TEXTS, texts, false);
  keep_alternative_names();
  keep_texts(SEED_NAMES, names, sizeof(names) / sizeof(names[0]));
  keep_texts(SEED_STREAMS, streams, sizeof(streams) / sizeof(streams[0]));
  keep_strings(SEED_URIS, uris, sizeof(uris) / sizeof(uris[0]));
  return temporary_folder_remove();
}

const struct seeds *seeds_of(enum seed_kind kind) { return &all[kind]; }

void seeds_free(void) {
  for (int kind = 0; kind < SEED_KINDS; kind++) {
    for (size_t i = 0; i < all[kind].count; i++) {
      free(all[kind].items[i].bytes);
    }
    all[kind].count = 0;
  }
}
