/* SPDX-License-Identifier: MIT */
/* Where AMQP_WOLFSSL_DEBUG sends lines: standard error, a file, or the system's log. */
#ifndef AMQP_WOLFSSL_DEBUG_DESTINATION_H
#define AMQP_WOLFSSL_DEBUG_DESTINATION_H

#include <stdbool.h>

enum debug_weight { DEBUG_NOTICE, DEBUG_FAILURE };

/** Whether the variable asks for lines now. */
bool debug_destination_is_set(void);

/** Sends \a line, without a newline, where the variable says now. A line that can't be written is dropped. */
void debug_destination_write(enum debug_weight weight, const char *line);

#endif
