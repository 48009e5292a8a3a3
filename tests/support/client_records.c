/* SPDX-License-Identifier: MIT */
/* Follows the records of a client. */
#include "client_records.h"

#include <stdio.h>
#include <string.h>

#define HEADER sizeof(((struct client_records *)0)->header)
#define TAG_BYTES 16u
#define TYPE_CHANGE_CIPHER_SPEC 20u
#define TYPE_DATA 23u

void client_records_init(struct client_records *records, bool is_1_3) {
  memset(records, 0, sizeof(*records));
  records->is_1_3 = is_1_3;
}

/* What is encrypted has a tag, and in TLS 1.3 but one type (RFC 8446, section 5.2). */
static bool can_be_encrypted(const struct client_records *records, unsigned type, size_t length) {
  return length > TAG_BYTES && (!records->is_1_3 || type == TYPE_DATA);
}

static void take_header(struct client_records *records) {
  const unsigned type = records->header[0];

  records->left = (size_t)records->header[3] << 8 | records->header[4];
  if (type == TYPE_CHANGE_CIPHER_SPEC) {
    records->is_encrypted = true;
    return;
  }
  records->is_encrypted = records->is_encrypted || type == TYPE_DATA;
  if (!records->is_encrypted) {
    return;
  }
  if (can_be_encrypted(records, type, records->left)) {
    records->encrypted++;
    records->longest = records->left > records->longest ? records->left : records->longest;
  } else {
    records->in_clear++;
    printf("IN-CLEAR type %u, %zu bytes\n", type, records->left);
  }
}

static size_t take_piece(struct client_records *records, const unsigned char *bytes, size_t length) {
  const size_t wanted = records->header_length < HEADER ? HEADER - records->header_length : records->left;
  const size_t count = length < wanted ? length : wanted;

  if (records->header_length == HEADER) {
    records->left -= count;
  } else {
    memcpy(records->header + records->header_length, bytes, count);
    records->header_length += count;
    if (records->header_length < HEADER) {
      return count;
    }
    take_header(records);
  }
  if (records->left == 0) {
    records->header_length = 0;
  }
  return count;
}

void client_records_take(struct client_records *records, const unsigned char *bytes, size_t length) {
  while (length > 0) {
    const size_t count = take_piece(records, bytes, length);

    bytes += count;
    length -= count;
  }
}

void client_records_expect_encryption(struct client_records *records) { records->is_encrypted = true; }

void client_records_report(const struct client_records *records) {
  const unsigned torn = records->header_length > 0 ? 1 : 0;

  printf("CLIENT-RECORDS %u in clear, %u encrypted, of %zu bytes at most\n", records->in_clear + torn,
         records->encrypted, records->longest);
}
