/* SPDX-License-Identifier: MIT */
/*
 * Which wolfSSL is taken and which is refused, by where its functions are and its version. With a second one in the
 * process: tests/integration/other_wolfssl.sh.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "autoconfig.h"
#include "backend/wolfssl_origin.h"

#define RELEASE(major, minor, patch) ((uint32_t)(major) << 24 | (uint32_t)(minor) << 12 | (uint32_t)(patch))
#define BUILT RELEASE(5, 7, 2)

static const char memory[2];
static const struct wolfssl_place bundle = {&memory[0], "/opt/libwolfssl.so.42"};
static const struct wolfssl_place debian = {&memory[1], "/usr/lib/libwolfssl.so.35"};
static const struct wolfssl_place nowhere = {NULL, "the program"};

static const char *judge(const struct wolfssl_place *places, size_t count, const struct wolfssl_place *needed,
                         uint32_t running) {
  static char sentence[1024];
  const struct wolfssl_origin origin = {
      .places = places, .count = count, .needed = needed, .built = BUILT, .running = running};

  memset(sentence, 'x', sizeof(sentence));
  wolfssl_origin_judge(&origin, sentence, sizeof(sentence));
  assert_non_null(memchr(sentence, '\0', sizeof(sentence)));
  return sentence;
}

/* Each of a row of functions in turn is the one from elsewhere. */
static void test_one_function_from_elsewhere(void **state) {
  struct wolfssl_place places[] = {bundle, bundle, bundle, bundle};
  const size_t count = sizeof(places) / sizeof(places[0]);
  (void)state;

  assert_string_equal(judge(places, count, &bundle, BUILT), "");
  for (size_t i = 0; i < count; i++) {
    const char *sentence;

    places[i] = debian;
    sentence = judge(places, count, &bundle, BUILT);
    assert_non_null(strstr(sentence, "come from two libraries, "));
    assert_non_null(strstr(sentence, bundle.file));
    assert_non_null(strstr(sentence, debian.file));
    places[i] = bundle;
  }
}

/* A function that can't be found has no business beside others that can. */
static void test_one_function_from_nowhere(void **state) {
  const struct wolfssl_place places[] = {bundle, nowhere};
  (void)state;

  assert_non_null(strstr(judge(places, 2, &bundle, BUILT), "/opt/libwolfssl.so.42 and the program, "));
}

static void test_all_from_elsewhere(void **state) {
  const struct wolfssl_place places[] = {debian, debian};
  const char *sentence = judge(places, 2, &bundle, BUILT);
  (void)state;

  assert_non_null(strstr(sentence, "come from /usr/lib/libwolfssl.so.35, which was loaded before"));
  assert_non_null(strstr(sentence, "needs, /opt/libwolfssl.so.42; let only one"));
}

static void test_nothing_known(void **state) {
  (void)state;
  assert_non_null(strstr(judge(NULL, 0, NULL, BUILT), "it is unknown which library"));
}

/* A program without shared libraries: the loader knows no place, and there is but one wolfSSL. */
static void test_no_shared_libraries(void **state) {
  const struct wolfssl_place places[] = {nowhere, nowhere};
  (void)state;

  assert_string_equal(judge(places, 2, &nowhere, BUILT), "");
}

static void test_versions(void **state) {
  static const struct {
    uint32_t running;
    int taken_as_needed;
    int taken_if_unknown;
  } rows[] = {
      {BUILT, 1, 1},
      {RELEASE(5, 7, 1), 0, 0},
      {RELEASE(5, 7, 3), 1, 1},
      {RELEASE(5, 6, 6), 0, 0},
      {RELEASE(5, 5, 4), 0, 0},
      {RELEASE(5, 8, 0), 1, 0}, /* a newer one under the same SONAME, as 5.7.2 after 5.6.6 */
      {RELEASE(4, 9, 9), 0, 0},
      {RELEASE(6, 7, 2), 1, 0},
      {0, 0, 0},
  };
  (void)state;

  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    assert_int_equal(judge(&bundle, 1, &bundle, rows[i].running)[0] == '\0', rows[i].taken_as_needed);
    assert_int_equal(judge(&bundle, 1, NULL, rows[i].running)[0] == '\0', rows[i].taken_if_unknown);
  }
}

static void test_names_both_versions(void **state) {
  (void)state;
  assert_non_null(strstr(judge(&debian, 1, &debian, RELEASE(5, 5, 4)),
                         "wolfSSL 5.5.4 was found (/usr/lib/libwolfssl.so.35), but this library was built for 5.7.2;"));
}

static void test_this_process(void **state) {
  (void)state;
  assert_null(wolfssl_origin_refusal());
  assert_null(wolfssl_origin_refusal());
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_one_function_from_elsewhere), cmocka_unit_test(test_one_function_from_nowhere),
      cmocka_unit_test(test_all_from_elsewhere),          cmocka_unit_test(test_nothing_known),
      cmocka_unit_test(test_no_shared_libraries),         cmocka_unit_test(test_versions),
      cmocka_unit_test(test_names_both_versions),         cmocka_unit_test(test_this_process),
  };
  return cmocka_run_group_tests_name("wolfssl_origin", tests, NULL, NULL);
}
