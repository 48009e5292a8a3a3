/* SPDX-License-Identifier: MIT */
/* Makes trust anchors anew from where they came from. */
#include "autoconfig.h"

#include "verification/trust_sources.h"

#include <stdlib.h>
#include <string.h>

static amqp_wolfssl_code_t out_of_memory(amqp_wolfssl_error_t *error) {
  return error_configure(error, AMQP_WOLFSSL_ERROR_NO_MEMORY, "out of memory");
}

amqp_wolfssl_code_t trust_sources_begin(struct trust_sources *sources, enum trust_source_kind kind, const char *path,
                                        const struct trust *trust, amqp_wolfssl_error_t *error) {
  struct trust_source *items = realloc(sources->items, (sources->count + 1) * sizeof(*items));
  struct trust_source source = {.kind = kind, .first = trust->anchors.count};

  if (items == NULL) {
    return out_of_memory(error);
  }
  sources->items = items;
  if (path != NULL) {
    source.path = strdup(path);
    if (source.path == NULL) {
      return out_of_memory(error);
    }
  }
  items[sources->count++] = source;
  return AMQP_WOLFSSL_OK;
}

void trust_sources_end(struct trust_sources *sources, const struct trust *trust, bool added) {
  struct trust_source *last = &sources->items[sources->count - 1];

  if (added) {
    last->count = trust->anchors.count - last->first;
  } else {
    free(last->path);
    sources->count--;
  }
}

bool trust_sources_name_files(const struct trust_sources *sources, struct file_set *set) {
  bool named = true;

  for (size_t i = 0; i < sources->count && named; i++) {
    switch (sources->items[i].kind) {
      case TRUST_FILE:
        named = file_set_add_file(set, sources->items[i].path);
        break;
      case TRUST_FOLDER:
        named = file_set_add_folder(set, sources->items[i].path);
        break;
      case TRUST_GIVEN:
        break;
    }
  }
  return named;
}

static amqp_wolfssl_code_t read_source(const struct trust_source *source, const struct trust *given,
                                       const struct file_set_item *item, struct trust *trust,
                                       amqp_wolfssl_error_t *error) {
  switch (source->kind) {
    case TRUST_FILE:
      return trust_add_contents(trust, item->contents.bytes, item->contents.length, item->path, error);
    case TRUST_FOLDER:
      return trust_add_folder(trust, item->path, error);
    case TRUST_GIVEN:
      break;
  }
  return trust_add_copies(trust, given, source->first, source->count, error);
}

amqp_wolfssl_code_t trust_sources_read(const struct trust_sources *sources, const struct trust *given,
                                       const struct file_set_item *items, struct trust *trust,
                                       amqp_wolfssl_error_t *error) {
  amqp_wolfssl_code_t code = AMQP_WOLFSSL_OK;

  for (size_t i = 0; i < sources->count && code == AMQP_WOLFSSL_OK; i++) {
    const struct trust_source *source = &sources->items[i];

    code = read_source(source, given, items, trust, error);
    if (source->kind != TRUST_GIVEN) {
      items++;
    }
  }
  return code;
}

void trust_sources_free(struct trust_sources *sources) {
  for (size_t i = 0; i < sources->count; i++) {
    free(sources->items[i].path);
  }
  free(sources->items);
  memset(sources, 0, sizeof(*sources));
}
