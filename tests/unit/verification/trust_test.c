/* SPDX-License-Identifier: MIT */
/*
 * Trust anchors from files, folders, memory and the system: what is taken, what is left out, and that a failure leaves
 * everything as it was. Run by root, the cases about permissions are run as nobody.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "autoconfig.h"
#include "x509/certificate.h"
#include "failing_allocator.h"
#include "backend/fips_module.h"
#include "minted_certificates.h"
#include "other_user.h"
#include "temporary_folder.h"
#include "verification/trust.h"

#define CA_EXTENSIONS "basicConstraints = critical, CA:TRUE\nkeyUsage = critical, keyCertSign"

static char *ca;
static char *ca_rsa;
static char *other_ca;
static char *expired;
static char *future;
static char *leaf;
static char *key;

static int mint(void **state) {
  if (fips_module_start() != 0 || minted_certificates_make(state) != 0 ||
      minted_certificates_self_signed("expired-ca", -30, -1, CA_EXTENSIONS) != 0 ||
      minted_certificates_self_signed("future-ca", 30, 60, CA_EXTENSIONS) != 0) {
    return -1;
  }
  ca = temporary_folder_read_text("ca.pem");
  ca_rsa = temporary_folder_read_text("ca-rsa.pem");
  other_ca = temporary_folder_read_text("other-ca.pem");
  expired = temporary_folder_read_text("expired-ca.pem");
  future = temporary_folder_read_text("future-ca.pem");
  leaf = temporary_folder_read_text("server.pem");
  key = temporary_folder_read_text("ca.key");
  return 0;
}

static int remove_folder(void **state) {
  (void)state;
  free(ca);
  free(ca_rsa);
  free(other_ca);
  free(expired);
  free(future);
  free(leaf);
  free(key);
  return temporary_folder_remove();
}

/* ---- Asking, and what holds for every answer ---- */

enum source { FROM_FILE, FROM_FOLDER, FROM_MEMORY };

static amqp_wolfssl_code_t add_from(struct trust *trust, enum source source, const char *what,
                                    amqp_wolfssl_error_t *error) {
  error_clear(error);
  switch (source) {
    case FROM_FILE:
      return trust_add_file(trust, what, error);
    case FROM_FOLDER:
      return trust_add_folder(trust, what, error);
    case FROM_MEMORY:
      return trust_add_memory(trust, what, strlen(what), AMQP_WOLFSSL_FORMAT_AUTO, error);
  }
  return AMQP_WOLFSSL_ERROR_INVALID_ARGUMENT;
}

/* Nothing has failed, so nothing may stand in the record: programs look there. */
static void assert_no_error(const amqp_wolfssl_error_t *error) {
  if (error->code != AMQP_WOLFSSL_OK || error->message[0] != '\0') {
    fail_msg("success with %s: %s", amqp_wolfssl_code_name(error->code), error->message);
  }
}

static void assert_holds(const struct trust *trust, size_t count, size_t left_out) {
  assert_int_equal(trust->anchors.count, count);
  assert_int_equal(trust->left_out, left_out);
}

static bool trusts(const struct trust *trust, const char *common_name) {
  for (size_t i = 0; i < trust->anchors.count; i++) {
    struct certificate certificate;
    char subject[256];

    assert_true(certificate_read(&certificate, trust->anchors.items[i].bytes, trust->anchors.items[i].length));
    certificate_format_name(certificate.subject, subject, sizeof(subject));
    if (strncmp(subject, "CN=", 3) == 0 && strncmp(subject + 3, common_name, strlen(common_name)) == 0 &&
        (subject[3 + strlen(common_name)] == ',' || subject[3 + strlen(common_name)] == '\0')) {
      return true;
    }
  }
  return false;
}

