/* SPDX-License-Identifier: MIT */
/*
 * Reading certificates: those that openssl mints here, hand-made ones with one thing wrong, and damaged ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "x509/certificate.h"
#include "x509/der.h"
#include "exact_copy.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define TEXT_CAPACITY 4096

/* ---- Running openssl in a folder of our own ---- */

static char folder[4096];

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *walk) {
  (void)status;
  (void)kind;
  (void)walk;
  return remove(path);
}

static int make_folder(void **state) {
  const char *parent = getenv("TMPDIR");
  (void)state;
  snprintf(folder, sizeof folder, "%s/certificate_test.XXXXXX", parent == NULL ? "/tmp" : parent);
  return mkdtemp(folder) == NULL ? -1 : 0;
}

static int remove_folder(void **state) {
  (void)state;
  return nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void file_path(char *path, size_t capacity, const char *name) {
  assert_true(snprintf(path, capacity, "%s/%s", folder, name) < (int)capacity);
}

static void write_file(const char *name, const char *text) {
  char path[5000];
  FILE *file;
  file_path(path, sizeof path, name);
  file = fopen(path, "w");
  assert_non_null(file);
  assert_true(fputs(text, file) >= 0);
  assert_int_equal(fclose(file), 0);
}

/* The caller frees it. */
static uint8_t *read_file(const char *name, size_t *length) {
  char path[5000];
  uint8_t bytes[32768];
  FILE *file;
  file_path(path, sizeof path, name);
  file = fopen(path, "rb");
  assert_non_null(file);
  *length = fread(bytes, 1, sizeof bytes, file);
  assert_int_equal(fclose(file), 0);
  assert_true(*length < sizeof bytes);
  return exact_copy(bytes, *length);
}

static void become_openssl(char *const *arguments) {
  const int output = open("output", O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (output < 0 || dup2(output, STDOUT_FILENO) < 0 || dup2(output, STDERR_FILENO) < 0) {
    _exit(126);
  }
  execvp("openssl", arguments);
  _exit(127);
}

/* Runs openssl with the arguments up to NULL. What it prints goes to the file "output". */
static void openssl(const char *first, ...) {
  char *arguments[40] = {(char *)(uintptr_t) "openssl", (char *)(uintptr_t)first};
  size_t count = 2;
  int status = 0;
  va_list list;
  pid_t pid;
  va_start(list, first);
  do {
    assert_true(count < COUNT(arguments));
    arguments[count] = va_arg(list, char *);
  } while (arguments[count++] != NULL);
  va_end(list);
  pid = fork();
  assert_true(pid >= 0);
  if (pid == 0) {
    if (chdir(folder) != 0) {
      _exit(125);
    }
    become_openssl(arguments);
  }
  assert_int_equal(waitpid(pid, &status, 0), pid);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    size_t length;
    uint8_t *output = read_file("output", &length);
    print_error("openssl %s: %.*s\n", first, (int)length, (const char *)output);
    free(output);
    fail_msg("openssl %s ended with status %#x", first, (unsigned)status);
  }
}

static void make_key(const char *algorithm, const char *option) {
  if (option == NULL) {
    openssl("genpkey", "-algorithm", algorithm, "-out", "key.pem", NULL);
  } else {
    openssl("genpkey", "-algorithm", algorithm, "-pkeyopt", option, "-out", "key.pem", NULL);
  }
}

/* The common case: a P-256 key, which all tests share that don't care. */
static void make_any_key(void) {
  char path[5000];
  file_path(path, sizeof path, "any.pem");
  if (access(path, R_OK) != 0) {
    openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", "any.pem", NULL);
  }
}

static uint8_t *mint_with_key(const char *key, const char *subject, const char *extensions, size_t *length) {
  char configuration[2048];
  snprintf(configuration, sizeof configuration,
           "[req]\nutf8=yes\nstring_mask=utf8only\ndistinguished_name=dn\nx509_extensions=extensions\n"
           "[dn]\n[extensions]\n%s\n",
           extensions);
  write_file("openssl.cnf", configuration);
  openssl("req", "-x509", "-new", "-config", "openssl.cnf", "-key", key, "-utf8", "-subj", subject, "-days", "2",
          "-outform", "DER", "-out", "certificate.der", NULL);
  return read_file("certificate.der", length);
}

static uint8_t *mint(const char *subject, const char *extensions, size_t *length) {
  make_any_key();
  return mint_with_key("any.pem", subject, extensions, length);
}

/* ---- Looking at everything a certificate says ---- */

static void walk_names(struct byte_slice rest) {
  enum certificate_name_kind kind;
  struct byte_slice value;
  char text[64];
  while (certificate_next_name(&rest, &kind, &value)) {
    const size_t needed = certificate_format_alternative_name(kind, value, text, sizeof text);
    assert_true(strlen(text) <= needed);
  }
}

static void look_at_everything(const struct certificate *certificate) {
  char text[64];
  assert_true(certificate_format_name(certificate->subject, text, sizeof text) >= strlen(text));
  assert_true(certificate_format_name(certificate->issuer, text, sizeof text) >= strlen(text));
  walk_names(certificate->alternative_names);
}

/* Reads a copy of exactly this size, and if that is possible everything in it. */
static bool reads(const uint8_t *der, size_t length) {
  struct certificate certificate;
  uint8_t *copy = exact_copy(der, length);
  const bool result = certificate_read(&certificate, copy, length);
  if (result) {
    look_at_everything(&certificate);
  }
  free(copy);
  return result;
}

static void expect_subject(const uint8_t *der, size_t length, const char *expected) {
  struct certificate certificate;
  char text[TEXT_CAPACITY];
  assert_true(certificate_read(&certificate, der, length));
  assert_int_equal(certificate_format_name(certificate.subject, text, sizeof text), strlen(expected));
  assert_string_equal(text, expected);
}

/* All alternative names, a line each. */
static void expect_alternative_names(const uint8_t *der, size_t length, const char *expected) {
  struct certificate certificate;
  struct byte_slice value;
  enum certificate_name_kind kind;
  char text[TEXT_CAPACITY] = "";
  assert_true(certificate_read(&certificate, der, length));
  while (certificate_next_name(&certificate.alternative_names, &kind, &value)) {
    const size_t used = strlen(text);
    const size_t needed = certificate_format_alternative_name(kind, value, text + used, sizeof text - used - 1);
    assert_true(used + needed + 1 < sizeof text);
    strcat(text, "\n");
  }
  assert_int_equal(certificate.alternative_names.length, 0);
  assert_string_equal(text, expected);
}

/* ---- Certificates that openssl mints ---- */

static void test_keys(void **state) {
  static const struct {
    const char *algorithm;
    const char *option;
    enum certificate_key_kind kind;
    unsigned bits;
    uint16_t curve;
  } cases[] = {
      {"RSA", "rsa_keygen_bits:1024", CERTIFICATE_KEY_RSA, 1024, 0},
      {"RSA", "rsa_keygen_bits:2048", CERTIFICATE_KEY_RSA, 2048, 0},
      {"RSA", "rsa_keygen_bits:2047", CERTIFICATE_KEY_RSA, 2047, 0},
      {"RSA", "rsa_keygen_bits:3072", CERTIFICATE_KEY_RSA, 3072, 0},
      {"RSA-PSS", "rsa_keygen_bits:2048", CERTIFICATE_KEY_RSA, 2048, 0},
      {"EC", "ec_paramgen_curve:P-192", CERTIFICATE_KEY_EC, 192, 19},
      {"EC", "ec_paramgen_curve:P-224", CERTIFICATE_KEY_EC, 224, 21},
      {"EC", "ec_paramgen_curve:P-256", CERTIFICATE_KEY_EC, 256, 23},
      {"EC", "ec_paramgen_curve:P-384", CERTIFICATE_KEY_EC, 384, 24},
      {"EC", "ec_paramgen_curve:P-521", CERTIFICATE_KEY_EC, 521, 25},
      {"EC", "ec_paramgen_curve:secp256k1", CERTIFICATE_KEY_EC, 256, 22},
      {"EC", "ec_paramgen_curve:brainpoolP256r1", CERTIFICATE_KEY_EC, 256, 26},
      {"EC", "ec_paramgen_curve:brainpoolP256t1", CERTIFICATE_KEY_EC, 256, 0},
      {"EC", "ec_paramgen_curve:brainpoolP384r1", CERTIFICATE_KEY_EC, 384, 27},
      {"EC", "ec_paramgen_curve:brainpoolP384t1", CERTIFICATE_KEY_EC, 384, 0},
      {"EC", "ec_paramgen_curve:brainpoolP512r1", CERTIFICATE_KEY_EC, 512, 28},
      {"EC", "ec_paramgen_curve:brainpoolP512t1", CERTIFICATE_KEY_EC, 512, 0},
      {"EC", "ec_paramgen_curve:sect283k1", CERTIFICATE_KEY_EC, 0, 0},
      {"ED25519", NULL, CERTIFICATE_KEY_ED25519, 0, 0},
      {"ED448", NULL, CERTIFICATE_KEY_ED448, 0, 0},
  };
  size_t i;
  (void)state;
  for (i = 0; i < COUNT(cases); i++) {
    struct certificate certificate;
    size_t length, key_length;
    uint8_t *der, *key;
    make_key(cases[i].algorithm, cases[i].option);
    der = mint_with_key("key.pem", "/CN=key", "", &length);
    openssl("pkey", "-in", "key.pem", "-pubout", "-outform", "DER", "-out", "public.der", NULL);
    key = read_file("public.der", &key_length);
    assert_true(certificate_read(&certificate, der, length));
    assert_int_equal(certificate.key_kind, cases[i].kind);
    assert_int_equal(certificate.key_bits, cases[i].bits);
    assert_int_equal(certificate.key_curve, cases[i].curve);
    assert_int_equal(certificate.public_key.length, key_length);
    assert_memory_equal(certificate.public_key.bytes, key, key_length);
    free(key);
    free(der);
  }
}

/* As openssl signs; the second certificate of a row has the same key. */
static void test_signatures(void **state) {
  static const struct {
    const char *algorithm;
    const char *option;
    const char *digest;  /* NULL: the kind of key has no choice */
    const char *padding; /* NULL: none */
    uint16_t scheme;
  } cases[] = {
      {"RSA", "rsa_keygen_bits:2048", "-md5", NULL, 0x0101},
      {"RSA", "rsa_keygen_bits:2048", "-sha1", NULL, 0x0201},
      {"RSA", "rsa_keygen_bits:2048", "-sha224", NULL, 0x0301},
      {"RSA", "rsa_keygen_bits:2048", "-sha256", NULL, 0x0401},
      {"RSA", "rsa_keygen_bits:2048", "-sha384", NULL, 0x0501},
      {"RSA", "rsa_keygen_bits:2048", "-sha512", NULL, 0x0601},
      {"RSA", "rsa_keygen_bits:2048", "-sha3-256", NULL, 0},
      {"RSA", "rsa_keygen_bits:2048", "-sha1", "rsa_padding_mode:pss", 0},
      {"RSA", "rsa_keygen_bits:2048", "-sha224", "rsa_padding_mode:pss", 0},
      {"RSA", "rsa_keygen_bits:2048", "-sha256", "rsa_padding_mode:pss", 0x0809},
      {"RSA", "rsa_keygen_bits:2048", "-sha384", "rsa_padding_mode:pss", 0x080a},
      {"RSA-PSS", "rsa_keygen_bits:2048", "-sha512", NULL, 0x080b},
      {"EC", "ec_paramgen_curve:P-256", "-sha1", NULL, 0x0203},
      {"EC", "ec_paramgen_curve:P-256", "-sha224", NULL, 0x0303},
      {"EC", "ec_paramgen_curve:P-256", "-sha256", NULL, 0x0403},
      {"EC", "ec_paramgen_curve:P-256", "-sha384", NULL, 0x0503}, /* the hash counts, not the curve */
      {"EC", "ec_paramgen_curve:P-384", "-sha512", NULL, 0x0603},
      {"EC", "ec_paramgen_curve:P-384", "-sha3-384", NULL, 0},
      {"ED25519", NULL, NULL, NULL, 0x0807},
      {"ED448", NULL, NULL, NULL, 0x0808},
  };
  size_t i;
  (void)state;
  write_file("openssl.cnf", "[req]\ndistinguished_name=dn\n[dn]\n");
  for (i = 0; i < COUNT(cases); i++) {
    struct certificate certificate;
    size_t length;
    uint8_t *der;
    make_key(cases[i].algorithm, cases[i].option);
    openssl("req", "-x509", "-new", "-config", "openssl.cnf", "-key", "key.pem", "-subj", "/CN=signed", "-outform",
            "DER", "-out", "certificate.der", cases[i].digest == NULL ? NULL : cases[i].digest,
            cases[i].padding == NULL ? NULL : "-sigopt", cases[i].padding, NULL);
    der = read_file("certificate.der", &length);
    assert_true(certificate_read(&certificate, der, length));
    if (certificate.signature_scheme != cases[i].scheme) {
      fail_msg("%s %s: 0x%04x", cases[i].algorithm, cases[i].digest, certificate.signature_scheme);
    }
    free(der);
  }
}

static void test_explicit_curve_is_unknown(void **state) {
  struct certificate certificate;
  size_t length;
  uint8_t *der;
  (void)state;
  openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-pkeyopt", "ec_param_enc:explicit",
          "-out", "key.pem", NULL);
  der = mint_with_key("key.pem", "/CN=explicit", "", &length);
  assert_true(certificate_read(&certificate, der, length));
  assert_int_equal(certificate.key_kind, CERTIFICATE_KEY_EC);
  assert_int_equal(certificate.key_bits, 0);
  free(der);
}

