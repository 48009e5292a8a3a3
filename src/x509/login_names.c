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
#include "x509/der.h"

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

/* RabbitMQ takes the DER of the value, which releases strip of its header in different ways. */
static bool add_other_name(struct login_names *names, size_t index, struct byte_slice value) {
  struct byte_slice bytes = {(const uint8_t *)"", 0};
  struct byte_slice type;
  struct byte_slice content;
  struct der_element string;

  if (der_read_object_identifier(&value, &type) && der_read_tagged(&value, DER_CONTEXT_CONSTRUCTED(0), &content) &&
      der_read(&content, &string) && string.tag == DER_UTF8_STRING) {
    bytes = string.content;
  }
  return add_bytes(names, LOGIN_SAN_OTHER_NAME, index, bytes, false);
}

static bool add_alternative_name(struct login_names *names, enum certificate_name_kind kind, size_t index,
                                 struct byte_slice value) {
  switch (kind) { /* no default: -Wswitch finds the missing case */
    case CERTIFICATE_NAME_DNS:
      return add_bytes(names, LOGIN_SAN_DNS, index, value, true);
    case CERTIFICATE_NAME_IP:
      return add_address(names, index, value);
    case CERTIFICATE_NAME_EMAIL:
      return add_bytes(names, LOGIN_SAN_EMAIL, index, value, true);
    case CERTIFICATE_NAME_URI:
      return add_bytes(names, LOGIN_SAN_URI, index, value, true);
    case CERTIFICATE_NAME_OTHER:
      return add_other_name(names, index, value);
  }
  return false;
}

static bool add_alternative_names(struct login_names *names, struct byte_slice rest) {
  size_t counts[CERTIFICATE_NAME_OTHER + 1] = {0};
  enum certificate_name_kind kind;
  struct byte_slice value;

  for (;;) {
    const bool is_other_name = der_next_is(&rest, DER_CONTEXT_CONSTRUCTED(0));

    if (!certificate_next_name(&rest, &kind, &value)) {
      return true;
    }
    if (kind == CERTIFICATE_NAME_OTHER && !is_other_name) { /* none that RabbitMQ can be told to take */
      continue;
    }
    if (!add_alternative_name(names, kind, counts[kind], value)) {
      return false;
    }
    counts[kind]++;
  }
}

bool login_names_read(struct login_names *names, const struct certificate *certificate) {
  if (add_subject(names, certificate->subject) && add_common_name(names, certificate->subject) &&
      add_alternative_names(names, certificate->alternative_names)) {
    return true;
  }
  login_names_free(names);
  return false;
}