static void assert_adds(enum source source, const char *what, size_t count, size_t left_out) {
  struct trust trust = {0};
  amqp_wolfssl_error_t error;
  amqp_wolfssl_code_t code = add_from(&trust, source, what, &error);

  if (code != AMQP_WOLFSSL_OK) {
    fail_msg("%s: %s", amqp_wolfssl_code_name(code), error.message);
  }
  assert_holds(&trust, count, left_out);
  trust_free(&trust);
}

/* Fails, says so, and leaves alone what was trusted before. */
static void assert_refuses(enum source source, const char *what, amqp_wolfssl_code_t expected, const char *says) {
  struct trust trust = {0};
  amqp_wolfssl_error_t error;
  amqp_wolfssl_code_t code;

  assert_int_equal(trust_add_memory(&trust, other_ca, strlen(other_ca), AMQP_WOLFSSL_FORMAT_PEM, &error),
                   AMQP_WOLFSSL_OK);
  trust.left_out = 5;
  code = add_from(&trust, source, what, &error);
  if (code != expected || strstr(error.message, says) == NULL) {
    fail_msg("%s: \"%s\" instead of %s: \"%s\"", amqp_wolfssl_code_name(code), error.message,
             amqp_wolfssl_code_name(expected), says);
  }
  assert_int_equal(error.code, code);
  assert_int_equal(error.stage, AMQP_WOLFSSL_STAGE_CONFIGURE);
  assert_holds(&trust, 1, 5);
  assert_true(trusts(&trust, "Other Test Root"));
  trust_free(&trust);
  assert_holds(&trust, 0, 0);
}

static const char *write_joined(const char *name, const char *const *texts) {
  char all[60000] = "";

  for (; *texts != NULL; texts++) {
    assert_true(strlen(all) + strlen(*texts) < sizeof(all));
    strcat(all, *texts);
  }
  temporary_folder_write_text(name, all);
  return temporary_folder_path(name);
}

#define JOINED(...) write_joined("joined.pem", (const char *const[]){__VA_ARGS__, NULL})

/* ---- Files ---- */

static void test_files(void **state) {
  struct trust trust = {0};
  amqp_wolfssl_error_t error;
  (void)state;

  assert_adds(FROM_FILE, temporary_folder_path("ca.pem"), 1, 0);
  assert_adds(FROM_FILE, temporary_folder_path("ca.der"), 1, 0);
  assert_adds(FROM_FILE, temporary_folder_path("bundle.pem"), 2, 0);
  assert_adds(FROM_FILE, temporary_folder_path("intermediate.pem"), 1, 0);
  assert_int_equal(add_from(&trust, FROM_FILE, temporary_folder_path("bundle.pem"), &error), AMQP_WOLFSSL_OK);
  assert_no_error(&error);
  assert_int_equal(add_from(&trust, FROM_FILE, temporary_folder_path("other-ca.pem"), &error), AMQP_WOLFSSL_OK);
  assert_no_error(&error);
  assert_holds(&trust, 3, 0);
  assert_true(trusts(&trust, "Acme Test Root"));
  assert_true(trusts(&trust, "Acme Test RSA Root"));
  assert_true(trusts(&trust, "Other Test Root"));
  assert_false(trusts(&trust, "Acme"));
  trust_free(&trust);
}

static void test_duplicates_in_a_file(void **state) {
  (void)state;
  assert_adds(FROM_FILE, JOINED(ca, ca_rsa, ca, ca), 2, 0);
}

static void test_text_and_other_blocks_around(void **state) {
  (void)state;
  assert_adds(FROM_FILE, JOINED("# our CAs\n", ca, key, "\nthe other\n=====\n", ca_rsa, "# that's all"), 2, 0);
}

static void test_files_that_hold_none(void **state) {
  (void)state;
  temporary_folder_write("empty", "", 0);
  assert_refuses(FROM_FILE, temporary_folder_path("empty"), AMQP_WOLFSSL_ERROR_NO_CERTIFICATE, "empty");
  assert_refuses(FROM_FILE, temporary_folder_path("ca.key"), AMQP_WOLFSSL_ERROR_NO_CERTIFICATE,
                 temporary_folder_path("ca.key"));
  assert_refuses(FROM_FILE, temporary_folder_path("missing"), AMQP_WOLFSSL_ERROR_FILE_UNREADABLE,
                 temporary_folder_path("missing"));
  assert_refuses(FROM_FILE, temporary_folder_path(""), AMQP_WOLFSSL_ERROR_FILE_UNREADABLE, "folder");
}

