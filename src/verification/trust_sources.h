/* SPDX-License-Identifier: MIT */
/*
 * Where trust anchors came from: those that came from files and folders can be read again; those from memory, and the
 * system's, are copied from what was read then.
 */
#ifndef AMQP_WOLFSSL_TRUST_SOURCES_H
#define AMQP_WOLFSSL_TRUST_SOURCES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/file_set.h"
#include "verification/trust.h"

enum trust_source_kind { TRUST_GIVEN, TRUST_FILE, TRUST_FOLDER };

struct trust_source {
  enum trust_source_kind kind;
  char *path;   /**< NULL: given */
  size_t first; /**< of a given one: its anchors in what was added up */
  size_t count;
};

struct trust_sources {
  struct trust_source *items;
  size_t count;
};

/**
 * Notes a source before its anchors are added to \a trust; then trust_sources_end() says whether they were.
 * \param [in] path of a file or folder; NULL for others
 * \return AMQP_WOLFSSL_OK or NO_MEMORY, then nothing has changed
 */
amqp_wolfssl_code_t trust_sources_begin(struct trust_sources *sources, enum trust_source_kind kind, const char *path,
                                        const struct trust *trust, amqp_wolfssl_error_t *error);
void trust_sources_end(struct trust_sources *sources, const struct trust *trust, bool added);

/** Names the files to read again, in order. \return false if out of memory */
bool trust_sources_name_files(const struct trust_sources *sources, struct file_set *set);

/**
 * Makes the anchors anew.
 * \param [in] given what was added up when the sources were noted
 * \param [in] items what trust_sources_name_files() named, now read
 */
amqp_wolfssl_code_t trust_sources_read(const struct trust_sources *sources, const struct trust *given,
                                       const struct file_set_item *items, struct trust *trust,
                                       amqp_wolfssl_error_t *error);

void trust_sources_free(struct trust_sources *sources);

#endif
