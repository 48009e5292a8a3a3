/* SPDX-License-Identifier: MIT */
/*
 * The least that a transport by TLS could cost on this machine: plain TCP, one send() for each message, and AES-GCM
 * over every byte sent or received, by a program that does nothing else for it. No TLS library can go below that, since
 * it has records to frame, copies to make and states to keep besides.
 */
#ifndef BENCH_FLOOR_H
#define BENCH_FLOOR_H

#include <stdbool.h>

/** From the first call on this process's send() and recv() do so. \param bits of the AES key. \return 0, or -1 after
    saying on stderr what failed */
int floor_start(unsigned bits);
/** Whether librabbitmq has called them. */
bool floor_is_in_use(void);

#endif
