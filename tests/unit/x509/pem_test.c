/* SPDX-License-Identifier: MIT */
/*
 * Finding the blocks of PEM texts: whole ones, damaged ones, and one cut off after every byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "exact_copy.h"
#include "x509/pem.h"

#define CERTIFICATE_BLOCK "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----"
#define KEY_BLOCK "-----BEGIN PRIVATE KEY-----\nMIIC\n-----END PRIVATE KEY-----"

/* Steps to the end: as many blocks as there are labels, and then the result. Input has exactly its size in memory. */
static void assert_blocks_of(const char *text, size_t length, const char *const *labels, enum pem_result last) {
  char *copy = (char *)exact_copy(text, length);
  struct pem_text rest = {copy, length};
  struct pem_block block;

  for (; *labels != NULL; labels++) {
    if (pem_next(&rest, &block) != PEM_BLOCK) {
      fail_msg("no block \"%s\" in: %.*s", *labels, (int)length, text);
    }
    if (!pem_label_is(&block, *labels)) {
      fail_msg("not \"%s\" but \"%.*s\"", *labels, (int)block.label.length, block.label.text);
    }
    assert_memory_equal(block.whole.text, "-----BEGIN ", 11);
    assert_memory_equal(block.whole.text + block.whole.length - 5, "-----", 5);
    assert_true(block.whole.text >= copy && block.whole.text + block.whole.length <= copy + length);
    assert_ptr_equal(rest.text, block.whole.text + block.whole.length);
    assert_int_equal(rest.length, length - (size_t)(rest.text - copy));
  }
  if (pem_next(&rest, &block) != last) {
    fail_msg("does not end as it should: %.*s", (int)length, text);
  }
  free(copy);
}

#define ASSERT_BLOCKS(text, last, ...) \
  assert_blocks_of(text, strlen(text), (const char *const[]){__VA_ARGS__ NULL}, last)

/* ---- Whole texts ---- */

static void test_no_block(void **state) {
  struct pem_text rest = {NULL, 0};
  struct pem_block block;
  (void)state;

  assert_int_equal(pem_next(&rest, &block), PEM_END);
  ASSERT_BLOCKS("", PEM_END, );
  ASSERT_BLOCKS("\n", PEM_END, );
  ASSERT_BLOCKS("just text\n", PEM_END, );
  ASSERT_BLOCKS("-----\n", PEM_END, );
  ASSERT_BLOCKS("----BEGIN CERTIFICATE----\n", PEM_END, );
}

static void test_one_block(void **state) {
  struct pem_text rest = {"text\n" CERTIFICATE_BLOCK "\nmore\n", strlen("text\n" CERTIFICATE_BLOCK "\nmore\n")};
  struct pem_block block;
  (void)state;

  assert_int_equal(pem_next(&rest, &block), PEM_BLOCK);
  assert_int_equal(block.label.length, 11);
  assert_memory_equal(block.label.text, "CERTIFICATE", 11);
  assert_int_equal(block.whole.length, strlen(CERTIFICATE_BLOCK));
  assert_memory_equal(block.whole.text, CERTIFICATE_BLOCK, strlen(CERTIFICATE_BLOCK));
  assert_int_equal(rest.length, strlen("\nmore\n"));
  assert_int_equal(pem_next(&rest, &block), PEM_END);
}

static void test_many_blocks_in_order(void **state) {
  (void)state;
  ASSERT_BLOCKS(CERTIFICATE_BLOCK "\n" KEY_BLOCK "\n", PEM_END, "CERTIFICATE", "PRIVATE KEY", );
  ASSERT_BLOCKS(KEY_BLOCK "\n" CERTIFICATE_BLOCK "\n" CERTIFICATE_BLOCK, PEM_END, "PRIVATE KEY", "CERTIFICATE",
                "CERTIFICATE", );
  ASSERT_BLOCKS(CERTIFICATE_BLOCK CERTIFICATE_BLOCK, PEM_END, "CERTIFICATE", "CERTIFICATE", );
}

/* What openssl x509 -text and the makers of CA bundles write around the blocks. */
static void test_text_between_is_passed_over(void **state) {
  (void)state;
  ASSERT_BLOCKS("Certificate:\n    Data: \x01\xff -- ---\nSubject: O = Acme\n" CERTIFICATE_BLOCK
                "\n\nAcme Root\n=========\n\n" CERTIFICATE_BLOCK "\n# end\n",
                PEM_END, "CERTIFICATE", "CERTIFICATE", );
  ASSERT_BLOCKS("Bag Attributes\n    friendlyName: -----\n" CERTIFICATE_BLOCK "\n", PEM_END, "CERTIFICATE", );
}

