/* SPDX-License-Identifier: MIT */
/* Descriptors that don't block, and bytes that wait for one. */
#ifndef TESTS_TLS_PROXY_IO_H
#define TESTS_TLS_PROXY_IO_H

#include <stdbool.h>
#include <stddef.h>

#define READ_SIZE 16384u

struct bytes {
  unsigned char *data;
  size_t length;
  size_t capacity;
};

/** Makes room for so many more. */
bool bytes_reserve(struct bytes *bytes, size_t more);
bool bytes_append(struct bytes *bytes, const unsigned char *data, size_t length);
/** Drops the first ones. */
void bytes_consume(struct bytes *bytes, size_t length);

/** Closes it if it is open, and makes it -1. */
void close_descriptor(int *descriptor);
bool set_nonblocking(int descriptor);
/** Whether errno says that the call may be tried again. */
bool would_block(void);

#endif
