/* SPDX-License-Identifier: MIT */
/* Runs mint-revocation, and decodes what it has written. */
#include "minted_revocation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "autoconfig.h"
#include "backend/wolfssl_headers.h"
#include "command.h"
#include "exact_copy.h"
#include "paths.h"
#include "temporary_folder.h"
#include "x509/pem.h"

#include <wolfssl/wolfcrypt/coding.h>

int minted_revocation_make(bool *has_responses) {
  const char *folder = temporary_folder_path("");
  const char *script = path_in_source_tree("tests/support/mint-revocation");
  const char *program = path_in_build_tree("tests/support/mint_ocsp_response");

  *has_responses = access(program, X_OK) == 0;
  return *has_responses ? command_run(".", script, "--responses", program, folder, NULL)
                        : command_run(".", script, folder, NULL);
}

static uint8_t *decode(const struct pem_block *block, const char *name, size_t *length) {
  const char *base64 = block->label.text + block->label.length + strlen("-----");
  const char *end = block->whole.text + block->whole.length - strlen("-----END -----") - block->label.length;
  word32 decoded = (word32)block->whole.length;
  uint8_t *der = malloc(decoded);
  uint8_t *copy;

  if (der == NULL || Base64_Decode((const byte *)base64, (word32)(end - base64), der, &decoded) != 0) {
    fprintf(stderr, "%s can't be decoded\n", name);
    exit(99);
  }
  copy = exact_copy(der, decoded);
  free(der);
  *length = decoded;
  return copy;
}

uint8_t *minted_der_read(const char *name, size_t *length) {
  uint8_t *bytes = temporary_folder_read(name, length);
  struct pem_text text = {(const char *)bytes, *length};
  struct pem_block block;
  uint8_t *der;

  if (pem_next(&text, &block) != PEM_BLOCK) {
    return bytes;
  }
  der = decode(&block, name, length);
  free(bytes);
  return der;
}