/* The texts are those of RabbitMQ 3.10.8 (rabbit_cert_info:subject/1) for the same certificates. */
static void test_subjects_like_the_broker(void **state) {
  static const struct {
    const char *subject; /* as openssl's -subj takes it */
    const char *expected;
  } cases[] = {
      {"/CN=client1", "CN=client1"},
      {"/O=Acme/CN=client1", "CN=client1,O=Acme"},
      {"/C=DE/ST=Berlin/L=Berlin/O=Acme/OU=Messaging/CN=client1",
       "CN=client1,OU=Messaging,O=Acme,L=Berlin,ST=Berlin,C=DE"},
      {"/DC=com/DC=example/UID=u1", "UID=u1,DC=example,DC=com"},
      {"/O=Acme, Inc/CN=a,b", "CN=a\\,b,O=Acme\\, Inc"},
      {"/CN=a\\+b", "CN=a\\+b"},
      {"/CN=a\"b;c<d>e", "CN=a\\\"b\\;c\\<d\\>e"},
      {"/CN=a\\\\b", "CN=a\\\\b"},
      {"/CN=a=b", "CN=a=b"},
      {"/CN=a\\/b", "CN=a/b"},
      {"/CN=#1", "CN=\\#1"},
      {"/CN=1#", "CN=1#"},
      {"/CN= x", "CN=\\ x"},
      {"/CN=x ", "CN=x\\ "},
      {"/CN= x y ", "CN=\\ x y\\ "},
      {"/CN= ", "CN=\\ "},
      {"/CN=  ", "CN=\\ \\ "},
      {"/CN=# ", "CN=\\#\\ "},
      {"/CN=#", "CN=\\#"},
      {"/CN=,", "CN=\\,"},
      {"/CN=Andr\xc3\xa9", "CN=Andr\\C3\\A9"},
      {"/CN=\xe6\x97\xa5\xe6\x9c\xac \xf0\x9f\x90\xb0", "CN=\\E6\\97\\A5\\E6\\9C\\AC \\F0\\9F\\90\\B0"},
      {"/CN=a~b", "CN=a\\7Eb"},
      {"/CN=a}b", "CN=a}b"},
      {"/CN=a\tb\nc\177", "CN=a\\09b\\0Ac\\7F"},
      {"/OU=two+CN=one", "CN=one+OU=two"},
      {"/O=Acme/UID=7+CN=x\\+y", "CN=x\\+y+UID=7,O=Acme"},
      {"/CN=a/emailAddress=a@example.com", "EMAILADDRESS=a@example.com,CN=a"},
      {"/SN=s/GN=g/initials=i/generationQualifier=q/title=t/serialNumber=12/pseudonym=p",
       "PSEUDONYM=p,SERIALNUMBER=12,TITLE=t,GENERATIONQUALIFIER=q,INITIALS=i,GIVENNAME=g,SN=s"},
      {"/CN=one/CN=two", "CN=two,CN=one"},
      {"/", ""},
  };
  size_t i;
  (void)state;
  for (i = 0; i < COUNT(cases); i++) {
    size_t length;
    uint8_t *der = mint(cases[i].subject, "", &length);
    expect_subject(der, length, cases[i].expected);
    free(der);
  }
}

static void test_subject_types_without_a_name(void **state) {
  size_t length;
  uint8_t *der = mint("/street=Main St/postalCode=12/CN=x", "", &length);
  (void)state;
  expect_subject(der, length, "CN=x,2.5.4.17=#0C023132,STREET=Main St");
  free(der);
}

