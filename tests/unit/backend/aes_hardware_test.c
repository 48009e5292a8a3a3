/* SPDX-License-Identifier: MIT */
/*
 * What is said of AES instructions: against the options of the wolfSSL that the test was compiled with and runs on, and
 * what the kernel says of the processor.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "autoconfig.h"
#include "backend/aes_hardware.h"
#include "backend/wolfssl_headers.h"

#define HARDWARE "AES by hardware"
#define SOFTWARE "AES without hardware"

static const uint8_t key[AES_HARDWARE_KEY_BYTES] = {0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe,
                                                    0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0x00};
static const uint8_t in_words[AES_HARDWARE_KEY_BYTES] = {0x76, 0x54, 0x32, 0x10, 0xfe, 0xdc, 0xba, 0x98,
                                                         0x67, 0x45, 0x23, 0x01, 0x00, 0xcd, 0xab, 0x89};

static bool kernel_says_aes(void) {
  char line[8192];
  bool found = false;
  FILE *file = fopen("/proc/cpuinfo", "r");

  assert_non_null(file);
  while (!found && fgets(line, sizeof(line), file) != NULL) {
    bool is_list = strncmp(line, "flags", 5) == 0 || strncmp(line, "Features", 8) == 0;

    line[strcspn(line, "\n")] = ' ';
    found = is_list && strstr(line, " aes ") != NULL;
  }
  (void)fclose(file);
  return found;
}

static bool headers_say_aes(void) {
#if defined(WOLFSSL_AESNI) || defined(USE_INTEL_SPEEDUP) || \
    (defined(WOLFSSL_ARMASM) && !defined(WOLFSSL_ARMASM_NO_HW_CRYPTO))
  return true;
#else
  return false;
#endif
}

static void test_is_right_here(void **state) {
  (void)state;
  assert_string_equal(aes_hardware_text(), headers_say_aes() && kernel_says_aes() ? HARDWARE : SOFTWARE);
}

static void test_key_as_it_comes(void **state) {
  (void)state;
  assert_string_equal(aes_hardware_judge(key, key, true), HARDWARE);
}

static void test_key_in_words(void **state) {
  (void)state;
  assert_string_equal(aes_hardware_judge(key, in_words, true), SOFTWARE);
}

/* Where code in C keeps the key as it comes: with a processor of the other byte order. */
static void test_processor_without_instructions(void **state) {
  (void)state;
  assert_string_equal(aes_hardware_judge(key, key, false), SOFTWARE);
  assert_string_equal(aes_hardware_judge(key, in_words, false), SOFTWARE);
}

static void test_key_kept_in_another_way(void **state) {
  uint8_t kept[AES_HARDWARE_KEY_BYTES];
  (void)state;

  memcpy(kept, key, sizeof(kept));
  kept[AES_HARDWARE_KEY_BYTES - 1] ^= 1;
  assert_string_equal(aes_hardware_judge(key, kept, true), "AES unknown");
  memcpy(kept, in_words, sizeof(kept));
  kept[0] ^= 1;
  assert_string_equal(aes_hardware_judge(key, kept, true), "AES unknown");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_is_right_here),
      cmocka_unit_test(test_key_as_it_comes),
      cmocka_unit_test(test_key_in_words),
      cmocka_unit_test(test_processor_without_instructions),
      cmocka_unit_test(test_key_kept_in_another_way),
  };
  return cmocka_run_group_tests_name("aes_hardware", tests, NULL, NULL);
}
