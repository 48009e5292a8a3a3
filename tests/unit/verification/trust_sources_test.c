/* SPDX-License-Identifier: MIT */
/* Where anchors came from, and making them anew from the same places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "autoconfig.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backend/fips_module.h"
#include "failing_allocator.h"
#include "minted_certificates.h"
#include "temporary_folder.h"
#include "verification/trust_sources.h"

static int set_up(void **state) {
  amqp_wolfssl_error_t error;

  return fips_module_check(AMQP_WOLFSSL_STAGE_CONFIGURE, &error) == AMQP_WOLFSSL_OK ? minted_certificates_set_up(state)
                                                                                    : -1;
}

static void copy(const char *from, const char *to) {
  size_t length;
  uint8_t *bytes = temporary_folder_read(from, &length);

  temporary_folder_write(to, bytes, length);
  free(bytes);
}

struct trusting {
  struct trust trust;
  struct trust_sources sources;
};

/* One given, one from a file, one given, one from a folder. */
static void set_all(struct trusting *trusting) {
  amqp_wolfssl_error_t error;
  const char *const given[] = {"ca-p384.pem", "ca-rsa3072.pem"};

  memset(trusting, 0, sizeof(*trusting));
  copy("ca.pem", "authority.pem");
  for (int i = 0; i < 2; i++) {
    const enum trust_source_kind kind = i == 0 ? TRUST_FILE : TRUST_FOLDER;
    const char *path = temporary_folder_path(i == 0 ? "authority.pem" : "authorities");
    size_t length;
    uint8_t *bytes = temporary_folder_read(given[i], &length);

    assert_int_equal(trust_sources_begin(&trusting->sources, TRUST_GIVEN, NULL, &trusting->trust, &error),
                     AMQP_WOLFSSL_OK);
    assert_int_equal(trust_add_memory(&trusting->trust, bytes, length, AMQP_WOLFSSL_FORMAT_AUTO, &error),
                     AMQP_WOLFSSL_OK);
    trust_sources_end(&trusting->sources, &trusting->trust, true);
    free(bytes);
    assert_int_equal(trust_sources_begin(&trusting->sources, kind, path, &trusting->trust, &error), AMQP_WOLFSSL_OK);
    assert_int_equal(
        i == 0 ? trust_add_file(&trusting->trust, path, &error) : trust_add_folder(&trusting->trust, path, &error),
        AMQP_WOLFSSL_OK);
    trust_sources_end(&trusting->sources, &trusting->trust, true);
  }
}

static void free_all(struct trusting *trusting) {
  trust_free(&trusting->trust);
  trust_sources_free(&trusting->sources);
  assert_int_equal(trusting->sources.count, 0);
}

static amqp_wolfssl_code_t read_again(const struct trusting *trusting, struct trust *trust) {
  struct file_set set = {0};
  amqp_wolfssl_error_t error;
  amqp_wolfssl_code_t code;

  assert_true(trust_sources_name_files(&trusting->sources, &set));
  assert_int_equal(set.count, 2);
  assert_int_equal(file_set_read(&set, &error), AMQP_WOLFSSL_OK);
  code = trust_sources_read(&trusting->sources, &trusting->trust, set.items, trust, &error);
  file_set_free(&set);
  return code;
}

static int make_folder(void) {
  if (mkdir(temporary_folder_path("authorities"), 0755) != 0) {
    return -1;
  }
  copy("other-ca.pem", "authorities/other.pem");
  return 0;
}

static void test_reads_again(void **state) {
  struct trusting trusting;
  struct trust again = {0};

  (void)state;
  set_all(&trusting);
  assert_int_equal(trusting.trust.anchors.count, 4);
  assert_int_equal(read_again(&trusting, &again), AMQP_WOLFSSL_OK);
  assert_true(trust_equals(&trusting.trust, &again));
  trust_free(&again);
  copy("ca-rsa.pem", "authority.pem");
  copy("ca-rsa.pem", "authorities/more.pem");
  assert_int_equal(read_again(&trusting, &again), AMQP_WOLFSSL_OK);
  assert_int_equal(again.anchors.count, 5);
  assert_false(trust_equals(&trusting.trust, &again));
  assert_int_equal(again.anchors.items[0].length, trusting.trust.anchors.items[0].length); /* given */
  assert_memory_equal(again.anchors.items[2].bytes, trusting.trust.anchors.items[2].bytes,
                      again.anchors.items[2].length);
  trust_free(&again);
  assert_int_equal(unlink(temporary_folder_path("authorities/more.pem")), 0);
  copy("server.pem", "authority.pem"); /* no CA */
  assert_int_equal(read_again(&trusting, &again), AMQP_WOLFSSL_ERROR_CA_UNUSABLE);
  trust_free(&again);
  free_all(&trusting);
}

/* A setter that failed has left nothing to read again. */
static void test_what_was_refused_is_forgotten(void **state) {
  struct trusting trusting;
  struct file_set set = {0};
  amqp_wolfssl_error_t error;

  (void)state;
  set_all(&trusting);
  assert_int_equal(trust_sources_begin(&trusting.sources, TRUST_FILE, "nowhere", &trusting.trust, &error),
                   AMQP_WOLFSSL_OK);
  trust_sources_end(&trusting.sources, &trusting.trust, false);
  assert_true(trust_sources_name_files(&trusting.sources, &set));
  assert_int_equal(set.count, 2);
  file_set_free(&set);
  free_all(&trusting);
}

static void test_out_of_memory(void **state) {
  struct trusting trusting;
  bool struck = true;

  (void)state;
  if (!failing_allocator_works()) {
    skip();
  }
  set_all(&trusting);
  for (size_t nth = 1; struck; nth++) {
    amqp_wolfssl_error_t error;
    struct trust copies = {0};
    amqp_wolfssl_code_t code;

    failing_allocator_arm(nth);
    code = trust_sources_begin(&trusting.sources, TRUST_FILE, "nowhere", &trusting.trust, &error);
    if (code == AMQP_WOLFSSL_OK) {
      trust_sources_end(&trusting.sources, &trusting.trust, false);
      code = trust_add_copies(&copies, &trusting.trust, 1, 3, &error);
    }
    struck = failing_allocator_disarm();
    assert_int_equal(code, struck ? AMQP_WOLFSSL_ERROR_NO_MEMORY : AMQP_WOLFSSL_OK);
    assert_int_equal(copies.anchors.count, struck ? 0 : 3); /* all or nothing */
    assert_int_equal(trusting.sources.count, 4);
    trust_free(&copies);
  }
  free_all(&trusting);
}

static int set_up_all(void **state) { return set_up(state) == 0 ? make_folder() : -1; }

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_reads_again),
      cmocka_unit_test(test_what_was_refused_is_forgotten),
      cmocka_unit_test(test_out_of_memory),
  };

  return cmocka_run_group_tests(tests, set_up_all, minted_certificates_tear_down);
}