static void test_alternative_names(void **state) {
  static const struct {
    const char *extension;
    const char *expected;
  } cases[] = {
      {"", ""},
      {"subjectAltName=DNS:rabbit.example.com", "DNS:rabbit.example.com\n"},
      {"subjectAltName=DNS:a,DNS:*.b.example", "DNS:a\nDNS:*.b.example\n"},
      {"subjectAltName=critical,IP:192.0.2.1", "IP:192.0.2.1\n"},
      {"subjectAltName=IP:2001:db8:0:0:1:0:0:1", "IP:2001:db8::1:0:0:1\n"},
      {"subjectAltName=IP:::1,IP:::,IP:1::,IP:1:2:3:4:5:6:7:8", "IP:::1\nIP:::\nIP:1::\nIP:1:2:3:4:5:6:7:8\n"},
      {"subjectAltName=IP:2001:db8:0:1:1:1:1:1,IP:FE80::ABCD", "IP:2001:db8:0:1:1:1:1:1\nIP:fe80::abcd\n"},
      {"subjectAltName=IP:::ffff:192.0.2.1,IP:::192.0.2.1", "IP:::ffff:192.0.2.1\nIP:::c000:201\n"},
      {"subjectAltName=IP:2001:0:0:1:0:0:0:1,IP:0:1:0:1:0:1:0:1", "IP:2001:0:0:1::1\nIP:0:1:0:1:0:1:0:1\n"},
      {"subjectAltName=email:a@example.com,URI:amqps://rabbit/v", "email:a@example.com\nURI:amqps://rabbit/v\n"},
      {"subjectAltName=otherName:1.2.3.4;UTF8:hello,RID:1.2.3,DNS:x", "other\nother\nDNS:x\n"},
      {"subjectAltName=dirName:name,DNS:x\n[name]\nCN=inner", "other\nDNS:x\n"},
  };
  size_t i;
  (void)state;
  for (i = 0; i < COUNT(cases); i++) {
    size_t length;
    uint8_t *der = mint("/CN=names", cases[i].extension, &length);
    expect_alternative_names(der, length, cases[i].expected);
    free(der);
  }
}

static void test_purposes_and_constraints(void **state) {
  static const struct {
    const char *extensions;
    bool is_ca;
    bool has_extended_key_usage;
    unsigned purposes;
  } cases[] = {
      {"", false, false, 0},
      {"subjectKeyIdentifier=hash", false, false, 0},
      {"basicConstraints=CA:FALSE", false, false, 0},
      {"basicConstraints=critical,CA:TRUE", true, false, 0},
      {"basicConstraints=CA:TRUE,pathlen:0", true, false, 0},
      {"keyUsage=digitalSignature\nextendedKeyUsage=serverAuth", false, true, CERTIFICATE_PURPOSE_SERVER},
      {"extendedKeyUsage=critical,clientAuth", false, true, CERTIFICATE_PURPOSE_CLIENT},
      {"extendedKeyUsage=clientAuth,serverAuth", false, true, CERTIFICATE_PURPOSE_CLIENT | CERTIFICATE_PURPOSE_SERVER},
      {"extendedKeyUsage=anyExtendedKeyUsage", false, true, CERTIFICATE_PURPOSE_ANY},
      {"extendedKeyUsage=codeSigning,1.2.3.4", false, true, 0},
      {"extendedKeyUsage=codeSigning,serverAuth", false, true, CERTIFICATE_PURPOSE_SERVER},
      {"basicConstraints=CA:TRUE\nextendedKeyUsage=serverAuth", true, true, CERTIFICATE_PURPOSE_SERVER},
  };
  size_t i;
  (void)state;
  for (i = 0; i < COUNT(cases); i++) {
    struct certificate certificate;
    size_t length;
    uint8_t *der = mint("/CN=purposes", cases[i].extensions, &length);
    assert_true(certificate_read(&certificate, der, length));
    assert_int_equal(certificate.is_ca, cases[i].is_ca);
    assert_int_equal(certificate.has_extended_key_usage, cases[i].has_extended_key_usage);
    assert_int_equal(certificate.purposes, cases[i].purposes);
    free(der);
  }
}

/* `openssl ca` is the one command that takes dates in openssl 3.0. */
static uint8_t *mint_with_dates(const char *start, const char *end, size_t *length) {
  make_any_key();
  write_file("ca.cnf",
             "[ca]\ndefault_ca=this\n[this]\ndatabase=index.txt\nnew_certs_dir=.\nrand_serial=yes\n"
             "default_md=sha256\npolicy=any\nunique_subject=no\n[any]\ncommonName=supplied\n"
             "[req]\ndistinguished_name=dn\n[dn]\n");
  write_file("index.txt", "");
  openssl("req", "-new", "-config", "ca.cnf", "-key", "any.pem", "-subj", "/CN=dates", "-out", "request.pem", NULL);
  openssl("ca", "-config", "ca.cnf", "-batch", "-selfsign", "-keyfile", "any.pem", "-in", "request.pem", "-startdate",
          start, "-enddate", end, "-notext", "-out", "dates.pem", NULL);
  openssl("x509", "-in", "dates.pem", "-outform", "DER", "-out", "dates.der", NULL);
  return read_file("dates.der", length);
}

static void test_dates(void **state) {
  static const struct {
    const char *start;
    const char *end;
    int64_t not_before;
    int64_t not_after;
  } cases[] = {
      {"20240229120000Z", "20340301000001Z", 1709208000, 2024784001},
      {"19700101000000Z", "20380119031408Z", 0, 2147483648},
      {"19500101000000Z", "20491231235959Z", -631152000, 2524607999},
      {"19491231235959Z", "20500101000000Z", -631152001, 2524608000},
      {"20000228235959Z", "21000228235959Z", 951782399, 4107542399},
      {"20000229000000Z", "21000301000000Z", 951782400, 4107542400},
      {"19991231235959Z", "99991231235959Z", 946684799, 253402300799},
  };
  size_t i;
  (void)state;
  for (i = 0; i < COUNT(cases); i++) {
    struct certificate certificate;
    size_t length;
    uint8_t *der = mint_with_dates(cases[i].start, cases[i].end, &length);
    assert_true(certificate_read(&certificate, der, length));
    assert_true(certificate.not_before == cases[i].not_before);
    assert_true(certificate.not_after == cases[i].not_after);
    free(der);
  }
}

/* Some versions of openssl make this a version 1 certificate, later ones don't: openssl itself says which. */
static void test_version_by_openssl(void **state) {
  struct certificate certificate;
  size_t length, output_length;
  uint8_t *der, *output;
  char expected[32];
  (void)state;
  make_any_key();
  write_file("openssl.cnf", "[req]\ndistinguished_name=dn\n[dn]\n");
  openssl("req", "-new", "-config", "openssl.cnf", "-key", "any.pem", "-subj", "/CN=v", "-out", "request.pem", NULL);
  openssl("x509", "-req", "-in", "request.pem", "-signkey", "any.pem", "-days", "2", "-outform", "DER", "-out", "v.der",
          NULL);
  openssl("x509", "-inform", "DER", "-in", "v.der", "-noout", "-text", NULL);
  output = read_file("output", &output_length);
  der = read_file("v.der", &length);
  assert_true(certificate_read(&certificate, der, length));
  snprintf(expected, sizeof expected, "Version: %u (", (unsigned)certificate.version);
  assert_non_null(memmem(output, output_length, expected, strlen(expected)));
  free(output);
  free(der);
}

