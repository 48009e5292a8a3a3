/* SPDX-License-Identifier: MIT */
/* Growing buffers and the few calls that every descriptor needs. */
#include "tls_proxy_io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tls_proxy_report.h"

bool bytes_reserve(struct bytes *bytes, size_t more) {
  if (bytes->capacity - bytes->length >= more) {
    return true;
  }
  const size_t capacity = bytes->length + more + READ_SIZE;
  unsigned char *const data = realloc(bytes->data, capacity);
  if (data == NULL) {
    complain("out of memory");
    return false;
  }
  bytes->data = data;
  bytes->capacity = capacity;
  return true;
}

bool bytes_append(struct bytes *bytes, const unsigned char *data, size_t length) {
  if (!bytes_reserve(bytes, length)) {
    return false;
  }
  memcpy(bytes->data + bytes->length, data, length);
  bytes->length += length;
  return true;
}

void bytes_consume(struct bytes *bytes, size_t length) {
  bytes->length -= length;
  memmove(bytes->data, bytes->data + length, bytes->length);
}

void close_descriptor(int *descriptor) {
  if (*descriptor >= 0) {
    (void)close(*descriptor);
    *descriptor = -1;
  }
}

bool set_nonblocking(int descriptor) {
  const int flags = fcntl(descriptor, F_GETFL);
  return flags >= 0 && fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) == 0;
}

bool would_block(void) { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }
