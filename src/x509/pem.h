/* SPDX-License-Identifier: MIT */
/*
 * Finds the blocks of a PEM text (RFC 7468), and decodes them. It exists because wolfSSL stops at the first thing in a
 * bundle that it can't read, and reports success: a half-written bundle must not silently trust less, or send less,
 * than its owner intended.
 */
#ifndef AMQP_WOLFSSL_PEM_H
#define AMQP_WOLFSSL_PEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pem_result { PEM_BLOCK, PEM_END, PEM_UNTERMINATED };

struct pem_text {
  const char *text;
  size_t length;
};

struct pem_block {
  struct pem_text label; /**< such as "CERTIFICATE" */
  struct pem_text whole; /**< from the first dash of BEGIN to the last of END */
};

/** Steps to the next block; text between blocks is skipped (RFC 7468, section 2). A BEGIN needs its own END. */
enum pem_result pem_next(struct pem_text *rest, struct pem_block *block);

enum pem_decode_result { PEM_DECODED, PEM_NOT_BASE64, PEM_NO_MEMORY };

/**
 * Decodes the base64 of a block, which starts on a line of its own. Headers ("Proc-Type: …") are not base64.
 * \param [in,out] length the room in \a der, then what was written; block->whole.length is always enough
 */
enum pem_decode_result pem_decode(const struct pem_block *block, uint8_t *der, size_t *length);

bool pem_label_is(const struct pem_block *block, const char *label);

/**
 * A certificate, by the label of RFC 7468, section 5.1, or the older one. OpenSSL's "TRUSTED CERTIFICATE" is not one:
 * it has trust settings after the certificate that would be lost here.
 */
bool pem_is_certificate(const struct pem_block *block);

/** A revocation list (RFC 7468, section 6). */
bool pem_is_revocation_list(const struct pem_block *block);

/** A private key of any kind, encrypted or not. */
bool pem_is_private_key(const struct pem_block *block);

/** An encrypted private key: PKCS#8's own label, or the traditional header "Proc-Type: 4,ENCRYPTED". */
bool pem_is_encrypted(const struct pem_block *block);

/** Whether the bytes look like PEM rather than DER. */
bool pem_is_likely(const void *bytes, size_t length);

/** Whether a block is wanted, or a text is damaged before one: reading it then says what is wrong. */
bool pem_may_hold(const void *bytes, size_t length, bool (*is_wanted)(const struct pem_block *block));

#endif
