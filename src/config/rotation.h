/* SPDX-License-Identifier: MIT */
/*
 * Credentials that are replaced while the config is in use. Certificates, keys and CAs that came from files are read
 * again, and each set that holds becomes a context of its own: whole or not at all, so that no connection ever mixes
 * two sets. Sockets keep the context they were opened with. A set that is broken changes nothing but the refusal, which
 * says why.
 *
 * Functions that take a config expect its lock to be held, where it is shared.
 */
#ifndef AMQP_WOLFSSL_ROTATION_H
#define AMQP_WOLFSSL_ROTATION_H

#include <stdbool.h>

#include "config/options.h"

enum rotation_look {
  ROTATION_GLANCE, /**< by the files' marks, if they have settled */
  ROTATION_READ,   /**< by their contents */
  ROTATION_OPEN    /**< likewise; a set that was refused is examined again, for its cause may have gone */
};

void rotation_init(struct rotation *rotation);

/** Whether anything is read again. */
bool rotation_is_on(const amqp_wolfssl_config_t *config);

/** Sees to it that the config has a context, and that of what its files hold now, or held last when that held. */
amqp_wolfssl_code_t rotation_refresh(amqp_wolfssl_config_t *config, enum rotation_look look,
                                     amqp_wolfssl_error_t *error);

/** Forgets the context and what was read for it: the options change. Wipes. */
void rotation_reset(amqp_wolfssl_config_t *config);

#endif
