/* SPDX-License-Identifier: MIT */
/* How many descriptors this process has open. */
#ifndef TESTS_OPEN_DESCRIPTORS_H
#define TESTS_OPEN_DESCRIPTORS_H

#include <dirent.h>
#include <stddef.h>

/** To be compared with another count of the same program; 0 if it can't be known. */
static inline size_t open_descriptors(void) {
  DIR *folder = opendir("/proc/self/fd");
  size_t count = 0;

  if (folder == NULL) {
    return 0;
  }
  while (readdir(folder) != NULL) {
    count++;
  }
  (void)closedir(folder);
  return count;
}

#endif
