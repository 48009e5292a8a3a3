/* SPDX-License-Identifier: MIT */
/*
 * Paths that were found to be valid, by a digest of all that the broker sent: a broker shows the same certificates at
 * each connection, and their signatures do not change. What may change is looked at anew: the dates here, revocation
 * and the name by whoever asks. Anchors and policy are not part of the digest: they are those of one context, which
 * never change, and a context has paths of its own.
 *
 * Any number of threads may use it at once.
 */
#ifndef AMQP_WOLFSSL_REMEMBERED_PATHS_H
#define AMQP_WOLFSSL_REMEMBERED_PATHS_H

#include "verification/path_question.h"

/** How many are kept, the newest ones. */
#define REMEMBERED_PATHS_MAXIMUM 8

struct remembered_paths;

/** \return NULL if out of memory */
struct remembered_paths *remembered_paths_new(void);
void remembered_paths_free(struct remembered_paths *paths);

/** Of SHA-256. */
#define SENT_DIGEST_LENGTH 32

/** Stands for all that a broker sent. */
struct sent_digest {
  bool known; /**< false: it could not be computed, so nothing is recalled or kept by it */
  uint8_t bytes[SENT_DIGEST_LENGTH];
};

void sent_digest_make(struct sent_digest *digest, const struct certificate_list *sent);

/**
 * \param [in] digest of what was sent in \a question
 * \return whether a path is known for it, and none of its certificates is out of date now
 */
bool remembered_paths_recall(struct remembered_paths *paths, const struct sent_digest *digest,
                             const struct path_question *question, struct path *path);

/** Remembers a valid path. Does nothing if it can't. */
void remembered_paths_keep(struct remembered_paths *paths, const struct sent_digest *digest, const struct path *path);

#endif
