/* SPDX-License-Identifier: MIT */
/* softhsm2-util's command lines. */
#include "soft_token.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "command.h"
#include "peer_process.h"
#include "unsigned_range.h"

#define SO_PIN "security officer"
#define PATH_SIZE 4096

static const char tool[] = "softhsm2-util";

/* A test for another processor, run by an emulator, finds this system's module, and can't use it. */
static bool can_be_loaded(const char *module) {
  void *loaded = dlopen(module, RTLD_LAZY | RTLD_LOCAL);

  return loaded != NULL && dlclose(loaded) == 0;
}

/* Debian's, Fedora's, and where SoftHSM itself installs it. */
static const char *find_module(void) {
  static const char *const candidates[] = {"/usr/lib/softhsm/libsofthsm2.so", "/usr/lib64/pkcs11/libsofthsm2.so",
                                           "/usr/lib/pkcs11/libsofthsm2.so", "/usr/local/lib/softhsm/libsofthsm2.so"};

  for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++) {
    if (can_be_loaded(candidates[i])) {
      return candidates[i];
    }
  }
  return NULL;
}

void soft_token_require(void) {
  peer_require(tool);
  if (find_module() == NULL) {
    peer_require("libsofthsm2.so"); /* is no program: says so, and skips or fails */
  }
}

const char *soft_token_module(void) {
  const char *module = find_module();

  assert_non_null(module);
  return module;
}

int soft_token_setup(const char *folder) {
  char configuration[PATH_SIZE];
  char tokens[PATH_SIZE];
  FILE *file;
  int written;

  (void)snprintf(configuration, sizeof(configuration), "%s/softhsm2.conf", folder);
  (void)snprintf(tokens, sizeof(tokens), "%s/tokens", folder);
  if (mkdir(tokens, 0700) != 0 || setenv("SOFTHSM2_CONF", configuration, 1) != 0) {
    return -1;
  }
  file = fopen(configuration, "w");
  if (file == NULL) {
    return -1;
  }
  written = fprintf(file, "directories.tokendir = %s\nobjectstore.backend = file\nlog.level = ERROR\n", tokens);
  return fclose(file) == 0 && written > 0 ? 0 : -1;
}

void soft_token_make(const char *label, const char *pin) {
  assert_int_equal(
      command_run(".", tool, "--init-token", "--free", "--label", label, "--pin", pin, "--so-pin", SO_PIN, NULL), 0);
}

void soft_token_import(const char *label, const char *pin, const char *key_path, const char *object, const char *id) {
  assert_int_equal(command_run(".", tool, "--import", key_path, "--token", label, "--pin", pin, "--label", object,
                               "--id", id, "--no-public-key", NULL),
                   0);
}

const char *soft_token_uri(char uri[SOFT_TOKEN_URI_SIZE], const char *path, const char *query) {
  int length = snprintf(uri, SOFT_TOKEN_URI_SIZE, "pkcs11:%s?module-path=%s%s%s", path, soft_token_module(),
                        query != NULL ? "&" : "", query != NULL ? query : "");

  assert_uint_in_range(length, 1, SOFT_TOKEN_URI_SIZE - 1);
  return uri;
}
