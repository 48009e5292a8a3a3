/* SPDX-License-Identifier: MIT */
/* Steps through the blocks of a PEM text; wolfCrypt decodes base64. */
#include "autoconfig.h"

#include "x509/pem.h"

#include <limits.h>
#include <string.h>

#include "backend/wolfssl_headers.h"

#include <wolfssl/wolfcrypt/coding.h>
#include <wolfssl/wolfcrypt/error-crypt.h>

#define BEGIN "-----BEGIN "
#define END "-----END "
#define DASHES "-----"

static const char *find(const char *text, size_t length, const char *wanted) {
  return length == 0 ? NULL : memmem(text, length, wanted, strlen(wanted));
}

static bool label_reads(const char *label, size_t length) {
  for (size_t i = 0; i < length; i++) {
    if ((unsigned char)label[i] < 0x20 || (unsigned char)label[i] > 0x7e) {
      return false;
    }
  }
  return length > 0;
}

/* Whether the last line is the start of a BEGIN and nothing else: the text was cut off there. */
static bool ends_in_begin(const struct pem_text *rest) {
  size_t length = 0;

  while (length < rest->length && rest->text[rest->length - length - 1] != '\n' &&
         rest->text[rest->length - length - 1] != '\r') {
    length++;
  }
  return length > 0 && length < strlen(BEGIN) && memcmp(rest->text + rest->length - length, BEGIN, length) == 0;
}

enum pem_result pem_next(struct pem_text *rest, struct pem_block *block) {
  const char *limit = rest->length > 0 ? rest->text + rest->length : rest->text;
  const char *begin = find(rest->text, rest->length, BEGIN);
  const char *label;
  const char *label_end;
  const char *end;
  const char *next_begin;

  end = find(rest->text, begin != NULL ? (size_t)(begin - rest->text) : rest->length, END);
  if (end != NULL || (begin == NULL && ends_in_begin(rest))) {
    return PEM_UNTERMINATED;
  }
  if (begin == NULL) {
    return PEM_END;
  }
  label = begin + strlen(BEGIN);
  label_end = find(label, (size_t)(limit - label), DASHES);
  if (label_end == NULL || !label_reads(label, (size_t)(label_end - label))) {
    return PEM_UNTERMINATED;
  }
  block->label = (struct pem_text){label, (size_t)(label_end - label)};
  /* After the dashes of the BEGIN: an END that shared them would leave a negative length between the two. */
  end = label_end + strlen(DASHES);
  end = find(end, (size_t)(limit - end), END);
  next_begin = find(label_end, (size_t)(limit - label_end), BEGIN);
  if (end == NULL || (next_begin != NULL && next_begin < end)) {
    return PEM_UNTERMINATED;
  }
  end += strlen(END);
  if ((size_t)(limit - end) < block->label.length + strlen(DASHES) ||
      memcmp(end, block->label.text, block->label.length) != 0 ||
      memcmp(end + block->label.length, DASHES, strlen(DASHES)) != 0) {
    return PEM_UNTERMINATED;
  }
  end += block->label.length + strlen(DASHES);
  block->whole = (struct pem_text){begin, (size_t)(end - begin)};
  *rest = (struct pem_text){end, (size_t)(limit - end)};
  return PEM_BLOCK;
}

/* wolfCrypt would also start in the middle of the line. */
static bool starts_line(const char *base64, size_t length) {
  return (length > 0 && base64[0] == '\n') ||
         (length > 1 && (base64[0] == '\r' || base64[0] == ' ') && base64[1] == '\n');
}

enum pem_decode_result pem_decode(const struct pem_block *block, uint8_t *der, size_t *length) {
  const char *base64 = block->label.text + block->label.length + strlen(DASHES);
  const char *end = block->whole.text + block->whole.length - strlen(END) - block->label.length - strlen(DASHES);
  const size_t base64_length = (size_t)(end - base64);
  word32 decoded;
  int result;

  if (base64_length > INT_MAX || *length > INT_MAX || !starts_line(base64, base64_length)) {
    return PEM_NOT_BASE64;
  }
  decoded = (word32)*length;
  result = Base64_Decode((const byte *)base64, (word32)base64_length, der, &decoded);
  if (result == MEMORY_E) {
    return PEM_NO_MEMORY;
  }
  *length = decoded;
  return result == 0 && decoded > 0 ? PEM_DECODED : PEM_NOT_BASE64;
}

bool pem_label_is(const struct pem_block *block, const char *label) {
  return block->label.length == strlen(label) && memcmp(block->label.text, label, block->label.length) == 0;
}

bool pem_is_certificate(const struct pem_block *block) {
  return pem_label_is(block, "CERTIFICATE") || pem_label_is(block, "X509 CERTIFICATE");
}

bool pem_is_revocation_list(const struct pem_block *block) { return pem_label_is(block, "X509 CRL"); }

bool pem_is_private_key(const struct pem_block *block) {
  static const char suffix[] = "PRIVATE KEY";
  size_t length = sizeof(suffix) - 1;

  return block->label.length >= length && memcmp(block->label.text + block->label.length - length, suffix, length) == 0;
}

bool pem_is_encrypted(const struct pem_block *block) {
  return pem_label_is(block, "ENCRYPTED PRIVATE KEY") ||
         (pem_is_private_key(block) && find(block->whole.text, block->whole.length, "Proc-Type: 4,ENCRYPTED") != NULL);
}

bool pem_is_likely(const void *bytes, size_t length) { return find(bytes, length, BEGIN) != NULL; }

bool pem_may_hold(const void *bytes, size_t length, bool (*is_wanted)(const struct pem_block *block)) {
  struct pem_text rest = {bytes, length};
  struct pem_block block;
  enum pem_result result;

  while ((result = pem_next(&rest, &block)) == PEM_BLOCK) {
    if (is_wanted(&block)) {
      return true;
    }
  }
  return result == PEM_UNTERMINATED;
}
