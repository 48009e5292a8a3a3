/* SPDX-License-Identifier: MIT */
/* A number in a mixed base: a digit for each list of subtrees or names. */
#include "name_cases.h"

#include <stdio.h>
#include <string.h>

#include "reference.h"

enum { HOUR = 3600 };

static const char *const permitted_dns[] = {"", "permitted;DNS:a.test", "permitted;DNS:.a.test",
                                            "permitted;DNS:b.a.test,permitted;DNS:other.test"};
static const char *const excluded_dns[] = {"", "excluded;DNS:a.test", "excluded;DNS:b.a.test"};
static const char *const permitted_ip[] = {
    "", "permitted;IP:10.0.0.0/255.0.0.0",
    "permitted;IP:0.0.0.0/0.0.0.0,permitted;IP:2001:db8::/ffff:ffff:0:0:0:0:0:0"};
static const char *const excluded_ip[] = {"", "excluded;IP:10.1.0.0/255.255.0.0",
                                          "excluded;IP:0:0:0:0:0:0:0:0/0:0:0:0:0:0:0:0"};
static const char *const names_dns[] = {
    "", "DNS:a.test", "DNS:B.a.Test", "DNS:c.b.a.test", "DNS:na.test", "DNS:*.a.test"};
static const char *const names_ip[] = {
    "", "IP:10.1.2.3", "IP:10.2.2.3", "IP:2001:db8::1", "IP:2001:db9::1", "IP:::ffff:10.1.2.3"};

#define LIST(array) \
  { array, sizeof(array) / sizeof((array)[0]) }

enum list { PERMITTED_DNS, EXCLUDED_DNS, PERMITTED_IP, EXCLUDED_IP, NAMES_DNS, NAMES_IP, LISTS };

static const struct {
  const char *const *items;
  size_t count;
} lists[LISTS] = {LIST(permitted_dns), LIST(excluded_dns), LIST(permitted_ip),
                  LIST(excluded_ip),   LIST(names_dns),    LIST(names_ip)};

size_t name_cases_count(void) {
  size_t count = 1;

  for (int list = 0; list < LISTS; list++) {
    count *= lists[list].count;
  }
  return count;
}

static void append(char *text, size_t capacity, const char *more) {
  const size_t used = strlen(text);

  if (more[0] != '\0') {
    (void)snprintf(text + used, capacity - used, "%s%s", used > 0 ? "," : "", more);
  }
}

/* \return the sum of the digits */
static size_t make_texts(size_t number, char constraints[256], char names[256]) {
  size_t sum = 0;

  constraints[0] = '\0';
  names[0] = '\0';
  for (int list = 0; list < LISTS; list++) {
    append(list < NAMES_DNS ? constraints : names, 256, lists[list].items[number % lists[list].count]);
    sum += number % lists[list].count;
    number /= lists[list].count;
  }
  return sum;
}

static struct wanted_certificate make_ca(const char *subject, unsigned key) {
  struct wanted_certificate ca = {.subject = subject, .issuer = "root", .key = key, .from = -HOUR, .to = HOUR};

  wanted_extension_add(&ca, "basicConstraints", "critical,CA:TRUE");
  wanted_extension_add(&ca, "keyUsage", "critical,keyCertSign");
  return ca;
}

void name_case_make(size_t number, struct certificate_list *sent, struct certificate_list *anchors, char *description,
                    size_t capacity) {
  struct wanted_certificate root = make_ca("root", 0);
  struct wanted_certificate ica = make_ca("ica", 1);
  struct wanted_certificate leaf = {
      .subject = "leaf", .issuer = "ica", .key = 2, .signer = 1, .from = -HOUR, .to = HOUR};
  char constraints[256];
  char names[256];
  const bool by_root = make_texts(number, constraints, names) % 2 == 0;

  if (constraints[0] != '\0') {
    wanted_extension_add(by_root ? &root : &ica, "nameConstraints", constraints);
  }
  if (names[0] != '\0') {
    wanted_extension_add(&leaf, "subjectAltName", names);
  }
  reference_make(anchors, &root);
  reference_make(sent, &leaf);
  reference_make(sent, &ica);
  (void)snprintf(description, capacity, "%s has %s, the broker is %s", by_root ? "the root" : "the intermediate CA",
                 constraints[0] != '\0' ? constraints : "no constraints", names[0] != '\0' ? names : "nameless");
}
