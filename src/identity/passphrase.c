/* SPDX-License-Identifier: MIT */
/* Gets the passphrase from where the config says, and leaves no copy behind. */
#include "autoconfig.h"

#include "identity/passphrase.h"

#define PASSPHRASE_CAPACITY 1024

static enum passphrase_answer copy(struct secret *passphrase, const void *bytes, size_t length) {
  return secret_copy(passphrase, bytes, length) == 0 ? PASSPHRASE_GIVEN : PASSPHRASE_NO_MEMORY;
}

enum passphrase_answer passphrase_ask(const struct passphrase_source *source, struct secret *passphrase) {
  char answer[PASSPHRASE_CAPACITY];
  enum passphrase_answer result;
  int length;

  if (source->text != NULL && source->text->bytes != NULL) {
    return copy(passphrase, source->text->bytes, source->text->length);
  }
  if (source->callback == NULL) {
    return PASSPHRASE_NOT_SET;
  }
  length = source->callback(answer, sizeof(answer), source->user_data);
  result =
      length < 0 || (size_t)length > sizeof(answer) ? PASSPHRASE_REFUSED : copy(passphrase, answer, (size_t)length);
  secret_wipe(answer, sizeof(answer));
  return result;
}
