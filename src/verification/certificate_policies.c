/* SPDX-License-Identifier: MIT */
/* RFC 5280, sections 6.1.2 to 6.1.5, with the set of expected policies in place of the valid policy tree. */
#include "verification/certificate_policies.h"

#include <limits.h>

#include "x509/der.h"
#include "x509/object_identifiers.h"

/* SkipCerts at least as large as the longest path mean never. */
#define SKIP_MAXIMUM 255

static bool is_any_policy(struct byte_slice policy) { return object_identifier_find(policy) == OID_ANY_POLICY; }

static bool contains(const struct certificate_policies *policies, struct byte_slice policy) {
  for (size_t i = 0; i < policies->expected_count; i++) {
    if (byte_slices_equal(policies->expected[i], policy)) {
      return true;
    }
  }
  return false;
}

/* If there is no room, it is left out: then fewer policies hold, never more. */
static void expect(struct certificate_policies *policies, struct byte_slice policy) {
  if (!contains(policies, policy) && policies->expected_count < CERTIFICATE_POLICIES_MAXIMUM) {
    policies->expected[policies->expected_count++] = policy;
  }
}

/* ---- The extensions ---- */

/* PolicyInformation; qualifiers say nothing about validity. */
static bool take_policy(struct byte_slice *rest, struct byte_slice *policy) {
  struct byte_slice content;

  return der_read_tagged(rest, DER_SEQUENCE, &content) && der_read_object_identifier(&content, policy);
}

static bool take_mapping(struct byte_slice *rest, struct byte_slice *issuers, struct byte_slice *subjects) {
  struct byte_slice content;

  return der_read_tagged(rest, DER_SEQUENCE, &content) && der_read_object_identifier(&content, issuers) &&
         der_read_object_identifier(&content, subjects) && content.length == 0 && !is_any_policy(*issuers) &&
         !is_any_policy(*subjects);
}

/* The content of the SEQUENCE that the extension is; a malformed one fails the path. */
static struct byte_slice open_sequence(struct certificate_policies *policies, struct byte_slice value) {
  struct byte_slice content = {NULL, 0};

  if (value.length > 0 &&
      (!der_read_tagged(&value, DER_SEQUENCE, &content) || value.length != 0 || content.length == 0)) {
    policies->failed = true;
  }
  return content;
}

/* INTEGER content; SkipCerts starts at zero. */
static bool read_skip(struct byte_slice number, unsigned *skip) {
  if (number.length == 0 || number.bytes[0] >= 0x80 ||
      (number.length > 1 && number.bytes[0] == 0 && number.bytes[1] < 0x80)) {
    return false;
  }
  *skip = number.length > 1 ? SKIP_MAXIMUM : number.bytes[0];
  return true;
}

static void lower(unsigned *limit, unsigned skip) { *limit = skip < *limit ? skip : *limit; }

static void count_down(unsigned *limit) { *limit -= *limit > 0 ? 1 : 0; }

/* ---- The steps ---- */

/* Section 6.1.3, (d) and (e). */
static void keep_expected(struct certificate_policies *policies, const struct certificate *certificate,
                          bool any_counts) {
  struct byte_slice rest = open_sequence(policies, certificate->policies);
  struct certificate_policies before = *policies;
  struct byte_slice policy;
  bool says_any = false;

  policies->expected_count = 0;
  while (rest.length > 0) {
    if (!take_policy(&rest, &policy)) {
      policies->failed = true;
      return;
    }
    if (is_any_policy(policy)) {
      says_any = true;
    } else if (before.any_expected || contains(&before, policy)) {
      expect(policies, policy);
    }
  }
  policies->any_expected = before.any_expected && says_any && any_counts;
  for (size_t i = 0; says_any && any_counts && i < before.expected_count; i++) {
    expect(policies, before.expected[i]);
  }
}

static bool has_mapping_from(struct byte_slice mappings, struct byte_slice policy) {
  struct byte_slice issuers;
  struct byte_slice subjects;

  while (take_mapping(&mappings, &issuers, &subjects)) {
    if (byte_slices_equal(issuers, policy)) {
      return true;
    }
  }
  return false;
}