static void test_nul_bytes_are_text_like_any_other(void **state) {
  static const char text[] = "a\0b\n" CERTIFICATE_BLOCK "\n\0" CERTIFICATE_BLOCK;
  (void)state;

  assert_blocks_of(text, sizeof(text) - 1, (const char *const[]){"CERTIFICATE", "CERTIFICATE", NULL}, PEM_END);
}

static void test_line_ends(void **state) {
  (void)state;
  ASSERT_BLOCKS(
      "-----BEGIN CERTIFICATE-----\r\nMIIB\r\n-----END CERTIFICATE-----\r\n"
      "-----BEGIN PRIVATE KEY-----\r\nMIIC\r\n-----END PRIVATE KEY-----\r\n",
      PEM_END, "CERTIFICATE", "PRIVATE KEY", );
  ASSERT_BLOCKS("-----BEGIN CERTIFICATE-----\rMIIB\r-----END CERTIFICATE-----\r", PEM_END, "CERTIFICATE", );
}

static void test_headers_inside_a_block(void **state) {
  (void)state;
  ASSERT_BLOCKS(
      "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nMIIC\n"
      "-----END RSA PRIVATE KEY-----\n",
      PEM_END, "RSA PRIVATE KEY", );
}

/* ---- Damaged texts ---- */

static void test_begin_needs_its_own_end(void **state) {
  (void)state;
  ASSERT_BLOCKS("-----BEGIN CERTIFICATE-----\nMIIB\n", PEM_UNTERMINATED, );
  ASSERT_BLOCKS("-----BEGIN CERTIFICATE-----\nMIIB\n-----END PRIVATE KEY-----\n", PEM_UNTERMINATED, );
  ASSERT_BLOCKS("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICAT-----\n", PEM_UNTERMINATED, );
  ASSERT_BLOCKS("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATES-----\n", PEM_UNTERMINATED, );
  ASSERT_BLOCKS("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE----\n", PEM_UNTERMINATED, );
  ASSERT_BLOCKS("-----BEGIN CERTIFICATE-----\nMIIB\n-----END certificate-----\n", PEM_UNTERMINATED, );
  ASSERT_BLOCKS(CERTIFICATE_BLOCK "\n-----BEGIN CERTIFICATE-----\nMIIB\n", PEM_UNTERMINATED, "CERTIFICATE", );
}

/* Else what is between them would be shorter than nothing. */
static void test_begin_and_end_share_no_dashes(void **state) {
  (void)state;
  ASSERT_BLOCKS("-----BEGIN CERTIFICATE-----END CERTIFICATE-----\n", PEM_UNTERMINATED, );
  ASSERT_BLOCKS("-----BEGIN X509 CRL-----END X509 CRL-----", PEM_UNTERMINATED, );
  ASSERT_BLOCKS("-----BEGIN CERTIFICATE---------END CERTIFICATE-----\n", PEM_UNTERMINATED, );
  ASSERT_BLOCKS("-----BEGIN CERTIFICATE----------END CERTIFICATE-----\n", PEM_END, "CERTIFICATE", );
  ASSERT_BLOCKS(CERTIFICATE_BLOCK "-----BEGIN CERTIFICATE-----END CERTIFICATE-----\n", PEM_UNTERMINATED,
                "CERTIFICATE", );
}

static void test_crossed_blocks(void **state) {
  (void)state;
  /* The END of the second must not end the first. */
  ASSERT_BLOCKS("-----BEGIN CERTIFICATE-----\nMIIB\n" CERTIFICATE_BLOCK "\n", PEM_UNTERMINATED, );
  ASSERT_BLOCKS("-----BEGIN CERTIFICATE-----\nMIIB\n" KEY_BLOCK "\n-----END CERTIFICATE-----\n", PEM_UNTERMINATED, );
  ASSERT_BLOCKS(
      "-----BEGIN CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\n-----END CERTIFICATE-----\n"
      "-----END PRIVATE KEY-----\n",
      PEM_UNTERMINATED, );
}

static void test_begin_line_is_damaged(void **state) {
  (void)state;
  ASSERT_BLOCKS("-----BEGIN CERTIFICATE\nMIIB\n-----END CERTIFICATE-----\n", PEM_UNTERMINATED, );
  ASSERT_BLOCKS("-----BEGIN CERTIFICATE----\nMIIB\n-----END CERTIFICATE-----\n", PEM_UNTERMINATED, );
  ASSERT_BLOCKS("-----BEGIN -----\nMIIB\n-----END -----\n", PEM_UNTERMINATED, );
  ASSERT_BLOCKS("-----BEGIN \x01-----\nMIIB\n-----END \x01-----\n", PEM_UNTERMINATED, );
  ASSERT_BLOCKS("-----BEGIN \x80-----\nMIIB\n-----END \x80-----\n", PEM_UNTERMINATED, );
}

