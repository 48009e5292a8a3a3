/* SPDX-License-Identifier: MIT */
/*
 * A few CAs, each a name and a key, of which two may have the same name. Each certificate says that one of them was
 * certified by another; one in some has a flaw. The broker sends them in any order, some twice; a few are trusted.
 */
#include "path_cases.h"

#include <stdio.h>
#include <string.h>

#include "reference.h"

enum { HOUR = 3600, CAS = 5, CERTIFICATES = 9, LEAF_KEY = 6, STRANGER_KEY = 7 };

static const char *const ca_names[CAS] = {"root", "b", "c", "d", "b"};
/* For a person. */
static const char *const names_of_cas[CAS] = {"0 (root)", "1 (b)", "2 (c)", "3 (d)", "4 (b)"};

struct scene {
  uint64_t random;
  struct certificate_list *sent;
  struct certificate_list *anchors;
  char *description;
  size_t capacity;
};

/* splitmix64, as in tests/fuzz/mutation.c */
static size_t below(struct scene *scene, size_t limit) {
  uint64_t number = scene->random += UINT64_C(0x9e3779b97f4a7c15);

  number = (number ^ (number >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
  number = (number ^ (number >> 27)) * UINT64_C(0x94d049bb133111eb);
  return (size_t)((number ^ (number >> 31)) % limit);
}

static void describe(struct scene *scene, const char *text) {
  const size_t used = strlen(scene->description);

  (void)snprintf(scene->description + used, scene->capacity - used, "%s", text);
}

static void describe_number(struct scene *scene, size_t number) {
  char text[24];

  (void)snprintf(text, sizeof(text), " %zu", number);
  describe(scene, text);
}

static void describe_certificate(struct scene *scene, const char *subject, size_t issuer) {
  describe(scene, subject);
  describe(scene, " by");
  describe_number(scene, issuer);
  describe(scene, ",");
}

static void add(struct scene *scene, struct wanted_certificate *wanted, const char *name, const char *value) {
  wanted_extension_add(wanted, name, value);
  describe(scene, " ");
  describe(scene, name);
  describe(scene, "=");
  describe(scene, value);
}

static void add_dates(struct scene *scene, struct wanted_certificate *wanted) {
  wanted->from = -HOUR;
  wanted->to = HOUR;
  switch (below(scene, 24)) {
    case 0:
      wanted->to = -60;
      describe(scene, " expired");
      break;
    case 1:
      wanted->from = 600;
      describe(scene, " early");
      break;
    default:
      break;
  }
}

static void add_basic_constraints(struct scene *scene, struct wanted_certificate *wanted) {
  static const char *const values[] = {"critical,CA:TRUE,pathlen:0", "CA:TRUE,pathlen:1", "critical,CA:TRUE,pathlen:2",
                                       "critical,CA:FALSE", ""};
  const size_t choice = below(scene, 32);
  const char *value = choice < sizeof(values) / sizeof(values[0]) ? values[choice] : "critical,CA:TRUE";

  if (value[0] != '\0') {
    add(scene, wanted, "basicConstraints", value);
  }
}

static void add_usages(struct scene *scene, struct wanted_certificate *wanted) {
  switch (below(scene, 24)) {
    case 0:
      add(scene, wanted, "keyUsage", "critical,cRLSign");
      break;
    case 1:
      add(scene, wanted, "keyUsage", "keyCertSign");
      break;
    default:
      break;
  }
  switch (below(scene, 24)) {
    case 0:
      add(scene, wanted, "extendedKeyUsage", "clientAuth");
      break;
    case 1:
      add(scene, wanted, "extendedKeyUsage", "clientAuth,serverAuth");
      break;
    default:
      break;
  }
}

static void add_others(struct scene *scene, struct wanted_certificate *wanted) {
  switch (below(scene, 24)) {
    case 0:
      add(scene, wanted, "nameConstraints", "critical,permitted;DNS:broker.test");
      break;
    case 1:
      add(scene, wanted, "nameConstraints", "excluded;DNS:broker.test");
      break;
    case 2:
      add(scene, wanted, "1.3.6.1.4.1.32473.1", "critical,DER:0500");
      break;
    case 3:
      add(scene, wanted, "1.3.6.1.4.1.32473.1", "DER:0500");
      break;
    default:
      break;
  }
}

static bool is_shared(const char *name) { return strcmp(name, "b") == 0; }

/* Without them OpenSSL takes the first CA of a name for the issuer, and a certificate whose names are the same for one
   that has signed itself. */
static void add_key_identifiers(struct scene *scene, struct wanted_certificate *wanted) {
  if (is_shared(wanted->subject) || below(scene, 3) == 0) {
    add(scene, wanted, "subjectKeyIdentifier", "hash");
  }
  if (is_shared(wanted->issuer) || below(scene, 3) == 0) {
    add(scene, wanted, "authorityKeyIdentifier", "keyid:always");
  }
}

/* Whoever is named as the issuer may not be the one that signed. */
static void choose_issuer(struct scene *scene, struct wanted_certificate *wanted, size_t issuer) {
  wanted->issuer = ca_names[issuer];
  wanted->signer = (unsigned)issuer;
  if (below(scene, 24) == 0) {
    wanted->signer = STRANGER_KEY;
    describe(scene, " signed by a stranger");
  }
}

static void make_ca(struct scene *scene, struct certificate_list *list, size_t subject, size_t issuer) {
  struct wanted_certificate wanted = {.subject = ca_names[subject], .key = (unsigned)subject};

  describe_certificate(scene, names_of_cas[subject], issuer);
  choose_issuer(scene, &wanted, issuer);
  add_dates(scene, &wanted);
  add_basic_constraints(scene, &wanted);
  add_usages(scene, &wanted);
  add_others(scene, &wanted);
  add_key_identifiers(scene, &wanted);
  reference_make(list, &wanted);
}

static void make_leaf(struct scene *scene, struct certificate_list *list) {
  struct wanted_certificate wanted = {.subject = "leaf", .key = LEAF_KEY};
  const size_t issuer = 1 + below(scene, CAS - 1);

  describe_certificate(scene, "leaf", issuer);
  wanted.issuer = ca_names[issuer];
  wanted.signer = (unsigned)issuer;
  wanted.from = -HOUR;
  wanted.to = HOUR;
  wanted_extension_add(&wanted, "subjectAltName", "DNS:broker.test");
  if (below(scene, 12) == 0) {
    add(scene, &wanted, "keyUsage", below(scene, 2) == 0 ? "keyEncipherment" : "digitalSignature");
  }
  if (below(scene, 12) == 0) {
    add(scene, &wanted, "extendedKeyUsage", below(scene, 2) == 0 ? "clientAuth" : "serverAuth");
  }
  add_key_identifiers(scene, &wanted);
  reference_make(list, &wanted);
}

static void copy(struct certificate_list *to, const struct certificate_list *from, size_t number) {
  if (!certificate_list_add(to, from->items[number].bytes, from->items[number].length)) {
    perror("certificate_list_add");
  }
}

/* The root's certificates, and now and then another CA's. */
static void choose_anchors(struct scene *scene, const struct certificate_list *cas, const size_t *subjects) {
  describe(scene, "trusted:");
  for (size_t i = 0; i < cas->count; i++) {
    if (subjects[i] == 0 ? below(scene, 4) > 0 : below(scene, 16) == 0) {
      copy(scene->anchors, cas, i);
      describe_number(scene, i);
    }
  }
  describe(scene, "\nsent:");
}

/* Most of them, in any order. */
static void send(struct scene *scene, const struct certificate_list *cas) {
  for (size_t i = 0; i < cas->count + cas->count / 2; i++) {
    const size_t number = below(scene, cas->count);

    copy(scene->sent, cas, number);
    describe_number(scene, number);
  }
  describe(scene, "\n");
}

void path_case_make(uint64_t seed, struct certificate_list *sent, struct certificate_list *anchors, char *description,
                    size_t capacity) {
  struct scene scene = {seed, sent, anchors, description, capacity};
  struct certificate_list cas = {0};
  size_t subjects[CERTIFICATES];
  const size_t count = 4 + below(&scene, CERTIFICATES - 3);

  description[0] = '\0';
  make_leaf(&scene, sent);
  describe(&scene, "\n");
  for (size_t i = 0; i < count; i++) {
    subjects[i] = i == 0 ? 0 : below(&scene, CAS);
    make_ca(&scene, &cas, subjects[i], i == 0 ? 0 : below(&scene, CAS));
    describe(&scene, "\n");
  }
  choose_anchors(&scene, &cas, subjects);
  send(&scene, &cas);
  certificate_list_free(&cas);
}
