/* SPDX-License-Identifier: MIT */
/* What is remembered of a path, for how long, and that nothing else is taken for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/fips_module.h"
#include "minted_chain.h"
#include "temporary_folder.h"
#include "verification/remembered_paths.h"
#include "x509/certificate.h"

/* A question about certificates that the test may change, and the path that answers it. */
struct known {
  struct certificate_list sent;
  struct certificate_list anchors;
  struct path_question question;
  struct path path;
};

static void known_make(struct known *known) {
  memset(known, 0, sizeof(*known));
  minted_chain_add(&known->sent, "leaf ica other");
  minted_chain_add(&known->anchors, "root");
  known->question =
      (struct path_question){.sent = &known->sent, .anchors = &known->anchors, .now = (int64_t)time(NULL)};
  known->path = (struct path){.length = 2, .places = {0, 1}, .anchor = 0, .requires_status = true};
}

static void known_free(struct known *known) {
  certificate_list_free(&known->sent);
  certificate_list_free(&known->anchors);
}

static void keep(struct remembered_paths *paths, const struct known *known) {
  struct sent_digest digest;

  sent_digest_make(&digest, &known->sent);
  remembered_paths_keep(paths, &digest, &known->path);
}

static bool recall(struct remembered_paths *paths, const struct known *known, struct path *path) {
  struct sent_digest digest;

  sent_digest_make(&digest, &known->sent);
  return remembered_paths_recall(paths, &digest, &known->question, path);
}

static bool recalls(struct remembered_paths *paths, const struct known *known) {
  struct path path;

  memset(&path, 0x5a, sizeof(path));
  return recall(paths, known, &path);
}

static void test_what_was_kept_is_recalled(void **state) {
  struct remembered_paths *paths = remembered_paths_new();
  struct known known;
  struct path path;

  (void)state;
  assert_non_null(paths);
  known_make(&known);
  known.path.signature_checks = 7;
  assert_false(recalls(paths, &known));
  keep(paths, &known);
  assert_true(recall(paths, &known, &path));
  assert_int_equal(path.length, 2);
  assert_int_equal(path.places[1], 1);
  assert_true(path.requires_status);
  assert_int_equal(path.signature_checks, 0); /* none was made this time */
  known_free(&known);
  remembered_paths_free(paths);
}

/* Nothing stands for nothing: without a digest there is no path to remember or to find. */
static void test_no_digest_no_path(void **state) {
  struct remembered_paths *paths = remembered_paths_new();
  const struct certificate_list nothing = {0};
  struct sent_digest digest = {.known = true};
  struct known known;
  struct path path;

  (void)state;
  known_make(&known);
  sent_digest_make(&digest, &nothing);
  assert_false(digest.known);
  memset(digest.bytes, 0, sizeof(digest.bytes)); /* as those of free places are */
  assert_false(remembered_paths_recall(paths, &digest, &known.question, &path));
  remembered_paths_keep(paths, &digest, &known.path);
  assert_false(remembered_paths_recall(paths, &digest, &known.question, &path));
  digest.known = true;
  assert_false(remembered_paths_recall(paths, &digest, &known.question, &path));
  known_free(&known);
  remembered_paths_free(paths);
}

/* One that is not on the path counts too: the path was found among all of them. */
static void test_every_byte_counts(void **state) {
  struct remembered_paths *paths = remembered_paths_new();
  struct known known;

  (void)state;
  known_make(&known);
  keep(paths, &known);
  for (size_t i = 0; i < known.sent.count; i++) {
    for (size_t at = 0; at < known.sent.items[i].length; at++) {
      known.sent.items[i].bytes[at] ^= 1;
      assert_false(recalls(paths, &known));
      known.sent.items[i].bytes[at] ^= 1;
    }
  }
  assert_true(recalls(paths, &known));
  known_free(&known);
  remembered_paths_free(paths);
}

