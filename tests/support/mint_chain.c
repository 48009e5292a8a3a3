/* SPDX-License-Identifier: MIT */
/*
 * Mints certificates from a terse description, good ones and such as no CA's tool would make. One process makes all of
 * them, with EC keys, so that a test can afford a set for each of its cases.
 *
 *   mint_chain FOLDER < DESCRIPTION
 *
 * Each line of the description is one certificate, written to FOLDER/NAME.der and NAME.pem, its key to NAME.key:
 *
 *   NAME [WORD]...
 *
 *   by=NAME       issued by that certificate, which came before: its subject and its key; default: by itself
 *   s=DN i=DN     subject (default CN=NAME) and issuer, as CN=a,O=b. An underscore is a space; a value may begin with
 *                 P: (PrintableString), T: (TeletexString) or B: (BMPString), else it is a UTF8String
 *   key=KIND      ec (P-256), p384, p521, rsaN, rsaNeM (a public exponent of M bits, all of them ones), pss2048,
 *                 ed25519; or key=@NAME: the key of that certificate
 *   sign=NAME     signed by that certificate's key instead of the issuer's
 *   from=N to=N   validity, in seconds from now; default from an hour ago for a day
 *   v=N           version
 *   serial=N      default: which of the certificates it is
 *   md=NAME       hash of the signature, default sha256
 *   pss=MGF:SALT  an RSA-PSS signature, with the hash of the mask generation and the length of the salt
 *   spoil         a bit of the signature is turned over
 *   copy=NAME     the bytes of the signature are those of that certificate
 *   cut           the last byte of the file is missing
 *   ca, ca=N      a CA's extensions, with a path length of N
 *   leaf          a server's extensions, for localhost
 *   x:NAME=VALUE  an extension in the form of openssl.cnf; it takes the place of one that ca or leaf made
 *   x:NAME=       that extension is left out; "nothing" is a value of no bytes
 *
 * or one revocation list, written to FOLDER/NAME.der, of the CA that it is by:
 *
 *   NAME list by=NAME [revokes=NAME,...] and from, to, i, sign, md, spoil and x as above
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/conf.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#define CERTIFICATES 512
#define EXTENSIONS 16

enum { REVOKED_SECONDS_AGO = 7200 };

struct minted {
  char name[64];
  X509 *certificate;
  EVP_PKEY *key;
};

struct extension_text {
  const char *name;
  const char *value;
};

struct description {
  const char *name;
  const char *by;
  const char *subject;
  const char *issuer;
  const char *key;
  const char *signer;
  const char *digest;
  const char *pss;
  const char *copied;
  const char *revoked;
  long from;
  long to;
  long version;
  long serial;
  int is_list;
  int spoiled;
  int cut;
  struct extension_text extensions[EXTENSIONS];
  size_t extension_count;
};

static struct minted minted[CERTIFICATES];
static size_t minted_count;

static void fail(const char *what) {
  fprintf(stderr, "mint_chain: %s\n", what);
  exit(1);
}

static void must(int success, const char *what) {
  if (!success) {
    fail(what);
  }
}

static const struct minted *find(const char *name) {
  for (size_t i = 0; i < minted_count; i++) {
    if (strcmp(minted[i].name, name) == 0) {
      return &minted[i];
    }
  }
  fail(name);
  return NULL;
}

/* ---- Reading the description ---- */

static void set_extension(struct description *description, const char *name, const char *value) {
  size_t at = 0;

  while (at < description->extension_count && strcmp(description->extensions[at].name, name) != 0) {
    at++;
  }
  must(at < EXTENSIONS, "too many extensions");
  description->extensions[at] = (struct extension_text){name, value};
  if (at == description->extension_count) {
    description->extension_count++;
  }
}

static void make_ca(struct description *description, const char *path_length) {
  static char texts[CERTIFICATES][64];
  char *text = texts[minted_count];

  (void)snprintf(text, sizeof(texts[0]), "critical,CA:TRUE%s%s", path_length != NULL ? ",pathlen:" : "",
                 path_length != NULL ? path_length : "");
  set_extension(description, "basicConstraints", text);
  set_extension(description, "keyUsage", "critical,keyCertSign,cRLSign");
}

