/* SPDX-License-Identifier: MIT */
/* Reads the system's counters of this process. */
#include "meter.h"

#include <malloc.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static double from_timeval(struct timeval time) { return (double)time.tv_sec * 1e6 + (double)time.tv_usec; }

struct meter meter_read(void) {
  struct rusage usage = {0};
  struct timespec now = {0};

  (void)getrusage(RUSAGE_SELF, &usage);
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (struct meter){from_timeval(usage.ru_utime), from_timeval(usage.ru_stime),
                        (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3};
}

void meter_add_since(struct meter *total, const struct meter *start) {
  struct meter now = meter_read();

  total->user += now.user - start->user;
  total->system += now.system - start->system;
  total->wall += now.wall - start->wall;
}

long long meter_heap(void) {
  struct mallinfo2 info;

  (void)malloc_trim(0);
  info = mallinfo2();
  return (long long)(info.uordblks + info.hblkhd);
}

long long meter_resident(void) {
  FILE *file = fopen("/proc/self/statm", "re");
  long long pages = -1;

  if (file == NULL) {
    return -1;
  }
  if (fscanf(file, "%*s %lld", &pages) != 1) {
    pages = -1;
  }
  (void)fclose(file);
  return pages < 0 ? -1 : pages * sysconf(_SC_PAGESIZE);
}