static void test_issuer_and_subject(void **state) {
  static const uint8_t ecdsa_with_sha256[] = {0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
  struct certificate authority, leaf;
  size_t authority_length, leaf_length;
  uint8_t *authority_der = mint("/O=Acme/CN=CA", "basicConstraints=critical,CA:TRUE", &authority_length);
  uint8_t *leaf_der;
  (void)state;
  openssl("x509", "-inform", "DER", "-in", "certificate.der", "-out", "ca.pem", NULL);
  openssl("req", "-new", "-config", "openssl.cnf", "-key", "any.pem", "-subj", "/O=Acme/CN=leaf", "-out", "request.pem",
          NULL);
  write_file("leaf.ext", "subjectAltName=DNS:leaf\n");
  openssl("x509", "-req", "-in", "request.pem", "-CA", "ca.pem", "-CAkey", "any.pem", "-CAcreateserial", "-extfile",
          "leaf.ext", "-sha256", "-days", "2", "-outform", "DER", "-out", "leaf.der", NULL);
  leaf_der = read_file("leaf.der", &leaf_length);
  assert_true(certificate_read(&authority, authority_der, authority_length));
  assert_true(certificate_read(&leaf, leaf_der, leaf_length));
  assert_true(certificate_names_equal(leaf.issuer, authority.subject));
  assert_true(certificate_names_equal(authority.issuer, authority.subject));
  assert_false(certificate_names_equal(leaf.subject, leaf.issuer));
  assert_int_equal(leaf.version, 3);
  assert_int_equal(leaf.signature_oid.length, sizeof ecdsa_with_sha256);
  assert_memory_equal(leaf.signature_oid.bytes, ecdsa_with_sha256, sizeof ecdsa_with_sha256);
  free(leaf_der);
  free(authority_der);
}

/* ---- Damaged certificates ---- */

static uint8_t *mint_with_everything(size_t *length) {
  return mint("/C=DE/O=Acme, Inc/OU=two+CN=Andr\xc3\xa9/emailAddress=a@example.com",
              "basicConstraints=critical,CA:TRUE,pathlen:1\nextendedKeyUsage=serverAuth,clientAuth\n"
              "subjectAltName=DNS:a.example,IP:192.0.2.1,IP:::1,email:a@b.c,URI:u:v,otherName:1.2.3.4;UTF8:x,"
              "dirName:n\n"
              "[n]\nCN=inner",
              length);
}

static void test_every_prefix_is_refused(void **state) {
  size_t length, i;
  uint8_t *der = mint_with_everything(&length);
  (void)state;
  assert_true(reads(der, length));
  for (i = 0; i < length; i++) {
    assert_false(reads(der, i));
  }
  free(der);
}

static void test_bytes_behind_are_refused(void **state) {
  size_t length;
  uint8_t *der = mint_with_everything(&length);
  uint8_t *longer = malloc(length + 1);
  (void)state;
  assert_non_null(longer);
  memcpy(longer, der, length);
  longer[length] = 0;
  assert_false(reads(longer, length + 1));
  free(longer);
  free(der);
}

/* Many of these are certificates still. What counts is that none makes a read out of bounds. */
static void corrupt_every_byte(uint8_t *der, size_t length, const uint8_t *changes, size_t change_count) {
  size_t refused = 0;
  size_t at, i;
  for (at = 0; at < length; at++) {
    for (i = 0; i < change_count; i++) {
      der[at] ^= changes[i];
      refused += !reads(der, length);
      der[at] ^= changes[i];
    }
  }
  assert_true(reads(der, length));
  assert_true(refused > 0);
}

static void test_every_corrupted_byte(void **state) {
  uint8_t changes[255];
  size_t length, i;
  uint8_t *der = mint_with_everything(&length);
  (void)state;
  for (i = 0; i < sizeof changes; i++) {
    changes[i] = (uint8_t)(i + 1);
  }
  corrupt_every_byte(der, length, changes, sizeof changes);
  free(der);
}

static void test_every_corrupted_bit_of_rsa(void **state) {
  static const uint8_t changes[] = {1, 2, 4, 8, 16, 32, 64, 128, 255};
  size_t length;
  uint8_t *der;
  (void)state;
  make_key("RSA", "rsa_keygen_bits:2048");
  der = mint_with_key("key.pem", "/CN=rsa", "subjectAltName=DNS:a.example", &length);
  corrupt_every_byte(der, length, changes, sizeof changes);
  free(der);
}

/* The functions that take parts must bear parts nobody has checked. */
static void test_corrupted_parts(void **state) {
  struct certificate certificate;
  size_t length, at;
  unsigned change;
  uint8_t *der = mint_with_everything(&length);
  (void)state;
  assert_true(certificate_read(&certificate, der, length));
  for (at = 0; at < certificate.subject.length; at++) {
    for (change = 0; change < 256; change++) {
      uint8_t *copy = exact_copy(certificate.subject.bytes, certificate.subject.length);
      const struct byte_slice name = {copy, certificate.subject.length};
      char text[256];
      copy[at] = (uint8_t)change;
      assert_true(certificate_format_name(name, text, sizeof text) >= strlen(text));
      free(copy);
    }
  }
  for (at = 0; at < certificate.alternative_names.length; at++) {
    for (change = 0; change < 256; change++) {
      uint8_t *copy = exact_copy(certificate.alternative_names.bytes, certificate.alternative_names.length);
      const struct byte_slice names = {copy, certificate.alternative_names.length};
      copy[at] = (uint8_t)change;
      walk_names(names);
      free(copy);
    }
  }
  free(der);
}

/* ---- Hand-made certificates ---- */

struct bytes {
  uint8_t data[8192];
  size_t length;
};

enum part {
  PART_VERSION,
  PART_SERIAL,
  PART_ALGORITHM,
  PART_ISSUER,
  PART_VALIDITY,
  PART_SUBJECT,
  PART_KEY,
  PART_UNIQUE,
  PART_EXTENSIONS,
  PART_OUTER_ALGORITHM, /* the first one outside the signed part */
  PART_SIGNATURE,
  PART_COUNT
};

#define NAME_A "300c 310a 3008 0603550403 0c0161"
#define ECDSA "300a 06082a8648ce3d040302"
#define VALIDITY "301e 170d3234303130313030303030305a 170d3334303130313030303030305a"
#define KEY "301a 3013 06072a8648ce3d0201 06082a8648ce3d030107 0303000401"

static const char *const sound_parts[PART_COUNT] = {"a003020102", "020101", ECDSA, NAME_A, VALIDITY,    NAME_A,
                                                    KEY,          "",       "",    ECDSA,  "0303000102"};

static void add_bytes(struct bytes *out, const void *data, size_t length) {
  assert_true(length <= sizeof out->data - out->length);
  if (length > 0) {
    memcpy(out->data + out->length, data, length);
  }
  out->length += length;
}

static void add_hexadecimal(struct bytes *out, const char *text) {
  while (*text != '\0') {
    unsigned byte;
    if (*text == ' ') {
      text++;
      continue;
    }
    assert_int_equal(sscanf(text, "%2x", &byte), 1);
    assert_true(text[1] != '\0' && text[1] != ' ');
    out->data[out->length] = (uint8_t)byte;
    out->length++;
    text += 2;
  }
}

static void add_element(struct bytes *out, uint8_t tag, const struct bytes *content) {
  const size_t length = content->length;
  const uint8_t long_form[] = {tag, 0x82, (uint8_t)(length >> 8), (uint8_t)length};
  const uint8_t middle_form[] = {tag, 0x81, (uint8_t)length};
  const uint8_t short_form[] = {tag, (uint8_t)length};
  if (length < 128) {
    add_bytes(out, short_form, sizeof short_form);
  } else if (length < 256) {
    add_bytes(out, middle_form, sizeof middle_form);
  } else {
    add_bytes(out, long_form, sizeof long_form);
  }
  add_bytes(out, content->data, length);
}

static void assemble(struct bytes *out, const char *const *parts) {
  static struct bytes signed_part, content;
  int i;
  signed_part.length = 0;
  for (i = 0; i < PART_OUTER_ALGORITHM; i++) {
    add_hexadecimal(&signed_part, parts[i]);
  }
  content.length = 0;
  add_element(&content, 0x30, &signed_part);
  for (i = PART_OUTER_ALGORITHM; i < PART_COUNT; i++) {
    add_hexadecimal(&content, parts[i]);
  }
  out->length = 0;
  add_element(out, 0x30, &content);
}

static void assemble_with(struct bytes *out, enum part part, const char *text) {
  const char *parts[PART_COUNT];
  memcpy(parts, sound_parts, sizeof parts);
  parts[part] = text;
  assemble(out, parts);
}

/* The text of a part that wraps \a inner in elements of these tags, the outermost last. */
static void wrap(char *text, size_t capacity, const char *inner, const uint8_t *tags, size_t tag_count) {
  static struct bytes content, element;
  size_t i;
  content.length = 0;
  add_hexadecimal(&content, inner);
  for (i = 0; i < tag_count; i++) {
    element.length = 0;
    add_element(&element, tags[i], &content);
    content = element;
  }
  assert_true(2 * content.length < capacity);
  text[0] = '\0';
  for (i = 0; i < content.length; i++) {
    snprintf(text + 2 * i, 3, "%02x", (unsigned)content.data[i]);
  }
}

/* A certificate with these extensions, one after the other. */
static void assemble_extensions(struct bytes *out, const char *extensions) {
  static const uint8_t tags[] = {0x30, 0xa3};
  static char text[8192];
  wrap(text, sizeof text, extensions, tags, sizeof tags);
  assemble_with(out, PART_EXTENSIONS, text);
}

/* A certificate with one extension: 2.5.29.\a arc, holding \a value. */
static void assemble_extension(struct bytes *out, const char *arc, const char *value) {
  static const uint8_t octets[] = {0x04};
  static const uint8_t sequence[] = {0x30};
  static char wrapped[8192], extension[8192];
  char *end = extension;
  wrap(wrapped, sizeof wrapped, value, octets, 1);
  end += snprintf(extension, sizeof extension, "0603551d%s %s", arc, wrapped);
  assert_true(end < extension + sizeof extension);
  wrap(wrapped, sizeof wrapped, extension, sequence, 1);
  assemble_extensions(out, wrapped);
}

static void assemble_names(struct bytes *out, const char *names) {
  static const uint8_t sequence[] = {0x30};
  static char text[8192];
  wrap(text, sizeof text, names, sequence, 1);
  assemble_extension(out, "11", text);
}

struct variant {
  const char *text;
  bool is_sound;
};

static size_t wrong_variants;

static void judge(const struct bytes *der, const struct variant *variant, const char *what) {
  if (reads(der->data, der->length) != variant->is_sound) {
    print_error("%s %s: not %s\n", what, variant->text, variant->is_sound ? "read" : "refused");
    wrong_variants++;
  }
}

static void test_sound_certificate(void **state) {
  static struct bytes der;
  struct certificate certificate;
  (void)state;
  assemble(&der, sound_parts);
  assert_true(certificate_read(&certificate, der.data, der.length));
  assert_int_equal(certificate.version, 3);
  assert_true(certificate.not_before == 1704067200);
  assert_true(certificate.not_after == 2019686400);
  assert_int_equal(certificate.key_bits, 256);
  expect_subject(der.data, der.length, "CN=a");
  assert_false(reads(NULL, 0));
}

/* An OCTET STRING of \a content zeros, after a header in hexadecimal digits. */
static bool reads_length(const char *header, size_t content) {
  static struct bytes element;
  struct byte_slice rest, octets;
  uint8_t *copy;
  bool result;
  size_t i;
  element.length = 0;
  add_hexadecimal(&element, header);
  for (i = 0; i < content; i++) {
    add_bytes(&element, "", 1);
  }
  copy = exact_copy(element.data, element.length);
  rest.bytes = copy;
  rest.length = element.length;
  result = der_read_tagged(&rest, 0x04, &octets) && octets.length == content && rest.length == 0;
  free(copy);
  return result;
}

/* Each length has one form in DER. */
static void test_lengths(void **state) {
  static const struct {
    const char *header;
    size_t content;
    bool is_sound;
  } cases[] = {
      {"0400", 0, true},          {"047f", 127, true},          {"04817f", 127, false},         {"048180", 128, true},
      {"0481ff", 255, true},      {"04820080", 128, false},     {"048200ff", 255, false},       {"04820100", 256, true},
      {"0483000100", 256, false}, {"048400000100", 256, false}, {"048500000000ff", 255, false}, {"0480", 0, false},
      {"04820101", 256, false},   {"0483010000", 256, false},   {"0484ffffffff", 256, false},   {"0482ff", 0, false},
      {"04", 0, false},           {"0481", 0, false},           {"04ff", 128, false},
  };
  size_t i;
  (void)state;
  for (i = 0; i < COUNT(cases); i++) {
    if (reads_length(cases[i].header, cases[i].content) != cases[i].is_sound) {
      fail_msg("length %s", cases[i].header);
    }
  }
}

static void test_versions(void **state) {
  static const struct {
    const char *version;
    const char *unique;
    const char *extensions;
    unsigned expected; /* 0: refused */
  } cases[] = {
      {"", "", "", 1},
      {"a003020101", "", "", 2},
      {"a003020102", "", "", 3},
      {"a003020100", "", "", 0}, /* the default is left out in DER */
      {"a003020103", "", "", 0},
      {"a0030201ff", "", "", 0},
      {"a00402020002", "", "", 0},
      {"a000", "", "", 0},
      {"a00402010200", "", "", 0},
      {"8003020102", "", "", 0},
      {"", "", "a30f 300d 300b 0603551d13 0404 30020500", 0},
      {"", "", "a30e 300c 300a 0603551d0e 0403 040161", 0},
      {"a003020101", "", "a30e 300c 300a 0603551d0e 0403 040161", 0},
      {"a003020102", "", "a30e 300c 300a 0603551d0e 0403 040161", 3},
      {"", "81020001", "", 0},
      {"a003020101", "81020001", "", 2},
      {"a003020102", "81020001 82020002", "", 3},
      {"a003020102", "82020002", "", 3},
      {"a003020102", "82020002 81020001", "", 0},
      {"a003020102", "8100", "", 0},
      {"a003020102", "a1020001", "", 0},
  };
  static struct bytes der;
  size_t i;
  (void)state;
  for (i = 0; i < COUNT(cases); i++) {
    const char *parts[PART_COUNT];
    struct certificate certificate;
    memcpy(parts, sound_parts, sizeof parts);
    parts[PART_VERSION] = cases[i].version;
    parts[PART_UNIQUE] = cases[i].unique;
    parts[PART_EXTENSIONS] = cases[i].extensions;
    assemble(&der, parts);
    assert_int_equal(reads(der.data, der.length), cases[i].expected != 0);
    if (cases[i].expected != 0) {
      assert_true(certificate_read(&certificate, der.data, der.length));
      assert_int_equal(certificate.version, cases[i].expected);
      assert_false(certificate.is_ca);
    }
  }
}

static void test_parts(void **state) {
  static const struct {
    enum part part;
    struct variant variant;
  } cases[] = {
      {PART_SERIAL, {"02020080", true}},
      {PART_SERIAL, {"0201ff", true}}, /* negative ones exist */
      {PART_SERIAL, {"0200", false}},
      {PART_SERIAL, {"02020001", false}},
      {PART_SERIAL, {"0202ff80", false}},
      {PART_SERIAL, {"02810101", false}}, /* length not in its shortest form */
      {PART_SERIAL, {"0282000101", false}},
      {PART_SERIAL, {"028000", false}}, /* indefinite length */
      {PART_SERIAL, {"02ff", false}},
      {PART_SERIAL, {"0285000000000101", false}},
      {PART_SERIAL, {"1f020101", false}}, /* tag of several bytes */
      {PART_SERIAL, {"0a0101", false}},
      {PART_SERIAL, {"", false}},
      {PART_SERIAL, {"020101 020101", false}},
      {PART_ALGORITHM, {"300c 06082a8648ce3d040302 0500", false}}, /* not the outer one */
      {PART_ALGORITHM, {"300a 06082a8648ce3d040303", false}},
      {PART_ALGORITHM, {"310a 06082a8648ce3d040302", false}},
      {PART_OUTER_ALGORITHM, {"300c 06082a8648ce3d040302 0500", false}},
      {PART_OUTER_ALGORITHM, {"300a 06082a8648ce3d040303", false}},
      {PART_OUTER_ALGORITHM, {"", false}},
      {PART_ISSUER, {"3000", true}},
      {PART_ISSUER, {"300e 310c 300a 0603550403 0c036161 61", true}},
      {PART_ISSUER, {"3002 3100", false}},
      {PART_ISSUER, {"3004 3102 3000", false}},
      {PART_ISSUER, {"3009 3107 3005 0603550403", false}},             /* no value */
      {PART_ISSUER, {"300e 310c 300a 0603550403 0c0161 0500", false}}, /* two values */
      {PART_ISSUER, {"300c 300a 3008 0603550403 0c0161", false}},
      {PART_ISSUER, {"300c 310a 3108 0603550403 0c0161", false}},
      {PART_ISSUER, {"310c 310a 3008 0603550403 0c0161", false}},
      {PART_ISSUER, {"300c 310a 3008 0603550403 0c0261", false}},  /* value longer than what holds it */
      {PART_ISSUER, {"300c 310a 3008 06035504 83 0c0161", false}}, /* last arc does not end */
      {PART_ISSUER, {"300c 310a 3008 0603 558003 0c0161", false}}, /* padded arc */
      {PART_ISSUER, {"3009 3107 3005 0600 0c0161", false}},
      {PART_ISSUER, {"300c 310a 3008 0603550403 1e0161", true}},
      {PART_ISSUER, {"300c 310a 3008 0603550403 1f0161", false}}, /* tag of several bytes */
      {PART_ISSUER, {"300c 310a 3008 0603550403 3f0161", false}},
      {PART_SUBJECT, {"3000", true}},
      {PART_SUBJECT, {"3002 3100", false}},
      {PART_SUBJECT, {"", false}},
      {PART_KEY, {"", false}},
      {PART_KEY, {"3011 300c 06072a8648ce3d0201 0500 03020004", false}}, /* lengths don't add up */
      {PART_KEY, {"3011 300b 06072a8648ce3d0201 0500 03020004", true}},
      {PART_KEY, {"300f 3009 06072a8648ce3d0201 03020004", true}}, /* no parameters */
      {PART_KEY, {"3013 300d 06072a8648ce3d0201 0500 0500 03020004", false}},
      {PART_KEY, {"300f 3009 06072a8648ce3d0201 03020104", false}}, /* unused bits */
      {PART_KEY, {"300d 3009 06072a8648ce3d0201 0300", false}},
      {PART_KEY, {"300f 3009 06072a8648ce3d0201 04020004", false}},
      {PART_KEY, {"3011 3009 06072a8648ce3d0201 03020004 0500", false}},
      {PART_SIGNATURE, {"0303010102", false}},
      {PART_SIGNATURE, {"0300", false}},
      {PART_SIGNATURE, {"030100", true}},
      {PART_SIGNATURE, {"0403000102", false}},
      {PART_SIGNATURE, {"", false}},
      {PART_SIGNATURE, {"0303000102 0500", false}},
      {PART_EXTENSIONS, {"0500", false}},
      {PART_EXTENSIONS, {"a300", false}},
      {PART_EXTENSIONS, {"a3023000", false}},
      {PART_EXTENSIONS, {"a40e 300c 300a 0603551d0e 0403 040161", false}},
      {PART_EXTENSIONS, {"a30e 310c 300a 0603551d0e 0403 040161", false}},
      {PART_EXTENSIONS, {"a310 300c 300a 0603551d0e 0403 040161 0500", false}},
      {PART_EXTENSIONS, {"a30e 300c 300a 0603551d0e 0403 040161 0500", false}}, /* behind the last */
  };
  static struct bytes der;
  size_t i;
  (void)state;
  wrong_variants = 0;
  for (i = 0; i < COUNT(cases); i++) {
    assemble_with(&der, cases[i].part, cases[i].variant.text);
    judge(&der, &cases[i].variant, "part");
  }
  assert_int_equal(wrong_variants, 0);
}

static void test_extensions(void **state) {
  static const struct variant cases[] = {
      {"300a 0603551d0e 0403 040161", true},
      {"300d 0603551d0e 0101ff 0403 040161", true},
      {"300d 0603551d0e 010100 0403 040161", true}, /* FALSE is the default, but is written out by some */
      {"300d 0603551d0e 010101 0403 040161", false},
      {"300c 0603551d0e 0100 0403 040161", false},
      {"300e 0603551d0e 0102ffff 0403 040161", false},
      {"3010 0603551d0e 0101ff 0101ff 0403 040161", false},
      {"3005 0603551d0e", false},
      {"3007 0603551d0e 0400", true},
      {"3009 0603551d0e 0400 0500", false},
      {"300a 0603551d0e 0503 040161", false},
      {"310a 0603551d0e 0403 040161", false},
      {"3007 0400 0603551d0e", false},
      {"300a 0603551d0e 0403 040161 300a 0603551d10 0403 040161", true},
      {"300a 0603551d0e 0403 040161 300a 0603551d0e 0403 040161", false}, /* twice */
      {"300a 0603551d0e 0403 040161 300a 0603551d10 0403 040161 300d 0603551d0e 0101ff 0403 040162", false},
      {"300e 0603551d11 0407 3005 8203 612e62 300e 0603551d11 0407 3005 8203 612e62", false},
      {"300b 0603551d0f 0404 03020106", true}, /* key usage */
      {"300b 0603551d0f 0404 03020806", false},
      {"300a 0603551d0f 0403 040161", false},
      {"3009 0603551d13 0402 3000 3009 0603551d13 0402 3000", false},
  };
  static struct bytes der;
  size_t i;
  (void)state;
  wrong_variants = 0;
  for (i = 0; i < COUNT(cases); i++) {
    assemble_extensions(&der, cases[i].text);
    judge(&der, &cases[i], "extensions");
  }
  assert_int_equal(wrong_variants, 0);
}

static void test_basic_constraints(void **state) {
  static const struct variant cases[] = {
      {"3000", true},
      {"3003 0101ff", true},
      {"3003 010100", true},
      {"3003 010101", false},
      {"3006 0101ff 020100", true},
      {"3006 0101ff 0201ff", false},
      {"3003 020100", true},
      {"3005 0101ff 0500", false},
      {"3000 0500", false},
      {"3008 0101ff 020100 0500", false},
      {"", false},
      {"3100", false},
      {"3007 0101ff 02020001", false},
  };
  static struct bytes der;
  size_t i;
  (void)state;
  wrong_variants = 0;
  for (i = 0; i < COUNT(cases); i++) {
    assemble_extension(&der, "13", cases[i].text);
    judge(&der, &cases[i], "basicConstraints");
  }
  assert_int_equal(wrong_variants, 0);
}

static void test_extended_key_usage(void **state) {
  static const struct variant cases[] = {
      {"300a 06082b06010505070301", true},
      {"3000", false},
      {"", false},
      {"3002 0600", false},
      {"3002 0500", false},
      {"300a 06082b06010505070301 0500", false},
      {"300c 06082b06010505070301 0500", false},
  };
  static struct bytes der;
  size_t i;
  (void)state;
  wrong_variants = 0;
  for (i = 0; i < COUNT(cases); i++) {
    assemble_extension(&der, "25", cases[i].text);
    judge(&der, &cases[i], "extKeyUsage");
  }
  assert_int_equal(wrong_variants, 0);
}

static void test_malformed_alternative_names(void **state) {
  static const struct variant cases[] = {
      {"", false},
      {"8203 612e62", true},
      {"8200", true},
      {"8203 612e62 8203 632e64", true},
      {"8204 612e62", false}, /* the last name is cut */
      {"8203 612e62 8205 632e64", false},
      {"8203 612e62 00", false},
      {"8203 612e62 0500", false},
      {"a203 612e62", false}, /* constructed dNSName */
      {"a003 612e62", false}, /* otherName without a type */
      {"a007 06022a03 a001 05", true},
      {"a004 06022a03", false},
      {"a008 06022a03 8002 0500", false},
      {"a00a 06022a03 a002 0500 0500", false},
      {"8100", true},
      {"a302 0500", true},
      {"8302 0500", false},
      {"a502 0500", true},
      {"a402 3000", true},
      {"a400", false},
      {"a404 3000 0500", false},
      {"a404 3002 3100", false},
      {"8402 3000", false},
      {"8600", true},
      {"8704 7f000001", true},
      {"8700", true},
      {"8705 7f00000102", true},
      {"8803 2a0304", true},
      {"8800", false},
      {"8801 83", false},
      {"8901 61", false},
      {"9f0101 61", false},
      {"82810161", false},
      {"8280 61 0000", false},
  };
  static struct bytes der;
  size_t i;
  (void)state;
  wrong_variants = 0;
  for (i = 0; i < COUNT(cases); i++) {
    assemble_names(&der, cases[i].text);
    judge(&der, &cases[i], "subjectAltName");
  }
  assemble_extension(&der, "11", "3005 8203 612e62 0500");
  assert_false(reads(der.data, der.length));
  assemble_extension(&der, "11", "3105 8203 612e62");
  assert_false(reads(der.data, der.length));
  assert_int_equal(wrong_variants, 0);
}

/* openssl writes none of these. */
static void test_odd_alternative_names(void **state) {
  static struct bytes der;
  (void)state;
  assemble_names(&der, "8205 612e0062 63");
  expect_alternative_names(der.data, der.length, "DNS:a.\\00bc\n");
  assemble_names(&der, "8206 0a1b5c7ec3a9");
  expect_alternative_names(der.data, der.length, "DNS:\\0A\\1B\\5C~\\C3\\A9\n");
  assemble_names(&der, "8100 8200 8600 8700");
  expect_alternative_names(der.data, der.length, "email:\nDNS:\nURI:\nIP:\n");
  assemble_names(&der, "8705 7f00000141 8703 616263");
  expect_alternative_names(der.data, der.length, "IP:\\7F\\00\\00\\01\\41\nIP:\\61\\62\\63\n");
  assemble_names(&der, "8710 00000000000000000000ffff00000000 8710 00000000000000000000fffe00000000");
  expect_alternative_names(der.data, der.length, "IP:::ffff:0.0.0.0\nIP:::fffe:0:0\n");
}

/* RSASSA-PSS-params in hexadecimal: what does not begin with a hash that is known is no scheme, and no error either. */
static void test_parameters_of_pss(void **state) {
  static const struct {
    const char *parameters;
    uint16_t scheme;
  } cases[] = {
      {"", 0},                                                       /* absent */
      {"0500", 0},                                                   /* NULL */
      {"3000", 0},                                                   /* the defaults: SHA-1 */
      {"300f a00d 300b 0609608648016503040201", 0x0809},             /* SHA-256 */
      {"3011 a00f 300d 0609608648016503040201 0500", 0x0809},        /* with NULL */
      {"300f a00d 300b 0609608648016503040202", 0x080a},             /* SHA-384 */
      {"300f a00d 300b 0609608648016503040203", 0x080b},             /* SHA-512 */
      {"300f a00d 300b 0609608648016503040204", 0},                  /* SHA-224 */
      {"300b a009 3007 06052b0e03021a", 0},                          /* SHA-1, written out */
      {"300f a10d 300b 0609608648016503040201", 0},                  /* not the hash */
      {"300d 300b 0609608648016503040201", 0},                       /* not tagged */
      {"3011 a00f 300b 0609608648016503040201 0500", 0},             /* something behind it */
      {"310f a00d 300b 0609608648016503040201", 0},                  /* no SEQUENCE */
      {"3014 a00d 300b 0609608648016503040201 a203 020120", 0x0809}, /* with a salt length */
  };
  static const uint8_t sequence[] = {0x30};
  static struct bytes der;
  size_t i;
  (void)state;
  for (i = 0; i < COUNT(cases); i++) {
    struct certificate certificate;
    const char *parts[PART_COUNT];
    char both[512], text[512];
    snprintf(both, sizeof both, "06092a864886f70d01010a %s", cases[i].parameters);
    wrap(text, sizeof text, both, sequence, 1);
    memcpy(parts, sound_parts, sizeof parts);
    parts[PART_ALGORITHM] = parts[PART_OUTER_ALGORITHM] = text;
    assemble(&der, parts);
    assert_true(certificate_read(&certificate, der.data, der.length));
    if (certificate.signature_scheme != cases[i].scheme) {
      fail_msg("%s: 0x%04x", cases[i].parameters, certificate.signature_scheme);
    }
  }
}

/* With an RSAPublicKey in hexadecimal digits. */
static void assemble_with_rsa_key(struct bytes *der, const char *key) {
  static const uint8_t sequence[] = {0x30};
  static const uint8_t bit_string[] = {0x03};
  char bits[256], both[512], text[512];
  snprintf(both, sizeof both, "00%s", key);
  wrap(bits, sizeof bits, both, bit_string, 1);
  snprintf(both, sizeof both, "300d 06092a864886f70d010101 0500 %s", bits);
  wrap(text, sizeof text, both, sequence, 1);
  assemble_with(der, PART_KEY, text);
}

static void test_rsa_keys(void **state) {
  static const struct {
    const char *key; /* RSAPublicKey */
    int bits;        /* -1: refused */
  } cases[] = {
      {"3006 020101 020103", 1},
      {"3006 02017f 020103", 7},
      {"3007 02020080 020103", 8},
      {"3007 020200ff 020103", 8},
      {"3007 02020100 020103", 9},
      {"3008 0203008000 020103", 16},
      {"3008 0203010001 020103", 17},
      {"3006 020100 020103", -1},   /* zero */
      {"3006 020180 020103", -1},   /* negative */
      {"3007 0202007f 020103", -1}, /* not the shortest form */
      {"3006 020101 020100", -1},
      {"3006 020101 0201fd", -1},
      {"3003 020101", -1},
      {"3009 020101 020103 020105", -1},
      {"3006 020101 020103 0500", -1},
      {"3106 020101 020103", -1},
      {"", -1},
  };
  static struct bytes der;
  size_t i;
  (void)state;
  for (i = 0; i < COUNT(cases); i++) {
    struct certificate certificate;
    assemble_with_rsa_key(&der, cases[i].key);
    assert_int_equal(reads(der.data, der.length), cases[i].bits >= 0);
    if (cases[i].bits >= 0) {
      assert_true(certificate_read(&certificate, der.data, der.length));
      assert_int_equal(certificate.key_kind, CERTIFICATE_KEY_RSA);
      assert_int_equal(certificate.key_bits, cases[i].bits);
    }
  }
}

/* FIPS 186-5, appendix A.1.1: odd, above 2^16, below 2^256. */
static void test_rsa_exponents(void **state) {
#define ZEROS_30 "000000000000000000000000000000000000000000000000000000000000"
  static const struct {
    const char *key;
    bool common;
  } cases[] = {
      {"3006 020101 020103", false},
      {"3007 020101 0202 7fff", false},
      {"3008 020101 0203 00ffff", false},
      {"3008 020101 0203 010000", false},
      {"3008 020101 0203 010001", true},
      {"3008 020101 0203 010003", true},
      {"3008 020101 0203 010002", false},
      {"3025 020101 0220 7f" ZEROS_30 "01", true},
      {"3026 020101 0221 0080" ZEROS_30 "01", true},
      {"3026 020101 0221 0080" ZEROS_30 "02", false},
      {"3026 020101 0221 0100" ZEROS_30 "01", false}, /* 2^256 and 1 */
  };
#undef ZEROS_30
  static struct bytes der;
  (void)state;
  for (size_t i = 0; i < COUNT(cases); i++) {
    struct certificate certificate;
    assemble_with_rsa_key(&der, cases[i].key);
    assert_true(certificate_read(&certificate, der.data, der.length));
    assert_int_equal(certificate.common_exponent, cases[i].common);
  }
}

static void test_other_keys(void **state) {
  static struct bytes der;
  struct certificate certificate;
  (void)state;
  assemble_with(&der, PART_KEY, "300b 3005 06032b656e 03020001"); /* X25519 */
  assert_true(certificate_read(&certificate, der.data, der.length));
  assert_int_equal(certificate.key_kind, CERTIFICATE_KEY_OTHER);
  assert_int_equal(certificate.key_bits, 0);
}

/* ---- Times ---- */

static bool read_time(uint8_t tag, const char *text, int64_t *seconds) {
  struct bytes content, element;
  struct byte_slice rest;
  uint8_t *copy;
  bool result;
  content.length = element.length = 0;
  add_bytes(&content, text, strlen(text));
  add_element(&element, tag, &content);
  copy = exact_copy(element.data, element.length);
  rest.bytes = copy;
  rest.length = element.length;
  result = der_read_time(&rest, seconds);
  free(copy);
  return result;
}

static void test_time_forms(void **state) {
  static const struct {
    uint8_t tag;
    const char *text;
    bool is_sound;
    int64_t seconds;
  } cases[] = {
      {0x17, "700101000000Z", true, 0},
      {0x17, "700101000001Z", true, 1},
      {0x17, "691231235959Z", true, -1},
      {0x17, "500101000000Z", true, -631152000},
      {0x17, "491231235959Z", true, 2524607999},
      {0x17, "000229000000Z", true, 951782400},
      {0x18, "20240101000000Z", true, 1704067200}, /* UTCTime would be right, and this is read */
      {0x18, "20500101000000Z", true, 2524608000},
      {0x18, "99991231235959Z", true, 253402300799},
      {0x18, "00000101000000Z", true, -62167219200},
      {0x18, "00010101000000Z", true, -62135596800},
      {0x18, "20000229000000Z", true, 951782400},
      {0x18, "19000228235959Z", true, -2203891201},
      {0x18, "19000229000000Z", false, 0},
      {0x18, "21000229000000Z", false, 0},
      {0x17, "230229000000Z", false, 0},
      {0x17, "240230000000Z", false, 0},
      {0x17, "240431000000Z", false, 0},
      {0x17, "240001000000Z", false, 0},
      {0x17, "241301000000Z", false, 0},
      {0x17, "240100000000Z", false, 0},
      {0x17, "240132000000Z", false, 0},
      {0x17, "240101240000Z", false, 0},
      {0x17, "240101006000Z", false, 0},
      {0x17, "240101000060Z", false, 0},
      {0x17, "2401010000Z", false, 0},
      {0x17, "240101000000", false, 0},
      {0x17, "240101000000z", false, 0},
      {0x17, "240101000000+0000", false, 0},
      {0x17, "240101000000ZZ", false, 0},
      {0x17, "240101000000.5Z", false, 0},
      {0x17, "20240101000000Z", false, 0},
      {0x17, "2401010000 0Z", false, 0},
      {0x17, "24010100000/Z", false, 0},
      {0x17, "24010100000:Z", false, 0},
      {0x17, "-40101000000Z", false, 0},
      {0x17, "+40101000000Z", false, 0},
      {0x17, "", false, 0},
      {0x17, "Z", false, 0},
      {0x18, "", false, 0},
      {0x18, "240101000000Z", false, 0},
      {0x18, "20240101000000.0Z", false, 0},
      {0x18, "202401010000Z", false, 0},
      {0x18, "20240101000000+0100", false, 0},
      {0x18, "20240101000000", false, 0},
      {0x0c, "240101000000Z", false, 0},
      {0x19, "20240101000000Z", false, 0},
  };
  size_t i;
  (void)state;
  for (i = 0; i < COUNT(cases); i++) {
    int64_t seconds = 0;
    const bool result = read_time(cases[i].tag, cases[i].text, &seconds);
    if (result != cases[i].is_sound || (result && seconds != cases[i].seconds)) {
      fail_msg("time %s: %d, %lld", cases[i].text, (int)result, (long long)seconds);
    }
  }
}

/* Every day of 2500 years, and the days around every end of a month of the others, against the C library. */
static void test_days(void **state) {
  int year, month, day;
  size_t read = 0;
  (void)state;
  for (year = 0; year <= 9999; year++) {
    for (month = 1; month <= 12; month++) {
      for (day = 1; day <= 32; day++) {
        struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = 7, .tm_sec = 9};
        char text[64];
        int64_t seconds;
        time_t expected;
        bool exists;
        if (day > 1 && day < 28 && (year < 1900 || year > 2100)) {
          continue;
        }
        expected = timegm(&tm);
        exists = tm.tm_mday == day;
        snprintf(text, sizeof text, "%04d%02d%02d070009Z", year, month, day);
        assert_int_equal(read_time(0x18, text, &seconds), exists);
        if (exists) {
          assert_true(seconds == (int64_t)expected);
          read++;
        }
      }
    }
  }
  assert_true(read > 400000);
}

