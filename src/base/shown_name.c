/* SPDX-License-Identifier: MIT */
/* Tells names from what may hold a password. */
#include "base/shown_name.h"

#include <string.h>

/* What ends a user's part, and begins a query or a fragment (RFC 3986, section 3). No name has one of them. */
#define SECRETIVE "@?#"

const char *shown_name(const char *name) {
  return strpbrk(name, SECRETIVE) == NULL ? name : "(not shown: there may be a password in it)";
}
