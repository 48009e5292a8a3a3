/* SPDX-License-Identifier: MIT */
/* OCSP responses in DER. */
#include "properties.h"
#include "targets.h"

#include <stdlib.h>

#include "exact_copy.h"
#include "x509/ocsp_response.h"

static void require_single(const struct ocsp_single *single, struct byte_slice whole) {
  require_inside(single->hash_oid, whole);
  require_inside(single->issuer_name_hash, whole);
  require_inside(single->issuer_key_hash, whole);
  require_inside(single->serial_number, whole);
  REQUIRE(der_is_object_identifier(single->hash_oid));
  REQUIRE(single->serial_number.length > 0);
  REQUIRE(single->status == OCSP_GOOD || single->status == OCSP_REVOKED || single->status == OCSP_UNKNOWN);
  REQUIRE(single->status == OCSP_REVOKED || single->revoked_on == 0);
  REQUIRE(single->has_next_update || single->next_update == 0);
}

static void require_sound(const struct ocsp_response *response, struct byte_slice whole) {
  struct byte_slice rest = response->singles;

  require_signed_object(&response->object, whole);
  require_inside(response->singles, response->object.signed_part);
  require_inside(response->certificates, whole);
  while (rest.length > 0) { /* the reader has refused what can't be stepped through */
    struct ocsp_single single;

    REQUIRE(ocsp_single_take(&rest, &single));
    require_single(&single, response->singles);
  }
}

/* By itself, with bytes that nobody has checked. */
static void take_singles(struct byte_slice whole) {
  struct byte_slice rest = whole;
  struct ocsp_single single;

  while (ocsp_single_take(&rest, &single)) {
    require_single(&single, whole);
  }
}

int fuzz_ocsp_response(const uint8_t *data, size_t size) {
  uint8_t *copy = exact_copy(data, size);
  const struct byte_slice whole = {copy, size};
  struct ocsp_response first;
  struct ocsp_response second;
  const enum ocsp_response_result result = ocsp_response_read(&first, copy, size);

  memset(&second, 0xa5, sizeof(second));
  REQUIRE(ocsp_response_read(&second, copy, size) == result);
  REQUIRE((result == OCSP_RESPONSE_REFUSED) == (first.responder_error != 0));
  if (result == OCSP_RESPONSE_READ) {
    fuzz_accepted++;
  }
  if (result == OCSP_RESPONSE_READ || result == OCSP_RESPONSE_CRITICAL) {
    REQUIRE(first.singles.bytes == second.singles.bytes && first.singles.length == second.singles.length);
    REQUIRE(first.certificates.bytes == second.certificates.bytes);
    require_sound(&first, whole);
  }
  take_singles(whole);
  free(copy);
  return 0;
}
