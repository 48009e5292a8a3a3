/* SPDX-License-Identifier: MIT */
/* The walk through extensions. */
#include "x509/extensions.h"

#include "x509/der.h"

bool extensions_take(struct byte_slice *rest, struct extension_walk *walk) {
  struct byte_slice content;

  if (!der_read_tagged(rest, DER_SEQUENCE, &content) || content.length == 0) {
    return false;
  }
  *walk = (struct extension_walk){.all = content, .rest = content};
  return true;
}

bool extensions_take_tagged(struct byte_slice *rest, uint8_t number, struct extension_walk *walk) {
  struct byte_slice wrapper;

  return der_read_tagged(rest, (uint8_t)DER_CONTEXT_CONSTRUCTED(number), &wrapper) && extensions_take(&wrapper, walk) &&
         wrapper.length == 0;
}

static bool take_extension(struct byte_slice *rest, struct extension *extension) {
  struct byte_slice content;

  extension->critical = false;
  if (!der_read_tagged(rest, DER_SEQUENCE, &content) || !der_read_object_identifier(&content, &extension->identifier)) {
    return false;
  }
  if (der_next_is(&content, DER_BOOLEAN) && !der_read_boolean(&content, &extension->critical)) {
    return false;
  }
  return der_read_tagged(&content, DER_OCTET_STRING, &extension->value) && content.length == 0;
}

/* Looks at the extensions from \a extensions up to the one that starts at \a end. */
static bool came_before(struct byte_slice extensions, const uint8_t *end, struct byte_slice identifier) {
  struct extension earlier;

  while (extensions.bytes != end && take_extension(&extensions, &earlier)) {
    if (byte_slices_equal(earlier.identifier, identifier)) {
      return true;
    }
  }
  return false;
}

enum extension_step extensions_next(struct extension_walk *walk, struct extension *extension) {
  const uint8_t *start = walk->rest.bytes;

  if (walk->rest.length == 0) {
    return EXTENSION_STEP_END;
  }
  if (walk->taken++ == EXTENSIONS_MAXIMUM || !take_extension(&walk->rest, extension)) {
    return EXTENSION_STEP_MALFORMED;
  }
  return came_before(walk->all, start, extension->identifier) ? EXTENSION_STEP_REPEATED : EXTENSION_STEP_TAKEN;
}

bool extension_read_authority_key(struct byte_slice value, struct byte_slice *identifier) {
  struct byte_slice content;

  if (!der_read_tagged(&value, DER_SEQUENCE, &content) || value.length != 0) {
    return false;
  }
  return !der_next_is(&content, DER_CONTEXT(0)) || der_read_tagged(&content, DER_CONTEXT(0), identifier);
}