static void test_damaged_bundles(void **state) {
  char *half = strdup(ca_rsa);
  (void)state;

  assert_non_null(half);
  half[strlen(half) / 2] = '\0';
  assert_refuses(FROM_FILE, JOINED(ca, half), AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED, "certificate 1");
  assert_refuses(FROM_FILE, JOINED(half, ca), AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED, "certificate 0");
  assert_refuses(FROM_FILE, JOINED(ca, "-----BEGIN CERTIFICATE-----\n????\n-----END CERTIFICATE-----\n", ca_rsa),
                 AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED, "certificate 2");
  assert_refuses(FROM_FILE, JOINED(ca, "-----BEGIN CERTIFICATE-----\nMAMCAQE=\n-----END CERTIFICATE-----\n"),
                 AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED, "certificate 2");
  free(half);
}

/* ---- What can't be used ---- */

static void test_bundle_with_unusable_ones(void **state) {
  (void)state;
  assert_adds(FROM_FILE, JOINED(ca, expired, ca_rsa), 2, 1);
  assert_adds(FROM_FILE, JOINED(expired, ca), 1, 1);
  assert_adds(FROM_FILE, JOINED(ca, expired), 1, 1);
  assert_adds(FROM_FILE, JOINED(future, ca), 1, 1);
  assert_adds(FROM_FILE, JOINED(leaf, ca), 1, 1);
  assert_adds(FROM_FILE, JOINED(leaf, expired, ca, future, ca), 1, 3);
}

static void test_left_out_adds_up(void **state) {
  struct trust trust = {0};
  amqp_wolfssl_error_t error;
  (void)state;

  assert_int_equal(add_from(&trust, FROM_FILE, JOINED(ca, expired), &error), AMQP_WOLFSSL_OK);
  assert_int_equal(add_from(&trust, FROM_FILE, JOINED(ca_rsa, future, leaf), &error), AMQP_WOLFSSL_OK);
  assert_holds(&trust, 2, 3);
  trust_free(&trust);
}

static void test_success_leaves_no_error(void **state) {
  struct trust trust = {0};
  amqp_wolfssl_error_t error;
  (void)state;

  assert_int_equal(add_from(&trust, FROM_FILE, JOINED(ca, expired), &error), AMQP_WOLFSSL_OK);
  assert_no_error(&error);
  trust_free(&trust);
}

static void assert_refuses_unusable(const char *path, const char *says, const char *subject) {
  struct trust trust = {0};
  amqp_wolfssl_error_t error;

  assert_refuses(FROM_FILE, path, AMQP_WOLFSSL_ERROR_CA_UNUSABLE, says);
  assert_int_equal(add_from(&trust, FROM_FILE, path, &error), AMQP_WOLFSSL_ERROR_CA_UNUSABLE);
  assert_non_null(strstr(error.message, path));
  assert_non_null(strstr(error.message, subject));
  assert_string_equal(error.certificate_subject, subject);
  assert_int_equal(error.certificate_depth, 0);
  trust_free(&trust);
}

static void test_unusable_alone(void **state) {
  (void)state;
  assert_refuses_unusable(temporary_folder_path("expired-ca.pem"), "has expired", "CN=expired-ca");
  assert_refuses_unusable(temporary_folder_path("future-ca.pem"), "not valid yet", "CN=future-ca");
  assert_refuses_unusable(temporary_folder_path("server.pem"), "not a CA certificate", "CN=server,O=Acme");
  assert_refuses_unusable(temporary_folder_path("server-self-signed.pem"), "not a CA certificate",
                          "CN=server-self-signed,O=Acme");
  assert_refuses_unusable(temporary_folder_path("client.der"), "not a CA certificate", "CN=client1,O=Acme");
  assert_refuses(FROM_FILE, JOINED(leaf, expired), AMQP_WOLFSSL_ERROR_CA_UNUSABLE, "can't be used as a CA");
}

