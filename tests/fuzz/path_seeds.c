/* SPDX-License-Identifier: MIT */
/* Mints PKIs with mint_chain, and packs them. */
#include "path_seeds.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "mutation.h"
#include "paths.h"
#include "temporary_folder.h"
#include "x509/der.h"

static const struct {
  const char *description; /* see tests/support/mint_chain.c */
  const char *sent;
  const char *trusted;
} shapes[] = {
    {"root ca\na by=root ca\nb by=a ca\nleaf by=b leaf\n", "leaf b a", "root"},
    {"old ca\nroot ca\ncross by=old key=@root s=CN=root ca\nica by=root ca\nleaf by=ica leaf\n", "leaf ica root cross",
     "old"},
    {"root ca\nold ca to=-60\nexpired by=old s=CN=ica ca\nflagless by=root s=CN=ica\n"
     "ica by=root key=@expired ca\nlong by=ica s=CN=ica ca=0\nleaf by=ica leaf\n",
     "leaf expired flagless long ica", "old root"},
    {"root ca=2 x:nameConstraints=critical,permitted;DNS:localhost,permitted;IP:127.0.0.0/255.0.0.0,"
     "permitted;email:.test,excluded;DNS:evil.test\n"
     "ica by=root ca=0 x:nameConstraints=excluded;IP:127.1.0.0/255.255.0.0,permitted;URI:.test\n"
     "leaf by=ica s=CN=x,O=y leaf x:subjectAltName=DNS:localhost,IP:127.0.0.1,email:a@b.test,URI:https://a.test/\n",
     "leaf ica", "root"},
    {"root ca\na by=root ca x:certificatePolicies=1.2.3,1.2.4 x:policyMappings=1.2.3:1.2.9 "
     "x:policyConstraints=critical,requireExplicitPolicy:0\n"
     "b by=a ca x:certificatePolicies=1.2.9,1.2.4 x:inhibitAnyPolicy=critical,0\n"
     "leaf by=b leaf x:certificatePolicies=1.2.9 x:tlsfeature=status_request\n",
     "leaf b a", "root"},
    {"root ca\na by=root ca\nb ca\nab by=b s=CN=a key=@a ca\nba by=a s=CN=b key=@b ca\nleaf by=b leaf\n",
     "leaf ab ba b a", "root"},
    {"root ca key=rsa2048 x:subjectKeyIdentifier=hash\n"
     "ica by=root ca key=p384 x:subjectKeyIdentifier=hash x:authorityKeyIdentifier=keyid pss=sha256:32\n"
     "twin by=root s=CN=ica ca x:subjectKeyIdentifier=01\n"
     "leaf by=ica md=sha384 leaf x:authorityKeyIdentifier=keyid\n",
     "leaf twin ica", "root"},
    {"root ca=1\nnew by=root s=CN=root ca\nica by=new s=O=Acme,CN=P:Issuing ca\n"
     "leaf by=ica i=O=ACME,CN=issuing leaf\n",
     "leaf new ica", "root"},
    {"root ca x:keyUsage=keyCertSign,digitalSignature\n", "root", "root"},
};

struct packed {
  uint8_t bytes[MUTATION_CAPACITY];
  size_t length;
};

static void add(struct packed *to, const void *bytes, size_t length) {
  if (to->length + length > sizeof(to->bytes)) {
    fputs("a PKI is too large\n", stderr);
    exit(99);
  }
  memcpy(to->bytes + to->length, bytes, length);
  to->length += length;
}

static void add_certificate(struct packed *to, const char *name) {
  char file[80];
  uint8_t *bytes;
  size_t length;

  (void)snprintf(file, sizeof(file), "%.64s.der", name);
  bytes = temporary_folder_read(file, &length);
  add(to, bytes, length);
  free(bytes);
}

/* Names separated by blanks. */
static void add_certificates(struct packed *to, const char *names) {
  char copy[256];
  char *rest = copy;
  char *name;

  (void)snprintf(copy, sizeof(copy), "%s", names);
  while ((name = strsep(&rest, " ")) != NULL) {
    add_certificate(to, name);
  }
}

/* The first word of each line is a name. */
static void add_described(struct packed *to, const char *description) {
  while (*description != '\0') {
    char name[64];

    (void)snprintf(name, sizeof(name), "%.*s", (int)strcspn(description, " "), description);
    add_certificate(to, name);
    description += strcspn(description, "\n") + 1;
  }
}

/* Puts a header in front of what begins at \a from. */
static void wrap(struct packed *to, size_t from) {
  const size_t length = to->length - from;
  const uint8_t header[] = {DER_SEQUENCE, 0x82, (uint8_t)(length >> 8), (uint8_t)length};

  add(to, header, sizeof(header)); /* room for it; and a certificate is longer than 255 bytes */
  memmove(to->bytes + from + sizeof(header), to->bytes + from, length);
  memcpy(to->bytes + from, header, sizeof(header));
}

static void add_time(struct packed *to) {
  const time_t now = time(NULL);
  struct tm parts;
  char text[32];

  (void)gmtime_r(&now, &parts);
  (void)strftime(text + 2, sizeof(text) - 2, "%Y%m%d%H%M%SZ", &parts);
  text[0] = DER_GENERALIZED_TIME;
  text[1] = (char)strlen(text + 2);
  add(to, text, 2 + strlen(text + 2));
}

size_t path_seeds_count(void) {
  return access(path_in_build_tree("tests/support/mint_chain"), X_OK) == 0 ? sizeof(shapes) / sizeof(shapes[0]) : 0;
}

uint8_t *path_seed_make(size_t number, size_t *length) {
  struct packed *packed = calloc(1, sizeof(*packed));
  char command[4096];
  uint8_t *bytes;
  size_t start;

  (void)snprintf(command, sizeof(command), "exec '%s' . < description", path_in_build_tree("tests/support/mint_chain"));
  temporary_folder_write_text("description", shapes[number].description);
  if (packed == NULL || command_run(temporary_folder_path(""), "sh", "-c", command, NULL) != 0) {
    free(packed);
    return NULL;
  }
  add_time(packed);
  start = packed->length;
  add_certificates(packed, shapes[number].trusted);
  wrap(packed, start);
  start = packed->length;
  add_described(packed, shapes[number].description);
  wrap(packed, start);
  add_certificates(packed, shapes[number].sent);
  *length = packed->length;
  bytes = malloc(packed->length);
  if (bytes != NULL) {
    memcpy(bytes, packed->bytes, packed->length);
  }
  free(packed);
  return bytes;
}
