/* SPDX-License-Identifier: MIT */
/* Reads the outer form of signed objects. */
#include "x509/signed_object.h"

bool algorithm_take_whole(struct byte_slice *rest, struct byte_slice *identifier, struct byte_slice *parameters) {
  struct byte_slice content;
  struct der_element element = {0, {NULL, 0}, {NULL, 0}};

  if (!der_read_tagged(rest, DER_SEQUENCE, &content) || !der_read_object_identifier(&content, identifier)) {
    return false;
  }
  if (content.length > 0 && !der_read(&content, &element)) {
    return false;
  }
  *parameters = element.whole;
  return content.length == 0;
}

bool algorithm_take(struct byte_slice *rest, struct byte_slice *identifier) {
  struct byte_slice parameters;

  return algorithm_take_whole(rest, identifier, &parameters);
}

bool signed_object_take(struct byte_slice *content, struct signed_object *object) {
  struct der_element signed_part;
  struct byte_slice algorithm;

  if (!der_read(content, &signed_part) || signed_part.tag != DER_SEQUENCE) {
    return false;
  }
  object->signed_part = signed_part.whole;
  algorithm = *content;
  if (!algorithm_take(content, &object->algorithm_oid)) {
    return false;
  }
  object->algorithm = (struct byte_slice){algorithm.bytes, algorithm.length - content->length};
  return der_read_bit_string(content, &object->signature);
}

bool signed_object_read(struct signed_object *object, const uint8_t *der, size_t length) {
  struct byte_slice rest = {der, length};
  struct byte_slice content;

  return der_read_tagged(&rest, DER_SEQUENCE, &content) && rest.length == 0 && signed_object_take(&content, object) &&
         content.length == 0;
}
