/* SPDX-License-Identifier: MIT */
/* The reader of revocation lists. */
#include "x509/revocation_list.h"

#include "x509/extensions.h"
#include "x509/object_identifiers.h"

enum { DER_ENUMERATED = 0x0a, VERSION_2 = 1 };

const char *revocation_reason_name(int reason) {
  static const char *const names[] = {"unspecified",   "keyCompromise",        "cACompromise",    "affiliationChanged",
                                      "superseded",    "cessationOfOperation", "certificateHold", "",
                                      "removeFromCRL", "privilegeWithdrawn",   "aACompromise"};

  return reason >= 0 && (size_t)reason < sizeof(names) / sizeof(names[0]) ? names[reason] : "";
}

/* What keeps a list from being relied upon. */
struct doubts {
  bool partial;
  bool names_other_issuers; /* as an indirect one may */
  bool extends_entries;     /* as those of version 2 may */
};

static bool read_reason(struct byte_slice value, int *reason) {
  struct byte_slice content;

  if (!der_read_tagged(&value, DER_ENUMERATED, &content) || value.length != 0 || content.length != 1) {
    return false;
  }
  *reason = content.bytes[0];
  return true;
}

/* An entry for another CA's certificate is one even if not marked critical, as RFC 5280, section 5.3.3, requires. */
static bool use_entry_extension(const struct extension *extension, int *reason, struct doubts *doubts) {
  switch (object_identifier_find(extension->identifier)) {
    case OID_REASON_CODE:
      return read_reason(extension->value, reason);
    case OID_CERTIFICATE_ISSUER:
      doubts->names_other_issuers = true;
      return true;
    default:
      doubts->partial = doubts->partial || extension->critical;
      return true;
  }
}

static bool read_entry_extensions(struct byte_slice *rest, int *reason, struct doubts *doubts) {
  struct extension_walk walk;
  struct extension extension;
  enum extension_step step;

  if (!extensions_take(rest, &walk)) {
    return false;
  }
  while ((step = extensions_next(&walk, &extension)) == EXTENSION_STEP_TAKEN) {
    if (!use_entry_extension(&extension, reason, doubts)) {
      return false;
    }
  }
  return step == EXTENSION_STEP_END;
}

/* One element of revokedCertificates. */
static bool take_entry(struct byte_slice *entries, struct byte_slice *serial_number, struct revocation_entry *entry,
                       struct doubts *doubts) {
  struct byte_slice content;

  entry->reason = REVOCATION_REASON_NONE;
  if (!der_read_tagged(entries, DER_SEQUENCE, &content) || !der_read_integer(&content, serial_number) ||
      !der_read_time(&content, &entry->date)) {
    return false;
  }
  if (content.length == 0) {
    return true;
  }
  doubts->extends_entries = true;
  return read_entry_extensions(&content, &entry->reason, doubts) && content.length == 0;
}

bool revocation_list_find(const struct revocation_list *list, struct byte_slice serial_number,
                          struct revocation_entry *entry) {
  struct byte_slice entries = list->entries;
  struct byte_slice listed;
  struct doubts doubts = {false, false, false};

  while (take_entry(&entries, &listed, entry, &doubts)) {
    if (byte_slices_equal(listed, serial_number)) {
      return true;
    }
  }
  return false;
}

static bool check_entries(struct byte_slice entries, struct doubts *doubts) {
  struct byte_slice serial_number;
  struct revocation_entry entry;

  while (entries.length > 0) {
    if (!take_entry(&entries, &serial_number, &entry, doubts)) {
      return false;
    }
  }
  return true;
}

/* RFC 5280, section 5.2, has deltas and distribution points marked critical: a list whose signer forgot is no more
   complete. */
static bool use_extension(struct revocation_list *list, const struct extension *extension, struct doubts *doubts) {
  switch (object_identifier_find(extension->identifier)) {
    case OID_AUTHORITY_KEY_IDENTIFIER:
      doubts->partial = doubts->partial || extension->critical;
      return extension_read_authority_key(extension->value, &list->authority_key_identifier);
    case OID_ISSUING_DISTRIBUTION_POINT:
      return list_scope_read(&list->scope, extension->value);
    case OID_DELTA_CRL_INDICATOR:
    case OID_CERTIFICATE_ISSUER:
      doubts->partial = true;
      return true;
    default:
      doubts->partial = doubts->partial || extension->critical;
      return true;
  }
}