/* A block whose BEGIN line is gone is a certificate less, and nobody would know. */
static void test_end_needs_its_begin(void **state) {
  (void)state;
  ASSERT_BLOCKS("MIIB\n-----END CERTIFICATE-----\n", PEM_UNTERMINATED, );
  ASSERT_BLOCKS("MIIB\n-----END CERTIFICATE-----\n" CERTIFICATE_BLOCK "\n", PEM_UNTERMINATED, );
  ASSERT_BLOCKS(CERTIFICATE_BLOCK "\nMIIB\n-----END CERTIFICATE-----\n", PEM_UNTERMINATED, "CERTIFICATE", );
  ASSERT_BLOCKS(CERTIFICATE_BLOCK "\n-----BEGINCERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n" CERTIFICATE_BLOCK,
                PEM_UNTERMINATED, "CERTIFICATE", );
}

/* Two blocks, cut off after every byte: whole blocks only count when nothing of a further one has begun. */
static void test_cut_off_after_every_byte(void **state) {
  static const char text[] = CERTIFICATE_BLOCK "\n" KEY_BLOCK "\n";
  static const char *const none[] = {NULL};
  static const char *const one[] = {"CERTIFICATE", NULL};
  static const char *const both[] = {"CERTIFICATE", "PRIVATE KEY", NULL};
  const size_t first = strlen(CERTIFICATE_BLOCK);
  const size_t length = strlen(text);
  (void)state;

  assert_blocks_of(text, 0, none, PEM_END);
  for (size_t cut = strlen("-----BEGIN "); cut < first; cut++) {
    assert_blocks_of(text, cut, none, PEM_UNTERMINATED);
  }
  assert_blocks_of(text, first, one, PEM_END);
  assert_blocks_of(text, first + 1, one, PEM_END);
  for (size_t cut = first + 1 + strlen("-----BEGIN "); cut < length - 1; cut++) {
    assert_blocks_of(text, cut, one, PEM_UNTERMINATED);
  }
  assert_blocks_of(text, length - 1, both, PEM_END);
  assert_blocks_of(text, length, both, PEM_END);
}

/* The same where the cut goes through the BEGIN itself, with both line ends. */
static void test_cut_off_in_the_begin(void **state) {
  static const char *const one[] = {"CERTIFICATE", NULL};
  static const char *const texts[] = {CERTIFICATE_BLOCK "\n" CERTIFICATE_BLOCK,
                                      CERTIFICATE_BLOCK "\r\n" CERTIFICATE_BLOCK};
  (void)state;

  for (size_t i = 0; i < 2; i++) {
    const size_t begin = strlen(CERTIFICATE_BLOCK) + 1 + i;

    for (size_t cut = begin + 1; cut < begin + strlen("-----BEGIN "); cut++) {
      assert_blocks_of(texts[i], cut, one, PEM_UNTERMINATED);
    }
  }
}

/* ---- Labels ---- */

static struct pem_block labelled(const char *label, const char *whole) {
  struct pem_block block = {{label, strlen(label)}, {whole, strlen(whole)}};

  return block;
}

static void test_label_is_whole(void **state) {
  struct pem_block block = labelled("CERTIFICATE", "");
  (void)state;

  assert_true(pem_label_is(&block, "CERTIFICATE"));
  assert_false(pem_label_is(&block, "CERTIFICATE "));
  assert_false(pem_label_is(&block, "CERTIFICAT"));
  assert_false(pem_label_is(&block, "certificate"));
  assert_false(pem_label_is(&block, ""));
}

static void test_which_labels_are_what(void **state) {
  static const struct {
    const char *label;
    bool certificate;
    bool key;
    bool encrypted;
  } labels[] = {
      {"CERTIFICATE", true, false, false},
      {"X509 CERTIFICATE", true, false, false},
      {"TRUSTED CERTIFICATE", false, false, false},
      {"CERTIFICATE REQUEST", false, false, false},
      {"NEW CERTIFICATE REQUEST", false, false, false},
      {"X509 CRL", false, false, false},
      {"PKCS7", false, false, false},
      {"PUBLIC KEY", false, false, false},
      {"EC PARAMETERS", false, false, false},
      {"DH PARAMETERS", false, false, false},
      {"PRIVATE KEY", false, true, false},
      {"RSA PRIVATE KEY", false, true, false},
      {"EC PRIVATE KEY", false, true, false},
      {"ENCRYPTED PRIVATE KEY", false, true, true},
      {"RIVATE KEY", false, false, false},
      {"PRIVATE KEYS", false, false, false},
  };
  (void)state;

  for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
    struct pem_block block = labelled(labels[i].label, "");

    if (pem_is_certificate(&block) != labels[i].certificate || pem_is_private_key(&block) != labels[i].key ||
        pem_is_encrypted(&block) != labels[i].encrypted) {
      fail_msg("%s", labels[i].label);
    }
  }
}