/* ---- Memory ---- */

static void test_memory(void **state) {
  struct trust trust = {0};
  amqp_wolfssl_error_t error;
  size_t length;
  uint8_t *der = temporary_folder_read("ca.der", &length);
  (void)state;

  assert_int_equal(trust_add_memory(&trust, der, length, AMQP_WOLFSSL_FORMAT_AUTO, &error), AMQP_WOLFSSL_OK);
  assert_int_equal(trust_add_memory(&trust, ca_rsa, strlen(ca_rsa), AMQP_WOLFSSL_FORMAT_PEM, &error), AMQP_WOLFSSL_OK);
  memset(der, 0, length);
  assert_holds(&trust, 2, 0);
  assert_true(trusts(&trust, "Acme Test Root"));
  assert_int_equal(trust_add_memory(&trust, ca, strlen(ca), AMQP_WOLFSSL_FORMAT_DER, &error),
                   AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED);
  assert_int_equal(trust_add_memory(&trust, der, length, AMQP_WOLFSSL_FORMAT_PEM, &error),
                   AMQP_WOLFSSL_ERROR_NO_CERTIFICATE);
  assert_holds(&trust, 2, 0);
  free(der);
  trust_free(&trust);
  assert_refuses(FROM_MEMORY, "", AMQP_WOLFSSL_ERROR_NO_CERTIFICATE, "in memory");
  assert_refuses(FROM_MEMORY, leaf, AMQP_WOLFSSL_ERROR_CA_UNUSABLE, "in memory");
}

/* ---- Folders ---- */

static const char *make_folder(const char *name) {
  const char *path = temporary_folder_path(name);

  assert_int_equal(mkdir(path, 0755), 0);
  return path;
}

static void link_to(const char *target, const char *name) {
  assert_int_equal(symlink(target, temporary_folder_path(name)), 0);
}

static void write_der(const char *from, const char *to) {
  size_t length;
  uint8_t *bytes = temporary_folder_read(from, &length);

  temporary_folder_write(to, bytes, length);
  free(bytes);
}

/* As /etc/ssl/certs looks: a bundle, its certificates one by one, links to them by hash, and other things. */
static void test_folder(void **state) {
  const char *folder = make_folder("folder");
  (void)state;

  temporary_folder_write_text("folder/acme.pem", ca);
  link_to("acme.pem", "folder/5ed36f99.0");
  link_to("acme.pem", "folder/acme.crt");
  link_to("nowhere.pem", "folder/dangling.pem");
  link_to(".", "folder/itself");
  link_to("round", "folder/round");
  temporary_folder_write_text("folder/no-suffix", ca_rsa);
  write_joined("folder/all.crt", (const char *const[]){ca, expired, ca_rsa, NULL});
  temporary_folder_write_text("folder/old.pem", expired);
  temporary_folder_write_text("folder/server.pem", leaf);
  temporary_folder_write_text("folder/ca.key", key);
  temporary_folder_write_text("folder/README", "Certificates\n");
  temporary_folder_write_text("folder/.hidden", "");
  temporary_folder_write("folder/empty.pem", "", 0);
  assert_int_equal(mkfifo(temporary_folder_path("folder/fifo.pem"), 0600), 0);
  make_folder("folder/below");
  temporary_folder_write_text("folder/below/other.pem", other_ca);
  assert_adds(FROM_FOLDER, folder, 2, 3);
}

