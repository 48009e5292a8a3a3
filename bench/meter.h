/* SPDX-License-Identifier: MIT */
/* What the process has used: CPU, wall time, memory. */
#ifndef BENCH_METER_H
#define BENCH_METER_H

#include <stddef.h>

/** In microseconds. */
struct meter {
  double user;
  double system;
  double wall;
};

/** What was used until now. */
struct meter meter_read(void);
/** Adds to \a total what was used since \a start. */
void meter_add_since(struct meter *total, const struct meter *start);

/** Bytes in use on the heap, those mapped by themselves included; what is free is given back to the system first. */
long long meter_heap(void);
/** Resident bytes of the process, or -1. */
long long meter_resident(void);

#endif
