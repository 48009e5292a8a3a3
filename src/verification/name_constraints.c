/* SPDX-License-Identifier: MIT */
/* Each name of a certificate against each subtree of its kind. */
#include "verification/name_constraints.h"

#include <stdio.h>

#include "base/ascii.h"
#include "x509/der.h"
#include "x509/distinguished_name.h"
#include "x509/object_identifiers.h"

/* GeneralName, RFC 5280, section 4.2.1.6. */
enum kind_tag {
  TAG_OTHER = DER_CONTEXT_CONSTRUCTED(0),
  TAG_EMAIL = DER_CONTEXT(1),
  TAG_DNS = DER_CONTEXT(2),
  TAG_X400 = DER_CONTEXT_CONSTRUCTED(3),
  TAG_DIRECTORY = DER_CONTEXT_CONSTRUCTED(4),
  TAG_EDI_PARTY = DER_CONTEXT_CONSTRUCTED(5),
  TAG_URI = DER_CONTEXT(6),
  TAG_IP = DER_CONTEXT(7),
  TAG_REGISTERED = DER_CONTEXT(8)
};

/* Of GeneralSubtrees in NameConstraints. */
enum { PERMITTED = DER_CONTEXT_CONSTRUCTED(0), EXCLUDED = DER_CONTEXT_CONSTRUCTED(1) };

#define DNS_NAME_LENGTH 253
#define LABEL_LENGTH 63

static struct byte_slice skip(struct byte_slice text, size_t count) {
  return (struct byte_slice){text.bytes + count, text.length - count};
}

static bool equals_ignoring_case(struct byte_slice one, struct byte_slice other) {
  return one.length == other.length && ascii_equals_ignoring_case(one.bytes, other.bytes, one.length);
}

static bool begins_with(struct byte_slice text, char byte) { return text.length > 0 && text.bytes[0] == (uint8_t)byte; }

/* \return where \a byte is, or text.length */
static size_t find(struct byte_slice text, char byte) {
  size_t at = 0;

  while (at < text.length && text.bytes[at] != (uint8_t)byte) {
    at++;
  }
  return at;
}

/* ---- DNS names ---- */

