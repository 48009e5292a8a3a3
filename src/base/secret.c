/* SPDX-License-Identifier: MIT */
/* Secrets in memory: copied, wiped, never printed. */
#include "autoconfig.h"

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

void secret_wipe(void *memory, size_t length) {
  if (memory != NULL && length > 0) {
    memset(memory, 0, length);
    /* The compiler must assume that something reads the zeros. */
    __asm__ __volatile__("" : : "r"(memory) : "memory");
  }
}

void secret_free(struct secret *secret) {
  secret_wipe(secret->bytes, secret->length);
  free(secret->bytes);
  secret->bytes = NULL;
  secret->length = 0;
}

int secret_copy(struct secret *to, const void *bytes, size_t length) {
  to->bytes = length < SIZE_MAX ? malloc(length + 1) : NULL;
  if (to->bytes == NULL) {
    return -1;
  }
  if (length > 0) {
    memcpy(to->bytes, bytes, length);
  }
  to->bytes[length] = 0;
  to->length = length;
  return 0;
}
