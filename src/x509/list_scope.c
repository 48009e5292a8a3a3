/* SPDX-License-Identifier: MIT */
/*
 * A list of one distribution point is for those certificates that name the point. Only whole lists of the issuer itself
 * are known here: neither indirect ones nor ones for some reasons, which would have to be put together.
 */
#include "x509/list_scope.h"

#include "x509/der.h"
#include "x509/distinguished_name.h"

/* ---- Reading ---- */

static bool are_names(struct byte_slice names) {
  struct der_element name;

  if (names.length == 0) {
    return false;
  }
  while (names.length > 0) {
    if (!der_read(&names, &name)) {
      return false;
    }
  }
  return true;
}

/* DistributionPointName, with the tag that the field of this type has. */
static bool read_point(struct byte_slice *rest, struct list_scope *scope) {
  struct byte_slice wrapper;
  struct der_element element;

  scope->has_point = der_next_is(rest, DER_CONTEXT_CONSTRUCTED(0));
  if (!scope->has_point) {
    return true;
  }
  if (!der_read_tagged(rest, DER_CONTEXT_CONSTRUCTED(0), &wrapper) || !der_read(&wrapper, &element) ||
      wrapper.length != 0) {
    return false;
  }
  scope->names = element.content;
  scope->is_relative = element.tag == DER_CONTEXT_CONSTRUCTED(1);
  return (scope->is_relative || element.tag == DER_CONTEXT_CONSTRUCTED(0)) && are_names(scope->names);
}

/* An implicitly tagged BOOLEAN; FALSE is the default and may be written out. */
static bool read_flag(struct byte_slice *rest, uint8_t number, bool *flag) {
  struct byte_slice content;

  if (!der_next_is(rest, DER_CONTEXT(number))) {
    return true;
  }
  if (!der_read_tagged(rest, DER_CONTEXT(number), &content) || content.length != 1 ||
      (content.bytes[0] != 0x00 && content.bytes[0] != 0xff)) {
    return false;
  }
  *flag = content.bytes[0] != 0;
  return true;
}

/* Which reasons does not matter. */
static bool read_reasons(struct byte_slice *rest, bool *some) {
  struct byte_slice content;

  *some = der_next_is(rest, DER_CONTEXT(3));
  return !*some || (der_read_tagged(rest, DER_CONTEXT(3), &content) && content.length > 0);
}

bool list_scope_read(struct list_scope *scope, struct byte_slice value) {
  struct byte_slice content;

  memset(scope, 0, sizeof(*scope));
  return der_read_tagged(&value, DER_SEQUENCE, &content) && value.length == 0 && read_point(&content, scope) &&
         read_flag(&content, 1, &scope->only_users) && read_flag(&content, 2, &scope->only_cas) &&
         read_reasons(&content, &scope->only_some_reasons) && read_flag(&content, 4, &scope->is_indirect) &&
         read_flag(&content, 5, &scope->only_attributes) && content.length == 0;
}

/* ---- Comparing ---- */

static bool is_directory_name(const struct der_element *name) {
  struct byte_slice content = name->content;
  struct byte_slice taken;

  return name->tag == DER_CONTEXT_CONSTRUCTED(4) && distinguished_name_take(&content, &taken) && content.length == 0;
}

static bool names_equal(const struct der_element *one, const struct der_element *other) {
  return byte_slices_equal(one->whole, other->whole) ||
         (is_directory_name(one) && is_directory_name(other) && certificate_names_equal(one->content, other->content));
}

static bool have_one_in_common(struct byte_slice some, struct byte_slice others) {
  struct der_element name;

  while (der_read(&some, &name)) {
    struct byte_slice rest = others;
    struct der_element other;

    while (der_read(&rest, &other)) {
      if (names_equal(&name, &other)) {
        return true;
      }
    }
  }
  return false;
}

/* Of a DistributionPoint. With reasons, or another signer of lists, it is none for a whole list of the issuer. */
static bool is_point_of(struct byte_slice point, const struct list_scope *scope) {
  struct byte_slice wrapper;
  struct byte_slice names;

  return der_read_tagged(&point, DER_CONTEXT_CONSTRUCTED(0), &wrapper) && point.length == 0 &&
         der_read_tagged(&wrapper, DER_CONTEXT_CONSTRUCTED(0), &names) && wrapper.length == 0 &&
         have_one_in_common(names, scope->names);
}

static bool is_named_by(const struct list_scope *scope, const struct certificate *certificate) {
  struct byte_slice value = certificate->distribution_points;
  struct byte_slice points;
  struct byte_slice point;

  if (!der_read_tagged(&value, DER_SEQUENCE, &points) || value.length != 0) {
    return false;
  }
  while (der_read_tagged(&points, DER_SEQUENCE, &point)) {
    if (is_point_of(point, scope)) {
      return true;
    }
  }
  return false;
}

static const char *exclude_by_point(const struct list_scope *scope, const struct certificate *certificate) {
  if (scope->is_relative) {
    return "names its distribution point relative to its issuer, which is not known here";
  }
  if (certificate->distribution_points.length == 0) {
    return "is for one distribution point, and the certificate names none";
  }
  return is_named_by(scope, certificate) ? NULL : "is for another distribution point than the certificate names";
}

const char *list_scope_exclude(const struct list_scope *scope, const struct certificate *certificate) {
  if (scope->is_indirect) {
    return "is indirect: other CAs' certificates are in it too";
  }
  if (scope->only_some_reasons) {
    return "covers some reasons for a revocation only";
  }
  if (scope->only_attributes) {
    return "covers attribute certificates only";
  }
  if (scope->only_users && certificate->is_ca) {
    return "covers no CA certificates";
  }
  if (scope->only_cas && !certificate->is_ca) {
    return "covers CA certificates only";
  }
  return scope->has_point ? exclude_by_point(scope, certificate) : NULL;
}