/* Section 6.1.4, (a) and (b): what is expected below is what the policies kept are mapped to. */
static void map_expected(struct certificate_policies *policies, const struct certificate *certificate) {
  const struct byte_slice mappings = open_sequence(policies, certificate->policy_mappings);
  const struct certificate_policies before = *policies;
  struct byte_slice rest = mappings;
  struct byte_slice issuers;
  struct byte_slice subjects;

  policies->expected_count = 0;
  for (size_t i = 0; i < before.expected_count; i++) {
    if (!has_mapping_from(mappings, before.expected[i])) {
      expect(policies, before.expected[i]);
    }
  }
  while (rest.length > 0) {
    if (!take_mapping(&rest, &issuers, &subjects)) {
      policies->failed = true;
      return;
    }
    if (before.mapped_until > 0 && (before.any_expected || contains(&before, issuers))) {
      expect(policies, subjects);
    }
  }
}

/* PolicyConstraints: requireExplicitPolicy [0] and inhibitPolicyMapping [1], at least one of them. */
static void apply_constraints(struct certificate_policies *policies, const struct certificate *certificate) {
  struct byte_slice rest = open_sequence(policies, certificate->policy_constraints);
  struct byte_slice number;
  unsigned skip;

  if (der_next_is(&rest, DER_CONTEXT(0))) {
    if (!der_read_tagged(&rest, DER_CONTEXT(0), &number) || !read_skip(number, &skip)) {
      policies->failed = true;
      return;
    }
    lower(&policies->explicit_in, skip);
  }
  if (der_next_is(&rest, DER_CONTEXT(1))) {
    if (!der_read_tagged(&rest, DER_CONTEXT(1), &number) || !read_skip(number, &skip)) {
      policies->failed = true;
      return;
    }
    lower(&policies->mapped_until, skip);
  }
  policies->failed = policies->failed || rest.length > 0;
}

static void apply_any_inhibition(struct certificate_policies *policies, const struct certificate *certificate) {
  struct byte_slice rest = certificate->inhibit_any_policy;
  struct byte_slice number;
  unsigned skip;

  if (rest.length == 0) {
    return;
  }
  if (!der_read_integer(&rest, &number) || rest.length != 0 || !read_skip(number, &skip)) {
    policies->failed = true;
    return;
  }
  lower(&policies->any_until, skip);
}

/* Section 6.1.5, (b): a last certificate that requires one at once. */
static void finish(struct certificate_policies *policies, const struct certificate *certificate) {
  const unsigned before = policies->explicit_in;

  apply_constraints(policies, certificate);
  policies->explicit_in = policies->explicit_in == 0 ? 0 : before;
}

void certificate_policies_begin(struct certificate_policies *policies, const struct certificate *anchor,
                                size_t length) {
  memset(policies, 0, sizeof(*policies));
  policies->any_expected = true;
  policies->explicit_in = (unsigned)length + 1;
  policies->any_until = (unsigned)length + 1;
  policies->mapped_until = (unsigned)length + 1;
  apply_constraints(policies, anchor);
  apply_any_inhibition(policies, anchor);
}

void certificate_policies_add(struct certificate_policies *policies, const struct certificate *certificate,
                              bool self_issued, bool is_last) {
  keep_expected(policies, certificate, policies->any_until > 0 || (self_issued && !is_last));
  if (!certificate_policies_hold(policies)) {
    policies->failed = true; /* what comes after can't repair it */
    return;
  }
  if (is_last) {
    count_down(&policies->explicit_in);
    finish(policies, certificate);
    return;
  }
  map_expected(policies, certificate);
  if (!self_issued) { /* section 6.1.4, (h) */
    count_down(&policies->explicit_in);
    count_down(&policies->mapped_until);
    count_down(&policies->any_until);
  }
  apply_constraints(policies, certificate);
  apply_any_inhibition(policies, certificate);
}

bool certificate_policies_hold(const struct certificate_policies *policies) {
  return !policies->failed && (policies->explicit_in > 0 || policies->any_expected || policies->expected_count > 0);
}
