/* SPDX-License-Identifier: MIT */
/*
 * Mints an OCSP response about one certificate, good or with a defect. The openssl command line can't date a response
 * back, nor leave out until when it holds.
 *
 *   mint_ocsp_response ISSUER.pem CERTIFICATE.pem SIGNER.pem SIGNER.key SAYS HASH DIGEST EXTENSION OUTPUT
 *
 * SAYS: STATUS:FROM:TO, or several of them separated by commas. STATUS: good, revoked, unknown, or alone tryLater (an
 * error instead of a status). FROM and TO: seconds from now; TO may be "none". HASH is what the issuer is named by,
 * DIGEST what is signed. EXTENSION: "plain" or "critical" for one that nobody knows, or "none". The signer's
 * certificate goes along unless it is the issuer's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/ocsp.h>
#include <openssl/pem.h>

enum argument { ISSUER = 1, CERTIFICATE, SIGNER, KEY, SAYS, HASH, DIGEST, EXTENSION, OUTPUT, COUNT };

static void fail(const char *what) {
  fprintf(stderr, "mint_ocsp_response: %s\n", what);
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

/* Consumes \a says. */
static void add_statuses(OCSP_BASICRESP *basic, OCSP_CERTID *id, char *says) {
  char *rest = says;
  char *one;

  while ((one = strsep(&rest, ",")) != NULL) {
    const int status = find_status(strsep(&one, ":"));
    const int revoked = status == V_OCSP_CERTSTATUS_REVOKED;
    ASN1_TIME *from = one != NULL ? time_from_now(strsep(&one, ":")) : NULL;
    ASN1_TIME *to = one != NULL ? time_from_now(one) : NULL;
    ASN1_TIME *revoked_on = revoked ? time_from_now("-86400") : NULL;

    if (from == NULL || OCSP_basic_add1_status(basic, id, status, revoked ? OCSP_REVOKED_STATUS_KEYCOMPROMISE : 0,
                                               revoked_on, from, to) == NULL) {
      fail("can't add what it says");
    }
    ASN1_TIME_free(revoked_on);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
  }
}

static void add_extension(OCSP_BASICRESP *basic, const char *kind) {
  ASN1_OCTET_STRING *value = ASN1_OCTET_STRING_new();
  ASN1_OBJECT *identifier = OBJ_txt2obj("1.3.6.1.4.1.32473.1", 1); /* of the numbers set aside for examples, RFC 5612 */
  X509_EXTENSION *extension;

  if (value == NULL || identifier == NULL || ASN1_OCTET_STRING_set(value, (const unsigned char *)"\5\0", 2) != 1) {
    fail("out of memory");
  }
  extension = X509_EXTENSION_create_by_OBJ(NULL, identifier, strcmp(kind, "critical") == 0, value);
  if (extension == NULL || !OCSP_BASICRESP_add_ext(basic, extension, -1)) {
    fail("can't add the extension");
  }
  X509_EXTENSION_free(extension);
  ASN1_OBJECT_free(identifier);
  ASN1_OCTET_STRING_free(value);
}

static OCSP_BASICRESP *make_basic(char **arguments) {
  const EVP_MD *hash = EVP_get_digestbyname(arguments[HASH]);
  const EVP_MD *digest = EVP_get_digestbyname(arguments[DIGEST]);
  X509 *issuer = read_certificate(arguments[ISSUER]);
  X509 *certificate = read_certificate(arguments[CERTIFICATE]);
  X509 *signer = read_certificate(arguments[SIGNER]);
  EVP_PKEY *key = read_key(arguments[KEY]);
  OCSP_CERTID *id = hash != NULL ? OCSP_cert_to_id(hash, certificate, issuer) : NULL;
  OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
  const unsigned long flags = X509_cmp(issuer, signer) == 0 ? OCSP_NOCERTS : 0;

  if (id == NULL || basic == NULL || digest == NULL) {
    fail("can't make the response");
  }
  add_statuses(basic, id, arguments[SAYS]);
  if (strcmp(arguments[EXTENSION], "none") != 0) {
    add_extension(basic, arguments[EXTENSION]);
  }
  if (!OCSP_basic_sign(basic, signer, key, digest, NULL, flags)) {
    fail("can't sign the response");
  }
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
  if (strcmp(arguments[SAYS], "tryLater") == 0) {
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