/* ---- Names as text ---- */

static size_t format(const char *name, char *text, size_t capacity) {
  static struct bytes der;
  struct byte_slice slice;
  uint8_t *copy;
  size_t needed;
  der.length = 0;
  add_hexadecimal(&der, name);
  copy = exact_copy(der.data, der.length);
  slice.bytes = copy;
  slice.length = der.length;
  needed = certificate_format_name(slice, text, capacity);
  free(copy);
  return needed;
}

static void expect_name(const char *name, const char *expected) {
  char text[TEXT_CAPACITY];
  assert_int_equal(format(name, text, sizeof text), strlen(expected));
  assert_string_equal(text, expected);
}

/* A Name with one attribute: its type's content, and its value. */
static void expect_attribute(const char *type, const char *value, const char *expected) {
  static const uint8_t identifier[] = {0x06};
  static const uint8_t tags[] = {0x30, 0x31, 0x30};
  char wrapped[512], both[1024], name[1024];
  wrap(wrapped, sizeof wrapped, type, identifier, 1);
  snprintf(both, sizeof both, "%s %s", wrapped, value);
  wrap(name, sizeof name, both, tags, sizeof tags);
  expect_name(name, expected);
}

static void test_string_types(void **state) {
  (void)state;
  expect_attribute("550403", "0c0161", "CN=a");
  expect_attribute("550403", "130161", "CN=a");
  expect_attribute("550403", "160161", "CN=a");
  expect_attribute("550403", "120131", "CN=1");
  expect_attribute("550403", "1a0161", "CN=a");
  expect_attribute("550403", "140361e962", "CN=a\\C3\\A9b");                     /* TeletexString as ISO 8859-1 */
  expect_attribute("550403", "1e06 0061 00e9 65e5", "CN=a\\C3\\A9\\E6\\97\\A5"); /* BMPString */
  expect_attribute("550403", "1e04 0020 0023", "CN=\\ #");
  expect_attribute("550403", "1c08 00000061 0001f430", "CN=a\\F0\\9F\\90\\B0"); /* UniversalString */
  expect_attribute("550403", "1e03 006100", "CN=#1E03006100");                  /* half a character */
  expect_attribute("550403", "1e02 d800", "CN=#1E02D800");                      /* a surrogate */
  expect_attribute("550403", "1c04 00110000", "CN=#1C0400110000");
  expect_attribute("550403", "1c03 000061", "CN=#1C03000061");
  expect_attribute("550403", "0c03 61ff62", "CN=a\\FFb"); /* no UTF-8 */
  expect_attribute("550403", "0c02 c3a9", "CN=\\C3\\A9");
  expect_attribute("550403", "0c02 61c3", "CN=a\\C3");
  expect_attribute("550403", "0c03 610062", "CN=a\\00b");
  expect_attribute("550403", "0c00", "CN=");
  expect_attribute("550403", "0500", "CN=#0500");
  expect_attribute("550403", "3003 020101", "CN=#3003020101");
  expect_attribute("550403", "0c01 20", "CN=\\ ");
}

