/* SPDX-License-Identifier: MIT */
/*
 * Names for EXTERNAL, compared with RabbitMQ's own code by tests/integration/login_names_test.c: the subject, its
 * common names, and the alternative names, counted within each kind.
 */
#include "x509/login_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/bounded_text.h"
#include "base/one_line.h"

void login_names_free(struct login_names *names) {
  for (size_t i = 0; i < names->count; i++) {
    free(names->items[i].text);
  }
  free(names->items);
  *names = (struct login_names){0};
}

/* Takes \a text over; NULL: there was no memory for it. */
static bool add(struct login_names *names, enum login_source source, size_t index, char *text, bool exact) {
  struct login_name *grown = text != NULL ? realloc(names->items, (names->count + 1) * sizeof(*names->items)) : NULL;

  if (grown == NULL) {
    free(text);
    return false;
  }
  names->items = grown;
  names->items[names->count++] = (struct login_name){source, index, text, exact};
  return true;
}

static char *escape(const uint8_t *bytes, size_t length) {
  const size_t capacity = 3 * length + 1;
  char *text = malloc(capacity);

  if (text != NULL) {
    struct bounded_text writer;

    bounded_text_init(&writer, text, capacity);
    bounded_text_add_printable(&writer, bytes, length);
  }
  return text;
}

/* As it is, if that can be shown and typed; else a form of it that can. */
static bool add_bytes(struct login_names *names, enum login_source source, size_t index, struct byte_slice bytes,
                      bool exact) {
  char *text;

  if (!one_line_is((const char *)bytes.bytes, bytes.length)) {
    return add(names, source, index, escape(bytes.bytes, bytes.length), false);
  }
  text = malloc(bytes.length + 1);
  if (text != NULL) {
    memcpy(text, bytes.bytes, bytes.length);
    text[bytes.length] = '\0';
  }
  return add(names, source, index, text, exact && bytes.length > 0);
}

static bool add_subject(struct login_names *names, struct byte_slice subject) {
  bool exact;
  const size_t length = certificate_format_login_name(subject, NULL, 0, &exact);
  char *text = malloc(length + 1);

  if (text != NULL) {
    (void)certificate_format_login_name(subject, text, length + 1, &exact);
  }
  return add(names, LOGIN_DISTINGUISHED_NAME, 0, text, exact && length > 0);
}

static bool add_common_name(struct login_names *names, struct byte_slice subject) {
  size_t count;
  bool exact;
  const size_t length = certificate_join_common_names(subject, NULL, 0, &count, &exact);
  char *text;
  bool added;

  if (count == 0) {
    return true;
  }
  text = malloc(length + 1);
  if (text == NULL) {
    return false;
  }
  (void)certificate_join_common_names(subject, text, length + 1, &count, &exact);
  added = add_bytes(names, LOGIN_COMMON_NAME, 0, (struct byte_slice){(const uint8_t *)text, length}, exact);
  free(text);
  return added;
}

/* RabbitMQ takes the address's bytes for the name, which nobody can type. */
static bool add_address(struct login_names *names, size_t index, struct byte_slice address) {
  static const size_t prefix = sizeof("IP:") - 1;
  const size_t length = certificate_format_alternative_name(CERTIFICATE_NAME_IP, address, NULL, 0);
  char *text = malloc(length + 1);

  if (text != NULL) {
    (void)certificate_format_alternative_name(CERTIFICATE_NAME_IP, address, text, length + 1);
    memmove(text, text + prefix, length + 1 - prefix);
  }
  return add(names, LOGIN_SAN_IP, index, text, false);
}

static bool add_alternative_names(struct login_names *names, struct byte_slice rest) {
  static const enum login_source sources[] = {[CERTIFICATE_NAME_DNS] = LOGIN_SAN_DNS,
                                              [CERTIFICATE_NAME_IP] = LOGIN_SAN_IP,
                                              [CERTIFICATE_NAME_EMAIL] = LOGIN_SAN_EMAIL,
                                              [CERTIFICATE_NAME_URI] = LOGIN_SAN_URI};
  size_t counts[CERTIFICATE_NAME_OTHER] = {0};
  enum certificate_name_kind kind;
  struct byte_slice value;

  while (certificate_next_name(&rest, &kind, &value)) {
    bool added;

    if (kind == CERTIFICATE_NAME_OTHER) {
      continue;
    }
    added = kind == CERTIFICATE_NAME_IP ? add_address(names, counts[kind], value)
                                        : add_bytes(names, sources[kind], counts[kind], value, true);
    if (!added) {
      return false;
    }
    counts[kind]++;
  }
  return true;
}

bool login_names_read(struct login_names *names, const struct certificate *certificate) {
  if (add_subject(names, certificate->subject) && add_common_name(names, certificate->subject) &&
      add_alternative_names(names, certificate->alternative_names)) {
    return true;
  }
  login_names_free(names);
  return false;
}
