/* SPDX-License-Identifier: MIT */
/* Reading certificates: those that openssl mints here, and damaged ones. */
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
#include <unistd.h>

#include "x509/certificate.h"
#include "certificate_reading.h"
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
    const char *padding; /* NULL: none; else with a salt as long as the digest, which openssl would not choose */
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
      {"RSA-PSS", "rsa_keygen_bits:2048", "-sha512", "rsa_padding_mode:pss", 0x080b},
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
            cases[i].padding == NULL ? NULL : "-sigopt", cases[i].padding, "-sigopt", "rsa_pss_saltlen:digest", NULL);
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

static void test_validity(void **state) {
  static const struct {
    int64_t not_before;
    int64_t not_after;
    int64_t now;
    enum certificate_validity validity;
  } cases[] = {
      {1000, 2000, 999, CERTIFICATE_NOT_YET_VALID},
      {1000, 2000, 1000, CERTIFICATE_CURRENT}, /* both ends are included (RFC 5280, section 4.1.2.5) */
      {1000, 2000, 1500, CERTIFICATE_CURRENT},
      {1000, 2000, 2000, CERTIFICATE_CURRENT},
      {1000, 2000, 2001, CERTIFICATE_EXPIRED},
      {1000, 1000, 1000, CERTIFICATE_CURRENT},
      {-1000, -500, -1001, CERTIFICATE_NOT_YET_VALID},
      {-1000, -500, -700, CERTIFICATE_CURRENT},
      {-1000, -500, 0, CERTIFICATE_EXPIRED},
      {-1000, INT64_MAX, INT64_MAX, CERTIFICATE_CURRENT},
      {INT64_MIN, 0, INT64_MIN, CERTIFICATE_CURRENT},
      /* Never valid: the dates are in the wrong order. */
      {2000, 1000, 999, CERTIFICATE_NOT_YET_VALID},
      {2000, 1000, 1000, CERTIFICATE_NOT_YET_VALID},
      {2000, 1000, 1500, CERTIFICATE_EXPIRED},
      {2000, 1000, 2000, CERTIFICATE_EXPIRED},
  };
  size_t i;
  (void)state;
  for (i = 0; i < COUNT(cases); i++) {
    const struct certificate certificate = {.not_before = cases[i].not_before, .not_after = cases[i].not_after};
    assert_int_equal(certificate_validity_at(&certificate, cases[i].now), cases[i].validity);
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

/* ---- What a path needs to know ---- */

static void test_path_length(void **state) {
  static const struct {
    const char *value;
    bool limited;
    uint32_t length;
  } cases[] = {{"CA:TRUE", false, 0},
               {"CA:TRUE,pathlen:0", true, 0},
               {"CA:TRUE,pathlen:200", true, 200},
               {"CA:TRUE,pathlen:4294967295", true, UINT32_MAX},
               {"CA:TRUE,pathlen:99999999999", true, UINT32_MAX}};
  size_t i;
  (void)state;
  for (i = 0; i < COUNT(cases); i++) {
    struct certificate certificate;
    char text[100];
    size_t length;
    uint8_t *der;
    snprintf(text, sizeof text, "basicConstraints=%s", cases[i].value);
    der = mint("/CN=ca", text, &length);
    assert_true(certificate_read(&certificate, der, length));
    assert_int_equal(certificate.has_path_length, cases[i].limited);
    assert_int_equal(certificate.path_length, cases[i].length);
    free(der);
  }
}

static void test_key_usage_bits(void **state) {
  static const struct {
    const char *extension;
    bool present, signs, certifies, signs_lists;
  } cases[] = {{"", false, false, false, true},
               {"keyUsage=digitalSignature", true, true, false, false},
               {"keyUsage=keyCertSign", true, false, true, false},
               {"keyUsage=cRLSign", true, false, false, true},
               {"keyUsage=keyEncipherment,nonRepudiation,keyAgreement,encipherOnly", true, false, false, false},
               {"keyUsage=digitalSignature,keyCertSign,cRLSign", true, true, true, true},
               {"keyUsage=decipherOnly", true, false, false, false}};
  size_t i;
  (void)state;
  for (i = 0; i < COUNT(cases); i++) {
    struct certificate certificate;
    size_t length;
    uint8_t *der = mint("/CN=usage", cases[i].extension, &length);
    assert_true(certificate_read(&certificate, der, length));
    assert_int_equal(certificate.has_key_usage, cases[i].present);
    assert_int_equal(certificate.may_sign, cases[i].signs);
    assert_int_equal(certificate.may_certify, cases[i].certifies);
    assert_int_equal(certificate.may_sign_lists, cases[i].signs_lists);
    free(der);
  }
}

static void test_unknown_critical_extension(void **state) {
  static const struct {
    const char *extensions;
    const char *identifier;
  } cases[] = {{"1.3.6.1.4.1.32473.1=DER:0500", ""},
               {"1.3.6.1.4.1.32473.1=critical,DER:0500", "1.3.6.1.4.1.32473.1"},
               {"basicConstraints=critical,CA:TRUE\nkeyUsage=critical,cRLSign\nextendedKeyUsage=critical,serverAuth\n"
                "subjectAltName=critical,DNS:a\nnameConstraints=critical,permitted;DNS:a\n"
                "certificatePolicies=critical,1.2.3\npolicyConstraints=critical,requireExplicitPolicy:1\n"
                "inhibitAnyPolicy=critical,1\ntlsfeature=critical,status_request\n"
                "crlDistributionPoints=critical,URI:http://a.test/",
                ""},
               {"authorityInfoAccess=critical,OCSP;URI:http://a.test/", "1.3.6.1.5.5.7.1.1"},
               {"authorityInfoAccess=OCSP;URI:http://a.test/", ""},
               {"tlsfeature=critical,status_request,17", "1.3.6.1.5.5.7.1.24"},
               {"issuerAltName=critical,DNS:a\n1.3.6.1.4.1.32473.1=critical,DER:0500", "2.5.29.18"}};
  size_t i;
  (void)state;
  for (i = 0; i < COUNT(cases); i++) {
    struct certificate certificate;
    char text[100];
    size_t length;
    uint8_t *der = mint("/CN=critical", cases[i].extensions, &length);
    assert_true(certificate_read(&certificate, der, length));
    text[0] = '\0';
    if (certificate.unknown_critical.length > 0) {
      certificate_format_identifier(certificate.unknown_critical, text, sizeof text);
    }
    assert_string_equal(text, cases[i].identifier);
    free(der);
  }
}

static void test_status_is_required(void **state) {
  static const struct {
    const char *extension;
    bool required;
  } cases[] = {{"", false}, {"tlsfeature=status_request", true}, {"tlsfeature=17", false}, {"tlsfeature=17,5", true}};
  size_t i;
  (void)state;
  for (i = 0; i < COUNT(cases); i++) {
    struct certificate certificate;
    size_t length;
    uint8_t *der = mint("/CN=status", cases[i].extension, &length);
    assert_true(certificate_read(&certificate, der, length));
    assert_int_equal(certificate.requires_status, cases[i].required);
    free(der);
  }
}

static void test_only_the_subject(void **state) {
  struct certificate certificate;
  struct byte_slice subject;
  size_t length, cut;
  uint8_t *der = mint("/O=Acme/CN=subject", "", &length);
  (void)state;
  assert_true(certificate_read(&certificate, der, length));
  assert_true(certificate_read_subject(der, length, &subject));
  assert_ptr_equal(subject.bytes, certificate.subject.bytes);
  assert_int_equal(subject.length, certificate.subject.length);
  for (cut = 0; cut < length; cut++) {
    uint8_t *copy = exact_copy(der, cut);
    assert_false(certificate_read_subject(copy, cut, &subject));
    free(copy);
  }
  free(der);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_keys),
      cmocka_unit_test(test_signatures),
      cmocka_unit_test(test_explicit_curve_is_unknown),
      cmocka_unit_test(test_subjects_like_the_broker),
      cmocka_unit_test(test_subject_types_without_a_name),
      cmocka_unit_test(test_alternative_names),
      cmocka_unit_test(test_purposes_and_constraints),
      cmocka_unit_test(test_dates),
      cmocka_unit_test(test_validity),
      cmocka_unit_test(test_version_by_openssl),
      cmocka_unit_test(test_issuer_and_subject),
      cmocka_unit_test(test_every_prefix_is_refused),
      cmocka_unit_test(test_bytes_behind_are_refused),
      cmocka_unit_test(test_every_corrupted_byte),
      cmocka_unit_test(test_every_corrupted_bit_of_rsa),
      cmocka_unit_test(test_corrupted_parts),
      cmocka_unit_test(test_path_length),
      cmocka_unit_test(test_key_usage_bits),
      cmocka_unit_test(test_unknown_critical_extension),
      cmocka_unit_test(test_status_is_required),
      cmocka_unit_test(test_only_the_subject),
  };
  return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
