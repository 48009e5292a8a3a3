/* SPDX-License-Identifier: MIT */
/* Reads CertificateStatus. */
#include "verification/stapled_status.h"

enum { CERTIFICATE_STATUS = 22, STATUS_TYPE_OCSP = 1 };

/* A number of \a width bytes, most significant first. */
static bool take_number(struct byte_slice *rest, size_t width, size_t *number) {
  *number = 0;
  if (rest->length < width) {
    return false;
  }
  for (size_t i = 0; i < width; i++) {
    *number = (*number << 8) | rest->bytes[i];
  }
  rest->bytes += width;
  rest->length -= width;
  return true;
}

/* Bytes preceded by their count. */
static bool take_vector(struct byte_slice *rest, size_t width, struct byte_slice *vector) {
  size_t length;

  if (!take_number(rest, width, &length) || length > rest->length) {
    return false;
  }
  *vector = (struct byte_slice){rest->bytes, length};
  rest->bytes += length;
  rest->length -= length;
  return true;
}

static bool read_status(struct byte_slice status, struct byte_slice *response) {
  size_t type;

  return take_number(&status, 1, &type) && type == STATUS_TYPE_OCSP && take_vector(&status, 3, response) &&
         status.length == 0;
}

bool stapled_status_in_message(struct byte_slice message, struct byte_slice *response) {
  struct byte_slice body;
  size_t type;

  return take_number(&message, 1, &type) && type == CERTIFICATE_STATUS && take_vector(&message, 3, &body) &&
         message.length == 0 && read_status(body, response);
}