static void test_order_number_and_limits_count(void **state) {
  struct remembered_paths *paths = remembered_paths_new();
  struct known known;
  struct certificate_der first;

  (void)state;
  known_make(&known);
  keep(paths, &known);
  known.sent.count--;
  assert_false(recalls(paths, &known));
  known.sent.count++;
  first = known.sent.items[0];
  known.sent.items[0] = known.sent.items[1];
  known.sent.items[1] = first;
  assert_false(recalls(paths, &known));
  known.sent.items[1] = known.sent.items[0];
  known.sent.items[0] = first;
  known.sent.items[2].length--;
  assert_false(recalls(paths, &known));
  known.sent.items[2].length++;
  assert_true(recalls(paths, &known));
  known_free(&known);
  remembered_paths_free(paths);
}

/* The dates of the path are looked at each time, those of what is not on it never. */
static void test_dates_count_anew(void **state) {
  static const struct {
    int64_t later; /* seconds from now */
    bool recalled;
  } rows[] = {{0, true},
              {3500, true},
              {3700, false}, /* the leaf's end */
              {-3500, true},
              {-3700, false} /* the beginning of all */};
  struct remembered_paths *paths = remembered_paths_new();
  struct known known;
  const int64_t now = (int64_t)time(NULL);

  (void)state;
  known_make(&known);
  keep(paths, &known);
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    known.question.now = now + rows[i].later;
    assert_int_equal(recalls(paths, &known), rows[i].recalled);
  }
  known_free(&known);
  remembered_paths_free(paths);
}

static void test_expired_anchor(void **state) {
  struct remembered_paths *paths = remembered_paths_new();
  struct known known;

  (void)state;
  known_make(&known);
  certificate_list_free(&known.anchors);
  minted_chain_add(&known.anchors, "old");
  keep(paths, &known);
  assert_false(recalls(paths, &known));
  known_free(&known);
  remembered_paths_free(paths);
}

/* Of many the newest are kept, and none twice. */
static void test_many(void **state) {
  struct remembered_paths *paths = remembered_paths_new();
  struct known known;

  (void)state;
  known_make(&known);
  for (int i = 0; i < 3 * REMEMBERED_PATHS_MAXIMUM; i++) {
    known.sent.items[2].bytes[10] = (uint8_t)i;
    keep(paths, &known);
    keep(paths, &known);
  }
  for (int i = 0; i < 3 * REMEMBERED_PATHS_MAXIMUM; i++) {
    known.sent.items[2].bytes[10] = (uint8_t)i;
    assert_int_equal(recalls(paths, &known), i >= 2 * REMEMBERED_PATHS_MAXIMUM);
  }
  known_free(&known);
  remembered_paths_free(paths);
}

#define THREADS 4

static void *keep_and_recall(void *argument) {
  struct remembered_paths *paths = argument;
  struct known known;

  known_make(&known);
  for (int i = 0; i < 200; i++) {
    struct path path;

    known.sent.items[2].bytes[10] = (uint8_t)(i % (2 * REMEMBERED_PATHS_MAXIMUM));
    keep(paths, &known);
    if (recall(paths, &known, &path) && path.length != 2) {
      abort();
    }
  }
  known_free(&known);
  return NULL;
}

static void test_threads(void **state) {
  struct remembered_paths *paths = remembered_paths_new();
  pthread_t threads[THREADS];

  (void)state;
  for (size_t i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_create(&threads[i], NULL, keep_and_recall, paths), 0);
  }
  for (size_t i = 0; i < THREADS; i++) {
    assert_int_equal(pthread_join(threads[i], NULL), 0);
  }
  remembered_paths_free(paths);
}

static int set_up(void **state) {
  (void)state;
  if (fips_module_start() != 0 || temporary_folder_make() != 0) {
    return -1;
  }
  minted_chain_make("root ca\nold ca to=-60\nica by=root ca\nleaf by=ica leaf to=3600\nother by=root ca to=-60\n");
  return 0;
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_what_was_kept_is_recalled),
      cmocka_unit_test(test_no_digest_no_path),
      cmocka_unit_test(test_every_byte_counts),
      cmocka_unit_test(test_order_number_and_limits_count),
      cmocka_unit_test(test_dates_count_anew),
      cmocka_unit_test(test_expired_anchor),
      cmocka_unit_test(test_many),
      cmocka_unit_test(test_threads),
  };

  return cmocka_run_group_tests_name("remembered_paths", tests, set_up, temporary_folder_tear_down);
}