static bool is_label_byte(uint8_t byte) {
  const uint8_t lower = ascii_lower(byte);

  return (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9') || byte == '-' || byte == '_';
}

/* Labels between single dots; no dot at either end. */
static bool is_host(struct byte_slice host) {
  size_t label = 0;

  for (size_t i = 0; i < host.length; i++) {
    if (host.bytes[i] == '.' && label > 0) {
      label = 0;
    } else if (!is_label_byte(host.bytes[i]) || ++label > LABEL_LENGTH) {
      return false;
    }
  }
  return label > 0 && host.length <= DNS_NAME_LENGTH;
}

static bool is_wildcard(struct byte_slice name) { return begins_with(name, '*'); }

static bool is_dns_name(struct byte_slice name) {
  if (is_wildcard(name)) {
    return name.length > 2 && name.bytes[1] == '.' && is_host(skip(name, 2));
  }
  return is_host(name);
}

/* Whether \a host ends in the whole labels of \a domain, with labels of its own before them. */
static bool is_below(struct byte_slice host, struct byte_slice domain) {
  size_t extra;

  if (host.length <= domain.length) {
    return false;
  }
  extra = host.length - domain.length;
  return host.bytes[extra - 1] == '.' && equals_ignoring_case(skip(host, extra), domain);
}

static bool is_within_domain(struct byte_slice host, struct byte_slice base) {
  if (begins_with(base, '.')) {
    return is_below(host, skip(base, 1));
  }
  return base.length == 0 || equals_ignoring_case(host, base) || is_below(host, base);
}

/* All names that "*.PARENT" covers have one label more than the parent: they are within a base when the parent is, or
   when the base is a domain whose subdomains only are meant and the parent is that domain. */
static bool all_within_domain(struct byte_slice parent, struct byte_slice base) {
  return is_within_domain(parent, base) || (begins_with(base, '.') && equals_ignoring_case(parent, skip(base, 1)));
}

/* The base itself may be one of the names: it then has one label more than the parent. */
static bool any_within_domain(struct byte_slice parent, struct byte_slice base) {
  const size_t label = find(base, '.');

  return all_within_domain(parent, base) ||
         (label > 0 && label < base.length && equals_ignoring_case(skip(base, label + 1), parent));
}

static bool dns_is_within(struct byte_slice name, struct byte_slice base, bool any) {
  if (!is_wildcard(name)) {
    return is_within_domain(name, base);
  }
  return any ? any_within_domain(skip(name, 2), base) : all_within_domain(skip(name, 2), base);
}

static bool is_host_base(struct byte_slice base) {
  return base.length == 0 || is_host(begins_with(base, '.') ? skip(base, 1) : base);
}

/* ---- E-mail addresses and URIs: a host alone means that host, a leading dot those below it ---- */

static bool host_is_within(struct byte_slice host, struct byte_slice base) {
  return base.length == 0 ||
         (begins_with(base, '.') ? is_below(host, skip(base, 1)) : equals_ignoring_case(host, base));
}

/* The last @ counts: one before it can only be in a quoted local part. */
static bool split_mailbox(struct byte_slice mailbox, struct byte_slice *local, struct byte_slice *host) {
  size_t at = mailbox.length;

  while (at > 0 && mailbox.bytes[at - 1] != '@') {
    at--;
  }
  if (at <= 1) {
    return false;
  }
  *local = (struct byte_slice){mailbox.bytes, at - 1};
  *host = skip(mailbox, at);
  for (size_t i = 0; i < local->length; i++) {
    if (local->bytes[i] <= ' ' || local->bytes[i] > '~') {
      return false;
    }
  }
  return is_host(*host);
}

static bool is_mailbox(struct byte_slice mailbox) {
  struct byte_slice local;
  struct byte_slice host;

  return split_mailbox(mailbox, &local, &host);
}

static bool is_mailbox_base(struct byte_slice base) {
  return find(base, '@') < base.length ? is_mailbox(base) : is_host_base(base);
}

static bool mailbox_is_within(struct byte_slice mailbox, struct byte_slice base) {
  struct byte_slice local;
  struct byte_slice host;
  struct byte_slice base_local;
  struct byte_slice base_host;

  if (!split_mailbox(mailbox, &local, &host)) {
    return false;
  }
  if (split_mailbox(base, &base_local, &base_host)) {
    return byte_slices_equal(local, base_local) && equals_ignoring_case(host, base_host);
  }
  return host_is_within(host, base);
}

/* A number as last label makes an IPv4 address, to which constraints on URIs can't be applied (section 4.2.1.10). */
static bool ends_in_number(struct byte_slice host) {
  size_t start = host.length;

  while (start > 0 && host.bytes[start - 1] != '.') {
    start--;
  }
  for (size_t i = start; i < host.length; i++) {
    if (host.bytes[i] < '0' || host.bytes[i] > '9') {
      return false;
    }
  }
  return true;
}

/* RFC 3986: scheme "://" [userinfo "@"] host [":" port], up to the first of "/", "?" and "#". */
static bool take_uri_host(struct byte_slice uri, struct byte_slice *host) {
  const size_t scheme = find(uri, ':');
  struct byte_slice authority;

  if (scheme == 0 || uri.length - scheme < 3 || uri.bytes[scheme + 1] != '/' || uri.bytes[scheme + 2] != '/') {
    return false;
  }
  authority = skip(uri, scheme + 3);
  authority.length = find(authority, '/');
  authority.length = find(authority, '?');
  authority.length = find(authority, '#');
  if (find(authority, '@') < authority.length) {
    authority = skip(authority, find(authority, '@') + 1);
  }
  host->bytes = authority.bytes;
  host->length = find(authority, ':');
  for (size_t i = host->length + 1; i < authority.length; i++) {
    if (authority.bytes[i] < '0' || authority.bytes[i] > '9') {
      return false; /* another @, or an IPv6 address */
    }
  }
  return is_host(*host) && !ends_in_number(*host);
}

static bool is_uri(struct byte_slice uri) {
  struct byte_slice host;

  return take_uri_host(uri, &host);
}

static bool uri_is_within(struct byte_slice uri, struct byte_slice base) {
  struct byte_slice host;

  return take_uri_host(uri, &host) && host_is_within(host, base);
}

/* ---- Addresses: a base is an address and a mask of the same length ---- */

static bool is_address(struct byte_slice address) { return address.length == 4 || address.length == 16; }

/* Ones, then zeros. */
static bool is_mask(struct byte_slice mask) {
  bool ended = false;

  for (size_t i = 0; i < mask.length; i++) {
    const uint8_t inverted = (uint8_t)~mask.bytes[i];

    if ((inverted & (inverted + 1)) != 0 || (ended && mask.bytes[i] != 0)) {
      return false;
    }
    ended = ended || inverted != 0;
  }
  return true;
}

static bool is_address_base(struct byte_slice base) {
  return (base.length == 8 || base.length == 32) && is_mask(skip(base, base.length / 2));
}

/* An IPv4 address in IPv6's notation, ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2). */
static bool is_mapped(struct byte_slice address) {
  static const uint8_t prefix[] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

  return address.length == 16 && memcmp(address.bytes, prefix, sizeof(prefix)) == 0;
}

static bool address_is_within(struct byte_slice address, struct byte_slice base) {
  const uint8_t *mask = base.bytes + base.length / 2;

  if (base.length != 2 * address.length) {
    return false;
  }
  for (size_t i = 0; i < address.length; i++) {
    if (((address.bytes[i] ^ base.bytes[i]) & mask[i]) != 0) {
      return false;
    }
  }
  return true;
}

/* A mapped address is permitted as IPv6 only, and excluded as either. */
static bool address_is_touched(struct byte_slice address, struct byte_slice base) {
  return address_is_within(address, base) || (is_mapped(address) && address_is_within(skip(address, 12), base));
}

/* ---- Kinds ---- */

static bool is_directory_name(struct byte_slice content) {
  struct byte_slice name;

  return distinguished_name_take(&content, &name) && content.length == 0;
}

static bool is_base(const struct der_element *base) {
  switch (base->tag) {
    case TAG_EMAIL:
      return is_mailbox_base(base->content);
    case TAG_DNS:
      return is_host_base(base->content);
    case TAG_DIRECTORY:
      return is_directory_name(base->content);
    case TAG_URI:
      return is_host_base(base->content);
    case TAG_IP:
      return is_address_base(base->content);
    case TAG_OTHER: /* these four are refused if such a name occurs */
    case TAG_X400:
    case TAG_EDI_PARTY:
    case TAG_REGISTERED:
      return true;
    default: /* another tag, or one of the above with the wrong form, which would never meet its names */
      return false;
  }
}

static bool is_name(uint8_t tag, struct byte_slice name) {
  switch (tag) {
    case TAG_EMAIL:
      return is_mailbox(name);
    case TAG_DNS:
      return is_dns_name(name);
    case TAG_DIRECTORY:
      return is_directory_name(name);
    case TAG_URI:
      return is_uri(name);
    case TAG_IP:
      return is_address(name);
    default:
      return false;
  }
}

static bool is_known_kind(uint8_t tag) {
  return tag == TAG_EMAIL || tag == TAG_DNS || tag == TAG_DIRECTORY || tag == TAG_URI || tag == TAG_IP;
}

/* A name to be compared with subtrees. */
struct wanted {
  uint8_t tag;
  struct byte_slice name;
  bool comparable; /* of a kind that is supported, and well formed */
};

/* \a any: whether one of the names that a wildcard covers, or one form of an address, is enough */
static bool is_within(const struct wanted *wanted, struct byte_slice base, bool any) {
  switch (wanted->tag) {
    case TAG_EMAIL:
      return mailbox_is_within(wanted->name, base);
    case TAG_DNS:
      return dns_is_within(wanted->name, base, any);
    case TAG_DIRECTORY:
      return distinguished_name_is_within(wanted->name, base);
    case TAG_URI:
      return uri_is_within(wanted->name, base);
    default:
      return any ? address_is_touched(wanted->name, base) : address_is_within(wanted->name, base);
  }
}

/* Only the values in a directory name may be unreadable: of other kinds, all that isn't well formed is refused. */
static bool is_in_doubt(const struct wanted *wanted, struct byte_slice base) {
  return wanted->tag == TAG_DIRECTORY && distinguished_name_may_be_within(wanted->name, base) &&
         !distinguished_name_is_within(wanted->name, base);
}

/* ---- The extension ---- */

/* Only a minimum of zero may be there, which is the default that DER leaves out. */
static bool take_subtree(struct byte_slice *subtrees, struct der_element *base) {
  struct byte_slice content;
  struct byte_slice minimum;

  if (!der_read_tagged(subtrees, DER_SEQUENCE, &content) || !der_read(&content, base)) {
    return false;
  }
  return content.length == 0 || (der_read_tagged(&content, DER_CONTEXT(0), &minimum) && minimum.length == 1 &&
                                 minimum.bytes[0] == 0 && content.length == 0);
}

static bool are_subtrees(struct byte_slice subtrees) {
  if (subtrees.length == 0) {
    return false;
  }
  while (subtrees.length > 0) {
    struct der_element base;

    if (!take_subtree(&subtrees, &base) || !is_base(&base)) {
      return false;
    }
  }
  return true;
}

struct subtrees {
  struct byte_slice permitted; /* empty: none */
  struct byte_slice excluded;
};

static bool read_constraints(struct byte_slice value, struct subtrees *subtrees) {
  struct byte_slice content;

  memset(subtrees, 0, sizeof(*subtrees));
  if (!der_read_tagged(&value, DER_SEQUENCE, &content) || value.length != 0 || content.length == 0) {
    return false;
  }
  if (der_next_is(&content, PERMITTED) &&
      !(der_read_tagged(&content, PERMITTED, &subtrees->permitted) && are_subtrees(subtrees->permitted))) {
    return false;
  }
  if (der_next_is(&content, EXCLUDED) &&
      !(der_read_tagged(&content, EXCLUDED, &subtrees->excluded) && are_subtrees(subtrees->excluded))) {
    return false;
  }
  return content.length == 0;
}

bool name_constraints_are_valid(struct byte_slice value) {
  struct subtrees subtrees;

  return read_constraints(value, &subtrees);
}

/* ---- The check ---- */

struct check {
  struct subtrees subtrees;
  size_t *comparisons;
};

struct matches {
  bool constrained; /* there is a subtree of the name's kind */
  bool found;
  bool doubtful; /* it can't be told whether the name is in one */
};

/* Directory names are long, and are compared character by character. */
static size_t cost_of(const struct wanted *wanted) {
  return wanted->tag == TAG_DIRECTORY ? 1 + wanted->name.length / 32 : 1;
}

/* \return false if there were too many */
static bool compare(const struct check *check, struct byte_slice subtrees, const struct wanted *wanted, bool any,
                    struct matches *matches) {
  struct der_element base;

  memset(matches, 0, sizeof(*matches));
  while (!matches->found && take_subtree(&subtrees, &base)) {
    if (*check->comparisons < cost_of(wanted)) {
      return false;
    }
    *check->comparisons -= cost_of(wanted);
    if (base.tag == wanted->tag) {
      matches->constrained = true;
      matches->found = wanted->comparable && is_within(wanted, base.content, any);
      matches->doubtful = matches->doubtful || (wanted->comparable && is_in_doubt(wanted, base.content));
    }
  }
  return true;
}

static enum name_constraints_verdict check_name(const struct check *check, uint8_t tag, struct byte_slice name) {
  const struct wanted wanted = {tag, name, is_known_kind(tag) && is_name(tag, name)};
  struct matches excluded;
  struct matches permitted;

  if (!compare(check, check->subtrees.excluded, &wanted, true, &excluded) ||
      !compare(check, check->subtrees.permitted, &wanted, false, &permitted)) {
    return NAME_CONSTRAINTS_TOO_MANY;
  }
  if (!excluded.constrained && !permitted.constrained) {
    return NAME_CONSTRAINTS_KEPT;
  }
  if (!wanted.comparable) {
    return is_known_kind(tag) ? NAME_CONSTRAINTS_BAD_NAME : NAME_CONSTRAINTS_UNKNOWN_KIND;
  }
  if (excluded.found) {
    return NAME_CONSTRAINTS_EXCLUDED;
  }
  if (excluded.doubtful) {
    return NAME_CONSTRAINTS_BAD_NAME;
  }
  return permitted.constrained && !permitted.found ? NAME_CONSTRAINTS_NOT_PERMITTED : NAME_CONSTRAINTS_KEPT;
}

static enum name_constraints_verdict check_and_note(const struct check *check, uint8_t tag, struct byte_slice name,
                                                    struct name_constraints_breach *breach) {
  *breach = (struct name_constraints_breach){tag, name};
  return check_name(check, tag, name);
}

/* Certificates from before there were alternative names have e-mail addresses in their subject; those of later ones are
   looked at too, since somebody may still read them there. */
static enum name_constraints_verdict check_subject_addresses(const struct check *check, struct byte_slice subject,
                                                             struct name_constraints_breach *breach) {
  enum name_constraints_verdict verdict = NAME_CONSTRAINTS_KEPT;
  struct byte_slice relatives;
  struct byte_slice attributes;

  (void)der_read_tagged(&subject, DER_SEQUENCE, &relatives);
  while (verdict == NAME_CONSTRAINTS_KEPT && der_read_tagged(&relatives, DER_SET, &attributes)) {
    struct byte_slice attribute;
    struct byte_slice type;
    struct der_element value;

    while (verdict == NAME_CONSTRAINTS_KEPT && der_read_tagged(&attributes, DER_SEQUENCE, &attribute)) {
      if (der_read_object_identifier(&attribute, &type) && der_read(&attribute, &value) &&
          object_identifier_find(type) == OID_EMAIL_ADDRESS) {
        verdict = check_and_note(check, TAG_EMAIL, value.content, breach);
      }
    }
  }
  return verdict;
}

static enum name_constraints_verdict check_subject(const struct check *check, struct byte_slice subject,
                                                   struct name_constraints_breach *breach) {
  enum name_constraints_verdict verdict;

  if (distinguished_name_is_empty(subject)) {
    return NAME_CONSTRAINTS_KEPT;
  }
  verdict = check_and_note(check, TAG_DIRECTORY, subject, breach);
  return verdict == NAME_CONSTRAINTS_KEPT ? check_subject_addresses(check, subject, breach) : verdict;
}

enum name_constraints_verdict name_constraints_check(struct byte_slice value, const struct certificate *certificate,
                                                     size_t *comparisons, struct name_constraints_breach *breach) {
  struct check check = {.comparisons = comparisons};
  struct byte_slice rest = certificate->alternative_names;
  enum name_constraints_verdict verdict;
  struct der_element name;

  if (!read_constraints(value, &check.subtrees)) {
    return NAME_CONSTRAINTS_MALFORMED;
  }
  verdict = check_subject(&check, certificate->subject, breach);
  while (verdict == NAME_CONSTRAINTS_KEPT && der_read(&rest, &name)) {
    verdict = check_and_note(&check, name.tag, name.content, breach);
  }
  return verdict;
}

size_t name_constraints_format(const struct name_constraints_breach *breach, char *text, size_t capacity) {
  enum certificate_name_kind kind = CERTIFICATE_NAME_OTHER;
  char subject[256];

  switch (breach->tag) {
    case TAG_DIRECTORY:
      (void)certificate_format_name(breach->name, subject, sizeof(subject));
      return (size_t)snprintf(text, capacity, "directory name %s", subject);
    case TAG_EMAIL:
      kind = CERTIFICATE_NAME_EMAIL;
      break;
    case TAG_DNS:
      kind = CERTIFICATE_NAME_DNS;
      break;
    case TAG_URI:
      kind = CERTIFICATE_NAME_URI;
      break;
    case TAG_IP:
      kind = CERTIFICATE_NAME_IP;
      break;
    default:
      break;
  }
  return certificate_format_alternative_name(kind, breach->name, text, capacity);
}