static void test_folder_leaves_no_error(void **state) {
  struct trust trust = {0};
  amqp_wolfssl_error_t error;
  (void)state;

  make_folder("mixed");
  temporary_folder_write_text("mixed/acme.pem", ca);
  temporary_folder_write_text("mixed/server.pem", leaf);
  assert_int_equal(add_from(&trust, FROM_FOLDER, temporary_folder_path("mixed"), &error), AMQP_WOLFSSL_OK);
  assert_holds(&trust, 1, 1);
  assert_no_error(&error);
  trust_free(&trust);
}

static void test_folder_with_der(void **state) {
  const char *folder = make_folder("der");
  (void)state;

  write_der("ca.der", "der/acme.der");
  assert_adds(FROM_FOLDER, folder, 1, 0);
  write_der("ca.der", "der/acme.cer");
  write_der("ca.der", "der/acme.crt");
  assert_adds(FROM_FOLDER, folder, 1, 0);
  write_der("client.der", "der/client.crt");
  assert_adds(FROM_FOLDER, folder, 1, 1);
}

static void test_folders_without_any(void **state) {
  const char *folder = make_folder("none");
  (void)state;

  assert_refuses(FROM_FOLDER, folder, AMQP_WOLFSSL_ERROR_NO_CERTIFICATE, folder);
  temporary_folder_write_text("none/README", "nothing here\n");
  temporary_folder_write_text("none/ca.key", key);
  make_folder("none/below");
  temporary_folder_write_text("none/below/ca.pem", ca);
  assert_refuses(FROM_FOLDER, folder, AMQP_WOLFSSL_ERROR_NO_CERTIFICATE, folder);
  temporary_folder_write_text("none/expired.pem", expired);
  temporary_folder_write_text("none/server.pem", leaf);
  assert_refuses(FROM_FOLDER, folder, AMQP_WOLFSSL_ERROR_CA_UNUSABLE, "(expired, not yet valid or not a CA: 2)");
}

/* One bad file, and whichever comes first, nothing is trusted of the others. */
static void test_folder_with_a_damaged_file(void **state) {
  const char *folder = make_folder("damaged");
  const char *bad = temporary_folder_path("damaged/m.pem");
  (void)state;

  temporary_folder_write_text("damaged/a.pem", ca);
  temporary_folder_write_text("damaged/z.pem", ca_rsa);
  assert_adds(FROM_FOLDER, folder, 2, 0);
  temporary_folder_write_text("damaged/m.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n");
  assert_refuses(FROM_FOLDER, folder, AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED, bad);
  temporary_folder_write_text("damaged/m.pem", "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n");
  assert_refuses(FROM_FOLDER, folder, AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED, bad);
  assert_int_equal(rename(bad, temporary_folder_path("damaged/m.der")), 0);
  temporary_folder_write_text("damaged/m.der", "this is no DER");
  assert_refuses(FROM_FOLDER, folder, AMQP_WOLFSSL_ERROR_CERTIFICATE_MALFORMED, temporary_folder_path("damaged/m.der"));
}

static void test_no_folder(void **state) {
  const char *missing = temporary_folder_path("no-such-folder");
  const char *file = temporary_folder_path("ca.pem");
  (void)state;

  assert_refuses(FROM_FOLDER, missing, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE, missing);
  assert_refuses(FROM_FOLDER, missing, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE, strerror(ENOENT));
  assert_refuses(FROM_FOLDER, file, AMQP_WOLFSSL_ERROR_FILE_UNREADABLE, strerror(ENOTDIR));
}

/* ---- Permissions ---- */

static void assert_refuses_nobody(const char *folder, const char *says) {
  struct trust trust = {0};
  amqp_wolfssl_error_t error;
  amqp_wolfssl_code_t code;

  other_user_become();
  code = add_from(&trust, FROM_FOLDER, folder, &error);
  other_user_end();
  if (code != AMQP_WOLFSSL_ERROR_FILE_UNREADABLE || strstr(error.message, says) == NULL) {
    fail_msg("%s: \"%s\" does not say \"%s\"", amqp_wolfssl_code_name(code), error.message, says);
  }
  assert_non_null(strstr(error.message, strerror(EACCES)));
  assert_holds(&trust, 0, 0);
  trust_free(&trust);
}

