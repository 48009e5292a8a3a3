/* SPDX-License-Identifier: MIT */
/* Keeps rejected PINs, and compares. */
#include "autoconfig.h"

#include "identity/pkcs11_login.h"

#include <stdlib.h>
#include <string.h>

static bool is_same(const struct secret *rejected, const char *token, const struct secret *pin) {
  const size_t name_size = strlen(token) + 1;

  return rejected->length == name_size + pin->length && memcmp(rejected->bytes, token, name_size) == 0 &&
         (pin->length == 0 || memcmp(rejected->bytes + name_size, pin->bytes, pin->length) == 0);
}

bool pkcs11_login_may_try(const struct pkcs11_login *login, const char *token, const struct secret *pin) {
  if (login == NULL) {
    return true;
  }
  for (size_t i = 0; i < login->count; i++) {
    if (is_same(&login->rejected[i], token, pin)) {
      return false;
    }
  }
  return !login->exhausted && login->count < PKCS11_LOGIN_REJECTED_MAXIMUM;
}

void pkcs11_login_rejected(struct pkcs11_login *login, const char *token, const struct secret *pin) {
  const size_t name_size = strlen(token) + 1;
  struct secret *rejected;

  if (login == NULL) {
    return;
  }
  if (login->count == PKCS11_LOGIN_REJECTED_MAXIMUM) {
    login->exhausted = true;
    return;
  }
  rejected = &login->rejected[login->count];
  rejected->bytes = malloc(name_size + pin->length);
  if (rejected->bytes == NULL) {
    login->exhausted = true;
    return;
  }
  memcpy(rejected->bytes, token, name_size);
  if (pin->length > 0) {
    memcpy(rejected->bytes + name_size, pin->bytes, pin->length);
  }
  rejected->length = name_size + pin->length;
  login->count++;
}

void pkcs11_login_free(struct pkcs11_login *login) {
  for (size_t i = 0; i < login->count; i++) {
    secret_free(&login->rejected[i]);
  }
  memset(login, 0, sizeof(*login));
}
