/* SPDX-License-Identifier: MIT */
/* What a config that reads its credentials again knows of them; see rotation.h. */
#ifndef AMQP_WOLFSSL_ROTATION_STATE_H
#define AMQP_WOLFSSL_ROTATION_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/file_set.h"

/** Why the set that the files hold is not in use. */
struct refusal {
  amqp_wolfssl_error_t record; /**< AMQP_WOLFSSL_OK: it is in use */
  int64_t again_at;            /**< when its certificate becomes valid; 0: time alone changes nothing */
};

struct rotation {
  bool wanted;          /**< also for files that were named one by one */
  struct file_set seen; /**< what was examined last, in use or refused; empty: nothing */
  struct refusal refusal;
  uint64_t number; /**< of the context in use, counted from 1; 0: none yet */
  uint64_t used;   /**< the number of the context of the last open; 0: none yet */
};

#endif
