/* SPDX-License-Identifier: MIT */
/* Revocation lists in DER. */
#include "properties.h"
#include "targets.h"

#include <stdlib.h>

#include "exact_copy.h"
#include "x509/revocation_list.h"

/* Each serial number that is listed is found. */
static void require_entries(const struct revocation_list *list) {
  static const uint8_t zeros[64];
  const struct byte_slice never = {zeros, sizeof(zeros)}; /* no INTEGER in DER has this content */
  struct byte_slice rest = list->entries;
  struct revocation_entry entry;

  REQUIRE(!revocation_list_find(list, never, &entry));
  for (int i = 0; i < 16 && rest.length > 0; i++) {
    struct byte_slice content;
    struct byte_slice serial_number;

    REQUIRE(der_read_tagged(&rest, DER_SEQUENCE, &content));
    REQUIRE(der_read_integer(&content, &serial_number));
    REQUIRE(revocation_list_find(list, serial_number, &entry));
    REQUIRE(entry.reason >= REVOCATION_REASON_NONE && entry.reason <= 0xff);
    REQUIRE(revocation_reason_name(entry.reason) != NULL);
  }
}

static void require_same(const struct revocation_list *one, const struct revocation_list *other) {
  REQUIRE(one->issuer.bytes == other->issuer.bytes && one->issuer.length == other->issuer.length);
  REQUIRE(one->entries.bytes == other->entries.bytes && one->entries.length == other->entries.length);
  REQUIRE(one->this_update == other->this_update && one->next_update == other->next_update);
}

/* Whatever the certificate is; this one names the points of the list, as far as its form allows. */
static void require_scope(const struct revocation_list *list) {
  const struct certificate plain = {.is_ca = false};
  const struct certificate pointed = {.is_ca = true, .distribution_points = list->scope.names};

  require_inside(list->scope.names, list->object.signed_part);
  require_inside(list->authority_key_identifier, list->object.signed_part);
  REQUIRE(!list->scope.has_point || list_scope_exclude(&list->scope, &plain) != NULL);
  (void)list_scope_exclude(&list->scope, &pointed);
}

static void require_sound(const struct revocation_list *list, struct byte_slice whole) {
  require_signed_object(&list->object, whole);
  require_element(list->issuer, DER_SEQUENCE, list->object.signed_part);
  require_inside(list->entries, list->object.signed_part);
  require_name_text(list->issuer);
  require_entries(list);
  require_scope(list);
}

int fuzz_revocation_list(const uint8_t *data, size_t size) {
  uint8_t *copy = exact_copy(data, size);
  const struct byte_slice whole = {copy, size};
  struct revocation_list first;
  struct revocation_list second;
  const enum revocation_list_result result = revocation_list_read(&first, copy, size);

  memset(&second, 0xa5, sizeof(second));
  REQUIRE(revocation_list_read(&second, copy, size) == result);
  if (result == REVOCATION_LIST_READ) {
    fuzz_accepted++;
  }
  if (result != REVOCATION_LIST_MALFORMED) {
    require_same(&first, &second);
    require_sound(&first, whole);
  }
  free(copy);
  return 0;
}