static void test_types_without_a_name(void **state) {
  (void)state;
  expect_attribute("2a0304", "0c0161", "1.2.3.4=#0C0161");
  expect_attribute("00", "0c0161", "0.0=#0C0161");
  expect_attribute("27", "0c0161", "0.39=#0C0161");
  expect_attribute("28", "0c0161", "1.0=#0C0161");
  expect_attribute("4f", "0c0161", "1.39=#0C0161");
  expect_attribute("50", "0c0161", "2.0=#0C0161");
  expect_attribute("8837 03", "0c0161", "2.999.3=#0C0161");
  expect_attribute("2a8648", "0c0161", "1.2.840=#0C0161");
  expect_attribute("2a ffffffffffffffff7f", "0c0161", "1.2.9223372036854775807=#0C0161");
  expect_attribute("69 83ffffffffffffffffffffffffffffffffff7f", "0c0161",
                   "#6983FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF7F=#0C0161"); /* an UUID below 2.25 */
}

static void test_malformed_names(void **state) {
  char text[8] = "before";
  (void)state;
  assert_int_equal(format("", text, sizeof text), 0);
  assert_string_equal(text, "");
  assert_int_equal(format("310c", text, sizeof text), 0);
  assert_int_equal(format("3005 0102", text, sizeof text), 0);
}

