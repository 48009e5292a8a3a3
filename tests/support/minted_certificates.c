/* SPDX-License-Identifier: MIT */
/* Certificates for tests, made when they run. */
#include "minted_certificates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "paths.h"
#include "temporary_folder.h"

int minted_certificates_make(void **state) {
  const char *pool = getenv("CERTIFICATE_POOL");

  (void)state;
  if (temporary_folder_make() != 0) {
    return -1;
  }
  if (pool == NULL || *pool == '\0') {
    return command_run(".", path_in_source_tree("tests/support/mint-certificates"), temporary_folder_path(""), NULL);
  }
  return command_run(".", path_in_source_tree("tests/support/take-certificates"), pool, temporary_folder_path(""),
                     NULL);
}

static const char *file_of(const char *name, size_t length, const char *suffix) {
  char file[256];

  (void)snprintf(file, sizeof(file), "%.*s%s", (int)length, name, suffix);
  return temporary_folder_path(file);
}

const char *minted_certificate(const char *name) { return file_of(name, strlen(name), ".pem"); }

const char *minted_key(const char *name) {
  const char *leaf_only = strstr(name, "-leaf-only");

  return file_of(name, leaf_only != NULL ? (size_t)(leaf_only - name) : strlen(name), ".key");
}

int minted_certificates_set_up_with(int (*make_more)(void)) {
  (void)alarm(1200); /* a safety net, far beyond what valgrind needs */
  if (minted_certificates_make(NULL) == 0 && (make_more == NULL || make_more() == 0)) {
    return 0;
  }
  (void)temporary_folder_remove(); /* CMocka tears nothing down after a set-up that failed */
  return -1;
}

int minted_certificates_set_up(void **state) {
  (void)state;
  return minted_certificates_set_up_with(NULL);
}

int minted_certificates_tear_down(void **state) {
  (void)state;
  return temporary_folder_remove();
}

static void format_date(char date[32], int days) {
  time_t when = time(NULL) + (time_t)days * 24 * 60 * 60;
  struct tm parts;

  if (gmtime_r(&when, &parts) == NULL || strftime(date, 32, "%Y%m%d%H%M%SZ", &parts) == 0) {
    date[0] = '\0';
  }
}

static void write_configuration(const char *extensions) {
  char configuration[2048];

  (void)snprintf(configuration, sizeof(configuration),
                 "[req]\ndistinguished_name = subject\nstring_mask = utf8only\n[subject]\n"
                 "[ca]\ndefault_ca = authority\n"
                 "[authority]\ndatabase = index.txt\nnew_certs_dir = .\ndefault_md = sha256\nrand_serial = yes\n"
                 "unique_subject = no\npolicy = names\n[names]\ncommonName = supplied\n[extensions]\n%s\n",
                 extensions);
  temporary_folder_write_text("openssl.cnf", configuration);
  temporary_folder_write_text("index.txt", "");
}

/* openssl req takes no dates; openssl ca does, for a request. */
int minted_certificates_self_signed(const char *name, int from_days, int to_days, const char *extensions) {
  char subject[256];
  char key[256];
  char certificate[256];
  char from[32];
  char to[32];
  const char *folder = temporary_folder_path("");

  (void)snprintf(subject, sizeof(subject), "/CN=%s", name);
  (void)snprintf(key, sizeof(key), "%s.key", name);
  (void)snprintf(certificate, sizeof(certificate), "%s.pem", name);
  format_date(from, from_days);
  format_date(to, to_days);
  write_configuration(extensions);
  if (command_run(folder, "openssl", "req", "-new", "-config", "openssl.cnf", "-subj", subject, "-newkey", "ec",
                  "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out", "request.pem", NULL) != 0) {
    return -1;
  }
  return command_run(folder, "openssl", "ca", "-batch", "-notext", "-selfsign", "-config", "openssl.cnf", "-extensions",
                     "extensions", "-keyfile", key, "-startdate", from, "-enddate", to, "-in", "request.pem", "-out",
                     certificate, NULL);
}

int minted_certificates_server_alone(void **state) {
  (void)state;
  if (temporary_folder_make() != 0) {
    return -1;
  }
  if (minted_certificates_self_signed("server", -1, 30,
                                      "basicConstraints = critical, CA:TRUE\nsubjectAltName = IP:127.0.0.1\n"
                                      "keyUsage = critical, digitalSignature, keyCertSign\n"
                                      "subjectKeyIdentifier = hash") != 0) {
    (void)temporary_folder_remove(); /* CMocka tears nothing down after a set-up that failed */
    return -1;
  }
  return 0;
}
