/* SPDX-License-Identifier: MIT */
/*
 * Copies a certificate but puts another public key into it, for which it makes the private one. The openssl command
 * line can't do that without signing anew, and what matters here is a certificate whose signature is an old one.
 *
 *   forge_certificate ORIGINAL.pem EXTENSIONS OUTPUT.pem OUTPUT.key [SIGNER.key]
 *
 * The new key is of the same kind as the old one. EXTENSIONS: "all", where keyUsage allows what both a CA and a server
 * need, or "fewer", without basicConstraints and keyUsage. A subject alternative name for localhost and 127.0.0.1 is
 * added where there is none. Without SIGNER.key the bytes of the signature remain those of the original.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum argument { ORIGINAL = 1, EXTENSIONS, OUTPUT, OUTPUT_KEY, COUNT_UNSIGNED, SIGNER = COUNT_UNSIGNED, COUNT };

static void fail(const char *what) {
  fprintf(stderr, "forge_certificate: %s\n", what);
  exit(1);
}

static FILE *open_file(const char *path, const char *mode) {
  FILE *file = fopen(path, mode);

  if (file == NULL) {
    fail(path);
  }
  return file;
}

static X509 *read_certificate(const char *path) {
  FILE *file = open_file(path, "r");
  X509 *certificate = PEM_read_X509(file, NULL, NULL, NULL);

  if (certificate == NULL) {
    fail(path);
  }
  fclose(file);
  return certificate;
}

static EVP_PKEY *read_key(const char *path) {
  FILE *file = open_file(path, "r");
  EVP_PKEY *key = PEM_read_PrivateKey(file, NULL, NULL, NULL);

  if (key == NULL) {
    fail(path);
  }
  fclose(file);
  return key;
}

/* On the same curve, or RSA of OpenSSL's default size. */
static EVP_PKEY *make_key_like(EVP_PKEY *old) {
  EVP_PKEY_CTX *maker = EVP_PKEY_CTX_new(old, NULL);
  EVP_PKEY *key = NULL;

  if (maker == NULL || EVP_PKEY_keygen_init(maker) != 1 || EVP_PKEY_keygen(maker, &key) != 1) {
    fail("can't make a key");
  }
  EVP_PKEY_CTX_free(maker);
  return key;
}

static void remove_extension(X509 *certificate, int kind) {
  const int position = X509_get_ext_by_NID(certificate, kind, -1);

  if (position >= 0) {
    X509_EXTENSION_free(X509_delete_ext(certificate, position));
  }
}

static void add_extension(X509 *certificate, int kind, const char *value) {
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);

  if (extension == NULL || X509_add_ext(certificate, extension, -1) != 1) {
    fail("can't add an extension");
  }
  X509_EXTENSION_free(extension);
}

static void change(X509 *certificate, EVP_PKEY *key, const char *extensions) {
  remove_extension(certificate, NID_key_usage);
  if (strcmp(extensions, "fewer") == 0) {
    remove_extension(certificate, NID_basic_constraints);
  } else {
    add_extension(certificate, NID_key_usage, "critical,digitalSignature,keyCertSign,cRLSign");
  }
  if (X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1) < 0) {
    add_extension(certificate, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1");
  }
  if (X509_set_pubkey(certificate, key) != 1) {
    fail("can't put the key in");
  }
}

/*
 * i2d_re_X509_tbs() drops the encoding that OpenSSL keeps of what was signed: otherwise the old one would be written.
 */
static void finish(X509 *certificate, const char *signer) {
  if (signer != NULL) {
    EVP_PKEY *key = read_key(signer);

    if (X509_sign(certificate, key, EVP_sha256()) <= 0) {
      fail("can't sign");
    }
    EVP_PKEY_free(key);
  } else if (i2d_re_X509_tbs(certificate, NULL) <= 0) {
    fail("can't encode");
  }
}

static void write_files(char **arguments, X509 *certificate, EVP_PKEY *key) {
  FILE *file = open_file(arguments[OUTPUT], "w");

  if (PEM_write_X509(file, certificate) != 1 || fclose(file) != 0) {
    fail(arguments[OUTPUT]);
  }
  file = open_file(arguments[OUTPUT_KEY], "w");
  if (PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) != 1 || fclose(file) != 0) {
    fail(arguments[OUTPUT_KEY]);
  }
}

int main(int count, char **arguments) {
  X509 *original;
  X509 *copy;
  EVP_PKEY *key;

  if (count != COUNT_UNSIGNED && count != COUNT) {
    fail("needs 4 or 5 arguments");
  }
  original = read_certificate(arguments[ORIGINAL]);
  copy = X509_dup(original);
  key = make_key_like(X509_get0_pubkey(original));
  if (copy == NULL) {
    fail("out of memory");
  }
  change(copy, key, arguments[EXTENSIONS]);
  finish(copy, count == COUNT ? arguments[SIGNER] : NULL);
  write_files(arguments, copy, key);
  EVP_PKEY_free(key);
  X509_free(copy);
  X509_free(original);
  return 0;
}