static void make_leaf(struct description *description) {
  set_extension(description, "basicConstraints", "critical,CA:FALSE");
  set_extension(description, "keyUsage", "critical,digitalSignature");
  set_extension(description, "extendedKeyUsage", "serverAuth");
  set_extension(description, "subjectAltName", "DNS:localhost");
}

/* \return what follows the prefix, or NULL */
static const char *after(const char *word, const char *prefix) {
  const size_t length = strlen(prefix);

  return strncmp(word, prefix, length) == 0 ? word + length : NULL;
}

static int use_text(struct description *description, const char *word) {
  const struct {
    const char *prefix;
    const char **field;
  } texts[] = {{"by=", &description->by},   {"s=", &description->subject},   {"i=", &description->issuer},
               {"key=", &description->key}, {"sign=", &description->signer}, {"md=", &description->digest},
               {"pss=", &description->pss}, {"copy=", &description->copied}, {"revokes=", &description->revoked}};

  for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
    const char *value = after(word, texts[i].prefix);

    if (value != NULL) {
      *texts[i].field = value;
      return 1;
    }
  }
  return 0;
}

static int use_number(struct description *description, const char *word) {
  const struct {
    const char *prefix;
    long *field;
  } numbers[] = {{"from=", &description->from},
                 {"to=", &description->to},
                 {"v=", &description->version},
                 {"serial=", &description->serial}};

  for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
    const char *value = after(word, numbers[i].prefix);

    if (value != NULL) {
      *numbers[i].field = strtol(value, NULL, 10);
      return 1;
    }
  }
  return 0;
}

static void use_word(struct description *description, char *word) {
  char *value;

  if (strcmp(word, "ca") == 0) {
    make_ca(description, NULL);
  } else if (after(word, "ca=") != NULL) {
    make_ca(description, after(word, "ca="));
  } else if (strcmp(word, "leaf") == 0) {
    make_leaf(description);
  } else if (strcmp(word, "list") == 0) {
    description->is_list = 1;
  } else if (strcmp(word, "spoil") == 0) {
    description->spoiled = 1;
  } else if (strcmp(word, "cut") == 0) {
    description->cut = 1;
  } else if (after(word, "x:") != NULL) {
    value = strchr(word, '=');
    must(value != NULL, word);
    *value = '\0';
    set_extension(description, word + 2, value + 1);
  } else if (!use_text(description, word) && !use_number(description, word)) {
    fail(word);
  }
}

/* ---- Making a certificate ---- */

static void add_attribute(X509_NAME *name, char *attribute) {
  char *value = strchr(attribute, '=');
  unsigned char wide[256];
  int type = V_ASN1_UTF8STRING;
  int length;

  must(value != NULL, attribute);
  *value++ = '\0';
  for (char *at = value; *at != '\0'; at++) {
    *at = *at == '_' ? ' ' : *at;
  }
  if (value[0] != '\0' && value[1] == ':') {
    type = value[0] == 'P' ? V_ASN1_PRINTABLESTRING : value[0] == 'T' ? V_ASN1_TELETEXSTRING : V_ASN1_BMPSTRING;
    value += 2;
  }
  length = (int)strlen(value);
  if (type == V_ASN1_BMPSTRING) {
    for (int i = 0; i < length; i++) {
      wide[2 * i] = 0;
      wide[2 * i + 1] = (unsigned char)value[i];
    }
    must(X509_NAME_add_entry_by_txt(name, attribute, type, wide, 2 * length, -1, 0), attribute);
  } else {
    must(X509_NAME_add_entry_by_txt(name, attribute, type, (const unsigned char *)value, length, -1, 0), attribute);
  }
}

static X509_NAME *make_name(const char *text) {
  X509_NAME *name = X509_NAME_new();
  char *copy = strdup(text);
  char *rest = copy;
  char *attribute;

  must(name != NULL && copy != NULL, "out of memory");
  while ((attribute = strsep(&rest, ",")) != NULL) {
    if (attribute[0] != '\0') {
      add_attribute(name, attribute);
    }
  }
  free(copy);
  return name;
}

/* \a kind: as OpenSSL calls it. An exponent of no bits is the usual one. Large keys have more primes, which are found
   sooner; nobody sees that in the public key. */