static bool read_extensions(struct revocation_list *list, struct byte_slice *rest, struct doubts *doubts) {
  struct extension_walk walk;
  struct extension extension;
  enum extension_step step;

  if (!extensions_take_tagged(rest, 0, &walk)) {
    return false;
  }
  while ((step = extensions_next(&walk, &extension)) == EXTENSION_STEP_TAKEN) {
    if (!use_extension(list, &extension, doubts)) {
      return false;
    }
  }
  return step == EXTENSION_STEP_END;
}

/* It goes into error sentences, so its form is checked: SETs of pairs of a type and a value. */
static bool is_name(struct byte_slice content) {
  while (content.length > 0) {
    struct byte_slice attributes;

    if (!der_read_tagged(&content, DER_SET, &attributes) || attributes.length == 0) {
      return false;
    }
    while (attributes.length > 0) {
      struct byte_slice attribute;
      struct byte_slice type;
      struct der_element value;

      if (!der_read_tagged(&attributes, DER_SEQUENCE, &attribute) || !der_read_object_identifier(&attribute, &type) ||
          !der_read(&attribute, &value) || attribute.length != 0) {
        return false;
      }
    }
  }
  return true;
}

static bool next_is_time(const struct byte_slice *rest) {
  return der_next_is(rest, DER_UTC_TIME) || der_next_is(rest, DER_GENERALIZED_TIME);
}

static bool read_version(struct byte_slice *content, bool *second) {
  struct byte_slice version;

  *second = der_next_is(content, DER_INTEGER);
  return !*second || (der_read_integer(content, &version) && version.length == 1 && version.bytes[0] == VERSION_2);
}

/* TBSCertList. Extensions, those of entries too, are for version 2 only (sections 5.1.2.1 and 5.1.2.6). */
static bool read_signed_part(struct revocation_list *list, bool *has_end, struct doubts *doubts) {
  struct byte_slice rest = list->object.signed_part;
  struct byte_slice content;
  struct der_element element;
  bool version_2;

  if (!der_read_tagged(&rest, DER_SEQUENCE, &content) || rest.length != 0 || !read_version(&content, &version_2)) {
    return false;
  }
  /* The signed algorithm must be the one outside (section 5.1.1.2). */
  if (!der_read(&content, &element) || !byte_slices_equal(element.whole, list->object.algorithm)) {
    return false;
  }
  if (!der_read(&content, &element) || element.tag != DER_SEQUENCE || !is_name(element.content) ||
      !der_read_time(&content, &list->this_update)) {
    return false;
  }
  list->issuer = element.whole;
  *has_end = next_is_time(&content);
  if (*has_end && !der_read_time(&content, &list->next_update)) {
    return false;
  }
  if (der_next_is(&content, DER_SEQUENCE) &&
      (!der_read_tagged(&content, DER_SEQUENCE, &list->entries) || !check_entries(list->entries, doubts))) {
    return false;
  }
  if (!version_2 && (content.length > 0 || doubts->extends_entries)) {
    return false;
  }
  return content.length == 0 || (read_extensions(list, &content, doubts) && content.length == 0);
}

enum revocation_list_result revocation_list_read(struct revocation_list *list, const uint8_t *der, size_t length) {
  bool has_end = false;
  struct doubts doubts = {false, false, false};

  memset(list, 0, sizeof(*list));
  if (!signed_object_read(&list->object, der, length) || !read_signed_part(list, &has_end, &doubts)) {
    return REVOCATION_LIST_MALFORMED;
  }
  if (doubts.partial || (doubts.names_other_issuers && !list->scope.is_indirect)) {
    return REVOCATION_LIST_PARTIAL;
  }
  return has_end ? REVOCATION_LIST_READ : REVOCATION_LIST_WITHOUT_END;
}
