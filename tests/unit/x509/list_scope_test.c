/* SPDX-License-Identifier: MIT */
/*
 * What an issuingDistributionPoint says, by hand: each field, each defect, cut off everywhere. How it compares with the
 * certificates that openssl makes is in revocation_path_test.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "der_text.h"
#include "exact_copy.h"
#include "x509/list_scope.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define URI "86{'u:a'}"
#define POINT(names) "a0{ a0{" names "} }"

static void each_field(void **state) {
  static const struct {
    const char *text;
    bool sound;
    const char *exclusion; /* of a broker's certificate that names the point u:a; NULL: none */
  } rows[] = {
      {"30{}", true, NULL},
      {"30{ 810100 820100 840100 850100 }", true, NULL},
      {"30{ 8101ff }", true, NULL},
      {"30{ 8201ff }", true, "covers CA certificates only"},
      {"30{ 83020640 }", true, "covers some reasons for a revocation only"},
      {"30{ 8401ff }", true, "is indirect: other CAs' certificates are in it too"},
      {"30{ 8501ff }", true, "covers attribute certificates only"},
      {"30{" POINT(URI) "8101ff }", true, NULL},
      {"30{" POINT("86{'u:b'}") "}", true, "is for another distribution point than the certificate names"},
      {"30{" POINT("86{'u:b'}" URI) "}", true, NULL},
      {"30{" POINT("82{'u:a'}") "}", true, "is for another distribution point than the certificate names"},
      {"30{ a0{ a1{ 30{ 06{ 550403 } 0c{'a'} } } } }", true,
       "names its distribution point relative to its issuer, which is not known here"},
      {"", false, NULL},
      {"31{}", false, NULL},
      {"30{} 0500", false, NULL},
      {"30{ 0500 }", false, NULL},
      {"30{ 810101 }", false, NULL},
      {"30{ 8102ffff }", false, NULL},
      {"30{ 8100 }", false, NULL},
      {"30{ 8101ff 8101ff }", false, NULL},
      {"30{ 8201ff 8101ff }", false, NULL},
      {"30{ 8300 }", false, NULL},
      {"30{ 8101ff" POINT(URI) "}", false, NULL},
      {"30{ a0{} }", false, NULL},
      {"30{" POINT("") "}", false, NULL},
      {"30{" POINT("8603") "}", false, NULL},
      {"30{ a0{ a2{" URI "} } }", false, NULL},
      {"30{ a0{ a0{" URI "} a0{" URI "} } }", false, NULL},
      {"30{ 80{ a0{" URI "} } }", false, NULL},
      {"30{ 8601ff }", false, NULL},
  };
  size_t points_length;
  uint8_t *points = der_from_text("30{ 30{" POINT(URI) "} }", &points_length);
  const struct certificate certificate = {.distribution_points = {points, points_length}};

  (void)state;
  for (size_t i = 0; i < COUNT(rows); i++) {
    struct list_scope scope;
    size_t length;
    uint8_t *der = der_from_text(rows[i].text, &length);
    const bool sound = list_scope_read(&scope, (struct byte_slice){der, length});
    const char *exclusion = sound ? list_scope_exclude(&scope, &certificate) : NULL;

    if (sound != rows[i].sound || (exclusion == NULL) != (rows[i].exclusion == NULL) ||
        (exclusion != NULL && strcmp(exclusion, rows[i].exclusion) != 0)) {
      fail_msg("%s: %d, %s", rows[i].text, sound, exclusion != NULL ? exclusion : "no exclusion");
    }
    free(der);
  }
  free(points);
}

/* Neither a list's nor a certificate's half may be taken for the whole. */
static void cut_off(void **state) {
  size_t length;
  uint8_t *der = der_from_text("30{" POINT(URI) "8101ff }", &length);
  size_t points_length;
  uint8_t *points = der_from_text("30{ 30{" POINT(URI) "} }", &points_length);
  struct list_scope scope;

  (void)state;
  for (size_t cut = 0; cut < length; cut++) {
    uint8_t *bytes = exact_copy(der, cut);

    assert_false(list_scope_read(&scope, (struct byte_slice){bytes, cut}));
    free(bytes);
  }
  assert_true(list_scope_read(&scope, (struct byte_slice){der, length}));
  for (size_t cut = 0; cut <= points_length; cut++) {
    uint8_t *bytes = exact_copy(points, cut);
    const struct certificate certificate = {.distribution_points = {bytes, cut}};

    assert_int_equal(list_scope_exclude(&scope, &certificate) == NULL, cut == points_length);
    free(bytes);
  }
  free(points);
  free(der);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_field),
      cmocka_unit_test(cut_off),
  };

  return cmocka_run_group_tests_name("scopes of revocation lists", tests, NULL, NULL);
}