static EVP_PKEY *make_rsa(const char *kind, int bits, int exponent_bits) {
  EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, kind, NULL);
  BIGNUM *exponent = BN_new();
  EVP_PKEY *key = NULL;

  must(context != NULL && exponent != NULL && BN_set_bit(exponent, exponent_bits) && BN_sub_word(exponent, 1) &&
           EVP_PKEY_keygen_init(context) > 0 && EVP_PKEY_CTX_set_rsa_keygen_bits(context, bits) > 0 &&
           (bits <= 4096 || EVP_PKEY_CTX_set_rsa_keygen_primes(context, 4) > 0) &&
           (exponent_bits == 0 || EVP_PKEY_CTX_set1_rsa_keygen_pubexp(context, exponent) > 0) &&
           EVP_PKEY_keygen(context, &key) > 0,
       "can't make a key");
  BN_free(exponent);
  EVP_PKEY_CTX_free(context);
  return key;
}

static EVP_PKEY *make_key(const char *kind) {
  EVP_PKEY *key = NULL;
  int bits;
  int exponent_bits = 0;

  if (kind[0] == '@') {
    key = find(kind + 1)->key;
    must(EVP_PKEY_up_ref(key), "out of memory");
    return key;
  }
  if (strcmp(kind, "ec") == 0) {
    key = EVP_EC_gen("P-256");
  } else if (strcmp(kind, "p384") == 0) {
    key = EVP_EC_gen("P-384");
  } else if (strcmp(kind, "p521") == 0) {
    key = EVP_EC_gen("P-521");
  } else if (sscanf(kind, "rsa%de%d", &bits, &exponent_bits) == (strchr(kind, 'e') != NULL ? 2 : 1)) {
    key = make_rsa("RSA", bits, exponent_bits);
  } else if (strcmp(kind, "pss2048") == 0) {
    key = make_rsa("RSA-PSS", 2048, 0);
  } else if (strcmp(kind, "ed25519") == 0) {
    key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
  }
  must(key != NULL, kind);
  return key;
}

static X509_EXTENSION *make_extension(CONF *configuration, X509V3_CTX *context, const struct extension_text *text) {
  X509_EXTENSION *extension;
  ASN1_OCTET_STRING *nothing;
  ASN1_OBJECT *identifier;

  if (strcmp(text->value, "nothing") != 0) {
    return X509V3_EXT_nconf(configuration, context, text->name, text->value);
  }
  nothing = ASN1_OCTET_STRING_new();
  identifier = OBJ_txt2obj(text->name, 0);
  extension = X509_EXTENSION_create_by_OBJ(NULL, identifier, 0, nothing);
  ASN1_OBJECT_free(identifier);
  ASN1_OCTET_STRING_free(nothing);
  return extension;
}

static void add_extensions(X509 *certificate, X509 *issuer, const struct description *description) {
  CONF *configuration = NCONF_new(NULL); /* some extensions insist on one */
  X509V3_CTX context;

  X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
  X509V3_set_nconf(&context, configuration);
  for (size_t i = 0; i < description->extension_count; i++) {
    const struct extension_text *text = &description->extensions[i];
    X509_EXTENSION *extension;

    if (text->value[0] == '\0') {
      continue;
    }
    extension = make_extension(configuration, &context, text);
    must(extension != NULL && X509_add_ext(certificate, extension, -1), text->value);
    X509_EXTENSION_free(extension);
  }
  NCONF_free(configuration);
}

static void set_padding(EVP_PKEY_CTX *context, const char *pss) {
  char mask[32];
  int salt;

  must(sscanf(pss, "%31[^:]:%d", mask, &salt) == 2 &&
           EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(context, EVP_get_digestbyname(mask)) > 0 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, salt) > 0,
       pss);
}

static void sign(X509 *certificate, EVP_PKEY *key, const struct description *description) {
  EVP_MD_CTX *context = EVP_MD_CTX_new();
  EVP_PKEY_CTX *key_context = NULL;
  const EVP_MD *digest = EVP_PKEY_is_a(key, "ED25519") ? NULL : EVP_get_digestbyname(description->digest);

  must(context != NULL && EVP_DigestSignInit(context, &key_context, digest, NULL, key), "can't sign");
  if (description->pss != NULL) {
    set_padding(key_context, description->pss);
  }
  must(X509_sign_ctx(certificate, context) > 0, "can't sign");
  EVP_MD_CTX_free(context);
}

