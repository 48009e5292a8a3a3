/* SPDX-License-Identifier: MIT */
/*
 * Where revocation lists come from: files, folders, memory. Files are read again when they have changed; whoever took
 * the lists before keeps what they took.
 */
#ifndef AMQP_WOLFSSL_REVOCATION_SOURCES_H
#define AMQP_WOLFSSL_REVOCATION_SOURCES_H

#include <pthread.h>
#include <stdint.h>

#include "verification/revocation_lists.h"

struct revocation_source;

struct revocation_sources {
  pthread_mutex_t lock; /* guards all below once the config is shared */
  struct revocation_source *items;
  size_t count;
  struct revocation_lists *lists; /* what was read last; NULL: nothing yet, or something was added since */
  uint64_t trust_number;          /* by whose anchors their signers were looked for */
};

/** \return 0 or -1 */
int revocation_sources_init(struct revocation_sources *sources);
void revocation_sources_free(struct revocation_sources *sources);

/*
 * Each reads its source once to see that it can be read, or changes nothing. An expired list is refused only in memory:
 * a file may be replaced before it is needed.
 * Return AMQP_WOLFSSL_OK, FILE_UNREADABLE, CRL_MALFORMED, CRL_UNUSABLE, INVALID_ARGUMENT or NO_MEMORY.
 */
amqp_wolfssl_code_t revocation_sources_add_file(struct revocation_sources *sources, const char *path,
                                                amqp_wolfssl_error_t *error);
amqp_wolfssl_code_t revocation_sources_add_folder(struct revocation_sources *sources, const char *path,
                                                  amqp_wolfssl_error_t *error);
amqp_wolfssl_code_t revocation_sources_add_memory(struct revocation_sources *sources, const void *data, size_t length,
                                                  amqp_wolfssl_format_t format, amqp_wolfssl_error_t *error);

/**
 * Reads what has changed since it was read last, all or nothing, and checks who signed it. Any thread. If it fails, no
 * connection may be opened. Does nothing without sources.
 * \param [in] trust_number another one for other anchors: then the signers are looked for again
 */
amqp_wolfssl_code_t revocation_sources_refresh(struct revocation_sources *sources,
                                               const struct certificate_list *anchors, uint64_t trust_number,
                                               amqp_wolfssl_error_t *error);

/** A reference to what was read last, to be released; NULL without sources. Any thread. */
struct revocation_lists *revocation_sources_take(struct revocation_sources *sources);

/** Whether there is anything to check against. */
bool revocation_sources_any(const struct revocation_sources *sources);

#endif
