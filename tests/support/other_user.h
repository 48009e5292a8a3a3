/* SPDX-License-Identifier: MIT */
/* For cases about permissions: root may read everything, so a program that runs as root becomes nobody for a while. */
#ifndef TESTS_OTHER_USER_H
#define TESTS_OTHER_USER_H

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { OTHER_USER_NOBODY = 65534 };

static inline void other_user_require(int result, const char *what) {
  if (result != 0) {
    perror(what);
    exit(99);
  }
}

/** Anybody but root stays who they are. */
static inline void other_user_become(void) {
  if (getuid() == 0) {
    other_user_require(setegid(OTHER_USER_NOBODY), "setegid");
    other_user_require(seteuid(OTHER_USER_NOBODY), "seteuid");
  }
}

static inline void other_user_end(void) {
  if (getuid() == 0) {
    other_user_require(seteuid(0), "seteuid");
    other_user_require(setegid(getgid()), "setegid");
    /* Changing identity made the process undumpable; the leak sanitizer has to look into it at the end. */
    (void)prctl(PR_SET_DUMPABLE, 1);
  }
}

/** Whether the other user gets as far as a file that is open to all: TMPDIR may be closed to them. */
static inline bool other_user_can_read(const char *path) {
  bool can;

  other_user_become();
  can = faccessat(AT_FDCWD, path, R_OK, AT_EACCESS) == 0;
  other_user_end();
  return can;
}

#endif
