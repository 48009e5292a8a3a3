/* SPDX-License-Identifier: MIT */
/*
 * A Secret as the kubelet mounts it into a container: the files are in a folder of their own, named by the time;
 * "..data" is a link to that, and what a program sees are links through it. An update makes a new folder, a new link,
 * and renames the link over the old one; then the old folder goes.
 */
#ifndef TESTS_MOUNTED_SECRET_H
#define TESTS_MOUNTED_SECRET_H

#include <stddef.h>

struct mounted_secret {
  char path[512];
  unsigned version;
};

struct mounted_file {
  const char *name;
  const void *bytes; /* NULL: the file is missing in this version */
  size_t length;
};

/* Whatever fails here ends the program. */

/** Makes the mount \a name, empty, in the temporary folder. */
void mounted_secret_make(struct mounted_secret *secret, const char *name);
/** Updates it to these files. */
void mounted_secret_update(struct mounted_secret *secret, const struct mounted_file *files, size_t count);
/**
 * Updates it to tls.crt, tls.key and ca.crt with the contents of these files of the temporary folder. \param [in] ca
 * NULL: none
 */
void mounted_secret_put(struct mounted_secret *secret, const char *certificate, const char *key, const char *ca);

#endif