static void test_traditional_encryption(void **state) {
  static const char encrypted[] = "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n";
  static const char signed_only[] = "-----BEGIN EC PRIVATE KEY-----\nProc-Type: 4,MIC-ONLY\n";
  struct pem_block block = labelled("EC PRIVATE KEY", encrypted);
  (void)state;

  assert_true(pem_is_encrypted(&block));
  block = labelled("EC PRIVATE KEY", signed_only);
  assert_false(pem_is_encrypted(&block));
  block = labelled("CERTIFICATE", encrypted);
  assert_false(pem_is_encrypted(&block));
}

/* ---- PEM or DER ---- */

static void test_pem_or_der(void **state) {
  static const uint8_t der[] = {0x30, 0x82, 0x01, 0x00, 0x30, '-', '-', '-', '-', '-', 'B', 'E', 'G', 'I', 'N'};
  (void)state;

  assert_true(pem_is_likely(CERTIFICATE_BLOCK, strlen(CERTIFICATE_BLOCK)));
  assert_true(pem_is_likely("text\n" CERTIFICATE_BLOCK, 5 + strlen(CERTIFICATE_BLOCK)));
  assert_true(pem_is_likely("-----BEGIN ", 11));
  assert_false(pem_is_likely("-----BEGIN", 10));
  assert_false(pem_is_likely(der, sizeof(der)));
  assert_false(pem_is_likely("", 0));
  assert_false(pem_is_likely(NULL, 0));
}

/* ---- Decoding ---- */

/* The base64 starts on the line behind BEGIN; what else is in a block is not passed over. */
static void test_decoding(void **state) {
  static const struct {
    const char *text;
    const char *decoded; /* NULL: refused */
  } rows[] = {
      {"-----BEGIN X-----\nYWJjZGVm\n-----END X-----", "abcdef"},
      {"-----BEGIN X-----\r\nYWJj\r\nZGVm\r\n-----END X-----", "abcdef"},
      {"-----BEGIN X-----\nYWJjZA==\n-----END X-----", "abcd"},
      {"-----BEGIN X----- \nYWJj\n-----END X-----", "abc"},
      {"-----BEGIN X-----\nYWJj-----END X-----", "abc"},
      {"-----BEGIN X-----YWJjZGVm\n-----END X-----", NULL},
      {"-----BEGIN X-----\rYWJjZGVm\n-----END X-----", NULL},
      {"-----BEGIN X-----Y\nYWJj\n-----END X-----", NULL},
      {"-----BEGIN X-----\n\n\nYWJj\n-----END X-----", NULL},
      {"-----BEGIN X-----\n-----END X-----", NULL},
      {"-----BEGIN X----------END X-----", NULL},
      {"-----BEGIN X-----\nYWJ*\n-----END X-----", NULL},
      {"-----BEGIN X-----\nProc-Type: 4,ENCRYPTED\n\nYWJj\n-----END X-----", NULL},
  };

  (void)state;
  for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
    struct pem_text rest = {rows[i].text, strlen(rows[i].text)};
    struct pem_block block;
    uint8_t *der;
    size_t length;
    enum pem_decode_result result;

    assert_int_equal(pem_next(&rest, &block), PEM_BLOCK);
    length = block.whole.length;
    der = malloc(length);
    assert_non_null(der);
    result = pem_decode(&block, der, &length);
    if (result != (rows[i].decoded != NULL ? PEM_DECODED : PEM_NOT_BASE64)) {
      fail_msg("row %zu: %d", i, (int)result);
    }
    if (rows[i].decoded != NULL) {
      assert_int_equal(length, strlen(rows[i].decoded));
      assert_memory_equal(der, rows[i].decoded, length);
    }
    free(der);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_no_block),
      cmocka_unit_test(test_one_block),
      cmocka_unit_test(test_many_blocks_in_order),
      cmocka_unit_test(test_text_between_is_passed_over),
      cmocka_unit_test(test_nul_bytes_are_text_like_any_other),
      cmocka_unit_test(test_line_ends),
      cmocka_unit_test(test_headers_inside_a_block),
      cmocka_unit_test(test_begin_needs_its_own_end),
      cmocka_unit_test(test_begin_and_end_share_no_dashes),
      cmocka_unit_test(test_crossed_blocks),
      cmocka_unit_test(test_begin_line_is_damaged),
      cmocka_unit_test(test_end_needs_its_begin),
      cmocka_unit_test(test_cut_off_after_every_byte),
      cmocka_unit_test(test_cut_off_in_the_begin),
      cmocka_unit_test(test_label_is_whole),
      cmocka_unit_test(test_which_labels_are_what),
      cmocka_unit_test(test_traditional_encryption),
      cmocka_unit_test(test_pem_or_der),
      cmocka_unit_test(test_decoding),
  };
  return cmocka_run_group_tests_name("pem", tests, NULL, NULL);
}