static void test_folder_with_a_file_that_may_not_be_read(void **state) {
  const char *folder = make_folder("closed-file");
  const char *file = temporary_folder_path("closed-file/m.pem");
  (void)state;

  if (!other_user_can_read(temporary_folder_path("ca.pem"))) {
    skip();
  }
  temporary_folder_write_text("closed-file/a.pem", ca);
  temporary_folder_write_text("closed-file/m.pem", ca_rsa);
  assert_int_equal(chmod(temporary_folder_path("closed-file/a.pem"), 0644), 0);
  assert_int_equal(chmod(file, 0), 0);
  assert_refuses_nobody(folder, file);
}

static void test_folder_that_may_not_be_listed(void **state) {
  const char *folder = make_folder("unlisted");
  (void)state;

  if (!other_user_can_read(temporary_folder_path("ca.pem"))) {
    skip();
  }
  temporary_folder_write_text("unlisted/a.pem", ca);
  assert_int_equal(chmod(folder, getuid() == 0 ? 0700 : 0300), 0);
  assert_refuses_nobody(folder, folder);
}

/* Listed but not passed: its files can't be looked at, which is not the same as there being none. */
static void test_folder_that_may_not_be_passed(void **state) {
  const char *folder = make_folder("unpassed");
  (void)state;

  if (!other_user_can_read(temporary_folder_path("ca.pem"))) {
    skip();
  }
  temporary_folder_write_text("unpassed/a.pem", ca);
  assert_int_equal(chmod(folder, getuid() == 0 ? 0744 : 0400), 0);
  assert_refuses_nobody(folder, folder);
}

/* ---- The system ---- */

static const char *system_of(const char *const *folders, size_t count, amqp_wolfssl_code_t expected,
                             amqp_wolfssl_error_t *error) {
  struct trust trust = {0};

  error_clear(error);
  assert_int_equal(trust_add_first_folder(&trust, folders, count, error), expected);
  assert_int_equal(error->code, expected);
  assert_holds(&trust, expected == AMQP_WOLFSSL_OK ? 1 : 0, 0);
  trust_free(&trust);
  return error->message;
}

static void test_first_folder(void **state) {
  const char *empty = make_folder("first-empty");
  const char *full = make_folder("first-full");
  const char *const folders[] = {temporary_folder_path("no-such-folder"), empty, full};
  amqp_wolfssl_error_t error;
  (void)state;

  temporary_folder_write_text("first-full/a.pem", ca);
  (void)system_of(folders, 3, AMQP_WOLFSSL_OK, &error);
}

/* A folder of another distribution, which is not there, is not what is wrong here. */
static void test_first_folder_of_none(void **state) {
  const char *empty = make_folder("first-of-none");
  const char *missing = temporary_folder_path("no-such-folder");
  const char *const folders[] = {missing, empty, missing};
  amqp_wolfssl_error_t error;
  (void)state;

  assert_non_null(strstr(system_of(folders, 3, AMQP_WOLFSSL_ERROR_NO_CERTIFICATE, &error), empty));
  assert_non_null(strstr(system_of(folders, 1, AMQP_WOLFSSL_ERROR_NO_CERTIFICATE, &error), "name the CA file"));
  (void)system_of(NULL, 0, AMQP_WOLFSSL_ERROR_NO_CERTIFICATE, &error);
}

