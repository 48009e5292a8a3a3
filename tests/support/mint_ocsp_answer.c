/* SPDX-License-Identifier: MIT */
/*
 * Mints an OCSP answer about one certificate, good or with a defect. The openssl command line can't date an answer
 * back, nor leave out until when it holds.
 *
 *   mint_ocsp_answer ISSUER.pem CERTIFICATE.pem SIGNER.pem SIGNER.key STATUS FROM TO HASH OUTPUT
 *
 * STATUS: good, revoked, unknown, or tryLater (an error instead of an answer). FROM and TO: seconds from now; TO may be
 * "none". HASH, that names the issuer: sha1 or sha256. The signer's certificate goes along unless it is the issuer's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ocsp.h>
#include <openssl/pem.h>

enum argument { ISSUER = 1, CERTIFICATE, SIGNER, KEY, STATUS, FROM, TO, HASH, OUTPUT, COUNT };

static void fail(const char *what) {
  fprintf(stderr, "mint_ocsp_answer: %s\n", what);
  exit(1);
}

static X509 *read_certificate(const char *path) {
  FILE *file = fopen(path, "r");
  X509 *certificate = file != NULL ? PEM_read_X509(file, NULL, NULL, NULL) : NULL;

  if (certificate == NULL) {
    fail(path);
  }
  fclose(file);
  return certificate;
}

static EVP_PKEY *read_key(const char *path) {
  FILE *file = fopen(path, "r");
  EVP_PKEY *key = file != NULL ? PEM_read_PrivateKey(file, NULL, NULL, NULL) : NULL;

  if (key == NULL) {
    fail(path);
  }
  fclose(file);
  return key;
}

static ASN1_TIME *time_from_now(const char *seconds) {
  return strcmp(seconds, "none") == 0 ? NULL : X509_gmtime_adj(NULL, strtol(seconds, NULL, 10));
}

static int find_status(const char *name) {
  if (strcmp(name, "revoked") == 0) {
    return V_OCSP_CERTSTATUS_REVOKED;
  }
  return strcmp(name, "good") == 0 ? V_OCSP_CERTSTATUS_GOOD : V_OCSP_CERTSTATUS_UNKNOWN;
}

static OCSP_BASICRESP *make_basic(char **arguments) {
  const EVP_MD *hash = strcmp(arguments[HASH], "sha256") == 0 ? EVP_sha256() : EVP_sha1();
  X509 *issuer = read_certificate(arguments[ISSUER]);
  X509 *certificate = read_certificate(arguments[CERTIFICATE]);
  X509 *signer = read_certificate(arguments[SIGNER]);
  EVP_PKEY *key = read_key(arguments[KEY]);
  OCSP_CERTID *id = OCSP_cert_to_id(hash, certificate, issuer);
  OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
  const int status = find_status(arguments[STATUS]);
  const int revoked = status == V_OCSP_CERTSTATUS_REVOKED;
  ASN1_TIME *from = time_from_now(arguments[FROM]);
  ASN1_TIME *to = time_from_now(arguments[TO]);
  ASN1_TIME *revoked_on = revoked ? time_from_now("-86400") : NULL;
  const unsigned long flags = X509_cmp(issuer, signer) == 0 ? OCSP_NOCERTS : 0;

  if (id == NULL || basic == NULL ||
      OCSP_basic_add1_status(basic, id, status, revoked ? OCSP_REVOKED_STATUS_KEYCOMPROMISE : 0, revoked_on, from,
                             to) == NULL ||
      !OCSP_basic_sign(basic, signer, key, EVP_sha256(), NULL, flags)) {
    fail("can't make the answer");
  }
  ASN1_TIME_free(revoked_on);
  ASN1_TIME_free(from);
  ASN1_TIME_free(to);
  OCSP_CERTID_free(id);
  EVP_PKEY_free(key);
  X509_free(signer);
  X509_free(certificate);
  X509_free(issuer);
  return basic;
}

int main(int count, char **arguments) {
  OCSP_BASICRESP *basic = NULL;
  OCSP_RESPONSE *response;
  FILE *file;

  if (count != COUNT) {
    fail("needs 9 arguments");
  }
  if (strcmp(arguments[STATUS], "tryLater") == 0) {
    response = OCSP_response_create(OCSP_RESPONSE_STATUS_TRYLATER, NULL);
  } else {
    basic = make_basic(arguments);
    response = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
  }
  file = fopen(arguments[OUTPUT], "w");
  if (response == NULL || file == NULL || ASN1_item_i2d_fp(ASN1_ITEM_rptr(OCSP_RESPONSE), file, response) != 1 ||
      fclose(file) != 0) {
    fail(arguments[OUTPUT]);
  }
  OCSP_RESPONSE_free(response);
  OCSP_BASICRESP_free(basic);
  return 0;
}