#define LONG_NAME                                                   \
  "3031 310a 3008 0603550403 0c0161 310b 3009 0603550403 0c02c3a9 " \
  "3116 300a 0603550403 0c032c2c2c 3008 060355040a 0c0120"

/* Whatever the capacity: the text is a prefix of the whole one, ends in NUL, is never cut inside an escape. */
static void test_cut_names(void **state) {
  static const char whole[] = "CN=\\,\\,\\,+O=\\ ,CN=\\C3\\A9,CN=a";
  static const size_t ends[] = {0, 2, 3, 5, 7, 9, 10, 11, 12, 14, 15, 17, 18, 24, 25, 27, 28, 29};
  size_t capacity;
  (void)state;
  expect_name(LONG_NAME, whole);
  for (capacity = 1; capacity < sizeof whole + 2; capacity++) {
    char *text = malloc(capacity);
    size_t i = COUNT(ends);
    assert_non_null(text);
    assert_int_equal(format(LONG_NAME, text, capacity), sizeof whole - 1);
    do {
      assert_true(i > 0);
      i--;
    } while (ends[i] >= capacity);
    assert_int_equal(strlen(text), ends[i]);
    assert_memory_equal(text, whole, ends[i]);
    free(text);
  }
  assert_int_equal(format(LONG_NAME, NULL, 0), sizeof whole - 1);
}

