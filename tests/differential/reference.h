/* SPDX-License-Identifier: MIT */
/* Certificates made by OpenSSL, and its verdict on them: X509_verify_cert(), as a TLS client calls it. */
#ifndef TESTS_DIFFERENTIAL_REFERENCE_H
#define TESTS_DIFFERENTIAL_REFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "x509/certificate_list.h"

/** Key pairs that certificates are made with; made once. */
#define REFERENCE_KEYS 8

#define WANTED_EXTENSIONS 10

struct wanted_extension {
  const char *name;
  char value[256]; /* as in openssl.cnf */
};

struct wanted_certificate {
  const char *subject; /* common names */
  const char *issuer;
  unsigned key;    /* its own */
  unsigned signer; /* the key that signs it */
  long from;       /* seconds from now */
  long to;
  struct wanted_extension extensions[WANTED_EXTENSIONS];
  unsigned extension_count;
};

void wanted_extension_add(struct wanted_certificate *wanted, const char *name, const char *value);

/** Makes the keys. */
void reference_start(void);
void reference_end(void);

/** Makes a certificate and adds it to the list. Ends the program if that fails. */
void reference_make(struct certificate_list *list, const struct wanted_certificate *wanted);

/**
 * Whether OpenSSL finds a path, with any trusted certificate as an anchor.
 * \param [out] path the certificates of that path are added, the anchor last
 * \param [out] reason its own words, static
 */
bool reference_accepts(const struct certificate_list *sent, const struct certificate_list *anchors, int64_t now,
                       struct certificate_list *path, const char **reason);

#endif
