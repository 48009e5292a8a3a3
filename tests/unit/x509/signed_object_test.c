/* SPDX-License-Identifier: MIT */
/*
 * The outer form of what is signed, and algorithms: each part missing, doubled, of another kind or badly written; and
 * real certificates and lists, whose parts openssl finds too.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "der_text.h"
#include "exact_copy.h"
#include "minted_certificates.h"
#include "minted_revocation.h"
#include "temporary_folder.h"
#include "x509/signed_object.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

#define ECDSA "30{ 06{ 2a8648ce3d040302 } }"
#define SIGNED "30{ 020101 }"
#define SIGNATURE "03{ 00 3000 }"

/* ---- Algorithms ---- */

struct algorithm_row {
  const char *text;
  bool is_sound;
};

static void algorithms(void **state) {
  static const struct algorithm_row rows[] = {
      {ECDSA, true},
      {"30{ 06{ 2a864886f70d01010b } 0500 }", true},
      {"30{ 06{ 2a864886f70d01010a } 30{ a0{ 30{ 06{ 608648016503040201 } } } } }", true},
      {"30{ 06{ 2a8648ce3d040302 } 0403 616263 }", true}, /* any one element */
      {"30{ 06{ 2a8648ce3d040302 } 0500 0500 }", false},
      {"30{ 06{ 2a8648ce3d040302 } 05 }", false},
      {"30{ 06{ 2a8648ce3d040302 } 0501 }", false},
      {"30{ 06{ 2a8648ce3d040302 } 1f0100 }", false},
      {"30{ 06{ 2a8648ce3d040302 } 3080 0000 }", false},
      {"30{}", false},
      {"30{ 0600 }", false},
      {"30{ 06{ 80 } }", false},
      {"30{ 06{ 2a86 } }", false},
      {"30{ 0500 06{ 2a8648ce3d040302 } }", false},
      {"30{ 0d{ 2a8648ce3d040302 } }", false},
      {"31{ 06{ 2a8648ce3d040302 } }", false},
      {"10{ 06{ 2a8648ce3d040302 } }", false},
      {"06{ 2a8648ce3d040302 }", false},
      {"3081 0a 06{ 2a8648ce3d040302 }", false},
      {"3080 06{ 2a8648ce3d040302 } 0000", false},
      {"300b 06{ 2a8648ce3d040302 }", false},
      {"", false},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    size_t length;
    uint8_t *der = der_from_text(rows[i].text, &length);
    struct byte_slice rest = {der, length};
    struct byte_slice identifier;

    if (algorithm_take(&rest, &identifier) != rows[i].is_sound) {
      fail_msg("%s", rows[i].text);
    }
    if (rows[i].is_sound) {
      assert_ptr_equal(identifier.bytes, der + 4);
      assert_int_equal(identifier.length, der[3]);
      assert_int_equal(rest.length, 0);
    }
    free(der);
  }
}

static void an_algorithm_leaves_what_is_behind(void **state) {
  size_t length;
  uint8_t *der = der_from_text(ECDSA " 0500", &length);
  struct byte_slice rest = {der, length};
  struct byte_slice identifier;

  (void)state;
  assert_true(algorithm_take(&rest, &identifier));
  assert_ptr_equal(rest.bytes, der + 12);
  assert_int_equal(rest.length, 2);
  free(der);
}

/* ---- Signed objects, by hand ---- */

static void hand_made_objects(void **state) {
  static const struct {
    const char *text;
    bool is_sound;
  } rows[] = {
      {"30{" SIGNED ECDSA SIGNATURE "}", true},
      {"30{ 3000" ECDSA SIGNATURE "}", true}, /* its content is for others to read */
      {"30{" SIGNED ECDSA "030100 }", true},
      {"30{" SIGNED ECDSA SIGNATURE "} 00", false},
      {"30{" SIGNED ECDSA SIGNATURE "} 0500", false},
      {"30{" SIGNED ECDSA SIGNATURE "0500 }", false},
      {"30{" SIGNED ECDSA SIGNATURE SIGNATURE "}", false},
      {"30{" SIGNED ECDSA "}", false},
      {"30{" SIGNED SIGNATURE "}", false},
      {"30{" ECDSA SIGNATURE "}", false},
      {"30{" SIGNED SIGNATURE ECDSA "}", false},
      {"30{" SIGNED ECDSA ECDSA SIGNATURE "}", false},
      {"30{ 31{ 020101 }" ECDSA SIGNATURE "}", false},
      {"30{ 020101" ECDSA SIGNATURE "}", false},
      {"30{ 04{ 020101 }" ECDSA SIGNATURE "}", false},
      {"30{ 308103 020101" ECDSA SIGNATURE "}", false},
      {"30{ 3080 020101 0000" ECDSA SIGNATURE "}", false},
      {"30{" SIGNED "31{ 06{ 2a8648ce3d040302 } }" SIGNATURE "}", false},
      {"30{" SIGNED "30{}" SIGNATURE "}", false},
      {"30{" SIGNED "30{ 06{ 2a8648ce3d040302 } 0500 0500 }" SIGNATURE "}", false},
      {"30{" SIGNED ECDSA "0300 }", false},
      {"30{" SIGNED ECDSA "03{ 01 3000 } }", false},
      {"30{" SIGNED ECDSA "03{ 04 30f0 } }", false}, /* no whole bytes */
      {"30{" SIGNED ECDSA "03{ 08 3000 } }", false},
      {"30{" SIGNED ECDSA "23{ 0303003000 } }", false},
      {"30{" SIGNED ECDSA "04{ 00 3000 } }", false},
      {"31{" SIGNED ECDSA SIGNATURE "}", false},
      {"a0{" SIGNED ECDSA SIGNATURE "}", false},
      {"3080" SIGNED ECDSA SIGNATURE "0000", false},
      {"30{}", false},
      {"", false},
  };

  (void)state;
  for (size_t i = 0; i < COUNT_OF(rows); i++) {
    struct signed_object object;
    size_t length;
    uint8_t *der = der_from_text(rows[i].text, &length);

    if (signed_object_read(&object, der, length) != rows[i].is_sound) {
      fail_msg("%s", rows[i].text);
    }
    free(der);
  }
}

