/* SPDX-License-Identifier: MIT */
/* A digest for each path, in a ring: the oldest makes room. */
#include "autoconfig.h"

#include "verification/remembered_paths.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "backend/wolfssl_headers.h"
#include "base/byte_queue.h"
#include "x509/certificate.h"

#include <wolfssl/wolfcrypt/hash.h>

struct remembered_path {
  struct sent_digest digest; /* not known: the place is free */
  struct path path;
};

struct remembered_paths {
  pthread_mutex_t lock;
  size_t next; /* the oldest */
  struct remembered_path items[REMEMBERED_PATHS_MAXIMUM];
};

struct remembered_paths *remembered_paths_new(void) {
  struct remembered_paths *paths = calloc(1, sizeof(*paths));

  if (paths != NULL && pthread_mutex_init(&paths->lock, NULL) != 0) {
    free(paths);
    paths = NULL;
  }
  return paths;
}

void remembered_paths_free(struct remembered_paths *paths) {
  if (paths != NULL) {
    (void)pthread_mutex_destroy(&paths->lock);
    free(paths);
  }
}

/* ---- The digest ---- */

/* With their lengths, lest two lists of certificates have the same bytes. */
static bool append_certificate(struct byte_queue *all, const struct certificate_der *der) {
  const uint64_t length = der->length;
  uint8_t prefix[8];

  for (size_t i = 0; i < sizeof(prefix); i++) {
    prefix[i] = (uint8_t)(length >> (8 * i));
  }
  return byte_queue_append(all, prefix, sizeof(prefix)) && byte_queue_append(all, der->bytes, der->length);
}

/* In one piece: the structure for hashing in parts may have another size in the library than in its headers. */
void sent_digest_make(struct sent_digest *digest, const struct certificate_list *sent) {
  struct byte_queue all;
  bool good = sent->count > 0;

  byte_queue_init(&all);
  for (size_t i = 0; i < sent->count && good; i++) {
    good = append_certificate(&all, &sent->items[i]);
  }
  digest->known = good && wc_Sha256Hash(byte_queue_front(&all), (word32)all.length, digest->bytes) == 0;
  byte_queue_release(&all);
}

/* ---- Recalling ---- */

static bool are_equal(const struct sent_digest *one, const struct sent_digest *other) {
  return one->known && other->known && memcmp(one->bytes, other->bytes, sizeof(one->bytes)) == 0;
}

static bool find(struct remembered_paths *paths, const struct sent_digest *digest, struct path *path) {
  bool found = false;

  (void)pthread_mutex_lock(&paths->lock);
  for (size_t i = 0; i < REMEMBERED_PATHS_MAXIMUM && !found; i++) {
    const struct remembered_path *item = &paths->items[i];

    found = are_equal(&item->digest, digest);
    if (found) {
      *path = item->path;
    }
  }
  (void)pthread_mutex_unlock(&paths->lock);
  return found;
}

static bool is_in_date(const struct certificate_der *der, int64_t now) {
  struct certificate certificate;

  return certificate_read(&certificate, der->bytes, der->length) &&
         certificate_validity_at(&certificate, now) == CERTIFICATE_CURRENT;
}

/* What is out of date is left to the search: another path may be good. */
static bool is_path_in_date(const struct path *path, const struct path_question *question) {
  for (size_t i = 0; i < path->length; i++) {
    if (!is_in_date(&question->sent->items[path->places[i]], question->now)) {
      return false;
    }
  }
  return is_in_date(&question->anchors->items[path->anchor], question->now);
}

bool remembered_paths_recall(struct remembered_paths *paths, const struct sent_digest *digest,
                             const struct path_question *question, struct path *path) {
  if (!find(paths, digest, path) || !is_path_in_date(path, question)) {
    return false;
  }
  path->signature_checks = 0;
  return true;
}

void remembered_paths_keep(struct remembered_paths *paths, const struct sent_digest *digest, const struct path *path) {
  struct path known;

  if (!digest->known || find(paths, digest, &known)) {
    return;
  }
  (void)pthread_mutex_lock(&paths->lock);
  paths->items[paths->next].digest = *digest;
  paths->items[paths->next].path = *path;
  paths->next = (paths->next + 1) % REMEMBERED_PATHS_MAXIMUM;
  (void)pthread_mutex_unlock(&paths->lock);
}