static void change_signature(X509 *certificate, const struct description *description) {
  const ASN1_BIT_STRING *constant;
  const ASN1_BIT_STRING *other;
  ASN1_BIT_STRING *signature;

  X509_get0_signature(&constant, NULL, certificate);
  signature = (ASN1_BIT_STRING *)constant;
  if (description->copied != NULL) {
    X509_get0_signature(&other, NULL, find(description->copied)->certificate);
    must(ASN1_STRING_set(signature, ASN1_STRING_get0_data(other), ASN1_STRING_length(other)), "out of memory");
  }
  if (description->spoiled) {
    signature->data[signature->length - 1] ^= 1;
  }
}

static FILE *open_file(const char *folder, const char *name, const char *ending) {
  char path[4096];
  FILE *file;

  (void)snprintf(path, sizeof(path), "%s/%s.%s", folder, name, ending);
  file = fopen(path, "wb");
  must(file != NULL, path);
  return file;
}

static void write_files(const char *folder, X509 *certificate, EVP_PKEY *key, const struct description *description) {
  unsigned char *der = NULL;
  const int length = i2d_X509(certificate, &der) - description->cut;
  FILE *file = open_file(folder, description->name, "der");

  must(length > 0 && fwrite(der, 1, (size_t)length, file) == (size_t)length && fclose(file) == 0, "can't write");
  OPENSSL_free(der);
  file = open_file(folder, description->name, "pem");
  must(PEM_write_X509(file, certificate) && fclose(file) == 0, "can't write");
  file = open_file(folder, description->name, "key");
  must(PEM_write_PrivateKey(file, key, NULL, NULL, 0, NULL, NULL) && fclose(file) == 0, "can't write");
}

static void set_names(X509 *certificate, const struct minted *issuer, const struct description *description) {
  char text[80];
  X509_NAME *subject;
  X509_NAME *name;

  (void)snprintf(text, sizeof(text), "CN=%s", description->name);
  subject = make_name(description->subject != NULL ? description->subject : text);
  must(X509_set_subject_name(certificate, subject), "can't set the subject");
  if (description->issuer != NULL) {
    name = make_name(description->issuer);
    must(X509_set_issuer_name(certificate, name), "can't set the issuer");
    X509_NAME_free(name);
  } else {
    must(X509_set_issuer_name(certificate, issuer != NULL ? X509_get_subject_name(issuer->certificate) : subject),
         "can't set the issuer");
  }
  X509_NAME_free(subject);
}

static void mint(const char *folder, const struct description *description) {
  const struct minted *issuer = description->by != NULL ? find(description->by) : NULL;
  struct minted *made = &minted[minted_count];
  X509 *certificate = X509_new();
  EVP_PKEY *signer;

  must(minted_count < CERTIFICATES && certificate != NULL, "too many certificates");
  made->key = make_key(description->key);
  made->certificate = certificate;
  (void)snprintf(made->name, sizeof(made->name), "%s", description->name);
  set_names(certificate, issuer, description);
  must(X509_set_version(certificate, description->version - 1) &&
           ASN1_INTEGER_set(X509_get_serialNumber(certificate), description->serial) &&
           X509_gmtime_adj(X509_getm_notBefore(certificate), description->from) != NULL &&
           X509_gmtime_adj(X509_getm_notAfter(certificate), description->to) != NULL &&
           X509_set_pubkey(certificate, made->key),
       "can't fill a certificate");
  add_extensions(certificate, issuer != NULL ? issuer->certificate : certificate, description);
  signer = issuer != NULL ? issuer->key : made->key;
  sign(certificate, description->signer != NULL ? find(description->signer)->key : signer, description);
  change_signature(certificate, description);
  write_files(folder, certificate, made->key, description);
  minted_count++;
}

/* ---- Making a revocation list ---- */