static void test_cut_alternative_names(void **state) {
  static const uint8_t value[] = {'a', 0, 'b'};
  const struct byte_slice slice = {value, sizeof value};
  static const char *const expected[] = {"", "", "", "", "DNS:", "DNS:a", "DNS:a", "DNS:a", "DNS:a\\00", "DNS:a\\00b"};
  size_t length;
  (void)state;
  for (length = 0; length < COUNT(expected); length++) {
    char *text = malloc(length + 1);
    assert_non_null(text);
    assert_int_equal(certificate_format_alternative_name(CERTIFICATE_NAME_DNS, slice, text, length + 1), 9);
    assert_string_equal(text, expected[length]);
    free(text);
  }
  assert_int_equal(certificate_format_alternative_name(CERTIFICATE_NAME_DNS, slice, NULL, 0), 9);
}

static void test_names_equal(void **state) {
  static const uint8_t one[] = {0x30, 1, 2};
  static const uint8_t same[] = {0x30, 1, 2};
  static const uint8_t other[] = {0x30, 1, 3};
  const struct byte_slice a = {one, 3}, b = {same, 3}, c = {other, 3}, shorter = {one, 2}, empty = {NULL, 0};
  (void)state;
  assert_true(certificate_names_equal(a, b));
  assert_false(certificate_names_equal(a, c));
  assert_false(certificate_names_equal(a, shorter));
  assert_false(certificate_names_equal(shorter, a));
  assert_false(certificate_names_equal(a, empty));
  assert_true(certificate_names_equal(empty, empty));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_keys),
      cmocka_unit_test(test_signatures),
      cmocka_unit_test(test_parameters_of_pss),
      cmocka_unit_test(test_explicit_curve_is_unknown),
      cmocka_unit_test(test_subjects_like_the_broker),
      cmocka_unit_test(test_subject_types_without_a_name),
      cmocka_unit_test(test_alternative_names),
      cmocka_unit_test(test_purposes_and_constraints),
      cmocka_unit_test(test_dates),
      cmocka_unit_test(test_version_by_openssl),
      cmocka_unit_test(test_issuer_and_subject),
      cmocka_unit_test(test_every_prefix_is_refused),
      cmocka_unit_test(test_bytes_behind_are_refused),
      cmocka_unit_test(test_every_corrupted_byte),
      cmocka_unit_test(test_every_corrupted_bit_of_rsa),
      cmocka_unit_test(test_corrupted_parts),
      cmocka_unit_test(test_sound_certificate),
      cmocka_unit_test(test_lengths),
      cmocka_unit_test(test_versions),
      cmocka_unit_test(test_parts),
      cmocka_unit_test(test_extensions),
      cmocka_unit_test(test_basic_constraints),
      cmocka_unit_test(test_extended_key_usage),
      cmocka_unit_test(test_malformed_alternative_names),
      cmocka_unit_test(test_odd_alternative_names),
      cmocka_unit_test(test_rsa_keys),
      cmocka_unit_test(test_rsa_exponents),
      cmocka_unit_test(test_other_keys),
      cmocka_unit_test(test_time_forms),
      cmocka_unit_test(test_days),
      cmocka_unit_test(test_string_types),
      cmocka_unit_test(test_types_without_a_name),
      cmocka_unit_test(test_malformed_names),
      cmocka_unit_test(test_cut_names),
      cmocka_unit_test(test_cut_alternative_names),
      cmocka_unit_test(test_names_equal),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