static void the_parts_of_a_hand_made_object(void **state) {
  static const char text[] = "30{" SIGNED ECDSA SIGNATURE "}";
  struct signed_object object;
  struct byte_slice content;
  size_t length;
  uint8_t *der = der_from_text(text, &length);

  (void)state;
  assert_true(signed_object_read(&object, der, length));
  assert_ptr_equal(object.signed_part.bytes, der + 2);
  assert_int_equal(object.signed_part.length, 5);
  assert_ptr_equal(object.algorithm.bytes, der + 7);
  assert_int_equal(object.algorithm.length, 12);
  assert_ptr_equal(object.algorithm_oid.bytes, der + 11);
  assert_int_equal(object.algorithm_oid.length, 8);
  assert_ptr_equal(object.signature.bytes, der + 22);
  assert_int_equal(object.signature.length, 2);
  /* The same out of a content with more behind. */
  content = (struct byte_slice){der + 2, length - 2};
  assert_true(signed_object_take(&content, &object));
  assert_int_equal(content.length, 0);
  free(der);
  der = der_from_text(SIGNED ECDSA SIGNATURE "a0{ 3000 }", &length);
  content = (struct byte_slice){der, length};
  assert_true(signed_object_take(&content, &object));
  assert_ptr_equal(content.bytes, der + length - 4);
  assert_int_equal(content.length, 4);
  free(der);
}

/* ---- Real ones ---- */

static const char *const real[] = {"ca.pem",         "ca-rsa.pem",          "server.pem",
                                   "server-pss.pem", "server-ed25519.pem",  "server-sha1.pem",
                                   "crl.pem",        "crl-ca-sha1-p384.pem"};

/* The element at \a at, as openssl finds it. */
static uint8_t *parsed_by_openssl(const uint8_t *der, size_t length, size_t at, size_t *part_length) {
  char offset[32];

  temporary_folder_write("object.der", der, length);
  (void)snprintf(offset, sizeof(offset), "%zu", at);
  assert_int_equal(command_run(temporary_folder_path(""), "openssl", "asn1parse", "-inform", "DER", "-in", "object.der",
                               "-strparse", offset, "-noout", "-out", "part.der", NULL),
                   0);
  return temporary_folder_read("part.der", part_length);
}

static void the_parts_of_real_objects(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(real); i++) {
    struct signed_object object;
    size_t length;
    size_t part_length;
    uint8_t *der = minted_der_read(real[i], &length);
    uint8_t *part;

    print_message("# %s\n", real[i]);
    assert_true(signed_object_read(&object, der, length));
    part = parsed_by_openssl(der, length, (size_t)(object.signed_part.bytes - der), &part_length);
    assert_int_equal(part_length, object.signed_part.length);
    assert_memory_equal(part, object.signed_part.bytes, part_length);
    free(part);
    /* From the first byte to the last without a gap but the headers of the whole and of the signature. */
    assert_true(object.signed_part.bytes - der == 4 || object.signed_part.bytes - der == 3);
    assert_ptr_equal(object.algorithm.bytes, object.signed_part.bytes + object.signed_part.length);
    assert_ptr_equal(object.signature.bytes + object.signature.length, der + length);
    free(der);
  }
}

static void real_objects_cut_off_after_every_byte(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(real); i++) {
    struct signed_object object;
    size_t length;
    uint8_t *der = minted_der_read(real[i], &length);
    uint8_t *longer = calloc(length + 1, 1);

    for (size_t cut = 0; cut < length; cut++) {
      uint8_t *copy = exact_copy(der, cut);

      assert_false(signed_object_read(&object, copy, cut));
      free(copy);
    }
    assert_non_null(longer);
    memcpy(longer, der, length);
    assert_false(signed_object_read(&object, longer, length + 1));
    free(longer);
    free(der);
  }
}

/* The content without its outer length, which would give a cut away at once. */
static void real_contents_cut_off_after_every_byte(void **state) {
  (void)state;
  for (size_t i = 0; i < COUNT_OF(real); i++) {
    struct signed_object object;
    size_t length;
    uint8_t *der = minted_der_read(real[i], &length);
    struct byte_slice rest = {der, length};
    struct byte_slice content;

    assert_true(der_read_tagged(&rest, DER_SEQUENCE, &content));
    for (size_t cut = 0; cut < content.length; cut++) {
      uint8_t *copy = exact_copy(content.bytes, cut);
      struct byte_slice front = {copy, cut};

      assert_false(signed_object_take(&front, &object));
      free(copy);
    }
    free(der);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(algorithms),
      cmocka_unit_test(an_algorithm_leaves_what_is_behind),
      cmocka_unit_test(hand_made_objects),
      cmocka_unit_test(the_parts_of_a_hand_made_object),
      cmocka_unit_test(the_parts_of_real_objects),
      cmocka_unit_test(real_objects_cut_off_after_every_byte),
      cmocka_unit_test(real_contents_cut_off_after_every_byte),
  };
  return cmocka_run_group_tests_name("signed_object", tests, minted_certificates_set_up, minted_certificates_tear_down);
}
