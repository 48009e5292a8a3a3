/* SPDX-License-Identifier: MIT */
/* Certificates in DER. */
#include "properties.h"
#include "targets.h"

#include <stdlib.h>
#include <string.h>

#include "base/one_line.h"
#include "exact_copy.h"
#include "verification/name_constraints.h"
#include "x509/distinguished_name.h"
#include "x509/login_names.h"

/* Each is one line, the first a distinguished name, and those of a kind are counted. */
static void require_login_names(const struct certificate *certificate) {
  struct login_names names = {0};
  size_t next[LOGIN_SAN_OTHER_NAME + 1] = {0};

  REQUIRE(login_names_read(&names, certificate));
  REQUIRE(names.count > 0 && names.items[0].source == LOGIN_DISTINGUISHED_NAME);
  for (size_t i = 0; i < names.count; i++) {
    REQUIRE(one_line_is(names.items[i].text, strlen(names.items[i].text)));
    REQUIRE(!names.items[i].exact || names.items[i].text[0] != '\0');
    REQUIRE(names.items[i].index == next[names.items[i].source]++);
  }
  login_names_free(&names);
}

static void require_names(const struct certificate *certificate) {
  struct byte_slice rest = certificate->alternative_names;

  while (rest.length > 0) { /* the reader has refused what can't be stepped through */
    enum certificate_name_kind kind;
    struct byte_slice value;

    REQUIRE(certificate_next_name(&rest, &kind, &value));
    require_inside(value, certificate->alternative_names);
    require_alternative_name_text(kind, value);
  }
  require_name_text(certificate->subject);
  require_name_text(certificate->issuer);
  require_login_names(certificate);
  REQUIRE(certificate_names_equal(certificate->subject, certificate->subject));
}

/* Applied to the certificate's own names. */
static void require_constraints(const struct certificate *certificate, struct byte_slice value) {
  struct name_constraints_breach breach = {0};
  size_t comparisons = 1000;
  const enum name_constraints_verdict verdict = name_constraints_check(value, certificate, &comparisons, &breach);
  char text[64];

  REQUIRE(comparisons <= 1000);
  REQUIRE(!name_constraints_are_valid(value) || verdict != NAME_CONSTRAINTS_MALFORMED);
  if (verdict == NAME_CONSTRAINTS_EXCLUDED || verdict == NAME_CONSTRAINTS_NOT_PERMITTED) {
    (void)name_constraints_format(&breach, text, sizeof(text));
    REQUIRE(memchr(text, '\0', sizeof(text)) != NULL);
  }
}

static void require_extensions(const struct certificate *certificate, struct byte_slice whole) {
  require_inside(certificate->key_identifier, whole);
  require_inside(certificate->authority_key_identifier, whole);
  require_inside(certificate->distribution_points, whole);
  require_inside(certificate->name_constraints, whole);
  require_inside(certificate->policies, whole);
  require_inside(certificate->policy_mappings, whole);
  require_inside(certificate->policy_constraints, whole);
  require_inside(certificate->inhibit_any_policy, whole);
  require_inside(certificate->unknown_critical, whole);
  if (certificate->name_constraints.length > 0) {
    require_constraints(certificate, certificate->name_constraints);
  }
}

/* Every name is itself, and within itself. */
static void require_comparable(const struct certificate *certificate) {
  REQUIRE(distinguished_names_equal(certificate->subject, certificate->subject));
  REQUIRE(distinguished_name_is_within(certificate->subject, certificate->subject));
  REQUIRE(distinguished_name_may_be_within(certificate->subject, certificate->subject));
  REQUIRE(!distinguished_name_is_within(certificate->subject, certificate->issuer) ||
          distinguished_name_may_be_within(certificate->subject, certificate->issuer));
  REQUIRE(distinguished_names_equal(certificate->subject, certificate->issuer) ==
          distinguished_names_equal(certificate->issuer, certificate->subject));
}

static void require_key(const struct certificate *certificate) {
  switch (certificate->key_kind) {
    case CERTIFICATE_KEY_RSA:
      REQUIRE(certificate->key_bits > 0 && certificate->key_curve == 0);
      break;
    case CERTIFICATE_KEY_EC:
      REQUIRE(certificate->key_bits <= 521 && !certificate->common_exponent);
      REQUIRE(certificate->key_bits > 0 || certificate->key_curve == 0);
      break;
    case CERTIFICATE_KEY_OTHER:
    case CERTIFICATE_KEY_ED25519:
    case CERTIFICATE_KEY_ED448:
      REQUIRE(certificate->key_bits == 0 && certificate->key_curve == 0 && !certificate->common_exponent);
      break;
  }
}

static void require_sound(const struct certificate *certificate, struct byte_slice whole) {
  struct signed_object object;

  REQUIRE(signed_object_read(&object, whole.bytes, whole.length)); /* a certificate is one */
  require_signed_object(&object, whole);
  REQUIRE(byte_slices_equal(certificate->signature_oid, object.algorithm_oid));
  require_inside(certificate->serial_number, object.signed_part);
  require_element(certificate->subject, DER_SEQUENCE, object.signed_part);
  require_element(certificate->issuer, DER_SEQUENCE, object.signed_part);
  require_element(certificate->public_key, DER_SEQUENCE, object.signed_part);
  require_inside(certificate->alternative_names, object.signed_part);
  REQUIRE(certificate->serial_number.length > 0);
  REQUIRE(certificate->version >= 1 && certificate->version <= 3);
  REQUIRE(certificate->version == 3 ||
          (!certificate->is_ca && !certificate->has_extended_key_usage && certificate->alternative_names.length == 0));
  REQUIRE(certificate->has_extended_key_usage || certificate->purposes == 0);
  require_key(certificate);
  require_names(certificate);
  require_extensions(certificate, object.signed_part);
  require_comparable(certificate);
}

static void require_same(const struct certificate *one, const struct certificate *other) {
  REQUIRE(one->subject.bytes == other->subject.bytes && one->subject.length == other->subject.length);
  REQUIRE(one->issuer.bytes == other->issuer.bytes && one->issuer.length == other->issuer.length);
  REQUIRE(one->public_key.bytes == other->public_key.bytes && one->public_key.length == other->public_key.length);
  REQUIRE(one->alternative_names.bytes == other->alternative_names.bytes &&
          one->alternative_names.length == other->alternative_names.length);
  REQUIRE(one->not_before == other->not_before && one->not_after == other->not_after);
  REQUIRE(one->key_kind == other->key_kind && one->key_bits == other->key_bits && one->key_curve == other->key_curve);
  REQUIRE(one->is_ca == other->is_ca && one->may_sign_lists == other->may_sign_lists);
  REQUIRE(one->purposes == other->purposes && one->signature_scheme == other->signature_scheme);
}

int fuzz_certificate(const uint8_t *data, size_t size) {
  uint8_t *copy = exact_copy(data, size);
  const struct byte_slice whole = {copy, size};
  struct certificate first;
  struct certificate second;
  const bool accepted = certificate_read(&first, copy, size);

  memset(&second, 0xa5, sizeof(second)); /* what was there before must not matter */
  REQUIRE(certificate_read(&second, copy, size) == accepted);
  if (accepted) {
    fuzz_accepted++;
    require_same(&first, &second);
    require_sound(&first, whole);
  }
  require_name_text(whole); /* names that nobody has checked are borne too */
  free(copy);
  return 0;
}