static void add_entries(X509_CRL *list, const char *names) {
  char *copy = strdup(names);
  char *rest = copy;
  char *name;
  ASN1_TIME *date = X509_gmtime_adj(NULL, -REVOKED_SECONDS_AGO);

  must(copy != NULL && date != NULL, "out of memory");
  while ((name = strsep(&rest, ",")) != NULL) {
    X509_REVOKED *entry = X509_REVOKED_new();

    must(entry != NULL && X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(find(name)->certificate)) &&
             X509_REVOKED_set_revocationDate(entry, date) && X509_CRL_add0_revoked(list, entry),
         "can't add an entry");
  }
  ASN1_TIME_free(date);
  free(copy);
}

static void add_list_extensions(X509_CRL *list, X509 *issuer, const struct description *description) {
  CONF *configuration = NCONF_new(NULL);
  X509V3_CTX context;

  X509V3_set_ctx(&context, issuer, NULL, NULL, list, 0);
  X509V3_set_nconf(&context, configuration);
  for (size_t i = 0; i < description->extension_count; i++) {
    X509_EXTENSION *extension = make_extension(configuration, &context, &description->extensions[i]);

    must(extension != NULL && X509_CRL_add_ext(list, extension, -1), description->extensions[i].value);
    X509_EXTENSION_free(extension);
  }
  NCONF_free(configuration);
}

static void set_list_issuer(X509_CRL *list, const struct minted *issuer, const struct description *description) {
  X509_NAME *name = description->issuer != NULL ? make_name(description->issuer)
                                                : X509_NAME_dup(X509_get_subject_name(issuer->certificate));

  must(name != NULL && X509_CRL_set_issuer_name(list, name), "can't set the issuer");
  X509_NAME_free(name);
}

static void write_list(const char *folder, X509_CRL *list, const struct description *description) {
  unsigned char *der = NULL;
  const int length = i2d_X509_CRL(list, &der);
  FILE *file = open_file(folder, description->name, "der");

  must(length > 0, "can't encode a list");
  der[length - 1] ^= (unsigned char)description->spoiled; /* the end of the signature */
  must(fwrite(der, 1, (size_t)length, file) == (size_t)length && fclose(file) == 0, "can't write");
  OPENSSL_free(der);
}

static void mint_list(const char *folder, const struct description *description) {
  const struct minted *issuer;
  ASN1_TIME *from = X509_gmtime_adj(NULL, description->from);
  ASN1_TIME *to = X509_gmtime_adj(NULL, description->to);
  X509_CRL *list = X509_CRL_new();

  must(description->by != NULL && list != NULL && from != NULL && to != NULL, "a list needs a CA");
  issuer = find(description->by);
  must(X509_CRL_set_version(list, X509_CRL_VERSION_2) && X509_CRL_set1_lastUpdate(list, from) &&
           X509_CRL_set1_nextUpdate(list, to),
       "can't fill a list");
  set_list_issuer(list, issuer, description);
  add_list_extensions(list, issuer->certificate, description);
  if (description->revoked != NULL) {
    add_entries(list, description->revoked);
  }
  must(X509_CRL_sign(list, description->signer != NULL ? find(description->signer)->key : issuer->key,
                     EVP_get_digestbyname(description->digest)) > 0,
       "can't sign");
  write_list(folder, list, description);
  X509_CRL_free(list);
  ASN1_TIME_free(from);
  ASN1_TIME_free(to);
}

static void mint_line(const char *folder, char *line) {
  struct description description = {.key = "ec",
                                    .digest = "sha256",
                                    .from = -3600,
                                    .to = 86400,
                                    .version = X509_VERSION_3 + 1,
                                    .serial = (long)minted_count + 1};
  char *word;

  while ((word = strsep(&line, " \n")) != NULL) {
    if (word[0] == '\0') {
      continue;
    }
    if (description.name == NULL) {
      description.name = word;
    } else {
      use_word(&description, word);
    }
  }
  if (description.name != NULL) {
    (description.is_list ? mint_list : mint)(folder, &description);
  }
}

int main(int count, char **arguments) {
  char line[4096];

  must(count == 2, "needs one argument");
  while (fgets(line, sizeof(line), stdin) != NULL) {
    mint_line(arguments[1], line);
  }
  for (size_t i = 0; i < minted_count; i++) {
    X509_free(minted[i].certificate);
    EVP_PKEY_free(minted[i].key);
  }
  return 0;
}
