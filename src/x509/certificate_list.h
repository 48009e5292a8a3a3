/* SPDX-License-Identifier: MIT */
/* Certificates in DER, in order: a chain, a set of trust anchors, or what a peer presented. */
#ifndef AMQP_WOLFSSL_CERTIFICATE_LIST_H
#define AMQP_WOLFSSL_CERTIFICATE_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct certificate_der {
  uint8_t *bytes;
  size_t length;
};

struct certificate_list {
  struct certificate_der *items;
  size_t count;
  size_t capacity;
};

/** Adds a copy. \return false if out of memory; the list is then unchanged */
bool certificate_list_add(struct certificate_list *list, const uint8_t *der, size_t length);

bool certificate_list_contains(const struct certificate_list *list, const uint8_t *der, size_t length);

/** Whether both hold the same certificates in the same order. */
bool certificate_list_equals(const struct certificate_list *one, const struct certificate_list *other);

/** Moves everything from \a from to the end of \a to, all or nothing. \return false if out of memory */
bool certificate_list_take(struct certificate_list *to, struct certificate_list *from);

void certificate_list_free(struct certificate_list *list);

#endif