static void test_system(void **state) {
  struct trust trust = {0};
  amqp_wolfssl_error_t error;
  amqp_wolfssl_code_t code;
  (void)state;

  error_clear(&error);
  code = trust_add_system(&trust, &error);
#ifdef HAVE_WOLFSSL_GET_SYSTEM_CA_DIRS
  if (code == AMQP_WOLFSSL_ERROR_NO_CERTIFICATE && access("/etc/ssl/certs/ca-certificates.crt", R_OK) != 0) {
    assert_holds(&trust, 0, 0);
    skip();
  }
  assert_int_equal(code, AMQP_WOLFSSL_OK);
  assert_true(trust.anchors.count > 0);
  for (size_t i = 0; i < trust.anchors.count; i++) {
    const struct certificate_der *anchor = &trust.anchors.items[i];
    struct certificate_list before = {trust.anchors.items, i, i};
    struct certificate certificate;

    assert_true(certificate_read(&certificate, anchor->bytes, anchor->length));
    assert_true(certificate.is_ca);
    assert_false(certificate_list_contains(&before, anchor->bytes, anchor->length));
  }
#else
  assert_int_equal(code, AMQP_WOLFSSL_ERROR_NOT_SUPPORTED);
  assert_int_equal(error.code, code);
  assert_holds(&trust, 0, 0);
#endif
  trust_free(&trust);
}

/* ---- Without memory ---- */

/* Whichever allocation fails, of ours or of wolfSSL's: an error and nothing added, or all of it. */
static void fail_every_allocation(enum source source, const char *what) {
  bool failed = true;
  size_t tries = 0;

  for (size_t nth = 1; failed; nth++) {
    struct trust trust = {0};
    amqp_wolfssl_error_t error;
    amqp_wolfssl_code_t code;

    failing_allocator_arm(nth);
    code = add_from(&trust, source, what, &error);
    failed = failing_allocator_disarm();
    tries += failed;
    if (code == AMQP_WOLFSSL_OK) {
      assert_holds(&trust, 2, 1);
    } else {
      assert_true(failed);
      assert_holds(&trust, 0, 0);
      /* A folder the system has no memory to open is reported with the system's own words. */
      if (code != AMQP_WOLFSSL_ERROR_NO_MEMORY && strstr(error.message, strerror(ENOMEM)) == NULL) {
        fail_msg("allocation %zu: %s: %s", nth, amqp_wolfssl_code_name(code), error.message);
      }
    }
    trust_free(&trust);
  }
  assert_true(tries >= 10);
}

static void test_without_memory(void **state) {
  (void)state;
  if (!failing_allocator_works()) {
    skip();
  }
  make_folder("memory");
  temporary_folder_write_text("memory/ca.pem", ca);
  write_joined("memory/more.pem", (const char *const[]){expired, ca_rsa, NULL});
  fail_every_allocation(FROM_FILE, JOINED(ca, expired, ca_rsa));
  fail_every_allocation(FROM_FOLDER, temporary_folder_path("memory"));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_files),
      cmocka_unit_test(test_duplicates_in_a_file),
      cmocka_unit_test(test_text_and_other_blocks_around),
      cmocka_unit_test(test_files_that_hold_none),
      cmocka_unit_test(test_damaged_bundles),
      cmocka_unit_test(test_bundle_with_unusable_ones),
      cmocka_unit_test(test_left_out_adds_up),
      cmocka_unit_test(test_success_leaves_no_error),
      cmocka_unit_test(test_unusable_alone),
      cmocka_unit_test(test_memory),
      cmocka_unit_test(test_folder),
      cmocka_unit_test(test_folder_leaves_no_error),
      cmocka_unit_test(test_folder_with_der),
      cmocka_unit_test(test_folders_without_any),
      cmocka_unit_test(test_folder_with_a_damaged_file),
      cmocka_unit_test(test_no_folder),
      cmocka_unit_test(test_folder_with_a_file_that_may_not_be_read),
      cmocka_unit_test(test_folder_that_may_not_be_listed),
      cmocka_unit_test(test_folder_that_may_not_be_passed),
      cmocka_unit_test(test_first_folder),
      cmocka_unit_test(test_first_folder_of_none),
      cmocka_unit_test(test_system),
      cmocka_unit_test(test_without_memory),
  };
  return cmocka_run_group_tests_name("trust", tests, mint, remove_folder);
}
