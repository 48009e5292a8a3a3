/* SPDX-License-Identifier: MIT */
/* Finding object identifiers by their bytes: whole ones only, neither their beginnings nor what begins with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "der_text.h"
#include "x509/object_identifiers.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static void identifiers(void **state) {
  static const struct {
    const char *text;
    enum object_identifier identifier;
  } rows[] = {
      {"551d0e", OID_SUBJECT_KEY_IDENTIFIER}, /* the first of the table */
      {"551d20", OID_CERTIFICATE_POLICIES},
      {"551d2000", OID_ANY_POLICY},
      {"551d25", OID_EXTENDED_KEY_USAGE},
      {"551d2500", OID_ANY_EXTENDED_KEY_USAGE},
      {"2b06010505070301", OID_SERVER_AUTHENTICATION},
      {"2a864886f70d01010a", OID_RSA_PSS},
      {"2a8648ce3d0201", OID_EC},
      {"2b6570", OID_ED25519},
      {"2b2403030208010107", OID_BRAINPOOL_P256R1},
      {"0992268993f22c640101", OID_USER_ID},
      {"2a864886f70d010901", OID_EMAIL_ADDRESS}, /* the last */
      {"", OID_UNKNOWN},
      {"55", OID_UNKNOWN},
      {"551d", OID_UNKNOWN},
      {"551d0e00", OID_UNKNOWN},
      {"551d200000", OID_UNKNOWN},
      {"551d63", OID_UNKNOWN},
      {"541d0e", OID_UNKNOWN},
      {"2b65", OID_UNKNOWN},
      {"2b6572", OID_UNKNOWN},
      {"0992268993f22c6401", OID_UNKNOWN},
      {"0992268993f22c64010100", OID_UNKNOWN},
      {"2a864886f70d010902", OID_UNKNOWN},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    size_t length;
    uint8_t *bytes = der_from_text(rows[i].text, &length);
    const struct byte_slice content = {bytes, length};
    const enum object_identifier found = object_identifier_find(content);

    if (found != rows[i].identifier) {
      fail_msg("%s: %d", rows[i].text, (int)found);
    }
    free(bytes);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(identifiers)};

  return cmocka_run_group_tests_name("object_identifiers", tests, NULL, NULL);
}
