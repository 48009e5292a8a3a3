/* SPDX-License-Identifier: MIT */
/* The reader of OCSP responses. */
#include "x509/ocsp_response.h"

#include "x509/extensions.h"
#include "x509/object_identifiers.h"

enum { DER_ENUMERATED = 0x0a };

/* None is known here. */
static bool check_extensions(struct byte_slice *rest, bool *critical) {
  struct extension_walk walk;
  struct extension extension;
  enum extension_step step;

  if (!extensions_take_tagged(rest, 1, &walk)) {
    return false;
  }
  while ((step = extensions_next(&walk, &extension)) == EXTENSION_STEP_TAKEN) {
    *critical = *critical || extension.critical;
  }
  return step == EXTENSION_STEP_END;
}

static bool take_certificate_id(struct byte_slice *rest, struct ocsp_single *single) {
  struct byte_slice content;

  return der_read_tagged(rest, DER_SEQUENCE, &content) && algorithm_take(&content, &single->hash_oid) &&
         der_read_tagged(&content, DER_OCTET_STRING, &single->issuer_name_hash) &&
         der_read_tagged(&content, DER_OCTET_STRING, &single->issuer_key_hash) &&
         der_read_integer(&content, &single->serial_number) && content.length == 0;
}

/* RevokedInfo: a date, and perhaps a reason, which changes nothing. */
static bool read_revoked(struct byte_slice content, struct ocsp_single *single) {
  struct byte_slice wrapper;
  struct byte_slice reason;

  return der_read_time(&content, &single->revoked_on) &&
         (content.length == 0 || (der_read_tagged(&content, DER_CONTEXT_CONSTRUCTED(0), &wrapper) &&
                                  der_read_tagged(&wrapper, DER_ENUMERATED, &reason) && reason.length == 1 &&
                                  wrapper.length == 0 && content.length == 0));
}

static bool take_status(struct byte_slice *rest, struct ocsp_single *single) {
  struct der_element element;

  if (!der_read(rest, &element)) {
    return false;
  }
  switch (element.tag) {
    case DER_CONTEXT(0):
      single->status = OCSP_GOOD;
      return element.content.length == 0;
    case DER_CONTEXT_CONSTRUCTED(1):
      single->status = OCSP_REVOKED;
      return read_revoked(element.content, single);
    case DER_CONTEXT(2):
      single->status = OCSP_UNKNOWN;
      return element.content.length == 0;
    default:
      return false;
  }
}

static bool take_next_update(struct byte_slice *rest, struct ocsp_single *single) {
  struct byte_slice wrapper;

  single->has_next_update = der_next_is(rest, DER_CONTEXT_CONSTRUCTED(0));
  return !single->has_next_update || (der_read_tagged(rest, DER_CONTEXT_CONSTRUCTED(0), &wrapper) &&
                                      der_read_time(&wrapper, &single->next_update) && wrapper.length == 0);
}

static bool take_single(struct byte_slice *singles, struct ocsp_single *single, bool *critical) {
  struct byte_slice content;

  memset(single, 0, sizeof(*single));
  return der_read_tagged(singles, DER_SEQUENCE, &content) && take_certificate_id(&content, single) &&
         take_status(&content, single) && der_read_time(&content, &single->this_update) &&
         take_next_update(&content, single) && (content.length == 0 || check_extensions(&content, critical)) &&
         content.length == 0;
}

bool ocsp_single_take(struct byte_slice *singles, struct ocsp_single *single) {
  bool critical = false; /* ocsp_response_read() has looked at that */

  return take_single(singles, single, &critical);
}

static bool check_singles(struct byte_slice singles, bool *critical) {
  struct ocsp_single single;

  while (singles.length > 0) {
    if (!take_single(&singles, &single, critical)) {
      return false;
    }
  }
  return true;
}

/* Version 1, which is the default and is left out. */
static bool skip_version(struct byte_slice *content) {
  struct byte_slice wrapper;
  struct byte_slice version;

  return !der_next_is(content, DER_CONTEXT_CONSTRUCTED(0)) ||
         (der_read_tagged(content, DER_CONTEXT_CONSTRUCTED(0), &wrapper) && der_read_integer(&wrapper, &version) &&
          wrapper.length == 0 && version.length == 1 && version.bytes[0] == 0);
}

/* The responder's name or key hash only says which certificate to try first; the signature says which one it was. */
static bool skip_responder(struct byte_slice *content) {
  struct der_element element;

  return der_read(content, &element) &&
         (element.tag == DER_CONTEXT_CONSTRUCTED(1) || element.tag == DER_CONTEXT_CONSTRUCTED(2));
}

/* ResponseData. */
static bool read_signed_part(struct ocsp_response *response, bool *critical) {
  struct byte_slice rest = response->object.signed_part;
  struct byte_slice content;
  int64_t produced_at;

  return der_read_tagged(&rest, DER_SEQUENCE, &content) && rest.length == 0 && skip_version(&content) &&
         skip_responder(&content) && der_read_time(&content, &produced_at) &&
         der_read_tagged(&content, DER_SEQUENCE, &response->singles) && check_singles(response->singles, critical) &&
         (content.length == 0 || check_extensions(&content, critical)) && content.length == 0;
}

/* BasicOCSPResponse. */
static bool read_basic(struct ocsp_response *response, struct byte_slice basic, bool *critical) {
  struct byte_slice content;
  struct byte_slice wrapper;

  if (!der_read_tagged(&basic, DER_SEQUENCE, &content) || basic.length != 0 ||
      !signed_object_take(&content, &response->object)) {
    return false;
  }
  if (content.length > 0 &&
      (!der_read_tagged(&content, DER_CONTEXT_CONSTRUCTED(0), &wrapper) ||
       !der_read_tagged(&wrapper, DER_SEQUENCE, &response->certificates) || wrapper.length != 0)) {
    return false;
  }
  return content.length == 0 && read_signed_part(response, critical);
}

/* ResponseBytes. */
static bool take_basic(struct byte_slice *rest, struct byte_slice *basic) {
  struct byte_slice wrapper;
  struct byte_slice content;
  struct byte_slice kind;

  return der_read_tagged(rest, DER_CONTEXT_CONSTRUCTED(0), &wrapper) &&
         der_read_tagged(&wrapper, DER_SEQUENCE, &content) && wrapper.length == 0 &&
         der_read_object_identifier(&content, &kind) && object_identifier_find(kind) == OID_BASIC_OCSP_RESPONSE &&
         der_read_tagged(&content, DER_OCTET_STRING, basic) && content.length == 0;
}

enum ocsp_response_result ocsp_response_read(struct ocsp_response *response, const uint8_t *der, size_t length) {
  struct byte_slice rest = {der, length};
  struct byte_slice content;
  struct byte_slice status;
  struct byte_slice basic;
  bool critical = false;

  memset(response, 0, sizeof(*response));
  if (!der_read_tagged(&rest, DER_SEQUENCE, &content) || rest.length != 0 ||
      !der_read_tagged(&content, DER_ENUMERATED, &status) || status.length != 1) {
    return OCSP_RESPONSE_MALFORMED;
  }
  response->responder_error = status.bytes[0];
  if (response->responder_error != 0) {
    return OCSP_RESPONSE_REFUSED;
  }
  if (!take_basic(&content, &basic) || content.length != 0 || !read_basic(response, basic, &critical)) {
    return OCSP_RESPONSE_MALFORMED;
  }
  return critical ? OCSP_RESPONSE_CRITICAL : OCSP_RESPONSE_READ;
}
